"""Pooling from patients (mostly reconstructed): two-stage mixture cure, one-stage beside it, gated by follow-up.

- Two stages: a mixture-cure model in each trial, then multivariate random effects on (logit cure fraction, log shape, log
  scale) with each trial's covariance (Chan 2025, doi 10.1017/rsm.2025.10038). Several plausible versions of a trial's patients
  are combined by Rubin's rules: covariance = mean within + (1 + 1/m) between versions.
- One stage: all patients in one likelihood, cure fractions by trial, one latency for all; the cure fractions are then pooled
  with their full covariance. Where both agree, the latencies do not differ enough to matter.
- :func:`stratified_cox`: treatment effects with one baseline a trial.

A trial enters only where its follow-up reaches the plateau (Maller-Zhou, Shen and RECeUS views of the survival room) in most of
its versions, and where its model has a maximum inside. Others are left out with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError, NextarmError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.survival import Combined, Fit, Patients, combine_versions, cox, fit_model, make_patients
from nextarm.synthesis.estimates import two_sided_z
from nextarm.synthesis.multivariate import pool_multivariate
from nextarm.synthesis.pool import check_choice, t_quantile

if TYPE_CHECKING:
    import polars as pl


@record
class TrialFit:
    """One trial's coefficients on the estimation scale, versions combined; ``between_share`` is reconstruction's share of variance."""

    label: str
    n: int
    versions: int
    origin: str
    coefficients: FloatArray
    covariance: FloatArray
    cure_fraction: float
    cure_se: float
    between_share: float


@record
class PooledCure(Result):
    """Pooled cure fraction and latency; ``coefficients`` and ``between`` on the estimation scale, in the order of ``names``.

    ``one_stage`` is the cure fraction pooled from one likelihood of all patients, None where it was not asked for or could not be had.
    ``prediction`` holds the cure fraction of one further trial.
    """

    model: str
    structure: str
    level: float
    k: int
    cure_fraction: float
    ci: Interval
    prediction: Interval
    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    between: FloatArray
    one_stage: float | None
    one_stage_ci: Interval | None
    trials: tuple[TrialFit, ...]

    def table(self) -> pl.DataFrame:
        """One row a trial, then the pooled rows, two stages and one stage."""
        import polars as pl

        rows: list[dict[str, Any]] = [
            {"trial": t.label, "n": t.n, "versions": t.versions, "cure_fraction": t.cure_fraction, "se_logit": t.cure_se}
            for t in self.trials
        ]
        rows.append({"trial": "two stages", "cure_fraction": self.cure_fraction, "ci_low": self.ci.low, "ci_high": self.ci.high})
        if self.one_stage is not None and self.one_stage_ci is not None:
            low, high = self.one_stage_ci.low, self.one_stage_ci.high
            rows.append({"trial": "one stage", "cure_fraction": self.one_stage, "ci_low": low, "ci_high": high})
        types = {"trial": pl.String, "n": pl.Int64, "versions": pl.Int64, "cure_fraction": pl.Float64, "se_logit": pl.Float64}
        return pl.DataFrame(rows, schema=types | {"ci_low": pl.Float64, "ci_high": pl.Float64})


def _expit(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _versions(patients: Patients) -> list[Patients]:
    return [patients.for_version(v) for v in patients.versions] if len(patients.versions) > 1 else [patients]


def fit_trial(label: str, patients: Patients, *, model: str = "mixture-cure:weibull", gate: bool = True) -> TrialFit:
    """Fit one trial in each of its versions and combine them; :class:`RefusedError` says why it cannot enter."""
    fits: list[Fit] = []
    reasons: list[str] = []
    immature = 0
    made = _versions(patients)
    for one in made:
        fit = fit_model(one, model=model, profile=False)
        if fit.covariance is None or fit.fixed:
            reasons.append(f"{', '.join(fit.fixed) or 'its parameters'} not determined by these data")
            continue
        immature += not fit.follow_up[0].sufficient
        fits.append(fit)
    if 2 * len(fits) <= len(made):
        raise RefusedError(label, rule=reasons[0] if reasons else "has no fit")
    if gate and 2 * immature > len(fits):
        f = fits[0].follow_up[0]
        seen = f"last event {f.last_event:.1f}, last time {f.last_time:.1f} years, {f.events_in_interval} of {f.n} late, q_n {f.q_n:.3f}"
        raise RefusedError(label, rule=f"follow-up does not reach the plateau ({seen})")
    theta = np.array([f.coefficients for f in fits])
    within = np.mean([f.covariance for f in fits if f.covariance is not None], axis=0)
    m = len(fits)
    between = np.cov(theta.T, ddof=1) * (1.0 + 1.0 / m) if m > 1 else np.zeros_like(within)
    total = np.asarray(within + between, np.float64)
    return TrialFit(
        label=label,
        n=fits[0].n,
        versions=m,
        origin=patients.origin,
        coefficients=theta.mean(axis=0),
        covariance=total,
        cure_fraction=_expit(float(theta[:, 0].mean())),
        cure_se=math.sqrt(float(total[0, 0])),
        between_share=float(between[0, 0] / total[0, 0]),
    )


def pool_cure(
    trials: Mapping[str, Patients],
    *,
    model: str = "mixture-cure:weibull",
    structure: str | None = None,
    gate: bool = True,
    one_stage: bool = True,
    limits: str = "wald",
    level: float = 0.95,
    base: Trail | None = None,
) -> PooledCure:
    """Pool cure fractions from the patients of several trials (one arm each, any number of versions).

    ``limits`` of the two-stage estimate: ``wald``, or ``t`` for few trials (standard error times ``sqrt(max(1, q))``, ``q`` the
    weighted residual square of the logit cure fractions over k - 1, on t(k - 1)), a choice of this package and so labelled.

    ``structure`` of the between-trial covariance: ``un``, ``diag``, or None for ``un`` from eight trials on. ``gate=False`` lets
    immature trials in and says so. Raises :class:`CallError` for a model without cure, :class:`RefusedError` where fewer than
    two trials can enter, with every reason.
    """
    z = two_sided_z(level)
    if not model.startswith("mixture-cure:"):
        raise CallError(f"model = {model!r}", rule="must be a mixture-cure model", cure="For example mixture-cure:weibull")
    fits: list[TrialFit] = []
    out: list[LeftOut] = []
    for label, patients in trials.items():
        try:
            fits.append(fit_trial(label, patients, model=model, gate=gate))
        except NextarmError as error:
            out.append(LeftOut(RowRef("trials", 0, label), error.problems[0].rule or str(error)))
    if len(fits) < 2:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in out)
        raise RefusedError(f"{len(fits)} trials can enter", rule="at least two are needed to pool cure fractions", cure=reasons)
    p = fits[0].coefficients.size
    chosen = structure or ("un" if len(fits) >= max(8, p + 2) else "diag")
    fit = pool_multivariate(np.array([f.coefficients for f in fits]), np.array([f.covariance for f in fits]), structure=chosen)
    check_choice(limits, "limits", ("wald", "t"))
    centre, se = float(fit.mean[0]), math.sqrt(float(fit.covariance[0, 0]))
    z_two = z
    if limits == "t":
        spread = np.array([(f.coefficients[0] - centre) ** 2 / (f.covariance[0, 0] + fit.between[0, 0]) for f in fits])
        se *= math.sqrt(max(1.0, float(spread.sum()) / (len(fits) - 1)))
        z_two = t_quantile(len(fits) - 1.0, level)
    reach = math.sqrt(se * se + float(fit.between[0, 0]))
    warnings = [f"{o.row.key} is not pooled: {o.reason}" for o in out]
    if not gate:
        warnings.append("follow-up was not asked to reach the plateau: cure fractions may be read off too early")
    if len(fits) < 5 and limits == "wald":
        warnings.append(f"{len(fits)} trials: the variance between them is hardly known, and Wald limits are too narrow")
    entered = {f.label: trials[f.label] for f in fits}
    single = _one_stage(entered, model, z, level, warnings) if one_stage else None
    before = base or Trail(method="")
    return PooledCure(
        trail=Trail(
            method=f"two stages: {model} in each trial, then multivariate random effects ({chosen}, REML), "
            + ("Wald limits" if limits == "wald" else "limits on t(k-1) with the ad hoc factor"),
            reference="10.1017/rsm.2025.10038",
            rows=tuple(RowRef("trials", 0, f.label, marks=(f.origin,)) for f in fits),
            left_out=(*before.left_out, *out),
            sources=before.sources,
            assumptions=before.assumptions,
            inputs=before.inputs,
        ),
        warnings=tuple(warnings),
        model=model,
        structure=chosen,
        level=level,
        k=len(fits),
        cure_fraction=_expit(centre),
        ci=Interval(low=_expit(centre - z_two * se), high=_expit(centre + z_two * se), level=level),
        prediction=Interval(low=_expit(centre - z_two * reach), high=_expit(centre + z_two * reach), level=level, kind="prediction"),
        names=("logit(cure_fraction)", *(f"latency {j}" for j in range(1, p))),
        coefficients=fit.mean,
        covariance=fit.covariance,
        between=fit.between,
        one_stage=single[0] if single else None,
        one_stage_ci=single[1] if single else None,
        trials=tuple(fits),
    )


def together(trials: Mapping[str, Patients]) -> Patients:
    """All patients of ``trials`` in one table, one arm a trial and the trial as stratum; several versions become the first."""
    parts = [_versions(p)[0] for p in trials.values()]
    names = list(trials)
    labels = [name for name, p in zip(names, parts, strict=True) for _ in range(p.n)]
    return make_patients(
        np.concatenate([p.time for p in parts]),
        np.concatenate([(p.event > 0).astype(np.int64) for p in parts]),
        arm=labels,
        arms=tuple(names),
        origin=parts[0].origin,
    )


def _one_stage(trials: Mapping[str, Patients], model: str, z: float, level: float, warnings: list[str]) -> tuple[float, Interval] | None:
    """Cure by trial and one latency in one likelihood; the trials' logits pooled with their full covariance."""
    if any(len(p.versions) > 1 for p in trials.values()):
        warnings.append("the one-stage fit uses the first version of each trial's patients")
    try:
        fit = fit_model(together(trials), model=model, cure="arm", profile=False)
    except NextarmError as error:
        warnings.append(f"the one-stage fit could not be made: {error}")
        return None
    k = len(trials)
    if fit.covariance is None or fit.fixed:
        warnings.append("the one-stage fit does not determine all cure fractions")
        return None
    # Logit of trial i = intercept + its own effect (0 for the first).
    T = np.eye(k)
    T[:, 0] = 1.0
    at = [j for j, name in enumerate(fit.coefficient_names) if "cure" in name][:k]
    logits, covariance = T @ fit.coefficients[at], T @ fit.covariance[np.ix_(at, at)] @ T.T
    mean, variance = _pooled_correlated(logits, covariance)
    half = z * math.sqrt(variance)
    return _expit(mean), Interval(low=_expit(mean - half), high=_expit(mean + half), level=level)


def _pooled_correlated(y: FloatArray, V: FloatArray) -> tuple[float, float]:
    """REML of ``y ~ N(mu 1, V + tau2 I)`` with a full V (the trials share a latency, so their logits correlate)."""
    from scipy.optimize import minimize_scalar

    one = np.ones(y.size)

    def at(tau: float) -> tuple[float, float, float]:
        inverse = np.linalg.inv(V + tau * tau * np.eye(y.size))
        variance = 1.0 / float(one @ inverse @ one)
        mean = variance * float(one @ inverse @ y)
        r = y - mean
        loss = float(r @ inverse @ r) - float(np.linalg.slogdet(inverse)[1]) - math.log(variance)
        return loss, mean, variance

    found = minimize_scalar(lambda t: at(float(t))[0], bounds=(0.0, 5.0), method="bounded", options={"xatol": 1e-10})
    best = at(float(found.x)) if at(float(found.x))[0] < at(0.0)[0] else at(0.0)
    return best[1], best[2]


def stratified_cox(patients: Mapping[int, Patients] | Patients, *, level: float = 0.95) -> dict[str, Combined]:
    """Log hazard ratios of the arms with one baseline a trial (the ``stratum`` column), versions combined by Rubin's rules.

    ``patients`` of one version give a :class:`~nextarm.survival.Combined` with ``versions`` 1 and normal limits.
    :class:`CallError` without strata.
    """
    given = _versions(patients) if isinstance(patients, Patients) else list(patients.values())
    if any(p.stratum is None for p in given):
        raise CallError("stratum", rule="must say which trial each patient is from", cure="Add a stratum column")
    fits = [cox(p, stratified=True, arm=True, level=level) for p in given]
    z = two_sided_z(level)
    found = {}
    for j, name in enumerate(fits[0].covariates):
        q = [float(f.coefficient[j]) for f in fits]
        u = [float(f.standard_error[j]) ** 2 for f in fits]
        if not np.isfinite([*q, *u]).all():
            raise RefusedError(name, rule="has no finite hazard ratio in some version: all events on one side")
        if len(q) > 1:
            found[name] = combine_versions(q, u, level=level)
            continue
        se = math.sqrt(u[0])
        ci = Interval(low=q[0] - z * se, high=q[0] + z * se, level=level)
        found[name] = Combined(estimate=q[0], standard_error=se, ci=ci, within_se=se, between_sd=0.0, versions=1, df=None)
    return found
