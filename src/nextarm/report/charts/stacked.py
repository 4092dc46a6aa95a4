"""Parts of a whole that sum to one: stacked over time as areas, or one bar a cohort; each part told by its label."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, axis_x, axis_y, both, finish, marks_of, pixel, text_layer, text_width, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, label_column, sentence
from nextarm.report.document import Cell, Chart, Column, DataTable, Inline, Number, Parts, Row, number, say

#: Fills of the parts from the bottom up, and the ink written on them; what is left to one stays paper.
FILLS: tuple[tuple[str, str], ...] = (("h6", "k6"), ("h4", "k4"), ("h2", "k2"), ("caution", "paper"), ("panel", "ink"))


@dataclass(frozen=True)
class Part:
    """One part: its name and its value at each time (areas) or for each row (bars); limits where known go to the table."""

    name: str
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


def _checked(parts: Sequence[Part], n: int, id: str) -> None:
    if not 1 <= len(parts) <= len(FILLS):
        raise CallError(f"chart {id!r} has {len(parts)} parts", rule=f"must have 1 to {len(FILLS)}", cure="Join the small ones")
    for p in parts:
        if len(p.values) != n or not all(0.0 <= v <= 1.0 for v in p.values):
            raise CallError(f"chart {id!r}: part {p.name!r}", rule=f"must have {n} values between 0 and 1")
    for i in range(n):
        if sum(p.values[i] for p in parts) > 1.0 + 1e-6:
            raise CallError(f"chart {id!r}: parts sum to {sum(p.values[i] for p in parts):.4g}", rule="must not exceed 1")


def _number(names: Names, p: Part, i: int, label: str, trail: Trail) -> Number:
    interval = (p.low[i], p.high[i]) if p.low is not None and p.high is not None else None
    return number(p.values[i], "percent", name=names(p.name, label), trail=trail, interval=interval)


def stacked_areas(
    parts: Sequence[Part],
    *,
    time: Sequence[float],
    id: str,
    title: str,
    trail: Trail,
    rest: str = "event-free",
    x_title: str = "Years",
    y_title: str = "Probability",
    steps: bool = True,
    read_at: Sequence[float] = (),
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw cumulative incidences one on top of the other against ``time`` (rising); what is left to one is ``rest``.

    Lies between values as steps unless ``steps`` is false. :class:`CallError` for unequal lengths, values outside [0, 1] or sums
    above 1.
    """
    if len(time) < 2 or any(b < a for a, b in itertools.pairwise(time)):
        raise CallError(f"chart {id!r}: time", rule="must rise and hold at least two values")
    _checked(parts, len(time), id)
    names = Names(id)
    years = tuple(read_at) or tuple(float(t) for t in range(int(time[-1] + 1e-9) + 1))

    def found(t: float) -> int:
        return max((i for i, at in enumerate(time) if at <= t + 1e-9), default=0)

    lines: list[Row] = [(Cell((f"{t:g}",), sort=t), *(_number(names, p, found(t), f"{t:g}", trail) for p in parts)) for t in years]

    def build(width: int) -> dict[str, Any]:
        return _areas(parts, list(time), rest, width, x_title=x_title, y_title=y_title, steps=steps)

    wide, narrow = both(build)
    told = [f"{p.name} {100 * p.values[-1]:.0f} % at {time[-1]:g}" for p in parts]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Stacked areas of {y_title.lower()} over {x_title.lower()}. {sentence(told)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=(x_title, *(Column(p.name, align="right") for p in parts)), rows=tuple(lines)),
    )


def _areas(parts: Sequence[Part], time: list[float], rest: str, width: int, *, x_title: str, y_title: str, steps: bool) -> dict[str, Any]:
    narrow = width < 500
    named = [*(p.name for p in parts), rest]
    right = 12.0 if narrow else min(180.0, max(text_width(n, 12) for n in named)) + 22.0
    frame = Frame(width, 260.0 if narrow else 320.0, 46.0 if narrow else 52.0, right, 34.0 + (18.0 * len(parts) if narrow else 0.0), 48.0)
    x_scale = {"domain": [time[0], time[-1]], "nice": False, "zero": False}
    y_scale = {"domain": [0.0, 1.0], "nice": False}
    x_line, y_line = axis_x(x_title, "decimal(0)", narrow=narrow, grid=False), axis_y(y_title, "percent", narrow=narrow)
    layers: list[Any] = []
    below = [0.0] * len(time)
    middles = []
    for p, (fill, _) in zip(parts, FILLS, strict=False):
        top = [min(1.0, b + v) for b, v in zip(below, p.values, strict=True)]
        data = [{"x": t, "a": a, "b": b} for t, a, b in zip(time, below, top, strict=True)]
        area = marks_of(data).mark(
            "area",
            interpolate="step-after" if steps else "linear",
            color=sentinel(fill),
            opacity=1,
            line={"color": sentinel("axis"), "strokeWidth": 1},
        )
        layers.append(
            area.encode(x=vega.channel("x:Q", scale=x_scale, axis=x_line), y=vega.channel("a:Q", scale=y_scale, axis=y_line), y2="b")
        )
        middles.append((below[-1] + top[-1]) / 2)
        below = top
    middles.append((below[-1] + 1.0) / 2)
    layers.append(text_layer([{"text": y_title}], x=vega.value(-frame.left + 2), y=vega.value(-frame.top + 10), size=12, colour="muted"))
    if narrow:
        layers += _key([p.name for p in parts], x=-frame.left + 8, y=-frame.top + 30)
        return finish(layers, frame)
    from nextarm.report.charts.direct import spread

    heights = spread([(1.0 - m) * frame.height for m in middles], gap=16, low=6, high=frame.height - 6)
    for name, y in zip(named, heights, strict=True):
        text = wrap(name, 180, 12, 1)
        layers.append(text_layer([{"text": text}], x=vega.value(frame.plot + 10), y=vega.value(y), size=12, weight="bold"))
    return finish(layers, frame)


def _key(names: Sequence[str], *, x: float, y: float, beside: bool = False) -> list[vega.Layer]:
    """The fills with their names: one below the other, or ``beside`` each other."""
    layers: list[vega.Layer] = []
    for name, (fill, _) in zip(names, FILLS, strict=False):
        square = marks_of([{}]).mark(
            "point", shape="square", filled=True, opacity=1, size=110, fill=sentinel(fill), stroke=sentinel("axis")
        )
        layers.append(square.encode(x=vega.value(x), y=vega.value(y)))
        layers.append(text_layer([{"text": name}], x=vega.value(x + 12), y=vega.value(y), size=11.5))
        x, y = (x + text_width(name, 11.5) + 34, y) if beside else (x, y + 18)
    return layers


def stacked_bars(
    labels: Sequence[str],
    parts: Sequence[Part],
    *,
    id: str,
    title: str,
    axis: str,
    trail: Trail,
    trails: Sequence[Trail] = (),
    notes: Sequence[str] = (),
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw one bar a row of ``labels``, divided into ``parts``; values inside are written where they have room."""
    if not labels:
        raise CallError(f"chart {id!r} has no row", rule="must have at least one")
    _checked(parts, len(labels), id)
    names = Names(id)
    own = list(trails) or [trail] * len(labels)
    numbers = [[_number(names, p, i, label, own[i]) for p in parts] for i, label in enumerate(labels)]

    def build(width: int) -> dict[str, Any]:
        return _bars(list(labels), parts, numbers, list(notes), axis, width)

    wide, narrow = both(build)
    told = [
        f"{label}: " + ", ".join(f"{p.name} {n.text}" for p, n in zip(parts, row, strict=True))
        for label, row in zip(labels, numbers, strict=True)
    ]
    rows: tuple[Row, ...] = tuple((label, *row) for label, row in zip(labels, numbers, strict=True))
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Stacked bars, {axis}. {sentence(told)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=("Row", *(Column(p.name, align="right") for p in parts)), rows=rows),
    )


def _bars(
    labels: list[str], parts: Sequence[Part], numbers: Sequence[Sequence[Number]], notes: list[str], axis: str, width: int
) -> dict[str, Any]:
    narrow = width < 500
    column = label_column(labels, notes)
    tall = 44.0 if narrow else 34.0
    left = 12.0 if narrow else column.width + 18
    key_lines = len(parts) if narrow else 1
    frame = Frame(width, tall * len(labels), left, 16.0, 14.0 + 18.0 * key_lines, 46.0)
    scale = {"domain": [0.0, 1.0], "nice": False}
    line = axis_x(axis, "percent", narrow=narrow)
    up = pixel("y", frame.height)
    boxes: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    for i in range(len(labels)):
        x, y = 0.0, tall * i + (28.0 if narrow else tall / 2)
        for p, (fill, ink), n in zip(parts, FILLS, numbers[i], strict=False):
            end = x + p.values[i]
            boxes.append({"x": x, "x2": end, "y": y - 8, "y2": y + 8, "fill": sentinel(fill)})
            text = n.parts[0]
            if p.values[i] * frame.plot > text_width(text, 11) + 6:
                values.append({"x": (x + end) / 2, "y": y, "text": text, "colour": sentinel(ink)})
            x = end
    bar = marks_of(boxes).mark("rect", stroke=sentinel("axis"), strokeWidth=0.75)
    layers: list[Any] = [
        bar.encode(x=vega.channel("x:Q", scale=scale, axis=line), x2="x2", y=up, y2="y2", fill=vega.channel("fill:N", scale=None))
    ]
    if values:
        layers.append(text_layer(values, x=vega.channel("x:Q", scale=scale, axis=line), y=up, size=11, align="center"))
    texts: list[dict[str, Any]] = []
    small: list[dict[str, Any]] = []
    for i in range(len(labels)):
        y = tall * i + (9.0 if narrow else tall / 2 - (7.0 if column.notes[i] else 0.0))
        label = column.texts[i].replace("\n", " ") if narrow else column.texts[i]
        texts.append({"text": label, "y": y})
        if column.notes[i]:
            small.append({"text": column.notes[i], "y": y if narrow else y + 15, "x": text_width(label, 12.5) + 8 if narrow else 0.0})
    layers.append(text_layer(texts, x=vega.value(-frame.left + 4), y=up, size=12.5))
    layers += [text_layer([note], x=vega.value(-frame.left + 4 + note["x"]), y=up, size=11, colour="muted") for note in small]
    layers += _key([p.name for p in parts], x=-frame.left + 8, y=-frame.top + 10, beside=not narrow)
    return finish(layers, frame)
