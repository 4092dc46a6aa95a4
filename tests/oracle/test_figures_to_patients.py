"""From a figure to patients where a mark read from it cannot be right: worked out by hand."""

from __future__ import annotations

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
    assert any("arm A: the censoring marks read from the figure do not fit its curve" in said for said in made.warnings)
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
