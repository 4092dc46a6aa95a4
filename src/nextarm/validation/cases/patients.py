"""Cases of the patients room: curve and at-risk table of public data sets, as R draws them, back to what R says of the patients.

Frozen numbers come from ``references/patients.R``. The reconstruction sees the curve to four decimals and the table,
never the patients. Tolerances are the targets for such figures: no event missed, log hazard ratio to 0.02 or a tenth
of its standard error (of 20 patients, the order of a death and a censoring between two rows of the table is not known).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from nextarm.patients import from_landmarks, incidence_at, reconstruct, reconstruct_competing
from nextarm.patients.pooled import log_hazard_ratio
from nextarm.survival import kaplan_meier, log_rank
from nextarm.validation.case import Case, expected

FROZEN = "patients"
SETS = ("gehan", "aml", "ovarian", "veteran", "lung")
UNIT = {"gehan": "weeks", "aml": "weeks", "ovarian": "days", "veteran": "days", "lung": "days"}
SOURCE = "R survival 3.5-3 (R 4.2.2) on the patients themselves"


def _columns(arms: Mapping[str, Any], first: str, second: str, name: str) -> dict[str, list[Any]]:
    return {
        "time": [t for a in arms.values() for t in a[first]],
        name: [v for a in arms.values() for v in a[second]],
        "arm": [k for k, a in arms.items() for _ in a[first]],
    }


def _trial(name: str) -> dict[str, float]:
    arms = expected(FROZEN)["sets"][name]["arms"]
    made = reconstruct(
        _columns(arms, "time", "survival", "survival"), at_risk=_columns(arms, "row_time", "row_at_risk", "at_risk"),
        unit=UNIT[name], points="corners",
    )  # fmt: skip
    p = made.patients
    first, second = (p.for_arm(a) for a in arms)
    fit = log_hazard_ratio((first.time, first.event), (second.time, second.event))
    out = {} if fit is None else {"log_hazard_ratio": fit[0], "standard_error": fit[1]}
    return out | {"chi_square": log_rank(p).statistic, "events_1": float(first.events), "events_2": float(second.events)}


def _trial_case(name: str) -> Case:
    frozen = expected(FROZEN)["sets"][name]
    one, two = frozen["arms"].values()
    return Case(
        id=f"patients-{name}",
        title=f"patients rebuilt from curve and at-risk table of {name}",
        room="patients",
        kind="other program",
        source=SOURCE,
        inputs="curve (4 decimals) and at-risk table drawn by R",
        compute=partial(_trial, name),
        expected={
            "log_hazard_ratio": frozen["log_hazard_ratio"],
            "standard_error": frozen["se"],
            "chi_square": frozen["chisq"],
            "events_1": one["events"],
            "events_2": two["events"],
        },
        tolerance={
            "log_hazard_ratio": max(0.02, 0.1 * frozen["se"]),
            "standard_error": 0.005,
            "chi_square": 0.3,
            "events_1": 0.0,
            "events_2": 0.0,
        },
        reference=FROZEN,
    )


def _competing() -> dict[str, float]:
    frozen = expected(FROZEN)["competing"]
    curves: dict[str, list[Any]] = {"time": [], "incidence": [], "cause": []}
    for cause, c in frozen["curves"].items():
        curves["time"] += c["time"]
        curves["incidence"] += c["incidence"]
        curves["cause"] += [cause] * len(c["time"])
    table = (frozen["row_time"], frozen["row_at_risk"])
    p = reconstruct_competing(curves, at_risk=table, unit="days", points="corners").patients
    out: dict[str, float] = {}
    at = np.array(frozen["at"]) / 365.25
    for k, cause in enumerate(p.causes, 1):
        out[f"events_{cause}"] = float(np.sum(p.event == k))
        out |= {f"{cause}_{t}": float(v) for t, v in zip(frozen["at"], incidence_at(p.time, p.event, k, at), strict=True)}
    return out


def _competing_case() -> Case:
    frozen = expected(FROZEN)["competing"]
    want: dict[str, float] = {}
    tolerance: dict[str, float] = {}
    for cause in frozen["curves"]:
        want[f"events_{cause}"] = frozen["events"][cause]
        tolerance[f"events_{cause}"] = 0.0
        for t, v in zip(frozen["at"], frozen["incidence"][cause], strict=True):
            want[f"{cause}_{t}"] = v
            tolerance[f"{cause}_{t}"] = 0.002
    return Case(
        id="patients-melanoma-competing",
        title="competing events rebuilt from two incidence curves and an at-risk table",
        room="patients",
        kind="other program",
        source=SOURCE,
        inputs="cumulative incidences (4 decimals) and at-risk table of MASS::Melanoma",
        compute=_competing,
        expected=want,
        tolerance=tolerance,
        reference=FROZEN,
    )


def _without_censoring() -> dict[str, float]:
    made = reconstruct(([0, 1, 2, 3, 4], [1.0, 0.875, 0.75, 0.5, 0.125]), at_risk=([0, 2, 4], [8, 7, 4]), points="corners")
    times = np.sort(made.patients.time[made.patients.event == 1])
    return {f"death_{i}": float(t) for i, t in enumerate(times, 1)} | {"patients": float(made.patients.n)}


def _binomial_landmark() -> dict[str, float]:
    """With the binomial standard error nobody can have been censored before the landmark."""
    made = from_landmarks({"time": 2.0, "survival": 0.6, "se": float(np.sqrt(0.24 / 50))}, n=50)
    at = [kaplan_meier(made.version(v)).at(2.0) for v in range(20)]
    return {
        "survival": float(np.mean([a.survival for a in at if a.survival is not None])),
        "at_risk": float(np.mean([a.at_risk for a in at])),
    }


CASES: tuple[Case, ...] = (
    *(_trial_case(name) for name in SETS),
    _competing_case(),
    Case(
        id="patients-no-censoring",
        title="without censoring curve and table determine every death",
        room="patients",
        kind="closed form",
        source="S falls by d / n at each death",
        inputs="eight patients, deaths at 1, 2, 3, 3, 4, 4, 4",
        compute=_without_censoring,
        expected={"patients": 8.0} | {f"death_{i}": float(t) for i, t in enumerate((1, 2, 3, 3, 4, 4, 4), 1)},
        tolerance=1e-9,
    ),
    Case(
        id="patients-binomial-landmark",
        title="a landmark with the binomial standard error leaves s n at risk",
        room="patients",
        kind="limit case",
        source="Greenwood's variance without censoring is s (1 - s) / n",
        inputs="S(2) = 0.6, n = 50, se = sqrt(0.24 / 50)",
        compute=_binomial_landmark,
        expected={"survival": 0.6, "at_risk": 30.0},
        tolerance={"survival": 0.01, "at_risk": 1.5},
    ),
)
