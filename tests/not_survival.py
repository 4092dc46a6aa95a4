"""Figures that show no survival, drawn by matplotlib as picture and as drawing: what the readers must refuse or doubt."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

KINDS = (
    "roc",
    "roc in per cent",
    "cumulative hazard",
    "calibration",
    "bars",
    "scatter",
    "forest",
    "histogram",
    "dose and response",
    "lift",
)


def draw(kind: str, *, form: str = "png", labels: bool = True) -> bytes:
    """One figure of ``kind`` as the bytes of a PNG or SVG; without ``labels`` its axes have no titles."""
    rng = np.random.default_rng(5)
    with mpl.rc_context({"svg.fonttype": "none", "font.size": 11}):
        fig, ax = plt.subplots(figsize=(6.5, 4.8), dpi=70)
        _KINDS[kind](ax, rng)
        if not labels:
            ax.set_xlabel("")
            ax.set_ylabel("")
        held = io.BytesIO()
        fig.savefig(held, format=form)
        plt.close(fig)
    return held.getvalue()


def _unit(ax: Any) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.set_yticks(np.linspace(0, 1, 6))


def _roc(ax: Any, rng: np.random.Generator, scale: float = 1.0) -> None:
    for shift, colour in ((1.4, "#1f77b4"), (0.8, "#ff7f0e")):
        ill, well = np.sort(rng.normal(shift, 1, 80))[::-1], rng.normal(0, 1, 80)
        x = np.array([0, *[(well > c).mean() for c in ill], 1]) * scale
        ax.step(x, np.linspace(0, 1, 82) * scale, where="post", color=colour, label=f"AUC {shift:.1f}")
    ax.set_xlim(0, scale)
    ax.set_ylim(0, 1.02 * scale)
    ax.set_xticks(np.linspace(0, scale, 6))
    ax.set_yticks(np.linspace(0, scale, 6))
    ax.set_xlabel("1 - Specificity" + (" (%)" if scale > 1 else ""))
    ax.set_ylabel("Sensitivity" + (" (%)" if scale > 1 else ""))


def _hazard(ax: Any, rng: np.random.Generator) -> None:
    for n, colour in ((60, "#1f77b4"), (50, "#d62728")):
        at = np.sort(rng.uniform(0, 60, n))[: int(0.5 * n)]
        ax.step([0, *at], [0, *np.cumsum(1 / (n - np.arange(at.size)))], where="post", color=colour)
    ax.set_xlim(0, 60)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Time (months)")
    ax.set_ylabel("Cumulative hazard")


def _calibration(ax: Any, rng: np.random.Generator) -> None:
    x = np.linspace(0.05, 0.95, 10)
    ax.plot([0, 1], [0, 1], color="grey", ls="--")
    ax.plot(x, np.clip(x + rng.normal(0, 0.04, 10), 0, 1), color="#1f77b4", marker="o")
    _unit(ax)
    ax.set_xlabel("Predicted probability")
    ax.set_ylabel("Observed proportion")


def _bars(ax: Any, rng: np.random.Generator) -> None:
    ax.bar(np.arange(0, 60, 12), rng.uniform(0.2, 0.9, 5), width=8, color="#1f77b4")
    ax.set_ylim(0, 1)
    ax.set_xticks(np.arange(0, 60, 12))
    ax.set_xlabel("Months of treatment")
    ax.set_ylabel("Share of patients")


def _scatter(ax: Any, rng: np.random.Generator) -> None:
    ax.scatter(rng.uniform(0, 60, 120), rng.uniform(0, 1, 120), s=14, color="#d62728")
    ax.set_xlim(0, 60)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Age (months)")
    ax.set_ylabel("Marker")


def _forest(ax: Any, rng: np.random.Generator) -> None:
    at = rng.uniform(0.5, 1.2, 6)
    ax.errorbar(at, np.arange(6), xerr=rng.uniform(0.1, 0.3, 6), fmt="s", color="black", capsize=3)
    ax.axvline(1, color="grey", ls="--")
    ax.set_yticks(np.arange(6), [f"Group {k}" for k in range(6)])
    ax.set_xlabel("Hazard ratio")


def _histogram(ax: Any, rng: np.random.Generator) -> None:
    ax.hist(rng.exponential(15, 400), bins=20, range=(0, 60), weights=np.full(400, 1 / 400), color="#2ca02c", histtype="step")
    ax.set_xlim(0, 60)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Length of stay (days)")
    ax.set_ylabel("Relative frequency")


def _dose(ax: Any, rng: np.random.Generator) -> None:
    x = np.linspace(0, 100, 200)
    ax.plot(x, 1 / (1 + np.exp(-(x - 50) / 8)), color="#9467bd")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Dose (mg)")
    ax.set_ylabel("Response")


def _lift(ax: Any, rng: np.random.Generator) -> None:
    recall = np.linspace(0, 1, 60)
    ax.step(recall, 1 - 0.5 * recall**2, where="post", color="#1f77b4")
    _unit(ax)
    ax.set_xlabel("Recall")
    ax.set_ylabel("Precision")


_KINDS = {
    "roc": _roc, "roc in per cent": lambda ax, rng: _roc(ax, rng, 100.0), "cumulative hazard": _hazard, "calibration": _calibration,
    "bars": _bars, "scatter": _scatter, "forest": _forest, "histogram": _histogram, "dose and response": _dose, "lift": _lift,
}  # fmt: skip
