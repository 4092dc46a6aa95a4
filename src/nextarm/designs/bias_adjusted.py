"""The bias-adjusted estimate after a group-sequential trial (Whitehead 1986, doi 10.1093/biomet/73.3.573).

A trial that may stop early for a large effect overstates it on average. The adjusted estimate is the effect theta under
which the mean of the usual estimate, Z_k / sqrt(I_k) at the look where the trial stops, is what was seen. The mean is exact:
it is taken over the same walk as the bounds, with the planned information of looks not reached.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.expected_events import find_root
from nextarm.designs.walk import Walk, advance, start


def mean_estimate(information: FloatArray, *, upper: FloatArray, lower: FloatArray, theta: float) -> float:
    """Mean of Z_k / sqrt(I_k) when the trial stops, under the effect ``theta``.

    ``information`` (looks,) rises; ``upper`` and ``lower`` (looks - 1,) are the bounds before the last look, on the Z scale.

    >>> round(mean_estimate(np.array([4.0]), upper=np.zeros(0), lower=np.zeros(0), theta=0.3), 9)
    0.3
    """
    i = np.asarray(information, np.float64)
    root = np.sqrt(i)
    sds = np.sqrt(np.diff(np.concatenate([[0.0], i])))
    walk, total = start(), 0.0
    for k in range(len(i)):
        at = {"t": float(i[k]), "mean": float(theta * i[k])}
        if k == len(i) - 1:
            return total + _mean_beyond(walk, **at, bound=-np.inf) / float(i[k])
        high, low = float(upper[k] * root[k]), float(lower[k] * root[k])
        total += _mean_beyond(walk, **at, bound=high) / float(i[k])
        if np.isfinite(low):
            everywhere = _mean_beyond(walk, **at, bound=-np.inf)
            total += (everywhere - _mean_beyond(walk, **at, bound=low)) / float(i[k])
        walk = advance(walk, **at, low=low, high=high, step=float(min(sds[k], sds[k + 1])))
    return total


def bias_adjusted(information: FloatArray, *, upper: FloatArray, lower: FloatArray, estimate: float) -> float:
    """The effect under which the mean of the estimate is ``estimate``."""

    def excess(theta: float) -> float:
        return mean_estimate(information, upper=upper, lower=lower, theta=theta) - estimate

    step = 4.0 / float(np.sqrt(information[0]))
    low, high = estimate - step, estimate + step
    while excess(low) > 0.0:
        low -= step
    while excess(high) < 0.0:
        high += step
    return find_root(excess, low, high)


def _mean_beyond(walk: Walk, *, t: float, mean: float, bound: float) -> float:
    """E(S; S >= bound) of the score S at information ``t``, over the paths of ``walk`` that are still going."""
    from scipy.special import ndtr

    sd = float(np.sqrt(t - walk.t))
    middle = walk.nodes + (mean - walk.mean)
    if not np.isfinite(bound):
        return float(walk.mass @ middle)
    a = (bound - middle) / sd
    return float(walk.mass @ (middle * ndtr(-a) + sd * np.exp(-0.5 * a * a) / np.sqrt(2.0 * np.pi)))
