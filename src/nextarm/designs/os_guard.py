"""Overall survival guarded in a trial of less treatment: EFS may be shown maintained only if OS is not seen to suffer.

``rule = "bound"``: a loss of OS at the milestone of ``margin`` or more is ruled out at one-sided ``alpha`` (in a Bayesian design with
posterior probability 1 - alpha). ``rule = "harm"``: OS has not been shown to be worse by more than ``margin`` at that level; at
``look_times`` such harm ends the trial. Success needs EFS and the guard, so the guard can only lower its error. OS follows
from EFS by an assumed salvage (:mod:`nextarm.designs.overall_survival`).

The probability of both is that of two correlated normal statistics with each its own marginal probability; with complete follow-up the
estimates of S_E(t) and S_O(t) in one arm have correlation sqrt(S_E (1 - S_O) / (S_O (1 - S_E))), for whoever is free of events is alive.
A design that estimates something else of EFS says how that is correlated with S_O(t) (:data:`EfsEstimate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from nextarm.core.errors import Problem
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.looks_in_order import look_time_problems
from nextarm.designs.overall_survival import os_at, os_setting, salvage_of
from nextarm.designs.predictive_stopping import Fractions
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.seam import BoolArray, LookData, Schedule
from nextarm.designs.setting import Setting
from nextarm.designs.tables import Table, unit
from nextarm.designs.truths import Distribution, ProportionalHazards

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: The probability, in a setting of OS, that the guard lets EFS's result stand.
Passing = Callable[[Setting], float]
#: Of an arm in a setting of EFS and one of OS: the standard error of what is estimated of EFS, and its correlation with the
#: estimate of OS at the milestone with complete follow-up; None where nothing can be estimated.
EfsEstimate = Callable[[Setting, Setting, str], tuple[float, float] | None]


@dataclass(frozen=True)
class OsWatch:
    """What virtual trials need of a guard: the statistic of OS, and whether it passes at each look, (trials, looks).

    Watches that are equal pass the same trials, so ``passes`` is a record with what it depends on.
    """

    schedule: Schedule
    passes: Callable[[LookData], BoolArray]


@dataclass(frozen=True)
class NormalPass:
    """The guard passes where z of OS reaches ``critical``."""

    critical: float

    def __call__(self, data: LookData) -> BoolArray:
        """Whether it passes, (trials, looks)."""
        return np.asarray(data.z >= self.critical, np.bool_)


class OsGuard(Table):
    """``[design.os_guard]``: what overall survival must show before less treatment may be called safe."""

    margin: Annotated[
        float, Field(ge=0.0, lt=1.0, description="Absolute loss of OS at the milestone", json_schema_extra=unit("proportion"))
    ]
    alpha: Annotated[
        float,
        Field(gt=0.0, lt=0.5, description="One-sided level; Bayesian: 1 - posterior probability", json_schema_extra=unit("proportion")),
    ]
    rule: Annotated[Literal["bound", "harm"], Field(description="Rule out the loss, or only watch that none larger is shown")] = "bound"
    salvage: Annotated[float, Field(ge=0.0, le=1.0, description="Alive for good after an event", json_schema_extra=unit("proportion"))]
    after_event: Annotated[float, Field(gt=0.0, description="Median from event to death of the others", json_schema_extra=unit("years"))]
    look_times: Annotated[
        Fractions, Field(description="harm: looks at OS, years from the first patient", json_schema_extra=unit("years"))
    ] = ()
    reference: Annotated[
        float | None,
        Field(gt=0.0, lt=1.0, description="One arm: OS of the reference at the milestone", json_schema_extra=unit("proportion")),
    ] = None
    reference_se: Annotated[
        float, Field(ge=0.0, lt=0.5, description="One arm: its standard error; 0: known", json_schema_extra=unit("proportion"))
    ] = 0.0

    @property
    def passing_tail(self) -> float:
        """The guard passes where z of OS reaches the upper normal quantile of this tail (posterior probability: 1 - it)."""
        return self.alpha if self.rule == "bound" else 1.0 - self.alpha


@record
class Guarded:
    """What the guard does to a design.

    ``pass_probability`` that the guard lets a result stand, ``efs_alone`` the power without it, ``correlation`` of the two statistics;
    ``os_at_milestone`` by arm (``reference`` of a one-arm trial). ``pass_at_margin``: the guard's own error, when OS really is
    the guard's margin below, None where no truth with the plan's EFS has that. ``success_at_efs_margin``: success of both
    when the whole margin of EFS is lost. ``events_per_100`` and ``deaths_per_100``: what a loss of the whole EFS margin means,
    more events and more deaths by the milestone among 100 treated, the latter with the salvage assumed. Where a value of EFS is
    ruled out instead (``bayes-one-arm``), the loss is from the plan's EFS to that value.
    """

    rule: str
    margin: float
    alpha: float
    os_at_milestone: dict[str, float]
    salvage: dict[str, float]
    after_event: float
    efs_alone: float
    pass_probability: float
    correlation: float
    pass_at_margin: float | None
    success_at_efs_margin: float
    events_per_100: float
    deaths_per_100: float


def guard_columns(guarded: Guarded | None) -> dict[str, float | str | bool | None]:
    """What a table of one row says of the guard."""
    if guarded is None:
        return {}
    names = ("efs_alone", "pass_probability", "pass_at_margin", "success_at_efs_margin", "events_per_100", "deaths_per_100")
    shown: dict[str, float | str | bool | None] = {"os_guard": f"{guarded.rule}, margin {guarded.margin:g}, alpha {guarded.alpha:g}"}
    shown |= {f"os_{name}": value for name, value in guarded.os_at_milestone.items()}
    return shown | {f"guard_{n}" if n.startswith("pass") else n: getattr(guarded, n) for n in names}


def guard_problems(guard: OsGuard | None, plan: Plan, *, efs_margin: float | None, reference: bool) -> list[Problem]:
    """What cannot be about a guard in a plan; ``efs_margin`` None: a value is ruled out; ``reference``: the design has one arm."""
    if guard is None:
        return []
    found = []
    if efs_margin is not None and efs_margin <= 0.0:
        found.append(Problem("os_guard with margin = 0", "", "goes with a margin of EFS above 0: superiority has nothing to guard"))
    if guard.look_times and guard.rule != "harm":
        found.append(Problem("os_guard.look_times", "", 'goes with rule = "harm": a bound is read at the end'))
    found += look_time_problems("os_guard.look_times", guard.look_times, plan.accrual_model().study_duration)
    if reference and guard.reference is None:
        found.append(Problem("os_guard.reference is missing", "", "a one-arm design compares OS with it at the milestone"))
    if not reference and (guard.reference is not None or guard.reference_se > 0.0):
        found.append(Problem("os_guard.reference", "", "is of one-arm designs: the control arm shows OS here"))
    if reference and guard.reference is not None and guard.reference <= guard.margin:
        found.append(Problem(f"os_guard.margin = {guard.margin:g}", "", f"must be below the reference's OS of {guard.reference:g}"))
    return found


def os_setting_of(guard: OsGuard, plan: Plan, setting: Setting) -> Setting:
    """The setting of OS that the guard looks at."""
    return os_setting(setting, salvage=salvage_of(plan, guard.salvage), after_event=guard.after_event)


def joint_power(
    guard: OsGuard, plan: Plan, setting: Setting, *, efs: float, passing: Passing, reference_se: float = 0.0,
    estimate: EfsEstimate | None = None,
) -> float:  # fmt: skip
    """P(EFS succeeds and the guard passes) where EFS alone has probability ``efs`` and its reference the standard error given."""
    overall = os_setting_of(guard, plan, setting)
    errors = (reference_se, guard.reference_se)
    return both(efs, passing(overall), estimates_correlation(setting, overall, errors=errors, estimate=estimate))


def guarded(
    guard: OsGuard, plan: Plan, setting: Setting, *, efs: float, efs_lost: float, lost: Distribution, margin: float, passing: Passing,
    reference_se: float = 0.0, estimate: EfsEstimate | None = None,
) -> Guarded:  # fmt: skip
    """The guard's characteristics.

    ``efs`` and ``efs_lost`` are the design's own success at the plan and where the whole margin is ``lost``, which takes ``margin``
    of S at the milestone.
    """
    overall, salvage = os_setting_of(guard, plan, setting), salvage_of(plan, guard.salvage)
    new, errors = setting.experimental, (reference_se, guard.reference_se)
    losing = replace(setting, truths=setting.truths | {new: lost})
    os_losing = os_setting_of(guard, plan, losing)
    at = overall.survival_at_milestone()
    kept = at[setting.control] if guard.reference is None else guard.reference
    full = os_at(
        setting.truths[setting.control] if setting.control != new else _scaled(lost, setting.milestone, margin),
        salvage=salvage[setting.control], after_event=guard.after_event, time=setting.milestone,
    )  # fmt: skip
    deaths = full - os_losing.survival_at_milestone()[new]
    return Guarded(
        rule=guard.rule, margin=guard.margin, alpha=guard.alpha,
        os_at_milestone=at if guard.reference is None else at | {"reference": guard.reference},
        salvage=salvage, after_event=guard.after_event, efs_alone=efs, pass_probability=passing(overall),
        correlation=estimates_correlation(setting, overall, errors=errors, estimate=estimate),
        pass_at_margin=_at_margin(guard, setting, kept, salvage, passing),
        success_at_efs_margin=both(
            efs_lost, passing(os_losing), estimates_correlation(losing, os_losing, errors=errors, estimate=estimate)
        ),
        events_per_100=100.0 * margin, deaths_per_100=100.0 * deaths,
    )  # fmt: skip


def with_survival(truth: Distribution, milestone: float, survival: float) -> Distribution:
    """``truth`` with its hazard scaled to ``survival`` at the milestone."""
    own = float(truth.survival(np.asarray(milestone)))
    if not (0.0 < own < 1.0 and 0.0 < survival < 1.0):
        return truth
    return ProportionalHazards(base=truth, hazard_ratio=math.log(survival) / math.log(own))


def _scaled(lost: Distribution, milestone: float, margin: float) -> Distribution:
    """A single arm's truth without the loss: ``margin`` above what is ``lost``."""
    return with_survival(lost, milestone, float(lost.survival(np.asarray(milestone))) + margin)


def _at_margin(guard: OsGuard, setting: Setting, kept: float, salvage: dict[str, float], passing: Passing) -> float | None:
    """P(guard passes) when the experimental arm's OS is the guard's margin below, its EFS as planned: fewer are saved."""
    new = setting.experimental
    none, all_ = (os_at(setting.truths[new], salvage=s, after_event=guard.after_event, time=setting.milestone) for s in (0.0, 1.0))
    if all_ <= none:
        return None
    needed = (kept - guard.margin - none) / (all_ - none)
    if not 0.0 <= needed <= 1.0:
        return None
    return passing(os_setting(setting, salvage=salvage | {new: needed}, after_event=guard.after_event))


def _se(setting: Setting, name: str) -> float | None:
    return kaplan_meier_se(
        setting.truths[name], accrual=setting.accrual, analysis_time=setting.analysis_time, milestone=setting.milestone,
        share=setting.shares[name],
    )  # fmt: skip


def survival_estimate(setting: Setting, overall: Setting, name: str) -> tuple[float, float] | None:
    """The :data:`EfsEstimate` of S_E at the milestone."""
    e, o = (float(s.truths[name].survival(np.asarray(s.milestone))) for s in (setting, overall))
    se = _se(setting, name)
    return (se, math.sqrt(min(e * (1.0 - o) / (o * (1.0 - e)), 1.0))) if se and 0.0 < e < 1.0 and 0.0 < o < 1.0 else None


def estimates_correlation(
    setting: Setting, overall: Setting, *, errors: tuple[float, float] = (0.0, 0.0), estimate: EfsEstimate | None = None
) -> float:
    """Correlation of the statistics of EFS and OS: each arm's, weighted by what it adds to both variances.

    ``errors``: standard errors of a reference's EFS and OS, taken as independent of each other.
    """
    shared, (first, second) = 0.0, (e**2 for e in errors)
    for name in {setting.control, setting.experimental}:
        efs, se_o = (estimate or survival_estimate)(setting, overall, name), _se(overall, name)
        if efs is None or not se_o:
            continue
        se_e, correlation = efs
        shared += correlation * se_e * se_o
        first, second = first + se_e**2, second + se_o**2
    return shared / math.sqrt(first * second) if first > 0.0 and second > 0.0 else 0.0


def both(p: float, q: float, correlation: float) -> float:
    """P(X <= h, Y <= k) of two normals with P(X <= h) = ``p``, P(Y <= k) = ``q`` and this correlation (below 1).

    Phi(h) Phi(k) + 1 / (2 pi) integral_0^asin(rho) exp(-(h^2 + k^2 - 2 h k sin x) / (2 cos^2 x)) dx (Drezner & Wesolowsky 1990,
    doi 10.1080/00949659008811236).

    >>> round(both(0.5, 0.5, 0.5), 6)
    0.333333
    """
    from scipy.special import ndtri

    if not (0.0 < p < 1.0 and 0.0 < q < 1.0):
        return p * q
    h, k = float(ndtri(p)), float(ndtri(q))
    end = math.asin(min(max(correlation, -0.9999), 0.9999))
    x, w = gauss_legendre(np.linspace(0.0, end, 9))
    inside: FloatArray = np.exp(-(h * h + k * k - 2.0 * h * k * np.sin(x)) / (2.0 * np.cos(x) ** 2))
    return min(max(p * q + float(w @ inside) / (2.0 * math.pi), 0.0), p, q)
