"""The kernel against its plain twin, and its merging of survival against all ways listed one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from nextarm.patients.arm import AT_LEAST, AT_MOST, BETWEEN, ArmData
from nextarm.patients.chain import CENSOR, DEATH, READ, RISK, build
from nextarm.patients.pilot import solve, survival_at_steps, tune
from nextarm.patients.plain import every_way, forward, steps_from
from nextarm.patients.solver import draw, run_forward


def arm(points: str = "samples", *, n: int = 9, events: int | None = None, ticks: list[float] | None = None) -> ArmData:
    corners = points == "corners"
    return ArmData(
        name="a",
        time=np.array([0.5, 1.0, 1.5, 2.0]),
        survival=np.array([0.9, 0.76, 0.61, 0.61]),
        side=np.array([0, 0, 0, 0 if corners else 1]),
        points="corners" if corners else "samples",
        half=0.005,
        time_step=0.02 if corners else 0.0,
        n=n,
        end=2.0,
        risk_time=np.array([1.2, 2.0]),
        risk=np.array([6, 3]),
        events=events,
        ticks=None if ticks is None else np.array(ticks),
    )


@pytest.mark.parametrize("points", ["samples", "corners"])
@pytest.mark.parametrize("sd", [0.004, 0.02])
@pytest.mark.parametrize("ticks", [None, [0.7, 1.7]])
def test_the_kernel_sums_what_the_plain_twin_sums(points: str, sd: float, ticks: list[float] | None) -> None:
    data = arm(points, ticks=ticks)
    chain = build(data)
    tuned = tune(data, chain, solve(data, chain, survival_at_steps(data, chain)), sd, widen=20.0)
    passed = run_forward(data, chain, tuned, sd)
    own = np.where(chain.own_sd >= 0, chain.own_sd, sd)
    total, states = forward(steps_from(chain.kind, tuned.a, tuned.b, tuned.most, tuned.lump, own, chain.side, tuned.tail_share), data.n)
    assert passed.log_likelihood == pytest.approx(total, abs=2e-4)
    n_low, _, d_low, d_high = tuned.window[-1]
    cols = d_high - d_low + 1
    for (n, d), (w, m, _) in states.items():
        if w > 1e-6:
            at = tuned.start[-1] + (n - n_low) * cols + d - d_low
            assert passed.weight[at] == pytest.approx(w, abs=2e-4)
            assert passed.mean[at] == pytest.approx(m, abs=1e-4)


def test_merging_by_two_moments_is_close_to_all_ways_one_by_one() -> None:
    data = arm(n=9)
    chain = build(data)
    sd = 0.03
    tuned = tune(data, chain, solve(data, chain, survival_at_steps(data, chain)), sd, widen=20.0)
    own = np.full(chain.kind.size, sd)
    ways = every_way(steps_from(chain.kind, tuned.a, tuned.b, tuned.most, tuned.lump, own, chain.side, tuned.tail_share), data.n)
    exact = math.log(math.fsum(w for w, _ in ways))
    assert run_forward(data, chain, tuned, sd).log_likelihood == pytest.approx(exact, abs=0.1)
    weights = np.array([w for w, _ in ways])
    counts = np.array([c for _, c in ways], float)
    truth = np.average(counts, axis=0, weights=weights)
    drawn = draw(data, chain, run_forward(data, chain, tuned, sd), 4000, np.random.default_rng(1))
    assert np.abs(drawn.mean(axis=0) - truth).max() < 0.15


def test_draws_follow_the_table_and_the_number_of_events() -> None:
    data = arm(events=4)
    chain = build(data)
    tuned = tune(data, chain, solve(data, chain, survival_at_steps(data, chain)), 0.05, widen=5.0)
    drawn = draw(data, chain, run_forward(data, chain, tuned, 0.05), 300, np.random.default_rng(2))
    assert drawn.shape[0] > 250
    left = data.n - np.cumsum(drawn, axis=1)
    rows = np.flatnonzero(chain.kind == RISK)
    assert (left[:, rows] == chain.value[rows]).all()
    assert (drawn[:, chain.kind == DEATH].sum(axis=1) == 4).all()
    assert (drawn[:, chain.kind == READ] == 0).all()


def test_total_events_are_a_mask_on_the_last_state() -> None:
    free = arm()
    chain = build(free)
    tuned = tune(free, chain, solve(free, chain, survival_at_steps(free, chain)), 0.05, widen=20.0)
    whole = math.exp(run_forward(free, chain, tuned, 0.05).log_likelihood)
    parts = [math.exp(run_forward(replace(free, events=e), chain, tuned, 0.05).log_likelihood) for e in range(7)]
    assert sum(parts) == pytest.approx(whole, rel=1e-9)


def test_a_tick_is_at_least_one_censoring() -> None:
    chain = build(arm(ticks=[0.3, 0.31, 1.7]))
    assert chain.least[chain.kind == CENSOR].sum() == 3


def test_a_step_within_a_pixel_of_an_at_risk_time_is_split() -> None:
    data = replace(arm("corners"), time=np.array([0.5, 1.195, 1.5, 2.0]))
    chain = build(data)
    row = int(np.flatnonzero(chain.kind == RISK)[0])
    assert chain.kind[row - 1] == DEATH
    assert chain.kind[row + 1] == DEATH
    assert chain.end[row - 1] <= 1.2 <= chain.end[row + 1]
    assert chain.least[row - 1] == chain.least[row + 1] == 0


def test_sides_of_a_reading_are_three() -> None:
    assert {BETWEEN, AT_LEAST, AT_MOST} == {0, 1, 2}
