"""Figures of made-up patients, drawn as SVG or PNG, with the curves and the table that were drawn."""

from __future__ import annotations

from pathlib import Path

STEPS = {"Control": [(0, 1.0), (5, 0.8), (11, 0.55), (20, 0.4), (31, 0.3)], "New drug": [(0, 1.0), (8, 0.9), (17, 0.75), (29, 0.65)]}
AT_RISK = {"Control": [40, 21, 14, 9, 5], "New drug": [40, 34, 28, 22, 12]}
TIMES = [0, 12, 24, 36, 48]


def draw(path: Path, *, labels: bool = True) -> Path:
    """Two curves over 48 months with an at-risk table; without ``labels`` the axes have none, so that it cannot be read."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figure"}):
        figure, ax = plt.subplots(figsize=(6.4, 4.4), dpi=100)
        for (name, points), colour in zip(STEPS.items(), ("#d62728", "#1f77b4"), strict=True):
            times, levels = [t for t, _ in points] + [48], [s for _, s in points] + [points[-1][1]]
            ax.step(times, levels, where="post", color=colour, label=name)
        ax.set_xlim(0, 48)
        ax.set_ylim(0, 1.02)
        ax.set_xticks(TIMES)
        figure.subplots_adjust(bottom=0.32, left=0.22)
        if labels:
            ax.set_xlabel("Months")
            ax.set_ylabel("Event-free survival")
            ax.legend()
            for row, (name, counts) in enumerate(AT_RISK.items()):
                ax.text(-5, -0.3 - 0.08 * row, name, transform=ax.get_xaxis_transform(), ha="right")
                for t, n in zip(TIMES, counts, strict=True):
                    ax.text(t, -0.3 - 0.08 * row, str(n), transform=ax.get_xaxis_transform(), ha="center")
        else:
            ax.set_xticklabels([])
            ax.set_yticklabels([])
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        plt.close(figure)
    return path


def draw_picture(path: Path, *, seed: int = 5, quality: int = 70, noise: float = 4.0) -> Path:
    """Two arms of drawn patients as a JPEG with noise: every censoring a mark, numbers at risk below, as a journal prints them."""
    import io

    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    rng = np.random.default_rng(seed)
    figure, ax = plt.subplots(figsize=(7.0, 5.2), dpi=100)
    figure.subplots_adjust(bottom=0.3, left=0.18)
    for row, (name, scale, colour) in enumerate((("Standard", 26.0, "#d62728"), ("Combined", 48.0, "#1f77b4"))):
        life, leaves = rng.exponential(scale, 130), rng.uniform(14.0, 62.0, 130)
        time, event = np.minimum(life, leaves), life <= leaves
        order = np.argsort(time)
        time, event = np.minimum(time[order], 60.0), event[order] & (time[order] <= 60.0)
        level = np.cumprod(1.0 - event / np.arange(130, 0, -1))
        ax.step(np.r_[0.0, time], np.r_[1.0, level], where="post", color=colour, lw=1.4, label=name)
        ax.plot(time[~event], level[~event], "|", color=colour, ms=7, mew=1.0)
        ax.text(-0.04, -0.24 - 0.08 * row, name, transform=ax.transAxes, ha="right")
        for at in range(0, 61, 12):
            ax.text(at, -0.24 - 0.08 * row, str(int((time >= at).sum())), transform=ax.get_xaxis_transform(), ha="center")
    ax.set(xlim=(0, 62), ylim=(0, 1.02), xticks=range(0, 61, 12), xlabel="Months", ylabel="Overall survival")
    ax.legend(loc="lower left")
    held = io.BytesIO()
    figure.savefig(held, format="png")
    plt.close(figure)
    drawn = np.asarray(Image.open(held).convert("RGB"), float)
    blurred = np.clip(drawn + rng.normal(0.0, noise, drawn.shape), 0, 255).astype(np.uint8)
    Image.fromarray(blurred).save(path, "JPEG", quality=quality)
    return path
