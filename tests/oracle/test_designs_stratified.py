"""Stratified log-rank designs against simulated stratified tests; one stratum is no stratum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import PlanError
from nextarm.core.units import FloatArray
from nextarm.designs import plan_from_data
from nextarm.designs.stratified_log_rank import Mixture
from nextarm.survival.models import Exponential, MixtureCure

CURED = {"model": "mixture-cure", "cure_fraction": 0.3, "latency": {"model": "weibull", "shape": 1.2, "median": 0.8}}
STRATA = [{"share": 2.0, "hazard_ratio": 0.5}, {"share": 1.0, "hazard_ratio": 3.0}]


def plan(design: dict[str, Any], **more: Any) -> Any:
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 90.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"control": {"survival": CURED}, "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}}},
            "design": design,
            **more,
        }
    )


def scores(x: FloatArray, d: FloatArray, a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """-U and V of each trial (rows)."""
    order = np.argsort(x, axis=1)
    a, e = np.take_along_axis(a, order, axis=1), np.take_along_axis(d, order, axis=1)
    p = a[:, ::-1].cumsum(axis=1)[:, ::-1] / np.arange(x.shape[1], 0, -1)
    return -(e * (a - p)).sum(axis=1), (e * p * (1.0 - p)).sum(axis=1)


def test_stratified_and_plain_power() -> None:
    made = plan({"kind": "stratified-log-rank", "strata": STRATA})
    got, trials, rng = made.evaluate(), 6000, np.random.default_rng(9)
    truths = made.truths()
    parts = []
    for n, ratio in ((120, 0.5), (60, 3.0)):
        a = np.tile(np.repeat([0.0, 1.0], n // 2), (trials, 1))
        u = rng.random((trials, n))
        inner = -np.expm1(np.log1p(-u) / ratio)  # S ** ratio has the quantile of S at this probability
        event = np.where(a == 1.0, np.asarray(truths["new"].quantile(inner)), np.asarray(truths["control"].quantile(inner)))
        left = 4.0 - 2.0 * rng.random((trials, n))
        parts.append((np.minimum(event, left), (event <= left).astype(float), a))
    by_stratum = [scores(*part) for part in parts]
    z = sum(u for u, _ in by_stratum) / np.sqrt(sum(v for _, v in by_stratum))
    u, v = scores(*(np.hstack([parts[0][i], parts[1][i]]) for i in range(3)))
    for power, sample in ((got.power, z), (got.plain_power, u / np.sqrt(v))):
        want = float((sample >= 1.959964).mean())
        assert power == pytest.approx(want, abs=0.015 + 2.0 * math.sqrt(want * (1.0 - want) / trials))
    assert got.mean_z == pytest.approx(float(z.mean()), abs=0.03)
    assert got.sd_z == pytest.approx(float(z.std()), abs=0.03)
    assert got.events_by_stratum[0] == pytest.approx(float(parts[0][1].sum(axis=1).mean()), rel=0.01)
    assert got.events == pytest.approx(sum(got.events_by_stratum))
    assert got.power > got.plain_power
    assert got.average_hazard_ratio == pytest.approx(0.6)
    assert 0.6 < got.plain_average_hazard_ratio < 1.0
    assert type(got).from_json(got.to_json()) == got


def test_equal_strata_are_the_plain_test() -> None:
    alike = plan({"kind": "stratified-log-rank", "strata": [{"share": 1.0}, {"share": 1.0}]}).evaluate()
    plain = plan({"kind": "log-rank", "method": "asymptotic"}).evaluate()
    assert alike.power == pytest.approx(plain.power, abs=1e-9)
    assert alike.plain_power == pytest.approx(plain.power, abs=1e-9)
    solved = plan({"kind": "stratified-log-rank", "strata": STRATA}, solve={"for": "n"}).evaluate()
    assert solved.power == pytest.approx(0.8, abs=1e-6)
    with pytest.raises(PlanError, match="at least 2"):
        plan({"kind": "stratified-log-rank", "strata": [{"share": 1.0}]})


def test_mixture_quantile_inverts_its_survival() -> None:
    mixture = Mixture(parts=(Exponential(rate=1.0), MixtureCure(cure_fraction=0.5, latency=Exponential(rate=3.0))), shares=(0.3, 0.7))
    p = np.array([0.05, 0.3, 0.6, 0.64])
    assert np.allclose(1.0 - mixture.survival(mixture.quantile(p)), p)
    assert np.isinf(mixture.quantile(np.array([0.7]))[0])
