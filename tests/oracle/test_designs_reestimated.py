"""Re-estimated events: the quadrature against trials written out one by one, and against virtual trials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.designs import plan_from_data
from nextarm.designs.promising_zone import PromisingZone, outcome, smallest_valid_promising
from nextarm.designs.reestimated_log_rank import ReestimatedLogRank
from nextarm.simulation import simulate

PLAN: dict[str, Any] = {
    "trial": {"name": "a trial", "endpoint": "EFS", "milestone": 2.0},
    "accrual": {"rate": 100.0, "duration": 3.0, "follow_up": 4.0},
    "arms": {
        "control": {"survival": {"model": "exponential", "rate": 0.4}},
        "new": {"survival": {"hazard_ratio": 0.65, "of": "control"}},
    },
    "scenario": [{"name": "null", "arms": {"new": {"survival": {"hazard_ratio": 1.0, "of": "control"}}}}],
    "design": {"kind": "reestimated-log-rank", "events": 100, "largest_events": 180, "futility": 0.05, "latest": 12.0},
}


@pytest.mark.parametrize("drift", [0.0, 0.15, 0.25])
@pytest.mark.parametrize("assumed", [None, 0.25])
def test_the_quadrature_is_the_mean_of_trials(drift: float, assumed: float | None) -> None:
    zone = PromisingZone(
        interim=40, levels=(90, 120, 200), critical=2.0, stop_at=2.9, promising=0.25, target=0.85, futility=0.1, drift=assumed
    )  # fmt: skip
    random = np.random.default_rng(7)
    trials = 400_000
    first, noise = drift * math.sqrt(40) + random.standard_normal(trials), random.standard_normal(trials)
    levels, power = np.asarray(zone.levels), [zone.conditional_power(first, level=k) for k in range(3)]
    chosen = np.where((power[0] >= 0.85) | (power[0] < 0.25), levels[0], np.where(power[1] >= 0.85, levels[1], levels[2]))
    weighted = math.sqrt(40 / 90) * first + math.sqrt(50 / 90) * (drift * np.sqrt(chosen - 40) + noise)
    early, futile = first >= 2.9, power[0] < 0.1
    reject = early | (~futile & (weighted >= 2.0))
    events = np.where(early | futile, 40, chosen)
    got = outcome(zone, mean_interim=drift * math.sqrt(40), mean_later=list(drift * np.sqrt(levels - 40)))
    assert got.reject == pytest.approx(reject.mean(), abs=4.0 * math.sqrt(0.25 / trials))
    assert got.expected_events == pytest.approx(events.mean(), abs=4.0 * events.std() / math.sqrt(trials))
    assert got.futile_at_interim == pytest.approx((futile & ~early).mean(), abs=4.0 * math.sqrt(0.25 / trials))
    assert sum(got.ends) + got.futile_at_interim + got.success_at_interim == pytest.approx(1.0, abs=1e-12)


def test_virtual_trials_agree_with_the_quadrature() -> None:
    plan = plan_from_data(PLAN)
    found = plan.evaluate()
    assert isinstance(found, ReestimatedLogRank)
    assert type(found).from_json(found.to_json()) == found
    under, null = simulate(plan, trials=8192, seed=3).scenarios
    assert under.rejection.value == pytest.approx(found.power, abs=4.0 * under.rejection.se + 0.005)
    assert null.rejection.value == pytest.approx(found.type1_error, abs=4.0 * null.rejection.se)
    assert under.events.value == pytest.approx(found.expected_events_h1, abs=4.0 * under.events.se + 0.5)
    assert null.events.value == pytest.approx(found.expected_events_h0, abs=4.0 * null.events.se + 0.5)
    assert found.power > found.power_not_raised
    assert found.power_if_raised > found.power_if_not


def test_alpha_holds_where_trials_run_out_of_time() -> None:
    """Cut short at three years the largest targets are rarely met."""
    plan = plan_from_data(PLAN | {"design": PLAN["design"] | {"latest": 3.0, "futility": 0.0, "steps": 2}})
    null = simulate(plan, trials=16_384, seed=5).scenario("null")
    assert abs(null.rejection.value - 0.025) <= 4.0 * null.rejection.se
    found = plan.evaluate()
    assert any("not expected by the latest look" in w for w in found.warnings)


def test_alpha_spent_at_the_interim_look_is_taken_from_the_end() -> None:
    plan = plan_from_data(PLAN | {"design": PLAN["design"] | {"spending": "lan-demets-pocock", "futility": 0.0}})
    found = plan.evaluate()
    assert isinstance(found, ReestimatedLogRank)
    assert found.type1_error == pytest.approx(0.025, abs=1e-7)
    assert found.success_at_interim_h1 > 0.2
    under = simulate(plan, trials=4096, seed=6).scenarios[0]
    assert under.rejection.value == pytest.approx(found.power, abs=4.0 * under.rejection.se + 0.005)


def test_the_effect_solved_for_has_its_power() -> None:
    got = plan_from_data({k: v for k, v in PLAN.items() if k != "scenario"} | {"solve": {"for": "effect", "power": 0.8}}).evaluate()
    assert got.power == pytest.approx(0.8, abs=1e-6)
    assert got.hazard_ratio_at_milestone is not None
    assert got.hazard_ratio_at_milestone < 0.65


def test_the_unweighted_test_is_valid_from_there_on() -> None:
    """Conditional error of the unweighted test integrated over the interim look, at and below the limit."""
    from scipy.special import ndtr, ndtri

    share, most, target, alpha = 0.5, 2.0, 0.8, 0.025
    limit = smallest_valid_promising(share, most=most, target=target, alpha=alpha)
    z = np.linspace(-8.0, 8.0, 400_000)
    critical = -float(ndtri(alpha))
    need = (critical - z * math.sqrt(share)) / math.sqrt(1.0 - share)
    power = ndtr(z * math.sqrt((1.0 - share) / share) - need)
    wanted = share * (1.0 + ((need + float(ndtri(target))) / z) ** 2)

    def error(low: float) -> float:
        final = np.where((power >= low) & (power < target), np.clip(wanted, 1.0, most), 1.0)
        conditional = ndtr(-(critical * np.sqrt(final) - z * math.sqrt(share)) / np.sqrt(final - share))
        return float(np.trapezoid(conditional * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi), z))

    assert error(limit) <= alpha + 1e-9
    assert error(0.05) > alpha + 1e-4
