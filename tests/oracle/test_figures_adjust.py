"""Corrections by hand: unchanged positions give the reading back, moved ones the values that the axis says, worked out plainly."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nextarm import verbs
from nextarm.core.errors import CallError, DataError
from nextarm.core.trail import Trail
from nextarm.figures import FigureReading
from nextarm.figures.reading import AxisReading, Box, CurveReading


def reading(*, upward: bool = False, percent: bool = False) -> FigureReading:
    """Time 0 to 60 on pixels 100 to 700, survival 1 to 0 on pixels 50 to 450."""

    def axis(pixels: list[float], values: list[float], slope: float, intercept: float, *, percent: bool = False) -> AxisReading:
        places = np.array(pixels), np.array(values)
        return AxisReading(
            label=None, unit=None, pixels=places[0], values=places[1], slope=slope, intercept=intercept, residual_px=0.0, percent=percent
        )

    curve = CurveReading(
        arm="A", named_by="legend", colour="#ff0000", dash="solid", time=np.array([0.0, 12.0, 30.0]), survival=np.array([1.0, 0.75, 0.5]),
        end_time=48.0, ticks=np.array([20.0, 40.0]), tick_low=np.array([1, 2]), tick_high=np.array([1, 3]),
        at_risk_times=np.array([0.0, 24.0]), at_risk=np.array([20.0, np.nan]), band=np.full(3, 0.001),
    )  # fmt: skip
    y = axis([450, 50], [0, 1], -1 / 400, 1.125, percent=percent) if not upward else axis([450, 50], [0, 1], -1 / 400, 1.125)
    return FigureReading(
        trail=Trail(method="made"), curves=(curve,), x_axis=axis([100, 400, 700], [0, 30, 60], 0.1, -10.0), y_axis=y, upward=upward,
        box=Box(left=100, top=50, right=700, bottom=450), file_kind="svg", method="vector", width=800, height=500, time_unit="months", grade="A",
    )  # fmt: skip


@pytest.mark.parametrize("upward", [False, True])
def test_positions_left_alone_give_the_reading_back(upward: bool) -> None:
    made = reading(upward=upward)
    assert verbs.adjust_figure(made, verbs.draft_figure(made)) == made
    x, y = verbs.draft_figure(made)["curves"][0]["corners"][1]
    assert x == pytest.approx(220)
    assert y == pytest.approx(350 if upward else 150)  # 1 - S = 0.25 drawn, or S = 0.75


def test_an_axis_point_moves_every_value_by_least_squares() -> None:
    made, changes = reading(), verbs.draft_figure(reading())
    changes["x_axis"][2]["pixel"] = 730.0
    found = verbs.adjust_figure(made, changes)
    pixels, values = np.array([100.0, 400.0, 730.0]), np.array([0.0, 30.0, 60.0])
    slope, intercept = np.linalg.lstsq(np.c_[pixels, np.ones(3)], values, rcond=None)[0]
    assert found.x_axis.slope == pytest.approx(slope)
    assert found.curves[0].time[1] == pytest.approx(slope * 220 + intercept)
    away = (values - intercept) / slope - pixels
    assert verbs.residuals(found)["x_axis"] == pytest.approx(away, abs=1e-3)
    assert found.x_axis.residual_px == pytest.approx(np.abs(away).max())
    assert found.x_axis.source == "marks"
    assert "time axis" in found.trail.assumptions[0]
    assert made.trail.assumptions == ()
    assert found.grade == "D"  # 14.6 px, 2.3 % of the axis
    assert f"time axis lie up to {np.abs(away).max():.1f} px" in found.warnings[-1]


def test_the_grade_falls_where_axis_points_leave_a_line_and_not_before() -> None:
    made, changes = reading(), verbs.draft_figure(reading())
    changes["x_axis"][1]["pixel"] = 404.0  # by hand, and 2.7 px from the line through all
    assert verbs.adjust_figure(made, changes).grade == "A"
    changes["x_axis"][1]["pixel"] = 406.0  # 4 px
    assert verbs.adjust_figure(made, changes).grade == "D"


def test_the_point_that_spoils_the_axis_is_named() -> None:
    made, changes = reading(), verbs.draft_figure(reading())
    changes["x_axis"] = [{"pixel": 100 + 120 * k, "value": 12 * k} for k in range(6)]
    changes["x_axis"][2]["value"] = 25
    found = verbs.adjust_figure(made, changes)
    assert "Check the point at 340 px, value 25: the others lie within 0.0 px" in found.warnings[-1]


def test_corners_moved_added_and_erased() -> None:
    made, changes = reading(), verbs.draft_figure(reading())
    corners = changes["curves"][0]["corners"]
    corners[1] = [250.0, 170.0]
    corners.insert(2, [300.0, 210.0])
    found = verbs.adjust_figure(made, changes).curves[0]
    assert found.time.tolist() == pytest.approx([0, 15, 20, 30])
    assert found.survival.tolist() == pytest.approx([1, 0.7, 0.6, 0.5])
    assert found.band.tolist() == pytest.approx([0.5 / 400] * 4)  # half a pixel
    assert found.tick_high.tolist() == [1, 3]
    del corners[1:3]
    found = verbs.adjust_figure(made, changes).curves[0]
    assert found.time.tolist() == pytest.approx([0, 30])


def test_names_use_and_numbers_at_risk() -> None:
    made, changes = reading(), verbs.draft_figure(reading())
    changes["curves"][0]["arm"] = "Controls"
    changes["at_risk_times"] = [24.0, 0.0, None]
    changes["at_risk"] = [[11, 20, 7]]
    found = verbs.adjust_figure(made, changes)
    assert (found.curves[0].arm, found.curves[0].named_by) == ("Controls", "marks")
    assert found.curves[0].at_risk_times.tolist() == [0, 24]
    assert found.curves[0].at_risk.tolist() == [20, 11]
    assert "numbers at risk" in found.trail.assumptions[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["curves"][0]["corners"].__setitem__(2, [300.0, 100.0]), "rises"),
        (lambda c: c["curves"][0]["corners"].__setitem__(1, [500.0, 150.0]), "left of"),
        (lambda c: c["curves"][0]["corners"].__setitem__(2, [400.0, 480.0]), "between 0 and 1"),
        (lambda c: c["curves"][0].__setitem__("on", False), "no curve is left"),
        (lambda c: c.__setitem__("at_risk", [[20, 21]]), "rise"),
        (lambda c: c.__setitem__("at_risk_times", [0.0, 0.0]), "times must differ"),
        (lambda c: c.__setitem__("x_axis", c["x_axis"][:1]), "two points"),
        (lambda c: c["x_axis"][0].__setitem__("value", 90.0), "rise to the right"),
        (lambda c: c["x_axis"][1].__setitem__("value", 60.0), "at 400 and 700 px, have one value, 60"),
        (lambda c: c["x_axis"][1].__setitem__("pixel", 700.0), "two values at 700 px, 30 and 60"),
        (lambda c: c["x_axis"][1].__setitem__("value", 50.0), "up to 133.3 px off one straight line"),
        (lambda c: c["y_axis"].append({"pixel": 250.0, "value": 0.9}), "survival axis lie up to 106.7 px off"),
        (lambda c: c["curves"].append(c["curves"][0]), "names must differ"),
        (lambda c: c["curves"][0].__setitem__("source", 7), "holds 1 curve(?!s)"),
    ],
)
def test_what_cannot_be_is_told(change: Any, told: str) -> None:
    changes = verbs.draft_figure(reading())
    change(changes)
    with pytest.raises(DataError, match=told):
        verbs.adjust_figure(reading(), changes)


@pytest.mark.parametrize(
    "changes", [[], {"x_axis": [{"pixel": "a"}]}, {"unknown": 1}, {"curves": [{"arm": ""}]}, {"x_axis": [{"pixel": float("nan")}]}]
)
def test_malformed_changes_are_told(changes: Any) -> None:
    with pytest.raises(DataError):
        verbs.check_changes(changes)


def test_marks_hold_only_what_differs() -> None:
    made, changes = reading(percent=True), verbs.draft_figure(reading(percent=True))
    assert verbs.figure_marks(changes, reading=made).model_dump(exclude_defaults=True) == {}
    changes["y_axis"][0] = {"pixel": 440.0, "value": 0.02}
    marks = verbs.figure_marks(changes, reading=made)
    assert [p.value for p in marks.y_axis] == pytest.approx([2.0, 100.0])  # as printed
    assert marks.x_axis == ()
    changes["x_axis"] = [{"pixel": 10, "value": None}, {"pixel": 20, "value": 1}]
    with pytest.raises(CallError, match="no value"):
        verbs.figure_marks(changes, reading=made)
    changes["x_axis"] = [{"pixel": 10, "value": 0}, {"pixel": 20, "value": 12}, {"pixel": 30, "value": 12}]
    with pytest.raises(CallError, match="at 20 and 30 px, have one value"):
        verbs.figure_marks(changes, reading=made)
    changes["x_axis"], changes["region"] = [], [5, 5, 1, 9]
    with pytest.raises(CallError, match="left < right"):
        verbs.figure_marks(changes, reading=made)


def test_rebuilt_patients_lie_on_the_curve_they_were_rebuilt_from() -> None:
    made = reading()
    rebuilt = verbs.reconstruct(made, n=40, at_risk=None)
    line = verbs.rebuilt_lines(made, rebuilt)["A"]
    assert line[0] == (100.0, 50.0)
    drops = [(x, y1) for (x, y0), (_, y1) in pairwise(line) if y1 > y0 + 1e-9]
    assert drops[-1][1] == pytest.approx(250, abs=400 * 0.01)  # S = 0.5
    assert min(x for x, _ in drops) == pytest.approx(220, abs=2)
