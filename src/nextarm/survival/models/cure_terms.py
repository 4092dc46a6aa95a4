"""A cure fraction around any family, mixture or promotion-time, with exact derivatives."""

from __future__ import annotations

from typing import Literal

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.models.family import Family, Jet, Link, outer
from nextarm.survival.models.mixture_cure import MixtureCure
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure

CureLink = Literal["logit", "log-log"]


def cured_family(kind: str, latency: Family, link: CureLink) -> Family:
    """``latency`` with a cure fraction as its first predictor.

    With the link "logit" the predictor is log(pi / (1 - pi)); with "log-log" it is log(-log pi), so that in a
    promotion-time model covariates act as proportional hazards (and a larger predictor is a smaller cure fraction).
    """
    mixture = kind == MixtureCure.name

    def log_density(eta: FloatArray, t: FloatArray) -> Jet:
        cured, uncured = _log_shares(eta[:1], link, latency.k + 1, t.size)
        f = _behind(latency.log_density(eta[1:], t))
        if mixture:
            return uncured + f
        theta = Jet(-cured.value, -cured.first, -cured.second)
        log_theta = theta.through(np.log(theta.value), 1.0 / theta.value, -1.0 / theta.value**2)
        return log_theta + f + log_survival(eta, t)

    def log_survival(eta: FloatArray, t: FloatArray) -> Jet:
        cured, uncured = _log_shares(eta[:1], link, latency.k + 1, t.size)
        s = _settled(_behind(latency.log_survival(eta[1:], t)))
        if mixture:
            return _log_sum(cured, uncured + s)
        alive = np.exp(s.value)
        gone = s.through(-np.expm1(s.value), -alive, -alive)
        return _product(cured, gone)

    build = MixtureCure if mixture else PromotionTimeCure
    return Family(
        name=f"{kind}:{latency.name}",
        parameters=("cure_fraction", *latency.parameters),
        links=(link, *latency.links),
        location=tuple(j + 1 for j in latency.location),
        log_density=log_density,
        log_survival=log_survival,
        build=lambda v: build(cure_fraction=v[0], latency=latency.build(v[1:])),  # type: ignore[arg-type]
        shape_from_spread=latency.shape_from_spread,
        from_median=latency.from_median,
        at_zero=latency.at_zero,
        free_scale=latency.free_scale,
        per_year=tuple(j + 1 for j in latency.per_year),
    )


def _log_shares(eta: FloatArray, link: Link, k: int, n: int) -> tuple[Jet, Jet]:
    """The jets of log pi and log(1 - pi) in k predictors of which the first is the cure predictor."""
    x = np.broadcast_to(eta[0], (n,))
    if link == "logit":
        log_pi, log_rest = -np.logaddexp(0.0, -x), -np.logaddexp(0.0, x)
        pi, rest = np.exp(log_pi), np.exp(log_rest)
        parts = ((log_pi, rest, -pi * rest), (log_rest, -pi, -pi * rest))
    else:
        theta = np.exp(x)
        r = 1.0 / np.expm1(theta)
        parts = ((-theta, -theta, -theta), (np.log(-np.expm1(-theta)), theta * r, theta * r * (1.0 - theta * (1.0 + r))))
    made = []
    for value, slope, bend in parts:
        first, second = np.zeros((k, n)), np.zeros((k, k, n))
        first[0], second[0, 0] = slope, bend
        made.append(Jet(value, first, second))
    return made[0], made[1]


def _behind(jet: Jet) -> Jet:
    """The latency's jet with room for the cure predictor in front."""
    k, n = jet.first.shape
    first, second = np.zeros((k + 1, n)), np.zeros((k + 1, k + 1, n))
    first[1:], second[1:, 1:] = jet.first, jet.second
    return Jet(jet.value, first, second)


def _settled(s: Jet) -> Jet:
    """A log survival below e^-700 changes nothing any more: its (possibly infinite) derivatives are set to 0."""
    late = s.value < -700.0
    if not late.any():
        return s
    return Jet(np.where(late, -np.inf, s.value), np.where(late, 0.0, s.first), np.where(late, 0.0, s.second))


def _log_sum(a: Jet, b: Jet) -> Jet:
    """log(e^a + e^b)."""
    value = np.logaddexp(a.value, b.value)
    u = np.exp(b.value - value)
    c = 1.0 - u
    return Jet(value, c * a.first + u * b.first, c * a.second + u * b.second + c * u * outer(a.first - b.first))


def _product(a: Jet, b: Jet) -> Jet:
    """The product of two jets."""
    cross = a.first[:, None, :] * b.first[None, :, :]
    second = a.value * b.second + b.value * a.second + cross + cross.swapaxes(0, 1)
    return Jet(a.value * b.value, a.value * b.first + b.value * a.first, second)
