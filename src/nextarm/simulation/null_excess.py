"""Scenarios without effect that are rejected more often than alpha: told beside the rates.

The asymptotic law of a test statistic is only nearly right where events are few or the arms unequal (see
:mod:`nextarm.simulation.finite_sample`), and a Bayesian rule holds no alpha of itself.
Chance alone puts one run in 40 there too: the example of a group-sequential log-rank test
rejects in 2.87 % of 20,000 trials with seed 1, and in 2.49 % of 200,000. So the caution names both, and more trials first.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from nextarm.designs.plan import Plan
from nextarm.designs.reference import reference_of
from nextarm.designs.truths import truths_from_specs
from nextarm.simulation.block import Truth
from nextarm.simulation.characteristics import ScenarioCounts
from nextarm.simulation.true_error import KINDS

_Z = NormalDist().inv_cdf(0.975)
#: Survival functions that differ by less than this everywhere are the same truth.
_SAME = 1e-9


def without_effect(plan: Plan, truth: object) -> bool:
    """Whether the arms of ``truth`` have the same survival, stratum by stratum; of a single arm, whether it has the reference's.

    The reference's survival is its model where it is stated as one, else its value at the milestone. False where it is not
    known: counts, designs with a null value of their own (``null_survival``), and tests of a margin, whose null is another truth.
    """
    margin = getattr(plan.design, "margin", None)
    if not isinstance(truth, Truth) or margin not in (None, 0.0, 1.0):
        return False
    arms, times = len(truth.allocation), np.linspace(0.0, 20.0, 81)
    curves = np.array([np.asarray(one.survival(times)) for one in truth.survival]).reshape(-1, arms, times.size)
    if arms > 1:
        return bool(np.abs(curves - curves[:, :1]).max() < _SAME)
    if plan.reference is None:
        return False
    if plan.reference.survival is not None:
        model = truths_from_specs({"reference": plan.reference.survival})["reference"]
        return bool(np.abs(curves - np.asarray(model.survival(times))).max() < _SAME)
    return abs(next(iter(truth.at_milestone.values())) - reference_of(plan).survival) < _SAME


def excess_warnings(plan: Plan, truths: Sequence[object], scenarios: Sequence[ScenarioCounts]) -> tuple[str, ...]:
    """A sentence for each scenario without effect whose rejection rate lies above alpha by more than its Monte-Carlo interval (95 %)."""
    alpha, made = plan.design.alpha, []
    for truth, seen in zip(truths, scenarios, strict=True):
        rate = seen.rejection
        low, high = rate.value - _Z * rate.se, rate.value + _Z * rate.se
        if low <= alpha or not without_effect(plan, truth):
            continue
        if plan.design.kind in KINDS:
            why = "the normal law of the log-rank z is only nearly right where events are few or the arms unequal"
            cure = (
                "; `nextarm design` simulates this error at its own size and, where it is more than a tenth above alpha, finds the nominal "
            )
            cure += "alpha that keeps it"
        else:
            why, cure = "the rule of this design keeps alpha only as nearly as its approximation, or its prior, is right", ""
        made.append(
            f"{seen.name}: without effect the design rejects in {rate.value:.2%} of virtual trials (95 % Monte-Carlo interval {low:.2%} to "
            f"{high:.2%}), more often than alpha = {alpha:g}. One run in 40 does so by chance, which more trials tell; "
            f"if it stays: {why}{cure}"
        )
    return tuple(made)
