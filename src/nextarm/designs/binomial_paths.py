"""Exact probabilities of sequential monitoring of one proportion: the paths of a binomial count through its looks.

At look k with ``sizes[k]`` patients the trial stops low if the count is at most ``low[k]`` and stops high if it is at least
``high[k]``; else it goes on. Between looks the count grows by a binomial number, so the law of the count among the trials
still going on is a convolution: no normal law, no simulation. Two-stage designs, posterior and predictive
stopping and toxicity boundaries are all of this form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray


@record
class PathProbabilities:
    """What becomes of the trial at one true proportion: arrays of shape (looks,).

    ``stop_low`` and ``stop_high`` are the probabilities of ending at each look below or above; ``going_on`` that of
    passing the last look without either; ``expected_n`` the patients expected until the end.
    """

    stop_low: FloatArray
    stop_high: FloatArray
    going_on: float
    expected_n: float


def path_probabilities(p: float, *, sizes: Sequence[int], low: Sequence[int], high: Sequence[int]) -> PathProbabilities:
    """Exact stopping probabilities at the true proportion ``p``.

    ``sizes``, ``low`` and ``high`` have one entry a look; ``low`` of -1 never stops low, ``high`` above the look's size
    never stops high. :class:`CallError` if the sizes do not increase or a look would stop both ways.

    >>> got = path_probabilities(0.1, sizes=(10, 29), low=(1, 5), high=(11, 6))
    >>> round(float(got.stop_low[0]), 4), round(float(got.stop_high.sum()), 4), round(got.expected_n, 3)
    (0.7361, 0.0471, 15.014)
    """
    n, a, b = _checked(p, sizes, low, high)
    alive = np.ones(1)
    before, expected = 0, 0.0
    down, up = np.zeros(len(n)), np.zeros(len(n))
    for k, size in enumerate(n):
        alive = np.convolve(alive, binomial_mass(size - before, p))
        expected += float(size - before) * (1.0 - float(down[:k].sum() + up[:k].sum()))
        counts = np.arange(len(alive))
        is_low, is_high = counts <= a[k], counts >= b[k]
        down[k], up[k] = alive[is_low].sum(), alive[is_high].sum()
        alive = np.where(is_low | is_high, 0.0, alive)
        before = int(size)
    return PathProbabilities(stop_low=down, stop_high=up, going_on=float(alive.sum()), expected_n=expected)


def binomial_mass(n: int, p: float | FloatArray) -> FloatArray:
    """The binomial probabilities of 0 .. n; for a column of ``p``, shape (m, 1), those of each in a row: (m, n + 1)."""
    from scipy.special import gammaln, xlog1py, xlogy

    k = np.arange(n + 1)
    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, p) + xlog1py(n - k, -p)
    made: FloatArray = np.exp(log)
    return made


def upper_tail(r: int, n: int, p: float) -> float:
    """P(X >= r) for X binomial(n, p), exact by the incomplete beta function."""
    from scipy.special import betainc

    if r <= 0:
        return 1.0
    return 0.0 if r > n else float(betainc(r, n - r + 1, p))


def _checked(p: float, sizes: Sequence[int], low: Sequence[int], high: Sequence[int]) -> tuple[IntArray, IntArray, IntArray]:
    n, a, b = (np.asarray(x, np.int64) for x in (sizes, low, high))
    if not 0.0 <= p <= 1.0:
        raise CallError(f"p = {p:g}", rule="must be a probability between 0 and 1")
    if not len(n) == len(a) == len(b) or len(n) == 0:
        raise CallError(f"{len(n)} sizes, {len(a)} low and {len(b)} high bounds", rule="must be one of each a look, at least one look")
    if n[0] < 1 or (np.diff(n) < 1).any():
        raise CallError(f"sizes = {n.tolist()}", rule="must be at least 1 and increase")
    if (a >= b).any():
        k = int(np.argmax(a >= b))
        raise CallError(f"low[{k}] = {a[k]} and high[{k}] = {b[k]}", rule="low must be below high, else a count would stop both ways")
    return n, a, b
