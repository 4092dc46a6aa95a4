"""The verbs of reports: the report of a study, its parts, the questions of a study folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextarm.report import Section, WrittenReport
    from nextarm.studies import Part

Progress = Callable[[int, int], None]


def report(
    study: str | Path = "infant-all",
    *,
    out: str | Path,
    sections: Iterable[str] | None = None,
    site: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> WrittenReport:
    """Write the report of a study to the folder ``out``: report.html, results.json and the charts as SVG.

    ``study`` is a bundled one by name, or a study folder: then the report is on its own rows, curves and plans, and on the questions of
    its ``report.toml``. ``sections`` are ids of :func:`report_parts` (None: the usual ones). ``site`` writes a whole site beside it that
    opens from the folder without a server: start page, evidence tables as pages, tables, plans, sources and versions to take.
    ``workers`` processes make the sections; the report is the same for any.
    That ``out`` can be written to is tried first. All files are rendered before the first is written; what was there before stays
    until the new ones are whole.
    """
    from nextarm.report import Report, check_folder, draw_charts, write_report
    from nextarm.studies import build

    check_folder(out)
    taken = None if sections is None else tuple(sections)
    drawn: dict[str, tuple[str, str]] = {}

    def draw(sections: Sequence[Section]) -> None:
        drawn.update(draw_charts(Report(title="", subtitle="", sections=tuple(sections))))

    made = build(study, sections=taken, workers=workers, progress=progress, each=draw)
    if not site:
        return write_report(made, out, drawn=drawn)
    from nextarm.studies.site import site_of

    return write_report(made, out, drawn=drawn, site=site_of(study, made))


def report_parts(study: str | Path = "infant-all") -> tuple[Part, ...]:
    """What the report of a study can hold: parts with id and title, and whether each is made where none is named.

    >>> [part.id for part in report_parts("infant-all")][:3]
    ['plateau', 'intensification', 'immunotherapy']
    """
    from nextarm.studies import parts_of

    return parts_of(study)


def report_questions(folder: str | Path) -> dict[str, Any]:
    """The questions that ``report.toml`` of a study folder asks, as plain data (empty where there is none)."""
    from nextarm.studies.own.asked import read_asked

    return read_asked(Path(folder)).model_dump(mode="json", exclude_none=True)


def report_questions_text(questions: Mapping[str, Any]) -> str:
    """``report.toml`` of these questions, checked; :class:`DataError` with every problem.

    >>> print(report_questions_text({"pool": [{"pool_set": "frontline-kmt2a-r", "time": 5.0}]}), end="")
    [[pool]]
    pool_set = "frontline-kmt2a-r"
    time = 5.0
    """
    from nextarm.designs.toml_text import toml_text
    from nextarm.studies.own.asked import asked_of

    return asked_of(toml_text(questions) + "\n").to_toml()
