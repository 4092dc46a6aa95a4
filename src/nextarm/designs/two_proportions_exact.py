"""Two proportions: tests that hold their size exactly, whatever the common proportion is.

Counts x0 of n0 and x1 of n1; H0: p1 - p0 <= -margin (margin 0: superiority). Every test orders the tables by a statistic
and rejects those at or beyond a bound; its size is the largest rejection probability over all p0 of the null, found here by
summing all tables on a fine grid of p0 and refining at its peak.

``score`` is the Farrington-Manning z (restricted maximum likelihood variance; at margin 0 the pooled z); ``exact`` uses the
same order with the bound that makes the size at most alpha (Chan's exact unconditional test; at margin 0 Suissa-Shuster's);
``boschloo`` orders by Fisher's p and is exact too. Farrington & Manning 1990; Chan 1998; Boschloo 1970.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.binomial_paths import binomial_mass

ProportionTest = Literal["score", "exact", "boschloo"]
TESTS: tuple[ProportionTest, ...] = ("score", "exact", "boschloo")
#: Points at which the null's common proportion is tried before the peak is refined.
GRID = 201
#: The most patients an arm for which all tables are summed.
MOST_IN_ARM = 1_500


@record
class RejectionRegion:
    """Which tables reject: ``least[x0]`` is the smallest x1 that does (n1 + 1: none); ``size`` the true type I error.

    ``worst_p0`` is the control proportion at which the type I error is largest.
    """

    n0: int
    n1: int
    least: tuple[int, ...]
    bound: float
    size: float
    worst_p0: float


def rejection_region(n0: int, n1: int, *, alpha: float, margin: float = 0.0, test: ProportionTest = "exact") -> RejectionRegion:
    """The tables of ``n0`` control and ``n1`` experimental patients that reject H0: p1 <= p0 - ``margin``.

    Raises :class:`CallError` for sizes, alpha or margin outside their domain, and for ``boschloo`` with a margin.

    >>> region = rejection_region(10, 10, alpha=0.05, test="exact")
    >>> region.size <= 0.05, region.least[3]
    (True, 8)
    """
    _check(n0, n1, alpha, margin, test)
    return _region(n0, n1, alpha, margin, test)


@lru_cache(maxsize=256)
def _region(n0: int, n1: int, alpha: float, margin: float, test: ProportionTest) -> RejectionRegion:
    order = fisher_order(n0, n1) if test == "boschloo" else score_statistics(n0, n1, margin=margin)
    if test == "score":
        from scipy.special import ndtri

        bound = -float(ndtri(alpha))
        least = _least(order, bound)
        size, worst = largest_size(least, n0, n1, margin)
    else:
        bound, least, size, worst = _exact_bound(order, n0, n1, alpha, margin)
    return RejectionRegion(n0=n0, n1=n1, least=tuple(int(x) for x in least), bound=bound, size=size, worst_p0=worst)


def rejection_probability(region: RejectionRegion, p0: float, p1: float) -> float:
    """The exact probability of rejecting when the true proportions are ``p0`` and ``p1``."""
    tail = np.append(np.cumsum(binomial_mass(region.n1, p1)[::-1])[::-1], 0.0)
    return float(min(1.0, binomial_mass(region.n0, p0) @ tail[np.asarray(region.least)]))


def score_statistics(n0: int, n1: int, *, margin: float = 0.0) -> FloatArray:
    """Farrington-Manning z of every table, shape (n0 + 1, n1 + 1); large where the experimental arm does better than the null."""
    x0, x1 = np.arange(n0 + 1.0)[:, None], np.arange(n1 + 1.0)[None, :]
    r0, r1 = x0 / n0, x1 / n1
    q0 = restricted_control(x0, x1, n0, n1, margin)
    q1 = np.clip(q0 - margin, 0.0, 1.0)
    variance = q0 * (1 - q0) / n0 + q1 * (1 - q1) / n1
    gain = r1 - r0 + margin
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gain / np.sqrt(variance)
    made: FloatArray = np.where(variance > 0.0, z, np.where(gain > 1e-12, np.inf, np.where(gain < -1e-12, -np.inf, 0.0)))
    return made


def restricted_control(x0: FloatArray, x1: FloatArray, n0: int, n1: int, margin: float) -> FloatArray:
    """The control proportion's maximum likelihood estimate under p1 = p0 - ``margin``: the cubic's root in closed form."""
    if margin == 0.0:
        pooled: FloatArray = np.broadcast_to((x0 + x1) / (n0 + n1), np.broadcast_shapes(np.shape(x0), np.shape(x1)))
        return pooled
    # Farrington and Manning's cubic for the arm whose proportion is larger by s under the null: here the control.
    s, theta = margin, n1 / n0
    hat0, hat1 = x0 / n0, x1 / n1
    a = 1.0 + theta
    b = -(1.0 + theta + hat0 + theta * hat1 + s * (theta + 2.0))
    c = s * s + s * (2.0 * hat0 + theta + 1.0) + hat0 + theta * hat1
    d = -hat0 * s * (1.0 + s)
    v = b**3 / (27.0 * a**3) - b * c / (6.0 * a**2) + d / (2.0 * a)
    u = np.where(v >= 0.0, 1.0, -1.0) * np.sqrt(np.maximum(b * b / (9.0 * a * a) - c / (3.0 * a), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(u == 0.0, 0.0, v / u**3)
    w = (np.pi + np.arccos(np.clip(ratio, -1.0, 1.0))) / 3.0
    return np.asarray(np.clip(2.0 * u * np.cos(w) - b / (3.0 * a), s, 1.0), np.float64)


def fisher_order(n0: int, n1: int) -> FloatArray:
    """Minus Fisher's one-sided p of every table, shape (n0 + 1, n1 + 1): the order of Boschloo's test."""
    from scipy.stats import hypergeom

    x0, x1 = np.arange(n0 + 1)[:, None], np.arange(n1 + 1)[None, :]
    return np.asarray(-hypergeom.sf(x1 - 1, n0 + n1, x0 + x1, n1), np.float64)


def _least(order: FloatArray, bound: float) -> FloatArray:
    """For every x0 the smallest x1 from which on all tables have an order of at least ``bound``."""
    rejects = order >= bound - 1e-10 * max(1.0, abs(bound))
    from_end = np.logical_and.accumulate(rejects[:, ::-1], axis=1)[:, ::-1]
    least: FloatArray = np.where(from_end.any(axis=1), np.argmax(from_end, axis=1), order.shape[1])
    return least


def _exact_bound(order: FloatArray, n0: int, n1: int, alpha: float, margin: float) -> tuple[float, FloatArray, float, float]:
    """The lowest bound whose size is at most alpha: bisection over the distinct values of the order."""
    values = np.unique(np.round(order[np.isfinite(order)], 10))
    low, high = 0, len(values)  # high: nothing rejects
    kept = (np.inf, np.full(n0 + 1, n1 + 1), 0.0, 0.5)
    while low < high:
        middle = (low + high) // 2
        least = _least(order, float(values[middle]))
        size, worst = largest_size(least, n0, n1, margin)
        if size <= alpha:
            high = middle
            kept = (float(values[middle]), least, size, worst)
        else:
            low = middle + 1
    bound, least, size, worst = kept
    return (bound if np.isfinite(bound) else float(values[-1]) + 1.0), least, size, worst


def largest_size(least: FloatArray, n0: int, n1: int, margin: float) -> tuple[float, float]:
    """The largest rejection probability over the edge p1 = p0 - margin of the null, and where it is."""
    low, high = margin, 1.0
    best, where = 0.0, 0.5 * (low + high)
    for _ in range(3):  # the grid, then twice refined around its peak
        points = np.linspace(low, high, GRID)
        sizes = _sizes_at(points, least, n0, n1, margin)
        k = int(np.argmax(sizes))
        if sizes[k] >= best:
            best, where = float(sizes[k]), float(points[k])
        step = points[1] - points[0]
        low, high = max(margin, points[k] - step), min(1.0, points[k] + step)
    return min(best, 1.0), where


def _sizes_at(p0: FloatArray, least: FloatArray, n0: int, n1: int, margin: float) -> FloatArray:
    from scipy.special import betainc

    control = binomial_mass(n0, p0[:, None])
    k = np.asarray(least, np.int64)
    p1 = np.clip(p0 - margin, 0.0, 1.0)[:, None]
    inside = (k >= 1) & (k <= n1)
    tail = betainc(np.where(inside, k, 1), np.where(inside, n1 - k + 1, 1), p1)
    tail = np.where(inside, tail, np.where(k <= 0, 1.0, 0.0))
    made: FloatArray = (control * tail).sum(axis=1)
    return made


def _check(n0: int, n1: int, alpha: float, margin: float, test: str) -> None:
    for name, n in (("n0", n0), ("n1", n1)):
        if not 1 <= n <= MOST_IN_ARM:
            raise CallError(f"{name} = {n}", rule=f"must lie between 1 and {MOST_IN_ARM:,} patients")
    if not 0.0 < alpha < 0.5:
        raise CallError(f"alpha = {alpha:g}", rule="must lie between 0 and 0.5 (one-sided)")
    if not 0.0 <= margin < 1.0:
        cure = f"Give a proportion, not a percentage: {margin / 100:g}" if 1.0 < margin <= 100.0 else ""
        raise CallError(f"margin = {margin:g}", rule="must be at least 0 and below 1", cure=cure)
    if test not in TESTS:
        raise CallError(f"test = {test!r}", rule=f"must be one of {', '.join(TESTS)}")
    if test == "boschloo" and margin > 0.0:
        raise CallError("boschloo with a margin", rule="Fisher's p is of margin 0", cure="Use exact or score")
