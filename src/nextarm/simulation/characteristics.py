"""Operating characteristics: what a design does over many virtual trials, stored as counts.

Rates are derived from the counts and always come with their Monte-Carlo standard error, sqrt(p (1 - p) / trials).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from nextarm.core.result import Result, record
from nextarm.core.units import FloatArray, IntArray


@record
class Rate:
    """A rate from simulation with its Monte-Carlo standard error."""

    value: float
    se: float


@record
class Mean:
    """A mean over virtual trials with its Monte-Carlo standard error; None where one trial cannot tell it."""

    value: float
    se: float | None


def rate_of(count: int, trials: int) -> Rate:
    """The share ``count / trials`` with its standard error.

    At 0 or all, where the plain formula gives 0, the standard error of (count + 1) / (trials + 2) is given instead.

    >>> rate_of(500, 1000)
    Rate(value=0.5, se=0.015811388300841896)
    """
    p = count / trials
    spread = p * (1.0 - p) if 0 < count < trials else ((count + 1) / (trials + 2)) * (1.0 - (count + 1) / (trials + 2))
    return Rate(value=p, se=math.sqrt(spread / trials))


def mean_of(total: float, squares: float, trials: int) -> Mean:
    """The mean of ``trials`` values from their sum and sum of squares, with its standard error (None of one value).

    >>> mean_of(6.0, 14.0, 3).value
    2.0
    """
    mean = total / trials
    if trials < 2:
        return Mean(value=mean, se=None)
    variance = max(squares / trials - mean * mean, 0.0) * trials / (trials - 1)
    return Mean(value=mean, se=math.sqrt(variance / trials))


def with_errors(values: Mapping[str, Rate | Mean | None]) -> dict[str, float | None]:
    """The columns of a table: each value by its name, its standard error as ``NAME_se``."""
    made: dict[str, float | None] = {}
    for name, value in values.items():
        made |= {name: None, f"{name}_se": None} if value is None else {name: value.value, f"{name}_se": value.se}
    return made


@record
class ScenarioCounts:
    """Counts of one truth over ``trials`` virtual trials.

    ``rejected_by_look``, ``stopped_by_look`` and ``futile_by_look`` (looks,) count trials that rejected the null, ended, or
    were given up for futility, at each look; ``time_by_look`` the sum of the durations of those that ended there;
    ``never_reached`` those whose last look came at its latest time without the events planned for the last look;
    ``sums`` (3, 2) the sum and sum of squares of events, patients entered and duration in years at the trial's end.
    ``summary`` has the rates and means that follow from them, each with its standard error. ``at``: the values of the
    grid's assumptions, where this is a cell of one. ``also``: in how many trials something else held that only this kind of
    design has, by name (a further end point rejected, a result withheld).
    """

    name: str
    trials: int
    survival_at_milestone: dict[str, float]
    rejected_by_look: IntArray
    stopped_by_look: IntArray
    futile_by_look: IntArray
    time_by_look: FloatArray
    never_reached: int
    sums: FloatArray
    summary: dict[str, Mean] = field(default_factory=dict)
    at: tuple[float, ...] = ()
    also: dict[str, int] = field(default_factory=dict)

    @property
    def rejection(self) -> Rate:
        """Share of trials that reject: the power, or under a null the type I error."""
        return rate_of(int(self.rejected_by_look.sum()), self.trials)

    @property
    def events_never_reached(self) -> Rate:
        """Share of trials that never see the events planned for the last look."""
        return rate_of(self.never_reached, self.trials)

    @property
    def futility(self) -> Rate:
        """Share of trials given up for futility."""
        return rate_of(int(self.futile_by_look.sum()), self.trials)

    def summarised(self) -> dict[str, Mean]:
        """Rates and means by name, each with its standard error."""
        means = {"events": self.events, "patients": self.patients, "duration": self.duration}
        rates = {"rejection": self.rejection, "futility": self.futility, "never_reached": self.events_never_reached}
        also = {name: rate_of(count, self.trials) for name, count in self.also.items()}
        plain, more = ({name: Mean(value=rate.value, se=rate.se) for name, rate in part.items()} for part in (rates, also))
        return plain | means | more

    def rejection_at(self, look: int) -> Rate:
        """Share of trials that reject at ``look`` (from 0)."""
        return rate_of(int(self.rejected_by_look[look]), self.trials)

    def _mean(self, row: int) -> Mean:
        return mean_of(float(self.sums[row, 0]), float(self.sums[row, 1]), self.trials)

    @property
    def events(self) -> Mean:
        """Mean number of events at the end of the trial."""
        return self._mean(0)

    @property
    def patients(self) -> Mean:
        """Mean number of patients entered by the end of the trial."""
        return self._mean(1)

    @property
    def duration(self) -> Mean:
        """Mean years from the first patient to the last analysis."""
        return self._mean(2)


@record
class GridAxis:
    """One assumption of a grid: where it stands in the plan, what charts call it, the values it takes."""

    key: str
    label: str
    values: tuple[float, ...]


@record
class OperatingCharacteristics(Result):
    """The counts of every scenario of a plan, the plan's own truth first, then those of the cells of its grid.

    ``by_chance`` says which of them reject a true null more often than alpha in these trials and not in further ones.
    """

    plan_name: str
    design_kind: str
    alpha: float
    patients: int
    looks: int
    scenarios: tuple[ScenarioCounts, ...]
    grid: tuple[GridAxis, ...] = ()
    by_chance: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = ()

    def scenario(self, name: str) -> ScenarioCounts:
        """The counts of the scenario ``name``; KeyError lists what there is."""
        found = {s.name: s for s in self.scenarios}
        return found[name]

    def _rows(self) -> list[dict[str, Any]]:
        """One row a scenario: rates and means, each with its Monte-Carlo standard error."""
        rows = []
        for s in self.scenarios:
            row: dict[str, Any] = {"scenario": s.name, "trials": s.trials} | with_errors(s.summarised())
            row |= {f"rejected_look_{k + 1}": int(n) for k, n in enumerate(s.rejected_by_look)}
            rows.append(row)
        return rows
