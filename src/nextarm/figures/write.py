"""The files of a reading: curves, marks, at-risk table, how finely it was read, everything as JSON, the overlay."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from nextarm.figures.reading import CurveReading, FigureReading


def curve_columns(curves: Sequence[CurveReading]) -> dict[str, list[Any]]:
    """Corners of all curves: arm, time (figure's unit), survival; the last row of an arm is where its line ends."""
    out: dict[str, list[Any]] = {"arm": [], "time": [], "survival": []}
    for c in curves:
        times, levels = c.time.tolist(), c.survival.tolist()
        if c.end_time > times[-1] + 1e-12:
            times, levels = [*times, c.end_time], [*levels, levels[-1]]
        out["arm"] += [c.arm] * len(times)
        out["time"] += _written(times)
        out["survival"] += _written(levels)
    return out


def tick_columns(curves: Sequence[CurveReading]) -> dict[str, list[Any]]:
    """Censoring marks: arm, time; a mark drawn several times on one place has as many rows."""
    out: dict[str, list[Any]] = {"arm": [], "time": []}
    for c in curves:
        times = np.repeat(c.ticks, np.maximum(c.tick_low, 1)).tolist()
        out["arm"] += [c.arm] * len(times)
        out["time"] += _written(times)
    return out


def at_risk_columns(curves: Sequence[CurveReading]) -> dict[str, list[Any]]:
    """Numbers at risk: arm, time, at_risk; cells that are blank or not certain are left out."""
    out: dict[str, list[Any]] = {"arm": [], "time": [], "at_risk": []}
    for c in curves:
        known = ~np.isnan(c.at_risk)
        out["arm"] += [c.arm] * int(known.sum())
        out["time"] += _written(c.at_risk_times[known].tolist())
        out["at_risk"] += [int(v) for v in c.at_risk[known]]
    return out


def about_of(reading: FigureReading) -> dict[str, Any]:
    """What the curves alone do not say: unit of time, printed colours, the grade and, of a picture, what it shows and how finely.

    ``lowest`` survival and ``latest`` time are those at the ends of the axes; for each arm the half-widths to which a time and a
    survival are known (the middle one: that of what is hidden is wider, and few readings are).
    """
    colours = {c.arm: c.colour for c in reading.curves if re.fullmatch("#[0-9a-fA-F]{6}", c.colour)}
    about: dict[str, Any] = {"unit": reading.time_unit, "read_from": "figure", "colours": colours, "grade": reading.grade}
    if reading.method != "raster":
        return about
    x, y, box = reading.x_axis, reading.y_axis, reading.box
    lowest = 1.0 - y.intercept - y.slope * box.top if reading.upward else y.intercept + y.slope * box.bottom
    latest = max(float(x.intercept + x.slope * box.right), *(float(c.end_time) for c in reading.curves))
    arms = {
        c.arm: {"time": float(c.time_band or 0.5 * abs(x.slope)), "survival": min(float(np.median(c.band)), 0.49)} for c in reading.curves
    }
    return about | {"picture": {"lowest": min(max(0.0, float(lowest)), 0.99), "latest": latest, "arms": arms}}


def files_of(reading: FigureReading, overlay: bytes) -> dict[str, str | bytes]:
    """Name and content of every file of a reading."""
    return {
        "curves.csv": _csv(curve_columns(reading.curves)),
        "ticks.csv": _csv(tick_columns(reading.curves)),
        "at_risk.csv": _csv(at_risk_columns(reading.curves)),
        "about.json": json.dumps(about_of(reading), ensure_ascii=False) + "\n",
        "figure.json": reading.to_json(indent=1) + "\n",
        "overlay.png": overlay,
    }


def _written(values: list[float]) -> list[float]:
    """Numbers as they stand in a file, so that a reading and its files are the same."""
    return [float(f"{v:.10g}") for v in values]


def _csv(columns: dict[str, list[Any]]) -> str:
    """CSV; a cell that a spreadsheet would take as a formula is kept as text by a leading apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([f"{v:.10g}" if isinstance(v, float) else _safe(v) for v in row])
    return buffer.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def unquoted(name: str) -> str:
    """The name that :func:`files_of` kept from being taken for a formula.

    >>> unquoted("'-PD-1"), unquoted("'t")
    ('-PD-1', "'t")
    """
    return name[1:] if name[:1] == "'" and _safe(name[1:]) == name else name
