"""The models that stand alone or inside a cure model: one line here adds one."""

from __future__ import annotations

from nextarm.survival.models.exponential import Exponential
from nextarm.survival.models.gamma import Gamma
from nextarm.survival.models.generalised_gamma import GeneralisedGamma
from nextarm.survival.models.gompertz import Gompertz
from nextarm.survival.models.log_logistic import LogLogistic
from nextarm.survival.models.log_normal import LogNormal
from nextarm.survival.models.piecewise_exponential import PiecewiseExponential
from nextarm.survival.models.weibull import Weibull

Latency = Exponential | Weibull | LogNormal | LogLogistic | Gamma | GeneralisedGamma | Gompertz | PiecewiseExponential

LATENCIES: tuple[type[Latency], ...] = (
    Exponential,
    Weibull,
    LogNormal,
    LogLogistic,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    PiecewiseExponential,
)
