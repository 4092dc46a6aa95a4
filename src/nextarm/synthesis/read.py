"""Read a reviewer's own studies from a CSV file or a frame, with errors that name row and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextarm.core.errors import DataError, Problem, unreadable
from nextarm.core.trail import RowRef
from nextarm.synthesis.estimates import FROM_COUNTS, StudyEstimate

TEXT = ("study", "group")
NUMBERS = ("estimate", "se", "ci_low", "ci_high", "n", "events", "time", "year")
SCALED = ("estimate", "se", "ci_low", "ci_high")
_EMPTY = {"", "na", "nan", "n/a", "null", "none", "."}


def read_studies(
    source: Any, *, percent: bool = False, level: float = 0.95, probability: bool = True, moderators: Sequence[str] = ()
) -> tuple[StudyEstimate, ...]:
    """Read studies: columns ``study``, ``estimate``, and ``se``, ``ci_low`` and ``ci_high``, or ``n`` (with ``events``).

    ``estimate`` may be left out where ``events`` and ``n`` are given: the proportion WITH the event, events / n. Optional
    columns: ``time``, ``year``, ``group``, and any moderator named. ``percent`` divides estimates, standard errors and
    limits by 100. Raises :class:`DataError` with all problems; unknown columns are problems too.
    """
    name, columns, rows = read_rows(source)
    known = {*TEXT, *NUMBERS, *moderators}
    problems = [
        Problem(f"column {c!r}", name, "is not known", f"Known: {', '.join((*TEXT, *NUMBERS))}; name others as --moderator")
        for c in columns
        if c not in known
    ]
    problems += [Problem(f"column {c!r}", name, "stands twice") for c in sorted({c for c in columns if columns.count(c) > 1})]
    if "study" not in columns:
        problems.append(Problem("column 'study' is missing", name, f"found {', '.join(columns) or 'nothing'}"))
    if "estimate" not in columns and not {"events", "n"} <= set(columns):
        problems.append(Problem("column 'estimate' is missing", name, "needed unless events and n are given"))
    problems += [Problem(f"column {m!r} is missing", name, "named as a moderator") for m in moderators if m not in columns]
    if problems:
        raise DataError(problems=problems)
    if not rows:
        raise DataError("no studies", where=name, rule="must hold at least one row below the header")
    studies: list[StudyEstimate] = []
    for number, row in rows:
        values: dict[str, float | None] = {}
        for column in (c for c in (*NUMBERS, *moderators) if c in row):
            value, problem = parse_number(row[column], column, f"{name} row {number}")
            values[column] = value / 100.0 if value is not None and percent and column in SCALED else value
            problems += [problem] if problem else []
        for column in ("n", "events"):
            whole = values.get(column)
            if whole is not None and not whole.is_integer():
                problems.append(Problem(f"{column} = {whole:g}", f"{name} row {number}", "must be a whole number"))
        label = str(row["study"] or "").strip()
        if not label:
            problems.append(Problem("study is empty", f"{name} row {number}", "every study needs a name"))
        estimate = values.get("estimate")
        events, n = values.get("events"), values.get("n")
        if events is not None and n is not None and not 0 <= events <= n:
            problems.append(Problem(f"events = {events:g}", f"{name} row {number}", f"must lie between 0 and n = {n:g}"))
        counted = estimate is None and events is not None and bool(n)
        if estimate is None and events is not None and n:
            estimate = events / n
        if estimate is None and events is not None and n is not None:
            continue
        if estimate is None:
            problems.append(Problem("estimate is empty", f"{name} row {number}", "needed unless events and n are given"))
            continue
        if counted and not 0.0 <= estimate <= 1.0:
            continue  # its counts are a problem already
        if probability and not 0.0 <= estimate <= 1.0:
            cure = "Use --percent" if 1.0 < estimate <= 100.0 else ""
            problems.append(Problem(f"estimate = {estimate:g}", f"{name} row {number}", "must lie between 0 and 1", cure))
            continue
        studies.append(
            StudyEstimate(
                label=label,
                estimate=estimate,
                se=values.get("se"),
                ci_low=values.get("ci_low"),
                ci_high=values.get("ci_high"),
                ci_level=level,
                n=None if n is None else int(n),
                events=None if events is None else int(events),
                time=values.get("time"),
                year=values.get("year"),
                group=str(row.get("group") or "").strip(),
                moderators={m: v for m in moderators if (v := values.get(m)) is not None and m not in NUMBERS},
                row=RowRef(name, number, label, marks=(FROM_COUNTS,) if counted else ()),
            )
        )
    if percent and probability and studies and all(s.estimate <= 0.01 for s in studies):
        rule = "no estimate is above 1, so they look like proportions"
        problems.append(Problem("--percent given", name, rule, "Leave --percent out; write a rare share as a proportion"))
    if problems:
        raise DataError(problems=problems)
    return tuple(studies)


def read_rows(source: Any) -> tuple[str, list[str], list[tuple[int, dict[str, Any]]]]:
    """The name, the columns and the rows, each with its line in the file (the header is line 1; a frame counts alike)."""
    if not isinstance(source, str | Path):
        import narwhals as nw

        try:
            frame = nw.from_native(source, eager_only=True)
        except TypeError:
            raise DataError(f"{type(source).__name__} given", rule="must be the path of a CSV file or a data frame") from None
        return "data", list(frame.columns), list(enumerate(frame.iter_rows(named=True), start=2))
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if "\0" in text:
        raise DataError(f"{path.name} is not a CSV file", rule="must be a UTF-8 text file")
    lines = list(csv.reader(text.splitlines()))
    if not lines:
        raise DataError(f"{path.name} is empty", rule="must hold a header and at least one row")
    header = [h.strip().lower() for h in lines[0]]
    if len(header) == 1 and ";" in header[0]:
        raise DataError(f"{path.name} is separated by semicolons", rule="must be separated by commas, with decimal points")
    body = [(i, line) for i, line in enumerate(lines[1:], start=2) if any(cell.strip() for cell in line)]
    wrong = [
        Problem(f"{len(line)} values", f"{path.name} row {i}", f"must have {len(header)} like the header")
        for i, line in body
        if len(line) != len(header)
    ]
    if wrong:
        raise DataError(problems=wrong)
    return path.name, header, [(i, dict(zip(header, (cell.strip() for cell in line), strict=True))) for i, line in body]


def parse_number(value: Any, column: str, where: str) -> tuple[float | None, Problem | None]:
    """A cell as a number, None where it is empty, or the problem with it."""
    if value is None or value != value or str(value).strip().lower() in _EMPTY:
        return None, None
    try:
        number = float(value)
    except (TypeError, ValueError):
        cure = "Use --percent and leave out the sign" if str(value).strip().endswith("%") else "Write decimals with a point"
        return None, Problem(f"{column} = {value!r}", where, "must be a number", cure)
    if number in (float("inf"), float("-inf")):
        return None, Problem(f"{column} = {value!r}", where, "must be finite")
    return number, None
