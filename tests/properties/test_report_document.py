"""Numbers, formats, texts and the ledger: what must hold for any value."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.errors import CallError
from nextarm.core.result import Interval
from nextarm.core.trail import Trail
from nextarm.report import (
    FORMATS,
    DataTable,
    Link,
    Report,
    Section,
    format_number,
    ledger_of,
    number,
    paragraph,
    plain_text,
    read_results,
    results_json,
    say,
    slug,
)
from report_example import POOLED, example_report

finite = st.floats(-1e6, 1e6, allow_nan=False)
SETTINGS = settings(deadline=None, max_examples=50, derandomize=True)


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        (0.365, "percent", "37\u202f%"),
        (0.365, "percent(1)", "36.5\u202f%"),
        (-0.052, "points", "−5.2 points"),
        (0.052, "signed-points", "+5.2 points"),
        (0.0, "signed-points", "0.0 points"),
        (-0.0004, "points", "0.0 points"),
        (7.25, "years", "7.3 years"),
        (12345, "count", "12,345"),
        (0.5, "months", "6.0 months"),
        (2002, "year", "2002"),
        (2002.5, "year", "2002.5"),
        (0.0312, "p", "0.031"),
        (0.412, "p", "0.41"),
        (0.00009, "p", "<\u202f0.001"),
        (0.75, "hazard-ratio", "0.75"),
        (1.23456, "decimal(3)", "1.235"),
        (None, "percent", "not reached"),
    ],
)
def test_formats_write_what_a_reader_expects(value: float | None, spec: str, expected: str) -> None:
    assert format_number(value, spec) == expected


def test_intervals_stand_beside_a_number_or_alone() -> None:
    assert format_number(0.37, "decimal", low=0.31, high=0.43, interval=True) == "0.37 (0.31 to 0.43)"
    assert number((0.17, 0.68), "percent", name="a", trail=POOLED).text == "17 to 68\u202f%"
    assert number(1.9, "years", name="a", trail=POOLED, interval=(1.2, None)).text == "1.9 years (1.2 to not reached)"
    kept = number(0.4, name="a", trail=POOLED, interval=Interval(low=0.3, high=0.5, level=0.9))
    assert (kept.low, kept.high, kept.level) == (0.3, 0.5, 0.9)


@SETTINGS
@given(finite, st.sampled_from([f for f in FORMATS if f not in ("p", "year")]))
def test_a_written_number_is_within_half_a_unit_of_its_last_digit(value: float, spec: str) -> None:
    how = FORMATS[spec]
    text = format_number(value, spec).removesuffix(how.suffix).replace("−", "-").replace("+", "").replace(",", "")
    assert abs(float(text) - value * how.scale) <= 0.5 * 10.0**-how.digits + 1e-9 * abs(value * how.scale)


def test_numpy_numbers_become_plain_ones() -> None:
    made = number(np.float64(0.5), "percent", name="a", trail=POOLED, interval=(np.float32(0.25), np.int64(1)))
    assert [type(v) for v in (made.value, made.low, made.high)] == [float, float, int]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "0.4"])
def test_what_is_not_a_number_is_refused(value: object) -> None:
    with pytest.raises(CallError, match="must be a finite number"):
        number(value, name="a", trail=POOLED)  # type: ignore[arg-type]
    with pytest.raises(CallError):
        number(0.4, name="a", trail=POOLED, interval=(0.1, value))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "<b>", "a/b", 'a"'])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(CallError, match="name"):
        number(1, name=name, trail=POOLED)


@SETTINGS
@given(st.text(max_size=80))
def test_a_slug_is_always_fit_for_a_name(text: str) -> None:
    assert number(1, name=slug(text), trail=POOLED).name
    assert len(slug(text)) <= 48


@pytest.mark.parametrize("spec", ["procent", "percent(x)", "percent()", "decimal(12)", ""])
def test_an_unknown_format_is_refused_with_the_list(spec: str) -> None:
    with pytest.raises(CallError, match="must be one of percent, points"):
        number(1, spec, name="a", trail=POOLED)


def test_say_lays_texts_flat() -> None:
    one = number(0.4, "percent", name="a", trail=POOLED)
    assert plain_text(say("It is ", say(one, None, ""), [", ", "so."])) == "It is 40\u202f%, so."


def test_a_link_leads_out_or_to_a_place_in_the_report() -> None:
    assert Link("x", "#section").href == "#section"
    for bad in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org"):
        with pytest.raises(CallError):
            Link("x", bad)


def test_a_row_must_have_as_many_cells_as_columns() -> None:
    with pytest.raises(CallError, match="row 2 has 1 cells"):
        DataTable("t", ("a", "b"), (("1", "2"), ("1",)))


def _report(*numbers: object) -> Report:
    return Report("t", "", (Section("one", "One", say("Lead"), (paragraph(*numbers),)),))  # type: ignore[arg-type]


def test_a_number_may_stand_twice_but_a_name_may_not_mean_two_things() -> None:
    one, other = number(1, name="a", trail=POOLED), number(2, name="a", trail=POOLED)
    assert len(ledger_of(_report(one, " and again ", one)).entries) == 1
    with pytest.raises(CallError, match="two different numbers are named 'a'"):
        ledger_of(_report(one, other))


def test_the_ledger_holds_each_trail_and_source_once() -> None:
    book = ledger_of(example_report())
    assert len(book.trails) == len(set(book.trails)) == 4
    assert [s.source_id for s in book.sources] == ["hostile", "alpha2010", "beta2015"]
    assert book.entries[0].number.name == "plateau.pooled"
    assert book.entries[0].section == "plateau"


def test_marks_of_a_single_row_show_beside_the_number() -> None:
    book = ledger_of(example_report())
    found = {e.number.name: e.number.shown_marks for e in book.entries}
    assert found["trial-c.efs"] == ("derived", "conflict")
    assert found["plateau.pooled"] == ()
    assert found["next.patients"] == ("simulated",)


def test_results_json_reads_back_equal() -> None:
    report = example_report()
    text = results_json(report)
    assert read_results(text) == {e.number.name: e.number for e in ledger_of(report).entries}
    assert {"nextarm", "python", "numpy", "polars"} <= set(json.loads(text)["environment"])


@SETTINGS
@given(
    st.none() | finite,
    st.none() | st.tuples(st.none() | finite, st.none() | finite),
    st.sampled_from(sorted(FORMATS)),
    st.text(max_size=30),
    st.lists(st.text(max_size=9), max_size=3),
)
def test_any_number_survives_results_json(value: float | None, interval: tuple | None, spec: str, words: str, marks: list[str]) -> None:
    made = number(value, spec, name="n", trail=Trail(words, assumptions=(words,)), interval=interval, missing=words, marks=marks)
    text = results_json(_report(made))
    assert read_results(text) == {"n": made}
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in results.json"))
