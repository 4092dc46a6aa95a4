"""A truth of exactly 0 or 1 is a truth, in every design for counts; what has no patients, no variance or no scale says so."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import NextarmError
from nextarm.designs import plan_from_data
from nextarm.designs.cards import design_cards
from nextarm.designs.gated_endpoints import GatedEndpointsTable
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.simulation import simulate


def example(kind: str) -> Plan:
    return plan_from_toml(design_cards(kind).cards[0].example)


def test_no_toxicity_at_all_is_not_a_missing_truth() -> None:
    plan = example("efficacy-toxicity").changed({"arms": {"treatment": {"toxicity": 0.0}}})
    assert plan.evaluate().power > example("efficacy-toxicity").evaluate().power
    seen = simulate(plan, trials=100, seed=1).scenario("plan")
    assert seen.events.value == 0.0
    data = example("efficacy-toxicity").to_data()
    del data["arms"]["treatment"]["toxicity"]
    with pytest.raises(NextarmError, match=r"arms\.treatment\.toxicity is missing"):
        plan_from_data(data)


@pytest.mark.parametrize(("kind", "outcome"), [("predictive-probability", "response"), ("toxicity-monitoring", "toxicity")])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nobody_or_everybody(kind: str, outcome: str, value: float) -> None:
    plan = example(kind).changed({"arms": {"treatment": {outcome: value}}})
    good = (value == 1.0) == (outcome == "response")
    assert plan.evaluate().to_json()
    if outcome == "response":
        assert plan.evaluate().power == float(good)


def test_a_response_nobody_has_leaves_no_survival_of_responders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextarm.designs.gated_endpoints.TRIALS", 20)
    plan = example("gated-endpoints").changed({"arms": {"control": {"response": 0.0}}})
    assert isinstance(plan.design, GatedEndpointsTable)
    got: Any = plan.evaluate()
    assert got.survival_of_responders["control"] is None
    assert type(got).from_json(got.to_json()) == got


def test_everybody_cured_has_no_variance_and_a_power() -> None:
    assert example("bayes-one-arm").changed({"arms": {"treatment": {"survival": {"cure_fraction": 1.0}}}}).evaluate().power == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"accrual": {"rate": 1e-9}}, "at least 1 patient"),
        ({"arms": {"treatment": {"survival": {"latency": {"shape": 1e-9}}}}}, "shape = 1e-09"),
    ],
)
def test_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(NextarmError) as error:
        example("bayes-one-arm").changed(change).evaluate()
    assert says in str(error.value)


def test_nobody_left_under_observation_is_no_division() -> None:
    got = example("bayes-one-arm").changed({"accrual": {"dropout_hazard": 100.0}}).evaluate()
    assert 0.0 <= got.power <= 1.0


def test_power_over_drift_is_printed_beside_the_type_1_error() -> None:
    for kind in ("bayes-one-arm", "bayes-two-arm"):
        got: Any = example(kind).evaluate()
        row = got.table().to_dicts()[0]
        assert (
            sum(key.startswith("power_if_control_is_") for key in row)
            == sum(key.startswith("type1_error_if_control_is_") for key in row)
            > 4
        )
        assert type(got).from_json(got.to_json()).drift == got.drift
    one: Any = example("bayes-one-arm").evaluate()
    here = next(r for r in one.drift if r.change == 0.0)
    assert (here.type1_error, here.power) == pytest.approx((one.type1_error, one.power))
    assert [r.type1_error for r in one.drift] == sorted(r.type1_error for r in one.drift)
