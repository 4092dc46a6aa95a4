"""Exponential model: a constant hazard."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above
from nextarm.survival.models.family import Family, Jet


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

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictor log rate."""

        def log_survival(eta: FloatArray, t: FloatArray) -> Jet:
            H = np.exp(eta[0]) * t
            return Jet(-H, -H[None], -H[None, None])

        def log_density(eta: FloatArray, t: FloatArray) -> Jet:
            s = log_survival(eta, t)
            return Jet(eta[0] + s.value, 1.0 + s.first, s.second)

        return Family(
            name=cls.name,
            parameters=("rate",),
            links=("log",),
            location=(0,),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(rate=v[0]),
            shape_from_spread=lambda spread: {},
            from_median=cls.from_median,
            at_zero=True,
            free_scale=False,
        )

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return self.rate * t

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.full_like(t, self.rate)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(-np.log1p(-p) / self.rate, np.float64)

    def _hazard_limits(self) -> tuple[float, float]:
        return self.rate, self.rate
