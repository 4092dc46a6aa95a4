"""One-sample log-rank designs against slow, plain simulation: tails, estimated reference, two looks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.core.units import FloatArray
from nextarm.designs import constant_accrual, plan_from_data
from nextarm.designs.one_sample_moments import correlation_of_looks, law_of_z, patient_moments, slope_of
from nextarm.designs.one_sample_test import upper_orthant
from nextarm.survival.models import Exponential, MixtureCure, Weibull

LATENCY = Weibull(shape=1.3, scale=0.7 / math.log(2.0) ** (1.0 / 1.3))
CURED = MixtureCure(cure_fraction=0.5, latency=LATENCY)
SETTINGS = [
    ("null", Exponential(rate=0.3466), Exponential(rate=0.3466), 60, 0.0),
    ("effect", Exponential(rate=0.2), Exponential(rate=0.3466), 60, 0.1),
    ("cure null", CURED, CURED, 160, 0.0),
    ("cure effect", MixtureCure(cure_fraction=0.6, latency=LATENCY), CURED, 160, 0.05),
]


def observed_and_expected(truth: Any, reference: Any, n: int, dropout: float, times: tuple[float, ...], trials: int) -> list[FloatArray]:
    """(O, E) of each trial at each time: n patients enter uniformly over two years."""
    rng = np.random.default_rng(3)
    entry, event = 2.0 * rng.random((trials, n)), np.asarray(truth.quantile(rng.random((trials, n))))
    lost = rng.exponential(1.0 / dropout, (trials, n)) if dropout else np.full((trials, n), np.inf)
    found = []
    for time in times:
        follow = np.clip(time - entry, 0.0, None)
        x = np.minimum(np.minimum(event, lost), follow)
        died = (event <= np.minimum(lost, follow)) & (follow > 0.0)
        found += [died.sum(axis=1), np.asarray(reference.cumulative_hazard(x)).sum(axis=1)]
    return found


@pytest.mark.parametrize(("label", "truth", "reference", "n", "dropout"), SETTINGS, ids=[s[0] for s in SETTINGS])
def test_law_of_z_with_a_fixed_reference(label: str, truth: Any, reference: Any, n: int, dropout: float) -> None:
    trials = 60_000
    accrual = constant_accrual(rate=n / 2.0, duration=2.0, follow_up=2.0, dropout_hazard=dropout)
    o, e = observed_and_expected(truth, reference, n, dropout, (4.0,), trials)
    z = (e - o) / np.sqrt(e)
    law = law_of_z(patient_moments(truth, reference, accrual=accrual, time=4.0))
    assert float((law.mean + law.sd * law.bias)[0]) == pytest.approx(float(z.mean()), abs=0.01)
    assert float(law.sd[0]) == pytest.approx(float(z.std()), abs=0.01)
    for critical in (1.2816, 1.6449, 1.96):
        got = float(law.reaches(critical)[0])
        share = float((z >= critical).mean())
        assert got == pytest.approx(share, abs=0.002 + 2.5 * math.sqrt(share * (1.0 - share) / trials))


@pytest.mark.parametrize("as_known", [True, False])
def test_estimated_reference_against_simulated_nelson_aalen(as_known: bool) -> None:
    rng, trials, n, n_ref = np.random.default_rng(8), 4000, 100, 150
    rejected = 0
    for _ in range(trials):
        event, follow = np.asarray(CURED.quantile(rng.random(n))), 4.0 - 2.0 * rng.random(n)
        x = np.sort(np.minimum(event, follow))
        own = np.sort(np.asarray(CURED.quantile(rng.random(n_ref))))
        own, left = own[np.isfinite(own)], n_ref - np.arange(int(np.isfinite(own).sum()))
        hazard = np.concatenate([[0.0], np.cumsum(1.0 / left)])
        e = hazard[np.searchsorted(own, x, side="right")].sum()
        extra = 0.0 if as_known else float(np.sum(((n - np.searchsorted(x, own)) / left) ** 2))
        rejected += (e - np.count_nonzero(event <= follow)) / math.sqrt(e + extra) >= 1.6449
    plan = plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 2.0},
            "accrual": {"rate": 50.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": CURE_SPEC}},
            "reference": {"survival": CURE_SPEC, "n": n_ref},
            "design": {"kind": "one-sample-log-rank", "alpha": 0.05},
        }
    )
    got: Any = plan.evaluate()
    want = rejected / trials
    error = 2.5 * math.sqrt(want * (1.0 - want) / trials)
    assert (got.type1_if_taken_as_known if as_known else got.type1_error) == pytest.approx(want, abs=0.006 + error)


CURE_SPEC = {"model": "mixture-cure", "cure_fraction": 0.5, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}


def test_two_looks_are_as_correlated_as_simulated() -> None:
    truth, reference = Exponential(rate=0.2), Exponential(rate=0.3466)
    accrual = constant_accrual(rate=50.0, duration=2.0, follow_up=2.0, dropout_hazard=0.1)
    o1, e1, o2, e2 = observed_and_expected(truth, reference, 100, 0.1, (1.4, 4.0), 40_000)
    slopes = tuple(slope_of(patient_moments(truth, reference, accrual=accrual, time=t)) for t in (1.4, 4.0))
    got = correlation_of_looks(truth, reference, accrual=accrual, times=(1.4, 4.0), slopes=(slopes[0], slopes[1]))
    assert got == pytest.approx(float(np.corrcoef((e1 - o1) / np.sqrt(e1), (e2 - o2) / np.sqrt(e2))[0, 1]), abs=0.02)
    null = correlation_of_looks(reference, reference, accrual=accrual, times=(1.4, 4.0), slopes=(1.0, 1.0))
    m1, m2 = (patient_moments(reference, reference, accrual=accrual, time=t) for t in (1.4, 4.0))
    assert null == pytest.approx(math.sqrt(m1.expected / m2.expected), abs=0.01)


def test_orthant_against_scipy() -> None:
    from scipy.stats import multivariate_normal

    for z1, z2, rho in ((0.3, 1.2, 0.4), (-2.0, 1.6, 0.8), (1.0, -0.5, 0.1)):
        want = multivariate_normal([0.0, 0.0], [[1.0, rho], [rho, 1.0]]).cdf([-z1, -z2])
        assert float(upper_orthant(np.array([z1]), np.array([z2]), rho)[0]) == pytest.approx(float(want), abs=1e-7)


def test_plain_trials_with_six_expected_events_are_what_the_formula_warns_of() -> None:
    # 30,000 plain trials in numpy reject in .684 (se .003); O is a count, and the formula is smooth
    def model(cure: float) -> dict[str, Any]:
        return {"model": "mixture-cure", "cure_fraction": cure, "latency": {"model": "weibull", "shape": 1.3, "median": 0.7}}

    got = plan_from_data(
        {
            "trial": {"name": "t", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": 40.0 / 3.0, "duration": 3.0, "follow_up": 2.0},
            "arms": {"a": {"survival": model(0.95)}},
            "reference": {"survival": model(0.85), "fixed": True},
            "design": {"kind": "one-sample-log-rank", "alpha": 0.05},
        }
    ).evaluate()
    assert got.power == pytest.approx(0.684, abs=0.11)
    assert any("events are expected" in note for note in got.warnings)
