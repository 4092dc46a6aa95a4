"""The recursion of group-sequential designs: a Gaussian walk that is stopped at bounds.

The score B_k = Z_k sqrt(t_k) has independent normal increments. Its density, restricted to the paths that have not
stopped, is carried from look to look on Gauss-Legendre nodes (Armitage, McPherson and Rowe 1969,
doi 10.2307/2343787; Jennison and Turnbull 2000, chapter 19).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.quadrature import gauss_legendre

#: Standard deviations beyond which the normal density is left out.
_REACH = 8.5


@dataclass(frozen=True)
class Walk:
    """Probability ``mass`` at ``nodes`` of B, at information ``t`` with score mean ``mean`` so far."""

    t: float
    mean: float
    nodes: FloatArray
    mass: FloatArray


def start() -> Walk:
    """The walk before the first look: at 0 with certainty."""
    return Walk(0.0, 0.0, np.zeros(1), np.ones(1))


def above(walk: Walk, *, t: float, mean: float, bound: float) -> float:
    """Probability of going on to information ``t`` (score mean ``mean``) and being at or above ``bound`` there."""
    from scipy.special import ndtr

    sd = np.sqrt(t - walk.t)
    return float(walk.mass @ ndtr((walk.nodes + (mean - walk.mean) - bound) / sd))


def below(walk: Walk, *, t: float, mean: float, bound: float) -> float:
    """Probability of going on to information ``t`` and being below ``bound`` there."""
    from scipy.special import ndtr

    sd = np.sqrt(t - walk.t)
    return float(walk.mass @ ndtr((bound - walk.nodes - (mean - walk.mean)) / sd))


def advance(walk: Walk, *, t: float, mean: float, low: float, high: float, step: float) -> Walk:
    """Carry the walk to information ``t``, keeping the paths between ``low`` and ``high``.

    ``step`` is the smaller standard deviation of this increment and the next: the density is resolved to it.
    """
    sd = float(np.sqrt(t - walk.t))
    reach = _REACH * np.sqrt(t)
    bottom, top = max(low, mean - reach), min(high, mean + reach)
    if not bottom < top:
        return Walk(t, mean, np.zeros(0), np.zeros(0))
    panels = int(min(max(np.ceil((top - bottom) / (2.0 * step)), 4), 400))
    nodes, weights = gauss_legendre(np.linspace(bottom, top, panels + 1))
    gap = (nodes[:, None] - walk.nodes[None, :] - (mean - walk.mean)) / sd
    density = (np.exp(-0.5 * gap * gap) @ walk.mass) / (sd * np.sqrt(2.0 * np.pi))
    return Walk(t, mean, nodes, weights * density)


def crossing(fractions: FloatArray, *, upper: FloatArray, lower: FloatArray, mean_z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities of first crossing ``upper`` and ``lower`` at each look, on the Z scale.

    ``fractions`` (looks,) rise; ``mean_z`` (looks,) is the mean of Z at each look. Use -inf for a look without lower
    bound. Returns two arrays (looks,).

    >>> up, low = crossing(np.array([1.0]), upper=np.array([1.959964]), lower=np.array([-np.inf]), mean_z=np.zeros(1))
    >>> round(float(up[0]), 6)
    0.025
    """
    t = np.asarray(fractions, np.float64)
    root = np.sqrt(t)
    sds = np.sqrt(np.diff(np.concatenate([[0.0], t])))
    walk, ups, downs = start(), [], []
    for k in range(len(t)):
        at = {"t": float(t[k]), "mean": float(mean_z[k] * root[k])}
        high, low = float(upper[k] * root[k]), float(lower[k] * root[k])
        ups.append(above(walk, **at, bound=high))
        downs.append(below(walk, **at, bound=low) if np.isfinite(low) else 0.0)
        if k < len(t) - 1:
            walk = advance(walk, **at, low=low, high=high, step=float(min(sds[k], sds[k + 1])))
    return np.array(ups), np.array(downs)
