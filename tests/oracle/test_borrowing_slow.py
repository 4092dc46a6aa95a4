"""Fast code against a slow plain twin: nested adaptive integrals, loops over data sets, a hand-written likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from nextarm.borrowing import (
    beta_mixture,
    compare_landmarks,
    effective_sample_size,
    fit_mixture,
    gamma_mixture,
    map_prior_binomial,
    map_prior_normal,
    normal_mixture,
    sceptical_posterior,
    tipping_point,
    under_bias,
)
from nextarm.borrowing.beta_climb import climb_beta, digamma_trigamma
from nextarm.borrowing.gridded import Gridded
from nextarm.synthesis import StudyEstimate, half_cauchy, half_normal


def slow_binomial(events, n, tau_density, tau_max, m=0.0, s=2.0):
    """Mean of a new study's probability, with all three integrals written out on plain grids in real space."""
    z = np.linspace(-8.5, 8.5, 341)
    phi = stats.norm.pdf(z) * (z[1] - z[0])
    mus = np.linspace(m - 6 * s, m + 6 * s, 161)
    total = mean = 0.0
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for node, w in zip((nodes + 1) / 2 * tau_max, weights, strict=True):
        p = 1.0 / (1.0 + np.exp(-(mus[:, None] + node * z)))
        like = stats.norm.pdf(mus, m, s)
        for r, size in zip(events, n, strict=True):
            like = like * (stats.binom.pmf(r, size, p) @ phi)
        total += w * tau_density(node) * like.sum()
        mean += w * tau_density(node) * (like * (p @ phi)).sum()
    return mean / total


@pytest.mark.parametrize(
    ("events", "n"), [([4], [11]), ([0, 2], [9, 14]), ([6, 6], [6, 8]), ([3, 9, 1], [20, 25, 15])], ids=["one", "none", "all", "three"]
)
def test_binomial_prior_against_plain_sums(events, n):
    want = slow_binomial(events, n, lambda t: 2 * stats.norm.pdf(t, 0, 0.5), 4.0)
    assert map_prior_binomial(events, n, tau=half_normal(0.5)).mean == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_large_counts_approach_the_normal_model(sigma):
    events, n = [20000, 24000, 21000], [80000, 80000, 80000]
    y = [math.log(r / (m - r)) for r, m in zip(events, n, strict=True)]
    se = [math.sqrt(1 / r + 1 / (m - r)) for r, m in zip(events, n, strict=True)]
    exact = map_prior_binomial(events, n, tau=half_normal(sigma))
    normal = map_prior_normal(y, se, measure="logit", tau=half_normal(sigma), mean_prior=(0.0, 2.0))
    assert exact.ci.low == pytest.approx(normal.ci.low, abs=3e-5)
    assert exact.ci.high == pytest.approx(normal.ci.high, abs=3e-5)
    assert exact.tau_mean == pytest.approx(normal.tau_mean, rel=1e-3)


def test_events_and_non_events_are_mirror_images():
    a = map_prior_binomial([0, 3], [12, 18], tau=half_cauchy(0.5))
    b = map_prior_binomial([12, 15], [12, 18], tau=half_cauchy(0.5))
    assert a.mean == pytest.approx(1.0 - b.mean, abs=1e-6)
    assert a.ci.low == pytest.approx(1.0 - b.ci.high, abs=1e-6)


def test_gridded_distribution_against_the_normal():
    x = np.linspace(-9, 9, 241)
    grid = Gridded(x=x, density=stats.norm.pdf(x), below=stats.norm.cdf(x))
    at = np.linspace(-4, 4, 77)
    assert grid.cdf(at) == pytest.approx(stats.norm.cdf(at), abs=2e-7)
    assert [grid.quantile(p) for p in (0.001, 0.3, 0.975)] == pytest.approx(stats.norm.ppf([0.001, 0.3, 0.975]), abs=2e-5)
    assert grid.density_at(0.01) == pytest.approx(stats.norm.pdf(0.01), rel=1e-2)
    assert grid.density_at(11.0) == 0.0


def test_many_updates_are_the_single_update_repeated():
    rng = np.random.default_rng(7)
    beta, normal, gamma = (
        beta_mixture([0.6, 0.3, 0.1], [3, 8, 1], [8, 30, 1]),
        normal_mixture([0.6, 0.3, 0.1], [0, 1, -1], [1, 0.2, 3]),
        gamma_mixture([0.8, 0.2], [4, 1], [9, 1]),
    )
    n = rng.integers(0, 40, 200)
    r = np.array([rng.integers(0, m + 1) for m in n])
    weights, a, b = beta.update_many(r, n)
    for i in range(0, 200, 17):
        single = beta.posterior(int(r[i]), int(n[i]))
        assert np.allclose(weights[i], single.weights, rtol=1e-12)
        assert np.allclose(a[i] + b[i], single.a + single.b)
    y, se = rng.normal(size=50), rng.uniform(0.1, 2.0, 50)
    weights, means, sds = normal.update_many(y, se)
    for i in range(0, 50, 9):
        single = normal.posterior(float(y[i]), float(se[i]))
        assert np.allclose(np.r_[weights[i], means[i], sds[i]], np.r_[single.weights, single.means, single.sds])
    d, t = rng.integers(0, 12, 50), rng.uniform(0.5, 30, 50)
    weights, shapes, rates = gamma.update_many(d.astype(float), t)
    for i in range(0, 50, 9):
        single = gamma.posterior(int(d[i]), float(t[i]))
        assert np.allclose(np.r_[weights[i], shapes[i], rates[i]], np.r_[single.weights, single.shapes, single.rates])


def test_elir_against_its_definition():
    prior = beta_mixture([0.5, 0.3, 0.2], [4, 11, 2.5], [9, 32, 2.2])

    def information(p, h=1e-4):
        up, mid, down = (float(prior.log_density(v)) for v in (p + h, p, p - h))
        return -(up - 2 * mid + down) / h**2

    want = integrate.quad(lambda p: float(prior.density(p)) * information(p) * p * (1 - p), 2e-4, 1 - 2e-4, limit=400)[0]
    assert effective_sample_size(prior) == pytest.approx(want, abs=2e-3)


def test_elir_falls_by_n_after_n_patients_on_average():
    prior = beta_mixture([0.8, 0.2], [11, 1], [32, 1])
    after = [effective_sample_size(prior.posterior(r, 15)) for r in range(16)]
    assert float(prior.predictive(15) @ np.array(after)) - 15 == pytest.approx(effective_sample_size(prior), abs=1e-6)


@pytest.mark.parametrize("family", ["beta", "gamma", "normal"])
def test_the_fit_finds_the_mixture_it_was_given(family):
    truth = {
        "beta": beta_mixture([0.7, 0.3], [12, 2], [30, 3]),
        "gamma": gamma_mixture([0.6, 0.4], [20, 4], [40, 20]),
        "normal": normal_mixture([0.6, 0.4], [0.0, 2.0], [0.4, 0.7]),
    }[family]
    edges = np.linspace(-4, 6, 3001) if family == "normal" else np.linspace(0, 1 if family == "beta" else 3, 3001)
    points, mass = (edges[1:] + edges[:-1]) / 2, np.diff(truth.cdf(edges))
    found = fit_mixture((points, mass), family=family, components=2)
    assert found.divergence < 1e-5
    assert found.mixture.mean() == pytest.approx(truth.mean(), abs=1e-4)
    assert found.mixture.quantile(0.9) == pytest.approx(truth.quantile(0.9), abs=2e-3)


def test_sceptic_against_the_product_of_densities():
    found = sceptical_posterior(log_ratio=-0.9, log_ratio_se=0.35, prior_sd=0.3)

    def product(t):
        return stats.norm.pdf(-0.9, t, 0.35) * stats.norm.pdf(t, 0, 0.3)

    total = integrate.quad(product, -4, 4)[0]
    assert found.mean == pytest.approx(integrate.quad(lambda t: t * product(t), -4, 4)[0] / total, abs=1e-9)
    assert found.probability_below_1 == pytest.approx(integrate.quad(product, -4, 0)[0] / total, abs=1e-9)


def test_the_bias_that_tips_puts_a_limit_on_no_effect():
    one = StudyEstimate(label="new", estimate=0.8, se=0.06, year=2020.0)
    two = StudyEstimate(label="old", estimate=0.5, se=0.05, year=2010.0)
    found = compare_landmarks(one, two)
    tip = tipping_point(found)
    table = under_bias(found, points=(tip.points_tips, tip.points_vanishes), hazard_ratios=(tip.ratio_tips, tip.ratio_vanishes)).rows
    assert table[0].difference_ci.low == pytest.approx(0.0, abs=1e-12)
    assert table[1].difference == pytest.approx(0.0, abs=1e-12)
    assert table[2].ratio_ci.high == pytest.approx(1.0, abs=1e-12)
    assert table[3].ratio == pytest.approx(1.0, abs=1e-12)
    assert tip.drift_per_decade_tips == pytest.approx(tip.points_tips, abs=1e-12)
    wider = math.hypot(found.log_ratio_se, tip.drift_sd)
    assert found.log_ratio + 1.959963984540054 * wider == pytest.approx(0.0, abs=1e-9)


def test_the_excluded_share_that_tips():
    found = compare_landmarks(StudyEstimate(label="new", estimate=0.8, se=0.06), StudyEstimate(label="old", estimate=0.5, se=0.05))
    q = tipping_point(found).excluded_tips
    s1, l1, u0 = found.treated.survival, found.treated.ci.low, found.control.ci.high
    assert (1 - q) * s1 - 0.5 == pytest.approx(math.hypot((1 - q) * (s1 - l1), u0 - 0.5), abs=1e-10)


def test_digamma_and_trigamma_are_those_of_scipy():
    for x in (1e-3, 0.4, 1.0, 7.5, 11.999, 12.0, 80.0, 1e5):
        assert digamma_trigamma(x) == pytest.approx((float(special.digamma(x)), float(special.polygamma(1, x))), rel=1e-13)


@pytest.mark.parametrize("at_least_one", [True, False])
def test_the_compiled_steps_of_a_beta_mixture_are_the_plain_ones(at_least_one):
    x = np.linspace(0.005, 0.995, 199)
    mass = stats.beta.pdf(x, 9, 4) + 0.4 * stats.beta.pdf(x, 0.7, 1.4)
    mass /= mass.sum()
    share = np.where(np.cumsum(mass) < 0.5, [[0.9], [0.1]], [[0.1], [0.9]])
    got = climb_beta(x, mass, share, at_least_one, 4)
    for _ in range(4):
        weights = share @ mass
        shapes = []
        for own, weight in zip(share, weights, strict=True):
            means = (own * mass) @ np.log(np.stack([x, 1.0 - x])).T / weight

            def gap(logs, means=means):
                a, b = np.exp(logs)
                return special.digamma([a, b]) - special.digamma(a + b) - means

            a, b = np.exp(optimize.fsolve(gap, [1.0, 1.0], xtol=1e-13))
            if at_least_one and min(a, b) < 1.0:
                a, b = (
                    (max(-1.0 / means[0], 1.0), 1.0) if b < 1.0 <= a else (1.0, max(-1.0 / means[1], 1.0)) if a < 1.0 <= b else (1.0, 1.0)
                )
            shapes.append((a, b))
        share = np.stack([w * stats.beta.pdf(x, a, b) for w, (a, b) in zip(weights, shapes, strict=True)])
        share /= share.sum(axis=0)
    assert got[0] == pytest.approx(weights, abs=1e-9)
    assert np.stack(got[1:], axis=1) == pytest.approx(np.array(shapes), rel=1e-8)
    assert (np.min(shapes) >= 1.0) == at_least_one
