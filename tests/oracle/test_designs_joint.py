"""Response and toxicity watched together: exact sums against enumeration and virtual trials, and what the levels promise."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.designs import Plan, plan_from_data
from nextarm.designs.efficacy_toxicity import EfficacyToxicity
from nextarm.designs.joint_paths import JointBounds, joint_mass, joint_paths, patient_probabilities
from nextarm.simulation import simulate
from nextarm.simulation.characteristics import ScenarioCounts
from nextarm.simulation.ready import ready_from_toml
from nextarm.validation.cases.designs_joint import enumerated

PLAN: dict[str, Any] = {
    "trial": {"name": "t", "endpoint": "MRD", "milestone": 0.25},
    "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 0.3},
    "arms": {"new": {"response": 0.5, "toxicity": 0.1}},
    "scenario": [
        {"name": "no better", "arms": {"new": {"response": 0.3}}},
        {"name": "toxic", "arms": {"new": {"toxicity": 0.3}}},
        {"name": "both", "arms": {"new": {"response": 0.3, "toxicity": 0.3}}},
    ],
    "design": {
        "kind": "efficacy-toxicity", "alpha": 0.1, "null_response": 0.3, "null_toxicity": 0.3, "target_response": 0.5,
        "target_toxicity": 0.1, "odds_ratio": 2.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("odds_ratio", [0.2, 1.0, 7.0])
@pytest.mark.parametrize(("response", "toxicity"), [(0.3, 0.6), (0.9, 0.8), (0.5, 0.0), (1.0, 0.4)])
def test_all_ways_are_counted(response: float, toxicity: float, odds_ratio: float) -> None:
    bounds = JointBounds(sizes=(1, 3, 5), futile=(-1, 0, 2), toxic=(2, 3, 4))
    got, want = joint_paths(bounds, response, toxicity, odds_ratio=odds_ratio), enumerated(bounds, response, toxicity, odds_ratio)
    assert got.success == pytest.approx(want["success"], abs=1e-12)
    assert (got.futile + got.both).sum() == pytest.approx(want["futile"], abs=1e-12)
    assert (got.toxic + got.both).sum() == pytest.approx(want["toxic"], abs=1e-12)
    assert got.expected_n == pytest.approx(want["expected_n"], abs=1e-12)
    assert got.expected_toxic == pytest.approx(want["expected_toxic"], abs=1e-12)
    assert joint_mass(9, response, toxicity, odds_ratio=odds_ratio).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("odds_ratio", [1e-3, 0.5, 1.0, 1.0 + 1e-8, 3.0, 1e3])
def test_a_patient_has_the_margins_and_the_association(odds_ratio: float) -> None:
    both, alone, toxic, neither = patient_probabilities(0.35, 0.15, odds_ratio=odds_ratio)
    assert both + alone == pytest.approx(0.35)
    assert both + toxic == pytest.approx(0.15)
    assert both * neither == pytest.approx(odds_ratio * alone * toxic, rel=1e-6)


def test_virtual_trials_agree_with_the_sums() -> None:
    plan = plan_from_data(PLAN)
    exact, found = plan.evaluate(), simulate(plan, trials=20_480, seed=3)
    assert isinstance(exact, EfficacyToxicity)
    assert type(exact).from_json(exact.to_json()) == exact
    for scenario, want in zip(found.scenarios, (exact.behaviour[i] for i in (0, 1, 2, 3)), strict=True):
        assert abs(scenario.rejection.value - want.success) <= 4.0 * scenario.rejection.se
        assert abs(scenario.patients.value - want.expected_n) <= 4.0 * scenario.patients.se
        assert abs(scenario.events.value - want.expected_toxic) <= 4.0 * scenario.events.se
    again = ready_from_toml(plan.to_toml()).block(seed=3, block=0, trials=1024)  # what a worker does
    assert sum(int(x.rejected_by_look.sum()) for x in again) == sum(int(s.rejected_by_look.sum()) for s in _block(plan))


def _block(plan: Plan) -> tuple[ScenarioCounts, ...]:
    return simulate(plan, trials=1024, seed=3).scenarios


@pytest.mark.parametrize("odds_ratio", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("other", [0.02, 0.5, 0.98])
def test_each_level_holds_whatever_the_other_outcome(odds_ratio: float, other: float) -> None:
    exact = plan_from_data(PLAN).evaluate()
    assert isinstance(exact, EfficacyToxicity)
    assert joint_paths(exact.bounds, 0.3, other, odds_ratio=odds_ratio).success <= exact.type1_error_response + 1e-12 <= 0.1
    assert joint_paths(exact.bounds, other, 0.3, odds_ratio=odds_ratio).success <= exact.type1_error_toxicity + 1e-12 <= 0.1


def test_bounds_of_a_protocol_are_taken_as_they_are() -> None:
    design = PLAN["design"] | {"looks": [0.5, 1.0], "futile": [5, 15], "toxic": [7, 10]}
    got = plan_from_data(PLAN | {"design": design}).evaluate()
    assert isinstance(got, EfficacyToxicity)
    assert got.bounds == JointBounds(sizes=(20, 40), futile=(5, 15), toxic=(7, 10))
    assert any("above its level" in w for w in got.warnings) == (max(got.type1_error_response, got.type1_error_toxicity) > 0.1)
