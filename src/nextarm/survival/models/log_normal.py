"""Log-normal model: log time is normal; the hazard rises and then falls."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above
from nextarm.survival.models.family import Family, location_scale_terms

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


@record
class LogNormal(Distribution):
    """S(t) = Phi(-(log t - mu) / sigma) with t in years, so that exp(mu) is the median.

    >>> float(LogNormal(mu=0.0, sigma=1.2).survival(1.0))
    0.5
    """

    mu: float
    sigma: float
    model: Literal["log-normal"] = "log-normal"

    name: ClassVar[str] = "log-normal"
    scale_parameter: ClassVar[str] = "mu"

    def __post_init__(self) -> None:
        require_above(self.mu, "mu", -np.inf)
        require_above(self.sigma, "sigma")

    @classmethod
    def from_median(cls, median: float, *, sigma: float) -> LogNormal:
        """The model with this median (years) and standard deviation of log time."""
        return cls(mu=math.log(median), sigma=sigma)

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors mu and log sigma."""
        from scipy.special import log_ndtr

        def standard(z: FloatArray) -> tuple[FloatArray, ...]:
            log_s = log_ndtr(-z)
            mills = np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_s)
            return -0.5 * z * z - LOG_SQRT_2PI, -z, np.full_like(z, -1.0), log_s, -mills, -mills * (mills - z)

        log_density, log_survival = location_scale_terms(standard, location_first=True, inverse=False)
        return Family(
            name=cls.name,
            parameters=("mu", "sigma"),
            links=("identity", "log"),
            location=(0,),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(mu=v[0], sigma=v[1]),
            shape_from_spread=lambda spread: {"sigma": spread},
            from_median=cls.from_median,
        )

    def _standardised(self, t: FloatArray) -> FloatArray:
        return np.asarray((np.log(t) - self.mu) / self.sigma, np.float64)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        from scipy.special import log_ndtr

        return np.asarray(-log_ndtr(-self._standardised(t)), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        from scipy.special import log_ndtr

        z = self._standardised(t)
        return np.asarray(np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_ndtr(-z)) / (self.sigma * t), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        from scipy.special import ndtri

        return np.exp(self.mu + self.sigma * ndtri(p))

    def _hazard_limits(self) -> tuple[float, float]:
        return 0.0, 0.0
