"""Adaptive Gauss-Hermite quadrature of binomial counts over a normal random effect on the logit scale.

``L_i(mu, tau) = int Bin(x_i | n_i, expit(mu + tau z)) phi(z) dz``. The log of the integrand is concave in z, so its peak
is found by Newton and the nodes are laid around it at its own width (Liu & Pierce 1994, doi 10.1093/biomet/81.3.624).
First and second derivatives in (mu, tau) are posterior expectations over the same nodes (Louis 1982, doi
10.1111/j.2517-6161.1982.tb01203.x), so they belong to exactly the value that is maximised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nextarm.core.units import FloatArray

NODES = 141


@dataclass(frozen=True, eq=False)
class Integrated:
    """Log-likelihood of all studies with its gradient (2) and Hessian (2, 2) in (mu, tau)."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


@cache
def _rule(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and log weights for ``int f(t) dt``, the factor exp(t^2) already in the weights."""
    t, w = np.polynomial.hermite.hermgauss(nodes)
    return t, np.log(w) + t * t


def _peak(x: FloatArray, n: FloatArray, mu: float, tau: float) -> tuple[FloatArray, FloatArray]:
    """Peak of ``x eta - n log(1 + e^eta) - z^2 / 2`` in z and the curvature there; Newton, halved where it would overshoot."""
    from scipy.special import expit

    z = np.zeros_like(x)
    for _ in range(200):
        p = expit(mu + tau * z)
        slope = tau * (x - n * p) - z
        step = slope / (1.0 + tau * tau * n * p * (1.0 - p))
        # eta moves by at most 1 a step: outside that the quadratic of a logistic is not to be trusted.
        step = np.clip(step, -1.0 / max(abs(tau), 1e-8), 1.0 / max(abs(tau), 1e-8))
        z = z + step
        if np.abs(step).max() < 1e-12:
            break
    p = expit(mu + tau * z)
    return z, 1.0 + tau * tau * n * p * (1.0 - p)


def binomial_normal(x: FloatArray, n: FloatArray, mu: float, tau: float, *, nodes: int = NODES) -> Integrated:
    """Integrate counts ``x`` (k) of ``n`` (k) over the normal effect; log-likelihood with its binomial coefficients.

    ``tau`` may have either sign: the likelihood is even in it, which lets Newton walk through 0. At 141 nodes the
    error is below 1e-10 for tau up to 3 (a test compares with a trapezoid of 8,001 points).

    >>> round(binomial_normal(np.array([1.0]), np.array([2.0]), 0.0, 0.0).value, 12)  # log(1/2)
    -0.69314718056
    """
    from scipy.special import expit, gammaln, logsumexp

    t, log_w = _rule(nodes)
    peak, curvature = _peak(x, n, mu, tau)
    width = np.sqrt(2.0 / curvature)
    z = peak[:, None] + width[:, None] * t
    eta = mu + tau * z
    log_f = x[:, None] * eta - n[:, None] * np.logaddexp(0.0, eta) - 0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    log_f = log_f + log_w + np.log(width)[:, None]
    log_l = logsumexp(log_f, axis=1)
    w = np.exp(log_f - log_l[:, None])
    p = expit(eta)
    score = x[:, None] - n[:, None] * p
    bend = -n[:, None] * p * (1.0 - p)
    directions = (np.ones_like(z), z)
    means = [(w * score * d).sum(axis=1) for d in directions]
    hessian = np.empty((2, 2))
    for a in range(2):
        for b in range(2):
            second = (w * (bend + score * score) * directions[a] * directions[b]).sum(axis=1)
            hessian[a, b] = float((second - means[a] * means[b]).sum())
    coefficient = gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0)
    return Integrated(float((log_l + coefficient).sum()), np.array([m.sum() for m in means]), hessian)
