"""Mixture of products of betas or of gammas: prior of one probability, or of the hazards of several pieces, together.

Given the component the parameters are independent; the shared weights carry what one tells of another. Each component is
updated in closed form by binomial counts (betas) or by events in follow-up (gammas).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.mixtures import posterior_weights
from nextarm.core.result import record
from nextarm.core.units import FloatArray


@record
class JointMixture:
    """``weights`` (m,); ``first`` and ``second`` (m, j): a and b of the betas, shape and rate of the gammas."""

    family: Literal["beta", "gamma"]
    weights: FloatArray
    first: FloatArray
    second: FloatArray

    def marginal(self, j: int) -> BetaMixture | GammaMixture:
        """The distribution of parameter ``j``."""
        if self.family == "beta":
            return BetaMixture(weights=self.weights, a=self.first[:, j], b=self.second[:, j])
        return GammaMixture(weights=self.weights, shapes=self.first[:, j], rates=self.second[:, j])

    def log_evidence(self, events: FloatArray, sizes: FloatArray) -> FloatArray:
        """Log probability of ``events`` (j,) in ``sizes`` (j,: patients or years) under each component, up to the data's constant."""
        from scipy.special import betaln, gammaln

        a, b = self.first, self.second
        if self.family == "beta":
            made = betaln(a + events, b + sizes - events) - betaln(a, b)
        else:
            made = gammaln(a + events) - gammaln(a) + a * np.log(b) - (a + events) * np.log(b + sizes)
        return np.asarray(made.sum(axis=1), np.float64)

    def posterior(self, events: FloatArray, sizes: FloatArray) -> JointMixture:
        """The mixture after ``events`` (j,) of ``sizes`` patients, or in ``sizes`` years of follow-up.

        >>> prior = JointMixture(family="gamma", weights=np.ones(1), first=np.ones((1, 1)), second=np.full((1, 1), 2.0))
        >>> float(prior.posterior(np.array([3.0]), np.array([8.0])).marginal(0).mean())
        0.4
        """
        second = self.second + (sizes - events if self.family == "beta" else sizes)
        return JointMixture(
            family=self.family,
            weights=posterior_weights(self.weights, self.log_evidence(events, sizes)),
            first=self.first + events,
            second=second,
        )

    def draws(self, n: int, generator: np.random.Generator) -> FloatArray:
        """``n`` draws, (n, j)."""
        which = generator.choice(self.weights.size, n, p=self.weights)
        a, b = self.first[which], self.second[which]
        return np.asarray(generator.beta(a, b) if self.family == "beta" else generator.gamma(a) / b, np.float64)
