"""Slow plain twins: permutation by refitting, likelihood by brute force, posterior by adaptive quadrature."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from nextarm.synthesis import StudyEstimate, half_cauchy, half_normal, meta_regression, pool_bayes, uniform
from nextarm.synthesis.bayes import tau_mixture
from nextarm.synthesis.tau import Model, ml, reml
from nextarm.validation.cases.synthesis import SCHOOLS, ten_trials


def test_exact_permutation_equals_refitting_every_ordering():
    studies = list(ten_trials()[:5])
    fit = meta_regression(studies, measure="logit", interval="hartung-knapp").coefficient("year")
    years = [s.year for s in studies]
    hits, total = 0, 0
    for order in itertools.permutations(years):
        dealt = [replace(s, year=year) for s, year in zip(studies, order, strict=True)]
        t = meta_regression(dealt, measure="logit", interval="hartung-knapp", permutations=0).coefficient("year").t
        hits += abs(t) >= abs(fit.t) * (1 - 1e-9)
        total += 1
    assert fit.permutation_p == pytest.approx(hits / total)
    assert fit.permutations == total == 120


def test_monte_carlo_permutation_covers_the_exact_p():
    studies = ten_trials()[:7]
    exact = meta_regression(studies, measure="logit").coefficient("year")
    drawn = meta_regression(studies, measure="logit", permutations=4000, seed=5).coefficient("year")
    again = meta_regression(studies, measure="logit", permutations=4000, seed=5).coefficient("year")
    assert exact.permutation_se is None
    assert drawn.permutation_se is not None
    assert abs(drawn.permutation_p - exact.permutation_p) < 4 * drawn.permutation_se
    assert drawn.permutation_p == again.permutation_p


@pytest.mark.parametrize("seed", range(6))
def test_likelihood_maximum_is_the_highest_of_a_fine_grid(seed):
    stream = np.random.default_rng(seed)
    v = stream.gamma(0.5, 0.2, 5) + 1e-3
    model = Model(stream.normal(0.0, 1.0, 5) * np.sqrt(v + stream.choice([0.0, 0.3])), v)
    for estimate, restricted in ((reml, True), (ml, False)):
        found = model.log_likelihood(estimate(model), restricted=restricted)
        grid = np.concatenate([[0.0], np.geomspace(1e-8, max(model.ceiling(), 1e-6), 4000)])
        assert found >= max(model.log_likelihood(t, restricted=restricted) for t in grid) - 1e-9


def test_two_maxima_the_higher_is_taken():
    model = Model(np.array([0.0, 0.05, -0.05, 2.2]), np.array([0.001, 0.001, 0.001, 2.0]))
    best = reml(model)
    assert model.log_likelihood(best, restricted=True) >= model.log_likelihood(0.0, restricted=True)


PRIORS = [
    (half_normal(5.0), lambda t: np.exp(-0.5 * (t / 5) ** 2)),
    (uniform(), lambda t: 1.0),
    (half_cauchy(4.0), lambda t: 1 / (1 + (t / 4) ** 2)),
    (uniform(20.0), lambda t: float(t <= 20)),
]


@pytest.mark.parametrize(("prior", "density"), PRIORS, ids=lambda x: x.words() if hasattr(x, "words") else "")
def test_posterior_moments_against_adaptive_quadrature(prior, density):
    y, s = np.array([x.estimate for x in SCHOOLS]), np.array([x.se for x in SCHOOLS])

    def integrand(t, power, moment):
        w = 1 / (s**2 + t * t)
        variance = 1 / w.sum()
        mu = variance * (w @ y)
        weight = density(t) * np.sqrt(variance) * np.exp(0.5 * np.log(100 * w).sum() - 0.5 * (w @ (y - mu) ** 2))
        return weight * {"one": 1.0, "tau": t, "mu": mu, "mu2": variance + mu * mu}[moment] * power

    ends = [0, 5, 20] if prior.name == "uniform" and prior.scale == 20 else [0, 10, 50, 500, np.inf]
    total = {m: sum(quad(integrand, a, b, args=(1.0, m), epsabs=0, epsrel=1e-11, limit=300)[0] for a, b in itertools.pairwise(ends))
             for m in ("one", "tau", "mu", "mu2")}  # fmt: skip
    got = pool_bayes(SCHOOLS, measure="identity", probability=False, prior=prior)
    mean = total["mu"] / total["one"]
    assert got.mu_mean == pytest.approx(mean, rel=1e-8)
    assert got.tau_mean == pytest.approx(total["tau"] / total["one"], rel=1e-8)
    assert got.mu_sd == pytest.approx((total["mu2"] / total["one"] - mean**2) ** 0.5, rel=1e-8)


def test_tau_quantile_inverts_the_distribution_of_tau():
    y, v = np.array([x.estimate for x in SCHOOLS]), np.array([x.se**2 for x in SCHOOLS])
    mix = tau_mixture(y, v, prior=half_normal(5.0))

    def density(t):
        w = 1 / (v + t * t)
        mu = w @ y / w.sum()
        return np.exp(-0.5 * (t / 5) ** 2 + 0.5 * np.log(100 * w).sum() - 0.5 * np.log(w.sum()) - 0.5 * (w @ (y - mu) ** 2))

    whole = quad(density, 0, np.inf, epsabs=0, epsrel=1e-12)[0]
    for p in (0.025, 0.3, 0.5, 0.9, 0.975):
        assert quad(density, 0, mix.tau_quantile(p), epsabs=0, epsrel=1e-12)[0] / whole == pytest.approx(p, abs=1e-9)


def test_flat_tau_at_zero_is_the_common_effect():
    rows = [StudyEstimate(label=str(i), estimate=y, se=0.1) for i, y in enumerate((0.2, 0.3, 0.25))]
    got = pool_bayes(rows, measure="identity", probability=False, prior=half_normal(1e-6))
    assert got.mu_mean == pytest.approx(0.25)
    assert got.mu_sd == pytest.approx(0.1 / 3**0.5, rel=1e-6)
