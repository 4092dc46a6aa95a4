"""Seeing from the numbers themselves how coarsely a curve was read."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray


def decimals(values: FloatArray, most: int = 6) -> float:
    """The decimal step that all values but one in fifty (or one) are multiples of; 0 beyond ``most`` places.

    >>> decimals(np.array([0.98, 0.955, 0.9]))
    0.001
    """
    for places in range(most + 1):
        step = 10.0**-places
        off = np.abs(values / step - np.rint(values / step))
        if _fits(off < 1e-6 / step + 1e-6):
            return step
    return 0.0


def grid_step(values: FloatArray) -> float:
    """The spacing of the grid that all values but one in fifty (or one) lie on; 0 if none is seen.

    Tries the smallest difference between neighbours and its fractions, then the decimal step.

    >>> grid_step(np.array([0.0, 0.144, 0.288, 0.72, 1.008, 1.152]))
    0.144
    """
    unique = np.unique(np.round(values, 9))
    if unique.size < 2:
        return decimals(values)
    gaps = np.diff(unique)
    smallest = float(gaps[gaps > 1e-8].min(initial=np.inf))
    if not np.isfinite(smallest):
        return 0.0
    step = decimals(unique)
    for part in (1, 2, 3, 4, 5, 6, 8, 10):
        candidate = smallest / part
        # A long run sharpens the spacing: the widest gap divided by how many steps it must be.
        wide = float(unique[-1] - unique[0])
        steps = round(wide / candidate)
        if steps < 1:
            continue
        sharp = wide / steps if abs(wide / candidate - steps) < 0.2 else candidate
        off = np.abs((unique - unique[0]) / sharp - np.rint((unique - unique[0]) / sharp))
        if _fits(off < 0.02) and sharp >= step:
            return float(np.round(sharp, 9))
    return step


def _fits(on_grid: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
    return bool(np.sum(~on_grid) <= max(1.0 if on_grid.size > 4 else 0.0, 0.02 * on_grid.size))
