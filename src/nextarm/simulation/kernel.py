"""The fast twin of the oracle: all trials of a block at all their looks, in one compiled pass.

Each trial is sorted once by the patients' own times; a look is then a single walk over the patients in which those who
are censored by the analysis leave in the order of their entry. Entries must rise within a trial. Agreement with
``oracle.py`` is a test, trial by trial.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray


@njit(cache=True)
def _look(
    entry: FloatArray, arm: IntArray, event: FloatArray, dropout: FloatArray, order: IntArray, analysis_time: float,
    hazard_ratio: float, milestone: float, out: FloatArray,
) -> None:  # fmt: skip
    """Walk one trial at one analysis; ``out`` takes z, events, entered, S and variance of arm 0, of arm 1."""
    patients = entry.size
    entered = 0
    at_risk = np.zeros(2, np.int64)
    gone = np.zeros(patients, np.bool_)
    while entered < patients and entry[entered] < analysis_time:
        at_risk[arm[entered]] += 1
        entered += 1
    last = entered - 1  # the latest entrant who has not left by the analysis: the next to be censored by it
    difference = variance = 0.0
    events = 0
    survival, greenwood = np.ones(2), np.zeros(2)
    i = 0
    while i < patients:
        who = order[i]
        if who >= entered or gone[who]:
            i += 1
            continue
        is_event = event[who] <= dropout[who]
        if is_event and entry[who] + event[who] > analysis_time:
            i += 1  # its event lies after the analysis: it leaves by entry, below
            continue
        time = event[who] if is_event else dropout[who]
        while last >= 0 and analysis_time - entry[last] < time:
            seen = event[last] <= dropout[last] and entry[last] + event[last] <= analysis_time
            if not gone[last] and not seen:
                gone[last] = True
                at_risk[arm[last]] -= 1
            last -= 1
        if gone[who]:
            i += 1
            continue
        # Everyone whose own time ties with this one: events first, then all of them leave.
        d0 = d1 = 0
        end = i
        while end < patients:
            other = order[end]
            other_is_event = event[other] <= dropout[other]
            own = event[other] if other_is_event else dropout[other]
            if own != time:
                break
            if other < entered and not gone[other] and other_is_event and entry[other] + event[other] <= analysis_time:
                if arm[other] == 1:
                    d1 += 1
                else:
                    d0 += 1
            end += 1
        d = d0 + d1
        if d > 0:
            n0, n1 = at_risk[0], at_risk[1]
            n = n0 + n1
            share = hazard_ratio * n1 / (n0 + hazard_ratio * n1)
            difference += d * share - d1
            if n > 1:
                variance += d * share * (1.0 - share) * (n - d) / (n - 1)
            events += d
            if time <= milestone:
                for a in range(2):
                    na, da = at_risk[a], (d1 if a == 1 else d0)
                    if da > 0:
                        survival[a] *= 1.0 - da / na
                        if na > da:
                            greenwood[a] += da / (na * (na - da))
        for k in range(i, end):
            other = order[k]
            if other < entered and not gone[other]:
                other_is_event = event[other] <= dropout[other]
                if not other_is_event or entry[other] + event[other] <= analysis_time:
                    gone[other] = True
                    at_risk[arm[other]] -= 1
        i = end
    out[0] = difference / math.sqrt(variance) if variance > 0.0 else 0.0
    out[1], out[2] = events, entered
    for a in range(2):
        out[3 + 2 * a] = survival[a]
        out[4 + 2 * a] = survival[a] * survival[a] * greenwood[a]


@njit(cache=True)
def run_block(
    entry: FloatArray, arm: IntArray, event: FloatArray, dropout: FloatArray, look_events: IntArray, look_latest: FloatArray,
    hazard_ratio: float, milestone: float,
) -> FloatArray:  # fmt: skip
    """Run every trial of a block through its looks.

    The first four arrays have shape (trials, patients), entries rising; ``look_events`` (looks,) holds -1 where a look
    is at a fixed time. Returns (trials, looks, 9): z, events, entered, S0, var S0, S1, var S1, analysis time, and 1 if
    the look took place with its events reached, 0 if it took place at its latest time instead, -1 if it did not take
    place because the trial had already had its last look.
    """
    trials, patients = entry.shape
    looks = look_events.size
    out = np.zeros((trials, looks, 9))
    own = np.empty(patients)
    calendar = np.empty(patients)
    for t in range(trials):
        count = 0
        for p in range(patients):
            own[p] = min(event[t, p], dropout[t, p])
            if event[t, p] <= dropout[t, p] and event[t, p] < np.inf:
                calendar[count] = entry[t, p] + event[t, p]
                count += 1
        order = np.argsort(own)
        happens = np.sort(calendar[:count])
        ended = False
        for k in range(looks):
            if ended:
                out[t, k, 8] = -1.0
                continue
            analysis_time, reached = look_latest[k], 1.0
            if look_events[k] >= 0:
                if look_events[k] <= count and happens[look_events[k] - 1] <= look_latest[k]:
                    analysis_time = happens[look_events[k] - 1]
                else:
                    reached, ended = 0.0, True
            _look(entry[t], arm[t], event[t], dropout[t], order, analysis_time, hazard_ratio, milestone, out[t, k, :7])
            out[t, k, 7], out[t, k, 8] = analysis_time, reached
    return out
