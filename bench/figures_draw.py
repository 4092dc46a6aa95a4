"""Draw a plan (bench/figures_plan.py) with matplotlib, lifelines or plotnine, and return where its axes are in pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

LINE = {"solid": "-", "dashed": "--", "dotted": ":"}


def kaplan_meier(time: list[float], event: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Event times, S after each, its lower and upper 95 % limits (plain log, Greenwood)."""
    t, e = np.asarray(time, float), np.asarray(event, int)
    at = np.unique(t[e == 1])
    n = (t[None, :] >= at[:, None]).sum(1)
    d = ((t[None, :] == at[:, None]) & (e == 1)).sum(1)
    s = np.cumprod(1 - d / n)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        se = np.sqrt(np.cumsum(d / (n * np.maximum(n - d, 1e-9))))
        low, high = s * np.exp(-1.96 * se), np.minimum(s * np.exp(1.96 * se), 1)
    return at, s, np.nan_to_num(low), high


def at_risk(time: list[float], ticks: list[float], *, after: bool = False) -> list[int]:
    """Patients with a time of at least each tick; ``after``: later than each tick, as lifelines prints."""
    t = np.asarray(time, float)
    return [int((t > v + 1e-9).sum() if after else (t >= v - 1e-9).sum()) for v in ticks]


def y_ticks(p: dict[str, Any]) -> np.ndarray:
    return np.round(np.arange(np.ceil(p["y_min"] / p["y_step"] - 1e-9) * p["y_step"], 1 + 1e-9, p["y_step"]), 6) + 0.0  # no -0


def style(p: dict[str, Any], ax: Any) -> None:
    """Frame, grid, ticks and limits of a matplotlib panel."""
    if p["grid"] == "grey":
        ax.set_facecolor("#EBEBEB")
        ax.grid(True, color="white", lw=1.0)
        ax.set_axisbelow(True)
    elif p["grid"]:
        ax.grid(True, color="#d0d0d0", ls=":" if p["grid"] == "dotted" else "-", lw=0.6)
    for side in {"box": (), "l": ("top", "right"), "none": ("top", "right", "left", "bottom")}[p["frame"]]:
        ax.spines[side].set_visible(False)
    x_pad, y_pad = (0.03 * p["x_max"], 0.03) if p["pad"] else (0.0, 0.0)
    ax.set_xlim(-x_pad, p["x_max"] + x_pad)
    ax.set_ylim(p["y_min"] - y_pad, 1.0 + (y_pad or 0.004))
    ax.set_xticks(p["x_ticks"], [f"{v:g}" for v in p["x_ticks"]])
    ticks = y_ticks(p)
    digits = 2 if p["y_step"] == 0.25 else 1
    ax.set_yticks(ticks, [f"{100 * v:.0f}" + ("%" if p["id"][-1] in "37" else "") if p["percent"] else f"{v:.{digits}f}" for v in ticks])
    ax.set_xlabel(p["x_label"])
    ax.set_ylabel(p["y_label"])


def curve(p: dict[str, Any], ax: Any, arm: dict[str, Any]) -> None:
    at, s, low, high = kaplan_meier(arm["time"], arm["event"])
    end = max(arm["time"])
    x, y = np.r_[0, at, end], np.r_[1, s, s[-1] if len(s) else 1]
    flip = (lambda v: 1 - v) if p["upward"] else (lambda v: v)
    ax.step(x, flip(y), where="post", color=arm["colour"], ls=LINE[arm["dash"]], lw=p["lw"], label=arm["name"])
    if p["ribbon"]:
        lo, hi = np.r_[1, low, low[-1:]], np.r_[1, high, high[-1:]]
        if len(lo) == len(x):
            ax.fill_between(x, flip(lo), flip(hi), step="post", color=arm["colour"], alpha=0.2, lw=0)
    if p["marks"]:
        c = np.asarray(arm["time"])[np.asarray(arm["event"]) == 0]
        ax.plot(
            c,
            flip(y[np.searchsorted(x[:-1], c, side="right") - 1]),
            ls="",
            marker=p["marks"],
            color=arm["colour"],
            ms=p["ms"],
            mew=max(0.8, p["lw"] * 0.7),
            mfc="none" if p["marks"] == "o" else arm["colour"],
        )
    if p["legend"] == "direct":
        k = 0.75 * p["x_max"]
        level = float(flip(y[np.searchsorted(x, k, side="right") - 1]))
        ax.text(k, level + (0.02 if level < 0.92 else -0.05), arm["name"], color=arm["colour"], va="bottom")


def risk_table(p: dict[str, Any], ax: Any, below: float) -> None:
    """At-risk numbers under a panel, each centred at its tick; blank after the last patient."""
    step = below
    ax.text(-0.02, -1.35 * step, "Number at risk", transform=ax.transAxes, ha="right", va="center", fontsize=p["fs"] * 0.9)
    for k, arm in enumerate(p["arms"]):
        colour = arm["colour"] if p["risk_colour"] else "black"
        row = -(2.2 + 0.85 * k) * step
        ax.text(-0.06, row, arm["name"], transform=ax.transAxes, ha="right", va="center", fontsize=p["fs"] * 0.9, color=colour)
        for v, n in zip(p["x_ticks"], at_risk(arm["time"], p["x_ticks"]), strict=True):
            if n > 0:
                ax.text(v, row, str(n), transform=ax.get_xaxis_transform(), ha="center", va="center", fontsize=p["fs"] * 0.9)


def pixels(fig: Any, ax: Any) -> dict[str, float]:
    """The panel's affine maps: value = intercept + slope * pixel, rows counted downwards."""
    fig.canvas.draw()
    height = fig.canvas.get_width_height()[1]
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    y0, y1 = height - y0, height - y1
    return {"x_slope": 1 / (x1 - x0), "x_intercept": -x0 / (x1 - x0), "y_slope": 1 / (y1 - y0), "y_intercept": -y0 / (y1 - y0)}


def draw_matplotlib(p: dict[str, Any], path: Path) -> dict[str, Any]:
    dpi = 100 if p["width"] < 1000 else 150 if p["width"] < 1800 else 300
    p["fs"], p["ms"] = 10 * p["font_scale"] * (0.8 if p["width"] / dpi < 7 else 1), 5 * p["font_scale"]
    size = (p["width"] / dpi, p["height"] / dpi)
    with mpl.rc_context({"font.family": p["font"], "font.size": p["fs"]}):
        fig, axes = plt.subplots(1, p["panels"], figsize=size, dpi=dpi, squeeze=False)
        ax = axes[0, 0]
        table = 0.06 + 0.05 * (len(p["arms"]) + 2) if p["risk_table"] else 0.04
        fig.subplots_adjust(
            left=0.2 if p["risk_table"] else 0.12, bottom=table + 0.1,
            right=0.78 if p["legend"] == "right" else 0.96, top=0.86 if p["legend"] == "top" else 0.93,
            wspace=0.45,
        )  # fmt: skip
        for a in axes[0]:
            for arm in p["arms"]:
                curve(p, a, arm)
            style(p, a)
            if p["title"]:
                a.set_title(p["title"])
        place = {"upper right": {"loc": "upper right"}, "lower left": {"loc": "lower left"},
                 "right": {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)},
                 "top": {"loc": "lower center", "bbox_to_anchor": (0.5, 1.01), "ncol": 3}}  # fmt: skip
        if p["legend"] in place:
            if p["legend"] == "top":
                ax.set_title("")
            ax.legend(**place[p["legend"]], frameon=p["id"][-1] not in "159", fontsize=p["fs"] * 0.9)
        if p["note"]:
            ax.text(
                0.55,
                0.62,
                p["note"],
                transform=ax.transAxes,
                fontsize=p["fs"] * 0.85,
                bbox={"boxstyle": "round", "fc": "#f5e9d0"} if p["lw"] > 1.6 else None,
            )
        if p["risk_table"]:
            risk_table(p, ax, 0.05 / (0.93 - table - 0.1))
        truth = pixels(fig, ax)
        fig.savefig(path, dpi=dpi)
        plt.close(fig)
    return truth


def draw_lifelines(p: dict[str, Any], path: Path) -> dict[str, Any]:
    from lifelines import KaplanMeierFitter
    from lifelines.plotting import add_at_risk_counts

    dpi = 100 if p["width"] < 1000 else 150 if p["width"] < 1800 else 300
    p["risk_rows"] = ["At risk"] if p["id"][-1] in "2468" or len(p["arms"]) > 2 else ["At risk", "Censored", "Events"]
    with mpl.rc_context({"font.family": p["font"], "font.size": 9 * p["font_scale"]}):
        fig, ax = plt.subplots(figsize=(p["width"] / dpi, p["height"] / dpi), dpi=dpi)
        fitters = []
        for arm in p["arms"]:
            f = KaplanMeierFitter(label=arm["name"]).fit(arm["time"], arm["event"])
            f.plot_survival_function(ax=ax, ci_show=p["ribbon"], color=arm["colour"], lw=p["lw"], ls=LINE[arm["dash"]],
                                     show_censors=bool(p["marks"]),
                                     censor_styles={"marker": p["marks"] or "|", "ms": 6}
                                     | ({"mfc": "none"} if p["marks"] == "o" else {}))  # fmt: skip
            fitters.append(f)
        p["y_min"], p["frame"] = 0.0, "box" if p["frame"] == "box" else "l"
        style(p, ax)
        if p["legend"] == "none":
            ax.get_legend().remove()
        if p["risk_table"]:
            add_at_risk_counts(*fitters, ax=ax, rows_to_show=p["risk_rows"])
        fig.tight_layout()
        truth = pixels(fig, ax)
        fig.savefig(path, dpi=dpi)
        plt.close(fig)
    p["note"] = p["title"] = None
    p["risk_colour"] = False
    return truth


def draw_plotnine(p: dict[str, Any], path: Path) -> dict[str, Any]:
    import pandas as pd
    import plotnine as g

    dpi = 100 if p["width"] < 1000 else 150 if p["width"] < 1800 else 300
    lines, marks = [], []
    for arm in p["arms"]:
        at, s, _, _ = kaplan_meier(arm["time"], arm["event"])
        x, y = np.r_[0, at, max(arm["time"])], np.r_[1, s, s[-1] if len(s) else 1]
        lines.append(pd.DataFrame({"time": x, "surv": y, "arm": arm["name"]}))
        c = np.asarray(arm["time"])[np.asarray(arm["event"]) == 0]
        marks.append(pd.DataFrame({"time": c, "surv": y[np.searchsorted(x[:-1], c, side="right") - 1], "arm": arm["name"]}))
    order = [a["name"] for a in p["arms"]]
    frame, ticks = pd.concat(lines), pd.concat(marks)
    for f in (frame, ticks):
        f["arm"] = pd.Categorical(f["arm"], order)
    theme = {"box": g.theme_bw, "l": g.theme_classic, "none": g.theme_gray}[p["frame"]]
    y = y_ticks(p | {"y_min": 0.0})
    plot = (
        g.ggplot(frame, g.aes("time", "surv", color="arm", linetype="arm")) + g.geom_step(size=p["lw"] * 0.6)
        + g.scale_color_manual([a["colour"] for a in p["arms"]]) + g.scale_linetype_manual([a["dash"] for a in p["arms"]])
        + g.scale_x_continuous(breaks=p["x_ticks"], limits=(0, 2 * p["x_max"])) + g.coord_cartesian(xlim=(0, p["x_max"]), ylim=(0, 1))
        + g.scale_y_continuous(breaks=list(y), labels=[f"{100 * v:.0f}%" if p["percent"] else f"{v:.2f}" for v in y])
        + g.labs(x=p["x_label"], y=p["y_label"]) + theme(base_size=10 * p["font_scale"], base_family=p["font"])
        + g.theme(figure_size=(p["width"] / dpi, p["height"] / dpi), dpi=dpi, legend_title=g.element_blank(),
                  legend_position={"lower left": "bottom", "top": "top", "none": "none"}.get(p["legend"], "right"))
    )  # fmt: skip
    if p["marks"]:
        hollow = {"fill": "none"} if p["marks"] == "o" else {}
        plot += g.geom_point(data=ticks, shape=p["marks"], size=2.5, show_legend=False, **hollow)
    fig = plot.draw()
    fig.savefig(path, dpi=dpi)
    truth = pixels(fig, fig.axes[0])  # plotnine lays the figure out while it is saved
    plt.close(fig)
    p["y_min"], p["risk_table"], p["note"], p["title"], p["upward"], p["ribbon"] = 0.0, False, None, None, False, False
    return truth
