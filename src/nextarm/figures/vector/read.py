"""A drawing read: panels, axes, curves, marks, names and the table, joined to a :class:`FigureReading`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray
from nextarm.figures.axis_points import doubted
from nextarm.figures.reading import AxisReading, Box, CurveReading, FigureReading, FigureRefused, Grade, ListedPanel
from nextarm.figures.subject import check_subject
from nextarm.figures.vector.axes import Scale
from nextarm.figures.vector.by_hand import chosen, marked_panel, outside
from nextarm.figures.vector.chains import Chain, chains
from nextarm.figures.vector.curves import Line, lines_of
from nextarm.figures.vector.glyphs import join, mended, plain_name
from nextarm.figures.vector.legend import dash_word, names_of
from nextarm.figures.vector.numbers import Number, numbers_of, value_of
from nextarm.figures.vector.panels import Panel, find_panels, title_of
from nextarm.figures.vector.risk_table import Assigned, Row, assign, rows_of
from nextarm.figures.vector.scene import Scene, Text, hex_of
from nextarm.figures.vector.ticks import ticks_of

if TYPE_CHECKING:
    from nextarm.figures.marks import Marks

#: Rounding of coordinates in a file: two decimals.
GRAIN = 0.005
#: Labels whose tick marks leave a line by more than this (figure units) belong to a broken or bent axis.
BENT = 0.6
_UNITS = (
    ("months", r"\bmonths?\b|\bmos?\b|\bmths?\b"),
    ("years", r"\byears?\b|\byrs?\b"),
    ("weeks", r"\bweeks?\b|\bwks?\b"),
    ("days", r"\bdays?\b"),
)


def read_drawing(
    scene: Scene, *, kind: Literal["svg", "pdf"], page: int = 1, panel: int | None = None, marks: Marks | None = None
) -> FigureReading:
    """The reading of one panel of a drawing.

    Args:
        scene: the drawing. kind: the file it came from. page: for the record.
        panel: its number from 1, left to right and down; may be left out where there is one.
        marks: what a user marked by hand.

    Raises:
        FigureRefused: no axes, no curve, or several panels and none asked for. CallError: a panel that is not there.
    """
    if kind == "svg":
        from nextarm.figures.vector.outlines import named

        scene.glyphs, notes = named(scene.glyphs)
        scene.warnings += notes
        scene.texts += join(scene.glyphs)
    scene.texts = [replace(t, text=plain_name(t.text)) for t in mended(scene.texts)]
    numbers = numbers_of(scene.texts)
    if marks is not None and marks.exclude:
        scene.strokes = outside(scene.strokes, marks.exclude)
    lines = chains(scene.strokes)
    by_hand = marks is not None and (marks.x_axis or marks.y_axis or marks.region or marks.upward is not None or marks.percent is not None)
    panels = [marked_panel(scene, numbers, lines, marks)] if marks is not None and by_hand else find_panels(scene, numbers, lines)
    listed = tuple(ListedPanel(number=i + 1, box=p.box, title=title_of(p, scene.texts)) for i, p in enumerate(panels))
    if not panels:
        raise _nothing(scene, lines, numbers)
    if panel is None and len(panels) > 1:
        told = "; ".join(f"{p.number}: {p.title or 'no title'}" for p in listed)
        raise FigureRefused(
            f"the page holds {len(panels)} panels", rule="one is read at a time", cure=f"Choose one with --panel ({told})",
            found=tuple(f"panel {p.number}: {p.title or 'no title'}" for p in listed),
        )  # fmt: skip
    number = panel or 1
    if not 1 <= number <= len(panels):
        raise CallError(f"panel = {number}", rule=f"the page holds panels 1 to {len(panels)}")
    return _read(scene, numbers, panels[number - 1], listed, number, kind, page, marks)


def _read(
    scene: Scene,
    numbers: list[Number],
    panel: Panel,
    listed: tuple[ListedPanel, ...],
    number: int,
    kind: Literal["svg", "pdf"],
    page: int,
    marks: Marks | None,
) -> FigureReading:
    judged = (False, False) if marks is None else (bool(marks.x_axis), bool(marks.y_axis))  # judged by :mod:`axis_points`
    bent = any(a.residual > BENT and not given for a, given in zip((panel.x, panel.y), judged, strict=True))
    if bent and panel.x.ticked and panel.y.ticked:
        raise FigureRefused(
            "the labels of an axis do not lie on a line",
            rule="a broken or logarithmic axis is not read",
            cure="Mark two points of each axis",
        )
    label = _axis_label(scene, panel)
    unit = marks.time_unit if marks is not None and marks.time_unit else time_unit_of(label or "")
    doubts = check_subject(
        x_label=label, y_label=_side_label(scene, panel), unit=unit, upward=panel.upward,
        x_range=(float(panel.x.values.min()), float(panel.x.values.max())), settled=marks is not None and marks.time_unit is not None,
    )  # fmt: skip
    lines, notes = lines_of(panel)
    if marks is not None and marks.curves:
        lines = chosen(lines, marks)
    if not lines:
        raise FigureRefused("axes but no curve was found", found=(_say(panel.x, "x"), _say(panel.y, "y")))
    warnings = [*scene.warnings, *doubts, *notes, *_strays(numbers, panel)]
    ticks, unsure = ticks_of(scene, panel, lines)
    warnings += unsure
    found = names_of(scene, panel, lines)
    floor = min([p.box.top for p in listed if p.box.top > panel.x.across + panel.x.size] or [scene.height + 1])
    apart = 0.5 * float(np.diff(np.sort(panel.x.positions)).min())
    level = [p.box for p in listed if p.box.top < panel.box.bottom and p.box.bottom > panel.box.top]
    left = max([b.right + apart for b in level if b.right < panel.box.left], default=-np.inf)
    right = min([panel.box.right + apart for b in level if b.left > panel.box.right], default=np.inf)
    rows = rows_of(scene, panel, floor, label, within=(left, right))
    table, unsure = assign(rows, lines, [n[0] if n else None for n in found], panel, scene)
    warnings += unsure
    time_band = abs(panel.x.slope) * (panel.x.residual + GRAIN) if panel.x.ticked else abs(panel.x.slope) * 0.1 * panel.x.size
    band = abs(panel.y.slope) * panel.unit * (panel.y.residual + GRAIN)
    if not panel.y.ticked:
        warnings.append("no tick marks or grid lines stand at the labels of the y axis: it was set by the start of the curves at 1")
        band = max(band, abs(panel.y.slope) * panel.unit * panel.y.residual)
    curves = []
    for k, (line, pair, name, row) in enumerate(zip(lines, ticks, found, table, strict=True)):
        by_hand = marks.curves[k].arm if marks is not None and k < len(marks.curves) else None
        if by_hand:
            arm, named_by = by_hand, "marks"
        elif name is not None:
            arm, named_by = name
        elif row is not None and row.row.names and row.how in ("colour", "curve", "only"):
            arm, named_by = row.row.names[0], "risk-table"
        else:
            arm, named_by = f"curve {k + 1}", None
        curves.append(_curve(line, panel, arm, named_by, pair, row, rows, band, time_band))
    if len({c.arm for c in curves}) < len(curves):
        curves = [replace(c, arm=f"{c.arm} ({i + 1})") for i, c in enumerate(curves)]
        warnings.append("two curves carry the same name; they were numbered")
    unnamed = sum(c.named_by is None for c in curves)
    if unnamed and len(curves) > 1:
        warnings.append(f"no name was found for {unnamed} of {len(curves)} curves")
    if any(line.cut for line in lines):
        warnings.append("lines go on beyond the frame; they were read up to it")
    reading = FigureReading(
        trail=Trail(method="strokes of a vector drawing, axes from their labels and tick marks", inputs=()),
        warnings=tuple(warnings), curves=tuple(curves),
        x_axis=_axis(panel.x, label, unit, 1.0, marked=marks is not None and bool(marks.x_axis)),
        y_axis=_axis(panel.y, _side_label(scene, panel), None, panel.unit, marked=marks is not None and bool(marks.y_axis)),
        upward=panel.upward, box=panel.box, file_kind=kind, method="vector", width=scene.width, height=scene.height,
        time_unit=unit, page=page, panel=number, panels=listed,
        grade=_grade(panel, curves, warnings, unnamed, marked=marks is not None and bool(marks.y_axis)),
    )  # fmt: skip
    return doubted(reading)


def _curve(
    line: Line, panel: Panel, arm: str, named_by: object, pair: tuple[FloatArray, IntArray], row: Assigned | None, rows: list[Row],
    band: float, time_band: float,
) -> CurveReading:  # fmt: skip
    """A line in positions as a curve in the figure's units."""
    time = panel.x.intercept + panel.x.slope * line.x
    survival = np.array([panel.survival(float(v)) for v in line.y])
    warnings = []
    if abs(survival[0] - 1.0) <= max(0.003, 2 * band):
        survival[0] = 1.0
    if np.any(survival < -2 * band - 0.002) or np.any(survival > 1 + 2 * band + 0.002):
        warnings.append("the line leaves the range from 0 to 1 and was cut there")
    survival = np.where(np.abs(survival) <= band, 0.0, survival)  # a curve that comes down to the axis comes down to 0
    survival = np.minimum.accumulate(np.clip(survival, 0.0, 1.0))
    time = np.maximum.accumulate(np.maximum(time, 0.0))
    if time[0] > 2 * time_band + 1e-9 and survival[0] == 1.0:
        time, survival = np.concatenate([[0.0], time]), np.concatenate([[1.0], survival])
    else:
        time[0] = 0.0
    xs, counts = pair
    risk_times, risk = np.zeros(0), np.zeros(0)
    if row is not None:
        risk_times, risk = row.row.times, row.row.counts
        every = np.unique(np.concatenate([r.times for r in rows]))
        if len(every) > len(risk_times):
            full = np.full(len(every), np.nan)
            full[np.searchsorted(every, risk_times)] = risk
            risk_times, risk = every, full
    return CurveReading(
        arm=arm, named_by=named_by, colour=hex_of(line.chain.colour), dash=dash_word(line.chain.dash, line.chain.width),  # type: ignore[arg-type]
        time=time, survival=survival, end_time=float(max(panel.x.at(line.end), time[-1])),
        ticks=np.maximum(panel.x.intercept + panel.x.slope * xs, 0.0) if len(xs) else np.zeros(0),
        tick_low=np.asarray(counts, np.int64), tick_high=np.asarray(counts, np.int64),
        at_risk_times=risk_times, at_risk=risk, band=np.full(len(time), band), time_band=float(time_band), warnings=tuple(warnings),
    )  # fmt: skip


def _axis(scale: Scale, label: str | None, unit: str | None, factor: float, *, marked: bool) -> AxisReading:
    return AxisReading(
        label=label, unit=unit, pixels=scale.positions, values=scale.values * factor, slope=scale.slope * factor,
        intercept=scale.intercept * factor, residual_px=scale.residual, percent=factor != 1.0, source="marks" if marked else "text",
    )  # fmt: skip


def _axis_label(scene: Scene, panel: Panel) -> str | None:
    """The words nearest under the labels of the time axis, over its middle part, not in a row of numbers."""
    x, ys = panel.x, [t.centre_y for t in scene.texts if abs(t.angle) < 3 and value_of(t.text) is not None]
    best: tuple[float, str] | None = None
    for text in scene.texts:
        down = text.centre_y - x.across
        if abs(text.angle) > 3 or down < 0.6 * x.size or not any(c.isalpha() for c in text.text):
            continue
        if any(abs(text.centre_y - y) < 0.5 * text.size for y in ys) or not x.first <= text.middle <= x.last + 0.1 * (x.last - x.first):
            continue
        # A time unit in the words outweighs distance: a table may stand between axis and label.
        score = down - (1000.0 if time_unit_of(text.text) else 0.0)
        if (down <= 4.5 * text.size or time_unit_of(text.text)) and (best is None or score < best[0]):
            best = (score, text.text)
    return best[1][:200] if best else None


def _side_label(scene: Scene, panel: Panel) -> str | None:
    """The upright words beside the labels of the survival axis."""
    best: tuple[float, str] | None = None
    for text in scene.texts:
        if abs(abs(text.angle) - 90) > 3 or not any(c.isalpha() for c in text.text):
            continue
        away = abs(text.x - panel.y.across)
        if panel.y.first - 20 <= text.y <= panel.y.last + 200 and (best is None or away < best[0]):
            best = (away, text.text)
    return best[1][:200] if best else None


def time_unit_of(words: str) -> str | None:
    """The time unit that words name, if they name one only."""
    hits = [unit for unit, pattern in _UNITS if re.search(pattern, words, re.I)]
    return hits[0] if len(hits) == 1 else None


def _grade(panel: Panel, curves: list[CurveReading], warnings: list[str], unnamed: int, *, marked: bool) -> Grade:
    """A: axes at tick marks, nothing doubted. B: a small doubt. C: names or the table not certain. D: the axis itself is doubtful.

    Points of an axis of survival that was ``marked`` by hand are judged in :mod:`nextarm.figures.axis_points`.
    """
    if len(panel.x.values) < 3 or len(panel.y.values) < 3 or (panel.y.residual > 1.0 and not marked):
        return "D"
    if (unnamed and len(curves) > 1) or any("not certain" in w or "does not agree" in w or "same name" in w for w in warnings):
        return "C"
    doubt = not (panel.x.ticked and panel.y.ticked) or any(c.warnings for c in curves) or any("lie on two curves" in w for w in warnings)
    return "B" if doubt else "A"


def _strays(numbers: list[Number], panel: Panel) -> list[str]:
    """Numbers between the labels of an axis that do not lie on its line: something was read wrong, or printed wrong."""
    notes = []
    for name, scale, along, across in (("x", panel.x, "x", "y"), ("y", panel.y, "y", "x")):
        b = panel.box
        inside = (b.left - scale.size, b.right + scale.size) if name == "x" else (b.top - scale.size, b.bottom + scale.size)
        if name == "y":  # below a break the axis may go on farther than its labels and curves tell: to the row of times
            inside = (min(inside[0], panel.x.across + scale.size), max(inside[1], panel.x.across - 0.5 * scale.size))
        for n in numbers:
            place = getattr(n, along)
            level = abs(getattr(n, across) - scale.across) < 0.34 * scale.size or (
                name == "y" and bool(scale.labels) and abs(n.right - scale.labels[0].right) < 1.0
            )
            if scale.labels and level and inside[0] <= place <= inside[1] and abs(scale.where(n.value) - place) > scale.size:
                notes.append(
                    f"the number {n.text.text} among the labels of the {name} axis does not lie on its line: the axis is not certain"
                )
    return notes


def _say(scale: Scale, name: str) -> str:
    return f"{name} axis: {len(scale.values)} labels from {scale.values.min():g} to {scale.values.max():g}"


def _nothing(scene: Scene, lines: list[Chain], numbers: list[Number]) -> FigureRefused:
    """The refusal of a drawing in which no panel was found, as exact as can be."""
    found = (f"{len(scene.strokes)} strokes, {len(scene.texts)} texts, {len(numbers)} of them numbers, {len(scene.bitmaps)} bitmaps",)
    if not scene.strokes:
        what, cure = "the drawing holds no lines", "If the figure is a bitmap inside the file, save it as PNG"
    elif not numbers:
        what = "no number of an axis can be read: the drawing may show its text as outlines"
        cure = "Fill the axis points of the marks file"
    else:
        what = "no survival curve between axes from 0 to 1 (or 0 to 100) was found"
        cure = "Fill the axis points of the marks file, or check that the figure shows survival"
    return FigureRefused(what, cure=cure, found=found)


__all__ = ["Box", "Text", "read_drawing", "time_unit_of"]
