"""What the blocks of a run add up to, and how a run is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.simulation.characteristics import rate_of
from nextarm.simulation.counted import BlockCounts

#: What every run of virtual trials says of its method.
METHOD = "Virtual trials: Poisson accrual given the number of patients, permuted-block randomisation, event times by inversion"


class RunOptions(TypedDict, total=False):
    """How a run is asked for; :func:`nextarm.simulation.simulate` says what each means."""

    trials: int | None
    seed: int
    workers: int
    precision: float | None
    out: str | Path | None
    cluster: str | None
    progress: Callable[[int, int], None] | None


class Totals:
    """The sums over blocks 0 to ``blocks`` - 1; ``each``: every column of the rejections is a rate of its own (arms, doses)."""

    def __init__(self, scenarios: int, looks: int, sum_rows: int, *, each: bool) -> None:
        self.each = each
        self.blocks = self.trials = 0
        self.rejected: IntArray = np.zeros((scenarios, looks), np.int64)
        self.stopped: IntArray = np.zeros((scenarios, looks), np.int64)
        self.futile: IntArray = np.zeros((scenarios, looks), np.int64)
        self.times: FloatArray = np.zeros((scenarios, looks))
        self.never: IntArray = np.zeros(scenarios, np.int64)
        self.sums: FloatArray = np.zeros((scenarios, sum_rows, 2))

    def add(self, trials: int, block: tuple[BlockCounts, ...]) -> None:
        """Add the next block, of ``trials`` trials."""
        for s, counts in enumerate(block):
            self.rejected[s] += counts.rejected_by_look
            self.stopped[s] += counts.stopped_by_look
            self.futile[s] += counts.futile_by_look
            self.times[s] += counts.time_by_look
            self.never[s] += counts.never_reached
            self.sums[s] += counts.sums
        self.blocks += 1
        self.trials += trials

    def block_of(self, scenario: int) -> BlockCounts:
        """All blocks of a scenario as one."""
        return BlockCounts(
            self.rejected[scenario], self.stopped[scenario], self.futile[scenario], self.times[scenario], int(self.never[scenario]),
            self.sums[scenario],
        )  # fmt: skip

    def worst_error(self) -> float:
        """The largest standard error of a rejection rate, that of every arm where each has its own."""
        counted = self.rejected.ravel() if self.each else self.rejected.sum(axis=1)
        return max(rate_of(int(n), self.trials).se for n in counted)

    def pairs(self, scenario: int, first: int, names: tuple[str, ...]) -> dict[str, float]:
        """Rows of the sums from ``first`` on by name: ``NAME_sum`` and ``NAME_squares``."""
        rows = self.sums[scenario, first : first + len(names)]
        return {f"{name}_{part}": float(row[j]) for name, row in zip(names, rows, strict=True) for j, part in enumerate(("sum", "squares"))}
