"""Several times and whole curves: gaps, flat tails, rises, and what cannot be pooled."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.synthesis import StudyCurve, StudyEstimate, pool_several_times, pooled_curve
from nextarm.synthesis.several_times import SeveralTimes, cloglog_covariance, interval_at
from nextarm.validation.cases.synthesis import cabibbo, glioma


def curve(label, times, survival, n=50.0):
    return StudyCurve(label=label, times=np.array(times, float), survival=np.array(survival, float), at_risk=np.full(len(times), n))


def test_the_pooled_curve_never_rises_and_stays_in_the_unit_interval():
    p = pooled_curve(cabibbo())
    for s in (p.survival, p.fixed_survival):
        assert (np.diff(s) <= 0).all()
        assert ((s >= 0) & (s <= 1)).all()
    assert (p.low <= p.survival).all()
    assert (p.survival <= p.high).all()
    assert (p.high <= 1).all()
    assert type(p).from_json(p.to_json()) == p


def test_between_covariance_is_positive_semi_definite():
    assert np.linalg.eigvalsh(pooled_curve(cabibbo()).between).min() >= -1e-12


def test_equal_studies_give_their_own_curve():
    p = pooled_curve([curve(x, [1, 2, 3], [0.8, 0.6, 0.5], n=5000.0) for x in "abc"])
    assert p.survival == pytest.approx([0.8, 0.6, 0.5], abs=1e-3)
    assert p.between == pytest.approx(np.zeros((3, 3)), abs=1e-12)


def test_a_study_with_a_gap_is_used_up_to_it():
    full = [curve(x, [1, 2, 3], [0.8, 0.6, 0.5]) for x in "ab"]
    p = pooled_curve([*full, curve("gap", [1, 3], [0.7, 0.4])])
    assert p.studies_at == (3, 2, 2)
    assert any("no estimate at 2 years" in w for w in p.warnings)


def test_single_tail_is_said_so():
    p = pooled_curve([curve("a", [1, 2], [0.8, 0.6]), curve("b", [1], [0.7])])
    assert any("single study" in w for w in p.warnings)


@pytest.mark.parametrize(
    ("times", "survival", "words"),
    [
        ([1, 2], [0.5, 0.6], "must not rise"),
        ([2, 1], [0.6, 0.5], "must rise"),
        ([1, 2], [1.2, 0.5], "between 0 and 1"),
        ([0, 1], [1, 0.5], "above 0"),
    ],
)
def test_broken_curves_are_all_listed(times, survival, words):
    with pytest.raises(DataError, match=words) as caught:
        pooled_curve([curve("a", times, survival), curve("b", times, survival)])
    assert len(caught.value.problems) == 2


def test_too_few_curves():
    with pytest.raises(RefusedError):
        pooled_curve([curve("a", [1], [0.5])])
    with pytest.raises(RefusedError):
        pooled_curve([])


def test_kaplan_meier_covariance_follows_the_earlier_time():
    S, se = np.array([0.8, 0.5]), np.array([0.04, 0.05])
    V = cloglog_covariance(S, se)
    assert V[0, 1] == pytest.approx((0.04 / 0.8) ** 2 / (np.log(0.8) * np.log(0.5)))
    assert V[1, 1] == pytest.approx((0.05 / (0.5 * np.log(0.5))) ** 2)
    assert np.linalg.eigvalsh(V).min() > 0


def test_higher_likelihood_structure_is_chosen():
    rows = glioma("control")
    best = pool_several_times(rows)
    both = {s: pool_several_times(rows, structure=s).log_likelihood for s in ("cs", "car")}
    assert best.structure == max(both, key=both.get)
    assert SeveralTimes.from_json(best.to_json()) == best
    survival, ci = interval_at(best, 1.0)
    assert ci.low < survival < ci.high
    with pytest.raises(DataError):
        interval_at(best, 7.0)


def test_flat_tail_and_unusable_rows_are_left_out_with_the_reason():
    flat = [StudyEstimate(label="flat", time=t, estimate=s, n=40) for t, s in ((0.5, 0.6), (1.0, 0.4), (1.5, 0.4), (2.0, 0.0))]
    r = pool_several_times([*glioma("experimental"), *flat], structure="cs")
    reasons = " ".join(o.reason for o in r.trail.left_out)
    assert "flat tail" in reasons
    assert "cannot be put on the cloglog scale" in reasons


def test_late_studies_alone_can_make_the_estimates_rise_and_it_is_flagged():
    early = [StudyEstimate(label=f"e{i}", time=1.0, estimate=0.3, se=0.02) for i in range(4)]
    late = [StudyEstimate(label=f"l{i}", time=2.0, estimate=0.6, se=0.02) for i in range(4)]
    r = pool_several_times([*early, *late], structure="cs")
    assert r.rises
    assert any("no survival curve" in w for w in r.warnings)


def test_several_times_refusals():
    with pytest.raises(RefusedError):
        pool_several_times([])
    with pytest.raises(RefusedError):
        pool_several_times([StudyEstimate(label="a", time=1.0, estimate=0.5, n=20)])
    with pytest.raises(DataError, match="once"):
        pool_several_times([StudyEstimate(label="a", time=1.0, estimate=0.5, n=20)] * 2)
    with pytest.raises(CallError):
        pool_several_times(glioma("control"), structure="un")
