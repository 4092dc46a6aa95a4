"""What charts of labelled rows share: where rows and group headings go, label columns, names of numbers, sentences.

On the wide sheet labels stand left of the plot and values right of it; on the narrow sheet each row has its label and
value on a line of their own above its marks, so that the plot keeps the whole width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import NARROW, Frame, pixel, shortened, text_layer, text_width, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.document import Number, number, require_id, slug

SIZE = 12.5
SMALL = 11.0
LINE = 15.0

Weight: TypeAlias = Literal["normal", "bold"]


@dataclass(frozen=True)
class Placed:
    """A row on the sheet: its position in the input, the height of its label and of its marks (pixels from the top)."""

    index: int
    label_y: float
    mark_y: float


@dataclass(frozen=True)
class Placement:
    """All rows and group headings on the sheet, and the height they need."""

    rows: tuple[Placed, ...]
    headings: tuple[tuple[str, float], ...]
    height: float


def place(groups: Sequence[str], *, narrow: bool, lines: Sequence[int], gap_before: Sequence[int] = ()) -> Placement:
    """Place rows from the top; a new non-empty group name gets a heading, rows in ``gap_before`` some air above.

    ``lines`` is how many lines of text each row has on the wide sheet.
    """
    y, current = 6.0, ""
    rows: list[Placed] = []
    headings: list[tuple[str, float]] = []
    for i, group in enumerate(groups):
        if group != current and group:
            y += 8 if i else 0
            headings.append((group, y + 11))
            y += 26
        elif group != current:
            y += 8
        current = group
        if i in gap_before:
            y += 10
        if narrow:
            rows.append(Placed(i, y + 9, y + 27))
            y += 42
        else:
            height = 26 + LINE * (lines[i] - 1)
            rows.append(Placed(i, y + height / 2, y + height / 2))
            y += height
    return Placement(tuple(rows), tuple(headings), y + 4)


@dataclass(frozen=True)
class Labels:
    """The label column: for each row the label broken to lines, a note in small type, and the signs of its marks."""

    texts: tuple[str, ...]
    notes: tuple[str, ...]
    signs: tuple[str, ...]

    @property
    def lines(self) -> list[int]:
        """How many lines each row needs on the wide sheet."""
        return [1 + text.count("\n") + bool(note) for text, note in zip(self.texts, self.notes, strict=True)]

    @property
    def width(self) -> float:
        """The width of the column in pixels."""
        labels = [text_width(line + sign, SIZE) for text, sign in zip(self.texts, self.signs, strict=True) for line in text.split("\n")]
        return max([*labels, *(text_width(note, SMALL) for note in self.notes)], default=0.0)


def label_column(labels: Sequence[str], notes: Sequence[str] = (), signs: Sequence[str] = (), *, limit: float = 240) -> Labels:
    """Break labels to a column of at most ``limit`` pixels."""
    empty = [""] * len(labels)
    return Labels(
        tuple(wrap(label, limit, SIZE) for label in labels), tuple(wrap(n, limit, SMALL, 1) for n in notes or empty), tuple(signs or empty)
    )


def row_labels(
    placement: Placement, frame: Frame, labels: Labels, values: Sequence[str], *, bold: Sequence[int] = (), faint: Sequence[int] = ()
) -> list[vega.Layer]:
    """Layers with group headings, labels, their notes and marks, and values, for the sheet at hand."""
    left = -frame.left + (4 if frame.narrow else 0)
    right = frame.plot + frame.right - (4 if frame.narrow else 0)
    y = pixel("y", frame.height)
    headings = [{"text": wrap(t, frame.width - 8, SIZE, 1), "y": at} for t, at in placement.headings]
    texts: dict[Weight, list[dict[str, Any]]] = {"bold": [], "normal": []}
    ends: dict[Weight, list[dict[str, Any]]] = {"bold": [], "normal": []}
    notes: list[dict[str, Any]] = []
    marks: dict[float, list[dict[str, Any]]] = {}
    for p in placement.rows:
        i = p.index
        weight: Weight = "bold" if i in bold else "normal"
        colour = sentinel("muted" if i in faint else "ink")
        note, sign = labels.notes[i], labels.signs[i]
        if frame.narrow:
            room = frame.width - text_width(values[i], SIZE) - text_width(sign, SMALL) - 20
            text = shortened(labels.texts[i].replace("\n", " "), room, SIZE)
            top = p.label_y
            beside = text_width(text, SIZE) + text_width(sign, SMALL) + 8
            if note and beside + text_width(note, SMALL) <= room + 4:
                notes.append({"text": note, "y": top, "x": left + beside})
        else:
            text = labels.texts[i]
            top = p.label_y - LINE * (labels.lines[i] - 1) / 2
            if note:
                notes.append({"text": note, "y": top + LINE * (1 + text.count("\n")), "x": left})
        texts[weight].append({"text": text, "y": top, "colour": colour})
        if sign:
            last = text.split("\n")[-1]
            marks.setdefault(left + text_width(last, SIZE) + 1, []).append({"text": sign, "y": top + LINE * text.count("\n") - 4})
        if values[i]:
            ends[weight].append({"text": values[i], "y": p.label_y, "colour": colour})
    layers = [text_layer(headings, x=vega.value(left), y=y, size=SIZE, weight="bold")] if headings else []
    for weight in texts:
        if texts[weight]:
            layers.append(text_layer(texts[weight], x=vega.value(left), y=y, size=SIZE, weight=weight))
        if ends[weight]:
            layers.append(text_layer(ends[weight], x=vega.value(right), y=y, size=SIZE, align="right", weight=weight))
    aside: dict[float, list[dict[str, Any]]] = {}
    for note_at in notes:
        aside.setdefault(note_at["x"], []).append(note_at)
    layers += [text_layer(found, x=vega.value(x), y=y, size=SMALL, colour="muted") for x, found in aside.items()]
    layers += [text_layer(found, x=vega.value(x), y=y, size=9.5, weight="bold", colour="caution") for x, found in marks.items()]
    return layers


def row_frame(width: int, placement: Placement, *, label_width: float, value_width: float, top: float, bottom: float) -> Frame:
    """The sheet for rows: margins for the columns when wide, a small rim when narrow."""
    if width == NARROW:
        return Frame(width, placement.height, 14, 14, top, bottom)
    return Frame(width, placement.height, label_width + 18, value_width + 22, top, bottom)


class Names:
    """Gives numbers of one chart their names: the chart's id, then the row's label, made unique."""

    def __init__(self, stem: str) -> None:
        require_id(stem, "chart")
        self.stem = stem
        self.given: set[str] = set()

    def __call__(self, *labels: str) -> str:
        """A name for the number with these labels."""
        base = ".".join([self.stem, *(slug(label) for label in labels if label)])
        name, i = base, 2
        while name in self.given:
            name, i = f"{base}-{i}", i + 1
        self.given.add(name)
        return name


def estimate_number(
    names: Names,
    label: str,
    estimate: float | None,
    low: float | None,
    high: float | None,
    *,
    format: str,
    trail: Trail,
    marks: Sequence[str],
) -> Number | None:
    """The number behind a mark: an estimate with its interval, an interval alone, or nothing."""
    if estimate is None and low is None and high is None:
        return None
    interval = None if low is None and high is None else (low, high)
    return number(estimate, format, name=names(label), trail=trail, interval=interval, missing="not reported", marks=marks)


def sentence(items: Sequence[str]) -> str:
    """Join phrases with semicolons and end with a full stop.

    >>> sentence(["a 1", "b 2"])
    'a 1; b 2.'
    """
    return "; ".join(items) + "." if items else ""


def arrows(rows: Sequence[dict[str, Any]], domain: tuple[float, float]) -> list[dict[str, Any]]:
    """Where an interval leaves the domain: a row with ``x`` at the edge and ``angle`` of the arrow head."""
    low, high = domain
    found = [{"x": low, "y": r["y"], "angle": -90, "colour": r["colour"]} for r in rows if r["low"] is not None and r["low"] < low]
    found += [{"x": high, "y": r["y"], "angle": 90, "colour": r["colour"]} for r in rows if r["high"] is not None and r["high"] > high]
    return found
