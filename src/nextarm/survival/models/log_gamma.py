"""The standardised log-gamma law behind the gamma and generalised gamma models, exact through q = 0 and in both tails.

Prentice's form (1974, doi 10.1093/biomet/61.3.539): z has density

    g(z; q) = exp(-z^2 phi2(q z) - delta(q)) / sqrt(2 pi),   phi2(x) = (e^x - 1 - x) / x^2,

delta(q) the remainder of Stirling's formula for log Gamma at q^-2. Written so, nothing is singular at q = 0 (the normal
law). Tail probabilities and their derivatives in q are integrals of g, g s and g (s^2 + s') with s = d log g / dq, taken
from z outward by Gauss-Legendre quadrature and scaled by g(z), so that they keep their relative accuracy where the tail
itself is below the smallest number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
NODES = 48

#: How far the log density falls from z to where the outward integral is cut off: e^-42 is below double precision.
REACH = 42.0

#: Stirling's remainder is the sum of these times q^2, q^6, q^10, ...
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)


@cache
def _rule() -> tuple[FloatArray, FloatArray]:
    nodes, weights = legendre_nodes(NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


#: Taylor coefficients of (e^x - 1 - x) / x^2 and of its first two derivatives, enough for |x| < 1/2.
TERMS = 13
TAYLOR = tuple(tuple(math.prod(range(k + 1, k + 1 + d)) / math.factorial(k + 2 + d) for k in range(TERMS, -1, -1)) for d in range(3))


def phi2(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(e^x - 1 - x) / x^2 and its first two derivatives."""
    return phi2_value(x), _phi2_part(x, 1), _phi2_part(x, 2)


def phi2_value(x: FloatArray) -> FloatArray:
    """(e^x - 1 - x) / x^2 alone."""
    return _phi2_part(x, 0)


def _phi2_part(x: FloatArray, derivative: int) -> FloatArray:
    small = np.abs(x) < 0.5
    if small.all():
        return np.asarray(np.polyval(TAYLOR[derivative], x), np.float64)
    y = np.where(small, 1.0, x)
    phi1 = np.expm1(y) / y
    found = (phi1 - 1.0) / y
    if derivative > 0:
        found = (phi1 - 2.0 * found) / y
    if derivative > 1:
        found = ((np.exp(y) - phi1) / y - 3.0 * found) / y
    if small.any():
        found[small] = np.polyval(TAYLOR[derivative], x[small])
    return np.asarray(found, np.float64)


def stirling_remainder(q: float) -> tuple[float, float, float]:
    """delta(q) = log Gamma(a) - (a - 1/2) log a + a - log sqrt(2 pi) at a = q^-2, and its first two derivatives in q."""
    if abs(q) < 0.2:
        powers = [(c, 4 * k + 2) for k, c in enumerate(STIRLING)]
        return (
            sum(c * q**m for c, m in powers),
            sum(c * m * q ** (m - 1) for c, m in powers),
            sum(c * m * (m - 1) * q ** (m - 2) for c, m in powers),
        )
    from scipy.special import gammaln, polygamma, psi

    a = q**-2.0
    value = float(gammaln(a)) - (a - 0.5) * math.log(a) + a - LOG_SQRT_2PI
    in_a = float(psi(a)) - math.log(a) + 0.5 / a
    twice = float(polygamma(1, a)) - 1.0 / a - 0.5 / a**2
    return value, in_a * -2.0 * q**-3.0, twice * 4.0 * q**-6.0 + in_a * 6.0 * q**-4.0


def log_density(z: FloatArray, q: float) -> FloatArray:
    """Log g(z; q)."""
    return np.asarray(-z * z * phi2_value(q * z) - stirling_remainder(q)[0] - LOG_SQRT_2PI, np.float64)


def _length(v: FloatArray, k: float) -> FloatArray:
    """How far to integrate from v >= 0 outward: until v^2 phi2(k v), convex and rising, has risen by REACH."""
    goal = v * v * phi2_value(k * v) + REACH
    if k >= 0.0:
        end = np.sqrt(2.0 * goal)
        if k > 0.0:
            end = np.minimum(end, np.maximum(2.0, np.log(2.0 * goal * k * k)) / k)
    else:
        end = np.minimum(goal * -k - 1.0 / k, np.sqrt(2.0 * goal) + goal * -k)
    for _ in range(4):  # Newton from the right of the root: every step stays on the right
        end = end - (end * end * phi2_value(k * end) - goal) / _slope(end, k)
    length = end - v
    # Far out the rise is a straight line over a length too short to be the difference of two numbers.
    return np.where(length < 1e-5 * v, REACH / _slope(np.maximum(v, 1.0), k), length)


def _slope(v: FloatArray, k: float) -> FloatArray:
    """The derivative of v^2 phi2(k v): (e^(k v) - 1) / k."""
    return np.asarray(np.where(np.abs(k * v) < 1e-8, v, np.expm1(k * v) / k if k else v), np.float64)


@dataclass(frozen=True)
class Tail:
    """The tail beyond z on its own side of the mode (``upper``: z >= 0), divided by g(z): masses of g, g s, g (s^2 + s')."""

    upper: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    log_density: FloatArray
    mass: FloatArray
    first: FloatArray
    second: FloatArray


def tail(z: FloatArray, q: float, *, derivatives: bool = True) -> Tail:
    """The scaled tail of each z (one-dimensional); the parts for derivatives are 0 when they are not asked for."""
    made = np.zeros((3, z.size))
    upper = z >= 0.0
    delta = stirling_remainder(q)
    nodes, weights = _rule()
    for chosen, side in ((upper, 1.0), (~upper, -1.0)):
        if not chosen.any():
            continue
        v, k = np.abs(z[chosen]), side * q
        # Nodes are laid out exponentially, dense near z: a long, slow tail begins with a bend of length 2 / |q|.
        bend = 2.0 / max(abs(k), 1e-3)
        span = np.log1p(_length(v, k) / bend)[:, None]
        grown = np.exp(span * nodes)
        beyond = bend * np.expm1(span * nodes)
        at = v[:, None] + beyond
        fall = at * at * phi2_value(k * at) - (v * v * phi2_value(k * v))[:, None]
        if (far := np.abs(k * v) > 1.0).any():
            fall[far] = (np.exp(k * v[far])[:, None] * np.expm1(k * beyond[far]) - k * beyond[far]) / k**2
        mass = np.exp(-fall) * (weights * span * bend * grown)
        made[0, chosen] = mass.sum(axis=1)
        if derivatives:
            signed = side * at
            s = -delta[1] - signed**3 * _phi2_part(k * at, 1)
            made[1, chosen] = (mass * s).sum(axis=1)
            made[2, chosen] = (mass * (s * s - delta[2] - at**4 * _phi2_part(k * at, 2))).sum(axis=1)
    return Tail(upper, log_density(z, q), made[0], made[1], made[2])


def log_survival(z: FloatArray, q: float) -> FloatArray:
    """Log P(Z > z) for an array of any shape."""
    return _survival_and_hazard(z, q)[0]


def hazard(z: FloatArray, q: float) -> FloatArray:
    """g(z) / P(Z > z); in the far upper tail without ever forming either."""
    return _survival_and_hazard(z, q)[1]


def _survival_and_hazard(z: FloatArray, q: float) -> tuple[FloatArray, FloatArray]:
    part = tail(np.ascontiguousarray(z, np.float64).reshape(-1), q, derivatives=False)
    with np.errstate(all="ignore"):
        density = np.exp(part.log_density)
        below = np.log1p(-np.minimum(density * part.mass, 1.0))
        log_s = np.where(part.upper, part.log_density + np.log(part.mass), below)
        rate = np.where(part.upper, 1.0 / part.mass, density / np.exp(below))
    return log_s.reshape(np.shape(z)), rate.reshape(np.shape(z))


def quantile(p: FloatArray, q: float) -> FloatArray:
    """The z below which a share p (strictly between 0 and 1) lies."""
    from scipy.special import gammainccinv, gammaincinv, ndtri

    if abs(q) >= 1e-3:
        a = q**-2.0
        u = gammaincinv(a, p) if q > 0.0 else gammainccinv(a, p)
        return np.asarray(np.log(u / a) / q, np.float64)
    normal = np.asarray(ndtri(p), np.float64).reshape(-1)
    z = normal - q * (normal * normal + 2.0) / 6.0
    wanted = np.where(z >= 0.0, np.log1p(-p.reshape(-1)), np.log(p.reshape(-1)))
    for _ in range(3):
        part = tail(z, q, derivatives=False)
        miss = np.where(part.upper, wanted, 0.0) + np.where(part.upper, 0.0, wanted) - part.log_density - np.log(part.mass)
        z = z + np.where(part.upper, -1.0, 1.0) * miss * part.mass
    return np.asarray(z.reshape(np.shape(p)), np.float64)
