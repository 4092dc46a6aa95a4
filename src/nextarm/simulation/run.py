"""Simulate a plan: blocks of virtual trials under every truth it names, in this process or in several.

A block is drawn once and used by all scenarios. Blocks are summed in their own order, so the result is the same for any
number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, PlanError
from nextarm.core.random import BLOCK_TRIALS, blocks_of
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.design import LookData, Schedule
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation.characteristics import OperatingCharacteristics, ScenarioCounts
from nextarm.simulation.draws import SPARE, Draws, draw_block, enrol
from nextarm.simulation.kernel import run_block
from nextarm.simulation.statistics import look_data

METHOD = "Virtual trials: Poisson accrual given the number of patients, permuted-block randomisation, event times by inversion"


@dataclass(frozen=True)
class BlockCounts:
    """What a block adds to one scenario."""

    rejected_by_look: IntArray
    stopped_by_look: IntArray
    never_reached: int
    sums: FloatArray


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


def first_patients(draws: Draws, patients: int) -> Draws:
    """The draws of the first ``patients`` places of each trial."""
    n = patients
    return Draws(draws.entry[:, :n], draws.order[:, : n + SPARE], draws.event[:, :n], draws.dropout[:, :n])


def simulate_block(plans: tuple[Plan, ...], schedule: Schedule, design_plan: Plan, draws: Draws) -> tuple[BlockCounts, ...]:
    """Run one block under every scenario and decide each trial by the design of the plan."""
    return tuple(_counts(design_plan, schedule, _block(plan, schedule, draws)) for plan in plans)


def _block(plan: Plan, schedule: Schedule, draws: Draws) -> FloatArray:
    truths = plan.truths()
    one_arm = len(plan.arms) == 1
    arms = [plan.experimental] if one_arm else [plan.control, plan.experimental]
    accrual = plan.accrual_model()
    cohort = enrol(
        first_patients(draws, patients_of(plan)),
        accrual=accrual,
        survival=[truths[name] for name in arms],
        allocation=whole_allocation(plan),
        dropout_hazard=accrual.dropout_hazard,
    )
    arm = np.ones_like(cohort.arm) if one_arm else cohort.arm
    events = np.array([-1 if look.events is None else look.events for look in schedule.looks], np.int64)
    latest = np.array([look.latest for look in schedule.looks])
    ratio = schedule.null if schedule.statistic == "log-rank" else 1.0
    return np.asarray(run_block(cohort.entry, arm, cohort.event, cohort.dropout, events, latest, ratio, schedule.milestone))


def _counts(plan: Plan, schedule: Schedule, seen: FloatArray) -> BlockCounts:
    data: LookData = look_data(seen, schedule)
    decisions = plan.design.decide(data, plan)
    looks, trials = len(schedule.looks), np.arange(seen.shape[0])
    rejected = np.bincount(decisions.rejected_at[decisions.rejected_at >= 0], minlength=looks).astype(np.int64)
    stopped = np.bincount(decisions.stopped_at, minlength=looks).astype(np.int64)
    end = seen[trials, decisions.stopped_at]
    values = np.stack([end[:, 1], end[:, 2], end[:, 7]])
    sums = np.stack([values.sum(axis=1), (values * values).sum(axis=1)], axis=1)
    return BlockCounts(rejected, stopped, int(np.count_nonzero(end[:, 8] == 0.0)), sums)


def _work(data: dict[str, Any], seed: int, blocks: list[tuple[int, int]]) -> list[tuple[BlockCounts, ...]]:
    """What a worker does: build the plan once, then its blocks."""
    plan = plan_from_data(data)
    plans = tuple(p for _, p in plan.scenarios())
    schedule = plan.design.schedule(plan)
    most = max(patients_of(p) for p in plans)
    return [simulate_block(plans, schedule, plan, draw_block(seed, b, trials=t, patients=most)) for b, t in blocks]


def _chunks(trials: int, workers: int) -> list[list[tuple[int, int]]]:
    blocks = list(blocks_of(trials))
    size = max(1, min(8, len(blocks) // (4 * workers)))
    return [blocks[i : i + size] for i in range(0, len(blocks), size)]


def _results(data: dict[str, Any], seed: int, chunks: list[list[tuple[int, int]]], workers: int) -> Iterator[list[tuple[BlockCounts, ...]]]:
    if workers == 1:
        for chunk in chunks:
            yield _work(data, seed, chunk)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_work, [data] * len(chunks), [seed] * len(chunks), chunks)


def simulate(
    plan: Plan, *, trials: int = 10_000, seed: int = 0, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> OperatingCharacteristics:
    """Simulate ``trials`` virtual trials of ``plan`` under its own truth and every scenario.

    ``progress(done, total)`` is called as blocks are finished. The same plan, seed and version give the same counts for
    any ``workers``. Raises :class:`CallError` for a number of trials or workers below 1.
    """
    if workers < 1:
        raise CallError(f"workers = {workers}", rule="must be at least 1")
    schedule = plan.design.schedule(plan)
    scenarios = plan.scenarios()
    looks = len(schedule.looks)
    rejected, stopped = np.zeros((len(scenarios), looks), np.int64), np.zeros((len(scenarios), looks), np.int64)
    never, sums = np.zeros(len(scenarios), np.int64), np.zeros((len(scenarios), 3, 2))
    done = 0
    chunks = _chunks(trials, workers)
    for chunk, results in zip(chunks, _results(plan.to_data(), seed, chunks, workers), strict=True):
        for block in results:
            for s, counts in enumerate(block):
                rejected[s] += counts.rejected_by_look
                stopped[s] += counts.stopped_by_look
                never[s] += counts.never_reached
                sums[s] += counts.sums
        done += sum(size for _, size in chunk)
        if progress:
            progress(done, trials)
    made = tuple(
        ScenarioCounts(
            name=name,
            trials=trials,
            survival_at_milestone=truth.survival_at(plan.trial.milestone),
            rejected_by_look=rejected[s],
            stopped_by_look=stopped[s],
            never_reached=int(never[s]),
            sums=sums[s],
        )
        for s, (name, truth) in enumerate(scenarios)
    )
    return OperatingCharacteristics(
        trail=Trail(method=f"{METHOD}; blocks of {BLOCK_TRIALS}", seed=seed, assumptions=(f"the truths of the plan {plan.trial.name!r}",)),
        plan_name=plan.trial.name,
        design_kind=plan.design.kind,
        alpha=plan.design.alpha,
        patients=patients_of(plan),
        looks=looks,
        scenarios=made,
    )
