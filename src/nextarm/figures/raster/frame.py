"""Where a panel ends: its frame, the lines of its axes, its tinted background, its grid lines.

A line of the frame is a row or column of pixels that is dark over most of the range of the tick marks. Where none is drawn
the panel ends at the edge of its tinted background, or at the outermost marks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.channels import largest, least
from nextarm.figures.raster.panel import RGB

DARK = 40.0  # grey levels darker than the panel: a line of the frame
COVER = 0.8  # share of the range of the marks that it covers


@record
class Frame:
    """Edges of a panel in pixels (centre of the line where one is drawn) and whether a line is drawn at each."""

    left: float
    top: float
    right: float
    bottom: float
    drawn: tuple[bool, bool, bool, bool]
    background: RGB


def panel_background(rgb: NDArray[np.uint8], x0: float, x1: float, y0: float, y1: float) -> RGB:
    """The commonest colour between the outermost marks (to 4 levels, then the median of what is near it)."""
    part = rgb[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].reshape(-1, 3)
    coarse = (part >> 3).astype(np.int32)
    code = coarse[:, 0] * 1024 + coarse[:, 1] * 32 + coarse[:, 2]
    common = np.bincount(code).argmax()
    red, green, blue = (int(v) for v in np.median(part[code == common], axis=0))
    return (red, green, blue)


def _groups(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true values as (first, last + 1)."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _line(cover: NDArray[np.float64], offset: int, strength: NDArray[np.float64], last: bool) -> tuple[float, int, int] | None:
    """Centre and extent of the line nearest to the labels (``last``) or farthest from them."""
    runs = [g for g in _groups(cover >= COVER) if g[1] - g[0] <= 12]
    if not runs:
        return None
    a, b = runs[-1] if last else runs[0]
    a2, b2 = max(0, a - 1), min(len(strength), b + 1)
    weight = np.maximum(strength[a2:b2], 0)
    centre = float((weight * (np.arange(a2, b2) + 0.5)).sum() / max(weight.sum(), 1e-9))
    return centre + offset, a + offset, b + offset


def find_frame(
    rgb: NDArray[np.uint8], *, x_marks: tuple[float, float], y_marks: tuple[float, float], x_labels: float, y_labels: float,
    x_step: float = 0.0, zero: float = 0.0,
) -> Frame:  # fmt: skip
    """The frame of a panel.

    Args:
        rgb: The picture.
        x_marks: Pixels of the first and the last tick of the time axis.
        y_marks: Pixels of the highest and the lowest tick of the survival axis.
        x_labels: Row of the upper edge of the time labels.
        y_labels: Column of the right edge of the survival labels.
        x_step: Distance of two time ticks: without a frame the panel may end up to a step after the last.
        zero: Row of the value 0 of the survival axis: without a frame the panel may end below the lowest tick, but not below this.
    """
    rows, columns = rgb.shape[:2]
    (x0, x1), (y0, y1) = x_marks, y_marks
    background = panel_background(rgb, x0, x1, y0, y1)
    level = min(background)
    dark = level - least(rgb).astype(float)
    across, down = slice(max(0, int(x0) + 1), int(x1)), slice(max(0, int(y0) + 1), int(y1))
    hard = dark > DARK

    def horizontal(a: float, b: float, last: bool) -> tuple[float, int, int] | None:
        a, b = max(0, int(a)), min(rows, int(b) + 1)
        return _line(hard[a:b, across].mean(1), a, dark[a:b, across].mean(1), last) if b > a else None

    def vertical(a: float, b: float, last: bool) -> tuple[float, int, int] | None:
        a, b = max(0, int(a)), min(columns, int(b) + 1)
        return _line(hard[down, a:b].mean(0), a, dark[down, a:b].mean(0), last) if b > a else None

    bottom = horizontal(y1 - 3, x_labels, True)
    left = vertical(y_labels, x0 + 3, False)
    top = horizontal(y0 - 0.16 * (y1 - y0), y0 + 3, True)
    right = vertical(x1 - 3, min(columns - 1, x1 + 0.3 * (x1 - x0)), True)
    ends = {"left": x0, "right": x1, "top": y0, "bottom": y1}
    tinted = _tint(rgb, background, x0, x1, y0, y1)
    if tinted is not None:
        ends["left"], ends["top"], ends["right"], ends["bottom"] = tinted
    if bottom is not None:
        ends["bottom"] = bottom[0]
        run = hard[bottom[1] : bottom[2]].any(0)
        ends["right"] = max(ends["right"], _run_end(run, int(x1) - 2, 1))
        ends["left"] = min(ends["left"], _run_end(run, int(x0) + 2, -1))
    if left is not None:
        run = hard[:, left[1] : left[2]].any(1)
        ends["top"] = min(ends["top"], _run_end(run, int(y0) + 2, -1))
        ends["left"] = left[0]
        if bottom is None:
            ends["bottom"] = max(ends["bottom"], min(x_labels, _run_end(run, int(y1) - 2, 1)))
    if top is not None:
        ends["top"] = top[0]
    if right is not None:
        ends["right"] = right[0]
    if right is None and bottom is None and tinted is None and x_step > 0:
        part = hard[max(0, int(y0) - 3) : int(y1) + 1]
        at = np.flatnonzero(part[:, max(0, int(x1) - 4) : int(x1) + 2].any(1))  # only what reaches the last mark goes on beyond it
        seen = part[max(0, at[0] - 2) :].any(0) if at.size else np.zeros(columns, bool)
        ends["right"] = _goes_on(seen, x1, min(x1 + 1.02 * x_step, columns - 1.0), 0.015 * (x1 - x0))
    if bottom is None and left is None and tinted is None and zero > y1 + 3:
        part = hard[:, int(x0) + 2 : int(x1) + 1]
        if x_step > 12:  # tick marks that stand out of the panel go on below it
            beside = np.abs((np.arange(part.shape[1]) + int(x0) + 2.5 - x0 + x_step / 2) % x_step - x_step / 2)
            part = part & (beside > max(3.0, 0.003 * (x1 - x0)))
        at = np.flatnonzero(part[max(0, int(y1) - 4) : int(y1) + 2].any(0))
        seen = part[:, max(0, at[0] - 2) :].any(1) if at.size else np.zeros(rows, bool)
        ends["bottom"] = _goes_on(seen, y1, min(zero + 2.0, x_labels - 1.0), 0.015 * (x1 - x0))
    drawn = (left is not None, top is not None, right is not None, bottom is not None)
    return Frame(left=ends["left"], top=ends["top"], right=ends["right"], bottom=ends["bottom"], drawn=drawn, background=background)


def _goes_on(seen: NDArray[np.bool_], start: float, limit: float, gap: float) -> float:
    """How far ink goes on from ``start`` to ``limit`` with gaps of at most ``gap`` (and 6) pixels between."""
    last = int(start)
    for k in range(int(start) + 1, min(len(seen), int(limit) + 1)):
        if seen[k]:
            last = k
        elif k - last > max(6.0, gap):
            break
    return max(start, last + 1.0) if last > int(start) + 2 else start


def _run_end(run: NDArray[np.bool_], start: int, step: int) -> float:
    """Where a run of ink through ``start`` ends, going by ``step``; gaps of up to 2 pixels do not end it."""
    k, blank = start, 0
    while 0 <= k < len(run) and blank <= 2:
        blank = 0 if run[k] else blank + 1
        k += step
    return float(k - step * (blank + 1) + (1 if step > 0 else 0))


def _tint(rgb: NDArray[np.uint8], background: RGB, x0: float, x1: float, y0: float, y1: float) -> tuple[float, float, float, float] | None:
    """Edges of a panel whose background differs from the paper; None where it does not."""
    paper = np.median(np.concatenate([rgb[:2].reshape(-1, 3), rgb[-2:].reshape(-1, 3)]), axis=0)
    if np.abs(paper - np.array(background)).max() < 6:
        return None
    near = largest(np.abs(rgb.astype(np.int16) - np.array(background, np.int16))) <= 5
    column_share = near[int(y0) : int(y1)].mean(0)
    row_share = near[:, int(x0) : int(x1)].mean(1)
    columns, rows = np.flatnonzero(column_share > 0.3), np.flatnonzero(row_share > 0.3)
    if not columns.size or not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def grid_lines(rgb: NDArray[np.uint8], frame: Frame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Pixel positions of vertical and horizontal grid lines inside a frame."""
    from scipy.ndimage import median_filter

    a, b, c, d = int(frame.left) + 4, int(frame.right) - 3, int(frame.top) + 4, int(frame.bottom) - 3
    if b - a < 30 or d - c < 30:
        return (), ()
    grey = rgb[c:d, a:b].astype(float).mean(2)

    def lines(median: NDArray[np.float64], offset: int) -> tuple[float, ...]:
        off = median - median_filter(median, size=15, mode="nearest")
        found = []
        for first, last in _groups(np.abs(off) > 3):
            if last - first <= 6:
                weight = np.abs(off[first:last])
                found.append(float((weight * (np.arange(first, last) + 0.5)).sum() / weight.sum()) + offset)
        return tuple(found)

    return lines(np.median(grey, axis=0), a), lines(np.median(grey, axis=1), c)
