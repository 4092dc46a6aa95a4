"""Two arms, one log-rank test, at the end of follow-up or at a number of events.

Four approximations, named in the result:

- ``schoenfeld``: mean of Z = |log HR| sqrt(r0 r1 d), variance 1 (doi 10.1093/biomet/68.1.316); hazard ratio constant;
- ``lachin-foulkes``: log hazard ratio with one variance under the null and one under the alternative, each from the
  expected events of both arms (doi 10.2307/2531201); hazard ratio constant;
- ``average-hazard-ratio``: Schoenfeld's with the hazard ratio averaged over pieces of time in which it is constant;
- ``asymptotic``: mean and variance of the score under the actual S0(t) and S1(t), whatever their shapes.

``auto`` takes Schoenfeld where the hazard ratio is constant and the asymptotic moments otherwise (a cure-fraction
effect is not a constant hazard ratio). A ``margin`` above 1 tests non-inferiority on the hazard ratio.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, whole_up
from nextarm.designs.accrual import Accrual
from nextarm.designs.average_hazard_ratio import average_hazard_ratio_power
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule, decide_once
from nextarm.designs.expected_events import expected_events_by_arm
from nextarm.designs.log_rank_moments import LogRankMoments, log_rank_moments
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.reach import probability_of_reaching
from nextarm.designs.setting import Setting, common_fields, setting_of, solved, timed
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better
from nextarm.designs.truths import break_points

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Expected events below which the normal approximation of the score is not believed.
FEWEST_EVENTS = 5
Method = Literal["auto", "schoenfeld", "lachin-foulkes", "asymptotic", "average-hazard-ratio"]


@record
class LogRankDesign(DesignResult):
    """Characteristics of a fixed two-arm log-rank design.

    ``events_needed`` for the target power by Schoenfeld's formula at the average hazard ratio; ``power_asymptotic`` from
    the moments under the actual truths, whatever the ``method`` used; ``critical_hazard_ratio`` the largest estimated
    hazard ratio that rejects; ``target_events`` of an event-driven plan and ``reach_probability`` that a trial sees them
    by its ``latest`` time.
    """

    method: str
    margin: float
    proportional: bool
    average_hazard_ratio: float
    power_asymptotic: float
    events_needed: float | None
    critical_hazard_ratio: float
    target_events: int | None
    reach_probability: float | None


class LogRankTable(DesignTable):
    """``[design]`` of a fixed two-arm log-rank trial."""

    kind: Literal["log-rank"] = "log-rank"
    method: Annotated[Method, Field(description="The approximation of power")] = "auto"
    margin: Annotated[float, Field(ge=1.0, le=20.0, description="Non-inferiority margin, a hazard ratio; 1 tests superiority")] = 1.0
    events: Annotated[int | None, Field(gt=0, description="Analysis at this many events", json_schema_extra=unit("events"))] = None
    latest: Annotated[float | None, Field(gt=0.0, description="Analysis at this time at the latest", json_schema_extra=unit("years"))] = (
        None
    )

    def error_allowed(self, plan: Plan) -> float | None:
        """Where no hazard is at any time below the margin's."""
        return self.alpha if no_better(plan, ratio=self.margin) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Events must be reachable and not be solved for at once; Lachin-Foulkes and Schoenfeld need a constant ratio."""
        found = unreachable(plan, self.events, self.latest)
        setting = setting_of(plan, latest=self.latest)
        if self.method in ("schoenfeld", "lachin-foulkes") and not moments_of(setting, self.margin).proportional:
            found.append(
                Problem(
                    f"method = {self.method!r}",
                    "",
                    "needs a hazard ratio that is constant over time",
                    "Take method = 'asymptotic' (or 'auto')",
                )
            )
        if self.method == "average-hazard-ratio" and average_hazard_ratio_power(setting, alpha=self.alpha) is None:
            rule = "needs a hazard ratio that is constant between the cuts of the truths"
            found.append(Problem(f"method = {self.method!r}", "", rule, "Take method = 'asymptotic' (or 'auto')"))
        sized = plan.solve is not None and plan.solve.for_ in ("n", "duration", "events")
        if plan.solve is not None and sized and moments_of(setting, self.margin).drift <= 0.0:
            rule = f"the experimental arm must do better than the null (hazard ratio {self.margin:g}) to solve for {plan.solve.for_}"
            found.append(Problem("kind = 'log-rank'", "", rule))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """One look: at ``events`` or ``latest``, whichever comes first."""
        latest = self.latest or plan.accrual_model().study_duration
        return Schedule(
            looks=(Look(events=self.events, latest=latest),), statistic="log-rank", null=self.margin, milestone=plan.trial.milestone
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def evaluate(self, plan: Plan) -> LogRankDesign:
        """Power at the plan, or what ``[solve]`` asks for."""
        setting = setting_of(plan, events=self.events, latest=self.latest)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = self.timed(solved(setting, what=solve_for, target=plan.solve.power, power=self.power))
        moments = moments_of(setting, self.margin)
        power = self._power(setting, moments)
        target = plan.solve.power if plan.solve is not None and solve_for != "power" else power
        share = setting.shares[setting.experimental]
        needed = schoenfeld_events(moments.average_hazard_ratio, alpha=self.alpha, power=target, share=share, margin=self.margin)
        reach = None
        if self.events is not None:
            latest = self.latest or setting.accrual.study_duration
            reach = probability_of_reaching(setting, events=self.events, time=latest)
        return LogRankDesign(
            **common_fields(plan, setting, solved_for=solve_for, power=power),
            trail=Trail(
                method=f"two-arm log-rank, {self.method_for(moments)} approximation, events by numerical integration",
                reference="10.1093/biomet/68.1.316",
                assumptions=("the survival truths, accrual and dropout of the plan",),
            ),
            warnings=(*warnings_for(moments, reach, events=self.events, most=setting.maximum_events()), *cautions_for(setting)),
            method=self.method_for(moments),
            margin=self.margin,
            proportional=moments.proportional,
            average_hazard_ratio=moments.average_hazard_ratio,
            power_asymptotic=asymptotic_power(moments, self.alpha),
            events_needed=needed,
            critical_hazard_ratio=self.margin * math.exp(-z_of(self.alpha) / math.sqrt(share * (1.0 - share) * moments.events)),
            target_events=self.events,
            reach_probability=reach,
        )

    def timed(self, setting: Setting) -> Setting:
        """The setting with the analysis where this design has it; unchanged unless it is driven by events."""
        return setting if self.events is None else timed(setting, events=self.events, latest=self.latest)

    def method_for(self, moments: LogRankMoments) -> str:
        """The approximation that ``auto`` stands for."""
        if self.method != "auto":
            return self.method
        return "schoenfeld" if moments.proportional else "asymptotic"

    def power(self, setting: Setting) -> float:
        """Power in ``setting`` by the method of this design."""
        setting = self.timed(setting)
        return self._power(setting, moments_of(setting, self.margin))

    def _power(self, setting: Setting, moments: LogRankMoments) -> float:
        if moments.events <= 0.0:
            return self.alpha
        method = self.method_for(moments)
        if method == "asymptotic":
            return asymptotic_power(moments, self.alpha)
        if method == "average-hazard-ratio":
            found = average_hazard_ratio_power(setting, alpha=self.alpha, margin=self.margin)
            return asymptotic_power(moments, self.alpha) if found is None else found
        share = setting.shares[setting.experimental]
        if method == "schoenfeld":
            mean = -math.log(moments.average_hazard_ratio / self.margin) * math.sqrt(share * (1.0 - share) * moments.events)
            return _phi(mean - z_of(self.alpha))
        return _lachin_foulkes_power(setting, moments, margin=self.margin, alpha=self.alpha)


def moments_of(setting: Setting, null: float, time: float | None = None) -> LogRankMoments:
    """Moments of the log-rank statistic in ``setting``, at its last analysis unless ``time`` says otherwise."""
    return log_rank_moments(
        setting.truths[setting.control],
        setting.truths[setting.experimental],
        share=setting.shares[setting.experimental],
        accrual=setting.accrual,
        time=setting.analysis_time if time is None else time,
        null=null,
    )


def asymptotic_power(moments: LogRankMoments, alpha: float) -> float:
    """P(Z >= z_alpha) for Z normal with the moments' mean and standard deviation."""
    return _phi((moments.mean_z - z_of(alpha)) / moments.sd_z)


def schoenfeld_events(hazard_ratio: float, *, alpha: float, power: float, share: float = 0.5, margin: float = 1.0) -> float | None:
    """Events for ``power`` by Schoenfeld's formula: (z_alpha + z_beta)^2 / (r0 r1 log(HR / margin)^2).

    None where the hazard ratio is not on the side of the alternative, or the power not above alpha.

    >>> round(schoenfeld_events(0.6, alpha=0.025, power=0.8), 4)
    120.3157
    """
    effect = math.log(hazard_ratio / margin)
    if effect >= 0.0 or not alpha < power < 1.0:
        return None
    return (z_of(alpha) + z_of(1.0 - power)) ** 2 / (share * (1.0 - share) * effect * effect)


def unreachable(plan: Plan, events: int | None, latest: float | None) -> list[Problem]:
    """Problems of events: none expected, a target never reachable, or one given together with a solution that would set it.

    A target above the most events ever expected is refused unless ``latest`` says when the trial ends without them.
    """
    if min(setting_of(plan, latest=latest).events_by_arm().values()) < 1e-6:
        rule = "no events are expected in at least one arm by the last analysis"
        return [Problem(f"kind = {plan.design.kind!r}", "", rule, "Look at the survival truths, the follow-up and latest")]
    if events is None:
        return []
    if plan.solve is not None and plan.solve.for_ in ("events", "n", "duration"):
        rule = f"cannot be given when solving for {plan.solve.for_}"
        return [Problem(f"events = {events}", "", rule, "Leave it out, or solve for power or effect")]
    setting = setting_of(plan, latest=latest)
    most, total = setting.maximum_events(), setting.accrual.total
    if events > total:
        rule = f"is more than the {total:g} patients of the plan"
        return [Problem(f"events = {events}", "", rule, f"At most {most:.1f} events are expected: plan fewer, or more patients")]
    if events > most and latest is None:
        rule = f"can never be reached: at most {most:.1f} events are expected, however long the follow-up (the others are cured or lost)"
        return [Problem(f"events = {events}", "", rule, "Plan fewer events or more patients, or give latest, the time of the last look")]
    return []


def warnings_for(moments: LogRankMoments, reach: float | None, *, events: int | None, most: float) -> tuple[str, ...]:
    """What a reader of a log-rank design must know: ``most`` events are ever expected."""
    found = []
    if not moments.proportional:
        found.append(
            "the hazard ratio is not constant: power is from the moments of the statistic; "
            f"the average hazard ratio is {moments.average_hazard_ratio:.3f}"
        )
    if events is not None and events > most:
        found.append(f"the planned {events} events are more than will ever be expected ({most:.1f}): the others are cured or lost")
    if reach is not None and reach < 0.9:
        found.append(f"{1.0 - reach:.0%} of trials do not see the planned number of events by the latest analysis")
    return tuple(found)


def cautions_for(setting: Setting) -> tuple[str, ...]:
    """Say so where too few events are expected for the formulas, and where the analysis comes before the last patient."""
    found = []
    expected = sum(setting.events_by_arm().values())
    if expected < FEWEST_EVENTS:
        found.append(
            f"only {expected:.2g} events are expected by the analysis, fewer than {FEWEST_EVENTS}: the asymptotic formulas do not hold, "
            "and power and bounds cannot be relied on"
        )
    accrual, time = setting.accrual, setting.analysis_time
    if time < accrual.duration * (1.0 - 1e-9):
        found.append(
            f"the analysis at {time:.3g} years comes before the end of accrual at {accrual.duration:.3g} years: "
            f"{float(accrual.entered(time)):.1f} of n = {whole_up(accrual.total)} patients have entered by then"
        )
    return tuple(found)


class _Mixed:
    """The truth of an arm under the null: a weighted mean of the two cumulative hazards, times ``factor``."""

    def __init__(self, setting: Setting, factor: float, margin: float) -> None:
        share = setting.shares[setting.experimental]
        self.parts = ((setting.truths[setting.control], 1.0 - share), (setting.truths[setting.experimental], share))
        self.scale = factor / (1.0 - share + share * margin)
        self.cuts = tuple(b for model, _ in self.parts for b in break_points(model))

    def cumulative_hazard(self, t: FloatArray, /) -> FloatArray:
        return np.asarray(self.scale * sum(w * np.asarray(m.cumulative_hazard(t)) for m, w in self.parts), np.float64)

    def survival(self, t: FloatArray, /) -> FloatArray:
        return np.exp(-self.cumulative_hazard(t))

    def hazard(self, t: FloatArray, /) -> FloatArray:
        return np.asarray(self.scale * sum(w * np.asarray(m.hazard(t)) for m, w in self.parts), np.float64)

    def density(self, t: FloatArray, /) -> FloatArray:
        return self.hazard(t) * self.survival(t)

    def quantile(self, p: FloatArray, /) -> FloatArray:
        raise NotImplementedError("the mixed truth of the null is only integrated")


def _lachin_foulkes_power(setting: Setting, moments: LogRankMoments, *, margin: float, alpha: float) -> float:
    null = {
        setting.control: _Mixed(setting, 1.0, margin),
        setting.experimental: _Mixed(setting, margin, margin),
    }
    accrual: Accrual = setting.accrual
    expected = expected_events_by_arm(null, shares=setting.shares, accrual=accrual, time=setting.analysis_time)
    sd_null = math.sqrt(sum(1.0 / e for e in expected.values()))
    sd = math.sqrt(1.0 / moments.events_control + 1.0 / moments.events_experimental)
    effect = -math.log(moments.average_hazard_ratio / margin)
    return _phi((effect - z_of(alpha) * sd_null) / sd)


def _phi(x: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(x))
