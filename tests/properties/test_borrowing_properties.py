"""What must hold whatever the numbers: limits in their domain, posteriors between prior and data, monotone biases."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.borrowing import (
    BiasTable,
    EValue,
    LandmarkComparison,
    MapPrior,
    MixtureFit,
    ScepticalPosterior,
    TippingPoint,
    beta_mixture,
    compare_landmarks,
    e_value,
    effective_sample_size,
    fit_mixture,
    gamma_mixture,
    map_prior,
    map_prior_binomial,
    map_prior_normal,
    normal_mixture,
    sceptical_posterior,
    square_and_add,
    tipping_point,
    under_bias,
    wilson_limits,
)
from nextarm.synthesis import StudyEstimate, half_cauchy, half_normal

FEW = settings(deadline=None, max_examples=40, derandomize=True)
chance = st.floats(0.02, 0.98)
se = st.floats(0.005, 0.2)


def compared(a, b, x, y, n=None):
    return compare_landmarks(StudyEstimate(label="new", estimate=a, se=x, n=n), StudyEstimate(label="old", estimate=b, se=y))


@FEW
@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_limits_of_a_difference_stay_in_their_domain_and_hold_it(a, m, b, n):
    a, b = min(a, m), min(b, n)
    low, high = square_and_add(a / m, wilson_limits(a / m, m), b / n, wilson_limits(b / n, n))
    assert -1.0 <= low <= a / m - b / n <= high <= 1.0


@FEW
@given(chance, chance, se, se)
def test_a_comparison_turned_round_is_its_mirror(a, b, x, y):
    one, two = compared(a, b, x, y), compared(b, a, y, x)
    assert math.isclose(one.difference_ci.low, -two.difference_ci.high, abs_tol=1e-12)
    assert math.isclose(one.cumulative_hazard_ratio * two.cumulative_hazard_ratio, 1.0, rel_tol=1e-9)
    assert math.isclose(one.ratio_p_two_sided, two.ratio_p_two_sided, abs_tol=1e-12)
    assert 0.0 <= one.difference_p_two_sided <= 1.0
    assert (one.difference > 0) == (one.cumulative_hazard_ratio < 1) or one.difference == 0


@FEW
@given(chance, chance, se, se, st.floats(0.001, 0.05))
def test_the_tipping_point_grows_with_the_effect(a, b, x, y, step):
    """A printed interval that moves up by a step needs a bias larger by that step."""
    low, high = max(0.0, a - 2 * x), min(1.0 - 0.06, a + 2 * x)
    if not low < a < high:
        return
    old = StudyEstimate(label="old", estimate=b, se=y)
    first, second = (
        tipping_point(compare_landmarks(StudyEstimate(label="new", estimate=a + d, ci_low=low + d, ci_high=high + d), old))
        for d in (0.0, step)
    )
    assert second.points_vanishes > first.points_vanishes
    if first.finding and second.finding and first.points_tips > 0:
        assert second.points_tips >= first.points_tips
        assert second.excluded_tips >= first.excluded_tips - 1e-12


@FEW
@given(chance, chance, se, se)
def test_tipping_lies_between_no_bias_and_the_whole_effect(a, b, x, y):
    tip = tipping_point(compared(a, b, x, y))
    assert abs(tip.points_tips) <= abs(tip.points_vanishes) + 1e-12
    assert abs(math.log(tip.ratio_tips)) <= abs(math.log(tip.ratio_vanishes)) + 1e-12
    assert 0.0 <= tip.control_survival_at_ratio_tips <= 1.0
    if not tip.finding:
        assert tip.points_tips == 0.0
    if tip.excluded_tips is not None:
        assert 0.0 <= tip.excluded_tips <= tip.excluded_vanishes + 1e-12 <= 1.0


@FEW
@given(st.lists(st.floats(0.3, 1.5), min_size=2, max_size=6), se)
def test_a_larger_bias_leaves_a_smaller_effect(factors, x):
    found = compared(0.8, 0.5, x, 0.05)
    ordered = tuple(sorted(factors))
    ratios = [r.ratio for r in under_bias(found, hazard_ratios=ordered).rows]
    assert ratios == sorted(ratios, reverse=True)
    assert all(0.0 <= r.control_survival <= 1.0 for r in under_bias(found, hazard_ratios=ordered).rows)


@FEW
@given(st.floats(-2, 2), st.floats(0.05, 1.0), st.floats(0.05, 2.0))
def test_the_sceptics_posterior_lies_between_prior_and_data(b, s, prior):
    found = sceptical_posterior(log_ratio=b, log_ratio_se=s, prior_sd=prior)
    assert min(0.0, b) - 1e-12 <= found.mean <= max(0.0, b) + 1e-12
    assert found.sd < min(s, prior)
    assert 0.0 <= found.probability_below_1 <= 1.0
    if found.critical_prior_sd is not None and found.critical_prior_sd < 1e3:
        at = sceptical_posterior(log_ratio=b, log_ratio_se=s, prior_sd=found.critical_prior_sd)
        touch = at.ci.high if b < 0 else at.ci.low
        assert math.isclose(touch, 1.0, abs_tol=1e-9)


@FEW
@given(st.floats(0.05, 20.0), st.booleans())
def test_e_values_are_at_least_one_and_symmetric(ratio, rare):
    one, two = (e_value(ratio=r, rare=rare).e_value for r in (ratio, 1 / ratio))
    assert one >= 1.0
    assert math.isclose(one, two, rel_tol=1e-9)
    assert e_value(ratio=ratio, rare=False).e_value <= e_value(ratio=ratio, rare=True).e_value + 1e-12


@FEW
@given(st.floats(0.5, 60), st.floats(0.5, 60), st.integers(0, 30), st.integers(0, 30))
def test_a_conjugate_posterior_lies_between_prior_and_data(a, b, r, more):
    n = r + more
    prior = beta_mixture([1.0], [a], [b])
    after = prior.posterior(r, n)
    if n:
        ends = sorted((prior.mean(), r / n))
        assert ends[0] - 1e-12 <= after.mean() <= ends[1] + 1e-12
    assert math.isclose(float(after.a[0] + after.b[0]), a + b + n, rel_tol=1e-12)


@FEW
@given(st.floats(1.01, 300), st.floats(1.01, 300))
def test_a_single_beta_is_worth_its_parameters(a, b):
    prior = beta_mixture([1.0], [a], [b])
    assert math.isclose(effective_sample_size(prior, method="elir"), a + b, rel_tol=1e-4)
    assert math.isclose(effective_sample_size(prior, method="moment"), a + b, rel_tol=1e-9)


@FEW
@given(st.floats(0.05, 0.95), st.floats(1.5, 30), st.floats(1.5, 30), st.floats(0.02, 0.6))
def test_robustifying_never_adds_patients_by_moments(w, a, b, share):
    """A uniform component beside a prior of at least Beta(1, 1)'s size widens it."""
    prior = beta_mixture([w, 1 - w], [a, a], [b, b])
    vague = prior.robustify(share)
    assert math.isclose(float(vague.weights.sum()), 1.0)
    assert effective_sample_size(vague, method="moment") <= effective_sample_size(prior, method="moment") + 1e-9


@FEW
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=5), st.floats(0.1, 1.5))
def test_a_predictive_prior_is_a_distribution_on_0_to_1(counts, scale):
    pairs = [(r, r + m) for r, m in counts if r + m > 0] or [(1, 2)]
    found = map_prior_binomial([r for r, _ in pairs], [n for _, n in pairs], tau=half_normal(scale))
    assert 0.0 <= found.ci.low <= found.median <= found.ci.high <= 1.0
    assert 0.0 < found.mean < 1.0
    assert np.all(np.diff(found.predictive.below) >= 0.0)
    assert np.all(found.predictive.density >= 0.0)
    points, mass = found.points()
    assert math.isclose(float(mass.sum()), 1.0)
    assert abs(float(mass @ points) - found.mean) < 2e-3
    quantiles = [found.quantile(p) for p in (0.01, 0.2, 0.5, 0.8, 0.99)]
    assert quantiles == sorted(quantiles)
    assert math.isclose(found.cdf(found.median), 0.5, abs_tol=1e-6)


@FEW
@given(st.floats(0.05, 0.9), st.floats(0.05, 0.4), st.sampled_from(["cloglog", "logit"]))
def test_more_doubt_about_tau_widens_the_prior(s, error, measure):
    studies = [StudyEstimate(label="one", estimate=s, se=error * s * (1 - s))]
    narrow, wide = (map_prior(studies, likelihood="normal", measure=measure, tau=half_normal(t)) for t in (0.1, 0.5))
    assert wide.ci.low < narrow.ci.low <= narrow.ci.high < wide.ci.high
    assert 0.0 <= wide.ci.low <= wide.ci.high <= 1.0
    assert 0.0 <= wide.mean <= 1.0


def test_results_read_back_equal():
    found = compared(0.8, 0.5, 0.06, 0.05)
    prior = map_prior_binomial([3, 5], [12, 14])
    heavy = map_prior_normal([0.2], [0.3], tau=half_cauchy(0.5), mean_prior=(0.0, 2.0))
    fit = fit_mixture(prior)
    results = [
        (LandmarkComparison, found), (TippingPoint, tipping_point(found)), (BiasTable, under_bias(found, points=(0.0, 0.1))),
        (ScepticalPosterior, sceptical_posterior(found)), (EValue, e_value(found)), (MapPrior, prior), (MapPrior, heavy),
        (MixtureFit, fit), (MixtureFit, fit_mixture(prior.predictive.masses(), family="normal")),
    ]  # fmt: skip
    for kind, result in results:
        assert kind.from_json(result.to_json()) == result
        assert result.table().height >= 1


def test_the_same_grid_gives_the_same_mixture():
    prior = map_prior_binomial([3, 5], [12, 14])
    assert fit_mixture(prior) == fit_mixture(prior)
    tried = fit_mixture(prior, tolerance=1e-9, most=2).tried
    assert tried["1"] >= tried["2"]


def test_a_moment_that_does_not_exist_is_none():
    heavy = map_prior_normal([0.2], [0.3], tau=half_cauchy(0.5), mean_prior=(0.0, 2.0))
    assert heavy.tau_sd is None
    assert heavy.theta_sd is None
    flat = map_prior_normal([0.2], [0.3], tau=half_cauchy(0.5))
    assert flat.tau_mean is None
    assert flat.mean is None


def test_gamma_prior_of_a_rate():
    prior = gamma_mixture([1.0], [4.0], [20.0])
    assert math.isclose(effective_sample_size(prior, method="moment"), 20.0)
    assert math.isclose(effective_sample_size(prior), 20.0, rel_tol=1e-9)
    assert prior.robustify(0.3, mean=0.2).weights.tolist() == [0.7, 0.3]
    assert normal_mixture([1.0], [0.0], [1.0]).robustify(0.0, sd=2.0).sd() == 1.0
