"""One platform trial after another, compiled: who is open, who comes in where, looks on the way, the last comparison of each arm.

Everything is in calendar time. ``times`` (arms, patients) holds what each patient's time to the event would be in each arm, from the
same uniform; ``words`` the patients' words of randomisation. A plain twin, patient by patient, is among the tests.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from nextarm.core.units import FloatArray, IntArray

#: Columns of the result, one row an arm (row 0, the control: its patients in column N).
OPENED, N, CONTROLS, Z, V, Z_ALL, V_ALL, CONTROLS_ALL, DROPPED, TIME, EVENTS, EARLY = range(12)
COLUMNS = 12


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def log_rank_at(
    arm: int, now: float, since: float, until: float, entry: FloatArray, cell: IntArray, times: FloatArray, drop: FloatArray
) -> tuple[float, float, int, int]:
    """U, V, controls and events of ``arm`` against the controls that entered in [``since``, ``until``], with what is seen at ``now``."""
    n = len(entry)
    follow, event, mine = np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)
    m, controls = 0, 0
    for i in range(n):
        c = cell[i]
        if c < 0 or entry[i] > now or (c != arm and c != 0):
            continue
        if c == 0 and (entry[i] < since or entry[i] > until):
            continue
        seen = min(times[c, i], drop[i], now - entry[i])
        follow[m], event[m], mine[m] = seen, times[c, i] <= min(drop[i], now - entry[i]), c == arm
        controls += c == 0
        m += 1
    order = np.argsort(follow[:m])
    left, left_mine = m, m - controls
    u, v, events = 0.0, 0.0, 0
    for j in range(m):
        i = order[j]
        if event[i]:
            share = left_mine / left
            u += (1.0 if mine[i] else 0.0) - share
            v += share * (1.0 - share)
            events += 1
        left -= 1
        if mine[i]:
            left_mine -= 1
    return u, v, controls, events


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def run_platform(
    entry: FloatArray,
    words: FloatArray,
    times: FloatArray,
    drop: FloatArray,
    allocation: IntArray,
    opens: FloatArray,
    after: IntArray,
    target: int,
    interim: int,
    lag: float,
    drop_below: float,
    declare_above: float,
    best_only: bool,
    follow_up: float,
    adaptive: int,
    duration: float,
) -> FloatArray:
    """One trial; the result has shape (arms, COLUMNS).

    ``adaptive`` 0 for permuted blocks, else the number of patients between updates of the allocation.
    """
    arms, patients = times.shape
    out = np.zeros((arms, COLUMNS))
    opened, closed = np.full(arms, -1.0), np.full(arms, -1.0)
    opened[0] = 0.0
    look = np.full(arms, np.inf)
    looked = np.zeros(arms, np.bool_)
    cell = np.full(patients, -1)
    count = np.zeros(arms, np.int64)
    block, at, enrolled = np.zeros(0, np.int64), 0, 0
    weight = np.ones(arms)
    mask = 0
    for i in range(patients + 1):
        now = entry[i] if i < patients else np.inf
        # looks that have come
        ready = 0
        for k in range(1, arms):
            if not looked[k] and look[k] <= now:
                ready += 1
        if best_only and ready > 0:  # the look waits until all open arms have come to theirs
            waiting = False
            for k in range(1, arms):
                if closed[k] < 0.0 and not looked[k] and look[k] > now:
                    waiting = True
            if not waiting:
                latest = 0.0
                for k in range(1, arms):
                    if not looked[k] and look[k] < np.inf:
                        latest = max(latest, look[k])
                best, top = -1, -np.inf
                for k in range(1, arms):
                    if opened[k] >= 0.0:
                        u, v, _, _ = log_rank_at(k, latest, opened[k], np.inf, entry, cell, times, drop)
                        z = -u / math.sqrt(v) if v > 0.0 else 0.0
                        looked[k] = True
                        if z > top:
                            best, top = k, z
                for k in range(1, arms):
                    if opened[k] >= 0.0 and (k != best or top < drop_below):
                        out[k, DROPPED] = 1.0
                        if closed[k] < 0.0:
                            closed[k] = latest
        elif ready > 0:
            for k in range(1, arms):
                if not looked[k] and look[k] <= now:
                    looked[k] = True
                    u, v, _, _ = log_rank_at(k, look[k], opened[k], np.inf, entry, cell, times, drop)
                    z = -u / math.sqrt(v) if v > 0.0 else 0.0
                    if z < drop_below:
                        out[k, DROPPED] = 1.0
                        if closed[k] < 0.0:
                            closed[k] = look[k]
                    elif z > declare_above:
                        out[k, EARLY] = 1.0
                        out[k, TIME] = look[k]
                        if closed[k] < 0.0:
                            closed[k] = look[k]
        if i == patients:
            break
        fresh = 0
        for k in range(1, arms):
            if opened[k] < 0.0 and now >= opens[k] and (after[k] < 0 or closed[after[k]] >= 0.0):
                opened[k] = now
            if opened[k] >= 0.0 and closed[k] < 0.0:
                fresh |= 1 << k
        if fresh == 0:
            continue
        if adaptive > 0:
            if fresh != mask:
                mask = fresh
            if enrolled > 0 and enrolled % adaptive == 0:
                for k in range(1, arms):
                    weight[k] = 1.0
                    if fresh & (1 << k):
                        u, v, _, _ = log_rank_at(k, now, opened[k], np.inf, entry, cell, times, drop)
                        z = -u / math.sqrt(v) if v > 0.0 else 0.0
                        weight[k] = (0.5 * math.erfc(-z / math.sqrt(2.0)) + 1e-3) ** (0.5 * enrolled / patients)
            whole, total = allocation[0] * 1.0, 0.0
            for k in range(1, arms):
                if fresh & (1 << k):
                    whole += allocation[k]
                    total += weight[k] * allocation[k]
            x, c = words[i] * whole, 0
            if x >= allocation[0]:
                y = (x - allocation[0]) / (whole - allocation[0]) * total
                for k in range(1, arms):
                    if fresh & (1 << k):
                        c = k
                        y -= weight[k] * allocation[k]
                        if y < 0.0:
                            break
        else:
            if fresh != mask or at == len(block):
                mask, at = fresh, 0
                size = allocation[0]
                for k in range(1, arms):
                    if fresh & (1 << k):
                        size += allocation[k]
                plain = np.empty(size, np.int64)
                q = 0
                for k in range(arms):
                    if k == 0 or fresh & (1 << k):
                        for _ in range(allocation[k]):
                            plain[q] = k
                            q += 1
                order = np.argsort(words[i : i + size])
                block = np.empty(size, np.int64)
                for q in range(size):
                    block[order[q]] = plain[q]
            c = block[at]
            at += 1
        cell[i] = c
        count[c] += 1
        enrolled += 1
        if c > 0:
            if count[c] == interim:
                look[c] = now + lag
            if count[c] == target:
                closed[c] = now
    last = 0.0
    for k in range(1, arms):
        if opened[k] < 0.0:
            continue
        out[k, OPENED], out[k, N] = 1.0, count[k]
        if closed[k] < 0.0:
            closed[k] = duration
        if out[k, EARLY] == 0.0 and out[k, DROPPED] == 0.0:
            out[k, TIME] = closed[k] + follow_up
        elif out[k, DROPPED] == 1.0:
            out[k, TIME] = closed[k]
        when = out[k, TIME]
        u, v, controls, events = log_rank_at(k, when, opened[k], closed[k], entry, cell, times, drop)
        out[k, Z], out[k, V], out[k, CONTROLS], out[k, EVENTS] = (-u / math.sqrt(v) if v > 0.0 else 0.0), v, controls, events
        u, v, controls, _ = log_rank_at(k, when, -1.0, closed[k], entry, cell, times, drop)
        out[k, Z_ALL], out[k, V_ALL], out[k, CONTROLS_ALL] = (-u / math.sqrt(v) if v > 0.0 else 0.0), v, controls
        last = max(last, when)
    total = 0
    for i in range(patients):
        if cell[i] >= 0:
            total += times[cell[i], i] <= min(drop[i], last - entry[i])
    out[0, OPENED], out[0, N], out[0, TIME], out[0, EVENTS] = 1.0, count[0], last, total
    return out
