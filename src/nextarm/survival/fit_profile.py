"""Profile-likelihood interval of a cure fraction, with its limits at 0 and 1.

The interval holds every cure fraction at which the log likelihood, maximised over all other coefficients, lies less than half
the chi-squared quantile below its maximum. A cure fraction of 0 belongs to it when the model without cure does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import Interval
from nextarm.core.units import FloatArray
from nextarm.survival.fit_likelihood import Evaluation
from nextarm.survival.fit_optimise import maximise
from nextarm.survival.fit_result import normal_quantile
from nextarm.survival.models.family import Link, from_predictor, to_predictor
from nextarm.survival.roots import brentq

#: How far the search on the estimation scale goes before it takes 0 or 1 for the limit.
FARTHEST = 30.0

#: A cure fraction that stands for none where the model without cure is not the limit at 0.
NEARLY_NONE = 1e-6


def profile_interval(
    function: Callable[[FloatArray], Evaluation],
    best: FloatArray,
    maximum: float,
    *,
    link: Link,
    standard_error: float | None,
    without_cure: float | None,
    level: float,
    free: NDArray[np.bool_],
    unit: FloatArray,
) -> Interval | None:
    """The interval of the cure fraction whose predictor is the first coefficient.

    ``best`` is the maximum (``maximum`` the log likelihood there), ``standard_error`` that of the predictor (None where not
    known), ``without_cure`` the log likelihood of the model without cure where that is the limit at 0; ``free`` the coefficients
    that are not at a boundary, ``unit`` their sizes. None where the profile cannot be followed.
    """
    drop = 0.5 * normal_quantile(level) ** 2
    falling = 1.0 if link == "log-log" else -1.0
    step = min(max(normal_quantile(level) * (standard_error or 0.5), 0.05), 3.0)
    ends = []
    at_zero = not free[0]
    if at_zero:  # the estimate itself is 0: climb from a small cure fraction
        best = np.concatenate([[to_predictor(link, 0.01)], best[1:]])
    others = free & (np.arange(free.size) > 0)
    if without_cure is None and not at_zero:
        # Likelihoods of cure models can fall and rise again towards 0, so that the far end is looked at as well.
        far = maximise(function, np.concatenate([[to_predictor(link, NEARLY_NONE)], best[1:]]), free=others, unit=unit)
        without_cure = far.value if far is not None and far.converged else None
    for towards_zero in (True, False):
        if towards_zero and (at_zero or (without_cure is not None and maximum - without_cure < drop)):
            ends.append(0.0)
            continue
        x = _crossing(function, best, others, unit, maximum, drop, step * (falling if towards_zero else -falling))
        if x is None:
            return None
        ends.append((0.0 if towards_zero else 1.0) if math.isinf(x) else from_predictor(link, x)[0])
    return Interval(low=min(ends), high=max(ends), level=level, kind="profile likelihood")


def _crossing(
    function: Callable[[FloatArray], Evaluation],
    best: FloatArray,
    others: NDArray[np.bool_],
    unit: FloatArray,
    maximum: float,
    drop: float,
    step: float,
) -> float | None:
    """The predictor in the direction of ``step`` where the profile has fallen by ``drop``; infinity where it never does."""
    target = math.sqrt(2.0 * drop)
    last = best

    def root(x: float) -> float:
        """The signed root of twice the fall, less that at the limit: nearly a straight line in x."""
        nonlocal last
        for start in (last, best):
            found = maximise(function, np.concatenate([[x], start[1:]]), free=others, unit=unit)
            if found is not None and found.converged:
                last = found.theta
                return math.sqrt(2.0 * max(maximum - found.value, 0.0)) - target
        raise _LostError

    try:
        near, at_near = float(best[0]), -target
        far = near + step
        at_far = root(far)
        while at_far < 0.0:
            if abs(far) > FARTHEST:
                return math.copysign(math.inf, step)
            near, at_near, far = far, at_far, far + 1.5 * (far - near)
            at_far = root(far)
        known = {near: at_near, far: at_far}
        return float(brentq(lambda x: known[x] if x in known else root(x), near, far, xtol=1e-7, rtol=1e-10))
    except _LostError:
        return None


class _LostError(Exception):
    """The profile could not be followed further."""
