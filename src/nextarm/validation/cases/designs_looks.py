"""Trials analysed at a look, against rpact: repeated and final inference, conditional power; predictive power in closed form."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from scipy.special import ndtr

from nextarm.designs import plan_from_data
from nextarm.designs.analysis import LookAnalysis, analyse_look
from nextarm.designs.bias_adjusted import mean_estimate
from nextarm.designs.stagewise import predictive_power
from nextarm.validation.case import Case, expected
from nextarm.validation.cases.designs_bounds import FROZEN_CALENDAR, FROZEN_LOOKS, made

_FAMILY = {"asOF": "lan-demets-obrien-fleming", "asP": "lan-demets-pocock", "asKD": "kim-demets", "asHSD": "hwang-shih-decani"}


def rows() -> list[dict[str, Any]]:
    """The frozen analyses, numbers always in lists."""
    found = []
    for row in expected("designs_analysis")["analysis"]:
        listed = ("events", "z", "repeated_low", "repeated_high", "repeated_p", "future")
        found.append(row | {name: np.atleast_1d(row[name]).tolist() if row[name] is not None else [] for name in listed})
    return found


def analysed(row: dict[str, Any]) -> LookAnalysis:
    """One frozen analysis, by this room."""
    rates = [float(x) for x in row["rates"]]
    planned = row["maximum"] or round(row["events"][-1] / rates[len(row["events"]) - 1])
    design = {"kind": "group-sequential-log-rank", "looks": [*rates[:-1], 1.0], "events": int(planned), "spending": _FAMILY[row["family"]]}
    if row["gamma"] is not None:
        design["spending_parameter"] = float(row["gamma"])
    plan = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 1.0},
            "accrual": {"rate": 100.0, "duration": 5.0, "follow_up": 5.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": 1.0}},
                "new": {"allocation": float(row["ratio"]), "survival": {"hazard_ratio": 0.7, "of": "control"}},
            },
            "design": design,
        }
    )
    return analyse_look(plan, events=row["events"], z=row["z"], hazard_ratio=row["hazard_ratio"])


def wanted(row: dict[str, Any]) -> dict[str, float]:
    """The frozen numbers of one analysis."""
    found = {f"{name}_{i}": v for name in ("repeated_low", "repeated_high", "repeated_p") for i, v in enumerate(row[name], 1)}
    if isinstance(row["conditional_rejection"], float):
        found["conditional_rejection"] = row["conditional_rejection"]
    if row["conditional_power"] is not None:
        found["conditional_power"] = row["conditional_power"]
    single = {name: row[name] for name in ("final_p", "final_low", "final_high", "median_unbiased")}
    return found | {name: float(v) for name, v in single.items() if isinstance(v, float)}


def numbers(row: dict[str, Any]) -> dict[str, float]:
    """What this room says to one analysis, by the same names."""
    got = analysed(row)
    found = {
        f"{name}_{i}": float(v) for name in ("repeated_low", "repeated_high", "repeated_p") for i, v in enumerate(getattr(got, name), 1)
    }
    if got.conditional_power:
        found |= {"conditional_rejection": got.conditional_power["null"], "conditional_power": got.conditional_power["plan"]}
    if got.final is not None:
        found |= {"final_p": got.final.p_value, "median_unbiased": got.final.hazard_ratio}
        found |= {"final_low": got.final.interval.low, "final_high": got.final.interval.high}
    return found


def calendar_numbers(row: dict[str, Any]) -> dict[str, float]:
    """Looks at calendar times, by this room."""
    design = {"kind": "group-sequential-log-rank", "look_times": row["looks"], "spending": _FAMILY[row["type"]], "method": "schoenfeld"}
    if row["gamma"] is not None:
        design["spending_parameter"] = float(row["gamma"])
    accrual = {"rate": float(row["rate"]), "duration": float(row["accrual"]), "follow_up": row["looks"][-1] - row["accrual"]}
    got: Any = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 1.0},
            "accrual": accrual | {"dropout_hazard": float(row["dropout"])},
            "arms": {
                "control": {"survival": {"model": "exponential", "median": float(row["median"])}},
                "new": {"survival": {"hazard_ratio": row["hazard_ratio"], "of": "control"}},
            },
            "design": design,
        }
    ).evaluate()
    listed = {"events": got.look_events, "critical": got.efficacy, "reject": got.reject_h1, "times": got.look_times}
    made_of = {f"{name}_{i}": float(v) for name, values in listed.items() for i, v in enumerate(values, 1)}
    return made_of | {"power": got.power, "expected_events": got.expected_events_h1}


def calendar_wanted(row: dict[str, Any]) -> dict[str, float]:
    """The frozen numbers of looks at calendar times."""
    listed = {f"{name}_{i}": v for name in ("events", "critical", "reject", "times") for i, v in enumerate(row[name], 1)}
    return listed | {"power": row["power"], "expected_events": row["expected_events"]}


def _predictive() -> dict[str, float]:
    future, upper, none = np.array([1.0]), np.array([1.98]), np.array([-np.inf])
    return {str(t): predictive_power(1.5, information=t, future=future, upper=upper, lower=none) for t in (0.3, 0.6, 0.9)}


_INFORMATION, _BOUND = (12.5, 25.0), 2.5


def _mean_estimates() -> dict[str, float]:
    information, upper, lower = np.array(_INFORMATION), np.array([_BOUND]), np.array([-np.inf])
    return {str(t): mean_estimate(information, upper=upper, lower=lower, theta=t) for t in (0.0, 0.2, 0.5)}


def _biased(theta: float) -> float:
    first, second = _INFORMATION
    a = _BOUND - theta * math.sqrt(first)
    return theta + math.sqrt(first) * math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi) * (1.0 / first - 1.0 / second)


_PREDICTIVE = {str(t): float(ndtr((1.5 / math.sqrt(t) - 1.98) / math.sqrt(1.0 / t - 1.0))) for t in (0.3, 0.6, 0.9)}

CASES: tuple[Case, ...] = (
    *(
        made(
            "look-" + row["name"].replace(", ", "-").replace(" ", "-").replace(":", "to"),
            f"A trial at a look: {row['name']}",
            "other program",
            FROZEN_LOOKS,
            f"events {row['events']}, z {row['z']}",
            partial(numbers, row),
            wanted(row),
            1e-5,
        )
        for row in rows()
    ),
    *(
        made(
            f"calendar-looks-{i}",
            f"Looks at calendar times: {row['label']}",
            "other program",
            FROZEN_CALENDAR,
            f"looks at {row['looks']} years, {row['rate']} patients a year, hazard ratio {row['hazard_ratio']}",
            partial(calendar_numbers, row),
            calendar_wanted(row),
            1e-6,
        )
        for i, row in enumerate(expected("designs_calendar")["runs"], 1)
    ),
    made(
        "predictive-power",
        "Predictive power with a flat prior",
        "closed form",
        "Phi((z / sqrt(t) - c) / sqrt(1 / t - 1))",
        "z 1.5, bound 1.98",
        _predictive,
        _PREDICTIVE,
        1e-9,
    ),
    made(
        "mean-estimate",
        "Mean of the estimate of a trial that may stop early",
        "closed form",
        "theta + sqrt(I1) phi(c - theta sqrt(I1)) (1 / I1 - 1 / I2)",
        "two looks at information 12.5 and 25, bound 2.5 at the first",
        _mean_estimates,
        {str(t): _biased(t) for t in (0.0, 0.2, 0.5)},
        1e-10,
    ),
)
