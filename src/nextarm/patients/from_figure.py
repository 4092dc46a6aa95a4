"""A figure that was read, as the input of a reconstruction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.figures import FigureReading, at_risk_columns, curve_columns, tick_columns
from nextarm.patients.picture import Visible, cleaned
from nextarm.patients.reconstruct import reconstruct as rebuild
from nextarm.patients.record import Reconstruction


def reconstruct(curve: Any, **options: Any) -> Reconstruction:
    """:func:`nextarm.patients.reconstruct` for a curve in any form, a figure that was read among them.

    Of a picture, drops that no death makes and marks for which the numbers at risk leave no room are left out first
    (:mod:`nextarm.patients.picture`), and readings are as coarse as a pixel. If no numbers of deaths fit all the same, the marks read
    from the figure (not those given in ``options``) are left out for the arms that do not fit. ``warnings`` say so.
    """
    if not isinstance(curve, FigureReading):
        return rebuild(curve, **options)
    said: list[str] = []
    if curve.method == "raster":
        curve, options, said = _of_picture(curve, options)
    columns, given = from_figure(curve, options)
    ours = "ticks" in given and "ticks" not in options
    while True:
        try:
            made = rebuild(columns, **given)
        except RefusedError as error:
            arms = set(given["ticks"]["arm"]) if ours and given.get("ticks") else set()
            misfits = {arm for arm in arms for p in error.problems if p.where == f"arm {arm}"}
            if not misfits:
                raise
            said += [
                f"arm {arm}: the censoring marks read from the figure do not fit its curve and were left out" for arm in sorted(misfits)
            ]
            given["ticks"] = _without(given["ticks"], misfits)
        else:
            return replace(made, warnings=(*made.warnings, *said))


def _of_picture(reading: FigureReading, options: dict[str, Any]) -> tuple[FigureReading, dict[str, Any], list[str]]:
    """The reading with what patients can have made, options with the pixel's half-widths, and what was left out."""
    curves, said = [], []
    x, y, box = reading.x_axis, reading.y_axis, reading.box
    lowest = 1.0 - y.intercept - y.slope * box.top if reading.upward else y.intercept + y.slope * box.bottom
    panel = Visible(lowest=max(0.0, lowest), latest=x.intercept + x.slope * box.right)
    for c in reading.curves:
        kept, marks, left_out, away = cleaned(c, panel)
        curves.append(replace(kept, ticks=marks, tick_low=np.ones(len(marks), np.int64), tick_high=np.ones(len(marks), np.int64)))
        if away:
            said.append(f"arm {c.arm}: the curve leaves the axis at {kept.end_time:g}: patients followed beyond are censored there")
        if left_out and "ticks" not in options:
            said.append(f"arm {c.arm}: {left_out} of the censoring marks read are more than the numbers at risk leave, and were left out")
    band = min(float(np.median(c.band)) for c in reading.curves)  # that of what is hidden is wider, and few readings are
    finest = max(c.time_band for c in reading.curves) or 0.5 * abs(x.slope), min(max(band, 1e-4), 0.05)
    return replace(reading, curves=tuple(curves)), {"resolution": finest} | options, said


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
