"""Plans of response and toxicity that cannot be: one clear problem each."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import CallError, PlanError
from nextarm.designs import plan_from_data
from nextarm.designs.joint_paths import JointBounds, joint_paths, patient_probabilities


def plan(arm: dict[str, float] | None = None, **design: Any) -> dict[str, Any]:
    more = {"solve": design.pop("solve")} if "solve" in design else {}
    return {
        "trial": {"name": "t", "endpoint": "MRD", "milestone": 0.25},
        "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 0.3},
        "arms": {"new": {"response": 0.5, "toxicity": 0.1} if arm is None else arm},
        "design": {"kind": "efficacy-toxicity", "alpha": 0.1, "null_response": 0.3, "null_toxicity": 0.3} | design,
    } | more


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan({"response": 0.5}), "arms.new.toxicity is missing"),
        (plan({"response": 0.3, "toxicity": 0.1}), "State target_response"),
        (plan({"response": 0.5, "toxicity": 0.3}), "State target_toxicity"),
        (plan(null_toxicity=30.0), "percentage: 0.3"),
        (plan(odds_ratio=0.0), "design.odds_ratio"),
        (plan(looks=[0.5, 0.4, 1.0]), "must rise from above 0 to 1"),
        (plan(futile=[1, 2, 3, 4]), "must be given together"),
        (plan(futile=[1, 2], toxic=[3, 4]), "one of each a look"),
        (plan(futile=[1, 2, 3, 40], toxic=[3, 4, 5, 6]), "between -1 and size - 1"),
        (plan(solve={"for": "n"}), "solves for power"),
        (plan(alpha=1e-9), "no rule on the grid keeps it"),
    ],
)
def test_impossible_plans_say_why(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data)
    assert words in str(caught.value)


def test_impossible_calls_say_why() -> None:
    with pytest.raises(CallError, match="must be a probability"):
        patient_probabilities(1.2, 0.1)
    with pytest.raises(CallError, match="must be above 0"):
        patient_probabilities(0.2, 0.1, odds_ratio=-1.0)
    with pytest.raises(CallError, match="must be at least 1 and increase"):
        joint_paths(JointBounds(sizes=(5, 5), futile=(0, 0), toxic=(3, 3)), 0.5, 0.1)
