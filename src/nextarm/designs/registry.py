"""The designs there are: adding one is a file, a line in ``DESIGNS`` and its name in ``Design``."""

from __future__ import annotations

from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.bayes_one_arm import BayesOneArmTable
from nextarm.designs.bayes_two_arm import BayesTwoArmTable
from nextarm.designs.bop2_design import Bop2Table
from nextarm.designs.bop2_time_to_event import Bop2TimeToEventTable
from nextarm.designs.competing_events import CompetingEventsTable
from nextarm.designs.cure_fraction import CureFractionTable
from nextarm.designs.design import DesignTable
from nextarm.designs.dose_design import BoinDesignTable, RollingSixTable
from nextarm.designs.efficacy_toxicity import EfficacyToxicityTable
from nextarm.designs.exact_one_stage import ExactBinomialTable
from nextarm.designs.gated_endpoints import GatedEndpointsTable
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRankTable
from nextarm.designs.log_rank_two_arm import LogRankTable
from nextarm.designs.milestone_one_arm import OneArmMilestoneTable
from nextarm.designs.one_sample_log_rank import OneSampleLogRankTable
from nextarm.designs.one_sample_two_stage import OneSampleTwoStageTable
from nextarm.designs.platform import PlatformTable
from nextarm.designs.predictive_stopping import PredictiveProbabilityTable
from nextarm.designs.predictive_survival import PredictiveSurvivalTable
from nextarm.designs.reestimated_log_rank import ReestimatedLogRankTable
from nextarm.designs.rmst_difference import RmstDifferenceTable
from nextarm.designs.simon_two_stage import SimonTwoStageTable
from nextarm.designs.stratified_log_rank import StratifiedLogRankTable
from nextarm.designs.top_design import TopTable
from nextarm.designs.toxicity_monitoring import ToxicityMonitoringTable
from nextarm.designs.two_proportions import TwoProportionsTable
from nextarm.designs.weighted_two_arm import MaxComboTable, WeightedLogRankTable

Design = (
    OneArmMilestoneTable
    | OneSampleLogRankTable
    | OneSampleTwoStageTable
    | LogRankTable
    | GroupSequentialLogRankTable
    | StratifiedLogRankTable
    | ReestimatedLogRankTable
    | AbsoluteMarginTable
    | RmstDifferenceTable
    | WeightedLogRankTable
    | MaxComboTable
    | ExactBinomialTable
    | SimonTwoStageTable
    | PredictiveProbabilityTable
    | Bop2Table
    | TwoProportionsTable
    | ToxicityMonitoringTable
    | EfficacyToxicityTable
    | CompetingEventsTable
    | GatedEndpointsTable
    | BoinDesignTable
    | RollingSixTable
    | BayesOneArmTable
    | BayesTwoArmTable
    | Bop2TimeToEventTable
    | TopTable
    | PredictiveSurvivalTable
    | CureFractionTable
    | PlatformTable
)

DESIGNS: tuple[type[DesignTable], ...] = (
    OneArmMilestoneTable,
    OneSampleLogRankTable,
    OneSampleTwoStageTable,
    LogRankTable,
    GroupSequentialLogRankTable,
    StratifiedLogRankTable,
    ReestimatedLogRankTable,
    AbsoluteMarginTable,
    RmstDifferenceTable,
    WeightedLogRankTable,
    MaxComboTable,
    ExactBinomialTable,
    SimonTwoStageTable,
    PredictiveProbabilityTable,
    Bop2Table,
    TwoProportionsTable,
    ToxicityMonitoringTable,
    EfficacyToxicityTable,
    CompetingEventsTable,
    GatedEndpointsTable,
    BoinDesignTable,
    RollingSixTable,
    BayesOneArmTable,
    BayesTwoArmTable,
    Bop2TimeToEventTable,
    TopTable,
    PredictiveSurvivalTable,
    CureFractionTable,
    PlatformTable,
)
