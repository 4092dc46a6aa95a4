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


def turned_times(rgb: Image, ink: NDArray[np.bool_], columns: Sequence[Labels]) -> list[Labels]:
    """Rows of time labels that run upwards below columns of survival labels; the upper ends of their words are in line.

    Args:
        rgb: The picture, shape (rows, columns, 3).
        ink: Its mask of ink.
        columns: Columns of survival labels.
    """
    height = rgb.shape[0]
    boxes = []
    for box, pieces in word_boxes(np.rot90(ink, k=3)):
        top, x = height - box.right, (box.top + box.bottom) / 2
        if any(
            c.near - 2 * c.height < x and c.pixels[-1] - c.height < top < c.pixels[-1] + 0.35 * c.span
            and 0.6 < (box.bottom - box.top) / c.height < 1.7
            for c in columns
        ):  # fmt: skip
            boxes.append((box, pieces))
    tall = [height - box.right for box, pieces in boxes if pieces > 1 and box.right - box.left > 1.2 * (box.bottom - box.top)]
    if not any(sum(abs(t - other) <= 3 for other in tall) >= AT_LEAST - 1 for t in tall):
        return []
    words, ends, stacked = [], {}, set()
    for word in read_words(np.ascontiguousarray(np.rot90(rgb, k=3)), boxes):
        box, top = word.box, height - word.box.right
        made = Word(box=Box(left=box.top, top=top, right=box.bottom, bottom=top + word.height), pieces=word.pieces, reading=word.reading)
        words.append(made)
        ends[id(made)] = height - box.left
        if word.pieces > 1 and box.right - box.left > 1.2 * word.height:
            stacked.add(id(made))
    rows = []
    for row in label_rows(words):
        if sum(id(w) in stacked for w in row.words) >= max(2, len(row.words) // 2):
            rows.append(replace(row, far=float(max(ends[id(w)] for w in row.words))))
    return rows


def upright_words(words: Sequence[Word], rows: Sequence[Labels]) -> list[Word]:
    """``words`` less those that are signs of labels of ``rows`` that run upwards."""
    spots = [(w.box.left, w.box.right, w.box.top, r.far) for r in rows for w in r.words]
    return [w for w in words if not any(a - 2 <= w.x <= b + 2 and c - 2 <= w.y <= d + 2 for a, b, c, d in spots)]


def without(words: Sequence[Word], turned: Sequence[Word], *, axis: Labels) -> list[Word]:
    """``words`` less those that are the ink of ``turned`` ones on the line of an axis, read the wrong way."""
    used = {id(w) for w in axis.words}
    ink = [(w.x, w.y, w.box.right - w.box.left) for w in turned if id(w) in used]
    return [w for w in words if not any(abs(w.x - x) <= 0.6 * size and abs(w.y - y) <= 1.2 * size for x, y, size in ink)]
