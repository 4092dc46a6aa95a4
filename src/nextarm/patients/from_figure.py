"""A figure that was read, as the input of a reconstruction."""

from __future__ import annotations

from typing import Any

from nextarm.core.errors import CallError
from nextarm.figures import FigureReading, at_risk_columns, curve_columns, tick_columns
from nextarm.patients.reconstruct import reconstruct as rebuild
from nextarm.patients.record import Reconstruction


def reconstruct(curve: Any, **options: Any) -> Reconstruction:
    """:func:`nextarm.patients.reconstruct` for a curve in any form, a figure that was read among them."""
    if isinstance(curve, FigureReading):
        curve, options = from_figure(curve, options)
    return rebuild(curve, **options)


def from_figure(reading: FigureReading, options: dict[str, Any]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Curve and options for :func:`nextarm.patients.reconstruct`: corners, marks, table and unit of the figure.

    What ``options`` give counts more. :class:`CallError` if neither the figure nor ``options`` tell the time unit.
    """
    given = {"unit": reading.time_unit, "points": "corners"} | options
    if given["unit"] is None:
        raise CallError("the figure does not say its time unit", rule="must be years, months, weeks or days", cure="Give it: --unit months")
    for name, columns in (("at_risk", at_risk_columns(reading)), ("ticks", tick_columns(reading))):
        if columns["arm"] and name not in options:
            given[name] = columns
    return curve_columns(reading), given
