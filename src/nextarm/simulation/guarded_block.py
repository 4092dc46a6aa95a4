"""One block of virtual trials of a design whose success OS guards (:mod:`nextarm.designs.os_guard`).

The design decides on EFS as it would alone; then the guard looks at the deaths of the same infants. A result stands where the guard passes
at the look that gave it; with ``rule = "harm"`` a look at which OS is shown to be worse ends the trial as futile.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.bayes_one_arm import BayesOneArmTable
from nextarm.designs.bayes_two_arm import BayesTwoArmTable
from nextarm.designs.milestone_one_arm import OneArmMilestoneTable
from nextarm.designs.os_guard import OsGuard, OsWatch
from nextarm.designs.overall_survival import salvage_of
from nextarm.designs.plan import Plan
from nextarm.designs.rmst_difference import RmstDifferenceTable
from nextarm.designs.seam import BoolArray, Decisions, Look, LookData, Measures, Seen
from nextarm.simulation.block import PATIENTS_AT_ONCE, Prepared, Truth, first_patients, joined, prepared
from nextarm.simulation.counted import BlockCounts, arms_of, counts_from
from nextarm.simulation.draws import Draws, draw_trials, drawn_normals, words_of
from nextarm.simulation.enrol import cells
from nextarm.simulation.kernel import see
from nextarm.simulation.philox import AFTER, WordArray
from nextarm.simulation.statistics import look_data
from nextarm.simulation.two_end_points import two_end_points

T = TypeVar("T")
#: The designs that may have a guard of OS.
GUARDED = AbsoluteMarginTable | OneArmMilestoneTable | BayesOneArmTable | BayesTwoArmTable | RmstDifferenceTable


class Once:
    """What was made, each for its key, of trials that several designs decide on; keys need to be comparable, no more."""

    def __init__(self) -> None:
        self._made: list[tuple[object, Any]] = []

    def __call__(self, key: object, make: Callable[[], T]) -> T:
        """What stands under ``key``, made now if nothing does."""
        for known, value in self._made:
            if known == key:
                found: T = value
                return found
        self._made.append((key, made := make()))
        return made


@dataclass(frozen=True)
class GuardedPrepared:
    """A plan with a guard of OS, ready to be simulated: what decides on EFS, and what watches OS."""

    own: Prepared
    guard: OsGuard
    watch: OsWatch
    salvage: tuple[FloatArray, ...]
    times: tuple[float, ...]
    #: What is counted besides the result: EFS alone would have succeeded; it did and OS withheld it; OS ended the trial.
    rates: tuple[str, ...] = ("efs_alone", "withheld_by_os", "stopped_for_os")

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.own.plan

    @property
    def truths(self) -> tuple[Truth, ...]:
        """The truths of EFS."""
        return self.own.truths

    @property
    def looks(self) -> int:
        """Looks at EFS or OS."""
        return len(self.times)

    @property
    def sum_rows(self) -> int:
        """Rows of the sums: events, patients, duration, and the rates."""
        return 3 + len(self.rates)

    @property
    def patients(self) -> int:
        """Patients of the whole trial."""
        return self.own.patients

    @property
    def reference_is_drawn(self) -> bool:
        """Whether each trial meets its own estimate of the reference."""
        return self.own.reference_is_drawn or self.watch.schedule.reference_se > 0.0

    def block(self, *, seed: int, block: int, trials: int) -> tuple[BlockCounts, ...]:
        """Run the ``trials`` trials of a block under every scenario."""
        return self.counted(self.seen(self.times, seed=seed, block=block, trials=trials), Once(), seed=seed, block=block)

    def counted(self, seen: Sequence[tuple[Seen, Seen]], once: Once, *, seed: int, block: int) -> tuple[BlockCounts, ...]:
        """What becomes of the trials of a block, of which ``seen`` (a scenario each) holds EFS and OS at :attr:`times`.

        ``once`` holds what plans that differ in their design alone have found of the same trials.
        """
        trials = len(seen[0][0].time)
        errors = [drawn_normals(seed, block, trials=trials, which=k) for k in (0, 1)] if self.reference_is_drawn else [None, None]
        made = []
        unguarded = self.plan.design.model_copy(update={"os_guard": None})
        for scenario, (efs, os) in enumerate(seen):
            alone = once((scenario, unguarded), partial(self.alone, efs, errors[0]))
            passes = once((scenario, self.times, self.watch), partial(self.passing, os, errors[1]))
            decisions, rates = self.decide(alone, passes)
            made.append(counts_from(decisions, efs, rates=rates))
        return tuple(made)

    def seen(self, times: Sequence[float], *, seed: int, block: int, trials: int) -> list[tuple[Seen, Seen]]:
        """What the trials of a block show of EFS and of OS after each of ``times``, for each scenario."""
        most = max(truth.patients for truth in self.truths)
        parts = min(-(-trials * most // PATIENTS_AT_ONCE), trials)
        found: list[tuple[list[Seen], list[Seen]]] = [([], []) for _ in self.truths]
        for first, end in itertools.pairwise([trials * i // parts for i in range(parts + 1)]):
            draws = draw_trials(seed, block, first=first, trials=end - first, patients=most)
            after = words_of(seed, block, AFTER, first=first, trials=end - first, patients=most)
            for s, truth in enumerate(self.truths):
                for part, seen in zip(found[s], self._seen(s, times, first_patients(draws, truth.patients), after), strict=True):
                    part.append(seen)
        return [(joined(efs), joined(os)) for efs, os in found]

    def _seen(self, scenario: int, times: Sequence[float], draws: Draws, after: WordArray) -> tuple[Seen, Seen]:
        truth, milestone = self.truths[scenario], self.plan.trial.milestone
        groups = two_end_points(
            draws, np.ascontiguousarray(after[:, : truth.patients]), cells(draws, truth.allocation, truth.shares), accrual=truth.accrual,
            survival=truth.survival, dropout=truth.dropout, limits=truth.limits, salvage=self.salvage[scenario],
            after_event=self.guard.after_event,
        )  # fmt: skip
        looks = [Look(events=None, latest=t) for t in times]
        measures = Measures(milestones=(milestone,), cuts=(milestone,), tau=self.own.schedule.measured.tau)
        efs, os = (see(patients, looks, measures, arms=len(truth.allocation)) for patients in groups)
        return efs, os

    @property
    def own_looks(self) -> IntArray:
        """Which of :attr:`times` are looks at EFS."""
        return np.array([self.times.index(look.latest) for look in self.own.schedule.looks])

    def alone(self, efs: Seen, error: FloatArray | None) -> Decisions:
        """What the design decides on EFS, at its own looks."""
        data: LookData = look_data(
            at_looks(efs, self.own_looks), self.own.schedule, error if self.own.schedule.reference_se > 0.0 else None
        )
        return self.own.decide(data)

    def passing(self, os: Seen, error: FloatArray | None) -> BoolArray:
        """Whether OS passes at :attr:`times`, (trials, looks)."""
        watched = replace(self.watch.schedule, looks=tuple(Look(events=None, latest=t) for t in self.times))
        return self.watch.passes(look_data(os, watched, error if watched.reference_se > 0.0 else None))

    def decide(self, alone: Decisions, passes: BoolArray) -> tuple[Decisions, list[BoolArray]]:
        """What becomes of the trials, and which of them each of :attr:`rates` holds in."""
        own_looks = self.own_looks
        rows, last = np.arange(len(passes)), own_looks[alone.stopped_at]
        harm = ~passes & np.isin(self.times, self.guard.look_times)
        first = np.where(harm.any(axis=1), np.argmax(harm, axis=1), self.looks)
        harmed, shown = first <= last, alone.rejected_at >= 0
        success = shown & ~harmed & passes[rows, last]
        stopped = np.where(harmed, first, last)
        futile = harmed if alone.futile is None else harmed | alone.futile
        made = Decisions(
            rejected_at=np.where(success, last, -1).astype(np.int64),
            stopped_at=stopped.astype(np.int64),
            futile=np.asarray(futile, np.bool_),
        )
        return made, [shown, shown & ~success, harmed]


def at_looks(seen: Seen, looks: IntArray) -> Seen:
    """What trials show at some of their looks, by index."""
    return Seen(**{f.name: getattr(seen, f.name)[:, looks] for f in fields(Seen)})


def guarded_prepared(plan: Plan) -> GuardedPrepared:
    """Make a plan whose design has a guard of OS ready to be simulated."""
    design = plan.design
    assert isinstance(design, GUARDED)  # those that have one
    guard = design.os_guard
    assert guard is not None  # the caller looks
    own = prepared(plan)
    times = sorted({look.latest for look in own.schedule.looks} | set(guard.look_times))
    plans = [scenario for _, scenario in plan.scenarios()] + [cell for _, cell in plan.grid_cells()]
    salvage = []
    for scenario in plans:
        by_arm = salvage_of(scenario, guard.salvage)
        salvage.append(np.array([by_arm[name] for name in arms_of(scenario)]))
    return GuardedPrepared(own, guard, design.os_watch(plan), tuple(salvage), tuple(times))
