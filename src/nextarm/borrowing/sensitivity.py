"""One comparison under many stated biases, side by side, and the smallest bias that overturns it.

The array holds the comparison as published and read again under: drift between eras, a control that should have done better, a share
of patients who were never counted, an unmeasured confounder of stated strength, and a sceptical prior. No row is the truth; the array
shows how far the finding bends before it breaks.

A confounder that multiplies the risk by r in those exposed to it and is r times as common in one group moves a risk ratio by
at most ``B = r^2 / (2 r - 1)`` (the bounding factor behind the E-value, VanderWeele & Ding 2017, doi 10.7326/M16-2607); a hazard ratio of
a common event is put on that scale and back (:func:`~nextarm.borrowing.e_value.risk_ratio_of`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nextarm.borrowing.drift import DriftPrior, under_drift
from nextarm.borrowing.e_value import RARE, EValue, e_value, risk_ratio_of
from nextarm.borrowing.landmark import LandmarkComparison
from nextarm.borrowing.sceptical import sceptical_posterior
from nextarm.borrowing.tipping import TippingPoint, tipping_point, under_bias
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.survival.roots import brentq
from nextarm.synthesis.estimates import two_sided_z

if TYPE_CHECKING:
    import polars as pl

POINTS, SHARES, CONFOUNDERS, DRIFT_YEARS = (0.05, 0.10, 0.15, 0.20), (0.05, 0.10, 0.20, 0.30), (1.5, 2.0, 3.0), (5.0, 10.0)
_REFERENCE = "10.7326/M16-2607"


@record
class SensitivityRow:
    """The ratio of cumulative hazards under one bias; ``holds`` says whether its interval still leaves out 1.

    ``key`` is a short name, ``group`` the kind of bias, ``label`` its size in words.
    """

    key: str
    group: str
    label: str
    ratio: float
    ci: Interval
    holds: bool
    trail: Trail


@record
class SensitivityArray(Result):
    """Rows in order, the first as published; ``tipping`` and ``e_value`` say at which bias the finding goes.

    ``first_to_break`` is the mildest row of each group whose interval reaches 1, by ``key``.
    """

    endpoint: str
    time: float | None
    rows: tuple[SensitivityRow, ...]
    tipping: TippingPoint
    e_value: EValue
    first_to_break: tuple[str, ...]
    sentence: str

    def row(self, key: str) -> SensitivityRow:
        """The row of that key; :class:`CallError` lists the keys."""
        for r in self.rows:
            if r.key == key:
                return r
        raise CallError(f"row = {key!r}", rule=f"must be one of {', '.join(r.key for r in self.rows)}")

    def table(self) -> pl.DataFrame:
        """One row an analysis."""
        import polars as pl

        rows = [
            {"group": r.group, "analysis": r.label, "ratio": r.ratio, "ci_low": r.ci.low, "ci_high": r.ci.high, "holds": r.holds}
            for r in self.rows
        ]
        return pl.DataFrame(rows, infer_schema_length=None)


def bounding_factor(strength: float) -> float:
    """The most by which a confounder of this strength on both sides moves a risk ratio; the E-value is its inverse.

    >>> bounding_factor(2.0)
    1.3333333333333333
    """
    if not (math.isfinite(strength) and strength >= 1.0):
        raise CallError(f"strength = {strength}", rule="must be 1 or above")
    return strength * strength / (2.0 * strength - 1.0)


def hazard_ratio_of(risk_ratio: float, *, rare: bool) -> float:
    """The hazard ratio that :func:`~nextarm.borrowing.e_value.risk_ratio_of` turns into ``risk_ratio``.

    >>> round(hazard_ratio_of(risk_ratio_of(0.4, rare=False), rare=False), 10)
    0.4
    """
    if rare:
        return risk_ratio
    return math.exp(
        float(brentq(lambda x: math.log(risk_ratio_of(math.exp(x), rare=False)) - math.log(risk_ratio), -12.0, 12.0, xtol=1e-13))
    )


def sensitivity_array(
    comparison: LandmarkComparison,
    *,
    drift: DriftPrior | Mapping[str, DriftPrior] | None = None,
    drift_years: Sequence[float] = DRIFT_YEARS,
    points: Sequence[float] = POINTS,
    shares: Sequence[float] = SHARES,
    confounders: Sequence[float] = CONFOUNDERS,
) -> SensitivityArray:
    """Read ``comparison`` again under each stated bias, all against the finding.

    ``drift`` is a prior on drift, or several by name; ``drift_years`` are used with it, and the spread between cohorts is added.
    Raises :class:`RefusedError` where the comparison has no ratio.
    """
    ratio, ci = comparison.cumulative_hazard_ratio, comparison.ratio_ci
    if ratio is None or ci is None:
        raise RefusedError("the comparison has no ratio of cumulative hazards", rule="an arm's survival is 0 or 1")
    better = ratio < 1.0
    drifts = {} if drift is None else {"": drift} if isinstance(drift, DriftPrior) else dict(drift)
    rows = [_row("published", "As published", "no bias", ratio, ci, comparison.trail)]
    for i, (name, prior) in enumerate(drifts.items(), start=1):
        for years in drift_years:
            d = under_drift(comparison, prior, years=years, between=True)
            rows.append(_row(f"drift-{i}-{years:g}", _drift_group(name), f"{years:g} years apart", d.ratio, d.ratio_ci, d.trail))
    s0, s1 = comparison.control.survival, comparison.treated.survival
    for b in points:
        moved = s0 + b if better else s0 - b
        if 0.0 < moved < 1.0:
            biased = under_bias(comparison, hazard_ratios=(math.log(moved) / math.log(s0),))
            one = biased.rows[0]
            group, label = f"The control should have done {'better' if better else 'worse'}", f"by {100 * b:g} points"
            rows.append(_of(f"points-{round(100 * b)}", group, label, one.ratio, one.ratio_ci, biased.trail))
    rows += [_never_counted(comparison, q) for q in shares if better]
    rare = min(s0, s1) >= 1.0 - RARE
    for strength in confounders:
        factor = bounding_factor(strength) ** (1.0 if better else -1.0)
        through = [hazard_ratio_of(risk_ratio_of(x, rare=rare) * factor, rare=rare) for x in (ratio, ci.low, ci.high)]
        told = f"a confounder {strength:g} times as common in one group that multiplies the risk by {strength:g}"
        made = Interval(low=through[1], high=through[2], level=ci.level)
        rows.append(
            _row(
                f"confounder-{strength:g}",
                "Unmeasured confounder, risk ratio on both sides",
                f"{strength:g}",
                through[0],
                made,
                _told(comparison, told),
            )
        )
    sceptic = sceptical_posterior(comparison, level=comparison.level)
    rows.append(_row("sceptic", "Sceptical prior", "5 % chance of a ratio below 0.5", sceptic.hazard_ratio, sceptic.ci, sceptic.trail))
    broken: dict[str, str] = {}
    for r in rows:
        if not r.holds:
            broken.setdefault(r.group, r.key)
    tip, e = tipping_point(comparison), e_value(comparison)
    return SensitivityArray(
        trail=replace(comparison.trail, method="one comparison under an array of stated biases", reference=_REFERENCE),
        warnings=tuple(dict.fromkeys((*comparison.warnings, *(w for d in drifts.values() for w in d.warnings)))),
        endpoint=comparison.endpoint,
        time=comparison.time,
        rows=tuple(rows),
        tipping=tip,
        e_value=e,
        first_to_break=tuple(broken.values()),
        sentence=overturning_sentence(tip, e),
    )


def overturning_sentence(tip: TippingPoint, e: EValue | None = None) -> str:
    """Name the smallest bias of each kind that would overturn a comparison, in plain words.

    >>> from nextarm.borrowing.landmark import compare_landmarks
    >>> from nextarm.synthesis import StudyEstimate
    >>> a, b = (StudyEstimate(label=x, estimate=v, se=0.05, time=4.0) for x, v in (("new", 0.8), ("old", 0.5)))
    >>> overturning_sentence(tipping_point(compare_landmarks(a, b, endpoint="DFS")))[:56]
    'It would be overturned by a control whose DFS at 4 years'
    """
    if not tip.finding:
        return "There is no finding to overturn: the interval of the difference holds 0."
    what = f"{tip.endpoint or 'survival'}{f' at {tip.time:g} years' if tip.time is not None else ''}"
    points = 100.0 * abs(tip.points_tips)
    parts = [f"a control whose {what} should have been {points:.0f} points {'higher' if tip.points_tips > 0 else 'lower'}"]
    if tip.finding_on_ratio and tip.ratio_tips is not None:
        parts.append(f"a control whose cumulative hazard should have been {tip.ratio_tips:.2f} times what it was")
    if tip.excluded_tips:
        parts.append(f"{tip.excluded_tips:.0%} of the patients having failed before they could be counted as treated")
    if e is not None and e.e_value_limit is not None and e.e_value_limit > 1.0:
        parts.append(f"an unmeasured confounder with a risk ratio of {e.e_value_limit:.1f} with both treatment and outcome")
    return f"It would be overturned by {', or by '.join(parts)}."


def _drift_group(name: str) -> str:
    return f"Drift as in {name}" if name else "Drift between eras"


def _row(key: str, group: str, label: str, ratio: float, ci: Interval, trail: Trail) -> SensitivityRow:
    return SensitivityRow(key=key, group=group, label=label, ratio=ratio, ci=ci, holds=ci.high < 1.0 or ci.low > 1.0, trail=trail)


def _of(key: str, group: str, label: str, ratio: float | None, ci: Interval | None, trail: Trail) -> SensitivityRow:
    assert ratio is not None
    assert ci is not None
    return _row(key, group, label, ratio, ci, trail)


def _never_counted(comparison: LandmarkComparison, q: float) -> SensitivityRow:
    """The treated arm's survival and its limits shrink by the share ``q`` of patients who failed before they could be counted.

    ``-log(1 - q)`` is added to the cumulative hazard and to its limits; the two arms are joined by squaring and adding
    on its logarithm, which at q = 0 is the published interval.
    """
    one, two = comparison.treated, comparison.control
    assert one.cloglog is not None
    assert one.cloglog_se is not None
    assert two.cloglog is not None
    assert two.cloglog_se is not None
    z, gone = two_sided_z(comparison.level), -math.log1p(-q)
    low, middle, high = (math.log(math.exp(one.cloglog + step * one.cloglog_se) + gone) for step in (-z, 0.0, z))
    b, reach = middle - two.cloglog, z * two.cloglog_se
    ci = Interval(
        low=math.exp(b - math.hypot(middle - low, reach)), high=math.exp(b + math.hypot(high - middle, reach)), level=comparison.level
    )
    told = _told(comparison, f"{100 * q:g} % of the treated failed before they could be counted")
    group = "Treated patients who failed early were never counted"
    return _row(f"share-{round(100 * q)}", group, f"{100 * q:g} %", math.exp(b), ci, told)


def _told(comparison: LandmarkComparison, text: str) -> Trail:
    before = comparison.trail
    return replace(
        before, method="comparison read again under a stated bias", reference=_REFERENCE, assumptions=(*before.assumptions, text)
    )
