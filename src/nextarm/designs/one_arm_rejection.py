"""The probability that a one-arm milestone test rejects, with the reference's sampling error in the test, in truth, or both.

The test is Wald's with the standard error found in the trial, so it rejects from a critical S_hat on that solves
g(s) - g(null) = z sqrt(se_g(s)^2 + se_ref^2). The chance of reaching it is taken with S_hat normal on the plain scale
(Kaplan-Meier estimates of infants followed to the milestone are binomial proportions), and averaged over the reference's
estimate by quadrature.
"""

from __future__ import annotations

import math

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.km_variance import kaplan_meier_se
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.reference import Reference
from nextarm.designs.setting import Setting
from nextarm.designs.truths import ProportionalHazards

_GRID = np.linspace(0.002, 0.998, 499)
#: Milestone survivals at which the variance is integrated; its ratio to the binomial one is smooth in between.
_KNOTS = np.array([0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 0.98])


def se_at(setting: Setting, survival: float | None) -> float:
    """Standard error of S_hat(milestone) of the experimental arm; for another ``survival`` hazards are scaled to it.

    Infinity where nobody is followed to the milestone by the analysis.
    """
    name = setting.experimental
    model = setting.truths[name]
    if survival is not None:
        own = setting.survival_at_milestone()[name]
        model = ProportionalHazards(base=model, hazard_ratio=math.log(survival) / math.log(own)) if 0.0 < own < 1.0 else model
    se = kaplan_meier_se(
        model, accrual=setting.accrual, analysis_time=setting.analysis_time, milestone=setting.milestone, share=setting.shares[name]
    )
    return math.inf if se is None else se


class Rejection:
    """Rejection probabilities of one design in one setting; the variance is integrated once and then interpolated."""

    def __init__(self, setting: Setting, reference: Reference, *, scale: str, critical: float, margin: float) -> None:
        self.reference, self.scale, self.critical, self.margin = reference, scale, critical, margin
        self.reachable = math.isfinite(se_at(setting, None))
        self.factor = np.ones(len(_KNOTS))
        if self.reachable:
            self.factor = np.array([se_at(setting, float(s)) ** 2 / (s * (1.0 - s)) for s in _KNOTS])

    def se(self, survival: FloatArray | float) -> FloatArray:
        """Standard error of S_hat where the milestone survival is ``survival``."""
        s = np.asarray(survival, np.float64)
        return np.sqrt(s * (1.0 - s) * np.interp(s, _KNOTS, self.factor))

    def critical_survival(self, estimate: FloatArray | float, test_se: float) -> FloatArray:
        """The smallest S_hat that rejects, for each ``estimate`` of the reference taken to have the error ``test_se``.

        1 where none does.
        """
        null = np.clip(np.atleast_1d(np.asarray(estimate, np.float64)) - self.margin, 1e-6, 1.0 - 1e-6)[:, None]
        s = _GRID[None, :]
        if self.scale == "plain":
            gap = s - null - self.critical * np.hypot(self.se(s), test_se)
        else:
            own, ref = self.se(s) / np.abs(s * np.log(s)), test_se / np.abs(null * np.log(null))
            gap = np.log(-np.log(null)) - np.log(-np.log(s)) - self.critical * np.hypot(own, ref)
        above = gap >= 0.0
        found = above.any(axis=1)
        first = np.argmax(above, axis=1)
        before = np.maximum(first - 1, 0)
        rows = np.arange(len(first))
        low, high = gap[rows, before], gap[rows, first]
        share = np.divide(-low, high - low, out=np.ones_like(low), where=(high > low) & (low < 0.0))
        return np.where(found, _GRID[before] + share * (_GRID[first] - _GRID[before]), 1.0)

    def probability(self, survival: float, *, test_se: float, known: bool = False) -> float:
        """Probability of rejection when the arm's milestone survival is ``survival``.

        ``test_se`` is the reference error the test allows for. ``known``: the reference's estimate is what it is; else
        it is averaged over its sampling error, whether or not the test allows for that.
        """
        from scipy.special import ndtr

        if not self.reachable:
            return 0.0
        if not 0.0 < survival < 1.0:
            return 1.0 if survival >= 1.0 else 0.0
        centre = self.reference.survival
        if known or self.reference.se == 0.0:
            estimates, weights = np.array([centre]), np.ones(1)
        else:
            x, w = gauss_legendre(np.linspace(-6.0, 6.0, 7))
            estimates, weights = centre + self.reference.se * x, w * np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        chance = ndtr((survival - self.critical_survival(estimates, test_se)) / self.se(survival))
        return float(min(max(np.sum(weights * chance), 0.0), 1.0))
