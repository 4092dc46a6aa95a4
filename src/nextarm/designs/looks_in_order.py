"""Looks come in order: what is wrong with their sizes, their shares of the patients or their times."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from nextarm.core.errors import CallError, Problem


def rising_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Numbers of patients at the looks; :class:`CallError` unless they are at least 1 and increase.

    >>> rising_sizes([10, 20])
    (10, 20)
    """
    n = tuple(int(x) for x in sizes)
    if not n or n[0] < 1 or any(b <= a for a, b in itertools.pairwise(n)):
        raise CallError(f"sizes = {list(sizes)}", rule="must be whole numbers from 1 up that increase")
    return n


def share_problems(looks: Sequence[float]) -> list[Problem]:
    """Looks as fractions of n must rise from above 0 to 1."""
    if not looks or any(b <= a for a, b in itertools.pairwise((0.0, *looks))) or looks[-1] != 1.0:
        return [Problem(f"looks = {list(looks)}", "", "must rise from above 0 to 1")]
    return []


def look_time_problems(name: str, times: Sequence[float], end: float) -> list[Problem]:
    """Interim looks at calendar times come in order and before the ``end`` of follow-up (years)."""
    if any(b <= a for a, b in itertools.pairwise((0.0, *times))) or (times and times[-1] >= end):
        return [Problem(f"{name} = {list(times)}", "", f"must rise from above 0 to below the end of follow-up at {end:g} years")]
    return []
