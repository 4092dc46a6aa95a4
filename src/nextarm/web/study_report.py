"""Report: the whole line as one file, made in the background; its parts, and a ZIP of all that it rests on."""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

from nextarm import verbs
from nextarm.core.errors import CallError
from nextarm.report import DataTable, Note, Section, paragraph, read_results, say
from nextarm.report.document import Block, Row
from nextarm.web.address import Query
from nextarm.web.home import BUNDLED, Study
from nextarm.web.report_folder import report_policy
from nextarm.web.runs import Run, key_of
from nextarm.web.screen import Ask, Content, File, Form, Place, Step

#: Where the bundled study's report lies while the server runs; a study of one's own keeps it in its folder.
_SHELF: list[tempfile.TemporaryDirectory[str]] = []
CHART = re.compile(r"[a-z][a-z0-9-]{0,79}\.svg")


def _folder(study: Study) -> Path:
    if study.folder is not None:
        return study.path("report")
    if not _SHELF:
        _SHELF.append(tempfile.TemporaryDirectory(prefix="nextarm-report-"))
    return Path(_SHELF[0].name)


def _run_key(study: Study) -> str:
    return key_of("report", {"study": study.name})


def forms(ask: Ask) -> tuple[Form, ...]:
    """Make the report."""
    note = "About a minute. It is the report on the bundled study; rows of your own study do not enter it yet."
    return (Form("make", "Make the report", (), "Make the report", action=ask.at("report") + "/make", note=note),)


def content(ask: Ask) -> Content:
    """What was made, with its sections, and where to take it."""
    folder, here = _folder(ask.study), ask.at("report")
    run = ask.runs.find(_run_key(ask.study))
    places: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    sections: list[Section] = []
    if (folder / "report.html").is_file():
        found = (folder / "results.json").read_text(encoding="utf-8")
        numbers = read_results(found)
        charts = sorted(p.name for p in (folder / "charts").glob("*.svg"))
        places = (
            (
                "Read it, take it",
                (
                    Place("The report", "One page that opens offline, every number with its trail", f"{here}/file/report.html"),
                    Place("Results", f"{len(numbers):,} numbers as JSON", f"{here}/file/results.json"),
                    Place(
                        "Everything",
                        "ZIP: report, results, charts, plans, evidence tables of the study, versions",
                        f"{here}/file/everything.zip",
                    ),
                ),
            ),
        )
        in_sections: dict[str, int] = {}
        for entry in json.loads(found)["numbers"]:
            in_sections[entry["section"]] = in_sections.get(entry["section"], 0) + 1
        rows: tuple[Row, ...] = tuple((name, str(count)) for name, count in in_sections.items())
        blocks: list[Block] = [DataTable("Sections and their numbers", ("Section", "Numbers"), rows)]
        blocks.append(
            paragraph(
                f"{len(charts)} charts. To share it: the ZIP's report.html needs no server, and nextarm serve shows the folder read-only."
            )
        )
        sections.append(Section("made", "What was made", (), tuple(blocks)))
    else:
        sections.append(Section("made", "Nothing made yet", say("The button above makes it; you can go on working meanwhile."), ()))
    sections.append(
        Section(
            "not-yet",
            "What this screen does not do yet",
            (),
            (Note("information", say("Choosing sections and reports on rows of your own study are not built.")),),
        )
    )
    return Content(
        tuple(sections),
        python='import nextarm\nnextarm.report("infant-all", out="build/infant-all")',
        command="nextarm report infant-all --out build/infant-all\nnextarm serve build/infant-all",
        run=run,
        places_first=True,
        places=places,
    )


def make(ask: Ask, sent: Query) -> str:
    """Start making it; a report that is there is made anew."""
    folder, key = _folder(ask.study), _run_key(ask.study)

    def work(run: Run) -> None:
        verbs.report(BUNDLED, out=folder, progress=run.progress)

    found = ask.runs.find(key)
    if found is not None and found.state == "done":
        ask.runs.forget(key)
    return ask.runs.start(key, work, title="Report", address=ask.at("report")).address


def file(ask: Ask, name: str) -> File:
    """A part of the report."""
    folder = _folder(ask.study)
    if name == "everything.zip" and (folder / "report.html").is_file():
        return File(_zip(ask.study, folder), "application/zip", f"{ask.study.name}.zip", attached=True)
    known = {"report.html": "text/html", "results.json": "application/json"}
    if name in known and (folder / name).is_file():
        return File((folder / name).read_bytes(), known[name], name, policy=report_policy() if name == "report.html" else "")
    if CHART.fullmatch(name) and (folder / "charts" / name).is_file():
        return File(
            (folder / "charts" / name).read_bytes(), "image/svg+xml", name, policy="default-src 'none'; style-src 'unsafe-inline'; sandbox"
        )
    raise CallError(f"there is no file {name[:60]!r} of the report", cure="Make the report first")


def _zip(study: Study, folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                made.write(path, path.relative_to(folder).as_posix())
        if study.folder is not None:
            for path in sorted(
                [
                    *study.folder.glob("*.csv"),
                    *study.folder.glob("*.toml"),
                    *study.folder.glob("*.json"),
                    *study.folder.glob("curves/*.csv"),
                ]
            ):
                if path.is_file() and not path.is_symlink():
                    made.write(path, f"study/{path.relative_to(study.folder).as_posix()}")
        made.writestr(
            "versions.json", json.dumps(json.loads((folder / "results.json").read_text(encoding="utf-8"))["environment"], indent=2) + "\n"
        )
    return out.getvalue()


def state(study: Study) -> str:
    """Whether it was made."""
    made = study.folder is not None and (study.folder / "report" / "report.html").is_file()
    return "made" if made or (study.folder is None and _SHELF and (Path(_SHELF[0].name) / "report.html").is_file()) else ""


STEP = Step("report", "Report", "The whole line in one file, every number with its trail", forms, content, state, {"make": make}, file)
