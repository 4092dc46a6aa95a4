"""Guards of OS beside restricted means and beside a one-arm posterior, against trials simulated and analysed in plain numpy."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from nextarm.core.units import FloatArray
from nextarm.designs import Plan, plan_from_data
from nextarm.designs.overall_survival import years_of_survivors
from nextarm.simulation import simulate, simulate_guarded
from nextarm.survival.models import Exponential

CURE, RATE, SAVED, AFTER = 0.65, 0.7, 0.4, 0.8
EFS: dict[str, Any] = {"model": "mixture-cure", "cure_fraction": CURE, "latency": {"model": "exponential", "rate": RATE}}
GUARD: dict[str, Any] = {"margin": 0.08, "alpha": 0.1, "salvage": SAVED, "after_event": AFTER}
#: Accrual over 8 years and 3 of follow-up, 240 patients: at the analysis not everybody has been followed to 4 years.
YEARS, FOLLOW, PATIENTS, MILESTONE, TAU = 8.0, 3.0, 240, 4.0, 5.0

#: Trials in plain numpy, virtual trials, and four standard errors of the difference of two rates.
TRIALS, VIRTUAL = 10_000, 4_096
LIMIT = 4.0 * math.hypot(0.5 / math.sqrt(TRIALS), 0.5 / math.sqrt(VIRTUAL))


def plan(kind: str, *, guard: dict[str, Any] | None = GUARD, **design: Any) -> Plan:
    two = kind == "rmst-difference"
    own: dict[str, Any] = {"margin": 0.4, "tau": TAU} if two else {"null_survival": 0.6, "threshold": 0.95}
    made = {"kind": kind} | own | design | ({"os_guard": guard} if guard else {})
    arms = ({"control": {"survival": EFS}} if two else {}) | {"new": {"survival": EFS}}
    lost = {"name": "less", "arms": {"new": {"survival": {"cure_fraction": CURE - 0.1}}}}
    return plan_from_data(
        {
            "trial": {"name": "t", "endpoint": "EFS", "milestone": MILESTONE},
            "accrual": {"rate": PATIENTS / YEARS, "duration": YEARS, "follow_up": FOLLOW},
            "arms": arms,
            "design": made,
            "scenario": [lost],
        }
    )


def arm(g: np.random.Generator, trials: int, n: int, cure: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Time to the event, to death, and to the analysis, (trials, n) each."""
    shape = (trials, n)
    event = np.where(g.random(shape) < cure, np.inf, g.exponential(1.0 / RATE, shape))
    death = event + np.where(g.random(shape) < SAVED, np.inf, g.exponential(AFTER / math.log(2.0), shape))
    return event, death, YEARS + FOLLOW - YEARS * g.random(shape)


def steps(time: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Times in order, whether each is an event, at risk before it, and Kaplan-Meier after it."""
    x, order = np.minimum(time, seen), np.argsort(np.minimum(time, seen), axis=1)
    at = np.take_along_axis(x, order, 1)
    event = np.take_along_axis(time <= seen, order, 1)
    risk = np.broadcast_to(time.shape[1] - np.arange(time.shape[1]), at.shape).astype(float)
    return at, event, risk, np.cumprod(np.where(event, 1.0 - 1.0 / risk, 1.0), axis=1)


def survival(time: FloatArray, seen: FloatArray, t: float) -> tuple[FloatArray, FloatArray]:
    """Kaplan-Meier at t, and Greenwood's variance."""
    at, event, risk, s = steps(time, seen)
    before = event & (at <= t)
    last = np.where(before, s, 1.0).min(axis=1)
    return last, last**2 * np.where(before, 1.0 / (risk * np.maximum(risk - 1.0, 1.0)), 0.0).sum(axis=1)


def restricted(time: FloatArray, seen: FloatArray, tau: float) -> tuple[FloatArray, FloatArray]:
    """The area under Kaplan-Meier up to tau, and its variance by Greenwood's sum with the areas still to come."""
    at, event, risk, s = steps(time, seen)
    ends = np.minimum(at, tau)
    pieces = s * np.diff(np.concatenate([ends, np.full((len(ends), 1), tau)], axis=1), axis=1)
    to_come = np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
    counted = event & (at <= tau) & (risk > 1.0)
    return ends[:, 0] + to_come[:, 0], np.where(counted, to_come**2 / (risk * np.maximum(risk - 1.0, 1.0)), 0.0).sum(axis=1)


@cache
def both_arms(cure: float) -> tuple[FloatArray, FloatArray]:
    """z of EFS and of OS in two-arm trials on restricted means, analysed once."""
    g, made = np.random.default_rng(11), []
    for c in (CURE, cure):
        event, death, seen = arm(g, TRIALS, PATIENTS // 2, c)
        made.append((*restricted(event, seen, TAU), *survival(death, seen, MILESTONE)))
    (m0, v0, s0, w0), (m1, v1, s1, w1) = made
    return (m1 - m0 + 0.4) / np.sqrt(v0 + v1), (s1 - s0 + GUARD["margin"]) / np.sqrt(w0 + w1)


@pytest.mark.parametrize(("name", "cure"), [("plan", CURE), ("less", CURE - 0.1)])
@pytest.mark.parametrize("rule", ["bound", "harm"])
def test_ours_restricted_means_and_os_as_plain_numpy_counts_them(name: str, cure: float, rule: str) -> None:
    z_efs, z_os = both_arms(cure)
    efs, passes = z_efs >= 1.959964, z_os >= (1.281552 if rule == "bound" else -1.281552)
    made = plan("rmst-difference", guard=GUARD | {"rule": rule})
    seen = simulate(made, trials=VIRTUAL, seed=3).scenario(name)
    want, alone = float((efs & passes).mean()), float(efs.mean())
    assert seen.rejection.value == pytest.approx(want, abs=LIMIT)
    assert seen.summarised()["efs_alone"].value == pytest.approx(alone, abs=LIMIT)
    if name == "plan":
        found: Any = made.evaluate()
        assert found.guard.efs_alone == pytest.approx(alone, abs=0.012)
        assert found.guard.pass_probability == pytest.approx(float(passes.mean()), abs=0.012)
        assert found.power == pytest.approx(want, abs=0.015)


def test_ours_correlation_of_restricted_mean_and_os_is_that_of_simulated_arms() -> None:
    g = np.random.default_rng(5)
    event, death, _ = arm(g, 40_000, 60, CURE)
    mean, alive = np.minimum(event, TAU).mean(axis=1), (death > MILESTONE).mean(axis=1)
    found: Any = plan("rmst-difference").evaluate()
    assert found.guard.correlation == pytest.approx(float(np.corrcoef(mean, alive)[0, 1]), abs=0.02)


def test_ours_years_of_survivors_are_those_of_simulated_lives() -> None:
    g = np.random.default_rng(8)
    t = g.exponential(2.0, 400_000)
    d = t + np.where(g.random(400_000) < SAVED, np.inf, g.exponential(AFTER / math.log(2.0), 400_000))
    for tau, time in ((1.0, 3.0), (3.0, 3.0), (4.0, 2.0)):
        want = float((np.minimum(t, tau) * (d > time)).mean())
        got = years_of_survivors(Exponential(rate=0.5), salvage=SAVED, after_event=AFTER, tau=tau, time=time)
        assert got == pytest.approx(want, abs=0.01)


def test_ours_the_margin_is_lost_in_years_and_told_in_events() -> None:
    found: Any = plan("rmst-difference").evaluate()
    # scaled hazards k: RMST(5) of .65 cured, exponential .7, is .4 years less; events by year 4 from the same k
    ks = np.linspace(1.0, 4.0, 300_001)
    t = np.linspace(0.0, TAU, 2_001)
    s = CURE + (1.0 - CURE) * np.exp(-RATE * t)
    area = lambda k: float(np.trapezoid(s**k, t))  # noqa: E731
    low, high = 1.0, 4.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if area(1.0) - area(middle) < 0.4 else (low, middle)
    at = CURE + (1.0 - CURE) * math.exp(-RATE * MILESTONE)
    assert ks[0] < low < ks[-1]
    assert found.guard.events_per_100 == pytest.approx(100.0 * (at - at**low), abs=0.01)
    assert found.guard.pass_at_margin == pytest.approx(0.1, abs=0.006)
    assert found.guard.success_at_efs_margin < 0.025


@pytest.mark.parametrize(("name", "cure"), [("plan", CURE), ("less", CURE - 0.1)])
@pytest.mark.parametrize("rule", ["bound", "harm"])
def test_ours_one_arm_posteriors_as_plain_numpy_counts_them(name: str, cure: float, rule: str) -> None:
    from scipy.stats import beta

    one = GUARD | {"reference": 0.78, "rule": rule}
    follow = {"accrual": {"rate": 10.0, "duration": 8.0, "follow_up": 4.0}}  # followed in full: counts are what they are
    data = plan("bayes-one-arm", guard=one).to_data() | follow
    made, n = plan_from_data(data), 80
    g = np.random.default_rng(2)
    event, death, _ = arm(g, TRIALS, n, cure)
    x, y = (event > MILESTONE).sum(axis=1), (death > MILESTONE).sum(axis=1)
    efs = beta.sf(0.6, 1 + x, 1 + n - x) > 0.95
    passes = beta.sf(0.78 - 0.08, 1 + y, 1 + n - y) > (0.9 if rule == "bound" else 0.1)
    seen = simulate(made, trials=VIRTUAL, seed=3).scenario(name)
    assert seen.rejection.value == pytest.approx(float((efs & passes).mean()), abs=LIMIT)
    assert seen.summarised()["efs_alone"].value == pytest.approx(float(efs.mean()), abs=LIMIT)
    if name == "plan":
        found: Any = made.evaluate()
        assert found.guard.pass_probability == pytest.approx(float(passes.mean()), abs=LIMIT)
        assert found.power == pytest.approx(float((efs & passes).mean()), abs=LIMIT)


def test_all_kinds_of_guarded_designs_count_together_as_alone() -> None:
    watched = GUARD | {"rule": "harm", "margin": 0.0, "look_times": [5.0, 8.0]}
    plans = [plan("rmst-difference"), plan("rmst-difference", guard=watched), plan("rmst-difference", tau=4.0)]
    plans += [plan("bayes-one-arm", guard=GUARD | {"reference": 0.78}), plan("bayes-one-arm", guard=watched | {"reference": 0.78})]
    together = simulate_guarded(plans, trials=1_100, seed=6)
    assert together == tuple(simulate(one, trials=1_100, seed=6) for one in plans)


def test_a_guard_that_always_passes_changes_nothing() -> None:
    for kind, one in (("rmst-difference", {}), ("bayes-one-arm", {"reference": 0.95})):
        wide, none = plan(kind, guard=GUARD | {"margin": 0.9} | one), plan(kind, guard=None)
        assert wide.evaluate().power == pytest.approx(none.evaluate().power, abs=1e-9)
        first, second = (simulate(p, trials=1_024, seed=4) for p in (wide, none))
        assert [s.rejected_by_look.tolist() for s in first.scenarios] == [s.rejected_by_look.tolist() for s in second.scenarios]
