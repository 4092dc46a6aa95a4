"""Survival distributions, one file a model, and cure around any of them.

Every model is a frozen record with ``survival``, ``hazard``, ``cumulative_hazard``, ``density`` and ``quantile``.
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
from nextarm.survival.models.specs import CURES, LATENCIES, MODELS, model_from_spec, model_to_spec
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
    "LogLogistic",
    "LogNormal",
    "MixtureCure",
    "PiecewiseExponential",
    "PromotionTimeCure",
    "Weibull",
    "model_from_spec",
    "model_to_spec",
]
