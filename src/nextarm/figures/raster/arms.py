"""Which curves a panel holds: one path after another is found, fitted and claimed, until what is left is no curve.

A path is a curve when enough of it is drawn in its own ink, the ink has the thickness of a line, it begins at S = 1 near
the axis, and it is not a straight line that leaves the axis sideways (a median line). Ink that an accepted curve explains is
neither evidence for the next one nor against it, so curves of one colour are found one by one, and hidden stretches are
followed.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import cv2
import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.colours import Ink, to_lab
from nextarm.figures.raster.dashes import Dashes, along, dashes_along
from nextarm.figures.raster.edges import Steps, edges, staircase, width_of, without_ticks
from nextarm.figures.raster.ink import Canvas, Image, Mask
from nextarm.figures.raster.panel import Floats
from nextarm.figures.raster.paths import Path, follow
from nextarm.figures.raster.refine import best_blur, refine
from nextarm.figures.raster.widths import line_widths

#: Most curves of one ink.
MOST = 6
#: What a step of the staircase must save, in square pixels.
PRICE = 0.5
#: Least part of the axis over which a curve must be seen in its own ink.
LEAST = 0.1
#: Part of the axis over which a curve that is seen without gaps needs no more evidence.
PLAIN = 0.4
#: Where less of the panel than this is ink, a broken line is no chance.
SPARSE = 0.012
#: Inks farther apart than this in CIELAB are told apart also where their lines touch.
OTHER = 45.0


@record
class Draft:
    """A curve found: its ink, path, steps (canvas pixels), line width, level of ink in its middle, line style.

    ``own`` is the ink it was fitted to and ``blocked`` the pixels that were hidden from the fit. ``seen`` says per column of
    the path whether the curve's own ink was there, ``hidden`` whether something else was.
    """

    ink: int
    steps: Steps
    path: Path
    width: float
    level: float
    blur: float
    dashes: Dashes
    own: Image
    blocked: Mask
    seen: Mask
    hidden: Mask
    gain: float


def find_arms(canvas: Canvas, inks: tuple[Ink, ...], *, most: int | None = None) -> list[Draft]:
    """All curves of a canvas, ink by ink; ``most`` is how many are expected at most (None: not known)."""
    drafts: list[Draft] = []
    outside = beyond_frame(canvas)
    lab = to_lab(np.array([ink.colour for ink in inks], np.float32)) if inks else np.zeros((0, 3), np.float32)
    widths = line_widths(inks)
    for index, ink in enumerate(inks):
        claimed = np.zeros(canvas.neutral.shape, bool)
        for d in drafts:
            if np.linalg.norm(lab[d.ink] - lab[index]) < OTHER:
                claimed |= stroke_of(d.steps, d.width + 4.0, claimed.shape)
        own = np.where(claimed | ink.foreign, np.float32(0), ink.own)
        mine: list[Draft] = []
        taken = np.zeros(claimed.shape, bool)
        for _ in range(MOST):
            draft = next_curve(canvas, ink, index, own, claimed | taken, outside, width=widths[index], again=bool(mine))
            if draft is None or is_satellite(draft, drafts + mine, inks, own.shape):
                break
            mine.append(draft)
            explained = explained_by(draft, ink.own)
            taken |= explained
            own = np.where(taken, np.float32(0), own)
        drafts += mine
    drafts.sort(key=lambda d: -d.gain)
    drafts = drafts[:most] if most else drafts
    return [polish(d, canvas, inks, drafts) for d in drafts]


def beyond_frame(canvas: Canvas) -> Mask:
    """Pixels on or outside the frame, where strokes are cut off."""
    outside = np.zeros(canvas.neutral.shape, bool)
    outside[: max(0, int(np.floor(canvas.frame_top + 0.2)))] = True
    outside[max(0, int(np.floor(canvas.bottom - 0.5))) :] = True
    return outside


def next_curve(
    canvas: Canvas, ink: Ink, index: int, own: Image, claimed: Mask, outside: Mask, *, width: float, again: bool
) -> Draft | None:
    """The best path in the ink that is left, fitted; None where it is no curve."""
    rows, columns = own.shape
    first, last = max(0, int(np.floor(canvas.left)) + 1), min(columns - 1, int(np.ceil(canvas.right)) - 1)
    top, bottom = int(np.clip(canvas.top, 0, rows - 1)), int(np.clip(canvas.bottom, 0, rows - 1))
    drawn = own > 0.5
    most = int(drawn.any(axis=0).sum()) + int(drawn.any(axis=1).sum())  # no path can be seen in more columns and rows
    if last - first < 8 or bottom - top < 8 or drawn.sum() < 20 or most < max(15, LEAST * (last - first + 1)):
        return None
    hidden = ink.foreign | canvas.neutral | claimed
    # The lines of a small or compressed image never reach the full strength of their ink.
    level = float(np.clip(np.median(own[own > 0.4]), 0.5, 1.0))
    share = np.minimum(own / np.float32(level), np.float32(1))
    bridge = max(6, int(5 * width) + 4)
    path = follow(share, hidden, width=width, first=first, last=last, top=top, bottom=bottom, bridge=bridge)
    seen, veiled = sight(own, hidden, path)
    if not seen.any():
        return None
    keep = int(np.flatnonzero(seen)[-1]) + 1
    path = to_the_bottom(own, hidden, Path(first=first, rows=path.rows[:keep], gain=path.gain), width=width, bottom=bottom, bridge=bridge)
    seen, veiled = sight(own, hidden, path)
    span = last - first + 1
    blank = ~seen & ~veiled
    drop = upright(own, path, width)
    plain = seen.sum() > PLAIN * span and blank.sum() < 0.1 * seen.sum()  # seen far along, whatever what lies on it takes from its gain
    if seen.sum() < min(15, LEAST * span) or seen.sum() + drop < max(15, LEAST * span) or not (plain or path.gain + drop >= 0.25 * span):
        return None
    # Where much of the panel is ink, as in noise, a path meets ink by chance. Else gaps no longer than those between dots count half.
    dense = float(drawn.mean())
    gaps = 0.5 * (int(blank.sum()) + int((longer_runs(blank, bridge) if dense < SPARSE else blank).sum()))
    if seen.sum() < min(0.9, 0.3 + 4 * dense) * (seen.sum() + gaps):
        return None
    begin = int(np.flatnonzero(seen)[0])
    if blank[:begin].sum() > 0.12 * span or begin > 0.5 * span:
        return None
    blocked = hidden & (own < 0.5) | claimed | outside
    draft = fit(canvas, index, own, blocked, path, width, seen, veiled)
    return draft if looks_like_a_curve(draft, canvas, own, blocked, again=again) else None


def longer_runs(mask: Mask, least: int) -> Mask:
    """The runs of a mask that are longer than ``least``."""
    edge = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    out = np.zeros(mask.size, bool)
    for a, b in zip(edge[::2], edge[1::2], strict=True):
        out[a:b] = b - a > least
    return out


def to_the_bottom(own: Image, hidden: Mask, path: Path, *, width: float, bottom: int, bridge: int) -> Path:
    """The path with a last drop to the bottom of the panel where ink goes all the way down from its end: no ink beyond pays for it."""
    row, reach = int(path.rows[-1]), max(1, round(width))
    if bottom - row < max(2.5 * width + 6, 0.011 * own.shape[1]):
        return path
    a, b = max(path.first + 1, path.last - reach), min(own.shape[1] - 1, path.last + reach)
    joined = cv2.morphologyEx(own[row:bottom, a : b + 1], cv2.MORPH_CLOSE, np.ones((bridge, 1), np.uint8))[: bottom - reach - row]
    part = (joined > 0.4) | hidden[row : bottom - reach, a : b + 1]
    drawn = (own[row : bottom - reach, a : b + 1] > 0.4).mean(axis=0)
    share = np.where(drawn > 0.3, part.mean(axis=0), 0.0)
    if share.size == 0 or share.max() < 0.9:
        return path
    column = a + int(np.flatnonzero(share >= share.max() - 0.02).mean())
    rows = np.concatenate([path.rows[: column - path.first], np.full(max(1, reach // 2 + 1), bottom)])
    return Path(first=path.first, rows=rows, gain=path.gain)


def upright(own: Image, path: Path, width: float) -> int:
    """Pixels of own ink in the upright strokes of a path: a curve that falls fast is seen in these, not in many columns.

    None where there is about as much ink beside them, as in noise and in text.
    """
    rows, columns = along(path)
    deep = np.r_[False, columns[1:] == columns[:-1]]
    if not deep.any():
        return 0
    at, last = np.clip(rows[deep], 0, own.shape[0] - 1), own.shape[1] - 1
    drawn = own[at[:, None], np.clip(columns[deep, None] + np.arange(-1, 2), 0, last)].max(axis=1) > 0.5
    off = int(np.ceil(width)) + 2
    sides = [own[at[:, None], np.clip(columns[deep, None] + s * off + np.arange(-1, 2), 0, last)].max(axis=1) > 0.5 for s in (-1, 1)]
    return int(drawn.sum()) if np.mean(sides) < 0.4 * drawn.mean() else 0


def fit(canvas: Canvas, index: int, own: Image, blocked: Mask, path: Path, width: float, seen: Mask, hidden: Mask) -> Draft:
    """Steps of a path: its edges, the staircase behind them, and the drawing compared with the image."""
    columns = np.arange(path.first, path.last + 1)
    on_line = own[np.clip(path.rows, 0, own.shape[0] - 1), columns]
    level = float(np.median(on_line[on_line > 0.5])) if (on_line > 0.5).any() else 1.0
    steps, width = steps_of(canvas, own, blocked, np.asarray(path.rows + 0.5, float), path, width, level)
    return Draft(
        ink=index, steps=steps, path=path, width=width, level=level, blur=1.4, dashes=dashes_along(own, blocked, path, width),
        own=own, blocked=blocked, seen=seen, hidden=hidden, gain=path.gain,
    )  # fmt: skip


def steps_of(canvas: Canvas, own: Image, blocked: Mask, heights: Floats, path: Path, width: float, level: float) -> tuple[Steps, float]:
    """The staircase behind the edges of the stroke along ``heights``, and the width of the stroke."""
    columns = centres(path)
    end = float(path.last + 1)
    steps = Steps(x=np.array([canvas.left]), y=np.array([canvas.top]), end=end)
    for _ in range(2):
        upper, lower = edges(own, blocked, heights, first=path.first, width=width, level=level)
        width = float(np.clip(width_of(upper, lower, width), 0.6 * width, 1.5 * width))
        upper, lower = without_ticks(upper, lower, heights, first=path.first, width=width)
        steps = staircase(upper, lower, heights, first=path.first, width=width, end=end, price=PRICE)
        heights = steps.at(columns)
    return from_the_start(steps, canvas.left, canvas.top, width), width


def polish(draft: Draft, canvas: Canvas, inks: tuple[Ink, ...], drafts: list[Draft]) -> Draft:
    """The draft fitted once more, now that all curves are known: to the lightness of the ink, hidden only by what is drawn."""
    ink = inks[draft.ink]
    with_curves = {d.ink for d in drafts}
    blocked = canvas.neutral | beyond_frame(canvas)
    for j, mask in enumerate(ink.other):
        if j in with_curves:
            blocked = blocked | mask
    for other in drafts:
        if other is not draft:
            blocked = blocked | stroke_of(other.steps, other.width + 3.0, blocked.shape)
    own = ink.amount
    columns = np.arange(draft.path.first, draft.path.last + 1)
    on_line = own[np.clip(np.round(heights_of(draft) - 0.5).astype(int), 0, own.shape[0] - 1), columns]
    level = float(np.median(on_line[on_line > 0.5])) if (on_line > 0.5).any() else 1.0
    steps, width = steps_of(canvas, own, blocked, heights_of(draft), draft.path, draft.width, level)
    scaled = np.minimum(own / np.float32(max(level, 0.3)), np.float32(1))
    blur = best_blur(scaled, blocked, steps, width=width)
    steps = refine(scaled, blocked, steps, width=width, blur=blur)
    return replace(draft, steps=without_slivers(steps), width=width, level=level, blur=blur, own=scaled, blocked=blocked)


def from_the_start(steps: Steps, start: float, top: float, width: float) -> Steps:
    """The same steps, begun at time 0 and S = 1."""
    x, y = steps.x.copy(), steps.y.copy()
    x[0] = start
    if abs(y[0] - top) < max(1.5, 0.6 * width):
        y[0] = top
    else:
        x, y = np.insert(x, 0, start), np.insert(y, 0, top)
    return Steps(x=x, y=np.maximum(np.maximum.accumulate(y), top), end=steps.end)


def without_slivers(steps: Steps, *, least: float = 0.2) -> Steps:
    """Steps without drops below ``least`` pixels (they are noise); the height between is their mean by length."""
    x, y = list(steps.x), list(steps.y)
    k = 1
    while k < len(x):
        if y[k] - y[k - 1] < least:
            stop = x[k + 1] if k + 1 < len(x) else steps.end
            a, b = max(1e-6, x[k] - x[k - 1]), max(1e-6, stop - x[k])
            if k > 1:
                y[k - 1] = (a * y[k - 1] + b * y[k]) / (a + b)
            del x[k], y[k]
        else:
            k += 1
    return Steps(x=np.array(x), y=np.maximum.accumulate(np.array(y)), end=steps.end)


def sight(own: Image, hidden: Mask, path: Path) -> tuple[Mask, Mask]:
    """Per column of a path: own ink there (a row up or down counts too); something in front there."""
    columns = np.arange(path.first, path.last + 1)
    rows = own.shape[0]
    near = [np.clip(path.rows + d, 0, rows - 1) for d in (-1, 0, 1)]
    seen = np.max([own[r, columns] for r in near], axis=0) > 0.5
    veiled = np.max([hidden[r, columns] for r in near], axis=0) > 0
    return np.asarray(seen, bool), np.asarray(veiled & ~seen, bool)


def looks_like_a_curve(draft: Draft, canvas: Canvas, own: Image, blocked: Mask, *, again: bool) -> bool:
    """Whether a fitted path is a curve and not text, a box, a median line or the ends of ticks."""
    upper, lower = edges(own, blocked, heights_of(draft), first=draft.path.first, width=draft.width, level=draft.level)
    thick = lower - upper
    either = np.isfinite(upper) | np.isfinite(lower)
    both = np.isfinite(thick)
    span = canvas.right - canvas.left
    seen = int((draft.seen & open_sides(blocked, heights_of(draft), draft)).sum())
    steep = upright(own, draft.path, draft.width)
    if either.sum() + steep < 0.25 * seen:  # a steep thick line shows its sides, not its edges
        return False
    if both.sum() > 20 and (np.abs(thick[both] - draft.width) < 0.35 * draft.width + 0.7).mean() < 0.12:
        return False
    steps = draft.steps
    inner = steps.x > canvas.left + max(3.0, 0.01 * span)
    height = canvas.bottom - canvas.top
    at_axis = steps.y[~inner][-1] - canvas.top
    if at_axis > 0.04 * height and inner.sum() < 2:
        return False
    return not (again and (draft.seen & either).sum() + steep < 0.12 * span)


def open_sides(blocked: Mask, heights: Floats, draft: Draft) -> Mask:
    """Per column of a path: whether nothing lies in front just above the stroke, or just below it."""
    columns = np.arange(draft.path.first, draft.path.last + 1)
    reach = int(np.ceil(draft.width / 2)) + 4
    middle = np.round(heights).astype(int)
    sides = [
        np.any([blocked[np.clip(middle + way * d - (way < 0), 0, blocked.shape[0] - 1), columns] for d in range(reach)], axis=0)
        for way in (-1, 1)
    ]  # fmt: skip
    return np.asarray(~(sides[0] & sides[1]), bool)


def stroke_of(steps: Steps, width: float, shape: tuple[int, ...]) -> Mask:
    """Pixels of the stroke of ``width`` along the steps."""
    mask = np.zeros(shape, np.uint8)
    corners: list[tuple[float, float]] = []
    for k in range(steps.x.size):
        stop = steps.x[k + 1] if k + 1 < steps.x.size else steps.end
        corners += [(steps.x[k], steps.y[k]), (stop, steps.y[k])]
    half = width / 2
    for (x1, y1), (x2, y2) in itertools.pairwise(corners):
        a, b = max(0, round(min(y1, y2) - half)), max(0, round(max(y1, y2) + half))
        c, d = max(0, round(min(x1, x2) - half)), max(0, round(max(x1, x2) + half))
        mask[a:b, c:d] = 1
    return mask.astype(bool)


def explained_by(draft: Draft, ink: Image) -> Mask:
    """Ink that a curve explains: its stroke, and the marks on it (pieces of ink that do not leave the height of a mark)."""
    stroke = stroke_of(draft.steps, draft.width + 2.0, ink.shape)
    reach = reach_of(draft, ink.shape)
    band = stroke_of(draft.steps, draft.width + 2 * reach, ink.shape)
    drawn = (ink > 0.3).astype(np.uint8)
    drawn[stroke] = 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    dash = (stats[:, cv2.CC_STAT_WIDTH] > 2.5 * draft.width + 2) & (stats[:, cv2.CC_STAT_HEIGHT] < 1.6 * draft.width + 1)
    leaving = dash.copy()  # a level dash beside the curve is of another line
    leaving[labels[~band]] = True
    inside = band & (drawn > 0) & ~leaving[labels]
    narrow = int(2 * draft.width) + 3
    level = cv2.morphologyEx((ink > 0.3).astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, narrow), np.uint8)) > 0
    ticks = band & (drawn > 0) & ~level
    return np.asarray(stroke | inside | ticks, bool)


def reach_of(draft: Draft, shape: tuple[int, ...]) -> int:
    """How far a censor mark may stand out of the stroke, in pixels."""
    return round(max(2.5 * draft.width + 6, 0.011 * shape[1]))


def is_satellite(draft: Draft, others: list[Draft], inks: tuple[Ink, ...], shape: tuple[int, ...]) -> bool:
    """Whether a draft only follows the marks of an accepted curve of about the same colour."""
    if draft.dashes.name == "dashed" and draft.dashes.dash > 2.5 * draft.width + 2:
        return False  # marks are no level dashes
    mine = to_lab(np.array([inks[draft.ink].colour], np.float32))[0]
    columns = centres(draft.path)[draft.seen]
    for other in others:
        theirs = to_lab(np.array([inks[other.ink].colour], np.float32))[0]
        if np.linalg.norm(mine - theirs) > 30.0:
            continue
        apart = np.abs(draft.steps.at(columns) - other.steps.at(columns))
        if (apart < reach_of(other, shape) + 2).mean() > 0.6 and draft.dashes.duty < 0.97:
            return True
    return False


def heights_of(draft: Draft) -> Floats:
    """Height in every column of the path."""
    return draft.steps.at(centres(draft.path))


def centres(path: Path) -> Floats:
    """Centres of the columns of a path."""
    return np.asarray(np.arange(path.first, path.last + 1) + 0.5, float)
