"""The best monotone path of one ink across the panel, by dynamic programming.

A survival curve is a staircase: in every column it has one height, and between columns it can only fall. The cost of a
path is a sum of log likelihood ratios "a curve passes here" against "none does": in its favour where its own ink lies,
against it where the background shows, and nothing where something else hides the place (other ink, frame, box). With
:math:`D_x(y)` the best cost of a path that is at row y in column x,

.. math:: D_x(y) = h_x(y) + C_x(y) + \\min\\bigl(\\min_{y' < y}(D_{x-1}(y') - C_x(y')) + \\kappa, D_{x-1}(y) - C_x(y)\\bigr)

where :math:`h` is the cost of a column, :math:`C_x(y)` the cost of going down column x to row y, and :math:`\\kappa` the
cost of a step. One pass over the pixels. The path ends where its cost is least, so a line that ends early ends early.
"""

from __future__ import annotations

from typing import Any

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.ink import Image, Mask

#: Log likelihood ratio of a pixel of own ink, and (solid line) of background.
OWN, BACKGROUND = 3.0, -3.0
#: Cost of a step, of a pixel of background in a vertical stroke, and of a hidden pixel in one.
STEP, VERTICAL, HIDDEN = 0.5, 3.0, 0.12

#: Share of ink from which a pixel of a vertical stroke counts as drawn.
FULL = 0.6
#: Where more of the panel than this is ink there are no gaps between dashes to be bridged round corners, but noise.
DENSE = 0.06
#: Share of ink that the gap between two dashes counts for where it is no straight piece.
CORNER = 0.5
#: Cost of a column where all the ink beside the line is on one side: it keeps the path in the middle of wide ink.
LEAN = 1.5


@record
class Path:
    """A path: ``rows[k]`` is the row (whole pixels) in column ``first + k``; ``gain`` its log likelihood ratio."""

    first: int
    rows: NDArray[np.int64]
    gain: float

    @property
    def last(self) -> int:
        """The last column."""
        return self.first + self.rows.size - 1


@nb.njit(cache=True)
def _search(across: Any, down: Any, first: int, last: int, top: int, bottom: int, step: float, back: Any) -> Any:
    """Fill ``back`` and return, per column, the best total cost and the row where it is reached."""
    rows = bottom - top + 1
    cost = np.empty(rows)
    total = np.empty(last - first + 1)
    where = np.zeros(last - first + 1, np.int64)
    going = 0.0
    for r in range(rows):
        going += down[top + r, first] if r > 0 else 0.0
        cost[r] = going + across[top + r, first] + (step if r > 0 else 0.0)
        back[r, 0] = r
    best = 0
    for r in range(1, rows):
        if cost[r] < cost[best]:
            best = r
    total[0] = cost[best]
    where[0] = best
    for x in range(first + 1, last + 1):
        going = 0.0
        least = np.inf
        least_row = 0
        best = 0
        for r in range(rows):
            if r > 0:
                going += down[top + r, x]
            stay = cost[r] - going
            value = stay
            origin = r
            if least + step < stay:
                value = least + step
                origin = least_row
            if stay < least:
                least = stay
                least_row = r
            cost[r] = value + going + across[top + r, x]
            back[r, x - first] = origin
            if cost[r] < cost[best]:
                best = r
        total[x - first] = cost[best]
        where[x - first] = best
    return total, where


@nb.njit(cache=True)
def _trace_back(back: Any, end: int, row: int) -> Any:
    rows = np.empty(end + 1, np.int64)
    for x in range(end, -1, -1):
        rows[x] = row
        row = back[row, x]
    return rows


def follow(
    own: Image, hidden: Mask, *, width: float, first: int, last: int, top: int, bottom: int, gap: float = BACKGROUND, bridge: int = 0
) -> Path:
    """Best path from row ``top`` (S = 1) in column ``first``, falling to at most row ``bottom``, ending by column ``last``.

    ``own`` is the share of the curve's ink, ``hidden`` marks pixels that say nothing, ``width`` is the line's width in
    pixels, ``gap`` the log likelihood ratio of a background column (near 0 for a dotted line), ``bridge`` the longest gap
    between dashes that counts as drawn, in columns.
    """
    share = own
    if bridge > 1:
        wide = cv2.morphologyEx(own, cv2.MORPH_CLOSE, np.ones((1, bridge), np.uint8))
        high = cv2.morphologyEx(own, cv2.MORPH_CLOSE, np.ones((bridge, 1), np.uint8))
        share = np.maximum(own, np.float32(0.65) * np.maximum(wide, high))
    loose = np.zeros_like(own)
    if (
        bridge > 1 and float((own > 0.5).mean()) < DENSE
    ):  # a gap round a corner lies on neither a row nor a column: it says little, and nothing against the curve
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (bridge, bridge))
        grey = np.asarray(own.clip(0, 1) * np.float32(255) + np.float32(0.5), np.uint8)  # a disc takes bytes four times as fast
        loose = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc), np.float32) / np.float32(255)
    veil = (hidden & (own < 0.5)).astype(np.float32)
    across = _evidence(share, veil, width, vertical=True)
    along = _evidence(share, veil, width, vertical=False)
    lean = np.asarray(cv2.filter2D(share, -1, flanks(width), borderType=cv2.BORDER_CONSTANT), np.float32)
    across = (np.maximum(across[0], CORNER * loose * (1 - across[1])), across[1])  # where something hides the place, it says nothing more
    along = (np.maximum(along[0], FULL * loose), along[1])
    cost = -(across[0] * (OWN - gap) + gap * (1 - across[1])) + LEAN * np.abs(lean)
    # Ink of half strength is drawn: the upright of a thin line often lies between two columns.
    down = (1 - np.minimum(along[0] / FULL, 1) - along[1]).clip(0, 1) * VERTICAL + along[1] * HIDDEN
    back = np.zeros((bottom - top + 1, last - first + 1), np.int32)
    total, where = _search(
        np.ascontiguousarray(cost, np.float64), np.ascontiguousarray(down, np.float64), first, last, top, bottom, STEP, back
    )
    end = int(total.argmin())
    rows = _trace_back(back, end, int(where[end])) + top
    return Path(first=first, rows=rows, gain=float(-total[end]))


def _evidence(share: Image, veil: Image, width: float, *, vertical: bool) -> tuple[Image, Image]:
    """Own ink and hidden pixels averaged over the width of the line, across it."""
    kernel = box_kernel(width)
    size = kernel.reshape(-1, 1) if vertical else kernel.reshape(1, -1)
    mean = np.asarray(cv2.filter2D(share, -1, size, borderType=cv2.BORDER_CONSTANT), np.float32)
    cover = np.asarray(cv2.filter2D(veil, -1, size, borderType=cv2.BORDER_CONSTANT), np.float32)
    return mean, np.minimum(cover, 1 - mean)


def box_kernel(width: float) -> Image:
    """A box of ``width`` pixels centred on a pixel, its ends fractional; it sums to 1."""
    half = max(0.5, width / 2)
    reach = int(np.ceil(half - 0.5))
    offsets = np.arange(-reach, reach + 1)
    weight = np.clip(half + 0.5 - np.abs(offsets), 0, 1)
    return np.asarray(weight / weight.sum(), np.float32)


def flanks(width: float) -> Image:
    """A kernel across the line: mean ink just above the stroke minus mean ink just below."""
    half, side = max(0.5, width / 2), max(3, round(0.75 * width))
    reach = int(np.ceil(half)) + side
    offsets = np.arange(-reach, reach + 1)
    weight = np.clip(np.abs(offsets) + 0.5 - half, 0, 1) * np.sign(-offsets)
    return np.asarray(weight / np.abs(weight).sum() * 2, np.float32).reshape(-1, 1)


def stroke_width(own: Image) -> tuple[float, int]:
    """Width of the lines of an ink in pixels: the median ink across, where the stroke is longer along than across.

    Also how many pixels of level strokes there are; dotted and steep lines have few.
    """
    ink = own > 0.5
    if ink.sum() < 20:
        return 1.0, 0
    wide = run_lengths(ink)
    high = run_lengths(ink.T).T
    flat = ink & (wide > 3 * high) & (wide > 6)
    steep = ink & (high > 3 * wide) & (high > 6)
    chosen = flat if flat.sum() >= 20 else (flat | steep if (flat | steep).sum() >= 20 else ink)
    across = np.where(flat, high, wide)[chosen]
    # Each run counts once, not once a pixel, or a few big markers outweigh a thin line.
    order = np.argsort(across)
    weight = np.cumsum(1.0 / across[order])
    typical = float(across[order][np.searchsorted(weight, 0.5 * weight[-1])])
    reach = int(typical) + 2
    sums = cv2.filter2D(own, -1, np.ones((2 * reach + 1, 1), np.float32), borderType=cv2.BORDER_CONSTANT)
    at = chosen & flat & (high <= typical + 1) & (high >= typical - 1)
    return (float(np.median(sums[at])) if at.sum() >= 20 else typical), int(flat.sum())


def run_lengths(mask: Mask) -> NDArray[np.int32]:
    """For every true pixel the length of its run along the row, 0 elsewhere."""
    return np.asarray(_runs(np.ascontiguousarray(mask)), np.int32)


@nb.njit(cache=True)
def _runs(mask: Any) -> Any:
    rows, columns = mask.shape
    length = np.zeros((rows, columns), np.int32)
    for r in range(rows):
        start = 0
        for c in range(columns + 1):
            if c == columns or not mask[r, c]:
                for k in range(start, c):
                    length[r, k] = c - start
                start = c + 1
    return length
