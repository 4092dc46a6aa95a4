"""A matrix of things against levels: a disc with its count where there is something, a faint point where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, both, finish, marks_of, pixel, pixel_x, text_layer, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, label_column, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, Row, RowGroup, number, say


@dataclass(frozen=True)
class MatrixRow:
    """A row: label, count at each level (levels that are absent count 0), the trail of each count, group heading, note."""

    label: str
    counts: Mapping[str, int]
    trails: Mapping[str, Trail] = field(default_factory=dict)
    group: str = ""
    note: str = ""


def matrix(
    rows: Sequence[MatrixRow],
    *,
    id: str,
    title: str,
    levels: Sequence[str],
    trail: Trail,
    row_title: str = "Row",
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw ``rows`` against ``levels``; the area of a disc grows with its count, which is written in it."""
    if not rows or not levels:
        raise CallError(f"chart {id!r} has no row or no level", rule="must have at least one of each")
    if odd := sorted({level for r in rows for level in r.counts} - set(levels)):
        raise CallError(f"chart {id!r}: level {', '.join(odd)}", rule=f"must be one of {', '.join(levels)}")
    names = Names(id)
    numbers: list[dict[str, Number]] = [
        {
            level: number(r.counts[level], "count", name=names(r.label, level), trail=r.trails.get(level, trail))
            for level in levels
            if r.counts.get(level)
        }
        for r in rows
    ]

    def build(width: int) -> dict[str, Any]:
        return _draw(rows, width, levels=levels)

    wide, narrow = both(build)
    texts = [
        f"{r.label}: " + (", ".join(f"{level} {n.text}" for level, n in found.items()) or "none")
        for r, found in zip(rows, numbers, strict=True)
    ]
    noted = any(r.note for r in rows)
    lines: list[Row | RowGroup] = []
    group = ""
    for r, found in zip(rows, numbers, strict=True):
        if r.group and r.group != group:
            lines.append(RowGroup(r.group))
        group = r.group
        lines.append((r.label, *(found.get(level) for level in levels), *([r.note or None] if noted else [])))
    columns: tuple[Column | str, ...] = (row_title, *(Column(level, align="right") for level in levels), *(["Note"] if noted else []))
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Matrix of {row_title.lower()} against {', '.join(levels)}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(lines)),
    )


def _draw(rows: Sequence[MatrixRow], width: int, *, levels: Sequence[str]) -> dict[str, Any]:
    narrow = width < 500
    size = 11.5 if narrow else 12.5
    labels = label_column([r.label for r in rows], [] if narrow else [r.note for r in rows], limit=116 if narrow else 300)
    left = min(labels.width, 122.0) + 8 if narrow else labels.width + 18
    frame_plot = width - left - 4
    cell = min(frame_plot / len(levels), 128.0)
    y, current, tall = 0.0, "", 27.0 if narrow else 30.0
    headings: list[dict[str, Any]] = []
    tops: list[tuple[float, float]] = []
    for i, r in enumerate(rows):
        if r.group != current and r.group:
            y += 6 if i else 0
            headings.append({"text": r.group, "y": y + 12})
            y += 22 if narrow else 26
        current = r.group
        height = max(tall, 17.0 * labels.lines[i])
        tops.append((y, height))
        y += height
    frame = Frame(width, y, left, width - left - cell * len(levels), 40, 6)
    largest = max((n for r in rows for n in r.counts.values()), default=1)
    discs: list[dict[str, Any]] = []
    blanks: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for r, (top, height) in zip(rows, tops, strict=True):
        middle = top + height / 2
        lines.append({"a": -left, "y": top + height})
        for j, level in enumerate(levels):
            count = r.counts.get(level, 0)
            spot = {"u": (j + 0.5) * cell, "y": middle}
            if count:
                discs.append({**spot, "text": f"{count}", "size": 190 + 400 * (count - 1) / max(largest - 1, 1)})
            else:
                blanks.append(spot)
    at = pixel_x("u", frame.plot)
    rule = marks_of(lines).mark("rule", color=sentinel("grid"), strokeWidth=1)
    layers: list[Any] = [rule.encode(x=vega.value(-left), x2=vega.value(frame.plot), y=pixel("y", frame.height))]
    if blanks:
        layers.append(
            marks_of(blanks).mark("point", filled=True, size=9, opacity=1, color=sentinel("rule")).encode(x=at, y=pixel("y", frame.height))
        )
    if discs:
        disc = marks_of(discs).mark("point", shape="circle", filled=True, opacity=1, color=sentinel("h6"))
        layers.append(disc.encode(x=at, y=pixel("y", frame.height), size=vega.channel("size:Q", scale=None)))
        layers.append(text_layer(discs, x=at, y=pixel("y", frame.height), size=11.5, align="center", colour="k6", weight="bold"))
    heads = [{"u": (j + 0.5) * cell, "text": wrap(level, cell - 4, size - 0.5)} for j, level in enumerate(levels)]
    layers.append(text_layer(heads, x=at, y=vega.value(-32), size=size - 0.5, align="center", baseline="top", colour="muted"))
    if headings:
        layers.append(text_layer(headings, x=vega.value(-left), y=pixel("y", frame.height), size=size, weight="bold"))
    texts, notes = [], []
    for i, (top, height) in enumerate(tops):
        first = top + height / 2 - 14.0 * (labels.lines[i] - 1) / 2
        texts.append({"text": labels.texts[i], "y": first})
        if labels.notes[i]:
            notes.append({"text": labels.notes[i], "y": first + 14.0 * (1 + labels.texts[i].count("\n"))})
    layers.append(text_layer(texts, x=vega.value(-left), y=pixel("y", frame.height), size=size))
    if notes:
        layers.append(text_layer(notes, x=vega.value(-left), y=pixel("y", frame.height), size=11, colour="muted"))
    return finish(layers, frame)
