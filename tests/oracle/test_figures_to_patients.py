"""From a picture to patients where a step, a mark or the end of a line read from it cannot be right: worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nextarm import reconstruct
from nextarm.core.errors import RefusedError
from nextarm.core.trail import Trail
from nextarm.figures import FigureReading
from nextarm.figures.reading import AxisReading, Box, CurveReading


def reading(ticks: list[float]) -> FigureReading:
    """20 patients, S falls to 0.75 at 12 months, 15 at risk at 24: five deaths leave no room for a censoring before 24."""

    def axis(pixels: list[float], values: list[float], slope: float, intercept: float) -> AxisReading:
        return AxisReading(
            label=None,
            unit=None,
            pixels=np.array(pixels),
            values=np.array(values),
            slope=slope,
            intercept=intercept,
            residual_px=0.0,
            percent=False,
        )

    curve = CurveReading(
        arm="A", named_by="legend", colour="#ff0000", dash="solid", time=np.array([0.0, 12.0, 30.0]), survival=np.array([1.0, 0.75, 0.5]),
        end_time=48.0, ticks=np.array(ticks), tick_low=np.ones(len(ticks), int), tick_high=np.ones(len(ticks), int),
        at_risk_times=np.array([0.0, 24.0]), at_risk=np.array([20.0, 15.0]), band=np.full(3, 0.001),
    )  # fmt: skip
    return FigureReading(
        trail=Trail(method="made"), curves=(curve,), x_axis=axis([100, 700], [0, 60], 0.1, -10.0), y_axis=axis([450, 50], [0, 1], -1 / 400, 1.125),
        upward=False, box=Box(left=100, top=50, right=700, bottom=450), file_kind="png", method="raster", width=800, height=500,
        time_unit="months", grade="B",
    )  # fmt: skip


def test_marks_that_cannot_be_are_left_out_and_said() -> None:
    made = reconstruct(reading([4.0, 5.0, 6.0, 7.0, 8.0, 9.0]), seed=1)
    assert "arm A: 6 of the censoring marks read are more than the numbers at risk leave, and were left out" in made.warnings
    years = made.patients.time
    assert int(((made.patients.event == 1) & (years < 2.0)).sum()) == 5
    assert int(((made.patients.event == 0) & (years < 2.0)).sum()) == 0


def test_marks_that_fit_are_kept_without_a_word() -> None:
    made = reconstruct(reading([40.0, 44.0]), seed=1)
    assert not any("left out" in said for said in made.warnings)
    censored = made.patients.time[made.patients.event == 0] * 12.0
    assert np.abs(censored - 40.0).min() < 0.01


def test_marks_that_the_user_gives_are_not_left_out() -> None:
    with pytest.raises(RefusedError, match="at every tick"):
        reconstruct(reading([]), seed=1, ticks={"arm": ["A"] * 6, "time": [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]})


def other(
    times: list[float], levels: list[float], *, end: float, rows: dict[float, float], ticks: list[float] | None = None, low: float = 0.0
) -> FigureReading:
    """A picture of 1 px = 0.1 months and 0.0025 of S, 60 months wide, its axis from S = 1 down to ``low``."""
    read = reading(ticks or [])
    curve = replace(
        read.curves[0], time=np.array(times), survival=np.array(levels), end_time=end, band=np.full(len(times), 0.001), time_band=0.05,
        at_risk_times=np.array(list(rows)), at_risk=np.array(list(rows.values())),
    )  # fmt: skip
    return replace(read, curves=(curve,), box=replace(read.box, bottom=50 + 400 * (1 - low)))


def deaths(read: FigureReading) -> list[float]:
    """Times of the deaths rebuilt, in months."""
    made = reconstruct(read, seed=1).patients
    return sorted((made.time[made.event == 1] * 12.0).round(1).tolist())


def test_a_drop_spread_over_two_columns_of_pixels_is_one_death() -> None:
    # 20 at risk: one death is 0.05, so 0.98 and 0.95 within a pixel are one, and 0.02 alone is none.
    read = other([0.0, 11.98, 12.04, 30.0, 40.0], [1.0, 0.98, 0.95, 0.93, 0.9], end=48.0, rows={0.0: 20.0, 36.0: 19.0})
    assert deaths(read) == [12.0, 40.0]


def test_a_mark_a_pixel_beyond_an_at_risk_time_counts_where_the_table_has_room() -> None:
    # 20, then 18 at 24 months: a death at 12 and one censored before 24, its mark read at 24.05; and none after.
    read = other([0.0, 12.0, 40.0], [1.0, 0.95, 0.95 * 17 / 18], end=48.0, rows={0.0: 20.0, 24.0: 18.0, 48.0: 17.0}, ticks=[24.05])
    made = reconstruct(read, seed=1)
    assert not any("left out" in said for said in made.warnings)
    censored = made.patients.time[made.patients.event == 0] * 12.0
    assert censored.min() == pytest.approx(24.0, abs=0.01)
    assert int((censored < 24.0).sum()) == 1


def test_a_line_that_ends_in_a_drop_with_nobody_left_is_the_death_of_the_last() -> None:
    # The last of 4 is seen to fall by 0.1 only, where one death is 0.25: the frame hides the rest.
    read = other([0.0, 6.0, 12.0, 18.0, 30.0], [1.0, 0.75, 0.5, 0.25, 0.15], end=30.2, rows={0.0: 4.0, 24.0: 1.0, 36.0: float("nan")})
    assert deaths(read) == [6.0, 12.0, 18.0, 30.0]


def test_patients_of_a_curve_that_leaves_the_axis_are_censored_there_and_it_is_said() -> None:
    # 10 at risk, five deaths to 0.5; at 30 months the line meets the bottom of an axis from 0.45, and 3 are at risk at 36.
    read = other(
        [0.0, 6.0, 30.0], [1.0, 0.5, 0.4525], end=30.1, rows={0.0: 10.0, 24.0: 5.0, 36.0: 3.0}, low=0.45
    )  # fmt: skip
    made = reconstruct(read, seed=1)
    assert "arm A: the curve leaves the axis at 30: patients followed beyond are censored there" in made.warnings
    assert deaths(read) == [6.0] * 5 + [30.0]
    assert (made.patients.time[made.patients.event == 0] * 12.0).round(6).tolist() == [30.0] * 4


def test_a_line_that_stops_at_the_bottom_of_a_truncated_axis_while_the_table_goes_on_is_not_drawn_on() -> None:
    # 10 at risk, five deaths to 0.5; the line stops at 20 months near the end of an axis from 0.48, and 3 are at risk at 36.
    rows = {0.0: 10.0, 36.0: 3.0}
    made = reconstruct(other([0.0, 6.0], [1.0, 0.5], end=20.0, rows=rows, low=0.48), seed=1)
    assert "arm A: the curve leaves the axis at 20: patients followed beyond are censored there" in made.warnings
    assert (made.patients.time * 12.0).max() == pytest.approx(20.0)
    whole = reconstruct(other([0.0, 6.0], [1.0, 0.5], end=20.0, rows=rows, low=0.0), seed=1)
    assert (whole.patients.time * 12.0).max() == pytest.approx(36.0)
