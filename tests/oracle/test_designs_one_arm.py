"""One-arm rejection probabilities against full enumeration: everybody followed, so S_hat is a binomial proportion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

from nextarm.designs import LookData, plan_from_data


def enumerated(n: int, survival: float, *, scale: str, reference: float, se: float, test_se: float, margin: float) -> float:
    """Sum the binomial over all outcomes that reject, averaged over the reference's estimate on a fine grid."""
    successes = np.arange(n + 1)
    s = successes / n
    critical = norm.isf(0.05)
    steps = np.linspace(-6.0, 6.0, 481)
    total = 0.0
    for x in steps:
        null = reference + se * x - margin
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.sqrt(s * (1 - s) / n)
            if scale == "plain":
                rejects = s - null >= critical * np.hypot(own, test_se)
            else:
                gap = math.log(-math.log(null)) - np.log(-np.log(s))
                rejects = gap >= critical * np.hypot(own / np.abs(s * np.log(s)), test_se / abs(null * math.log(null)))
        rejects[-1] = True
        total += norm.pdf(x) * (steps[1] - steps[0]) * float(binom.pmf(successes, n, survival)[rejects].sum())
    return total


CASES = [(80, 0.644, 0.5, 0.0), (160, 0.5, 0.5, 0.0), (160, 0.6, 0.5, 0.0), (120, 0.7, 0.7, 0.1), (60, 0.9, 0.8, 0.0), (60, 0.8, 0.8, 0.0)]


@pytest.mark.parametrize("scale", ["plain", "cloglog"])
@pytest.mark.parametrize(("n", "survival", "reference", "margin"), CASES)
def test_rejection_against_enumeration(scale: str, n: int, survival: float, reference: float, margin: float) -> None:
    plan = plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "DFS", "milestone": 2.0},
            "accrual": {"rate": n / 2.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": {"model": "exponential", "rate": -math.log(survival) / 2.0}}},
            "design": {"kind": "one-arm-milestone", "alpha": 0.05, "scale": scale, "margin": margin},
            "reference": {"milestone_survival": reference, "n": 200.0},
        }
    )
    got: Any = plan.evaluate()
    se = math.sqrt(reference * (1.0 - reference) / 200.0)
    at_null = reference - margin
    shared: dict[str, Any] = {"scale": scale, "reference": reference, "se": se, "margin": margin}
    assert got.power == pytest.approx(enumerated(n, survival, test_se=se, **shared), abs=0.015)
    assert got.type1_error == pytest.approx(enumerated(n, at_null, test_se=se, **shared), abs=0.006)
    assert got.type1_if_taken_as_known == pytest.approx(enumerated(n, at_null, test_se=0.0, **shared), abs=0.01)


def test_the_decision_is_that_of_the_critical_value() -> None:
    plan = plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "DFS", "milestone": 2.0},
            "accrual": {"rate": 50.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}},
            "design": {"kind": "one-arm-milestone", "alpha": 0.05},
            "reference": {"milestone_survival": 0.5, "fixed": True},
        }
    )
    z = np.array([[1.64], [1.65], [-3.0]])
    got = plan.design.decide(LookData(z=z, events=np.full((3, 1), 40), done=np.ones((3, 1), np.bool_)), plan)
    assert got.rejected_at.tolist() == [-1, 0, -1]
    fixed: Any = plan.evaluate()
    assert fixed.reference_se == 0.0
    assert fixed.type1_error == fixed.type1_if_taken_as_known
    assert any("without error" in w for w in fixed.warnings)
