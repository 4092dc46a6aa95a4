"""Step curves of a panel among its candidates: drawn twice, confidence limits and help lines are told from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.vector.chains import Chain
from nextarm.figures.vector.panels import Panel
from nextarm.figures.vector.scene import far

#: Steps smaller than this (figure units) are rounding of the file.
LEAST_STEP = 0.011


@dataclass(frozen=True)
class Line:
    """A curve in positions: ``x`` of each step (the first is where it starts), ``y`` of the level from there; ``end`` its last x."""

    chain: Chain
    x: FloatArray
    y: FloatArray
    end: float
    cut: bool

    def y_at(self, x: FloatArray) -> FloatArray:
        """The level right of ``x``."""
        out: FloatArray = self.y[np.clip(np.searchsorted(self.x, x + 1e-9, side="right") - 1, 0, None)]
        return out


def lines_of(panel: Panel) -> tuple[list[Line], list[str]]:
    """The curves of a panel, with notes on what was left out."""
    found = [line for chain in panel.candidates if (line := _line(chain)) is not None and line.end - line.x[0] > 1.0]
    single: list[Line] = []
    for line in sorted(found, key=lambda k: (-k.chain.opacity, -len(k.x))):
        if not any(_same(line, other) for other in single):
            single.append(line)
    limits = _limits(single)
    notes = [f"{len(limits)} lines of confidence limits were left out"] if limits else []
    kept = [line for k, line in enumerate(single) if k not in limits]
    return sorted(kept, key=lambda k: k.chain.paths[0]), notes


def _line(chain: Chain) -> Line | None:
    """Corners as steps, cut at the clip of the drawing."""
    points = chain.points
    xs, ys = [float(points[0, 0])], [float(points[0, 1])]
    for (ax, ay), (bx, by) in pairwise(points):
        if abs(by - ay) > abs(bx - ax):
            if abs(by - ys[-1]) < LEAST_STEP and len(xs) > 1:
                continue
            if bx - xs[-1] < 1e-6:
                ys[-1] = float(by)
            else:
                xs.append(0.5 * float(ax + bx))
                ys.append(float(by))
    if points[0, 0] == points[1, 0] and len(xs) and xs[0] == float(points[0, 0]) and ys[0] != float(points[0, 1]):
        xs.insert(0, float(points[0, 0]))  # a drop at the very start
        ys.insert(0, float(points[0, 1]))
    end = float(points[-1, 0])
    x, y = np.array(xs), np.array(ys)
    right = chain.clip.right if chain.clip is not None else np.inf
    cut = end > right + 0.05
    if cut:
        keep = x <= right
        if not keep.any():
            return None
        x, y, end = x[keep], y[keep], float(right)
    return Line(chain, x, y, end, cut)


def _same(a: Line, b: Line) -> bool:
    """The same curve drawn twice (a halo, a shadow, a second pass)."""
    if len(a.x) != len(b.x) or far(a.chain.colour, b.chain.colour) > 120:
        return False
    return bool(np.abs(a.x - b.x).max() < 0.3 and np.abs(a.y - b.y).max() < 0.3 and abs(a.end - b.end) < 0.5)


def _limits(lines: list[Line]) -> set[int]:
    """Lines that accompany a curve of their colour: they step where it steps, one above and one below it all along."""
    out: set[int] = set()
    for m, main in enumerate(lines):
        sides: dict[int, list[int]] = {1: [], -1: []}
        for k, line in enumerate(lines):
            if k == m or far(line.chain.colour, main.chain.colour) > 1 or len(line.x) < 3:
                continue
            inside = (line.x > main.x[0] + 0.05) & (line.x <= main.end)
            if not inside.any():
                continue
            nearest = np.abs(line.x[inside][:, None] - main.x[None, :]).min(axis=1)
            if np.mean(nearest < 0.05) < 0.8:
                continue
            places = np.union1d(line.x[inside], main.x)
            places = places[places < line.end - 0.05]  # a limit ends where it is not defined any more
            if not places.size:
                continue
            gap = line.y_at(places) - main.y_at(places)
            if np.all(gap > -0.05) and gap.max() > 1.0:
                sides[1].append(k)
            elif np.all(gap < 0.05) and gap.min() < -1.0:
                sides[-1].append(k)
        broken = [k for k in sides[1] + sides[-1] if lines[k].chain.dash != main.chain.dash]
        if broken and not main.chain.dash and not (sides[1] and sides[-1]):
            out |= set(broken)  # one limit alone: the other is not drawn where it is not defined
        other = [k for k in sides[1] + sides[-1] if lines[k].chain.style != main.chain.style or len(lines[k].x) <= len(main.x)]
        if sides[1] and sides[-1] and main.chain.width >= max(lines[k].chain.width for k in other) - 0.01:
            out |= set(other)
    return out
