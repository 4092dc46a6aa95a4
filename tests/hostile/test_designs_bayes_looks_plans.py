"""Plans of the Bayesian designs with looks at a time to event that cannot be: one message each."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import NextarmError, RefusedError
from nextarm.designs import plan_from_data

EFS: dict[str, Any] = {"model": "mixture-cure", "cure_fraction": 0.7, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
NAN = float("nan")


def data(kind: str, *, survival: dict[str, Any] | None = None, rate: float = 20.0, **design: Any) -> dict[str, Any]:
    arm: dict[str, Any] = {"response": 0.4} if kind == "top" else {"survival": survival or EFS}
    return {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 3.0},
        "accrual": {"rate": rate, "duration": 3.0, "follow_up": 3.0},
        "arms": {"a": arm},
        "design": {"kind": kind} | design,
    }


CURE: dict[str, Any] = {"null_cure": 0.5, "medians": [0.3, 1.5]}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (data("bop2-time-to-event"), "null_survival is missing"),
        (data("bop2-time-to-event", null_survival=0.0), "null_survival"),
        (data("bop2-time-to-event", null_survival=50.0), "percentage: 0.5"),
        (data("bop2-time-to-event", null_survival=0.5, cut=0.9), "given together"),
        (data("bop2-time-to-event", null_survival=0.5, look_times=[3.0, 2.0]), "must rise"),
        (data("bop2-time-to-event", null_survival=0.5, look_times=[6.0]), "must rise"),
        (data("bop2-time-to-event", null_survival=0.5, prior=[0.0, 1.0]), "above 0"),
        (data("bop2-time-to-event", null_survival=0.5, rate=1000.0), "at most 2,000 patients"),
        (data("top", null_response=1.0), "null_response"),
        (data("top", null_response=0.2, looks=[0.5, 0.4, 1.0]), "must rise"),
        (data("top", null_response=0.2, looks=[]), "must rise"),
        (data("top", null_response=0.2, shape=0.5), "given together"),
        (data("top", null_response=0.2, early_share=1.5), "early_share"),
        (data("top", null_response=0.2, prior=[NAN, 1.0]), "prior"),
        (data("predictive-survival", null_survival=0.5, look_times=[2.0]), "after the milestone"),
        (data("predictive-survival", null_survival=0.5, futility=0.5, efficacy=0.4), "must be below efficacy"),
        (data("predictive-survival", null_survival=0.5, prior=[-1.0, 1.0]), "above 0"),
        (data("predictive-survival", null_survival=0.5, rate=5000.0), "patients' worth"),
        (data("cure-fraction", null_cure=0.5), "medians is missing"),
        (data("cure-fraction", null_cure=0.5, medians=[1.5, 0.3]), "two rising"),
        (data("cure-fraction", null_cure=0.5, medians=[0.0, 0.3]), "two rising"),
        (data("cure-fraction", **CURE, shape=0.0), "shape"),
        (data("cure-fraction", **CURE, futility=0.96), "must be below threshold"),
        (data("cure-fraction", **CURE, survival={"model": "exponential", "rate": 0.2}), "mixture-cure"),
        (data("cure-fraction", **CURE) | {"solve": {"for": "events"}}, "solves for"),
    ],
)
def test_is_refused(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(NextarmError) as error:
        plan_from_data(bad)
    assert says in str(error.value)


@pytest.mark.parametrize(("kind", "key"), [("bop2-time-to-event", "null_survival"), ("top", "null_response")])
def test_no_rule_is_searched_for_where_nothing_is_better(kind: str, key: str) -> None:
    plan = plan_from_data(data(kind, **{key: 0.8}))
    with pytest.raises(RefusedError, match="to search for a rule"):
        plan.evaluate()
