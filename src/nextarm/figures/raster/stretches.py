"""Stretches of a signal along a curve, and the marks in them.

A stretch is as wide as the marks it holds. The width of a single mark is learnt from stretches that stand free; a wider one holds
a mark at each end, and between them at least as many as leave no gap. How many more hide there is not to be seen: as many are placed
as are to be expected of marks that come at random with the rate around, rounded down; what is left of that is kept beside them.
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
    """Censor marks along one curve: positions (canvas columns), how many are seen there, and how many more are to be expected.

    ``extra`` is the expected number of further marks that coincide with those of a place so nearly that the ink does not show them;
    ``blind`` are columns where no mark could be seen, ``missed`` how many are to be expected in each of them.
    """

    x: Floats
    count: NDArray[np.int64]
    extra: Floats
    width: float
    height: float
    blind: Floats
    missed: Floats


NONE = Marks(x=np.empty(0), count=np.empty(0, np.int64), extra=np.empty(0), width=0.0, height=0.0, blind=np.empty(0), missed=np.empty(0))

#: Distance (pixels) within which two marks leave the ink of one.
SAME_PLACE = 1.0
#: Marks between the two at the ends of a stretch, as a multiple of the fewest possible, above which no more are placed.
MORE = 1.3
#: Width, in marks, of the window in which the rate of marks is taken to be even.
WINDOW = 40.0


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


def mark_width(runs: list[tuple[float, float, float]], signal: Floats, *, share: float = 0.5) -> tuple[float, int]:
    """Width of one mark and how many stretches have it: the least of the frequent widths of stretches that stand free on both sides.

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
        return 1.0, 0
    near = np.abs(widths[:, None] - widths[None]) < 0.6
    votes = near.sum(axis=1)
    frequent = widths[votes >= share * votes.max()]
    low = float(frequent.min())
    alike = widths[np.abs(widths - (low + 0.3)) < 0.7]
    return float(np.median(alike)), alike.size if len(free) >= 3 else 0


def place(runs: list[tuple[float, float, float]], mark: float, signal: Floats, first: int, height: float) -> Marks:
    """Positions of the marks in the stretches.

    A stretch no wider than a mark holds one or more at one place. A wider one holds one at each end, and between them, evenly spread,
    those that are to be expected of marks that come at random with the rate seen around the stretch, at least those without which it
    would have gaps. ``extra`` is what is to be expected beyond these.
    """
    rate = rate_along(signal, mark)
    x: list[float] = []
    extra: list[float] = []
    for left, right, _ in runs:
        size = right - left
        if size < 0.5 * mark:
            continue
        here = float(rate[min(rate.size - 1, max(0, int(0.5 * (left + right))))])
        spare = size - mark
        if spare < 0.5:
            x.append(0.5 * (left + right))
            extra.append(0.5 * here * SAME_PLACE)
            continue
        fewest = fewest_between(spare, mark)
        least = max(fewest, min(int(expected_between(spare, mark, here)), round(MORE * fewest) + 1))
        x += list(np.linspace(left + mark / 2, right - mark / 2, least + 2))
        more = expected_between(spare, mark, here) - least + here * SAME_PLACE
        extra += [more / (least + 2)] * (least + 2)
    order = np.argsort(x, kind="stable")
    blind = np.flatnonzero(~np.isfinite(signal))
    return Marks(
        x=first + np.asarray(x, float)[order], count=np.ones(len(x), np.int64), extra=np.asarray(extra, float)[order], width=mark,
        height=height, blind=np.asarray(first + 0.5 + blind, float), missed=rate[blind],
    )  # fmt: skip


def rate_along(signal: Floats, mark: float) -> Floats:
    """Marks a column around every column: a column is covered unless no mark lies within half a width, so 1 - exp(-rate * width)."""
    from scipy.ndimage import gaussian_filter1d

    seen = np.isfinite(signal).astype(float)
    covered = (np.nan_to_num(signal) > 0.5).astype(float)
    sigma = WINDOW * max(mark, 1.0) / 2
    share = gaussian_filter1d(covered, sigma, mode="constant") / np.maximum(gaussian_filter1d(seen, sigma, mode="constant"), 1e-6)
    return np.asarray(-np.log1p(-np.minimum(share, 0.95)) / max(mark, 1.0), float)


def fewest_between(spare: float, mark: float) -> int:
    """Fewest marks between the two at the ends of a stretch that leave no gap."""
    return max(0, int(np.ceil(spare / mark - 1e-9)) - 1)


def expected_between(spare: float, mark: float, rate: float) -> float:
    """Expected number of marks between the two at the ends of a stretch whose ends are ``spare`` apart.

    The number between is Poisson with mean rate * spare, given that no gap is wider than a mark; the chance of that with m
    marks at uniform places is :math:`\\sum_k (-1)^k \\binom{m + 1}{k} (1 - k w / s)_+^m` (spacings of uniform points).
    """
    least = fewest_between(spare, mark)
    mean = max(rate, 1e-6) * spare
    numbers = np.arange(least, least + 30)
    weight = []
    for m in numbers:
        log_poisson = m * np.log(mean) - math.lgamma(m + 1)
        weight.append(np.exp(log_poisson - mean) * max(0.0, no_wide_gap(int(m), mark / spare)))
    total = sum(weight)
    return max(float(least), float(np.dot(numbers, weight) / total)) if total > 0 else float(least)


def no_wide_gap(m: int, share: float) -> float:
    """Chance that m uniform points on a unit stretch leave no gap wider than ``share``."""
    total = 0.0
    for k in range(m + 2):
        left = 1 - k * share
        if left <= 0:
            break
        total += (-1) ** k * math.comb(m + 1, k) * left**m
    return min(1.0, max(0.0, total))
