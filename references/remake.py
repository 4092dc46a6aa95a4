"""Remake every frozen reference value from its script and compare it with the committed file.

Each script in this folder prints a JSON object to standard output: R scripts (``NAME.R``, run with Rscript) and Python
scripts (``NAME.py``, run with this interpreter). The committed copy is ``src/nextarm/validation/expected/NAME.json``.
``--write`` replaces the committed copies; without it nothing is changed and a difference is an error (exit code 1).

Numbers are compared to a relative 1e-8 (absolute 1e-10 near zero); the ``made_with`` entry (versions) is shown, not
compared, so that a newer R that gives the same numbers passes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FROZEN = HERE.parent / "src" / "nextarm" / "validation" / "expected"


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Say where two JSON values differ, leaving out ``made_with``."""
    if isinstance(old, bool) or isinstance(new, bool) or old is None or new is None or isinstance(old, str):
        return [] if old == new else [f"{path}: {old!r} is now {new!r}"]
    if isinstance(old, int | float) and isinstance(new, int | float):
        return [] if abs(old - new) <= 1e-10 + 1e-8 * abs(old) else [f"{path}: {old!r} is now {new!r}"]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{path}: {len(old)} entries are now {len(new)}"]
        return [d for i, (a, b) in enumerate(zip(old, new, strict=True)) for d in differences(a, b, f"{path}[{i}]")]
    if isinstance(old, dict) and isinstance(new, dict):
        found = [f"{path}.{k}: only in one of the two" for k in sorted(old.keys() ^ new.keys()) if k != "made_with"]
        return found + [d for k in old.keys() & new.keys() if k != "made_with" for d in differences(old[k], new[k], f"{path}.{k}")]
    return [f"{path}: {type(old).__name__} is now {type(new).__name__}"]


def scripts(names: list[str]) -> list[Path]:
    """The scripts to run: all, or those named."""
    found = sorted(p for p in HERE.iterdir() if p.suffix in (".R", ".py") and p.name != Path(__file__).name)
    return [p for p in found if not names or p.stem in names]


def main() -> int:
    """Run the scripts; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="scripts to run, by name without ending (default: all)")
    parser.add_argument("--write", action="store_true", help="replace the committed files")
    parser.add_argument("--minutes", type=float, default=30.0, help="time a script has before it counts as failed (default: 30)")
    options = parser.parse_args()
    wrong = 0
    for script in scripts(options.names):
        runner = ["Rscript", "--vanilla"] if script.suffix == ".R" else [sys.executable]
        if shutil.which(runner[0]) is None:
            print(f"{script.name}: not run, {runner[0]} is not installed (Debian: r-base-core r-cran-survival r-cran-cmprsk "
                  "r-cran-metafor r-cran-metadat r-cran-rpact r-cran-mvtnorm r-cran-jsonlite)")  # fmt: skip
            wrong += 1
            continue
        try:
            done = subprocess.run(
                [*runner, str(script)], capture_output=True, text=True, cwd=HERE, check=False, timeout=60 * options.minutes
            )
        except subprocess.TimeoutExpired:
            print(f"{script.name}: stopped after {options.minutes:g} minutes; --minutes gives it more")
            wrong += 1
            continue
        if done.returncode:
            print(f"{script.name}: failed\n{done.stderr.strip()[-2000:]}")
            wrong += 1
            continue
        new, target = json.loads(done.stdout), FROZEN / f"{script.stem}.json"
        if options.write or not target.exists():
            target.write_text(done.stdout if done.stdout.endswith("\n") else done.stdout + "\n", encoding="utf-8")
            print(f"{script.name}: written to {target.name}")
            continue
        found = differences(json.loads(target.read_text(encoding="utf-8")), new)
        wrong += bool(found)
        print(f"{script.name}: {'the same' if not found else f'{len(found)} differences'} ({new.get('made_with')})")
        for line in found[:10]:
            print("   ", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
