"""A figure that was read, as the input of a reconstruction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nextarm.core.errors import CallError, RefusedError
from nextarm.figures import FigureReading, at_risk_columns, curve_columns, tick_columns
from nextarm.patients.reconstruct import reconstruct as rebuild
from nextarm.patients.record import Reconstruction


def reconstruct(curve: Any, **options: Any) -> Reconstruction:
    """:func:`nextarm.patients.reconstruct` for a curve in any form, a figure that was read among them.

    Of a picture a mark may be false, or off by a pixel, and then no numbers of deaths may fit. Marks that were read from the figure
    (not those given in ``options``) are then left out for the arms that do not fit, which is said in ``warnings``.
    """
    if not isinstance(curve, FigureReading):
        return rebuild(curve, **options)
    columns, given = from_figure(curve, options)
    ours = "ticks" in given and "ticks" not in options
    left: list[str] = []
    while True:
        try:
            made = rebuild(columns, **given)
        except RefusedError as error:
            arms = set(given["ticks"]["arm"]) if ours and given.get("ticks") else set()
            misfits = {arm for arm in arms for p in error.problems if p.where == f"arm {arm}" and "ticks" in p.what}
            if not misfits:
                raise
            left += sorted(misfits)
            given["ticks"] = _without(given["ticks"], misfits)
        else:
            said = [f"arm {arm}: the censoring marks read from the figure do not fit its curve and were left out" for arm in left]
            return replace(made, warnings=(*made.warnings, *said))


def _without(columns: dict[str, list[Any]], arms: set[str]) -> dict[str, list[Any]] | None:
    """Columns of marks without those of some arms; None if none is left."""
    keep = [k for k, arm in enumerate(columns["arm"]) if arm not in arms]
    return {name: [values[k] for k in keep] for name, values in columns.items()} if keep else None


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
