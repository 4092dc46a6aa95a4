"""Drawings made by the tests, with known truth: every drop, mark, name and printed number comes back, however it is drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from figures_as_text import BOTTOM, COLOURS, LEFT, PER_ONE, RIGHT, TOP, Arm, document, exponential_arm, page, pdf, svg
from nextarm.core.errors import CallError
from nextarm.figures.marks import AxisPoint, CurveMark, Marks
from nextarm.figures.read_file import read_file
from nextarm.figures.reading import FigureReading, FigureRefused

pytest.importorskip("pypdfium2")
pytest.importorskip("PIL")
ARMS = [exponential_arm("Control", 50), exponential_arm("New drug", 40, median=30.0)]


def read(text: str | bytes, **options: object) -> FigureReading:
    data = text.encode() if isinstance(text, str) else text
    return read_file(data, kind="pdf" if data.startswith(b"%PDF") else "svg", **options)[0]  # type: ignore[arg-type]


def check(reading: FigureReading, arms: list[Arm], *, ticks: bool = True) -> None:
    assert [c.arm for c in reading.curves] == [a.name for a in arms]
    for curve, arm in zip(reading.curves, arms, strict=True):
        assert curve.time.shape == (len(arm.time),)
        np.testing.assert_allclose(curve.time, arm.time, atol=2e-3)
        np.testing.assert_allclose(curve.survival, arm.survival, atol=5e-5)
        assert abs(curve.end_time - arm.end) < 2e-3
        assert curve.band.max() < 5e-4
        if ticks:
            np.testing.assert_allclose(curve.ticks, arm.ticks, atol=2e-3)
            assert curve.at_risk.tolist() == list(arm.at_risk)
            assert curve.at_risk_times.tolist() == [0, 12, 24, 36, 48]


@pytest.mark.parametrize(
    "options",
    [{}, {"percent": True}, {"upward": True}, {"upward": True, "percent": True}, {"broken": True}, {"dashes": True}, {"shift": 37.5}],
    ids=str,
)
def test_a_drawing_in_svg_comes_back(options: dict[str, object]) -> None:
    reading = read(svg(ARMS, **options))  # type: ignore[arg-type]
    check(reading, ARMS)
    assert reading.grade == "A"
    assert reading.time_unit == "months"
    assert reading.upward is bool(options.get("upward"))
    assert reading.y_axis.percent is bool(options.get("percent"))


def test_a_page_of_a_pdf_comes_back() -> None:
    check(read(pdf([page(ARMS)])), ARMS)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_seen(turn: int) -> None:
    """The content is turned one way and the page the other, so that the figure is seen upright."""
    width, height = (620, 500) if turn == 180 else (500, 620)
    matrix = {90: f"0 1 -1 0 {width} 0", 180: f"-1 0 0 -1 {width} {height}", 270: f"0 -1 1 0 0 {height}"}[turn]
    made = pdf([f"q {matrix} cm ".encode() + page(ARMS) + b" Q"], box=f"0 0 {width} {height}")
    check(read(made.replace(b"/Type /Page /Parent", f"/Rotate {turn} /Type /Page /Parent".encode())), ARMS)


def test_all_black_curves_are_told_by_their_dashes() -> None:
    arms = [exponential_arm("Control", 50, ticks=False), exponential_arm("New drug", 40, median=31.0, ticks=False)]
    reading = read(svg(arms, dashes=True, black=True))
    check(reading, arms, ticks=False)
    assert [c.dash for c in reading.curves] == ["solid", "dashed"]


def test_marks_where_two_black_curves_lie_on_each_other_are_not_certain() -> None:
    reading = read(svg(ARMS, dashes=True, black=True))
    assert any("not certain" in w for w in reading.warnings)
    assert reading.grade == "C"


def test_marks_on_one_place_are_counted() -> None:
    arm = dataclasses.replace(ARMS[0], ticks=(40.0, 40.0, 40.0, 45.0), at_risk=())
    curve = read(svg([arm], table=False)).curves[0]
    np.testing.assert_allclose(curve.ticks, [40.0, 45.0], atol=2e-3)
    assert curve.tick_low.tolist() == [3, 1]


def test_ribbons_limits_grids_and_help_lines_are_no_curves() -> None:
    arm = ARMS[0]
    ribbon = '<polygon points="80,40 300,120 300,200 80,60" fill="#d62728" fill-opacity="0.2"/>'
    grid = "".join(f'<line x1="80" x2="560" y1="{360 - 64 * k}" y2="{360 - 64 * k}" stroke="#eee"/>' for k in range(6))
    median = '<path d="M80 200H240V360" stroke="#000" stroke-dasharray="4" fill="none"/>'
    limits = ""
    for side in (10.0, -10.0):
        points = [(80.0, 40.0)]
        for t, before, s in zip(arm.time[1:], arm.survival, arm.survival[1:], strict=False):
            lag = 0.0 if before == 1.0 else side
            points += [(80 + 8 * t, 360 - 320 * before + lag), (80 + 8 * t, 360 - 320 * s + side)]
        limits += f'<polyline fill="none" stroke="{COLOURS[0]}" stroke-width="0.5" stroke-dasharray="2,2" points="{" ".join(f"{x:.3f},{y:.3f}" for x, y in points)}"/>'  # fmt: skip
    check(read(svg([arm], extra=ribbon + grid + median + limits)), [arm])


def test_several_panels_are_listed_and_the_one_asked_for_is_read() -> None:
    other = [exponential_arm("Control", 30), exponential_arm("New drug", 20, median=25.0)]
    body = svg(other, wrap=False) + svg(ARMS, wrap=False, shift=640.0)
    figure = document(body, width=1260)
    with pytest.raises(FigureRefused, match="holds 2 panels") as caught:
        read(figure)
    assert len(caught.value.found) == 2
    check(read(figure, panel=1), other)
    check(read(figure, panel=2), ARMS)
    with pytest.raises(CallError, match="panel = 3"):
        read(figure, panel=3)


def test_the_page_that_holds_the_figure_is_found() -> None:
    text = b"BT /F1 12 Tf 50 400 Td (Methods) Tj ET"
    reading = read(pdf([text, page(ARMS), text]))
    assert reading.page == 2
    check(reading, ARMS)
    with pytest.raises(FigureRefused, match="figures are on pages 1, 3"):
        read(pdf([page(ARMS), text, page(ARMS)]))
    check(read(pdf([page(ARMS), text, page(ARMS)]), page=3), ARMS)
    with pytest.raises(CallError, match="page = 4"):
        read(pdf([page(ARMS), text, page(ARMS)]), page=4)


def test_a_truncated_axis_is_read_as_printed() -> None:
    figure = svg([exponential_arm("Control", 50)])
    for k in range(6):  # the labels 0.0 to 1.0 become 0.5 to 1.0
        figure = figure.replace(f'class="end">{k / 5:.1f}<', f'class="end">{0.5 + k / 10:.2f}<')
    curve = read(figure).curves[0]
    want = 1 - 0.5 * (1 - np.array(exponential_arm("Control", 50).survival))
    np.testing.assert_allclose(curve.survival, want, atol=5e-5)


def test_a_blank_cell_is_missing_and_never_zero() -> None:
    figure = svg(ARMS)
    last = f'<text x="464.0" y="436.0" class="mid">{ARMS[0].at_risk[4]}</text>'
    assert last in figure
    curve = read(figure.replace(last, "")).curves[0]
    assert np.isnan(curve.at_risk[4])
    assert curve.at_risk[:4].tolist() == list(ARMS[0].at_risk[:4])


def test_no_name_is_invented() -> None:
    reading = read(svg(ARMS, legend=False, table=False))
    assert [c.named_by for c in reading.curves] == [None, None]
    assert reading.grade == "C"
    assert not any(c.at_risk.size for c in reading.curves)


def test_a_reading_is_the_same_after_json() -> None:
    reading = read(svg(ARMS))
    assert FigureReading.from_json(reading.to_json()) == reading


def without_numbers(figure: str) -> str:
    return figure.replace('class="end">', 'class="end">S').replace('class="mid">', 'class="mid">t')


def test_axes_marked_by_hand_take_the_place_of_labels() -> None:
    figure = without_numbers(svg(ARMS, table=False))
    with pytest.raises(FigureRefused, match="no number of an axis") as caught:
        read(figure)
    skeleton = caught.value.marks
    assert skeleton is not None
    assert [c.colour for c in skeleton.curves] == list(COLOURS[:2])
    assert caught.value.image.startswith(b"\x89PNG")
    marks = Marks(
        x_axis=(AxisPoint(pixel=80, value=0), AxisPoint(pixel=560, value=60)), y_axis=(AxisPoint(pixel=360, value=0), AxisPoint(pixel=40, value=100)),
        time_unit="months", curves=(CurveMark(arm="B", colour=COLOURS[1]), CurveMark(arm="A", colour=COLOURS[0])),
    )  # fmt: skip
    reading = read(figure, marks=marks)
    assert [c.arm for c in reading.curves] == ["B", "A"]
    assert reading.x_axis.source == "marks"
    np.testing.assert_allclose(reading.curves[1].survival, ARMS[0].survival, atol=5e-5)
    np.testing.assert_allclose(reading.curves[0].time, ARMS[1].time, atol=2e-3)


def test_an_unedited_skeleton_invents_nothing() -> None:
    figure = without_numbers(svg(ARMS, table=False))
    with pytest.raises(FigureRefused) as caught:
        read(figure)
    with pytest.raises(FigureRefused, match="no number of an axis"):
        read(figure, marks=caught.value.marks)


def uneven(figure: str) -> str:
    for k, shown in enumerate((0.0, 0.1, 0.25, 0.5, 0.7, 1.0)):
        figure = figure.replace(f'class="end">{k / 5:.1f}<', f'class="end">{shown:.3f}<')
    return figure


def test_a_label_that_contradicts_the_others_is_told() -> None:
    reading = read(svg(ARMS).replace('class="end">0.4', 'class="end">0.9'))
    assert any("0.9 among the labels of the y axis" in w for w in reading.warnings)
    assert reading.grade == "C"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (uneven, "no survival curve"),
        (lambda s: s.replace('class="end">', 'class="end">1'), "no survival curve"),  # values from 10 to 11
        (lambda s: s.replace("polyline", "polygon"), "no survival curve"),
    ],
    ids=["uneven", "not survival", "no curve"],
)
def test_what_is_no_survival_figure_is_refused(change: object, reason: str) -> None:
    with pytest.raises(FigureRefused, match=reason):
        read(change(svg(ARMS)))  # type: ignore[operator]


@pytest.mark.parametrize("right", [True, False])
def test_axes_drawn_as_lines_with_tick_marks_at_their_ends_are_no_curve(right: bool) -> None:
    """The axis goes down from S = 1 and on along S = 0: the way of a curve of one patient who dies at once."""
    ticks = "".join(f"M{LEFT - 4} {BOTTOM - PER_ONE * k / 5}H{LEFT}" for k in range(6))
    ticks += "".join(f"M{LEFT + 96 * k} {BOTTOM}v4" for k in range(6))
    sides = f"M{LEFT} {TOP}V{BOTTOM}M{LEFT} {BOTTOM}H{RIGHT}" + (f"M{LEFT} {TOP}H{RIGHT}M{RIGHT} {TOP}V{BOTTOM}" if right else "")
    labels = "".join(f'<text x="{LEFT - 8}" y="{BOTTOM - PER_ONE * k / 5 + 4}" class="end">{k / 5:.1f}</text>' for k in range(6))
    labels += "".join(f'<text x="{LEFT + 96 * k}" y="{BOTTOM + 18}" class="mid">{12 * k}</text>' for k in range(6))
    strokes = "".join(f'<path d="M{part}" stroke="#000" fill="none"/>' for part in (ticks + sides).split("M")[1:])
    with pytest.raises(FigureRefused):
        read(document(strokes + labels))
