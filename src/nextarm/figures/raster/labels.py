"""Which numbers of a figure are tick labels: rows and columns in which the printed value is an affine function of the pixel.

The numbers of an at-risk table stand in rows too, but they fall; the numbers of a title stand alone. Consensus of pairs
(RANSAC, here over all pairs) finds the line through (pixel, value) with the most labels on it, so that one misread label
does no harm.
"""

from __future__ import annotations

from itertools import combinations
from typing import TypeAlias

import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.panel import Floats
from nextarm.figures.raster.words import Word

AT_LEAST = 3
Entry: TypeAlias = tuple[Word, float, float, float]  # a word, its position along and across the axis, its value
_ALIKE = str.maketrans("OQDLI|S·,", "0001115..")
_SIGN_AS_96 = frozenset([0.96, *(100.0 * v + 96 for v in range(5, 101, 5))])


@record
class Labels:
    """Tick labels on one line: their pixel positions along the axis, their values, and the line through them.

    ``across`` is the position of the row (or column) on the other axis; ``near`` and ``far`` are the edges of the text
    towards the panel and away from it; ``height`` is the height of the digits; ``outliers`` counts numbers of the same
    row that are off the line; ``percent_signs`` says that labels carry the sign. ``beyond`` are (position, value) of numbers past an end
    of the line that go on rising (falling) but not evenly with it.
    """

    pixels: Floats
    values: Floats
    slope: float
    intercept: float
    across: float
    near: float
    far: float
    height: float
    outliers: int
    percent_signs: bool
    words: tuple[Word, ...]
    beyond: tuple[tuple[float, float], ...] = ()

    @property
    def end(self) -> float:
        """Position of the last number of the axis, on the line or beyond."""
        return max(float(self.pixels[-1]), *(p for p, _ in self.beyond), -np.inf)

    @property
    def span(self) -> float:
        """Pixels from the first to the last label."""
        return float(np.ptp(self.pixels))


def number_of(word: Word) -> float | None:
    """The value of a word that is one number; None for anything else."""
    r = word.reading
    text = r.name.strip().strip("()[]|").replace(" ", "").replace("–", "-").replace("−", "-")
    digits = r.number
    alike = text.upper().translate(_ALIKE)
    if word.box.right - word.box.left > 8 * word.height or not digits or "(" in text or ")" in text:
        return None
    if r.number_confidence < 0.5 and alike.rstrip("%") != digits.rstrip("%"):
        return None
    if any(c.isalpha() for c in alike) or len(alike.replace(".", "")) > len(digits.replace(".", "")) + 1:
        return None
    body = digits.rstrip(".-").rstrip("%").rstrip(".-")  # a tick mark beside a label reads as a dash
    if len(body) > 1 and body[0] == "0" and "." not in body:  # the point of 0.2 is the first thing a bad picture loses
        body = "0." + body[1:]
    if body.startswith("."):
        body = "0" + body
    body = body[:1].replace("-", "") + body[1:] if body in ("-0", "-0.0", "-0.00") else body
    try:
        return float(body) if "%" not in body and "-" not in body[1:] and body.count(".") <= 1 else None
    except ValueError:
        return None


def _line(pixels: Floats, values: Floats, tolerance: float, rising: bool) -> tuple[np.ndarray, float, float]:
    """Mask of the labels on the best line, its slope and intercept; an empty mask where there is none."""
    best, fit = np.zeros(len(pixels), bool), (0.0, 0.0)
    error = np.inf
    for i, j in combinations(range(len(pixels)), 2):
        if abs(pixels[j] - pixels[i]) < 4 * tolerance or values[i] == values[j]:
            continue
        slope = (values[j] - values[i]) / (pixels[j] - pixels[i])
        if (slope > 0) != rising:
            continue
        off = np.abs(pixels - (pixels[i] + (values - values[i]) / slope))
        on = off <= tolerance
        total = float(off[on].sum())
        if on.sum() > best.sum() or (on.sum() == best.sum() and total < error and (on & best).any()):
            best, error = on, total
            fit = (slope, values[i] - slope * pixels[i])
    if best.sum() >= 2:
        slope, intercept = np.polyfit(pixels[best], values[best], 1)
        fit = (float(slope), float(intercept))
    return best, *fit


def _sequence(group: list[Entry], rising: bool, near_is_low: bool) -> Labels | None:
    """Labels from (word, along, across, value); ``near_is_low``: the edge with the lower coordinate faces the panel."""
    pixels = np.array([g[1] for g in group])
    values = np.array([g[3] for g in group])
    height = float(np.median([g[0].height for g in group]))
    on, slope, intercept = _line(pixels, values, max(1.5, 0.3 * height), rising)
    if on.sum() < AT_LEAST or len(set(values[on].tolist())) < AT_LEAST:
        return None
    inside = (pixels > pixels[on].min()) & (pixels < pixels[on].max())
    words = tuple(g[0] for g, k in zip(group, on, strict=True) if k)
    low = [w.box.top for w in words] if near_is_low else [w.box.right for w in words]
    high = [w.box.bottom for w in words] if near_is_low else [w.box.left for w in words]
    order = np.argsort(pixels[on])
    return Labels(
        pixels=pixels[on][order], values=values[on][order], slope=slope, intercept=intercept, across=float(np.mean([g[2] for g in group])),
        near=float(np.median(low)), far=float(np.median(high)), height=height, outliers=int((inside & ~on).sum()),
        percent_signs=sum("%" in w.reading.number or "%" in w.reading.name for w in words) * 2 > len(words),
        words=tuple(words[k] for k in order), beyond=_beyond(pixels, values, on, rising),
    )  # fmt: skip


def _beyond(pixels: Floats, values: Floats, on: np.ndarray, rising: bool) -> tuple[tuple[float, float], ...]:
    """Numbers before the first and after the last label of the line (``pixels`` rise) that go on in its direction, nearest steps first."""
    step = float(np.median(np.diff(np.sort(pixels[on]))))
    found: list[tuple[float, float]] = []
    for way in (-1, 1):
        last = int(np.flatnonzero(on)[0 if way < 0 else -1])
        k = last + way
        while 0 <= k < len(pixels):
            if abs(pixels[k] - pixels[last]) > 2.6 * step or (values[k] - values[last]) * way * (1 if rising else -1) <= 0:
                break
            found.append((float(pixels[k]), float(values[k])))
            last, k = k, k + way
    return tuple(found)


def _whole_or_parts(group: list[Entry], parts: list[list[Entry]], *, rising: bool) -> list[Labels]:
    """The labels of a group taken as one line if most numbers are on it, else those of its parts."""
    whole = _sequence(group, rising=rising, near_is_low=rising)
    if whole is not None and len(whole.pixels) >= 0.7 * len(group):
        return [whole]
    found = [_sequence(part, rising=rising, near_is_low=rising) for part in parts]
    return [f for f in found if f is not None and f.outliers <= len(f.pixels) // 2]


def label_rows(words: list[Word]) -> list[Labels]:
    """Rows of numbers that rise evenly to the right (time axes), each row once."""
    numbers = [(w, w.x, w.y, v) for w in words if (v := number_of(w)) is not None and v >= 0]
    rows: list[Labels] = []
    used: set[int] = set()
    for k, seed in enumerate(sorted(numbers, key=lambda g: g[2])):
        if k in used:
            continue
        order = sorted(numbers, key=lambda g: g[2])
        member = [i for i, g in enumerate(order) if abs(g[2] - seed[2]) < 0.4 * seed[0].height and 0.6 < g[0].height / seed[0].height < 1.7]
        group = sorted((order[i] for i in member), key=lambda g: g[1])
        rows += _whole_or_parts(group, _split(group), rising=True)
        used |= set(member)
    return rows


def _split(group: list[Entry]) -> list[list[Entry]]:
    """Cut a row where the value falls back to its first (two panels side by side)."""
    parts: list[list[Entry]] = [[]]
    for g in group:
        if len(parts[-1]) >= AT_LEAST and g[3] <= parts[-1][0][3] and g[3] < parts[-1][-1][3]:
            parts.append([])
        parts[-1].append(g)
    return parts


def label_columns(words: list[Word]) -> list[Labels]:
    """Columns of numbers that fall evenly downwards (survival axes), right- or centre-aligned, values 0 to 1 or 0 to 100."""
    numbers = [(w, w.y, w.x, v) for w in words if (v := number_of(w)) is not None]
    signs = [g[0].reading.number.endswith("96") and g[3] in _SIGN_AS_96 for g in numbers]
    if sum(signs) >= AT_LEAST:  # a small per cent sign reads as 96
        numbers = [(w, y, x, max(0.0, (v - 96) / 100) if sign else v) for (w, y, x, v), sign in zip(numbers, signs, strict=True)]
    numbers = [g for g in numbers if 0 <= g[3] <= 110]
    columns: list[Labels] = []
    for attribute in ("right", "left", "centre"):
        at = [g[2] if attribute == "centre" else float(getattr(g[0].box, attribute)) for g in numbers]
        done: set[int] = set()
        for k, seed in enumerate(numbers):
            if k in done:
                continue
            member = [
                i for i, g in enumerate(numbers) if abs(at[i] - at[k]) < 0.6 * seed[0].height and 0.6 < g[0].height / seed[0].height < 1.7
            ]
            done |= set(member)
            group = sorted((numbers[i] for i in member), key=lambda g: g[1])
            columns += _whole_or_parts(group, _stacks(group), rising=False)
    return columns


def _stacks(group: list[Entry]) -> list[list[Entry]]:
    """Cut a column where the value jumps back up (two panels one above the other)."""
    parts: list[list[Entry]] = [[]]
    for g in group:
        if len(parts[-1]) >= AT_LEAST and g[3] >= parts[-1][0][3]:
            parts.append([])
        parts[-1].append(g)
    return parts
