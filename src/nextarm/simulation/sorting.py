"""Sorting many short lists of numbers that lie about evenly between 0 and a known top: buckets, then insertion."""

from __future__ import annotations

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray

#: A bucket with more numbers than this means they do not lie evenly; then they are sorted by comparing.
_CROWDED = 24


@njit(cache=True, error_model="numpy")
def sort_spread(
    value: FloatArray, who: IntArray, count: int, top: float, out_value: FloatArray, out_who: IntArray, place: IntArray
) -> None:  # fmt: skip
    """Sort the first ``count`` of ``value`` (all from 0 to ``top``) with their ``who`` into ``out_value`` and ``out_who``.

    One bucket a number, so the time is proportional to ``count`` for numbers spread evenly and n log n otherwise. Equal
    numbers keep their order. ``place`` (at least count + 1,) is room to work in.
    """
    if count == 0:
        return
    per_bucket = count / top if top > 0.0 else 0.0
    for b in range(count + 1):
        place[b] = 0
    for i in range(count):
        place[min(int(value[i] * per_bucket), count - 1) + 1] += 1
    most = 0
    for b in range(count):
        most = max(most, place[b + 1])
        place[b + 1] += place[b]
    if most > _CROWDED:
        order = np.argsort(value[:count], kind="mergesort")
        for i in range(count):
            out_value[i], out_who[i] = value[order[i]], who[order[i]]
        return
    for i in range(count):
        b = min(int(value[i] * per_bucket), count - 1)
        out_value[place[b]], out_who[place[b]] = value[i], who[i]
        place[b] += 1
    settle(out_value, out_who, 0, count)


@njit(cache=True, error_model="numpy")
def settle(value: FloatArray, who: IntArray, start: int, end: int) -> None:
    """Insertion sort of ``value[start:end]`` with ``who``: for lists that are nearly in order."""
    for i in range(start + 1, end):
        v = value[i]
        if value[i - 1] <= v:
            continue
        w = who[i]
        j = i - 1
        while j >= start and value[j] > v:
            value[j + 1], who[j + 1] = value[j], who[j]
            j -= 1
        value[j + 1], who[j + 1] = v, w
