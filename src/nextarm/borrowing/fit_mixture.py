"""Fit a mixture to a prior on a grid by weighted expectation-maximisation: the same grid gives the same mixture.

The points of the grid with their probabilities stand in for draws: each step shares every point among the components and
moves each component to its share (Dempster, Laird & Rubin 1977, doi 10.1111/j.2517-6161.1977.tb01600.x), which never
lowers ``sum mass log q(x)``. The divergence ``KL(p || q) = sum mass log(p / q)`` between the probabilities of the grid's steps
says what the mixture loses; the number of components is the smallest whose divergence is below a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.map_prior import MapPrior
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.core.errors import CallError, DataError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

Family = Callable[[FloatArray, FloatArray, FloatArray], NormalMixture | GammaMixture]
Two = tuple[FloatArray, FloatArray]
#: A family on fixed points x: the functions of x, shape (n, m), whose means a step needs; from these means, shape (m, k), to the
#: components' two parameters; from the parameters to log densities, shape (k, n).
Steps = tuple[FloatArray, Callable[[FloatArray], Two], Callable[[FloatArray, FloatArray], FloatArray]]
FAMILIES: tuple[str, ...] = ("beta", "normal", "gamma")
#: Upper tail of a rate that a gamma mixture is not fitted to: predictive rates may have no mean, gammas always do.
_TAIL = 1e-4
_REFERENCE = "10.1111/j.2517-6161.1977.tb01600.x"


@record
class MixtureFit(Result):
    """The mixture chosen, its divergence from the prior in nats, and the divergence of every number of components tried."""

    family: str
    components: int
    mixture: BetaMixture | NormalMixture | GammaMixture
    divergence: float
    tried: dict[str, float]
    tolerance: float

    shown: ClassVar[tuple[str, ...]] = ("family", "components", "divergence", "tolerance")


def fit_mixture(
    prior: MapPrior | tuple[FloatArray, FloatArray],
    *,
    family: str = "beta",
    components: int | None = None,
    most: int = 4,
    tolerance: float = 1e-3,
    at_least_one: bool = True,
) -> MixtureFit:
    """Fit a mixture of ``family`` (beta, normal, gamma) to a prior.

    ``prior`` is a :class:`MapPrior` or (points, probabilities that sum to 1). ``components`` fixes their number, else 1 to
    ``most`` are tried. ``at_least_one`` keeps beta and gamma shapes at 1 or above, so that an effective sample size exists.

    Raises :class:`CallError` for an unknown family, :class:`DataError` for points outside its range.

    >>> from nextarm.borrowing.map_prior import map_prior_binomial
    >>> found = fit_mixture(map_prior_binomial([23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]))
    >>> found.components, round(found.mixture.mean(), 3), found.divergence < 1e-3
    (3, 0.258, True)
    """
    if family not in FAMILIES:
        raise CallError(f"family = {family!r}", rule=f"must be one of {', '.join(FAMILIES)}")
    if not (math.isfinite(tolerance) and tolerance > 0.0) or most < 1 or (components is not None and components < 1):
        raise CallError("components, most, tolerance", rule="must be at least 1, 1 and above 0")
    before = prior.trail if isinstance(prior, MapPrior) else Trail(method="")
    x, mass = prior.points() if isinstance(prior, MapPrior) else (np.asarray(p, np.float64) for p in prior)
    x, mass, width = _checked_points(x, mass, family, tail=_TAIL if isinstance(prior, MapPrior) else 0.0)
    edges = prior.edges() if isinstance(prior, MapPrior) else None
    tried: dict[str, float] = {}
    best: tuple[float, int, BetaMixture | NormalMixture | GammaMixture] | None = None
    for k in (components,) if components is not None else range(1, most + 1):
        mixture = _expect_maximise(x, mass, k, family, at_least_one)
        loss = divergence(x, mass, width, mixture) if edges is None else _step_divergence(*edges, mixture)
        tried[str(k)] = loss
        if best is None or loss < best[0]:
            best = loss, k, mixture
        if loss < tolerance:
            break
    assert best is not None, "at least one number of components is tried"
    loss, k, mixture = best
    said = () if loss < tolerance else (f"no mixture of up to {k} components comes within {tolerance:g} nats of the prior",)
    return MixtureFit(
        trail=Trail(
            method=f"{family} mixture of {k} components by expectation-maximisation on the prior's own grid",
            reference=_REFERENCE,
            rows=before.rows,
            left_out=before.left_out,
            sources=before.sources,
            assumptions=before.assumptions,
            inputs=(*before.inputs, *filter(None, [before.method])),
        ),
        warnings=(*(prior.warnings if isinstance(prior, MapPrior) else ()), *said),
        family=family,
        components=k,
        mixture=mixture,
        divergence=loss,
        tried=tried,
        tolerance=tolerance,
    )


def divergence(x: FloatArray, mass: FloatArray, width: FloatArray, mixture: BetaMixture | NormalMixture | GammaMixture) -> float:
    """Kullback-Leibler divergence of ``mixture`` from the prior with ``mass`` in cells of ``width`` around ``x``, not below 0."""
    held = mass > 0.0
    log_p = np.log(mass[held] / width[held])
    return max(0.0, float(mass[held] @ (log_p - mixture.log_density(x[held]))))


def _step_divergence(edges: FloatArray, mass: FloatArray, mixture: BetaMixture | NormalMixture | GammaMixture) -> float:
    """The divergence between the probabilities of the steps between ``edges``: no density is needed at their ends."""
    own = np.diff(mixture.cdf(edges))
    held = mass > 1e-12
    return max(0.0, float(mass[held] @ np.log(mass[held] / np.maximum(own[held], 1e-300))))


def _checked_points(x: FloatArray, mass: FloatArray, family: str, *, tail: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points with mass inside the family's range, mass summing to 1, and the width of the cell around each point."""
    if x.ndim != 1 or x.shape != mass.shape or x.size < 3 or (np.diff(x) < 0.0).any() or (mass < 0.0).any() or not mass.sum() > 0.0:
        raise DataError("points, probabilities", rule="must be rising points with probabilities, at least three")
    low, high = {"beta": (0.0, 1.0), "gamma": (0.0, math.inf), "normal": (-math.inf, math.inf)}[family]
    # A log rate far out would, as a rate, outweigh all others in the mean of a gamma.
    far = (np.cumsum(mass) > 1.0 - tail) if family == "gamma" and tail else np.zeros(x.size, bool)
    inside = (x > low) & (x < high) & (mass > 1e-12) & ~far & (np.diff(x, prepend=-math.inf) > 0.0)
    if family != "normal" and mass[(x < low) | (x > high)].sum() > 0.0:
        raise DataError("points", rule=f"must lie between {low:g} and {high:g} for a {family} mixture")
    x, mass = x[inside], mass[inside]
    if x.size < 3:
        raise DataError("points", rule="at least three must hold probability")
    return x, mass / mass.sum(), np.gradient(x)


def _expect_maximise(
    x: FloatArray, mass: FloatArray, k: int, family: str, at_least_one: bool, *, steps: int = 3000
) -> BetaMixture | NormalMixture | GammaMixture:
    """Start from ``k`` slices of equal probability around their means, iterate until the log likelihood stands still."""
    order = np.cumsum(mass) - mass / 2.0
    slices = np.minimum((order * k).astype(int), k - 1)
    # Soft slices: a component of zero spread would hold its points for ever.
    share = np.full((k, x.size), 0.05 / k)
    share[slices, np.arange(x.size)] += 0.95
    share /= share.sum(axis=0)
    if family == "beta":
        from nextarm.borrowing.beta_climb import climb_beta

        weights, a, b = climb_beta(x, mass, share, at_least_one, steps)
        return BetaMixture(weights=weights, a=a, b=b)
    make, prepare = _FAMILY[family]
    return make(*_climb(prepare(x, at_least_one), mass, share, steps))


def _climb(prepared: Steps, mass: FloatArray, share: FloatArray, steps: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights and both parameters of the components from their first ``share`` of the points, shape (k, n)."""
    sums, maximise, log_components = prepared
    weighed = mass[:, None] * np.column_stack([np.ones(mass.size), sums])
    last = -math.inf
    first = second = np.ones(len(share))
    weights = np.full(len(share), 1.0 / len(share))
    for _ in range(steps):
        totals = share @ weighed
        weights = np.maximum(totals[:, 0], 1e-12)
        first, second = maximise(totals[:, 1:].T / weights)
        weights = weights / weights.sum()
        share = log_components(first, second)
        share += np.log(weights)[:, None]
        top = share.max(axis=0)
        share -= top
        np.exp(share, out=share)
        total = share.sum(axis=0)
        share /= total
        log_likelihood = float(mass @ (top + np.log(total)))
        if log_likelihood - last < 1e-9:
            break
        last = log_likelihood
    return weights, first, second


def _variance(mean: FloatArray, square: FloatArray, of: FloatArray) -> FloatArray:
    """Variance from sums around a middle, never 0 (a component may hold one point)."""
    return np.maximum(square - of**2, 1e-14 * np.maximum(mean**2, 1e-8))


def _normal_steps(x: FloatArray, at_least_one: bool) -> Steps:
    middle = float(x.mean())
    away = x - middle

    def maximise(means: FloatArray) -> Two:
        mean = middle + means[0]
        return mean, np.sqrt(_variance(mean, means[1], means[0]))

    return np.column_stack([away, away**2]), maximise, _by_family(_make_normal, x)


def _gamma_steps(x: FloatArray, at_least_one: bool) -> Steps:
    """Newton steps for ``log shape - psi(shape) = log E x - E log x``; the rate follows from the mean."""
    from scipy.special import psi, zeta

    def maximise(means: FloatArray) -> Two:
        mean = means[0]
        gap = np.maximum(np.log(mean) - means[1], 1e-12)
        shape = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
        for _ in range(6):
            step = (np.log(shape) - psi(shape) - gap) / (1.0 / shape - zeta(2.0, shape))
            shape = np.maximum(shape - step, shape / 4.0)
        if at_least_one:
            shape = np.maximum(shape, 1.0)
        return shape, shape / mean

    return np.column_stack([x, np.log(x)]), maximise, _by_family(_make_gamma, x)


def _by_family(make: Family, x: FloatArray) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """The log densities as the family itself gives them."""

    def log_components(first: FloatArray, second: FloatArray) -> FloatArray:
        return make(np.ones(first.size), first, second)._log_components(x[:, None]).T

    return log_components


def _make_normal(weights: FloatArray, first: FloatArray, second: FloatArray) -> NormalMixture:
    return NormalMixture(weights=weights, means=first, sds=second)


def _make_gamma(weights: FloatArray, first: FloatArray, second: FloatArray) -> GammaMixture:
    return GammaMixture(weights=weights, shapes=first, rates=second)


_FAMILY: dict[str, tuple[Family, Callable[[FloatArray, bool], Steps]]] = {
    "normal": (_make_normal, _normal_steps),
    "gamma": (_make_gamma, _gamma_steps),
}
