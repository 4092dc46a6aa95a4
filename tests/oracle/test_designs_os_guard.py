"""A guard of OS: its law against simulated lives, the power of both against virtual trials, the limits without it; gated OS per arm."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from nextarm.designs import Plan, plan_from_data
from nextarm.designs.graphical_test import checked_graph, decide_many, rejections
from nextarm.designs.os_guard import both
from nextarm.designs.overall_survival import OverallSurvival
from nextarm.simulation import simulate, simulate_guarded
from nextarm.survival.models import MixtureCure, Weibull

EFS: dict[str, Any] = {"model": "mixture-cure", "cure_fraction": 0.7, "latency": {"model": "weibull", "shape": 1.3, "median": 1.2}}
GUARD: dict[str, Any] = {"margin": 0.05, "alpha": 0.1, "salvage": 0.5, "after_event": 0.8}
ONE = {"reference": 0.85, "reference_se": 0.03}


def plan(kind: str = "absolute-margin", *, guard: dict[str, Any] | None = GUARD, **more: Any) -> Plan:
    design: dict[str, Any] = {"kind": kind, "margin": 0.1} | ({"os_guard": guard} if guard else {})
    arms = {"control": {"survival": EFS}, "new": {"survival": EFS}}
    data: dict[str, Any] = {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 5.0},
        "accrual": {"rate": 15.0, "duration": 10.0, "follow_up": 5.0},
        "arms": arms,
        "design": design,
        "scenario": [{"name": "lost", "arms": {"new": {"survival": {"cure_fraction": 0.6}}}}],
    }
    if kind == "one-arm-milestone":
        arms.pop("control")
        data["reference"] = {"milestone_survival": 0.7, "se": 0.03}
    return plan_from_data(data | more)


def test_the_law_of_os_is_that_of_simulated_lives() -> None:
    efs, g = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=0.8, scale=1.0)), np.random.default_rng(3)
    law = OverallSurvival(base=efs, salvage=0.3, after_event=0.6)
    life = np.asarray(efs.quantile(g.random(400_000))) + np.where(
        g.random(400_000) < 0.3, np.inf, g.exponential(0.6 / math.log(2.0), 400_000)
    )
    for t in (0.05, 0.5, 2.0, 8.0):
        assert float(law.survival(t)) == pytest.approx(float((life > t).mean()), abs=0.003)
        assert float(law.density(t)) == pytest.approx(float(law.survival(t - 1e-4) - law.survival(t + 1e-4)) / 2e-4, rel=1e-4)
    assert float(law.survival(law.quantile(0.2))) == pytest.approx(0.8, abs=1e-9)
    assert math.isinf(float(law.quantile(0.6)))


@pytest.mark.parametrize("kind", ["absolute-margin", "one-arm-milestone", "bayes-two-arm"])
def test_the_power_of_both_is_what_virtual_trials_do(kind: str) -> None:
    own = plan(kind, guard=GUARD | (ONE if kind == "one-arm-milestone" else {}))
    got, seen = own.evaluate(), simulate(own, trials=8192, seed=2)
    guard: Any = getattr(got, "guard")  # noqa: B009
    for name, want, alone in (("plan", got.power, guard.efs_alone), ("lost", guard.success_at_efs_margin, None)):
        counts = seen.scenario(name)
        assert counts.rejection.value == pytest.approx(want, abs=4.0 * counts.rejection.se + 0.012)
        if alone is not None:
            assert counts.summarised()["efs_alone"].value == pytest.approx(alone, abs=4.0 * counts.rejection.se + 0.012)
        assert counts.also["efs_alone"] == int(counts.rejected_by_look.sum()) + counts.also["withheld_by_os"]
    assert guard.pass_at_margin == pytest.approx(0.1, abs=0.006)


def test_a_guard_that_always_passes_changes_nothing() -> None:
    for kind in ("absolute-margin", "bayes-two-arm"):
        wide, none = plan(kind, guard=GUARD | {"margin": 0.9}), plan(kind, guard=None)
        assert wide.evaluate().power == pytest.approx(none.evaluate().power, abs=1e-9)
        one, two = (simulate(p, trials=2048, seed=4) for p in (wide, none))
        assert [s.rejected_by_look.tolist() for s in one.scenarios] == [s.rejected_by_look.tolist() for s in two.scenarios]


def test_harm_ends_the_trial_at_its_look() -> None:
    made = plan(guard=GUARD | {"rule": "harm", "margin": 0.0, "look_times": [7.0, 10.0]})
    got = simulate(made, trials=4096, seed=1).scenario("lost")
    assert got.stopped_by_look.size == 3
    assert got.also["stopped_for_os"] == int(got.futile_by_look.sum()) > 0
    assert got.rejected_by_look[:2].sum() == 0
    assert got.duration.value < 15.0


def test_designs_on_the_same_trials_count_as_each_does_alone() -> None:
    watched = GUARD | {"rule": "harm", "margin": 0.0, "look_times": [7.0, 10.0]}
    saved = GUARD | {"salvage": 0.2}  # other lives: drawn apart
    plans = [
        plan(),
        plan(guard=watched),
        plan("bayes-two-arm", guard=watched),
        plan("one-arm-milestone", guard=GUARD | ONE),
        plan(guard=saved),
    ]
    together = simulate_guarded(plans, trials=1_500, seed=6)
    assert together == tuple(simulate(one, trials=1_500, seed=6) for one in plans)
    assert together[0].scenarios != together[4].scenarios


def test_solving_counts_both() -> None:
    solved = plan(solve={"for": "n", "power": 0.6}).evaluate()
    again = plan(accrual={"rate": solved.n / 10.0, "duration": 10.0, "follow_up": 5.0}).evaluate()
    assert again.power == pytest.approx(0.6, abs=1e-6)
    assert solved.n > plan(guard=None, solve={"for": "n", "power": 0.6}).evaluate().n


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.3, 0.9])
def test_both_is_the_bivariate_normal(rho: float) -> None:
    from scipy.stats import multivariate_normal, norm

    for p, q in itertools.product((0.02, 0.5, 0.97), repeat=2):
        want = multivariate_normal(cov=[[1.0, rho], [rho, 1.0]]).cdf([norm.ppf(p), norm.ppf(q)])
        assert both(p, q, rho) == pytest.approx(float(want), abs=2e-5)


def test_many_decisions_are_those_of_the_graph_one_by_one() -> None:
    g = np.random.default_rng(5)
    p = g.random((400, 3)) ** 3 * 0.3
    w, arrows = checked_graph(
        ("a", "b", "c"), {"a": 0.6, "b": 0.4}, {"a": {"b": 0.5, "c": 0.5}, "b": {"a": 0.3, "c": 0.7}, "c": {"a": 1.0}}
    )
    want = np.array([rejections(row, w, arrows)[1] <= 0.05 for row in p])
    assert (decide_many(p, weights=w, transitions=arrows, alpha=0.05) == want).all()
    assert 0 < want.sum() < want.size


def test_a_hypothesis_without_a_share_is_never_rejected_however_small_its_p() -> None:
    """p below rounding (0) and a share of 0: the gate before it has not opened, one by one and in many trials."""
    w, arrows = checked_graph(("a", "b"), {"a": 1.0}, {"a": {"b": 1.0}})
    p = np.array([[0.3, 0.0], [0.01, 0.0]])
    assert decide_many(p, weights=w, transitions=arrows, alpha=0.05).tolist() == [[False, False], [True, True]]
    assert [rejections(row, w, arrows)[0] for row in p] == [[0, 1], [0, 1]]
