"""The flow of records through a review, counted from its screening table, in the boxes of PRISMA 2020.

One row a record: where it came from, whether it was removed before screening, and what was decided at each step. A record that
contradicts itself (assessed although it was excluded before) is a problem with its line; one whose next decision is still open
is counted as awaiting it, never dropped. Page 2021, doi 10.1136/bmj.n71.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nextarm.core.errors import DataError, Problem, unreadable
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail

if TYPE_CHECKING:
    import polars as pl

SOURCE_TYPES: tuple[str, ...] = ("database", "register", "other")
REMOVED: tuple[str, ...] = ("duplicate", "automation", "other")
COLUMNS: tuple[str, ...] = ("record", "source_type", "source", "removed", "screening", "retrieved", "assessment", "reason", "study")
_NEEDED: tuple[str, ...] = ("record", "source_type")
_WORDS: dict[str, tuple[str, ...]] = {
    "source_type": SOURCE_TYPES,
    "removed": ("", *REMOVED),
    "screening": ("", "include", "exclude"),
    "retrieved": ("", "yes", "no"),
    "assessment": ("", "include", "exclude"),
}


@record
class ScreenedRecord:
    """One record: its source, and the decisions in order; empty where a step was not reached or not decided."""

    record: str
    source_type: str
    source: str = ""
    removed: str = ""
    screening: str = ""
    retrieved: str = ""
    assessment: str = ""
    reason: str = ""
    study: str = ""


@record
class Stream:
    """The counts of one way of finding records; ``by_source`` and ``reasons`` as (name, count) in order of size."""

    by_source: tuple[tuple[str, int], ...]
    identified: int
    removed: tuple[tuple[str, int], ...]
    screened: int
    excluded: int
    sought: int
    not_retrieved: int
    assessed: int
    reasons: tuple[tuple[str, int], ...]
    reports_included: int
    awaiting: int


@record
class PrismaFlow(Result):
    """The numbers of a PRISMA 2020 flow diagram: databases and registers, other methods (None without any), studies included."""

    main: Stream
    other: Stream | None
    studies: int
    reports: int

    def table(self) -> pl.DataFrame:
        """One row a box."""
        import polars as pl

        rows: list[dict[str, str | int]] = []
        for name, stream in (("databases and registers", self.main), ("other methods", self.other)):
            if stream is None:
                continue
            rows.append({"way": name, "box": "identified", "n": stream.identified})
            rows += [{"way": name, "box": f"from {source}", "n": n} for source, n in stream.by_source]
            rows += [{"way": name, "box": f"removed before screening: {why}", "n": n} for why, n in stream.removed]
            steps = [("screened", stream.screened), ("excluded", stream.excluded)] if stream is self.main else []
            steps += [("sought for retrieval", stream.sought), ("not retrieved", stream.not_retrieved)]
            steps.append(("assessed for eligibility", stream.assessed))
            rows += [{"way": name, "box": box, "n": n} for box, n in steps]
            rows += [{"way": name, "box": f"excluded: {why}", "n": n} for why, n in stream.reasons]
            rows.append({"way": name, "box": "awaiting a decision", "n": stream.awaiting})
        rows += [
            {"way": "both", "box": "reports included", "n": self.reports},
            {"way": "both", "box": "studies included", "n": self.studies},
        ]
        return pl.DataFrame(rows)


def _problems(r: ScreenedRecord, where: str) -> list[Problem]:
    found = []
    for column, words in _WORDS.items():
        value = getattr(r, column)
        if value not in words:
            found.append(Problem(f"{column} = {value!r}", where, f"must be one of {', '.join(w or 'empty' for w in words)}"))
    if found:
        return found
    if not r.record:
        found.append(Problem("record is empty", where, "every record needs a name"))
    order = ("removed", "screening", "retrieved", "assessment")
    ends = {"removed": r.removed != "", "screening": r.screening == "exclude", "retrieved": r.retrieved == "no"}
    for i, step in enumerate(order[:3]):
        later = [s for s in order[i + 1 :] if getattr(r, s)]
        if ends[step] and later:
            found.append(Problem(f"{later[0]} = {getattr(r, later[0])}", where, f"cannot follow {step} = {getattr(r, step)}"))
    before = {"retrieved": "screening", "assessment": "retrieved"}
    for step, needed in before.items():
        if getattr(r, step) and not getattr(r, needed) and not (step == "retrieved" and r.source_type == "other"):
            found.append(Problem(f"{step} = {getattr(r, step)}", where, f"needs {needed} before it"))
    if r.source_type == "other" and (r.screening or r.removed):
        found.append(Problem("screening or removed", where, "records of other methods start at retrieval", "Leave them empty"))
    if r.assessment == "exclude" and not r.reason:
        found.append(Problem("reason is empty", where, "a report excluded at full text needs one"))
    if r.assessment == "include" and not r.study:
        found.append(Problem("study is empty", where, "an included report belongs to a study", "Name it; several reports may share one"))
    return found


def _sizes(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _stream(rows: list[ScreenedRecord]) -> Stream:
    other = bool(rows) and rows[0].source_type == "other"
    live = [r for r in rows if not r.removed]
    screened = [r for r in live if r.screening]
    sought = [r for r in live if r.retrieved] if other else [r for r in screened if r.screening == "include"]
    retrieved = [r for r in sought if r.retrieved == "yes"]
    assessed = [r for r in retrieved if r.assessment]
    open_ = sum(not r.screening for r in live) if not other else sum(not r.retrieved for r in live)
    open_ += sum(not r.retrieved for r in sought) + sum(not r.assessment for r in retrieved)
    return Stream(
        by_source=_sizes(r.source or r.source_type for r in rows),
        identified=len(rows),
        removed=_sizes(r.removed for r in rows if r.removed),
        screened=len(screened),
        excluded=sum(r.screening == "exclude" for r in screened),
        sought=len(sought),
        not_retrieved=sum(r.retrieved == "no" for r in sought),
        assessed=len(assessed),
        reasons=_sizes(r.reason for r in assessed if r.assessment == "exclude"),
        reports_included=sum(r.assessment == "include" for r in assessed),
        awaiting=open_,
    )


def prisma_flow(records: Iterable[ScreenedRecord], *, where: str = "screening table", lines: Mapping[int, int] | None = None) -> PrismaFlow:
    """Count the flow of ``records``; :class:`DataError` with every record that contradicts itself or stands twice.

    >>> flow = prisma_flow([ScreenedRecord(record="a", source_type="database", screening="exclude")])
    >>> flow.main.identified, flow.main.excluded, flow.studies
    (1, 1, 0)
    """
    given = tuple(records)
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for i, r in enumerate(given):
        line = (lines or {}).get(i, i + 2)
        at = f"{where} row {line}, {r.record or 'no record'}"
        problems += _problems(r, at)
        if r.record and r.record in seen:
            problems.append(Problem(f"record {r.record!r}", at, f"stands in row {seen[r.record]} already"))
        seen.setdefault(r.record, line)
    if not given:
        problems.append(Problem("no record", where, "must hold at least one row"))
    if problems:
        raise DataError(problems=problems)
    main = _stream([r for r in given if r.source_type != "other"])
    by_hand = [r for r in given if r.source_type == "other"]
    other = _stream(by_hand) if by_hand else None
    kept = [r for r in given if r.assessment == "include"]
    waiting = main.awaiting + (other.awaiting if other else 0)
    warnings = (f"{waiting} records await a decision: the flow is not finished",) if waiting else ()
    return PrismaFlow(
        trail=Trail(method="counted over the screening table", reference="10.1136/bmj.n71", inputs=(f"{where}, {len(given)} records",)),
        warnings=warnings,
        main=main,
        other=other,
        studies=len({r.study for r in kept}),
        reports=len(kept),
    )


def screening_from_csv(source: str | Path) -> PrismaFlow:
    """Count the flow of a CSV file with the columns of :data:`COLUMNS` (``record`` and ``source_type`` must be there)."""
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    lines = list(csv.reader(io.StringIO(text)))
    header = [h.strip().lower() for h in lines[0]] if lines else []
    problems = [Problem(f"column {c!r} is missing", path.name) for c in _NEEDED if c not in header]
    problems += [Problem(f"column {c!r}", path.name, f"must be one of {', '.join(COLUMNS)}") for c in header if c not in COLUMNS]
    problems += [Problem(f"column {c!r}", path.name, "stands twice") for c in sorted({c for c in header if header.count(c) > 1})]
    body = [(i, line) for i, line in enumerate(lines[1:], start=2) if any(cell.strip() for cell in line)]
    problems += [
        Problem(f"{len(line)} values", f"{path.name} row {i}", f"must have {len(header)} like the header")
        for i, line in body
        if len(line) != len(header)
    ]
    if problems:
        raise DataError(problems=problems)
    free = {"record", "source", "reason", "study"}
    rows = [
        ScreenedRecord(
            **{"record": "", "source_type": ""}
            | {c: (v.strip() if c in free else v.strip().lower()) for c, v in zip(header, line, strict=True)}
        )
        for _, line in body
    ]
    return prisma_flow(rows, where=path.name, lines={k: i for k, (i, _) in enumerate(body)})
