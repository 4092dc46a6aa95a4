"""Changes all through a section: names of its own where the same kind of section stands in one report several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from nextarm.core.trail import Trail
from nextarm.report.document import Chart, Number, Section

T = TypeVar("T")


def under(stem: str, thing: T) -> T:
    """``thing`` (a section, a block, a text) with ``stem`` before the name of every number and the id of every chart and section.

    >>> from nextarm.report import Section, number, say
    >>> made = under("first", Section("rates", "Rates", say(number(1, "count", name="n", trail=Trail("counted")))))
    >>> made.id, made.lead[0].name
    ('first-rates', 'first.n')
    """

    def change(found: Any) -> Any:
        if isinstance(found, Number):
            return replace(found, name=f"{stem}.{found.name}")
        return replace(found, id=f"{stem}-{found.id}") if isinstance(found, Chart | Section) else found

    made: T = _everywhere(thing, change)
    return made


def with_inputs(thing: T, names: Callable[[str], str]) -> T:
    """``thing`` with every input that its trails name as ``names(input)``: a shared report does not tell where files lay."""

    def change(found: Any) -> Any:
        return replace(found, inputs=tuple(map(names, found.inputs))) if isinstance(found, Trail) and found.inputs else found

    made: T = _everywhere(thing, change)
    return made


def _everywhere(thing: Any, change: Callable[[Any], Any]) -> Any:
    """``thing`` with ``change`` done to every record in it, from the inside out; what does not change stays the same object."""
    if isinstance(thing, tuple):
        parts = tuple(_everywhere(part, change) for part in thing)
        return thing if all(a is b for a, b in zip(parts, thing, strict=True)) else parts
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    if not isinstance(thing, Trail):
        values = {f.name: _everywhere(getattr(thing, f.name), change) for f in fields(thing)}
        if any(values[f.name] is not getattr(thing, f.name) for f in fields(thing)):
            thing = replace(thing, **values)
    return change(thing)
