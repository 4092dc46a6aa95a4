"""Report: choose its sections, see them, take them as a page, as JSON, as a ZIP, or as a site to share."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, OutputError
from nextarm.report import DataTable, Note, Section, WrittenReport, paragraph, say
from nextarm.report.document import Block, Row
from nextarm.web import report_asked
from nextarm.web.address import Query, address
from nextarm.web.home import BUNDLED, Study
from nextarm.web.report_folder import report_policy, served
from nextarm.web.runs import Run, key_of
from nextarm.web.screen import Ask, Content, Field, File, Form, Place, Step

#: Where the bundled study's report lies while the server runs; a study of one's own keeps it in its folder.
_SHELF: list[tempfile.TemporaryDirectory[str]] = []
ALL = "everything.zip"
#: Held while a new report takes the place of the old one and while a report is read: between two renames there is none.
_PLACE = threading.Lock()


def _folder(study: Study, name: str = "report") -> Path:
    if study.folder is not None:
        return study.path(name)
    if not _SHELF:
        _SHELF.append(tempfile.TemporaryDirectory(prefix="nextarm-report-"))
    return Path(_SHELF[0].name) / name


def _run_key(study: Study) -> str:
    return key_of("report", {"study": study.name})


def forms(ask: Ask) -> tuple[Form, ...]:
    """Which sections; for a study of one's own, which questions."""
    parts = verbs.report_parts(ask.study.package)
    own = ask.study.folder is not None
    chosen = ask.query.many("sections") or tuple(p.id for p in parts if p.usual)
    choices = tuple((p.id, f"{p.title}{' (worked study, with your rows)' if p.of else ''}") for p in parts)
    sections = Field("sections", "Sections", "many", values=chosen, choices=choices)
    note = "Made in the background; go on working meanwhile. What is made is shown below, section by section."
    made = [Form("make", "Choose the sections", (sections,), "Make the report", action=ask.at("report") + "/make", note=note)]
    return (*made, *report_asked.forms(ask)) if own else tuple(made)


def content(ask: Ask) -> Content:
    """What was made: where to take it, its sections with their answers, and one of them to read here."""
    folder, here = _folder(ask.study), ask.at("report")
    run = ask.runs.find(_run_key(ask.study))
    run = None if run is None else run.as_it_is()
    places: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    sections: tuple[Section, ...] = ()
    if (made := _made(folder)) is not None:
        facts, outline = made
        listed = facts["report"]["sections"]
        taken = (
            Place("The report", "One page that opens offline, every number with its trail", f"{here}/file/report.html"),
            Place("The site", "The report with the evidence as pages, for reading; it needs no server", f"{here}/file/index.html"),
            Place("Results", f"{len(facts['numbers']):,} numbers as JSON, each with its trail", f"{here}/file/results.json"),
            Place("All of it", "ZIP: site, report, results, charts, plans, tables, sources, versions", f"{here}/file/{ALL}"),
        )
        inside = tuple(Place(s["title"], s["answer"] or "Look at it", address(here, {"look": s["id"]}) + f"#{s['id']}") for s in listed)
        places = (("Read it, take it", taken), ("Its sections: look at one here", inside))
        sections = (*_looked_at(ask, run, listed), outline)
    elif run is None or not run.active:
        words = "Nothing is made yet. Choose above and make it; about a minute for the whole worked study, seconds for some sections."
        sections = (Section("made", "Nothing made yet", say(words)),)
    named = ask.query.many("sections")
    flag = f" --sections {','.join(named)}" if named else ""
    also = f", sections={list(named)!r}" if named else ""
    return Content(
        sections,
        python=f'import nextarm\nnextarm.report({ask.study.shown!r}{also}, site=True, out="build/{ask.study.name}")',
        command=f"nextarm report {ask.study.shown}{flag} --site --out build/{ask.study.name}\nnextarm serve build/{ask.study.name}",
        run=run,
        places_first=True,
        places=places,
    )


def _looked_at(ask: Ask, run: Run | None, listed: list[dict[str, str]]) -> tuple[Section, ...]:
    """The section that the reader wants to see, as it was made; after a restart of the server it is read in the report itself."""
    wanted = ask.query.text("look")
    if not wanted:
        return ()
    if wanted not in {s["id"] for s in listed}:
        raise CallError(f"look = {wanted[:60]!r}", rule="is not a section of the report that was made", cure="The list below has them")
    if run is not None and isinstance(run.result, WrittenReport):
        return tuple(s for s in run.result.report.sections if s.id == wanted)
    title = next(s["title"] for s in listed if s["id"] == wanted)
    words = "The server was started anew since the report was made: read it in the report, or make it again to see it here."
    return (Section(wanted, title, say(words)),)


def _made(folder: Path) -> tuple[dict[str, Any], Section] | None:
    """What results.json of the report says, and the report's outline; None where none was made."""
    with _PLACE:
        if not (folder / "results.json").is_file():
            return None
        facts: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return facts, _outline(folder, facts)


def _outline(folder: Path, facts: dict[str, Any]) -> Section:
    numbers, listed = facts["numbers"], facts["report"]["sections"]
    rows: list[Row] = [(s["title"], str(sum(n["section"] == s["id"] for n in numbers))) for s in listed]
    charts = len(list((folder / "charts").glob("*.svg")))
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6
    blocks: tuple[Block, ...] = (
        DataTable("Sections and the numbers that first stand in them", ("Section", "Numbers"), tuple(rows), sortable=False),
        paragraph(f"{charts} charts; {size:.1f} MB with the site, less as a ZIP."),
        Note("information", say("To share it: unpack the ZIP anywhere and open index.html; it needs no server and no network.")),
    )
    return Section("made", "What was made", (), blocks)


def make(ask: Ask, sent: Query) -> str:
    """Start making it; a report that is there is made anew and stays until the new one is whole."""
    study, key = ask.study, _run_key(ask.study)
    known = {p.id for p in verbs.report_parts(study.package)}
    named = sent.many("sections")
    if not named:
        raise CallError("sections", rule="must name at least one", cure="Choose one above")
    if odd := [s for s in named if s not in known]:
        raise CallError(f"sections = {odd[0][:60]!r}", rule="is not a section of this study's report")
    fresh, place, old = (_folder(study, name) for name in ("report.new", "report", "report.old"))

    def work(run: Run) -> WrittenReport:
        for path in (fresh, old):
            shutil.rmtree(path, ignore_errors=True)
        written = verbs.report(study.package, out=fresh, sections=named, site=True, progress=run.progress)
        try:
            with _PLACE:
                if place.exists():
                    place.rename(old)
                fresh.rename(place)
        except OSError as error:
            raise OutputError("the report cannot be put in its place", rule=error.strerror or str(error)) from None
        shutil.rmtree(old, ignore_errors=True)
        return written

    found = ask.runs.find(key)
    if found is not None and found.state == "done":
        ask.runs.forget(key)
    where = address(ask.at("report"), Query(tuple(("sections", s) for s in named)))
    return ask.runs.start(key, work, title="Report", address=where).address


def file(ask: Ask, name: str) -> File:
    """A part of the report or its site, or all as a ZIP."""
    with _PLACE:
        return _file(ask, _folder(ask.study), name)


def _file(ask: Ask, folder: Path, name: str) -> File:
    if name == ALL and (folder / "report.html").is_file():
        return File(_zip(ask.study.name, folder), "application/zip", f"{ask.study.name}-report.zip", attached=True)
    kind = served(folder, name)
    if kind is None:
        raise CallError(f"there is no file {name[:60]!r} of the report", cure="Make the report first")
    path = folder / name
    policy = report_policy() if kind == "text/html" else "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return File(path.read_bytes(), kind, path.name, policy=policy)


def _zip(name: str, folder: Path) -> bytes:
    """The folder as a ZIP: what stands in it and is of a report, under one name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder).as_posix()
            if served(folder, inner) is not None:
                made.write(path, f"{name}-report/{inner}")
    return out.getvalue()


def state(study: Study) -> str:
    """Whether it was made."""
    made = study.folder is not None and (study.folder / "report" / "report.html").is_file()
    return "made" if made or (study.folder is None and _SHELF and (_folder(study) / "report.html").is_file()) else ""


STEP = Step(
    "report",
    "Report",
    "What was found, every number with its trail, to read and to share",
    forms,
    content,
    state,
    {"make": make, "keep": report_asked.keep, "ask": report_asked.save},
    file,
)

__all__ = ["BUNDLED", "STEP"]
