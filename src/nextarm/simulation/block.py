"""One block of virtual trials: draw, run through the looks under every truth, decide, count.

A block is drawn once and used by all scenarios. What it adds depends on plan, seed and block number only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from nextarm.core.errors import PlanError
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.plan import Plan
from nextarm.designs.seam import Decisions, LookData, Schedule, Seen
from nextarm.designs.truths import Distribution, ProportionalHazards
from nextarm.simulation.counted import BlockCounts, arms_of, cell_name, counts_from, whole_allocation
from nextarm.simulation.draws import Cohort, Draws, draw_trials, drawn_normals, enrol
from nextarm.simulation.enrol import MOST_CELLS, limits_of, patients_of_draws
from nextarm.simulation.kernel import see
from nextarm.simulation.simplify import dropout_truth, simplified
from nextarm.simulation.statistics import look_data

#: Patients drawn at a time: few enough to stay in the processor's cache, enough to make each call worth it.
PATIENTS_AT_ONCE = 32_768


@dataclass(frozen=True)
class Truth:
    """One scenario, ready to be simulated: a survival truth for each cell (stratum by stratum the arms, control first).

    ``at_milestone`` is each arm's S there, ``at`` the values of the assumptions if it is a cell of a grid.
    """

    name: str
    at_milestone: dict[str, float]
    at: tuple[float, ...]
    patients: int
    accrual: Accrual
    survival: tuple[Distribution, ...]
    dropout: Distribution | None
    limits: FloatArray
    allocation: tuple[int, ...]
    shares: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Prepared:
    """A plan, ready to be simulated: its schedule, what decides, and its truths, the plan's own first."""

    plan: Plan
    schedule: Schedule
    decide: Callable[[LookData], Decisions]
    truths: tuple[Truth, ...]

    @property
    def looks(self) -> int:
        """How many looks there are."""
        return len(self.schedule.looks)

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: events, patients, duration."""
        return 3

    @property
    def patients(self) -> int:
        """Patients of the whole trial."""
        return patients_of(self.plan)

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        return simulate_block(self, seed=seed, block=block, trials=trials)

    @property
    def reference_is_drawn(self) -> bool:
        """Whether each trial meets its own estimate of the reference."""
        return self.schedule.reference_se > 0.0 or any(tau > 0.0 for tau in self.schedule.reference_errors)


def patients_of(plan: Plan) -> int:
    """Patients of the whole trial: accrual rate times duration, rounded."""
    return max(1, round(plan.accrual_model().total))


def prepared(plan: Plan) -> Prepared:
    """Make a plan ready to be simulated; :class:`PlanError` for more strata times arms than there is room for."""
    schedule = plan.design.schedule(plan)
    strata = schedule.measured.strata or ((1.0, 1.0),)
    latest = max(look.latest for look in schedule.looks)
    if len(strata) * len(plan.arms) > MOST_CELLS:
        raise PlanError(f"{len(strata)} strata and {len(plan.arms)} arms", rule=f"strata times arms must be at most {MOST_CELLS}")
    named: list[tuple[str, tuple[float, ...], Plan]] = [(name, (), scenario) for name, scenario in plan.scenarios()]
    named += [(cell_name(plan, values), values, cell) for values, cell in plan.grid_cells()]
    truths = tuple(truth_of(name, at, scenario, strata, latest) for name, at, scenario in named)
    return Prepared(plan, schedule, plan.design.decider(plan), truths)


def truth_of(name: str, at: tuple[float, ...], plan: Plan, strata: tuple[tuple[float, float], ...], latest: float) -> Truth:
    """A scenario ready to be simulated, its times needed up to ``latest`` years."""
    truths, total = plan.truths(), sum(share for share, _ in strata)
    survival = tuple(simplified(ProportionalHazards(base=truths[arm], hazard_ratio=ratio)) for _, ratio in strata for arm in arms_of(plan))
    shares = tuple(share / total for share, _ in strata)
    accrual = plan.accrual_model()
    dropout = dropout_truth(accrual)
    limits = limits_of(survival, dropout, latest)
    at_milestone = plan.survival_at(plan.trial.milestone)
    return Truth(name, at_milestone, at, patients_of(plan), accrual, survival, dropout, limits, whole_allocation(plan), shares)


def simulate_block(made: Prepared, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
    """Run the ``trials`` trials of a block under every scenario; the design of the plan decides each.

    Where a single arm is compared with an estimated reference, each trial meets its own draw of that estimate.
    """
    seen = seen_in_block(made, seed=seed, block=block, trials=trials)
    errors = drawn_normals(seed, block, trials=trials) if made.reference_is_drawn else None
    return tuple(counts_of(made, scenario, errors) for scenario in seen)


def seen_in_block(made: Prepared, *, seed: int, block: int, trials: int) -> list[Seen]:
    """What every trial of a block shows at its looks, for each scenario."""
    most = max(truth.patients for truth in made.truths)
    parts = min(-(-trials * most // PATIENTS_AT_ONCE), trials)
    edges = [trials * i // parts for i in range(parts + 1)]
    seen: list[list[Seen]] = [[] for _ in made.truths]
    for first, end in itertools.pairwise(edges):
        draws = draw_trials(seed, block, first=first, trials=end - first, patients=most, strata=len(made.truths[0].shares))
        for s, truth in enumerate(made.truths):
            seen[s].append(_seen(made, truth, first_patients(draws, truth.patients)))
    return [joined(part) for part in seen]


def joined(parts: Sequence[Seen]) -> Seen:
    """Trials of several parts as one."""
    if len(parts) == 1:
        return parts[0]
    return Seen(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Seen)})


def cohort_of(made: Prepared, scenario: int, *, seed: int, block: int, trial: int) -> Cohort:
    """The patients of one virtual trial, redrawn alone by the plain code."""
    truth = made.truths[scenario]
    draws = draw_trials(seed, block, first=trial, trials=1, patients=truth.patients, strata=len(truth.shares))
    return enrol(
        draws, accrual=truth.accrual, survival=truth.survival, dropout=truth.dropout, allocation=truth.allocation, shares=truth.shares
    ).trial(0)


def first_patients(draws: Draws, patients: int) -> Draws:
    """The draws of the first ``patients`` places of each trial."""
    if draws.entry.shape[1] == patients:
        return draws
    entry, event, dropout = (np.ascontiguousarray(part[:, :patients]) for part in (draws.entry, draws.event, draws.dropout))
    stratum = None if draws.stratum is None else np.ascontiguousarray(draws.stratum[:, :patients])
    return Draws(entry, event, dropout, draws.order, stratum)


def _seen(made: Prepared, truth: Truth, draws: Draws) -> Seen:
    patients = patients_of_draws(
        draws,
        accrual=truth.accrual,
        survival=truth.survival,
        dropout=truth.dropout,
        allocation=truth.allocation,
        shares=truth.shares,
        limits=truth.limits,
    )
    return see(patients, made.schedule.looks, made.schedule.measured, arms=len(truth.allocation))


def counts_of(made: Prepared, seen: Seen, errors: FloatArray | None = None) -> BlockCounts:
    """Decide every trial of ``seen``, each against the reference its own of ``errors`` gives if there are any, and count."""
    return counts_from(made.decide(look_data(seen, made.schedule, errors)), seen)
