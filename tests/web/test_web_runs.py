"""Runs: two at a time, a queue, then refusal; progress, cancel, failure, the same key once."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm.core.errors import RefusedError
from nextarm.designs.plan import plan_from_toml
from nextarm.report import ledger_of
from nextarm.validation.case import Case
from nextarm.web.app import web_app
from nextarm.web.runs import BusyError, Run, Runs
from web.serving import LONGEST

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}


def until(what: Any) -> None:
    end = time.monotonic() + LONGEST
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def test_two_run_four_wait_the_next_is_refused() -> None:
    runs, gate = Runs(at_once=2, waiting=4), threading.Event()
    made = [runs.start(str(i), lambda run: gate.wait(LONGEST), title=str(i), address="/") for i in range(6)]
    until(lambda: sum(r.state == "running" for r in made) == 2)
    assert [r.state for r in made].count("waiting") == 4
    with pytest.raises(BusyError):
        runs.start("7", lambda run: None, title="7", address="/")
    assert runs.start("0", lambda run: None, title="again", address="/") is made[0]
    assert runs.cancel("5")
    assert made[5].state == "cancelled"
    gate.set()
    until(lambda: all(not r.active for r in made))
    assert [r.state for r in made] == ["done"] * 5 + ["cancelled"]


def test_a_run_stops_at_its_next_progress_and_keeps_what_it_showed() -> None:
    runs, started = Runs(), threading.Event()

    def work(run: Run) -> str:
        run.show("a first answer")
        started.set()
        for i in range(100_000):
            run.progress(i, 100_000)
            time.sleep(0.001)
        return "the whole"

    run = runs.start("a", work, title="a", address="/")
    assert started.wait(LONGEST)
    assert runs.cancel("a")
    until(lambda: not run.active)
    assert (run.state, run.result) == ("cancelled", "a first answer")
    assert not runs.cancel("a")


def test_a_refusal_is_told_and_a_bug_is_not_shown() -> None:
    runs = Runs()

    def refuse(run: Run) -> None:
        raise RefusedError("too few infants", cure="Widen the window")

    def break_(run: Run) -> None:
        raise ZeroDivisionError("words of a traceback")

    a, b = runs.start("a", refuse, title="a", address="/"), runs.start("b", break_, title="b", address="/")
    until(lambda: not a.active and not b.active)
    assert a.facts()["problems"] == ["too few infants. Widen the window."]
    assert "words of a traceback" not in str(b.facts())
    assert b.state == "failed"


def test_a_full_queue_is_answered_with_429(tmp_path: Path) -> None:
    app = web_app(tmp_path)
    client, gate = TestClient(app, base_url=BASE, follow_redirects=False), threading.Event()
    server = app.state.server
    for i in range(6):
        server.runs.start(str(i), lambda run: gate.wait(LONGEST), title=str(i), address="/")
    answer = client.post("/study/infant-all/trust/verify", data={"room": "survival"}, headers=OWN)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert client.get("/runs/0.json").json()["state"] == "running"
    assert client.post("/runs/5/cancel", headers=OWN).status_code == 303
    assert client.get("/runs/5.json").json()["state"] == "cancelled"
    gate.set()


def test_verify_from_the_page_runs_shows_its_progress_is_cancelled_and_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, reached = threading.Event(), threading.Event()

    def held() -> dict[str, float]:
        reached.set()
        gate.wait(LONGEST)
        return {"value": 2.0}

    def case(name: str, compute: Any, room: str = "survival") -> Case:
        about = {"id": name, "title": name, "room": room, "kind": "closed form", "source": "arithmetic", "inputs": "none", "reference": ""}
        return Case(**about, compute=compute, expected={"value": 2.0}, tolerance=1e-9)

    cases = (case("sound", lambda: {"value": 2.0}), case("held", held), case("wrong", lambda: {"value": 3.0}, "designs"))
    monkeypatch.setattr("nextarm.validation.cases.all_cases", lambda: cases)
    client = TestClient(web_app(tmp_path), base_url=BASE, follow_redirects=False)

    def start() -> str:
        reached.clear()
        where = client.post("/study/infant-all/trust/verify", data={"room": ""}, headers=OWN).headers["location"]
        assert reached.wait(LONGEST)
        return where

    def run() -> dict[str, Any]:
        return client.get("/study/infant-all/trust.json").json()["screen"]["run"]

    # held at the second of three: progress is shown, and cancelling takes effect at the next case
    where = start()
    assert (run()["state"], run()["done"], run()["total"]) == ("running", 1, 3)
    assert "1 of 3" in client.get(where).text
    assert client.post(f"/runs/{run()['key']}/cancel", headers=OWN).status_code == 303
    gate.set()
    until(lambda: run()["state"] == "cancelled")
    assert "cases passed" not in client.get(where).text

    # run again to its end: what passed, what did not, by room
    where = start()
    until(lambda: run()["state"] == "done")
    page = client.get(where).text
    numbers = {n["name"]: n["value"] for n in client.get("/study/infant-all/trust.json").json()["numbers"]}
    assert (numbers["passed"], numbers["run"], numbers["outside"]) == (2, 3, 3)
    assert "1 case did not reproduce its expected value." in page
    rows = client.get("/study/infant-all/trust/table/2.csv").text.splitlines()
    assert [line for line in rows if "FAILED" in line] == [line for line in rows if "wrong" in line] != []
    assert [cell for line in rows for cell in line.split(",") if cell in ("wrong", "sound", "held")] == ["wrong", "sound", "held"]


def test_virtual_trials_first_few_then_all(tmp_path: Path) -> None:
    client = TestClient(web_app(tmp_path), base_url=BASE, follow_redirects=False)
    client.post("/study/infant-all/start/new", data={"name": "mine"}, headers=OWN)
    plan = (tmp_path / "mine" / "plan.toml").read_text()
    where = client.post("/study/mine/design/simulate", data={"toml": plan, "trials": "3000", "seed": "5"}, headers=OWN).headers["location"]
    key = ""

    def done() -> bool:
        nonlocal key
        facts = client.get(where.replace("/design?", "/design.json?")).json()["screen"]["run"]
        key = facts["key"]
        return facts["state"] == "done"

    until(done)
    found = client.get(where.replace("/design?", "/design.json?")).json()
    rates = {n["name"]: n for n in found["numbers"]}
    assert (
        rates["as-planned.plan.rejection"]["low"] < rates["as-planned.plan.rejection"]["value"] < rates["as-planned.plan.rejection"]["high"]
    )
    assert (tmp_path / "mine" / "runs" / key / "results.json").is_file()

    # after a restart the same address shows the same numbers, taken from the blocks that were kept
    again = TestClient(web_app(tmp_path), base_url=BASE)
    until(lambda: again.get(where.replace("/design?", "/design.json?")).json()["screen"]["run"]["state"] == "done")
    assert again.get(where.replace("/design?", "/design.json?")).json()["numbers"] == found["numbers"]


def test_the_error_shrinks_as_it_refines_and_the_last_answer_is_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    show = Run.show

    def kept(run: Run, result: Any) -> None:
        shown.append(result)
        show(run, result)

    monkeypatch.setattr(Run, "show", kept)
    client = TestClient(web_app(tmp_path), base_url=BASE, follow_redirects=False)
    plan = nextarm.designs("log-rank").cards[0].example
    where = client.post("/study/infant-all/design/simulate", data={"toml": plan, "trials": "9000", "seed": "5"}, headers=OWN)
    at = where.headers["location"].replace("/design?", "/design.json?")
    until(lambda: client.get(at).json()["screen"]["run"]["state"] == "done")
    rates = [next(e.number for e in ledger_of(report).entries if e.number.name == "as-planned.plan.rejection") for report in shown]
    widths = [rate.high - rate.low for rate in rates]
    assert [report.subtitle.split()[0] for report in shown] == ["2,048", "8,192", "9,000"]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] / widths[1] == pytest.approx(2.0, rel=0.05), "four times the trials, half the error"
    found = nextarm.simulate(plan_from_toml(plan), trials=9000, seed=5).scenarios[0]
    assert rates[-1].value == found.rejection.value
    assert widths[-1] == pytest.approx(2 * 1.96 * found.rejection.se, rel=1e-3)


def test_a_long_run_is_cancelled_keeps_its_first_answer_and_goes_on_when_asked_again(tmp_path: Path) -> None:
    client = TestClient(web_app(tmp_path), base_url=BASE, follow_redirects=False)
    client.post("/study/infant-all/start/new", data={"name": "mine"}, headers=OWN)
    sent = {"toml": nextarm.designs("log-rank").cards[0].example, "trials": "900000", "seed": "3"}
    where = client.post("/study/mine/design/simulate", data=sent, headers=OWN).headers["location"]
    at = where.replace("/design?", "/design.json?")

    def run() -> Any:
        return client.get(at).json()["screen"]["run"]

    until(lambda: run()["revision"] >= 1 and run()["done"] > 2_048)
    assert run()["total"] == 900_000
    assert client.post(f"/runs/{run()['key']}/cancel", headers=OWN).headers["location"] == where.removesuffix("#answer")
    until(lambda: run()["state"] == "cancelled")
    page = client.get(where).text
    assert 'id="rates"' in page
    assert "cancelled" in page
    done = run()["done"]
    client.post("/study/mine/design/simulate", data=sent, headers=OWN)
    until(lambda: run()["done"] >= done)
    client.post(f"/runs/{run()['key']}/cancel", headers=OWN)
    until(lambda: run()["state"] == "cancelled")
