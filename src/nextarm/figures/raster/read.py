"""A raster figure read: panel, axes and text, the curves traced, names and numbers at risk joined to them, all checked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.figures.axis_points import doubted
from nextarm.figures.raster.calibrate import CalibratedPanel, calibrate
from nextarm.figures.raster.counted import largest_counts
from nextarm.figures.raster.legend import colour_distance
from nextarm.figures.raster.match import SAME_COLOUR, agreement, match_arms
from nextarm.figures.raster.panel import RGB, ArmHint, PixelAxis, TracedCurve, TracedPanel
from nextarm.figures.raster.risk_table import RiskRow
from nextarm.figures.raster.trace import trace_curves
from nextarm.figures.reading import AxisReading, Box, CurveReading, FigureReading, FigureRefused, Grade, Kind, ListedPanel
from nextarm.figures.subject import check_subject

if TYPE_CHECKING:
    from nextarm.figures.marks import Marks

#: Pictures with a longer side than this are reduced first: more pixels add time, not accuracy.
LARGEST_SIDE = 1600
#: How far the first level of a curve may be from S = 1 before the survival axis is doubted.
START_AT_ONE = 0.06
#: Drops for each pixel of width from which a line is as good as slanted.
SLANTED = 0.25
#: Marks beyond what the table leaves from which the marks of a curve are doubted.
MARKS_BEYOND = 3
DASHES = {"dashdot": "dash-dotted"}


def read_raster(rgb: NDArray[np.uint8], marks: Marks | None = None, *, panel: int | None = None, file_kind: Kind = "png") -> FigureReading:
    """Curves, censor ticks and numbers at risk of one panel of a picture.

    Args:
        rgb: The picture, 8 bits a channel, shape (rows, columns, 3).
        marks: What was marked by hand, in pixels of this picture.
        panel: Number of the panel from 1, left to right and then down; may be left out where there is one.
        file_kind: Kind of the file, for the record.

    Returns:
        The reading, its positions in pixels of ``rgb``, times in the figure's own unit.

    Raises:
        FigureRefused: Axes or curves cannot be read, or not with confidence; it holds what was found and a marks file to complete.
        CallError: A panel that is not there.
    """
    scale = min(1.0, LARGEST_SIDE / max(rgb.shape[:2]))
    small = rgb if scale == 1.0 else _reduced(rgb, scale)
    near = marks if marks is None or scale == 1.0 else _scaled_marks(marks, scale)
    try:
        panels = calibrate(small, near)
        listed = tuple(ListedPanel(number=k, box=_box(p, scale), title=p.title) for k, p in enumerate(panels, start=1))
        if panel is None and len(panels) > 1:
            raise FigureRefused(
                f"the figure holds {len(panels)} panels", rule="one is read at a time", cure=f"Choose one with --panel 1 to {len(panels)}",
                found=tuple(f"panel {p.number}: {p.title or 'no title'}" for p in listed),
            )  # fmt: skip
        number = panel or 1
        if not 1 <= number <= len(panels):
            raise CallError(f"panel = {number}", rule=f"the figure holds panels 1 to {len(panels)}")
        chosen = panels[number - 1]
        doubts = check_subject(
            x_label=chosen.x_label, y_label=chosen.y_label, unit=chosen.unit, upward=chosen.panel.upward,
            x_range=(float(chosen.x_fit.values.min()), float(chosen.x_fit.values.max())),
            settled=marks is not None and marks.time_unit is not None,
        )  # fmt: skip
        chosen = replace(chosen, warnings=(*chosen.warnings, *doubts))
        traced = trace_curves(small, chosen.panel, hints=chosen.panel.arm_hints)
        return _joined(chosen, traced, scale, rgb.shape[:2], listed, number, file_kind)
    except FigureRefused as refusal:
        if refusal.marks is not None and scale != 1.0:
            refusal.marks = _scaled_marks(refusal.marks, 1 / scale)
        raise


def _reduced(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _scaled_marks(marks: Marks, scale: float) -> Marks:
    """Marks for a picture that is ``scale`` times as large."""

    def point(p: tuple[float, float]) -> tuple[float, float]:
        return (p[0] * scale, p[1] * scale)

    def region(r: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        return (r[0] * scale, r[1] * scale, r[2] * scale, r[3] * scale)

    return marks.model_copy(
        update={
            "region": region(marks.region) if marks.region else None,
            "exclude": tuple(region(r) for r in marks.exclude),
            "x_axis": tuple(p.model_copy(update={"pixel": p.pixel * scale}) for p in marks.x_axis),
            "y_axis": tuple(p.model_copy(update={"pixel": p.pixel * scale}) for p in marks.y_axis),
            "curves": tuple(c.model_copy(update={"points": tuple(point(p) for p in c.points)}) for c in marks.curves),
        }
    )


def _box(p: CalibratedPanel, scale: float) -> Box:
    q = p.panel
    return Box(left=q.left / scale, top=q.top / scale, right=q.right / scale, bottom=q.bottom / scale)


def _joined(
    p: CalibratedPanel, traced: TracedPanel, scale: float, shape: tuple[int, int], listed: tuple[ListedPanel, ...], number: int, kind: Kind
) -> FigureReading:
    panel, warnings = p.panel, [*p.warnings, *traced.warnings]
    found = (
        f"time axis {p.x_fit.values.min():g} to {p.x_fit.values.max():g}",
        f"survival axis {p.y_fit.values.min():g} to {p.y_fit.values.max():g}",
    )
    if not traced.curves:
        raise FigureRefused("axes but no curve was found", found=found, cure="Give the colours of the curves in the marks file")
    y = _anchored(panel.y, traced)
    curves = [_curve(c, panel.x, y, p) for c in traced.curves]
    if max(float(c.survival[0]) for c in curves) < 1 - START_AT_ONE and p.source == "text":
        best = max(float(c.survival[0]) for c in curves)
        raise FigureRefused(
            f"no curve starts at 1 (the highest starts at {best:.2f})", rule="a survival curve starts at 1", found=found,
            cure="Check the survival axis; give two of its points in the marks file",
        )  # fmt: skip
    names = match_arms(traced, panel.arm_hints, p.rows, curves, p.times)
    warnings += names.warnings
    _marked_colours(panel.arm_hints, names.hints, curves, found)
    curves = [replace(c, warnings=(*c.warnings, *_slanted(t))) for c, t in zip(curves, traced.curves, strict=True)]
    out: list[CurveReading] = []
    for k, (c, hint) in enumerate(zip(curves, names.hints, strict=True)):
        row = p.rows[hint] if hint is not None and hint < len(p.rows) else None
        label = panel.arm_hints[hint] if hint is not None else None
        named = label is not None and label.where in ("legend", "risk-table", "direct", "marks")
        out.append(
            replace(
                c,
                arm=label.name if label is not None and named else f"curve {k + 1}",
                named_by=label.where if label is not None and named else None,  # type: ignore[arg-type]
                at_risk_times=np.array(p.times) if row else np.zeros(0),
                at_risk=_cells(row, c, p) if row else np.zeros(0),
            )
        )
    out, doubled = _told_apart(out)
    warnings += doubled
    out = [_counted(c, t, panel.x) for c, t in zip(out, traced.curves, strict=True)]
    disagree = [c.arm for c in out if agreement(c.survival_at, c.at_risk_times, c.at_risk) > 0.05]
    if disagree and len(disagree) == sum(c.at_risk.size > 0 for c in out) and len(disagree) > 1 and p.source == "text":
        raise FigureRefused(
            "the curves do not agree with the at-risk table", rule="the share at risk cannot exceed the survival curve", found=found,
            cure="Check the axes; give two points of each in the marks file",
        )  # fmt: skip
    warnings += [f"the numbers at risk do not agree with the curve of '{a}'" for a in disagree]
    warnings += [w for c in out if (w := _ends_early(c))]
    if panel.n_arms is not None and panel.n_arms != len(out):
        warnings.append(f"{panel.n_arms} arms are named in the figure, curves found: {len(out)}")
    if panel.upward:
        warnings.append("the figure shows 1 - S; the curves are given as S")
    reading = FigureReading(
        trail=Trail(method="pixels of a picture: axes from printed labels and tick marks, curves by dynamic programming", inputs=()),
        warnings=tuple(dict.fromkeys(warnings)), curves=tuple(out), x_axis=_x_axis(p, scale), y_axis=_y_axis(p, scale), upward=panel.upward,
        box=_box(p, scale), file_kind=kind, method="raster", width=float(shape[1]), height=float(shape[0]), time_unit=p.unit,
        grade=_grade(p, out, warnings, bool(disagree)), panel=number, panels=listed,
    )  # fmt: skip
    return doubted(reading)


def _ends_early(c: CurveReading) -> str:
    """A word on a curve that ends before two or more printed numbers at risk that are above 0: a line may end after its last death, but
    seldom so much earlier than the patients."""
    later = (c.at_risk_times > c.end_time + 1e-9 * max(1.0, c.end_time)) & (c.at_risk > 0)
    if later.sum() < 2:
        return ""
    t, n = c.at_risk_times[later][0], c.at_risk[later][0]
    return f"the line of '{c.arm}' ends at {c.end_time:.3g} though {n:g} are at risk at {t:g} and some later still: its end is not certain"


def _slanted(c: TracedCurve) -> tuple[str, ...]:
    """A word on a line that goes down pixel by pixel: a smooth or slanted line would be read as a fall in many small steps."""
    drops = -np.diff(c.y) if c.y[-1] < c.y[0] else np.diff(c.y)
    drops = drops[drops > 0]
    wide = float(c.end - c.x[0])
    if drops.size < SLANTED * wide or not drops.size or float(np.median(drops)) > 2.5:
        return ()
    return (f"{drops.size} drops within {wide:.0f} pixels: whether the line is a step curve or runs slanted is not certain",)


def _marked_colours(hints: tuple[ArmHint, ...], given: tuple[int | None, ...], curves: list[CurveReading], found: tuple[str, ...]) -> None:
    """Refuse where a curve that was marked by its colour is not in the picture: another curve must not take its name."""
    for i, hint in enumerate(hints):
        if hint.where != "marks" or hint.colour is None:
            continue
        own = [c.colour for c, h in zip(curves, given, strict=True) if h == i]
        if not own or colour_distance(_rgb(own[0]), hint.colour) > SAME_COLOUR:
            wanted = "#{:02x}{:02x}{:02x}".format(*hint.colour)
            raise FigureRefused(
                f"no curve of the colour {wanted} was found", found=found, cure="Give one of " + ", ".join(c.colour for c in curves)
            )


def _rgb(colour: str) -> RGB:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def _anchored(y: PixelAxis, traced: TracedPanel) -> PixelAxis:
    """The survival axis moved by the part of a pixel by which flat starts of the curves miss S = 1 (programs round lines to pixels)."""
    one = float(y.pixel(1.0))
    off = [float(c.y[0]) - one for c in traced.curves if len(c.x) > 1 and c.x[1] - c.x[0] >= 3]
    shift = float(np.median(off)) if off else 0.0
    return PixelAxis(slope=y.slope, intercept=y.intercept - y.slope * shift) if abs(shift) <= 1.0 else y


def _curve(c: TracedCurve, x: PixelAxis, y: PixelAxis, p: CalibratedPanel) -> CurveReading:
    """One curve in the figure's units; names and table are joined later."""
    time = np.maximum.accumulate(np.maximum(x.value(c.x), 0.0))
    survival = y.value(c.y)
    band = np.abs(y.slope) * (c.uncertainty + 0.5 * p.y_fit.residual)
    pixel = abs(y.slope)
    if survival[0] > 1 - 1.5 * pixel:
        survival[0] = 1.0
    survival = np.minimum.accumulate(np.clip(survival, 0.0, 1.0))
    if time[0] <= 2 * abs(x.slope):
        time[0] = 0.0
    elif survival[0] == 1.0:
        time, survival, band = np.r_[0.0, time], np.r_[1.0, survival], np.r_[band[:1], band]
    order = np.argsort(c.ticks)
    count = c.tick_count[order]
    return CurveReading(
        arm="", named_by=None, colour="#{:02x}{:02x}{:02x}".format(*c.colour), dash=DASHES.get(c.dash, c.dash),
        time=time, survival=survival,
        end_time=float(max(x.value(c.end), time[-1])), ticks=np.maximum(x.value(c.ticks[order]), 0.0) if len(c.ticks) else np.zeros(0),
        tick_low=np.maximum(count, 1).astype(np.int64), tick_high=np.maximum(count, 1).astype(np.int64),
        at_risk_times=np.zeros(0), at_risk=np.zeros(0), band=band, time_band=float(abs(x.slope) * (0.5 + 0.5 * p.x_fit.residual)),
        warnings=c.warnings,
    )  # fmt: skip


def _counted(c: CurveReading, t: TracedCurve, x: PixelAxis) -> CurveReading:
    """The curve with how many censorings each of its marks may stand for; a word where there are more marks than the table leaves."""
    if not c.ticks.size:
        return c
    found = largest_counts(c.ticks, c.tick_low, t.tick_extra[np.argsort(t.ticks)], c, blind=x.value(t.blind), missed=t.missed)
    told = c.warnings
    if found.beyond > max(MARKS_BEYOND, 0.1 * c.ticks.size):
        told = (*told, f"{found.beyond} marks more than the numbers at risk leave for censoring: the marks of this curve are not certain")
    return replace(c, tick_high=found.high, warnings=told)


def _cells(row: RiskRow, c: CurveReading, p: CalibratedPanel) -> NDArray[np.float64]:
    return np.array([np.nan if v is None else float(v) for v in row.cells])


def _told_apart(curves: list[CurveReading]) -> tuple[list[CurveReading], list[str]]:
    """Curves with names of their own."""
    arms = [c.arm for c in curves]
    if len(set(arms)) == len(arms):
        return curves, []
    seen: dict[str, int] = {}
    out = []
    for c in curves:
        seen[c.arm] = seen.get(c.arm, 0) + 1
        out.append(c if arms.count(c.arm) == 1 else replace(c, arm=f"{c.arm} ({seen[c.arm]})"))
    return out, ["two curves carry the same name; they were numbered"]


def _x_axis(p: CalibratedPanel, scale: float) -> AxisReading:
    f = p.x_fit
    return AxisReading(
        label=p.x_label, unit=p.unit, pixels=f.pixels / scale, values=f.values, slope=float(f.axis.slope * scale),
        intercept=float(f.axis.intercept),
        residual_px=f.residual / scale, source="marks" if p.source == "marks" else "text",
    )  # fmt: skip


def _y_axis(p: CalibratedPanel, scale: float) -> AxisReading:
    f, k = p.y_fit, 0.01 if p.percent else 1.0
    return AxisReading(
        label=p.y_label, unit=None, pixels=f.pixels / scale, values=f.values * k, slope=float(f.axis.slope * scale * k),
        intercept=float(f.axis.intercept * k), residual_px=f.residual / scale, percent=p.percent,
        source="marks" if p.source == "marks" else "text",
    )  # fmt: skip


def _grade(p: CalibratedPanel, curves: list[CurveReading], warnings: list[str], disagree: bool) -> Grade:
    """A: every part agrees. B: a small doubt. C: names, table or an identity not certain. D: an axis without marks, or a contradiction."""
    if p.x_fit.by == "labels" and p.y_fit.by == "labels":
        return "D"
    unsure = any("not certain" in w for c in curves for w in c.warnings) or any(
        "not certain" in w or "are named in the figure" in w or "same name" in w for w in warnings
    )
    if unsure or disagree or (len(curves) > 1 and any(c.named_by is None for c in curves)):
        return "C"
    return "B" if warnings or any(c.warnings for c in curves) else "A"
