"""What a block of virtual trials adds to one scenario, and what the cells of a grid are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from nextarm.core.errors import PlanError
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.plan import Plan
from nextarm.designs.seam import BoolArray, Decisions, Seen
from nextarm.simulation.draws import SPARE


class NamedTruth(Protocol):
    """What the result says of a scenario, whatever it is a truth of; as in :class:`~nextarm.simulation.block.Truth`."""

    @property
    def name(self) -> str:
        """What the scenario is called."""

    @property
    def at_milestone(self) -> dict[str, float]:
        """S(milestone) of each arm, where there is one."""

    @property
    def at(self) -> tuple[float, ...]:
        """The assumptions of a cell of a grid."""


@dataclass(frozen=True)
class BlockCounts:
    """Counts of a block; the fields are those of :class:`~nextarm.simulation.ScenarioCounts`."""

    rejected_by_look: IntArray
    stopped_by_look: IntArray
    futile_by_look: IntArray
    time_by_look: FloatArray
    never_reached: int
    sums: FloatArray


def counts_from(decisions: Decisions, seen: Seen, *, rates: Sequence[BoolArray] = ()) -> BlockCounts:
    """Count what became of the trials of ``seen``; each of ``rates`` (trials,) adds a row of the sums: how many trials it holds in."""
    looks, trials = seen.time.shape[1], np.arange(len(seen.time))
    last = decisions.stopped_at
    rejected = np.bincount(decisions.rejected_at[decisions.rejected_at >= 0], minlength=looks).astype(np.int64)
    stopped = np.bincount(last, minlength=looks).astype(np.int64)
    futile = np.zeros(looks, np.int64) if decisions.futile is None else np.bincount(last[decisions.futile], minlength=looks)
    times = np.asarray(np.bincount(last, weights=seen.time[trials, last], minlength=looks), np.float64)
    values = [seen.events.sum(axis=2)[trials, last], seen.entered.sum(axis=2)[trials, last], seen.time[trials, last], *rates]
    rows = np.stack(values).astype(np.float64)
    sums = np.stack([rows.sum(axis=1), (rows * rows).sum(axis=1)], axis=1)
    return BlockCounts(rejected, stopped, futile.astype(np.int64), times, int(np.count_nonzero(seen.took[trials, last] == 0)), sums)


def cell_name(plan: Plan, values: tuple[float, ...]) -> str:
    """What a cell of the plan's grid is called among its scenarios."""
    labels = [table.label for table in plan.grid]
    if len(set(labels)) < len(labels):
        labels = [f"{table.path[1]} {table.label}" for table in plan.grid]
    return ", ".join(f"{label} {value:g}" for label, value in zip(labels, values, strict=True))


def arms_of(plan: Plan) -> list[str]:
    """The arms in the order of the simulation: the control first (a single arm is its own)."""
    return [plan.control, *(name for name in plan.arms if name != plan.control)]


def whole_allocation(plan: Plan) -> tuple[int, ...]:
    """The arms' allocation as the smallest whole numbers, control first; :class:`PlanError` where a block would be too large."""
    shares = [Fraction(plan.arms[name].allocation).limit_denominator(SPARE) for name in arms_of(plan)]
    common = np.lcm.reduce([s.denominator for s in shares])
    whole = [int(s * int(common)) for s in shares]
    divisor = int(np.gcd.reduce(whole))
    small = tuple(w // divisor for w in whole)
    if sum(small) > SPARE or min(small) < 1:
        raise PlanError(
            f"allocation {small}", rule=f"a block of randomisation would hold more than {SPARE} patients", cure="Use small whole numbers"
        )
    return small
