"""Overall survival behind EFS, and a guard of it: closed forms, and the limit in which the guard always passes."""

from __future__ import annotations

import math
from typing import Any

from nextarm.designs.os_guard import both
from nextarm.designs.overall_survival import OverallSurvival
from nextarm.designs.plan import plan_from_data
from nextarm.survival.models import Exponential
from nextarm.validation.case import Case

RATE, AFTER, SALVAGE = 0.3, 0.8, 0.35


def _law() -> dict[str, float]:
    law = OverallSurvival(base=Exponential(rate=RATE), salvage=SALVAGE, after_event=AFTER)
    return {f"S({t:g})": float(law.survival(t)) for t in (0.5, 2.0, 10.0)}


def _exact(t: float) -> float:
    """The sum of two exponential times for those not saved."""
    late = math.log(2.0) / AFTER
    two = (late * math.exp(-RATE * t) - RATE * math.exp(-late * t)) / (late - RATE)
    return SALVAGE + (1.0 - SALVAGE) * two


def _orthant() -> dict[str, float]:
    return {f"rho {rho:g}": both(0.5, 0.5, rho) for rho in (-0.6, 0.3, 0.95)}


def _power(guard: dict[str, Any] | None, kind: str) -> float:
    efs = {"model": "mixture-cure", "cure_fraction": 0.7, "latency": {"model": "weibull", "shape": 1.3, "median": 1.2}}
    design: dict[str, Any] = {"kind": kind, "margin": 0.1} | ({"os_guard": guard} if guard else {})
    data = {
        "trial": {"name": "guard", "endpoint": "EFS", "milestone": 5.0},
        "accrual": {"rate": 15.0, "duration": 10.0, "follow_up": 5.0},
        "arms": {"control": {"survival": efs}, "new": {"survival": efs}},
        "design": design,
    }
    return plan_from_data(data).evaluate().power


_KINDS = ("absolute-margin", "bayes-two-arm", "rmst-difference")


def _limit() -> dict[str, float]:
    guard = {"margin": 0.9, "alpha": 0.1, "salvage": 0.5, "after_event": 0.8}
    return {kind: _power(guard, kind) - _power(None, kind) for kind in _KINDS}


CASES: tuple[Case, ...] = (
    Case(
        id="designs-os-law",
        title="Overall survival behind an exponential EFS",
        room="designs",
        kind="closed form",
        source="sum of two exponential times",
        inputs=f"event rate {RATE:g}, median {AFTER:g} years to death, {SALVAGE:g} saved",
        compute=_law,
        expected={f"S({t:g})": _exact(t) for t in (0.5, 2.0, 10.0)},
        tolerance=1e-9,
    ),
    Case(
        id="designs-os-both",
        title="Probability that EFS and the guard of OS both succeed",
        room="designs",
        kind="closed form",
        source="1/4 + asin(rho) / (2 pi)",
        inputs="each with probability one half",
        compute=_orthant,
        expected={f"rho {rho:g}": 0.25 + math.asin(rho) / (2.0 * math.pi) for rho in (-0.6, 0.3, 0.95)},
        tolerance=1e-9,
    ),
    Case(
        id="designs-os-guard-limit",
        title="A guard of OS that always passes leaves the power as it is",
        room="designs",
        kind="limit case",
        source="the same designs without a guard",
        inputs="150 infants, margin 10 points of EFS (.1 years of its restricted mean), 90 points of OS",
        compute=_limit,
        expected=dict.fromkeys(_KINDS, 0.0),
        tolerance=1e-9,
    ),
)
