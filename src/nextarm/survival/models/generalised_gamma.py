"""Generalised gamma model: Weibull, gamma and log-normal in one family."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, power_limits, require_above
from nextarm.survival.models.family import Family
from nextarm.survival.models.gamma_terms import standardised_log_density, standardised_log_survival
from nextarm.survival.models.log_gamma import hazard, log_survival, quantile, stirling_remainder


@record
class GeneralisedGamma(Distribution):
    """(log t - mu) / sigma follows Prentice's standardised law with parameter q (doi 10.1093/biomet/61.3.539).

    q = 1 is the Weibull model (shape 1 / sigma, scale exp(mu)), q = 0 the log-normal, q = sigma the gamma model; q below 0
    gives reciprocals (q = -1: inverse Weibull). flexsurv's ``gengamma(mu, sigma, Q)`` is the same.

    >>> from nextarm.survival.models import Weibull
    >>> float(abs(GeneralisedGamma(mu=0.7, sigma=0.5, q=1).survival(2.0) - Weibull(shape=2, scale=2.013752707470477).survival(2.0))) < 1e-14
    True
    """

    mu: float
    sigma: float
    q: float
    model: Literal["generalised-gamma"] = "generalised-gamma"

    name: ClassVar[str] = "generalised-gamma"
    scale_parameter: ClassVar[str] = "mu"

    def __post_init__(self) -> None:
        require_above(self.mu, "mu", -np.inf)
        require_above(self.sigma, "sigma")
        require_above(self.q, "q", -np.inf)

    @classmethod
    def from_median(cls, median: float, *, sigma: float, q: float) -> GeneralisedGamma:
        """The model with this median (years), sigma and q."""
        require_above(sigma, "sigma")
        require_above(q, "q", -np.inf)
        return cls(mu=math.log(median) - sigma * float(quantile(np.array([0.5]), q)[0]), sigma=sigma, q=q)

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors mu, log sigma and q (one q for all patients)."""
        return Family(
            name=cls.name,
            parameters=("mu", "sigma", "q"),
            links=("identity", "log", "identity"),
            location=(0,),
            log_density=standardised_log_density,
            log_survival=standardised_log_survival,
            build=lambda v: cls(mu=v[0], sigma=v[1], q=v[2]),
            shape_from_spread=lambda spread: {"sigma": spread, "q": 0.5},
            from_median=cls.from_median,
        )

    def _standardised(self, t: FloatArray) -> FloatArray:
        return np.asarray((np.log(t) - self.mu) / self.sigma, np.float64)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return -log_survival(self._standardised(t), self.q)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(hazard(self._standardised(t), self.q) / (self.sigma * t), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.exp(self.mu + self.sigma * quantile(p, self.q))

    def _hazard_limits(self) -> tuple[float, float]:
        """Towards 0 the density is a power of t where q > 0 and vanishes otherwise; the tail is of Weibull or Pareto type."""
        q, sigma = self.q, self.sigma
        if q <= 0.0:
            return 0.0, 0.0
        start, end = 1.0 / (q * sigma) - 1.0, q / sigma - 1.0
        at_start = at_end = 1.0
        if start == 0.0:  # g(z) -> exp(a (q z + 1) - delta) / sqrt(2 pi) near 0, with a = q^-2
            at_start = math.exp(q**-2.0 - stirling_remainder(q)[0] - self.mu / (q * sigma)) / (math.sqrt(2.0 * math.pi) * sigma)
        if end == 0.0:
            at_end = math.exp(-self.mu * q / sigma) / (q * sigma)
        return power_limits(start, at_start)[0], power_limits(end, at_end)[1]
