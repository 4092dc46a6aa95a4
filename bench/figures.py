# ruff: noqa: E501 (lines of the printed table)
"""How well raster figures are read: python bench/figures.py FOLDER [FOLDER ...] [--json FILE] [--reconstruct]

Two kinds of folder are understood. One made by bench/figures_make.py (fig_*/figure.png and truth.json); and one whose cases
hold graph.png, raw_survival_data.csv, risk_table_data.csv and metadata.json. Figures of the second kind are scored twice:
against the patients, and against the curve as their renderer drew it (steps closer than a hundredth of the axis merged when a
curve has more than 100 points; the line ends at the last event plus 3.5 % of the axis). IAE is the mean absolute error of S
over the visible axis up to the end of the true line (2,001 times; a line read shorter keeps its last value, so that a curve cut short
counts) for the best matching of arms.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import time
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nextarm.core.errors import NextarmError
from nextarm.figures.raster.read import read_raster
from nextarm.figures.reading import CurveReading, FigureReading, FigureRefused

GRID = 2001
TICK_NEAR = 0.005  # of the axis
Steps = tuple[np.ndarray, np.ndarray]


@dataclass
class Arm:
    """The truth of one arm: steps by the patients, steps as drawn, where the line ends, ticks and printed cells.

    ``ticks`` are all censored patients within the line, ``shown`` those whose mark the picture holds.
    """

    name: str
    patients: Steps
    drawn: Steps
    end: float
    ticks: np.ndarray
    shown: np.ndarray
    cells: dict[float, int | None]
    dash: str
    raw: tuple[np.ndarray, np.ndarray]


@dataclass
class Truth:
    """The truth of one figure. ``axes`` maps a pixel to a value where it is known; ``box`` holds the axis' own limits."""

    name: str
    image: Path
    arms: list[Arm]
    x_max: float
    y_min: float
    names: bool
    upward: bool
    unit: str
    tags: dict[str, Any]
    axes: dict[str, float] | None = None


@dataclass
class Score:
    """What became of one figure."""

    name: str
    tags: dict[str, Any]
    refused: str = ""
    seconds: float = 0.0
    arms: int = 0
    arms_found: int = 0
    iae: list[float] = field(default_factory=list)
    iae_drawn: list[float] = field(default_factory=list)
    axis_error: float = 0.0
    names: tuple[int, int] = (0, 0)
    styles: tuple[int, int] = (0, 0)
    cells: tuple[int, int, int] = (0, 0, 0)
    ticks: tuple[int, int, int] = (0, 0, 0)
    ticks_all: tuple[int, int, int] = (0, 0, 0)
    ticks_apart: tuple[int, int, int] = (0, 0, 0)
    log_hr: float | None = None
    not_rebuilt: str = ""
    grade: str = ""
    warnings: tuple[str, ...] = ()


def km_steps(t: np.ndarray, e: np.ndarray) -> Steps:
    """Kaplan-Meier steps from (0, 1)."""
    at = np.unique(t[e == 1])
    n = (t[None, :] >= at[:, None]).sum(1)
    d = ((t[None, :] == at[:, None]) & (e == 1)).sum(1)
    return np.r_[0.0, at], np.r_[1.0, np.cumprod(1 - d / n)]


def merged(steps: Steps, axis: float) -> Steps:
    """Steps closer than a hundredth of the axis merged into the first, as the renderer of the hard figures does above 100 points."""
    t, s = steps
    if len(t) <= 100:
        return steps
    keep_t, keep_s = [t[0]], [s[0]]
    for a, b in zip(t[1:], s[1:], strict=True):
        if a - keep_t[-1] < 0.01 * axis and len(keep_t) > 1:
            keep_s[-1] = b
        else:
            keep_t.append(a)
            keep_s.append(b)
    return np.array(keep_t), np.array(keep_s)


def at(steps: Steps, t: np.ndarray) -> np.ndarray:
    """Value of a right-continuous step function."""
    return steps[1][np.searchsorted(steps[0], t, side="right") - 1]


def visible(ticks: np.ndarray, steps: Steps, y_min: float) -> np.ndarray:
    """Marks that do not lie below the axis."""
    return ticks[at(steps, ticks) >= y_min] if len(ticks) else ticks


def load_made(folder: Path) -> Truth:
    """The truth of a generated figure."""
    d = json.loads((folder / "truth.json").read_text())
    image = next(folder.glob("figure.*"))
    arms = []
    for a in d["arms"]:
        steps = (np.array(a["time"]), np.array(a["survival"]))
        cells = dict(zip(d["x_ticks"], a["at_risk"], strict=True)) if d["risk_table"] else {}
        raw = (np.array(a["patients"]["time"]), np.array(a["patients"]["event"]))
        arms.append(
            Arm(
                a["name"],
                steps,
                steps,
                min(a["end"], d["x_max"]),
                np.array(a["ticks"]),
                visible(np.array(a.get("shown", a["ticks"])), steps, d["y_min"]),
                cells,
                {"dashdot": "dash-dotted"}.get(a["dash"], a["dash"]),
                raw,
            )
        )
    keep = ("engine", "black_pair", "solid_black_pair", "jpeg", "frame", "grid", "legend", "ribbon", "panels", "percent")
    width = Image.open(image).width
    tags = {k: d[k] for k in keep} | {"width": width}
    return Truth(folder.name, image, arms, d["x_max"], d["y_min"], d["names_printed"], d["upward"], d["unit"], tags, d["axes"])


def load_case(folder: Path) -> Truth:
    """The truth of a hard figure: patients, at-risk numbers and settings."""
    m = json.loads((folder / "metadata.json").read_text())
    rows = list(csv.DictReader((folder / "raw_survival_data.csv").open()))
    table = list(csv.DictReader((folder / "risk_table_data.csv").open()))
    axis = float(m["max_time"])
    arms = []
    for g in m["groups"]:
        t = np.array([float(r["time"]) for r in rows if r["group"] == g])
        e = np.array([int(r["event"]) for r in rows if r["group"] == g])
        steps = km_steps(t, e)
        shown = merged((steps[0][steps[0] <= axis], steps[1][steps[0] <= axis]), axis)
        end = min(axis, float(shown[0][-1]) + 0.035 * axis)
        cells = {float(r["time"]): int(float(r[g])) if r[g] not in ("", "0", "0.0") else None for r in table}
        ticks = np.sort(t[(e == 0) & (t <= end)])
        # Looked at in all 30: their renderer draws no mark after the last event of an arm, so none for those censored at the end.
        held = visible(ticks[ticks <= steps[0][steps[0] <= axis][-1]], shown, float(m["y_axis_start"]))
        arms.append(Arm(g, steps, shown, end, ticks, held, cells, "solid", (t, e)))
    tags = {"width": Image.open(folder / "graph.png").width, "tier": m["tier"]}
    return Truth(
        folder.name, folder / "graph.png", arms, axis, float(m["y_axis_start"]), True, m["curve_direction"] != "downward", "months", tags
    )


def load(folder: Path) -> list[Truth]:
    """All figures of a folder with their truth."""
    made = sorted(p.parent for p in folder.glob("*/truth.json"))
    cases = sorted(p.parent for p in folder.glob("*/metadata.json"))
    return [load_made(p) for p in made if any(p.glob("figure.*"))] + [load_case(p) for p in cases]


def iae(curve: CurveReading, steps: Steps, end: float, y_min: float) -> float:
    """Mean absolute error of S over the visible part of an arm, the last value of the curve held to ``end``."""
    t = np.linspace(0, end, GRID)
    truth = np.maximum(at(steps, t), y_min)
    return float(np.abs(np.maximum(at((curve.time, curve.survival), t), y_min) - truth).mean())


def pair(found: list[CurveReading], truth: Truth) -> list[CurveReading | None]:
    """For each true arm the curve that fits it in the best matching."""
    n = max(len(found), len(truth.arms))
    padded: list[CurveReading | None] = [*found, *[None] * (n - len(found))]
    cost = np.array([[iae(c, a.drawn, a.end, truth.y_min) if c is not None else 1.0 for c in padded] for a in truth.arms])
    best = min(permutations(range(n), len(truth.arms)), key=lambda order: sum(cost[i, j] for i, j in enumerate(order)))
    return [padded[j] for j in best]


def match_ticks(found: np.ndarray, true: np.ndarray, tolerance: float) -> int:
    """How many ticks can be paired one to one within a tolerance (greedy along the axis, which is best for intervals)."""
    i = j = hits = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return hits


def on_axis(found: np.ndarray, arm: Arm, truth: Truth, tolerance: float) -> np.ndarray:
    """Found marks without those of patients censored after the last time of the axis: programs that pad the axis draw them, and they are
    in none of the true lists, so that a mark rightly read there would count as false."""
    time, event = arm.raw
    later = time[(event == 0) & (time > truth.x_max)]
    real = np.array([len(later) and f > truth.x_max and np.abs(later - f).min() <= tolerance for f in found], bool)
    return found[~real]


def added(counts: tuple[int, int, int], hits: int, found: int, true: int) -> tuple[int, int, int]:
    """Counts of ticks (matched, found, true) with those of one more arm."""
    return counts[0] + hits, counts[1] + found, counts[2] + true


def axis_error(reading: FigureReading, truth: Truth) -> float:
    """Largest error of either axis as a share of it, at its two ends."""
    x, y = reading.x_axis, reading.y_axis
    if truth.axes is not None:
        a = truth.axes
        px = [(v - a["x_intercept"]) / a["x_slope"] for v in (0.0, truth.x_max)]
        py = [(v - a["y_intercept"]) / a["y_slope"] for v in (truth.y_min, 1.0)]
    else:
        px, py = [0.0, reading.box.right], [reading.box.bottom, 0.0]
        right = x.intercept + x.slope * px[1]
        bottom = y.intercept + y.slope * py[0]
        return float(max(abs(right - truth.x_max) / truth.x_max, abs(bottom - truth.y_min)))
    ex = [abs(x.intercept + x.slope * p - v) / truth.x_max for p, v in zip(px, (0.0, truth.x_max), strict=True)]
    ey = [abs(y.intercept + y.slope * p - v) / (1 - truth.y_min) for p, v in zip(py, (truth.y_min, 1.0), strict=True)]
    return float(max(*ex, *ey)) + (1.0 if reading.upward != truth.upward else 0.0)


def score(truth: Truth, *, reconstruct: bool) -> Score:
    """Read one figure and compare."""
    out = Score(truth.name, truth.tags, arms=len(truth.arms))
    rgb = np.asarray(Image.open(truth.image).convert("RGB"))
    panel = 1 if truth.tags.get("panels", 1) > 1 else None
    tabled = reconstruct and len(truth.arms) == 2 and any(n is not None for arm in truth.arms for n in arm.cells.values())
    start = time.process_time()
    try:
        reading = read_raster(rgb, panel=panel)
    except FigureRefused as refusal:
        out.refused, out.seconds = str(refusal), time.process_time() - start
        out.not_rebuilt = "the figure was refused" if tabled else ""
        return out
    out.seconds = time.process_time() - start
    out.grade, out.warnings, out.arms_found = reading.grade, reading.warnings, len(reading.curves)
    out.axis_error = axis_error(reading, truth)
    curves = pair(list(reading.curves), truth)
    tolerance, apart = TICK_NEAR * truth.x_max, 2 * TICK_NEAR * truth.x_max
    names = cells = right = invented = 0
    for arm, curve in zip(truth.arms, curves, strict=True):
        out.iae.append(iae(curve, arm.patients, arm.end, truth.y_min) if curve is not None else 1.0)
        out.iae_drawn.append(iae(curve, arm.drawn, arm.end, truth.y_min) if curve is not None else 1.0)
        names += bool(truth.names and curve is not None and curve.arm == arm.name)
        got = {round(float(t), 4): v for t, v in zip(curve.at_risk_times, curve.at_risk, strict=True)} if curve is not None else {}
        for t, n in arm.cells.items():
            v = got.get(round(t, 4), np.nan)
            cells += n is not None
            right += n is not None and v == n
            invented += n is None and not np.isnan(v)
        found = np.sort(np.repeat(curve.ticks, curve.tick_low)) if curve is not None else np.zeros(0)
        if len(arm.ticks) or len(found):
            found = on_axis(found, arm, truth, tolerance)
            true, every = np.sort(arm.shown), np.sort(arm.ticks)
            out.ticks = added(out.ticks, match_ticks(found, true, tolerance), len(found), len(true))
            out.ticks_all = added(out.ticks_all, match_ticks(found, every, tolerance), len(found), len(every))
            gaps = np.diff(np.r_[-np.inf, true, np.inf])
            # Apart: by more than a hundredth of the axis on both sides. A false mark counts wherever it stands.
            lone = true[(gaps[:-1] > apart) & (gaps[1:] > apart)]
            near = np.array(
                [f for f in found if not len(true) or np.abs(true - f).min() > tolerance or np.abs(lone - f).min(initial=9e9) <= tolerance]
            )
            out.ticks_apart = added(out.ticks_apart, match_ticks(near, lone, tolerance), len(near), len(lone))
    out.styles = (sum(c is not None and c.dash == a.dash for a, c in zip(truth.arms, curves, strict=True)), len(truth.arms))
    out.names, out.cells = (names, len(truth.arms) if truth.names else 0), (right, cells, invented)
    if tabled and any(c is None for c in curves):
        out.not_rebuilt = "a curve was not found"
    elif tabled and not all(c is not None and c.at_risk.size for c in curves):
        out.not_rebuilt = "a row of the table was not read"
    elif tabled:
        out.log_hr, out.not_rebuilt = hazard_ratio_error(truth, reading, curves)
    return out


def hazard_ratio_error(truth: Truth, reading: FigureReading, curves: list[CurveReading | None]) -> tuple[float | None, str]:
    """Absolute error of the log hazard ratio of the second arm against the first, from figure to patients; else why there is none."""
    from nextarm.patients.from_figure import reconstruct
    from nextarm.patients.pooled import log_hazard_ratio

    named = tuple(replace(c, arm=name) for c, name in zip(curves, ("first", "second"), strict=True) if c is not None)
    try:
        made = reconstruct(replace(reading, curves=named), seed=1).patients
    except NextarmError as error:
        return None, str(error).replace("\n", " ")
    last = max(float(made.time.max()), 1e-9)
    scale = truth.x_max / {"months": 12.0, "years": 1.0, "weeks": 365.25 / 7, "days": 365.25}[truth.unit]
    cut = min(last, scale)
    parts = [made.for_arm(a) for a in ("first", "second")]
    found = log_hazard_ratio(*((np.minimum(p.time, cut), np.where(p.time > cut * (1 + 1e-9), 0, p.event)) for p in parts))
    limit = truth.x_max * cut / scale
    true = log_hazard_ratio(*((np.minimum(a.raw[0], limit), np.where(a.raw[0] > limit, 0, a.raw[1])) for a in truth.arms))
    if true is None:  # an arm without events, say: nothing to compare with
        return None, ""
    return (abs(found[0] - true[0]), "") if found is not None else (None, "the rebuilt patients have no finite hazard ratio")


def f1(counts: np.ndarray) -> tuple[float, float]:
    """Precision and F1 from (hits, found, true)."""
    hits, found, true = (float(v) for v in counts)
    return hits / max(found, 1), 2 * hits / max(found + true, 1)


def report(scores: list[Score], title: str) -> None:
    """Print the table of one group of figures."""
    read = [s for s in scores if not s.refused]
    if not read:
        print(f"\n## {title}: nothing read of {len(scores)}")
        return
    first, drawn = np.array([v for s in read for v in s.iae]), np.array([v for s in read for v in s.iae_drawn])
    ticks, lone, every = (np.array([getattr(s, k) for s in read]).sum(0) for k in ("ticks", "ticks_apart", "ticks_all"))
    names, cells, styles = (np.array([getattr(s, k) for s in read]).sum(0) for k in ("names", "cells", "styles"))
    # Two solid black curves with equal keys and no table: the picture does not say which name is whose.
    told = np.array([s.names for s in read if not (s.tags.get("solid_black_pair") and s.cells[1] == 0)] or [(0, 0)]).sum(0)
    axes, seconds = np.array([s.axis_error for s in read]), np.array([s.seconds for s in scores])
    hr = [s.log_hr for s in read if s.log_hr is not None]

    def share(x: np.ndarray, limit: float) -> str:
        return f"{100 * (x < limit).mean():.1f} %"

    lines = {
        "figures (arms)": f"{len(scores)} ({sum(s.arms for s in scores)})",
        "IAE against the patients": f"median {np.median(first):.4f}, mean {first.mean():.4f}; below 0.01 {share(first, 0.01)}, below 0.005 {share(first, 0.005)}",
        "IAE against the curve as drawn": f"median {np.median(drawn):.4f}, mean {drawn.mean():.4f}; below 0.01 {share(drawn, 0.01)}, below 0.005 {share(drawn, 0.005)}",
        "right number of arms": f"{100 * np.mean([s.arms == s.arms_found for s in read]):.1f} %",
        "names where printed": f"{names[0]} of {names[1]}; where keys or a table tell the curves apart {told[0]} of {told[1]}",
        "line styles (solid, dashed, dotted)": f"{styles[0]} of {styles[1]}",
        "at-risk cells": f"{cells[0]} of {cells[1]}, {cells[2]} where none is printed",
        "ticks": "precision {:.3f}, F1 {:.3f}".format(*f1(ticks)) + "; apart: precision {:.3f}, F1 {:.3f}".format(*f1(lone)),
        "ticks, those that are not drawn counted as missed": "precision {:.3f}, F1 {:.3f}".format(*f1(every)),
        "refused": f"{len(scores) - len(read)} of {len(scores)}",
        "axis error": f"below 0.1 % {share(axes, 0.001)}, below 1 % {share(axes, 0.01)}; wrong by more than 1 %: {int((axes >= 0.01).sum())}",
        "CPU seconds": f"mean {seconds.mean():.2f}, max {seconds.max():.2f}",
        "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
    }
    failed = [s for s in scores if s.not_rebuilt]
    if hr:
        lines["error of log HR"] = (
            f"median {np.median(hr):.4f}, mean {np.mean(hr):.4f}, 90th percentile {np.quantile(hr, 0.9):.4f}; "
            f"{len(hr)} of {len(hr) + len(failed)} figures with two arms and a table"
        )
    if failed:
        lines["not rebuilt"] = "; ".join(f"{s.name}: {s.not_rebuilt}" for s in failed)
    print(f"\n## {title}\n\n| | |\n|---|---|")
    for k, v in lines.items():
        print(f"| {k} | {v} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--reconstruct", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--worst", type=int, default=10)
    options = parser.parse_args()
    for folder in options.folders:
        truths = [t for t in load(folder) if not options.only or any(w in t.name for w in options.only.split(","))]
        read_raster(np.asarray(Image.open(truths[0].image).convert("RGB")), panel=1)  # models and compiled code loaded: not timed
        scores = [score(t, reconstruct=options.reconstruct) for t in truths]
        report(scores, f"{folder.name}: all")
        if any("engine" in s.tags for s in scores):
            plain = [s for s in scores if not s.tags["solid_black_pair"]]
            report([s for s in plain if s.tags["width"] >= 1000], f"{folder.name}: 1,000 px and wider, without pairs of solid black curves")
            report([s for s in plain if s.tags["width"] < 1000], f"{folder.name}: below 1,000 px, without pairs of solid black curves")
            report([s for s in scores if s.tags["black_pair"]], f"{folder.name}: black pairs")
        worst = sorted(scores, key=lambda s: -max([float(bool(s.refused)), *s.iae_drawn]))[: options.worst]
        print(f"\n## {folder.name}: worst\n")
        for s in worst:
            style = " ".join(f"{k}={v}" for k, v in s.tags.items() if v not in (None, False, 1))
            values = " ".join(f"{v:.4f}" for v in s.iae_drawn)
            print(
                f"- {s.name}: {s.refused or values} (arms {s.arms_found} of {s.arms}, axis {100 * s.axis_error:.2f} %, grade {s.grade}; {style}) {'; '.join(s.warnings)}"
            )
        if options.json:
            options.json.write_text(json.dumps([vars(s) for s in scores], default=str))


if __name__ == "__main__":
    main()
