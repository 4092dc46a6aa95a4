"""Censor ticks: ink that stands out of the stroke above and below, found along the curve.

The stroke covers, in every column, the rows between its two edges (:mod:`~nextarm.figures.raster.edges`), also at the corner of a
step; what own ink lies beyond is a tick. Summed over the height of a tick this is one signal along the curve, and a stretch where it is
up holds one mark or more (:mod:`~nextarm.figures.raster.stretches`). Bars that coincide are counted by their tips
(:mod:`~nextarm.figures.raster.tips`); rings and crosses are found by their shape (:mod:`~nextarm.figures.raster.shapes`).
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats
from nextarm.figures.raster.refine import draw
from nextarm.figures.raster.shapes import Shape, beside, learn_shape, place_shapes, rings_and_crosses
from nextarm.figures.raster.standing import ONE_SIDE, standing
from nextarm.figures.raster.stretches import NONE, SAME_PLACE, Marks, mark_width, place, stretches
from nextarm.figures.raster.tips import marks_of_level, tip_of

#: Highest part of a tick beyond the stroke that is looked for, in pixels and in widths of the line.
REACH, WIDTHS = 9, 3.5
#: Share of the ink beside a stroke that marks of one shape must explain.
EXPLAINED = 0.6
#: Part of the height of a bar beyond the stroke that must be seen.
PARTLY = 0.6
#: Difference of the two sides of a bar that was snapped to whole pixels, and its curve not.
SNAPPED = 1.3
#: Lowest bar beyond the stroke, in pixels and as a part of the width of the line: programs draw them higher, slivers are lower.
LOWEST, LOWEST_PART = 0.8, 0.3
#: Fewest free marks of a curve that tell the bars of the others; how many times as many as theirs; difference (pixels) that is none.
SURE, CLEARER, ALIKE = 6, 3, 0.4
#: Columns after the end of a line that half a bar may cover.
AFTER = 2
#: Share of the hidden marks that is left where tips were counted.
COUNTED = 0.3
#: Expected number of further marks a pixel of rate at a place whose mark is a ring or a cross.
HIDDEN_SHAPE = 0.5


@record
class Bar:
    """What the bars along one curve are like: from the curve to their end, their width (pixels), and how many columns say so."""

    half: float
    width: float
    votes: int


def find_ticks(seen: Beside | None, *, shapes: tuple[Shape | None, ...] = (), bar: Bar | None = None) -> Marks:
    """Ticks along a curve, from what lies beside its stroke (:func:`along`); none without that.

    ``shapes`` are those of the marks of all curves of the panel (:func:`mark_shape`), its own first; ``bar`` is what its bars are to be
    like where other curves show it better.
    """
    if seen is None:
        return NONE
    share, blocked, steps, width = seen.share, seen.blocked, seen.steps, seen.width
    shaped = by_shape(seen.rest, beside(seen.drawn, blocked), steps, shapes)
    if shaped is not None:
        return shaped
    if spread_out(seen.above, seen.below):
        signal = shape_signal(seen.above, seen.seen_above, seen.below, seen.seen_below, width)
        height = shape_height(seen.above, seen.below)
        runs = stretches(np.nan_to_num(signal))
        mark = mark_width(runs, signal, share=0.8)[0] if runs else 0.0
        # A cross or a ring is about as wide as it is high; a bar is not.
        if mark > 1.2 * height:
            return place(runs, mark, signal, seen.first, height)
    height = tick_height(seen) if bar is None else bar.half - width / 2
    if height < lowest(width):
        return NONE
    signal = bar_signal(seen, height)
    runs = stretches(np.nan_to_num(signal))
    if not runs:
        return NONE
    mark = mark_width(runs, signal)[0] if bar is None else bar.width
    signal = at_drops(signal, seen, height=height, mark=mark)
    runs = stretches(np.nan_to_num(signal))
    marks = counted(place(runs, mark, signal, seen.first, height), share, blocked, steps, width=width, reach=seen.reach)
    there = standing(marks.x, share, blocked, seen.drawn, steps, width=width, mark=mark, height=height)
    return replace(marks, x=marks.x[there], count=marks.count[there], extra=marks.extra[there])


@record
class Beside:
    """What lies beside the stroke of a curve: the ink looked at and what hides it (pixels of other ink or a frame say nothing), the steps
    and the width of the stroke; the ink as it is drawn, the rest, the edges of the stroke, and the strips beyond them."""

    share: Image
    blocked: Mask
    steps: Steps
    width: float
    drawn: Image
    rest: Image
    centre: Floats
    upper: Floats
    lower: Floats
    above: Floats
    seen_above: Mask
    below: Floats
    seen_below: Mask
    reach: int

    @property
    def first(self) -> int:
        """First column."""
        return int(self.centre[0])


def along(share: Image, blocked: Mask, steps: Steps, *, width: float, blur: float) -> Beside | None:
    """What lies beside the stroke along ``steps``; None for a curve that is too short."""
    first, last = max(0, int(np.floor(steps.x[0]))), int(np.floor(steps.end + 0.25))
    if last - first < 8:
        return None
    last = min(share.shape[1], last + AFTER)  # a bar at the very end stands out of it to the right
    drawn = draw(share.shape, steps, width=width, blur=blur)
    rest = share - drawn
    centre = np.arange(first, last) + 0.5
    reach = reach_beyond(share, width)
    upper, lower, (above, seen_above), (below, seen_below) = both_strips(rest, blocked, steps, centre, width, reach)
    return Beside(
        share=share, blocked=blocked, steps=steps, width=width, drawn=drawn, rest=rest, centre=centre, upper=upper, lower=lower,
        above=above, seen_above=seen_above, below=below, seen_below=seen_below, reach=reach,
    )  # fmt: skip


def bar_signal(seen: Beside, height: float) -> Floats:
    """How much of a bar that stands ``height`` out of the stroke is there in every column, 0 to 1; NaN where nothing can be seen."""
    steps, width = seen.steps, seen.width
    up, down = (end_of_bars(seen, steps.at(seen.centre), height, up=way) for way in (True, False))
    signal = both_sides(up, down)
    # At the end of the line a level is too short to be sure of: there both sides of a mark must be seen.
    signal[(seen.centre > steps.end - width - 1) & ~np.isfinite(up + down)] = np.nan
    return signal


def end_of_bars(seen: Beside, level: Floats, height: float, *, up: bool) -> Floats:
    """How much of the upper or lower end of a bar on ``level`` is there in every column (:func:`side`)."""
    half = seen.width / 2 + height
    edge, ink, clear = (seen.upper, seen.above, seen.seen_above) if up else (seen.lower, seen.below, seen.seen_below)
    whole, _ = strip(seen.share, seen.blocked, edge, seen.first, seen.reach, up=up)
    return side(ink, clear, edge - (level - half) if up else level + half - edge, height, whole)


def at_drops(signal: Floats, seen: Beside, *, height: float, mark: float) -> Floats:
    """The signal with bars that stand across a drop: a part of theirs lies in columns that belong to the other level.

    A bar on the level before a drop stands out above it on both sides of the drop, one on the level after it below; the other end is
    hidden in the upright of the drop.
    """
    whole, steps, here = signal, seen.steps, seen.steps.at(seen.centre)
    for up in (True, False):
        level = steps.at(seen.centre - mark / 2 if up else seen.centre + mark / 2)
        across = level != here
        if across.any():
            other = end_of_bars(seen, level, height, up=up)
            home = np.where(across, 0.0, np.nan_to_num(end_of_bars(seen, here, height, up=up)))
            reach = math.ceil(mark / 2)
            near = np.max([np.roll(home, k if up else -k) for k in range(1, reach + 1)], axis=0)
            whole = np.fmax(whole, np.where(across, np.clip(np.minimum(other, near), 0.0, 1.2), np.nan))
    return whole


def bar_of(seen: Beside | None) -> Bar | None:
    """The bars along a curve; None where it has none that can be told."""
    if seen is None:
        return None
    height = tick_height(seen)
    if height < lowest(seen.width):
        return None
    signal = bar_signal(seen, height)
    runs = stretches(np.nan_to_num(signal))
    if not runs:
        return None
    mark, votes = mark_width(runs, signal)
    return Bar(half=seen.width / 2 + height, width=mark, votes=votes)


def bars_of_panel(own: list[Bar | None]) -> list[Bar | None]:
    """The bars to look for along each curve: its own, unless those of another curve are seen far more often and differ."""
    some = [b for b in own if b is not None]
    if not some:
        return own
    best = max(some, key=lambda b: b.votes)
    if best.votes < SURE:
        return own
    out: list[Bar | None] = []
    for b in own:
        sure = b is not None and b.votes * CLEARER >= best.votes
        alike = b is not None and abs(b.half - best.half) < ALIKE and abs(b.width - best.width) < ALIKE
        out.append(b if sure or alike else best)
    return out


def both_strips(
    rest: Image, blocked: Mask, steps: Steps, centre: Floats, width: float, reach: int
) -> tuple[Floats, Floats, tuple[Floats, Mask], tuple[Floats, Mask]]:
    """The two edges of the stroke in every column, and what lies beyond each of them (:func:`strip`)."""
    first = int(centre[0])
    upper = steps.at(centre - width / 2) - width / 2
    lower = steps.at(np.minimum(centre + width / 2, steps.end)) + width / 2
    return upper, lower, strip(rest, blocked, upper, first, reach, up=True), strip(rest, blocked, lower, first, reach, up=False)


def bar_height(share: Image, blocked: Mask, steps: Steps, *, width: float, blur: float) -> float:
    """How far the censor bars along a curve stand out of its stroke on each side, in pixels; 0 without bars."""
    seen = along(share, blocked, steps, width=width, blur=blur)
    if seen is None or spread_out(seen.above, seen.below):
        return 0.0
    height = tick_height(seen)
    return height if height >= lowest(width) else 0.0


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
    extra = np.concatenate([marks.extra[keep], np.full(len(x), COUNTED * float(np.median(marks.extra)) if marks.extra.size else 0.0)])
    order = np.argsort(both, kind="stable")
    return replace(marks, x=both[order], count=count[order], extra=extra[order])


def reach_beyond(share: Image, width: float) -> int:
    """How far beyond the stroke a mark is looked for, in pixels."""
    return int(min(REACH + WIDTHS * width, 0.08 * share.shape[0]))


def mark_shape(seen: Beside | None) -> Shape | None:
    """The shape of the marks along a curve where these are rings or crosses."""
    if seen is None:
        return None
    return learn_shape(seen.rest, seen.blocked, seen.steps, width=seen.width, reach=seen.reach + 3)


def drawn_shape(curves: list[Beside | None]) -> Shape | None:
    """The ring or cross that explains most of the ink beside the curve with most of it; None where the marks are bars.

    For marks that stand too close for a shape to be learnt.
    """
    spread = [c for c in curves if c is not None and spread_out(c.above, c.below)]
    if not spread:
        return None
    seen = max(spread, key=lambda c: sum(float(np.clip(ink[:, 2:], 0, 1).sum()) for ink in (c.above, c.below)))
    visible = beside(seen.drawn, seen.blocked)
    best, most = None, EXPLAINED
    for shape in rings_and_crosses(shape_height(seen.above, seen.below) + seen.width / 2, seen.width):
        x, explained = place_shapes(seen.rest, visible, seen.steps, shape)
        if x.size and explained > most:
            best, most = shape, explained
    return best


def by_shape(rest: Image, visible: Mask, steps: Steps, shapes: tuple[Shape | None, ...]) -> Marks | None:
    """The marks of the shape that explains most of the ink beside the stroke; None where none explains it."""
    own = shapes[:1] if shapes and shapes[0] is not None else shapes
    best: Marks | None = None
    most = EXPLAINED
    for shape in own:
        if shape is None:
            continue
        x, explained = place_shapes(rest, visible, steps, shape)
        if explained > most and x.size:
            most = explained
            near = np.array([np.count_nonzero(np.abs(x - v) < 4 * shape.width) / (8 * shape.width) for v in x])
            best = Marks(
                x=x, count=np.ones(x.size, np.int64), extra=HIDDEN_SHAPE * SAME_PLACE * near, width=shape.width, height=shape.height / 2,
                blind=np.empty(0), missed=np.empty(0),
            )  # fmt: skip
    return best


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


def lowest(width: float) -> float:
    """Height beyond the stroke from which something is a bar."""
    return max(LOWEST, LOWEST_PART * width)


def tick_height(seen: Beside) -> float:
    """Part of a tick beyond the stroke: the most frequent length that is the same above and below; 0 without ticks."""
    above, seen_above, below, seen_below = seen.above, seen.seen_above, seen.below, seen.seen_below
    up, down = run_from_edge(above, seen_above), run_from_edge(below, seen_below)
    upper, lower = seen_above[:, :4].all(axis=1), seen_below[:, :4].all(axis=1)
    whole = upper & lower
    if whole.mean() < ONE_SIDE < max(upper.mean(), lower.mean()):  # a line on the frame: its bars are seen on one side only
        here, run = (upper, up) if upper.mean() > lower.mean() else (lower, down)
        same = here & (run >= 0.9) & (run < above.shape[1] - 2)
        up = down = run
    else:
        same = whole & (up >= 0.9) & (down >= 0.9) & (np.abs(up - down) <= np.maximum(SNAPPED, 0.3 * np.maximum(up, down)))
        same &= up < above.shape[1] - 2
    if same.sum() < 2:
        return 0.0
    lengths = 0.5 * (up + down)[same]
    return float(np.percentile(lengths, 65))


def side(ink: Floats, seen: Mask, expected: Floats, height: float, whole: Floats) -> Floats:
    """Ink beyond one edge as a share of what a tick would put there; NaN where too little of it could be seen.

    Ink that goes on beyond the tip of a tick (in ``whole``, which holds the stroke too) is that of a drop or another line, and says
    nothing.
    """
    reach = ink.shape[1]
    depth = np.clip(np.round(expected + 1.5), 1, reach).astype(np.int64)
    place = np.arange(reach)
    part = place < depth[:, None]
    inner = part & (place >= 2)
    clear = (seen | ~part)[:, 2:].all(axis=1)
    amount = (ink * part).sum(axis=1)
    # Where a part of the depth is hidden, the rest stands for it if it is the larger part.
    visible = (inner & seen).sum(axis=1)
    partly = ~clear & (visible >= np.maximum(2, PARTLY * inner.sum(axis=1)))
    amount = np.where(partly, expected * (ink * inner).sum(axis=1) / np.maximum(visible, 1), amount)
    beyond = (place > depth[:, None]) & (place <= depth[:, None] + 2)
    goes_on = (np.where(beyond, whole, 0.0).sum(axis=1) > 1.2) & (beyond.sum(axis=1) == 2)
    enough = (clear | partly) & ~goes_on & (expected > max(0.7, 0.5 * height))
    return np.asarray(np.where(enough, amount / np.maximum(expected, 0.5), np.nan), float)


def both_sides(up: Floats, down: Floats) -> Floats:
    """How much of a tick stands in every column, 0 to 1: the lesser of the two sides seen; NaN where neither is."""
    lesser = np.fmin(up, down)
    return np.asarray(np.clip(lesser, 0.0, 1.2), float)
