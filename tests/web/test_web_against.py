"""Patients against patients on the Borrowing screen: kept, refused, and the same in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import nextarm
from compared_patients import study_to_compare
from nextarm.web.app import web_app

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
SIDES = "a=%3Dours&a_unit=years&a_origin=diagnosis&b=trial-x&b_origin=diagnosis&at=2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    study_to_compare(folder / "mine")
    return folder


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return TestClient(web_app(home), base_url=BASE, follow_redirects=False)


def test_it_is_kept_once_and_taken_out_again(client: TestClient, home: Path) -> None:
    where, study = "/study/mine/report", home / "mine"
    (study / "report.toml").unlink(missing_ok=True)
    assert "Keep in the report" in client.get(f"/study/mine/borrowing?view=patients&{SIDES}").text
    question = f"view=patients&{SIDES}&drift=frontline-kmt2a-r"
    for _ in range(2):
        assert client.post(f"{where}/keep", data={"step": "borrowing", "question": question}, headers=OWN).status_code == 303
    kept = nextarm.verbs.report_questions(study)
    assert [(c["treated"]["patients"], c["control"]["curve"], c["control"]["unit"], c["drift"]) for c in kept["comparison"]] == [
        ("ours", "trial-x", "months", "frontline-kmt2a-r")
    ]
    assert kept["prior"] == []
    client.post(f"{where}/ask", data={"trials": "500", "kept": []}, headers=OWN)
    assert nextarm.verbs.report_questions(study)["comparison"] == []


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("a=example-new&b=example-earlier", "evidence of nothing"),
        (f"{SIDES}&b=%3Dours", "treated and control are the same"),
        (SIDES.replace("at=2", "at=soon"), "must be years"),
        (SIDES.replace("trial-x", "../x"), "b = "),
    ],
)
def test_what_cannot_be_kept_is_told_and_nothing_is_written(client: TestClient, home: Path, question: str, said: str) -> None:
    before = nextarm.verbs.report_questions(home / "mine")
    sent = {"step": "borrowing", "question": f"view=patients&{question}"}
    answer = client.post("/study/mine/report/keep", data=sent, headers=OWN)
    assert answer.status_code == 422
    assert said in answer.text
    assert nextarm.verbs.report_questions(home / "mine") == before


@pytest.mark.parametrize(
    "query", [SIDES, SIDES.replace("trial-x", "%3Dregistry&b_unit=years&adjust=age,cns"), f"{SIDES}&cure=yes&drift=frontline-kmt2a-r"]
)
def test_the_python_of_the_screen_gives_the_numbers_of_the_screen(
    client: TestClient, home: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    answer = client.get(f"/study/mine/borrowing.json?view=patients&{query}").json()
    shown = {n["name"]: n["value"] for n in answer["numbers"]}
    monkeypatch.chdir(home / "mine")
    space: dict[str, Any] = {}
    exec(answer["screen"]["python"], space)
    assert shown["effect.hazard-ratio"] == space["found"].hazard_ratio.estimate
    assert shown["effect.s-2-difference"] == space["found"].milestones[0].difference
    assert ("effect.cure-fraction-difference" in shown) == (space["found"].cure is not None)


def test_covariates_of_a_curve_are_refused(client: TestClient) -> None:
    answer = client.get(f"/study/mine/borrowing?view=patients&{SIDES}&adjust=age")
    assert answer.status_code == 422
    assert "the curve trial-x has none" in answer.text
