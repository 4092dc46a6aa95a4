"""BOP2: posterior stopping of one proportion with a cut-off that tightens as patients come (Zhou, Lee & Yuan 2017).

At n of N patients stop for futility where P(p > p0 | data) < cut * (n / N)^shape; at the end the same rule with cut alone decides. The
prior is beta with mean p0 and the weight of one patient unless given. ``cut`` and ``shape`` are chosen from a grid so that
the exact power at p1 is largest among all with exact type I error at most alpha; ties go to the design that stops
earlier under p0. Counts are whole, so nothing is simulated: every design on the grid is computed path by path.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.exact_binomial import check_rates
from nextarm.designs.looks_in_order import rising_sizes
from nextarm.designs.predictive_probability import CountBounds, posterior_above

#: Steps of the grid over cut (0.5 to 0.999) and shape (0 to 1).
CUTS, SHAPES = 100, 21
#: The most patients the grid is searched for: every design on it is a sum over all its paths.
MOST_SEARCHED = 5_000


@record
class Bop2:
    """A BOP2 design: the cut-off ``cut * (n / N)^shape``, its bounds in counts and its exact behaviour at p0 and p1."""

    cut: float
    shape: float
    bounds: CountBounds
    type1_error: float
    power: float
    expected_n: float
    expected_n_p1: float


def bop2_bounds(sizes: Sequence[int], *, p0: float, cut: float, shape: float, prior: tuple[float, float] | None = None) -> CountBounds:
    """The counts at which the rule stops.

    >>> bop2_bounds((10, 20, 30, 40), p0=0.2, cut=0.95, shape=1.0).futile
    (1, 4, 7, 12)
    """
    n = tuple(int(x) for x in sizes)
    return _bounds(n, _posteriors(n, p0, prior), cut, shape)


def _posteriors(n: tuple[int, ...], p0: float, prior: tuple[float, float] | None) -> list[FloatArray]:
    """For each look P(p > p0) after every count, rising."""
    given = (p0, 1.0 - p0) if prior is None else prior
    return [np.sort(posterior_above(np.arange(size + 1.0), size, p0=p0, prior=given)) for size in n]


def _bounds(n: tuple[int, ...], posteriors: Sequence[FloatArray], cut: float, shape: float) -> CountBounds:
    """The counts at which the rule stops, out of what does not depend on it."""
    stops = (above.searchsorted(cut * (size / n[-1]) ** shape) for size, above in zip(n, posteriors, strict=True))
    futile = tuple(int(stop) - 1 for stop in stops)
    return CountBounds(sizes=n, futile=futile, effective=(*(size + 1 for size in n[:-1]), futile[-1] + 1))


def bop2(sizes: Sequence[int], *, p0: float, p1: float, alpha: float, prior: tuple[float, float] | None = None) -> Bop2:
    """The rule with the largest power at ``p1`` whose type I error at ``p0`` is at most ``alpha``; the last size is the total.

    Raises :class:`CallError` for rates or sizes that cannot be, :class:`RefusedError` where no rule keeps alpha.

    >>> got = bop2((10, 20, 30, 40), p0=0.2, p1=0.4, alpha=0.05)
    >>> got.type1_error <= 0.05, got.power > 0.8
    (True, True)
    """
    check_rates(p0, p1)
    n = rising_sizes(sizes)
    if n[-1] > MOST_SEARCHED:
        raise CallError(f"{n[-1]:,} patients", rule=f"must be at most {MOST_SEARCHED:,} to search for the rule", cure="Give cut and shape")
    best: tuple[float, float] = (-1.0, 0.0)
    found: Bop2 | None = None
    seen: dict[tuple[int, ...], None] = {}
    posteriors = _posteriors(n, p0, prior)
    for cut in np.linspace(0.5, 0.999, CUTS):
        for shape in np.linspace(0.0, 1.0, SHAPES):
            bounds = _bounds(n, posteriors, float(cut), float(shape))
            if bounds.futile in seen or bounds.effective[-1] > n[-1]:
                continue
            seen[bounds.futile] = None
            null = path_probabilities(p0, sizes=n, low=bounds.futile, high=bounds.effective)
            error = float(null.stop_high.sum())
            if error > alpha:
                continue
            other = path_probabilities(p1, sizes=n, low=bounds.futile, high=bounds.effective)
            power = float(other.stop_high.sum())
            if (round(power, 12), -null.expected_n) > best:
                best = (round(power, 12), -null.expected_n)
                found = Bop2(
                    cut=float(cut), shape=float(shape), bounds=bounds, type1_error=error, power=power, expected_n=null.expected_n,
                    expected_n_p1=other.expected_n,
                )  # fmt: skip
    if found is None:
        raise RefusedError(f"alpha = {alpha:g} with {n[-1]} patients", rule="no rule on the grid keeps it", cure="Take more patients")
    return found
