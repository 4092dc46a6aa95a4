"""Scores and their covariance for the log-rank family: one engine for plain, weighted, stratified and several weights.

For weight functions W_a(t) and arms g: U_ag = sum over event times of W_a (d_g - d n_g / n). Given those at risk, the d
falls are a sample without replacement, so

    Cov(U_ag, U_bh) = sum W_a W_b d (n - d) / (n (n - 1)) (sum over those at risk of w_i^2 (1_g - n_g/n)(1_h - n_h/n)).

With patients' weights w_i the n_g and d_g are weighted sums while d (n - d) / (n (n - 1)) stays in patients (Xie and Liu
2005, doi 10.1002/sim.2174); w = 1 gives the hypergeometric variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.risk_table import RiskTable, risk_table
from nextarm.survival.table import Patients, one_version, replaced

#: A weight function: (event times, pooled S just before them) -> weights.
WeightFunction = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Scores:
    """Scores (A, G), covariance (A, G, A, G), observed and expected events (G,) summed over strata."""

    score: FloatArray
    covariance: FloatArray
    observed: FloatArray
    expected: FloatArray
    strata: int


def arms_taken(patients: Patients, arms: Sequence[str] | None) -> tuple[Patients, tuple[str, ...]]:
    """The patients of ``arms`` (None: all arms that have patients), recoded in that order."""
    patients = one_version(patients)
    present = [patients.arms[a] for a in np.flatnonzero(np.bincount(patients.arm))]
    names = tuple(arms) if arms is not None else tuple(a for a in patients.arms if a in present)
    codes = [patients.arm_index(a) for a in names]
    if len(set(names)) != len(names) or len(names) < 2:
        raise CallError(f"arms = {names}", rule="at least two different arms with patients are compared")
    if empty := [a for a in names if a not in present]:
        raise CallError(f"arm {empty[0]!r} has no patients", rule="must have at least one")
    if names == patients.arms:
        return patients, names
    kept = patients.where(np.isin(patients.arm, codes))
    recode = np.zeros(len(patients.arms), np.int64)
    recode[codes] = np.arange(len(codes))
    return replaced(kept, arm=recode[kept.arm], arms=names), names


def strata_of(patients: Patients, stratified: bool | None) -> list[IntArray]:
    """Indices of the patients of each stratum; one stratum when not stratified. None: stratify if there is a column."""
    if stratified and patients.stratum is None:
        raise CallError("stratified = True", rule="the patients carry no stratum column")
    if patients.stratum is None or stratified is False:
        return [np.arange(patients.n)]
    return [np.flatnonzero(patients.stratum == s) for s in np.unique(patients.stratum)]


def rank_scores(patients: Patients, weights: Sequence[WeightFunction], *, stratified: bool | None = None) -> Scores:
    """Sum the scores of every weight function over event times and strata; arms as in ``patients.arms``."""
    G, A = len(patients.arms), len(weights)
    U, V = np.zeros((A, G)), np.zeros((A, G, A, G))
    observed, expected = np.zeros(G), np.zeros(G)
    strata = strata_of(patients, stratified)
    for rows in strata:
        plain, weighted, squared = _tables(patients, rows)
        at = np.flatnonzero(plain.falls.sum(axis=1) > 0)
        d_g, n_g, q_g = weighted.falls[at], weighted.at_risk[at], squared.at_risk[at]
        d, n = d_g.sum(axis=1), n_g.sum(axis=1)
        y, fell = plain.at_risk[at].sum(axis=1), plain.falls[at].sum(axis=1)
        share = n_g / n[:, None]
        S = np.cumprod(1.0 - np.minimum(d / n, 1.0))
        before = np.concatenate([[1.0], S])[:-1]
        W = np.array([w(plain.time[at], before) for w in weights])
        difference = d_g - d[:, None] * share
        U += W @ difference
        spread = np.divide(fell * (y - fell), y * (y - 1.0), out=np.zeros_like(y), where=y > 1.0)
        for g in range(G):
            for h in range(G):
                M = (q_g[:, g] if g == h else 0.0) - share[:, h] * q_g[:, g] - share[:, g] * q_g[:, h]
                V[:, g, :, h] += (W * (spread * (M + share[:, g] * share[:, h] * q_g.sum(axis=1)))) @ W.T
        observed += d_g.sum(axis=0)
        expected += (d[:, None] * share).sum(axis=0)
    return Scores(U, V, observed, expected, len(strata))


def plain_scores(patients: Patients, *, stratified: bool | None = None) -> Scores:
    """The plain log-rank scores by the shortest way: two arms without weights or delayed entry run in one compiled pass."""
    delayed = patients.entry is not None and bool(np.any(patients.entry > 0.0))
    if len(patients.arms) != 2 or patients.weight is not None or delayed:
        return rank_scores(patients, [lambda t, S: np.ones_like(t)], stratified=stratified)
    from nextarm.survival.kernels import two_arm_log_rank

    u = v = 0.0
    strata = strata_of(patients, stratified)
    for rows in strata:
        part = (patients.time, patients.event, patients.arm)
        time, event, arm = part if len(strata) == 1 else (a[rows] for a in part)
        du, dv = two_arm_log_rank(time.argsort(), time, event, arm)
        u, v = u + du, v + dv
    observed = np.bincount(patients.arm[patients.event > 0], minlength=2).astype(float)
    score, spread = np.array([[-u, u]]), np.array([[v, -v], [-v, v]])
    return Scores(score, spread.reshape(1, 2, 1, 2), observed, observed - score[0], len(strata))


def _tables(patients: Patients, rows: IntArray) -> tuple[RiskTable, RiskTable, RiskTable]:
    """Risk tables in patients, in weight and in squared weight."""
    time, event, arm = patients.time[rows], (patients.event[rows] > 0).astype(np.int64), patients.arm[rows]
    entry = None if patients.entry is None else patients.entry[rows]

    def made(weight: FloatArray | None) -> RiskTable:
        return risk_table(time, event, group=arm, n_groups=len(patients.arms), weight=weight, entry=entry)

    plain = made(None)
    if patients.weight is None:
        return plain, plain, plain
    w = patients.weight[rows]
    return plain, made(w), made(w * w)


def chi_square(score: FloatArray, covariance: FloatArray) -> tuple[float, int]:
    """U' V^- U and the rank of V (arms whose variance is nil drop out)."""
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    keep = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    df = int(keep.sum())
    if df == 0 or values.max() <= 0.0:
        return 0.0, 0
    return float(np.sum((vectors[:, keep].T @ score) ** 2 / values[keep])), df


def chi_square_p(statistic: float, df: int) -> float:
    """Upper tail of the chi-square law; 1 when there is no degree of freedom."""
    if df == 0:
        return 1.0
    if df == 1:
        return math.erfc(math.sqrt(0.5 * statistic))
    from scipy.special import gammaincc

    return float(gammaincc(0.5 * df, 0.5 * statistic))


def normal_below(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
