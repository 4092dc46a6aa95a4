"""The null scenario moves with the null: where it must then stand is known by arithmetic; what was put elsewhere stays."""

from __future__ import annotations

import math
import tomllib
from copy import deepcopy
from typing import Any

import pytest

import nextarm
from nextarm.designs import plan_from_data
from nextarm.designs.following_null import follow_null, misnamed_nulls

#: The number that defines the null of each kind's example, what it is changed to, and where the null is then.
NULLS: list[tuple[str, str, float, float]] = [
    ("exact-binomial", "design.null_response", 0.45, 0.45),
    ("simon-two-stage", "design.null_response", 0.35, 0.35),
    ("predictive-probability", "design.null_response", 0.45, 0.45),
    ("bop2", "design.null_response", 0.45, 0.45),
    ("top", "design.null_response", 0.45, 0.45),
    ("two-proportions", "arms.control.response", 0.55, 0.55),
    ("bayes-one-arm", "design.null_survival", 0.55, 0.55),
    ("bop2-time-to-event", "design.null_survival", 0.55, 0.55),
    ("predictive-survival", "design.null_survival", 0.55, 0.55),
    ("cure-fraction", "design.null_cure", 0.55, 0.55),
    ("one-arm-milestone", "reference.survival.cure_fraction", 0.55, 0.55),
    ("one-sample-log-rank", "reference.survival.cure_fraction", 0.45, 0.45),
    ("log-rank", "arms.control.survival.cure_fraction", 0.45, 0.45),
    ("group-sequential-log-rank", "arms.control.survival.cure_fraction", 0.65, 0.65),
    ("rmst-difference", "arms.control.survival.cure_fraction", 0.55, 0.55),
    ("bayes-two-arm", "arms.control.survival.cure_fraction", 0.55, 0.55),
    ("platform", "arms.control.survival.cure_fraction", 0.55, 0.55),
    ("absolute-margin", "design.margin", 0.15, 0.70),
]


def example(kind: str) -> dict[str, Any]:
    return tomllib.loads(nextarm.designs(kind).cards[0].example)


def changed(data: dict[str, Any], path: str, value: float) -> dict[str, Any]:
    made = deepcopy(data)
    *tables, last = path.split(".")
    here = made
    for key in tables:
        here = here[key]
    here[last] = value
    return made


def numbers(scenario: dict[str, Any]) -> set[float]:
    return {v if not isinstance(v, dict) else v["cure_fraction"] for arm in scenario["arms"].values() for v in arm.values()}


@pytest.mark.parametrize(("kind", "path", "value", "want"), NULLS)
def test_ours_the_null_scenario_of_an_example_follows(kind: str, path: str, value: float, want: float) -> None:
    before = example(kind)
    after = changed(before, path, value)
    moved = follow_null(before, after)
    assert numbers(moved["scenario"][0]) == {want}
    assert misnamed_nulls(plan_from_data(moved)) == ()
    assert {k: v for k, v in moved.items() if k != "scenario"} == {k: v for k, v in after.items() if k != "scenario"}


@pytest.mark.parametrize(("null", "milestone"), [(0.6, 3.0), (0.42, 2.0)])
def test_ours_a_rate_follows_a_null_of_survival(null: float, milestone: float) -> None:
    before = example("bayes-one-arm")
    before["trial"]["milestone"] = milestone
    before["arms"]["treatment"]["survival"] = {"model": "exponential", "rate": 0.1}
    rate = -math.log(0.5) / milestone
    before["scenario"] = [{"name": "null", "arms": {"treatment": {"survival": {"rate": rate * (1 + 1e-12)}}}}]
    moved = follow_null(before, changed(before, "design.null_survival", null))
    assert moved["scenario"][0]["arms"]["treatment"]["survival"]["rate"] == pytest.approx(-math.log(null) / milestone, abs=1e-8)


def test_what_was_put_elsewhere_stays_and_is_told_where_it_is_called_null() -> None:
    before = example("exact-binomial")
    before["scenario"] = [
        {"name": "null", "arms": {"treatment": {"response": 0.3}}},  # inside the null, not at its edge
        {"name": "less", "arms": {"treatment": {"response": 0.5}}},
    ]
    lower = changed(before, "design.null_response", 0.25)
    assert follow_null(before, lower) == lower
    assert misnamed_nulls(plan_from_data(lower)) == ("null",)
    assert misnamed_nulls(plan_from_data(before)) == ()


def test_a_change_that_leaves_the_null_leaves_the_scenarios() -> None:
    before = example("log-rank")
    for path, value in (("arms.treatment.survival.cure_fraction", 0.65), ("accrual.rate", 50.0)):
        after = changed(before, path, value)
        assert follow_null(before, after) == after


def test_a_scenario_changed_with_the_null_stays_as_it_was_changed() -> None:
    before = example("exact-binomial")
    after = changed(before, "design.null_response", 0.45)
    after["scenario"][0]["arms"]["treatment"]["response"] = 0.42
    assert follow_null(before, after) == after


def test_a_table_of_scenarios_that_is_none_is_left_alone() -> None:
    before = example("exact-binomial") | {"scenario": 3}
    after = changed(before, "design.null_response", 0.45)
    assert follow_null(before, after) == after


@pytest.mark.parametrize("wrong", [{"null_response": 1.4}, {"null_response": "much"}, {"kind": "nothing"}])
def test_a_plan_that_is_none_is_left_for_its_own_errors(wrong: dict[str, Any]) -> None:
    before = example("exact-binomial")
    after = deepcopy(before)
    after["design"] |= wrong
    assert follow_null(before, after)["scenario"] == before["scenario"]
    assert follow_null(after, before) == before
