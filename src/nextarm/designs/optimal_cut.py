"""The rising cut of BOP2 where its behaviour is not a sum over counts: the best cut over virtual trials (Zhou, Lee & Yuan 2017).

At look k a trial goes on (at the last: succeeds) while its posterior probability P_k of being better than the null is at least
cut * fraction_k^shape. For one shape a trial succeeds just where the smallest P_k / fraction_k^shape reaches the cut, so the cut that keeps
alpha in trials under the null is one of their order statistics: no grid of cuts is needed, and none is missed. It is rounded up to five
decimals: posteriors of counts come in steps, and a cut within rounding of a step would be another rule when it is printed.
doi 10.1002/sim.7338.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray

#: Shapes tried: from a level cut to one that rises with the information.
SHAPES: FloatArray = np.linspace(0.0, 1.0, 21)
#: A cut above this is no rule: the trial would have to be certain.
_CERTAIN = 1.0 - 1e-9
#: Cuts have so many steps from 0 to 1, as many as are printed.
_PRINTED = 100_000


@record
class OptimalCut:
    """``cut`` at the end and its ``shape``; type I error and power in the virtual trials they were chosen in."""

    cut: float
    shape: float
    type1_error: float
    power: float


def smallest_ratio(probability: FloatArray, fraction: FloatArray, shape: float) -> FloatArray:
    """The smallest P_k / fraction_k^shape over the looks of each trial, (trials,)."""
    return np.asarray((probability / np.maximum(fraction, 1e-12) ** shape).min(axis=1), np.float64)


def optimal_cut(
    null: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray], *, alpha: float, shapes: FloatArray = SHAPES
) -> OptimalCut:
    """The rule with the largest power in ``other`` among those that reject at most ``alpha`` of the trials under the ``null``.

    Both are (probability, fraction of the information), arrays (trials, looks). Of equal powers the rule that stops more trials
    under the null before the end is taken. Raises :class:`RefusedError` where no cut below 1 keeps alpha.

    >>> level = np.linspace(0.0, 0.99, 100)[:, None]
    >>> got = optimal_cut((level, np.ones((100, 1))), (level + 0.005, np.ones((100, 1))), alpha=0.05)
    >>> round(got.cut, 3), round(got.type1_error, 3), round(got.power, 3)
    (0.94, 0.05, 0.06)
    """
    best: tuple[float, float] = (-1.0, -1.0)
    found: OptimalCut | None = None
    trials = len(null[0])
    for shape in shapes:
        under = np.sort(smallest_ratio(*null, float(shape)))
        # at most alpha of the trials reach the cut: it lies above the largest ratio that must not
        barred = trials - math.floor(alpha * trials + 1e-9)
        low = under[barred - 1] if barred > 0 else 0.0
        cut = (math.floor(float(low) * _PRINTED + 1e-6) + 1) / _PRINTED
        if not 0.0 < cut < _CERTAIN:
            continue
        power = float((smallest_ratio(*other, float(shape)) >= cut).mean())
        probability, fraction = null
        early = (
            (probability[:, :-1] < cut * np.maximum(fraction[:, :-1], 1e-12) ** shape).any(axis=1).mean() if fraction.shape[1] > 1 else 0.0
        )
        if (round(power, 12), float(early)) > best:
            best = (round(power, 12), float(early))
            found = OptimalCut(cut=float(cut), shape=float(shape), type1_error=float((under >= cut).mean()), power=power)
    if found is None:
        raise RefusedError(f"alpha = {alpha:g}", rule="no cut below 1 keeps it at this size", cure="Take more patients or a larger alpha")
    return found
