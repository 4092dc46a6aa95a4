"""Two published landmark estimates side by side: difference of S(t) and ratio of cumulative hazards, with intervals.

Nothing but the printed estimate of each arm and its printed precision is used; the arms are taken as independent.

- Difference ``S1 - S0``. Its limits join each arm's own limits by squaring and adding (MOVER, Newcombe 1998 doi
  10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, Zou & Donner 2008 doi 10.1002/sim.3095):
  ``low = d - sqrt((S1 - l1)^2 + (u0 - S0)^2)``, ``high = d + sqrt((u1 - S1)^2 + (S0 - l0)^2)``. It stays in [-1, 1].
- Ratio of cumulative hazards ``log S1 / log S0``, on the complementary log-log scale: a Wald interval of ``log(-log S1) -
  log(-log S0)`` (Klein et al. 2007, doi 10.1002/sim.2864). Under proportional hazards from one time origin it is the
  hazard ratio.

Limits of an arm are the printed ones where they are at the level asked for; else they are rebuilt on the complementary
log-log scale from the standard error (printed, or from the interval); with n alone they are Wilson's score limits, which
ignore censoring and are marked so.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import RowRef, Trail
from nextarm.core.units import require_probability
from nextarm.synthesis.estimates import BINOMIAL, StudyEstimate, row_of, to_scale, two_sided_z
from nextarm.synthesis.scales import scale

if TYPE_CHECKING:
    import polars as pl

#: What has to hold for the ratio of cumulative hazards to be a hazard ratio, and for either number to be an effect.
ASSUMPTIONS: tuple[str, ...] = (
    "the arms are independent and were treated and followed in the same way but for the treatment named",
    "the ratio of cumulative hazards at this time is a hazard ratio only if hazards are proportional from one time origin",
    "no adjustment for differences between the patients of the two arms",
)
_REFERENCE = "10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I"


@record
class LandmarkArm:
    """One arm of a comparison: S(t) with its interval, and log(-log S) with its standard error where it has one.

    ``limits_basis`` and ``se_basis`` say how each was come by; ``cloglog`` and ``cloglog_se`` are None at S = 0 or 1.
    """

    label: str
    survival: float
    ci: Interval
    limits_basis: str
    cloglog: float | None
    cloglog_se: float | None
    se_basis: str
    n: int | None
    year: float | None
    row: RowRef


@record
class LandmarkComparison(Result):
    """Treated against control at one time; a difference above 0 and a ratio below 1 favour the treated arm.

    ``cumulative_hazard_ratio`` (with ``log_ratio``, ``log_ratio_se``) is None where an arm's S is 0 or 1. Both p values
    are two-sided: of the ratio from the Wald statistic on the complementary log-log scale, of the difference from the
    interval half-width on the side of 0.
    """

    endpoint: str
    time: float | None
    level: float
    treated: LandmarkArm
    control: LandmarkArm
    difference: float
    difference_ci: Interval
    difference_p_two_sided: float
    cumulative_hazard_ratio: float | None
    ratio_ci: Interval | None
    ratio_p_two_sided: float | None
    log_ratio: float | None
    log_ratio_se: float | None

    shown: ClassVar[tuple[str, ...]] = (
        "endpoint", "time", "difference", "difference_ci_low", "difference_ci_high", "difference_p_two_sided",
        "cumulative_hazard_ratio", "ratio_ci_low", "ratio_ci_high", "ratio_p_two_sided", "level",
    )  # fmt: skip

    @property
    def hazard_ratio(self) -> float | None:
        """The ratio of cumulative hazards, read as a hazard ratio (proportional hazards, one time origin)."""
        return self.cumulative_hazard_ratio

    def table(self) -> pl.DataFrame:
        """One row; a ratio that does not exist is null."""
        import polars as pl

        ratio = self.ratio_ci
        row = {
            "endpoint": self.endpoint,
            "time": self.time,
            "treated": self.treated.survival,
            "control": self.control.survival,
            "difference": self.difference,
            "difference_ci_low": self.difference_ci.low,
            "difference_ci_high": self.difference_ci.high,
            "difference_p_two_sided": self.difference_p_two_sided,
            "cumulative_hazard_ratio": self.cumulative_hazard_ratio,
            "ratio_ci_low": ratio.low if ratio else None,
            "ratio_ci_high": ratio.high if ratio else None,
            "ratio_p_two_sided": self.ratio_p_two_sided,
            "level": self.level,
        }
        return pl.DataFrame([row])


def wilson_limits(estimate: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score limits of a proportion (1927, doi 10.1080/01621459.1927.10502953).

    >>> low, high = wilson_limits(0.1, 10)
    >>> round(low, 4), round(high, 4)
    (0.0179, 0.4042)
    """
    require_probability(estimate, "estimate")
    if n < 1:
        raise CallError(f"n = {n}", rule="must be at least 1")
    z2 = two_sided_z(level) ** 2
    middle = (estimate + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = math.sqrt(z2 * (estimate * (1.0 - estimate) / n + z2 / (4.0 * n * n))) / (1.0 + z2 / n)
    return (0.0 if estimate == 0.0 else max(0.0, middle - half)), (1.0 if estimate == 1.0 else min(1.0, middle + half))


def square_and_add(first: float, first_ci: tuple[float, float], second: float, second_ci: tuple[float, float]) -> tuple[float, float]:
    """Limits of ``first - second`` from each one's own limits at one level (MOVER).

    >>> low, high = square_and_add(56 / 70, wilson_limits(56 / 70, 70), 48 / 80, wilson_limits(48 / 80, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    d = first - second
    low = d - math.hypot(first - first_ci[0], second_ci[1] - second)
    high = d + math.hypot(first_ci[1] - first, second - second_ci[0])
    return low, high


def landmark_arm(study: StudyEstimate, *, level: float = 0.95) -> LandmarkArm:
    """Put one printed estimate of S(t) in the form a comparison needs; :class:`DataError` if it has no precision."""
    s = study.estimate
    if not (math.isfinite(s) and 0.0 <= s <= 1.0):
        cure = "Give a proportion, not a percentage" if 1.0 < s <= 100.0 else ""
        raise DataError(f"estimate = {s}", where=study.label, rule="must lie between 0 and 1", cure=cure)
    cloglog = cloglog_se = None
    se_basis, marks = "none: S is 0 or 1", row_of(study).marks
    if 0.0 < s < 1.0:
        put = to_scale(study, measure="cloglog")
        cloglog, cloglog_se, se_basis, marks = put.y, math.sqrt(put.v), put.se_basis, put.marks
    low, high, basis = _limits(study, cloglog, cloglog_se, level)
    if basis.startswith("Wilson") and BINOMIAL not in marks:
        marks = (*marks, BINOMIAL)
    return LandmarkArm(
        label=study.label,
        survival=s,
        ci=Interval(low=low, high=high, level=level),
        limits_basis=basis,
        cloglog=cloglog,
        cloglog_se=cloglog_se,
        se_basis=se_basis,
        n=study.n,
        year=study.year,
        row=replace(row_of(study), marks=marks),
    )


def _limits(study: StudyEstimate, cloglog: float | None, se: float | None, level: float) -> tuple[float, float, str]:
    s, low, high = study.estimate, study.ci_low, study.ci_high
    if low is not None and high is not None and 0.0 <= low <= s <= high <= 1.0 and abs(study.ci_level - level) < 1e-9:
        return low, high, "printed"
    alone = study.se is None and (low is None or high is None)
    if alone and study.n is not None:
        return *wilson_limits(s, study.n, level=level), f"Wilson from n = {study.n}, which ignores censoring"
    if cloglog is None or se is None:
        raise DataError(f"estimate = {s:g}", where=study.label, rule="has no interval at this level", cure="Give the printed interval or n")
    z, on = two_sided_z(level), scale("cloglog")
    low, high = on.natural_interval(cloglog - z * se, cloglog + z * se)
    return low, high, f"rebuilt on the cloglog scale, standard error {'printed' if study.se is not None else 'from the printed interval'}"


def compare_landmarks(
    treated: StudyEstimate,
    control: StudyEstimate,
    *,
    endpoint: str = "",
    level: float = 0.95,
    assumptions: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
    base: Trail | None = None,
) -> LandmarkComparison:
    """Compare two published estimates of S at one time.

    ``treated`` and ``control`` are probabilities of survival at the same time after the same origin; whether they are is
    for the caller to know (:func:`nextarm.borrowing.compare_arms` checks it for evidence rows) and goes into
    ``assumptions``. ``base`` is a trail whose sources, inputs and left-out rows are kept.

    Raises :class:`RefusedError` for two different times, :class:`DataError` where an arm has no usable precision.

    >>> blin = StudyEstimate(label="blinatumomab", estimate=0.833, ci_low=0.645, ci_high=0.927, n=30, time=4.0)
    >>> chemo = StudyEstimate(label="Interfant-06", estimate=0.440, ci_low=0.370, ci_high=0.508, time=4.0)
    >>> found = compare_landmarks(blin, chemo, endpoint="DFS")
    >>> round(found.difference, 3), round(found.difference_ci.low, 3), round(found.difference_ci.high, 3)
    (0.393, 0.193, 0.51)
    >>> round(found.hazard_ratio, 3), round(found.ratio_ci.low, 3), round(found.ratio_ci.high, 3)
    (0.223, 0.091, 0.547)
    """
    if treated.time is not None and control.time is not None and abs(treated.time - control.time) > 1e-9:
        raise RefusedError(
            f"{treated.label} is reported at {treated.time:g} years and {control.label} at {control.time:g}",
            rule="only estimates at one time can be compared",
            cure="Choose a time that both arms report",
        )
    one, two = landmark_arm(treated, level=level), landmark_arm(control, level=level)
    z = two_sided_z(level)
    d = one.survival - two.survival
    low, high = square_and_add(one.survival, (one.ci.low, one.ci.high), two.survival, (two.ci.low, two.ci.high))
    said = list(warnings)
    ratio = ratio_ci = p = log_ratio = se = None
    if one.cloglog is not None and two.cloglog is not None and one.cloglog_se is not None and two.cloglog_se is not None:
        log_ratio, se = one.cloglog - two.cloglog, math.hypot(one.cloglog_se, two.cloglog_se)
        ratio = math.exp(log_ratio)
        ratio_ci = Interval(low=math.exp(log_ratio - z * se), high=math.exp(log_ratio + z * se), level=level)
        p = _two_sided(log_ratio / se)
    else:
        said.append("an arm's survival is 0 or 1: no ratio of cumulative hazards")
    said += [f"{arm.label}: precision from n alone, which ignores censoring" for arm in (one, two) if BINOMIAL in arm.row.marks]
    half = d - low if d >= 0.0 else high - d
    before = base or Trail(method="")
    return LandmarkComparison(
        trail=replace(
            before,
            method=(
                "external comparison of two published landmark estimates: difference by squaring and adding the arms' own "
                "limits, ratio of cumulative hazards with a Wald interval on the complementary log-log scale"
            ),
            reference=_REFERENCE,
            rows=(one.row, two.row),
            assumptions=(*before.assumptions, *assumptions, *ASSUMPTIONS),
        ),
        warnings=tuple(said),
        endpoint=endpoint,
        time=treated.time if treated.time is not None else control.time,
        level=level,
        treated=one,
        control=two,
        difference=d,
        difference_ci=Interval(low=max(low, -1.0), high=min(high, 1.0), level=level),
        difference_p_two_sided=_two_sided(z * d / half) if half > 0.0 else 1.0,
        cumulative_hazard_ratio=ratio,
        ratio_ci=ratio_ci,
        ratio_p_two_sided=p,
        log_ratio=log_ratio,
        log_ratio_se=se,
    )


def _two_sided(z: float) -> float:
    """Two-sided normal p value."""
    return math.erfc(abs(z) / math.sqrt(2.0))
