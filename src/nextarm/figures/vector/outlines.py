"""Characters that a file draws as outlines without naming them, told by their shape.

R's svg() (through cairo) does so. An outline is compared with the ink of two sans-serif faces on a grid over its own box, and
with the size and place of that box in ems; the type size of a set of outlines is the one at which all of them fit best.
An outline that fits none is kept as a character that is no digit and no letter, so that no number is made of half its digits.
The table is made by references/data/glyph_shapes.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nextarm.core.units import FloatArray
from nextarm.figures.vector.scene import Glyph

CELLS = 16
#: What an outline may cost and still be told; up to twice as much where the next character costs this much more.
LIKE, CLEAR = 0.12, 0.05
UNKNOWN = "\ufffd"
#: Weights of box width, height and bottom (ems) beside the share of cells that differ.
_WEIGHTS = np.array([0.5, 0.7, 0.7])
#: Outlines of one set that are looked at; a figure has fewer.
MOST_SHAPES = 400


@dataclass(frozen=True)
class _Table:
    chars: tuple[str, ...]
    boxes: FloatArray
    bits: NDArray[np.bool_]


@cache
def _table() -> _Table:
    rows = json.loads((Path(__file__).with_name("glyph_shapes.json")).read_text(encoding="utf-8"))
    bits = np.array([np.unpackbits(np.frombuffer(bytes.fromhex(r[4]), np.uint8)) for r in rows], bool)
    return _Table(tuple(r[0] for r in rows), np.array([r[1:4] for r in rows], float), bits)


def shape_of(outline: Sequence[FloatArray]) -> tuple[NDArray[np.bool_], float, float, float]:
    """Ink on a grid over the outline's box (even-odd rule), width, height, and how far its bottom lies above y = 0 (y downward)."""
    points = np.vstack(list(outline))
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1e-9)
    spots = (np.arange(CELLS) + 0.5) / CELLS
    xs, ys = low[0] + spots * size[0], low[1] + spots * size[1]
    inside = np.zeros((CELLS, CELLS), bool)
    for part in outline:
        a, b = part, np.roll(part, -1, axis=0)
        for i, y in enumerate(ys):
            crosses = (a[:, 1] <= y) != (b[:, 1] <= y)
            if crosses.any():
                p, q = a[crosses], b[crosses]
                at = p[:, 0] + (y - p[:, 1]) / (q[:, 1] - p[:, 1]) * (q[:, 0] - p[:, 0])
                inside[i] ^= (np.sum(at[:, None] > xs[None, :], axis=0) % 2).astype(bool)
    return inside, float(size[0]), float(size[1]), float(-high[1])


def named(glyphs: list[Glyph]) -> tuple[list[Glyph], list[str]]:
    """The same glyphs with a character where the shape tells one; a note if any was told so."""
    sets: dict[str, list[int]] = {}
    for i, glyph in enumerate(glyphs):
        if glyph.char is None and glyph.outline:
            sets.setdefault(glyph.name.rpartition("-")[0], []).append(i)
    out, told = list(glyphs), 0
    for members in sets.values():
        first: dict[str, int] = {}
        for i in members:
            first.setdefault(glyphs[i].name, i)
        chosen = list(first.values())[:MOST_SHAPES]
        best = min((_fit([glyphs[i] for i in chosen], upright) for upright in (True, False)), key=lambda f: f[0])
        _, size, upright, chars = best
        by_name = {glyphs[i].name: c for i, c in zip(chosen, chars, strict=True)}
        for i in members:
            char = by_name.get(glyphs[i].name, UNKNOWN)
            told += char != UNKNOWN
            out[i] = replace(glyphs[i], char=char, size=size, angle=0.0 if upright else 90.0)
    return out, ["characters were told by the shape of their outlines"] if told else []


def _fit(glyphs: list[Glyph], upright: bool) -> tuple[float, float, bool, list[str]]:
    """Mean cost, type size and characters of a set of outlines that stand upright, or read upward."""
    table = _table()
    bits, boxes = [], []
    for glyph in glyphs:
        around = [p - [glyph.x, glyph.y] for p in glyph.outline]
        if not upright:
            around = [np.column_stack([-p[:, 1], p[:, 0]]) for p in around]
        ink, width, height, bottom = shape_of(around)
        bits.append(ink.ravel())
        boxes.append((width, height, bottom))
    ink_cost = np.array([(table.bits != b).mean(axis=1) for b in bits])
    box = np.array(boxes)
    tallest = float(box[:, 1].max())
    best: tuple[float, float, list[str]] | None = None
    for size in tallest / np.linspace(0.45, 1.0, 56):
        cost = ink_cost + (np.abs(box[:, None, :] / size - table.boxes[None, :, :]) * _WEIGHTS).sum(axis=2)
        least = cost.min(axis=1)
        total = float(np.minimum(least, 0.4).mean())
        if best is None or total < best[0]:
            best = (total, size, [_told(c, table.chars) for c in cost])
    assert best is not None
    return best[0], best[1], upright, best[2]


def _told(cost: FloatArray, chars: tuple[str, ...]) -> str:
    """The character that costs least, if it is like enough."""
    order = np.argsort(cost)
    first = int(order[0])
    second = next(float(cost[k]) for k in order if chars[k] != chars[first])
    like = cost[first] <= LIKE or (cost[first] <= 2 * LIKE and second - cost[first] >= CLEAR)
    return chars[first] if like else UNKNOWN
