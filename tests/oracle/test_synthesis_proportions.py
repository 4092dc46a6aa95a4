"""Counts: the adaptive quadrature against a plain trapezoid, edges, bad input; expected values made here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, logsumexp

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.synthesis import StudyEstimate, clopper_pearson, pool_proportions
from nextarm.synthesis.adaptive import binomial_normal
from nextarm.synthesis.proportions import MODELS, PooledProportion, beta_binomial_loglik
from nextarm.validation.cases.synthesis_counts import CASES, counted

X, N = np.array([0.0, 3, 9, 1, 0, 7]), np.array([20.0, 30, 40, 200, 10, 7])


def slowly(x, n, mu, tau, points=8001):
    z = np.linspace(-12.0, 12.0, points)
    eta = mu + tau * z[:, None]
    log_f = x * eta - n * np.logaddexp(0.0, eta) - 0.5 * z[:, None] ** 2 - 0.5 * np.log(2.0 * np.pi)
    chosen = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    return float((logsumexp(log_f, axis=0) + np.log(z[1] - z[0]) + chosen).sum())


@pytest.mark.parametrize("tau", [0.0, 0.1, 0.5, 1.0, 2.0, 3.0])
def test_quadrature_is_the_trapezoid(tau):
    assert binomial_normal(X, N, -2.0, tau).value == pytest.approx(slowly(X, N, -2.0, tau), abs=1e-10)


def test_derivatives_are_those_of_the_trapezoid():
    f, h = binomial_normal(X, N, -2.0, 0.7), 1e-4
    gradient = [
        (slowly(X, N, -2 + h, 0.7) - slowly(X, N, -2 - h, 0.7)) / 2 / h,
        (slowly(X, N, -2, 0.7 + h) - slowly(X, N, -2, 0.7 - h)) / 2 / h,
    ]
    assert f.gradient == pytest.approx(gradient, abs=1e-5)
    ahead, behind = binomial_normal(X, N, -2.0, 0.7 + h).gradient, binomial_normal(X, N, -2.0, 0.7 - h).gradient
    assert f.hessian[:, 1] == pytest.approx((ahead - behind) / 2 / h, abs=1e-5)
    assert f.hessian == pytest.approx(f.hessian.T, abs=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_cases(case):
    got = case.compute()
    for name, want in case.expected.items():
        assert abs(got[name] - want) <= case.allowed(name), name


def test_beta_binomial_sums_to_one():
    total = sum(np.exp(beta_binomial_loglik(np.array([float(x)]), np.array([7.0]), 0.3, 2.5)) for x in range(8))
    assert total == pytest.approx(1.0, abs=1e-12)


counts = st.lists(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=7)


@settings(deadline=None, max_examples=12, derandomize=True)
@given(counts, st.sampled_from(MODELS))
def test_limits_stay_inside_and_mirror(pairs, model):
    x, n = [a for a, _ in pairs], [b for _, b in pairs]
    one = pool_proportions(counted(x, n), model=model)
    other = pool_proportions(counted([b - a for a, b in pairs], n), model=model)
    assert 0.0 <= one.ci.low <= one.estimate <= one.ci.high <= 1.0
    assert one.estimate == pytest.approx(1.0 - other.estimate, abs=2e-5)
    assert one.ci.low == pytest.approx(1.0 - other.ci.high, abs=2e-4)
    assert PooledProportion.from_json(one.to_json()) == one


def test_order_does_not_matter():
    a = pool_proportions(counted([1, 5, 9], [20, 30, 25]))
    b = pool_proportions(counted([9, 1, 5], [25, 20, 30]))
    assert a.estimate == pytest.approx(b.estimate, abs=1e-12)


def test_bad_input():
    with pytest.raises(DataError, match="2 problems"):
        pool_proportions(
            [*counted([1], [5]), StudyEstimate(label="A", estimate=0.5, events=6, n=5), StudyEstimate(label="B", estimate=0, events=0, n=0)]
        )
    with pytest.raises(RefusedError, match="not both reported"):
        pool_proportions([StudyEstimate(label="A", estimate=0.5, n=5)])
    with pytest.raises(RefusedError):
        pool_proportions([])
    with pytest.raises(CallError):
        pool_proportions(counted([1], [5]), model="freeman-tukey")
    with pytest.raises(CallError):
        pool_proportions(counted([1], [5]), interval="t")
    with pytest.raises(CallError):
        pool_proportions(counted([1], [5]), level=95.0)


def test_one_study_is_its_exact_interval():
    p = pool_proportions(counted([3], [11]))
    assert (p.ci.low, p.ci.high) == clopper_pearson(3, 11)
    assert "only one study" in " ".join(p.warnings)
    assert p.table().height == 2


def test_study_without_counts_is_named():
    p = pool_proportions([*counted([1, 4], [20, 20]), StudyEstimate(label="no counts", estimate=0.2, se=0.1)])
    assert p.k == 2
    assert p.trail.left_out[0].row.key == "no counts"
