"""Filled areas behind the curves: confidence ribbons, shaded periods, boxes of notes, where they overlap too.

A pixel of a line is a mixture of its ink with what lies behind it, so a line over a ribbon is compared with the ribbon and not
with the empty panel. An area is filled when a square wider than any line fits into it with one pale colour throughout; it is
grown to all connected pixels of its colours, and what lies behind a stroke is the nearest pixel that is no stroke.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from nextarm.figures.raster.channels import largest

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Colours of filled areas are told apart by this much (of 255), with twice the noise on top.
NEAR = 9.0
#: An area of at least this share of the panel counts; fainter than FAINT or stronger than STRONG (of 255) is none.
LEAST, FAINT, STRONG = 0.004, 7.0, 135.0
#: Most colours of areas (three ribbons overlap in seven ways).
MOST = 16


def behind(difference: Image, unknown: Mask, noise: float) -> Image:
    """Colour difference from the empty panel of what lies behind the strokes, shape of ``difference``; (1, 1, 3) zeros without areas.

    ``unknown`` are pixels that say nothing (frame, legend). Noise is the standard deviation of a background pixel.
    """
    nothing = np.zeros((1, 1, 3), np.float32)
    rows, columns = difference.shape[:2]
    if min(rows, columns) < 40:
        return nothing
    colours = area_colours(difference, unknown, noise)
    if not colours:
        return nothing
    near = NEAR + 2 * noise
    filled = np.zeros((rows, columns), bool)
    level = np.zeros_like(difference)
    best = np.full((rows, columns), np.float32(near))
    for colour in colours:
        apart = largest(np.abs(difference - colour))
        mine = apart < best
        best[mine] = apart[mine]
        level[mine] = colour
        filled |= mine
    filled &= ~unknown
    filled = cv2.morphologyEx(filled.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    empty = (largest(np.abs(difference)) < max(6.0, 3.5 * noise)) & ~unknown
    known = filled | empty
    if not known.any():
        return nothing
    level[~filled] = 0.0
    place = distance_transform_edt(~known, return_distances=False, return_indices=True)
    ground = np.asarray(level[place[0], place[1]], np.float32)
    # A pixel on the border of an area is a mixture of its two sides: behind it lies itself.
    square = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(ground, square) - near / 2, cv2.dilate(ground, square) + near / 2
    border = (largest(high - low) > 1.5 * near) & (largest(low - difference) <= 0) & (largest(difference - high) <= 0)
    ground[border] = difference[border]
    return ground


def area_colours(difference: Image, unknown: Mask, noise: float) -> list[Image]:
    """The colours of filled areas, most frequent first."""
    rows, columns = difference.shape[:2]
    side = max(9, rows // 90)
    square = np.ones((side, side), np.uint8)
    spread = largest(cv2.dilate(difference, square) - cv2.erode(difference, square))
    strength = largest(np.abs(difference))
    seed = (spread < 2 * NEAR + 4 * noise) & (strength > FAINT + 2 * noise) & (strength < STRONG + 60) & ~unknown
    left = difference[seed]
    least = max(30, int(LEAST * rows * columns / 8))
    colours: list[Image] = []
    while left.shape[0] >= least and len(colours) < MOST:
        cell = np.floor(left / 8.0).astype(np.int64) @ np.array([1, 1024, 1024 * 1024])
        values, counts = np.unique(cell, return_counts=True)
        start = np.median(left[cell == values[counts.argmax()]], axis=0)
        near = np.abs(left - start).max(axis=1) < NEAR + noise
        if near.sum() >= least and np.sqrt((start**2).mean()) < STRONG:
            colours.append(np.asarray(np.median(left[near], axis=0), np.float32))
        left = left[~near & (cell != values[counts.argmax()])]
    return colours
