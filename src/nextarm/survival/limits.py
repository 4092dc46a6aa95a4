"""Pointwise confidence limits of a survival curve, with limits that hold where Greenwood's formula has no variance.

At S = 1 (all survive) and S = 0 the variance estimate is zero or undefined. There, and everywhere for
``interval="beta-product"``, limits come from the beta product (Fay, Brittain and Proschan 2013, doi
10.1093/biostatistics/kxt016) with the product matched by two moments: exact (Clopper-Pearson) without censoring.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray

IntervalKind = Literal["log-log", "log", "plain", "beta-product"]
INTERVALS: tuple[str, ...] = get_args(IntervalKind)


def normal_quantile(p: float) -> float:
    """The standard normal quantile of ``p``."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


def transformed_limits(survival: FloatArray, relative_se: FloatArray, z: float | FloatArray, kind: str) -> tuple[FloatArray, FloatArray]:
    """Limits g^-1(g(S) -+ z se(g)) for S inside (0, 1); ``relative_se`` is se(S)/S. NaN where S is 0 or 1."""
    if kind not in INTERVALS[:3]:
        raise CallError(f"interval = {kind!r}", rule=f"must be one of {', '.join(map(repr, INTERVALS))}")
    inside = (survival > 0.0) & (survival < 1.0)
    S = np.where(inside, survival, 0.5)
    r = z * np.where(inside, relative_se, 0.0)
    if kind == "plain":
        low, high = S * (1.0 - r), S * (1.0 + r)
    elif kind == "log":
        low, high = S * np.exp(-r), S * np.exp(r)
    else:
        shift = np.exp(r / -np.log(S))
        low, high = S**shift, S ** (1.0 / shift)
    nan = np.where(inside, 0.0, np.nan)
    return np.clip(low, 0.0, 1.0) + nan, np.clip(high, 0.0, 1.0) + nan


def beta_product_limits(at_risk: FloatArray, events: FloatArray, after: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Beta-product limits at each row; ``at_risk`` just before, ``after`` just after the time.

    Upper: the product over event times of Beta(n - d + 1, d). Lower: the same times Beta(n_after, 1), as if the next
    event came at once.
    """
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    a, b = np.where(events > 0, at_risk - events + 1.0, 1.0), events
    log_mean = np.cumsum(np.log(a / (a + b)))
    log_ratio = np.cumsum(np.log1p(b / (a * (a + b + 1.0))))
    seen = np.cumsum(events) > 0
    high = np.ones_like(at_risk)
    high[seen] = betaincinv(*_matched(log_mean[seen], log_ratio[seen]), 1.0 - tail)
    low = np.zeros_like(at_risk)
    some = after > 0
    n = after[some]
    low[some] = betaincinv(*_matched(log_mean[some] - np.log1p(1.0 / n), log_ratio[some] + np.log1p(1.0 / (n * (n + 2.0)))), tail)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _matched(log_mean: FloatArray, log_ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape pair of the beta law with mean exp(log_mean) and E[B^2]/E[B]^2 = exp(log_ratio)."""
    mean, excess = np.exp(log_mean), np.expm1(log_ratio)
    a = (-np.expm1(log_mean) - mean * excess) / excess
    return a, a * -np.expm1(log_mean) / mean


def pointwise_limits(
    survival: FloatArray,
    relative_se: FloatArray,
    at_risk: FloatArray,
    events: FloatArray,
    after: FloatArray,
    *,
    kind: str,
    level: float,
) -> tuple[FloatArray, FloatArray]:
    """Limits of ``kind``, from the beta product wherever S is exactly 0 or 1."""
    if kind == "beta-product":
        low, high = beta_product_limits(at_risk, events, after, level)
        return np.minimum(low, survival), np.maximum(high, survival)
    low, high = transformed_limits(survival, relative_se, normal_quantile(0.5 + level / 2.0), kind)
    if np.isnan(low).any():
        exact_low, exact_high = beta_product_limits(at_risk, events, after, level)
        edge = np.isnan(low)
        low, high = np.where(edge, np.minimum(exact_low, survival), low), np.where(edge, np.maximum(exact_high, survival), high)
    return low, high
