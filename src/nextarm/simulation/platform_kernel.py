"""One platform trial after another, compiled: who is open, who comes in where, looks on the way, the last comparison of each arm.

Everything is in calendar time. Before each patient comes, whatever is due by then happens in its order: a look of an arm (at a number of
its patients, or of events in it and its controls), or its last comparison (at its number of events, or ``follow_up`` after its last
patient). What a decision closes is closed for the next patient, and what it opens is open. ``times`` (arms, patients) holds what each
patient's time to the event would be in each arm, from the same uniform; ``words`` the patients' words of randomisation. A plain twin,
patient by patient, is among the tests.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.seam import BoolArray
from nextarm.simulation.sorting import compare_and_sort

#: Columns of the result, one row an arm (row 0, the control: its patients in column N).
OPENED, N, CONTROLS, Z, V, Z_ALL, V_ALL, CONTROLS_ALL, DROPPED, TIME, EVENTS, EARLY, WON, SINCE, UNTIL = range(15)
COLUMNS = 15
#: When an arm that waits for another opens: that one has closed, was dropped, was declared better, or is decided either way.
CLOSED, WAS_DROPPED, WAS_DECLARED, DECIDED = range(4)


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
def event_time(
    arm: int, wanted: int, now: float, since: float, until: float, entry: FloatArray, cell: IntArray, times: FloatArray, drop: FloatArray
) -> float:
    """When the ``wanted``-th event of ``arm`` and its controls (``arm`` below 0: of everybody) was seen; infinite if not by ``now``."""
    seen, m = np.empty(len(entry)), np.int64(0)
    for i in range(len(entry)):
        c = cell[i]
        if c < 0 or (arm >= 0 and (c != arm and (c != 0 or entry[i] < since or entry[i] > until))):
            continue
        if times[c, i] <= drop[i] and entry[i] + times[c, i] <= now:
            seen[m] = entry[i] + times[c, i]
            m += 1
    if m < wanted:
        return np.inf
    compare_and_sort(seen, m)
    return float(seen[wanted - 1])


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def z_at(
    arm: int, now: float, since: float, until: float, entry: FloatArray, cell: IntArray, times: FloatArray, drop: FloatArray
) -> tuple[float, float, int, int]:
    """Z (above 0 where the arm does better), V, controls and events."""
    u, v, controls, events = log_rank_at(arm, now, since, until, entry, cell, times, drop)
    return (-u / math.sqrt(v) if v > 0.0 else 0.0), v, controls, events


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def may_open(waits_for: int, when: int, closed: FloatArray, out: FloatArray, judged: BoolArray) -> bool:
    """Whether what an arm waits for has come about."""
    if waits_for < 0:
        return True
    if when == CLOSED:
        return bool(closed[waits_for] >= 0.0)
    if when == WAS_DROPPED:
        return bool(out[waits_for, DROPPED] > 0.0)
    return bool(out[waits_for, WON] > 0.0) if when == WAS_DECLARED else bool(judged[waits_for])


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def run_platform(
    entry: FloatArray,
    words: FloatArray,
    times: FloatArray,
    drop: FloatArray,
    allocation: IntArray,
    opens: FloatArray,
    after: IntArray,
    when: IntArray,
    opens_events: IntArray,
    target: int,
    events: int,
    looks: IntArray,
    lag: float,
    low: FloatArray,
    high: FloatArray,
    last_bound: float,
    prior_sd: float,
    everybody: bool,
    best_only: bool,
    close_others: bool,
    follow_up: float,
    adaptive: int,
    control_adapts: bool,
    duration: float,
) -> FloatArray:
    """One trial; the result has shape (arms, COLUMNS).

    ``looks``: at so many patients of an arm, or events where it is judged at ``events`` (0: follow-up alone says when), with the bounds
    ``low`` and ``high``. ``prior_sd`` above 0 widens the last bound as a normal prior around no effect does. ``adaptive`` 0 for permuted
    blocks, else the number of patients between updates of the allocation; ``control_adapts``: the control's share moves too.
    """
    arms, patients = times.shape
    nobody: Any = np.int64(-1)  # a plain -1 would have what it is given to compiled twice
    out = np.zeros((arms, COLUMNS))
    opened, closed = np.full(arms, -1.0), np.full(arms, -1.0)
    opened[0] = 0.0
    stage = np.zeros(arms, np.int64)
    due = np.full((arms, len(looks) + 1), np.inf)
    judged = np.zeros(arms, np.bool_)
    cell = np.full(patients, -1)
    count = np.zeros(arms, np.int64)
    block, at, enrolled = np.zeros(0, np.int64), 0, 0
    weight = np.ones(arms)
    mask = 0
    barred = False
    for i in range(patients + 1):
        now = entry[i] if i < patients else np.inf
        if i == patients:
            for k in range(1, arms):
                if opened[k] >= 0.0 and closed[k] < 0.0:
                    closed[k] = duration
        while True:
            first, who, is_look = np.inf, nobody, False
            waiting = False  # picking the best waits until all open arms have come to their look
            for k in range(1, arms):
                if best_only and i < patients and opened[k] >= 0.0 and not judged[k] and stage[k] == 0 and due[k, 0] > now:
                    waiting = True
            for k in range(1, arms):
                if opened[k] < 0.0 or judged[k]:
                    continue
                until = closed[k] if closed[k] >= 0.0 else np.inf
                end = until + follow_up
                if events > 0:
                    end = min(end, event_time(k, events, now, opened[k], until, entry[:i], cell, times, drop))
                look, s = np.inf, stage[k]
                if s < len(looks):
                    if events > 0 and due[k, s] == np.inf:
                        due[k, s] = event_time(k, looks[s], now, opened[k], until, entry[:i], cell, times, drop) + lag
                    look = due[k, s]
                if s == 0 and waiting:
                    look = np.inf
                if look < end and look < first:
                    first, who, is_look = look, k, True
                elif end <= look and end < first:
                    first, who, is_look = end, k, False
            if who < 0 or first > now or first == np.inf:
                break
            won = False
            if is_look and best_only and stage[who] == 0:
                latest = first
                for k in range(1, arms):
                    if opened[k] >= 0.0 and not judged[k] and due[k, 0] < np.inf:
                        latest = max(latest, due[k, 0])
                best, top = nobody, -np.inf
                for k in range(1, arms):
                    if opened[k] >= 0.0 and not judged[k]:
                        until = closed[k] if closed[k] >= 0.0 else np.inf
                        z, _, _, _ = z_at(k, latest, opened[k], until, entry, cell, times, drop)
                        stage[k] = 1
                        if z > top:
                            best, top = k, z
                for k in range(1, arms):
                    if opened[k] >= 0.0 and not judged[k] and (k != best or top < low[0]):
                        out[k, DROPPED], out[k, TIME], judged[k] = 1.0, latest, True
                        if closed[k] < 0.0 or closed[k] > latest:
                            closed[k] = latest
                    elif k == best and top > high[0]:
                        out[k, EARLY], out[k, WON], out[k, TIME], judged[k] = 1.0, 1.0, latest, True
                        if closed[k] < 0.0 or closed[k] > latest:
                            closed[k] = latest
                        won = True
            else:
                k = who
                until = closed[k] if closed[k] >= 0.0 else np.inf
                z, v, _, _ = z_at(k, first, -1.0 if everybody and not is_look else opened[k], until, entry, cell, times, drop)
                if is_look:
                    s = stage[k]
                    stage[k] = s + 1
                    if z < low[s]:
                        out[k, DROPPED], judged[k] = 1.0, True
                    elif z > high[s]:
                        out[k, EARLY], judged[k], won = 1.0, True, True
                else:
                    judged[k] = True
                    bound = last_bound
                    if prior_sd > 0.0:
                        bound = bound * math.sqrt(1.0 + 1.0 / (v * prior_sd * prior_sd)) if v > 0.0 else np.inf
                    won = z >= bound
                if judged[k]:
                    out[k, TIME] = first
                    if closed[k] < 0.0 or closed[k] > first:
                        closed[k] = first
                if won:
                    out[k, WON] = 1.0
            if won and close_others:
                barred = True
                for k in range(1, arms):
                    if opened[k] >= 0.0 and (closed[k] < 0.0 or closed[k] > first):
                        closed[k] = first
        if i == patients:
            break
        fresh = 0
        for k in range(1, arms):
            there = opened[k] < 0.0 and not barred and now >= opens[k] and may_open(after[k], when[k], closed, out, judged)
            if there and (opens_events[k] == 0 or event_time(nobody, opens_events[k], now, 0.0, now, entry[:i], cell, times, drop) <= now):
                opened[k] = now
            if opened[k] >= 0.0 and closed[k] < 0.0:
                fresh |= 1 << k
        if fresh == 0:
            continue
        if adaptive > 0:
            if enrolled > 0 and enrolled % adaptive == 0:
                best_chance = 0.0
                power = 0.5 * enrolled / patients
                for k in range(1, arms):
                    weight[k] = 1.0
                    if fresh & (1 << k):
                        z, _, _, _ = z_at(k, now, opened[k], np.inf, entry, cell, times, drop)
                        chance = 0.5 * math.erfc(-z / math.sqrt(2.0))
                        best_chance = max(best_chance, chance)
                        weight[k] = (chance + 1e-3) ** power
                if control_adapts:
                    weight[0] = (1.0 - best_chance + 1e-3) ** power
            whole, total = allocation[0] * 1.0, 0.0
            for k in range(1, arms):
                if fresh & (1 << k):
                    whole += allocation[k]
                    total += weight[k] * allocation[k]
            mine = allocation[0] / whole  # the control's share stays, unless it adapts too
            if control_adapts:
                mine = weight[0] * allocation[0] / (weight[0] * allocation[0] + total)
            x, c = words[i], 0
            if x >= mine:
                y = (x - mine) / (1.0 - mine) * total
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
            if events == 0:
                for s in range(len(looks)):
                    if count[c] == looks[s]:
                        due[c, s] = now + lag
            if count[c] == target:
                closed[c] = now
    last = 0.0
    for k in range(1, arms):
        if opened[k] < 0.0:
            continue
        out[k, OPENED], out[k, N], out[k, SINCE], out[k, UNTIL] = 1.0, count[k], opened[k], closed[k]
        end = out[k, TIME]
        z, v, controls, seen = z_at(k, end, opened[k], closed[k], entry, cell, times, drop)
        out[k, Z], out[k, V], out[k, CONTROLS], out[k, EVENTS] = z, v, controls, seen
        z, v, controls, _ = z_at(k, end, -1.0, closed[k], entry, cell, times, drop)
        out[k, Z_ALL], out[k, V_ALL], out[k, CONTROLS_ALL] = z, v, controls
        last = max(last, end)
    total_events = 0
    for i in range(patients):
        if cell[i] >= 0:
            total_events += times[cell[i], i] <= min(drop[i], last - entry[i])
    out[0, OPENED], out[0, N], out[0, TIME], out[0, EVENTS] = 1.0, count[0], last, total_events
    return out
