"""Several requests, or a request and a write, in one study at the same moment: each gets a whole answer, and none takes another's place."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm.web.app import Server, warm, web_app
from nextarm.web.figure.store import FigureStore, new_store
from nextarm.web.home import Home, Study
from web.figure_files import draw
from web.serving import LONGEST

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    nextarm.new_study(tmp_path / "mine")
    return tmp_path


@pytest.fixture
def client(home: Path) -> TestClient:
    return TestClient(web_app(home), base_url=BASE, follow_redirects=False)


def test_a_file_that_goes_while_a_study_is_looked_at_is_left_out(home: Path) -> None:
    """A name without a file behind it is what a look meets when a write renames its temporary file between list and look."""
    study, before = Study("mine", home / "mine"), Study("mine", home / "mine").stamp()
    (home / "mine" / "gone.csv").symlink_to(home / "nowhere")
    (home / "mine" / ".plan.toml.x1").write_text("half of a pl")
    (home / "mine" / "design").symlink_to(home / "nowhere")
    assert study.stamp() == before
    assert [found.name for found, _ in Home(home).recent()] == ["mine"]


def test_figures_dropped_together_get_a_folder_each(home: Path) -> None:
    first, second = new_store(home / "mine", "Figure 2.png"), new_store(home / "mine", "Figure 2.png")
    assert (first.name, second.name) == ("figure-2", "figure-2-2")
    assert FigureStore(home / "mine", "figure-2").lock is first.lock
    assert second.lock is not first.lock


def test_the_list_of_figures_has_one_that_was_just_dropped(client: TestClient, home: Path) -> None:
    assert "trial" not in client.get("/study/mine/figure.csv").text
    data = draw(home / "trial.svg").read_bytes()
    assert client.post("/study/mine/figure/upload?name=trial.svg", content=data, headers=OWN).status_code == 201
    assert "trial" in client.get("/study/mine/figure.csv").text


def test_a_report_is_read_whole_while_a_new_one_takes_its_place(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two renames there is no report: who asks then waits for the new one."""
    rename, given, asking = Path.rename, list[int](), list[threading.Thread]()

    def read() -> None:
        given.extend(client.get(f"/study/mine/report/file/{name}").status_code for name in ("report.html", "everything.zip"))

    def slowly(path: Path, target: Path) -> Any:
        done = rename(path, target)
        if path.name == "report":
            asking.append(threading.Thread(target=read))
            asking[0].start()
            asking[0].join(1.0)  # it has time to see that there is none; then the new one comes
        return done

    monkeypatch.setattr(Path, "rename", slowly)
    for _ in range(2):
        assert client.post("/study/mine/report/make", data={"sections": "methods"}, headers=OWN).status_code == 303
        for thread in threading.enumerate():
            if thread.name.startswith("run "):
                thread.join(LONGEST)
    asking[0].join(LONGEST)
    assert given == [200, 200]


def test_no_work_is_done_ahead_once_the_server_has_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, asked = Server(Home(home)), list[str]()
    monkeypatch.setattr(server, "screen", lambda study, step, *_: asked.append(step.key))
    ahead = threading.Thread(target=warm, args=(server,), daemon=True)
    server.end()
    ahead.start()
    ahead.join(LONGEST)
    assert not ahead.is_alive(), "it waits for a screen to be opened, which will not come"
    assert len(asked) <= 6, "the screens with a question of their own are left"
