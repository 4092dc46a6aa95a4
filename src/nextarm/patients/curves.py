"""Values of the Kaplan-Meier curve of plain arrays, fast enough for hundreds of versions."""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray, IntArray

#: Times (years) and events (0, 1) of the patients of one arm.
Table = tuple[FloatArray, IntArray]


def curve_at(time: FloatArray, event: IntArray, at: FloatArray) -> FloatArray:
    """The Kaplan-Meier curve at ``at``, carried beyond the last follow-up."""
    from nextarm.survival.kernels import km_curve

    times, _, _, s, _ = km_curve(np.argsort(time, kind="stable"), time, event)
    padded: FloatArray = np.concatenate([[1.0], s])
    return padded[np.searchsorted(times, at, side="right")]


def median_of(time: FloatArray, event: IntArray, scale: float) -> float | None:
    """First time the curve is at or below one half, in units of ``scale`` years; None if never."""
    from nextarm.survival.kernels import km_curve

    times, _, _, s, _ = km_curve(np.argsort(time, kind="stable"), time, event)
    below = np.flatnonzero(s <= 0.5 + 1e-12)
    return float(times[below[0]]) / scale if below.size else None


def survival_and_greenwood(time: FloatArray, event: IntArray, at: float) -> tuple[float, float]:
    """S and the Greenwood sum at one time."""
    from nextarm.survival.kernels import km_curve

    times, _, _, s, g = km_curve(np.argsort(time), time, event)
    row = int(np.searchsorted(times, at, side="right")) - 1
    return (1.0, 0.0) if row < 0 else (float(s[row]), float(g[row]) if g[row] == g[row] else 0.0)
