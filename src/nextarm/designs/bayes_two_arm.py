"""Two arms, time to event, Bayesian: success where P(S1(t) > S0(t) - margin) is large enough, the control borrowing from history.

The control's prior is a (robust) beta mixture of S(milestone), written out or read from ``prior.json``; the experimental arm's is
vague. How wrong history could be is printed beside: ``drift`` has type I error and power when today's control differs from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bayes_one_arm import FLAT, bayes_schedule, counts_seen, decide_in_order
from nextarm.designs.bayes_prior import Triples, bayes_problems, mixture_in, prior_worth
from nextarm.designs.bayes_success import success_two_arms
from nextarm.designs.design import BLOCKED, Decisions, DesignResult, DesignTable, LookData, Schedule
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.os_guard import Guarded, OsGuard, OsWatch, guard_columns, guard_problems, guarded, joint_power, with_survival
from nextarm.designs.predictive_stopping import Fractions
from nextarm.designs.seam import BoolArray
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.survival_posterior import beta_posterior, better_than
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

#: True control survival relative to the prior's mean at which type I error and power are shown.
DRIFT = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)


@record
class ControlDrift:
    """Success when the control's true S is ``control``: with the arms alike, and with the plan's difference."""

    control: float
    type1_error: float
    power: float | None
    power_without_borrowing: float | None


@record
class BayesTwoArm(DesignResult):
    """Characteristics at the last look without interim looks; ``simulate`` shows them with.

    ``type1_error`` at the plan's control; ``n_effective`` patients of complete follow-up each arm's estimate is worth;
    ``power_without_borrowing`` with a uniform prior in the control's place.
    """

    threshold: float
    margin: float
    type1_error: float
    power_without_borrowing: float
    n_effective: dict[str, float]
    prior_mean: float
    prior_patients: float
    drift: tuple[ControlDrift, ...]
    guard: Guarded | None = None

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Type I error and power where the control drifts, what the borrowing buys, and what the guard of OS does."""
        drifted: dict[str, float | str | bool | None] = {}
        for row in self.drift:
            at = f"if_control_is_{row.control:.3g}"
            drifted |= {f"type1_error_{at}": row.type1_error, f"power_{at}": row.power}
        return {
            "threshold": self.threshold,
            "margin": self.margin,
            "type1_error": self.type1_error,
            "power_without_borrowing": self.power_without_borrowing,
            "prior_mean": self.prior_mean,
            "prior_patients": self.prior_patients,
            **drifted,
            **guard_columns(self.guard),
        }

    def drift_table(self) -> pl.DataFrame:
        """One row for each true control."""
        import polars as pl

        names = ("control", "type1_error", "power", "power_without_borrowing")
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.drift])


class BayesTwoArmTable(DesignTable):
    """``[design]`` of a randomised Bayesian trial of S(milestone)."""

    kind: Literal["bayes-two-arm"] = "bayes-two-arm"
    threshold: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Success if P(better) exceeds it", json_schema_extra=unit("proportion"))
    ] = 0.975
    margin: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Absolute non-inferiority margin in S", json_schema_extra=unit("proportion"))
    ] = 0.0
    futility: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Stop if P(better) is below it at a look", json_schema_extra=unit("proportion"))
    ] = 0.0
    early_success: Annotated[bool, Field(description="Looks may also end with success")] = False
    look_times: Annotated[Fractions, Field(description="Interim looks, years from the first patient", json_schema_extra=unit("years"))] = ()
    control_prior: Annotated[Triples, Field(description="Beta mixture of the control's S(milestone), each [weight, a, b]")] = (
        (1.0, 1.0, 1.0),
    )
    prior_file: Annotated[str | None, Field(description="prior.json of nextarm prior, instead of control_prior")] = None
    experimental_prior: Annotated[Triples, Field(description="Beta mixture of the experimental arm")] = ((1.0, 1.0, 1.0),)
    os_guard: Annotated[OsGuard | None, Field(description="What OS must show as well, with uniform priors")] = None

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is no better than the null's."""
        return self.alpha if no_better_at(plan, loss=self.margin) else None

    @property
    def formula_is_whole(self) -> bool:
        """Looks on the way are not in the formula."""
        return super().formula_is_whole and not self.look_times

    def problems(self, plan: Plan) -> list[Problem]:
        """Priors, looks and the milestone must be possible."""
        found = bayes_problems(
            plan, look_times=self.look_times, prior_file=self.prior_file, control_prior=self.control_prior,
            experimental_prior=self.experimental_prior,
        )  # fmt: skip
        control = plan.survival_at(plan.trial.milestone)[plan.control]
        if self.margin > 0.0 and self.margin >= control:
            found.append(Problem(f"margin = {self.margin:g}", "", f"must be below the control's S of {control:.4g} at the milestone"))
        if self.os_guard is not None and self.early_success:
            found.append(Problem("early_success with os_guard", "", "success is read at the end where OS is guarded"))
        return found + guard_problems(self.os_guard, plan, efs_margin=self.margin, reference=False)

    def mixture(self, plan: Plan) -> FloatArray:
        """The control's prior as (components, 3)."""
        return mixture_in(plan, self.control_prior, self.prior_file)

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at their times and at the end of follow-up."""
        return bayes_schedule(plan, self.look_times)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide many trials at once."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """Success and futility at every look, in order."""
        prior, other, milestone = self.mixture(plan), np.array(self.experimental_prior), plan.trial.milestone

        def decide(data: LookData) -> Decisions:
            x, n = counts_seen(data, milestone)
            shape = x.shape[:2]
            control = beta_posterior(x[..., 0].ravel(), n[..., 0].ravel(), prior)
            new = beta_posterior(x[..., 1].ravel(), n[..., 1].ravel(), other)
            success = better_than(self.threshold, control, new, margin=self.margin).reshape(shape)
            futile: BoolArray = np.zeros(shape, np.bool_)
            if self.futility > 0.0 and shape[1] > 1:
                futile = ~better_than(self.futility, control, new, margin=self.margin).reshape(shape)
            return decide_in_order(success, futile, early=self.early_success)

        return decide

    def os_watch(self, plan: Plan) -> OsWatch:
        """OS in virtual trials: its posterior with uniform priors."""
        guard = self.os_guard
        assert guard is not None  # the caller looks
        return OsWatch(self.schedule(plan), PosteriorPass(1.0 - guard.passing_tail, guard.margin, plan.trial.milestone))

    def evaluate(self, plan: Plan) -> BayesTwoArm:
        """Success at the last look over a grid of drift; or what ``[solve]`` asks for."""
        prior, setting = self.mixture(plan), setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(plan, s, prior))
        p0, p1 = _planned(setting)
        mean, patients = prior_worth(prior)
        rows = []
        for change in DRIFT:
            s, t = mean + change, mean + change + (p1 - p0)
            if not (0.0 < s < 1.0 and 0.0 < s - self.margin < 1.0):
                continue
            inside = 0.0 < t < 1.0
            rows.append(
                ControlDrift(
                    control=s,
                    type1_error=self._success(setting, prior, s, s - self.margin),
                    power=self._success(setting, prior, s, t) if inside else None,
                    power_without_borrowing=self._success(setting, FLAT, s, t) if inside else None,
                )
            )
        warnings = []
        if self.look_times:
            warnings.append("power and type I error are those of the last look alone; nextarm simulate shows them with the interim looks")
        worst = max(rows, key=lambda r: r.type1_error)
        if worst.type1_error > 1.1 * self.alpha:
            warnings.append(
                f"the type I error reaches {worst.type1_error:.3f} when the control's true S is {worst.control:.3g}: history is then wrong"
            )
        return BayesTwoArm(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(plan, setting, prior)),
            trail=Trail(
                method="two-arm Bayesian design: beta mixture prior of the control's S, Kaplan-Meier worth its Greenwood patients",
                assumptions=(BLOCKED,),
                inputs=() if self.prior_file is None else (f"the prior in {self.prior_file.rsplit('/', 1)[-1]}",),
            ),
            warnings=tuple(warnings),
            threshold=self.threshold,
            margin=self.margin,
            type1_error=self._success(setting, prior, p0, p0 - self.margin),
            power_without_borrowing=self._success(setting, FLAT, p0, p1),
            n_effective=worth_of(setting),
            prior_mean=mean,
            prior_patients=patients,
            drift=tuple(rows),
            guard=None if self.os_guard is None else self._guarded(self.os_guard, plan, setting, prior),
        )

    def _power(self, plan: Plan, setting: Setting, prior: FloatArray) -> float:
        guard, alone = self.os_guard, self._success(setting, prior, *_planned(setting))
        return alone if guard is None else joint_power(guard, plan, setting, efs=alone, passing=partial(os_passing, guard))

    def _guarded(self, guard: OsGuard, plan: Plan, setting: Setting, prior: FloatArray) -> Guarded:
        p0, p1 = _planned(setting)
        return guarded(
            guard, plan, setting, efs=self._success(setting, prior, p0, p1), efs_lost=self._success(setting, prior, p0, p0 - self.margin),
            lost=with_survival(setting.truths[setting.control], setting.milestone, p0 - self.margin), margin=self.margin,
            passing=partial(os_passing, guard),
        )  # fmt: skip

    def _success(self, setting: Setting, prior: FloatArray, control: float, experimental: float) -> float:
        worth = worth_of(setting)
        return success_two_arms(
            (control, worth[setting.control]),
            (experimental, worth[setting.experimental]),
            prior=prior,
            experimental_prior=np.array(self.experimental_prior),
            threshold=self.threshold,
            margin=self.margin,
        )


@dataclass(frozen=True)
class PosteriorPass:
    """The guard passes where the posterior probability, with uniform priors, of a loss of OS below ``margin`` exceeds ``certain``."""

    certain: float
    margin: float
    milestone: float

    def __call__(self, data: LookData) -> BoolArray:
        """Whether it passes, (trials, looks)."""
        x, n = counts_seen(data, self.milestone)
        control, new = (beta_posterior(x[..., k].ravel(), n[..., k].ravel(), FLAT) for k in (0, 1))
        return better_than(self.certain, control, new, margin=self.margin).reshape(x.shape[:2])


def os_passing(guard: OsGuard, setting: Setting) -> float:
    """P(the guard passes): with uniform priors, OS is within the margin with enough probability, or not shown beyond it."""
    at, worth = setting.survival_at_milestone(), worth_of(setting)
    control, new = ((at[name], worth[name]) for name in (setting.control, setting.experimental))
    return success_two_arms(control, new, prior=FLAT, experimental_prior=FLAT, threshold=1.0 - guard.passing_tail, margin=guard.margin)


def worth_of(setting: Setting) -> dict[str, float]:
    """Patients of complete follow-up that each arm's estimate of S(milestone) is worth at the analysis."""
    made = {}
    for name, at in setting.survival_at_milestone().items():
        se = kaplan_meier_se(
            setting.truths[name],
            accrual=setting.accrual,
            analysis_time=setting.analysis_time,
            milestone=setting.milestone,
            share=setting.shares[name],
        )
        made[name] = at * (1.0 - at) / se**2 if se else setting.accrual.total * setting.shares[name]
    return made


def _planned(setting: Setting) -> tuple[float, float]:
    at = setting.survival_at_milestone()
    return at[setting.control], at[setting.experimental]
