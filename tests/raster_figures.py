"""Small Kaplan-Meier figures drawn by matplotlib, with the pixels of their axes: the truth of tests of the raster reader."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image


@dataclass
class Drawn:
    """The picture; pixel of (time 0, S 0) and of (time 1, S 1); steps of the curves by name."""

    rgb: NDArray[np.uint8]
    zero: tuple[float, float]
    one: tuple[float, float]
    curves: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=dict)


CURVES = {
    "Control": (np.array([0, 2, 4, 7, 10, 14, 20.0]), np.array([1, 0.85, 0.7, 0.55, 0.4, 0.3, 0.22])),
    "Treatment": (np.array([0, 3, 6, 9, 13, 18, 22.0]), np.array([1, 0.93, 0.86, 0.78, 0.7, 0.64, 0.6])),
}
AT_RISK = {"Control": [54, 38, 28, 21, 11, 5, None], "Treatment": [54, 47, 41, 35, 28, 16, 9]}
COLOURS = {"Control": "#1f77b4", "Treatment": "#ff7f0e"}


def draw(
    *, percent: bool = False, upward: bool = False, frame: str = "box", table: bool = True, legend: bool = True, y_min: float = 0.0,
    x_label: str = "Time (months)", grey: bool = False, jpeg: int | None = None, panels: int = 1,
    ticks: tuple[float, ...] = (0, 4, 8, 12, 16, 20, 24), turned: bool = False, across: bool = False, inner: bool = False,
    x_printed: tuple[str, ...] = (), y_printed: tuple[str, ...] = (), x_marks: tuple[float, ...] = (),
) -> Drawn:  # fmt: skip
    """One figure of 800 x 600 pixels. ``x_printed`` and ``y_printed`` are labels in place of the true ones, ``x_marks`` tick marks
    elsewhere than at the labels."""
    fig, axes = plt.subplots(1, panels, figsize=(8 * (1 if panels == 1 else 1.6), 6), dpi=100, squeeze=False)
    fig.subplots_adjust(left=0.17, bottom=0.3 if table else 0.12, right=0.95, top=0.93, wspace=0.4)
    for ax in axes[0]:
        for name, (t, s) in CURVES.items():
            ax.step(
                np.r_[t, 23], (1 - np.r_[s, s[-1]]) if upward else np.r_[s, s[-1]], where="post", color=COLOURS[name], lw=1.5, label=name
            )
        ax.set_xlim(0, 24)
        ax.set_ylim(y_min, 1.02)
        ax.set_xticks(ticks, [f"{v:g}" for v in ticks], rotation=90 if across else 0)
        if inner:  # a table with rules inside the panel
            ax.table(
                [["Control", "0.44", "0.33"], ["Treatment", "0.86", "0.78"]],
                colLabels=["Group", "1 year", "2 years"],
                bbox=(0.3, 0.03, 0.6, 0.17),
            )
        y = np.arange(y_min, 1.01, 0.2)
        ax.set_yticks(y, [f"{100 * v:.0f}" if percent else f"{v:.1f}" for v in y], rotation=90 if turned else 0, va="center")
        if x_printed:
            ax.set_xticks(ticks, x_printed)
        if y_printed:
            ax.set_yticks(y, y_printed)
        if x_marks:
            ax.tick_params(axis="x", length=0, pad=9)
            for v in x_marks:
                ax.plot([v, v], [-0.015, 0], transform=ax.get_xaxis_transform(), color="black", lw=0.8, clip_on=False)
        ax.set_xlabel(x_label)
        ax.set_ylabel("Cumulative incidence" if upward else "Overall survival")
        if grey:
            ax.set_facecolor("#ebebeb")
            ax.grid(color="white")
        for side in {"box": (), "l": ("top", "right"), "none": ("top", "right", "left", "bottom")}[frame]:
            ax.spines[side].set_visible(False)
    ax = axes[0, 0]
    if legend:
        ax.legend(loc="lower right" if upward else "upper right")
    if table:
        ax.text(-0.02, -0.2, "No. at risk", transform=ax.transAxes, ha="right")
        for k, (name, cells) in enumerate(AT_RISK.items()):
            ax.text(-0.03, -0.28 - 0.07 * k, name, transform=ax.transAxes, ha="right")
            for v, n in zip(ticks, cells, strict=False):
                if n is not None:
                    ax.text(v, -0.28 - 0.07 * k, str(n), transform=ax.get_xaxis_transform(), ha="center")
    fig.canvas.draw()
    rows = fig.canvas.get_width_height()[1]
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    rgb = np.asarray(fig.canvas.buffer_rgba())[:, :, :3].copy()
    plt.close(fig)
    if jpeg is not None:
        held = io.BytesIO()
        Image.fromarray(rgb).save(held, "JPEG", quality=jpeg)
        rgb = np.asarray(Image.open(held).convert("RGB"))
    return Drawn(rgb=rgb, zero=(x0, rows - y0), one=(x1, rows - y1), curves=CURVES)
