"""Accuracy of reading vector figures, on a folder of figures with known truth.

    python bench/figures_vector.py FOLDER [--worst 10] [--patients]

FOLDER is what bench/figures_vector_make.py made (NAME.svg or .pdf, NAME.csv, NAME.json), or a folder of ggsurvfit's snapshots
(sf1-*.svg, sf2-*.svg) with gg_df_lung.csv and gg_df_colon.csv in ../truth. Measured for each arm: drops found (in time within
0.1 % of the axis and in height within 5e-4), largest error of S between drops, marks found (within 0.1 % of the axis), cells
of the table, names. --patients goes on to patients and the log hazard ratio of two arms (Cox, Efron), against the true ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import time as clock
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.figures.read_file import read_file
from nextarm.figures.reading import CurveReading, FigureReading
from nextarm.patients.from_figure import reconstruct
from nextarm.patients.pooled import log_hazard_ratio

#: Programs write two decimals (R), or merge corners of a long line within a ninth of a pixel (matplotlib): drops nearer than this (figure
#: units) may be one in the file.
GRAIN = 0.12
Patients = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass
class Score:
    """What one figure gave; errors are nan where nothing was measured."""

    name: str
    refused: str = ""
    arms: int = 0
    arms_right: bool = False
    drops: int = 0
    drops_merged: int = 0
    drops_found: int = 0
    drops_extra: int = 0
    error: float = float("nan")
    ticks: int = 0
    ticks_read: int = 0
    ticks_right: int = 0
    cells: int = 0
    cells_right: int = 0
    names: int = 0
    names_right: int = 0
    log_hr: float = float("nan")
    seconds: float = 0.0
    grade: str = ""
    notes: list[str] = field(default_factory=list)


def truth_of(path: Path) -> tuple[Patients, dict[str, Any]]:
    """Patients by arm and what is drawn."""
    if path.with_suffix(".json").exists():
        data: dict[str, list[tuple[float, int]]] = {}
        with path.with_suffix(".csv").open() as file:
            for row in csv.DictReader(file):
                data.setdefault(row["arm"], []).append((float(row["time"]), int(row["event"])))
        return {a: _pair(v) for a, v in data.items()}, json.loads(path.with_suffix(".json").read_text())
    colon = "colon" in path.name or "pvalue" in path.name
    rows = list(csv.DictReader((path.parent.parent / "truth" / f"gg_df_{'colon' if colon else 'lung'}.csv").open()))
    by = (lambda r: "all") if path.name.startswith("sf1") else (lambda r: r["surg"]) if colon else (lambda r: r["sex"])
    event = (lambda r: int(r["status"])) if colon else (lambda r: int(r["status"]) - 1)
    table: dict[str, list[tuple[float, int]]] = {}
    for r in rows:
        table.setdefault(by(r), []).append((float(r["time"]), event(r)))
    ticks = "censor" in path.name or "new-data" in path.name
    return {a: _pair(v) for a, v in table.items()}, {
        "ticks": ticks,
        "table": None,
        "panel": None,
        "named": False,
        "upward": None,
        "snapshot": True,
    }


def _pair(rows: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([t for t, _ in rows]), np.array([e for _, e in rows])


def corners(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times of drops and S from each on."""
    xs, ys, s = [0.0], [1.0], 1.0
    for t in np.unique(time[event == 1]):
        s *= 1 - np.sum((time == t) & (event == 1)) / np.sum(time >= t)
        xs.append(float(t))
        ys.append(s)
    return np.array(xs), np.array(ys)


def level(c: tuple[np.ndarray, np.ndarray], t: np.ndarray) -> np.ndarray:
    return c[1][np.searchsorted(c[0], t, side="right") - 1]


def compare(
    curve: CurveReading, time: np.ndarray, event: np.ndarray, last: float, width: float, unit: float
) -> tuple[int, int, int, int, float]:
    """Drops; those within the grain of the file after another; found; read that are none; largest error of S away from drops."""
    true = corners(time, event)
    inside = true[0] <= last
    xs, ys = true[0][inside], true[1][inside]
    read = np.concatenate([[False], np.diff(curve.survival) < -1e-6])
    rx, ry = curve.time[read], curve.survival[read]
    near = 1e-3 * width
    found = sum(bool(np.any((np.abs(rx - x) <= near) & (np.abs(ry - y) <= 5e-4))) for x, y in zip(xs[1:], ys[1:], strict=True))
    extra = sum(not np.any((np.abs(xs[1:] - x) <= near) & (np.abs(ys[1:] - y) <= 5e-4)) for x, y in zip(rx, ry, strict=True))
    end = min(last, float(time.max()))
    grid = np.linspace(0, end, 2001)
    grid = grid[np.abs(grid[:, None] - xs[None, :]).min(axis=1) > near]
    got = np.interp(grid, [0, 1], [0, 0]) + curve.survival[np.searchsorted(curve.time, grid, side="right") - 1]
    error = float(np.abs(got - level((xs, ys), grid)).max()) if grid.size else 0.0
    merged = int(np.sum(np.diff(xs[1:]) < GRAIN * unit))
    return len(xs) - 1, merged, found, extra, error


def score(path: Path, *, patients: bool) -> Score:
    """Read one figure and compare it with its truth."""
    data, meta = truth_of(path)
    out = Score(path.name)
    start = clock.process_time()
    try:
        reading, _ = read_file(path.read_bytes(), kind="pdf" if path.suffix == ".pdf" else "svg", panel=meta.get("panel"))
    except NextarmError as error:
        out.refused = str(error)[:100]
        return out
    out.seconds = clock.process_time() - start
    out.grade, out.arms = reading.grade, len(data)
    out.arms_right = len(reading.curves) == len(data)
    out.notes = list(reading.warnings)
    width = float(np.ptp(reading.x_axis.values))
    last = float(meta.get("x_max") or np.inf)
    if any("beyond the frame" in w for w in reading.warnings):  # survminer draws to the last time and cuts the frame there
        last = min(last, max(c.end_time for c in reading.curves))
    pairs = matched(reading, data)
    for curve, arm in pairs:
        time, event = data[arm]
        drops, merged, found, extra, error = compare(curve, time, event, last, width, abs(reading.x_axis.slope))
        out.drops += drops
        out.drops_merged += merged
        out.drops_found += found
        out.drops_extra += extra
        out.error = float(np.nanmax([out.error, error]))
        if meta["ticks"]:
            true = np.sort(time[(event == 0) & (time <= last)])
            # ggsurvfit draws a mark for each patient, the others for each time, R's plot only for times without a death.
            true = true if meta.get("snapshot") else np.unique(true)
            true = np.setdiff1d(true, time[event == 1]) if meta.get("style", "").startswith("base") else true
            out.ticks += len(true)
            read = np.repeat(curve.ticks, curve.tick_low)
            out.ticks_read += len(read)
            out.ticks_right += one_to_one(true, read, 1e-3 * width)
        if meta["named"]:
            out.names += 1
            out.names_right += curve.arm in (arm, f"arm={arm}")
        if meta["table"] and out.arms_right:
            shown = dict(zip(curve.at_risk_times.round(6).tolist(), curve.at_risk.tolist(), strict=True))
            for t, n in zip(meta["table"]["times"], meta["table"]["counts"][arm], strict=True):
                out.cells += 1
                out.cells_right += shown.get(round(t, 6)) == n
    if patients and len(pairs) == 2 and out.arms_right:
        out.log_hr = end_to_end(reading, data, pairs)
    return out


def one_to_one(true: np.ndarray, read: np.ndarray, within: float) -> int:
    """How many marks have a partner of their own (both in order, the earliest that is near enough: no pairing has more)."""
    true, read = np.sort(true), np.sort(read)
    i = k = hits = 0
    while i < len(true) and k < len(read):
        if abs(true[i] - read[k]) <= within:
            hits, i, k = hits + 1, i + 1, k + 1
        elif true[i] < read[k]:
            i += 1
        else:
            k += 1
    return hits


def matched(reading: FigureReading, data: Patients) -> list[tuple[CurveReading, str]]:
    """Curves and arms in the pairing of least error."""
    from scipy.optimize import linear_sum_assignment

    arms = list(data)
    cost = np.zeros((len(reading.curves), len(arms)))
    for i, c in enumerate(reading.curves):
        for k, arm in enumerate(arms):
            grid = np.linspace(0, min(c.end_time, float(data[arm][0].max())), 400)
            cost[i, k] = np.mean(np.abs(c.survival[np.searchsorted(c.time, grid, side="right") - 1] - level(corners(*data[arm]), grid)))
    return [(reading.curves[i], arms[k]) for i, k in zip(*linear_sum_assignment(cost), strict=True)]


def end_to_end(reading: FigureReading, data: Patients, pairs: list[tuple[CurveReading, str]]) -> float:
    """Absolute error of the log hazard ratio of the rebuilt patients."""
    try:
        made = reconstruct(reading, unit="months", versions=1)
    except NextarmError:
        return float("nan")
    names = list(made.patients.arms)
    tables = []
    for curve, _ in pairs:
        own = made.patients.arm == names.index(curve.arm)
        tables.append((made.patients.time[own] * 12.0, made.patients.event[own]))
    true = [(t, e.astype(np.int64)) for t, e in (data[arm] for _, arm in pairs)]
    return _gap(log_hazard_ratio(*tables), log_hazard_ratio(*true))


def _gap(a: tuple[float, float] | None, b: tuple[float, float] | None) -> float:
    return float("nan") if a is None or b is None else abs(a[0] - b[0])


def table_of(scores: list[Score]) -> list[str]:
    """The figures of merit in words."""
    read = [s for s in scores if not s.refused]
    errors = np.array([s.error for s in read])
    drops, merged, found, extra = (sum(getattr(s, k) for s in read) for k in ("drops", "drops_merged", "drops_found", "drops_extra"))
    ticks, seen, right = (sum(getattr(s, k) for s in read) for k in ("ticks", "ticks_read", "ticks_right"))
    cells, names = (
        (sum(s.cells for s in read), sum(s.cells_right for s in read)),
        (sum(s.names for s in read), sum(s.names_right for s in read)),
    )
    lines = [
        f"figures {len(scores)}, read {len(read)}, refused {len(scores) - len(read)}",
        f"arms right in {sum(s.arms_right for s in read)} of {len(read)}",
        f"drops found {found} of {drops} ({merged} within {GRAIN} units of the one before may be merged in the file); extra {extra}",
        f"largest error of S: median {np.median(errors):.1e}, worst {errors.max():.1e}, above 5e-4 in {int(np.sum(errors > 5e-4))} figures",
        f"marks: {right} right of {ticks} drawn and {seen} read, F1 {2 * right / max(ticks + seen, 1):.4f}",
        f"table cells {cells[1]} of {cells[0]}; names {names[1]} of {names[0]}",
        f"processor time a figure: mean {np.mean([s.seconds for s in read]):.2f} s, longest {max(s.seconds for s in read):.2f} s",
    ]
    ratios = np.array([s.log_hr for s in read if s.log_hr == s.log_hr])
    if ratios.size:
        spread = f"median error {np.median(ratios):.5f}, mean {ratios.mean():.5f}, worst {ratios.max():.4f}"
        lines.append(f"log hazard ratio of {ratios.size} two-arm figures: {spread}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worst", type=int, default=10)
    parser.add_argument("--patients", action="store_true")
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.iterdir() if p.suffix in (".svg", ".pdf"))
    scores = [score(p, patients=options.patients) for p in paths]
    print("\n".join(table_of(scores)))

    def badness(s: Score) -> tuple[float, ...]:
        f1 = 1 - 2 * s.ticks_right / max(s.ticks + s.ticks_read, 1) if s.ticks + s.ticks_read else 0.0
        return (
            bool(s.refused),
            not s.arms_right,
            s.drops - s.drops_found + s.drops_extra,
            s.cells - s.cells_right,
            s.names - s.names_right,
            f1,
            s.error,
        )

    for s in sorted(scores, key=badness, reverse=True)[: options.worst]:
        if s.refused:
            print(f"  {s.name}: refused: {s.refused}")
            continue
        drops = f"drops {s.drops_found}/{s.drops} ({s.drops_merged} near, +{s.drops_extra}), S {s.error:.1e}"
        rest = f"marks {s.ticks_right}/{s.ticks} of {s.ticks_read}, cells {s.cells_right}/{s.cells}, names {s.names_right}/{s.names}"
        print(f"  {s.name}: {s.grade}, arms {'right' if s.arms_right else 'wrong'}, {drops}, {rest}, log HR {s.log_hr:.4f} {s.notes}")


if __name__ == "__main__":
    main()
