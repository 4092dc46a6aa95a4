"""Censor marks where they stand densely, at S = 1 and on other curves: truth known because the test drew them."""

from __future__ import annotations

import numpy as np

from figures_drawn import Drawn, mean_error
from nextarm.figures.raster.counted import hidden_number, largest_counts
from nextarm.figures.raster.edges import Steps
from nextarm.figures.raster.levels import level_again
from nextarm.figures.raster.refine import draw
from nextarm.figures.raster.shapes import beside, place_shapes, rings_and_crosses
from nextarm.figures.raster.standing import standing
from nextarm.figures.raster.start import from_the_top
from nextarm.figures.raster.ticks import Bar, bar_of, bars_of_panel, drawn_shape, find_ticks, mark_shape, tick_height
from nextarm.figures.raster.ticks import along as beside_the_stroke
from nextarm.figures.raster.trace import trace_curves
from nextarm.figures.reading import CurveReading

FALLING = ([1.0, 2.2, 3.1, 5.5, 7.0, 8.4], [0.96, 0.9, 0.85, 0.8, 0.7, 0.66])
BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_levels_are_those_of_the_line_where_bars_leave_hardly_any_of_it() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve(*FALLING, BLUE, ticks=[t for t in np.arange(0.15, 9.9, 0.11).tolist() if abs(t - np.array(FALLING[0])).min() > 0.06])
    panel = figure.panel()
    (curve,) = trace_curves(figure.image(), panel).curves
    assert mean_error(panel, curve, *FALLING) < 0.001
    middle = panel.x.pixel(np.array([0.5, 1.6, 2.6, 4.3, 6.2, 7.7, 9.2]))
    level = panel.y.value(curve.y[np.searchsorted(curve.x, middle, side="right") - 1])
    np.testing.assert_allclose(level, [1.0, *FALLING[1]], atol=0.0015)


def test_bars_set_a_level_that_was_fitted_to_their_upper_halves() -> None:
    share, hidden = np.zeros((60, 80), np.float32), np.zeros((60, 80), bool)
    share[29:32, 5:75] = 1.0
    share[25:36, 10:70] = 1.0
    wrong = Steps(x=np.array([5.0]), y=np.array([28.0]), end=75.0)
    assert level_again(wrong, share, hidden, width=3.0, height=4.0).y.tolist() == [30.5]
    assert level_again(wrong, share, hidden, width=3.0, height=6.0) is wrong  # no column is as high as such a bar


def test_a_curve_is_at_one_as_long_as_its_line_is_seen_there() -> None:
    share, hidden = np.zeros((40, 100), np.float32), np.zeros((40, 100), bool)
    share[10:12, 5:60] = 1.0
    share[12:16, 5:60:3] = 1.0
    share[20:24, 60:95] = 1.0
    steps = Steps(x=np.array([5.0, 6.0, 60.0]), y=np.array([10.0, 13.5, 22.0]), end=95.0)
    found = from_the_top(steps, share, hidden, top=10.0, width=4.0)
    assert (found.x.tolist(), found.y.tolist()) == ([5.0, 60.0], [10.0, 22.0])
    share[10:12, 5:60] = 0.0
    assert from_the_top(steps, share, hidden, top=10.0, width=4.0) is steps


def test_marks_painted_over_another_curve_are_seen() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve([9.0], [0.9], BLUE)
    figure.curve([0.5, 9.2], [0.97, 0.5], ORANGE, ticks=[2.0, 3.5, 5.0, 6.5, 8.0])
    panel = figure.panel()
    orange = max(trace_curves(figure.image(), panel).curves, key=lambda c: c.colour)
    np.testing.assert_allclose(panel.x.value(orange.ticks), [2.0, 3.5, 5.0, 6.5, 8.0], atol=0.02)


def test_the_table_bounds_what_hides_behind_marks() -> None:
    curve = CurveReading(
        arm="a", named_by=None, colour="#000000", dash="solid", time=np.array([0.0, 5.0]), survival=np.array([1.0, 0.9]), end_time=20.0,
        ticks=np.array([2.0, 7.0, 14.0]), tick_low=np.ones(3, np.int64), tick_high=np.ones(3, np.int64),
        at_risk_times=np.array([0.0, 10.0, 20.0]), at_risk=np.array([100.0, 88.0, 57.0]), band=np.full(2, 1e-4),
    )  # fmt: skip
    none = np.zeros(0)
    found = largest_counts(curve.ticks, curve.tick_low, np.array([0.2, 0.2, 0.2]), curve, blind=none, missed=none)
    # until 10 two leave without dying (12 lost, 10 % of 99 or 100 die), from 10 to 20 all 31 that leave are censored at one mark
    assert found.high[:2].max() <= 2
    assert found.high[2] >= 25
    assert found.beyond == 0
    many = np.linspace(0.1, 9.9, 40)
    assert largest_counts(many, np.ones(40, np.int64), np.zeros(40), curve, blind=none, missed=none).beyond >= 30
    assert hidden_number(0.05, -3.0, 1.0) == 0


def flat_with(*bars: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray, Steps]:
    """A line three pixels thick with rectangles (first and last row, first and last column) painted on it."""
    share, hidden = np.zeros((200, 120), np.float32), np.zeros((200, 120), bool)
    share[29:32, 5:115] = 1.0
    for top, low, left, right in bars:
        share[top : low + 1, left : right + 1] = 1.0
    return share, hidden, Steps(x=np.array([5.0]), y=np.array([30.5]), end=115.0)


def test_bars_that_were_snapped_half_a_pixel_off_their_line_are_bars() -> None:
    share, hidden, steps = flat_with(*((26, 33, x, x + 1) for x in range(20, 100, 13)))  # 3 pixels above the stroke, 2 below
    seen = beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0)
    assert seen is not None
    assert tick_height(seen) == 2.5


def test_a_sliver_beside_a_line_that_is_a_little_off_is_no_bar() -> None:
    share, hidden, steps = flat_with((26, 34, 30, 31), (26, 34, 60, 61))
    share[25:29, 88:94] = 1.0  # the curve lies higher for a stretch, but was fitted straight through
    share[29:32, 88:94] = 0.0
    drawn = draw(share.shape, steps, width=3.0, blur=1.0)
    found = standing(np.array([31.0, 61.0, 91.0, 104.0]), share, hidden, drawn, steps, width=3.0, mark=2.0, height=3.0)
    assert found.tolist() == [True, True, False, False]


def test_a_bar_in_doubt_is_kept_among_others() -> None:
    share, hidden, steps = flat_with(*((26, 34, x, x + 1) for x in (30, 40, 50, 60)))
    hidden[:, 51:56] = True  # half a mark is covered, and what can be seen beside it is too little
    drawn = draw(share.shape, steps, width=3.0, blur=1.0)
    bars = np.array([31.0, 41.0, 53.0, 61.0])
    assert standing(bars, share, hidden, drawn, steps, width=3.0, mark=2.0, height=3.0).all()
    assert not standing(bars[2:3], share, hidden, drawn, steps, width=3.0, mark=2.0, height=3.0).any()


def test_the_bars_of_a_panel_are_alike() -> None:
    often, seldom, other = Bar(half=6.0, width=1.5, votes=30), Bar(half=2.4, width=1.0, votes=2), Bar(half=4.0, width=2.0, votes=20)
    assert bars_of_panel([often, seldom, None]) == [often, often, often]
    assert bars_of_panel([often, other]) == [often, other]
    assert bars_of_panel([seldom, None]) == [seldom, None]


def test_rings_that_never_stand_alone_are_known_by_their_outline() -> None:
    share, hidden, steps = flat_with()
    rows, columns = np.mgrid[:200, :120]
    for x in np.arange(14.5, 108, 8.0):
        share[np.abs(np.hypot(rows - 30, columns + 0.5 - x - 0.5) - 6.0) < 0.7] = 1.0
    shape = drawn_shape([beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0)])
    assert shape is not None
    assert abs(shape.height - 13) <= 2
    bars, *rest = flat_with(*((24, 36, x, x + 1) for x in range(14, 108, 8)))
    assert drawn_shape([beside_the_stroke(bars, *rest, width=3.0, blur=1.0)]) is None


def test_what_stands_hardly_out_of_a_thick_line_is_no_bar() -> None:
    for out, bar in ((2, False), (5, True)):
        share, hidden, steps = flat_with((25, 35, 5, 114), *((25 - out, 35 + out, x, x + 1) for x in range(20, 100, 13)))
        found = bar_of(beside_the_stroke(share, hidden, steps, width=11.0, blur=1.0))
        assert (found is not None) is bar


def test_bars_at_drops_alone_are_not_believed() -> None:
    share, hidden = np.zeros((200, 120), np.float32), np.zeros((200, 120), bool)
    steps = Steps(x=np.arange(5.0, 100.0, 6.0), y=20.0 + 8.0 * np.arange(16), end=110.0)
    drawn = draw(share.shape, steps, width=3.0, blur=1.0)
    share[:] = drawn
    at_drops = steps.x[1:9] + 2.5
    for x in at_drops.astype(int):
        level = int(steps.at(np.array([x + 0.5]))[0])
        share[level - 5 : level + 5, x : x + 2] = 1.0
    found = standing(at_drops.astype(int) + 1.0, share, hidden, drawn, steps, width=3.0, mark=2.0, height=3.0)
    assert not found.any()


def test_bars_that_stand_across_a_drop_are_found() -> None:
    """Two bars on the upper level and two on the lower, at the upright of a deep drop: each shows one end and stands on both sides of it."""
    share, hidden, steps = flat_with(*((25, 35, x, x + 2) for x in (15, 25, 35, 45)))
    share[29:32, 61:] = 0.0
    share[29:72, 58:61] = 1.0
    share[69:72, 58:115] = 1.0
    share[25:36, 58:61] = 1.0  # on the upper level: its columns are those of the drop
    share[65:76, 80:83] = share[65:76, 100:103] = 1.0
    steps = Steps(x=np.array([5.0, 59.5]), y=np.array([30.5, 70.5]), end=115.0)
    found = find_ticks(beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0))
    np.testing.assert_allclose(found.x, [16.5, 26.5, 36.5, 46.5, 59.5, 81.5, 101.5], atol=0.6)


def test_a_drop_without_a_bar_is_none() -> None:
    share, hidden, steps = flat_with(*((25, 35, x, x + 2) for x in (15, 25, 35, 45)))
    share[29:32, 61:] = 0.0
    share[29:72, 58:61] = 1.0
    share[69:72, 58:115] = 1.0
    steps = Steps(x=np.array([5.0, 59.5]), y=np.array([30.5, 70.5]), end=115.0)
    found = find_ticks(beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0))
    np.testing.assert_allclose(found.x, [16.5, 26.5, 36.5, 46.5], atol=0.6)


def test_a_bar_at_the_end_of_the_line_is_found() -> None:
    share, hidden, steps = flat_with(*((26, 34, x, x + 1) for x in (20, 33, 46, 59, 72, 85, 114)))
    found = find_ticks(beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0))
    np.testing.assert_allclose(found.x, [21, 34, 47, 60, 73, 86, 115], atol=0.6)


def test_bars_of_a_line_on_the_frame_are_found_by_the_half_that_is_seen() -> None:
    bars = tuple((31, 37, x, x + 1) for x in range(20, 100, 13))
    share, hidden, steps = flat_with(*bars)
    hidden[:29] = True
    found = find_ticks(beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0))
    np.testing.assert_allclose(found.x, [left + 1.0 for _, _, left, _ in bars], atol=0.6)
    hidden[:] = False  # both sides in sight: what stands out on one side only is no bar
    assert not find_ticks(beside_the_stroke(share, hidden, steps, width=3.0, blur=1.0)).x.size


def marked(places: list[float], *, reach: float, stroke: float, ring: bool, width: float) -> np.ndarray:
    """A level line at height 40 with rings or crosses, drawn at eight times the size."""
    fine = (np.arange(8 * 80) + 0.5) / 8, (np.arange(8 * 300) + 0.5) / 8
    down, right = np.meshgrid(fine[0] - 40.0, fine[1], indexing="ij")
    ink = (np.abs(down) < width / 2) & (right > 5) & (right < 295)
    for x in places:
        if ring:
            ink |= np.abs(np.hypot(down, right - x) - (reach - stroke / 2)) < stroke / 2
        else:
            arms = np.minimum(np.abs(down - right + x), np.abs(down + right - x)) < stroke / np.sqrt(2)
            ink |= arms & (np.maximum(np.abs(down), np.abs(right - x)) < reach)
    return ink.reshape(80, 8, 300, 8).mean(axis=(1, 3)).astype(np.float32)


def test_small_rings_on_a_thick_line_are_one_mark_each() -> None:
    """Drawn small, the ring leaves little of its inside open beside the line."""
    places = [30.5, 61.2, 90.8, 122.5, 155.4, 190.5, 230.1, 260.7]
    share, hidden = marked(places, reach=6.0, stroke=2.4, ring=True, width=3.4), np.zeros((80, 300), bool)
    seen = beside_the_stroke(share, hidden, Steps(x=np.array([5.0]), y=np.array([40.0]), end=295.0), width=3.4, blur=1.0)
    found = find_ticks(seen, shapes=(mark_shape(seen),))
    np.testing.assert_allclose(found.x, places, atol=1.0)


def test_crosses_of_thick_strokes_are_told_from_several_of_thin_ones() -> None:
    places = [40.0, 53.0, 80.0, 93.0, 130.0, 143.0, 178.0, 191.0, 220.0, 233.0, 260.0, 273.0]
    share, hidden = marked(places, reach=12.5, stroke=4.7, ring=False, width=6.7), np.zeros((80, 300), bool)
    steps = Steps(x=np.array([5.0]), y=np.array([40.0]), end=295.0)
    drawn = draw(share.shape, steps, width=6.7, blur=1.0)
    tried = [place_shapes(share - drawn, beside(drawn, hidden), steps, shape) for shape in rings_and_crosses(12.5, 6.7)]
    found, explained = max(tried, key=lambda one: one[1])
    assert explained > 0.85
    assert abs(found.size - len(places)) <= 2
    assert np.abs(found[:, None] - np.array(places)).min(axis=0).max() < 2.5
