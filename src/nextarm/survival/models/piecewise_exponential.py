"""Piecewise exponential model: a constant hazard between given times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above
from nextarm.survival.models.family import Family, Jet


@record
class PiecewiseExponential(Distribution):
    """Hazard ``rates[j]`` a year from ``cuts[j - 1]`` to ``cuts[j]`` (first from 0, last without end).

    ``cuts`` are rising times above 0, one fewer than ``rates``; a rate may be 0, and a last rate of 0 leaves a plateau.
    At a cut the hazard is that of the piece which begins there.

    >>> m = PiecewiseExponential(cuts=(1.0, 2.0), rates=(0.5, 0.2, 0.0))
    >>> m.cumulative_hazard([1.0, 1.5, 9.0]).tolist()
    [0.5, 0.6, 0.7]
    """

    cuts: tuple[float, ...]
    rates: tuple[float, ...]
    model: Literal["piecewise-exponential"] = "piecewise-exponential"

    name: ClassVar[str] = "piecewise-exponential"
    scale_parameter: ClassVar[str] = "rates"

    def __post_init__(self) -> None:
        object.__setattr__(self, "cuts", numbers(self.cuts, "cuts"))
        object.__setattr__(self, "rates", numbers(self.rates, "rates"))
        if any(b <= a for a, b in zip((0.0, *self.cuts), self.cuts, strict=False)):
            raise CallError(f"cuts = {list(self.cuts)}", rule="must be rising times above 0")
        if len(self.rates) != len(self.cuts) + 1:
            raise CallError(f"{len(self.rates)} rates", rule=f"must be one more than the {len(self.cuts)} cuts")
        if min(self.rates) < 0.0 or max(self.rates) == 0.0:
            raise CallError(f"rates = {list(self.rates)}", rule="must not be negative, and one at least must be above 0")

    @classmethod
    def from_median(cls, median: float, *, cuts: Sequence[float], relative_rates: Sequence[float]) -> PiecewiseExponential:
        """The model with this median (years) whose rates stand in these proportions."""
        require_above(median, "median")
        unit = cls(cuts=tuple(cuts), rates=tuple(relative_rates))
        reached = float(unit.cumulative_hazard(median))
        if reached == 0.0:
            raise CallError(f"median = {median:g}", rule="the relative rates are 0 up to there")
        return cls(cuts=unit.cuts, rates=tuple(float(np.log(2.0)) * r / reached for r in unit.rates))

    @classmethod
    def family(cls, cuts: Sequence[float]) -> Family:
        """The model with these cuts for maximum likelihood; one predictor a piece, its log rate."""
        starts = np.array((0.0, *numbers(cuts, "cuts")))
        ends = np.append(starts[1:], np.inf)
        k = starts.size

        def log_survival(eta: FloatArray, t: FloatArray) -> Jet:
            spent = np.clip(np.minimum(t, ends[:, None]) - starts[:, None], 0.0, None)
            H = np.exp(eta) * spent
            second = np.zeros((k, k, t.size))
            second[np.arange(k), np.arange(k)] = -H
            return Jet(-H.sum(axis=0), -H, second)

        def log_density(eta: FloatArray, t: FloatArray) -> Jet:
            s = log_survival(eta, t)
            here = (np.searchsorted(starts[1:], t, side="right") == np.arange(k)[:, None]).astype(float)
            return Jet(s.value + (here * eta).sum(axis=0), s.first + here, s.second)

        return Family(
            name=cls.name,
            parameters=tuple(f"rate[{j + 1}]" for j in range(k)),
            links=tuple("log" for _ in range(k)),
            location=tuple(range(k)),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(cuts=tuple(starts[1:].tolist()), rates=tuple(v)),
            shape_from_spread=lambda spread: {"cuts": tuple(starts[1:].tolist()), "relative_rates": (1.0,) * k},
            from_median=cls.from_median,
            at_zero=True,
            free_scale=False,
        )

    @property
    def _starts(self) -> FloatArray:
        return np.array((0.0, *self.cuts))

    @property
    def _reached(self) -> FloatArray:
        """Cumulative hazard at the start of each piece."""
        return np.concatenate([[0.0], np.cumsum(np.array(self.rates[:-1]) * np.diff(self._starts))])

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        piece = np.searchsorted(self.cuts, t, side="right")
        return np.asarray(self._reached[piece] + np.array(self.rates)[piece] * (t - self._starts[piece]), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(np.array(self.rates)[np.searchsorted(self.cuts, t, side="right")], np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        need, reached = -np.log1p(-p), self._reached
        # A piece of rate 0 reaches nothing new, so that with side="left" the share at its start is found before it.
        piece = np.searchsorted(reached[1:], need, side="left")
        rate = np.array(self.rates)[piece]
        return np.asarray(np.where(rate > 0.0, self._starts[piece] + (need - reached[piece]) / rate, np.inf), np.float64)

    def _total_hazard(self) -> float:
        return np.inf if self.rates[-1] > 0.0 else float(self._reached[-1])

    def _hazard_limits(self) -> tuple[float, float]:
        return self.rates[0], self.rates[-1]


def numbers(values: Any, name: str) -> tuple[float, ...]:
    """``values`` as a tuple of finite floats, or :class:`CallError`."""
    try:
        found = tuple(float(v) for v in values)
    except (TypeError, ValueError):
        raise CallError(f"{name} = {values!r}", rule="must be a list of numbers") from None
    if not np.isfinite(found).all():
        raise CallError(f"{name} = {list(found)}", rule="must be finite numbers")
    return found
