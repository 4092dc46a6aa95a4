"""A curve that was read from a figure, or saved, with what is known beside it: the one form from which its patients are rebuilt.

A reading, the files that ``read-figure`` writes and a curve in a study's folder of curves all become a :class:`Traced`, so that
the same curve gives the same patients from wherever it comes. How finely a picture was read stands in ``about.json`` beside the
curve::

    {"unit": "months", "read_from": "figure", "grade": "B", "colours": {"Control": "#d62728"},
     "picture": {"lowest": 0.0, "latest": 61.2, "arms": {"Control": {"time": 0.05, "survival": 0.002}}}}
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextarm.core.errors import DataError, unreadable
from nextarm.figures import PALETTE, FigureReading, about_of, at_risk_columns, colours_for, curve_columns, tick_columns, unquoted

#: Files of a curve: what follows its name in a study's folder of curves, and their names among those that ``read-figure`` writes.
#: What follows the name of patients that were given, beside the curves.
PATIENTS = ".patients.csv"
ENDINGS = {"curve": ".curve.csv", "at_risk": ".at-risk.csv", "ticks": ".ticks.csv", "given": ".given.csv", "about": ".about.json"}
READ_FILES = {"curve": "curves.csv", "at_risk": "at_risk.csv", "ticks": "ticks.csv", "about": "about.json"}

Columns = dict[str, list[Any]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Fineness(_Part):
    """Half-widths to which an arm is known: ``time`` in the unit of the curve, ``survival`` as a proportion."""

    time: Annotated[float, Field(gt=0.0)]
    survival: Annotated[float, Field(ge=0.0, lt=0.5)]


class Picture(_Part):
    """What a picture shows: the lowest survival and the latest time of its axes, and how finely each arm was read."""

    lowest: Annotated[float, Field(ge=0.0, lt=1.0)]
    latest: Annotated[float, Field(gt=0.0)]
    arms: Annotated[dict[str, Fineness], Field(min_length=1)]


class About(_Part):
    """``about.json``: the unit of times, and where the curve was read from a figure, that it was, the grade, its colours, how finely."""

    unit: Literal["years", "months", "weeks", "days"] | None = None
    read_from: Literal["figure"] | None = None
    grade: Literal["A", "B", "C", "D"] | None = None
    colours: dict[str, Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]] = {}
    picture: Picture | None = None


@dataclass(frozen=True)
class SavedCurve:
    """A saved curve as the texts of its files, "" where there is none; ``files`` are the paths they were read from."""

    curve: str
    at_risk: str = ""
    ticks: str = ""
    given: str = ""
    about: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traced:
    """Columns of a curve, its table and its marks (None where there is none), printed patients and events, and what is about it."""

    curve: Columns
    at_risk: Columns | None = None
    ticks: Columns | None = None
    printed: dict[str, dict[str, int]] = field(default_factory=dict)
    about: About = field(default_factory=About)
    inputs: tuple[str, ...] = ()


def saved_curve(path: str | Path) -> SavedCurve | None:
    """The curve of which ``path`` is the file of points, with the files saved beside it; None for any other file.

    Such is ``NAME.curve.csv`` of a study, and ``curves.csv`` with an ``about.json`` beside it as ``read-figure`` writes them.
    """
    path = Path(path)
    if path.name.endswith(ENDINGS["curve"]):
        stem = path.name.removesuffix(ENDINGS["curve"])
        files = {part: path.with_name(stem + ending) for part, ending in ENDINGS.items()}
    elif path.name == READ_FILES["curve"] and path.with_name(READ_FILES["about"]).is_file():
        files = {part: path.with_name(name) for part, name in READ_FILES.items()}
    else:
        return None
    there = {part: file for part, file in files.items() if file.is_file()}
    try:
        texts = {part: file.read_text(encoding="utf-8-sig") for part, file in there.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if "curve" not in texts:
        raise DataError(f"{path} is missing", rule="curve must be a CSV file", cure="Check the path")
    return SavedCurve(**texts, files=tuple(map(str, there.values())))


def traced_of(source: FigureReading | SavedCurve) -> Traced:
    """The columns of a reading or of a saved curve; :class:`DataError` for a file that cannot be."""
    if isinstance(source, FigureReading):
        table, ticks = at_risk_columns(source.curves), tick_columns(source.curves)
        about = About.model_validate(about_of(source))
        return Traced(curve_columns(source.curves), table if table["arm"] else None, ticks if ticks["arm"] else None, about=about)
    printed: dict[str, dict[str, int]] = {}
    given = _columns(source.given, "given")
    for what in ("n", "events"):
        for arm, value in zip(given.get("arm", ()), given.get(what, ()), strict=False):
            if value:
                printed.setdefault(what, {})[arm] = _whole(value, f"{what} of {arm}")
    curve = _columns(source.curve, "curve")
    if "arm" not in curve:  # one arm without a name
        printed = {what: {"all": next(iter(values.values()))} for what, values in printed.items()}
    risk, marks = _columns(source.at_risk, "at_risk") or None, _columns(source.ticks, "ticks") or None
    return Traced(curve, risk, marks, printed, _about(source.about), source.files)


def arm_tones(curve: SavedCurve | None) -> dict[str, int]:
    """The number (from 1) of each arm's colour in the palette of charts, as the Figure screen draws it; {} where none is known."""
    colours = {} if curve is None else _about(curve.about).colours
    near = colours_for(list(colours.values()))
    return {arm: PALETTE.index(colour) + 1 for arm, colour in zip(colours, near, strict=True)}


def reading_grade(curve: SavedCurve | None) -> str:
    """The grade of the reading of the figure that a saved curve comes from; "" where none is known."""
    return "" if curve is None else _about(curve.about).grade or ""


def _about(text: str) -> About:
    try:
        return About.model_validate_json(text) if text.strip() else About()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        cure = "Rebuild the patients on the Figure screen once more, which writes it anew"
        raise DataError(f"about.json of the curve: {where}", rule=first["msg"].lower(), cure=cure) from None


def _columns(text: str, what: str) -> Columns:
    """The columns of a CSV file by name, as texts, none of a file without rows; an arm kept from being a formula has its name back."""
    if "\0" in text:
        raise DataError(f"{what} is not a CSV file", rule="must be a UTF-8 text file")
    rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        return {}
    head = [name.strip().lower() for name in rows[0]]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            raise DataError(f"{len(row)} values", where=f"{what}, row {number}", rule=f"must have {len(head)} like the header")
    columns = {name: [row[k].strip() for row in rows[1:]] for k, name in enumerate(head)}
    return columns | ({"arm": [unquoted(arm) for arm in columns["arm"]]} if "arm" in columns else {})


def _whole(value: str, what: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise DataError(f"{what} = {value[:40]!r}", rule="must be a whole number") from None
