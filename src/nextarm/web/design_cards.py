"""Which designs there are, when to use which, and a plan to start from for each.

The plans are examples with round numbers; each number in them is an assumption to replace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from nextarm.designs.plan import plan_from_data, plan_from_toml

_LATENCY = {"model": "weibull", "shape": 1.3, "median": 0.7}


def _cured(fraction: float) -> dict[str, Any]:
    return {"model": "mixture-cure", "cure_fraction": fraction, "latency": _LATENCY}


_TRIAL = {"name": "example", "endpoint": "EFS", "milestone": 3.0}
_TWO_ARMS = {"control": {"allocation": 1, "survival": _cured(0.5)}, "treatment": {"allocation": 1, "survival": _cured(0.7)}}
_ACCRUAL = {"rate": 60.0, "duration": 3.0, "follow_up": 3.0, "dropout_hazard": 0.01}
_NULL = [{"name": "null", "arms": {"treatment": {"survival": {"cure_fraction": 0.5}}}}]
_TWO = {"trial": _TRIAL, "accrual": _ACCRUAL, "arms": _TWO_ARMS, "scenario": _NULL}
_ONE = {
    "trial": _TRIAL,
    "accrual": _ACCRUAL | {"rate": 20.0},
    "arms": {"treatment": {"survival": _cured(0.7)}},
    "reference": {"survival": _cured(0.5), "fixed": True},
    "scenario": _NULL,
}
_RESPONSE = {
    "trial": _TRIAL | {"endpoint": "MRD response", "milestone": 0.5},
    "accrual": _ACCRUAL | {"rate": 20.0, "follow_up": 0.5},
    "arms": {"treatment": {"response": 0.6}},
}


@dataclass(frozen=True)
class Card:
    """A design: what it is called, when to use it, and the base and ``[design]`` table of its example."""

    kind: str
    title: str
    when: str
    base: dict[str, Any]
    design: dict[str, Any]

    @property
    def plan(self) -> str:
        """The example as TOML."""
        if self.kind == "group-sequential-log-rank":
            return example_plan()
        return plan_from_data({**self.base, "design": {"kind": self.kind, **self.design}}).to_toml()


CARDS: tuple[Card, ...] = (
    Card(
        "group-sequential-log-rank",
        "Group-sequential log-rank",
        "Two randomised arms, survival, one or more interim looks. The usual phase 3 design.",
        _TWO,
        {},
    ),
    Card("log-rank", "Fixed log-rank", "Two randomised arms, one analysis at the end.", _TWO, {}),
    Card(
        "absolute-margin",
        "Absolute margin at a milestone",
        "Two arms; asks whether S at the milestone is not worse by more than a margin, as when treatment is reduced.",
        _TWO,
        {"margin": 0.1},
    ),
    Card(
        "rmst-difference",
        "Restricted mean survival",
        "Two arms whose curves may cross or come late; compares years lived up to a time.",
        _TWO,
        {"tau": 3.0},
    ),
    Card(
        "weighted-log-rank",
        "Weighted log-rank",
        "Two arms, an effect that comes late; know what late weights cost if it does not.",
        _TWO,
        {"p": 0.0, "q": 1.0},
    ),
    Card("max-combo", "MaxCombo", "Two arms, the shape of the effect not known; the best of several weighted tests.", _TWO, {}),
    Card(
        "one-arm-milestone",
        "One arm, S at a milestone",
        "No randomisation possible; compares with a reference whose own error is counted.",
        _ONE,
        {},
    ),
    Card(
        "one-sample-log-rank",
        "One-sample log-rank",
        "One arm against a whole reference curve; uses events before the milestone too.",
        _ONE,
        {},
    ),
    Card(
        "exact-binomial",
        "Exact single stage",
        "One arm, a response read early, such as MRD at the end of induction.",
        _RESPONSE,
        {"null_response": 0.4},
    ),
    Card(
        "simon-two-stage",
        "Simon's two stages",
        "One arm, a response; stops early when it does not work.",
        _RESPONSE,
        {"null_response": 0.4, "target_response": 0.6},
    ),
)


@cache
def example_plan() -> str:
    """The plan every new study starts with."""
    return (resources.files("nextarm.evidence") / "data" / "new-study" / "plan.toml").read_text(encoding="utf-8")


def checked(text: str) -> None:
    """Raise what is wrong with a plan."""
    plan_from_toml(text)
