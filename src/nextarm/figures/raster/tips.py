"""How many marks coincide: the tips of censor bars count them.

A drawing program that snaps marks to pixels still ends a bar of fractional length in a row that it covers only in part. Each
mark painted there lets the same part of the light through, so k coincident marks with coverage c leave :math:`(1-c)^k`, and
:math:`-\\log(1 - \\mathrm{ink})`, summed over the row of tips of one level, is the number of marks times that of one. The two
tips of a mark are both looked at; at the corner of a step the free one alone. All this is learnt from marks that stand alone,
and given up where these do not agree (blurred, scaled or strongly compressed images, bars that end with a full row).
"""

from __future__ import annotations

import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask
from nextarm.figures.raster.panel import Floats

#: Ink above which a pixel is full (its logarithm says nothing), and below which it is empty.
FULL, EMPTY = 0.975, 0.1
#: Fewest tips that stand alone, and the part of them that must be whole numbers of marks.
FEWEST, AGREE = 8, 0.75

#: Share of what a full pixel counts from which a row of tips counts only marks that were found.
SATURATED = 0.9

#: Sideways distance (pixels) between the end of a mark and the row two pixels inside from which it is no bar.
LEAN = 0.4


@record
class Tip:
    """The tip of a single mark: distance of its row's centre from the level (up, down), coverage, sum of logarithms, width."""

    offset: tuple[float, float]
    cover: float
    mass: float
    width: float


def light(ink: Floats | Image) -> Floats:
    """Minus the logarithm of the light let through."""
    ink = np.asarray(ink, float)
    return np.asarray(np.where(ink < EMPTY / 2, 0.0, -np.log1p(-np.minimum(ink, FULL))))


def tip_of(share: Image, blocked: Mask, steps: Steps, alone: Floats, *, width: float, mark: float, reach: int) -> Tip | None:
    """The tip of one mark, from marks at ``alone``; None where they do not agree."""
    pairs = [[outermost(share, blocked, steps, float(x), side, width, mark, reach) for side in (0, 1)] for x in alone]
    seen = [found for pair in pairs for found in pair if found]
    both = np.array([(up[2], down[2]) for up, down in pairs if up and down], float).reshape(-1, 2)
    # A bar snapped to pixels ends alike above and below; one that is not ends anywhere, and its tips do not count it.
    if len(seen) < FEWEST or len(both) < FEWEST / 2 or (np.abs(both[:, 0] - both[:, 1]) < 0.25 * both.max(axis=1)).mean() < 0.6:
        return None
    mass = np.array([s[2] for s in seen])
    votes = (np.abs(mass[:, None] / mass[None] - 1) < 0.15).sum(axis=0)
    one = float(np.median(mass[np.abs(mass / mass[votes >= 0.6 * votes.max()].min() - 1) < 0.15]))
    single = np.abs(mass / one - 1) < 0.2
    whole = np.abs(mass / one - np.maximum(1, np.round(mass / one))) < 0.25
    cover = float(np.median(np.array([s[1] for s in seen])[single]))
    if single.sum() < FEWEST or single.mean() < 0.4 or whole.mean() < AGREE or not 0.15 < cover < 0.9:
        return None
    offset = [float(np.median([s[0] for s, k in zip(seen, single, strict=True) if k and s[3] == side] or [np.nan])) for side in (0, 1)]
    if not np.isfinite(offset).any():
        return None
    up, down = (o if np.isfinite(o) else offset[1 - i] for i, o in enumerate(offset))
    return Tip(offset=(up, down), cover=cover, mass=one, width=mark)


def outermost(
    share: Image, blocked: Mask, steps: Steps, x: float, side: int, width: float, mark: float, reach: int
) -> tuple[float, float, float, int] | None:
    """Distance from the level, coverage and sum of logarithms of the outermost row of the mark at ``x`` on one side."""
    rows, columns = share.shape
    level = float(steps.at(np.array([x]))[0])
    a, b = max(0, int(np.floor(x - mark / 2)) - 1), min(columns, int(np.ceil(x + mark / 2)) + 1)
    away = -1 if side == 0 else 1
    start = int(np.floor(level + away * width / 2))
    for r in range(start + away * reach, start, -away):
        if not 0 <= r < rows:
            return None
        line = share[r, a:b]
        if float(line.max()) > 1.5 * EMPTY:
            if (
                abs(r - start) >= reach
                or blocked[min(r, r + away) : max(r, r + away) + 1, a:b].any()
                or leans(share[r, max(0, a - 1) : b + 1], share[r - 2 * away, max(0, a - 1) : b + 1])
            ):
                return None
            return abs(level - (r + 0.5)), float(line.max()), float(light(line).sum()), side
    return None


def leans(outer: Floats | Image, inner: Floats | Image) -> bool:
    """Whether ink moves sideways between two rows, as the arms of a cross do and bars do not."""
    place = np.arange(outer.size)
    middles = [float((place * row).sum() / max(1e-9, float(row.sum()))) for row in (outer, inner)]
    return abs(middles[0] - middles[1]) > LEAN


def marks_of_level(
    share: Image, blocked: Mask, steps: Steps, k: int, known: Floats, tip: Tip, *, width: float, reach: int
) -> tuple[Floats, list[tuple[float, float]]]:
    """Marks on the level ``k`` by their tips, and the stretches of columns they fill. ``known`` are marks found before."""
    columns = share.shape[1]
    begin = float(steps.x[k])
    stop = float(steps.x[k + 1]) if k + 1 < steps.x.size else steps.end
    here = known[(known >= begin) & (known < stop)]
    if not snapped(share, blocked, steps, here, tip, width=width, reach=reach):
        return np.empty(0), []
    first, last = max(0, int(np.floor(begin - tip.width))), min(columns, int(np.ceil(stop + tip.width)))
    sides = [tip_row(share, blocked, steps, k, side, here, tip, first, last, width=width, reach=reach) for side in (0, 1)]
    signal = np.nan_to_num(np.fmin(*sides))
    x: list[float] = []
    stretches: list[tuple[float, float]] = []
    up = signal > 0.3 * tip.mass / tip.width
    edge = np.diff(np.concatenate([[0], up.astype(np.int8), [0]]))
    for a, b in zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True):
        part = signal[max(0, a - 1) : b + 1]
        total = float(part.sum())
        number = round(total / tip.mass)
        near = here[(here > first + a - 0.5) & (here < first + b + 0.5)]
        # A full row where no mark was found is no row of tips but the edge of a stroke.
        if number < 1 or (not near.size and float(part.max()) > SATURATED * -np.log1p(-FULL)):
            continue
        going = np.concatenate([[0.0], np.cumsum(part)]) / total
        places = first + max(0, a - 1) + np.interp((np.arange(number) + 0.5) / number, going, np.arange(going.size))
        if number > 1:
            ends = sorted((first + a + tip.width / 2 - 0.5, first + b - tip.width / 2 + 0.5))
            places = np.clip(places, ends[0], ends[1])
        if number == 1 and near.size == 1:
            places = near
        inside = places[(places > begin - 1.0) & (places < stop + 1.0)]
        if inside.size:
            x += list(inside)
            stretches.append((float(first + a), float(first + b)))
    return np.asarray(x, float), stretches


def snapped(share: Image, blocked: Mask, steps: Steps, known: Floats, tip: Tip, *, width: float, reach: int) -> bool:
    """False where most known marks of a level end in full rows and are not as high as usual: they are not snapped to pixels."""
    pairs = [[outermost(share, blocked, steps, float(x), side, width, tip.width, reach) for side in (0, 1)] for x in known]
    both = [(up[0] + down[0], min(up[1], down[1])) for up, down in pairs if up and down]
    whole = [abs(span - sum(tip.offset)) > 0.6 and cover > FULL for span, cover in both]
    return not whole or float(np.mean(whole)) < 0.5


def tip_row(
    share: Image,
    blocked: Mask,
    steps: Steps,
    k: int,
    side: int,
    known: Floats,
    tip: Tip,
    first: int,
    last: int,
    *,
    width: float,
    reach: int,
) -> Floats:
    """Logarithms of the light in the row of tips of a level; NaN where something else may lie there."""
    rows = share.shape[0]
    level = float(steps.y[k])
    away = -1 if side == 0 else 1
    usual = level + away * tip.offset[side]
    found = [level + away * f[0] for x in known if (f := outermost(share, blocked, steps, float(x), side, width, tip.width, reach))]
    near = [r for r in found if abs(r - usual) < 1.1]
    row = int(np.floor(float(np.median(near)) if near else usual))
    nothing = np.full(last - first, np.nan)
    if not 1 <= row < rows - 1:
        return nothing
    ink, outer, inner = share[row, first:last], share[row + away, first:last], share[row - away, first:last]
    centre = np.arange(first, last) + 0.5
    # The stroke of the drop hides the upper tips at the start of a level and the lower ones at its end.
    free = np.ones(centre.size, bool)
    if side == 0 and k > 0:
        free = centre > steps.x[k] + width / 2 + 0.8
    if side == 1 and k + 1 < steps.x.size:
        free = centre < steps.x[k + 1] - width / 2 - 0.8
    free &= ~(blocked[row, first:last] | blocked[row - away, first:last] | blocked[row + away, first:last])
    other = (outer > 2 * EMPTY) | ((ink > 3 * EMPTY) & (inner < 0.7))
    return np.where(free & ~other, light(ink), nothing)
