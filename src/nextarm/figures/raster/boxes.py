"""Rectangles drawn inside a panel: frames of notes and legends, and tables with rules between their cells.

A rectangle is one piece of ink whose four outermost lines are drawn from end to end. What is inside belongs to no curve; a
curve that runs across it makes the piece larger than the rectangle, and then it is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.panel import Box
from nextarm.figures.raster.words import INK, Contrast

#: Share of a side that must be drawn, and how far from the edge of the piece its line may lie (pixels).
DRAWN, SLACK = 0.92, 3


@record
class Rectangle:
    """A drawn rectangle; ``table`` says that rules part it into cells."""

    box: Box
    table: bool


def rectangles(strength: Contrast, stats: NDArray[np.int32], panel: Box, *, high: float) -> list[Rectangle]:
    """The rectangles inside a panel that are higher than a line of text.

    Args:
        strength: Contrast of the picture.
        stats: Boxes of all pieces of ink (left, top, width, height, ...), shape (pieces, 5).
        panel: The panel.
        high: Height of the text.
    """
    left, top, width, height = (stats[:, k] for k in range(4))
    inside = (left > panel.left + 3) & (top > panel.top + 3) & (left + width < panel.right - 3) & (top + height < panel.bottom - 3)
    large = (width > 4 * high) & (height > 1.5 * high) & (width * height < 0.6 * (panel.right - panel.left) * (panel.bottom - panel.top))
    found = []
    for k in np.flatnonzero(inside & large):
        box = Box(left=int(left[k]), top=int(top[k]), right=int(left[k] + width[k]), bottom=int(top[k] + height[k]))
        ink = strength[box.top : box.bottom, box.left : box.right] > INK
        rows, columns = ink.mean(1), ink.mean(0)
        if min(rows[:SLACK].max(), rows[-SLACK:].max(), columns[:SLACK].max(), columns[-SLACK:].max()) >= DRAWN:
            found.append(Rectangle(box=box, table=_rules(rows) > 2 and _rules(columns) > 2))
    return found


def _rules(share: NDArray[np.float64]) -> int:
    """How many lines run from end to end, those of the frame among them."""
    drawn = share >= DRAWN
    return int((np.diff(np.r_[0, drawn.astype(np.int8)]) == 1).sum())
