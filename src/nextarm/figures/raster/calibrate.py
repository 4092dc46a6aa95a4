"""A raster figure to its calibrated panels: labels, axes, frame, direction, legend and at-risk table joined and checked.

One mis-scaled axis costs more than all errors of tracing, so whatever is doubtful is refused here, with what was found and a
marks file to complete, and nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from nextarm.core.result import record
from nextarm.figures.marks import AxisPoint, Marks
from nextarm.figures.raster.axes import AxisPair, Darkness, FittedAxis, fit_axis, pair_axes
from nextarm.figures.raster.axis_marks import disagreement
from nextarm.figures.raster.boxes import rectangles
from nextarm.figures.raster.broken import Stretches, cut, stretches
from nextarm.figures.raster.channels import least
from nextarm.figures.raster.direction import is_upward
from nextarm.figures.raster.frame import Frame, find_frame, grid_lines
from nextarm.figures.raster.labels import Labels, label_columns, label_rows
from nextarm.figures.raster.layers import words_by_colour
from nextarm.figures.raster.legend import Phrase, around, direct_names, legend_entries, phrases
from nextarm.figures.raster.names import join_names
from nextarm.figures.raster.panel import ArmHint, Box, Panel, PixelAxis
from nextarm.figures.raster.risk_table import RiskRow, RiskTable, find_risk_table
from nextarm.figures.raster.signs import in_part, with_signs
from nextarm.figures.raster.turned import turned_numbers, turned_times, upright_words, without
from nextarm.figures.raster.words import INK, Contrast, Image, Word, contrast, letter_ink, read_words, word_boxes
from nextarm.figures.reading import FigureRefused

#: Distance (pixels) from the edge of the picture within which a name may be cut.
EDGE = 2
UNITS = (
    ("months", r"\bmonths?\b|\bmos?\b|\(m\)"),
    ("years", r"\byears?\b|\byrs?\b|\(y\)"),
    ("weeks", r"\bweeks?\b|\bwks?\b"),
    ("days", r"\bdays?\b"),
)
PLAUSIBLE_RESIDUAL = 0.006  # of the span of the labels


@record
class CalibratedPanel:
    """A panel ready for tracing, with all that its text says.

    ``rows`` are the rows of the at-risk table in the order of ``panel.arm_hints`` (None where an arm has no row).
    """

    panel: Panel
    x_fit: FittedAxis
    y_fit: FittedAxis
    percent: bool
    unit: str | None
    x_label: str | None
    y_label: str | None
    times: tuple[float, ...]
    rows: tuple[RiskRow | None, ...]
    box: Box
    title: str | None
    source: str
    warnings: tuple[str, ...] = ()


def _components(ink: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2][1:])


def _side_text(rgb: Image, labels: Labels, top: float, bottom: float) -> str | None:
    """The text that runs upwards beside the survival axis."""
    right = int(labels.far) - 2
    left = max(0, int(labels.far - 7 * labels.height))
    a, b = max(0, int(top - 2 * labels.height)), min(rgb.shape[0], int(bottom + 2 * labels.height))
    if right - left < 6 or b - a < 20:
        return None
    part = np.ascontiguousarray(np.rot90(rgb[a:b, left:right], k=3))
    words = read_words(part, [w for w in word_boxes(letter_ink(contrast(part))) if w[0].right - w[0].left > w[0].bottom - w[0].top])
    lines = [p for p in phrases(words, 1.5) if p.confidence > 0.6 and sum(c.isalpha() for c in p.text) >= 3]
    return " ".join(p.text for p in sorted(lines, key=lambda p: (round(p.y / 8), p.box.left))) or None


def _label_below(found: list[Phrase], labels: Labels, frame: Frame) -> str | None:
    """The text below the time labels, centred on the panel."""
    middle, width = (frame.left + frame.right) / 2, frame.right - frame.left
    near = [
        p for p in found
        if p.box.top > labels.far - 0.3 * labels.height and p.box.top < labels.far + 3.5 * labels.height
        and any(c.isalpha() for c in p.text) and p.box.left < frame.right and p.box.right > frame.left + 0.05 * width
        and abs((p.box.left + p.box.right) / 2 - middle) < 0.45 * width
    ]  # fmt: skip
    if not near:
        return None
    first = min(near, key=lambda p: p.box.top)
    line = sorted((p for p in near if abs(p.y - first.y) < 0.6 * first.height), key=lambda p: p.box.left)
    return " ".join(p.text for p in line)


def unit_of(label: str | None) -> str | None:
    """Unit of time that a label names; None where it names none or two."""
    found = [unit for unit, pattern in UNITS if label and re.search(pattern, label, re.I)]
    return found[0] if len(found) == 1 else None


def _checked(pair: AxisPair, x: FittedAxis, y: FittedAxis, found: tuple[str, ...], by_hand: tuple[bool, bool]) -> bool:
    """Whether the survival axis is in per cent; refuses axes that cannot be right, but for those given ``by_hand`` (time, survival)."""
    marks = marks_of(x, y)
    for (name, fit, labels), given in zip((("time", x, pair.x), ("survival", y, pair.y)), by_hand, strict=True):
        if given:
            continue
        if len(labels.pixels) < 3 or len(fit.pixels) < 3:
            raise FigureRefused(
                f"the {name} axis has {len(fit.pixels)} labels that could be read", rule="at least 3 are needed", found=found, marks=marks,
                cure="Give two points of the axis in the marks file",
            )  # fmt: skip
        if fit.residual > max(1.6, PLAUSIBLE_RESIDUAL * labels.span) or labels.outliers > len(labels.pixels):
            raise FigureRefused(
                f"the labels of the {name} axis are not evenly spaced",
                rule=f"one is {fit.residual:.1f} pixels off the line through the others", found=found, marks=marks,
                cure="A broken or logarithmic axis cannot be read; else give two points of the axis in the marks file",
            )  # fmt: skip
        steps = np.diff(np.sort(fit.values))
        uneven = int((np.abs(steps - np.median(steps)) > 0.02 * np.median(steps)).sum())
        if uneven > max(1, len(steps) // 3) and not np.allclose(np.round(steps / steps.min()), steps / steps.min(), atol=0.02):
            raise FigureRefused(
                f"the values of the {name} axis are uneven: {', '.join(f'{v:g}' for v in fit.values)}", found=found, marks=marks,
                cure="Give two points of the axis in the marks file",
            )  # fmt: skip
    top = float(y.values.max())
    percent = top > 1.5
    if by_hand[1]:
        return percent
    if top > (110 if percent else 1.11) or (percent and top < 20 and not pair.y.percent_signs) or float(y.values.min()) < 0:
        raise FigureRefused(
            f"the survival axis runs to {top:g}", rule="must be a proportion (to 1) or per cent (to 100)", found=found, marks=marks,
            cure="Give two points of the axis in the marks file",
        )  # fmt: skip
    return percent


def _compared(dark: Darkness, pair: AxisPair, x: FittedAxis, y: FittedAxis, found: tuple[str, ...]) -> tuple[str, ...]:
    """Words on labels that stand beside their marks; refuses two scales of marks and labels. Axes given by hand are not compared."""
    told = []
    for name, fit, labels in (("time", x, pair.x), ("survival", y, pair.y)):
        off = disagreement(dark, labels, fit, vertical=name == "survival") if fit.by != "hand" else None
        if off is not None and off.scale:
            raise FigureRefused(
                f"tick marks and labels of the {name} axis contradict each other: {off.what}", found=found, marks=marks_of(x, y),
                rule="both must give one scale, to 1 %", cure="Give two points of the axis in the marks file",
            )  # fmt: skip
        if off is not None:
            told.append(f"the {name} axis is not certain: {off.what}")
    return tuple(told)


def marks_of(x: FittedAxis | None, y: FittedAxis | None) -> Marks:
    """A marks file with the axis points that were found, to be corrected by hand."""

    def ends(fit: FittedAxis | None) -> tuple[AxisPoint, ...]:
        if fit is None or len(fit.pixels) < 2:
            return ()
        return tuple(AxisPoint(pixel=round(float(fit.pixels[k]), 2), value=float(fit.values[k])) for k in (0, -1))

    return Marks(x_axis=ends(x), y_axis=ends(y))


def from_marks(points: tuple[AxisPoint, ...]) -> FittedAxis:
    """An axis from points given by hand."""
    pixels, values = np.array([p.pixel for p in points]), np.array([p.value for p in points])
    a, b = np.polyfit(values, pixels, 1)
    off = float(np.abs(pixels - (a * values + b)).max())
    return FittedAxis(axis=PixelAxis(slope=1 / a, intercept=-b / a), pixels=pixels, values=values, residual=off, by="hand")


def in_region(frame: Frame, region: tuple[float, float, float, float], found: tuple[str, ...]) -> Frame:
    """The region marked by hand as the frame of a panel; refused where the axes that were read belong to another place."""
    left, top, right, bottom = region
    shared = max(0.0, min(right, frame.right) - max(left, frame.left)) * max(0.0, min(bottom, frame.bottom) - max(top, frame.top))
    smaller = min((right - left) * (bottom - top), (frame.right - frame.left) * (frame.bottom - frame.top))
    if shared < 0.3 * smaller:
        raise FigureRefused(
            f"the marked region ({left:g}, {top:g}, {right:g}, {bottom:g}) holds no panel whose axes were read", found=found,
            rule=f"the panel read is at {frame.left:.0f}, {frame.top:.0f}, {frame.right:.0f}, {frame.bottom:.0f}",
            cure="Correct the region, or give two points of each axis as well",
        )  # fmt: skip
    return Frame(left=left, top=top, right=right, bottom=bottom, drawn=(False,) * 4, background=frame.background)


def first_mark(x: FittedAxis, *, left: float) -> float:
    """Column of the first mark of the time axis, or of time 0 where its label was not read: at most two steps before the first
    mark read, right of the survival labels, which end at ``left``."""
    first, zero = float(x.pixels.min()), float(x.axis.pixel(0.0))
    step = float(np.median(np.diff(np.sort(x.pixels))))
    return zero if left - 3 <= zero < first and first - zero <= 2.1 * step else first


def survival_axis(fit: FittedAxis, *, percent: bool, upward: bool) -> PixelAxis:
    """The map from a pixel row to survival (0 to 1)."""
    scale = 0.01 if percent else 1.0
    slope, intercept = fit.axis.slope * scale, fit.axis.intercept * scale
    return PixelAxis(slope=-slope, intercept=1 - intercept) if upward else PixelAxis(slope=slope, intercept=intercept)


def _enclosing(stats: np.ndarray, box: Box, margin: float) -> Box:
    """The drawn rectangle around a box, if one lies within ``margin`` on every side; else the box itself."""
    left, top, width, height = (stats[:, k] for k in range(4))
    right, bottom = left + width, top + height
    around_it = (left <= box.left) & (top <= box.top) & (right >= box.right) & (bottom >= box.bottom)
    around_it &= (
        (box.left - left <= margin) & (box.top - top <= margin) & (right - box.right <= 2.5 * margin) & (bottom - box.bottom <= margin)
    )
    k = np.flatnonzero(around_it)
    if not k.size:
        return box
    k = k[np.argmin(width[k] * height[k])]
    return Box(left=int(left[k]), top=int(top[k]), right=int(right[k]), bottom=int(bottom[k]))


def framed(strength: Contrast, box: Box, margin: float) -> Box:
    """A box grown to the thin lines drawn around it within ``margin``, also where curves touch them; itself unless all four are seen."""
    reach = int(margin)
    rows, columns = strength.shape
    drawn = strength > 12

    def line(share: np.ndarray) -> int | None:
        """Position from the box outwards of the first thin line in the shares of ink of the lines of pixels."""
        for k in range(1, len(share) - 3):
            if share[k] > 0.9 and share[k + 1 : k + 4].min() < 0.5:
                return k
        return None

    a, b, c, d = max(0, box.left), min(columns, box.right), max(0, box.top), min(rows, box.bottom)
    up = line(drawn[max(0, c - reach) : c, a:b].mean(1)[::-1]) if b > a else None
    down = line(drawn[d : d + reach, a:b].mean(1)) if b > a else None
    left = line(drawn[c:d, max(0, a - reach) : a].mean(0)[::-1]) if d > c else None
    right = line(drawn[c:d, b : b + reach].mean(0)) if d > c else None
    if up is None or down is None or left is None or right is None:
        return box
    return Box(left=a - left - 3, top=c - up - 3, right=b + right + 3, bottom=d + down + 3)


def _calibrated(
    rgb: Image, strength: Contrast, stats: np.ndarray, words: list[Word], pair: AxisPair, others: list[AxisPair], marks: Marks | None
) -> CalibratedPanel:
    dark = 255.0 - least(rgb)
    x, y = fit_axis(dark, pair.x, vertical=False), fit_axis(dark, pair.y, vertical=True)
    found = tuple(f"{n} axis: labels {', '.join(f'{v:g}' for v in a.values)}" for n, a in (("time", pair.x), ("survival", pair.y)))
    by_hand = (marks is not None and bool(marks.x_axis), marks is not None and bool(marks.y_axis))
    if marks is not None and marks.x_axis:
        x = from_marks(marks.x_axis)
    if marks is not None and marks.y_axis:
        y = from_marks(marks.y_axis)
    percent = _checked(pair, x, y, found, by_hand)
    doubts = _compared(dark, pair, x, y, found)
    if marks is not None and marks.percent is not None:
        percent = marks.percent
    first = first_mark(x, left=pair.y.near)
    ends_x, ends_y = (first, float(x.pixels.max())), (float(y.pixels.min()), float(y.pixels.max()))
    frame = find_frame(
        rgb, x_marks=ends_x, y_marks=ends_y, x_labels=pair.x.near, y_labels=pair.y.near,
        x_step=float(np.median(np.diff(np.sort(x.pixels)))), zero=float(y.axis.pixel(0.0)),
    )  # fmt: skip
    if marks is not None and marks.region is not None:
        frame = in_region(frame, marks.region, found)
    whole = frame
    other_x = Stretches() if by_hand[0] else stretches(pair.x, frame.left, frame.right)
    other_y = Stretches() if by_hand[1] else stretches(pair.y, frame.top, frame.bottom)
    if len(other_x.before) > 1:
        read = ", ".join(f"{v:g}" for v in (*other_x.before, *x.values))
        raise FigureRefused(
            f"the time axis changes its scale: {read}", found=found, marks=marks_of(x, y),
            rule="the stretch from time 0 has too few labels to be read",
            cure="Give two points of the time axis in that stretch, and the region up to the break, in the marks file",
        )  # fmt: skip
    frame, broken = cut(frame, other_x, other_y, x_marks=x.pixels, y_marks=y.pixels)
    right = [o.y for o in others if o.y.far > frame.left + 10]
    theirs = {id(w) for o in others for w in (*o.x.words, *o.y.words)}
    limits = min([float(rgb.shape[1]), *(c.far - 3 * c.height for c in right)]), min([float(rgb.shape[1]), *(c.near for c in right)])
    mine = [w for w in words if id(w) not in theirs]
    made = _assembled(rgb, strength, stats, mine, pair, x, y, frame, percent, limits, marks, whole)
    return replace(made, warnings=(*made.warnings, *broken, *doubts))


def _assembled(
    rgb: Image, strength: Contrast, stats: np.ndarray, words: list[Word], pair: AxisPair | None, x: FittedAxis, y: FittedAxis, frame: Frame,
    percent: bool, limits: tuple[float, float], marks: Marks | None, whole: Frame,
) -> CalibratedPanel:  # fmt: skip
    """Text, direction, names and table of a panel whose axes are known.

    ``limits`` are where its share of the page ends at the right, and where a legend beside it must end: at the next panel;
    ``whole`` is its frame with what lies behind a break.
    """
    right_limit, legend_limit = limits
    box = Box(left=int(frame.left), top=int(frame.top), right=int(np.ceil(frame.right)), bottom=int(np.ceil(frame.bottom)))
    high = pair.x.height if pair else 0.03 * (frame.bottom - frame.top)
    labels = {id(w) for w in (*pair.x.words, *pair.y.words)} if pair else set()
    free = [w for w in words if id(w) not in labels]
    lines = {id(w): p.y for p in phrases(free) for w in p.words}  # a line of text on the edge of the panel is not parted
    inside = [w for w in free if box.left < w.x < box.right and box.top - 0.2 * high < lines.get(id(w), w.y) < box.bottom]
    outside = [w for w in free if w not in inside]
    near = [w for w in outside if w.y < frame.bottom + 40 * high and w.x < legend_limit]
    spoken_in, spoken_out = phrases(inside), phrases(outside)
    x_label = _label_below(spoken_out, pair.x, whole) if pair else None
    y_label = _side_text(rgb, pair.y, whole.top, whole.bottom) if pair else None
    table = None
    if pair is not None:
        at = pair.x.values
        step = float(np.median(np.diff(np.sort(at))))
        if at.min() > 0 and abs(at.min() - step) < 0.02 * step and first_mark(x, left=pair.y.near) < x.pixels.min():
            at = np.r_[0.0, at]  # the label of time 0 was not read
        table = find_risk_table(
            rgb, strength, outside, ticks=x.axis.pixel(at), times=at, below=pair.x.far,
            left=0 if right_limit >= rgb.shape[1] or frame.left < 0.5 * right_limit else pair.y.far - 12 * high, right=right_limit,
        )  # fmt: skip
    in_table = {
        id(w) for w in words if table is not None and any(abs(w.y - r.y) < 0.6 * w.height for r in table.rows) and w.y > frame.bottom
    }
    drawn = rectangles(strength, stats, box, high=high)
    celled = [r.box for r in drawn if r.table]
    besides = phrases([w for w in near if id(w) not in in_table])

    def legend_of(spoken: list[Phrase]) -> list[tuple[ArmHint, Box]]:
        candidates = [
            p for p in (*spoken, *besides)
            if p.text != x_label and not any(b.left < p.box.left and p.box.right < b.right and b.top < p.y < b.bottom for b in celled)
        ]  # fmt: skip
        return legend_entries(rgb, strength, stats, candidates)

    entries = legend_of(spoken_in)
    place = legend_place(box, [b for _, b in entries], high)
    again = words_by_colour(rgb, strength, place, inside) if place is not None else inside
    if len(again) != len(inside) or any(a is not b for a, b in zip(again, inside, strict=True)):
        spoken_in = phrases(again)
        entries = legend_of(spoken_in) if entries else []
    text_boxes = [p.box for p in spoken_in if p.confidence > 0.85 and sum(c.isalnum() for c in p.text) >= 3]
    hints: list[ArmHint] = [h for h, _ in entries]
    exclude = [_enclosing(stats, b, 1.2 * high) for b in text_boxes] + [r.box for r in drawn]
    if entries:
        legend_box = around([b for _, b in entries])
        if legend_box.right > box.left and legend_box.left < box.right and legend_box.top < box.bottom and legend_box.bottom > box.top:
            exclude.append(framed(strength, _enclosing(stats, legend_box, 2.0 * high), 2.0 * high))
    else:
        hints = direct_names(rgb, strength, spoken_in)
    hints, rows, warnings = join_names(hints, table)
    at_edge = {h.name for h, b in entries if b.left <= EDGE or b.right >= rgb.shape[1] - EDGE}
    warnings += tuple(
        f"{h.name!r} is printed up to the edge of the picture: whether the name is whole is not certain" for h in hints if h.name in at_edge
    )
    by_marks = _marked_hints(marks)
    if by_marks:
        hints, rows = by_marks, [None] * len(by_marks)
    if marks is not None:
        exclude += [Box(left=int(r[0]), top=int(r[1]), right=int(r[2]), bottom=int(r[3])) for r in marks.exclude]
    upward, doubt = is_upward(rgb, frame, exclude, y_label)
    if marks is not None and marks.upward is not None:
        upward, doubt = marks.upward, ()
    grid = grid_lines(rgb, frame)
    start = float(x.axis.pixel(0.0))
    for name, fit in (("time", x), ("survival", y)):
        if fit.by == "labels":
            warnings = (*warnings, f"no tick marks were found on the {name} axis: the centres of its labels were used")
    unit = marks.time_unit if marks is not None and marks.time_unit else unit_of(x_label)
    title = [
        p.text
        for p in spoken_out
        if p.box.bottom <= frame.top and p.box.bottom > frame.top - 6 * high and box.left < (p.box.left + p.box.right) / 2 < box.right
    ]
    panel = Panel(
        left=frame.left, top=frame.top, right=frame.right, bottom=frame.bottom,
        x=x.axis, y=survival_axis(y, percent=percent, upward=upward),
        x_max_visible=float(x.axis.value(frame.right)), start=start, upward=upward, exclude=tuple(exclude), arm_hints=tuple(hints),
        n_arms=len(hints) or None, background=frame.background, x_gridlines=grid[0], y_gridlines=grid[1],
    )  # fmt: skip
    return CalibratedPanel(
        panel=panel, x_fit=x, y_fit=y, percent=percent, unit=unit, x_label=x_label, y_label=y_label,
        times=tuple(float(v) for v in table.times) if table else (), rows=tuple(rows), box=box, title=" ".join(title) or None,
        source="marks" if marks is not None and (marks.x_axis or marks.y_axis) else "text", warnings=(*warnings, *doubt),
    )  # fmt: skip


def legend_place(panel: Box, entries: list[Box], high: float) -> Box | None:
    """Where text may be crossed by curves: around a legend inside the panel, in all of it where there is no legend; None elsewhere."""
    if not entries:
        return panel
    legend, more = around(entries), int(2.5 * high)
    if not (panel.left < legend.left and legend.right < panel.right and panel.top < legend.bottom and legend.top < panel.bottom):
        return None
    return Box(
        left=max(panel.left, legend.left - more), top=max(panel.top, legend.top - more),
        right=min(panel.right, legend.right + 3 * more), bottom=min(panel.bottom, legend.bottom + more),
    )  # fmt: skip


def _marked_hints(marks: Marks | None) -> list[ArmHint]:
    """Arms that were named by hand."""
    hints = []
    for k, curve in enumerate(marks.curves if marks else (), start=1):
        rgb = tuple(int(curve.colour[i : i + 2], 16) for i in (1, 3, 5)) if curve.colour else None
        colour = (rgb[0], rgb[1], rgb[2]) if rgb else None
        dash = "dashdot" if curve.dash == "dash-dotted" else curve.dash
        hints.append(
            ArmHint(name=curve.arm or f"curve {k}", colour=colour, dash=dash, where="marks", spot=curve.points[0] if curve.points else None)
        )
    return hints


def calibrate(rgb: Image, marks: Marks | None = None) -> list[CalibratedPanel]:
    """All panels of a figure whose axes can be read, left to right and then down.

    Args:
        rgb: The picture, shape (rows, columns, 3).
        marks: What was marked by hand, in pixels of this picture.

    Raises:
        FigureRefused: No panel with plausible axes; it says what was found and holds a marks file to complete.
    """
    strength = contrast(rgb)
    ink = strength > INK
    stats = _components(ink)
    words, unread = with_signs(rgb, strength, stats, read_words(rgb, word_boxes(letter_ink(strength))))
    columns = label_columns(words)
    upwards = turned_times(rgb, ink, columns)
    words = upright_words(words, upwards)
    rows = [*label_rows(words), *upwards]
    pairs = pair_axes(rows, columns)
    if not pairs and rows:
        turned = turned_numbers(rgb, ink, rows)
        pairs = pair_axes(rows, label_columns(turned))
        for pair in pairs:
            words = without(words, turned, axis=pair.y)
    if marks is not None and marks.x_axis and marks.y_axis and not pairs:
        return [_by_hand(rgb, strength, stats, words, marks)]
    if not pairs:
        found = tuple(f"row of numbers {', '.join(f'{v:g}' for v in r.values)}" for r in rows) + tuple(
            f"column of numbers {', '.join(f'{v:g}' for v in c.values)}" for c in columns
        )
        raise FigureRefused(
            "no panel with readable axes was found", rule="a survival axis and a time axis need at least 3 labels each", found=found,
            marks=Marks(), cure="Give two points of each axis in the marks file",
        )  # fmt: skip
    panels: list[CalibratedPanel] = []
    refusal: FigureRefused | None = None
    for pair in pairs:
        try:
            panels.append(_calibrated(rgb, strength, stats, words, pair, [p for p in pairs if p is not pair], marks))
        except FigureRefused as error:
            refusal = refusal or error
    if not panels and refusal is not None:
        raise refusal
    return [replace(p, warnings=(*p.warnings, *in_part(p.panel.arm_hints, unread))) for p in panels]


def _by_hand(rgb: Image, strength: Contrast, stats: np.ndarray, words: list[Word], marks: Marks) -> CalibratedPanel:
    """A panel whose axes come from marks only."""
    x, y = from_marks(marks.x_axis), from_marks(marks.y_axis)
    ends_x, ends_y = (float(x.pixels.min()), float(x.pixels.max())), (float(y.pixels.min()), float(y.pixels.max()))
    frame = find_frame(rgb, x_marks=ends_x, y_marks=ends_y, x_labels=ends_y[1] + 6, y_labels=max(0.0, ends_x[0] - 6))
    if marks.region is not None:
        a, b, c, d = marks.region
        frame = Frame(left=a, top=b, right=c, bottom=d, drawn=(False,) * 4, background=frame.background)
    percent = marks.percent if marks.percent is not None else float(y.values.max()) > 1.5
    return _assembled(rgb, strength, stats, words, None, x, y, frame, percent, (float(rgb.shape[1]),) * 2, marks, frame)


__all__ = ["CalibratedPanel", "RiskTable", "calibrate"]
