"""Re-estimated numbers of events against rpact's simulations, and the rule against trials written out one by one."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from nextarm.designs.promising_zone import PromisingZone, outcome
from nextarm.validation.case import Case, expected

#: How far rpact's virtual trials (log-rank, 400 patients) may be from the normal law, besides their own error.
NORMAL_LAW = 0.004


def zone_of(row: dict[str, Any]) -> PromisingZone:
    """The rule of a frozen run."""
    return PromisingZone(
        interim=row["interim"], levels=tuple(row["levels"]), critical=1.959963984540054, stop_at=math.inf, promising=0.3,
        target=row["target"],
    )  # fmt: skip


def _run(row: dict[str, Any]) -> dict[str, float]:
    zone, drift = zone_of(row), -math.log(row["hazard_ratio"]) / 2.0
    found = outcome(
        zone, mean_interim=drift * math.sqrt(zone.interim), mean_later=[drift * math.sqrt(e - zone.interim) for e in zone.levels]
    )
    return {"power": found.reject, "events": found.expected_events}


def _case(row: dict[str, Any]) -> Case:
    se = math.sqrt(row["power"] * (1.0 - row["power"]) / row["iterations"])
    spread = (row["levels"][-1] - row["levels"][0]) / 2.0  # no standard deviation of the events is larger
    return Case(
        id=f"designs-reestimation-{row['hazard_ratio']:g}",
        title=f"Power and events with re-estimation, hazard ratio {row['hazard_ratio']:g}",
        room="designs",
        kind="other program",
        source="rpact 3.3.4 simulations, references/designs_reestimation.R",
        inputs=f"looks at {row['interim']}, then {row['levels'][0]} to {row['levels'][-1]} events",
        compute=partial(_run, row),
        expected={"power": row["power"], "events": row["events"]},
        tolerance={"power": 4.0 * se + NORMAL_LAW * (row["hazard_ratio"] < 1.0), "events": 4.0 * spread / math.sqrt(row["iterations"])},
        reference="designs_reestimation",
    )


def _level() -> dict[str, float]:
    """The error of the weighted test over rules of many kinds."""
    found = {}
    for promising, target, most in ((0.01, 0.99, 400), (0.3, 0.8, 150), (0.5, 0.9, 1000)):
        zone = PromisingZone(
            interim=50, levels=tuple(np.linspace(100, most, 6).astype(int)), critical=1.959963984540054, stop_at=math.inf,
            promising=promising, target=target,
        )  # fmt: skip
        found[f"{promising:g} to {target:g}, {most} events"] = outcome(zone, mean_interim=0.0, mean_later=[0.0] * 6).reject
    return found


CASES: tuple[Case, ...] = (
    *(_case(row) for row in expected("designs_reestimation")["runs"]),
    Case(
        id="designs-reestimation-level",
        title="Type I error of the weighted test does not depend on the rule",
        room="designs",
        kind="closed form",
        source="Cui, Hung & Wang 1999: the weighted statistic is standard normal",
        inputs="three rules, up to ten times the events",
        compute=_level,
        expected=dict.fromkeys(_level(), 0.025),
        tolerance=1e-7,
    ),
)
