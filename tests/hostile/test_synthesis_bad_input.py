"""Bad and degenerate input: a clear refusal or a result with a warning, never NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.evidence import load_package
from nextarm.synthesis import (
    StudyEstimate,
    half_normal,
    influence,
    meta_regression,
    pool,
    pool_bayes,
    pool_evidence,
    pool_many,
    se_from_interval,
    select_for_pooling,
    to_scale,
    uniform,
    with_and_without,
)


def study(label="a", estimate=0.5, **known):
    return StudyEstimate(label=label, estimate=estimate, **(known or {"se": 0.05}))


def test_no_study_is_refused():
    with pytest.raises(RefusedError, match="no study can be pooled"):
        pool([])


def test_one_study_is_returned_with_a_warning():
    result = pool([study()])
    assert result.estimate == pytest.approx(0.5)
    assert result.tau2 is None
    assert result.prediction is None
    assert any("only one study" in w for w in result.warnings)


def test_two_studies_have_no_prediction_interval_on_k_minus_2():
    result = pool([study("a", 0.4), study("b", 0.6)])
    assert result.prediction is None
    assert any("at least three" in w for w in result.warnings)
    assert pool([study("a", 0.4), study("b", 0.6)], prediction="t(k-1)").prediction is not None


def test_identical_studies():
    result = pool([study(x) for x in "abcd"])
    assert result.tau2 == 0.0
    assert result.ci.low < 0.5 < result.ci.high
    assert any("Q-profile interval of tau2 is empty" in w for w in result.warnings)
    plain = pool([study(x) for x in "abcd"], interval="hartung-knapp")
    assert plain.mu_se == 0.0
    assert any("no width" in w for w in plain.warnings)
    for method in ("ml", "dl", "pm", "eb", "sj", "he"):
        assert pool([study(x) for x in "abcd"], method=method).tau2 == 0.0


@pytest.mark.parametrize("estimate", [0.0, 1.0])
def test_all_or_nothing_is_refused_by_name_and_the_rest_pooled(estimate):
    result = pool([study("a", 0.4), study("b", 0.6), study("c", estimate, n=20)])
    assert result.k == 2
    assert "cannot be put on the cloglog scale" in result.trail.left_out[0].reason
    assert any(w.startswith("c is not pooled") for w in result.warnings)


@pytest.mark.parametrize("se", [0.0, -0.1, math.nan, math.inf])
def test_a_standard_error_must_be_above_zero(se):
    with pytest.raises(DataError, match="must be above 0"):
        to_scale(study(se=se))


def test_percent_is_detected():
    with pytest.raises(DataError, match=r"--percent") as caught:
        pool([study("a", 42.0), study("b", 37.0)])
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("estimate", [math.nan, math.inf])
def test_an_estimate_must_be_a_number(estimate):
    with pytest.raises(DataError):
        pool([study("a", estimate)])
    with pytest.raises(RefusedError):
        pool([study("a", estimate)], measure="identity", probability=False)


def test_unknown_words():
    for wrong in ({"measure": "probit"}, {"method": "bayes"}, {"interval": "exact"}, {"prediction": "t"}, {"level": 95.0}):
        with pytest.raises(CallError):
            pool([study()], **wrong)


def test_nothing_known_of_precision():
    with pytest.raises(DataError, match="neither a standard error, an interval nor n"):
        to_scale(StudyEstimate(label="a", estimate=0.4))
    with pytest.raises(DataError, match="switched off"):
        to_scale(study(n=50), binomial=False)


def test_interval_is_read_on_the_scale_that_gives_back_the_estimate():
    from nextarm.synthesis.scales import SCALES

    for on in SCALES:
        middle, true_se = on.forward(0.35), 0.06 * abs(on.slope(0.35))
        half = 1.959963984540054 * true_se
        low, high = on.natural_interval(middle - half, middle + half)
        se, found, _ = se_from_interval(0.35, low, high)
        assert found.name == on.name
        assert se == pytest.approx(true_se, rel=1e-9)


def test_clipped_limits_are_not_inverted():
    se, on, phrase = se_from_interval(0.955, 0.869, 1.0)
    assert on.name == "identity"
    assert se == pytest.approx((0.955 - 0.869) / 1.959963984540054)
    assert "clipped at 1" in phrase
    se, _, phrase = se_from_interval(0.05, 0.0, 0.11)
    assert se == pytest.approx(0.06 / 1.959963984540054)
    with pytest.raises(DataError, match="clipped at 0 and 1"):
        se_from_interval(0.5, 0.0, 1.0)
    with pytest.raises(DataError, match="must contain the estimate"):
        se_from_interval(0.5, 0.6, 0.7)
    with pytest.raises(DataError, match="not clipped equals"):
        se_from_interval(0.9, 0.9, 1.0)


def test_natural_limits_of_a_probability_are_cut_and_said_so():
    result = pool([study("a", 0.97), study("b", 0.9)], measure="identity")
    assert result.ci.high == 1.0
    assert result.mu_ci.high > 1.0
    assert any("is cut there" in w for w in result.warnings)


def test_regression_needs_studies_and_variation():
    with pytest.raises(RefusedError, match="at least 3"):
        meta_regression([study("a", year=2000.0, se=0.1), study("b", year=2001.0, se=0.1)])
    with pytest.raises(RefusedError, match="must vary"):
        meta_regression([study(x, year=2000.0, se=0.1) for x in "abcd"])
    with pytest.raises(CallError):
        meta_regression([study()], moderators=())
    with pytest.raises(CallError):
        meta_regression([study(x, 0.4 + 0.1 * i, year=2000.0 + i, se=0.1) for i, x in enumerate("abcd")], permutations=-1)


def test_identical_studies_on_a_line_do_not_break_the_permutation():
    fit = meta_regression([study(x, year=2000.0 + i, se=0.1) for i, x in enumerate("abcd")])
    assert fit.coefficient("year").estimate == pytest.approx(0.0, abs=1e-12)
    assert fit.coefficient("year").permutation_p == pytest.approx(1.0)


def test_improper_prior_needs_three_studies():
    with pytest.raises(RefusedError):
        pool_bayes([study("a"), study("b", 0.6)], prior=uniform())
    with pytest.raises(RefusedError):
        pool_bayes([])
    with pytest.raises(CallError):
        half_normal(0.0)


def test_moments_that_do_not_exist_are_none():
    from nextarm.synthesis import half_cauchy

    three = [study("a", 0.4), study("b", 0.5), study("c", 0.6)]
    assert pool_bayes(three, prior=uniform()).tau_mean is None
    assert pool_bayes(three[:2], prior=half_cauchy(0.5)).mu_sd is None
    assert pool_bayes(three, prior=half_normal(0.5)).tau_sd is not None


def test_many_fits_refuse_what_is_not_a_number():
    with pytest.raises(DataError):
        pool_many(np.array([[0.1, np.nan]]), np.array([[0.1, 0.1]]))
    with pytest.raises(DataError):
        pool_many(np.array([[0.1, 0.2]]), np.array([[0.1, 0.0]]))
    with pytest.raises(CallError):
        pool_many(np.array([[0.1]]), np.array([[0.1]]))


def test_selection_names_what_there_is():
    package = load_package()
    with pytest.raises(CallError, match="frontline-kmt2a-r"):
        select_for_pooling(package, pool_set="nothing", endpoint="EFS", time=4.0)
    with pytest.raises(CallError, match="EFS"):
        select_for_pooling(package, pool_set="frontline-kmt2a-r", endpoint="PFS", time=4.0)
    with pytest.raises(CallError, match="window"):
        select_for_pooling(package, pool_set="frontline-kmt2a-r", endpoint="EFS", time=4.0, window=-1.0)
    with pytest.raises(RefusedError, match="reports at"):
        pool_evidence(package, pool_set="frontline-kmt2a-r", endpoint="EFS", time=9.0)


def test_influence_needs_three_and_subsets_may_be_empty():
    with pytest.raises(RefusedError):
        influence([study("a"), study("b")])
    named = {n.name: n for n in with_and_without([study("a", n=50), study("b", n=60)])}
    assert named["without binomial standard errors"].pooled is None
    assert "no study" in named["without binomial standard errors"].why
    assert named["without derived rows"].pooled is not None
