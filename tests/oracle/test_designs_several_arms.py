"""Multi-arm bounds and power against simulated walks; graphs against the closed test they are a shortcut of."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.units import FloatArray
from nextarm.designs.graphical_test import rejections, without
from nextarm.designs.multi_arm_bounds import familywise_error, multi_arm_bounds, multi_arm_power


def walks(trials: int, arms: int, t: FloatArray, ratio: float, drift: list[float], seed: int) -> FloatArray:
    """Z of every arm at every stage, (trials, arms, stages), by drawing the increments one by one."""
    rng = np.random.default_rng(seed)
    steps = np.diff(np.concatenate([[0.0], t]))
    control = np.cumsum(rng.standard_normal((trials, 1, len(t))) * np.sqrt(steps), axis=2)
    moves = np.array(drift)[None, :, None] * steps
    arm = np.cumsum(rng.standard_normal((trials, arms, len(t))) * np.sqrt(steps / ratio) + moves, axis=2)
    made: FloatArray = (arm - control) / np.sqrt(t * (1.0 + 1.0 / ratio))
    return made


def play(z: FloatArray, upper: FloatArray, lower: FloatArray) -> FloatArray:
    """The arm that wins each trial, or -1."""
    won = np.full(len(z), -1)
    for i, trial in enumerate(z):
        alive = set(range(z.shape[1]))
        for j in range(z.shape[2]):
            crossing = [k for k in alive if trial[k, j] >= upper[j]]
            if crossing:
                won[i] = max(crossing, key=lambda k, j=j, trial=trial: trial[k, j])
                break
            alive = {k for k in alive if trial[k, j] > lower[j]}
    return won


@pytest.mark.parametrize(("ratio", "t"), [(1.0, [0.5, 1.0]), (0.5, [0.4, 0.7, 1.0])])
def test_error_and_power_against_simulated_walks(ratio: float, t: list[float]) -> None:
    fractions, trials = np.array(t), 20_000
    bounds = multi_arm_bounds(3, fractions=fractions, alpha=0.05, ratio=ratio)
    null = play(walks(trials, 3, fractions, ratio, [0.0, 0.0, 0.0], 1), bounds.upper, bounds.lower)
    assert np.mean(null >= 0) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / trials))
    effect, others, n = 0.5, 0.1, 60.0
    drift = [effect * np.sqrt(n), others * np.sqrt(n), others * np.sqrt(n)]
    won = play(walks(trials, 3, fractions, ratio, drift, 2), bounds.upper, bounds.lower)
    power = multi_arm_power(bounds, effect=effect, others=others, information=n)
    assert np.mean(won == 0) == pytest.approx(power, abs=4 * np.sqrt(power * (1 - power) / trials))


def test_error_grows_with_arms_and_with_looks() -> None:
    t, upper, lower = np.array([0.5, 1.0]), np.array([2.3, 2.1]), np.array([-20.0, 2.1])
    errors = [familywise_error(k, fractions=t, upper=upper, lower=lower) for k in (1, 2, 4, 8)]
    assert errors == sorted(errors)
    assert errors[0] > familywise_error(1, fractions=np.array([1.0]), upper=upper[1:], lower=lower[1:])


shares = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(p=st.lists(st.floats(1e-6, 0.2), min_size=3, max_size=3), w=shares, rows=st.lists(shares, min_size=3, max_size=3))
def test_graph_is_the_closed_weighted_bonferroni_test(p: list[float], w: list[float], rows: list[list[float]]) -> None:
    weights = np.array(w) / max(1.0, sum(w))
    graph = np.array(rows)
    np.fill_diagonal(graph, 0.0)
    graph = graph / np.maximum(1.0, graph.sum(axis=1, keepdims=True))
    values = np.array(p)
    _, adjusted, _ = rejections(values, weights, graph)
    closed = np.zeros(3)
    for size in (1, 2, 3):
        for subset in itertools.combinations(range(3), size):
            left, share, arrows = list(range(3)), weights, graph
            for j in set(range(3)) - set(subset):
                left.remove(j)
                share, arrows = without(j, share, arrows, left)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                local = min(1.0, min(values[i] / share[i] if share[i] > 0 else np.inf for i in subset))
            for i in subset:
                closed[i] = max(closed[i], local)
    assert adjusted == pytest.approx(closed, rel=1e-9)
