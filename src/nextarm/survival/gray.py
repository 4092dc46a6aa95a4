"""Gray's test: do the arms have one cumulative incidence of a cause, other causes competing?

With R_i = Y_i (1 - F_i(t-)) / S_i(t-) the adjusted number at risk of arm i,

    U_i = sum over events of the cause of L(t) (d_i - d R_i / R),   L(t) = (1 - F_0(t-))^rho,

and F_0 the pooled incidence with steps d / h, h = sum of h_r, h_r = Y_r / S_r(t-). To first order U_i is a sum of
martingales with coefficients, for events of the cause and of the others in arm r,

    k_ir + (1 - G_0/S_r) c_ir   and   -(G_0/S_r) c_ir,
    k_ir = L (1[i = r] - h_i/h) h_r,   c_ir = sum over later times of k_ir dF_0 / (1 - F_0(t-)),

whose variances are dF_0 / h_r and dF_other,r / h_r, with a finite-population factor at ties (as R cmprsk). Gray 1988, doi
10.1214/aos/1176350951.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.rank_scores import arms_taken, chi_square, chi_square_p, strata_of
from nextarm.survival.risk_table import risk_table
from nextarm.survival.table import Patients


@record
class GrayTest(Result):
    """Scores of the arms, their covariance and the test; ``score`` below 0: fewer events than expected."""

    arms: tuple[str, ...]
    cause: str
    rho: float
    score: FloatArray
    covariance: FloatArray
    statistic: float
    df: int
    p_value: float
    strata: int

    shown = ("cause", "statistic", "df", "p_value", "strata")


def gray_test(
    patients: Patients,
    *,
    cause: str,
    rho: float = 0.0,
    arms: Sequence[str] | None = None,
    stratified: bool | None = None,
) -> GrayTest:
    """Compare the cumulative incidence of ``cause`` between arms.

    ``rho`` above 0 weighs early, below 0 late differences. Delayed entry and patients' weights are refused: the adjusted
    number at risk has no established form for them.

    >>> from nextarm.survival import make_patients
    >>> p = make_patients([1, 2, 3, 4, 5, 6], [1, 2, 0, 1, 1, 0], arm=list("aaabbb"), causes=("relapse", "death"))
    >>> gray_test(p, cause="relapse").df
    1
    """
    if not np.isfinite(rho):
        raise CallError(f"rho = {rho}", rule="must be a number")
    if cause not in patients.causes:
        raise CallError(f"cause = {cause!r}", rule=f"must be one of {', '.join(map(repr, patients.causes))}")
    if patients.weight is not None or (patients.entry is not None and np.any(patients.entry > 0.0)):
        raise RefusedError("Gray's test with weights or delayed entry", rule="the test is defined for plain right-censored data")
    taken, names = arms_taken(patients, arms)
    which = patients.causes.index(cause) + 1
    kind = np.where(taken.event == 0, 0, np.where(taken.event == which, 1, 2)).astype(np.int64)
    U, V = np.zeros(len(names)), np.zeros((len(names), len(names)))
    strata = strata_of(taken, stratified)
    for rows in strata:
        u, v = _score(taken.time[rows], kind[rows], taken.arm[rows], len(names), rho)
        U, V = U + u, V + v
    statistic, df = chi_square(U, V)
    notes = () if df == len(names) - 1 else (f"only {df} of {len(names) - 1} contrasts can be tested: too few events of {cause!r}",)
    return GrayTest(
        trail=Trail(f"Gray's test of {cause}", "10.1214/aos/1176350951"),
        warnings=notes,
        arms=names,
        cause=cause,
        rho=rho,
        score=U,
        covariance=V,
        statistic=statistic,
        df=df,
        p_value=chi_square_p(statistic, df),
        strata=len(strata),
    )


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """a / b, and 0 where b is 0 (nobody at risk any more)."""
    made: FloatArray = np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0.0)
    return made


def _score(time: FloatArray, kind: IntArray, arm: IntArray, G: int, rho: float) -> tuple[FloatArray, FloatArray]:
    """Score and covariance of one stratum; ``kind`` 1 is the cause, 2 any other."""
    table = risk_table(time, kind, group=arm, n_groups=G, n_causes=2)
    some = table.falls.sum(axis=1) > 0
    if not some.any():
        return np.zeros(G), np.zeros((G, G))
    n, d1, d2 = table.at_risk[some], table.events[some][:, :, 0], table.events[some][:, :, 1]
    S = np.cumprod(1.0 - _ratio(d1 + d2, n), axis=0)
    before = np.vstack([np.ones(G), S[:-1]])
    F = np.cumsum(before * _ratio(d1, n), axis=0)
    F_before = np.vstack([np.zeros(G), F[:-1]])
    h = _ratio(n, before)
    d, total = d1.sum(axis=1), h.sum(axis=1)
    step = d / total
    G0 = 1.0 - np.cumsum(step)
    G0_before = np.concatenate([[1.0], G0[:-1]])
    L = np.where(G0_before > 0.0, np.maximum(G0_before, 1e-300) ** rho, 0.0)
    R = h * (1.0 - F_before)
    U = (L[:, None] * (d1 - d[:, None] * _ratio(R, R.sum(axis=1)[:, None]))).sum(axis=0)
    k = L[:, None, None] * (np.eye(G) - (h / total[:, None])[:, :, None]) * h[:, None, :]
    steps = k * _ratio(step, G0_before)[:, None, None]
    later = np.cumsum(steps[::-1], axis=0)[::-1] - steps
    q = _ratio(G0[:, None], np.asarray(S, np.float64))
    a, b = k + (1.0 - q)[:, None, :] * later, -q[:, None, :] * later
    # Finite-population factors: d tied events out of about h S_r for the cause, d2 out of n for the others.
    crowd = total[:, None] * before
    tie1 = np.where((d[:, None] > 1) & (crowd > 1.0), 1.0 - _ratio(d[:, None] - 1.0, crowd - 1.0), 1.0)
    tie2 = np.where(d2 > 1, 1.0 - _ratio(d2 - 1.0, n - 1.0), 1.0)
    v1 = _ratio(step[:, None] * tie1, h)
    v2 = _ratio(before * _ratio(d2, n) * tie2, h)
    V = np.einsum("jir,jkr,jr->ik", a, a, v1) + np.einsum("jir,jkr,jr->ik", b, b, v2)
    return U, V
