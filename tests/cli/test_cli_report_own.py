"""``nextarm report`` on a study folder: its rows, curves, questions and plans; chosen sections; the site to share."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

import nextarm
from nextarm.cli.app import app
from nextarm.core.errors import NextarmError
from nextarm.report import read_results
from simulation_plans import RESPONSE_PLAN

ASKED = """title = "Our next trial"
trials = 200

[[pool]]
pool_set = "frontline-kmt2a-g"
endpoint = "EFS"
time = 4
window = 2
without = ["interfant-06-g"]

[[prior]]
arms = ["blin"]
endpoint = "DFS"
time = 4
control = "interfant-06-histctrl"
"""


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words))
    if isinstance(found.exception, NextarmError):
        return found.exception.exit_code, str(found.exception)
    return found.exit_code, found.output


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "mine"
    nextarm.new_study(folder)
    for name, row in {
        "sources": "own-a,Author,2024,Journal,A short title,10.1000/x,,,,,,",
        "outcomes": "interfant-06-r,EFS,5,diagnosis,stated,,0.40,,,0.35,0.45,484,,,,,own-a,table 2,",
    }.items():
        path = folder / f"{name}.csv"
        columns = path.read_text().strip().count(",") + 1
        cells = row.split(",")
        path.write_text(path.read_text() + ",".join((cells + [""] * columns)[:columns]) + "\n")
    (folder / "curves").mkdir()
    (folder / "curves" / "trial-x.curve.csv").write_text("time,survival\n0,1\n6,0.9\n12,0.8\n24,0.7\n36,0.65\n48,0.65\n")
    (folder / "curves" / "trial-x.at-risk.csv").write_text("time,at_risk\n0,40\n12,31\n24,25\n36,18\n48,9\n")
    (folder / "curves" / "trial-x.about.json").write_text('{"unit": "months"}')
    (folder / "curves" / "trial-y.curve.csv").write_text("time,survival\n0,1\n6,0.9\n")
    (folder / "report.toml").write_text(ASKED)
    (folder / "plan.toml").write_text(RESPONSE_PLAN)
    return folder


@pytest.fixture(scope="module")
def site(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    assert run("report", str(study), "--out", str(out), "--site", "--quiet")[0] == 0
    return out


def test_the_report_answers_what_was_asked_with_the_verbs_own_numbers(study: Path, site: Path) -> None:
    text = (site / "results.json").read_text(encoding="utf-8")
    sections = {s["id"]: s for s in json.loads(text)["report"]["sections"]}
    curves = ["curve-trial-x-patients", "curve-trial-y-patients"]
    assert list(sections) == ["evidence", *curves, "pool-1-synthesis", "prior-1-borrowing", "plan-plan-design", "methods"]
    numbers = read_results(text)
    assert numbers["evidence.outcomes"].value == 1
    prior = nextarm.prior(arms=("blin",), endpoint="DFS", time=4, tau_scale=0.3, robust=0.2)
    assert numbers["prior-1.ess.moment"].value == pytest.approx(next(w.patients for w in prior.worth if w.method == "moment"))
    compared = nextarm.compare("blin", "interfant-06-histctrl", endpoint="DFS", time=4)
    assert numbers["prior-1.difference"].value == compared.difference
    assert numbers["plan-plan.design.power"].value == nextarm.design(study / "plan.toml").power
    trail = numbers["pool-1.pooled"].trail
    assert not any("interfant-06-g" in row.key for row in trail.rows)
    assert any(left.reason == "left out by the reader" for left in trail.left_out)
    page = (site / "report.html").read_text(encoding="utf-8")
    assert "does not say the unit of its times" in page
    assert "0.40" in (site / "data" / "mine" / "outcomes.csv").read_text()


class Links(HTMLParser):
    """Addresses of a page, and the ids in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids |= {values["id"]} if values.get("id") else set()
        self.links += [v for k, v in attrs if k in ("href", "src") and v]


def test_a_site_opens_from_its_folder_every_link_leads_somewhere_and_nothing_is_fetched(site: Path) -> None:
    pages = sorted(p.name for p in site.glob("*.html"))
    assert pages == ["agents.html", "evidence.html", "index.html", "report.html", "studies.html"]
    for name in pages:
        text = (site / name).read_text(encoding="utf-8")
        found = Links()
        found.feed(text)
        assert "default-src 'none'" in text
        assert not re.search(r"<(link|img|iframe|script)[^>]+(src|href)=", text)
        for link in found.links:
            if link.startswith("#"):
                assert unquote(link[1:]) in found.ids, (name, link)
            elif not link.startswith(("https://", "http://", "mailto:")):
                assert (site / link).is_file(), (name, link)
    kept_files = ("plans/plan.toml", "report.toml", "sources.bib", "versions.json", "curves/trial-x.curve.csv", "data/mine/arms.csv")
    for kept in kept_files:
        assert (site / kept).is_file()
    everything = "".join(p.read_text(encoding="utf-8") for p in site.rglob("*") if p.is_file())
    assert str(site) not in everything
    assert str(site.parent) not in everything


def test_sections_can_be_chosen_and_a_wrong_one_is_named(study: Path, tmp_path: Path) -> None:
    code, listed = run("report", str(study), "--sections", "list")
    assert code == 0
    assert [line.split()[0] for line in listed.splitlines()][:3] == ["evidence", "patients", "synthesis"]
    assert run("report", "infant-all", "--sections", "agents", "--out", str(tmp_path / "a"), "--quiet")[0] == 0
    made = json.loads((tmp_path / "a" / "results.json").read_text(encoding="utf-8"))
    assert [s["id"] for s in made["report"]["sections"]] == ["agents"]
    code, said = run("report", str(study), "--sections", "agents,platea", "--out", str(tmp_path / "b"), "--quiet")
    assert code == 2
    assert "platea" in said
    assert not (tmp_path / "b").exists()


def test_the_worked_sections_take_the_studys_rows_in(study: Path, tmp_path: Path) -> None:
    written = nextarm.report(study, out=tmp_path, sections=["agents", "methods"])
    assert [s.id for s in written.report.sections] == ["agents", "methods"]
    assert any("computed from its rows together" in str(block) for block in written.report.intro)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "report.toml is not TOML"),
        ('[[pool]]\npool_set = "a"\ntime = "5"\n', "pool[1].time = '5' in report.toml line 3"),
        ('[[curve]]\nname = "../x"\nunit = "months"\n', "curve[1].name"),
        ("wrong = 1\n", "wrong"),
    ],
)
def test_what_is_wrong_with_the_questions_is_one_message_with_its_place(study: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "datapackage.json").write_text((study / "datapackage.json").read_text())
    for table in study.glob("*.csv"):
        (tmp_path / table.name).write_text(table.read_text())
    (tmp_path / "report.toml").write_text(text)
    code, output = run("report", str(tmp_path), "--out", str(tmp_path / "out"), "--quiet")
    assert code == 3
    assert said in output
    assert "Traceback" not in output
    assert not (tmp_path / "out").exists()
