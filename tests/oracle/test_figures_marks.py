"""Every mark made by hand comes back from its file as it was, and does what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from figures_as_text import COLOURS, document, exponential_arm, px, svg
from nextarm.core.errors import CallError
from nextarm.figures import adjust, draft, dump_marks, load_marks, read_adjustment
from nextarm.figures.marks import AxisPoint, CurveMark, Marks
from nextarm.figures.raster.calibrate import in_region
from nextarm.figures.raster.frame import Frame
from nextarm.figures.read_file import read_file
from nextarm.figures.reading import FigureReading, FigureRefused

ARMS = [exponential_arm("Control", 30), exponential_arm("New drug", 20, median=30.0)]
FULL = Marks(
    region=(80, 40, 560.5, 360), exclude=((430, 50, 560, 90), (1, 2, 3, 4)),
    x_axis=(AxisPoint(pixel=80.25, value=0), AxisPoint(pixel=560, value=60)), y_axis=(AxisPoint(pixel=360, value=0), AxisPoint(pixel=40, value=100)),
    time_unit="months", percent=True, upward=False,
    curves=(CurveMark(arm="Ä \"quoted\"", colour="#d62728", dash="dash-dotted", points=((100.5, 60), (200, 90))), CurveMark()),
)  # fmt: skip


def read(figure: str, marks: Marks | None = None, **options: int) -> FigureReading:
    return read_file(figure.encode(), kind="svg", marks=marks, **options)[0]


def test_a_marks_file_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    path.write_text(dump_marks(FULL), encoding="utf-8")
    assert load_marks(path) == FULL
    assert set(json.loads(path.read_text(encoding="utf-8"))) == set(Marks.model_fields)


@pytest.mark.parametrize("field", [f for f in Marks.model_fields if f not in ("format", "version")])
def test_every_field_comes_back_alone(tmp_path: Path, field: str) -> None:
    one = Marks.model_validate({field: getattr(FULL, field)})
    (tmp_path / "m.json").write_text(dump_marks(one), encoding="utf-8")
    assert load_marks(tmp_path / "m.json") == one


def test_one_marked_axis_goes_with_the_other_as_read() -> None:
    marks = Marks(x_axis=(AxisPoint(pixel=80, value=0), AxisPoint(pixel=560, value=5)), time_unit="years")
    found = read(svg(ARMS), marks)
    np.testing.assert_allclose(found.curves[0].time, np.array(ARMS[0].time) / 12, atol=1e-3)
    assert (found.x_axis.source, found.y_axis.source, found.time_unit) == ("marks", "text", "years")


def test_marked_points_off_a_line_make_the_grade_d() -> None:
    even, uneven = (tuple(AxisPoint(pixel=p, value=v) for p, v in ((80, 0), (at, 30), (560, 60))) for at in (320, 326))
    assert read(svg(ARMS), Marks(x_axis=even)).grade == "A"
    found = read(svg(ARMS), Marks(x_axis=uneven))
    assert found.grade == "D"
    assert "time axis lie up to 4.0 px (0.8 %) off one straight line" in found.warnings[-1]
    assert found.axis_doubts == found.warnings[-1:]
    changes = draft(found).model_dump()
    changes["x_axis"][1]["pixel"] = 320.0  # mended by hand, without reading again
    mended = adjust(found, read_adjustment(changes))
    assert (mended.grade, mended.warnings) == ("A", found.warnings[:-1])
    assert FigureReading.from_json(found.to_json()).undoubted == "A"


def test_marked_points_of_survival_off_a_line_are_mended_too() -> None:
    uneven = tuple(AxisPoint(pixel=p, value=v) for p, v in ((360, 0), (205, 0.5), (40, 1)))
    found = read(svg(ARMS), Marks(y_axis=uneven))
    assert found.grade == "D"
    changes = draft(found).model_dump()
    changes["y_axis"] = [{"pixel": p, "value": v} for p, v in ((360.0, 0.0), (200.0, 0.5), (40.0, 1.0))]
    assert adjust(found, read_adjustment(changes)).grade in ("A", "B")


def test_marked_percent_settles_the_scale() -> None:
    half = svg([exponential_arm("Control", 30)], percent=True)
    np.testing.assert_allclose(read(half, Marks(percent=True)).curves[0].survival, exponential_arm("Control", 30).survival, atol=5e-5)


def test_marked_upward_settles_the_direction() -> None:
    found = read(svg(ARMS, upward=True), Marks(upward=True))
    assert found.upward
    np.testing.assert_allclose(found.curves[0].survival, ARMS[0].survival, atol=5e-5)
    with pytest.raises(FigureRefused):
        read(svg(ARMS, upward=True), Marks(upward=False))


def test_a_marked_region_chooses_the_panel() -> None:
    figure = document(svg(ARMS, wrap=False) + svg(ARMS[1:], wrap=False, shift=640.0), width=1260)
    found = read(figure, Marks(region=(715, 35, 1205, 365)))
    assert [c.arm for c in found.curves] == ["New drug"]


def test_a_place_without_curves_is_left_out() -> None:
    (x1, y1), (x2, y2) = px(0, 1), px(40, 0.97)
    flat = f'<polyline points="{x1},{y1} {x2},{y1} {x2},{y2} {x2 + 60},{y2}" fill="none" stroke="#2ca02c" stroke-width="1.5"/>'
    assert len(read(svg(ARMS, extra=flat)).curves) == 3
    assert len(read(svg(ARMS, extra=flat), Marks(exclude=((x1 - 1, y1 - 2, x2 + 61, y2 + 2),))).curves) == 2


def test_curves_are_chosen_by_colour_dash_and_point_in_their_order() -> None:
    black = svg(ARMS, black=True, dashes=True, legend=False, table=False)
    assert [c.arm for c in read(black, Marks(curves=(CurveMark(arm="B", dash="dashed"), CurveMark(arm="A", dash="solid")))).curves] == [
        "B",
        "A",
    ]
    level = float(np.array(ARMS[1].survival)[np.searchsorted(ARMS[1].time, 20.0, side="right") - 1])
    pointed = Marks(curves=(CurveMark(arm="B", points=(px(20.0, level),)), CurveMark(arm="rest")))
    found = read(black, pointed)
    assert [c.arm for c in found.curves] == ["B", "rest"]
    np.testing.assert_allclose(found.curves[0].survival, ARMS[1].survival, atol=5e-5)
    assert [c.arm for c in read(svg(ARMS), Marks(curves=(CurveMark(arm="one", colour=COLOURS[1]),))).curves] == ["one"]


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (Marks(curves=(CurveMark(colour="#00ff00"),)), "no curve of the colour #00ff00"),
        (Marks(curves=(CurveMark(points=((300.0, 355.0),)),)), r"no curve at \(300"),
        (Marks(curves=(CurveMark(dash="dotted"),)), "no curve that is dotted"),
        (Marks(curves=(CurveMark(arm="A"),)), "1 curves are marked without colour"),
    ],
)
def test_a_marked_curve_that_is_not_there_is_refused(marks: Marks, words: str) -> None:
    with pytest.raises(FigureRefused, match=words) as caught:
        read(svg(ARMS), marks)
    assert caught.value.problems[0].cure


def test_a_drawing_has_one_page() -> None:
    with pytest.raises(CallError, match="page = 2"):
        read(svg(ARMS), page=2)


def test_the_region_of_a_picture_is_its_panel_or_refused() -> None:
    frame = Frame(left=100.0, top=50.0, right=500.0, bottom=400.0, drawn=(True,) * 4, background=(255, 255, 255))
    assert in_region(frame, (110.0, 60.0, 450.0, 390.0), ()).right == 450.0
    with pytest.raises(FigureRefused, match="holds no panel whose axes were read"):
        in_region(frame, (600.0, 50.0, 900.0, 400.0), ())
