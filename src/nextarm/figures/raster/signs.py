"""Signs that stand alone between, before or after words (``A + B``, ``< 6 months``, ``MRD-``): read together with those words.

A sign cut out alone is read as a letter or as nothing, and a name would end before it. Here the words around a sign are read once
more as one piece of the picture; the reading counts where its letters and digits are those of the words. Where they are not, the
words are handed back: a name that holds one of them is not certain to be whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.legend import around
from nextarm.figures.raster.panel import ArmHint, Box
from nextarm.figures.raster.text import Reading, read_crops
from nextarm.figures.raster.words import Contrast, Image, Word, crop_of, ink_colour

SPACE = 0.8  # widest space beside a sign, in heights of the words: keys of a legend stand further away
WIDEST, LONGEST = 1.15, 2.0  # widest sign and longest run of signs, in heights
NARROW = 0.3  # narrowest space that is one, in heights
SURE = 0.8  # mean probability of the characters of the words and signs read as one
COLOURED = 60  # by which the hue of a sign may differ from that of its word: a key differs more
LOW = 0.87  # of the height of the words beside it: a sign; not compared with words that hold a letter of these
DEEP = "()[]{}gjpqyQ,;/|"
BEFORE = "<>≥≤±"


@record
class Sign:
    """Ink between ``first`` and ``second`` (places in the list of words; -1: none there) that no word holds."""

    box: Box
    first: int
    second: int


def with_signs(rgb: Image, strength: Contrast, stats: NDArray[np.int32], words: Sequence[Word]) -> tuple[list[Word], list[tuple[str, ...]]]:
    """The words, those around a sign joined to one; and the names of words beside a sign that could not be read.

    Args:
        rgb: The picture.
        strength: Its contrast.
        stats: Boxes of all pieces of ink (left, top, width, height, area).
        words: Words as read one by one.
    """
    groups = [(_with_next(words, members), signs) for members, signs in _chains(_signs(rgb, strength, stats, words))]
    boxes = [around([words[k].box for k in members] + [s.box for s in signs]) for members, signs in groups]
    readings = read_crops([crop_of(rgb, box) for box in boxes])
    out: list[Word] = list(words)
    unread: list[tuple[str, ...]] = []
    gone: set[int] = set()
    for (members, signs), box, reading in zip(groups, boxes, readings, strict=True):
        parts = [words[k] for k in members]
        loose = [w for k, w in enumerate(words) if k not in members and any(_within(w.box, s.box) for s in signs)]
        name = _joined(reading, parts, signs, loose)
        if name is not None:
            gone |= {k for k, w in enumerate(words) if k in members or any(w is v for v in loose)}
            out.append(Word(box=box, pieces=sum(w.pieces for w in parts) + len(signs), reading=replace(reading, name=name)))
        elif any(s.first >= 0 for s in signs):
            unread.append(tuple(w.reading.name for w in parts))
    kept = [w for k, w in enumerate(out) if k not in gone]
    return sorted(kept, key=lambda w: (w.box.top, w.box.left)), unread


def in_part(hints: Sequence[ArmHint], unread: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """A word on each name that holds a word beside a sign that could not be read, unless the name was read with a sign elsewhere."""
    return tuple(
        f"a sign beside {h.name!r} could not be read: whether the name is whole is not certain"
        for h in hints if h.where != "marks" and any(
            not re.search(r"\s*[^\w\s]+\s*".join(map(re.escape, u)), h.name) and any(v and set(v.split()) <= set(h.name.split()) for v in u)
            for u in unread
        )
    )  # fmt: skip


def _signs(rgb: Image, strength: Contrast, stats: NDArray[np.int32], words: Sequence[Word]) -> list[Sign]:
    sure = [k for k, w in enumerate(words) if _is_text(w, words)]
    left, top, width, height = (stats[:, k] for k in range(4))
    found: list[Sign] = []
    for k in sure:
        word = words[k]
        others = [j for j in sure if j != k and _same_line(word, words[j])]
        second = min((j for j in others if words[j].box.left >= word.box.right), key=lambda j: words[j].box.left, default=-1)
        high = word.height if second < 0 else max(word.height, words[second].height)
        if word.height < 5:
            continue
        level = (top + height > word.box.top - 0.1 * high) & (top < word.box.bottom + 0.1 * high) & (height <= 1.1 * high)
        level &= (top >= word.box.top - 0.3 * high) & (top + height <= word.box.bottom + 0.3 * high)
        level &= np.abs(top + height / 2 - word.y) <= 0.5 * high
        if second >= 0:
            end = words[second].box.left
            between = level & (left >= word.box.right) & (left + width <= end) & (width <= WIDEST * high)
            run = _run(left[between], (left + width)[between], float(word.box.right), SPACE * high)
            if run is not None and run[1] - run[0] <= LONGEST * high and end - run[1] <= SPACE * high:
                box = Box(left=run[0], top=word.box.top, right=run[1], bottom=word.box.bottom)
                found += [Sign(box=box, first=k, second=second)] if _one_colour(rgb, strength, box, word) else []
        ahead = level & (left + width <= word.box.left) & (width <= WIDEST * high)
        run = _run(-(left + width)[ahead], -left[ahead], -float(word.box.left), SPACE * high)
        if run is not None and run[1] - run[0] <= WIDEST * high:
            box = Box(left=-run[1], top=word.box.top, right=-run[0], bottom=word.box.bottom)
            alone = all(not -SPACE * high < words[j].box.right - box.left <= high for j in others)
            found += [Sign(box=box, first=-1, second=k)] if alone and _one_colour(rgb, strength, box, word) else []
    return found


def _is_text(word: Word, words: Sequence[Word]) -> bool:
    """Whether a word is letters or digits beyond doubt: a sign alone is read as a letter, after a word or lower than the word beside it."""
    name = word.reading.name
    if not any(c.isalnum() for c in name) or word.reading.name_confidence <= 0.6:
        return False
    if len(name) > 1 or name.isdigit():
        return True
    beside = [
        w for w in words if w is not word and _same_line(word, w) and w.reading.name_confidence > 0.9
        and (len(w.reading.name) > 1 or w.reading.name.isdigit())
    ]  # fmt: skip
    if any(0 <= word.box.left - w.box.right <= SPACE * w.height for w in beside):
        return False
    return not any(
        word.height < LOW * w.height and 0 <= w.box.left - word.box.right <= SPACE * w.height and not set(w.reading.name) & set(DEEP)
        for w in beside
    )


def _same_line(a: Word, b: Word) -> bool:
    overlap = min(a.box.bottom, b.box.bottom) - max(a.box.top, b.box.top)
    return overlap > 0.5 * min(a.height, b.height)


def _run(start: NDArray[np.int32], stop: NDArray[np.int32], edge: float, space: float) -> tuple[int, int] | None:
    """Pieces that follow ``edge`` with no space wider than ``space``; None where there is none."""
    first, last = None, edge
    for a, b in sorted(zip(start.tolist(), stop.tolist(), strict=True)):
        if a - last > space:
            break
        first, last = a if first is None else first, max(last, b)
    return None if first is None else (int(first), int(last))


def _one_colour(rgb: Image, strength: Contrast, box: Box, word: Word) -> bool:
    sign, text = ink_colour(rgb, strength, box), ink_colour(rgb, strength, word.box)
    hue = max(abs((a - max(sign)) - (b - max(text))) for a, b in zip(sign, text, strict=True))
    return hue <= COLOURED


def _chains(found: list[Sign]) -> list[tuple[list[int], list[Sign]]]:
    """Words joined by signs, each chain with its words and signs from left to right."""
    chains: list[tuple[list[int], list[Sign]]] = []
    for sign in sorted(found, key=lambda s: s.box.left):
        mine = next((c for c in chains if sign.first in c[0] or (sign.first < 0 and sign.second in c[0])), None)
        if mine is None:
            mine = ([sign.first] if sign.first >= 0 else [], [])
            chains.append(mine)
        if sign.second not in mine[0]:
            mine[0].append(sign.second)
        mine[1].append(sign)
    return chains


def _with_next(words: Sequence[Word], members: list[int]) -> list[int]:
    """A chain of one or two letters with the word after it: so little print is read badly."""
    last = words[members[-1]]
    if sum(len(words[k].reading.name) for k in members) > 2:
        return members
    after = [k for k, w in enumerate(words) if _same_line(last, w) and 0 <= w.box.left - last.box.right <= SPACE * last.height]
    return [*members, *after[:1]]


def _joined(reading: Reading, parts: list[Word], signs: list[Sign], loose: list[Word]) -> str | None:
    """The reading of words and signs as one, spaced as in the picture; None where it has not the letters of the words read alone.

    ``loose`` are words at the places of the signs: letters that may be signs.
    """
    if reading.name_confidence < SURE:
        return None
    text, place, said = reading.name, 0, ""
    maybe = {c for w in loose for c in w.reading.name if c.isalnum()}
    for k, part in enumerate(parts):
        own = "".join(c for c in part.reading.name if c.isalnum())
        letters = [i for i in range(place, len(text)) if text[i].isalnum()]
        while letters and text[letters[0]] in maybe and text[letters[0]] != own[0]:
            letters.pop(0)
        if len(letters) < len(own) or "".join(text[i] for i in letters[: len(own)]) != own:
            return None
        start, end = letters[0], letters[len(own) - 1] + 1
        between = text[place:start].strip()
        sign = next((s for s in signs if s.box.right <= part.box.left and (not k or s.box.left >= parts[k - 1].box.right)), None)
        if sign is None:
            said += " " * bool(k) + between
        else:
            if not between or (not k and between[0] not in BEFORE):
                return None
            gap = NARROW * part.height
            apart = k > 0 and (text[place] == " " or sign.box.left - parts[k - 1].box.right >= gap)
            said += " " * apart + between
            said += " " * (part.box.left - sign.box.right >= gap)
        said += text[start:end]
        place = end
    rest = text[place:]
    return None if any(c.isalnum() for c in rest) else said + rest.rstrip()


def _within(inner: Box, outer: Box) -> bool:
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x <= outer.right and outer.top - 3 <= y <= outer.bottom + 3
