"""Quantiles of a survival curve, with limits by inverting the pointwise limits.

Brookmeyer and Crowley 1982, doi 10.2307/2530286. Where the curve runs flat exactly at the level, the middle of the flat
piece is taken, as R survival does.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

_FLAT = 1.5e-8


@record
class SurvivalQuantile(Result):
    """The time by which a share ``p`` has had the event; None where the curve or a limit never falls that far."""

    p: float
    time: float | None
    ci_low: float | None
    ci_high: float | None
    level: float


def first_time_below(time: FloatArray, curve: FloatArray, height: float) -> float | None:
    """First time at which a falling ``curve`` is at or below ``height``; the middle of a piece exactly at it (to
    the last time, if it stays there).

    >>> first_time_below(np.array([1.0, 2.0, 3.0]), np.array([0.8, 0.5, 0.2]), 0.5)
    2.5
    """
    low = np.minimum.accumulate(np.where(np.isnan(curve), np.inf, curve))
    rows = np.flatnonzero(low <= height + _FLAT)
    if not rows.size:
        return None
    first = int(rows[0])
    if abs(low[first] - height) < _FLAT:
        beyond = np.flatnonzero(low < height - _FLAT)
        return float(0.5 * (time[first] + time[beyond[0] if beyond.size else -1]))
    return float(time[first])


def curve_quantile(
    time: FloatArray, survival: FloatArray, low: FloatArray, high: FloatArray, *, p: float, level: float, what: str
) -> SurvivalQuantile:
    """Quantile ``p`` of the curve, and of its limits as the limits of the quantile."""
    if not 0.0 < p < 1.0:
        raise CallError(f"p = {p}", rule="must lie strictly between 0 and 1")
    height = 1.0 - p
    # Limits count where the curve steps: before its first step it is 1, and a limit there says how few are watched.
    steps = np.diff(survival, prepend=1.0) != 0.0
    estimate = first_time_below(time, survival, height)
    lower, upper = (first_time_below(time[steps], c[steps], height) for c in (low, high))
    note = () if estimate is not None else (f"the curve does not fall to {height:g} within {time[-1]:.6g} years: not reached",)
    return SurvivalQuantile(
        trail=Trail(f"quantile of {what}", "10.2307/2530286"), warnings=note, p=p, time=estimate, ci_low=lower, ci_high=upper, level=level
    )
