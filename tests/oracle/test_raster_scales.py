"""Axes with two scales, and axes whose marks and labels disagree, in figures drawn here, whose true positions are known."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.figures.marks import AxisPoint, Marks
from nextarm.figures.raster.read import read_raster
from nextarm.figures.reading import FigureRefused
from raster_figures import CURVES, draw

#: Drawn 0, 0.2 ... 1 in even steps and printed so: above the break at 0.2 a drawn value s means 0.6 + (s - 0.2) / 2.
BROKEN_Y = ("0", "0.6", "0.7", "0.8", "0.9", "1.0")
#: Drawn 0, 4 ... 24 and printed so: the first four are as drawn, then another scale begins.
BROKEN_X = ("0", "4", "8", "12", "24", "48", "72")


@pytest.mark.parametrize("percent", [False, True])
def test_a_survival_axis_from_0_then_60_is_read_above_its_break(percent):
    printed = tuple(f"{100 * float(v):.0f}" for v in BROKEN_Y) if percent else BROKEN_Y
    reading = read_raster(draw(y_printed=printed, frame="l").rgb)
    assert any("survival axis is broken (0 at its lower end)" in w for w in reading.warnings)
    assert reading.grade != "A"
    times, drawn = CURVES["Treatment"]  # 0.6 at its lowest as drawn: all above the break
    curve = next(c for c in reading.curves if c.arm == "Treatment")
    middle = (times + np.r_[times[1:], 23.0]) / 2
    assert np.abs(curve.survival_at(middle) - (0.6 + (drawn - 0.2) / 2)).max() < 0.003


def test_a_time_axis_that_changes_its_scale_is_read_up_to_there():
    reading = read_raster(draw(x_printed=BROKEN_X, frame="l").rgb)
    assert any("another scale further on (24, 48, 72)" in w for w in reading.warnings)
    for curve in reading.curves:
        times, levels = CURVES[curve.arm]
        before = np.flatnonzero(times < 12)
        assert curve.end_time == pytest.approx(12, abs=0.06)
        middle = (times[before] + np.minimum(np.r_[times[1:], 23.0][before], 12.0)) / 2
        assert np.abs(curve.survival_at(middle) - levels[before]).max() < 0.005
        assert curve.at_risk_times.max() == 12


def test_a_first_stretch_with_two_labels_is_refused_and_read_with_marks_by_hand():
    drawn = draw(x_printed=("0", "4", "8", "20", "32", "44", "56"), frame="l", table=False)  # from 8 on a step of 12
    with pytest.raises(FigureRefused, match="the time axis changes its scale: 0, 4, 8, 20") as refusal:
        read_raster(drawn.rgb)
    assert "region up to the break" in str(refusal.value)
    right = drawn.zero[0] + 8 * (drawn.one[0] - drawn.zero[0])
    marks = Marks(
        x_axis=(AxisPoint(pixel=drawn.zero[0], value=0), AxisPoint(pixel=right, value=8)),
        region=(drawn.zero[0], drawn.one[1], right, drawn.zero[1]),
    )
    reading = read_raster(drawn.rgb, marks)
    for curve in reading.curves:
        times, levels = CURVES[curve.arm]
        middle = (times + np.r_[times[1:], 23.0]) / 2
        assert curve.end_time == pytest.approx(8, abs=0.06)
        assert np.abs(curve.survival_at(middle[:2]) - levels[:2]).max() < 0.005


def test_marks_and_labels_of_two_scales_are_refused():
    with pytest.raises(FigureRefused, match="tick marks and labels of the time axis contradict each other"):
        read_raster(draw(x_marks=tuple(np.arange(0, 24, 3.3)), frame="l").rgb)


def test_labels_between_their_marks_are_doubted_and_the_axis_by_hand_settles_it():
    drawn = draw(x_marks=(2, 6, 10, 14, 18, 22), frame="l")
    reading = read_raster(drawn.rgb)
    assert any("the time axis is not certain: its labels stand" in w for w in reading.warnings)
    assert reading.grade in ("C", "D")
    per_unit = drawn.one[0] - drawn.zero[0]
    marks = Marks(x_axis=tuple(AxisPoint(pixel=drawn.zero[0] + per_unit * v, value=v) for v in (0, 24)))
    assert not any("not certain: its labels" in w for w in read_raster(drawn.rgb, marks).warnings)


@pytest.mark.parametrize("marks", [(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24), (0, 8, 16, 24)], ids=["twice as many", "half as many"])
def test_marks_between_labels_or_at_every_other_one_are_not_doubted(marks):
    reading = read_raster(draw(x_marks=marks, frame="l").rgb)
    assert not any("certain" in w or "contradict" in w for w in reading.warnings)
