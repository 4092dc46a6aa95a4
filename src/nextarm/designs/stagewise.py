"""Inference after a group-sequential trial: the stage-wise ordering, and what the looks still to come may bring.

A trial that stopped at look k with z is as extreme as, or more extreme than, another if it crossed earlier, or at the same
look with a larger z (Fairbanks and Madsen 1982, doi 10.1093/biomet/69.1.69; Tsiatis, Rosner and Mehta 1984, doi
10.2307/2530924). The probability of that is a p value under no effect; the effects at which it is alpha, one half and
1 - alpha are the exact interval and the median unbiased estimate. Effects are theta with E(Z_k) = theta sqrt(I_k).
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.expected_events import find_root
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.walk import crossing


def tail(information: FloatArray, *, upper: FloatArray, lower: FloatArray, z: float, theta: float = 0.0) -> float:
    """P(a trial ends at least as favourably) when it ended at the last of the looks given, with ``z`` there.

    ``information`` (looks,) and the bounds of the earlier looks ``upper`` and ``lower`` (looks - 1,), on the Z scale.
    """
    t = np.asarray(information, np.float64)
    up, _ = crossing(t, upper=np.append(upper, z), lower=np.append(lower, -np.inf), mean_z=theta * np.sqrt(t))
    return float(min(np.sum(up), 1.0))


def effect_at(information: FloatArray, *, upper: FloatArray, lower: FloatArray, z: float, probability: float) -> float:
    """The effect theta under which the tail probability is ``probability``: a limit, or at .5 the median unbiased estimate."""
    root = float(np.sqrt(information[-1]))
    low, high = (z - 6.0) / root, (z + 6.0) / root
    while tail(information, upper=upper, lower=lower, z=z, theta=low) > probability:
        low -= 4.0 / root
    while tail(information, upper=upper, lower=lower, z=z, theta=high) < probability:
        high += 4.0 / root
    return find_root(lambda x: tail(information, upper=upper, lower=lower, z=z, theta=x) - probability, low, high)


def conditional_power(z: float, *, information: float, future: FloatArray, upper: FloatArray, lower: FloatArray, theta: float) -> float:
    """P(an efficacy bound is crossed later) given ``z`` at ``information``, under the effect ``theta``.

    ``future`` (m,) the information of the looks to come, ``upper`` and ``lower`` (m,) their bounds.
    """
    ahead = np.asarray(future, np.float64) - information
    scale = np.sqrt(np.asarray(future, np.float64) / ahead)
    shift = z * np.sqrt(information / ahead)
    up, _ = crossing(ahead, upper=upper * scale - shift, lower=lower * scale - shift, mean_z=theta * np.sqrt(ahead))
    return float(min(max(np.sum(up), 0.0), 1.0))


def predictive_power(z: float, *, information: float, future: FloatArray, upper: FloatArray, lower: FloatArray) -> float:
    """Conditional power averaged over the effect as it is known now, with a flat prior: normal around z / sqrt(I).

    With one look to come it is Phi((z / sqrt(t) - c) / sqrt(1 / t - 1)), t the information fraction and c the bound.
    """
    x, w = gauss_legendre(np.linspace(-7.0, 7.0, 8))
    weights = w * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    root = float(np.sqrt(information))
    values = [conditional_power(z, information=information, future=future, upper=upper, lower=lower, theta=(z + step) / root) for step in x]
    return float(min(max(weights @ np.array(values), 0.0), 1.0))
