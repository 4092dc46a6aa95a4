"""The plan that a solution describes: what ``[solve]`` found, written into the plan, so that it can be simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextarm.core.errors import RefusedError

if TYPE_CHECKING:
    from nextarm.designs.design import DesignResult
    from nextarm.designs.plan import Plan


def solved_plan(plan: Plan, result: DesignResult) -> Plan:
    """``plan`` without ``[solve]``, at the size, duration or effect that ``result`` (of the same plan) found.

    Variants (scenarios, grids, comparisons) are left out: their truths belong to the old effect.
    """
    own = plan.without("solve", "scenario", "grid", "compare")
    solved = result.solved_for
    if solved == "n":
        return own.changed({"accrual": _rates(plan, result.n / plan.accrual_model().total)})
    if solved == "duration":
        return own.changed({"accrual": {"duration": result.accrual_duration}, "design": _timing(plan, result)})
    if solved == "events":
        follow_up = max(result.analysis_time - result.accrual_duration, 0.0)
        return own.changed({"accrual": {"follow_up": follow_up}, "design": _timing(plan, result)})
    if solved == "effect":
        return own.changed({"arms": {plan.experimental: {"survival": _effect(plan, result)}}})
    return own


def _timing(plan: Plan, result: DesignResult) -> dict[str, Any]:
    """The times that stand in the design itself: its last look, and the interim look that was searched."""
    interim = {name: getattr(result, name) for name in ("interim_time", "interim_bound") if hasattr(result, name)}
    if getattr(plan.design, "latest", None) is not None:
        return interim | {"latest": result.analysis_time}
    times = getattr(plan.design, "look_times", None)
    return interim | ({"look_times": [*(t for t in times[:-1] if t < result.analysis_time), result.analysis_time]} if times else {})


def _rates(plan: Plan, factor: float) -> dict[str, Any]:
    """The accrual table's rates, all multiplied by ``factor``."""
    a = plan.accrual
    if a.groups is not None:
        groups = plan.to_data()["accrual"]["groups"]
        return {"groups": [group | {"rate": group["rate"] * factor} for group in groups]}
    if a.rates is not None:
        return {"rates": [rate * factor for rate in a.rates]}
    assert a.rate is not None  # one of the three is there
    return {"rate": a.rate * factor}


def _effect(plan: Plan, result: DesignResult) -> dict[str, Any]:
    """The experimental arm's survival with the effect found: its cure fraction, or a hazard ratio against the control."""
    survival = plan.arms[plan.experimental].survival
    if "cure_fraction" in survival and "latency" in survival:
        return {"cure_fraction": result.cure_fraction[plan.experimental]}
    if len(plan.arms) == 1:
        rule = "a single arm's truth without a cure fraction cannot be written back into the plan"
        raise RefusedError("the effect solved for", rule=rule, cure="Give the arm a model with the survival that was found")
    return {"hazard_ratio": result.hazard_ratio_at_milestone, "of": plan.control}
