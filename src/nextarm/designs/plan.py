"""The plan: one TOML file, data only, that says what a trial is to be.

``load_plan(path)`` reads it; everything that is wrong comes in one :class:`PlanError`, each problem with key path, line,
rule and cure. Scenarios, grids of assumptions and other designs to compare are laid over the plan's own tables
(:mod:`nextarm.designs.variants`).
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError

from nextarm.core.errors import CallError, PlanError, Problem
from nextarm.core.units import FloatArray
from nextarm.designs.accrual import Accrual
from nextarm.designs.design import DesignResult
from nextarm.designs.plan_checks import Places, problems_of_fields, problems_of_survival, problems_of_tables
from nextarm.designs.posterior import located
from nextarm.designs.registry import Design
from nextarm.designs.tables import (
    AccrualTable,
    ArmTable,
    CompareTable,
    GridTable,
    ReferenceTable,
    ScenarioTable,
    SolveTable,
    Table,
    TrialTable,
)
from nextarm.designs.toml_lines import KeyPath, key_lines
from nextarm.designs.toml_text import toml_text
from nextarm.designs.truths import Distribution, truths_from_specs
from nextarm.designs.variants import VARIANTS, compare_problems, grid_changes, grid_problems, merge, own_tables, scenario_problems, unsolved

if TYPE_CHECKING:
    from nextarm.designs.setting import Setting


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Plan(Table):
    """A whole plan. Build it with :func:`load_plan` or :func:`plan_from_data`, which check what pydantic alone cannot."""

    trial: TrialTable
    accrual: AccrualTable
    arms: Annotated[dict[str, ArmTable], Field(min_length=1)]
    design: Annotated[Design, Field(discriminator="kind")]
    reference: ReferenceTable | None = None
    solve: SolveTable | None = None
    scenario: Annotated[tuple[ScenarioTable, ...], BeforeValidator(_as_tuple)] = ()
    grid: Annotated[tuple[GridTable, ...], BeforeValidator(_as_tuple), Field(max_length=2)] = ()
    compare: Annotated[tuple[CompareTable, ...], BeforeValidator(_as_tuple), Field(max_length=3)] = ()

    _data: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def control(self) -> str:
        """The control arm: as ``[trial]`` says, else the arm called control, else the first."""
        return self.trial.control or ("control" if "control" in self.arms else next(iter(self.arms)))

    @property
    def experimental(self) -> str:
        """The arm under test: the first that is not the control (the only one in a one-arm plan)."""
        return next((name for name in self.arms if name != self.control), self.control)

    def truths(self) -> dict[str, Distribution]:
        """The survival truth of each arm that has one."""
        return dict(self.kept_truths)

    @cached_property
    def kept_truths(self) -> dict[str, Distribution]:
        """What :meth:`truths` gives, made once."""
        return truths_from_specs({name: arm.survival for name, arm in self.arms.items() if arm.survival})

    @cached_property
    def kept_settings(self) -> dict[tuple[float | None, float | None], Setting]:
        """What :func:`~nextarm.designs.setting.setting_of` has made of the plan."""
        return {}

    def accrual_model(self) -> Accrual:
        """Accrual of the whole trial, all arms together."""
        return self.accrual.accrual()

    def shares(self) -> dict[str, float]:
        """Each arm's share of the patients; they add up to 1."""
        total = sum(arm.allocation for arm in self.arms.values())
        return {name: arm.allocation / total for name, arm in self.arms.items()}

    def survival_at(self, time: float) -> dict[str, float]:
        """S(time) of each arm's truth."""
        at: FloatArray = _array(time)
        return {name: float(truth.survival(at)) for name, truth in self.truths().items()}

    def scenarios(self) -> tuple[tuple[str, Plan], ...]:
        """The plan's own truth first (called ``plan``), then each scenario: plans without scenarios and ``[solve]``."""
        return self.scenario_plans

    @cached_property
    def scenario_plans(self) -> tuple[tuple[str, Plan], ...]:
        """What :meth:`scenarios` gives, kept: checking the plans takes longer than simulating a block of trials."""
        own = own_tables(self._data)
        made = [("plan", plan_from_data(own))]
        for raw in self._data.get("scenario", ()):
            changes = {k: v for k, v in raw.items() if k != "name"}
            made.append((raw["name"], plan_from_data(merge(own, changes))))
        return tuple(made)

    def grid_cells(self) -> tuple[tuple[tuple[float, ...], Plan], ...]:
        """The values of the ``[[grid]]`` assumptions and the plan with them, the last grid moving fastest; () without a grid."""
        return self.kept_cells

    @cached_property
    def kept_cells(self) -> tuple[tuple[tuple[float, ...], Plan], ...]:
        """What :meth:`grid_cells` gives, kept."""
        own = own_tables(self._data)
        cells = itertools.product(*(table.values for table in self.grid)) if self.grid else ()
        return tuple((values, plan_from_data(merge(own, grid_changes(self.grid, values)))) for values in cells)

    def designs(self) -> tuple[tuple[str, Plan], ...]:
        """The plan itself (called ``plan``) and one plan for each ``[[compare]]``, with the same scenarios and grids."""
        shared = {k: v for k, v in unsolved(self._data).items() if k != "compare"}
        others = [(table.name, plan_from_data(shared | {"design": table.design})) for table in self.compare]
        return (("plan", plan_from_data(shared)), *others)

    def changed(self, changes: Mapping[str, Any]) -> Plan:
        """A new plan with ``changes`` (nested like the file) laid over this one; checked as a file would be."""
        return plan_from_data(merge(self._data, changes))

    def without(self, *keys: str) -> Plan:
        """A new plan without some keys, each written as a path (``design.events``); unknown ones are no matter."""
        data = deepcopy(unsolved(self._data) if "solve" in keys else self._data)
        for key in keys:
            *tables, last = key.split(".")
            here: Any = data
            for name in tables:
                here = here.get(name, {})
            here.pop(last, None)
        return plan_from_data(data)

    def evaluate(self) -> DesignResult:
        """What the design can do, or what ``[solve]`` asks for."""
        return self.design.evaluate(self)

    def to_data(self) -> dict[str, Any]:
        """The plan as plain data, as it was given."""
        return deepcopy(self._data)

    def to_toml(self) -> str:
        """The plan as TOML text; :func:`plan_from_toml` reads it back equal."""
        return toml_text(self._data) + "\n"


def load_plan(path: str | Path) -> Plan:
    """Read the plan file ``path``; :class:`PlanError` lists everything that is wrong with it."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PlanError(f"there is no file {file}", cure="Give the path of a plan in TOML") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or "cannot be read")
        raise PlanError(f"{file} cannot be read", rule=str(reason)) from None
    return plan_from_toml(text, name=file.name, folder=file.parent)


def plan_from_toml(text: str, *, name: str = "plan.toml", folder: Path | None = None) -> Plan:
    """Read a plan from TOML ``text``; ``name`` is what messages call it, files it names are looked for in ``folder``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{name} is not TOML", rule=str(error)) from None
    if folder is not None:
        data = located(data, folder)
    return plan_from_data(data, name=name, lines=key_lines(text))


def plan_from_data(data: Mapping[str, Any], *, name: str = "the plan", lines: Mapping[KeyPath, int] | None = None) -> Plan:
    """Make a plan from nested data as ``tomllib`` gives it."""
    places = Places(name, lines or {})
    raw = deepcopy(dict(data))
    plan, problems = _checked(raw, places)
    if any(key in raw for key in VARIANTS):
        broken = bool(problems)

        def check(data: dict[str, Any], where: Places) -> list[Problem]:
            return [] if broken else _checked(data, where)[1]

        problems += scenario_problems(raw, places, check)
        problems += grid_problems(raw, places, check)
        problems += compare_problems(raw, places, check, sound=not problems)
    if problems or plan is None:
        raise PlanError(problems=problems)
    plan._data = raw
    return plan


def _checked(raw: dict[str, Any], places: Places) -> tuple[Plan | None, list[Problem]]:
    problems: list[Problem] = []
    plan = None
    try:
        plan = Plan.model_validate(raw)
    except ValidationError as error:
        problems += problems_of_fields(error, raw, Plan, places)
    sound = _survival_problems(raw, problems, places)
    if plan is not None and sound:
        problems += problems_of_tables(plan, places)
    return plan, problems


def _survival_problems(raw: Mapping[str, Any], problems: list[Problem], places: Places) -> bool:
    """Check each truth by itself, so that one bad arm does not hide another; True if all are sound."""
    arms = raw.get("arms")
    tables = arms.items() if isinstance(arms, Mapping) else ()
    before = len(problems)
    for key in ("survival", "relapse", "death"):
        specs = {n: a[key] for n, a in tables if isinstance(a, Mapping) and isinstance(a.get(key), Mapping)}
        so_far = len(problems)
        for name, spec in specs.items():
            if "of" not in spec:
                problems += _truth_problems({name: spec}, f"arms.{{}}.{key}", places)
        if len(problems) == so_far:  # a bad base would be named again by every arm that refers to it
            problems += _truth_problems(specs, f"arms.{{}}.{key}", places)
    reference = raw.get("reference")
    if isinstance(reference, Mapping) and isinstance(reference.get("survival"), Mapping):
        problems += _truth_problems({"reference": reference["survival"]}, "reference.survival", places)
    return len(problems) == before


def _truth_problems(specs: Mapping[str, Mapping[str, Any]], path: str, places: Places) -> list[Problem]:
    try:
        truths_from_specs(specs, path=path)
    except CallError as error:
        return problems_of_survival(error, places)
    return []


def _array(value: float) -> FloatArray:
    import numpy as np

    return np.asarray(value, np.float64)
