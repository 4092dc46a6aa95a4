"""The site around a report: a start page, the evidence as pages, and what to take. It opens from a folder, without a server.

Nothing in it is computed by the reader's browser and nothing is fetched: each page is whole, as the report is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from nextarm.core.errors import DataError
from nextarm.core.trail import Trail, environment
from nextarm.evidence import Package, load_package, select
from nextarm.evidence.bibtex import bibtex
from nextarm.patients.traced import PATIENTS
from nextarm.report import (
    Block,
    DataTable,
    KeyFigures,
    Link,
    ListBlock,
    Note,
    Report,
    Section,
    Site,
    ledger_of,
    number,
    paragraph,
    say,
    slug,
)
from nextarm.report.document import Row
from nextarm.report.evidence_blocks import agent_sections, facts, opened, study_sections, timeline
from nextarm.report.under import under
from nextarm.studies.own.asked import FILE
from nextarm.studies.registry import STUDIES

#: Most rows of a table on a page (the CSV has them all).
MOST = 20_000
#: Largest file of a study that a site takes with it.
LARGEST = 5_000_000

MEDICAL = Note("caution", say("Supports design decisions by people who know the field; not medical advice."))


def site_of(study: str | Path, report: Report) -> Site:
    """The pages and files of the site of ``study`` around its ``report``; :class:`DataError` for files that cannot be read."""
    package = load_package(study) if str(study) in STUDIES else opened(study)
    files = _files(study, package, report)
    pages: dict[str, Report] = {"index.html": _start(study, package, report, files)}
    pages["evidence.html"] = _page(package, "Evidence", "Every published outcome and count, each with its source", _evidence(package))
    if package.studies:
        pages["studies.html"] = _page(package, "Studies", "Arms, outcomes and counts of each study", _studies(package))
    if package.agents:
        pages["agents.html"] = _page(package, "Agents", "Agents by level of evidence, open and planned trials", agent_sections(package))
    return Site(pages, files)


def _page(package: Package, title: str, subtitle: str, sections: Sequence[Section]) -> Report:
    return Report(title=title, subtitle=f"{subtitle}; study {package.name}", sections=tuple(sections))


def _evidence(package: Package) -> list[Section]:
    made: list[Section] = []
    for table, title in (("outcomes", "Published outcomes"), ("counts", "Published counts")):
        if getattr(package, table):
            found = select(package, table=table)  # type: ignore[arg-type]  # outcomes or counts
            made.append(
                Section(
                    table, title, say(f"{len(found.cells)} rows; a number opens its row and source."), (facts(package, found, most=MOST),)
                )
            )
    if not made:
        made.append(Section("outcomes", "Published outcomes", say("The package holds none.")))
    return made


def _studies(package: Package) -> list[Section]:
    made = [Section("when", "When the studies enrolled", (), tuple(timeline(package)))]
    for study in sorted(package.studies, key=lambda s: s.name.lower()):
        made += [under(f"of-{slug(study.study_id)}", section) for section in study_sections(package, study.study_id)]
    return made


def _start(study: str | Path, package: Package, report: Report, files: dict[str, str | bytes]) -> Report:
    book = ledger_of(report)
    trail = Trail("counted over the report")
    figures = KeyFigures(
        (
            (number(len(report.sections), "count", name="site.sections", trail=trail), "sections"),
            (number(len(book.entries), "count", name="site.numbers", trail=trail), "numbers, each with its trail"),
            (number(len(package.outcomes), "count", name="site.outcomes", trail=trail), "published outcomes"),
            (number(len(book.sources), "count", name="site.sources", trail=trail), "sources named in the report"),
        )
    )
    answers = ListBlock(tuple(say(Link(s.title, "report.html"), ": " if s.lead else "", s.lead) for s in report.sections))
    words = {".csv": "table", ".toml": "plan", ".json": "record", ".bib": "sources as BibTeX", ".txt": "text"}
    rows: list[Row] = [(say(Link("results.json", "results.json")), "every number of the report with its trail", None)]
    for name, content in files.items():
        size = len(content.encode() if isinstance(content, str) else content) / 1000.0
        rows.append((say(Link(name, name)), words.get(Path(name).suffix, ""), f"{size:,.1f} kB"))
    call = f"nextarm report {study if str(study) in STUDIES else package.name} --site"
    read = paragraph(
        "A copy for reading: it opens without a server or network. The whole stands in ", Link("the report", "report.html"), "."
    )
    blocks: list[Block] = [figures, read, answers]
    sections = (
        Section(
            "what",
            "What is here",
            say("A copy for reading: it opens without a server or network."),
            tuple(blocks),
        ),
        Section(
            "take",
            "To take",
            (),
            (DataTable("Files", ("File", "What it is", "Size"), tuple(rows), narrow="stack"),),
        ),
        Section(
            "made",
            "How it was made",
            (),
            (paragraph(f"{call}, with the versions in versions.json."), MEDICAL),
        ),
    )
    return Report(title=report.title, subtitle=report.subtitle, sections=sections, made_on=report.made_on, notes=report.notes)


def _files(study: str | Path, package: Package, report: Report) -> dict[str, str | bytes]:
    """The tables of the study and of those it extends, curves, plans, questions, sources, versions."""
    found: dict[str, str | bytes] = {}
    bundled = [str(study)] if str(study) in STUDIES else [name for name in package.extends if name in STUDIES]
    for name in bundled:
        for file in sorted((resources.files("nextarm.evidence") / "data" / name).iterdir(), key=lambda f: f.name):
            if file.name.endswith((".csv", ".json")):
                found[f"data/{name}/{file.name}"] = file.read_bytes()
    if str(study) in STUDIES:
        place = resources.files(STUDIES[str(study)].rpartition(".")[0])
        for file in sorted(place.iterdir(), key=lambda f: f.name):
            if file.name.endswith(".toml"):
                found[f"plans/{file.name.replace('_', '-')}"] = file.read_bytes()
    else:
        found |= _own_files(Path(study), package.name)
    sources = ledger_of(report).sources
    found["sources.bib"] = bibtex(sources) + "\n" if sources else "% the report names no source\n"
    found["versions.json"] = json.dumps(environment(), indent=2) + "\n"
    return found


def _own_files(folder: Path, name: str) -> dict[str, str | bytes]:
    wanted = [
        ("*.csv", f"data/{name}"),
        ("*.json", f"data/{name}"),
        ("curves/*.csv", "curves"),
        ("curves/*.json", "curves"),
        ("*.toml", "plans"),
    ]
    found: dict[str, str | bytes] = {}
    for pattern, place in wanted:
        for path in sorted(folder.glob(pattern)):
            if not path.is_file() or path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
                continue
            if path.name.endswith(PATIENTS):  # patients that were given stay where they are
                continue
            try:
                if path.stat().st_size > LARGEST:
                    raise DataError(path.name, rule=f"is larger than {LARGEST / 1e6:g} MB", cure="Take it out of the study folder")
                found[FILE if path.name == FILE else f"{place}/{path.name}"] = path.read_bytes()
            except OSError as error:
                raise DataError(f"{path.name} cannot be read", rule=error.strerror or str(error)) from None
    return found
