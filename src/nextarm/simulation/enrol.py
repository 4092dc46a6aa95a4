"""From draws to patients, compiled: entry, randomisation, and the times of those who can matter.

A patient whose event lies beyond the latest look never shows it: under a cure fraction most. Only the others' uniforms
are gathered, one list a cell, and become times in one call of that cell's vectorised quantile function: any model works,
and the numbers are those of the plain code. The plain twins are ``draws.allocate`` and ``draws.enrol``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.truths import Distribution
from nextarm.simulation.draws import Cohort, Draws, pattern_of, strata_of
from nextarm.simulation.philox import WordArray
from nextarm.simulation.simplify import times_of
from nextarm.simulation.sorting import sort_words

#: Cells that a key has room for: strata times arms.
MOST_CELLS = 64
#: What a key says of a time: event, or end of follow-up.
EVENT, END = 0, 64

CellArray = NDArray[np.uint8]


@dataclass(frozen=True)
class Patients:
    """The patients of several trials, arrays (trials, patients) in the order of entry.

    ``own`` is the time from a patient's entry to the event or, if that is sooner, to dropout; infinity where neither comes
    by the latest look. ``code`` is the cell plus EVENT or END.
    """

    entry: FloatArray
    own: FloatArray
    code: CellArray


@njit(cache=True, error_model="numpy")
def _enter(words: WordArray, knots: FloatArray, before: FloatArray, slope: FloatArray, rate: FloatArray, total: float) -> FloatArray:
    """Entry times (trials, patients): sorted uniforms through the inverse of the accrual curve (``Accrual.entry_time``)."""
    trials, patients = words.shape
    entry = np.empty((trials, patients))
    if rate.size == 1 and slope[0] == 0.0:
        start, end, twice, first = knots[0], knots[1], rate[0] + rate[0], before[0]
        for t in range(trials):
            for p in range(patients):
                rest = max((words[t, p] + 0.5) * 2.0**-32 * total - first, 0.0)
                entry[t, p] = min(start + 2.0 * rest / twice, end)
        return entry
    for t in range(trials):
        i = 0
        for p in range(patients):
            target = (words[t, p] + 0.5) * 2.0**-32 * total
            while i + 1 < rate.size and before[i + 1] <= target:
                i += 1
            rest = max(target - before[i], 0.0)
            b = rate[i]
            divisor = b + (b if slope[i] == 0.0 else np.sqrt(max(b * b + 4.0 * slope[i] * rest, 0.0)))
            x = 2.0 * rest / divisor if divisor > 0.0 else 0.0
            entry[t, p] = min(knots[i] + x, knots[i + 1])
    return entry


@njit(cache=True, error_model="numpy")
def _randomise(order: WordArray, pattern: IntArray, patients: int, out: CellArray) -> None:
    """Arms (trials, patients) by permuted blocks of ``pattern``; the plain twin is ``draws.allocate``."""
    size = pattern.size
    for t in range(order.shape[0]):
        for start in range(0, patients, size):
            for i in range(min(size, patients - start)):
                word, rank = order[t, start + i], 0
                for j in range(i):
                    rank += int(order[t, start + j] <= word)
                for j in range(i + 1, size):
                    rank += int(order[t, start + j] < word)
                out[t, start + i] = pattern[rank]


@njit(cache=True, error_model="numpy")
def _randomise_pairs(order: WordArray, patients: int, out: CellArray) -> None:
    """What ``_randomise`` does for two equal arms in blocks of four, without a loop inside: ranks 0 and 2 are arm 0."""
    for t in range(order.shape[0]):
        for start in range(0, patients, 4):
            a, b, c, d = order[t, start], order[t, start + 1], order[t, start + 2], order[t, start + 3]
            ab, ac, ad = np.uint8(a <= b), np.uint8(a <= c), np.uint8(a <= d)
            bc, bd, cd = np.uint8(b <= c), np.uint8(b <= d), np.uint8(c <= d)
            one = np.uint8(1)
            w, x = (one - ab) ^ (one - ac) ^ (one - ad), ab ^ (one - bc) ^ (one - bd)
            y, z = ac ^ bc ^ (one - cd), ad ^ bd ^ cd
            if start + 4 <= patients:
                out[t, start], out[t, start + 1], out[t, start + 2], out[t, start + 3] = w, x, y, z
            else:
                out[t, start] = w
                if start + 1 < patients:
                    out[t, start + 1] = x
                if start + 2 < patients:
                    out[t, start + 2] = y


@njit(cache=True, error_model="numpy")
def _randomise_strata(
    order: WordArray, pattern: IntArray, stratum: IntArray, which: int, arms: int, place: IntArray, out: CellArray
) -> None:
    """The cells of the patients of one stratum, who are randomised among themselves; ``place`` (patients,) is room to work in."""
    size = pattern.size
    for t in range(order.shape[0]):
        count = 0
        for p in range(stratum.shape[1]):
            if stratum[t, p] == which:
                place[count] = p
                count += 1
        for k in range(count):
            start = k - k % size
            word, rank = order[t, k], 0
            for j in range(start, start + size):
                rank += int(order[t, j] < word or (order[t, j] == word and j < k))
            out[t, place[k]] = which * arms + pattern[rank]


@njit(cache=True, error_model="numpy")
def _gather(words: WordArray, cell: CellArray, limit: FloatArray, value: FloatArray, who: Any) -> IntArray:
    """Put the uniforms below their cell's ``limit`` into the cell's row of ``value``, and where they stand into ``who``."""
    used = np.zeros(value.shape[0], np.int64)
    trials, patients = words.shape
    for t in range(trials):
        for p in range(patients):
            g = cell[t, p]
            u = (words[t, p] + 0.5) * 2.0**-32
            value[g, used[g]] = u
            who[g, used[g]] = t * patients + p
            used[g] += int(u < limit[g])
    return used


@njit(cache=True, error_model="numpy")
def _place(time: FloatArray, who: Any, own: FloatArray) -> None:
    for i in range(time.size):
        own[who[i]] = time[i]


@njit(cache=True, error_model="numpy")
def _dropouts(words: WordArray, limit: float, value: FloatArray, who: Any) -> int:
    used = 0
    trials, patients = words.shape
    for t in range(trials):
        for p in range(patients):
            u = (words[t, p] + 0.5) * 2.0**-32
            value[used] = u
            who[used] = t * patients + p
            used += int(u < limit)
    return used


@njit(cache=True, error_model="numpy")
def _drop(time: FloatArray, who: Any, own: FloatArray, code: CellArray) -> None:
    for i in range(time.size):
        w = who[i]
        if time[i] < own[w]:
            own[w] = time[i]
            code[w] |= np.uint8(END)


def limits_of(survival: Sequence[Distribution], dropout: Distribution | None, latest: float) -> FloatArray:
    """Shares of each cell, and last of dropout, above which nothing comes by ``latest`` years, a hair too large rather than too small."""
    shares = [0.0 if law is None else float(1.0 - law.survival(np.asarray(latest))) for law in (*survival, dropout)]
    return np.minimum(1.0, np.array(shares) * (1.0 + 1e-9) + 1e-12)


def entries(draws: Draws, accrual: Accrual) -> FloatArray:
    """Entry times (trials, patients), rising in each trial."""
    before = np.concatenate([[0.0], np.cumsum(0.5 * (accrual.rate_start + accrual.rate_end) * np.diff(accrual.knots))])
    slope = 0.5 * (accrual.rate_end - accrual.rate_start) / np.diff(accrual.knots)
    found: FloatArray = _enter(sort_words(draws.entry.copy()), accrual.knots, before, slope, accrual.rate_start, accrual.total)
    return found


def cells(draws: Draws, allocation: Sequence[int], shares: Sequence[float]) -> CellArray:
    """The cell of each patient (trials, patients), by permuted blocks within strata."""
    made = np.zeros(draws.entry.shape, np.uint8)
    patients = draws.entry.shape[-1]
    if draws.stratum is None:
        if tuple(allocation) == (1, 1):
            _randomise_pairs(draws.order[0], patients, made)
        elif len(allocation) > 1:
            _randomise(draws.order[0], pattern_of(allocation), patients, made)
        return made
    stratum, room = strata_of(draws, shares), np.empty(patients, np.int64)
    for s, words in enumerate(draws.order):
        _randomise_strata(words, pattern_of(allocation), stratum, s, len(allocation), room, made)
    return made


def patients_of_draws(
    draws: Draws,
    *,
    accrual: Accrual,
    survival: Sequence[Distribution],
    dropout: Distribution | None,
    allocation: Sequence[int],
    shares: Sequence[float] = (1.0,),
    limits: FloatArray,
) -> Patients:
    """The patients of ``draws`` under one truth (``survival``: one a cell), with ``limits`` from :func:`limits_of`."""
    return timed(draws, entries(draws, accrual), cells(draws, allocation, shares), survival=survival, dropout=dropout, limits=limits)


def timed(
    draws: Draws, entry: FloatArray, cell: CellArray, *, survival: Sequence[Distribution], dropout: Distribution | None, limits: FloatArray
) -> Patients:
    """Give patients whose ``entry`` and ``cell`` are known their times: for a design that randomises in its own way."""
    value, who = np.empty((len(survival), cell.size + 1)), np.empty((len(survival), cell.size + 1), np.int32)
    used = _gather(draws.event, cell, limits, value, who)
    own = np.full(cell.size, np.inf)
    for g, truth in enumerate(survival):
        _place(times_of(truth, value[g, : used[g]]), who[g, : used[g]], own)
    code = cell.copy()
    if dropout is not None:
        count = _dropouts(draws.dropout, limits[-1], value[0], who[0])
        _drop(times_of(dropout, value[0, :count]), who[0, :count], own, code.reshape(-1))
    return Patients(entry, own.reshape(cell.shape), code)


def patients_of_cohort(cohort: Cohort) -> Patients:
    """Patients from anywhere: arrays (trials, patients), entries rising in each trial."""
    code = cohort.cell | np.where(cohort.event <= cohort.dropout, EVENT, END)
    return Patients(cohort.entry, np.minimum(cohort.event, cohort.dropout), code.astype(np.uint8))
