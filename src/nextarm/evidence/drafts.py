"""Draft evidence rows from what reviewers export: RIS, nbib (MEDLINE), PubMed XML, ClinicalTrials.gov version 2 JSON.

A draft is a row of an evidence table with the cells that the export states and a list of the required cells that a reader must
still fill. It is never evidence by itself: nothing is guessed, and a number of a registry keeps its own words (title, time
frame, unit) in the note. A record that cannot be read is listed with its place and the reason. Nothing is lost in silence:
``records`` = records drafted + malformed + duplicates.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from nextarm.core.errors import CallError, DataError, unreadable
from nextarm.evidence.columns import Row, fields_of
from nextarm.evidence.schema import TABLES

#: Largest file read, in bytes.
LARGEST = 100_000_000


@dataclass(frozen=True)
class DraftRow:
    """One row to be: its ``table``, the cells that are known, the required cells that are ``missing``, and where it was read."""

    table: str
    cells: dict[str, str]
    missing: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Malformed:
    """A record that could not be read: where it stands, why, and how it begins."""

    where: str
    reason: str
    begins: str


@dataclass(frozen=True)
class Drafts:
    """All drafts of a file, in its order, the records that could not be read, and those that repeat another one."""

    format: str
    records: int
    rows: tuple[DraftRow, ...]
    malformed: tuple[Malformed, ...] = ()
    duplicates: tuple[str, ...] = ()

    def of(self, table: str) -> tuple[DraftRow, ...]:
        """The drafts for one table."""
        return tuple(row for row in self.rows if row.table == table)

    def to_csv(self, table: str) -> str:
        """The drafts of ``table`` as CSV text in the package's column order, with two more columns: missing, where_read.

        A cell that begins like a spreadsheet formula gets an apostrophe in front.
        """
        headers = [f.header for f in fields_of(_row_class(table))]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*headers, "missing", "where_read"])
        for row in self.of(table):
            writer.writerow([*(_safe(row.cells.get(h, "")) for h in headers), "; ".join(row.missing), row.where])
        return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"[+-]?\d+(\.\d+)?", cell) else cell


def _row_class(table: str) -> type[Row]:
    for name, row in TABLES:
        if name == table:
            return row
    raise CallError(f"table = {table!r}", rule=f"must be one of {', '.join(name for name, _ in TABLES)}")


def draft(table: str, cells: dict[str, str], where: str) -> DraftRow:
    """Make a draft: empty cells dropped, spaces folded, missing required cells named; unknown columns are a bug and raise KeyError."""
    known = {f.header: f for f in fields_of(_row_class(table))}
    kept = {name: " ".join(value.split()) for name, value in cells.items() if known[name] and value.strip()}
    return DraftRow(table, kept, tuple(n for n, f in known.items() if f.required and n not in kept), where)


def source_key(author: str, year: str, taken: set[str]) -> str:
    """An identifier such as ``pieters2019``, with a letter (then a number) where it is taken already; it is then taken.

    >>> source_key("Müller-Höcker", "2020", {"mullerhocker2020"})
    'mullerhocker2020b'
    """
    plain = unicodedata.normalize("NFKD", author).encode("ascii", "ignore").decode().lower()
    stem = (re.sub(r"[^a-z0-9]", "", plain) or "unnamed") + (year or "undated")
    options = (stem, *(stem + letter for letter in "bcdefghijklmnopqrstuvwxyz"), *(f"{stem}-{i}" for i in range(27, 1_000_000)))
    key = next(option for option in options if option not in taken)
    taken.add(key)
    return key


def clean_doi(text: str) -> str:
    """The DOI inside ``text`` (resolver and label removed), or nothing."""
    found = re.search(r"10\.\d{4,9}/[^\s\"<>]+", text)
    return found.group(0).rstrip(".,;") if found else ""


def year_in(text: str) -> str:
    """The first year from 1900 to 2100 in ``text``, or nothing."""
    found = re.search(r"(?<!\d)(19\d\d|20\d\d|2100)(?!\d)", text)
    return found.group(0) if found else ""


@dataclass(frozen=True)
class Parsed:
    """What a reader of one format found: cells of each record by table (the first is its source) with its place, and failures."""

    records: int
    found: tuple[tuple[str, tuple[tuple[str, dict[str, str]], ...]], ...]
    malformed: tuple[Malformed, ...]


def _readers() -> dict[str, Callable[[str], Parsed]]:
    from nextarm.evidence.drafts_registry import read_clinical_trials
    from nextarm.evidence.drafts_tagged import read_nbib, read_ris
    from nextarm.evidence.drafts_xml import read_pubmed_xml

    return {"ris": read_ris, "nbib": read_nbib, "pubmed-xml": read_pubmed_xml, "clinicaltrials-json": read_clinical_trials}


FORMATS: tuple[str, ...] = ("ris", "nbib", "pubmed-xml", "clinicaltrials-json")


def guess_format(text: str) -> str:
    """The format that ``text`` begins like; :class:`DataError` if it is none of :data:`FORMATS`."""
    start = text.lstrip("\ufeff \t\r\n")[:4000]
    if start[:1] in "{[" and start:
        return "clinicaltrials-json"
    if start.startswith("<"):
        return "pubmed-xml"
    if re.search(r"^PMID\s*- ", start, re.MULTILINE):
        return "nbib"
    if re.search(r"^TY  - ", start, re.MULTILINE):
        return "ris"
    raise DataError("the text is none of the known exports", rule=f"must be {', '.join(FORMATS)}", cure="Name the format")


def read_drafts(source: str | Path, *, format: str | None = None, known: Iterable[tuple[str, str, str]] = ()) -> Drafts:
    """Read an export file into draft rows.

    ``format`` None guesses it from the first lines. ``known`` holds (source_id, doi, pmid) of sources already in a package:
    their identifiers are not given again, and records with their DOI or PubMed number are listed as duplicates. Raises
    :class:`DataError` for a file that is missing, too large, not UTF-8 text or of no known format.
    """
    path = Path(source)
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path.name} is larger than {LARGEST // 1_000_000} MB", cure="Split the export")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing", cure="Check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    drafts = drafts_from_text(text, format=format, known=known)
    return replace(drafts, rows=tuple(replace(r, where=f"{path.name} {r.where}") for r in drafts.rows))


def drafts_from_text(text: str, *, format: str | None = None, known: Iterable[tuple[str, str, str]] = ()) -> Drafts:
    """As :func:`read_drafts`, from text.

    >>> found = drafts_from_text("TY  - JOUR\\nAU  - Pieters, Rob\\nPY  - 2019\\nTI  - Interfant-06\\nER  - \\n")
    >>> found.rows[0].cells["source_id"], found.records
    ('pieters2019', 1)
    """
    if not text.strip():
        raise DataError("the file is empty", rule="must hold at least one record")
    name = format or guess_format(text)
    readers = _readers()
    if name not in readers:
        raise CallError(f"format = {name!r}", rule=f"must be one of {', '.join(FORMATS)}")
    parsed = readers[name](text)
    taken: set[str] = set()
    seen: dict[str, str] = {}
    for source_id, doi, pmid in known:
        taken.add(source_id)
        seen |= {mark: source_id for mark in (doi.lower(), pmid) if mark}
    rows: list[DraftRow] = []
    duplicates: list[str] = []
    for where, tables in parsed.found:
        cells = dict(tables[0][1])
        marks = [m for m in (cells.get("doi", "").lower(), cells.get("pmid", "")) if m]
        own = cells.get("source_id", "")
        twin = next((seen[m] for m in marks if m in seen), own if own in taken else "")
        if twin:
            duplicates.append(f"{where}: the same as {twin}")
            continue
        key = cells.get("source_id") or source_key(cells.get("first_author", ""), cells.get("year", ""), taken)
        taken.add(key)
        seen |= dict.fromkeys(marks, key)
        rows.append(draft("sources", cells | {"source_id": key}, where))
        for table, more in tables[1:]:
            named = any(f.header == "source_id" for f in fields_of(_row_class(table)))
            rows.append(draft(table, more | ({"source_id": key} if named else {}), where))
    return Drafts(name, parsed.records, tuple(rows), parsed.malformed, tuple(duplicates))
