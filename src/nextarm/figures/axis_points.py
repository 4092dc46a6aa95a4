"""The points of an axis set by hand: what cannot be an axis, and how far its points may lie off one straight line.

Every way by which a user gives such points (marks before a reading, corrections after it) is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nextarm.core.errors import Problem
from nextarm.figures.reading import AxisReading, FigureReading

#: A point is in doubt from so many pixels, or from this share of the distance of the outermost points, off the line of all.
DOUBT_PX, DOUBT_SHARE = 3.0, 0.01
#: From this share on (and ``DOUBT_PX``) there is no axis.
REFUSED_SHARE = 0.05


def wrong_points(name: str, points: Sequence[tuple[float, float]], *, rising: bool) -> list[Problem]:
    """What is wrong with the points (pixel, value) of an axis; none given is not wrong.

    ``name`` is used in the messages ("the time axis"). Values rise with the pixels where ``rising``, else they fall.
    An axis is a straight line: two places with one value, one place with two, values out of order, and points that lie more than
    3 pixels and 5 % of the axis off their least-squares line are refused.
    """
    if not points:
        return []
    if len({p for p, _ in points}) < 2 or len({v for _, v in points}) < 2:
        return [Problem(f"{name} needs two points at different pixels with different values")]
    ordered = sorted(points)
    for (p, v), (q, w) in pairwise(ordered):
        if p == q and v != w:
            cure = "Correct one of them, or take one point away"
            return [Problem(f"{name} has two values at {p:.6g} px, {v:.6g} and {w:.6g}", rule="a place has one value", cure=cure)]
        if p != q and v == w:
            what = f"two points of {name}, at {p:.6g} and {q:.6g} px, have one value, {v:.6g}"
            return [Problem(what, rule="different places have different values", cure="Type what is printed at each, or take one away")]
        if (w - v) * (1 if rising else -1) < 0:
            words = "rise to the right" if rising else "fall downwards"
            what = f"the values of {name} must {words}: pixels count from the upper left corner"
            return [Problem(what, rule=f"{v:.6g} at {p:.6g} px, {w:.6g} at {q:.6g} px")]
    off = farthest(ordered)
    if off > max(DOUBT_PX, REFUSED_SHARE * (ordered[-1][0] - ordered[0][0])):
        return [Problem(f"the points of {name} lie up to {off:.1f} px off one straight line", rule="an axis is even", cure=_cure(ordered))]
    return []


def farthest(points: Sequence[tuple[float, float]]) -> float:
    """Largest distance in pixels of a point (pixel, value) from the least-squares line through all."""
    pixels, values = np.array(points, float).T
    slope, level = np.polyfit(pixels - pixels.mean(), values, 1)
    return float(np.max(np.abs((values - level) / slope - (pixels - pixels.mean())))) if slope else float("inf")


def _cure(points: list[tuple[float, float]]) -> str:
    """What to do: the point is named without which the others lie on a line, where there is one."""
    if len(points) > 3:
        without = [(farthest(points[:k] + points[k + 1 :]), p) for k, p in enumerate(points)]
        least, (pixel, value) = min(without)
        if least <= DOUBT_PX:
            return f"Check the point at {pixel:.6g} px, value {value:.6g}: the others lie within {least:.1f} px of a line"
    return "Compare each value with what is printed there; of an axis that changes its scale mark one stretch only"


def doubted(reading: FigureReading) -> FigureReading:
    """Grade D and a warning where the points of an axis set by hand lie more than 3 pixels or 1 % of the axis off its line.

    Once they are mended the grade is again what it would have been without that doubt.
    """
    found = tuple(w for n, a in (("time", reading.x_axis), ("survival", reading.y_axis)) if (w := _doubt(a, n)))
    if found == reading.axis_doubts:
        return reading
    kept = [w for w in reading.warnings if w not in reading.axis_doubts]
    grade = reading.undoubted or reading.grade
    undoubted = grade if found else None
    return replace(reading, warnings=(*kept, *found), axis_doubts=found, grade="D" if found else grade, undoubted=undoubted)


def _doubt(axis: AxisReading, name: str) -> str:
    if axis.source != "marks" or len(axis.pixels) < 3:
        return ""
    span = float(np.ptp(axis.pixels))
    if axis.residual_px <= min(DOUBT_PX, DOUBT_SHARE * span):
        return ""
    points = sorted(zip(axis.pixels.tolist(), axis.values.tolist(), strict=True))
    off = f"{axis.residual_px:.1f} px ({100 * axis.residual_px / span:.1f} %)"
    return (
        f"the points of the {name} axis lie up to {off} off one straight line: do not use these values before it is mended. {_cure(points)}"
    )
