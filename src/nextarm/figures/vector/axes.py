"""Axes of a drawing: rows and columns of evenly placed numbers, sharpened by tick marks or grid lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.figures.vector.numbers import Number
from nextarm.figures.vector.scene import Scene

#: Labels may leave the line of their axis by this share of a type size before tick marks are found.
LOOSE = 0.25
#: Tick marks lie on the line of their axis within this (figure units).
TIGHT = 0.12


@dataclass(frozen=True)
class Scale:
    """Labels along one direction: value = intercept + slope * position.

    ``across`` is where the labels stand in the other direction, ``size`` their type size; ``ticked`` says that tick marks or
    grid lines gave the positions.
    """

    positions: FloatArray
    values: FloatArray
    slope: float
    intercept: float
    residual: float
    across: float
    size: float
    percent: bool
    ticked: bool
    labels: tuple[Number, ...]

    def at(self, position: float) -> float:
        """The value at a position."""
        return self.intercept + self.slope * position

    def where(self, value: float) -> float:
        """The position of a value."""
        return (value - self.intercept) / self.slope

    @property
    def first(self) -> float:
        """The smallest labelled position."""
        return float(self.positions.min())

    @property
    def last(self) -> float:
        """The largest labelled position."""
        return float(self.positions.max())


def fitted(positions: FloatArray, values: FloatArray) -> tuple[float, float, float]:
    """Slope, intercept and largest residual in position of the line through labels."""
    centre = positions.mean()
    slope = float(np.sum((positions - centre) * (values - values.mean())) / np.sum((positions - centre) ** 2))
    intercept = float(values.mean() - slope * centre)
    residual = np.abs(values - intercept - slope * positions) / max(abs(slope), 1e-300)
    return slope, intercept, float(residual.max())


def rows(numbers: list[Number]) -> list[Scale]:
    """Every row of numbers that rises evenly to the right."""
    found: list[Scale] = []
    level = sorted((n for n in numbers if not n.rotated), key=lambda n: (n.y, n.x))
    for line in _clusters(level, lambda n: n.y):
        line = sorted(line, key=lambda n: n.x)
        run: list[Number] = []
        for number in [*line, None]:
            if number is not None and (not run or number.value > run[-1].value):
                run.append(number)
                continue
            found += _scale(run, lambda n: n.x, lambda n: n.y)
            run = [number] if number is not None else []
    return found


def columns(numbers: list[Number]) -> list[Scale]:
    """Every column of numbers from 0 to 1 (or 0 to 100) that rises evenly up the page."""
    found: list[Scale] = []
    for upright in (False, True):
        chosen = [n for n in numbers if n.rotated == upright and -1e-9 <= n.value <= 105]
        edges = (lambda n: n.x,) if upright else (lambda n: n.right, lambda n: n.x, lambda n: n.left)
        for edge in edges:
            for line in _clusters(sorted(chosen, key=edge), edge):
                line = sorted(line, key=lambda n: -n.y)
                run: list[Number] = []
                for number in [*line, None]:
                    if number is not None and (not run or number.value > run[-1].value):
                        run.append(number)
                        continue
                    made = _scale(run, lambda n: n.y, lambda n: n.x)
                    found += [s for s in made if s.values.max() <= 1.05 or s.values.max() > 5]
                    run = [number] if number is not None else []
    best: list[Scale] = []
    for scale in sorted(found, key=lambda s: -len(s.values)):
        if not any(_same(scale, other) for other in best):
            best.append(scale)
    return best


def _same(a: Scale, b: Scale) -> bool:
    return bool(set(map(id, a.labels)) & set(map(id, b.labels)))


def _clusters(numbers: list[Number], key: object) -> list[list[Number]]:
    """Sorted numbers whose key lies within a third of a type size of the one before."""
    groups: list[list[Number]] = []
    for number in numbers:
        if groups and key(number) - key(groups[-1][-1]) <= 0.34 * number.size:  # type: ignore[operator]
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _scale(run: list[Number], along: object, across: object) -> list[Scale]:
    """The scale of a run of rising numbers, if at least three lie on a line; up to a fifth may be strays at its ends."""
    while len(run) >= 3:
        positions = np.array([along(n) for n in run])  # type: ignore[operator]
        values = np.array([n.value for n in run])
        size = float(np.median([n.size for n in run]))
        slope, intercept, residual = fitted(positions, values)
        if residual <= LOOSE * size + 0.004 * np.ptp(positions) and np.diff(np.sort(positions)).min() > 0.5 * size:
            percent = any(n.percent for n in run) or values.max() > 1.5
            place = float(np.median([across(n) for n in run]))  # type: ignore[operator]
            return [Scale(positions, values, slope, intercept, residual, place, size, percent, False, tuple(run))]
        # Drop the end that fits worse with the rest.
        ends = [(fitted(positions[1:], values[1:])[2], 1), (fitted(positions[:-1], values[:-1])[2], 0)] if len(run) > 3 else []
        if not ends or len(run) <= 3:
            return []
        run = run[1:] if min(ends)[1] else run[:-1]
    return []


def sharpened(scale: Scale, scene: Scene, *, vertical: bool, span: tuple[float, float]) -> Scale:
    """The scale with labels moved to their tick marks or grid lines.

    ``vertical`` says that the scale runs along y. Straight strokes across the scale, touching ``span`` in the other direction,
    are looked for at one common distance from the labels.
    """
    along, other = (1, 0) if vertical else (0, 1)
    marks = []
    for stroke in scene.strokes:
        if stroke.closed or len(stroke.points) != 2:
            continue
        a, b = stroke.points
        if abs(a[along] - b[along]) > 0.02 or abs(a[other] - b[other]) < 0.5:
            continue
        low, high = sorted((a[other], b[other]))
        if high >= span[0] and low <= span[1]:
            marks.append(0.5 * (a[along] + b[along]))
    if not marks:
        return scale
    places = np.unique(np.round(marks, 3))
    reach = 0.75 * scale.size if vertical else max(0.6 * scale.size, 0.5 * max(n.right - n.left for n in scale.labels))
    ideal = (scale.values - scale.intercept) / scale.slope
    best: tuple[tuple[int, float], FloatArray, FloatArray] | None = None
    for start in ideal:
        for shift in places[np.abs(places - start) <= reach] - start:
            near = places[np.argmin(np.abs(places[None, :] - (ideal + shift)[:, None]), axis=1)]
            loose = np.abs(near - ideal - shift) <= 0.35 * scale.size
            if loose.sum() < max(2, 0.6 * len(ideal)):
                continue
            slope, intercept, _ = fitted(near[loose], scale.values[loose])
            tight = np.abs(near - (scale.values - intercept) / slope) <= TIGHT
            if tight.sum() < max(2, 0.6 * len(ideal)) or abs(slope / scale.slope - 1) > 0.03:
                continue
            score = (int(tight.sum()), -abs(float(shift)))
            if best is None or score > best[0]:
                best = (score, near, tight)
    if best is None:
        return scale
    _, near, tight = best
    slope, intercept, residual = fitted(near[tight], scale.values[tight])
    return replace(
        scale, positions=near[tight], values=scale.values[tight], slope=slope, intercept=intercept, residual=residual, ticked=True
    )
