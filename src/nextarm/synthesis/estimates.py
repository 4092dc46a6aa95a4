"""One study's printed estimate, and how it becomes a value with a variance on a scale.

The standard error is, in this order: the printed one; from the printed interval, on the scale whose midpoint gives
back the estimate; binomial from n (labelled, because censoring makes the true one larger). A row that allows none of
them, or whose estimate is 0 or 1 on a scale without those values, is refused with the reason, never adjusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.result import record
from nextarm.core.trail import LeftOut, RowRef, Trail
from nextarm.synthesis.scales import Scale, scale

#: The order in which scales of printed intervals are tried; the first of equally good ones is kept.
INTERVAL_SCALES: tuple[str, ...] = ("identity", "logit", "cloglog", "log")

BINOMIAL = "binomial SE"
#: Mark of a study whose estimate was not printed but made from its counts.
FROM_COUNTS = "estimate = events / n"
#: Standard errors of a probability outside these are slips; those of one pool may differ by ``MOST_RATIO`` times.
LEAST_SE, MOST_SE, MOST_RATIO = 1e-9, 1e3, 1e6
#: Below this many curves a model of their spread says so.
FEW_CURVES = 5


@record
class StudyEstimate:
    """What one study printed: an estimate on its natural scale with what is known of its precision.

    ``estimate`` a probability (or any quantity, see ``pool(probability=False)``); ``se`` its standard error;
    ``ci_low``, ``ci_high`` the printed interval at ``ci_level``; ``n`` patients, ``events`` events; ``time`` years
    from the origin; ``year`` mid-year of enrolment; ``group`` a word to group by (a cooperative group);
    ``moderators`` further study-level numbers by name; ``row`` the evidence row with its marks.
    """

    label: str
    estimate: float
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float = 0.95
    n: int | None = None
    events: int | None = None
    time: float | None = None
    year: float | None = None
    group: str = ""
    moderators: dict[str, float] = field(default_factory=dict)
    row: RowRef | None = None


@dataclass(frozen=True)
class ScaledEstimate:
    """A study on the scale of pooling: ``y`` with variance ``v``, and how the standard error was come by."""

    study: StudyEstimate
    y: float
    v: float
    se_basis: str
    marks: tuple[str, ...]


def two_sided_z(level: float) -> float:
    """Return the normal quantile of a two-sided interval, 1.959964 at 0.95; :class:`CallError` outside (0, 1)."""
    from scipy.special import ndtri

    if not 0.0 < level < 1.0:
        raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded", cure="Write 0.95 for 95 %")
    return float(ndtri(0.5 + level / 2.0))


def cautions_of(studies: Iterable[StudyEstimate]) -> list[str]:
    """What a list of studies makes one wary of: a study that stands twice, times of its own in each."""
    given = tuple(studies)
    names = [s.label for s in given]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    said = [f"{name} stands {names.count(name)} times: its rows are pooled as if they were independent studies" for name in twice]
    times = sorted({s.time for s in given if s.time is not None})
    if len(times) > 1 and times[-1] - times[0] > 1e-9:
        said.append(f"the studies report at {', '.join(f'{t:g}' for t in times)} years: these are not one quantity")
    return said


def row_of(study: StudyEstimate) -> RowRef:
    """Return the study's evidence row, or one that only names it."""
    return study.row or RowRef("studies", 0, study.label)


def extend(
    base: Trail | None,
    *,
    method: str,
    reference: str = "",
    used: Iterable[ScaledEstimate] = (),
    refused: Iterable[LeftOut] = (),
    seed: int | None = None,
    pooled: bool = False,
) -> Trail:
    """Make the trail of a synthesis: the rows used with their marks, those refused, and what ``base`` knew already.

    ``pooled``: the result is their pool, so that of a single one it is that row's own value.
    """
    before = base or Trail(method="")
    rows = tuple(replace(row_of(u.study), marks=u.marks) for u in used)
    return replace(
        before,
        method=method,
        reference=reference,
        rows=rows,
        left_out=(*before.left_out, *refused),
        seed=seed,
        of_row=pooled and len(rows) == 1,
    )


def se_from_interval(estimate: float, low: float, high: float, *, level: float = 0.95) -> tuple[float, Scale, str]:
    """Standard error of a printed interval, on the scale whose midpoint is nearest the printed estimate.

    Returns (standard error on that scale, the scale, a phrase). A limit at 0 or 1 was clipped: only a plain
    (identity) interval reaches it, so the other limit is used there. :class:`DataError` where neither limit helps.

    >>> se, on, phrase = se_from_interval(0.432, 0.307, 0.551)
    >>> on.name, round(se, 4)
    ('cloglog', 0.1744)
    """
    z = two_sided_z(level)
    if not low <= estimate <= high or low == high:
        raise DataError(f"interval {low} to {high}", rule=f"must contain the estimate {estimate} and have a width")
    probability = low >= 0.0 and high <= 1.0
    clipped_low, clipped_high = probability and low == 0.0, probability and high == 1.0
    if clipped_low and clipped_high:
        raise DataError("both limits of the interval are clipped at 0 and 1", rule="at least one must lie inside")
    if clipped_low or clipped_high:
        width = estimate - low if clipped_high else high - estimate
        if width <= 0.0:
            raise DataError("the only limit that is not clipped equals the estimate", rule="a standard error needs a width")
        return (
            width / z,
            scale("identity"),
            f"lower limit only, the upper is clipped at 1 ({level:.0%} interval)"
            if clipped_high
            else (f"upper limit only, the lower is clipped at 0 ({level:.0%} interval)"),
        )
    best: tuple[float, float, Scale] | None = None
    for name in INTERVAL_SCALES:
        on = scale(name)
        if not (on.holds(low) and on.holds(high) and on.holds(estimate)):
            continue
        ends = on.forward(low), on.forward(high)
        miss = abs(on.back((ends[0] + ends[1]) / 2.0) - estimate)
        if best is None or miss < best[0] - 1e-12:
            best = miss, abs(ends[1] - ends[0]) / (2.0 * z), on
    assert best is not None, "identity holds every finite interval"
    return best[1], best[2], f"{level:.0%} interval, symmetric on the {best[2].name} scale"


def _natural_se(study: StudyEstimate, *, binomial: bool) -> tuple[float, Scale, str]:
    """Return (SE, scale it is on, phrase); :class:`DataError` with the reason if there is none."""
    if study.se is not None:
        if not (math.isfinite(study.se) and study.se > 0.0):
            raise DataError(f"se = {study.se}", rule="must be above 0")
        return study.se, scale("identity"), "printed"
    if study.ci_low is not None and study.ci_high is not None:
        if not (math.isfinite(study.ci_low) and math.isfinite(study.ci_high)):
            raise DataError("the interval is not finite", rule="give numbers or leave it out")
        return se_from_interval(study.estimate, study.ci_low, study.ci_high, level=study.ci_level)
    if study.n is None:
        raise DataError("neither a standard error, an interval nor n is reported")
    if not binomial:
        raise DataError("neither a standard error nor an interval is reported", rule="binomial standard errors were switched off")
    if study.n < 1:
        raise DataError(f"n = {study.n}", rule="must be at least 1")
    if not 0.0 < study.estimate < 1.0:
        raise DataError(f"estimate = {study.estimate}", rule="has no binomial standard error")
    return math.sqrt(study.estimate * (1.0 - study.estimate) / study.n), scale("identity"), f"binomial from n = {study.n}"


def to_scale(study: StudyEstimate, *, measure: str = "cloglog", binomial: bool = True) -> ScaledEstimate:
    """Put one study on the scale ``measure``; :class:`DataError` says why where it cannot be.

    >>> put = to_scale(StudyEstimate(label="a", estimate=0.5, se=0.05), measure="logit")
    >>> put.y, round(put.v, 6), put.se_basis
    (0.0, 0.04, 'printed')
    """
    on = scale(measure)
    if not math.isfinite(study.estimate):
        raise DataError(f"estimate = {study.estimate}", rule="must be a number")
    if not on.holds(study.estimate):
        raise DataError(
            f"estimate = {study.estimate:g}",
            rule=f"cannot be put on the {measure} scale",
            cure="Pool events of n by their exact likelihood: pool_proportions, or --model binomial-normal",
        )
    se, se_scale, phrase = _natural_se(study, binomial=binomial)
    if se_scale.name == measure:
        se_y = se
    else:
        if not se_scale.holds(study.estimate):
            raise DataError(f"estimate = {study.estimate:g}", rule=f"cannot be put on the {se_scale.name} scale of its interval")
        se_y = se / abs(se_scale.slope(study.estimate)) * abs(on.slope(study.estimate))
    marks = study.row.marks if study.row else ()
    if phrase.startswith("binomial") and BINOMIAL not in marks:
        marks = (*marks, BINOMIAL)
    return ScaledEstimate(study, on.forward(study.estimate), se_y * se_y, phrase, marks)


def scale_all(
    studies: Iterable[StudyEstimate], *, measure: str, binomial: bool = True, probability: bool = True
) -> tuple[tuple[ScaledEstimate, ...], tuple[LeftOut, ...]]:
    """Put all studies on a scale; those that cannot be are returned as left out, each with its reason.

    With ``probability`` every estimate must lie in [0, 1]; :class:`DataError` lists all that do not, because percent
    given as a proportion is a slip and not a row to drop.
    """
    given = tuple(studies)
    scale(measure)
    if probability:
        wrong = [s for s in given if not 0.0 <= s.estimate <= 1.0]
        if wrong:
            percent = all(1.0 < s.estimate <= 100.0 for s in wrong)
            cure = "Percentages? Divide by 100 or use --percent" if percent else "For other quantities use --measure identity or log"
            raise DataError(problems=[Problem(f"estimate = {s.estimate:g}", s.label, "must lie between 0 and 1", cure) for s in wrong])
        odd = [s for s in given if s.se is not None and (0.0 < s.se < LEAST_SE or s.se > MOST_SE)]
        if odd:
            rule = f"is not plausible for a probability: must lie between {LEAST_SE:g} and {MOST_SE:g}"
            raise DataError(problems=[Problem(f"se = {s.se:g}", s.label, rule) for s in odd])
    done: list[ScaledEstimate] = []
    left: list[LeftOut] = []
    for study in given:
        try:
            done.append(to_scale(study, measure=measure, binomial=binomial))
        except DataError as error:
            left.append(LeftOut(row_of(study), str(error)))
    _comparable(done)
    return tuple(done), tuple(left)


def _comparable(done: list[ScaledEstimate]) -> None:
    """Raise :class:`DataError` where the precisions are too far apart for weighted sums in double precision."""
    if len(done) < 2:
        return
    sure, unsure = min(done, key=lambda d: d.v), max(done, key=lambda d: d.v)
    if unsure.v > sure.v * MOST_RATIO**2:
        what = f"the standard errors {math.sqrt(sure.v):.3g} ({sure.study.label}) and {math.sqrt(unsure.v):.3g} ({unsure.study.label})"
        raise DataError(what, rule=f"must not differ by more than {MOST_RATIO:g} times to be weighed together", cure="Check them")
