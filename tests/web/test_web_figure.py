"""The Figure screen by its addresses: files in, readings kept, nothing overwritten, nothing outside the study reached."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import nextarm
from nextarm.web.app import web_app
from web.figure_files import draw

BASE = "http://127.0.0.1:8765"


def app(home: Path) -> TestClient:
    """A page of the server on the studies in ``home``."""
    return TestClient(web_app(home), base_url=BASE, headers={"origin": BASE}, follow_redirects=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    nextarm.new_study(home / "mine")
    (home / "secret.txt").write_text("secret")
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return app(home)


@pytest.fixture(scope="module")
def figure(client: TestClient, home: Path) -> str:
    data = draw(home / "fig.svg").read_bytes()
    answer = client.post("/study/mine/figure/upload?name=Figure 2 (EFS).svg", content=data)
    assert answer.status_code == 201, answer.text
    address: str = answer.json()["address"]
    assert address == "/study/mine/figure/figure-2-efs"
    found = client.post(f"{address}/read", json={"version": 1})
    assert found.status_code == 200, found.text
    return address


def view(client: TestClient, figure: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{figure}/view.json").json()
    return found


def test_a_figure_is_read_and_shown(client: TestClient, figure: str) -> None:
    found = view(client, figure)
    assert found["reading"]["grade"] in ("A", "B")
    assert [c["arm"] for c in found["reading"]["curves"]] == ["Control", "New drug"]
    assert found["changes"]["at_risk"] == [[40, 21, 14, 9, 5], [40, 34, 28, 22, 12]]
    assert found["adjusted"]["x_axis"]["residual_px"] < 0.5
    page = client.get(figure)
    assert page.status_code == 200
    assert "Figure 2 (EFS).svg" in page.text
    assert client.get("/study/mine/figure").text.count("figure-2-efs") == 1
    picture = client.get(found["picture"]["href"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["content-security-policy"]


def test_each_curve_is_drawn_near_its_printed_colour(client: TestClient, figure: str) -> None:
    looks = view(client, figure)["adjusted"]["look"]
    assert [(look["arm"], look["printed"]) for look in looks] == [("Control", "#d62728"), ("New drug", "#1f77b4")]
    assert [look["colour"] for look in looks] == ["#d55e00", "#005a8c"]
    assert all(len(look["name"]) == 4 for look in looks)


def test_the_foot_offers_files_that_are_there_only(client: TestClient, figure: str, home: Path) -> None:
    data = (home / "fig.svg").read_bytes()
    fresh = client.post("/study/mine/figure/upload?name=later.svg", content=data).json()["address"]
    assert "saved_figure" not in client.get(fresh).text
    assert "nextarm.read_figure(&#34;mine/figures/later/source.svg&#34;)" in client.get(fresh).text
    for address in (fresh, figure):
        named = re.findall(r'"(mine/[^"]+)"', view(client, address)["same"]["Python"])
        assert named
        assert all((home / name).is_file() for name in named)


def test_a_figure_can_be_marked_by_hand_without_a_reading(client: TestClient, figure: str, home: Path) -> None:
    data = (home / "fig.svg").read_bytes()
    fresh = client.post("/study/mine/figure/upload?name=by hand.svg", content=data).json()["address"]
    found = client.post(f"{fresh}/by-hand", json={"version": 1}).json()
    assert found["reading"] is None
    assert [p["value"] for p in found["changes"]["x_axis"]] == [None, None]
    assert client.post(f"{fresh}/by-hand", json={"version": found["version"]}).status_code == 422
    assert client.post(f"{fresh}/read", json={"version": found["version"]}).json()["reading"]["grade"] == "A"


def test_each_action_is_kept_and_undone(client: TestClient, figure: str, home: Path) -> None:
    before = view(client, figure)
    changes = copy.deepcopy(before["changes"])
    changes["at_risk"][0][1] = 22
    sent = {"version": before["version"], "changes": changes, "what": "changed the numbers at risk", "action": "one"}
    after = client.post(f"{figure}/save", json=sent).json()
    assert after["version"] == before["version"] + 1
    again = client.post(f"{figure}/save", json=sent)  # the answer was lost and the page asks again
    assert again.json()["version"] == after["version"]
    other = app(home)  # a new server on the same folder
    assert view(other, figure)["changes"]["at_risk"][0][1] == 22
    undone = other.post(f"{figure}/go", json={"version": after["version"], "step": after["step"] - 1}).json()
    assert undone["changes"] == before["changes"]
    redone = other.post(f"{figure}/go", json={"version": undone["version"], "step": undone["step"] + 1}).json()
    assert redone["changes"] == changes
    assert redone["redo"] is False
    back = other.post(f"{figure}/go", json={"version": redone["version"], "step": before["step"]}).json()
    assert client.post(f"{figure}/go", json={"version": back["version"], "step": 0}).status_code == 422


def test_an_older_page_cannot_overwrite(client: TestClient, figure: str) -> None:
    found = view(client, figure)
    for act, body in (("save", {"changes": found["changes"]}), ("go", {"step": 1}), ("read", {}), ("rebuild", {})):
        answer = client.post(f"{figure}/{act}", json={"version": found["version"] - 1, **body})
        assert answer.status_code == 409, act
        assert "another tab" in answer.json()["error"]
    assert view(client, figure) == found


def test_an_impossible_correction_is_kept_and_told(client: TestClient, figure: str) -> None:
    found = view(client, figure)
    found["changes"]["curves"][0]["corners"][-1][1] = 0.0
    answer = client.post(f"{figure}/save", json={"version": found["version"], "changes": found["changes"]}).json()
    assert "rises" in answer["problems"][0]["text"]
    assert answer["adjusted"] is None
    refused = client.post(f"{figure}/rebuild", json={"version": answer["version"]})
    assert refused.status_code == 422
    assert client.get(f"{figure}.json").status_code == 422
    back = client.post(f"{figure}/go", json={"version": answer["version"], "step": answer["step"] - 1}).json()
    back["changes"]["x_axis"][1]["value"] = back["changes"]["x_axis"][2]["value"]
    answer = client.post(f"{figure}/save", json={"version": back["version"], "changes": back["changes"]}).json()
    assert "have one value, 24" in answer["problems"][0]["text"]
    client.post(f"{figure}/go", json={"version": answer["version"], "step": answer["step"] - 1})


def test_on_to_patients(client: TestClient, figure: str, home: Path) -> None:
    found = view(client, figure)
    answer = client.post(f"{figure}/rebuild", json={"version": found["version"]}).json()
    assert answer["rebuilt"]["current"] is True
    assert [(a["arm"], a["n"]) for a in answer["rebuilt"]["arms"]] == [("Control", 40), ("New drug", 40)]
    rows = (home / "mine" / "figures" / "figure-2-efs" / "patients.csv").read_text().splitlines()
    assert len(rows) == 81
    assert client.get(f"{figure}/patients.csv").text.splitlines() == rows
    assert json.loads(client.get(f"{figure}.json").text)["kind"] == "FigureReading"
    assert client.get(f"{figure}.csv").text.startswith("arm,time,survival")
    curves = home / "mine" / "curves"
    assert (curves / "figure-2-efs.curve.csv").read_text().startswith("arm,time,survival\nControl,0,1\n")
    assert len((curves / "figure-2-efs.at-risk.csv").read_text().splitlines()) == 11
    onward = client.get("/study/mine/patients?curve=figure-2-efs&unit=months&model=weibull")
    assert onward.status_code == 200
    assert 'aria-current="page"' in onward.text
    assert "given.csv" not in onward.text
    told = {"events": {"New drug": answer["rebuilt"]["arms"][1]["events"]}}
    again = client.post(f"{figure}/rebuild", json={"version": answer["version"], **told})
    assert again.status_code == 200, again.text
    assert "given.csv" in client.get("/study/mine/patients?curve=figure-2-efs&unit=months&model=weibull").text
    found["changes"]["curves"][0]["arm"] = "Standard"
    later = client.post(f"{figure}/save", json={"version": answer["version"], "changes": found["changes"]}).json()
    assert later["rebuilt"]["current"] is False


def test_a_curve_from_elsewhere_is_left_alone(client: TestClient, figure: str, home: Path) -> None:
    (home / "mine" / "curves").mkdir(exist_ok=True)
    mine = home / "mine" / "curves" / "other.curve.csv"
    mine.write_text("time,survival\n0,1\n")
    address = client.post("/study/mine/figure/upload?name=other.svg", content=(home / "fig.svg").read_bytes()).json()["address"]
    client.post(f"{address}/read", json={"version": 1})
    for _ in range(2):  # rebuilt twice, it keeps the name it took
        answer = client.post(f"{address}/rebuild", json={"version": 2}).json()
        assert answer["rebuilt"]["curve"] == "other-figure-1"
    assert mine.read_text() == "time,survival\n0,1\n"


def test_a_refusal_says_why_and_is_read_with_marks(client: TestClient, home: Path) -> None:
    data = draw(home / "bare.svg", labels=False).read_bytes()
    address = client.post("/study/mine/figure/upload?name=bare.svg", content=data).json()["address"]
    refused = client.post(f"{address}/read", json={"version": 1}).json()
    assert refused["reading"] is None
    assert refused["refusal"]["problems"][0]["text"]
    assert len(refused["changes"]["x_axis"]) == 2
    unfilled = client.post(f"{address}/read", json={"version": refused["version"], "changes": refused["changes"]})
    assert unfilled.status_code == 422
    assert "no value" in unfilled.json()["error"]
    w, h = refused["picture"]["width"], refused["picture"]["height"]
    left, right, bottom, top = 0.22 * w, 0.9 * w, 0.68 * h, h * (1 - 0.32 - 0.56 / 1.02)
    marks = {
        "x_axis": [{"pixel": left, "value": 0}, {"pixel": right, "value": 48}],
        "y_axis": [{"pixel": bottom, "value": 0}, {"pixel": top, "value": 1}],
        "time_unit": "months",
    }
    read = client.post(f"{address}/read", json={"version": refused["version"], "changes": marks})
    assert read.status_code == 200, read.text
    levels = sorted(c["last_survival"] for c in read.json()["reading"]["curves"])
    assert levels == pytest.approx([0.3, 0.65], abs=0.01)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<html></html>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"%PDF-1.7 nothing"])
def test_other_files_are_refused_and_leave_nothing(client: TestClient, home: Path, data: bytes) -> None:
    before = sorted(p.name for p in (home / "mine").rglob("*"))
    answer = client.post("/study/mine/figure/upload?name=../../x.png", content=data)
    assert answer.status_code == 422
    assert answer.json()["problems"]
    assert sorted(p.name for p in (home / "mine").rglob("*")) == before


def test_a_change_must_come_from_a_page_of_the_server(home: Path, figure: str) -> None:
    for headers in ({}, {"origin": "http://evil.example"}, {"origin": BASE, "sec-fetch-site": "cross-site"}):
        stranger = TestClient(web_app(home), base_url=BASE, headers=headers)
        for path in ("/study/mine/figure/upload?name=a.svg", f"{figure}/save", f"{figure}/read", f"{figure}/rebuild", f"{figure}/go"):
            assert stranger.post(path, content=b"{}").status_code == 403
    elsewhere = TestClient(web_app(home), base_url="http://evil.example:8765")
    assert elsewhere.get(f"{figure}/view.json").status_code == 421


def test_a_large_body_goes_to_the_reader_of_figures_only(client: TestClient, figure: str) -> None:
    large = b"x" * 6_000_000
    assert client.post("/study/mine/figure/upload?name=a.png", content=large).status_code == 422  # not a figure, but not too large
    assert client.post(f"{figure}/save", content=large).status_code == 413
    assert client.post("/study/infant-all/start/new", content=large).status_code == 413


def test_limits_and_studies(client: TestClient) -> None:
    assert client.post("/study/mine/figure/upload?name=a.png", content=b"x" * 20_000_001).status_code == 413
    assert client.post("/study/infant-all/figure/upload?name=a.png", content=b"x").status_code == 422
    assert client.post("/study/other/figure/upload?name=a.png", content=b"x").status_code == 404
    page = client.get("/study/infant-all/figure").text
    assert 'action="/study/infant-all/start/new"' in page  # a study of one's own is made here, and opens here
    made = client.post("/study/infant-all/start/new", data={"name": "from-figure", "then": "figure"})
    assert made.headers["location"] == "/study/from-figure/figure"
    assert client.get("/study/other/figure").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"version": NaN}', b"[" * 5000, b"\xff"])
@pytest.mark.parametrize("act", ["save", "go", "read", "rebuild"])
def test_requests_that_are_not_records(client: TestClient, figure: str, act: str, body: bytes) -> None:
    assert client.post(f"{figure}/{act}", content=body).status_code == 400


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("save", {}), ("save", {"version": "1"}), ("save", {"version": True, "changes": {}}), ("go", {"version": 10**30, "step": 1}),
        ("rebuild", {"version": None}), ("read", {"version": 1.5}), ("read", {"version": -1}),
    ],
)  # fmt: skip
def test_requests_with_wrong_values(client: TestClient, figure: str, act: str, body: dict[str, Any]) -> None:
    assert client.post(f"{figure}/{act}", json=body).status_code == 422


@pytest.mark.parametrize(
    "bad",
    [{"n": {"Control": -1}}, {"n": {"Control": "x"}}, {"n": [1]}, {"unit": "hours"}, {"events": {"Nobody": 3}}, {"n": {"Control": 1}}],
)
def test_printed_numbers_that_cannot_be(client: TestClient, figure: str, bad: dict[str, Any]) -> None:
    answer = client.post(f"{figure}/rebuild", json={"version": view(client, figure)["version"], **bad})
    assert answer.status_code == 422
    assert answer.json()["problems"]


@pytest.mark.parametrize(
    "path", ["../../secret.txt", "..%2f..%2fsecret.txt", "state.json", "steps/000001.json", "source.png", "picture-1.png%00", ".state"]
)
def test_nothing_else_is_sent(client: TestClient, figure: str, path: str) -> None:
    answer = client.get(f"{figure}/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("name", ["..", "A", "a b", "-a", "a" * 60, "%2e%2e", "nothing"])
def test_names_that_are_no_figures(client: TestClient, name: str) -> None:
    assert client.get(f"/study/mine/figure/{name}/view.json").status_code in (404, 405)


def test_a_broken_record_is_told(client: TestClient, home: Path) -> None:
    place = home / "mine" / "figures" / "broken"
    place.mkdir(parents=True)
    (place / "state.json").write_text("{")
    assert client.get("/study/mine/figure/broken").status_code == 404
    assert "cannot be read any more" in client.get("/study/mine/figure").text


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(act=st.sampled_from(["save", "try", "go", "rebuild"]), data=st.data())
def test_any_record_is_answered(client: TestClient, figure: str, act: str, data: st.DataObject) -> None:
    """Changes with anything anywhere: an answer or a reason, never a failure of the server."""
    now = view(client, figure)
    changes: dict[str, Any] = copy.deepcopy(now["changes"])
    key = data.draw(st.sampled_from(sorted(changes)))
    here = changes[key]
    if isinstance(here, list) and here and isinstance(here[0], dict) and data.draw(st.booleans()):
        here[0][data.draw(st.sampled_from(sorted(here[0])))] = data.draw(JUNK)
    else:
        changes[key] = data.draw(JUNK)
    body = {
        "version": now["version"],
        "changes": changes,
        "step": data.draw(st.integers(-3, 5)),
        "n": data.draw(JUNK),
        "what": data.draw(JUNK),
    }
    answer = client.post(f"{figure}/{act}", json=body)
    assert answer.status_code in (200, 409, 422), answer.text
    assert client.get(f"{figure}/view.json").status_code == 200
