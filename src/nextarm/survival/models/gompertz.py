"""Gompertz model: a hazard that changes exponentially with time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, require_above
from nextarm.survival.models.family import Family, Jet
from nextarm.survival.models.log_gamma import phi2


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

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors shape and log rate."""

        def log_survival(eta: FloatArray, t: FloatArray) -> Jet:
            x = eta[0] * t
            p, p1, p2 = phi2(x)
            base = np.exp(eta[1]) * t
            # H = rate t phi1(shape t) with phi1(x) = (e^x - 1) / x = 1 + x phi2(x)
            H = base * (1.0 + x * p)
            in_shape, bend = base * t * (p + x * p1), base * t * t * (2.0 * p1 + x * p2)
            first, second = np.stack([-in_shape, -H]), np.empty((2, 2, t.size))
            second[0, 0], second[1, 1] = -bend, -H
            second[0, 1] = second[1, 0] = -in_shape
            return Jet(-H, first, second)

        def log_density(eta: FloatArray, t: FloatArray) -> Jet:
            s = log_survival(eta, t)
            return Jet(s.value + eta[1] + eta[0] * t, s.first + np.stack([t, np.ones_like(t)]), s.second)

        return Family(
            name=cls.name,
            parameters=("shape", "rate"),
            links=("identity", "log"),
            location=(1,),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(shape=v[0], rate=v[1]),
            shape_from_spread=lambda spread: {"shape": 0.0},
            from_median=cls.from_median,
            at_zero=True,
            per_year=(0,),
        )

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
