"""A panel whose axes a user marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextarm.figures.reading import Box, FigureRefused
from nextarm.figures.vector.axes import Scale, fitted
from nextarm.figures.vector.chains import Chain
from nextarm.figures.vector.numbers import Number
from nextarm.figures.vector.panels import Panel, find_panels, panel_between
from nextarm.figures.vector.scene import Scene

if TYPE_CHECKING:
    from nextarm.figures.marks import AxisPoint, Marks


def marked_panel(scene: Scene, numbers: list[Number], lines: list[Chain], marks: Marks) -> Panel:
    """The panel of the marked axes; an axis that is not marked is read from the figure (within the region, if one is marked)."""
    region = Box(left=marks.region[0], top=marks.region[1], right=marks.region[2], bottom=marks.region[3]) if marks.region else None
    read = [p for p in find_panels(scene, numbers, lines) if region is None or _overlap(p.box, region)]
    x = _scale(marks.x_axis, percent=False, across=_edge(scene, marks, "y")) if marks.x_axis else read[0].x if read else None
    y = _scale(marks.y_axis, percent=marks.percent, across=_edge(scene, marks, "x")) if marks.y_axis else read[0].y if read else None
    if x is None or y is None:
        missing = "x" if x is None else "y"
        raise FigureRefused(f"the {missing} axis cannot be read", cure=f"Mark two points of the {missing} axis as well")
    chosen = [c for c in lines if region is None or _inside(c, region)]
    panel = panel_between(scene, x, y, chosen, upward=marks.upward)
    if panel is None:
        raise FigureRefused("no line between the marked axes starts where a survival curve starts", cure="Check the axis points")
    return panel


def _scale(points: tuple[AxisPoint, ...], *, percent: bool | None, across: float) -> Scale:
    positions, values = np.array([p.pixel for p in points]), np.array([p.value for p in points])
    slope, intercept, residual = fitted(positions, values)
    whole = bool(values.max() > 1.5) if percent is None else percent
    return Scale(positions, values, slope, intercept, residual, across, 10.0, whole, True, ())


def _edge(scene: Scene, marks: Marks, other: str) -> float:
    """Where the labels of a marked axis would stand: below the lowest, left of the leftmost point of the other axis."""
    points = marks.y_axis if other == "y" else marks.x_axis
    if not points:
        return scene.height if other == "y" else 0.0
    pixels = [p.pixel for p in points]
    return max(pixels) + 10.0 if other == "y" else min(pixels) - 10.0


def _overlap(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def _inside(chain: Chain, region: Box) -> bool:
    low, high = chain.points.min(axis=0), chain.points.max(axis=0)
    return bool(low[0] >= region.left - 2 and high[0] <= region.right + 2 and low[1] >= region.top - 2 and high[1] <= region.bottom + 2)
