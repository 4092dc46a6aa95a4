"""What may not be compared, and bad input: one clear error with the cure, never a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nextarm.borrowing import (
    beta_mixture,
    compare_arms,
    compare_landmarks,
    e_value,
    effective_sample_size,
    fit_mixture,
    gamma_mixture,
    map_prior,
    map_prior_binomial,
    map_prior_normal,
    normal_mixture,
    pair_rows,
    sceptical_posterior,
    sceptical_prior_sd,
    tipping_point,
    under_bias,
)
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.evidence import Outcome, load_package
from nextarm.synthesis import StudyEstimate, half_normal, uniform

ROW = Outcome(arm_id="a", endpoint="EFS", time_years=4.0, time_origin="diagnosis", estimate=0.5, n=40, source_id="s")


def other(**changes):
    return replace(ROW, arm_id="b", source_id="t", **changes)


@pytest.fixture(scope="module")
def package():
    return load_package()


def with_rows(package, *rows):
    return replace(package, outcomes=(*package.outcomes, *rows))


def test_equal_stated_origins_need_no_assumption():
    assert pair_rows(ROW, other()).assumptions == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (other(endpoint="OS"), "different endpoints"),
        (other(time_years=3.0), "one time"),
        (other(time_years=None), "one time"),
        (other(time_origin="not-stated"), "Align them"),
        (other(time_origin="remission"), "Align them"),
    ],
)
def test_rows_that_may_not_be_compared(row, said):
    with pytest.raises(RefusedError, match=said):
        pair_rows(ROW, row)


def test_data_locks_of_one_source_are_never_mixed():
    early, late = replace(ROW, data_lock="first"), replace(ROW, arm_id="b", data_lock="second")
    for assume in (False, True):
        with pytest.raises(RefusedError, match="data locks"):
            pair_rows(early, late, assume_origin=assume)


def test_one_analysis_may_leave_its_origin_unstated_but_is_marked():
    a, b = replace(ROW, time_origin="not-stated"), replace(ROW, arm_id="b", time_origin="not-stated")
    pairing = pair_rows(a, b)
    assert "one analysis" in pairing.assumptions[0]
    assert pairing.warnings


def test_one_source_with_two_origins_is_still_refused():
    with pytest.raises(RefusedError, match="remission"):
        pair_rows(ROW, replace(ROW, arm_id="b", time_origin="remission"))


def test_assumed_origins_are_recorded_and_shown():
    pairing = pair_rows(ROW, other(time_origin="not-stated"), assume_origin=True)
    assert "assumed equal on the user's word" in pairing.assumptions[0]
    assert "diagnosis" in pairing.warnings[0]
    assert "not stated" in pairing.warnings[0]


def test_origins_that_are_stated_and_differ_are_refused_whatever_is_assumed():
    for assume in (False, True):
        with pytest.raises(RefusedError, match="remission") as refused:
            pair_rows(ROW, other(time_origin="remission"), assume_origin=assume)
        assert "--assume-origin" not in str(refused.value)


def test_across_sources_the_package_is_refused_without_assume_origin(package):
    """The blinatumomab arm against a chemotherapy arm of another paper: unstated origin against diagnosis."""
    row = Outcome(
        arm_id="interfant-06-r", endpoint="DFS", time_years=4.0, time_origin="remission", estimate=0.45, se=0.03, source_id="pieters2019"
    )
    mixed = with_rows(package, row)
    with pytest.raises(RefusedError, match="assume-origin") as refused:
        compare_arms(mixed, control="interfant-06-r")
    assert refused.value.exit_code == 5
    found = compare_arms(mixed, control="interfant-06-r", assume_origin=True)
    assert any("assumed equal" in a for a in found.trail.assumptions)
    assert any("assumed equal" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ({"treated": "blinn"}, CallError, "blin"),
        ({"endpoint": "XYZ"}, CallError, "must be one of"),
        ({"endpoint": "CIR"}, RefusedError, "incidence"),
        ({"endpoint": "EFS"}, RefusedError, "reports no EFS"),
        ({"time": 3.0}, RefusedError, "at 2, 4 years"),
        ({"control": "blin"}, RefusedError, "same arm"),
        ({"data_lock": "never"}, CallError, "first report|long-term report"),
    ],
)
def test_calls_that_cannot_be_answered(package, call, error, said):
    with pytest.raises(error, match=said):
        compare_arms(package, **call)


def test_two_locks_at_one_time_need_a_name(package):
    third = replace(ROW, time_origin="not-stated", data_lock="third", endpoint="DFS", source_id="britt2026", n=30)
    rows = (replace(third, arm_id="blin", estimate=0.8), replace(third, arm_id="interfant-06-histctrl", estimate=0.45))
    both = with_rows(package, *rows)
    with pytest.raises(RefusedError, match="Say which data lock"):
        compare_arms(both)
    found = compare_arms(both, data_lock="third")
    assert found.difference == pytest.approx(0.35)
    assert any("another data lock" in o.reason for o in found.trail.left_out)


def test_times_that_differ():
    early, late = (StudyEstimate(label=f"at {t}", estimate=0.5, se=0.1, time=t) for t in (2.0, 3.0))
    with pytest.raises(RefusedError, match="one time"):
        compare_landmarks(early, late)


@pytest.mark.parametrize(
    "bad",
    [
        StudyEstimate(label="a", estimate=50.0, se=0.1),
        StudyEstimate(label="a", estimate=0.5),
        StudyEstimate(label="a", estimate=1.0, se=0.1),
        StudyEstimate(label="a", estimate=float("nan"), se=0.1),
        StudyEstimate(label="a", estimate=0.5, se=-0.1),
        StudyEstimate(label="a", estimate=0.5, ci_low=0.6, ci_high=0.7),
    ],
)
def test_estimates_that_cannot_be_used(bad):
    with pytest.raises(DataError):
        compare_landmarks(bad, StudyEstimate(label="b", estimate=0.5, se=0.1))


def test_nobody_died_gives_a_difference_and_no_ratio():
    found = compare_landmarks(StudyEstimate(label="a", estimate=1.0, n=20), StudyEstimate(label="b", estimate=0.5, se=0.05))
    assert found.cumulative_hazard_ratio is None
    assert found.difference_ci.high <= 1.0
    assert any("0 or 1" in w for w in found.warnings)
    assert any("binomial SE" in r.marks for r in found.trail.rows)
    assert found.table()["cumulative_hazard_ratio"][0] is None
    assert tipping_point(found).ratio_tips is None
    for needs_ratio in (sceptical_posterior, e_value):
        with pytest.raises(RefusedError):
            needs_ratio(found)
    with pytest.raises(CallError):
        under_bias(found, hazard_ratios=(0.8,))


def test_a_clipped_limit_is_not_inverted():
    found = compare_landmarks(
        StudyEstimate(label="a", estimate=0.95, ci_low=0.85, ci_high=1.0), StudyEstimate(label="b", estimate=0.5, se=0.05)
    )
    assert "clipped" in found.treated.se_basis
    assert found.treated.ci.high == 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: sceptical_posterior(),
        lambda: sceptical_posterior(log_ratio=0.1, log_ratio_se=0.0),
        lambda: sceptical_posterior(log_ratio=float("nan"), log_ratio_se=0.1),
        lambda: sceptical_prior_sd(1.2),
        lambda: sceptical_prior_sd(0.5, 0.7),
        lambda: e_value(),
        lambda: e_value(ratio=2.0),
        lambda: e_value(ratio=-2.0, rare=True),
        lambda: e_value(ratio=2.0, ci=(2.5, 3.0), rare=True),
        lambda: e_value(ratio=2.0, measure="odds", rare=True),
        lambda: beta_mixture([0.5, 0.4], [1, 1], [1, 1]),
        lambda: beta_mixture([0.5, 0.5], [1, -1], [1, 1]),
        lambda: beta_mixture([1.0], [1, 1], [1, 1]),
        lambda: beta_mixture([1.0], [2], [2]).posterior(5, 4),
        lambda: beta_mixture([1.0], [2], [2]).robustify(1.0),
        lambda: beta_mixture([1.0], [2], [2]).quantile(1.0),
        lambda: normal_mixture([1.0], [0.0], [0.0]),
        lambda: normal_mixture([1.0], [0.0], [1.0]).posterior(0.1, 0.0),
        lambda: gamma_mixture([1.0], [2.0], [2.0]).posterior(-1, 2.0),
        lambda: effective_sample_size(normal_mixture([1.0], [0.0], [1.0])),
        lambda: effective_sample_size(beta_mixture([1.0], [2], [2]), method="best"),
        lambda: fit_mixture(map_prior_binomial([3], [9]), family="weibull"),
        lambda: fit_mixture(map_prior_binomial([3], [9]), components=0),
        lambda: map_prior([StudyEstimate(label="a", estimate=0.5, n=20)], likelihood="poisson"),
        lambda: map_prior_binomial([], []),
        lambda: map_prior_binomial([3], [9], mean_prior=(0.0, 0.0)),
        lambda: map_prior_normal([1.0], [0.1, 0.2]),
    ],
)
def test_calls_outside_the_domain(call):
    with pytest.raises(CallError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: map_prior_binomial([5, 3], [4, 9]),
        lambda: map_prior_binomial([1.5], [4]),
        lambda: map_prior_normal([float("inf")], [0.1]),
        lambda: map_prior_normal([0.1], [0.0]),
        lambda: map_prior([StudyEstimate(label="a", estimate=0.5)]),
        lambda: map_prior([StudyEstimate(label="a", estimate=50.0, n=10)]),
        lambda: fit_mixture((np.array([-0.5, 0.2, 0.4]), np.array([0.2, 0.4, 0.4]))),
        lambda: fit_mixture((np.array([0.1, 0.2]), np.array([0.5, 0.5]))),
    ],
)
def test_data_that_cannot_be(call):
    with pytest.raises(DataError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: map_prior_binomial([3], [9], tau=uniform()),
        lambda: map_prior_binomial([0, 0, 0], [9, 9, 9], tau=uniform()),
        lambda: map_prior_normal([0.1, 0.2], [0.1, 0.1], tau=uniform()),
        lambda: map_prior([StudyEstimate(label="a", estimate=1.0, n=9)], likelihood="normal"),
        lambda: effective_sample_size(beta_mixture([0.5, 0.5], [0.7, 2], [2, 2])),
        lambda: effective_sample_size(beta_mixture([1.0], [1], [5]), method="morita"),
    ],
)
def test_questions_that_are_refused(call):
    with pytest.raises(RefusedError):
        call()


def test_all_wrong_counts_are_listed_at_once():
    with pytest.raises(DataError) as error:
        map_prior_binomial([5, 3, -1], [4, 9, 9])
    assert len(error.value.problems) == 2


def test_no_events_and_all_events_are_answered():
    none, everyone = map_prior_binomial([0], [12], tau=half_normal(0.5)), map_prior_binomial([12], [12], tau=half_normal(0.5))
    assert 0.0 < none.mean < 0.2 < 0.8 < everyone.mean < 1.0
    assert "one study" in none.warnings[0]


def test_counts_from_a_survival_estimate_are_labelled():
    found = map_prior([StudyEstimate(label="a", estimate=0.833, n=30)], tau=half_normal(0.5))
    assert any("censoring is ignored" in w for w in found.warnings)
    assert found.trail.rows[0].key == "a"
