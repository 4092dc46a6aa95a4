"""One arm against a milestone survival of a reference that is known exactly, or only as well as it was estimated.

Z = (g(S_hat(t)) - g(S_ref - margin)) / sqrt(se^2 + se_ref^2) on the plain or the cloglog scale; a margin above 0 makes it
a test that the outcome is maintained (non-inferiority on an absolute margin). Leaving out se_ref, as designs
against a "known" historical control do, makes the type I error what ``type1_if_taken_as_known`` says: with the
precision of 200 infants, a trial of 160 rejects a true null in 11 %, not 5 %. Whatever the test, the control may have
drifted since: ``drift`` shows the rejection probability when today's control is better by that much.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule, decide_once
from nextarm.designs.km_variance import kaplan_meier_se, on_scale, se_on_scale
from nextarm.designs.reference import Reference, reference_of
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan


@record
class Drift:
    """Rejection probabilities when the control's true milestone survival is ``change`` above the reference's estimate.

    The treatment has no effect in these rows: the arm survives as today's control does. ``rejection`` with the
    reference's error in the test, ``rejection_if_known`` with the reference taken as known.
    """

    change: float
    survival: float
    rejection: float
    rejection_if_known: float


@record
class OneArmMilestone(DesignResult):
    """Characteristics of a one-arm milestone design.

    ``se`` of S_hat(milestone) under the plan's truth and ``se_null`` under the reference, ``reference_se`` of the
    reference (0 if fixed), ``critical_survival`` the smallest S_hat that rejects (with ``se_null``), ``drift`` the
    table of rejection under a control that has changed; the first row at no change is the type I error.
    """

    margin: float
    reference_survival: float
    reference_se: float
    reference_fixed: bool
    scale: str
    se: float
    se_null: float
    critical_survival: float
    type1_error: float
    type1_if_taken_as_known: float
    drift: tuple[Drift, ...]

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

    arms_needed: ClassVar[int] = 1
    needs_reference: ClassVar[bool] = True

    def problems(self, plan: Plan) -> list[Problem]:
        """The analysis must come after somebody has been followed to the milestone; the effect must be one."""
        found = late_enough(plan)
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

    def evaluate(self, plan: Plan) -> OneArmMilestone:
        """Power, type I error, drift; or what ``[solve]`` asks for."""
        ref = reference_of(plan)
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._power(s, ref))
        return self._result(plan, setting, ref, solve_for)

    def _power(self, setting: Setting, ref: Reference) -> float:
        return power_against(setting, survival=None, reference=ref, test_se=ref.se, scale=self.scale, alpha=self.alpha, margin=self.margin)

    def _result(self, plan: Plan, setting: Setting, ref: Reference, solve_for: str) -> OneArmMilestone:
        def at(survival: float | None, test_se: float) -> float:
            return power_against(
                setting, survival=survival, reference=ref, test_se=test_se, scale=self.scale, alpha=self.alpha, margin=self.margin
            )

        rows = tuple(
            Drift(change=d, survival=ref.survival + d, rejection=at(ref.survival + d, ref.se), rejection_if_known=at(ref.survival + d, 0.0))
            for d in (plan.reference.drift if plan.reference else ())
            if 0.0 < ref.survival + d < 1.0
        )
        null = ref.survival - self.margin
        null_se = se_at(setting, null)
        spread = math.hypot(se_on_scale(null, null_se, self.scale), se_on_scale(null, ref.se, self.scale))
        limit = on_scale(null, self.scale) + z_of(self.alpha) * spread
        critical = limit if self.scale == "plain" else math.exp(-math.exp(-limit))
        type1, naive = at(null, ref.se), at(null, 0.0)
        warnings = list(ref.warnings)
        if naive > 1.1 * self.alpha:
            warnings.append(
                f"taking the reference as known would make the type I error {naive:.3f} instead of {self.alpha:g}; "
                "its standard error is part of this test"
            )
        own_se = se_at(setting, None)
        return OneArmMilestone(
            **common_fields(plan, setting, solved_for=solve_for, power=at(None, ref.se)),
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
            se=own_se,
            se_null=null_se,
            critical_survival=min(max(critical, 0.0), 1.0),
            type1_error=type1,
            type1_if_taken_as_known=naive,
            drift=rows,
        )


def power_against(
    setting: Setting, *, survival: float | None, reference: Reference, test_se: float, scale: str, alpha: float, margin: float
) -> float:
    """Probability that the test rejects S <= S_ref - ``margin`` when the arm's milestone survival is ``survival``.

    ``survival`` None: the arm's own truth. The reference's estimate varies with its standard error in truth, whether or
    not the test allows for it (``test_se``): that is what a test that takes it as known gets wrong.
    """
    from scipy.special import ndtr

    truth = setting.survival_at_milestone()[setting.experimental] if survival is None else survival
    null = reference.survival - margin
    if truth >= 1.0 or truth <= 0.0:
        return 1.0 if truth >= 1.0 else 0.0
    se = se_at(setting, survival)
    if not math.isfinite(se):
        return 0.0
    own, ref = se_on_scale(truth, se, scale), se_on_scale(null, reference.se, scale)
    assumed = se_on_scale(null, test_se, scale)
    gap = on_scale(truth, scale) - on_scale(null, scale)
    return float(ndtr((gap - z_of(alpha) * math.hypot(own, assumed)) / math.hypot(own, ref)))


def se_at(setting: Setting, survival: float | None) -> float:
    """Standard error of S_hat(milestone) of the experimental arm; for another ``survival`` hazards are scaled to it.

    Infinity where nobody reaches the milestone by the analysis.
    """
    from nextarm.designs.truths import ProportionalHazards

    name = setting.experimental
    model = setting.truths[name]
    if survival is not None:
        own = setting.survival_at_milestone()[name]
        model = ProportionalHazards(base=model, hazard_ratio=math.log(survival) / math.log(own)) if 0.0 < own < 1.0 else model
    se = kaplan_meier_se(
        model, accrual=setting.accrual, analysis_time=setting.analysis_time, milestone=setting.milestone, share=setting.shares[name]
    )
    return math.inf if se is None else se


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
