"""Plans of competing events that cannot be: one clear problem each."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import plan_from_data

EXPONENTIAL = {"model": "exponential", "rate": 0.3}


def plan(control: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    new = {"relapse": {"hazard_ratio": 0.6, "of": "control"}, "death": {"hazard_ratio": 1.5, "of": "control"}}
    return {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 2.0},
        "accrual": {"rate": 80.0, "duration": 2.0, "follow_up": 2.0} | changes.pop("accrual", {}),
        "arms": {"control": {"relapse": EXPONENTIAL, "death": EXPONENTIAL} if control is None else control, "new": new},
        "design": {"kind": "competing-events"} | changes.pop("design", {}),
    } | changes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan({"relapse": EXPONENTIAL}), "arms.new.death.of = 'control'"),
        (plan({"relapse": EXPONENTIAL, "death": {"model": "exponential", "rate": -1.0}}), "arms.control.death"),
        (plan({"relapse": {"model": "nonsense"}, "death": EXPONENTIAL}), "arms.control.relapse"),
        (plan({"relapse": EXPONENTIAL, "death": EXPONENTIAL, "survival": EXPONENTIAL}), "arms.control.survival is not used"),
        (plan(design={"test": "nonsense"}), "design.test"),
        (plan(design={"test": "relapse-subdistribution"}, accrual={"dropout_hazard": 0.1}), "takes all censoring to be by the analysis"),
        (plan(solve={"for": "events"}), "solves for power and n"),
        (plan(design={"test": "death"}, solve={"for": "n"}), "must have fewer of them"),
    ],
)
def test_impossible_plans_say_why(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data)
    assert words in str(caught.value)


def test_other_designs_do_not_look_at_causes() -> None:
    arm = {"survival": EXPONENTIAL, "relapse": EXPONENTIAL}
    with pytest.raises(PlanError, match=r"arms.control.relapse is not used"):
        plan_from_data(plan(arm) | {"arms": {"control": arm, "new": {"survival": EXPONENTIAL}}, "design": {"kind": "log-rank"}})
