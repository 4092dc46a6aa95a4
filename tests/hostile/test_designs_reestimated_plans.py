"""Plans with re-estimated events that cannot be: one clear problem each."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import CallError, PlanError
from nextarm.designs import plan_from_data
from nextarm.designs.promising_zone import PromisingZone, outcome, smallest_valid_promising

LATENCY = {"model": "weibull", "shape": 1.2, "median": 0.7}


def plan(**design: Any) -> dict[str, Any]:
    more = {"solve": design.pop("solve")} if "solve" in design else {}
    return {
        "trial": {"name": "a trial", "endpoint": "EFS", "milestone": 2.0},
        "accrual": {"rate": 50.0, "duration": 3.0, "follow_up": 3.0},
        "arms": {
            "control": {"survival": {"model": "mixture-cure", "cure_fraction": 0.4, "latency": LATENCY}},
            "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}},
        },
        "design": {"kind": "reestimated-log-rank", "events": 50, "largest_events": 75} | design,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan(largest_events=40), "must be above the 50 events planned"),
        (plan(steps=0), "design.steps"),
        (plan(largest_events=52), "must be at most 2"),
        (plan(promising=0.9), "below target"),
        (plan(futility=0.5), "above futility"),
        (plan(interim=0.999), "would look at 50 of 50 events"),
        (plan(interim=50.0), "design.interim"),
        (plan(target=80.0), "percentage: 0.8"),
        (plan(assumed_hazard_ratio=1.2), "must be below 1"),
        (plan(solve={"for": "n"}), "solves for power and effect"),
        (plan(largest_events=140), "can never be reached"),
        (plan(events=500, largest_events=600), "more than the 150 patients"),
        (plan(spending="pocock"), "design.spending"),
    ],
)
def test_impossible_plans_say_why(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data)
    assert words in str(caught.value)


def test_impossible_calls_say_why() -> None:
    zone = PromisingZone(interim=10, levels=(20, 30), critical=2.0, stop_at=9.0, promising=0.3, target=0.8)
    with pytest.raises(CallError, match="must have 2 values"):
        outcome(zone, mean_interim=0.0, mean_later=[0.0])
    with pytest.raises(CallError, match="share"):
        smallest_valid_promising(1.2, most=2.0, target=0.8, alpha=0.025)
