"""What a block of virtual trials adds to one scenario, and what the cells of a grid are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.plan import Plan


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


def cell_name(plan: Plan, values: tuple[float, ...]) -> str:
    """What a cell of the plan's grid is called among its scenarios."""
    labels = [table.label for table in plan.grid]
    if len(set(labels)) < len(labels):
        labels = [f"{table.path[1]} {table.label}" for table in plan.grid]
    return ", ".join(f"{label} {value:g}" for label, value in zip(labels, values, strict=True))
