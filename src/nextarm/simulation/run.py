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
from typing import TypeVar, Unpack

from nextarm.core.errors import CallError
from nextarm.core.random import BLOCK_TRIALS, blocks_of
from nextarm.core.trail import Trail
from nextarm.designs.dose_design import DoseTable
from nextarm.designs.plan import Plan
from nextarm.designs.platform import PlatformTable
from nextarm.simulation.characteristics import GridAxis, OperatingCharacteristics, ScenarioCounts
from nextarm.simulation.checkpoint import Folder
from nextarm.simulation.counted import BlockCounts, NamedTruth
from nextarm.simulation.dose_block import DosePrepared
from nextarm.simulation.dose_result import DoseCharacteristics
from nextarm.simulation.null_excess import excess
from nextarm.simulation.platform_block import PlatformPrepared
from nextarm.simulation.platform_result import PlatformCharacteristics
from nextarm.simulation.ready import Ready, Single, ready
from nextarm.simulation.totals import METHOD, RunOptions, Totals
from nextarm.simulation.workers import Block, Done, in_processes, in_this_process, on_cluster

AnyCharacteristics = OperatingCharacteristics | PlatformCharacteristics | DoseCharacteristics
R = TypeVar("R", OperatingCharacteristics, PlatformCharacteristics, DoseCharacteristics)

#: Virtual trials if nothing is asked, and the most that a wished precision is given.
TRIALS, MOST_TRIALS = 10_000, 10_000_000
#: More virtual trials than this are refused: nobody waits for them.
TRIALS_LIMIT = 1_000_000_000


def simulate(
    plan: Plan, *, preview: Callable[[OperatingCharacteristics], None] | None = None, **options: Unpack[RunOptions]
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
    finish = partial(characteristics_of, made, options.get("seed", 0), options.get("precision"))
    return _simulated(made, finish, early=None if preview is None else partial(_previewed, preview, finish), **options)


def simulate_platform(plan: Plan, **options: Unpack[RunOptions]) -> PlatformCharacteristics:
    """Simulate a platform; options and errors as in :func:`simulate`, the precision that of each arm's rejection rate."""
    made = ready(plan)
    if not isinstance(made, PlatformPrepared):
        raise CallError(f"a design of the kind {plan.design.kind!r}", rule="is no platform: use simulate")
    return _simulated(made, partial(_platform_of, made, options.get("seed", 0)), **options)


def _platform_of(made: PlatformPrepared, seed: int, totals: Totals) -> PlatformCharacteristics:
    too_often, by_chance = excess(made, totals, seed=seed)
    return replace(made.result(seed, totals), warnings=too_often, by_chance=by_chance)


def simulate_doses(plan: Plan, **options: Unpack[RunOptions]) -> DoseCharacteristics:
    """Simulate dose finding; options and errors as in :func:`simulate`, the precision that of each dose's selection."""
    made = ready(plan)
    if not isinstance(made, DosePrepared):
        raise CallError(f"a design of the kind {plan.design.kind!r}", rule="finds no dose: use simulate")
    return _simulated(made, partial(made.result, options.get("seed", 0)), **options)


def simulate_any(
    plan: Plan, *, preview: Callable[[OperatingCharacteristics], None] | None = None, **options: Unpack[RunOptions]
) -> AnyCharacteristics:
    """Simulate a plan of any kind; ``preview`` where its result is :class:`OperatingCharacteristics`."""
    kind = result_kind(plan)
    if kind is PlatformCharacteristics:
        return simulate_platform(plan, **options)
    if kind is DoseCharacteristics:
        return simulate_doses(plan, **options)
    return simulate(plan, preview=preview, **options)


def result_kind(plan: Plan) -> type[AnyCharacteristics]:
    """The class of what a run of ``plan`` gives."""
    if isinstance(plan.design, PlatformTable):
        return PlatformCharacteristics
    return DoseCharacteristics if isinstance(plan.design, DoseTable) else OperatingCharacteristics


def _simulated(
    made: Ready,
    finish: Callable[[Totals], R],
    *,
    early: Callable[[Totals], None] | None = None,
    trials: int | None = None,
    seed: int = 0,
    workers: int = 1,
    precision: float | None = None,
    out: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] | None = None,
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
    totals = Totals(len(made.truths), made.looks, made.sum_rows, each=isinstance(made, PlatformPrepared | DosePrepared))
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(out, plan=plan, seed=seed)) if out is not None else None
        known = {b: folder.done[b][1] for b, size in blocks if b in folder.done and folder.done[b][0] == size} if folder else {}

        def run(todo: Iterator[Block]) -> Iterator[Done]:
            if cluster is not None:
                return on_cluster(plan.to_toml(), seed, todo, address=cluster)
            return in_this_process(made, seed, todo) if workers == 1 else in_processes(plan.to_toml(), seed, todo, workers=workers)

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
    totals: Totals,
    blocks: list[Block],
    known: dict[int, tuple[BlockCounts, ...]],
    run: Callable[[Iterator[Block]], Iterator[Done]],
    folder: Folder | None,
    precision: float | None,
    progress: Callable[[int, int], None] | None,
    early: Callable[[Totals], None] | None,
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
    preview: Callable[[OperatingCharacteristics], None], finish: Callable[[Totals], OperatingCharacteristics], totals: Totals
) -> None:
    preview(finish(totals))


def _expected_trials(totals: Totals, precision: float | None, total: int) -> int:
    """How many trials there will be, as far as can be told."""
    if precision is None or not totals.trials:
        return total
    needed = int(totals.trials * (totals.worst_error() / precision) ** 2)
    return min(total, max(needed, totals.trials))


def characteristics_of(made_plan: Single, seed: int, precision: float | None, totals: Totals) -> OperatingCharacteristics:
    """The result of the blocks in ``totals``, run with ``seed`` until ``precision`` if one was asked for."""
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
            sums=totals.sums[s, :3],
            at=truth.at,
            also={name: round(float(totals.sums[s, 3 + k, 0])) for k, name in enumerate(getattr(made_plan, "rates", ()))},
        )
        for s, truth in enumerate(truths)
    )
    made = tuple(replace(counts, summary=counts.summarised()) for counts in made)
    too_often, by_chance = excess(made_plan, totals, seed=seed)
    stop = "" if precision is None else f"; stopped at the first block where every rejection rate has a standard error of {precision:g}"
    missed = precision is not None and totals.worst_error() > precision
    assumed = [f"the truths of the plan {plan.trial.name!r}"]
    if made_plan.reference_is_drawn:
        assumed.append("the reference's estimate differs from trial to trial with its standard error, around the value in the plan")
    return OperatingCharacteristics(
        trail=Trail(method=f"{METHOD}; blocks of {BLOCK_TRIALS}{stop}", seed=seed, assumptions=tuple(assumed)),
        warnings=(
            *((f"the precision of {precision:g} was not reached: {totals.worst_error():.2g}",) if missed else ()),
            *too_often,
        ),
        plan_name=plan.trial.name,
        design_kind=plan.design.kind,
        alpha=plan.design.alpha,
        patients=made_plan.patients,
        looks=made[0].rejected_by_look.size,
        scenarios=made,
        grid=tuple(GridAxis(key=table.key, label=table.label, values=table.values) for table in plan.grid),
        by_chance=by_chance,
    )
