"""Dose finding plans that cannot be: one clear problem each."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import CallError, PlanError
from nextarm.designs import plan_from_data
from nextarm.simulation import simulate, simulate_doses


def plan(arms: dict[str, Any] | None = None, **design: Any) -> dict[str, Any]:
    more = {"solve": design.pop("solve")} if "solve" in design else {}
    return {
        "trial": {"name": "run-in", "endpoint": "DLT", "milestone": 0.1},
        "accrual": {"rate": 20.0, "duration": 1.5, "follow_up": 0.1},
        "arms": {"low": {"toxicity": 0.1}, "high": {"toxicity": 0.3}} if arms is None else arms,
        "design": {"kind": "boin"} | design,
    } | more


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan({"low": {"toxicity": 0.1}}), "needs at least 2 arms"),
        (plan({"low": {"toxicity": 0.1}, "high": {}}), "arms.high.toxicity is missing"),
        (plan({"low": {"toxicity": 0.1}, "high": {"toxicity": 30.0}}), "percentage: 0.3"),
        (plan(start="middle"), "must be one of the arms low, high"),
        (plan(target=25.0), "percentage: 0.25"),
        (plan(too_low=0.4), "must increase between 0 and 1"),
        (plan(target=0.8), "must increase between 0 and 1"),
        (plan(cohort=31), "design.cohort"),
        (plan(eliminate=0.2), "design.eliminate"),
        (plan(solve={"for": "n"}), "solves for power"),
        (plan(kind="rolling-six", cohort=3), "cohort"),
        (plan(lowest=0.97), "must be at most eliminate = 0.95"),
        (plan() | {"accrual": {"rate": 500.0, "duration": 3.0, "follow_up": 0.1}}, "has at most 500 patients"),
    ],
)
def test_impossible_plans_say_why(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data)
    assert words in str(caught.value)


def test_the_wrong_door_says_which_is_right() -> None:
    with pytest.raises(CallError, match="use simulate_doses"):
        simulate(plan_from_data(plan()), trials=10)
    other = {"kind": "exact-binomial", "null_response": 0.2}
    counts = plan({"new": {"response": 0.4}}) | {"design": other}
    with pytest.raises(CallError, match="use simulate"):
        simulate_doses(plan_from_data(counts), trials=10)
