"""Drift between eras: what a comparison says if the control would have done better (or worse) in the treated patients' years.

The slope a decade on the log cumulative hazard, with its uncertainty, is learnt from the trend over eras of other cohorts
(:func:`nextarm.synthesis.era_trend`) and used as a normal prior ``N(m, s^2)``. Over ``d`` decades the control's ``log H`` moves by
``N(m d, s^2 d^2)``, and where asked for by the between-study sd as well; the comparison is read again with that shift and the wider
error (bias as a prior: Greenland 2005, doi 10.1111/j.1467-985X.2004.00349.x).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from nextarm.borrowing.landmark import LandmarkComparison, square_and_add
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import require_positive
from nextarm.synthesis import EraTrend
from nextarm.synthesis.estimates import two_sided_z

_REFERENCE = "10.1111/j.1467-985X.2004.00349.x"


@record
class DriftPrior(Result):
    """Change of the log cumulative hazard a decade (below 0: later patients do better), ``N(mean, sd^2)``.

    ``between_sd`` is the sd between studies of one era that the trend leaves, ``k`` the cohorts it was learnt from.
    """

    mean: float
    sd: float
    between_sd: float
    k: int

    shown: ClassVar[tuple[str, ...]] = ("mean", "sd", "between_sd", "k")


@record
class DriftedComparison(Result):
    """A landmark comparison read again under drift over ``years``; a ratio that does not exist is None."""

    years: float
    shift: float
    shift_sd: float
    control_survival: float
    difference: float
    difference_ci: Interval
    ratio: float
    ratio_ci: Interval

    shown: ClassVar[tuple[str, ...]] = (
        "years", "shift", "shift_sd", "control_survival", "difference", "difference_ci_low", "difference_ci_high", "ratio", "ratio_ci_low",
        "ratio_ci_high",
    )  # fmt: skip


def drift_prior(trend: EraTrend) -> DriftPrior:
    """The prior on drift that a trend over eras gives: its slope a decade on the cloglog scale, log cumulative hazard.

    The sd is the half-width of the slope's interval over the normal quantile, so that a t interval stays as wide. Raises
    :class:`RefusedError` where no line could be fitted or another scale was used.
    """
    fit = trend.regression
    if fit is None:
        raise RefusedError(
            "the trend has no line", rule="; ".join(trend.warnings) or "too few cohorts", cure="Give a prior: DriftPrior(mean, sd)"
        )
    if fit.measure != "cloglog":
        raise RefusedError(
            f"the trend is on the {fit.measure} scale", rule="drift is a change of log cumulative hazard", cure="measure='cloglog'"
        )
    year = fit.coefficient("year")
    sd = (year.ci.high - year.ci.low) / (2.0 * two_sided_z(year.ci.level))
    return DriftPrior(
        trail=replace(
            fit.trail,
            method=f"prior on drift from the trend over {fit.k} cohorts: change of log cumulative hazard a decade",
            assumptions=(*fit.trail.assumptions, "the control would have drifted as those cohorts did"),
        ),
        warnings=(f"the trend rests on {fit.k} cohorts",) if fit.k < 8 else (),
        mean=year.estimate,
        sd=sd,
        between_sd=math.sqrt(fit.tau2),
        k=fit.k,
    )


def stated_drift(mean: float, sd: float, *, between_sd: float = 0.0) -> DriftPrior:
    """A prior on drift stated by the user, as :class:`DriftPrior`.

    >>> stated_drift(-0.2, 0.1).trail.assumptions
    ('drift of the log cumulative hazard a decade ~ N(-0.2, 0.1^2), stated',)
    """
    if not math.isfinite(mean):
        raise CallError(f"mean = {mean}", rule="must be a number")
    for name, value in (("sd", sd), ("between_sd", between_sd)):
        if not (math.isfinite(value) and value >= 0.0):
            raise CallError(f"{name} = {value}", rule="must be a number, 0 or above")
    words = f"drift of the log cumulative hazard a decade ~ N({mean:g}, {sd:g}^2), stated"
    return DriftPrior(trail=Trail(method="stated prior on drift", assumptions=(words,)), mean=mean, sd=sd, between_sd=between_sd, k=0)


def under_drift(comparison: LandmarkComparison, prior: DriftPrior, *, years: float, between: bool = False) -> DriftedComparison:
    """Read ``comparison`` again as if its control had been treated ``years`` later.

    ``between`` adds the sd between studies of one era. Raises :class:`RefusedError` where the comparison has no ratio.

    >>> from nextarm.borrowing.landmark import compare_landmarks
    >>> from nextarm.synthesis import StudyEstimate
    >>> a, b = (StudyEstimate(label=x, estimate=e, se=0.05) for x, e in (("new", 0.8), ("old", 0.5)))
    >>> round(under_drift(compare_landmarks(a, b), stated_drift(-0.3, 0.1), years=10).ratio, 3)
    0.435
    """
    require_positive(years, "years", "years")
    log_ratio, se, arm = comparison.log_ratio, comparison.log_ratio_se, comparison.control
    if log_ratio is None or se is None or arm.cloglog is None or arm.cloglog_se is None:
        raise RefusedError("the comparison has no ratio of cumulative hazards", rule="an arm's survival is 0 or 1")
    z, decades = two_sided_z(comparison.level), years / 10.0
    shift = prior.mean * decades
    extra = math.hypot(prior.sd * decades, prior.between_sd if between else 0.0)
    b, error = log_ratio - shift, math.hypot(se, extra)
    line, line_error = arm.cloglog + shift, math.hypot(arm.cloglog_se, extra)
    s0, low0, high0 = (math.exp(-math.exp(line + c * line_error)) for c in (0.0, z, -z))
    one = comparison.treated
    low, high = square_and_add(one.survival, (one.ci.low, one.ci.high), s0, (low0, high0))
    before = comparison.trail
    told = f"drift over {years:g} years: log cumulative hazard of the control moves by {shift:+.3f} (sd {extra:.3f})"
    return DriftedComparison(
        trail=replace(
            before,
            method="comparison read again under drift of the control between eras",
            reference=_REFERENCE,
            rows=tuple(dict.fromkeys((*before.rows, *prior.trail.rows))),
            sources=tuple(dict.fromkeys((*before.sources, *prior.trail.sources))),
            assumptions=(*before.assumptions, *prior.trail.assumptions, told),
        ),
        warnings=(*comparison.warnings, *prior.warnings),
        years=years,
        shift=shift,
        shift_sd=extra,
        control_survival=s0,
        difference=one.survival - s0,
        difference_ci=Interval(low=max(low, -1.0), high=min(high, 1.0), level=comparison.level),
        ratio=math.exp(b),
        ratio_ci=Interval(low=math.exp(b - z * error), high=math.exp(b + z * error), level=comparison.level),
    )
