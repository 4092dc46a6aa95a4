"""When a trial ends, and with how many patients: the looks of a design with their probabilities, by formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextarm.core.result import Interval
from nextarm.core.units import FloatArray
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.count_design import CountDesignResult
from nextarm.designs.design import DesignResult
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRank
from nextarm.designs.plan import Plan


@dataclass(frozen=True)
class Endings:
    """The ways a trial may end, the last look last; arrays (ways,): probability, patients entered, years from the first patient."""

    probability: FloatArray
    patients: FloatArray
    years: FloatArray

    @property
    def early(self) -> float:
        """Probability of an end before the last look."""
        return float(self.probability[:-1].sum())


@dataclass(frozen=True)
class Spread:
    """All the ways that the trials of several truths may end; arrays (ways of all,)."""

    weights: FloatArray
    patients: FloatArray
    years: FloatArray

    @classmethod
    def of(cls, found: Sequence[Endings], weights: FloatArray) -> Spread:
        """Those of each truth by its weight."""
        shares = [w * e.probability for e, w in zip(found, weights, strict=True)]
        return cls(np.concatenate(shares), np.concatenate([e.patients for e in found]), np.concatenate([e.years for e in found]))

    def mean(self, values: FloatArray) -> float:
        """The weighted mean of ``patients`` or ``years``."""
        return float(self.weights @ values / self.weights.sum())


def endings(plan: Plan, result: DesignResult) -> Endings:
    """How a trial of ``plan`` with this ``result`` may end under the plan's own truth; one way for a design without looks."""
    accrual = plan.accrual_model()
    if isinstance(result, GroupSequentialLogRank):
        stops = (np.nan_to_num(result.stop_h1) + np.nan_to_num(result.reject_h1))[:-1]
        entered = np.minimum(np.asarray(accrual.entered(result.look_times)), result.n)
        return Endings(_with_rest(stops), entered, np.asarray(result.look_times, np.float64))
    if isinstance(result, CountDesignResult):
        bounds = result.bounds
        found = path_probabilities(result.probability, sizes=bounds.sizes, low=bounds.futile, high=bounds.effective)
        sizes = np.array(bounds.sizes, np.float64)
        years = np.array([accrual.years_for(float(n)) for n in sizes]) + plan.trial.milestone
        return Endings(_with_rest((found.stop_low + found.stop_high)[:-1]), sizes, years)
    return Endings(np.ones(1), np.array([float(result.n)]), np.array([float(result.analysis_time)]))


def _with_rest(stops: FloatArray) -> FloatArray:
    """The probabilities of the looks before the last, and what is left for the last."""
    return np.append(stops, max(1.0 - float(stops.sum()), 0.0))


def middle(values: FloatArray, weights: FloatArray, *, kind: str, level: float = 0.95) -> Interval:
    """The middle of a weighted distribution: its quantiles at (1 - level) / 2 and above."""
    order = np.argsort(values)
    climbed = np.cumsum(weights[order]) / weights.sum()
    at = np.searchsorted(climbed, np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0]) - 1e-12)
    low, high = (int(i) for i in np.minimum(at, len(order) - 1))
    return Interval(low=float(values[order][low]), high=float(values[order][high]), level=level, kind=kind)
