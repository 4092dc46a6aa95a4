"""Priors from history, external controls, and how wrong they could be.

May import: core to synthesis.
"""

from nextarm.borrowing.e_value import EValue, e_value, e_value_of, risk_ratio_of
from nextarm.borrowing.external import comparable_landmarks, compare_arms, pair_rows
from nextarm.borrowing.landmark import LandmarkArm, LandmarkComparison, compare_landmarks, square_and_add, wilson_limits
from nextarm.borrowing.sceptical import ScepticalPosterior, critical_prior_sd, sceptical_posterior, sceptical_prior_sd
from nextarm.borrowing.tipping import BiasedComparison, BiasTable, TippingPoint, tipping_point, under_bias

__all__ = [
    "BiasTable",
    "BiasedComparison",
    "EValue",
    "LandmarkArm",
    "LandmarkComparison",
    "ScepticalPosterior",
    "TippingPoint",
    "comparable_landmarks",
    "compare_arms",
    "compare_landmarks",
    "critical_prior_sd",
    "e_value",
    "e_value_of",
    "pair_rows",
    "risk_ratio_of",
    "sceptical_posterior",
    "sceptical_prior_sd",
    "square_and_add",
    "tipping_point",
    "under_bias",
    "wilson_limits",
]
