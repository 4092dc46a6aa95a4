"""Gompertz model: a hazard that changes exponentially with time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above


@record
class Gompertz(Distribution):
    """h(t) = rate exp(shape t), H(t) = rate (exp(shape t) - 1) / shape; rate above 0, shape of either sign.

    A shape below 0 leaves a share exp(rate / shape) that never has the event (its :meth:`plateau`); a shape of 0 is the
    exponential model.

    >>> round(Gompertz(shape=-0.5, rate=0.3).plateau(), 6)
    0.548812
    """

    shape: float
    rate: float
    model: Literal["gompertz"] = "gompertz"

    name: ClassVar[str] = "gompertz"
    scale_parameter: ClassVar[str] = "rate"

    def __post_init__(self) -> None:
        require_above(self.shape, "shape", -np.inf)
        require_above(self.rate, "rate")

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Gompertz:
        """The model with this median (years) and shape."""
        require_above(shape, "shape", -np.inf)
        unit = float(cls(shape=shape, rate=1.0).cumulative_hazard(median))
        return cls(shape=shape, rate=float(np.log(2.0)) / unit)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        x = self.shape * t
        return np.asarray(self.rate * t * np.where(np.abs(x) < 1e-300, 1.0, np.expm1(x) / x), np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return self.rate * np.exp(self.shape * t)

    def _quantile(self, p: FloatArray) -> FloatArray:
        need = -np.log1p(-p) / self.rate
        x = self.shape * need
        found = np.where(np.abs(x) < 1e-300, need, need * np.log1p(x) / x)
        return np.asarray(np.where(x > -1.0, found, np.inf), np.float64)

    def _total_hazard(self) -> float:
        return -self.rate / self.shape if self.shape < 0.0 else np.inf

    def _hazard_limits(self) -> tuple[float, float]:
        return self.rate, 0.0 if self.shape < 0.0 else (np.inf if self.shape > 0.0 else self.rate)
