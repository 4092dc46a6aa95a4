"""True type I error of log-rank designs: against simulation made before this code, mirrored designs, calibration that holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError, RefusedError
from nextarm.designs import Plan, plan_from_data
from nextarm.simulation.finite_sample import finite_sample_error
from nextarm.simulation.run import simulate


def plan(n: float, ratio: float, cure: float, **design: Any) -> Plan:
    truth = {"model": "mixture-cure", "cure_fraction": cure, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
    better = {"hazard_ratio": 0.5, "of": "control"}
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": n / 3.0, "duration": 3.0, "follow_up": 5.0},
            "arms": {"control": {"survival": truth}, "new": {"allocation": ratio, "survival": better}},
            "design": {"kind": "log-rank", **design},
        }
    )


#: patients, allocation of the new arm, cure fraction, rejections for and against it (2e5 to 1e6 trials)
KNOWN = [(153.0, 2.0, 0.75, 0.0286, 0.0216), (60.0, 2.0, 0.85, 0.029, 0.013), (150.0, 1.0, 0.75, 0.0254, 0.0254)]


def test_a_scenario_without_effect_that_is_rejected_too_often_is_told() -> None:
    # 60 patients 2:1 reject in .029 (KNOWN); the plan's own truth has an effect, so its rate is a power and is not told.
    null = {"name": "null", "arms": {"new": {"survival": {"hazard_ratio": 1.0, "of": "control"}}}}
    own = plan(60.0, 2.0, 0.85)
    found = simulate(plan_from_data(own.to_data() | {"scenario": [null]}), trials=20_480, seed=3)
    assert [text.split(":")[0] for text in found.warnings] == ["null"]
    assert simulate(own, trials=1_024, seed=3).warnings == ()


@pytest.mark.parametrize(("n", "ratio", "cure", "one", "other"), KNOWN)
def test_known_errors(n: float, ratio: float, cure: float, one: float, other: float) -> None:
    got = finite_sample_error(plan(n, ratio, cure), trials=40_000, seed=3, calibrate=False)
    assert got.type1_error.value == pytest.approx(one, abs=0.001 + 2.5 * got.type1_error.se)
    assert got.opposite.value == pytest.approx(other, abs=0.001 + 2.5 * got.opposite.se)
    assert got.exceeds == (ratio == 2.0)
    assert bool(got.warnings) == got.exceeds


def test_calibration_keeps_alpha_in_fresh_trials() -> None:
    got = finite_sample_error(plan(153.0, 2.0, 0.75), trials=30_000, seed=4)
    assert got.calibrated is not None
    assert got.calibrated_alpha is not None
    assert got.calibrated_bound is not None
    assert got.calibrated_alpha < 0.025
    assert got.calibrated_bound > 1.96
    assert got.calibrated.value == pytest.approx(0.025, abs=3.0 * np.sqrt(2.0) * got.calibrated.se)
    assert type(got).from_json(got.to_json()) == got


def test_looks_and_a_margin() -> None:
    looks = finite_sample_error(
        plan(90.0, 2.0, 0.7, kind="group-sequential-log-rank", looks=[0.6, 1.0], spending="lan-demets-pocock"), trials=20_000, seed=5
    )
    assert looks.calibrated_bound is None
    assert (looks.calibrated is not None) == (looks.type1_error.value > 0.0275)
    # with a margin the truth is at the margin: about alpha is rejected, not nearly all or none
    shifted = finite_sample_error(plan(200.0, 1.0, 0.5, margin=1.4), trials=20_000, seed=6, calibrate=False)
    assert shifted.type1_error.value == pytest.approx(0.025, abs=0.006)


def test_same_seed_same_counts_and_refusals() -> None:
    made = plan(60.0, 1.0, 0.8)
    assert finite_sample_error(made, trials=2000, seed=1) == finite_sample_error(made, trials=2000, seed=1)
    with pytest.raises(CallError, match=r"at least 1,000"):
        finite_sample_error(made, trials=10)
    with pytest.raises(RefusedError, match="log-rank designs"):
        finite_sample_error(plan(60.0, 1.0, 0.8, kind="absolute-margin", margin=0.1))
