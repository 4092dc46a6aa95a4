"""Our estimates against lifelines, run here on the same arrays."""

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter, NelsonAalenFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time

from nextarm.survival import aalen_johansen, cox, fleming_harrington, kaplan_meier, log_rank, make_patients, nelson_aalen, rmst


def arrays(seed, n=120, digits=None, arms=2):
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, arms, n)
    latent, censor = rng.exponential(1.0, n) * (1 + 0.5 * arm), rng.uniform(0.3, 3.0, n)
    time = np.minimum(latent, censor)
    return (time if digits is None else np.round(time, digits) + 0.05), (latent <= censor).astype(int), arm, rng


@pytest.mark.parametrize("digits", [None, 1])
def test_kaplan_meier_and_its_log_log_limits(digits):
    t, e, _, _ = arrays(1, digits=digits)
    ours, theirs = kaplan_meier(make_patients(t, e)), KaplanMeierFitter().fit(t, e)
    np.testing.assert_allclose(ours.survival, theirs.survival_function_.iloc[1:, 0], rtol=1e-12)
    inside = (ours.survival > 0) & (ours.survival < 1)
    np.testing.assert_allclose(ours.ci_low[inside], theirs.confidence_interval_.iloc[1:, 0][inside], rtol=1e-10)
    assert ours.median.time == theirs.median_survival_time_


def test_kaplan_meier_with_delayed_entry_and_weights():
    t, e, _, rng = arrays(2)
    entry = np.where(rng.random(t.size) < 0.5, 0.6 * t, 0.0)
    weight = rng.uniform(0.5, 2.0, t.size)
    ours = kaplan_meier(make_patients(t, e, entry=entry, weight=weight))
    theirs = KaplanMeierFitter().fit(t, e, entry=entry, weights=weight)
    np.testing.assert_allclose(ours.survival, theirs.survival_function_at_times(ours.time), rtol=1e-10)


def test_nelson_aalen_without_ties():
    t, e, _, _ = arrays(3)
    ours, theirs = nelson_aalen(make_patients(t, e)), NelsonAalenFitter(nelson_aalen_smoothing=False).fit(t, e)
    np.testing.assert_allclose(ours.cumulative_hazard, theirs.cumulative_hazard_at_times(ours.time), rtol=1e-12)


def test_aalen_johansen():
    t, e, _, rng = arrays(4)
    kind = e * rng.integers(1, 3, t.size)
    ours = aalen_johansen(make_patients(t, kind, causes=("a", "b")))
    theirs = AalenJohansenFitter(calculate_variance=False).fit(t, kind, event_of_interest=2)
    np.testing.assert_allclose(ours.incidence[:, 1], theirs.cumulative_density_.iloc[1:, 0], rtol=1e-12)


@pytest.mark.parametrize(("p", "q"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 2)])
def test_fleming_harrington(p, q):
    t, e, a, _ = arrays(5, digits=1)
    theirs = logrank_test(t[a == 0], t[a == 1], e[a == 0], e[a == 1], weightings="fleming-harrington", p=p, q=q)
    ours = fleming_harrington(make_patients(t, e, arm=a), p=p, q=q)
    assert ours.statistic == pytest.approx(theirs.test_statistic, rel=1e-10)
    assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-8)


def test_log_rank_of_three_arms():
    t, e, a, _ = arrays(6, arms=3)
    theirs = multivariate_logrank_test(t, a, e)
    assert log_rank(make_patients(t, e, arm=a)).statistic == pytest.approx(theirs.test_statistic, rel=1e-10)


def test_cox_with_delayed_entry():
    t, e, a, rng = arrays(7)
    entry = np.where(rng.random(t.size) < 0.5, 0.5 * t, 0.0)
    frame = pd.DataFrame({"t": t, "e": e, "a": a, "s": entry})
    theirs = CoxPHFitter().fit(frame, "t", "e", entry_col="s", fit_options={"precision": 1e-12})
    ours = cox(make_patients(t, e, arm=a, arms=("0", "1"), entry=entry))
    assert ours.coefficient[0] == pytest.approx(theirs.params_.iloc[0], rel=1e-6)
    assert ours.standard_error[0] == pytest.approx(theirs.standard_errors_.iloc[0], rel=1e-6)


def test_rmst():
    t, e, _, _ = arrays(8)
    theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(t, e), t=1.7)
    assert rmst(make_patients(t, e), tau=1.7).rmst == pytest.approx(theirs, rel=1e-10)
