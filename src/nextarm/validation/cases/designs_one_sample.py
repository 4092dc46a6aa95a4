"""One-sample log-rank designs: a published two-stage design, simulations of it, and a reference that was estimated."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from nextarm.designs import constant_accrual, plan_from_data
from nextarm.designs.one_sample_moments import patient_moments
from nextarm.survival.models import Exponential
from nextarm.validation.case import Case
from nextarm.validation.cases.designs_bounds import made

_WU = "Wu and others 2020, doi 10.1002/pst.1983, as printed in the vignette of R OneArm2stage"


def _plan(kind: str, *, n: float, rate: float, design: dict[str, Any], reference: dict[str, Any], **more: Any) -> Any:
    control, new = ({"model": "exponential", "rate": -math.log(s) / 3.0} for s in (0.72, 0.86))
    return plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": rate, "duration": n / rate, "follow_up": 3.0},
            "arms": {"new": {"survival": new}},
            "reference": {"survival": control, **reference},
            "design": {"kind": kind, "alpha": 0.05, **design},
            **more,
        }
    ).evaluate()


def _published(n: float, time: float, first: float, last: float, approximation: str) -> Any:
    design = {"interim_time": time, "interim_bound": first, "final_bound": last, "approximation": approximation}
    return _plan("one-sample-log-rank-two-stage", n=n, rate=20.0, design=design, reference={"fixed": True})


def _printed(n: float, time: float, first: float, last: float) -> dict[str, float]:
    got = _published(n, time, first, last, "normal")
    return {"alpha": got.type1_error, "stop": got.stop_h0, "expected_n": got.expected_n_h0}


def _simulated() -> dict[str, float]:
    normal, second = (_published(46.0, 1.0619, -0.7215, 1.5952, how) for how in ("normal", "second-order"))
    return {"alpha": second.type1_error, "stop": normal.stop_h0, "power": second.power}


def _estimated() -> dict[str, float]:
    arm = {"model": "exponential", "rate": math.log(2.0) / 2.0}
    got: Any = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 40.0, "duration": 4.0, "follow_up": 0.5},
            "arms": {"new": {"survival": arm}},
            "reference": {"survival": arm, "n": 200.0},
            "design": {"kind": "one-sample-log-rank", "alpha": 0.05},
        }
    ).evaluate()
    return {"taken_as_known": got.type1_if_taken_as_known}


_RATE, _REF, _L = 0.2, 0.35, 2.0


def _exponential_moments() -> dict[str, float]:
    # everybody followed for L years: entries within a moment
    accrual = constant_accrual(rate=1e8, duration=1e-6, follow_up=_L)
    m = patient_moments(Exponential(rate=_RATE), Exponential(rate=_REF), accrual=accrual, time=accrual.study_duration)
    return {"h": m.h, "d": m.d, "hh": m.hh, "hd": m.hd}


def _exponential_closed_form() -> dict[str, float]:
    s = math.exp(-_RATE * _L)
    d = 1.0 - s
    x = d / _RATE
    xx = 2.0 * (1.0 - s * (1.0 + _RATE * _L)) / _RATE**2
    xd = (1.0 - s * (1.0 + _RATE * _L)) / _RATE
    return {"h": _REF * x, "d": d, "hh": _REF**2 * (xx - x * x), "hd": _REF * (xd - x * d)}


CASES: tuple[Case, ...] = (
    *(
        made(
            f"two-stage-{name}",
            f"Two-stage one-sample log-rank, {name}",
            "published",
            _WU,
            "S(3) .72 v .86, 20 a year, follow-up 3 years, alpha .05",
            partial(_printed, *design),
            {"alpha": 0.05, "stop": stop, "expected_n": size},
            {"alpha": 5e-5, "stop": 5e-5, "expected_n": 1e-3},
        )
        for name, design, stop, size in (
            ("optimal", (46.0, 1.0619, -0.7215, 1.5952), 0.2353, 40.1736),
            ("minimax", (44.0, 1.6997, -0.731, 1.6257), 0.2324, 41.6745),
        )
    ),
    made(
        "two-stage-simulated",
        "What the published optimal design really does",
        "second implementation",
        "simulation of Z = (E - O) / sqrt(E) before this code (type I .042, stopping .232, power .809)",
        "n 46, interim at 1.0619 years",
        _simulated,
        {"alpha": 0.042, "stop": 0.232, "power": 0.809},
        {"alpha": 0.002, "stop": 0.005, "power": 0.01},
    ),
    made(
        "one-sample-estimated",
        "One-sample log-rank against an estimated reference taken as known",
        "second implementation",
        "simulation of this project before this code, 2e5 trials or more; its accrual is not stated, here 4 years and half a year more",
        "160 infants, reference as precise as 200, alpha .05",
        _estimated,
        {"taken_as_known": 0.091},
        0.006,
    ),
    made(
        "one-sample-moments",
        "Moments of expected and observed events",
        "closed form",
        "exponential times censored at 2 years",
        "rate .2, reference rate .35",
        _exponential_moments,
        _exponential_closed_form(),
        1e-6,
    ),
)
