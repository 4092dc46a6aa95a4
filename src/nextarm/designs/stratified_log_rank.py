"""Two arms, log-rank test stratified by a factor that changes the prognosis, the plain test beside it.

In stratum k (a share of the patients) all hazards are those of the arms' truths times the stratum's ``hazard_ratio``. The
stratified statistic adds scores and variances over strata; the plain one compares the mixtures, in which a constant hazard
ratio within strata is no longer constant and less far from 1 (Gail, Wieand and Piantadosi 1984, doi
10.1093/biomet/71.3.431). Randomisation is in permuted blocks within strata.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
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
from nextarm.designs.log_rank_moments import LogRankMoments
from nextarm.designs.log_rank_two_arm import asymptotic_power, moments_of
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import Table, unit
from nextarm.designs.truths import Distribution, ProportionalHazards, break_points

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan


class Stratum(Table):
    """One of ``design.strata``: its share of the patients, and its hazards relative to the arms' truths."""

    share: Annotated[float, Field(gt=0.0, description="Relative share of the patients", json_schema_extra=unit("parts"))]
    hazard_ratio: Annotated[float, Field(gt=0.0, description="Of the stratum against the arms' truths, in both arms")] = 1.0


@record
class StratifiedLogRank(DesignResult):
    """Characteristics of a stratified log-rank design.

    ``events`` and S are of the arms over all strata. ``plain_power`` of the log-rank test that ignores the strata, in the
    same trial; ``events_by_stratum``; ``average_hazard_ratio`` within strata and ``plain_average_hazard_ratio`` between
    the mixed arms, both averaged over events.
    """

    plain_power: float
    mean_z: float
    sd_z: float
    average_hazard_ratio: float
    plain_average_hazard_ratio: float
    stratum_shares: tuple[float, ...]
    events_by_stratum: tuple[float, ...]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """The plain test beside the stratified one."""
        return {"plain_power": self.plain_power, "average_hazard_ratio": self.average_hazard_ratio}


@record
class Mixture:
    """The law of a patient drawn from one of several ``parts`` with the probabilities ``shares``."""

    parts: tuple[Distribution, ...]
    shares: tuple[float, ...]

    @property
    def cuts(self) -> tuple[float, ...]:
        """Where a part's hazard jumps: quadrature is split there."""
        return tuple(sorted({b for part in self.parts for b in break_points(part)}))

    def survival(self, t: FloatArray, /) -> FloatArray:
        """The mean of the parts' S."""
        return np.asarray(sum(w * np.asarray(part.survival(t)) for w, part in zip(self.shares, self.parts, strict=True)), np.float64)

    def density(self, t: FloatArray, /) -> FloatArray:
        """The mean of the parts' densities."""
        return np.asarray(sum(w * np.asarray(part.density(t)) for w, part in zip(self.shares, self.parts, strict=True)), np.float64)

    def hazard(self, t: FloatArray, /) -> FloatArray:
        """Density by S."""
        return np.asarray(self.density(t) / np.maximum(self.survival(t), 1e-300), np.float64)

    def cumulative_hazard(self, t: FloatArray, /) -> FloatArray:
        """-log S."""
        return np.asarray(-np.log(np.maximum(self.survival(t), 1e-300)), np.float64)

    def quantile(self, p: FloatArray, /) -> FloatArray:
        """Times between the parts' own quantiles, by bisection; infinity where S never falls so far."""
        share = np.atleast_1d(np.asarray(p, np.float64))
        ends = np.array([np.asarray(part.quantile(share), np.float64) for part in self.parts])
        low, high = ends.min(axis=0), ends.max(axis=0)
        never = 1.0 - self.survival(np.full(share.shape, 1e6)) < share
        high = np.where(np.isfinite(high), high, 1e6)
        low = np.minimum(low, high)
        for _ in range(80):
            middle = 0.5 * (low + high)
            above = 1.0 - self.survival(middle) >= share
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(np.where(never, np.inf, high).reshape(np.shape(p)), np.float64)


def _strata(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class StratifiedLogRankTable(DesignTable):
    """``[design]`` of a two-arm trial with a stratified log-rank test at the end of follow-up."""

    kind: Literal["stratified-log-rank"] = "stratified-log-rank"
    strata: Annotated[tuple[Stratum, ...], BeforeValidator(_strata), Field(min_length=2, description="The strata")]

    def problems(self, plan: Plan) -> list[Problem]:
        """Events are expected in both arms; to solve for a size the experimental arm must do better."""
        setting = self.mixed(setting_of(plan))
        if min(setting.events_by_arm().values()) < 1e-6:
            return [Problem(f"kind = {self.kind!r}", "", "no events are expected in at least one arm by the last analysis")]
        if plan.solve is not None and plan.solve.for_ in ("n", "duration", "events") and self.moments(setting_of(plan)).drift <= 0.0:
            return [Problem(f"kind = {self.kind!r}", "", f"the experimental arm must do better to solve for {plan.solve.for_}")]
        return []

    def schedule(self, plan: Plan) -> Schedule:
        """One look, at the end of follow-up; patients are randomised within strata."""
        return Schedule(
            looks=(Look(events=None, latest=plan.accrual_model().study_duration),),
            statistic="log-rank",
            null=1.0,
            milestone=plan.trial.milestone,
            measures=Measures(weights=(RankWeight(),), strata=tuple((s.share, s.hazard_ratio) for s in self.strata)),
        )

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Reject where z reaches the normal quantile."""
        return decide_once(data, z_of(self.alpha))

    def shares(self) -> tuple[float, ...]:
        """The strata's shares of the patients, adding up to 1."""
        total = sum(stratum.share for stratum in self.strata)
        return tuple(stratum.share / total for stratum in self.strata)

    def by_stratum(self, setting: Setting) -> list[Setting]:
        """The setting of each stratum: its part of the accrual, its hazards."""
        return [
            replace(
                setting, accrual=setting.accrual.times(share), truths={n: _scaled(m, s.hazard_ratio) for n, m in setting.truths.items()}
            )
            for share, s in zip(self.shares(), self.strata, strict=True)
        ]

    def mixed(self, setting: Setting) -> Setting:
        """The setting of all patients together: each arm a mixture over the strata."""
        return replace(
            setting,
            truths={
                n: Mixture(parts=tuple(_scaled(m, s.hazard_ratio) for s in self.strata), shares=self.shares())
                for n, m in setting.truths.items()
            },
        )

    def moments(self, setting: Setting) -> LogRankMoments:
        """Moments of the stratified statistic: scores, variances and events added over strata."""
        parts = [moments_of(s, 1.0) for s in self.by_stratum(setting)]
        information = sum(m.information for m in parts)
        drift, events = sum(m.drift for m in parts), sum(m.events for m in parts)
        return LogRankMoments(
            mean_z=drift / math.sqrt(information) if information > 0.0 else 0.0,
            sd_z=math.sqrt(sum(m.information * m.sd_z**2 for m in parts) / information) if information > 0.0 else 1.0,
            information=information,
            drift=drift,
            events_control=sum(m.events_control for m in parts),
            events_experimental=sum(m.events_experimental for m in parts),
            average_hazard_ratio=math.exp(sum(m.events * math.log(m.average_hazard_ratio) for m in parts) / events)
            if events > 0.0
            else 1.0,
            proportional=all(m.proportional for m in parts),
        )

    def power(self, setting: Setting) -> float:
        """P(Z >= z_alpha) in ``setting``."""
        return asymptotic_power(self.moments(setting), self.alpha)

    def evaluate(self, plan: Plan) -> StratifiedLogRank:
        """Power at the plan, or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            setting = solved(setting, what=solve_for, target=plan.solve.power, power=self.power)
        m, mixed = self.moments(setting), self.mixed(setting)
        plain = moments_of(mixed, 1.0)
        return StratifiedLogRank(
            **common_fields(plan, mixed, solved_for=solve_for, power=self.power(setting)),
            trail=Trail(
                method="stratified log-rank, moments of the statistic added over strata",
                reference="10.1093/biomet/68.1.316",
                assumptions=(
                    "the survival truths, accrual and dropout of the plan",
                    "each stratum's hazards are the arms' truths times one number",
                    BLOCKED + ", within each stratum",
                ),
            ),
            plain_power=asymptotic_power(plain, self.alpha),
            mean_z=m.mean_z,
            sd_z=m.sd_z,
            average_hazard_ratio=m.average_hazard_ratio,
            plain_average_hazard_ratio=plain.average_hazard_ratio,
            stratum_shares=self.shares(),
            events_by_stratum=tuple(sum(s.events_by_arm().values()) for s in self.by_stratum(setting)),
        )


def _scaled(model: Distribution, hazard_ratio: float) -> Distribution:
    return model if hazard_ratio == 1.0 else ProportionalHazards(base=model, hazard_ratio=hazard_ratio)
