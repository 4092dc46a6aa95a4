"""Text that other ink runs through: words found in the ink of one colour at a time.

A name printed over a curve, or over another name, is one piece with it. In the picture of one hue alone (or of what is about
grey) it stands by itself; strokes that other ink hides are closed where they go on above and below it, or left and right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.words import KERNEL, Contrast, Image, Word, ink_colour, letter_ink, read_words, word_boxes

#: Chroma (length of the two colour differences) above which ink has a hue; half of the width of a hue (degrees).
COLOURED, HALF = 40.0, 16.0
#: Share of the coloured ink that a hue must have to be looked at, and most hues.
SHARE, MOST = 0.015, 4
#: Longest stretch of hidden stroke that is closed, in pixels.
HIDDEN = 7
#: Least number of letters of a word that is looked for.
LETTERS = 3


def layers(rgb: Image, ink: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Masks of the ink of one hue each, and of the ink without hue; none where there is only one.

    Args:
        rgb: The picture or a part of it, shape (rows, columns, 3).
        ink: The pixels of its letters, shape (rows, columns).
    """
    red, green, blue = (rgb[..., k].astype(np.float32) for k in range(3))
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = 0.564 * (blue - light), 0.713 * (red - light)
    coloured = ink & (np.hypot(u, v) > COLOURED)
    angle = np.degrees(np.arctan2(v, u)) % 360
    count = np.bincount((angle[coloured] // 6).astype(int), minlength=60).astype(float)
    found: list[NDArray[np.bool_]] = []
    for _ in range(MOST):
        near = np.roll(count, -1) + count + np.roll(count, 1)
        if near.max() < SHARE * max(1.0, float(coloured.sum())):
            break
        at = float(np.argmax(near) * 6 + 3)
        off = np.abs((angle - at + 180) % 360 - 180)
        found.append(coloured & (off <= HALF))
        gone = np.abs((np.arange(60) * 6 + 3 - at + 180) % 360 - 180) <= HALF + 6
        count = np.where(gone, 0.0, count)
    grey = ink & (np.hypot(u, v) <= 0.6 * COLOURED)
    if grey.any():
        found.append(grey)
    return found if len(found) > 1 else []


def without_ink(rgb: Image) -> Image:
    """What lies behind the strokes of a picture."""
    import cv2

    return np.asarray(cv2.morphologyEx(rgb, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (KERNEL, KERNEL))), np.uint8)


def alone(rgb: Image, background: Image, ink: NDArray[np.bool_], own: NDArray[np.bool_]) -> tuple[Image, NDArray[np.bool_]]:
    """The picture with the ink of one layer only, on its ``background``, hidden strokes closed; and the mask of that ink."""
    import cv2

    mine = own.astype(np.uint8)
    beside = cv2.dilate(mine, np.ones((3, 3), np.uint8)) > 0  # half-covered edges have a hue of their own
    strange = ink & ~own
    foreign = cv2.morphologyEx(strange.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    up = cv2.morphologyEx(mine, cv2.MORPH_CLOSE, np.ones((HIDDEN, 1), np.uint8)) > 0
    across = cv2.morphologyEx(mine, cv2.MORPH_CLOSE, np.ones((1, HIDDEN), np.uint8)) > 0
    closed = (up | across) & foreign
    out = np.where((foreign | (strange & ~beside))[..., None], background, rgb)
    colour = np.median(rgb[own], axis=0) if own.any() else np.zeros(3)
    out[closed] = colour.astype(np.uint8)
    return np.ascontiguousarray(out.astype(np.uint8)), np.asarray(own | closed | (strange & beside & ~foreign), bool)


def words_by_colour(rgb: Image, strength: Contrast, panel: Box, words: Sequence[Word]) -> list[Word]:
    """The words with those inside a panel that other ink runs through: they take the place of what was read of them.

    Args:
        rgb: The picture, shape (rows, columns, 3).
        strength: Its contrast.
        panel: The panel.
        words: All words read.
    """
    top, left = max(0, panel.top), max(0, panel.left)
    part, weight = rgb[top : panel.bottom, left : panel.right], strength[top : panel.bottom, left : panel.right]
    if min(part.shape[:2]) < KERNEL:
        return list(words)
    ink = letter_ink(weight)
    out = list(words)
    high = float(np.median([w.height for w in words])) if words else 10.0
    found = layers(part, ink)
    background = without_ink(part) if found else part
    for own in found:
        picture, mask = alone(part, background, ink, own)
        whole = np.zeros(strength.shape, bool)  # what is a letter depends on the size of the picture
        whole[top : panel.bottom, left : panel.right] = mask
        boxes = []
        for moved, pieces in word_boxes(whole):
            wide, tall = moved.right - moved.left, moved.bottom - moved.top
            if 0.6 * high < tall < 1.8 * high and wide > 1.2 * tall and pieces >= 2 and not any(_same(moved, w.box) for w in words):
                boxes.append((moved, pieces))
        there = [
            (Box(left=b.left - left, top=b.top - top, right=b.right - left, bottom=b.bottom - top), n) for b, n in boxes
        ]  # fmt: skip
        for (moved, pieces), word in zip(boxes, read_words(picture, there), strict=True):
            letters = sum(c.isalpha() for c in word.reading.name)
            if letters < LETTERS or letters < 0.6 * len(word.reading.name) or word.reading.name_confidence < 0.85:
                continue
            old = [w for w in words if _share_place(moved, w.box)]
            name, sure = word.reading.name, word.reading.name_confidence
            if any((w.reading.name_confidence >= sure or name in w.reading.name) and len(w.reading.name) >= len(name) for w in old):
                continue
            gone = {id(w) for w in old}
            colour = ink_colour(picture, weight * mask, word.box)
            out = [w for w in out if id(w) not in gone] + [Word(box=moved, pieces=pieces, reading=word.reading, colour=colour)]
    return out


def _same(a: Box, b: Box) -> bool:
    """Whether two boxes differ by at most a pixel or two at each side."""
    return max(abs(a.left - b.left), abs(a.right - b.right), abs(a.top - b.top), abs(a.bottom - b.bottom)) <= 2


def _share_place(a: Box, b: Box) -> bool:
    """Whether most of one of two boxes lies in the other."""
    wide = min(a.right, b.right) - max(a.left, b.left)
    tall = min(a.bottom, b.bottom) - max(a.top, b.top)
    smaller = min((box.right - box.left) * (box.bottom - box.top) for box in (a, b))
    return wide > 0 and tall > 0 and wide * tall > 0.6 * smaller
