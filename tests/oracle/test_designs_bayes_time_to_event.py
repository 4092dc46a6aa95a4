"""Bayesian looks at a time to event: rules against brute force, the engine against plain trials, exact posteriors against the tables."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from nextarm.core.errors import RefusedError
from nextarm.designs import Plan, plan_from_data
from nextarm.designs.cure_fraction import cure_table, posterior_mean, probability_better
from nextarm.designs.optimal_cut import optimal_cut
from nextarm.designs.predictive_probability import predictive_probability
from nextarm.designs.predictive_survival import predictive_success
from nextarm.designs.top_design import TopDesign, observed, stopping_rows
from nextarm.simulation import simulate

EFS: dict[str, Any] = {"model": "mixture-cure", "cure_fraction": 0.7, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
DESIGNS: dict[str, dict[str, Any]] = {
    "bop2-time-to-event": {"null_survival": 0.507, "look_times": [1.5, 3.0], "alpha": 0.05},
    "predictive-survival": {"null_survival": 0.507, "look_times": [3.5, 4.5], "alpha": 0.05},
    "cure-fraction": {"null_cure": 0.5, "look_times": [2.0, 4.0], "futility": 0.2, "alpha": 0.05, "medians": [0.3, 1.5], "shape": 1.3},
    "top": {"null_response": 0.2, "alpha": 0.1},
}


def plan(kind: str, **more: Any) -> Plan:
    top = kind == "top"
    data: dict[str, Any] = {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 0.5 if top else 3.0},
        "accrual": {"rate": 20.0, "duration": 2.0 if top else 3.0, "follow_up": 3.0, "dropout_hazard": 0.0 if top else 0.01},
        "arms": {"a": {"response": 0.4} if top else {"survival": EFS}},
        "scenario": [{"name": "null", "arms": {"a": {"response": 0.2} if top else {"survival": {"cure_fraction": 0.5}}}}],
        "design": {"kind": kind} | DESIGNS[kind] | more.pop("design", {}),
    }
    return plan_from_data(data | more)


@cache
def told(kind: str) -> Any:
    return plan(kind).evaluate()


@pytest.mark.parametrize("kind", list(DESIGNS))
def test_the_engine_agrees_with_what_the_design_says_of_itself(kind: str) -> None:
    got, seen = told(kind), simulate(plan(kind), trials=8192, seed=5)
    assert type(got).from_json(got.to_json()) == got
    own, null = seen.scenarios
    # by formula predictive-survival has the expected worth of each look, rounded
    slack = 0.02 if kind == "predictive-survival" else 0.008
    assert own.rejection.value == pytest.approx(got.power, abs=4.0 * own.rejection.se + slack)
    assert null.rejection.value == pytest.approx(got.type1_error, abs=4.0 * null.rejection.se + slack)
    assert int(null.futile_by_look.sum()) + int(null.stopped_by_look[-1]) == null.trials
    if kind != "predictive-survival":
        # BOP2's own null scales the hazard, the scenario lowers the cure fraction: its events come later
        assert null.duration.value == pytest.approx(got.mean_years_null, abs=0.3 if kind.startswith("bop2") else 0.06)
    assert got.type1_error <= 0.1 + 0.01


def test_the_best_cut_is_that_of_a_fine_grid() -> None:
    g = np.random.default_rng(2)
    fraction = np.broadcast_to(np.array([0.3, 0.6, 1.0]), (1000, 3))
    null, other = g.beta(2.0, 2.0, (1000, 3)), g.beta(4.0, 2.0, (1000, 3))
    got = optimal_cut((null, fraction), (other, fraction), alpha=0.05)
    best = 0.0
    for shape in np.linspace(0.0, 1.0, 21):
        for cut in np.linspace(0.3, 0.999, 200):
            if (null >= cut * fraction**shape).all(axis=1).mean() <= 0.05:
                best = max(best, float((other >= cut * fraction**shape).all(axis=1).mean()))
    assert got.power >= best - 0.001  # the cut lies between two trials, not on one
    assert got.power == pytest.approx(best, abs=0.01)
    assert got.type1_error <= 0.05
    again = (other >= got.cut * fraction**got.shape).all(axis=1).mean()
    assert got.power == pytest.approx(float(again))
    with pytest.raises(RefusedError, match="no cut below 1"):
        optimal_cut((np.ones((9, 1)), np.ones((9, 1))), (np.ones((9, 1)), np.ones((9, 1))), alpha=0.05)


def test_predictive_success_is_the_sum_over_whole_futures() -> None:
    x, n = np.array([3.0, 9.0, 14.0, 20.0, 0.0]), np.array([12.0, 20.0, 20.0, 30.0, 5.0])
    got = predictive_success(x, n, 33.0, null=0.5, threshold=0.93, prior=(1.0, 2.0))
    want = [predictive_probability(int(a), int(b), 33, p0=0.5, prior=(1.0, 2.0), certainty=0.93) for a, b in zip(x, n, strict=True)]
    assert got == pytest.approx(want, abs=1e-4)


@pytest.mark.parametrize(("shape", "median", "cure"), [(1.3, 0.7, 0.7), (1.0, 1.0, 0.5), (2.0, 0.5, 0.85)])
def test_the_table_of_the_cure_fraction_is_the_posterior_of_the_patients(shape: float, median: float, cure: float) -> None:
    g = np.random.default_rng(1)
    scale = median / math.log(2.0) ** (1.0 / shape)
    event = np.where(g.random(60) < cure, np.inf, scale * (-np.log(g.random(60))) ** (1.0 / shape))
    last = g.uniform(1.0, 5.0, 60)
    time, failed = np.minimum(event, last), event <= last
    c = (np.arange(400) + 0.5)[:, None] / 400
    low, high = math.log(0.3), math.log(1.5)
    log = []
    for k in range(30):
        s = math.exp(low + (high - low) * (k + 0.5) / 30) / math.log(2.0) ** (1.0 / shape)
        alive = np.exp(-((time / s) ** shape))
        density = shape / s * (time / s) ** (shape - 1.0) * alive
        log.append(np.log(np.where(failed, (1.0 - c) * density, c + (1.0 - c) * alive)).sum(axis=1))
    mass = np.exp(np.array(log) - np.max(log)).sum(axis=0)
    for null in (cure - 0.1, cure):
        table = cure_table(null, (1.0, 1.0), shape, (0.3, 1.5), 5.0)
        events = np.histogram(time[failed], table.edges)[0].astype(np.float64)
        years = np.array([np.clip(time - a, 0.0, b - a).sum() for a, b in zip(table.edges[:-1], table.edges[1:], strict=True)])
        want = float(mass[c[:, 0] > null].sum() / mass.sum())
        assert float(probability_better(table, events, years)) == pytest.approx(want, abs=0.012)
        assert float(posterior_mean(table, events, years)) == pytest.approx(float(mass @ c[:, 0] / mass.sum()), abs=0.004)


def test_what_is_pending_counts_for_what_it_has_been_observed() -> None:
    entry, luck = np.array([[0.0, 0.2, 0.4, 1.0]]), np.array([[0.9, 0.2, 0.3, 0.9]])
    x, worth, times = observed(entry, luck, response=0.4, early_share=0.5, milestone=1.0, sizes=(3, 4))
    # at .4: 1 seen for .4, 2 (responds after .5) for .2, 3 for nothing; at 2: responders 2 and 3
    assert x.tolist() == [[0.0, 2.0]]
    assert worth[0].tolist() == pytest.approx([0.6, 4.0])
    assert times.tolist() == [[0.4, 2.0]]


def test_the_printed_rule_is_the_rule() -> None:
    got = told("top")
    assert isinstance(got, TopDesign)
    design: Any = plan("top").design
    for size, row in zip(got.sizes[:-1], stopping_rows(got), strict=True):
        for x, worth in row:
            for near, stops in ((worth + 0.05, True), (worth - 0.1, False)):
                if x <= near <= size:
                    above = design.posterior(np.array([float(x)]), np.array([near]))[0]
                    assert (above < got.cut * (near / got.sizes[-1]) ** got.shape) == stops


def test_scipy_posteriors_lie_well_off_the_cut_that_is_printed() -> None:
    got = told("top")
    assert float(f"{got.cut:.5g}") == got.cut
    responses = np.arange(41)
    above = beta.sf(0.2, 0.2 + responses, 0.8 + 40 - responses)
    # 11 of 40 are .8565413: a cut of .856541 with one digit less called them a success (type I error .118 for .067)
    assert np.abs(above - got.cut).min() > 1e-7
    assert int(responses[above >= got.cut][0]) == 12


def test_sizes_are_solved_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("cure_fraction", "top_design"):
        monkeypatch.setattr(f"nextarm.designs.{module}.TRIALS", 1000)
    for kind in ("top", "predictive-survival"):
        got = plan(kind, solve={"for": "n", "power": 0.75}).evaluate()
        assert got.power == pytest.approx(0.75, abs=0.06)
        assert got.n < told(kind).n
    effect = plan("cure-fraction", solve={"for": "effect", "power": 0.6}).evaluate()
    assert effect.power == pytest.approx(0.6, abs=0.01)
    assert 0.5 < effect.cure_fraction["a"] < 0.7


def test_predictive_survival_says_that_no_size_it_can_work_out_reaches_the_power() -> None:
    """A cure fraction of .85 against .86: the search for n ended at 3,000 patients' worth, whatever power that gave."""
    small = {"survival": {"model": "mixture-cure", "cure_fraction": 0.86, "latency": {"model": "exponential", "rate": 1.2}}}
    asked = {"arms": {"a": small}, "design": {"null_survival": 0.85}, "scenario": [], "solve": {"for": "n", "power": 0.8}}
    with pytest.raises(RefusedError, match=r"power 0\.8.* not reached with 3,000 patients"):
        plan("predictive-survival", **asked).evaluate()


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_predictive_survival_solved_for_n_has_the_power_asked(power: float) -> None:
    """Exact: the binomial tail at the count that the posterior needs. Before, an n beside a fall of the power could be answered."""
    got: Any = plan("predictive-survival", design={"look_times": []}, scenario=[], solve={"for": "n", "power": power}).evaluate()
    assert got.n == pytest.approx(round(got.n), abs=1e-9)
    assert power <= got.power < power + 0.1
