"""A screen: forms on top, what a verb said below as blocks of a report, and the same in Python, on the command line, as files.

A screen module has ``STEP``, ``forms(ask)`` and ``content(ask)``; it parses, calls verbs and shows. What is common to all
is here: the page, its ``.json`` and ``.csv``, its charts as SVG and PNG, its tables as CSV.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import Problem
from nextarm.report import document as doc
from nextarm.report.charts.svg import draw
from nextarm.report.ledger import charts_of, plain_text
from nextarm.web.address import Query
from nextarm.web.home import Home, Study

if TYPE_CHECKING:
    from nextarm.web.runs import Run, Runs


@dataclass(frozen=True)
class Ask:
    """What a screen is asked for: the study, the values of the address, and the server's runs.

    ``rough``: a first answer is enough where the whole takes long; the page then asks for the whole.
    """

    study: Study
    query: Query
    home: Home
    runs: Runs
    path: str = ""
    rough: bool = False

    def at(self, step: str) -> str:
        """The address of another screen of the same study."""
        return f"/study/{self.study.name}/{step}"


@dataclass(frozen=True)
class Field:
    """A field of a form. ``kind``: text, number, range, select, many (a list of boxes), area, check, hidden, date.

    Fields of one ``group`` stand together under its name, those that are ``rare`` folded; ``problem`` is what is wrong with its value,
    ``line`` where in a long text that is, ``changed``: it was sent with another value than it had in what was sound.
    """

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    values: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    low: float | None = None
    high: float | None = None
    step: str = "any"
    required: bool = False
    rows: int = 8
    upload: bool = False
    group: str = ""
    rare: bool = False
    problem: str = ""
    changed: bool = False
    line: int = 0

    @property
    def long(self) -> bool:
        """Whether its choices are too many to look through: a search field narrows them."""
        return len(self.choices) > (12 if self.kind == "many" else 25)

    @property
    def brief(self) -> bool:
        """Whether its words fit half of a telephone's width."""
        return self.kind == "select" and max(len(words) for _, words in (*self.choices, ("", self.label))) <= 20

    def in_view(self) -> tuple[tuple[str, str], ...]:
        """The choices; of a list long enough to scroll, those that are ticked come first, so that they are seen."""
        return self.choices if not self.long else tuple(sorted(self.choices, key=lambda c: c[0] not in self.values))


@dataclass(frozen=True)
class Form:
    """A form. Without ``action`` it is a question: its values become the address of this screen, and it answers as one types.

    With ``action`` it changes something: it is posted to that address. ``also`` are further buttons: the value that each sends as
    ``do``, and its words. Forms of one ``within`` are folded together under that name; ``rare`` says of folded fields what they
    are; ``jump``: a link at the top of a long page leads to it; ``terms`` explain the choices of some of its fields: the field, then
    each choice by name and when to take it. ``blamed``: what is wrong is wrong in its one text, and told there alone.
    """

    id: str
    title: str
    fields: tuple[Field, ...]
    button: str
    action: str = ""
    note: str = ""
    folded: bool = False
    live: bool = True
    also: tuple[tuple[str, str], ...] = ()
    within: str = ""
    rare: str = "at their defaults"
    jump: bool = False
    terms: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    blamed: bool = False

    @property
    def groups(self) -> tuple[tuple[str, tuple[Field, ...], tuple[Field, ...]], ...]:
        """The fields by group: its name, those that are always seen, and the rare ones."""
        names = dict.fromkeys(f.group for f in self.fields)
        sets = {name: [f for f in self.fields if f.group == name] for name in names}
        return tuple((name, tuple(f for f in fs if not f.rare), tuple(f for f in fs if f.rare)) for name, fs in sets.items())

    @property
    def wrong(self) -> bool:
        """Whether one of its fields has a problem."""
        return any(f.problem for f in self.fields)

    def told(self, problems: Sequence[Problem]) -> Form:
        """The form with each of ``problems`` at the field that it names; where one alone was changed, at that one."""
        if self.blamed:
            said = [str(p).rstrip(".") for p in problems]
            lines = [int(n) for p in problems for n in re.findall(r"\bline (\d+)", f"{p.where} {p.rule}")]
            return replace(self, fields=(replace(self.fields[0], problem="; ".join(said), line=min(lines, default=0)),))
        names, changed = [f.name for f in self.fields], [f.name for f in self.fields if f.changed]
        at: dict[str, str] = {}
        for p in problems:
            name, words = _field_named(p.what, names), ". ".join(filter(None, (p.rule, p.cure)))
            if len(changed) == 1 and name != changed[0]:  # what was sound before is not so with it
                at.setdefault(changed[0], f"{p.what}: {words}")
            elif name:
                at.setdefault(name, words)
        return replace(self, fields=tuple(replace(f, problem=at.get(f.name, "")) for f in self.fields)) if at else self

    @property
    def many(self) -> bool:
        """Whether it has wide fields."""
        return any(f.kind in ("area", "many") for f in self.fields)


def _field_named(what: str, names: Sequence[str]) -> str:
    """Which field a problem is of: ``accrual.rate = -2`` of that name, ``compare[1] design.alpha = 2`` of compare.1.design.alpha."""
    path = re.sub(r"^(\w+)\[(\d+)\][. ]*", r"\1.\2.", what)
    path = re.sub(r"^(compare\.\d+\.)with (?:scenario|grid)(?:\[\d+\])? (?:with [^:]*: )?", r"\1", path)
    path = re.sub(r"^(grid\.\d+\.)with .*", r"\1values", path)
    found = [n for n in names if path.startswith(n) and not re.match(r"[\w.]", path[len(n) :])]
    return max(found, key=len, default="")


@dataclass(frozen=True)
class Place:
    """A way on from a screen: where to, what is there, ``points`` in small type (a heading, what it says), whether it is chosen.

    ``id`` is its place on the page, for links that lead to it.
    """

    title: str
    words: str
    address: str
    points: tuple[tuple[str, doc.Parts], ...] = ()
    here: bool = False
    id: str = ""


@dataclass(frozen=True)
class Content:
    """What a screen shows, and the same question in Python and on the command line; ``keep``: the report may answer it too.

    ``places`` are ways on by heading; ``cards`` too, many of them, so that each heading is folded until one of it is chosen.
    ``places_first``: the ways on stand above the answer; ``forms_after``: the forms stand below these. ``rough``: a first answer, the
    whole one is still to be asked for.
    """

    sections: tuple[doc.Section, ...]
    intro: tuple[doc.Block, ...] = ()
    python: str = ""
    command: str = ""
    plan: str = ""
    run: Run | None = None
    csv: str = ""
    places: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    places_first: bool = False
    cards: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    cards_title: str = ""
    forms_after: bool = False
    keep: bool = False
    rough: bool = False


@dataclass(frozen=True)
class File:
    """A file that a screen gives out: its content, type and name, and the policy of a page of its own."""

    content: bytes
    kind: str
    name: str
    policy: str = ""
    attached: bool = False


@dataclass(frozen=True)
class Step:
    """A screen's place in the rail: key in the address, title, what it is for, its forms and content, and what state it is in.

    ``ahead`` is work done before it is asked for, while nobody waits: its first piece once the server has started, the
    others once the screen has been opened.
    """

    key: str
    title: str
    question: str
    forms: Callable[[Ask], tuple[Form, ...]]
    content: Callable[[Ask], Content]
    state: Callable[[Study], str] = lambda study: ""
    actions: dict[str, Callable[[Ask, Query], str]] = field(default_factory=dict)
    file: Callable[[Ask, str], File] | None = None
    ahead: Callable[[], Iterator[None]] | None = None


@dataclass(frozen=True)
class Shown:
    """A screen that has been asked: its content, or the problems that stood in the way."""

    step: Step
    forms: tuple[Form, ...]
    content: Content
    problems: tuple[Problem, ...] = ()

    def folds(self) -> tuple[tuple[str, tuple[Form, ...]], ...]:
        """The forms in order with their problems told, neighbours of one ``within`` together."""
        blamed = any(form.blamed for form in self.forms)
        told = (form.told(self.problems) if self.problems and form.blamed >= blamed else form for form in self.forms)
        return tuple((name, tuple(forms)) for name, forms in itertools.groupby(told, key=lambda form: form.within))

    def report(self) -> doc.Report:
        """The content as a report."""
        return doc.Report(title=self.step.title, subtitle=self.step.question, sections=self.content.sections, intro=self.content.intro)


class Drawings:
    """Drawings of charts, kept for as long as the server runs: the same specification is drawn once."""

    def __init__(self, most: int = 800) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._lock, self._most = threading.Lock(), most

    def of(self, report: doc.Report, sheet: str = "") -> dict[str, tuple[str, str]]:
        """Every chart of ``report``, wide and narrow, or only the ``sheet`` (wide, narrow) that a window shows."""
        return {
            chart.id: ("" if sheet == "narrow" else self.one(chart.wide), "" if sheet == "wide" else self.one(chart.narrow))
            for chart in charts_of(report)
        }

    def one(self, spec: dict[str, Any]) -> str:
        """One specification drawn."""
        key = repr(spec)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = draw(spec)
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


def tables_of(report: doc.Report) -> tuple[doc.DataTable, ...]:
    """Every table of a report in order, those behind charts and folded ones too."""
    found: list[doc.DataTable] = []

    def walk(blocks: Sequence[doc.Block]) -> None:
        for block in blocks:
            if isinstance(block, doc.DataTable):
                found.append(block)
            elif isinstance(block, doc.Chart):
                found.append(block.table)
            elif isinstance(block, doc.Details):
                walk(block.blocks)

    walk(report.intro)
    for section in report.sections:
        walk(section.blocks)
    return tuple(found)


def table_csv(table: doc.DataTable) -> str:
    """A table as CSV: a number as its raw value, with its limits in columns of their own where any cell has them."""
    titles = [c.title if isinstance(c, doc.Column) else c for c in table.columns]
    rows = [row for row in table.rows if not isinstance(row, doc.RowGroup)]
    limits = [any(isinstance(row[i], doc.Number) and row[i].level is not None for row in rows) for i in range(len(titles))]  # type: ignore[union-attr]
    grouped = any(isinstance(row, doc.RowGroup) for row in table.rows)
    head: list[str] = ["group"] if grouped else []
    for title, wide in zip(titles, limits, strict=True):
        head += [title, f"{title} low", f"{title} high"] if wide else [title]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    group = ""
    for row in table.rows:
        if isinstance(row, doc.RowGroup):
            group = row.title
            continue
        line: list[object] = [group] if grouped else []
        for cell, wide in zip(row, limits, strict=True):
            if isinstance(cell, doc.Number):
                line += [cell.value, cell.low, cell.high] if wide else [cell.value]
            else:
                line += [_plain(cell), None, None] if wide else [_plain(cell)]
        writer.writerow(["" if v is None else _tame(v) for v in line])
    return out.getvalue()


def _plain(cell: doc.CellLike) -> str:
    if cell is None:
        return ""
    if isinstance(cell, doc.Cell):
        return plain_text(cell.parts)
    return cell if isinstance(cell, str) else plain_text(cell) if isinstance(cell, tuple) else cell.text


def _tame(value: object) -> object:
    """Words that a spreadsheet would take for a formula get an apostrophe before them."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") and len(value) > 1 else value
