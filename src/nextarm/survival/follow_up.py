"""Follow-up by the reverse Kaplan-Meier: censoring is the event, an event ends the watch.

Schemper and Smith 1996, doi 10.1016/0197-2456(96)00075-X.
"""

from __future__ import annotations

import numpy as np

from nextarm.survival.kaplan_meier import KaplanMeier, kaplan_meier
from nextarm.survival.limits import IntervalKind
from nextarm.survival.quantiles import SurvivalQuantile
from nextarm.survival.table import Patients, replaced


def reverse_kaplan_meier(
    patients: Patients, *, arm: str | None = None, level: float = 0.95, interval: IntervalKind = "log-log"
) -> KaplanMeier:
    """The curve of still being followed up, had nobody had an event."""
    turned = replaced(patients, event=(patients.event == 0).astype(np.int64), causes=("end of follow-up",))
    return kaplan_meier(turned, arm=arm, level=level, interval=interval)


def median_follow_up(
    patients: Patients, *, arm: str | None = None, level: float = 0.95, interval: IntervalKind = "log-log"
) -> SurvivalQuantile:
    """The median of the reverse Kaplan-Meier with limits, in years.

    >>> from nextarm.survival import make_patients
    >>> median_follow_up(make_patients([1, 2, 3, 4, 6], [1, 0, 0, 0, 0])).time
    3.5
    """
    return reverse_kaplan_meier(patients, arm=arm, level=level, interval=interval).median
