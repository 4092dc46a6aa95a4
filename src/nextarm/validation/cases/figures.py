"""Cases of the figures room: figures that R drew of made-up patients, and one drawn from a closed form, read back.

Frozen numbers and figures come from ``references/figures.R``. Tolerances are the targets for drawings: S to 5e-4, every drop
and every mark, every printed number; after that the log hazard ratio of the rebuilt patients to 0.003.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Literal

import numpy as np

from nextarm.figures.read_file import read_file
from nextarm.figures.reading import FigureReading
from nextarm.patients.from_figure import reconstruct
from nextarm.patients.pooled import log_hazard_ratio
from nextarm.validation.case import Case, expected

FROZEN = "figures"
SOURCE = "R survival 3.5-3 (R 4.2.2) on the patients whose figure R drew"
#: Figure file, what draws it, whether it prints a table.
FIGURES = (
    ("figures_base.svg", "base graphics through cairo, text as outlines", True),
    ("figures_base.pdf", "base graphics, PDF", True),
    ("figures_ggplot.svg", "ggplot2 through svglite, axis in percent", False),
    ("figures_survminer.svg", "survminer through svglite, with ribbons and table", True),
)


@cache
def _read(name: str) -> FigureReading:
    data = files("nextarm.validation").joinpath("data", name).read_bytes()
    return read_file(data, kind="pdf" if name.endswith("pdf") else "svg")[0]


def _figure(name: str, table: bool) -> Mapping[str, float]:
    """Largest differences from R over all drops, and counts."""
    reading, truth = _read(name), expected(FROZEN)["arms"]
    out: dict[str, float] = {"curves": float(len(reading.curves))}
    for curve in reading.curves:
        arm = truth[curve.arm]
        fall = np.flatnonzero(np.diff(curve.survival) < 0) + 1
        same = len(fall) == len(arm["drop_time"])
        out[f"{curve.arm}: drops"] = float(len(fall))
        out[f"{curve.arm}: S off by"] = float(np.abs(curve.survival[fall] - arm["drop_survival"]).max()) if same else 1.0
        out[f"{curve.arm}: time off by"] = float(np.abs(curve.time[fall] - arm["drop_time"]).max()) if same else 1.0
        out[f"{curve.arm}: marks"] = float(len(curve.ticks))
        if table:
            out[f"{curve.arm}: at risk at 24"] = float(curve.at_risk[list(curve.at_risk_times).index(24.0)])
    return out


def _wanted(table: bool) -> dict[str, float]:
    want: dict[str, float] = {"curves": 2.0}
    for name, arm in expected(FROZEN)["arms"].items():
        want |= {f"{name}: drops": len(arm["drop_time"]), f"{name}: S off by": 0.0, f"{name}: time off by": 0.0}
        want[f"{name}: marks"] = len(arm["censored"])
        if table:
            want[f"{name}: at risk at 24"] = arm["row_at_risk"][arm["row_time"].index(24)]
    return want


def _figure_case(name: str, drawn_by: str, table: bool) -> Case:
    want = _wanted(table)
    return Case(
        id=f"figures-{name.partition('_')[2].replace('.', '-')}", title=f"figure of two arms read: {drawn_by}", room="figures",
        kind="other program", source=SOURCE, inputs=f"validation/data/{name}", compute=partial(_figure, name, table), expected=want,
        tolerance={k: 5e-4 if "S off" in k else 0.02 if "time off" in k else 0.0 for k in want}, reference=FROZEN,
    )  # fmt: skip


def _patients() -> Mapping[str, float]:
    """From the figure to patients to the hazard ratio."""
    made = reconstruct(_read("figures_survminer.svg"), versions=1).patients
    first, second = (made.for_arm(a) for a in ("Control", "New drug"))
    fit = log_hazard_ratio((first.time, first.event), (second.time, second.event))
    assert fit is not None
    return {"log_hazard_ratio": fit[0], "standard_error": fit[1], "events": float(made.events)}


def _drawn(kind: Literal["survival", "percent incidence"]) -> Mapping[str, float]:
    """A curve drawn from S = 1 - i / n at t = -m log(1 - i / n), read, against the formula."""
    n, k, m = 50, 40, 12.0
    upward = kind != "survival"
    steps = np.arange(1, k + 1)
    times, levels = -m * np.log(1 - steps / n), 1 - steps / n

    def x(t: float) -> float:
        return 60.0 + 10.0 * t

    def y(s: float) -> float:
        return 320.0 - 300.0 * ((1.0 - s) if upward else s)

    points = [(x(0), y(1.0))]
    for before, after, t in zip(np.concatenate([[1.0], levels[:-1]]), levels, times, strict=True):
        points += [(x(t), y(before)), (x(t), y(after))]
    line = " ".join(f"{a:.2f},{b:.2f}" for a, b in points)
    labels = ""
    for t in range(0, 25, 6):
        labels += f'<text x="{x(t)}" y="345" text-anchor="middle">{t}</text>'
        labels += f'<line x1="{x(t)}" y1="325" x2="{x(t)}" y2="330" stroke="black"/>'
    for i in range(6):
        place = 320 - 60 * i
        labels += f'<text x="48" y="{place + 4}" text-anchor="end">{f"{20 * i}%" if upward else i / 5}</text>'
        labels += f'<line x1="50" y1="{place}" x2="55" y2="{place}" stroke="black"/>'
    svg = f'<svg viewBox="0 0 400 400" font-size="11"><polyline fill="none" stroke="#117733" points="{line}"/>{labels}</svg>'
    curve = read_file(svg.encode(), kind="svg")[0].curves[0]
    fall = np.flatnonzero(np.diff(curve.survival) < 0) + 1
    same = len(fall) == k
    return {
        "drops": float(len(fall)),
        "S off by": float(np.abs(curve.survival[fall] - levels).max()) if same else 1.0,
        "time off by": float(np.abs(curve.time[fall] - times).max()) if same else 1.0,
    }


def _drawn_case(kind: Literal["survival", "percent incidence"]) -> Case:
    return Case(
        id=f"figures-closed-form-{kind.replace(' ', '-')}", title=f"a step curve drawn from its formula, axis of {kind}", room="figures",
        kind="closed form", source="S = 1 - i / n at t = -m log(1 - i / n)", inputs="a drawing with two decimals, made in the case",
        compute=partial(_drawn, kind), expected={"drops": 40.0, "S off by": 0.0, "time off by": 0.0},
        tolerance={"drops": 0.0, "S off by": 1e-4, "time off by": 2e-3},
    )  # fmt: skip


CASES: tuple[Case, ...] = (
    *(_figure_case(*f) for f in FIGURES),
    Case(
        id="figures-to-hazard-ratio", title="figure to patients to hazard ratio", room="figures", kind="other program", source=SOURCE,
        inputs="validation/data/figures_survminer.svg", compute=_patients,
        expected={"log_hazard_ratio": expected(FROZEN)["log_hazard_ratio"], "standard_error": expected(FROZEN)["se"],
                  "events": float(sum(a["events"] for a in expected(FROZEN)["arms"].values()))},
        tolerance={"log_hazard_ratio": 0.003, "standard_error": 0.003, "events": 0.0}, reference=FROZEN,
    ),
    _drawn_case("survival"),
    _drawn_case("percent incidence"),
)  # fmt: skip
