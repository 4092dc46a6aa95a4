"""What is offered to be laid beside a plan can be laid beside it; a design is checked under the plan's scenarios too."""

from __future__ import annotations

import pytest

import nextarm
from nextarm.core.errors import PlanError
from nextarm.designs.plan import plan_from_data, plan_from_toml
from nextarm.designs.truths import truths_from_specs

PLANS = {card.kind: plan_from_toml(card.example) for card in nextarm.designs().cards}


@pytest.mark.parametrize(
    "kind", ["one-arm-milestone", "log-rank", "exact-binomial", "two-proportions", "competing-events", "boin", "platform"]
)
def test_every_design_offered_is_accepted_and_the_plans_own_is_one_of_them(kind: str) -> None:
    plan = PLANS[kind]
    found = nextarm.beside(plan)
    assert found.designs[kind] == plan.to_data()["design"]
    for name, design in found.designs.items():
        made = plan_from_data({**plan.to_data(), "compare": [{"name": "other", "design": design}]})
        assert made.designs()[1][1].design.kind == name
    assert ("boin" in found.designs) == (kind == "boin"), "dose finding stands beside dose finding only"


@pytest.mark.parametrize("kind", ["one-arm-milestone", "log-rank", "two-proportions", "gated-endpoints", "platform"])
def test_without_effect_every_arm_does_as_the_control_or_the_reference(kind: str) -> None:
    plan = PLANS[kind]
    laid = {"name": "none", **nextarm.beside(plan).no_effect}
    null = dict(plan_from_data({**plan.to_data(), "scenario": [laid]}).scenarios())["none"]
    for name, truth in null.truths().items():
        if len(null.arms) > 1:
            assert null.survival_at(2.0)[name] == pytest.approx(null.survival_at(2.0)[null.control])
        elif null.reference is not None and null.reference.survival:
            assert truth == truths_from_specs({name: null.reference.survival})[name]
    assert len({arm.response for arm in null.arms.values()}) == 1


def test_a_design_that_a_scenario_makes_impossible_is_told_when_the_plan_is_read() -> None:
    data = PLANS["log-rank"].to_data()
    looks = {"kind": "group-sequential-log-rank", "events": 105, "looks": [0.6, 1.0], "latest": 5.5}
    slow = {"name": "slow", "accrual": {"rate": 30.0}}
    plan_from_data({**data, "compare": [{"name": "looks", "design": looks}]})
    with pytest.raises(PlanError) as told:
        plan_from_data({**data, "scenario": [slow], "compare": [{"name": "looks", "design": looks}]})
    assert str(told.value).startswith("compare[1] with scenario[1] design.events = 105")
    with pytest.raises(PlanError) as told:
        plan_from_data({**data, "scenario": [{"name": "slow", "accrual": {"rate": -1.0}}], "compare": [{"name": "looks", "design": looks}]})
    assert len(told.value.problems) == 1, "what is wrong with a scenario is not said again for every design"
