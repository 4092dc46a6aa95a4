"""Hostile requests: other names of the host, other origins, paths that lead out, too much, bad methods, no token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nextarm.core.errors import CallError
from nextarm.web import app as web
from nextarm.web.app import web_app
from nextarm.web.guard import Access, Limits, hosts_for
from nextarm.web.home import Home

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE, "sec-fetch-site": "same-origin"}
NEW = "/study/infant-all/start/new"


def client_of(folder: Path, access: Access | None = None) -> TestClient:
    return TestClient(
        web_app(folder, access=access or Access(port=8765)), base_url=BASE, raise_server_exceptions=False, follow_redirects=False
    )


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return client_of(tmp_path / "studies")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8765", "192.168.0.1:8765", "127.0.0.1:80", "127.0.0.1", "", "localhost:8765@evil.example"],
)
def test_another_name_of_the_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "infant" not in answer.text


def test_two_host_headers_are_refused(client: TestClient) -> None:
    assert client.get("/", headers=[("host", "127.0.0.1:8765"), ("host", "evil.example")]).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST:8765"])
def test_its_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:8765.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": BASE, "sec-fetch-site": "cross-site"},
    ],
)
def test_a_change_from_elsewhere_is_refused_and_nothing_happens(tmp_path: Path, headers: dict[str, str]) -> None:
    client = client_of(tmp_path / "studies")
    assert client.post(NEW, data={"name": "mine"}, headers=headers).status_code == 403
    assert not (tmp_path / "studies" / "mine").exists()


def test_a_change_from_its_own_page_is_done(tmp_path: Path) -> None:
    answer = client_of(tmp_path / "studies").post(NEW, data={"name": "mine"}, headers=OWN)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/study/mine/evidence"
    assert (tmp_path / "studies" / "mine" / "datapackage.json").is_file()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(client: TestClient, method: str) -> None:
    assert client.request(method, "/", headers=OWN).status_code == 405


@pytest.mark.parametrize("path", ["/", "/study/infant-all/trust", "/nothing", "/assets/web.js", "/study/infant-all/trust.json"])
def test_every_answer_forbids_what_a_page_must_not_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_pages_hold_nothing_inline(client: TestClient) -> None:
    for path in ("/", "/study/infant-all/synthesis", "/study/infant-all/design"):
        text = client.get(path).text
        assert "<script>" not in text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick" not in text.lower()
        assert "http://" not in text.replace("http://www.w3.org", "").split("<main")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/study/../etc/evidence",
        "/study/..%2f..%2fetc/evidence",
        "/study/%2e%2e/evidence",
        "/study/.hidden/evidence",
        "/study/outside/evidence",
        "/study/linked/evidence",
        "/study/infant-all/..%2f..%2fevidence",
        "/study/infant-all/report/file/..%2f..%2fsecret.txt",
        "/study/infant-all/report/file/%2fetc%2fpasswd",
        "/assets/..%2fapp.py",
        "/assets/app.py",
        "//etc/passwd",
        "/study/infant-all/evidence.html",
        "/study/infant-all/synthesis/chart/..%2fx.svg",
        "/study/infant-all/synthesis/table/999999.csv",
        "/study/infant-all/synthesis/table/-1.csv",
        "/study/infant-all/synthesis/table/²2.csv",
        "/runs/..%2fx",
    ],
)
def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    home = tmp_path / "studies"
    (home / "good").mkdir(parents=True)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "datapackage.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("a secret")
    (home / "linked").symlink_to(tmp_path / "away")
    answer = client_of(home).get(path)
    assert answer.status_code == 404
    assert "a secret" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "/etc", "infant-all", "A B", ".x", "", "x" * 60, "con\x00", "ä"])
def test_a_study_cannot_be_made_elsewhere(tmp_path: Path, name: str) -> None:
    answer = client_of(tmp_path / "studies").post(NEW, data={"name": name}, headers=OWN)
    assert answer.status_code in (400, 422)
    assert not list((tmp_path / "studies").glob("*"))
    assert {p.name for p in tmp_path.iterdir()} <= {"studies"}


@pytest.mark.parametrize(
    ("step", "action", "form"),
    [
        ("patients", "add", {"name": "../../x", "curve_csv": "time,survival\n0,1\n1,0.5\n", "risk_csv": "time,at_risk\n0,10\n"}),
        ("design", "save", {"name": "../x", "toml": "x"}),
        ("design", "save", {"name": "datapackage.json", "toml": "x"}),
    ],
)
def test_no_file_is_written_out_of_a_study(tmp_path: Path, step: str, action: str, form: dict[str, str]) -> None:
    client = client_of(tmp_path / "studies")
    client.post(NEW, data={"name": "mine"}, headers=OWN)
    before = sorted(p for p in tmp_path.rglob("*"))
    assert client.post(f"/study/mine/{step}/{action}", data=form, headers=OWN).status_code == 422
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_a_link_inside_a_study_does_not_lead_out(tmp_path: Path) -> None:
    client = client_of(tmp_path / "studies")
    client.post(NEW, data={"name": "mine"}, headers=OWN)
    (tmp_path / "secret.toml").write_text("[secret]\nword = 'tell-nobody'\n")
    (tmp_path / "studies" / "mine" / "leak.toml").symlink_to(tmp_path / "secret.toml")
    answer = client.get("/study/mine/design?plan=leak")
    assert answer.status_code == 422
    assert "tell-nobody" not in answer.text


def test_the_bundled_study_is_not_written(client: TestClient) -> None:
    answer = client.post("/study/infant-all/design/save", data={"name": "x", "toml": web._step("design").forms and "x"}, headers=OWN)
    assert answer.status_code == 422


def test_too_much_is_refused(tmp_path: Path) -> None:
    client = client_of(tmp_path, Access(port=8765, limits=Limits(body=1000, address=500)))
    assert client.post(NEW, content=b"name=" + b"a" * 2000, headers=OWN | FORM).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield from [b"name=a"] + [b"a" * 300] * 10

    assert client.post(NEW, content=chunks(), headers=OWN | FORM).status_code == 413
    assert client.get("/?" + "a" * 600).status_code == 414
    assert client.post(NEW, content=b"x", headers=OWN | FORM | {"content-length": "1e3"}).status_code == 400


FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_only_plain_forms_are_read(client: TestClient) -> None:
    assert client.post(NEW, json={"name": "x"}, headers=OWN).status_code == 415
    assert client.post(NEW, files={"name": ("x", b"x")}, headers=OWN).status_code == 415
    assert client.post(NEW, content=b"name=%ff%fe", headers=OWN | FORM).status_code == 400
    assert client.post(NEW, content="&".join(f"a{i}=1" for i in range(400)), headers=OWN | FORM).status_code == 400


def test_a_bug_shows_no_traceback(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret words of a traceback")

    monkeypatch.setattr(web.Server, "screen", broken)
    answer = client.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "<h1>Internal server error</h1>" in answer.text
    assert "went wrong in nextarm itself" in client.get("/", headers={"accept": "*/*"}).text
    assert "secret words" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


class TestToken:
    """A server for others than this machine asks for a token."""

    @pytest.fixture
    def client(self, tmp_path: Path) -> TestClient:
        return client_of(tmp_path, Access(hosts=hosts_for("0.0.0.0", ["trial.example"]), port=8765, token="right-token"))

    @pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/study/infant-all/trust.json?token=right-toke", "/assets/web.js"])
    def test_without_it_nothing_is_shown(self, client: TestClient, path: str) -> None:
        assert client.get(path).status_code == 401

    def test_with_it_a_cookie_is_kept_and_the_address_cleaned(self, client: TestClient) -> None:
        answer = client.get("/study/infant-all/trust?room=survival&token=right-token")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/study/infant-all/trust?room=survival"
        assert "httponly" in answer.headers["set-cookie"].lower()
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        assert client.get("/study/infant-all/trust").status_code == 200

    def test_it_does_not_lead_to_another_server(self, client: TestClient) -> None:
        where = client.get("//evil.example/?token=right-token").headers.get("location", "")
        assert not where.startswith("//")

    def test_a_bearer_works_and_a_form_still_needs_its_origin(self, client: TestClient) -> None:
        bearer = {"authorization": "Bearer right-token"}
        assert client.get("/", headers=bearer).status_code == 200
        assert client.post(NEW, data={"name": "a"}, headers=bearer).status_code == 403

    def test_names_given_are_answered(self, client: TestClient) -> None:
        assert client.get("/?token=right-token", headers={"host": "trial.example:8765"}).status_code == 303
        assert client.get("/?token=right-token", headers={"host": "other.example:8765"}).status_code == 421


def test_names_of_studies_are_looked_up_one_way(tmp_path: Path) -> None:
    with pytest.raises(CallError):
        Home(tmp_path).study("../x")
    with pytest.raises(CallError):
        Home(tmp_path).study("infant-all").path("plan.toml")


def test_websockets_are_turned_away(client: TestClient) -> None:
    with pytest.raises(Exception, match=r"1008|WebSocketDisconnect|"), client.websocket_connect("/"):
        pytest.fail("a websocket was accepted")
