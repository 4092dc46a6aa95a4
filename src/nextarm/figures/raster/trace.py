"""All curves of a calibrated panel, with their censor ticks: the one function of the tracer.

Background and ink (:mod:`~nextarm.figures.raster.ink`), colours (:mod:`~nextarm.figures.raster.colours`), one monotone path after
another (:mod:`~nextarm.figures.raster.paths`, :mod:`~nextarm.figures.raster.arms`), steps to a part of a pixel
(:mod:`~nextarm.figures.raster.edges`, :mod:`~nextarm.figures.raster.refine`), ticks (:mod:`~nextarm.figures.raster.ticks`) and the
levels once more with them (:mod:`~nextarm.figures.raster.mark_ink`), and
which is which (:mod:`~nextarm.figures.raster.identity`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.arms import Draft, find_arms, longer_runs
from nextarm.figures.raster.colours import Ink, inks
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.identity import (
    FAR,
    apart_in_colour,
    colour_distance,
    colour_of,
    confused,
    match_hints,
    of_keys,
    paler,
    uncertainty,
    untold,
    without_limits,
)
from nextarm.figures.raster.ink import Canvas, Image, Mask, canvas
from nextarm.figures.raster.last_drop import to_its_foot, to_zero
from nextarm.figures.raster.mark_ink import fitted_to_marks, ink_for_marks
from nextarm.figures.raster.on_frame import curve_on_frame
from nextarm.figures.raster.panel import ArmHint, Panel, TracedCurve, TracedPanel
from nextarm.figures.raster.stretches import Marks
from nextarm.figures.raster.ticks import along, bar_of, bars_of_panel, drawn_shape, find_ticks, mark_shape

#: Line width (pixels) and size of a panel below which it is looked at twice, and how far apart the two ends of a line may be.
THIN, SMALL, NEAR = 2.2, 760, 6.0
#: What a line left out may have of the evidence of a line kept before the choice is doubted.
RIVAL = 0.6
UNSURE = "two curves of one colour and line style meet and part again: which is which is not certain"


def trace_curves(rgb: NDArray[np.uint8], panel: Panel, *, hints: tuple[ArmHint, ...] | None = None) -> TracedPanel:
    """Trace the curves of one panel.

    ``rgb`` is the image (rows, columns, 3), 8 bits a channel. ``hints`` say which colours and line styles to expect
    (default: those of the panel); they help and are not needed. Curves come from the highest at the end to the lowest. A panel
    without curves gives none. Thin lines of a small panel are traced once more at twice the size, which shows more of their
    steps; this counts where nothing is doubted and it finds the same curves, with the ticks of the image as it is, or all the named
    curves where the image as it is showed fewer.
    """
    hints = panel.arm_hints if hints is None else hints
    found = traced_at(rgb, panel, hints, enlarge=1)
    if (
        found.curves
        and not found.warnings
        and found.line_width < THIN
        and max(abs(panel.right - panel.left), abs(panel.bottom - panel.top)) < SMALL
    ):
        large = traced_at(rgb, panel, hints, enlarge=2)
        if len(found.curves) < len(large.curves) == panel.n_arms and {c.hint for c in large.curves} == set(range(len(hints))):
            return large
        before = same_curves(found, large) if not large.warnings else None
        if before is not None:
            seen = [found.curves[k] for k in before]
            return replace(large, curves=tuple(
                replace(c, ticks=f.ticks, tick_count=f.tick_count, tick_extra=f.tick_extra, blind=f.blind, missed=f.missed)
                if c.end - f.end <= 2 * NEAR
                else c
                for c, f in zip(large.curves, seen, strict=True)
            ))  # fmt: skip
    return found


def same_curves(a: TracedPanel, b: TracedPanel) -> tuple[int, ...] | None:
    """For each curve of ``b`` its position in ``a``, where two readings of a panel hold the same curves; else None.

    As many, of the same names where both have one, at most some pixels apart. ``b``, the larger picture, may show a line as whole
    that ``a`` saw broken, and see it further, but not the other way round.
    """
    if len(a.curves) != len(b.curves):
        return None
    left, order = list(range(len(a.curves))), []
    for other in b.curves:
        k = min(left, key=lambda k: (a.curves[k].hint != other.hint and a.curves[k].hint is not None, mean_apart(a.curves[k], other)))
        one = a.curves[k]
        if (
            one.hint not in (None, other.hint)
            or (one.dash == "solid" and other.dash != "solid")
            or mean_apart(one, other) > 2 * a.line_width
            or one.end - other.end > NEAR
        ):
            return None
        left.remove(k)
        order.append(k)
    return tuple(order)


def mean_apart(one: TracedCurve, other: TracedCurve) -> float:
    """Mean distance in height of two curves over the part that both reach."""
    place = np.linspace(one.x[0], min(one.end, other.end), 200)
    heights = [c.y[np.clip(np.searchsorted(c.x, place, side="right") - 1, 0, c.y.size - 1)] for c in (one, other)]
    return float(np.abs(heights[0] - heights[1]).mean())


def traced_at(rgb: NDArray[np.uint8], panel: Panel, hints: tuple[ArmHint, ...], *, enlarge: int) -> TracedPanel:
    """The curves of a panel that is enlarged first."""
    work = canvas(rgb, panel, enlarge=enlarge)
    if min(work.difference.shape[:2]) < 16:
        return TracedPanel(curves=(), line_width=0.0, warnings=("the panel is too small to be traced",))
    found = inks(work, tuple(h.colour for h in hints if h.colour is not None))
    drafts, limits = without_limits(find_arms(work, found), found)
    warnings = ["two broken lines beside a curve were taken for its confidence limits"] if limits else []
    if panel.n_arms is not None and len(drafts) > panel.n_arms:
        first = [id(d) for d in of_keys(drafts, found, hints, work)]
        ranked = sorted(drafts, key=lambda d: (id(d) not in first, not expected(found[d.ink], hints), is_limit(d, drafts, found), -d.gain))
        kept, rest = ranked[: panel.n_arms], ranked[panel.n_arms :]
        if not corroborated(hints):  # the legend may have been read in part
            kept += [d for d in rest if stands_alone(d, kept, hints, found, work)]
        if len(kept) < len(drafts):
            warnings.append(f"{len(drafts)} curves were found, {panel.n_arms} are named: the least likely were left out")
            gone = [d for d in drafts if not any(d is k or (d.ink != k.ink and paler(found[d.ink], found[k.ink])) for k in kept)]
            if max((d.gain for d in gone), default=0.0) > RIVAL * min(d.gain for d in kept):
                warnings.append(
                    "a line that was left out is seen nearly as well as one that was kept: which of them are the curves is not certain"
                )
        drafts = kept
    if drafts and len(hints) == len(drafts) + 1:
        given = match_hints(drafts, found, hints, work)
        on_frame = curve_on_frame(work, drafts, found, [h for k, h in enumerate(hints) if k not in given])
        if on_frame is not None:
            drafts = [*drafts, on_frame]
            warnings.append("a curve lies on the frame at S = 1: its marks were not read")
    drafts = sorted(drafts, key=lambda d: float(d.steps.y[-1]))
    named = match_hints(drafts, found, hints, work)
    pairs = confused(drafts, found)
    unsure = {k for pair in pairs for k in pair}
    for k in untold(drafts, pairs):
        named[k], drafts[k] = None, replace(drafts[k], dashes=replace(drafts[k].dashes, name="solid"))
    if unsure:
        warnings.append(UNSURE)
    if not drafts:
        warnings.append("no curve was found in the panel")
    looks = [ink_for_marks(d, drafts, found, work) for d in drafts]
    drafts = [fitted_to_marks(d, *look, work) for d, look in zip(drafts, looks, strict=True)]
    marks = marks_of_panel(drafts, looks)
    zero = float(work.from_image_y(panel.y.pixel(0.0)))
    curves = tuple(
        traced(
            to_zero(d, work, zero), work, found[d.ink], zero=zero, hint=named[k], warnings=(UNSURE,) if k in unsure else (), marks=marks[k]
        )
        for k, d in enumerate(drafts)
    )  # fmt: skip
    width = float(np.median([d.width for d in drafts])) / work.scale if drafts else 0.0
    return TracedPanel(curves=curves, line_width=width, warnings=tuple(warnings))


def marks_of_panel(drafts: list[Draft], looks: list[tuple[Image, Mask]]) -> list[Marks]:
    """The censor marks of all curves: what they are like is learnt from all of them."""
    seen = [along(*look, d.steps, width=d.width, blur=d.blur) for d, look in zip(drafts, looks, strict=True)]
    shapes = [mark_shape(s) for s in seen]
    if all(s is None for s in shapes):
        shapes = [drawn_shape(seen)] * len(seen)
    bars = bars_of_panel([bar_of(s) for s in seen])
    return [find_ticks(s, shapes=(shapes[k], *shapes[:k], *shapes[k + 1 :]), bar=bars[k]) for k, s in enumerate(seen)]


def is_limit(draft: Draft, drafts: list[Draft], found: tuple[Ink, ...]) -> bool:
    """Whether a draft may be one limit of confidence of another: broken, thinner or paler, of the ink of a solid curve."""
    return draft.dashes.name != "solid" and any(
        d is not draft and d.dashes.name == "solid" and draft.ink != d.ink and paler(found[draft.ink], found[d.ink]) for d in drafts
    )


def corroborated(hints: tuple[ArmHint, ...]) -> bool:
    """Whether legend and at-risk table name the same arms: then there are no more."""
    return bool(hints) and all(h.n is not None for h in hints) and any(h.where == "legend" for h in hints)


def stands_alone(draft: Draft, kept: list[Draft], hints: tuple[ArmHint, ...], found: tuple[Ink, ...], work: Canvas) -> bool:
    """Whether a draft is seen nearly throughout, in a colour that is no other curve's and no key's: a curve whose name was not read.

    The gaps of a broken line are no part in which it is not seen.
    """
    colour = colour_of(draft, found[draft.ink], work)
    taken = [colour_of(d, found[d.ink], work) for d in kept] + [h.colour for h in hints if h.colour is not None]
    blank = int(longer_runs(~draft.seen & ~draft.hidden, int(5 * draft.width) + 4).sum())
    return (
        int(draft.seen.sum()) > 4 * blank
        and draft.gain > 0.3 * max(d.gain for d in kept)
        and all(apart_in_colour(colour, c) > FAR for c in taken)
    )


def expected(ink: Ink, hints: tuple[ArmHint, ...]) -> bool:
    """Whether a key has about the colour of an ink; where keys without colour are, every ink is expected."""
    return any(h.colour is None or colour_distance(ink.colour, h.colour) < FAR for h in hints) or not hints


def runs_behind(draft: Draft, work: Canvas) -> bool:
    """Whether what comes after the end of a curve, or below it, is covered: by a legend, a text or a box."""
    reach, half = int(3 * draft.width) + 6, max(1, round(draft.width / 2))
    x, y = int(draft.steps.end), int(draft.steps.y[-1])
    if x > work.right - 3 * draft.width:
        return False
    right, below = (
        work.neutral[max(0, y - half) : y + half + 1, x + 1 : x + reach],
        work.neutral[y + 1 : y + reach, max(0, x - half) : x + half + 1],
    )
    return any(part.size > 0 and float(part.mean()) > 0.4 for part in (right, below))


def ends_falling(steps: Steps, work: Canvas, width: float, zero: float) -> bool:
    """Whether a curve ends right after a drop, above ``zero`` (row of S = 0) and within the panel.

    A line ends at the last patient: at S = 0 where that is a death, and seldom just after another's.
    """
    inside = steps.end < work.right - 3 * width and steps.y[-1] < min(zero, work.bottom) - 2 * width - 2
    return bool(steps.x.size > 1 and inside and steps.end - steps.x[-1] < max(4.0, 2 * width))


def traced(draft: Draft, work: Canvas, ink: Ink, *, zero: float, hint: int | None, marks: Marks, warnings: tuple[str, ...]) -> TracedCurve:
    """A draft in pixels of the image, with its marks; ``zero`` is the row of S = 0 in the canvas."""
    falling = ends_falling(draft.steps, work, draft.width, zero)
    draft = to_its_foot(draft) if falling else draft
    steps = draft.steps
    if steps.y[-1] > work.bottom - draft.width and steps.end < work.right - 3 * draft.width:
        warnings = (*warnings, "the curve reaches the bottom of the panel before its end and may go on below it")
    elif runs_behind(draft, work):
        warnings = (*warnings, "the curve ends at a legend or a text and may go on behind it: its end is not certain")
    elif falling:
        warnings = (*warnings, "the curve ends right after a drop and may go on: its end is not certain")
    return TracedCurve(
        x=work.to_image_x(steps.x), y=work.to_image_y(steps.y), end=float(work.to_image_x(steps.end)), colour=colour_of(draft, ink, work),
        dash=draft.dashes.name, ticks=work.to_image_x(marks.x), tick_count=marks.count, tick_extra=marks.extra,
        blind=work.to_image_x(marks.blind), missed=marks.missed,
        uncertainty=uncertainty(draft) / work.scale, hint=hint, warnings=warnings,
    )  # fmt: skip
