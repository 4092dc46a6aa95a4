"""A form out of the plan's JSON schema: trial, accrual, arms and the fields of its design, as they stand in the plan."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from nextarm.core.errors import PlanError, Problem
from nextarm.web.address import Query
from nextarm.web.screen import Field

#: Tables of the plan in the form; of ``trial`` and ``accrual`` these fields, of the design all that are simple.
TABLES = {"trial": ("name", "endpoint", "milestone"), "accrual": ("rate", "duration", "follow_up", "dropout_hazard")}


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
            made += [f for name in names if (f := _field(f"{table}.{name}", known[name], here.get(name), sent, table)) is not None]
    arms = data.get("arms")
    for arm, values in arms.items() if isinstance(arms, Mapping) else ():
        if isinstance(values, Mapping) and "." not in arm:
            made += _arm_fields(arm, values, sent)
    design = data.get("design")
    if isinstance(design, Mapping):
        for name, known in _definition(str(design.get("kind"))).items():
            field = None if name == "kind" else _field(f"design.{name}", known, design.get(name), sent, "design")
            made += [field] if field is not None else []
    return tuple(made)


def _arm_fields(arm: str, values: Mapping[str, Any], sent: Query) -> list[Field]:
    """The numbers of an arm: allocation, response, toxicity, and those at the top of its survival model."""
    made = [
        _plain(f"arms.{arm}.{name}", f"{arm}: {name}", values[name], sent)
        for name in ("allocation", "response", "toxicity")
        if isinstance(values.get(name), int | float)
    ]
    survival = values.get("survival")
    for path, value in _numbers(survival if isinstance(survival, Mapping) else {}):
        made.append(_plain(f"arms.{arm}.survival.{path}", f"{arm}: {path.replace('.', ' ').replace('_', ' ')}", value, sent))
    return made


def _numbers(table: Mapping[str, Any], path: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _numbers(value, f"{path}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((f"{path}{name}", value))
    return found


def _plain(name: str, label: str, value: Any, sent: Query) -> Field:
    return Field(name, label[:1].upper() + label[1:], "number", sent.text(name) or f"{value:g}")


def _field(name: str, known: Mapping[str, Any], value: Any, sent: Query, table: str) -> Field | None:
    options = [known, *known.get("anyOf", ())]
    choices = next((o["enum"] for o in options if "enum" in o), None)
    types = {o.get("type") for o in options}
    label = name.rsplit(".", 1)[-1].replace("_", " ")
    unit = f", {known['unit']}" if known.get("unit") not in (None, "", label) else ""
    default = known.get("default")
    words = ". ".join(filter(None, (str(known.get("description", "")), f"Default: {_said(default)}" if default not in (None, "") else "")))
    shown = sent.text(name) or ("" if value is None else _said(value))
    label = f"{label[:1].upper()}{label[1:]}{unit}"
    if choices:
        return Field(name, label, "select", shown, choices=(("", "default"), *((c, c) for c in choices)), help=words)
    if "boolean" in types:
        return Field(name, label, "select", shown, choices=(("", "default"), ("true", "yes"), ("false", "no")), help=words)
    if types & {"number", "integer", "array"}:
        return Field(name, label, "number" if "array" not in types else "text", shown, help=words)
    return Field(name, label, "text", shown, help=words) if types & {"string"} else None


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, int | float) else json.dumps(value)


def merged(data: Mapping[str, Any], sent: Query) -> dict[str, Any]:
    """The plan with the sent fields laid over it; :class:`PlanError` for texts that are no values."""
    new: dict[str, Any] = deepcopy(dict(data))
    allowed = {f.name: f for f in fields_of(data)}
    problems: list[Problem] = []
    design = data.get("design")
    kind = str(design.get("kind")) if isinstance(design, Mapping) else ""
    for name, text in sent.pairs:
        if name not in allowed or text.strip() == allowed[name].value:
            continue
        *tables, last = name.split(".")
        here: Any = new
        for part in tables:
            here = here.setdefault(part, {})
        if not text.strip():
            here.pop(last, None)
            continue
        try:
            here[last] = _value(text.strip(), _known(name, kind), allowed[name], here.get(last))
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
            raise ValueError(text) from None
        return found
    number = float(text)
    if number != number or abs(number) == float("inf"):
        raise ValueError(text)
    whole = number == int(number) and (("integer" in types and "number" not in types) or isinstance(before, int))
    return int(number) if whole else number


def _known(name: str, kind: str) -> Mapping[str, Any]:
    table, last = name.split(".")[0], name.rsplit(".", 1)[-1]
    if table in TABLES or table == "design":
        found: Mapping[str, Any] = (_definition(kind) if table == "design" else _table(table))[last]
        return found
    return {"type": "number"}
