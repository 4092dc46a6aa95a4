"""External comparison against slow twins: Rubin's rules by hand, drift arithmetic, weights by brute force, bootstrap streams."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from nextarm.borrowing import (
    Adjustment,
    Baseline,
    balancing_weights,
    compare_patients,
    e_value,
    match_to_baseline,
    resample_comparison,
    sensitivity_array,
    simulated_treatment_comparison,
    stated_drift,
    tipping_point,
    under_drift,
)
from nextarm.borrowing.drift import drift_prior
from nextarm.borrowing.simulated_treatment import baseline_profiles
from nextarm.borrowing.weighted_behaviour import control_taken_as_known, simulate_weighted
from nextarm.core.errors import CallError
from nextarm.survival import combine_versions, cox, kaplan_meier, make_patients, milestone_difference, rmst_difference
from nextarm.survival.table import replaced
from nextarm.synthesis import StudyEstimate, era_trend
from nextarm.validation.cases.borrowing_external import TARGET, group

(NEW, X1), (OLD, X0) = group("treated"), group("control")


def versions(m: int):
    """The control rebuilt m times: the same patients with jittered times, stacked."""
    rng = np.random.default_rng(8)
    times = [np.maximum(OLD.time * rng.uniform(0.9, 1.1, OLD.n), 0.01) for _ in range(m)]
    return make_patients(
        np.concatenate(times),
        np.tile(OLD.event, m),
        version=np.repeat(np.arange(m), OLD.n),
        origin="reconstructed",
        time_origin="diagnosis",
    )


def test_versions_are_joined_by_rubins_rules():
    table = versions(5)
    found = compare_patients(NEW, table, milestones=(3.0,), cure_model=None, tau=4.0)
    logs, ses, gaps, gap_ses, y, v = [], [], [], [], [], []
    for k in range(5):
        old = table.for_version(k)
        both = make_patients(
            np.r_[old.time, NEW.time],
            np.r_[old.event, NEW.event],
            arm=["control"] * old.n + ["treated"] * NEW.n,
            arms=("control", "treated"),
        )
        fit = cox(both)
        logs.append(fit.coefficient[0]), ses.append(fit.standard_error[0])
        area = rmst_difference(both, tau=4.0)
        gaps.append(area.difference), gap_ses.append(area.standard_error)
        point = kaplan_meier(old).at(3.0)
        y.append(math.log(-math.log(point.survival)))
        v.append((point.standard_error / (point.survival * math.log(point.survival))) ** 2)
    ratio, area, survival = combine_versions(logs, np.square(ses)), combine_versions(gaps, np.square(gap_ses)), combine_versions(y, v)
    assert found.versions == 5
    assert math.log(found.hazard_ratio.estimate) == pytest.approx(ratio.estimate, abs=1e-12)
    assert found.hazard_ratio.standard_error == pytest.approx(ratio.standard_error, rel=1e-12)
    assert found.rmst.ci.low == pytest.approx(area.ci.low, abs=1e-12)
    assert found.milestones[0].control.survival == pytest.approx(math.exp(-math.exp(survival.estimate)), abs=1e-12)
    assert found.milestones[0].control.cloglog_se == pytest.approx(survival.standard_error, rel=1e-9)
    assert 0.0 < found.hazard_ratio.rebuilt_share < 1.0


def test_one_version_alone_says_that_reconstruction_is_not_in_the_interval():
    alone = replaced(versions(1), version=None)
    found = compare_patients(NEW, alone, milestones=(3.0,), cure_model=None)
    assert any("reconstruction is not in the intervals" in w for w in found.warnings)
    assert not any("reconstruction is not" in w for w in compare_patients(NEW, versions(3), milestones=(3.0,), cure_model=None).warnings)


def test_a_milestone_is_that_of_the_survival_room():
    found = compare_patients(NEW, OLD, milestones=(2.0, 4.0), cure_model=None)
    both = make_patients(np.r_[OLD.time, NEW.time], np.r_[OLD.event, NEW.event], arm=["old"] * OLD.n + ["new"] * NEW.n, arms=("old", "new"))
    for point in found.milestones:
        want = milestone_difference(both, milestone=point.time)
        assert point.difference == pytest.approx(want.difference, abs=1e-12)
        assert point.difference_ci.low == pytest.approx(want.ci.low, abs=1e-9)
        assert point.difference_ci.high == pytest.approx(want.ci.high, abs=1e-9)
        assert point.ratio_p_two_sided == pytest.approx(want.log_log_p, abs=1e-9)


def test_milestones_go_on_to_tipping_points_and_e_values():
    point = compare_patients(NEW, OLD, milestones=(4.0,), cure_model=None).milestones[0]
    assert tipping_point(point).points_vanishes == pytest.approx(point.difference)
    assert e_value(point).form == "hazard ratio, common event"


def test_cure_fractions_differ_by_the_fits_of_each_group():
    from nextarm.survival import fit_model

    found = compare_patients(NEW, OLD, milestones=(4.0,))
    fits = [fit_model(p, model="mixture-cure:weibull").cure_fractions[0].estimate for p in (NEW, OLD)]
    assert found.cure.estimate == pytest.approx(fits[0] - fits[1], abs=1e-9)
    assert found.cure.ci.low < found.cure.estimate < found.cure.ci.high


def test_weights_are_the_nearest_to_equal_that_balance():
    X = X1.values[:25]
    goal = X.mean(axis=0) + 0.2 * X.std(axis=0)
    w = balancing_weights(X, goal)
    constraints = [{"type": "eq", "fun": lambda v: v @ X - goal}, {"type": "eq", "fun": lambda v: v.sum() - 1.0}]
    slow = minimize(
        lambda v: float(v @ np.log(v)), np.full(25, 1 / 25), jac=lambda v: np.log(v) + 1.0, bounds=[(1e-9, 1)] * 25,
        constraints=constraints,
        method="SLSQP", options={"maxiter": 1000, "ftol": 1e-15},
    )  # fmt: skip
    assert np.abs(w - slow.x).max() < 1e-5
    base = np.linspace(1, 2, 25)
    tilted = balancing_weights(X, (base / base.sum()) @ X, base=base)
    assert np.allclose(tilted, base / base.sum(), atol=1e-9)


def test_bootstrap_replicates_do_not_depend_on_how_many_are_drawn():
    adjust = Adjustment(treated=X1, baseline=TARGET)
    short = resample_comparison(NEW, OLD, adjust=adjust, milestones=(3.0,), replicates=100, seed=5)
    again = resample_comparison(NEW, OLD, adjust=adjust, milestones=(3.0,), replicates=100, seed=5)
    assert short == again
    other = resample_comparison(NEW, OLD, adjust=adjust, milestones=(3.0,), replicates=100, seed=6)
    assert other.effect("hazard ratio").median != short.effect("hazard ratio").median


def test_bootstrap_and_robust_errors_agree_roughly():
    """They estimate nearly the same thing: within a third of each other on these sets, with 300 replicates."""
    adjust = Adjustment(treated=X1, control=X0)
    found = compare_patients(NEW, OLD, milestones=(4.0,), adjust=adjust, cure_model=None, replicates=300)
    assert found.resampled.effect("hazard ratio").standard_error == pytest.approx(found.hazard_ratio.standard_error, rel=1 / 3)
    assert found.resampled.effect("S(4) difference").failed == 0


def test_drift_is_a_shift_of_the_log_ratio():
    point = compare_patients(NEW, OLD, milestones=(4.0,), cure_model=None).milestones[0]
    none = under_drift(point, stated_drift(0.0, 0.0), years=10)
    assert none.ratio == pytest.approx(point.cumulative_hazard_ratio, rel=1e-12)
    assert none.ratio_ci.low == pytest.approx(point.ratio_ci.low, rel=1e-12)
    moved = under_drift(point, stated_drift(-0.4, 0.2, between_sd=0.1), years=5, between=True)
    assert math.log(moved.ratio) == pytest.approx(point.log_ratio + 0.2, abs=1e-12)
    half = math.log(moved.ratio_ci.high / moved.ratio_ci.low) / (2 * 1.959963984540054)
    assert half**2 == pytest.approx(point.log_ratio_se**2 + 0.1**2 + 0.1**2, rel=1e-9)
    assert moved.control_survival == pytest.approx(point.control.survival ** math.exp(-0.2), rel=1e-12)


def test_drift_is_learnt_from_the_trend():
    rng = np.random.default_rng(4)
    studies = [
        StudyEstimate(label=f"s{i}", estimate=float(s), se=0.04, n=120, time=4.0, year=1990.0 + 3 * i)
        for i, s in enumerate(np.clip(0.35 + 0.02 * np.arange(9) + rng.normal(0, 0.02, 9), 0.1, 0.9))
    ]
    trend = era_trend(studies)
    prior = drift_prior(trend)
    slope = trend.regression.coefficient("year")
    assert prior.mean == slope.estimate
    assert prior.mean < 0.0
    assert prior.sd >= slope.se
    assert prior.k == 9


def test_the_array_breaks_where_the_tipping_point_says():
    point = compare_patients(NEW, OLD, milestones=(4.0,), cure_model=None).milestones[0]
    made = sensitivity_array(point, drift=stated_drift(-0.3, 0.2), points=(0.01, 0.5), confounders=(1.0, 1.01, 50.0))
    assert made.row("published").ratio == point.cumulative_hazard_ratio
    assert made.row("confounder-1").ratio == pytest.approx(point.cumulative_hazard_ratio, rel=1e-9)
    assert made.row("confounder-1").ci.high == pytest.approx(point.ratio_ci.high, rel=1e-9)
    e = made.e_value.e_value_limit
    at = sensitivity_array(point, confounders=(e,)).rows
    row = next(r for r in at if r.key.startswith("confounder"))
    edge = row.ci.high if point.cumulative_hazard_ratio < 1 else row.ci.low
    assert edge == pytest.approx(1.0, abs=1e-6) if e > 1 else True
    assert "overturned" in made.sentence or "no finding" in made.sentence


def test_profiles_have_the_moments_of_the_table():
    profiles, notes = baseline_profiles(X1, TARGET, n=20_000)
    assert not notes
    assert np.abs(profiles[:, 0].mean() - 5.2) < 1e-9  # antithetic pairs
    assert profiles[:, 0].std() == pytest.approx(1.9, rel=0.02)
    assert profiles[:, 2].mean() == pytest.approx(0.22, abs=0.01)


def test_a_simulated_treatment_comparison_of_alike_groups_is_the_plain_one():
    """A table that is the treated patients' own moves the prediction by no more than the model and the profiles do."""
    own = [
        Baseline(covariate=n, mean=float(X1.column(n).mean()), sd=None if X1.binary(n) else float(X1.column(n).std(ddof=1)))
        for n in X1.names
    ]
    (found,) = simulated_treatment_comparison(NEW, X1, own, OLD, milestones=(4.0,), replicates=100)
    plain = compare_patients(NEW, OLD, milestones=(4.0,), cure_model=None).milestones[0]
    assert found.treated.survival == pytest.approx(plain.treated.survival, abs=0.02)
    assert found.control.survival == plain.control.survival
    assert found.treated.cloglog_se == pytest.approx(plain.treated.cloglog_se, rel=0.3)


def test_matching_to_its_own_means_leaves_patients_as_they_are():
    own = [Baseline(covariate=n, mean=float(X1.column(n).mean())) for n in X1.names]
    assert np.allclose(match_to_baseline(X1, own).treated, 1.0, atol=1e-9)


def test_without_weights_the_groups_are_not_alike_and_with_them_they_are():
    made = simulate_weighted(studies=40, drifts=(0.0,))
    plain, balanced = made.row("unadjusted", 0.0), made.row("entropy att", 0.0)
    assert plain.for_treated > balanced.for_treated
    assert balanced.size < 160
    assert balanced.refused == 0.0
    assert made.row("maic", 0.0).size < 60
    assert simulate_weighted(studies=40, drifts=(0.0,)) == made
    with pytest.raises(CallError):
        made.row("maic", 0.7)


def test_drift_is_a_hazard_ratio_of_the_controls_era():
    """Unadjusted and without confounding the Cox estimate of the drift is the drift, within three standard errors."""
    from nextarm.borrowing.weighted_behaviour import PURPOSE, _group
    from nextarm.core.random import block_stream

    new, x1 = _group(block_stream(1, 0, PURPOSE), 20_000, shift=0.0, drift=0.0)
    old, x0 = _group(block_stream(1, 1, PURPOSE), 20_000, shift=0.0, drift=0.3)
    both = make_patients(np.r_[new.time, old.time], np.r_[new.event, old.event], arm=["new"] * new.n + ["old"] * old.n)
    columns = {n: np.r_[x1.column(n), x0.column(n)] for n in x1.names}
    fit = cox(both, covariates=columns, arm=True)
    assert fit.coefficient[0] == pytest.approx(0.3, abs=0.06)


def test_a_control_taken_as_known_rejects_too_often():
    known, both = control_taken_as_known(trials=2000)
    assert known > 0.08 > 0.065 > both
    drifted = control_taken_as_known(trials=2000, drift=0.1)[1]
    assert drifted > 0.5
