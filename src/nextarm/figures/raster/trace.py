"""All curves of a calibrated panel, with their censor ticks: the one function of the tracer.

Background and ink (:mod:`ink`), colours (:mod:`colours`), one monotone path after another (:mod:`paths`, :mod:`arms`), steps to
a part of a pixel (:mod:`edges`, :mod:`refine`), censor ticks (:mod:`ticks`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.arms import Draft, find_arms
from nextarm.figures.raster.colours import Ink, inks
from nextarm.figures.raster.ink import Canvas, canvas
from nextarm.figures.raster.panel import ArmHint, Panel, TracedCurve, TracedPanel
from nextarm.figures.raster.ticks import Marks, find_ticks


def trace_curves(rgb: NDArray[np.uint8], panel: Panel, *, hints: tuple[ArmHint, ...] | None = None) -> TracedPanel:
    """Trace the curves of one panel.

    ``rgb`` is the image (rows, columns, 3), 8 bits a channel. ``hints`` say which colours and line styles to expect
    (default: those of the panel); they help and are not needed. Curves come from the highest at the end to the lowest. A panel
    without curves gives none.
    """
    hints = panel.arm_hints if hints is None else hints
    work = canvas(rgb, panel)
    if min(work.difference.shape[:2]) < 16:
        return TracedPanel(curves=(), line_width=0.0, warnings=("the panel is too small to be traced",))
    found = inks(work, tuple(h.colour for h in hints if h.colour is not None))
    drafts = find_arms(work, found)
    curves = tuple(traced(draft, work, found, drafts) for draft in drafts)
    width = float(np.median([d.width for d in drafts])) / work.scale if drafts else 0.0
    return TracedPanel(curves=curves, line_width=width, warnings=() if curves else ("no curve was found in the panel",))


def traced(draft: Draft, work: Canvas, found: tuple[Ink, ...], drafts: list[Draft]) -> TracedCurve:
    """A draft in pixels of the image, with its ticks."""
    ink = found[draft.ink]
    marks = ticks_of(draft)
    steps = draft.steps
    return TracedCurve(
        x=work.to_image_x(steps.x), y=work.to_image_y(steps.y), end=float(work.to_image_x(steps.end)), colour=ink.colour,
        dash=draft.dashes.name, ticks=work.to_image_x(marks.x), tick_count=marks.count,
        uncertainty=np.full(steps.x.size, 0.5 / work.scale),
    )  # fmt: skip


def ticks_of(draft: Draft) -> Marks:
    """Censor ticks of a draft."""
    return find_ticks(draft.own, draft.blocked, draft.steps, width=draft.width, blur=draft.blur)
