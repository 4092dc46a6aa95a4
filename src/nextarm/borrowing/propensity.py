"""Propensity scores by logistic regression, and the weights made of them.

``e(x) = P(treated | x)`` by maximum likelihood (Rosenbaum & Rubin 1983, Biometrika 70). Weights of treated and of
control patients by estimand (Li, Morgan & Zaslavsky 2018, doi 10.1080/01621459.2016.1260466):

==========  =========  ===========
estimand    treated    control
==========  =========  ===========
att         1          e / (1 - e)
atc         (1 - e)/e  1
ate         1 / e      1 / (1 - e)
overlap     1 - e      e
==========  =========  ===========
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.units import FloatArray

#: Newton that settles at a standardised coefficient below this has found the maximum; beyond, a linear programme looks for separation.
INSIDE = 10.0
ESTIMANDS: tuple[str, ...] = ("att", "atc", "ate", "overlap")


def propensity_scores(values: FloatArray, treated: FloatArray, *, names: Sequence[str] = ()) -> FloatArray:
    """P(treated) (n,) given ``values`` (n, p), by logistic regression of ``treated`` (n,) of 0 and 1.

    Raises :class:`RefusedError` where treated and control are separated perfectly, so that no score exists.

    >>> x, t = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]]), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    >>> propensity_scores(x, t).round(6).tolist()
    [0.333333, 0.333333, 0.333333, 0.666667, 0.666667, 0.666667]
    """
    X, t = np.asarray(values, np.float64), np.asarray(treated, np.float64)
    if X.ndim != 2 or t.shape != (X.shape[0],):
        raise CallError("values and treated", rule="must be (n, p) and (n,)")
    if not 0.0 < t.mean() < 1.0:
        raise CallError("treated", rule="must hold both 0 and 1")
    labels = tuple(names) or tuple(f"column {j + 1}" for j in range(X.shape[1]))
    spread = X.std(axis=0)
    if flat := [n for n, s in zip(labels, spread, strict=True) if s == 0.0]:
        raise CallError(f"covariate {flat[0]!r}", rule="is the same for all patients", cure="Leave it out")
    D = np.column_stack([np.ones(t.size), (X - X.mean(axis=0)) / spread])
    if np.linalg.matrix_rank(D) < D.shape[1]:
        raise CallError(f"covariates {', '.join(labels)}", rule="are combinations of one another", cure="Leave one out")
    b, settled = np.zeros(D.shape[1]), False
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(D @ b, -500.0, 500.0)))
        v = p * (1.0 - p)
        if float(v.max()) < 1e-9 or float(np.abs(b).max()) > 60.0:
            break
        move = np.linalg.lstsq((D * v[:, None]).T @ D, D.T @ (t - p), rcond=1e-14)[0]
        move *= min(1.0, 5.0 / max(float(np.abs(move).max()), 1e-300))
        b = b + move
        if float(np.abs(move).max()) < 1e-12 * max(1.0, float(np.abs(b).max())):
            settled = float(np.abs(b).max()) < INSIDE
            break
    p = 1.0 / (1.0 + np.exp(-np.clip(D @ b, -500.0, 500.0)))
    separated = "" if settled else _separated(D, t, labels)
    if separated or not np.abs(D.T @ (t - p)).max() < 1e-8 * t.size:
        raise RefusedError(
            f"the propensity score does not exist{f': {separated}' if separated else ''}",
            rule="treated and control are separated by their covariates",
            cure="The populations do not overlap: match fewer covariates and say so, or do not compare",
        )
    return np.asarray(p, np.float64)


def _separated(D: FloatArray, t: FloatArray, labels: Sequence[str]) -> str:
    """Whether a line parts treated from control, touching allowed: a linear programme; names a covariate where one alone does."""
    from scipy.optimize import linprog

    sign = np.where(t > 0.5, 1.0, -1.0)[:, None] * D
    found = linprog(-sign.sum(axis=0), A_ub=-sign, b_ub=np.zeros(t.size), bounds=(-1.0, 1.0), method="highs")
    if found.status != 0 or found.fun is None or -float(found.fun) < 1e-7 * t.size:
        return ""
    for j, label in enumerate(labels, start=1):
        ones, zeros = D[t > 0.5, j], D[t < 0.5, j]
        if ones.min() >= zeros.max() or ones.max() <= zeros.min():
            return f"{label} alone parts them"
    return "the covariates together part them"


def propensity_weights(scores: FloatArray, treated: FloatArray, *, estimand: str = "att") -> FloatArray:
    """The weights (n,) of the table above, not rescaled; :class:`CallError` for an unknown estimand.

    >>> propensity_weights(np.array([0.2, 0.2]), np.array([1.0, 0.0])).tolist()
    [1.0, 0.25]
    """
    e, t = np.asarray(scores, np.float64), np.asarray(treated, np.float64) > 0.5
    if estimand not in ESTIMANDS:
        raise CallError(f"estimand = {estimand!r}", rule=f"must be one of {', '.join(ESTIMANDS)}")
    one = {"att": np.ones_like(e), "atc": (1.0 - e) / e, "ate": 1.0 / e, "overlap": 1.0 - e}[estimand]
    zero = {"att": e / (1.0 - e), "atc": np.ones_like(e), "ate": 1.0 / (1.0 - e), "overlap": e}[estimand]
    return np.where(t, one, zero)
