"""Virtual trials a second.

Whole processes of ``nextarm simulate``, start-up, decisions and writing included, beside rpact's getSimulationSurvival, timed inside R
after a first call, so without its start-up; in the ratio of the two ours is taken off too. The compiled code is in numba's cache;
compiling it is a row of its own. Rates are by the clock; on a machine with other work compare the processor seconds, of which ratios of
one-process rows are made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PLAN = """
[trial]
name = "bench"
endpoint = "EFS"
milestone = 3.0
[accrual]
rate = {rate}
duration = 3.0
follow_up = 2.0
dropout_hazard = 0.01
[arms.control]
survival = {{ model = "mixture-cure", cure_fraction = 0.60, latency = {{ model = "weibull", shape = 1.3, median = 0.7 }} }}
[arms.new]
survival = {{ model = "mixture-cure", cure_fraction = 0.75, latency = {{ model = "weibull", shape = 1.3, median = 0.7 }} }}
[design]
kind = "group-sequential-log-rank"
events = {events}
looks = {looks}
latest = 5.0
"""

EXPONENTIAL = """
[trial]
name = "bench"
endpoint = "EFS"
milestone = 1.0
[accrual]
rate = 100.0
duration = 2.0
follow_up = 58.0
dropout_hazard = 0.0253178
[arms.control]
survival = { model = "exponential", median = 1.0 }
[arms.new]
survival = { of = "control", hazard_ratio = 0.6 }
[design]
kind = "group-sequential-log-rank"
events = 120
looks = [0.6, 1.0]
latest = 60.0
"""

RPACT = """
suppressPackageStartupMessages(library(rpact))
d <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .2, informationRates = c(.6, 1), typeOfDesign = "asOF")
run <- function(n) getSimulationSurvival(d, directionUpper = FALSE, hazardRatio = .6, median2 = 1, accrualTime = c(0, 2),
  maxNumberOfSubjects = 200, plannedEvents = c(72, 120), dropoutRate1 = .025, dropoutRate2 = .025, dropoutTime = 1,
  maxNumberOfIterations = n, seed = 1)
invisible(run(100))
t <- system.time(run(200000))
cat(t[["elapsed"]], t[["user.self"]] + t[["sys.self"]])
"""

EXAMPLE = Path(__file__).parent.parent / "src" / "nextarm" / "studies" / "infant_all" / "plan.toml"
TWO, FIVE = "[0.6, 1.0]", "[0.2, 0.4, 0.6, 0.8, 1.0]"


class Run(NamedTuple):
    """One measured run: seconds by the clock and of the processor, largest memory of the main process in MB."""

    trials: int
    seconds: float
    processor: float
    memory: float | None = None


def process(plan: str, trials: int, workers: int = 1, **environment: str) -> Run:
    """Measure one ``nextarm simulate``."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.toml"
        file.write_text(plan, encoding="utf-8")
        command = [str(Path(sys.executable).with_name("nextarm")), "simulate", str(file), "--trials", str(trials), "--seed", "1"]
        command += ["--workers", str(workers), "--out", str(Path(folder) / "result"), "--quiet"]
        start = time.perf_counter()
        done = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment)
        _, status, usage = os.wait4(done.pid, 0)
        seconds = time.perf_counter() - start
        done.returncode = os.waitstatus_to_exitcode(status)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
        return Run(trials, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rpact() -> Run | None:
    """rpact's simulation of the exponential plan, or None where it is not installed."""
    if shutil.which("Rscript") is None:
        return None
    done = subprocess.run(["Rscript", "--vanilla", "-e", RPACT], capture_output=True, text=True, check=False)
    return Run(200_000, *map(float, done.stdout.split())) if done.returncode == 0 else None


def row(label: str, run: Run, note: str = "") -> dict[str, object]:
    """One line of the table."""
    return {
        "what": label,
        "trials": f"{run.trials:,}",
        "seconds": f"{run.seconds:.2f}",
        "trials/s": f"{run.trials / run.seconds:,.0f}",
        "processor seconds": f"{run.processor:.2f}",
        "trials a processor second": f"{run.trials / run.processor:,.0f}",
        "memory, MB": f"{run.memory:.0f}" if run.memory else "",
        "note": note,
    }


def compile_row(plan: str) -> dict[str, object]:
    """What the first run on a machine takes longer than the second."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (process(plan, 100, NUMBA_CACHE_DIR=folder) for _ in range(2))
    more = f"compiling, once on a machine: {first.processor - second.processor:.1f} processor seconds more"
    return row("start-up, 100 trials", second, more)


def kind_row(label: str, design: str, one: Run) -> dict[str, object]:
    """Another kind of design in the usual trial of 200 patients."""
    plan = PLAN.format(rate=200 / 3, events=60, looks=TWO).split("[design]")[0] + f"[design]\n{design}\n"
    run = process(plan, 400_000)
    return row(f"n = 200, {label}", run, f"{run.processor / run.trials / (one.processor / one.trials):.1f} times the log-rank with 2 looks")


KINDS = (
    ("MaxCombo of four weights", 'kind = "max-combo"'),
    ("restricted means", 'kind = "rmst-difference"'),
    ("stratified log-rank, three strata", 'kind = "stratified-log-rank"\nstrata = [{ share = 1.0 }, { share = 1.0 }, { share = 1.0 }]'),
    ("difference at the milestone", 'kind = "absolute-margin"\nmargin = 0.1'),
)


def rows() -> list[dict[str, object]]:
    """The table; runs long enough that start-up and the report they write (about a second each) weigh little."""
    usual = PLAN.format(rate=200 / 3, events=60, looks=TWO)
    large = PLAN.format(rate=2000 / 3, events=600, looks=TWO)
    small = process(usual, 100_000)
    found = [compile_row(usual), row("n = 200, 2 looks, mixture cure", small)]
    one = process(usual, 2_000_000)
    found.append(row("n = 200, 2 looks, mixture cure", one, "target 60,000 trials/s"))
    two = process(usual, 2_000_000, workers=2)
    found.append(row("the same, 2 workers", two, f"by the clock {one.seconds / two.seconds:.2f} times 1 worker, target 1.9"))
    five = process(PLAN.format(rate=200 / 3, events=60, looks=FIVE), 1_200_000)
    found.append(row("n = 200, 5 looks, mixture cure", five, "target 40,000 trials/s"))
    big = process(large, 160_000)
    ratio = (big.processor / big.trials) / (one.processor / one.trials)
    found.append(row("n = 2,000, 2 looks, mixture cure", big, f"{ratio:.1f} times n = 200 a trial, target 12"))
    found += [kind_row(label, design, one) for label, design in KINDS]
    many = process(usual, 10_000_000, workers=2)
    found.append(
        row("n = 200, 2 looks, 2 workers, ten million", many, f"memory {many.memory or 0:.0f} MB, with 100,000 {small.memory or 0:.0f}")
    )
    example = EXAMPLE.read_text(encoding="utf-8")
    found.append(row("the bundled example plan with its scenarios, 2 workers", process(example, 1_000_000, workers=2), "target: a minute"))
    start, ours = process(EXPONENTIAL, 100), process(EXPONENTIAL, 2_000_000)
    found.append(row("n = 200, 2 looks, exponential", ours))
    if (theirs := rpact()) is not None:
        rate = theirs.trials / theirs.processor
        whole = ours.trials / ours.processor / rate
        bare = (ours.trials - start.trials) / (ours.processor - start.processor) / rate
        note = f"nextarm is {bare:.1f} times as fast, both without start-up ({whole:.1f} with nextarm's start-up and report), target 10"
        found.append(row("rpact getSimulationSurvival, the same", theirs, note))
    return found
