"""Weighted log-rank and RMST designs against slow, plain simulation of the tests themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.core.units import FloatArray
from nextarm.designs import plan_from_data
from nextarm.designs.setting import setting_of
from nextarm.designs.weighted_moments import fleming_harrington, modest, weighted_moments


def plan(design: dict[str, Any], *, n: float = 300.0, ratio: float = 1.0) -> Any:
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "OS", "milestone": 1.5},
            "accrual": {"rate": n, "duration": 1.0, "follow_up": 2.0, "dropout_hazard": 0.05},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": 1.25}},
                "new": {"allocation": ratio, "survival": {"hazard_ratio": 0.6, "of": "control", "delay": 0.4}},
            },
            "design": design,
        }
    )


def trials(made: Any, n: int, count: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Follow-up, event and arm of ``count`` trials, patients in the order of their follow-up."""
    rng, truths = np.random.default_rng(seed), made.truths()
    ones = round(n * made.shares()["new"])
    arm = np.repeat([0.0, 1.0], [n - ones, ones])
    u = rng.random((count, n))
    event = np.where(arm == 1.0, np.asarray(truths["new"].quantile(u)), np.asarray(truths["control"].quantile(u)))
    left = np.minimum(3.0 - rng.random((count, n)), rng.exponential(20.0, (count, n)))
    x, d = np.minimum(event, left), (event <= left).astype(float)
    order = np.argsort(x, axis=1)
    return np.take_along_axis(x, order, axis=1), np.take_along_axis(d, order, axis=1), arm[order]


def weighted_z(x: FloatArray, d: FloatArray, a: FloatArray, weight: Any) -> FloatArray:
    n = x.shape[1]
    at_risk = np.arange(n, 0, -1)
    p = a[:, ::-1].cumsum(axis=1)[:, ::-1] / at_risk
    after = np.cumprod(1.0 - d / at_risk, axis=1)
    before = np.hstack([np.ones((len(x), 1)), after[:, :-1]])
    w = weight(x, before)
    return np.asarray(-(w * d * (a - p)).sum(axis=1) / np.sqrt((w * w * d * p * (1.0 - p)).sum(axis=1)), np.float64)


def at_most(x: FloatArray, before: FloatArray) -> FloatArray:
    floor = np.where(x <= 0.4, before, 1.0).min(axis=1)
    return np.asarray(1.0 / np.maximum(before, floor[:, None]), np.float64)


WEIGHTS = [
    ("log-rank", fleming_harrington(0.0, 0.0), lambda x, s: np.ones_like(s), {}),
    ("late", fleming_harrington(0.0, 0.5), lambda x, s: np.sqrt(1.0 - s), {"q": 0.5}),
    ("early", fleming_harrington(1.0, 0.0), lambda x, s: s, {"p": 1.0}),
    ("modest", modest(0.4), at_most, {"modest_until": 0.4}),
]


@pytest.mark.parametrize(("label", "weight", "plain", "design"), WEIGHTS, ids=[w[0] for w in WEIGHTS])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_weighted_power(label: str, weight: Any, plain: Any, design: dict[str, Any], ratio: float) -> None:
    count = 4000
    made = plan({"kind": "weighted-log-rank", **design}, ratio=ratio)
    x, d, a = trials(made, 300, count, seed=11)
    z = weighted_z(x, d, a, plain)
    m = weighted_moments(setting_of(made), [weight])
    assert float(m.mean_z[0]) == pytest.approx(float(z.mean()), abs=0.07)
    power = float((z >= 1.959964).mean())
    assert made.evaluate().power == pytest.approx(power, abs=0.015 + 2.0 * math.sqrt(power * (1.0 - power) / count))


def test_max_combo_power_bound_and_correlation() -> None:
    made = plan({"kind": "max-combo", "weights": [[0.0, 0.0], [0.0, 1.0]]})
    got: Any = made.evaluate()
    x, d, a = trials(made, 300, 4000, seed=12)
    both = [weighted_z(x, d, a, w) for w in (lambda x, s: np.ones_like(s), lambda x, s: 1.0 - s)]
    m = weighted_moments(setting_of(made), [fleming_harrington(0.0, 0.0), fleming_harrington(0.0, 1.0)])
    assert float(m.correlation[0, 1]) == pytest.approx(float(np.corrcoef(*both)[0, 1]), abs=0.03)
    power = float((np.maximum(*both) >= got.bound).mean())
    assert got.power == pytest.approx(power, abs=0.03)


def test_rmst_standard_error() -> None:
    made = plan({"kind": "rmst-difference", "tau": 1.8}, ratio=2.0)
    got: Any = made.evaluate()
    x, d, a = trials(made, 300, 3000, seed=13)
    means = []
    for arm in (0.0, 1.0):
        here = a == arm
        at_risk = here[:, ::-1].cumsum(axis=1)[:, ::-1]
        step = np.where(here, 1.0 - d / np.maximum(at_risk, 1), 1.0)
        before = np.hstack([np.ones((len(x), 1)), np.cumprod(step, axis=1)])
        edges = np.hstack([np.zeros((len(x), 1)), np.minimum(x, 1.8), np.full((len(x), 1), 1.8)])
        means.append((np.diff(edges, axis=1) * before).sum(axis=1))
    difference = means[1] - means[0]
    assert got.difference == pytest.approx(float(difference.mean()), abs=0.006)
    assert got.se == pytest.approx(float(difference.std()), rel=0.04)
