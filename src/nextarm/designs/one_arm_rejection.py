"""The probability that a one-arm milestone test rejects, with the reference's sampling error in the test, in truth, or both.

The test is Wald's with the standard error found in the trial, so it rejects from a critical S_hat on that solves
g(s) - g(null) = z sqrt(se_g(s)^2 + se_ref^2). The chance of reaching it is taken with S_hat normal on the plain scale
(Kaplan-Meier estimates of infants followed to the milestone are binomial proportions), and averaged over the reference's
estimate by quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.km_variance import kaplan_meier_ses
from nextarm.designs.quadrature import gauss_legendre
from nextarm.designs.reference import Reference
from nextarm.designs.setting import Setting

_GRID = np.linspace(0.002, 0.998, 499)
#: Milestone survivals at which the variance is integrated; its ratio to the binomial one is smooth in between.
_KNOTS = np.array([0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 0.98])


def se_at(setting: Setting, survival: float | None) -> float:
    """Standard error of S_hat(milestone) of the experimental arm, as planned or (``survival`` given) as in :func:`ses_at`."""
    return ses_at(setting, (survival,))[0]


def ses_at(setting: Setting, survivals: Sequence[float | None]) -> tuple[float, ...]:
    """Standard errors of S_hat(milestone) of the experimental arm where that is each of ``survivals``, hazards scaled to it.

    None stands for its own. Infinity where nobody is followed to the milestone by the analysis.
    """
    name = setting.experimental
    own = setting.survival_at_milestone()[name]
    ratios = [math.log(s) / math.log(own) if s is not None and 0.0 < own < 1.0 else 1.0 for s in survivals]
    found = kaplan_meier_ses(
        setting.truths[name],
        ratios,
        accrual=setting.accrual,
        analysis_time=setting.analysis_time,
        milestone=setting.milestone,
        share=setting.shares[name],
    )
    return (math.inf,) * len(ratios) if found is None else found


class Rejection:
    """Rejection probabilities of one design in one setting; the variance is integrated once and then interpolated."""

    def __init__(self, setting: Setting, reference: Reference, *, scale: str, critical: float, margin: float) -> None:
        self.reference, self.scale, self.critical, self.margin = reference, scale, critical, margin
        ses = np.array(ses_at(setting, _KNOTS.tolist()))
        self.reachable = bool(np.isfinite(ses).all())
        self.factor = ses**2 / (_KNOTS * (1.0 - _KNOTS)) if self.reachable else np.ones(len(_KNOTS))

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
