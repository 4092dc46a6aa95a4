"""Times that differ between studies joined by when events happen: every cohort brought to one time by a common latency.

Each cohort's curve is a mixture cure, ``S_i(t) = 1 - (1 - c_i) F(t)``, with its own cure fraction c_i and one common
distribution F of the times of the events that do happen (a Weibull, from a stated timing). Then

``S_i(T) = 1 - (1 - S_i(t)) F(T) / F(t)``,

so an estimate is carried from t to T by a factor, and its standard error by the same factor. Several rows of one cohort
are weighed together with the Kaplan-Meier covariance. How far the answer depends on the timing is shown by doing it again
with events later and earlier. A row at a time when fewer than half of the events have happened is not carried.
Mixture cure: Boag 1949, doi 10.1111/j.2517-6161.1949.tb00020.x.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError, DataError, Problem, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.core.units import FloatArray
from nextarm.evidence import Package
from nextarm.survival import combine_versions
from nextarm.synthesis.estimates import ScaledEstimate, StudyEstimate, row_of, scale_all
from nextarm.synthesis.scales import scale
from nextarm.synthesis.tau import Model, reml
from nextarm.synthesis.trend import EraTrend, change_per_decade, era_trend

if TYPE_CHECKING:
    import polars as pl

#: A row is carried only from a time by which this share of the events has happened.
LEAST_SHARE = 0.5
#: Mark of an estimate that was brought to another time; the note of its row says from where.
CARRIED = "carried to another time"
#: Factors on the time of events: the spread of timings the trend is shown under.
LATER_AND_EARLIER: tuple[tuple[str, float], ...] = (("events half as late again", 1.5), ("events a third earlier", 2.0 / 3.0))


@record
class EventTiming:
    """When events happen, among patients who have one: Weibull, ``F(t) = 1 - exp(-(t / scale)^shape)``, t in years."""

    shape: float
    scale: float
    words: str = ""
    row: RowRef | None = None

    def within(self, time: float) -> float:
        """Share of the events that have happened by ``time``."""
        return -math.expm1(-((time / self.scale) ** self.shape)) if time > 0.0 else 0.0

    def stretched(self, factor: float, words: str) -> EventTiming:
        """The same with every event ``factor`` times as late."""
        return replace(self, scale=self.scale * factor, words=words, row=None)


def timing_from_shares(
    first: tuple[float, float], second: tuple[float, float], *, words: str = "", row: RowRef | None = None
) -> EventTiming:
    """The Weibull through two (time in years, share of events by then).

    >>> timing = timing_from_shares((1.0, 2 / 3), (2.0, 0.9))
    >>> round(timing.shape, 4), round(timing.scale, 4), round(timing.within(2.0), 12)
    (1.0676, 0.9157, 0.9)
    """
    (t1, p1), (t2, p2) = first, second
    if not (0.0 < t1 < t2 and math.isfinite(t2) and 0.0 < p1 < p2 < 1.0):
        raise CallError(f"timing {first}, {second}", rule="needs two rising times above 0 with rising shares between 0 and 1")
    h1, h2 = -math.log1p(-p1), -math.log1p(-p2)
    shape = math.log(h2 / h1) / math.log(t2 / t1)
    return EventTiming(shape=shape, scale=t1 / h1 ** (1.0 / shape), words=words, row=row)


def timing_draws(
    first: tuple[float, float], second: tuple[float, float], *, events: int, draws: int = 200, seed: int = 1
) -> tuple[EventTiming, ...]:
    """Plausible timings where the two shares were counted on ``events`` events: Dirichlet draws around them, Jeffreys prior.

    How many events stand behind a printed timing is often not stated; then ``events`` is an assumption to be named.
    """
    if events < 1 or draws < 2:
        raise CallError(f"events = {events}, draws = {draws}", rule="need at least 1 event and 2 draws")
    timing_from_shares(first, second)
    (t1, p1), (t2, p2) = first, second
    weights = events * np.array([p1, p2 - p1, 1.0 - p2]) + 0.5
    found = []
    for a, b, _ in block_stream(seed, 0).dirichlet(weights, draws):
        one, two = min(max(float(a), 1e-6), 1.0 - 2e-6), min(float(a + b), 1.0 - 1e-6)
        found.append(timing_from_shares((t1, one), (t2, max(two, one + 1e-6)), words=f"drawn from {events} events"))
    return tuple(found)


@record
class TimingSpread:
    """The change a decade over drawn timings: its mean, the sd that the timing adds, the standard error within, their total,
    and limits on the natural scale (normal)."""

    draws: int
    mean: float
    within_se: float
    between_sd: float
    total_se: float
    ci: Interval


def timing_spread(
    studies: Iterable[StudyEstimate],
    timings: Iterable[EventTiming],
    *,
    time: float = 5.0,
    measure: str = "cloglog",
    level: float = 0.95,
    binomial: bool = True,
) -> TimingSpread:
    """Fit the line over eras under every timing and combine by Rubin's rules: how much the timing adds to the error of the trend.

    The change is that of :func:`~nextarm.synthesis.trend.era_trend` (REML, plain Hartung-Knapp error where larger than Wald). Needs at
    least two timings and three dated cohorts under each (:class:`RefusedError`).
    """
    given, on = tuple(studies), scale(measure)
    changes, variances = [], []
    for timing in timings:
        carried = [s for s in join_times(given, time=time, timing=timing, binomial=binomial)[0] if s.year is not None]
        used, _ = scale_all(carried, measure=measure, binomial=binomial)
        if len(used) < 3:
            raise RefusedError(f"{len(used)} dated cohorts", rule="a line needs at least three under every timing")
        year = np.array([u.study.year for u in used], float)
        X = np.column_stack([np.ones(year.size), (year - year.mean()) / 10.0])
        model = Model(np.array([u.y for u in used]), np.array([u.v for u in used]), X)
        tau2 = reml(model)
        beta, covariance = model.beta(tau2)
        factor = max(1.0, model.q(tau2) / (year.size - 2))
        slope, level_at = float(beta[1]), float(beta[0])
        step = 1e-4
        tangent = (change_per_decade(on, level_at, slope + step) - change_per_decade(on, level_at, slope - step)) / (2.0 * step)
        changes.append(change_per_decade(on, level_at, slope))
        variances.append(factor * float(covariance[1, 1]) * tangent**2)
    combined = combine_versions(changes, variances, level=level)
    return TimingSpread(
        draws=combined.versions,
        mean=combined.estimate,
        within_se=combined.within_se,
        between_sd=combined.between_sd,
        total_se=combined.standard_error,
        ci=combined.ci,
    )


def timing_from_evidence(package: Package) -> EventTiming:
    """The relapse timing that the package states: two thirds within 1 year, 90 % within 2 years; with its row.

    :class:`RefusedError` where the package holds no such row.
    """
    for count in package.counts:
        if count.what == "relapse_timing" and "two thirds of relapses within 1 year" in count.note and "90% within 2 years" in count.note:
            words = "two thirds of events within 1 year, 90 % within 2 years"
            return timing_from_shares((1.0, 2.0 / 3.0), (2.0, 0.9), words=words, row=package.ref(count))
    raise RefusedError("no relapse timing", where=f"package {package.name}", rule="holds no row that states it", cure="Give an EventTiming")


@record
class JoinedCohort:
    """One cohort at the common time: where it came from (``times``), how far it was carried (``factor``), its cure fraction."""

    label: str
    year: float | None
    times: tuple[float, ...]
    factor: float
    estimate: float
    se: float
    cure_fraction: float
    row: RowRef


@record
class TimingCheck:
    """The trend under another timing: its change a decade with interval, and its coded conclusion."""

    words: str
    shape: float
    scale: float
    k: int
    change: float | None
    change_ci: Interval | None
    conclusion: str


@record
class JoinedTrend(Result):
    """The trend over eras at one ``time`` (years) for cohorts that report at many, with the timing it rests on."""

    time: float
    timing: EventTiming
    cohorts: tuple[JoinedCohort, ...]
    trend: EraTrend
    checks: tuple[TimingCheck, ...]

    def table(self) -> pl.DataFrame:
        """One row a cohort."""
        import polars as pl

        return pl.DataFrame(
            [
                {"study": c.label, "year": c.year, "from": ", ".join(f"{t:g}" for t in c.times), "factor": c.factor}
                | {"estimate": c.estimate, "se": c.se, "cure_fraction": c.cure_fraction}
                for c in self.cohorts
            ]
        )


def join_times(
    studies: Iterable[StudyEstimate], *, time: float, timing: EventTiming, binomial: bool = True
) -> tuple[tuple[StudyEstimate, ...], tuple[JoinedCohort, ...], tuple[LeftOut, ...]]:
    """Bring every cohort to ``time`` years: the estimates, how each was come by, and the rows left out with reasons."""
    if not (math.isfinite(time) and time > 0.0):
        raise CallError(f"time = {time}", rule="must be above 0 years")
    used, refused = scale_all(studies, measure="identity", binomial=binomial)
    out = list(refused)
    by_label: dict[str, list[ScaledEstimate]] = {}
    for u in used:
        at = u.study.time
        if at is None or at <= 0.0:
            out.append(LeftOut(row_of(u.study), "the time of the estimate is not stated or not above 0"))
        elif timing.within(at) < LEAST_SHARE:
            out.append(LeftOut(row_of(u.study), f"by {at:g} years only {timing.within(at):.0%} of events have happened: too far to carry"))
        elif not 0.0 < u.y < 1.0:
            out.append(LeftOut(row_of(u.study), f"estimate = {u.y:g} cannot be carried: its standard error is not known"))
        else:
            by_label.setdefault(u.study.label, []).append(u)
    twice = [rows for rows in by_label.values() if len({r.study.time for r in rows}) < len(rows)]
    if twice:
        raise DataError(problems=[Problem("a time", rows[0].study.label, "must stand once in a study") for rows in twice])
    carried, cohorts = [], []
    for label, rows in by_label.items():
        rows.sort(key=lambda r: r.study.time or 0.0)
        times = tuple(r.study.time or 0.0 for r in rows)
        uncured, variance = _uncured(rows, np.array([timing.within(t) for t in times]))
        reached = timing.within(time)
        estimate = 1.0 - uncured * reached
        last = rows[-1]
        if not 0.0 < estimate < 1.0 or uncured > 1.0:
            out.append(LeftOut(row_of(last.study), "contradicts the timing: more events than the cohort has patients"))
            continue
        ref = row_of(last.study)
        if times != (time,):
            how = f"carried to {time:g} years from {', '.join(f'{t:g}' for t in times)}"
            ref = replace(ref, marks=(*last.marks, CARRIED), note="; ".join(filter(None, (ref.note, how))))
        else:
            ref = replace(ref, marks=last.marks)
        se = math.sqrt(variance) * reached
        carried.append(replace(last.study, estimate=estimate, se=se, ci_low=None, ci_high=None, events=None, time=time, row=ref))
        cohorts.append(
            JoinedCohort(
                label=label,
                year=last.study.year,
                times=times,
                factor=reached / timing.within(times[-1]),
                estimate=estimate,
                se=se,
                cure_fraction=1.0 - uncured,
                row=ref,
            )
        )
    return tuple(carried), tuple(cohorts), tuple(out)


def _uncured(rows: list[ScaledEstimate], shares: FloatArray) -> tuple[float, float]:
    """Generalised least squares of ``1 - S(t_j) = (1 - c) F(t_j)`` with the Kaplan-Meier covariance of S."""
    S, v = np.array([r.y for r in rows]), np.array([r.v for r in rows])
    u = np.maximum.accumulate(v / S**2)
    first = np.minimum.outer(np.arange(S.size), np.arange(S.size))
    covariance = np.outer(S, S) * u[first]
    # Equal neighbours (a flat tail) make it singular; a millionth of the diagonal keeps it solvable and changes no digit shown.
    covariance = covariance + np.diag(np.diag(covariance)) * (1e-6 if S.size > 1 else 0.0)
    weights = np.linalg.solve(covariance, shares)
    variance = 1.0 / float(shares @ weights)
    return float(weights @ (1.0 - S)) * variance, variance


def era_trend_joined(
    studies: Iterable[StudyEstimate],
    *,
    time: float = 5.0,
    timing: EventTiming,
    margin: float = 0.05,
    binomial: bool = True,
    base: Trail | None = None,
    **options: Any,
) -> JoinedTrend:
    """The trend over eras of survival at ``time`` years, cohorts at other times carried there by ``timing``.

    ``studies`` may hold several rows a cohort (one ``label``). ``options`` go to :func:`~nextarm.synthesis.trend.era_trend`.
    The trend is repeated with events later and earlier by half (``checks``): where the conclusion changes it says so.
    """
    given = tuple(studies)
    carried, cohorts, out = join_times(given, time=time, timing=timing, binomial=binomial)
    before = base or Trail(method="")
    words = timing.words or f"Weibull, shape {timing.shape:g}, scale {timing.scale:g} years"
    assumed = f"events of every cohort are timed alike ({words}); what differs is the share who never have one"
    kept = replace(before, left_out=(*before.left_out, *out), assumptions=(*before.assumptions, assumed))
    trend = era_trend(carried, margin=margin, binomial=binomial, base=kept, **options)
    checks = []
    for phrase, factor in LATER_AND_EARLIER:
        other = timing.stretched(factor, phrase)
        again = era_trend(join_times(given, time=time, timing=other, binomial=binomial)[0], margin=margin, binomial=binomial, **options)
        checks.append(
            TimingCheck(
                words=phrase,
                shape=other.shape,
                scale=other.scale,
                k=again.k,
                change=again.change,
                change_ci=again.change_ci,
                conclusion=again.verdict.conclusion,
            )
        )
    warnings = list(trend.warnings)
    changed = [f"with {c.words}: {c.conclusion}" for c in checks if c.conclusion != trend.verdict.conclusion]
    if changed:
        warnings.append(f"the conclusion depends on the timing of events: {'; '.join(changed)}")
    far = [c.label for c in cohorts if c.factor > 1.25]
    if far:
        warnings.append(f"carried by more than a quarter: {', '.join(far)}")
    rows = (*trend.trail.rows, *((timing.row,) if timing.row else ()))
    return JoinedTrend(
        trail=replace(trend.trail, method=f"cohorts carried to {time:g} years by a common latency; {trend.trail.method}", rows=rows),
        warnings=tuple(warnings),
        time=time,
        timing=timing,
        cohorts=cohorts,
        trend=trend,
        checks=tuple(checks),
    )
