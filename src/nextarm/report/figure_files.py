"""Read a figure and keep what was read in a folder; whole files or none."""

from __future__ import annotations

from pathlib import Path

from nextarm.figures import FigureReading, FigureRefused, Marks, ReadFigure, dump_marks, files_of, load_marks
from nextarm.figures import read_figure as read
from nextarm.report.write import write_texts


def read_figure(
    file: str | Path,
    *,
    folder: str | Path | None = None,
    page: int | None = None,
    panel: int | None = None,
    marks: str | Path | Marks | None = None,
) -> FigureReading:
    """Read ``file`` as :func:`nextarm.figures.read_figure` does; ``marks`` may be a file. Write to ``folder`` where one is given."""
    given = marks if marks is None or isinstance(marks, Marks) else load_marks(marks)
    try:
        found = read(file, page=page, panel=panel, marks=given)
    except FigureRefused as refusal:
        if folder is not None:
            write_refusal(refusal, folder)
        raise
    if folder is not None:
        write_reading(found, folder)
    return found.reading


def write_reading(found: ReadFigure, folder: str | Path) -> None:
    """Write curves.csv, ticks.csv, at_risk.csv, about.json, figure.json and overlay.png."""
    write_texts({Path(folder) / name: content for name, content in files_of(found.reading, found.overlay).items()})


def write_refusal(refusal: FigureRefused, folder: str | Path) -> None:
    """Write marks.json to be filled, and the figure under rulers (rulers.png) where it could be drawn."""
    files: dict[Path, str | bytes] = {}
    if refusal.marks is not None:
        files[Path(folder) / "marks.json"] = dump_marks(refusal.marks)
    if refusal.image:
        files[Path(folder) / "rulers.png"] = refusal.image
    if files:
        write_texts(files)
