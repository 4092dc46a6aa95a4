"""Kernel and oracle, trial by trial: the compiled code against the plain code, from the draws on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.designs import Look, Plan, Schedule, plan_from_data
from nextarm.simulation.block import cohort_of, counts_of, prepared, seen_in_block
from nextarm.simulation.draws import Cohort, draw_trials, enrol
from nextarm.simulation.kernel import run_cohorts
from nextarm.simulation.lanes import lanes_of
from nextarm.simulation.oracle import looks_of
from nextarm.simulation.statistics import look_data
from nextarm.survival.models import MixtureCure, Weibull
from simulation_plans import BETTER, CURE, LOOKS, one_arm, two_arms

PIECEWISE = {"model": "piecewise-exponential", "cuts": [0.5, 1.0], "rates": [0.8, 0.0, 0.3]}
GAMMA = {"model": "mixture-cure", "cure_fraction": 0.3, "latency": {"model": "gamma", "shape": 2.0, "median": 0.7}}
PROMOTION = {"model": "promotion-cure", "cure_fraction": 0.5, "latency": {"model": "log-logistic", "shape": 1.5, "median": 0.7}}
EXPONENTIAL = {"model": "exponential", "median": 0.8}

PLANS: dict[str, Plan] = {
    "two looks by events, cure": two_arms(),
    "five looks": two_arms(LOOKS | {"looks": [0.2, 0.4, 0.6, 0.8, 1.0]}),
    "events often not reached": two_arms(LOOKS | {"events": 26}),
    "non-inferiority margin": two_arms({"kind": "log-rank", "margin": 1.4}, new=CURE),
    "look at a time, 2:1, no dropout": two_arms({"kind": "log-rank"}, allocation=2, dropout_hazard=0.0),
    "heavy dropout": two_arms(dropout_hazard=0.8, follow_up=1.0),
    "piecewise truth, stepped accrual": two_arms(control=PIECEWISE, rate=None, rates=[10.0, 0.0, 40.0], cuts=[0.5, 1.0]),
    "ramp, delayed effect": two_arms(control=EXPONENTIAL, new={"of": "control", "hazard_ratio": 0.5, "delay": 0.4}, ramp=1.0),
    "generic quantiles": two_arms(control=GAMMA, new=PROMOTION),
    "difference at the milestone": two_arms({"kind": "absolute-margin", "margin": 0.1}),
    "one arm, cloglog": one_arm(),
    "one arm, plain": one_arm({"kind": "one-arm-milestone", "scale": "plain"}, reference={"milestone_survival": 0.6, "fixed": True}),
    "nearly everybody cured": two_arms({"kind": "log-rank"}, control=CURE | {"cure_fraction": 0.999}, new=CURE | {"cure_fraction": 0.999}),
    "few patients": two_arms({"kind": "log-rank"}, rate=1.5),
}  # fmt: skip
TRIALS = 150


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_trial_looks_and_is_decided_alike(plan: Plan) -> None:
    made = prepared(plan)
    fast = seen_in_block(made, seed=11, block=2, trials=TRIALS)[0]
    slow = np.stack([looks_of(cohort_of(made, 0, seed=11, block=2, trial=t), made.schedule) for t in range(TRIALS)])
    columns = [0, 1, 2, 7, 8] if made.schedule.statistic == "log-rank" else list(range(1, 9))
    assert fast[:, :, columns] == pytest.approx(slow[:, :, columns], abs=1e-11)
    assert np.array_equal(fast[:, :, [1, 2, 7, 8]], slow[:, :, [1, 2, 7, 8]])  # events, patients and times to the last bit
    a, b = (plan.design.decide(look_data(seen, made.schedule), plan) for seen in (fast, slow))
    assert np.array_equal(a.rejected_at, b.rejected_at)
    assert np.array_equal(a.stopped_at, b.stopped_at)


def test_the_plans_above_do_what_their_names_say() -> None:
    ends = {name: counts_of(m := prepared(p), seen_in_block(m, seed=11, block=2, trials=TRIALS)[0]) for name, p in PLANS.items()}
    assert 30 < ends["events often not reached"].never_reached < TRIALS
    assert ends["two looks by events, cure"].stopped_by_look.min() > 0
    assert ends["nearly everybody cured"].sums[0, 0] < 0.2 * TRIALS
    assert ends["few patients"].sums[1, 0] == 3 * TRIALS


def _rounded(trials: int, patients: int, digits: int, seed: int) -> Cohort:
    """Patients with many ties: all times rounded."""
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    event = np.where(rng.random(shape) < 0.5, np.round(rng.exponential(1.0, shape), digits), np.inf)
    dropout = np.where(rng.random(shape) < 0.3, np.round(rng.exponential(2.0, shape), digits), np.inf)
    entry = np.sort(np.round(2.0 * rng.random(shape), digits), axis=1)
    return Cohort(entry=entry, arm=rng.integers(0, 2, shape), event=event, dropout=dropout)


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_ties_of_events_dropouts_and_analyses(digits: int) -> None:
    """At 0 digits events tie with events, with dropouts, with entries and with the analysis; times of 0 are among them."""
    cohorts = _rounded(200, 30, digits, seed=digits)
    looks = (Look(events=4, latest=3.0), Look(events=None, latest=2.0), Look(events=9, latest=3.0))
    schedule = Schedule(looks=looks, statistic="log-rank", null=1.25, milestone=1.0)
    fast = _run(cohorts, schedule)
    slow = np.stack([looks_of(cohorts.trial(t), schedule) for t in range(200)])
    assert fast == pytest.approx(slow, abs=1e-11)


def _run(cohort: Cohort, schedule: Schedule) -> Any:
    events = np.array([-1 if look.events is None else look.events for look in schedule.looks], np.int64)
    latest = np.array([look.latest for look in schedule.looks])
    return run_cohorts(cohort, events=events, latest=latest, hazard_ratio=schedule.null, milestone=schedule.milestone)


@pytest.mark.parametrize(
    ("name", "event", "dropout"),
    [
        ("no events", [np.inf] * 4, [np.inf] * 4),
        ("everybody drops out", [np.inf] * 4, [0.1] * 4),
        ("everybody at once", [0.5] * 4, [np.inf] * 4),
        ("event and dropout tie", [0.5] * 4, [0.5] * 4),
        ("after the end", [9.0] * 4, [np.inf] * 4),
    ],
)
def test_edges_give_numbers(name: str, event: list[float], dropout: list[float]) -> None:
    cohort = Cohort(np.array([[0.0, 0.1, 0.2, 0.3]]), np.array([[0, 1, 0, 1]]), np.array([event]), np.array([dropout]))
    schedule = Schedule(looks=(Look(events=2, latest=2.0), Look(events=None, latest=2.0)), statistic="log-rank", null=1.0, milestone=1.0)
    fast, slow = _run(cohort, schedule)[0], looks_of(cohort.trial(0), schedule)
    assert np.isfinite(fast).all()
    assert fast == pytest.approx(slow, abs=1e-12)


def test_one_patient() -> None:
    cohort = Cohort(np.array([[0.2]]), np.array([[1]]), np.array([[0.5]]), np.array([[np.inf]]))
    schedule = Schedule(looks=(Look(events=1, latest=2.0),), statistic="log-rank", null=1.0, milestone=1.0)
    assert _run(cohort, schedule)[0, 0] == pytest.approx([0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.7, 1.0])


@pytest.mark.parametrize("label", ["piecewise truth, stepped accrual", "ramp, delayed effect", "heavy dropout", "generic quantiles"])
def test_lanes_hold_the_patients_that_plain_code_enrols(label: str) -> None:
    made = prepared(PLANS[label])
    truth = made.truths[0]
    draws = draw_trials(5, 7, trials=20, patients=truth.patients)
    settings: dict[str, Any] = {"accrual": truth.accrual, "survival": truth.survival, "allocation": truth.allocation}
    lanes = lanes_of(draws, **settings, latest=3.0)
    plain = enrol(draws, **settings)
    assert np.array_equal(lanes.entry, plain.entry)
    assert np.array_equal(lanes.arm, plain.arm)
    for t in range(20):
        for k, times in ((0, plain.event[t]), (1, plain.event[t]), (2, plain.dropout[t])):
            a, b = lanes.start[t, k], lanes.start[t + 1, k]
            mine = np.full(truth.patients, np.inf)
            mine[lanes.who[k][a:b]] = lanes.time[k][a:b]
            here = (times <= 3.0) & ((plain.arm[t] == k) | (k == 2))
            assert mine[here] == pytest.approx(times[here], rel=1e-14)
            assert np.all(mine[~here] > 3.0)


def test_times_beyond_what_a_trial_can_see_change_nothing() -> None:
    """The lanes leave out events after the latest look; the plain code has them."""
    truth = MixtureCure(cure_fraction=0.2, latency=Weibull(shape=0.6, scale=5.0))
    assert math.isfinite(float(truth.quantile(0.79)))
    plan = two_arms({"kind": "log-rank"}, control={"model": "weibull", "shape": 0.6, "scale": 5.0}, new=BETTER)
    made = prepared(plan)
    fast = seen_in_block(made, seed=3, block=0, trials=100)[0]
    slow = np.stack([looks_of(cohort_of(made, 0, seed=3, block=0, trial=t), made.schedule) for t in range(100)])
    assert fast[:, :, :3] == pytest.approx(slow[:, :, :3], abs=1e-11)


def test_dropout_in_steps_and_groups_of_countries() -> None:
    """Kernel and oracle alike where dropout changes with time since entry and countries open one after the other."""
    groups = [{"name": "first", "rate": 15.0}, {"name": "later", "rate": 30.0, "opens": 1.0, "ramp": 0.5}]
    steps = {"dropout_hazards": [0.6, 0.0, 0.2], "dropout_cuts": [0.3, 1.5]}
    accrual = {"duration": 2.0, "follow_up": 2.0, "groups": groups} | steps
    plan = plan_from_data(two_arms({"kind": "log-rank"}).to_data() | {"accrual": accrual})
    made = prepared(plan)
    fast = seen_in_block(made, seed=3, block=0, trials=100)[0]
    slow = np.stack([looks_of(cohort_of(made, 0, seed=3, block=0, trial=t), made.schedule) for t in range(100)])
    assert fast[:, :, :3] == pytest.approx(slow[:, :, :3], abs=1e-11)
    dropouts = np.concatenate([cohort_of(made, 0, seed=3, block=0, trial=t).dropout for t in range(100)])
    assert float(np.mean(dropouts <= 0.3)) == pytest.approx(1.0 - math.exp(-0.18), abs=0.025)
    assert not np.any((dropouts > 0.3 + 1e-9) & (dropouts < 1.5 - 1e-9))
