"""Kernel and oracle, trial by trial: the compiled code against the plain code, from the draws on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import Look, Plan, plan_from_data
from nextarm.designs.design import DesignTable
from nextarm.designs.registry import DESIGNS
from nextarm.designs.seam import Measures, RankWeight, Seen
from nextarm.simulation.block import cohort_of, counts_of, joined, prepared, seen_in_block
from nextarm.simulation.draws import Cohort, draw_trials, enrol
from nextarm.simulation.enrol import patients_of_cohort, patients_of_draws
from nextarm.simulation.kernel import recorded, see
from nextarm.simulation.oracle import forty_four_digits, looks_of
from nextarm.simulation.statistics import look_data
from nextarm.survival.models import Exponential, MixtureCure, Weibull
from nextarm.validation.cases.simulation import COMPARED, agreement
from simulation_plans import BETTER, CURE, LOOKS, one_arm, two_arms

PIECEWISE = {"model": "piecewise-exponential", "cuts": [0.5, 1.0], "rates": [0.8, 0.0, 0.3]}
GAMMA = {"model": "mixture-cure", "cure_fraction": 0.3, "latency": {"model": "gamma", "shape": 2.0, "median": 0.7}}
PROMOTION = {"model": "promotion-cure", "cure_fraction": 0.5, "latency": {"model": "log-logistic", "shape": 1.5, "median": 0.7}}
EXPONENTIAL = {"model": "exponential", "median": 0.8}

TWO_STAGES = {"kind": "one-sample-log-rank-two-stage", "interim_time": 1.5, "interim_bound": 0.0}

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
    "many patients": two_arms(LOOKS | {"events": 120}, rate=200.0),
    "looks at times": two_arms({"kind": "group-sequential-log-rank", "look_times": [1.5, 3.0, 4.0]}),
    "restricted means": two_arms({"kind": "rmst-difference", "tau": 1.2}, allocation=2),
    "Fleming-Harrington": two_arms({"kind": "weighted-log-rank", "p": 0.5, "q": 1.0}),
    "modestly weighted": two_arms({"kind": "weighted-log-rank", "modest_until": 0.6}),
    "MaxCombo": two_arms({"kind": "max-combo"}),
    "strata": two_arms({"kind": "stratified-log-rank", "strata": [{"share": 2.0}, {"share": 1.0, "hazard_ratio": 2.5}]}, allocation=2),
    "one sample": one_arm({"kind": "one-sample-log-rank"}, reference={"survival": CURE, "n": 150.0}),
    "one sample, two stages": one_arm(TWO_STAGES, reference={"survival": CURE, "fixed": True}),
}  # fmt: skip
TRIALS = 100


def plain(plan: Plan, *, seed: int, block: int, trials: int) -> Seen:
    """The trials of a block, each drawn alone and looked at by the plain code."""
    made = prepared(plan)
    looks, measures, arms = made.schedule.looks, made.schedule.measured, len(made.truths[0].allocation)
    cohorts = (cohort_of(made, 0, seed=seed, block=block, trial=t) for t in range(trials))
    return joined([looks_of(cohort, looks, measures, arms=arms) for cohort in cohorts])


def assert_alike(fast: Seen, slow: Seen) -> None:
    """Events, patients and times to the last bit, the statistics but for rounding."""
    for field in dataclasses.fields(Seen):
        a, b = getattr(fast, field.name), getattr(slow, field.name)
        if field.name in ("time", "took", "entered", "events", "piece_events"):
            assert np.array_equal(a, b if b.size else b.reshape(a.shape)), field.name
        else:
            assert a == pytest.approx(b.reshape(a.shape), abs=1e-11), field.name


def kind_of(table: type[DesignTable]) -> str:
    return str(table.model_fields["kind"].default)


#: Kinds that decide from what the engine measures, tested against sums in test_designs_bayes_survival, test_designs_bayes_time_to_event
#: and test_designs_reestimated.
OWN_TESTS = {"bayes-one-arm", "bayes-two-arm", "bop2-time-to-event", "cure-fraction", "predictive-survival", "reestimated-log-rank"}


def test_every_kind_of_design_is_among_the_plans() -> None:
    scheduled = {kind_of(table) for table in DESIGNS if table.schedule is not DesignTable.schedule}
    assert {plan.design.kind for plan in PLANS.values()} >= scheduled - OWN_TESTS
    assert scheduled >= OWN_TESTS


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_trial_looks_and_is_decided_alike(plan: Plan) -> None:
    made = prepared(plan)
    fast = seen_in_block(made, seed=11, block=2, trials=TRIALS)[0]
    slow = plain(plan, seed=11, block=2, trials=TRIALS)
    assert_alike(fast, slow)
    a, b = (made.decide(look_data(seen, made.schedule)) for seen in (fast, slow))
    assert np.array_equal(a.rejected_at, b.rejected_at)
    assert np.array_equal(a.stopped_at, b.stopped_at)


def test_the_plans_above_do_what_their_names_say() -> None:
    ends = {name: counts_of(m := prepared(p), seen_in_block(m, seed=11, block=2, trials=TRIALS)[0]) for name, p in PLANS.items()}
    assert 20 < ends["events often not reached"].never_reached < TRIALS
    assert ends["two looks by events, cure"].stopped_by_look.min() > 0
    assert ends["nearly everybody cured"].sums[0, 0] < 0.2 * TRIALS
    assert ends["few patients"].sums[1, 0] == 3 * TRIALS
    assert ends["many patients"].sums[1, 0] > 350 * TRIALS


EVERYTHING = Measures(
    weights=(RankWeight(), RankWeight(p=1.0, q=0.5), RankWeight(until=0.5)),
    hazard_ratio=1.25,
    milestones=(0.5, 1.0),
    tau=1.3,
    cuts=(0.4, 1.0),
    reference=Exponential(rate=0.5),
)


def _rounded(trials: int, patients: int, digits: int, seed: int, cells: int = 2) -> Cohort:
    """Patients with many ties: all times rounded."""
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    event = np.where(rng.random(shape) < 0.5, np.round(rng.exponential(1.0, shape), digits), np.inf)
    dropout = np.where(rng.random(shape) < 0.3, np.round(rng.exponential(2.0, shape), digits), np.inf)
    entry = np.sort(np.round(2.0 * rng.random(shape), digits), axis=1)
    return Cohort(entry=entry, cell=rng.integers(0, cells, shape), event=event, dropout=dropout)


def _compared(cohorts: Cohort, looks: tuple[Look, ...], measures: Measures, arms: int = 2) -> Seen:
    fast = see(patients_of_cohort(cohorts), looks, measures, arms=arms)
    assert_alike(fast, joined([looks_of(cohorts.trial(t), looks, measures, arms=arms) for t in range(len(cohorts.entry))]))
    return fast


TIED = (Look(events=4, latest=3.0), Look(events=None, latest=2.0), Look(events=9, latest=3.0, earliest=2.2))


@pytest.mark.parametrize("patients", [30, 300])
@pytest.mark.parametrize("digits", [0, 1, 2])
def test_ties_of_events_dropouts_and_analyses(digits: int, patients: int) -> None:
    """At 0 digits events tie with events, with dropouts, with entries and with the analysis; times of 0 are among them."""
    cohorts = _rounded(200 if patients < 100 else 20, patients, digits, seed=digits)
    for measures in (EVERYTHING, Measures(weights=(RankWeight(),), hazard_ratio=1.25)):
        _compared(cohorts, TIED, measures)


def test_four_arms_and_three_strata() -> None:
    cohorts = _rounded(60, 80, 2, seed=4, cells=12)
    strata = ((1.0, 1.0), (1.0, 2.0), (1.0, 0.5))
    seen = _compared(cohorts, TIED, dataclasses.replace(EVERYTHING, strata=strata), arms=4)
    assert seen.score.shape == (60, 3, 3, 3)
    assert seen.exposure.shape == (60, 3, 4, 3)
    assert np.array_equal(seen.piece_events.sum(axis=3), seen.events)


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
    fast = _compared(cohort, (Look(events=2, latest=2.0), Look(events=None, latest=2.0)), EVERYTHING)
    assert all(np.isfinite(getattr(fast, field.name)).all() for field in dataclasses.fields(Seen))


def test_one_patient() -> None:
    cohort = Cohort(np.array([[0.2]]), np.array([[1]]), np.array([[0.5]]), np.array([[np.inf]]))
    seen = _compared(cohort, (Look(events=1, latest=2.0),), EVERYTHING)
    assert seen.time[0, 0] == pytest.approx(0.7)
    assert seen.events[0, 0].tolist() == [0, 1]
    assert seen.survival[0, 0].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert seen.rmst[0, 0] == pytest.approx([1.3, 0.5])
    assert seen.exposure[0, 0] == pytest.approx(np.array([[0.0, 0.0, 0.0], [0.4, 0.1, 0.0]]))
    assert seen.expected[0, 0] == pytest.approx([0.0, 0.25])


def test_times_are_kept_to_44_binary_digits() -> None:
    times = np.random.default_rng(2).exponential(2.0, 500)
    kept = recorded(times)
    assert kept.tolist() == [forty_four_digits(t) for t in times]
    assert np.all((kept <= times) & (times - kept <= times * 2.0**-44))


@pytest.mark.parametrize(
    "label", ["piecewise truth, stepped accrual", "ramp, delayed effect", "heavy dropout", "generic quantiles", "strata"]
)
def test_patients_are_those_that_plain_code_enrols(label: str) -> None:
    made = prepared(PLANS[label])
    truth = made.truths[0]
    draws = draw_trials(5, 7, trials=20, patients=truth.patients, strata=len(truth.shares))
    laws: dict[str, Any] = {"accrual": truth.accrual, "survival": truth.survival, "dropout": truth.dropout}
    settings: dict[str, Any] = laws | {"allocation": truth.allocation, "shares": truth.shares}
    fast = patients_of_draws(draws, **settings, limits=truth.limits)
    slow = patients_of_cohort(enrol(draws, **settings))
    seen = slow.own <= max(look.latest for look in made.schedule.looks)
    assert np.array_equal(fast.entry, slow.entry)
    assert np.array_equal(fast.code & 63, slow.code & 63)
    assert np.array_equal(fast.own[seen], slow.own[seen])
    assert np.array_equal(fast.code[seen], slow.code[seen])
    assert np.all(fast.own[~seen] > 4.0)


def test_times_beyond_what_a_trial_can_see_change_nothing() -> None:
    """Events after the latest look are left out; the plain code has them."""
    truth = MixtureCure(cure_fraction=0.2, latency=Weibull(shape=0.6, scale=5.0))
    assert math.isfinite(float(truth.quantile(0.79)))
    plan = two_arms({"kind": "log-rank"}, control={"model": "weibull", "shape": 0.6, "scale": 5.0}, new=BETTER)
    assert_alike(seen_in_block(prepared(plan), seed=3, block=0, trials=100)[0], plain(plan, seed=3, block=0, trials=100))


def test_dropout_in_steps_and_groups_of_countries() -> None:
    """Kernel and oracle alike where dropout changes with time since entry and countries open one after the other."""
    groups = [{"name": "first", "rate": 15.0}, {"name": "later", "rate": 30.0, "opens": 1.0, "ramp": 0.5}]
    steps = {"dropout_hazards": [0.6, 0.0, 0.2], "dropout_cuts": [0.3, 1.5]}
    accrual = {"duration": 2.0, "follow_up": 2.0, "groups": groups} | steps
    plan = plan_from_data(two_arms({"kind": "log-rank"}).to_data() | {"accrual": accrual})
    made = prepared(plan)
    assert_alike(seen_in_block(made, seed=3, block=0, trials=100)[0], plain(plan, seed=3, block=0, trials=100))
    dropouts = np.concatenate([cohort_of(made, 0, seed=3, block=0, trial=t).dropout for t in range(100)])
    assert float(np.mean(dropouts <= 0.3)) == pytest.approx(1.0 - math.exp(-0.18), abs=0.025)
    assert not np.any((dropouts > 0.3 + 1e-9) & (dropouts < 1.5 - 1e-9))
    times = made.truths[0].accrual.dropout_time(np.linspace(0.01, 0.9, 50))
    law = made.truths[0].dropout
    assert law is not None
    assert law.quantile(np.linspace(0.01, 0.9, 50)) == pytest.approx(times, rel=1e-12)


def test_more_strata_than_there_is_room_for_are_refused() -> None:
    strata = [{"share": 1.0} for _ in range(40)]
    with pytest.raises(PlanError, match="strata times arms"):
        prepared(two_arms({"kind": "stratified-log-rank", "strata": strata}))


@pytest.mark.parametrize(("label", "make"), COMPARED, ids=[label for label, _ in COMPARED])
def test_four_hundred_trials_of_each_kind_of_design_are_decided_alike(label: str, make: Callable[[], Plan]) -> None:
    """`nextarm verify --slow` compares 100,000."""
    found = agreement(make(), trials=400, seed=18)
    assert found["trials compared"] == 400.0
    assert found["mismatches"] == 0.0, label
    assert found["largest difference of z"] < 1e-12
