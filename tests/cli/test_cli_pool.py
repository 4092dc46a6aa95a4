"""Every form of ``nextarm pool`` that the documentation names, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextarm.cli.app import app
from nextarm.core.errors import NextarmError

ROWS = ("A,0.40,0.05,1999,0.1", "B,0.5,0.06,2004,0.2", "C,0.45,0.05,2009,0.15", "D,0.42,0.04,2014,0.3", "E,0.47,0.05,2016,0.2")
STUDIES = "\n".join(("study,estimate,se,year,cns", *ROWS, ""))


def run(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["pool", *words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    found: dict[str, object] = json.loads(done.stdout, parse_constant=refuse)
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(("study,estimate,se,year", *(row.rsplit(",", 1)[0] for row in ROWS), "")))
    return str(path)


def test_evidence_as_named() -> None:
    found = run("--endpoint", "EFS", "--pool-set", "frontline-kmt2a-r", "--time", "4")
    assert found["kind"] == "PooledEstimate"
    assert found["k"] == 2


@pytest.mark.parametrize("method", ["reml", "ml", "dl", "pm", "eb", "sj", "he"])
def test_every_method(file: str, method: str) -> None:
    assert run(file, "--method", method)["method"] == method


@pytest.mark.parametrize("measure", ["logit", "cloglog", "log", "identity"])
def test_every_measure(file: str, measure: str) -> None:
    found = run(file, "--measure", measure)
    assert found["measure"] == measure
    assert 0.4 < float(str(found["estimate"])) < 0.5


def test_one_and_two_moderators(tmp_path: Path, file: str) -> None:
    assert [c["name"] for c in run(file, "--moderator", "year")["coefficients"]] == ["intercept", "year"]  # type: ignore[index,attr-defined]
    wide = tmp_path / "wide.csv"
    wide.write_text(STUDIES)
    found = run(str(wide), "--moderator", "year", "--moderator", "cns")
    assert [c["name"] for c in found["coefficients"]] == ["intercept", "year", "cns"]  # type: ignore[index,attr-defined]


def test_counts_with_zeros_have_a_way(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("study,n,events\nA,20,0\nB,30,2\nC,10,0\n")
    left = run(str(path))
    assert any("--model binomial-normal" in w for w in left["warnings"])  # type: ignore[union-attr,attr-defined]
    found = run(str(path), "--model", "binomial-normal")
    assert (found["kind"], found["k"], found["events"]) == ("PooledProportion", 3, 2)
    assert run(str(path), "--model", "beta-binomial")["k"] == 3


def test_curves_of_a_folder_in_three_models(tmp_path: Path) -> None:
    for name, s1, s2 in (("a", 0.8, 0.6), ("b", 0.7, 0.5), ("c", 0.75, 0.7)):
        (tmp_path / f"{name}.csv").write_text(f"time,survival,n\n12,{s1},50\n24,{s2},50\n")
    kinds = {"combescure": "PooledCurve", "multivariate": "SeveralTimes", "increments": "IncrementCurve"}
    for model, kind in kinds.items():
        found = run("--curves", str(tmp_path), "--unit", "months", "--curve-model", model)
        assert (found["kind"], found["times"]) == (kind, [1.0, 2.0])
    assert run("--curves", str(tmp_path), "--unit", "months", "--times", "1")["times"] == [1.0]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("study,estimate,se\nA,40,5\n", [], "--percent"),
        ("study,estimate,se,colour\nA,0.4,0.05,red\n", [], "is not known"),
        ("study,estimate,se\n", [], "no studies"),
        ("study,estimate,se\nA,0.4,0\n", [], "must be above 0"),
        ("study,estimate,se\nA,0.4,-1\n", [], "must be above 0"),
        ("study,estimate,se\nA,1,0.1\n", [], "exact likelihood"),
        ("study,estimate,se\nA,0.4,0.1\n", ["--moderator", "year"], "year"),
        ("study,estimate,se\nA,0.4,0.1\n", ["--model", "poisson"], "poisson"),
        ("study,estimate,se\nA,0.4,0.1\n", ["--times", "1"], "curves"),
        ("study,estimate,se\nA,0.4,0.1\n", ["--times", "one"], "numbers separated by commas"),
        ("study,estimate,se\nA,0.4,0.1\n", ["--endpoint", "EFS"], "give one of the two"),
    ],
)
def test_what_is_refused_and_how(tmp_path: Path, text: str, words: list[str], said: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    done = CliRunner().invoke(app, ["pool", str(path), *words])
    assert done.exit_code != 0
    assert isinstance(done.exception, (NextarmError, SystemExit))
    assert said in f"{done.exception}{done.output}"


def test_one_study_is_returned_and_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("study,estimate,se\nA,0.4,0.1\n")
    found = run(str(path))
    assert found["k"] == 1
    assert any("only one study" in w for w in found["warnings"])  # type: ignore[union-attr,attr-defined]
