"""Promotion-time (non-mixture) cure model: the first of a Poisson number of hidden events."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, require_probability
from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.mixture_cure import require_latency
from nextarm.survival.models.registry import Latency


@record
class PromotionTimeCure(Distribution):
    """S(t) = cure_fraction ^ F(t), F the distribution function of ``latency``; H(t) = theta F(t), theta = -log(cure_fraction).

    ``latency`` is the law of the hidden (promotion) times, not of the times of those who are not cured. The cure fraction
    is above 0: at 0 everyone would have the event at once. Reference: Yakovlev and Tsodikov 1996; Chen, Ibrahim and Sinha
    1999, doi 10.1080/01621459.1999.10474196.

    >>> from nextarm.survival.models import Exponential
    >>> m = PromotionTimeCure(cure_fraction=0.25, latency=Exponential.from_median(1.0))
    >>> m.survival([0.0, 1.0, 1e9]).round(12).tolist()
    [1.0, 0.5, 0.25]
    """

    cure_fraction: float
    latency: Latency
    model: Literal["promotion-cure"] = "promotion-cure"

    name: ClassVar[str] = "promotion-cure"

    def __post_init__(self) -> None:
        require_probability(self.cure_fraction, "cure_fraction")
        if self.cure_fraction == 0.0:
            raise CallError(
                "cure_fraction = 0", rule="must be above 0 in a promotion-time model", cure="Use the model without cure, or a mixture"
            )
        require_latency(self.latency)

    @property
    def theta(self) -> float:
        """Mean number of hidden events."""
        return -math.log(self.cure_fraction)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(-self.theta * np.expm1(-self.latency.cumulative_hazard(t)), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return self.theta * self.latency.density(t)

    def _quantile(self, p: FloatArray) -> FloatArray:
        if self.cure_fraction == 1.0:
            return np.full_like(p, np.inf)
        return self.latency.quantile(np.minimum(-np.log1p(-p) / self.theta, 1.0))

    def _total_hazard(self) -> float:
        return self.theta * (1.0 - self.latency.plateau())

    def _hazard_limits(self) -> tuple[float, float]:
        start = float(self.latency.hazard(0.0))
        return (self.theta * start if self.cure_fraction < 1.0 else 0.0), 0.0
