"""Virtual trials of one arm inside a design: events and years of follow-up by pieces of time since entry, at calendar looks.

Plain numpy with a fixed seed, for designs whose rule must be found, or whose power must be told, by trials. The engine of
:mod:`nextarm.simulation` sees the same things and is compared with it in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.errors import Problem, RefusedError
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.seam import BoolArray
from nextarm.designs.setting import Setting
from nextarm.designs.truths import Distribution

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Patient places held in memory at a time.
_AT_ONCE = 400_000
#: The most patients of a design that is found by virtual trials.
MOST_BY_TRIALS = 2_000


def pieces_seen(
    setting: Setting, truth: Distribution, *, times: Sequence[float], edges: Sequence[float], trials: int, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Events and years (trials, looks, pieces) between the rising ``edges`` of time since entry, and patients entered (trials, looks).

    ``times`` are the looks in years from the first patient; events before a look only are known.
    """
    random = np.random.default_rng(seed)
    n = max(1, round(setting.accrual.total))
    shape = (trials, len(times), len(edges) - 1)
    events, years, entered = np.zeros(shape), np.zeros(shape), np.zeros(shape[:2])
    bounds = np.asarray(edges, np.float64)
    step = max(1, _AT_ONCE // n)
    for first in range(0, trials, step):
        rows = slice(first, min(first + step, trials))
        size = (rows.stop - first, n)
        entry = setting.accrual.entry_time(random.random(size))
        event, lost = truth.quantile(random.random(size)), setting.accrual.dropout_time(random.random(size))
        for k, time in enumerate(times):
            open_for = np.minimum(np.maximum(time - entry, 0.0), lost)
            entered[rows, k] = (entry < time).sum(axis=1)
            known = np.minimum(event, open_for)
            events[rows, k], years[rows, k] = _by_piece(known, event <= open_for, bounds)
    return events, years, entered


def share_se(p: float, trials: int) -> float:
    """Monte-Carlo standard error of a share; at 0 or 1 that of one trial more."""
    q = p if 0.0 < p < 1.0 else (p * trials + 1.0) / (trials + 2.0)
    return float(np.sqrt(q * (1.0 - q) / trials))


def _by_piece(known: FloatArray, has_event: BoolArray, bounds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Events and years (trials, pieces): each patient's time falls into one piece and has passed through those before it."""
    trials, pieces = len(known), len(bounds) - 1
    place = np.searchsorted(bounds, known, side="right") - 1 + (pieces + 1) * np.arange(trials)[:, None]

    def gathered(where: IntArray, weights: FloatArray | None = None) -> FloatArray:
        made = np.bincount(where.ravel(), weights=weights, minlength=trials * (pieces + 1))
        return np.asarray(made.reshape(trials, pieces + 1), np.float64)

    ended, total = gathered(place), gathered(place, known.ravel())
    passed = ended[:, ::-1].cumsum(axis=1)[:, ::-1] - ended
    years = total[:, :-1] - ended[:, :-1] * bounds[:-1] + passed[:, :-1] * np.diff(bounds)
    return gathered(place[has_event])[:, :-1], np.maximum(years, 0.0)


def too_many(plan: Plan) -> list[Problem]:
    """A design that is found by virtual trials must be of a size at which they are quick."""
    total = plan.accrual_model().total
    if total <= MOST_BY_TRIALS:
        return []
    rule = f"must be at most {MOST_BY_TRIALS:,} patients for {plan.design.kind}: its rule and power come from virtual trials"
    return [Problem(f"kind = {plan.design.kind!r} with {total:g} patients", "", rule)]


def solved_in_patients(
    setting: Setting, *, what: str, target: float, power: Callable[[Setting], float], most: int = MOST_BY_TRIALS
) -> Setting:
    """The smallest whole number of patients (``what`` n: at a faster accrual; duration: at a longer one) whose power is ``target``.

    Found by doubling and halving, as virtual trials with the same seed have it: a neighbour may be as good. :class:`RefusedError`
    where ``most`` patients are not enough.
    """
    accrual = setting.accrual

    def make(n: int) -> Setting:
        if what == "n":
            return replace(setting, accrual=accrual.times(n / accrual.total))
        longer = accrual.lasting(accrual.years_for(n))
        return replace(setting, accrual=longer, analysis_time=longer.duration + setting.analysis_time - accrual.duration)

    def enough(n: int) -> bool:
        try:
            return power(make(n)) >= target
        except RefusedError:  # too few for any rule to keep alpha
            return False

    return make(smallest_number(enough, target, most=most))


def smallest_number(enough: Callable[[int], bool], target: float, *, most: int = MOST_BY_TRIALS) -> int:
    """The smallest number of patients, by doubling from 8 and halving, that is ``enough`` for the power ``target``.

    >>> smallest_number(lambda n: n >= 23, 0.8)
    23
    """
    high = 8
    while not enough(high):
        if high >= most:
            rule = f"is not reached with {most:,} patients"
            raise RefusedError(f"power {target:g}", rule=rule, cure="Change the effect, alpha or the null")
        high = min(2 * high, most)
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
