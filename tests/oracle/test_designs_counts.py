"""Exact designs for counts against the plainest twin: every sequence of outcomes written out, or a long plain loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nextarm.designs.binomial_paths import path_probabilities, upper_tail
from nextarm.designs.bop2 import bop2
from nextarm.designs.exact_binomial import exact_binomial_size
from nextarm.designs.predictive_probability import posterior_bounds
from nextarm.designs.simon_search import two_stage_designs


def test_paths_against_all_sequences() -> None:
    sizes, low, high, p = (3, 6, 10), (0, 1, 4), (3, 6, 5), 0.37
    down, up, expected = np.zeros(3), np.zeros(3), 0.0
    for outcome in itertools.product((0, 1), repeat=10):
        probability = p ** sum(outcome) * (1 - p) ** (10 - sum(outcome))
        for k, n in enumerate(sizes):
            x = sum(outcome[:n])
            if x <= low[k] or x >= high[k] or k == 2:
                down[k] += probability * (x <= low[k])
                up[k] += probability * (x >= high[k])
                expected += probability * n
                break
    got = path_probabilities(p, sizes=sizes, low=low, high=high)
    assert got.stop_low == pytest.approx(down, abs=1e-13)
    assert got.stop_high == pytest.approx(up, abs=1e-13)
    assert got.expected_n == pytest.approx(expected, abs=1e-12)


def test_two_stage_search_against_nested_loops() -> None:
    p0, p1, alpha, power = 0.1, 0.45, 0.1, 0.8
    feasible = []
    for n in range(2, 21):
        for n1 in range(1, n):
            for r1 in range(n1):
                for r in range(r1, n):
                    null = path_probabilities(p0, sizes=(n1, n), low=(r1, r), high=(n1 + 1, r + 1))
                    other = path_probabilities(p1, sizes=(n1, n), low=(r1, r), high=(n1 + 1, r + 1))
                    if null.stop_high.sum() <= alpha and other.stop_high.sum() >= power:
                        feasible.append((n, null.expected_n, r1, n1, r))
    found = two_stage_designs(p0=p0, p1=p1, alpha=alpha, power=power)
    minimax, optimal = min(feasible), min(feasible, key=lambda d: d[1])
    assert (found[0].n, found[0].r1, found[0].n1, found[0].r) == (minimax[0], *minimax[2:])
    assert (found[-1].n, found[-1].r1, found[-1].n1, found[-1].r) == (optimal[0], *optimal[2:])
    for design in found:  # every admissible design beats all others for the middle of its weights
        assert design.weights is not None
        q = 0.5 * sum(design.weights)
        assert min(q * d[0] + (1 - q) * d[1] for d in feasible) == pytest.approx(q * design.n + (1 - q) * design.expected_n, abs=1e-9)


def test_sustained_size_keeps_its_power() -> None:
    got = exact_binomial_size(p0=0.5, p1=0.7, alpha=0.05, power=0.9, sustained=True)
    first = exact_binomial_size(p0=0.5, p1=0.7, alpha=0.05, power=0.9)
    assert first.n <= got.n
    for n in range(got.n, got.n + 120):
        r = next(r for r in range(n + 2) if upper_tail(r, n, 0.5) <= 0.05)
        assert upper_tail(r, n, 0.7) >= 0.9


def test_bop2_is_the_best_of_a_plain_search() -> None:
    got = bop2((8, 16, 24), p0=0.3, p1=0.55, alpha=0.1)
    best = 0.0
    for cut in np.linspace(0.5, 0.999, 100):
        for shape in np.linspace(0.0, 1.0, 21):
            thresholds = [cut * (n / 24) ** shape for n in (8, 16, 24)]
            bounds = posterior_bounds(
                (8, 16, 24), p0=0.3, futile_below=thresholds, effective_above=[1.0, 1.0, thresholds[-1]], prior=(0.3, 0.7)
            )
            null = path_probabilities(0.3, sizes=bounds.sizes, low=bounds.futile, high=bounds.effective)
            if null.stop_high.sum() <= 0.1:
                best = max(best, path_probabilities(0.55, sizes=bounds.sizes, low=bounds.futile, high=bounds.effective).stop_high.sum())
    assert got.power == pytest.approx(best, abs=1e-12)
