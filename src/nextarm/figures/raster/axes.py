"""Axes of a panel: tick labels paired into panels, then tick marks (or grid lines) measured below a pixel.

A label says which value; the mark beside it says where. Beside every label of an axis the lines of pixels between the
label and the panel are searched, from the label inwards, for the first ones in which most labels have a narrow mark; the
marks' centres of darkness are fitted by a line in the value. Without marks the centres of the labels serve, with a warning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.labels import Labels
from nextarm.figures.raster.panel import Floats, PixelAxis

Darkness = NDArray[np.float64]

MARK = 24.0  # grey levels a mark must stand out


@record
class FittedAxis:
    """An axis fitted to its marks: positions and values used, and the largest distance of one from the line in pixels.

    ``by`` is ``'marks'`` (tick marks or dark grid lines), ``'grid'`` (light grid lines), ``'labels'`` or ``'hand'``.
    """

    axis: PixelAxis
    pixels: Floats
    values: Floats
    residual: float
    by: str


@record
class AxisPair:
    """The labels of one panel: a column of survival values and the row of times that belongs to it."""

    x: Labels
    y: Labels


def pair_axes(rows: list[Labels], columns: list[Labels]) -> list[AxisPair]:
    """Panels, left to right and then down: each column of labels with the nearest row below and to the right of it."""
    pairs: list[AxisPair] = []
    for column in sorted(columns, key=lambda c: (-len(c.pixels), c.outliers)):
        best, cost = None, np.inf
        for row in rows:
            gap = row.across - column.end
            left = row.pixels[0] - column.near
            reach = max(0.35 * column.span, 1.3 * column.span / (len(column.pixels) - 1) + 3 * row.height)
            if gap < -1.5 * row.height or gap > reach or left < -1.5 * row.height:
                continue
            if any(_shared(row, p.x) for p in pairs) or row.span < 4 * row.height:
                continue
            distance = gap + 0.5 * max(0.0, left)
            if distance < cost:
                best, cost = row, distance
        if best is not None and not any(_shared(column, p.y) for p in pairs):
            pairs.append(AxisPair(x=best, y=column))
    return sorted(pairs, key=lambda p: (round(p.y.pixels[0] / max(1.0, p.y.span)), p.x.pixels[0]))


def _shared(a: Labels, b: Labels) -> bool:
    return any(w is v for w in a.words for v in b.words)


def profiles(dark: Darkness, labels: Labels, vertical: bool) -> Darkness:
    """Lines of pixels parallel to the axis, the first beside the labels, going towards the panel."""
    edge = round(labels.near)
    steps = int(min(6 * labels.height + 8, 0.25 * max(dark.shape)))
    if vertical:
        return dark[:, edge : edge + steps].T
    return dark[max(0, edge - steps) : edge, :][::-1]


def _marks(profile: Floats, at: Floats, reach: int, slack: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Sub-pixel positions of narrow peaks nearest to ``at``, and which of them are real."""
    found = np.full(len(at), np.nan)
    for i, c in enumerate(at):
        low, high = max(0, int(c) - reach), min(len(profile), int(c) + reach + 1)
        part = profile[low:high]
        if len(part) < 5:
            continue
        part = part - np.median(part)
        if part.max() < MARK:
            continue
        strong = part > 0.5 * part.max()
        k = int(np.argmax(part))
        a, b = k, k
        while a > 0 and strong[a - 1]:
            a -= 1
        while b < len(part) - 1 and strong[b + 1]:
            b += 1
        if b - a + 1 > max(5, 0.35 * len(part)) or strong.sum() > 2 * (b - a + 1):
            continue
        a, b = max(0, a - 2), min(len(part) - 1, b + 2)
        weight = np.maximum(part[a : b + 1] - 0.1 * part.max(), 0)
        centre = low + float((weight * (np.arange(a, b + 1) + 0.5)).sum() / weight.sum())
        if abs(centre - c) <= slack:
            found[i] = centre
    return found, ~np.isnan(found)


def line_through(pixels: Floats, values: Floats) -> tuple[PixelAxis, float, NDArray[np.bool_]]:
    """Least squares of pixel on value, dropping marks that are off by more than a pixel and three times the rest."""
    keep = np.ones(len(pixels), bool)
    while True:
        a, b = np.polyfit(values[keep], pixels[keep], 1)
        off = np.abs(pixels - (a * values + b))
        worst = int(np.argmax(np.where(keep, off, -1)))
        if keep.sum() <= 3 or off[worst] <= max(1.0, 3 * float(np.median(off[keep]))):
            return PixelAxis(slope=1 / a, intercept=-b / a), float(off[keep].max()), keep
        keep[worst] = False


def fit_axis(dark: Darkness, labels: Labels, *, vertical: bool) -> FittedAxis:
    """The affine map of an axis from its marks; from the centres of its labels where it has none.

    Args:
        dark: Darkness of the picture, 0 to 255, shape (rows, columns).
        labels: Tick labels of the axis.
        vertical: Whether it is the y axis.
    """
    lines = profiles(dark, labels, vertical)
    spacing = float(np.min(np.diff(labels.pixels))) if len(labels.pixels) > 1 else labels.height
    reach = int(max(4, min(0.4 * spacing, 1.2 * labels.height)))
    slack = max(2.5, 0.45 * labels.height)
    need = max(3, int(np.ceil(0.6 * len(labels.pixels))))
    for sign, by in ((1.0, "marks"), (-1.0, "grid")):
        run: list[int] = []
        for k in range(len(lines)):
            _, hit = _marks(sign * lines[k], labels.pixels, reach, slack)
            if hit.sum() >= need:
                run.append(k)
            elif run:
                if len(run) >= 2:
                    break
                run = []
            if len(run) >= 12:
                break
        if len(run) < 2:
            continue
        pixels, hit = _marks(sign * lines[run].mean(0), labels.pixels, reach, slack)
        if hit.sum() < need:
            continue
        axis, residual, keep = line_through(pixels[hit], labels.values[hit])
        if residual <= max(1.2, 0.004 * labels.span) and keep.sum() >= 3:
            return FittedAxis(axis=axis, pixels=pixels[hit][keep], values=labels.values[hit][keep], residual=residual, by=by)
    axis, residual, keep = line_through(labels.pixels, labels.values)
    return FittedAxis(axis=axis, pixels=labels.pixels[keep], values=labels.values[keep], residual=residual, by="labels")
