"""A patient's numbers depend on seed, block, trial and patient, on nothing else; and they behave as uniforms do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nextarm.core.errors import CallError
from nextarm.simulation import simulate
from nextarm.simulation.draws import allocate, draw_trials
from nextarm.simulation.sorting import sort_spread
from simulation_plans import two_arms


def test_a_trial_is_frozen() -> None:
    """Kept so that a change of generator or of its places cannot pass unseen: old results could not be remade."""
    draws = draw_trials(20261123, 5, first=3, trials=1, patients=3)
    assert draws.entry[0].tolist() == [0.45036165746845636, 0.03967381313249996, 0.1750280094254243]
    assert draws.event[0].tolist() == [0.9860099566507242, 0.9272857813107875, 0.1039518105101076]
    assert draws.dropout[0].tolist() == [0.2678909509079177, 0.8000721282577723, 0.6796947009126594]
    assert draws.order[0, :4].tolist() == [1042677317, 3753994225, 166926281, 250539755]
    assert allocate(draws.order[0], (1, 2), 12).tolist() == [1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0]


def test_a_result_is_frozen() -> None:
    found = simulate(two_arms(), trials=1500, seed=20261123).scenarios[0]
    assert found.rejected_by_look.tolist() == [33, 509]
    assert found.stopped_by_look.tolist() == [39, 1461]
    assert found.never_reached == 1130
    assert found.sums == pytest.approx(
        np.array([[24816.0, 423264.0], [89901.0, 5388977.0], [5586.6341158544565, 21256.244903287454]]), rel=1e-12
    )


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    seed=st.integers(0, 2**64 - 1),
    block=st.integers(0, 2**32 - 1),
    first=st.integers(0, 1000),
    patients=st.integers(1, 40),
    more=st.integers(0, 7),
)
def test_any_trial_can_be_drawn_alone(seed: int, block: int, first: int, patients: int, more: int) -> None:
    alone = draw_trials(seed, block, first=first + 2, trials=1, patients=patients)
    among = draw_trials(seed, block, first=first, trials=4, patients=patients + more)
    for name in ("entry", "event", "dropout"):
        assert np.array_equal(getattr(alone, name)[0], getattr(among, name)[2, :patients])
    assert np.array_equal(alone.order[0, :patients], among.order[2, :patients])


def test_places_are_apart() -> None:
    """Seeds, blocks, trials, patients and purposes never share a number."""
    found = []
    for seed, block in itertools.product((1, 2, 2**32 + 1, 2**63), (0, 1)):
        draws = draw_trials(seed, block, trials=20, patients=30)
        found += [draws.entry.ravel(), draws.event.ravel(), draws.dropout.ravel()]
    together = np.concatenate(found)
    assert len(np.unique(together)) == together.size


def test_draws_are_uniform_and_unrelated() -> None:
    """Kolmogorov-Smirnov and chi-square for each purpose; correlations with neighbours in every direction: |z| below 4."""
    draws = draw_trials(7, 0, trials=400, patients=500)
    words = draws.order[:, :500].astype(np.float64) / 2**32
    purposes = {"entry": draws.entry, "event": draws.event, "dropout": draws.dropout, "order": words}
    for name, u in purposes.items():
        assert u.min() >= 0.0, name
        assert u.max() < 1.0, name
        assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3, name
        last_bits = np.bincount((u.ravel() * 2**32).astype(np.int64) & 255, minlength=256)
        assert stats.chisquare(last_bits).pvalue > 1e-3, name
        for a, b in ((u[:, 1:], u[:, :-1]), (u[1:], u[:-1])):
            assert abs(_z_of_correlation(a, b)) < 4.0, name
    for (a, u), (b, v) in itertools.combinations(purposes.items(), 2):
        assert abs(_z_of_correlation(u, v)) < 4.0, (a, b)
    following = draw_trials(7, 1, trials=400, patients=500)
    assert abs(_z_of_correlation(draws.event, following.event)) < 4.0
    assert abs(_z_of_correlation(draws.event, draw_trials(8, 0, trials=400, patients=500).event)) < 4.0


def _z_of_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1] * np.sqrt(a.size))


@pytest.mark.parametrize("allocation", [(1, 1), (1, 2), (3, 2)])
def test_blocks_of_randomisation_are_balanced_and_every_order_is_as_likely(allocation: tuple[int, ...]) -> None:
    order = draw_trials(4, 0, trials=6000, patients=12).order
    arms = np.stack([allocate(words, allocation, 12) for words in order])
    size = sum(allocation) if sum(allocation) >= 4 else 2 * sum(allocation)
    assert np.all(arms[:, :size].sum(axis=1) == allocation[1] * size // sum(allocation))
    kinds = np.unique(arms[:, :size], axis=0, return_counts=True)[1]
    assert stats.chisquare(kinds).pvalue > 1e-3
    assert stats.chisquare(arms[:, :size].sum(axis=0)).pvalue > 1e-3


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(0.0, 3.0), max_size=80))
def test_sorting_is_sorting(values: list[float]) -> None:
    """Whatever the spread: hypothesis likes equal and crowded numbers."""
    value = np.array(values)
    who, n = np.arange(len(values)), len(values)
    out, out_who = np.empty(n), np.empty(n, np.int64)
    sort_spread(value, who, n, 3.0, out, out_who, np.empty(n + 1, np.int64))
    assert np.array_equal(out, np.sort(value))
    assert np.array_equal(out_who, np.argsort(value, kind="stable"))


@pytest.mark.parametrize(("seed", "block"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**32)])
def test_places_that_do_not_exist_are_refused(seed: int, block: int) -> None:
    with pytest.raises(CallError, match="must be an integer"):
        draw_trials(seed, block, trials=1, patients=1)
