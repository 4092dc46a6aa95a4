"""Looks that cannot be: too many, falling, without a number, of a design without looks; looks beyond the plan."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import CallError, PlanError, RefusedError
from nextarm.designs import analyse_look, plan_from_data


def plan(kind: str = "group-sequential-log-rank", **design: Any) -> Any:
    looks = {"looks": [0.5, 1.0]} if kind.startswith("group") else {}
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 1.0},
            "accrual": {"rate": 100.0, "duration": 3.0, "follow_up": 3.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": 1.0}},
                "new": {"survival": {"hazard_ratio": 0.7, "of": "control"}},
            },
            "design": {"kind": kind, "events": 100, **looks, **design},
        }
    )


BAD: list[dict[str, Any]] = [
    {"events": [], "z": []},
    {"events": [50.0], "z": [1.0, 2.0]},
    {"events": [50.0, 40.0], "z": [1.0, 2.0]},
    {"events": [0.0], "z": [1.0]},
    {"events": [50.0], "z": [float("nan")]},
    {"events": [10.0, 20.0, 30.0], "z": [0.0, 0.0, 0.0]},
    {"events": [50.0], "z": [1.0], "hazard_ratio": 0.0},
    {"events": [301.0], "z": [1.0]},  # of 300 patients
]


@pytest.mark.parametrize("given", BAD)
def test_broken_looks(given: dict[str, Any]) -> None:
    with pytest.raises(CallError):
        analyse_look(plan(), **given)


def test_a_beta_that_nothing_spends_is_refused() -> None:
    with pytest.raises(PlanError, match=r"beta = 0\.1"):
        plan(beta=0.1)
    assert plan(beta=0.1, futility="lan-demets-obrien-fleming").design.beta == 0.1


def test_other_designs_have_no_looks() -> None:
    with pytest.raises(RefusedError, match="group-sequential"):
        analyse_look(plan("log-rank"), events=[50.0], z=[1.0])


def test_extremes_stay_in_their_domain() -> None:
    for z in (-9.0, 0.0, 9.0):
        for events in ([3.0], [50.0, 130.0]):
            got = analyse_look(plan(spending="obrien-fleming"), events=events, z=[z / 2.0] * (len(events) - 1) + [z])
            assert all(0.0 <= p <= 1.0 for p in got.conditional_power.values())
            assert all(0.0 < p <= 0.5 for p in got.repeated_p)
            assert got.final is None or 0.0 <= got.final.p_value <= 1.0
            assert type(got).from_json(got.to_json()) == got


def test_more_events_than_planned_and_a_bound_crossed_before_are_said() -> None:
    assert any("were planned" in w for w in analyse_look(plan(), events=[50.0, 130.0], z=[1.0, 1.0]).warnings)
    late = analyse_look(plan(), events=[50.0, 100.0], z=[3.5, 1.0])
    assert late.decision == "reject"
    assert late.final is not None
    assert late.final.look == 1
    assert any("crossed its bound already" in w for w in late.warnings)


def test_a_trial_that_ends_early_spends_what_is_left() -> None:
    ended = analyse_look(plan(), events=[70.0], z=[2.0], ended=True)
    assert ended.efficacy[0] == pytest.approx(1.959964, abs=1e-5)
    assert ended.decision == "reject"
    assert analyse_look(plan(), events=[70.0], z=[2.0]).decision == "go on"
