"""Several studies together: pooling, meta-regression, trend over eras.

May import: core, evidence, survival, figures, patients.
"""

from nextarm.synthesis.bayes import BayesianPooled, TauPrior, half_cauchy, half_normal, pool_bayes, uniform
from nextarm.synthesis.change_point import TrendAlternatives, trend_alternatives
from nextarm.synthesis.competing import CauseCounts, CompetingEvents, cause_counts, pool_competing
from nextarm.synthesis.coverage import Coverage, simulate_coverage
from nextarm.synthesis.curve import PooledCurve, StudyCurve, pooled_curve
from nextarm.synthesis.estimates import ScaledEstimate, StudyEstimate, se_from_interval, to_scale
from nextarm.synthesis.frailty import FrailtyFit, frailty_cox
from nextarm.synthesis.from_patients import PooledCure, TrialFit, pool_cure, stratified_cox
from nextarm.synthesis.grade import Downgrade, Finding, SummaryOfFindings, certainty, finding, hints, summary_of_findings
from nextarm.synthesis.groups import GroupTrend, Step, group_trends
from nextarm.synthesis.increments import IncrementCurve, pool_increments
from nextarm.synthesis.joined import (
    EventTiming,
    JoinedTrend,
    TimingSpread,
    era_trend_joined,
    join_times,
    timing_draws,
    timing_from_evidence,
    timing_from_shares,
    timing_spread,
)
from nextarm.synthesis.many import PooledMany, pool_many
from nextarm.synthesis.multivariate import MultivariateFit, pool_multivariate
from nextarm.synthesis.pool import INTERVALS, PREDICTIONS, PooledEstimate, PooledStudy, pool
from nextarm.synthesis.proportions import PooledProportion, clopper_pearson, pool_proportions
from nextarm.synthesis.read_curves import CURVE_MODELS, curve_estimates, pool_curves, read_curves
from nextarm.synthesis.regression import Coefficient, MetaRegression, meta_regression
from nextarm.synthesis.risk_of_bias import BIAS_TOOLS, BiasJudgement, BiasTable, StudyBias, bias_from_csv, bias_table, bias_tool
from nextarm.synthesis.scales import MEASURES, SCALES, Scale, scale
from nextarm.synthesis.screening import PrismaFlow, ScreenedRecord, prisma_flow, screening_from_csv
from nextarm.synthesis.select import SelectedRows, pool_evidence, select_for_pooling, select_rows
from nextarm.synthesis.sensitivity import (
    BaujatPoint,
    Influence,
    Named,
    Subgroups,
    baujat,
    cumulative,
    influence,
    leave_one_out,
    subgroups,
    with_and_without,
)
from nextarm.synthesis.several_times import SeveralTimes, pool_several_times
from nextarm.synthesis.tau import ESTIMATORS, METHODS, profile_likelihood, q_profile
from nextarm.synthesis.trend import EraTrend, Probabilities, Verdict, era_trend, judge

__all__ = [
    "BIAS_TOOLS",
    "CURVE_MODELS",
    "ESTIMATORS",
    "INTERVALS",
    "MEASURES",
    "METHODS",
    "PREDICTIONS",
    "SCALES",
    "BaujatPoint",
    "BayesianPooled",
    "BiasJudgement",
    "BiasTable",
    "CauseCounts",
    "Coefficient",
    "CompetingEvents",
    "Coverage",
    "Downgrade",
    "EraTrend",
    "EventTiming",
    "Finding",
    "FrailtyFit",
    "GroupTrend",
    "IncrementCurve",
    "Influence",
    "JoinedTrend",
    "MetaRegression",
    "MultivariateFit",
    "Named",
    "PooledCure",
    "PooledCurve",
    "PooledEstimate",
    "PooledMany",
    "PooledProportion",
    "PooledStudy",
    "PrismaFlow",
    "Probabilities",
    "Scale",
    "ScaledEstimate",
    "ScreenedRecord",
    "SelectedRows",
    "SeveralTimes",
    "Step",
    "StudyBias",
    "StudyCurve",
    "StudyEstimate",
    "Subgroups",
    "SummaryOfFindings",
    "TauPrior",
    "TimingSpread",
    "TrendAlternatives",
    "TrialFit",
    "Verdict",
    "baujat",
    "bias_from_csv",
    "bias_table",
    "bias_tool",
    "cause_counts",
    "certainty",
    "clopper_pearson",
    "cumulative",
    "curve_estimates",
    "era_trend",
    "era_trend_joined",
    "finding",
    "frailty_cox",
    "group_trends",
    "half_cauchy",
    "half_normal",
    "hints",
    "influence",
    "join_times",
    "judge",
    "leave_one_out",
    "meta_regression",
    "pool",
    "pool_bayes",
    "pool_competing",
    "pool_cure",
    "pool_curves",
    "pool_evidence",
    "pool_increments",
    "pool_many",
    "pool_multivariate",
    "pool_proportions",
    "pool_several_times",
    "pooled_curve",
    "prisma_flow",
    "profile_likelihood",
    "q_profile",
    "read_curves",
    "scale",
    "screening_from_csv",
    "se_from_interval",
    "select_for_pooling",
    "select_rows",
    "simulate_coverage",
    "stratified_cox",
    "subgroups",
    "summary_of_findings",
    "timing_draws",
    "timing_from_evidence",
    "timing_from_shares",
    "timing_spread",
    "to_scale",
    "trend_alternatives",
    "uniform",
    "with_and_without",
]
