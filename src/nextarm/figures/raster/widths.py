"""How wide the lines of every ink are, where an ink has no level strokes of its own line too: dotted lines, with marks or without."""

from __future__ import annotations

import cv2
import numpy as np

from nextarm.figures.raster.colours import Ink
from nextarm.figures.raster.ink import Image
from nextarm.figures.raster.paths import run_lengths, stroke_width

#: Level strokes (pixels) from which a width is sure, and below which it is not known.
SURE, NONE = 60, 20
#: Thin strokes are only marks where lines of other inks are wider by this factor ...
WIDER = 1.6
#: Strokes are those of bars that run together where another ink has lines thinner by this factor, and this ink strokes of that width.
THICKER = 1.4
#: Level strokes of an ink, as a share of those of the ink with most, from which it is a line and not where a frame mixes with one.
LINE = 0.25
#: ... and at least this share of the ink lies in dots that are about as thick as those lines.
DOTS = 0.5


def line_widths(inks: tuple[Ink, ...]) -> list[float]:
    """Width of the lines of every ink in pixels; inks without level strokes of their line (dotted lines) have that of the others.

    The strokes of a dotted line in a large picture are those of its censor marks, which are thinner than the line. Bars that stand so
    densely that they run together are wider than the line: programs draw the lines of a panel with one width, so an ink that has strokes
    of the width of another line has lines of that width.
    """
    found = [stroke_width(i.own) for i in inks]
    sure = [w for w, level in found if level >= SURE]
    if not sure:
        return [w for w, _ in found]
    usual, widest = float(np.median(sure)), max(sure)
    most = max(level for _, level in found)
    lines = [w for w, level in found if level >= max(SURE, LINE * most)]
    return [
        usual if level < NONE
        else widest if widest > WIDER * w and mostly_dots(ink.own, w, widest)
        else max((t for t in lines if w > THICKER * t + 0.5 and has_strokes(ink.own, t)), default=w)
        for ink, (w, level) in zip(inks, found, strict=True)
    ]  # fmt: skip


def has_strokes(own: Image, width: float) -> bool:
    """Whether an ink has level strokes of about ``width`` beside its thicker ones."""
    ink = own > 0.5
    wide, high = run_lengths(ink), run_lengths(ink.T).T
    level = ink & (wide > 3 * high) & (wide > 6) & (np.abs(high - width) <= 1.0)
    return int(level.sum()) >= SURE


def mostly_dots(own: Image, thin: float, line: float) -> bool:
    """Whether most of an ink lies in dots as thick as ``line``: in no stroke of width ``thin``, and in none of a wider line."""
    ink = (own > 0.5).astype(np.uint8)

    def thicker(side: float) -> float:
        n = max(2, int(side))
        return float(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((n, n), np.uint8)).sum())

    whole = float(ink.sum())
    return thicker(0.7 * line) > DOTS * whole and thicker(1.5 * line + 1) < 0.1 * whole and 0.7 * line > thin + 1
