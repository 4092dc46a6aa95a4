"""Where a design's null is true, what may be rejected there, and that a rate above it is told apart from chance."""

from __future__ import annotations

from typing import Any

import pytest

import nextarm
from nextarm.designs.plan import Plan, plan_from_toml
from nextarm.report.document import Chart
from nextarm.report.ledger import ledger_of, plain_text
from nextarm.report.simulated import report_of_plan
from nextarm.simulation.null_excess import allowed_errors, rejections_by_formula
from nextarm.simulation.one_trial import virtual_trial
from nextarm.simulation.ready import ready

PLANS = {card.kind: plan_from_toml(card.example) for card in nextarm.designs().cards}
CURE = {"model": "mixture-cure", "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}


def of(kind: str, *, arm: dict[str, Any] | None = None, **design: Any) -> Plan:
    """The example of a kind without scenarios, its experimental arm and design changed."""
    plan = PLANS[kind].without("scenario")
    changes: dict[str, Any] = {"design": design} if design else {}
    if arm:
        changes["arms"] = {plan.experimental: arm}
    return plan.changed(changes)


def cured(share: float) -> dict[str, Any]:
    return {"survival": {"cure_fraction": share}}


#: A kind, its experimental arm, changes of the design, and what may be rejected there. Examples have a control or null of .5 or .4.
TRUTHS: tuple[tuple[str, dict[str, Any], dict[str, Any], float | None], ...] = (
    ("log-rank", cured(0.5), {}, 0.025),
    ("log-rank", cured(0.4), {}, 0.025),
    ("log-rank", cured(0.51), {}, None),
    ("log-rank", cured(0.5), {"margin": 1.3}, None),
    ("log-rank", {"survival": {"hazard_ratio": 1.3, "of": "control"}}, {"margin": 1.3}, 0.025),
    ("group-sequential-log-rank", {"survival": {"hazard_ratio": 1.2, "of": "control"}}, {"margin": 1.3}, None),
    ("absolute-margin", cured(0.9), {"margin": 0.1}, None),
    ("absolute-margin", cured(0.6), {"margin": 0.1}, 0.025),
    ("bayes-two-arm", cured(0.5), {}, 0.025),
    ("rmst-difference", cured(0.5), {}, 0.025),
    ("rmst-difference", cured(0.5), {"margin": 0.2}, None),
    ("bayes-one-arm", cured(0.4), {}, 0.025),
    ("bayes-one-arm", cured(0.6), {}, None),
    ("predictive-survival", cured(0.4), {}, 0.025),
    ("bop2-time-to-event", cured(0.4), {"cut": 0.9, "shape": 0.5}, 0.05),
    ("cure-fraction", cured(0.5), {}, 0.025),
    ("cure-fraction", cured(0.55), {}, None),
    ("exact-binomial", {"response": 0.4}, {}, 0.025),
    ("exact-binomial", {"response": 0.41}, {}, None),
    ("top", {"response": 0.4}, {"cut": 0.9, "shape": 0.5}, 0.1),
    ("two-proportions", {"response": 0.3}, {"margin": 0.1}, 0.025),
    ("toxicity-monitoring", {"toxicity": 0.01}, {}, 0.025),
    ("toxicity-monitoring", {"toxicity": 0.9}, {}, None),
    ("efficacy-toxicity", {"response": 0.7, "toxicity": 0.3}, {"target_toxicity": 0.1, "alpha_toxicity": 0.05}, 0.05),
    ("efficacy-toxicity", {"response": 0.7, "toxicity": 0.1}, {}, None),
    ("boin", {}, {}, None),
)


@pytest.mark.parametrize(("kind", "arm", "design", "allowed"), TRUTHS)
def test_where_the_null_is_true(kind: str, arm: dict[str, Any], design: dict[str, Any], allowed: float | None) -> None:
    plan = of(kind, arm=arm, **design)
    assert plan.design.error_allowed(plan) == allowed
    assert allowed_errors(ready(plan))[0] == allowed


@pytest.mark.parametrize("test", ["relapse", "death", "either", "relapse-subdistribution", "death-subdistribution"])
def test_competing_causes_the_null_is_that_of_what_is_tested(test: str) -> None:
    plan = of("competing-events", test=test)
    own = dict(plan.to_data()["arms"][plan.control])
    same = plan.changed({"arms": {plan.experimental: {k: own[k] for k in ("relapse", "death")}}})
    assert same.design.error_allowed(same) == same.design.alpha
    worse = {k: {"hazard_ratio": 2.0, "of": plan.control} for k in ("relapse", "death")}
    harmed = plan.changed({"arms": {plan.experimental: {**worse, "death": own["death"]}}})
    assert (harmed.design.error_allowed(harmed) is None) == (test == "death-subdistribution"), "relapse takes away who could die"


def test_every_kind_says_where_its_null_is_true() -> None:
    none = {kind for kind, plan in PLANS.items() if not any(allowed_errors(ready(plan)))}
    assert none == {"boin", "rolling-six"}, "dose finding has none"
    assert not any(allowed_errors(ready(PLANS["log-rank"].without("scenario"))))


def test_chance_is_told_as_chance_by_trials_that_did_not_raise_the_question() -> None:
    found = nextarm.simulate(PLANS["group-sequential-log-rank"], trials=20_000, seed=1)
    null = found.scenario("null").rejection
    assert null.value > 0.025 + 1.96 * null.se, "an outlier, as one run in 40 is"
    assert found.warnings == ()
    assert len(found.by_chance) == 1
    assert "null: 2.87 % of virtual trials reject" in found.by_chance[0]
    assert "Further trials do not bear that out: 2.46 % of 81,920 further trials do" in found.by_chance[0]
    assert found.by_chance[0].endswith("of all together 2.54 % do")
    assert type(found).from_json(found.to_json()) == found
    assert nextarm.simulate(PLANS["group-sequential-log-rank"], trials=20_000, seed=1, workers=2).by_chance == found.by_chance
    few = nextarm.simulate(PLANS["group-sequential-log-rank"], trials=4_096, seed=1)
    assert (few.warnings, few.by_chance) == ((), ()), "of a few thousand trials the interval says enough"


def test_what_is_beyond_chance_is_warned_of_for_counts_margins_platforms_and_gated_end_points() -> None:
    # counts: .0420 by its exact formula
    counts = nextarm.simulate(PLANS["predictive-probability"], trials=4_096, seed=2)
    assert [text.split(":")[0] for text in counts.warnings] == ["null"]
    # a null of its own: with a threshold of .95 three looks reject more than .05 at it
    own = of("predictive-survival", arm=cured(0.5), threshold=0.95)
    assert [text.split(":")[0] for text in nextarm.simulate(own, trials=8_192, seed=2).warnings] == ["plan"]
    # platforms: an arm compared with controls of other times, while hazards fall
    drift = {"accrual": {"hazard_trend": -0.4}, "design": {"control_data": "all"}}
    arms = {"arms": {name: cured(0.5) for name in ("first", "second")}}
    late = PLANS["platform"].without("scenario").changed({**drift, **arms}).changed({"arms": {"second": {"opens": 3.0}}})
    platform = nextarm.simulate(late, trials=2_048, seed=2)
    assert any(text.startswith("plan, second:") for text in platform.warnings), platform.warnings
    # a graph that gives each end point all of alpha
    each = {"weights": {"response": 1.0}, "transitions": {"response": {"EFS": 1.0}, "EFS": {"OS": 1.0}}}
    assert nextarm.simulate(of("gated-endpoints", **each), trials=2_048, seed=2).warnings == ()


def test_the_formula_stands_beside_the_rates_where_it_is_of_the_whole_design() -> None:
    plan = PLANS["log-rank"]
    found = rejections_by_formula(plan)
    assert found == {name: scenario.evaluate().power for name, scenario in plan.scenarios()}
    assert found["null"] == pytest.approx(0.025, abs=1e-6)
    numbers = {e.number.name: e.number.value for e in ledger_of(report_of_plan(nextarm.simulate(plan, trials=1_024, seed=1), plan)).entries}
    assert numbers["as-planned.null.formula"] == found["null"]
    assert numbers["as-planned.null.alpha"] == 0.025
    assert "as-planned.plan.alpha" not in numbers
    assert rejections_by_formula(PLANS["predictive-survival"]) == {}, "its looks are not in its formula"
    assert rejections_by_formula(PLANS["gated-endpoints"]) == {}, "it works by virtual trials"
    doses = report_of_plan(nextarm.simulate(PLANS["boin"], trials=64, seed=1), PLANS["boin"])
    assert any("tests no null hypothesis" in str(section.lead) for section in doses.sections)


@pytest.mark.parametrize(
    ("kind", "has_z"), [("log-rank", True), ("bayes-one-arm", False), ("bop2-time-to-event", False), ("reestimated-log-rank", True)]
)
def test_the_looks_of_one_trial_say_z_only_where_the_design_has_one(kind: str, has_z: bool) -> None:
    made = report_of_plan(nextarm.simulate(PLANS[kind], trials=64, seed=1), PLANS[kind])
    (chart,) = next(section for section in made.sections if section.id == "one-trial").blocks
    assert isinstance(chart, Chart)
    assert chart.play is not None
    assert all(("z = " in words) == has_z for _, words in chart.play.looks)
    trial = virtual_trial(PLANS[kind], seed=1)
    assert (chart.play.planned, len(chart.play.looks)) == (trial.planned, len(trial.time))
    assert (trial.leaves[trial.outcome == 2] == trial.time[-1]).all(), "who is followed to the end leaves with the trial"
    which = "its last look" if kind == "reestimated-log-rank" else f"look {len(trial.time)} of {trial.planned}"
    said = f"This trial ended at {which}, after {trial.time[-1]:.2f} years: the null is "
    assert said in plain_text(chart.caption)
