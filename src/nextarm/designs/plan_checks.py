"""What is wrong with a plan, all of it at once, in words: value, place with line, rule, cure."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from nextarm.core.errors import CallError, Problem
from nextarm.designs.toml_lines import KeyPath, dotted, line_of

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

_NOUNS = {
    "string": "a text in quotes",
    "float": "a number",
    "bool": "true or false",
    "dict": "a table",
    "tuple": "a list",
    "int": "a whole number",
}
_BOUNDS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}  # fmt: skip


#: The most patients or events a plan may have, and the latest milestone (years).
MOST_PATIENTS, LATEST_MILESTONE = 1_000_000, 100.0
#: The most that a field of this unit may hold: what is beyond is a slip of the unit.
MOST: dict[str, float] = {"patients": MOST_PATIENTS, "events": MOST_PATIENTS, "years": 200.0, "a year": 100.0}


class Places:
    """Where things stand in the plan's text: ``plan.toml line 4``."""

    def __init__(self, name: str, lines: Mapping[KeyPath, int]) -> None:
        self.name = name
        self.lines = dict(lines)

    def of(self, path: KeyPath) -> str:
        """The file and line of ``path``, or the file alone where the text is not known."""
        line = line_of(path, self.lines)
        return f"{self.name} line {line}" if line else self.name


def problems_of_fields(error: ValidationError, data: Mapping[str, Any], model: type[BaseModel], places: Places) -> list[Problem]:
    """Translate what pydantic found, one problem for each key."""
    found = []
    for item in error.errors(include_url=False):
        path = _written_path(item["loc"], data)
        found.append(_problem(item, path, model, data, places))
    return found


def _problem(item: Any, path: KeyPath, model: type[BaseModel], data: Mapping[str, Any], places: Places) -> Problem:
    kind, value, ctx = item["type"], item["input"], item.get("ctx", {})
    where, name = places.of(path), dotted(path)
    if kind == "missing":
        table = dotted(path[:-1]) or "the plan"
        return Problem(f"{name} is missing", places.of(path[:-1]) if path[:-1] else places.name, f"{table} must have it")
    if kind == "extra_forbidden":
        known = sorted(_fields_at(model, path[:-1], data))
        return Problem(f"{name} is not known", where, "", _suggest(str(path[-1]), known))
    if kind == "union_tag_not_found":
        return Problem(f"{name}.kind is missing", where, f"must be one of {ctx_tags(model)}")
    if kind == "union_tag_invalid":
        tags = [t.strip().strip("'") for t in str(ctx["expected_tags"]).split(",")]
        return Problem(
            f"{name}.kind = {ctx['tag']!r}", places.of((*path, "kind")), f"must be one of {', '.join(tags)}", _near(str(ctx["tag"]), tags)
        )
    what = f"{name} = {_show(value)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        measure = _unit(model, path, data)
        rule = f"{words} {ctx[key]:g}" + (f" {measure}" if measure not in ("", "proportion") else "")
        return Problem(what, where, rule, _percent(value, measure))
    if kind == "literal_error":
        options = [t.strip().strip("'") for t in str(ctx["expected"]).replace(" or ", ", ").split(",")]
        return Problem(what, where, f"must be one of {', '.join(options)}", _near(str(value), options))
    if kind == "string_too_short":
        return Problem(what, where, "must not be empty")
    if kind == "finite_number":
        return Problem(what, where, "must be a finite number")
    if kind == "too_short":
        return Problem(what, where, f"must have at least {ctx['min_length']} entries")
    if kind == "rule":
        return Problem(what if "table" not in ctx else str(ctx["table"]), where, str(item["msg"]), str(ctx.get("cure", "")))
    noun = _NOUNS.get(kind.split("_")[0])
    if noun is None and kind in ("model_type", "model_attributes_type"):
        noun = "a table"
    return Problem(what, where, f"must be {noun}" if noun else str(item["msg"]))


def ctx_tags(model: type[BaseModel]) -> str:
    """The kinds of design there are, for messages."""
    options = get_args(model.model_fields["design"].annotation)
    return ", ".join(str(m.model_fields["kind"].default) for m in options if isinstance(m, type) and issubclass(m, BaseModel))


def _written_path(loc: Sequence[str | int], data: Any) -> KeyPath:
    """Leave out of pydantic's location what is not written in the file: the tag of a union, the word [key]."""
    path: list[str | int] = []
    here = data
    for part in loc:
        if isinstance(here, Mapping) and part not in here and here.get("kind") == part:
            continue
        if part == "[key]":
            continue
        path.append(part)
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            here = None
    return tuple(path)


def _model_at(kind: Any, path: KeyPath, data: Any) -> Any:
    """Walk the types of a model along a key path; None where the path leaves them."""
    for part in path:
        options = [kind] if get_origin(kind) not in (types.UnionType, typing.Union, typing.Annotated) else list(get_args(kind))
        tables = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        if tables:
            tag = data.get("kind") if isinstance(data, Mapping) else None
            table = next((t for t in tables if "kind" in t.model_fields and t.model_fields["kind"].default == tag), tables[0])
            named = {f.alias or n: f for n, f in table.model_fields.items()}
            if part not in named:
                return None
            kind = named[part].annotation
        else:
            inner = [get_args(o) for o in options if get_origin(o) in (dict, tuple)]
            if not inner:
                return None
            kind = inner[0][1] if isinstance(part, str) else inner[0][0]
        data = (
            data.get(part)
            if isinstance(data, Mapping)
            else (data[part] if isinstance(data, list | tuple) and isinstance(part, int) else None)
        )
    return kind, data


def _fields_at(model: type[BaseModel], path: KeyPath, data: Mapping[str, Any]) -> list[str]:
    found = _model_at(model, path, data)
    if found is None:
        return []
    kind, here = found
    options = get_args(kind) or (kind,)
    tables = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
    tag = here.get("kind") if isinstance(here, Mapping) else None
    tables = [t for t in tables if "kind" in t.model_fields and t.model_fields["kind"].default == tag] or tables[:1]
    return [f.alias or n for t in tables for n, f in t.model_fields.items()]


def _unit(model: type[BaseModel], path: KeyPath, data: Mapping[str, Any]) -> str:
    names = [p for p in path if isinstance(p, str)]
    found = _model_at(model, tuple(path[: len(path) - 1 - (len(path) - len(names) and isinstance(path[-1], int))]), data)
    if found is None:
        return ""
    kind, here = found
    options = [o for o in (get_args(kind) or (kind,)) if isinstance(o, type) and issubclass(o, BaseModel)]
    tag = here.get("kind") if isinstance(here, Mapping) else None
    for table in [t for t in options if "kind" in t.model_fields and t.model_fields["kind"].default == tag] or options:
        for name, f in table.model_fields.items():
            if (f.alias or name) == names[-1]:
                extra = _extra(f)
                return str(extra.get("unit", ""))
    return ""


def _extra(f: Any) -> Mapping[str, Any]:
    if isinstance(f.json_schema_extra, Mapping):
        return f.json_schema_extra
    for part in get_args(f.annotation):  # Annotated inside an optional
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(getattr(meta, "json_schema_extra", None), Mapping):
                return typing.cast(Mapping[str, Any], meta.json_schema_extra)
    return {}


def _percent(value: Any, measure: str) -> str:
    if measure == "proportion" and isinstance(value, int | float) and 1.0 < value <= 100.0:
        return f"Give a proportion, not a percentage: {value / 100.0:g}"
    return ""


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _near(given: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"Perhaps {close[0]} is meant" if close else ""


def _suggest(given: str, known: Sequence[str]) -> str:
    return _near(given, known) or (f"Known here: {', '.join(known)}" if known else "")


def problems_of_survival(error: CallError, places: Places) -> list[Problem]:
    """Add the line to what the survival room says of a model table (it names the key path itself)."""
    found = []
    for p in error.problems:
        path: KeyPath = tuple(p.what.split(" ")[0].split("."))
        found.append(Problem(p.what, places.of(path), p.rule, p.cure.rstrip("?")))
    return found


def problems_of_tables(plan: Plan, places: Places) -> list[Problem]:
    """What must hold inside and between the tables of a plan whose fields are sound by themselves."""
    found: list[Problem] = []
    needed, more = plan.design.arms_needed, plan.design.more_arms
    if len(plan.arms) < needed or (len(plan.arms) > needed and not more):
        cure = "Describe the control in [reference]" if needed == 1 else ""
        what = f"arms has {len(plan.arms)} ({', '.join(plan.arms) or 'none'})"
        found.append(
            Problem(
                what,
                places.of(("arms",)),
                f"{plan.design.kind} needs {'at least ' if more else ''}{needed} arm{'s' if needed > 1 else ''}",
                cure,
            )
        )
    found += _outcome_problems(plan, places)
    if plan.trial.control is not None and plan.trial.control not in plan.arms:
        rule = f"must be one of the arms {', '.join(plan.arms)}"
        found.append(
            Problem(f"trial.control = {plan.trial.control!r}", places.of(("trial", "control")), rule, _near(plan.trial.control, plan.arms))
        )
    if plan.design.needs_reference and plan.reference is None:
        found.append(
            Problem("[reference] is missing", places.name, f"{plan.design.kind} compares with it", "State it and how well it is known")
        )
    if plan.reference is not None:
        if not plan.design.needs_reference:
            found.append(Problem("[reference] is not used", places.of(("reference",)), f"{plan.design.kind} has its control as an arm"))
        found += _reference_problems(plan, places)
    found += _absurd_sizes(plan, places)
    found += _platform_only(plan, places)
    found += _salvage_unused(plan, places)
    if not found:
        for p in plan.design.problems(plan):
            path: KeyPath = ("design", p.what.split(" ")[0].split("[")[0])
            found.append(Problem(f"design.{p.what}", p.where or places.of(path), p.rule, p.cure))
    return found


def _outcome_problems(plan: Plan, places: Places) -> list[Problem]:
    """Every arm must state the truths that the design looks at, and no other."""
    found = []
    for name, arm in plan.arms.items():
        for outcome in ("survival", "response", "toxicity", "relapse", "death"):
            value = getattr(arm, outcome)
            given = value is not None and value != {}  # a probability of 0 is a truth
            if given == (outcome in plan.design.outcomes):
                continue
            where = places.of(("arms", name, outcome) if given else ("arms", name))
            rule = f"{plan.design.kind} {'does not look at it' if given else 'needs it'}"
            found.append(Problem(f"arms.{name}.{outcome} is {'not used' if given else 'missing'}", where, rule))
    return found


def _platform_only(plan: Plan, places: Places) -> list[Problem]:
    """Arms that come and go, and drift over time, are of platforms alone."""
    if plan.design.kind == "platform":
        return []
    rule = f"is of platforms: {plan.design.kind} has all its arms open throughout and no drift"
    found = [
        Problem(f"arms.{name}.{key}", places.of(("arms", name, key)), rule)
        for name, arm in plan.arms.items()
        for key in ("opens", "opens_after", "opens_when", "opens_at_events")
        if key in arm.model_fields_set and getattr(arm, key)
    ]
    if plan.accrual.hazard_trend != 0.0:
        found.append(Problem("accrual.hazard_trend", places.of(("accrual", "hazard_trend")), rule))
    return found


def _salvage_unused(plan: Plan, places: Places) -> list[Problem]:
    """An arm's salvage is of designs that look at overall survival."""
    if "salvage" in type(plan.design).model_fields or getattr(plan.design, "os_guard", None) is not None:
        return []
    cure = "Give the design an os_guard, or leave it out" if "os_guard" in type(plan.design).model_fields else ""
    rule = f"is of designs that look at overall survival: {plan.design.kind} as planned does not"
    return [
        Problem(f"arms.{name}.salvage", places.of(("arms", name, "salvage")), rule, cure)
        for name, arm in plan.arms.items()
        if arm.salvage is not None
    ]


def _absurd_sizes(plan: Plan, places: Places) -> list[Problem]:
    """Sizes that no trial has and that would only keep the machine busy."""
    found = _beyond(plan.accrual, ("accrual",), places)
    total = plan.accrual_model().total
    if found:
        pass  # a field that is absurd by itself is told alone
    elif total < 1.0:
        rule = "must be at least 1 patient (rate times duration)"
        found.append(Problem(f"accrual of {total:.3g} patients", places.of(("accrual",)), rule, "Rates are a year, durations in years"))
    elif total > MOST_PATIENTS:
        rule = f"must be at most {MOST_PATIENTS:,} patients (rate times duration)"
        found.append(Problem(f"accrual of {total:g} patients", places.of(("accrual",)), rule))
    found += _beyond(plan.design, ("design",), places)
    if plan.trial.milestone > LATEST_MILESTONE:
        rule = f"must be at most {LATEST_MILESTONE:g} years"
        found.append(Problem(f"trial.milestone = {plan.trial.milestone:g}", places.of(("trial", "milestone")), rule, "Times are in years"))
    return found


def _beyond(table: BaseModel, path: KeyPath, places: Places) -> list[Problem]:
    """Fields of a table, and of the tables in it, that hold more than their unit allows."""
    found = []
    for name, field in type(table).model_fields.items():
        value, key = getattr(table, name), (*path, name)
        if isinstance(value, BaseModel):
            found += _beyond(value, key, places)
        unit = field.json_schema_extra.get("unit") if isinstance(field.json_schema_extra, dict) else None
        most = MOST.get(str(unit), math.inf)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and number > most:
                shown = str(number) if number < 10**9 else f"{min(number, 10**300):g}"
                found.append(Problem(f"{dotted(key)} = {shown}", places.of(key), f"must be at most {most:,.0f} {unit}"))
    return found


def _reference_problems(plan: Plan, places: Places) -> list[Problem]:
    r = plan.reference
    assert r is not None
    place = places.of(("reference",))
    found = []
    given = [n for n in ("survival", "milestone_survival", "row") if getattr(r, n) is not None]
    if len(given) != 1:
        found.append(
            Problem(
                f"reference has {' and '.join(given) or 'no value'}", place, "must have exactly one of survival, milestone_survival, row"
            )
        )
    known = [n for n in ("fixed", "se", "n") if getattr(r, n)]
    if len(known) > 1 or (not known and r.row is None):
        rule = "must say how well the reference is known: exactly one of se, n, fixed = true"
        found.append(
            Problem(
                f"reference has {' and '.join(known) or 'no precision'}", place, rule, "Leave fixed = true for a value known without error"
            )
        )
    return found
