"""The main job on the bundled evidence: `nextarm report infant-all`, once, read as a user and as a program would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SECTIONS = ("plateau", "intensification", "immunotherapy", "agents", "germline", "next-trial", "methods")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("main-job")
    command = [sys.executable, "-m", "nextarm.cli", "report", "infant-all", "--out", str(out), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert str(out / "report.html") in done.stdout
    return out


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"), parse_constant=lambda c: pytest.fail(f"{c} in JSON"))


def test_every_section_is_there_in_the_order_of_the_questions(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    places = [html.index(f'id="{section}"') for section in SECTIONS]
    assert places == sorted(places)
    assert "not medical advice" in html


def test_the_page_asks_nothing_of_the_network(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    without_links = re.sub(r'<a [^>]*href="[^"]*"', "<a", html)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', without_links)
    assert "@import" not in html


def test_every_number_has_a_trail_with_a_method_and_every_row_a_source(results: dict[str, Any]) -> None:
    assert len(results["numbers"]) > 400
    for number in results["numbers"]:
        trail = results["trails"][number["trail"]]
        assert trail["method"].strip(), number["name"]
        assert trail["rows"] or trail["assumptions"] or trail["inputs"] or trail["method"], number["name"]
        for row in trail["rows"]:
            assert row["line"] >= 1, number["name"]
            assert row["source_id"], (number["name"], row)


def test_no_number_leaves_its_domain(results: dict[str, Any]) -> None:
    for number in results["numbers"]:
        ends = [v for v in (number["value"], number["low"], number["high"]) if v is not None]
        if number["unit"] == "proportion":
            assert all(0.0 <= v <= 1.0 for v in ends), number["name"]
        if number["low"] is not None and number["high"] is not None:
            assert number["low"] <= number["high"], number["name"]
            if number["value"] is not None:
                assert number["low"] - 1e-12 <= number["value"] <= number["high"] + 1e-12, number["name"]


def test_simulated_rates_stand_beside_their_monte_carlo_error(results: dict[str, Any]) -> None:
    names = {n["name"] for n in results["numbers"]}
    for name in names:
        if re.fullmatch(r"trial\.scenario\..*\.(reject|never)|trial\.simulated", name):
            assert f"{name}.mcse" in names, name


def test_charts_are_written_as_files_of_their_own(folder: Path) -> None:
    found = sorted(p.name for p in (folder / "charts").iterdir())
    assert "plateau-forest.svg" in found
    assert len(found) >= 10
    assert all((folder / "charts" / name).read_text(encoding="utf-8").startswith("<svg") for name in found)


def test_the_same_evidence_gives_the_same_numbers_again(results: dict[str, Any]) -> None:
    """Randomness is seeded: three sections built a second time, alone, hold the values that they have in the whole report."""
    from nextarm.report import results_json
    from nextarm.studies import build

    again = json.loads(results_json(build("infant-all", sections=("plateau", "intensification", "agents"))))
    whole = {n["name"]: n["value"] for n in results["numbers"]}
    found = {n["name"]: n["value"] for n in again["numbers"]}
    assert len(found) > 200
    assert found == {name: whole[name] for name in found}
