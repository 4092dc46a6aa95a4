"""Dose finding: the engine against the rules written out trial by trial, isotonic regression against scipy's neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.core.units import FloatArray
from nextarm.designs import plan_from_data
from nextarm.designs.dose_design import DoseFinding
from nextarm.designs.dose_finding import isotonic, rolling_six_actions, rolling_six_trials
from nextarm.designs.rolling_six import rolling_six
from nextarm.simulation import DoseCharacteristics, simulate_doses
from nextarm.simulation.ready import ready_from_toml
from nextarm.validation.cases.designs_doses import boin_by_all_luck, boin_by_enumeration

RATES = (0.1, 0.25, 0.5)


def plan_data(kind: str, **design: Any) -> dict[str, Any]:
    return {
        "trial": {"name": "run-in", "endpoint": "DLT", "milestone": 0.1},
        "accrual": {"rate": 20.0, "duration": 1.5, "follow_up": 0.1},
        "arms": {f"d{i + 1}": {"toxicity": p} for i, p in enumerate(RATES)},
        "scenario": [{"name": "toxic", "arms": {f"d{i + 1}": {"toxicity": p} for i, p in enumerate((0.5, 0.6, 0.7))}}],
        "design": {"kind": kind, "target": 0.25} | design,
    }


def one_trial(chance: FloatArray, entry: FloatArray, moment: FloatArray, rates: FloatArray, window: float) -> tuple[int, list[int], int]:
    """Rolling six as it is told: the dose chosen, patients by dose, patients turned away."""
    treated: list[tuple[int, bool, float]] = []  # dose, toxic, when known
    dose, ceiling, away = 0, len(rates), 0
    for i in range(len(chance) + 1):
        now = entry[i] if i < len(chance) else np.inf
        while True:
            mine = [t for t in treated if t[0] == dose]
            known = [t for t in mine if t[2] <= now]
            dlt = sum(t[1] for t in known)
            action = rolling_six(len(mine), dlt=dlt, pending=len(mine) - len(known))
            if action == "escalate" and dose + 1 < ceiling:
                dose += 1
                continue
            if action == "escalate" and len(mine) == 6:
                return dose, [sum(t[0] == d for t in treated) for d in range(len(rates))], away
            if action == "de-escalate":
                ceiling, dose = dose, dose - 1
                if dose < 0:
                    return -1, [sum(t[0] == d for t in treated) for d in range(len(rates))], away
                continue
            break
        if i == len(chance):
            break
        if action == "hold":
            away += 1
            continue
        toxic = bool(chance[i] < rates[dose])
        treated.append((dose, toxic, float(now + window * (moment[i] if toxic else 1.0))))
    return -1, [sum(t[0] == d for t in treated) for d in range(len(rates))], away


@pytest.mark.parametrize("window", [0.01, 0.15, 0.6])
def test_rolling_six_is_the_rule_trial_by_trial(window: float) -> None:
    random = np.random.default_rng(5)
    trials, comers = 400, 30
    chance, moment = random.random((trials, comers)), random.random((trials, comers))
    entry = np.cumsum(random.exponential(0.05, (trials, comers)), axis=1)
    rates = np.array([0.1, 0.2, 0.3, 0.5])
    got = rolling_six_trials(chance, entry, moment, rates, start=0, window=window)
    for t in range(trials):
        chosen, patients, away = one_trial(chance[t], entry[t], moment[t], rates, window)
        assert (got.chosen[t], got.patients[t].tolist(), got.turned_away[t]) == (chosen, patients, away), t
    assert np.all(got.duration[got.decided] <= entry[:, -1][got.decided] + window)
    assert np.all(got.patients <= 6)


def test_actions_of_rolling_six_are_those_of_its_table() -> None:
    words = {-1: "de-escalate", 0: "stay", 1: "escalate", 2: "hold"}
    for n in range(7):
        for dlt in range(n + 1):
            for pending in range(n - dlt + 1):
                got = int(rolling_six_actions(np.array([n]), np.array([dlt]), np.array([pending]))[0])
                assert words[got] == rolling_six(n, dlt=dlt, pending=pending)


@pytest.mark.parametrize("rates", [(0.1, 0.3), (0.5, 0.6), (0.3, 0.2)])
@pytest.mark.parametrize(("patients", "cohort"), [(9, 3), (8, 2), (9, 1)])
def test_boin_is_the_sum_over_all_outcomes(rates: tuple[float, ...], patients: int, cohort: int) -> None:
    got = boin_by_all_luck(rates, target=0.25, patients=patients, cohort=cohort)
    want = boin_by_enumeration(rates, target=0.25, cohort=cohort, cohorts=patients // cohort)
    assert got == pytest.approx(want, abs=1e-12)


def test_isotonic_rows_rise_and_are_nearest() -> None:
    from scipy.optimize import isotonic_regression

    random = np.random.default_rng(3)
    values, weight = random.random((60, 5)), random.random((60, 5)) + 0.1
    got = isotonic(values, weight)
    for row, w, made in zip(values, weight, got, strict=True):
        assert made == pytest.approx(isotonic_regression(row, weights=w).x, abs=1e-12)


@pytest.mark.parametrize("kind", ["boin", "rolling-six"])
def test_virtual_trials_agree_with_what_evaluate_shows(kind: str) -> None:
    plan = plan_from_data(plan_data(kind))
    shown, found = plan.evaluate(), simulate_doses(plan, trials=8192, seed=4)
    assert isinstance(shown, DoseFinding)
    assert DoseFinding.from_json(shown.to_json()) == shown
    assert DoseCharacteristics.from_json(found.to_json()) == found
    own, toxic = found.scenarios
    for dose, counts in zip(shown.doses, own.doses, strict=True):
        assert abs(dose.chosen - counts.selection.value) <= 4.0 * np.hypot(dose.chosen_se, counts.selection.se)
        assert abs(dose.patients - counts.patients.value) <= 4.0 * np.hypot(dose.patients_se, counts.patients.se)
        assert abs(dose.toxic - counts.toxic.value) <= 4.0 * np.hypot(dose.toxic_se, counts.toxic.se)
    assert own.patients.value == pytest.approx(sum(d.patients.value for d in own.doses))
    assert toxic.none_chosen.value > 0.6 > own.none_chosen.value
    assert found.table().height == 6
    (first, _) = ready_from_toml(plan.to_toml()).block(seed=4, block=0, trials=1024)  # what a worker does
    assert [int(x) for x in first.rejected_by_look] == [d.chosen for d in simulate_doses(plan, trials=1024, seed=4).scenarios[0].doses]


def test_enough_patients_end_boin_early() -> None:
    long, short = (plan_from_data(plan_data("boin", **more)).evaluate() for more in ({}, {"enough": 9}))
    assert isinstance(long, DoseFinding)
    assert isinstance(short, DoseFinding)
    assert short.patients < long.patients - 5.0
    assert short.duration < long.duration
