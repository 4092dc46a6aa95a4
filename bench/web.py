"""The web page: each screen and its main interactions, in milliseconds, beside the target of 200.

A server in a process of its own, asked over HTTP as its page asks (one drawing a chart). It has started and has done what it does by
itself; "first" is a question that nobody has asked before on that screen, "again" the same once more, "changed" the median of
questions with a value that is new, "slowest" the slowest of those. In brackets the processor time of the whole server: on a loaded
machine the clock says more about the others than about the work.
"""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import nextarm
from nextarm.core.errors import NextarmError
from nextarm.designs.plan import plan_from_toml
from nextarm.web.design_fields import numbers_of

#: Milliseconds an interaction may take, and the first page after start.
TARGET, START = 200.0, 1000.0
AT = "/study/infant-all"
#: Screen or interaction, the question it starts from, and the changed questions.
ASKED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("evidence: a facet", f"{AT}/evidence", tuple(f"{AT}/evidence?endpoint={e}" for e in ("EFS", "OS", "DFS", "CIR"))),
    ("evidence: one study", f"{AT}/evidence?view=study&protocol=Interfant-06", (f"{AT}/evidence?view=study&protocol=Interfant-99",)),
    ("evidence: timeline", f"{AT}/evidence?view=timeline", ()),
    ("evidence: agents", f"{AT}/evidence?view=agents", ()),
    (
        "evidence: risk groups", f"{AT}/evidence?view=risk&protocol=Interfant-06",
        tuple(f"{AT}/evidence?view=risk&protocol=Interfant-06&p.age_days={d}" for d in (100, 170, 250)),
    ),
    (
        "evidence: a trial left out, pooled and assurance", f"{AT}/evidence?view=pooled",
        tuple(f"{AT}/evidence?view=pooled&time=5&without={a}" for a in ("interfant-99-r", "interfant-06-r", "mll96-r", "mll10-r")),
    ),
    (
        "patients: a model", f"{AT}/patients",
        tuple(f"{AT}/patients?model={m}" for m in ("weibull", "log-normal", "mixture-cure:log-normal")),
    ),
    ("patients: years read", f"{AT}/patients", tuple(f"{AT}/patients?model=mixture-cure:weibull&at={t}" for t in (1.5, 2.5, 3.5))),
    ("synthesis: pooled, a cohort left out", f"{AT}/synthesis", tuple(f"{AT}/synthesis?time=5&window={w}" for w in (1.1, 1.2, 2, 3))),
    ("synthesis: one by one", f"{AT}/synthesis?view=one-by-one&time=5", (f"{AT}/synthesis?view=one-by-one&time=5&window=2",)),
    (
        "synthesis: trend, the margin", f"{AT}/synthesis?view=trend&time=5",
        tuple(f"{AT}/synthesis?view=trend&time=5&margin={m}" for m in (4, 6, 8, 10)),
    ),
    ("synthesis: competing events", f"{AT}/synthesis?view=competing&time=5", ()),
    ("synthesis: findings", f"{AT}/synthesis?view=findings&time=5", (f"{AT}/synthesis?view=findings&time=5&window=2",)),
    ("synthesis: all of it", f"{AT}/synthesis?view=all&time=5", (f"{AT}/synthesis?view=all&time=5&window=2",)),
    ("borrowing: the robust weight", f"{AT}/borrowing", tuple(f"{AT}/borrowing?robust={r}" for r in (0.25, 0.3, 0.35, 0.4, 0.5))),
    ("borrowing: the scale of tau", f"{AT}/borrowing", tuple(f"{AT}/borrowing?tau_scale={s}" for s in (0.2, 0.25, 0.4, 0.5))),
    ("borrowing: arms and time", f"{AT}/borrowing", tuple(f"{AT}/borrowing?endpoint=EFS&time={t}&arms=interfant-06-r" for t in (5, 6))),
    (
        "borrowing: patients against patients, the time", f"{AT}/borrowing?view=patients&a_origin=diagnosis&b_origin=diagnosis",
        tuple(f"{AT}/borrowing?view=patients&a_origin=diagnosis&b_origin=diagnosis&at={t}" for t in (1.5, 2.5, 3)),
    ),
    ("design: another card", f"{AT}/design", tuple(f"{AT}/design?card={c}" for c in ("simon-two-stage", "log-rank", "one-arm-milestone"))),
    ("figure: its list", f"{AT}/figure", ()),
    ("report", f"{AT}/report", ()),
    ("trust", f"{AT}/trust", ()),
)  # fmt: skip
TICK = os.sysconf("SC_CLK_TCK")


class Served:
    """A server that runs, with the wall seconds until its first page."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, first: float) -> None:
        self.process, self.port, self.first = process, port, first

    def cpu(self) -> float:
        """CPU seconds of the server so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def ask(self, address: str) -> float:
        """Milliseconds until the whole answer is there; a refusal of the question counts, a failure does not."""
        start = time.perf_counter()
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        door.request("GET", address, headers={"Nextarm-Sheet": "wide"})
        reply = door.getresponse()
        reply.read()
        door.close()
        if reply.status not in (200, 422):
            raise SystemExit(f"{address}: {reply.status}")
        return 1e3 * (time.perf_counter() - start)

    def get(self, address: str, sent: dict[str, str] | None = None) -> tuple[str, str]:
        """The text of an address, and where it leads; posted with what a form ``sent``."""
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {"Nextarm-Sheet": "wide", "Origin": f"http://127.0.0.1:{self.port}"}
        form = {} if sent is None else {"Content-Type": "application/x-www-form-urlencoded"}
        door.request("GET" if sent is None else "POST", address, None if sent is None else urlencode(sent), headers | form)
        reply = door.getresponse()
        text, where = reply.read().decode(), reply.getheader("location", "")
        door.close()
        return text, where

    def settle(self) -> None:
        """Wait until the server has finished what it does by itself after start."""
        before, still = self.cpu(), 0
        while still < 5:  # on a loaded machine it may get no time for a while
            time.sleep(1.0)
            now = self.cpu()
            still = still + 1 if now - before < 0.02 else 0
            before = now

    def cost(self, address: str) -> tuple[float, float]:
        """Milliseconds by the clock and of the server's processor for one question."""
        before = self.cpu()
        wall = self.ask(address)
        return wall, 1e3 * (self.cpu() - before)


@contextmanager
def served() -> Iterator[Served]:
    """A new server over an empty folder of studies."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        start = time.perf_counter()
        call = [sys.executable, "-m", "nextarm.cli", "serve", folder, "--port", str(port)]
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()
                    break
                except OSError:
                    time.sleep(0.01)
            yield Served(process, port, time.perf_counter() - start)
        finally:
            process.terminate()
            process.wait()


def row(server: Served, what: str, question: str, changed: tuple[str, ...]) -> dict[str, object]:
    """One screen or interaction of a server that has settled: its first question, the same again, and with values that are new."""
    first = server.cost(question)
    again = [server.cost(question) for _ in range(5)]
    others = [server.cost(address) for address in changed]
    walls, work = [w for w, _ in (others or again)], [c for _, c in (others or again)]
    slow = max(walls)
    verdict = "yes" if slow < TARGET else f"no ({slow:.0f}); by processor time {'yes' if max(work) < TARGET else f'no ({max(work):.0f})'}"
    return {
        "screen or interaction": what, "first question, ms": f"{first[0]:.0f} ({first[1]:.0f})",
        "again, ms": f"{statistics.median(w for w, _ in again):.0f}",
        "changed, ms": f"{statistics.median(walls):.0f} ({statistics.median(work):.0f})" if others else "",
        "slowest, ms": f"{slow:.0f} ({max(work):.0f})", "below 200": verdict,
    }  # fmt: skip


def changed_fields(server: Served, kind: str) -> dict[str, object]:
    """A field of a kind's example plan changed, up to four in turn: until its characteristics, or a first answer on them, are there."""
    plan = plan_from_toml(nextarm.designs(kind).cards[0].example)
    data, changed = plan.to_data(), []
    tables = {name: data[name] for name in ("arms", "accrual", "reference") if name in data}
    for path, value in [("design.alpha", plan.design.alpha), *numbers_of(tables)]:
        tree: dict[str, object] | float = 0.97 * value if isinstance(value, float) else value + 1
        for name in reversed(path.split(".")):
            tree = {name: tree}
        with suppress(NextarmError):  # a duration and its follow-up go together
            changed.append(f"{AT}/design?" + urlencode({"toml": plan.changed(cast("dict[str, object]", tree)).to_toml()}))
    return row(server, f"design: a changed field, {kind}", f"{AT}/design?card={kind}", tuple(changed[:4]))


def first_trials(server: Served, kind: str) -> dict[str, object]:
    """From the click on Simulate to the page with the rates of 2,048 virtual trials, six seeds; asked for as the page asks."""
    plan = nextarm.designs(kind).cards[0].example
    walls, work = [], []
    for seed in range(1, 7):
        before, start = server.cpu(), time.perf_counter()
        where = server.get(f"{AT}/design/simulate", {"toml": plan, "trials": "2048", "seed": str(seed)})[1]
        page, wait = server.get(where)[0], 0.06
        key = page.partition('data-run="')[2].partition('"')[0]
        while 'id="rates"' not in page and 'id="arms"' not in page and 'id="doses"' not in page:
            time.sleep(wait)
            wait = min(0.7, wait * 1.3)
            if '"revision":0' not in server.get(key)[0]:
                page = server.get(where)[0]
                break
        walls.append(1e3 * (time.perf_counter() - start))
        work.append(1e3 * (server.cpu() - before))
    wall, cpu = statistics.median(walls[1:]), statistics.median(work[1:])
    below = "below 1,000" if max(walls) < START else f"no ({max(walls):.0f}); by processor time {'yes' if max(work) < START else 'no'}"
    slow = f"{max(walls[1:]):.0f} ({max(work[1:]):.0f})"
    return {
        "screen or interaction": f"design: 2,048 virtual trials, {kind}", "first question, ms": f"{walls[0]:.0f} ({work[0]:.0f})",
        "again, ms": "", "changed, ms": f"{wall:.0f} ({cpu:.0f})", "slowest, ms": slow, "below 200": below,
    }  # fmt: skip


def starts() -> dict[str, object]:
    """The command until its first page, three times."""
    walls, work = [], []
    for _ in range(3):
        with served() as server:
            work.append(1e3 * server.cpu())
            walls.append(1e3 * server.first)
    wall, cpu = statistics.median(walls), statistics.median(work)
    below = "below 1,000" if wall < START else f"no: {wall:.0f}" + ("; by processor time yes" if cpu < START else "")
    made = {"screen or interaction": "start of the command until its first page", "first question, ms": f"{wall:.0f} ({cpu:.0f})"}
    return {**made, "again, ms": "", "changed, ms": "", "slowest, ms": f"{max(walls):.0f} ({max(work):.0f})", "below 200": below}


def rows() -> list[dict[str, object]]:
    """The first page, then every screen and interaction."""
    made = [starts()]
    with served() as server:
        server.settle()
        for asked in ASKED:
            made.append(row(server, *asked))
            print(" | ".join(str(value) for value in made[-1].values()), file=sys.stderr, flush=True)
        for card in nextarm.designs().cards:
            for made_of in (changed_fields, first_trials):
                made.append(made_of(server, card.kind))
                print(" | ".join(str(value) for value in made[-1].values()), file=sys.stderr, flush=True)
    return made


if __name__ == "__main__":
    load = os.getloadavg()[0]
    print(" | ".join(str(value) for value in rows()[0].values()))
    print(f"load {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end")
