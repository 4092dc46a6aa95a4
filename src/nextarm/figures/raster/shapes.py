"""Censor marks that are no bars: rings and crosses, found by the shape that is seen most often alone.

Beside every stretch of level line the ink is laid out by its distance from the line, without the stroke itself. Blobs that
stand alone and are like most others give the shape of one mark. Where that shape is no bar, marks are placed one by one: each
time the one that explains most of the ink not yet explained, as long as nearly all of its own ink is there.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats

#: Ink in a column (pixels) that is more than noise.
SOME = 0.7
#: Fewest blobs that a shape is learnt from, and how alike they must be.
FEWEST, ALIKE = 3, 0.8
#: Strokes (pixels) that rings and crosses are drawn with: of thin curves, of thick ones (and as a part of their width); parts that a
#: pixel is divided into.
THIN, THICK, STROKE_PART, FINE = 1.2, 2.2, 0.7, 5
#: Part of its ink that must be there, and part that must be new, for a mark to be placed.
THERE, NEW = 0.7, 0.3
#: Inked part of the box around a mark from which it is a disc: where discs overlap their outline alone tells them apart.
FILLED = 0.72
#: Part of a mark that must be visible.
LEAST_SEEN = 0.25


@record
class Shape:
    """The mean ink of one mark (rows from above to below the line, columns about its middle)."""

    ink: Floats
    votes: int

    @property
    def round(self) -> bool:
        """Whether the mark is about as wide as it is high, as a ring or a cross is and a bar is not, and is not filled."""
        beside = self.ink[self.ink.max(axis=1) > 0.3]
        filled = float((beside > 0.3).sum()) / max(1.0, beside.shape[0] * self.width)
        return 0.65 * self.height < self.width < 1.7 * self.height and filled < FILLED

    @property
    def width(self) -> float:
        """Width of the inked columns."""
        return float((self.ink.sum(axis=0) > SOME).sum())

    @property
    def height(self) -> float:
        """Height of the inked rows, the stroke included."""
        rows = np.flatnonzero(self.ink.max(axis=1) > 0.3)
        return float(rows[-1] - rows[0] + 1) if rows.size else 0.0


def learn_shape(rest: Image, blocked: Mask, steps: Steps, *, width: float, reach: int) -> Shape | None:
    """The shape of the marks along one curve, from the ink ``rest`` beside its stroke; None where it is a bar or not clear."""
    ink, seen = laid_out(rest, blocked, steps, width=width, reach=reach)
    shape = shape_of(blobs(ink, seen, width=width, reach=reach))
    return shape if shape is not None and shape.round else None


def rings_and_crosses(half: float, width: float) -> list[Shape]:
    """Rings and crosses that reach about ``half`` pixels from a curve of ``width``, drawn with thin and thick strokes."""
    shapes = []
    thick = STROKE_PART * width
    strokes = (THICK, thick) if thick > THICK + 0.5 * THIN else (THIN, THICK)
    for reach in half + np.arange(-1.0, 2.01, 1.0):
        for stroke in strokes:
            size = int(np.ceil(reach)) + 1
            fine = (np.arange((2 * size + 1) * FINE) + 0.5) / FINE - size - 0.5
            down, right = np.meshgrid(fine, fine, indexing="ij")
            ring = np.abs(np.hypot(down, right) - (reach - stroke / 2)) < stroke / 2
            cross = np.minimum(np.abs(down - right), np.abs(down + right)) < stroke / np.sqrt(2)
            cross &= np.maximum(np.abs(down), np.abs(right)) < reach
            for drawn in (ring, cross):
                ink = drawn.reshape(2 * size + 1, FINE, 2 * size + 1, FINE).mean(axis=(1, 3))
                shapes.append(Shape(ink=np.asarray(ink, float), votes=0))
    return shapes


def beside(drawn: Image, blocked: Mask) -> Mask:
    """Pixels that neither the stroke ``drawn`` nor anything else covers."""
    stroke = cv2.dilate((drawn > 0.25).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(~blocked & ~stroke, bool)


def laid_out(rest: Image, blocked: Mask, steps: Steps, *, width: float, reach: int) -> tuple[Floats, Mask]:
    """Ink by distance from the line, (2 reach + 1, columns), and what of it is seen: not the stroke, not its drops."""
    rows, columns = rest.shape
    centre = np.asarray(np.arange(columns) + 0.5, float)
    level = steps.at(centre)
    offset = np.arange(-reach, reach + 1)
    at = np.floor(level).astype(np.int64)[None] + offset[:, None]
    inside = (at >= 0) & (at < rows)
    at = np.clip(at, 0, rows - 1)
    column = np.broadcast_to(np.arange(columns), at.shape)
    seen = inside & ~blocked[at, column] & (np.abs(at + 0.5 - level) > width / 2 + 0.7)
    for k in range(1, steps.x.size):
        a, b = int(max(0, np.floor(steps.x[k] - width / 2 - 0.7))), int(np.ceil(steps.x[k] + width / 2 + 0.7))
        seen[:, a:b] = False
    seen[:, : max(0, int(steps.x[0]) + 1)] = False
    seen[:, int(np.ceil(steps.end)) :] = False
    return np.asarray(np.where(seen, np.clip(rest[at, column], 0.0, 1.0), 0.0), float), np.asarray(seen, bool)


def blobs(ink: Floats, seen: Mask, *, width: float, reach: int) -> list[Floats]:
    """Ink of blobs that stand alone on level line, each (2 reach + 1, 2 reach + 1) about its middle."""
    clear = seen.sum(axis=0) >= 0.5 * seen.sum(axis=0).max(initial=1)
    up = np.where(ink > 0.25, ink, 0.0).sum(axis=0) > SOME
    # The stroke hides the middle of a ring: columns between its two sides belong to it.
    filled = up.copy()
    places = np.flatnonzero(up)
    for a, b in itertools.pairwise(places.tolist()):
        if 1 < b - a <= width + 4:
            filled[a:b] = True
    edge = np.diff(np.concatenate([[0], filled.astype(np.int8), [0]]))
    spans = list(zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True))
    found = []
    for i, (a, b) in enumerate(spans):
        before = spans[i - 1][1] if i else -99
        after = spans[i + 1][0] if i + 1 < len(spans) else 10**9
        middle = (a + b) // 2
        if b - a > 2 * reach or min(a - before, after - b) < 3 or middle < reach or middle + reach + 1 > ink.shape[1]:
            continue
        if not clear[max(0, a - 2) : b + 2].all():
            continue
        column = ink[:, a:b].sum(axis=0)
        centre = a + float((column * (np.arange(b - a) + 0.5)).sum() / column.sum())
        middle = int(np.floor(centre))
        if middle < reach or middle + reach + 1 > ink.shape[1]:
            continue
        part = np.zeros((2 * reach + 1, 2 * reach + 1))
        lo, hi = max(a, middle - reach), min(b, middle + reach + 1)
        part[:, lo - middle + reach : hi - middle + reach] = ink[:, lo:hi]
        above, below = part[:reach].sum(), part[reach + 1 :].sum()
        if min(above, below) > 0.5 * max(above, below):
            found.append(part)
    return found


def shape_of(parts: list[Floats]) -> Shape | None:
    """The shape that most blobs have; None where they are few or not alike."""
    if len(parts) < FEWEST:
        return None
    flat = np.stack([soft(p).ravel() for p in parts])
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    alike = unit @ unit.T
    votes = (alike > ALIKE).sum(axis=1)
    best = int(np.argmax(votes + 1e-3 * alike.sum(axis=1)))
    if votes[best] < max(FEWEST, 0.3 * len(parts)):
        return None
    return Shape(ink=np.mean([parts[i] for i in np.flatnonzero(alike[best] > ALIKE)], axis=0), votes=int(votes[best]))


def soft(part: Floats) -> Floats:
    """The part blurred over three columns and rows: blobs half a pixel apart are alike."""
    for axis in (0, 1):
        part = 0.25 * np.roll(part, 1, axis) + 0.5 * part + 0.25 * np.roll(part, -1, axis)
    return part


def place_shapes(rest: Image, visible: Mask, steps: Steps, shape: Shape) -> tuple[Floats, float]:
    """Columns of marks of ``shape``, placed greedily, and the share of the ink beside the stroke that they explain.

    ``visible`` are pixels that neither the stroke nor anything else covers.
    """
    core = np.where(shape.ink > 0.2, shape.ink, 0.0)
    half, size = core.shape[1] // 2, core.shape[0]
    first, last = max(0, int(np.floor(steps.x[0]))), min(rest.shape[1], int(np.ceil(steps.end)))
    columns = np.arange(first, last)
    level = np.clip(np.floor(steps.at(np.asarray(columns + 0.5, float))).astype(np.int64), 1, rest.shape[0] - 2)
    pad = ((half + 1, half + 1), (half, half))
    left = np.pad(np.where(visible & (rest > 0.25), np.clip(rest, 0, 1), 0.0).astype(np.float32), pad)
    band = np.zeros(left.shape, bool)
    reach = int(0.5 * shape.height) + 1
    for up in range(-reach, reach + 1):
        band[np.clip(level + up, 0, rest.shape[0] - 1) + half + 1, columns + half] = True
    total = float(left[band].sum())
    windows, sights = (np.lib.stride_tricks.sliding_window_view(v, core.shape) for v in (left, np.pad(visible, pad)))
    there, mass, rise = np.zeros(columns.size), np.zeros(columns.size), np.zeros(columns.size, np.int64)
    for up in (1, 0, 2):
        sight = sights[level + up, columns]
        weight = np.einsum("kij,ij->k", sight.astype(float), core)
        match = np.minimum(windows[level + up, columns], core).sum(axis=(1, 2)) / np.maximum(weight, 1e-9)
        match[weight < LEAST_SEEN * core.sum()] = 0.0
        better = match > there + 0.03
        there, mass, rise = np.where(better, match, there), np.where(better, weight, mass), np.where(better, up, rise)
    possible = there > THERE
    row = level + rise

    def gain(some: NDArray[np.int64]) -> Floats:
        new = np.minimum(windows[row[some], columns[some]], core).sum(axis=(1, 2)) / np.maximum(mass[some], 1e-9)
        return np.asarray(np.where(possible[some], new * there[some], 0.0), float)

    best = gain(np.arange(columns.size))
    places: list[float] = []
    whole = np.minimum(1.3 * soft(shape.ink) + core, 1.0)
    while best.max(initial=0.0) > NEW:
        k = int(np.argmax(best))
        near = there[max(0, k - 1) : k + 2]
        weight = np.clip(near - 0.9 * near.max(), 0, None)
        places.append(float(first + max(0, k - 1) + (weight * np.arange(near.size)).sum() / weight.sum() + 0.5))
        part = left[row[k] : row[k] + size, columns[k] : columns[k] + 2 * half + 1]
        part -= np.minimum(part, whole)
        around = np.arange(max(0, k - 2 * half), min(columns.size, k + 2 * half + 1))
        best[around] = gain(around)
        best[k] = 0.0
    return np.sort(np.asarray(places, float)), 1.0 - float(left[band].sum()) / max(total, 1e-9)
