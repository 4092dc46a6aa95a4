"""Which evidence rows enter a pool, by a stated rule; every other row is returned with the reason it stays out.

The rule: arms of one ``pool_set``; one endpoint; the time asked for (or within ``window`` years of it); of rows that
print the same quantity the preferred one; one time origin; one row an arm, and no two arms that share patients; a
standard error, an interval or n must be known. The rule is carried in the trail as a sentence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.trail import LeftOut, RowRef, Source, Trail
from nextarm.evidence import Arm, Outcome, Package, preferred_outcomes, shared_patients
from nextarm.synthesis.estimates import StudyEstimate
from nextarm.synthesis.pool import PooledEstimate, pool

UNSTATED = "not-stated"
#: Why rows stay out, where a reader can do something about it: how the reasons begin.
NO_ORIGIN, OTHER_TIME, BY_READER = "its time origin is not stated", "reports at ", "left out by the reader"


@dataclass(frozen=True)
class SelectedRows:
    """The studies chosen, the rows left out with reasons, the rule as a sentence, what was assumed, and the sources."""

    studies: tuple[StudyEstimate, ...]
    left_out: tuple[LeftOut, ...]
    rule: str
    package: str = ""
    assumptions: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def trail(self) -> Trail:
        """The start of a trail, for the ``base`` of a synthesis."""
        return Trail(
            method="selection of evidence rows",
            left_out=self.left_out,
            sources=self.sources,
            assumptions=self.assumptions,
            inputs=(f"package {self.package}: {self.rule}",),
        )


@dataclass(frozen=True)
class _Candidate:
    row: Outcome
    arm: Arm
    ref: RowRef


def select_rows(
    package: Package,
    *,
    pool_set: str,
    endpoint: str,
    time: float | None,
    window: float = 0.0,
    time_origin: str | None = None,
    assume_origin: bool = False,
    group_of: Mapping[str, str] | None = None,
) -> SelectedRows:
    """Choose rows of ``package`` for pooling.

    ``time`` in years, None for whatever time each arm reports; of several rows of an arm within ``window`` years the
    one nearest to ``time`` enters (the earlier of two equally near; with ``time`` None the latest). ``time_origin``
    None takes the origin most rows state. Rows of unstated origin enter only with ``assume_origin`` (recorded), or
    where all rows come from one source and none states it. ``group_of`` renames cooperative groups, to count
    successors as one.

    Raises :class:`CallError` for an unknown pool set or endpoint and a window below 0. An empty selection is
    returned as such, with the reasons.
    """
    if not (math.isfinite(window) and window >= 0.0):
        raise CallError(f"window = {window}", rule="must be a number of years, not below 0")
    if time is not None and not (math.isfinite(time) and time >= 0.0):
        raise CallError(f"time = {time}", rule="must be a number of years, not below 0")
    candidates = _candidates(package, pool_set, endpoint)
    out: list[LeftOut] = []

    def keep(rows: list[_Candidate], reason: Mapping[int, str]) -> list[_Candidate]:
        out.extend(LeftOut(c.ref, reason[id(c)]) for c in rows if id(c) in reason)
        return [c for c in rows if id(c) not in reason]

    set_aside = {id(r.outcome): r.left_out.reason for r in preferred_outcomes(package, [c.row for c in candidates]).rejected}
    rest = keep(candidates, {id(c): set_aside[id(c.row)] for c in candidates if id(c.row) in set_aside})
    rest = keep(rest, {id(c): reason for c in rest if (reason := _wrong_time(c.row, time, window))})
    origin, reasons, assumptions = _origins(rest, time_origin, assume_origin)
    rest = keep(rest, reasons)
    rest = keep(rest, {id(c): "neither a standard error, an interval nor n is reported" for c in rest if not _has_precision(c.row)})
    rest = keep(rest, _one_row_an_arm(rest, time))
    rest = keep(rest, _sharing(package, rest))
    names = Counter(package.study_of(c.arm).name for c in rest)
    studies = tuple(_study(package, c, names, group_of or {}) for c in rest)
    when = "any time" if time is None else f"{time:g} years" + (f" within {window:g}" if window else " exactly")
    rule = (
        f"rows of pool set {pool_set}, endpoint {endpoint}, at {when}, time origin {origin}, the preferred row of each "
        "conflict, one row an arm, precision known"
    )
    ids = dict.fromkeys(c.row.source_id for c in (*rest, *(c for c in candidates if c not in rest)))
    return SelectedRows(studies, tuple(out), rule, package.name, assumptions, tuple(package.source(i) for i in ids))


def leave_out(chosen: SelectedRows, package: Package, arms: Iterable[str]) -> SelectedRows:
    """``chosen`` without the rows of ``arms``, which stand in the trail as left out by the reader; the others stay as they were.

    Raises :class:`CallError` for an arm that the package does not have.
    """
    named = tuple(dict.fromkeys(arms))
    if odd := sorted(set(named) - {a.arm_id for a in package.arms}):
        raise CallError(f"without = {odd[0][:60]!r}", rule=f"is not an arm of {package.name}")
    lines = {(package.ref(o).table, o.line): o.arm_id for o in package.outcomes if o.arm_id in named}
    gone = [s for s in chosen.studies if s.row is not None and (s.row.table, s.row.line) in lines]
    out = tuple(LeftOut(s.row, BY_READER) for s in gone if s.row is not None)
    return replace(chosen, studies=tuple(s for s in chosen.studies if s not in gone), left_out=(*chosen.left_out, *out)) if gone else chosen


def select_for_pooling(
    package: Package,
    *,
    pool_set: str,
    endpoint: str,
    time: float | None,
    window: float = 0.0,
    time_origin: str | None = None,
    assume_origin: bool = False,
    group_of: Mapping[str, str] | None = None,
) -> tuple[tuple[StudyEstimate, ...], tuple[LeftOut, ...]]:
    """The (studies, rows left out) of :func:`select_rows`."""
    chosen = select_rows(
        package,
        pool_set=pool_set,
        endpoint=endpoint,
        time=time,
        window=window,
        time_origin=time_origin,
        assume_origin=assume_origin,
        group_of=group_of,
    )
    return chosen.studies, chosen.left_out


def pool_evidence(
    package: Package,
    *,
    pool_set: str,
    endpoint: str,
    time: float,
    window: float = 0.0,
    time_origin: str | None = None,
    assume_origin: bool = False,
    group_of: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
    measure: str = "cloglog",
    method: str = "reml",
    interval: str = "ad-hoc",
    prediction: str = "t(k-2)",
    level: float = 0.95,
    binomial: bool = True,
) -> PooledEstimate:
    """Select rows by the rule, less the arms ``without``, and pool; :class:`RefusedError` with all reasons where none can be used."""
    chosen = select_rows(
        package,
        pool_set=pool_set,
        endpoint=endpoint,
        time=time,
        window=window,
        time_origin=time_origin,
        assume_origin=assume_origin,
        group_of=group_of,
    )
    chosen = leave_out(chosen, package, without)
    if not chosen.studies:
        reasons = "; ".join(f"{o.row.key}: {o.reason}" for o in chosen.left_out)
        cure = what_helps(chosen.left_out, assume="say --assume-origin", window="widen --window or move --time", without="--without")
        raise RefusedError(f"no {endpoint} row of {pool_set} can be pooled at {time:g} years", rule=reasons, cure=cure)
    pooled = pool(
        chosen.studies,
        measure=measure,
        method=method,
        interval=interval,
        prediction=prediction,
        level=level,
        binomial=binomial,
        base=chosen.trail(),
    )
    return replace(pooled, warnings=(*pooled.warnings, *time_cautions(chosen.studies)))


def what_helps(out: Iterable[LeftOut], *, assume: str, window: str, without: str) -> str:
    """What would let in rows that were left out: how origins are assumed, times widened and arms left out, where that keeps one out."""
    reasons = [o.reason for o in out]
    ways = [
        words
        for begins, words in (
            (OTHER_TIME, window),
            (NO_ORIGIN, f"{assume}, or state the origin in the rows"),
            (BY_READER, f"name fewer arms to leave out ({without})"),
        )
        if any(reason.startswith(begins) for reason in reasons)
    ]
    return "; ".join(ways)[:1].upper() + "; ".join(ways)[1:]


def time_cautions(studies: tuple[StudyEstimate, ...]) -> tuple[str, ...]:
    """Say so where studies report different times, and where later cohorts report earlier ones."""
    times = [s.time for s in studies if s.time is not None]
    if not times or min(times) == max(times):
        return ()
    said = [f"the studies report at {min(times):g} to {max(times):g} years; a survival falls with time, so they differ by that alone"]
    dated = [(s.year, s.time) for s in studies if s.year is not None and s.time is not None]
    if len(dated) > 2:
        years, at = zip(*dated, strict=True)
        mean_year, mean_time = sum(years) / len(years), sum(at) / len(at)
        if sum((y - mean_year) * (t - mean_time) for y, t in dated) < 0.0:
            said.append("later cohorts report at earlier times, which alone makes a rise")
    return tuple(said)


def _candidates(package: Package, pool_set: str, endpoint: str) -> list[_Candidate]:
    arms = {arm.arm_id: arm for arm in package.arms if arm.pool_set == pool_set}
    if not arms:
        known = sorted({arm.pool_set for arm in package.arms if arm.pool_set})
        rule = f"must be one of {', '.join(known)}" if known else "is not there: no arm has a pool set"
        cure = "" if known else "Give the arms that may be pooled one name in the column pool_set of arms.csv"
        raise CallError(f"pool_set = {pool_set!r}", where=f"package {package.name}", rule=rule, cure=cure)
    rows = [row for row in package.outcomes if row.arm_id in arms]
    known_endpoints = sorted({row.endpoint for row in rows})
    if endpoint not in known_endpoints:
        raise CallError(
            f"endpoint = {endpoint!r}", where=f"pool set {pool_set}", rule=f"must be one of {', '.join(known_endpoints) or '(none)'}"
        )
    return [_Candidate(row, arms[row.arm_id], package.ref(row)) for row in rows if row.endpoint == endpoint]


def _wrong_time(row: Outcome, time: float | None, window: float) -> str:
    if row.time_years is None:
        return "the time of the estimate is not stated"
    if time is not None and abs(row.time_years - time) > window + 1e-9:
        return f"{OTHER_TIME}{row.time_years:g} years, asked for {time:g}" + (f" within {window:g}" if window else "")
    return ""


def _origins(rows: list[_Candidate], wanted: str | None, assume: bool) -> tuple[str, dict[int, str], tuple[str, ...]]:
    """The origin taken, the rows it leaves out with reasons, and what was assumed."""
    stated = Counter(c.row.time_origin for c in rows if c.row.time_origin != UNSTATED)
    if wanted is None and not stated:
        one_source = len({c.row.source_id for c in rows}) <= 1
        if one_source or assume:
            told = () if one_source else (f"the time origin of {len(rows)} rows, which none states, is taken to be the same",)
            return "not stated (one source)" if one_source else "not stated, assumed the same", {}, told
        reason = f"{NO_ORIGIN}; rows of different sources are pooled only where their origins are taken to be the same"
        return "unknown", {id(c): reason for c in rows}, ()
    origin = wanted or stated.most_common(1)[0][0]
    reasons = {id(c): f"time runs from {c.row.time_origin}, not from {origin}" for c in rows if c.row.time_origin not in (origin, UNSTATED)}
    unstated = [c for c in rows if c.row.time_origin == UNSTATED]
    if assume and unstated:
        return origin, reasons, tuple(f"{c.ref.key}: time origin not stated, assumed {origin}" for c in unstated)
    return origin, reasons | {id(c): f"{NO_ORIGIN}; pooled from {origin} only where that is assumed" for c in unstated}, ()


def _has_precision(row: Outcome) -> bool:
    return row.se is not None or (row.ci_low is not None and row.ci_high is not None) or row.n is not None


def _one_row_an_arm(rows: list[_Candidate], time: float | None) -> dict[int, str]:
    def distance(c: _Candidate) -> tuple[float, float]:
        at = c.row.time_years or 0.0
        return (-at, 0.0) if time is None else (abs(at - time), at)

    best: dict[str, _Candidate] = {}
    for c in rows:
        if c.arm.arm_id not in best or distance(c) < distance(best[c.arm.arm_id]):
            best[c.arm.arm_id] = c
    return {id(c): f"{best[c.arm.arm_id].ref.key} of the same arm is used" for c in rows if best[c.arm.arm_id] is not c}


def _sharing(package: Package, rows: list[_Candidate]) -> dict[int, str]:
    """Of arms that share patients the first stays; the others go, with what is known of the overlap."""
    kept: list[_Candidate] = []
    reasons: dict[int, str] = {}
    for c in rows:
        shared = next(filter(None, (shared_patients(package, k.arm.arm_id, c.arm.arm_id) for k in kept)), "")
        if shared:
            reasons[id(c)] = shared
        else:
            kept.append(c)
    return reasons


def _study(package: Package, candidate: _Candidate, names: Mapping[str, int], group_of: Mapping[str, str]) -> StudyEstimate:
    row, study = candidate.row, package.study_of(candidate.arm)
    marks = candidate.ref.marks
    if study.mid_enrolment is not None and study.enrol_basis in ("secondary", "derived"):
        marks = (*marks, f"enrolment {study.enrol_basis}")
    return StudyEstimate(
        label=study.name if names[study.name] == 1 else f"{study.name}, {candidate.arm.label}",
        estimate=row.estimate,
        se=row.se,
        ci_low=row.ci_low,
        ci_high=row.ci_high,
        n=row.n,
        events=row.events,
        time=row.time_years,
        year=study.mid_enrolment,
        group=group_of.get(study.cooperative_group, study.cooperative_group),
        row=replace(candidate.ref, marks=marks),
    )
