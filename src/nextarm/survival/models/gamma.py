"""Gamma: S(t) = Q(shape, rate t), the upper regularised incomplete gamma function."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, positive, shares, times


@record
class Gamma(Distribution):
    """``shape`` and ``rate`` a year, both above 0; mean shape / rate."""

    shape: float
    rate: float
    name: ClassVar[str] = "gamma"

    def __post_init__(self) -> None:
        positive(self.shape, "shape", self.name)
        positive(self.rate, "rate", self.name)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """-log Q(shape, rate t)."""
        from scipy.stats import gamma

        return np.asarray(-gamma.logsf(times(t), self.shape, scale=1.0 / self.rate), np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """Density over survival, from their logarithms."""
        from scipy.stats import gamma

        time = times(t)
        log_f = gamma.logpdf(time, self.shape, scale=1.0 / self.rate)
        return np.exp(log_f + self.cumulative_hazard(time))

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Inverse of the incomplete gamma function."""
        from scipy.special import gammaincinv

        return np.asarray(gammaincinv(self.shape, shares(p)) / self.rate, np.float64)

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Gamma:
        """The gamma with this median (years) and shape."""
        from scipy.special import gammaincinv

        positive(median, "median", cls.name)
        positive(shape, "shape", cls.name)
        return cls(shape=shape, rate=float(gammaincinv(shape, 0.5)) / median)
