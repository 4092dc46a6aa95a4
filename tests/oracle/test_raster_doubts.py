"""What is told of a picture that is not certain, and small rules on names, widths and shades: expected values follow from what is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figures_drawn import Drawn
from nextarm.figures.raster.colours import of_one_line
from nextarm.figures.raster.legend import is_name
from nextarm.figures.raster.match import match_arms
from nextarm.figures.raster.names import join_names
from nextarm.figures.raster.panel import ArmHint, Box, TracedCurve, TracedPanel
from nextarm.figures.raster.read import _ends_early
from nextarm.figures.raster.risk_table import RiskRow, RiskTable
from nextarm.figures.raster.text import Reading
from nextarm.figures.raster.trace import trace_curves
from nextarm.figures.raster.widths import has_strokes
from nextarm.figures.raster.words import _with_capital, word_boxes
from nextarm.figures.reading import CurveReading

BLACK, BLUE, ORANGE = (0, 0, 0), (31, 119, 180), (255, 127, 14)
NONE = np.zeros(0)


def curve(survival: list[float], *, end: float = 10.0, at_risk: list[float] | None = None) -> CurveReading:
    """A curve with steps at 0, 2, 4, ...; the table at 0, 3, 6, ..."""
    n = len(survival)
    cells = np.array(at_risk or [], float)
    return CurveReading(
        arm="a", named_by=None, colour="#000000", dash="solid", time=np.arange(n) * 2.0, survival=np.array(survival), end_time=end,
        ticks=NONE, tick_low=np.zeros(0, np.int64), tick_high=np.zeros(0, np.int64), at_risk_times=np.arange(cells.size) * 3.0,
        at_risk=cells, band=np.full(n, 1e-3),
    )  # fmt: skip


def test_a_curve_that_ends_before_two_printed_numbers_at_risk_is_not_certain() -> None:
    word = _ends_early(curve([1, 0.8], end=2.5, at_risk=[50, 40, 30, 0]))
    assert "ends at 2.5 though 40 are at risk at 3" in word
    assert "not certain" in word
    assert _ends_early(curve([1, 0.8], end=5.5, at_risk=[50, 40, 30, 0])) == ""  # one number: a line may end after its last death
    assert _ends_early(curve([1, 0.8], end=2.5, at_risk=[50, 0, 0, float("nan")])) == ""


def test_a_curve_that_ends_right_after_a_drop_is_not_certain() -> None:
    """Not so where it ends at S = 0, where the last patient died."""
    for end, low, told in ((6.03, 0.5, True), (6.6, 0.5, False), (10.0, 0.5, False), (6.03, 0.0, False)):
        figure = Drawn()
        figure.frame()
        figure.curve([1.0, 2.5, 4.0, 6.0], [0.9, 0.8, 0.65, low], BLUE, end=end)
        (found,) = trace_curves(figure.image(), figure.panel()).curves
        assert any("right after a drop" in w for w in found.warnings) is told


@pytest.mark.parametrize("low", [0.6, 0.4, 0.1])
def test_the_foot_of_a_drop_that_ends_a_line_is_read(low: float) -> None:
    figure = Drawn()
    figure.frame()
    figure.curve([1.0, 2.5, 4.0, 6.0], [0.9, 0.8, 0.65, low], BLUE, end=6.0)
    panel = figure.panel()
    (found,) = trace_curves(figure.image(), panel).curves
    assert float(panel.y.value(found.y[-1])) == pytest.approx(low, abs=0.01)
    assert float(panel.y.value(found.y[-2])) == pytest.approx(0.65, abs=0.005)


def test_a_line_left_out_that_is_seen_as_well_as_the_one_kept_makes_the_choice_uncertain() -> None:
    for long, told in ((True, True), (False, False)):
        figure = Drawn()
        figure.frame()
        figure.curve([2.0, 5.0], [0.7, 0.4], BLACK)
        figure.curve([1.0, 3.0], [0.95, 0.85] if long else [0.95, 0.93], BLACK, end=10.0 if long else 3.4, dash=None)
        panel = replace(figure.panel(), arm_hints=(ArmHint(name="Control", colour=BLACK, dash="solid", n=40),), n_arms=1)
        found = trace_curves(figure.image(), panel)
        assert any("which of them are the curves is not certain" in w for w in found.warnings) is told


def test_a_steep_second_curve_of_one_colour_is_found() -> None:
    """It is seen in few columns: all its ink is in uprights, broken as they are."""
    figure = Drawn(s_low=0.3)
    figure.frame()
    figure.curve([2.0, 5.0, 8.0], [0.9, 0.8, 0.75], BLACK)
    figure.curve([0.15 * k for k in range(1, 9)], [1 - 0.085 * k for k in range(1, 9)], BLACK, end=1.3, dash=(9.0, 4.0))
    found = trace_curves(figure.image(), figure.panel())
    assert len(found.curves) == 2
    assert min(float(c.y.max()) for c in found.curves) < figure.y(0.7)
    assert max(float(c.y.max()) for c in found.curves) > figure.y(0.36)


def test_bars_that_run_together_do_not_make_a_thick_line() -> None:
    own = np.zeros((60, 200), np.float32)
    own[20:23, 5:60] = 1.0
    own[15:28, 60:190] = 1.0
    assert has_strokes(own, 3.0)
    own[20:23, 5:60] = 0.0
    assert not has_strokes(own, 3.0)


@pytest.mark.parametrize(("keys", "groups"), [(("#e41a1c", "#377eb8"), 1), (("#e41a1c", "#f04a4c"), 2)])
def test_a_paler_shade_is_the_ink_of_the_only_key_of_its_hue(keys: tuple[str, ...], groups: int) -> None:
    """A red line and its shade of 0.8 (between two rows of pixels): one ink, unless another key has that hue."""
    white = np.full(3, 255.0)
    red = np.array([228.0, 26.0, 28.0]) - white
    hints = tuple((int(k[1:3], 16), int(k[3:5], 16), int(k[5:7], 16)) for k in keys)
    assert len(of_one_line([(500, red), (300, 0.78 * red)], hints, white, smeared=False)) == groups


def test_a_key_of_the_height_of_small_letters_is_no_part_of_its_word_and_run_together_letters_are() -> None:
    ink = np.zeros((60, 200), bool)
    for row in (10, 40):
        for x in (60, 70, 80):  # letters: frames of 8 by 9 pixels
            ink[row : row + 9, x : x + 8] = True
            ink[row + 2 : row + 7, x + 2 : x + 6] = False
    ink[12:18, 35:53] = True
    ink[13:17:2, 36:52:2] = False  # a blurred key left of the first word: 6 of 9 pixels high, 84 % filled
    ink[41:49, 90:130] = True
    ink[42:48:2, 91:129] = False  # "eatment" in one piece: 8 of 9 pixels high, 64 % filled
    boxes = sorted((b.top, b.left, b.right) for b, _ in word_boxes(ink))
    assert boxes == [(10, 60, 88), (40, 60, 130)]


@pytest.mark.parametrize(("high", "wanted"), [(9, "Arm C"), (6, "Arm c")])
def test_a_single_letter_at_the_end_of_a_name_is_a_capital_where_it_is_as_high_as_one(high: int, wanted: str) -> None:
    rgb = np.full((30, 60, 3), 255, np.uint8)
    for x in (10, 20):
        rgb[10:19, x : x + 6] = 0
    rgb[19 - high : 19, 32:38] = 0
    reading = Reading(number="", number_confidence=0.0, name="Arm c", name_confidence=0.9, steps=np.zeros((0, 10)))
    assert _with_capital(reading, rgb, Box(left=10, top=10, right=38, bottom=19)).name == wanted


def traced(hint: int | None = None) -> TracedCurve:
    count = np.zeros(0, np.int64)
    return TracedCurve(
        x=NONE, y=NONE, end=1.0, colour=BLACK, dash="solid", ticks=NONE, tick_count=count, tick_extra=NONE, blind=NONE, missed=NONE,
        uncertainty=NONE, hint=hint,
    )  # fmt: skip


@pytest.mark.parametrize(("steep", "sure"), [([1, 0.6, 0.1, 0.02, 0.0], True), ([1, 0.9, 0.8, 0.79, 0.78], False)])
def test_rows_of_the_table_name_curves_where_one_order_fits_far_better(steep: list[float], sure: bool) -> None:
    """The high curve misses its row by 0.03 at a start that is hidden; the other order by far more, unless both curves are high."""
    high = curve([1, 0.9, 0.87, 0.86, 0.86], end=9.0)
    rows = (
        RiskRow(name="High", colour=None, cells=(100, 93, 88, 60), y=0.0),
        RiskRow(name="Low", colour=None, cells=(100, 40, 5, 0), y=20.0),
    )
    hints = tuple(ArmHint(name=str(r.name), where="risk-table", n=100) for r in rows)
    panel = TracedPanel(curves=(traced(), traced()), line_width=2.0, warnings=())
    found = match_arms(panel, hints, rows, [high, curve(steep, end=9.0)], (0.0, 3.0, 6.0, 9.0))
    assert (found.hints == (0, 1)) is sure
    assert any("not certain" in w for w in found.warnings) is not sure


@pytest.mark.parametrize(("key", "doubted"), [((0, 0, 0), False), ((70, 70, 70), False), ((160, 160, 210), True)])
def test_a_line_that_has_not_the_colour_of_its_key_is_not_certain(key: tuple[int, int, int], doubted: bool) -> None:
    panel = TracedPanel(curves=(traced(hint=0),), line_width=2.0, warnings=())
    found = match_arms(panel, (ArmHint(name="Low risk", colour=key),), (None,), [curve([1, 0.9])], ())
    assert any("not the colour of its key" in w and "not certain" in w for w in found.warnings) is doubted


@pytest.mark.parametrize(("text", "name"), [("0.94)", False), ("< 0.05", False), ("(0.7)", True), ("0.94) mg", True), ("Arm 2", True)])
def test_the_end_of_a_printed_interval_is_no_name(text: str, name: bool) -> None:
    assert is_name(text) is name


def test_a_name_that_lost_its_later_words_is_that_of_the_table() -> None:
    rows = (
        RiskRow(name="MRD negative", colour=BLUE, cells=(58, 46), y=1.0),
        RiskRow(name="MRD positive", colour=ORANGE, cells=(77, 60), y=2.0),
    )
    hints = [ArmHint(name="MRD", colour=ORANGE), ArmHint(name="MRD", colour=BLUE)]
    joined, _, _ = join_names(hints, RiskTable(times=np.array([0.0, 6.0]), rows=rows))
    assert [h.name for h in joined] == ["MRD positive", "MRD negative"]
