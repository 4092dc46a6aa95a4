"""One arm, time to event, with a cure fraction or without: looks on the predictive probability of success at the end.

Success at the end is P(S(milestone) > null) > ``threshold`` with a beta prior, a Kaplan-Meier estimate counting as so many survivors of
so many patients as its variance is worth (:mod:`nextarm.designs.survival_posterior`). A look at which it is worth n* of the N* patients it
will be worth at the end asks how the other N* - n* may turn out: estimates at successive looks gain information in independent
steps, so the rest is beta-binomial,

    PP = integral P(x + Binomial(N* - n*, p) >= critical) dBeta(p | a + x, b + n* - x).

A look stops for futility where PP <= ``futility``, for success where PP >= ``efficacy``. Where all are followed to the milestone this is
Lee & Liu's design (2008, doi 10.1177/1740774508089279); patients on the plateau of a cure fraction count through the estimate's variance.
Characteristics by formula are those of that design with the expected worth of each look, rounded; ``nextarm simulate`` takes the
worth that each trial shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bayes_one_arm import bayes_schedule, counts_seen, decide_in_order
from nextarm.designs.count_design import Stopping, behaviour_of, grid_around, only_solves
from nextarm.designs.design import Decisions, DesignResult, DesignTable, LookData, Schedule
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.looks_in_order import look_time_problems
from nextarm.designs.milestone_one_arm import late_enough
from nextarm.designs.predictive_probability import CountBounds, predictive_bounds
from nextarm.designs.predictive_stopping import Beta, Fractions
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import no_better_at
from nextarm.designs.virtual_one_arm import solved_in_patients

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

#: The most patients' worth whose bounds are worked out by formula.
MOST_WORTH = 3_000
#: Nodes of the integral over the posterior, in standard deviations of its logit.
_NODES, _WEIGHTS = gauss_legendre(np.linspace(-7.0, 7.0, 3))


@record
class PredictiveSurvival(DesignResult):
    """Characteristics with the looks: ``power`` at the arm's S(milestone), ``type1_error`` at ``null_survival``.

    ``worth`` (looks,): patients of complete follow-up that the estimate is expected to be worth at each look; ``futile_below`` and
    ``success_from``: the estimates of S there that stop (0 and above 1: none does). ``stopped_early`` and ``stopped_early_null`` before the
    last look, either way; ``behaviour`` over true S.
    """

    null_survival: float
    threshold: float
    type1_error: float
    look_times: FloatArray
    worth: FloatArray
    futile_below: FloatArray
    success_from: FloatArray
    stopped_early: float
    stopped_early_null: float
    behaviour: tuple[Stopping, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Null, type I error, and what each look does."""
        made: dict[str, float | str | bool | None] = {
            "null_survival": self.null_survival, "threshold": self.threshold, "type1_error": self.type1_error,
            "stopped_early": self.stopped_early, "stopped_early_null": self.stopped_early_null,
        }  # fmt: skip
        columns = (self.look_times.tolist(), self.worth.tolist(), self.futile_below.tolist(), self.success_from.tolist())
        for time, n, low, high in zip(*columns, strict=True):
            words = [f"stop at S of {low:.3f} or less"] * (low >= 0.0) + [f"success from {high:.3f} on"] * (high <= 1.0)
            made[f"at_{time:.3g}_years"] = f"worth {n:.1f} patients: {'; '.join(words) or 'go on'}"
        return made

    def behaviour_table(self) -> pl.DataFrame:
        """One row a true S(milestone)."""
        import polars as pl

        names = ("success", "stop_for_futility", "stop_for_success")
        return pl.DataFrame([{"survival": row.probability} | {n: getattr(row, n) for n in names} for row in self.behaviour])


class PredictiveSurvivalTable(DesignTable):
    """``[design]`` of a one-arm trial of S(milestone) that stops on predictive probability."""

    kind: Literal["predictive-survival"] = "predictive-survival"
    null_survival: Annotated[float, Field(gt=0.0, lt=1.0, description="S(milestone) to rule out", json_schema_extra=unit("proportion"))]
    threshold: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Success at the end if P(S > null) exceeds it", json_schema_extra=unit("proportion"))
    ] = 0.95
    futility: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Stop if success at the end is this likely or less", json_schema_extra=unit("proportion"))
    ] = 0.05
    efficacy: Annotated[
        float, Field(gt=0.0, le=1.0, description="Stop for success at or above it; 1: never", json_schema_extra=unit("proportion"))
    ] = 1.0
    look_times: Annotated[Fractions, Field(description="Interim looks, years from the first patient", json_schema_extra=unit("years"))] = ()
    prior: Annotated[Beta, Field(description="Beta prior of S(milestone)")] = (1.0, 1.0)

    arms_needed: ClassVar[int] = 1

    def error_allowed(self, plan: Plan) -> float | None:
        """Where S at the milestone is at most ``null_survival``."""
        return self.alpha if no_better_at(plan, against=self.null_survival) else None

    @property
    def formula_is_whole(self) -> bool:
        """Looks on the way are not in the formula."""
        return super().formula_is_whole and not self.look_times

    def problems(self, plan: Plan) -> list[Problem]:
        """Looks come after somebody can have been followed to the milestone; probabilities and prior are possible."""
        found = late_enough(plan) + only_solves(plan, "power", "n", "duration", "effect")
        found += look_time_problems("look_times", self.look_times, plan.accrual_model().study_duration)
        if self.look_times and self.look_times[0] <= plan.trial.milestone:
            rule = f"must come after the milestone of {plan.trial.milestone:g} years: before it S there cannot be estimated"
            found.append(Problem(f"look_times = {list(self.look_times)}", "", rule))
        if self.futility >= self.efficacy:
            found.append(Problem(f"futility = {self.futility:g}", "", f"must be below efficacy = {self.efficacy:g}"))
        if not (self.prior[0] > 0.0 and self.prior[1] > 0.0):
            found.append(Problem(f"prior = {list(self.prior)}", "", "both parameters of a beta prior must be above 0"))
        if not found and (worth := self._worth(setting_of(plan), plan.accrual_model().study_duration)) > MOST_WORTH:
            rule = (
                f"must be at most {MOST_WORTH:,} patients' worth of follow-up ({worth:,.0f} planned): bounds are worked out count by count"
            )
            found.append(Problem(f"kind = {self.kind!r}", "", rule))
        return found

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at their times and at the end of follow-up."""
        return bayes_schedule(plan, self.look_times)

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide many trials at once."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """Predictive probability at every look, the posterior at the end; the worth of the end is the plan's."""
        milestone, setting = plan.trial.milestone, setting_of(plan)
        final = self._worth(setting, setting.analysis_time)

        def decide(data: LookData) -> Decisions:
            x, n = counts_seen(data, milestone)
            x, n = x[..., 0], n[..., 0]
            success = np.zeros(x.shape, np.bool_)
            futile = np.zeros(x.shape, np.bool_)
            early = slice(0, x.shape[1] - 1)
            if x.shape[1] > 1:
                probable = self.predictive(x[:, early], n[:, early], final)
                futile[:, early] = probable <= self.futility
                success[:, early] = (probable >= self.efficacy) & (self.efficacy < 1.0)
            success[:, -1] = posterior_above(x[:, -1], n[:, -1], null=self.null_survival, prior=self.prior) > self.threshold
            return decide_in_order(success, futile, early=True)

        return decide

    def predictive(self, survivors: FloatArray, worth: FloatArray, final: float) -> FloatArray:
        """The predictive probability of success at the end where the estimate will be worth ``final`` patients; any shape."""
        return predictive_success(survivors, worth, final, null=self.null_survival, threshold=self.threshold, prior=self.prior)

    def evaluate(self, plan: Plan) -> PredictiveSurvival:
        """Lee and Liu's design with the expected worth of each look; or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            # power falls a little where the count needed at the end rises by one: whole patients, and the side that has the power
            find = solved if solve_for == "effect" else partial(solved_in_patients, most=MOST_WORTH)
            setting = find(setting, what=solve_for, target=plan.solve.power, power=self._power)
        bounds = self.bounds(setting)
        at = setting.survival_at_milestone()[setting.experimental]
        own, null = behaviour_of(bounds, [at, self.null_survival])
        if solve_for != "power" and plan.solve is not None and own.success < plan.solve.power and bounds.sizes[-1] >= MOST_WORTH:
            raise RefusedError(
                f"power {plan.solve.power:g} cannot be reached by up to {MOST_WORTH:,} patients' worth of follow-up",
                rule=f"the most is {own.success:.3f}, and bounds are worked out count by count",
                cure="Change the effect, alpha or what is solved for",
            )
        warnings = []
        if null.success > 1.1 * self.alpha:
            warnings.append(f"the type I error at S = {self.null_survival:g} is {null.success:.4f}, above alpha = {self.alpha:g}")
        sizes = np.array(bounds.sizes, np.float64)
        times = [t for t in self.look_times if t < setting.analysis_time]
        return PredictiveSurvival(
            **common_fields(plan, setting, solved_for=solve_for, power=own.success),
            trail=Trail(
                method="predictive probability of success at the end, Kaplan-Meier worth its Greenwood patients, beta prior",
                reference="10.1177/1740774508089279",
                assumptions=(
                    f"compared with a fixed S of {self.null_survival:g}: the error of a historical value is not in it",
                    "by formula, the worth of each look is the expected one, rounded",
                ),
            ),
            warnings=tuple(warnings), null_survival=self.null_survival, threshold=self.threshold, type1_error=null.success,
            look_times=np.array([*times, setting.analysis_time])[-len(sizes) :], worth=sizes, futile_below=np.array(bounds.futile) / sizes,
            success_from=np.array(bounds.effective) / sizes, stopped_early=own.stop_for_futility + own.stop_for_success,
            stopped_early_null=null.stop_for_futility + null.stop_for_success,
            behaviour=behaviour_of(bounds, grid_around(self.null_survival, max(at, self.null_survival + 0.05))),
        )  # fmt: skip

    def bounds(self, setting: Setting) -> CountBounds:
        """The counts, of the patients each look is expected to be worth, at which it stops."""
        times = [*(t for t in self.look_times if t < setting.analysis_time), setting.analysis_time]
        sizes = sorted({max(1, round(self._worth(setting, t))) for t in times})
        return predictive_bounds(
            sizes, p0=self.null_survival, certainty=self.threshold, low=self.futility, high=self.efficacy, prior=self.prior
        )

    def _power(self, setting: Setting) -> float:
        """Power; beyond :data:`MOST_WORTH` 1 or 0, so that a search that ends there ends at that worth and is refused."""
        if self._worth(setting, setting.analysis_time) > MOST_WORTH:
            return float(setting.survival_at_milestone()[setting.experimental] > self.null_survival)
        at = setting.survival_at_milestone()[setting.experimental]
        return behaviour_of(self.bounds(setting), [at])[0].success

    def _worth(self, setting: Setting, time: float) -> float:
        """Patients of complete follow-up that the estimate is worth at ``time``; 0 before anybody can have been followed."""
        name, milestone = setting.experimental, setting.milestone
        at = setting.survival_at_milestone()[name]
        se = kaplan_meier_se(
            setting.truths[name], accrual=setting.accrual, analysis_time=time, milestone=milestone, share=setting.shares[name]
        )
        if se is None:
            return 0.0
        return at * (1.0 - at) / se**2 if se > 0.0 else float(setting.accrual.entered(time - milestone))


def posterior_above(x: FloatArray, n: FloatArray, *, null: float, prior: tuple[float, float]) -> FloatArray:
    """P(S > ``null``) after ``x`` survivors among the worth ``n``, neither of them whole."""
    from scipy.special import betainc

    return np.asarray(1.0 - betainc(prior[0] + x, prior[1] + np.maximum(n - x, 0.0), null), np.float64)


def critical_survivors(final: float, *, null: float, threshold: float, prior: tuple[float, float]) -> float:
    """The survivors, of the worth ``final``, from which P(S > ``null``) exceeds ``threshold``; above ``final`` where none does."""
    at = np.array([final])
    if posterior_above(at, at, null=null, prior=prior)[0] <= threshold:
        return final + 1.0
    low, high = 0.0, final
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = posterior_above(np.array([middle]), at, null=null, prior=prior)[0] > threshold
        low, high = (low, middle) if above else (middle, high)
    return high


def predictive_success(
    survivors: FloatArray, worth: FloatArray, final: float, *, null: float, threshold: float, prior: tuple[float, float]
) -> FloatArray:
    """The predictive probability of success at the end, arrays of any one shape; exact for whole numbers.

    Whole survivors are needed to reach the critical number, so it is rounded up to the next that is reachable.

    >>> x, n = np.array([16.0, 15.0]), np.array([23.0, 23.0])
    >>> predictive_success(x, n, 40.0, null=0.6, threshold=0.9, prior=(0.6, 0.4)).round(3)
    array([0.566, 0.3  ])
    """
    from scipy.special import betainc, betaln, digamma, polygamma

    rest = np.maximum(final - worth, 0.0)
    needed = np.ceil(critical_survivors(final, null=null, threshold=threshold, prior=prior) - survivors - 1e-9)
    a, b = (prior[0] + survivors)[..., None], (prior[1] + np.maximum(worth - survivors, 0.0))[..., None]
    # the posterior on the scale of the logit, at nodes within seven of its standard deviations
    logit = digamma(a) - digamma(b) + np.sqrt(polygamma(1, a) + polygamma(1, b)) * _NODES
    p = 1.0 / (1.0 + np.exp(-logit))
    mass = np.exp(a * np.log(p) - b * np.logaddexp(0.0, logit) - betaln(a, b)) * _WEIGHTS
    short, room = needed[..., None], rest[..., None] - needed[..., None] + 1.0
    inside = (short > 0.0) & (room > 0.0)
    chance = betainc(np.where(inside, short, 1.0), np.where(inside, room, 1.0), p)
    chance = np.where(short <= 0.0, 1.0, np.where(room <= 0.0, 0.0, chance))
    return np.asarray((chance * mass).sum(axis=-1) / mass.sum(axis=-1), np.float64)
