"""Gated end points: the response test by exact binomial sums, the log-rank tests where nothing works, the gate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextarm.designs.binomial_paths import binomial_mass
from nextarm.designs.gated_endpoints import TRIALS, GatedEndpoints
from nextarm.designs.plan import plan_from_data
from nextarm.validation.case import Case

ARM, OLD, NEW, BOUND = 60, 0.4, 0.65, 1.959963984540054
CURE: dict[str, Any] = {"model": "mixture-cure", "cure_fraction": 0.4, "latency": {"model": "weibull", "shape": 1.2, "median": 0.7}}


def _compute() -> dict[str, float]:
    plan = plan_from_data(
        {
            "trial": {"name": "gated", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": 60.0, "duration": 2.0, "follow_up": 3.0},
            "arms": {"control": {"response": OLD, "survival": CURE}, "new": {"response": NEW, "survival": CURE | {"cure_fraction": 0.6}}},
            "design": {"kind": "gated-endpoints", "correlation": 0.7},
        }
    )
    got = plan.evaluate()
    assert isinstance(got, GatedEndpoints)
    own, null, alone = got.truths[:3]  # the fourth, where EFS works and OS does not, has no closed form
    return {
        "response": own.rejected["response"],
        "response, null": null.rejected["response"],
        "EFS alone, null": null.alone["EFS"],
        "OS alone, null": alone.alone["OS"],
    }


def _exact(new: float) -> float:
    """P(the score test of two proportions reaches its bound), every table of two binomials."""
    x, y = np.arange(ARM + 1)[:, None] / ARM, np.arange(ARM + 1)[None, :] / ARM
    pooled = (x + y) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((pooled > 0.0) & (pooled < 1.0), (x - y) / np.sqrt(pooled * (1.0 - pooled) * 2.0 / ARM), 0.0)
    return float(binomial_mass(ARM, new) @ (z >= BOUND) @ binomial_mass(ARM, OLD))


_WANT = {"response": _exact(NEW), "response, null": _exact(OLD), "EFS alone, null": 0.025, "OS alone, null": 0.025}
CASES: tuple[Case, ...] = (
    Case(
        id="designs-gated",
        title="Response, EFS and OS in a graph: the gate's power, and the tests where nothing works",
        room="designs",
        kind="closed form",
        source="exact binomial sums; the level of the log-rank test",
        inputs=f"60 and 60 patients, response {OLD:g} against {NEW:g}; {TRIALS:,} virtual trials",
        compute=_compute,
        expected=_WANT,
        # the log-rank test of so few patients is off its level by up to .004
        tolerance={k: 4.0 * math.sqrt(p * (1.0 - p) / TRIALS) + 0.004 * (k.startswith(("EFS", "OS"))) for k, p in _WANT.items()},
    ),
)
