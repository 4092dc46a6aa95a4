"""Patients' files with wrong values: clear errors with row and column, all at once; and what the good ones give."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from nextarm.core.errors import CallError, DataError
from nextarm.evidence import Classification, classify, protocols
from nextarm.evidence.rules import parse_rule

GOOD = """id,kmt2a_status,age_days,wbc_1e9_per_l,day8_prednisone_response
p1,rearranged,100,400,good
p2,rearranged,100,20,poor
p3,rearranged,200,400,poor
p4,germline,,,
p5,rearranged,100,,unknown
p6,,100,20,good
"""


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_patients_are_classified_with_reason_and_what_is_missing(patients: Path) -> None:
    found = classify(patients, protocol="Interfant-06")
    assert [g.group for g in found.groups] == ["HR", "HR", "MR", "LR", "undetermined", "undetermined"]
    assert found.groups[0].reason == "kmt2a_status = 'rearranged'; age_days = 100 is < 183; wbc_1e9_per_l = 400 is >= 300"
    assert found.groups[2].reason == "kmt2a_status = 'rearranged'; age_days = 200 is not < 183"
    assert found.groups[4].missing == ("wbc_1e9_per_l",)
    assert found.groups[4].possible == ("HR", "MR")
    assert found.groups[5].missing == ("kmt2a_status",)
    assert found.groups[5].possible == ("LR", "MR")
    assert found.counts() == {"HR": 2, "MR": 1, "LR": 1, "undetermined": 2}
    assert Classification.from_json(found.to_json()) == found
    back = list(csv.DictReader(found.to_csv().splitlines()))
    assert [r["risk_group"] for r in back] == [g.group for g in found.groups]
    assert [r["id"] for r in back] == ["p1", "p2", "p3", "p4", "p5", "p6"]
    assert found.table().columns[-5:] == ["risk_group", "risk_subgroups", "risk_possible", "risk_reason", "risk_missing"]
    assert {s.source_id for s in found.trail.sources} == {"pieters2019", "if06-ash2018"}
    assert any("183 days is our coding" in a for a in found.trail.assumptions)


@pytest.mark.parametrize("read", [pl.read_csv, pd.read_csv], ids=["polars", "pandas"])
def test_any_frame_gives_the_same_groups(patients: Path, read: object) -> None:
    frame = read(patients)  # type: ignore[operator]
    assert [g.group for g in classify(frame, protocol="Interfant-06").groups] == [
        g.group for g in classify(patients, protocol="Interfant-06").groups
    ]


def test_yes_no_fields_and_subgroups() -> None:
    frame = pl.DataFrame(
        {
            "kmt2a_status": ["rearranged"] * 3,
            "age_days": [200, 200, 200],
            "mrd_eoi": [1e-3, 1e-5, None],
            "mrd_post_blina1": [None, 0.0, 0.5],
            "cr_eoi": [False, True, True],
        }
    )
    found = classify(frame, protocol="Interfant-21")
    assert [g.group for g in found.groups] == ["MR", "MR", "MR"]
    assert [g.subgroups for g in found.groups] == [("MR-high", "MR to HR treatment"), ("MR-low",), ("MR to HR treatment",)]
    assert found.groups[2].possible == ("MR-low", "MR-high")
    assert any("has no column wbc_1e9_per_l" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age_days", "-3", "must lie between 0 and 45000 days"),
        ("age_days", "3 months", "must be a number"),
        ("age_days", "NA", "Leave the cell empty"),
        ("age_days", "nan", "must be a number"),
        ("wbc_1e9_per_l", "300000", "must lie between 0 and 20000 1e9 a litre"),
        ("kmt2a_status", "rearanged", "Did you mean 'rearranged'?"),
        ("kmt2a_status", "unknown", "must be one of rearranged, germline"),
        ("day8_prednisone_response", "fair", "must be one of good, poor, unknown"),
    ],
)
def test_a_wrong_value_is_named_with_row_and_column(patients: Path, column: str, value: str, words: str) -> None:
    table = [line.split(",") for line in GOOD.splitlines()]
    table[3][table[0].index(column)] = value
    patients.write_text("\n".join(",".join(row) for row in table), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        classify(patients, protocol="Interfant-06")
    assert f"patients.csv line 4, column {column}" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.exit_code == 3


def test_all_wrong_values_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("kmt2a_status,age_days,mrd_eoi,cr_eoi\nrearranged,-1,5,maybe\ngermlin,1,0.1,yes\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        classify(path, protocol="Interfant-21")
    where = [p.where for p in caught.value.problems]
    assert where == [
        "p.csv line 2, column age_days",
        "p.csv line 2, column mrd_eoi",
        "p.csv line 2, column cr_eoi",
        "p.csv line 3, column kmt2a_status",
    ]
    assert "Give a proportion, not a percentage" in str(caught.value)


def test_a_wrong_value_in_a_frame_is_named_by_row() -> None:
    with pytest.raises(DataError, match="the frame row 2, column age_days"):
        classify(pl.DataFrame({"age_days": [1, -1]}), protocol="COG P9407")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("age_days\n", "at least one row"),
        ("age,sex\n1,2\n", "no column is a field of the rules"),
        ("age_days,risk_group\n1,2\n", "is a name this step adds"),
        ("age_days,age_days\n1,2\n", "stands twice"),
        ("age_days,x\n1\n", "1 cells"),
    ],
    ids=str,
)
def test_a_broken_patients_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        classify(path, protocol="COG P9407")


def test_no_file_and_no_frame(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        classify(tmp_path / "none.csv", protocol="COG P9407")
    with pytest.raises(CallError, match="must be a path or a data frame"):
        classify(3, protocol="COG P9407")


def test_a_misspelt_column_counts_as_missing_and_is_pointed_out() -> None:
    found = classify(pl.DataFrame({"kmt2a_status": ["rearranged"], "age_day": [3]}), protocol="COG AALL0631")
    assert found.groups[0].group == "undetermined"
    assert "Did you mean 'age_day'?" in found.warnings[0]


@pytest.mark.parametrize("protocol", ["Interfant-06 (as printed in the journal abstract)", "Interfant-21 (as printed)"])
def test_misprints_are_never_offered_nor_used(protocol: str) -> None:
    assert protocol not in protocols()
    with pytest.raises(CallError, match="misprint kept for the record"):
        classify(pl.DataFrame({"age_days": [3]}), protocol=protocol)


def test_an_unknown_protocol_lists_those_there_are() -> None:
    with pytest.raises(CallError) as caught:
        classify(pl.DataFrame({"age_days": [3]}), protocol="Interfant-6")
    assert "Did you mean" in str(caught.value)
    assert "JPLSG MLL-10" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the end"),
        ("   ", "the end"),
        ("age_days", "stands alone"),
        ("age_days <", "where a number must stand"),
        ("age_days < 'x'", "where a number must stand"),
        ("age_days < -5", "It runs from 0 to 45000"),
        ("0 < age_days", "where a condition must stand"),
        ("0 < age_days < 5", "where a condition must stand"),
        ("age_days < 5 < 6", "Comparisons cannot be chained"),
        ("age_days < 5 cns_involved", "Join conditions with and, or"),
        ("(age_days < 5", "where '\\)' must stand"),
        ("age_days < 5)", "after the rule"),
        ("not", "where a condition must stand"),
        ("age_days < 5 and", "where a condition must stand"),
        ("and age_days < 5", "where a condition must stand"),
        ("kmt2a_status < 'germline'", "use ==, != or in"),
        ("kmt2a_status == 'x'", "Values are rearranged, germline"),
        ('kmt2a_status == "germline"', "Quote words with"),
        ("kmt2a_status = 'germline'", "Write == for equal"),
        ("kmt2a_status in ()", "a word in quotes must stand"),
        ("kmt2a_status in 'germline'", "where '\\(' must stand"),
        ("cns_involved == 1", "Write cns_involved or not cns_involved"),
        ("cns_involved > 0", "use ==, != or in"),
        ("age_days.real < 5", "'\\.' is not part of the language"),
        ("age_days < 5; import os", "';' is not part of the language"),
        ("(" * 200 + "cns_involved" + ")" * 200, "nested too deeply"),
        ("not " * 200 + "cns_involved", "nested too deeply"),
        ("cns_involved or " * 200 + "cns_involved", "must not exceed 2000"),
        ("AGE_DAYS < 5", "is not part of the language"),
        ("age_days < 1e999", "It runs from"),
    ],
    ids=lambda v: str(v)[:24],
)
def test_a_rule_that_is_none_says_where_it_breaks(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_rule(text)
