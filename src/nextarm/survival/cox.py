"""Cox's proportional hazards regression.

Partial likelihood with Efron's (default) or Breslow's ties, strata, delayed entry and weights; Newton steps halved until the
likelihood rises. Robust variance D'D from the weighted dfbeta residuals, summed within clusters where given (Lin and Wei
1989, doi 10.1080/01621459.1989.10478874). Cox 1972; Efron 1977, doi 10.1080/01621459.1977.10480613.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.cox_design import CoxData, cox_data
from nextarm.survival.cox_residuals import score_residuals
from nextarm.survival.limits import normal_quantile
from nextarm.survival.rank_scores import chi_square, chi_square_p, normal_below
from nextarm.survival.selection import require_level
from nextarm.survival.table import Patients

if TYPE_CHECKING:
    import polars as pl

Ties = Literal["efron", "breslow"]
_STEPS = 60
_HALVINGS = 30


@record
class CoxFit(Result):
    """A fitted Cox model; arrays have one value a covariate.

    A covariate of ``monotone`` has no finite estimate (the likelihood rises for ever): its coefficient, error and limits
    are NaN and the score and likelihood-ratio tests are what remains. ``standard_error`` is robust when ``robust``.
    ``score_test`` at all coefficients 0 is the log-rank test when the only covariate is the arm and no times tie.
    """

    covariates: tuple[str, ...]
    ties: str
    robust: bool
    n: int
    n_events: int
    level: float
    coefficient: FloatArray
    hazard_ratio: FloatArray
    standard_error: FloatArray
    model_standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    z: FloatArray
    p_value: FloatArray
    covariance: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    likelihood_ratio: float
    likelihood_ratio_p: float
    score_test: float
    score_test_p: float
    df: int
    iterations: int
    monotone: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """One row a covariate; ``ci_low`` and ``ci_high`` are limits of the hazard ratio."""
        import polars as pl

        names = ("coefficient", "hazard_ratio", "standard_error", "ci_low", "ci_high", "z", "p_value")
        return pl.DataFrame({"covariate": list(self.covariates)} | {k: getattr(self, k) for k in names})


def cox(
    patients: Patients,
    *,
    covariates: Mapping[str, Any] | None = None,
    arm: bool | None = None,
    ties: Ties = "efron",
    stratified: bool | None = None,
    robust: bool | None = None,
    cluster: Sequence[Any] | IntArray | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Fit hazard ratios.

    ``covariates`` maps names to one number a patient; ``arm`` adds an indicator of every arm but the first (default: when
    the table has several arms). ``stratified`` None stratifies where the table has a stratum column. ``robust`` None is
    robust where there are weights or clusters. Raises :class:`RefusedError` without events and :class:`CallError` for a
    covariate that is constant or a combination of others.

    >>> from nextarm.survival import make_patients
    >>> fit = cox(make_patients([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", "b", "a", "b"]))
    >>> fit.covariates, fit.hazard_ratio.round(4).tolist()
    (('arm: b',), [0.3904])
    """
    require_level(level)
    if ties not in ("efron", "breslow"):
        raise CallError(f"ties = {ties!r}", rule="must be 'efron' or 'breslow'")
    data = cox_data(patients, covariates=covariates, arm=arm, stratified=stratified, efron=ties == "efron")
    groups = None if cluster is None else _clusters(cluster, data.n)
    null = data.likelihood(np.zeros(data.p))
    _require_estimable(null[2], data)
    beta, (loglik, _, information), steps, settled = maximise(data)
    runaway = _monotone(data, beta, information, settled)
    use_robust = robust if robust is not None else (groups is not None or patients.weight is not None)
    fixed = np.array([name not in runaway for name in data.names])
    naive = np.full((data.p, data.p), np.nan)
    if fixed.any():
        naive[np.ix_(fixed, fixed)] = np.linalg.inv(information[np.ix_(fixed, fixed)])
    covariance = naive
    if use_robust and fixed.any():
        dfbeta = score_residuals(data, beta)[:, fixed] @ naive[np.ix_(fixed, fixed)] * data.weight[:, None]
        if groups is not None:
            dfbeta = np.array([np.bincount(groups, column) for column in dfbeta.T]).T
        covariance = np.full_like(naive, np.nan)
        covariance[np.ix_(fixed, fixed)] = dfbeta.T @ dfbeta
    estimate = np.where(fixed, beta / data.scale, np.nan)
    covariance, naive = (c / np.outer(data.scale, data.scale) for c in (covariance, naive))
    se, reach = np.sqrt(np.diag(covariance)), normal_quantile(0.5 + level / 2.0)
    z = estimate / se
    score, df = chi_square(null[1], null[2])
    ratio = max(2.0 * (loglik - null[0]), 0.0)
    notes = tuple(_monotone_note(name, sign) for name, sign in runaway.items())
    if not settled and not runaway:
        notes = (*notes, f"the likelihood had not settled after {steps} steps; do not use the estimates")
    return CoxFit(
        trail=Trail(f"Cox regression, {ties} ties" + (", robust variance" if use_robust else ""), "10.1080/01621459.1977.10480613"),
        warnings=notes,
        covariates=data.names,
        ties=ties,
        robust=use_robust,
        n=data.n,
        n_events=int(np.count_nonzero(data.event)),
        level=level,
        coefficient=estimate,
        hazard_ratio=np.exp(estimate),
        standard_error=se,
        model_standard_error=np.sqrt(np.diag(naive)),
        ci_low=np.exp(estimate - reach * se),
        ci_high=np.exp(estimate + reach * se),
        z=z,
        p_value=np.array([2.0 * normal_below(-abs(v)) if v == v else np.nan for v in z]),
        covariance=covariance,
        log_likelihood=loglik,
        null_log_likelihood=null[0],
        likelihood_ratio=ratio,
        likelihood_ratio_p=chi_square_p(ratio, data.p),
        score_test=score,
        score_test_p=chi_square_p(score, df),
        df=data.p,
        iterations=steps,
        monotone=tuple(runaway),
    )


def maximise(data: CoxData) -> tuple[FloatArray, tuple[float, FloatArray, FloatArray], int, bool]:
    """Newton with step halving from 0: coefficients (of the scaled covariates), likelihood there, steps, settled or not."""
    beta = np.zeros(data.p)
    now = data.likelihood(beta)
    for step in range(1, _STEPS + 1):
        move = np.linalg.lstsq(now[2], now[1], rcond=1e-14)[0]
        # A covariate is in units of its standard deviation: no sensible step is longer than 5.
        move *= min(1.0, 5.0 / max(float(np.abs(move).max()), 1e-300))
        for _ in range(_HALVINGS):
            new = data.likelihood(beta + move)
            if np.isfinite(new[0]) and new[0] >= now[0] - 1e-12 * abs(now[0]):
                break
            move = 0.5 * move
        beta, now = beta + move, new
        if np.abs(move).max() < 1e-11 * max(1.0, float(np.abs(beta).max())):
            return beta, now, step, True
        if np.abs(beta).max() > 40.0:
            return beta, now, step, False
    return beta, now, _STEPS, False


def _require_estimable(information: FloatArray, data: CoxData) -> None:
    if not data.event.any():
        raise RefusedError("no events", rule="hazard ratios need at least one event", cure="Report exact limits of the survival curve")
    values, vectors = np.linalg.eigh(information)
    if values[0] > 1e-10 * max(values[-1], 1e-300):
        return
    culprits = [data.names[a] for a in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-4)]
    raise CallError(
        f"covariates {', '.join(culprits)}", rule="do not vary, or are combinations of one another, among those at risk at events"
    )


def _monotone(data: CoxData, beta: FloatArray, information: FloatArray, settled: bool) -> dict[str, int]:
    """Covariates along which the likelihood keeps rising, with the sign of their run.

    The information along such a covariate decays like exp(-|beta|) while the Newton step does not shrink.
    """
    if settled and np.abs(beta).max() < 12.0:
        return {}
    start = np.diag(data.likelihood(np.zeros(data.p))[2])
    flat = np.diag(information) < 1e-6 * np.maximum(start, 1e-300)
    return {data.names[a]: int(np.sign(beta[a])) for a in np.flatnonzero(flat)}


def _monotone_note(name: str, sign: int) -> str:
    end = "infinity" if sign > 0 else "0"
    return (
        f"monotone likelihood: the hazard ratio of {name!r} runs to {end} (all or no events at its extreme); "
        "no estimate or interval exists, use the score or likelihood-ratio test"
    )


def _clusters(cluster: Any, n: int) -> IntArray:
    labels = np.asarray(cluster)
    if labels.shape != (n,):
        raise CallError(f"cluster has {labels.size} values", rule=f"must have one for each of {n} patients")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
