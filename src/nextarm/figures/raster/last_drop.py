"""The drop that ends a line, to 0 (the last patient's death) or above it: an upright stroke with no level behind it.

A tracer that pays for levels does not see it. It is there where the line's own ink goes straight down from its end to S = 0, narrow
all the way, and stops there; a censoring mark is as high above the line as below it and much shorter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.figures.raster.arms import Draft
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Canvas

INK = 0.4  # share of the line's ink from which a pixel is of the line
SOLID, BROKEN = 0.85, 0.3  # share of the stroke's rows that are drawn, of a solid and of a broken line


def to_zero(draft: Draft, work: Canvas, zero: float) -> Draft:
    """The draft with a last corner at row ``zero`` (S = 0, in canvas pixels) where its line goes down to it at its end."""
    steps, width = draft.steps, draft.width
    short = steps.x.size > 1 and steps.end - float(steps.x[-1]) <= 2 * width  # no level but a part of the upright
    level, reach = float(steps.y[-2 if short else -1]), max(2, round(1.5 * width))
    first, last = round(level + width), round(zero - 0.5 * width)
    rows, columns = draft.own.shape
    end = round(steps.end)
    if last - first < max(2.0 * width + 4, 0.008 * columns) or last > rows or end >= columns - 1 or steps.end > work.right - 2 * width:
        return draft
    a, b = max(0, end - reach - 1), min(columns, end + reach + 1)
    beside = 2 * reach + 2
    stroke = draft.own[first:last, a:b] > INK
    drawn = stroke.any(axis=1)
    sides = [draft.own[first:last, s] > INK for s in (a - beside, b + beside) if 0 <= s < columns]
    below = draft.own[round(zero + 1.5 * width + 2) : round(zero + 4 * width + 6), a:b] > INK
    gap = longest_gap(np.logical_or(drawn, work.neutral[first:last, a:b].any(axis=1)))
    solid = draft.dashes.name == "solid"
    if (
        drawn.mean() < (SOLID if solid else BROKEN)
        or gap > (2 if solid else 6) * width + 2
        or any(side.mean() > 0.3 for side in sides)
        or (below.size > 0 and below.any(axis=1).mean() > 0.5)
    ):
        return draft
    place = float((stroke * (np.arange(a, b) + 0.5)).sum() / stroke.sum())
    joined = short or (steps.x.size > 1 and place - float(steps.x[-1]) <= 2 * width)
    x, y = (steps.x[:-1], steps.y[:-1]) if joined else (steps.x, steps.y)
    return replace(draft, steps=Steps(x=np.r_[x, place], y=np.r_[y, zero], end=max(steps.end, place)))


def to_its_foot(draft: Draft) -> Draft:
    """The draft with its last corner at the foot of the upright in which its line ends above S = 0: half a stroke above its last ink.

    Without a level behind it, a tracer settles between the level above and the foot. Left alone where the upright stands as high
    above the level as below it (a censoring mark). A broken line's last dash need not reach the foot: it lies there at the least.
    """
    steps, width = draft.steps, draft.width
    if steps.x.size < 2:
        return draft
    level, place = round(float(steps.y[-2])), round(float(steps.x[-1]))
    half = max(1, round(width / 2))
    inked: np.ndarray = np.any(draft.own[:, max(0, place - half) : place + half + 1] > INK, axis=1)
    below, above = run_length(inked[level:]), run_length(inked[level::-1])
    foot = level + below - 0.5 * width
    if below < 2 * width + 2 or below < 2 * above or foot <= float(steps.y[-1]):
        return draft
    return replace(draft, steps=replace(steps, y=np.r_[steps.y[:-1], foot]))


def run_length(drawn: np.ndarray) -> int:
    """How many true values stand at the beginning."""
    return int(np.argmin(np.r_[drawn, False]))


def longest_gap(drawn: np.ndarray) -> int:
    """The longest run of false values."""
    edges = np.flatnonzero(np.diff(np.r_[True, drawn, True].astype(int)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
