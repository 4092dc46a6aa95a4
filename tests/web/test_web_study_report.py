"""The Report screen: chosen sections, what is made and given out, questions kept from other screens; nothing but a report is given."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm.evidence import new_study
from nextarm.web.app import web_app
from simulation_plans import RESPONSE_PLAN

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
HERE = "/study/alone/report"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    new_study(folder / "alone", extends=())
    (folder / "alone" / "plan.toml").write_text(RESPONSE_PLAN)
    (folder / "alone" / "report.toml").write_text("trials = 200\n")
    nextarm.new_study(folder / "mine")
    return folder


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return TestClient(web_app(home), base_url=BASE, follow_redirects=False)


@pytest.fixture(scope="module")
def made(client: TestClient) -> str:
    """The address of a report of two sections, made."""
    answer = client.post(f"{HERE}/make", data={"sections": ["designs", "methods"]}, headers=OWN)
    assert answer.status_code == 303
    end = time.monotonic() + 300
    while time.monotonic() < end:
        run = client.get(f"{HERE}.json").json()["screen"]["run"]
        if run["state"] not in ("waiting", "running"):
            break
        time.sleep(0.1)
    assert (run["state"], run["problems"]) == ("done", [])
    return answer.headers["location"]


def test_the_sections_chosen_are_made_listed_and_shown(client: TestClient, made: str, home: Path) -> None:
    assert made == f"{HERE}?sections=designs&sections=methods"
    page = client.get(made).text
    assert "The trial response (plan.toml)" in page
    assert "% power" in page
    assert "--sections designs,methods" in page
    looked = client.get(f"{HERE}.json?look=plan-plan-design").json()
    shown = {n["name"]: n["value"] for n in looked["numbers"]}
    assert shown["plan-plan.design.power"] == nextarm.design(home / "alone" / "plan.toml").power
    assert client.get(f"{HERE}?look=nothing").status_code == 422


def test_report_json_and_a_zip_with_plan_results_sources_and_versions(client: TestClient, made: str) -> None:
    page = client.get(f"{HERE}/file/report.html")
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    results = client.get(f"{HERE}/file/results.json").json()
    assert [s["id"] for s in results["report"]["sections"]] == ["plan-plan-design", "methods"]
    packed = zipfile.ZipFile(io.BytesIO(client.get(f"{HERE}/file/everything.zip").content))
    names = {n.removeprefix("alone-report/") for n in packed.namelist()}
    assert {
        "index.html",
        "report.html",
        "results.json",
        "plans/plan.toml",
        "sources.bib",
        "versions.json",
        "data/alone/outcomes.csv",
    } <= names
    assert packed.read("alone-report/plans/plan.toml").decode() == RESPONSE_PLAN
    assert json.loads(packed.read("alone-report/versions.json"))["nextarm"] == nextarm.__version__
    for name in ("index.html", "evidence.html", "data/alone/arms.csv", "plans/plan.toml"):
        assert client.get(f"{HERE}/file/{name}").status_code == 200


@pytest.mark.parametrize(
    "name", ["..%2fplan.toml", "%2e%2e/datapackage.json", "notes.txt", ".hidden.html", "data/alone", "charts/x.svg/%2e%2e/plan.toml"]
)
def test_nothing_but_the_report_is_given_out(client: TestClient, made: str, home: Path, name: str) -> None:
    (home / "alone" / "report" / "notes.txt").write_text("private")
    answer = client.get(f"{HERE}/file/{name}")
    assert answer.status_code == 404
    assert "private" not in answer.text


def test_a_link_in_the_report_folder_that_leads_out_is_not_followed(client: TestClient, made: str, home: Path) -> None:
    (home / "secret.csv").write_text("secret")
    link = home / "alone" / "report" / "data" / "alone" / "linked.csv"
    link.symlink_to(home / "secret.csv")
    assert client.get(f"{HERE}/file/data/alone/linked.csv").status_code == 404
    assert b"secret" not in client.get(f"{HERE}/file/everything.zip").content
    link.unlink()


@pytest.mark.parametrize("sent", [{"other": ["x"]}, {"sections": ["nothing"]}])
def test_no_section_or_an_unknown_one_is_refused(client: TestClient, sent: dict[str, list[str]]) -> None:
    answer = client.post(f"{HERE}/make", data=sent, headers=OWN)
    assert answer.status_code == 422
    assert "sections" in answer.text


def test_a_question_is_kept_and_taken_out_again(client: TestClient, home: Path) -> None:
    where, study = "/study/mine/report", home / "mine"
    question = "pool_set=frontline-kmt2a-r&endpoint=EFS&time=5&window=1&without=interfant-06-r"
    page = client.get(f"/study/mine/synthesis?{question}").text
    assert "Keep in the report" in page
    assert "Keep in the report" not in client.get(f"/study/infant-all/synthesis?{question}").text
    for _ in range(2):  # asked twice, kept once
        assert client.post(f"{where}/keep", data={"step": "synthesis", "question": question}, headers=OWN).status_code == 303
    assert (
        client.post(
            f"{where}/keep", data={"step": "borrowing", "question": "arms=blin&endpoint=DFS&time=4&robust=0.3"}, headers=OWN
        ).status_code
        == 303
    )
    kept = nextarm.verbs.report_questions(study)
    assert [(p["pool_set"], p["time"], p["without"]) for p in kept["pool"]] == [("frontline-kmt2a-r", 5.0, ["interfant-06-r"])]
    assert [(p["arms"], p["robust"], p["control"]) for p in kept["prior"]] == [(["blin"], 0.3, "interfant-06-histctrl")]
    assert [p.id for p in nextarm.report_parts(study) if p.usual] == ["synthesis", "priors", "designs", "methods"]
    shown = client.get(where).text
    assert "Synthesis: frontline-kmt2a-r EFS at 5 years without interfant-06-r" in shown
    sent = {"title": "Ours", "trials": "500", "kept": ["prior.0"]}
    assert client.post(f"{where}/ask", data=sent, headers=OWN).status_code == 303
    kept = nextarm.verbs.report_questions(study)
    assert (kept["title"], kept["trials"], kept["pool"], len(kept["prior"])) == ("Ours", 500, [], 1)
    assert client.post("/study/mine/design/save", data={"toml": RESPONSE_PLAN, "name": "report"}, headers=OWN).status_code == 422


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"step": "evidence", "question": ""}, 422),
        ({"step": "synthesis", "question": "time=nonsense"}, 422),
        ({"step": "patients", "question": "curve=../../x"}, 422),
        ({"step": "synthesis", "question": "x=%00"}, 422),
    ],
)
def test_what_is_no_question_is_not_kept(client: TestClient, home: Path, data: dict[str, str], status: int) -> None:
    before = nextarm.verbs.report_questions(home / "mine")
    assert client.post("/study/mine/report/keep", data=data, headers=OWN).status_code == status
    assert nextarm.verbs.report_questions(home / "mine") == before


def test_nothing_is_kept_in_the_bundled_study(client: TestClient) -> None:
    sent = {"step": "synthesis", "question": "pool_set=frontline-kmt2a-r"}
    assert client.post("/study/infant-all/report/keep", data=sent, headers=OWN).status_code == 422
