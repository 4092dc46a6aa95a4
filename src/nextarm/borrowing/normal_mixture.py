"""Mixture of normals: prior of a mean, a log hazard or a log ratio, updated in closed form by a normal estimate.

``theta ~ sum_k w_k N(m_k, s_k^2)``; after an estimate y with standard error e, component k is normal with precision
``1/s_k^2 + 1/e^2`` and its weight is proportional to ``w_k N(y; m_k, s_k^2 + e^2)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.borrowing.mixtures import Mixture, checked, checked_weights, posterior_weights, robust_share
from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, require_positive


@record
class NormalMixture(Mixture):
    """Weights (sum 1), means and standard deviations of the components; make one with :func:`normal_mixture`."""

    weights: FloatArray
    means: FloatArray
    sds: FloatArray

    def _log_components(self, x: FloatArray) -> FloatArray:
        z = (x - self.means) / self.sds
        out: FloatArray = -0.5 * z * z - np.log(self.sds) - 0.5 * math.log(2.0 * math.pi)
        return out

    def _component_cdf(self, x: FloatArray) -> FloatArray:
        from scipy.special import ndtr

        return np.asarray(ndtr((x - self.means) / self.sds), np.float64)

    def _component_quantile(self, p: float) -> FloatArray:
        from scipy.special import ndtri

        return np.asarray(self.means + self.sds * ndtri(p), np.float64)

    def _component_moments(self) -> tuple[FloatArray, FloatArray]:
        return self.means, self.sds**2

    def posterior(self, estimate: float, se: float) -> NormalMixture:
        """The mixture after an estimate with its standard error.

        >>> after = normal_mixture([0.7, 0.3], [-0.5, 0.0], [0.2, 1.0]).posterior(-0.8, 0.3)
        >>> [round(float(w), 4) for w in after.weights], [round(float(m), 4) for m in after.means]
        ([0.8651, 0.1349], [-0.5923, -0.7339])
        """
        if not math.isfinite(estimate):
            raise CallError(f"estimate = {estimate}", rule="must be a number")
        weights, means, sds = self.update_many(np.array([estimate]), np.array([require_positive(se, "se")]))
        return NormalMixture(weights=weights[0], means=means[0], sds=sds[0])

    def update_many(self, estimates: FloatArray, ses: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Posterior weights, means and standard deviations, each of shape (m, k), for m estimates at once."""
        y, e2 = np.asarray(estimates, np.float64)[:, None], np.asarray(ses, np.float64)[:, None] ** 2
        total = self.sds**2 + e2
        weights = posterior_weights(self.weights, -0.5 * ((y - self.means) ** 2 / total + np.log(total)))
        shrink = self.sds**2 / total
        return weights, self.means + shrink * (y - self.means), np.sqrt(shrink * e2)

    def predictive(self, se: float) -> NormalMixture:
        """The distribution of a new estimate with standard error ``se``."""
        return NormalMixture(weights=self.weights, means=self.means, sds=np.hypot(self.sds, require_positive(se, "se")))

    def robustify(self, robust_weight: float = 0.2, *, mean: float = 0.0, sd: float = 1.0) -> NormalMixture:
        """Add a vague component ``N(mean, sd^2)`` of weight ``robust_weight``."""
        w = robust_share(robust_weight)
        return normal_mixture(
            np.append(self.weights * (1.0 - w), w), np.append(self.means, mean), np.append(self.sds, require_positive(sd, "sd"))
        )


def normal_mixture(
    weights: Sequence[float] | FloatArray, means: Sequence[float] | FloatArray, sds: Sequence[float] | FloatArray
) -> NormalMixture:
    """A normal mixture from weights (sum 1), means and standard deviations above 0; :class:`CallError` otherwise.

    >>> round(normal_mixture([0.5, 0.5], [-1.0, 1.0], [1.0, 1.0]).sd(), 6)
    1.414214
    """
    w = checked_weights(weights)
    return NormalMixture(weights=w, means=checked("means", means, w.size, positive=False), sds=checked("sds", sds, w.size))
