"""The borrowing room against scipy and the synthesis room's own quadrature, run in the test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from nextarm.borrowing import beta_mixture, gamma_mixture, map_prior_normal, normal_mixture
from nextarm.synthesis import StudyEstimate, half_cauchy, half_normal, pool_bayes, uniform

X = np.linspace(0.01, 0.99, 7)


@pytest.mark.parametrize(
    ("mixture", "parts"),
    [
        (beta_mixture([0.7, 0.3], [3, 1], [8, 1]), [stats.beta(3, 8), stats.beta(1, 1)]),
        (normal_mixture([0.7, 0.3], [0.2, 0.9], [0.1, 2.0]), [stats.norm(0.2, 0.1), stats.norm(0.9, 2.0)]),
        (gamma_mixture([0.7, 0.3], [3, 0.8], [8, 1]), [stats.gamma(3, scale=1 / 8), stats.gamma(0.8, scale=1.0)]),
    ],
    ids=["beta", "normal", "gamma"],
)
def test_density_and_distribution_are_scipys(mixture, parts):
    want = 0.7 * parts[0].pdf(X) + 0.3 * parts[1].pdf(X)
    assert mixture.density(X) == pytest.approx(want, rel=1e-12)
    assert mixture.cdf(X) == pytest.approx(0.7 * parts[0].cdf(X) + 0.3 * parts[1].cdf(X), rel=1e-12)
    mean = 0.7 * parts[0].mean() + 0.3 * parts[1].mean()
    second = 0.7 * (parts[0].var() + parts[0].mean() ** 2) + 0.3 * (parts[1].var() + parts[1].mean() ** 2)
    assert mixture.mean() == pytest.approx(mean, rel=1e-12)
    assert mixture.variance() == pytest.approx(second - mean**2, rel=1e-10)


def test_predictive_is_scipys_beta_binomial():
    mixture = beta_mixture([0.7, 0.3], [3, 1], [8, 1])
    r = np.arange(13)
    want = 0.7 * stats.betabinom(12, 3, 8).pmf(r) + 0.3 * stats.betabinom(12, 1, 1).pmf(r)
    assert mixture.predictive(12) == pytest.approx(want, rel=1e-10)


def test_posterior_is_prior_times_likelihood():
    prior = beta_mixture([0.7, 0.3], [3, 1.5], [8, 1.2])
    after = prior.posterior(4, 9)
    evidence = integrate.quad(lambda p: float(prior.density(p)) * p**4 * (1 - p) ** 5, 0, 1)[0]
    want = prior.density(X) * X**4 * (1 - X) ** 5 / evidence
    assert after.density(X) == pytest.approx(want, rel=1e-7)


@pytest.mark.parametrize("tau", [half_normal(5.0), half_cauchy(5.0), uniform(), uniform(30.0)], ids=lambda t: t.words())
def test_normal_history_agrees_with_the_pooling_rooms_posterior(tau):
    y, se = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    mine = map_prior_normal(y, se, tau=tau)
    pooled = pool_bayes(
        [StudyEstimate(label=str(i), estimate=a, se=b) for i, (a, b) in enumerate(zip(y, se, strict=True))],
        measure="identity", probability=False, prior=tau,
    )  # fmt: skip
    assert mine.tau_median == pytest.approx(pooled.tau_median, abs=1e-8)
    assert mine.tau_mean == pytest.approx(pooled.tau_mean, rel=1e-9)
    assert mine.mu_mean == pytest.approx(pooled.mu_mean, rel=1e-10)
    assert mine.theta_sd == pytest.approx(pooled.theta_new_sd, rel=1e-8)
    assert (mine.ci.low, mine.median, mine.ci.high) == pytest.approx(
        (pooled.theta_new_ci.low, pooled.theta_new_median, pooled.theta_new_ci.high), abs=2e-4
    )
