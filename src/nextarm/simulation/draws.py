"""The random numbers of a block of virtual trials, and what a truth makes of them.

Draws are uniforms that know nothing of any truth; a scenario only transforms them. Scenarios therefore share random
numbers: the same infant enters at the same quantile of accrual and has the same luck under each of them, which makes
differences between scenarios much more precise than the rates themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.random import block_stream
from nextarm.core.units import FloatArray, IntArray

#: Places drawn beyond the last patient, so that the last block of a randomisation can be drawn whole and then cut.
SPARE = 64


class SurvivalTruth(Protocol):
    """Anything with a quantile function: a model of ``survival.models``."""

    def quantile(self, p: FloatArray) -> FloatArray:
        """Time by which a share ``p`` has had the event; infinity where that never happens (cure)."""
        ...


class AccrualTruth(Protocol):
    """Anything that turns shares of the accrual into calendar times."""

    def entry_time(self, share: FloatArray) -> FloatArray:
        """Calendar time (years from the first patient) by which a ``share`` of all patients has entered."""
        ...


@dataclass(frozen=True)
class Draws:
    """Uniforms on [0, 1), each of shape (trials, patients): for entry, event, dropout; ``order`` has SPARE more columns."""

    entry: FloatArray
    order: FloatArray
    event: FloatArray
    dropout: FloatArray

    def trial(self, index: int) -> Draws:
        """The draws of one trial, each of shape (patients,)."""
        return Draws(self.entry[index], self.order[index], self.event[index], self.dropout[index])


@dataclass(frozen=True)
class Cohort:
    """The patients of one trial or of a block, arrays of one shape: entry, arm, time to event, time to dropout.

    Patients stand in the order of entry (years from the first possible day). Times count from a patient's own entry,
    in years; infinity is never.
    """

    entry: FloatArray
    arm: IntArray
    event: FloatArray
    dropout: FloatArray


def draw_block(seed: int, block: int, *, trials: int, patients: int) -> Draws:
    """Draw a block of ``trials`` by ``patients`` uniforms from the stream of (seed, block).

    The same call gives the same numbers on every machine and for every worker.
    """
    stream = block_stream(seed, block)
    widths = (patients, patients + SPARE, patients, patients)
    return Draws(*(stream.random((trials, width)) for width in widths))


def allocate(order: FloatArray, allocation: Sequence[int], patients: int, block_size: int | None = None) -> IntArray:
    """Assign arms by permuted blocks, the last block cut short where the number of patients asks for it.

    ``order`` holds uniforms of shape (..., at least ``patients`` rounded up to whole blocks); ``allocation`` the whole
    numbers of each arm in a block, such as (2, 1); ``block_size`` a multiple of their sum, at most :data:`SPARE`
    (default: the sum, doubled where it is below 4). Returns arms of shape (..., patients).
    """
    share = np.repeat(np.arange(len(allocation)), allocation)
    size = block_size or (len(share) if len(share) >= 4 else 2 * len(share))
    if size % len(share) or size > SPARE:
        raise CallError(f"block_size = {size}", rule=f"must be a multiple of {len(share)} and at most {SPARE}")
    blocks = -(-patients // size)
    places = order[..., : blocks * size].reshape(*order.shape[:-1], blocks, size)
    ranks = places.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")
    arms = np.tile(share, size // len(share))[ranks].reshape(*order.shape[:-1], blocks * size)
    return np.ascontiguousarray(arms[..., :patients].astype(np.int64))


def enrol(
    draws: Draws, *, accrual: AccrualTruth, survival: Sequence[SurvivalTruth], allocation: Sequence[int], dropout_hazard: float
) -> Cohort:
    """Turn draws into patients under one truth.

    Entries are the order statistics of independent draws from the accrual curve (a Poisson process given the number of
    patients); event times the quantile function of the patient's arm at its uniform; dropout exponential.
    """
    entry = accrual.entry_time(np.sort(draws.entry, axis=-1))
    arm = allocate(draws.order, allocation, draws.entry.shape[-1])
    event = np.empty_like(draws.event)
    for index, truth in enumerate(survival):
        chosen = arm == index
        event[chosen] = truth.quantile(draws.event[chosen])
    with np.errstate(divide="ignore"):
        dropout = -np.log1p(-draws.dropout) / dropout_hazard if dropout_hazard > 0 else np.full_like(event, np.inf)
    return Cohort(entry=entry, arm=arm, event=event, dropout=dropout)
