"""One proportion, watched by predictive probability (Lee & Liu 2008, Clinical Trials 5:93-106).

At n of N patients with x responses, PP is the probability that the final posterior will say P(p > p0) > ``certainty``. Stop for
futility where PP <= ``low``, for efficacy where PP >= ``high`` (1: never). With a beta prior PP is a sum over beta-binomial
futures, so the bounds are counts known beforehand, and what the design does is computed exactly, path by path.
Posterior stopping (``posterior_bounds``) uses P(p > p0 | x) itself at every look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.looks_in_order import rising_sizes


@record
class CountBounds:
    """At look k: stop for futility at ``futile[k]`` or fewer responses (-1: never), for efficacy at ``effective[k]`` or more.

    ``effective[k]`` of ``sizes[k]`` + 1 never stops. The last look decides: reject from ``effective[-1]`` on.
    """

    sizes: tuple[int, ...]
    futile: tuple[int, ...]
    effective: tuple[int, ...]


def posterior_above(x: FloatArray | IntArray, n: int, *, p0: float, prior: tuple[float, float]) -> FloatArray:
    """P(p > p0) after ``x`` responses in ``n`` patients, from a beta ``prior``."""
    from scipy.special import betainc

    a, b = prior
    return np.asarray(1.0 - betainc(a + np.asarray(x, np.float64), b + n - np.asarray(x, np.float64), p0), np.float64)


def predictive_probability(x: int, n: int, total: int, *, p0: float, prior: tuple[float, float], certainty: float) -> float:
    """The probability that after ``total`` patients P(p > p0) > ``certainty``, given ``x`` responses in ``n``.

    >>> round(predictive_probability(16, 23, 40, p0=0.6, prior=(0.6, 0.4), certainty=0.9), 4)
    0.5656
    """
    from scipy.special import betaln

    a, b = prior
    rest = total - n
    future = np.arange(rest + 1)
    wins = posterior_above(x + future, total, p0=p0, prior=prior) > certainty
    if rest == 0:
        return float(wins[0])
    after_a, after_b = a + x, b + n - x  # what is still to come is beta-binomial
    log = betaln(after_a + future, after_b + rest - future) - betaln(after_a, after_b)
    log -= np.log(rest + 1.0) + betaln(future + 1.0, rest - future + 1.0)
    return float(np.exp(log)[wins].sum())


def predictive_bounds(
    sizes: Sequence[int], *, p0: float, certainty: float, low: float, high: float = 1.0, prior: tuple[float, float] = (0.5, 0.5)
) -> CountBounds:
    """Bounds in counts; the last of ``sizes`` is the total.

    >>> got = predictive_bounds(range(4, 41), p0=0.3, certainty=0.85, low=0.05, prior=(0.6, 1.4))
    >>> dict(zip(got.sizes, got.futile))[8], dict(zip(got.sizes, got.futile))[29]
    (1, 9)
    """
    n = _checked(sizes, p0, prior)
    for name, value in (("certainty", certainty), ("low", low), ("high", high)):
        if not 0.0 <= value <= 1.0:
            raise CallError(f"{name} = {value:g}", rule="must be a probability")
    if low >= high:
        raise CallError(f"low = {low:g} and high = {high:g}", rule="low must be below high")
    futile, effective = [], []
    for size in n[:-1]:
        seen = partial(predictive_probability, n=size, total=n[-1], p0=p0, prior=prior, certainty=certainty)
        futile.append(_first(seen, size, above=low) - 1)
        effective.append(_first(seen, size, above=float(np.nextafter(high, 0.0))) if high < 1.0 else size + 1)
    last = _final(n[-1], p0=p0, prior=prior, certainty=certainty)
    return CountBounds(sizes=n, futile=(*futile, last - 1), effective=(*effective, last))


def posterior_bounds(
    sizes: Sequence[int], *, p0: float, futile_below: Sequence[float], effective_above: Sequence[float], prior: tuple[float, float]
) -> CountBounds:
    """Bounds in counts where P(p > p0 | x) is below ``futile_below[k]`` or above ``effective_above[k]``, look by look.

    The last look rejects above ``effective_above[-1]``; ``effective_above`` of 1 never stops early.
    """
    n = _checked(sizes, p0, prior)
    futile, effective = [], []
    for size, bad, good in zip(n, futile_below, effective_above, strict=True):
        above = posterior_above(np.arange(size + 1.0), size, p0=p0, prior=prior)
        futile.append(int(np.count_nonzero(above < bad)) - 1)
        up = above > good
        effective.append(int(np.argmax(up)) if up.any() else size + 1)
    futile[-1] = effective[-1] - 1
    return CountBounds(sizes=n, futile=tuple(futile), effective=tuple(effective))


def _first(probable: Callable[[int], float], size: int, *, above: float) -> int:
    """The fewest of 0 to ``size`` responses whose probability, which rises with them, is ``above``; size + 1 where none is."""
    low, high = -1, size + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if probable(middle) > above else (middle, high)
    return high


def _final(total: int, *, p0: float, prior: tuple[float, float], certainty: float) -> int:
    above = posterior_above(np.arange(total + 1.0), total, p0=p0, prior=prior) > certainty
    return int(np.argmax(above)) if above.any() else total + 1


def _checked(sizes: Sequence[int], p0: float, prior: tuple[float, float]) -> tuple[int, ...]:
    n = rising_sizes(sizes)
    if not 0.0 < p0 < 1.0:
        cure = f"Give a proportion, not a percentage: {p0 / 100:g}" if 1.0 < p0 <= 100.0 else ""
        raise CallError(f"p0 = {p0:g}", rule="must lie between 0 and 1", cure=cure)
    if not (prior[0] > 0.0 and prior[1] > 0.0):
        raise CallError(f"prior = {prior}", rule="both parameters of a beta prior must be above 0")
    return n
