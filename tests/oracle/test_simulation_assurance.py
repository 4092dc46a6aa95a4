"""Assurance against closed forms and limits: the beta-binomial sum, a prior that knows, curves moved to where they are asked to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, betabinom, binom, norm

import nextarm
from nextarm.borrowing import beta_mixture, prior_file
from nextarm.borrowing.prior_file import PriorFile
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import from_data, to_data
from nextarm.core.trail import Trail
from nextarm.designs.plan import Plan, plan_from_data, plan_from_toml
from nextarm.simulation.assurance import Assurance, assurance
from nextarm.simulation.endings import endings
from nextarm.simulation.moved_truth import moved_survival

TRIAL = {"name": "t", "endpoint": "EFS", "milestone": 3.0}
ACCRUAL = {"rate": 40.0, "duration": 3.0, "follow_up": 3.0}
CURE = {"model": "weibull", "shape": 1.3, "median": 0.7}


def prior_of(a: float, b: float, *, parameter: str = "survival", endpoint: str = "EFS", time: float | None = 3.0) -> PriorFile:
    """A prior file with one beta component, as `nextarm prior` writes it."""
    return PriorFile(
        trail=Trail(method="made for a test"), parameter=parameter, scale="probability", names=(parameter,), endpoint=endpoint, time=time,
        time_origin="randomisation", arms=(), treatment_class="", backbone="", k=1, likelihood="binomial", model="", cuts=(),
        mixture=beta_mixture([1.0], [a], [b]), robust_weight=0.0, divergence=None, worth=(), summary={},
    )  # fmt: skip


def two_arms(design: dict[str, Any], **control: Any) -> Plan:
    base = control or {"model": "mixture-cure", "cure_fraction": 0.5, "latency": CURE}
    new = {"model": "mixture-cure", "cure_fraction": 0.65, "latency": CURE}
    return plan_from_data(
        {"trial": TRIAL, "accrual": ACCRUAL, "arms": {"control": {"survival": base}, "new": {"survival": new}}, "design": design}
    )


def test_exact_binomial_is_the_beta_binomial_sum() -> None:
    plan = plan_from_data(
        {
            "trial": TRIAL, "accrual": {**ACCRUAL, "rate": 12.0, "duration": 3.0}, "arms": {"new": {"response": 0.45}},
            "design": {"kind": "exact-binomial", "alpha": 0.05, "null_response": 0.3},
        }
    )  # fmt: skip
    r = next(r for r in range(37) if binom.sf(r - 1, 36, 0.3) <= 0.05)
    got = assurance(plan, prior_of(9.0, 11.0, parameter="event-probability", time=None), nodes=200)
    assert got.assurance == pytest.approx(betabinom.sf(r - 1, 36, 9.0, 11.0), abs=2e-3)
    assert got.power_at_plan == pytest.approx(binom.sf(r - 1, 36, 0.45), abs=1e-12)
    assert got.error < 2e-3


def test_a_prior_that_knows_gives_the_power() -> None:
    plan = two_arms({"kind": "log-rank"})
    s = plan.survival_at(3.0)["control"]
    got = assurance(plan, prior_of(s * 1e7, (1 - s) * 1e7), nodes=8, sizes=(1.0,))
    assert got.assurance == pytest.approx(got.power_at_plan, abs=1e-3)
    assert got.interval.high - got.interval.low < 1e-2


def test_what_is_not_known_costs() -> None:
    plan = two_arms({"kind": "log-rank"})
    s = plan.survival_at(3.0)["control"]
    known = assurance(plan, prior_of(s * 60, (1 - s) * 60), nodes=12, sizes=(1.0, 2.0))
    unknown = assurance(plan, prior_of(s * 60, (1 - s) * 60), effect_sd=0.4, nodes=12, sizes=(1.0, 2.0))
    assert unknown.interval.high - unknown.interval.low > known.interval.high - known.interval.low
    assert known.sizes[1].assurance > known.sizes[0].assurance
    assert known.sizes[1].years_to_accrue == pytest.approx(2 * known.sizes[0].years_to_accrue)
    assert from_data(Assurance, to_data(unknown)) == unknown


def test_years_of_accrual_are_those_of_plans_that_last_so_long() -> None:
    plan = two_arms({"kind": "log-rank"})
    s = plan.survival_at(3.0)["control"]
    prior, seen = prior_of(s * 60, (1 - s) * 60), []
    got = assurance(plan, prior, nodes=12, sizes=(1.0,), years=(3.0, 6.0), progress=lambda *at: seen.append(at))
    own, longer = got.by_years
    assert (own.assurance, own.power_at_plan) == (got.assurance, got.power_at_plan)
    there = plan.changed({"accrual": {"duration": 6.0}})
    assert longer.n == 2 * own.n == 240.0
    assert longer.power_at_plan == there.evaluate().power
    assert longer.assurance == pytest.approx(assurance(there, prior, nodes=6, sizes=(1.0,)).assurance, abs=1e-12)
    assert seen[-1] == (24, 24)
    assert from_data(Assurance, to_data(got)) == got
    # over before anybody has reached the milestone: such a trial cannot be planned, and its place is empty
    short = two_arms({"kind": "absolute-margin", "margin": 0.1}).changed({"accrual": {"follow_up": 1.0}})
    assert [p.assurance is None for p in assurance(short, prior, nodes=4, sizes=(1.0,), years=(3.0, 1.0)).by_years] == [False, True]
    with pytest.raises(CallError, match="years"):
        assurance(plan, prior, years=(0.0,))


@pytest.mark.parametrize(
    "spec",
    [
        {"model": "exponential", "rate": 0.3},
        {"model": "weibull", "shape": 0.8, "median": 2.0},
        {"model": "log-normal", "mu": 0.5, "sigma": 1.0},
        {"model": "log-logistic", "shape": 1.5, "scale": 2.0},
        {"model": "gamma", "shape": 1.5, "rate": 0.6},
        {"model": "piecewise-exponential", "cuts": [1.0], "rates": [0.5, 0.1]},
        {"model": "mixture-cure", "cure_fraction": 0.5, "latency": CURE},
    ],
)
@pytest.mark.parametrize("value", [0.15, 0.6, 0.9])
def test_a_moved_curve_has_the_value_it_is_asked_for(spec: dict[str, Any], value: float) -> None:
    plan = two_arms({"kind": "log-rank"}, **spec)
    moved = plan.changed({"arms": {"control": {"survival": moved_survival(plan, "control", value)}}})
    assert moved.survival_at(3.0)["control"] == pytest.approx(value, abs=1e-9)


def test_a_mixture_cure_moves_below_its_latency() -> None:
    plan = two_arms({"kind": "log-rank"})
    spec = moved_survival(plan, "control", 1e-4)
    assert spec["cure_fraction"] == 0.0
    assert plan.changed({"arms": {"control": {"survival": spec}}}).survival_at(3.0)["control"] == pytest.approx(1e-4, abs=1e-8)


def test_priors_of_something_else_are_refused_with_all_that_differs() -> None:
    plan = two_arms({"kind": "log-rank"})
    with pytest.raises(RefusedError) as caught:
        assurance(plan, prior_of(5, 5, endpoint="OS", time=2.0))
    assert {p.what.split(" ")[0] for p in caught.value.problems} == {"endpoint", "time"}
    one = plan_from_data(
        {
            "trial": TRIAL, "accrual": ACCRUAL, "arms": {"new": {"survival": {"model": "exponential", "rate": 0.1}}},
            "reference": {"milestone_survival": 0.5, "n": 200}, "design": {"kind": "one-arm-milestone"},
        }
    )  # fmt: skip
    with pytest.raises(RefusedError, match="no control"):
        assurance(one, prior_of(8, 4), effect_sd=0.3)
    with pytest.raises(CallError, match="effect_sd"):
        assurance(plan, prior_of(5, 5), effect_sd=-1.0)
    with pytest.raises(CallError, match="nodes"):
        assurance(plan, prior_of(5, 5), nodes=1)


def test_a_prior_file_of_the_borrowing_room_fits_a_bayesian_plan(tmp_path: Any) -> None:
    from nextarm.borrowing import map_prior_binomial

    made = prior_file(
        map_prior_binomial([30, 28], [50, 52]), parameter="survival", endpoint="EFS", time=3.0, time_origin="randomisation", robust=0.2
    )
    path = tmp_path / "prior.json"
    path.write_text(made.to_json())
    plan = two_arms({"kind": "bayes-two-arm", "prior_file": str(path)})
    got: Any = plan.evaluate()
    assert got.prior_mean == pytest.approx(made.mixture.mean(), abs=1e-9)
    with pytest.raises(Exception, match="endpoint = EFS") as caught:
        plan_from_data({**plan.to_data(), "trial": {**TRIAL, "endpoint": "OS"}})
    assert "prior_file" in str(caught.value)
    assert np.isfinite(assurance(plan, made, nodes=4, sizes=(1.0,)).assurance)


def test_patients_and_years_count_an_early_end() -> None:
    plan = plan_from_data(
        {
            "trial": TRIAL, "accrual": {"rate": 20.0, "duration": 2.15, "follow_up": 3.0}, "arms": {"new": {"response": 0.4}},
            "design": {"kind": "simon-two-stage", "null_response": 0.2, "r1": 3, "n1": 13, "r": 12, "n": 43},
        }
    )  # fmt: skip
    found = assurance(plan, prior_of(4.0, 6.0, parameter="event-probability", time=None), nodes=100, sizes=(1.0,))
    stop = float(betabinom.cdf(3, 13, 4.0, 6.0))
    assert found.early_end == pytest.approx(stop, abs=2e-3)
    assert found.expected_n == pytest.approx(43.0 - 30.0 * stop, abs=0.06)
    assert (found.n_interval.low, found.n_interval.high) == (13.0, 43.0)
    assert found.expected_duration == pytest.approx(3.0 + found.expected_n / 20.0, abs=0.01)
    assert found.sizes[0].expected_n == pytest.approx(found.expected_n, abs=0.3)


def test_a_group_sequential_trial_ends_at_its_looks() -> None:
    plan = plan_from_toml(nextarm.designs("group-sequential-log-rank").cards[0].example)
    result: Any = plan.evaluate()
    found = endings(plan, result)
    assert found.probability.sum() == pytest.approx(1.0)
    assert found.early == pytest.approx(result.reject_h1[0] + result.stop_h1[0])
    assert found.years.tolist() == pytest.approx(result.look_times.tolist())
    assert found.patients[-1] == pytest.approx(result.n)
    assert found.patients[0] < result.n


@pytest.mark.parametrize(("sd", "rate"), [(0.3, 150.0), (1.0, 400.0), (0.5, 3000.0)])
def test_an_uncertain_effect_is_integrated_where_power_is_steep(sd: float, rate: float) -> None:
    """Against a plain sum over many quantiles of the effect at a control that is all but known."""
    arms = {"control": {"survival": {"model": "exponential", "rate": 0.231}}, "new": {"survival": {"model": "exponential", "rate": 0.185}}}
    plan = plan_from_data({"trial": TRIAL, "accrual": {**ACCRUAL, "rate": rate}, "arms": arms, "design": {"kind": "log-rank"}})
    got = assurance(plan, prior_of(5e5, 5e5), effect_sd=sd, sizes=(1.0,))
    base, powers = np.log(2.0) / 3.0, []
    for z in norm.ppf((np.arange(200) + 0.5) / 200):
        rates = {"control": base, "new": base * 0.185 / 0.231 * np.exp(sd * z)}
        there = plan.changed({"arms": {a: {"survival": {"model": "exponential", "rate": float(r)}} for a, r in rates.items()}})
        powers.append(there.evaluate().power)
    assert got.assurance == pytest.approx(float(np.mean(powers)), abs=2e-3)
    assert abs(got.assurance - float(np.mean(powers))) < got.error + 2e-3


def test_a_huge_trial_asks_only_whether_the_effect_is_there() -> None:
    """Limit: the probability that an experimental value lies above the control's, two independent priors; P = 1/2 where they are one."""
    plan = two_arms({"kind": "log-rank"}, model="exponential", rate=0.231)
    plan = plan.changed({"accrual": {**ACCRUAL, "rate": 3e5}, "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}}})
    for a, b, expected in ((20.0, 20.0, 0.5), (24.0, 16.0, float(_above(24.0, 16.0, 20.0, 20.0)))):
        got = assurance(plan, prior_of(20.0, 20.0), experimental_prior=prior_of(a, b), sizes=(1.0,))
        assert got.assurance == pytest.approx(expected, abs=0.01)


def _above(a: float, b: float, c: float, d: float) -> float:
    """P(Beta(a, b) > Beta(c, d))."""
    from scipy.integrate import quad

    return float(quad(lambda p: beta.pdf(p, c, d) * beta.sf(p, a, b), 0.0, 1.0)[0])
