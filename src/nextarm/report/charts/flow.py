"""The flow of records through a review as a PRISMA 2020 diagram: boxes with counts, arrows between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, both, finish, marks_of, pixel, pixel_x, text_layer, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import Names, sentence
from nextarm.report.document import Chart, Column, DataTable, Inline, Parts, Row, number, say
from nextarm.report.formats import NO_BREAK

if TYPE_CHECKING:
    from nextarm.synthesis.screening import PrismaFlow, Stream

SIZE = 11.5
LINE = 15.0
#: At most this many sources or reasons have a line of their own; the others are counted together.
SHOWN = 6


@dataclass(frozen=True)
class _Box:
    """A box: its column and row, its lines, and whether it stands aside (what left the flow)."""

    lines: tuple[str, ...]
    aside: bool = False


def prisma_chart(flow: PrismaFlow, *, id: str, title: str, caption: Inline | Parts = (), alt_text: str = "", **_: Any) -> Chart:
    """Draw ``flow``: databases and registers, beside (wide) or above (narrow) other methods where there are any."""
    names = Names(id)
    frame = flow.table()
    rows: list[Row] = [
        (r["box"], r["way"], number(r["n"], "count", name=names(r["way"], r["box"]), trail=flow.trail)) for r in frame.to_dicts()
    ]

    def build(width: int) -> dict[str, Any]:
        return _draw(flow, width)

    wide, narrow = both(build)
    told = [f"{r['way']}, {r['box']}: {r['n']}" for r in frame.to_dicts()]
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"PRISMA 2020 flow diagram. {sentence(told)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=("Box", "Way", Column("n", align="right")), rows=tuple(rows), sortable=False),
    )


def _n(count: int) -> str:
    """``(n = 12)`` that no line break divides."""
    return f"(n{NO_BREAK}={NO_BREAK}{count:,})"


def _listed(head: str, items: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    shown = [f"{name} {_n(n)}" for name, n in items[:SHOWN]]
    rest = sum(n for _, n in items[SHOWN:])
    return (head, *shown, *((f"others {_n(rest)}",) if rest else ()))


def _ladder(stream: Stream, other: bool) -> list[tuple[_Box, _Box | None]]:
    """The boxes of one way from the top, each with what left the flow beside it."""
    steps: list[tuple[_Box, _Box | None]] = []
    removed = (
        _Box(_listed(f"Removed before screening {_n(sum(n for _, n in stream.removed))}", stream.removed), aside=True)
        if stream.removed
        else None
    )
    steps.append((_Box(_listed(f"Records identified {_n(stream.identified)}", stream.by_source)), removed))
    if not other:
        steps.append((_Box((f"Records screened {_n(stream.screened)}",)), _Box((f"Records excluded {_n(stream.excluded)}",), True)))
    gone = _Box((f"Reports not retrieved {_n(stream.not_retrieved)}",), True)
    steps.append((_Box((f"Reports sought for retrieval {_n(stream.sought)}",)), gone))
    excluded = sum(n for _, n in stream.reasons)
    out = _Box(_listed(f"Reports excluded {_n(excluded)}", stream.reasons), True)
    steps.append((_Box((f"Reports assessed for eligibility {_n(stream.assessed)}",)), out))
    if stream.awaiting:
        steps.append((_Box((f"Awaiting a decision {_n(stream.awaiting)}",), True), None))
    return steps


def _draw(flow: PrismaFlow, width: int) -> dict[str, Any]:
    narrow = width < 500
    ways: list[tuple[str, Stream, bool]] = [("Databases and registers", flow.main, False)]
    if flow.other is not None:
        ways.append(("Other methods", flow.other, True))
    beside = len(ways) > 1 and not narrow
    margin, gap = 6.0, 18.0 if narrow else 22.0
    plot = width - 2 * margin
    column = (plot - gap * (2 * len(ways) - 1 if beside else 1)) / (2 * len(ways) if beside else 2)
    rects: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    bold: list[dict[str, Any]] = []
    arrows: list[tuple[float, float, float, float]] = []
    top, bottoms = 0.0, []

    def put(box: _Box, x: float, y: float, height: float | None = None) -> float:
        lines = [part for line in box.lines for part in wrap(line, column - 18, SIZE, 3).split("\n")]
        tall = max(LINE * len(lines) + 14.0, height or 0.0)
        fill, stroke = ("panel", "rule") if box.aside else ("paper", "s1")
        rects.append({"x": x, "x2": x + column, "y": y, "y2": y + tall, "fill": sentinel(fill), "stroke": sentinel(stroke)})
        for i, line in enumerate(lines):
            texts.append({"text": line, "x": x + 9, "y": y + 7 + LINE * (i + 0.5)})
        return tall

    for w, (name, stream, other) in enumerate(ways):
        left = w * (2 * column + 2 * gap) if beside else 0.0
        y = 0.0 if beside else top
        bold.append({"text": name, "x": left, "y": y + 8})
        y += 24
        ladder = _ladder(stream, other)
        previous: float | None = None
        for box, aside in ladder:
            if previous is not None and not box.aside:
                arrows.append((left + column / 2, previous, left + column / 2, y))
            tall = put(box, left, y)
            if aside is not None:
                aside_tall = put(aside, left + column + gap, y)
                arrows.append((left + column, y + min(tall, aside_tall) / 2, left + column + gap, y + min(tall, aside_tall) / 2))
                previous = y + tall
                y += max(tall, aside_tall) + gap
            else:
                previous = previous if box.aside else y + tall
                y += tall + gap
        bottoms.append((left + column / 2, previous or y, y))
        top = y + 4
    y = max(b[2] for b in bottoms)
    included = _Box((f"Studies included {_n(flow.studies)}", f"Reports of them {_n(flow.reports)}"))
    for x, start, _ in bottoms[-1:] if not beside else bottoms:
        if x < column:
            arrows.append((x, start, x, y))
        else:
            rects_y = y + 22
            arrows += [(x, start, x, rects_y), (x, rects_y, column, rects_y)]
    tall = put(included, 0.0, y)
    frame = Frame(width, y + tall + 2, margin, margin, 4, 6)
    return finish(_layers(frame, rects, texts, bold, arrows), frame)


def _layers(
    frame: Frame,
    rects: list[dict[str, Any]],
    texts: list[dict[str, Any]],
    bold: list[dict[str, Any]],
    arrows: list[tuple[float, float, float, float]],
) -> list[Any]:
    at, up = pixel_x("x", frame.plot), pixel("y", frame.height)
    lines = [{"x": a, "y": b, "x2": c, "y2": d} for a, b, c, d in arrows]
    layers: list[Any] = [marks_of(lines).mark("rule", color=sentinel("axis"), strokeWidth=1.25).encode(x=at, y=up, x2="x2", y2="y2")]
    # An arrow that another one continues has no head of its own.
    ends = {(a, b) for a, b, _, _ in arrows}
    down = [{"x": c, "y": d - 4} for a, b, c, d in arrows if a == c and (c, d) not in ends]
    right = [{"x": c - 4, "y": d} for a, b, c, d in arrows if b == d and c > a and (c, d) not in ends]
    left = [{"x": c + 4, "y": d} for a, b, c, d in arrows if b == d and c < a and (c, d) not in ends]
    for heads, angle in ((down, 180), (right, 90), (left, 270)):
        if heads:
            mark = marks_of(heads).mark("point", shape="triangle-up", angle=angle, size=46, filled=True, opacity=1, color=sentinel("axis"))
            layers.append(mark.encode(x=at, y=up))
    box = marks_of(rects).mark("rect", strokeWidth=1.25, cornerRadius=3)
    layers.append(
        box.encode(x=at, x2="x2", y=up, y2="y2", fill=vega.channel("fill:N", scale=None), stroke=vega.channel("stroke:N", scale=None))
    )
    layers.append(text_layer(texts, x=at, y=up, size=SIZE))
    layers.append(text_layer(bold, x=at, y=up, size=12.5, weight="bold"))
    return layers
