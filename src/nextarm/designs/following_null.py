"""Scenarios that are a design's null, moved along when what defines the null is changed.

A plan's scenarios are numbers: ``response = 0.4`` beside ``null_response = 0.4``. Who changes the null in a form means the scenario that
was exactly the null too. It is moved if it stood on the edge of the null before (true there, no longer true a little on one side), and
if its number, shifted by as much as one of the changed numbers or set by halving, stands on the edge again. A scenario that was elsewhere
was put there, and stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from nextarm.core.errors import NextarmError
from nextarm.designs.gated_endpoints import GatedEndpointsTable
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.designs.variants import merge, own_tables

#: How far beside a number the null must no longer be true for the number to be its edge, and steps of halving.
_BESIDE, _HALVINGS = 1e-6, 40
_VARIANTS = ("scenario", "grid", "compare", "solve")
#: A path of keys to a number.
Path = tuple[str, ...]


def follow_null(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """``after``, a changed plan as data, with the scenarios that were exactly the null of ``before`` at its own null.

    >>> plan = {
    ...     "trial": {"name": "t", "endpoint": "response", "milestone": 0.25},
    ...     "accrual": {"rate": 12.0, "duration": 3.0, "follow_up": 0.25},
    ...     "arms": {"new": {"response": 0.6}},
    ...     "design": {"kind": "exact-binomial", "null_response": 0.4},
    ...     "scenario": [{"name": "null", "arms": {"new": {"response": 0.4}}}, {"name": "less", "arms": {"new": {"response": 0.45}}}],
    ... }
    >>> moved = follow_null(plan, plan | {"design": {"kind": "exact-binomial", "null_response": 0.45}})
    >>> [scenario["arms"]["new"]["response"] for scenario in moved["scenario"]]
    [0.45, 0.45]
    """
    made = deepcopy(dict(after))
    steps, old, new = _steps(before, after), _scenarios(before), _scenarios(after)
    if not steps or len(old) != len(new):
        return made
    for i, scenario in enumerate(old):
        if scenario != new[i]:
            continue  # changed by hand with the rest
        found = _moved(before, after, scenario, steps)
        if found is not None:
            made["scenario"][i] = found
    return made


def misnamed_nulls(plan: Plan) -> tuple[str, ...]:
    """The scenarios called null under which the design's null is not true: what they reject is no type I error.

    Gated end points have a null each, of which a scenario may mean any.
    """
    if isinstance(plan.design, GatedEndpointsTable):
        return ()
    return tuple(
        name for name, scenario in plan.scenarios() if "null" in name.lower().split() and scenario.design.error_allowed(scenario) is None
    )


def _scenarios(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The scenarios of a plan as data; none where the table is not one."""
    found = data.get("scenario")
    sound = isinstance(found, list) and all(isinstance(s, Mapping) and isinstance(s.get("arms", {}), Mapping) for s in found)
    return list(found) if sound and isinstance(found, list) else []


def _moved(before: Mapping[str, Any], after: Mapping[str, Any], scenario: Mapping[str, Any], steps: list[float]) -> dict[str, Any] | None:
    """The scenario at the new null; None where it was not at the old one, still is, or nothing brings it there."""
    numbers = dict(_numbers({"arms": scenario.get("arms", {})}))
    edges = [paths for paths in _together(numbers) if _on_edge(before, scenario, paths)]
    for paths in edges:
        if _on_edge(after, scenario, paths):
            return None
        old = numbers[paths[0]]
        for value in (*(round(old + step, 12) for step in steps), *_halved(after, scenario, paths, old)):
            found = _with(scenario, paths, value)
            if _on_edge(after, found, paths):
                return found
    return None


def _together(numbers: Mapping[Path, float]) -> list[tuple[Path, ...]]:
    """Numbers that are moved as one: those of one name and value in several arms, which is one number where there is one arm."""
    found: dict[tuple[Path, float], list[Path]] = {}
    for path, value in numbers.items():
        found.setdefault((path[2:], value), []).append(path)
    return [tuple(paths) for paths in found.values()]


def _halved(after: Mapping[str, Any], scenario: Mapping[str, Any], paths: tuple[Path, ...], old: float) -> Iterator[float]:
    """The number at which the null begins to be true, by halving between the old one and half or twice it."""
    here = _null(after, _with(scenario, paths, old))
    for end in (old * 0.5, old * 0.8, old * 1.2, old * 2.0):
        there = _null(after, _with(scenario, paths, end))
        if here is None or there is None or here == there:
            continue
        true, false = (old, end) if here else (end, old)
        for _ in range(_HALVINGS):
            middle = 0.5 * (true + false)
            true, false = (middle, false) if _null(after, _with(scenario, paths, middle)) else (true, middle)
        yield true
        return


def _on_edge(data: Mapping[str, Any], scenario: Mapping[str, Any], paths: tuple[Path, ...]) -> bool:
    """Whether the null is true there, and no longer true a little on one side."""
    if not _null(data, scenario):
        return False
    value = _get(scenario, paths[0])
    beside = (value - _BESIDE * max(1.0, abs(value)), value + _BESIDE * max(1.0, abs(value)))
    return any(_null(data, _with(scenario, paths, v)) is False for v in beside)


def _null(data: Mapping[str, Any], scenario: Mapping[str, Any]) -> bool | None:
    """Whether the design's null is true under the scenario; None where that is no plan."""
    try:
        plan = plan_from_data(merge(own_tables(data), {k: v for k, v in scenario.items() if k != "name"}))
        return plan.design.error_allowed(plan) is not None
    except NextarmError:
        return None


def _steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[float]:
    """By how much the numbers of the plan itself have changed, and the opposite (a margin is taken off)."""
    old, new = (dict(_numbers({k: v for k, v in data.items() if k not in _VARIANTS})) for data in (before, after))
    changed = [new[path] - old[path] for path in old if path in new and new[path] != old[path]]
    return [step for change in changed for step in (change, -change)]


def _numbers(table: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, float]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, (*path, key))
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield (*path, key), float(value)


def _get(table: Mapping[str, Any], path: Path) -> float:
    here: Any = table
    for key in path:
        here = here[key]
    return float(here)


def _with(scenario: Mapping[str, Any], paths: tuple[Path, ...], value: float) -> dict[str, Any]:
    made = deepcopy(dict(scenario))
    for *tables, last in paths:
        here = made
        for key in tables:
            here = here[key]
        here[last] = value
    return made
