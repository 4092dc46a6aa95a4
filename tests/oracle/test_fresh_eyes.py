"""Numbers a second look found wrong: a bias whose interval disagreed with its tipping point, quadrature where events crowd."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from nextarm.borrowing import compare_landmarks
from nextarm.borrowing.sensitivity import sensitivity_array
from nextarm.designs.accrual import constant_accrual
from nextarm.designs.expected_events import expected_events
from nextarm.designs.truths import break_points
from nextarm.report.charts.lines import _told_apart
from nextarm.survival.models import MixtureCure, Weibull
from nextarm.synthesis import StudyEstimate


def blinatumomab():
    treated = StudyEstimate(label="treated", estimate=0.833, ci_low=0.645, ci_high=0.927, time=4.0)
    control = StudyEstimate(label="control", estimate=0.440, ci_low=0.370, ci_high=0.508, time=4.0)
    return compare_landmarks(treated, control, endpoint="DFS")


def test_a_share_never_counted_breaks_the_finding_where_the_tipping_point_says():
    """29 % tips the difference; at 30 % the interval of the ratio must not leave out 1 either."""
    found = sensitivity_array(blinatumomab(), shares=(1e-12, 0.20, 0.30))
    assert found.tipping.excluded_tips == pytest.approx(0.29, abs=0.01)
    assert found.row("share-20").holds
    assert not found.row("share-30").holds
    assert found.row("share-0").ci.high == pytest.approx(found.row("published").ci.high, rel=1e-9)


def test_the_limits_of_a_share_never_counted_are_those_of_the_shrunken_arm():
    """By hand: the treated arm's cloglog limits, its survival times 0.8, joined with the control's by squaring and adding."""
    c, q, z = blinatumomab(), 0.2, 1.959963984540054
    one, two = c.treated, c.control
    assert one.cloglog is not None
    assert one.cloglog_se is not None
    assert two.cloglog is not None
    assert two.cloglog_se is not None
    logs = [math.log(-math.log((1.0 - q) * math.exp(-math.exp(one.cloglog + s * z * one.cloglog_se)))) for s in (-1, 0, 1)]
    b = logs[1] - two.cloglog
    row = sensitivity_array(c, shares=(q,)).row("share-20")
    assert row.ratio == pytest.approx(math.exp(b), rel=1e-12)
    assert row.ci.high == pytest.approx(math.exp(b + math.hypot(logs[2] - logs[1], z * two.cloglog_se)), rel=1e-10)
    assert row.ci.low == pytest.approx(math.exp(b - math.hypot(logs[1] - logs[0], z * two.cloglog_se)), rel=1e-10)


@pytest.mark.parametrize("shape", [1.3, 5.0, 50.0, 500.0])
def test_expected_events_where_they_crowd_around_the_median(shape):
    """Against adaptive quadrature of the share entered early enough, split at the same crowd by its own quantiles."""
    latency = Weibull(shape=shape, scale=0.7 / math.log(2.0) ** (1.0 / shape))
    accrual = constant_accrual(rate=100.0, duration=3.0, follow_up=2.0)
    points = [latency.quantile(np.array([p]))[0] for p in (0.001, 0.5, 0.999)]
    entered = lambda v: 100.0 * min(max(v, 0.0), 3.0)  # noqa: E731
    density = lambda s: float(latency.hazard(np.array([s]))[0] * latency.survival(np.array([s]))[0])  # noqa: E731
    edges = [0.0, *(float(p) for p in points if p < 2.5), 2.5]
    whole = sum(quad(lambda s: entered(2.5 - s) * density(s), a, b, epsabs=1e-10, limit=400)[0] for a, b in itertools.pairwise(edges))
    found = expected_events(MixtureCure(cure_fraction=0.6, latency=latency), accrual=accrual, time=2.5)
    assert found == pytest.approx(0.4 * whole, rel=1e-6)


def test_only_a_crowded_truth_is_split_at_its_quantiles():
    assert break_points(Weibull(shape=1.3, scale=1.0)) == ()
    assert len(break_points(MixtureCure(cure_fraction=0.5, latency=Weibull(shape=50.0, scale=1.0)))) > 4


def test_a_chart_table_shows_halves_and_no_value_twice():
    assert [t for _, t in _told_apart([5.0, 7.5, 10.0], "count")] == ["5", "7.5", "10"]
    texts = [t for _, t in _told_apart([float(x) for x in np.linspace(5, 100, 190)], "count")]
    assert len(texts) == len(set(texts)) <= 96
