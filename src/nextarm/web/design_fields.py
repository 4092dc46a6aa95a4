"""A form out of the plan's JSON schema: trial, accrual, arms and the fields of its design, as they stand in the plan."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from nextarm.core.errors import PlanError, Problem
from nextarm.report.designed import titles
from nextarm.web.address import Query
from nextarm.web.screen import Field

#: Tables of the plan in the form; of ``trial`` and ``accrual`` these fields, of the design all that are simple.
TABLES = {"trial": ("name", "endpoint", "milestone"), "accrual": ("rate", "duration", "follow_up", "dropout_hazard")}

GROUPS = {"trial": "Trial", "accrual": "Accrual and follow-up"}
#: Tables that are laid over a plan, and what their own fields hold.
VARIANTS = ("scenario", "grid", "compare")
VARIANTS_KNOWN: dict[str, Mapping[str, Any]] = {"name": {"type": "string"}, "key": {"type": "string"}, "values": {"type": "array"}}


@cache
def schema() -> dict[str, Any]:
    """The plan's JSON schema."""
    from nextarm.designs.plan import Plan

    return Plan.model_json_schema()


def _definition(kind: str) -> dict[str, Any]:
    for found in schema()["$defs"].values():
        if found.get("properties", {}).get("kind", {}).get("const") == kind:
            return dict(found["properties"])
    return {}


def _table(name: str) -> dict[str, Any]:
    reference = schema()["properties"][name]["$ref"].rsplit("/", 1)[-1]
    return dict(schema()["$defs"][reference]["properties"])


def fields_of(data: Mapping[str, Any], *, sent: Query = Query()) -> tuple[Field, ...]:  # noqa: B008 (frozen)
    """The fields of the plan ``data``; values that were ``sent`` and refused are shown again."""
    made: list[Field] = []
    for table, names in TABLES.items():
        here = data.get(table)
        if isinstance(here, Mapping):
            known = _table(table)
            found = [f for name in names if (f := _field(f"{table}.{name}", known[name], here.get(name), sent)) is not None]
            made += [replace(f, group=GROUPS[table]) for f in found]
    arms = data.get("arms")
    for arm, values in arms.items() if isinstance(arms, Mapping) else ():
        if isinstance(values, Mapping) and "." not in arm:
            made += [replace(f, group=f"Arm {arm}") for f in number_fields(values, f"arms.{arm}.", sent)]
    reference = data.get("reference")
    if isinstance(reference, Mapping):
        made += [replace(f, group="Reference") for f in number_fields(reference, "reference.", sent)]
    design = data.get("design")
    if isinstance(design, Mapping):
        kind = str(design.get("kind"))
        made += [replace(f, group=f"Design: {titles().get(kind, kind)}") for f in design_fields(design, "design.", sent=sent)]
    return tuple(made)


def design_fields(design: Mapping[str, Any], prefix: str, *, sent: Query) -> list[Field]:
    """The simple fields of a ``[design]`` table; those that it does not set are rare."""
    known = _definition(str(design.get("kind")))
    found = [_field(f"{prefix}{name}", facts, design.get(name), sent) for name, facts in known.items() if name != "kind"]
    return [replace(f, rare=f.name.removeprefix(prefix) not in design) for f in found if f is not None]


def number_fields(table: Mapping[str, Any], prefix: str, sent: Query) -> list[Field]:
    """A field for every number of nested tables."""
    return [_sent(Field(f"{prefix}{path}", words(path), "number", f"{value:g}"), sent) for path, value in numbers_of(table)]


def _sent(field: Field, sent: Query) -> Field:
    """The field with the value that was sent for it, which may have been refused."""
    text = sent.text(field.name)
    changed = sent.has(field.name) and text != field.value
    return replace(field, value=text or field.value, changed=changed) if changed else field


def numbers_of(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested tables by its path; names with a dot have none."""
    for name, value in table.items():
        if isinstance(value, Mapping) and "." not in name:
            yield from numbers_of(value, f"{path}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and "." not in name:
            yield f"{path}{name}", value


def words(path: str) -> str:
    """A path in words: ``survival.cure_fraction`` as Survival: cure fraction."""
    *tables, last = path.replace("_", " ").split(".")
    text = f"{' '.join(tables)}: {last}" if tables else last
    return text[:1].upper() + text[1:]


def _field(name: str, known: Mapping[str, Any], value: Any, sent: Query) -> Field | None:
    options = [known, *known.get("anyOf", ())]
    choices = next((o["enum"] for o in options if "enum" in o), None)
    types = {o.get("type") for o in options}
    label = name.rsplit(".", 1)[-1].replace("_", " ")
    unit = f", {known['unit']}" if known.get("unit") not in (None, "", label) else ""
    default = known.get("default")
    told = ". ".join(filter(None, (str(known.get("description", "")), f"Default: {_said(default)}" if default not in (None, "") else "")))
    shown = "" if value is None else _said(value)
    label = f"{label[:1].upper()}{label[1:]}{unit}"
    if choices:
        made = Field(name, label, "select", shown, choices=(("", "default"), *((c, c) for c in choices)), help=told)
    elif "boolean" in types:
        made = Field(name, label, "select", shown, choices=(("", "default"), ("true", "yes"), ("false", "no")), help=told)
    elif types & {"number", "integer", "array"}:
        made = Field(name, label, "number" if "array" not in types else "text", shown, help=told)
    elif "string" in types:
        made = Field(name, label, "text", shown, help=told)
    else:
        return None
    return _sent(made, sent)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, int | float) else json.dumps(value)


def merged(data: Mapping[str, Any], sent: Query, fields: Sequence[Field] | None = None) -> dict[str, Any]:
    """The plan with the sent values of ``fields`` (default: of the plan itself) laid over it.

    A number in a name is the place of a table in its list, from 1: ``compare.2.design.alpha``.
    Raises :class:`PlanError` for texts that are no values.
    """
    new: dict[str, Any] = deepcopy(dict(data))
    allowed = {f.name: f for f in (fields_of(data) if fields is None else fields)}
    problems: list[Problem] = []
    for name, text in sent.pairs:
        if name not in allowed or text.strip() == allowed[name].value:
            continue
        *tables, last = name.split(".")
        here: Any = new
        for part in tables:
            here = here[int(part) - 1] if isinstance(here, list) else here.setdefault(part, {})
        if not text.strip():
            here.pop(last, None)
            continue
        try:
            here[last] = _value(text.strip(), _known(name, data), allowed[name], here.get(last))
        except ValueError:
            problems.append(Problem(f"{name} = {text.strip()[:60]!r}", rule="must be a number, or a list such as 0.6, 1"))
    if problems:
        raise PlanError(problems=problems)
    return new


def _value(text: str, known: Mapping[str, Any], field: Field, before: Any) -> Any:
    """A value as TOML would read it: words where the schema has words, else a number or a list of numbers."""
    types = {o.get("type") for o in (known, *known.get("anyOf", ()))}
    if field.kind == "select" and text in ("true", "false"):
        return text == "true"
    if "string" in types or field.kind == "select":
        return text
    if "array" in types:
        try:
            found = tomllib.loads(f"v = [{text.strip('[]')}]" if not text.startswith("[[") else f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            return [float(part) for part in text.strip("[]").split(",")]  # such as .5, which TOML does not know
        return found
    number = float(text)
    if number != number or abs(number) == float("inf"):
        raise ValueError(text)
    whole = number == int(number) and (("integer" in types and "number" not in types) or isinstance(before, int))
    return int(number) if whole else number


def _known(name: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the schema says of a field."""
    parts, here = name.split("."), data
    if parts[0] in VARIANTS:
        place, here = int(parts[1]) - 1, data[parts[0]]
        parts, here = parts[2:], here[place]
        if len(parts) == 1:
            return VARIANTS_KNOWN[parts[0]]
    if parts[0] == "design":
        found: Mapping[str, Any] = _definition(str(here["design"].get("kind")))[parts[-1]]
        return found
    if parts[0] in TABLES and len(parts) == 2:
        known: Mapping[str, Any] = _table(parts[0])[parts[-1]]
        return known
    return {"type": "number"}
