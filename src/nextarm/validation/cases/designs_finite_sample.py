"""What the log-rank test's normal approximation hides in small and unequal arms: rejections of a true null."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from nextarm.designs import plan_from_data
from nextarm.simulation.finite_sample import finite_sample_error
from nextarm.validation.case import Case
from nextarm.validation.cases.designs_bounds import made


def _errors(n: float, ratio: float, cure: float) -> dict[str, float]:
    truth = {"model": "mixture-cure", "cure_fraction": cure, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}
    plan = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": n / 3.0, "duration": 3.0, "follow_up": 5.0},
            "arms": {"control": {"survival": truth}, "new": {"allocation": ratio, "survival": truth}},
            "design": {"kind": "log-rank"},
        }
    )
    found = finite_sample_error(plan, trials=200_000, seed=1, calibrate=False)
    return {"for_new": found.type1_error.value, "against_new": found.opposite.value}


CASES: tuple[Case, ...] = tuple(
    replace(
        made(
            f"finite-sample-{n:.0f}",
            f"True type I error of a log-rank test, {n:.0f} infants {ratio:.0f}:1",
            "second implementation",
            "simulation of this project before this code, 2e5 to 1e6 trials",
            f"nominal .025, cure fraction {cure:g}",
            partial(_errors, n, ratio, cure),
            {"for_new": one, "against_new": other},
            0.0015,
        ),
        slow=True,
    )
    for n, ratio, cure, one, other in (
        (153.0, 2.0, 0.75, 0.0286, 0.0216),
        (60.0, 2.0, 0.85, 0.029, 0.013),
        (150.0, 1.0, 0.75, 0.0254, 0.0254),
    )
)
