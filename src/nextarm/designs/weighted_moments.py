"""Moments of weighted log-rank statistics under any pair of survival truths.

With the numbers at risk y_j(s) (per patient of the trial, entered by the analysis and not dropped out), weights w_a(s)
of the pooled survival and dN the events,

    delta_a = int w_a y0 y1 / (y0 + y1) (h0 - h1) ds,     V_ab = int w_a w_b y0 y1 / (y0 + y1)^2 dN,

Z_a has mean sqrt(n) delta_a / sqrt(V_aa) and correlations V_ab / sqrt(V_aa V_bb) (Yung and Liu 2020, doi
10.1111/biom.13196). V0 is V when both arms have the mean of the two hazards. ``null-information`` power is that of an
estimate whose variance is from V0 under the null and from V under the alternative; ``score`` power that of Z itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.designs.expected_events import find_root, integration_breaks
from nextarm.designs.milestone_one_arm import z_of
from nextarm.designs.quadrature import follow_up_nodes
from nextarm.designs.setting import Setting, nothing_to_compare

#: Weights from the times since entry (m,) and the pooled survival at them and at any other times.
Weight = Callable[[FloatArray, Callable[[FloatArray], FloatArray]], FloatArray]


def fleming_harrington(p: float, q: float) -> Weight:
    """S^p (1 - S)^q."""
    return lambda s, pooled: np.asarray(pooled(s) ** p * (1.0 - pooled(s)) ** q, np.float64)


def modest(until: float) -> Weight:
    """1 / max(S, S(until)): weights rise to ``until`` years and then stay (Magirr and Burman 2019, doi 10.1002/sim.8186)."""
    return lambda s, pooled: np.asarray(1.0 / pooled(np.minimum(s, until)), np.float64)


@dataclass(frozen=True)
class WeightedMoments:
    """``delta`` (a,), ``information`` V and ``null_information`` V0 (a, a), for all patients of the trial."""

    delta: FloatArray
    information: FloatArray
    null_information: FloatArray

    @property
    def mean_z(self) -> FloatArray:
        """Means of the Z statistics, positive where the experimental arm does better."""
        return np.asarray(self.delta / np.sqrt(np.diag(self.information)), np.float64)

    @property
    def correlation(self) -> FloatArray:
        """Correlations of the Z statistics."""
        sd = np.sqrt(np.diag(self.information))
        found = self.information / np.outer(sd, sd)
        np.fill_diagonal(found, 1.0)
        return np.asarray(found, np.float64)


def weighted_moments(setting: Setting, weights: Sequence[Weight], *, breaks: Sequence[float] = ()) -> WeightedMoments:
    """Moments at the last analysis of ``setting``; ``breaks`` are years at which a weight has a kink."""
    control, new = setting.truths[setting.control], setting.truths[setting.experimental]
    share, time, accrual = setting.shares[setting.experimental], setting.analysis_time, setting.accrual
    s, w = follow_up_nodes(time, [*integration_breaks((control, new), accrual, time), *breaks])
    inside = accrual.entered(time - s) * accrual.still_in(s)
    hazards = [np.asarray(m.hazard(s), np.float64) for m in (control, new)]
    y0 = (1.0 - share) * inside * np.asarray(control.survival(s))
    y1 = share * inside * np.asarray(new.survival(s))
    total = np.maximum(y0 + y1, 1e-300)

    def pooled(t: FloatArray) -> FloatArray:
        return np.asarray((1.0 - share) * np.asarray(control.survival(t)) + share * np.asarray(new.survival(t)), np.float64)

    def null(t: FloatArray) -> FloatArray:
        hazard = (1.0 - share) * np.asarray(control.cumulative_hazard(t)) + share * np.asarray(new.cumulative_hazard(t))
        return np.asarray(np.exp(-hazard), np.float64)

    under_h1 = np.array([weight(s, pooled) for weight in weights])
    under_h0 = np.array([weight(s, null) for weight in weights])
    delta = under_h1 @ (w * y0 * y1 / total * (hazards[0] - hazards[1]))
    events = w * (y0 / total) * (y1 / total) * (y0 * hazards[0] + y1 * hazards[1])
    mean_hazard = (1.0 - share) * hazards[0] + share * hazards[1]
    null_events = w * share * (1.0 - share) * inside * null(s) * mean_hazard
    information = (under_h1 * events) @ under_h1.T
    if not np.all(np.diag(information) > 0.0):
        raise nothing_to_compare("a weighted log-rank test")
    return WeightedMoments(delta, information, (under_h0 * null_events) @ under_h0.T)


def weighted_power(m: WeightedMoments, alpha: float, convention: str) -> float:
    """Power of one weighted test."""
    from scipy.special import ndtr

    v, v0 = float(m.information[0, 0]), float(m.null_information[0, 0])
    critical = z_of(alpha) * (math.sqrt(v / v0) if convention == "null-information" else 1.0)
    return float(ndtr(float(m.delta[0]) / math.sqrt(v) - critical))


def max_combo_bound(correlation: FloatArray, alpha: float) -> float:
    """The bound that the largest of correlated Z exceeds with probability ``alpha`` under the null.

    >>> round(max_combo_bound(np.eye(2), 0.05), 4)
    1.9545
    """
    from nextarm.survival.normal_box import normal_box

    return find_root(lambda c: 1.0 - normal_box(correlation, -np.inf, c) - alpha, z_of(alpha) - 1e-9, z_of(alpha / len(correlation)) + 1e-9)


def max_combo_power(m: WeightedMoments, alpha: float) -> tuple[float, float]:
    """Power of the largest of several weighted tests, and its bound."""
    from scipy.special import ndtr

    if len(m.delta) == 1:
        return weighted_power(m, alpha, "score"), z_of(alpha)
    bound = max_combo_bound(m.correlation, alpha)
    gaps = bound - m.mean_z
    if len(gaps) == 2:
        from nextarm.designs.one_sample_test import upper_orthant

        rho = float(m.correlation[0, 1])
        if rho > 1.0 - 1e-9:
            return float(ndtr(-np.min(gaps))), bound
        # P(both below) by the symmetry of the normal law
        return 1.0 - float(upper_orthant(-gaps[:1], -gaps[1:], rho)[0]), bound
    from scipy.stats import multivariate_normal

    law = multivariate_normal(cov=m.correlation, allow_singular=True, maxpts=200_000, abseps=1e-7, releps=1e-7)  # type: ignore[call-overload]
    law.random_state = np.random.default_rng(20190101)
    return float(np.clip(1.0 - law.cdf(gaps), 0.0, 1.0)), bound
