"""Make vector figures with known truth, in the styles of matplotlib, lifelines and (where Rscript is there) R.

    python bench/figures_vector_make.py FOLDER [--count 120] [--seed 1]

Each figure NAME.svg or NAME.pdf has NAME.csv (the patients: arm, time, event) and NAME.json (what is drawn).
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
PYTHON_STYLES = ("plain", "black", "lifelines", "percent", "upward", "truncated", "cut", "serif", "direct", "panels", "limits", "frameless")
R_STYLES = ("base", "base-limits", "ggplot", "ggplot-percent", "survminer", "survminer-events", "autoplot", "base-black", "facets")
NAMES = (
    ("Control", "New drug"), ("Placebo", "Drug A 10 mg"), ("High risk", "Low risk"), ("A", "B"), ("Group 1", "Group 2"),
    ("KMT2A-r", "KMT2A-g"), ("Surgery alone", "Surgery + chemotherapy"),
)  # fmt: skip


def drawn_patients(rng: np.random.Generator, arms: tuple[str, ...]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weibull or cure-fraction times with uniform censoring; a third of the sets are rounded, so that times tie."""
    out = {}
    step = rng.choice([0.0, 0.0, 0.1])
    horizon = rng.uniform(24, 72)
    for arm in arms:
        n = int(rng.choice([20, 40, 80, 150, 300]))
        cured = rng.random(n) < rng.choice([0.0, 0.3, 0.6])
        event = np.where(cured, np.inf, rng.weibull(rng.uniform(0.8, 1.5), n) * rng.uniform(8, 30))
        follow = rng.uniform(rng.uniform(2, 0.6 * horizon), horizon, n)
        time = np.minimum(event, follow)
        time = np.maximum(np.round(time / step) * step, step) if step else time
        out[arm] = (time, (event <= follow).astype(int))
    return out


def at_risk(data: dict[str, tuple[np.ndarray, np.ndarray]], times: np.ndarray) -> dict[str, list[int]]:
    """Numbers at risk just before each time."""
    return {arm: [int(np.sum(t >= x - 1e-9)) for x in times] for arm, (t, _) in data.items()}


def km(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step corners of the Kaplan-Meier curve, (0, 1) first, the last time of follow-up last."""
    xs, ys, s = [0.0], [1.0], 1.0
    for t in np.unique(time[event == 1]):
        s *= 1 - np.sum((time == t) & (event == 1)) / np.sum(time >= t)
        xs.append(float(t))
        ys.append(s)
    if time.max() > xs[-1]:
        xs.append(float(time.max()))
        ys.append(s)
    return np.array(xs), np.array(ys)


def level(corners: tuple[np.ndarray, np.ndarray], t: np.ndarray) -> np.ndarray:
    return corners[1][np.searchsorted(corners[0], t + 1e-12, side="right") - 1]


def write_truth(folder: Path, name: str, data: dict[str, tuple[np.ndarray, np.ndarray]], meta: dict[str, Any]) -> None:
    with (folder / f"{name}.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["arm", "time", "event"])
        for arm, (time, event) in data.items():
            rows.writerows([arm, repr(float(t)), int(e)] for t, e in zip(time, event, strict=True))
    (folder / f"{name}.json").write_text(json.dumps(meta, indent=1))


def python_figure(folder: Path, name: str, style: str, rng: np.random.Generator) -> None:
    """One figure by matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    many = style in ("plain", "direct") and rng.random() < 0.3
    arms = ("Arm 1", "Arm 2", "Arm 3", "Arm 4")[: int(rng.integers(1, 5))] if many else NAMES[int(rng.integers(len(NAMES)))]
    data = drawn_patients(rng, arms)
    top = max(float(t.max()) for t, _ in data.values())
    kind, step = str(rng.choice(["svg", "pdf"])), float(rng.choice([6, 12]))
    times = np.arange(0, max(top, 2 * step) + 1e-9, step)
    serif = {"font.family": "serif", "mathtext.fontset": "stix"} if style == "serif" else {}
    options = {
        "svg.fonttype": str(rng.choice(["path", "none"])),
        "pdf.fonttype": int(rng.choice([3, 42])),
        "font.size": float(rng.uniform(7, 12)),
    }
    meta: dict[str, Any] = {
        "style": style,
        "unit": "months",
        "upward": style == "upward",
        "ticks": True,
        "table": None,
        "panel": None,
        "named": True,
    }
    with mpl.rc_context(options | serif):
        if style == "panels":
            fig, axes = plt.subplots(1, 2, figsize=(rng.uniform(8, 11), rng.uniform(3.5, 5)))
            other = drawn_patients(rng, arms)
            _axes(axes[0], other, style, rng, times, 100)
            axes[0].set_title("Progression-free survival")
            axes[1].set_title("Overall survival")
            ax, meta["panel"] = axes[1], 2
        else:
            fig, ax = plt.subplots(figsize=(rng.uniform(4.5, 8), rng.uniform(3.8, 6)))
        scale = 100.0 if style == "percent" else 1.0
        if style == "lifelines":
            from lifelines import KaplanMeierFitter
            from lifelines.plotting import add_at_risk_counts

            fits = [KaplanMeierFitter(label=a).fit(t, e) for a, (t, e) in data.items()]
            for fit in fits:
                fit.plot_survival_function(ax=ax, show_censors=True, ci_show=bool(rng.random() < 0.7))
            ax.set_xticks(times)
            ax.set_ylim(0, 1.03)
            add_at_risk_counts(*fits, ax=ax, rows_to_show=["At risk"] if rng.random() < 0.5 else None)
            ax.set_xlabel("Time (months)")
            # lifelines counts those still followed after the time
            after = {a: [len(t) if x == 0 else int(np.sum(t > x + 1e-9)) for x in times] for a, (t, _) in data.items()}
            meta["table"] = {"times": times.tolist(), "counts": after}
        else:
            _axes(ax, data, style, rng, times, scale)
            if style == "cut":
                meta["x_max"] = float(times[-2]) if len(times) > 3 else float(times[-1])
                ax.set_xlim(0, meta["x_max"])
            if style in ("plain", "black", "percent", "serif", "frameless") and rng.random() < 0.85:
                shown = times
                counts = at_risk(data, shown)
                ax.text(-0.02, -0.24, "No. at risk", transform=ax.transAxes, ha="right", va="center")
                for i, (arm, row) in enumerate(counts.items()):
                    ax.text(-0.02, -0.31 - 0.07 * i, arm, transform=ax.transAxes, ha="right", va="center")
                    for t, n in zip(shown, row, strict=True):
                        ax.annotate(str(n), (t, -0.31 - 0.07 * i), xycoords=("data", "axes fraction"), ha="center", va="center")
                meta["table"] = {"times": shown.tolist(), "counts": counts}
        fig.savefig(folder / f"{name}.{kind}", bbox_inches="tight")
        plt.close(fig)
    write_truth(folder, name, data, meta)


def _axes(ax: Any, data: dict[str, Any], style: str, rng: np.random.Generator, times: np.ndarray, scale: float) -> None:
    """Curves with marks, axes, names."""
    marker = str(rng.choice(["|", "+"]))
    dashes = ("-", "--", ":", "-.")
    flip = style == "upward"

    def show(v: Any) -> Any:
        return (1 - v if flip else v) * scale

    for k, (arm, (time, event)) in enumerate(data.items()):
        x, y = km(time, event)
        colour = "black" if style == "black" else f"C{k}"
        (line,) = ax.step(
            x, show(y), where="post", color=colour, ls=dashes[k % 4] if style == "black" else "-", lw=rng.uniform(0.8, 2), label=arm
        )
        marks = np.unique(time[event == 0])
        size = rng.uniform(4, 8)
        ax.plot(marks, show(level((x, y), marks)), marker, color=colour, ms=size, mew=rng.uniform(0.6, 1.2), ls="none")
        if style == "limits":
            wide = 1.96 * 0.4 * np.sqrt((1 - y) / len(time) + 1e-12)
            for side in (1, -1):
                ax.step(x, show(np.clip(y + side * wide, 0, 1)), where="post", color=colour, ls="--", lw=0.6)
        if style == "direct":
            ax.annotate(arm, (x[-1], show(y[-1])), xytext=(4, 0), textcoords="offset points", color=line.get_color(), va="center")
        if style in ("plain", "percent") and rng.random() < 0.4:
            wide = 0.08 * np.sqrt(np.arange(len(x)) / len(x))
            ax.fill_between(x, show(np.clip(y - wide, 0, 1)), show(np.clip(y + wide, 0, 1)), step="post", color=colour, alpha=0.2, lw=0)
    ax.set_xticks(times)
    if style == "truncated":
        low = min(float(km(*d)[1].min()) for d in data.values())
        ax.set_ylim(max(0.0, np.floor(low * 10) / 10 - 0.1), 1.02)
    else:
        ax.set_ylim(-0.02 * scale, 1.05 * scale)
    ax.set_xlabel(str(rng.choice(["Months", "Time (months)", "Months since randomization", "Time since diagnosis, months"])))
    ax.set_ylabel("Cumulative incidence" if flip else "Overall survival (%)" if scale > 1 else "Overall survival")
    if style != "direct":
        ax.legend(loc=str(rng.choice(["upper right", "lower left", "best"])), frameon=bool(rng.random() < 0.5))
    if style == "frameless":
        ax.spines[["top", "right"]].set_visible(False)
    if rng.random() < 0.3:
        ax.grid(True, color="0.85", lw=0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with_r = shutil.which("Rscript") is not None
    styles = PYTHON_STYLES + (R_STYLES if with_r else ())
    jobs = []
    for k in range(options.count):
        style, rng = styles[k % len(styles)], np.random.default_rng([options.seed, k])
        name = f"{k:03d}-{style}"
        if style in PYTHON_STYLES:
            python_figure(options.folder, name, style, rng)
            continue
        arms = NAMES[int(rng.integers(len(NAMES)))]
        data = drawn_patients(rng, arms)
        top = max(float(t.max()) for t, _ in data.values())
        times = np.arange(0, top + 1e-9, 12.0)
        device = str(rng.choice(["svglite", "pdf", "cairo"] if "survminer" not in style and style != "facets" else ["svglite", "pdf"]))
        meta = {
            "style": style, "unit": "months", "upward": False, "ticks": True, "panel": 2 if style == "facets" else None,
            "named": style != "facets", "device": device, "x_step": 12, "table": None, "width": round(rng.uniform(6, 9), 2),
            "height": round(rng.uniform(5, 8), 2),
        }  # fmt: skip
        if style in ("base", "base-black", "survminer", "survminer-events"):
            meta["table"] = {"times": times.tolist(), "counts": at_risk(data, times)}
        write_truth(options.folder, name, data, meta)
        jobs.append(name)
    if jobs:
        (options.folder / "jobs.txt").write_text("\n".join(jobs) + "\n")
        subprocess.run(["Rscript", str(HERE / "figures_vector.R"), str(options.folder)], check=True)
        (options.folder / "jobs.txt").unlink()


if __name__ == "__main__":
    main()
