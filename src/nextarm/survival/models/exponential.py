"""Exponential model: a constant hazard."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above


@record
class Exponential(Distribution):
    """S(t) = exp(-rate t), ``rate`` in events a year.

    >>> Exponential(rate=0.5).survival([0.0, 2.0]).round(6).tolist()
    [1.0, 0.367879]
    """

    rate: float
    model: Literal["exponential"] = "exponential"

    name: ClassVar[str] = "exponential"
    scale_parameter: ClassVar[str] = "rate"

    def __post_init__(self) -> None:
        require_above(self.rate, "rate")

    @classmethod
    def from_median(cls, median: float) -> Exponential:
        """The model with this median (years)."""
        return cls(rate=float(np.log(2.0)) / median)

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return self.rate * t

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.full_like(t, self.rate)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(-np.log1p(-p) / self.rate, np.float64)

    def _hazard_limits(self) -> tuple[float, float]:
        return self.rate, self.rate
