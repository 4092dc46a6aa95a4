"""What may not stand in a tracked file, and what must: paths of a machine, download addresses, licences, versions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".csv", ".R", ".html", ".css", ".js", ".jinja", ".cfg", ".yml", ""}


def tracked() -> list[Path]:
    try:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in out.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    # Written in pieces so that this file does not find itself.
    bad = re.compile(
        "|".join(
            [
                "/wo" + "rk/",
                "/ro" + "ot/",
                "/ho" + "me/[a-z]",
                "py" + r"pi\.org",
                "pythonho" + "sted",
                "deb.deb" + "ian",
                "registry" + r"\.npmjs",
            ]
        )
    )
    for path in tracked():
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                assert not bad.search(line), f"{path.relative_to(ROOT)} line {number}: {line[:120]}"


def test_constraints_pin_exact_versions_without_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line


def test_no_link_leaves_the_repository() -> None:
    for path in tracked():
        assert not path.is_symlink(), path


def test_licences_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "CC BY 4.0" in (ROOT / "src/nextarm/evidence/data/LICENSE-CC-BY-4.0").read_text(encoding="utf-8")


def test_the_version_has_an_entry_in_the_changelog() -> None:
    from nextarm import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
