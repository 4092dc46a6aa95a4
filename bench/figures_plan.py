"""What each generated figure shows: patients, style and size, drawn from a seed. Knows nothing of how figures are read.

A plan is plain data, so that the R half of the generator can read it. Figures of the tuning set and the held-out set
come from different seeds; HELD_OUT_SEED was committed before any of its figures was drawn. Once a set has been looked at, it
is used up and joins the tuning figures: the next claim needs a new seed (20_260_829 was the first, 48_611_207 the second,
90_352_741 the third, 613_280_477 the fourth, 284_519_663 the fifth, 353_130_999 the sixth; HELD_OUT_SEED, the seventh, was read on
2026-12-01 and is used up too).
"""

from __future__ import annotations

from typing import Any

import numpy as np

TUNING_SEED = 101
HELD_OUT_SEED = 961_096_942
HELD_OUT_COUNT = 60
USED_UP_SEED = 48_611_207

ENGINES = ("matplotlib",) * 8 + ("lifelines",) * 2 + ("plotnine",) * 2 + ("base",) * 3 + ("survminer",) * 3 + ("ggsurvfit",) * 2
PALETTES = (
    ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728"),
    ("#F8766D", "#00BFC4", "#7CAE00", "#C77CFF"),
    ("#E41A1C", "#377EB8", "#4DAF4A", "#984EA3"),
    ("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    ("#000080", "#8B0000", "#006400", "#808080"),
    ("#BC3C29", "#0072B5", "#E18727", "#20854E"),
    ("#000000", "#FF0000", "#0000FF", "#00A000"),
    ("#2E9FDF", "#E7B800", "#FC4E07", "#00AFBB"),
)
NAMES = (
    ("Control", "Treatment", "Combination"), ("Placebo", "Drug A", "Drug B"), ("Chemotherapy", "Immunotherapy", "Both"),
    ("Standard", "Experimental", "High dose"), ("MRD negative", "MRD positive", "MRD unknown"), ("Low risk", "High risk", "Medium risk"),
    ("Interfant-99", "Interfant-06", "Historical"), ("KMT2A-r", "KMT2A-g", "Other"), ("Arm A", "Arm B", "Arm C"),
    ("Male", "Female", "Unknown"),
)  # fmt: skip
FONTS = ("DejaVu Sans", "Liberation Sans", "Liberation Serif", "DejaVu Serif", "Liberation Sans", "Liberation Sans Narrow", "C059")
Y_LABELS = (
    "Survival probability",
    "Overall survival",
    "Event-free survival",
    "Probability of survival",
    "Proportion surviving",
    "Progression-free survival",
)


def patients(rng: np.random.Generator, n: int, x_max: float, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Times (in the unit of the axis) and events of one arm: Weibull with a cured share, uniform censoring."""
    cure = {"high": rng.uniform(0.8, 0.95), "low": 0.0, "plateau": rng.uniform(0.3, 0.7), "plain": rng.uniform(0.0, 0.3)}[kind]
    median = x_max * {"high": 0.3, "low": rng.uniform(0.08, 0.2), "plateau": rng.uniform(0.08, 0.3), "plain": rng.uniform(0.25, 0.9)}[kind]
    shape = rng.uniform(0.7, 1.8)
    death = np.where(rng.random(n) < cure, np.inf, median * (rng.exponential(size=n) / np.log(2)) ** (1 / shape))
    end = x_max * rng.uniform(0.85, 1.3)
    censor = rng.uniform(end * rng.uniform(0.05, 0.5), end, n)
    if rng.random() < 0.3:  # times recorded in whole thirtieths of a unit: ties
        death, censor = np.ceil(death * 30) / 30, np.ceil(censor * 30) / 30
    time = np.round(np.minimum(death, censor), 4)
    return np.maximum(time, 1e-3), (death <= censor).astype(int)


def axis(rng: np.random.Generator) -> dict[str, Any]:
    """A time axis: its unit, end and ticks."""
    unit, x_max, step = [
        ("months", 24, 4), ("months", 36, 6), ("months", 48, 12), ("months", 60, 12), ("months", 72, 12), ("months", 96, 20),
        ("months", 120, 24), ("months", 30, 3), ("years", 5, 1), ("years", 6, 1), ("years", 10, 2), ("years", 3, 0.5), ("days", 1000, 200),
        ("days", 1800, 300), ("weeks", 104, 13), ("months", 18, 3),
    ][rng.integers(16)]  # fmt: skip
    cap = unit.capitalize()
    label = [
        f"Time ({unit})",
        f"{cap}",
        f"{cap} since randomization",
        f"Time since diagnosis ({unit})",
        f"Time, {unit}",
        f"Follow-up ({unit})",
    ]
    ticks = [round(float(v), 6) for v in np.arange(0, x_max + 1e-9, step)]
    if rng.random() < 0.15 and ticks[-1] < x_max:
        ticks.append(float(x_max))
    return {"unit": unit, "x_max": float(x_max), "x_ticks": ticks, "x_label": label[rng.integers(len(label))]}


def plan(seed: int, index: int) -> dict[str, Any]:
    """The whole description of figure ``index`` of the set ``seed``."""
    rng = np.random.default_rng([seed, index])

    def one(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    engine = ENGINES[index % len(ENGINES)]
    width = int(one(600, 700, 800, 1000, 1200, 1400, 1600, 2000, 2400, 3000))
    p: dict[str, Any] = {"id": f"fig_{index:03d}", "engine": engine, "width": width, "height": int(width * rng.uniform(0.65, 0.95))}
    p |= axis(rng)
    n_arms = int(one(1, 2, 2, 2, 2, 2, 3, 3))
    names = NAMES[rng.integers(len(NAMES))]
    black = bool(n_arms == 2 and rng.random() < 0.12)
    palette = ("#000000",) * 4 if black else PALETTES[rng.integers(len(PALETTES))]
    dashes = ("solid", "dashed", "dotted") if black or rng.random() < 0.15 else ("solid",) * 3
    if black and rng.random() < 0.35:
        dashes = ("solid",) * 3
    kinds = ("high", "low", "plateau", "plateau", "plain", "plain", "plain")
    size = int(one(10, 20, 35, 60, 120, 250, 500))
    arms = []
    for k in range(n_arms):
        n = max(6, int(size * rng.uniform(0.7, 1.3)))
        time, event = patients(rng, n, p["x_max"], kinds[rng.integers(len(kinds))])
        arms.append({"name": names[k], "colour": palette[k], "dash": dashes[k], "time": time.tolist(), "event": event.tolist()})
    p["arms"], p["black_pair"], p["solid_black_pair"] = arms, black, bool(black and dashes[1] == "solid")
    p["upward"] = bool(rng.random() < 0.08 and engine in ("matplotlib", "base", "ggsurvfit"))
    p["percent"] = bool(rng.random() < 0.3)
    p["y_min"] = float(one(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.4)) if engine in ("matplotlib", "base") and not p["upward"] else 0.0
    p["y_step"] = float(one(0.1, 0.2, 0.2, 0.25))
    p["y_label"] = ("Cumulative incidence" if p["upward"] else Y_LABELS[rng.integers(len(Y_LABELS))]) + (" (%)" if p["percent"] else "")
    p["frame"] = one("box", "l", "l", "box", "none") if engine in ("matplotlib", "plotnine") else one("box", "l")
    p["pad"] = bool(rng.random() < 0.4)  # axis limits a little beyond the data, so that 0 is not in the corner
    p["grid"] = one(None, None, None, "light", "dotted", "grey")
    p["lw"] = float(one(0.8, 1.0, 1.5, 2.0, 2.5))
    p["marks"] = one("|", "|", "|", "+", None)
    p["ribbon"] = bool(rng.random() < 0.2)
    p["risk_table"] = bool(rng.random() < 0.65)
    p["risk_colour"] = bool(rng.random() < 0.4)
    p["legend"] = (
        "none" if n_arms == 1 and rng.random() < 0.6 else one("upper right", "lower left", "right", "top", "direct", "upper right")
    )
    if n_arms > 1 and p["legend"] == "direct" and engine not in ("matplotlib",):
        p["legend"] = "upper right"
    p["note"] = one(None, None, "HR 0.65 (95% CI 0.45-0.94)", "p = 0.021", "Log-rank P<0.001")
    p["title"] = one(None, None, "Overall survival", "A", "Kaplan-Meier estimates")
    p["font"] = FONTS[rng.integers(len(FONTS))]
    p["font_scale"] = float(rng.uniform(0.85, 1.25))
    p["panels"] = 2 if engine == "matplotlib" and width >= 1200 and rng.random() < 0.1 else 1
    p["jpeg"] = int(one(35, 50, 70, 90)) if rng.random() < 0.4 else None
    p["noise"] = float(rng.uniform(2, 6)) if rng.random() < 0.08 else 0.0
    p["shrink"] = float(rng.uniform(0.6, 0.95)) if width >= 1200 and rng.random() < 0.15 else None  # resampled after drawing
    p["las"] = int(one(0, 0, 1, 1, 2)) if engine == "base" else 1  # R's direction of labels: along the axis, level, across
    p["survfit_plot"] = bool(engine == "base" and rng.random() < 0.4)  # drawn by survival's own plot method
    return p
