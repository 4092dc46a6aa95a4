"""Units and the little checks of domain that every room needs.

Time is in years inside; a file's own unit is converted at the door. Probabilities run from 0 to 1.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TimeUnit = Literal["years", "months", "weeks", "days"]
TIME_UNITS: tuple[str, ...] = get_args(TimeUnit)

#: Years in one unit. A month is a twelfth of a year, a day 1/365.25, a week seven days.
YEARS_IN: dict[str, float] = {"years": 1.0, "months": 1.0 / 12.0, "weeks": 7.0 / 365.25, "days": 1.0 / 365.25}


def years_in(unit: str) -> float:
    """Return how many years one ``unit`` is; raise :class:`CallError` for an unknown unit."""
    try:
        return YEARS_IN[unit]
    except KeyError:
        raise CallError(f"unit = {unit!r}", rule=f"must be one of {', '.join(TIME_UNITS)}") from None


def whole_up(value: float) -> int:
    """Patients or events as whole numbers are planned: rounded up, but for what arithmetic adds to a whole number.

    >>> whole_up(300.62), whole_up(371.0000000001)
    (301, 371)
    """
    return math.ceil(value - 1e-6)


def require_probability(value: float, name: str, *, where: str = "") -> float:
    """Return ``value`` if it lies in [0, 1]; raise :class:`CallError` otherwise."""
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        cure = "Give a proportion, not a percentage" if 1.0 < value <= 100.0 else ""
        raise CallError(f"{name} = {value}", where=where, rule="must lie between 0 and 1", cure=cure)
    return float(value)


def require_positive(value: float, name: str, unit: str = "", *, where: str = "") -> float:
    """Return ``value`` if it is finite and above 0; raise :class:`CallError` otherwise."""
    if not (math.isfinite(value) and value > 0.0):
        raise CallError(f"{name} = {value}", where=where, rule=f"must be above 0 {unit}".rstrip())
    return float(value)
