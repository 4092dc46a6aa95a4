"""The sheet a chart is drawn on: exact size, margins, axes in the house style, and layers of marks.

Every chart has two sheets, 760 and 350 pixels wide. Sizes are exact (Vega's own layout is switched off), so text widths
are estimated here from the proportions of common sans-serif faces; the estimate is a little generous because the
reader's font is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nextarm.report.charts import vega
from nextarm.report.charts.palette import sentinel
from nextarm.report.charts.svg import FONT
from nextarm.report.formats import MINUS, NO_BREAK, parse_format

WIDE = 760
NARROW = 350

#: Thousandths of the font size that the signs from space to tilde take in Helvetica and the faces made to match it.
_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 1015 "
    "667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 "
    "556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_WIDTH = {chr(32 + i): int(w) / 1000.0 for i, w in enumerate(_WIDTHS.split())} | {NO_BREAK: 0.2, MINUS: 0.584, "–": 0.556, "·": 0.333}

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Frame:
    """A sheet: whole width, height of the plot, and the margins around it (left, right, top, bottom) in pixels."""

    width: int
    height: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def narrow(self) -> bool:
        """Whether this is the sheet for small screens."""
        return self.width < 500

    @property
    def plot(self) -> float:
        """The width of the plot between the margins."""
        return self.width - self.left - self.right


def text_width(text: str, size: float = 12.0) -> float:
    """The width of ``text`` in pixels at a font size, a little generous because the reader's font is not known."""
    return sum(_WIDTH.get(sign, 0.7) for sign in text) * size * 1.04


def wrap(text: str, width: float, size: float = 12.0, lines: int = 2) -> str:
    """Break ``text`` into at most ``lines`` lines of ``width`` pixels; what does not fit ends in an ellipsis.

    >>> wrap("one two three", 50, 12)
    'one two\\nthree'
    """
    words = text.split()
    made: list[str] = []
    while words and len(made) < lines:
        line = words.pop(0)
        while words and text_width(f"{line} {words[0]}", size) <= width:
            line = f"{line} {words.pop(0)}"
        made.append(line)
    if words:
        made[-1] = f"{made[-1]} {' '.join(words)}"
    for i, line in enumerate(made):
        if text_width(line, size) > width:
            while line and text_width(f"{line}…", size) > width:
                line = line[:-1]
            made[i] = f"{line.rstrip()}…"
    return "\n".join(made)


def shortened(text: str, width: float, size: float = 12.0) -> str:
    """``text`` on one line of ``width`` pixels; what does not fit is left out in its middle, since names that begin alike end apart.

    >>> shortened("cohorts 1+2, age up to 90 days", 150, 12)
    'cohorts 1+2,…p to 90 days'
    """
    if text_width(text, size) <= width:
        return text
    kept = len(text) - 1
    while kept > 2 and text_width(f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}", size) > width:
        kept -= 1
    return f"{text[: kept // 2].rstrip()}…{text[-(kept - kept // 2) :].lstrip()}"


def marks_of(rows: Rows) -> vega.Layer:
    """A layer over ``rows``; a mark and its channels follow."""
    return vega.Layer(rows)


def pixel(field: str, height: float) -> vega.Channel:
    """A y channel in pixels from the top."""
    return vega.channel(f"{field}:Q", scale={"domain": [0, height], "range": [0, height], "nice": False, "zero": False}, axis=None)


def pixel_x(field: str, width: float) -> vega.Channel:
    """An x channel in pixels from the left of the plot."""
    return vega.channel(f"{field}:Q", scale={"domain": [0, width], "range": [0, width], "nice": False, "zero": False}, axis=None)


def text_layer(
    rows: Rows,
    *,
    x: Any,
    y: Any,
    colour: str = "ink",
    size: float = 12,
    align: Literal["left", "center", "right"] = "left",
    weight: Literal["normal", "bold"] = "normal",
    baseline: Literal["top", "middle"] = "middle",
    dx: float = 0,
    dy: float = 0,
) -> vega.Layer:
    """A layer that writes the field ``text`` of each row, broken at line ends; a field ``colour`` overrides ``colour``."""
    by_row = any("colour" in row for row in rows)
    made = marks_of(rows).mark(
        "text",
        fontSize=size,
        align=align,
        baseline=baseline,
        fontWeight=weight,
        lineBreak="\n",
        lineHeight=size * 1.25,
        dx=dx,
        dy=dy,
        color=sentinel(colour),
    )
    channels: dict[str, Any] = {"x": x, "y": y, "text": vega.channel("text:N")}
    if by_row:
        channels["color"] = vega.channel("colour:N", scale=None)
    layer: vega.Layer = made.encode(**channels)
    return layer


def axis_x(title: str, spec: str, *, narrow: bool, ticks: Sequence[float] | None = None, grid: bool = True) -> vega.Axis:
    """The horizontal axis in the house style; ``spec`` is a number format of :mod:`nextarm.report.formats`."""
    return _axis(title, spec, narrow=narrow, ticks=ticks, grid=grid, domain=True, upright=False)


def axis_y(title: str, spec: str, *, narrow: bool, ticks: Sequence[float] | None = None, grid: bool = True) -> vega.Axis:
    """The vertical axis in the house style: grid lines and labels, the title written above, level with the text."""
    return _axis("", spec, narrow=narrow, ticks=ticks, grid=grid, domain=False, upright=True)


def _axis(title: str, spec: str, *, narrow: bool, ticks: Sequence[float] | None, grid: bool, domain: bool, upright: bool) -> vega.Axis:
    extra: dict[str, Any] = {"values": list(ticks)} if ticks is not None else {"tickCount": 4 if narrow else 6}
    return dict(
        title=title or None,
        titleFontSize=12,
        titleFontWeight="normal",
        titleColor=sentinel("muted"),
        titlePadding=8,
        labelExpr=_label_expression(spec),
        labelFontSize=11 if narrow else 11.5,
        labelColor=sentinel("muted"),
        labelPadding=6 if upright else 4,
        labelFlush=False,
        labelOverlap=True,
        grid=grid,
        gridColor=sentinel("grid"),
        gridWidth=1,
        domain=domain,
        domainColor=sentinel("axis"),
        ticks=not upright,
        tickSize=4,
        tickColor=sentinel("axis"),
        **extra,
    )


def _label_expression(spec: str) -> str:
    """A Vega expression that writes an axis label in a number format (formats are ours, never a user's text)."""
    name, how = parse_format(spec)
    if name == "year":
        return "format(datum.value, 'd')"
    sign = f"replace(format(datum.value * {how.scale}, '~r'), '-', '{MINUS}')"
    if name in ("percent", "points", "signed-points"):
        sign = f"replace(format(round(datum.value * {how.scale} * 10) / 10, '~g'), '-', '{MINUS}')"
    return f"{sign} + '{NO_BREAK}%'" if name == "percent" else sign


def finish(layers: Sequence[vega.Layer], frame: Frame) -> dict[str, Any]:
    """Put layers on the sheet and return the Vega-Lite specification."""
    return {
        "$schema": vega.SCHEMA,
        "width": frame.plot,
        "height": frame.height,
        "autosize": {"type": "none", "contains": "content"},
        "padding": {"left": frame.left, "right": frame.right, "top": frame.top, "bottom": frame.bottom},
        "config": {"font": FONT, "aria": False, "background": sentinel("paper"), "view": {"stroke": None}},
        "layer": [layer.spec() for layer in layers],
    }


def both(build: Callable[[int], dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call ``build`` for the wide and the narrow sheet."""
    return build(WIDE), build(NARROW)


def nice_domain(
    values: Sequence[float], *, include: Sequence[float] = (), inside: tuple[float, float] | None = None
) -> tuple[float, float]:
    """A domain around ``values`` with a little air, rounded outward to steps of 1, 2 or 5, and kept ``inside`` if given.

    >>> nice_domain([0.21, 0.58])
    (0.2, 0.6)
    """
    both_ends = [*values, *include]
    if not both_ends:
        return inside or (0.0, 1.0)
    low, high = min(both_ends), max(both_ends)
    span = high - low or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span))
    for part in (0.1, 0.2, 0.5):
        if span / (step * part) <= 10:
            step *= part
            break
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if high - low < step / 2:
        low, high = low - step, high + step
    if inside is not None:
        low, high = max(low, inside[0]), min(high, inside[1])
    return round(low, 12), round(high, 12)
