"""Reading what a user brings: curve, at-risk table, ticks; CSV path, frame or arrays, one arm or several."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.core.errors import CallError, DataError, Problem, unreadable
from nextarm.core.units import FloatArray
from nextarm.survival.reader import refuse_other_separators

#: Names under which a column may come besides its own.
ALSO: dict[str, tuple[str, ...]] = {
    "time": ("t", "x"),
    "survival": ("surv", "s", "probability", "y"),
    "incidence": ("cif", "survival", "probability", "y"),
    "at_risk": ("n_risk", "nrisk", "nar", "atrisk", "number_at_risk"),
    "arm": ("group", "treatment"),
    "cause": ("event",),
}
ONLY_ARM = "all"
#: A table longer than this is not a published curve; the limit keeps a wrong file from filling the memory.
MOST_ROWS = 200_000

Rows = dict[str, FloatArray]


def read_columns(source: Any, needed: tuple[str, ...], *, what: str, labels: tuple[str, ...] = ("arm",)) -> dict[str, list[Any]]:
    """The columns ``needed`` (numbers) and those of ``labels`` that are there, as lists; :class:`DataError` says what is wrong where.

    ``source`` is a CSV path, a frame narwhals knows, a dict of columns, or plain arrays: a pair (time, value), an array
    of two columns, or for one needed column a flat array.
    """
    where = what
    if isinstance(source, str | Path):
        where = Path(source).name
        raw = _from_csv(Path(source), what)
    elif isinstance(source, dict):
        raw = {str(k).strip().lower(): list(v) for k, v in source.items()}
    elif hasattr(source, "columns"):
        import narwhals as nw

        frame = nw.from_native(source, eager_only=True)
        raw = {str(c).strip().lower(): frame[c].to_list() for c in frame.columns}
    else:
        raw = _from_arrays(source, needed, what)
    columns: dict[str, list[Any]] = {}
    for name in (*needed, *labels):
        for alias in (name, *ALSO.get(name, ())):
            if alias in raw and not (alias != name and alias in needed):
                columns[name] = raw[alias]
                break
        else:
            if name in needed:
                have = ", ".join(raw) or "nothing"
                raise DataError(f"column {name!r} is missing", where=where, rule=f"{what} needs {', '.join(needed)}; found {have}")
    sizes = {len(v) for v in columns.values()}
    if len(sizes) > 1:
        raise DataError("columns of different length", where=where, rule=f"{what} needs one value each a row")
    if max(sizes, default=0) > MOST_ROWS:
        raise DataError(f"{max(sizes)} rows", where=where, rule=f"{what} may have at most {MOST_ROWS}")
    problems: list[Problem] = []
    for name in needed:
        columns[name] = [_number(v, name, i, where, problems) for i, v in enumerate(columns[name])]
    if problems:
        raise DataError(problems=problems[:10])
    return columns


def by_arm(columns: dict[str, list[Any]], needed: tuple[str, ...]) -> dict[str, Rows]:
    """Split columns by arm, arms in the order they first appear; one arm "all" without an arm column."""
    size = len(columns[needed[0]])
    if size == 0:
        raise DataError("the table has no points", rule=f"must hold at least one row of {', '.join(needed)}")
    labels = ["" if v is None or v != v else _label(v) for v in columns["arm"]] if "arm" in columns else [ONLY_ARM] * size
    if "" in labels:
        raise DataError("arm is empty", where=f"row {labels.index('') + 1}", rule="every row must name its arm")
    names = tuple(dict.fromkeys(labels))
    marks = np.array(labels)
    return {n: {c: np.asarray(columns[c], float)[marks == n] for c in needed} for n in names}


def per_arm(value: Any, arms: tuple[str, ...], name: str) -> dict[str, Any]:
    """Spread a keyword over the arms: a dict by arm, or one value where there is one arm."""
    if value is None:
        return dict.fromkeys(arms)
    if isinstance(value, dict):
        if unknown := [k for k in value if str(k) not in arms]:
            raise CallError(f"{name} names arm {unknown[0]!r}", rule=f"must be one of {', '.join(map(repr, arms))}")
        spread = {str(k): v for k, v in value.items()}
        return {a: spread.get(a) for a in arms}
    if len(arms) > 1:
        raise CallError(f"{name} = {value!r} for {len(arms)} arms", rule="must name its arm", cure=f"Give a dict: {{{arms[0]!r}: ...}}")
    return {arms[0]: value}


def match_arms(tables: dict[str, Rows], arms: tuple[str, ...], what: str) -> dict[str, Rows]:
    """Give each arm of the curve its rows in another table; a table without arm column serves a single arm."""
    if set(tables) == {ONLY_ARM} and len(arms) == 1:
        return {arms[0]: tables[ONLY_ARM]}
    if arms == (ONLY_ARM,) and len(tables) == 1:
        return {ONLY_ARM: next(iter(tables.values()))}
    if unknown := [a for a in tables if a not in arms]:
        rule = f"the curve has {', '.join(map(repr, arms))}"
        raise DataError(f"{what} names arm {unknown[0]!r}", rule=rule, cure="Use the same names in both tables")
    return tables


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value).strip()


def _number(value: Any, name: str, row: int, where: str, problems: list[Problem]) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        problems.append(Problem(f"{name} = {value!r}", f"{where}, row {row + 1} below the header", "must be a finite number"))
    return number


def _from_csv(path: Path, what: str) -> dict[str, list[Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", rule=f"{what} must be a CSV file", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if "\0" in text:
        raise DataError(f"{path.name} is not a CSV file", rule="must be a UTF-8 text file")
    rows = [r for r in csv.reader(text.splitlines()) if any(cell.strip() for cell in r)]
    if not rows:
        raise DataError(f"{path.name} is empty", rule=f"{what} must hold a header and at least one row")
    header = [h.strip().lower() for h in rows[0]]
    refuse_other_separators(header, path.name)
    if repeated := sorted({h for h in header if header.count(h) > 1}):
        raise DataError(f"column {repeated[0]!r} appears twice", where=f"{path.name} row 1", rule="column names must differ")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(f"{len(row)} values", where=f"{path.name} row {number}", rule=f"must have {len(header)} like the header")
    return {h: [row[j].strip() for row in rows[1:]] for j, h in enumerate(header)}


def _from_arrays(source: Any, needed: tuple[str, ...], what: str) -> dict[str, list[Any]]:
    try:
        if len(needed) == 1:
            return {needed[0]: np.asarray(source, float).ravel().tolist()}
        if isinstance(source, tuple) and len(source) == len(needed):
            return {n: np.asarray(v, float).ravel().tolist() for n, v in zip(needed, source, strict=True)}
        array = np.asarray(source, float)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim != 2 or array.shape[1] != len(needed):
        rule = f"must be a CSV path, a frame, or arrays ({', '.join(needed)})"
        raise DataError(f"{what} is {type(source).__name__}", rule=rule)
    return {n: array[:, j].tolist() for j, n in enumerate(needed)}
