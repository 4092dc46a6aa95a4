"""A study that builds on nothing: every screen says what is missing and what to do next, and one's own rows are enough to go on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm.evidence import load_package
from nextarm.web.app import web_app

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
SCREENS = (
    "evidence", "evidence?table=counts", "evidence?view=timeline", "evidence?view=study", "evidence?view=agents", "evidence?view=pooled",
    "evidence?view=risk", "synthesis", "synthesis?view=all", "borrowing",
)  # fmt: skip
#: Two made-up cohorts.
ROW = {
    "new_subtype": "any", "new_class": "chemotherapy", "own_pool": "mine", "row_endpoint": "EFS", "time_years": "3",
    "time_origin": "diagnosis", "author": "Doe", "year": "2020", "title": "A made-up trial", "where_seen": "abstract",
}  # fmt: skip
ROWS = (
    {"study_name": "One", "label": "all", "estimate": "0.5", "n": "80", "doi": "10.1234/one"},
    {"study_name": "Two", "label": "all", "estimate": "0.6", "n": "60", "doi": "10.1234/two"},
)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    made = TestClient(web_app(tmp_path), base_url=BASE, follow_redirects=False)
    sent = {"name": "blank", "begins": "empty"}
    assert made.post("/study/infant-all/start/new", data=sent, headers=OWN).headers["location"] == "/study/blank/evidence"
    return made


def test_it_holds_nothing_of_the_bundled_evidence(client: TestClient, tmp_path: Path) -> None:
    package = load_package(tmp_path / "blank")
    assert (package.extends, package.outcomes, package.arms, package.sources) == ((), (), (), ())


def test_every_screen_says_what_to_do_next(client: TestClient) -> None:
    for screen in SCREENS:
        page = client.get(f"/study/blank/{screen}")
        assert page.status_code == 200, screen
        assert "What to do next" in page.text, screen
        assert 'href="/study/blank/evidence#add-row"' in page.text, screen
        assert 'class="keep"' not in page.text, screen
    for screen in ("figure", "patients", "borrowing?view=patients", "design", "report", "trust", "start"):
        assert client.get(f"/study/blank/{screen}").status_code == 200, screen


def test_its_report_can_be_made(client: TestClient) -> None:
    assert client.post("/study/blank/report/make", data={"sections": ["methods"]}, headers=OWN).status_code == 303
    for _ in range(1200):
        run = client.get("/study/blank/report.json").json()["screen"]["run"]
        if run["state"] not in ("waiting", "running"):
            break
        time.sleep(0.1)
    assert (run["state"], run["problems"]) == ("done", [])


def test_ours_rows_of_ones_own_are_pooled_and_make_a_prior(client: TestClient, tmp_path: Path) -> None:
    for row in ROWS:
        answer = client.post("/study/blank/evidence/add", data=ROW | row, headers=OWN)
        assert answer.status_code == 303, answer.text
    shown = {n["name"]: n["value"] for n in client.get("/study/blank/synthesis.json?time=3").json()["numbers"]}
    found = nextarm.pool(package=tmp_path / "blank", pool_set="mine", endpoint="EFS", time=3, window=1)
    assert (shown["pooled"], shown["pooled.k"]) == (found.estimate, 2)
    page = client.get("/study/blank/borrowing?endpoint=EFS&time=3&arms=own-own-one-all&arms=own-own-two-all")
    assert page.status_code == 200
    assert "These rows make no prior" not in page.text
    assert "interfant" not in page.text.lower()


def test_what_cannot_be_pooled_is_told_in_the_words_of_the_screen(client: TestClient) -> None:
    for row in ROWS:
        assert client.post("/study/blank/evidence/add", data=ROW | row | {"time_origin": "not-stated"}, headers=OWN).status_code == 303
    first = client.get("/study/blank/synthesis")  # asks for the time that the rows have
    assert 'name="time" value="3"' in first.text
    assert "mine reports EFS at 3" in first.text
    for screen in ("synthesis?", "evidence?view=pooled&"):
        for years, cure in (
            (3, "Take unstated origins of time to be the same"),
            (5, "Ask for a time that rows report, or widen the window"),
        ):
            told = client.get(f"/study/blank/{screen}pool_set=mine&time={years}&window=1")
            assert told.status_code == 422
            said = told.text.split('<div class="note caution problems"')[1].split("</ul>")[0]
            assert cure in said
            assert "One: all, EFS 3 years and Two: all, EFS 3 years: " in said
            assert "own-own" not in said
            assert "--" not in said
    answer = client.get("/study/blank/synthesis?pool_set=mine&time=3&window=1&assume_origin=yes")
    assert answer.status_code == 200


def test_cohorts_of_another_set_left_out_before_it_was_chosen_have_no_say(client: TestClient) -> None:
    for row in ROWS:
        client.post("/study/blank/evidence/add", data=ROW | row, headers=OWN)
    other = {"study_name": "Three", "own_pool": "theirs", "doi": "10.1234/three"}
    client.post("/study/blank/evidence/add", data=ROW | ROWS[0] | other, headers=OWN)
    assert client.get("/study/blank/synthesis?pool_set=theirs&time=3&without=own-own-one-all").status_code == 200
    assert client.get("/study/blank/synthesis?pool_set=theirs&time=3&without=nobody").status_code == 422
