"""The verbs of figures besides ``read_figure``: correct a reading by hand, draw it, keep its curve, lay rebuilt patients over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextarm.figures import FigureReading, Marks, Picture
    from nextarm.patients import Reconstruction
    from nextarm.patients.traced import SavedCurve


def saved_figure(source: str | Path | FigureReading) -> FigureReading:
    """A reading as it was written to ``figure.json``; :class:`DataError` if the file is not one."""
    from nextarm.core.errors import DataError
    from nextarm.figures import FigureReading

    if isinstance(source, FigureReading):
        return source
    try:
        return FigureReading.from_json(Path(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{Path(source).name} cannot be read", rule="must be a figure.json that read-figure wrote") from None


def draft_figure(reading: str | Path | FigureReading) -> dict[str, Any]:
    """What can be corrected in a reading, as JSON data with positions on the figure; see :class:`nextarm.figures.Adjustment`."""
    from nextarm.figures import draft

    return draft(saved_figure(reading)).model_dump(mode="json")


def adjust_figure(reading: str | Path | FigureReading, changes: Any) -> FigureReading:
    """The reading with corrections made by hand: ``changes`` is a file or data in the form of :func:`draft_figure`.

    The result goes on to :func:`reconstruct` like any other reading, and its trail says what was set by hand.
    """
    from nextarm.figures import adjust, read_adjustment

    return adjust(saved_figure(reading), read_adjustment(changes))


def figure_marks(changes: Any, *, reading: str | Path | FigureReading | None = None) -> Marks:
    """The marks with which :func:`read_figure` reads the figure again; ``changes`` as in :func:`adjust_figure`.

    With ``reading`` only what differs from it is marked. :class:`DataError` if ``changes`` are malformed, :class:`CallError`
    if an axis point has no value yet.
    """
    from nextarm.figures import marks_from, read_adjustment

    return marks_from(read_adjustment(changes), reading=None if reading is None else saved_figure(reading))


def figure_look(reading: FigureReading, *, height: float) -> list[dict[str, Any]]:
    """How each curve is drawn over its figure: arm, colour, the printed colour and dash, and the box of its name beside the line.

    The box is left, top, right, bottom in figure units for letters of ``height`` figure units; colours are those of overlay.png.
    """
    from nextarm.figures import colours_for, name_places

    names = name_places(reading, [0.56 * height * len(c.arm) for c in reading.curves], 1.3 * height)
    colours = colours_for([c.colour for c in reading.curves])
    return [
        {"arm": c.arm, "colour": colour, "printed": c.colour, "dash": c.dash, "name": [b.left, b.top, b.right, b.bottom]}
        for c, colour, b in zip(reading.curves, colours, names, strict=True)
    ]


def picture_figure(file: str | Path, *, page: int = 1) -> Picture:
    """The figure in a file as a PNG with its size in figure units; drawn in the locked child process."""
    from nextarm.figures import read_picture

    return read_picture(file, page=page)


def residuals(reading: FigureReading) -> dict[str, list[float]]:
    """Distance of each point of both axes from the axis' line, in pixels of the figure."""
    from nextarm.figures import residuals as run

    return {"x_axis": run(reading.x_axis), "y_axis": run(reading.y_axis)}


def figure_csv(reading: FigureReading) -> dict[str, str]:
    """The files ``curves.csv``, ``ticks.csv`` and ``at_risk.csv`` of a reading, as texts."""
    from nextarm.figures import files_of

    return {name: text for name, text in files_of(reading, b"").items() if name.endswith(".csv") and isinstance(text, str)}


def figure_about(reading: FigureReading, *, unit: str | None = None) -> str:
    """``about.json`` of a reading: unit of time (``unit`` where one is given) and how finely a picture was read; beside its CSV files."""
    import json

    from nextarm.figures import about_of

    return json.dumps(about_of(reading) | ({"unit": unit} if unit else {}), ensure_ascii=False) + "\n"


def saved_curve(texts: dict[str, str], *, files: tuple[str, ...] = ()) -> SavedCurve:
    """A curve as the texts of its files: ``curve`` and, where there are such, ``at_risk``, ``ticks``, ``given``, ``about``.

    It goes on to :func:`reconstruct`, as the path of its file ``NAME.curve.csv`` does; ``files`` are named in the trail.
    """
    from nextarm.patients.traced import SavedCurve

    return SavedCurve(**texts, files=files)


def reading_grade(curve: SavedCurve) -> str:
    """The grade of the reading of the figure that a saved curve comes from; "" where none is known."""
    from nextarm.patients.traced import reading_grade as run

    return run(curve)


def arm_tones(curve: SavedCurve) -> dict[str, int]:
    """The number of each arm's colour in the palette of charts, as on the Figure screen; {} for a curve that came from no figure."""
    from nextarm.patients.traced import arm_tones as run

    return run(curve)


def rebuilt_lines(reading: FigureReading, made: Reconstruction, *, unit: str | None = None) -> dict[str, list[tuple[float, float]]]:
    """The curve of the rebuilt patients of each arm as positions on the figure, to be drawn over what was read.

    ``unit`` is that of the figure's time axis where the figure does not say it.
    """
    from nextarm.patients.over_figure import rebuilt_lines as run

    return run(reading, made, unit=unit)


def check_changes(changes: Any) -> None:
    """Raise :class:`DataError` with everything that is malformed in ``changes`` (the form of :func:`draft_figure`)."""
    from nextarm.figures import read_adjustment

    read_adjustment(changes)
