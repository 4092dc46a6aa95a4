"""Rebuilt patients as lines on the figure their curve was read from."""

from __future__ import annotations

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import years_in
from nextarm.figures import FigureReading
from nextarm.patients.record import Reconstruction
from nextarm.survival.kaplan_meier import kaplan_meier


def rebuilt_lines(reading: FigureReading, made: Reconstruction, *, unit: str | None = None) -> dict[str, list[tuple[float, float]]]:
    """The Kaplan-Meier curve of the best version of each arm as positions (x, y) on the figure, step by step.

    ``unit`` is that of the time axis where the figure does not say it; :class:`CallError` if neither does.
    """
    given = unit or reading.time_unit
    if given is None:
        raise CallError("the figure does not say its time unit", rule="must be years, months, weeks or days")
    x, y, scale = reading.x_axis, reading.y_axis, years_in(given)
    found: dict[str, list[tuple[float, float]]] = {}
    for arm in made.patients.arms:
        km = kaplan_meier(made.patients, arm=arm)
        falls = np.flatnonzero(km.events > 0)
        time = np.concatenate([[0.0], np.repeat(km.time[falls], 2), [km.time[-1]]]) / scale
        levels = np.repeat(np.concatenate([[1.0], km.survival[falls]]), 2)
        shown = 1.0 - levels if reading.upward else levels
        across, down = (time - x.intercept) / x.slope, (shown - y.intercept) / y.slope
        found[arm] = list(zip(np.round(across, 3).tolist(), np.round(down, 3).tolist(), strict=True))
    return found
