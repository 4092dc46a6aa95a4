"""nextarm read-figure as a user types it: files, exit codes, marks given back, patients."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import nextarm
from command import Done, fresh
from command import run as command
from figures_as_text import COLOURS, document, exponential_arm, svg
from nextarm.figures import FigureReading, FigureRefused

pytest.importorskip("PIL")
ARMS = [exponential_arm("Control", 50), exponential_arm("New drug", 40, median=30.0)]


def run(*words: str | Path, start: Callable[..., Done] = command) -> Done:
    return start("read-figure", *words)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_figure_becomes_six_files_and_patients(tmp_path: Path) -> None:
    figure, out = tmp_path / "figure.svg", tmp_path / "out"
    figure.write_text(svg(ARMS))
    ran = run(figure, "--out", out, "--reconstruct", start=fresh)
    assert ran.returncode == 0, ran.stderr
    assert "grade A; time in months" in ran.stdout
    assert {p.name for p in out.iterdir()} == {
        "curves.csv", "ticks.csv", "at_risk.csv", "about.json", "figure.json", "overlay.png",
        "patients.csv", "versions.csv", "reconstruction.json",
    }  # fmt: skip
    curves = rows(out / "curves.csv")
    assert list(curves[0]) == ["arm", "time", "survival"]
    assert (curves[0]["arm"], curves[0]["time"], curves[0]["survival"]) == ("Control", "0", "1")
    assert len(rows(out / "ticks.csv")) == sum(len(a.ticks) for a in ARMS)
    assert [int(r["at_risk"]) for r in rows(out / "at_risk.csv") if r["arm"] == "New drug"] == list(ARMS[1].at_risk)
    assert FigureReading.from_json((out / "figure.json").read_text()).grade == "A"
    patients = rows(out / "patients.csv")
    assert sum(r["event"] == "1" for r in patients if r["arm"] == "Control") == 30
    assert len(patients) == 90
    made = nextarm.reconstruct(out / "curves.csv")  # with the files beside it
    assert made.patients.to_frame("months").write_csv() == (out / "patients.csv").read_text()


def test_a_refusal_has_its_own_code_and_its_marks_can_be_given_back(tmp_path: Path) -> None:
    figure, out = tmp_path / "figure.svg", tmp_path / "out"
    figure.write_text(svg(ARMS, table=False).replace('class="end">', 'class="end">S').replace('class="mid">', 'class="mid">t'))
    ran = run(figure, "--out", out)
    assert ran.returncode == 8
    assert "marks.json" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert {p.name for p in out.iterdir()} == {"marks.json", "rulers.png"}
    marks = json.loads((out / "marks.json").read_text())
    assert [c["colour"] for c in marks["curves"]] == list(COLOURS[:2])
    marks["x_axis"] = [{"pixel": 80, "value": 0}, {"pixel": 560, "value": 60}]
    marks["y_axis"] = [{"pixel": 360, "value": 0}, {"pixel": 40, "value": 1}]
    marks["time_unit"] = "months"
    (out / "marks.json").write_text(json.dumps(marks))
    again = run(figure, "--out", out, "--marks", out / "marks.json", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["x_axis"]["source"] == "marks"


def test_other_errors_keep_their_codes(tmp_path: Path) -> None:
    figure = tmp_path / "two.svg"
    figure.write_text(document(svg(ARMS, wrap=False) + svg(ARMS, wrap=False, shift=640.0), width=1260))
    assert run(tmp_path / "none.png", "--out", tmp_path / "o").returncode == 3
    assert run(figure, "--out", tmp_path / "o").returncode == 8
    assert run(figure, "--out", tmp_path / "o", "--panel", "3").returncode == 2
    assert run(figure, "--out", tmp_path / "o", "--panel", "2").returncode == 0


def test_the_same_in_python(tmp_path: Path) -> None:
    figure = tmp_path / "figure.svg"
    figure.write_text(svg(ARMS, x_label="Time"))
    reading = nextarm.read_figure(figure)
    assert reading.time_unit is None
    assert reading.table()["n"].to_list() == [50, 40]
    with pytest.raises(nextarm.core.errors.CallError, match="does not say its time unit"):
        nextarm.reconstruct(reading)
    made = nextarm.reconstruct(reading, unit="months", versions=2)
    assert made.patients.events == 54
    figure.write_text("<svg></svg>")
    with pytest.raises(FigureRefused):
        nextarm.read_figure(figure, out=tmp_path / "out")
    assert (tmp_path / "out" / "marks.json").exists()
