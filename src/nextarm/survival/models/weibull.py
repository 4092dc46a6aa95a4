"""Weibull model: a hazard that rises or falls as a power of time."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.survival.models.distribution import Distribution, power_limits, require_above
from nextarm.survival.models.family import Family, location_scale_terms

#: Below this shape the scale that a median needs is no number any more.
_LEAST_SHAPE = 1e-3


@record
class Weibull(Distribution):
    """S(t) = exp(-(t / scale)^shape), ``scale`` in years; a shape of 1 is the exponential model.

    In the words of R's survreg: shape = 1 / Scale, scale = exp(intercept).

    >>> round(float(Weibull(shape=1.3, scale=2.0).survival(2.0)), 6)
    0.367879
    """

    shape: float
    scale: float
    model: Literal["weibull"] = "weibull"

    name: ClassVar[str] = "weibull"
    scale_parameter: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        require_above(self.shape, "shape")
        require_above(self.scale, "scale")

    @classmethod
    def from_median(cls, median: float, *, shape: float) -> Weibull:
        """The model with this median (years) and shape."""
        require_above(shape, "shape")
        if shape < _LEAST_SHAPE:
            raise CallError(f"shape = {shape:g}", rule=f"must be at least {_LEAST_SHAPE:g} beside a median", cure="Give shape and scale")
        return cls(shape=shape, scale=median / float(np.log(2.0)) ** (1.0 / shape))

    @classmethod
    def family(cls) -> Family:
        """The model for maximum likelihood; predictors log shape and log scale."""

        def standard(z: FloatArray) -> tuple[FloatArray, ...]:
            H = np.exp(z)
            return z - H, 1.0 - H, -H, -H, -H, -H

        log_density, log_survival = location_scale_terms(standard, location_first=False, inverse=True)
        return Family(
            name=cls.name,
            parameters=("shape", "scale"),
            links=("log", "log"),
            location=(1,),
            log_density=log_density,
            log_survival=log_survival,
            build=lambda v: cls(shape=v[0], scale=v[1]),
            shape_from_spread=lambda spread: {"shape": 1.28 / spread},
            from_median=cls.from_median,
        )

    def _cumulative_hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray((t / self.scale) ** self.shape, np.float64)

    def _hazard(self, t: FloatArray) -> FloatArray:
        return np.asarray(self.shape / self.scale * (t / self.scale) ** (self.shape - 1.0), np.float64)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(self.scale * (-np.log1p(-p)) ** (1.0 / self.shape), np.float64)

    def _hazard_limits(self) -> tuple[float, float]:
        return power_limits(self.shape - 1.0, self.shape / self.scale)
