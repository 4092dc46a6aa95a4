"""Two arms side by side at landmarks: a point and interval for each, joined by a line, with the difference at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import axis_x, both, finish, marks_of, nice_domain, pixel, text_layer, text_width
from nextarm.report.charts.palette import SHAPES, sentinel
from nextarm.report.charts.rows import Names, estimate_number, label_column, place, row_frame, row_labels, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, Row, RowGroup, say
from nextarm.report.marks import signs

Estimate = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class DumbbellRow:
    """A landmark: ``first`` and ``second`` are (estimate, low, high) of the two arms; ``difference`` is shown at the right."""

    label: str
    first: Estimate
    second: Estimate
    difference: Number | None = None
    group: str = ""
    note: str = ""
    marks: tuple[str, ...] = ()
    first_trail: Trail | None = None
    second_trail: Trail | None = None
    first_number: Number | None = None
    second_number: Number | None = None


def landmark_dumbbell(
    rows: Sequence[DumbbellRow],
    *,
    id: str,
    title: str,
    arms: tuple[str, str],
    axis: str,
    trail: Trail,
    format: str = "percent",
    caption: Inline | Parts = (),
    alt_text: str = "",
    domain: tuple[float, float] | None = None,
    difference_title: str = "Difference",
) -> Chart:
    """Draw two ``arms`` at each landmark of ``rows``; circles are the first arm, squares the second."""
    if not rows:
        raise CallError(f"chart {id!r} has no row", rule="must have at least one")
    names = Names(id)
    numbers: list[tuple[Number | None, Number | None]] = []
    for r in rows:
        one = r.first_number or estimate_number(
            names, f"{r.group} {r.label} {arms[0]}", *r.first, format=format, trail=r.first_trail or trail, marks=r.marks
        )
        two = r.second_number or estimate_number(
            names, f"{r.group} {r.label} {arms[1]}", *r.second, format=format, trail=r.second_trail or trail, marks=r.marks
        )
        numbers.append((one, two))
    ends = [v for r in rows for v in (*r.first, *r.second) if v is not None]
    span = domain or nice_domain(ends, inside=(0.0, 1.0) if format.startswith("percent") and all(0 <= v <= 1 for v in ends) else None)

    def build(width: int) -> dict[str, Any]:
        return _draw(rows, width, arms=arms, axis=axis, format=format, span=span)

    wide, narrow = both(build)
    texts = [
        f"{r.group} {r.label}: {arms[0]} {one.text if one else 'not reported'}, {arms[1]} {two.text if two else 'not reported'}".strip()
        for r, (one, two) in zip(rows, numbers, strict=True)
    ]
    lines: list[Row | RowGroup] = []
    group = ""
    for r, (one, two) in zip(rows, numbers, strict=True):
        if r.group and r.group != group:
            lines.append(RowGroup(r.group))
        group = r.group
        lines.append((r.label, one, two, r.difference))
    columns = ("Landmark", Column(arms[0], align="right"), Column(arms[1], align="right"), Column(difference_title, align="right"))
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Two arms compared, {axis}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(lines)),
    )


def _draw(
    rows: Sequence[DumbbellRow], width: int, *, arms: tuple[str, str], axis: str, format: str, span: tuple[float, float]
) -> dict[str, Any]:
    narrow = width < 500
    values = [r.difference.text if r.difference else "" for r in rows]
    labels = label_column([r.label for r in rows], [r.note for r in rows], [signs(r.marks) for r in rows])
    placement = place([r.group for r in rows], narrow=narrow, lines=[max(2, n) for n in labels.lines])
    value_width = max(text_width(v, 12.5) for v in values)
    frame = row_frame(width, placement, label_width=labels.width, value_width=value_width, top=34, bottom=46)
    scale = {"domain": list(span), "nice": False, "zero": False, "clamp": True}
    line = axis_x(axis, format, narrow=narrow)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=scale, axis=line)

    points = []
    for p in placement.rows:
        r = rows[p.index]
        for arm, (estimate, low, high), shift in ((0, r.first, -5.0), (1, r.second, 5.0)):
            points.append({"x": estimate, "low": low, "high": high, "y": p.mark_y + shift, "arm": arm})
    layers: list[Any] = []
    for arm in (0, 1):
        mine = [d for d in points if d["arm"] == arm]
        spans = [d for d in mine if d["low"] is not None and d["high"] is not None]
        if spans:
            rule = marks_of(spans).mark("rule", color=sentinel(f"s{arm + 1}"), strokeWidth=2)
            layers.append(rule.encode(x=at("low"), x2="high", y=pixel("y", frame.height)))
        dot = marks_of(mine).mark("point", shape=SHAPES[arm], filled=True, size=95, opacity=1, color=sentinel(f"s{arm + 1}"))
        layers.append(dot.encode(x=at("x"), y=pixel("y", frame.height)))
    layers += row_labels(placement, frame, labels, values)
    layers += _key(arms, narrow=narrow, left=-frame.left + 4 if narrow else 0.0)
    return finish(layers, frame)


def _key(arms: tuple[str, str], *, narrow: bool, left: float) -> list[vega.Layer]:
    """The arms above the plot, each behind its sign."""
    layers: list[vega.Layer] = []
    x = left + 6
    for arm, name in enumerate(arms):
        dot = marks_of([{}]).mark("point", shape=SHAPES[arm], filled=True, size=95, opacity=1, color=sentinel(f"s{arm + 1}"))
        layers.append(dot.encode(x=vega.value(x), y=vega.value(-22)))
        layers.append(text_layer([{"text": name}], x=vega.value(x + 11), y=vega.value(-22), colour=f"t{arm + 1}", size=12, weight="bold"))
        x += 11 + text_width(name, 12) * 1.08 + (18 if narrow else 28)
    return layers
