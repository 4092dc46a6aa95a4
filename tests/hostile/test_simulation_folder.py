"""Runs that are killed, interrupted, mixed up or cut short: the folder goes on from where it was, or says why not."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from nextarm.core.errors import OutputError
from nextarm.core.random import BLOCK_TRIALS
from nextarm.designs import Plan
from nextarm.simulation import simulate
from nextarm.simulation.checkpoint import BLOCKS, RESULTS
from nextarm.simulation.workers import in_processes
from simulation_plans import LOOKS, two_arms

TRIALS = 80 * BLOCK_TRIALS
#: Against a hang, seconds; no test measures time.
LONGEST = 300.0

#: It goes on to 60 blocks and waits there: however slowly the test is served, the run is still going when it is stopped.
PROGRAM = """
import sys, time
from nextarm.core.random import BLOCK_TRIALS
from nextarm.designs import plan_from_toml
from nextarm.simulation import simulate
if __name__ == "__main__":
    plan = plan_from_toml(open(sys.argv[1]).read())
    print("begins", flush=True)

    def held(done, total):
        while done >= 60 * BLOCK_TRIALS:
            time.sleep(0.01)

    try:
        simulate(plan, trials=int(sys.argv[2]), seed=9, workers=int(sys.argv[3]), out=sys.argv[4], progress=held)
    except KeyboardInterrupt as stop:
        print(stop)
        sys.exit(130)
"""


def start(folder: Path, out: Path, *, workers: int) -> subprocess.Popen[str]:
    program, plan = folder / "program.py", folder / "plan.toml"
    program.write_text(PROGRAM)
    plan.write_text(two_arms().to_toml())
    command = [sys.executable, str(program), str(plan), str(TRIALS), str(workers), str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def blocks_kept(out: Path) -> int:
    file = out / BLOCKS
    return max(file.read_bytes().count(b"\n") - 1, 0) if file.exists() else 0


def wait_for_blocks(process: subprocess.Popen[str], out: Path, count: int) -> None:
    end = time.monotonic() + LONGEST
    while blocks_kept(out) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("whole")
    simulate(two_arms(), trials=TRIALS, seed=9, out=out)
    return (out / RESULTS).read_text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_resumed_to_the_identical_file(tmp_path: Path, whole: str, workers: int) -> None:
    out = tmp_path / "run"
    process = start(tmp_path, out, workers=workers)
    wait_for_blocks(process, out, 10)
    children = children_of(process.pid)
    process.kill()
    process.communicate()
    kept = blocks_kept(out)
    assert 10 <= kept < TRIALS // BLOCK_TRIALS
    assert not (out / RESULTS).exists()
    end = time.monotonic() + LONGEST
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < end, "workers outlive the run that was killed"
        time.sleep(0.02)
    ran: list[int] = []
    simulate(two_arms(), trials=TRIALS, seed=9, workers=workers, out=out, progress=lambda done, total: ran.append(done))
    assert len(ran) == TRIALS // BLOCK_TRIALS - kept  # nothing that was kept is run again
    assert (out / RESULTS).read_text() == whole


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_a_folder_that_goes_on_and_says_so(tmp_path: Path, whole: str, workers: int) -> None:
    out = tmp_path / "run"
    process = start(tmp_path, out, workers=workers)
    wait_for_blocks(process, out, 10)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 130, errors
    assert "interrupted after" in said
    assert f"kept in {out}: the same call goes on from there" in said
    assert "Traceback" not in errors
    simulate(two_arms(), trials=TRIALS, seed=9, out=out)
    assert (out / RESULTS).read_text() == whole


def test_a_worker_that_dies_is_replaced() -> None:
    """Kill a worker while it has a block: every block still comes, once, with the same counts."""
    plan = two_arms()
    todo = [(b, BLOCK_TRIALS) for b in range(60)]
    found, killed = {}, False
    for number, counts in in_processes(plan.to_toml(), 9, iter(todo), workers=2):
        assert number not in found
        found[number] = [c.sums.tolist() for c in counts]
        if len(found) == 5 and sys.platform.startswith("linux"):
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
            killed = True
    assert killed or not sys.platform.startswith("linux")
    assert sorted(found) == list(range(60))
    total = sum(counts[0][0][0] for counts in found.values())
    assert total == simulate(plan, trials=60 * BLOCK_TRIALS, seed=9).scenarios[0].sums[0, 0]


def small(out: Path, *, plan: Plan | None = None, seed: int = 1, trials: int = 3000) -> str:
    simulate(plan or two_arms(), trials=trials, seed=seed, out=out)
    return (out / RESULTS).read_text()


def test_the_same_call_again_changes_nothing(tmp_path: Path) -> None:
    first = small(tmp_path)
    lines = (tmp_path / BLOCKS).read_bytes()
    assert small(tmp_path) == first
    assert (tmp_path / BLOCKS).read_bytes() == lines


def test_more_trials_build_on_fewer(tmp_path: Path) -> None:
    small(tmp_path / "a", trials=2500)
    ran: list[int] = []
    simulate(two_arms(), trials=5000, seed=1, out=tmp_path / "a", progress=lambda done, total: ran.append(done))
    assert len(ran) == 3  # two whole blocks were there, the short third one is run anew
    assert (tmp_path / "a" / RESULTS).read_text() == small(tmp_path / "b", trials=5000)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    before = small(tmp_path)
    with pytest.raises(OutputError, match=r"seed 1, not 2.*remove blocks\.jsonl"):
        small(tmp_path, seed=2)
    with pytest.raises(OutputError, match="another run: plan"):
        small(tmp_path, plan=two_arms(LOOKS | {"events": 19}))
    lines = (tmp_path / BLOCKS).read_bytes()
    assert (tmp_path / RESULTS).read_text() == before
    owner = json.loads(lines.split(b"\t")[0]) | {"nextarm": "0.0.0"}
    text = json.dumps(owner)
    (tmp_path / BLOCKS).write_bytes(f"{text}\t{zlib.crc32(text.encode()):08x}\n".encode() + lines.split(b"\n", 1)[1])
    with pytest.raises(OutputError, match=r"nextarm '0\.0\.0'"):
        small(tmp_path)


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_line_cut_short_is_dropped(tmp_path: Path, cut: int) -> None:
    whole = small(tmp_path)
    file = tmp_path / BLOCKS
    file.write_bytes(file.read_bytes()[:-cut])
    assert small(tmp_path) == whole


def test_a_first_line_cut_short_begins_again(tmp_path: Path) -> None:
    whole = small(tmp_path)
    file = tmp_path / BLOCKS
    file.write_bytes(file.read_bytes()[:20])
    assert small(tmp_path) == whole


def test_a_changed_block_is_not_believed(tmp_path: Path) -> None:
    whole = small(tmp_path)
    file = tmp_path / BLOCKS
    file.write_bytes(file.read_bytes().replace(b'"block": 1', b'"block": 0'))
    assert small(tmp_path) == whole


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / BLOCKS).write_text("dear diary\n")
    with pytest.raises(OutputError, match="was not written by a simulation"):
        small(tmp_path)
    assert (tmp_path / BLOCKS).read_text() == "dear diary\n"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    refused: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        with pytest.raises(OutputError) as error:
            small(tmp_path)
        refused.append(str(error.value))

    simulate(two_arms(), trials=100, seed=1, out=tmp_path, progress=meanwhile)
    assert "in use by another run" in refused[0]


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        small(tmp_path / "file" / "run")
    assert os.listdir(tmp_path) == ["file"]


FULL = """
import resource, sys
from nextarm.core.errors import OutputError
from nextarm.designs import plan_from_toml
from nextarm.simulation import simulate
plan = plan_from_toml(open(sys.argv[1]).read())
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
try:
    simulate(plan, trials=int(sys.argv[2]), seed=9, out=sys.argv[3])
except OutputError as error:
    print(error)
    sys.exit(6)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")
def test_a_disk_that_is_full_is_one_message_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """The system refuses to let a file grow: what a full disk does, in the middle of a block's line too."""
    program, plan, out = tmp_path / "full.py", tmp_path / "plan.toml", tmp_path / "run"
    program.write_text(FULL)
    plan.write_text(two_arms().to_toml())
    trials = 40 * BLOCK_TRIALS
    command = [sys.executable, str(program), str(plan), str(trials), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 6, done.stderr
    assert "cannot write" in done.stdout
    assert "space left" in done.stdout
    assert 0 < blocks_kept(out) < 40
    assert not (out / RESULTS).exists()
    resumed = simulate(two_arms(), trials=trials, seed=9, out=out)
    assert resumed.to_json() == simulate(two_arms(), trials=trials, seed=9).to_json()
