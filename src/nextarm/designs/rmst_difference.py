"""Two arms, difference of restricted mean survival times up to tau, superior or not worse by more than a margin.

The large-sample variance of an RMST from N patients, share q(s) of whom would still be under observation s years after
entry if nothing happened, is int_0^tau A(s)^2 f(s) / (S(s)^2 q(s)) ds / N with A(s) = int_s^tau S: Greenwood's sum with the
area still to come in place of S(t). RMST needs no proportional hazards; its difference is in years of life without event.
Reference: Royston and Parmar 2013, doi 10.1186/1471-2288-13-152.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.design import BLOCKED, Decisions, DesignResult, DesignTable, Look, LookData, Measures, Schedule, decide_once
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.quadrature import follow_up_nodes, gauss_legendre
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME
from nextarm.designs.truths import Distribution, break_points

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


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

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """tau and the difference."""
        return {"tau": self.tau, "difference": self.difference, "se": self.se, "critical_difference": self.critical_difference}


class RmstDifferenceTable(DesignTable):
    """``[design]`` of a two-arm trial on the difference of restricted mean survival times."""

    kind: Literal["rmst-difference"] = "rmst-difference"
    tau: Annotated[
        float | None, Field(gt=0.0, description="Restriction time; default: the trial's milestone", json_schema_extra=unit("years"))
    ] = None
    margin: Annotated[
        float, Field(ge=0.0, description="The largest loss of mean survival accepted; 0 tests superiority", json_schema_extra=unit("years"))
    ] = 0.0

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

    def evaluate(self, plan: Plan) -> RmstDesign:
        """Power at the plan, or what ``[solve]`` asks for."""
        tau, setting = self.restriction(plan), setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self.power(s, tau))
        means = {name: restricted_mean(truth, tau) for name, truth in setting.truths.items()}
        se = difference_se(setting, tau)
        return RmstDesign(
            **common_fields(plan, setting, solved_for=solve_for, power=self.power(setting, tau)),
            trail=Trail(
                method=f"difference of restricted mean survival times to {tau:g} years, expected Greenwood variance",
                reference="10.1186/1471-2288-13-152",
                assumptions=("the survival truths, accrual and dropout of the plan", BLOCKED),
            ),
            tau=tau,
            margin=self.margin,
            rmst=means,
            difference=means[setting.experimental] - means[setting.control],
            se=se,
            critical_difference=-self.margin + z_of(self.alpha) * se,
        )

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
