"""Priors from history, external controls, and how wrong they could be.

May import: core to synthesis.
"""

from nextarm.borrowing.adjustment import Adjustment
from nextarm.borrowing.alignment import from_landmark, require_one_origin
from nextarm.borrowing.anchored import AnchoredComparison, anchored_comparison
from nextarm.borrowing.balancing import balancing_weights, effective_size
from nextarm.borrowing.beta_mixture import BetaMixture, beta_mixture
from nextarm.borrowing.covariates import Baseline, Covariates, make_covariates, read_baseline, read_covariates
from nextarm.borrowing.drift import DriftedComparison, DriftPrior, drift_prior, stated_drift, under_drift
from nextarm.borrowing.e_value import EValue, e_value, e_value_of, risk_ratio_of
from nextarm.borrowing.ess import METHODS as ESS_METHODS
from nextarm.borrowing.ess import effective_sample_size
from nextarm.borrowing.external import Pairing, comparable_landmarks, compare_arms, pair_rows
from nextarm.borrowing.fit_mixture import FAMILIES, MixtureFit, fit_mixture
from nextarm.borrowing.gamma_mixture import GammaMixture, gamma_mixture
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.group_effects import Effect
from nextarm.borrowing.landmark import LandmarkArm, LandmarkComparison, compare_landmarks, square_and_add, wilson_limits
from nextarm.borrowing.map_prior import ONE_STUDY, MapPrior, map_prior, map_prior_binomial, map_prior_normal
from nextarm.borrowing.mixtures import Mixture
from nextarm.borrowing.normal_mixture import NormalMixture, normal_mixture
from nextarm.borrowing.patient_comparison import PatientComparison, compare_patients
from nextarm.borrowing.patient_files import compare_files, match_files
from nextarm.borrowing.propensity import propensity_scores, propensity_weights
from nextarm.borrowing.resampling import Resampled, resample_comparison
from nextarm.borrowing.sceptical import ScepticalPosterior, critical_prior_sd, sceptical_posterior, sceptical_prior_sd
from nextarm.borrowing.sensitivity import SensitivityArray, SensitivityRow, bounding_factor, overturning_sentence, sensitivity_array
from nextarm.borrowing.simulated_treatment import simulated_treatment_comparison
from nextarm.borrowing.tipping import BiasedComparison, BiasTable, TippingPoint, tipping_point, under_bias
from nextarm.borrowing.weighting import LEAST_SIZE, Balance, Weighting, match_groups, match_to_baseline

__all__ = [
    "ESS_METHODS",
    "FAMILIES",
    "LEAST_SIZE",
    "ONE_STUDY",
    "Adjustment",
    "AnchoredComparison",
    "Balance",
    "Baseline",
    "BetaMixture",
    "BiasTable",
    "BiasedComparison",
    "Covariates",
    "DriftPrior",
    "DriftedComparison",
    "EValue",
    "Effect",
    "GammaMixture",
    "Gridded",
    "LandmarkArm",
    "LandmarkComparison",
    "MapPrior",
    "Mixture",
    "MixtureFit",
    "NormalMixture",
    "Pairing",
    "PatientComparison",
    "Resampled",
    "ScepticalPosterior",
    "SensitivityArray",
    "SensitivityRow",
    "TippingPoint",
    "Weighting",
    "anchored_comparison",
    "balancing_weights",
    "beta_mixture",
    "bounding_factor",
    "comparable_landmarks",
    "compare_arms",
    "compare_files",
    "compare_landmarks",
    "compare_patients",
    "critical_prior_sd",
    "drift_prior",
    "e_value",
    "e_value_of",
    "effective_sample_size",
    "effective_size",
    "fit_mixture",
    "from_landmark",
    "gamma_mixture",
    "make_covariates",
    "map_prior",
    "map_prior_binomial",
    "map_prior_normal",
    "match_files",
    "match_groups",
    "match_to_baseline",
    "normal_mixture",
    "overturning_sentence",
    "pair_rows",
    "propensity_scores",
    "propensity_weights",
    "read_baseline",
    "read_covariates",
    "require_one_origin",
    "resample_comparison",
    "risk_ratio_of",
    "sceptical_posterior",
    "sceptical_prior_sd",
    "sensitivity_array",
    "simulated_treatment_comparison",
    "square_and_add",
    "stated_drift",
    "tipping_point",
    "under_bias",
    "under_drift",
    "wilson_limits",
]
