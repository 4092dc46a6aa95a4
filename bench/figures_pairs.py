"""Two-arm figures with an at-risk table, for the way from figure to log hazard ratio: plans of bench/figures_plan.py with two arms.

PAIRS_SEED is for tuning. PAIRS_HELD_OUT_SEED was committed before any of its figures was drawn, and they were read once, on 2026-11-30:
the set is used up, the next claim needs a new seed.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from figures_plan import ENGINES, plan

PAIRS_SEED = 5_501
PAIRS_HELD_OUT_SEED = 570_214_963
PAIRS_COUNT = 60
TABLED = tuple(k for k, engine in enumerate(ENGINES) if engine != "plotnine")  # its figures here have no table


def pair_plan(seed: int, index: int) -> dict[str, Any]:
    """The plan of figure ``index``: the first of its draws with two arms, its table printed, marks left out in one of twenty."""
    at = len(ENGINES) * (index // len(TABLED)) + TABLED[index % len(TABLED)]
    stride = 5_000 * len(ENGINES)  # a draw for the same program
    p = next(p for p in (plan(seed, at + stride * k) for k in count()) if len(p["arms"]) == 2)
    rng = np.random.default_rng([seed, index, 2])
    p["id"], p["risk_table"] = f"fig_{index:03d}", True
    if p["marks"] is None and rng.random() < 0.75:
        p["marks"] = "|"
    return p
