"""Priors from history, external controls, and how wrong they could be.

May import: core to synthesis.
"""

from nextarm.borrowing.adjustment import Adjustment
from nextarm.borrowing.alignment import from_landmark, require_one_origin
from nextarm.borrowing.anchored import AnchoredComparison, anchored_comparison
from nextarm.borrowing.arm_data import BinaryData, CureData, ExposureData, binary_data, cure_data, exposure_data
from nextarm.borrowing.backbone import require_backbone
from nextarm.borrowing.balancing import balancing_weights, effective_size
from nextarm.borrowing.beta_mixture import BetaMixture, beta_mixture
from nextarm.borrowing.borrowed import Borrowed, ParameterSummary
from nextarm.borrowing.commensurate import commensurate_prior
from nextarm.borrowing.covariate_prior import map_prior_counts_covariates, map_prior_covariates
from nextarm.borrowing.covariates import Baseline, Covariates, make_covariates, read_baseline, read_covariates
from nextarm.borrowing.cure_prior import CureEstimate, CurePrior, cure_estimate, map_prior_cure
from nextarm.borrowing.drift import DriftedComparison, DriftPrior, drift_prior, stated_drift, under_drift
from nextarm.borrowing.e_value import EValue, e_value, e_value_of, risk_ratio_of
from nextarm.borrowing.ess import METHODS as ESS_METHODS
from nextarm.borrowing.ess import effective_sample_size
from nextarm.borrowing.external import Pairing, comparable_landmarks, compare_arms, pair_rows
from nextarm.borrowing.fit_mixture import FAMILIES, MixtureFit, fit_mixture
from nextarm.borrowing.from_history import LIKELIHOODS, MadePrior, PriorOptions, make_prior, prior_of_arms, prior_of_file
from nextarm.borrowing.gamma_mixture import GammaMixture, gamma_mixture
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.group_effects import Effect
from nextarm.borrowing.information import PARAMETERS, Worth, worth
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.landmark import LandmarkArm, LandmarkComparison, compare_landmarks, square_and_add, wilson_limits
from nextarm.borrowing.map_prior import ONE_STUDY, MapPrior, map_prior, map_prior_binomial, map_prior_normal, map_prior_poisson
from nextarm.borrowing.mixtures import Mixture
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.normal_mixture import NormalMixture, normal_mixture
from nextarm.borrowing.patient_comparison import PatientComparison, compare_patients
from nextarm.borrowing.patient_files import compare_files, match_files
from nextarm.borrowing.piecewise_prior import Piece, PiecewisePrior, exposure, map_prior_piecewise
from nextarm.borrowing.power_prior import normalised_power_prior, power_prior
from nextarm.borrowing.prior_file import PriorFile, prior_file, read_prior, worth_lines
from nextarm.borrowing.prior_update import PriorUpdate, update_with_counts, update_with_estimate, update_with_exposure
from nextarm.borrowing.propensity import propensity_scores, propensity_weights
from nextarm.borrowing.remission import EfsPrior, InductionTerm, efs_from_dfs, induction_of_text, induction_term, induction_term_of
from nextarm.borrowing.resampling import Resampled, resample_comparison
from nextarm.borrowing.sam_prior import sam_prior, sam_weight
from nextarm.borrowing.sceptical import ScepticalPosterior, critical_prior_sd, sceptical_posterior, sceptical_prior_sd
from nextarm.borrowing.sensitivity import SensitivityArray, SensitivityRow, bounding_factor, overturning_sentence, sensitivity_array
from nextarm.borrowing.simulated_treatment import simulated_treatment_comparison
from nextarm.borrowing.tipping import BiasedComparison, BiasTable, TippingPoint, tipping_point, under_bias
from nextarm.borrowing.weighting import LEAST_SIZE, Balance, Weighting, match_groups, match_to_baseline

__all__ = [
    "ESS_METHODS",
    "FAMILIES",
    "LEAST_SIZE",
    "LIKELIHOODS",
    "ONE_STUDY",
    "PARAMETERS",
    "Adjustment",
    "AnchoredComparison",
    "Balance",
    "Baseline",
    "BetaMixture",
    "BiasTable",
    "BiasedComparison",
    "BinaryData",
    "Borrowed",
    "Covariates",
    "CureData",
    "CureEstimate",
    "CurePrior",
    "DriftPrior",
    "DriftedComparison",
    "EValue",
    "Effect",
    "EfsPrior",
    "ExposureData",
    "GammaMixture",
    "Gridded",
    "InductionTerm",
    "JointMixture",
    "LandmarkArm",
    "LandmarkComparison",
    "MadePrior",
    "MapPrior",
    "Mixture",
    "MixtureFit",
    "MultinormalMixture",
    "NormalMixture",
    "Pairing",
    "ParameterSummary",
    "PatientComparison",
    "Piece",
    "PiecewisePrior",
    "PriorFile",
    "PriorOptions",
    "PriorUpdate",
    "Resampled",
    "ScepticalPosterior",
    "SensitivityArray",
    "SensitivityRow",
    "TippingPoint",
    "Weighting",
    "Worth",
    "anchored_comparison",
    "balancing_weights",
    "beta_mixture",
    "binary_data",
    "bounding_factor",
    "commensurate_prior",
    "comparable_landmarks",
    "compare_arms",
    "compare_files",
    "compare_landmarks",
    "compare_patients",
    "critical_prior_sd",
    "cure_data",
    "cure_estimate",
    "drift_prior",
    "e_value",
    "e_value_of",
    "effective_sample_size",
    "effective_size",
    "efs_from_dfs",
    "exposure",
    "exposure_data",
    "fit_mixture",
    "from_landmark",
    "gamma_mixture",
    "induction_of_text",
    "induction_term",
    "induction_term_of",
    "make_covariates",
    "make_prior",
    "map_prior",
    "map_prior_binomial",
    "map_prior_counts_covariates",
    "map_prior_covariates",
    "map_prior_cure",
    "map_prior_normal",
    "map_prior_piecewise",
    "map_prior_poisson",
    "match_files",
    "match_groups",
    "match_to_baseline",
    "normal_mixture",
    "normalised_power_prior",
    "overturning_sentence",
    "pair_rows",
    "power_prior",
    "prior_file",
    "prior_of_arms",
    "prior_of_file",
    "propensity_scores",
    "propensity_weights",
    "read_baseline",
    "read_covariates",
    "read_prior",
    "require_backbone",
    "require_one_origin",
    "resample_comparison",
    "risk_ratio_of",
    "sam_prior",
    "sam_weight",
    "sceptical_posterior",
    "sceptical_prior_sd",
    "sensitivity_array",
    "simulated_treatment_comparison",
    "square_and_add",
    "stated_drift",
    "tipping_point",
    "under_bias",
    "under_drift",
    "update_with_counts",
    "update_with_estimate",
    "update_with_exposure",
    "wilson_limits",
    "worth",
    "worth_lines",
]
