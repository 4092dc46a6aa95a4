"""The ledger: every number of a report once, in the order a reader meets it, with the section and the trail.

Both results.json and the appendix "Every number and where it comes from" are the ledger written out. Trails that are
the same (many numbers of one analysis) are kept once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nextarm.core.errors import CallError, Problem
from nextarm.core.trail import Source, Trail
from nextarm.report.document import (
    Block,
    Cell,
    Chart,
    DataTable,
    Definitions,
    Details,
    Inline,
    KeyFigures,
    ListBlock,
    Note,
    Number,
    Paragraph,
    Report,
    RowGroup,
)


@dataclass(frozen=True)
class LedgerEntry:
    """A number, the section it first stands in, and the position of its trail in the ledger."""

    number: Number
    section: str
    trail: int

    @property
    def anchor(self) -> str:
        """The address of the number in the appendix."""
        return f"num-{self.number.name}"


@dataclass(frozen=True)
class Ledger:
    """All numbers, all trails (each once), and all sources (each once, in alphabetical order of citation)."""

    entries: tuple[LedgerEntry, ...]
    trails: tuple[Trail, ...]
    sources: tuple[Source, ...]

    def of_trail(self, trail: int) -> tuple[LedgerEntry, ...]:
        """The entries that share one trail."""
        return tuple(e for e in self.entries if e.trail == trail)


def ledger_of(report: Report) -> Ledger:
    """Walk ``report`` and collect its numbers; :class:`CallError` if two different numbers or charts share a name."""
    entries: dict[str, LedgerEntry] = {}
    trails: dict[Trail, int] = {}
    charts: set[str] = set()
    problems: list[Problem] = []
    for section, content in _places(report):
        for thing in content:
            if isinstance(thing, Chart):
                if thing.id in charts:
                    problems.append(Problem(f"two charts are named {thing.id!r}", where=section, rule="must be unique"))
                charts.add(thing.id)
                continue
            before = entries.get(thing.name)
            if before is None:
                place = trails.setdefault(thing.trail, len(trails))
                entries[thing.name] = LedgerEntry(thing, section, place)
            elif before.number != thing:
                problems.append(Problem(f"two different numbers are named {thing.name!r}", where=section, rule="names must be unique"))
    if problems:
        raise CallError(problems=problems)
    sources = {s.source_id: s for trail in trails for s in trail.sources}
    in_order = sorted(sources.values(), key=lambda s: (s.cite().casefold(), s.source_id))
    return Ledger(tuple(entries.values()), tuple(trails), tuple(in_order))


def plain_text(parts: tuple[Inline, ...]) -> str:
    """The words of a text without links and marks.

    >>> plain_text(("As ", "said"))
    'As said'
    """
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def charts_of(report: Report) -> tuple[Chart, ...]:
    """Every chart of the report in order."""
    return tuple(thing for _, content in _places(report) for thing in content if isinstance(thing, Chart))


def _places(report: Report) -> Iterator[tuple[str, Iterator[Number | Chart]]]:
    yield "intro", _in_blocks(report.intro)
    for section in report.sections:
        yield section.id, _in_parts(section.lead)
        yield section.id, _in_blocks(section.blocks)


def _in_parts(parts: tuple[Inline, ...]) -> Iterator[Number | Chart]:
    for part in parts:
        if isinstance(part, Number):
            yield part


def _in_blocks(blocks: tuple[Block, ...]) -> Iterator[Number | Chart]:
    for block in blocks:
        if isinstance(block, Paragraph | Note):
            yield from _in_parts(block.parts)
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from _in_parts(item)
        elif isinstance(block, Definitions):
            for _, parts in block.items:
                yield from _in_parts(parts)
        elif isinstance(block, KeyFigures):
            for figure, _ in block.items:
                yield figure
        elif isinstance(block, DataTable):
            yield from _in_table(block)
        elif isinstance(block, Chart):
            yield block
            yield from _in_parts(block.caption)
            yield from _in_table(block.table)
        elif isinstance(block, Details):
            yield from _in_blocks(block.blocks)


def _in_table(table: DataTable) -> Iterator[Number | Chart]:
    for row in table.rows:
        if isinstance(row, RowGroup):
            continue
        for cell in row:
            if isinstance(cell, Number):
                yield cell
            elif isinstance(cell, Cell):
                yield from _in_parts(cell.parts)
            elif isinstance(cell, tuple):
                yield from _in_parts(cell)
    yield from _in_parts(table.note)
