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
