"""What a column of an evidence table is: its type, unit, constraints and meaning, read from a record's annotations.

A record is a frozen dataclass whose fields are annotated ``Annotated[type, Column(...)]``. From these the reader knows
how to parse a cell, the checks know what must hold, and ``datapackage.json`` is written: one place, so they cannot drift.

Types: ``str`` (an empty cell is ``""``), ``int``, ``float``, ``bool`` (``yes`` and ``no`` in the file); ``... | None``
where a cell may be empty. A ``str`` column may be empty unless ``required``.
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

#: A date given to the year, the month or the day.
PARTIAL_DATE: Final = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
#: An identifier: small letters, digits and hyphens.
IDENTIFIER: Final = r"[a-z0-9][a-z0-9-]*"

#: Data Package type of each Python type.
TYPE_NAMES: Final[dict[type, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Column:
    """The meaning and the rules of one column.

    ``key`` marks the primary key; ``refers`` is ``table.column`` of a foreign key; ``choices`` the only values allowed;
    ``pattern`` a regular expression for the whole cell; ``name`` the header where Python cannot spell it (``class``).
    """

    description: str
    unit: str = ""
    key: bool = False
    refers: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    unique: bool = False
    name: str = ""


@dataclass(frozen=True)
class Field:
    """A column as it stands in a record: attribute, header in the file, Python type, and whether a cell may be empty."""

    attribute: str
    header: str
    kind: type
    optional: bool
    column: Column

    @property
    def required(self) -> bool:
        """Whether every row must fill this column."""
        return self.column.required or self.column.key or not (self.optional or self.kind is str)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of an evidence table: ``line`` in its CSV file (the header is line 1) and the ``package`` it came from."""

    line: int = 0
    package: str = ""


def fields_of(record: type[Row]) -> tuple[Field, ...]:
    """Return the columns of ``record`` in the order of the file.

    >>> from nextarm.evidence.schema import Agent
    >>> [f.header for f in fields_of(Agent)][:3]
    ['agent_id', 'name', 'class']
    """
    hashable: Any = record  # the type checker takes a dataclass for unhashable
    return _fields_of(hashable)


@cache
def _fields_of(record: type[Any]) -> tuple[Field, ...]:
    hints = typing.get_type_hints(record, include_extras=True)
    found = []
    for item in fields(record):
        hint = hints[item.name]
        column = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Column)), None)
        if column is None:
            continue
        kind, optional = _plain(typing.get_args(hint)[0])
        found.append(Field(item.name, column.name or item.name, kind, optional, column))
    return tuple(found)


def _plain(hint: Any) -> tuple[type, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        inner = [a for a in typing.get_args(hint) if a is not type(None)]
        return inner[0], True
    return hint, False


def key_of(record: type[Row]) -> tuple[Field, ...]:
    """Return the primary key columns of ``record`` (none for tables whose rows are only told apart by content)."""
    return tuple(f for f in fields_of(record) if f.column.key)
