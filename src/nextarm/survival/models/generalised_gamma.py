"""Generalised gamma in Prentice's form: log T = mu + sigma W, W the log-gamma variable with shape parameter q.

q = 1 is Weibull, q = 0 log-normal, q = sigma gamma. With w = (log t - mu) / sigma and u = exp(|q| w) / q^2, S(t) is
Q(1 / q^2, u) for q > 0 and P(1 / q^2, exp(q w) / q^2) for q < 0. Prentice 1974 (doi 10.1093/biomet/61.3.539).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, finite, positive, shares, times
from nextarm.survival.models.log_normal import LogNormal

#: Below this |q| the log-normal limit is used: the two agree to about 1e-7 there.
NEAR_ZERO = 1e-6


@record
class GeneralisedGamma(Distribution):
    """``mu`` location of log time, ``sigma`` its scale (above 0), ``q`` the shape."""

    mu: float
    sigma: float
    q: float
    name: ClassVar[str] = "generalised-gamma"

    def __post_init__(self) -> None:
        finite(self.mu, "mu", self.name)
        positive(self.sigma, "sigma", self.name)
        finite(self.q, "q", self.name)

    def _limit(self) -> LogNormal | None:
        return LogNormal(mu=self.mu, sigma=self.sigma) if abs(self.q) < NEAR_ZERO else None

    def _u(self, t: ArrayLike) -> tuple[float, FloatArray]:
        with np.errstate(divide="ignore", over="ignore"):
            w = (np.log(times(t)) - self.mu) / self.sigma
            return 1.0 / self.q**2, np.asarray(np.exp(self.q * w) / self.q**2, np.float64)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """-log S(t)."""
        if limit := self._limit():
            return limit.cumulative_hazard(t)
        from scipy.stats import gamma

        k, u = self._u(t)
        return np.asarray(-gamma.logsf(u, k) if self.q > 0.0 else -gamma.logcdf(u, k), np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """Density over survival, from their logarithms; 0 at 0 where the density is."""
        if limit := self._limit():
            return limit.hazard(t)
        from scipy.stats import gamma

        time = times(t)
        safe = np.where(time > 0.0, time, 1.0)
        k, u = self._u(safe)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_f = gamma.logpdf(u, k) + np.log(abs(self.q) * u / (self.sigma * safe))
            h = np.exp(log_f + self.cumulative_hazard(safe))
        at_zero = np.inf if self.q > 0.0 and self.q < self.sigma else 0.0
        if self.q > 0.0 and self.q == self.sigma:
            at_zero = float(np.exp(gamma.logpdf(0.0, k) + np.log(self.q / self.sigma) - self.mu / self.sigma * self.q) / self.q**2)
        return np.asarray(np.where(time > 0.0, h, at_zero), np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """exp(mu + sigma log(q^2 u) / q) with u the gamma quantile at p (q > 0) or 1 - p (q < 0)."""
        if limit := self._limit():
            return limit.quantile(p)
        from scipy.special import gammainccinv, gammaincinv

        share, k = shares(p), 1.0 / self.q**2
        u = gammaincinv(k, share) if self.q > 0.0 else gammainccinv(k, share)
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp(self.mu + self.sigma * np.log(self.q**2 * u) / self.q), np.float64)

    @classmethod
    def from_median(cls, median: float, *, sigma: float, q: float) -> GeneralisedGamma:
        """The generalised gamma with this median (years), sigma and q."""
        positive(median, "median", cls.name)
        unit = cls(mu=0.0, sigma=sigma, q=q)
        return cls(mu=float(np.log(median / unit.quantile(0.5))), sigma=sigma, q=q)
