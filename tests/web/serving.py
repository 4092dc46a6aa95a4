"""A server of its own process for tests, and pages that look at it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

#: Milliseconds that a page waits for anything, seconds that a test waits: against a hang only, no test measures time.
PATIENCE, LONGEST = 60_000, 300.0
#: Only violations are told in full: the selectors of all that is sound take as long as the rules.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


class Serving:
    """A server of its own process, which can be killed and started again on the same port; what it writes is kept in ``log``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        # held without being listened to: nobody else is given the port, and a server with SO_REUSEADDR may still bind it
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        call = [sys.executable, "-m", "nextarm.cli", "serve", str(self.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(call, stdout=log, stderr=log)
        end = time.monotonic() + LONGEST
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.base + "/", timeout=LONGEST).read()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log_tail()}")

    def kill(self) -> None:
        """Kill it, without a chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log_tail(self, lines: int = 60) -> str:
        """The last of what it wrote."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if self.log.is_file() else ""


def opened(browser: Any, errors: list[str], **options: Any) -> Any:
    """A new page in a context of its own; what goes wrong in it is added to ``errors``."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}).new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    return page


def pooled(page: Any) -> str:
    """The first of the key figures."""
    return str(page.locator(".key-figures .figure .v").first.inner_text())


def run_done(page: Any) -> None:
    """Wait for the end of the run that is shown; what it says if the end is another."""
    run = page.locator(".run[data-state=done],.run[data-state=failed],.run[data-state=cancelled]")
    run.wait_for()
    assert run.get_attribute("data-state") == "done", run.inner_text()
