"""Log-logistic model: log time is logistic; odds of the event are a power of time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, power_limits, require_above
from nextarm.survival.models.family import Family, location_scale_terms


@record
class LogLogistic(Distribution):
    """S(t) = 1 / (1 + (t / scale)^shape); ``scale`` is the median in years.

    >>> float(LogLogistic(shape=2.0, scale=3.0).survival(3.0))
    0.5
    """

    shape: float
    scale: float
    model: Literal["log-logistic"] = "log-logistic"

    name: ClassVar[str] = "log-logistic"
    scale_parameter: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        require_above(self.shape, "shape")
        require_above(self.scale, "scale")

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> LogLogistic:
        """The model with this median (years) and shape."""
        return cls(shape=shape, scale=median)

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors log shape and log scale."""

        def standard(z: FloatArray) -> tuple[FloatArray, ...]:
            log_s = -np.logaddexp(0.0, z)
            p = np.exp(-np.logaddexp(0.0, -z))
            bend = -p * np.exp(log_s)
            return z + 2.0 * log_s, 1.0 - 2.0 * p, 2.0 * bend, log_s, -p, bend

        log_density, log_survival = location_scale_terms(standard, location_first=False, inverse=True)
        return Family(
            name=cls.name,
            parameters=("shape", "scale"),
            links=("log", "log"),
            location=(1,),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(shape=v[0], scale=v[1]),
            shape_from_spread=lambda spread: {"shape": 1.81 / spread},
            from_median=cls.from_median,
        )

    def _log_odds(self, t: FloatArray) -> FloatArray:
        return np.asarray(self.shape * np.log(t / self.scale), np.float64)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(np.logaddexp(0.0, self._log_odds(t)), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        y = self._log_odds(t)
        return np.asarray(self.shape / t * np.exp(-np.logaddexp(0.0, -y)), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.scale * (p / (1.0 - p)) ** (1.0 / self.shape), np.float64)

    def _hazard_limits(self) -> tuple[float, float]:
        return power_limits(self.shape - 1.0, self.shape / self.scale)[0], 0.0
