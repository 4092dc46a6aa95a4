"""One arm decided on the posterior of its cure fraction: success where P(cure > null) is large enough, looks on the way.

S(t) = c + (1 - c) L(t / median) with a Weibull latency of stated ``shape`` whose median is not known: log-uniform between ``medians``. The
posterior of (c, median) is a table over both. Events and years of follow-up between times since entry are all it needs: with the
population's cumulative hazard H of a pair, pieces of width w have

    log likelihood = sum over pieces of d log(dH / w) - T dH / w,

d events in T years there, exact but for what changes inside a piece. A decision on the cure fraction rests on the latency where follow-up
ends before the plateau: ``simulate`` with another latency in a scenario shows by how much. The mixture cure model in a Bayesian trial
design is that of Chen, Ibrahim & Sinha (1999, doi 10.1080/01621459.1999.10474196) with its latency known but for the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.designs.bayes_one_arm import decide_in_order
from nextarm.designs.count_design import only_solves
from nextarm.designs.design import Decisions, DesignResult, DesignTable, Look, LookData, Measures, Schedule
from nextarm.designs.looks_in_order import look_time_problems
from nextarm.designs.predictive_stopping import Beta, Fractions
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.setting import Setting, common_fields, setting_of, solved
from nextarm.designs.tables import unit
from nextarm.designs.true_null import SAME
from nextarm.designs.truths import Distribution
from nextarm.designs.virtual_one_arm import pieces_seen, share_se, solved_in_patients, too_many

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Pieces of time since entry, values of the cure fraction on each side of the null, and of the median.
PIECES, CURES, MEDIANS = 32, 12, 10
TRIALS, SEED = 10_000, 20261130
_TINY = 1e-300


@record
class CureTable:
    """A posterior in waiting: ``edges`` (pieces + 1,) of time; of each pair of cure fraction and median its log prior mass, and the
    log and the value of its mean hazard in each piece (pieces, pairs); ``better`` marks pairs whose cure fraction is above the null.
    """

    edges: FloatArray
    log_prior: FloatArray
    log_hazard: FloatArray
    hazard: FloatArray
    cure: FloatArray
    better: FloatArray


@record
class CureFraction(DesignResult):
    """Characteristics in 10,000 virtual trials with the looks, with standard errors.

    ``power`` at the plan's truth, ``type1_error`` where its cure fraction is ``null_cure`` with the latency as planned; ``estimate`` the
    mean over trials of the posterior mean at the last look.
    """

    null_cure: float
    threshold: float
    true_cure: float
    power_se: float
    type1_error: float
    type1_error_se: float
    stopped_early: float
    stopped_early_null: float
    mean_years: float
    mean_years_null: float
    estimate: float

    def also_shown(self) -> dict[str, float | str | bool | None]:
        """Null, truth, errors and early stopping."""
        return self._own_fields()


class CureFractionTable(DesignTable):
    """``[design]`` of a one-arm trial of the cure fraction."""

    kind: Literal["cure-fraction"] = "cure-fraction"
    null_cure: Annotated[float, Field(gt=0.0, lt=1.0, description="The cure fraction to rule out", json_schema_extra=unit("proportion"))]
    threshold: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Success if P(cure > null) exceeds it", json_schema_extra=unit("proportion"))
    ] = 0.95
    futility: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Stop if P(cure > null) is below it at a look", json_schema_extra=unit("proportion"))
    ] = 0.0
    early_success: Annotated[bool, Field(description="Looks may also end with success")] = False
    look_times: Annotated[Fractions, Field(description="Interim looks, years from the first patient", json_schema_extra=unit("years"))] = ()
    prior: Annotated[Beta, Field(description="Beta prior of the cure fraction")] = (1.0, 1.0)
    shape: Annotated[float, Field(ge=0.1, le=10.0, description="Shape of the Weibull latency in the analysis; 1: exponential")] = 1.0
    medians: Annotated[Beta, Field(description="The latency's median lies between these, log-uniform", json_schema_extra=unit("years"))]

    arms_needed: ClassVar[int] = 1
    by_trials: ClassVar[int] = TRIALS

    def error_allowed(self, plan: Plan) -> float | None:
        """Where the cure fraction is at most ``null_cure``."""
        cure = getattr(plan.truths()[plan.experimental], "cure_fraction", 1.0)
        return self.alpha if cure <= self.null_cure + SAME else None

    def problems(self, plan: Plan) -> list[Problem]:
        """Looks are in order, the range of medians is one, and the truth has a cure fraction."""
        found = only_solves(plan, "power", "n", "duration", "effect") + too_many(plan)
        found += look_time_problems("look_times", self.look_times, plan.accrual_model().study_duration)
        if not 0.0 < self.medians[0] < self.medians[1] <= 1000.0:
            found.append(Problem(f"medians = {list(self.medians)}", "", "must be two rising numbers of years above 0, at most 1000"))
        if not (self.prior[0] > 0.0 and self.prior[1] > 0.0):
            found.append(Problem(f"prior = {list(self.prior)}", "", "both parameters of a beta prior must be above 0"))
        if self.futility >= self.threshold:
            found.append(Problem(f"futility = {self.futility:g}", "", f"must be below threshold = {self.threshold:g}"))
        truth = plan.truths().get(plan.experimental)
        if truth is not None and _with_cure(truth, self.null_cure) is None:
            rule = "the arm's survival must be a mixture-cure model: its type I error is shown with the null's cure fraction"
            found.append(Problem(f"kind = {self.kind!r}", "", rule))
        return found

    def table(self, last: float) -> CureTable:
        """The posterior's table for follow-up of up to ``last`` years."""
        return cure_table(self.null_cure, self.prior, self.shape, self.medians, last)

    def schedule(self, plan: Plan) -> Schedule:
        """Looks at their times and at the end; events and follow-up in every piece."""
        end = plan.accrual_model().study_duration
        edges = self.table(end).edges
        return Schedule(
            looks=tuple(Look(events=None, latest=t) for t in (*self.look_times, end)), statistic="none", null=0.0,
            milestone=plan.trial.milestone, measures=Measures(cuts=tuple(float(x) for x in edges[1:-1])),
        )  # fmt: skip

    def decide(self, data: LookData, plan: Plan) -> Decisions:
        """Decide many trials at once."""
        return self.decider(plan)(data)

    def decider(self, plan: Plan) -> Callable[[LookData], Decisions]:
        """The posterior at every look, in order."""
        table = self.table(plan.accrual_model().study_duration)

        def decide(data: LookData) -> Decisions:
            seen = data.seen
            assert seen is not None  # the engine gives it
            return self._decide(probability_better(table, seen.piece_events[..., 0, :].astype(np.float64), seen.exposure[..., 0, :]))

        return decide

    def _decide(self, better: FloatArray) -> Decisions:
        return decide_in_order(better > self.threshold, better < self.futility, early=self.early_success)

    def evaluate(self, plan: Plan) -> CureFraction:
        """Success in virtual trials under the plan and the null; or what ``[solve]`` asks for."""
        setting = setting_of(plan)
        solve_for = plan.solve.for_ if plan.solve else "power"
        if plan.solve is not None and solve_for != "power":
            move = solved if solve_for == "effect" else solved_in_patients
            setting = move(setting, what=solve_for, target=plan.solve.power, power=lambda s: self._behaviour(s, _truth(s))[0])
        truth = _truth(setting)
        null = _with_cure(truth, self.null_cure)
        assert null is not None  # the plan was checked
        power, early, years, estimate = self._behaviour(setting, truth)
        error, early_null, years_null, _ = self._behaviour(setting, null)
        warnings = []
        if error > 1.1 * self.alpha + 2.0 * share_se(self.alpha, self.trials):
            warnings.append(
                f"the type I error at a cure fraction of {self.null_cure:g} is {error:.4f}, above alpha = {self.alpha:g}: raise threshold"
            )
        cure = float(getattr(truth, "cure_fraction"))  # noqa: B009
        if abs(estimate - cure) > 0.05:
            warnings.append(
                f"the posterior mean of the cure fraction is {estimate:.3f} on average where {cure:.3g} is true: follow-up is too short "
                "for this latency, or the analysis has another one"
            )
        return CureFraction(
            **common_fields(plan, setting, solved_for=solve_for, power=power),
            trail=Trail(
                method=f"posterior of the cure fraction over a table of it and the latency's median; {self.trials:,} virtual trials",
                reference="10.1080/01621459.1999.10474196", seed=SEED,
                assumptions=(
                    f"compared with a fixed cure fraction of {self.null_cure:g}: the error of a historical value is not in it",
                    f"Weibull latency of shape {self.shape:g}, median between {self.medians[0]:g} and {self.medians[1]:g} years",
                ),
            ),
            warnings=tuple(warnings), null_cure=self.null_cure, threshold=self.threshold, true_cure=cure,
            power_se=share_se(power, self.trials), type1_error=error, type1_error_se=share_se(error, self.trials), stopped_early=early,
            stopped_early_null=early_null, mean_years=years,
            mean_years_null=years_null, estimate=estimate,
        )  # fmt: skip

    def _behaviour(self, setting: Setting, truth: Distribution) -> tuple[float, float, float, float]:
        """Success, stopping before the end, mean years, mean of the posterior mean at the last look."""
        times = np.array([*(t for t in self.look_times if t < setting.analysis_time), setting.analysis_time])
        table = self.table(setting.analysis_time)
        events, years, _ = pieces_seen(setting, truth, times=list(times), edges=list(table.edges), trials=self.trials, seed=SEED)
        made = self._decide(probability_better(table, events, years))
        mean = posterior_mean(table, events[:, -1], years[:, -1])
        last = len(times) - 1
        return (
            float((made.rejected_at >= 0).mean()), float((made.stopped_at < last).mean()), float(times[made.stopped_at].mean()),
            float(mean.mean()),
        )  # fmt: skip


def _truth(setting: Setting) -> Distribution:
    return setting.truths[setting.experimental]


def _with_cure(truth: Distribution, cure: float) -> Distribution | None:
    """The truth with another cure fraction; None where it has none."""
    if not hasattr(truth, "cure_fraction") or not hasattr(truth, "latency"):
        return None
    model: Any = type(truth)
    return model(cure_fraction=cure, latency=truth.latency)  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def cure_table(null: float, prior: tuple[float, float], shape: float, medians: tuple[float, float], last: float) -> CureTable:
    """Tabulate the pairs of cure fraction and median, and their hazards in pieces that are finer where events come.

    Cure fractions are Gauss-Legendre nodes on each side of ``null`` (of the beta prior's own scale near 0 and 1), medians nodes of log
    time; pieces widen towards ``last`` years, for events come early.
    """
    from scipy.special import betainc, betaincinv

    a, b = prior
    below = float(betainc(a, b, null))
    share, weight = gauss_legendre(np.array([0.0, below, 1.0]), CURES)
    c = np.clip(betaincinv(a, b, share), 1e-12, 1.0 - 1e-12)
    low, high = (math.log(m) for m in medians)
    log_m, weight_m = gauss_legendre(np.array([low, high]), MEDIANS)
    scale = np.exp(log_m) / math.log(2.0) ** (1.0 / shape)
    edges = last * (np.arange(PIECES + 1) / PIECES) ** 1.5
    latency = np.exp(-((edges[:, None] / scale) ** shape))  # (edges, medians)
    survival = c[:, None, None] + (1.0 - c[:, None, None]) * latency[None]  # (cures, edges, medians)
    steps = np.diff(-np.log(np.maximum(survival, _TINY)), axis=1)
    hazard = (steps / np.diff(edges)[None, :, None]).transpose(1, 0, 2).reshape(PIECES, -1)
    log_prior = np.log(np.maximum(weight, _TINY))[:, None] + np.log(weight_m / (high - low))[None, :]
    pairs = np.broadcast_to(c[:, None], (len(c), MEDIANS)).ravel()
    return CureTable(
        edges=edges, log_prior=log_prior.ravel(), log_hazard=np.log(np.maximum(hazard, _TINY)), hazard=hazard, cure=pairs,
        better=(pairs > null).astype(np.float64),
    )  # fmt: skip


def _posterior(table: CureTable, events: FloatArray, years: FloatArray) -> FloatArray:
    """Posterior mass of every pair, (.., pairs), not scaled."""
    log = events @ table.log_hazard - years @ table.hazard + table.log_prior
    return np.asarray(np.exp(log - log.max(axis=-1, keepdims=True)), np.float64)


def probability_better(table: CureTable, events: FloatArray, years: FloatArray) -> FloatArray:
    """P(cure > null) from ``events`` and ``years`` (.., pieces)."""
    mass = _posterior(table, events, years)
    return np.asarray((mass @ table.better) / mass.sum(axis=-1), np.float64)


def posterior_mean(table: CureTable, events: FloatArray, years: FloatArray) -> FloatArray:
    """The posterior mean of the cure fraction."""
    mass = _posterior(table, events, years)
    return np.asarray((mass @ table.cure) / mass.sum(axis=-1), np.float64)
