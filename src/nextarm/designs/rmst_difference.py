"""Two arms, difference of restricted mean survival times up to tau, superior or not worse by more than a margin.

The large-sample variance of an RMST from N patients, share q(s) of whom would still be under observation s years after
entry if nothing happened, is int_0^tau A(s)^2 f(s) / (S(s)^2 q(s)) ds / N with A(s) = int_s^tau S: Greenwood's sum with the
area still to come in place of S(t). RMST needs no proportional hazards; its difference is in years of life without event.
Reference: Royston and Parmar 2013, doi 10.1186/1471-2288-13-152.

A guard of OS (:mod:`nextarm.designs.os_guard`) looks at overall survival at the milestone. With complete follow-up the RMST of an arm is
the mean of min(T, tau) and its OS the share alive at t, so that their covariance is (E[min(T, tau); alive at t] - RMST S_O(t)) / n.
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
from nextarm.core.units import FloatArray
from nextarm.designs.absolute_margin import os_passing
from nextarm.designs.accrual import Accrual
from nextarm.designs.design import BLOCKED, Decisions, DesignResult, DesignTable, Look, LookData, Measures, Schedule, decide_once
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.formula_error import formula_warning
from nextarm.designs.milestone_one_arm import late_enough, z_of
from nextarm.designs.os_guard import Guarded, NormalPass, OsGuard, OsWatch, guard_columns, guard_problems, guarded, joint_power
from nextarm.designs.overall_survival import OverallSurvival, years_of_survivors
from nextarm.designs.quadrature import follow_up_nodes, gauss_legendre
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME
from nextarm.designs.truths import Distribution, ProportionalHazards, break_points
from nextarm.survival.roots import brentq

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


#: The largest log hazard ratio by which a truth is scaled to lose restricted mean survival.
_MOST = 12.0


@record
class RmstDesign(DesignResult):
    """Characteristics of a two-arm design on RMST(tau), in years: ``rmst`` of each arm, their ``difference``, its ``se``.

    ``critical_difference`` is the smallest estimated difference that rejects.
    """

    tau: float
    margin: float
    rmst: dict[str, float]
    difference: float
    se: float
    critical_difference: float
    guard: Guarded | None = None

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """tau and the difference; what the guard of OS does, where there is one."""
        own = {"tau": self.tau, "difference": self.difference, "se": self.se, "critical_difference": self.critical_difference}
        return own | guard_columns(self.guard)

    def titles(self) -> dict[str, str]:
        """Each with the restriction time."""
        up_to = f"up to {self.tau:g} years"
        return {
            "tau": "Restriction time of RMST, years",
            "difference": f"RMST difference {up_to}, years",
            "se": f"its standard error {up_to}, years",
            "critical_difference": f"Smallest RMST difference {up_to} that rejects, years",
        }


class RmstDifferenceTable(DesignTable):
    """``[design]`` of a two-arm trial on the difference of restricted mean survival times."""

    kind: Literal["rmst-difference"] = "rmst-difference"
    tau: Annotated[
        float | None, Field(gt=0.0, description="Restriction time; default: the trial's milestone", json_schema_extra=unit("years"))
    ] = None
    margin: Annotated[
        float, Field(ge=0.0, description="The largest loss of mean survival accepted; 0 tests superiority", json_schema_extra=unit("years"))
    ] = 0.0
    os_guard: Annotated[OsGuard | None, Field(description="What OS at the milestone must show as well")] = None

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the restricted mean is no better than the null's."""
        truths, tau = plan.truths(), self.restriction(plan)
        gain = restricted_mean(truths[plan.experimental], tau) - restricted_mean(truths[plan.control], tau)
        return self.alpha if gain <= SAME - self.margin else None

    def restriction(self, plan: Plan) -> float:
        """tau, years."""
        return plan.trial.milestone if self.tau is None else self.tau

    def problems(self, plan: Plan) -> list[Problem]:
        """Somebody must be followed to tau; the truth must lie inside the margin to solve for a size."""
        end, tau, found = plan.accrual_model().study_duration, self.restriction(plan), []
        if end <= tau:
            rule = f"nobody is followed to {tau:g} years by the analysis at {end:g} years"
            found.append(Problem(f"tau = {tau:g}", "", rule, "Lengthen accrual.follow_up or choose an earlier tau"))
        elif plan.solve is not None and plan.solve.for_ not in ("effect", "power"):
            truths = plan.truths()
            gap = restricted_mean(truths[plan.experimental], tau) - restricted_mean(truths[plan.control], tau)
            if gap + self.margin <= 0.0:
                rule = f"the true difference of {gap:+.4g} years lies outside the margin, no size reaches the power"
                found.append(Problem(f"margin = {self.margin:g}", "", rule))
        return found + self._guard_problems(plan)

    def _guard_problems(self, plan: Plan) -> list[Problem]:
        """OS must be seen at the milestone, and the control must have the margin to lose."""
        if self.os_guard is None:
            return []
        found = late_enough(plan) + guard_problems(self.os_guard, plan, efs_margin=self.margin, reference=False)
        if not found and with_mean_lost(plan.truths()[plan.control], self.restriction(plan), self.margin) is None:
            rule = "with os_guard must be a loss that higher hazards can bring about in the control arm"
            found.append(Problem(f"margin = {self.margin:g}", "", rule, "Choose a smaller margin"))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up."""
        return Schedule(
            looks=(Look(events=None, latest=plan.accrual_model().study_duration),),
            statistic="rmst-difference",
            null=-self.margin,
            milestone=plan.trial.milestone,
            measures=Measures(tau=self.restriction(plan)),
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def os_watch(self, plan: Plan) -> OsWatch:
        """OS in virtual trials, by the difference of survival at the milestone."""
        guard = self.os_guard
        assert guard is not None  # the caller looks
        looks = self.schedule(plan).looks
        watched = Schedule(looks=looks, statistic="milestone-difference", null=-guard.margin, milestone=plan.trial.milestone)
        return OsWatch(watched, NormalPass(z_of(guard.passing_tail)))

    def evaluate(self, plan: Plan) -> RmstDesign:
        """Power at the plan, or what ``[solve]`` asks for."""
        tau, setting = self.restriction(plan), setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=partial(self._power, plan))
        means = {name: restricted_mean(truth, tau) for name, truth in setting.truths.items()}
        se = difference_se(setting, tau)
        return RmstDesign(
            **common_fields(plan, setting, solved_for=solve_for, power=self._power(plan, setting)),
            trail=Trail(
                method=f"difference of restricted mean survival times to {tau:g} years, expected Greenwood variance",
                reference="10.1186/1471-2288-13-152",
                assumptions=("the survival truths, accrual and dropout of the plan", BLOCKED),
            ),
            warnings=formula_warning("RMST", setting.accrual.total),
            tau=tau,
            margin=self.margin,
            rmst=means,
            difference=means[setting.experimental] - means[setting.control],
            se=se,
            critical_difference=-self.margin + z_of(self.alpha) * se,
            guard=None if self.os_guard is None else self._guarded(self.os_guard, plan, setting),
        )

    def _power(self, plan: Plan, setting: Setting) -> float:
        tau, guard = self.restriction(plan), self.os_guard
        alone = self.power(setting, tau)
        if guard is None:
            return alone
        estimate = partial(rmst_estimate, tau)
        return joint_power(guard, plan, setting, efs=alone, passing=partial(os_passing, guard), estimate=estimate)

    def _guarded(self, guard: OsGuard, plan: Plan, setting: Setting) -> Guarded:
        tau, base = self.restriction(plan), setting.truths[setting.control]
        lost = with_mean_lost(base, tau, self.margin)
        assert lost is not None  # the plan was checked
        losing = replace(setting, truths=setting.truths | {setting.experimental: lost})
        at, left = (float(truth.survival(np.asarray(setting.milestone))) for truth in (base, lost))
        return guarded(
            guard, plan, setting, efs=self.power(setting, tau), efs_lost=self.power(losing, tau), lost=lost, margin=at - left,
            passing=partial(os_passing, guard), estimate=partial(rmst_estimate, tau),
        )  # fmt: skip

    def power(self, setting: Setting, tau: float) -> float:
        """P(Z >= z_alpha) in ``setting``; 0 while nobody reaches tau."""
        from scipy.special import ndtr

        se = difference_se(setting, tau)
        if not math.isfinite(se):
            return 0.0
        gap = restricted_mean(setting.truths[setting.experimental], tau) - restricted_mean(setting.truths[setting.control], tau)
        if se == 0.0:
            return 1.0 if gap + self.margin > 0.0 else 0.0
        return float(ndtr((gap + self.margin) / se - z_of(self.alpha)))


def restricted_mean(model: Distribution, tau: float) -> float:
    """The area under S up to ``tau``.

    >>> from nextarm.survival.models import Exponential
    >>> round(restricted_mean(Exponential(rate=1.0), 2.0), 6)
    0.864665
    """
    s, w = follow_up_nodes(tau, break_points(model))
    return float(w @ np.asarray(model.survival(s)))


def with_mean_lost(truth: Distribution, tau: float, margin: float) -> Distribution | None:
    """``truth`` with its hazard scaled so that its restricted mean is ``margin`` years less; None where no scale does that."""

    def left(log_ratio: float) -> float:
        scaled = ProportionalHazards(base=truth, hazard_ratio=math.exp(log_ratio))
        return restricted_mean(scaled, tau) - restricted_mean(truth, tau) + margin

    if not left(_MOST) < 0.0:
        return None
    return ProportionalHazards(base=truth, hazard_ratio=math.exp(brentq(left, 0.0, _MOST, xtol=1e-12)))


def rmst_estimate(tau: float, setting: Setting, overall: Setting, name: str) -> tuple[float, float] | None:
    """The standard error of an arm's RMST, and its correlation with the estimate of OS at the milestone."""
    truth, law, t = setting.truths[name], overall.truths[name], setting.milestone
    assert isinstance(law, OverallSurvival)  # a setting of OS
    se = rmst_se(truth, accrual=setting.accrual, analysis_time=setting.analysis_time, tau=tau, share=setting.shares[name])
    s, w = follow_up_nodes(tau, break_points(truth))
    mean, alive = restricted_mean(truth, tau), float(law.survival(t))
    spread = (2.0 * float(w @ (s * np.asarray(truth.survival(s)))) - mean**2) * alive * (1.0 - alive)
    if not se or spread <= 0.0:
        return None
    years = years_of_survivors(truth, salvage=law.salvage, after_event=law.after_event, tau=tau, time=t)
    return se, (years - mean * alive) / math.sqrt(spread)


def rmst_se(model: Distribution, *, accrual: Accrual, analysis_time: float, tau: float, share: float = 1.0) -> float | None:
    """Standard error of the RMST to ``tau`` at ``analysis_time``, in an arm with ``share`` of the patients; None if nobody gets there."""
    if analysis_time <= tau:
        return None
    s, w = follow_up_nodes(tau, integration_breaks((model,), accrual, analysis_time))
    observed = share * accrual.entered(analysis_time - s) * accrual.still_in(s)
    survival = np.asarray(model.survival(s), np.float64)
    to_come = np.divide(area_to_come(model, s, tau), survival, out=np.zeros_like(s), where=survival > 0.0)  # years still to live
    return math.sqrt(float(np.sum(w * to_come**2 * np.asarray(model.density(s)) / observed)))


def area_to_come(model: Distribution, s: FloatArray, tau: float) -> FloatArray:
    """int_s^tau S for rising ``s`` (m,): areas between neighbours, summed from the end."""
    cuts = [b for b in break_points(model) if s[0] < b < tau]
    edges = np.unique(np.concatenate([s, [tau], cuts]))
    x, w = gauss_legendre(edges)
    pieces = (w * np.asarray(model.survival(x))).reshape(len(edges) - 1, -1).sum(axis=1)
    beyond = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)
    return np.asarray(beyond[np.searchsorted(edges, s)], np.float64)


def difference_se(setting: Setting, tau: float) -> float:
    """Standard error of the difference of RMST; infinity while nobody is followed to tau."""
    found = [
        rmst_se(setting.truths[n], accrual=setting.accrual, analysis_time=setting.analysis_time, tau=tau, share=setting.shares[n])
        for n in (setting.control, setting.experimental)
    ]
    return math.hypot(*(math.inf if se is None else se for se in found))
