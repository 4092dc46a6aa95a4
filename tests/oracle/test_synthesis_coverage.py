"""The coverage study: its fast Bayesian limits against the plain ones, counts, seeds, the page it writes."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.core.errors import CallError
from nextarm.synthesis import StudyEstimate, half_normal, pool_bayes
from nextarm.synthesis.coverage import Coverage, coverage_page, draw, posterior_limits, posterior_shares, simulate_coverage


def test_fast_bayes_is_the_plain_one():
    y, v, _ = draw(5, 0.3, repeats=4, seed=3, sampling="binomial")
    low, high = posterior_limits(y, v, new_study=False)
    new_low, new_high = posterior_limits(y, v, new_study=True)
    for i in range(4):
        studies = [
            StudyEstimate(label=str(j), estimate=float(a), se=float(b) ** 0.5) for j, (a, b) in enumerate(zip(y[i], v[i], strict=True))
        ]
        plain = pool_bayes(studies, measure="identity", prior=half_normal(0.5), probability=False)
        assert (low[i], high[i]) == pytest.approx((plain.mu_ci.low, plain.mu_ci.high), abs=1e-6)
        assert (new_low[i], new_high[i]) == pytest.approx((plain.theta_new_ci.low, plain.theta_new_ci.high), abs=1e-6)


def test_shares_rise_with_the_point():
    y, v, _ = draw(4, 0.2, repeats=3, seed=1, sampling="normal")
    shares = posterior_shares(y, v, np.tile(np.linspace(-3, 3, 9), (3, 1)), new_study=True)
    assert (np.diff(shares, axis=1) > 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()


def test_same_seed_same_table_and_json():
    a = simulate_coverage(ks=(3, 5), taus=(0.2,), repeats=150, seed=4)
    b = simulate_coverage(ks=(5,), taus=(0.2,), repeats=150, seed=4)
    assert a.row(5, 0.2, "wald") == b.row(5, 0.2, "wald")
    assert Coverage.from_json(a.to_json()) == a
    assert simulate_coverage(ks=(5,), taus=(0.2,), repeats=150, seed=5, bayesian=False) != b


def test_ad_hoc_never_holds_less_and_page_shows_every_row():
    found = simulate_coverage(ks=(3, 5), taus=(0.0, 0.4), repeats=150)
    for k in (3, 5):
        for tau in (0.0, 0.4):
            assert found.row(k, tau, "ad-hoc").held >= found.row(k, tau, "hartung-knapp").held
            assert f"| {k} | {tau:.1f} | {found.row(k, tau, 'wald').coverage:.3f}" in coverage_page(found)
    assert found.table().height == 4 * 8


def test_bad_calls():
    for options in ({"ks": (2,)}, {"taus": (-0.1,)}, {"repeats": 0}, {"sampling": "exact"}):
        with pytest.raises(CallError):
            simulate_coverage(**{"ks": (3,), "taus": (0.0,), "repeats": 10} | options)
    with pytest.raises(CallError, match="not in this table"):
        simulate_coverage(ks=(3,), taus=(0.0,), repeats=10, bayesian=False).row(3, 0.0, "bayesian")
