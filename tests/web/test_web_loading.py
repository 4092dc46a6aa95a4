"""Nothing is imported by two threads at once: after the first page everything that computes is there, and a restart under load runs on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: A server's life in one process: load, then ask what a visitor asks; what is imported after that is printed.
LIFE = """
import json, sys, threading, time
from starlette.testclient import TestClient
from nextarm import verbs
from nextarm.web.app import FIRST_SCREENS, web_app
from nextarm.verbs.loading import load, load_cases

base = "http://127.0.0.1:8765"
asked = TestClient(web_app(sys.argv[1]), base_url=base, headers={"origin": base})
assert asked.get("/").status_code == 200
before = set(sys.modules)
load()
at = set(sys.modules)
pages = [f"/study/infant-all/{key}" + (f"?{question}" if question else "") for key, question in FIRST_SCREENS]
pages += [f"/study/infant-all/{other}" for other in ("figure", "trust", "evidence?view=agents", "synthesis?view=all")]
assert [asked.get(page).status_code for page in pages] == [200] * len(pages)
for kind in ("log-rank", "platform", "boin", "simon-two-stage"):
    plan = str(verbs.designs(kind).cards[0].example)
    sent = asked.post("/study/infant-all/design/simulate", data={"toml": plan, "trials": "64", "seed": "1"}, follow_redirects=False)
    assert sent.status_code == 303, sent.text
runs = asked.app.state.server.runs.listed()
while any(run.active for run in runs):
    time.sleep(0.02)
assert [run.state for run in runs] == ["done"] * 4, [run.facts() for run in runs]
rooms = ("nextarm", "scipy", "numba")
late = sorted(m for m in set(sys.modules) - at if m.split(".")[0] in rooms and not m.startswith("nextarm.web"))
cases = [m for m in at if m.startswith("nextarm.validation")]
load_cases()
loaded = set(sys.modules)
verbs.verify(room="evidence")
verified = sorted(m for m in set(sys.modules) - loaded if m.split(".")[0] in ("nextarm", "scipy"))
print(json.dumps({"loaded": len(at - before), "late": late, "cases": cases, "verified": verified}))
"""


def test_ours_nothing_that_computes_is_imported_after_loading(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIFE, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["loaded"] > 100, found
    assert found["late"] == []
    assert found["cases"] == []
    assert found["verified"] == []


#: Many threads ask for everything at once, in a process that has loaded nothing.
AT_ONCE = """
import sys, threading
from nextarm.verbs.loading import before_loading, load
from importlib import import_module

wrong = []
def ask(name):
    try:
        load()
        import_module(name)
    except BaseException as error:
        wrong.append(repr(error))

names = ["nextarm.simulation.true_error", "nextarm.report.simulated", "nextarm.simulation", "nextarm.designs.plan"] * 2
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
for thread in threads: thread.start()
assert before_loading(lambda: 7) == 7
for thread in threads: thread.join()
print(wrong)
"""


def test_ours_many_threads_that_ask_at_once_load_it_together() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr[-2_000:]
