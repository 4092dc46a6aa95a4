"""One self-contained HTML page out of a report: no request leaves it, with or without scripts.

Blocks are drawn by the macros of ``templates/blocks.html``; :data:`BLOCKS` says which macro draws which record.
Everything that comes from data passes Jinja's automatic escaping; only drawings, style and script are trusted text.
The page's security policy names its one script by hash, so nothing else may run.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nextarm.core.trail import RowRef, environment
from nextarm.report import document as doc
from nextarm.report.charts.palette import css_variables
from nextarm.report.charts.svg import draw, for_page
from nextarm.report.ledger import Ledger, charts_of, ledger_of, plain_text
from nextarm.report.marks import mark_of, marks_in

#: Which macro of ``blocks.html`` draws which block; notes have one for several.
BLOCKS: dict[type, str] = {
    doc.Paragraph: "paragraph",
    doc.Heading: "heading",
    doc.ListBlock: "list_block",
    doc.DataTable: "data_table",
    doc.Chart: "chart",
    doc.Details: "details",
    doc.Definitions: "definitions",
    doc.KeyFigures: "key_figures",
    doc.Code: "code",
}

Drawings = Mapping[str, tuple[str, str]]


def draw_charts(report: doc.Report, *, drawn: Drawings | None = None) -> dict[str, tuple[str, str]]:
    """Draw every chart of ``report``: chart id -> (wide, narrow) raw drawings, for the page and for files; ``drawn`` are there already."""
    there = drawn or {}
    return {chart.id: there.get(chart.id) or (draw(chart.wide), draw(chart.narrow)) for chart in charts_of(report)}


def render_html(
    report: doc.Report,
    *,
    drawings: Drawings | None = None,
    ledger: Ledger | None = None,
    pages: Sequence[tuple[str, str]] = (),
    here: str = "",
) -> str:
    """Render ``report`` as one HTML page. ``drawings`` and ``ledger`` save work where they are already at hand.

    ``pages`` are the other pages of a site (title and file name) that the contents lead to, ``here`` the name of this one.
    """
    book = ledger or ledger_of(report)
    page = _Page(drawings=draw_charts(report) if drawings is None else drawings)
    script = _asset("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            pages=pages,
            here=here,
            book=book,
            page=page,
            render=page.render,
            inline=page.inline,
            marks=marks_in(book),
            versions=environment(),
            light=Markup(css_variables("light")),
            dark=Markup(css_variables("dark")),
            style=Markup(_asset("style.css")),
            script=Markup(script),
            script_hash=digest,
        )
    )
    return text.strip() + "\n"


@dataclass(frozen=True)
class SectionParts:
    """One section as markup: its record, its lead and its blocks."""

    section: doc.Section
    lead: Markup
    body: Markup


@dataclass(frozen=True)
class Fold:
    """How long tables stand on a screen: how many rows are seen at first, the addresses with all and with the first, which it is.

    All rows are in the page: style hides the rest on a screen, never in print.
    """

    first: int
    all: str
    few: str
    open: bool = False


@dataclass(frozen=True)
class PageParts:
    """A report as parts that another page puts into its own frame: intro, sections, trails (one article each), sources."""

    intro: Markup
    sections: tuple[SectionParts, ...]
    trails: Markup
    sources: tuple[Markup, ...]


def render_parts(report: doc.Report, *, drawings: Drawings, ledger: Ledger, fold: Fold | None = None) -> PageParts:
    """Render ``report`` without page, style and script; those are :func:`page_asset` and the palette's variables."""
    page = _Page(drawings=drawings, fold=fold)
    blocks: Any = _environment().get_template("blocks.html").module
    intro = page.render(report.intro)
    sections = tuple(SectionParts(s, page.inline(s.lead), page.render(s.blocks)) for s in report.sections)
    trails = Markup("").join(Markup(blocks.trail(page, ledger, trail, place)) for place, trail in enumerate(ledger.trails))
    return PageParts(intro, sections, trails, tuple(Markup(blocks.source(s)) for s in ledger.sources))


def page_asset(name: str) -> str:
    """The text of ``style.css`` or ``script.js``, for pages that serve them as files."""
    return _asset(name)


@dataclass
class _Page:
    """What the macros need while a page is written: the drawings, how long tables stand, and which ids were already given."""

    drawings: Drawings
    fold: Fold | None = None

    def __post_init__(self) -> None:
        self.seen: set[str] = set()
        self.rows: set[RowRef] = set()
        self.captions: Counter[str] = Counter()
        self.count = 0

    def fresh(self, stem: str) -> str:
        """An id that no other element has."""
        self.count += 1
        return f"{stem}-{self.count}"

    def again(self, caption: str) -> int:
        """How many tables of this caption stand before: a reader by ear tells them apart by number."""
        self.captions[caption] += 1
        return self.captions[caption] - 1

    def told(self, row: RowRef) -> bool:
        """Whether ``row`` was written out in a trail before: in print it then stands with its key only."""
        before = row in self.rows
        self.rows.add(row)
        return before

    def render(self, blocks: tuple[doc.Block, ...] | doc.Block) -> Markup:
        """Draw one block or several; notes of one kind that follow each other stand in one box."""
        several = blocks if isinstance(blocks, tuple) else (blocks,)
        drawn = []
        for kind, group in itertools.groupby(several, key=lambda block: block.kind if isinstance(block, doc.Note) else None):
            same = tuple(group)
            drawn += [self._macro("notes")(same)] if kind else [self._macro(BLOCKS[type(block)])(block) for block in same]
        return Markup("").join(drawn)

    def within(self, blocks: tuple[doc.Block, ...] | doc.Block) -> Markup:
        """Draw what the reader has unfolded already: its tables stand whole."""
        before, self.fold = self.fold, None
        try:
            return self.render(blocks)
        finally:
            self.fold = before

    def folded(self, table: doc.DataTable) -> Fold | None:
        """The fold of a table long enough to have one; a few rows more than are seen at first are no reason for it."""
        long = self.fold is not None and count_rows(table) > self.fold.first + 5
        return self.fold if long else None

    def inline(self, parts: Any) -> Markup:
        """Write a text, a table cell or a single part of a text."""
        if parts is None:
            return Markup('<span class="none">–</span>')
        if isinstance(parts, doc.Cell):
            parts = parts.parts
        several = parts if isinstance(parts, tuple) else (parts,)
        return Markup("").join(self._part(part) for part in several)

    def first(self, name: str) -> bool:
        """Whether the number ``name`` stands here for the first time (only then it carries the id)."""
        if name in self.seen:
            return False
        self.seen.add(name)
        return True

    def drawing(self, chart: doc.Chart) -> Markup:
        """Both drawings of a chart, of which the style sheet shows the one that fits; or the only one that was made."""
        wide, narrow = self.drawings[chart.id]
        if not wide or not narrow:
            side = "wide" if wide else "narrow"
            one = Markup(for_page(wide or narrow, prefix=f"{chart.id}-{side[0]}-", label=chart.alt))
            return Markup('<div class="{} only">{}</div>').format(side, one)
        return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(
            Markup(for_page(wide, prefix=f"{chart.id}-w-", label=chart.alt)),
            Markup(for_page(narrow, prefix=f"{chart.id}-n-", label=chart.alt)),
        )

    def _part(self, part: doc.Inline) -> Markup:
        if isinstance(part, str):
            return Markup.escape(part)
        if isinstance(part, doc.Emphasis):
            return Markup("<em>{}</em>").format(part.text)
        if isinstance(part, doc.Strong):
            return Markup("<strong>{}</strong>").format(part.text)
        if isinstance(part, doc.Link):
            return Markup('<a href="{}">{}</a>').format(part.href, part.text)
        return Markup(self._macro("number")(part))

    def _macro(self, name: str) -> Any:
        return partial(getattr(_environment().get_template("blocks.html").module, name), self)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("nextarm.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        mark_of=mark_of, plain_text=plain_text, column_of=column_of, sort_value=sort_value, is_group=is_group, count_rows=count_rows
    )
    return made


@cache
def _asset(name: str) -> str:
    return (resources.files("nextarm.report") / "templates" / name).read_text(encoding="utf-8")


def column_of(table: doc.DataTable, place: int) -> doc.Column:
    """The column at ``place``; a plain title becomes a column that is set right if all its cells are numbers."""
    column = table.columns[place]
    if isinstance(column, doc.Column):
        return column
    cells = [row[place] for row in table.rows if not isinstance(row, doc.RowGroup)]
    numeric = any(isinstance(c, doc.Number) for c in cells) and all(c is None or isinstance(c, doc.Number) for c in cells)
    return doc.Column(column, align="right" if numeric else "left")


def sort_value(cell: Any) -> str:
    """The text a table sorts a cell by: a plain number where there is one, words otherwise, nothing for a missing value."""
    if isinstance(cell, doc.Number):
        value = cell.value if cell.value is not None else cell.low
        return "" if value is None else repr(value)
    if isinstance(cell, doc.Cell):
        if cell.sort is not None:
            return str(cell.sort)
        return sort_value(cell.parts)
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return sort_value(cell[0]) if len(cell) == 1 else plain_text(cell)
    return str(cell)


def is_group(row: Any) -> bool:
    """Whether a table row is a heading line."""
    return isinstance(row, doc.RowGroup)


def count_rows(table: doc.DataTable) -> int:
    """How many rows a table has without its heading lines."""
    return sum(not is_group(row) for row in table.rows)
