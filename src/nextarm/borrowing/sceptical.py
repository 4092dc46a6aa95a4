"""A sceptic's reading of a log hazard ratio: normal prior around no effect, posterior, and how sceptical one must be.

Prior ``log HR ~ N(0, s^2)``, likelihood ``b ~ N(log HR, se^2)``. The posterior is normal with precision ``1/s^2 + 1/se^2``
and mean ``b s^2 / (s^2 + se^2)``. The sceptical prior of Spiegelhalter, Freedman & Parmar 1994 (doi 10.2307/2983527) sets s
by a small chance of a stated benefit: ``P(HR < h) = p`` gives ``s = log h / z_p``.

How sceptical: the posterior interval at level 1 - a touches HR = 1 when ``s^2 = se^2 / ((b / se)^2 / z^2 - 1)`` (Matthews
2001, doi 10.1177/009286150103500442; Held 2020, doi 10.1111/rssa.12493). A prior narrower than that removes the
finding. ``exp(-z s)`` to ``exp(z s)`` is that prior's own interval; its limit is Matthews' scepticism limit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from nextarm.borrowing.landmark import LandmarkComparison
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import require_positive
from nextarm.synthesis.estimates import two_sided_z

_REFERENCE = "10.2307/2983527"


@record
class ScepticalPosterior(Result):
    """Posterior of the hazard ratio under a sceptical prior, and the prior that would just remove the finding.

    ``hazard_ratio`` is the posterior median; ``probability_below_1`` is P(HR < 1). ``critical_prior_sd`` is None where the
    interval of the data already holds 1; else a prior with a smaller sd makes the posterior interval hold 1, and
    ``critical_prior_limit`` is the hazard ratio (below 1 for a benefit) at the end of that prior's own interval.
    """

    log_ratio: float
    log_ratio_se: float
    prior_sd: float
    prior_words: str
    level: float
    mean: float
    sd: float
    hazard_ratio: float
    ci: Interval
    probability_below_1: float
    critical_prior_sd: float | None
    critical_prior_limit: float | None

    shown: ClassVar[tuple[str, ...]] = (
        "hazard_ratio", "ci_low", "ci_high", "probability_below_1", "prior_sd", "critical_prior_sd", "critical_prior_limit",
    )  # fmt: skip


def sceptical_prior_sd(hazard_ratio: float = 0.5, probability: float = 0.05) -> float:
    """Standard deviation s of ``log HR ~ N(0, s^2)`` such that ``P(HR < hazard_ratio) = probability``.

    >>> round(sceptical_prior_sd(0.5, 0.05), 4)
    0.4214
    """
    from scipy.special import ndtri

    require_positive(hazard_ratio, "hazard_ratio")
    if hazard_ratio >= 1.0:
        raise CallError(f"hazard_ratio = {hazard_ratio}", rule="must be below 1: the benefit that the sceptic doubts")
    if not 0.0 < probability < 0.5:
        raise CallError(f"probability = {probability}", rule="must lie between 0 and 0.5, both excluded")
    return math.log(hazard_ratio) / float(ndtri(probability))


def critical_prior_sd(log_ratio: float, se: float, *, level: float = 0.95) -> float | None:
    """The sd of the sceptical prior at which the posterior interval just touches HR = 1; None if the data's own does.

    >>> round(critical_prior_sd(-1.0, 0.4), 4)
    0.5052
    """
    require_positive(se, "se")
    excess = (log_ratio / se) ** 2 / two_sided_z(level) ** 2 - 1.0
    return se / math.sqrt(excess) if excess > 0.0 else None


def sceptical_posterior(
    comparison: LandmarkComparison | None = None,
    *,
    log_ratio: float | None = None,
    log_ratio_se: float | None = None,
    doubted_hazard_ratio: float = 0.5,
    doubted_probability: float = 0.05,
    prior_sd: float | None = None,
    level: float = 0.95,
) -> ScepticalPosterior:
    """Combine a log hazard ratio with a prior centred at no effect.

    Give a comparison, or ``log_ratio`` with ``log_ratio_se``. The prior is given by its sd, or by the chance
    ``doubted_probability`` it leaves to a hazard ratio below ``doubted_hazard_ratio``.

    Raises :class:`RefusedError` where the comparison has no ratio, :class:`CallError` for values outside their domain.

    >>> found = sceptical_posterior(log_ratio=-1.0, log_ratio_se=0.4, prior_sd=0.4)
    >>> round(found.mean, 3), round(found.sd, 4), round(found.probability_below_1, 4)
    (-0.5, 0.2828, 0.9615)
    """
    from scipy.special import ndtr

    if comparison is not None:
        log_ratio, log_ratio_se = comparison.log_ratio, comparison.log_ratio_se
        if log_ratio is None or log_ratio_se is None:
            raise RefusedError("the comparison has no ratio of cumulative hazards", rule="an arm's survival is 0 or 1")
    if log_ratio is None or log_ratio_se is None:
        raise CallError("no log hazard ratio", rule="give a comparison, or log_ratio and log_ratio_se")
    if not math.isfinite(log_ratio):
        raise CallError(f"log_ratio = {log_ratio}", rule="must be a number")
    b, se = log_ratio, require_positive(log_ratio_se, "log_ratio_se")
    if prior_sd is None:
        s = sceptical_prior_sd(doubted_hazard_ratio, doubted_probability)
        words = f"log HR ~ N(0, {s:.4g}^2): {doubted_probability:.0%} chance of a hazard ratio below {doubted_hazard_ratio:g}"
    else:
        s = require_positive(prior_sd, "prior_sd")
        words = f"log HR ~ N(0, {s:.4g}^2)"
    z = two_sided_z(level)
    mean, sd = b * s * s / (s * s + se * se), s * se / math.hypot(s, se)
    critical = critical_prior_sd(b, se, level=level)
    before = comparison.trail if comparison is not None else Trail(method="")
    return ScepticalPosterior(
        trail=replace(
            before,
            method="posterior of the log hazard ratio under a normal prior centred at no effect",
            reference=_REFERENCE,
            assumptions=(*before.assumptions, words),
        ),
        warnings=comparison.warnings if comparison is not None else (),
        log_ratio=b,
        log_ratio_se=se,
        prior_sd=s,
        prior_words=words,
        level=level,
        mean=mean,
        sd=sd,
        hazard_ratio=math.exp(mean),
        ci=Interval(low=math.exp(mean - z * sd), high=math.exp(mean + z * sd), level=level, kind="credible"),
        probability_below_1=float(ndtr(-mean / sd)),
        critical_prior_sd=critical,
        critical_prior_limit=_exp(math.copysign(z * critical, b)) if critical is not None else None,
    )


def _exp(x: float) -> float:
    return math.exp(min(max(x, -700.0), 700.0))
