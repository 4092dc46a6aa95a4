"""The designs there are: adding one is a file, a line in ``DESIGNS`` and its name in ``Design``."""

from __future__ import annotations

from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.design import DesignTable
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRankTable
from nextarm.designs.log_rank_two_arm import LogRankTable
from nextarm.designs.milestone_one_arm import OneArmMilestoneTable

Design = OneArmMilestoneTable | LogRankTable | GroupSequentialLogRankTable | AbsoluteMarginTable

DESIGNS: tuple[type[DesignTable], ...] = (OneArmMilestoneTable, LogRankTable, GroupSequentialLogRankTable, AbsoluteMarginTable)
