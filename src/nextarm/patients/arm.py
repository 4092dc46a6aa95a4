"""One arm as the solver sees it: readings of the curve and the hard facts, cleaned, in years."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nextarm.core.units import FloatArray, IntArray

Points = Literal["samples", "corners"]
#: Largest reading error that is assumed silently when none is stated.
SLOPPY = 0.03
BETWEEN, AT_LEAST, AT_MOST = 0, 1, 2


@dataclass(frozen=True)
class Reading:
    """A value of the curve known from elsewhere (a printed landmark, a median) with its rounding and error."""

    time: float
    value: float
    half: float
    sd: float
    side: int = BETWEEN
    label: str = ""


@dataclass(frozen=True)
class ArmData:
    """What is known of one arm.

    ``time`` (years, ascending) and ``survival`` are the readings without the start (0, 1); ``side`` says for each
    whether the curve lies within ``half`` of it (0) or at least that high (1). ``points``: "samples" are readings of a
    curve whose deaths lie between them, "corners" are the bottoms of its steps. ``time_step`` is the spacing of the
    time grid of the readings (0 if none is seen). ``risk_time`` ascends from above 0; ``n`` are at risk at 0.
    ``end`` is where the drawn curve ends; ``all_left`` says that nobody is followed beyond it.
    ``expected_error`` is a rough reading error, seen from the readings.
    """

    name: str
    time: FloatArray
    survival: FloatArray
    side: IntArray
    points: Points
    half: float
    time_step: float
    n: int
    end: float
    risk_time: FloatArray = field(default_factory=lambda: np.zeros(0))
    risk: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    ticks: FloatArray | None = None
    events: int | None = None
    extra: tuple[Reading, ...] = ()
    all_left: bool = False
    risk_after: bool = False
    expected_error: float = 0.0025

    def survival_before(self) -> FloatArray:
        """The lowest reading before each (1 before the first)."""
        return np.minimum.accumulate(np.concatenate([[1.0], self.survival]))[:-1]
