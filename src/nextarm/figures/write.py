"""The files of a reading: curves, marks, at-risk table, everything as JSON, the overlay."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from nextarm.figures.reading import FigureReading


def curve_columns(reading: FigureReading) -> dict[str, list[Any]]:
    """Corners of all curves: arm, time (figure's unit), survival; the last row of an arm is where its line ends."""
    out: dict[str, list[Any]] = {"arm": [], "time": [], "survival": []}
    for c in reading.curves:
        times, levels = c.time.tolist(), c.survival.tolist()
        if c.end_time > times[-1] + 1e-12:
            times, levels = [*times, c.end_time], [*levels, levels[-1]]
        out["arm"] += [c.arm] * len(times)
        out["time"] += times
        out["survival"] += levels
    return out


def tick_columns(reading: FigureReading) -> dict[str, list[Any]]:
    """Censoring marks: arm, time; a mark drawn several times on one place has as many rows."""
    out: dict[str, list[Any]] = {"arm": [], "time": []}
    for c in reading.curves:
        times = np.repeat(c.ticks, np.maximum(c.tick_low, 1)).tolist()
        out["arm"] += [c.arm] * len(times)
        out["time"] += times
    return out


def at_risk_columns(reading: FigureReading) -> dict[str, list[Any]]:
    """Numbers at risk: arm, time, at_risk; cells that are blank or not certain are left out."""
    out: dict[str, list[Any]] = {"arm": [], "time": [], "at_risk": []}
    for c in reading.curves:
        known = ~np.isnan(c.at_risk)
        out["arm"] += [c.arm] * int(known.sum())
        out["time"] += c.at_risk_times[known].tolist()
        out["at_risk"] += [int(v) for v in c.at_risk[known]]
    return out


def files_of(reading: FigureReading, overlay: bytes) -> dict[str, str | bytes]:
    """Name and content of every file of a reading."""
    return {
        "curves.csv": _csv(curve_columns(reading)),
        "ticks.csv": _csv(tick_columns(reading)),
        "at_risk.csv": _csv(at_risk_columns(reading)),
        "figure.json": reading.to_json(indent=1) + "\n",
        "overlay.png": overlay,
    }


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
