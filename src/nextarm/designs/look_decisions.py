"""Decisions of many virtual trials at once, with bounds at the information each trial really saw.

A trial that ends early (its events not reached by the latest time) spends all remaining alpha at its last look. Trials
with the same looks and events share bounds, so few bounds are computed for many trials.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.boundaries import bounds_from_spending
from nextarm.designs.design import Decisions, LookData, last_look
from nextarm.designs.spending import SPENDING, spent
from nextarm.designs.walk import crossing


def decide_at_looks(
    data: LookData,
    *,
    planned: int,
    alpha: float,
    family: str,
    parameter: float | None,
    efficacy: FloatArray,
    futility: FloatArray,
    binding: bool,
) -> Decisions:
    """Apply group-sequential bounds to ``data`` (trials, looks).

    ``planned`` events at the last look; ``efficacy`` and ``futility`` (looks,) the planned bounds, used where a trial
    sees exactly its planned events. Elsewhere efficacy bounds are found anew: by the spending function at the fractions
    seen, or for shape families by what the earlier planned bounds left of alpha. Binding bounds keep the planned
    efficacy bound, except that a trial cut short spends what is left with its futility bounds counted.
    """
    trials, looks = data.z.shape
    last = last_look(data)
    rejected = np.full(trials, -1, np.int64)
    stopped = last.copy()
    open_ = np.ones(trials, np.bool_)
    bounds = np.empty((trials, looks))
    keys = np.where(data.done, data.events, 0)
    unique, inverse = np.unique(np.column_stack([keys, last]), axis=0, return_inverse=True)
    for i, row in enumerate(unique):
        seen = tuple(float(v) / planned for v in row[: int(row[-1]) + 1])
        found = bounds_seen(
            seen, alpha=alpha, family=family, parameter=parameter, efficacy=tuple(efficacy), futility=tuple(futility), binding=binding
        )
        bounds[inverse.ravel() == i, : len(found)] = found
    for k in range(looks):
        here = open_ & data.done[:, k]
        cross = here & (data.z[:, k] >= bounds[:, k])
        rejected[cross], stopped[cross] = k, k
        futile = here & ~cross & (k < last) & (data.z[:, k] < futility[k])
        stopped[futile] = k
        open_ &= ~(cross | futile)
    return Decisions(rejected_at=rejected, stopped_at=stopped)


@lru_cache(maxsize=4096)
def bounds_seen(
    fractions: tuple[float, ...],
    *,
    alpha: float,
    family: str,
    parameter: float | None,
    efficacy: tuple[float, ...],
    futility: tuple[float, ...],
    binding: bool,
) -> FloatArray:
    """Efficacy bounds of the looks that took place at ``fractions`` of the planned information, the last of them final.

    Returns one bound a look; infinity for a look that brought no new information.
    """
    seen = np.asarray(fractions, np.float64)
    keep = np.append(np.diff(seen) > 0.0, True) & (seen > 0.0)
    bounds = np.full(len(seen), np.inf)
    if not keep.any():
        return bounds
    t = seen[keep]
    if not binding and family in [name for name, _, _ in SPENDING]:
        cumulative = np.asarray(spent(family, t, total=alpha, parameter=parameter))
        cumulative[-1] = alpha
        bounds[keep] = bounds_from_spending(t, cumulative)
        return bounds
    if len(t) == len(efficacy) and abs(t[-1] - 1.0) < 1e-12:
        return np.asarray(efficacy, np.float64)
    early = [b for b, used in zip(efficacy, keep, strict=False) if used][: len(t) - 1]
    low = [b if binding else -np.inf for b, used in zip(futility, keep, strict=False) if used][: len(t) - 1]
    bounds[keep] = [*early, _last_bound(t, np.array(early), np.array(low), alpha)]
    return bounds


def _last_bound(t: FloatArray, early: FloatArray, low: FloatArray, alpha: float) -> float:
    from nextarm.designs.expected_events import find_root

    def excess(z: float) -> float:
        up, _ = crossing(t, upper=np.append(early, z), lower=np.append(low, -np.inf), mean_z=np.zeros(len(t)))
        return float(np.sum(up)) - alpha

    return find_root(excess, -12.0, 12.0) if excess(12.0) < 0.0 else 12.0
