"""What can be laid beside a plan: other designs for the same patients, and the truth without effect.

A form needs this to offer what would be accepted; nothing here says what is sensible.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from nextarm.core.errors import NextarmError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.designs.cards import design_cards
from nextarm.designs.dose_design import DoseTable
from nextarm.designs.plan import Plan, plan_from_data, plan_from_toml
from nextarm.designs.platform import PlatformTable
from nextarm.designs.variants import own_tables


@record
class Beside(Result):
    """What fits ``plan_name``.

    ``designs``: by kind a ``[design]`` table that can stand in the plan's place; ``no_effect``: the changes of a scenario in which
    no arm is better than the control (or the reference), empty where the plan does not say what that is.
    """

    plan_name: str
    designs: dict[str, dict[str, Any]]
    no_effect: dict[str, Any]


def beside(plan: Plan) -> Beside:
    """Look for what can be laid beside ``plan``; tries every kind of design in its place (some 30 checks of a plan).

    A design offered has the fields of the plan's own design where it has fields of the same name and is sound with them, else
    those of its card's example plan.
    """
    made = Trail(method="every kind of design tried in the plan's place")
    return Beside(trail=made, plan_name=plan.trial.name, designs=_fitting(plan), no_effect=_without_effect(plan))


def _fitting(plan: Plan) -> dict[str, dict[str, Any]]:
    own = {k: v for k, v in plan.to_data()["design"].items() if k != "kind"}
    alone = own_tables(plan.to_data())
    found: dict[str, dict[str, Any]] = {}
    for card in design_cards().cards:
        example = _example(card.kind)
        if _sort(example) is not _sort(plan):
            continue
        written = example.to_data()["design"]
        known = type(example.design).model_fields
        shared = {k: v for k, v in own.items() if k in known}
        same = {"alpha": own["alpha"]} if "alpha" in shared else {}
        tried = ({**written, **shared}, {**written, **same}, written) if card.kind != plan.design.kind else ({"kind": card.kind, **own},)
        for design in tried:
            try:
                plan_from_data({**alone, "design": design})
            except NextarmError:
                continue
            found[card.kind] = design
            break
    return found


@cache
def _example(kind: str) -> Plan:
    return plan_from_toml(design_cards(kind).cards[0].example)


def _sort(plan: Plan) -> type:
    """Whose results stand side by side: platforms, dose finding, and all others."""
    return next((kind for kind in (PlatformTable, DoseTable) if isinstance(plan.design, kind)), Plan)


def _without_effect(plan: Plan) -> dict[str, Any]:
    """Each arm under test as the control, or as the reference's model; responses too. Toxicity has no such value."""
    if isinstance(plan.design, DoseTable):
        return {}
    control, changes = plan.arms[plan.control], dict[str, Any]()
    several = len(plan.arms) > 1
    for name, arm in plan.arms.items():
        if several and name == plan.control:
            continue
        change: dict[str, Any] = {}
        if several:
            for time in ("survival", "relapse", "death"):
                if getattr(arm, time) and getattr(control, time):
                    change[time] = {"hazard_ratio": 1.0, "of": plan.control}
            if arm.response is not None and control.response is not None:
                change["response"] = control.response
        elif arm.survival and plan.reference is not None and plan.reference.survival:
            change["survival"] = dict(plan.reference.survival)
        if not change:
            return {}
        changes[name] = change
    return {"arms": changes}
