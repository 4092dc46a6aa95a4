"""The oracle: what happens to one virtual trial at its looks, as plainly as it can be said.

Every fast piece of code must agree with this one. Nothing here is vectorised over trials; each function does what a
statistician with pencil and paper would do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.seam import Look, Measures, RankWeight, Seen
from nextarm.simulation.draws import Cohort


@dataclass(frozen=True)
class Snapshot:
    """What is known at an analysis of the patients entered by then: follow-up in years, event (1) or not (0), arm, stratum."""

    time: FloatArray
    event: IntArray
    arm: IntArray
    stratum: IntArray

    def where(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Snapshot:
        """Some of the patients."""
        return Snapshot(self.time[chosen], self.event[chosen], self.arm[chosen], self.stratum[chosen])


def calendar_of_event(cohort: Cohort, count: int) -> float:
    """Calendar time of the ``count``-th observed event; infinity if the trial never has that many.

    An event is observed unless the patient dropped out before it.
    """
    happens = np.sort((cohort.entry + cohort.event)[cohort.event <= cohort.dropout])
    happens = happens[np.isfinite(happens)]
    return float(happens[count - 1]) if count <= happens.size else math.inf


def forty_four_digits(time: float) -> float:
    """A time as it is recorded: to 44 binary digits, cut (half a microsecond in ten years)."""
    mantissa, exponent = math.frexp(time)
    return math.ldexp(math.floor(mantissa * 2**45), exponent - 45)


def snapshot(cohort: Cohort, analysis_time: float, *, arms: int = 2) -> Snapshot:
    """Cut the data at ``analysis_time`` (years from the first patient).

    A patient's event or dropout, whichever is first, is known if its calendar time has come by then; the calendar time
    is compared, so that the event which triggers an analysis is always in it.
    """
    entered = cohort.entry < analysis_time
    entry, event, dropout = cohort.entry[entered], cohort.event[entered], cohort.dropout[entered]
    own = np.minimum(event, dropout)
    known = entry + own <= analysis_time
    time = np.array([forty_four_digits(x) for x in np.where(known, own, analysis_time - entry)])
    cell = cohort.cell[entered]
    return Snapshot(time=time, event=(known & (event <= dropout)).astype(np.int64), arm=cell % arms, stratum=cell // arms)


def rank_scores(data: Snapshot, arm: int, weights: Sequence[RankWeight], hazard_ratio: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Scores (weights,) of ``arm`` against arm 0, O - E, and their covariance (weights, weights).

    Over the distinct event times, with the expected share p = r n1 / (n0 + r n1) of the arm and the variance
    d p (1 - p) (n - d) / (n - 1); at r = 1 with weight 1 the log-rank test (Mantel 1966). Weights are functions of the
    pooled Kaplan-Meier estimate before the time.
    """
    score, covariance = np.zeros(len(weights)), np.zeros((len(weights), len(weights)))
    data = data.where((data.arm == 0) | (data.arm == arm))
    pooled = 1.0
    at_until: dict[int, float] = {}
    for time in np.unique(data.time[data.event == 1]):
        at_risk = data.time >= time
        dies = (data.time == time) & (data.event == 1)
        n, n1 = int(at_risk.sum()), int((at_risk & (data.arm == arm)).sum())
        d, d1 = int(dies.sum()), int((dies & (data.arm == arm)).sum())
        w = []
        for i, weight in enumerate(weights):
            if weight.until is None:
                w.append(pooled**weight.p * (1.0 - pooled) ** weight.q)
            elif time <= weight.until:
                w.append(1.0 / pooled)
            else:
                w.append(1.0 / at_until.setdefault(i, pooled))
        share = hazard_ratio * n1 / (n - n1 + hazard_ratio * n1)
        score += np.array(w) * (d1 - d * share)
        if n > 1:
            covariance += np.outer(w, w) * (d * share * (1.0 - share) * (n - d) / (n - 1))
        pooled *= 1.0 - d / n
    return score, covariance


def log_rank_z(data: Snapshot, hazard_ratio: float = 1.0) -> float:
    """Log-rank statistic against ``hazard_ratio``, positive when arm 1 has fewer events than it implies; 0 without information."""
    score, variance = rank_scores(data, 1, (RankWeight(),), hazard_ratio)
    return -float(score[0]) / math.sqrt(variance[0, 0]) if variance[0, 0] > 0.0 else 0.0


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


def restricted_mean(data: Snapshot, arm: int, tau: float) -> tuple[float, float]:
    """Area under one arm's Kaplan-Meier curve to ``tau``, and its variance: the sum of (area still to come)^2 d / (n (n - d))."""
    time, event = data.time[data.arm == arm], data.event[data.arm == arm]
    jumps = np.unique(time[(event == 1) & (time <= tau)])
    edges, heights, steps = [0.0, *jumps, tau], [1.0], []
    for at in jumps:
        n = int((time >= at).sum())
        d = int(((time == at) & (event == 1)).sum())
        heights.append(heights[-1] * (1.0 - d / n))
        steps.append(d / (n * (n - d)) if n > d else 0.0)
    areas = [h * (b - a) for h, (a, b) in zip(heights, itertools.pairwise(edges), strict=True)]
    variance = sum(step * sum(areas[i + 1 :]) ** 2 for i, step in enumerate(steps))
    return sum(areas), variance


def looks_of(cohort: Cohort, looks: Sequence[Look], measures: Measures, *, arms: int) -> Seen:
    """One trial through its looks: a :class:`~nextarm.designs.seam.Seen` of one trial."""
    found: list[dict[str, object]] = []
    ended = False
    for look in looks:
        at, took = look.latest, 1
        if ended:
            at, took = 0.0, -1
        elif look.events is not None:
            comes = max(calendar_of_event(cohort, look.events), look.earliest)
            at, took = (comes, 1) if comes <= look.latest else (look.latest, 0)
            ended = took == 0
        found.append({"time": at, "took": took} | _measured(snapshot(cohort, at if took >= 0 else -1.0, arms=arms), measures, arms))
    return Seen(**{name: np.array([row[name] for row in found])[None] for name in found[0]})


def _measured(data: Snapshot, m: Measures, arms: int) -> dict[str, object]:
    strata = range(max(len(m.strata), 1))
    scores = [[rank_scores(data.where(data.stratum == s), a, m.weights, m.hazard_ratio) for s in strata] for a in range(1, arms)]
    curves = [[kaplan_meier_at(data, a, t) for t in m.milestones] for a in range(arms)] if m.milestones else []
    means = [restricted_mean(data, a, m.tau) for a in range(arms)] if m.tau is not None else []
    edges = [] if m.cuts is None else list(itertools.pairwise([0.0, *m.cuts, math.inf]))
    events, exposure, expected = [], [], []
    for a in range(arms):
        time, event = data.time[data.arm == a], data.event[data.arm == a]
        events.append([int(((event == 1) & (lo <= time) & (time < hi)).sum()) for lo, hi in edges])
        exposure.append([float(np.sum(np.clip(time, lo, hi) - lo)) for lo, hi in edges])
        if m.reference is not None:
            expected.append(float(np.sum(m.reference.cumulative_hazard(time))))
    return {
        "entered": [int((data.arm == a).sum()) for a in range(arms)],
        "events": [int(((data.arm == a) & (data.event == 1)).sum()) for a in range(arms)],
        "score": [np.sum([u for u, _ in rows], axis=0) for rows in scores] if m.weights else np.zeros((0, 0)),
        "covariance": [np.sum([v for _, v in rows], axis=0) for rows in scores] if m.weights else np.zeros((0, 0, 0)),
        "survival": [[s for s, _ in row] for row in curves],
        "variance": [[v for _, v in row] for row in curves],
        "rmst": [r for r, _ in means],
        "rmst_variance": [v for _, v in means],
        "piece_events": events if edges else [],
        "exposure": exposure if edges else [],
        "expected": expected,
    }
