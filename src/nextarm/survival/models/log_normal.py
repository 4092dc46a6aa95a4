"""Log-normal: log T is normal with mean mu and standard deviation sigma."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, finite, positive, shares, times


@record
class LogNormal(Distribution):
    """``mu`` the mean of log time in years (median exp(mu)), ``sigma`` its standard deviation, above 0."""

    mu: float
    sigma: float
    name: ClassVar[str] = "log-normal"

    def __post_init__(self) -> None:
        finite(self.mu, "mu", self.name)
        positive(self.sigma, "sigma", self.name)

    def _z(self, t: ArrayLike) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray((np.log(times(t)) - self.mu) / self.sigma, np.float64)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """-log Phi(-(log t - mu) / sigma)."""
        from scipy.special import log_ndtr

        return np.asarray(-log_ndtr(-self._z(t)), np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """phi(z) / (sigma t Phi(-z)), on the log scale so that tails stay exact; 0 at 0."""
        from scipy.special import log_ndtr

        time, z = times(t), self._z(t)
        safe = np.where(time > 0.0, time, 1.0)
        with np.errstate(invalid="ignore"):
            log_h = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi) - log_ndtr(-z) - np.log(self.sigma * safe)
        return np.asarray(np.where(time > 0.0, np.exp(np.where(time > 0.0, log_h, -np.inf)), 0.0), np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """exp(mu + sigma Phi^-1(p))."""
        from scipy.special import ndtri

        return np.exp(self.mu + self.sigma * ndtri(shares(p)))

    @classmethod
    def from_median(cls, median: float, *, sigma: float) -> LogNormal:
        """The log-normal with this median (years) and sigma."""
        positive(median, "median", cls.name)
        return cls(mu=float(np.log(median)), sigma=sigma)
