"""From draws to the patients who can matter, compiled.

A patient whose own event and dropout both lie beyond the latest look is only ever censored by an analysis: nothing but
the day of entry is needed. The others stand in three lanes, each in order of its uniforms and therefore of its times:
events of arm 0, events of arm 1, dropouts. Times are then had from the models' vectorised quantile functions, one call a
lane, and merging three sorted lanes takes the place of a sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.truths import Distribution
from nextarm.simulation.draws import Draws, WordArray, block_size
from nextarm.simulation.sorting import sort_spread


@dataclass(frozen=True)
class Lanes:
    """The patients of several trials: ``entry`` and ``arm`` (trials, patients), and three lanes of those who can matter.

    ``time[k]`` and ``who[k]`` hold lane k of all trials one after the other, ``start`` (trials + 1, 3) where each begins.
    """

    entry: FloatArray
    arm: IntArray
    time: tuple[FloatArray, FloatArray, FloatArray]
    who: tuple[IntArray, IntArray, IntArray]
    start: IntArray


@njit(cache=True, error_model="numpy")
def _enter(uniform: FloatArray, knots: FloatArray, before: FloatArray, slope: FloatArray, rate: FloatArray, total: float) -> FloatArray:
    """Entry times (trials, patients): sorted uniforms through the inverse of the accrual curve (``Accrual.entry_time``)."""
    trials, patients = uniform.shape
    entry = np.empty((trials, patients))
    sorted_, place = np.empty(patients), np.empty(patients + 1, np.int64)
    nobody, out_nobody = np.zeros(patients, np.int64), np.empty(patients, np.int64)
    for t in range(trials):
        sort_spread(uniform[t], nobody, patients, 1.0, sorted_, out_nobody, place)
        i = 0
        for p in range(patients):
            target = sorted_[p] * total
            while i + 1 < rate.size and before[i + 1] <= target:
                i += 1
            rest = max(target - before[i], 0.0)
            b = rate[i]
            divisor = b + (b if slope[i] == 0.0 else np.sqrt(max(b * b + 4.0 * slope[i] * rest, 0.0)))
            x = 2.0 * rest / divisor if divisor > 0.0 else 0.0
            entry[t, p] = min(knots[i] + x, knots[i + 1])
    return entry


@njit(cache=True, error_model="numpy")
def _randomise(order: WordArray, pattern: IntArray, patients: int) -> IntArray:
    """Arms (trials, patients) by permuted blocks of ``pattern``; the plain twin is ``draws.allocate``."""
    trials, size = order.shape[0], pattern.size
    arm = np.empty((trials, patients), np.int64)
    block = np.empty(size, np.int64)
    for t in range(trials):
        for first in range(0, patients, size):
            for i in range(size):
                block[i] = pattern[i]
            for i in range(size - 1, 0, -1):
                j = np.int64((np.uint64(order[t, first + i]) * np.uint64(i + 1)) >> np.uint64(32))
                block[i], block[j] = block[j], block[i]
            for i in range(min(size, patients - first)):
                arm[t, first + i] = block[i]
    return arm


@njit(cache=True, error_model="numpy")
def _fill_lanes(
    event: FloatArray, dropout: FloatArray, arm: IntArray, limit: FloatArray, value0: FloatArray, value1: FloatArray, value2: FloatArray,
    who0: IntArray, who1: IntArray, who2: IntArray, start: IntArray,
) -> None:  # fmt: skip
    """Put the uniforms below their lane's ``limit`` (3,) into lanes, each trial's in rising order."""
    trials, patients = arm.shape
    value, who, place = np.empty(patients), np.empty(patients, np.int64), np.empty(patients + 1, np.int64)
    value_b, who_b = np.empty(patients), np.empty(patients, np.int64)
    for t in range(trials):
        a = b = c = 0
        for p in range(patients):
            u = event[t, p]
            if arm[t, p] == 0:
                if u < limit[0]:
                    value[a], who[a] = u, p
                    a += 1
            elif u < limit[1]:
                value_b[b], who_b[b] = u, p
                b += 1
        s0, s1, s2 = start[t]
        sort_spread(value, who, a, limit[0], value0[s0:], who0[s0:], place)
        sort_spread(value_b, who_b, b, limit[1], value1[s1:], who1[s1:], place)
        if limit[2] > 0.0:
            for p in range(patients):
                if dropout[t, p] < limit[2]:
                    value[c], who[c] = dropout[t, p], p
                    c += 1
            sort_spread(value, who, c, limit[2], value2[s2:], who2[s2:], place)
        start[t + 1, 0], start[t + 1, 1], start[t + 1, 2] = s0 + a, s1 + b, s2 + c


def limit_of(truth: Distribution, latest: float) -> float:
    """A share above which no event comes by ``latest`` years, a hair too large rather than too small."""
    return min(1.0, float(1.0 - truth.survival(np.asarray(latest))) * (1.0 + 1e-9) + 1e-12)


def enter_and_randomise(draws: Draws, *, accrual: Accrual, allocation: Sequence[int]) -> tuple[FloatArray, IntArray]:
    """Entry times and arms (trials, patients); a single arm is arm 1."""
    before = np.concatenate([[0.0], np.cumsum(0.5 * (accrual.rate_start + accrual.rate_end) * np.diff(accrual.knots))])
    slope = 0.5 * (accrual.rate_end - accrual.rate_start) / np.diff(accrual.knots)
    entry = _enter(draws.entry, accrual.knots, before, slope, accrual.rate_start, accrual.total)
    if len(allocation) == 1:
        return entry, np.ones(entry.shape, np.int64)
    share = np.repeat(np.arange(len(allocation)), allocation)
    pattern = np.tile(share, block_size(allocation) // len(share)).astype(np.int64)
    return entry, _randomise(draws.order, pattern, entry.shape[1])


def lanes_of(
    draws: Draws, *, accrual: Accrual, survival: Sequence[Distribution], allocation: Sequence[int], latest: float
) -> Lanes:  # fmt: skip
    """The patients of ``draws`` under one truth, those who can matter by ``latest`` years in lanes.

    ``survival`` is the truth of the control and of the experimental arm, or of the only arm, which becomes arm 1.
    """
    entry, arm = enter_and_randomise(draws, accrual=accrual, allocation=allocation)
    truths = (survival[0], survival[-1])
    leaving = any(hazard > 0.0 for hazard in accrual.dropout_hazards)
    gone = min(1.0, 1.0 - float(accrual.still_in(latest)) + 1e-12) if leaving else 0.0
    limit = np.array([limit_of(truths[0], latest), limit_of(truths[1], latest), gone])
    value = [np.empty(entry.size) for _ in range(3)]
    who = [np.empty(entry.size, np.int64) for _ in range(3)]
    start = np.zeros((entry.shape[0] + 1, 3), np.int64)
    _fill_lanes(draws.event, draws.dropout, arm, limit, value[0], value[1], value[2], who[0], who[1], who[2], start)
    used = start[-1]
    time0, time1 = (np.asarray(truth.quantile(value[k][: used[k]]), np.float64) for k, truth in enumerate(truths))
    time2 = accrual.dropout_time(value[2][: used[2]]) if leaving else np.empty(0)
    return Lanes(entry=entry, arm=arm, time=(time0, time1, time2), who=(who[0], who[1], who[2]), start=start)
