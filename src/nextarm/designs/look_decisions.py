"""Decisions of many virtual trials at once, with bounds at the information each trial really saw.

A trial that ends early (its events not reached by the latest time) spends all remaining alpha at its last look. Trials
with the same looks and events share bounds, so few bounds are computed for many trials.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nextarm.core.units import FloatArray, IntArray
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

    ``planned`` events at the last look (a calendar look that sees them all is the last); ``efficacy`` and ``futility``
    (looks,) the planned bounds, used where a trial sees exactly its planned events. Elsewhere efficacy bounds are found
    anew: by the spending function at the fractions seen, or for shape families by what the earlier planned bounds left
    of alpha. Binding bounds keep the planned efficacy bound, except that a trial cut short spends what is left with its
    futility bounds counted.
    """
    trials, looks = data.z.shape
    last = np.minimum(last_look(data), _complete(data, planned))
    rejected = np.full(trials, -1, np.int64)
    stopped = last.copy()
    open_, given_up = np.ones(trials, np.bool_), np.zeros(trials, np.bool_)
    bounds, doubtful = np.empty((trials, looks)), np.ones(trials, np.bool_)
    if not binding:
        if family in [name for name, _, _ in SPENDING]:
            bounds, high = _between(_cumulative(data.events / planned, last, alpha=alpha, family=family, parameter=parameter))
        else:
            bounds, high = _between_shapes(efficacy, last, alpha)
        taken = data.done & (np.arange(looks) <= last[:, None])
        idle = taken & (np.diff(data.events, axis=1, prepend=0) <= 0)
        doubtful = np.any(idle | (taken & (data.z >= bounds) & (data.z < high)), axis=1)
    where = np.flatnonzero(doubtful)
    unique, inverse = _distinct(np.column_stack([np.where(data.done, data.events, 0), last])[where])
    for i, row in enumerate(unique):
        seen = tuple(float(v) / planned for v in row[: int(row[-1]) + 1])
        found = bounds_seen(
            seen, alpha=alpha, family=family, parameter=parameter, efficacy=tuple(efficacy), futility=tuple(futility), binding=binding
        )
        bounds[where[inverse == i], : len(found)] = found
    for k in range(looks):
        here = open_ & data.done[:, k] & (k <= last)
        cross = here & (data.z[:, k] >= bounds[:, k])
        rejected[cross], stopped[cross] = k, k
        futile = here & ~cross & (k < last) & (data.z[:, k] < futility[k]) & (data.events[:, k] > 0)
        stopped[futile], given_up[futile] = k, True
        open_ &= ~(cross | futile)
    return Decisions(rejected_at=rejected, stopped_at=stopped, futile=given_up)


def _distinct(rows: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct rows of ``rows`` and which of them each is; quick where all but a few rows are like the first."""
    usual = (rows == rows[:1]).all(axis=1)
    which = np.zeros(len(rows), np.int64)
    if usual.all():
        return rows[:1], which
    others, inverse = np.unique(rows[~usual], axis=0, return_inverse=True)
    which[~usual] = 1 + inverse.ravel()
    return np.concatenate([rows[:1], others]), which


def _complete(data: LookData, planned: int) -> IntArray:
    """The first look at which a trial has all its planned events: there is no look after it."""
    full = data.done & (data.events >= planned)
    return np.asarray(np.where(full.any(axis=1), np.argmax(full, axis=1), data.z.shape[1]), np.int64)


def _cumulative(fractions: FloatArray, last: IntArray, *, alpha: float, family: str, parameter: float | None) -> FloatArray:
    """Alpha spent by each look (trials, looks): all of it from the last look on, none without information."""
    seen = fractions > 0.0
    used = np.where(seen, spent(family, np.where(seen, fractions, 1.0), total=alpha, parameter=parameter), 0.0)
    return np.where(np.arange(fractions.shape[1]) >= last[:, None], alpha, used)


def _between(cumulative: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two values between which each spending bound lies: z of all alpha spent by its look, and z of what the look spends.

    The look's crossing probability is at least what it spends for the first time, and at most all that has been spent. Trials
    whose z lies outside need no exact bound.
    """
    from scipy.special import ndtri

    steps = np.diff(cumulative, axis=1, prepend=0.0)
    return -np.asarray(ndtri(cumulative), np.float64), -np.asarray(ndtri(np.maximum(steps, 0.0)), np.float64)


def _between_shapes(efficacy: FloatArray, last: IntArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """The same for shape families: planned bounds before a trial's last look, where alpha less what they spend remains."""
    from scipy.special import ndtr, ndtri

    at_most = np.concatenate([[0.0], np.cumsum(ndtr(-efficacy))])[last]
    low = np.broadcast_to(efficacy, (len(last), len(efficacy))).copy()
    high = low.copy()
    trials = np.arange(len(last))
    low[trials, last] = -float(ndtri(alpha))
    high[trials, last] = -np.asarray(ndtri(np.maximum(alpha - at_most, 0.0)), np.float64)
    return low, high


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
