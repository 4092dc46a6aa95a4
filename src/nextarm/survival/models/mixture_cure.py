"""Mixture cure model: a share is cured, the others follow a latency distribution."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, require_probability
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.registry import LATENCIES, Latency


@record
class MixtureCure(Distribution):
    """S(t) = cure_fraction + (1 - cure_fraction) S_latency(t).

    A cure fraction of 0 is the latency model itself, to the last digit. Where the latency model itself leaves survivors
    (Gompertz with a shape below 0, a last rate of 0) the plateau lies above the cure fraction. Reference: Boag 1949,
    doi 10.1111/j.2517-6161.1949.tb00020.x; Farewell 1982, doi 10.2307/2529885.

    >>> from nextarm.survival.models import Weibull
    >>> m = MixtureCure(cure_fraction=0.6, latency=Weibull(shape=1.3, scale=0.9))
    >>> m.quantile([0.2, 0.4]).round(6).tolist()
    [0.678892, inf]
    """

    cure_fraction: float
    latency: Latency
    model: Literal["mixture-cure"] = "mixture-cure"

    name: ClassVar[str] = "mixture-cure"

    def __post_init__(self) -> None:
        require_probability(self.cure_fraction, "cure_fraction")
        require_latency(self.latency)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        inner = self.latency.cumulative_hazard(t)
        return inner if self.cure_fraction == 0.0 else np.asarray(-np.log1p((1.0 - self.cure_fraction) * np.expm1(-inner)), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        hazard = self.latency.hazard(t)
        if self.cure_fraction == 0.0:
            return hazard
        alive = (1.0 - self.cure_fraction) * self.latency.survival(t)
        uncured = alive / (self.cure_fraction + alive)
        return np.asarray(np.where(uncured > 0.0, hazard * uncured, 0.0), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        if self.cure_fraction == 1.0:
            return np.full_like(p, np.inf)
        return self.latency.quantile(np.minimum(p / (1.0 - self.cure_fraction), 1.0))

    def quantile_inside(self, p: FloatArray) -> FloatArray:
        """As in the base class."""
        if self.cure_fraction == 0.0:
            return self.latency.quantile_inside(p)
        uncured = p / (1.0 - self.cure_fraction) if self.cure_fraction < 1.0 else np.full_like(p, np.inf)
        inside = uncured < 1.0
        if inside.all():
            return self.latency.quantile_inside(uncured)
        return np.where(inside, self.latency.quantile_inside(np.where(inside, uncured, 0.5)), np.inf)

    def _total_hazard(self) -> float:
        if self.cure_fraction == 0.0:
            return float(self.latency.cumulative_hazard(np.inf))
        return -float(np.log(self.cure_fraction + (1.0 - self.cure_fraction) * self.latency.plateau()))

    def _hazard_limits(self) -> tuple[float, float]:
        start, end = (float(h) for h in self.latency.hazard([0.0, np.inf]))
        if self.cure_fraction == 0.0:
            return start, end
        uncured = 1.0 - self.cure_fraction
        return (start * uncured if uncured > 0.0 else 0.0), 0.0


def require_latency(latency: object) -> None:
    """Raise :class:`CallError` unless ``latency`` is one of the models without cure."""
    if not isinstance(latency, LATENCIES):
        known = ", ".join(c.__name__ for c in LATENCIES)
        raise CallError(f"latency = {type(latency).__name__}", rule=f"must be one of {known}")
