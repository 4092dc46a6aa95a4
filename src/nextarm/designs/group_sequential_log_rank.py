"""Two arms, log-rank tests at several numbers of events, exact bounds.

A look happens at its number of events, or at ``latest`` if that comes first; a trial that has not reached its events by
then has its last look there and spends all the alpha that remains at the information really seen. Without ``events`` the
last look is at the end of follow-up, with the events expected there.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.boundaries import Boundaries, Family, boundaries, expected_information
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule
from nextarm.designs.expected_events import time_of_events
from nextarm.designs.log_rank_two_arm import cautions_for, moments_of, unreachable, warnings_for
from nextarm.designs.look_decisions import bounds_seen, decide_at_looks
from nextarm.designs.reach import probability_of_reaching
from nextarm.designs.setting import Setting, common_fields, setting_of, solved, timed
from nextarm.designs.spending import SPENDING
from nextarm.designs.tables import Numbers, unit
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


def _rising_to_one(looks: tuple[float, ...]) -> tuple[float, ...]:
    """Return ``looks`` if they are rising fractions that end at 1."""
    if looks and (looks[0] <= 0.0 or any(b <= a for a, b in itertools.pairwise(looks)) or looks[-1] != 1.0):
        cure = "Give fractions, not percentages" if 1.0 < max(looks) <= 100.0 else ""
        raise PydanticCustomError("rule", "must rise from above 0 to exactly 1.0", {"cure": cure})
    return looks


class GroupSequentialLogRankTable(DesignTable):
    """``[design]`` of a group-sequential two-arm log-rank trial."""

    kind: Literal["group-sequential-log-rank"] = "group-sequential-log-rank"
    events: Annotated[int | None, Field(gt=0, description="Events at the last look", json_schema_extra=unit("events"))] = None
    looks: Annotated[Numbers, AfterValidator(_rising_to_one), Field(min_length=1, description="Fractions of the events, rising to 1")]
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
    margin: Annotated[float, Field(ge=1.0, description="Non-inferiority margin, a hazard ratio")] = 1.0
    method: Annotated[Literal["auto", "schoenfeld", "asymptotic"], Field(description="The approximation of the drift")] = "auto"

    def problems(self, plan: Plan) -> list[Problem]:
        """Looks rise to 1, futility stays below efficacy, the events can be reached."""
        found = []
        if self.futility is not None and self.beta is None:
            found.append(
                Problem("futility without beta", "", "beta spending needs the beta to spend", "Give beta, 1 minus the power planned")
            )
        if self.futility is not None and self.futility_bounds is not None:
            found.append(Problem("futility_bounds", "", "cannot be given beside futility"))
        if self.binding and self.futility is None:
            found.append(Problem("binding = true", "", "needs futility"))
        if self.binding and self.spending not in [name for name, _, _ in SPENDING]:
            found.append(Problem("binding = true", "", f"is offered for spending functions, not for {self.spending}"))
        if self.spending == "kim-demets" and self.spending_parameter is not None and self.spending_parameter <= 0.0:
            found.append(Problem(f"spending_parameter = {self.spending_parameter:g}", "", "must be above 0 for kim-demets"))
        if not found and self.futility_bounds is not None:
            found += self._futility_problems()
        found += unreachable(plan, self.events, self.latest)
        moments = moments_of(setting_of(plan), self.margin)
        if self.method == "schoenfeld" and not moments.proportional:
            found.append(
                Problem("method = 'schoenfeld'", "", "needs a hazard ratio that is constant over time", "Take method = 'asymptotic'")
            )
        if plan.solve is not None and plan.solve.for_ in ("n", "duration", "events") and moments.drift <= 0.0:
            rule = f"the experimental arm must do better than the null (hazard ratio {self.margin:g}) to solve for {plan.solve.for_}"
            found.append(Problem(f"kind = {self.kind!r}", "", rule))
        return found

    def _futility_problems(self) -> list[Problem]:
        given = self.futility_bounds or ()
        shown = f"futility_bounds = {list(given)}"
        if len(given) != len(self.looks) - 1:
            return [Problem(shown, "", f"must have {len(self.looks) - 1} values, one for each look but the last")]
        upper = self.bounds().efficacy
        return [
            Problem(shown, "", f"the futility bound {low:g} of look {k + 1} must lie below its efficacy bound {upper[k]:.4g}")
            for k, low in enumerate(given)
            if low >= upper[k]
        ]

    def bounds(self) -> Boundaries:
        """The bounds at the planned fractions."""
        return boundaries(
            np.asarray(self.looks, np.float64),
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
        """Looks at whole numbers of events (rounded up), each at ``latest`` if that comes first.

        Without ``events`` the last look is at the end of follow-up, whatever has been seen by then.
        """
        planned = self.planned_events(plan)
        latest = self.latest or plan.accrual_model().study_duration
        counts: list[int | None] = [math.ceil(f * planned - 1e-9) for f in self.looks]
        if self.events is None:
            counts[-1] = None
        looks = tuple(Look(events=count, latest=latest) for count in counts)
        return Schedule(looks=looks, statistic="log-rank", null=self.margin, milestone=plan.trial.milestone)

    def planned_events(self, plan: Plan) -> int:
        """Events at information 1: as planned, else those expected at the last look."""
        return self.events or max(round(sum(setting_of(plan, latest=self.latest).events_by_arm().values())), 1)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Bounds at the events really seen; the last look of a trial spends all alpha that remains."""
        bounds = self.bounds()
        return decide_at_looks(
            data,
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
        bounds = self.bounds()
        setting = setting_of(plan, events=self.events, latest=self.latest)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = self._timed(solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self.power(s, bounds)))
        return self._result(plan, setting, bounds, solve_for)

    def power(self, setting: Setting, bounds: Boundaries) -> float:
        """Probability of crossing an efficacy bound in ``setting`` (futility bounds obeyed)."""
        looks = self._expected_looks(setting, bounds)
        return float(np.sum(crossing(looks.fractions, upper=looks.upper, lower=looks.lower, mean_z=looks.mean_z)[0]))

    def _timed(self, setting: Setting) -> Setting:
        return setting if self.events is None else timed(setting, events=self.events, latest=self.latest)

    def _expected_looks(self, setting: Setting, bounds: Boundaries) -> _Looks:
        """The looks as they are expected to come: those after the last analysis fall away, and it spends what is left."""
        setting = self._timed(setting)
        last = moments_of(setting, self.margin)
        planned = last.events if self.events is None else float(self.events)
        lower = self.lower(bounds)
        events, times, kept = [], [], []
        for k, fraction in enumerate(self.looks[:-1]):
            time = time_of_events(setting.truths, shares=setting.shares, accrual=setting.accrual, events=fraction * planned)
            if time is not None and time < setting.analysis_time - 1e-9:
                events.append(fraction * planned)
                times.append(time)
                kept.append(k)
        events.append(last.events)
        times.append(setting.analysis_time)
        low = np.append(lower[kept], -np.inf)
        fractions = np.minimum(np.array(events) / planned, 1.0)
        if abs(last.events / planned - 1.0) < 1e-9:
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
            reach = probability_of_reaching(setting, events=self.events, time=self.latest or setting.accrual.study_duration)
        fallen = len(self.looks) - len(looks.events)
        warnings = list(warnings_for(moments, reach, events=self.events, most=setting.maximum_events()))
        warnings += cautions_for(setting)
        if fallen:
            warnings.append(f"{fallen} of {len(self.looks)} looks are not expected to be reached before the last analysis")
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
