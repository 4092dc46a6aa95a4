"""Whether the tick marks of an axis stand where its labels say: a second guard, because a wrong scale costs more than anything else.

Labels and marks are two accounts of one scale. Each label may stand beside its mark by the same offset; where the two accounts
differ in scale one of them belongs to something else (numbers of a table taken for labels, a label read wrongly more than once).
"""

from __future__ import annotations

import itertools

import numpy as np

from nextarm.core.result import record
from nextarm.figures.raster.axes import MARK, Darkness, FittedAxis, line_through, profiles
from nextarm.figures.raster.labels import Labels
from nextarm.figures.raster.panel import Floats

SCALE = 0.01  # by which the two accounts may differ over the whole axis
PIXELS = 3.0  # what rounding and the shape of digits can do at an end
FINEST = 0.3  # of the distance of two labels: marks that are nearer are dashes or letters


@record
class Disagreement:
    """What marks and labels say differently; ``scale`` where it is the scale and not the place only."""

    what: str
    scale: bool


def disagreement(dark: Darkness, labels: Labels, fit: FittedAxis, *, vertical: bool) -> Disagreement | None:
    """How the marks contradict the labels of an axis; None where they agree or no even marks are seen.

    Args:
        dark: Darkness of the picture, 0 to 255, shape (rows, columns).
        labels: The labels; fit: the axis as fitted from them.
        vertical: Whether it is the y axis.
    """
    if fit.by in ("marks", "grid"):
        own, _, _ = line_through(labels.pixels, labels.values)
        ends = np.array([labels.values[0], labels.values[-1]])
        drift = float(np.diff(own.pixel(ends) - fit.axis.pixel(ends))[0])
        if abs(drift) <= max(PIXELS, SCALE * labels.span):
            return None
        return Disagreement(what=f"over the axis its marks and its labels drift apart by {abs(drift):.1f} pixels", scale=True)
    step = float(np.median(np.diff(np.sort(labels.pixels))))
    marks = even_marks(profiles(dark, labels, vertical), labels, step)
    if marks is None:
        return None
    apart = float(np.ptp(marks)) / (len(marks) - 1)
    ratio = step / apart if step >= apart else apart / step
    drift = abs(ratio / max(1, round(ratio)) - 1.0)
    if drift * labels.span > max(PIXELS, SCALE * labels.span):
        return Disagreement(what=f"its marks are {apart:.1f} pixels apart, its labels {step:.1f}", scale=True)
    off = np.abs(labels.pixels[:, None] - marks[None, :]).min(axis=1)
    if float(np.median(off)) <= max(PIXELS, 0.5 * labels.height):
        return None
    return Disagreement(what=f"its labels stand {float(np.median(off)):.0f} pixels beside its marks", scale=False)


def even_marks(lines: Darkness, labels: Labels, step: float) -> Floats | None:
    """Positions of narrow marks at even distances that two neighbouring lines of pixels have in common; None where there are none."""
    low, high = float(labels.pixels[0]) - 0.6 * step, float(labels.pixels[-1]) + 0.6 * step
    for sign in (1.0, -1.0):
        for first, second in itertools.pairwise(lines):
            a, b = _narrow(sign * first, low, high), _narrow(sign * second, low, high)
            if len(a) < max(3, round(0.6 * len(labels.pixels))) or len(a) != len(b) or np.abs(a - b).max() > 1.0:
                continue
            gaps = np.diff(a)
            if gaps.min() >= FINEST * step and np.ptp(gaps) <= 2.0:
                return a
    return None


def _narrow(line: Floats, low: float, high: float) -> Floats:
    """Middles of the narrow marks of one line of pixels between two positions; none where it also holds something wide."""
    a, b = max(0, int(low)), min(len(line), int(high) + 1)
    part = line[a:b] - np.median(line[a:b]) if b > a else line[:0]
    edges = np.flatnonzero(np.diff(np.r_[False, part > MARK, False].astype(int)))
    starts, ends = edges[::2], edges[1::2]
    if not starts.size or (ends - starts).max() > 5:
        return np.zeros(0)
    return np.asarray(a + (starts + ends) / 2.0, float)
