"""Mixture of multivariate normals: prior of several parameters at once, updated in closed form by a normal estimate.

``theta ~ sum_k w_k N(m_k, C_k)``; after an estimate ``y`` with covariance ``V`` component k has precision ``C_k^-1 + V^-1`` and its
weight is proportional to ``w_k N(y; m_k, C_k + V)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.borrowing.mixtures import posterior_weights, robust_share
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.core.errors import CallError, DataError
from nextarm.core.result import record
from nextarm.core.units import FloatArray


@record
class MultinormalMixture:
    """``weights`` (k,), ``means`` (k, q), ``covariances`` (k, q, q)."""

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray

    @property
    def components(self) -> int:
        """How many components there are."""
        return int(self.weights.size)

    def marginal(self, j: int) -> NormalMixture:
        """The distribution of parameter ``j``."""
        return NormalMixture(weights=self.weights, means=self.means[:, j], sds=np.sqrt(self.covariances[:, j, j]))

    def means_of(self) -> FloatArray:
        """The mean, (q,)."""
        return np.asarray(self.weights @ self.means, np.float64)

    def covariance(self) -> FloatArray:
        """The covariance, (q, q)."""
        off = self.means - self.means_of()
        made: FloatArray = np.einsum("k,kij->ij", self.weights, self.covariances + off[:, :, None] * off[:, None, :])
        return made

    def sds(self) -> FloatArray:
        """The standard deviations, (q,)."""
        return np.sqrt(np.diagonal(self.covariance()))

    def log_predictive(self, estimate: FloatArray, covariance: FloatArray) -> FloatArray:
        """Log density of an estimate under each component, (k,)."""
        total = self.covariances + covariance
        off = estimate - self.means
        quadratic = np.einsum("ki,kij,kj->k", off, np.linalg.inv(total), off)
        made: FloatArray = -0.5 * (quadratic + np.linalg.slogdet(total)[1] + off.shape[1] * math.log(2.0 * math.pi))
        return made

    def posterior(self, estimate: Sequence[float] | FloatArray, covariance: Sequence[Sequence[float]] | FloatArray) -> MultinormalMixture:
        """The mixture after an estimate (q,) with its covariance (q, q).

        >>> prior = MultinormalMixture(weights=np.ones(1), means=np.zeros((1, 2)), covariances=np.eye(2)[None])
        >>> prior.posterior([1.0, 2.0], np.eye(2)).means_of().tolist()
        [0.5, 1.0]
        """
        y, v = checked_estimate(estimate, covariance, self.means.shape[1])
        gain = self.covariances @ np.linalg.inv(self.covariances + v)
        means = self.means + np.einsum("kij,kj->ki", gain, y - self.means)
        return MultinormalMixture(
            weights=posterior_weights(self.weights, self.log_predictive(y, v)),
            means=means,
            covariances=self.covariances - gain @ self.covariances,
        )

    def robustify(
        self, robust_weight: float, *, mean: Sequence[float] | FloatArray, sd: Sequence[float] | FloatArray
    ) -> MultinormalMixture:
        """Add a vague component with independent parameters and weight ``robust_weight``."""
        w = robust_share(robust_weight)
        vague = np.diag(np.asarray(sd, np.float64) ** 2)[None]
        return MultinormalMixture(
            weights=np.append(self.weights * (1.0 - w), w),
            means=np.concatenate([self.means, np.asarray(mean, np.float64)[None]]),
            covariances=np.concatenate([self.covariances, vague]),
        )

    def merged(self, most: int = 6) -> MultinormalMixture:
        """At most ``most`` components: neighbours in spread are merged so that mean and covariance of the whole stay as they are."""
        if self.components <= most:
            return self
        order = np.argsort(np.trace(self.covariances, axis1=1, axis2=2))
        place = np.cumsum(self.weights[order]) - self.weights[order] / 2.0
        # Finer groups at the wide end, where a few light components make the tails.
        edges = 1.0 - 0.25 ** np.arange(1, most)
        group = np.searchsorted(edges, place)
        parts = []
        for g in np.unique(group):
            some = order[group == g]
            part = MultinormalMixture(
                weights=self.weights[some] / self.weights[some].sum(), means=self.means[some], covariances=self.covariances[some]
            )
            parts.append((float(self.weights[some].sum()), part.means_of(), part.covariance()))
        return MultinormalMixture(
            weights=np.array([w for w, _, _ in parts]),
            means=np.array([m for _, m, _ in parts]),
            covariances=np.array([c for _, _, c in parts]),
        )

    def draws(self, n: int, generator: np.random.Generator) -> FloatArray:
        """``n`` draws, (n, q)."""
        which = generator.choice(self.components, n, p=self.weights)
        noise = generator.standard_normal((n, self.means.shape[1]))
        return np.asarray(self.means[which] + np.einsum("nij,nj->ni", np.linalg.cholesky(self.covariances)[which], noise), np.float64)


def checked_estimate(
    estimate: Sequence[float] | FloatArray, covariance: Sequence[Sequence[float]] | FloatArray, q: int
) -> tuple[FloatArray, FloatArray]:
    """Estimate and covariance as arrays of ``q`` parameters; :class:`DataError` unless finite and positive definite."""
    y, v = np.asarray(estimate, np.float64), np.asarray(covariance, np.float64)
    if y.shape != (q,) or v.shape != (q, q):
        raise CallError(f"an estimate of {y.size} parameters", rule=f"must have {q} and a {q} x {q} covariance")
    if not (np.isfinite(y).all() and np.isfinite(v).all()) or not np.allclose(v, v.T) or float(np.linalg.eigvalsh(v).min()) <= 0.0:
        raise DataError("the covariance of an estimate", rule="must be finite, symmetric and positive definite")
    return y, v
