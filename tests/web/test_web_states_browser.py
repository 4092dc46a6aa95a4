"""Runs that wait, fail, are cancelled, find no room, or lose their server, as a browser shows them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from nextarm import verbs
from nextarm.core.errors import RefusedError
from nextarm.web.app import web_app
from web.serving import AXE, LONGEST, Serving, opened, run_done

pytestmark = pytest.mark.browser


class Held:
    """``simulate`` as the page calls it, stopped after its first stage until somebody says what becomes of it."""

    def __init__(self, simulate: Callable[..., Any]) -> None:
        self.simulate, self.gate, self.error = simulate, threading.Event(), None

    def __call__(self, plan: Any, *, trials: int, progress: Any, **options: Any) -> Any:
        if trials > 2_048:
            while not self.gate.wait(0.02):
                progress(0, trials)  # a cancelled run ends here
            if self.error is not None:
                raise self.error
        return self.simulate(plan, trials=trials, progress=progress, **options)


class Here(Serving):
    """A server in a thread, which can be ended and started again on its port."""

    def start(self) -> None:
        from nextarm.web.guard import Access, hosts_for

        app = web_app(self.folder, access=Access(hosts=hosts_for("127.0.0.1", ()), port=self.port))
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="error", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        end = time.monotonic() + LONGEST
        while not self.server.started:
            if not self.thread.is_alive() or time.monotonic() > end:
                raise AssertionError("the server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, and wait for its runs: they have their folder to themselves until they stop."""
        self.server.should_exit = True
        for thread in (self.thread, *(t for t in threading.enumerate() if t.name.startswith("run "))):
            thread.join(LONGEST)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held(verbs.simulate)
    monkeypatch.setattr(verbs, "simulate", made)
    monkeypatch.setattr("nextarm.web.app.warm", lambda server: None)  # no work ahead: it would be done anew by every server
    yield made
    made.gate.set()


@pytest.fixture
def here(tmp_path: Path, held: Held) -> Iterator[Here]:
    made = Here(tmp_path)
    made.start()
    yield made
    held.gate.set()
    made.stop()


@pytest.fixture
def page(browser: Any) -> Any:
    return opened(browser, [])


def simulate(page: Any, here: Here, seed: int, *, study: str = "infant-all") -> None:
    page.goto(f"{here.base}/study/{study}/design?card=log-rank")
    page.get_by_label("Virtual trials of each scenario").fill("5000")
    page.get_by_label("Seed", exact=True).fill(str(seed))
    page.get_by_role("button", name="Simulate").click()
    page.wait_for_url("**seed=*")


def no_barrier(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=AXE).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_run_that_fails_keeps_its_first_answer_says_so_and_can_be_started_again(page: Any, here: Here, held: Held, told: bool) -> None:
    held.error = RefusedError("too few infants", cure="Widen the window") if told else ZeroDivisionError("words of a traceback")
    simulate(page, here, 1)
    page.locator("section#rates table").last.wait_for()
    run = page.locator("section.run")
    assert run.get_attribute("data-state") == "running"
    assert run.locator("progress").is_visible()
    held.gate.set()
    page.locator(".run[data-state=failed]").wait_for()
    said = run.inner_text()
    assert ("too few infants. Widen the window." if told else "failed in nextarm itself") in said
    assert "What it had found by then stands below" in said
    assert "words of a traceback" not in page.content()
    assert page.locator("section#rates table").last.is_visible()
    no_barrier(page)
    held.error = None
    page.get_by_role("button", name="Simulate").click()
    run_done(page)


def test_a_run_that_is_cancelled_keeps_what_it_has(page: Any, here: Here, held: Held) -> None:
    simulate(page, here, 1)
    page.locator("section#rates table").last.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".run[data-state=cancelled]").wait_for()
    assert "It was stopped before its end." in page.locator("section.run").inner_text()
    assert page.locator("section#rates table").last.is_visible()
    assert page.get_by_role("button", name="Cancel").count() == 0
    no_barrier(page)


def test_two_run_four_wait_and_the_next_is_told_with_its_form_still_filled(page: Any, here: Here, held: Held) -> None:
    for seed in range(1, 7):
        simulate(page, here, seed)
    page.locator(".run[data-state=waiting]").wait_for()
    assert "It begins once one of the two that are running is done." in page.locator("section.run").inner_text()
    no_barrier(page)
    page.get_by_label("Seed", exact=True).fill("77")
    with page.expect_response(lambda reply: reply.url.endswith("/design/simulate")) as refused:
        page.get_by_role("button", name="Simulate").click()
    assert refused.value.status == 429
    alert = page.get_by_role("alert")
    assert "the queue is full" in alert.inner_text()
    assert page.get_by_label("Seed", exact=True).input_value() == "77"
    assert page.locator("#runs li").count() == 6
    no_barrier(page)
    page.locator("#runs a").last.click()
    page.get_by_role("button", name="Cancel").click()
    page.locator(".run[data-state=cancelled]").wait_for()
    held.gate.set()


def test_a_server_that_dies_is_told_and_what_it_ran_is_taken_up_again(page: Any, here: Here, held: Held) -> None:
    page.goto(here.base)
    page.get_by_label("Name of the study").fill("mine")
    page.get_by_role("button", name="Make the study").click()
    simulate(page, here, 1, study="mine")
    page.locator("section#rates table").last.wait_for()
    here.stop()
    page.get_by_text("the server does not answer").first.wait_for()
    assert page.locator("section#rates table").last.is_visible(), "what was shown stays"
    here.start()
    held.gate.set()
    run_done(page)
    assert "5,000" in page.locator(".run-count").inner_text()
    # the bundled study keeps nothing: its address says so instead of showing an empty page
    page.goto(page.url.replace("/study/mine/", "/study/infant-all/"))
    assert "This server has not run the virtual trials of this address" in page.locator("section#rates").inner_text()
    no_barrier(page)


def test_an_answer_that_does_not_come_is_asked_for_again(page: Any, here: Here, held: Held) -> None:
    """The run ends, and the page that shows it is lost on the way, then the server is too busy for it: the third time it is there."""
    simulate(page, here, 1)
    page.locator("section#rates table").last.wait_for()
    ways = [lambda route: route.abort(), lambda route: route.fulfill(status=429, body="busy")]
    page.route(re.compile(r"/design\?"), lambda route: ways.pop(0)(route) if ways else route.continue_())
    held.gate.set()
    run_done(page)
    assert ways == []
    assert page.locator(".told").count() == 0
