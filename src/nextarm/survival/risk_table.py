"""The risk table: at each distinct time how many are at risk, fall, and are censored, by group and cause.

Every nonparametric estimator and test of this room is arithmetic on this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nextarm.core.units import FloatArray, IntArray


@dataclass(frozen=True)
class RiskTable:
    """Weighted counts at J distinct times for G groups and K causes.

    ``time`` (J,), ``at_risk`` (J, G) just before the time, ``events`` (J, G, K) and ``censored`` (J, G) at the time.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray

    @property
    def falls(self) -> FloatArray:
        """Events of any cause, (J, G)."""
        total: FloatArray = self.events.sum(axis=2)
        return total


def risk_table(
    time: FloatArray,
    event: IntArray,
    *,
    group: IntArray | None = None,
    n_groups: int = 1,
    n_causes: int = 1,
    weight: FloatArray | None = None,
    entry: FloatArray | None = None,
) -> RiskTable:
    """Count. ``event`` 0 is censored, k the k-th cause; ``entry`` 0 means at risk from the origin, time 0 included.

    >>> t = risk_table(np.array([2.0, 1.0, 2.0]), np.array([1, 0, 0]))
    >>> t.time.tolist(), t.at_risk[:, 0].tolist(), t.falls[:, 0].tolist()
    ([1.0, 2.0], [3.0, 2.0], [0.0, 1.0])
    """
    from nextarm.survival.kernels import count_table

    none: Any = np.zeros(0, np.int64)
    late = none if entry is None else np.flatnonzero(entry > 0.0)
    entry_order = late if entry is None else late[np.argsort(entry[late])]
    made = count_table(
        np.argsort(time),
        time,
        event,
        np.zeros(time.size, np.int64) if group is None else group,
        np.ones(time.size) if weight is None else weight,
        entry_order,
        time if entry is None else entry,
        n_groups,
        n_causes,
    )
    return RiskTable(*made)


def last_row_at(grid: FloatArray, t: FloatArray) -> IntArray:
    """Index of the last of the ascending ``grid`` at or before each ``t``; -1 before the first."""
    found: IntArray = np.searchsorted(grid, t, side="right").astype(np.int64) - 1
    return found
