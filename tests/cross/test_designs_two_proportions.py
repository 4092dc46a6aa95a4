"""Exact tests of two proportions against scipy's Barnard and Boschloo tests, table by table; power against its own sum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import barnard_exact, beta, binom, boschloo_exact

from nextarm.borrowing import beta_mixture
from nextarm.designs.two_proportions_bayes import posterior_gain
from nextarm.designs.two_proportions_exact import rejection_probability, rejection_region, restricted_control


@pytest.mark.parametrize(("n0", "n1"), [(12, 9), (7, 14)])
def test_every_table_as_scipy_decides(n0: int, n1: int) -> None:
    exact = rejection_region(n0, n1, alpha=0.05, test="exact")
    boschloo = rejection_region(n0, n1, alpha=0.05, test="boschloo")
    compared = 0
    for x0 in range(n0 + 1):
        for x1 in range(n1 + 1):
            if x0 + x1 in (0, n0 + n1) or x1 / n1 < x0 / n0:
                continue
            table = [[x1, x0], [n1 - x1, n0 - x0]]
            assert (barnard_exact(table, alternative="greater", n=64).pvalue <= 0.05) == (x1 >= exact.least[x0])
            assert (boschloo_exact(table, alternative="greater", n=64).pvalue <= 0.05) == (x1 >= boschloo.least[x0])
            compared += 1
    assert compared > 50


def test_power_is_the_sum_over_all_tables() -> None:
    region = rejection_region(20, 31, alpha=0.025, margin=0.1, test="exact")
    p0 = binom.pmf(np.arange(21), 20, 0.7)[:, None]
    p1 = binom.pmf(np.arange(32), 31, 0.75)[None, :]
    rejects = np.arange(32)[None, :] >= np.array(region.least)[:, None]
    assert rejection_probability(region, 0.7, 0.75) == pytest.approx(float((p0 * p1)[rejects].sum()), abs=1e-12)


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.2])
@pytest.mark.parametrize(("x0", "x1"), [(5, 6), (18, 20), (0, 0), (12, 3), (1, 30)])
def test_restricted_estimate_maximises_the_likelihood(margin: float, x0: int, x1: int) -> None:
    def minus_log(p: float) -> float:
        return -float(xlogy(x0, p) + xlogy(20 - x0, 1 - p) + xlogy(x1, p - margin) + xlogy(30 - x1, 1 - p + margin))

    best = minimize_scalar(minus_log, bounds=(margin, 1.0), method="bounded", options={"xatol": 1e-12}).x
    got = restricted_control(np.asarray(float(x0)), np.asarray(float(x1)), 20, 30, margin)
    assert float(got) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0])
def test_equal_posteriors_are_one_half(shape: float) -> None:
    """By symmetry, also where nobody responds and the prior's shape is far below 1 (0.2: .490 with nodes less dense at the ends)."""
    got = posterior_gain(60, 60, control=beta_mixture([1.0], [shape], [3.0]), experimental=(shape, 3.0))
    assert got[0, 0] == pytest.approx(0.5, abs=1e-4)
    assert got[30, 30] == pytest.approx(0.5, abs=1e-9)


def test_posterior_gain_against_plain_integration() -> None:
    from scipy.integrate import quad

    prior = beta_mixture([0.8, 0.2], [11.0, 1.0], [32.0, 1.0])
    got = posterior_gain(12, 9, control=prior, experimental=(0.5, 0.5), margin=0.1)
    for x0, x1 in ((3, 5), (0, 0), (12, 9), (6, 1)):
        parts = [(w, a + x0, b + 12 - x0, beta_binomial(x0, 12, a, b)) for w, a, b in ((0.8, 11.0, 32.0), (0.2, 1.0, 1.0))]
        total = sum(w * m for w, _, _, m in parts)
        want = 0.0
        for w, a, b, m in parts:
            value = quad(tail_times_density, 0.0, 1.0, args=(a, b, x1), limit=100, points=[0.1])[0]
            want += w * m / total * value
        assert got[x0, x1] == pytest.approx(want, abs=2e-7)


def tail_times_density(p: float, a: float, b: float, x1: int) -> float:
    return float(beta.pdf(p, a, b) * beta.sf(p - 0.1, 0.5 + x1, 9.5 - x1))


def beta_binomial(x: int, n: int, a: float, b: float) -> float:
    from scipy.stats import betabinom

    return float(betabinom.pmf(x, n, a, b))
