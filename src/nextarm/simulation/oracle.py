"""The oracle: what happens to one virtual trial at an analysis, as plainly as it can be said.

Every fast piece of code must agree with this one. Nothing here is vectorised over trials; each function does what a
statistician with pencil and paper would do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.simulation.draws import Cohort


@dataclass(frozen=True)
class Snapshot:
    """What is known of the patients entered by an analysis: follow-up in years, event (1) or not (0), arm."""

    time: FloatArray
    event: IntArray
    arm: IntArray


def calendar_of_event(cohort: Cohort, count: int) -> float:
    """Calendar time of the ``count``-th observed event; infinity if the trial never has that many.

    An event is observed unless the patient dropped out before it.
    """
    happens = np.sort((cohort.entry + cohort.event)[cohort.event <= cohort.dropout])
    happens = happens[np.isfinite(happens)]
    return float(happens[count - 1]) if count <= happens.size else math.inf


def look(cohort: Cohort, analysis_time: float) -> Snapshot:
    """Cut the data at ``analysis_time`` (years from the first patient)."""
    entered = cohort.entry < analysis_time
    followed = np.minimum(cohort.dropout, analysis_time - cohort.entry)[entered]
    event = cohort.event[entered]
    return Snapshot(time=np.minimum(event, followed), event=(event <= followed).astype(np.int64), arm=cohort.arm[entered])


def log_rank_z(snapshot: Snapshot) -> float:
    """Log-rank statistic, positive when arm 1 (treated) has fewer events than expected; 0 without information.

    Z = (E_1 - O_1) / sqrt(V), with the hypergeometric variance at each distinct event time (Mantel 1966).
    """
    difference = variance = 0.0
    for time in np.unique(snapshot.time[snapshot.event == 1]):
        at_risk = snapshot.time >= time
        dies = (snapshot.time == time) & (snapshot.event == 1)
        n, n1 = int(at_risk.sum()), int((at_risk & (snapshot.arm == 1)).sum())
        d, d1 = int(dies.sum()), int((dies & (snapshot.arm == 1)).sum())
        difference += d * n1 / n - d1
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    return difference / math.sqrt(variance) if variance > 0 else 0.0


def kaplan_meier_at(snapshot: Snapshot, milestone: float) -> tuple[float, float]:
    """Kaplan-Meier estimate at ``milestone`` and its Greenwood standard error.

    With nobody left at risk before the milestone the last value is carried on, as the curve would be drawn.
    """
    survival, total = 1.0, 0.0
    for time in np.unique(snapshot.time[(snapshot.event == 1) & (snapshot.time <= milestone)]):
        n = int((snapshot.time >= time).sum())
        d = int(((snapshot.time == time) & (snapshot.event == 1)).sum())
        survival *= 1 - d / n
        if n > d:
            total += d / (n * (n - d))
    return survival, survival * math.sqrt(total)
