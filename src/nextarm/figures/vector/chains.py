"""Strokes joined to chains of horizontal and vertical pieces: the form of a step curve, however a program broke it up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextarm.core.units import FloatArray
from nextarm.figures.reading import Box
from nextarm.figures.vector.scene import Rgb, Stroke, meet

#: Rounding of coordinates (figure units).
STRAIGHT = 0.02
#: A segment is horizontal or vertical if it leaves its direction by less than this: matplotlib merges corners up to a ninth of a
#: pixel apart when it writes a long line, which leaves pieces a little slanted.
SLANTED = 0.16
#: Ends that touch: at most this far apart.
TOUCH = 0.06
#: Chains are joined from at most so many single pieces; a drawing with more is not one of curves.
MOST_PIECES = 60_000


@dataclass(frozen=True)
class Chain:
    """A path of horizontal and vertical pieces from left to right, as (n, 2) corners."""

    points: FloatArray
    colour: Rgb
    width: float
    dash: tuple[float, ...]
    opacity: float
    clip: Box | None
    paths: tuple[int, ...]

    @property
    def falls(self) -> float:
        """How far it goes down the page (negative: up) between its ends."""
        return float(self.points[-1, 1] - self.points[0, 1])

    @property
    def style(self) -> tuple[Rgb, float, tuple[float, ...]]:
        """Colour, width and dash."""
        return self.colour, round(self.width, 2), tuple(round(d, 2) for d in self.dash)


def corners(points: FloatArray) -> list[FloatArray]:
    """The runs of horizontal and vertical pieces of a line, each as its corners; slanted pieces end a run."""
    keep = np.concatenate([[True], np.abs(np.diff(points, axis=0)).max(axis=1) > 1e-9])
    points = points[keep]
    if len(points) < 2:
        return []
    step = np.abs(np.diff(points, axis=0))
    good: NDArray[np.bool_] = step.min(axis=1) < SLANTED
    runs, first = [], 0
    for i in [*np.flatnonzero(~good).tolist(), len(good)]:
        if i > first:
            runs.append(points[first : i + 1])
        first = i + 1
    return [_simplified(run) for run in runs]


def _simplified(run: FloatArray) -> FloatArray:
    """The same run without corners in the middle of a straight piece."""
    if len(run) < 3:
        return run
    # Zero-length remains do not turn the line; they are dropped before directions are compared.
    size = np.abs(np.diff(run, axis=0)).max(axis=1)
    run = run[np.concatenate([[True], size > 1e-6])]
    step = np.diff(run, axis=0)
    flat = np.abs(step[:, 0]) >= np.abs(step[:, 1])
    sign = np.sign(np.where(flat, step[:, 0], step[:, 1]))
    turn = (flat[1:] != flat[:-1]) | (sign[1:] != sign[:-1])
    out: FloatArray = run[np.concatenate([[True], turn, [True]])]
    return out


def monotone(points: FloatArray) -> int:
    """1 if the line only goes right and down, -1 if right and up, 2 if only right, 0 if it turns back."""
    dx, dy = np.diff(points[:, 0]), np.diff(points[:, 1])
    if np.any(dx < -STRAIGHT):
        return 0
    down, up = np.any(dy > STRAIGHT), np.any(dy < -STRAIGHT)
    return 0 if down and up else 1 if down else -1 if up else 2


def chains(strokes: list[Stroke]) -> list[Chain]:
    """All chains of open strokes, whole ones first; pieces of one style whose ends touch are joined."""
    found: list[Chain] = []
    pieces: dict[tuple[object, ...], list[Chain]] = {}
    for stroke in strokes:
        if stroke.closed:
            continue
        for run in corners(stroke.points):
            flipped = run[0, 0] > run[-1, 0] + STRAIGHT or (abs(run[0, 0] - run[-1, 0]) <= STRAIGHT and run[0, 1] > run[-1, 1])
            run = run[::-1] if flipped else run
            if monotone(run):
                made = Chain(run, stroke.colour, stroke.width, stroke.dash, stroke.opacity, stroke.clip, (stroke.path,))
                pieces.setdefault(made.style, []).append(made)
    budget = MOST_PIECES
    for same in pieces.values():
        budget -= len(same)
        found += _joined(same) if budget > 0 else same
    return found


def _joined(pieces: list[Chain]) -> list[Chain]:
    """Pieces whose end touches the start of another become one, as long as the whole goes right, and down or up only."""
    starts: dict[tuple[int, int], list[int]] = {}
    grid = 4 * TOUCH

    def cell(point: FloatArray) -> tuple[int, int]:
        return int(np.floor(point[0] / grid)), int(np.floor(point[1] / grid))

    options: list[list[FloatArray]] = []
    for i, piece in enumerate(pieces):
        lines = [piece.points]
        if len(piece.points) == 2 and abs(piece.points[0, 0] - piece.points[1, 0]) <= STRAIGHT:
            lines.append(piece.points[::-1])  # a single vertical piece may be meant upward
        options.append(lines)
        for line in lines:
            starts.setdefault(cell(line[0]), []).append(i)
    free = [True] * len(pieces)
    order = sorted(range(len(pieces)), key=lambda i: (pieces[i].points[0, 0], -len(pieces[i].points)))
    made: list[Chain] = []
    for first in order:
        if not free[first]:
            continue
        free[first] = False
        line, used = pieces[first].points, [first]
        while True:
            end, best = line[-1], None
            cx, cy = cell(end)
            for k in (i for ax in (-1, 0, 1) for ay in (-1, 0, 1) for i in starts.get((cx + ax, cy + ay), ())):
                if not free[k]:
                    continue
                for option in options[k]:
                    gap = float(np.abs(option[0] - end).max())
                    if gap <= TOUCH and monotone(np.vstack([line, option])):
                        # Straight on is a worse guess than a turn: ticks and other curves lie straight ahead.
                        turn = _flat(option[0], option[1]) != _flat(line[-2], line[-1])
                        score = (not turn, gap)
                        if best is None or score < best[0]:
                            best = (score, k, option)
            if best is None:
                break
            _, k, option = best
            free[k] = False
            used.append(k)
            line = np.vstack([line, option[1:]])
        source = pieces[first]
        clip = source.clip
        for k in used[1:]:
            clip = meet(clip, pieces[k].clip)
        paths = tuple(p for k in used for p in pieces[k].paths)
        made.append(Chain(_simplified(line), source.colour, source.width, source.dash, source.opacity, clip, paths))
    return made


def _flat(a: FloatArray, b: FloatArray) -> bool:
    return bool(abs(a[0] - b[0]) >= abs(a[1] - b[1]))
