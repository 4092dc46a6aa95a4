"""Simulate a plan: blocks of virtual trials under every truth it names, in this process, in several or on a cluster.

Blocks are summed in their own order and a precision stop is taken at the first prefix of blocks that reaches it, so the
result does not depend on who ran which block, in what order, or how often the run was killed and resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.random import BLOCK_TRIALS, blocks_of
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.plan import Plan
from nextarm.simulation.block import Prepared, Ready, ready
from nextarm.simulation.characteristics import GridAxis, OperatingCharacteristics, ScenarioCounts, rate_of
from nextarm.simulation.checkpoint import Folder
from nextarm.simulation.competing_block import CausesPrepared
from nextarm.simulation.count_block import CountsPrepared
from nextarm.simulation.counted import BlockCounts, NamedTruth
from nextarm.simulation.dose_block import PER_DOSE, WHOLE, DosePrepared
from nextarm.simulation.dose_result import DoseCharacteristics, DoseCounts, DoseScenario
from nextarm.simulation.joint_block import JointPrepared
from nextarm.simulation.platform_block import PER_ARM, PlatformPrepared
from nextarm.simulation.platform_result import PlatformArmCounts, PlatformCharacteristics, PlatformScenario
from nextarm.simulation.workers import Block, Done, in_processes, in_this_process, on_cluster

R = TypeVar("R", OperatingCharacteristics, PlatformCharacteristics, DoseCharacteristics)

METHOD = "Virtual trials: Poisson accrual given the number of patients, permuted-block randomisation, event times by inversion"

#: Virtual trials if nothing is asked, and the most that a wished precision is given.
TRIALS, MOST_TRIALS = 10_000, 10_000_000
#: More virtual trials than this are refused: nobody waits for them.
TRIALS_LIMIT = 1_000_000_000


class _Totals:
    """The sums over blocks 0 to ``blocks`` - 1."""

    def __init__(self, scenarios: int, looks: int, sum_rows: int, *, each: bool) -> None:
        self.each = each
        self.blocks = self.trials = 0
        self.rejected: IntArray = np.zeros((scenarios, looks), np.int64)
        self.stopped: IntArray = np.zeros((scenarios, looks), np.int64)
        self.futile: IntArray = np.zeros((scenarios, looks), np.int64)
        self.times: FloatArray = np.zeros((scenarios, looks))
        self.never: IntArray = np.zeros(scenarios, np.int64)
        self.sums: FloatArray = np.zeros((scenarios, sum_rows, 2))

    def add(self, trials: int, block: tuple[BlockCounts, ...]) -> None:
        for s, counts in enumerate(block):
            self.rejected[s] += counts.rejected_by_look
            self.stopped[s] += counts.stopped_by_look
            self.futile[s] += counts.futile_by_look
            self.times[s] += counts.time_by_look
            self.never[s] += counts.never_reached
            self.sums[s] += counts.sums
        self.blocks += 1
        self.trials += trials

    def worst_error(self) -> float:
        """The largest standard error of a rejection rate, that of every arm where each has its own."""
        if self.each:
            return max(rate_of(int(n), self.trials).se for n in self.rejected.ravel())
        return max(rate_of(int(n), self.trials).se for n in self.rejected.sum(axis=1))


def simulate(
    plan: Plan,
    *,
    trials: int | None = None,
    seed: int = 0,
    workers: int = 1,
    precision: float | None = None,
    out: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    preview: Callable[[OperatingCharacteristics], None] | None = None,
) -> OperatingCharacteristics:
    """Simulate ``trials`` virtual trials of ``plan`` (default 10,000) under its own truth and every scenario.

    ``precision``: stop as soon as the standard error of every rejection rate is that small, after ``trials`` (default
    10 million) at the latest. ``out``: a folder that keeps every finished block and at the end ``results.json``; the
    same call goes on where an earlier one was stopped, and more trials build on fewer. ``workers`` processes, or the
    Dask scheduler at ``cluster``. ``progress(done, total)`` is called as blocks are finished,
    ``preview(result)`` once, after the first 10,000 trials if there are more.

    The same plan, seed and version give the same counts for any workers. Raises :class:`CallError` for a number below
    1 or a precision outside (0, 0.5), :class:`OutputError` for a folder of another run.
    """
    made = ready(plan)
    if isinstance(made, PlatformPrepared):
        raise CallError("a platform", rule="has arms of its own: use simulate_platform")
    if isinstance(made, DosePrepared):
        raise CallError("dose finding", rule="chooses a dose: use simulate_doses")
    finish = partial(_result, made, seed, precision)
    early = None if preview is None else partial(_previewed, preview, finish)
    options: Any = {"trials": trials, "seed": seed, "workers": workers, "precision": precision, "out": out, "cluster": cluster}
    return _simulated(made, finish, early=early, progress=progress, **options)


def simulate_platform(
    plan: Plan,
    *,
    trials: int | None = None,
    seed: int = 0,
    workers: int = 1,
    precision: float | None = None,
    out: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PlatformCharacteristics:
    """Simulate a platform; arguments and errors as in :func:`simulate`, the precision that of each arm's rejection rate."""
    made = ready(plan)
    if not isinstance(made, PlatformPrepared):
        raise CallError(f"a design of the kind {plan.design.kind!r}", rule="is no platform: use simulate")
    finish = partial(_platform_result, made, seed)
    options: Any = {"trials": trials, "seed": seed, "workers": workers, "precision": precision, "out": out, "cluster": cluster}
    return _simulated(made, finish, early=None, progress=progress, **options)


def simulate_doses(
    plan: Plan,
    *,
    trials: int | None = None,
    seed: int = 0,
    workers: int = 1,
    precision: float | None = None,
    out: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DoseCharacteristics:
    """Simulate dose finding; arguments and errors as in :func:`simulate`, the precision that of each dose's selection."""
    made = ready(plan)
    if not isinstance(made, DosePrepared):
        raise CallError(f"a design of the kind {plan.design.kind!r}", rule="finds no dose: use simulate")
    finish = partial(_dose_result, made, seed)
    options: Any = {"trials": trials, "seed": seed, "workers": workers, "precision": precision, "out": out, "cluster": cluster}
    return _simulated(made, finish, early=None, progress=progress, **options)


def _simulated(
    made: Ready,
    finish: Callable[[_Totals], R],
    *,
    early: Callable[[_Totals], None] | None,
    trials: int | None,
    seed: int,
    workers: int,
    precision: float | None,
    out: str | Path | None,
    cluster: str | None,
    progress: Callable[[int, int], None] | None,
) -> R:
    plan = made.plan
    if workers < 1:
        raise CallError(f"workers = {workers}", rule="must be at least 1")
    if precision is not None and not 0.0 < precision < 0.5:
        raise CallError(f"precision = {precision}", rule="must lie between 0 and 0.5", cure="Give a standard error, such as 0.001")
    wanted = trials if trials is not None else TRIALS if precision is None else MOST_TRIALS
    if not 0 <= seed < 2**64:
        raise CallError(f"seed = {seed}", rule="must be an integer from 0 to 2**64 - 1")
    if wanted > TRIALS_LIMIT:
        raise CallError(f"trials = {wanted}", rule=f"must be at most {TRIALS_LIMIT:,}", cure="Give a precision instead, such as 0.0005")
    blocks = list(blocks_of(wanted))
    totals = _Totals(len(made.truths), made.looks, made.sum_rows, each=isinstance(made, PlatformPrepared | DosePrepared))
    text = plan.to_toml()
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(out, plan=plan, seed=seed)) if out is not None else None
        known = {b: folder.done[b][1] for b, size in blocks if b in folder.done and folder.done[b][0] == size} if folder else {}

        def run(todo: Iterator[Block]) -> Iterator[Done]:
            if cluster is not None:
                return on_cluster(text, seed, todo, address=cluster)
            return in_this_process(text, seed, todo) if workers == 1 else in_processes(text, seed, todo, workers=workers)

        try:
            _collect(totals, blocks, known, run, folder, precision, progress, early)
        except KeyboardInterrupt:
            kept = f"finished blocks are kept in {out}: the same call goes on from there" if folder else "nothing is kept without out"
            raise KeyboardInterrupt(f"interrupted after {totals.trials:,} of {wanted:,} trials; {kept}") from None
        result = finish(totals)
        if folder is not None:
            folder.write_result(result.to_json(indent=2))
    return result


def _collect(
    totals: _Totals,
    blocks: list[Block],
    known: dict[int, tuple[BlockCounts, ...]],
    run: Callable[[Iterator[Block]], Iterator[Done]],
    folder: Folder | None,
    precision: float | None,
    progress: Callable[[int, int], None] | None,
    early: Callable[[_Totals], None] | None,
) -> None:
    """Take blocks, known ones first, until all are there or the precision is reached; add them in their order."""
    waiting = dict(known)
    total = sum(size for _, size in blocks)

    def enough() -> bool:
        while totals.blocks in waiting:
            totals.add(blocks[totals.blocks][1], waiting.pop(totals.blocks))
            if precision is not None and totals.worst_error() <= precision:
                return True
        return totals.blocks == len(blocks)

    if enough():
        return
    results = run(block for block in blocks if block[0] not in known)
    try:
        for number, counts in results:
            if folder is not None:
                folder.add(number, blocks[number][1], counts)
            waiting[number] = counts
            stop = enough()
            if early is not None and totals.trials >= TRIALS and not stop:
                early(totals)
                early = None
            if progress:
                progress(totals.trials, _expected_trials(totals, precision, total))
            if stop:
                return
    finally:
        results.close()  # type: ignore[attr-defined]  # all three are generators


def _previewed(
    preview: Callable[[OperatingCharacteristics], None], finish: Callable[[_Totals], OperatingCharacteristics], totals: _Totals
) -> None:
    preview(finish(totals))


def _expected_trials(totals: _Totals, precision: float | None, total: int) -> int:
    """How many trials there will be, as far as can be told."""
    if precision is None or not totals.trials:
        return total
    needed = int(totals.trials * (totals.worst_error() / precision) ** 2)
    return min(total, max(needed, totals.trials))


def _result(
    made_plan: Prepared | CountsPrepared | JointPrepared | CausesPrepared, seed: int, precision: float | None, totals: _Totals
) -> OperatingCharacteristics:
    plan = made_plan.plan
    truths: tuple[NamedTruth, ...] = made_plan.truths
    made = tuple(
        ScenarioCounts(
            name=truth.name,
            trials=totals.trials,
            survival_at_milestone=truth.at_milestone,
            rejected_by_look=totals.rejected[s],
            stopped_by_look=totals.stopped[s],
            futile_by_look=totals.futile[s],
            time_by_look=totals.times[s],
            never_reached=int(totals.never[s]),
            sums=totals.sums[s],
            at=truth.at,
        )
        for s, truth in enumerate(truths)
    )
    made = tuple(replace(counts, summary=counts.summarised()) for counts in made)
    stop = "" if precision is None else f"; stopped at the first block where every rejection rate has a standard error of {precision:g}"
    missed = precision is not None and totals.worst_error() > precision
    assumed = [f"the truths of the plan {plan.trial.name!r}"]
    if made_plan.reference_is_drawn:
        assumed.append("the reference's estimate differs from trial to trial with its standard error, around the value in the plan")
    return OperatingCharacteristics(
        trail=Trail(method=f"{METHOD}; blocks of {BLOCK_TRIALS}{stop}", seed=seed, assumptions=tuple(assumed)),
        warnings=(f"the precision of {precision:g} was not reached: {totals.worst_error():.2g}",) if missed else (),
        plan_name=plan.trial.name,
        design_kind=plan.design.kind,
        alpha=plan.design.alpha,
        patients=made_plan.patients,
        looks=made[0].rejected_by_look.size,
        scenarios=made,
        grid=tuple(GridAxis(key=table.key, label=table.label, values=table.values) for table in plan.grid),
    )


def _platform_result(made: PlatformPrepared, seed: int, totals: _Totals) -> PlatformCharacteristics:
    n = totals.trials
    scenarios = []
    for s, truth in enumerate(made.truths):
        sums = totals.sums[s]
        arms = []
        for k, name in enumerate(made.arms[1:]):
            row = 3 + PER_ARM * k
            arms.append(
                PlatformArmCounts(
                    name=name, trials=n, opened=int(totals.stopped[s, k]), dropped=int(totals.futile[s, k]),
                    rejected=int(totals.rejected[s, k]), rejected_other=round(float(sums[row + 2, 0])), patients_sum=float(sums[row, 0]),
                    patients_squares=float(sums[row, 1]), controls_sum=float(sums[row + 1, 0]), controls_squares=float(sums[row + 1, 1]),
                    time_sum=float(totals.times[s, k]),
                )
            )  # fmt: skip
        names = ("events", "patients", "duration")
        whole: dict[str, Any] = {
            f"{name}_{part}": float(sums[i, j]) for i, name in enumerate(names) for j, part in enumerate(("sum", "squares"))
        }
        never = int(totals.never[s])
        at = truth.at_milestone
        scenarios.append(
            PlatformScenario(name=truth.name, trials=n, survival_at_milestone=at, arms=tuple(arms), any_rejected=never, **whole)
        )
    return PlatformCharacteristics(
        trail=Trail(
            method=f"{METHOD}; blocks of {BLOCK_TRIALS}", seed=seed, assumptions=(f"the truths of the plan {made.plan.trial.name!r}",)
        ),
        plan_name=made.plan.trial.name,
        design_kind=made.plan.design.kind,
        alpha=made.plan.design.alpha,
        control_data=made.design.control_data,
        scenarios=tuple(scenarios),
    )


def _dose_result(made: DosePrepared, seed: int, totals: _Totals) -> DoseCharacteristics:
    n, scenarios = totals.trials, []
    for s, truth in enumerate(made.truths):
        sums = totals.sums[s]
        doses = []
        for k, name in enumerate(made.plan.arms):
            row = WHOLE + PER_DOSE * k
            doses.append(
                DoseCounts(
                    name=name, toxicity=float(truth.rates[k]), trials=n, given=int(totals.stopped[s, k]), chosen=int(totals.rejected[s, k]),
                    patients_sum=float(sums[row, 0]), patients_squares=float(sums[row, 1]), toxic_sum=float(sums[row + 1, 0]),
                    toxic_squares=float(sums[row + 1, 1]),
                )
            )  # fmt: skip
        names = ("toxic", "patients", "duration", "turned_away")
        whole: dict[str, Any] = {
            f"{name}_{part}": float(sums[i, j]) for i, name in enumerate(names) for j, part in enumerate(("sum", "squares"))
        }
        scenarios.append(DoseScenario(name=truth.name, trials=n, doses=tuple(doses), undecided=int(totals.never[s]), **whole))
    return DoseCharacteristics(
        trail=Trail(
            method=f"{METHOD.split(',')[0]}, each patient's luck a uniform; blocks of {BLOCK_TRIALS}", seed=seed,
            assumptions=(f"the truths of the plan {made.plan.trial.name!r}",),
        ),
        plan_name=made.plan.trial.name,
        design_kind=made.plan.design.kind,
        target=made.design.target,
        scenarios=tuple(scenarios),
    )  # fmt: skip
