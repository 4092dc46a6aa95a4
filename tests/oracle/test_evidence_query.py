"""Selections against a plain reading of the CSV files with loops; conflicts and marks stay visible."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from nextarm.core.errors import CallError
from nextarm.evidence import Selection, bibtex, list_table, load_package, preferred_outcomes, select, setting_of, values_of

FOLDER = files("nextarm.evidence").joinpath("data", "infant-all")


def rows(table: str) -> list[dict[str, str]]:
    with FOLDER.joinpath(f"{table}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


ARMS = {a["arm_id"]: a for a in rows("arms")}
STUDIES = {s["study_id"]: s for s in rows("studies")}


def plainly(table: str, **wanted: Any) -> list[int]:
    """Line numbers of the rows that fit, by a loop."""
    found = []
    for line, row in enumerate(rows(table), 2):
        arm = ARMS[row["arm_id"]]
        study = STUDIES[arm["study_id"]]
        kind = row["endpoint"] if table == "outcomes" else row["what"]
        has = {
            "endpoint": kind in wanted.get("endpoint", (kind,)),
            "subtype": arm["subtype"] in wanted.get("subtype", (arm["subtype"],)),
            "pool_set": "pool_set" not in wanted or arm["pool_set"] in wanted["pool_set"],
            "treatment_class": arm["treatment_class"] in wanted.get("treatment_class", (arm["treatment_class"],)),
            "study": "study" not in wanted or study["study_id"] in wanted["study"] or study["name"] in wanted["study"],
            "agent": "agent" not in wanted or bool(set(arm["agents"].split(";")) & set(wanted["agent"])),
            "arm": arm["arm_id"] in wanted.get("arm", (arm["arm_id"],)),
        }
        if all(has.values()):
            found.append(line)
    return found


def lines(selection: Selection) -> list[int]:
    return [int(str(row["line"])) for row in selection.rows()]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"endpoint": ("EFS",)},
        {"endpoint": ("EFS", "OS"), "subtype": ("KMT2A-r",)},
        {"subtype": ("KMT2A-g",), "pool_set": ("frontline-kmt2a-g",)},
        {"treatment_class": ("chemotherapy+HSCT",), "endpoint": ("OS",)},
        {"study": ("interfant-06",)},
        {"study": ("Interfant-06", "mll10")},
        {"agent": ("blinatumomab",)},
        {"agent": ("tisagenlecleucel", "revumenib")},
        {"arm": ("blin", "interfant-06-histctrl")},
    ],
    ids=str,
)
@pytest.mark.parametrize("table", ["outcomes", "counts"])
def test_filters_choose_what_a_loop_chooses(table: str, wanted: dict[str, Any]) -> None:
    if table == "counts":
        wanted = {k: v for k, v in wanted.items() if k != "endpoint"}
    expected = plainly(table, **wanted)
    if not expected:
        with pytest.raises(CallError, match="no row of counts fits"):
            select(table=table, **wanted)  # type: ignore[arg-type]
        return
    assert lines(select(table=table, **wanted)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("era", [(1999, 2005), (2006, None), (None, 1998), (2004, 2004)])
def test_an_era_holds_the_studies_whose_enrolment_overlaps_it(era: tuple[int | None, int | None]) -> None:
    low, high = era[0] or 0, era[1] or 9999
    inside, unknown = [], []
    for line, row in enumerate(rows("outcomes"), 2):
        study = STUDIES[ARMS[row["arm_id"]]["study_id"]]
        start, end = study["enrol_start"][:4], study["enrol_end"][:4]
        years = range(int(start or 0), int(end or 9998) + 1)
        touches = bool(set(years) & set(range(low, high + 1)))
        sure = (start or not era[1]) and (end or not era[0]) and (start or end)
        if touches and sure:
            inside.append(line)
        elif touches:
            unknown.append(line)
    chosen = select(era=era)
    assert lines(chosen) == inside
    assert [left.row.line for left in chosen.trail.left_out] == unknown
    assert all(left.reason == "its study's enrolment years are not known" for left in chosen.trail.left_out)
    text = "-".join("" if y is None else str(y) for y in era)
    assert lines(select(era=text)) == inside
    assert str(len(unknown)) in " ".join(chosen.warnings)


def test_an_agent_is_known_by_its_id_its_printed_name_and_its_full_name() -> None:
    counts = [lines(select(table="counts", agent=a)) for a in ("revu", "revumenib", "revumenib (SNDX-5613)", "REVUMENIB")]
    assert counts[0]
    assert all(c == counts[0] for c in counts)


def test_values_are_those_of_the_tables() -> None:
    values = values_of()
    assert set(values["subtype"]) == {a["subtype"] for a in ARMS.values()}
    assert set(values["endpoint"]) == {r["endpoint"] for r in rows("outcomes")}
    assert set(values_of(table="counts")["endpoint"]) == {r["what"] for r in rows("counts")}
    assert "" not in values["pool_set"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"endpoint": "EFSS"}, "Did you mean 'EFS'?"),
        ({"subtype": "KMT2A"}, "KMT2A-r"),
        ({"study": "interfant"}, "Values are"),
        ({"agent": "blinatumumab"}, "Did you mean 'blinatumomab'?"),
        ({"pool_set": "frontline"}, "frontline-kmt2a-r"),
        ({"setting": "front-line"}, "Did you mean 'frontline'?"),
        ({"table": "outcome"}, "Did you mean 'outcomes'?"),
        ({"era": "late"}, "must be years such as"),
        ({"era": "2005-1999"}, "must not end before it starts"),
        ({"era": "19992005"}, "must be years such as"),
        ({"endpoint": "RFS", "subtype": "KMT2A-g"}, "Without subtype there are 4"),
        ({"arm": "p9407-r", "era": "1990-1999"}, "1 rows would fit but their studies have no enrolment years"),
    ],
    ids=str,
)
def test_a_wrong_filter_says_what_would_be_right(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(CallError) as caught:
        select(**wanted)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_selection_reads_back_equal_and_as_frame_and_csv() -> None:
    chosen = select(subtype="KMT2A-r", endpoint="EFS")
    assert Selection.from_json(chosen.to_json()) == chosen
    frame = chosen.table()
    assert frame.height == len(chosen.cells)
    assert frame["estimate"].dtype.is_float()
    back = list(csv.DictReader(chosen.to_csv().splitlines()))
    assert [float(r["estimate"]) for r in back] == frame["estimate"].to_list()
    assert {r["preferred"] for r in back} == {"", "yes", "no"}


def test_every_table_can_be_listed() -> None:
    for name, kept in load_package().tables():
        listed = list_table(table=name)
        assert len(listed.cells) == len(kept)
        assert listed.table().height == len(kept)
    with pytest.raises(CallError, match="Did you mean 'agents'"):
        list_table(table="agent")


def test_every_row_set_aside_names_the_row_that_is_used() -> None:
    split = preferred_outcomes(load_package())
    no = [line for line, row in enumerate(rows("outcomes"), 2) if row["preferred"] == "no"]
    assert [r.left_out.row.line for r in split.rejected] == no
    assert len(split.chosen) == len(rows("outcomes")) - len(no)
    for rejected in split.rejected:
        assert rejected.instead is not None
        assert rejected.instead.preferred is True
        assert rejected.instead.conflict_group == rejected.outcome.conflict_group
        assert f"line {rejected.instead.line}" in rejected.left_out.reason


def test_bibtex_names_each_source_once_and_balances_its_braces() -> None:
    package = load_package()
    text = bibtex([package.source(s.source_id) for s in package.sources] * 2)
    assert text.count("\n@") + 1 == len(package.sources)
    for entry in text.split("\n\n"):
        plain = entry.replace("\\{", "").replace("\\}", "")
        assert plain.count("{") == plain.count("}")
    assert text.count("@article{pieters2019,") == 1
    assert "@misc{fda2024," in text
    assert "author = {{FDA}}" in text


def test_settings_are_what_the_strata_say() -> None:
    package = load_package()
    assert {a.arm_id for a in package.arms if setting_of(a) == "survivors"} == {"jplate-all", "lea-all"}
    assert all(setting_of(a) == "frontline" for a in package.arms if a.pool_set)
    assert all("relapse" in a.stratum or a.arm_id == "lsint" for a in package.arms if setting_of(a) == "relapsed")
    assert {a.stratum for a in package.arms if setting_of(a) == "first remission"} >= {"KMT2A-r in CR1", "CR1", "transplanted"}
