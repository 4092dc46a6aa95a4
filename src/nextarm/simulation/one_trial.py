"""One virtual trial laid open: when each patient entered and left, when the looks came, what was decided."""

from __future__ import annotations

import numpy as np

from nextarm.core.random import BLOCK_TRIALS
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.plan import Plan
from nextarm.simulation.block import Prepared, cohort_of, prepared, seen_in_block
from nextarm.simulation.counted import arms_of
from nextarm.simulation.draws import drawn_normals
from nextarm.simulation.ready import ready
from nextarm.simulation.statistics import look_data


@record
class VirtualTrial(Result):
    """Arrays (patients,) in the order of entry: calendar ``entry`` and ``leaves`` (years from the first possible day), ``arm``
    (position in ``arms``) and ``outcome`` (0 event, 1 dropout, 2 followed to the end). Looks (looks,) as far as they took place before
    the trial ended (at the last of them, of ``planned``; 0: not fixed): ``time``, ``events``, ``z``; ``rejected`` whether the null was
    rejected.
    """

    arms: tuple[str, ...]
    entry: FloatArray
    leaves: FloatArray
    arm: IntArray
    outcome: IntArray
    time: FloatArray
    events: IntArray
    z: FloatArray
    rejected: bool
    planned: int


def virtual_trial(plan: Plan, *, seed: int = 0, trial: int = 0) -> VirtualTrial:
    """The ``trial``-th virtual trial (from 0) of ``simulate(plan, seed=seed)`` under the plan's own truth."""
    found = ready(plan)
    made = found if isinstance(found, Prepared) else prepared(plan)
    block, position = divmod(trial, BLOCK_TRIALS)
    seen = seen_in_block(made, seed=seed, block=block, trials=position + 1)[0]
    errors = drawn_normals(seed, block, trials=position + 1) if made.reference_is_drawn else None
    data = look_data(seen, made.schedule, errors)
    decisions = made.decide(data)
    last = int(decisions.stopped_at[position])
    end = float(seen.time[position, last])
    cohort = cohort_of(made, 0, seed=seed, block=block, trial=position)
    own = np.minimum(cohort.event, cohort.dropout)
    there = cohort.entry < end
    known = cohort.entry + own <= end
    outcome = np.where(known, np.where(cohort.event <= cohort.dropout, 0, 1), 2)
    return VirtualTrial(
        trail=Trail(method=f"virtual trial {trial} of the plan {plan.trial.name!r}, redrawn alone", seed=seed),
        arms=tuple(arms_of(plan)),
        entry=cohort.entry[there],
        leaves=np.where(known, cohort.entry + own, end)[there],
        arm=(cohort.cell % len(plan.arms))[there],
        outcome=outcome[there].astype(np.int64),
        time=seen.time[position, : last + 1],
        events=data.events[position, : last + 1],
        z=data.z[position, : last + 1],
        rejected=int(decisions.rejected_at[position]) >= 0,
        planned=data.done.shape[1] if plan.design.looks_fixed else 0,
    )
