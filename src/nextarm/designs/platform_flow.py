"""The expected course of a platform: when each arm is open, with how many patients, controls and events, its looks left out.

Patients flow into the open arms in the proportions of their allocation, in small steps of the expected accrual. An arm that waits for
another to be dropped or declared better is taken to open when that one has its first look (its last analysis, if it has none), as if that
had come about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.tables import AccrualTable

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan
    from nextarm.designs.platform import PlatformTable

STEPS = 2_000


@dataclass
class Course:
    """One experimental arm: opening and closing (years; None: not in this accrual), patients and concurrent controls expected."""

    opens: float | None = None
    closes: float | None = None
    patients: float = 0.0
    controls: float = 0.0
    first_look: float | None = None


@dataclass(frozen=True)
class _Entry:
    """When an arm may come in, and its share; the control first."""

    name: str
    allocation: float
    opens: float
    opens_after: str | None
    opens_when: str
    opens_at_events: int | None


@dataclass(frozen=True)
class _Rule:
    """When an arm closes, has its first look, and is judged."""

    patients_per_arm: int
    events: int | None
    first_look: float | None
    lag: float
    follow_up: float


def expected_course(plan: Plan, design: PlatformTable) -> dict[str, Course]:
    """The course of every experimental arm that opens while patients come, closing with the accrual at the latest."""
    order = (plan.control, *design.experimental(plan))
    entries = tuple(
        _Entry(n, a.allocation, a.opens, a.opens_after, a.opens_when, a.opens_at_events) for n, a in ((n, plan.arms[n]) for n in order)
    )
    first = design.looks_at[0] if design.looks_at else None
    rule = _Rule(design.patients_per_arm, design.events, first, design.interim_lag, design.follow_up)
    if design.events is None and all(e.opens_at_events is None for e in entries):
        return _course_without_events(plan.accrual.model_dump_json(), entries, rule)
    times = np.linspace(0.0, plan.accrual_model().duration, STEPS + 1)[1:]
    truths = plan.truths()
    return _course(plan.accrual_model(), entries, rule, {n: 1.0 - np.asarray(truths[n].survival(times)) for n in order})


@lru_cache(maxsize=4)
def _course_without_events(accrual: str, entries: tuple[_Entry, ...], rule: _Rule) -> dict[str, Course]:
    """The course that does not depend on the truths: assurance asks for it under many of them."""
    return _course(AccrualTable.model_validate_json(accrual).accrual(), entries, rule, None)


def _course(accrual: Accrual, entries: tuple[_Entry, ...], rule: _Rule, failed: dict[str, FloatArray] | None) -> dict[str, Course]:
    control, arms = entries[0], entries[1:]
    times: FloatArray = np.linspace(0.0, accrual.duration, STEPS + 1)
    arriving = np.diff(np.asarray(accrual.entered(times)))
    came = {e.name: np.zeros(STEPS) for e in entries}
    course = {e.name: Course() for e in arms}

    def events(name: str, step: int, since: int = 0) -> float:
        """Expected events of an arm by a step, of those who entered from another step on."""
        return 0.0 if failed is None else float(came[name][since:step] @ failed[name][: step - since][::-1])

    def all_events(step: int) -> float:
        return sum(events(e.name, step) for e in entries)

    for k in range(STEPS):
        now = float(times[k])
        for e in arms:
            if course[e.name].opens is None and _has_come(e, rule, course, now, partial(all_events, k)):
                course[e.name].opens = now
        there = [e for e in arms if course[e.name].opens is not None and course[e.name].closes is None]
        if not there:
            continue
        total = control.allocation + sum(e.allocation for e in there)
        came[control.name][k] = arriving[k] * control.allocation / total
        for e in there:
            c = course[e.name]
            came[e.name][k] = arriving[k] * e.allocation / total
            c.patients += float(came[e.name][k])
            c.controls += float(came[control.name][k])
            done = c.patients / rule.patients_per_arm
            if rule.events is not None:
                opened = int(np.searchsorted(times, c.opens or 0.0))
                done = (events(e.name, k + 1) + events(control.name, k + 1, opened)) / rule.events
            if rule.first_look is not None and c.first_look is None and done >= rule.first_look:
                c.first_look = float(times[k + 1]) + rule.lag
            if c.patients >= rule.patients_per_arm - 1e-9 or done >= 1.0:
                c.closes = float(times[k + 1])
    made = {name: c for name, c in course.items() if c.opens is not None}
    for c in made.values():
        c.closes = accrual.duration if c.closes is None else c.closes
        c.patients, c.controls = max(c.patients, 1e-6), max(c.controls, 1e-6)
    return made


def _has_come(entry: _Entry, rule: _Rule, course: dict[str, Course], now: float, events: Callable[[], float]) -> bool:
    """Whether an arm's date, the arm it waits for and the events it waits for have all come."""
    if now < entry.opens - 1e-12:
        return False
    if entry.opens_after is not None:
        before = course[entry.opens_after]
        judged = None if before.closes is None else before.closes + rule.follow_up
        came = before.closes if entry.opens_when == "closed" else judged
        if entry.opens_when in ("dropped", "declared") and before.first_look is not None:
            came = before.first_look
        if came is None or now < came - 1e-12:
            return False
    return entry.opens_at_events is None or events() >= entry.opens_at_events
