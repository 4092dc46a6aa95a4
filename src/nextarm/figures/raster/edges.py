"""From a path in whole pixels to steps: the upper and lower edge of the stroke, and the staircase that explains both.

A stroke of width w drawn along a falling staircase :math:`Y` covers, in column x, the rows from
:math:`Y(x - w/2) - w/2` to :math:`Y(x + w/2) + w/2` (rows count downwards): its upper edge is the curve moved right and
up by half a width, its lower edge the curve moved left and down. The ink on either side of the middle gives both
edges to a small part of a pixel, whatever the blur. Moved back, they are two samples of the curve a column; a staircase with
a price on each step is fitted to them exactly (the Potts functional, by dynamic programming).
"""

from __future__ import annotations

import itertools
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats


@record
class Steps:
    """A staircase in canvas pixels: height ``y[k]`` from ``x[k]`` to ``x[k + 1]``, the last to ``end``."""

    x: Floats
    y: Floats
    end: float

    def at(self, x: Floats) -> Floats:
        """Height at positions ``x`` (the first height before the start, the last after the end)."""
        return np.asarray(self.y[np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, self.y.size - 1)])


@nb.njit(cache=True)
def _edges(own: Any, blocked: Any, heights: Any, first: int, width: float, level: float) -> Any:
    """Upper and lower edge per column (NaN where not seen), from the heights of the path in every column."""
    rows, columns = own.shape
    n = heights.size
    half = int(np.ceil(width / 2)) + 3
    shift = int(np.floor(width / 2))
    upper = np.full(n, np.nan)
    lower = np.full(n, np.nan)
    for k in range(n):
        x = first + k
        if x >= columns:
            break
        for side in range(2):
            q = k - shift if side == 0 else k + shift
            q = min(max(q, 0), n - 1)
            middle = int(np.round(heights[q]))
            # the row beside the middle must be drawn: no gap between dashes, nothing in front
            if middle - 1 < 0 or middle >= rows:
                continue
            if own[middle - 1, x] + own[middle, x] < 1.3 * level and max(own[middle - 1, x], own[middle, x]) < 0.9 * level:
                continue
            total = 0.0
            good = True
            for d in range(half + 2):
                r = middle - 1 - d if side == 0 else middle + d
                if r < 0 or r >= rows or blocked[r, x]:
                    good = False
                    break
                if d >= half:
                    if own[r, x] > 0.3:
                        good = False
                        break
                else:
                    total += min(1.0, own[r, x] / level)
            if good:
                if side == 0:
                    upper[k] = middle - total
                else:
                    lower[k] = middle + total
    return upper, lower


@nb.njit(cache=True)
def _potts(value: Any, weight: Any, price: float) -> Any:
    """Start of each piece of the best piecewise constant fit that never rises, by its cost (squares plus price)."""
    n = value.size
    sw = np.zeros(n + 1)
    sv = np.zeros(n + 1)
    sq = np.zeros(n + 1)
    for i in range(n):
        sw[i + 1] = sw[i] + weight[i]
        sv[i + 1] = sv[i] + weight[i] * value[i]
        sq[i + 1] = sq[i] + weight[i] * value[i] * value[i]
    best = np.full(n + 1, np.inf)
    mean = np.full(n + 1, -np.inf)
    origin = np.zeros(n + 1, np.int64)
    best[0] = -price
    for end in range(1, n + 1):
        for start in range(end - 1, -1, -1):
            w = sw[end] - sw[start]
            if w <= 0.0:
                continue
            m = (sv[end] - sv[start]) / w
            cost = sq[end] - sq[start] - w * m * m
            if cost > best[end]:
                break
            if m < mean[start] - 1e-9:
                continue
            total = best[start] + cost + price
            if total < best[end]:
                best[end] = total
                mean[end] = m
                origin[end] = start
    pieces = np.zeros(n + 1, np.int64)
    count = 0
    end = n
    while end > 0:
        pieces[count] = origin[end]
        count += 1
        end = origin[end]
    return pieces[:count][::-1]


def potts(value: Floats, weight: Floats, price: float) -> NDArray[np.int64]:
    """Where the pieces begin of the best piecewise constant fit that never rises (rows count downwards); a step costs ``price``."""
    return np.asarray(_potts(np.asarray(value, float), np.asarray(weight, float), price), np.int64)


def edges(own: Image, blocked: Mask, heights: Floats, *, first: int, width: float, level: float = 1.0) -> tuple[Floats, Floats]:
    """Upper and lower edge of the stroke in every column from ``first`` on; NaN where an edge is not seen.

    ``heights`` are the heights of the path (canvas rows, continuous) in every column, ``level`` the share of ink in the
    middle of the stroke (1 in a clean image).
    """
    upper, lower = _edges(own, blocked, np.asarray(heights, float), first, width, level)
    return np.asarray(upper), np.asarray(lower)


def width_of(upper: Floats, lower: Floats, fallback: float) -> float:
    """Width of the stroke: the distance of its edges where it is least, for ticks and drops only make it larger.

    Much thinner than the line was taken for are, between dots, only the level arms of marks: where as many columns again are as wide as
    ``fallback`` (pixels), these count.
    """
    apart = lower - upper
    apart = apart[np.isfinite(apart) & (apart > 0.4)]
    if apart.size < 12:
        return fallback
    low = float(np.percentile(apart, 15))
    near = apart[(apart > low - 0.4) & (apart < low + 0.8)]
    if low < 0.6 * fallback:
        usual = apart[np.abs(apart - fallback) < 0.2 * fallback]
        near = usual if usual.size >= max(12, near.size) else near
    return float(np.median(near)) if near.size else low


def without_ticks(upper: Floats, lower: Floats, heights: Floats, *, first: int, width: float) -> tuple[Floats, Floats]:
    """The edges with the columns of ticks mended.

    Where the stroke is thicker than the path explains, the two edges are moved in by the same amount (a tick stands
    evenly on its line); where only one edge is seen and lies too far out, it is dropped.
    """
    n = upper.size
    centre = np.arange(n, dtype=float)
    half = width / 2
    high = np.interp(centre - half - 1.0, centre, heights)
    low = np.interp(centre + half + 1.0, centre, heights)
    excess = (lower - upper) - width - (low - high)
    with np.errstate(invalid="ignore"):
        tick = excess > 0.7
    upper, lower = upper.copy(), lower.copy()
    flat = tick & (low - high < 0.75)
    middle = 0.5 * (upper + lower)
    upper[tick], lower[tick] = np.nan, np.nan
    upper[flat], lower[flat] = middle[flat] - half, middle[flat] + half
    return upper, lower


def staircase(upper: Floats, lower: Floats, heights: Floats, *, first: int, width: float, end: float, price: float) -> Steps:
    """The staircase behind the two edges; where neither is seen, the path itself counts for a little.

    ``price`` (square pixels) is what a step must save.
    """
    n = upper.size
    x = first + 0.5 + np.arange(n)
    up, low = np.isfinite(upper), np.isfinite(lower)
    place = np.concatenate([x[up] - width / 2, x[low] + width / 2, x])
    value = np.concatenate([upper[up] + width / 2, lower[low] - width / 2, np.asarray(heights, float)])
    weight = np.concatenate([np.ones(up.sum()), np.ones(low.sum()), np.full(n, 0.02)])
    # A sample far from the path is a tick or a neighbour, not this curve.
    reference = np.interp(place, x, heights)
    before = np.interp(place - width / 2 - 1, x, heights)
    after = np.interp(place + width / 2 + 1, x, heights)
    keep = (value > np.minimum(before, reference) - 1.6) & (value < np.maximum(after, reference) + 1.6)
    keep &= (place >= first - 0.5) & (place <= end + 0.5)
    order = np.argsort(place[keep], kind="stable")
    place, value, weight = place[keep][order], value[keep][order], weight[keep][order]
    if not place.size:
        return Steps(x=np.array([float(first)]), y=np.array([float(heights[0])]), end=float(end))
    starts = potts(value, weight, price)
    bounds = np.append(starts, place.size)
    level = np.array([_middle(value[a:b], weight[a:b]) for a, b in itertools.pairwise(bounds)])
    level = np.maximum.accumulate(level)
    corner = np.array([float(first), *(0.5 * (place[s - 1] + place[s]) for s in starts[1:])])
    return Steps(x=corner, y=level, end=float(end))


def _middle(value: Floats, weight: Floats) -> float:
    """Weighted mean of a piece without the samples at its two ends, which mix with the neighbours."""
    if value.size > 8:
        value, weight = value[2:-2], weight[2:-2]
    return float(np.sum(value * weight) / np.sum(weight))
