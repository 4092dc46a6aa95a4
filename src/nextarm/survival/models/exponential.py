"""Exponential: constant hazard, S(t) = exp(-rate t)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, exponential_units, positive, times


@record
class Exponential(Distribution):
    """``rate`` a year, above 0.

    >>> round(float(Exponential(rate=0.5).survival(2.0)), 6)
    0.367879
    """

    rate: float
    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        positive(self.rate, "rate", self.name)

    def cumulative_hazard(self, t: ArrayLike) -> FloatArray:
        """rate t."""
        return self.rate * times(t)

    def hazard(self, t: ArrayLike) -> FloatArray:
        """The rate."""
        return np.full_like(times(t), self.rate)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """-log(1 - p) / rate."""
        return exponential_units(p) / self.rate

    @classmethod
    def from_median(cls, median: float) -> Exponential:
        """The exponential with this median (years)."""
        positive(median, "median", cls.name)
        return cls(rate=float(np.log(2.0)) / median)
