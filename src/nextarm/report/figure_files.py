"""The folder of a figure that was read, or of one that was refused; whole files or none."""

from __future__ import annotations

from pathlib import Path

from nextarm.figures import FigureRefused, ReadFigure, dump_marks, files_of
from nextarm.report.write import write_texts


def write_reading(found: ReadFigure, folder: str | Path) -> None:
    """Write curves.csv, ticks.csv, at_risk.csv, figure.json and overlay.png."""
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
