"""A plan of any design, ready to be simulated: which kind of block runs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from nextarm.designs.competing_events import CompetingEventsTable
from nextarm.designs.count_design import CountTable
from nextarm.designs.dose_design import DoseTable
from nextarm.designs.efficacy_toxicity import EfficacyToxicityTable
from nextarm.designs.gated_endpoints import GatedEndpointsTable
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.designs.platform import PlatformTable
from nextarm.designs.top_design import TopTable
from nextarm.simulation.block import Prepared, prepared
from nextarm.simulation.competing_block import CausesPrepared, causes_prepared
from nextarm.simulation.count_block import CountsPrepared, counts_prepared
from nextarm.simulation.counted import whole_allocation
from nextarm.simulation.dose_block import DosePrepared, dose_prepared
from nextarm.simulation.gated_block import GatedPrepared, gated_prepared
from nextarm.simulation.guarded_block import GuardedPrepared, guarded_prepared
from nextarm.simulation.joint_block import JointPrepared, joint_prepared
from nextarm.simulation.platform_block import PlatformPrepared, platform_prepared
from nextarm.simulation.top_block import TopPrepared, top_prepared

#: What runs the blocks of a plan of one result.
Single = Prepared | GuardedPrepared | GatedPrepared | CountsPrepared | JointPrepared | CausesPrepared | TopPrepared
#: A plan of any design, ready to be simulated.
Ready = Single | PlatformPrepared | DosePrepared


@dataclass(frozen=True)
class _Asked:
    """A plan by its text: two plans of one text are the same."""

    text: str
    plan: Plan = field(compare=False)


def ready(plan: Plan) -> Ready:
    """Make a plan of any design ready to be simulated.

    What was made is kept for the same plan: some designs search their rule or its bounds first, and a run, its refinements and its
    report each ask. A plan that names files is made anew, for these may have changed.
    """
    text = plan.to_toml()
    named = any(word in text for word in ("posterior", "prior_file"))
    return _made(plan) if named else _kept(_Asked(text, plan))


@lru_cache(maxsize=40)
def _kept(asked: _Asked) -> Ready:
    return _made(asked.plan)


def _made(plan: Plan) -> Ready:
    if isinstance(plan.design, PlatformTable):
        return platform_prepared(plan)
    if isinstance(plan.design, CompetingEventsTable):
        return causes_prepared(plan, allocation=whole_allocation(plan))
    if isinstance(plan.design, DoseTable):
        return dose_prepared(plan)
    if isinstance(plan.design, EfficacyToxicityTable):
        return joint_prepared(plan)
    if isinstance(plan.design, TopTable):
        return top_prepared(plan)
    if isinstance(plan.design, GatedEndpointsTable):
        return gated_prepared(plan)
    if getattr(plan.design, "os_guard", None) is not None:
        return guarded_prepared(plan)
    return counts_prepared(plan) if isinstance(plan.design, CountTable) else prepared(plan)


@lru_cache(maxsize=8)
def ready_from_toml(text: str) -> Ready:
    """What a worker does first: read the plan it was sent, once."""
    return ready(plan_from_toml(text))
