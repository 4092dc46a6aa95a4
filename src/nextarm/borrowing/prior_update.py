"""A prior meets data: prior, likelihood and posterior together, and how far they are apart.

The conflict is the two-sided prior predictive probability of data at least as far out as those seen (Box 1980: twice the
smaller tail, at most 1), and, where the prior has a robust component, what that component's weight becomes.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.core.errors import CallError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

Prior = BetaMixture | GammaMixture | NormalMixture
_POINTS = 241
#: Below this two-sided predictive probability the summary speaks of conflict.
CONFLICT = 0.05


@record
class PriorUpdate(Result):
    """Prior and posterior mixtures, the likelihood made to integrate to 1 over ``x``, and the conflict.

    ``conflict_p`` is the two-sided prior predictive probability of the data; ``robust_weight_before`` and ``_after`` belong to the
    last component, where the prior was said to have a robust one.
    """

    data: str
    prior: BetaMixture | GammaMixture | NormalMixture
    posterior: BetaMixture | GammaMixture | NormalMixture
    estimate: float
    prior_mean: float
    prior_ci: Interval
    posterior_mean: float
    posterior_ci: Interval
    conflict_p: float
    robust_weight_before: float | None
    robust_weight_after: float | None
    x: FloatArray
    prior_density: FloatArray
    likelihood_density: FloatArray
    posterior_density: FloatArray

    shown: ClassVar[tuple[str, ...]] = (
        "data", "estimate", "prior_mean", "prior_ci_low", "prior_ci_high", "posterior_mean", "posterior_ci_low", "posterior_ci_high",
        "conflict_p", "robust_weight_before", "robust_weight_after",
    )  # fmt: skip

    @property
    def in_conflict(self) -> bool:
        """Whether the data lie where the prior expected less than 5 % of data."""
        return self.conflict_p < CONFLICT


def update_with_counts(prior: BetaMixture, events: int, n: int, *, robust: bool = False, level: float = 0.95) -> PriorUpdate:
    """A beta mixture after ``events`` of ``n``; ``robust``: its last component is the robust one.

    >>> from nextarm.borrowing.beta_mixture import beta_mixture
    >>> made = update_with_counts(beta_mixture([0.8, 0.2], [11, 1], [32, 1]), 16, 20, robust=True)
    >>> round(made.conflict_p, 3), round(made.robust_weight_after, 3)
    (0.095, 0.997)
    """
    pmf = prior.predictive(n)
    after = prior.posterior(events, n)
    tail = min(float(pmf[: events + 1].sum()), float(pmf[events:].sum()))
    low, high = _ends(prior, after, (events + 1.0) / (n + 2.0), 0.0, 1.0)
    x = np.linspace(low, high, _POINTS)
    log = _xlogy(events, x) + _xlogy(n - events, 1.0 - x)
    return _made(prior, after, x, np.exp(log - log.max()), events / n if n else 0.5, f"{events} of {n}", tail, robust, level)


def update_with_exposure(prior: GammaMixture, events: int, years: float, *, robust: bool = False, level: float = 0.95) -> PriorUpdate:
    """A gamma mixture after ``events`` in ``years`` of follow-up."""
    after = prior.posterior(events, years)
    pmf = prior.predictive(years, most=events)
    below = float(pmf.sum())
    tail = min(below, 1.0 - below + float(pmf[-1]))
    low, high = _ends(prior, after, (events + 1.0) / years, 0.0, np.inf)
    x = np.linspace(low, high, _POINTS)
    log = _xlogy(events, x) - years * x
    return _made(prior, after, x, np.exp(log - log.max()), events / years, f"{events} in {years:g} years", tail, robust, level)


def update_with_estimate(prior: NormalMixture, estimate: float, se: float, *, robust: bool = False, level: float = 0.95) -> PriorUpdate:
    """A normal mixture after an estimate with its standard error."""
    after = prior.posterior(estimate, se)
    below = float(prior.predictive(se).cdf(estimate))
    low, high = _ends(prior, after, estimate, -np.inf, np.inf)
    low, high = min(low, estimate - 3.5 * se), max(high, estimate + 3.5 * se)
    x = np.linspace(low, high, _POINTS)
    like = np.exp(-0.5 * ((x - estimate) / se) ** 2)
    return _made(prior, after, x, like, estimate, f"{estimate:g} (SE {se:g})", min(below, 1.0 - below), robust, level)


def _ends(prior: Prior, after: Prior, estimate: float, least: float, most: float) -> tuple[float, float]:
    """The range a chart needs: nearly all of prior and posterior, and the estimate."""
    if least == 0.0 and most == 1.0:
        return 0.0, 1.0
    low = min(prior.quantile(0.005), after.quantile(0.001), estimate)
    high = max(min(prior.quantile(0.995), 4.0 * prior.quantile(0.975)), after.quantile(0.999), 1.3 * estimate if least == 0.0 else estimate)
    return max(least, low), min(most, high)


def _xlogy(count: float, value: FloatArray) -> FloatArray:
    from scipy.special import xlogy

    return np.asarray(xlogy(count, value), np.float64)


def _made(
    prior: Prior, after: Prior, x: FloatArray, like: FloatArray, estimate: float, data: str, tail: float, robust: bool, level: float
) -> PriorUpdate:
    if robust and prior.components < 2:
        raise CallError("the prior has one component", rule="a robust prior has at least two", cure="Robustify it first")
    inner = (x[:-1] + x[1:]) / 2.0
    shown = (
        x
        if isinstance(prior, NormalMixture)
        else np.concatenate([[x[0] + (inner[0] - x[0]) / 4.0], x[1:-1], [x[-1] - (x[-1] - inner[-1]) / 4.0]])
    )
    area = float(np.trapezoid(like, x))
    p = min(1.0, 2.0 * tail)
    said = (f"prior and data disagree: data as far out as {data} have a prior predictive probability of {p:.3g}",) if p < CONFLICT else ()
    before_ci, after_ci = prior.interval(level), after.interval(level)
    return PriorUpdate(
        trail=Trail(method="conjugate update of a mixture prior; conflict as two-sided prior predictive probability", inputs=(data,)),
        warnings=said,
        data=data,
        prior=prior,
        posterior=after,
        estimate=estimate,
        prior_mean=prior.mean(),
        prior_ci=before_ci,
        posterior_mean=after.mean(),
        posterior_ci=after_ci,
        conflict_p=p,
        robust_weight_before=float(prior.weights[-1]) if robust else None,
        robust_weight_after=float(after.weights[-1]) if robust else None,
        x=x,
        prior_density=prior.density(shown),
        likelihood_density=like / area,
        posterior_density=after.density(shown),
    )
