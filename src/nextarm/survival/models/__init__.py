"""Survival models, one file each: frozen distributions in years that plans name, designs integrate and fits return.

:data:`MODELS` lists them; :func:`model_from_spec` makes one from a plan's table. May import: core.
"""

from nextarm.survival.models.distribution import Distribution
from nextarm.survival.models.exponential import Exponential
from nextarm.survival.models.gamma import Gamma
from nextarm.survival.models.generalised_gamma import GeneralisedGamma
from nextarm.survival.models.gompertz import Gompertz
from nextarm.survival.models.log_logistic import LogLogistic
from nextarm.survival.models.log_normal import LogNormal
from nextarm.survival.models.mixture_cure import MixtureCure
from nextarm.survival.models.piecewise_exponential import PiecewiseExponential
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure
from nextarm.survival.models.registry import LATENCIES, Latency
from nextarm.survival.models.spec import CURES, MODELS, model_from_spec, model_to_spec
from nextarm.survival.models.weibull import Weibull

__all__ = [
    "CURES",
    "LATENCIES",
    "MODELS",
    "Distribution",
    "Exponential",
    "Gamma",
    "GeneralisedGamma",
    "Gompertz",
    "Latency",
    "LogLogistic",
    "LogNormal",
    "MixtureCure",
    "PiecewiseExponential",
    "PromotionTimeCure",
    "Weibull",
    "model_from_spec",
    "model_to_spec",
]
