"""A distribution on a grid: density and distribution function at points, smooth between them.

Between points the distribution function is the cubic that has the right values and slopes at both ends (Hermite), whose
error falls with the fourth power of the spacing. Mass outside the grid sits beyond its ends and is kept.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Interval, record
from nextarm.core.units import FloatArray


@record
class Gridded:
    """Points ``x`` (rising), the ``density`` there and the probability ``below`` each point."""

    x: FloatArray
    density: FloatArray
    below: FloatArray

    def density_at(self, x: float | FloatArray) -> FloatArray:
        """Density at ``x`` (log-linear between points), 0 outside the grid."""
        with np.errstate(divide="ignore"):
            log = np.log(np.maximum(self.density, 1e-300))
        at = np.asarray(x, np.float64)
        found: FloatArray = np.exp(np.interp(at, self.x, log))
        return np.where((at < self.x[0]) | (at > self.x[-1]), 0.0, found)

    def cdf(self, x: float | FloatArray) -> FloatArray:
        """Probability of a value at most ``x``."""
        at = np.clip(np.asarray(x, np.float64), self.x[0], self.x[-1])
        i = np.clip(np.searchsorted(self.x, at, side="right") - 1, 0, self.x.size - 2)
        h = self.x[i + 1] - self.x[i]
        u = (at - self.x[i]) / h
        rise = self.below[i + 1] - self.below[i]
        d0, d1 = self.density[i] * h, self.density[i + 1] * h
        value = self.below[i] + u * (d0 + u * (3.0 * rise - 2.0 * d0 - d1 + u * (d0 + d1 - 2.0 * rise)))
        out: FloatArray = np.clip(value, self.below[i], self.below[i + 1])
        return out

    def quantile(self, p: float) -> float:
        """The value below which the probability is ``p``; the grid's end where ``p`` lies beyond it."""
        if not 0.0 < p < 1.0:
            raise CallError(f"p = {p}", rule="must lie between 0 and 1, both excluded")
        if p <= self.below[0] or p >= self.below[-1]:
            return float(self.x[0] if p <= self.below[0] else self.x[-1])
        i = int(np.searchsorted(self.below, p, side="left")) - 1
        low, high = float(self.x[i]), float(self.x[i + 1])
        h, f0, rise = high - low, float(self.below[i]), float(self.below[i + 1] - self.below[i])
        d0, d1 = float(self.density[i]) * h, float(self.density[i + 1]) * h
        a, b = 0.0, 1.0
        while b - a > 1e-13:
            u = (a + b) / 2.0
            if f0 + u * (d0 + u * (3.0 * rise - 2.0 * d0 - d1 + u * (d0 + d1 - 2.0 * rise))) < p:
                a = u
            else:
                b = u
        return low + h * (a + b) / 2.0

    def interval(self, level: float = 0.95, *, kind: str = "credible") -> Interval:
        """Central interval that holds ``level``."""
        if not (math.isfinite(level) and 0.0 < level < 1.0):
            raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded")
        tail = (1.0 - level) / 2.0
        return Interval(low=self.quantile(tail), high=self.quantile(1.0 - tail), level=level, kind=kind)

    def masses(self) -> tuple[FloatArray, FloatArray]:
        """Points inside each step and the probability of the step: what an expectation-maximisation fit weighs.

        >>> g = Gridded(x=np.array([0.0, 1.0, 2.0]), density=np.array([0.5, 0.5, 0.5]), below=np.array([0.0, 0.5, 1.0]))
        >>> g.masses()[1].tolist()
        [0.5, 0.5]
        """
        return (self.x[1:] + self.x[:-1]) / 2.0, np.diff(self.below)
