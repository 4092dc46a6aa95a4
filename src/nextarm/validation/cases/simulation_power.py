"""What designs compute and what virtual trials show: power of every kind of design; alpha of every family of bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nextarm.designs.boundaries import FAMILIES, boundaries
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate
from nextarm.validation.case import Case

TRIALS = 100_352
BROWNIAN = 1_000_000
ALPHA = 0.025
FRACTIONS = np.array([0.3, 0.6, 0.8, 1.0])

TRIAL = {"name": "a case", "endpoint": "EFS", "milestone": 2.0}
ACCRUAL = {"rate": 75.0, "duration": 4.0, "follow_up": 2.0, "dropout_hazard": 0.02}


def _cured(share: float) -> dict[str, Any]:
    return {"model": "mixture-cure", "cure_fraction": share, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}


def _two(design: Mapping[str, Any], new: float = 0.6) -> Plan:
    """300 patients over four years, two years of follow-up, cure .45."""
    arms = {"control": {"survival": _cured(0.45)}, "new": {"survival": _cured(new)}}
    return plan_from_data({"trial": TRIAL, "accrual": ACCRUAL, "arms": arms, "design": dict(design)})


def _one(design: Mapping[str, Any], **reference: Any) -> Plan:
    """160 patients with cure .6."""
    accrual = ACCRUAL | {"rate": 40.0}
    arms = {"new": {"survival": _cured(0.6)}}
    return plan_from_data({"trial": TRIAL, "accrual": accrual, "arms": arms, "reference": reference, "design": dict(design)})


SEQUENTIAL = {"kind": "group-sequential-log-rank", "looks": [0.5, 1.0], "events": 110, "latest": 6.0}
STRATA = [{"share": 2.0}, {"share": 1.0, "hazard_ratio": 2.0}]
TWO_STAGES = {"kind": "one-sample-log-rank-two-stage", "interim_time": 2.0, "interim_bound": 0.3}

PLANS: tuple[tuple[str, Callable[[], Plan]], ...] = (
    ("log-rank", lambda: _two({"kind": "log-rank"})),
    ("log-rank, margin 1.3", lambda: _two({"kind": "log-rank", "margin": 1.3}, new=0.45)),
    ("log-rank at 120 events", lambda: _two({"kind": "log-rank", "events": 120})),
    ("group-sequential", lambda: _two(SEQUENTIAL | {"looks": [0.5, 0.75, 1.0]})),
    ("group-sequential, futility", lambda: _two(SEQUENTIAL | {"futility": "lan-demets-pocock", "beta": 0.2})),
    ("group-sequential, Pocock", lambda: _two(SEQUENTIAL | {"spending": "pocock"})),
    ("group-sequential, looks at times", lambda: _two({"kind": "group-sequential-log-rank", "look_times": [2.5, 4.0, 6.0]})),
    ("difference at the milestone", lambda: _two({"kind": "absolute-margin", "margin": 0.0})),
    ("absolute margin .12", lambda: _two({"kind": "absolute-margin", "margin": 0.12}, new=0.45)),
    ("restricted means", lambda: _two({"kind": "rmst-difference"})),
    ("stratified log-rank", lambda: _two({"kind": "stratified-log-rank", "strata": STRATA})),
    ("Fleming-Harrington (0, .5)", lambda: _two({"kind": "weighted-log-rank", "q": 0.5})),
    ("modestly weighted", lambda: _two({"kind": "weighted-log-rank", "modest_until": 1.0})),
    ("MaxCombo", lambda: _two({"kind": "max-combo"})),
    ("one arm at the milestone", lambda: _one({"kind": "one-arm-milestone"}, milestone_survival=0.52, n=300.0)),
    ("one-sample log-rank, fixed", lambda: _one({"kind": "one-sample-log-rank"}, survival=_cured(0.5), fixed=True)),
    ("one-sample log-rank, estimated", lambda: _one({"kind": "one-sample-log-rank"}, survival=_cured(0.5), n=300.0)),
    ("one-sample log-rank in two stages", lambda: _one(TWO_STAGES, survival=_cured(0.5), n=300.0)),
)


def _power() -> dict[str, float]:
    """Computed less simulated power."""
    found = {}
    for label, make in PLANS:
        plan = make()
        found[label] = plan.evaluate().power - simulate(plan, trials=TRIALS, seed=61).scenarios[0].rejection.value
    return found


def _brownian(family: str) -> dict[str, float]:
    """Share of Brownian paths without drift that cross the bounds."""
    bounds = boundaries(FRACTIONS, alpha=ALPHA, family=family).efficacy
    random = np.random.default_rng(20261129)
    crossed = 0
    for _ in range(10):
        steps = random.standard_normal((BROWNIAN // 10, len(FRACTIONS))) * np.sqrt(np.diff(FRACTIONS, prepend=0.0))
        crossed += int(np.any(np.cumsum(steps, axis=1) / np.sqrt(FRACTIONS) >= bounds, axis=1).sum())
    return {"type I error": crossed / BROWNIAN}


CASES: tuple[Case, ...] = (
    Case(
        id="simulation-power",
        title="Computed and simulated power of every kind of design",
        room="simulation",
        kind="second implementation",
        source="the formulas of this project's designs against its virtual trials",
        inputs=f"two arms of 150, or one of 160, with a cure fraction; {TRIALS:,} virtual trials each",
        compute=_power,
        expected={label: 0.0 for label, _ in PLANS},
        tolerance=0.01,
        slow=True,
    ),
    *(
        Case(
            id=f"simulation-bounds-{family}",
            title=f"Type I error of {family} bounds on simulated Brownian increments",
            room="simulation",
            kind="closed form",
            source="alpha, which the bounds are made to spend",
            inputs="looks at information .3, .6, .8 and 1, one-sided .025; a million paths by numpy",
            compute=partial(_brownian, family),
            expected={"type I error": ALPHA},
            tolerance=3.0 * math.sqrt(ALPHA * (1.0 - ALPHA) / BROWNIAN),
        )
        for family in FAMILIES
    ),
)
