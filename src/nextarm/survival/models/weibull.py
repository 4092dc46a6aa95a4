"""Weibull: S(t) = exp(-(t / scale)^shape)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, exponential_units, positive, times


@record
class Weibull(Distribution):
    """``shape`` (below 1 the hazard falls, above 1 it rises) and ``scale`` in years (S(scale) = 0.368), both above 0."""

    shape: float
    scale: float
    name: ClassVar[str] = "weibull"

    def __post_init__(self) -> None:
        positive(self.shape, "shape", self.name)
        positive(self.scale, "scale", self.name)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """(t / scale)^shape."""
        return np.asarray((times(t) / self.scale) ** self.shape, np.float64)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """(shape / scale) (t / scale)^(shape - 1); infinite at 0 where the shape is below 1."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.shape / self.scale * (times(t) / self.scale) ** (self.shape - 1.0), np.float64)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """scale (-log(1 - p))^(1 / shape)."""
        return np.asarray(self.scale * exponential_units(p) ** (1.0 / self.shape), np.float64)

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Weibull:
        """The Weibull with this median (years) and shape."""
        positive(median, "median", cls.name)
        positive(shape, "shape", cls.name)
        return cls(shape=shape, scale=median / float(np.log(2.0)) ** (1.0 / shape))
