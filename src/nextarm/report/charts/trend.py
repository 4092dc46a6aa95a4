"""Bubble plot with a trend: estimates against a number such as a year, sized by precision, with a line and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.direct import beside_points
from nextarm.report.charts.frame import Frame, axis_x, axis_y, both, finish, marks_of, nice_domain, text_layer, text_width
from nextarm.report.charts.palette import SHAPES, sentinel
from nextarm.report.charts.rows import Names, estimate_number, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, number, say

#: A point of the trend: x, fitted value, lower and upper end of the band.
TrendPoint = tuple[float, float, float, float]


@dataclass(frozen=True)
class Bubble:
    """A study: where it stands, its estimate and interval, its weight (area), group (colour and shape), marks and trail."""

    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    weight: float = 1.0
    group: str = ""
    marks: tuple[str, ...] = ()
    trail: Trail | None = None
    number: Number | None = None


def bubble_trend(
    rows: Sequence[Bubble],
    *,
    id: str,
    title: str,
    x_title: str,
    y_title: str,
    trail: Trail,
    line: Sequence[TrendPoint] = (),
    format: str = "percent",
    x_format: str = "year",
    domain: tuple[float, float] | None = None,
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw ``rows`` as bubbles and ``line`` as a trend with its band; at most four groups have a colour and shape of their own."""
    if not rows:
        raise CallError(f"chart {id!r} has no point", rule="must have at least one")
    groups = list(dict.fromkeys(r.group for r in rows))
    if len(groups) > len(SHAPES):
        raise CallError(f"chart {id!r} has {len(groups)} groups", rule=f"must have at most {len(SHAPES)}", cure="Join the small ones")
    names = Names(id)
    numbers = [
        r.number or estimate_number(names, r.label, r.y, r.low, r.high, format=format, trail=r.trail or trail, marks=r.marks) for r in rows
    ]
    places = [number(r.x, x_format, name=names(r.label, "x"), trail=r.trail or trail) for r in rows]
    ends = [v for r in rows for v in (r.y, r.low, r.high) if v is not None] + [v for point in line for v in point[2:]]
    inside = (0.0, 1.0) if format.startswith("percent") and all(0 <= v <= 1 for v in ends) else None
    y_span = domain or nice_domain(ends, inside=inside)
    across = [r.x for r in rows] + [point[0] for point in line]
    air = (max(across) - min(across) or 1.0) * 0.05
    x_span = (min(across) - air, max(across) + air)

    def build(width: int) -> dict[str, Any]:
        return _draw(
            rows,
            width,
            line=line,
            groups=groups,
            x_title=x_title,
            y_title=y_title,
            format=format,
            x_format=x_format,
            spans=(x_span, y_span),
        )

    wide, narrow = both(build)
    texts = [f"{r.label}, {p.text}: {n.text}" for r, n, p in zip(rows, numbers, places, strict=True) if n]
    trend = f" The fitted line runs from {line[0][1]:.3g} at {line[0][0]:.6g} to {line[-1][1]:.3g} at {line[-1][0]:.6g}." if line else ""
    grouped = groups != [""]
    columns: tuple[Column | str, ...] = (
        "Study",
        *(["Group"] if grouped else []),
        Column(x_title, align="right"),
        Column(y_title, align="right"),
    )
    table = DataTable(
        caption=f"Data: {title}",
        columns=columns,
        rows=tuple((r.label, *([r.group or None] if grouped else []), p, n) for r, n, p in zip(rows, numbers, places, strict=True)),
    )
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Bubble plot of {y_title} against {x_title}. {sentence(texts)}{trend}",
        wide=wide,
        narrow=narrow,
        table=table,
    )


def _draw(
    rows: Sequence[Bubble],
    width: int,
    *,
    line: Sequence[TrendPoint],
    groups: Sequence[str],
    x_title: str,
    y_title: str,
    format: str,
    x_format: str,
    spans: tuple[tuple[float, float], tuple[float, float]],
) -> dict[str, Any]:
    narrow = width < 500
    keyed = list(groups) != [""]
    frame = Frame(width, 300.0 if narrow else 380.0, 42.0 if narrow else 52.0, 8.0 if narrow else 16.0, 48.0 if keyed else 28.0, 48.0)
    (x_low, x_high), (y_low, y_high) = spans
    x_scale = {"domain": [x_low, x_high], "nice": False, "zero": False}
    y_scale = {"domain": [y_low, y_high], "nice": False, "zero": False, "clamp": True}
    x_line = axis_x(x_title, x_format, narrow=narrow, grid=False)
    y_line = axis_y(y_title, format, narrow=narrow)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=x_scale, axis=x_line)

    def up(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=y_scale, axis=y_line)

    layers: list[Any] = []
    if line:
        data = [{"x": x, "y": y, "low": low, "high": high} for x, y, low, high in line]
        layers.append(
            marks_of(data).mark("area", color=sentinel("axis"), opacity=0.18, clip=True).encode(x=at("x"), y=up("low"), y2="high")
        )
        layers.append(marks_of(data).mark("line", color=sentinel("ink"), strokeWidth=1.75, clip=True).encode(x=at("x"), y=up("y")))
    heaviest = max(r.weight for r in rows) or 1.0
    sizes = [50 + (350 if narrow else 560) * r.weight / heaviest for r in rows]
    points = []
    for g, group in enumerate(groups):
        mine = [
            {"x": r.x, "y": r.y, "low": r.low, "high": r.high, "size": s, "fill": sentinel("paper" if r.marks else f"s{g + 1}")}
            for r, s in zip(rows, sizes, strict=True)
            if r.group == group
        ]
        spans_of = [d for d in mine if d["low"] is not None and d["high"] is not None]
        if spans_of:
            rule = marks_of(spans_of).mark("rule", color=sentinel(f"s{g + 1}"), strokeWidth=1, opacity=0.75)
            layers.append(rule.encode(x=at("x"), y=up("low"), y2="high"))
        dot = marks_of(mine).mark("point", shape=SHAPES[g], filled=True, fillOpacity=0.82, stroke=sentinel(f"s{g + 1}"), strokeWidth=1.75)
        layers.append(dot.encode(x=at("x"), y=up("y"), size=vega.channel("size:Q", scale=None), fill=vega.channel("fill:N", scale=None)))
    size = 10.5 if narrow else 11.5
    for r, s in zip(rows, sizes, strict=True):
        x = (r.x - x_low) / (x_high - x_low) * frame.plot
        y = (y_high - r.y) / (y_high - y_low) * frame.height
        points.append((x, y, math.sqrt(s / math.pi)))
    for label in beside_points(points, [r.label for r in rows], width=frame.plot, height=frame.height, size=size):
        r = rows[label.index]
        spot = [{"text": r.label}]
        colour = f"t{groups.index(r.group) + 1}" if keyed else "ink"
        layers.append(text_layer(spot, x=vega.value(label.x), y=vega.value(label.y), size=size, align=label.align, colour=colour))
    layers.append(text_layer([{"text": y_title}], x=vega.value(-frame.left + 2), y=vega.value(-frame.top + 10), size=12, colour="muted"))
    if keyed:
        layers += _key(groups, left=-frame.left + 8, y=-frame.top + 30)
    return finish(layers, frame)


def _key(groups: Sequence[str], *, left: float, y: float) -> list[vega.Layer]:
    layers: list[vega.Layer] = []
    x = left
    for g, group in enumerate(groups):
        dot = marks_of([{}]).mark("point", shape=SHAPES[g], filled=True, size=80, opacity=1, color=sentinel(f"s{g + 1}"))
        layers.append(dot.encode(x=vega.value(x), y=vega.value(y)))
        layers.append(text_layer([{"text": group or "other"}], x=vega.value(x + 10), y=vega.value(y), size=11.5, colour=f"t{g + 1}"))
        x += 10 + text_width(group or "other", 11.5) + 20
    return layers
