"""The probability that a trial ever reaches its number of events: where survivors are cured it may not.

With n patients of an arm and entry times drawn from the accrual, the events seen by a time are binomial; the total of
two arms is their convolution, computed exactly.
"""

from __future__ import annotations

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.setting import Setting


def events_distribution(setting: Setting, *, time: float) -> FloatArray:
    """P(total events = 0, 1, 2, ...) at ``time`` for a trial that has entered all its patients (n rounded)."""
    from nextarm.designs.binomial_paths import binomial_mass
    from nextarm.designs.expected_events import expected_events

    total = np.ones(1)
    for name, share in setting.shares.items():
        n = max(round(setting.accrual.total * share), 1)
        expected = expected_events(setting.truths[name], accrual=setting.accrual, time=time, share=share)
        p = min(expected / (setting.accrual.total * share), 1.0)
        total = np.convolve(total, binomial_mass(n, p))
    return np.asarray(total, np.float64)


def probability_of_reaching(setting: Setting, *, events: int, time: float) -> float:
    """Probability that at least ``events`` events have been seen by ``time``."""
    return float(min(max(np.sum(events_distribution(setting, time=time)[events:]), 0.0), 1.0))
