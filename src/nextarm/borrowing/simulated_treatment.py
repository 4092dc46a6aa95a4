"""Simulated treatment comparison without a common arm: what the treated would have done in the control's population.

A Cox model of the treated patients' own covariates gives ``S(t | x) = exp(-H0(t) exp((x - m) b))`` (Breslow's H0). It is averaged over
profiles drawn from the published baseline table: normal with the printed mean and standard deviation, 0/1 with the printed
proportion, joined by the treated patients' correlations (a Gaussian copula). Averaging keeps the result marginal, which the
prediction at the mean covariates is not (Remiro-Azocar et al. 2022, doi 10.1002/jrsm.1565). Its error is from drawing the
treated patients again and fitting again, on the cloglog scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from nextarm.borrowing.adjustment import EXTERNAL
from nextarm.borrowing.alignment import require_one_origin
from nextarm.borrowing.covariates import Baseline, Covariates, check_baseline
from nextarm.borrowing.group_effects import one_arm
from nextarm.borrowing.landmark import LandmarkComparison, compare_landmarks
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray
from nextarm.survival import Patients, cox, kaplan_meier
from nextarm.survival.table import one_version
from nextarm.synthesis.estimates import StudyEstimate, two_sided_z

PROFILES, REPLICATES, PURPOSE = 2000, 200, 63
_REFERENCE = "10.1002/jrsm.1565"


def baseline_profiles(
    covariates: Covariates, rows: Sequence[Baseline], *, n: int = PROFILES, seed: int = 1
) -> tuple[FloatArray, tuple[str, ...]]:
    """Covariates (n, p) of patients like those of the table, and what had to be said; the draws are antithetic pairs."""
    from scipy.special import ndtr

    X = np.column_stack([covariates.column(r.covariate) for r in rows])
    p = X.shape[1]
    correlation = np.atleast_2d(np.corrcoef(X, rowvar=False)) if p > 1 else np.ones((1, 1))
    correlation = np.where(np.isfinite(correlation), correlation, 0.0)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    half = block_stream(seed, 0, PURPOSE).standard_normal((n // 2, p))
    Z = np.vstack([half, -half]) @ root.T
    made = np.empty_like(Z)
    notes = []
    for j, r in enumerate(rows):
        if covariates.binary(r.covariate):
            made[:, j] = (ndtr(Z[:, j]) > 1.0 - r.mean).astype(float)
            continue
        sd = r.sd
        if sd is None:
            sd = float(X[:, j].std(ddof=1))
            notes.append(f"{r.covariate}: no printed standard deviation, that of the treated patients ({sd:.3g}) is taken")
        made[:, j] = r.mean + sd * Z[:, j]
    return made, tuple(notes)


def predicted_survival(
    patients: Patients, covariates: Covariates, names: Sequence[str], profiles: FloatArray, times: Sequence[float]
) -> FloatArray:
    """Mean of S(t | x) over ``profiles`` (m, p) at ``times``, (T,), from a Cox model of ``names`` with Breslow's baseline.

    >>> from nextarm.survival import make_patients
    >>> from nextarm.borrowing.covariates import make_covariates
    >>> p, x = make_patients([1, 2, 3, 4], [1, 1, 1, 1]), make_covariates({"x": [0, 1, 0, 1]})
    >>> round(float(predicted_survival(p, x, ["x"], np.array([[0.5]]), [2.0])[0]), 4)
    0.5624
    """
    X = np.column_stack([covariates.column(n) for n in names])
    fit = cox(patients, covariates={n: X[:, j] for j, n in enumerate(names)}, arm=False, ties="breslow")
    if fit.monotone:
        raise RefusedError(f"the Cox model of {', '.join(fit.monotone)} has no estimate", rule="too few events for its covariates")
    b, middle = fit.coefficient, X.mean(axis=0)
    risk = np.exp((X - middle) @ b)
    entry = np.zeros(patients.n) if patients.entry is None else patients.entry
    at = np.unique(patients.time[patients.event > 0])
    steps = np.array(
        [
            ((patients.time == u) & (patients.event > 0)).sum() / risk[(patients.time >= u) & ((entry < u) | (entry == 0.0))].sum()
            for u in at
        ]
    )
    H = np.concatenate([[0.0], np.cumsum(steps)])[np.searchsorted(at, np.asarray(times, float), side="right")]
    lift = np.exp((profiles - middle) @ b)
    return np.asarray(np.exp(-np.outer(H, lift)).mean(axis=1), np.float64)


def simulated_treatment_comparison(
    treated: Patients,
    covariates: Covariates,
    baseline: Iterable[Baseline],
    control: Patients,
    *,
    milestones: Sequence[float],
    endpoint: str = "",
    assume_origin: bool = False,
    profiles: int = PROFILES,
    replicates: int = REPLICATES,
    seed: int = 1,
    level: float = 0.95,
) -> tuple[LandmarkComparison, ...]:
    """Compare the treated, as predicted for the population of ``baseline``, with the ``control`` patients at ``milestones`` (years).

    Raises :class:`RefusedError` without events, for a milestone beyond the follow-up of either side or unaligned origins.
    """
    rows = tuple(baseline)
    check_baseline(rows, covariates)
    one_version(treated), one_version(control)
    if covariates.n != treated.n:
        raise CallError(f"covariates have {covariates.n} rows", rule=f"must have one for each of {treated.n} patients")
    if not milestones:
        raise CallError("no milestones", rule="give the years at which to compare")
    origin = require_one_origin(treated.time_origin, control.time_origin, assume_origin=assume_origin)
    new, old = one_arm(treated, "treated"), one_arm(control, "control")
    if not new.event.any():
        raise RefusedError("the treated have no events", rule="a simulated treatment comparison needs a regression of their events")
    if (last := float(new.time.max())) < max(milestones):
        raise RefusedError(f"the treated are followed for {last:.4g} years", rule=f"S({max(milestones):g}) cannot be predicted beyond")
    names = [r.covariate for r in rows]
    drawn, notes = baseline_profiles(covariates, rows, n=profiles, seed=seed)
    s = predicted_survival(new, covariates, names, drawn, milestones)
    y = []
    for k in range(replicates):
        index = block_stream(seed, k + 1, PURPOSE).integers(0, new.n, new.n)
        try:
            again = predicted_survival(new.where(index), covariates.where(index), names, drawn, milestones)
        except (RefusedError, CallError):
            continue
        y.append(np.log(-np.log(np.clip(again, 1e-12, 1.0 - 1e-12))))
    if len(y) < 0.9 * replicates:
        raise RefusedError(f"{replicates - len(y)} of {replicates} fits have no estimate", rule="too few events for the covariates")
    spread = np.std(np.array(y), axis=0, ddof=1)
    curve, z = kaplan_meier(old, level=level), two_sided_z(level)
    made = []
    trail = Trail(
        method=f"simulated treatment comparison: Cox model of the treated over {profiles} profiles of the baseline table, bootstrap error",
        reference=_REFERENCE,
        assumptions=(*EXTERNAL, *origin.assumptions, f"the outcome model of {', '.join(names)} holds and nothing else matters"),
        seed=seed,
    )
    for i, t in enumerate(milestones):
        point = curve.at(t)
        if point.survival is None or point.ci is None:
            raise RefusedError(f"the control is followed for {float(old.time.max()):.4g} years", rule=f"S({t:g}) cannot be estimated")
        value, error = float(s[i]), float(spread[i])
        line = math.log(-math.log(value)) if 0.0 < value < 1.0 else 0.0
        low, high = (math.exp(-math.exp(line + sign * z * error)) for sign in (1.0, -1.0))
        one = StudyEstimate(
            label="treated, predicted", estimate=value, se=error * abs(value * math.log(value)) if 0.0 < value < 1.0 else None, ci_low=low,
            ci_high=high, ci_level=level, n=new.n, time=t,
        )  # fmt: skip
        two = StudyEstimate(
            label="external control", estimate=point.survival, se=point.standard_error or None, ci_low=point.ci.low, ci_high=point.ci.high,
            ci_level=level, n=old.n, time=t,
        )  # fmt: skip
        found = compare_landmarks(one, two, endpoint=endpoint, level=level)
        words = "predicted from the treated patients' Cox model", "Kaplan-Meier"
        made.append(
            replace(
                found,
                treated=replace(found.treated, limits_basis=words[0], se_basis=words[0]),
                control=replace(found.control, limits_basis=words[1], se_basis=words[1]),
                trail=replace(trail, rows=found.trail.rows),
                warnings=(*origin.warnings, *notes, *found.warnings),
            )
        )
    return tuple(made)
