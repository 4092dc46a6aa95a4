"""Piecewise exponential: a constant hazard between cuts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, exponential_units, times


@record
class PiecewiseExponential(Distribution):
    """``rates`` (m + 1,) a year, not negative, before, between and after the ``cuts`` (m,) in years, rising and above 0.

    A last rate of 0 means that nobody has the event after the last cut.

    >>> model = PiecewiseExponential(cuts=(1.0,), rates=(0.5, 0.1))
    >>> round(float(model.cumulative_hazard(3.0)), 6)
    0.7
    """

    cuts: tuple[float, ...]
    rates: tuple[float, ...]
    name: ClassVar[str] = "piecewise-exponential"

    def __post_init__(self) -> None:
        where = f"model {self.name}"
        if len(self.rates) != len(self.cuts) + 1:
            raise CallError(
                f"{len(self.rates)} rates with {len(self.cuts)} cuts", where=where, rule="there must be one rate more than cuts"
            )
        if not all(np.isfinite(c) for c in self.cuts) or any(b <= a for a, b in zip((0.0, *self.cuts), self.cuts, strict=False)):
            raise CallError(f"cuts = {list(self.cuts)}", where=where, rule="must be above 0 and rise")
        if any(not (np.isfinite(r) and r >= 0.0) for r in self.rates) or not sum(self.rates) > 0.0:
            raise CallError(f"rates = {list(self.rates)}", where=where, rule="must not be negative, nor all 0")

    def _knots(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Starts of the pieces, cumulative hazard there, rates."""
        starts, rates = np.array((0.0, *self.cuts)), np.array(self.rates, np.float64)
        return starts, np.concatenate([[0.0], np.cumsum(rates[:-1] * np.diff(starts))]), rates

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """The sum of rate times width over the pieces passed."""
        starts, base, rates = self._knots()
        time = times(t)
        i = np.searchsorted(starts, time, side="right") - 1
        with np.errstate(invalid="ignore"):
            beyond = np.where(rates[i] > 0.0, rates[i] * (time - starts[i]), 0.0)
        return np.asarray(base[i] + beyond, np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """The rate of the piece that ``t`` lies in; at a cut that of the piece after it."""
        starts, _, rates = self._knots()
        return np.asarray(rates[np.searchsorted(starts, times(t), side="right") - 1], np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """The exact inverse, piece by piece; infinity beyond what the pieces ever reach."""
        starts, base, rates = self._knots()
        need = exponential_units(p)
        # side="left" finds the first piece in which the hazard needed is reached, past pieces with rate 0.
        i = np.maximum(np.searchsorted(base, need, side="left") - 1, 0)
        rest = need - base[i]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(rest > 0.0, rest / rates[i], 0.0)
        return np.asarray(starts[i] + step, np.float64)

    @classmethod
    def from_median(cls, median: float, *, cuts: tuple[float, ...], rates: tuple[float, ...]) -> PiecewiseExponential:
        """The model with these ``cuts`` and rates in proportion to ``rates``, with this median (years)."""
        unscaled = cls(cuts=cuts, rates=rates)
        at_median = float(unscaled.cumulative_hazard(median))
        if not at_median > 0.0:
            raise CallError(f"median = {median:g}", where=f"model {cls.name}", rule="nobody has the event by then with these rates")
        factor = float(np.log(2.0)) / at_median
        return cls(cuts=cuts, rates=tuple(r * factor for r in rates))
