"""Competing events: trials tested by survdiff and cmprsk in R, and events in closed form."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from nextarm.designs.competing_events import CompetingEvents
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.validation.case import Case, expected

#: Their name in the frozen file, ours.
NAMES = {"relapse": "relapse", "death": "death", "both": "either", "subdistribution": "relapse-subdistribution"}


def plan_of(row: dict[str, Any]) -> Plan:
    """The plan of a frozen run."""
    arms = {
        name: {cause: {"model": "exponential", "rate": rate} for cause, rate in zip(("relapse", "death"), row[name], strict=True)}
        for name in ("control", "new")
    }
    accrual = {"rate": row["n"] / row["accrual"], "duration": row["accrual"], "follow_up": row["follow_up"]}
    return plan_from_data(
        {
            "trial": {"name": "two causes", "endpoint": "EFS", "milestone": 2.0},
            "accrual": accrual,
            "arms": arms,
            "design": {"kind": "competing-events"},
        }
    )


def _run(row: dict[str, Any]) -> dict[str, float]:
    got = plan_of(row).evaluate()
    assert isinstance(got, CompetingEvents)
    power = {c.comparison: c.power for c in got.comparisons}
    return {theirs: power[ours] for theirs, ours in NAMES.items()}


def _events(row: dict[str, Any]) -> dict[str, float]:
    got = plan_of(row).evaluate()
    assert isinstance(got, CompetingEvents)
    return {f"{a.name} {what}": getattr(a, f"{what}s") for a in got.arms for what in ("relapse", "death")}


def _closed(row: dict[str, Any]) -> dict[str, float]:
    """Uniform entry over ``a`` years and ``f`` more: share of the cause times P(an event by then)."""
    made, a, f = {}, row["accrual"], row["follow_up"]
    for name in ("control", "new"):
        total = sum(row[name])
        ever = 1.0 - (math.exp(-total * f) - math.exp(-total * (a + f))) / (total * a)
        for what, rate in zip(("relapse", "death"), row[name], strict=True):
            made[f"{name} {what}"] = row["n"] / 2.0 * rate / total * ever
    return made


def _cases(i: int, row: dict[str, Any]) -> tuple[Case, Case]:
    inputs = f"{row['n']} patients, relapse and death {row['control']} against {row['new']} a year"
    return (
        Case(
            id=f"designs-competing-{i}",
            title="Power cause by cause, of Gray's test and of the composite",
            room="designs",
            kind="other program",
            source="survival::survdiff and cmprsk::cuminc on 4,000 simulated trials, references/designs_competing.R",
            inputs=inputs,
            compute=partial(_run, row),
            expected={name: row[name] for name in NAMES},
            tolerance={name: 4.0 * math.sqrt(max(row[name], 0.01) * (1.0 - row[name]) / row["iterations"]) + 0.01 for name in NAMES},
            reference="designs_competing",
        ),
        Case(
            id=f"designs-competing-events-{i}",
            title="Expected events of each cause",
            room="designs",
            kind="closed form",
            source="exponential causes, uniform entry",
            inputs=inputs,
            compute=partial(_events, row),
            expected=_closed(row),
            tolerance=1e-8,
        ),
    )


CASES: tuple[Case, ...] = tuple(case for i, row in enumerate(expected("designs_competing")["runs"]) for case in _cases(i, row))
