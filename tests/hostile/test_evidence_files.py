"""Broken files: quotes, encodings, cells, headers, missing and empty tables, descriptors that lead astray."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from nextarm.core.errors import CallError, DataError, OutputError
from nextarm.evidence import check_evidence, check_package, load_package, new_study
from nextarm.evidence.columns import fields_of
from nextarm.evidence.reading import MAX_BYTES, read_table
from nextarm.evidence.schema import SourceRow

HEADER = ",".join(f.header for f in fields_of(SourceRow))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_study(tmp_path / "my-study", extends=()).folder


def problems(data: bytes) -> list[tuple[str, str]]:
    return [(p.where, f"{p.what}: {p.rule} {p.cure}") for p in read_table(data, SourceRow, "sources.csv").problems]


def rows(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


GOOD = "a2020,Author,2020,Journal,Title,,,"


def test_a_good_table_has_no_problems() -> None:
    read = read_table(rows(GOOD), SourceRow, "sources.csv")
    assert read.problems == ()
    assert [r.line for r in read.rows] == [2]


@pytest.mark.parametrize("data", [rows(GOOD).replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + rows(GOOD), rows(GOOD, "", "").rstrip(b"\n")])
def test_line_ends_marks_and_blank_lines_of_other_programs_are_read(data: bytes) -> None:
    read = read_table(data, SourceRow, "sources.csv")
    assert read.problems == ()
    assert len(read.rows) == 1


def test_a_cell_over_several_lines_keeps_later_line_numbers_right() -> None:
    data = rows('b2020,Author,2020,Journal,"Title\nover\nthree lines",,,', "c2020,Author,20,Journal,Title,,,")
    assert [where for where, _ in problems(data)] == ["sources.csv line 5, column year"]


@pytest.mark.parametrize(
    ("data", "where", "words"),
    [
        (b"", "sources.csv", "the file is empty"),
        (b"\n\n", "sources.csv", "the file is empty"),
        (rows(GOOD, 'b2020,"Au"thor,2020,J,T,,,'), "sources.csv line 3", "broken quotes"),
        (rows(GOOD, 'b2020,"Author,2020,J,T,,,', "c2020,A,2020,J,T,,,"), "sources.csv line 3", "opens and never closes"),
        (rows(GOOD, "b2020,Author,2020"), "sources.csv line 3", "3 cells: the header has 8 columns"),
        (rows(GOOD, "b2020,Author,2020,J,T,,,,,"), "sources.csv line 3", "10 cells: the header has 8 columns"),
        (rows(GOOD, "b2020,Dördelmann,2020,J,T,,,").decode().encode("latin-1"), "sources.csv line 3", "byte 0xf6 is not UTF-8"),
        (rows(GOOD).decode().encode("utf-16"), "sources.csv line 1", "is not UTF-8"),
        (rows(GOOD, "b2020,A\x00,2020,J,T,,,"), "sources.csv line 3", "control character 0x00"),
        (rows(GOOD).replace(b"doi", b"DOI"), "sources.csv line 1", "unknown column 'DOI'"),
        (rows(GOOD).replace(b",doi", b",year"), "sources.csv line 1", "column 'year' stands twice"),
        (rows(GOOD).replace(b",url", b"").replace(b"Title,,,", b"Title,,"), "sources.csv line 1", "column 'url' is missing"),
        (b"x" * (MAX_BYTES + 1), "sources.csv", "must not exceed"),
        (rows(GOOD, f"b2020,{'x' * 200_000},2020,J,T,,,"), "sources.csv line 3", "must not exceed 20000 characters"),
        (HEADER.replace(",", ";").encode(), "sources.csv line 1", "is missing"),
    ],
    ids=lambda v: str(v)[:20],
)
def test_a_broken_file_is_named_with_its_line(data: bytes, where: str, words: str) -> None:
    assert any(w == where and words in text for w, text in problems(data)), problems(data)


def test_what_follows_a_broken_line_is_still_read() -> None:
    read = read_table(rows('a2020,"Au"x,2020,J,T,,,', "b2020,A,2020,J,T,,,", "c2020,A,1,J,T,,,"), SourceRow, "sources.csv")
    assert [r.source_id for r in read.rows if isinstance(r, SourceRow)] == ["b2020"]
    assert [p.where for p in read.problems] == ["sources.csv line 2", "sources.csv line 4, column year"]


def test_a_new_study_is_sound_and_empty(folder: Path) -> None:
    package = load_package(folder)
    assert all(rows == () for _, rows in package.tables())
    assert set(check_evidence(folder).rows.values()) == {0}


def test_a_missing_table_is_named(folder: Path) -> None:
    (folder / "arms.csv").unlink()
    assert [(p.where, p.what) for p in check_package(folder)] == [("datapackage.json", "arms.csv is missing")]


def test_an_emptied_table_is_named(folder: Path) -> None:
    (folder / "arms.csv").write_bytes(b"")
    assert [(p.where, p.what) for p in check_package(folder)] == [("arms.csv", "the file is empty")]


def descriptor(folder: Path, **changes: object) -> None:
    path = folder / "datapackage.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ('{"name": "x"}', "resources is missing or empty"),
        ('{"name": "", "resources": [{"name": "arms", "path": "arms.csv"}]}', "name = ''"),
        ('{"name": "x", "resources": [{"name": "armz", "path": "armz.csv"}]}', "Did you mean 'arms'?"),
        ('{"name": "x", "resources": [{"name": "arms", "path": "../arms.csv"}]}', "must be 'arms.csv'"),
        ('{"name": "x", "resources": [7]}', "is not a table"),
        ('{"name": "x", "nextarm:extends": 3, "resources": [{"name": "arms", "path": "arms.csv"}]}', "nextarm:extends = 3"),
        ('{"name": "x", "nextarm:extends": "infant-al", "resources": [{"name": "arms", "path": "arms.csv"}]}', "neither a bundled package"),
        ('{"name": "x", "resources": [{"name": "arms", "path": "arms.csv"}]}', "outcomes.csv is not listed"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_a_broken_descriptor_is_named(folder: Path, text: str | None, words: str) -> None:
    path = folder / "datapackage.json"
    path.unlink() if text is None else path.write_text(text)
    assert any(words in str(p) for p in check_package(folder)), check_package(folder)


def test_packages_do_not_extend_each_other_in_a_circle(tmp_path: Path) -> None:
    for name, other in (("one", "../two"), ("two", "../one")):
        descriptor(new_study(tmp_path / name, extends=()).folder, **{"nextarm:extends": other})
    assert any("in a circle" in str(p) for p in check_package(tmp_path / "one"))


def test_there_is_no_such_package(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither a bundled package nor a folder") as caught:
        load_package(tmp_path / "nothing")
    assert "nextarm new" in str(caught.value)


def test_an_extending_package_adds_rows_and_cannot_overwrite(tmp_path: Path) -> None:
    mine = new_study(tmp_path / "mine").folder
    with (mine / "arms.csv").open("a", encoding="utf-8") as out:
        out.write("mine-r,interfant-06,interfant-06-r,,mine,KMT2A-r,all,chemotherapy,,10,\n")
    with (mine / "outcomes.csv").open("a", encoding="utf-8") as out:
        out.write("mine-r,EFS,2,diagnosis,stated,,0.5,,,,,10,,,,,pieters2019,table,\n")
    package = load_package(mine)
    base = load_package()
    assert len(package.arms) == len(base.arms) + 1
    assert package.ref(package.outcomes[-1]).table == "mine/outcomes"
    assert package.ref(package.outcomes[0]).table == "infant-all/outcomes"
    assert package.ancestors("mine-r") == ("interfant-06-r", "interfant-06-all")
    with (mine / "sources.csv").open("a", encoding="utf-8") as out:
        out.write("pieters2019,Someone,2020,J,Another paper,,,\n")
    with (mine / "outcomes.csv").open("a", encoding="utf-8") as out:
        out.write("interfant-06-g,EFS,6,diagnosis,conventional,,0.99,,,,,,,,,,pieters2019,table,\n")
    where = {p.where for p in check_package(mine)}
    assert where == {"sources.csv line 2, column source_id", "outcomes.csv line 3, column estimate"}
    assert any("infant-all/sources.csv line" in p.rule for p in check_package(mine))


def test_problems_of_an_extended_folder_carry_its_name(tmp_path: Path) -> None:
    base = new_study(tmp_path / "base", extends=()).folder
    (base / "arms.csv").write_bytes(b"")
    top = new_study(tmp_path / "top", extends=()).folder
    descriptor(top, **{"nextarm:extends": "../base"})
    assert [p.where for p in check_package(top)] == ["base/arms.csv"]


def test_a_new_study_never_writes_over_anything(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for target in ("full", "file"):
        with pytest.raises(OutputError, match="Give a new folder"):
            new_study(tmp_path / target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "full"]
    (tmp_path / "empty").mkdir()
    assert load_package(new_study(tmp_path / "empty").folder).name == "empty"


def test_a_new_study_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        new_study(tmp_path / "file" / "below")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["...", "infant-all", "---"])
def test_a_folder_must_be_able_to_name_a_package(tmp_path: Path, name: str) -> None:
    with pytest.raises(CallError, match="Use letters"):
        new_study(tmp_path / name)
    with pytest.raises(CallError, match="Did you mean 'infant-all'"):
        new_study(tmp_path / "fine", extends=("infant-al",))


def test_the_example_plan_is_toml_without_a_surprise(folder: Path) -> None:
    import tomllib

    plan = tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))
    assert plan["design"]["kind"] == "group-sequential-log-rank"
    assert set(plan["arms"]) == {"control", "treatment"}
    assert plan["scenario"][0]["arms"]["treatment"]["survival"]["cure_fraction"] == 0.6


def test_a_package_without_its_descriptor_is_still_checked(tmp_path: Path) -> None:
    for name in ("sources", "studies"):
        shutil.copy(str(files("nextarm.evidence").joinpath("data", "infant-all", f"{name}.csv")), tmp_path / f"{name}.csv")
    text = (tmp_path / "studies.csv").read_text(encoding="utf-8").replace("pieters2007", "nobody2007")
    (tmp_path / "studies.csv").write_text(text, encoding="utf-8")
    wheres = [p.where for p in check_package(tmp_path)]
    assert any("studies.csv line" in w for w in wheres)
    assert any("datapackage.json is missing" in p.what for p in check_package(tmp_path))
