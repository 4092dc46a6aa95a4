"""Every survival model is a truth that virtual trials can have, and so is the estimate of a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nextarm.designs.accrual import stepped_accrual
from nextarm.designs.truths import Distribution, ProportionalHazards
from nextarm.simulation.block import patients_of, prepared
from nextarm.simulation.draws import draw_trials
from nextarm.simulation.enrol import patients_of_draws
from nextarm.simulation.simplify import dropout_truth, simplified, times_of
from nextarm.survival.models import (
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    MixtureCure,
    PiecewiseExponential,
    PromotionTimeCure,
    Weibull,
)
from nextarm.survival.models.registry import LATENCIES
from simulation_plans import two_arms

PLAIN: tuple[Distribution, ...] = (
    Exponential(rate=0.6),
    Weibull(shape=1.3, scale=1.5),
    LogNormal(mu=0.2, sigma=0.9),
    LogLogistic(shape=1.6, scale=1.2),
    Gamma(shape=2.0, rate=1.5),
    GeneralisedGamma(mu=0.1, sigma=0.8, q=0.5),
    Gompertz(shape=-0.4, rate=0.5),
    PiecewiseExponential(cuts=(0.5, 1.5), rates=(0.8, 0.0, 0.3)),
)
CURED = tuple(MixtureCure(cure_fraction=c, latency=PLAIN[1]) for c in (0.0, 0.4, 1.0))
OTHERS = (PromotionTimeCure(cure_fraction=0.4, latency=PLAIN[3]), ProportionalHazards(base=CURED[1], hazard_ratio=0.6, delay=0.5))
TRUTHS = (*PLAIN, *CURED, *OTHERS)


def test_no_model_is_left_out() -> None:
    assert {type(truth) for truth in PLAIN} == set(LATENCIES)


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda t: type(t).__name__)
def test_virtual_patients_follow_their_truth(truth: Distribution) -> None:
    """The share without an event by half a year, one and three years, within 4.5 standard errors."""
    u = np.linspace(0.0005, 0.9995, 997)
    assert times_of(truth, u) == pytest.approx(truth.quantile(u), rel=1e-13)
    made = prepared(two_arms({"kind": "log-rank"}))
    own = made.truths[0]
    draws = draw_trials(3, 0, trials=200, patients=own.patients)
    limits = np.array([1.0, 1.0, 0.0])
    patients = patients_of_draws(
        draws, accrual=own.accrual, survival=(truth, truth), dropout=None, allocation=own.allocation, limits=limits
    )  # fmt: skip
    for time in (0.5, 1.0, 3.0):
        s = float(truth.survival(np.asarray(time)))
        share = float(np.mean(patients.own > time))
        assert abs(share - s) <= 4.5 * (s * (1.0 - s) / patients.own.size) ** 0.5 + 1e-12


@pytest.mark.parametrize("base", [PLAIN[0], PLAIN[1], PLAIN[7], ProportionalHazards(base=CURED[1], hazard_ratio=0.5)])
def test_a_shorter_truth_is_the_same_truth(base: Distribution) -> None:
    long = ProportionalHazards(base=base, hazard_ratio=0.7)
    short = simplified(long)
    assert type(short) is type(base)
    t = np.linspace(0.0, 6.0, 50)
    assert short.survival(t) == pytest.approx(long.survival(t), rel=1e-12)
    late = ProportionalHazards(base=base, hazard_ratio=0.7, delay=1.0)
    assert simplified(late).survival(t) == pytest.approx(late.survival(t), rel=1e-12)


def test_nobody_drops_out_without_a_hazard() -> None:
    accrual = stepped_accrual(rates=(10.0,), cuts=(), duration=2.0, follow_up=1.0)
    assert dropout_truth(accrual) is None
    steps = replace(accrual, dropout_hazards=(0.2, 0.0), dropout_cuts=(1.0,))
    law = dropout_truth(steps)
    assert law is not None
    assert law.survival(np.array([0.5, 1.0, 9.0])) == pytest.approx(steps.still_in(np.array([0.5, 1.0, 9.0])))
    assert patients_of(two_arms()) == 60
