"""Risk of bias by domain: one light a study and domain, told by its sign as well as its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError
from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, both, finish, marks_of, pixel, pixel_x, text_layer, text_width, wrap
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.rows import label_column, sentence
from nextarm.report.document import Chart, DataTable, Inline, Parts, say

if TYPE_CHECKING:
    from nextarm.synthesis.risk_of_bias import BiasTable

#: Judgement -> (sign, fill, colour of the sign). Words of RoB 2, ROBINS-I and QUIPS share lights of equal weight.
LIGHTS: dict[str, tuple[str, str, str]] = {
    "low": ("+", "s4", "paper"),
    "some concerns": ("–", "h3", "k3"),
    "moderate": ("–", "h3", "k3"),
    "high": ("×", "caution", "paper"),
    "serious": ("×", "caution", "paper"),
    "critical": ("!", "ink", "paper"),
    "no information": ("?", "panel", "ink"),
    "not judged": ("", "paper", "muted"),
}
ROW = 30.0


def traffic_light(table: BiasTable, *, id: str, title: str, caption: Inline | Parts = (), alt_text: str = "", **_: Any) -> Chart:
    """Draw the judgements of one tool; :class:`CallError` for a table without a study or with several tools."""
    tools = list(dict.fromkeys(s.tool for s in table.studies))
    if len(tools) != 1:
        raise CallError(f"chart {id!r} has judgements by {', '.join(tools) or 'no tool'}", rule="must have those of one tool")
    cells: dict[str, dict[str, str]] = {}
    for row in table.table().to_dicts():
        cells.setdefault(row["study"], {})[row["domain"]] = row["judgement"]
    domains = list(next(iter(cells.values())))
    used = [j for j in LIGHTS if any(j in row.values() for row in cells.values())]

    def build(width: int) -> dict[str, Any]:
        return _draw(cells, domains, used, width)

    wide, narrow = both(build)
    told = [f"{study}: {', '.join(f'{d} {j}' for d, j in row.items())}" for study, row in cells.items()]
    data = DataTable(
        caption=f"Data: {title}",
        columns=("Study", *(d.capitalize() for d in domains)),
        rows=tuple((study, *(row[d] for d in domains)) for study, row in cells.items()),
    )
    return Chart(
        id=id, title=title, caption=say(caption), alt=alt_text or f"Risk of bias by domain. {sentence(told)}", wide=wide, narrow=narrow,
        table=data,
    )  # fmt: skip


def _draw(cells: dict[str, dict[str, str]], domains: list[str], used: list[str], width: int) -> dict[str, Any]:
    narrow = width < 500
    size = 11.0 if narrow else 12.5
    # On the narrow sheet a domain is a number, explained under the chart; there is no room for words above eight columns.
    labels = label_column(list(cells), limit=96 if narrow else 200)
    left = (min(labels.width, 100.0) if narrow else labels.width) + 12
    cell = min((width - left - 6) / len(domains), 92.0)
    heads = [str(i + 1) if d != "overall" else "all" for i, d in enumerate(domains)] if narrow else [d.capitalize() for d in domains]
    wrapped = [wrap(h, cell - 2, 10.5, 4) for h in heads]
    top = 14.0 * max(w.count("\n") + 1 for w in wrapped) + 10
    height = ROW * len(cells)
    key = _key(used, width - 8)
    below = [wrap(f"{i + 1}  {d}", width - 12, 11, 1) for i, d in enumerate(domains) if d != "overall"] if narrow else []
    bottom = 16.0 + 20.0 * (1 + max((line for _, line, _ in key), default=0)) + 15.0 * len(below)
    frame = Frame(width, height, left, width - left - cell * len(domains), top, bottom)
    at, up = pixel_x("x", frame.plot), pixel("y", height)
    lights, signs_, lines = [], [], []
    for i, row in enumerate(cells.values()):
        lines.append({"y": ROW * (i + 1)})
        for j, domain in enumerate(domains):
            spot = {"x": (j + 0.5) * cell, "y": ROW * (i + 0.5)}
            sign, fill, ink = LIGHTS[row[domain]]
            lights.append({**spot, "fill": sentinel(fill), "stroke": sentinel("axis" if fill in ("paper", "panel") else fill)})
            signs_.append({**spot, "text": sign, "colour": sentinel(ink)})
    rule = marks_of(lines).mark("rule", color=sentinel("grid"), strokeWidth=1)
    layers: list[Any] = [rule.encode(x=vega.value(-left), x2=vega.value(frame.plot), y=up)]
    layers.append(_discs(lights, at, up, 330))
    layers.append(text_layer([s for s in signs_ if s["text"]], x=at, y=up, size=14, align="center", weight="bold"))
    names = [{"text": t, "y": ROW * (i + 0.5) - 7.0 * t.count("\n")} for i, t in enumerate(labels.texts)]
    layers.append(text_layer(names, x=vega.value(-left), y=up, size=size))
    titles = [{"text": w, "x": (j + 0.5) * cell} for j, w in enumerate(wrapped)]
    layers.append(text_layer(titles, x=at, y=vega.value(-top + 4), size=10.5, align="center", baseline="top", colour="muted"))
    for x, line, word in key:
        y = height + 18.0 + 20.0 * line
        sign, fill, ink = LIGHTS[word]
        stroke = sentinel("axis" if fill in ("paper", "panel") else fill)
        disc = marks_of([{}]).mark("point", shape="circle", filled=True, opacity=1, size=170, fill=sentinel(fill), stroke=stroke)
        layers.append(disc.encode(x=vega.value(x - left + 8), y=vega.value(y)))
        if sign:
            spot_x = vega.value(x - left + 8)
            layers.append(text_layer([{"text": sign}], x=spot_x, y=vega.value(y), size=11, align="center", weight="bold", colour=ink))
        layers.append(text_layer([{"text": word}], x=vega.value(x - left + 20), y=vega.value(y), size=11.5))
    start = height + 18.0 + 20.0 * (1 + max((line for _, line, _ in key), default=0))
    for i, text in enumerate(below):
        layers.append(text_layer([{"text": text}], x=vega.value(-left + 2), y=vega.value(start + 15.0 * i), size=11, colour="muted"))
    return finish(layers, frame)


def _discs(lights: list[dict[str, Any]], at: vega.Channel, up: vega.Channel, size: float) -> Any:
    mark = marks_of(lights).mark("point", shape="circle", filled=True, opacity=1, size=size, strokeWidth=1.25)
    return mark.encode(x=at, y=up, fill=vega.channel("fill:N", scale=None), stroke=vega.channel("stroke:N", scale=None))


def _key(words: list[str], width: float) -> list[tuple[float, int, str]]:
    """Where each word of the key goes: x, line, word."""
    placed, x, line = [], 2.0, 0
    for word in words:
        needed = 20 + text_width(word, 11.5) + 18
        if x + needed > width and x > 2.0:
            x, line = 2.0, line + 1
        placed.append((x, line, word))
        x += needed
    return placed
