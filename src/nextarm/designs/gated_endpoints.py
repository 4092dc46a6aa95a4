"""Two arms, three end points tested by a graph (:mod:`nextarm.designs.graphical_test`): response, then EFS, then OS.

Response (MRD negativity) is compared by the score test of two proportions, EFS and OS by log-rank tests at the analysis. The response of a
patient and their EFS are tied by a normal copula, which leaves both margins as the plan states them: responders are cured more
often. After an event a share ``salvage`` (of the design, or of an arm) is alive for good, the others die after an exponential time with
median ``after_event``. What has no effect in truth must not be rejected: among the truths are one where nothing works, one where the
response alone does, and one where EFS works and OS does not, because the new arm saves fewer after an event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import CallError, Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.count_design import only_solves
from nextarm.designs.design import DesignResult, DesignTable
from nextarm.designs.graphical_test import checked_graph, decide_many
from nextarm.designs.log_rank_rows import log_rank_z
from nextarm.designs.overall_survival import os_setting, salvage_for_equal_os, salvage_of
from nextarm.designs.seam import BoolArray
from nextarm.designs.setting import Setting, common_fields, setting_of
from nextarm.designs.tables import unit
from nextarm.designs.virtual_one_arm import share_se

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

ENDPOINTS = ("response", "EFS", "OS")
#: Virtual trials under each truth, and their seed.
TRIALS, SEED = 10_000, 20261129


@record
class GatedTruth:
    """One truth: how often each end point is rejected by the graph, and how often a true null is, with Monte-Carlo standard errors.

    ``alone`` is how often each would be rejected at alpha by itself; ``family_wise_error`` counts the end points without an effect
    (``nulls``). ``salvage`` and ``os_at_milestone`` by arm.
    """

    name: str
    nulls: tuple[str, ...]
    salvage: dict[str, float]
    os_at_milestone: dict[str, float]
    rejected: dict[str, float]
    rejected_se: dict[str, float]
    alone: dict[str, float]
    family_wise_error: float | None
    family_wise_error_se: float | None


@record
class GatedEndpoints(DesignResult):
    """Characteristics of gated end points in 10,000 virtual trials; ``power`` is that of rejecting EFS within the graph.

    ``truths``: the plan; nothing works; the response alone is better; response and EFS are better and OS is not. ``response_by_arm``
    and ``survival_of_responders`` (S of EFS at the milestone among responders and others, as simulated) say what the stated
    correlation means; None where there are none of them.
    """

    correlation: float
    truths: tuple[GatedTruth, ...]
    response_by_arm: dict[str, float]
    survival_of_responders: dict[str, float | None]
    survival_of_others: dict[str, float | None]

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Power of each end point, and the family-wise error."""
        made: dict[str, float | str | bool | None] = {f"power_{e}": self.truths[0].rejected[e] for e in ENDPOINTS}
        made |= {f"power_{e}_se": self.truths[0].rejected_se[e] for e in ENDPOINTS}
        return made | {f"family_wise_error, {t.name}": t.family_wise_error for t in self.truths[1:]}

    def truth_table(self) -> pl.DataFrame:
        """One row a truth."""
        import polars as pl

        rows = []
        for t in self.truths:
            row: dict[str, object] = {"truth": t.name, "no_effect_on": ", ".join(t.nulls)}
            for e in ENDPOINTS:
                row |= {e: t.rejected[e], f"{e}_se": t.rejected_se[e], f"{e}_alone": t.alone[e]}
            row |= {"family_wise_error": t.family_wise_error, "family_wise_error_se": t.family_wise_error_se}
            row |= {f"salvage_{arm}": v for arm, v in t.salvage.items()} | {f"OS_{arm}": v for arm, v in t.os_at_milestone.items()}
            rows.append(row)
        return pl.DataFrame(rows)


@record
class GatedCase:
    """One truth of gated end points: EFS and accrual in ``setting``, response and salvage by arm, and the end points without an effect."""

    name: str
    setting: Setting
    response: dict[str, float]
    salvage: dict[str, float]
    nulls: tuple[str, ...]


class GatedEndpointsTable(DesignTable):
    """``[design]`` of two arms with a response, EFS and OS in a graph."""

    kind: Literal["gated-endpoints"] = "gated-endpoints"
    correlation: Annotated[float, Field(ge=0.0, le=0.99, description="Of response and EFS, on the normal scale of a copula")] = 0.5
    salvage: Annotated[float, Field(ge=0.0, le=1.0, description="Alive for good after an event", json_schema_extra=unit("proportion"))] = (
        0.2
    )
    after_event: Annotated[
        float, Field(gt=0.0, description="Median from event to death of the others", json_schema_extra=unit("years"))
    ] = 0.5
    weights: Annotated[dict[str, float], Field(description="Shares of alpha at the start")] = Field(
        default_factory=lambda: {"response": 1.0}
    )
    transitions: Annotated[dict[str, dict[str, float]], Field(description="Where alpha goes once an end point is rejected")] = Field(
        default_factory=lambda: {"response": {"EFS": 1.0}, "EFS": {"OS": 1.0}}
    )
    latest: Annotated[float | None, Field(gt=0.0, description="Analysis at this time", json_schema_extra=unit("years"))] = None

    outcomes: ClassVar[tuple[str, ...]] = ("response", "survival")
    by_trials: ClassVar[int] = TRIALS

    def error_allowed(self, plan: Plan) -> float | None:
        """Where an end point has no effect: the family-wise error, of rejecting any such."""
        return self.alpha if self.case_of("plan", plan).nulls else None

    def problems(self, plan: Plan) -> list[Problem]:
        """The graph is one, and events are expected."""
        found = only_solves(plan, "power")
        try:
            checked_graph(ENDPOINTS, self.weights, self.transitions)
        except CallError as error:
            found += [Problem(p.what, "", p.rule, p.cure) for p in error.problems]
        if not found and sum(setting_of(plan, latest=self.latest).events_by_arm().values()) < 1.0:
            found.append(Problem(f"kind = {self.kind!r}", "", "less than one event is expected by the analysis"))
        return found

    def evaluate(self, plan: Plan) -> GatedEndpoints:
        """Rejections under the plan's truth and under two nulls, from virtual trials with a fixed seed."""
        setting, own = setting_of(plan, latest=self.latest), self.case_of("plan", plan)
        cases = self.cases(plan)
        drawn, shown = self._drawn(cases)
        truths = [self._truth(case, z) for case, z in zip(cases, drawn, strict=True)]
        saved = ", ".join(f"{share:.0%} ({name})" for name, share in own.salvage.items())
        return GatedEndpoints(
            **common_fields(plan, setting, solved_for="power", power=truths[0].rejected["EFS"]),
            trail=Trail(
                method=f"response, EFS and OS by a graph, {self.trials:,} virtual trials under each truth", reference="10.1002/sim.3495",
                seed=SEED,
                assumptions=(
                    f"normal copula of response and EFS with correlation {self.correlation:g}",
                    f"after an event {saved} live on, the others die after a median of {self.after_event:g} years",
                ),
            ),
            warnings=() if len(truths) > 3 else ("no salvage makes OS alike while EFS is better: that truth is not among those shown",),
            correlation=self.correlation,
            truths=tuple(truths),
            response_by_arm=own.response,
            survival_of_responders=shown[0],
            survival_of_others=shown[1],
        )  # fmt: skip

    def case_of(self, name: str, plan: Plan) -> GatedCase:
        """The truth of a plan (or of one of its scenarios) as it is stated; an end point has no effect where it is nowhere better."""
        setting = setting_of(plan, latest=self.latest)
        response = {arm: table.response for arm, table in plan.arms.items() if table.response is not None}  # the plan was checked
        salvage = salvage_of(plan, self.salvage)
        times = np.linspace(0.0, setting.analysis_time, 60)[1:]
        nulls = ["response"] if response[setting.experimental] <= response[setting.control] else []
        for end_point, where in (("EFS", setting), ("OS", os_setting(setting, salvage=salvage, after_event=self.after_event))):
            new, old = (np.asarray(where.truths[arm].survival(times)) for arm in (setting.experimental, setting.control))
            nulls += [end_point] if bool((new <= old + 1e-9).all()) else []
        return GatedCase(name=name, setting=setting, response=response, salvage=salvage, nulls=tuple(nulls))

    def cases(self, plan: Plan) -> tuple[GatedCase, ...]:
        """The plan's truth and the three in which end points have no effect; the last is left out where no salvage makes it."""
        own = self.case_of("plan", plan)
        setting, control = own.setting, own.setting.control
        null = replace(setting, truths=dict.fromkeys(setting.truths, setting.truths[control]))
        same, alike = dict.fromkeys(own.response, own.response[control]), dict.fromkeys(own.salvage, own.salvage[control])
        made = [
            own,
            GatedCase(name="nothing works", setting=null, response=same, salvage=alike, nulls=ENDPOINTS),
            GatedCase(name="response alone", setting=null, response=own.response, salvage=alike, nulls=ENDPOINTS[1:]),
        ]
        salvage = salvage_for_equal_os(setting, salvage=own.salvage, after_event=self.after_event)
        if salvage is not None:
            made.append(replace(own, name="EFS works, OS does not", salvage=salvage, nulls=("OS",)))
        return tuple(made)

    def decide_many(self, z: FloatArray) -> BoolArray:
        """Which end points the graph rejects in trials with these statistics, (trials, 3)."""
        from scipy.special import ndtr

        w, g = checked_graph(ENDPOINTS, self.weights, self.transitions)
        return decide_many(np.asarray(ndtr(-z), np.float64), weights=w, transitions=g, alpha=self.alpha)

    def _truth(self, case: GatedCase, z: FloatArray) -> GatedTruth:
        from scipy.special import ndtr

        p, rejected, nulls = ndtr(-z), self.decide_many(z), case.nulls
        error = float(rejected[:, [ENDPOINTS.index(e) for e in nulls]].any(axis=1).mean()) if nulls else None
        rates = {e: float(rejected[:, k].mean()) for k, e in enumerate(ENDPOINTS)}
        overall = os_setting(case.setting, salvage=case.salvage, after_event=self.after_event)
        return GatedTruth(
            name=case.name, nulls=nulls, salvage=case.salvage, os_at_milestone=overall.survival_at_milestone(), rejected=rates,
            rejected_se={e: share_se(v, self.trials) for e, v in rates.items()},
            alone={e: float((p[:, k] <= self.alpha).mean()) for k, e in enumerate(ENDPOINTS)}, family_wise_error=error,
            family_wise_error_se=None if error is None else share_se(error, self.trials),
        )  # fmt: skip

    def _drawn(self, cases: Sequence[GatedCase]) -> tuple[list[FloatArray], tuple[dict[str, float | None], dict[str, float | None]]]:
        """Z of each end point (trials, 3) under each case, and S of EFS at the milestone of responders and others by arm under the first.

        All cases have the accrual of the first and the same patients: the same entries, luck and dropouts.
        """
        from scipy.special import ndtr, ndtri

        own = cases[0].setting
        random = np.random.default_rng(SEED)
        n = max(round(own.accrual.total), 4)
        new = min(max(round(n * own.shares[own.experimental]), 1), n - 1)
        arm = np.arange(n) < new
        sides = ((own.control, ~arm), (own.experimental, arm))
        z = [np.empty((self.trials, 3)) for _ in cases]
        free: list[dict[str, list[float]]] = [{}, {}]
        for first in range(0, self.trials, 1000):
            shape = (min(1000, self.trials - first), n)
            rows, who = slice(first, first + shape[0]), np.broadcast_to(arm, shape)
            entry = own.accrual.entry_time(random.random(shape))
            latent, other, fate, wait, lost = (random.random(shape) for _ in range(5))
            efs_luck = ndtr(self.correlation * ndtri(latent) + math.sqrt(1.0 - self.correlation**2) * ndtri(other))
            after = -np.log1p(-wait) * self.after_event / math.log(2.0)
            open_until = np.minimum(np.maximum(own.analysis_time - entry, 0.0), own.accrual.dropout_time(lost))

            def z_of(time: FloatArray, until: FloatArray = open_until, who: BoolArray = who) -> FloatArray:
                return log_rank_z(np.minimum(time, until), time <= until, who)

            of_setting: dict[int, tuple[FloatArray, FloatArray]] = {}  # the time of EFS and its z
            for case, mine in zip(cases, z, strict=True):
                responds = latent > 1.0 - np.where(arm, case.response[own.experimental], case.response[own.control])
                if id(case.setting) not in of_setting:
                    efs = np.empty(shape)
                    for name, side in sides:
                        efs[:, side] = case.setting.truths[name].quantile(efs_luck[:, side])
                    of_setting[id(case.setting)] = efs, z_of(efs)
                efs, efs_z = of_setting[id(case.setting)]
                saved = np.where(arm, case.salvage[own.experimental], case.salvage[own.control])
                mine[rows, 0], mine[rows, 1] = response_z(responds, who), efs_z
                mine[rows, 2] = z_of(efs + np.where(fate < saved, np.inf, after))
                if case is cases[0]:
                    for name, side in sides:
                        for k, those in enumerate((responds[:, side], ~responds[:, side])):
                            alive = (efs[:, side] > own.milestone)[those]
                            free[k].setdefault(name, []).extend([float(alive.mean())] if alive.size else [])
        of_responders, of_others = ({name: float(np.mean(v)) if v else None for name, v in part.items()} for part in free)
        return z, (of_responders, of_others)


def response_z(responds: BoolArray, arm: BoolArray) -> FloatArray:
    """The score test of two proportions, rows of trials (trials, patients); 0 where all or none respond."""
    many = arm.sum(axis=1)
    few = responds.shape[1] - many
    new, old = (responds & arm).sum(axis=1) / many, (responds & ~arm).sum(axis=1) / few
    pooled = responds.mean(axis=1)
    variance = pooled * (1.0 - pooled) * (1.0 / many + 1.0 / few)
    return np.asarray(np.where(variance > 0.0, (new - old) / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0), np.float64)
