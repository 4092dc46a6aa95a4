"""Compiled passes of the Cox partial likelihood over patients sorted by stratum and time.

Rows come sorted by stratum, then time falling, events before censorings not needed: all rows of one time are taken
together. Delayed entries are removed in a second order (stratum, entry falling). Efron's correction spreads tied deaths:
the k-th of m leaves out k/m of the tied deaths' own sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def likelihood(
    beta: Any, x: Any, time: Any, event: Any, weight: Any, stratum: Any, order: Any, entry: Any, entry_order: Any, efron: bool
) -> Any:
    """Log partial likelihood, gradient and information at ``beta``."""
    n, p = x.shape
    loglik = 0.0
    gradient = np.zeros(p)
    information = np.zeros((p, p))
    s0 = 0.0
    s1, s2 = np.zeros(p), np.zeros((p, p))
    t1, t2 = np.zeros(p), np.zeros((p, p))
    eta = x @ beta
    i = e = 0
    here = -1
    while i < n:
        k = order[i]
        if i == 0 or stratum[k] != here:
            here = stratum[k]
            s0 = 0.0
            s1[:] = 0.0
            s2[:] = 0.0
            while e < entry_order.size and stratum[entry_order[e]] != here:
                e += 1
        t = time[k]
        deaths, death_weight, t0 = 0, 0.0, 0.0
        t1[:] = 0.0
        t2[:] = 0.0
        while i < n and stratum[order[i]] == here and time[order[i]] == t:
            k = order[i]
            r = weight[k] * np.exp(eta[k])
            s0 += r
            for a in range(p):
                s1[a] += r * x[k, a]
                for b in range(a + 1):
                    s2[a, b] += r * x[k, a] * x[k, b]
            if event[k] > 0:
                deaths += 1
                death_weight += weight[k]
                t0 += r
                loglik += weight[k] * eta[k]
                for a in range(p):
                    gradient[a] += weight[k] * x[k, a]
                    t1[a] += r * x[k, a]
                    for b in range(a + 1):
                        t2[a, b] += r * x[k, a] * x[k, b]
            i += 1
        while e < entry_order.size and stratum[entry_order[e]] == here and entry[entry_order[e]] >= t:
            k = entry_order[e]
            r = weight[k] * np.exp(eta[k])
            s0 -= r
            for a in range(p):
                s1[a] -= r * x[k, a]
                for b in range(a + 1):
                    s2[a, b] -= r * x[k, a] * x[k, b]
            e += 1
        if deaths > 0:
            share = death_weight / deaths
            for m in range(deaths):
                f = m / deaths if efron else 0.0
                d0 = s0 - f * t0
                loglik -= share * np.log(d0)
                for a in range(p):
                    mean_a = (s1[a] - f * t1[a]) / d0
                    gradient[a] -= share * mean_a
                    for b in range(a + 1):
                        mean_b = (s1[b] - f * t1[b]) / d0
                        information[a, b] += share * ((s2[a, b] - f * t2[a, b]) / d0 - mean_a * mean_b)
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]
    return loglik, gradient, information


@njit(cache=True)
def event_moments(
    beta: Any, x: Any, time: Any, event: Any, weight: Any, stratum: Any, order: Any, entry: Any, entry_order: Any, efron: bool
) -> Any:
    """At each (stratum, event time): time, stratum, weighted hazard sums for score residuals, and information there.

    Returns arrays over event times: time, stratum; hazard for those not tied (H) and tied (Ht); hazard times mean (M, Mt);
    average mean for tied deaths (P); the information (V); sum of weighted Schoenfeld residuals (U).
    """
    n, p = x.shape
    size = 0
    for i in range(n):
        size += event[order[i]] > 0
    at, st = np.zeros(size), np.zeros(size, np.int64)
    H, Ht = np.zeros(size), np.zeros(size)
    M, Mt, P, U = np.zeros((size, p)), np.zeros((size, p)), np.zeros((size, p)), np.zeros((size, p))
    V = np.zeros((size, p, p))
    s0, s1, s2 = 0.0, np.zeros(p), np.zeros((p, p))
    t1, t2, x1 = np.zeros(p), np.zeros((p, p)), np.zeros(p)
    mean = np.zeros(p)
    eta = x @ beta
    i = e = 0
    here = -1
    row = 0
    while i < n:
        k = order[i]
        if i == 0 or stratum[k] != here:
            here = stratum[k]
            s0 = 0.0
            s1[:] = 0.0
            s2[:] = 0.0
            while e < entry_order.size and stratum[entry_order[e]] != here:
                e += 1
        t = time[k]
        deaths, death_weight, t0 = 0, 0.0, 0.0
        t1[:] = 0.0
        t2[:] = 0.0
        x1[:] = 0.0
        while i < n and stratum[order[i]] == here and time[order[i]] == t:
            k = order[i]
            r = weight[k] * np.exp(eta[k])
            s0 += r
            for a in range(p):
                s1[a] += r * x[k, a]
                for b in range(p):
                    s2[a, b] += r * x[k, a] * x[k, b]
            if event[k] > 0:
                deaths += 1
                death_weight += weight[k]
                t0 += r
                for a in range(p):
                    x1[a] += weight[k] * x[k, a]
                    t1[a] += r * x[k, a]
                    for b in range(p):
                        t2[a, b] += r * x[k, a] * x[k, b]
            i += 1
        while e < entry_order.size and stratum[entry_order[e]] == here and entry[entry_order[e]] >= t:
            k = entry_order[e]
            r = weight[k] * np.exp(eta[k])
            s0 -= r
            for a in range(p):
                s1[a] -= r * x[k, a]
                for b in range(p):
                    s2[a, b] -= r * x[k, a] * x[k, b]
            e += 1
        if deaths > 0:
            share = death_weight / deaths
            at[row], st[row] = t, here
            for m in range(deaths):
                f = m / deaths if efron else 0.0
                d0 = s0 - f * t0
                hazard = share / d0
                H[row] += hazard
                Ht[row] += (1.0 - f) * hazard
                for a in range(p):
                    mean[a] = (s1[a] - f * t1[a]) / d0
                    M[row, a] += hazard * mean[a]
                    Mt[row, a] += (1.0 - f) * hazard * mean[a]
                    P[row, a] += mean[a] / deaths
                for a in range(p):
                    for b in range(p):
                        V[row, a, b] += share * ((s2[a, b] - f * t2[a, b]) / d0 - mean[a] * mean[b])
            for a in range(p):
                U[row, a] = x1[a] - death_weight * P[row, a]
            row += 1
    return at[:row], st[:row], H[:row], Ht[:row], M[:row], Mt[:row], P[:row], V[:row], U[:row]
