"""The verbs of trials: design, look, simulate, assurance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    from nextarm.borrowing import PriorFile
    from nextarm.designs import LookAnalysis
    from nextarm.designs.beside import Beside
    from nextarm.designs.cards import DesignCards
    from nextarm.designs.design import DesignResult
    from nextarm.designs.plan import Plan
    from nextarm.simulation import OperatingCharacteristics
    from nextarm.simulation.assurance import Assurance
    from nextarm.simulation.compare import Compared
    from nextarm.simulation.run import AnyCharacteristics
    from nextarm.simulation.totals import RunOptions

Progress = Callable[[int, int], None]


def design(plan: str | Path | Plan, **options: Any) -> DesignResult:
    """What the design of a plan can do, or what its ``[solve]`` asks for; ``options`` of :mod:`nextarm.simulation.true_error`."""
    from nextarm.simulation.true_error import evaluate

    return evaluate(_plan(plan), **options)


def designs(kind: str | None = None) -> DesignCards:
    """The cards of the designs there are, or of one ``kind``: what it answers, when to use it and when not, an example plan.

    >>> designs("simon-two-stage").cards[0].doi
    '10.1016/0197-2456(89)90015-9'
    """
    from nextarm.designs.cards import design_cards

    return design_cards(kind)


def beside(plan: str | Path | Plan) -> Beside:
    """What can be laid beside a plan: designs that fit its patients (for ``[[compare]]``), and the scenario without effect."""
    from nextarm.designs.beside import beside as run

    return run(_plan(plan))


def follow_null(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """``after``, a changed plan as data, with the scenarios that were exactly the null of ``before`` moved to its own null."""
    from nextarm.designs.following_null import follow_null as run

    return run(before, after)


def misnamed_nulls(plan: str | Path | Plan) -> tuple[str, ...]:
    """The scenarios of a plan that are called null although the design's null is not true there."""
    from nextarm.designs.following_null import misnamed_nulls as run

    return run(_plan(plan))


def look(plan: str | Path | Plan, **options: Any) -> LookAnalysis:
    """Analyse a group-sequential log-rank trial at its latest look; ``options`` as in :func:`nextarm.designs.look.look`."""
    from nextarm.designs.look import look as run

    return run(_plan(plan), **options)


def _plan(plan: str | Path | Plan) -> Plan:
    from nextarm.designs.plan import load_plan

    return load_plan(plan) if isinstance(plan, str | Path) else plan


def simulate(
    plan: str | Path | Plan | Sequence[str | Path | Plan],
    *,
    preview: Callable[[OperatingCharacteristics], None] | None = None,
    **options: Unpack[RunOptions],
) -> AnyCharacteristics | Compared:
    """Simulate virtual trials of a plan under its own truth and every scenario; counts with Monte-Carlo errors.

    Several plans, or a plan with ``[[compare]]``, are simulated with the same random numbers and stand side by side.

    ``trials`` (default 10,000) or ``precision``, the largest standard error of a rejection rate; ``out`` keeps finished
    blocks so that the same call goes on after an interruption; ``cluster`` is the address of a Dask scheduler. The result
    does not depend on ``workers`` or ``cluster``.
    """
    from nextarm.simulation.compare import designs_by_name, simulate_designs
    from nextarm.simulation.run import simulate_any

    plans = designs_by_name(_plans(plan))
    if len(plans) > 1:
        return simulate_designs(plans, **options)
    return simulate_any(next(iter(plans.values())), preview=preview, **options)


def simulation_report(
    found: AnyCharacteristics | Compared,
    plan: str | Path | Plan | Sequence[str | Path | Plan],
    *,
    out: str | Path,
) -> Path:
    """Write ``report.html`` of what :func:`simulate` ``found`` for ``plan`` to the folder ``out``: one file with all charts."""
    from nextarm.report.simulated import write_simulation_report
    from nextarm.simulation.compare import designs_by_name

    return write_simulation_report(found, plans=designs_by_name(_plans(plan)), out=out)


def _plans(plan: str | Path | Plan | Sequence[str | Path | Plan]) -> list[Plan]:
    from nextarm.designs import Plan as PlanRecord

    return [_plan(p) for p in ([plan] if isinstance(plan, str | Path | PlanRecord) else plan)]


def assurance(
    plan: str | Path | Plan,
    *,
    prior: str | Path | PriorFile,
    experimental_prior: str | Path | PriorFile | None = None,
    effect_sd: float = 0.0,
    target: float = 0.8,
    nodes: int = 24,
    sizes: Sequence[float] | None = None,
    years: Sequence[float] = (),
    progress: Progress | None = None,
) -> Assurance:
    """Power of the plan's design averaged over what ``prior`` leaves open of its control, with its whole distribution.

    ``prior`` is what :func:`prior` made, or its file; the plan's effect holds relative to each control, ``effect_sd`` uncertain on
    the log scale, or the experimental arm has a prior of its own. ``nodes`` of the prior are averaged, and half as many, whose difference
    is stated as the error; ``sizes`` are factors of the trial's size shown beside its own, ``years`` years of accrual at the plan's
    rate (``by_years``).
    """
    from nextarm.borrowing import read_prior
    from nextarm.simulation.assurance import SIZES
    from nextarm.simulation.assurance import assurance as run

    def opened(given: str | Path | PriorFile) -> PriorFile:
        return read_prior(given) if isinstance(given, str | Path) else given

    other = None if experimental_prior is None else opened(experimental_prior)
    return run(
        _plan(plan), opened(prior), experimental_prior=other, effect_sd=effect_sd, target=target, nodes=nodes,
        sizes=SIZES if sizes is None else sizes, years=years, progress=progress,
    )  # fmt: skip
