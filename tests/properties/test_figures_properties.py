"""What holds of any drawing: the reading is a survival curve, and does not depend on how the drawing is placed, scaled or written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from figures_as_text import Arm, document, svg
from nextarm.core.errors import DataError
from nextarm.figures.read_file import read_file
from nextarm.figures.vector.css import colour, length
from nextarm.figures.vector.numbers import value_of
from nextarm.figures.vector.svg_shapes import path_data, transform
from nextarm.figures.vector.xml_reader import read_xml

pytest.importorskip("PIL")


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    steps = draw(st.integers(2, 40))
    gaps = np.array(draw(st.lists(st.floats(0.05, 3.0), min_size=steps, max_size=steps)))
    falls = np.array(draw(st.lists(st.floats(0.005, 1.0), min_size=steps, max_size=steps)))
    time = np.cumsum(gaps) * min(1.0, 55 / gaps.sum())
    depth = draw(st.floats(0.1, 1.0))
    survival = 1 - depth * np.cumsum(falls) / falls.sum()
    return Arm("Control", (0.0, *time.tolist()), (1.0, *np.clip(survival, 0, 1).tolist()), min(58.0, float(time[-1]) + 2.0))


@settings(max_examples=40, deadline=None)
@given(arms(), st.booleans(), st.booleans(), st.floats(0.3, 4.0), st.floats(-200, 200))
def test_any_step_curve_comes_back_wherever_it_stands(arm: Arm, broken: bool, upward: bool, grow: float, shift: float) -> None:
    body = f'<g transform="translate({shift:.3f} {-shift / 2:.3f}) scale({grow:.4f})">{svg([arm], broken=broken, upward=upward, table=False, wrap=False)}</g>'
    curve = read_file(document(body).encode(), kind="svg")[0].curves[0]
    assert curve.time[0] == 0.0
    assert curve.survival[0] == 1.0
    assert np.all(np.diff(curve.time) > 0)
    assert np.all(np.diff(curve.survival) <= 0)
    assert curve.survival.min() >= 0.0
    # Steps of less than the file's rounding may be one; away from steps the level is the true one.
    grid = np.linspace(0.01, arm.end - 0.01, 400)
    far = np.abs(grid[:, None] - np.array(arm.time)[None, :]).min(axis=1) > 0.02
    want = np.array(arm.survival)[np.searchsorted(arm.time, grid, side="right") - 1]
    np.testing.assert_allclose(curve.survival_at(grid)[far], want[far], atol=1.5e-3 if grow < 1 else 5e-4)


@given(st.text(max_size=60))
def test_small_parsers_take_any_text(text: str) -> None:
    value_of(text)
    colour(text)
    assert np.isfinite(length(text))
    assert np.isfinite(transform(text)).all()
    for points, _ in path_data(text):
        assert np.isfinite(points).all()


@given(st.lists(st.sampled_from(["M", "L", "h", "V", "c", "S", "q", "T", "a", "z", "1", "-2.5", ".5", "1e3", ",", " "]), max_size=60))
def test_any_path_is_read_to_its_first_error(tokens: list[str]) -> None:
    for points, _ in path_data(" ".join(tokens)):
        assert points.ndim == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_xml_or_a_message(data: bytes) -> None:
    try:
        read_xml(data)
    except DataError as error:
        assert "drawing" in str(error)  # noqa: PT017 (either outcome is right)


@pytest.mark.parametrize(
    ("words", "value"),
    [("0.25", 0.25), ("75%", 75.0), ("75 %", 75.0), ("1,000", 1000.0), ("0,5", 0.5), (".5", 0.5), ("−3", -3.0), ("12 m", None), ("", None), ("1.2.3", None), ("p", None)],
)  # fmt: skip
def test_numbers_as_they_are_printed(words: str, value: float | None) -> None:
    assert value_of(words) == value
