"""Log-logistic: S(t) = 1 / (1 + (t / scale)^shape)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, positive, shares, times


@record
class LogLogistic(Distribution):
    """``shape`` and ``scale`` (the median, in years), both above 0."""

    shape: float
    scale: float
    name: ClassVar[str] = "log-logistic"

    def __post_init__(self) -> None:
        positive(self.shape, "shape", self.name)
        positive(self.scale, "scale", self.name)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """log(1 + (t / scale)^shape)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.logaddexp(0.0, self.shape * np.log(times(t) / self.scale)), np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """(shape / scale) (t / scale)^(shape - 1) / (1 + (t / scale)^shape)."""
        x = times(t) / self.scale
        with np.errstate(divide="ignore"):
            return np.asarray(self.shape / self.scale / (x ** (1.0 - self.shape) + x), np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """scale (p / (1 - p))^(1 / shape)."""
        share = shares(p)
        with np.errstate(divide="ignore"):
            return np.asarray(self.scale * (share / (1.0 - share)) ** (1.0 / self.shape), np.float64)

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> LogLogistic:
        """The log-logistic with this median (years) and shape."""
        positive(median, "median", cls.name)
        return cls(shape=shape, scale=median)
