"""A dark curve that stays at S = 1, on the upper line of the frame, where it is no line of its own.

Frame and curve have one colour there, and what runs from end to end of a panel counts as frame. But the line is thicker than the
other lines of the frame by what the stroke of the curve adds, everywhere or (a broken line) in dashes. This is looked for only
where the figure names one arm more than curves were found, and only where no other curve lies near.
"""

from __future__ import annotations

import numpy as np

from nextarm.figures.raster.arms import Draft, reach_of
from nextarm.figures.raster.colours import Ink
from nextarm.figures.raster.dashes import Dashes
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.identity import FAR, colour_distance
from nextarm.figures.raster.ink import Canvas, Image, magnitude
from nextarm.figures.raster.panel import ArmHint
from nextarm.figures.raster.paths import Path

#: How much thicker than the frame, in widths of a curve, and over which shares of the free columns and of the panel at least.
THICKER, DRAWN, FREE = 0.4, 0.35, 0.2


def curve_on_frame(work: Canvas, drafts: list[Draft], inks: tuple[Ink, ...], lost: list[ArmHint]) -> Draft | None:
    """A curve as one level line at S = 1, where the frame shows one; else None.

    Args:
        work: The canvas.
        drafts: The curves found.
        inks: The inks of the panel.
        lost: The named arms that were given to no curve.
    """
    size = magnitude(work.difference)
    width = float(np.median([d.width for d in drafts]))
    top, first, last = work.top, int(np.ceil(work.left + 2 * width)), int(np.floor(work.right - 2 * width))
    low = int(np.ceil(top + 0.5 * width)) + 2
    if last - first < 40 or low >= work.bottom - 2 * width or abs(work.frame_top - top) > width + 2:
        return None
    band = size[max(0, int(min(work.frame_top, top) - 0.5 * width) - 2) : low, first:last]
    full = float(np.median(band.max(axis=0)))
    dark = [k for k, ink in enumerate(inks) if float(np.sqrt((ink.difference**2).mean())) > 0.6 * full and np.ptp(ink.difference) < 40]
    keys = [h.colour for h in lost]
    if full < 90 or not dark or not any(c is None or colour_distance(inks[dark[0]].colour, c) < FAR for c in keys):
        return None
    frame = _frame_thickness(work, np.asarray(size / full, np.float32), first, last)
    if frame is None:
        return None
    columns = np.arange(first, last, dtype=float) + 0.5
    free = np.ones(columns.size, bool)
    for d in drafts:
        free &= d.steps.at(columns) > top + 2 * width + reach_of(d, size.shape)
    drawn = np.minimum(band / full, 1).sum(axis=0) > frame + THICKER * width
    if free.sum() < FREE * columns.size or drawn[free].mean() < DRAWN:
        return None
    seen = np.flatnonzero(drawn & free)
    stop = int(seen[-1]) + 1
    if drawn[:stop][free[:stop]].mean() < DRAWN or int(seen[0]) > int(np.flatnonzero(free)[0]) + 0.1 * columns.size:
        return None
    end = work.right if stop > columns.size - 3 * width - 3 else float(columns[stop - 1] + 0.5)
    path = Path(first=first, rows=np.full(max(2, int(end) - first), int(top)), gain=float(seen.size))
    empty, nothing = np.zeros(size.shape, np.float32), np.zeros(size.shape, bool)
    duty = float(drawn[:stop][free[:stop]].mean())
    n = path.rows.size
    near, away = (np.r_[v, np.zeros(max(0, n - v.size), bool)][:n] for v in (drawn & free, ~free))
    style = lost[0].dash if len(lost) == 1 and lost[0].dash else "solid" if duty > 0.95 else "dashed"
    return Draft(
        ink=dark[0], steps=Steps(x=np.array([work.left]), y=np.array([top]), end=end), path=path, width=width, level=1.0,
        blur=drafts[0].blur, dashes=Dashes(name=style, duty=duty, dash=0.0, gap=0.0), own=empty, blocked=nothing,
        seen=near, hidden=away, gain=float(seen.size),
    )  # fmt: skip


def _frame_thickness(work: Canvas, share: Image, first: int, last: int) -> float | None:
    """Thickness in pixels of the thickest other line of the frame that is drawn; None where none is."""
    a, b = int(work.top) + 8, int(work.bottom) - 8
    reach = 4
    found = []
    if b - a > 20:
        for x in (work.right, work.left):
            part = share[a:b, max(0, int(x) - reach) : int(x) + reach + 1]
            found.append(float(np.median(np.minimum(part, 1).sum(axis=1))))
        part = share[max(0, int(work.bottom) - reach) : int(work.bottom) + reach + 1, first:last]
        found.append(float(np.median(np.minimum(part, 1).sum(axis=0))))
    lines = [t for t in found if t > 0.4]
    return max(lines) if lines else None
