"""The shared frailty from patients: against its own limits, plain sums and drawn truth."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.survival import cox, make_patients, nelson_aalen
from nextarm.synthesis import frailty_cox
from nextarm.synthesis.frailty import interval_of


def drawn(theta=0.3, k=40, n=60, seed=3, hazard_ratio=0.7, spread="gamma"):
    random = block_stream(seed, 0)
    z = random.gamma(1.0 / theta, theta, k) if spread == "gamma" else np.exp(np.sqrt(theta) * random.standard_normal(k))
    trial = np.repeat(np.arange(k), n)
    arm = np.tile([0, 1], k * n // 2)
    time = random.exponential(1.0, k * n) / (0.5 * z[trial] * np.where(arm == 1, hazard_ratio, 1.0))
    end = random.uniform(1.0, 4.0, k * n)
    return make_patients(np.minimum(time, end), (time <= end).astype(int), arm=["old" if a == 0 else "new" for a in arm], stratum=trial)


@pytest.mark.parametrize("distribution", ["gamma", "log-normal"])
def test_drawn_truth_is_found_again(distribution):
    fit = frailty_cox(drawn(spread=distribution), distribution=distribution)
    assert fit.theta == pytest.approx(0.3, abs=0.15)
    found = interval_of(fit, "arm: new")
    assert found.low < 0.7 < found.high


def test_trials_alike_give_theta_zero_and_the_plain_cox_model():
    one = drawn(k=2, n=200)
    time, event, arm = one.time[:200], one.event[:200], [one.arms[a] for a in one.arm[:200]]
    twice = make_patients(np.tile(time, 2), np.tile(event, 2), arm=arm * 2, stratum=np.repeat([0, 1], 200))
    fit, plain = frailty_cox(twice), cox(twice, stratified=False, arm=True)
    assert fit.theta == 0.0
    assert fit.coefficient == pytest.approx(plain.coefficient, abs=1e-6)
    assert any("theta is 0" in w for w in fit.warnings)


def test_single_arms_without_covariates_give_the_nelson_aalen_hazard_where_trials_are_alike():
    time, event = np.arange(1.0, 21.0), np.tile([1, 0, 1, 1], 5)
    both = make_patients(np.tile(time, 2), np.tile(event, 2), stratum=np.repeat([0, 1], 20))
    fit = frailty_cox(both)
    plain = nelson_aalen(both)
    at = np.searchsorted(plain.time, fit.time)
    assert fit.cumulative_hazard == pytest.approx(plain.cumulative_hazard[at], rel=1e-6)
    middle, low, high = fit.survival_at([0.5, 10.0])
    assert middle[0] == 1.0
    assert low[1] <= middle[1] <= high[1]


def test_further_trials_spread_with_theta():
    fit = frailty_cox(drawn(theta=0.5))
    middle, low, high = fit.survival_at([1.0, 2.0])
    assert (low < middle).all()
    assert (middle < high).all()


def test_versions_are_combined_by_rubins_rules():
    p = drawn(k=6, n=40)
    shifted = make_patients(
        np.concatenate([p.time, p.time * 1.01]), np.tile(p.event, 2), arm=[p.arms[a] for a in np.tile(p.arm, 2)],
        stratum=np.tile(p.stratum, 2), version=np.repeat([1, 2], p.n), origin="reconstructed",
    )  # fmt: skip
    fit = frailty_cox(shifted)
    assert fit.versions == 2
    assert 0.0 <= fit.between_share[0] < 0.1
    with pytest.raises(CallError, match="several versions"):
        frailty_cox(shifted, covariates={"x": np.zeros(2 * p.n)})


def test_what_cannot_be_fitted_is_refused():
    p = drawn(k=2, n=10)
    with pytest.raises(CallError, match="which trial each patient"):
        frailty_cox(make_patients([1.0, 2.0], [1, 1]))
    with pytest.raises(RefusedError, match="at least two"):
        frailty_cox(make_patients([1.0, 2.0], [1, 1], stratum=[1, 1]))
    with pytest.raises(RefusedError, match="no events"):
        frailty_cox(make_patients([1.0, 2.0], [0, 0], stratum=[1, 2]))
    with pytest.raises(CallError, match="distribution"):
        frailty_cox(p, distribution="cauchy")
    with pytest.raises(CallError, match="must be one of"):
        interval_of(frailty_cox(p), "no such arm")
