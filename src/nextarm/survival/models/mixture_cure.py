"""Mixture cure: S(t) = c + (1 - c) S_latency(t); a share c never has the event.

Boag 1949 (doi 10.1111/j.2517-6161.1949.tb00020.x); Maller & Zhou 1996.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, shares


@record
class MixtureCure(Distribution):
    """``cure_fraction`` from 0 to below 1 and the ``latency`` of those not cured; at 0 it is the latency itself."""

    cure_fraction: float
    latency: Any
    name: ClassVar[str] = "mixture-cure"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cure_fraction) and 0.0 <= self.cure_fraction < 1.0):
            raise CallError(f"cure_fraction = {self.cure_fraction:g}", where=f"model {self.name}", rule="must be 0 or more and below 1")

    def survival(self, t: ArrayLike) -> FloatArray:
        """c + (1 - c) S_latency(t)."""
        late: FloatArray = self.latency.survival(t)
        return self.cure_fraction + (1.0 - self.cure_fraction) * late

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """-log S(t); at cure fraction 0 the latency's own, exact in the tail."""
        if self.cure_fraction == 0.0:
            own: FloatArray = self.latency.cumulative_hazard(t)
            return own
        return np.asarray(-np.log1p((1.0 - self.cure_fraction) * np.expm1(-self.latency.cumulative_hazard(t))), np.float64)

    def density(self, t: ArrayLike) -> FloatArray:
        """(1 - c) f_latency(t)."""
        late: FloatArray = self.latency.density(t)
        return (1.0 - self.cure_fraction) * late

    def hazard(self, t: ArrayLike) -> FloatArray:
        """Density over survival."""
        if self.cure_fraction == 0.0:
            own: FloatArray = self.latency.hazard(t)
            return own
        return np.asarray(self.density(t) / self.survival(t), np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """The latency's quantile at p / (1 - c); infinity for p of 1 - c or more (from 1 at cure fraction 0)."""
        share = shares(p) / (1.0 - self.cure_fraction)
        inner: FloatArray = self.latency.quantile(np.minimum(share, 1.0))
        return inner if self.cure_fraction == 0.0 else np.asarray(np.where(share < 1.0, inner, np.inf), np.float64)
