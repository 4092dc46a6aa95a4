"""Reading the patient table from a CSV file or a frame, with errors that name row and column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from nextarm.core.errors import DataError, Problem, unreadable
from nextarm.core.units import FloatArray, IntArray
from nextarm.survival.table import Origin

NUMBERS = ("time", "event", "entry", "weight", "version")
KNOWN = (*NUMBERS, "arm", "cause", "stratum", "origin")
ORIGINS: tuple[Origin, ...] = get_args(Origin)
#: What the needed columns are called elsewhere; not taken for them, since 1 and 2 mean other things there.
_ALSO = {
    "time": ("futime", "os_time", "pfs_time", "efs_time", "survtime", "t"),
    "event": ("status", "fustat", "censor", "cens", "died", "death"),
}
_SHOWN = 10
_EMPTY = frozenset({"", "na", "nan", "n/a", "null", "none", "."})


@dataclass(frozen=True)
class Columns:
    """The checked columns, still in the file's own time unit."""

    time: FloatArray
    event: IntArray
    arm: IntArray
    arms: tuple[str, ...]
    causes: tuple[str, ...]
    entry: FloatArray | None
    weight: FloatArray | None
    stratum: IntArray | None
    version: IntArray | None
    origin: Origin | None


def columns_of(source: Any, arms: tuple[str, ...] | None) -> Columns:
    """Read and check all columns of ``source``; :class:`DataError` lists up to ten problems."""
    name, first_row, raw = _raw(source)
    if missing := [c for c in ("time", "event") if c not in raw]:
        rule = f"the columns time and event are needed; found {', '.join(raw) or 'none'}"
        cures = {c: f"Name it {c}: 1 event, 0 censored" if c == "event" else f"Name it {c}" for c in missing}
        also = {c: next((f"Is {other} meant? {cures[c]}" for other in _ALSO[c] if other in raw), "") for c in missing}
        raise DataError(problems=[Problem(f"column {c!r} is missing", name, rule, also[c]) for c in missing])
    n = len(raw["time"])
    if n == 0:
        raise DataError("no patients", where=name, rule="must hold at least one row below the header")
    problems: list[Problem] = []

    def place(column: str, i: int) -> str:
        return f"{name + ' ' if name else ''}row {i + first_row}, column {column}"

    def flag(column: str, values: Any, bad: Any, rule: str, cure: str = "") -> None:
        for i in np.flatnonzero(bad):
            if len(problems) >= _SHOWN:
                return
            problems.append(Problem(f"{column} = {values[i]!r}", place(column, int(i)), rule, cure))

    numbers = {c: _numbers(raw[c], c, flag) for c in NUMBERS if c in raw}
    if problems:
        raise DataError(problems=problems)
    time, event = numbers["time"], numbers["event"]
    flag("time", raw["time"], time < 0.0, "must not be negative")
    several = " Name the causes in a column 'cause'" if "cause" not in raw else ""
    flag("event", raw["event"], ~np.isin(event, (0.0, 1.0)), "must be 0 (censored) or 1 (event)", several.strip())
    if "entry" in numbers:
        entry = numbers["entry"]
        flag("entry", raw["entry"], entry < 0.0, "must not be negative")
        flag("entry", raw["entry"], (entry > 0.0) & (entry >= time), "must be before the patient's time")
    if "weight" in numbers:
        flag("weight", raw["weight"], numbers["weight"] <= 0.0, "must be above 0")
    if "version" in numbers:
        flag("version", raw["version"], numbers["version"] != np.floor(numbers["version"]), "must be a whole number")
    causes, kind = _causes(raw.get("cause"), event, flag)
    names, arm = _labels(raw.get("arm"), n, "arm", flag, arms)
    stratum = _strata(raw.get("stratum"), flag)
    origin = _origin(raw.get("origin"), flag)
    if problems:
        raise DataError(problems=problems)
    return Columns(
        time=time,
        event=kind,
        arm=arm,
        arms=names,
        causes=causes,
        entry=numbers.get("entry"),
        weight=numbers.get("weight"),
        stratum=stratum,
        version=numbers["version"].astype(np.int64) if "version" in numbers else None,
        origin=origin,
    )


def _origin(values: list[Any] | None, flag: Callable[..., None]) -> Origin | None:
    """Where the patients come from; one value for the whole file."""
    if values is None:
        return None
    labels = ["" if _missing(v) else str(v).strip().lower() for v in values]
    unknown = np.array([v not in ORIGINS for v in labels])
    flag("origin", values, unknown, f"must be one of {', '.join(ORIGINS)}")
    flag("origin", values, ~unknown & np.array([v != labels[0] for v in labels]), f"must be {labels[0]!r} like row one: one value a file")
    return next((o for o in ORIGINS if o == labels[0]), None)


def _raw(source: Any) -> tuple[str, int, dict[str, list[Any]]]:
    """Name, number of the first data row, and the known columns as plain lists; of others the names."""
    if isinstance(source, str | Path):
        return (Path(source).name, 2, _read_csv(Path(source)))
    import narwhals as nw

    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError:
        raise DataError(f"{type(source).__name__} given", rule="must be the path of a CSV file or a data frame") from None
    return ("", 1, {c: frame[c].to_list() if c in KNOWN else [] for c in frame.columns})


def _read_csv(path: Path) -> dict[str, list[Any]]:
    import csv

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if not text.strip():
        raise DataError(f"{path.name} is empty", rule="must hold a header and at least one row")
    if "\0" in text:
        raise DataError(f"{path.name} is not a CSV file", rule="must be a UTF-8 text file")
    rows = csv.reader(text.splitlines())
    header = [h.strip().lower() for h in next(rows)]
    refuse_other_separators(header, path.name)
    if repeated := sorted({h for h in header if h in KNOWN and header.count(h) > 1}):
        raise DataError(f"column {repeated[0]!r} appears twice", where=f"{path.name} row 1", rule="column names must differ")
    body: list[list[str]] = []
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            row = [""] * len(header) if len(header) == 1 else []
        if row and len(row) != len(header):
            rule = f"must have {len(header)} values like the header"
            raise DataError(f"{len(row)} values", where=f"{path.name} row {number}", rule=rule)
        body.append(row)
    while body and not body[-1]:
        body.pop()
    for number, row in enumerate(body, start=2):
        if not row:
            raise DataError("an empty row", where=f"{path.name} row {number}", rule="rows must hold a patient each")
    return {h: [row[j].strip() for row in body] if h in KNOWN else [] for j, h in enumerate(header)}


def refuse_other_separators(header: list[str], name: str) -> None:
    """:class:`DataError` for a header that commas do not part, but semicolons or tabs would."""
    for sign, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            cure = "Save it with commas, and decimals with a point: 5.5, not 5,5"
            raise DataError(f"the columns are parted by {called}", where=f"{name} row 1", rule="must be parted by commas", cure=cure)


def _missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and value.strip().lower() in _EMPTY)


def _numbers(values: list[Any], column: str, flag: Callable[..., None]) -> FloatArray:
    made = np.zeros(len(values))
    empty = np.zeros(len(values), bool)
    text = np.zeros(len(values), bool)
    for i, value in enumerate(values):
        if _missing(value):
            empty[i] = True
            continue
        try:
            made[i] = float(value)
        except (TypeError, ValueError):
            text[i] = True
    flag(column, values, empty, "must not be empty")
    flag(column, values, text, "must be a number", "Write decimals with a point")
    flag(column, values, ~np.isfinite(made), "must be finite")
    return made


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value).strip()


def _labels(
    values: list[Any] | None, n: int, column: str, flag: Callable[..., None], order: tuple[str, ...] | None
) -> tuple[tuple[str, ...], IntArray]:
    if values is None:
        return (order or ("all",))[:1], np.zeros(n, np.int64)
    flag(column, values, np.array([_missing(v) for v in values]), "must not be empty")
    labels = ["" if _missing(v) else _label(v) for v in values]
    names = order or tuple(dict.fromkeys(labels))
    flag(column, values, np.array([a not in names for a in labels]), f"must be one of {', '.join(map(repr, names))}")
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place.get(a, 0) for a in labels], np.int64)


def _strata(values: list[Any] | None, flag: Callable[..., None]) -> IntArray | None:
    """Whole numbers stay as they are; names are numbered in alphabetical order."""
    if values is None:
        return None
    flag("stratum", values, np.array([_missing(v) for v in values]), "must not be empty")
    labels = ["" if _missing(v) else _label(v) for v in values]
    try:
        return np.array([int(a) for a in labels], np.int64)
    except ValueError:
        place = {name: i for i, name in enumerate(sorted(set(labels)))}
        return np.array([place[a] for a in labels], np.int64)


def _causes(values: list[Any] | None, event: FloatArray, flag: Callable[..., None]) -> tuple[tuple[str, ...], IntArray]:
    if values is None:
        return ("event",), event.astype(np.int64)
    lacks = np.array([_missing(v) for v in values]) & (event == 1.0)
    flag("cause", values, lacks, "must name the cause of an event")
    labels = ["" if e == 0.0 or _missing(v) else _label(v) for v, e in zip(values, event, strict=True)]
    names = tuple(dict.fromkeys(a for a in labels if a)) or ("event",)
    place = {name: i + 1 for i, name in enumerate(names)} | {"": 0}
    return names, np.array([place[a] for a in labels], np.int64)
