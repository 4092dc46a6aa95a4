"""What section 6 computes from its plan: formulas, virtual trials under several truths, other designs, maps of assumptions.

Everything simulated is seeded, so that the report can be made again to the digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from nextarm.core.trail import Trail
from nextarm.designs import DesignResult, Plan, plan_from_data, plan_from_toml
from nextarm.simulation import OperatingCharacteristics, simulate
from nextarm.simulation.characteristics import Rate
from nextarm.simulation.finite_sample import FiniteSampleError, finite_sample_error

PLAN_FILE = "plan.toml"
SEED = 20261123
#: Virtual trials under each truth, in each cell of a map, and for the true type I error.
TRIALS, CELL_TRIALS, ERROR_TRIALS = 10_000, 2_048, 50_000
TARGET_POWER = 0.8
PROPORTIONAL, NULL = "same S at the milestone, proportional hazards", "no effect"
#: Grids of assumptions: cure fraction of the control, gain in cure fraction, infants a year.
CONTROL_CURES = (0.50, 0.55, 0.60, 0.65, 0.70)
GAINS = (0.05, 0.10, 0.15, 0.20, 0.25)
CURVE_GAINS = (0.0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
RATES = (30.0, 45.0, 60.0, 90.0, 120.0)


@dataclass(frozen=True)
class Compared:
    """Another design for the same infants: in words, by formula, and simulated under the plan's truth and the null."""

    words: str
    result: DesignResult
    simulated: OperatingCharacteristics


@dataclass(frozen=True)
class Cell:
    """Power of the plan with one analysis at the end, under changed assumptions: by formula and simulated."""

    formula: float
    simulated: Rate
    trail: Trail


@dataclass(frozen=True)
class Designs:
    """The worked plan and what was computed from it; ``formula`` holds the planned design's power under each truth."""

    plan: Plan
    worked: DesignResult
    fixed: DesignResult
    detectable: DesignResult
    needed: DesignResult
    simulated: OperatingCharacteristics
    formula: dict[str, DesignResult]

    @cached_property
    def compared(self) -> tuple[Compared, ...]:
        """The planned design and three others for the same infants."""
        return compare(self.plan)

    @cached_property
    def error(self) -> FiniteSampleError:
        """The true type I error of the planned design at its size."""
        return finite_sample_error(self.plan.without("scenario", "solve"), trials=ERROR_TRIALS, seed=SEED)


def plan_text() -> str:
    """The plan of section 6, as it is shipped with the study."""
    return files("nextarm.studies.infant_all").joinpath(PLAN_FILE).read_text(encoding="utf-8")


def shipped_plan() -> Plan:
    """The shipped plan, read."""
    return plan_from_toml(plan_text(), name=PLAN_FILE)


def work_out(plan: Plan) -> Designs:
    """Evaluate and simulate ``plan``; the sizes needed come from the same truths with one analysis."""

    def fixed(solve: str | None = None) -> DesignResult:
        made = one_analysis(plan)
        return (made.changed({"solve": {"for": solve, "power": TARGET_POWER}}) if solve else made).evaluate()

    ratio = fixed()
    assert ratio.hazard_ratio_at_milestone is not None  # two arms
    proportional = {
        "name": PROPORTIONAL,
        "arms": {plan.experimental: {"survival": {"of": plan.control, "hazard_ratio": ratio.hazard_ratio_at_milestone}}},
    }
    data = plan.to_data()
    truths = plan_from_data(data | {"scenario": [proportional, *data.get("scenario", ())]})
    return Designs(
        plan=plan,
        worked=plan.evaluate(),
        fixed=ratio,
        detectable=fixed("effect"),
        needed=fixed("duration"),
        simulated=simulate(truths, trials=TRIALS, seed=SEED),
        formula={name: scenario.evaluate() for name, scenario in truths.scenarios()},
    )


def one_analysis(plan: Plan) -> Plan:
    """The plan with one log-rank test at the end of follow-up, and nothing else."""
    own = plan.without("scenario", "solve", "grid", "compare").to_data()
    return plan_from_data(own | {"design": {"kind": "log-rank", "alpha": plan.design.alpha}})


def compare(plan: Plan) -> tuple[Compared, ...]:
    """The planned design beside three others, each under the plan's truth and under no effect."""
    alpha, accrual = plan.design.alpha, plan.accrual
    times = [accrual.duration, accrual.duration + 0.5 * accrual.follow_up, accrual.duration + accrual.follow_up]
    yearly = {"kind": "group-sequential-log-rank", "alpha": alpha, "look_times": times, "futility_bounds": [0.0, 0.0]}
    milestone = f"{plan.trial.endpoint} at {plan.trial.milestone:g} years compared, at the end"
    others: list[dict[str, Any]] = [
        {"name": f"looks at {times[0]:g}, {times[1]:g} and {times[2]:g} years, stopped where the new arm is behind", "design": yearly},
        {"name": "one log-rank test at the end", "design": {"kind": "log-rank", "alpha": alpha}},
        {"name": milestone, "design": {"kind": "absolute-margin", "alpha": alpha, "margin": 0.0}},
    ]
    null = {"name": NULL, "arms": {plan.experimental: {"survival": plan.arms[plan.control].survival}}}
    own = plan.without("solve", "grid").to_data()
    made = plan_from_data(own | {"scenario": [null], "compare": others}).designs()
    return tuple(
        Compared("as planned" if name == "plan" else name, one.evaluate(), simulate(one, trials=TRIALS, seed=SEED)) for name, one in made
    )


def cures(plan: Plan, control: float, gain: float) -> dict[str, Any]:
    """Changes of the plan that give both arms these cure fractions."""
    return {
        "arms": {
            plan.control: {"survival": {"cure_fraction": control}},
            plan.experimental: {"survival": {"cure_fraction": round(control + gain, 6)}},
        }
    }


def cell(plan: Plan, changes: dict[str, Any]) -> Cell:
    """Power under ``changes`` with one analysis, the same random numbers in every cell."""
    made = one_analysis(plan).changed(changes)
    found = simulate(made, trials=CELL_TRIALS, seed=SEED)
    return Cell(made.evaluate().power, found.scenarios[0].rejection, found.trail)


def largest_difference(cells: Sequence[Cell]) -> float:
    """How far formula and simulation are apart at most."""
    return max(abs(c.formula - c.simulated.value) for c in cells)
