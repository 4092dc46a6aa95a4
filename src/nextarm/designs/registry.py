"""The designs there are: adding one is a file, a line in ``DESIGNS`` and its name in ``Design``."""

from __future__ import annotations

from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.design import DesignTable
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRankTable
from nextarm.designs.log_rank_two_arm import LogRankTable
from nextarm.designs.milestone_one_arm import OneArmMilestoneTable
from nextarm.designs.one_sample_log_rank import OneSampleLogRankTable
from nextarm.designs.one_sample_two_stage import OneSampleTwoStageTable
from nextarm.designs.rmst_difference import RmstDifferenceTable
from nextarm.designs.stratified_log_rank import StratifiedLogRankTable
from nextarm.designs.weighted_two_arm import MaxComboTable, WeightedLogRankTable

Design = (
    OneArmMilestoneTable
    | OneSampleLogRankTable
    | OneSampleTwoStageTable
    | LogRankTable
    | GroupSequentialLogRankTable
    | StratifiedLogRankTable
    | AbsoluteMarginTable
    | RmstDifferenceTable
    | WeightedLogRankTable
    | MaxComboTable
)

DESIGNS: tuple[type[DesignTable], ...] = (
    OneArmMilestoneTable,
    OneSampleLogRankTable,
    OneSampleTwoStageTable,
    LogRankTable,
    GroupSequentialLogRankTable,
    StratifiedLogRankTable,
    AbsoluteMarginTable,
    RmstDifferenceTable,
    WeightedLogRankTable,
    MaxComboTable,
)
