"""Survival curves: steps with bands, numbers at risk below, and published landmark points with their intervals.

Each curve says where it comes from (observed, reconstructed, simulated, modelled, published points); a step curve of
reconstructed patients must never look like observed data.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.report.charts import vega
from nextarm.report.charts.direct import end_label_width, end_labels, line_key
from nextarm.report.charts.frame import Frame, axis_x, axis_y, both, finish, marks_of, text_layer, text_width
from nextarm.report.charts.palette import DASHES, SERIES, SHAPES, sentinel, tones_of
from nextarm.report.charts.rows import Names, estimate_number, sentence
from nextarm.report.document import Cell, Chart, Column, DataTable, Inline, Number, Parts, Row, say

Origin = Literal["observed", "reconstructed", "simulated", "model", "pooled", "published points"]
#: The widest a name left of the numbers at risk may be; longer names get a line of their own.
RISK_LABEL = 120.0


@dataclass(frozen=True)
class Landmark:
    """A published point: time in years, estimate and interval, and the trail of its row."""

    time: float
    estimate: float
    low: float | None = None
    high: float | None = None
    trail: Trail | None = None
    marks: tuple[str, ...] = ()
    number: Number | None = None


@dataclass(frozen=True)
class Curve:
    """A curve: times in years and probabilities at them (steps, or a smooth line if ``steps`` is false), band, at risk.

    ``at_risk`` holds pairs (time, number); ``landmarks`` are published points drawn over the curve, or alone. ``tone`` (from 1) and
    ``dash`` (from 0) are its colour and dash where its place among the curves is not to choose them.
    """

    name: str
    origin: Origin
    time: tuple[float, ...] = ()
    survival: tuple[float, ...] = ()
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    at_risk: tuple[tuple[float, int], ...] = ()
    landmarks: tuple[Landmark, ...] = ()
    steps: bool = True
    trail: Trail | None = None
    tone: int | None = None
    dash: int | None = None


def survival_curves(
    curves: Sequence[Curve],
    *,
    id: str,
    title: str,
    trail: Trail,
    y_title: str = "Survival",
    x_title: str = "Years",
    x_max: float | None = None,
    y_domain: tuple[float, float] = (0.0, 1.0),
    read_at: Sequence[float] = (),
    caption: Inline | Parts = (),
    alt_text: str = "",
) -> Chart:
    """Draw up to four ``curves``; ``read_at`` are the times of the data table (by default every year).

    Probabilities outside [0, 1] or a step curve whose times do not rise are refused with :class:`CallError`.
    """
    if not 1 <= len(curves) <= SERIES:
        raise CallError(f"chart {id!r} has {len(curves)} curves", rule=f"must have 1 to {SERIES}")
    for c in curves:
        _check(c, id)
    last = max([t for c in curves for t in (*c.time[-1:], *(m.time for m in c.landmarks))], default=1.0)
    end = x_max or last
    times = tuple(read_at) or tuple(float(t) for t in range(0, int(end + 1e-9) + 1))
    names = Names(id)
    rows = [_read(c, times, names, trail) for c in curves]

    def build(width: int) -> dict[str, Any]:
        return _draw(curves, width, x_title=x_title, y_title=y_title, end=end, y_domain=y_domain)

    wide, narrow = both(build)
    texts = [
        f"{c.name} ({c.origin}): " + ", ".join(f"{t:g} years {n.text}" for t, n in row.items()) for c, row in zip(curves, rows, strict=True)
    ]
    shown = sorted({t for row in rows for t in row})
    lines: list[Row] = [(Cell((f"{t:g}",), sort=t), *(row.get(t) for row in rows)) for t in shown]
    columns = (Column(x_title), *(Column(c.name, unit=c.origin, align="right") for c in curves))
    return Chart(
        id=id,
        title=title,
        caption=say(caption),
        alt=alt_text or f"Curves of {y_title} over {x_title}. {sentence(texts)}",
        wide=wide,
        narrow=narrow,
        table=DataTable(caption=f"Data: {title}", columns=columns, rows=tuple(lines)),
    )


def _check(c: Curve, id: str) -> None:
    where = f"chart {id!r}, curve {c.name!r}"
    if not c.time and not c.landmarks:
        raise CallError(f"{where} has neither a curve nor landmarks", rule="must have one of them")
    if len(c.time) != len(c.survival) or any(len(band) != len(c.time) for band in (c.low, c.high) if band is not None):
        raise CallError(f"{where}: times and values differ in number", rule="must be equally many")
    if any(not 0.0 <= v <= 1.0 for part in (c.survival, c.low or (), c.high or ()) for v in part):
        raise CallError(f"{where} leaves the range 0 to 1", rule="must hold probabilities")
    if any(b < a for a, b in zip(c.time, c.time[1:], strict=False)):
        raise CallError(f"{where}: times go back", rule="must rise")


def _read(c: Curve, times: Sequence[float], names: Names, trail: Trail) -> dict[float, Number]:
    """The curve's values at ``times`` and its landmarks, as numbers; no value beyond the end of the curve."""
    found: dict[float, Number] = {}
    for t in times:
        if not c.time or t > c.time[-1] + 1e-9 or t < c.time[0]:
            continue
        i = bisect_right(c.time, t + 1e-12) - 1
        values = [
            None if part is None else part[i] if c.steps or i + 1 == len(c.time) else _between(c.time, part, i, t)
            for part in (c.survival, c.low, c.high)
        ]
        made = estimate_number(
            names, f"{c.name} {t:g}y", values[0], values[1], values[2], format="percent", trail=c.trail or trail, marks=()
        )
        if made:
            found[t] = made
    for m in c.landmarks:
        made = m.number or estimate_number(
            names,
            f"{c.name} published {m.time:g}y",
            m.estimate,
            m.low,
            m.high,
            format="percent",
            trail=m.trail or c.trail or trail,
            marks=m.marks,
        )
        if made:
            found[m.time] = made
    return found


def _between(time: Sequence[float], values: Sequence[float], i: int, t: float) -> float:
    share = (t - time[i]) / (time[i + 1] - time[i]) if time[i + 1] > time[i] else 0.0
    return values[i] + share * (values[i + 1] - values[i])


def _draw(curves: Sequence[Curve], width: int, *, x_title: str, y_title: str, end: float, y_domain: tuple[float, float]) -> dict[str, Any]:
    narrow = width < 500
    texts = [f"{c.name}\n{c.origin}" for c in curves]
    tones, dashes = tones_of([c.tone for c in curves]), [i if c.dash is None else c.dash for i, c in enumerate(curves)]
    risk = [c for c in curves if c.at_risk]
    right = 14.0 if narrow else end_label_width(texts)
    beside = not narrow and all(text_width(c.name, 11.5) <= RISK_LABEL for c in risk)
    left = 42.0 if narrow else max([52.0, *(text_width(c.name, 11.5) + 22 for c in risk if beside)])
    risk_lines = len(risk) * (1 if beside else 2)
    bottom = 50.0 + (24.0 + 17.0 * risk_lines if risk else 0.0)
    frame = Frame(width, 240.0 if narrow else 330.0, left, right, 32.0 + (17.0 * len(curves) if narrow else 0.0), bottom)
    step = next(s for s in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0) if end / s <= (6 if narrow else 8))
    ticks = [k * step for k in range(int(end / step + 1e-9) + 1)]
    x_scale = {"domain": [0.0, end], "nice": False, "clamp": True}
    y_scale = {"domain": list(y_domain), "nice": False, "zero": False, "clamp": True}
    x_line = axis_x(x_title, "decimal", narrow=narrow, ticks=ticks, grid=False)
    y_line = axis_y(y_title, "percent", narrow=narrow)

    def at(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=x_scale, axis=x_line)

    def up(field: str) -> vega.Channel:
        return vega.channel(f"{field}:Q", scale=y_scale, axis=y_line)

    bands: list[Any] = []
    strokes: list[Any] = []
    ends: list[float] = []
    for i, c in enumerate(curves):
        colour = sentinel(f"s{tones[i]}")
        smooth: Literal["step-after", "linear"] = "step-after" if c.steps else "linear"
        data = [{"x": t, "y": s} for t, s in zip(c.time, c.survival, strict=True) if t <= end]
        if c.low is not None and c.high is not None:
            band = [{"x": t, "a": a, "b": b} for t, a, b in zip(c.time, c.low, c.high, strict=True) if t <= end]
            bands.append(marks_of(band).mark("area", color=colour, opacity=0.13, interpolate=smooth).encode(x=at("x"), y=up("a"), y2="b"))
        if data:
            if data[-1]["x"] < end and c.time[-1] > end:
                data.append({"x": end, "y": data[-1]["y"]})
            line = marks_of(data).mark("line", color=colour, strokeWidth=2.25, strokeDash=list(DASHES[dashes[i]]), interpolate=smooth)
            strokes.append(line.encode(x=at("x"), y=up("y"), order=vega.channel("x:Q")))
        points = [{"x": m.time, "y": m.estimate, "a": m.low, "b": m.high} for m in c.landmarks]
        spans = [d for d in points if d["a"] is not None and d["b"] is not None]
        if spans:
            strokes.append(marks_of(spans).mark("rule", color=colour, strokeWidth=1.75).encode(x=at("x"), y=up("a"), y2="b"))
        if points:
            dot = marks_of(points).mark("point", shape=SHAPES[i], filled=True, size=90, opacity=1, color=colour)
            strokes.append(dot.encode(x=at("x"), y=up("y")))
        final = data[-1]["y"] if data else c.landmarks[-1].estimate
        ends.append((y_domain[1] - final) / (y_domain[1] - y_domain[0]) * frame.height)
    layers = [*bands, *strokes]
    layers.append(text_layer([{"text": y_title}], x=vega.value(-left + 2), y=vega.value(-frame.top + 10), size=12, colour="muted"))
    if narrow:
        shapes = ["" if c.time else SHAPES[i] for i, c in enumerate(curves)]
        layers += line_key(texts, left=-left + 4, top=-frame.top + 31, width=width - 8, tones=tones, dashes=dashes, shapes=shapes)
    else:
        layers += end_labels(texts, ends, frame, tones)
    if risk:
        layers += _at_risk(curves, frame, ticks, at, tones, beside=beside)
    return finish(layers, frame)


def _at_risk(
    curves: Sequence[Curve], frame: Frame, ticks: Sequence[float], at: Any, tones: Sequence[int], *, beside: bool
) -> list[vega.Layer]:
    """Numbers at risk under the axis, at its ticks; a time that was not given stays empty."""
    y = frame.height + 62.0
    layers = [text_layer([{"text": "At risk"}], x=vega.value(-frame.left + 4), y=vega.value(y), size=11, colour="muted")]
    y += 18.0
    for i, c in enumerate(curves):
        if not c.at_risk:
            continue
        layers.append(text_layer([{"text": c.name}], x=vega.value(-frame.left + 4), y=vega.value(y), size=11.5, colour=f"t{tones[i]}"))
        y += 0.0 if beside else 17.0
        known = dict(c.at_risk)
        cells = [{"x": t, "text": f"{known[t]}"} for t in ticks if t in known]
        if cells:
            layers.append(text_layer(cells, x=at("x"), y=vega.value(y), size=11.5, align="center"))
        y += 17.0
    return layers
