"""Guards of OS and salvage that cannot be: each refused in one message that says where and why."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import plan_from_data

EFS: dict[str, Any] = {"model": "exponential", "rate": 0.1}
#: Accrual that ends, with its follow-up, before the milestone.
LATE: dict[str, Any] = {"accrual": {"rate": 40.0, "duration": 1.5, "follow_up": 1.0}}
GUARD: dict[str, Any] = {"margin": 0.05, "alpha": 0.1, "salvage": 0.5, "after_event": 0.8}


def bayes(guard: dict[str, Any], **design: Any) -> dict[str, Any]:
    """A one-arm posterior with a guard."""
    made = data(guard, one=True)
    made.pop("reference")
    return made | {"design": {"kind": "bayes-one-arm", "null_survival": 0.6, "os_guard": guard} | design}


def data(guard: dict[str, Any] | None, *, one: bool = False, arm: dict[str, Any] | None = None, **design: Any) -> dict[str, Any]:
    arms: dict[str, Any] = {"control": {"survival": EFS}, "new": {"survival": EFS} | (arm or {})}
    own: dict[str, Any] = {"kind": "absolute-margin", "margin": 0.1} | design
    made: dict[str, Any] = {"arms": arms, "design": own | ({"os_guard": guard} if guard else {})}
    if one:
        arms.pop("control")
        own["kind"] = "one-arm-milestone"
        made = {"arms": arms, "design": own | {"os_guard": guard}, "reference": {"milestone_survival": 0.6, "se": 0.03}}
    return {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 3.0},
        "accrual": {"rate": 20.0, "duration": 4.0, "follow_up": 3.0},
    } | made


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (data(GUARD | {"margin": -0.01}), "os_guard.margin"),
        (data(GUARD | {"alpha": 0.0}), "os_guard.alpha"),
        (data(GUARD | {"salvage": 1.2}), "os_guard.salvage"),
        (data(GUARD | {"after_event": 0.0}), "os_guard.after_event"),
        (data(GUARD | {"after_event": float("nan")}), "os_guard.after_event"),
        (data({k: v for k, v in GUARD.items() if k != "alpha"}), "alpha is missing"),
        (data(GUARD | {"rule": "hope"}), "bound, harm"),
        (data(GUARD | {"look_times": [2.0]}), 'goes with rule = "harm"'),
        (data(GUARD | {"rule": "harm", "look_times": [4.0, 2.0]}), "must rise"),
        (data(GUARD | {"rule": "harm", "look_times": [7.0]}), "must rise"),
        (data(GUARD | {"reference": 0.9}), "is of one-arm designs"),
        (data(GUARD, one=True), "os_guard.reference is missing"),
        (data(GUARD | {"reference": 0.04}, one=True), "must be below the reference's OS"),
        (data(GUARD, margin=0.0), "superiority has nothing to guard"),
        (data(GUARD, kind="bayes-two-arm", early_success=True), "success is read at the end"),
        (data(GUARD, kind="log-rank"), "os_guard"),
        (data(GUARD, kind="rmst-difference", margin=0.0), "superiority has nothing to guard"),
        (data(GUARD, kind="rmst-difference", margin=2.9), "a loss that higher hazards can bring about"),
        (data(GUARD, kind="rmst-difference", tau=2.0) | LATE, "nobody is followed to the milestone"),
        (data(GUARD | {"reference": 0.9}, kind="rmst-difference"), "is of one-arm designs"),
        (bayes(GUARD), "os_guard.reference is missing"),
        (bayes(GUARD | {"reference": 0.85, "reference_se": 0.02}), "a value taken as known"),
        (bayes(GUARD | {"reference": 0.04}), "must be below the reference's OS"),
        (bayes(GUARD | {"reference": 0.85}, early_success=True), "success is read at the end"),
        (data(None, arm={"salvage": 0.3}), "arms.new.salvage"),
        (data(GUARD, arm={"salvage": -0.3}), "arms.new.salvage"),
    ],
)
def test_is_refused(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as error:
        plan_from_data(bad)
    assert says in str(error.value)
