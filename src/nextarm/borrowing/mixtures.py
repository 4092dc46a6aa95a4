"""What beta, normal and gamma mixtures share: density, distribution function, moments, quantiles, intervals.

A mixture is ``p(x) = sum_k w_k f_k(x)`` with weights that sum to 1. Its distribution function is the weighted sum of its
components', so its quantile lies between theirs and is found by bracketing. Posterior updates keep the family: each
component is updated as if alone and its weight is multiplied by its own prior predictive density of the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import Interval
from nextarm.core.units import FloatArray
from nextarm.survival.roots import brentq

M = TypeVar("M", bound="Mixture")


class Mixture:
    """Base of the mixture families; a family gives the four component methods.

    ``weights`` has shape (k,); every method takes a number or an array and returns an array of the same shape.
    """

    weights: FloatArray

    def _log_components(self, x: FloatArray) -> FloatArray:
        """Log density of each component at ``x``: shape (..., k)."""
        raise NotImplementedError

    def _component_cdf(self, x: FloatArray) -> FloatArray:
        """Distribution function of each component at ``x``: shape (..., k)."""
        raise NotImplementedError

    def _component_quantile(self, p: float) -> FloatArray:
        """Quantile of each component: shape (k,)."""
        raise NotImplementedError

    def _component_moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of each component: two arrays of shape (k,)."""
        raise NotImplementedError

    @property
    def components(self) -> int:
        """How many components there are."""
        return int(self.weights.size)

    def log_density(self, x: float | FloatArray) -> FloatArray:
        """Log density at ``x``, -inf where it is 0."""
        parts = self._log_components(np.asarray(x, np.float64)[..., None])
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = parts + np.log(self.weights)
            top = parts.max(axis=-1)
            safe = np.where(np.isfinite(top), top, 0.0)
            total: FloatArray = safe + np.log(np.exp(parts - safe[..., None]).sum(axis=-1))
        return total

    def density(self, x: float | FloatArray) -> FloatArray:
        """Density at ``x``."""
        out: FloatArray = np.exp(self.log_density(x))
        return out

    def cdf(self, x: float | FloatArray) -> FloatArray:
        """Probability of a value at most ``x``."""
        parts = self._component_cdf(np.asarray(x, np.float64)[..., None])
        out: FloatArray = np.clip(parts @ self.weights, 0.0, 1.0)
        return out

    def mean(self) -> float:
        """Mean of the mixture."""
        return float(self.weights @ self._component_moments()[0])

    def variance(self) -> float:
        """Variance of the mixture."""
        means, variances = self._component_moments()
        return float(self.weights @ (variances + (means - self.mean()) ** 2))

    def sd(self) -> float:
        """Standard deviation of the mixture."""
        return math.sqrt(self.variance())

    def quantile(self, p: float) -> float:
        """The value below which the probability is ``p``, 0 < p < 1; :class:`CallError` otherwise."""
        if not 0.0 < p < 1.0:
            raise CallError(f"p = {p}", rule="must lie between 0 and 1, both excluded")
        ends = self._component_quantile(p)[self.weights > 0.0]
        low, high = float(ends.min()), float(ends.max())
        if high - low <= 1e-14 * max(1.0, abs(low)):
            return low
        at_low, at_high = float(self.cdf(low)) - p, float(self.cdf(high)) - p
        if at_low >= 0.0 or at_high <= 0.0:  # rounding put the bracket's end on the quantile itself
            return low if at_low >= 0.0 else high
        return float(brentq(lambda x: float(self.cdf(x)) - p, low, high, xtol=1e-13, rtol=1e-14))

    def interval(self, level: float = 0.95) -> Interval:
        """Central interval that holds ``level``."""
        if not 0.0 < level < 1.0:
            raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded")
        tail = (1.0 - level) / 2.0
        return Interval(low=self.quantile(tail), high=self.quantile(1.0 - tail), level=level, kind="credible")


def checked_weights(weights: Sequence[float] | FloatArray) -> FloatArray:
    """Weights as an array that sums to 1; :class:`CallError` unless they are finite, not negative, and sum to 1 (1e-6)."""
    w = np.asarray(weights, np.float64)
    if w.ndim != 1 or w.size == 0 or not np.isfinite(w).all() or (w < 0.0).any() or abs(w.sum() - 1.0) > 1e-6:
        raise CallError(f"weights = {w.tolist()}", rule="must not be negative and must sum to 1")
    return np.asarray(w / w.sum(), np.float64)


def checked(name: str, values: Sequence[float] | FloatArray, k: int, *, positive: bool = True) -> FloatArray:
    """One parameter a component as an array; :class:`CallError` unless there are ``k`` finite (positive) numbers."""
    v = np.asarray(values, np.float64)
    if v.shape != (k,) or not np.isfinite(v).all() or (positive and (v <= 0.0).any()):
        raise CallError(f"{name} = {v.tolist()}", rule=f"must be {k} finite numbers" + (" above 0" if positive else ""))
    return v


def posterior_weights(weights: FloatArray, log_evidence: FloatArray) -> FloatArray:
    """Weights times ``exp(log_evidence)`` along the last axis, made to sum to 1 without overflow."""
    with np.errstate(divide="ignore"):
        log_w = np.log(weights) + log_evidence
    log_w = log_w - log_w.max(axis=-1, keepdims=True)
    raw = np.exp(log_w)
    out: FloatArray = raw / raw.sum(axis=-1, keepdims=True)
    return out


def robust_share(weight: float) -> float:
    """Return ``weight`` of a vague component if it lies in [0, 1); :class:`CallError` otherwise."""
    if not 0.0 <= weight < 1.0:
        raise CallError(f"robust_weight = {weight}", rule="must be at least 0 and below 1")
    return weight
