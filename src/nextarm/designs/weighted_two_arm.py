"""Weighted log-rank tests and MaxCombo for two arms: a sensitivity analysis of a design, not a design to choose.

Tests that weigh late events more can call an arm better that kills early: S at half a year and a year stands beside
their power, for each arm. Formulas in :mod:`nextarm.designs.weighted_moments`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.designs.design import (
    BLOCKED,
    Decisions,
    DesignResult,
    DesignTable,
    Look,
    LookData,
    Measures,
    RankWeight,
    Schedule,
    decide_once,
)
from nextarm.designs.log_rank_two_arm import asymptotic_power, moments_of
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import Numbers, unit
from nextarm.designs.weighted_moments import Weight, fleming_harrington, max_combo_power, modest, weighted_moments, weighted_power

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Years at which early deaths are looked for.
EARLY = (0.5, 1.0)
SENSITIVITY = "a sensitivity analysis only: weights on late events can reward early toxic deaths; look at S at half a year and a year"


@record
class WeightedDesign(DesignResult):
    """Characteristics of a weighted log-rank or MaxCombo test.

    ``weights`` in words; ``bound`` on the Z scale; ``mean_z`` of each member; ``log_rank_power`` of the plain log-rank
    test in the same trial; ``survival_half_year`` and ``survival_one_year`` of each arm; ``early_loss`` whether the
    experimental arm is below the control at either.
    """

    weights: tuple[str, ...]
    convention: str
    bound: float
    mean_z: tuple[float, ...]
    log_rank_power: float
    survival_half_year: dict[str, float]
    survival_one_year: dict[str, float]
    early_loss: bool

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The bound, the plain test's power, and S at half a year and a year of each arm."""
        half = {f"survival_half_year_{name}": s for name, s in self.survival_half_year.items()}
        year = {f"survival_one_year_{name}": s for name, s in self.survival_one_year.items()}
        return {"bound": self.bound, "log_rank_power": self.log_rank_power, **half, **year}


class _Weighted(DesignTable):
    """What the two kinds share."""

    def members(self) -> tuple[tuple[str, Weight], ...]:
        """Names and weights of the tests."""
        raise NotImplementedError

    def breaks(self) -> tuple[float, ...]:
        """Years at which a weight has a kink."""
        return ()

    def power_and_bound(self, setting: Setting) -> tuple[float, float]:
        """Power in ``setting``, and the bound on the Z scale."""
        raise NotImplementedError

    def problems(self, plan: Plan) -> list[Problem]:
        """Events are expected in both arms; to solve for a size the weighted effect must be one."""
        setting = setting_of(plan)
        if min(setting.events_by_arm().values()) < 1e-6:
            return [Problem(f"kind = {self.kind!r}", "", "no events are expected in at least one arm by the last analysis")]
        if plan.solve is not None and plan.solve.for_ in ("n", "duration", "events"):
            m = weighted_moments(setting, [weight for _, weight in self.members()], breaks=self.breaks())
            if float(np.max(m.delta)) <= 0.0:
                return [Problem(f"kind = {self.kind!r}", "", f"the experimental arm must do better to solve for {plan.solve.for_}")]
        return []

    def rank_weights(self) -> tuple[RankWeight, ...]:
        """The weights as virtual trials know them."""
        raise NotImplementedError

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up."""
        return Schedule(
            looks=(Look(events=None, latest=plan.accrual_model().study_duration),),
            statistic="max-combo",
            null=1.0,
            milestone=plan.trial.milestone,
            measures=Measures(weights=self.rank_weights()),
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z (of MaxCombo the largest) reaches the bound."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """The bound is worked out once."""
        bound = self.power_and_bound(setting_of(plan))[1]
        return lambda data: decide_once(data, bound)

    def evaluate(self, plan: Plan) -> WeightedDesign:
        """Power at the plan, or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=lambda s: self.power_and_bound(s)[0])
        power, bound = self.power_and_bound(setting)
        names, weights = zip(*self.members(), strict=True)
        early = [{n: float(truth.survival(np.asarray(t))) for n, truth in setting.truths.items()} for t in EARLY]
        loss = any(at[setting.experimental] < at[setting.control] - 1e-9 for at in early)
        warnings = (SENSITIVITY, *(("the experimental arm loses patients early: it is below the control at half a year or a year",) * loss))
        return WeightedDesign(
            **common_fields(plan, setting, solved_for=solve_for, power=power),
            trail=Trail(
                method=f"{self.kind}, {', '.join(names)}, moments under the plan's truths",
                reference="10.1111/biom.13196",
                assumptions=("the survival truths, accrual and dropout of the plan", BLOCKED),
            ),
            warnings=warnings,
            weights=tuple(names),
            convention=getattr(self, "convention", "score"),
            bound=bound,
            mean_z=tuple(float(z) for z in weighted_moments(setting, weights, breaks=self.breaks()).mean_z),
            log_rank_power=asymptotic_power(moments_of(setting, 1.0), self.alpha),
            survival_half_year=early[0],
            survival_one_year=early[1],
            early_loss=loss,
        )


class WeightedLogRankTable(_Weighted):
    """``[design]`` of a two-arm trial with one weighted log-rank test."""

    kind: Literal["weighted-log-rank"] = "weighted-log-rank"
    p: Annotated[float, Field(ge=0.0, le=10.0, description="Fleming-Harrington power of S")] = 0.0
    q: Annotated[float, Field(ge=0.0, le=10.0, description="Fleming-Harrington power of 1 - S")] = 0.0
    modest_until: Annotated[
        float | None, Field(gt=0.0, description="Modest weights 1 / max(S, S(this)) instead", json_schema_extra=unit("years"))
    ] = None
    convention: Annotated[Literal["score", "null-information"], Field(description="Whose variance the critical value has")] = "score"

    def problems(self, plan: Plan) -> list[Problem]:
        """One kind of weight."""
        if self.modest_until is not None and (self.p or self.q):
            return [Problem(f"modest_until = {self.modest_until:g}", "", "cannot be given beside p and q")]
        return super().problems(plan)

    def members(self) -> tuple[tuple[str, Weight], ...]:
        """The one test."""
        if self.modest_until is not None:
            return ((f"modestly weighted to {self.modest_until:g} years", modest(self.modest_until)),)
        return ((f"Fleming-Harrington ({self.p:g}, {self.q:g})", fleming_harrington(self.p, self.q)),)

    def rank_weights(self) -> tuple[RankWeight, ...]:
        """The one weight."""
        return (RankWeight(p=self.p, q=self.q, until=self.modest_until),)

    def breaks(self) -> tuple[float, ...]:
        """Where the modest weight stops rising."""
        return () if self.modest_until is None else (self.modest_until,)

    def power_and_bound(self, setting: Setting) -> tuple[float, float]:
        """Power, and the normal quantile."""
        m = weighted_moments(setting, [self.members()[0][1]], breaks=self.breaks())
        return weighted_power(m, self.alpha, self.convention), z_of(self.alpha)


def _pairs(value: object) -> object:
    return tuple(tuple(v) if isinstance(v, list) else v for v in value) if isinstance(value, list | tuple) else value


class MaxComboTable(_Weighted):
    """``[design]`` of a two-arm trial with the best of several Fleming-Harrington tests."""

    kind: Literal["max-combo"] = "max-combo"
    weights: Annotated[
        tuple[Numbers, ...], BeforeValidator(_pairs), Field(min_length=2, max_length=6, description="Pairs p, q of S^p (1 - S)^q")
    ] = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))

    def problems(self, plan: Plan) -> list[Problem]:
        """Weights are pairs."""
        if any(len(pair) != 2 or min(pair) < 0.0 or max(pair) > 10.0 for pair in self.weights) or len(set(self.weights)) < len(
            self.weights
        ):
            return [Problem("weights", "", "must be different pairs of numbers p, q from 0 to 10")]
        return super().problems(plan)

    def members(self) -> tuple[tuple[str, Weight], ...]:
        """The tests combined."""
        return tuple((f"Fleming-Harrington ({p:g}, {q:g})", fleming_harrington(p, q)) for p, q in self.weights)

    def rank_weights(self) -> tuple[RankWeight, ...]:
        """The weights."""
        return tuple(RankWeight(p=p, q=q) for p, q in self.weights)

    def power_and_bound(self, setting: Setting) -> tuple[float, float]:
        """Power, and the bound for the largest Z from their correlation."""
        return max_combo_power(weighted_moments(setting, [weight for _, weight in self.members()]), self.alpha)
