"""Where text lies: ink of the height of letters, grouped into words.

Ink is what is darker than its surroundings in the darkest of the three colour channels, so coloured text counts as well as
black and a tinted background does not. Connected pieces of the size of letters are joined to words when the gap between
them is below about a third of their height; a curve or a frame is one large piece and falls away by its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.again import voted
from nextarm.figures.raster.channels import least
from nextarm.figures.raster.panel import RGB, Box
from nextarm.figures.raster.text import Reading, read_crops

Image = NDArray[np.uint8]
Contrast = NDArray[np.uint8]
Ints = NDArray[np.int32]

INK = 45  # grey levels darker than the surroundings
SURE = 80  # reached somewhere in every letter: the frame of a legend and a grid, drawn in light grey, do not
ONE_SHAPE = "cosuvwxz"  # letters whose capitals differ by their size only
LOW = 0.8  # of the height of letters: a blurred piece that high at most may be a key
KERNEL = 17  # pixels; wider than a stroke of text, narrower than the space around it


@record
class Word:
    """One group of letters: its box, how many pieces it has, what was read, and its colour where it was read in one colour alone."""

    box: Box
    pieces: int
    reading: Reading
    colour: RGB | None = None

    @property
    def x(self) -> float:
        """Horizontal centre in pixels."""
        return (self.box.left + self.box.right) / 2

    @property
    def y(self) -> float:
        """Vertical centre in pixels."""
        return (self.box.top + self.box.bottom) / 2

    @property
    def height(self) -> int:
        """Height of the box in pixels."""
        return self.box.bottom - self.box.top


def contrast(rgb: Image) -> Contrast:
    """How much darker than its surroundings each pixel is, in its darkest channel (0 to 255)."""
    import cv2

    low = least(rgb)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (KERNEL, KERNEL))
    return np.asarray(cv2.subtract(cv2.morphologyEx(low, cv2.MORPH_CLOSE, kernel), low), np.uint8)


def letter_ink(strength: Contrast) -> NDArray[np.bool_]:
    """Mask of the pieces of ink that are dark enough somewhere to be letters: a broken light line beside a word does not join it."""
    import cv2

    ink = (strength > INK).astype(np.uint8)
    count, label = cv2.connectedComponents(ink, connectivity=8)
    dark = np.zeros(count, bool)
    dark[label[strength > SURE]] = True
    dark[0] = False
    return np.asarray(dark[label], bool)


def word_boxes(ink: NDArray[np.bool_], *, turned: bool = False) -> list[tuple[Box, int]]:
    """Boxes of words in a mask of ink, with the number of pieces in each; in reading order.

    In a ``turned`` picture most letters lie on their side: the height of those that stand is what was the widths of the others.
    """
    import cv2

    rows, columns = ink.shape
    tallest = max(12, int(0.06 * max(rows, columns)))
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    left, top, width, height, area = (np.asarray(stats[1:, k], np.int32) for k in range(5))
    if count < 2:
        return []
    letter = (height <= tallest) & (width <= 12 * tallest) & (area >= 2)
    letter &= ~((width > 6 * np.maximum(height, 3)) & (height <= 4))  # dashes of lines, not of text
    tall = height[letter & (height >= 5)]
    if not tall.size:
        return []
    typical = _typical(tall, width[letter & (width >= 5)] if turned else tall)
    letter &= ~((width > 5 * np.maximum(height, 3)) & (height <= 0.5 * typical))  # keys of a legend, thick or smeared
    letter &= ~((height > 1.7 * typical) & (width > typical) & (area < 0.15 * width * height))  # drawn frames around text
    letter &= ~((height > 1.7 * typical) & (width <= np.maximum(3, 0.1 * height)))  # their sides
    painted = np.zeros((rows, columns), np.uint8)
    chosen = np.flatnonzero(letter).astype(np.int32)
    for k in chosen:
        small = height[k] < 0.55 * typical
        upright = height[k] > 1.7 * typical and height[k] > 1.5 * width[k]  # letters of a text that runs upwards, run together
        reach = 0.4 * (typical if small or upright else height[k])
        lift = int(0.3 * typical) if small and width[k] >= 0.6 * height[k] else 1  # dots of i and %, not tick marks
        a, b = max(0, int(left[k] - reach / 2)), int(left[k] + width[k] + reach / 2) + 1
        painted[max(0, top[k] - lift) : top[k] + height[k] + lift, a:b] = 1
    _, label = cv2.connectedComponents(painted, connectivity=4)
    group = label[top[chosen] + height[chosen] // 2, left[chosen] + width[chosen] // 2]
    boxes = []
    for whole in (line for g in np.unique(group) for line in _lines(chosen[group == g], top, height, typical)):
        part = _without_marks(whole, left, top, width, height, area, typical)
        if not part.size:
            continue
        box = Box(
            left=int(left[part].min()), top=int(top[part].min()),
            right=int((left[part] + width[part]).max()), bottom=int((top[part] + height[part]).max()),
        )  # fmt: skip
        tallness = box.bottom - box.top
        if tallness >= 5 and tallness <= 1.6 * tallest and box.right - box.left >= 2:
            boxes.append((box, int(part.size)))
    return sorted(boxes, key=lambda b: (b[0].top, b[0].left))


def _typical(tall: Ints, letters: Ints) -> float:
    """The usual height of letters: the median of all pieces, or where most are dots of a dotted line that of ``letters`` that are none."""
    order = np.sort(tall)
    by_height = float(order[np.searchsorted(np.cumsum(order), 0.5 * order.sum())])
    usual = float(np.median(order))
    real = letters[letters >= 0.4 * by_height]
    return float(np.median(real)) if usual < 0.4 * by_height and real.size > 10 else usual


def _lines(part: Ints, top: Ints, height: Ints, typical: float) -> list[Ints]:
    """Pieces of a word in lines: two lines of letters that nearly touch are cut where no piece crosses from one to the other."""
    order = part[np.argsort(top[part], kind="stable")]
    below = np.maximum.accumulate((top + height)[order])
    lines, start = [], 0
    for k in range(1, order.size):
        if top[order[k]] < below[k - 1] or min(height[order[start:k]].max(), height[order[k:]].max()) < 0.7 * typical:
            continue
        lines.append(order[start:k])
        start = k
    return [*lines, order[start:]]


def _without_marks(part: Ints, left: Ints, top: Ints, width: Ints, height: Ints, area: Ints, typical: float) -> Ints:
    """Pieces of a word without dashes at its ends and bars above it: they are tick marks beside a label, ends of curves or keys."""
    if part.size > 1:
        bottom = top[part] + height[part]
        second = np.array([np.delete(top[part], i).min() for i in range(part.size)])
        bar = (bottom <= second + 1) & (width[part] <= max(3, 0.3 * typical))
        part = part[~bar] if not bar.all() else part
    order = part[np.argsort(left[part])]
    flat = (height[order] <= max(3, 0.3 * typical)) & (width[order] >= 1.4 * height[order])
    filled, long = area[order] / (width[order] * height[order]), width[order] / height[order]
    off = np.abs(top[order] + height[order] / 2 - (top[order].min() + (top[order] + height[order]).max()) / 2)
    small = (height[order] <= 0.4 * typical) & (width[order] <= 0.6 * typical) & (off <= 0.2 * typical)
    if order.size > 1 and small.sum() == 1 and small[-1]:  # a blurred tick mark; several are a broken line
        flat |= small
    # Letters are not filled; blurred ones that run together are as high as letters, keys seldom.
    low = height[order] <= LOW * typical
    flat |= (height[order] <= typical) & (((long >= 2.5) & (filled > np.where(low, 0.66, 0.75))) | ((long >= 3.5) & (filled > 0.6) & low))
    while order.size and flat[-1]:
        order, flat = order[:-1], flat[:-1]
    while order.size and flat[0]:
        order, flat = order[1:], flat[1:]
    return order


def crop_of(rgb: Image, box: Box) -> Image:
    """The picture of a box with a margin of a sixth of its height."""
    pad = max(2, round((box.bottom - box.top) / 6))
    rows, columns = rgb.shape[:2]
    top, left = max(0, box.top - pad), max(0, box.left - pad)
    return rgb[top : min(rows, box.bottom + pad), left : min(columns, box.right + pad)]


def read_words(rgb: Image, boxes: Sequence[tuple[Box, int]], *, twice: bool = True) -> list[Word]:
    """Recognise the text of boxes; what is unsure is read once more, unless ``twice`` is false."""
    readings = read_crops([crop_of(rgb, box) for box, _ in boxes])
    if twice:
        readings = voted(rgb, [box for box, _ in boxes], readings)
    return [
        Word(box=box, pieces=n, reading=_with_capital(_with_space(r, rgb, box), rgb, box))
        for (box, n), r in zip(boxes, readings, strict=True)
    ]


def _with_capital(reading: Reading, rgb: Image, box: Box) -> Reading:
    """A name that ends in a letter of its own ('Arm c') has a capital there if the picture shows that letter as high as the first one."""
    name = reading.name
    if len(name) < 3 or name[-2] != " " or name[-1] not in ONE_SHAPE or not name[0].isupper():
        return reading
    low = rgb[box.top : box.bottom, box.left : box.right].min(axis=2).astype(int)
    ink = low < low.max() - INK
    letters = np.flatnonzero(np.diff(np.r_[False, ink.any(axis=0), False].astype(int)))
    if letters.size < 4:
        return reading
    tops = [int(np.flatnonzero(ink[:, a:b].any(axis=1))[0]) for a, b in ((letters[0], letters[1]), (letters[-2], letters[-1]))]
    return replace(reading, name=name[:-1] + name[-1].upper()) if tops[1] - tops[0] <= 0.12 * (box.bottom - box.top) else reading


def _with_space(reading: Reading, rgb: Image, box: Box) -> Reading:
    """A name whose letters change case ('DrugA') gets the space that the picture shows and the recogniser lost."""
    name = reading.name
    turns = [i for i in range(1, len(name)) if name[i - 1].islower() and (name[i].isupper() or name[i].isdigit())]
    if " " in name or len(turns) != 1:
        return reading
    low = rgb[box.top : box.bottom, box.left : box.right].min(axis=2).astype(int)
    blank = low.min(axis=0) > np.median(low.max(axis=0)) - INK
    edges = np.flatnonzero(np.diff(np.r_[False, blank, False].astype(int)))
    gaps = np.sort(edges[1::2] - edges[::2])
    if not gaps.size or gaps[-1] < 0.16 * (box.bottom - box.top) or (gaps.size > 1 and gaps[-1] < 1.5 * gaps[-2]):
        return reading
    return replace(reading, name=f"{name[: turns[0]]} {name[turns[0] :]}")


def ink_colour(rgb: Image, strength: Contrast, box: Box) -> RGB:
    """Colour of the text in a box: the median of the pixels with the most contrast."""
    part = rgb[box.top : box.bottom, box.left : box.right].reshape(-1, 3)
    weight = strength[box.top : box.bottom, box.left : box.right].ravel()
    if not weight.size or weight.max() == 0:
        return (0, 0, 0)
    strong = part[weight >= 0.8 * weight.max()]
    red, green, blue = (int(v) for v in np.median(strong, axis=0))
    return (red, green, blue)
