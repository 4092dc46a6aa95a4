"""Promotion-time (non-mixture) cure: S(t) = c^F(t) with F the latency's distribution function; proportional hazards.

Yakovlev & Tsodikov 1996; Chen, Ibrahim & Sinha 1999 (doi 10.1080/01621459.1999.10474196).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, exponential_units


@record
class PromotionTimeCure(Distribution):
    """``cure_fraction`` above 0 and below 1, and the ``latency`` whose distribution function F drives the hazard."""

    cure_fraction: float
    latency: Any
    name: ClassVar[str] = "promotion-cure"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cure_fraction) and 0.0 < self.cure_fraction < 1.0):
            raise CallError(f"cure_fraction = {self.cure_fraction:g}", where=f"model {self.name}", rule="must be above 0 and below 1")

    @property
    def theta(self) -> float:
        """-log of the cure fraction: the cumulative hazard ever reached."""
        return float(-np.log(self.cure_fraction))

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """theta F(t)."""
        return np.asarray(-self.theta * np.expm1(-self.latency.cumulative_hazard(t)), np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """theta f(t)."""
        late: FloatArray = self.latency.density(t)
        return self.theta * late

    def quantile(self, p: ArrayLike) -> FloatArray:
        """The latency's quantile at H / theta; infinity where that is 1 or more."""
        share = exponential_units(p) / self.theta
        return np.asarray(np.where(share < 1.0, self.latency.quantile(np.minimum(share, 1.0)), np.inf), np.float64)
