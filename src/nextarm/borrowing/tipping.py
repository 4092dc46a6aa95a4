"""How large a bias would remove the finding: selection of patients or drift between eras, in the reader's currencies.

An external control can be worse off than the treated patients would have been without the treatment. By how much it must
be, for the interval to touch no effect (``tips``) and for the estimate itself to vanish (``vanishes``):

- ``points``: the control's S(t) would have been higher by b; the difference and its limits move down by b;
- ``ratio``: the control's cumulative hazard would have been multiplied by g, its survival ``S0^g``; the ratio of cumulative
  hazards and its limits are divided by g;
- ``excluded``: a share q of the patients who would have been treated failed before they could be counted (selection,
  immortal time: Suissa 2008, doi 10.1093/aje/kwm324), so that the comparable survival is ``(1 - q) S1``;
- ``drift``: the points, spread evenly over the years between the middles of enrolment, per decade.

``drift_sd`` is the sd of an uncertain bias ``N(0, d^2)`` on the log ratio that widens the interval until it touches 1
(bias as a prior: Greenland 2005, doi 10.1111/j.1467-985X.2004.00349.x). Each bias leaves the printed precision as it is.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from nextarm.borrowing.landmark import LandmarkComparison
from nextarm.core.errors import CallError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.survival.roots import brentq
from nextarm.synthesis.estimates import two_sided_z

if TYPE_CHECKING:
    import polars as pl

_REFERENCE = "10.1111/j.1467-985X.2004.00349.x"


@record
class TippingPoint(Result):
    """The smallest biases that overturn a comparison.

    ``points_tips`` and ``points_vanishes`` in survival (positive: the control did worse than it should have);
    ``ratio_tips`` and ``ratio_vanishes`` as hazard ratios on the control's cumulative hazard. ``finding`` says whether the
    interval of the difference leaves out 0, ``finding_on_ratio`` whether that of the ratio leaves out 1; without a finding
    nothing is needed to remove it and the biases that tip are 0 points and a ratio of 1. The excluded share is None
    where the treated arm does not do better, the drift where a year of enrolment is unknown or both are equal.
    """

    endpoint: str
    time: float | None
    level: float
    finding: bool
    finding_on_ratio: bool
    control_survival: float
    points_tips: float
    points_vanishes: float
    ratio_tips: float | None
    ratio_vanishes: float | None
    control_survival_at_ratio_tips: float | None
    excluded_tips: float | None
    excluded_vanishes: float | None
    years_between: float | None
    drift_per_decade_tips: float | None
    drift_per_decade_vanishes: float | None
    drift_sd: float | None

    shown: ClassVar[tuple[str, ...]] = (
        "endpoint", "time", "finding", "points_tips", "points_vanishes", "ratio_tips", "ratio_vanishes",
        "control_survival_at_ratio_tips", "excluded_tips", "drift_per_decade_tips", "drift_sd",
    )  # fmt: skip


@record
class BiasedComparison:
    """The comparison under one bias of the control: ``points`` of survival, or a factor on its cumulative hazard.

    Fields of the currency that was not used are None.
    """

    points: float | None
    hazard_ratio: float | None
    control_survival: float
    difference: float | None
    difference_ci: Interval | None
    ratio: float | None
    ratio_ci: Interval | None


@record
class BiasTable(Result):
    """A comparison under a range of biases, each a :class:`BiasedComparison`, in the order given."""

    rows: tuple[BiasedComparison, ...]

    def table(self) -> pl.DataFrame:
        """One row a bias."""
        import polars as pl

        columns = ("points", "hazard_ratio", "control_survival", "difference", "ratio")
        rows = []
        for r in self.rows:
            row = {c: getattr(r, c) for c in columns}
            for name, ci in (("difference", r.difference_ci), ("ratio", r.ratio_ci)):
                row |= {f"{name}_low": ci.low if ci else None, f"{name}_high": ci.high if ci else None}
            rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)


def tipping_point(comparison: LandmarkComparison) -> TippingPoint:
    """The smallest bias of the control at which the finding goes, and at which the estimate itself goes.

    >>> from nextarm.borrowing.landmark import compare_landmarks
    >>> from nextarm.synthesis import StudyEstimate
    >>> blin = StudyEstimate(label="blinatumomab", estimate=0.833, ci_low=0.645, ci_high=0.927, time=4.0)
    >>> chemo = StudyEstimate(label="Interfant-06", estimate=0.440, ci_low=0.370, ci_high=0.508, time=4.0)
    >>> found = tipping_point(compare_landmarks(blin, chemo))
    >>> round(found.points_tips, 3), round(found.ratio_tips, 3), round(found.control_survival_at_ratio_tips, 3)
    (0.193, 0.547, 0.638)
    """
    d, ci = comparison.difference, comparison.difference_ci
    finding = ci.low > 0.0 or ci.high < 0.0
    tips = (ci.low if d > 0.0 else ci.high) if finding else 0.0
    ratio, ratio_ci, control = comparison.cumulative_hazard_ratio, comparison.ratio_ci, comparison.control.survival
    ratio_tips = shifted = drift_sd = None
    on_ratio = False
    if ratio is not None and ratio_ci is not None and comparison.log_ratio is not None and comparison.log_ratio_se is not None:
        on_ratio = ratio_ci.high < 1.0 or ratio_ci.low > 1.0
        ratio_tips = (ratio_ci.high if ratio < 1.0 else ratio_ci.low) if on_ratio else 1.0
        shifted = control**ratio_tips
        room = (comparison.log_ratio / two_sided_z(comparison.level)) ** 2 - comparison.log_ratio_se**2
        drift_sd = math.sqrt(room) if on_ratio and room > 0.0 else None
    years = None
    if comparison.treated.year is not None and comparison.control.year is not None:
        years = comparison.treated.year - comparison.control.year or None
    said = () if finding else ("the interval of the difference holds 0: no bias is needed to remove a finding",)
    return TippingPoint(
        trail=_trail(comparison, "smallest bias of the control that removes the finding"),
        warnings=(*comparison.warnings, *said),
        endpoint=comparison.endpoint,
        time=comparison.time,
        level=comparison.level,
        finding=finding,
        finding_on_ratio=on_ratio,
        control_survival=control,
        points_tips=tips,
        points_vanishes=d,
        ratio_tips=ratio_tips,
        ratio_vanishes=ratio,
        control_survival_at_ratio_tips=shifted,
        excluded_tips=(_excluded(comparison) if finding else 0.0) if d > 0.0 else None,
        excluded_vanishes=1.0 - control / comparison.treated.survival if d > 0.0 else None,
        years_between=years,
        drift_per_decade_tips=None if years is None else 10.0 * tips / years,
        drift_per_decade_vanishes=None if years is None else 10.0 * d / years,
        drift_sd=drift_sd,
    )


def _excluded(comparison: LandmarkComparison) -> float:
    """The share q at which ``(1 - q) S1 - S0`` has an interval that touches 0; the treated arm's limits shrink with S1."""
    one, two = comparison.treated, comparison.control
    down, up = one.survival - one.ci.low, two.ci.high - two.survival

    def lower_limit(q: float) -> float:
        return (1.0 - q) * one.survival - two.survival - math.hypot((1.0 - q) * down, up)

    return float(brentq(lower_limit, 0.0, 1.0 - two.survival / one.survival, xtol=1e-14))


def under_bias(comparison: LandmarkComparison, *, points: tuple[float, ...] = (), hazard_ratios: tuple[float, ...] = ()) -> BiasTable:
    """Read a comparison again under stated biases of the control.

    ``points`` are added to the control's survival (the result must stay in [0, 1]), ``hazard_ratios`` multiply its
    cumulative hazard. :class:`CallError` for a value outside its domain or where there is no ratio to bias.

    >>> from nextarm.borrowing.landmark import compare_landmarks
    >>> from nextarm.synthesis import StudyEstimate
    >>> a, b = (StudyEstimate(label=x, estimate=e, se=0.05) for x, e in (("new", 0.8), ("old", 0.5)))
    >>> [round(r.difference, 2) for r in under_bias(compare_landmarks(a, b), points=(0.0, 0.1)).rows]
    [0.3, 0.2]
    """
    s0, d, ci = comparison.control.survival, comparison.difference, comparison.difference_ci
    ratio, ratio_ci = comparison.cumulative_hazard_ratio, comparison.ratio_ci
    rows = []
    for b in points:
        if not 0.0 <= s0 + b <= 1.0:
            raise CallError(f"points = {b}", rule=f"must keep the control's survival {s0:g} between 0 and 1")
        moved = Interval(low=max(ci.low - b, -1.0), high=min(ci.high - b, 1.0), level=ci.level)
        rows.append(_biased(points=b, control_survival=s0 + b, difference=d - b, difference_ci=moved))
    for g in hazard_ratios:
        if ratio is None or ratio_ci is None:
            raise CallError("the comparison has no ratio of cumulative hazards", rule="an arm's survival is 0 or 1")
        if not (math.isfinite(g) and g > 0.0):
            raise CallError(f"hazard_ratios = {g}", rule="must be above 0")
        moved = Interval(low=ratio_ci.low / g, high=ratio_ci.high / g, level=ratio_ci.level)
        rows.append(_biased(hazard_ratio=g, control_survival=s0**g, ratio=ratio / g, ratio_ci=moved))
    return BiasTable(trail=_trail(comparison, "comparison under stated biases of the control"), rows=tuple(rows))


def _biased(
    *,
    control_survival: float,
    points: float | None = None,
    hazard_ratio: float | None = None,
    difference: float | None = None,
    difference_ci: Interval | None = None,
    ratio: float | None = None,
    ratio_ci: Interval | None = None,
) -> BiasedComparison:
    return BiasedComparison(
        points=points,
        hazard_ratio=hazard_ratio,
        control_survival=control_survival,
        difference=difference,
        difference_ci=difference_ci,
        ratio=ratio,
        ratio_ci=ratio_ci,
    )


def _trail(comparison: LandmarkComparison, method: str) -> Trail:
    return replace(comparison.trail, method=method, reference=_REFERENCE)
