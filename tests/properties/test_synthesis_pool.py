"""What must hold of every pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nextarm.synthesis import METHODS, StudyEstimate, meta_regression, pool, pool_bayes, pool_many
from nextarm.synthesis.scales import SCALES

probability = st.floats(0.02, 0.98)
quick = settings(deadline=None, max_examples=40, derandomize=True)
studies_of = st.lists(st.tuples(probability, st.floats(0.005, 0.2)), min_size=2, max_size=9).map(
    lambda rows: [StudyEstimate(label=f"s{i}", estimate=p, se=se, year=1990.0 + 2 * i) for i, (p, se) in enumerate(rows)]
)
measure = st.sampled_from([s.name for s in SCALES])
method = st.sampled_from(METHODS)
interval = st.sampled_from(["wald", "hartung-knapp", "ad-hoc"])


@quick
@given(studies_of, measure, method, interval)
def test_pool_stays_in_range_and_domain(studies, scale, how, width):
    result = pool(studies, measure=scale, method=how, interval=width)
    values = [s.estimate for s in studies]
    assert min(values) - 1e-9 <= result.estimate <= max(values) + 1e-9
    assert result.tau2 is not None
    assert result.tau2 >= 0.0
    assert 0.0 <= result.ci.low <= result.estimate + 1e-9
    assert result.estimate - 1e-9 <= result.ci.high <= 1.0
    if result.prediction is not None:
        assert 0.0 <= result.prediction.low <= result.prediction.high <= 1.0
    assert sum(s.weight for s in result.studies) == pytest.approx(1.0)
    assert result.i2 is not None
    assert 0.0 <= result.i2 < 1.0
    assert type(result).from_json(result.to_json()) == result


@quick
@given(studies_of, measure, method, st.randoms(use_true_random=False))
def test_order_does_not_matter(studies, scale, how, random):
    shuffled = list(studies)
    random.shuffle(shuffled)
    a, b = (pool(x, measure=scale, method=how) for x in (studies, shuffled))
    assert a.mu == pytest.approx(b.mu, rel=1e-7, abs=1e-9)
    assert a.tau2 == pytest.approx(b.tau2, rel=1e-6, abs=1e-9)


@quick
@given(studies_of, measure)
def test_ad_hoc_is_never_narrower(studies, scale):
    plain, ad_hoc = (pool(studies, measure=scale, interval=i).mu_se for i in ("hartung-knapp", "ad-hoc"))
    assert ad_hoc >= plain * (1 - 1e-12)


@quick
@given(studies_of, st.floats(-3, 3), method)
def test_shifting_all_studies_shifts_the_pool(studies, shift, how):
    moved = [StudyEstimate(label=s.label, estimate=s.estimate + shift, se=s.se) for s in studies]
    options = {"measure": "identity", "probability": False, "method": how}
    a, b = pool(studies, **options), pool(moved, **options)
    assert b.mu - shift == pytest.approx(a.mu, abs=1e-7)
    assert b.tau2 == pytest.approx(a.tau2, rel=1e-5, abs=1e-9)


@quick
@given(studies_of, measure)
def test_q_profile_contains_paule_mandel_where_not_empty(studies, scale):
    result = pool(studies, measure=scale, method="pm")
    if result.tau2_ci is not None and result.tau2 > 0:
        assert result.tau2_ci.low <= result.tau2 <= result.tau2_ci.high


@quick
@given(studies_of)
def test_posterior_is_proper_and_inside(studies):
    result = pool_bayes(studies, measure="logit")
    assert 0.0 <= result.prediction.low <= result.ci.low <= result.estimate <= result.ci.high <= result.prediction.high <= 1.0
    assert 0.0 <= result.tau_ci.low <= result.tau_median <= result.tau_ci.high


@quick
@given(st.integers(2, 9), st.integers(0, 10**6), method, interval)
def test_fast_and_plain_fits_agree(k, seed, how, width):
    stream = np.random.default_rng(seed)
    v = stream.gamma(2.0, 0.02, (3, k)) + 0.002
    y = stream.normal(0.0, 1.0, (3, k)) * np.sqrt(v + stream.choice([0.0, 0.05, 0.5]))
    many = pool_many(y, v, method=how, interval=width)
    for i in range(3):
        rows = [StudyEstimate(label=str(j), estimate=float(y[i, j]), se=float(v[i, j] ** 0.5)) for j in range(k)]
        one = pool(rows, measure="identity", probability=False, method=how, interval=width)
        assert many.mu[i] == pytest.approx(one.mu, abs=1e-10)
        assert many.se[i] == pytest.approx(one.mu_se, abs=1e-9)
        assert many.tau2[i] == pytest.approx(one.tau2, abs=1e-10)


@quick
@given(studies_of)
def test_permutation_p_is_a_probability_and_counts_the_observed(studies):
    assume(3 <= len(studies) <= 6)
    year = meta_regression(studies, measure="logit").coefficient("year")
    assert year.permutation_p is not None
    assert 1.0 / year.permutations <= year.permutation_p <= 1.0
    assert year.permutation_se is None


def test_equal_estimates_give_a_permutation_p_of_one():
    studies = [StudyEstimate(label=f"s{i}", estimate=0.25, se=se, year=1990.0 + 2 * i) for i, se in enumerate((0.125, 0.125, 0.0625))]
    assert meta_regression(studies, measure="logit").coefficient("year").permutation_p == 1.0
