"""From the Figure screen onward: the patients that a figure gave are those of every later screen, of the report and of the command line."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import nextarm
from nextarm import verbs
from nextarm.cli.app import app as command_line
from nextarm.report.charts.palette import COLOURS
from nextarm.web.app import web_app
from web.figure_files import draw_picture

BASE = "http://127.0.0.1:8765"
CURVE = "dense-marks"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    nextarm.new_study(home / "mine")
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return TestClient(web_app(home), base_url=BASE, headers={"origin": BASE}, follow_redirects=False)


@pytest.fixture(scope="module")
def rebuilt(client: TestClient, home: Path) -> dict[str, Any]:
    """The view of a picture with noise and dense marks after it was read and its patients rebuilt."""
    data = draw_picture(home / "dense.jpg", seed=7).read_bytes()
    address = client.post("/study/mine/figure/upload?name=dense marks.jpg", content=data).json()["address"]
    found = client.post(f"{address}/read", json={"version": 1}).json()
    view: dict[str, Any] = client.post(f"{address}/rebuild", json={"version": found["version"]}).json()
    assert view["rebuilt"]["curve"] == CURVE
    assert "left out" in view["rebuilt"]["warnings"][0]  # what its file of curves alone does not know
    return view


def patients(text: str, unit: float) -> list[tuple[str, float, int]]:
    """Patients of a CSV file, times in years."""
    rows = csv.DictReader(io.StringIO(text))
    return sorted((r["arm"], round(float(r["time"]) * unit, 9), int(r["event"])) for r in rows)


def of_figure(home: Path) -> list[tuple[str, float, int]]:
    return patients((home / "mine" / "figures" / CURVE / "patients.csv").read_text(), 1.0 / 12.0)


def test_patients_shows_the_patients_of_the_figure(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    page = client.get(f"/study/mine/patients?curve={CURVE}&model=weibull")
    assert page.status_code == 200
    assert rebuilt["rebuilt"]["warnings"][0] in page.text
    assert patients(client.get(f"/study/mine/patients.csv?curve={CURVE}").text, 1.0) == of_figure(home)


def test_an_arm_keeps_its_colour_from_screen_to_screen(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    looks = {look["arm"]: look["colour"] for look in rebuilt["adjusted"]["look"]}
    assert looks == {"Combined": "#005a8c", "Standard": "#d55e00"}  # nearest to the printed blue and red
    for arm, other in (("combined", "standard"), ("standard", "combined")):
        tone = {"combined": 1, "standard": 2}[arm]
        assert COLOURS[f"s{tone}"][0] == looks[arm.capitalize()]
        drawn = client.get(f"/study/mine/patients/chart/survival-{arm}.svg?curve={CURVE}&at=1").text
        assert COLOURS[f"s{tone}"][0] in drawn.lower()
        assert looks[other.capitalize()] not in drawn.lower()  # no model is drawn


def test_patients_opens_the_curve_saved_last(client: TestClient, rebuilt: dict[str, Any]) -> None:
    assert f'<option value="{CURVE}" selected' in client.get("/study/mine/patients").text
    assert "drawn by hand" in client.get("/study/mine/patients?curve=").text


def test_its_arms_are_compared_as_the_verbs_do(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    arms = "a=dense-marks%7CCombined&b=dense-marks%7CStandard&a_origin=randomisation&b_origin=randomisation"
    answer = client.get(f"/study/mine/borrowing.json?view=patients&{arms}&at=2").json()
    assert answer["problems"] == []
    made = verbs.reconstruct(verbs.saved_figure(home / "mine" / "figures" / CURVE / "figure.json"), seed=1).versions
    found = nextarm.compare_patients(
        made, made, arm="Combined", control_arm="Standard", milestones=(2.0,), endpoint="EFS", cure_model=None,
        treated_origin="randomisation", control_origin="randomisation",
    )  # fmt: skip
    shown = {n["name"]: n for n in answer["numbers"]}
    assert shown["effect.hazard-ratio"]["value"] == found.hazard_ratio.estimate


def test_the_report_of_the_study_has_the_same_patients(rebuilt: dict[str, Any], home: Path, tmp_path: Path) -> None:
    written = nextarm.report(home / "mine", out=tmp_path, sections=["patients"])
    facts = json.loads((tmp_path / "results.json").read_text())
    values = {n["name"].split(".", 1)[1]: n["value"] for n in facts["numbers"] if n["name"].endswith((".n", ".events"))}
    for arm in rebuilt["rebuilt"]["arms"]:
        name = arm["arm"].lower()
        assert [values[k] for k in values if k.endswith(f"{name}.n")] == [arm["n"]]
        assert [values[k] for k in values if k.endswith(f"{name}.events")] == [arm["events"]]
    assert rebuilt["rebuilt"]["warnings"][0] in written.html.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("curves/dense-marks.curve.csv",),
        ("figures/dense-marks/reads/1/curves.csv",),  # as read-figure writes them
        (
            "figures/dense-marks/reads/1/curves.csv", "--at-risk", "figures/dense-marks/reads/1/at_risk.csv",
            "--ticks", "figures/dense-marks/reads/1/ticks.csv", "--unit", "months",
        ),
    ],
)  # fmt: skip
def test_the_command_line_has_the_same_patients(
    rebuilt: dict[str, Any], home: Path, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home / "mine")
    out = tmp_path / "patients.csv"
    found = CliRunner().invoke(command_line, ["reconstruct", *words, "--seed", "1", "--out", str(out)])
    assert found.exit_code == 0, found.output
    assert patients(out.read_text(), 1.0 / 12.0) == of_figure(home)


def test_a_curve_from_before_its_precision_was_kept_is_told_and_mended(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    about = home / "mine" / "curves" / f"{CURVE}.about.json"
    assert json.loads(about.read_text())["read_from"] == "figure"
    grade = json.loads(about.read_text())["grade"]
    patients = client.get(f"/study/mine/patients.json?curve={CURVE}").json()
    assert f"the reading of the figure {grade}." in json.dumps(patients)
    residuals = [n["name"] for n in patients["numbers"] if n["name"].endswith(".published")]
    assert 0 < len(residuals) < sum(n["name"].startswith("check.") for n in patients["numbers"]) - len(residuals)
    about.write_text('{"unit": "months"}')
    page = client.get(f"/study/mine/patients?curve={CURVE}")
    assert page.status_code == 200
    assert "contradict each other" in page.text
    assert f'href="/study/mine/figure/{CURVE}"' in page.text
    again = client.post(f"/study/mine/figure/{CURVE}/rebuild", json={"version": rebuilt["version"]})
    assert again.status_code == 200
    assert "contradict each other" not in client.get(f"/study/mine/patients?curve={CURVE}").text


def test_a_broken_record_beside_a_curve_is_told(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    for text in ("{", '{"picture": {"lowest": 2, "latest": 1, "arms": {}}}', '{"unit": "hours"}'):
        (home / "mine" / "curves" / "odd.curve.csv").write_text("arm,time,survival\na,0,1\na,1,0.5\n")
        (home / "mine" / "curves" / "odd.about.json").write_text(text)
        answer = client.get("/study/mine/patients?curve=odd&n=10")
        assert answer.status_code == 422
        assert "about.json" in answer.text
    for end in (".curve.csv", ".about.json"):
        (home / "mine" / "curves" / f"odd{end}").unlink()


def test_the_zip_of_the_report_carries_what_the_curve_needs(client: TestClient, rebuilt: dict[str, Any], home: Path) -> None:
    written = nextarm.report(home / "mine", out=home / "mine" / "report", sections=["patients"], site=True)
    assert written.html.is_file()
    held = zipfile.ZipFile(io.BytesIO(client.get("/study/mine/report/file/everything.zip").content))
    names = {n.partition("/")[2] for n in held.namelist()}
    assert {f"curves/{CURVE}{end}" for end in (".curve.csv", ".at-risk.csv", ".ticks.csv", ".about.json")} <= names
