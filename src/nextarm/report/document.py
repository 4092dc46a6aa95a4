"""A report as frozen records: sections of blocks, blocks of text in which every number knows its trail.

Text is built with :func:`say`, numbers with :func:`number`::

    lead = say("Pooled EFS is ", number(0.41, "percent", name="plateau.pooled", trail=pooled.trail), ".")

Names of numbers are unique within a report (the same number may stand in several places); they are the keys of
results.json and the addresses of the appendix "Every number and where it comes from".
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nextarm.core.errors import CallError
from nextarm.core.result import Interval
from nextarm.core.trail import Trail
from nextarm.report.formats import format_number, format_parts, parse_format

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SECTION = re.compile(r"[a-z][a-z0-9-]*")
#: A file beside the report.
_BESIDE = re.compile(r"([a-z0-9_-]+/)*[A-Za-z0-9_-]+(\.[a-z0-9-]+)*\.(html|csv|json|toml|bib|svg|txt)")


def slug(text: str) -> str:
    """A short name of plain letters, digits and hyphens for ``text`` (48 signs at most), fit for the name of a number.

    >>> slug("Japan MLL-10 (low risk)")
    'japan-mll-10-low-risk'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    made = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "x"
    return made if len(made) <= 48 else made[:48].rsplit("-", 1)[0]


@dataclass(frozen=True)
class Number:
    """A number in a text, made by :func:`number`: raw value and interval, format, unique name, trail, marks."""

    name: str
    value: float | int | None
    format: str
    trail: Trail
    low: float | None = None
    high: float | None = None
    level: float | None = None
    missing: str = "not reached"
    marks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The number as a reader sees it."""
        return format_number(self.value, self.format, low=self.low, high=self.high, interval=self.level is not None, missing=self.missing)

    @property
    def parts(self) -> tuple[str, str]:
        """The value and its interval as two texts; either may be empty."""
        return format_parts(self.value, self.format, low=self.low, high=self.high, interval=self.level is not None, missing=self.missing)

    @property
    def shown_marks(self) -> tuple[str, ...]:
        """The marks beside the number: its own, and those of its row where it is the value of that row (``Trail.of_row``)."""
        of_row = self.trail.rows[0].marks if self.trail.of_row and len(self.trail.rows) == 1 else ()
        return tuple(dict.fromkeys((*self.marks, *of_row)))


def number(
    value: float | int | Interval | tuple[float | None, float | None] | None,
    format: str = "decimal",
    *,
    name: str,
    trail: Trail,
    interval: Interval | tuple[float | None, float | None] | None = None,
    level: float = 0.95,
    missing: str = "not reached",
    marks: Iterable[str] = (),
) -> Number:
    """Make a :class:`Number`; ``value`` may be an interval of its own, or have one beside it (``interval``).

    A value that does not exist is ``None`` and shows as ``missing`` ("not reached", "not reported"); NaN and infinity
    are refused with :class:`CallError`, as are an unknown format and a name of other signs than letters, digits, ``._-``.

    >>> number(0.37, "percent", name="efs", interval=(0.31, 0.43), trail=Trail("example")).text
    '37\u202f% (31 to 43)'
    """
    if not _NAME.fullmatch(name):
        raise CallError(f"name = {name!r}", rule="must begin with a letter or digit and hold only letters, digits, '.', '_' and '-'")
    parse_format(format)
    if isinstance(value, Interval | tuple):
        value, interval = None, value
    low: float | None = None
    high: float | None = None
    if isinstance(interval, Interval):
        low, high, level = interval.low, interval.high, interval.level
    elif interval is not None:
        low, high = interval
    return Number(
        name=name,
        value=_plain(value, name),
        format=format,
        trail=trail,
        low=_plain(low, name),
        high=_plain(high, name),
        level=None if interval is None else float(level),
        missing=missing,
        marks=tuple(marks),
    )


def _plain(value: Any, name: str) -> float | int | None:
    """A Python number out of a Python or numpy one."""
    if value is None:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CallError(f"number {name!r} = {value!r}", rule="must be a finite number, or None where there is none")
    return value


@dataclass(frozen=True)
class Link:
    """A link in a text: to an address (http, https, mailto), a place in the report (``#section-id``) or a file beside it."""

    text: str
    href: str

    def __post_init__(self) -> None:
        if not self.href.startswith(("https://", "http://", "#", "mailto:")) and not _BESIDE.fullmatch(self.href):
            rule = "must begin with https://, http://, mailto: or #, or be a plain file name such as data/arms.csv"
            raise CallError(f"href = {self.href!r}", rule=rule)


@dataclass(frozen=True)
class Emphasis:
    """Words set in italics: a term at its first use, a title."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Words set bold: what a reader must not miss."""

    text: str


Inline: TypeAlias = str | Number | Link | Emphasis | Strong
Parts: TypeAlias = tuple[Inline, ...]


def say(*parts: Inline | Iterable[Inline] | None) -> Parts:
    """Join words and numbers to one text; tuples from other calls are laid flat, ``None`` and ``""`` are left out.

    >>> say("Of ", say("many ", "things"), None, "")
    ('Of ', 'many ', 'things')
    """
    flat: list[Inline] = []
    for part in parts:
        if part is None or part == "":
            continue
        if isinstance(part, str | Number | Link | Emphasis | Strong):
            flat.append(part)
        else:
            flat.extend(say(*part))
    return tuple(flat)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    parts: Parts


def paragraph(*parts: Inline | Iterable[Inline] | None) -> Paragraph:
    """``Paragraph(say(...))``."""
    return Paragraph(say(*parts))


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class ListBlock:
    """A list of texts, with bullets or (``ordered``) numbers."""

    items: tuple[Parts, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Note:
    """A set-off text: ``caution`` (may mislead), ``assumption`` (no row supports it) or ``information``."""

    kind: Literal["caution", "assumption", "information"]
    parts: Parts


@dataclass(frozen=True)
class Cell:
    """A table cell with its own sort value; plain strings, numbers and texts need no ``Cell``."""

    parts: Parts
    sort: str | float | None = None


@dataclass(frozen=True)
class Column:
    """A column: its title, a second line in small type, alignment, and whether its sums sort as numbers."""

    title: str
    unit: str = ""
    align: Literal["left", "right", "center"] = "left"


@dataclass(frozen=True)
class RowGroup:
    """A heading line in a table; the rows after it belong to it until the next one."""

    title: str


CellLike: TypeAlias = str | Number | Cell | Parts | None
Row: TypeAlias = tuple[CellLike, ...]


@dataclass(frozen=True)
class DataTable:
    """A table. The first column names the row.

    Columns are :class:`Column` or plain titles; a column whose cells are all numbers is set right. ``narrow`` says what
    happens on a small screen: ``scroll`` sideways in its own box, or ``stack`` (each row a card; for wordy tables).
    """

    caption: str
    columns: tuple[Column | str, ...]
    rows: tuple[Row | RowGroup, ...]
    sortable: bool = True
    narrow: Literal["scroll", "stack"] = "scroll"
    note: Parts = ()

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if not isinstance(row, RowGroup) and len(row) != len(self.columns):
                raise CallError(f"table {self.caption!r}: row {i + 1} has {len(row)} cells", rule=f"must have {len(self.columns)}")


@dataclass(frozen=True)
class Play:
    """What lets a chart over calendar time be played: what happens when, and where its time axis lies.

    ``lines``: start, end (years), the arm's position and the outcome of each patient (0 event, 1 dropout, 2 followed to the end);
    ``looks``: time and words of those that took place, of ``planned`` (0: not fixed), the trial ending at the last of them;
    ``wide`` and ``narrow``: left and right edge, top and bottom of the plot in the drawing's pixels, where the left edge is time 0 and
    the right one ``end``.
    """

    lines: tuple[tuple[float, float, int, int], ...]
    arms: tuple[str, ...]
    looks: tuple[tuple[float, str], ...]
    planned: int
    end: float
    wide: tuple[float, float, float, float]
    narrow: tuple[float, float, float, float]

    @property
    def longest(self) -> float:
        """The end, on the next twentieth of a year: the slider's steps."""
        return math.ceil(round(self.end * 20, 6)) / 20

    def facts(self) -> str:
        """As JSON, times to a thousandth of a year: what the script of the page reads."""
        lines = [[round(a, 3), round(b, 3), arm, outcome] for a, b, arm, outcome in self.lines]
        looks = [[round(t, 3), words] for t, words in self.looks]
        facts = {"lines": lines, "arms": self.arms, "looks": looks, "planned": self.planned, "end": round(self.end, 4)}
        return json.dumps(facts | {"wide": self.wide, "narrow": self.narrow}, separators=(",", ":"))


@dataclass(frozen=True)
class Chart:
    """A chart: its name in files, a caption, a text for who cannot see it, two drawings and the data behind it.

    ``wide`` and ``narrow`` are Vega-Lite specifications for 760 and 350 pixels; the builders of
    :mod:`nextarm.report.charts` make all parts. With ``play`` the page has buttons that play it over time.
    """

    id: str
    title: str
    caption: Parts
    alt: str
    wide: dict[str, Any]
    narrow: dict[str, Any]
    table: DataTable
    play: Play | None = None

    def __post_init__(self) -> None:
        require_id(self.id, "chart")
        if not self.alt.strip():
            raise CallError(f"chart {self.id!r} has no alternative text", rule="must say in words what the chart shows")


@dataclass(frozen=True)
class Details:
    """Blocks behind a summary line, closed at first (open in print)."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean."""

    items: tuple[tuple[str, Parts], ...]


@dataclass(frozen=True)
class KeyFigures:
    """A row of up to four large numbers, each with a short label."""

    items: tuple[tuple[Number, str], ...]


@dataclass(frozen=True)
class Code:
    """Text in fixed width, such as a plan file."""

    text: str
    caption: str = ""


Block: TypeAlias = Paragraph | Heading | ListBlock | Note | DataTable | Chart | Details | Definitions | KeyFigures | Code


@dataclass(frozen=True)
class Section:
    """A section: its question as the title, the answer in one sentence (``lead``), and the blocks that support it."""

    id: str
    title: str
    lead: Parts
    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        require_id(self.id, "section")


@dataclass(frozen=True)
class Report:
    """A whole report. ``made_on`` is written as given; ``notes`` are lines for the foot, such as how it was made."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    intro: tuple[Block, ...] = ()
    made_on: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [s.id for s in self.sections]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise CallError(f"two sections have the id {', '.join(twice)}", rule="section ids must be unique")


def require_id(text: str, what: str) -> None:
    """Refuse an id of a section or chart that is not of lower-case letters, digits and hyphens."""
    if not _SECTION.fullmatch(text):
        raise CallError(f"{what} id = {text!r}", rule="must be lower-case letters, digits and '-', and begin with a letter")
