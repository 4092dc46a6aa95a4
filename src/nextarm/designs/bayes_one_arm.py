"""One arm, time to event, Bayesian: success where P(S(t) > null) is large enough, futility looks on posterior or predictive probability.

Patients whose milestone has not passed count for what they have been followed (:mod:`nextarm.designs.survival_posterior`), so looks
need not wait for them; with a cure fraction or without. Futility at a look: the posterior probability is below ``futility``, or with a
``cut`` rising like BOP2's, below cut * (n* / N)^shape.

A guard of OS (:mod:`nextarm.designs.os_guard`) compares the posterior of OS at the milestone, from a uniform prior, with a value taken as
known, as EFS is compared with ``null_survival``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bayes_prior import Triples, bayes_problems, mixture_in, prior_worth
from nextarm.designs.bayes_success import law_of_counts, success_one_arm
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Measures, Schedule
from nextarm.designs.one_arm_rejection import se_at
from nextarm.designs.os_guard import Guarded, OsGuard, OsWatch, guard_columns, guard_problems, guarded, joint_power, with_survival
from nextarm.designs.predictive_stopping import Fractions
from nextarm.designs.seam import BoolArray
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.survival_posterior import beta_posterior, effective_counts, probability_above
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


#: The uniform prior.
FLAT: FloatArray = np.array([[1.0, 1.0, 1.0]])
#: True S of the control that ``null_survival`` stands for, relative to it, at which type I error and power are shown.
DRIFT = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)


@record
class NullDrift:
    """Success when the control's S is really ``control``: with an arm no better than it, and with the plan's gain on top of it."""

    change: float
    control: float
    type1_error: float
    power: float | None


@record
class BayesOneArm(DesignResult):
    """Characteristics at the last look without interim looks; ``simulate`` shows them with.

    ``type1_error`` at S = null; ``n_effective`` patients of complete follow-up that the last look is worth; ``curve``:
    success probability over true S(t), shape (points, 2). ``drift``: what is called a success when the historical value is wrong.
    """

    null_survival: float
    threshold: float
    type1_error: float
    n_effective: float
    prior_mean: float
    prior_patients: float
    curve: FloatArray
    drift: tuple[NullDrift, ...] = ()
    guard: Guarded | None = None

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Null, type I error, what the prior is worth, and both rates where the control has drifted from the null."""
        drifted: dict[str, float | str | bool | None] = {}
        for row in self.drift:
            at = f"if_control_is_{row.control:.3g}"
            drifted |= {f"type1_error_{at}": row.type1_error, f"power_{at}": row.power}
        return {
            "null_survival": self.null_survival,
            "threshold": self.threshold,
            "type1_error": self.type1_error,
            "n_effective": self.n_effective,
            "prior_mean": self.prior_mean,
            "prior_patients": self.prior_patients,
            **drifted,
            **guard_columns(self.guard),
        }

    def drift_table(self) -> pl.DataFrame:
        """One row for each true control."""
        import polars as pl

        names = ("change", "control", "type1_error", "power")
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.drift])


class BayesOneArmTable(DesignTable):
    """``[design]`` of a one-arm Bayesian trial of S(milestone)."""

    kind: Literal["bayes-one-arm"] = "bayes-one-arm"
    null_survival: Annotated[float, Field(gt=0.0, lt=1.0, description="S(milestone) to rule out", json_schema_extra=unit("proportion"))]
    threshold: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Success if P(S > null) exceeds it", json_schema_extra=unit("proportion"))
    ] = 0.95
    futility: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Stop if P(S > null) is below it at a look", json_schema_extra=unit("proportion"))
    ] = 0.0
    shape: Annotated[float, Field(ge=0.0, le=1.0, description="The futility cut rises as (patients seen / all)^shape")] = 0.0
    early_success: Annotated[bool, Field(description="Looks may also end with success")] = False
    look_times: Annotated[Fractions, Field(description="Interim looks, years from the first patient", json_schema_extra=unit("years"))] = ()
    prior: Annotated[Triples, Field(description="Beta mixture of S(milestone), each [weight, a, b]")] = ((1.0, 1.0, 1.0),)
    prior_file: Annotated[str | None, Field(description="prior.json of nextarm prior, instead of prior")] = None
    os_guard: Annotated[OsGuard | None, Field(description="What OS must show as well, with a uniform prior")] = None

    arms_needed: ClassVar[int] = 1

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is at most ``null_survival``."""
        return self.alpha if no_better_at(plan, against=self.null_survival) else None

    @property
    def formula_is_whole(self) -> bool:
        """Looks on the way are not in the formula."""
        return super().formula_is_whole and not self.look_times

    def problems(self, plan: Plan) -> list[Problem]:
        """Prior, looks and the milestone must be possible."""
        found = bayes_problems(plan, look_times=self.look_times, prior_file=self.prior_file, prior=self.prior)
        if self.os_guard is not None and self.early_success:
            found.append(Problem("early_success with os_guard", "", "success is read at the end where OS is guarded"))
        if self.os_guard is not None and self.os_guard.reference_se > 0.0:
            rule = "goes with one-arm-milestone: here OS, like EFS, is compared with a value taken as known"
            found.append(Problem(f"os_guard.reference_se = {self.os_guard.reference_se:g}", "", rule, "Leave it out"))
        return found + guard_problems(self.os_guard, plan, efs_margin=None, reference=True)

    def mixture(self, plan: Plan) -> FloatArray:
        """The prior as (components, 3)."""
        return mixture_in(plan, self.prior, self.prior_file)

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at their times and at the end of follow-up."""
        return bayes_schedule(plan, self.look_times)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide many trials at once."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """Success and futility at every look, in order."""
        prior, milestone, total = self.mixture(plan), plan.trial.milestone, plan.accrual_model().total

        def decide(data: LookData) -> Decisions:
            x, n = counts_seen(data, milestone)
            w, a, b = beta_posterior(x[..., 0], n[..., 0], prior)
            above = probability_above(a, b, w, self.null_survival)
            cut = self.futility * np.minimum(n[..., 0] / total, 1.0) ** self.shape
            return decide_in_order(above > self.threshold, above < cut, early=self.early_success)

        return decide

    def os_watch(self, plan: Plan) -> OsWatch:
        """OS in virtual trials: its posterior with a uniform prior against the reference's OS."""
        guard = self.os_guard
        assert guard is not None  # the caller looks
        return OsWatch(self.schedule(plan), PosteriorPassOneArm(1.0 - guard.passing_tail, _os_null(guard), plan.trial.milestone))

    def evaluate(self, plan: Plan) -> BayesOneArm:
        """Success at the last look; or what ``[solve]`` asks for."""
        prior, setting = self.mixture(plan), setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(plan, s, prior))
        mean, worth = prior_worth(prior)
        points = np.linspace(max(0.01, self.null_survival - 0.2), min(0.99, self.null_survival + 0.3), 26)
        error = self._success(setting, prior, self.null_survival)
        warnings = []
        if self.look_times:
            warnings.append("power and type I error are those of the last look alone; nextarm simulate shows them with the interim looks")
        if error > 1.1 * self.alpha:
            warnings.append(f"the type I error at S = {self.null_survival:g} is {error:.4f}, above alpha = {self.alpha:g}: raise threshold")
        return BayesOneArm(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(plan, setting, prior)),
            trail=Trail(
                method="one-arm Bayesian design: beta mixture prior of S(milestone), Kaplan-Meier worth its Greenwood patients",
                assumptions=(f"compared with a fixed S of {self.null_survival:g}: the error of a historical value is not in it",),
            ),
            warnings=tuple(warnings),
            null_survival=self.null_survival,
            threshold=self.threshold,
            type1_error=error,
            n_effective=self._worth(setting),
            prior_mean=mean,
            prior_patients=worth,
            curve=np.array([[s, self._success(setting, prior, float(s))] for s in points]),
            drift=self._drift(setting, prior),
            guard=None if self.os_guard is None else self._guarded(self.os_guard, plan, setting, prior),
        )

    def _power(self, plan: Plan, setting: Setting, prior: FloatArray) -> float:
        guard, alone = self.os_guard, self._success(setting, prior, None)
        return alone if guard is None else joint_power(guard, plan, setting, efs=alone, passing=partial(self._os_passing, guard))

    def _os_passing(self, guard: OsGuard, setting: Setting) -> float:
        """P(the guard passes): with a uniform prior, OS is above the reference less the margin with enough probability."""
        law = law_of_counts(setting.survival_at_milestone()[setting.experimental], self._worth(setting))
        return success_one_arm(law, prior=FLAT, null=_os_null(guard), threshold=1.0 - guard.passing_tail)

    def _guarded(self, guard: OsGuard, plan: Plan, setting: Setting, prior: FloatArray) -> Guarded:
        lost = with_survival(setting.truths[setting.experimental], setting.milestone, self.null_survival)
        margin = setting.survival_at_milestone()[setting.experimental] - self.null_survival
        return guarded(
            guard, plan, setting, efs=self._success(setting, prior, None), efs_lost=self._success(setting, prior, self.null_survival),
            lost=lost, margin=margin, passing=partial(self._os_passing, guard),
        )  # fmt: skip

    def _drift(self, setting: Setting, prior: FloatArray) -> tuple[NullDrift, ...]:
        gain = setting.survival_at_milestone()[setting.experimental] - self.null_survival
        rows = []
        for change in DRIFT:
            control = self.null_survival + change
            if 0.0 < control < 1.0:
                inside = 0.0 < control + gain < 1.0
                power = self._success(setting, prior, control + gain) if inside else None
                rows.append(NullDrift(change=change, control=control, type1_error=self._success(setting, prior, control), power=power))
        return tuple(rows)

    def _worth(self, setting: Setting) -> float:
        at, se = setting.survival_at_milestone()[setting.experimental], se_at(setting, None)
        return at * (1.0 - at) / se**2 if se > 0.0 else setting.accrual.total  # S of 0 or 1 has no variance

    def _success(self, setting: Setting, prior: FloatArray, survival: float | None) -> float:
        at = setting.survival_at_milestone()[setting.experimental] if survival is None else survival
        law = law_of_counts(at, self._worth(setting))
        return success_one_arm(law, prior=prior, null=self.null_survival, threshold=self.threshold)


@dataclass(frozen=True)
class PosteriorPassOneArm:
    """The guard passes where the posterior probability that OS exceeds ``null`` is above ``threshold``."""

    threshold: float
    null: float
    milestone: float

    def __call__(self, data: LookData) -> BoolArray:
        """Whether it passes, (trials, looks)."""
        x, n = counts_seen(data, self.milestone)
        w, a, b = beta_posterior(x[..., 0], n[..., 0], FLAT)
        return np.asarray(probability_above(a, b, w, self.null) > self.threshold, np.bool_)


def _os_null(guard: OsGuard) -> float:
    assert guard.reference is not None  # the plan was checked
    return guard.reference - guard.margin


def bayes_schedule(plan: Plan, look_times: tuple[float, ...]) -> Schedule:
    """Looks at fixed times; Kaplan-Meier at the milestone and follow-up to it are measured."""
    end = plan.accrual_model().study_duration
    milestone = plan.trial.milestone
    return Schedule(
        looks=tuple(Look(events=None, latest=t) for t in (*look_times, end)),
        statistic="none",
        null=0.0,
        milestone=milestone,
        measures=Measures(milestones=(milestone,), cuts=(milestone,)),
    )


def counts_seen(data: LookData, milestone: float) -> tuple[FloatArray, FloatArray]:
    """Survivors and patients each arm's estimate is worth at every look, (trials, looks, arms)."""
    seen = data.seen
    assert seen is not None  # the engine gives it
    return effective_counts(
        seen.survival[..., 0], seen.variance[..., 0], events=seen.piece_events[..., 0].astype(np.float64), exposure=seen.exposure[..., 0],
        milestone=milestone,
    )  # fmt: skip


def decide_in_order(success: BoolArray, futile: BoolArray, *, early: bool) -> Decisions:
    """The first look that stops; the last one decides. Arrays of shape (trials, looks)."""
    trials = len(success)
    good, bad = np.array(success, np.bool_), np.array(futile, np.bool_)
    if not early:
        good[:, :-1] = False
    stop = good | bad
    stop[:, -1] = True
    at = np.argmax(stop, axis=1)
    won = good[np.arange(trials), at]
    given_up: BoolArray = np.asarray(~won & (at < stop.shape[1] - 1), np.bool_)
    return Decisions(rejected_at=np.where(won, at, -1).astype(np.int64), stopped_at=at.astype(np.int64), futile=given_up)
