"""The local page: the report's files and nothing else, to this machine and no other name of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nextarm.core.errors import CallError
from nextarm.web.app import report_app


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    folder = tmp_path / "report"
    (folder / "charts").mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html><title>the report</title>")
    (folder / "results.json").write_text("{}")
    (folder / "charts" / "plateau-forest.svg").write_text("<svg/>")
    (folder / "notes.txt").write_text("private")
    (tmp_path / "secret.txt").write_text("secret")
    return TestClient(report_app(folder), base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/report.html", "text/html"),
        ("/results.json", "application/json"),
        ("/charts/plateau-forest.svg", "image/svg+xml"),
    ],
)
def test_the_files_of_a_report_are_served(client: TestClient, path: str, kind: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/notes.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/charts/../notes.txt",
        "/charts/..%2fnotes.txt",
        "/charts/",
        "//etc/passwd",
        "/report.html%00",
    ],
)
def test_nothing_else_is(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "private" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1"])
def test_another_name_of_the_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert client.request(method, "/", headers={"origin": "http://127.0.0.1:8765"}).status_code == 405


def test_a_folder_without_a_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"report\.html"):
        report_app(tmp_path)
