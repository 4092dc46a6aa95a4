"""Whether a design's null is true under a plan's truth: then a rejection is an error, and alpha is how often it may happen.

A null is true where no arm does better than it, at no time; where a margin is tested, better than the margin. Each design says it for
itself (``error_allowed``), with the comparisons below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextarm.designs.reference import reference_of
from nextarm.designs.truths import Distribution, truths_from_specs

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan

#: Years at which curves are compared, and how far apart they may lie and still be the same.
_TIMES = np.linspace(0.0, 20.0, 81)
SAME = 1e-9


def nowhere_above(new: Distribution, old: Distribution, *, ratio: float = 1.0) -> bool:
    """Whether ``new`` survives at no time more often than ``old`` with its hazard times ``ratio``."""
    return bool((np.asarray(new.survival(_TIMES)) <= np.asarray(old.survival(_TIMES)) ** ratio + SAME).all())


def better_arms(plan: Plan, *, ratio: float = 1.0) -> tuple[str, ...]:
    """The experimental arms that do better somewhere than the control with its hazard times ``ratio``."""
    truths = plan.truths()
    old = truths[plan.control]
    return tuple(name for name, truth in truths.items() if name != plan.control and not nowhere_above(truth, old, ratio=ratio))


def no_better(plan: Plan, *, ratio: float = 1.0) -> bool:
    """Whether no arm does better than the control; a single arm than the reference, at the milestone where no more of it is known."""
    if len(plan.arms) > 1:
        return not better_arms(plan, ratio=ratio)
    if plan.reference is None:
        return False
    if plan.reference.survival is None:
        return no_better_at(plan)
    return nowhere_above(plan.truths()[plan.experimental], truths_from_specs({"reference": plan.reference.survival})["reference"])


def no_better_at(plan: Plan, *, loss: float = 0.0, against: float | None = None) -> bool:
    """The same of S(milestone) alone, ``loss`` below that of the control or reference, or of the value ``against``."""
    at = plan.survival_at(plan.trial.milestone)
    old = against if against is not None else at[plan.control] if len(plan.arms) > 1 else reference_of(plan).survival
    return at[plan.experimental] <= old - loss + SAME
