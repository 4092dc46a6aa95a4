"""frictionless, an independent reader of Data Packages, accepts the bundled package and refuses a broken copy."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from nextarm.evidence import load_package, new_study


def test_frictionless_agrees_with_the_bundled_package(tmp_path: Path) -> None:
    from frictionless import system, validate

    copy = tmp_path / "copy"
    shutil.copytree(str(files("nextarm.evidence").joinpath("data", "infant-all")), copy)
    new_study(tmp_path / "mine")
    with system.use_context(trusted=True):
        report = validate(str(copy / "datapackage.json"))
        assert report.valid, report.flatten(["title", "message"])
        assert {t.name: t.stats["rows"] for t in report.tasks} == {name: len(rows) for name, rows in load_package().tables()}
        assert validate(str(tmp_path / "mine" / "datapackage.json")).valid
        text = (copy / "outcomes.csv").read_text(encoding="utf-8")
        (copy / "outcomes.csv").write_text(text.replace("interfant-99-r,EFS,4", "nobody,EFS,4").replace(",0.365,", ",1.365,"))
        broken = validate(str(copy / "datapackage.json"))
    assert {(e[0], e[1]) for e in broken.flatten(["type", "rowNumber"])} == {("constraint-error", 2), ("foreign-key", 3)}
