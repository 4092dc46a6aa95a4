"""Log density and log survival of the gamma and generalised gamma models with their derivatives."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.models.family import Jet, outer
from nextarm.survival.models.log_gamma import LOG_SQRT_2PI, phi2, stirling_remainder, tail


def standardised_log_density(eta: FloatArray, t: FloatArray) -> Jet:
    """Log density in the predictors mu, log sigma and q; q must be the same for all patients.

    With z = (log t - mu) / sigma it is a function of (z, q), carried to the predictors by the chain rule.
    """
    z, q, first, second = _placed(eta, t)
    f = _carried(_log_density(z, q), first, second)
    f.first[1] -= 1.0
    return Jet(f.value - eta[1] - np.log(t), f.first, f.second)


def standardised_log_survival(eta: FloatArray, t: FloatArray) -> Jet:
    """Log survival in the predictors mu, log sigma and q; q must be the same for all patients."""
    z, q, first, second = _placed(eta, t)
    return _carried(_log_survival(z, q), first, second)


def gamma_log_density(eta: FloatArray, t: FloatArray) -> Jet:
    """Log density in the predictors log shape and log rate."""
    inner, first, second = _gamma_placed(eta, t)
    return _carried(standardised_log_density(inner, t), first, second)


def gamma_log_survival(eta: FloatArray, t: FloatArray) -> Jet:
    """Log survival in the predictors log shape and log rate."""
    inner, first, second = _gamma_placed(eta, t)
    return _carried(standardised_log_survival(inner, t), first, second)


def _placed(eta: FloatArray, t: FloatArray) -> tuple[FloatArray, float, FloatArray, FloatArray]:
    """z, q and the derivatives of the pair (z, q) in the three predictors."""
    q = float(np.reshape(eta[2], -1)[0])
    y = np.log(t)
    steep = np.exp(-eta[1]) + np.zeros_like(y)
    z = (y - eta[0]) * steep
    first, second = np.zeros((2, 3, z.size)), np.zeros((2, 3, 3, z.size))
    first[0, 0], first[0, 1], first[1, 2] = -steep, -z, 1.0
    second[0, 1, 1] = z
    second[0, 0, 1] = second[0, 1, 0] = steep
    return z, q, first, second


def _gamma_placed(eta: FloatArray, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The gamma model as a generalised gamma: mu = log(shape / rate), sigma = q = shape^-1/2."""
    q = np.exp(-0.5 * eta[0])
    first, second = np.zeros((3, 2, t.size)), np.zeros((3, 2, 2, t.size))
    first[0, 0], first[0, 1], first[1, 0], first[2, 0] = 1.0, -1.0, -0.5, -0.5 * q
    second[2, 0, 0] = 0.25 * q
    return np.stack(np.broadcast_arrays(eta[0] - eta[1], -0.5 * eta[0], q)), first, second


def _carried(jet: Jet, first: FloatArray, second: FloatArray) -> Jet:
    """A jet in m inner variables as a jet in k predictors, by the chain rule: ``first`` (m, k, n), ``second`` (m, k, k, n)."""
    slope = np.einsum("an,ain->in", jet.first, first)
    bend = np.einsum("abn,ain,bjn->ijn", jet.second, first, first, optimize=True)
    return Jet(jet.value, slope, bend + np.einsum("an,aijn->ijn", jet.first, second))


def _log_density(z: FloatArray, q: float) -> Jet:
    """Log g(z; q) in (z, q)."""
    x = q * z
    p, p1, p2 = phi2(x)
    delta = stirling_remainder(q)
    first = np.stack([-z * (1.0 + x * p), -delta[1] - z**3 * p1])
    second = np.empty((2, 2, z.size))
    second[0, 0], second[1, 1] = -np.exp(x), -delta[2] - z**4 * p2
    second[0, 1] = second[1, 0] = -z * z * (p + x * p1)
    return Jet(-z * z * p - delta[0] - LOG_SQRT_2PI, first, second)


def _log_survival(z: FloatArray, q: float) -> Jet:
    """Log P(Z > z) in (z, q), from the tail integrals."""
    part = tail(z, q)
    g = _log_density(z, q)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        density = np.exp(g.value)
        alive = 1.0 - np.minimum(density * part.mass, 1.0)
        value = np.where(part.upper, g.value + np.log(part.mass), np.log(alive))
        # Divided by the survivors: on the upper side both hold the factor g, which cancels.
        over = np.where(part.upper, 1.0 / part.mass, density / alive)
        side = np.where(part.upper, 1.0, -1.0)
        ratio = np.stack([-over, side * over * part.first])
        second = np.empty((2, 2, z.size))
        second[0, 0] = -over * g.first[0]
        second[0, 1] = second[1, 0] = -over * g.first[1]
        second[1, 1] = side * over * part.second
    return Jet(value, ratio, second - outer(ratio))
