"""Designs: events, sizes and power against rpact, gsDesign, gsDesign2, a planned trial, closed forms; and the bounds."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from nextarm.designs import (
    Distribution,
    ProportionalHazards,
    constant_accrual,
    expected_events,
    hazard_ratio_with_same_survival,
    log_rank_moments,
    plan_from_data,
    schoenfeld_events,
    stepped_accrual,
)
from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.setting import Setting, solved
from nextarm.survival.models import Exponential, MixtureCure, PiecewiseExponential, Weibull
from nextarm.validation.case import Case, Kind, expected
from nextarm.validation.cases.designs_bayes_survival_looks import CASES as BAYES_LOOKS
from nextarm.validation.cases.designs_bounds import CASES as BOUNDS
from nextarm.validation.cases.designs_bounds import FROZEN, GSDESIGN, RPACT, made, named
from nextarm.validation.cases.designs_competing import CASES as COMPETING
from nextarm.validation.cases.designs_counts import CASES as COUNTS
from nextarm.validation.cases.designs_doses import CASES as DOSES
from nextarm.validation.cases.designs_finite_sample import CASES as FINITE_SAMPLE
from nextarm.validation.cases.designs_gated import CASES as GATED
from nextarm.validation.cases.designs_guard import CASES as GUARD
from nextarm.validation.cases.designs_joint import CASES as JOINT
from nextarm.validation.cases.designs_looks import CASES as LOOKS
from nextarm.validation.cases.designs_nonproportional import CASES as NON_PROPORTIONAL
from nextarm.validation.cases.designs_one_sample import CASES as ONE_SAMPLE
from nextarm.validation.cases.designs_reestimation import CASES as REESTIMATION

GSDESIGN2 = "gsDesign2 1.1.8, printed output"
LN2 = math.log(2.0)


def _evaluate(
    design: dict[str, Any], *, control: dict[str, Any], hr: float, accrual: dict[str, float], ratio: float = 1.0, **more: Any
) -> Any:
    arms = {"control": {"survival": control}, "new": {"allocation": ratio, "survival": {"hazard_ratio": hr, "of": "control"}}}
    trial = {"name": "case", "endpoint": "OS", "milestone": 1.0}
    return plan_from_data({"trial": trial, "accrual": accrual, "arms": arms, "design": design, **more}).evaluate()


def _fixed() -> dict[str, float]:
    accrual = {"rate": 50.0, "duration": 2.0, "follow_up": 1.0}
    got = _evaluate({"kind": "log-rank"}, control={"model": "exponential", "median": 1.0}, hr=0.6, accrual=accrual, solve={"for": "n"})
    return {"events": got.events, "n": got.n}


def _fixed_grid() -> dict[str, float]:
    got: dict[str, float] = {}
    for i, row in enumerate(expected("designs")["fixed"], 1):
        accrual = {"rate": 50.0, "duration": row["accrual"], "follow_up": row["follow_up"], "dropout_hazard": row["dropout_hazard"]}
        control = {"model": "exponential", "median": row["median"]}
        found = _evaluate(
            {"kind": "log-rank"}, control=control, hr=row["hazard_ratio"], accrual=accrual, ratio=float(row["ratio"]), solve={"for": "n"}
        )
        got |= {f"n_{i}": found.n, f"events_{i}": found.events}
    return got


def _fixed_frozen() -> dict[str, float]:
    rows = enumerate(expected("designs")["fixed"], 1)
    return {name: value for i, row in rows for name, value in ((f"n_{i}", row["n"]), (f"events_{i}", row["events"]))}


def _lachin_foulkes() -> dict[str, float]:
    accrual = {"rate": 10.0, "duration": 12.0, "follow_up": 6.0, "dropout_hazard": LN2 / 40}
    got = _evaluate(
        {"kind": "log-rank", "method": "lachin-foulkes"},
        control={"model": "exponential", "median": 6.0},
        hr=0.5,
        accrual=accrual,
        solve={"for": "n", "power": 0.9},
    )
    return {"n": got.n, "events": got.events, "control": got.events_by_arm["control"], "new": got.events_by_arm["new"]}


def _non_inferiority(method: str) -> dict[str, float]:
    accrual = {"rate": 100.0, "duration": 3.0, "follow_up": 3.0}
    control = {"model": "exponential", "rate": -math.log(0.8) / 3.0}
    design = {"kind": "log-rank", "method": method, "margin": 1.3}
    got = _evaluate(design, control=control, hr=1.0, accrual=accrual, solve={"for": "n"})
    return {"events": got.events, "n": got.n}


def _group_sequential() -> dict[str, float]:
    accrual = {"rate": 50.0, "duration": 2.0, "follow_up": 1.0, "dropout_hazard": -math.log(0.975)}
    design = {"kind": "group-sequential-log-rank", "looks": [0.6, 1.0]}
    got = _evaluate(design, control={"model": "exponential", "median": 1.0}, hr=0.6, accrual=accrual, solve={"for": "n"})
    return {
        "n": got.n,
        "events": got.events,
        "first_look_months": 12.0 * got.look_times[0],
        "critical_hr_1": got.critical_hazard_ratio[0],
        "critical_hr_2": got.critical_hazard_ratio[1],
        "expected_events": got.expected_events_h1,
    }


def _group_sequential_power() -> dict[str, float]:
    accrual = {"rate": 100.0, "duration": 2.0, "follow_up": 20.0, "dropout_hazard": -math.log(0.975)}
    design = {"kind": "group-sequential-log-rank", "looks": [0.6, 1.0], "events": 120}
    found: dict[str, float] = {}
    for hr in (0.5, 0.6, 0.7, 1.0):
        got = _evaluate(design, control={"model": "exponential", "median": 1.0}, hr=hr, accrual=accrual)
        found |= {f"power_{hr}": got.power, f"early_{hr}": float(got.reject_h1[0])}
    return found


def _hsd_row() -> dict[str, Any]:
    return next(r for r in expected("designs")["sequential"] if r["design"] == "hsd-futility" and r["shape"] == 1.5)


def _hsd_frozen() -> dict[str, float]:
    row = _hsd_row()
    numbers = {"n": row["n"], "events": row["events"], "expected_events": row["expected_events_h1"]}
    return numbers | named({"time": row["analysis_times"], "critical_hr": row["critical_hazard_ratio"]})


def _hsd_futility() -> dict[str, float]:
    design = {
        "kind": "group-sequential-log-rank",
        "looks": [1 / 3, 2 / 3, 1.0],
        "spending": "hwang-shih-decani",
        "spending_parameter": -4.0,
        "futility": "hwang-shih-decani",
        "futility_parameter": -2.0,
        "beta": 0.1,
    }
    accrual = {"rate": 50.0, "duration": 2.0, "follow_up": 1.0}
    control = {"model": "weibull", "shape": 1.5, "median": 1.0}
    got = _evaluate(design, control=control, hr=0.6, accrual=accrual, solve={"for": "n", "power": 0.9})
    numbers = {"n": got.n, "events": got.events, "expected_events": got.expected_events_h1}
    return numbers | named({"time": got.look_times, "critical_hr": got.critical_hazard_ratio})


def _event_row(shape: float) -> dict[str, Any]:
    return next(r for r in expected("designs")["events"] if r["shape"] == shape)


def _stepped_frozen(shape: float) -> dict[str, float]:
    row = _event_row(shape)
    return named({"control": row["control"], "new": row["experimental"]})


def _stepped(shape: float) -> dict[str, float]:
    row = _event_row(shape)
    accrual = stepped_accrual(
        rates=tuple(map(float, row["rates"])),
        cuts=tuple(map(float, row["cuts"])),
        duration=row["duration"],
        follow_up=5.0,
        dropout_hazard=float(row["dropout_hazard"]),
    )
    control = Weibull(shape=float(shape), scale=1.0 / row["rate"])
    new = ProportionalHazards(base=control, hazard_ratio=row["hazard_ratio"])
    arms: dict[str, Distribution] = {"control": control, "new": new}
    return named({n: [expected_events(m, accrual=accrual, time=t) / accrual.total for t in row["times"]] for n, m in arms.items()})


def _piecewise() -> dict[str, float]:
    row = expected("designs")["piecewise"]
    control = PiecewiseExponential(cuts=tuple(row["cuts"]), rates=tuple(row["rates"]))
    new = ProportionalHazards(base=control, hazard_ratio=row["hazard_ratio"])
    accrual = constant_accrual(rate=60.0, duration=2.0, follow_up=3.0)
    return named(
        {n: [expected_events(m, accrual=accrual, time=t) / 120.0 for t in row["times"]] for n, m in (("control", control), ("new", new))}
    )


def _piecewise_frozen() -> dict[str, float]:
    row = expected("designs")["piecewise"]
    return named({"control": row["control"], "new": row["experimental"]})


def _cure() -> dict[str, float]:
    accrual = constant_accrual(rate=100.0, duration=2.0, follow_up=2.0)
    latency = Exponential(rate=2.0 * LN2)
    a, b = (expected_events(MixtureCure(cure_fraction=c, latency=latency), accrual=accrual, time=4.0) / 2.0 for c in (0.3, 0.5))
    return {"share_control": a / 100.0, "share_new": b / 100.0, "events": a + b}


def _interfant() -> dict[str, float]:
    ratio = hazard_ratio_with_same_survival(0.41, 0.57)
    assert ratio is not None
    needed = schoenfeld_events(ratio, alpha=0.025, power=0.8)
    assert needed is not None
    control = {"model": "piecewise-exponential", "cuts": [3.0], "rates": [-math.log(0.41) / 3.0, 0.0]}
    got = _evaluate({"kind": "log-rank"}, control=control, hr=ratio, accrual={"rate": 40.0, "duration": 8.0, "follow_up": 3.0})
    return {"hazard_ratio": ratio, "events_needed": needed, "events": got.events, "power": got.power}


def _average_hazard_ratio() -> dict[str, float]:
    control = Exponential(rate=LN2 / 15.0)
    late = ProportionalHazards(base=control, hazard_ratio=0.6, delay=4.0)
    accrual = constant_accrual(rate=100.0, duration=12.0, follow_up=24.0, dropout_hazard=0.001)
    found: dict[str, float] = {}
    for time in (12.0, 24.0, 36.0):
        got = log_rank_moments(control, late, share=0.5, accrual=accrual, time=time)
        found |= {f"ahr_{time:.0f}": got.average_hazard_ratio, f"events_{time:.0f}": got.events}
    return found


def _milestone_difference() -> dict[str, float]:
    control = Exponential(rate=LN2 / 15.0)
    late = ProportionalHazards(base=control, hazard_ratio=0.6, delay=4.0)
    accrual = constant_accrual(rate=100.0, duration=12.0, follow_up=24.0, dropout_hazard=0.001)
    setting = Setting({"control": control, "new": late}, {"control": 0.5, "new": 0.5}, "control", "new", accrual, 36.0, 18.0)
    found = solved(setting, what="n", target=0.9, power=AbsoluteMarginTable(margin=0.0).power)
    return {"n": found.accrual.total, "events": sum(found.events_by_arm().values())}


def _one_arm() -> dict[str, float]:
    got: Any = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "DFS", "milestone": 2.0},
            "accrual": {"rate": 80.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}},
            "reference": {"milestone_survival": 0.5, "n": 200.0},
            "design": {"kind": "one-arm-milestone", "alpha": 0.05, "scale": "plain"},
        }
    ).evaluate()
    drift = {f"drift_{100 * row.change:.0f}": row.rejection for row in got.drift[1:]}
    return {"taken_as_known": got.type1_if_taken_as_known, "with_error": got.type1_error} | drift


#: S at 1.5 years of a Weibull of shape 1.3 and scale 2
_S = math.exp(-((1.5 / 2.0) ** 1.3))


def _binomial_limit() -> dict[str, float]:
    accrual = constant_accrual(rate=80.0, duration=2.0, follow_up=2.0)
    se = kaplan_meier_se(Weibull(shape=1.3, scale=2.0), accrual=accrual, analysis_time=4.0, milestone=1.5)
    assert se is not None
    return {"se": se}


_POWER = {
    "power_0.5": 0.96585,
    "power_0.6": 0.79561,
    "power_0.7": 0.49352,
    "power_1.0": 0.025,
    "early_0.5": 0.60724,
    "early_0.6": 0.30805,
    "early_0.7": 0.12397,
    "early_1.0": 0.00381,
}
_SEQUENTIAL = {
    "n": 193.369,
    "events": 121.343,
    "first_look_months": 23.695,
    "critical_hr_1": 0.53499,
    "critical_hr_2": 0.69791,
    "expected_events": 106.184,
}
_AHR = {"ahr_12": 0.83954, "ahr_24": 0.71452, "ahr_36": 0.68320, "events_12": 257.746, "events_24": 591.080, "events_36": 795.098}
_MONTHS = "100 a month for 12, control median 15 months, HR 1 for 4 months then .6, dropout .001"
_LF = {"n": 155.858, "events": 87.268, "control": 52.4997, "new": 34.768}
_CURE = {"share_control": 0.685207, "share_new": 0.489433, "events": 117.464}
_INTERFANT = {"hazard_ratio": 0.63046, "events_needed": 147.5, "events": 163.0, "power": 0.84}
_INTERFANT_TOLERANCE = {"hazard_ratio": 5e-6, "events_needed": 0.05, "events": 0.5, "power": 0.005}
_ONE_ARM = {"taken_as_known": 0.112, "with_error": 0.052, "drift_5": 0.25, "drift_10": 0.60}
_INTERFANT_SOURCE = "Schoenfeld's formula for Interfant-06 as planned (ASH 2018 abstract 655): 320 randomised, .57 v .41 at 3 years"
_OTHER: Kind = "other program"

CASES: tuple[Case, ...] = (
    *BOUNDS,
    *ONE_SAMPLE,
    *LOOKS,
    *COUNTS,
    *REESTIMATION,
    *JOINT,
    *DOSES,
    *COMPETING,
    *GATED,
    *GUARD,
    *BAYES_LOOKS,
    *NON_PROPORTIONAL,
    *FINITE_SAMPLE,
    made(
        "fixed",
        "Fixed log-rank design",
        _OTHER,
        RPACT,
        "median 12 months, HR .6, accrual 24, follow-up 12",
        _fixed,
        {"events": 120.3157, "n": 187.764},
        1e-3,
    ),
    made(
        "fixed-grid",
        "Fixed log-rank designs",
        _OTHER,
        FROZEN,
        "HR, follow-up, dropout, allocation: 16 designs",
        _fixed_grid,
        _fixed_frozen(),
        2e-3,
    ),
    made(
        "lachin-foulkes",
        "Lachin-Foulkes design",
        _OTHER,
        GSDESIGN,
        "median 6, HR .5, dropout, accrual 12 of 18 months, power .9",
        _lachin_foulkes,
        _LF,
        1e-3,
    ),
    made(
        "margin-schoenfeld",
        "Non-inferiority on the hazard ratio",
        _OTHER,
        RPACT,
        "margin 1.3, control event rate .2 at 3 years",
        partial(_non_inferiority, "schoenfeld"),
        {"events": 456.098, "n": 1611.81},
        1e-2,
    ),
    made(
        "margin-lachin-foulkes",
        "Non-inferiority, Lachin-Foulkes",
        _OTHER,
        GSDESIGN,
        "margin 1.3, control event rate .2 at 3 years",
        partial(_non_inferiority, "lachin-foulkes"),
        {"events": 460.761, "n": 1628.29},
        1e-2,
    ),
    made(
        "group-sequential",
        "Group-sequential log-rank design",
        _OTHER,
        RPACT,
        "looks .6 and 1, HR .6, dropout",
        _group_sequential,
        _SEQUENTIAL,
        1e-3,
    ),
    made(
        "group-sequential-power",
        "Power over hazard ratios",
        _OTHER,
        RPACT,
        "200 patients, looks at 72 and 120 events",
        _group_sequential_power,
        _POWER,
        1e-5,
    ),
    made(
        "hsd-weibull",
        "Both bounds, Weibull times",
        _OTHER,
        FROZEN,
        "HSD -4 / -2, 3 looks, HR .6, power .9",
        _hsd_futility,
        _hsd_frozen(),
        5e-3,
    ),
    *(
        made(
            f"stepped-{shape}",
            f"Events under stepped accrual, Weibull shape {shape}",
            _OTHER,
            FROZEN,
            "20, 60, 100 a year; HR .6",
            partial(_stepped, shape),
            _stepped_frozen(shape),
            5e-6,
        )
        for shape in (0.7, 1, 2)
    ),
    made("piecewise", "Events under piecewise hazards", _OTHER, FROZEN, ".8, .4, .1 a year; HR .6", _piecewise, _piecewise_frozen(), 1e-9),
    made(
        "cure-events",
        "Events under a cure fraction",
        "closed form",
        "integral of the exponential",
        "cure .3 / .5, median 6 months",
        _cure,
        _CURE,
        5e-4,
    ),
    made(
        "interfant-06",
        "A trial as it was planned",
        "closed form",
        _INTERFANT_SOURCE,
        "320 infants, 80 %",
        _interfant,
        _INTERFANT,
        _INTERFANT_TOLERANCE,
    ),
    made("ahr", "Average hazard ratio and events", _OTHER, GSDESIGN2, _MONTHS, _average_hazard_ratio, _AHR, 1e-3),
    made(
        "milestone",
        "Difference at a milestone",
        _OTHER,
        GSDESIGN2,
        _MONTHS + ", 18 months, power .9",
        _milestone_difference,
        {"n": 631.336, "events": 418.312},
        0.01,
    ),
    made(
        "one-arm",
        "One arm against a control of 200: error left out, included, drift",
        "second implementation",
        "simulation of this project, 2e5 to 1e6 trials, before this code",
        "160 infants, S .5, alpha .05",
        _one_arm,
        _ONE_ARM,
        0.01,
    ),
    made(
        "binomial",
        "Kaplan-Meier variance with complete follow-up",
        "closed form",
        "S (1 - S) / n",
        "160 followed to the milestone",
        _binomial_limit,
        {"se": math.sqrt(_S * (1.0 - _S) / 160.0)},
        1e-9,
    ),
)
