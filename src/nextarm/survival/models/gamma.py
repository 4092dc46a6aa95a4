"""Gamma model: the sum of exponential stages."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, power_limits, require_above
from nextarm.survival.models.family import Family
from nextarm.survival.models.gamma_terms import gamma_log_density, gamma_log_survival
from nextarm.survival.models.log_gamma import hazard, log_survival, quantile


@record
class Gamma(Distribution):
    """Density proportional to t^(shape - 1) exp(-rate t); mean shape / rate years, a shape of 1 is the exponential model.

    >>> round(float(Gamma(shape=2.0, rate=1.0).survival(2.0)), 12)  # 3 exp(-2)
    0.40600584971
    """

    shape: float
    rate: float
    model: Literal["gamma"] = "gamma"

    name: ClassVar[str] = "gamma"
    scale_parameter: ClassVar[str] = "rate"

    def __post_init__(self) -> None:
        require_above(self.shape, "shape")
        require_above(self.rate, "rate")

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Gamma:
        """The model with this median (years) and shape."""
        require_above(shape, "shape")
        return cls(shape=shape, rate=float(cls(shape=shape, rate=1.0).quantile(0.5)) / median)

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors log shape and log rate."""
        return Family(
            name=cls.name,
            parameters=("shape", "rate"),
            links=("log", "log"),
            location=(1,),
            log_density=gamma_log_density,
            log_survival=gamma_log_survival,
            build=lambda v: cls(shape=v[0], rate=v[1]),
            shape_from_spread=lambda spread: {"shape": min(max(1.0 / spread**2, 0.3), 50.0)},
            from_median=cls.from_median,
        )

    @property
    def _q(self) -> float:
        return 1.0 / math.sqrt(self.shape)

    def _standardised(self, t: FloatArray) -> FloatArray:
        return np.asarray(np.log(self.rate * t / self.shape) / self._q, np.float64)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return -log_survival(self._standardised(t), self._q)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(hazard(self._standardised(t), self._q) / (self._q * t), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.shape / self.rate * np.exp(self._q * quantile(p, self._q)), np.float64)

    def _hazard_limits(self) -> tuple[float, float]:
        return power_limits(self.shape - 1.0, self.rate)[0], self.rate
