"""Figures for tuning the reader of censor marks: the plans of bench/figures_plan.py with marks of every kind, often many of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from figures_plan import patients, plan

TICKS_SEED = 7_301
KINDS = ("|", "|", "|", "|", "+", "+", "x", "o")
SIZES = (30, 60, 120, 250, 400, 600)


def tick_plan(seed: int, index: int) -> dict[str, Any]:
    """The plan of figure ``index``: two thirds of the figures with many marks, every figure with marks of one kind.

    The seed of the marks is apart from that of the plan, so that what a seed says of the rest of a figure stays as it is.
    """
    p = plan(seed, index)
    rng = np.random.default_rng([seed, index, 1])
    p["marks"] = KINDS[rng.integers(len(KINDS))]
    if rng.random() < 0.65:
        size = int(SIZES[rng.integers(len(SIZES))])
        for arm in p["arms"]:
            kind = ("high", "plateau", "plain", "plain")[rng.integers(4)]
            time, event = patients(rng, max(6, int(size * rng.uniform(0.7, 1.3))), p["x_max"], kind)
            arm["time"], arm["event"] = time.tolist(), event.tolist()
    return p
