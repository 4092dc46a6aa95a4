"""Forest plot: estimates with intervals, one row a study; diamond for a pooled value, bar for a prediction interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import axis_x, both, finish, marks_of, nice_domain, pixel, text_layer, text_width
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, Placement, arrows, estimate_number, label_column, place, row_frame, row_labels, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, Row, RowGroup, number, say
from nextarm.report.marks import signs

#: Marks whose squares are drawn hollow: the value was not printed by those who measured it.
HOLLOW = ("derived", "secondary", "assumption")

#: Where a logarithmic axis has its labels.
LOG_TICKS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True)
class ForestRow:
    """A row: ``study`` (square), ``pooled`` (diamond), ``prediction`` (bar without a point) or ``left-out`` (faint, not weighed).

    ``weight`` sizes the square and is shown as a share; ``note`` is a short second label such as ``n 484, 6 years``;
    ``trail`` defaults to that of the chart; ``number`` is shown in the data table where the value already has a name.
    """

    label: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    weight: float | None = None
    group: str = ""
    note: str = ""
    marks: tuple[str, ...] = ()
    kind: Literal["study", "pooled", "prediction", "left-out"] = "study"
    trail: Trail | None = None
    number: Number | None = None


def forest(
    rows: Sequence[ForestRow],
    *,
    id: str,
    title: str,
    axis: str,
    trail: Trail,
    format: str = "percent",
    caption: Inline | Parts = (),
    alt_text: str = "",
    reference: tuple[float, str] | None = None,
    domain: tuple[float, float] | None = None,
    log: bool = False,
    note_title: str = "",
) -> Chart:
    """Draw a forest plot of ``rows`` in their order; rows of one ``group`` must stand together.

    ``reference`` is a vertical line with its label; ``log`` sets a logarithmic axis (for ratios); ``domain`` cuts the axis
    (intervals that leave it end in an arrow). :class:`CallError` if there is no row or nothing to place on the axis.
    """
    shown = [r for r in rows if r.estimate is not None or r.low is not None]
    if not shown:
        raise CallError(f"chart {id!r} has no row with an estimate", rule="must have at least one")
    names = Names(id)
    numbers = [
        r.number or estimate_number(names, r.label, r.estimate, r.low, r.high, format=format, trail=r.trail or trail, marks=r.marks)
        for r in rows
    ]
    ends = [v for r in rows for v in (r.estimate, r.low, r.high) if v is not None]
    inside = (0.0, 1.0) if format.startswith("percent") and all(0 <= v <= 1 for v in ends) else None
    span = domain or nice_domain(ends, include=[reference[0]] if reference else (), inside=inside)

    def build(width: int) -> dict[str, Any]:
        return _draw(rows, numbers, width, axis=axis, format=format, reference=reference, span=span, log=log)

    wide, narrow = both(build)
    texts = [f"{r.label} {n.text}" for r, n in zip(rows, numbers, strict=True) if n]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Forest plot, {axis}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=_table(rows, numbers, names, title=title, axis=axis, trail=trail, note_title=note_title),
    )


def _draw(
    rows: Sequence[ForestRow],
    numbers: Sequence[Number | None],
    width: int,
    *,
    axis: str,
    format: str,
    reference: tuple[float, str] | None,
    span: tuple[float, float],
    log: bool,
) -> dict[str, Any]:
    narrow = width < 500
    values = [n.text if n else "not reported" for n in numbers]
    labels = label_column([r.label for r in rows], [r.note for r in rows], [signs(r.marks) for r in rows])
    first_summary = next((i for i, r in enumerate(rows) if r.kind in ("pooled", "prediction") and i), None)
    gaps = [first_summary] if first_summary is not None and not rows[first_summary].group else []
    placement = place([r.group for r in rows], narrow=narrow, lines=labels.lines, gap_before=gaps)
    value_width = max(text_width(v, 12.5) for v in values)
    frame = row_frame(width, placement, label_width=labels.width, value_width=value_width, top=22 if reference else 6, bottom=46)
    scale = {"type": "log" if log else "linear", "domain": list(span), "nice": False, "zero": False, "clamp": True}
    line = axis_x(axis, format, narrow=narrow, ticks=[t for t in LOG_TICKS if span[0] <= t <= span[1]] if log else None)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=scale, axis=line)

    y = pixel("y", frame.height)
    data = _marks(rows, placement)
    layers: list[Any] = []
    if reference:
        layers.append(
            marks_of([{"x": reference[0]}]).mark("rule", color=sentinel("caution"), strokeDash=[4, 3], strokeWidth=1.25).encode(x=at("x"))
        )
        layers.append(
            text_layer(
                [{"x": reference[0], "text": reference[1]}], x=at("x"), y=vega.value(-10), colour="caution", size=11.5, align="center"
            )
        )
    intervals = [d for d in data if d["low"] is not None and d["high"] is not None and d["kind"] != "pooled"]
    solid = [d for d in intervals if d["kind"] != "prediction"]
    if solid:
        layers.append(
            marks_of(solid).mark("rule", strokeWidth=1.5).encode(x=at("low"), x2="high", y=y, color=vega.channel("colour:N", scale=None))
        )
    predicted = [d for d in intervals if d["kind"] == "prediction"]
    if predicted:
        layers.append(
            marks_of(predicted).mark("rule", strokeWidth=4, color=sentinel("s1"), opacity=0.45).encode(x=at("low"), x2="high", y=y)
        )
    if heads := arrows(intervals, span):
        arrow = marks_of(heads).mark("point", shape="triangle", filled=True, size=44, opacity=1)
        layers.append(arrow.encode(x=at("x"), y=y, angle=vega.channel("angle:Q", scale=None), color=vega.channel("colour:N", scale=None)))
    points = [d for d in data if d["estimate"] is not None and d["kind"] in ("study", "left-out")]
    if points:
        layers.append(
            marks_of(points)
            .mark("point", shape="square", filled=True, opacity=1, strokeWidth=1.75)
            .encode(
                x=at("estimate"),
                y=y,
                size=vega.channel("size:Q", scale=None),
                fill=vega.channel("fill:N", scale=None),
                stroke=vega.channel("colour:N", scale=None),
            )
        )
    for d in data:
        if d["kind"] == "pooled" and d["estimate"] is not None:
            low = d["estimate"] if d["low"] is None else d["low"]
            high = d["estimate"] if d["high"] is None else d["high"]
            corners = [
                {"x": low, "a": d["y"], "b": d["y"]},
                {"x": d["estimate"], "a": d["y"] - 7, "b": d["y"] + 7},
                {"x": high, "a": d["y"], "b": d["y"]},
            ]
            diamond = marks_of(corners).mark("area", color=sentinel("s1"), opacity=1, line=False, clip=True)
            layers.append(diamond.encode(x=at("x"), y=pixel("a", frame.height), y2="b"))
    summaries = [i for i, r in enumerate(rows) if r.kind == "pooled"]
    faint = [i for i, r in enumerate(rows) if r.kind == "left-out"]
    layers += row_labels(placement, frame, labels, values, bold=summaries, faint=faint)
    return finish(layers, frame)


def _marks(rows: Sequence[ForestRow], placement: Placement) -> list[dict[str, Any]]:
    heaviest = max((r.weight for r in rows if r.weight), default=0.0)
    data: list[dict[str, Any]] = []
    for p in placement.rows:
        r = rows[p.index]
        colour = sentinel("axis" if r.kind == "left-out" else "s1" if r.kind in ("pooled", "prediction") else "s3")
        hollow = r.kind == "left-out" or any(m in HOLLOW for m in r.marks)
        share = r.weight / heaviest if r.weight and heaviest else 0.35
        data.append(
            {
                "y": p.mark_y,
                "estimate": r.estimate,
                "low": r.low,
                "high": r.high,
                "kind": r.kind,
                "size": 30 + 130 * share,
                "colour": colour,
                "fill": sentinel("paper") if hollow else colour,
            }
        )
    return data


def _table(
    rows: Sequence[ForestRow], numbers: Sequence[Number | None], names: Names, *, title: str, axis: str, trail: Trail, note_title: str
) -> DataTable:
    weighed = any(r.weight is not None for r in rows)
    noted = any(r.note for r in rows)
    total = sum(r.weight or 0.0 for r in rows)
    columns: list[Column | str] = ["Study", Column(axis, align="right")]
    columns += [Column("Weight", align="right")] if weighed else []
    columns += [Column(note_title or "Note")] if noted else []
    lines: list[Row | RowGroup] = []
    group = ""
    for r, n in zip(rows, numbers, strict=True):
        if r.group and r.group != group:
            lines.append(RowGroup(r.group))
        group = r.group
        cells: list[Any] = [r.label, n]
        if weighed:
            share = (
                None
                if r.weight is None or not total
                else number(r.weight / total, "percent(1)", name=names(r.label, "weight"), trail=trail)
            )
            cells.append(share)
        if noted:
            cells.append(r.note or None)
        lines.append(tuple(cells))
    return DataTable(caption=f"Data: {title}", columns=tuple(columns), rows=tuple(lines))
