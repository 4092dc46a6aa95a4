"""Horizontal bars: one quantity a row, with an interval where there is one and a text such as ``3 of 297`` beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import axis_x, both, finish, marks_of, nice_domain, pixel, text_width
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, estimate_number, label_column, place, row_frame, row_labels, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, Row, RowGroup, say
from nextarm.report.marks import signs


@dataclass(frozen=True)
class Bar:
    """A bar: its label, value (``None`` leaves the row without a bar), interval, group heading, note and marks."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    group: str = ""
    note: str = ""
    marks: tuple[str, ...] = ()
    trail: Trail | None = None
    number: Number | None = None


def bars(
    rows: Sequence[Bar],
    *,
    id: str,
    title: str,
    axis: str,
    trail: Trail,
    format: str = "percent",
    caption: Inline | Parts = (),
    alt_text: str = "",
    domain: tuple[float, float] | None = None,
    note_title: str = "",
) -> Chart:
    """Draw ``rows`` as horizontal bars from zero; bars of derived or secondary rows are drawn as outlines."""
    if not any(r.value is not None for r in rows):
        raise CallError(f"chart {id!r} has no bar with a value", rule="must have at least one")
    names = Names(id)
    numbers = [
        r.number or estimate_number(names, r.label, r.value, r.low, r.high, format=format, trail=r.trail or trail, marks=r.marks)
        for r in rows
    ]
    ends = [v for r in rows for v in (r.value, r.low, r.high) if v is not None]
    span = domain or nice_domain(ends, include=[0.0])

    def build(width: int) -> dict[str, Any]:
        return _draw(rows, numbers, width, axis=axis, format=format, span=span)

    wide, narrow = both(build)
    texts = [f"{r.label} {n.text}" for r, n in zip(rows, numbers, strict=True) if n]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Bar chart, {axis}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=bar_table(rows, numbers, title=title, axis=axis, note_title=note_title),
    )


def _draw(
    rows: Sequence[Bar], numbers: Sequence[Number | None], width: int, *, axis: str, format: str, span: tuple[float, float]
) -> dict[str, Any]:
    narrow = width < 500
    values = [n.text if n else "not reported" for n in numbers]
    labels = label_column([r.label for r in rows], [r.note for r in rows], [signs(r.marks) for r in rows])
    placement = place([r.group for r in rows], narrow=narrow, lines=labels.lines)
    frame = row_frame(width, placement, label_width=labels.width, value_width=max(text_width(v, 12.5) for v in values), top=6, bottom=46)
    scale = {"domain": list(span), "nice": False, "zero": False, "clamp": True}
    line = axis_x(axis, format, narrow=narrow)
    data = []
    for p in placement.rows:
        r = rows[p.index]
        if r.value is not None:
            hollow = any(m in ("derived", "secondary", "assumption") for m in r.marks)
            fill = sentinel("paper" if hollow else "h4")
            data.append(
                {"zero": 0.0, "x": r.value, "low": r.low, "high": r.high, "y": p.mark_y, "a": p.mark_y - 6, "b": p.mark_y + 6, "fill": fill}
            )
    bar = marks_of(data).mark("rect", stroke=sentinel("s1"), strokeWidth=1.25)
    layers: list[Any] = [
        bar.encode(
            x=vega.channel("zero:Q", scale=scale, axis=line),
            x2="x",
            y=pixel("a", frame.height),
            y2="b",
            fill=vega.channel("fill:N", scale=None),
        )
    ]
    with_interval = [d for d in data if d["low"] is not None and d["high"] is not None]
    if with_interval:
        rule = marks_of(with_interval).mark("rule", color=sentinel("s3"), strokeWidth=1.5)
        layers.append(rule.encode(x=vega.channel("low:Q", scale=scale, axis=line), x2="high", y=pixel("y", frame.height)))
    layers += row_labels(placement, frame, labels, values)
    return finish(layers, frame)


def bar_table(rows: Sequence[Bar], numbers: Sequence[Number | None], *, title: str, axis: str, note_title: str) -> DataTable:
    """The data behind the bars."""
    noted = any(r.note for r in rows)
    lines: list[Row | RowGroup] = []
    group = ""
    for r, n in zip(rows, numbers, strict=True):
        if r.group and r.group != group:
            lines.append(RowGroup(r.group))
        group = r.group
        lines.append((r.label, n, r.note or None) if noted else (r.label, n))
    columns: tuple[Column | str, ...] = ("Row", Column(axis, align="right"), *([note_title or "Note"] if noted else []))
    return DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(lines))
