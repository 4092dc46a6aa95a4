"""Censor ticks: ink that stands out of the stroke above and below, found along the curve.

The stroke covers, in every column, the rows between its two edges (:mod:`~nextarm.figures.raster.edges`), also at the corner of a
step; what own ink lies beyond is a tick. Summed over the height of a tick this is one signal along the curve. A stretch where
the signal is up is as wide as the marks it holds: the width of a single mark is learnt from the figure, a wider
stretch holds two marks at its ends and, where these leave room, more between. The shape (bar, plus, cross, circle, dot) only
decides how wide and high a mark is.
"""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats
from nextarm.figures.raster.refine import draw
from nextarm.figures.raster.tips import marks_of_level, tip_of

#: Highest part of a tick beyond the stroke that is looked for, in pixels and in widths of the line.
REACH, WIDTHS = 9, 3.5


@record
class Marks:
    """Censor marks along one curve: positions (canvas columns), how many each may stand for (0: not to be told)."""

    x: Floats
    count: NDArray[np.int64]
    width: float
    height: float


NONE = Marks(x=np.empty(0), count=np.empty(0, np.int64), width=0.0, height=0.0)


def find_ticks(share: Image, blocked: Mask, steps: Steps, *, width: float, blur: float) -> Marks:
    """Ticks along ``steps`` in the share of ink ``share``; ``blocked`` pixels (other ink, frame) say nothing."""
    first, last = max(0, int(np.floor(steps.x[0]))), min(share.shape[1], int(np.floor(steps.end + 0.25)))
    if last - first < 8:
        return NONE
    rest = share - draw(share.shape, steps, width=width, blur=blur)
    centre = np.arange(first, last) + 0.5
    upper = steps.at(centre - width / 2) - width / 2
    lower = steps.at(np.minimum(centre + width / 2, steps.end)) + width / 2
    reach = int(min(REACH + WIDTHS * width, 0.08 * share.shape[0]))
    above, seen_above = strip(rest, blocked, upper, first, reach, up=True)
    below, seen_below = strip(rest, blocked, lower, first, reach, up=False)
    if spread_out(above, below):
        signal, height = shape_signal(above, seen_above, below, seen_below, width), shape_height(above, below)
        runs = stretches(np.nan_to_num(signal))
        mark = mark_width(runs, signal, share=0.8) if runs else 0.0
        # A cross or a ring is about as wide as it is high; a bar is not.
        if mark > 1.2 * height:
            return place(runs, mark, signal, first, height)
    height = tick_height(above, seen_above, below, seen_below)
    if height < 0.8:
        return NONE
    level_here = steps.at(centre)
    half = width / 2 + height
    signal = both_sides(
        side(above, seen_above, upper - (level_here - half), height), side(below, seen_below, level_here + half - lower, height)
    )
    runs = stretches(np.nan_to_num(signal))
    if not runs:
        return NONE
    marks = place(runs, mark_width(runs, signal), signal, first, height)
    return counted(marks, share, blocked, steps, width=width, reach=reach)


def counted(marks: Marks, share: Image, blocked: Mask, steps: Steps, *, width: float, reach: int) -> Marks:
    """The marks with those that coincide told apart by their tips, where tips can be read."""
    gap = np.diff(marks.x, prepend=-1e9, append=1e9)
    free = marks.width + 2.0
    far = np.array([np.abs(steps.x - x).min() if steps.x.size else 1e9 for x in marks.x]) > width / 2 + free / 2
    alone = marks.x[(gap[:-1] > free) & (gap[1:] > free) & far & (marks.count == 1)]
    tip = tip_of(share, blocked, steps, alone, width=width, mark=marks.width, reach=reach)
    if tip is None:
        return marks
    x: list[float] = []
    keep = np.ones(marks.x.size, bool)
    for k in range(steps.x.size):
        here, filled = marks_of_level(share, blocked, steps, k, marks.x, tip, width=width, reach=reach)
        x += list(here)
        for a, b in filled:
            keep &= (marks.x < a - 0.5) | (marks.x > b + 0.5)
    both = np.concatenate([marks.x[keep], np.asarray(x, float)])
    count = np.concatenate([marks.count[keep], np.ones(len(x), np.int64)])
    order = np.argsort(both, kind="stable")
    return Marks(x=both[order], count=count[order], width=marks.width, height=marks.height)


def strip(rest: Image, blocked: Mask, edge: Floats, first: int, reach: int, *, up: bool) -> tuple[Floats, Mask]:
    """Ink beyond one edge of the stroke, (columns, reach) from one pixel inside the edge outwards; and what of it is seen."""
    rows = rest.shape[0]
    start = np.floor(edge).astype(np.int64)
    offsets = np.arange(-1, reach - 1)
    at = start[:, None] - offsets if up else start[:, None] + offsets
    inside = (at >= 0) & (at < rows)
    at = np.clip(at, 0, rows - 1)
    columns = np.arange(first, first + edge.size)[:, None]
    seen = inside & ~blocked[at, columns]
    return np.asarray(np.where(seen, rest[at, columns], 0.0), float), np.asarray(seen, bool)


def run_from_edge(ink: Floats, seen: Mask) -> Floats:
    """How far ink reaches without a break from the edge of the stroke, in pixels of full ink, per column."""
    drawn = np.where(seen, ink, 0.0) > 0.35
    drawn[:, :2] = True
    length = np.where(drawn.all(axis=1), drawn.shape[1], np.argmin(drawn, axis=1))
    part = np.arange(ink.shape[1]) <= length[:, None]
    return np.asarray((np.maximum(ink, -0.3) * part).sum(axis=1), float)


def spread_out(above: Floats, below: Floats) -> bool:
    """Whether the marks are crosses or rings: much of their ink is not joined to the stroke column by column."""
    total = joined = 0.0
    for ink in (above, below):
        solid = np.where(ink > 0.35, ink, 0.0)[:, 2:]
        amount = solid.sum(axis=1)
        some = (amount > 0.8) & (amount < 0.8 * ink.shape[1])
        run = run_from_edge(ink, np.ones(ink.shape, bool))
        total += float(amount[some].sum())
        joined += float(np.minimum(run, amount)[some].sum())
    return total > 12.0 and joined < 0.78 * total


def shape_signal(above: Floats, seen_above: Mask, below: Floats, seen_below: Mask, width: float) -> Floats:
    """1 where ink stands above and below in any height of a mark, and over the middle of a mark that the stroke hides."""
    sides = []
    for ink, seen in ((above, seen_above), (below, seen_below)):
        solid = np.where(ink > 0.35, ink, 0.0)
        solid[:, :2] = 0.0
        sides.append(np.where(seen[:, 2:].mean(axis=1) > 0.6, np.clip(solid.sum(axis=1) / 0.8, 0, 1), np.nan))
    signal = both_sides(*sides)
    hidden = math.ceil(width) + 5
    filled = np.nan_to_num(signal)
    line = filled.reshape(1, -1).astype(np.float32)
    closed = cv2.morphologyEx(line, cv2.MORPH_CLOSE, np.ones((1, hidden), np.uint8)).ravel().astype(float)
    return np.where(np.isfinite(signal), closed, np.nan)


def shape_height(above: Floats, below: Floats) -> float:
    """How far the marks reach beyond the stroke."""
    far = []
    for ink in (above, below):
        drawn = ink[:, 2:] > 0.35
        some = drawn.any(axis=1)
        far.append(drawn.shape[1] - np.argmax(drawn[some][:, ::-1], axis=1))
    reach = np.concatenate(far)
    return float(np.percentile(reach, 75)) if reach.size else 0.0


def tick_height(above: Floats, seen_above: Mask, below: Floats, seen_below: Mask) -> float:
    """Part of a tick beyond the stroke: the most frequent length that is the same above and below; 0 without ticks."""
    up, down = run_from_edge(above, seen_above), run_from_edge(below, seen_below)
    whole = seen_above[:, :4].all(axis=1) & seen_below[:, :4].all(axis=1)
    same = whole & (up >= 0.9) & (down >= 0.9) & (np.abs(up - down) <= np.maximum(1.0, 0.3 * np.maximum(up, down)))
    same &= up < above.shape[1] - 2
    if same.sum() < 2:
        return 0.0
    lengths = 0.5 * (up + down)[same]
    return float(np.percentile(lengths, 65))


def side(ink: Floats, seen: Mask, expected: Floats, height: float) -> Floats:
    """Ink beyond one edge as a share of what a tick would put there; NaN where too little of it could be seen."""
    reach = ink.shape[1]
    depth = np.clip(np.round(expected + 1.5), 1, reach).astype(np.int64)
    part = np.arange(reach) < depth[:, None]
    clear = (seen | ~part)[:, 2:].all(axis=1)
    amount = (ink * part).sum(axis=1)
    enough = clear & (expected > max(0.7, 0.5 * height))
    return np.asarray(np.where(enough, amount / np.maximum(expected, 0.5), np.nan), float)


def both_sides(up: Floats, down: Floats) -> Floats:
    """How much of a tick stands in every column, 0 to 1: the lesser of the two sides seen; NaN where neither is."""
    lesser = np.fmin(up, down)
    return np.asarray(np.clip(lesser, 0.0, 1.2), float)


def stretches(signal: Floats, *, least: float = 0.35) -> list[tuple[float, float, float]]:
    """Stretches where the signal is up: left end, right end (to a part of a pixel, from its ink), peak."""
    up = signal > 0.18
    edge = np.diff(np.concatenate([[0], up.astype(np.int8), [0]]))
    spans = [(int(a), int(b)) for a, b in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)]
    spans = [(a, b) for a, b in spans if signal[a:b].max() >= least]
    if not spans:
        return []
    full = float(np.percentile([signal[a:b].max() for a, b in spans], 80))
    found: list[tuple[float, float, float]] = []
    for a, b in spans:
        part = signal[a:b]
        peak = float(part.max())
        for c, d in _split(part, peak):
            piece = np.minimum(part[c:d] / max(peak, full), 1.0)
            total = float(piece.sum())
            middle = float((piece * (np.arange(c, d) + 0.5)).sum() / total)
            found.append((a + middle - total / 2, a + middle + total / 2, peak))
    return found


def _split(part: Floats, peak: float) -> list[tuple[int, int]]:
    """Cut a stretch at valleys that go below 70 % of the peaks on both sides."""
    cuts = [0]
    for i in range(1, part.size - 1):
        if part[i] <= part[i - 1] and part[i] < part[i + 1]:
            left, right = part[cuts[-1] : i].max(), part[i + 1 :].max()
            if part[i] < 0.7 * min(left, right) and min(left, right) > 0.5 * peak:
                cuts.append(i)
    cuts.append(part.size)
    return [(a, b) for a, b in itertools.pairwise(cuts) if b > a]


def mark_width(runs: list[tuple[float, float, float]], signal: Floats, *, share: float = 0.5) -> float:
    """Width of one mark: the least of the frequent widths of stretches that stand free on both sides.

    ``share`` is how frequent a width must be, as a part of the most frequent.
    """
    free = []
    for left, right, _ in runs:
        a, b = int(np.floor(left)) - 2, int(np.ceil(right)) + 2
        if a >= 0 and b < signal.size and np.isfinite(signal[a : b + 1]).all():
            free.append(right - left)
    widths = np.asarray(free if len(free) >= 3 else [right - left for left, right, _ in runs], float)
    widths = widths[widths >= 0.6]
    if not widths.size:
        return 1.0
    near = np.abs(widths[:, None] - widths[None]) < 0.6
    votes = near.sum(axis=1)
    frequent = widths[votes >= share * votes.max()]
    low = float(frequent.min())
    return float(np.median(widths[np.abs(widths - (low + 0.3)) < 0.7]))


def place(runs: list[tuple[float, float, float]], mark: float, signal: Floats, first: int, height: float) -> Marks:
    """Positions of the marks in the stretches.

    A stretch no wider than a mark holds one. A wider one holds one at each end; how many stand between is not to be seen, and
    the expected number is given for marks that come at random with the rate of this curve, with count 0.
    """
    seen = np.isfinite(signal)
    covered = float((np.nan_to_num(signal) > 0.5).sum() / max(1, seen.sum()))
    rate = -np.log(1 - min(0.95, covered)) / mark
    x: list[float] = []
    count: list[int] = []
    for left, right, _ in runs:
        size = right - left
        if size < 0.5 * mark:
            continue
        spare = size - mark
        if spare < 0.5:
            x.append(0.5 * (left + right))
            count.append(1)
            continue
        between = expected_between(spare, mark, rate)
        x += list(np.linspace(left + mark / 2, right - mark / 2, between + 2))
        count += [1, *([0] * between), 1]
    order = np.argsort(x, kind="stable")
    return Marks(x=first + np.asarray(x, float)[order], count=np.asarray(count, np.int64)[order], width=mark, height=height)


def expected_between(spare: float, mark: float, rate: float) -> int:
    """Expected number of marks between the two at the ends of a stretch whose ends are ``spare`` apart, rounded.

    The number between is Poisson with mean rate * spare, given that no gap is wider than a mark; the chance of that with m
    marks at uniform places is :math:`\\sum_k (-1)^k \\binom{m + 1}{k} (1 - k w / s)_+^m` (spacings of uniform points).
    """
    least = max(0, int(np.ceil(spare / mark - 1e-9)) - 1)
    mean = max(rate, 1e-6) * spare
    numbers = np.arange(least, least + 30)
    weight = []
    for m in numbers:
        log_poisson = m * np.log(mean) - math.lgamma(m + 1)
        weight.append(np.exp(log_poisson - mean) * max(0.0, no_wide_gap(int(m), mark / spare)))
    total = sum(weight)
    if total <= 0:
        return least
    return max(least, round(float(np.dot(numbers, weight) / total) - 0.1))


def no_wide_gap(m: int, share: float) -> float:
    """Chance that m uniform points on a unit stretch leave no gap wider than ``share``."""
    total = 0.0
    for k in range(m + 2):
        left = 1 - k * share
        if left <= 0:
            break
        total += (-1) ** k * math.comb(m + 1, k) * left**m
    return min(1.0, max(0.0, total))
