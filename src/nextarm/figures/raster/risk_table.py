"""The numbers at risk under a panel: rows of whole numbers that stand below the ticks of the time axis and do not rise.

A cell belongs to the tick it stands under, so a blank cell stays missing: it is never 0. Names stand to the left of the
first number, or on a line of their own above the row.
"""

from __future__ import annotations

import itertools
import re

import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.labels import number_of
from nextarm.figures.raster.legend import SATURATED, clean, phrases
from nextarm.figures.raster.panel import RGB, Floats
from nextarm.figures.raster.parted import parted, touched
from nextarm.figures.raster.words import Contrast, Image, Word, ink_colour

HEADING = re.compile(
    r"^(n(o|um|umber)?\.?\s*|numbers?\s+(of\s+\w+\s+)?|patients\s+|subjects\s+)?at\s*.?risk|^(no|number)\.?\s*$|^strata$|^risk$", re.I
)
#: Letters that look like digits in small print.
LIKE_DIGITS = str.maketrans("gqOoDlI|SsBZz", "9900011155822")
CLEAR = 0.9  # mean probability of its digits below which a number is not certain
OTHER_ROWS = re.compile(r"^(censored|events?|no\.? of events|number of events|cumulative|number censored)", re.I)


@record
class RiskRow:
    """One row: the name (None where none is printed), its colour where it is coloured, and a number or None a tick.

    ``sure`` is the mean probability of the characters of the name.
    """

    name: str | None
    colour: RGB | None
    cells: tuple[int | None, ...]
    y: float
    warnings: tuple[str, ...] = ()
    sure: float = 1.0


@record
class RiskTable:
    """Rows of numbers at risk at ``times`` (the labelled ticks of the time axis)."""

    times: Floats
    rows: tuple[RiskRow, ...]


def _whole(word: Word) -> tuple[int, Word] | None:
    """The count of a cell; ``12 (3)`` counts as 12."""
    opened = re.match(r"^(\d+)\s*[\(\[]\d+[\)\]]?$", word.reading.name)
    if opened:
        return int(opened.group(1)), word
    text = word.reading.name.replace(",", "")
    if re.fullmatch(r"\d{1,6}", text) and word.reading.name_confidence > 0.6:
        return int(text), word
    digits = word.reading.number
    if digits.isdigit() and text.translate(LIKE_DIGITS) == digits and (len(text) == 1 or not text.isalpha()):
        return int(digits), word
    value = number_of(word)
    if value is None or value < 0 or value != int(value) or "." in word.reading.number or "%" in word.reading.number:
        return None
    return int(value), word


def _doubtful(word: Word) -> bool:
    """Whether no way of cutting out a number gave it a probability of ``CLEAR``."""
    return word.reading.number.isdigit() and word.reading.name.isdigit() and word.reading.number_confidence < CLEAR


def _lines(words: list[Word]) -> list[list[Word]]:
    """Words on the same line of text, from the top."""
    lines: list[list[Word]] = []
    for w in sorted(words, key=lambda w: w.y):
        if lines and abs(w.y - np.mean([v.y for v in lines[-1]])) < 0.5 * max(w.height, lines[-1][0].height):
            lines[-1].append(w)
        else:
            lines.append([w])
    return [sorted(line, key=lambda w: w.box.left) for line in lines]


def _repair(cells: list[tuple[int, Word] | None]) -> tuple[tuple[int | None, ...], tuple[str, ...]]:
    """Numbers that do not rise: one that does is read again from its second-best digits, or given up with a warning."""
    values: list[int | None] = [c[0] if c else None for c in cells]
    warnings: list[str] = []
    for _ in range(len(values)):
        known = [(i, v) for i, v in enumerate(values) if v is not None]
        breaks = [(i, j) for (i, a), (j, b) in itertools.pairwise(known) if b > a]
        if not breaks:
            break
        i, j = breaks[0]
        # the one whose removal leaves fewer breaks is the suspect
        suspects = sorted((i, j), key=lambda k: _breaks([v for q, v in known if q != k]))
        for k in suspects:
            low = max((v for q, v in known if q > k), default=0)
            high = min((v for q, v in known if q < k), default=10**9)
            other = _second_reading(cells[k], low, high)
            if other is not None:
                warnings.append(f"at-risk number {values[k]} read as {other}, because numbers at risk cannot rise")
                values[k] = other
                break
        else:
            warnings.append(f"at-risk number {values[suspects[0]]} dropped, because numbers at risk cannot rise")
            values[suspects[0]] = None
    return tuple(values), tuple(warnings)


def _breaks(values: list[int]) -> int:
    return sum(b > a for a, b in itertools.pairwise(values))


def _second_reading(cell: tuple[int, Word] | None, low: int, high: int) -> int | None:
    """The likeliest other number with one digit changed that lies between ``low`` and ``high``; None below 2 %."""
    if cell is None:
        return None
    steps = cell[1].reading.steps
    digits = [int(s.argmax()) for s in steps]
    best: tuple[float, int | None] = (0.02, None)
    for place, step in enumerate(steps):
        for digit in range(10):
            if digit == digits[place]:
                continue
            value = int("".join(str(digit if q == place else d) for q, d in enumerate(digits)))
            if low <= value <= high and step[digit] > best[0]:
                best = (float(step[digit]), value)
    return best[1]


def find_risk_table(
    rgb: Image, strength: Contrast, words: list[Word], *, ticks: Floats, times: Floats, below: float, left: float, right: float
) -> RiskTable | None:
    """The at-risk table below row ``below``; None where there is none.

    Args:
        rgb: The picture.
        strength: Contrast of the picture.
        words: All words read.
        ticks: Pixels of the labelled ticks of the time axis.
        times: Their values.
        below: Row of the lower edge of the time labels.
        left: Left limit of the panel's share of the page.
        right: Right limit of it.
    """
    spacing = float(np.median(np.diff(ticks)))
    mine = parted(rgb, strength, [w for w in words if w.box.top > below - 2 and left <= w.x <= right], ticks)
    found: list[tuple[list[tuple[int, Word] | None], list[Word], float]] = []
    headings: list[tuple[str, float]] = []
    for line in _lines(mine):
        cells: list[tuple[int, Word] | None] = [None] * len(ticks)
        used: list[Word] = []
        for w in sorted(line, key=lambda w: float(np.abs(ticks - w.x).min())):  # of two at one tick the nearer: a bar of colour is no 0
            read = _whole(w)
            k = int(np.argmin(np.abs(ticks - w.x)))
            gaps = np.abs(np.delete(ticks, k) - ticks[k])
            limit = min(0.45 * spacing, 0.5 * float(gaps.min()) if gaps.size else np.inf)
            if read is not None and abs(ticks[k] - w.x) <= limit and (cells[k] is None):
                cells[k] = read
                used.append(w)
        for k in [k for k, c in enumerate(cells) if c is None and len(used) >= 2]:
            hidden = touched(rgb, strength, mine, used, float(ticks[k]))
            cells[k] = _whole(hidden) if hidden is not None else None
        numbers = [c[0] for c in cells if c]
        first = min((w.box.left for w in used), default=10**9)
        named = [w for w in line if w.box.right <= first and w not in used]
        text = " ".join(p.text for p in phrases(named, 1.2)) if named else ""
        y = float(np.mean([w.y for w in (used or line)]))
        rises = len(numbers) >= 3 and _breaks(numbers) > _breaks(numbers[::-1])  # an axis, or a row of events
        if not used or rises or not (cells[0] or len(used) >= 2):
            if text and any(c.isalpha() for c in text) and not OTHER_ROWS.search(text):
                headings.append((text, y))
            continue
        found.append((cells, named, y))
    rows: list[RiskRow] = []
    for cells, named, y in found:
        text = " ".join(p.text for p in sorted(phrases(named, 1.2), key=lambda p: p.box.left)) if named else ""
        if OTHER_ROWS.search(text):
            continue
        above = [h for h in headings if 0 < y - h[1] < 3.2 * (named[0].height if named else 12) and not HEADING.search(h[0])]
        name: str | None = clean(re.sub(r"^\s*(strata|group|arm)\s*=\s*", "", text, flags=re.I))
        if HEADING.search(text) or not name:
            name = clean(above[-1][0]) if above else None
        if name is None and rows and HEADING.search(text) and not above and sum(bool(c) for c in cells) < 2:
            continue
        if sum(c is not None for c in cells) == 1 and cells[0] is not None and not name:
            continue
        values, warnings = _repair(cells)
        warnings += tuple(
            f"at-risk number {v} of {name or 'a row without a name'} at {t:g} is not certain"
            + (f": it may be {c[1].reading.rival}" if (c[1].reading.rival or "").isdigit() else "")
            for v, c, t in zip(values, cells, times, strict=True)
            if c is not None and v == c[0] and ((c[1].reading.rival or "").isdigit() or _doubtful(c[1]))
        )
        colour = _row_colour(rgb, strength, named, y, ticks[0])
        sure = min((w.reading.name_confidence for w in named), default=1.0)
        rows.append(RiskRow(name=name or None, colour=colour, cells=values, y=y, warnings=warnings, sure=sure))
    rows = [r for r in rows if r.cells[0] != 0 and (r.cells[0] is not None or sum(c is not None for c in r.cells) >= 2)]
    return RiskTable(times=times, rows=tuple(rows)) if rows and len(rows) <= 8 else None


def _row_colour(rgb: Image, strength: Contrast, named: list[Word], y: float, first: float) -> RGB | None:
    """Colour of a row's name where it is coloured."""
    for w in named:
        colour = ink_colour(rgb, strength, w.box)
        if max(colour) - min(colour) >= SATURATED:
            return colour
    return None
