"""The start of a curve at S = 1, where its line lies on the frame and its marks hang below it.

Half of the stroke is cut off there and marks show on one side only, so the fit may take line and marks together for a lower level
that begins at once. The rows of the line itself tell: a curve that had fallen would leave them empty between its marks.
"""

from __future__ import annotations

import numpy as np

from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask

#: A drop within this distance of the start (pixels) is doubted; so is one of at most this many widths.
AT_ONCE, WIDTHS, MORE = 2.5, 2.0, 4.0
#: Fewest columns in which the line must be seen on S = 1, and the largest share of visible columns in which it may be missing.
FEWEST, MISSING = 8, 0.1


def from_the_top(steps: Steps, share: Image, hidden: Mask, *, top: float, width: float) -> Steps:
    """The steps with the first stretch at S = 1 (row ``top``) where the ink shows the line there; the same steps elsewhere."""
    if steps.x.size < 2 or steps.x[1] - steps.x[0] > AT_ONCE or not 0.5 < steps.y[1] - top < WIDTHS * width + MORE:
        return steps
    stop = float(steps.x[2]) if steps.x.size > 2 else steps.end
    first, last = int(np.ceil(steps.x[1] + width / 2)), int(np.floor(min(stop, share.shape[1])))
    low = min(top + width / 2, steps.y[1] - width / 2)  # rows of the line at S = 1 that the lower level would not cover
    rows = np.arange(max(0, int(np.floor(top))), min(share.shape[0], int(np.floor(low + 0.25))))
    if last - first < FEWEST or not rows.size:
        return steps
    seen = ~hidden[rows, first:last]
    count = seen.sum(axis=0)
    mean = np.where(count > 0, (share[rows, first:last] * seen).sum(axis=0) / np.maximum(count, 1), np.nan)
    drawn, empty = np.flatnonzero(mean > 0.6), np.flatnonzero(mean < 0.3)
    empty = empty[empty < (drawn[-1] if drawn.size else 0)]
    if drawn.size < FEWEST or empty.size > MISSING * (drawn.size + empty.size):
        return steps
    until = first + float(drawn[-1]) + 1.0
    if stop - until < 2 * width + 2:  # the line is seen up to the next drop
        return Steps(x=np.delete(steps.x, 1), y=np.delete(steps.y, 1), end=steps.end)
    x = steps.x.copy()
    x[1] = until
    return Steps(x=x, y=steps.y, end=steps.end)
