"""Large-sample variance of the Kaplan-Meier estimate under accrual and dropout, before any patient is treated.

With N patients of whom a share q(s) would still be under observation s years after entry if no event happened,

    var(S_hat(t)) = S(t)^2 / N  *  integral_0^t  f(s) / (S(s)^2 q(s)) ds,

the expected Greenwood sum. Complete follow-up to t gives the binomial S (1 - S) / N.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.designs.accrual import Accrual
from nextarm.designs.expected_events import integration_breaks
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.truths import Distribution


def kaplan_meier_se(model: Distribution, *, accrual: Accrual, analysis_time: float, milestone: float, share: float = 1.0) -> float | None:
    """Standard error of S_hat(``milestone``) at ``analysis_time`` years, in an arm with ``share`` of the patients.

    None if nobody can have been followed to the milestone by then. Only patients entered by the analysis count.
    """
    if analysis_time <= milestone:
        return None
    breaks = integration_breaks((model,), accrual, analysis_time)
    s, w = follow_up_nodes(milestone, breaks)
    observed = share * accrual.entered(analysis_time - s) * accrual.still_in(s)
    survival = np.asarray(model.survival(s), np.float64)
    at = float(model.survival(np.asarray(milestone)))
    if at <= 0.0 or at >= 1.0:
        return 0.0
    total = float(np.sum(w * np.asarray(model.density(s)) / (survival**2 * observed)))
    return at * math.sqrt(total)
