"""What must hold for any data: monotone curves, symmetries of arms, weights that cancel, patients that may be split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.result import from_data, to_data
from nextarm.survival import (
    Patients,
    aalen_johansen,
    confidence_band,
    cox,
    fleming_harrington,
    gray_test,
    kaplan_meier,
    log_rank,
    make_patients,
    max_combo,
    median_follow_up,
    milestone_difference,
    nelson_aalen,
    one_sample_log_rank,
    rmst,
    rmst_difference,
    schoenfeld_test,
)
from nextarm.survival.table import replaced

quick = settings(deadline=None, max_examples=40, derandomize=True)


@st.composite
def tables(draw, causes=("a", "b"), weights=False, entry=False, smallest=2):
    n = draw(st.integers(smallest, 40))
    times = draw(st.lists(st.integers(0 if not entry else 1, 20), min_size=n, max_size=n))
    events = draw(st.lists(st.integers(0, len(causes)), min_size=n, max_size=n))
    arm = [0, 1, *draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))]
    late = [draw(st.integers(0, t - 1)) if entry else 0 for t in times]
    return make_patients(
        np.array(times) / 4,
        events,
        arm=arm,
        arms=("0", "1"),
        causes=causes,
        entry=np.array(late) / 4 if entry else None,
        weight=draw(st.lists(st.floats(0.1, 5.0), min_size=n, max_size=n)) if weights else None,
    )


@quick
@given(tables(entry=True, weights=True))
def test_a_curve_falls_within_its_limits_in_the_unit_interval(p):
    for interval in ("log-log", "log", "plain", "beta-product"):
        km = kaplan_meier(p, interval=interval)
        assert (np.diff(km.survival) <= 0).all()
        for part in (km.survival, km.ci_low, km.ci_high):
            assert np.isfinite(part).all()
            assert ((part >= 0) & (part <= 1)).all()
        assert (km.ci_low <= km.survival + 1e-12).all()
        assert (km.ci_high >= km.survival - 1e-12).all()
        assert (km.at_risk > 0).all()


@quick
@given(tables(entry=True))
def test_incidences_and_survival_add_up_to_one(p):
    aj = aalen_johansen(p)
    np.testing.assert_allclose(aj.incidence.sum(axis=1) + aj.survival, 1.0, atol=1e-12)
    assert (np.diff(aj.incidence, axis=0) >= 0).all()
    assert ((aj.ci_low >= 0) & (aj.ci_high <= 1) & (aj.ci_low <= aj.ci_high)).all()


@quick
@given(tables(weights=True, entry=True), st.floats(0.1, 10))
def test_weights_times_a_constant_change_nothing(p, factor):
    q = replaced(p, weight=p.weight * factor)
    a, b = kaplan_meier(p), kaplan_meier(q)
    np.testing.assert_allclose(a.survival, b.survival, atol=1e-12)
    np.testing.assert_allclose(a.standard_error, b.standard_error, atol=1e-10)
    assert log_rank(p).z == pytest.approx(log_rank(q).z, abs=1e-8)


@quick
@given(tables(), st.integers(1, 19))
def test_splitting_a_patient_by_delayed_entry_leaves_the_curve(p, quarter):
    cut = quarter / 4 + 0.125
    later = np.flatnonzero(p.time > cut)
    time = np.concatenate([np.where(p.time > cut, cut, p.time), p.time[later]])
    event = np.concatenate([np.where(p.time > cut, 0, p.event), p.event[later]])
    split = make_patients(time, event, causes=p.causes, entry=np.concatenate([np.zeros(p.n), np.full(later.size, cut)]))
    whole, parts = kaplan_meier(p), kaplan_meier(split)
    np.testing.assert_allclose(parts.survival_at(whole.time), whole.survival, atol=1e-12)
    np.testing.assert_array_equal(parts.at_risk_at(whole.time), whole.at_risk)


@quick
@given(tables())
def test_at_risk_counts_are_plain_counts(p):
    km = kaplan_meier(p)
    t = np.linspace(0, 5.5, 23)
    np.testing.assert_array_equal(km.at_risk_at(t), [(p.time >= x).sum() for x in t])
    np.testing.assert_array_equal(km.at_risk_at(t, "after"), [(p.time > x).sum() for x in t])


@quick
@given(tables(entry=True))
def test_rank_tests_change_sign_with_the_arms(p):
    for test in (log_rank, lambda q, arms: fleming_harrington(q, p=1, q=1, arms=arms)):
        one, two = test(p, arms=("0", "1")), test(p, arms=("1", "0"))
        assert one.z == pytest.approx(-two.z, abs=1e-10)
        assert one.p_value == pytest.approx(two.p_value, abs=1e-10)
        assert 0 <= one.p_value <= 1
        assert one.p_one_sided + two.p_one_sided == pytest.approx(1.0)


@quick
@given(tables())
def test_gray_is_symmetric_and_of_one_cause_near_the_log_rank(p):
    one, two = gray_test(p, cause="a"), gray_test(p, cause="a", arms=("1", "0"))
    assert one.statistic == pytest.approx(two.statistic, abs=1e-8)
    assert 0 <= one.p_value <= 1


@quick
@given(
    st.permutations(range(1, 31)), st.lists(st.booleans(), min_size=30, max_size=30), st.lists(st.integers(0, 1), min_size=28, max_size=28)
)
def test_cox_score_test_is_the_log_rank_test_without_ties(times, events, arm):
    p = make_patients(np.array(times) / 10, np.array(events, int), arm=[0, 1, *arm], arms=("0", "1"))
    test = log_rank(p)
    if test.df:
        assert cox(p).score_test == pytest.approx(test.statistic, rel=1e-9)


@quick
@given(tables(smallest=6), st.integers(0, 2**31))
def test_the_order_of_patients_does_not_matter(p, seed):
    q = p.where(np.random.default_rng(seed).permutation(p.n))
    np.testing.assert_allclose(kaplan_meier(p).survival, kaplan_meier(q).survival, atol=1e-14)
    assert log_rank(p).z == pytest.approx(log_rank(q).z, abs=1e-12)


@quick
@given(tables())
def test_rmst_lies_between_nothing_and_tau(p):
    made = rmst(p)
    assert 0 <= made.rmst <= made.tau
    assert made.ci.low <= made.rmst <= made.ci.high


@quick
@given(tables(), st.floats(0.05, 5.0))
def test_a_milestone_difference_stays_in_its_domain_and_turns_with_the_arms(p, t):
    if min(p.for_arm(a).time.max() for a in p.arms) < t:
        return
    one, two = milestone_difference(p, milestone=t), milestone_difference(p, milestone=t, arms=("1", "0"))
    assert -1 <= one.ci.low <= one.difference <= one.ci.high <= 1
    assert one.difference == pytest.approx(-two.difference, abs=1e-12)
    assert one.ci.low == pytest.approx(-two.ci.high, abs=1e-9)
    assert 0 <= one.p_value <= 1


class Rate:
    def cumulative_hazard(self, t):
        return 0.4 * np.asarray(t)


def results():
    rng = np.random.default_rng(9)
    p = make_patients(rng.exponential(1, 60), rng.integers(0, 3, 60), arm=rng.integers(0, 2, 60), arms=("0", "1"), causes=("a", "b"))
    whole = kaplan_meier(p)
    return [
        whole,
        whole.median,
        whole.at(0.5),
        whole.at(99.0),
        confidence_band(whole),
        nelson_aalen(p),
        aalen_johansen(p),
        median_follow_up(p),
        log_rank(p),
        max_combo(p),
        gray_test(p, cause="a"),
        one_sample_log_rank(p, Rate()),
        rmst(p, tau=1.0),
        rmst_difference(p, tau=1.0),
        milestone_difference(p, milestone=0.5),
        cox(p),
        schoenfeld_test(p),
    ]


@pytest.mark.parametrize("result", results(), ids=lambda r: type(r).__name__)
def test_results_come_back_from_json_equal(result):
    assert type(result).from_json(result.to_json()) == result
    assert result.table().height >= 1
    assert result.trail.method


def test_patients_come_back_equal():
    p = make_patients([1, 2], [1, 0], arm=["a", "b"], entry=[0, 1], weight=[1, 2], stratum=[1, 1], version=[1, 1], unit="months")
    assert from_data(Patients, to_data(p)) == p
