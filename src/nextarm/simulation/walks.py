"""The two walks over the sorted keys of a trial at a look, compiled. See ``kernel.py`` for what a key is.

What they fill has the looks as its second axis and is handed over whole, with the look's number: a slice is of another type where
there is one look, or none of what it holds, and each type would be compiled anew (four seconds).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray

_TIME = np.int64(-256)


@njit(cache=True, error_model="numpy")
def walk_log_rank(
    look: int, keys: Any, entered: IntArray, code: Any, ratio: float, score: FloatArray, variance: FloatArray, entered_by_arm: IntArray,
    events: IntArray, again: Any,
) -> None:  # fmt: skip
    """Plain log-rank scores of two arms; ``again`` stays True for a trial with tied event times, which is for the other walk."""
    for t in range(keys.shape[0]):
        m = entered[t]
        ones = 0
        for p in range(m):
            ones += int(code[t, p] & 63)
        entered_by_arm[t, look, 0], entered_by_arm[t, look, 1] = m - ones, ones
        n1, extra = float(ones), ratio - 1.0
        u = v = 0.0
        dead = dead1 = 0
        ties = 0
        before = np.int64(-1)
        for i in range(m):
            key = keys[t, i]
            event = 1 - ((key >> 6) & 1)
            one = key & 1
            ties |= np.int64((key & _TIME) == before) & event
            before = (key & _TIME) if event else np.int64(-1)
            share = ratio * n1 / (m - i + extra * n1)
            weight = float(event)
            u += weight * (one - share)
            v += weight * share * (1.0 - share)
            dead += event
            dead1 += event & one
            n1 -= one
        score[t, look, 0, 0], variance[t, look, 0, 0, 0] = u, v
        events[t, look, 0], events[t, look, 1] = dead - dead1, dead1
        again[t] = ties != 0


@njit(cache=True, error_model="numpy")
def walk_general(
    look: int, keys: Any, entered: IntArray, code: Any, chosen: Any, roles: Any, arm_of: IntArray, arms: int, ratio: float,
    weights: FloatArray, milestones: FloatArray, tau: float, edges: FloatArray, entered_by_arm: IntArray, events: IntArray,
    score: FloatArray, covariance: FloatArray, survival: FloatArray, variance: FloatArray, rmst: FloatArray, rmst_variance: FloatArray,
    piece_events: IntArray, exposure: FloatArray,
) -> None:  # fmt: skip
    """Everything that can be asked for, in one pass over the distinct times of each ``chosen`` trial."""
    comparisons, cells = roles.shape
    kinds, points, pieces = weights.shape[0], milestones.size, edges.size - 1
    curves, means = points > 0 or tau == tau, tau == tau
    n0, n1, d0, d1 = np.empty(comparisons), np.empty(comparisons), np.empty(comparisons), np.empty(comparisons)
    pooled, floor = np.empty(comparisons), np.empty((comparisons, kinds))
    at_risk, dead, gone = np.empty(arms), np.empty(arms), np.empty(arms)
    cell_gone, cell_dead = np.empty(cells, np.int64), np.empty(cells, np.int64)
    s, g = np.empty(arms), np.empty(arms)
    area, sum_g, sum_bg, sum_bbg, until = np.empty(arms), np.empty(arms), np.empty(arms), np.empty(arms), np.empty(arms)
    level = np.empty(arms)
    w = np.empty(kinds)
    bits = np.empty(1, np.int64)
    as_float = bits.view(np.float64)
    for t in range(keys.shape[0]):
        if not chosen[t]:
            continue
        m = entered[t]
        n0[:], n1[:], at_risk[:] = 0.0, 0.0, 0.0
        for p in range(m):
            cell = int(code[t, p] & 63)
            at_risk[arm_of[cell]] += 1.0
            for c in range(comparisons):
                if roles[c, cell] == 0:
                    n0[c] += 1.0
                elif roles[c, cell] == 1:
                    n1[c] += 1.0
        for a in range(arms):
            entered_by_arm[t, look, a], events[t, look, a] = int(at_risk[a]), 0
        score[t, look] = 0.0
        covariance[t, look] = 0.0
        pooled[:], floor[:] = 1.0, -1.0
        s[:], g[:], level[:] = 1.0, 0.0, 1.0
        survival[t, look] = 1.0
        variance[t, look] = 0.0
        exposure[t, look] = 0.0
        piece_events[t, look] = 0
        area[:], sum_g[:], sum_bg[:], sum_bbg[:], until[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        i = 0
        while i < m:
            bits[0] = keys[t, i] & _TIME
            now = as_float[0]
            cell_gone[:], cell_dead[:] = 0, 0
            any_dead = 0
            while i < m and (keys[t, i] & _TIME) == bits[0]:
                cell = keys[t, i] & 63
                event = 1 - ((keys[t, i] >> 6) & 1)
                cell_gone[cell] += 1
                cell_dead[cell] += event
                any_dead += event
                i += 1
            dead[:], gone[:] = 0.0, 0.0
            for cell in range(cells):
                dead[arm_of[cell]] += cell_dead[cell]
                gone[arm_of[cell]] += cell_gone[cell]
            if pieces > 0:
                for a in range(arms):
                    if gone[a] > 0.0:
                        for j in range(pieces):
                            exposure[t, look, a, j] += gone[a] * max(min(now, edges[j + 1]) - edges[j], 0.0)
                            if edges[j] <= now < edges[j + 1]:
                                piece_events[t, look, a, j] += int(dead[a])
            if any_dead > 0:
                for c in range(comparisons):
                    d0[c] = d1[c] = 0.0
                    for cell in range(cells):
                        if roles[c, cell] == 0:
                            d0[c] += cell_dead[cell]
                        elif roles[c, cell] == 1:
                            d1[c] += cell_dead[cell]
                    d, n = d0[c] + d1[c], n0[c] + n1[c]
                    if d == 0.0 or kinds == 0:
                        continue
                    share = ratio * n1[c] / (n0[c] + ratio * n1[c])
                    spread = share * (1.0 - share)
                    if d > 1.0:
                        spread *= d * (n - d) / (n - 1.0)
                    for k in range(kinds):
                        if weights[k, 2] == np.inf:
                            low, high = weights[k, 0], weights[k, 1]
                            w[k] = (1.0 if low == 0.0 else pooled[c] ** low) * (1.0 if high == 0.0 else (1.0 - pooled[c]) ** high)
                        else:
                            if floor[c, k] < 0.0 and now > weights[k, 2]:
                                floor[c, k] = pooled[c]
                            w[k] = 1.0 / max(pooled[c], floor[c, k])
                    for k in range(kinds):
                        score[t, look, c, k] += w[k] * (d1[c] - d * share)
                        for j in range(kinds):
                            covariance[t, look, c, k, j] += w[k] * w[j] * spread
                    pooled[c] *= 1.0 - d / n
                for a in range(arms):
                    events[t, look, a] += int(dead[a])
                    if not curves or dead[a] == 0.0:
                        continue
                    step = dead[a] / (at_risk[a] * (at_risk[a] - dead[a])) if at_risk[a] > dead[a] else 0.0
                    if means and now <= tau:
                        area[a] += s[a] * (now - until[a])
                        until[a] = now
                        sum_g[a] += step
                        sum_bg[a] += area[a] * step
                        sum_bbg[a] += area[a] * area[a] * step
                    s[a] *= 1.0 - dead[a] / at_risk[a]
                    g[a] += step
                    if means and now <= tau:
                        level[a] = s[a]
                    for k in range(points):
                        if now <= milestones[k]:
                            survival[t, look, a, k], variance[t, look, a, k] = s[a], s[a] * s[a] * g[a]
            for cell in range(cells):
                if cell_gone[cell] > 0:
                    at_risk[arm_of[cell]] -= cell_gone[cell]
                    for c in range(comparisons):
                        if roles[c, cell] == 0:
                            n0[c] -= cell_gone[cell]
                        elif roles[c, cell] == 1:
                            n1[c] -= cell_gone[cell]
        if means:
            for a in range(arms):
                total = area[a] + level[a] * (tau - until[a])
                rmst[t, look, a] = total
                rmst_variance[t, look, a] = max(total * total * sum_g[a] - 2.0 * total * sum_bg[a] + sum_bbg[a], 0.0)
