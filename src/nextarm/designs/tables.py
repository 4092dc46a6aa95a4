"""The tables of a plan file, except ``[design]``: what may stand in them, with units and domains.

Numbers are checked here one by one; what must hold between tables is checked in ``plan_checks.py``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nextarm.core.errors import CallError
from nextarm.designs.accrual import Accrual, constant_accrual, ramp_accrual, stepped_accrual, together


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def unit(words: str) -> dict[str, Any]:
    """Mark a field with its unit, for messages and forms."""
    return {"unit": words}


Numbers = Annotated[tuple[float, ...], BeforeValidator(_as_tuple)]
Proportion = Annotated[float, Field(gt=0.0, lt=1.0, json_schema_extra=unit("proportion"))]
#: A truth may be that nobody has it, or everybody.
Share = Annotated[float, Field(ge=0.0, le=1.0, json_schema_extra=unit("proportion"))]
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
        str, Field(description="What intercurrent events, such as transplantation in first remission, do to the end point")
    ] = ""
    control: Annotated[str | None, Field(description="The control arm; default: the arm called control, else the first")] = None


class AccrualGroup(Table):
    """``[[accrual.groups]]``: countries that open together: patients a year from ``opens`` on, rising over ``ramp`` years."""

    name: Annotated[str, Field(min_length=1)]
    rate: Annotated[float, Field(gt=0.0, json_schema_extra=unit("patients a year"))]
    opens: Annotated[float, Field(ge=0.0, description="Years after the first patient", json_schema_extra=unit("years"))] = 0.0
    ramp: Annotated[float | None, Field(gt=0.0, description="Years over which the rate rises from 0", json_schema_extra=unit("years"))] = (
        None
    )


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
    dropout_hazards: Annotated[
        Numbers | None, Field(description="Hazards in steps, one more than dropout_cuts", json_schema_extra=unit("a year"))
    ] = None
    dropout_cuts: Annotated[
        Numbers | None, Field(description="Years after a patient's entry at which dropout steps", json_schema_extra=unit("years"))
    ] = None
    hazard_trend: Annotated[
        float, Field(ge=-2.0, le=2.0, description="platform: change of every log hazard a year of entry", json_schema_extra=unit("a year"))
    ] = 0.0
    groups: Annotated[
        tuple[AccrualGroup, ...] | None, BeforeValidator(_as_tuple), Field(description="Groups of countries opening at different times")
    ] = None

    @model_validator(mode="after")
    def _one_kind(self) -> AccrualTable:
        given = [name for name in ("rate", "rates", "groups") if getattr(self, name) is not None]
        if len(given) != 1:
            words = {0: "neither rate nor rates nor groups", 2: f"both {' and '.join(given)}"}.get(len(given), " and ".join(given))
            raise PydanticCustomError("rule", "exactly one of rate, rates, groups must be given", {"table": f"accrual has {words}"})
        if self.ramp is not None and self.rate is None:
            raise PydanticCustomError("rule", "a ramp goes with one rate", {"table": f"accrual has both ramp and {given[0]}"})
        if self.cuts is not None and self.rates is None:
            raise PydanticCustomError("rule", "cuts go with rates", {"table": "accrual has cuts without rates"})
        if self.dropout_cuts is not None and self.dropout_hazards is None:
            raise PydanticCustomError("rule", "dropout_cuts go with dropout_hazards", {"table": "accrual has dropout_cuts alone"})
        if self.dropout_hazards is not None and "dropout_hazard" in self.model_fields_set:
            raise PydanticCustomError("rule", "give one of the two", {"table": "accrual has both dropout_hazard and dropout_hazards"})
        try:
            self.accrual()
        except CallError as error:
            p = error.problems[0]
            raise PydanticCustomError("rule", "{rule}", {"table": f"accrual.{p.what}", "rule": p.rule, "cure": p.cure}) from None
        return self

    def accrual(self) -> Accrual:
        """The accrual record these numbers describe; :class:`CallError` if they contradict each other."""
        made = self._entries()
        return made if self.dropout_hazards is None else made.dropping(self.dropout_hazards, self.dropout_cuts or ())

    def _entries(self) -> Accrual:
        ends = {"duration": self.duration, "follow_up": self.follow_up, "dropout_hazard": self.dropout_hazard}
        if self.groups is not None:
            return together(tuple((g.opens, self._group(g)) for g in self.groups))
        if self.rates is not None:
            return stepped_accrual(rates=self.rates, cuts=self.cuts or (), **ends)
        assert self.rate is not None  # one of the three is there
        return constant_accrual(rate=self.rate, **ends) if self.ramp is None else ramp_accrual(rate=self.rate, ramp=self.ramp, **ends)

    def _group(self, group: AccrualGroup) -> Accrual:
        if group.opens >= self.duration:
            raise CallError(
                f"groups {group.name!r} opens = {group.opens:g}", rule=f"must come before the accrual ends at {self.duration:g} years"
            )
        ends = {"duration": self.duration - group.opens, "follow_up": self.follow_up, "dropout_hazard": self.dropout_hazard}
        return constant_accrual(rate=group.rate, **ends) if group.ramp is None else ramp_accrual(rate=group.rate, ramp=group.ramp, **ends)


class ArmTable(Table):
    """``[arms.NAME]``: the arm's share of the patients and its truths, those that the design looks at."""

    allocation: Annotated[float, Field(gt=0.0, description="Relative share of the patients", json_schema_extra=unit("parts"))] = 1.0
    survival: Annotated[dict[str, Any], Field(description="A survival model, or { hazard_ratio = ..., of = ARM }")] = Field(
        default_factory=dict
    )
    relapse: Annotated[dict[str, Any], Field(description="competing-events: time to relapse by its own hazard, as survival")] = Field(
        default_factory=dict
    )
    death: Annotated[dict[str, Any], Field(description="competing-events: time to death without relapse, as survival")] = Field(
        default_factory=dict
    )
    opens: Annotated[
        float, Field(ge=0.0, description="platform: opens so long after the first patient", json_schema_extra=unit("years"))
    ] = 0.0
    salvage: Annotated[
        float | None,
        Field(ge=0.0, le=1.0, description="Alive for good after an event; default: the design's", json_schema_extra=unit("proportion")),
    ] = None
    opens_after: Annotated[str | None, Field(description="platform: opens after this arm (opens_when says after what)")] = None
    opens_when: Annotated[
        Literal["closed", "dropped", "declared", "decided"],
        Field(description="platform: the arm of opens_after has closed, was dropped, was declared better, or is decided either way"),
    ] = "closed"
    opens_at_events: Annotated[
        int | None, Field(ge=1, description="platform: opens when so many events are seen in all arms", json_schema_extra=unit("events"))
    ] = None
    response: Annotated[Share | None, Field(description="Probability of the response read at the milestone")] = None
    toxicity: Annotated[Share | None, Field(description="Probability of the toxic event read at the milestone")] = None


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
    n: Annotated[float | None, Field(ge=1.0, description="Patients with complete follow-up", json_schema_extra=unit("patients"))] = None
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


class GridTable(Table):
    """``[[grid]]``: one assumption that takes several values; two of them span a map of truths."""

    key: Annotated[str, Field(min_length=1, description="A number under arms or accrual, such as arms.new.survival.cure_fraction")]
    values: Annotated[Numbers, Field(min_length=2, description="The values it takes, rising")]
    name: Annotated[str, Field(description="What the assumption is called on charts; default: the key's last part")] = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The key, part by part."""
        return tuple(self.key.split("."))

    @property
    def label(self) -> str:
        """What charts and tables call the assumption."""
        return self.name or self.path[-1].replace("_", " ")


class CompareTable(Table):
    """``[[compare]]``: another design for the same patients, looked at beside the plan's own."""

    name: Annotated[str, Field(min_length=1)]
    design: Annotated[dict[str, Any], Field(description="A whole [design] table")]
