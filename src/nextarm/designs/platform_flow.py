"""The expected course of a platform: when each arm is open, with how many patients, controls and events, its looks left out.

Patients flow into the open arms in the proportions of their allocation, in small steps of the expected accrual. An arm that waits for
another to be dropped or declared better is taken to open when that one has its first look (its last analysis, if it has none), as if that
had come about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextarm.core.units import FloatArray

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan
    from nextarm.designs.platform import PlatformTable

STEPS = 2_000
#: Expected events of an arm by a step, of those who entered from another step on.
Events = Callable[..., float]


@dataclass
class Course:
    """One experimental arm: opening and closing (years; None: not in this accrual), patients and concurrent controls expected."""

    opens: float | None = None
    closes: float | None = None
    patients: float = 0.0
    controls: float = 0.0
    first_look: float | None = None


def expected_course(plan: Plan, design: PlatformTable) -> dict[str, Course]:
    """The course of every experimental arm that opens while patients come, closing with the accrual at the latest."""
    accrual, names = plan.accrual_model(), design.experimental(plan)
    times: FloatArray = np.linspace(0.0, accrual.duration, STEPS + 1)
    arriving = np.diff(np.asarray(accrual.entered(times)))
    shares = {name: plan.arms[name].allocation for name in plan.arms}
    truths = plan.truths()
    failed = {name: 1.0 - np.asarray(truth.survival(times[1:])) for name, truth in truths.items()}
    counting = design.events is not None or any(plan.arms[n].opens_at_events is not None for n in names)
    came = {name: np.zeros(STEPS) for name in plan.arms}
    course = {name: Course() for name in names}
    first = design.looks_at[0] if design.looks_at else None

    def events(name: str, step: int, since: int = 0) -> float:
        return float(came[name][since:step] @ failed[name][: step - since][::-1])

    for k in range(STEPS):
        now = float(times[k])
        for name in names:
            if course[name].opens is None and _has_come(plan, design, name, course, now, k, events):
                course[name].opens = now
        there = [n for n in names if course[n].opens is not None and course[n].closes is None]
        if not there:
            continue
        total = shares[plan.control] + sum(shares[n] for n in there)
        came[plan.control][k] = arriving[k] * shares[plan.control] / total
        for name in there:
            c = course[name]
            came[name][k] = arriving[k] * shares[name] / total
            c.patients += float(came[name][k])
            c.controls += float(came[plan.control][k])
            seen = 0.0
            if counting and design.events is not None:
                opened = int(np.searchsorted(times, c.opens or 0.0))
                seen = events(name, k + 1) + events(plan.control, k + 1, opened)
            done = c.patients / design.patients_per_arm if design.events is None else seen / design.events
            if first is not None and c.first_look is None and done >= first:
                c.first_look = float(times[k + 1]) + design.interim_lag
            if c.patients >= design.patients_per_arm - 1e-9 or (design.events is not None and seen >= design.events):
                c.closes = float(times[k + 1])
    made = {name: c for name, c in course.items() if c.opens is not None}
    for c in made.values():
        c.closes = accrual.duration if c.closes is None else c.closes
        c.patients, c.controls = max(c.patients, 1e-6), max(c.controls, 1e-6)
    return made


def _has_come(plan: Plan, design: PlatformTable, name: str, course: dict[str, Course], now: float, step: int, events: Events) -> bool:
    """Whether an arm's date, the arm it waits for and the events it waits for have all come."""
    arm = plan.arms[name]
    if now < arm.opens - 1e-12:
        return False
    if arm.opens_after is not None:
        before = course[arm.opens_after]
        closed = before.closes
        if arm.opens_when == "closed":
            came = closed
        else:
            judged = None if closed is None else closed + design.follow_up
            came = before.first_look if before.first_look is not None and arm.opens_when != "decided" else judged
        if came is None or now < came - 1e-12:
            return False
    return arm.opens_at_events is None or sum(events(n, step) for n in plan.arms) >= arm.opens_at_events
