"""What is laid over a plan: scenarios (other truths), grids of assumptions, other designs to compare.

Nested tables are merged key by key, and a ``survival`` (or ``latency``) table that names its ``model`` (or ``posterior``, or
the arm it is ``of``) replaces the old one whole. Scenarios and grids change truths (``arms``, ``accrual``), never the design
that meets them; ``[[compare]]`` changes the design and nothing else. Each variant is checked as a plan of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from nextarm.core.errors import Problem
from nextarm.designs.plan_checks import Places
from nextarm.designs.tables import GridTable
from nextarm.designs.toml_lines import KeyPath

#: What a scenario or a grid may change.
TRUTHS = ("arms", "accrual")
#: The tables that hold variants, and those that a variant does not inherit.
VARIANTS = ("scenario", "grid", "compare")
#: Cells of a grid beyond which nobody reads the map.
MOST_CELLS = 400

Check = Callable[[dict[str, Any], Places], list[Problem]]


def own_tables(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The plan without its variants and ``[solve]``."""
    return {k: v for k, v in unsolved(raw).items() if k not in VARIANTS}


def unsolved(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The plan without ``[solve]``. Simon's design, whose numbers ``[solve]`` finds, keeps the response and power they are found for.

    >>> simon = {"arms": {"new": {"response": 0.5}}, "design": {"kind": "simon-two-stage"}, "solve": {"for": "n", "power": 0.9}}
    >>> unsolved(simon)["design"]
    {'kind': 'simon-two-stage', 'target_response': 0.5, 'target_power': 0.9}
    """
    made = {k: v for k, v in raw.items() if k != "solve"}
    solve, design, arms = (raw.get(key) for key in ("solve", "design", "arms"))
    if not all(isinstance(table, Mapping) for table in (solve, design, arms)):
        return made
    assert isinstance(solve, Mapping) and isinstance(design, Mapping) and isinstance(arms, Mapping)  # noqa: PT018
    given = {"r1", "n1", "r", "n", "target_response"} & set(design)
    if design.get("kind") == "simon-two-stage" and solve.get("for") == "n" and not given:
        hoped = [arm["response"] for arm in arms.values() if isinstance(arm, Mapping) and "response" in arm]
        if len(hoped) == 1:
            made["design"] = {**design, "target_response": hoped[0], "target_power": solve.get("power", 0.8)}
    return made


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``changes`` over ``base``, table by table.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    made = deepcopy(dict(base))
    for key, value in changes.items():
        old = made.get(key)
        whole = isinstance(value, Mapping) and any(key in value for key in ("model", "of", "posterior"))
        made[key] = merge(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) and not whole else deepcopy(value)
    return made


def grid_changes(grid: Sequence[GridTable], values: Sequence[float]) -> dict[str, Any]:
    """The changes of one cell: each grid's key set to its value, nested like the file.

    >>> grid_changes([GridTable(key="accrual.rate", values=(30.0, 45.0))], [45.0])
    {'accrual': {'rate': 45.0}}
    """
    made: dict[str, Any] = {}
    for table, value in zip(grid, values, strict=True):
        *tables, last = table.path
        here = made
        for name in tables:
            here = here.setdefault(name, {})
        here[last] = value
    return made


def scenario_problems(raw: Mapping[str, Any], places: Places, check: Check) -> list[Problem]:
    """What is wrong with the scenarios, each checked as a plan of its own."""
    found: list[Problem] = []
    names: set[str] = {"plan"}
    for i, scenario, path in _tables(raw, "scenario"):
        found += _name_taken(scenario, names, f"scenario[{i + 1}]", (*path, "name"), places)
        changed = scenario.get("arms")
        unknown = _unknown_arms(raw, changed if isinstance(changed, Mapping) else {})
        for arm in unknown:
            rule = f"names no arm of the plan ({', '.join(_arms(raw))})"
            found.append(Problem(f"scenario[{i + 1}].arms.{arm}", places.of((*path, "arms", arm)), rule))
        if unknown or set(scenario) - {"name", *TRUTHS}:
            continue  # the fields of the scenario itself were checked with the plan
        inner = check(merge(own_tables(raw), {k: v for k, v in scenario.items() if k != "name"}), _inside(places, path))
        found += [Problem(f"scenario[{i + 1}] {p.what}", p.where, p.rule, p.cure) for p in inner]
    return found


def grid_problems(raw: Mapping[str, Any], places: Places, check: Check) -> list[Problem]:
    """What is wrong with the grids: keys that name no number of the plan, values no plan can have (the first of each key)."""
    found: list[Problem] = []
    grid: list[GridTable] = []
    own, keys, cells = own_tables(raw), set[str](), 1
    for i, table, path in _tables(raw, "grid"):
        key, values = table.get("key"), table.get("values")
        if not isinstance(key, str) or not isinstance(values, list | tuple) or not all(_number(v) for v in values) or len(values) < 2:
            continue  # said with the plan's fields
        shown, place = f"grid[{i + 1}].key = {key!r}", places.of((*path, "key"))
        problem = _key_problem(key, own) or (("is varied already", "") if key in keys else None)
        if problem is not None:
            found.append(Problem(shown, place, *problem))
            continue
        if any(b <= a for a, b in itertools.pairwise(values)):
            found.append(Problem(f"grid[{i + 1}].values = {_short(values)}", places.of((*path, "values")), "must rise"))
            continue
        keys.add(key)
        cells *= len(values)
        if cells > MOST_CELLS:
            return [Problem(f"grid has {cells:,} cells", places.of(path), f"must have at most {MOST_CELLS}")]
        one = GridTable(key=key, values=tuple(float(v) for v in values))
        grid.append(one)
        for value in one.values:
            inner = check(merge(own, grid_changes([one], [value])), Places(places.name, {(): 0}))
            if inner:
                p, place = inner[0], places.of((*path, "values"))
                found.append(Problem(f"grid[{i + 1}] with {key} = {value:g}: {p.what}", place, p.rule, p.cure))
                break
    if not found and len(grid) == 2:
        found += _cell_problems(own, grid, places, check)
    return found


def compare_problems(raw: Mapping[str, Any], places: Places, check: Check, *, sound: bool = True) -> list[Problem]:
    """What is wrong with the designs to compare, each in the plan's place, under its scenarios and grids too where those are ``sound``."""
    found: list[Problem] = []
    names: set[str] = {"plan"}
    for i, table, path in _tables(raw, "compare"):
        found += _name_taken(table, names, f"compare[{i + 1}]", (*path, "name"), places)
        if set(table) - {"name", "design"} or not isinstance(table.get("design"), Mapping):
            continue
        design, inside = {"design": dict(table["design"])}, _inside(places, path)
        inner = check(own_tables(raw) | design, inside)
        found += [Problem(f"compare[{i + 1}] {p.what}", p.where, p.rule, p.cure) for p in inner]
        if not inner and sound:
            laid = dict(raw) | design
            under = scenario_problems(laid, inside, check) + grid_problems(laid, inside, check)
            found += [Problem(f"compare[{i + 1}] with {p.what}", p.where, p.rule, p.cure) for p in under]
    return found


def _cell_problems(own: Mapping[str, Any], grid: list[GridTable], places: Places, check: Check) -> list[Problem]:
    """The first corner of a map that no plan can have; each key by itself was checked before."""
    for corner in itertools.product(*((table.values[0], table.values[-1]) for table in grid)):
        inner = check(merge(own, grid_changes(grid, corner)), Places(places.name, {(): 0}))
        if inner:
            at = ", ".join(f"{table.key} = {value:g}" for table, value in zip(grid, corner, strict=True))
            return [Problem(f"grid with {at}: {inner[0].what}", places.of(("grid", 0)), inner[0].rule, inner[0].cure)]
    return []


def _tables(raw: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any], KeyPath]]:
    listed = raw.get(key)
    if not isinstance(listed, list | tuple):
        return []
    return [(i, table, (key, i)) for i, table in enumerate(listed) if isinstance(table, Mapping)]


def _name_taken(table: Mapping[str, Any], names: set[str], what: str, path: KeyPath, places: Places) -> list[Problem]:
    label = table.get("name")
    if not isinstance(label, str):
        return []
    taken = label in names
    names.add(label)
    return [Problem(f"{what}.name = {label!r}", places.of(path), "is taken already")] if taken else []


def _key_problem(key: str, own: Mapping[str, Any]) -> tuple[str, str] | None:
    """Rule and cure if ``key`` is not the path of a number under arms or accrual."""
    parts = key.split(".")
    if parts[0] not in TRUTHS:
        return f"must start with {' or '.join(TRUTHS)}", "Write the whole path, such as arms.NAME.survival.cure_fraction"
    if len(parts) > 1 and parts[0] == "arms" and parts[1] not in _arms(own):
        return f"names no arm of the plan ({', '.join(_arms(own))})", ""
    here: Any = own
    for part in parts:
        if not isinstance(here, Mapping) or (part not in here and part != parts[-1]):
            return "is not in the plan", "Write the whole path, such as arms.NAME.survival.cure_fraction"
        here = here.get(part)
    if here is not None and not _number(here):
        return "is not a number in the plan", "A grid moves one number"
    return None


def _arms(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    arms = raw.get("arms")
    return arms if isinstance(arms, Mapping) else {}


def _unknown_arms(raw: Mapping[str, Any], changed: Mapping[str, Any]) -> list[str]:
    return [name for name in changed if name not in _arms(raw)]


def _inside(places: Places, path: KeyPath) -> Places:
    """The places of a variant's own keys, as if they stood at the top of the file."""
    return Places(places.name, {p[2:]: line for p, line in places.lines.items() if p[:2] == path})


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(values: Sequence[float]) -> str:
    text = ", ".join(f"{v:g}" for v in values)
    return f"[{text if len(text) <= 60 else text[:57] + '...'}]"
