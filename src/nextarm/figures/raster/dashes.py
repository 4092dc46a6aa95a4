"""Solid, dashed, dotted or dash-dot: how ink and gaps alternate along a path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats
from nextarm.figures.raster.paths import Path

#: Longest dash in line widths: programs draw 3.7 (matplotlib), 4 and 7 (R).
LONGEST = 15.0
#: Shortest gap in line widths: programs leave 1.6 (matplotlib) to 4, less is a line touched by another or by a mark.
LEAST_GAP = 0.7


@record
class Dashes:
    """Line style: its name, the share of the line that is drawn, median length of a dash and a gap in pixels (0: none)."""

    name: str
    duty: float
    dash: float
    gap: float


def along(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels (rows, columns) that a path visits, in order: across each column and down each drop."""
    drops = np.diff(path.rows, prepend=path.rows[:1])
    count = np.maximum(1, drops)
    columns = np.repeat(np.arange(path.first, path.last + 1), count)
    ends = np.cumsum(count)
    offset = np.arange(columns.size) - np.repeat(ends, count) + 1
    return np.repeat(path.rows, count) + offset, columns


def dashes_along(own: Image, blocked: Mask, path: Path, width: float) -> Dashes:
    """The line style of a path, from the runs of ink and gap along it; hidden pixels are left out."""
    rows, columns = along(path)
    rows = np.clip(rows, 0, own.shape[0] - 1)
    ink = _most(own, rows, columns, down=1, across=0) > 0.5
    # A path knows the rows of a line well, the column of a drop to about the width of the stroke only.
    upright = np.zeros(rows.size, bool)
    upright[1:] = columns[1:] == columns[:-1]
    ink[upright] = _most(own, rows[upright], columns[upright], down=0, across=int(np.ceil(width / 2)) + 1) > 0.5
    clear = ink | ~blocked[rows, columns]
    ink = ink[clear]
    if ink.size < 10:
        return Dashes(name="solid", duty=1.0, dash=0.0, gap=0.0)
    change = np.flatnonzero(np.diff(ink.astype(np.int8))) + 1
    bounds = np.concatenate([[0], change, [ink.size]])
    lengths = np.diff(bounds)
    kinds = ink[bounds[:-1]]
    dash, gap = lengths[kinds][1:-1], lengths[~kinds]
    gap = gap[gap >= max(1.0, LEAST_GAP * width)]
    duty = float(ink.mean())
    typical, space = float(np.median(dash)) if dash.size else 0.0, float(np.median(gap)) if gap.size else 0.0
    # Gaps of a dashed line come often; a solid line has one here and there where something was not recognised.
    if gap.size < 4 or duty > 0.97 or gap.size * 40 * max(1.0, width) < ink.size or typical > LONGEST * max(1.0, width):
        return Dashes(name="solid", duty=duty, dash=0.0, gap=0.0)
    return Dashes(name=_name(dash, width), duty=duty, dash=typical, gap=space)


def _most(own: Image, rows: NDArray[np.int64], columns: NDArray[np.int64], *, down: int, across: int) -> Image:
    """The most ink around each pixel, some pixels up and down and to both sides."""
    shifted = [
        own[np.clip(rows + i, 0, own.shape[0] - 1), np.clip(columns + j, 0, own.shape[1] - 1)]
        for i in range(-down, down + 1)
        for j in range(-across, across + 1)
    ]
    return np.asarray(np.max(shifted, axis=0), np.float32)


def _name(dash: Floats | NDArray[np.int64], width: float) -> str:
    if not dash.size:
        return "dashed"
    short = dash <= 2.0 * width + 1
    if short.mean() > 0.75:
        return "dotted"
    if short.mean() > 0.3 and dash[~short].size and np.median(dash[~short]) > 2.2 * np.median(dash[short]):
        return "dashdot"
    return "dashed"
