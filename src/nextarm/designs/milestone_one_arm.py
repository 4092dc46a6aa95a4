"""One arm against a milestone survival of a reference that is known exactly, or only as well as it was estimated.

Z = (g(S_hat(t)) - g(S_ref - margin)) / sqrt(se^2 + se_ref^2) on the plain or the cloglog scale; a margin above 0 makes it
a test that the outcome is maintained (non-inferiority on an absolute margin). Leaving out se_ref, as designs
against a "known" historical control do, makes the type I error what ``type1_if_taken_as_known`` says: with the
precision of 200 infants, a trial of 160 rejects a true null in 11 %, not 5 %. Whatever the test, the control may have
drifted since: ``drift`` shows the rejection probability when today's control is better by that much.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule, decide_once
from nextarm.designs.one_arm_rejection import Rejection, se_at
from nextarm.designs.os_guard import (
    Guarded,
    NormalPass,
    OsGuard,
    OsWatch,
    guard_columns,
    guard_problems,
    guarded,
    joint_power,
    with_survival,
)
from nextarm.designs.reference import Reference, reference_of
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


@record
class Drift:
    """Rejection probabilities when the control's true milestone survival is ``change`` above the reference's estimate.

    The arm is at the null (the reference, less the margin if there is one) but for the change. ``rejection`` with the
    reference's error in the test, ``rejection_if_known`` with the reference taken as known.
    """

    change: float
    survival: float
    rejection: float
    rejection_if_known: float


@record
class OneArmMilestone(DesignResult):
    """Characteristics of a one-arm milestone design.

    ``power`` averages over the sampling error of the reference's estimate, ``power_given_reference`` takes the estimate
    as it is in hand (what a simulation against the fixed estimate shows). ``se`` of S_hat(milestone) under the plan's
    truth and ``se_null`` under the null, ``reference_se`` of the reference (0 if fixed), ``critical_survival`` the smallest
    S_hat that rejects. ``drift``: rejection when the control has changed; at no change it is the type I error.
    """

    margin: float
    reference_survival: float
    reference_se: float
    reference_fixed: bool
    scale: str
    se: float
    se_null: float
    critical_survival: float
    power_given_reference: float
    type1_error: float
    type1_if_taken_as_known: float
    drift: tuple[Drift, ...]
    guard: Guarded | None = None

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Type I error, and rejection when the control has drifted; what the guard of OS does, where there is one."""
        own = {"type1_error": self.type1_error, "power_given_reference": self.power_given_reference}
        return own | drift_columns(self.drift) | guard_columns(self.guard)

    def drift_table(self) -> pl.DataFrame:
        """One row for each change of the control: rejection with the reference's error in the test and without."""
        import polars as pl

        names = ("change", "survival", "rejection", "rejection_if_known")
        return pl.DataFrame([{n: getattr(row, n) for n in names} for row in self.drift])


class OneArmMilestoneTable(DesignTable):
    """``[design]`` of a one-arm milestone trial."""

    kind: Literal["one-arm-milestone"] = "one-arm-milestone"
    scale: Annotated[Literal["cloglog", "plain"], Field(description="Scale of the test statistic")] = "cloglog"
    margin: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Absolute non-inferiority margin in S", json_schema_extra=unit("proportion"))
    ] = 0.0
    os_guard: Annotated[OsGuard | None, Field(description="What OS must show as well")] = None

    arms_needed: ClassVar[int] = 1
    needs_reference: ClassVar[bool] = True

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is no better than the null's."""
        return self.alpha if no_better_at(plan, loss=self.margin) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """The analysis must come after somebody has been followed to the milestone; the effect must be one."""
        found = late_enough(plan) + guard_problems(self.os_guard, plan, efs_margin=self.margin, reference=True)
        at, ref = plan.survival_at(plan.trial.milestone)[plan.experimental], reference_of(plan)
        null = ref.survival - self.margin
        if null <= 0.0:
            found.append(Problem(f"margin = {self.margin:g}", "", f"must be below the reference's survival of {ref.survival:.4g}"))
        elif plan.solve is not None and plan.solve.for_ not in ("effect", "power") and at <= null:
            rule = f"must be above {null:.4g} at {plan.trial.milestone:g} years (reference less margin) to solve for {plan.solve.for_}"
            found.append(Problem(f"kind = {self.kind!r} with an arm at {at:.4g}", "", rule))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up."""
        ref = reference_of(plan)
        return Schedule(
            looks=(Look(events=None, latest=plan.accrual_model().study_duration),),
            statistic="milestone-one-arm",
            null=ref.survival - self.margin,
            milestone=plan.trial.milestone,
            scale=self.scale,
            reference_se=ref.se,
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def os_watch(self, plan: Plan) -> OsWatch:
        """OS in virtual trials, by the same test against the reference's OS."""
        guard = self.os_guard
        assert guard is not None  # the caller looks
        assert guard.reference is not None  # the plan was checked
        own = replace(self.schedule(plan), null=guard.reference - guard.margin, reference_se=guard.reference_se)
        return OsWatch(own, NormalPass(z_of(guard.passing_tail)))

    def evaluate(self, plan: Plan) -> OneArmMilestone:
        """Power, type I error, drift; or what ``[solve]`` asks for."""
        ref = reference_of(plan)
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(plan, s, ref))
        return self._result(plan, setting, ref, solve_for)

    def _rejection(self, setting: Setting, ref: Reference) -> Rejection:
        return Rejection(setting, ref, scale=self.scale, critical=z_of(self.alpha), margin=self.margin)

    def _alone(self, setting: Setting, ref: Reference) -> float:
        at = setting.survival_at_milestone()[setting.experimental]
        return self._rejection(setting, ref).probability(at, test_se=ref.se)

    def _power(self, plan: Plan, setting: Setting, ref: Reference) -> float:
        guard, alone = self.os_guard, self._alone(setting, ref)
        if guard is None:
            return alone
        return joint_power(guard, plan, setting, efs=alone, passing=partial(self._os_passing, guard), reference_se=ref.se)

    def _os_passing(self, guard: OsGuard, setting: Setting) -> float:
        assert guard.reference is not None  # the plan was checked
        known = Reference(survival=guard.reference, se=guard.reference_se, fixed=guard.reference_se == 0.0)
        test = Rejection(setting, known, scale=self.scale, critical=z_of(guard.passing_tail), margin=guard.margin)
        return test.probability(setting.survival_at_milestone()[setting.experimental], test_se=known.se)

    def _guarded(self, guard: OsGuard, plan: Plan, setting: Setting, ref: Reference) -> Guarded:
        lost = with_survival(setting.truths[setting.experimental], setting.milestone, ref.survival - self.margin)
        losing = replace(setting, truths=setting.truths | {setting.experimental: lost})
        return guarded(
            guard, plan, setting, efs=self._alone(setting, ref), efs_lost=self._alone(losing, ref), lost=lost, margin=self.margin,
            passing=partial(self._os_passing, guard), reference_se=ref.se,
        )  # fmt: skip

    def _result(self, plan: Plan, setting: Setting, ref: Reference, solve_for: str) -> OneArmMilestone:
        test, null = self._rejection(setting, ref), ref.survival - self.margin
        at = setting.survival_at_milestone()[setting.experimental]
        rows = tuple(
            Drift(
                change=d,
                survival=null + d,
                rejection=test.probability(null + d, test_se=ref.se),
                rejection_if_known=test.probability(null + d, test_se=0.0),
            )
            for d in (plan.reference.drift if plan.reference else ())
            if 0.0 < null + d < 1.0
        )
        type1, naive = test.probability(null, test_se=ref.se), test.probability(null, test_se=0.0)
        warnings = list(ref.warnings)
        if naive > 1.1 * self.alpha:
            warnings.append(
                f"taking the reference as known would make the type I error {naive:.3f} instead of {self.alpha:g}; "
                "its standard error is part of this test"
            )
        if type1 > 1.1 * self.alpha:
            warnings.append(f"the true type I error is {type1:.3f}, above the nominal {self.alpha:g}")
        return OneArmMilestone(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(plan, setting, ref)),
            trail=Trail(
                method=f"one-arm milestone design, {self.scale} scale, expected Greenwood variance, reference "
                + ("declared known without error" if ref.fixed else f"with standard error {ref.se:.4g}"),
                assumptions=ref.assumptions,
                rows=ref.rows,
                sources=ref.sources,
            ),
            warnings=tuple(warnings),
            margin=self.margin,
            reference_survival=ref.survival,
            reference_se=ref.se,
            reference_fixed=ref.fixed,
            scale=self.scale,
            se=se_at(setting, None),
            se_null=se_at(setting, null),
            critical_survival=float(test.critical_survival(ref.survival, ref.se)[0]),
            power_given_reference=test.probability(at, test_se=ref.se, known=True),
            type1_error=type1,
            type1_if_taken_as_known=naive,
            drift=rows,
            guard=None if self.os_guard is None else self._guarded(self.os_guard, plan, setting, ref),
        )


def drift_columns(drift: tuple[Drift, ...]) -> dict[str, float]:
    """Rejection for each change of the control, named for a table of one row."""
    return {f"rejection_if_control_is_{row.change:+g}": row.rejection for row in drift if row.change != 0.0}


def late_enough(plan: Plan) -> list[Problem]:
    """A milestone can only be read after somebody has been followed to it."""
    end, milestone = plan.accrual_model().study_duration, plan.trial.milestone
    if end <= milestone:
        rule = f"nobody is followed to the milestone of {milestone:g} years by the analysis at {end:g} years"
        return [Problem(f"kind = {plan.design.kind!r}", "", rule, "Lengthen accrual.follow_up or choose an earlier milestone")]
    return []


def z_of(tail: float) -> float:
    """Upper normal quantile: z with P(Z > z) = ``tail``."""
    from scipy.special import ndtri

    return -float(ndtri(tail))
