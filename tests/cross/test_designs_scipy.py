"""Events, at-risk integrals and bounds against scipy's own integration and multivariate normal, run here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import multivariate_normal

from nextarm.designs import (
    ProportionalHazards,
    boundaries,
    constant_accrual,
    expected_events,
    log_rank_moments,
    maximum_events,
    ramp_accrual,
    stepped_accrual,
    time_of_events,
)
from nextarm.designs.expected_events import find_root
from nextarm.designs.walk import crossing
from nextarm.survival.models import Exponential, LogNormal, MixtureCure, PromotionTimeCure, Weibull

ACCRUALS = [
    constant_accrual(rate=45.0, duration=3.0, follow_up=2.0, dropout_hazard=0.03),
    ramp_accrual(rate=45.0, ramp=1.0, duration=3.0, follow_up=2.0, dropout_hazard=0.03),
    stepped_accrual(rates=(10.0, 0.0, 40.0), cuts=(0.5, 1.0), duration=3.0, follow_up=2.0, dropout_hazard=0.03),
]
MODELS: list[Any] = [
    Exponential(rate=0.7),
    Weibull(shape=0.5, scale=1.0),
    MixtureCure(cure_fraction=0.6, latency=Weibull(shape=1.3, scale=0.9)),
    PromotionTimeCure(cure_fraction=0.4, latency=LogNormal(mu=-0.3, sigma=0.8)),
    ProportionalHazards(base=Exponential(rate=0.7), hazard_ratio=0.5, delay=0.5),
]


@pytest.mark.parametrize("accrual", ACCRUALS, ids=["constant", "ramp", "steps"])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("time", [0.8, 3.0, 5.0])
def test_expected_events_by_quad(accrual: Any, model: Any, time: float) -> None:
    def density(s: float) -> float:
        return float(accrual.entered(time - s)) * math.exp(-accrual.dropout_hazard * s) * float(model.density(np.asarray(s)))

    points = [p for p in (time - 3.0, time - 0.5, time - 1.0, 0.5) if 0.0 < p < time]
    want = sum(quad(density, a, b, limit=200)[0] for a, b in zip([0.0, *sorted(points)], [*sorted(points), time], strict=True))
    assert expected_events(model, accrual=accrual, time=time) == pytest.approx(want, abs=2e-6 * accrual.total)


def test_accrual_counts_and_quantiles() -> None:
    for accrual in ACCRUALS:
        for t in (0.3, 0.7, 1.5, 3.0):
            knots = [k for k in accrual.knots if 0.0 < k < t]
            pieces = zip([0.0, *knots], [*knots, t], strict=True)
            want = sum(quad(accrual.rate, a + 1e-13, b - 1e-13)[0] for a, b in pieces)
            assert float(accrual.entered(t)) == pytest.approx(want, abs=1e-8)
        p = np.linspace(0.0, 1.0, 41)
        assert accrual.probability_entered(accrual.entry_time(p)) == pytest.approx(p, abs=1e-12)


def test_log_rank_events_agree_with_the_event_integral() -> None:
    for accrual in ACCRUALS:
        got = log_rank_moments(MODELS[2], MODELS[3], share=1 / 3, accrual=accrual, time=4.0)
        assert got.events_control == pytest.approx(expected_events(MODELS[2], accrual=accrual, time=4.0, share=2 / 3), rel=1e-7)
        assert got.events_experimental == pytest.approx(expected_events(MODELS[3], accrual=accrual, time=4.0, share=1 / 3), rel=1e-7)


def test_events_ever_and_their_time() -> None:
    model = MixtureCure(cure_fraction=0.6, latency=Exponential(rate=1.0))
    accrual = constant_accrual(rate=50.0, duration=2.0, follow_up=3.0, dropout_hazard=0.25)
    most = maximum_events({"one": model}, shares={"one": 1.0}, accrual=accrual)
    assert most == pytest.approx(100.0 * 0.4 * 1.0 / 1.25, abs=1e-9)  # rate / (rate + dropout)
    assert time_of_events({"one": model}, shares={"one": 1.0}, accrual=accrual, events=most + 0.01) is None
    time = time_of_events({"one": model}, shares={"one": 1.0}, accrual=accrual, events=20.0)
    assert time is not None
    assert expected_events(model, accrual=accrual, time=time) == pytest.approx(20.0, abs=1e-9)


def test_crossing_probabilities_of_the_multivariate_normal() -> None:
    t = np.array([0.35, 0.7, 1.0])
    upper, mean = np.array([2.6, 2.2, 2.0]), 2.4 * np.sqrt(t)
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    stay = multivariate_normal(mean=mean, cov=covariance, abseps=1e-9, releps=1e-9, maxpts=2_000_000).cdf(upper)
    got = crossing(t, upper=upper, lower=np.full(3, -np.inf), mean_z=mean)[0]
    assert 1.0 - float(got.sum()) == pytest.approx(float(stay), abs=1e-6)


def test_spent_alpha_of_the_multivariate_normal() -> None:
    got = boundaries(np.array([0.2, 0.5, 0.8, 1.0]), family="lan-demets-pocock")
    for k in (1, 2, 3):
        t = got.fractions[: k + 1]
        covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
        stay = multivariate_normal(mean=np.zeros(k + 1), cov=covariance, abseps=1e-9, releps=1e-9, maxpts=2_000_000).cdf(
            got.efficacy[: k + 1]
        )
        assert got.alpha_spent[k] == pytest.approx(1.0 - float(stay), abs=2e-6)


@pytest.mark.parametrize("slope", [0.1, 1.0, 30.0])
def test_the_root_finder_takes_the_steps_of_scipys(slope: float) -> None:
    def steps(finder: Any, function: Any) -> tuple[float, list[float]]:
        seen: list[float] = []
        return finder(lambda x: (seen.append(x), function(x))[1]), sorted(seen)

    for function in (
        lambda x: math.tanh(slope * (x - 0.3)),
        lambda x: (x - 0.3) ** 3 + slope * (x - 0.3),
        lambda x: math.expm1(slope * (0.3 - x)),
    ):
        theirs = steps(lambda f: brentq(f, -2.0, 3.0, xtol=1e-12, rtol=1e-13), function)
        assert steps(lambda f: find_root(f, -2.0, 3.0), function) == theirs
