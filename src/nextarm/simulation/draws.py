"""The random numbers of virtual trials, and what a truth makes of them, said plainly.

Draws are 32-bit words that know nothing of any truth; a scenario only transforms them. Scenarios therefore share random
numbers: the same infant enters at the same quantile of accrual and has the same luck under each of them, which makes
differences between scenarios much more precise than the rates themselves.

``enrol`` and ``allocate`` are the plain twins of ``enrol.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray, IntArray
from nextarm.simulation.philox import ORDER, REFERENCE, STRATUM, WordArray, fill_patients, fill_words

#: Places drawn at most beyond the last patient, so that the last block of a randomisation can be drawn whole and then cut.
SPARE = 64


class SurvivalTruth(Protocol):
    """Anything with a quantile function: a model of ``survival.models``."""

    def quantile(self, p: FloatArray, /) -> FloatArray:
        """Time by which a share ``p`` has had the event; infinity where that never happens (cure)."""
        ...


class AccrualTruth(Protocol):
    """Anything that turns shares into calendar times of entry."""

    def entry_time(self, share: FloatArray, /) -> FloatArray:
        """Calendar time (years from the first patient) by which a ``share`` of all patients has entered."""
        ...


@dataclass(frozen=True)
class Draws:
    """32-bit words, (trials, patients) each: ``entry``, ``event``, ``dropout``; ``order`` (strata, trials, places) to randomise.

    ``stratum`` is there only where there are strata.
    """

    entry: WordArray
    event: WordArray
    dropout: WordArray
    order: tuple[WordArray, ...]
    stratum: WordArray | None = None


@dataclass(frozen=True)
class Cohort:
    """The patients of one trial or of several, arrays of one shape: entry, cell, time to event, time to dropout.

    Patients stand in the order of entry (years from the first possible day). ``cell`` is stratum times the number of arms
    plus arm: without strata, the arm, the control being 0. Times count from a patient's own entry, in years; infinity is
    never.
    """

    entry: FloatArray
    cell: IntArray
    event: FloatArray
    dropout: FloatArray

    def trial(self, index: int) -> Cohort:
        """One trial of several."""
        return Cohort(self.entry[index], self.cell[index], self.event[index], self.dropout[index])


def uniform(words: WordArray) -> FloatArray:
    """Uniforms on (0, 1): the middle of each of 2**32 equal steps.

    >>> uniform(np.array([0, 2**31], np.uint32)).tolist()
    [1.1641532182693481e-10, 0.5000000001164153]
    """
    return np.asarray((words + 0.5) * 2.0**-32, np.float64)


def draw_trials(seed: int, block: int, *, first: int = 0, trials: int, patients: int, strata: int = 1) -> Draws:
    """Draw ``trials`` trials by ``patients`` patients, from trial ``first`` of ``block`` on.

    A patient's numbers depend on seed, block, trial and patient only: any trial can be drawn alone, and more patients
    leave those there were as they are. :class:`CallError` for a seed outside 0 to 2**64 - 1.

    >>> one, many = draw_trials(1, 0, first=5, trials=1, patients=2), draw_trials(1, 0, trials=9, patients=3)
    >>> bool((one.event[0] == many.event[5, :2]).all())
    True
    """
    if not 0 <= seed < 2**64:
        raise CallError(f"seed = {seed}", rule="must be an integer from 0 to 2**64 - 1")
    if not 0 <= block < 2**32:
        raise CallError(f"block = {block}", rule="must be an integer from 0 to 2**32 - 1")
    key = np.uint64(seed)
    entry, event, dropout = (np.empty((trials, patients), np.uint32) for _ in range(3))
    order = np.empty((trials, patients + SPARE - 1 if strata == 1 else patients), np.uint32)
    fill_patients(key, block, first, entry, event, dropout, order)
    if strata == 1:
        return Draws(entry, event, dropout, (order,))
    stratum = np.empty((trials, patients), np.uint32)
    fill_words(key, block, first, STRATUM, stratum)
    orders = tuple(np.empty((trials, patients + SPARE - 1), np.uint32) for _ in range(strata))
    for s, words in enumerate(orders):
        fill_words(key, block, first, ORDER + s, words)
    return Draws(entry, event, dropout, orders, stratum)


def drawn_normals(seed: int, block: int, *, trials: int, which: int = 0) -> FloatArray:
    """One standard normal a trial of a block (trials,): the error of a reference's estimate, of its end point ``which``."""
    from scipy.special import ndtri

    words = np.empty((trials, which + 1), np.uint32)
    fill_words(np.uint64(seed), block, 0, REFERENCE, words)
    return np.asarray(ndtri(uniform(words[:, which])), np.float64)


def words_of(seed: int, block: int, purpose: int, *, first: int, trials: int, patients: int) -> WordArray:
    """One more word a patient (trials, patients), for what only some designs draw."""
    words = np.empty((trials, patients), np.uint32)
    fill_words(np.uint64(seed), block, first, purpose, words)
    return words


def block_size(allocation: Sequence[int]) -> int:
    """Patients in a block of randomisation: the sum of ``allocation``, doubled where it is below 4."""
    size = sum(allocation)
    return size if size >= 4 else 2 * size


def pattern_of(allocation: Sequence[int]) -> IntArray:
    """The arms of a block of randomisation before they are shuffled; :class:`CallError` for too large a block."""
    size = block_size(allocation)
    if size > SPARE:
        raise CallError(f"allocation = {tuple(allocation)}", rule=f"must not add up to more than {SPARE}")
    share = np.repeat(np.arange(len(allocation)), allocation)
    return np.tile(share, size // len(share)).astype(np.int64)


def allocate(order: WordArray, allocation: Sequence[int], patients: int) -> IntArray:
    """Assign the arms of one trial by permuted blocks, the last block cut short where the number of patients asks for it.

    ``order`` (at least ``patients`` + SPARE - 1,) holds 32-bit words; ``allocation`` the whole numbers of each arm in a
    block, such as (2, 1). The places of a block, in the order of their words, take the arms of the pattern. Returns arms
    (patients,).
    """
    pattern = pattern_of(allocation)
    size = len(pattern)
    arms = np.empty(patients + size, np.int64)
    for start in range(0, patients, size):
        arms[start + np.argsort(order[start : start + size], kind="stable")] = pattern
    return arms[:patients]


def strata_of(draws: Draws, shares: Sequence[float]) -> IntArray:
    """The stratum of each patient (trials, patients): where the uniform falls among the cumulated ``shares``."""
    if draws.stratum is None:
        return np.zeros(draws.entry.shape, np.int64)
    edges = np.cumsum(shares)[:-1]
    return np.asarray(np.searchsorted(edges, uniform(draws.stratum), side="right"), np.int64)


def enrol(
    draws: Draws,
    *,
    accrual: AccrualTruth,
    survival: Sequence[SurvivalTruth],
    dropout: SurvivalTruth | None,
    allocation: Sequence[int],
    shares: Sequence[float] = (1.0,),
) -> Cohort:
    """Turn draws into patients under one truth.

    Entries are the order statistics of independent draws from the accrual curve (a Poisson process given the number of
    patients); event times the quantile function of the patient's cell at its uniform (``survival``: one truth a cell),
    dropout times that of ``dropout`` (None: nobody drops out).
    """
    entry = accrual.entry_time(uniform(np.sort(draws.entry, axis=-1)))
    stratum, arms = strata_of(draws, shares), len(allocation)
    cell = np.empty_like(stratum)
    for t, row in enumerate(stratum):
        for s, words in enumerate(draws.order):
            here = row == s
            cell[t, here] = s * arms + allocate(words[t], allocation, int(here.sum()))
    event = np.empty(cell.shape)
    for index, truth in enumerate(survival):
        chosen = cell == index
        event[chosen] = truth.quantile(uniform(draws.event)[chosen])
    leaves = np.full(event.shape, np.inf) if dropout is None else dropout.quantile(uniform(draws.dropout))
    return Cohort(entry=entry, cell=cell, event=event, dropout=leaves)
