"""Stretches of a signal along a curve, and the marks in them.

A stretch is as wide as the marks it holds. The width of a single mark is learnt from stretches that stand free; a wider one holds
a mark at each end, and between them as many as are to be expected.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.panel import Floats


@record
class Marks:
    """Censor marks along one curve: positions (canvas columns), how many each may stand for (0: not to be told)."""

    x: Floats
    count: NDArray[np.int64]
    width: float
    height: float


NONE = Marks(x=np.empty(0), count=np.empty(0, np.int64), width=0.0, height=0.0)


def stretches(signal: Floats, *, least: float = 0.35) -> list[tuple[float, float, float]]:
    """Stretches where the signal is up: left end, right end (to a part of a pixel, from its ink), peak."""
    up = signal > 0.18
    edge = np.diff(np.concatenate([[0], up.astype(np.int8), [0]]))
    spans = [(int(a), int(b)) for a, b in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)]
    spans = [(a, b) for a, b in spans if signal[a:b].max() >= least]
    if not spans:
        return []
    full = float(np.percentile([signal[a:b].max() for a, b in spans], 80))
    found: list[tuple[float, float, float]] = []
    for a, b in spans:
        part = signal[a:b]
        peak = float(part.max())
        for c, d in _split(part, peak):
            piece = np.minimum(part[c:d] / max(peak, full), 1.0)
            total = float(piece.sum())
            middle = float((piece * (np.arange(c, d) + 0.5)).sum() / total)
            found.append((a + middle - total / 2, a + middle + total / 2, peak))
    return found


def _split(part: Floats, peak: float) -> list[tuple[int, int]]:
    """Cut a stretch at valleys that go below 70 % of the peaks on both sides."""
    cuts = [0]
    for i in range(1, part.size - 1):
        if part[i] <= part[i - 1] and part[i] < part[i + 1]:
            left, right = part[cuts[-1] : i].max(), part[i + 1 :].max()
            if part[i] < 0.7 * min(left, right) and min(left, right) > 0.5 * peak:
                cuts.append(i)
    cuts.append(part.size)
    return [(a, b) for a, b in itertools.pairwise(cuts) if b > a]


def mark_width(runs: list[tuple[float, float, float]], signal: Floats, *, share: float = 0.5) -> float:
    """Width of one mark: the least of the frequent widths of stretches that stand free on both sides.

    ``share`` is how frequent a width must be, as a part of the most frequent.
    """
    free = []
    for left, right, _ in runs:
        a, b = int(np.floor(left)) - 2, int(np.ceil(right)) + 2
        if a >= 0 and b < signal.size and np.isfinite(signal[a : b + 1]).all():
            free.append(right - left)
    widths = np.asarray(free if len(free) >= 3 else [right - left for left, right, _ in runs], float)
    widths = widths[widths >= 0.6]
    if not widths.size:
        return 1.0
    near = np.abs(widths[:, None] - widths[None]) < 0.6
    votes = near.sum(axis=1)
    frequent = widths[votes >= share * votes.max()]
    low = float(frequent.min())
    return float(np.median(widths[np.abs(widths - (low + 0.3)) < 0.7]))


def place(runs: list[tuple[float, float, float]], mark: float, signal: Floats, first: int, height: float) -> Marks:
    """Positions of the marks in the stretches.

    A stretch no wider than a mark holds one. A wider one holds one at each end; how many stand between is not to be seen, and
    the expected number is given for marks that come at random with the rate of this curve, with count 0.
    """
    seen = np.isfinite(signal)
    covered = float((np.nan_to_num(signal) > 0.5).sum() / max(1, seen.sum()))
    rate = -np.log(1 - min(0.95, covered)) / mark
    x: list[float] = []
    count: list[int] = []
    for left, right, _ in runs:
        size = right - left
        if size < 0.5 * mark:
            continue
        spare = size - mark
        if spare < 0.5:
            x.append(0.5 * (left + right))
            count.append(1)
            continue
        between = expected_between(spare, mark, rate)
        x += list(np.linspace(left + mark / 2, right - mark / 2, between + 2))
        count += [1, *([0] * between), 1]
    order = np.argsort(x, kind="stable")
    return Marks(x=first + np.asarray(x, float)[order], count=np.asarray(count, np.int64)[order], width=mark, height=height)


def expected_between(spare: float, mark: float, rate: float) -> int:
    """Expected number of marks between the two at the ends of a stretch whose ends are ``spare`` apart, rounded.

    The number between is Poisson with mean rate * spare, given that no gap is wider than a mark; the chance of that with m
    marks at uniform places is :math:`\\sum_k (-1)^k \\binom{m + 1}{k} (1 - k w / s)_+^m` (spacings of uniform points).
    """
    least = max(0, int(np.ceil(spare / mark - 1e-9)) - 1)
    mean = max(rate, 1e-6) * spare
    numbers = np.arange(least, least + 30)
    weight = []
    for m in numbers:
        log_poisson = m * np.log(mean) - math.lgamma(m + 1)
        weight.append(np.exp(log_poisson - mean) * max(0.0, no_wide_gap(int(m), mark / spare)))
    total = sum(weight)
    if total <= 0:
        return least
    return max(least, round(float(np.dot(numbers, weight) / total) - 0.1))


def no_wide_gap(m: int, share: float) -> float:
    """Chance that m uniform points on a unit stretch leave no gap wider than ``share``."""
    total = 0.0
    for k in range(m + 2):
        left = 1 - k * share
        if left <= 0:
            break
        total += (-1) ** k * math.comb(m + 1, k) * left**m
    return min(1.0, max(0.0, total))
