"""Broken axes: an axis whose scale changes on the way, as 0, then a break mark, then 50, 60, ... 100.

Labels on one line are one scale. Numbers of the same row that go on past its end, but not evenly with it, are another. What lies
in the stretch of the main scale is read; the panel is cut where that ends, because beyond it a position says nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.frame import Frame
from nextarm.figures.raster.labels import Labels
from nextarm.figures.raster.panel import Floats

UNEVEN = 0.15  # of the distance of two labels: a label that far from its place on an even axis was not misread, but moved


@record
class Stretches:
    """Values that another scale gives before and after the main one; ``odd`` are single numbers that may be misread."""

    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    odd: tuple[float, ...] = ()


def stretches(labels: Labels, low: float, high: float) -> Stretches:
    """Other scales along an axis that is drawn from ``low`` to ``high`` (pixels)."""
    step = float(np.median(np.diff(np.sort(labels.pixels))))
    margin = labels.height
    odd: list[float] = []
    sides: list[tuple[float, ...]] = []
    for way, end in ((-1, float(labels.pixels[0])), (1, float(labels.pixels[-1]))):
        here = [(p, v) for p, v in labels.beyond if (p - end) * way > 0 and low - margin <= p <= high + margin]
        moved = bool(here) and abs((here[0][0] - end) / step - round((here[0][0] - end) / step)) > UNEVEN
        if len(here) >= 2 or moved or (here and here[0][1] == 0.0):
            sides.append(tuple(v for _, v in here))
        else:
            sides.append(())
            odd += [v for _, v in here]
    return Stretches(before=sides[0][::-1], after=sides[1], odd=tuple(odd))


def cut(frame: Frame, x: Stretches, y: Stretches, *, x_marks: Floats, y_marks: Floats) -> tuple[Frame, tuple[str, ...]]:
    """The part of a panel in which the main scales hold, and what is said of the rest.

    ``x_marks`` and ``y_marks`` are the positions of the labels of the main scales.
    """
    left, top, right, bottom = frame.left, frame.top, frame.right, frame.bottom
    drawn, told = list(frame.drawn), []
    if x.after:
        right, drawn[2] = float(x_marks.max()), False
        told.append(f"the time axis has another scale further on ({_list(x.after)}): the figure is read up to where it begins")
    if y.after:
        bottom, drawn[3] = float(y_marks.max()), False
        told.append(f"the survival axis is broken ({_list(y.after)} at its lower end): the figure is read above the break only")
    if y.before:
        top, drawn[1] = float(y_marks.min()), False
        told.append(f"the survival axis is broken ({_list(y.before)} at its upper end): the figure is read below the break only")
    told += [f"the number {v:g} at an axis does not fit the other labels and was left out" for v in (*x.odd, *y.odd)]
    sides = (drawn[0], drawn[1], drawn[2], drawn[3])
    return replace(frame, left=left, top=top, right=right, bottom=bottom, drawn=sides), tuple(told)


def _list(values: tuple[float, ...]) -> str:
    return ", ".join(f"{v:g}" for v in values)
