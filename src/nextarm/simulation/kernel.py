"""The fast twin of the oracle: a trial at all its looks, compiled.

Those who can matter are sorted once by their own times; a look is then a single walk over them in which those who are
censored by the analysis leave in the order of their entry, the latest first. Agreement with ``oracle.py`` is a test,
trial by trial. Two doors: ``run_lanes`` for draws, ``run_cohorts`` for patients from anywhere.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray
from nextarm.simulation.draws import Cohort
from nextarm.simulation.lanes import Lanes
from nextarm.simulation.sorting import settle, sort_spread

#: Columns of what is seen at a look.
Z, EVENTS, ENTERED, S0, V0, S1, V1, TIME, REACHED = range(9)


@njit(cache=True, error_model="numpy")
def _look(
    entry: FloatArray, arm: IntArray, time: FloatArray, kind: IntArray, who: IntArray, leaves: FloatArray, count: int,
    analysis_time: float, hazard_ratio: float, milestone: float, out: FloatArray,
) -> None:  # fmt: skip
    """Walk one trial at one analysis.

    ``time``, ``kind`` and ``who`` (``count`` used) are of those who can matter, times rising; kind is the arm, plus 2 for
    a dropout; ``leaves`` (patients,) the calendar time of a patient's own event or dropout, infinity if never.
    """
    entered = np.searchsorted(entry, analysis_time)
    ones = 0
    for p in range(entered):
        ones += arm[p]
    n0, n1 = entered - ones, ones
    last = entered - 1  # the latest entrant not yet looked at: the next to be censored by the analysis
    difference = variance = 0.0
    events = 0
    s0 = s1 = 1.0
    v0 = v1 = 0.0
    i = 0
    while i < count:
        now = time[i]
        if now > analysis_time:
            break  # nobody has been followed that long
        d0 = d1 = gone0 = gone1 = 0
        while True:  # all whose own time ties with this one
            w, k = who[i], kind[i]
            known = int((w < entered) & (leaves[w] <= analysis_time))
            one = k & 1
            gone0 += known * (1 - one)
            gone1 += known * one
            d0 += known * int(k == 0)
            d1 += known * int(k == 1)
            i += 1
            if i >= count or time[i] != now:
                break
        if gone0 + gone1 == 0:
            continue
        while last >= 0 and analysis_time - entry[last] < now:
            unknown = int(leaves[last] > analysis_time)
            n1 -= unknown * arm[last]
            n0 -= unknown * (1 - arm[last])
            last -= 1
        d = d0 + d1
        if d > 0:
            n = n0 + n1
            share = hazard_ratio * n1 / (n0 + hazard_ratio * n1)
            difference += d * share - d1
            if d == 1:
                variance += share * (1.0 - share)  # what the formula below is without ties, n = 1 included
            elif n > 1:
                variance += d * share * (1.0 - share) * (n - d) / (n - 1)
            events += d
            if now <= milestone:
                if d0 > 0:
                    s0 *= 1.0 - d0 / n0
                    v0 += d0 / (n0 * (n0 - d0)) if n0 > d0 else 0.0
                if d1 > 0:
                    s1 *= 1.0 - d1 / n1
                    v1 += d1 / (n1 * (n1 - d1)) if n1 > d1 else 0.0
        n0 -= gone0
        n1 -= gone1
    out[0] = difference / math.sqrt(variance) if variance > 0.0 else 0.0
    out[1], out[2] = events, entered
    out[3], out[4] = s0, s0 * s0 * v0
    out[5], out[6] = s1, s1 * s1 * v1


@njit(cache=True, error_model="numpy")
def _looks(
    entry: FloatArray, arm: IntArray, time: FloatArray, kind: IntArray, who: IntArray, leaves: FloatArray, count: int,
    calendar: FloatArray, look_events: IntArray, look_latest: FloatArray, hazard_ratio: float, milestone: float, out: FloatArray,
) -> None:  # fmt: skip
    """All looks of one trial; ``calendar`` holds the rising calendar times of its events."""
    ended = False
    for k in range(look_events.size):
        if ended:
            out[k, 8] = -1.0
            continue
        at, reached = look_latest[k], 1.0
        if look_events[k] >= 0:
            if look_events[k] <= calendar.size and calendar[look_events[k] - 1] <= look_latest[k]:
                at = calendar[look_events[k] - 1]
            else:
                reached, ended = 0.0, True
        _look(entry, arm, time, kind, who, leaves, count, at, hazard_ratio, milestone, out[k, :7])
        out[k, 7], out[k, 8] = at, reached


@njit(cache=True, error_model="numpy")
def _run_lanes(
    entry: FloatArray, arm: IntArray, t0: FloatArray, t1: FloatArray, t2: FloatArray, w0: IntArray, w1: IntArray, w2: IntArray,
    start: IntArray, look_events: IntArray, look_latest: FloatArray, hazard_ratio: float, milestone: float,
) -> FloatArray:  # fmt: skip
    trials, patients = entry.shape
    latest = look_latest.max()
    out = np.zeros((trials, look_events.size, 9))
    never = np.inf
    event, dropout, leaves = np.full(patients, never), np.full(patients, never), np.full(patients, never)
    time, kind, who = np.empty(2 * patients), np.empty(2 * patients, np.int64), np.empty(2 * patients, np.int64)
    calendar, happens = np.empty(patients), np.empty(patients)
    nobody, out_nobody, place = np.zeros(patients, np.int64), np.empty(patients, np.int64), np.empty(patients + 1, np.int64)
    timed_by_events = look_events.max() >= 0
    for t in range(trials):
        event[:], dropout[:], leaves[:] = never, never, never
        a, b, c = start[t]
        end0, end1, end2 = start[t + 1]
        # The quantile function of sorted numbers is sorted, but for its last digit.
        settle(t0, w0, a, end0)
        settle(t1, w1, b, end1)
        settle(t2, w2, c, end2)
        for j in range(a, end0):
            event[w0[j]] = t0[j]
        for j in range(b, end1):
            event[w1[j]] = t1[j]
        for j in range(c, end2):
            dropout[w2[j]] = t2[j]
        count = seen = 0
        longest = 0.0
        while a < end0 or b < end1 or c < end2:
            x = t0[a] if a < end0 else never
            y = t1[b] if b < end1 else never
            z = t2[c] if c < end2 else never
            if a < end0 and x <= y and x <= z:
                w, k, own = w0[a], 0, x
                a += 1
            elif b < end1 and y <= z:
                w, k, own = w1[b], 1, y
                b += 1
            elif c < end2:
                w, k, own = w2[c], 2 + arm[t, w2[c]], z
                c += 1
            else:  # what is left never happens
                break
            if (k < 2 and dropout[w] < own) or (k >= 2 and event[w] <= own):
                continue  # the patient's other time comes first
            time[count], kind[count], who[count] = own, k, w
            count += 1
            leaves[w] = entry[t, w] + own
            if k < 2 and leaves[w] <= latest:
                calendar[seen] = leaves[w]
                longest = max(longest, leaves[w])
                seen += 1
        if timed_by_events:
            sort_spread(calendar, nobody, seen, longest, happens, out_nobody, place)
        _looks(
            entry[t], arm[t], time, kind, who, leaves, count, happens[:seen], look_events, look_latest, hazard_ratio, milestone, out[t]
        )  # fmt: skip
    return out


@njit(cache=True, error_model="numpy")
def _run_cohorts(
    entry: FloatArray, arm: IntArray, event: FloatArray, dropout: FloatArray, look_events: IntArray, look_latest: FloatArray,
    hazard_ratio: float, milestone: float,
) -> FloatArray:  # fmt: skip
    trials, patients = entry.shape
    out = np.zeros((trials, look_events.size, 9))
    kind, time = np.empty(patients, np.int64), np.empty(patients)
    for t in range(trials):
        own = np.minimum(event[t], dropout[t])
        leaves = entry[t] + own
        order = np.argsort(own)
        happens = np.sort(leaves[(event[t] <= dropout[t]) & (event[t] < np.inf)])
        count = 0
        for i in range(patients):
            w = order[i]
            if own[w] < np.inf:
                time[i], kind[i] = own[w], arm[t, w] + (0 if event[t, w] <= dropout[t, w] else 2)
                count += 1
        _looks(entry[t], arm[t], time, kind, order, leaves, count, happens, look_events, look_latest, hazard_ratio, milestone, out[t])
    return out


def run_lanes(lanes: Lanes, *, events: IntArray, latest: FloatArray, hazard_ratio: float, milestone: float) -> FloatArray:
    """Run trials through their looks.

    ``events`` (looks,) holds -1 where a look is at a fixed time, ``latest`` (looks,) the times. Returns (trials, looks,
    9): z, events, entered, S0, var S0, S1, var S1, analysis time, and 1 if the look took place with its events reached,
    0 if it took place at its latest time instead, -1 if it did not take place because the trial had already had its last
    look.
    """
    found: FloatArray = _run_lanes(lanes.entry, lanes.arm, *lanes.time, *lanes.who, lanes.start, events, latest, hazard_ratio, milestone)
    return found


def run_cohorts(cohort: Cohort, *, events: IntArray, latest: FloatArray, hazard_ratio: float, milestone: float) -> FloatArray:
    """What :func:`run_lanes` gives, for patients from anywhere: arrays (trials, patients), entries rising in each trial."""
    found: FloatArray = _run_cohorts(
        cohort.entry, cohort.arm, cohort.event, cohort.dropout, events, latest, hazard_ratio, milestone
    )  # fmt: skip
    return found
