"""Names of arms: words with a key beside them, and words printed at the curves in the curves' colours.

A key is a short piece of line, on its own, at the height of the middle of the word and to the left of it. Its colour and
its dashes are the curve's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.panel import RGB, ArmHint, Box
from nextarm.figures.raster.words import INK, Contrast, Image, Word, ink_colour

SATURATED = 60  # largest minus smallest channel of text that is coloured on purpose
PALED = 35  # the same beside text that is: compression takes colour from thin letters, and gives grey ones about 15
DARK = 90  # largest channel of text as dark as a black curve
NOT_NAMES = re.compile(
    r"^(p\s*[<=>]|log.?rank|hr\b|hazard|95|ci\b|strata$|group$|arm$|arms$|treatment group$|censored|number at|no\.? at|n at|at risk|"
    r"median|time)|"
    r"p\s*[<=]\s*\.?0|\(95|log.?rank", re.I
)  # fmt: skip


@record
class Phrase:
    """Neighbouring words of one line."""

    text: str
    box: Box
    confidence: float
    words: tuple[Word, ...]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.box.bottom - self.box.top

    @property
    def y(self) -> float:
        """Vertical centre."""
        return (self.box.top + self.box.bottom) / 2


def around(boxes: list[Box]) -> Box:
    """The smallest box around boxes."""
    return Box(
        left=min(b.left for b in boxes),
        top=min(b.top for b in boxes),
        right=max(b.right for b in boxes),
        bottom=max(b.bottom for b in boxes),
    )


def _is_dash(word: Word) -> bool:
    """Whether a word is one long piece, as a key is and a letter is not."""
    return word.pieces == 1 and word.box.right - word.box.left >= 1.6 * word.height and len(word.reading.name) <= 1


def phrases(words: list[Word], gap: float = 1.0) -> list[Phrase]:
    """Words joined along lines where the space between them is below ``gap`` of their height."""
    sure = [w.height for w in words if w.reading.name_confidence > 0.9]
    flat = 0.5 * float(np.median(sure)) if sure else 0.0
    rest = sorted(
        (w for w in words if w.reading.name and w.reading.name_confidence > 0.4 and w.height >= flat and not _is_dash(w)),
        key=lambda w: w.box.left,
    )
    lines: list[list[Word]] = []
    for w in rest:
        for line in lines:
            last = line[-1]
            high = max(w.height, last.height)
            overlap = min(w.box.bottom, last.box.bottom) - max(w.box.top, last.box.top)
            alone = len(w.reading.name) <= 1 and abs(w.box.bottom - last.box.bottom) > 0.3 * last.height
            if not alone and -0.5 * high <= w.box.left - last.box.right < gap * high and overlap > 0.5 * min(w.height, last.height):
                line.append(w)
                break
        else:
            if any(c.isalnum() for c in w.reading.name):  # a sign alone begins no phrase: it is a key or a mark
                lines.append([w])
    return [
        Phrase(
            text=" ".join(w.reading.name for w in line),
            box=around([w.box for w in line]),
            confidence=float(np.mean([w.reading.name_confidence for w in line])),
            words=tuple(line),
        )
        for line in lines
    ]


@record
class Key:
    """The key of one legend entry."""

    box: Box
    colour: RGB
    dash: str


def _dash(columns: NDArray[np.bool_], thickness: float) -> str:
    """Name of a pattern of ink along a key."""
    edges = np.flatnonzero(np.diff(np.r_[False, columns, False].astype(int)))
    runs = edges[1::2] - edges[::2]
    if len(runs) <= 1:
        return "solid"
    inner = runs[1:-1] if len(runs) > 3 else runs
    if inner.max() <= 2.2 * max(thickness, 1.0):
        return "dotted"
    if len(inner) >= 3 and inner.min() < 0.45 * inner.max():
        return "dashdot"
    return "dashed"


def find_key(rgb: Image, strength: Contrast, stats: NDArray[np.int32], phrase: Phrase, others: list[Phrase]) -> Key | None:
    """The key to the left of a phrase; None where there is none.

    ``stats`` are the boxes of all pieces of ink; those inside the words of ``others`` are letters, not keys.
    """
    high = phrase.words[0].height
    left, top, width, height = (stats[:, k] for k in range(4))
    middle = top + height / 2
    before = [
        p.box.right for p in others if p is not phrase and p.confidence > 0.7 and sum(c.isalnum() for c in p.text) >= 2
        and abs(p.y - phrase.y) < 0.6 * high and p.box.right <= phrase.box.left
    ]  # fmt: skip
    limit_left = max(before, default=0)
    right_edge = phrase.box.left
    near = (left + width <= right_edge - 1) & (left >= max(limit_left, right_edge - 8 * high)) & (np.abs(middle - phrase.y) <= 0.45 * high)
    near &= (height <= 2.2 * high) & (width <= 7 * high)
    pieces = sorted(np.flatnonzero(near).tolist(), key=lambda k: -(left[k] + width[k]))
    chosen: list[int] = []
    edge = float(right_edge)
    for k in pieces:
        limit = 2.4 * high if not chosen else 1.0 * high
        if edge - (left[k] + width[k]) > limit:
            break
        chosen.append(int(k))
        edge = min(edge, float(left[k]))
    if not chosen:
        return None
    box = Box(
        left=int(left[chosen].min()), top=int(top[chosen].min()),
        right=int((left[chosen] + width[chosen]).max()), bottom=int((top[chosen] + height[chosen]).max()),
    )  # fmt: skip
    if box.right - box.left < 0.9 * high or box.right - box.left > 8 * high:
        return None
    part = strength[box.top : box.bottom, box.left : box.right]
    centre = int(np.clip(round(phrase.y) - box.top, 0, part.shape[0] - 1))
    band = part[max(0, centre - max(1, high // 5)) : centre + max(1, high // 5) + 1]
    level = float(np.median(np.sort(band.max(0))[-max(3, band.shape[1] // 3) :]))
    ink = band > max(INK, 0.4 * level)  # a piece of the legend's light frame at the end of a key is no dash of it
    along = np.asarray(ink.any(0), bool)
    if along.mean() < 0.2:
        return None
    thickness = float(np.median(ink.sum(0)[along]))
    return Key(box=box, colour=ink_colour(rgb, strength, box), dash=_dash(along, thickness))


def clean(text: str) -> str:
    """A name without the count that follows it and without stray signs."""
    text = re.sub(r"\s*[\(\[]?\s*[nN]\s*=\s*[\d,]+\s*[\)\]]?.*$", "", text)
    return text.strip(" :;,._-–|=~'\"*+").strip()


def count_in(text: str) -> int | None:
    """The n of a legend entry such as 'Control (n = 54)'; None where it names none."""
    found = re.search(r"[nN]\s*=\s*(\d[\d,]*)", text)
    return int(found.group(1).replace(",", "")) if found else None


def is_name(text: str) -> bool:
    """Whether a phrase can be the name of an arm."""
    return any(c.isalnum() for c in text) and not NOT_NAMES.search(text) and not re.fullmatch(r"[<>=\s]*\d*[.,]\d+[\s)\]]*", text)


def split_at_keys(rgb: Image, strength: Contrast, found: list[Phrase]) -> list[Phrase]:
    """Phrases cut where a coloured sign stands between dark words: it is the key of what follows, drawn close to what precedes."""
    out: list[Phrase] = []
    for phrase in found:
        signs = [not any(c.isalnum() for c in w.reading.name) and _saturated(rgb, strength, w.box) for w in phrase.words]
        letters = [w for w, sign in zip(phrase.words, signs, strict=True) if not sign]
        if not any(signs) or not letters or any(_saturated(rgb, strength, w.box) for w in letters):
            out.append(phrase)
            continue
        line: list[Word] = []
        for w, sign in [*zip(phrase.words, signs, strict=True), (phrase.words[-1], True)]:
            if not sign:
                line.append(w)
            elif line:
                out += phrases(line, 3.0)
                line = []
    return out


def _saturated(rgb: Image, strength: Contrast, box: Box) -> bool:
    colour = ink_colour(rgb, strength, box)
    return max(colour) - min(colour) >= SATURATED


def legend_entries(rgb: Image, strength: Contrast, stats: NDArray[np.int32], found: list[Phrase]) -> list[tuple[ArmHint, Box]]:
    """Entries of the legend with their boxes (key and text): a group of entries in a column or a row, or a single one."""
    entries: list[tuple[ArmHint, Box, Phrase, Key]] = []
    found = split_at_keys(rgb, strength, found)
    for phrase in found:
        name = clean(phrase.text)
        if not name or not is_name(name) or phrase.confidence < 0.6:
            continue
        key = find_key(rgb, strength, stats, phrase, found)
        if key is None:
            continue
        hint = ArmHint(name=name, colour=key.colour, dash=key.dash, n=count_in(phrase.text), where="legend", sure=phrase.confidence)
        entries.append((hint, around([phrase.box, key.box]), phrase, key))
    if not entries:
        return []
    groups: list[list[tuple[ArmHint, Box, Phrase, Key]]] = []
    for e in sorted(entries, key=lambda e: (e[1].top, e[1].left)):
        high = e[2].height
        for group in groups:
            last = group[-1]
            aligned = min(abs(e[3].box.left - last[3].box.left), abs(e[2].box.left - last[2].box.left)) <= 0.8 * high
            column = aligned and abs(e[1].top - last[1].top) < 4 * high
            row = (
                abs(e[2].y - last[2].y) <= 0.4 * high
                and abs((e[3].box.right - e[3].box.left) - (last[3].box.right - last[3].box.left)) <= high
            )
            if column or row:
                group.append(e)
                break
        else:
            groups.append([e])
    best = max(groups, key=lambda g: (len(g), sum(x[2].confidence for x in g)))
    if len(best) == 1 and (best[0][2].confidence < 0.85 or sum(c.isalnum() for c in best[0][0].name) < 2):  # a step reads as 1 or 7
        return []
    longest = max(key.box.right - key.box.left for _, _, _, key in best)
    short = [key.dash == "solid" and key.box.right - key.box.left < 0.75 * longest for _, _, _, key in best]  # one dash of a short key
    return [(replace(hint, dash="dashed") if cut else hint, box) for (hint, box, _, _), cut in zip(best, short, strict=True)]


def direct_names(rgb: Image, strength: Contrast, found: list[Phrase]) -> list[ArmHint]:
    """Names printed in the panel in colour; two or more different colours are needed to believe them.

    Compression may have paled all but one. One of them may be dark, that of a black curve: a single phrase of the height of a
    coloured one, in line with it.
    """
    hints: list[tuple[ArmHint, Phrase]] = []
    dark: list[tuple[ArmHint, Phrase]] = []
    for phrase in found:
        name = clean(phrase.text)
        signs = sum(not (c.isalnum() or c.isspace()) for c in name)  # a dashed line reads as 'L---1'
        letters = sum(c.isalnum() for c in name)
        if phrase.confidence < 0.8 or letters < max(2, 2 * signs) or not is_name(name) or not any(c.isalpha() for c in name):
            continue
        colour = phrase.words[0].colour or ink_colour(rgb, strength, phrase.box)
        hint = ArmHint(name=name, colour=colour, where="direct", spot=(float(phrase.box.left), phrase.y), sure=phrase.confidence)
        (hints if max(colour) - min(colour) >= SATURATED else dark).append((hint, phrase))
    hints += [
        (h, p) for h, p in dark
        if max(h.colour or (0,)) - min(h.colour or (0,)) >= PALED and any(0.7 < p.height / q.height < 1.4 for _, q in hints)
    ]  # fmt: skip
    if hints:
        beside = [
            (h, p) for h, p in dark
            if max(h.colour or (255,)) < DARK and max(h.colour or (255,)) - min(h.colour or (0,)) < PALED and any(
                0.7 < p.height / q.height < 1.4 and min(abs(p.box.left - q.box.left), abs(p.box.right - q.box.right)) <= 0.5 * q.height
                for _, q in hints
            )
        ]  # fmt: skip
        hints += beside if len(beside) == 1 else []
    named = _one_a_colour(hints)
    far = any(colour_distance(a.colour, b.colour) > 60 for a, b in pairwise(named))
    return named if far and len(named) <= 6 else []


def _one_a_colour(hints: list[tuple[ArmHint, Phrase]]) -> list[ArmHint]:
    """One name a colour: two lines of one name joined, else the longer one (the other is a piece of a curve, or of the same name)."""
    out: list[tuple[ArmHint, Phrase]] = []
    for hint, phrase in sorted(hints, key=lambda h: h[1].y):
        twin = next((k for k, (h, _) in enumerate(out) if colour_distance(h.colour, hint.colour) < 30), None)
        if twin is None:
            out.append((hint, phrase))
            continue
        first, above = out[twin]
        below = 0.6 * above.height < phrase.y - above.y < 1.8 * above.height and 0.7 < phrase.height / above.height < 1.4
        if below and abs(phrase.box.left - above.box.left) <= 0.5 * above.height:
            out[twin] = (replace(first, name=f"{first.name} {hint.name}"), phrase)
        elif len(hint.name) > len(first.name):
            out[twin] = (hint, phrase)
    return [h for h, _ in out]


def colour_distance(a: RGB | None, b: RGB | None) -> float:
    """Largest difference of a channel; infinity where one is unknown."""
    return float("inf") if a is None or b is None else float(max(abs(p - q) for p, q in zip(a, b, strict=True)))
