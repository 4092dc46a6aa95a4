"""Estimators, tests and models of time to event for one arm or several.

May import: core, evidence.
"""

from nextarm.survival.aalen_johansen import AalenJohansen, aalen_johansen
from nextarm.survival.bands import ConfidenceBand, confidence_band
from nextarm.survival.binomial import binomial_limits
from nextarm.survival.cox import CoxFit, cox
from nextarm.survival.fit import fit_model
from nextarm.survival.fit_result import Fit
from nextarm.survival.follow_up import median_follow_up, reverse_kaplan_meier
from nextarm.survival.gray import GrayTest, gray_test
from nextarm.survival.kaplan_meier import KaplanMeier, SurvivalAt, kaplan_meier, kaplan_meier_arrays
from nextarm.survival.log_rank import LogRank, log_rank, log_rank_arrays
from nextarm.survival.max_combo import MaxCombo, max_combo
from nextarm.survival.milestone import MilestoneDifference, milestone_difference
from nextarm.survival.models import (
    MODELS,
    Distribution,
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    MixtureCure,
    PiecewiseExponential,
    PromotionTimeCure,
    Weibull,
    model_from_spec,
    model_to_spec,
)
from nextarm.survival.nelson_aalen import NelsonAalen, nelson_aalen
from nextarm.survival.one_sample import OneSampleLogRank, ReferenceCurve, one_sample_log_rank
from nextarm.survival.quantiles import SurvivalQuantile
from nextarm.survival.rmst import Rmst, RmstDifference, rmst, rmst_difference
from nextarm.survival.rubin import Combined, combine_versions
from nextarm.survival.schoenfeld import SchoenfeldTest, schoenfeld_test
from nextarm.survival.sufficient_follow_up import SufficientFollowUp, sufficient_follow_up
from nextarm.survival.table import Patients, make_patients, read_patients
from nextarm.survival.weighted_log_rank import fleming_harrington, modestly_weighted

__all__ = [
    "MODELS",
    "AalenJohansen",
    "Combined",
    "ConfidenceBand",
    "CoxFit",
    "Distribution",
    "Exponential",
    "Fit",
    "Gamma",
    "GeneralisedGamma",
    "Gompertz",
    "GrayTest",
    "KaplanMeier",
    "LogLogistic",
    "LogNormal",
    "LogRank",
    "MaxCombo",
    "MilestoneDifference",
    "MixtureCure",
    "NelsonAalen",
    "OneSampleLogRank",
    "Patients",
    "PiecewiseExponential",
    "PromotionTimeCure",
    "ReferenceCurve",
    "Rmst",
    "RmstDifference",
    "SchoenfeldTest",
    "SufficientFollowUp",
    "SurvivalAt",
    "SurvivalQuantile",
    "Weibull",
    "aalen_johansen",
    "binomial_limits",
    "combine_versions",
    "confidence_band",
    "cox",
    "fit_model",
    "fleming_harrington",
    "gray_test",
    "kaplan_meier",
    "kaplan_meier_arrays",
    "log_rank",
    "log_rank_arrays",
    "make_patients",
    "max_combo",
    "median_follow_up",
    "milestone_difference",
    "model_from_spec",
    "model_to_spec",
    "modestly_weighted",
    "nelson_aalen",
    "one_sample_log_rank",
    "read_patients",
    "reverse_kaplan_meier",
    "rmst",
    "rmst_difference",
    "schoenfeld_test",
    "sufficient_follow_up",
]
