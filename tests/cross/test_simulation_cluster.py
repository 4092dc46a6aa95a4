"""A real Dask cluster on this machine: the same result as one process, also when a worker is killed in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from nextarm.core.errors import CallError
from nextarm.core.random import BLOCK_TRIALS
from nextarm.simulation import simulate
from simulation_plans import two_arms

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
TRIALS = 80 * BLOCK_TRIALS


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings, silence_logs=50) as made:
        yield made


def test_a_killed_worker_changes_nothing(cluster: Any) -> None:
    here = simulate(two_arms(), trials=TRIALS, seed=9)
    killed: list[int] = []

    def kill_one(done: int, total: int) -> None:
        if done > TRIALS // 8 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    there = simulate(two_arms(), trials=TRIALS, seed=9, cluster=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert there.to_json() == here.to_json()


def test_a_precision_stop_on_a_cluster(cluster: Any) -> None:
    settings: dict[str, Any] = {"seed": 3, "precision": 0.008}
    there = simulate(two_arms(), **settings, cluster=cluster.scheduler_address)
    assert there.to_json() == simulate(two_arms(), **settings).to_json()


def test_no_scheduler_is_said() -> None:
    with pytest.raises(CallError, match="no scheduler answers"):
        simulate(two_arms(), trials=10, cluster="tcp://127.0.0.1:9")
    with pytest.raises(CallError, match="cluster = 'nonsense://x'"):
        simulate(two_arms(), trials=10, cluster="nonsense://x")


def test_without_dask_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from nextarm.simulation.workers import on_cluster\n"
        "from nextarm.core.errors import CallError\n"
        "try:\n    next(on_cluster('', 0, [], address='tcp://127.0.0.1:9'))\n"
        "except CallError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "nextarm[cluster]" in said
