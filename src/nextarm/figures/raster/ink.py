"""The empty panel and what is printed on it: background, noise, grid lines and frame.

Everything later works on a :class:`Canvas`: the panel cut out of the image, turned so that survival falls downwards, reduced
where it is needlessly large, with the background subtracted. A pixel that grid or frame colours is *neutral*: it is no
evidence for a curve and none against one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.bands import behind
from nextarm.figures.raster.channels import largest
from nextarm.figures.raster.panel import Floats, Panel

#: A panel wider or higher than this is reduced first; the answer does not get better above.
LARGEST = 1600
#: Pixels kept around the frame, so that half a line's width on the frame is not cut off.
MARGIN = 6
#: Segments that a row or column is cut into when a grid line is looked for; a grid line shows in all of them.
SEGMENTS = 10
#: A ruled line weaker than this (of 255) is part of the background.
FAINT = 70.0
#: Largest minus smallest channel up to which a line may be grey.
GREY = 12.0

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


@record
class Canvas:
    """The panel as it is traced.

    ``difference`` (rows, columns, 3) is the colour minus the background (0 to 255 scale), ``neutral`` marks pixels of
    frame, grid and excluded boxes, ``ground`` is the difference of what lies behind the lines (ribbons; zeros of shape (1, 1, 3)
    where there are none), ``noise`` is the standard deviation of a background pixel (of one channel).
    ``x0``, ``y0``, ``scale`` and ``flipped`` lead back to the image: see :meth:`to_image_x`. ``left``, ``right``,
    ``top`` (S = 1) and ``bottom`` are the frame in canvas pixels.
    """

    difference: Image
    background: Floats
    neutral: Mask
    ground: Image
    noise: float
    x0: float
    y0: float
    scale: float
    flipped: bool
    left: float
    right: float
    top: float
    bottom: float
    frame_top: float

    def to_image_x(self, x: Any) -> Floats:
        """Column positions in the image of column positions here."""
        return np.asarray(np.asarray(x, float) / self.scale + self.x0)

    def to_image_y(self, y: Any) -> Floats:
        """Row positions in the image of row positions here."""
        y = np.asarray(y, float)
        rows = self.difference.shape[0]
        return np.asarray((rows - y if self.flipped else y) / self.scale + self.y0)

    def from_image_y(self, y: Any) -> Floats:
        """Row positions here of row positions in the image."""
        y = (np.asarray(y, float) - self.y0) * self.scale
        return np.asarray(self.difference.shape[0] - y if self.flipped else y)


def canvas(rgb: NDArray[np.uint8], panel: Panel, *, enlarge: int = 1) -> Canvas:
    """Cut the panel out of the image and subtract its background.

    ``rgb`` is (rows, columns, 3), 8 bits a channel; ``enlarge`` is how many times a small panel is enlarged first (cubic
    convolution). The result is empty (no rows or columns) where the panel lies outside
    the image.
    """
    rows, columns = rgb.shape[:2]
    lo, hi = sorted((panel.top, panel.bottom))
    y0, y1 = max(0, int(np.floor(lo)) - MARGIN), min(rows, int(np.ceil(hi)) + MARGIN)
    x0, x1 = max(0, int(np.floor(panel.left)) - MARGIN), min(columns, int(np.ceil(panel.right)) + MARGIN)
    cut = np.asarray(rgb[y0 : max(y0, y1), x0 : max(x0, x1)], np.float32)
    excluded = np.zeros(cut.shape[:2], np.uint8)
    for box in panel.exclude:
        excluded[max(0, box.top - y0) : max(0, box.bottom - y0), max(0, box.left - x0) : max(0, box.right - x0)] = 1
    flipped = panel.y.slope > 0
    if flipped:
        cut, excluded = cut[::-1], excluded[::-1]
    scale = min(1.0, LARGEST / max(1, max(cut.shape[:2])))
    if scale < 1:
        size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
        scale = size[0] / cut.shape[1]
        cut = np.asarray(cv2.resize(np.ascontiguousarray(cut), size, interpolation=cv2.INTER_AREA), np.float32)
        excluded = np.asarray(cv2.resize(np.ascontiguousarray(excluded), size, interpolation=cv2.INTER_NEAREST), np.uint8)
    elif enlarge > 1 and min(cut.shape[:2]) > 0:
        scale = float(enlarge)
        size = (enlarge * cut.shape[1], enlarge * cut.shape[0])
        cut = np.asarray(np.clip(cv2.resize(np.ascontiguousarray(cut), size, interpolation=cv2.INTER_CUBIC), 0, 255), np.float32)
        excluded = np.asarray(cv2.resize(np.ascontiguousarray(excluded), size, interpolation=cv2.INTER_NEAREST), np.uint8)
    height = cut.shape[0]

    def row(y: float) -> float:
        y = (y - y0) * scale
        return float(height - y if flipped else y)

    ground, noise = background(cut)
    difference = np.ascontiguousarray(cut - ground, np.float32)
    frame_rows = sorted((row(panel.top), row(panel.bottom)))
    edges = ((panel.left - x0) * scale, (panel.right - x0) * scale, frame_rows[0], frame_rows[1])
    neutral = excluded.astype(bool)
    if difference.size:
        keys = [np.array(h.colour) - ground.reshape(-1, 3).mean(0) for h in panel.arm_hints if h.colour is not None]
        strong, faint = ruled_lines(difference, neutral, noise, edges, keys)
        neutral |= strong
        difference[faint] = 0.0
    behind_lines = behind(difference, neutral, noise) if difference.size else np.zeros((1, 1, 3), np.float32)
    return Canvas(
        difference=difference, background=np.asarray(ground.reshape(-1, 3).mean(0) if ground.size else np.full(3, 255.0), float),
        neutral=neutral, ground=behind_lines, noise=noise, x0=float(x0), y0=float(y0), scale=scale, flipped=flipped,
        left=(panel.start - x0) * scale, right=edges[1], top=row(float(panel.y.pixel(1.0))), bottom=edges[3], frame_top=edges[2],
    )  # fmt: skip


def background(cut: Image) -> tuple[Image, float]:
    """Colour of the empty panel at every pixel, and the noise of one channel.

    The most frequent colour; where the pixels near it differ from corner to corner (a tint that runs), a plane through them.
    """
    if not cut.size:
        return np.full((1, 1, 3), 255.0, np.float32), 0.0
    flat = cut.reshape(-1, 3)
    bins = (flat.astype(np.int32) >> 4) @ np.array([256, 16, 1])
    best = int(np.bincount(bins).argmax())
    centre = np.median(flat[bins == best], axis=0)
    near = largest(np.abs(cut - centre)) < 24
    centre = np.median(cut[near], axis=0)
    ground = np.broadcast_to(centre.astype(np.float32), (1, 1, 3))
    r, c = np.nonzero(near)
    some = slice(None, None, max(1, r.size // 20_000))
    design = np.column_stack([np.ones(r[some].size), r[some] / cut.shape[0], c[some] / cut.shape[1]])
    seen = cut[r[some], c[some]]
    plane, *_ = np.linalg.lstsq(design, seen, rcond=None)
    if np.abs(plane[1:]).max() > 4.0:
        v, u = np.mgrid[0 : cut.shape[0], 0 : cut.shape[1]]
        ground = (plane[0] + v[..., None] / cut.shape[0] * plane[1] + u[..., None] / cut.shape[1] * plane[2]).astype(np.float32)
        seen = seen - (design @ plane - centre)
    noise = float(1.4826 * np.median(np.abs(seen - np.median(seen, axis=0))))
    return np.asarray(ground, np.float32), max(noise, float(np.sqrt(np.mean(np.minimum(np.abs(seen - centre), 12.0) ** 2))) * 0.5)


def magnitude(difference: Image) -> Image:
    """Length of the colour difference from the background, per channel (0 to 255)."""
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", difference, difference) / 3.0), np.float32)


def ruled_lines(
    difference: Image, skip: Mask, noise: float, box: tuple[float, float, float, float], keys: Sequence[Floats] = ()
) -> tuple[Mask, Mask]:
    """Pixels of straight lines that run across the whole panel (frame, grid, reference lines): strong ones and faint ones.

    ``keys`` are the differences of the keys' colours from the background: a level line of the hue of one is a curve.
    Only pixels that have the line's own colour (or a mixture of it with the background) are marked; a curve of another
    colour that crosses the line keeps its pixels. A strong line may hide a curve and is neutral; a faint one is background.
    """
    left, right, top, bottom = (round(v) for v in box)
    rows, columns = difference.shape[:2]
    inner = (slice(max(0, top + 3), min(rows, bottom - 2)), slice(max(0, left + 3), min(columns, right - 2)))
    strong, faint = np.zeros((rows, columns), bool), np.zeros((rows, columns), bool)
    for axis, span in ((0, inner[1]), (1, inner[0])):
        field = difference if axis == 0 else np.swapaxes(difference, 0, 1)
        out = skip if axis == 0 else skip.T
        if span.stop - span.start < 3 * SEGMENTS:
            continue
        edges = (top, bottom) if axis == 0 else (left, right)
        lines = _lines_along(field[:, span], out[:, span], noise, edges, keys if axis == 0 else ())
        for row, colour in lines:
            mask = faint if float(np.sqrt(colour @ colour / 3.0)) < FAINT else strong
            target = mask if axis == 0 else mask.T
            target[row] |= _has_colour(field[row], colour, noise)
    return strong, faint & ~strong


def _lines_along(field: Image, skip: Mask, noise: float, edges: tuple[int, int], keys: Sequence[Floats]) -> list[tuple[int, Floats]]:
    """Rows of ``field`` that hold a straight line from end to end, with its colour difference."""
    size = magnitude(field)
    parts = np.array_split(np.arange(field.shape[1]), SEGMENTS)
    share = np.stack([size[:, p].mean(axis=1) for p in parts], axis=1)
    blocked = np.stack([skip[:, p].mean(axis=1) > 0.3 for p in parts], axis=1)
    share = np.where(blocked, np.nan, share)
    few = blocked.sum(axis=1) > SEGMENTS - 4
    with np.errstate(all="ignore"):
        low = np.where(few, 0.0, np.nanmin(np.where(blocked, np.inf, share), axis=1))
        usual = np.nan_to_num(np.nanmedian(np.where(few[:, None], 0.0, share), axis=1))
    ground = float(np.median(low))
    # A curve that is flat from soon after the start is no ruled line: it does not reach the axis.
    start = size[:, : max(4, size.shape[1] // 50)].mean(axis=1)
    found: list[tuple[int, Floats]] = []
    for row in np.flatnonzero(low > ground + max(2.5, 2.0 * noise)):
        on_frame = min(abs(row + 0.5 - e) for e in edges) <= 4
        if min(low[row], start[row]) < 0.6 * usual[row] and not on_frame:
            continue
        line = field[row][~skip[row]]
        strength = np.sqrt((line**2).mean(axis=1))
        drawn = line[strength > max(6.0, 3 * noise, 0.5 * float(np.median(strength)))]
        if drawn.shape[0] < 0.1 * line.shape[0]:
            continue
        colour = np.median(drawn, axis=0)
        chroma = float(np.ptp(colour))
        if chroma > 40 or any(_hue_of(colour, key) for key in keys):  # a curve that stays at S = 1 lies on the frame; frames are grey
            continue
        found.append((int(row), np.asarray(colour, float)))
    return found


def _hue_of(colour: Floats, key: Floats) -> bool:
    """Whether a line is no grey but of the hue of a key, and not much stronger: compression pales the colours of thin lines and keys."""
    a, b = colour - colour.mean(), key - key.mean()
    size = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    alike = float(a @ b) > 0.87 * size[0] * size[1]
    hued = min(float(np.ptp(colour)), float(np.ptp(key))) > GREY
    return hued and alike and float(np.linalg.norm(colour)) < 1.4 * float(np.linalg.norm(key))


def _has_colour(row: Image, colour: Floats, noise: float) -> Mask:
    """Pixels of a row that are a mixture of the background with ``colour``."""
    length = float(colour @ colour) or 1.0
    share = row @ colour.astype(np.float32) / length
    rest = np.abs(row - share[:, None] * colour.astype(np.float32)).max(axis=1)
    most = float(np.clip(50.0 / np.sqrt(length / 3.0), 1.3, 2.5))  # the dots of a faint dotted line are seldom at their full strength
    return np.asarray((share > -0.3) & (share < most) & (rest < max(14.0, 4 * noise)), bool)
