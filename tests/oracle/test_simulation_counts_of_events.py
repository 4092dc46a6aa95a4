"""Virtual trials of designs for counts against their exact sums, and one trial redone by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate
from nextarm.simulation.count_block import CountsPrepared
from nextarm.simulation.draws import draw_trials, uniform
from nextarm.simulation.ready import ready

TRIAL = {"name": "t", "endpoint": "MRD", "milestone": 0.25}
ACCRUAL = {"rate": 20.0, "duration": 2.0, "follow_up": 0.3}
PLANS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "exact-binomial": ({"new": {"response": 0.4}}, {"null_response": 0.2}),
    "simon-two-stage": ({"new": {"response": 0.4}}, {"null_response": 0.2, "target_response": 0.4}),
    "predictive-probability": ({"new": {"response": 0.4}}, {"null_response": 0.2}),
    "bop2": ({"new": {"response": 0.4}}, {"null_response": 0.2, "target_response": 0.4}),
    "toxicity-monitoring": ({"new": {"toxicity": 0.2}}, {"acceptable": 0.1}),
    "two-proportions": ({"control": {"response": 0.4, "allocation": 1}, "new": {"response": 0.7, "allocation": 2}}, {}),
}


def plan_of(kind: str) -> Plan:
    arms, design = PLANS[kind]
    null = {
        "name": "null",
        "arms": {"new": {k: design.get("null_response", 0.4 if k == "response" else 0.1) for k in arms["new"] if k != "allocation"}},
    }
    data = {"trial": TRIAL, "accrual": ACCRUAL, "arms": arms, "design": {"kind": kind, "alpha": 0.05, **design}, "scenario": [null]}
    return plan_from_data(data)


@pytest.mark.parametrize("kind", PLANS)
def test_rates_are_those_of_the_exact_sums(kind: str) -> None:
    plan = plan_of(kind)
    exact: Any = plan.evaluate()
    found = simulate(plan, trials=20_480, seed=5)
    power, null = found.scenario("plan").rejection, found.scenario("null").rejection
    assert power.value == pytest.approx(exact.power, abs=4 * power.se)
    assert null.value == pytest.approx(exact.type1_error, abs=4 * null.se)
    if hasattr(exact, "expected_n"):
        patients = found.scenario("plan").patients
        assert patients.value == pytest.approx(exact.expected_n, abs=4 * patients.se + 1e-9)


def test_one_trial_by_hand_and_any_number_of_workers() -> None:
    plan = plan_of("simon-two-stage")
    made = ready(plan)
    assert isinstance(made, CountsPrepared)
    n1, n = made.sizes[0]
    draws = draw_trials(3, 0, trials=64, patients=n)
    stops, rejects, duration = 0, 0, 0.0
    accrual = made.truths[0].accrual
    for trial in range(64):
        outcome = uniform(draws.event[trial]) < 0.4
        entry = accrual.entry_time(uniform(np.sort(draws.entry[trial])))
        early = outcome[:n1].sum() <= 3
        stops += bool(early)
        rejects += bool(not early and outcome.sum() > 12)
        duration += float(entry[(n1 if early else n) - 1]) + 0.25
    counts = made.block(seed=3, block=0, trials=64)[0]
    assert counts.stopped_by_look.tolist() == [stops, 64 - stops]
    assert counts.rejected_by_look.sum() == rejects
    assert counts.sums[2, 0] == pytest.approx(duration, abs=1e-9)
    one, two = simulate(plan, trials=3_000, seed=1), simulate(plan, trials=3_000, seed=1, workers=2)
    assert one == two
