"""Several times joined: cases, shape of the curve, timings, what is left out, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.evidence import load_package
from nextarm.synthesis import (
    EventTiming,
    IncrementCurve,
    JoinedTrend,
    StudyEstimate,
    era_trend_joined,
    join_times,
    pool_increments,
    pool_several_times,
    select_rows,
    timing_from_evidence,
    timing_from_shares,
)
from nextarm.validation.cases.synthesis_joined import CASES, glioma

FAST = EventTiming(shape=1.0, scale=1.0)


def row(label, estimate, time, se=0.04, **more):
    return StudyEstimate(label=label, estimate=estimate, se=se, time=time, **more)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_cases(case):
    got = case.compute()
    for name, want in case.expected.items():
        assert abs(got[name] - want) <= case.allowed(name), name


drops = st.lists(st.floats(0.05, 0.6), min_size=1, max_size=4)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(drops, min_size=2, max_size=5))
def test_curve_never_rises_and_holds_its_band(cohorts):
    rows = []
    for i, falls in enumerate(cohorts):
        s = np.exp(-np.cumsum(falls))
        rows += [StudyEstimate(label=str(i), estimate=float(x), n=80, time=float(t + 1)) for t, x in enumerate(s)]
    curve = pool_increments(rows)
    for values in (curve.survival, curve.low, curve.high, curve.prediction_low, curve.prediction_high):
        assert (np.diff(values) <= 1e-12).all()
        assert ((values >= 0.0) & (values <= 1.0)).all()
    assert (curve.low <= curve.survival).all()
    assert (curve.survival <= curve.high).all()
    assert (curve.prediction_low <= curve.low + 1e-12).all()
    assert IncrementCurve.from_json(curve.to_json()) == curve


def test_skipped_times_inform_the_sum():
    every = [row("A", s, t) for t, s in ((1, 0.8), (2, 0.6), (3, 0.5))]
    curve = pool_increments([*every, row("B", 0.5, 3.0)])
    assert curve.studies_at == (1, 1, 2)
    assert curve.survival[-1] == pytest.approx(0.5, abs=0.005)


def test_flat_tail_keeps_the_later_time():
    curve = pool_increments([row("A", 0.6, 1), row("A", 0.5, 2), row("A", 0.5, 3), row("B", 0.62, 1), row("B", 0.52, 3)])
    assert list(curve.times) == [1.0, 3.0]
    assert "flat" in curve.trail.left_out[0].reason
    assert curve.table().height == 2


def test_increments_refuse_what_cannot_be():
    with pytest.raises(RefusedError, match="at least two"):
        pool_increments([row("A", 0.5, 1)])
    with pytest.raises(DataError, match="once"):
        pool_increments([row("A", 0.5, 1), row("A", 0.4, 1), row("B", 0.4, 1)])
    left = pool_increments([row("A", 0.5, 1), row("B", 0.4, 1), row("C", 1.0, 1), row("D", 0.4, None), row("A", 0.6, 2)])
    assert left.k == 2
    assert len(left.trail.left_out) == 3


def test_timing_from_shares_needs_rising_shares():
    for first, second in (((1, 0.5), (1, 0.7)), ((1, 0.7), (2, 0.6)), ((0, 0.1), (1, 0.5)), ((1, 0.5), (2, 1.0))):
        with pytest.raises(CallError):
            timing_from_shares(first, second)


def test_early_and_impossible_rows_are_left_out():
    carried, cohorts, out = join_times(
        [row("early", 0.9, 0.5), row("impossible", 0.05, 1.0), row("good", 0.5, 3.0), row("none", 0.5, None)], time=5.0, timing=FAST
    )
    assert [s.label for s in carried] == ["good"]
    assert {o.row.key for o in out} == {"early", "impossible", "none"}
    assert cohorts[0].factor == pytest.approx(FAST.within(5.0) / FAST.within(3.0))
    assert carried[0].se == pytest.approx(0.04 * cohorts[0].factor)
    assert "carried to another time" in carried[0].row.marks
    assert "carried to 5 years from 3" in carried[0].row.note
    with pytest.raises(CallError):
        join_times([], time=0.0, timing=FAST)
    with pytest.raises(DataError, match="once"):
        join_times([row("A", 0.5, 3), row("A", 0.5, 3)], time=5.0, timing=FAST)


def test_row_at_the_time_is_untouched():
    carried, _, _ = join_times([row("A", 0.45, 5.0)], time=5.0, timing=FAST)
    assert carried[0].estimate == pytest.approx(0.45, abs=1e-12)
    assert carried[0].se == pytest.approx(0.04, abs=1e-12)


def test_several_rows_of_a_cohort_cost_precision_nothing():
    one, _, _ = join_times([row("A", 0.5, 3.0)], time=5.0, timing=FAST)
    two, _, _ = join_times([row("A", 0.5, 3.0), row("A", 1 - 0.5 * FAST.within(1.5) / FAST.within(3.0), 1.5)], time=5.0, timing=FAST)
    assert two[0].se <= one[0].se * (1 + 1e-4)
    assert two[0].estimate == pytest.approx(one[0].estimate, abs=1e-5)


def test_bundled_trend_at_five_years():
    package = load_package("infant-all")
    chosen = select_rows(package, pool_set="frontline-kmt2a-r", endpoint="EFS", time=None)
    joined = era_trend_joined(chosen.studies, timing=timing_from_evidence(package), base=chosen.trail())
    assert {c.label for c in joined.cohorts} <= {s.label for s in chosen.studies}
    assert not any("different times" in r for r in joined.trend.verdict.reasons)
    assert len(joined.checks) == 2
    assert any("timed alike" in a for a in joined.trail.assumptions)
    assert joined.trail.rows[-1] == joined.timing.row
    assert joined.table().height == len(joined.cohorts)
    assert JoinedTrend.from_json(joined.to_json()) == joined


def test_no_timing_row_is_refused():
    from dataclasses import replace

    with pytest.raises(RefusedError, match="relapse timing"):
        timing_from_evidence(replace(load_package("infant-all"), counts=()))


def test_dependence_on_timing_is_said():
    rows = [row(str(i), 0.40 + 0.004 * i, 1.0 if i > 4 else 6.0, se=0.004, year=1995.0 + 3 * i) for i in range(9)]
    joined = era_trend_joined(rows, timing=FAST, margin=0.08)
    conclusions = {c.conclusion for c in joined.checks} | {joined.trend.verdict.conclusion}
    assert (len(conclusions) > 1) == any("depends on the timing" in w for w in joined.warnings)
    assert any("carried by more than a quarter" in w for w in joined.warnings)


def test_binomial_rows_of_several_times_are_marked():
    rows = [
        StudyEstimate(label=x, estimate=s, n=60, time=float(t))
        for x, d in (("A", 0.0), ("B", 0.05), ("C", 0.1))
        for t, s in ((1, 0.7 - d), (2, 0.5 - d))
    ]
    assert all("binomial SE" in r.marks for r in pool_several_times(rows).trail.rows)
    assert glioma("control").trail.rows[0].marks == ("binomial SE",)
