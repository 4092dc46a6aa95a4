"""Axes, text and at-risk table of raster figures against figures drawn here, whose axes in pixels matplotlib knows."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.figures.marks import AxisPoint, Marks
from nextarm.figures.raster.calibrate import CalibratedPanel, calibrate
from nextarm.figures.raster.read import read_raster
from raster_figures import AT_RISK, CURVES, Drawn, draw


def errors(panel: CalibratedPanel, drawn: Drawn) -> tuple[float, float]:
    """Errors of the time axis (as a share of 24) and of S, at the ends of the axes."""
    x0, x24 = drawn.zero[0], drawn.zero[0] + 24 * (drawn.one[0] - drawn.zero[0])
    p = panel.panel
    ex = max(abs(float(p.x.value(x0))), abs(float(p.x.value(x24)) - 24)) / 24
    s0, s1 = (1.0, 0.0) if p.upward else (0.0, 1.0)
    ey = max(abs(float(p.y.value(drawn.zero[1])) - s0), abs(float(p.y.value(drawn.one[1])) - s1))
    return ex, ey


@pytest.mark.parametrize(
    "style",
    [
        {}, {"percent": True, "frame": "l"}, {"upward": True}, {"frame": "none", "grey": True}, {"y_min": 0.2, "jpeg": 50},
        {"ticks": (0, 4, 8, 12, 16, 20, 22, 24), "table": False}, {"legend": False, "x_label": "Years since randomization"},
    ],
    ids=str,
)  # fmt: skip
def test_axes_direction_unit_and_names(style):
    drawn = draw(**style)
    (panel,) = calibrate(drawn.rgb)
    ex, ey = errors(panel, drawn)
    assert ex < 0.002  # lines are rounded to whole pixels when drawn: up to one pixel of 600
    assert ey < 0.0035
    assert panel.panel.upward == style.get("upward", False)
    assert panel.percent == style.get("percent", False)
    assert panel.unit == ("years" if "Years" in style.get("x_label", "") else "months")
    if style.get("legend", True) or style.get("table", True):
        assert sorted(h.name for h in panel.panel.arm_hints) == ["Control", "Treatment"]
        assert panel.panel.n_arms == 2


def test_at_risk_cells_and_blank_stays_missing():
    (panel,) = calibrate(draw().rgb)
    rows = {h.name: r.cells for h, r in zip(panel.panel.arm_hints, panel.rows, strict=True)}
    assert {k: list(v) for k, v in rows.items()} == AT_RISK


def test_panels_side_by_side_are_listed():
    panels = calibrate(draw(panels=2, table=False).rgb)
    assert len(panels) == 2
    assert panels[0].panel.right < panels[1].panel.left


def test_two_labels_and_points_by_hand_give_the_axis():
    drawn = draw(table=False)
    rgb = drawn.rgb.copy()
    rgb[:, :132] = 255  # the labels of the survival axis are gone
    step = drawn.one[0] - drawn.zero[0]
    marks = Marks(
        x_axis=(AxisPoint(pixel=drawn.zero[0], value=0), AxisPoint(pixel=drawn.zero[0] + 24 * step, value=24)),
        y_axis=(AxisPoint(pixel=drawn.zero[1], value=0), AxisPoint(pixel=drawn.one[1], value=1)),
    )
    (panel,) = calibrate(rgb, marks)
    assert max(errors(panel, drawn)) < 1e-9


def test_whole_figure_curves_names_and_table():
    drawn = draw()
    reading = read_raster(drawn.rgb)
    t = np.linspace(0, 22.5, 901)
    assert reading.time_unit == "months"
    assert sorted(c.arm for c in reading.curves) == sorted(CURVES)
    for c in reading.curves:
        times, s = CURVES[c.arm]
        truth = s[np.searchsorted(times, t, side="right") - 1]
        assert np.abs(c.survival_at(t) - truth).mean() < 0.003
        assert [None if np.isnan(v) else int(v) for v in c.at_risk] == AT_RISK[c.arm]
        assert c.survival[0] == 1.0
        assert np.all(np.diff(c.survival) <= 0)
        assert np.all(np.diff(c.time) >= 0)


@pytest.mark.parametrize("percent", [False, True])
def test_labels_that_run_upwards_beside_the_axis_are_read(percent):
    """As R's plot draws them."""
    drawn = draw(turned=True, percent=percent)
    (panel,) = calibrate(drawn.rgb)
    x, y = errors(panel, drawn)
    assert x < 1e-3
    assert y < 2e-3
    assert panel.percent is percent
    assert [h.name for h in panel.panel.arm_hints] == ["Control", "Treatment"]


def test_time_labels_that_run_upwards_are_read():
    """As R's plot draws them with las = 2: read digit by digit the axis would be ten times too short."""
    drawn = draw(across=True, ticks=(0, 4, 8, 12, 16, 20, 24), table=False)
    (panel,) = calibrate(drawn.rgb)
    assert max(errors(panel, drawn)) < 2e-3
    assert panel.x_fit.values.tolist() == [0, 4, 8, 12, 16, 20, 24]


def test_a_table_inside_the_panel_is_no_curve_and_no_legend():
    reading = read_raster(draw(inner=True, table=False).rgb)
    assert sorted(c.arm for c in reading.curves) == ["Control", "Treatment"]
    for c in reading.curves:
        t = np.linspace(0, 22, 500)
        when, s = CURVES[c.arm]
        assert np.abs(c.survival_at(t) - s[np.searchsorted(when, t, side="right") - 1]).mean() < 0.003
