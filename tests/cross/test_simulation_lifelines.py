"""The oracle's statistics on virtual trials against lifelines."""

from __future__ import annotations

import math

import pytest

from nextarm.simulation.block import cohort_of, prepared
from nextarm.simulation.oracle import kaplan_meier_at, log_rank_z, snapshot
from simulation_plans import two_arms

statistics = pytest.importorskip("lifelines.statistics")


@pytest.mark.parametrize("trial", range(12))
def test_log_rank_and_kaplan_meier(trial: int) -> None:
    from lifelines import KaplanMeierFitter

    made = prepared(two_arms(dropout_hazard=0.2))
    data = snapshot(cohort_of(made, 0, seed=8, block=1, trial=trial), 2.5)
    a, b = data.arm == 0, data.arm == 1
    test = statistics.logrank_test(data.time[a], data.time[b], data.event[a], data.event[b])
    z = log_rank_z(data)
    assert z * z == pytest.approx(test.test_statistic, rel=1e-9)
    for arm, here in ((0, a), (1, b)):
        fit = KaplanMeierFitter().fit(data.time[here], data.event[here])
        survival, variance = kaplan_meier_at(data, arm, 1.2)
        assert survival == pytest.approx(float(fit.predict(1.2)), abs=1e-12)
        if 0.0 < survival < 1.0:  # lifelines keeps Greenwood's sum, not the variance
            greenwood = float(fit._cumulative_sq_.loc[:1.2].iloc[-1])
            assert variance == pytest.approx(survival * survival * greenwood, rel=1e-9)
    assert math.isfinite(z)
