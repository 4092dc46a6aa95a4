"""Results of a run: the same for any number of workers, counts that add up, scenarios that share their draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError
from nextarm.core.random import BLOCK_TRIALS
from nextarm.designs import Plan, plan_from_data
from nextarm.simulation import OperatingCharacteristics, simulate
from nextarm.simulation.block import prepared, seen_in_block
from nextarm.simulation.characteristics import rate_of
from simulation_plans import BETTER, CURE, LOOKS, one_arm, two_arms


def with_scenarios(plan: Plan, *scenarios: dict[str, Any]) -> Plan:
    return plan_from_data(plan.to_data() | {"scenario": list(scenarios)})


def test_any_number_of_workers_gives_the_same_result() -> None:
    plan = with_scenarios(two_arms(), {"name": "null", "arms": {"new": {"survival": CURE}}})
    results = [simulate(plan, trials=3 * BLOCK_TRIALS + 100, seed=5, workers=workers) for workers in (1, 3)]
    assert results[0].to_json() == results[1].to_json()


@pytest.mark.parametrize("plan", [two_arms(), two_arms({"kind": "log-rank"}), one_arm()], ids=["sequential", "log-rank", "one arm"])
def test_counts_add_up(plan: Plan) -> None:
    found = simulate(plan, trials=1500, seed=2)
    s = found.scenarios[0]
    assert s.trials == 1500
    assert s.stopped_by_look.sum() == 1500
    assert np.all(s.rejected_by_look <= s.stopped_by_look)
    assert s.rejection.value == pytest.approx(s.rejected_by_look.sum() / 1500)
    assert 0 <= s.never_reached <= 1500
    assert 0 < s.patients.value <= found.patients
    assert 0 < s.events.value < s.patients.value
    assert 0 < s.duration.value <= 4.0


def test_json_round_trip() -> None:
    found = simulate(with_scenarios(two_arms(), {"name": "slow", "accrual": {"rate": 20.0}}), trials=100, seed=2)
    assert OperatingCharacteristics.from_json(found.to_json()) == found
    assert found.table().height == 2


def test_more_trials_begin_with_the_fewer() -> None:
    made = prepared(two_arms())
    few, many = (seen_in_block(made, seed=1, block=0, trials=n)[0] for n in (50, 400))
    assert np.array_equal(few.score, many.score[:50])
    assert np.array_equal(few.time, many.time[:50])


def test_scenarios_share_their_draws() -> None:
    same = {"name": "the same again", "arms": {"new": {"survival": BETTER}}}
    closer = {"name": "a little worse", "arms": {"new": {"survival": BETTER | {"cure_fraction": 0.79}}}}
    slow = {"name": "slow", "accrual": {"rate": 20.0}}
    made = prepared(with_scenarios(two_arms({"kind": "log-rank"}), same, closer, slow))
    own, again, worse, fewer = seen_in_block(made, seed=1, block=0, trials=500)
    assert own == again
    assert np.corrcoef(own.score[:, 0, 0, 0], worse.score[:, 0, 0, 0])[0, 1] > 0.95
    assert np.all(fewer.entered.sum(axis=2) == 40)
    assert np.all(own.entered.sum(axis=2) == 60)


def test_a_scenario_is_what_it_would_be_alone() -> None:
    null = {"new": {"survival": CURE}}
    together = simulate(with_scenarios(two_arms(), {"name": "null", "arms": null}), trials=500, seed=4)
    alone = simulate(two_arms(new=CURE), trials=500, seed=4)
    assert together.scenario("null").rejected_by_look.tolist() == alone.scenarios[0].rejected_by_look.tolist()
    assert together.scenario("null").sums.tolist() == alone.scenarios[0].sums.tolist()


def test_everybody_cured_is_a_trial_without_events() -> None:
    cured = CURE | {"cure_fraction": 1.0 - 1e-5}  # plans refuse a design without any event
    nobody = {"control": {"survival": cured}, "new": {"survival": cured}}
    plan = with_scenarios(two_arms({"kind": "log-rank"}), {"name": "cured", "arms": nobody})
    s = simulate(plan, trials=200, seed=1).scenario("cured")
    assert s.events.value < 0.01
    assert s.rejection.value == 0.0
    assert math.isfinite(s.rejection.se)


def test_seeds_differ() -> None:
    a, b = (simulate(two_arms(), trials=500, seed=seed).scenarios[0] for seed in (1, 2))
    assert a.sums.tolist() != b.sums.tolist()


def test_precision_stops_at_the_first_block_that_reaches_it() -> None:
    plan = with_scenarios(two_arms(), {"name": "null", "arms": {"new": {"survival": CURE}}})
    found = simulate(plan, seed=3, precision=0.008)
    blocks = found.scenarios[0].trials // BLOCK_TRIALS
    assert found.scenarios[0].trials == blocks * BLOCK_TRIALS
    assert max(s.rejection.se for s in found.scenarios) <= 0.008
    before = simulate(plan, seed=3, trials=(blocks - 1) * BLOCK_TRIALS)
    assert max(s.rejection.se for s in before.scenarios) > 0.008
    assert found.to_json() == simulate(plan, seed=3, precision=0.008, workers=2).to_json()
    assert not found.warnings


def test_a_precision_that_is_not_reached_is_said() -> None:
    found = simulate(two_arms(), trials=500, seed=3, precision=0.001)
    assert found.scenarios[0].trials == 500
    assert "was not reached" in found.warnings[0]


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    simulate(two_arms(), trials=2500, seed=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1024, 2500), (2048, 2500), (2500, 2500)]


@pytest.mark.parametrize(
    "wrong", [{"trials": 0}, {"trials": 10**9 + 1}, {"workers": 0}, {"precision": 0.0}, {"precision": 0.5}, {"seed": -1}, {"seed": 2**64}]
)
def test_calls_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=str(next(iter(wrong)))):
        simulate(two_arms(LOOKS), **wrong)


def test_rates_have_an_error_even_at_nought_and_all() -> None:
    assert rate_of(0, 100).se > 0.0
    assert rate_of(100, 100).se > 0.0
    assert rate_of(50, 100).se == pytest.approx(0.05)
