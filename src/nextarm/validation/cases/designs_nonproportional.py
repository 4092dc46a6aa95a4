"""Two-arm designs under a delayed effect: average hazard ratio, weighted tests, MaxCombo, RMST, against gsDesign2."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from nextarm.designs import constant_accrual, plan_from_data
from nextarm.designs.rmst_difference import rmst_se
from nextarm.designs.weighted_moments import max_combo_bound
from nextarm.survival.models import Exponential
from nextarm.validation.case import Case
from nextarm.validation.cases.designs_bounds import made

_GSDESIGN2 = "gsDesign2 1.1.8, printed output"
_INPUTS = "100 a month for 12, control median 15 months, HR 1 for 4 months then .6, dropout .001, 36 months, power .9"


def delayed(design: dict[str, Any]) -> Any:
    """The design of gsDesign2's printed examples, in years, solved for n."""
    return plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "OS", "milestone": 1.5},
            "accrual": {"rate": 1200.0, "duration": 1.0, "follow_up": 2.0, "dropout_hazard": 0.012},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": 1.25}},
                "new": {"survival": {"hazard_ratio": 0.6, "of": "control", "delay": 1.0 / 3.0}},
            },
            "design": design,
            "solve": {"for": "n", "power": 0.9},
        }
    ).evaluate()


def _numbers(design: dict[str, Any]) -> dict[str, float]:
    got = delayed(design)
    bound = {"bound": got.bound} if design["kind"] == "max-combo" else {}
    return {"n": got.n, "events": got.events} | bound


_L, _TAU = 0.4, 2.0


def _rmst_closed_form() -> float:
    # everybody followed beyond tau: the variance of min(T, tau)
    s = math.exp(-_L * _TAU)
    mean = (1.0 - s) / _L
    return math.sqrt((2.0 * (1.0 - s * (1.0 + _L * _TAU)) / _L**2 - mean * mean) / 100.0)


def _rmst_complete() -> dict[str, float]:
    accrual = constant_accrual(rate=100.0, duration=1.0, follow_up=3.0)
    se = rmst_se(Exponential(rate=_L), accrual=accrual, analysis_time=4.0, tau=_TAU)
    assert se is not None
    return {"se": se}


def _one_stratum() -> dict[str, float]:
    """A factor without any effect on the prognosis, under a cure-fraction effect."""
    latency = {"model": "weibull", "shape": 1.3, "median": 0.7}
    arms = {
        n: {"survival": {"model": "mixture-cure", "cure_fraction": c, "latency": latency}} for n, c in (("control", 0.6), ("new", 0.75))
    }
    plan: dict[str, Any] = {
        "trial": {"name": "case", "endpoint": "EFS", "milestone": 3.0},
        "accrual": {"rate": 60.0, "duration": 4.0, "follow_up": 2.0, "dropout_hazard": 0.02},
        "arms": arms,
    }
    strata = {"kind": "stratified-log-rank", "strata": [{"share": 1.0}, {"share": 2.0}]}
    got: Any = plan_from_data(plan | {"design": strata}).evaluate()
    plain: Any = plan_from_data(plan | {"design": {"kind": "log-rank", "method": "asymptotic"}}).evaluate()
    return {"power": got.power - plain.power, "events": got.events - plain.events}


_ROWS: tuple[tuple[str, str, dict[str, Any], dict[str, float]], ...] = (
    ("average-hazard-ratio", "Log-rank by average hazard ratio", {"kind": "log-rank"}, {"n": 440.118, "events": 291.614}),
    ("fh", "Fleming-Harrington (0, .5)", {"kind": "weighted-log-rank", "q": 0.5}, {"n": 350.944, "events": 232.529}),
    ("modest", "Modest weights to 4 months", {"kind": "weighted-log-rank", "modest_until": 1.0 / 3.0}, {"n": 416.169, "events": 275.746}),
    (
        "max-combo",
        "MaxCombo of (0, 0) and (.5, 0)",
        {"kind": "max-combo", "weights": [[0.0, 0.0], [0.5, 0.0]]},
        {"n": 456.382, "events": 302.391, "bound": 2.01646},
    ),
    ("rmst", "RMST difference at 18 months", {"kind": "rmst-difference"}, {"n": 1482.15, "events": 982.05}),
)
_METHOD: dict[str, dict[str, str]] = {
    "log-rank": {"method": "average-hazard-ratio"},
    "weighted-log-rank": {"convention": "null-information"},
}

CASES: tuple[Case, ...] = (
    *(
        made(
            f"delayed-{name}",
            title,
            "other program",
            _GSDESIGN2,
            _INPUTS,
            partial(_numbers, design | _METHOD.get(design["kind"], {})),
            want,
            {"n": 0.1, "events": 0.1, "bound": 5e-5},
        )
        for name, title, design, want in _ROWS
    ),
    made(
        "one-stratum",
        "Stratified log-rank with alike strata",
        "limit case",
        "the log-rank design without strata",
        "cure .6 v .75, strata 1:2",
        _one_stratum,
        {"power": 0.0, "events": 0.0},
        1e-9,
    ),
    made(
        "rmst-complete",
        "RMST variance with complete follow-up",
        "closed form",
        "variance of min(T, tau), T exponential",
        "100 patients, rate .4, tau 2",
        _rmst_complete,
        {"se": _rmst_closed_form()},
        1e-9,
    ),
    made(
        "max-combo-independent",
        "MaxCombo bound of independent tests",
        "closed form",
        "(1 - alpha)^(1 / m)",
        "three tests, alpha .025",
        lambda: {"bound": max_combo_bound(np.eye(3), 0.025)},
        {"bound": 2.3908915},
        1e-5,
    ),
)
