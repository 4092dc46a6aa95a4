"""The studies a report can be made of: the bundled ones by name, and study folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from nextarm import __version__
from nextarm.core.errors import CallError, NextarmError
from nextarm.evidence import Package
from nextarm.report import Note, Report, Section, paragraph, say
from nextarm.studies.part import Each, Part, Progress, chosen, made

#: Name of each bundled study and the module whose ``parts(package)`` and ``report_of(sections)`` make its report.
STUDIES: dict[str, str] = {"infant-all": "nextarm.studies.infant_all.report"}
#: What is said where the sections of a bundled study are made from more rows than its own.
BOTH = (
    "The sections taken from the worked study are computed from its rows together with those of this study; "
    "where they speak of the bundled evidence, both are meant."
)


def parts_of(study: str | Path) -> tuple[Part, ...]:
    """The parts that the report of ``study`` (a bundled name, or a study folder) can have.

    The report of a folder has parts of its own, and on request those of the bundled studies that it extends, made with its rows too.
    Raises :class:`CallError` for a name that is neither, :class:`DataError` for a folder whose tables are not sound.
    """
    if str(study) in STUDIES:
        return tuple(import_module(STUDIES[str(study)]).parts())
    return _opened(study)[0]


def _opened(folder: str | Path) -> tuple[tuple[Part, ...], Package, str]:
    if not Path(folder).is_dir():
        raise CallError(f"study = {str(folder)[:200]!r}", rule=f"must be one of {', '.join(STUDIES)}, or a study folder")
    from nextarm.studies.own.report import own_parts
    from nextarm.studies.own.study import open_study

    study = open_study(folder)
    own = own_parts(study)
    worked: list[Part] = []
    for name in study.package.extends:
        if name in STUDIES:
            parts = import_module(STUDIES[name]).parts(study.package)
            worked += [replace(p, usual=False, of=name) for p in parts if p.id not in {o.id for o in own}]
    *before, methods = own
    return (*before, *worked, methods), study.package, study.asked.title


def build(
    study: str | Path,
    *,
    sections: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    each: Each | None = None,
) -> Report:
    """Make the report of ``study``; ``progress(done, total)`` is called as its parts are made, ``each`` with the sections of each.

    ``sections`` are ids of :func:`parts_of` (None: the usual ones), ``workers`` processes make them: the report is the same.
    Raises :class:`CallError` for an unknown study or section, and for less than one worker.
    """
    if workers < 1:
        raise CallError(f"workers = {workers}", rule="must be at least 1")
    if str(study) in STUDIES:
        module = import_module(STUDIES[str(study)])
        found: Report = module.report_of(_made(study, chosen(module.parts(), sections), workers, progress, each))
        return found
    parts, package, title = _opened(study)
    taken = chosen(parts, sections)
    return _own_report(package, title, _made(study, taken, workers, progress, each), worked=any(p.of for p in taken))


def _made(study: str | Path, parts: tuple[Part, ...], workers: int, progress: Progress | None, each: Each | None) -> tuple[Section, ...]:
    if min(workers, len(parts)) == 1:
        return made(parts, progress, each=each)
    import gc
    from multiprocessing import get_context

    from nextarm.simulation.workers import as_worker

    with get_context("spawn").Pool(min(workers, len(parts)), initializer=as_worker, initargs=gc.get_threshold()) as pool:
        return made(parts, progress, each=each, elsewhere=pool.imap(partial(_part_of, study), [part.id for part in parts]))


def _part_of(study: str | Path, id: str) -> Sequence[Section] | None:
    """One part, in a worker; None where it is refused, so that the process that asked meets the error itself."""
    try:
        (part,) = (p for p in parts_of(study) if p.id == id)
        return part.make()
    except NextarmError:
        return None


def _own_report(package: Package, title: str, sections: tuple[Section, ...], *, worked: bool) -> Report:
    caution = Note("caution", say("This report supports design decisions by people who know the field. It is not medical advice."))
    intro: list[Any] = [
        paragraph(
            "Made by nextarm from evidence tables in which every value has a source; "
            "comparisons with historical controls are named as such wherever they stand."
        ),
        caution,
    ]
    if worked:
        intro.append(Note("information", say(BOTH)))
    return Report(
        title=title or package.title or package.name,
        subtitle=f"Study {package.name}" + (f", on the evidence of {', '.join(package.extends)}" if package.extends else ""),
        sections=sections,
        intro=tuple(intro),
        made_on=datetime.now(UTC).date().isoformat(),
        notes=(f"nextarm {__version__}; code Apache-2.0, evidence tables CC BY 4.0.", "Supports design decisions; not medical advice."),
    )
