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


def cure(fraction: float, **more: Any) -> dict[str, Any]:
    latency = {"model": "weibull", "shape": 1.3, "median": 0.7}
    return {"survival": {"model": "mixture-cure", "cure_fraction": fraction, "latency": latency}, **more}


PLATFORM = {"kind": "platform", "patients_per_arm": 20, "follow_up": 1.0}
TRIAL = {"name": "t", "endpoint": "EFS", "milestone": 3.0}
LONG = {"rate": 45.0, "duration": 3.0, "follow_up": 2.0}


@pytest.mark.parametrize(
    ("arms", "design", "accrual", "words"),
    [
        ({"control": cure(0.6)}, PLATFORM, LONG, "needs at least 2 arms"),
        ({"control": cure(0.6), "a": cure(0.7, opens=9.0)}, PLATFORM, LONG, "must come before accrual ends"),
        ({"control": cure(0.6), "a": cure(0.7, opens_after="b"), "b": cure(0.7, opens_after="a")}, PLATFORM, LONG, "not in a ring"),
        ({"control": cure(0.6), "a": cure(0.7)}, {**PLATFORM, "select": "best"}, LONG, "needs a look"),
        ({"control": cure(0.6), "a": cure(0.7)}, PLATFORM, {**LONG, "rate": 90000.0}, "at most 20,000 patients"),
        ({"control": cure(0.6), "a": cure(0.7)}, {**PLATFORM, "interim": [0.6, 0.4]}, LONG, "shares between 0 and 1, rising"),
        ({"control": cure(0.6), "a": cure(0.7)}, {**PLATFORM, "interim": 1.0}, LONG, "shares between 0 and 1, rising"),
        (
            {"control": cure(0.6), "a": cure(0.7)},
            {**PLATFORM, "interim": [0.4, 0.6], "drop_below": [0.0, 0.1, 0.2]},
            LONG,
            "for each of 2 looks",
        ),
        ({"control": cure(0.6), "a": cure(0.7)}, {**PLATFORM, "interim": 0.5, "declare_above": -1.0}, LONG, "must be below declare_above"),
        ({"control": cure(0.6), "a": cure(0.7)}, {**PLATFORM, "control_adapts": True}, LONG, "belongs to allocation_rule"),
        ({"control": cure(0.6), "a": cure(0.7), "b": cure(0.7, opens_when="dropped")}, PLATFORM, LONG, "opens_after, which is missing"),
        (
            {"control": cure(0.6), "a": cure(0.7), "b": cure(0.7, opens_after="a", opens_when="dropped")},
            PLATFORM,
            LONG,
            "no arm is dropped without a look",
        ),
        ({"control": cure(0.6), "a": cure(0.7, opens_at_events=5)}, PLATFORM, LONG, "one must open by its date alone"),
        ({"control": cure(0.6, opens_at_events=5), "a": cure(0.7)}, PLATFORM, LONG, "the control opens late"),
        ({"control": cure(0.6), "a": cure(0.7, opens_at_events=5)}, {"kind": "log-rank"}, LONG, "is of platforms"),
        ({"control": cure(0.6), "a": cure(0.7, opens=1.0)}, {"kind": "log-rank"}, LONG, "is of platforms"),
        ({"control": cure(0.6), "a": cure(0.7)}, {"kind": "log-rank"}, {**LONG, "hazard_trend": 0.1}, "is of platforms"),
        ({"control": cure(0.6), "a": cure(0.7)}, {"kind": "bayes-two-arm"}, {**LONG, "follow_up": 0.0}, "nobody is followed"),
        ({"control": cure(0.6), "a": cure(0.7)}, {"kind": "bayes-two-arm", "look_times": [0.5, 6.0]}, LONG, "must rise from above 0"),
        ({"a": cure(0.7)}, {"kind": "bayes-one-arm", "null_survival": 0.6, "prior": [[0.5, 1, 1]]}, LONG, "add up to 1"),
        ({"a": cure(0.7)}, {"kind": "bayes-one-arm", "null_survival": 0.6, "prior_file": "nope.json"}, LONG, "nope.json is missing"),
        ({"a": cure(0.7)}, {"kind": "bayes-one-arm", "null_survival": 60.0}, LONG, "percentage: 0.6"),
    ],
)
def test_impossible_trials_of_several_arms_say_why(
    arms: dict[str, Any], design: dict[str, Any], accrual: dict[str, Any], words: str
) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data({"trial": TRIAL, "accrual": accrual, "arms": arms, "design": design})
    assert words in str(caught.value)


def test_a_size_far_beyond_the_tables_is_solved_by_the_normal_law() -> None:
    made = plan_from_data(
        {
            "trial": TRIAL, "accrual": LONG, "arms": {"control": cure(0.6), "new": cure(0.75)}, "design": {"kind": "bayes-two-arm"},
            "solve": {"for": "n", "power": 0.8},
        }
    ).evaluate()  # fmt: skip
    assert made.power == pytest.approx(0.8, abs=0.01)
    assert 200 < made.n < 400


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
