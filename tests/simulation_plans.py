"""Plans for the tests of the simulation room: small, and of many kinds."""

from __future__ import annotations

from typing import Any

from nextarm.designs import Plan, plan_from_data

CURE = {"model": "mixture-cure", "cure_fraction": 0.6, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
BETTER = CURE | {"cure_fraction": 0.8}
LOOKS = {"kind": "group-sequential-log-rank", "events": 20, "looks": [0.5, 1.0], "latest": 4.0}

#: A whole plan as its file, of the kind that is simulated quickest.
RESPONSE_PLAN = """[trial]
name = "response"
endpoint = "MRD response"
milestone = 0.5
[accrual]
rate = 20
duration = 2
follow_up = 0.5
[arms.treatment]
response = 0.6
[design]
kind = "exact-binomial"
null_response = 0.4
"""


def two_arms(design: dict[str, Any] | None = None, *, control: Any = CURE, new: Any = BETTER, allocation: int = 1, **accrual: Any) -> Plan:
    """A two-arm plan of 60 patients over 2 years; ``accrual`` changes that table."""
    return plan_from_data(
        {
            "trial": {"name": "a small trial", "endpoint": "EFS", "milestone": 1.5},
            "accrual": {"rate": 30.0, "duration": 2.0, "follow_up": 2.0, "dropout_hazard": 0.05} | accrual,
            "arms": {"control": {"survival": control}, "new": {"survival": new, "allocation": allocation}},
            "design": design or LOOKS,
        }
    )


def one_arm(design: dict[str, Any] | None = None, *, new: Any = BETTER, reference: Any = None, **accrual: Any) -> Plan:
    """A one-arm plan of 40 patients against a milestone survival."""
    return plan_from_data(
        {
            "trial": {"name": "one arm", "endpoint": "EFS", "milestone": 1.5},
            "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 2.0, "dropout_hazard": 0.05} | accrual,
            "arms": {"new": {"survival": new}},
            "reference": reference or {"milestone_survival": 0.6, "n": 150.0},
            "design": design or {"kind": "one-arm-milestone"},
        }
    )
