"""The quick validation cases of the simulation room: printed numbers, exact sums, rpact's simulations."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from nextarm.designs import plan_from_data
from nextarm.simulation import simulate
from nextarm.validation.case import expected
from nextarm.validation.cases.simulation import CASES, _exact_one_arm, _exact_two_arms


def test_every_run_of_the_frozen_file_is_a_case() -> None:
    assert sum(case.id.startswith("simulation-rpact-") for case in CASES) == len(expected("simulation")["runs"])


def test_the_exact_sums_are_those_of_scipy() -> None:
    """The binomial sums behind the cases, said another way."""
    z = 1.6448536269514722
    smallest = next(x for x in range(41) if x < 40 and (x / 40 - 0.6) / math.sqrt(x / 40 * (1 - x / 40) / 40 + (x == 0)) >= z)
    assert _exact_one_arm(40, 0.8, 0.6, z) == pytest.approx(stats.binom.sf(smallest - 1, 40, 0.8), abs=1e-12)
    total = 0.0
    for a in range(31):  # events of the new arm
        for b in range(31):
            p, q = 1 - a / 30, 1 - b / 30
            variance = (p * (1 - p) + q * (1 - q)) / 30 or 0.15 * 0.85 / 60
            if (p - q + 0.15) / math.sqrt(variance) >= 1.959963984540054:
                total += stats.binom.pmf(a, 30, 0.3) * stats.binom.pmf(b, 30, 0.15)
    assert _exact_two_arms(30, 0.85, 0.7, 0.15, 1.959963984540054) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize(
    ("patients", "cure", "allocation", "want"),
    [
        (153, 0.75, (1, 2), 0.0286),
        (153, 0.75, (2, 1), 0.0216),
        (60, 0.85, (1, 2), 0.029),
        (60, 0.85, (2, 1), 0.013),
        (150, 0.75, (1, 1), 0.0254),
    ],
)
def test_finite_sample_error_of_the_log_rank(patients: int, cure: float, allocation: tuple[int, int], want: float) -> None:
    """Values computed for this project by other code (2e5 trials or more): the larger arm is rejected in favour of too often.

    They are printed to .0001 or .001: .0005 is allowed beside 4 standard errors.
    """
    truth = {"model": "mixture-cure", "cure_fraction": cure, "latency": {"model": "exponential", "median": 0.5}}
    plan = plan_from_data(
        {
            "trial": {"name": "finite sample", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": patients / 2.0, "duration": 2.0, "follow_up": 20.0},
            "arms": {
                "control": {"survival": truth, "allocation": allocation[0]},
                "new": {"survival": truth, "allocation": allocation[1]},
            },
            "design": {"kind": "log-rank"},
        }
    )
    found = simulate(plan, trials=60_000, seed=14).scenarios[0].rejection
    assert found.value == pytest.approx(want, abs=4.0 * found.se + 0.0005)
