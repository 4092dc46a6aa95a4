"""The fast twin of the oracle: what trials show at their looks, compiled.

At a look each patient entered is one 64-bit key: the time of follow-up (a float's bits order as numbers do), the cell, and
whether it ended with the event. The 8 low bits of the time give room for the latter, so times are kept to 44 binary
digits, here and in the oracle. Sorted keys are walked once. Plain log-rank trials of two arms take a walk without
branches, anything else the general one. Agreement with ``oracle.py`` is a test, trial by trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.seam import Look, Measures, RankWeight, Seen
from nextarm.simulation.enrol import END, EVENT, CellArray, Patients
from nextarm.simulation.sorting import SHORT, order_statistics, settle, sort_keys
from nextarm.simulation.walks import walk_general, walk_log_rank

#: Low bits of a key that hold cell and kind, and the mask that leaves the time.
CODE_BITS = 8
TIME_MASK = -(1 << CODE_BITS)
_NOBODY = np.int64(2**63 - 1)


def recorded(time: FloatArray) -> FloatArray:
    """Times as they are kept: cut to 44 binary digits."""
    return (np.ascontiguousarray(time, np.float64).view(np.int64) & np.int64(TIME_MASK)).view(np.float64)


@njit(cache=True, error_model="numpy")
def _calendar(entry: FloatArray, own: FloatArray, code: CellArray, out: FloatArray) -> None:
    """Calendar times of events; infinity for those who have none."""
    for t in range(entry.shape[0]):
        for p in range(entry.shape[1]):
            out[t, p] = entry[t, p] + own[t, p] if code[t, p] & END == EVENT else np.inf


@njit(cache=True, error_model="numpy")
def _keys(entry: FloatArray, own: FloatArray, code: CellArray, at: FloatArray, keys: Any, times: FloatArray, entered: IntArray) -> None:
    """Keys of a look at ``at`` (trials,); ``times`` is the float view of ``keys``."""
    patients = entry.shape[1]
    for t in range(entry.shape[0]):
        now = at[t]
        count = 0
        for p in range(patients):
            count += int(entry[t, p] < now)
        entered[t] = count
        for p in range(count):
            begin, o = entry[t, p], own[t, p]
            times[t, p] = o if begin + o <= now else now - begin
        for p in range(count):
            known = entry[t, p] + own[t, p] <= now
            c = np.int64(code[t, p]) | (np.int64(0) if known else np.int64(END))
            keys[t, p] = (keys[t, p] & np.int64(TIME_MASK)) | c
        for p in range(count, patients):
            keys[t, p] = _NOBODY


@njit(cache=True, error_model="numpy")
def _sorted_keys(entry: FloatArray, own: FloatArray, code: CellArray, at: FloatArray, out: Any, entered: IntArray) -> None:
    """Sorted keys of a look for many patients: those cut by the look stand in the order of their entry already."""
    patients = entry.shape[1]
    known, cut, ordered = np.empty(patients, np.int64), np.empty(patients, np.int64), np.empty(patients, np.int64)
    times, cut_times, place = known.view(np.float64), cut.view(np.float64), np.empty(2 * patients + 1, np.int64)
    for t in range(entry.shape[0]):
        now = at[t]
        count = np.searchsorted(entry[t], now)
        entered[t] = count
        a = b = np.int64(0)  # a plain 0 would have the sorts compiled twice
        for p in range(count - 1, -1, -1):
            seen = entry[t, p] + own[t, p] <= now
            c = np.int64(code[t, p])
            times[a] = own[t, p]
            known[a] = (known[a] & np.int64(TIME_MASK)) | c
            cut_times[b] = now - entry[t, p]
            cut[b] = (cut[b] & np.int64(TIME_MASK)) | c | np.int64(END)
            a += int(seen)
            b += int(not seen)
        settle(cut, b)
        sort_keys(known, times, a, ordered, place)
        i = j = 0
        for p in range(count):
            first = j >= b or (i < a and ordered[i] < cut[j])
            out[t, p] = ordered[i] if first else cut[j]
            i += int(first)
            j += int(not first)
        out[t, count:] = _NOBODY


def look_times(patients: Patients, looks: Sequence[Look]) -> tuple[FloatArray, IntArray]:
    """When each trial looks, (trials, looks), and how: 1 with its events, 0 at the latest time, -1 not, having had its last look."""
    trials, n = patients.entry.shape
    comings: Iterator[FloatArray] = iter(())
    if any(look.events is not None for look in looks):
        calendar = np.empty((trials, n))
        _calendar(patients.entry, patients.own, patients.code, calendar)
        ranks = np.array([look.events - 1 for look in looks if look.events is not None and look.events <= n], np.int64)
        comings = iter(order_statistics(calendar, ranks, max(look.latest for look in looks)).T)
    time, took = np.empty((trials, len(looks))), np.empty((trials, len(looks)), np.int64)
    ended = np.zeros(trials, np.bool_)
    for k, look in enumerate(looks):
        comes = np.full(trials, look.latest if look.events is None else np.inf)
        if look.events is not None and look.events <= n:
            comes = np.maximum(next(comings), look.earliest)
        reached = comes <= look.latest
        time[:, k] = np.where(ended, 0.0, np.where(reached, comes, look.latest))
        took[:, k] = np.where(ended, -1, reached)
        ended |= ~reached
    return time, took


@dataclass(frozen=True)
class Layout:
    """How cells are read: ``roles`` (comparisons, cells) 0 control, 1 treated, -1 not in it; ``arm_of`` (cells,)."""

    arms: int
    strata: int
    roles: Any
    arm_of: IntArray


@cache
def layout_of(arms: int, strata: int = 1) -> Layout:
    """Each arm against arm 0, within each stratum: comparison (arm - 1) * strata + stratum."""
    roles = np.full((max(arms - 1, 0) * strata, arms * strata), -1, np.int64)
    for arm in range(1, arms):
        for s in range(strata):
            roles[(arm - 1) * strata + s, s * arms] = 0
            roles[(arm - 1) * strata + s, s * arms + arm] = 1
    return Layout(arms, strata, roles, np.tile(np.arange(arms), strata))


def see(patients: Patients, looks: Sequence[Look], measures: Measures, *, arms: int) -> Seen:
    """Run trials through their looks; see :class:`~nextarm.designs.seam.Seen`."""
    time, took = look_times(patients, looks)
    return measure(patients, time, took, measures, arms=arms)


def measure(patients: Patients, time: FloatArray, took: IntArray, measures: Measures, *, arms: int) -> Seen:
    """What trials show at looks at ``time`` (trials, looks)."""
    trials, looks = time.shape
    plan = layout_of(arms, max(len(measures.strata), 1))
    room = _Room(trials, looks, plan, measures)
    keys = np.empty(patients.entry.shape, np.int64)
    entered = np.empty(trials, np.int64)
    for k in range(looks):
        at = np.where(took[:, k] >= 0, time[:, k], -1.0)
        if patients.entry.shape[-1] <= SHORT:
            _keys(patients.entry, patients.own, patients.code, at, keys, keys.view(np.float64), entered)
            keys.sort(axis=1)
        else:
            _sorted_keys(patients.entry, patients.own, patients.code, at, keys, entered)
        room.fill(k, keys, entered, patients.code)
    return room.seen(time, took)


class _Room:
    """The arrays that the walks fill, look by look."""

    def __init__(self, trials: int, looks: int, plan: Layout, measures: Measures) -> None:
        self.plan, self.measures = plan, measures
        comparisons, weights = len(plan.roles), len(measures.weights)
        pieces = 0 if measures.cuts is None else len(measures.cuts) + 1
        means = plan.arms if measures.tau is not None else 0
        points = len(measures.milestones)
        self.entered = np.zeros((trials, looks, plan.arms), np.int64)
        self.events = np.zeros((trials, looks, plan.arms), np.int64)
        self.score = np.zeros((trials, looks, comparisons if weights else 0, weights))
        self.covariance = np.zeros((trials, looks, comparisons if weights else 0, weights, weights))
        self.survival = np.ones((trials, looks, plan.arms if points else 0, points))
        self.variance = np.zeros(self.survival.shape)
        self.rmst, self.rmst_variance = np.zeros((trials, looks, means)), np.zeros((trials, looks, means))
        self.piece_events = np.zeros((trials, looks, plan.arms if pieces else 0, pieces), np.int64)
        self.exposure = np.zeros(self.piece_events.shape)
        self.expected = np.zeros((trials, looks, plan.arms if measures.reference is not None else 0))
        self.plain = plan.arms == 2 and plan.strata == 1 and measures.weights == (RankWeight(),) and not points and not means and not pieces
        self.weights = np.array([(w.p, w.q, np.inf if w.until is None else w.until) for w in measures.weights]).reshape(-1, 3)

    def fill(self, k: int, ordered: Any, entered: IntArray, code: CellArray) -> None:
        m, again = self.measures, np.ones(len(ordered), np.bool_)
        if self.plain:
            walk_log_rank(
                k, ordered, entered, code, m.hazard_ratio, self.score, self.covariance, self.entered, self.events, again,
            )  # fmt: skip
        if again.any():
            walk_general(
                k, ordered, entered, code, again, self.plan.roles, self.plan.arm_of, self.plan.arms, m.hazard_ratio, self.weights,
                np.array(m.milestones, np.float64), np.nan if m.tau is None else m.tau,
                np.array([0.0, *(m.cuts or ()), np.inf]) if m.cuts is not None else np.empty(0),
                self.entered, self.events, self.score, self.covariance, self.survival, self.variance, self.rmst, self.rmst_variance,
                self.piece_events, self.exposure,
            )  # fmt: skip
        if m.reference is not None:
            self.expected[:, k] = self._expected(ordered, entered)

    def _expected(self, ordered: Any, entered: IntArray) -> FloatArray:
        """Events expected in each arm (trials, arms) under the reference's cumulative hazard."""
        there = np.arange(ordered.shape[1]) < entered[:, None]
        times = np.where(there, (ordered & np.int64(TIME_MASK)).view(np.float64), 0.0)
        hazard = np.asarray(self.measures.reference.cumulative_hazard(times), np.float64)
        arm = self.plan.arm_of[np.where(there, ordered & (END - 1), 0)]
        return np.stack([np.sum(np.where(there & (arm == a), hazard, 0.0), axis=1) for a in range(self.plan.arms)], axis=1)

    def seen(self, time: FloatArray, took: IntArray) -> Seen:
        trials, looks, comparisons, weights = self.score.shape
        strata = self.plan.strata
        by_arm = (trials, looks, comparisons // strata, strata, weights)
        return Seen(
            time=time,
            took=took,
            entered=self.entered,
            events=self.events,
            score=self.score.reshape(by_arm).sum(axis=3) if strata > 1 else self.score,
            covariance=self.covariance.reshape(*by_arm, weights).sum(axis=3) if strata > 1 else self.covariance,
            survival=self.survival,
            variance=self.variance,
            rmst=self.rmst,
            rmst_variance=self.rmst_variance,
            piece_events=self.piece_events,
            exposure=self.exposure,
            expected=self.expected,
        )
