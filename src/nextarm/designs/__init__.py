"""One file a design: fields, schedule, decide, exact characteristics; accrual; the plan schema.

May import: core to borrowing.
"""

from nextarm.designs.accrual import Accrual, constant_accrual, ramp_accrual, stepped_accrual
from nextarm.designs.analysis import FinalInference, LookAnalysis, analyse_look
from nextarm.designs.boundaries import Boundaries, boundaries, efficacy_bounds
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule
from nextarm.designs.expected_events import expected_events, expected_events_by_arm, maximum_events, time_of_events
from nextarm.designs.log_rank_moments import LogRankMoments, log_rank_moments
from nextarm.designs.log_rank_two_arm import schoenfeld_events
from nextarm.designs.plan import Plan, load_plan, plan_from_data, plan_from_toml
from nextarm.designs.posterior import PowerOverDraws, drawn_scenarios, power_over_draws
from nextarm.designs.registry import DESIGNS
from nextarm.designs.setting import hazard_ratio_with_same_survival
from nextarm.designs.solution import solved_plan
from nextarm.designs.spending import SPENDING, spent
from nextarm.designs.truths import Distribution, ProportionalHazards

__all__ = [
    "DESIGNS",
    "SPENDING",
    "Accrual",
    "Boundaries",
    "Decisions",
    "DesignResult",
    "DesignTable",
    "Distribution",
    "FinalInference",
    "LogRankMoments",
    "Look",
    "LookAnalysis",
    "LookData",
    "Plan",
    "PowerOverDraws",
    "ProportionalHazards",
    "Schedule",
    "analyse_look",
    "boundaries",
    "constant_accrual",
    "drawn_scenarios",
    "efficacy_bounds",
    "expected_events",
    "expected_events_by_arm",
    "hazard_ratio_with_same_survival",
    "load_plan",
    "log_rank_moments",
    "maximum_events",
    "plan_from_data",
    "plan_from_toml",
    "power_over_draws",
    "ramp_accrual",
    "schoenfeld_events",
    "solved_plan",
    "spent",
    "stepped_accrual",
    "time_of_events",
]
