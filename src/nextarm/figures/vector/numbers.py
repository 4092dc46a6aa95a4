"""Numbers printed in a figure: axis labels and cells of tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nextarm.figures.vector.scene import Text

_PLAIN = re.compile(r"[-−–]?(\d+([.,]\d+)?|[.,]\d+)\s*(%?)$")
_THOUSANDS = re.compile(r"\d{1,3}([,\u2009\u202f ]\d{3})+$")


@dataclass(frozen=True)
class Number:
    """A text that is a number, with where it stands; ``rotated`` reads upward."""

    value: float
    percent: bool
    x: float
    y: float
    left: float
    right: float
    size: float
    rotated: bool
    text: Text


def value_of(words: str) -> float | None:
    """The number that a text is, or None; a comma before one or two digits is a decimal comma."""
    words = words.strip()
    if _THOUSANDS.match(words):
        return float(re.sub(r"\D", "", words))
    if not _PLAIN.match(words) or len(words) > 12:
        return None
    plain = words.rstrip("% ").replace(",", ".").replace("−", "-").replace("–", "-")
    return float(plain)


def numbers_of(texts: list[Text]) -> list[Number]:
    """All texts that are numbers and stand level or upright."""
    found = []
    for text in texts:
        value = value_of(text.text)
        if value is None:
            continue
        if abs(text.angle) < 3:
            x = text.x if text.anchor == "middle" and text.ink_y is None and text.left < text.x < text.right else text.middle
            found.append(Number(value, "%" in text.text, x, text.centre_y, text.left, text.right, text.size, False, text))
        elif abs(abs(text.angle) - 90) < 3:
            sign = 1 if text.angle > 0 else -1
            middle = -0.5 * (text.left + text.right)
            across = text.x - sign * 0.36 * text.size
            half = 0.5 * (text.right - text.left)
            found.append(Number(value, "%" in text.text, across, middle, middle - half, middle + half, text.size, True, text))
    return found
