"""Charts: valid specifications, sizes that fit, labels that do not overlap, and the data beside them."""

from __future__ import annotations

import itertools
import json
import re

import altair as alt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.errors import CallError
from nextarm.report import Number
from nextarm.report.charts import Curve, ForestRow, LineSeries, MatrixRow, bars, forest, heatmap, lines, matrix, survival_curves
from nextarm.report.charts.direct import beside_points, spread
from nextarm.report.charts.frame import NARROW, WIDE, nice_domain, text_width, wrap
from nextarm.report.charts.palette import COLOURS, contrast, sentinel
from nextarm.report.charts.svg import draw, for_file, for_page
from report_example import POOLED, example_charts, synthesis_charts

SETTINGS = settings(deadline=None, max_examples=50, derandomize=True)
CHARTS = (*example_charts(), *synthesis_charts())


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.id)
def test_specifications_follow_the_schema(chart) -> None:
    for spec in (chart.wide, chart.narrow):
        assert alt.LayerChart.from_dict(spec, validate=True)
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.id)
def test_all_layers_share_one_scale_on_each_axis(chart) -> None:
    for spec in (chart.wide, chart.narrow):
        for axis in ("x", "y"):
            scales = [layer["encoding"][axis]["scale"] for layer in spec["layer"] if "scale" in layer["encoding"].get(axis, {})]
            assert len({json.dumps(s, sort_keys=True) for s in scales}) == 1, axis


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.id)
def test_drawings_have_exactly_their_width(chart) -> None:
    for spec, width in ((chart.wide, WIDE), (chart.narrow, NARROW)):
        box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', draw(spec))
        assert box is not None
        assert float(box[1]) == pytest.approx(width, abs=1)
        assert 0 < float(box[2]) < 1200


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.id)
def test_small_drawings_have_no_small_print(chart) -> None:
    sizes = [float(s) for s in re.findall(r'font-size="([\d.]+)px"', draw(chart.narrow))]
    assert sizes
    assert min(sizes) >= 9.5


def test_the_forest_table_holds_every_row_and_its_interval() -> None:
    chart = next(c for c in CHARTS if c.id == "fig-forest")
    found = {row[0]: row[1] for row in chart.table.rows if isinstance(row, tuple)}
    assert isinstance(found["Trial A"], Number)
    assert (found["Trial A"].value, found["Trial A"].low, found["Trial A"].high) == (0.47, 0.42, 0.52)
    assert found["Prediction interval"].text == "17 to 68\u202f%"
    assert "Trial A 47\u202f% (42 to 52)" in chart.alt
    weights = [row[2].value for row in chart.table.rows if isinstance(row, tuple) and row[2] is not None]
    assert sum(weights) == pytest.approx(1.0)


def test_a_step_curve_is_read_as_steps_and_never_beyond_its_end() -> None:
    curve = Curve("A", "observed", (0.0, 0.9, 2.4), (1.0, 0.8, 0.5))
    chart = survival_curves([curve], id="c", title="t", trail=POOLED, x_max=5, read_at=(0, 0.5, 0.9, 2, 3))
    read = {row[0].sort: row[1].value for row in chart.table.rows}
    assert read == {0: 1.0, 0.5: 1.0, 0.9: 0.8, 2: 0.8}


def test_a_smooth_curve_is_read_between_its_points() -> None:
    chart = survival_curves([Curve("A", "model", (0.0, 2.0), (1.0, 0.5), steps=False)], id="c", title="t", trail=POOLED, read_at=(1,))
    assert chart.table.rows[0][1].value == pytest.approx(0.75)


@pytest.mark.parametrize(
    "call",
    [
        lambda: forest([], id="c", title="t", axis="a", trail=POOLED),
        lambda: forest([ForestRow("a", None)], id="c", title="t", axis="a", trail=POOLED),
        lambda: bars([], id="c", title="t", axis="a", trail=POOLED),
        lambda: lines([], id="c", title="t", x_title="x", y_title="y", trail=POOLED),
        lambda: lines([LineSeries("a", (1, 2), (1,))], id="c", title="t", x_title="x", y_title="y", trail=POOLED),
        lambda: heatmap([[1.0]], id="c", title="t", x=("a", "b"), y=("c",), x_title="x", y_title="y", trail=POOLED),
        lambda: matrix([MatrixRow("a", {"odd": 1})], id="c", title="t", levels=("one",), trail=POOLED),
        lambda: survival_curves([Curve("a", "observed")], id="c", title="t", trail=POOLED),
        lambda: survival_curves([Curve("a", "observed", (0.0, 1.0), (1.0, 1.2))], id="c", title="t", trail=POOLED),
        lambda: survival_curves([Curve("a", "observed", (1.0, 0.0), (1.0, 0.5))], id="c", title="t", trail=POOLED),
        lambda: survival_curves([Curve("a", "model", (0.0,), (1.0,))] * 5, id="c", title="t", trail=POOLED),
        lambda: forest([ForestRow("a", 0.5)], id="C 1", title="t", axis="a", trail=POOLED),
    ],
)
def test_what_cannot_be_drawn_is_refused(call) -> None:
    with pytest.raises(CallError, match=r"'(c|C 1)'"):
        call()


def test_a_logarithmic_forest_and_arrows_draw() -> None:
    rows = [ForestRow("a", 0.5, 0.05, 0.9), ForestRow("b", 1.4, 0.8, 9.0), ForestRow("all", 0.8, 0.6, 1.1, kind="pooled")]
    chart = forest(
        rows, id="c", title="t", axis="Hazard ratio", trail=POOLED, format="hazard-ratio", log=True, domain=(0.2, 4), reference=(1, "none")
    )
    assert draw(chart.wide).count('stroke-dasharray="4,3"') == 1
    assert chart.table.rows[0][1].text == "0.50 (0.05 to 0.90)"


def test_one_row_and_equal_values_draw() -> None:
    draw(forest([ForestRow("a", 0.0, 0.0, 0.0)], id="c", title="t", axis="a", trail=POOLED).wide)
    draw(heatmap([[0.5, 0.5]], id="c", title="t", x=("a", "b"), y=("c",), x_title="x", y_title="y", trail=POOLED).narrow)
    draw(lines([LineSeries("a", (1,), (0.5,))], id="c", title="t", x_title="x", y_title="y", trail=POOLED).narrow)


def test_a_file_of_its_own_is_valid_and_in_colour() -> None:
    text = for_file(draw(CHARTS[0].wide), label='say "hi" & <bye>')
    assert 'xmlns="http://www.w3.org/2000/svg"' in text
    assert "var(--" not in text
    assert "#fe01" not in text
    import xml.etree.ElementTree as ElementTree

    assert ElementTree.fromstring(text).get("aria-label") == 'say "hi" & <bye>'


def test_ids_in_two_drawings_of_a_page_differ() -> None:
    svg = '<svg viewBox="0 0 1 1"><clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>'
    one = for_page(svg, prefix="a-", label="x")
    assert 'id="a-0"' in one
    assert "url(#a-0)" in one


def test_words_in_a_drawing_are_not_touched() -> None:
    svg = '<svg viewBox="0 0 1 1"><text>role="x" id="y" #fe0102 url(#z)</text></svg>'
    assert '<text>role="x" id="y" #fe0102 url(#z)</text>' in for_page(svg, prefix="a-", label="x")


@SETTINGS
@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_labels_are_spread_apart_in_order(heights: list[float]) -> None:
    moved = spread(heights, gap=16, low=0, high=300)
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    assert all(moved[b] - moved[a] >= 16 - 1e-6 for a, b in itertools.pairwise(order))
    assert all(-1e-6 <= y <= 300 + 1e-6 for y in moved)


@SETTINGS
@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 300), st.floats(3, 14)), max_size=12))
def test_labels_beside_points_hit_no_other_point(points: list[tuple[float, float, float]]) -> None:
    for label in beside_points(points, ["Label"] * len(points), width=500, height=300, size=11):
        wide = text_width("Label", 11)
        left = label.x - {"left": 0.0, "center": wide / 2, "right": wide}[label.align]
        for i, (x, y, r) in enumerate(points):
            if i != label.index:
                assert not (left < x + r - 2 and x - r + 2 < left + wide and abs(label.y - y) < r)


@SETTINGS
@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6))
def test_a_domain_holds_its_values(values: list[float]) -> None:
    low, high = nice_domain(values)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert low - slack <= min(values)
    assert max(values) <= high + slack


@SETTINGS
@given(st.text(max_size=120), st.floats(40, 300))
def test_wrapped_text_fits(text: str, width: float) -> None:
    lines_made = wrap(text, width, 12).split("\n")
    assert len(lines_made) <= 2
    assert all(text_width(line, 12) <= width or line == "…" for line in lines_made)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_have_the_contrast_they_need(theme: int) -> None:
    colour = {role: pair[theme] for role, pair in COLOURS.items()}
    for role in ("ink", "muted", "accent", "caution", "assumption", "t1", "t2", "t3", "t4", "t5", "t6"):
        for ground in ("paper", "panel"):
            assert contrast(colour[role], colour[ground]) >= 4.5, (role, ground)
    for role in ("s1", "s2", "s3", "s4", "s5", "s6", "axis", "h6"):
        assert contrast(colour[role], colour["paper"]) >= 3.0, role
    for i in range(1, 8):
        assert contrast(colour[f"k{i}"], colour[f"h{i}"]) >= 4.5, i
    steps = [contrast(colour[f"h{i}"], colour["paper"]) for i in range(1, 8)]
    assert steps == sorted(steps)


def test_sentinels_are_all_different_and_none_is_a_colour() -> None:
    made = {sentinel(role) for role in COLOURS}
    assert len(made) == len(COLOURS)
    assert not made & {c for pair in COLOURS.values() for c in pair}
