"""Make Kaplan-Meier figures with known truth: python bench/figures_make.py FOLDER [--count N] [--seed N] [--held-out] [--ticks | --two-arm]

FOLDER/fig_000/ gets figure.png or figure.jpg and truth.json: patients, curves as drawn, at-risk numbers as printed, names,
and where the axes are in pixels. matplotlib, lifelines, plotnine, and R (base graphics, survminer, a ggsurvfit look).
The held-out set has its own seed, committed before its figures were drawn; --ticks gives every figure censor marks
(bench/figures_ticks.py), --two-arm two arms and an at-risk table (bench/figures_pairs.py). Figures are never committed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from figures_draw import at_risk, draw_lifelines, draw_matplotlib, draw_plotnine, kaplan_meier
from figures_pairs import PAIRS_COUNT, PAIRS_HELD_OUT_SEED, PAIRS_SEED, pair_plan
from figures_plan import HELD_OUT_COUNT, HELD_OUT_SEED, TUNING_SEED, plan
from figures_ticks import TICKS_SEED, tick_plan

PYTHON = {"matplotlib": draw_matplotlib, "lifelines": draw_lifelines, "plotnine": draw_plotnine}


def as_truth(p: dict[str, Any], axes: dict[str, float]) -> dict[str, Any]:
    """What a perfect reader would report of a plan that was drawn."""
    arms = []
    for arm in p["arms"]:
        at, s, _, _ = kaplan_meier(arm["time"], arm["event"])
        censored = sorted(t for t, e in zip(arm["time"], arm["event"], strict=True) if not e)
        within = [c for c in censored if c <= p["x_max"]] if p["marks"] else []
        # Survival packages draw one mark for all that are censored at one time.
        shown = within if p["engine"] in ("matplotlib", "plotnine") else sorted(set(within))
        arms.append({
            "name": arm["name"], "colour": arm["colour"], "dash": arm["dash"], "time": [0.0, *at.tolist()], "survival": [1.0, *s.tolist()],
            "end": max(arm["time"]),
            "ticks": within, "shown": shown,
            "at_risk": [n if n or p["engine"] in ("survminer", "lifelines") else None
                        for n in at_risk(arm["time"], p["x_ticks"], after=p["engine"] == "lifelines")],
            "patients": {"time": arm["time"], "event": arm["event"]},
        })  # fmt: skip
    names = (p["legend"] != "none" and len(arms) > 1) or (
        p["risk_table"] and p["engine"] in ("matplotlib", "base", "lifelines", "ggsurvfit")
    )
    keep = (
        "engine",
        "unit",
        "x_max",
        "x_ticks",
        "y_min",
        "upward",
        "percent",
        "black_pair",
        "solid_black_pair",
        "risk_table",
        "panels",
        "jpeg",
        "frame",
        "grid",
        "legend",
        "ribbon",
        "marks",
    )
    return {"id": p["id"], "arms": arms, "names_printed": names, "axes": axes} | {k: p[k] for k in keep}


def finish(p: dict[str, Any], axes: dict[str, float], folder: Path) -> None:
    """Resample, add noise, save as PNG or JPEG; write the truth with the axes in the pixels of the file."""
    image = Image.open(folder / "drawn.png").convert("RGB")
    if p["shrink"]:
        size = (round(image.width * p["shrink"]), round(image.height * p["shrink"]))
        fx, fy = size[0] / image.width, size[1] / image.height
        image = image.resize(size, Image.Resampling.BICUBIC)
        axes = axes | {"x_slope": axes["x_slope"] / fx, "y_slope": axes["y_slope"] / fy}
    if p["noise"]:
        rng = np.random.default_rng(int(p["id"][4:]))
        image = Image.fromarray(
            np.clip(np.asarray(image, float) + rng.normal(0, p["noise"], (image.height, image.width, 3)), 0, 255).astype(np.uint8)
        )
    image.save(folder / ("figure.jpg" if p["jpeg"] else "figure.png"), **({"quality": p["jpeg"]} if p["jpeg"] else {}))
    (folder / "drawn.png").unlink()
    (folder / "truth.json").write_text(json.dumps(as_truth(p, axes)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--held-out", action="store_true")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--ticks", action="store_true")
    kind.add_argument("--two-arm", action="store_true")
    options = parser.parse_args()
    if options.held_out and (options.ticks or options.seed or options.count):
        parser.error("the held-out sets have their own seed and size, and there is none for --ticks")
    planned, tuning, held_out, count = (
        (tick_plan, TICKS_SEED, 0, 220)
        if options.ticks
        else (pair_plan, PAIRS_SEED, PAIRS_HELD_OUT_SEED, PAIRS_COUNT)
        if options.two_arm
        else (plan, TUNING_SEED, HELD_OUT_SEED, HELD_OUT_COUNT if options.held_out else 220)
    )
    seed = held_out if options.held_out else options.seed or tuning
    options.folder.mkdir(parents=True, exist_ok=True)
    plans = [planned(seed, i) for i in range(options.count or count)]
    in_r = [p for p in plans if p["engine"] not in PYTHON]
    for p in plans:
        (options.folder / p["id"]).mkdir(exist_ok=True)
        if p["engine"] in PYTHON:
            finish(p, PYTHON[p["engine"]](p, options.folder / p["id"] / "drawn.png"), options.folder / p["id"])
    listing = options.folder / "plans_r.json"
    listing.write_text(json.dumps(in_r))
    subprocess.run(["Rscript", str(Path(__file__).with_name("figures_draw.R")), str(listing), str(options.folder)], check=True)
    axes = json.loads((options.folder / "r_truth.json").read_text())
    for p in in_r:
        if axes.get(p["id"]):
            finish(p, axes[p["id"]], options.folder / p["id"])
        else:
            print(f"{p['id']} was not drawn by R", file=sys.stderr)


if __name__ == "__main__":
    main()
