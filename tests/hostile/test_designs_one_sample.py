"""One-sample log-rank plans that cannot be: no curve, no precision, a look after the end, an arm no better."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import PlanError, RefusedError
from nextarm.designs import plan_from_data

HALF = {"model": "exponential", "rate": 0.3466}


def plan(*, kind: str = "one-sample-log-rank", arm: float = 0.2, reference: dict[str, Any] | None = None, **more: Any) -> Any:
    design = {"kind": kind, **more.pop("design", {})}
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 30.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": {"model": "exponential", "rate": arm}}},
            "reference": {"survival": HALF, "n": 200.0} if reference is None else reference,
            "design": design,
            **more,
        }
    )


def problem(**given: Any) -> str:
    with pytest.raises(PlanError) as caught:
        plan(**given)
    return str(caught.value)


def test_a_reference_without_its_precision_is_refused_unless_declared_fixed() -> None:
    assert "how well the reference is known" in problem(reference={"survival": HALF})
    assert plan(reference={"survival": HALF, "fixed": True}).evaluate().reference_fixed


def test_one_point_is_not_a_curve() -> None:
    assert "compares with a curve" in problem(reference={"milestone_survival": 0.5, "n": 200.0})


def test_an_arm_no_better_than_the_reference_has_no_size() -> None:
    assert "fewer events than the reference" in problem(arm=0.5, solve={"for": "n"})


def test_two_stages_need_their_interim_look() -> None:
    kind = "one-sample-log-rank-two-stage"
    assert "interim_time and interim_bound must be given" in problem(kind=kind)
    assert "before the last analysis" in problem(kind=kind, design={"interim_time": 9.0, "interim_bound": 0.0})
    assert "interim_time and interim_bound must be given" in problem(kind=kind, solve={"for": "n"})
    assert "cannot be given when solving" in problem(kind=kind, design={"interim_time": 1.0}, solve={"for": "duration"})
    with pytest.raises(RefusedError, match="goes on less often"):
        plan(kind=kind, design={"interim_time": 2.0, "interim_bound": 4.0}).evaluate()


def test_a_two_stage_design_still_to_be_solved_for_has_no_virtual_trials() -> None:
    made = plan(kind="one-sample-log-rank-two-stage", solve={"for": "duration"})
    with pytest.raises(RefusedError, match="still to be solved for"):
        made.design.schedule(made)
