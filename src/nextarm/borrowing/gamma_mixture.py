"""Mixture of gammas: prior of an event rate, updated in closed form by events in person-time (Poisson).

``rate ~ sum_k w_k Gamma(shape_k, rate_k)``; after d events in T years the components are ``Gamma(shape_k + d, rate_k + T)``
with weights proportional to ``w_k`` times their negative-binomial predictive probability of d. The same update serves an
exponential survival time: d events, T total follow-up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.borrowing.mixtures import Mixture, checked, checked_weights, posterior_weights, robust_share
from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, require_positive


@record
class GammaMixture(Mixture):
    """Weights (sum 1), shapes and rates (years) of the components; make one with :func:`gamma_mixture`."""

    weights: FloatArray
    shapes: FloatArray
    rates: FloatArray

    def _log_components(self, x: FloatArray) -> FloatArray:
        from scipy.special import gammaln, xlogy

        inside = x >= 0.0
        y = np.where(inside, x, 1.0)
        log: FloatArray = self.shapes * np.log(self.rates) - gammaln(self.shapes) + xlogy(self.shapes - 1.0, y) - self.rates * y
        return np.where(inside, log, -np.inf)

    def _component_cdf(self, x: FloatArray) -> FloatArray:
        from scipy.special import gammainc

        return np.asarray(gammainc(self.shapes, self.rates * np.maximum(x, 0.0)), np.float64)

    def _component_quantile(self, p: float) -> FloatArray:
        from scipy.special import gammaincinv

        return np.asarray(gammaincinv(self.shapes, p) / self.rates, np.float64)

    def _component_moments(self) -> tuple[FloatArray, FloatArray]:
        return self.shapes / self.rates, self.shapes / self.rates**2

    def posterior(self, events: int, years: float) -> GammaMixture:
        """The mixture after ``events`` in ``years`` of follow-up.

        >>> round(gamma_mixture([1.0], [2.0], [10.0]).posterior(3, 20.0).mean(), 6)
        0.166667
        """
        if events < 0:
            raise CallError(f"events = {events}", rule="must not be negative")
        weights, shapes, rates = self.update_many(np.array([events], np.float64), np.array([require_positive(years, "years")]))
        return GammaMixture(weights=weights[0], shapes=shapes[0], rates=rates[0])

    def update_many(self, events: FloatArray, years: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Posterior weights, shapes and rates, each of shape (m, k), for m data sets at once."""
        from scipy.special import gammaln

        d, t = np.asarray(events, np.float64)[:, None], np.asarray(years, np.float64)[:, None]
        shapes, rates = self.shapes + d, self.rates + t
        log = gammaln(shapes) - gammaln(self.shapes) + self.shapes * np.log(self.rates) - shapes * np.log(rates)
        return posterior_weights(self.weights, log), shapes, np.broadcast_to(rates, shapes.shape)

    def predictive(self, years: float, *, most: int) -> FloatArray:
        """Probability of 0, 1, .. ``most`` events in ``years`` of new follow-up (negative-binomial mixture): shape (most + 1,).

        >>> made = gamma_mixture([1.0], [1.0], [1.0]).predictive(1.0, most=2)  # geometric
        >>> [round(float(p), 9) for p in made]
        [0.5, 0.25, 0.125]
        """
        from scipy.special import gammaln

        t = require_positive(years, "years")
        if most < 0:
            raise CallError(f"most = {most}", rule="must not be negative")
        d = np.arange(most + 1.0)[:, None]
        log = gammaln(self.shapes + d) - gammaln(self.shapes) - gammaln(d + 1.0)
        log = log + self.shapes * np.log(self.rates / (self.rates + t)) + d * np.log(t / (self.rates + t))
        out: FloatArray = np.exp(log) @ self.weights
        return out

    def robustify(self, robust_weight: float = 0.2, *, mean: float, years: float = 1.0) -> GammaMixture:
        """Add a vague component of mean ``mean`` worth ``years`` of follow-up, with weight ``robust_weight``."""
        w, rate = robust_share(robust_weight), require_positive(years, "years")
        return gamma_mixture(
            np.append(self.weights * (1.0 - w), w),
            np.append(self.shapes, require_positive(mean, "mean", "events a year") * rate),
            np.append(self.rates, rate),
        )


def gamma_mixture(
    weights: Sequence[float] | FloatArray, shapes: Sequence[float] | FloatArray, rates: Sequence[float] | FloatArray
) -> GammaMixture:
    """A gamma mixture from weights (sum 1), shapes and rates above 0; :class:`CallError` otherwise.

    >>> round(gamma_mixture([1.0], [4.0], [2.0]).sd(), 6)
    1.0
    """
    w = checked_weights(weights)
    return GammaMixture(weights=w, shapes=checked("shapes", shapes, w.size), rates=checked("rates", rates, w.size))
