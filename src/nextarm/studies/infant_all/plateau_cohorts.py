"""The cohorts of section 1 and their trend: all brought to one time by when events happen, and read as they were reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nextarm.core.errors import RefusedError
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.evidence import Package
from nextarm.synthesis import (
    EraTrend,
    EventTiming,
    JoinedTrend,
    PooledEstimate,
    SelectedRows,
    StudyEstimate,
    era_trend,
    era_trend_joined,
    join_times,
    pool,
    select_rows,
    timing_from_evidence,
)

POOL_SET, ENDPOINT = "frontline-kmt2a-r", "EFS"
TIME, WINDOW, MARGIN = 5.0, 1.0, 0.05
#: Cooperative groups counted as one with their predecessors: a grouping of ours, to see whether one group carries the trend.
SUCCESSORS = {"JILSG": "Japan", "JPLSG": "Japan", "CCG": "COG", "POG": "COG"}
#: Years at which the pooled curve is read, and the steps it is drawn in.
READ_AT: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
STEPS_A_YEAR = 4


def select(package: Package, *, time: float | None = TIME, window: float = WINDOW) -> SelectedRows:
    """The cohorts of this section, by the stated rule."""
    return select_rows(package, pool_set=POOL_SET, endpoint=ENDPOINT, time=time, window=window, group_of=SUCCESSORS)


@dataclass(frozen=True)
class Cohorts:
    """What section 1 works on.

    ``studies`` are the cohorts at one time: carried there by ``timing``, or, where the package states no timing (None), those
    that report within a year of it. ``trend`` is theirs, ``near`` that of the rows within a year as they were reported, ``any``
    that of all rows at whatever time; ``base`` holds the rows left out.
    """

    studies: tuple[StudyEstimate, ...]
    base: Trail
    trend: EraTrend
    joined: JoinedTrend | None
    timing: EventTiming | None
    near: EraTrend
    any: EraTrend
    whole: SelectedRows


def gather(package: Package) -> Cohorts:
    """Choose the cohorts of ``package``, bring them to one time and fit the trends."""
    near, whole = select(package), select(package, time=None, window=0.0)
    near_trend = era_trend(near.studies, margin=MARGIN, base=near.trail())
    any_trend = era_trend(whole.studies, margin=MARGIN, base=whole.trail())
    try:
        timing = timing_from_evidence(package)
    except RefusedError:
        return Cohorts(near.studies, near.trail(), near_trend, None, None, near_trend, any_trend, whole)
    joined = era_trend_joined(whole.studies, time=TIME, timing=timing, margin=MARGIN, base=whole.trail())
    studies, _, out = join_times(whole.studies, time=TIME, timing=timing)
    before = whole.trail()
    assumed = f"events of every cohort are timed alike ({timing.words}); what differs is the share who never have one"
    base = replace(before, left_out=(*before.left_out, *out), assumptions=(*before.assumptions, assumed))
    return Cohorts(studies, base, joined.trend, joined, timing, near_trend, any_trend, whole)


def pooled_at(cohorts: Cohorts, time: float) -> PooledEstimate | None:
    """The pool of all cohorts carried to ``time``; None where none can be."""
    if cohorts.timing is None:
        return None
    studies = join_times(cohorts.whole.studies, time=time, timing=cohorts.timing)[0]
    return pool(studies, base=cohorts.base) if studies else None


def several_times(package: Package) -> int:
    """How many arms of the pool set print this end point at two times or more."""
    arms = {a.arm_id for a in package.arms if a.pool_set == POOL_SET}
    times: dict[str, set[float]] = {}
    for o in package.outcomes:
        if o.arm_id in arms and o.endpoint == ENDPOINT and o.time_years is not None and o.estimate is not None:
            times.setdefault(o.arm_id, set()).add(o.time_years)
    return sum(len(found) > 1 for found in times.values())


def not_pooled(cohorts: Cohorts, used: Sequence[RowRef]) -> tuple[LeftOut, ...]:
    """The rows of the pool set that the pool does not hold, each once."""
    held = {(row.table, row.line) for row in used}
    return tuple({at: o for o in cohorts.base.left_out if (at := (o.row.table, o.row.line)) not in held}.values())
