"""Cells of an at-risk table that run into other text: a name into the first number, a number into the next or into a label above.

Where no blank separates two texts they are found as one word. The tick of the time axis tells where a number belongs, so the
word is cut at the gap that puts the number under its tick; a number that a letter of the line above touches is read from its own line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np

from nextarm.figures.raster.panel import Box, Floats
from nextarm.figures.raster.text import read_crops
from nextarm.figures.raster.words import INK, Contrast, Image, Word, read_words

#: How far the middle of a number may be from its tick, in its height.
OFF = 0.3
ENDS_IN_NUMBER = re.compile(r"[A-Za-z].*?\d{1,6}$")


def parted(rgb: Image, strength: Contrast, words: Sequence[Word], ticks: Floats) -> list[Word]:
    """The words, those that hold a name and the number of the first tick, or the numbers of several ticks, cut in parts.

    Args:
        rgb: The picture.
        strength: Its contrast.
        words: Words below the time axis.
        ticks: Pixels of the labelled ticks.
    """
    out: list[Word] = []
    for w in words:
        inside = ticks[(ticks > w.box.left - 0.2 * w.height) & (ticks < w.box.right + 0.2 * w.height)]
        name = w.reading.name.replace(" ", "")
        cuts: list[int] = []
        if inside.size == 1 and ENDS_IN_NUMBER.search(name) and w.x < inside[0] - 0.5 * w.height:
            cuts = _cut(strength, w, inside[-1:], first_is_text=True)
        elif inside.size > 1 and (name.isdigit() or ENDS_IN_NUMBER.search(name)):
            cuts = _cut(strength, w, inside, first_is_text=not name.isdigit())
        edges = [w.box.left, *cuts, w.box.right]
        boxes = [_tight(strength, Box(left=a, top=w.box.top, right=b, bottom=w.box.bottom)) for a, b in itertools.pairwise(edges)]
        parts = read_words(rgb, [(b, 1) for b in boxes]) if cuts else []
        numbers = parts[1:] if ENDS_IN_NUMBER.search(name) else parts
        whole = bool(parts) and all(p.reading.name.isdigit() for p in numbers) and "".join(p.reading.name for p in parts).replace(" ", "")
        out += parts if whole and len(whole) >= len(name) - 1 else [w]
    return out


def _cut(strength: Contrast, word: Word, ticks: Floats, *, first_is_text: bool) -> list[int]:
    """Columns at which a word is cut so that the numbers stand under their ticks; empty where there are none."""
    box = word.box
    blank = ~(strength[box.top : box.bottom, box.left : box.right] > INK).any(0)
    edges = np.flatnonzero(np.diff(np.r_[False, blank, False].astype(int)))
    gaps = [(box.left + int(a), box.left + int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    cuts: list[int] = []
    right = box.right
    for tick in (ticks if first_is_text else ticks[1:])[::-1]:  # from the right: every number ends where the next begins
        fit = [(abs((b + right) / 2 - tick), a, b) for a, b in gaps if b < right]
        if not fit or min(fit)[0] > OFF * word.height:
            return []
        _, a, b = min(fit)
        cuts.append((a + b) // 2)
        right = a
    if not first_is_text and abs((box.left + right) / 2 - ticks[0]) > OFF * word.height:
        return []
    return cuts[::-1]


def _tight(strength: Contrast, box: Box) -> Box:
    """A box without blank columns at its sides."""
    ink = np.flatnonzero((strength[box.top : box.bottom, box.left : box.right] > INK).any(0))
    return Box(left=box.left + int(ink[0]), top=box.top, right=box.left + int(ink[-1]) + 1, bottom=box.bottom) if ink.size else box


def touched(rgb: Image, strength: Contrast, words: Sequence[Word], row: Sequence[Word], tick: float) -> Word | None:
    """The number of a row at a tick where a word of another line touches it; None where there is none, or it is not certain.

    Args:
        rgb: The picture.
        strength: Its contrast.
        words: All words below the time axis.
        row: The numbers of the row that were read.
        tick: Pixel of the tick.
    """
    top, bottom = (int(np.median([getattr(w.box, side) for w in row])) for side in ("top", "bottom"))
    high = bottom - top
    wide = max(w.box.right - w.box.left for w in row)
    a, b = int(tick - 0.5 * wide - 0.4 * high), int(np.ceil(tick + 0.5 * wide + 0.4 * high))
    over = [
        w for w in words
        if w.box.left < b and w.box.right > a and min(w.box.bottom, bottom) - max(w.box.top, top) > 0.6 * high
        and w.box.bottom - w.box.top > 1.3 * high
    ]  # fmt: skip
    if not over:
        return None
    box = _tight(strength, Box(left=max(0, a), top=top, right=min(rgb.shape[1], b), bottom=bottom))
    if abs((box.left + box.right) / 2 - tick) > OFF * high or not (strength[top:bottom, box.left : box.right] > INK).any():
        return None
    grown = [Box(left=box.left - pad, top=top, right=box.right + pad, bottom=bottom) for pad in (1, 3)]
    readings = read_crops([rgb[top:bottom, max(0, g.left) : g.right] for g in (box, *grown)])
    text = {r.name.replace(" ", "") for r in readings}
    sure = float(np.mean([r.name_confidence for r in readings]))
    if len(text) != 1 or not next(iter(text)).isdigit() or sure < 0.8:
        return None
    return Word(box=box, pieces=1, reading=readings[0])
