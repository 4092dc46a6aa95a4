"""A broken package: every planted error is found with its file, line and column, and all of them at once."""

from __future__ import annotations

import csv
import io
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from nextarm.core.errors import DataError
from nextarm.evidence import check_package, load_package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A writable copy of the bundled package."""
    source = files("nextarm.evidence").joinpath("data", "infant-all")
    target = tmp_path / "copy"
    target.mkdir()
    for item in source.iterdir():
        shutil.copy(str(item), target / item.name)
    return target


def read(folder: Path, table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO((folder / f"{table}.csv").read_text(encoding="utf-8"))))


def write(folder: Path, table: str, rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    (folder / f"{table}.csv").write_text(out.getvalue(), encoding="utf-8")


def line_of(folder: Path, table: str, **cells: str) -> int:
    """The first line whose cells are as given (the header is line 1; no cell of the bundled tables spans lines)."""
    rows = read(folder, table)
    for number, row in enumerate(rows[1:], 2):
        if all(row[rows[0].index(column)] == value for column, value in cells.items()):
            return number
    raise AssertionError(cells)


def plant(folder: Path, table: str, line: int, column: str, value: str) -> None:
    rows = read(folder, table)
    rows[line - 1][rows[0].index(column)] = value
    write(folder, table, rows)


def append(folder: Path, table: str, **cells: str) -> int:
    rows = read(folder, table)
    rows.append([cells.get(column, "") for column in rows[0]])
    write(folder, table, rows)
    return len(rows)


def copy_line(folder: Path, table: str, line: int, **changes: str) -> int:
    rows = read(folder, table)
    return append(folder, table, **(dict(zip(rows[0], rows[line - 1], strict=True)) | changes))


def found(folder: Path) -> list[tuple[str, str, str]]:
    return [(p.where, p.what, p.rule) for p in check_package(folder)]


def has(folder: Path, where: str, words: str) -> bool:
    return any(w == where and words in f"{what} {rule}" for w, what, rule in found(folder))


def test_the_copy_is_sound(folder: Path) -> None:
    assert check_package(folder) == ()
    assert load_package(folder).outcomes[0].estimate == 0.365


#: table, line, column, planted value, words of the message. Lines are those of the bundled tables.
CELLS = (
    ("outcomes", 2, "estimate", "1.365", "must lie between 0 and 1"),
    ("outcomes", 2, "estimate", "36.5", "must lie between 0 and 1"),
    ("outcomes", 2, "estimate", "nan", "must be a number"),
    ("outcomes", 2, "estimate", "1_0", "must be a number"),
    ("outcomes", 2, "estimate", "", "must be filled"),
    ("outcomes", 2, "n", "48.4", "must be a whole number"),
    ("outcomes", 2, "n", "-4", "must be at least 1 patients"),
    ("outcomes", 2, "time_years", "six", "must be a number"),
    ("outcomes", 2, "time_origin", "diagnose", "must be one of diagnosis"),
    ("outcomes", 2, "preferred", "maybe", "must be yes, no or empty"),
    ("outcomes", 2, "source_id", "", "every value has a source"),
    ("outcomes", 2, "source_id", "pieters2091", "is not in sources.csv"),
    ("outcomes", 2, "arm_id", "interfant-06-rr", "is not in arms.csv"),
    ("outcomes", 2, "se", "0", "must be above 0"),
    ("outcomes", 2, "se_type", "", "se and se_type"),
    ("outcomes", 2, "endpoint", " EFS", "must not begin or end with a space"),
    ("outcomes", 12, "ci_low", "0.5", "must not be above the estimate 0.488"),
    ("outcomes", 12, "ci_high", "0.4", "must not be below the estimate 0.488"),
    ("outcomes", 80, "events", "81", "must not be above n = 80"),
    ("counts", 2, "events", "34", "must not be above n = 33"),
    ("counts", 2, "arm_id", "pogpilot-al", "is not in arms.csv"),
    ("arms", 4, "study_id", "ccg1935", "is not in studies.csv"),
    ("arms", 5, "arm_id", "CCG r", "must match"),
    ("studies", 4, "enrol_end", "1995", "must not be before enrol_start '1996-10'"),
    ("studies", 4, "enrol_start", "1996-13", "must match"),
    ("studies", 7, "enrol_start", "2008-02-30", "is not a day of the calendar"),
    ("studies", 4, "enrol_basis", "", "must say where the enrolment dates come from"),
    ("sources", 2, "doi", "doi:10.1", "must match"),
    ("comparisons", 4, "ci_low", "0.4", "must not be above the estimate 0.36"),
    ("comparisons", 2, "p", "1.2", "must lie between 0 and 1"),
    ("comparisons", 2, "control_arm_id", "interfant-06-ademae", "must not be the treated arm"),
    ("genetics", 2, "events", "400", "must not be above n = 376"),
    ("agent_evidence", 2, "agent_id", "blinn", "is not in agents.csv"),
    ("agent_evidence", 2, "level", "clinic", "must be one of in vitro, PDX, clinical"),
    ("agents", 2, "source_id", "", "every value has a source"),
)


@pytest.mark.parametrize(("table", "line", "column", "value", "words"), CELLS, ids=lambda v: str(v)[:24])
def test_a_bad_cell_is_named_with_file_line_and_column(folder: Path, table: str, line: int, column: str, value: str, words: str) -> None:
    plant(folder, table, line, column, value)
    assert has(folder, f"{table}.csv line {line}, column {column}", words), found(folder)
    with pytest.raises(DataError):
        load_package(folder)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("age_days <", "where a number must stand"),
        ("age_day < 183", "'age_day' is not a field"),
        ("kmt2a_status = 'germline'", "'=' is not part of the language"),
        ("__import__('os')", "'__import__' is not a field"),
    ],
)
def test_a_bad_rule_is_named(folder: Path, rule: str, words: str) -> None:
    plant(folder, "risk_groups", 3, "rule", rule)
    (problem,) = check_package(folder)
    assert problem.where.startswith("risk_groups.csv line 3, column rule, the rule at character")
    assert words in problem.what


def test_a_duplicate_key_names_both_lines(folder: Path) -> None:
    line = copy_line(folder, "arms", 4)
    assert has(folder, f"arms.csv line {line}, column arm_id", "stands in arms.csv line 4 too")


def test_a_registry_number_stands_once(folder: Path) -> None:
    line = copy_line(folder, "trials_ongoing", 2, name="another")
    assert has(folder, f"trials_ongoing.csv line {line}, column registry_id", "stands in trials_ongoing.csv line 2 too")


def test_a_fact_stands_once_outside_a_conflict_group(folder: Path) -> None:
    line = copy_line(folder, "outcomes", 5, estimate="0.45")
    assert has(folder, f"outcomes.csv line {line}, column estimate", "stands in outcomes.csv line 5 too")


def test_a_count_stands_once_and_a_differing_one_says_conflict(folder: Path) -> None:
    same = copy_line(folder, "counts", 2)
    other = copy_line(folder, "counts", 3, source_id="hilden2006", events="2")
    assert has(folder, f"counts.csv line {same}", "stands in counts.csv line 2 too")
    assert has(folder, f"counts.csv line {other}, column events", "differs from counts.csv line 3")
    plant(folder, "counts", other, "note", "conflict: 1 in lauer1998")
    assert not has(folder, f"counts.csv line {other}, column events", "differs")


def test_exactly_one_row_of_a_conflict_is_preferred(folder: Path) -> None:
    yes = line_of(folder, "outcomes", conflict_group="mll9698-r-efs5", preferred="yes")
    no = line_of(folder, "outcomes", conflict_group="mll9698-r-efs5", preferred="no")
    plant(folder, "outcomes", no, "preferred", "yes")
    assert has(folder, f"outcomes.csv line {no}, column preferred", "has 2 preferred rows")
    plant(folder, "outcomes", no, "preferred", "no")
    plant(folder, "outcomes", yes, "preferred", "no")
    assert has(folder, f"outcomes.csv line {no}, column preferred", "has 0 preferred rows")
    plant(folder, "outcomes", yes, "preferred", "")
    assert has(folder, f"outcomes.csv line {yes}, column preferred", "must be yes or no in a conflict_group")


def test_a_conflict_has_two_rows_of_one_quantity(folder: Path) -> None:
    alone = line_of(folder, "outcomes", arm_id="mll10-r", endpoint="EFS")
    plant(folder, "outcomes", alone, "conflict_group", "alone")
    plant(folder, "outcomes", alone, "preferred", "yes")
    assert has(folder, f"outcomes.csv line {alone}, column conflict_group", "has one row")
    plant(folder, "outcomes", alone, "conflict_group", "mll9698-r-efs5")
    plant(folder, "outcomes", alone, "preferred", "no")
    assert has(folder, f"outcomes.csv line {alone}, column conflict_group", "must print the same quantity")
    plant(folder, "outcomes", alone, "conflict_group", "")
    assert has(folder, f"outcomes.csv line {alone}, column preferred", "must be empty")


def test_no_arm_is_pooled_with_its_parent(folder: Path) -> None:
    line = line_of(folder, "arms", arm_id="mll10-hr")
    plant(folder, "arms", line, "pool_set", "frontline-kmt2a-r")
    assert has(folder, f"arms.csv line {line}, column pool_set", "mll10-hr is part of mll10-r")


def test_no_arm_is_pooled_with_its_grandparent(folder: Path) -> None:
    line = line_of(folder, "arms", arm_id="mll96-r-hsct")
    plant(folder, "arms", line, "pool_set", "frontline-kmt2a-r")
    assert has(folder, f"arms.csv line {line}, column pool_set", "mll96-r-hsct is part of mll9698-r")


@pytest.mark.parametrize(("arm", "other"), [("cogpool-hsct", "ccg1953-r"), ("jshct-all", "mll10-r"), ("cogpool-chemo", "p9407-r")])
def test_no_arm_is_pooled_with_one_whose_patients_it_shares_by_its_note(folder: Path, arm: str, other: str) -> None:
    line = line_of(folder, "arms", arm_id=arm)
    plant(folder, "arms", line, "pool_set", "frontline-kmt2a-r")
    rules = " ".join(rule for where, _, rule in found(folder) if "pool_set" in where)
    assert f"{arm} shares patients with {other} (its note)" in rules


def test_siblings_cannot_hold_more_patients_than_their_parent(folder: Path) -> None:
    for arm in ("aall0631-ind2", "aall0631-r-mrd"):
        plant(folder, "arms", line_of(folder, "arms", arm_id=arm), "pool_set", "mine")
    rules = [rule for where, _, rule in found(folder) if "pool_set" in where]
    assert any("240 patients, but aall0631-all has 218" in rule for rule in rules)


def test_a_subgroup_is_not_larger_than_its_parent(folder: Path) -> None:
    line = line_of(folder, "arms", arm_id="mll10-ir")
    plant(folder, "arms", line, "n", "76")
    assert has(folder, f"arms.csv line {line}, column n", "must not be above n = 75 of its parent mll10-r")


def test_no_arm_is_inside_itself(folder: Path) -> None:
    first, second = line_of(folder, "arms", arm_id="mll10-all"), line_of(folder, "arms", arm_id="mll10-r")
    plant(folder, "arms", first, "parent_arm_id", "mll10-r")
    wheres = [where for where, _, rule in found(folder) if "in a circle" in rule]
    assert wheres == [f"arms.csv line {first}, column parent_arm_id", f"arms.csv line {second}, column parent_arm_id"]


def test_ten_errors_are_reported_at_once(folder: Path) -> None:
    """Ten planted errors of ten kinds: all ten are in one message, each with its line, and nothing else is."""
    for table, line, column, value in (
        ("outcomes", 7, "estimate", "17"),
        ("outcomes", 12, "ci_low", "0.6"),
        ("outcomes", 9, "source_id", ""),
        ("outcomes", 10, "arm_id", "ccg1953-x"),
        ("outcomes", 80, "preferred", "yes"),
        ("counts", 5, "events", "34"),
        ("arms", 5, "parent_arm_id", "nobody"),
        ("studies", 4, "enrol_end", "1990-01"),
        ("risk_groups", 2, "rule", "day8_prednisone_response == 'fair'"),
    ):
        plant(folder, table, line, column, value)
    copied = copy_line(folder, "outcomes", 93)
    expected = {
        "outcomes.csv line 7, column estimate",
        "outcomes.csv line 12, column ci_low",
        "outcomes.csv line 9, column source_id",
        "outcomes.csv line 10, column arm_id",
        "outcomes.csv line 80, column preferred",
        "counts.csv line 5, column events",
        "arms.csv line 5, column parent_arm_id",
        "studies.csv line 4, column enrol_end",
        "risk_groups.csv line 2, column rule, the rule at character 30",
        f"outcomes.csv line {copied}, column estimate",
    }
    assert {where for where, _, _ in found(folder)} == expected
    assert len(found(folder)) == 10
    with pytest.raises(DataError) as caught:
        load_package(folder)
    assert all(where in str(caught.value) for where in expected)
    assert caught.value.exit_code == 3


def test_a_broken_row_does_not_break_what_refers_to_it(folder: Path) -> None:
    """A source with one bad cell is one problem, not one for every row that names it."""
    plant(folder, "sources", line_of(folder, "sources", source_id="pieters2019"), "year", "20019")
    assert len(found(folder)) == 1
