"""Has the outcome changed over eras, or is it on a plateau? Read against a margin stated beforehand.

A meta-regression on the mid-year of enrolment gives the slope a decade. On the natural scale it is read as ``change =
g^-1(b0 + b1/2) - g^-1(b0 - b1/2)``, the change over a decade around the fitted level ``b0`` of the mean year (held
fixed, so that an interval of the slope carries over limit by limit). Against ``margin``: two one-sided tests
(Schuirmann 1987, doi 10.1007/BF01068419) and the posterior share of slopes beyond it under a half-normal prior on tau.

A change that cannot be told from zero is never called a plateau: that word needs the whole interval inside the margin.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, Trail
from nextarm.survival.roots import brentq
from nextarm.synthesis.bayes import TauPrior, half_normal, tau_mixture
from nextarm.synthesis.estimates import StudyEstimate, extend
from nextarm.synthesis.groups import GroupTrend, group_trends
from nextarm.synthesis.regression import Coefficient, MetaRegression, meta_regression, with_moderators
from nextarm.synthesis.scales import Scale, scale

Conclusion = Literal[
    "cannot answer",
    "rise above the margin",
    "fall beyond the margin",
    "plateau within the margin",
    "excludes a rise above the margin",
    "excludes a fall beyond the margin",
    "undecided",
]
Lean = Literal["rise above the margin", "change within the margin", "fall beyond the margin", "no side"]

FEWEST_COHORTS = 8
LARGEST_SHARE = 0.5


@record
class Probabilities:
    """Posterior shares of the change a decade: above the margin, within it, below it, and above zero."""

    above: float
    within: float
    below: float
    rise: float
    prior: str


@record
class Verdict:
    """What the data say: the coded ``conclusion``, what they lean to, why they cannot answer, what is missing.

    ``rise_shown`` and ``fall_shown``: the interval of the change lies wholly above, or below, zero.
    """

    conclusion: Conclusion
    lean: Lean
    rise_shown: bool
    fall_shown: bool
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    sentence: str


@record
class EraTrend(Result):
    """The trend over eras with its verdict; numbers are None where fewer than three cohorts can be used.

    ``change`` a decade is on the natural scale (0.05 = 5 points); ``equivalence_p`` the larger of the two one-sided p
    values against ``margin``; ``permutation_p`` as in :class:`~nextarm.synthesis.regression.Coefficient`.
    """

    margin: float
    k: int
    regression: MetaRegression | None
    change: float | None
    change_ci: Interval | None
    level_at_mean: float | None
    mean_year: float | None
    p: float | None
    permutation_p: float | None
    permutation_se: float | None
    equivalence_p: float | None
    probabilities: Probabilities | None
    largest_group: str
    largest_share: float
    groups: tuple[GroupTrend, ...]
    verdict: Verdict


def change_per_decade(on: Scale, level: float, slope: float) -> float:
    """Natural change over a decade around ``level`` (on the scale) when the line rises by ``slope`` a decade."""
    return on.back(level + slope / 2.0) - on.back(level - slope / 2.0)


def slope_at(on: Scale, level: float, change: float) -> float:
    """The slope on the scale whose :func:`change_per_decade` is ``change``.

    >>> cloglog = scale("cloglog")
    >>> round(change_per_decade(cloglog, 0.0, slope_at(cloglog, 0.0, 0.05)), 12)
    0.05
    """
    reach = 1.0
    while abs(change_per_decade(on, level, reach)) < abs(change):
        reach *= 2.0
        if reach > 1e6:
            raise CallError(f"margin = {abs(change):g}", rule="is larger than any change possible around the fitted level")
    root: float = brentq(lambda b: change_per_decade(on, level, b) - change, -reach, reach, xtol=1e-14)
    return root


def era_trend(
    studies: Iterable[StudyEstimate],
    *,
    margin: float = 0.05,
    measure: str = "cloglog",
    method: str = "reml",
    interval: str = "ad-hoc",
    level: float = 0.95,
    adjust: tuple[str, ...] = (),
    prior: TauPrior | None = None,
    permutations: int | None = None,
    seed: int = 1,
    probability: bool = True,
    binomial: bool = True,
    base: Trail | None = None,
) -> EraTrend:
    """Fit the trend over the mid-years of enrolment and read it against ``margin`` (natural scale, a decade).

    ``adjust`` names further moderators (``time``, the time of the estimate, or others of the studies). Other options
    as in :func:`~nextarm.synthesis.regression.meta_regression`; ``prior`` on tau for the posterior probabilities
    (default half-normal(0.5)). Never raises for few studies: the verdict says that they cannot answer.
    """
    if not (math.isfinite(margin) and margin > 0.0) or (probability and margin >= 1.0):
        raise CallError(f"margin = {margin}", rule="must be above 0" + (" and below 1" if probability else ""))
    given = tuple(studies)
    on = scale(measure)
    groups = group_trends(given, level=level, measure=measure, binomial=binomial, probability=probability)
    try:
        fit = meta_regression(
            given,
            moderators=("year", *adjust),
            measure=measure,
            method=method,
            interval=interval,
            level=level,
            permutations=permutations,
            seed=seed,
            probability=probability,
            binomial=binomial,
            base=base,
        )
    except RefusedError as refusal:
        return _no_line(given, str(refusal), margin, groups, base)
    year, middle = fit.coefficient("year"), fit.coefficients[0].estimate
    ends = sorted(change_per_decade(on, middle, b) for b in (year.ci.low, year.ci.high))
    change_ci = Interval(low=ends[0], high=ends[1], level=level)
    change = change_per_decade(on, middle, year.estimate)
    shares = _probabilities(fit, adjust, on, middle, margin, prior or half_normal(0.5), given, binomial=binomial)
    counts = Counter(s.group or s.label for s in fit.studies)
    largest, held = counts.most_common(1)[0]
    times = {s.time for s in fit.studies}
    verdict = judge(
        k=fit.k,
        largest_group=largest,
        largest_share=held / fit.k,
        change=change,
        change_ci=change_ci,
        margin=margin,
        probabilities=shares,
        left_out=fit.trail.left_out,
        times_differ=len(times) > 1 and "time" not in adjust,
    )
    return EraTrend(
        trail=fit.trail,
        warnings=fit.warnings,
        margin=margin,
        k=fit.k,
        regression=fit,
        change=change,
        change_ci=change_ci,
        level_at_mean=on.back(middle),
        mean_year=year.centre,
        p=year.p,
        permutation_p=year.permutation_p,
        permutation_se=year.permutation_se,
        equivalence_p=_equivalence_p(fit, year, on, middle, margin),
        probabilities=shares,
        largest_group=largest,
        largest_share=held / fit.k,
        groups=groups,
        verdict=verdict,
    )


def judge(
    *,
    k: int,
    largest_group: str,
    largest_share: float,
    change: float | None,
    change_ci: Interval | None,
    margin: float,
    probabilities: Probabilities | None,
    left_out: tuple[LeftOut, ...] = (),
    times_differ: bool = False,
) -> Verdict:
    """Turn the numbers into a coded conclusion and a sentence in plain words; a pure function, for tests to walk."""
    reasons = []
    if k < FEWEST_COHORTS:
        reasons.append(f"only {k} cohort{'' if k == 1 else 's'} can be used where {FEWEST_COHORTS} are needed")
    if round(largest_share * k) > 1 and largest_share >= LARGEST_SHARE:
        reasons.append(f"one group ({largest_group}) holds {round(largest_share * k)} of {k}")
    caveats = ("the cohorts report at different times",) if times_differ else ()
    low, high = (change_ci.low, change_ci.high) if change_ci else (-math.inf, math.inf)
    conclusion: Conclusion
    if reasons or change_ci is None:
        conclusion = "cannot answer"
    elif low > margin:
        conclusion = "rise above the margin"
    elif high < -margin:
        conclusion = "fall beyond the margin"
    elif -margin < low and high < margin:
        conclusion = "plateau within the margin"
    elif high < margin:
        conclusion = "excludes a rise above the margin"
    elif low > -margin:
        conclusion = "excludes a fall beyond the margin"
    else:
        conclusion = "undecided"
    lean = _lean(probabilities)
    missing = tuple(f"{o.row.key}: {o.reason}" for o in left_out if "known" in o.reason or "reported" in o.reason)
    return Verdict(
        conclusion=conclusion,
        lean=lean,
        rise_shown=low > 0.0,
        fall_shown=high < 0.0,
        reasons=(*reasons, *caveats),
        missing=missing,
        sentence=_sentence(conclusion, lean, reasons, caveats, change, change_ci, margin, probabilities),
    )


def _lean(shares: Probabilities | None) -> Lean:
    if shares is None:
        return "no side"
    options: tuple[tuple[float, Lean], ...] = (
        (shares.above, "rise above the margin"),
        (shares.within, "change within the margin"),
        (shares.below, "fall beyond the margin"),
    )
    share, word = max(options, key=lambda option: option[0])
    return word if share > 0.5 else "no side"


def _points(value: float) -> str:
    return f"{'+' if value > 0 else ''}{100 * value:.1f}"


def _sentence(
    conclusion: Conclusion,
    lean: Lean,
    reasons: list[str],
    caveats: tuple[str, ...],
    change: float | None,
    change_ci: Interval | None,
    margin: float,
    shares: Probabilities | None,
) -> str:
    if change is None or change_ci is None:
        return f"The evidence cannot say whether there is a plateau: {'; '.join(reasons) or 'no line can be fitted'}."
    numbers = f"{_points(change)} points a decade ({change_ci.level:.0%} interval {_points(change_ci.low)} to {_points(change_ci.high)})"
    m = f"{100 * margin:g} points a decade"
    verdicts: dict[Conclusion, str] = {
        "cannot answer": f"The evidence cannot say whether there is a plateau: {' and '.join(reasons)}. The fitted change is {numbers}",
        "rise above the margin": f"Survival has risen by more than {m}: {numbers}",
        "fall beyond the margin": f"Survival has fallen by more than {m}: {numbers}",
        "plateau within the margin": f"Survival is on a plateau: the change lies within {m} either way: {numbers}",
        "excludes a rise above the margin": f"A rise of more than {m} is excluded, a fall is not: {numbers}",
        "excludes a fall beyond the margin": f"A fall of more than {m} is excluded, a rise is not: {numbers}",
        "undecided": f"Neither a rise nor a fall of more than {m} is excluded: {numbers}",
    }
    text = verdicts[conclusion]
    if shares is not None and conclusion in ("cannot answer", "undecided"):
        share = {"rise above the margin": shares.above, "change within the margin": shares.within, "fall beyond the margin": shares.below}
        toward = f"it leans to a {lean} (probability {share[lean]:.2f})" if lean in share else "it leans to no side"
        text += f"; against {m} {toward}"
    return f"{text}{'; ' + '; '.join(caveats) if caveats else ''}."


def _equivalence_p(fit: MetaRegression, year: Coefficient, on: Scale, middle: float, margin: float) -> float | None:
    """The larger p of the two one-sided tests that the slope lies beyond either limit."""
    from scipy.special import ndtr, stdtr

    if year.se <= 0.0:
        return None
    limits = sorted(slope_at(on, middle, sign * margin) for sign in (-1.0, 1.0))

    def tail(t: float) -> float:
        return float(ndtr(t) if fit.interval == "wald" else stdtr(fit.df, t))

    return max(tail((year.estimate - limits[1]) / year.se), tail((limits[0] - year.estimate) / year.se))


def _probabilities(
    fit: MetaRegression,
    adjust: tuple[str, ...],
    on: Scale,
    middle: float,
    margin: float,
    prior: TauPrior,
    given: tuple[StudyEstimate, ...],
    *,
    binomial: bool,
) -> Probabilities:
    rows = [u.study for u in with_moderators(given, ("year", *adjust), fit.measure, binomial=binomial, probability=fit.probability)[0]]
    columns = [np.ones(fit.k)]
    for c in fit.coefficients[1:]:
        raw = [getattr(r, c.name) if c.name in ("year", "time", "n") else r.moderators[c.name] for r in rows]
        columns.append((np.array(raw, float) - c.centre) / c.unit)
    y, v = np.array([s.y for s in fit.studies]), np.array([s.se**2 for s in fit.studies])
    mix = tau_mixture(y, v, prior=prior, X=np.column_stack(columns))
    at_margin, at_zero, at_minus = (mix.cdf(slope_at(on, middle, c), column=1) for c in (margin, 0.0, -margin))
    # On a falling scale (cloglog) a natural rise is a negative slope.
    above, below, rise = (1.0 - at_margin, at_minus, 1.0 - at_zero) if on.rising else (at_margin, 1.0 - at_minus, at_zero)
    return Probabilities(
        above=above, within=max(0.0, 1.0 - above - below), below=below, rise=rise, prior=f"tau ~ {prior.words()}, flat slope"
    )


def _no_line(given: tuple[StudyEstimate, ...], why: str, margin: float, groups: tuple[GroupTrend, ...], base: Trail | None) -> EraTrend:
    dated = [s for s in given if s.year is not None]
    counts = Counter(s.group or s.label for s in dated)
    largest, held = counts.most_common(1)[0] if counts else ("", 0)
    share = held / len(dated) if dated else 0.0
    verdict = judge(
        k=len(dated),
        largest_group=largest,
        largest_share=share,
        change=None,
        change_ci=None,
        margin=margin,
        probabilities=None,
        left_out=base.left_out if base else (),
    )
    return EraTrend(
        trail=extend(base, method="trend over eras: no line could be fitted"),
        warnings=(why,),
        margin=margin,
        k=len(dated),
        regression=None,
        change=None,
        change_ci=None,
        level_at_mean=None,
        mean_year=None,
        p=None,
        permutation_p=None,
        permutation_se=None,
        equivalence_p=None,
        probabilities=None,
        largest_group=largest,
        largest_share=share,
        groups=groups,
        verdict=verdict,
    )
