"""Truths at the edge: one clear refusal or a number, never a result that is no number."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nextarm.designs import plan_from_data, solved_plan
from nextarm.simulation import simulate

TWO = {"control": {"survival": {"model": "exponential", "rate": 0.3}}, "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}}}


def plan(design: dict[str, Any], arms: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "trial": {"name": "edge", "endpoint": "EFS", "milestone": 3.0},
        "accrual": {"rate": 40.0, "duration": 3.0, "follow_up": 3.0},
        "arms": arms,
        "design": design,
    } | more


@pytest.mark.parametrize(
    "design", [{"kind": "weighted-log-rank", "q": 1.0}, {"kind": "max-combo", "weights": [[0, 0], [0, 1]]}],
    ids=lambda d: d["kind"],
)  # fmt: skip
def test_units_of_time_are_no_matter_where_all_events_are_seen(design: dict[str, Any]) -> None:
    """A rate of 30 or of a million a year: nobody is censored, and a rank test sees only the order."""
    slow, fast = (TWO | {"control": {"survival": {"model": "exponential", "rate": rate}}} for rate in (30.0, 1e6))
    found = [plan_from_data(plan(design, arms)).evaluate() for arms in (slow, fast)]
    assert found[0].power == pytest.approx(found[1].power, abs=2e-3)
    assert found[1].to_json()


def test_mean_survival_of_seconds_is_still_a_number() -> None:
    arms = TWO | {"control": {"survival": {"model": "exponential", "rate": 1e6}}}
    found = plan_from_data(plan({"kind": "rmst-difference"}, arms)).evaluate()
    assert 0.0 <= found.power <= 1.0
    assert found.to_json()


def test_an_interim_look_that_is_never_promising_has_no_power_there() -> None:
    design = {"kind": "reestimated-log-rank", "events": 40, "interim": 0.5, "largest_events": 60}
    arms = TWO | {"new": {"survival": {"hazard_ratio": 50.0, "of": "control"}}}
    found = plan_from_data(plan(design, arms)).evaluate()
    assert '"power_if_raised": null' in found.to_json(indent=2)
    assert not math.isnan(found.power)


def test_simon_solved_for_is_simulated_with_its_numbers() -> None:
    """[solve] finds r1, n1, r and n; virtual trials, scenarios and what solved_plan writes obey them (5/15, 18/46: Simon 1989)."""
    data = plan(
        {"kind": "simon-two-stage", "alpha": 0.05, "null_response": 0.3}, {"new": {"response": 0.5}}, solve={"for": "n", "power": 0.8},
        scenario=[{"name": "null", "arms": {"new": {"response": 0.3}}}],
    )  # fmt: skip
    made = plan_from_data(data)
    result = made.evaluate()
    run = simulate(made, trials=4096, seed=1)
    for name, rate in (("plan", result.power), ("null", 0.0499)):
        got = run.scenario(name).rejection
        assert abs(got.value - rate) < 4.0 * got.se
    assert solved_plan(made, result).evaluate().n == 46
