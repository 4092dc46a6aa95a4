"""Measure on this machine and write bench/RESULTS.md: speed beside peers, start-up, and the main job's time and memory.

Each bench module has ``rows()``, a list of dicts with the same keys, and a docstring whose first line is its heading.
Nothing here is a test: speeds differ between machines; the ratios to peers are what to look at.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = ("survival", "reconstruction", "synthesis", "borrowing", "borrowing_external", "simulation", "web")
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


def whole_process(command: list[str], repeats: int) -> tuple[float, float]:
    """Median wall seconds of a command, and the largest memory of any run in MB."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def processes() -> list[dict[str, object]]:
    """Start-up and main job as whole processes; memory is the largest seen up to that row, so rows go from small to large."""
    nextarm = str(Path(sys.executable).with_name("nextarm"))
    rows = []
    for label, command, repeats in (
        ("nextarm --help", [nextarm, "--help"], 7),
        ("nextarm evidence --endpoint EFS --json", [nextarm, "evidence", "--endpoint", "EFS", "--json"], 5),
    ):
        seconds, memory = whole_process(command, repeats)
        rows.append({"command": label, "median seconds": f"{seconds:.3f}", "largest memory, MB": f"{memory:.0f}"})
    with tempfile.TemporaryDirectory() as folder:
        seconds, memory = whole_process([nextarm, "report", "infant-all", "--out", folder], 2)
        rows.append({"command": "nextarm report infant-all", "median seconds": f"{seconds:.1f}", "largest memory, MB": f"{memory:.0f}"})
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
    parts = [f"{FIGURES}\n"]
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


def with_part(text: str, heading: str, body: str) -> str:
    """``text`` with what stands below ``heading`` replaced, or with a new part at its end; the other parts stay as they were measured."""
    before, found, after = text.partition(heading)
    rest = after.partition("\n## ")
    tail = f"\n## {rest[2]}" if found and rest[1] else ""
    return f"{before.rstrip()}\n\n{heading}\n{body.rstrip()}\n{tail}"


def part_of(text: str, heading: str) -> str:
    """The part of ``text`` below ``heading``, with it; empty where there is none."""
    _, found, after = text.partition(f"\n{heading}\n")
    return f"{heading}\n{after.partition(chr(10) + '## ')[0].rstrip()}\n" if found else ""


def main() -> int:
    """Run the benches and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--km", type=Path, help="folder with Kaplan-Meier curves of known truth, for the accuracy of reconstruction")
    parser.add_argument(
        "--figures", type=Path, nargs="*", default=[], help="folders of figures with known truth (with --km: its raster and vector)"
    )
    parser.add_argument("--only", help="one part, the others stay as measured: processes, figures, " + ", ".join(MODULES))
    options = parser.parse_args()
    parts: list[str] = []
    busy = os.getloadavg()[0]
    if options.only in (None, "processes"):
        parts += ["## Whole processes\n", markdown(processes())]
    for name in MODULES:
        module = load(name) if options.only in (None, name) else None
        if module is None:
            continue
        parts += [f"## {module.__doc__.splitlines()[0].rstrip('.')}\n", markdown(module.rows())]
        if options.km and hasattr(module, "main"):
            module.main(options.km)
    folders = [*options.figures, *(options.km / part for part in ("raster", "vector") if options.km and (options.km / part).is_dir())]
    results = HERE / "RESULTS.md"
    if folders and options.only in (None, "figures"):
        parts.append(figures(folders))
    elif options.only is None:  # not measured without figures: what was measured stays
        parts.append(part_of(results.read_text(encoding="utf-8"), FIGURES))
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    made = f"Made by `make bench` on {date.today().isoformat()}; {machine()}"
    head = f"# Bench results\n{made}; Python {platform.python_version()}, {versions}.\n"
    text = "\n".join([head, *parts])
    print(text)
    if options.only is None:
        results.write_text(text, encoding="utf-8")
    elif parts:
        when = f"This table: measured on {date.today().isoformat()}, {machine()}; load {busy:.1f} before, {os.getloadavg()[0]:.1f} after.\n"
        heading, _, body = "\n".join(parts).partition("\n")
        results.write_text(with_part(results.read_text(encoding="utf-8"), f"{heading}\n", f"{when}\n{body.lstrip()}"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
