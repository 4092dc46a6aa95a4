"""BOP2 for a time to event: one arm, posterior of an exponential hazard, a cut that rises with the patients (Zhou et al. 2020).

Up to the milestone the hazard is taken as constant. With d events in T years of follow-up up to the milestone and a gamma prior worth
``prior_events`` events in ``prior_years`` years it is Gamma(prior_events + d, prior_years + T), so

    P(S(milestone) > null) = P(hazard < -log(null) / milestone).

At a look the trial stops for futility where this is below cut * (patients entered / all)^shape; at the end cut alone decides. ``cut``
and ``shape`` maximise the power among all that keep alpha (:mod:`nextarm.designs.optimal_cut`) in virtual trials under the null, the
arm's truth with its hazard scaled to ``null_survival``: so alpha holds for a hazard that is not constant as well, although the
posterior is then only a statistic. Reference: doi 10.1002/pst.2030.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bayes_one_arm import bayes_schedule, decide_in_order
from nextarm.designs.count_design import only_solves
from nextarm.designs.design import Decisions, DesignResult, DesignTable, LookData, Schedule
from nextarm.designs.looks_in_order import look_time_problems
from nextarm.designs.milestone_one_arm import late_enough
from nextarm.designs.optimal_cut import OptimalCut, optimal_cut
from nextarm.designs.os_guard import with_survival
from nextarm.designs.predictive_stopping import Beta, Fractions
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at
from nextarm.designs.virtual_one_arm import pieces_seen, share_se, solved_in_patients, too_many

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Virtual trials the rule is found in, and fresh ones that tell what it does.
TRIALS, SEED = 10_000, 20261130
Seen = tuple[FloatArray, FloatArray]


@record
class Bop2TimeToEvent(DesignResult):
    """Characteristics in 10,000 fresh virtual trials, each with its Monte-Carlo standard error; ``power`` with the looks.

    ``cut`` and ``shape`` of the rule; ``type1_error`` under the arm's truth scaled to ``null_survival``; ``stopped_early`` and
    ``stopped_early_null``: shares stopped for futility before the end; ``mean_years`` and ``mean_years_null`` until the end.
    """

    null_survival: float
    cut: float
    shape: float
    power_se: float
    type1_error: float
    type1_error_se: float
    stopped_early: float
    stopped_early_null: float
    mean_years: float
    mean_years_null: float

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The rule and what it does under the null."""
        return self._own_fields()


class Bop2TimeToEventTable(DesignTable):
    """``[design]`` of a BOP2 trial of a time to event; ``cut`` and ``shape`` are searched for unless given."""

    kind: Literal["bop2-time-to-event"] = "bop2-time-to-event"
    null_survival: Annotated[float, Field(gt=0.0, lt=1.0, description="S(milestone) to rule out", json_schema_extra=unit("proportion"))]
    look_times: Annotated[Fractions, Field(description="Interim looks, years from the first patient", json_schema_extra=unit("years"))] = ()
    cut: Annotated[float | None, Field(gt=0.0, lt=1.0, description="Cut-off at the end", json_schema_extra=unit("proportion"))] = None
    shape: Annotated[float | None, Field(ge=0.0, le=1.0, description="How the cut-off rises with the patients")] = None
    prior: Annotated[Beta | None, Field(description="Gamma prior of the hazard: events, years; default one event at the null")] = None

    arms_needed: ClassVar[int] = 1
    by_trials: ClassVar[int] = TRIALS

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is at most ``null_survival``."""
        return self.alpha if no_better_at(plan, against=self.null_survival) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """``cut`` and ``shape`` come together; looks are in order; the truth is better than the null where a size is asked for."""
        found = late_enough(plan) + only_solves(plan, "power", "n", "duration", "effect")
        found += look_time_problems("look_times", self.look_times, plan.accrual_model().study_duration)
        found += too_many(plan)
        if (self.cut is None) != (self.shape is None):
            found.append(Problem("cut or shape alone", "", "must be given together, or neither to search for them"))
        if self.prior is not None and not (self.prior[0] > 0.0 and self.prior[1] > 0.0):
            found.append(Problem(f"prior = {list(self.prior)}", "", "must be [events, years] above 0"))
        return found

    def probability(self, seen: Seen, milestone: float) -> FloatArray:
        """P(S(milestone) > null) from events and years up to the milestone."""
        from scipy.special import gammainc

        hazard = -float(np.log(self.null_survival)) / milestone
        events, years = self.prior if self.prior is not None else (1.0, 1.0 / hazard)
        return np.asarray(gammainc(events + seen[0], (years + seen[1]) * hazard), np.float64)

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at their times and at the end of follow-up."""
        return bayes_schedule(plan, self.look_times)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide many trials at once."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """Futility at every look, success at the last; the rule is searched for once, at the plan's own truth."""
        rule, milestone, total = self.rule(setting_of(plan)), plan.trial.milestone, max(1, round(plan.accrual_model().total))

        def decide(data: LookData) -> Decisions:
            seen = data.seen
            assert seen is not None  # the engine gives it
            above = self.probability((seen.piece_events[..., 0, 0].astype(np.float64), seen.exposure[..., 0, 0]), milestone)
            below = above < rule.cut * (seen.entered[..., 0] / total) ** rule.shape
            return decide_in_order(~below, below, early=False)

        return decide

    def rule(self, setting: Setting) -> OptimalCut:
        """The cut given, or the best one for the setting."""
        if self.cut is not None and self.shape is not None:
            return OptimalCut(cut=self.cut, shape=self.shape, type1_error=float("nan"), power=float("nan"))
        at = setting.survival_at_milestone()[setting.experimental]
        if at <= self.null_survival:
            raise RefusedError(
                f"null_survival = {self.null_survival:g}",
                rule=f"must be below the arm's S of {at:.4g} at the milestone to search for a rule",
                cure="Give cut and shape, or put the null into a scenario",
            )  # fmt: skip
        null, own = self._drawn(setting, SEED, null=True), self._drawn(setting, SEED, null=False)
        return optimal_cut(null, own, alpha=self.alpha)

    def evaluate(self, plan: Plan) -> Bop2TimeToEvent:
        """What the rule does in fresh virtual trials under the plan and the null; or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = self._solved(setting, solve_for, plan.solve.power)
        rule = self.rule(setting)
        (power, early, years), (error, early_null, years_null) = (self._behaviour(setting, rule, null=null) for null in (False, True))
        warnings = []
        if error > 1.1 * self.alpha + 2.0 * share_se(self.alpha, self.trials):
            warnings.append(f"the type I error at S = {self.null_survival:g} is {error:.4f}, above alpha = {self.alpha:g}")
        return Bop2TimeToEvent(
            **common_fields(plan, setting, solved_for=solve_for, power=power),
            trail=Trail(
                method="BOP2 for a time to event, posterior of a constant hazard up to the milestone; "
                f"{self.trials:,} virtual trials a truth",
                reference="10.1002/pst.2030", seed=SEED,
                assumptions=(f"compared with a fixed S of {self.null_survival:g}: the error of a historical value is not in it",),
            ),
            warnings=tuple(warnings), null_survival=self.null_survival, cut=rule.cut, shape=rule.shape,
            power_se=share_se(power, self.trials), type1_error=error, type1_error_se=share_se(error, self.trials), stopped_early=early,
            stopped_early_null=early_null, mean_years=years,
            mean_years_null=years_null,
        )  # fmt: skip

    def _solved(self, setting: Setting, what: str, target: float) -> Setting:
        """The effect moves with the rule searched for each; patients by whole numbers."""

        def power(s: Setting) -> float:
            return self._behaviour(s, self.rule(s), null=False)[0]

        if what != "effect":
            return solved_in_patients(setting, what=what, target=target, power=power)
        return solved(setting, what=what, target=target, power=power)

    def _behaviour(self, setting: Setting, rule: OptimalCut, *, null: bool) -> tuple[float, float, float]:
        """Success, stopping before the end and mean years, in fresh trials."""
        above, fraction = self._drawn(setting, SEED + 1, null=null)
        below = above < rule.cut * fraction**rule.shape
        made = decide_in_order(~below, below, early=False)
        times = np.array(self._times(setting))
        last = len(times) - 1
        return float((made.rejected_at >= 0).mean()), float((made.stopped_at < last).mean()), float(times[made.stopped_at].mean())

    def _times(self, setting: Setting) -> list[float]:
        return [*(t for t in self.look_times if t < setting.analysis_time), setting.analysis_time]

    def _drawn(self, setting: Setting, seed: int, *, null: bool) -> Seen:
        truth = setting.truths[setting.experimental]
        if null:
            truth = with_survival(truth, setting.milestone, self.null_survival)
        events, years, entered = pieces_seen(
            setting, truth, times=self._times(setting), edges=(0.0, setting.milestone), trials=self.trials, seed=seed
        )
        return self.probability((events[..., 0], years[..., 0]), setting.milestone), entered / max(1, round(setting.accrual.total))
