"""The algorithm of Guyot, Ades, Ouwens and Welton 2012, doi 10.1186/1471-2288-12-9, for comparison.

Within each at-risk interval censorings are spread evenly, deaths at a reading are round(n (1 - S_k / S of the last
reading with a death)), and the number of censorings is corrected until the next number at risk is met. After the last
at-risk time the earlier censoring rate goes on, corrected for the total number of events where it is given.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import ArmData


def guyot(arm: ArmData) -> tuple[FloatArray, IntArray]:
    """Times and events of one arm; deaths at the readings, censorings between them."""
    time = np.concatenate([[0.0], arm.time])
    survival = np.minimum.accumulate(np.concatenate([[1.0], arm.survival]))
    edges = np.concatenate([[0.0], arm.risk_time[arm.risk_time < arm.end]])
    risk = np.concatenate([[arm.n], arm.risk[arm.risk_time < arm.end]])
    times: list[FloatArray] = []
    events: list[IntArray] = []
    n, last, died, censored = arm.n, 1.0, 0, 0
    for j in range(edges.size):
        final = j + 1 == edges.size
        stop = arm.end if final else float(edges[j + 1])
        inside = np.flatnonzero((time >= edges[j]) & ((time < stop) | final) & (time > 0.0))
        if final:
            per_year = censored / edges[j] if edges[j] > 0.0 else 0.0
            wanted = int(min(round(per_year * (stop - edges[j])), n))
            passed = _interval(time, survival, inside, float(edges[j]), stop, n, last, wanted)
            if arm.events is not None:
                for _ in range(60):
                    excess = died + int(passed[2].sum()) - arm.events
                    change = wanted + (1 if excess > 0 else -1)
                    if excess == 0 or not 0 <= change <= n:
                        break
                    wanted = change
                    passed = _interval(time, survival, inside, float(edges[j]), stop, n, last, wanted)
        else:
            at = survival[np.searchsorted(time, [edges[j], stop], side="right") - 1]
            wanted = int(min(max(round(n * at[1] / max(at[0], 1e-9) - risk[j + 1]), 0), n))
            passed = _interval(time, survival, inside, float(edges[j]), stop, n, last, wanted)
            for _ in range(200):
                miss = passed[0] - int(risk[j + 1])
                change = min(max(wanted + miss, 0), n)
                if miss == 0 or change == wanted:
                    break
                wanted = change
                passed = _interval(time, survival, inside, float(edges[j]), stop, n, last, wanted)
        n, last, deaths, gone = passed
        times += [np.repeat(time[inside], deaths), gone]
        events += [np.ones(int(deaths.sum()), np.int64), np.zeros(gone.size, np.int64)]
        died += int(deaths.sum())
        censored += gone.size
        if not final:
            n = int(risk[j + 1]) if n != risk[j + 1] and n > risk[j + 1] else n
    have = int(sum(e.size for e in events))
    left = arm.n - have
    if left > 0:
        times.append(np.full(left, arm.end))
        events.append(np.zeros(left, np.int64))
    return np.concatenate(times)[: arm.n], np.concatenate(events)[: arm.n]


def _interval(
    time: FloatArray, survival: FloatArray, inside: IntArray, begin: float, stop: float, n: int, last: float, wanted: int
) -> tuple[int, float, IntArray, FloatArray]:
    """At risk and survival after the interval, deaths at its readings, censoring times."""
    gone = begin + (np.arange(wanted) + 0.5) / max(wanted, 1) * (stop - begin)
    deaths = np.zeros(inside.size, np.int64)
    done = 0
    for i, k in enumerate(inside):
        before = int(np.searchsorted(gone, time[k]))
        n -= before - done
        done = before
        if n > 0 and last > 0.0:
            deaths[i] = min(max(round(n * (1.0 - survival[k] / last)), 0), n)
            if deaths[i]:
                last *= 1.0 - deaths[i] / n
                n -= int(deaths[i])
        n = max(n, 0)
    n = max(n - (wanted - done), 0)
    return n, last, deaths, gone
