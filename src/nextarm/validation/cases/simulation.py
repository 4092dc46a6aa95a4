"""Cases of the simulation room: virtual trials against closed forms and other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nextarm.designs.plan import Plan, plan_from_data
from nextarm.simulation import simulate
from nextarm.validation.case import Case

LN2 = math.log(2.0)


def _plan(design: Mapping[str, Any], *, accrual: Mapping[str, Any], control: Mapping[str, Any], new: Mapping[str, Any]) -> Plan:
    """A two-arm plan of EFS with a milestone at one year."""
    return plan_from_data(
        {
            "trial": {"name": "a case", "endpoint": "EFS", "milestone": 1.0},
            "accrual": dict(accrual),
            "arms": {"control": {"survival": dict(control)}, "new": {"survival": dict(new)}},
            "design": dict(design),
        }
    )


def _cured(share: float) -> dict[str, Any]:
    """Mixture cure with the exponential latency of P13: hazard log(2) / 6 a month."""
    return {"model": "mixture-cure", "cure_fraction": share, "latency": {"model": "exponential", "rate": 2.0 * LN2}}


def _events_under_cure() -> dict[str, float]:
    plan = _plan({"kind": "log-rank"}, accrual={"rate": 100.0, "duration": 2.0, "follow_up": 2.0}, control=_cured(0.3), new=_cured(0.5))
    return {"events": simulate(plan, trials=20_480, seed=13).scenarios[0].events.value}


CASES: tuple[Case, ...] = (
    Case(
        id="simulation-events-cure",
        title="Expected events under a cure fraction, by simulation",
        room="simulation",
        kind="closed form",
        source="integral of (1 - cure) (1 - exp(-rate (T - u))) over uniform accrual; npsurvSS 1.1.0 says 195.8 here",
        inputs="100 patients an arm over 2 years, 2 years of follow-up, cure .3 and .5, exponential latency with median half a year",
        compute=_events_under_cure,
        expected={"events": 117.464},
        tolerance=0.2,  # 4 standard errors of the mean over 20,480 trials (0.047 each)
    ),
)
