"""The tables of a plan file, except ``[design]``: what may stand in them, with units and domains.

Numbers are checked here one by one; what must hold between tables is checked in ``plan_checks.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nextarm.core.errors import CallError
from nextarm.designs.accrual import Accrual, constant_accrual, ramp_accrual, stepped_accrual


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def unit(words: str) -> dict[str, Any]:
    """Mark a field with its unit, for messages and forms."""
    return {"unit": words}


Numbers = Annotated[tuple[float, ...], BeforeValidator(_as_tuple)]
Proportion = Annotated[float, Field(gt=0.0, lt=1.0, json_schema_extra=unit("proportion"))]
Years = Annotated[float, Field(gt=0.0, json_schema_extra=unit("years"))]


class Table(BaseModel):
    """Base of all plan tables: frozen, strict types, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class TrialTable(Table):
    """``[trial]``: what the trial is called and estimates."""

    name: Annotated[str, Field(min_length=1, description="What the trial is called in reports")]
    endpoint: Annotated[str, Field(min_length=1, description="EFS, OS, DFS, CIR, ... as the glossary defines them")]
    milestone: Annotated[Years, Field(description="The time at which S(t) is read; effects of a scenario are matched here")]
    population: Annotated[str, Field(description="Who may enter: a part of the estimand")] = ""
    time_origin: Annotated[str, Field(description="From when time is counted")] = "randomisation"
    intercurrent: Annotated[
        str, Field(description="What transplantation in first remission, or CAR-T cells for MRD, does to the end point")
    ] = ""
    control: Annotated[str | None, Field(description="The control arm; default: the arm called control, else the first")] = None


class AccrualTable(Table):
    """``[accrual]``: patients a year, for how long, follow-up and dropout."""

    rate: Annotated[float | None, Field(gt=0.0, json_schema_extra=unit("patients a year"))] = None
    rates: Annotated[
        Numbers | None, Field(description="Patients a year in steps, one more than cuts", json_schema_extra=unit("patients a year"))
    ] = None
    cuts: Annotated[Numbers | None, Field(description="Years at which the rate steps", json_schema_extra=unit("years"))] = None
    ramp: Annotated[float | None, Field(gt=0.0, description="Years over which the rate rises from 0", json_schema_extra=unit("years"))] = (
        None
    )
    duration: Annotated[Years, Field(description="Years from the first to the last patient")]
    follow_up: Annotated[float, Field(ge=0.0, description="Years after the last patient", json_schema_extra=unit("years"))]
    dropout_hazard: Annotated[float, Field(ge=0.0, description="A hazard, not a proportion", json_schema_extra=unit("a year"))] = 0.0

    @model_validator(mode="after")
    def _one_kind(self) -> AccrualTable:
        if (self.rate is None) == (self.rates is None):
            given = "neither rate nor rates" if self.rate is None else "both rate and rates"
            raise PydanticCustomError("rule", "exactly one of the two must be given", {"table": f"accrual has {given}"})
        if self.ramp is not None and self.rates is not None:
            raise PydanticCustomError("rule", "a ramp goes with one rate", {"table": "accrual has both ramp and rates"})
        if self.cuts is not None and self.rates is None:
            raise PydanticCustomError("rule", "cuts go with rates", {"table": "accrual has cuts without rates"})
        try:
            self.accrual()
        except CallError as error:
            p = error.problems[0]
            raise PydanticCustomError("rule", "{rule}", {"table": f"accrual.{p.what}", "rule": p.rule, "cure": p.cure}) from None
        return self

    def accrual(self) -> Accrual:
        """The accrual record these numbers describe; :class:`CallError` if they contradict each other."""
        if self.rates is not None:
            return stepped_accrual(
                rates=self.rates,
                cuts=self.cuts or (),
                duration=self.duration,
                follow_up=self.follow_up,
                dropout_hazard=self.dropout_hazard,
            )
        assert self.rate is not None  # one of the two is there
        if self.ramp is not None:
            return ramp_accrual(
                rate=self.rate,
                ramp=self.ramp,
                duration=self.duration,
                follow_up=self.follow_up,
                dropout_hazard=self.dropout_hazard,
            )
        return constant_accrual(rate=self.rate, duration=self.duration, follow_up=self.follow_up, dropout_hazard=self.dropout_hazard)


class ArmTable(Table):
    """``[arms.NAME]``: the arm's share of the patients and its survival truth."""

    allocation: Annotated[float, Field(gt=0.0, description="Relative share of the patients", json_schema_extra=unit("parts"))] = 1.0
    survival: Annotated[dict[str, Any], Field(description="A survival model, or { hazard_ratio = ..., of = ARM }")]


class ReferenceTable(Table):
    """``[reference]``: what a one-arm trial is compared with, and how well that is known.

    One of ``survival`` (a model), ``milestone_survival`` (S at the milestone) and ``row`` (an evidence row); and one of
    ``fixed = true``, ``se``, ``n`` (patients whose complete follow-up would give this precision) - a row brings its own.
    """

    survival: Annotated[dict[str, Any] | None, Field(description="A survival model")] = None
    milestone_survival: Annotated[Proportion | None, Field(description="S of the reference at the milestone")] = None
    row: Annotated[str | None, Field(description="An evidence row, PACKAGE:OUTCOME_ID")] = None
    fixed: Annotated[bool, Field(description="Known without error: must be said, never assumed")] = False
    se: Annotated[
        float | None, Field(gt=0.0, lt=0.5, description="Standard error of S at the milestone", json_schema_extra=unit("proportion"))
    ] = None
    n: Annotated[float | None, Field(gt=0.0, description="Patients with complete follow-up", json_schema_extra=unit("patients"))] = None
    drift: Annotated[Numbers, Field(description="Changes of the control's S to show", json_schema_extra=unit("proportion"))] = (
        0.0,
        0.05,
        0.10,
    )


class SolveTable(Table):
    """``[solve]``: what to solve for, all else as the plan says."""

    for_: Annotated[Literal["events", "n", "power", "effect", "duration"], Field(alias="for")]
    power: Annotated[Proportion, Field(description="The power to reach; not used for = 'power'")] = 0.8


class ScenarioTable(Table):
    """``[[scenario]]``: another truth; its tables are laid over the plan's own."""

    name: Annotated[str, Field(min_length=1)]
    arms: Annotated[dict[str, dict[str, Any]], Field(description="Changes of arms, by name")] = Field(default_factory=dict)
    accrual: Annotated[dict[str, Any], Field(description="Changes of the accrual table")] = Field(default_factory=dict)
