"""The random numbers of virtual trials, and what a truth makes of them, said plainly.

Draws are uniforms that know nothing of any truth; a scenario only transforms them. Scenarios therefore share random
numbers: the same infant enters at the same quantile of accrual and has the same luck under each of them, which makes
differences between scenarios much more precise than the rates themselves.

``enrol`` and ``allocate`` are the plain twins of ``lanes.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray, IntArray
from nextarm.simulation.philox import DROPOUT, ORDER, PATIENT, REFERENCE, fill_pairs, fill_words

#: Places drawn beyond the last patient, so that the last block of a randomisation can be drawn whole and then cut.
SPARE = 64

WordArray = NDArray[np.uint32]


class SurvivalTruth(Protocol):
    """Anything with a quantile function: a model of ``survival.models``."""

    def quantile(self, p: FloatArray, /) -> FloatArray:
        """Time by which a share ``p`` has had the event; infinity where that never happens (cure)."""
        ...


class AccrualTruth(Protocol):
    """Anything that turns shares into calendar times of entry, and into times of dropout."""

    def entry_time(self, share: FloatArray, /) -> FloatArray:
        """Calendar time (years from the first patient) by which a ``share`` of all patients has entered."""
        ...

    def dropout_time(self, probability: FloatArray, /) -> FloatArray:
        """Years from entry by which a patient has dropped out with this probability; infinity where that is never."""
        ...


@dataclass(frozen=True)
class Draws:
    """Uniforms on [0, 1) of shape (trials, patients) for entry, event and dropout; ``order`` 32-bit words, SPARE more columns."""

    entry: FloatArray
    event: FloatArray
    dropout: FloatArray
    order: WordArray


@dataclass(frozen=True)
class Cohort:
    """The patients of one trial or of several, arrays of one shape: entry, arm, time to event, time to dropout.

    Patients stand in the order of entry (years from the first possible day). Times count from a patient's own entry,
    in years; infinity is never.
    """

    entry: FloatArray
    arm: IntArray
    event: FloatArray
    dropout: FloatArray

    def trial(self, index: int) -> Cohort:
        """One trial of several."""
        return Cohort(self.entry[index], self.arm[index], self.event[index], self.dropout[index])


def draw_trials(seed: int, block: int, *, first: int = 0, trials: int, patients: int) -> Draws:
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
    key, even = np.uint64(seed), patients + patients % 2
    entry, event = np.empty((trials, patients)), np.empty((trials, patients))
    fill_pairs(key, block, first, PATIENT, entry, event)
    pairs = np.empty((trials, even))
    fill_pairs(key, block, first, DROPOUT, pairs[:, ::2], pairs[:, 1::2])
    dropout = pairs if even == patients else np.ascontiguousarray(pairs[:, :patients])
    order = np.empty((trials, 4 * -(-(patients + SPARE) // 4)), np.uint32)
    fill_words(key, block, first, ORDER, order)
    return Draws(entry, event, dropout, order)


def drawn_null(seed: int, block: int, *, trials: int, null: float, se: float) -> FloatArray:
    """What each trial of a block is compared with when the reference is an estimate: ``null`` + ``se`` times a normal.

    Kept within 1e-6 of 0 and 1. Over such references a test that allows for ``se`` has its type I error.
    """
    from scipy.special import ndtri

    uniform, unused = np.empty((2, trials, 1))
    fill_pairs(np.uint64(seed), block, 0, REFERENCE, uniform, unused)
    normal = ndtri(np.clip(uniform[:, 0], 2.0**-54, None))
    return np.asarray(np.clip(null + se * normal, 1e-6, 1.0 - 1e-6), np.float64)


def block_size(allocation: Sequence[int]) -> int:
    """Patients in a block of randomisation: the sum of ``allocation``, doubled where it is below 4."""
    size = sum(allocation)
    return size if size >= 4 else 2 * size


def allocate(order: WordArray, allocation: Sequence[int], patients: int) -> IntArray:
    """Assign the arms of one trial by permuted blocks, the last block cut short where the number of patients asks for it.

    ``order`` (at least ``patients`` + SPARE,) holds 32-bit words; ``allocation`` the whole numbers of each arm in a
    block, such as (2, 1). Each block is shuffled by Fisher and Yates: for i from the last place down to 1, place i
    changes with place floor(word_i (i + 1) / 2**32). Returns arms (patients,).
    """
    size = block_size(allocation)
    if size > SPARE:
        raise CallError(f"allocation = {tuple(allocation)}", rule=f"must not add up to more than {SPARE}")
    share = np.repeat(np.arange(len(allocation)), allocation)
    arms: list[int] = []
    while len(arms) < patients:
        block = [int(a) for a in np.tile(share, size // len(share))]
        for i in range(size - 1, 0, -1):
            j = int(order[len(arms) + i]) * (i + 1) >> 32
            block[i], block[j] = block[j], block[i]
        arms += block
    return np.array(arms[:patients], np.int64)


def enrol(draws: Draws, *, accrual: AccrualTruth, survival: Sequence[SurvivalTruth], allocation: Sequence[int]) -> Cohort:
    """Turn draws into patients under one truth.

    Entries are the order statistics of independent draws from the accrual curve (a Poisson process given the number of
    patients); event times the quantile function of the patient's arm at its uniform, dropout times that of the accrual.
    """
    entry = accrual.entry_time(np.sort(draws.entry, axis=-1))
    arm = np.stack([allocate(words, allocation, draws.entry.shape[-1]) for words in draws.order])
    event = np.empty_like(draws.event)
    for index, truth in enumerate(survival):
        chosen = arm == index
        event[chosen] = truth.quantile(draws.event[chosen])
    dropout = accrual.dropout_time(draws.dropout)
    return Cohort(entry=entry, arm=arm, event=event, dropout=dropout)
