"""Sorting many short rows: numpy's vectorised sort where they are short, buckets where they are long."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray, IntArray

#: Rows up to this length are sorted by numpy's compiled networks; longer ones are dealt into buckets first.
SHORT = 256
#: A bucket with more numbers than this means they do not lie evenly; then the row is sorted by comparing.
CROWDED = 48


def sort_words(rows: Any) -> Any:
    """``rows`` (rows, columns) of 32-bit words with each row sorted, short ones in place."""
    if rows.shape[1] <= SHORT:
        rows.sort(axis=1)
        return rows
    out = np.empty_like(rows)
    _deal_words(rows, out, np.empty(rows.shape[1] + 2, np.int64))
    return out


def order_statistics(rows: FloatArray, ranks: IntArray, top: float) -> FloatArray:
    """The ``ranks``-th smallest (from 0) of each row of numbers from 0 up, (rows, ranks); infinity where they exceed ``top``.

    Short rows are sorted in place.
    """
    if rows.shape[1] <= SHORT:
        keys = rows.view(np.int64)
        keys.sort(axis=1)
        return np.ascontiguousarray(rows[:, ranks])
    out = np.full((rows.shape[0], len(ranks)), np.inf)
    _select(rows, ranks, top, out, np.empty(rows.shape[1] + 2, np.int64), np.empty(rows.shape[1]))
    return out


@njit(cache=True, error_model="numpy")
def _select(rows: FloatArray, ranks: IntArray, top: float, out: FloatArray, place: Any, room: FloatArray) -> None:
    """Count those up to ``top`` into buckets, then sort only the bucket that holds the rank."""
    for r in range(rows.shape[0]):
        count = 0
        for i in range(rows.shape[1]):
            room[count] = rows[r, i]
            count += int(rows[r, i] <= top)
        if count == 0:
            continue
        per = count / top
        place[: count + 1] = 0
        for i in range(count):
            place[min(int(room[i] * per), count - 1) + 1] += 1
        cumulate(place, count)
        for k in range(ranks.size):
            if ranks[k] >= count:
                continue
            b = np.searchsorted(place[: count + 1], ranks[k], side="right") - 1
            chosen = np.empty(place[b + 1] - place[b])
            used = np.int64(0)  # a plain 0 would have the sort compiled twice
            for i in range(count):
                if min(int(room[i] * per), count - 1) == b:
                    chosen[used] = room[i]
                    used += 1
            compare_and_sort(chosen, used)
            out[r, k] = chosen[ranks[k] - place[b]]


@njit(cache=True, error_model="numpy")
def compare_and_sort(row: Any, count: Any) -> None:
    """Sort the first ``count`` of ``row`` in place, however they lie: a heap sort, which compiles in a tenth of numba's own sort's time."""
    for step in range(1, count + count // 2):
        start, end = count // 2 - step, count
        if start < 0:  # the heap stands: its largest goes to the end
            start, end = 0, count - (step - count // 2)
            row[0], row[end] = row[end], row[0]
        hole, v = start, row[start]
        while 2 * hole + 1 < end:
            child = 2 * hole + 1
            if child + 1 < end and row[child + 1] > row[child]:
                child += 1
            if row[child] <= v:
                break
            row[hole] = row[child]
            hole = child
        row[hole] = v


@njit(cache=True, error_model="numpy")
def settle(row: Any, count: Any) -> None:
    """Insertion sort, for rows that are nearly in order."""
    for i in range(1, count):
        v = row[i]
        j = i - 1
        while j >= 0 and row[j] > v:
            row[j + 1] = row[j]
            j -= 1
        row[j + 1] = v


@njit(cache=True, error_model="numpy")
def cumulate(place: Any, buckets: int) -> int:
    """Turn the counts of buckets (from index 1 on) into where each starts; the largest count."""
    most = 0
    for b in range(1, buckets + 1):
        most = max(most, place[b])
        place[b] += place[b - 1]
    return most


@njit(cache=True, error_model="numpy")
def _deal_words(rows: Any, out: Any, place: Any) -> None:
    count = rows.shape[1]
    for r in range(rows.shape[0]):
        place[:] = 0
        for i in range(count):
            place[((np.uint64(rows[r, i]) * np.uint64(count)) >> np.uint64(32)) + np.uint64(1)] += 1
        if cumulate(place, count) > CROWDED:
            for i in range(count):
                out[r, i] = rows[r, i]
            compare_and_sort(out[r], count)
            continue
        for i in range(count):
            b = (np.uint64(rows[r, i]) * np.uint64(count)) >> np.uint64(32)
            out[r, place[b]] = rows[r, i]
            place[b] += 1
        settle(out[r], count)


@njit(cache=True, error_model="numpy")
def sort_keys(keys: Any, times: FloatArray, count: Any, out: Any, place: Any) -> None:
    """Sort the first ``count`` of ``keys`` into ``out``; ``times`` is their float view, ``place`` (2 count + 1,) room."""
    top = 0.0
    for i in range(count):
        top = max(top, times[i])
    buckets = 2 * count
    per = buckets / top if top > 0.0 else 0.0
    place[: buckets + 1] = 0
    for i in range(count):
        place[min(int(times[i] * per), buckets - 1) + 1] += 1
    if cumulate(place, buckets) > CROWDED:
        for i in range(count):
            out[i] = keys[i]
        compare_and_sort(out, count)
        return
    for i in range(count):
        b = min(int(times[i] * per), buckets - 1)
        out[place[b]] = keys[i]
        place[b] += 1
    settle(out, count)
