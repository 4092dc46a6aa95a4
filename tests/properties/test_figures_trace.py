"""What must hold for every traced figure, whatever its curves."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from figures_drawn import Drawn
from nextarm.figures.raster.panel import ArmHint
from nextarm.figures.raster.trace import UNSURE, trace_curves

Curve = tuple[list[float], list[float]]
BLUE, ORANGE, BLACK = (31, 119, 180), (255, 127, 14), (0, 0, 0)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Up to nine drops at times a tenth apart, from 1 to at least 0.05."""
    times = sorted(draw(st.sets(st.integers(2, 95), min_size=2, max_size=9)))
    drops = draw(st.lists(st.floats(0.02, 0.3), min_size=len(times), max_size=len(times)))
    return [t / 10 for t in times], list(np.cumprod([1 - d for d in drops]))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(first=curves(), second=curves())
def test_curves_are_monotone_and_stay_within_the_panel(first: Curve, second: Curve) -> None:
    figure = Drawn(columns=300, rows=220)
    figure.frame()
    figure.curve(*first, BLUE)
    figure.curve(*second, ORANGE)
    panel = figure.panel()
    for curve in trace_curves(figure.image(), panel).curves:
        assert (np.diff(curve.y) >= 0).all()
        assert (np.diff(curve.x) >= 0).all()
        assert curve.x.size == curve.y.size == curve.uncertainty.size
        assert curve.x[0] >= panel.left - 1
        assert curve.end <= panel.right + 2
        assert curve.y[0] >= panel.top - 1e-6
        assert curve.y[-1] <= panel.bottom + 1
        assert (curve.uncertainty > 0).all()
        assert ((curve.ticks >= panel.left - 1) & (curve.ticks <= panel.right + 2)).all()


@settings(max_examples=5, deadline=None, derandomize=True)
@given(only=curves())
def test_the_colour_does_not_matter(only: Curve) -> None:
    found = []
    for colour in (BLUE, (44, 120, 44), BLACK):
        figure = Drawn(columns=300, rows=220)
        figure.frame((90, 90, 90))
        figure.curve(*only, colour)
        (curve,) = trace_curves(figure.image(), figure.panel()).curves
        found.append((curve.x, curve.y))
    grid = np.linspace(35, 275, 400)
    heights = [y[np.clip(np.searchsorted(x, grid, side="right") - 1, 0, None)] for x, y in found]
    assert np.abs(heights[0] - heights[1]).mean() < 0.25
    assert np.abs(heights[0] - heights[2]).mean() < 0.25


def test_hints_name_the_curves_and_are_not_needed() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve([2.0, 5.0], [0.9, 0.7], BLUE)
    figure.curve([1.0, 4.0], [0.7, 0.3], ORANGE)
    hints = (ArmHint(name="control", colour=(250, 130, 20)), ArmHint(name="new", colour=(30, 120, 185)))
    with_hints = trace_curves(figure.image(), figure.panel(), hints=hints)
    assert [c.hint for c in with_hints.curves] == [1, 0]
    without = trace_curves(figure.image(), figure.panel())
    assert [c.hint for c in without.curves] == [None, None]
    for a, b in zip(with_hints.curves, without.curves, strict=True):
        np.testing.assert_allclose(a.y, b.y)


def test_crossing_black_curves_are_said_to_be_uncertain() -> None:
    figure = Drawn()
    figure.frame()
    figure.curve([1.0, 2.0, 6.0, 8.0], [0.7, 0.6, 0.55, 0.5], BLACK)
    figure.curve([2.5, 5.0, 7.0], [0.9, 0.5, 0.2], BLACK)
    traced = trace_curves(figure.image(), figure.panel())
    assert len(traced.curves) == 2
    assert UNSURE in traced.warnings
    assert all(UNSURE in c.warnings for c in traced.curves)
