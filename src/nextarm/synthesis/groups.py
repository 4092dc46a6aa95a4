"""The story inside one cooperative group: its cohorts in order of era and the step from each to the next.

A group's own trials share hospitals, care and definitions, so a step between them is cleaner than a line through all.
A step is the difference of two independent estimates, ``S2 - S1 +- z sqrt(se1^2 + se2^2)`` on the natural scale; where
the two report at different times it says so, because part of it is then only that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from nextarm.core.result import Interval, record
from nextarm.synthesis.estimates import StudyEstimate, scale_all, two_sided_z
from nextarm.synthesis.scales import scale


@record
class Step:
    """From one cohort of a group to the next: the natural difference, its interval, and how many years lie between."""

    from_label: str
    to_label: str
    difference: float
    ci: Interval
    years: float
    from_time: float | None
    to_time: float | None
    same_time: bool


@record
class GroupTrend:
    """The cohorts of one group in order of mid-year, their estimates, and the steps between them."""

    group: str
    cohorts: tuple[str, ...]
    years: tuple[float, ...]
    estimates: tuple[float, ...]
    intervals: tuple[Interval, ...]
    steps: tuple[Step, ...]


def group_trends(
    studies: Iterable[StudyEstimate], *, level: float = 0.95, measure: str = "cloglog", binomial: bool = True, probability: bool = True
) -> tuple[GroupTrend, ...]:
    """The :class:`GroupTrend` of every named group with at least two dated, usable cohorts, in order of name.

    Cohort intervals are made on the scale ``measure``; steps on the natural scale, cut at -1 and 1 for probabilities.
    """
    z, on = two_sided_z(level), scale(measure)
    used, _ = scale_all(studies, measure=measure, binomial=binomial, probability=probability)
    found = []
    for name in sorted({u.study.group for u in used if u.study.group}):
        dated = [(u.study.year, u) for u in used if u.study.group == name and u.study.year is not None]
        cohorts = sorted(dated, key=lambda cohort: cohort[0])
        if len(cohorts) < 2:
            continue
        steps, intervals = [], []
        for _, u in cohorts:
            half = z * math.sqrt(u.v)
            low, high = on.natural_interval(u.y - half, u.y + half)
            if probability:
                low, high = max(low, 0.0), min(high, 1.0)
            intervals.append(Interval(low=low, high=high, level=level))
        for (year1, a), (year2, b) in itertools.pairwise(cohorts):
            variance = sum(u.v / on.slope(u.study.estimate) ** 2 for u in (a, b))
            difference, half = b.study.estimate - a.study.estimate, z * math.sqrt(variance)
            low, high = difference - half, difference + half
            if probability:
                low, high = max(low, -1.0), min(high, 1.0)
            steps.append(
                Step(
                    from_label=a.study.label,
                    to_label=b.study.label,
                    difference=difference,
                    ci=Interval(low=low, high=high, level=level),
                    years=year2 - year1,
                    from_time=a.study.time,
                    to_time=b.study.time,
                    same_time=a.study.time == b.study.time,
                )
            )
        found.append(
            GroupTrend(
                group=name,
                cohorts=tuple(u.study.label for _, u in cohorts),
                years=tuple(year for year, _ in cohorts),
                estimates=tuple(u.study.estimate for _, u in cohorts),
                intervals=tuple(intervals),
                steps=tuple(steps),
            )
        )
    return tuple(found)
