"""The trial of section 5: how many infants and years it takes to show that less treatment loses no more than a margin.

Two designs on EFS at the milestone: randomised against the backbone that is to be reduced (difference of Kaplan-Meier
estimates against an absolute margin), and one arm against what the backbone achieved before, known exactly or only as
well as it was estimated. The control's EFS comes from the evidence and replaces that of the plan file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.core.trail import Trail
from nextarm.designs import DesignResult, Plan, plan_from_data, plan_from_toml
from nextarm.designs.absolute_margin import AbsoluteMargin, AbsoluteMarginTable
from nextarm.designs.milestone_one_arm import OneArmMilestone, z_of
from nextarm.designs.setting import LONGEST
from nextarm.designs.truths import truths_from_specs

PLAN_FILE = "germline_plan.toml"
#: Losses of EFS at 5 years that a trial might accept.
MARGINS = (0.05, 0.10, 0.15)
#: True losses for which the randomised trial is sized as well.
LOSSES = (0.0, 0.02, 0.04)
#: Accrual that a group would plan for at all, years.
FEASIBLE = 10.0


@dataclass(frozen=True)
class Control:
    """EFS of the backbone at the milestone: its value and standard error, in words, and where it comes from."""

    key: str
    words: str
    survival: float
    se: float
    trail: Trail


@dataclass(frozen=True)
class Size:
    """What a design needs at one margin; ``result`` None where no size reaches the power, ``most`` the power it can reach."""

    control: Control
    margin: float
    result: DesignResult | None
    most: float
    trail: Trail


def plan_text() -> str:
    """The plan file as it is shipped with the study."""
    return files("nextarm.studies.infant_all").joinpath(PLAN_FILE).read_text(encoding="utf-8")


def shipped_plan() -> Plan:
    """The plan of this section, as it is shipped with the study."""
    return plan_from_toml(plan_text(), name=PLAN_FILE)


def margin_of(plan: Plan) -> float:
    """The margin of the plan's design."""
    assert isinstance(plan.design, AbsoluteMarginTable)  # the shipped plan is of this kind
    return plan.design.margin


def cure_fraction_for(plan: Plan, survival: float) -> float:
    """The cure fraction c with ``c + (1 - c) L(milestone) = survival`` under the plan's latency L; 0 where L alone is above it."""
    latency = truths_from_specs({"latency": plan.arms[plan.control].survival["latency"]})["latency"]
    tail = float(latency.survival(np.asarray(plan.trial.milestone)))
    return min(max((survival - tail) / (1.0 - tail), 0.0), 1.0)


def arms_at(plan: Plan, survival: float, *, loss: float = 0.0) -> dict[str, Any]:
    """Changes of the plan that give the backbone ``survival`` at the milestone and the reduced arm ``loss`` less."""
    return {
        "arms": {
            plan.control: {"survival": {"cure_fraction": cure_fraction_for(plan, survival)}},
            plan.experimental: {"survival": {"cure_fraction": cure_fraction_for(plan, survival - loss)}},
        }
    }


def randomised(plan: Plan, control: Control, *, margin: float, loss: float = 0.0) -> Size:
    """The randomised trial that excludes a loss of ``margin`` with the plan's power when the true loss is ``loss``."""
    return _solved(plan.changed(arms_at(plan, control.survival, loss=loss) | {"design": {"margin": margin}}), control, margin)


def one_arm(plan: Plan, control: Control, *, margin: float, known: bool) -> Size:
    """The one-arm trial of the same margin against ``control``, taken as ``known`` or with its standard error."""
    return _solved(_one_arm_plan(plan, control, margin=margin, known=known), control, margin)


def error_if_taken_as_known(plan: Plan, size: Size) -> OneArmMilestone:
    """The one-arm trial of ``size`` with the reference's error put in: ``type1_if_taken_as_known`` is what it would do."""
    assert size.result is not None
    honest = _one_arm_plan(plan, size.control, margin=size.margin, known=False).without("solve")
    result = honest.changed({"accrual": {"duration": size.result.accrual_duration}}).evaluate()
    assert isinstance(result, OneArmMilestone)
    return replace(result, trail=_trail(result.trail, size.control))


def margin_shown(plan: Plan, control: Control, *, years: float = FEASIBLE) -> tuple[float, DesignResult]:
    """The smallest loss that ``years`` of accrual can exclude with the plan's power if nothing is lost, and that trial.

    ``(z_alpha + z_power) se``, with the standard error of the difference at that size.
    """
    assert plan.solve is not None
    result = plan.without("solve").changed(arms_at(plan, control.survival) | {"accrual": {"duration": years}}).evaluate()
    assert isinstance(result, AbsoluteMargin)
    shown = (z_of(plan.design.alpha) + z_of(1.0 - plan.solve.power)) * result.se
    return shown, replace(result, trail=_trail(result.trail, control))


def _one_arm_plan(plan: Plan, control: Control, *, margin: float, known: bool) -> Plan:
    data = plan.changed(arms_at(plan, control.survival)).to_data()
    data["arms"] = {plan.experimental: data["arms"][plan.experimental]}
    data["trial"].pop("control", None)
    data["design"] = {"kind": "one-arm-milestone", "alpha": plan.design.alpha, "margin": margin}
    data["reference"] = {"milestone_survival": control.survival, **({"fixed": True} if known else {"se": control.se})}
    return plan_from_data(data)


def _solved(plan: Plan, control: Control, margin: float) -> Size:
    try:
        result = plan.evaluate()
    except RefusedError:
        longest = plan.without("solve").changed({"accrual": {"duration": LONGEST}}).evaluate()
        return Size(control, margin, None, longest.power, _trail(longest.trail, control))
    trail = _trail(result.trail, control)
    return Size(control, margin, replace(result, trail=trail), result.power, trail)


def _trail(own: Trail, control: Control) -> Trail:
    """A design's trail with the rows behind its control."""
    told = (f"the backbone's EFS at the milestone is {control.words}: {100 * control.survival:.1f} %",)
    return replace(
        own,
        rows=tuple(dict.fromkeys((*own.rows, *control.trail.rows))),
        left_out=control.trail.left_out,
        sources=tuple(dict.fromkeys((*own.sources, *control.trail.sources))),
        assumptions=(*own.assumptions, *control.trail.assumptions, *told),
        inputs=(PLAN_FILE,),
    )


def needed(size: Size) -> int | None:
    """Infants needed, rounded up; None where no size reaches the power."""
    return None if size.result is None else math.ceil(size.result.n - 1e-9)
