"""Simultaneous confidence bands of a survival curve: Hall-Wellner and equal precision.

Hall and Wellner 1980 (doi 10.1093/biomet/67.1.133), Nair 1984 (doi 10.1080/00401706.1984.10487964); transforms by Borgan and
Liestol 1990. With a = n v / (1 + n v), v the Greenwood sum, both rest on the supremum of a Brownian bridge over
[a_low, a_high], divided by sqrt(a (1 - a)) for equal precision. The critical values are computed, not tabled: the bridge
by quadrature over its values at both ends and the reflection series between them; the other, an Ornstein-Uhlenbeck
process in log-odds of a, by its spectrum between two absorbing walls.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes
from nextarm.survival.kaplan_meier import KaplanMeier
from nextarm.survival.limits import normal_quantile, transformed_limits
from nextarm.survival.roots import brentq
from nextarm.survival.selection import require_level

BandKind = Literal["hall-wellner", "equal-precision"]


@record
class ConfidenceBand(Result):
    """A band that holds the whole curve on [``time[0]``, ``time[-1]``] with probability ``level``."""

    band: str
    transform: str
    level: float
    critical_value: float
    a_low: float
    a_high: float
    time: FloatArray
    survival: FloatArray
    low: FloatArray
    high: FloatArray


def confidence_band(
    curve: KaplanMeier,
    *,
    kind: BandKind = "hall-wellner",
    transform: Literal["log-log", "log", "plain"] = "log-log",
    level: float = 0.95,
    start: float | None = None,
    end: float | None = None,
) -> ConfidenceBand:
    """The band from the first to the last event time (or from ``start`` to ``end``, in years) with S inside (0, 1).

    Raises :class:`RefusedError` where no event time lies there or the curve carries weights.
    """
    require_level(level)
    if kind not in ("hall-wellner", "equal-precision"):
        raise CallError(f"kind = {kind!r}", rule="must be 'hall-wellner' or 'equal-precision'")
    if curve.variance != "greenwood":
        raise RefusedError("a band for a weighted curve", rule="bands rest on the Greenwood variance", cure="Use variance='greenwood'")
    inside = (curve.survival > 0.0) & (curve.survival < 1.0)
    inside &= curve.time >= (curve.time[0] if start is None else start)
    last = curve.time[np.flatnonzero(curve.events)[-1]] if curve.n_events else np.inf
    inside &= curve.time <= (last if end is None else end)
    if not inside.any():
        raise RefusedError("no confidence band", rule="needs at least one time with S strictly between 0 and 1")
    S = curve.survival[inside]
    relative = curve.standard_error[inside] / S
    nv = curve.n * relative**2
    a = nv / (1.0 + nv)
    if kind == "hall-wellner":
        c = hall_wellner_value(float(a[0]), float(a[-1]), level)
        reach = c * (1.0 + nv) / np.sqrt(curve.n)
    else:
        c = equal_precision_value(float(a[0]), float(a[-1]), level)
        reach = c * relative
    low, high = transformed_limits(S, reach, 1.0, transform)
    return ConfidenceBand(
        trail=Trail(f"{kind} band, {transform}", "10.1093/biomet/67.1.133" if kind == "hall-wellner" else "10.1080/00401706.1984.10487964"),
        band=kind,
        transform=transform,
        level=level,
        critical_value=c,
        a_low=float(a[0]),
        a_high=float(a[-1]),
        time=curve.time[inside],
        survival=S,
        low=low,
        high=high,
    )


@lru_cache(maxsize=256)
def hall_wellner_value(a_low: float, a_high: float, level: float) -> float:
    """c with P(|B(u)| <= c for a_low <= u <= a_high) = level, B a Brownian bridge.

    >>> round(hall_wellner_value(0.0, 1.0, 0.95), 4)  # Kolmogorov's
    1.3581
    """
    # The bridge leaves +-c at least as often as its widest single value: few events of many patients need a small c.
    widest = min(max(a_low, 0.5), a_high)
    least = 0.999 * normal_quantile(0.5 + level / 2.0) * np.sqrt(widest * (1.0 - widest))
    return float(brentq(lambda c: bridge_stays(c, a_low, a_high) - level, least, 6.0, xtol=1e-12))


@lru_cache(maxsize=256)
def equal_precision_value(a_low: float, a_high: float, level: float) -> float:
    """c with P(|B(u)| / sqrt(u (1 - u)) <= c for a_low <= u <= a_high) = level."""
    odds = np.log(a_high / (1.0 - a_high)) - np.log(a_low / (1.0 - a_low))
    return float(brentq(lambda c: wave_stays(c, 0.5 * odds) - level, 0.05, 12.0, xtol=1e-12))


def bridge_stays(c: float, a_low: float, a_high: float) -> float:
    """P(|B(u)| <= c on [a_low, a_high]) for a Brownian bridge B on [0, 1]."""
    nodes, weights = legendre_nodes(96)
    tau = a_high - a_low
    if tau <= 0.0:
        from scipy.special import erf

        return float(erf(c / np.sqrt(2.0 * a_low * (1.0 - a_low))))
    xs, wx = np.zeros(1), np.ones(1)
    if a_low > 0.0:
        reach = min(c, 9.0 * np.sqrt(a_low * (1.0 - a_low)))
        xs = reach * nodes
        wx = reach * weights * _normal(xs, a_low * (1.0 - a_low))
    x = xs[:, None]
    if a_high >= 1.0:
        ys, wy = np.zeros(1), np.ones(1)
        ends = np.ones((xs.size, 1))
    else:
        # The move over tau, given x at a_low, is normal around x (1 - a_high)/(1 - a_low); nodes follow its width.
        spread = np.sqrt(tau * (1.0 - a_high) / (1.0 - a_low))
        middle = xs * (1.0 - a_high) / (1.0 - a_low)
        lo = np.maximum(-c, middle - 9.0 * spread)
        hi = np.minimum(c, middle + 9.0 * spread)
        half = 0.5 * (hi - lo)
        grid = 0.5 * (hi + lo)[:, None] + half[:, None] * nodes
        ends = half[:, None] * weights * _normal(grid - middle[:, None], spread**2)
        return float(np.sum(wx[:, None] * ends * _bridge_between(x, grid, tau, c)))
    return float(np.sum(wx[:, None] * wy * ends * _bridge_between(x, ys[None, :], tau, c)))


def _normal(x: FloatArray, variance: float) -> FloatArray:
    value: FloatArray = np.exp(-(x**2) / (2.0 * variance)) / np.sqrt(2.0 * np.pi * variance)
    return value


def _bridge_between(x: FloatArray, y: FloatArray, tau: float, c: float) -> FloatArray:
    """P(a bridge from x to y over tau stays within +-c), by reflection."""
    base = (y - x) ** 2
    total = np.zeros(np.broadcast(x, y).shape)
    for k in range(-12, 13):
        total += np.exp((base - (y - x + 4.0 * k * c) ** 2) / (2.0 * tau)) - np.exp(
            (base - (y + x + (4.0 * k + 2.0) * c) ** 2) / (2.0 * tau)
        )
    return np.clip(total, 0.0, 1.0)


def wave_stays(c: float, duration: float) -> float:
    """P(|X| <= c for ``duration``), X the stationary Ornstein-Uhlenbeck process with covariance exp(-|s - t|)."""
    if duration <= 0.0:
        from scipy.special import erf

        return float(erf(c / np.sqrt(2.0)))
    # The k-th mode decays like exp(-(k pi / 2c)^2 duration): short stretches need more of them.
    size = int(np.clip(14.0 * c / (np.pi * np.sqrt(duration)), 40, 400))
    nodes, weights = legendre_nodes(3 * size)
    x, w = c * nodes, c * weights
    k = np.arange(1, size + 1)
    basis = np.sin(k[:, None] * np.pi * (x + c) / (2.0 * c)) / np.sqrt(c)
    energy = (basis * w * (x**2 / 4.0 - 0.5)) @ basis.T + np.diag((k * np.pi / (2.0 * c)) ** 2)
    values, vectors = np.linalg.eigh(energy)
    start = vectors.T @ (basis @ (w * np.sqrt(_normal(x, 1.0))))
    return float(np.sum(start**2 * np.exp(-values * duration)))
