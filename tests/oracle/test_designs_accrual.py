"""Groups of countries and dropout in steps: against sums over the groups and simulated patients; broken tables refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import PlanError, RefusedError
from nextarm.core.result import from_data, to_data
from nextarm.designs import constant_accrual, expected_events, plan_from_data, ramp_accrual
from nextarm.designs.accrual import Accrual
from nextarm.designs.expected_events import maximum_events
from nextarm.survival.models import MixtureCure, Weibull

MODEL = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.3, scale=0.9))
GROUPS = [
    {"name": "first", "rate": 20.0},
    {"name": "second", "rate": 15.0, "opens": 0.7},
    {"name": "third", "rate": 10.0, "opens": 1.5, "ramp": 0.5},
]


def plan(**accrual: Any) -> Any:
    cured = {"model": "mixture-cure", "cure_fraction": 0.4, "latency": {"model": "weibull", "shape": 1.3, "scale": 0.9}}
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 1.0},
            "accrual": {"duration": 3.0, "follow_up": 1.5, **accrual},
            "arms": {"control": {"survival": cured}, "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}}},
            "design": {"kind": "log-rank"},
        }
    )


def test_groups_add_up() -> None:
    whole = plan(groups=GROUPS, dropout_hazard=0.05).accrual_model()
    parts = [
        (0.0, constant_accrual(rate=20.0, duration=3.0, follow_up=1.5, dropout_hazard=0.05)),
        (0.7, constant_accrual(rate=15.0, duration=2.3, follow_up=1.5, dropout_hazard=0.05)),
        (1.5, ramp_accrual(rate=10.0, ramp=0.5, duration=1.5, follow_up=1.5, dropout_hazard=0.05)),
    ]
    assert whole.total == pytest.approx(sum(part.total for _, part in parts), rel=1e-12)
    for time in (0.3, 0.7, 1.2, 1.8, 2.6, 4.0, 4.5):
        assert float(whole.entered(time)) == pytest.approx(sum(float(p.entered(time - opens)) for opens, p in parts), rel=1e-12)
        want = sum(expected_events(MODEL, accrual=p, time=time - opens) for opens, p in parts if time > opens)
        assert expected_events(MODEL, accrual=whole, time=time) == pytest.approx(want, rel=1e-9)
    u = np.linspace(0.01, 0.99, 25)
    assert np.allclose(whole.probability_entered(whole.entry_time(u)), u)


def stepped_dropout() -> Accrual:
    made: Accrual = plan(rate=40.0, dropout_hazards=[0.3, 0.0, 0.1], dropout_cuts=[0.5, 1.0]).accrual_model()
    return made


def test_dropout_in_steps_against_simulated_patients() -> None:
    accrual, rng, n = stepped_dropout(), np.random.default_rng(4), 400_000
    lost = accrual.dropout_time(rng.random(n))
    for time in (0.2, 0.5, 0.8, 1.4, 3.0):
        assert float((lost > time).mean()) == pytest.approx(float(accrual.still_in(time)), abs=0.004)
    event = np.asarray(MODEL.quantile(rng.random(n)))
    entry = accrual.entry_time(rng.random(n))
    seen = (event <= lost) & (entry + event <= 4.0)
    assert expected_events(MODEL, accrual=accrual, time=4.0) / accrual.total == pytest.approx(float(seen.mean()), abs=0.003)
    ever = maximum_events({"a": MODEL}, shares={"a": 1.0}, accrual=accrual) / accrual.total
    assert ever == pytest.approx(float((event <= lost).mean()), abs=0.003)


def test_one_step_is_one_hazard() -> None:
    one = plan(rate=40.0, dropout_hazard=0.1).evaluate()
    steps = plan(rate=40.0, dropout_hazards=[0.1, 0.1], dropout_cuts=[0.8]).evaluate()
    assert steps.power == pytest.approx(one.power, abs=1e-9)
    assert steps.max_events == pytest.approx(one.max_events, rel=1e-9)
    groups = plan(groups=[{"name": "all", "rate": 40.0}], dropout_hazard=0.1).evaluate()
    assert groups.power == pytest.approx(one.power, abs=1e-12)


def test_changing_dropout_never_passes_for_one_hazard() -> None:
    accrual = stepped_dropout()
    with pytest.raises(RefusedError, match="changes with time"):
        _ = accrual.dropout_hazard
    assert from_data(Accrual, to_data(accrual)) == accrual
    assert accrual.times(2.0).lasting(5.0).followed(1.0).dropout_cuts == (0.5, 1.0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"rate": 1.0, "groups": GROUPS}, "exactly one of rate, rates, groups"),
    ({"groups": [{"name": "late", "rate": 5.0, "opens": 1.0}]}, "the first must open at 0"),
    ({"groups": [{"name": "a", "rate": 5.0}, {"name": "b", "rate": 5.0, "opens": 3.0}]}, "must come before the accrual ends"),
    ({"groups": [{"name": "a", "rate": -5.0}]}, "must be above 0"),
    ({"rate": 1.0, "dropout_cuts": [1.0]}, "dropout_cuts go with"),
    ({"rate": 1.0, "dropout_hazards": [0.1], "dropout_cuts": [1.0]}, "one hazard more than cuts"),
    ({"rate": 1.0, "dropout_hazards": [0.1, -0.1], "dropout_cuts": [1.0]}, "must not be negative"),
    ({"rate": 1.0, "dropout_hazards": [0.1, 0.2, 0.3], "dropout_cuts": [2.0, 1.0]}, "must rise"),
    ({"rate": 1.0, "dropout_hazard": 0.1, "dropout_hazards": [0.1]}, "one of the two"),
]


@pytest.mark.parametrize(("accrual", "words"), BAD)
def test_broken_tables(accrual: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(**accrual)


def test_virtual_trials_enter_and_leave_as_the_integrals_say() -> None:
    from nextarm.simulation import simulate

    made = plan(groups=GROUPS, dropout_hazards=[0.3, 0.02], dropout_cuts=[0.5])
    found = simulate(made, trials=4000, seed=2).scenario("plan")
    assert found.events.value == pytest.approx(made.evaluate().events, abs=0.2 + 3.0 * found.events.se)
    assert found.rejection.value == pytest.approx(made.evaluate().power, abs=0.01 + 3.0 * found.rejection.se)
