"""Names written at what they name: labels at the ends of lines and beside points, moved apart so that none overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nextarm.report.charts import vega
from nextarm.report.charts.frame import Frame, marks_of, text_layer, text_width, wrap
from nextarm.report.charts.palette import DASHES, sentinel

#: The widest a name at the end of a line may be before it is broken, in pixels.
END_LABEL = 150.0


def spread(positions: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move label heights apart to at least ``gap``, in their order, as little as needed, within ``low`` to ``high``.

    >>> spread([10.0, 12.0], gap=14, low=0, high=100)
    [4.0, 18.0]
    """

    def kept(members: list[int]) -> float:
        half = (len(members) - 1) * gap / 2
        return min(max(sum(positions[m] for m in members) / len(members), low + half), max(high - half, low + half))

    order = sorted(range(len(positions)), key=lambda i: positions[i])
    clusters: list[tuple[list[int], float]] = []  # members and the height of the middle
    for i in order:
        members, middle = [i], kept([i])
        while clusters:
            before, centre = clusters[-1]
            if middle - (len(members) - 1) * gap / 2 - (centre + (len(before) - 1) * gap / 2) >= gap:
                break
            clusters.pop()
            members = before + members
            middle = kept(members)  # inside the limits before the next look, or a cluster moved in from the edge meets the one before it
        clusters.append((members, middle))
    moved = [0.0] * len(positions)
    for members, middle in clusters:
        for place, m in enumerate(members):
            moved[m] = middle + (place - (len(members) - 1) / 2) * gap
    return moved


@dataclass(frozen=True)
class PointLabel:
    """A label set beside a point: where it goes and how it is aligned."""

    index: int
    x: float
    y: float
    align: Literal["left", "center", "right"]


def beside_points(
    points: Sequence[tuple[float, float, float]], labels: Sequence[str], *, width: float, height: float, size: float
) -> list[PointLabel]:
    """Set each label right, left, above or below its point ``(x, y, radius)`` where it hits nothing; leave it out otherwise."""
    taken: list[tuple[float, float, float, float]] = [(x - r, y - r, x + r, y + r) for x, y, r in points]
    placed: list[PointLabel] = []
    tall = size * 0.62
    for i, ((x, y, r), label) in enumerate(zip(points, labels, strict=True)):
        wide = text_width(label, size)
        options: tuple[tuple[Literal["left", "center", "right"], float, float, tuple[float, float, float, float]], ...] = (
            ("left", x + r + 4, y, (x + r + 3, y - tall, x + r + 4 + wide, y + tall)),
            ("right", x - r - 4, y, (x - r - 4 - wide, y - tall, x - r - 3, y + tall)),
            ("center", x, y - r - size * 0.7, (x - wide / 2, y - r - size * 1.35, x + wide / 2, y - r - 1)),
            ("center", x, y + r + size * 0.7, (x - wide / 2, y + r + 1, x + wide / 2, y + r + size * 1.35)),
        )
        for align, at_x, at_y, box in options:
            others = (b for j, b in enumerate(taken) if j != i)
            inside = box[0] >= 0 and box[2] <= width and box[1] >= 0 and box[3] <= height
            if inside and not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in others):
                placed.append(PointLabel(i, at_x, at_y, align))
                taken.append(box)
                break
    return placed


def end_labels(texts: Sequence[str], heights: Sequence[float], frame: Frame, tones: Sequence[int] = ()) -> list[vega.Layer]:
    """Series names right of the plot, each at the height where its line ends, in the colour of the series (``tones``, else its place)."""
    lines = max((wrap(t.split("\n")[0], END_LABEL, 12).count("\n") + 1 + t.count("\n") for t in texts), default=1)
    moved = spread(heights, gap=16.0 + 14.0 * (lines - 1), low=0.0, high=frame.height)
    layers: list[vega.Layer] = []
    for i, (text, y) in enumerate(zip(texts, moved, strict=True)):
        name, _, origin = text.partition("\n")
        parts = wrap(name, END_LABEL, 12).split("\n")
        top = y - 7.0 * (len(parts) - 1 + bool(origin))
        at = vega.value(frame.plot + 10)  # heights are pixels: the y scale is that of the data
        for k, part in enumerate(parts):
            layers.append(
                text_layer(
                    [{"text": part}], x=at, y=vega.value(top + 14.0 * k), size=12, weight="bold", colour=f"t{tones[i] if tones else i + 1}"
                )
            )
        if origin:
            layers.append(text_layer([{"text": origin}], x=at, y=vega.value(top + 14.0 * len(parts)), size=11, colour="muted"))
    return layers


def end_label_width(texts: Sequence[str]) -> float:
    """The margin that :func:`end_labels` need right of the plot."""
    parts = [part for text in texts for part in wrap(text.split("\n")[0], END_LABEL, 12).split("\n")]
    origins = [text.split("\n")[1] for text in texts if "\n" in text]
    return max([*(text_width(p, 12) * 1.08 for p in parts), *(text_width(o, 11) for o in origins)]) + 16.0


def line_key(
    texts: Sequence[str],
    *,
    left: float,
    top: float,
    width: float,
    tones: Sequence[int] = (),
    dashes: Sequence[int] = (),
    shapes: Sequence[str] = (),
) -> list[vega.Layer]:
    """Series names one below the other, each behind a piece of its line; for the narrow sheet, where the ends have no room.

    ``tones`` and ``dashes`` are the colour (from 1) and the dash (from 0) of each, by default those of its place; ``shapes`` has
    for a series that is drawn as points their shape, for others nothing.
    """
    layers: list[vega.Layer] = []
    for i, text in enumerate(texts):
        y = top + 17.0 * i
        tone, dash = tones[i] if tones else i + 1, DASHES[dashes[i] if dashes else i]
        if shapes and shapes[i]:
            dot = marks_of([{}]).mark("point", shape=shapes[i], filled=True, size=90, opacity=1, color=sentinel(f"s{tone}"))
            layers.append(dot.encode(x=vega.value(left + 13), y=vega.value(y)))
        else:
            piece = marks_of([{}]).mark("rule", color=sentinel(f"s{tone}"), strokeWidth=2.25, strokeDash=list(dash))
            layers.append(piece.encode(x=vega.value(left), x2=vega.value(left + 26), y=vega.value(y)))
        first, _, second = text.partition("\n")
        first = wrap(first, (width - 34 - 8 - text_width(second, 11)) / 1.08, 11.5, 1)
        layers.append(text_layer([{"text": first}], x=vega.value(left + 34), y=vega.value(y), size=11.5, weight="bold", colour=f"t{tone}"))
        if second:
            beside = left + 34 + text_width(first, 11.5) * 1.08 + 8
            layers.append(text_layer([{"text": second}], x=vega.value(beside), y=vega.value(y), size=11, colour="muted"))
    return layers
