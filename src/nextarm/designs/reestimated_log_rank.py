"""Two arms, log-rank, with the number of events re-estimated at one interim look (:mod:`nextarm.designs.promising_zone`).

The trial plans ``events`` and looks at ``interim`` of them. Where conditional power is promising, the events are raised by ``steps``
levels up to ``largest_events``. The final test weighs the stages as planned, so that alpha is kept whatever was decided; a trial that
has not reached its events by ``latest`` is analysed then, with the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.boundaries import boundaries
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Measures, RankWeight, Schedule, last_look
from nextarm.designs.expected_events import time_of_events
from nextarm.designs.log_rank_two_arm import cautions_for, moments_of, unreachable, warnings_for
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.promising_zone import PromisingZone, ZoneOutcome, outcome, smallest_valid_promising
from nextarm.designs.setting import Setting, common_fields, setting_of, solved, timed
from nextarm.designs.tables import Proportion, unit
from nextarm.designs.true_null import no_better

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

EarlySpending = Literal["none", "lan-demets-obrien-fleming", "lan-demets-pocock"]


@record
class ReestimatedLogRank(DesignResult):
    """Characteristics of a log-rank design whose events are re-estimated; arrays of shape (levels,), first the planned events.

    ``level_events`` and ``level_times`` (expected times; NaN where the events are not expected by the latest look), ``ends_h1`` and
    ``ends_h0`` how often the trial ends at each, ``interim_z`` the smallest interim Z that is promising and the one that is favourable.
    ``type1_error`` of the weighted test, ``power_not_raised`` without re-estimation; in the promising zone, which is met with
    ``promising_h1``, ``power_if_raised`` against ``power_if_not``. ``smallest_valid_promising`` is the conditional power from which the
    unweighted test, too, would keep alpha.
    """

    margin: float
    average_hazard_ratio: float
    interim_events: int
    interim_time: float
    largest_events: int
    critical: float
    efficacy_at_interim: float | None
    weights: tuple[float, float]
    interim_z: tuple[float, float]
    level_events: FloatArray
    level_times: FloatArray
    ends_h1: FloatArray
    ends_h0: FloatArray
    type1_error: float
    power_not_raised: float
    promising_h1: float
    promising_h0: float
    power_if_raised: float | None
    power_if_not: float | None
    success_at_interim_h1: float
    futile_at_interim_h1: float
    futile_at_interim_h0: float
    expected_events_h1: float
    expected_events_h0: float
    smallest_valid_promising: float

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """What re-estimation buys."""
        names = (
            "interim_events", "interim_time", "largest_events", "type1_error", "power_not_raised", "promising_h1", "power_if_raised",
            "power_if_not", "expected_events_h1", "expected_events_h0",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def level_table(self) -> pl.DataFrame:
        """One row a level: events, expected time, and how often the trial ends there."""
        import polars as pl

        columns = ("level_events", "level_times", "ends_h1", "ends_h0")
        return pl.DataFrame({c: getattr(self, c) for c in columns}).fill_nan(None)


class ReestimatedLogRankTable(DesignTable):
    """``[design]`` of a log-rank trial with re-estimated events."""

    kind: Literal["reestimated-log-rank"] = "reestimated-log-rank"
    events: Annotated[int, Field(gt=1, description="Events planned", json_schema_extra=unit("events"))]
    largest_events: Annotated[int, Field(gt=1, description="Events at the most", json_schema_extra=unit("events"))]
    interim: Annotated[float, Field(gt=0.0, lt=1.0, description="Interim look at this fraction of the planned events")] = 0.5
    latest: Annotated[float | None, Field(gt=0.0, description="The last look at the latest", json_schema_extra=unit("years"))] = None
    promising: Annotated[Proportion, Field(description="Raise from this conditional power on")] = 0.3
    target: Annotated[Proportion, Field(description="Raise until conditional power is this; at or above it the events stay")] = 0.8
    futility: Annotated[float, Field(ge=0.0, lt=1.0, description="Stop below this conditional power, not binding; 0: never")] = 0.0
    assumed_hazard_ratio: Annotated[float | None, Field(gt=0.0, description="Conditional power under this; default: as estimated")] = None
    steps: Annotated[int, Field(ge=1, le=20, description="Levels above the planned events; few hide the interim result")] = 4
    spending: Annotated[EarlySpending, Field(description="Alpha spent at the interim look")] = "none"
    margin: Annotated[float, Field(ge=1.0, le=20.0, description="Non-inferiority margin, a hazard ratio; 1 tests superiority")] = 1.0

    looks_fixed: ClassVar[bool] = False

    def error_allowed(self, plan: Plan) -> float | None:
        """Where no hazard is at any time below the margin's."""
        return self.alpha if no_better(plan, ratio=self.margin) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Levels rise, zones are in order, the planned events can be reached."""
        found = []
        if self.largest_events <= self.events:
            found.append(Problem(f"largest_events = {self.largest_events}", "", f"must be above the {self.events} events planned"))
        elif self.largest_events - self.events < self.steps:
            rule = f"must be at most {self.largest_events - self.events}, the events between the two targets"
            found.append(Problem(f"steps = {self.steps}", "", rule))
        if not self.futility < self.promising < self.target:
            what = f"promising = {self.promising:g}"
            found.append(Problem(what, "", f"must lie above futility ({self.futility:g}) and below target ({self.target:g})"))
        if not 1 <= self.interim_events < self.events:
            what = f"interim = {self.interim:g}"
            found.append(
                Problem(what, "", f"would look at {self.interim_events} of {self.events} events", "Look between the first and last")
            )
        if self.assumed_hazard_ratio is not None and self.assumed_hazard_ratio >= self.margin:
            rule = f"must be below {self.margin:g}: conditional power is of a better experimental arm"
            found.append(Problem(f"assumed_hazard_ratio = {self.assumed_hazard_ratio:g}", "", rule))
        if plan.solve is not None and plan.solve.for_ not in ("power", "effect"):
            rule = f"{self.kind} solves for power and effect"
            found.append(Problem(f"kind = {self.kind!r} with solve.for = {plan.solve.for_!r}", "", rule, "Size it with log-rank first"))
            return found
        found += unreachable(plan, self.events, self.latest)
        if not found:
            most = setting_of(plan, latest=self.latest).maximum_events()
            if self.largest_events > most and self.latest is None:
                rule = f"can never be reached: at most {most:.1f} events are expected, however long the follow-up"
                cure = "Take fewer, more patients, or give latest, the time of the last look"
                found.append(Problem(f"largest_events = {self.largest_events}", "", rule, cure))
        if not found:
            try:
                self.zone(plan)
            except CallError as error:
                found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        return found

    @property
    def interim_events(self) -> int:
        """Events at the interim look, rounded up."""
        return math.ceil(self.interim * self.events - 1e-9)

    @property
    def levels(self) -> tuple[int, ...]:
        """The numbers of events the trial may end at, first those planned."""
        return tuple(round(float(x)) for x in np.linspace(self.events, self.largest_events, self.steps + 1))

    def zone(self, plan: Plan) -> PromisingZone:
        """The rule on the Z scale."""
        critical, early = z_of(self.alpha), np.inf
        if self.spending != "none":
            bounds = boundaries(np.array([self.interim_events / self.events, 1.0]), alpha=self.alpha, family=self.spending)
            early, critical = (float(b) for b in bounds.efficacy)
        drift = None
        if self.assumed_hazard_ratio is not None:
            share = plan.shares()[plan.experimental]
            drift = -math.log(self.assumed_hazard_ratio / self.margin) * math.sqrt(share * (1.0 - share))
        return PromisingZone(
            interim=self.interim_events, levels=self.levels, critical=critical, stop_at=float(early), promising=self.promising,
            target=self.target, futility=self.futility, drift=drift,
        )  # fmt: skip

    def last_time(self, plan: Plan) -> float:
        """The last look at the latest: as given, else when the largest number of events is long expected or follow-up ends."""
        if self.latest is not None:
            return self.latest
        setting = setting_of(plan)
        needed = min(self.largest_events + 3.0 * math.sqrt(self.largest_events), 0.999 * setting.maximum_events())
        expected = time_of_events(setting.truths, shares=setting.shares, accrual=setting.accrual, events=needed)
        return max(setting.accrual.study_duration, expected or 0.0)

    def schedule(self, plan: Plan) -> Schedule:
        """The interim look, then one look at every level; a trial takes the one that its interim look chose."""
        latest = self.last_time(plan)
        counts = (self.interim_events, *self.levels)
        return Schedule(
            looks=tuple(Look(events=count, latest=latest) for count in counts), statistic="log-rank", null=self.margin,
            milestone=plan.trial.milestone, measures=Measures(weights=(RankWeight(),), hazard_ratio=self.margin),
        )  # fmt: skip

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """The weighted statistic at the level chosen; a trial without its interim events has one plain test."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """The rule is worked out once."""
        zone, single = self.zone(plan), z_of(self.alpha)
        w1, w2 = zone.weights

        def decide(data: LookData) -> Decisions:
            assert data.seen is not None  # the schedule asks for it
            rows, final = np.arange(len(data.z)), last_look(data)
            first = data.z[:, 0]
            looked = (data.seen.took[:, 0] == 1) & (final > 0)
            level = zone.levels_at(first)
            stop = looked & (level < 0)
            at = np.where(~looked | stop, np.where(looked, 0, final), np.minimum(1 + np.maximum(level, 0), final)).astype(np.int64)
            score, spread = data.seen.score[:, :, 0, 0], data.seen.covariance[:, :, 0, 0, 0]
            more = spread[rows, at] - spread[:, 0]
            with np.errstate(divide="ignore", invalid="ignore"):
                second = np.where(more > 0.0, -(score[rows, at] - score[:, 0]) / np.sqrt(more), 0.0)
            weighted = w1 * first + w2 * second >= zone.critical
            won = np.where(looked, np.where(stop, first >= zone.stop_at, weighted), data.z[rows, at] >= single)
            return Decisions(
                rejected_at=np.where(won, at, -1).astype(np.int64),
                stopped_at=at,
                futile=np.asarray(stop & (first < zone.stop_at), np.bool_),
            )

        return decide

    def evaluate(self, plan: Plan) -> ReestimatedLogRank:
        """Characteristics at the plan, or the effect that ``[solve]`` asks for."""
        setting, solve_for = self._planned(setting_of(plan, latest=self.last_time(plan))), "power"
        if plan.solve is not None and plan.solve.for_ == "effect":
            solve_for = "effect"
            setting = self._planned(
                solved(setting, what="effect", target=plan.solve.power, power=lambda s: self._outcome(plan, s)[0].reject)
            )
        return self._result(plan, setting, solve_for)

    def _planned(self, setting: Setting) -> Setting:
        return timed(setting, events=self.events, latest=setting.analysis_time)

    def _means(self, plan: Plan, setting: Setting) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Expected events, times (NaN: not expected by then) and mean Z at the interim look and every level."""
        last, limit = moments_of(setting, self.margin), self.last_time(plan)
        share = setting.shares[setting.experimental]
        counts, events, times, means = (self.interim_events, *self.levels), [], [], []
        for count in counts:
            there = timed(setting, events=count, latest=limit)
            seen = sum(there.events_by_arm().values())
            events.append(min(float(count), seen))
            times.append(there.analysis_time if seen > count - 1e-6 else math.nan)
            if last.proportional:
                drift = -math.log(last.average_hazard_ratio / self.margin)
                means.append(drift * math.sqrt(share * (1.0 - share) * events[-1]))
            else:
                means.append(moments_of(there, self.margin).mean_z)
        return np.array(events), np.array(times), np.array(means)

    def _outcome(self, plan: Plan, setting: Setting) -> tuple[ZoneOutcome, ZoneOutcome, FloatArray, FloatArray, float]:
        """Under the truth and the null; times, events, and the power if nothing is raised."""
        zone = self.zone(plan)
        events, times, means = self._means(plan, setting)
        score = means * np.sqrt(events)
        more = np.maximum(events[1:] - events[0], 1e-9)
        later = (score[1:] - score[0]) / np.sqrt(more)
        under = outcome(zone, mean_interim=float(means[0]), mean_later=list(later), events=list(events[1:]))
        null = outcome(zone, mean_interim=0.0, mean_later=[0.0] * len(later), events=list(events[1:]))
        fixed = replace(zone, levels=(zone.levels[0],))
        plain = outcome(fixed, mean_interim=float(means[0]), mean_later=[float(later[0])], events=[float(events[1])])
        return under, null, times, events, plain.reject

    def _result(self, plan: Plan, setting: Setting, solve_for: str) -> ReestimatedLogRank:
        zone = self.zone(plan)
        under, null, times, events, plain = self._outcome(plan, setting)
        moments = moments_of(setting, self.margin)
        warnings = list(warnings_for(moments, None, events=self.largest_events, most=setting.maximum_events()))
        warnings += cautions_for(setting)
        missing = int(np.isnan(times[1:]).sum())
        if missing:
            warnings.append(
                f"{missing} of {len(self.levels)} event targets are not expected by the latest look at {self.last_time(plan):.3g} years"
            )
        return ReestimatedLogRank(
            **common_fields(plan, setting, solved_for=solve_for, power=under.reject),
            trail=Trail(
                method="log-rank with re-estimated events: promising zone, stages weighted as planned, one-dimensional quadrature",
                reference="10.1002/sim.4102",
                assumptions=("the survival truths, accrual and dropout of the plan", "independent normal stages at expected events"),
            ),
            warnings=tuple(warnings),
            margin=self.margin,
            average_hazard_ratio=moments.average_hazard_ratio,
            interim_events=self.interim_events,
            interim_time=float(times[0]),
            largest_events=self.largest_events,
            critical=zone.critical,
            efficacy_at_interim=zone.stop_at if math.isfinite(zone.stop_at) else None,
            weights=zone.weights,
            interim_z=(zone.interim_z(self.promising), zone.interim_z(self.target)),
            level_events=events[1:],
            level_times=times[1:],
            ends_h1=under.ends,
            ends_h0=null.ends,
            type1_error=null.reject,
            power_not_raised=plain,
            promising_h1=under.promising,
            promising_h0=null.promising,
            power_if_raised=under.power_if_raised,
            power_if_not=under.power_if_not,
            success_at_interim_h1=under.success_at_interim,
            futile_at_interim_h1=under.futile_at_interim,
            futile_at_interim_h0=null.futile_at_interim,
            expected_events_h1=under.expected_events,
            expected_events_h0=null.expected_events,
            smallest_valid_promising=smallest_valid_promising(
                self.interim_events / self.events, most=self.largest_events / self.events, target=self.target, alpha=self.alpha
            ),
        )  # fmt: skip
