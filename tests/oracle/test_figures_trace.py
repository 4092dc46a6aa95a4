"""Curves traced from figures whose truth is exact, because the test drew them itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from figures_drawn import Drawn, mean_error
from nextarm.figures.raster.dashes import dashes_along
from nextarm.figures.raster.panel import ArmHint, Box, Panel
from nextarm.figures.raster.paths import Path
from nextarm.figures.raster.trace import trace_curves, traced_at

HIGH = ([1.0, 2.2, 3.1, 5.5, 7.0, 8.4], [0.96, 0.9, 0.85, 0.8, 0.7, 0.66])
LOW = ([0.4, 0.9, 1.7, 2.6, 3.9, 4.4, 6.2, 9.1], [0.93, 0.84, 0.7, 0.61, 0.55, 0.42, 0.3, 0.22])
CROSSING = ([1.4, 2.9, 3.0, 5.1, 7.7], [0.97, 0.9, 0.72, 0.5, 0.2])
BLUE, ORANGE, BLACK = (31, 119, 180), (255, 127, 14), (0, 0, 0)


@pytest.mark.parametrize("background", [(255, 255, 255), (229, 229, 229), (244, 248, 255)])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_two_coloured_curves(background: tuple[int, int, int], noise: float) -> None:
    figure = Drawn(background=background)
    figure.frame(closed=True)
    figure.curve(*HIGH, BLUE)
    figure.curve(*LOW, ORANGE)
    panel = figure.panel()
    traced = trace_curves(figure.image(noise=noise), panel)
    assert len(traced.curves) == 2
    blue, orange = sorted(traced.curves, key=lambda c: c.colour)
    assert mean_error(panel, blue, *HIGH) < 0.0012
    assert mean_error(panel, orange, *LOW) < 0.0012
    assert traced.line_width == pytest.approx(2.6, abs=0.25)
    assert {blue.dash, orange.dash} == {"solid"}


def test_drops_are_found_one_by_one() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*LOW, BLUE)
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert curve.x.size == len(LOW[0]) + 1
    np.testing.assert_allclose(panel.x.value(curve.x[1:]), LOW[0], atol=0.012)
    np.testing.assert_allclose(panel.y.value(curve.y[1:]), LOW[1], atol=0.0012)
    assert panel.y.value(curve.y[0]) == pytest.approx(1.0)


def test_a_curve_drawn_upward() -> None:
    figure = Drawn(upward=True)
    figure.frame()
    figure.curve(*LOW, BLUE)
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert mean_error(panel, curve, *LOW) < 0.0012


def test_a_curve_that_leaves_the_axis_at_its_bottom() -> None:
    figure = Drawn(s_low=0.5)
    figure.frame()
    figure.curve(*LOW, BLUE)
    figure.rectangle(0, figure.bottom + 0.6, figure.columns, figure.rows, (255, 255, 255))
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert mean_error(panel, curve, *LOW, to=4.3) < 0.0015
    assert panel.x.value(curve.end) == pytest.approx(4.4, abs=0.1)


def test_grid_legend_and_text_are_no_curves() -> None:
    figure = Drawn(exclude=(Box(left=260, top=30, right=390, bottom=60),))
    figure.grid((210, 210, 210))
    figure.frame(closed=True)
    figure.rectangle(262, 44, 290, 46.6, BLUE)
    for k in range(12):
        figure.rectangle(295 + 7 * k, 40, 299 + 7 * k, 50, BLACK)
    figure.curve(*LOW, BLUE)
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert mean_error(panel, curve, *LOW) < 0.0012


def test_a_hidden_stretch_is_followed() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLUE)
    figure.curve(*CROSSING, ORANGE)
    panel = figure.panel()
    traced = trace_curves(figure.image(), panel)
    blue, orange = sorted(traced.curves, key=lambda c: c.colour)
    assert mean_error(panel, orange, *CROSSING) < 0.0012
    assert mean_error(panel, blue, *HIGH) < 0.003


def test_a_line_that_ends_early() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLUE, end=9.0)
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert panel.x.value(curve.end) == pytest.approx(9.0, abs=0.05)


def test_black_curves_told_apart_by_their_dashes() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLACK)
    figure.curve(*LOW, BLACK, dash=(9.0, 4.0))
    panel = figure.panel()
    traced = trace_curves(figure.image(), panel)
    by_dash = {c.dash: c for c in traced.curves}
    assert set(by_dash) == {"solid", "dashed"}
    assert mean_error(panel, by_dash["solid"], *HIGH) < 0.0015
    assert mean_error(panel, by_dash["dashed"], *LOW) < 0.004


def test_a_thick_dotted_line_is_not_taken_for_its_thin_marks() -> None:
    figure = Drawn(columns=900, rows=640)
    figure.frame()
    figure.curve(*LOW, BLUE, width=6.0)
    figure.curve(*HIGH, ORANGE, width=6.0, dash=(6.0, 18.0), ticks=[3.3, 4.6, 6.4, 6.6, 8.8], tick_height=28.0)
    for t in (3.3, 4.6, 6.4, 6.6, 8.8):
        x, y = figure.x(t), figure.y(HIGH[1][int(np.searchsorted(HIGH[0], t)) - 1])
        figure.rectangle(x - 14, y - 0.75, x + 14, y + 0.75, ORANGE)
    panel = figure.panel()
    traced = trace_curves(figure.image(), panel)
    assert sorted(c.dash for c in traced.curves) == ["dotted", "solid"]
    dotted = next(c for c in traced.curves if c.dash == "dotted")
    assert mean_error(panel, dotted, *HIGH) < 0.004


def test_each_key_keeps_its_curve_among_dotted_confidence_limits() -> None:
    figure, green = Drawn(columns=500, rows=340), (0, 158, 115)
    arms = {
        BLUE: (*HIGH, None, "solid", 0.5, 10.0),
        green: (*LOW, (2.0, 2.0), "dotted", 0.3, 10.0),
        ORANGE: ([0.3, 0.5, 0.8, 1.1], [0.7, 0.5, 0.3, 0.1], (5.0, 3.0), "dashed", 0.1, 1.4),
    }
    figure.frame()
    for colour, (times, s, dash, _, wide, end) in arms.items():
        figure.curve(times, s, colour, width=1.2, dash=dash, end=end)
        for way in (-1, 1):
            figure.curve(times, [v + way * wide * (1 - v) for v in s], colour, width=1.2, dash=(2.0, 2.0), end=end)
    hints = tuple(ArmHint(name=str(k), colour=c, dash=a[3], where="legend") for k, (c, a) in enumerate(arms.items()))
    panel = replace(figure.panel(), arm_hints=hints, n_arms=3)
    curves = trace_curves(figure.image(), panel).curves
    assert sorted(c.hint for c in curves) == [0, 1, 2]
    for c in curves:
        times, s, _, _, _, end = list(arms.values())[c.hint]
        assert mean_error(panel, c, times, s, to=end) < 0.01


def test_censor_ticks() -> None:
    ticks = [0.7, 1.4, 2.4, 2.9, 4.0, 4.9, 6.1, 7.5, 7.8, 9.2]
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLUE, ticks=ticks)
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    np.testing.assert_allclose(panel.x.value(curve.ticks), ticks, atol=0.01)
    assert (curve.tick_count == 1).all()
    assert mean_error(panel, curve, *HIGH) < 0.0012


def test_no_ticks_where_none_are_drawn() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*LOW, BLUE)
    (curve,) = trace_curves(figure.image(noise=2.0), figure.panel()).curves
    assert curve.ticks.size == 0


def painted(image: NDArray[np.uint8], panel: Panel, times: list[float], s: list[float], marks: list[float]) -> NDArray[np.uint8]:
    """Marks painted one over another as a drawing program does that snaps them to pixels: 3 columns, 11 rows, half-covered tips."""
    out = image.astype(float)
    cover = np.array([0.5, *[1.0] * 9, 0.5])[:, None]
    for t in marks:
        row = int(np.floor(panel.y.pixel([1.0, *s][int(np.searchsorted(times, t, side="right"))])))
        column = int(np.floor(panel.x.pixel(t)))
        part = out[row - 5 : row + 6, column - 1 : column + 2]
        part[:] = part * (1 - cover[..., None]) + cover[..., None] * np.array(BLACK)
    return np.round(out).astype(np.uint8)


@pytest.mark.parametrize("tips", [True, False])
def test_coincident_ticks_are_counted_by_their_tips(tips: bool) -> None:
    single = [0.3, 0.6, 1.5, 1.9, 2.6, 3.6, 4.2, 4.7, 6.0, 6.6, 7.3, 8.8, 9.3, 9.7]
    several = [2.4, 2.4, 5.1, 5.1, 5.1, 7.8, 7.8]
    near = [6.3, 6.3, 6.33, 8.0, 8.03]
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLACK)
    panel = figure.panel()
    marks = sorted([*single, *several, *near])
    image = painted(figure.image(), panel, *HIGH, marks)
    (curve,) = trace_curves(image if tips else blurred(image), panel).curves
    assert np.abs(panel.x.value(curve.ticks)[:, None] - marks).min(axis=1).max() < 0.03
    if tips:
        np.testing.assert_allclose(panel.x.value(curve.ticks), marks, atol=0.04)
    else:  # what coincides cannot be seen: no more is claimed than stands there
        assert len(set(marks)) - 2 <= curve.ticks.size <= len(marks)


def blurred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image made smaller and larger again, as copies of copies are."""
    small = Image.fromarray(image).resize((image.shape[1] * 7 // 10, image.shape[0] * 7 // 10), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((image.shape[1], image.shape[0]), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("mark", ["cross", "ring"])
def test_crosses_and_rings_are_one_mark_each(mark: str) -> None:
    ticks = [0.3, 0.7, 1.6, 1.9, 2.6, 3.6, 4.2, 4.4, 4.9, 6.0, 6.3, 6.4, 7.4, 7.9, 9.0, 9.5]
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLUE)
    panel = figure.panel()
    for t in ticks:
        x, y = figure.x(t), figure.y([1.0, *HIGH[1]][int(np.searchsorted(HIGH[0], t, side="right"))])
        for k in np.linspace(-1, 1, 81):
            for sign in (-1, 1):
                dx, dy = (5.5 * k, 5.5 * sign * k) if mark == "cross" else (6 * np.sin(np.pi / 2 * k), 6 * sign * np.cos(np.pi / 2 * k))
                figure.rectangle(x + dx - 0.6, y + dy - 0.6, x + dx + 0.6, y + dy + 0.6, BLUE)
    (curve,) = trace_curves(figure.image(), panel).curves
    np.testing.assert_allclose(panel.x.value(curve.ticks), ticks, atol=0.03)
    assert mean_error(panel, curve, *HIGH) < 0.0015


@pytest.mark.parametrize(("columns", "width"), [(400, 1.0), (420, 1.1)])
def test_lines_of_one_pixel_are_looked_at_twice(columns: int, width: float) -> None:
    figure = Drawn(columns=columns)
    figure.frame()
    figure.curve(*LOW, BLUE, width=width)
    panel, image = figure.panel(), figure.image(noise=3.0)
    (once,), (twice,) = traced_at(image, panel, (), enlarge=1).curves, trace_curves(image, panel).curves
    assert mean_error(panel, twice, *LOW) < min(0.0006, mean_error(panel, once, *LOW))


@pytest.mark.parametrize("dash", [None, (9.0, 5.0)], ids=["solid", "dashed"])
@pytest.mark.parametrize("upward", [False, True])
def test_a_line_that_ends_in_a_drop_to_0_above_the_bottom_of_the_panel_ends_at_0(dash, upward):
    drawn = Drawn(s_low=-0.06, upward=upward)
    drawn.frame(closed=True)
    drawn.curve([1.0, 3.0, 6.0, 7.5], [0.8, 0.55, 0.3, 0.0], (200, 30, 30), end=7.5, dash=dash)
    (curve,) = trace_curves(drawn.image(), drawn.panel()).curves
    levels = drawn.panel().y.value(curve.y)
    assert levels[-1] == pytest.approx(0.0, abs=0.01)
    assert drawn.panel().x.value(curve.x[-1]) == pytest.approx(7.5, abs=0.05)


def test_a_mark_at_the_end_of_a_line_is_no_drop():
    drawn = Drawn(s_low=-0.06)
    drawn.frame()
    drawn.curve([1.0, 3.0, 6.0], [0.8, 0.55, 0.3], (200, 30, 30), end=7.5, ticks=[5.0, 7.45], tick_height=20)
    (curve,) = trace_curves(drawn.image(), drawn.panel()).curves
    assert drawn.panel().y.value(curve.y[-1]) == pytest.approx(0.3, abs=0.01)


def test_a_long_broken_curve_is_kept_where_only_the_name_of_another_was_read() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*HIGH, BLUE)
    figure.curve(*LOW, ORANGE, dash=(7.0, 4.0))
    panel = replace(figure.panel(), arm_hints=(ArmHint(name="Control", colour=BLUE, where="legend"),), n_arms=1)
    assert {c.hint for c in trace_curves(figure.image(), panel).curves} == {0, None}


@pytest.mark.parametrize("dash", [None, (11.0, 6.0)])
@pytest.mark.parametrize("width", [2.0, 5.0])
def test_a_line_is_solid_though_its_path_misses_the_columns_of_its_drops(dash, width):
    figure = Drawn()
    times, s = np.linspace(0.5, 9.0, 12).tolist(), np.linspace(0.9, 0.1, 12).tolist()
    figure.curve(times, s, (0, 0, 0), width=width, dash=None if dash is None else (dash[0] * width / 3, dash[1] * width / 3))
    own = (1 - figure.image().mean(axis=2) / 255).astype(np.float32)
    first, last = round(figure.x(0.2)), round(figure.x(9.8))
    late = np.array(times) + 10.0 * np.ceil(width / 2) / (figure.right - figure.left)  # half a stroke beside where they are drawn
    at = np.searchsorted(late, (np.arange(first, last + 1) - figure.left) * 10.0 / (figure.right - figure.left))
    rows = np.array([figure.y(v) for v in [1.0, *s]])[at].astype(np.int64)
    found = dashes_along(own, np.zeros(own.shape, bool), Path(first=first, rows=rows, gain=1.0), width)
    assert (found.name == "solid") is (dash is None)
