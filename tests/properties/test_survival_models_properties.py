"""What must hold for every model and every fit, whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.result import from_data, to_data
from nextarm.survival import make_patients
from nextarm.survival.fit import fit_model
from nextarm.survival.fit_result import Fit
from nextarm.survival.models import (
    Distribution,
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    Latency,
    LogLogistic,
    LogNormal,
    MixtureCure,
    PiecewiseExponential,
    PromotionTimeCure,
    Weibull,
    model_from_spec,
    model_to_spec,
)

many = settings(deadline=None, max_examples=40, derandomize=True)
few = settings(deadline=None, max_examples=12, derandomize=True)
positive = st.floats(0.05, 20.0)
latencies: st.SearchStrategy[Latency] = st.one_of(
    st.builds(Exponential, rate=positive),
    st.builds(Weibull, shape=st.floats(0.3, 5.0), scale=positive),
    st.builds(LogNormal, mu=st.floats(-3.0, 3.0), sigma=st.floats(0.1, 3.0)),
    st.builds(LogLogistic, shape=st.floats(0.3, 5.0), scale=positive),
    st.builds(Gamma, shape=st.floats(0.1, 60.0), rate=positive),
    st.builds(GeneralisedGamma, mu=st.floats(-2.0, 2.0), sigma=st.floats(0.2, 2.0), q=st.floats(-3.0, 3.0)),
    st.builds(Gompertz, shape=st.floats(-1.5, 1.5), rate=st.floats(0.05, 3.0)),
    st.builds(PiecewiseExponential, cuts=st.just((0.5, 2.0)), rates=st.tuples(positive, st.floats(0.0, 2.0), st.floats(0.0, 2.0))),
)
cured: st.SearchStrategy[Distribution] = st.one_of(
    st.builds(MixtureCure, cure_fraction=st.floats(0.0, 1.0), latency=latencies),
    st.builds(PromotionTimeCure, cure_fraction=st.floats(1e-6, 1.0), latency=latencies),
)
models = st.one_of(latencies, cured)
GRID = np.array([-1.0, 0.0, 1e-9, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.0, 10.0, 100.0, 1e6, np.inf])


@many
@given(model=models)
def test_survival_falls_from_one_to_the_plateau_and_nothing_is_nan(model: Distribution) -> None:
    s = model.survival(GRID)
    assert s[0] == s[1] == 1.0
    assert np.all(np.diff(s) <= 1e-15)
    assert np.all((s >= 0.0) & (s <= 1.0))
    assert float(s[-1]) == pytest.approx(model.plateau(), abs=1e-12)
    for f in (model.hazard, model.cumulative_hazard, model.density):
        values = f(GRID)
        assert not np.isnan(values).any()
        assert np.all(values >= 0.0)
    assert model.hazard(2.0).shape == ()


@many
@given(model=models, p=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_quantile_inverts_survival(model: Distribution, p: list[float]) -> None:
    share = np.array(sorted(p))
    t = model.quantile(share)
    assert not np.isnan(t).any()
    assert np.all(np.diff(t[np.isfinite(t)]) >= 0.0)
    finite = np.isfinite(t) & (t > 1e-250) & (t < 1e250)
    np.testing.assert_allclose(1.0 - model.survival(t[finite]), share[finite], rtol=1e-7, atol=1e-9)
    assert np.all(share[np.isinf(t)] >= 1.0 - model.plateau() - 1e-9)


@many
@given(latency=latencies, p=st.floats(0.0, 1.0))
def test_a_cure_fraction_of_zero_is_the_model_without_cure_bit_for_bit(latency: Latency, p: float) -> None:
    cure = MixtureCure(cure_fraction=0.0, latency=latency)
    for name in ("survival", "hazard", "cumulative_hazard", "density"):
        np.testing.assert_array_equal(getattr(cure, name)(GRID), getattr(latency, name)(GRID))
    np.testing.assert_array_equal(cure.quantile(p), latency.quantile(p))
    assert cure.plateau() == latency.plateau()


@many
@given(model=models)
def test_models_come_back_from_json_and_from_plans(model: Distribution) -> None:
    assert from_data(type(model), to_data(model)) == model
    assert model_from_spec(model_to_spec(model)) == model


@many
@given(latency=latencies, median=st.floats(0.01, 50.0))
def test_a_median_stands_in_for_the_scale(latency: Latency, median: float) -> None:
    spec = model_to_spec(latency)
    spec.pop(type(latency).scale_parameter)
    if isinstance(latency, PiecewiseExponential):
        spec["relative_rates"] = list(latency.rates)
    if isinstance(latency, Gompertz) and latency.shape < 0.0:
        spec["shape"] = -latency.shape
    model = model_from_spec(spec | {"median": median})
    assert float(model.survival(median)) == pytest.approx(0.5, abs=1e-9)


def sample(seed: int, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(seed)
    time = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.3, scale=1.0)).quantile(r.random(n))
    end = r.uniform(1.5, 6.0, n)
    return np.minimum(time, end), (time <= end).astype(int)


FITTED = ("weibull", "log-normal", "log-logistic", "gompertz", "generalised-gamma", "mixture-cure:weibull", "promotion-cure:log-normal")


@few
@given(seed=st.integers(0, 10_000), model=st.sampled_from(FITTED), factor=st.sampled_from([1 / 365.25, 1 / 12, 12.0]))
def test_fits_do_not_depend_on_the_unit_of_time(seed: int, model: str, factor: float) -> None:
    time, event = sample(seed)
    one = fit_model(make_patients(time, event), model=model, profile=False)
    other = fit_model(make_patients(time * factor, event), model=model, profile=False)
    assert one.log_likelihood == pytest.approx(other.log_likelihood + event.sum() * math.log(factor), abs=1e-6)
    t = np.array([0.3, 1.0, 2.0])
    np.testing.assert_allclose(one.survival(t).estimate, other.survival(t * factor).estimate, atol=2e-4)


@few
@given(seed=st.integers(0, 10_000), model=st.sampled_from(FITTED))
def test_a_weight_of_two_is_two_patients_and_order_does_not_matter(seed: int, model: str) -> None:
    time, event = sample(seed)
    order = np.random.default_rng(seed).permutation(time.size)
    weighted = fit_model(make_patients(time, event, weight=np.full(time.size, 2.0)), model=model)
    doubled = fit_model(make_patients(np.tile(time[order], 2), np.tile(event[order], 2)), model=model)
    assert weighted.log_likelihood == pytest.approx(doubled.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(weighted.coefficients, doubled.coefficients, atol=1e-5)


@few
@given(seed=st.integers(0, 10_000), model=st.sampled_from(FITTED))
def test_fits_read_back_equal_and_stay_in_their_domain(seed: int, model: str) -> None:
    time, event = sample(seed)
    fit = fit_model(make_patients(time, event), model=model)
    assert Fit.from_json(fit.to_json()) == fit
    curve = fit.survival(np.linspace(0.0, 8.0, 9))
    assert np.all((curve.low >= 0.0) & (curve.low <= curve.estimate) & (curve.estimate <= curve.high) & (curve.high <= 1.0))
    assert type(curve).from_json(curve.to_json()) == curve
    for fraction in fit.cure_fractions:
        assert 0.0 <= fraction.estimate <= 1.0
        if fraction.profile is not None:
            assert 0.0 <= fraction.profile.low <= fraction.estimate <= fraction.profile.high <= 1.0
    assert fit.table().height == len(fit.parameters)
