"""Small survival figures drawn by plain rectangles at eight times the size and averaged down: their truth is exact."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nextarm.figures.raster.panel import Box, Panel, PixelAxis

FINE = 8


@dataclass
class Drawn:
    """A figure under construction: columns x rows pixels, the frame inset, time 0-10 and S 1-0 over it."""

    columns: int = 420
    rows: int = 300
    background: tuple[int, int, int] = (255, 255, 255)
    s_low: float = 0.0
    upward: bool = False
    exclude: tuple[Box, ...] = ()
    left: float = 30.0
    top: float = 20.0
    right: float = field(init=False)
    bottom: float = field(init=False)
    fine: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.right, self.bottom = self.columns - 20.0, self.rows - 30.0
        self.fine = np.empty((self.rows * FINE, self.columns * FINE, 3), np.float32)
        self.fine[:] = self.background

    def x(self, time: float) -> float:
        return self.left + time / 10.0 * (self.right - self.left)

    def y(self, s: float) -> float:
        down = (1 - s) / (1 - self.s_low) * (self.bottom - self.top)
        return self.bottom - down if self.upward else self.top + down

    def rectangle(self, x1: float, y1: float, x2: float, y2: float, colour: tuple[int, int, int]) -> None:
        a, b, c, d = (max(0, round(v * FINE)) for v in (min(y1, y2), max(y1, y2), min(x1, x2), max(x1, x2)))
        self.fine[a:b, c:d] = colour

    def frame(self, colour: tuple[int, int, int] = (0, 0, 0), *, closed: bool = False) -> None:
        half = 0.6
        self.rectangle(self.left - half, self.top - half, self.left + half, self.bottom + half, colour)
        self.rectangle(self.left - half, self.bottom - half, self.right + half, self.bottom + half, colour)
        if closed:
            self.rectangle(self.left - half, self.top - half, self.right + half, self.top + half, colour)
            self.rectangle(self.right - half, self.top - half, self.right + half, self.bottom + half, colour)

    def grid(self, colour: tuple[int, int, int], *, lines: int = 5) -> None:
        for k in range(1, lines):
            x, y = self.left + k / lines * (self.right - self.left), self.top + k / lines * (self.bottom - self.top)
            self.rectangle(x - 0.5, self.top, x + 0.5, self.bottom, colour)
            self.rectangle(self.left, y - 0.5, self.right, y + 0.5, colour)

    def curve(
        self, times: list[float], s: list[float], colour: tuple[int, int, int], *,
        end: float = 10.0, width: float = 2.6, dash: tuple[float, float] | None = None, ticks: list[float] | None = None,
        tick_height: float = 9.0, tick_width: float = 1.5,
    ) -> None:  # fmt: skip
        """A step curve from (0, 1): at ``times[k]`` it falls to ``s[k]``; clipped at the frame's bottom."""
        xs = [self.x(0.0), *[self.x(t) for t in times], self.x(end)]
        ys = [self.y(1.0), *[self.y(v) for v in s]]
        corners = [(xs[0], ys[0])]
        for k in range(len(ys)):
            if k:
                corners.append((xs[k], ys[k]))
            corners.append((xs[k + 1], ys[k]))
        half, run = width / 2, 0.0
        for (x1, y1), (x2, y2) in itertools.pairwise(corners):
            length = abs(x2 - x1) + abs(y2 - y1)
            for a, b in _dashes(run, length, dash):
                if y1 == y2:
                    self.rectangle(x1 + a - (half if a == 0 else 0), y1 - half, x1 + b + (half if b == length else 0), y1 + half, colour)
                else:
                    sign = np.sign(y2 - y1)
                    self.rectangle(x1 - half, y1 + sign * a, x1 + half, y1 + sign * b, colour)
            run += length
        for t in ticks or []:
            level = ys[int(np.searchsorted(times, t, side="right"))]
            self.rectangle(self.x(t) - tick_width / 2, level - tick_height / 2, self.x(t) + tick_width / 2, level + tick_height / 2, colour)

    def image(self, *, noise: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
        mean = self.fine.reshape(self.rows, FINE, self.columns, FINE, 3).mean(axis=(1, 3))
        if noise:
            mean = mean + np.random.default_rng(seed).normal(0, noise, mean.shape)
        return np.clip(np.round(mean), 0, 255).astype(np.uint8)

    def panel(self) -> Panel:
        x_slope = 10.0 / (self.right - self.left)
        y_slope = (1 - self.s_low) / (self.bottom - self.top) * (1 if self.upward else -1)
        start = self.bottom if self.upward else self.top
        return Panel(
            left=self.left, right=self.right, top=self.top, bottom=self.bottom, start=self.left, x_max_visible=10.0,
            x=PixelAxis(slope=x_slope, intercept=-x_slope * self.left), y=PixelAxis(slope=y_slope, intercept=1 - y_slope * start),
            upward=self.upward, exclude=self.exclude, background=self.background,
        )  # fmt: skip


def _dashes(run: float, length: float, dash: tuple[float, float] | None) -> list[tuple[float, float]]:
    """Drawn parts of a stroke of ``length`` that begins ``run`` along the dash pattern."""
    if dash is None:
        return [(0.0, length)]
    period, parts = sum(dash), []
    k = np.floor(run / period)
    while k * period < run + length:
        a, b = max(0.0, k * period - run), min(length, k * period + dash[0] - run)
        if b > a:
            parts.append((a, b))
        k += 1
    return parts


def mean_error(panel: Panel, curve: object, times: list[float], s: list[float], *, to: float = 10.0) -> float:
    """Mean absolute error of S of a traced curve against the truth, over time 0 to ``to``."""
    t = (np.arange(4000) + 0.5) / 4000 * to
    truth = np.concatenate([[1.0], s])[np.searchsorted(times, t, side="right")]
    at = np.asarray(panel.x.value(curve.x))  # type: ignore[attr-defined]
    height = np.asarray(panel.y.value(curve.y))  # type: ignore[attr-defined]
    return float(np.abs(height[np.clip(np.searchsorted(at, t, side="right") - 1, 0, len(at) - 1)] - truth).mean())
