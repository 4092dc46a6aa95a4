"""The last half pixel: steps moved until the curve drawn anew looks like the image.

The stroke is rendered as a pen of width w with round joins leaves it: in column x it covers the rows from
:math:`\\min_s Y(x + s) - \\sqrt{w^2/4 - s^2}` to the maximum of the same with a plus, |s| at most w/2, blurred by a ramp. Every level
and every drop in turn is moved to where the squared difference from the image is least (a parabola through three places, a few
rounds); a short piece between two drops that the image does not ask for is taken out. Differences are cut off, so that ticks and
neighbours do not pull; pixels that other ink hides do not count.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.ink import Image, Mask

#: Squared difference above which a pixel says no more.
CUT = 0.2
#: Places within a column at which the stroke is evaluated.
INSIDE = 4
#: What a short piece must save, in squared differences.
PIECE = 0.35
#: Blurs tried (pixels over which an edge goes from background to ink).
BLURS = (1.0, 1.4, 1.9, 2.5)


@nb.njit(cache=True)
def _ramp(t: float, blur: float) -> float:
    return min(1.0, max(0.0, t / blur + 0.5))


@nb.njit(cache=True)
def _cover(x: Any, y: Any, end: float, place: float, half: float, k: int) -> Any:
    """Upper and lower end of the ink at ``place``, and the piece it is in (searched from piece ``k``)."""
    n = x.size
    while k + 1 < n and x[k + 1] <= place:
        k += 1
    while k > 0 and x[k] > place:
        k -= 1
    high = y[k] - half
    low = y[k] + half
    j = k
    while j > 0 and place - x[j] < half:
        d = place - x[j]
        high = min(high, y[j - 1] - np.sqrt(max(0.0, half * half - d * d)))
        j -= 1
    j = k + 1
    while j < n and x[j] - place < half:
        d = x[j] - place
        low = max(low, y[j] + np.sqrt(max(0.0, half * half - d * d)))
        j += 1
    return high, low, k


@nb.njit(cache=True)
def _loss(own: Any, blocked: Any, x: Any, y: Any, end: float, width: float, blur: float, box: Any, k0: int) -> float:
    """Cut squared difference of image and drawing in a window (rows a-b, columns c-d)."""
    total = 0.0
    half = width / 2
    k = k0
    n = box[1] - box[0]
    drawn = np.empty(max(0, n))
    for column in range(box[2], box[3]):
        for i in range(n):
            drawn[i] = 0.0
        for s in range(INSIDE):
            place = column + 0.5 + ((s + 0.5) / INSIDE - 0.5) * blur
            if place > end or place + half < x[0]:
                continue
            high, low, k = _cover(x, y, end, place, half, k)
            for i in range(n):
                r = box[0] + i + 0.5
                drawn[i] += _ramp(r - high, blur) - _ramp(r - low, blur)
        for i in range(n):
            r = box[0] + i
            if not blocked[r, column]:
                e = own[r, column] - drawn[i] / INSIDE
                total += min(e * e, CUT)
    return total


@nb.njit(cache=True)
def _parabola(a: float, b: float, c: float, step: float) -> float:
    """Place of the least of a parabola through (-step, a), (0, b), (step, c), kept within one step."""
    bend = a - 2 * b + c
    if bend <= 1e-12:
        if a < b and a <= c:
            return -step
        return step if c < b else 0.0
    return min(step, max(-step, 0.5 * step * (a - c) / bend))


@nb.njit(cache=True)
def _level_box(box: Any, x: Any, y: Any, end: float, k: int, reach: int, rows: int, columns: int) -> None:
    stop = x[k + 1] if k + 1 < x.size else end
    a = int(np.floor(x[k])) - reach
    b = int(np.ceil(stop)) + reach
    if b - a > 90:
        a = int((x[k] + stop) / 2) - 45
        b = a + 90
    box[0] = max(0, int(y[k]) - reach - 1)
    box[1] = min(rows, int(y[k]) + reach + 2)
    box[2] = max(0, a)
    box[3] = min(columns, b)


@nb.njit(cache=True)
def _rounds(own: Any, blocked: Any, x: Any, y: Any, end: float, width: float, blur: float, rounds: int, fixed_first: bool) -> None:
    rows, columns = own.shape
    reach = int(np.ceil(width / 2)) + 2
    box = np.zeros(4, np.int64)
    for turn in range(rounds):
        step = 0.5 if turn == 0 else (0.25 if turn == 1 else 0.12)
        for k in range(x.size):
            stop = x[k + 1] if k + 1 < x.size else end
            if not (k == 0 and fixed_first):
                _level_box(box, x, y, end, k, reach, rows, columns)
                here = y[k]
                mid = _loss(own, blocked, x, y, end, width, blur, box, k)
                y[k] = here - step
                up = _loss(own, blocked, x, y, end, width, blur, box, k)
                y[k] = here + step
                down = _loss(own, blocked, x, y, end, width, blur, box, k)
                y[k] = here + _parabola(up, mid, down, step)
                new = _loss(own, blocked, x, y, end, width, blur, box, k)
                if new > mid:
                    y[k] = here
                low = y[k - 1] if k > 0 else -1e9
                high = y[k + 1] if k + 1 < y.size else 1e9
                y[k] = min(max(y[k], low), high)
            if k > 0:
                box[0] = max(0, int(y[k - 1]) - reach)
                box[1] = min(rows, int(y[k]) + reach + 1)
                box[2] = max(0, int(np.floor(x[k])) - reach - 1)
                box[3] = min(columns, int(np.ceil(x[k])) + reach + 1)
                here = x[k]
                mid = _loss(own, blocked, x, y, end, width, blur, box, k)
                x[k] = here - step
                left = _loss(own, blocked, x, y, end, width, blur, box, k)
                x[k] = here + step
                right = _loss(own, blocked, x, y, end, width, blur, box, k)
                x[k] = here + _parabola(left, mid, right, step)
                new = _loss(own, blocked, x, y, end, width, blur, box, k)
                if new > mid:
                    x[k] = here
                x[k] = min(max(x[k], x[k - 1]), stop)


@nb.njit(cache=True)
def _prune(own: Any, blocked: Any, x: Any, y: Any, end: float, width: float, blur: float, longest: float, price: float) -> Any:
    """Take out short pieces whose two drops the image takes for one; returns what is left."""
    rows, columns = own.shape
    reach = int(np.ceil(width / 2)) + 3
    box = np.zeros(4, np.int64)
    n = x.size
    k = 1
    while k < n - 1:
        size = x[k + 1] - x[k]
        if size > longest:
            k += 1
            continue
        box[0] = max(0, int(y[k - 1]) - reach)
        box[1] = min(rows, int(y[k + 1]) + reach + 1)
        box[2] = max(0, int(x[k]) - reach)
        box[3] = min(columns, int(x[k + 1]) + reach + 1)
        now = _loss(own, blocked, x[:n], y[:n], end, width, blur, box, k)
        fall = y[k + 1] - y[k - 1]
        place = x[k] if fall <= 1e-06 else (x[k] * (y[k] - y[k - 1]) + x[k + 1] * (y[k + 1] - y[k])) / fall
        fewer_x = np.empty(n - 1)
        fewer_y = np.empty(n - 1)
        fewer_x[: k + 1] = x[: k + 1]
        fewer_y[:k] = y[:k]
        fewer_x[k] = place
        fewer_x[k + 1 :] = x[k + 2 : n]
        fewer_y[k:] = y[k + 1 : n]
        best = np.inf
        where = place
        for shift in (0.0, -0.4, 0.4, -0.8, 0.8):
            spot = min(max(place + shift, fewer_x[k - 1]), fewer_x[k + 1] if k + 1 < n - 1 else end)
            fewer_x[k] = spot
            value = _loss(own, blocked, fewer_x, fewer_y, end, width, blur, box, k)
            if value < best:
                best = value
                where = spot
        if best < now + price:
            fewer_x[k] = where
            x[: n - 1] = fewer_x
            y[: n - 1] = fewer_y
            n -= 1
        else:
            k += 1
    return x[:n], y[:n]


@nb.njit(cache=True)
def _misfit(own: Any, blocked: Any, x: Any, y: Any, end: float, width: float, blur: float) -> float:
    rows, columns = own.shape
    reach = int(np.ceil(width / 2)) + 3
    box = np.zeros(4, np.int64)
    total = 0.0
    for k in range(x.size):
        _level_box(box, x, y, end, k, reach, rows, columns)
        total += _loss(own, blocked, x, y, end, width, blur, box, k)
    return total


@nb.njit(cache=True)
def _draw(image: Any, x: Any, y: Any, end: float, width: float, blur: float) -> None:
    rows, columns = image.shape
    half = width / 2
    k = 0
    for column in range(max(0, int(x[0] - half) - 2), min(columns, int(end) + 3)):
        for s in range(INSIDE):
            place = column + 0.5 + ((s + 0.5) / INSIDE - 0.5) * blur
            if place > end or place + half < x[0]:
                continue
            high, low, k = _cover(x, y, end, place, half, k)
            for r in range(max(0, int(high - blur)), min(rows, int(low + blur) + 2)):
                image[r, column] += (_ramp(r + 0.5 - high, blur) - _ramp(r + 0.5 - low, blur)) / INSIDE


def refine(own: Image, blocked: Mask, steps: Steps, *, width: float, blur: float, rounds: int = 3, keep_first: bool = True) -> Steps:
    """Steps after a few rounds, without the short pieces that the image does not ask for.

    ``own`` is the share of ink (1 in the middle of the stroke); ``keep_first`` leaves the first level (S = 1, known).
    """
    x, y = steps.x.copy(), steps.y.copy()
    _rounds(own, blocked, x, y, steps.end, width, blur, rounds, keep_first)
    y = np.maximum.accumulate(y)
    x, y = _prune(own, blocked, x, y, steps.end, width, blur, width + 1.0, PIECE)
    x, y = x.copy(), y.copy()
    _rounds(own, blocked, x, y, steps.end, width, blur, 2, keep_first)
    return Steps(x=np.asarray(x), y=np.maximum.accumulate(y), end=steps.end)


def best_blur(own: Image, blocked: Mask, steps: Steps, *, width: float) -> float:
    """The blur with which the drawing is nearest to the image."""
    losses = [_misfit(own, blocked, steps.x, steps.y, steps.end, width, b) for b in BLURS]
    return float(BLURS[int(np.argmin(losses))])


def draw(shape: tuple[int, ...], steps: Steps, *, width: float, blur: float) -> Image:
    """The share of ink that the stroke of ``width`` along ``steps`` puts on every pixel."""
    image = np.zeros(shape, np.float32)
    _draw(image, steps.x, steps.y, steps.end, width, blur)
    return image
