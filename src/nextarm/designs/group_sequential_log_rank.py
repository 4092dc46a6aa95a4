"""Two arms, log-rank tests at several numbers of events, exact bounds.

A look happens at its number of events, or at ``latest`` if that comes first; a trial that has not reached its events by
then has its last look there and spends all the alpha that remains at the information really seen. Without ``events`` the
last look is at the end of follow-up, with the events expected there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.boundaries import NEAREST, Boundaries, Family, boundaries, expected_information
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule
from nextarm.designs.expected_events import time_of_events
from nextarm.designs.log_rank_two_arm import cautions_for, moments_of, unreachable, warnings_for
from nextarm.designs.look_decisions import bounds_seen, decide_at_looks
from nextarm.designs.reach import probability_of_reaching
from nextarm.designs.setting import Setting, common_fields, setting_of, solved, timed
from nextarm.designs.spending import SPENDING, parameter_rule
from nextarm.designs.tables import Numbers, unit
from nextarm.designs.true_null import no_better
from nextarm.designs.walk import crossing

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

FutilityFamily = Literal["lan-demets-obrien-fleming", "lan-demets-pocock", "hwang-shih-decani", "kim-demets"]


@record
class GroupSequentialLogRank(DesignResult):
    """Characteristics of a group-sequential log-rank design; arrays of shape (looks,).

    ``look_events``, ``look_times`` and ``fractions`` (of the planned events) are of the looks expected to take place
    under the plan's truths; ``efficacy`` and ``futility`` bounds on the Z scale (NaN: none); ``critical_hazard_ratio``
    the estimate at each efficacy bound; ``reject_h1``, ``stop_h1`` and ``reject_h0``, ``stop_h0`` probabilities of
    stopping for efficacy and futility at each look; ``expected_events_h1``/``_h0`` when the trial stops;
    ``reach_probability`` that ``events`` are seen by ``latest``.
    """

    method: str
    margin: float
    family: str
    binding: bool
    average_hazard_ratio: float
    fractions: FloatArray
    look_events: FloatArray
    look_times: FloatArray
    efficacy: FloatArray
    futility: FloatArray
    critical_hazard_ratio: FloatArray
    reject_h1: FloatArray
    stop_h1: FloatArray
    reject_h0: FloatArray
    stop_h0: FloatArray
    expected_events_h1: float
    expected_events_h0: float
    target_events: int | None
    reach_probability: float | None

    def look_table(self) -> pl.DataFrame:
        """One row a look: events, time, bounds, and the probabilities of stopping there."""
        import polars as pl

        columns = (
            "fractions", "look_events", "look_times", "efficacy", "futility", "critical_hazard_ratio",
            "reject_h1", "stop_h1", "reject_h0", "stop_h0",
        )  # fmt: skip
        return pl.DataFrame({"look": range(1, len(self.fractions) + 1)} | {c: getattr(self, c) for c in columns}).fill_nan(None)


@dataclass(frozen=True)
class _Looks:
    events: FloatArray
    times: FloatArray
    fractions: FloatArray
    upper: FloatArray
    lower: FloatArray
    mean_z: FloatArray
    method: str


def _rising(times: tuple[float, ...]) -> tuple[float, ...]:
    """Return ``times`` if they rise from above 0."""
    if times[0] <= 0.0 or any(b <= a for a, b in itertools.pairwise(times)):
        raise PydanticCustomError("rule", "must rise from above 0 years", {})
    return times


def _rising_to_one(looks: tuple[float, ...]) -> tuple[float, ...]:
    """Return ``looks`` if they are rising fractions that end at 1."""
    if looks and (looks[0] <= 0.0 or any(b <= a for a, b in itertools.pairwise(looks)) or looks[-1] != 1.0):
        cure = "Give fractions, not percentages" if 1.0 < max(looks) <= 100.0 else ""
        raise PydanticCustomError("rule", "must rise from above 0 to exactly 1.0", {"cure": cure})
    if any(b - a < NEAREST for a, b in itertools.pairwise((0.0, *looks))):
        raise PydanticCustomError("rule", f"must rise by at least {NEAREST:g} each", {})
    return looks


class GroupSequentialLogRankTable(DesignTable):
    """``[design]`` of a group-sequential two-arm log-rank trial."""

    kind: Literal["group-sequential-log-rank"] = "group-sequential-log-rank"
    events: Annotated[int | None, Field(gt=0, description="Events at the last look", json_schema_extra=unit("events"))] = None
    looks: Annotated[
        Annotated[Numbers, AfterValidator(_rising_to_one), Field(min_length=1)] | None,
        Field(description="Looks at these fractions of the events, rising to 1"),
    ] = None
    look_times: Annotated[
        Annotated[Numbers, Field(min_length=1), AfterValidator(_rising)] | None,
        Field(description="Looks at these times instead, years from the first patient", json_schema_extra=unit("years")),
    ] = None
    latest: Annotated[float | None, Field(gt=0.0, description="The last look at the latest", json_schema_extra=unit("years"))] = None
    spending: Annotated[Family, Field(description="Efficacy: a spending function, or a shape of exact bounds")] = (
        "lan-demets-obrien-fleming"
    )
    spending_parameter: Annotated[float | None, Field(description="gamma, rho or delta of the family")] = None
    futility: Annotated[FutilityFamily | None, Field(description="Beta-spending function; none without it")] = None
    futility_parameter: Annotated[float | None, Field(description="gamma or rho of the futility spending")] = None
    futility_bounds: Annotated[Numbers | None, Field(description="Futility bounds on the Z scale, one a look but the last")] = None
    beta: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Beta to spend", json_schema_extra=unit("proportion"))] = None
    binding: Annotated[bool, Field(description="The efficacy bounds rely on futility being obeyed")] = False
    margin: Annotated[float, Field(ge=1.0, le=20.0, description="Non-inferiority margin, a hazard ratio")] = 1.0
    method: Annotated[Literal["auto", "schoenfeld", "asymptotic"], Field(description="The approximation of the drift")] = "auto"

    def error_allowed(self, plan: Plan) -> float | None:
        """Where no hazard is at any time below the margin's."""
        return self.alpha if no_better(plan, ratio=self.margin) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Looks rise to 1, futility stays below efficacy, the events can be reached."""
        found = []
        if self.futility is not None and self.beta is None:
            found.append(
                Problem("futility without beta", "", "beta spending needs the beta to spend", "Give beta, 1 minus the power planned")
            )
        if self.beta is not None and self.futility is None:
            rule = "is spent by a futility family and there is none"
            found.append(
                Problem(f"beta = {self.beta:g}", "", rule, "Give futility, or leave beta out; the power to solve for is solve.power")
            )
        if self.futility is not None and self.futility_bounds is not None:
            found.append(Problem("futility_bounds", "", "cannot be given beside futility"))
        if self.binding and self.futility is None:
            found.append(Problem("binding = true", "", "needs futility"))
        if self.binding and self.spending not in [name for name, _, _ in SPENDING]:
            found.append(Problem("binding = true", "", f"is offered for spending functions, not for {self.spending}"))
        named = (
            ("spending_parameter", self.spending, self.spending_parameter),
            ("futility_parameter", self.futility, self.futility_parameter),
        )
        for name, family, value in named:
            rule = parameter_rule(family, value) if family is not None else "needs futility" if value is not None else ""
            if rule:
                found.append(Problem(f"{name} = {value:g}", "", rule))
        found += self._timing_problems()
        if any(p.what.startswith("look") for p in found):
            return found
        found += unreachable(plan, self.events, self.last_time)
        if not found:
            found += self._looks_too_early(plan)
        if not found:
            found += self._bounds_problems(plan)
        if self.method == "schoenfeld" and not moments_of(setting_of(plan), self.margin).proportional:
            found.append(
                Problem("method = 'schoenfeld'", "", "needs a hazard ratio that is constant over time", "Take method = 'asymptotic'")
            )
        sized = plan.solve is not None and plan.solve.for_ in ("n", "duration", "events")
        if plan.solve is not None and sized and moments_of(setting_of(plan), self.margin).drift <= 0.0:
            rule = f"the experimental arm must do better than the null (hazard ratio {self.margin:g}) to solve for {plan.solve.for_}"
            found.append(Problem(f"kind = {self.kind!r}", "", rule))
        return found

    def _timing_problems(self) -> list[Problem]:
        if (self.looks is None) == (self.look_times is None):
            what = "looks is missing" if self.looks is None else "looks and look_times are both given"
            rule = "exactly one of looks (fractions of the events) and look_times (years) must be given"
            return [Problem(what, "", rule)]
        if self.look_times is not None and self.latest is not None:
            return [Problem(f"latest = {self.latest:g}", "", "cannot be given with look_times: the last of them is the last look")]
        return []

    def _looks_too_early(self, plan: Plan) -> list[Problem]:
        """Calendar looks at which nothing can have been seen yet, or after everything planned has been seen."""
        if self.look_times is None:
            return []
        events, planned = self._events_at(setting_of(plan), self.look_times), self.planned_events(plan)
        if events[0] < 1.0:
            rule = f"only {events[0]:.2g} events are expected by the first look at {self.look_times[0]:g} years"
            return [Problem(f"look_times = {list(self.look_times)}", "", rule, "Look later")]
        if np.any(np.diff(events[:-1]) < 1e-3 * planned):
            rule = "looks so near to each other that no new events are expected between them"
            return [Problem(f"look_times = {list(self.look_times)}", "", rule, "Leave one of them out")]
        for k, seen in enumerate(events[:-1]):
            if seen >= planned:
                rule = f"the {planned} events planned are expected before look {k + 1}, so that later looks would not take place"
                return [Problem(f"look_times = {list(self.look_times)}", "", rule, "Plan more events, or fewer or earlier looks")]
        return []

    def _bounds_problems(self, plan: Plan) -> list[Problem]:
        """Bounds that do not exist, or futility bounds above those for efficacy."""
        given, looks = self.futility_bounds, self.number_of_looks
        shown = f"futility_bounds = {list(given or ())}"
        if given is not None and len(given) != looks - 1:
            return [Problem(shown, "", f"must have {looks - 1} values, one for each look but the last")]
        try:
            upper = self.bounds(plan).efficacy
        except CallError as error:
            p = error.problems[0]
            key = "futility" if self.futility else "spending"
            return [Problem(f"{key} = {getattr(self, key)!r} with {p.what}", "", p.rule, p.cure)]
        if given is None:
            return []
        return [
            Problem(shown, "", f"the futility bound {low:g} of look {k + 1} must lie below its efficacy bound {upper[k]:.4g}")
            for k, low in enumerate(given)
            if low >= upper[k]
        ]

    @property
    def number_of_looks(self) -> int:
        """How many looks are planned."""
        return len(self.looks if self.looks is not None else self.look_times or ())

    @property
    def last_time(self) -> float | None:
        """The last look at the latest, years; None where that is the end of follow-up."""
        return self.latest if self.look_times is None else self.look_times[-1]

    def fractions(self, plan: Plan) -> FloatArray:
        """Planned information fractions (looks,), the last 1; of calendar looks those expected under the plan's truths."""
        if self.look_times is None:
            return np.asarray(self.looks, np.float64)
        return np.append(self._events_at(setting_of(plan), self.look_times[:-1]) / self.planned_events(plan), 1.0)

    def bounds(self, plan: Plan) -> Boundaries:
        """The bounds at the planned fractions."""
        return self._bounds_for(self.fractions(plan))

    def _bounds_for(self, fractions: FloatArray) -> Boundaries:
        return boundaries(
            fractions,
            alpha=self.alpha,
            family=self.spending,
            parameter=self.spending_parameter,
            beta=self.beta if self.futility else None,
            futility=self.futility,
            futility_parameter=self.futility_parameter,
            binding=self.binding,
        )

    def lower(self, bounds: Boundaries) -> FloatArray:
        """The futility bounds (looks,), -inf where there is none; at the last look the efficacy bound."""
        low = np.where(np.isnan(bounds.futility), -np.inf, bounds.futility)
        if self.futility_bounds is not None:
            low[:-1] = self.futility_bounds
        low[-1] = bounds.efficacy[-1]
        return np.asarray(low, np.float64)

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at whole numbers of events (rounded up), each at ``latest`` if that comes first; or at ``look_times``.

        Without ``events`` the last look is at the end of follow-up, whatever has been seen by then.
        """
        if self.look_times is not None:
            timed_looks = tuple(Look(events=None, latest=t) for t in self.look_times)
            return Schedule(looks=timed_looks, statistic="log-rank", null=self.margin, milestone=plan.trial.milestone)
        planned = self.planned_events(plan)
        latest = self.latest or plan.accrual_model().study_duration
        counts: list[int | None] = [math.ceil(f * planned - 1e-9) for f in self.fractions(plan)]
        if self.events is None:
            counts[-1] = None
        looks = tuple(Look(events=count, latest=latest) for count in counts)
        return Schedule(looks=looks, statistic="log-rank", null=self.margin, milestone=plan.trial.milestone)

    def planned_events(self, plan: Plan) -> int:
        """Events at information 1: as planned, else those expected at the last look."""
        return self.events or max(round(sum(setting_of(plan, latest=self.last_time).events_by_arm().values())), 1)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Bounds at the events really seen; the last look of a trial spends all alpha that remains."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """The planned bounds and events are worked out once."""
        bounds = self.bounds(plan)
        return partial(
            decide_at_looks,
            planned=self.planned_events(plan),
            alpha=self.alpha,
            family=self.spending,
            parameter=self.spending_parameter,
            efficacy=bounds.efficacy,
            futility=self.lower(bounds),
            binding=self.binding,
        )

    def evaluate(self, plan: Plan) -> GroupSequentialLogRank:
        """Characteristics at the plan, or what ``[solve]`` asks for."""
        bounds = self.bounds(plan)
        setting = self.setting(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = self._timed(solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self.power(s, bounds)))
        return self._result(plan, setting, bounds, solve_for)

    def setting(self, plan: Plan) -> Setting:
        """The plan's setting with its last look where it is expected."""
        return setting_of(plan, events=self._ending_events, latest=self.last_time)

    def power(self, setting: Setting, bounds: Boundaries) -> float:
        """Probability of crossing an efficacy bound in ``setting`` (futility bounds obeyed)."""
        looks = self._expected_looks(setting, bounds)
        return float(np.sum(crossing(looks.fractions, upper=looks.upper, lower=looks.lower, mean_z=looks.mean_z)[0]))

    @property
    def _ending_events(self) -> int | None:
        """The number of events that ends the trial; None where the calendar does."""
        return None if self.look_times is not None else self.events

    def _timed(self, setting: Setting) -> Setting:
        return setting if self._ending_events is None else timed(setting, events=self.events, latest=self.latest)

    def _events_at(self, setting: Setting, times: Sequence[float]) -> FloatArray:
        """Expected events of both arms at ``times``."""
        return np.array([sum(replace(setting, analysis_time=t).events_by_arm().values()) for t in times])

    def _interim(self, setting: Setting, planned: float) -> tuple[list[int], list[float], list[float]]:
        """The looks expected before the last analysis: which, at how many events, when."""
        kept, events, times = [], [], []
        if self.look_times is not None:
            at = self._events_at(setting, self.look_times[:-1])
            found = [(k, float(at[k]), t) for k, t in enumerate(self.look_times[:-1]) if at[k] > 0.0]
        else:
            waits = [f * planned for f in (self.looks or ())[:-1]]
            when = [time_of_events(setting.truths, shares=setting.shares, accrual=setting.accrual, events=e) for e in waits]
            found = [(k, e, t) for k, (e, t) in enumerate(zip(waits, when, strict=True)) if t is not None]
        for k, seen, time in found:
            if time < setting.analysis_time - 1e-9 and seen < planned * (1.0 - 1e-9):
                kept.append(k)
                events.append(seen)
                times.append(time)
        return kept, events, times

    def _expected_looks(self, setting: Setting, bounds: Boundaries) -> _Looks:
        """The looks as they are expected to come: those after the last analysis fall away, and it spends what is left."""
        setting = self._timed(setting)
        last = moments_of(setting, self.margin)
        planned = last.events if self.events is None else float(self.events)
        kept, events, times = self._interim(setting, planned)
        events.append(last.events)
        times.append(setting.analysis_time)
        fractions = np.minimum(np.array(events) / planned, 1.0)
        if self.look_times is not None and len(kept) == self.number_of_looks - 1:
            bounds = self._bounds_for(np.append(fractions[:-1], 1.0))
        lower = self.lower(bounds)
        low = np.append(lower[kept], -np.inf)
        if abs(last.events / planned - 1.0) < 1e-9 and len(kept) == self.number_of_looks - 1:
            upper = bounds.efficacy
        else:
            upper = bounds_seen(
                tuple(fractions),
                alpha=self.alpha,
                family=self.spending,
                parameter=self.spending_parameter,
                efficacy=tuple(bounds.efficacy),
                futility=tuple(lower),
                binding=self.binding,
            )
        method = self.method if self.method != "auto" else ("schoenfeld" if last.proportional else "asymptotic")
        if method == "schoenfeld":
            share = setting.shares[setting.experimental]
            mean = -math.log(last.average_hazard_ratio / self.margin) * np.sqrt(share * (1.0 - share) * np.array(events))
        else:
            mean = np.array([*(moments_of(setting, self.margin, t).mean_z for t in times[:-1]), last.mean_z])
        return _Looks(np.array(events), np.array(times), fractions, upper, low, np.asarray(mean, np.float64), method)

    def _result(self, plan: Plan, setting: Setting, bounds: Boundaries, solve_for: str) -> GroupSequentialLogRank:
        looks = self._expected_looks(setting, bounds)
        ends = {"upper": looks.upper, "lower": looks.lower}
        up1, down1 = crossing(looks.fractions, **ends, mean_z=looks.mean_z)
        up0, down0 = crossing(looks.fractions, **ends, mean_z=np.zeros(len(looks.events)))
        moments = moments_of(setting, self.margin)
        share = setting.shares[setting.experimental]
        reach = None
        if self.events is not None:
            reach = probability_of_reaching(setting, events=self.events, time=self.last_time or setting.accrual.study_duration)
        fallen = self.number_of_looks - len(looks.events)
        warnings = list(warnings_for(moments, reach, events=self.events, most=setting.maximum_events()))
        warnings += cautions_for(setting)
        if fallen:
            warnings.append(f"{fallen} of {self.number_of_looks} looks are not expected to be reached before the last analysis")
        informed = looks.fractions / looks.fractions[-1]
        return GroupSequentialLogRank(
            **common_fields(plan, setting, solved_for=solve_for, power=float(np.sum(up1))),
            trail=Trail(
                method=f"group-sequential log-rank, {bounds.trail.method}; drift by the {looks.method} approximation at expected events",
                reference=bounds.trail.reference,
                assumptions=("the survival truths, accrual and dropout of the plan",),
            ),
            warnings=tuple(warnings),
            method=looks.method,
            margin=self.margin,
            family=self.spending,
            binding=self.binding,
            average_hazard_ratio=moments.average_hazard_ratio,
            fractions=looks.fractions,
            look_events=looks.events,
            look_times=looks.times,
            efficacy=looks.upper,
            futility=np.where(np.isfinite(looks.lower), looks.lower, np.nan),
            critical_hazard_ratio=self.margin * np.exp(-looks.upper / np.sqrt(share * (1.0 - share) * looks.events)),
            reject_h1=up1,
            stop_h1=down1,
            reject_h0=up0,
            stop_h0=down0,
            expected_events_h1=moments.events * expected_information(informed, up1 + down1),
            expected_events_h0=moments.events * expected_information(informed, up0 + down0),
            target_events=self.events,
            reach_probability=reach,
        )
