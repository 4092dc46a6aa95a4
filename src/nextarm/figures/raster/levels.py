"""Levels of a curve once more, from the columns of its censor bars: a bar stands evenly on its line, so its middle is the level.

Where bars stand densely hardly a column shows the bare stroke, and the levels fitted before are those of stroke and bars together.
In every column the ink that hangs together is measured from end to end; as long as a stroke is wide, or as a bar is high, its middle
is a level known to a part of a pixel. A staircase that never rises is fitted to these; the old steps count where there are none.
"""

from __future__ import annotations

import itertools
from typing import Any

import numba as nb
import numpy as np

from nextarm.figures.raster.edges import Steps, potts
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats

#: How far (pixels) the length of a column of ink may be from that of a stroke or a bar.
NEAR = 0.7
#: What a step must save (square pixels), and the weight of the old steps beside a measured column.
PRICE, OLD = 1.2, 0.02
#: Fewest columns of bars from which the levels are fitted again.
FEWEST = 12


@nb.njit(cache=True)
def _extents(share: Any, hidden: Any, at: Any, first: int, reach: int, level: float) -> Any:
    """Upper and lower end of the ink that hangs together around ``at`` in every column; NaN where it is not seen whole."""
    rows = share.shape[0]
    n = at.size
    out = np.full((n, 2), np.nan)
    for k in range(n):
        x = first + k
        middle = int(np.floor(at[k]))
        start = -1
        for d in range(reach + 1):  # the nearest row of full ink
            for sign in (-1, 1):
                r = middle + sign * d
                if start < 0 and 0 <= r < rows and not hidden[r, x] and share[r, x] > level:
                    start = r
            if start >= 0:
                break
        if start < 0:
            continue
        top = start
        while top > 0 and not hidden[top - 1, x] and share[top - 1, x] > level and start - top <= 3 * reach:
            top -= 1
        low = start
        while low < rows - 1 and not hidden[low + 1, x] and share[low + 1, x] > level and low - start <= 3 * reach:
            low += 1
        if top < 2 or low > rows - 3:
            continue
        if not (hidden[top - 1, x] or hidden[top - 2, x]):
            part = min(1.0, max(0.0, share[top - 1, x])) + (1.0 - min(1.0, share[top, x]))
            out[k, 0] = top + 2.0 * (1.0 - min(1.0, share[top, x])) - part if part < 1.0 else top
        if not (hidden[low + 1, x] or hidden[low + 2, x]):
            part = min(1.0, max(0.0, share[low + 1, x])) + (1.0 - min(1.0, share[low, x]))
            out[k, 1] = low + 1.0 - 2.0 * (1.0 - min(1.0, share[low, x])) + part if part < 1.0 else low + 1.0
    return out


def level_again(steps: Steps, share: Image, hidden: Mask, *, width: float, height: float) -> Steps:
    """The steps fitted to the middles of strokes and bars; the same steps where there are few bars.

    ``height`` is how far a bar stands out of the stroke on each side (pixels).
    """
    first, last = max(0, int(np.floor(steps.x[0]))), min(share.shape[1], int(np.floor(steps.end)))
    centre = np.arange(first, last) + 0.5
    if centre.size < FEWEST:
        return steps
    old = steps.at(centre)
    ends = _extents(share, hidden, old, first, int(np.ceil(width / 2 + height)) + 1, 0.5)
    long = ends[:, 1] - ends[:, 0]
    bar = np.abs(long - width - 2 * height) < NEAR
    bare = np.abs(long - width) < NEAR
    middle = 0.5 * (ends[:, 0] + ends[:, 1])
    good = (bar | bare) & (np.abs(middle - old) < height + width / 2 + 1)
    between = (long > width + NEAR) & (long < width + 2 * height - NEAR)  # crosses and rings, not bars, have columns of every length
    if (bar & good).sum() < max(FEWEST, int(between.sum())):
        return steps
    place = np.concatenate([centre[good], centre])
    value = np.concatenate([middle[good], old])
    weight = np.concatenate([np.ones(int(good.sum())), np.full(centre.size, OLD)])
    order = np.argsort(place, kind="stable")
    place, value, weight = place[order], value[order], weight[order]
    starts = potts(value, weight, PRICE)
    bounds = np.append(starts, place.size)
    level = np.array([_typical(value[a:b], weight[a:b]) for a, b in itertools.pairwise(bounds)])
    x = np.array([steps.x[0], *(0.5 * (place[s - 1] + place[s]) for s in starts[1:])])
    return Steps(x=x, y=np.maximum.accumulate(level), end=steps.end)


def _typical(value: Floats, weight: Floats) -> float:
    """Weighted median of a piece."""
    order = np.argsort(value)
    going = np.cumsum(weight[order])
    return float(value[order][int(np.searchsorted(going, 0.5 * going[-1]))])
