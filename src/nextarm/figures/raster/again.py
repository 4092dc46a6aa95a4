"""Unsure words read again: from crops cut, padded and smoothed otherwise, the readings put to the vote.

Small or compressed print gives a different reading for every way of cutting and scaling it. One wrong letter in such a word has a
middling probability, and the right one is what most of the crops give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.text import Crop, Reading, read_crops

#: A reading is unsure below this mean probability of its characters; below the second it is no text.
UNSURE, NO_TEXT = 0.96, 0.5
#: Most words of a figure that are read again, and in how many more ways.
MOST, WAYS = 24, 4
#: Share of the votes from which another reading is a rival.
RIVAL = 0.3

Image = NDArray[np.uint8]


def unsure(reading: Reading) -> bool:
    """Whether a reading is of two or more characters (a number: of one or more) and not certain."""
    number = reading.number_confidence if reading.number and reading.number == reading.name else 1.0
    name = reading.name_confidence if sum(c.isalnum() for c in reading.name) >= 2 else 1.0
    return NO_TEXT < min(number, name) < UNSURE


def variants(rgb: Image, box: Box) -> list[Crop]:
    """Four more crops of a box: with a wide margin, without colour, enlarged and smoothed, and with a blank margin."""
    import cv2

    wide, middle, close = (_cut(rgb, box, pad) for pad in (4, 3, 1))
    grey = cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY)
    large = cv2.GaussianBlur(cv2.resize(grey, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), (0, 0), 1.5)
    blank = [float(v) for v in np.percentile(close.reshape(-1, 3), 90, axis=0)]
    alone = np.asarray(cv2.copyMakeBorder(close, 2, 2, 4, 4, cv2.BORDER_CONSTANT, value=blank), np.uint8)
    dull = [np.asarray(np.repeat(g[:, :, None], 3, axis=2), np.uint8) for g in (grey, large)]
    return [wide, *dull, alone]


def _cut(rgb: Image, box: Box, pad: int) -> Crop:
    rows, columns = rgb.shape[:2]
    return rgb[max(0, box.top - pad) : min(rows, box.bottom + pad), max(0, box.left - pad) : min(columns, box.right + pad)]


def voted(rgb: Image, boxes: Sequence[Box], readings: Sequence[Reading]) -> list[Reading]:
    """The readings, the unsure ones replaced by what most ways of cutting them out give (weighted by probability)."""
    out = list(readings)
    doubtful = [k for k, r in enumerate(readings) if unsure(r)][:MOST]
    more = read_crops([c for k in doubtful for c in variants(rgb, boxes[k])])
    for n, k in enumerate(doubtful):
        all_of = [readings[k], *more[WAYS * n : WAYS * (n + 1)]]
        names: dict[str, float] = defaultdict(float)
        for r in all_of:
            names[r.name] += r.name_confidence
        best = max(names, key=lambda name: names[name])
        chosen = max((r for r in all_of if r.name == best), key=lambda r: (bool(r.number), r.name_confidence))
        other = max((n for n in names if n != best), key=lambda n: names[n], default=None)
        out[k] = replace(chosen, rival=other if other is not None and names[other] > RIVAL * sum(names.values()) else None)
    return out
