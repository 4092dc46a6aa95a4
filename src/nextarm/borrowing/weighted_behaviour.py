"""How weighted external comparisons behave in the long run: rejections and coverage under no effect, with and without drift.

One virtual study: treated and control patients whose two measured covariates differ between the groups and act on cure and on the hazard.
There is no effect of treatment, so every rejection is an error. ``drift`` is the log hazard ratio of the control's era to that of the
treated (above 0: the control did worse). Draws by :func:`nextarm.core.random.block_stream`, one stream a study, the same for every
method: methods differ by what they do, not by luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextarm.borrowing.adjustment import Adjustment, weighted
from nextarm.borrowing.covariates import Baseline, Covariates
from nextarm.borrowing.group_effects import hazard_ratio, one_arm
from nextarm.borrowing.landmark import compare_landmarks
from nextarm.core.errors import CallError, NextarmError
from nextarm.core.random import block_stream
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.survival import Patients, make_patients
from nextarm.synthesis.estimates import StudyEstimate

if TYPE_CHECKING:
    import polars as pl

PURPOSE = 64
METHODS: tuple[str, ...] = ("unadjusted", "entropy att", "propensity att", "propensity overlap", "maic")
#: Effects of the covariates on the log hazard (and, with the other sign, on the logit of cure), and how far the groups differ.
EFFECTS, SHIFTS = (0.6, 0.5), (0.5, 0.2)
NAMES = ("score", "high_risk")


@record
class BehaviourRow:
    """One method at one drift: shares of studies, with their Monte-Carlo standard errors.

    ``for_treated`` and ``against_treated`` are one-sided rejections at 0.025; ``coverage`` that of the 95 % interval of the hazard ratio
    for 1 (under drift it shows what drift does). ``size`` is the mean effective sample size of the weighted group, ``refused``
    the share of studies in which weights were refused.
    """

    method: str
    drift: float
    for_treated: float
    against_treated: float
    coverage: float
    coverage_se: float
    for_treated_se: float
    size: float
    refused: float


@record
class Behaviour(Result):
    """All rows, by drift and method."""

    studies: int
    treated: int
    control: int
    rows: tuple[BehaviourRow, ...]

    def row(self, method: str, drift: float) -> BehaviourRow:
        """The row of one method at one drift."""
        for r in self.rows:
            if r.method == method and abs(r.drift - drift) < 1e-12:
                return r
        raise CallError(f"{method} at drift {drift:g}", rule="was not simulated")

    def table(self) -> pl.DataFrame:
        """One row a method and drift."""
        import polars as pl

        names = ("drift", "method", "for_treated", "for_treated_se", "against_treated", "coverage", "coverage_se", "size", "refused")
        return pl.DataFrame([{n: getattr(r, n) for n in names} for r in self.rows])


def simulate_weighted(
    *, studies: int = 1000, treated: int = 60, control: int = 160, drifts: Sequence[float] = (-0.3, 0.0, 0.3), seed: int = 1
) -> Behaviour:
    """Simulate ``studies`` external comparisons without any effect and compare each by every method of :data:`METHODS`."""
    if studies < 1 or treated < 20 or control < 20:
        raise CallError("studies, treated, control", rule="must be at least 1, 20 and 20")
    rows = []
    for drift in drifts:
        z = {m: np.full(studies, np.nan) for m in METHODS}
        sizes = {m: np.full(studies, np.nan) for m in METHODS}
        for k in range(studies):
            rng = block_stream(seed, k, PURPOSE)
            new, x1 = _group(rng, treated, shift=1.0, drift=0.0)
            old, x0 = _group(rng, control, shift=0.0, drift=drift)
            for method in METHODS:
                try:
                    groups, sizes[method][k] = _weigh(new, old, x1, x0, method)
                    effect, _ = hazard_ratio([groups], level=0.95)
                except NextarmError:
                    continue
                if effect is not None and effect.standard_error:
                    z[method][k] = math.log(effect.estimate) / effect.standard_error
        for method in METHODS:
            seen = z[method][np.isfinite(z[method])]
            n = max(seen.size, 1)
            less, more = float((seen < -1.959964).mean()), float((seen > 1.959964).mean())
            held = 1.0 - less - more
            rows.append(
                BehaviourRow(
                    method=method,
                    drift=float(drift),
                    for_treated=less,
                    against_treated=more,
                    coverage=held,
                    coverage_se=math.sqrt(held * (1.0 - held) / n),
                    for_treated_se=math.sqrt(less * (1.0 - less) / n),
                    size=float(np.nanmean(sizes[method])),
                    refused=1.0 - seen.size / studies,
                )
            )
    return Behaviour(
        trail=Trail(method=f"simulation of {studies} external comparisons without effect, {treated} treated, {control} control", seed=seed),
        studies=studies,
        treated=treated,
        control=control,
        rows=tuple(rows),
    )


def _group(rng: np.random.Generator, n: int, *, shift: float, drift: float) -> tuple[Patients, Covariates]:
    """Patients of one group: cure, exponential latency, log hazard ``drift`` higher, censored uniformly from 3 to 8 years."""
    score = rng.standard_normal(n) - SHIFTS[0] * shift
    high = (rng.random(n) < 0.4 - SHIFTS[1] * shift).astype(float)
    line = EFFECTS[0] * score + EFFECTS[1] * high
    cure, hazard = 1.0 / (1.0 + np.exp(line)), np.exp(0.5 * line)
    level = rng.random(n) ** math.exp(-drift)  # S(t | x)^exp(drift) = U: proportional hazards at any cure fraction
    cured = level <= cure
    latent = -np.log(np.where(cured, 0.5, (level - cure) / (1.0 - cure))) / hazard
    censor = rng.uniform(3.0, 8.0, n)
    event = (~cured) & (latent <= censor)
    time = np.maximum(np.where(event, latent, censor), 1e-6)
    return make_patients(time, event.astype(np.int64), time_origin="simulated"), Covariates(
        names=NAMES, values=np.column_stack([score, high])
    )


def _weigh(new: Patients, old: Patients, x1: Covariates, x0: Covariates, method: str) -> tuple[tuple[Patients, Patients], float]:
    one, two = one_arm(new, "treated"), one_arm(old, "control")
    if method == "unadjusted":
        return (one, two), float(new.n)
    if method == "maic":
        rows = tuple(Baseline(covariate=n, mean=round(float(x0.column(n).mean()), 2)) for n in NAMES)
        made = Adjustment(treated=x1, baseline=rows).weigh()
        return (weighted(one, made.treated), two), made.treated_size or 0.0
    kind, _, estimand = method.partition(" ")
    made = Adjustment(treated=x1, control=x0, method=kind, estimand=estimand).weigh()
    return (weighted(one, made.treated), weighted(two, made.control)), made.control_size or 0.0


def control_taken_as_known(
    *,
    trials: int = 20_000,
    patients: int = 160,
    control: int = 200,
    survival: float = 0.5,
    drift: float = 0.0,
    alpha: float = 0.05,
    seed: int = 1,
) -> tuple[float, float]:
    """Rejections of one arm against a historical control at a milestone: the control taken as known, and with its error included.

    Both are drawn as binomial (complete follow-up); the historical control did worse than it should have by ``drift`` in S.
    Returns the two shares of trials with a one-sided p below ``alpha`` on the complementary log-log scale.
    """
    from scipy.special import ndtri

    rng = block_stream(seed, 0, PURPOSE + 1)
    new = rng.binomial(patients, survival + drift, trials) / patients
    old = rng.binomial(control, survival, trials) / control
    cut = float(ndtri(alpha))
    known = both = 0
    for s1, s0 in zip(new.tolist(), old.tolist(), strict=True):
        if not (0.0 < s1 < 1.0 and 0.0 < s0 < 1.0):
            continue
        one = StudyEstimate(label="new", estimate=s1, se=math.sqrt(s1 * (1.0 - s1) / patients))
        two = StudyEstimate(label="old", estimate=s0, se=math.sqrt(s0 * (1.0 - s0) / control))
        found = compare_landmarks(one, two)
        assert found.log_ratio is not None
        assert found.log_ratio_se is not None
        assert found.treated.cloglog_se is not None
        known += found.log_ratio / found.treated.cloglog_se < cut
        both += found.log_ratio / found.log_ratio_se < cut
    return known / trials, both / trials
