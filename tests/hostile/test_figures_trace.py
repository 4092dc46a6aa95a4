"""Panels without curves: nothing is invented, nothing breaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from figures_drawn import Drawn
from nextarm.figures.raster.panel import Panel, PixelAxis
from nextarm.figures.raster.trace import trace_curves

BLACK, BLUE = (0, 0, 0), (31, 119, 180)


def panel_of(left: float, top: float, right: float, bottom: float) -> Panel:
    return Panel(
        left=left, top=top, right=right, bottom=bottom, start=left, x_max_visible=10.0,
        x=PixelAxis(slope=0.02, intercept=-0.02 * left), y=PixelAxis(slope=-0.003, intercept=1 + 0.003 * top),
    )  # fmt: skip


def empty(figure: Drawn) -> None:
    figure.frame(closed=True)


def only_a_grid(figure: Drawn) -> None:
    figure.grid((200, 200, 200))
    figure.frame()


def a_dark_grid(figure: Drawn) -> None:
    figure.grid((60, 60, 60))
    figure.frame(closed=True)


def only_text(figure: Drawn) -> None:
    figure.frame()
    for k in range(25):
        figure.rectangle(150 + 7 * k, 80, 154 + 7 * k, 90, BLACK)
        figure.rectangle(150 + 7 * k, 100, 155 + 7 * k, 103, BLACK)


def a_median_line(figure: Drawn) -> None:
    figure.frame()
    figure.rectangle(figure.left, figure.y(0.5) - 0.7, figure.right, figure.y(0.5) + 0.7, BLACK)


def a_filled_box(figure: Drawn) -> None:
    figure.frame()
    figure.rectangle(100, 60, 300, 200, BLUE)


@pytest.mark.parametrize("draw", [empty, only_a_grid, a_dark_grid, only_text, a_median_line, a_filled_box], ids=lambda f: f.__name__)
def test_no_curve_is_invented(draw: object) -> None:
    figure = Drawn()
    draw(figure)  # type: ignore[operator]
    traced = trace_curves(figure.image(noise=1.5), figure.panel())
    assert traced.curves == ()
    assert traced.warnings


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((1, 1, 3), np.uint8), np.zeros((200, 300, 3), np.uint8), np.full((200, 300, 3), 255, np.uint8),
        np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8), np.zeros((2, 300, 3), np.uint8),
        np.zeros((300, 2, 3), np.uint8),
    ],
    ids=["one-pixel", "all-ink", "white", "noise", "flat", "narrow"],
)  # fmt: skip
def test_images_that_are_no_figures(rgb: NDArray[np.uint8]) -> None:
    traced = trace_curves(rgb, panel_of(20, 20, 280, 180))
    assert traced.curves == ()


def test_a_panel_outside_the_image() -> None:
    rgb = np.full((100, 100, 3), 255, np.uint8)
    assert trace_curves(rgb, panel_of(200, 200, 400, 400)).curves == ()
    assert trace_curves(rgb, panel_of(50, 50, 51, 51)).curves == ()
