"""Which curve is which: names from the hints, limits of confidence drawn as lines, and curves that cannot be told apart."""

from __future__ import annotations

import numpy as np

from nextarm.figures.raster.arms import Draft, centres, heights_of
from nextarm.figures.raster.colours import Ink, hue, to_lab
from nextarm.figures.raster.ink import Canvas
from nextarm.figures.raster.panel import RGB, ArmHint, Floats

#: A colour farther than this (CIELAB) from that of a hint is not its colour.
FAR = 28.0
#: What a wrong line style counts, in the same unit.
STYLE = 14.0
#: Difference in the share of a line that is drawn from which a solid and a broken line are told apart: marks may fill the gaps.
TOLD = 0.03


def colour_distance(a: RGB, b: RGB) -> float:
    """Distance of two colours in CIELAB."""
    lab = to_lab(np.array([a, b], np.float32))
    return float(np.linalg.norm(lab[0] - lab[1]))


def match_hints(drafts: list[Draft], inks: tuple[Ink, ...], hints: tuple[ArmHint, ...], work: Canvas) -> list[int | None]:
    """For every draft the hint it belongs to, by colour, line style and the place of a printed name; None without one.

    A hint without colour, style or place says nothing and is not matched; each hint is given once.
    """
    from scipy.optimize import linear_sum_assignment

    matched: list[int | None] = [None] * len(drafts)
    useful = [k for k, h in enumerate(hints) if h.colour is not None or h.dash is not None or h.spot is not None]
    if not drafts or not useful:
        return matched
    colours = [colour_of(d, inks[d.ink], work) for d in drafts]
    cost = np.array([[_cost(d, colour, hints[k], work) for k in useful] for d, colour in zip(drafts, colours, strict=True)])
    limit = FAR + STYLE
    for i, j in zip(*linear_sum_assignment(np.minimum(cost, 10 * limit)), strict=True):
        if cost[i, j] < limit and not twins(hints, useful[int(j)]):
            matched[int(i)] = useful[int(j)]
    return matched


def twins(hints: tuple[ArmHint, ...], k: int) -> bool:
    """Whether another key has the colour and the line style of key ``k``: then neither tells which curve is meant."""
    mine = hints[k]
    return mine.spot is None and any(
        i != k and h.spot is None and h.dash == mine.dash
        and (h.colour == mine.colour or (h.colour is not None and mine.colour is not None and colour_distance(h.colour, mine.colour) < 8.0))
        for i, h in enumerate(hints)
    )  # fmt: skip


def colour_of(draft: Draft, ink: Ink, work: Canvas) -> RGB:
    """Colour of a curve where it is seen; that of its ink where it hardly is (compression moves colours along a line)."""
    columns = np.arange(draft.path.first, draft.path.last + 1)
    rows = np.clip(np.round(heights_of(draft) - 0.5).astype(int), 0, ink.own.shape[0] - 1)
    sure = draft.seen & (ink.own[rows, columns] > 0.7)
    if sure.sum() < 12:
        return ink.colour
    here = np.median(work.difference[rows[sure], columns[sure]], axis=0) + work.background
    red, green, blue = (int(v) for v in np.clip(np.round(here), 0, 255))
    return (red, green, blue)


def apart_in_colour(a: RGB, b: RGB) -> float:
    """Distance of two colours in CIELAB, or less where their hues agree: a thin line and its thin key lose colour differently."""
    (light, u), (other, v) = hue(np.array(a, float)), hue(np.array(b, float))
    size = float(np.linalg.norm(u)), float(np.linalg.norm(v))
    distance = colour_distance(a, b)
    if min(size) < 10.0:
        return distance
    angle = float(np.degrees(np.arccos(np.clip(float(u @ v) / (size[0] * size[1]), -1.0, 1.0))))
    return min(distance, 4.0 + 0.8 * angle + 0.15 * abs(light - other))


def _cost(draft: Draft, colour: RGB, hint: ArmHint, work: Canvas) -> float:
    total = 0.0
    if hint.colour is not None:
        apart = apart_in_colour(colour, hint.colour)
        if apart > FAR:
            return 1e6
        total += apart
    if hint.dash is not None and hint.dash != draft.dashes.name:
        total += STYLE if "solid" in (hint.dash, draft.dashes.name) else 0.3 * STYLE
        total += 0.5 * STYLE * (1 - draft.dashes.duty if hint.dash == "solid" else draft.dashes.duty)  # of two broken lines the fuller
    if hint.spot is not None:
        x = (hint.spot[0] - work.x0) * work.scale
        height = float(draft.steps.at(np.array([min(x, draft.steps.end)]))[0])
        total += min(STYLE, abs(float(work.from_image_y(hint.spot[1])) - height) / max(draft.width, 1.0))
    return total


def paler(ink: Ink, other: Ink) -> bool:
    """Whether an ink is the other one or a pale shade of it, as thin lines of that ink are."""
    a, b = ink.difference, other.difference
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return ink is other or (size > 0 and float(a @ b) / size > 0.97 and bool(np.linalg.norm(a) < np.linalg.norm(b)))


def without_limits(drafts: list[Draft], inks: tuple[Ink, ...]) -> tuple[list[Draft], bool]:
    """The drafts without limits of confidence: two broken lines of about the ink of a solid one that run on its two sides."""
    dropped: set[int] = set()
    for i, middle in enumerate(drafts):
        if middle.dashes.name != "solid":
            continue
        broken = [j for j, d in enumerate(drafts) if j != i and paler(inks[d.ink], inks[middle.ink]) and d.dashes.name != "solid"]
        above = [j for j in broken if _side(drafts[j], middle) < 0]
        below = [j for j in broken if _side(drafts[j], middle) > 0]
        if len(above) == 1 and len(below) == 1 and drafts[above[0]].dashes.name == drafts[below[0]].dashes.name:
            ratio = abs(_side(drafts[above[0]], middle)) / max(1e-6, abs(_side(drafts[below[0]], middle)))
            if 0.25 < ratio < 4.0:
                dropped |= {above[0], below[0]}
    return [d for j, d in enumerate(drafts) if j not in dropped], bool(dropped)


def of_keys(drafts: list[Draft], inks: tuple[Ink, ...], hints: tuple[ArmHint, ...], work: Canvas) -> list[Draft]:
    """For every key the draft that is most likely its curve, where all keys have colours that are far apart; else none.

    Of the drafts of about a key's colour: one of its line style, then a broken one that runs between two others of its kind (its limits
    of confidence), then the one with the most ink.
    """
    keys = [(h, h.colour) for h in hints if h.colour is not None]
    if len(keys) < max(2, len(hints)) or any(apart_in_colour(a[1], b[1]) < FAR for i, a in enumerate(keys) for b in keys[:i]):
        return []
    colours = [colour_of(d, inks[d.ink], work) for d in drafts]
    mine: list[list[Draft]] = [[] for _ in keys]
    for draft, colour in zip(drafts, colours, strict=True):
        apart = [apart_in_colour(colour, key) for _, key in keys]
        if min(apart) < FAR:
            mine[int(np.argmin(apart))].append(draft)

    def order(d: Draft, k: int) -> tuple[bool, bool, float]:
        dash = keys[k][0].dash
        alike = [o for o in mine[k] if o is not d and o.dashes.name == d.dashes.name != "solid"]
        sides = {float(np.sign(_side(o, d))) for o in alike}
        return dash is not None and (dash == "solid") != (d.dashes.name == "solid"), not {-1.0, 1.0} <= sides, -d.gain

    return [sorted(mine[k], key=lambda d: order(d, k))[0] for k in range(len(keys)) if mine[k]]


def _side(draft: Draft, middle: Draft) -> float:
    """Mean distance below the middle curve, 0 where the two cross."""
    apart = _apart(draft, middle)
    if not apart.size or (apart < -1.5).any() == (apart > 1.5).any():
        return 0.0
    return float(apart.mean())


def _apart(a: Draft, b: Draft) -> Floats:
    """Height of ``a`` minus height of ``b`` over the columns that both reach."""
    columns = centres(a.path) if a.path.last <= b.path.last else centres(b.path)
    return np.asarray(a.steps.at(columns) - b.steps.at(columns), float)


def confused(drafts: list[Draft], inks: tuple[Ink, ...]) -> list[tuple[int, int]]:
    """Pairs of curves of one colour and about one line style that meet and part again: which is which is not certain."""
    pairs = []
    for i, a in enumerate(drafts):
        for j in range(i):
            b = drafts[j]
            same = a.ink == b.ink or colour_distance(inks[a.ink].colour, inks[b.ink].colour) < 12.0
            styles = (a.dashes.name == "solid") != (b.dashes.name == "solid") and abs(a.dashes.duty - b.dashes.duty) > TOLD
            if not same or styles:
                continue
            apart = np.abs(_apart(a, b))
            width = max(a.width, b.width)
            wide, close = apart > 3 * width, apart < 1.2 * width
            if wide.any() and close[int(np.argmax(wide)) :].any():
                first = int(np.argmax(wide))
                meet = first + int(np.argmax(close[first:]))
                if (apart[meet:] > 1.5 * width).any():
                    pairs.append((j, i))
    return pairs


def untold(drafts: list[Draft], pairs: list[tuple[int, int]]) -> set[int]:
    """Drafts of ``pairs`` whose line styles differ only by what marks leave of the gaps: no key tells which is which."""
    return {k for i, j in pairs for k in (i, j) if (drafts[i].dashes.name == "solid") != (drafts[j].dashes.name == "solid")}


def uncertainty(draft: Draft) -> Floats:
    """Half-width of the band around every level, in canvas pixels.

    A quarter of a pixel for the rounding of the drawing program, the error of a level from the columns in which it is seen, and
    for what is hidden the half of the way to its neighbours.
    """
    steps = draft.steps
    columns = centres(draft.path)
    piece = np.clip(np.searchsorted(steps.x, columns, side="right") - 1, 0, steps.x.size - 1)
    total = np.bincount(piece, minlength=steps.x.size).astype(float)
    seen = np.bincount(piece, weights=draft.seen.astype(float), minlength=steps.x.size)
    share = np.where(total > 0, seen / np.maximum(total, 1.0), 0.0)
    before = np.diff(steps.y, prepend=steps.y[:1])
    after = np.diff(steps.y, append=steps.y[-1:])
    return np.asarray(0.25 + 0.3 / np.sqrt(np.maximum(1.0, seen)) + (1 - share) * 0.5 * (before + after), float)
