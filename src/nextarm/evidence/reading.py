"""Read one evidence table from its bytes: text, rows, cells; every problem with its line and column.

Nothing is raised here: what can be read is returned beside the list of problems, so that one broken cell does not hide
the next.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import Problem
from nextarm.evidence.columns import Field, Row, fields_of

#: Larger files are refused: an evidence table is written by hand.
MAX_BYTES = 20_000_000
#: A longer cell is not a fact but a broken quote; the csv module's own limit can be moved by anyone.
MAX_CELL = 20_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BOOLEANS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Located:
    """A row of cells with the line it starts at."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class TableRead:
    """A table as far as it could be read: records, problems, and the first key of every row that was left out."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    broken_keys: frozenset[str] = frozenset()


def place(file: str, line: int, column: str = "") -> str:
    """Write where something stands: ``outcomes.csv line 12, column estimate``."""
    return f"{file} line {line}" + (f", column {column}" if column else "")


def nearest(value: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` if one of ``known`` is close to ``value``, else nothing.

    >>> nearest("EFSS", ["EFS", "OS"])
    "Did you mean 'EFS'?"
    """
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(value.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean {names[found[0]]!r}?" if found else ""


def read_cells(data: bytes, file: str) -> tuple[list[Located], list[Problem]]:
    """Decode ``data`` and split it into rows of cells; the first row is the header. Blank lines are skipped."""
    if len(data) > MAX_BYTES:
        return [], [Problem(f"{len(data)} bytes", file, f"must not exceed {MAX_BYTES} bytes")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return [], [Problem(what, place(file, line), "a table must be UTF-8", "Save it as CSV UTF-8")]
    problems: list[Problem] = []
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        return [], [Problem(f"control character 0x{ord(found[0]):02x}", place(file, line), "a table holds text only")]
    if not text.strip():
        return [], [Problem("the file is empty", file, "the first line must name the columns", "Run `nextarm new` for empty tables")]
    rows: list[Located] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return rows, problems
        except csv.Error as error:
            problems.append(_broken_quotes(str(error), file, line))
            if reader.line_num < line:  # nothing was consumed: no way on
                return rows, problems
            continue
        if any(len(cell) > MAX_CELL for cell in cells):
            problems.append(_too_long(file, line))
        elif cells:
            rows.append(Located(line, tuple(cells)))


def _too_long(file: str, line: int) -> Problem:
    return Problem("a cell is too long", place(file, line), f"must not exceed {MAX_CELL} characters", "Look for a quote that never closes")


def _broken_quotes(message: str, file: str, line: int) -> Problem:
    if "larger than field limit" in message:
        return _too_long(file, line)
    if "unexpected end" in message:
        return Problem("a quoted cell opens and never closes", place(file, line), cure='Close it with "')
    if "expected after" in message:
        rule = 'a cell with a comma, a quote or a line break stands in "...", a quote inside it is doubled'
        return Problem("broken quotes", place(file, line), rule)
    return Problem(f"the line cannot be read ({message})", place(file, line))


def read_table(data: bytes, record: type[Row], file: str, package: str = "") -> TableRead:
    """Read a table as records of type ``record``.

    A row with a bad cell is left out of the records and named in the problems; so is every unknown or missing column.
    """
    located, problems = read_cells(data, file)
    if not located:
        return TableRead((), tuple(problems))
    known = {f.header: f for f in fields_of(record)}
    header = located[0].cells
    problems += _check_header(header, known, file, located[0].line)
    columns = [known.get(name) for name in header]
    key_at = next((i for i, f in enumerate(columns) if f is not None and f.column.key), len(header))
    needed = {f.attribute for f in known.values() if f.required}
    rows: list[Row] = []
    broken: set[str] = set()
    for row in located[1:]:
        values: dict[str, Any] = {"line": row.line, "package": package}
        found: list[Problem] = []
        if len(row.cells) != len(header):
            rule = f"the header has {len(header)} columns"
            found.append(Problem(f"{len(row.cells)} cells", place(file, row.line), rule, "Quote cells that hold commas"))
        for field, text in zip(columns, row.cells, strict=False) if not found else ():
            if field is not None:
                values[field.attribute], wrong = _read_cell(text, field, place(file, row.line, field.header))
                found += wrong
        problems += found
        if found or not needed <= values.keys():
            broken.update(row.cells[key_at : key_at + 1])
        else:
            rows.append(record(**values))
    return TableRead(tuple(rows), tuple(problems), frozenset(broken))


def _check_header(header: tuple[str, ...], known: dict[str, Field], file: str, line: int) -> list[Problem]:
    problems = []
    for name in dict.fromkeys(header):
        if name not in known:
            cure = nearest(name, known) or f"Columns are {', '.join(known)}"
            problems.append(Problem(f"unknown column {name!r}", place(file, line), cure=cure))
        if header.count(name) > 1:
            problems.append(Problem(f"column {name!r} stands twice", place(file, line)))
    missing = [name for name in known if name not in header]
    problems += [Problem(f"column {name!r} is missing", place(file, line), cure="Add it, empty where not reported") for name in missing]
    return problems


def _read_cell(text: str, field: Field, where: str) -> tuple[object, list[Problem]]:
    if text == "":
        if field.required:
            rule = "every value has a source" if field.header == "source_id" else "must be filled"
            return None, [Problem(f"{field.header} is empty", where, rule)]
        return ("" if field.kind is str else None), []
    if text != text.strip():
        return None, [Problem(f"{field.header} = {text!r}", where, "must not begin or end with a space")]
    value, rule = _parse(text, field)
    if rule:
        return None, [Problem(f"{field.header} = {text!r}", where, rule)]
    rule, cure = _broken_rule(value, text, field)
    return value, [Problem(f"{field.header} = {text if field.kind is not str else repr(text)}", where, rule, cure)] if rule else []


def _parse(text: str, field: Field) -> tuple[object, str]:
    if field.kind is str:
        return text, ""
    if field.kind is bool:
        return _BOOLEANS.get(text), "" if text in _BOOLEANS else "must be yes, no or empty"
    if field.kind is int:
        return (int(text), "") if _INTEGER.fullmatch(text) and len(text) < 16 else (None, "must be a whole number")
    number = read_number(text)
    return number, "" if number is not None else "must be a number"


def read_number(text: str) -> float | None:
    """Read a plain decimal number (``0.5``, ``1e-4``); None for anything else, also for NaN and infinity.

    >>> read_number("1e-4"), read_number("nan"), read_number("1_000")
    (0.0001, None, None)
    """
    number = float(text) if _NUMBER.fullmatch(text) else float("inf")
    return number if abs(number) < 1e15 else None


def _broken_rule(value: object, text: str, field: Field) -> tuple[str, str]:
    column = field.column
    unit = f" {column.unit}" if column.unit else ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = column.minimum, column.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            if low is not None and high is not None:
                cure = "Give a proportion, not a percentage" if high == 1 and 1 < value <= 100 else ""
                return f"must lie between {low:g} and {high:g}", cure
            return (f"must be at least {low:g}{unit}" if low is not None else f"must be at most {high:g}{unit}"), ""
    if column.choices and text not in column.choices:
        return f"must be one of {', '.join(column.choices)}", nearest(text, column.choices)
    if column.pattern and not re.fullmatch(column.pattern, text):
        return f"must match {column.pattern}", ""
    return "", ""
