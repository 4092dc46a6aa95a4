"""What a user marked on a drawing: axes, the panel, places without curves, curves by colour, dash or a point."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextarm.figures.reading import Box, FigureRefused
from nextarm.figures.vector.axes import Scale, fitted
from nextarm.figures.vector.chains import Chain
from nextarm.figures.vector.curves import Line
from nextarm.figures.vector.legend import dash_word
from nextarm.figures.vector.numbers import Number
from nextarm.figures.vector.panels import Panel, find_panels, panel_between
from nextarm.figures.vector.scene import Scene, Stroke, far, hex_of

if TYPE_CHECKING:
    from nextarm.figures.marks import AxisPoint, CurveMark, Marks

#: Largest difference of colours that are meant to be one, and how far (figure units) a marked point may lie from its curve.
SAME, ON_CURVE = 40.0, 8.0


def marked_panel(scene: Scene, numbers: list[Number], lines: list[Chain], marks: Marks) -> Panel:
    """The panel of the marked axes; an axis that is not marked is read from the figure (within the region, if one is marked)."""
    region = Box(left=marks.region[0], top=marks.region[1], right=marks.region[2], bottom=marks.region[3]) if marks.region else None
    read = [p for p in find_panels(scene, numbers, lines) if region is None or _overlap(p.box, region)]
    x = _scale(marks.x_axis, percent=False, across=_edge(scene, marks, "y")) if marks.x_axis else read[0].x if read else None
    y = _scale(marks.y_axis, percent=marks.percent, across=_edge(scene, marks, "x")) if marks.y_axis else read[0].y if read else None
    if y is not None and marks.percent is not None:
        y = replace(y, percent=marks.percent)
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


def outside(strokes: list[Stroke], boxes: tuple[tuple[float, float, float, float], ...]) -> list[Stroke]:
    """The strokes that do not lie within a place that a user said holds no curve."""

    def within(stroke: Stroke) -> bool:
        low, high = stroke.points.min(axis=0), stroke.points.max(axis=0)
        return any(low[0] >= a and low[1] >= b and high[0] <= c and high[1] <= d for a, b, c, d in boxes)

    return [s for s in strokes if not within(s)]


def chosen(lines: list[Line], marks: Marks) -> list[Line]:
    """The curves that marks name by colour, dash or points, in their order; a mark without any of these is for what is left.

    Raises:
        FigureRefused: a curve that was marked is not there.
    """
    made: list[Line | None] = []
    for mark in marks.curves:
        if mark.colour is None and mark.dash is None and not mark.points:
            made.append(None)
            continue
        near = [k for k in lines if not any(k is m for m in made) and _fits(k, mark)]
        if not near:
            what = f"of the colour {mark.colour}" if mark.colour else f"at {mark.points[0]}" if mark.points else f"that is {mark.dash}"
            raise FigureRefused(
                f"no curve {what} was found", cure="Give one of " + ", ".join(hex_of(k.chain.colour) for k in lines)
            )  # fmt: skip
        made.append(min(near, key=lambda k: (_colour_off(k, mark), _off(k, mark))))
    left = [k for k in lines if not any(k is m for m in made)]
    if None in made and made.count(None) != len(left):
        raise FigureRefused(
            f"{made.count(None)} curves are marked without colour, dash or point, {len(left)} are left", cure="Mark a point on each curve"
        )
    return [m if m is not None else left.pop(0) for m in made]


def _colour_off(line: Line, mark: CurveMark) -> float:
    if mark.colour is None:
        return 0.0
    red, green, blue = (int(mark.colour[i : i + 2], 16) for i in (1, 3, 5))
    return far(line.chain.colour, (red, green, blue))


def _off(line: Line, mark: CurveMark) -> float:
    """Largest distance of the marked points from the line, up and down or along its drop."""
    worst = 0.0
    for x, y in mark.points:
        before, after = (float(line.y_at(np.array([x + d]))[0]) for d in (-1.0, 1.0))
        low, high = min(before, after), max(before, after)
        worst = max(worst, low - y, y - high)
    return worst


def _fits(line: Line, mark: CurveMark) -> bool:
    dashed = mark.dash is None or dash_word(line.chain.dash, line.chain.width) == mark.dash
    return dashed and _colour_off(line, mark) < SAME and _off(line, mark) <= ON_CURVE
