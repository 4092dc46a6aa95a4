"""Two arms, three end points tested by a graph (:mod:`nextarm.designs.graphical_test`): response, then EFS, then OS.

Response (MRD negativity) is compared by the score test of two proportions, EFS and OS by log-rank tests at the analysis. The response of a
patient and their EFS are tied by a normal copula, which leaves both margins as the plan states them: responders are cured more
often. After an event a share ``salvage`` is alive for good, the others die after an exponential time with median ``after_event``, in
both arms alike.
"""

from __future__ import annotations

import math
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
from nextarm.designs.graphical_test import checked_graph, rejections
from nextarm.designs.log_rank_rows import log_rank_z
from nextarm.designs.seam import BoolArray
from nextarm.designs.setting import Setting, common_fields, setting_of
from nextarm.designs.tables import unit
from nextarm.designs.truths import Distribution

if TYPE_CHECKING:
    import polars as pl

    from nextarm.designs.plan import Plan

ENDPOINTS = ("response", "EFS", "OS")
#: Virtual trials under each truth, and their seed.
TRIALS, SEED = 10_000, 20261129


@record
class GatedTruth:
    """One truth: how often each end point is rejected by the graph, and how often a true null is, with Monte-Carlo standard errors.

    ``alone`` is how often each would be rejected at alpha by itself; ``family_wise_error`` counts the end points without an effect.
    """

    name: str
    rejected: dict[str, float]
    rejected_se: dict[str, float]
    alone: dict[str, float]
    family_wise_error: float | None
    family_wise_error_se: float | None


@record
class GatedEndpoints(DesignResult):
    """Characteristics of gated end points in 10,000 virtual trials; ``power`` is that of rejecting EFS within the graph.

    ``truths``: the plan; nothing works; the response alone is better. ``response_by_arm`` and ``survival_of_responders`` (S of EFS at the
    milestone among responders and others, as simulated) say what the stated correlation means.
    """

    correlation: float
    truths: tuple[GatedTruth, ...]
    response_by_arm: dict[str, float]
    survival_of_responders: dict[str, float]
    survival_of_others: dict[str, float]

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
            row: dict[str, object] = {"truth": t.name}
            for e in ENDPOINTS:
                row |= {e: t.rejected[e], f"{e}_se": t.rejected_se[e], f"{e}_alone": t.alone[e]}
            rows.append(row | {"family_wise_error": t.family_wise_error, "family_wise_error_se": t.family_wise_error_se})
        return pl.DataFrame(rows)


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
        setting = setting_of(plan, latest=self.latest)
        response = {name: float(arm.response or 0.0) for name, arm in plan.arms.items()}
        null = replace(setting, truths=dict.fromkeys(setting.truths, setting.truths[setting.control]))
        same = dict.fromkeys(response, response[setting.control])
        plans = (
            ("plan", setting, response, ()),
            ("nothing works", null, same, ENDPOINTS),
            ("response alone", null, response, ENDPOINTS[1:]),
        )
        truths, shown = [], None
        for name, here, rates, nulls in plans:
            z, split = self._trials(here, rates)
            shown = shown or split
            truths.append(self._truth(name, z, nulls))
        assert shown is not None
        return GatedEndpoints(
            **common_fields(plan, setting, solved_for="power", power=truths[0].rejected["EFS"]),
            trail=Trail(
                method=f"response, EFS and OS by a graph, {TRIALS:,} virtual trials under each truth", reference="10.1002/sim.3495",
                seed=SEED,
                assumptions=(
                    f"normal copula of response and EFS with correlation {self.correlation:g}",
                    f"after an event {self.salvage:.0%} live on, the others die after a median of {self.after_event:g} years, in both arms",
                ),
            ),
            correlation=self.correlation,
            truths=tuple(truths),
            response_by_arm=response,
            survival_of_responders=shown[0],
            survival_of_others=shown[1],
        )  # fmt: skip

    def _truth(self, name: str, z: FloatArray, nulls: tuple[str, ...]) -> GatedTruth:
        from scipy.special import ndtr

        p = ndtr(-z)
        w, g = checked_graph(ENDPOINTS, self.weights, self.transitions)
        rejected = np.zeros(p.shape, np.bool_)
        for t in np.flatnonzero((p <= self.alpha).any(axis=1)):
            rejected[t] = rejections(p[t], w, g)[1] <= self.alpha
        error = float(rejected[:, [ENDPOINTS.index(e) for e in nulls]].any(axis=1).mean()) if nulls else None
        rates = {e: float(rejected[:, k].mean()) for k, e in enumerate(ENDPOINTS)}
        return GatedTruth(
            name=name, rejected=rates, rejected_se={e: _se(v) for e, v in rates.items()},
            alone={e: float((p[:, k] <= self.alpha).mean()) for k, e in enumerate(ENDPOINTS)}, family_wise_error=error,
            family_wise_error_se=None if error is None else _se(error),
        )  # fmt: skip

    def _trials(self, setting: Setting, response: dict[str, float]) -> tuple[FloatArray, tuple[dict[str, float], dict[str, float]]]:
        """Z of each end point (trials, 3), and S of EFS at the milestone of responders and others by arm."""
        from scipy.special import ndtr, ndtri

        random = np.random.default_rng(SEED)
        n = max(round(setting.accrual.total), 4)
        new = min(max(round(n * setting.shares[setting.experimental]), 1), n - 1)
        arm = np.arange(n) < new
        z = np.empty((TRIALS, 3))
        free: list[dict[str, list[float]]] = [{}, {}]
        for first in range(0, TRIALS, 1000):
            shape = (min(1000, TRIALS - first), n)
            entry = setting.accrual.entry_time(random.random(shape))
            latent, other, fate, wait, lost = (random.random(shape) for _ in range(5))
            good = ndtri(latent)
            efs_luck = ndtr(self.correlation * good + math.sqrt(1.0 - self.correlation**2) * ndtri(other))
            responds, efs = np.zeros(shape, np.bool_), np.empty(shape)
            for name, mine in ((setting.control, ~arm), (setting.experimental, arm)):
                truth: Distribution = setting.truths[name]
                responds[:, mine] = latent[:, mine] > 1.0 - response[name]
                efs[:, mine] = truth.quantile(efs_luck[:, mine])
                for k, who in enumerate((responds[:, mine], ~responds[:, mine])):
                    free[k].setdefault(name, []).append(float((efs[:, mine] > setting.milestone)[who].mean()) if who.any() else math.nan)
            os = efs + np.where(fate < self.salvage, np.inf, -np.log1p(-wait) * self.after_event / math.log(2.0))
            open_until = np.minimum(np.maximum(setting.analysis_time - entry, 0.0), setting.accrual.dropout_time(lost))
            rows = slice(first, first + shape[0])
            z[rows, 0] = _score_z(responds, arm)
            who = np.broadcast_to(arm, shape)
            for k, time in ((1, efs), (2, os)):
                z[rows, k] = log_rank_z(np.minimum(time, open_until), time <= open_until, who)
        return z, tuple({name: float(np.mean(v)) for name, v in part.items()} for part in free)  # type: ignore[return-value]


def _score_z(responds: BoolArray, arm: BoolArray) -> FloatArray:
    """The score test of two proportions, rows of trials; 0 where all or none respond."""
    new, old = responds[:, arm].mean(axis=1), responds[:, ~arm].mean(axis=1)
    pooled = responds.mean(axis=1)
    variance = pooled * (1.0 - pooled) * (1.0 / arm.sum() + 1.0 / (~arm).sum())
    return np.asarray(np.where(variance > 0.0, (new - old) / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0), np.float64)


def _se(p: float) -> float:
    q = p if 0.0 < p < 1.0 else (p * TRIALS + 1.0) / (TRIALS + 2.0)
    return math.sqrt(q * (1.0 - q) / TRIALS)
