"""Compiled inner loops: one pass over patients sorted by time, from the last to the first.

Sums run backwards so that the number at risk is built up by additions; it cannot drift below zero by rounding. Loaded
only when an estimator runs (numba costs start-up).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def distinct_times(order: Any, time: Any) -> int:
    """Number of distinct values of ``time`` taken in ``order``."""
    count = 0
    for i in range(order.size):
        if i == 0 or time[order[i]] != time[order[i - 1]]:
            count += 1
    return count


@njit(cache=True)
def count_table(
    order: Any, time: Any, cause: Any, group: Any, weight: Any, entry_order: Any, entry: Any, n_groups: int, n_causes: int
) -> Any:
    """Distinct times with weight at risk, of events by cause and of censorings, by group.

    ``entry_order`` lists the patients with delayed entry by entry time (empty without). At risk at t: entry < t <= time.
    Where everyone at risk has the event the two weights are made exactly equal, so that S is exactly 0 there.
    """
    rows = distinct_times(order, time)
    times = np.zeros(rows)
    at_risk = np.zeros((rows, n_groups))
    events = np.zeros((rows, n_groups, n_causes))
    censored = np.zeros((rows, n_groups))
    now = np.zeros(n_groups)
    heads = np.zeros(n_groups, np.int64)
    falls = np.zeros(n_groups, np.int64)
    e = entry_order.size - 1
    i = order.size - 1
    for row in range(rows - 1, -1, -1):
        t = time[order[i]]
        times[row] = t
        falls[:] = 0
        while i >= 0 and time[order[i]] == t:
            k = order[i]
            g = group[k]
            now[g] += weight[k]
            heads[g] += 1
            if cause[k] > 0:
                events[row, g, cause[k] - 1] += weight[k]
                falls[g] += 1
            else:
                censored[row, g] += weight[k]
            i -= 1
        while e >= 0 and entry[entry_order[e]] >= t:
            k = entry_order[e]
            now[group[k]] -= weight[k]
            heads[group[k]] -= 1
            e -= 1
        for g in range(n_groups):
            if heads[g] == falls[g]:
                now[g] = events[row, g].sum()
            at_risk[row, g] = now[g]
    return times, at_risk, events, censored


@njit(cache=True)
def km_curve(order: Any, time: Any, event: Any) -> Any:
    """Kaplan-Meier without weights or delayed entry: times, at risk, events, S and the Greenwood sum at distinct times."""
    n = order.size
    rows = distinct_times(order, time)
    times = np.empty(rows)
    at_risk = np.empty(rows, np.int64)
    events = np.empty(rows, np.int64)
    survival = np.empty(rows)
    greenwood = np.empty(rows)
    s, v, i = 1.0, 0.0, 0
    for row in range(rows):
        t = time[order[i]]
        risk = n - i
        d = 0
        while i < n and time[order[i]] == t:
            if event[order[i]] > 0:
                d += 1
            i += 1
        if d > 0:
            s *= (risk - d) / risk
            v = v + d / (risk * (risk - d)) if risk > d else np.nan
        times[row], at_risk[row], events[row], survival[row], greenwood[row] = t, risk, d, s, v
    return times, at_risk, events, survival, greenwood


@njit(cache=True)
def two_arm_log_rank(order: Any, time: Any, event: Any, arm: Any) -> Any:
    """Observed minus expected events of arm 1, and the hypergeometric variance; no weights, no delayed entry."""
    i = order.size - 1
    n0 = n1 = 0
    u = v = 0.0
    while i >= 0:
        t = time[order[i]]
        d0 = d1 = 0
        while i >= 0 and time[order[i]] == t:
            k = order[i]
            if arm[k] == 0:
                n0 += 1
                d0 += event[k] > 0
            else:
                n1 += 1
                d1 += event[k] > 0
            i -= 1
        d = d0 + d1
        if d > 0:
            n = n0 + n1
            u += d1 - d * (n1 / n)
            if n > 1:
                v += d * (n1 / n) * (n0 / n) * ((n - d) / (n - 1.0))
    return u, v
