"""Gompertz: h(t) = rate exp(shape t); with a negative shape some are never struck."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, exponential_units, finite, positive, times


@record
class Gompertz(Distribution):
    """``shape`` a year (0 is the exponential; below 0 a share exp(rate / shape) never has the event), ``rate`` at time 0."""

    shape: float
    rate: float
    name: ClassVar[str] = "gompertz"

    def __post_init__(self) -> None:
        finite(self.shape, "shape", self.name)
        positive(self.rate, "rate", self.name)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """rate (exp(shape t) - 1) / shape."""
        time = times(t)
        return np.asarray(self.rate * time if self.shape == 0.0 else self.rate * np.expm1(self.shape * time) / self.shape, np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """rate exp(shape t)."""
        return self.rate * np.exp(self.shape * times(t))

    def quantile(self, p: ArrayLike) -> FloatArray:
        """log(1 + shape H / rate) / shape with H = -log(1 - p); infinity where the argument is not positive."""
        need = exponential_units(p)
        if self.shape == 0.0:
            return need / self.rate
        inside = self.shape * need / self.rate
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(inside > -1.0, np.log1p(np.maximum(inside, -1.0)) / self.shape, np.inf), np.float64)

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Gompertz:
        """The Gompertz with this median (years) and shape."""
        positive(median, "median", cls.name)
        unit = median if shape == 0.0 else float(np.expm1(shape * median)) / shape
        return cls(shape=shape, rate=float(np.log(2.0)) / unit)
