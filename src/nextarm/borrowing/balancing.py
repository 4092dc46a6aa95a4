"""Weights that make the patients' means equal to a target: entropy balancing, which is what MAIC computes.

Among all weights with ``sum w = 1`` and ``sum w x = target`` those nearest to the base weights q in Kullback-Leibler divergence
are ``w_i ~ q_i exp(x_i b)`` with b the minimum of the convex ``log sum q_i exp((x_i - target) b)`` (Hainmueller 2012, doi
10.1093/pan/mpr025; as matching-adjusted indirect comparison Signorovitch et al. 2010, PharmacoEconomics 28). Newton's
method; the balance equations hold to 1e-10 of a standard deviation or the call is refused.

A target outside the convex hull of the patients has no weights at all; a linear programme says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.units import FloatArray

#: Largest distance of a weighted mean from its target, in standard deviations of the covariate.
BALANCE = 1e-10
_STEPS = 200


def balancing_weights(values: FloatArray, target: FloatArray, *, base: FloatArray | None = None, names: Sequence[str] = ()) -> FloatArray:
    """Weights (n,) that sum to 1 and give ``values`` (n, p) the means ``target`` (p,).

    ``base`` are base weights above 0 (equal when None). Raises :class:`RefusedError` where no weights exist, naming the
    covariates that cannot be reached.

    >>> w = balancing_weights(np.array([[0.0], [1.0]]), np.array([0.25]))
    >>> w.round(12).tolist()
    [0.75, 0.25]
    """
    X, goal = np.asarray(values, np.float64), np.asarray(target, np.float64)
    if X.ndim != 2 or goal.shape != (X.shape[1],) or X.shape[0] == 0:
        raise CallError("values and target", rule="must be (n, p) and (p,)")
    labels = tuple(names) or tuple(f"column {j + 1}" for j in range(X.shape[1]))
    q = np.ones(X.shape[0]) if base is None else np.asarray(base, np.float64)
    if q.shape != (X.shape[0],) or not (np.isfinite(q).all() and (q > 0.0).all()):
        raise CallError("base weights", rule="must be one number above 0 a patient")
    spread = X.std(axis=0)
    alone = [
        f"{label}: target {t:.6g}, patients {low:.6g} to {high:.6g}"
        for label, t, low, high, s in zip(labels, goal, X.min(axis=0), X.max(axis=0), spread, strict=True)
        if (s == 0.0 and abs(t - low) > 1e-12 * max(1.0, abs(low))) or (s > 0.0 and not low < t < high)
    ]
    if alone:
        raise RefusedError(
            f"no weights reach {'; '.join(alone)}",
            rule="a target must lie inside what the patients have",
            cure="Leave the covariate out and say so, or restrict to patients who could have been in the other study",
        )
    used = spread > 0.0
    Z = (X[:, used] - goal[used]) / spread[used]
    log_q = np.log(q)
    if not used.any():
        return np.asarray(q / q.sum(), np.float64)
    b, off = _minimise(Z, log_q)
    if off > BALANCE:
        raise _no_balance(Z, off)
    return _weights(Z, log_q, b)


def _weights(Z: FloatArray, log_q: FloatArray, b: FloatArray) -> FloatArray:
    line = log_q + Z @ b
    w = np.exp(line - line.max())
    return np.asarray(w / w.sum(), np.float64)


def _objective(Z: FloatArray, log_q: FloatArray, b: FloatArray) -> float:
    line = log_q + Z @ b
    top = float(line.max())
    return top + float(np.log(np.exp(line - top).sum()))


def _minimise(Z: FloatArray, log_q: FloatArray) -> tuple[FloatArray, float]:
    """Newton with halving from 0; the solution and the largest weighted mean left there."""
    b = np.zeros(Z.shape[1])
    now = _objective(Z, log_q, b)
    best = b, np.inf
    for _ in range(_STEPS):
        w = _weights(Z, log_q, b)
        gradient = w @ Z
        off = float(np.abs(gradient).max())
        if off < best[1]:
            best = b, off
        if off < 0.01 * BALANCE:
            break
        hessian = (Z * w[:, None]).T @ Z - np.outer(gradient, gradient)
        move = np.linalg.lstsq(hessian, gradient, rcond=1e-13)[0]
        step = min(1.0, 10.0 / max(float(np.abs(move).max()), 1e-300))
        new = _objective(Z, log_q, b - step * move)
        while not new <= now + 1e-15 * max(1.0, abs(now)) and step > 1e-9:
            step *= 0.5
            new = _objective(Z, log_q, b - step * move)
        if step <= 1e-9 or float(np.abs(b).max()) > 1e4:
            break
        b, now = b - step * move, new
    return best


def _no_balance(Z: FloatArray, off: float) -> RefusedError:
    """Say why: outside the hull, or on its edge."""
    from scipy.optimize import linprog

    n = Z.shape[0]
    equal = np.vstack([Z.T, np.ones(n)])
    found = linprog(np.zeros(n), A_eq=equal, b_eq=np.append(np.zeros(Z.shape[1]), 1.0), bounds=(0.0, None), method="highs")
    rule = (
        "no weights exist: the target means together lie outside the patients' convex hull"
        if found.status == 2
        else f"the target lies on the edge of what the patients have; the means stay {off:.1e} standard deviations apart"
    )
    return RefusedError("weights", rule=rule, cure="Match fewer covariates, or means without standard deviations")


def effective_size(weights: FloatArray) -> float:
    """Kish's effective sample size ``(sum w)^2 / sum w^2`` of weights of any scale.

    >>> effective_size(np.array([1.0, 1.0, 1.0, 1.0]))
    4.0
    """
    w = np.asarray(weights, np.float64)
    return float(w.sum() ** 2 / (w @ w))
