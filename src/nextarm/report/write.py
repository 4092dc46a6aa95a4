"""Write a report to a folder: whole files or none.

Each file is written beside its place under another name and then renamed, so that an interrupted run never leaves half
a file where a good one was; report.html comes last.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nextarm.core.errors import OutputError
from nextarm.report.charts.svg import for_file, to_png
from nextarm.report.document import Report
from nextarm.report.html import Drawings, draw_charts, render_html
from nextarm.report.ledger import charts_of, ledger_of
from nextarm.report.results_json import results_json


@dataclass(frozen=True)
class WrittenReport:
    """Where a report was written, how many numbers and charts it holds, and the report itself."""

    html: Path
    results: Path
    charts: tuple[Path, ...]
    numbers: int
    report: Report


@dataclass(frozen=True)
class Site:
    """What makes a site of a report: pages by file name (``index.html`` first), and files to take, by their path in the site."""

    pages: Mapping[str, Report]
    files: Mapping[str, str | bytes]


def write_report(
    report: Report, out_dir: str | Path, *, png: bool = False, site: Site | None = None, drawn: Drawings | None = None
) -> WrittenReport:
    """Write ``report.html``, ``results.json`` and ``charts/*.svg`` to ``out_dir`` (made if it does not exist).

    ``png`` writes each chart as PNG at twice its size as well; ``site`` writes its pages and files beside the report, all of
    which lead to each other and open from a folder without a server. ``drawn`` holds charts that are drawn already.
    Everything is rendered before the first byte is written;
    :class:`OutputError` if the folder cannot be written, with what was there before untouched.
    """
    folder = Path(out_dir)
    book = ledger_of(report)
    drawings = draw_charts(report, drawn=drawn)
    pages = () if site is None else (("First page", "index.html"), ("Report", "report.html"), *_others(site))
    html = render_html(report, drawings=drawings, ledger=book, pages=pages, here="report.html")
    results = results_json(report, ledger=book)
    files: dict[Path, str | bytes] = {}
    for chart in charts_of(report):
        svg = for_file(drawings[chart.id][0], label=chart.alt)
        files[folder / "charts" / f"{chart.id}.svg"] = svg
        if png:
            files[folder / "charts" / f"{chart.id}.png"] = to_png(svg)
    charts = tuple(files)
    if site is not None:
        files |= {folder / name: content for name, content in site.files.items()}
        files |= {folder / name: render_html(page, pages=pages, here=name) for name, page in site.pages.items()}
    files[folder / "results.json"] = results
    files[folder / "report.html"] = html
    write_texts(files)
    return WrittenReport(folder / "report.html", folder / "results.json", charts, len(book.entries), report)


def check_folder(out_dir: str | Path) -> None:
    """Try to write a file in the folder, or in the nearest one above it that exists: long work must not end in "cannot write".

    Leaves no trace; :class:`OutputError` if it cannot be written.
    """
    folder = Path(out_dir)
    try:
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise _cannot_write(error, folder) from None


def _cannot_write(error: OSError, place: Path) -> OutputError:
    cure = "Choose a folder you may write to, with space left"
    return OutputError(f"cannot write {error.filename or place}", rule=error.strerror or str(error), cure=cure)


def _others(site: Site) -> list[tuple[str, str]]:
    return [(page.title, name) for name, page in site.pages.items() if name != "index.html"]


def write_texts(files: Mapping[Path, str | bytes]) -> None:
    """Write texts (or bytes) to files, each whole or not at all: first all to temporary files beside their places, then renamed.

    :class:`OutputError` if that fails; no temporary file is left, and nothing is renamed unless all could be written.
    """
    waiting: list[tuple[str, Path]] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            waiting.append((temporary, path))
            with open(handle, "wb") as stream:
                stream.write(text.encode() if isinstance(text, str) else text)
            os.chmod(temporary, 0o644)
        while waiting:
            temporary, path = waiting[0]
            os.replace(temporary, path)
            waiting.pop(0)
    except OSError as error:
        raise _cannot_write(error, next(iter(files))) from None
    finally:
        for temporary, _ in waiting:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
