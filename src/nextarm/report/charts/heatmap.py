"""A grid of results over two assumptions: seven ordered shades, the value written in every cell, the plan's own cell outlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, both, finish, marks_of, pixel, pixel_x, text_layer, text_width, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Number, Parts, Row, number, say
from nextarm.report.formats import parse_format

SHADES = 7


def heatmap(
    values: Sequence[Sequence[float | None]],
    *,
    id: str,
    title: str,
    x: Sequence[str],
    y: Sequence[str],
    x_title: str,
    y_title: str,
    trail: Trail,
    format: str = "percent",
    domain: tuple[float, float] | None = None,
    outlined: tuple[int, int] | None = None,
    trails: Sequence[Sequence[Trail]] | None = None,
    caption: Inline | Parts = (),
    alt_text: str = "",
    missing: str = "not reached",
) -> Chart:
    """Draw ``values[row][column]``; ``outlined`` is the (row, column) of the plan's own assumptions, ``trails`` one trail a cell."""
    if len(values) != len(y) or any(len(row) != len(x) for row in values):
        raise CallError(f"chart {id!r}: the grid is not {len(y)} rows by {len(x)} columns", rule="must match its labels")
    found = [v for row in values for v in row if v is not None]
    if not found:
        raise CallError(f"chart {id!r} has no value", rule="must have at least one")
    span = domain or (min(found), max(found))
    names = Names(id)
    numbers = [
        [number(v, format, name=names(y[i], x[j]), trail=trails[i][j] if trails else trail, missing=missing) for j, v in enumerate(row)]
        for i, row in enumerate(values)
    ]

    def build(width: int) -> dict[str, Any]:
        return _draw(numbers, width, x=x, y=y, x_title=x_title, y_title=y_title, span=span, outlined=outlined, format=format)

    wide, narrow = both(build)
    lines: tuple[Row, ...] = tuple((y[i], *row) for i, row in enumerate(numbers))
    texts = [f"{y_title} {y[i]}: " + ", ".join(f"{x[j]} {n.text}" for j, n in enumerate(row)) for i, row in enumerate(numbers)]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Grid of {y_title} against {x_title}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(
            caption=f"Data: {title} (columns: {x_title})",
            columns=(Column(y_title), *(Column(label, align="right") for label in x)),
            rows=lines,
            sortable=False,
        ),
    )


def _draw(
    numbers: Sequence[Sequence[Number]],
    width: int,
    *,
    x: Sequence[str],
    y: Sequence[str],
    x_title: str,
    y_title: str,
    span: tuple[float, float],
    outlined: tuple[int, int] | None,
    format: str,
) -> dict[str, Any]:
    narrow = width < 500
    size = 11.0 if narrow else 12.5
    sides = [wrap(label, 110.0 if narrow else 200.0, size) for label in y]
    left = max(text_width(line, size) for label in sides for line in label.split("\n")) + 14
    right = 2.0
    cell = min((width - left - right) / len(x), 110.0)
    right = width - left - cell * len(x)
    tall = 30.0 if narrow else 34.0
    heads = [wrap(label, cell - 6, size) for label in x]
    head = 15.0 * (1 + max(label.count("\n") for label in heads))
    aside = text_width(f"↓ {y_title}", 11.5) <= left - 10  # the title of the rows fits over their labels
    frame = Frame(width, tall * len(y), left, right, head + 8 + (18 if aside else 34), 8)
    suffix = parse_format(format)[1].suffix
    cells: list[dict[str, Any]] = []
    for i, row in enumerate(numbers):
        for j, n in enumerate(row):
            shade = 0 if n.value is None else _shade(n.value, span)
            text = n.text if n.value is not None else "–"
            short = text.removesuffix(suffix) if text_width(text, size) > cell - 6 else text
            cells.append(
                {
                    "a": j * cell, "b": (j + 1) * cell, "c": i * tall, "d": (i + 1) * tall, "u": (j + 0.5) * cell, "y": (i + 0.5) * tall,
                    "text": short,
                    "fill": sentinel(f"h{shade}" if shade else "paper"), "colour": sentinel(f"k{shade}" if shade else "muted"),
                }
            )  # fmt: skip
    box = marks_of(cells).mark("rect", stroke=sentinel("paper"), strokeWidth=2)
    at = pixel_x("u", frame.plot)
    layers: list[Any] = [
        box.encode(x=pixel_x("a", frame.plot), x2="b", y=pixel("c", frame.height), y2="d", fill=vega.channel("fill:N", scale=None)),
        text_layer(cells, x=at, y=pixel("y", frame.height), size=size, align="center"),
    ]
    if outlined is not None:
        own = [c for k, c in enumerate(cells) if k == outlined[0] * len(x) + outlined[1]]
        ring = marks_of(own).mark("rect", filled=False, stroke=sentinel("s2"), strokeWidth=3)
        layers.append(ring.encode(x=pixel_x("a", frame.plot), x2="b", y=pixel("c", frame.height), y2="d"))
    top = [{"u": (j + 0.5) * cell, "text": label} for j, label in enumerate(heads)]
    layers.append(text_layer(top, x=at, y=vega.value(-head - 2), size=size, align="center", baseline="top"))
    rows = [{"y": (i + 0.5) * tall - 7.0 * label.count("\n"), "text": label} for i, label in enumerate(sides)]
    layers.append(text_layer(rows, x=vega.value(-10), y=pixel("y", frame.height), size=size, align="right"))
    over = vega.value(-head - 14)
    start = 0.0 if aside else -left + 4
    layers.append(text_layer([{"text": f"{x_title} →"}], x=vega.value(start), y=over, size=11.5, colour="muted"))
    if aside:
        layers.append(
            text_layer([{"text": f"↓ {y_title}"}], x=vega.value(-10), y=vega.value(-11), size=11.5, colour="muted", align="right")
        )
    else:
        title = wrap(f"↓ {y_title}", width - 8, 11.5, 1)
        layers.append(text_layer([{"text": title}], x=vega.value(start), y=vega.value(-head - 30), size=11.5, colour="muted"))
    return finish(layers, frame)


def _shade(value: float, span: tuple[float, float]) -> int:
    """The shade from 1 to 7 of a value in its span."""
    low, high = span
    if high <= low:
        return 4
    return min(SHADES, max(1, 1 + int((value - low) / (high - low) * SHADES)))
