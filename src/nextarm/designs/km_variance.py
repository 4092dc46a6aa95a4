"""Large-sample variance of the Kaplan-Meier estimate under accrual and dropout, before any patient is treated.

With N patients of whom a share q(s) would still be under observation s years after entry if no event happened,

    var(S_hat(t)) = S(t)^2 / N  *  integral_0^t  f(s) / (S(s)^2 q(s)) ds,

the expected Greenwood sum. Complete follow-up to t gives the binomial S (1 - S) / N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.designs.accrual import Accrual
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.truths import Distribution


def kaplan_meier_se(model: Distribution, *, accrual: Accrual, analysis_time: float, milestone: float, share: float = 1.0) -> float | None:
    """Standard error of S_hat(``milestone``) at ``analysis_time`` years, in an arm with ``share`` of the patients.

    None if nobody can have been followed to the milestone by then. Only patients entered by the analysis count.
    """
    found = kaplan_meier_ses(model, (1.0,), accrual=accrual, analysis_time=analysis_time, milestone=milestone, share=share)
    return None if found is None else found[0]


def kaplan_meier_ses(
    model: Distribution, hazard_ratios: Sequence[float], *, accrual: Accrual, analysis_time: float, milestone: float, share: float = 1.0
) -> tuple[float, ...] | None:
    """:func:`kaplan_meier_se` of ``model`` with its hazard multiplied by each of ``hazard_ratios``, integrated together."""
    if analysis_time <= milestone:
        return None
    breaks = integration_breaks((model,), accrual, analysis_time)
    s, w = follow_up_nodes(milestone, breaks)
    observed = share * accrual.entered(analysis_time - s) * accrual.still_in(s)
    if not float(observed.min()) > 1e-12 * accrual.total:  # hardly anybody can be followed to the milestone
        return None
    cumulative, hazard = np.asarray(model.cumulative_hazard(s), np.float64), np.asarray(model.hazard(s), np.float64)
    at_milestone = float(model.cumulative_hazard(np.asarray(milestone)))
    ses = []
    for ratio in hazard_ratios:
        at, survival = float(np.exp(-ratio * at_milestone)), np.exp(-ratio * cumulative)
        if at <= 0.0 or at >= 1.0:
            ses.append(0.0)
            continue
        total = float(np.sum(w * (ratio * hazard * survival) / (survival**2 * observed)))
        ses.append(at * math.sqrt(total))
    return tuple(ses)
