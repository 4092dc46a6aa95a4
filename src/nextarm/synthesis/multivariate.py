"""Multivariate random effects: several coefficients a study, each study with its own covariance matrix.

``y_i ~ N(mu, Sigma + V_i)``, y of p coefficients (a cure fraction's logit, a log shape, a log scale ...). Sigma is unstructured
(``un``, by its Cholesky factor, so it is always a covariance) or diagonal (``diag``), by restricted or full likelihood; mu
by generalised least squares. Jackson 2011, doi 10.1002/sim.4172.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.errors import DataError, RefusedError
from nextarm.core.units import FloatArray
from nextarm.synthesis.pool import check_choice

STRUCTURES: tuple[str, ...] = ("un", "diag")


@dataclass(frozen=True, eq=False)
class MultivariateFit:
    """Pooled means (p), their covariance, the between-study covariance Sigma, and the maximised log-likelihood."""

    mean: FloatArray
    covariance: FloatArray
    between: FloatArray
    log_likelihood: float
    structure: str


def _likelihood(y: FloatArray, V: FloatArray, between: FloatArray, *, restricted: bool) -> tuple[float, FloatArray, FloatArray]:
    M = V + between
    inverse = np.linalg.inv(M)
    precision = inverse.sum(axis=0)
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    mean: FloatArray = covariance @ np.einsum("ijm,im->j", inverse, y)
    r = y - mean
    k, p = y.shape
    value = -0.5 * (float(np.linalg.slogdet(M)[1].sum()) + float(np.einsum("ij,ijm,im->", r, inverse, r)))
    n = k * p
    if restricted:
        # + p log k / 2 is log det(X'X) / 2: the constant that metafor's value holds.
        value += 0.5 * (p * math.log(k) - float(np.linalg.slogdet(precision)[1]))
        n -= p
    return value - 0.5 * n * math.log(2.0 * math.pi), mean, covariance


def pool_multivariate(y: FloatArray, V: FloatArray, *, structure: str = "un", method: str = "reml") -> MultivariateFit:
    """Pool ``y`` (k, p) with within-study covariances ``V`` (k, p, p).

    Raises :class:`DataError` for values that are not finite or a V that is no covariance, :class:`RefusedError` where there are
    fewer studies than the structure needs (p + 2 for ``un``, 2 for ``diag``).

    >>> fit = pool_multivariate(np.array([[0.0], [1.0], [2.0]]), np.full((3, 1, 1), 0.04), structure="diag")
    >>> round(float(fit.mean[0]), 9), round(float(fit.between[0, 0]), 6)
    (1.0, 0.96)
    """
    from scipy.optimize import minimize

    check_choice(structure, "structure", STRUCTURES)
    check_choice(method, "method", ("reml", "ml"))
    y, V = np.asarray(y, float), np.asarray(V, float)
    if y.ndim != 2 or V.shape != (*y.shape, y.shape[1]) or not (np.isfinite(y).all() and np.isfinite(V).all()):
        raise DataError("y or V", rule="must be finite, of shapes (k, p) and (k, p, p)")
    if (np.linalg.eigvalsh(V)[:, 0] <= 0.0).any():
        raise DataError("V", rule="must be covariance matrices (symmetric, positive definite)")
    k, p = y.shape
    least = p + 2 if structure == "un" else 2
    if k < least:
        raise RefusedError(f"{k} studies", rule=f"at least {least} are needed for {p} coefficients, structure {structure}", cure="Use diag")
    lower = np.tril_indices(p)

    def between(theta: FloatArray) -> FloatArray:
        if structure == "diag":
            return np.diag(theta**2)
        L = np.zeros((p, p))
        L[lower] = theta
        made: FloatArray = L @ L.T
        return made

    def loss(theta: FloatArray) -> float:
        return -_likelihood(y, V, between(theta), restricted=method == "reml")[0]

    spread = np.sqrt(np.maximum(y.var(axis=0), 1e-4))
    small = np.tril(np.full((p, p), 0.02), -1)
    starts = [f * spread if structure == "diag" else (np.diag(f * spread) + small)[lower] for f in (0.3, 0.9)]
    tops = [minimize(loss, s, method="BFGS", options={"gtol": 1e-9}) for s in starts]
    best = min(tops, key=lambda r: float(r.fun))
    fine = minimize(loss, best.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000, "adaptive": True})
    theta = np.asarray(fine.x if float(fine.fun) < float(best.fun) else best.x, np.float64)
    found = between(theta)
    value, mean, covariance = _likelihood(y, V, found, restricted=method == "reml")
    return MultivariateFit(mean, covariance, found, value, structure)
