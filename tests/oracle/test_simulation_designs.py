"""What designs compute by integration against what the engine sees: events, reaching them, power."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.designs import Plan, expected_events_by_arm
from nextarm.designs.reach import probability_of_reaching
from nextarm.designs.setting import setting_of
from nextarm.simulation import simulate
from nextarm.simulation.block import prepared, seen_in_block
from nextarm.simulation.characteristics import Mean, Rate
from nextarm.simulation.draws import drawn_normals
from simulation_plans import CURE, LOOKS, one_arm, two_arms

GAMMA = {"model": "mixture-cure", "cure_fraction": 0.3, "latency": {"model": "gamma", "shape": 2.0, "median": 0.7}}
PROMOTION = {"model": "promotion-cure", "cure_fraction": 0.5, "latency": {"model": "log-logistic", "shape": 1.5, "median": 0.7}}
PIECEWISE = {"model": "piecewise-exponential", "cuts": [0.5, 1.0], "rates": [0.8, 0.0, 0.3]}
GOMPERTZ = {"model": "gompertz", "shape": -0.8, "rate": 0.7}

AT_A_TIME: dict[str, dict[str, Any]] = {
    "constant": {},
    "ramp": {"ramp": 1.5, "dropout_hazard": 0.4},
    "steps": {"rate": None, "rates": [10.0, 0.0, 40.0], "cuts": [0.5, 1.0]},
    "gamma and promotion": {"control": GAMMA, "new": PROMOTION},
    "piecewise and Gompertz": {"control": PIECEWISE, "new": GOMPERTZ, "allocation": 2},
    "delayed": {"control": GAMMA, "new": {"of": "control", "hazard_ratio": 0.5, "delay": 0.6}, "follow_up": 0.2},
}


def within(found: Rate | Mean, want: float, *, allow: float = 0.0) -> None:
    assert abs(found.value - want) <= 4.0 * found.se + allow, (found, want)


@pytest.mark.parametrize("accrual", AT_A_TIME.values(), ids=AT_A_TIME.keys())
def test_mean_events_are_the_integral(accrual: dict[str, Any]) -> None:
    plan = two_arms({"kind": "log-rank"}, **accrual)
    model = plan.accrual_model()
    want = expected_events_by_arm(plan.truths(), shares=plan.shares(), accrual=model, time=model.study_duration)
    found = simulate(plan, trials=8192, seed=21).scenarios[0]
    size = round(model.total) / model.total  # patients are whole
    within(found.events, sum(want.values()) * size)
    assert found.duration.value == pytest.approx(model.study_duration)


def test_events_are_reached_as_often_as_computed() -> None:
    plan = two_arms(LOOKS | {"events": 20, "looks": [1.0]})
    want = probability_of_reaching(setting_of(plan), events=20, time=4.0)
    reached = simulate(plan, trials=16_384, seed=22).scenarios[0].events_never_reached
    within(Rate(value=1.0 - reached.value, se=reached.se), want)


@pytest.mark.parametrize(
    "plan",
    [
        two_arms({"kind": "log-rank"}, rate=100.0),
        two_arms(LOOKS | {"events": 60}, rate=100.0),
        two_arms({"kind": "absolute-margin", "margin": 0.0}, rate=100.0),
        two_arms({"kind": "log-rank", "margin": 1.5}, rate=100.0, new=CURE),
        one_arm(rate=80.0, new=CURE | {"cure_fraction": 0.65}),
        one_arm({"kind": "one-arm-milestone", "scale": "plain", "margin": 0.1}, rate=80.0, new=CURE),
    ],
    ids=["log-rank", "sequential", "difference", "margin", "one arm", "one arm maintained"],
)
def test_power_is_near_the_asymptotic_one(plan: Plan) -> None:
    """Within .015 and 4 standard errors: the formula is asymptotic, the simulation is not."""
    trials = 16_384
    found = simulate(plan, trials=trials, seed=23).scenarios[0].rejection
    want = plan.evaluate().power
    assert 0.2 < want < 0.98
    assert found.value == pytest.approx(want, abs=0.015 + 4.0 * math.sqrt(want * (1.0 - want) / trials))


@pytest.mark.parametrize(
    "plan", [two_arms({"kind": "log-rank"}, rate=100.0, new=CURE), two_arms(LOOKS | {"events": 60}, rate=100.0, new=CURE)]
)
def test_type_one_error_of_the_log_rank(plan: Plan) -> None:
    within(simulate(plan, trials=40_960, seed=24).scenarios[0].rejection, 0.025, allow=0.001)


def test_power_rises_with_the_effect_and_the_number_of_patients() -> None:
    def power(cure_fraction: float, rate: float) -> float:
        plan = two_arms({"kind": "log-rank"}, new=CURE | {"cure_fraction": cure_fraction}, rate=rate)
        return simulate(plan, trials=4096, seed=25).scenarios[0].rejection.value

    by_effect = [power(cure, 60.0) for cure in (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)]
    by_patients = [power(0.75, rate) for rate in (15.0, 30.0, 60.0, 120.0, 240.0)]
    assert by_effect == sorted(by_effect)
    assert by_patients == sorted(by_patients)


def test_an_estimated_reference_is_drawn_and_its_error_is_in_the_test() -> None:
    """Under the null: near alpha with the reference's error in truth and test, far above it when taken as known (P14)."""
    null = {"model": "exponential", "rate": -math.log(0.6) / 1.5}
    reference = {"milestone_survival": 0.6, "n": 160.0}
    design = {"kind": "one-arm-milestone", "alpha": 0.05, "scale": "plain"}
    plan = one_arm(design, new=null, reference=reference, rate=80.0, dropout_hazard=0.0)
    found = simulate(plan, trials=40_960, seed=26).scenarios[0].rejection
    within(found, plan.evaluate().type1_error, allow=0.004)
    within(found, 0.05, allow=0.01)
    made = prepared(plan)
    seen = seen_in_block(made, seed=26, block=0, trials=8192)[0]
    null_found = 0.6 + made.schedule.reference_se * drawn_normals(26, 0, trials=8192)
    assert float(null_found.std()) == pytest.approx(math.sqrt(0.6 * 0.4 / 160.0), rel=0.04)
    naive = (seen.survival[:, 0, 0, 0] - null_found) / np.sqrt(seen.variance[:, 0, 0, 0])
    assert 0.10 < float(np.mean(naive >= 1.645)) < 0.15
