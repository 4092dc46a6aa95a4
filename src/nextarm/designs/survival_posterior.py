"""The posterior of S(t) from a Kaplan-Meier estimate, and whether one arm's is above another's, for many trials at once.

A Kaplan-Meier estimate S with Greenwood variance v says as much as x = n* S survivors among n* = S (1 - S) / v patients followed to
t; an estimate of 0 or 1, which has no variance, as much as the patients' years of follow-up up to t divided by t (the events
counting as one patient each). With a beta prior, or a mixture of them, the posterior is one too: exact when all are followed to
t. Whether P(S1 > S0 - margin) exceeds a threshold is first looked at through normal logits; only trials near the threshold are
integrated, with few nodes, and exactly where those leave a doubt.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.seam import BoolArray
from nextarm.survival.gauss import legendre_nodes

Mixture = tuple[FloatArray, FloatArray, FloatArray]

#: Nodes of the exact integral over one component of the control, and where one of its shapes is below 1.
_NODES, _STEEP_NODES = 64, 160
#: How near the threshold normal laws are not trusted.
_NEAR = 0.06
#: The integral of few nodes: how many, over how many standard deviations to each side, and how near the threshold it is not trusted.
#: Where the experimental arm's standard deviation is at least ``_SHARP`` of the control's and no shape is below ``_FEW``, it was at
#: most .0026 from the exact one (60,000 pairs of shapes of 3 to 3,000, margins 0 to .3).
_FEW_NODES, _WIDE, _CLOSE, _SHARP, _FEW = 20, 5.0, 0.01, 0.5, 3.0


def effective_counts(
    survival: FloatArray, variance: FloatArray, *, events: FloatArray, exposure: FloatArray, milestone: float
) -> tuple[FloatArray, FloatArray]:
    """Survivors and patients that the estimates are worth; arrays of one shape.

    ``events`` and ``exposure`` (years) count up to the milestone only. An arm in which nobody could be estimated (NaN
    survival) is worth nothing.
    """
    inside = (survival > 0.0) & (survival < 1.0) & (variance > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(inside, survival * (1.0 - survival) / variance, exposure / milestone + np.where(survival <= 0.0, events, 0.0))
    known = np.isfinite(survival) & np.isfinite(n)
    n = np.where(known, n, 0.0)
    return np.where(known, survival, 0.0) * n, n


def beta_posterior(survivors: FloatArray, n: FloatArray, prior: FloatArray) -> Mixture:
    """Weights, a and b of the posterior mixtures, each of shape (.., components); ``prior`` (components, 3) holds weight, a, b."""
    from scipy.special import betaln

    w, a0, b0 = prior.T
    a, b = a0 + survivors[..., None], b0 + (n - survivors)[..., None]
    if len(w) == 1:
        return np.ones(a.shape), a, b
    log = np.log(w) + betaln(a, b) - betaln(a0, b0)
    weights = np.exp(log - log.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True), a, b


def probability_above(a: FloatArray, b: FloatArray, weights: FloatArray, value: float) -> FloatArray:
    """P(S > ``value``) under posterior mixtures."""
    from scipy.special import betainc

    return np.asarray((weights * (1.0 - betainc(a, b, value))).sum(axis=-1), np.float64)


def probability_better(control: Mixture, experimental: Mixture, *, margin: float = 0.0) -> FloatArray:
    """P(S1 > S0 - ``margin``) exactly, for mixtures of shape (m, components); the result has shape (m,)."""
    from scipy.special import betaincinv

    _, a, b = control
    low, high = (np.asarray(betaincinv(a, b, tail), np.float64) for tail in (1e-10, 1.0 - 1e-10))
    made = np.empty(len(a))
    steep = np.minimum(a, b).min(axis=1) < 1.0
    for rows, nodes in ((~steep, _NODES), (steep, _STEEP_NODES)):
        if rows.any():
            parts = _of(control, rows), _of(experimental, rows), low[rows], high[rows]
            made[rows] = _integrated(*parts, nodes=nodes, margin=margin, steep=nodes == _STEEP_NODES)
    return made


def _integrated(
    control: Mixture, experimental: Mixture, low: FloatArray, high: FloatArray, *, nodes: int, margin: float, steep: bool = False
) -> FloatArray:
    """The integral of the control's density times P(S1 > p - margin) over p from ``low`` to ``high``, a range for each component.

    ``steep``: nodes crowd at both ends, by p = low + (high - low) sin^2, where shapes below 1 make the density run to infinity.
    """
    from scipy.special import betainc, betaln

    w0, a0, b0 = control
    w1, a1, b1 = experimental
    x, weight = legendre_nodes(nodes)
    low, high = low[..., None], high[..., None]
    share, weight = 0.5 * (x + 1.0), 0.5 * weight
    if steep:
        weight = weight * 0.5 * np.pi * np.sin(np.pi * share)
        share = np.sin(0.5 * np.pi * share) ** 2
    p = np.clip(low + (high - low) * share, 1e-300, np.nextafter(1.0, 0.0))
    density = np.exp((a0[..., None] - 1.0) * np.log(p) + (b0[..., None] - 1.0) * np.log1p(-p) - betaln(a0, b0)[..., None])
    mass = density * weight * (high - low) * w0[..., None]
    total = np.zeros(len(w0))
    at = np.clip(p - margin, 0.0, 1.0)
    for k in range(w1.shape[1]):
        tail = 1.0 - betainc(a1[:, k, None, None], b1[:, k, None, None], at)
        total += w1[:, k] * (mass * tail).sum(axis=(1, 2))
    return np.clip(total, 0.0, 1.0)


def approximately_better(control: Mixture, experimental: Mixture, *, margin: float = 0.0) -> FloatArray:
    """The same by normal laws: of the logits (margin 0) or of the proportions themselves."""
    from scipy.special import digamma, ndtr, polygamma

    def moments(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        if margin == 0.0:
            return digamma(a) - digamma(b), polygamma(1, a) + polygamma(1, b)
        mean, sd = _beta_moments(a, b)
        return mean, sd**2

    w0, (m0, v0) = control[0], moments(*control[1:])
    w1, (m1, v1) = experimental[0], moments(*experimental[1:])
    gap = (m1[:, :, None] - m0[:, None, :] + margin) / np.sqrt(v1[:, :, None] + v0[:, None, :])
    made: FloatArray = (w1[:, :, None] * w0[:, None, :] * ndtr(gap)).sum(axis=(1, 2))
    return made


def better_than(threshold: float, control: Mixture, experimental: Mixture, *, margin: float = 0.0) -> BoolArray:
    """Whether P(S1 > S0 - ``margin``) exceeds ``threshold``, (m,): exact wherever what is quicker is near it."""
    rough = approximately_better(control, experimental, margin=margin)
    made = rough > threshold
    few = np.minimum(control[1], control[2]).min(axis=1) < _FEW
    few |= np.minimum(experimental[1], experimental[2]).min(axis=1) < _FEW
    near = np.abs(rough - threshold) < _NEAR
    mean, spread = _beta_moments(*control[1:])
    _, other = _beta_moments(*experimental[1:])
    smooth = near & ~few & (other.min(axis=1) >= _SHARP * spread.max(axis=1))
    if smooth.any():
        low, high = (np.clip(mean + side * _WIDE * spread, 0.0, 1.0)[smooth] for side in (-1.0, 1.0))
        quick = _integrated(_of(control, smooth), _of(experimental, smooth), low, high, nodes=_FEW_NODES, margin=margin)
        made[smooth] = quick > threshold
        near[smooth] = np.abs(quick - threshold) < _CLOSE
    near |= few
    if near.any():
        made[near] = probability_better(_of(control, near), _of(experimental, near), margin=margin) > threshold
    return np.asarray(made, np.bool_)


def _beta_moments(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation."""
    mean = a / (a + b)
    return mean, np.sqrt(mean * (1.0 - mean) / (a + b + 1.0))


def _of(mixture: Mixture, some: BoolArray) -> Mixture:
    return mixture[0][some], mixture[1][some], mixture[2][some]
