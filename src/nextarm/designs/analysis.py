"""A group-sequential log-rank trial at a look, with real data: what the bounds say and how the trial may end.

Bounds are found at the information really seen. The repeated interval (Jennison and Turnbull 1989, doi
10.1111/j.2517-6161.1989.tb01433.x) holds at every look whatever is decided; the stage-wise p value, interval and median
unbiased estimate hold once the trial has ended, and correct for the looks there were; so does the bias-adjusted estimate,
which is right on average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bias_adjusted import bias_adjusted
from nextarm.designs.boundaries import Boundaries, bounds_from_spending, efficacy_bounds
from nextarm.designs.expected_events import find_root
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRankTable
from nextarm.designs.log_rank_two_arm import moments_of
from nextarm.designs.look_decisions import bounds_seen
from nextarm.designs.spending import SPENDING, spent
from nextarm.designs.stagewise import conditional_power, effect_at, predictive_power, tail

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan
    from nextarm.survival import Patients

#: A bound on the Z scale that is never reached in practice.
_FAR = 12.0


@record
class FinalInference:
    """After the trial has ended: stage-wise p value, median unbiased hazard ratio and interval (1 - 2 alpha).

    ``bias_adjusted`` is the hazard ratio under which the log of the usual estimate has its observed value on average, and
    ``estimate`` that usual one.
    """

    look: int
    p_value: float
    hazard_ratio: float
    interval: Interval
    estimate: float
    bias_adjusted: float


@record
class LookAnalysis(Result):
    """A trial at its latest look; arrays of shape (looks so far,).

    ``efficacy`` and ``futility`` bounds at the information seen (NaN: none); ``hazard_ratio`` estimated at each look;
    ``repeated_low``, ``repeated_high`` its repeated interval (1 - 2 alpha) and ``repeated_p`` the smallest alpha at which
    the look would have rejected (.5 at most). ``decision``: reject, stop for futility, go on, not rejected. Of looks to
    come ``future_events`` and ``future_efficacy``; ``conditional_power`` of rejecting there under the plan's hazard ratio
    (``plan``), the estimate and the null; ``predictive_power`` averages it over what is known of the effect. ``final`` is
    None while the trial goes on.
    """

    decision: str
    planned_events: int
    margin: float
    events: FloatArray
    fractions: FloatArray
    z: FloatArray
    efficacy: FloatArray
    futility: FloatArray
    hazard_ratio: FloatArray
    repeated_low: FloatArray
    repeated_high: FloatArray
    repeated_p: FloatArray
    future_events: FloatArray
    future_efficacy: FloatArray
    assumed_hazard_ratio: float
    conditional_power: dict[str, float]
    predictive_power: float | None
    final: FinalInference | None

    def table(self) -> pl.DataFrame:
        """One row a look."""
        import polars as pl

        columns = ("events", "fractions", "z", "efficacy", "futility", "hazard_ratio", "repeated_low", "repeated_high", "repeated_p")
        return pl.DataFrame({"look": range(1, len(self.z) + 1)} | {c: getattr(self, c) for c in columns}).fill_nan(None)

    def lines(self) -> list[str]:
        """What a look says beyond its table: the decision, what may come, and after the end the final inference."""
        lines = [f"decision: {self.decision} ({self.planned_events} events planned)"]
        powers = [f"{value:.3f} under the {name}" for name, value in self.conditional_power.items()]
        if powers:
            lines.append(f"conditional power: {', '.join(powers)} (the plan's hazard ratio is {self.assumed_hazard_ratio:.3f})")
        if self.predictive_power is not None:
            lines.append(f"predictive power: {self.predictive_power:.3f} (flat prior)")
        for events, bound in zip(self.future_events, self.future_efficacy, strict=True):
            lines.append(f"to come: a look at {events:.4g} events, efficacy bound {bound:.4f}")
        if self.final is not None:
            f, level = self.final, f"{100.0 * self.final.interval.level:g} %"
            lines.append(
                f"final: stage-wise p {f.p_value:.4g}, {level} interval of the hazard ratio {f.interval.low:.3f} to {f.interval.high:.3f}"
            )
            lines.append(f"final: hazard ratio {f.estimate:.3f}, median unbiased {f.hazard_ratio:.3f}, bias-adjusted {f.bias_adjusted:.3f}")
        return lines


def analyse_look(
    plan: Plan,
    looks: Sequence[Patients] = (),
    *,
    events: Sequence[float] = (),
    z: Sequence[float] = (),
    hazard_ratio: float | None = None,
    ended: bool = False,
) -> LookAnalysis:
    """Analyse a trial of ``plan`` (a group-sequential log-rank design) at its latest look.

    ``looks``: the patients as they were at each look so far, or else ``events`` and log-rank ``z`` (positive: the
    experimental arm does better) of each. ``hazard_ratio`` is what conditional power assumes (default: the plan's, as
    averaged over its events). ``ended``: the trial ends here for another reason than its bounds; remaining alpha is spent.
    Raises :class:`CallError` for looks that do not rise or do not fit, :class:`RefusedError` for other designs.
    """
    table = plan.design
    if not isinstance(table, GroupSequentialLogRankTable):
        raise RefusedError(f"design.kind = {table.kind!r}", rule="looks are analysed for group-sequential log-rank designs")
    if looks:
        events, z = _from_patients(plan, table, looks)
    planned = table.planned_events(plan)
    d, zs = _checked(events, z, table)
    most = math.ceil(plan.accrual_model().total - 1e-9)
    if d[-1] > most:
        rule = f"the plan enters {most} patients, who cannot have more events"
        raise CallError(f"events = {d[-1]:g}", rule=rule, cure="Correct the events, or the plan's accrual if more patients have entered")
    k, f = len(d), d / planned
    last = ended or k == table.number_of_looks or f[-1] >= 1.0
    bounds = table.bounds(plan)
    future = np.zeros(0) if last else np.array([t for t in bounds.fractions[k:] if t > f[-1] + 1e-12])
    upper, lower = _bounds(table, bounds, f, last), _futility(table, bounds, k, last)
    share = plan.shares()[plan.experimental]
    root = np.sqrt(share * (1.0 - share) * d)
    crossed = np.flatnonzero(zs >= upper)
    decision = _decision(zs, upper, lower, last)
    if hazard_ratio is None:
        hazard_ratio = moments_of(table.setting(plan), table.margin).average_hazard_ratio
    elif not 0.0 < hazard_ratio < math.inf:
        raise CallError(f"hazard_ratio = {hazard_ratio:g}", rule="must be above 0")
    ahead = _bounds(table, bounds, np.append(f, future), True)[k:] if len(future) else np.zeros(0)
    powers, predictive = {}, None
    if len(future):
        down = np.append(_futility(table, bounds, len(bounds.fractions), True)[len(bounds.fractions) - len(future) : -1], -np.inf)
        i = root**2
        to_come: dict[str, Any] = {
            "information": float(i[-1]),
            "future": future * planned * share * (1.0 - share),
            "upper": ahead,
            "lower": down,
        }
        effects = {"plan": -math.log(hazard_ratio / table.margin), "estimate": float(zs[-1] / root[-1]), "null": 0.0}
        powers = {name: conditional_power(float(zs[-1]), theta=effect, **to_come) for name, effect in effects.items()}
        predictive = predictive_power(float(zs[-1]), **to_come)
    warnings = []
    if len(crossed) and crossed[0] < k - 1:
        warnings.append(f"look {crossed[0] + 1} crossed its bound already: the final inference is that of look {crossed[0] + 1}")
    if d[-1] > planned:
        warnings.append(f"{d[-1]:g} events were seen, {planned} were planned: all alpha is spent here")
    stop = int(crossed[0]) if len(crossed) else k - 1
    over = bool(len(crossed)) or last or decision == "stop for futility"
    return LookAnalysis(
        trail=Trail(
            method=f"group-sequential analysis at the information seen, {table.spending}, one-sided alpha {table.alpha:g}; "
            "stage-wise ordering after the end",
            reference="10.2307/2530924",
            assumptions=(f"information is events times {share * (1.0 - share):.4g}, from the allocation",),
        ),
        warnings=tuple(warnings),
        decision=decision,
        planned_events=planned,
        margin=table.margin,
        events=d,
        fractions=f,
        z=zs,
        efficacy=np.where(np.isfinite(upper), upper, np.nan),
        futility=np.where(np.isfinite(lower), lower, np.nan),
        hazard_ratio=table.margin * np.exp(-zs / root),
        repeated_low=table.margin * np.exp(-(zs + np.minimum(upper, _FAR)) / root),
        repeated_high=table.margin * np.exp(-(zs - np.minimum(upper, _FAR)) / root),
        repeated_p=np.array([_repeated_p(table, bounds, f[: j + 1], float(zs[j]), last and j == k - 1) for j in range(k)]),
        future_events=future * planned,
        future_efficacy=ahead,
        assumed_hazard_ratio=hazard_ratio,
        conditional_power=powers,
        predictive_power=predictive,
        final=_final(table, plan, (d, zs, upper, lower), stop, last) if over else None,
    )


def _final(table: GroupSequentialLogRankTable, plan: Plan, seen: tuple[FloatArray, ...], k: int, last: bool) -> FinalInference:
    """Inference at look ``k`` (from 0), where the trial ended; ``seen`` are events, z and both bounds of the looks so far."""
    d, z, upper, lower = seen
    share = plan.shares()[plan.experimental]
    scale, bounds, planned = share * (1.0 - share), table.bounds(plan), table.planned_events(plan)
    i = d[: k + 1] * scale
    low = lower[:k] if table.binding else np.full(k, -np.inf)
    high = np.minimum(upper[:k], _FAR)

    def ratio(probability: float) -> float:
        return table.margin * math.exp(-effect_at(i, upper=high, lower=low, z=float(z[k]), probability=probability))

    # The mean is over all the looks that could have been: those not reached come at their planned information.
    future = np.zeros(0) if last else bounds.fractions[len(d) :] * planned
    looks = np.append(d, future[future > d[-1]])
    ahead = np.minimum(_bounds(table, bounds, looks / planned, True)[:-1], _FAR)
    behind = table.lower(bounds)[: len(looks) - 1] if table.binding else np.full(len(looks) - 1, -np.inf)
    theta = float(z[k] / np.sqrt(i[k]))
    adjusted = bias_adjusted(looks * scale, upper=ahead, lower=behind, estimate=theta)
    return FinalInference(
        look=k + 1,
        p_value=tail(i, upper=high, lower=low, z=float(z[k])),
        hazard_ratio=ratio(0.5),
        interval=Interval(low=ratio(1.0 - table.alpha), high=ratio(table.alpha), level=1.0 - 2.0 * table.alpha),
        estimate=table.margin * math.exp(-theta),
        bias_adjusted=table.margin * math.exp(-adjusted),
    )


def _bounds(table: GroupSequentialLogRankTable, planned: Boundaries, f: FloatArray, last: bool) -> FloatArray:
    """Efficacy bounds at the fractions ``f``; the last of them is the trial's last look if ``last``."""
    spends = table.spending in [name for name, _, _ in SPENDING] and not table.binding
    if spends:
        cumulative = np.asarray(spent(table.spending, f, total=table.alpha, parameter=table.spending_parameter))
        return bounds_from_spending(f, np.append(cumulative[:-1], table.alpha if last else cumulative[-1]))
    if not last:
        return np.asarray(planned.efficacy[: len(f)], np.float64)
    return bounds_seen(
        tuple(float(x) for x in f),
        alpha=table.alpha,
        family=table.spending,
        parameter=table.spending_parameter,
        efficacy=tuple(planned.efficacy),
        futility=tuple(table.lower(planned)),
        binding=table.binding,
    )


def _futility(table: GroupSequentialLogRankTable, planned: Boundaries, k: int, last: bool) -> FloatArray:
    """The planned futility bounds of the first ``k`` looks; none at the last look."""
    low = table.lower(planned)[:k].copy()
    if last:
        low[-1] = -np.inf
    return np.asarray(low, np.float64)


def _decision(z: FloatArray, upper: FloatArray, lower: FloatArray, last: bool) -> str:
    if np.any(z >= upper):
        return "reject"
    if last:
        return "not rejected"
    return "stop for futility" if z[-1] < lower[-1] else "go on"


def _repeated_p(table: GroupSequentialLogRankTable, planned: Boundaries, f: FloatArray, z: float, last: bool) -> float:
    """The alpha at which the bound of this look is ``z``."""
    spends = table.spending in [name for name, _, _ in SPENDING]

    def gap(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        if spends:
            cumulative = np.asarray(spent(table.spending, f, total=alpha, parameter=table.spending_parameter))
            bound = bounds_from_spending(f, np.append(cumulative[:-1], alpha if last else cumulative[-1]))[-1]
        else:
            bound = efficacy_bounds(planned.fractions, alpha=alpha, family=table.spending, parameter=table.spending_parameter)[len(f) - 1]
        return float(bound) - z

    low, high = math.log(1e-12), math.log(0.5)
    if gap(high) >= 0.0:
        return 0.5
    return math.exp(find_root(gap, low, high)) if gap(low) > 0.0 else 1e-12


def _checked(events: Sequence[float], z: Sequence[float], table: GroupSequentialLogRankTable) -> tuple[FloatArray, FloatArray]:
    d, zs = np.asarray(events, np.float64), np.asarray(z, np.float64)
    if d.ndim != 1 or not len(d) or d.shape != zs.shape:
        raise CallError(f"{d.size} events and {zs.size} z", rule="there must be one of each for every look so far, at least one")
    if len(d) > table.number_of_looks:
        raise CallError(f"{len(d)} looks", rule=f"the plan has {table.number_of_looks}")
    if not (np.all(np.isfinite(d)) and np.all(np.isfinite(zs)) and d[0] > 0.0 and np.all(np.diff(d) > 0.0)):
        raise CallError(f"events = {d.tolist()}, z = {zs.tolist()}", rule="events must rise from above 0, z be finite")
    return d, zs


def _from_patients(plan: Plan, table: GroupSequentialLogRankTable, looks: Sequence[Patients]) -> tuple[list[float], list[float]]:
    from nextarm.survival import log_rank

    if table.margin != 1.0:
        raise RefusedError(
            f"margin = {table.margin:g} with patients",
            rule="their log-rank test is of no effect",
            cure="Give events and z against the margin",
        )
    found = [log_rank(patients, arms=(plan.control, plan.experimental)) for patients in looks]
    return [float(np.sum(r.observed)) for r in found], [-float(r.z or 0.0) for r in found]
