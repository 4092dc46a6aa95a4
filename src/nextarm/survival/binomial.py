"""Exact limits of a proportion, for counts that were printed without an interval."""

from __future__ import annotations

from nextarm.core.errors import CallError
from nextarm.core.result import Interval


def binomial_limits(events: int, n: int, *, level: float = 0.95) -> Interval:
    """Clopper-Pearson limits of ``events`` out of ``n`` (doi 10.1093/biomet/26.4.404), both tails equal.

    Raises :class:`CallError` unless 0 <= events <= n, n >= 1 and 0 < level < 1.

    >>> limits = binomial_limits(0, 30)
    >>> limits.low, round(limits.high, 4)
    (0.0, 0.1157)
    """
    if not (n >= 1 and 0 <= events <= n):
        raise CallError(f"events = {events}, n = {n}", rule="events must lie between 0 and n, n above 0")
    if not 0.0 < level < 1.0:
        raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded")
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = float(betaincinv(events, n - events + 1, tail)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, n - events, 1.0 - tail)) if events < n else 1.0
    return Interval(low=low, high=high, level=level)
