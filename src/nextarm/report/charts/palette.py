"""The colours of pages and charts, by role, in both themes.

Charts are drawn once with a sentinel colour for each role; afterwards the sentinels become CSS variables, so that one
drawing follows the theme of the page, or the light theme's colours for files that stand alone.

Series differ by dash and direct label as well as by colour; the hues keep apart under the common colour-vision
deficiencies. Lines have a contrast of at least 3:1 against the paper, text of at least 4.5:1; a test computes both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Theme = Literal["light", "dark"]

#: Role -> (light, dark). ``s1..s4`` draw series (``s5``, ``s6`` arms that a figure prints so), ``t1..t6`` write their labels,
#: ``h1..h7`` fill ordered classes, ``k1..k7`` write on those fills.
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#fdfcfa", "#15181b"),
    "panel": ("#f5f2ec", "#1e2226"),
    "ink": ("#1d2126", "#e8e5df"),
    "muted": ("#5b626a", "#a5abb2"),
    "rule": ("#dcd7ce", "#353b41"),
    "grid": ("#e9e5dd", "#2a2f34"),
    "axis": ("#858b92", "#7f868d"),
    "accent": ("#005a8c", "#7cc0ec"),
    "caution": ("#a34700", "#ffa96b"),
    "assumption": ("#6a4c93", "#c4a9ea"),
    "s1": ("#005a8c", "#6cb8e8"),
    "s2": ("#d55e00", "#ff9a4d"),
    "s3": ("#000000", "#f4f1ea"),
    "s4": ("#34906f", "#5fcaa6"),
    "t1": ("#005a8c", "#7cc0ec"),
    "t2": ("#a84a00", "#ffa55f"),
    "t3": ("#1d2126", "#f4f1ea"),
    "t4": ("#20694e", "#6fd3b0"),
    "h1": ("#f1f4f6", "#1f262c"),
    "h2": ("#d8e5ee", "#20364a"),
    "h3": ("#b9d3e5", "#244a69"),
    "h4": ("#8fb9d6", "#2a6089"),
    "h5": ("#2f76a6", "#5b9bc9"),
    "h6": ("#1d6697", "#8cc0e4"),
    "h7": ("#00436b", "#c3e1f5"),
    "k1": ("#1d2126", "#e8e5df"),
    "k2": ("#1d2126", "#e8e5df"),
    "k3": ("#1d2126", "#f4f1ea"),
    "k4": ("#15181b", "#ffffff"),
    "k5": ("#ffffff", "#0b0e11"),
    "k6": ("#ffffff", "#0b0e11"),
    "k7": ("#ffffff", "#0b0e11"),
    "s5": ("#6a4c93", "#c4a9ea"),
    "s6": ("#c2378a", "#f08cc4"),
    "t5": ("#6a4c93", "#c4a9ea"),
    "t6": ("#b02c7a", "#f4a0d0"),
}

#: Dash patterns of the four series, so that no reader depends on colour.
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (7, 3), (2, 2), (10, 3, 2, 3))

#: Point shapes of the four series.
SHAPES: tuple[str, ...] = ("circle", "square", "triangle-up", "diamond")

SERIES = 4


def tones_of(wanted: Sequence[int | None]) -> list[int]:
    """The colour of each series, from 1: the wanted ones, and for the others those that are left, in order.

    >>> tones_of([2, None, None])
    [2, 1, 3]
    """
    free = [k for k in range(1, len(wanted) + SERIES + 1) if k not in wanted]
    return [free.pop(0) if tone is None else tone for tone in wanted]


def sentinel(role: str) -> str:
    """The colour that stands for ``role`` while a chart is drawn; it is not any colour of the palette."""
    return f"#fe01{list(COLOURS).index(role):02x}"


def css_variables(theme: Theme) -> str:
    """The palette of one theme as CSS declarations."""
    which = 0 if theme == "light" else 1
    return "".join(f"--{role}:{pair[which]};" for role, pair in COLOURS.items())


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two ``#rrggbb`` colours (WCAG 2.2, relative luminance), from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    a, b = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (a + 0.05) / (b + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
