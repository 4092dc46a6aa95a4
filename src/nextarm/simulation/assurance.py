"""Assurance: a design's power averaged over what is not known of its truths, with its whole distribution.

The plan's own truth is one guess. Here the control's S(milestone), or its response probability, comes from a prior; the experimental
arm keeps the plan's effect relative to it (the ratio of cumulative hazards at the milestone, or the odds ratio), itself uncertain with
``effect_sd`` on the log scale, or has a prior of its own. Each pair of values is a plan whose curves are moved to it: a mixture cure
moves its cure fraction, other models their rate. The average is a sum over quantile midpoints of the control's prior; each of
them meets other quantiles of the effect, so that a power that climbs steeply with the effect is met at many points. The difference
from half as many is stated as its error. O'Hagan, Stevens & Campbell 2005, doi 10.1002/pst.175.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from nextarm.core.errors import CallError, NextarmError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.count_design import CountTable
from nextarm.designs.plan import Plan
from nextarm.designs.variants import VARIANTS
from nextarm.simulation.endings import Endings, Spread, endings, middle
from nextarm.simulation.moved_truth import moved_survival

if TYPE_CHECKING:
    import polars as pl

    from nextarm.borrowing import PriorFile

#: Factors of the trial's size shown beside the plan's own.
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@record
class AssuranceOfSize:
    """What a trial of another size buys: its patients, the years to enter them at the plan's rate, and its assurance.

    ``expected_n`` and ``expected_duration``: patients and years averaged over the prior, an early end counted, were its patients to come
    as fast as the size asks.
    """

    factor: float
    n: float
    years_to_accrue: float
    assurance: float
    expected_n: float
    expected_duration: float


@record
class AssuranceOfYears:
    """What other years of accrual at the plan's own rate buy, with its follow-up: patients, assurance, power at the plan's own truth.

    ``assurance`` and ``power_at_plan`` are None where the design cannot be planned with these years.
    """

    years: float
    n: float
    assurance: float | None
    power_at_plan: float | None


@record
class Assurance(Result):
    """Power averaged over a prior.

    ``assurance`` the mean of ``powers`` (nodes,) under ``weights``; ``error`` of the quadrature; ``power_at_plan`` at the plan's own
    truth; ``interval`` the middle 95 % of powers; ``probability_of_power`` that the power is at least ``target``;
    ``expected_events`` averaged alike (at the last analysis). ``expected_n`` and ``expected_duration`` (years) count an early end of
    designs with looks; ``n_interval`` and ``duration_interval`` are the middle 95 % over the prior and over the looks, ``early_end`` the
    probability of an end before the last look. ``control`` and ``experimental`` (nodes,) are the values at each node.
    """

    plan_name: str
    design_kind: str
    assurance: float
    error: float
    power_at_plan: float
    interval: Interval
    target: float
    probability_of_power: float
    expected_n: float
    expected_events: float
    expected_duration: float
    n_interval: Interval
    duration_interval: Interval
    early_end: float
    prior_mean: float
    effect_sd: float
    control: FloatArray
    experimental: FloatArray
    weights: FloatArray
    powers: FloatArray
    sizes: tuple[AssuranceOfSize, ...]
    by_years: tuple[AssuranceOfYears, ...] = ()

    shown: ClassVar[tuple[str, ...]] = (
        "plan_name", "design_kind", "assurance", "error", "power_at_plan", "interval_low", "interval_high", "target",
        "probability_of_power", "expected_n", "n_interval_low", "n_interval_high", "expected_events", "expected_duration",
        "duration_interval_low", "duration_interval_high", "early_end", "prior_mean", "effect_sd",
    )  # fmt: skip

    def sizes_table(self) -> pl.DataFrame:
        """One row for each size of the trial."""
        import polars as pl

        names = ("factor", "n", "years_to_accrue", "assurance", "expected_n", "expected_duration")
        return pl.DataFrame([{n: getattr(s, n) for n in names} for s in self.sizes])


def assurance(
    plan: Plan,
    prior: PriorFile,
    *,
    experimental_prior: PriorFile | None = None,
    effect_sd: float = 0.0,
    target: float = 0.8,
    nodes: int = 24,
    sizes: Sequence[float] = SIZES,
    years: Sequence[float] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Assurance:
    """Average the plan's power over ``prior`` (of the control; of the only arm in a one-arm plan).

    The prior must be of the plan's end point, time and origin of time (:class:`RefusedError` otherwise). A one-arm plan takes no
    effect. ``sizes`` are factors of the trial's size, ``years`` years of accrual at the plan's rate; other than the plan's own they are
    averaged over half as many nodes. ``progress(done, total)`` is called as plans are evaluated.
    """
    if not 0.0 <= effect_sd < 5.0:
        raise CallError(f"effect_sd = {effect_sd:g}", rule="must be at least 0 and below 5 on the log scale")
    if not 4 <= nodes <= 400:
        raise CallError(f"nodes = {nodes}", rule="must lie between 4 and 400")
    if not sizes or any(not 0.05 <= s <= 20.0 for s in sizes):
        raise CallError(f"sizes = {list(sizes)}", rule="must be factors between 0.05 and 20")
    if any(not 0.0 < y <= 200.0 for y in years):
        raise CallError(f"years = {list(years)}", rule="must be years of accrual above 0, at most 200")
    _require(plan, prior)
    one_arm = len(plan.arms) == 1
    if one_arm and (effect_sd > 0.0 or experimental_prior is not None):
        raise RefusedError("an effect in a one-arm plan", rule="there is no control beside the arm", cure="Give the prior of the arm alone")
    if experimental_prior is not None:
        if len(plan.arms) > 2:
            raise RefusedError(f"a prior of one of {len(plan.arms) - 1} experimental arms", rule="goes with one arm and its control")
        _require(plan, experimental_prior)
    # The variants of a plan say nothing of its own truth, and would be checked again at every node.
    own = plan.without("solve", *VARIANTS) if plan.solve is not None else plan.without(*VARIANTS)
    grid = list(_grid(own, prior, experimental_prior, effect_sd, nodes))
    coarse = list(_grid(own, prior, experimental_prior, effect_sd, nodes // 2))
    others = sum(factor != 1.0 for factor in sizes) + sum(y != own.accrual.duration for y in years)
    total, done = len(grid) + (1 + others) * len(coarse), 0

    def results_of(plan: Plan, cells: list[tuple[float, float, float]]) -> Iterator[tuple[Plan, Any]]:
        nonlocal done
        for control, experimental, _ in cells:
            there = _moved(plan, control, experimental)
            yield there, there.evaluate()
            done += 1
            if progress:
                progress(done, total)

    def evaluated(plan: Plan, cells: list[tuple[float, float, float]]) -> tuple[list[Any], list[Endings]]:
        found = [(result, endings(there, result)) for there, result in results_of(plan, cells)]
        return [result for result, _ in found], [end for _, end in found]

    (results, ends), (rough, rough_ends) = evaluated(own, grid), evaluated(own, coarse)
    weights = np.array([w for _, _, w in grid])
    powers = np.array([r.power for r in results])
    mean = float(weights @ powers)
    few = np.array([w for _, _, w in coarse])
    rows = []
    for factor in sizes:
        there, their_ends = (rough, rough_ends) if factor == 1.0 else evaluated(_sized(own, factor), coarse)
        first = there[0]
        value = mean if factor == 1.0 else float(few @ np.array([r.power for r in there]))
        cost = Spread.of(their_ends, few)
        rows.append(
            AssuranceOfSize(
                factor=factor, n=first.n, years_to_accrue=own.accrual_model().years_for(first.n), assurance=value,
                expected_n=cost.mean(cost.patients), expected_duration=cost.mean(cost.years),
            )
        )  # fmt: skip
    at_plan, spread = own.evaluate(), Spread.of(ends, weights)

    def lasting(years: float) -> AssuranceOfYears:
        if years == own.accrual.duration:
            return AssuranceOfYears(years=years, n=at_plan.n, assurance=mean, power_at_plan=at_plan.power)
        try:
            plan = own.changed({"accrual": {"duration": years}})
            at_truth, value = plan.evaluate(), float(few @ np.array([r.power for _, r in results_of(plan, coarse)]))
        except NextarmError:
            return AssuranceOfYears(years=years, n=0.0, assurance=None, power_at_plan=None)
        return AssuranceOfYears(years=years, n=at_truth.n, assurance=value, power_at_plan=at_truth.power)

    by_years = tuple(map(lasting, years))
    return Assurance(
        trail=Trail(
            method="power averaged over a prior by quadrature",
            reference="10.1002/pst.175",
            rows=prior.trail.rows,
            sources=prior.trail.sources,
            assumptions=_assumed(plan, effect_sd, experimental_prior),
        ),
        warnings=_warnings(powers, weights, at_plan.power),
        plan_name=plan.trial.name,
        design_kind=plan.design.kind,
        assurance=mean,
        error=abs(mean - float(few @ np.array([r.power for r in rough]))),
        power_at_plan=at_plan.power,
        interval=middle(powers, weights, kind="of power"),
        target=target,
        probability_of_power=float(weights[powers >= target].sum()),
        expected_n=spread.mean(spread.patients),
        expected_events=float(weights @ np.array([r.events for r in results])),
        expected_duration=spread.mean(spread.years),
        n_interval=middle(spread.patients, spread.weights, kind="of patients"),
        duration_interval=middle(spread.years, spread.weights, kind="of years"),
        early_end=float(weights @ np.array([e.early for e in ends])),
        prior_mean=prior.mixture.mean() if hasattr(prior.mixture, "mean") else 0.0,
        effect_sd=effect_sd,
        control=np.array([c for c, _, _ in grid]),
        experimental=np.array([e for _, e, _ in grid]),
        weights=weights,
        powers=powers,
        sizes=tuple(rows),
        by_years=by_years,
    )


def _require(plan: Plan, prior: PriorFile) -> None:
    counts = isinstance(plan.design, CountTable)
    prior.require(
        parameter="event-probability" if counts else "survival",
        endpoint=plan.trial.endpoint,
        time=None if counts else plan.trial.milestone,
        time_origin=None if counts else plan.trial.time_origin,
    )


def _grid(plan: Plan, prior: PriorFile, other: PriorFile | None, effect_sd: float, nodes: int) -> Iterator[tuple[float, float, float]]:
    """Control and experimental values with their weights; a one-arm plan has its only arm twice."""
    from scipy.special import ndtri

    values = _quantiles(prior, (np.arange(nodes) + 0.5) / nodes)
    if len(plan.arms) == 1:
        yield from ((v, v, 1.0 / nodes) for v in values)
        return
    effect = _effect(plan)
    if other is None and effect_sd == 0.0:
        yield from ((v, _shifted(plan, v, effect, 0.0), 1.0 / nodes) for v in values)
        return
    few = max(6, nodes // 3)
    for v, shift in zip(values, _shifts(nodes), strict=True):
        at = (np.arange(few) + shift) / few
        found = _quantiles(other, at) if other is not None else [_shifted(plan, v, effect, effect_sd * float(z)) for z in ndtri(at)]
        yield from ((v, e, 1.0 / (nodes * few)) for e in found)


def _shifts(nodes: int) -> FloatArray:
    """(nodes,) the midpoints of as many equal parts of (0, 1), each once, in the order of the multiples of the golden ratio.

    One for each value of the control: all points of the effect together are then the midpoints of all the parts, so that a power that
    climbs from 0 to 1 within a narrow range of the effect is averaged as well as a flat one.
    """
    order = np.argsort(np.argsort(np.arange(nodes) * 0.6180339887498949 % 1.0))
    return np.asarray((order + 0.5) / nodes, np.float64)


def _quantiles(prior: PriorFile, at: FloatArray) -> list[float]:
    mixture: Any = prior.mixture
    return [float(mixture.quantile(float(p))) for p in at]


def _effect(plan: Plan, arm: str = "") -> float:
    """Log odds ratio of the responses, or log ratio of the cumulative hazards at the milestone, of ``arm`` (default: the experimental)."""
    arm = arm or plan.experimental
    if isinstance(plan.design, CountTable):
        p0, p1 = (getattr(plan.arms[a], plan.design.outcomes[0]) for a in (plan.control, arm))
        return math.log(p1 / (1.0 - p1)) - math.log(p0 / (1.0 - p0))
    at = plan.survival_at(plan.trial.milestone)
    s0, s1 = at[plan.control], at[arm]
    if not (0.0 < s0 < 1.0 and 0.0 < s1 < 1.0):
        raise RefusedError(f"S of {s0:g} and {s1:g} at the milestone", rule="must lie between 0 and 1 to carry the effect over")
    return math.log(math.log(s1) / math.log(s0))


def _shifted(plan: Plan, control: float, effect: float, step: float) -> float:
    if isinstance(plan.design, CountTable):
        odds = control / (1.0 - control) * math.exp(effect + step)
        return float(odds / (1.0 + odds))
    return float(control ** math.exp(effect + step))


def _moved(plan: Plan, control: float, experimental: float) -> Plan:
    """The plan with its truths at these values; further arms keep their own effects, moved as the experimental arm's is."""
    values = {plan.control: control, plan.experimental: experimental}
    others = [name for name in plan.arms if name not in values]
    if others:
        step = math.log(math.log(experimental) / math.log(control)) - _effect(plan)
        values |= {name: _shifted(plan, control, _effect(plan, name), step) for name in others}
    changes: dict[str, Any] = {}
    if isinstance(plan.design, CountTable):
        key = plan.design.outcomes[0]
        changes = {name: {key: min(max(v, 1e-9), 1.0 - 1e-9)} for name, v in values.items()}
        return plan.changed({"arms": changes})
    for name, value in values.items():
        spec = moved_survival(plan, name, min(max(value, 1e-6), 1.0 - 1e-6))
        changes[name] = {"survival": spec}
    try:
        return plan.changed({"arms": changes})
    except NextarmError as error:
        raise RefusedError(f"S of {control:.3g} and {experimental:.3g}", rule=f"makes no plan: {error}") from None


def _sized(plan: Plan, factor: float) -> Plan:
    """The plan with all its rates of accrual multiplied: as many patients in the same time."""
    if factor == 1.0:
        return plan
    own = plan.to_data()["accrual"]
    if "groups" in own:
        return plan.changed({"accrual": {"groups": [g | {"rate": g["rate"] * factor} for g in own["groups"]]}})
    if "rates" in own:
        return plan.changed({"accrual": {"rates": [r * factor for r in own["rates"]]}})
    return plan.changed({"accrual": {"rate": own["rate"] * factor}})


def _assumed(plan: Plan, effect_sd: float, other: PriorFile | None) -> tuple[str, ...]:
    if len(plan.arms) == 1:
        return ("the arm's curve is moved to each value of its prior, its shape kept",)
    if other is not None:
        return ("the two arms' values are independent, each from its own prior",)
    words = "known" if effect_sd == 0.0 else f"uncertain with a standard deviation of {effect_sd:g} on the log scale"
    return (f"the plan's effect holds whatever the control is, and is {words}",)


def _warnings(powers: FloatArray, weights: FloatArray, at_plan: float) -> tuple[str, ...]:
    mean = float(weights @ powers)
    if at_plan - mean > 0.05:
        return (f"the power at the plan's own truth, {at_plan:.2f}, hides {at_plan - mean:.2f}: averaged over the prior it is {mean:.2f}",)
    return ()
