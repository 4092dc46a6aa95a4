"""Labels that run upwards: those of a survival axis, as R's plot draws them unless told otherwise, and those of a time axis.

The picture is turned and read again: left of the rows of time labels that were found, where no upright column of labels goes with
them; and below a column of survival labels, where signs stand one above the other as in no upright row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.labels import AT_LEAST, Labels, label_rows, number_of
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
    for box, pieces in word_boxes(np.rot90(ink, k=3), turned=True):
        x, y = (box.top + box.bottom) / 2, height - (box.left + box.right) / 2
        if any(r.pixels[0] - REACH * r.span < x < r.pixels[0] + r.height and y < r.across for r in rows):
            boxes.append((box, pieces))
    found = []
    for word in read_words(np.ascontiguousarray(np.rot90(rgb, k=3)), boxes, twice=False):
        if number_of(word) is None:
            continue
        box, half = word.box, word.height // 2
        middle = height - (box.left + box.right) / 2
        top = round(middle - half)
        found.append(
            Word(box=Box(left=box.top, top=top, right=box.bottom, bottom=top + 2 * half), pieces=word.pieces, reading=word.reading)
        )
    return found


def turned_times(rgb: Image, ink: NDArray[np.bool_], columns: Sequence[Labels]) -> list[Labels]:
    """Rows of time labels that run upwards below columns of survival labels; the upper ends of their words are in line.

    Args:
        rgb: The picture, shape (rows, columns, 3).
        ink: Its mask of ink.
        columns: Columns of survival labels.
    """
    height = rgb.shape[0]
    boxes = []
    for box, pieces in word_boxes(np.rot90(ink, k=3), turned=True):
        top, x = height - box.right, (box.top + box.bottom) / 2
        if any(
            c.near - 2 * c.height < x and c.pixels[-1] - c.height < top < c.pixels[-1] + 0.35 * c.span
            and 0.6 < (box.bottom - box.top) / c.height < 1.7
            for c in columns
        ):  # fmt: skip
            boxes.append((box, pieces))
    size = float(np.median([c.height for c in columns])) if columns else 0.0
    tall = [height - box.right for box, pieces in boxes if _stacked(box, pieces, size)]
    tops = [height - box.right for box, _ in boxes]
    if not any(sum(abs(t - other) <= 3 for other in tops) >= AT_LEAST for t in tall):
        return []
    words, ends, stacked = [], {}, set()
    for word in read_words(np.ascontiguousarray(np.rot90(rgb, k=3)), boxes, twice=False):
        box, top = word.box, height - word.box.right
        made = Word(box=Box(left=box.top, top=top, right=box.bottom, bottom=top + word.height), pieces=word.pieces, reading=word.reading)
        words.append(made)
        ends[id(made)] = height - box.left
        if _stacked(box, word.pieces, size):
            stacked.add(id(made))
    rows = [replace(row, far=float(max(ends[id(w)] for w in row.words))) for row in label_rows(words)]
    return [r for r in rows if _upwards(r, stacked)]


def _stacked(box: Box, pieces: int, size: float) -> bool:
    """Whether a box of the turned picture holds more than one digit: digits may touch, and an upright one is narrow when turned."""
    wide, high = box.right - box.left, box.bottom - box.top
    return wide > 1.05 * high if pieces > 1 else wide > 1.2 * high > 0.96 * size


def _upwards(row: Labels, stacked: set[int]) -> bool:
    """Whether all labels of several digits in a row are words that run upwards."""
    long = [id(w) for w in row.words if len(w.reading.number) > 1]
    return bool(long) and all(i in stacked for i in long)


def upright_words(words: Sequence[Word], rows: Sequence[Labels]) -> list[Word]:
    """``words`` less those that are signs of labels of ``rows`` that run upwards."""
    spots = [(w.box.left, w.box.right, w.box.top, r.far) for r in rows for w in r.words]
    return [w for w in words if not any(a - 2 <= w.x <= b + 2 and c - 2 <= w.y <= d + 2 for a, b, c, d in spots)]


def without(words: Sequence[Word], turned: Sequence[Word], *, axis: Labels) -> list[Word]:
    """``words`` less those that are the ink of ``turned`` ones on the line of an axis, read the wrong way."""
    used = {id(w) for w in axis.words}
    ink = [(w.x, w.y, w.box.right - w.box.left) for w in turned if id(w) in used]
    return [w for w in words if not any(abs(w.x - x) <= 0.6 * size and abs(w.y - y) <= 1.2 * size for x, y, size in ink)]
