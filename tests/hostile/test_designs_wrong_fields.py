"""Every field of six kinds with what cannot be: one clear error, or a plan that gives a number; never a traceback, never NaN."""

from __future__ import annotations

import math
import tomllib
from copy import deepcopy
from typing import Any

import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import plan_from_data
from nextarm.designs.cards import design_cards
from nextarm.designs.registry import DESIGNS
from nextarm.simulation.run import simulate_any

KINDS = ("boin", "platform", "reestimated-log-rank", "simon-two-stage", "toxicity-monitoring", "two-proportions")
WRONG: tuple[Any, ...] = (-1, 10**30, math.nan, "x", [], {}, True)


def example(kind: str) -> dict[str, Any]:
    return tomllib.loads(design_cards(kind).cards[0].example)


def outcome(data: dict[str, Any]) -> str | None:
    """What is said against a plan; None where it can be simulated and written."""
    try:
        made = plan_from_data(data)
    except PlanError as error:
        return str(error)
    assert simulate_any(made, trials=2, seed=1).to_json()
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_field_is_said(kind: str) -> None:
    data = example(kind)
    (table,) = (t for t in DESIGNS if t.model_fields["kind"].default == kind)
    names = [field.alias or name for name, field in table.model_fields.items()]
    refused = 0
    for name in (*names, "no_such_field"):
        for value in WRONG:
            said = outcome(data | {"design": data["design"] | {name: value}})
            assert said is None or name in said, (name, value, said)
            refused += said is not None
    assert refused > 5 * len(names)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_table_is_said(kind: str) -> None:
    data = example(kind)
    for name in ("trial", "accrual", "arms", "design"):
        for changed in ({k: v for k, v in data.items() if k != name}, data | {name: {}}, data | {name: 3}):
            with pytest.raises(PlanError) as caught:
                plan_from_data(deepcopy(changed))
            assert name in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "table", "change", "words"),
    [
        (
            "reestimated-log-rank",
            "design",
            {"largest_events": 10**30},
            "design.largest_events = 1e+30 in the plan: must be at most 1,000,000 events",
        ),
        ("reestimated-log-rank", "design", {"latest": 1e12}, "design.latest = 1e+12 in the plan: must be at most 200 years"),
        (
            "platform",
            "design",
            {"patients_per_arm": 10**30},
            "design.patients_per_arm = 1e+30 in the plan: must be at most 1,000,000 patients",
        ),
        ("platform", "design", {"follow_up": 1e30}, "design.follow_up = 1e+30 in the plan: must be at most 200 years"),
        ("platform", "design", {"interim_lag": 201.0}, "design.interim_lag = 201.0 in the plan: must be at most 200 years"),
        ("platform", "design", {"drop_below": True}, "design.drop_below"),
        ("boin", "design", {"enough": 10**400}, "design.enough = 1e+300 in the plan: must be at most 1,000,000 patients"),
        ("two-proportions", "accrual", {"follow_up": 1e12}, "accrual.follow_up = 1e+12 in the plan: must be at most 200 years"),
        ("toxicity-monitoring", "design", {"every": 10**7}, "design.every = 10000000 in the plan: must be at most 1,000,000 patients"),
    ],
)
def test_a_number_no_trial_has_is_a_slip_of_the_unit(kind: str, table: str, change: dict[str, Any], words: str) -> None:
    data = example(kind)
    with pytest.raises(PlanError) as caught:
        plan_from_data(data | {table: data[table] | change})
    assert words in str(caught.value)
