"""What cannot be rebuilt is refused with a reason; what is broken is named; nothing ends in a bare exception."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.patients import Landmark, from_landmarks, reconstruct, reconstruct_competing
from nextarm.patients.checks import graded, misfits
from patients_figures import figure

CURVE = ([0, 1, 2, 3, 4, 5, 6], [1, 0.9, 0.8, 0.7, 0.65, 0.6, 0.6])


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({}, RefusedError, "number of patients is not given"),
        ({"at_risk": ([1, 3], [9, 5])}, RefusedError, "no row at time 0"),
        ({"at_risk": ([0, 2, 4], [20, 10, 12])}, RefusedError, "at risk rises from 10 to 12 between 2 and 4"),
        ({"at_risk": ([0, 3], [20, 10]), "n": 21}, RefusedError, "n = 21 but 20"),
        ({"n": 10, "events": 11}, RefusedError, "more events than patients"),
        ({"n": 100, "at_risk": ([0, 3, 6], [100, 99, 98])}, RefusedError, "between 0 and 3 the curve falls"),
        ({"n": 40, "events": 35}, RefusedError, "events = 35"),
        ({"n": 5, "ticks": [1.0, 2.0, 3.0, 4.0, 5.0, 5.5]}, RefusedError, "each tick is a patient"),
        ({"n": 5, "ticks": [1.0, 9.0]}, DataError, "tick at 9"),
        ({"at_risk": ([0, 3], [20, 9.5])}, DataError, "at_risk = 9.5"),
        ({"at_risk": ([0, 3, 3], [20, 9, 8])}, DataError, "two rows at one time"),
        ({"n": 0}, DataError, "n = 0"),
        ({"n": 20, "events": -1}, CallError, "events = -1"),
        ({"n": {"other": 20}}, CallError, "names arm 'other'"),
        ({"n": 20, "hazard_ratio": 0.7}, CallError, "needs a curve with two arms"),
        ({"n": 20, "p_value": 1.5}, CallError, "p_value"),
        ({"n": 20, "versions": 0}, CallError, "versions = 0"),
        ({"n": 20, "reading_error": -0.1}, CallError, "reading_error"),
        ({"n": 20, "method": "magic"}, CallError, "method = 'magic'"),
        ({"n": 20, "unit": "fortnights"}, CallError, "unit = 'fortnights'"),
        ({"n": 20, "points": "dots"}, CallError, "points = 'dots'"),
        ({"n": 20, "median": -2.0}, CallError, "median"),
        ({"n": 20, "landmarks": (3.0, 65.0)}, CallError, "must lie between 0 and 1"),
        ({"n": 20, "landmarks": (3.0, 0.7, 0.8, 0.9)}, CallError, "must lie in its interval"),
        ({"n": 20, "landmarks": {"time": 3.0, "survival": 0.7, "lo": 0.1}}, CallError, "landmark has 'lo'"),
    ],
)
def test_arguments_and_contradictions(change: dict[str, Any], kind: type[NextarmError], says: str) -> None:
    with pytest.raises(kind) as caught:
        reconstruct(CURVE, **change)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("curve", "kind", "says"),
    [
        (([0, 1, 2], [1, 1.2, 0.9]), RefusedError, "cannot lie above 1"),
        (([0, 1, 2], [1, 0.5, -0.2]), RefusedError, "cannot lie below 0"),
        (([0, 1, 2, 3], [1, 0.5, 0.8, 0.4]), RefusedError, "the curve rises by 0.3 at time 2"),
        (([0, 1, -3], [1, 0.9, 0.8]), DataError, "must not be negative"),
        (([0, 1, np.nan], [1, 0.9, 0.8]), DataError, "time = nan"),
        (([0, 0], [1, 0.9]), DataError, "no point after time 0"),
        (([], []), DataError, "no points"),
        ("no_such_file.csv", DataError, "no_such_file.csv is missing"),
        (7, DataError, "curve is int"),
        ({"time": [0, 1], "height": [1, 0.5]}, DataError, "column 'survival' is missing"),
        ({"time": [0, 1], "survival": [1, "a"]}, DataError, "survival = 'a'"),
        ({"time": [0, 1, 2], "survival": [1, 0.5]}, DataError, "different length"),
        ({"time": [0, 1], "survival": [1, 0.5], "arm": ["a", None]}, DataError, "arm is empty"),
    ],
)
def test_curves_that_cannot_be(curve: Any, kind: type[NextarmError], says: str) -> None:
    with pytest.raises(kind) as caught:
        reconstruct(curve, n=20)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("time,survival\n0,1\n1\n", "row 3"),
        ("time,time\n0,1\n", "appears twice"),
        ("time;survival\n0;1\n", "parted by semicolons in curve.csv row 1"),
        ("time,survival\n0,1\n1,\n", "survival = ''"),
        ("\0\0", "not a CSV file"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        reconstruct(path, n=20)
    assert says in str(caught.value)


def test_arms_that_do_not_match() -> None:
    curve = {"time": [0, 1, 0, 1], "survival": [1, 0.5, 1, 0.6], "arm": ["a", "a", "b", "b"]}
    with pytest.raises(DataError, match="names arm 'c'"):
        reconstruct(curve, at_risk={"time": [0, 0], "at_risk": [9, 9], "arm": ["a", "c"]})
    with pytest.raises(CallError, match="must name its arm"):
        reconstruct(curve, n=20)


def test_a_rising_table_is_used_without_its_rising_rows_when_told_so() -> None:
    made = reconstruct(CURVE, at_risk=([0, 2, 4, 6], [20, 14, 16, 5]), allow_rising_at_risk=True)
    assert any("rise were left out" in r.what for r in made.repairs)
    assert made.patients.n == 20


def test_the_disagreement_says_where_and_by_how_much_and_yields_to_a_larger_error() -> None:
    fig = figure(0)
    wrong = fig.at_risk[1].copy()
    wrong[1:] = np.minimum(wrong[1:] + 14, wrong[0])
    with pytest.raises(RefusedError) as caught:
        reconstruct(fig.clicks, at_risk=(fig.at_risk[0], wrong), unit="months")
    assert "between 0 and 6" in str(caught.value)
    assert "disagree by" in str(caught.value)
    assert reconstruct(fig.clicks, at_risk=(fig.at_risk[0], wrong), unit="months", reading_error=0.08).patients.n == 80


def test_events_that_do_not_fit_are_refused_with_what_would() -> None:
    fig = figure(0)
    with pytest.raises(RefusedError, match=r"events = 5|where the other facts give"):
        reconstruct(fig.clicks, at_risk=fig.at_risk, events=5, unit="months")


@pytest.mark.parametrize(
    ("landmarks", "change", "kind", "says"),
    [
        ((2.0, 0.6), {}, RefusedError, "no landmark has a standard error"),
        ([], {}, CallError, "no landmarks"),
        ([(1.0, 0.5, 0.4, 0.6), (2.0, 0.6, 0.5, 0.7)], {}, RefusedError, "survival rises"),
        ((2.0, 0.6, 0.5, 0.7), {"events": 50}, RefusedError, "more events than patients"),
        ((2.0, 0.6, 0.5, 0.7), {"model": "gompertz"}, CallError, "model = 'gompertz'"),
        ((2.0, 0.6, 0.5, 0.7), {"follow_up": 1.0}, CallError, "follow_up"),
        (Landmark(time=2.0, survival=0.6, se=-1.0), {}, CallError, "must be above 0"),
    ],
)
def test_landmarks_that_cannot_be(landmarks: Any, change: dict[str, Any], kind: type[NextarmError], says: str) -> None:
    with pytest.raises(kind) as caught:
        from_landmarks(landmarks, n=40, **change)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("curves", "change", "kind", "says"),
    [
        ({"time": [0, 1], "incidence": [0, 0.2]}, {}, DataError, "column 'cause' is missing"),
        ({"time": [0, 1], "incidence": [0, 0.2], "cause": ["a", "a"]}, {}, CallError, "one cause"),
        (
            {"time": [0, 1, 0, 1], "incidence": [0, 1.2, 0, 0.1], "cause": ["a", "a", "b", "b"]},
            {},
            RefusedError,
            "must lie between 0 and 1",
        ),
        ({"time": [0, 1, 0, 1], "incidence": [0, 0.7, 0, 0.6], "cause": ["a", "a", "b", "b"]}, {}, RefusedError, "add up to 1.3"),
        ({"time": [0, 1, 2], "incidence": [0, 0.5, 0.2], "cause": ["a"] * 3}, {"overall": ([0, 1], [1, 0.5])}, RefusedError, "never falls"),
        (
            {"time": [0, 1], "incidence": [0, 0.6], "cause": ["a"] * 2},
            {"overall": ([0, 1], [1, 0.8])},
            RefusedError,
            "a part cannot exceed",
        ),
        ({"time": [0, 1], "incidence": [0, 0.1], "cause": ["other"] * 2}, {"overall": ([0, 1], [1, 0.8])}, CallError, "residual"),
    ],
)
def test_competing_curves_that_cannot_be(curves: Any, change: dict[str, Any], kind: type[NextarmError], says: str) -> None:
    with pytest.raises(kind) as caught:
        reconstruct_competing(curves, n=20, **change)
    assert says in str(caught.value)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.floats(-5, 200), st.floats(-0.5, 120)), min_size=0, max_size=12),
    n=st.integers(-1, 60),
    events=st.none() | st.integers(0, 70),
)
def test_nothing_ends_in_a_bare_exception(rows: list[tuple[float, float]], n: int, events: int | None) -> None:
    made = None
    # What a user did wrong is said in words; anything else would fail this test.
    with contextlib.suppress(NextarmError):
        made = reconstruct(([t for t, _ in rows], [s for _, s in rows]), n=n, events=events, versions=2)
    if made is not None:
        assert made.patients.n == n
        assert np.isfinite(made.patients.time).all()


def test_proportions_said_to_be_percent_are_refused() -> None:
    with pytest.raises(RefusedError, match="Leave out --percent"):
        reconstruct(CURVE, n=40, percent=True)


@pytest.mark.parametrize(
    ("curve", "change"),
    [
        (([0, 1, 1e300], [1, 0.9, 0.8]), {"n": 20}),
        (([0, 100, 2401], [1, 0.9, 0.8]), {"n": 20, "unit": "months"}),
        (CURVE, {"at_risk": ([0, 1e300], [20, 0])}),
        (CURVE, {"n": 20, "ticks": [1e300]}),
    ],
)
def test_times_nobody_lives_to_are_refused(curve: Any, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="must not be more than 200 years"):
        reconstruct(curve, **change)


def test_one_reading_without_a_table_is_no_grade_a() -> None:
    made = reconstruct(([0, 3], [1, 0.7]), n=40)
    assert made.checks.grade == "C"
    assert any("one reading without an at-risk table determines little" in w for w in made.warnings)


def test_an_arm_without_numbers_at_risk_is_no_grade_a() -> None:
    """A typed number of patients is met by itself: all holds, and nothing printed says when patients were censored."""
    for more in ({}, {"ticks": [0.5, 1.5, 2.5]}, {"events": 12}):
        made = reconstruct(CURVE, n=40, **more)
        assert all(item.ok for item in made.checks.items)
        assert made.checks.grade == "B"
    assert reconstruct(CURVE, at_risk=([0], [40])).checks.grade == "B"


@pytest.mark.parametrize(("mean", "largest", "grade"), [(0.051, 0.06, "D"), (0.01, 0.151, "D"), (0.05, 0.15, "A")])
def test_a_curve_that_is_missed_is_graded_d_with_a_warning(mean: float, largest: float, grade: str) -> None:
    made = reconstruct(CURVE, n=40)
    fit = replace(made.arms[0], mean_residual=mean, max_residual=largest)
    items = [replace(i, ok=True) for i in made.checks.items]
    assert graded(items, [fit]).grade == grade
    assert bool(misfits([fit])) == (grade == "D")
