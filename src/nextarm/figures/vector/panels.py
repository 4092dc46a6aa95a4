"""Panels of a drawing: a column of survival values beside a row of times, with step curves between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nextarm.figures.reading import Box
from nextarm.figures.vector.axes import Scale, columns, rows, sharpened
from nextarm.figures.vector.chains import Chain
from nextarm.figures.vector.numbers import Number
from nextarm.figures.vector.scene import Fill, Scene, Stroke, Text

#: A curve starts at S = 1 within this (proportion), or it is no survival curve.
START = 0.006
#: Longest tick mark (share of its axis) that may hang on a drawn axis, and how far off level or upright it is (figure units).
TICK, LEVEL = 0.05, 0.1


@dataclass(frozen=True)
class Panel:
    """Axes with the chains that start where a survival curve starts. ``unit`` turns printed y values to proportions."""

    x: Scale
    y: Scale
    box: Box
    unit: float
    upward: bool
    candidates: tuple[Chain, ...]

    def survival(self, pixel: float) -> float:
        """S at a y position."""
        value = self.y.at(pixel) * self.unit
        return 1.0 - value if self.upward else value


def find_panels(scene: Scene, numbers: list[Number], lines: list[Chain]) -> list[Panel]:
    """All panels with at least one possible curve, left to right in rows from the top."""
    across, up = rows(numbers), columns(numbers)
    found: list[Panel] = []
    for y in up:
        for x in across:
            used = {id(n) for n in y.labels}
            if any(id(n) in used for n in x.labels):
                continue
            if x.across < y.last - y.size and x.across > y.first + y.size:
                continue  # the row of times stands above or below, not beside
            panel = _panel(scene, x, y, lines)
            if panel is not None:
                found.append(panel)
    return _distinct(found)


def _panel(scene: Scene, x: Scale, y: Scale, lines: list[Chain]) -> Panel | None:
    top, bottom = y.first, y.last
    room = 3.0 * max(x.size, y.size)
    span = (min(top, x.across) - room, max(bottom, x.across) + room)
    x = sharpened(x, scene, vertical=False, span=span)
    reach = (min(x.first, y.across) - room, max(x.last, y.across) + room)
    y = sharpened(y, scene, vertical=True, span=reach)
    return panel_between(scene, x, y, lines)


def panel_between(scene: Scene, x: Scale, y: Scale, lines: list[Chain], *, upward: bool | None = None) -> Panel | None:
    """The panel of two axes with the lines that may be its curves; None if none starts where a survival curve starts."""
    unit = 0.01 if y.percent else 1.0
    slack = START + (0.0 if y.ticked else abs(y.slope) * unit * 0.35 * y.size)
    wide = x.last - x.first
    falling, rising, level = [], [], []
    for line in lines:
        a, b = line.points[0], line.points[-1]
        if b[0] - a[0] < 0.02 * wide or a[0] < x.first - 0.25 * wide or a[0] > x.last or b[0] > x.last + 2.0 * wide:
            continue
        time = x.at(float(a[0]))
        if not -0.01 * abs(x.slope) * wide - 1e-9 <= time <= x.at(x.first + 0.75 * wide):
            continue
        start, end = (y.at(float(v)) * unit for v in (a[1], b[1]))
        if not -0.3 <= end <= 1.1:
            continue
        if abs(start - 1.0) <= slack and line.falls > 0.3:
            falling.append(line)
        elif abs(start) <= slack and line.falls < -0.3:
            rising.append(line)
        elif abs(line.falls) < 0.3 and min(abs(start - 1.0), abs(start)) <= slack:
            level.append(line)
    falling = [c for c in falling if not _is_frame(c, x, y)]
    rising = [c for c in rising if not _is_frame(c, x, y)]
    if not falling and not rising:
        return None
    upward = _ink(rising) > _ink(falling) if upward is None else upward
    chosen = rising if upward else falling
    if not chosen:
        return None
    goal = 0.0 if upward else 1.0
    chosen = chosen + [c for c in level if abs(y.at(float(c.points[0, 1])) * unit - goal) <= slack and _eventless(c, lines, x)]
    if not y.ticked:
        shifts = [y.at(float(c.points[0, 1])) - goal / unit for c in chosen]
        y = replace(y, intercept=y.intercept - float(np.median(shifts)))
    return Panel(x, y, _box(scene, x, y, chosen), unit, upward, tuple(chosen))


def _eventless(line: Chain, lines: list[Chain], x: Scale) -> bool:
    """A level line from the start of the axis that can be a curve without an event: in a colour, and no other level line is like it."""
    colourful = max(line.colour) - min(line.colour) >= 40
    starts = abs(x.at(float(line.points[0, 0]))) <= 0.005 * abs(x.slope) * (x.last - x.first)
    twins = [c for c in lines if c is not line and c.style == line.style and len(c.points) == 2 and abs(c.falls) < 0.3]
    return colourful and starts and not any(c.points[1, 0] - c.points[0, 0] > 0.3 * (x.last - x.first) for c in twins)


def _ink(lines: list[Chain]) -> int:
    return sum(len(c.points) for c in lines)


def _is_frame(line: Chain, x: Scale, y: Scale) -> bool:
    """An axis drawn as one bent line: it runs along the axis from end to end with one corner, a tick mark at each end or none."""
    points = line.points
    if len(points) > 3 and abs(points[1, 1] - points[0, 1]) < LEVEL and points[1, 0] - points[0, 0] < TICK * (x.last - x.first):
        points = points[1:]
    if len(points) > 3 and abs(points[-1, 0] - points[-2, 0]) < LEVEL and abs(points[-1, 1] - points[-2, 1]) < TICK * (y.last - y.first):
        points = points[:-1]
    if len(points) > 3:
        return False
    drop = np.abs(np.diff(points[:, 1])).max()
    return bool(drop >= 0.9 * (y.last - y.first))


def _box(scene: Scene, x: Scale, y: Scale, lines: list[Chain]) -> Box:
    """The frame: the smallest rectangle drawn around all labelled positions, else the reach of labels and curves."""
    inner = Box(left=x.first, top=y.first, right=x.last, bottom=y.last)
    best: Box | None = None
    shapes: list[Stroke | Fill] = [
        *scene.fills,
        *(s for s in scene.strokes if s.closed or (len(s.points) == 5 and np.ptp(s.points[[0, 4]], axis=0).max() < 0.01)),
    ]
    for shape in shapes:
        if not 4 <= len(shape.points) <= 5:
            continue
        b = shape.box
        around = b.left <= inner.left + 1 and b.right >= inner.right - 1 and b.top <= inner.top + 1 and b.bottom >= inner.bottom - 1
        tight = b.bottom < inner.bottom + 0.5 * (inner.bottom - inner.top) and b.left > inner.left - 0.5 * (inner.right - inner.left)
        if (
            around
            and tight
            and (best is None or (b.right - b.left) * (b.bottom - b.top) < (best.right - best.left) * (best.bottom - best.top))
        ):
            best = b
    if best is not None and (best.right < x.across or not x.first <= best.right):
        return best
    if best is not None and best.bottom < x.across + x.size:
        return best
    points = np.vstack([c.points for c in lines])
    return Box(
        left=min(inner.left, float(points[:, 0].min())), top=min(inner.top, float(points[:, 1].min())),
        right=max(inner.right, float(points[:, 0].max())), bottom=max(inner.bottom, float(points[:, 1].max())),
    )  # fmt: skip


def _distinct(found: list[Panel]) -> list[Panel]:
    """Each curve in one panel: that whose labels stand nearest to it."""

    def distance(panel: Panel) -> float:
        points = np.vstack([c.points for c in panel.candidates])
        left, bottom = points[:, 0].min(), points[:, 1].max()
        side = abs(left - panel.y.across) if panel.y.across < left + 1 else 3 * abs(left - panel.y.across)
        down = abs(panel.x.across - bottom) if panel.x.across > bottom - 1 else 3 * abs(panel.x.across - bottom)
        return float(side + down)

    kept: list[Panel] = []
    taken: set[tuple[int, ...]] = set()
    for panel in sorted(found, key=distance):
        own = tuple(c for c in panel.candidates if c.paths not in taken)
        if own:
            taken |= {c.paths for c in own}
            kept.append(replace(panel, candidates=own))
    row: list[list[Panel]] = []
    for panel in sorted(kept, key=lambda p: p.box.top):
        if row and panel.box.top < row[-1][0].box.top + 0.5 * (row[-1][0].box.bottom - row[-1][0].box.top):
            row[-1].append(panel)
        else:
            row.append([panel])
    return [p for line in row for p in sorted(line, key=lambda p: p.box.left)]


def title_of(panel: Panel, texts: list[Text]) -> str | None:
    """The text above the panel that is nearest to it, if any."""
    best: tuple[float, str] | None = None
    for text in texts:
        if abs(text.angle) > 3 or not any(c.isalpha() for c in text.text):
            continue
        above = panel.box.top - text.y
        if -0.3 * text.size <= above <= 4 * text.size and panel.box.left - 6 * text.size <= text.left and text.left <= panel.box.right:
            score = above + (0 if text.left <= panel.box.right and text.right >= panel.box.left else 50)
            if best is None or score < best[0]:
                best = (score, text.text)
    return best[1][:200] if best else None
