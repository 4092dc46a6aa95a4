"""Whether a bar stands where one was found: looked at in the picture, not along the curve.

Where a curve falls steeply a small error of its steps leaves slivers of ink beside the drawn stroke, and along the curve a sliver
looks like the visible end of a bar. So every bar found is looked for once more as a rectangle of the width and height that the bars of
the panel have: of its pixels those count that neither the drawn stroke nor anything else covers, and nearly all of them must be
inked. Where too few of them can be seen, or one end alone beside a stroke that is drawn where the picture has none (there the curve
itself is a little off), a bar is in doubt, and is kept only among others that are not. Along a curve that has marks some stand on
level line with both ends in sight; where nearly none does, the others are not believed.
"""

from __future__ import annotations

import cv2
import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats

#: Part of one end that must be seen for its ink to count, and for it to speak against the bar.
LEAST_END, MOST_END = 0.2, 0.6
#: Part of the two ends of a bar beyond the stroke that must be seen, mean ink that each end and the better one must have, for a bar that
#: is beyond doubt; and what is taken for the usual ink at least.
LEAST_SEEN, EACH, BETTER, LEAST_USUAL = 0.4, 0.4, 0.7, 0.4
#: Columns beside a drawn drop that its blur or a small error of its place may ink.
BESIDE = 1
#: Ink that is missing where the stroke was drawn (above NOISE, within NEAR columns), as a part of the ink of the bar, from which the
#: curve is not well enough known for one end to be enough: in the rows of the stroke there, and in those of the whole bar.
WRONG, WRONG_ABOUT, NOISE, NEAR = 0.4, 0.5, 0.35, 3
#: A bar in doubt is kept among at least as many that are beyond doubt within so many widths of a bar.
COMPANY, WITHIN = 3, 15.0
#: Both ends of a bar are clear with so much ink and at least so far (pixels) from a drop; where a smaller part of the bars is clear, the
#: rest is slivers of a curve that falls steeply.
CLEAR, FAR, FREE = 0.6, 3.0, 0.15
#: Part of the columns of a line where both of its sides must be seen, or a bar is measured, and clear, by the end that is seen.
ONE_SIDE = 0.3
#: Missing part of the height of the stroke from which a column is a gap, and the part of columns from which the line is broken.
GAP, BROKEN = 0.25, 0.1


@record
class Ends:
    """What is seen of the two ends of a bar at one height: the part, the mean ink of each end and of the better one, the ink,
    whether both are seen, and the height."""

    seen: float
    each: float
    better: float
    ink: float
    both: bool
    level: float


def standing(x: Floats, share: Image, blocked: Mask, drawn: Image, steps: Steps, *, width: float, mark: float, height: float) -> Mask:
    """For each bar at a column of ``x`` whether its ink is in the picture.

    Args:
        x: Middles of bars (canvas columns).
        share: Share of ink (rows, columns); blocked: pixels that say nothing; drawn: ink of the stroke as it is fitted.
        steps: The curve. width: of its stroke. mark, height: width of a bar and how far it stands out of the stroke on each side.
    """
    around = cv2.dilate(drawn, np.ones((1, 2 * BESIDE + 1), np.uint8))
    free = np.where(blocked, 0.0, np.clip(1.0 - around, 0.0, 1.0)).astype(np.float32)
    room = np.clip(1.0 - drawn, 0.0, 1.0)
    rest = np.clip(share - drawn, 0.0, 1.0)
    ends = [ends_of(float(v), rest, room, free, steps, width=width, mark=mark, height=height) for v in x]
    better = [max((e.better for e in found), default=np.nan) for found in ends]
    usual = min(1.0, max(LEAST_USUAL, float(np.nanmedian(better)))) if np.isfinite(better).any() else 1.0
    missing = np.where(blocked, 0.0, np.clip(drawn - share - NOISE, 0.0, 1.0))
    lines = drawn.max(axis=0) > NOISE
    whole = not lines.any() or float((missing.sum(axis=0) > GAP * width)[lines].mean()) < BROKEN
    sure, clear = np.zeros(x.size, bool), np.zeros(x.size, bool)
    one_side = on_an_edge(blocked, steps, out=(width + height) / 2)
    for i, found in enumerate(ends):
        a, b = max(0, int(x[i] - mark / 2 - NEAR)), int(x[i] + mark / 2 + NEAR) + 1
        for e in found:
            if e.each < EACH * usual or e.better < BETTER * usual or e.seen < LEAST_SEEN:
                continue
            gone = [float(missing[max(0, int(e.level - h)) : int(e.level + h) + 1, a:b].sum()) for h in (width / 2, width / 2 + height)]
            clear[i] |= (e.both or one_side) and e.each > CLEAR * usual and bool((np.abs(steps.x[1:] - x[i]) > FAR).all())
            sure[i] |= e.both or not whole or (gone[0] < WRONG * e.ink and gone[1] < WRONG_ABOUT * e.ink)
    company = (np.abs(x[:, None] - x[sure][None]) < WITHIN * mark).sum(axis=1)
    there = np.asarray(sure | (company >= COMPANY), bool)
    return there if clear.sum() >= FREE * there.sum() else clear


def on_an_edge(blocked: Mask, steps: Steps, *, out: float) -> bool:
    """Whether a line lies on a frame, so that its bars are seen on one side only, ``out`` pixels from its middle."""
    columns = np.arange(max(0, int(steps.x[0])), min(blocked.shape[1], int(steps.end)))
    level = steps.at(np.asarray(columns + 0.5, float))
    rows = [np.clip(np.floor(level + way * out).astype(int), 0, blocked.shape[0] - 1) for way in (-1, 1)]
    up, down = (~blocked[r, columns] for r in rows)
    return bool(columns.size) and float((up & down).mean()) < ONE_SIDE < float(max(up.mean(), down.mean()))


def ends_of(x: float, rest: Image, room: Image, free: Image, steps: Steps, *, width: float, mark: float, height: float) -> list[Ends]:
    """The ends of a bar at ``x`` for each height of the curve there; ink is 1 where a whole bar has it.

    ``rest`` is the ink that the drawn stroke does not explain, ``room`` what it leaves free, ``free`` the same without the pixels that
    say nothing and those beside drops.
    """
    rows, columns = rest.shape
    left, right = x - mark / 2, x + mark / 2
    a, b = max(0, int(np.floor(left))), min(columns, int(np.ceil(right)))
    across = np.clip(np.minimum(np.arange(a, b) + 1, right) - np.maximum(np.arange(a, b), left), 0.0, 1.0)
    found = []
    for level in np.unique(steps.at(np.array([x - 1.0, x, x + 1.0]))):
        seen, ink, each, better, ends = 0.0, 0.0, 9.0, 0.0, 0
        for start, stop in ((level - width / 2 - height, level - width / 2), (level + width / 2, level + width / 2 + height)):
            r0, r1 = max(0, int(np.floor(start))), min(rows, int(np.ceil(stop)))
            along = np.clip(np.minimum(np.arange(r0, r1) + 1, stop) - np.maximum(np.arange(r0, r1), start), 0.0, 1.0)
            bar = along[:, None] * across
            weight = bar * free[r0:r1, a:b]
            part = float(weight.sum()) / max(1e-9, height * mark)
            if part < LEAST_END:
                continue
            here = float((weight * rest[r0:r1, a:b]).sum())
            mean = here / float((weight * bar * room[r0:r1, a:b]).sum())
            seen, ink, better = seen + part / 2, ink + here, max(better, mean)
            if part > MOST_END:
                each, ends = min(each, mean), ends + 1
        if seen > 0:
            found.append(Ends(seen=seen, each=each, better=better, ink=ink, both=ends == 2, level=float(level)))
    return found
