"""Results drawn by kind: the chart shows the result's own numbers with the result's own trails."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nextarm.core.errors import CallError
from nextarm.core.trail import RowRef, Source, Trail
from nextarm.report import Chart
from nextarm.report.charts import chart, curve_of
from nextarm.report.charts.svg import draw
from nextarm.simulation.characteristics import OperatingCharacteristics, ScenarioCounts
from nextarm.survival import aalen_johansen, kaplan_meier, make_patients
from nextarm.synthesis import StudyCurve, StudyEstimate, era_trend, meta_regression, pool, pooled_curve

SURVIVAL = (np.array([0.8, 0.6, 0.5]), np.array([0.75, 0.55, 0.5]), np.array([0.85, 0.62, 0.55]))
VALUES = (
    (2002, 0.47, 0.025, "one"),
    (1998, 0.39, 0.05, "two"),
    (2011, 0.365, 0.0254, "one"),
    (2010, 0.36, 0.05, "three"),
    (2013, 0.62, 0.05, "two"),
)
STUDIES = [
    StudyEstimate(
        label=f"Trial {i}", estimate=s, se=e, year=y, n=100, time=4.0, group=g, row=RowRef("o.csv", i + 2, f"row {i}", "s", ("derived",))
    )
    for i, (y, s, e, g) in enumerate(VALUES)
]


def cells(made: Chart) -> dict[str, object]:
    return {row[0]: row[1] for row in made.table.rows if isinstance(row, tuple)}


def test_a_pooled_estimate_is_a_forest() -> None:
    pooled = pool(STUDIES)
    made = chart(pooled, id="c", title="t", axis="EFS", group=lambda s: s.group)
    found = cells(made)
    assert found["Pooled"].value == pooled.estimate
    assert (found["Prediction interval"].low, found["Prediction interval"].high) == (pooled.prediction.low, pooled.prediction.high)
    assert found["Trial 2"].trail.rows == (STUDIES[2].row,)
    assert found["Pooled"].trail == pooled.trail
    assert draw(made.wide)
    assert draw(made.narrow)


def test_a_regression_and_a_trend_are_bubbles_with_the_fitted_line() -> None:
    fit = meta_regression(STUDIES, permutations=0)
    made = chart(fit, id="c", title="t", axis="EFS")
    assert {row[0]: row[-1].value for row in made.table.rows}["Trial 4"] == 0.62
    middle, _ = fit.predict(year=1998.0)
    assert f"runs from {middle:.3g} at 1998" in made.alt
    assert draw(chart(era_trend(STUDIES, permutations=0), id="c", title="t").narrow)


def test_a_kaplan_meier_curve_is_drawn_with_its_band_and_its_origin() -> None:
    rng = np.random.default_rng(1)
    patients = make_patients(rng.exponential(2.0, 60).round(3), rng.integers(0, 2, 60), origin="reconstructed")
    km = kaplan_meier(patients)
    curve = curve_of(km, "Arm")
    assert curve.origin == "reconstructed"
    assert curve.at_risk[0] == (0.0, 60)
    made = chart([km], id="c", title="t")
    read = {row[0].sort: row[1] for row in made.table.rows if row[1] is not None}
    for t, shown in read.items():
        assert shown.value == pytest.approx(float(km.survival_at([float(t)])[0]), abs=1e-12)
        assert shown.low <= shown.value <= shown.high
    assert "reconstructed" in made.alt


def test_cumulative_incidences_are_drawn_by_cause() -> None:
    rng = np.random.default_rng(2)
    patients = make_patients(rng.exponential(2.0, 80).round(3), rng.integers(0, 3, 80), causes=("relapse", "death"))
    made = chart(aalen_johansen(patients), id="c", title="t")
    assert [c.title for c in made.table.columns[1:]] == ["relapse", "death"]
    assert draw(made.wide)


def test_a_pooled_curve_starts_at_one_and_says_that_it_is_pooled() -> None:
    times = np.array([1.0, 2.0, 3.0])
    studies = [StudyCurve(label=f"S{i}", times=times, survival=s, at_risk=np.array([90.0, 60.0, 40.0])) for i, s in enumerate(SURVIVAL)]
    made = chart(pooled_curve(studies), id="c", title="t")
    values = [row[1].value for row in made.table.rows]
    assert values[0] == 1.0
    assert all(b <= a for a, b in itertools.pairwise(values))
    assert made.table.columns[1].unit == "pooled"


def test_operating_characteristics_are_bars_with_their_monte_carlo_error() -> None:
    counts = ScenarioCounts(
        name="as planned",
        trials=1000,
        survival_at_milestone={},
        rejected_by_look=np.array([200, 50]),
        stopped_by_look=np.array([200, 800]),
        futile_by_look=np.array([0, 0]),
        time_by_look=np.array([100.0, 2000.0]),
        never_reached=3,
        sums=np.zeros((3, 2)),
    )
    result = OperatingCharacteristics(
        trail=Trail("m", seed=1), plan_name="p", design_kind="d", alpha=0.025, patients=100, looks=2, scenarios=(counts,)
    )
    shown = cells(chart(result, id="c", title="t"))["as planned"]
    assert shown.value == 0.25
    assert shown.high - shown.value == pytest.approx(1.959964 * 0.0136931, abs=1e-6)
    assert shown.trail.seed == 1


def test_a_result_without_a_chart_is_refused_with_the_list() -> None:
    from nextarm.core.result import Result

    with pytest.raises(CallError, match="can be drawn: PooledEstimate"):
        chart(Result(trail=Trail("m", sources=(Source("s"),))), id="c", title="t")
