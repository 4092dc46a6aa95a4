"""Lines of a result against a quantity: power against patients, duration against accrual; error bars, reference lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.direct import end_label_width, end_labels, line_key
from nextarm.report.charts.frame import Frame, axis_x, axis_y, both, finish, marks_of, nice_domain, text_layer
from nextarm.report.charts.palette import DASHES, SERIES, SHAPES, sentinel, tones_of
from nextarm.report.charts.rows import Names, estimate_number, sentence
from nextarm.report.document import Cell, Chart, Column, DataTable, Inline, Number, Parts, Row, say
from nextarm.report.formats import format_number

#: A table of at most this many rows shows tenths where whole numbers would not be true.
_FEW_ROWS = 40


@dataclass(frozen=True)
class LineSeries:
    """A line: its name, the points, and the ends of error bars where values have an error (Monte-Carlo, say).

    ``joined`` False shows the points alone, without a line through them; ``dots`` False the line alone. ``tone`` (from 1) is its colour
    where its place is not to choose it.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] | None = None
    high: tuple[float | None, ...] | None = None
    trail: Trail | None = None
    joined: bool = True
    dots: bool = True
    tone: int | None = None


def lines(
    series: Sequence[LineSeries],
    *,
    id: str,
    title: str,
    x_title: str,
    y_title: str,
    trail: Trail,
    format: str = "percent",
    x_format: str = "count",
    references: Sequence[tuple[float, str]] = (),
    verticals: Sequence[tuple[float, str]] = (),
    points: bool = True,
    x_domain: tuple[float, float] | None = None,
    y_domain: tuple[float, float] | None = None,
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw up to four ``series``; ``references`` are horizontal lines (0.8, "80 % power"), ``verticals`` upright ones.

    A value of ``None`` breaks the line. :class:`CallError` if lengths differ or a series is empty.
    """
    if not 1 <= len(series) <= SERIES:
        raise CallError(f"chart {id!r} has {len(series)} lines", rule=f"must have 1 to {SERIES}")
    for s in series:
        sizes = {len(s.x), len(s.y), *(len(e) for e in (s.low, s.high) if e is not None)}
        if len(sizes) != 1 or not s.x:
            raise CallError(f"chart {id!r}: line {s.name!r} has {sorted(sizes)} values", rule="must have as many x as y, and at least one")
    names = Names(id)
    numbers: list[list[Number | None]] = [
        [
            estimate_number(
                names,
                f"{s.name} {x:g}",
                y,
                s.low[i] if s.low else None,
                s.high[i] if s.high else None,
                format=format,
                trail=s.trail or trail,
                marks=(),
            )
            for i, (x, y) in enumerate(zip(s.x, s.y, strict=True))
        ]
        for s in series
    ]
    ends = [v for s in series for part in (s.y, s.low or (), s.high or ()) for v in part if v is not None]
    inside = (0.0, 1.0) if format.startswith("percent") and all(0 <= v <= 1 for v in ends) else None
    y_span = y_domain or nice_domain(ends, include=[v for v, _ in references], inside=inside)
    across = [v for s in series for v in s.x]
    x_span = x_domain or (min(across), max(across))

    def build(width: int) -> dict[str, Any]:
        return _draw(
            series, width, x_title=x_title, y_title=y_title, format=format, x_format=x_format,
            references=references, verticals=verticals, points=points, spans=(x_span, y_span),
        )  # fmt: skip

    wide, narrow = both(build)
    texts = [
        f"{s.name}: " + ", ".join(f"{x:g} {n.text}" for x, n in zip(s.x, row, strict=True) if n)
        for s, row in zip(series, numbers, strict=True)
    ]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"{y_title} against {x_title}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=_table(series, numbers, names, title=title, x_title=x_title, x_format=x_format, trail=trail),
    )


def _draw(
    series: Sequence[LineSeries],
    width: int,
    *,
    x_title: str,
    y_title: str,
    format: str,
    x_format: str,
    references: Sequence[tuple[float, str]],
    verticals: Sequence[tuple[float, str]],
    points: bool,
    spans: tuple[tuple[float, float], tuple[float, float]],
) -> dict[str, Any]:
    narrow = width < 500
    texts, tones = [s.name for s in series], tones_of([s.tone for s in series])
    keyed = narrow and len(series) > 1
    right = 12.0 if narrow else end_label_width(texts) if len(texts) > 1 else 24.0
    frame = Frame(width, 240.0 if narrow else 320.0, 46.0 if narrow else 52.0, right, 34.0 + (17.0 * len(series) if keyed else 0.0), 48.0)
    (x_low, x_high), (y_low, y_high) = spans
    x_scale = {"domain": [x_low, x_high], "nice": False, "zero": False, "clamp": True}
    y_scale = {"domain": [y_low, y_high], "nice": False, "zero": False, "clamp": True}
    x_line = axis_x(x_title, x_format, narrow=narrow, grid=False)
    y_line = axis_y(y_title, format, narrow=narrow)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=x_scale, axis=x_line)

    def up(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=y_scale, axis=y_line)

    layers: list[Any] = []
    for value, text in references:
        rule = marks_of([{"v": value}]).mark("rule", color=sentinel("caution"), strokeDash=[4, 3], strokeWidth=1.25)
        layers.append(rule.encode(y=up("v")))
        layers.append(text_layer([{"v": value, "text": text}], x=vega.value(4), y=up("v"), size=11, colour="caution", dy=-8))
    for value, text in verticals:
        rule = marks_of([{"v": value}]).mark("rule", color=sentinel("muted"), strokeDash=[2, 3], strokeWidth=1.25)
        layers.append(rule.encode(x=at("v")))
        layers.append(text_layer([{"v": value, "text": text}], x=at("v"), y=vega.value(8), size=11, colour="muted", dx=5))
    for i, s in enumerate(series):
        data = [
            {"x": x, "y": y, "low": s.low[k] if s.low else None, "high": s.high[k] if s.high else None}
            for k, (x, y) in enumerate(zip(s.x, s.y, strict=True))
        ]
        colour = sentinel(f"s{tones[i]}")
        stroke = marks_of(data).mark(
            "line", color=colour, strokeWidth=2.25, strokeDash=list(DASHES[i]), invalid="break-paths-show-path-domains"
        )
        if s.joined:
            layers.append(stroke.encode(x=at("x"), y=up("y"), order=vega.channel("x:Q")))
        bars = [d for d in data if d["low"] is not None and d["high"] is not None]
        if bars:
            layers.append(marks_of(bars).mark("rule", color=colour, strokeWidth=1.5).encode(x=at("x"), y=up("low"), y2="high"))
        if points and s.dots:
            dot = marks_of([d for d in data if d["y"] is not None]).mark(
                "point", shape=SHAPES[i], filled=True, size=42, opacity=1, color=colour
            )
            layers.append(dot.encode(x=at("x"), y=up("y")))
    layers.append(text_layer([{"text": y_title}], x=vega.value(-frame.left + 2), y=vega.value(-frame.top + 10), size=12, colour="muted"))
    if keyed:
        layers += line_key(texts, left=-frame.left + 4, top=-frame.top + 32, width=frame.width - 8, tones=tones)
    elif len(series) > 1:
        last = [next((y for y in reversed(s.y) if y is not None), y_low) for s in series]
        heights = [(y_high - min(max(y, y_low), y_high)) / (y_high - y_low) * frame.height for y in last]
        layers += end_labels(texts, heights, frame, tones)
    return finish(layers, frame)


def _told_apart(xs: Sequence[float], x_format: str) -> list[tuple[float, str]]:
    """The rows of the table by x with their text: with a decimal where whole numbers would not be true, and each text once.

    >>> [text for _, text in _told_apart([5.0, 7.5, 10.0], "count")]
    ['5', '7.5', '10']
    >>> [x for x, _ in _told_apart([5.13, 5.41, 5.82, 6.11], "count")]
    [5.13, 6.11]
    """
    few = x_format == "count" and all(abs(10.0 * x - round(10.0 * x)) < 1e-9 for x in xs) and len(xs) <= _FEW_ROWS
    best: dict[str, float] = {}
    for x in xs:
        text = format_number(x, "decimal(1)" if few and x != round(x) else x_format)
        if text not in best or (x_format == "count" and abs(x - round(x)) < abs(best[text] - round(best[text]))):
            best[text] = x
    return sorted((x, text) for text, x in best.items())


def _table(
    series: Sequence[LineSeries],
    numbers: Sequence[Sequence[Number | None]],
    names: Names,
    *,
    title: str,
    x_title: str,
    x_format: str,
    trail: Trail,
) -> DataTable:
    """One row for each x, one column for each line."""
    cells: dict[float, list[Number | None]] = {}
    for i, (s, row) in enumerate(zip(series, numbers, strict=True)):
        for x, n in zip(s.x, row, strict=True):
            cells.setdefault(x, [None] * len(series))[i] = n
    rows: list[Row] = [(Cell((text,), sort=x), *cells[x]) for x, text in _told_apart(sorted(cells), x_format)]
    columns = (Column(x_title), *(Column(s.name, align="right") for s in series))
    return DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(rows))
