"""The distributions against scipy.stats, and fits against lifelines run here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nextarm.survival import make_patients
from nextarm.survival.fit import fit_model
from nextarm.survival.models import (
    Distribution,
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    MixtureCure,
    Weibull,
)

TIMES = np.array([1e-4, 0.05, 0.4, 1.0, 2.5, 6.0])
SHARES = np.array([1e-6, 0.02, 0.35, 0.8, 0.999])
PAIRS: list[tuple[Distribution, object]] = [
    (Exponential(rate=0.7), stats.expon(scale=1 / 0.7)),
    (Weibull(shape=1.7, scale=1.2), stats.weibull_min(1.7, scale=1.2)),
    (Weibull(shape=0.6, scale=1.2), stats.weibull_min(0.6, scale=1.2)),
    (LogNormal(mu=0.3, sigma=0.9), stats.lognorm(0.9, scale=np.exp(0.3))),
    (LogLogistic(shape=2.2, scale=1.3), stats.fisk(2.2, scale=1.3)),
    (Gamma(shape=2.4, rate=1.9), stats.gamma(2.4, scale=1 / 1.9)),
    (Gamma(shape=0.4, rate=0.3), stats.gamma(0.4, scale=1 / 0.3)),
    # Stacy's a and c are q^-2 and q / sigma, his scale exp(mu) q^(2 sigma / q).
    (GeneralisedGamma(mu=0.2, sigma=0.8, q=0.7), stats.gengamma(0.7**-2, 0.7 / 0.8, scale=np.exp(0.2) * 0.7 ** (2 * 0.8 / 0.7))),
    (GeneralisedGamma(mu=0.2, sigma=0.8, q=-0.7), stats.gengamma(0.7**-2, -0.7 / 0.8, scale=np.exp(0.2) * 0.7 ** (-2 * 0.8 / 0.7))),
    (Gompertz(shape=0.5, rate=0.3), stats.gompertz(0.3 / 0.5, scale=1 / 0.5)),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda v: getattr(v, "name", ""))
def test_distributions(ours: Distribution, theirs: stats.rv_continuous) -> None:
    np.testing.assert_allclose(ours.survival(TIMES), theirs.sf(TIMES), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(ours.cumulative_hazard(TIMES), -theirs.logsf(TIMES), rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(ours.density(TIMES), theirs.pdf(TIMES), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(ours.quantile(SHARES), theirs.ppf(SHARES), rtol=1e-9)


@pytest.mark.parametrize("model", ["weibull", "log-normal", "log-logistic", "exponential"])
def test_mixture_cure_against_lifelines(model: str) -> None:
    lifelines = pytest.importorskip("lifelines")
    r = np.random.default_rng(21)
    time = MixtureCure(cure_fraction=0.45, latency=Weibull(shape=1.5, scale=0.9)).quantile(r.random(180))
    end = r.uniform(1.5, 6.0, 180)
    stop, happened = np.minimum(time, end), (time <= end).astype(int)
    base = {
        "weibull": "WeibullFitter",
        "log-normal": "LogNormalFitter",
        "log-logistic": "LogLogisticFitter",
        "exponential": "ExponentialFitter",
    }
    theirs = lifelines.MixtureCureFitter(base_fitter=getattr(lifelines, base[model])()).fit(stop, happened)
    ours = fit_model(make_patients(stop, happened), model=f"mixture-cure:{model}", profile=False)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-5)
    assert ours.log_likelihood >= theirs.log_likelihood_ - 1e-9
    assert ours.parameter("cure_fraction").estimate == pytest.approx(theirs.cured_fraction_, abs=1e-3)
