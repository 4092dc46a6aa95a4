"""Labels of a survival axis that run upwards beside it, as R's plot draws them unless told otherwise.

The picture is turned and read again, only left of the rows of time labels that were found, and only where no upright column of
labels goes with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.labels import Labels, number_of
from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.words import Image, Word, read_words, word_boxes

REACH = 0.35  # how far left of the first time label, in spans of the row, labels of the survival axis are looked for


def turned_numbers(rgb: Image, ink: NDArray[np.bool_], rows: Sequence[Labels]) -> list[Word]:
    """Numbers that run upwards to the left of a row of time labels.

    Args:
        rgb: The picture, shape (rows, columns, 3).
        ink: Its mask of ink.
        rows: Rows of time labels.

    Returns:
        Words in the pixels of the picture; a box is as high as the digits are, around the middle of the word.
    """
    height = rgb.shape[0]
    boxes = []
    for box, pieces in word_boxes(np.rot90(ink, k=3)):
        x, y = (box.top + box.bottom) / 2, height - (box.left + box.right) / 2
        if any(r.pixels[0] - REACH * r.span < x < r.pixels[0] + r.height and y < r.across for r in rows):
            boxes.append((box, pieces))
    found = []
    for word in read_words(np.ascontiguousarray(np.rot90(rgb, k=3)), boxes):
        if number_of(word) is None:
            continue
        box, half = word.box, word.height // 2
        middle = height - (box.left + box.right) / 2
        top = round(middle - half)
        found.append(
            Word(box=Box(left=box.top, top=top, right=box.bottom, bottom=top + 2 * half), pieces=word.pieces, reading=word.reading)
        )
    return found


def without(words: Sequence[Word], turned: Sequence[Word], *, axis: Labels) -> list[Word]:
    """``words`` less those that are the ink of ``turned`` ones on the line of an axis, read the wrong way."""
    used = {id(w) for w in axis.words}
    ink = [(w.x, w.y, w.box.right - w.box.left) for w in turned if id(w) in used]
    return [w for w in words if not any(abs(w.x - x) <= 0.6 * size and abs(w.y - y) <= 1.2 * size for x, y, size in ink)]
