"""The probability that correlated standard normals all lie in one interval, by deterministic quadrature.

Z = A E with E independent and A from the eigenvectors of the correlation; its rank r may be below the number of members
(the log-rank score is the sum of the Fleming-Harrington (1, 0) and (0, 1) scores). The last coordinate of E, along the
largest eigenvalue, is a closed form: it runs between the largest lower and the smallest upper bound. Over the one before
it the integrand is smooth between the points where two bounds cross, and Gauss-Legendre runs piece by piece; likewise over
the first of three between the corners of the box. Accurate to 1e-10 for rank up to three; beyond, Genz's
lattice rule (1992, doi 10.1080/10618600.1992.10477010) to about 1e-6.
"""

from __future__ import annotations

import itertools

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.gauss import legendre_nodes

_REACH = 8.5
_PIECE_NODES = 12


def normal_box(correlation: FloatArray, low: float, high: float) -> float:
    """P(low <= Z_a <= high for all a), Z normal with mean 0 and the given correlation matrix.

    >>> round(normal_box(np.eye(2), -1.959963985, 1.959963985), 9)
    0.9025
    """
    from scipy.special import ndtr

    A = _coordinates(correlation)
    r = A.shape[1]
    if r == 1:
        return float(ndtr(high) - ndtr(low)) if high > low else 0.0
    if r > 3:
        return _by_lattice(correlation, low, high)
    bounds = [b for b in (low, high) if np.isfinite(b)]
    y, w = legendre_nodes(_PIECE_NODES)
    total = 0.0
    for point, mass in _outer_grid(A, bounds):
        # Row a asks low <= shift_a + slope_a s + lead_a e <= high, s the coordinate cut in pieces, e the last.
        shift, slope, lead = A[:, : r - 2] @ point, A[:, r - 2], A[:, r - 1]
        cuts = _crossings(shift, slope, lead, bounds)
        half = 0.5 * np.diff(cuts)
        s = (0.5 * (cuts[1:] + cuts[:-1]))[:, None] + half[:, None] * y
        centre = shift[:, None, None] + slope[:, None, None] * s
        e_low, e_high = _interval(centre, lead, low, high)
        inside = np.maximum(ndtr(e_high) - ndtr(e_low), 0.0)
        total += mass * float(np.sum(half[:, None] * w * np.exp(-0.5 * s * s) * inside)) / np.sqrt(2.0 * np.pi)
    return float(min(max(total, 0.0), 1.0))


def _by_lattice(correlation: FloatArray, low: float, high: float) -> float:
    """Genz's lattice rule as in scipy, its shifts from a fixed stream so that the answer repeats."""
    from scipy.stats import multivariate_normal

    m = correlation.shape[0]
    law = multivariate_normal(cov=correlation, allow_singular=True, maxpts=400_000 * m, abseps=1e-8, releps=1e-8)  # type: ignore[call-overload]
    law.random_state = np.random.default_rng(20190101)
    return float(np.clip(law.cdf(np.full(m, high), lower_limit=np.full(m, low)), 0.0, 1.0))


def _coordinates(correlation: FloatArray) -> FloatArray:
    """A with A A' = correlation, columns in order of growing eigenvalue, nil ones dropped."""
    values, vectors = np.linalg.eigh(correlation)
    keep = values > 1e-9
    scaled: FloatArray = vectors[:, keep] * np.sqrt(values[keep])
    return scaled


def _outer_grid(A: FloatArray, bounds: list[float]) -> list[tuple[FloatArray, float]]:
    """Points and masses for the coordinates before the last two.

    None for rank 2; for rank 3 pieces between the corners of the box, where the integrand changes its form.
    """
    r = A.shape[1]
    if r == 2:
        return [(np.zeros(0), 1.0)]
    cuts = np.unique(np.concatenate([np.linspace(-_REACH, _REACH, 11), _corners(A, bounds)]))
    y, w = legendre_nodes(_PIECE_NODES)
    half = 0.5 * np.diff(cuts)
    x = (0.5 * (cuts[1:] + cuts[:-1])[:, None] + half[:, None] * y).ravel()
    mass = (half[:, None] * w).ravel() * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    return [(np.array([p]), float(m)) for p, m in zip(x, mass, strict=True) if m > 1e-16]


def _corners(A: FloatArray, bounds: list[float]) -> FloatArray:
    """First coordinates of the points where three faces of the box meet, inside it."""
    faces = [(A[a], b) for a in range(A.shape[0]) for b in bounds]
    found = []
    for three in itertools.combinations(faces, 3):
        M = np.array([row for row, _ in three])
        if abs(np.linalg.det(M)) < 1e-12:
            continue
        x = np.linalg.solve(M, np.array([b for _, b in three]))
        inside = A @ x
        if abs(x[0]) < _REACH and (inside <= max(bounds) + 1e-9).all() and (len(bounds) == 1 or (inside >= min(bounds) - 1e-9).all()):
            found.append(x[0])
    return np.array(found)


def _crossings(shift: FloatArray, slope: FloatArray, lead: FloatArray, bounds: list[float]) -> FloatArray:
    """Sorted end points of the pieces: where the lines e = (b - shift - slope s) / lead of two members cross."""
    rows = [(b - shift[a], slope[a], lead[a]) for a in range(shift.size) for b in bounds]
    points = [-_REACH, *np.linspace(-6.0, 6.0, 5).tolist(), _REACH]
    for (c1, m1, l1), (c2, m2, l2) in itertools.combinations(rows, 2):
        slant = m1 * l2 - m2 * l1
        if abs(slant) > 1e-14:
            points.append(float((c1 * l2 - c2 * l1) / slant))
    points += [float(c / m) for c, m, lead_a in rows if abs(lead_a) < 1e-12 and abs(m) > 1e-14]
    inside = np.array([p for p in points if -_REACH <= p <= _REACH])
    return np.unique(inside)


def _interval(centre: FloatArray, lead: FloatArray, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Largest lower and smallest upper bound of the last coordinate over all members."""
    e_low, e_high = np.full(centre.shape[1:], -np.inf), np.full(centre.shape[1:], np.inf)
    for c, a in zip(centre, lead, strict=True):
        if abs(a) < 1e-12:
            e_high = np.where((c < low) | (c > high), -np.inf, e_high)
            continue
        one, two = (low - c) / a, (high - c) / a
        e_low, e_high = np.maximum(e_low, np.minimum(one, two)), np.minimum(e_high, np.maximum(one, two))
    return e_low, e_high
