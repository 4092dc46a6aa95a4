"""How curves drawn over a figure are told apart: a colour near the one that is printed, and the name at the line.

A reader compares what is drawn with what is printed below it, so an arm that is printed orange must not be drawn in the blue of
another arm. Colours come from a palette that readers who do not see all colours can tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.reading import Box, FigureReading

#: Colours of curves as read; all at 3:1 or more on white, none that of the axis points.
PALETTE = ("#005a8c", "#d55e00", "#000000", "#2f8463", "#6a4c93", "#c2378a")
#: Where along its curve a name may stand, as shares of the drawn line, the most wanted first.
_PLACES = (0.98, 0.86, 0.74, 0.62, 0.5, 0.38, 0.26)
#: White space between a line and its name, as a share of the height of the letters.
_GAP = 0.35


def colours_for(printed: Sequence[str]) -> tuple[str, ...]:
    """A colour of the palette for each printed colour (#rrggbb): the pairing with the least sum of distances in CIELAB.

    A colour that lies nearer to the printed one of another arm counts by how much. More than six arms use the palette again.

    >>> colours_for(["#ff8c00", "#1f77b4"])
    ('#d55e00', '#005a8c')
    """
    out: list[str] = []
    for start in range(0, len(printed), len(PALETTE)):
        arms = printed[start : start + len(PALETTE)]
        away = np.array([[_distance(p, c) for c in PALETTE] for p in arms])
        nearer = np.array([[max(0.0, *(row[c] - other[c] for other in away)) for c in range(len(PALETTE))] for row in away])
        cost = away + nearer
        best = min(permutations(range(len(PALETTE)), len(arms)), key=lambda p: (round(sum(cost[i, c] for i, c in enumerate(p)), 6), p))
        out += [PALETTE[c] for c in best]
    return tuple(out)


def _distance(a: str, b: str) -> float:
    """Distance of two colours (#rrggbb) in CIELAB (CIE76)."""
    return float(np.linalg.norm(_lab(a) - _lab(b)))


def _lab(colour: str) -> FloatArray:
    """CIELAB of an sRGB colour, white point D65 (IEC 61966-2-1, CIE 15)."""
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    mixed = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear / [0.9505, 1.0, 1.089]
    x, y, z = np.where(mixed > 216 / 24389, np.cbrt(mixed), (24389 / 27 * mixed + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def name_places(reading: FigureReading, widths: Sequence[float], height: float) -> tuple[Box, ...]:
    """A place for the name of each curve, beside its line: free of other names and lines where there is such a place.

    ``widths`` and ``height`` are those of the names in the figure's own units, as are the boxes.
    """
    lines: list[_Line] = [(p.across, p.down, p.end) for p in map(reading.positions, range(len(reading.curves)))]
    taken: list[Box] = []
    for k, wide in enumerate(widths):
        places = _candidates(lines[k], wide, height)
        costs = [_cost(rank, box, k, lines, taken, reading.box, height) for rank, box in places]
        taken.append(places[costs.index(min(costs))][1])
    return tuple(taken)


_Line = tuple[FloatArray, FloatArray, float]


def _candidates(line: _Line, wide: float, height: float) -> list[tuple[int, Box]]:
    """Boxes above and below the line, with their rank."""
    across, _, end = line
    out: list[tuple[int, Box]] = []
    for share in _PLACES:
        right = max(across[0] + share * (end - across[0]), across[0] + wide)
        span = _span(line, right - wide, right)
        if span is not None:
            for bottom in (span[0] - _GAP * height, span[1] + (1 + _GAP) * height):
                out.append((len(out), Box(left=right - wide, top=bottom - height, right=right, bottom=bottom)))
    return out or [(0, Box(left=across[0], top=-height, right=across[0] + wide, bottom=0.0))]


def _span(line: _Line, left: float, right: float) -> tuple[float, float] | None:
    """The upper and lower edge of a line between two positions; None where it is not drawn."""
    across, down, end = line
    if right < across[0] or left > end:
        return None
    first = max(0, int(np.searchsorted(across, left, side="right")) - 1)
    held = down[first : max(first + 1, int(np.searchsorted(across, right, side="right")))]
    return float(held.min()), float(held.max())


def _cost(rank: int, box: Box, k: int, lines: list[_Line], taken: list[Box], panel: Box, height: float) -> float:
    """How bad a place is: other names, the edges of the panel, other lines through it or nearer to it, distance, rank."""
    cost = 0.05 * rank
    cost += 20 * sum(box.left < t.right and t.left < box.right and box.top < t.bottom and t.top < box.bottom for t in taken)
    cost += 10 * (box.left < panel.left or box.right > panel.right + 0.02 * (panel.right - panel.left))
    cost += 10 * (box.top < panel.top - 2 * height or box.bottom > panel.bottom)
    middle, own = (box.top + box.bottom) / 2, 0.0
    for i, line in enumerate(lines):
        span = _span(line, box.left, box.right)
        if span is None:
            continue
        inside = box.top < span[1] and span[0] < box.bottom
        off = max(abs(span[0] - middle), abs(span[1] - middle)) / height
        if i == k:
            own = off
            cost += 0.3 * off + 3 * inside
        else:
            cost += 4 * inside
    near = [s for i, line in enumerate(lines) if i != k and (s := _span(line, box.left, box.right)) is not None]
    return cost + 4 * any(min(abs(a - middle), abs(b - middle)) / height < 1.2 * own for a, b in near)
