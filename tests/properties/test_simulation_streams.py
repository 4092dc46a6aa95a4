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
from nextarm.simulation.draws import allocate, draw_trials, uniform
from nextarm.simulation.enrol import cells
from nextarm.simulation.sorting import order_statistics, sort_keys, sort_words
from simulation_plans import two_arms


def test_a_trial_is_frozen() -> None:
    """Kept so that a change of generator or of its places cannot pass unseen: old results could not be remade."""
    draws = draw_trials(20261123, 5, first=3, trials=1, patients=3)
    assert draws.entry[0].tolist() == [1934288590, 170397729, 751739576]
    assert draws.event[0].tolist() == [856306121, 3915734830, 1572719664]
    assert draws.dropout[0].tolist() == [4234880517, 3982662104, 446469626]
    assert draws.order[0][0, :4].tolist() == [1482787230, 3331351412, 2151355669, 3618616983]
    assert allocate(draws.order[0][0], (1, 2), 12).tolist() == [0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1]


def test_a_result_is_frozen() -> None:
    found = simulate(two_arms(), trials=1500, seed=20261123).scenarios[0]
    assert found.rejected_by_look.tolist() == [30, 519]
    assert found.stopped_by_look.tolist() == [42, 1458]
    assert found.never_reached == 1099
    assert found.sums == pytest.approx(
        np.array([[24850.0, 425082.0], [89875.0, 5386823.0], [5566.257466893204, 21108.766283929934]]), rel=1e-12
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
    assert np.array_equal(alone.order[0][0, :patients], among.order[0][2, :patients])


def test_places_are_apart() -> None:
    """Seeds, blocks, trials, patients and purposes never share a place: no four words are drawn twice."""
    found = []
    for seed, block in itertools.product((1, 2, 2**32 + 1, 2**63), (0, 1)):
        draws = draw_trials(seed, block, trials=20, patients=30)
        words = (draws.entry, draws.event, draws.dropout, draws.order[0][:, :30])
        found.append(np.stack([w.ravel() for w in words], axis=1))
    together = np.concatenate(found)
    assert len(np.unique(together, axis=0)) == len(together)


def test_draws_are_uniform_and_unrelated() -> None:
    """Kolmogorov-Smirnov and chi-square for each purpose; correlations with neighbours in every direction: |z| below 4."""
    draws = draw_trials(7, 0, trials=400, patients=500)
    drawn = {"entry": draws.entry, "event": draws.event, "dropout": draws.dropout, "order": draws.order[0][:, :500]}
    purposes = {name: uniform(words) for name, words in drawn.items()}
    for name, u in purposes.items():
        assert u.min() > 0.0, name
        assert u.max() < 1.0, name
        assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3, name
        last_bits = np.bincount((u.ravel() * 2**32).astype(np.int64) & 255, minlength=256)
        assert stats.chisquare(last_bits).pvalue > 1e-3, name
        for a, b in ((u[:, 1:], u[:, :-1]), (u[1:], u[:-1])):
            assert abs(_z_of_correlation(a, b)) < 4.0, name
    for (a, u), (b, v) in itertools.combinations(purposes.items(), 2):
        assert abs(_z_of_correlation(u, v)) < 4.0, (a, b)
    for other in (draw_trials(7, 1, trials=400, patients=500), draw_trials(8, 0, trials=400, patients=500)):
        assert abs(_z_of_correlation(purposes["event"], uniform(other.event))) < 4.0


def _z_of_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1] * np.sqrt(a.size))


@pytest.mark.parametrize("allocation", [(1, 1), (1, 2), (3, 2)])
def test_blocks_of_randomisation_are_balanced_and_every_order_is_as_likely(allocation: tuple[int, ...]) -> None:
    order = draw_trials(4, 0, trials=6000, patients=12).order[0]
    arms = np.stack([allocate(words, allocation, 12) for words in order])
    size = sum(allocation) if sum(allocation) >= 4 else 2 * sum(allocation)
    assert np.all(arms[:, :size].sum(axis=1) == allocation[1] * size // sum(allocation))
    kinds = np.unique(arms[:, :size], axis=0, return_counts=True)[1]
    assert stats.chisquare(kinds).pvalue > 1e-3
    assert stats.chisquare(arms[:, :size].sum(axis=0)).pvalue > 1e-3


@pytest.mark.parametrize("allocation", [(1, 1), (1, 2), (3, 2), (1, 1, 1), (2, 1, 1, 1), (32, 31)])
@pytest.mark.parametrize("patients", [1, 2, 3, 5, 64, 131])
def test_fast_randomisation_is_the_plain_one(allocation: tuple[int, ...], patients: int) -> None:
    draws = draw_trials(9, 1, trials=20, patients=patients)
    plain = [allocate(words, allocation, patients) for words in draws.order[0]]
    assert np.array_equal(cells(draws, allocation, (1.0,)), np.stack(plain))


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=80), st.booleans())
def test_sorting_is_sorting(values: list[float], many: bool) -> None:
    """Whatever the spread: hypothesis likes equal and crowded numbers."""
    row = np.array(values * (300 // len(values) + 1) if many else values)
    keys, out = row.view(np.int64), np.empty(len(row), np.int64)
    sort_keys(keys, row, len(row), out, np.empty(2 * len(row) + 1, np.int64))
    assert np.array_equal(out.view(np.float64), np.sort(row))
    ranks = np.array([0, len(row) // 2, len(row) - 1])
    found = order_statistics(row[None].copy(), ranks, 2.0)[0]
    assert np.array_equal(np.where(found <= 2.0, found, np.inf), np.where(np.sort(row)[ranks] <= 2.0, np.sort(row)[ranks], np.inf))
    words = (row / 3.0 * (2**32 - 1)).astype(np.uint32)
    assert np.array_equal(sort_words(words[None].copy())[0], np.sort(words))


@pytest.mark.parametrize(("seed", "block"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**32)])
def test_places_that_do_not_exist_are_refused(seed: int, block: int) -> None:
    with pytest.raises(CallError, match="must be an integer"):
        draw_trials(seed, block, trials=1, patients=1)
