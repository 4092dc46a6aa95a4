"""Priors from history, external controls, and how wrong they could be.

May import: core to synthesis.
"""

from nextarm.borrowing.beta_mixture import BetaMixture, beta_mixture
from nextarm.borrowing.e_value import EValue, e_value, e_value_of, risk_ratio_of
from nextarm.borrowing.ess import METHODS as ESS_METHODS
from nextarm.borrowing.ess import effective_sample_size
from nextarm.borrowing.external import Pairing, comparable_landmarks, compare_arms, pair_rows
from nextarm.borrowing.fit_mixture import FAMILIES, MixtureFit, fit_mixture
from nextarm.borrowing.gamma_mixture import GammaMixture, gamma_mixture
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.landmark import LandmarkArm, LandmarkComparison, compare_landmarks, square_and_add, wilson_limits
from nextarm.borrowing.map_prior import ONE_STUDY, MapPrior, map_prior, map_prior_binomial, map_prior_normal
from nextarm.borrowing.mixtures import Mixture
from nextarm.borrowing.normal_mixture import NormalMixture, normal_mixture
from nextarm.borrowing.sceptical import ScepticalPosterior, critical_prior_sd, sceptical_posterior, sceptical_prior_sd
from nextarm.borrowing.tipping import BiasedComparison, BiasTable, TippingPoint, tipping_point, under_bias

__all__ = [
    "ESS_METHODS",
    "FAMILIES",
    "ONE_STUDY",
    "BetaMixture",
    "BiasTable",
    "BiasedComparison",
    "EValue",
    "GammaMixture",
    "Gridded",
    "LandmarkArm",
    "LandmarkComparison",
    "MapPrior",
    "Mixture",
    "MixtureFit",
    "NormalMixture",
    "Pairing",
    "ScepticalPosterior",
    "TippingPoint",
    "beta_mixture",
    "comparable_landmarks",
    "compare_arms",
    "compare_landmarks",
    "critical_prior_sd",
    "e_value",
    "e_value_of",
    "effective_sample_size",
    "fit_mixture",
    "gamma_mixture",
    "map_prior",
    "map_prior_binomial",
    "map_prior_normal",
    "normal_mixture",
    "pair_rows",
    "risk_ratio_of",
    "sceptical_posterior",
    "sceptical_prior_sd",
    "square_and_add",
    "tipping_point",
    "under_bias",
    "wilson_limits",
]
