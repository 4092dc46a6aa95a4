"""Bayesian looks at a time to event: a published predictive probability, and the points at which each new design equals a known one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nextarm.designs.bop2 import bop2_bounds
from nextarm.designs.count_design import behaviour_of
from nextarm.designs.cure_fraction import cure_table, posterior_mean, probability_better
from nextarm.designs.plan import plan_from_data
from nextarm.designs.predictive_survival import predictive_success
from nextarm.validation.case import Case

TRIALS = 10_000


def _predictive() -> dict[str, float]:
    got = predictive_success(np.array([16.0]), np.array([23.0]), 40.0, null=0.6, threshold=0.9, prior=(0.6, 0.4))
    return {"PP": float(got[0])}


def _bop2_time() -> dict[str, float]:
    data: dict[str, Any] = {
        "trial": {"name": "all events are seen", "endpoint": "EFS", "milestone": 99.0},
        "accrual": {"rate": 30.0, "duration": 1.0, "follow_up": 120.0},
        "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}},
        "design": {"kind": "bop2-time-to-event", "null_survival": math.exp(-0.3 * 99.0), "cut": 0.95, "shape": 0.0, "prior": [1.0, 2.0]},
    }
    got: Any = plan_from_data(data).evaluate()
    return {"power": got.power, "type I error": got.type1_error}


def _bop2_exact(rate: float) -> float:
    """All 30 have the event: years are gamma, and P(hazard < .3) > .95 from so many years on."""
    from scipy.special import gammaincc, gammaincinv

    years = float(gammaincinv(31.0, 0.95)) / 0.3 - 2.0
    return float(gammaincc(30.0, rate * years))


_RULE: dict[str, Any] = {"cut": 0.9, "shape": 0.6}


def _top() -> dict[str, float]:
    data: dict[str, Any] = {
        "trial": {"name": "nobody is pending", "endpoint": "MRD", "milestone": 1e-5},
        "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 0.1},
        "arms": {"new": {"response": 0.4}},
        "design": {"kind": "top", "null_response": 0.2, **_RULE},
    }
    got: Any = plan_from_data(data).evaluate()
    return {"power": got.power, "type I error": got.type1_error}


def _top_exact() -> dict[str, float]:
    # the patient who brings a look has been observed for nothing yet
    bounds = bop2_bounds((9, 19, 29, 40), p0=0.2, **_RULE)
    own, null = behaviour_of(bounds, [0.4, 0.2])
    return {"power": own.success, "type I error": null.success}


def _cure() -> dict[str, float]:
    """Follow-up of twenty times the latency's median, which is known."""
    rate = math.log(2.0) / 0.5
    table = cure_table(0.5, (2.0, 1.0), 1.0, (0.5, 0.5001), 10.0)
    left = 20.0 * np.exp(-rate * table.edges)
    events, years = -np.diff(left), 30.0 * np.diff(table.edges) - np.diff(left) / rate
    return {"P(cure > .5)": float(probability_better(table, events, years)), "mean": float(posterior_mean(table, events, years))}


def _beta() -> dict[str, float]:
    from scipy.special import betainc

    return {"P(cure > .5)": 1.0 - float(betainc(32.0, 21.0, 0.5)), "mean": 32.0 / 53.0}


def _near(p: float) -> float:
    return 4.5 * math.sqrt(p * (1.0 - p) / TRIALS)


_TOP = _top_exact()
_BOP2 = {"power": _bop2_exact(0.2), "type I error": _bop2_exact(0.3)}
CASES: tuple[Case, ...] = (
    Case(
        id="designs-predictive-survival",
        title="Predictive probability of S(t) where all are followed to t",
        room="designs",
        kind="published",
        source="Lee & Liu 2008, doi 10.1177/1740774508089279: 16 responses of 23, 40 in all",
        inputs="null .6, beta prior .6 and .4, certainty .9",
        compute=_predictive,
        expected={"PP": 0.5656},
        tolerance=1e-4,
    ),
    Case(
        id="designs-bop2-time",
        title="BOP2 for a time to event where all events are seen",
        room="designs",
        kind="closed form",
        source="the total time of 30 exponential lives is gamma",
        inputs=f"rates .2 and .3 a year, gamma prior of 1 event in 2 years; {TRIALS:,} virtual trials",
        compute=_bop2_time,
        expected=_BOP2,
        tolerance={k: _near(p) for k, p in _BOP2.items()},
    ),
    Case(
        id="designs-top-limit",
        title="TOP where nobody is pending",
        room="designs",
        kind="limit case",
        source="BOP2's exact sums over counts, the patient who brings a look not yet observed",
        inputs=f"40 patients, .2 against .4, cut .9, shape .6; {TRIALS:,} virtual trials",
        compute=_top,
        expected=_TOP,
        tolerance={k: _near(p) for k, p in _TOP.items()},
    ),
    Case(
        id="designs-cure-limit",
        title="Posterior of the cure fraction where whoever is not cured has had the event",
        room="designs",
        kind="limit case",
        source="beta posterior of 30 cured and 20 not",
        inputs="beta prior 2 and 1",
        compute=_cure,
        expected=_beta(),
        tolerance=3e-3,
    ),
)
