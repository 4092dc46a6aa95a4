"""Gated end points: each end point alone has its formula's power, the graph keeps the family-wise error, the copula the margins."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import plan_from_data
from nextarm.designs.gated_endpoints import GatedEndpoints
from nextarm.designs.two_proportions_size import farrington_manning_size
from nextarm.report.simulated import _also
from nextarm.simulation import simulate

CURE = {"model": "mixture-cure", "cure_fraction": 0.4, "latency": {"model": "weibull", "shape": 1.2, "median": 0.7}}


def data(**design: Any) -> dict[str, Any]:
    return {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 3.0},
        "accrual": {"rate": 80.0, "duration": 2.0, "follow_up": 3.0},
        "arms": {"control": {"response": 0.4, "survival": CURE}, "new": {"response": 0.62, "survival": CURE | {"cure_fraction": 0.6}}},
        "design": {"kind": "gated-endpoints"} | design,
    }


@cache
def tied_by(correlation: float) -> GatedEndpoints:
    return shown(correlation=correlation)


def shown(**design: Any) -> GatedEndpoints:
    got = plan_from_data(data(**design)).evaluate()
    assert isinstance(got, GatedEndpoints)
    return got


def test_each_end_point_alone_has_the_power_of_its_own_design() -> None:
    got = tied_by(0.8)
    assert GatedEndpoints.from_json(got.to_json()) == got
    plain = data() | {"arms": {k: {"survival": v["survival"]} for k, v in data()["arms"].items()}, "design": {"kind": "log-rank"}}
    assert got.truths[0].alone["EFS"] == pytest.approx(plan_from_data(plain).evaluate().power, abs=0.025)
    # the size whose power by the formula is that of the simulation is about the plan's 80 an arm
    size = farrington_manning_size(p0=0.4, p1=0.62, alpha=0.025, power=got.truths[0].alone["response"])
    assert size == pytest.approx(160.0, rel=0.06) or size == pytest.approx(80.0, rel=0.06)
    assert got.truths[1].alone["EFS"] == pytest.approx(0.025, abs=4.0 * np.sqrt(0.025 * 0.975 / 10_000) + 0.002)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_family_wise_error_is_kept(correlation: float) -> None:
    for truth in tied_by(correlation).truths[1:]:
        assert truth.family_wise_error is not None
        assert truth.family_wise_error_se is not None
        assert truth.family_wise_error <= 0.025 + 4.0 * truth.family_wise_error_se + 0.002


def test_a_hierarchy_rejects_only_what_its_gate_has_opened() -> None:
    got = tied_by(0.8).truths[0]
    assert got.rejected["response"] == got.alone["response"]
    assert got.rejected["OS"] <= got.rejected["EFS"] <= got.rejected["response"]
    split = shown(
        weights={"response": 0.5, "EFS": 0.5}, transitions={"response": {"EFS": 1.0}, "EFS": {"response": 0.5, "OS": 0.5}}
    ).truths[0]
    assert split.rejected["EFS"] > got.rejected["EFS"]


def test_responders_are_cured_more_often_and_the_margins_stay() -> None:
    apart, tied = tied_by(0.0), tied_by(0.8)
    for name, response in (("control", 0.4), ("new", 0.62)):
        assert apart.survival_of_responders[name] == pytest.approx(apart.survival_of_others[name], abs=0.01)
        assert tied.survival_of_responders[name] > tied.survival_of_others[name] + 0.2
        mean = response * tied.survival_of_responders[name] + (1.0 - response) * tied.survival_of_others[name]
        assert mean == pytest.approx(tied.survival_at_milestone[name], abs=0.01)


@pytest.mark.parametrize(
    ("design", "words"),
    [
        ({"weights": {"response": 0.8, "EFS": 0.8}}, "weights"),
        ({"weights": {"MRD": 1.0}}, "MRD"),
        ({"correlation": 1.5}, "design.correlation"),
        ({"salvage": 20.0}, "percentage: 0.2"),
        ({"after_event": 0.0}, "design.after_event"),
    ],
)
def test_impossible_plans_say_why(design: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_data(data(**design))
    assert words in str(caught.value)


def test_virtual_trials_of_the_engine_agree_with_those_of_the_design() -> None:
    got, seen = tied_by(0.8), simulate(plan_from_data(data(correlation=0.8)), trials=8192, seed=3)
    assert [s.name for s in seen.scenarios] == [t.name for t in got.truths]
    for truth, counts in zip(got.truths, seen.scenarios, strict=True):
        rates = counts.summarised()
        assert counts.also["EFS"] == int(counts.rejected_by_look.sum())
        for end_point in ("response", "EFS", "OS"):
            for name, want in ((end_point, truth.rejected[end_point]), (f"{end_point}_alone", truth.alone[end_point])):
                # the one draws arms in permuted blocks, the other exactly
                assert rates[name].value == pytest.approx(want, abs=4.0 * np.hypot(rates[name].se, truth.rejected_se[end_point]) + 0.006), (
                    name
                )
    (table,) = _also({"plan": seen})
    assert len(table.columns) == 1 + len(seen.scenarios)
    assert len(table.rows) == 7
    for truth, counts in zip(got.truths, seen.scenarios, strict=True):
        rates = counts.summarised()
        if truth.family_wise_error is not None:
            assert rates["false_rejection"].value <= 0.025 + 4.0 * rates["false_rejection"].se + 0.002


def test_an_arm_may_save_fewer_after_an_event() -> None:
    last = tied_by(0.8).truths[-1]
    assert (last.name, last.nulls) == ("EFS works, OS does not", ("OS",))
    # both cure fractions known: nobody with an event lives on in the new arm, and the control saves what evens it out
    assert last.salvage["new"] == 0.0 or last.salvage["control"] == 0.2
    assert last.os_at_milestone["new"] == pytest.approx(last.os_at_milestone["control"], abs=1e-9)
    assert (1.0 - last.salvage["new"]) * (1.0 - 0.6) == pytest.approx((1.0 - last.salvage["control"]) * (1.0 - 0.4), abs=1e-9)
    assert last.rejected["EFS"] > 0.3 > 0.04 > last.rejected["OS"]
