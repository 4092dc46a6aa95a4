"""What all tests share: one browser and one server a process, the server's log beside a test that fails, and no silent skip.

``NEXTARM_BROWSER=required`` (continuous integration) makes a missing browser an error: no test may be left out for want of one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from web.serving import Serving

REQUIRED = os.environ.get("NEXTARM_BROWSER") == "required"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None] + ([] if CHROMIUM else ["chromium"])


def pytest_configure(config: pytest.Config) -> None:
    if REQUIRED and MISSING:
        raise pytest.UsageError(f"NEXTARM_BROWSER=required, and there is no {' and no '.join(MISSING)}: browser tests would be skipped")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A skipped browser test fails where the browser is required; a failed test tells what its server wrote."""
    report = yield
    if report.skipped and REQUIRED and item.get_closest_marker("browser"):
        report.outcome, report.longrepr = "failed", f"skipped, with NEXTARM_BROWSER=required: {report.longrepr}"
    if report.failed:
        servers = (made for made in getattr(item, "funcargs", {}).values() if isinstance(made, Serving))
        report.sections += [("log of the server", made.log_tail()) for made in servers]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """No page of one test stays open for the next."""
    if (made := getattr(item, "funcargs", {}).get("browser")) is not None:
        for context in made.contexts:
            context.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if MISSING:
        pytest.skip(f"no {' and no '.join(MISSING)} here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp("studies"))
    made.start()
    yield made
    made.kill()
    assert "Traceback" not in (said := made.log.read_text(encoding="utf-8", errors="replace")), said
