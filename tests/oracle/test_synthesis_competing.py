"""Competing events: the likelihood against a plain trapezoid, sums to one, refusals, bad counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, logsumexp

from nextarm.core.errors import DataError, RefusedError
from nextarm.evidence import load_package
from nextarm.synthesis import CauseCounts, CompetingEvents, cause_counts, pool_competing
from nextarm.synthesis.competing import factor_likelihood

X = np.array([[20.0, 10, 0, 3], [5, 30, 4, 0], [50, 20, 9, 1]])
MU, LOADING = np.array([-0.4, -2.0, -3.0]), np.array([0.6, -0.5, 0.3])


def slowly(x, mu, loading):
    z = np.linspace(-11.0, 11.0, 6001)
    eta = np.concatenate([np.zeros((z.size, 1)), mu + loading * z[:, None]], axis=1)
    log_p = eta - logsumexp(eta, axis=1, keepdims=True)
    log_f = log_p @ x.T - 0.5 * z[:, None] ** 2 - 0.5 * np.log(2 * np.pi)
    return float((logsumexp(log_f, axis=0) + np.log(z[1] - z[0]) + gammaln(x.sum(axis=1) + 1) - gammaln(x + 1).sum(axis=1)).sum())


def test_likelihood_is_the_trapezoid_and_its_gradient_the_slope():
    value, gradient = factor_likelihood(X, MU, LOADING)
    assert value == pytest.approx(slowly(X, MU, LOADING), abs=1e-10)
    h = 1e-4
    for j in range(3):
        e = h * np.eye(3)[j]
        assert gradient[j] == pytest.approx((slowly(X, MU + e, LOADING) - slowly(X, MU - e, LOADING)) / 2 / h, abs=1e-4)
        assert gradient[3 + j] == pytest.approx((slowly(X, MU, LOADING + e) - slowly(X, MU, LOADING - e)) / 2 / h, abs=1e-4)


cohort = st.tuples(st.integers(1, 30), st.integers(0, 20), st.integers(0, 5), st.integers(0, 4))


@settings(deadline=None, max_examples=6, derandomize=True)
@given(st.lists(cohort, min_size=3, max_size=5))
def test_parts_sum_to_one(rows):
    cohorts = [
        CauseCounts(label=str(i), n=f + r + t + o, events={"relapse": r, "TRM": t}, any_event=r + t + o, time=4.0)
        for i, (f, r, t, o) in enumerate(rows)
    ]
    found = pool_competing(cohorts)
    assert sum(i.estimate for i in found.incidences) == pytest.approx(1.0, abs=1e-9)
    assert found.average.sum() == pytest.approx(1.0, abs=1e-9)
    for i in found.incidences:
        assert 0.0 <= i.ci.low <= i.estimate + 1e-12
        assert i.estimate <= i.ci.high + 1e-12 <= 1.0 + 2e-12
    assert CompetingEvents.from_json(found.to_json()) == found


def test_no_event_of_a_cause_stays_zero():
    found = pool_competing([CauseCounts(label=str(i), n=30, events={"relapse": r, "TRM": 0}) for i, r in enumerate((5, 9, 12))])
    assert found.incidence("TRM").estimate == 0.0
    assert found.incidence("TRM").ci.high == pytest.approx(1 - 0.025 ** (1 / 90))
    assert found.incidence("relapse").estimate == pytest.approx(1 - found.incidence("event-free").estimate)
    assert any("no TRM" in w for w in found.warnings)


def test_few_cohorts_are_refused_and_shown():
    two = [CauseCounts(label=f"trial {i}", n=30, events={"relapse": 5, "TRM": 1}) for i in range(2)]
    with pytest.raises(RefusedError, match="trial 1: 5 relapse, 1 TRM of 30; no deaths: 8 relapse of 40"):
        pool_competing([*two, CauseCounts(label="no deaths", n=40, events={"relapse": 8})])


def test_bundled_frontline_arms_are_refused():
    found = cause_counts(load_package("infant-all"), pool_set="frontline-kmt2a-r")
    assert sum("relapse" in c.events for c in found) >= 1
    with pytest.raises(RefusedError, match="at least 3"):
        pool_competing(found)


def test_different_horizons_are_refused():
    with pytest.raises(RefusedError, match="different quantities"):
        pool_competing([CauseCounts(label=str(t), n=30, events={"relapse": 5, "TRM": 1}, time=float(t)) for t in (2, 4, 4)])


def test_impossible_counts():
    good = {"relapse": 5, "TRM": 1}
    bad = [
        CauseCounts(label="more than n", n=5, events=good),
        CauseCounts(label="negative", n=50, events={"relapse": -1, "TRM": 1}),
        CauseCounts(label="any below sum", n=50, events=good, any_event=3),
    ]
    with pytest.raises(DataError, match="3 problems"):
        pool_competing(bad)
    with pytest.raises(RefusedError, match="event-free"):
        pool_competing([CauseCounts(label=str(i), n=6, events=good) for i in range(3)])
    with pytest.raises(DataError, match="must be one of"):
        pool_competing([CauseCounts(label=str(i), n=30 + i, events=good) for i in range(3)]).incidence("death")


def test_cohort_without_a_cause_is_named():
    rows = [CauseCounts(label=str(i), n=30, events={"relapse": 5 + i, "TRM": 1}) for i in range(3)]
    found = pool_competing([*rows, CauseCounts(label="half", n=20, events={"relapse": 2})])
    assert found.k == 3
    assert "TRM" in found.trail.left_out[0].reason
    assert found.table().height == 3
