"""Mixture of beta distributions: prior of a probability, updated in closed form by binomial data.

``p ~ sum_k w_k Beta(a_k, b_k)``; after r events of n, ``Beta(a_k + r, b_k + n - r)`` with weights proportional to
``w_k B(a_k + r, b_k + n - r) / B(a_k, b_k)``. Robust mixture priors: Schmidli et al. 2014, doi 10.1111/biom.12242.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.borrowing.mixtures import Mixture, checked, checked_weights, posterior_weights, robust_share
from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray, require_positive, require_probability


@record
class BetaMixture(Mixture):
    """Weights (sum 1) and the two parameters of each component; make one with :func:`beta_mixture`."""

    weights: FloatArray
    a: FloatArray
    b: FloatArray

    def _log_components(self, x: FloatArray) -> FloatArray:
        from scipy.special import betaln, xlog1py, xlogy

        inside = (x >= 0.0) & (x <= 1.0)
        y = np.where(inside, x, 0.5)
        log: FloatArray = xlogy(self.a - 1.0, y) + xlog1py(self.b - 1.0, -y) - betaln(self.a, self.b)
        return np.where(inside, log, -np.inf)

    def _component_cdf(self, x: FloatArray) -> FloatArray:
        from scipy.special import betainc

        return np.asarray(betainc(self.a, self.b, np.clip(x, 0.0, 1.0)), np.float64)

    def _component_quantile(self, p: float) -> FloatArray:
        from scipy.special import betaincinv

        return np.asarray(betaincinv(self.a, self.b, p), np.float64)

    def _component_moments(self) -> tuple[FloatArray, FloatArray]:
        n = self.a + self.b
        mean = self.a / n
        return mean, mean * (1.0 - mean) / (n + 1.0)

    def posterior(self, events: int, n: int) -> BetaMixture:
        """The mixture after ``events`` of ``n``; :class:`CallError` unless 0 <= events <= n.

        >>> after = beta_mixture([0.8, 0.2], [11, 1], [32, 1]).posterior(8, 20)
        >>> [round(float(w), 4) for w in after.weights], round(after.mean(), 6)
        ([0.8596, 0.1404], 0.316678)
        """
        if not 0 <= events <= n:
            raise CallError(f"events = {events} of n = {n}", rule="must be between 0 and n")
        weights, a, b = self.update_many(np.array([events]), np.array([n]))
        return BetaMixture(weights=weights[0], a=a[0], b=b[0])

    def update_many(self, events: IntArray, n: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Posterior weights, a and b, each of shape (m, k), for m data sets at once (what a simulation needs).

        Counts are whole numbers, so ``log B`` is looked up in a table of the counts that occur, not computed m times.
        """
        from scipy.special import betaln

        r, m = np.asarray(events, np.int64), np.asarray(n, np.int64)
        if r.shape != m.shape or (r < 0).any() or (r > m).any():
            raise CallError("events, n", rule="must have one shape with 0 <= events <= n")
        pairs, where = np.unique(np.stack([r, m], axis=1), axis=0, return_inverse=True)
        a = self.a + pairs[:, :1]
        b = self.b + (pairs[:, 1:] - pairs[:, :1])
        weights = posterior_weights(self.weights, betaln(a, b) - betaln(self.a, self.b))
        back = where.ravel()
        return weights[back], a[back], b[back]

    def predictive(self, n: int) -> FloatArray:
        """Probability of 0, 1, .. n events among ``n`` new patients (beta-binomial mixture): shape (n + 1,)."""
        from scipy.special import betaln, gammaln

        r = np.arange(n + 1.0)[:, None]
        choose = gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0)
        out: FloatArray = np.exp(choose + betaln(self.a + r, self.b + n - r) - betaln(self.a, self.b)) @ self.weights
        return out

    def robustify(self, robust_weight: float = 0.2, *, mean: float = 0.5, n: float = 2.0) -> BetaMixture:
        """Add a vague component ``Beta(n mean, n (1 - mean))`` of weight ``robust_weight``; the default is uniform."""
        w, centre, size = robust_share(robust_weight), require_probability(mean, "mean"), require_positive(n, "n", "patients")
        if not 0.0 < centre < 1.0:
            raise CallError(f"mean = {mean}", rule="must lie between 0 and 1, both excluded")
        return beta_mixture(
            np.append(self.weights * (1.0 - w), w), np.append(self.a, size * centre), np.append(self.b, size * (1.0 - centre))
        )


def beta_mixture(weights: Sequence[float] | FloatArray, a: Sequence[float] | FloatArray, b: Sequence[float] | FloatArray) -> BetaMixture:
    """A beta mixture from weights (sum 1) and parameters above 0; :class:`CallError` otherwise.

    >>> round(beta_mixture([1.0], [11], [32]).mean(), 6)
    0.255814
    """
    w = checked_weights(weights)
    return BetaMixture(weights=w, a=checked("a", a, w.size), b=checked("b", b, w.size))
