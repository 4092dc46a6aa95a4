"""The oracle: what happens to one virtual trial at its looks, as plainly as it can be said.

Every fast piece of code must agree with this one. Nothing here is vectorised over trials; each function does what a
statistician with pencil and paper would do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.design import Schedule
from nextarm.simulation.draws import Cohort


@dataclass(frozen=True)
class Snapshot:
    """What is known at an analysis of the patients entered by then: follow-up in years, event (1) or not (0), arm."""

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


def snapshot(cohort: Cohort, analysis_time: float) -> Snapshot:
    """Cut the data at ``analysis_time`` (years from the first patient).

    A patient's event or dropout, whichever is first, is known if its calendar time has come by then; the calendar time
    is compared, so that the event which triggers an analysis is always in it.
    """
    entered = cohort.entry < analysis_time
    entry, event, dropout = cohort.entry[entered], cohort.event[entered], cohort.dropout[entered]
    own = np.minimum(event, dropout)
    known = entry + own <= analysis_time
    time = np.where(known, own, analysis_time - entry)
    return Snapshot(time=time, event=(known & (event <= dropout)).astype(np.int64), arm=cohort.arm[entered])


def log_rank_z(data: Snapshot, hazard_ratio: float = 1.0) -> float:
    """Score statistic against ``hazard_ratio``, positive when arm 1 has fewer events than it implies; 0 without information.

    Z = (E - O) / sqrt(V) over the distinct event times, with the expected share p = r n1 / (n0 + r n1) of arm 1 and the
    variance d p (1 - p) (n - d) / (n - 1); at r = 1 the log-rank test (Mantel 1966).
    """
    difference = variance = 0.0
    for time in np.unique(data.time[data.event == 1]):
        at_risk = data.time >= time
        dies = (data.time == time) & (data.event == 1)
        n, n1 = int(at_risk.sum()), int((at_risk & (data.arm == 1)).sum())
        d, d1 = int(dies.sum()), int((dies & (data.arm == 1)).sum())
        share = hazard_ratio * n1 / (n - n1 + hazard_ratio * n1)
        difference += d * share - d1
        if n > 1:
            variance += d * share * (1.0 - share) * (n - d) / (n - 1)
    return difference / math.sqrt(variance) if variance > 0.0 else 0.0


def kaplan_meier_at(data: Snapshot, arm: int, milestone: float) -> tuple[float, float]:
    """Kaplan-Meier estimate of one arm at ``milestone`` and its Greenwood variance.

    With nobody left at risk before the milestone the last value is carried on, as the curve would be drawn; a curve
    that has reached 0 has variance 0.
    """
    time, event = data.time[data.arm == arm], data.event[data.arm == arm]
    survival, total = 1.0, 0.0
    for at in np.unique(time[(event == 1) & (time <= milestone)]):
        n = int((time >= at).sum())
        d = int(((time == at) & (event == 1)).sum())
        survival *= 1.0 - d / n
        total += d / (n * (n - d)) if n > d else 0.0
    return survival, survival * survival * total


def looks_of(cohort: Cohort, schedule: Schedule) -> FloatArray:
    """One trial through its looks: (looks, 9), the columns of :func:`~nextarm.simulation.kernel.run_lanes`."""
    ratio = schedule.null if schedule.statistic == "log-rank" else 1.0
    out = np.zeros((len(schedule.looks), 9))
    ended = False
    for k, look in enumerate(schedule.looks):
        if ended:
            out[k, 8] = -1.0
            continue
        at, reached = look.latest, 1.0
        if look.events is not None:
            comes = calendar_of_event(cohort, look.events)
            at, reached = (comes, 1.0) if comes <= look.latest else (look.latest, 0.0)
            ended = reached == 0.0
        data = snapshot(cohort, at)
        arms = (kaplan_meier_at(data, arm, schedule.milestone) for arm in (0, 1))
        curves = [value for pair in arms for value in pair]
        out[k] = [log_rank_z(data, ratio), data.event.sum(), data.time.size, *curves, at, reached]
    return out
