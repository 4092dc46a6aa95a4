"""The likelihood of one study's counts with its own effect integrated out: adaptive Gauss-Hermite around each maximum.

``L(eta, tau) = int p(r | theta) N(theta; eta, tau^2) dtheta`` for binomial counts (logit) or Poisson counts (log rate). The
integrand is log-concave: Newton's method finds its maximum, and its curvature there scales the nodes.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.units import FloatArray

_ORDER, _STEPS = 16, 25


def smoothed_log_likelihood(events: FloatArray, sizes: FloatArray, eta: FloatArray, tau: FloatArray, *, binomial: bool) -> FloatArray:
    """Log of ``L`` for every row of ``eta`` and ``tau`` (n, k) and study (k,), up to a constant of the data.

    >>> one = np.array([[0.3]])
    >>> exact = 4 * one - 10 * np.log1p(np.exp(one))
    >>> found = smoothed_log_likelihood(np.array([4.0]), np.array([10.0]), one, one * 1e-6, binomial=True)
    >>> round(float(found[0, 0] - exact[0, 0]), 9) == 0.0
    True
    """
    precision = 1.0 / np.maximum(tau, 1e-9) ** 2
    theta = np.array(eta, np.float64)
    for _ in range(_STEPS):
        first, second = _slopes(events, sizes, theta, binomial)
        step = (first - (theta - eta) * precision) / (precision - second)
        theta = theta + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-8:
            break
    _, second = _slopes(events, sizes, theta, binomial)
    sd = 1.0 / np.sqrt(precision - second)
    z, w = np.polynomial.hermite_e.hermegauss(_ORDER)
    total = np.full(theta.shape, -np.inf)
    for node, weight in zip(z.tolist(), w.tolist(), strict=True):
        at = theta + sd * node
        log = _log_likelihood(events, sizes, at, binomial) - 0.5 * precision * (at - eta) ** 2 + 0.5 * node * node
        total = np.logaddexp(total, log + math.log(weight))
    made: FloatArray = total + np.log(sd) + 0.5 * np.log(precision) - 0.5 * math.log(2.0 * math.pi)
    return made


def _log_likelihood(events: FloatArray, sizes: FloatArray, theta: FloatArray, binomial: bool) -> FloatArray:
    made: FloatArray
    if binomial:
        made = -events * np.logaddexp(0.0, -theta) - (sizes - events) * np.logaddexp(0.0, theta)
    else:
        made = events * theta - sizes * np.exp(np.minimum(theta, 600.0))
    return made


def _slopes(events: FloatArray, sizes: FloatArray, theta: FloatArray, binomial: bool) -> tuple[FloatArray, FloatArray]:
    """First and second derivative of the log likelihood."""
    if binomial:
        p = 1.0 / (1.0 + np.exp(-np.clip(theta, -700.0, 700.0)))
        return events - sizes * p, -sizes * p * (1.0 - p)
    rate = sizes * np.exp(np.minimum(theta, 600.0))
    return events - rate, -rate
