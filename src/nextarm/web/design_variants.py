"""What is laid over a plan, by forms: designs to compare, scenarios, assumptions that vary. All of it stands in the plan's text."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError
from nextarm.designs.plan import plan_from_data
from nextarm.report.designed import titles
from nextarm.web.address import Query
from nextarm.web.design_fields import VARIANTS, design_fields, merged, numbers_of, words
from nextarm.web.design_runs import planned
from nextarm.web.screen import Field, Form

#: How many of each there may be; scenarios have no limit of the plan's, but of what a page is for.
MOST = {"compare": 3, "scenario": 8, "grid": 2}


@lru_cache(maxsize=64)
def beside(text: str) -> Any:
    """What can be laid beside the plan of a text."""
    return verbs.beside(planned(text))


def forms(text: str, data: Mapping[str, Any], here: str, sent: Query) -> tuple[Form, ...]:
    """The forms for a sound plan: each table with its fields, and one more to add."""
    lists = {table: _tables(data, table) for table in VARIANTS}
    made: list[Form] = []
    for table, found in (("compare", _designs), ("scenario", _scenario), ("grid", _axis)):
        within = _title(table, len(lists[table]))
        made += [found(text, data, i, here, sent, within) for i in range(len(lists[table]))]
        if len(lists[table]) < MOST[table]:
            made.append(_another(table, len(lists[table]) + 1, text, here, sent, within))
    return tuple(made)


def laid(data: Mapping[str, Any], sent: Query) -> tuple[dict[str, Any], str]:
    """The plan with what a form of this page says done to it, and the place on the page to return to."""
    table = sent.choice("table", MOST, "")
    there = len(_tables(data, table))
    place, do = sent.whole("place", 0, low=1, high=there + 1), sent.choice("do", ("set", "add", "remove"), "set")
    if (place == there + 1) != (do == "add") or place > MOST[table]:
        raise CallError(f"place = {place}", rule=f"must be one of the {there} there are, or one more of at most {MOST[table]} to add")
    new = deepcopy(dict(data))
    if do == "remove":
        del new[table][place - 1]
        if not new[table]:
            del new[table]
        return new, f"add-{table}"
    if do == "add":
        new.setdefault(table, []).append(_added(table, place, data, sent))
        return new, f"{table}-{place}"
    new = merged(data, sent, _fields(table, place, data, Query()))
    if table == "scenario":
        new[table][place - 1] = _without_empty(new[table][place - 1])
    return new, f"{table}-{place}"


def _tables(data: Mapping[str, Any], table: str) -> list[Any]:
    found = data.get(table)
    return list(found) if isinstance(found, list) else []


def _title(table: str, count: int) -> str:
    if table == "compare":
        return f"Designs side by side: this plan's{f' and {count} more' if count else ' alone'}"
    if table == "scenario":
        return f"Scenarios: {count} other truth{'s' if count != 1 else ''}"
    return f"Assumptions that vary: {('none', 'one, as a curve', 'two, as a map')[min(count, 2)]}"


def _hidden(text: str, table: str, place: int, do: str) -> tuple[Field, ...]:
    pairs = (("toml", text), ("table", table), ("place", str(place)), ("do", do))
    return tuple(Field(name, "", "hidden", value) for name, value in pairs)


def _form(
    text: str, table: str, place: int, fields: tuple[Field, ...], here: str, within: str, title: str, note: str = "", rare: str = ""
) -> Form:
    return Form(
        f"{table}-{place}", title, (*_hidden(text, table, place, "set"), *fields), "Evaluate", action=f"{here}/lay", note=note, folded=True,
        also=(("remove", "Remove"),), within=within, rare=rare or "at their defaults",
    )  # fmt: skip


def _designs(text: str, data: Mapping[str, Any], i: int, here: str, sent: Query, within: str) -> Form:
    one = data["compare"][i]
    kind = str(one["design"].get("kind"))
    title = f"Design {i + 2}: {one.get('name', '')} ({titles().get(kind, kind)})"
    return _form(text, "compare", i + 1, _fields("compare", i + 1, data, sent), here, within, title)


def _scenario(text: str, data: Mapping[str, Any], i: int, here: str, sent: Query, within: str) -> Form:
    one, fields = data["scenario"][i], _fields("scenario", i + 1, data, sent)
    kept = [
        path
        for path in _leaves({k: v for k, v in one.items() if k != "name"})
        if f"scenario.{i + 1}.{path}" not in {f.name for f in fields}
    ]
    note = f"Changed in the plan's text only: {', '.join(kept)}." if kept else ""
    return _form(text, "scenario", i + 1, fields, here, within, f"Scenario {i + 1}: {one.get('name', '')}", note, "as planned")


def _axis(text: str, data: Mapping[str, Any], i: int, here: str, sent: Query, within: str) -> Form:
    one = data["grid"][i]
    return _form(
        text, "grid", i + 1, _fields("grid", i + 1, data, sent), here, within, f"Assumption {i + 1}: {one.get('name') or _of(one['key'])}"
    )


def _fields(table: str, place: int, data: Mapping[str, Any], sent: Query) -> tuple[Field, ...]:
    """The fields of one table that is there."""
    one, stem = data[table][place - 1], f"{table}.{place}."

    def shown(name: str, value: Any) -> str:
        return sent.text(f"{stem}{name}") or str(value or "")

    name = Field(f"{stem}name", "Name", value=shown("name", one.get("name")), required=table != "grid")
    if table == "compare":
        return (name, *design_fields(one["design"], f"{stem}design.", sent=sent))
    if table == "grid":
        values = ", ".join(f"{v:g}" for v in one["values"])
        return (_key_field(stem, data, shown("key", one["key"])), _values_field(stem, shown("values", values)), name)
    own, changed = dict(numbers_of(_truths(data))), dict(numbers_of({k: v for k, v in one.items() if k != "name"}))
    whole = plan_from_data(data).scenario_plans[place][1].to_data()
    made = [name]
    for path in {**changed, **dict(numbers_of(_truths(whole)))}:
        planned_as = f"As planned: {own[path]:g}" if path in own else "Of this scenario alone"
        value = sent.text(f"{stem}{path}") or (f"{changed[path]:g}" if path in changed else "")
        made.append(Field(f"{stem}{path}", _of(path), "number", value, help=planned_as, rare=path not in changed))
    return tuple(made)


def _of(path: str) -> str:
    """A path of arms or accrual in words."""
    kind, *rest = path.split(".")
    return f"{rest[0]}: {' '.join(rest[1:]).replace('_', ' ')}" if kind == "arms" and len(rest) > 1 else words(path)


def _truths(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("arms", "accrual") if isinstance(data.get(key), Mapping)}


def _key_field(stem: str, data: Mapping[str, Any], value: str) -> Field:
    own = dict(numbers_of(_truths(data)))
    choices = tuple((path, f"{_of(path)} (planned {v:g})") for path, v in own.items())
    if value and value not in own:
        choices = ((value, value), *choices)
    return Field(f"{stem}key", "Assumption", "select", value, choices=choices)


def _values_field(stem: str, value: str) -> Field:
    return Field(f"{stem}values", "Values", value=value, help="Rising, such as 0.5, 0.6, 0.7", required=True)


def _another(table: str, place: int, text: str, here: str, sent: Query, within: str) -> Form:
    """The form that adds one."""
    stem, found, data = f"{table}.{place}.", beside(text), planned(text).to_data()
    fields: tuple[Field, ...]
    name = Field(f"{stem}name", "Name", value=sent.text(f"{stem}name"), required=table == "scenario")
    if table == "compare":
        cards = titles()
        choices = tuple((kind, cards[kind]) for kind in found.designs)
        kind = Field(
            f"{stem}kind", "Design", "select", sent.text(f"{stem}kind"), choices=choices,
            help=f"{len(choices)} of the {len(cards)} kinds fit the arms and end point of this plan",
        )  # fmt: skip
        title, fields, words_ = "Add a design", (kind, replace(name, help="Empty: the name of its kind")), "Add this design"
    elif table == "scenario":
        starts = (
            ("", "the plan's own truth"),
            *((("no effect", "no effect: as the control or the reference"),) if found.no_effect else ()),
        )
        start = Field(
            f"{stem}start", "Start from", "select", sent.text(f"{stem}start"), choices=starts, help="Its numbers can be changed below"
        )
        title, fields, words_ = "Add a scenario", (name, start), "Add this scenario"
    else:
        fields = (
            _key_field(stem, data, sent.text(f"{stem}key")),
            _values_field(stem, sent.text(f"{stem}values")),
            replace(name, help="Empty: the last part of its path"),
        )
        title, words_ = ("Vary an assumption" if place == 1 else "Vary a second one: the map"), "Add"
    return Form(f"add-{table}", title, (*_hidden(text, table, place, "add"), *fields), words_, action=f"{here}/lay", within=within)


def _added(table: str, place: int, data: Mapping[str, Any], sent: Query) -> dict[str, Any]:
    """The new table that an add form describes."""
    stem, plan = f"{table}.{place}.", plan_from_data(data)
    name = sent.text(f"{stem}name")
    if table == "grid":
        blank = {**data, "grid": [*_tables(data, "grid"), {"key": sent.text(f"{stem}key"), "values": []}]}
        fields = (_values_field(stem, ""), Field(f"{stem}name", ""))
        made: dict[str, Any] = merged(blank, sent, fields)["grid"][-1]
        return made
    found = verbs.beside(plan)
    if table == "compare":
        kind = sent.choice(f"{stem}kind", found.designs, next(iter(found.designs), ""))
        title = name or titles()[kind]
        return {"name": title, "design": dict(found.designs[kind])}
    start = sent.choice(f"{stem}start", ("", "no effect"), "")
    return {"name": name, **(found.no_effect if start else {})}


def _leaves(table: Mapping[str, Any], path: str = "") -> list[str]:
    """Every path of nested tables that ends in a value."""
    found: list[str] = []
    for name, value in table.items():
        found += _leaves(value, f"{path}{name}.") if isinstance(value, Mapping) else [f"{path}{name}"]
    return found


def _without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table without tables that hold nothing."""
    made = {k: _without_empty(v) if isinstance(v, Mapping) else v for k, v in table.items()}
    return {k: v for k, v in made.items() if v != {}}
