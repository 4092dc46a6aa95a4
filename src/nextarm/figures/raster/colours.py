"""The inks of a panel: which colours its thin lines have, and how much of which ink lies on each pixel.

A pixel on the edge of a line is a mixture of ink and background, so one ink is a direction from the background; its full
strength is seen in the core of a line. Cores are clustered in CIELAB, where distances are about equal to the eye. Shades
that only occur beside a stronger ink of the same direction are its edges, not inks of their own.
"""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numba as nb
import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.ink import Canvas, Image, Mask, magnitude
from nextarm.figures.raster.panel import RGB, Floats

#: Cores nearer than this in CIELAB have one ink (a just noticeable difference is about 2; JPEG moves colours by 5 to 8).
SAME = 13.0
#: Least strength of the shade that a line hardly wider than a pixel has between two rows, relative to that on one.
SHADE = 0.6
#: The same for wider lines.
PALER = 0.75
#: Largest number of inks looked at.
MOST = 8


@record
class Ink:
    """One ink: its colour, its difference from the background, how many core pixels it has.

    ``own`` is the share of this ink on each pixel (0 to 1), ``amount`` the same from the lightness alone where the ink is
    much darker or lighter than the background (compression keeps lightness sharp and smears colour); ``foreign`` marks
    pixels that another ink covers, ``other`` gives those of every other ink by its position in the tuple.
    """

    colour: RGB
    difference: Floats
    weight: int
    own: Image
    amount: Image
    foreign: Mask
    other: tuple[Mask, ...]
    rest: Mask


def inks(canvas: Canvas, hints: tuple[RGB, ...] = ()) -> tuple[Ink, ...]:
    """Inks of the thin lines of a panel, the most frequent first; none where the panel is empty."""
    banded = canvas.ground.shape[0] > 1
    over = canvas.difference - canvas.ground
    size = magnitude(over)
    usable = ~canvas.neutral
    core = cores(size, usable, canvas.noise)
    if core.sum() < 10:
        return ()
    colours = canvas.difference[core] + canvas.background.astype(np.float32)
    lab = to_lab(colours)
    centres = peaks(lab, hints)
    if not len(centres):
        return ()
    distance = np.linalg.norm(lab[:, None, :] - centres[None], axis=2)
    nearest = distance.argmin(axis=1)
    close = distance.min(axis=1) < SAME
    found: list[tuple[int, Floats]] = []
    for k in range(len(centres)):
        members = canvas.difference[core][close & (nearest == k)]
        if members.shape[0] >= 10:
            strong = members[np.linalg.norm(members, axis=1) >= np.median(np.linalg.norm(members, axis=1))]
            found.append((members.shape[0], np.asarray(np.median(strong, axis=0), float)))
    found = without_shades(found, canvas.difference, core)

    def share(v: Floats) -> Image:
        if banded:
            return share_of(over, v - canvas.ground, canvas.noise, 400.0)
        return share_of(canvas.difference, v, canvas.noise)

    fine = unresolved(size, usable, canvas.scale)
    groups = of_one_line(found, hints, canvas.background, smeared=smeared(size, core, usable), fine=fine)
    found = [group[0] for group in groups]
    vectors = [f[1] for f in found]
    shares = [np.max([share(v) for _, v in group], axis=0) for group in groups]
    lab_found = to_lab(np.array([v + canvas.background for v in vectors], np.float32)) if vectors else np.zeros((0, 3), np.float32)
    keys = to_lab(np.array(hints, np.float32)) if hints else np.zeros((0, 3), np.float32)
    made: list[Ink] = []
    taken = [t if banded else without_band(t) for t in own_shares(vectors, shares)]
    thin = size - wide_part(size) > max(40.0, 6 * canvas.noise)
    for k, (weight, vector) in enumerate(found):
        nowhere = np.zeros(size.shape, bool)
        each = tuple(
            nowhere if j == k or one_key(lab_found[j], lab_found[k], keys) else (taken[j] > 0.45) & (taken[j] > taken[k] + 0.2)
            for j in range(len(found))
        )
        other = np.any(each, axis=0)
        fringe = cv2.dilate((taken[k] > 0.4).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        rest = thin & (shares[k] < 0.25) & ~other & ~fringe
        colour = np.clip(np.round(vector + canvas.background), 0, 255).astype(int)
        made.append(Ink(
            colour=(int(colour[0]), int(colour[1]), int(colour[2])), difference=vector, weight=weight,
            own=np.where(canvas.neutral, np.float32(0), taken[k]), amount=amount_of(canvas, vector, taken[k]),
            foreign=other | rest, other=each, rest=rest,
        ))  # fmt: skip
    return tuple(made)


def smeared(size: Image, core: Mask, usable: Mask) -> bool:
    """Whether the surroundings of lines are not clean, as compression and noise leave them."""
    mask = core.astype(np.uint8)
    ring = (cv2.dilate(mask, np.ones((13, 13), np.uint8)) > 0) & (cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0) & usable
    return bool(ring.any() and ((size[ring] > 0.7) & (size[ring] < 20.0)).mean() > 0.4)


def hue(colour: Floats) -> tuple[float, Floats]:
    """Lightness of a colour (0 to 255), and its two differences of colour (:math:`C_b, C_r`)."""
    light = float(colour @ np.array([0.299, 0.587, 0.114]))
    return light, np.array([0.564 * (colour[2] - light), 0.713 * (colour[0] - light)])


def same_hue(a: Floats, b: Floats, *, degrees: float = 15.0, least: float = 10.0) -> bool:
    """Whether two colours have one hue; never where one is about grey."""
    u, v = hue(a)[1], hue(b)[1]
    size = float(np.linalg.norm(u)), float(np.linalg.norm(v))
    return min(size) > least and float(u @ v) > np.cos(np.radians(degrees)) * size[0] * size[1]


def unresolved(size: Image, usable: Mask, scale: float) -> bool:
    """Whether the lines are hardly wider than a pixel of the picture (``scale`` pixels here): no full square of ink fits into them."""
    drawn = ((size - wide_part(size) > 40.0) & usable).astype(np.uint8)
    side = 2 * max(1, round(scale)) + 1
    return int(cv2.morphologyEx(drawn, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)).sum()) < 0.05 * int(drawn.sum())


def of_one_line(
    found: list[tuple[int, Floats]], hints: tuple[RGB, ...], background: Floats, *, smeared: bool, fine: bool = False
) -> list[list[tuple[int, Floats]]]:
    """Inks in groups that one line can have, the most frequent first in each.

    The core of a thin line is a little paler where it lies between two rows of pixels. Compression (``smeared``) stores colour at
    half the size besides: a line keeps its lightness and its hue and loses more or less of its colour, as it happens to lie. Inks
    whose nearest keys differ stay apart. Where only one key has their hue, shades are one ink: the thinner a line, the paler it is where
    it lies between two rows; lines hardly wider than a pixel (``fine``) have half their ink in each.
    """
    keys = [np.array(h, float) for h in hints]
    alone = bool(keys) and not any(same_hue(a, b, degrees=25.0, least=5.0) for a, b in itertools.combinations(keys, 2))
    groups: list[list[tuple[int, Floats]]] = []
    for ink in sorted(found, key=lambda f: -f[0]):
        colour = ink[1] + background
        for group in groups:
            other = group[0][1] + background
            depth = sorted(abs(hue(c)[0] - hue(background)[0]) for c in (colour, other))
            hued = smeared and same_hue(colour, other) and depth[0] > 0.7 * depth[1]
            shade = alone and same_hue(colour, other) and one_direction(ink[1], group[0][1], least=SHADE if fine else PALER)
            if ((hued or shade) and nearest_hue(colour, keys) == nearest_hue(other, keys)) or (
                depth[0] > 0.8 * depth[1] and one_direction(ink[1], group[0][1])
            ):
                group.append(ink)
                break
        else:
            groups.append([ink])
    return groups


def one_direction(a: Floats, b: Floats, *, least: float = 0.82) -> bool:
    """Whether two differences from the background have one direction and lengths of which the less is ``least`` of the greater."""
    size = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    return cosine(a, b) > 0.99 and min(size) > least * max(size)


def nearest_hue(colour: Floats, keys: list[Floats]) -> int:
    """Which key has the hue of a colour; -1 without keys."""
    if not keys:
        return -1
    u = hue(colour)[1]
    return int(np.argmax([float(u @ v) / max(1e-9, float(np.linalg.norm(v))) for v in (hue(k)[1] for k in keys)]))


def one_key(a: Image, b: Image, keys: Image) -> bool:
    """Whether two inks (CIELAB) are one that compression has moved: near each other, and the same key is the nearest to both."""
    if float(np.linalg.norm(a - b)) > 2 * SAME or not len(keys):
        return False
    far = np.linalg.norm(keys[:, None, :] - np.stack([a, b])[None], axis=2)
    k = int(far[:, 0].argmin())
    return k == int(far[:, 1].argmin()) and float(far[k].max()) < 2 * SAME


def cores(size: Image, usable: Mask, noise: float) -> Mask:
    """Pixels in the middle of a thin line: nearly the strongest around, and well above what is wide (bands, boxes)."""
    thin = size - wide_part(size)
    strong = (thin > max(24.0, 6 * noise)) & usable
    peak = np.asarray(cv2.dilate(size, np.ones((3, 3), np.uint8)), np.float32)
    return np.asarray(strong & (size >= 0.88 * peak), bool)


def wide_part(field: Image, *, thickest: int = 0) -> Image:
    """What is left of a field without thin strokes: its opening by a square (0: wider than any line of a panel)."""
    side = thickest or max(13, field.shape[0] // 45)
    return np.asarray(cv2.morphologyEx(field, cv2.MORPH_OPEN, np.ones((side, side), np.uint8)), np.float32)


def without_band(share: Image) -> Image:
    """The share of ink above a pale band of the same colour (a confidence ribbon), stretched back to 0 to 1."""
    band = wide_part(share)
    band[band > 0.6] = 0.0
    if float((band > 0.06).mean()) < 0.002:
        return share
    return np.asarray(np.clip((share - band) / (1 - band), 0, 1), np.float32)


def without_shades(found: list[tuple[int, Floats]], difference: Image, core: Mask) -> list[tuple[int, Floats]]:
    """Drop inks that are shades of a more frequent one: about its direction, and nearly always beside it.

    Compression moves the colour of a thin line from place to place, and a line's edge is a mixture with the background.
    """
    found = sorted(found, key=lambda f: -f[0])
    colours = difference[core]
    near, far = np.ones((7, 7), np.uint8), np.ones((17, 17), np.uint8)
    at = [_place(v, colours, core) for _, v in found]
    kept: list[int] = []
    for k, (_, vector) in enumerate(found):
        shade = False
        for j in range(k):
            strong = found[j][1]
            if np.linalg.norm(vector) > 1.3 * np.linalg.norm(strong):
                continue  # a darker ink is no shade of a paler one, however rare
            alike = cosine(vector, strong)
            if alike < 0.93 or not at[k].any():
                continue
            beside = cv2.dilate((at[j] & ~at[k]).astype(np.uint8), far if alike > 0.97 else near) > 0
            if (beside & at[k]).sum() > 0.35 * at[k].sum():
                shade = True
        if not shade:
            kept.append(k)
    return [found[k] for k in kept if not any(_is_edge(found[k][1], at[k], found[j][1], at[j]) for j in kept)]


def cosine(a: Floats, b: Floats) -> float:
    """Cosine of the angle between two inks' differences from the background."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _place(vector: Floats, colours: Image, core: Mask) -> Mask:
    """The cores that have about the colour of an ink; ``colours`` (n, 3) are those of the cores."""
    out = np.zeros(core.shape, bool)
    out[core] = np.linalg.norm(colours - vector.astype(np.float32), axis=1) < 0.18 * np.linalg.norm(vector) + 12
    return out


def _is_edge(vector: Floats, mine: Mask, strong: Floats, theirs: Mask) -> bool:
    """Whether an ink at ``mine`` is only the edge of a stronger one: paler, of its direction, and nearly all of it beside it."""
    if np.linalg.norm(strong) < 1.3 * np.linalg.norm(vector) or cosine(vector, strong) <= 0.95 or not mine.any():
        return False
    beside = cv2.dilate(theirs.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return bool((beside & mine).sum() > 0.7 * mine.sum())


def to_lab(colours: Image) -> Image:
    """CIELAB of colours (n, 3) in sRGB, 0 to 255."""
    scaled = np.clip(np.asarray(colours, np.float32) / 255.0, 0, 1).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def peaks(lab: Image, hints: tuple[RGB, ...] = ()) -> Image:
    """Centres of the clusters of ``lab`` (n, 3): the densest cell, then the densest of what is left, and so on."""
    left = lab
    centres: list[Floats] = []
    for hint in hints:
        centre = to_lab(np.array([hint], np.float32))[0]
        near = np.linalg.norm(lab - centre, axis=1) < SAME
        if near.sum() >= 20 and all(np.linalg.norm(centre - c) > SAME / 2 for c in centres):
            centres.append(np.asarray(np.median(lab[near], axis=0), float))
            left = left[np.linalg.norm(left - centres[-1], axis=1) > SAME]
    least = max(16, int(0.006 * len(lab)))
    while len(centres) < MOST + len(hints) and len(left) >= least:
        cell = np.floor(left / 6.0).astype(np.int64)
        key = (cell[:, 0] * 4096 + cell[:, 1]) * 4096 + cell[:, 2]
        values, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        start = left[inverse == counts.argmax()].mean(axis=0)
        for _ in range(4):
            near = np.linalg.norm(left - start, axis=1) < SAME
            if not near.any():
                break
            start = left[near].mean(axis=0)
        near = np.linalg.norm(left - start, axis=1) < SAME
        if near.sum() >= least:
            centres.append(np.asarray(start, float))
        elif counts.max() < least / 4:
            break
        near |= inverse == counts.argmax()
        left = left[~near]
        del values
    return np.asarray(centres, np.float32).reshape(-1, 3)


def share_of(over: Image, vectors: Image | Floats, noise: float, least: float = 0.0) -> Image:
    """Share of one ink on every pixel: the projection on its direction, less where the pixel points elsewhere.

    ``over`` (rows, columns, 3) is the difference from what is behind, ``vectors`` the ink's own difference from it: one (3,)
    for a plain background, (rows, columns, 3) where ink lies on filled areas. ``least`` is the smallest squared length of a
    vector that counts.
    """
    each = np.asarray(vectors, np.float32)
    return np.asarray(_share(np.asarray(over, np.float32), each if each.ndim == 3 else each.reshape(1, 1, 3), least, noise), np.float32)


@nb.njit(cache=True)
def _share(over: Any, vectors: Any, least: float, noise: float) -> Any:
    rows, columns = over.shape[:2]
    out = np.zeros((rows, columns), np.float32)
    plain = vectors.shape[0] == 1
    for r in range(rows):
        for c in range(columns):
            v = vectors[0, 0] if plain else vectors[r, c]
            length = max(least, float(v[0]) * v[0] + float(v[1]) * v[1] + float(v[2]) * v[2])
            share = (float(over[r, c, 0]) * v[0] + float(over[r, c, 1]) * v[1] + float(over[r, c, 2]) * v[2]) / length
            if share <= 0:
                continue
            off = 0.0
            for k in range(3):
                off += (over[r, c, k] - share * v[k]) ** 2
            width = 0.22 * np.sqrt(length) + 4.0 * noise
            out[r, c] = min(share, 1.0) * np.exp(-off / (width * width))
    return out


def amount_of(canvas: Canvas, vector: Floats, own: Image) -> Image:
    """Share of ink from the lightness alone; the share by colour where ink and background are about equally light."""
    weights = np.array([0.299, 0.587, 0.114])
    contrast = float(vector @ weights)
    if abs(contrast) < 55.0:
        return own
    if canvas.ground.shape[0] > 1:
        behind = canvas.ground @ weights.astype(np.float32)
        left = contrast - behind
        if abs(contrast) < 80.0 or float(np.abs(left).min()) < 40.0:
            return own
        share = (canvas.difference @ weights.astype(np.float32) - behind) / left
        return np.where(canvas.neutral, np.float32(0), np.asarray(np.clip(share, 0, 1), np.float32))
    share = canvas.difference @ (weights / contrast).astype(np.float32)
    return np.where(canvas.neutral, np.float32(0), without_band(np.asarray(np.clip(share, 0, 1), np.float32)))


def own_shares(vectors: list[Floats], shares: list[Image]) -> list[Image]:
    """Give pixels at the edge of a stronger ink of the same direction back to that ink."""
    taken = list(shares)
    for k, weak in enumerate(vectors):
        for j, strong in enumerate(vectors):
            if j == k:
                continue
            if cosine(weak, strong) > 0.97 and np.linalg.norm(weak) < 0.9 * np.linalg.norm(strong):
                ratio = float(np.linalg.norm(weak) / np.linalg.norm(strong))
                beside = cv2.dilate((shares[j] > (1 + ratio) / 2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
                taken[k] = np.where(beside, np.float32(0), taken[k])
    return taken
