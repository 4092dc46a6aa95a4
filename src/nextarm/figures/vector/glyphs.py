"""Characters placed one by one, joined to texts."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from nextarm.figures.vector.scene import Glyph, Text

#: In ems: a gap wider than this between two characters starts a new text.
BREAK = 0.75
#: ... and than this between two strings of the file (some programs write each word as a string).
WORD = 0.45
#: So many spaces set what follows in a new column.
COLUMN = 3


def join(glyphs: list[Glyph], *, space: float = 0.25) -> list[Text]:
    """Texts of characters in the order of the file; unnamed characters are left out.

    A gap of more than ``space`` ems is a space (0.25 suits boxes of ink, less suits boxes of whole cells).
    """
    texts: list[Text] = []
    run: list[Glyph] = []
    blank = 0
    for glyph in [*(g for g in glyphs if g.char is not None), None]:
        column = blank >= COLUMN and glyph is not None and glyph.char != " "
        blank = blank + 1 if glyph is not None and glyph.char == " " else 0
        if glyph is not None and run and not column and _follows(run[-1], glyph):
            run.append(glyph)
            continue
        if run and (made := _text(run, space)) is not None:
            texts.append(made)
        run = [glyph] if glyph is not None else []
    return texts


def mended(texts: list[Text]) -> list[Text]:
    """Texts that a program broke at a word put together again ("Group", "1"); numbers that stand alone are left alone."""
    out: list[Text] = []
    for text in texts:
        last = out[-1] if out else None
        if (
            last is not None
            and abs(text.angle) < 3 > abs(last.angle)
            and abs(text.y - last.y) < 0.05 * text.size
            and abs(text.size - last.size) < 0.05 * text.size
            and text.colour == last.colour
            and -0.1 * text.size < text.left - last.right < 0.45 * text.size
            and last.text[-1:].isalpha()
        ):
            whole = f"{last.text} {text.text}"
            out[-1] = replace(last, text=whole, right=text.right, anchor="middle", x=0.5 * (last.left + text.right))
        else:
            out.append(text)
    return out


def plain_name(words: str) -> str:
    """A printed name with the hyphen that R's PDF device writes as a minus sign."""
    return re.sub(r"(?<=\w)\u2212(?=[^\W\d])", "-", words)


def _axes(angle: float) -> tuple[np.ndarray, np.ndarray]:
    turn = math.radians(angle)
    return np.array([math.cos(turn), -math.sin(turn)]), np.array([math.sin(turn), math.cos(turn)])


def _extent(glyph: Glyph, ahead: np.ndarray) -> tuple[float, float]:
    corners = np.array([[x, y] for x in (glyph.box.left, glyph.box.right) for y in (glyph.box.top, glyph.box.bottom)])
    along = corners @ ahead
    return float(along.min()), float(along.max())


def _follows(a: Glyph, b: Glyph) -> bool:
    size = max(a.size, b.size, 1e-9)
    if abs(a.angle - b.angle) > 2.0 or min(a.size, b.size) < 0.6 * size:
        return False
    ahead, down = _axes(a.angle)
    step = np.array([b.x - a.x, b.y - a.y])
    if abs(float(step @ down)) > 0.25 * size:
        return False
    gap = _extent(b, ahead)[0] - _extent(a, ahead)[1]
    if a.string != b.string and (gap > WORD * size or "+" in (a.char, b.char) or "|" in (a.char, b.char)):
        return False  # a mark of its own, or the next cell of a table
    return -0.5 * size < gap < BREAK * size and float(step @ ahead) > -0.1 * size


def _text(run: list[Glyph], space: float) -> Text | None:
    ahead, _ = _axes(run[0].angle)
    words, last = "", None
    for glyph in run:
        left, right = _extent(glyph, ahead)
        figures = words[-1:].isdigit() and (glyph.char or "").isdigit()  # a one is narrow in a wide cell
        wide = (2.0 if figures or "." in (words[-1:], glyph.char) else 1.0) * space * glyph.size
        if last is not None and left - last > wide and not words.endswith(" ") and glyph.char != " ":
            words += " "
        words += glyph.char or ""
        last = right
    inked = [g for g in run if (g.char or "").strip()]
    if not inked:
        return None
    first, size = inked[0], float(np.median([g.size for g in inked]))
    left, right = min(_extent(g, ahead)[0] for g in inked), max(_extent(g, ahead)[1] for g in inked)
    boxes = [g.ink or g.box for g in inked]
    ink_y = 0.5 * (min(b.top for b in boxes) + max(b.bottom for b in boxes))
    if first.angle == 0.0 and all(g.ink for g in inked):
        left, right = min(b.left for b in boxes), max(b.right for b in boxes)
    return Text(" ".join(words.split()), first.x, first.y, size, first.angle, "middle", first.colour, left, right, first.path, ink_y)
