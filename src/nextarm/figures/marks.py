"""Marks made by hand: what a user can tell the reader when it refuses, as a small JSON file.

Positions are those of :mod:`nextarm.figures.reading`. Every field may be left out; what is left out is read from the figure.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nextarm.core.errors import DataError, Problem
from nextarm.figures.axis_points import wrong_points

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]
Region = tuple[Number, Number, Number, Number]
LARGEST = 100_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AxisPoint(_Strict):
    """A position along one axis and the value there (for percent axes: the printed value, such as 75)."""

    pixel: Number
    value: Number


class CurveMark(_Strict):
    """A curve to read: its colour (#rrggbb), its name, its dash, one or more points (x, y) on it."""

    arm: Annotated[str, Field(max_length=200)] | None = None
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    dash: Literal["solid", "dashed", "dotted", "dash-dotted"] | None = None
    points: Annotated[tuple[tuple[Number, Number], ...], Field(max_length=1000)] = ()


class Marks(_Strict):
    """What was marked by hand.

    ``region`` and ``exclude`` are left, top, right, bottom: the panel between the axes, and places that hold no curve.
    ``x_axis`` and ``y_axis`` are at least two points each; ``percent`` and ``upward`` (1 - S drawn) settle a doubt.
    """

    format: Literal["nextarm-figure-marks"] = "nextarm-figure-marks"
    version: Literal[1] = 1
    region: Region | None = None
    exclude: Annotated[tuple[Region, ...], Field(max_length=100)] = ()
    x_axis: Annotated[tuple[AxisPoint, ...], Field(max_length=100)] = ()
    y_axis: Annotated[tuple[AxisPoint, ...], Field(max_length=100)] = ()
    time_unit: Literal["years", "months", "weeks", "days"] | None = None
    percent: bool | None = None
    upward: bool | None = None
    curves: Annotated[tuple[CurveMark, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for name, points in (("x_axis", self.x_axis), ("y_axis", self.y_axis)):
            for problem in wrong_points(name, [(p.pixel, p.value) for p in points], rising=name == "x_axis"):
                raise ValueError(str(problem))
        for region in (*((self.region,) if self.region else ()), *self.exclude):
            if not (region[0] < region[2] and region[1] < region[3]):
                raise ValueError(f"region {list(region)} must be left, top, right, bottom with left < right and top < bottom")
        return self


def load_marks(path: str | Path) -> Marks:
    """Read a marks file; :class:`DataError` lists everything that is wrong with it."""
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"{name} cannot be read", rule=error.strerror or type(error).__name__) from None
    if len(raw) > LARGEST:
        raise DataError(f"{name} is too large", rule=f"at most {LARGEST:,} bytes")
    try:
        data = json.loads(raw.decode("utf-8"))
        return Marks.model_validate(data)
    except UnicodeDecodeError:
        raise DataError(f"{name} is not a text file", rule="must be JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{name} is not JSON", where=f"line {error.lineno}", rule=error.msg) from None
    except RecursionError:
        raise DataError(f"{name} is nested too deeply", rule="must be a marks file") from None
    except ValidationError as error:
        raise DataError(
            problems=[
                Problem(".".join(map(str, e["loc"])) or "the file", name, e["msg"].removeprefix("Value error, ")) for e in error.errors()
            ]
        ) from None


def dump_marks(marks: Marks) -> str:
    """The marks as JSON, every field shown, so that it can be edited."""
    return json.dumps(marks.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
