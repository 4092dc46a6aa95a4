"""One block of virtual trials: draw, run through the looks under every truth, decide, count.

A block is drawn once and used by all scenarios. What it adds depends on plan, seed and block number only.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from nextarm.core.errors import PlanError
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.design import LookData, Schedule
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.designs.truths import Distribution
from nextarm.simulation.draws import SPARE, Cohort, Draws, draw_trials, drawn_null, enrol
from nextarm.simulation.kernel import ENTERED, EVENTS, REACHED, TIME, run_lanes
from nextarm.simulation.lanes import lanes_of
from nextarm.simulation.statistics import look_data

#: Patients drawn at a time: few enough to stay in the processor's cache, enough to make each call worth it.
PATIENTS_AT_ONCE = 32_768


@dataclass(frozen=True)
class BlockCounts:
    """What a block adds to one scenario; the fields are those of :class:`~nextarm.simulation.ScenarioCounts`."""

    rejected_by_look: IntArray
    stopped_by_look: IntArray
    never_reached: int
    sums: FloatArray


@dataclass(frozen=True)
class Truth:
    """One scenario, ready to be simulated: control and experimental truth, or the only arm's."""

    name: str
    patients: int
    accrual: Accrual
    survival: tuple[Distribution, ...]
    allocation: tuple[int, ...]


@dataclass(frozen=True)
class Prepared:
    """A plan, ready to be simulated: its schedule and its truths, the plan's own first."""

    plan: Plan
    schedule: Schedule
    truths: tuple[Truth, ...]

    @property
    def events(self) -> IntArray:
        """Events of each look (looks,), -1 where a look is at a fixed time."""
        return np.array([-1 if look.events is None else look.events for look in self.schedule.looks], np.int64)

    @property
    def latest(self) -> FloatArray:
        """Latest time of each look (looks,)."""
        return np.array([look.latest for look in self.schedule.looks])


def whole_allocation(plan: Plan) -> tuple[int, ...]:
    """The arms' allocation as the smallest whole numbers, control first; :class:`PlanError` where a block would be too large."""
    names = list(plan.arms) if len(plan.arms) != 2 else [plan.control, plan.experimental]
    shares = [Fraction(plan.arms[name].allocation).limit_denominator(SPARE) for name in names]
    common = np.lcm.reduce([s.denominator for s in shares])
    whole = [int(s * int(common)) for s in shares]
    divisor = int(np.gcd.reduce(whole))
    small = tuple(w // divisor for w in whole)
    if sum(small) > SPARE or min(small) < 1:
        raise PlanError(
            f"allocation {small}", rule=f"a block of randomisation would hold more than {SPARE} patients", cure="Use small whole numbers"
        )
    return small


def patients_of(plan: Plan) -> int:
    """Patients of the whole trial: accrual rate times duration, rounded."""
    return max(1, round(plan.accrual_model().total))


def prepared(plan: Plan) -> Prepared:
    """Make a plan ready to be simulated."""
    return Prepared(plan, plan.design.schedule(plan), tuple(_truth(name, scenario) for name, scenario in plan.scenarios()))


@lru_cache(maxsize=8)
def prepared_from_toml(text: str) -> Prepared:
    """What a worker does first: read the plan it was sent, once."""
    return prepared(plan_from_toml(text))


def _truth(name: str, plan: Plan) -> Truth:
    truths = plan.truths()
    arms = [plan.experimental] if len(plan.arms) == 1 else [plan.control, plan.experimental]
    return Truth(name, patients_of(plan), plan.accrual_model(), tuple(truths[arm] for arm in arms), whole_allocation(plan))


def simulate_block(made: Prepared, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
    """Run the ``trials`` trials of a block under every scenario; the design of the plan decides each.

    Where a single arm is compared with an estimated reference, each trial meets its own draw of that estimate.
    """
    seen = seen_in_block(made, seed=seed, block=block, trials=trials)
    schedule, null = made.schedule, None
    if schedule.statistic == "milestone-one-arm" and schedule.reference_se > 0.0:
        null = drawn_null(seed, block, trials=trials, null=schedule.null, se=schedule.reference_se)
    return tuple(counts_of(made, scenario, null) for scenario in seen)


def seen_in_block(made: Prepared, *, seed: int, block: int, trials: int) -> list[FloatArray]:
    """What every trial of a block shows at its looks, (trials, looks, 9) for each scenario; columns as in ``kernel.run_lanes``."""
    most = max(truth.patients for truth in made.truths)
    parts = -(-trials * most // PATIENTS_AT_ONCE)
    edges = [trials * i // parts for i in range(parts + 1)]
    seen: list[list[FloatArray]] = [[] for _ in made.truths]
    for first, end in itertools.pairwise(edges):
        draws = draw_trials(seed, block, first=first, trials=end - first, patients=most)
        for s, truth in enumerate(made.truths):
            seen[s].append(_seen(made, truth, first_patients(draws, truth.patients)))
    return [np.concatenate(part) for part in seen]


def cohort_of(made: Prepared, scenario: int, *, seed: int, block: int, trial: int) -> Cohort:
    """The patients of one virtual trial, redrawn alone by the plain code; a single arm is arm 1."""
    truth = made.truths[scenario]
    cohort = enrol(
        draw_trials(seed, block, first=trial, trials=1, patients=truth.patients),
        accrual=truth.accrual,
        survival=truth.survival,
        allocation=truth.allocation,
    ).trial(0)
    return cohort if len(truth.survival) == 2 else Cohort(cohort.entry, np.ones_like(cohort.arm), cohort.event, cohort.dropout)


def first_patients(draws: Draws, patients: int) -> Draws:
    """The draws of the first ``patients`` places of each trial."""
    if draws.entry.shape[1] == patients:
        return draws
    entry, event, dropout = (np.ascontiguousarray(part[:, :patients]) for part in (draws.entry, draws.event, draws.dropout))
    return Draws(entry, event, dropout, draws.order)


def _seen(made: Prepared, truth: Truth, draws: Draws) -> FloatArray:
    latest, schedule = made.latest, made.schedule
    lanes = lanes_of(draws, accrual=truth.accrual, survival=truth.survival, allocation=truth.allocation, latest=float(latest.max()))
    ranks = schedule.statistic == "log-rank"
    ratio, milestone = (schedule.null, -1.0) if ranks else (1.0, schedule.milestone)  # curves only where they are looked at
    return run_lanes(lanes, events=made.events, latest=latest, hazard_ratio=ratio, milestone=milestone)


def counts_of(made: Prepared, seen: FloatArray, null: FloatArray | None = None) -> BlockCounts:
    """Decide every trial of ``seen`` (trials, looks, 9), each against its own ``null`` if given, and count."""
    data: LookData = look_data(seen, made.schedule, null)
    decisions = made.plan.design.decide(data, made.plan)
    looks, trials = len(made.schedule.looks), np.arange(seen.shape[0])
    rejected = np.bincount(decisions.rejected_at[decisions.rejected_at >= 0], minlength=looks).astype(np.int64)
    stopped = np.bincount(decisions.stopped_at, minlength=looks).astype(np.int64)
    end = seen[trials, decisions.stopped_at]
    values = end[:, [EVENTS, ENTERED, TIME]].T
    sums = np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1)
    return BlockCounts(rejected, stopped, int(np.count_nonzero(end[:, REACHED] == 0.0)), sums)
