"""What must hold for every design: power rises, bounds are ordered, counts stay in their domain, plans read back equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import nextarm.studies
from nextarm.core.errors import RefusedError
from nextarm.core.result import from_data, to_data
from nextarm.designs import (
    DESIGNS,
    Plan,
    boundaries,
    constant_accrual,
    efficacy_bounds,
    expected_events_by_arm,
    load_plan,
    maximum_events,
    plan_from_data,
    plan_from_toml,
    ramp_accrual,
    time_of_events,
)
from nextarm.designs.registry import Design
from nextarm.designs.toml_lines import key_lines
from nextarm.designs.toml_text import toml_text
from nextarm.survival.models import MixtureCure, Weibull

SHIPPED = Path(nextarm.studies.__file__).parent / "infant_all" / "plan.toml"
KINDS: dict[str, dict[str, Any]] = {
    "log-rank": {"kind": "log-rank"},
    "group-sequential-log-rank": {"kind": "group-sequential-log-rank", "looks": [0.5, 1.0]},
    "absolute-margin": {"kind": "absolute-margin", "margin": 0.05},
    "one-arm-milestone": {"kind": "one-arm-milestone"},
    "rmst-difference": {"kind": "rmst-difference"},
    "weighted-log-rank": {"kind": "weighted-log-rank"},
    "stratified-log-rank": {"kind": "stratified-log-rank", "strata": [{"share": 0.4}, {"share": 0.6}]},
}
latencies = st.fixed_dictionaries({"model": st.just("weibull"), "shape": st.floats(0.6, 2.0), "median": st.floats(0.2, 1.5)})
many = settings(deadline=None, max_examples=25, derandomize=True)


def plan_of(kind: str, *, rate: float, cure: float, effect: float, latency: dict[str, Any], dropout: float = 0.02) -> Plan:
    def truth(c: float) -> dict[str, Any]:
        return {"survival": {"model": "mixture-cure", "cure_fraction": c, "latency": latency}}

    data: dict[str, Any] = {
        "trial": {"name": "any", "endpoint": "EFS", "milestone": 2.0},
        "accrual": {"rate": rate, "duration": 3.0, "follow_up": 2.5, "dropout_hazard": dropout},
        "arms": {"control": truth(cure), "new": truth(min(cure + effect, 0.97))},
        "design": KINDS[kind],
    }
    if kind == "one-arm-milestone":
        data["arms"].pop("control")
        at = float(plan_from_data(data | {"design": KINDS["log-rank"], "arms": {"a": truth(cure), "b": truth(cure)}}).survival_at(2.0)["a"])
        data["reference"] = {"milestone_survival": at, "n": 300.0}
    return plan_from_data(data)


@many
@pytest.mark.parametrize("kind", KINDS)
@given(rate=st.floats(10.0, 200.0), cure=st.floats(0.05, 0.7), effect=st.floats(0.05, 0.25), latency=latencies, more=st.floats(1.05, 4.0))
def test_power_rises_with_n_and_effect(kind: str, rate: float, cure: float, effect: float, latency: dict[str, Any], more: float) -> None:
    base = plan_of(kind, rate=rate, cure=cure, effect=effect, latency=latency).evaluate()
    larger = plan_of(kind, rate=rate * more, cure=cure, effect=effect, latency=latency).evaluate()
    stronger = plan_of(kind, rate=rate, cure=cure, effect=effect + 0.05, latency=latency).evaluate()
    assert 0.0 <= base.power <= larger.power + 1e-9 <= 1.0 + 1e-9
    assert base.power <= stronger.power + 1e-9
    for got in (base, larger, stronger):
        assert 0.0 <= got.events <= min(got.n, got.max_events) + 1e-9
        assert all(0.0 < s < 1.0 for s in got.survival_at_milestone.values())
        assert sum(got.n_by_arm.values()) == pytest.approx(got.n)
        assert type(got).from_json(got.to_json()) == got


@many
@pytest.mark.parametrize("kind", KINDS)
@given(
    rate=st.floats(20.0, 80.0),
    cure=st.floats(0.2, 0.6),
    latency=latencies,
    target=st.floats(0.5, 0.95),
    what=st.sampled_from(["n", "duration", "effect"]),
)
def test_a_solution_has_the_power_asked_for(kind: str, rate: float, cure: float, latency: dict[str, Any], target: float, what: str) -> None:
    plan = plan_of(kind, rate=rate, cure=cure, effect=0.15, latency=latency).changed({"solve": {"for": what, "power": target}})
    try:
        got = plan.evaluate()
    except RefusedError:  # the reference's own error bounds a one-arm trial's power
        assert kind == "one-arm-milestone" or what == "effect"
        return
    assert got.power == pytest.approx(target, abs=1e-6)
    assert got.solved_for == what
    assert got.cure_fraction["new"] == pytest.approx(cure + 0.15, abs=1e-9) or what == "effect"


@many
@given(
    steps=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5),
    alpha=st.floats(0.005, 0.1),
    family=st.sampled_from(
        ["obrien-fleming", "pocock", "wang-tsiatis", "lan-demets-obrien-fleming", "lan-demets-pocock", "hwang-shih-decani"]
    ),
)
def test_bounds_spend_exactly_alpha(steps: list[float], alpha: float, family: str) -> None:
    t = np.cumsum(steps) / np.sum(steps)
    t[-1] = 1.0
    got = boundaries(t, alpha=alpha, family=family, beta=0.2)
    assert got.alpha_spent[-1] == pytest.approx(alpha, abs=1e-8)
    assert np.all(np.diff(got.alpha_spent) >= -1e-12)
    assert got.inflation is not None
    assert got.inflation >= 1.0 - 1e-9
    assert np.all(got.efficacy >= efficacy_bounds(np.ones(1), alpha=alpha, family="pocock")[0] - 1e-9)  # no look is freer than a single one


@many
@given(alpha=st.floats(0.01, 0.05), more=st.floats(1.1, 3.0))
def test_bounds_fall_with_alpha_and_over_the_looks(alpha: float, more: float) -> None:
    t = np.array([0.25, 0.5, 0.75, 1.0])
    for family in ("obrien-fleming", "lan-demets-obrien-fleming"):
        strict, loose = efficacy_bounds(t, alpha=alpha, family=family), efficacy_bounds(t, alpha=alpha * more, family=family)
        assert np.all(strict > loose)
        assert np.all(np.diff(strict) < 0.0)


@many
@given(beta=st.floats(0.05, 0.3), binding=st.booleans(), middle=st.floats(0.2, 0.8))
def test_futility_lies_below_efficacy(beta: float, binding: bool, middle: float) -> None:
    got = boundaries(np.array([middle, 1.0]), beta=beta, futility="lan-demets-pocock", binding=binding)
    free = boundaries(np.array([middle, 1.0]))
    assert got.futility[0] < got.efficacy[0]
    assert got.futility[1] == pytest.approx(got.efficacy[1], abs=1e-9)
    assert np.all(got.efficacy <= free.efficacy + 1e-9)
    assert got.beta_spent[-1] == pytest.approx(beta, abs=1e-7)


@many
@given(
    cure=st.floats(0.0, 0.9),
    shape=st.floats(0.5, 3.0),
    scale=st.floats(0.05, 5.0),
    share=st.floats(0.05, 0.95),
    dropout=st.floats(0.0, 1.0),
)
def test_events_never_exceed_patients_or_those_not_cured(cure: float, shape: float, scale: float, share: float, dropout: float) -> None:
    model = MixtureCure(cure_fraction=cure, latency=Weibull(shape=shape, scale=scale))
    models, shares = {"a": model, "b": model}, {"a": share, "b": 1.0 - share}
    accrual = ramp_accrual(rate=40.0, ramp=1.0, duration=3.0, follow_up=2.0, dropout_hazard=dropout)
    seen = [sum(expected_events_by_arm(models, shares=shares, accrual=accrual, time=t).values()) for t in (0.5, 1.0, 2.0, 4.0, 8.0, 50.0)]
    most = maximum_events(models, shares=shares, accrual=accrual)
    assert np.all(np.diff(seen) >= -1e-9)
    assert seen[-1] <= most + 1e-6
    assert most <= accrual.total * (1.0 - cure) + 1e-6
    wanted = 0.5 * most
    assume(seen[-1] > wanted)
    time = time_of_events(models, shares=shares, accrual=accrual, events=wanted)
    assert time is not None
    assert sum(expected_events_by_arm(models, shares=shares, accrual=accrual, time=time).values()) == pytest.approx(wanted, abs=1e-7)


def test_a_cure_fraction_of_zero_is_the_model_without_cure() -> None:
    latency = {"model": "weibull", "shape": 1.2, "median": 0.7}
    cured = {"model": "mixture-cure", "cure_fraction": 0.0, "latency": latency}
    for kind in ("log-rank", "group-sequential-log-rank"):
        base = plan_of(kind, rate=40.0, cure=0.3, effect=0.1, latency=latency)
        ratio = {"survival": {"hazard_ratio": 0.6, "of": "control"}}
        plain = base.changed({"arms": {"control": {"survival": latency}, "new": ratio}}).evaluate()
        same = base.changed({"arms": {"control": {"survival": cured}, "new": ratio}}).evaluate()
        assert same.events == pytest.approx(plain.events, rel=1e-12)
        assert same.power == pytest.approx(plain.power, abs=1e-12)


def test_the_shipped_plan_reads_back_equal_and_says_what_it_cannot_reach() -> None:
    plan = load_plan(SHIPPED)
    assert plan_from_toml(plan.to_toml()) == plan
    assert plan_from_data(plan.to_data()) == plan
    assert [name for name, _ in plan.scenarios()] == ["plan", *(s.name for s in plan.scenario)]
    got: Any = plan.evaluate()
    assert got.max_events < 80 == got.target_events
    assert got.reach_probability < 1e-6
    assert any("more than will ever be expected" in w for w in got.warnings)
    assert plan.design.schedule(plan).looks[0].events == 48
    assert got.look_table().height == len(got.fractions) == 1
    null = dict(plan.scenarios())["null"].evaluate()
    assert null.power == pytest.approx(0.025, abs=1e-6)


def test_a_plan_that_accrues_for_seven_years_has_the_power() -> None:
    """An independent calculation puts the shipped example at about 330 infants and over 7 years."""
    plan = load_plan(SHIPPED).without("design.events", "design.latest")
    got = plan.changed({"solve": {"for": "duration", "power": 0.8}}).evaluate()
    assert got.n == pytest.approx(330, rel=0.06)
    assert got.accrual_duration > 7.0


def test_the_registry_and_the_union_of_designs_agree() -> None:
    assert set(DESIGNS) == set(Design.__args__)
    kinds = [d.model_fields["kind"].default for d in DESIGNS]
    assert len(set(kinds)) == len(kinds)
    schema = Plan.model_json_schema()
    assert set(schema["properties"]["design"]["discriminator"]["mapping"]) == set(kinds)


keys = st.text(alphabet="abcxyz_-09 .é", min_size=1, max_size=6)
plain_values = st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=8))
values = st.recursive(plain_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8)


@many
@given(st.dictionaries(keys, values, max_size=4))
def test_toml_text_reads_back_equal_and_every_key_has_a_line(data: dict[str, Any]) -> None:
    import tomllib

    text = toml_text(data)
    back = tomllib.loads(text)

    def same(a: Any, b: Any) -> bool:
        if isinstance(a, dict):
            return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        if isinstance(a, list):
            return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
        return bool(a == b)

    assert same(data, back)
    lines = key_lines(text)
    for key in back:
        assert (key,) in lines, (key, text)


@many
@given(rate=st.floats(1.0, 100.0), duration=st.floats(0.2, 5.0), other=st.floats(0.1, 10.0))
def test_accrual_cut_or_prolonged_keeps_its_rates(rate: float, duration: float, other: float) -> None:
    accrual = constant_accrual(rate=rate, duration=duration, follow_up=1.0)
    moved = accrual.lasting(other)
    assert moved.duration == pytest.approx(other)
    assert moved.total == pytest.approx(rate * other)
    assert accrual.years_for(moved.total) == pytest.approx(other)


def test_bounds_accrual_and_one_arm_results_read_back_equal() -> None:
    bounds = boundaries(np.array([0.5, 1.0]), beta=0.1, futility="kim-demets")
    assert type(bounds).from_json(bounds.to_json()) == bounds
    accrual = ramp_accrual(rate=10.0, ramp=1.0, duration=3.0, follow_up=2.0)
    assert from_data(type(accrual), to_data(accrual)) == accrual
    latency = {"model": "weibull", "shape": 1.3, "median": 0.7}
    got: Any = plan_of("one-arm-milestone", rate=40.0, cure=0.4, effect=0.2, latency=latency).evaluate()
    assert type(got).from_json(got.to_json()) == got
    assert got.drift_table()["rejection"].to_list() == [row.rejection for row in got.drift]


def test_grids_and_comparisons_are_plans_of_their_own() -> None:
    text = (
        SHIPPED.read_text(encoding="utf-8")
        + """
[[grid]]
key = "arms.control.survival.cure_fraction"
values = [0.5, 0.6]
[[grid]]
key = "accrual.rate"
values = [30, 45.0, 60.0]
name = "infants a year"
[[compare]]
name = "years of life"
design = { kind = "rmst-difference" }
"""
    )
    made = plan_from_toml(text)
    assert plan_from_toml(made.to_toml()).to_data() == made.to_data()
    cells = made.grid_cells()
    assert [values for values, _ in cells] == [(c, r) for c in (0.5, 0.6) for r in (30.0, 45.0, 60.0)]
    for (cure, rate), cell in cells:
        assert cell.arms["control"].survival["cure_fraction"] == cure
        assert cell.accrual.rate == rate
        assert not cell.grid
    assert [table.label for table in made.grid] == ["cure fraction", "infants a year"]
    (own, first), (other, second) = made.designs()
    assert (own, first.design.kind) == ("plan", "group-sequential-log-rank")
    assert (other, second.design.kind) == ("years of life", "rmst-difference")
    assert [n for n, _ in first.scenarios()] == [n for n, _ in second.scenarios()]
    assert len(second.grid) == 2
