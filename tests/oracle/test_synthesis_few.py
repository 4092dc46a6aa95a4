"""Few studies and uncertain timings: limits widen as they should, and against a Wald fit and plain formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nextarm.core.errors import CallError, RefusedError
from nextarm.synthesis import (
    StudyEstimate,
    era_trend,
    join_times,
    pool,
    pool_several_times,
    timing_draws,
    timing_from_shares,
    timing_spread,
)
from nextarm.synthesis.several_times import cloglog_covariance

FIRST, SECOND = (1.0, 2 / 3), (2.0, 0.9)


def cohorts(k=8, time=None):
    return [
        StudyEstimate(label=str(i), estimate=0.4 + 0.02 * (i % 3), se=0.04, time=time or (3.0, 4.0, 5.0)[i % 3], year=1990.0 + 4 * i)
        for i in range(k)
    ]


def test_at_one_time_limits_on_t_are_the_ad_hoc_interval():
    studies = [StudyEstimate(label=str(i), estimate=s, se=0.03, time=5.0) for i, s in enumerate((0.3, 0.45, 0.5, 0.38))]
    many = pool_several_times(studies, structure="cs", limits="t")
    plain = pool(studies)
    assert many.survival[0] == pytest.approx(plain.estimate, abs=1e-6)
    assert (many.low[0], many.high[0]) == pytest.approx((plain.ci.low, plain.ci.high), abs=1e-5)
    assert "t(k-1)" in many.trail.method


def test_limits_on_t_are_wider_and_few_studies_are_told():
    rows = [
        StudyEstimate(label=str(i), estimate=s - 0.1 * j, se=0.04, time=float(j + 1))
        for i, s in enumerate((0.6, 0.7, 0.65))
        for j in (0, 1, 2)
    ]
    wald, t = pool_several_times(rows), pool_several_times(rows, limits="t")
    assert (t.low < wald.low).all()
    assert (t.high > wald.high).all()
    assert any("limits='t'" in w for w in wald.warnings)
    assert not any("limits='t'" in w for w in t.warnings)
    with pytest.raises(CallError, match="limits"):
        pool_several_times(rows, limits="profile")


def test_a_timing_known_exactly_adds_nothing_and_the_line_is_that_of_the_trend():
    timing = timing_from_shares(FIRST, SECOND)
    found = timing_spread(cohorts(), [timing, timing])
    assert found.between_sd == 0.0
    trend = era_trend(join_times(cohorts(), time=5.0, timing=timing)[0])
    assert found.mean == pytest.approx(trend.change, abs=1e-9)


def test_drawn_timings_centre_on_the_shares_and_spread_less_with_more_events():
    few, many = (timing_draws(FIRST, SECOND, events=n, draws=400) for n in (20, 2000))
    assert np.mean([t.within(1.0) for t in many]) == pytest.approx(2 / 3, abs=0.01)
    assert np.std([t.within(1.0) for t in many]) == pytest.approx(math.sqrt(2 / 9 / 2001), rel=0.15)
    assert timing_spread(cohorts(), few).between_sd > 3.0 * timing_spread(cohorts(), many).between_sd > 0.0
    assert timing_draws(FIRST, SECOND, events=20) == timing_draws(FIRST, SECOND, events=20)


def test_cohorts_that_all_report_at_the_time_do_not_depend_on_the_timing():
    assert timing_spread(cohorts(time=5.0), timing_draws(FIRST, SECOND, events=10)).between_sd == pytest.approx(0.0, abs=1e-12)


def test_refusals():
    with pytest.raises(CallError, match="at least 1 event"):
        timing_draws(FIRST, SECOND, events=0)
    with pytest.raises(RefusedError, match="at least three"):
        timing_spread(cohorts(2), timing_draws(FIRST, SECOND, events=10))


def test_a_correlation_that_no_study_tells_is_nought_in_both_structures() -> None:
    """Closed form: one study alone reports time 1, so its own value is the pooled one, moved by its errors' covariance with time 2 alone.

    Before, rho stood where the search began: S at time 1 was .813 (cs) or .801 (car).
    """
    told = ((0.767, 0.0524), (0.4075, 0.0869), (0.6514, 0.0359))
    rows = [StudyEstimate(label=f"s{i}", time=2.0, estimate=s, se=e) for i, (s, e) in enumerate(told)]
    rows.append(StudyEstimate(label="s2", time=1.0, estimate=0.803, se=0.03))
    found = [pool_several_times(rows, structure=structure) for structure in ("cs", "car")]
    shared = cloglog_covariance(np.array([0.803, 0.6514]), np.array([0.03, 0.0359]))
    y = np.log(-np.log(np.array([0.803, 0.6514])))
    for fit in found:
        assert fit.rho == 0.0
        assert any("do not tell the between-study correlation" in w for w in fit.warnings)
        expected = y[0] - shared[0, 1] / (shared[1, 1] + fit.tau2) * (y[1] - fit.means[1])
        assert fit.means[0] == pytest.approx(expected, abs=1e-9)
