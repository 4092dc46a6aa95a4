"""The designs' integrals against slow, plain simulation: log-rank moments, Kaplan-Meier variance, type I error of bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.core.units import FloatArray
from nextarm.designs import LookData, ProportionalHazards, boundaries, constant_accrual, log_rank_moments, plan_from_data
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.log_rank_two_arm import asymptotic_power
from nextarm.designs.look_decisions import bounds_seen, decide_at_looks
from nextarm.designs.reach import events_distribution
from nextarm.designs.setting import setting_of
from nextarm.survival.models import Exponential, MixtureCure, Weibull

LN2 = math.log(2.0)
LATENCY = Weibull(shape=1.3, scale=0.7 / LN2 ** (1.0 / 1.3))


def patients(model: Any, accrual: Any, time: float, u: FloatArray, v: FloatArray, loss: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Follow-up times and event indicators at ``time`` from uniforms."""
    event = np.asarray(model.quantile(u))
    leave = time - accrual.entry_time(v)
    if accrual.dropout_hazard > 0.0:
        leave = np.minimum(leave, -np.log1p(-loss) / accrual.dropout_hazard)
    return np.minimum(event, leave), (event <= leave).astype(np.float64)


def simulated_z(control: Any, experimental: Any, *, n: int, accrual: Any, time: float, trials: int, seed: int) -> FloatArray:
    """Log-rank z of ``trials`` virtual trials with n / 2 patients an arm."""
    rng = np.random.default_rng(seed)
    arm = np.repeat([0.0, 1.0], n // 2)
    x, d = np.empty((trials, n)), np.empty((trials, n))
    for j, model in ((0, control), (1, experimental)):
        here = arm == j
        u, v, loss = rng.random((3, trials, n // 2))
        x[:, here], d[:, here] = patients(model, accrual, time, u, v, loss)
    order = np.argsort(x, axis=1)
    a, e = arm[order], np.take_along_axis(d, order, axis=1)
    p = a[:, ::-1].cumsum(axis=1)[:, ::-1] / np.arange(n, 0, -1)
    return np.asarray(-(e * (a - p)).sum(axis=1) / np.sqrt((e * p * (1 - p)).sum(axis=1)), np.float64)


TRUTHS = [
    ("cure effect", MixtureCure(cure_fraction=0.60, latency=LATENCY), MixtureCure(cure_fraction=0.75, latency=LATENCY), 320, 0.01),
    ("large cure effect", MixtureCure(cure_fraction=0.60, latency=LATENCY), MixtureCure(cure_fraction=0.84, latency=LATENCY), 134, 0.01),
    ("delayed", Exponential(rate=0.6), ProportionalHazards(base=Exponential(rate=0.6), hazard_ratio=0.5, delay=0.4), 200, 0.05),
    ("proportional", Exponential(rate=LN2), ProportionalHazards(base=Exponential(rate=LN2), hazard_ratio=0.4), 80, 0.0),
    ("crossing", Exponential(rate=0.6), Weibull(shape=0.6, scale=3.0), 300, 0.0),
]


@pytest.mark.parametrize(("label", "control", "experimental", "n", "dropout"), TRUTHS, ids=[t[0] for t in TRUTHS])
def test_moments_and_power_of_the_log_rank(label: str, control: Any, experimental: Any, n: int, dropout: float) -> None:
    trials = 12_000
    accrual = constant_accrual(rate=n / 3.0, duration=3.0, follow_up=2.0, dropout_hazard=dropout)
    moments = log_rank_moments(control, experimental, share=0.5, accrual=accrual, time=5.0)
    z = simulated_z(control, experimental, n=n, accrual=accrual, time=5.0, trials=trials, seed=20260101)
    assert moments.mean_z == pytest.approx(float(z.mean()), abs=0.03)
    assert moments.sd_z == pytest.approx(float(z.std()), abs=0.02)
    power = float((z >= 1.959964).mean())
    assert asymptotic_power(moments, 0.025) == pytest.approx(power, abs=0.01 + 2.0 * math.sqrt(power * (1 - power) / trials))


def test_greenwood_integral_against_simulated_kaplan_meier() -> None:
    model = MixtureCure(cure_fraction=0.5, latency=LATENCY)
    accrual = constant_accrual(rate=80.0, duration=2.5, follow_up=0.5, dropout_hazard=0.1)
    want = kaplan_meier_se(model, accrual=accrual, analysis_time=3.0, milestone=1.5)
    rng = np.random.default_rng(7)
    found = []
    for _ in range(3000):
        x, d = patients(model, accrual, 3.0, *rng.random((3, 200)))
        order = np.argsort(x)
        here = (x[order] <= 1.5) & (d[order] == 1.0)
        found.append(np.prod((1.0 - 1.0 / np.arange(200, 0, -1))[here]))
    assert want == pytest.approx(float(np.std(found)), rel=0.05)


def test_the_bounds_hold_their_error_on_simulated_brownian_motion() -> None:
    trials = 400_000
    t = np.array([0.3, 0.55, 1.0])
    rng = np.random.default_rng(11)
    steps = rng.standard_normal((trials, 3)) * np.sqrt(np.diff(np.concatenate([[0.0], t])))
    z = steps.cumsum(axis=1) / np.sqrt(t)
    limit = 3.0 * math.sqrt(0.025 * 0.975 / trials)
    for family in (
        "obrien-fleming",
        "pocock",
        "wang-tsiatis",
        "lan-demets-obrien-fleming",
        "lan-demets-pocock",
        "hwang-shih-decani",
        "kim-demets",
    ):
        got = boundaries(t, family=family)
        assert float((z >= got.efficacy).any(axis=1).mean()) == pytest.approx(0.025, abs=limit), family
    both = boundaries(t, beta=0.2, futility="kim-demets", binding=True)
    up, low = z >= both.efficacy, z < both.futility
    open_ = np.ones(trials, np.bool_)
    rejected = 0
    for k in range(3):
        rejected += int((open_ & up[:, k]).sum())
        open_ &= ~(up[:, k] | low[:, k])
    assert rejected / trials == pytest.approx(0.025, abs=limit)


def test_trials_cut_short_keep_the_type_one_error() -> None:
    """Some trials never reach their events: their last look comes early and spends all alpha that is left."""
    trials = 200_000
    rng = np.random.default_rng(5)
    events = np.column_stack([np.full(trials, 48), rng.integers(45, 81, trials)])
    done = np.ones((trials, 2), np.bool_)
    short = events[:, 1] < 48  # the first look is the last: at the events seen by the latest time
    events[short, 0], done[short, 1] = events[short, 1], False
    first = rng.standard_normal(trials) * np.sqrt(events[:, 0])
    second = first + rng.standard_normal(trials) * np.sqrt(np.maximum(events[:, 1] - events[:, 0], 0))
    z = np.column_stack([first / np.sqrt(events[:, 0]), second / np.sqrt(events[:, 1])])
    bounds = boundaries(np.array([0.6, 1.0]))
    got = decide_at_looks(
        LookData(z=z, events=events.astype(np.int64), done=done),
        planned=80, alpha=0.025, family="lan-demets-obrien-fleming", parameter=None,
        efficacy=bounds.efficacy, futility=np.array([-np.inf, bounds.efficacy[-1]]), binding=False,
    )  # fmt: skip
    rate = float((got.rejected_at >= 0).mean())
    assert rate == pytest.approx(0.025, abs=3.0 * math.sqrt(0.025 * 0.975 / trials))
    assert np.all(got.stopped_at[short] == 0)


def test_bounds_seen_are_the_planned_ones_where_the_plan_was_kept() -> None:
    planned = boundaries(np.array([0.6, 1.0]))
    arguments: dict[str, Any] = {
        "alpha": 0.025, "family": "lan-demets-obrien-fleming", "parameter": None,
        "efficacy": tuple(planned.efficacy), "futility": (-math.inf, -math.inf), "binding": False,
    }  # fmt: skip
    assert bounds_seen((0.6, 1.0), **arguments) == pytest.approx(planned.efficacy, abs=1e-12)
    assert bounds_seen((0.5,), **arguments) == pytest.approx([1.959964], abs=1e-6)
    assert bounds_seen((0.6, 0.6), **arguments)[0] == math.inf


def test_the_distribution_of_events_is_that_of_simulated_trials() -> None:
    plan = plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 30.0, "duration": 2.0, "follow_up": 1.0, "dropout_hazard": 0.05},
            "arms": {
                "control": {
                    "survival": {"model": "mixture-cure", "cure_fraction": 0.5, "latency": {"model": "exponential", "median": 0.7}}
                },
                "new": {"survival": {"hazard_ratio": 0.6, "of": "control"}},
            },
            "design": {"kind": "log-rank"},
        }
    )
    setting = setting_of(plan)
    distribution = events_distribution(setting, time=3.0)
    rng = np.random.default_rng(3)
    counts = sum(patients(m, setting.accrual, 3.0, *rng.random((3, 20_000, 30)))[1].sum(axis=1) for m in setting.truths.values())
    assert float(distribution.sum()) == pytest.approx(1.0, abs=1e-12)
    assert float(distribution @ np.arange(len(distribution))) == pytest.approx(float(np.mean(counts)), abs=0.15)
    assert float(distribution[20:].sum()) == pytest.approx(float(np.mean(np.asarray(counts) >= 20)), abs=0.012)
