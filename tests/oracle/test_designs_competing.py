"""Competing events: virtual trials one by one against the survival room, and power against many of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.designs import plan_from_data
from nextarm.designs.competing_causes import COMPARISONS
from nextarm.designs.competing_events import CompetingEvents, CompetingEventsTable
from nextarm.simulation import simulate
from nextarm.simulation.competing_block import CausesPrepared, comparison_z, permuted
from nextarm.simulation.draws import allocate, draw_trials
from nextarm.simulation.ready import ready
from nextarm.survival import aalen_johansen, gray_test, log_rank, make_patients

CURE = {"model": "mixture-cure", "cure_fraction": 0.4, "latency": {"model": "weibull", "shape": 1.2, "median": 0.7}}
PLAN: dict[str, Any] = {
    "trial": {"name": "two causes", "endpoint": "EFS", "milestone": 3.0},
    "accrual": {"rate": 80.0, "duration": 2.0, "follow_up": 3.0},
    "arms": {
        "control": {"relapse": CURE, "death": {"model": "exponential", "rate": 0.04}},
        "new": {"relapse": CURE | {"cure_fraction": 0.6}, "death": {"model": "exponential", "rate": 0.12}},
    },
    "scenario": [{"name": "null", "arms": {"new": {"relapse": CURE, "death": {"model": "exponential", "rate": 0.04}}}}],
    "design": {"kind": "competing-events"},
}


def test_each_trial_is_tested_as_the_survival_room_does() -> None:
    made = ready(plan_from_data(PLAN))
    assert isinstance(made, CausesPrepared)
    (seen, _) = made.seen(seed=3, block=0, trials=5)
    z = {c: comparison_z(seen, c) for c in COMPARISONS}
    for t in range(5):
        arm = np.where(seen.arm[t] == 1, "new", "control")

        def statistic(code: Any, time: Any, arm: Any = arm) -> float:
            return float(log_rank(make_patients(time, code, arm=list(arm))).statistic)

        assert z["relapse"][t] ** 2 == pytest.approx(statistic(seen.cause[t] == 1, seen.time[t]), rel=1e-9)
        assert z["death"][t] ** 2 == pytest.approx(statistic(seen.cause[t] == 2, seen.time[t]), rel=1e-9)
        assert z["either"][t] ** 2 == pytest.approx(statistic(seen.cause[t] > 0, seen.time[t]), rel=1e-9)


def test_the_subdistribution_test_is_grays_where_all_are_followed_alike() -> None:
    """With one common end of follow-up the censoring weights of Gray's test are one."""
    together = PLAN | {"accrual": {"rate": 1.6e5, "duration": 1e-3, "follow_up": 3.0}}
    made = ready(plan_from_data(together))
    assert isinstance(made, CausesPrepared)
    (seen, _) = made.seen(seed=4, block=0, trials=6)
    z = comparison_z(seen, "relapse-subdistribution")
    for t in range(6):
        arm = np.where(seen.arm[t] == 1, "new", "control")
        patients = make_patients(seen.time[t], seen.cause[t], arm=list(arm), causes=("relapse", "death"))
        # Gray's variance allows for the competing deaths and differs by little
        assert z[t] ** 2 == pytest.approx(gray_test(patients, cause="relapse").statistic, rel=0.06)


def test_incidences_are_those_of_aalen_and_johansen() -> None:
    plan = plan_from_data(PLAN | {"accrual": {"rate": 1e4, "duration": 1.0, "follow_up": 4.0}})
    shown, made = plan.evaluate(), ready(plan)
    assert isinstance(shown, CompetingEvents)
    assert isinstance(made, CausesPrepared)
    (seen, _) = made.seen(seed=5, block=0, trials=1)
    for k, arm in enumerate(shown.arms):
        mine = seen.arm[0] == k
        found = aalen_johansen(make_patients(seen.time[0][mine], seen.cause[0][mine], causes=("relapse", "death")))
        at = int(np.searchsorted(found.time, 3.0, side="right")) - 1
        incidence = np.asarray(found.incidence)
        both = incidence[:, at] if incidence.shape[0] == 2 else incidence[at]
        assert both[0] == pytest.approx(arm.relapse_incidence, abs=0.02)
        assert both[1] == pytest.approx(arm.death_incidence, abs=0.02)
        assert arm.neither + arm.relapse_incidence + arm.death_incidence == pytest.approx(1.0, abs=1e-9)


def test_incidences_at_many_times_are_the_integrals_one_by_one() -> None:
    step = {"model": "piecewise-exponential", "cuts": [0.4, 1.1], "rates": [0.5, 0.05, 0.3]}
    arms = {"relapse": step, "death": {"model": "weibull", "shape": 0.7, "median": 4.0}}
    truth = CompetingEventsTable().causes(plan_from_data(PLAN | {"arms": {"control": arms, "new": arms}, "scenario": []}))["new"]
    times = np.array([0.01, 0.4, 0.75, 2.0, 5.0])
    for cause in ("relapse", "death"):
        want = [truth.incidence(cause, float(t)) for t in times]  # type: ignore[arg-type]
        assert truth.incidences(cause, times) == pytest.approx(want, abs=1e-6)  # type: ignore[arg-type]


def test_power_of_every_comparison_is_that_of_virtual_trials() -> None:
    plan = plan_from_data(PLAN)
    shown, made = plan.evaluate(), ready(plan)
    assert isinstance(shown, CompetingEvents)
    assert CompetingEvents.from_json(shown.to_json()) == shown
    assert isinstance(made, CausesPrepared)
    blocks = [made.seen(seed=6, block=b, trials=1024) for b in range(5)]
    for row in shown.comparisons:
        for scenario, want in ((0, row.power), (1, 0.025)):
            z = np.concatenate([comparison_z(b[scenario], row.comparison) for b in blocks])  # type: ignore[arg-type]
            rate = float((z >= 1.959964).mean())
            assert abs(rate - want) <= 4.0 * np.sqrt(want * (1.0 - want) / len(z)) + 0.012, (row, scenario, rate)
    assert any("more deaths without relapse" in w for w in shown.warnings)
    assert simulate(plan, trials=1024, seed=6).scenarios[0].rejection.value == float(
        (comparison_z(blocks[0][0], "relapse") >= 1.9599639845).mean()
    )


def test_a_size_solved_for_has_its_power() -> None:
    data = {k: v for k, v in PLAN.items() if k != "scenario"} | {"solve": {"for": "n", "power": 0.8}}
    for test in COMPARISONS:
        if test.startswith("death"):
            continue
        got = plan_from_data(data | {"design": {"kind": "competing-events", "test": test}}).evaluate()
        assert got.power == pytest.approx(0.8, abs=1e-6)


def test_arms_are_those_of_the_plain_code() -> None:
    order = draw_trials(1, 0, trials=5, patients=31).order[0]
    got = permuted(order, (2, 1), 31)
    assert all(got[t].tolist() == allocate(order[t], (2, 1), 31).tolist() for t in range(5))
