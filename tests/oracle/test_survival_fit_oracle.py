"""Fits against a plain twin: the likelihood from the distributions, scipy's general optimiser, numerical Hessians, a profile grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from nextarm.survival import Patients, make_patients
from nextarm.survival.fit import fit_model
from nextarm.survival.fit_family import family_of
from nextarm.survival.fit_result import Fit
from nextarm.survival.models import (
    Distribution,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    MixtureCure,
    PromotionTimeCure,
    Weibull,
)
from nextarm.survival.models.family import from_predictor

MODELS = ("exponential", "weibull", "log-normal", "log-logistic", "gamma", "generalised-gamma", "gompertz", "piecewise-exponential")


def drawn(model: Distribution, n: int, seed: int, *, censor: tuple[float, float] = (2.0, 7.0)) -> Patients:
    r = np.random.default_rng(seed)
    time, end = model.quantile(r.random(n)), r.uniform(*censor, n)
    return make_patients(np.minimum(time, end), (time <= end).astype(int))


def plain(patients: Patients, model: str, cuts: tuple[float, ...], theta: np.ndarray) -> float:
    """The log likelihood from the distribution's own functions, in one line a kind of patient."""
    family = family_of(model, cuts)
    d = family.build([from_predictor(link, x)[0] for link, x in zip(family.links, theta, strict=True)])
    t, happened = patients.time, patients.event > 0
    w = np.ones(patients.n) if patients.weight is None else patients.weight
    total = w[happened] @ np.log(d.hazard(t[happened])) - w @ d.cumulative_hazard(t)
    return float(total if patients.entry is None else total + w @ d.cumulative_hazard(patients.entry))


def numerical_hessian(f: Any, x: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """Fourth-order differences."""
    k = x.size
    H = np.zeros((k, k))
    c = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    for i in range(k):
        for j in range(k):
            total = 0.0
            for a, ca in c.items():
                for b, cb in c.items():
                    at = x.copy()
                    at[i] += a * h
                    at[j] += b * h
                    total += ca * cb * f(at)
            H[i, j] = total / h**2
    return H


@pytest.fixture(scope="module")
def truncated() -> Patients:
    """Cure data with delayed entries and weights."""
    r = np.random.default_rng(5)
    n = 400
    time = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.4, scale=1.1)).quantile(r.random(n))
    entry, end = np.maximum(r.uniform(-0.5, 0.6, n), 0.0), r.uniform(1.5, 6.0, n)
    keep = np.minimum(time, end) > entry + 0.01
    stop = np.minimum(time, end)[keep][:90]
    return make_patients(stop, (time <= end)[keep][:90].astype(int), entry=entry[keep][:90], weight=r.integers(1, 4, 90))


@pytest.mark.parametrize("model", [f"{pre}{m}" for pre in ("", "mixture-cure:", "promotion-cure:") for m in MODELS])
def test_likelihood_maximum_and_information_of_the_plain_twin(truncated: Patients, model: str) -> None:
    cuts = (0.5, 1.2) if model.endswith("piecewise-exponential") else ()
    fit = fit_model(truncated, model=model, cuts=cuts, profile=False)
    theta = fit.coefficients
    assert fit.log_likelihood == pytest.approx(plain(truncated, model, cuts, theta), abs=1e-9)
    assert fit.covariance is not None
    numerical = np.linalg.inv(-numerical_hessian(lambda x: plain(truncated, model, cuts, x), theta))
    np.testing.assert_allclose(fit.covariance, numerical, rtol=2e-5, atol=1e-6 * np.abs(fit.covariance).max())


@pytest.mark.parametrize(
    "model", ["weibull", "generalised-gamma", "mixture-cure:log-normal", "promotion-cure:weibull", "mixture-cure:gamma"]
)
def test_a_general_optimiser_finds_nothing_higher(truncated: Patients, model: str) -> None:
    fit = fit_model(truncated, model=model, profile=False)

    def falling(x: np.ndarray) -> float:
        return -plain(truncated, model, (), x)

    best = minimize(falling, fit.coefficients + 0.15, method="Nelder-Mead", options={"maxiter": 400, "xatol": 1e-6, "fatol": 1e-9})
    assert fit.log_likelihood >= -best.fun - 1e-8
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-3)


TRUTHS: dict[str, Distribution] = {
    "weibull": Weibull(shape=1.3, scale=1.5),
    "log-normal": LogNormal(mu=0.2, sigma=0.8),
    "log-logistic": LogLogistic(shape=1.8, scale=1.2),
    "gamma": Gamma(shape=2.2, rate=1.4),
    "generalised-gamma": GeneralisedGamma(mu=0.3, sigma=0.7, q=0.5),
    "gompertz": Gompertz(shape=0.3, rate=0.4),
    "mixture-cure:weibull": MixtureCure(cure_fraction=0.55, latency=Weibull(shape=1.3, scale=0.8)),
    "mixture-cure:log-logistic": MixtureCure(cure_fraction=0.3, latency=LogLogistic(shape=2.5, scale=0.7)),
    "promotion-cure:weibull": PromotionTimeCure(cure_fraction=0.4, latency=Weibull(shape=1.5, scale=1.0)),
    "promotion-cure:gamma": PromotionTimeCure(cure_fraction=0.6, latency=Gamma(shape=2.0, rate=2.0)),
}


@pytest.mark.parametrize("model", TRUTHS)
def test_truth_is_recovered_within_three_standard_errors(model: str) -> None:
    truth = TRUTHS[model]
    fit = fit_model(drawn(truth, 3000, 11), model=model, profile=False)
    latency = getattr(truth, "latency", truth)
    for p in fit.parameters:
        true = truth.cure_fraction if p.name == "cure_fraction" else getattr(latency, p.name)  # type: ignore[attr-defined]
        assert p.standard_error is not None
        assert abs(p.estimate - true) < 3.0 * p.standard_error, p.name
    t = np.array([0.3, 1.0, 3.0])
    curve = fit.survival(t, level=0.9973)
    assert np.all((curve.low < truth.survival(t)) & (truth.survival(t) < curve.high))
    assert np.all(np.diff(curve.estimate) < 0.0)


def test_profile_limits_are_where_the_profile_has_fallen(truncated: Patients) -> None:
    fit = fit_model(truncated, model="mixture-cure:weibull")
    limits = fit.cure_fractions[0].profile
    assert limits is not None
    best = fit.log_likelihood
    for end in (limits.low, limits.high):
        x = math.log(end / (1.0 - end))

        def falling(rest: np.ndarray, x: float = x) -> float:
            return -plain(truncated, "mixture-cure:weibull", (), np.concatenate([[x], rest]))

        top = -minimize(falling, fit.coefficients[1:], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11}).fun
        assert best - top == pytest.approx(0.5 * 1.959963984540054**2, abs=1e-5)


def test_draws_have_the_covariance_of_the_fit(truncated: Patients) -> None:
    fit = fit_model(truncated, model="mixture-cure:weibull", profile=False)
    assert fit.covariance is not None
    draws = fit.draws(40_000, seed=3)
    se = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(draws.mean(axis=0), fit.coefficients, atol=0.02 * se.max())
    np.testing.assert_allclose(np.cov(draws.T) / np.outer(se, se), fit.covariance / np.outer(se, se), atol=0.03)
    np.testing.assert_array_equal(draws[:5], fit.draws(5, seed=3))
    assert not np.array_equal(draws[:5], fit.draws(5, seed=4))


def test_limits_of_curves_agree_with_draws() -> None:
    fit = fit_model(drawn(TRUTHS["mixture-cure:weibull"], 600, 12), model="mixture-cure:weibull", profile=False)
    t = np.array([0.4, 1.0, 4.0])
    spread = np.array([d.survival(t) for d in fit.distributions(3000, seed=8)])
    hazards = np.log([d.hazard(t[:2]) for d in fit.distributions(3000, seed=8)])
    times = np.log([d.quantile(0.3) for d in fit.distributions(3000, seed=8)])
    curve, rate, middle = fit.survival(t), fit.hazard(t[:2]), fit.quantile(0.3)
    np.testing.assert_allclose((curve.high - curve.low) / 3.92, spread.std(axis=0), rtol=0.06)
    np.testing.assert_allclose(np.log(rate.high / rate.low) / 3.92, hazards.std(axis=0), rtol=0.06)
    assert float(np.log(middle.high / middle.low)[0]) / 3.92 == pytest.approx(float(times.std()), rel=0.06)


def test_arm_effects_equal_separate_fits_when_everything_differs() -> None:
    """A cure fraction and a rate of its own for each arm: the joint fit is two separate ones."""
    r = np.random.default_rng(9)
    arm = r.integers(0, 2, 300)
    latent = np.where(arm == 1, 0.6, 0.4)
    time = np.where(r.random(300) < latent, np.inf, r.exponential(np.where(arm == 1, 0.8, 1.2)))
    end = r.uniform(1.5, 6.0, 300)
    p = make_patients(np.minimum(time, end), (time <= end).astype(int), arm=np.array(["old", "new"])[arm], arms=("old", "new"))
    joint = fit_model(p, model="mixture-cure:exponential", cure="arm", location="arm")
    apart: dict[str, Fit] = {name: fit_model(p, model="mixture-cure:exponential", arm=name) for name in p.arms}
    assert joint.log_likelihood == pytest.approx(sum(f.log_likelihood for f in apart.values()), abs=1e-9)
    for fraction in joint.cure_fractions:
        alone = apart[fraction.group].cure_fractions[0]
        assert fraction.estimate == pytest.approx(alone.estimate, abs=1e-7)
        assert fraction.standard_error == pytest.approx(alone.standard_error, rel=1e-6)
        assert fraction.profile is not None
        assert alone.profile is not None
        assert fraction.profile.low == pytest.approx(alone.profile.low, abs=1e-6)
        assert fraction.profile.high == pytest.approx(alone.profile.high, abs=1e-6)
        model = joint.distribution(arm=fraction.group)
        np.testing.assert_allclose(model.survival([0.5, 2.0]), apart[fraction.group].distribution().survival([0.5, 2.0]), atol=1e-7)


def test_covariates_of_any_scale_give_the_same_fit() -> None:
    r = np.random.default_rng(10)
    x = r.normal(size=200)
    p = make_patients(r.exponential(np.exp(0.4 * x)), (r.random(200) < 0.8).astype(int))
    one = fit_model(p, model="weibull", location={"x": x})
    other = fit_model(p, model="weibull", location={"x": 1e5 * x + 3e6})
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    a, b = one.parameter("scale: x"), other.parameter("scale: x")
    assert a.estimate == pytest.approx(1e5 * b.estimate, rel=1e-7)
    assert a.standard_error == pytest.approx(1e5 * (b.standard_error or 0.0), rel=1e-6)
    here, there = one.distribution(covariates={"x": 0.5}), other.distribution(covariates={"x": 0.5e5 + 3e6})
    np.testing.assert_allclose(here.survival([1.0]), there.survival([1.0]), rtol=1e-8)
