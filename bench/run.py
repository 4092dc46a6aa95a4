"""Measure on this machine and write bench/RESULTS.md: speed beside peers, start-up, and the main job's time and memory.

Each bench module has ``rows()``, a list of dicts with the same keys, and a docstring whose first line is its heading; with ``--km``
one that has ``accuracy_rows(folder)`` adds a second table. Parts are measured and written one after the other: one that fails is named at
the end and the others stay. Nothing here is a test: speeds differ between machines; the ratios to peers are what to look at.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "src" / "nextarm" / "studies" / "infant_all" / "plan.toml"
MODULES = ("survival", "reconstruction", "synthesis", "borrowing", "borrowing_external", "simulation", "web")
PARTS = ("processes", *MODULES, "figures")
FIGURES = "## Reading figures with known truth"
LIBRARIES = ("numpy", "scipy", "numba", "polars", "lifelines")


def load(name: str):
    """Import a bench module of this folder by name; None where it does not exist."""
    path = HERE / f"{name}.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def whole_process(command: list[str], repeats: int) -> tuple[float, float, float]:
    """Of a command: median seconds by the clock and of the processor, its workers too, and the largest memory of one process in MB."""
    clock, work, memory = [], [], 0.0
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            done = subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
            _, status, usage = os.wait4(done.pid, 0)
        clock.append(time.perf_counter() - start)
        done.returncode = os.waitstatus_to_exitcode(status)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
        work.append(usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss / 1024)
    return statistics.median(clock), statistics.median(work), memory


def processes() -> list[dict[str, object]]:
    """Start-up and main job as whole processes, the files of Python and the compiled loops in their caches (each runs once before)."""
    nextarm = str(Path(sys.executable).with_name("nextarm"))
    pool = ["pool", "--endpoint", "EFS", "--pool-set", "frontline-kmt2a-r", "--time", "5", "--window", "1"]
    rows = []
    for label, command, repeats in (
        ("import nextarm", [sys.executable, "-c", "import nextarm"], 7),
        ("nextarm --help", [nextarm, "--help"], 7),
        ("nextarm evidence --endpoint EFS --json", [nextarm, "evidence", "--endpoint", "EFS", "--json"], 7),
        ("nextarm pool, five cohorts", [nextarm, *pool], 7),
        ("nextarm design, the bundled example plan", [nextarm, "design", str(EXAMPLE)], 7),
        ("nextarm report infant-all", [nextarm, "report", "infant-all", "--out", "made"], 2),
        ("nextarm report infant-all, 2 workers", [nextarm, "report", "infant-all", "--workers", "2", "--out", "made"], 2),
    ):
        whole_process(command, 1)
        seconds, work, memory = whole_process(command, repeats)
        row = {"command": label, "median seconds": f"{seconds:.3g}", "processor seconds": f"{work:.3g}"}
        rows.append({**row, "largest memory, MB": f"{memory:.0f}"})
    return rows


def markdown(rows: list[dict[str, object]]) -> str:
    """Rows with the same keys as a Markdown table."""
    if not rows:
        return "nothing measured\n"
    keys = list(rows[0])
    lines = ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
    lines += ["| " + " | ".join(str(row.get(key, "")) for key in keys) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def figures(folders: list[Path]) -> str:
    """How well figures are read: the tables of bench/figures.py (pictures) and bench/figures_vector.py (drawings) for each folder."""
    parts = []
    for folder in folders:
        drawings = any(p.suffix in (".svg", ".pdf") for p in folder.iterdir())
        script = "figures_vector.py" if drawings else "figures.py"
        command = [sys.executable, str(HERE / script), str(folder), *([] if drawings else ["--reconstruct"])]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        said = f"```text\n{ran.stdout.strip()}\n```" if drawings and ran.stdout else ran.stdout.strip().replace("## ", "#### ")
        parts += [f"### {script} {folder.name}\n", said or f"failed: {ran.stderr.strip()[-300:]}", ""]
    return "\n".join(parts)


def machine() -> str:
    """The kind of machine, without its name."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = found[0] if found else model
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {model}"


def with_head(text: str) -> str:
    """``text`` with the versions in use in its head."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    head = f"# Bench results\nMade by `make bench`; Python {platform.python_version()}, {versions}.\n\n"
    return head + text[text.index("## ") :]


def with_part(text: str, heading: str, body: str) -> str:
    """``text`` with what stands below ``heading`` replaced, or with a new part at its end; the other parts stay as they were measured."""
    before, found, after = text.partition(heading)
    rest = after.partition("\n## ")
    tail = f"\n## {rest[2]}" if found and rest[1] else ""
    return f"{before.rstrip()}\n\n{heading}\n{body.rstrip()}\n{tail}"


def measured(name: str, options: argparse.Namespace) -> str:
    """One part with its heading, when and on what machine it was measured; empty where it has nothing to measure."""
    busy, heading = os.getloadavg()[0], FIGURES
    if name == "processes":
        heading, body = "## Whole processes", markdown(processes())
    elif name == "figures":
        folders = [*options.figures, *(options.km / part for part in ("raster", "vector") if options.km and (options.km / part).is_dir())]
        if not folders:
            return ""
        body = figures(folders)
    else:
        module = load(name)
        heading, body = f"## {module.__doc__.splitlines()[0].rstrip('.')}", markdown(module.rows())
        if options.km and hasattr(module, "accuracy_rows"):
            body += "\n" + markdown(module.accuracy_rows(options.km))
    when = f"This table: measured on {date.today().isoformat()}, {machine()}; load {busy:.1f} before, {os.getloadavg()[0]:.1f} after."
    return f"{heading}\n\n{when}\n\n{body}"


def main() -> int:
    """Run the benches and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--km", type=Path, help="folder with Kaplan-Meier curves of known truth, for the accuracy of reconstruction")
    parser.add_argument(
        "--figures", type=Path, nargs="*", default=[], help="folders of figures with known truth (with --km: its raster and vector)"
    )
    parser.add_argument("--only", choices=PARTS, help="one part; the others stay as they were measured")
    options = parser.parse_args()
    results = HERE / "RESULTS.md"
    failed = []
    for name in PARTS if options.only is None else (options.only,):
        start = time.perf_counter()
        try:
            part = measured(name, options)
        except Exception as error:  # the parts after it are measured all the same
            failed.append(name)
            print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            continue
        if part:
            print(part, flush=True)
            heading, _, body = part.partition("\n")
            results.write_text(with_part(with_head(results.read_text(encoding="utf-8")), f"{heading}\n", body.lstrip()), encoding="utf-8")
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    if failed:
        print(f"not measured, as they were before: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
