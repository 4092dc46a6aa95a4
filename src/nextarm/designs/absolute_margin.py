"""Two arms compared at a milestone: non-inferiority on an absolute margin in S(t), or with margin 0 superiority.

Z = (S1_hat(t) - S0_hat(t) + margin) / sqrt(se0^2 + se1^2), each arm's variance the expected Greenwood sum under accrual
and dropout at the alternative. The question of children who do so well that less treatment is conceivable.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Schedule, decide_once
from nextarm.designs.formula_error import formula_warning
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.milestone_one_arm import late_enough, z_of
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
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


@record
class AbsoluteMargin(DesignResult):
    """Characteristics of a two-arm design on S(milestone).

    ``difference`` S1 - S0 in truth, ``se`` of its estimate, ``critical_difference`` the smallest estimated difference
    that rejects.
    """

    margin: float
    difference: float
    se: float
    critical_difference: float
    guard: Guarded | None = None

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """What the guard of OS does, where there is one."""
        return guard_columns(self.guard)


class AbsoluteMarginTable(DesignTable):
    """``[design]`` of a two-arm trial on an absolute margin in S at the milestone."""

    kind: Literal["absolute-margin"] = "absolute-margin"
    margin: Annotated[
        float,
        Field(ge=0.0, lt=1.0, description="The largest loss of S accepted; 0 tests superiority", json_schema_extra=unit("proportion")),
    ]
    os_guard: Annotated[OsGuard | None, Field(description="What OS must show as well")] = None

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is no better than the null's."""
        return self.alpha if no_better_at(plan, loss=self.margin) else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Somebody must be followed to the milestone; the truth must lie inside the margin to solve for a size."""
        found = late_enough(plan) + guard_problems(self.os_guard, plan, efs_margin=self.margin, reference=False)
        at = plan.survival_at(plan.trial.milestone)
        difference = at[plan.experimental] - at[plan.control]
        if plan.solve is not None and plan.solve.for_ not in ("effect", "power") and difference + self.margin <= 0.0:
            rule = (
                f"the true difference at {plan.trial.milestone:g} years is {difference:+.4g}: outside the margin, no size reaches the power"
            )
            found.append(Problem(f"margin = {self.margin:g}", "", rule))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up."""
        return Schedule(
            looks=(Look(events=None, latest=plan.accrual_model().study_duration),),
            statistic="milestone-difference",
            null=-self.margin,
            milestone=plan.trial.milestone,
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def os_watch(self, plan: Plan) -> OsWatch:
        """OS in virtual trials, by the same test."""
        guard = self.os_guard
        assert guard is not None  # the caller looks
        return OsWatch(replace(self.schedule(plan), null=-guard.margin), NormalPass(z_of(guard.passing_tail)))

    def evaluate(self, plan: Plan) -> AbsoluteMargin:
        """Power at the plan, or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=partial(self._power, plan))
        se = difference_se(setting)
        at = setting.survival_at_milestone()
        return AbsoluteMargin(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(plan, setting)),
            trail=Trail(
                method=f"difference of Kaplan-Meier estimates at {setting.milestone:g} years, expected Greenwood variance",
                assumptions=("the survival truths, accrual and dropout of the plan",),
            ),
            warnings=formula_warning("S", setting.accrual.total),
            margin=self.margin,
            difference=at[setting.experimental] - at[setting.control],
            se=se,
            critical_difference=-self.margin + z_of(self.alpha) * se,
            guard=None if self.os_guard is None else self._guarded(self.os_guard, plan, setting),
        )

    def power(self, setting: Setting) -> float:
        """P(Z >= z_alpha) in ``setting``, without a guard; 0 while nobody reaches the milestone."""
        return margin_power(setting, margin=self.margin, tail=self.alpha)

    def _power(self, plan: Plan, setting: Setting) -> float:
        guard, alone = self.os_guard, self.power(setting)
        return alone if guard is None else joint_power(guard, plan, setting, efs=alone, passing=partial(os_passing, guard))

    def _guarded(self, guard: OsGuard, plan: Plan, setting: Setting) -> Guarded:
        base = setting.truths[setting.control]
        lost = with_survival(base, setting.milestone, float(base.survival(np.asarray(setting.milestone))) - self.margin)
        losing = replace(setting, truths=setting.truths | {setting.experimental: lost})
        return guarded(
            guard, plan, setting, efs=self.power(setting), efs_lost=self.power(losing), lost=lost, margin=self.margin,
            passing=partial(os_passing, guard),
        )  # fmt: skip


def os_passing(guard: OsGuard, setting: Setting) -> float:
    """P(the guard passes) in a two-arm trial with a normal test of OS."""
    return margin_power(setting, margin=guard.margin, tail=guard.passing_tail)


def margin_power(setting: Setting, *, margin: float, tail: float) -> float:
    """P(Z of S1 - S0 + ``margin`` reaches the upper normal quantile of ``tail``); 0 while nobody reaches the milestone."""
    from scipy.special import ndtr

    se = difference_se(setting)
    if not math.isfinite(se):
        return 0.0
    at = setting.survival_at_milestone()
    gap = at[setting.experimental] - at[setting.control] + margin
    if se == 0.0:
        return 1.0 if gap > 0.0 or (gap == 0.0 and tail > 0.5) else 0.0
    return float(ndtr(gap / se - z_of(tail)))


def difference_se(setting: Setting) -> float:
    """Standard error of S1_hat - S0_hat at the milestone; infinity while nobody is followed to it."""
    found = [
        kaplan_meier_se(
            setting.truths[name],
            accrual=setting.accrual,
            analysis_time=setting.analysis_time,
            milestone=setting.milestone,
            share=setting.shares[name],
        )
        for name in (setting.control, setting.experimental)
    ]
    return math.hypot(*(math.inf if se is None else se for se in found))
