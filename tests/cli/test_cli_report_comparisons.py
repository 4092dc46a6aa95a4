"""``[[comparison]]`` of a study's ``report.toml``: the numbers of the verbs, what is gone or wrong told in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nextarm
from compared_patients import ASKED, study_to_compare
from nextarm.cli.app import app
from nextarm.core.errors import NextarmError
from nextarm.report import read_results


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words))
    if isinstance(found.exception, NextarmError):
        return found.exception.exit_code, str(found.exception)
    return found.exit_code, found.output


@pytest.fixture
def study(tmp_path: Path) -> Path:
    made = study_to_compare(tmp_path / "mine")
    (made / "report.toml").write_text(ASKED)
    return made


def made(study: Path, out: Path) -> tuple[dict[str, str], str]:
    """The sections' titles by id, and the page, of a report of comparisons and methods."""
    code, said = run("report", str(study), "--sections", "comparisons,methods", "--out", str(out), "--quiet")
    assert code == 0, said
    sections = json.loads((out / "results.json").read_text())["report"]["sections"]
    return {s["id"]: s["title"] for s in sections}, (out / "report.html").read_text(encoding="utf-8")


def test_the_report_has_the_numbers_of_the_verbs_with_their_files_in_the_trail(study: Path, tmp_path: Path) -> None:
    titles, page = made(study, tmp_path / "out")
    assert titles["comparison-1-borrowing"] == (
        "ours against trial-x: EFS at 2, 3 years, a comparison with a historical control, not randomised"
    )
    shown = read_results((tmp_path / "out" / "results.json").read_text())
    control = nextarm.reconstruct(study / "curves" / "trial-x.curve.csv", unit="months", seed=1).versions
    common = {"treated_origin": "diagnosis", "control_origin": "diagnosis", "endpoint": "EFS", "cure_model": None}
    ours = study / "curves" / "ours.patients.csv"
    found = nextarm.compare_patients(ours, control, milestones=(2.0, 3.0), **common)
    assert shown["comparison-1.effect.hazard-ratio"].value == found.hazard_ratio.estimate
    assert shown["comparison-1.effect.s-3-difference"].value == found.milestones[1].difference
    drift = nextarm.drift("frontline-kmt2a-r", endpoint="EFS", time=5, window=1)
    array = nextarm.sensitivity(found.milestones[0], drift=drift)
    assert shown["comparison-1.sensitivity-2.rows"].value == len(array.rows)
    assert array.sentence in page
    assert "Drift is learnt from the 5 cohorts of frontline-kmt2a-r" in page
    inputs = shown["comparison-1.effect.hazard-ratio"].trail.inputs
    assert "treated: curves/ours.patients.csv" in inputs
    assert any(text.startswith("control: curves/trial-x.curve.csv") and text.endswith("rebuilt with seed 1") for text in inputs)
    assert str(study) not in page


def test_weights_effective_sizes_and_balance_stand_in_the_report(study: Path, tmp_path: Path) -> None:
    made(study, tmp_path / "out")
    shown = read_results((tmp_path / "out" / "results.json").read_text())
    one, two = (study / "curves" / f"{name}.patients.csv" for name in ("ours", "registry"))
    weighting = nextarm.match(one, control=two, covariates=("age", "cns"))
    assert shown["comparison-2.weights.control.size"].value == weighting.control_size
    assert shown["comparison-2.weights.largest"].value == weighting.largest_share
    age = weighting.balance[0]
    names = ("treated_before", "treated_after", "control_before", "control_after", "smd_before", "smd_after")
    balance = [shown[f"comparison-2.balance.age.{n.replace('_', '-')}"].value for n in names]
    assert balance == pytest.approx([getattr(age, n) for n in names], abs=1e-12)
    assert sum(shown[f"comparison-2.weights.bin.{i}"].value for i in range(1, len(weighting.histogram) + 1)) == 80
    assert "curves/registry.patients.csv" in " ".join(shown["comparison-2.weights.largest"].trail.inputs)


def test_a_site_holds_the_comparison_but_no_patients_that_were_given(study: Path, tmp_path: Path) -> None:
    nextarm.report(study, out=tmp_path / "site", sections=["comparisons"], site=True)
    assert (tmp_path / "site" / "curves" / "trial-x.curve.csv").is_file()
    assert not list((tmp_path / "site").rglob("*.patients.csv"))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("trial-x.curve.csv", None, "curves/trial-x.curve.csv is gone: a kept question names it"),
        ("trial-x.at-risk.csv", "time,at_risk\n0,60\n12,59\n24,58\n36,57\n48,56\n", "table and curve disagree"),
        ("ours.patients.csv", "time,event\n1,7\n", "event"),
    ],
)
def test_what_has_gone_or_contradicts_itself_is_told_in_its_section_and_the_rest_is_made(
    study: Path, tmp_path: Path, file: str, text: str | None, said: str
) -> None:
    place = study / "curves" / file
    if text is None:
        place.unlink()
    else:
        place.write_text(text)
    titles, page = made(study, tmp_path / "out")
    assert list(titles) == ["comparison-1-borrowing", "comparison-2-borrowing", "methods"]
    assert "This could not be made" in page
    assert said in page
    assert "Traceback" not in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{ patients = "ours", unit = "years", origin = "diagnosis" }', '{ unit = "years" }', "must name a curve or patients"),
        ('curve = "trial-x"', 'curve = "../x"', "comparison[1].control.curve = '../x' in report.toml line 3"),
        ("times = [2.0, 3.0]", "times = []", "comparison[1].times"),
        (
            'curve = "trial-x", unit = "months", origin = "diagnosis"',
            'curve = "trial-x", unit = "months", origin = "birth"',
            "origin must be",
        ),
    ],
)
def test_a_wrong_question_is_one_message_with_its_place(study: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    (study / "report.toml").write_text(ASKED.replace(old, new, 1))
    code, output = run("report", str(study), "--out", str(tmp_path / "out"), "--quiet")
    assert code == 3
    assert said in output
    assert not (tmp_path / "out").exists()


def test_two_arms_of_one_source_are_nowhere_called_not_randomised(tmp_path: Path) -> None:
    study = study_to_compare(tmp_path / "mine")
    file = study / "curves" / "both.patients.csv"
    file.write_text("time,event,arm\n" + "".join(f"{t / 10},{int(t % 3 == 0)},{'ab'[t % 2]}\n" for t in range(2, 62)))
    sides = {side: f'{{ patients = "both", arm = "{arm}", unit = "years" }}' for side, arm in (("treated", "a"), ("control", "b"))}
    told = "".join(f"{side} = {words}\n" for side, words in sides.items())
    (study / "report.toml").write_text(f"[[comparison]]\n{told}times = [2.0]\n")
    _, page = made(study, tmp_path / "out")
    found = nextarm.compare_patients(file, arm="a", control_arm="b", milestones=(2.0,), endpoint="EFS", cure_model=None)
    shown = read_results((tmp_path / "out" / "results.json").read_text())["comparison-1.effect.hazard-ratio"]
    assert shown.value == found.hazard_ratio.estimate
    assert shown.trail.assumptions == found.trail.assumptions
    assert "whether chance made these groups is for it to say" in page
    assert "external control" not in page
    code, said = run("compare", str(file), "--arm", "a", "--control", "b", "--milestones", "2", "--cure-model", "none")
    assert (code, "not randomised" in said, "two arms of one source" in said) == (0, False, True)


def test_files_of_two_units_are_compared_in_years(study: Path, tmp_path: Path) -> None:
    months = tmp_path / "months.csv"
    head, *rows = (study / "curves" / "registry.patients.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    months.write_text("\n".join([head, *(",".join([repr(float(c[0]) * 12), *c[1:]]) for c in cells)]) + "\n")
    ours, words = str(study / "curves" / "ours.patients.csv"), ("--milestones", "2", "--origin", "diagnosis", "--json")
    one = json.loads(run("compare", ours, str(study / "curves" / "registry.patients.csv"), *words)[1])
    two = json.loads(run("compare", ours, str(months), "--control-unit", "months", *words)[1])
    assert two["hazard_ratio"]["estimate"] == pytest.approx(one["hazard_ratio"]["estimate"], rel=1e-12)
    code, said = run("compare", ours, "--arm", "a", "--control", "b", "--control-unit", "months", *words)
    assert code == 2
    assert "control_unit" in said
