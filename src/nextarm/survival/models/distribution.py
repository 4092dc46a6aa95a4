"""What every survival model of this room can do, derived from its cumulative hazard, hazard and quantile function.

A model defines three things for times strictly between 0 and infinity: ``_cumulative_hazard``, ``_hazard`` and, for
shares strictly between 0 and 1, ``_quantile``. Everything at the edges (before 0, at 0, at infinity, shares 0 and 1) is
settled once, here, so that no model returns a NaN.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray


class Distribution:
    """Base of all survival models: functions of time in years, hazards a year, all vectorised (numpy in, numpy out).

    ``scale_parameter`` is the parameter that a median can stand in for; ``name`` the model's name in plans.
    """

    name: ClassVar[str]
    scale_parameter: ClassVar[str] = ""

    def survival(self, t: Any) -> FloatArray:
        """S(t), the probability of no event by ``t``; 1 before time 0."""
        return np.exp(-self.cumulative_hazard(t))

    def cumulative_hazard(self, t: Any) -> FloatArray:
        """H(t) = -log S(t), exact also where S(t) itself is below the smallest number."""
        time, inside = _times(t)
        with np.errstate(all="ignore"):
            inner = self._cumulative_hazard(np.where(inside, time, 1.0))
        return np.asarray(np.where(inside, inner, np.where(time > 0.0, self._total_hazard(), 0.0)), np.float64)

    def hazard(self, t: Any) -> FloatArray:
        """h(t), events a year among those still without one; 0 before time 0, possibly infinite at time 0."""
        time, inside = _times(t)
        start, end = self._hazard_limits()
        with np.errstate(all="ignore"):
            inner = self._hazard(np.where(inside, time, 1.0))
        edge = np.where(time == 0.0, start, np.where(time > 0.0, end, 0.0))
        return np.asarray(np.where(inside, inner, edge), np.float64)

    def density(self, t: Any) -> FloatArray:
        """f(t) = h(t) S(t)."""
        alive = self.survival(t)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(alive > 0.0, self.hazard(t) * alive, 0.0), np.float64)

    def quantile(self, p: Any) -> FloatArray:
        """The time by which a share ``p`` has had the event; infinity where that share is never reached.

        ``quantile(u)`` of uniforms ``u`` are event times (inverse transform). Raises :class:`CallError` for shares
        outside [0, 1].
        """
        share = np.asarray(p, np.float64)
        if not np.all((share >= 0.0) & (share <= 1.0)):
            raise CallError("p holds a number outside [0, 1]", rule="a share must lie between 0 and 1")
        inside = (share > 0.0) & (share < 1.0)
        with np.errstate(all="ignore"):
            inner = self._quantile(np.where(inside, share, 0.5))
        return np.asarray(np.where(inside, inner, np.where(share == 0.0, 0.0, np.inf)), np.float64)

    def quantile_inside(self, p: FloatArray) -> FloatArray:
        """:meth:`quantile` for shares known to lie strictly between 0 and 1, unchecked: for draws, by the million."""
        with np.errstate(all="ignore"):
            return self._quantile(p)

    def plateau(self) -> float:
        """S at infinity: the share that never has the event."""
        return float(np.exp(-self._total_hazard()))

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _hazard(self, t: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _quantile(self, p: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _total_hazard(self) -> float:
        """H at infinity."""
        return np.inf

    def _hazard_limits(self) -> tuple[float, float]:
        """The hazard at time 0 and its limit at infinity."""
        raise NotImplementedError


def _times(t: Any) -> tuple[FloatArray, Any]:
    """Times as floats, and which lie strictly between 0 and infinity; NaN is refused."""
    time = np.asarray(t, np.float64)
    if np.isnan(time).any():
        raise CallError("t holds a value that is not a number", rule="times must be numbers of years")
    return time, (time > 0.0) & (time < np.inf)


def require_above(value: Any, name: str, low: float = 0.0) -> None:
    """Raise :class:`CallError` unless ``value`` is a finite number above ``low``."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low < float(value) < np.inf:
        raise CallError(f"{name} = {value!r}", rule=f"must be above {low:g}" if np.isfinite(low) else "must be a finite number")


def power_limits(power: float, at_one: float) -> tuple[float, float]:
    """Limits at 0 and infinity of ``at_one * t ** power``."""
    if power == 0.0:
        return at_one, at_one
    return (0.0, np.inf) if power > 0.0 else (np.inf, 0.0)
