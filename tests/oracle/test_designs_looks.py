"""Inference after a group-sequential trial against simulated Brownian trials: unbiased median, coverage, conditional power."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.designs import LookData, analyse_look, plan_from_data, solved_plan
from nextarm.designs.bias_adjusted import bias_adjusted, mean_estimate
from nextarm.designs.group_sequential_log_rank import GroupSequentialLogRank
from nextarm.designs.look_decisions import bounds_seen
from nextarm.simulation import simulate
from nextarm.survival import Patients, make_patients


def plan(**design: Any) -> Any:
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 1.0},
            "accrual": {"rate": 100.0, "duration": 3.0, "follow_up": 3.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": 1.0}},
                "new": {"survival": {"hazard_ratio": 0.7, "of": "control"}},
            },
            "design": {"kind": "group-sequential-log-rank", "looks": [0.5, 1.0], "events": 100, **design},
        }
    )


def test_median_and_interval_of_many_trials() -> None:
    made, theta, trials = plan(spending="lan-demets-pocock"), 0.4, 400
    rng = np.random.default_rng(5)
    below = covered = 0
    for first, second in rng.standard_normal((trials, 2)):
        score = np.cumsum(np.array([first, second]) * np.sqrt(12.5) + theta * 12.5)
        z = score / np.sqrt([12.5, 25.0])
        got = analyse_look(made, events=[50.0], z=[float(z[0])], hazard_ratio=0.7)
        if got.decision == "go on":
            got = analyse_look(made, events=[50.0, 100.0], z=z.tolist(), hazard_ratio=0.7)
        assert got.final is not None
        assert (got.decision == "reject") == (got.final.p_value <= 0.025)
        assert (got.decision == "reject") == (got.final.interval.high <= 1.0)
        below += got.final.hazard_ratio < np.exp(-theta)
        covered += got.final.interval.low <= np.exp(-theta) <= got.final.interval.high
    assert below / trials == pytest.approx(0.5, abs=0.07)
    assert covered / trials == pytest.approx(0.95, abs=0.03)


def test_conditional_and_predictive_power_by_simulation() -> None:
    made = plan(looks=[0.3, 0.6, 1.0], futility_bounds=[0.0, 0.5])
    got = analyse_look(made, events=[30.0], z=[1.2], hazard_ratio=0.6)
    rng = np.random.default_rng(6)
    information = np.array([7.5, 15.0, 25.0])
    draws = 200_000
    estimate = 1.2 / np.sqrt(7.5)
    for name, theta in (
        ("plan", np.full(draws, -np.log(0.6))),
        ("null", np.zeros(draws)),
        ("predictive", estimate + rng.standard_normal(draws) / np.sqrt(7.5)),
    ):
        score = 1.2 * np.sqrt(7.5) + np.cumsum(rng.standard_normal((draws, 2)) * np.sqrt(np.diff(information)), axis=1)
        z = (score + theta[:, None] * (information[1:] - 7.5)) / np.sqrt(information[1:])
        first = z[:, 0] >= got.future_efficacy[0]
        wins = first | (~first & (z[:, 0] >= 0.5) & (z[:, 1] >= got.future_efficacy[1]))
        want = got.predictive_power if name == "predictive" else got.conditional_power[name]
        assert want == pytest.approx(float(wins.mean()), abs=0.004), name
    assert type(got).from_json(got.to_json()) == got
    assert got.final is None
    assert got.table().height == 1


def patients_at(seed: int, n: int) -> Patients:
    rng = np.random.default_rng(seed)
    arm = np.repeat(["control", "new"], n // 2)
    time = rng.exponential(1.0, n) * np.where(arm == "new", 2.0, 1.0)
    follow = rng.uniform(0.5, 3.0, n)
    return make_patients(np.minimum(time, follow), (time <= follow).astype(int), arm=list(arm))


def test_patients_give_what_their_events_and_z_give() -> None:
    from nextarm.survival import log_rank

    seen = patients_at(1, 80)
    r = log_rank(seen, arms=("control", "new"))
    assert r.z is not None
    made = plan()
    got = analyse_look(made, [seen])
    same = analyse_look(made, events=[float(r.observed.sum())], z=[-r.z])
    assert got == same
    assert got.z[0] > 0.0


@pytest.mark.parametrize(
    "design",
    [
        {"look_times": [1.5, 2.5, 4.5]},
        {"look_times": [1.5, 2.5, 4.5], "spending": "pocock"},
        {"looks": [0.5, 1.0], "events": 110, "latest": 4.0, "spending": "kim-demets"},
    ],
)
def test_decisions_without_exact_bounds_are_those_with_them(design: dict[str, Any]) -> None:
    made = _calendar_plan(**design)
    table, rng, trials = made.design, np.random.default_rng(3), 300
    looks = table.number_of_looks
    data = LookData(
        z=rng.normal(1.7, 1.0, (trials, looks)),
        events=np.cumsum(rng.integers(0, 60, (trials, looks)), axis=1),
        done=np.ones((trials, looks), np.bool_),
    )
    got = table.decide(data, made)
    bounds, planned = table.bounds(made), table.planned_events(made)
    for i in range(trials):
        full = np.flatnonzero(data.events[i] >= planned)
        last = int(full[0]) if len(full) else looks - 1
        fractions = tuple(float(d) / planned for d in data.events[i, : last + 1])
        exact = bounds_seen(
            fractions, alpha=table.alpha, family=table.spending, parameter=None, efficacy=tuple(bounds.efficacy),
            futility=tuple(table.lower(bounds)), binding=False,
        )  # fmt: skip
        crossed = np.flatnonzero(data.z[i, : last + 1] >= exact)
        wanted = (int(crossed[0]), int(crossed[0])) if len(crossed) else (-1, last)
        assert (got.rejected_at[i], got.stopped_at[i]) == wanted


def test_calendar_looks_keep_their_error_and_power() -> None:
    made = _calendar_plan(look_times=[1.5, 2.5, 3.5, 4.5])
    result = made.evaluate()
    assert isinstance(result, GroupSequentialLogRank)
    assert result.look_times.tolist() == [1.5, 2.5, 3.5, 4.5]
    own, null = simulate(made, trials=8192, seed=1).scenarios
    assert result.power == pytest.approx(own.rejection.value, abs=0.01 + 3 * own.rejection.se)
    assert null.rejection.value == pytest.approx(0.025, abs=0.0025 + 3 * null.rejection.se)
    assert own.rejected_by_look / own.trials == pytest.approx(result.reject_h1, abs=0.03)


def test_calendar_looks_when_solved_for_move_the_last_look_only() -> None:
    made = _calendar_plan(look_times=[1.5, 2.5, 4.5]).changed({"solve": {"for": "duration", "power": 0.85}})
    result = made.evaluate()
    assert isinstance(result, GroupSequentialLogRank)
    assert result.power == pytest.approx(0.85, abs=1e-6)
    assert result.look_times[:2].tolist() == [1.5, 2.5]
    assert result.analysis_time == pytest.approx(result.accrual_duration + 2.0)


def _calendar_plan(**design: Any) -> Any:
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 80.0, "duration": 2.5, "follow_up": 2.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "rate": 0.4}},
                "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}},
            },
            "design": {"kind": "group-sequential-log-rank", **design},
            "scenario": [{"name": "null", "arms": {"new": {"survival": {"hazard_ratio": 1.0}}}}],
        }
    )


def test_the_bias_adjusted_estimate_is_right_on_average() -> None:
    """Half a million Brownian trials with three looks: the mean of their estimates, and its inverse."""
    information, upper, lower, theta = np.array([10.0, 20.0, 30.0]), np.array([2.6, 2.3]), np.array([-0.2, 0.5]), 0.3
    steps = np.random.default_rng(1).standard_normal((500_000, 3)) * np.sqrt(10.0) + theta * 10.0
    score = np.cumsum(steps, axis=1)
    z = score / np.sqrt(information)
    first = (z[:, 0] >= upper[0]) | (z[:, 0] < lower[0])
    second = (z[:, 1] >= upper[1]) | (z[:, 1] < lower[1])
    look = np.where(first, 0, np.where(second, 1, 2))
    estimate = score[np.arange(len(look)), look] / information[look]
    mean = mean_estimate(information, upper=upper, lower=lower, theta=theta)
    assert mean == pytest.approx(estimate.mean(), abs=4 * estimate.std() / np.sqrt(len(look)))
    assert bias_adjusted(information, upper=upper, lower=lower, estimate=mean) == pytest.approx(theta, abs=1e-9)


def test_an_early_stop_is_shrunk_and_one_look_is_not() -> None:
    early = analyse_look(plan(spending="lan-demets-pocock"), events=[50.0], z=[3.2]).final
    assert early is not None
    assert early.estimate < early.bias_adjusted < 1.0
    single = plan_from_data(plan().to_data() | {"design": {"kind": "group-sequential-log-rank", "looks": [1.0], "events": 100}})
    last = analyse_look(single, events=[100.0], z=[2.3]).final
    assert last is not None
    assert last.bias_adjusted == pytest.approx(last.estimate, rel=1e-9)
    assert last.hazard_ratio == pytest.approx(last.estimate, rel=1e-9)


@pytest.mark.parametrize("what", ["n", "duration", "events", "effect"])
@pytest.mark.parametrize(
    "design",
    [{"kind": "log-rank"}, {"kind": "group-sequential-log-rank", "look_times": [2.0, 4.5]}, {"kind": "rmst-difference"}],
    ids=["log-rank", "calendar", "rmst"],
)
def test_a_solution_written_into_the_plan_has_the_power_asked_for(what: str, design: dict[str, Any]) -> None:
    base = _calendar_plan(look_times=[2.0, 4.5]).to_data()
    made = plan_from_data({**base, "design": design, "solve": {"for": what, "power": 0.55}, "scenario": []})
    result = made.evaluate()
    again = solved_plan(made, result)
    assert again.solve is None
    assert again.evaluate().power == pytest.approx(result.power, abs=1e-6)
