"""``report.toml`` of a study: which questions its report answers. Without the file, what the study's own rows suggest.

::

    title = "Our next trial"
    trials = 20000

    [[pool]]
    pool_set = "frontline-kmt2a-r"
    endpoint = "EFS"
    time = 5
    window = 1

    [[prior]]
    arms = ["blin"]
    endpoint = "DFS"
    time = 4
    robust = 0.2
    control = "interfant-06-histctrl"

    [[comparison]]
    treated = { patients = "ours", unit = "years", origin = "diagnosis" }
    control = { curve = "trial-x", arm = "Control", unit = "months", origin = "diagnosis" }
    endpoint = "EFS"
    times = [2, 3]
    drift = "frontline-kmt2a-r"

    [[curve]]
    name = "trial-x"
    unit = "months"
    models = ["mixture-cure:weibull"]
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from nextarm.core.errors import DataError
from nextarm.designs.plan_checks import Places, problems_of_fields
from nextarm.designs.toml_lines import key_lines
from nextarm.designs.toml_text import toml_text
from nextarm.evidence.schema import TIME_ORIGINS

FILE = "report.toml"
Unit = Literal["years", "months", "weeks", "days"]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
#: A file of the folder ``curves``, without what follows its name.
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
Years = Annotated[float, Field(gt=0.0, le=50.0)]


class Table(BaseModel):
    """A table of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PoolAsked(Table):
    """A question of the synthesis."""

    pool_set: str
    endpoint: str = "EFS"
    time: Annotated[float | None, Field(gt=0.0, le=50.0)] = None
    window: Annotated[float, Field(ge=0.0, le=20.0)] = 0.0
    margin: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05
    measure: str = "cloglog"
    method: str = "reml"
    interval: str = "ad-hoc"
    assume_origin: bool = False
    without: Words = ()


class PriorAsked(Table):
    """A prior from arms, and the historical control that the first of them is compared with."""

    arms: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    endpoint: str
    time: Annotated[float, Field(gt=0.0, le=50.0)]
    robust: Annotated[float, Field(ge=0.0, le=0.95)] = 0.2
    tau: str = "half-normal"
    tau_scale: Annotated[float, Field(gt=0.0, le=5.0)] = 0.3
    assume_origin: bool = False
    control: str = ""


class GroupAsked(Table):
    """A group of a comparison: a ``curve`` of the folder ``curves`` or ``patients`` given there, and how to read it."""

    curve: Name | None = None
    patients: Name | None = None
    arm: str = ""
    unit: Unit
    origin: str = "not-stated"
    n: Annotated[int | None, Field(ge=1, le=100_000)] = None
    landmark: Years | None = None

    @model_validator(mode="after")
    def _one_source(self) -> GroupAsked:
        if (self.curve is None) == (self.patients is None):
            raise PydanticCustomError("rule", "must name a curve or patients of the folder curves, one of the two", {})
        if self.origin not in TIME_ORIGINS:
            raise PydanticCustomError("rule", f"origin must be one of {', '.join(TIME_ORIGINS)}", {})
        return self


class ComparisonAsked(Table):
    """Patients against patients: a comparison with a historical control unless both are arms of one curve."""

    treated: GroupAsked
    control: GroupAsked
    endpoint: Annotated[str, Field(min_length=1, max_length=40)] = "EFS"
    times: Annotated[tuple[Years, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=4)]
    drift: str = ""
    cure: bool = False
    assume_origin: bool = False
    adjust: Words = ()


class CurveAsked(Table):
    """A curve of the folder ``curves``: the unit of its times, and the models drawn beside it."""

    name: Name
    unit: Unit
    n: Annotated[int | None, Field(ge=1, le=100_000)] = None
    models: Words = ("mixture-cure:weibull",)


class ReportAsked(Table):
    """What the report of a study is to hold; ``None`` where nothing was asked and the study's own rows decide."""

    title: str = ""
    trials: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    pool: Annotated[tuple[PoolAsked, ...], BeforeValidator(_as_tuple), Field(max_length=12)] = ()
    prior: Annotated[tuple[PriorAsked, ...], BeforeValidator(_as_tuple), Field(max_length=12)] = ()
    comparison: Annotated[tuple[ComparisonAsked, ...], BeforeValidator(_as_tuple), Field(max_length=12)] = ()
    curve: Annotated[tuple[CurveAsked, ...], BeforeValidator(_as_tuple), Field(max_length=30)] = ()

    def to_toml(self) -> str:
        """The file's text; what is as by default is left out."""
        return toml_text(self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)) + "\n"


def read_asked(folder: Path) -> ReportAsked:
    """Read ``report.toml`` of a study (none: nothing was asked); :class:`DataError` with every problem, file and line."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ReportAsked()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{FILE} cannot be read as UTF-8 text") from None
    return asked_of(text)


def asked_of(text: str) -> ReportAsked:
    """``report.toml`` from its text."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{FILE} is not TOML", rule=str(error)) from None
    try:
        return ReportAsked.model_validate(data)
    except ValidationError as error:
        raise DataError(problems=problems_of_fields(error, data, ReportAsked, Places(FILE, key_lines(text)))) from None
