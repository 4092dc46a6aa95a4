"""Plans of designs for counts that cannot be: one clear problem each, with key, rule and cure."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError, PlanError
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.boin import boin_table
from nextarm.designs.graphical_test import graphical_test
from nextarm.designs.multi_arm_bounds import multi_arm_bounds
from nextarm.designs.plan import plan_from_data
from nextarm.designs.rolling_six import rolling_six
from nextarm.designs.two_proportions_exact import rejection_region

BASE: dict[str, Any] = {
    "trial": {"name": "t", "endpoint": "MRD", "milestone": 0.1},
    "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 0.1},
    "arms": {"new": {"response": 0.4}},
    "design": {"kind": "exact-binomial", "alpha": 0.05, "null_response": 0.2},
}


def plan(**changes: Any) -> dict[str, Any]:
    made = deepcopy(BASE)
    for path, value in changes.items():
        *tables, last = path.split("__")
        here = made
        for name in tables:
            here = here.setdefault(name, {})
        if value is None:
            here.pop(last, None)
        else:
            here[last] = value
    return made


TWO = {"arms": {"control": {"response": 0.5}, "new": {"response": 0.7}}, "design": {"kind": "two-proportions", "alpha": 0.025}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (plan(arms__new__response=None), "arms.new.response is missing"),
        (plan(arms__new__survival={"model": "exponential", "rate": 0.1}), "arms.new.survival is not used"),
        (plan(arms__new__toxicity=0.1), "arms.new.toxicity is not used"),
        (plan(arms__new__response=40.0), "Give a proportion, not a percentage: 0.4"),
        (plan(design__null_response=0.5, solve={"for": "n"}), "must be above null_response"),
        (plan(solve={"for": "events"}), "solves for power and n and effect"),
        (plan(design={"kind": "simon-two-stage", "null_response": 0.2}), "r1, n1, r, n missing"),
        (
            plan(design={"kind": "simon-two-stage", "null_response": 0.2, "r1": 9, "n1": 5, "r": 3, "n": 20}),
            "must have r1 < n1 < n",
        ),
        (plan(design={"kind": "predictive-probability", "null_response": 0.2, "looks": [0.5, 0.4]}), "must rise"),
        (plan(design={"kind": "predictive-probability", "null_response": 0.2, "prior": [0.0, 1.0]}), "must be above 0"),
        (plan(design={"kind": "predictive-probability", "null_response": 0.2, "futility": 0.9, "efficacy": 0.5}), "must be below high"),
        (plan(design={"kind": "bop2", "null_response": 0.2, "cut": 0.9}), "must be given together"),
        (plan(design={"kind": "bop2", "null_response": 0.6}), "must be below the target"),
        (plan(**{**TWO, "design": {"kind": "two-proportions", "test": "boschloo", "margin": 0.1}}), "is of margin 0"),
        (plan(**{**TWO, "design": {"kind": "two-proportions", "test": "bayes", "control_prior": [[0.5, 1, 1]]}}), "add up to 1"),
        (plan(**{**TWO, "arms": {"control": {"response": 0.7}, "new": {"response": 0.5}}, "solve": {"for": "n"}}), "no better"),
        (plan(**{**TWO, "accrual": {"rate": 5000.0, "duration": 2.0, "follow_up": 0.0}}), "must lie between 1 and 1,500"),
        (plan(arms={"new": {"toxicity": 0.1}}, design={"kind": "toxicity-monitoring", "acceptable": 20.0}), "percentage: 0.2"),
        (plan(arms={"new": {"toxicity": 0.1}}, design={"kind": "toxicity-monitoring", "acceptable": 0.1, "first": 99}), "at most the 40"),
    ],
)
def test_impossible_plans_say_why(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data)
    assert words in str(caught.value)


def test_impossible_calls_say_why() -> None:
    with pytest.raises(CallError, match="must be at least 1 and increase"):
        path_probabilities(0.5, sizes=(5, 5), low=(0, 0), high=(6, 6))
    with pytest.raises(CallError, match="stop both ways"):
        path_probabilities(0.5, sizes=(5,), low=(3,), high=(3,))
    with pytest.raises(CallError, match="must increase between 0 and 1"):
        boin_table((3,), target=30.0)
    with pytest.raises(CallError, match="together at most"):
        rolling_six(3, dlt=2, pending=2)
    with pytest.raises(CallError, match="must be one of"):
        rejection_region(10, 10, alpha=0.05, test="fisher")  # type: ignore[arg-type]
    with pytest.raises(CallError, match="at most 4 stages"):
        multi_arm_bounds(2, fractions=np.linspace(0.2, 1.0, 5), alpha=0.05)
    with pytest.raises(CallError) as caught:
        graphical_test({"a": 0.1, "b": 0.2}, weights={"a": 0.9, "c": 0.4}, transitions={"a": {"a": 1.0}, "b": {"a": 2.0}}, alpha=0.05)
    assert len(caught.value.problems) == 3
