"""Small figures with known truth for the tests of the patients room (not a test file)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.curves import curve_at


@dataclass(frozen=True)
class Figure:
    """True patients of one arm (months) and what a reader gets."""

    time: FloatArray
    event: IntArray
    clicks: tuple[FloatArray, FloatArray]
    corners: tuple[FloatArray, FloatArray]
    vector: tuple[FloatArray, FloatArray]
    at_risk: tuple[FloatArray, FloatArray]
    ticks: FloatArray

    @property
    def events(self) -> int:
        return int(self.event.sum())


def figure(
    seed: int, n: int = 80, cure: float = 0.45, *, noise: float = 0.002, rounding: float = 0.005, cut: float = 60.0, scale: float = 10.0
) -> Figure:
    """A trial arm with a cure fraction, staggered entry and axis cut at ``cut`` months."""
    rng = np.random.default_rng(seed)
    life = np.where(rng.random(n) < cure, np.inf, scale * rng.weibull(1.2, n))
    leaves = np.minimum(rng.uniform(20.0, 75.0, n), rng.exponential(200.0, n))
    time = np.maximum(np.round(np.minimum(life, leaves), 3), 0.001)
    event = ((life <= leaves) & (time <= cut)).astype(np.int64)
    time = np.minimum(time, cut)
    end = float(time.max())
    grid = np.linspace(0.0, end, 101)
    y = np.round((curve_at(time, event, grid) + rng.normal(0.0, noise, 101)) / rounding) * rounding
    y[0] = 1.0
    steps = np.unique(time[event == 1])
    height = curve_at(time, event, steps)
    pixel = end / 500.0
    at = np.round(steps / pixel) * pixel
    last = np.concatenate([at[1:] > at[:-1] + 1e-9, [True]]) if at.size else np.zeros(0, bool)
    tail = height[-1:] if height.size else np.ones(1)
    rows = np.arange(0.0, cut + 1.0, 6.0)
    return Figure(
        time=time,
        event=event,
        clicks=(grid, np.minimum.accumulate(np.clip(y, 0.0, 1.0))),
        corners=(
            np.concatenate([[0.0], at[last], [end]]),
            np.concatenate([[1.0], np.round(height[last] / 0.002) * 0.002, np.round(tail / 0.002) * 0.002]),
        ),
        vector=(np.concatenate([[0.0], np.round(steps, 2), [end]]), np.concatenate([[1.0], np.round(height, 4), np.round(tail, 4)])),
        at_risk=(rows, np.array([np.sum(time >= r) for r in rows], float)),
        ticks=np.sort(time[(event == 0) & (time < cut)]),
    )
