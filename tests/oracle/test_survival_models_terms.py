"""The derivatives of every model's likelihood terms against eighth-order differences, and their values against the models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import gammainc, gammaincc

from nextarm.survival.models import (
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    PiecewiseExponential,
    Weibull,
)
from nextarm.survival.models.cure_terms import cured_family
from nextarm.survival.models.family import Family, Jet, from_predictor
from nextarm.survival.models.log_gamma import log_density, log_survival, quantile, tail

STENCIL = {-4: 1 / 280, -3: -4 / 105, -2: 1 / 5, -1: -4 / 5, 1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
TIMES = np.array([0.01, 0.1, 0.5, 1.0, 2.0, 4.0])
BASES: list[tuple[Family, list[float]]] = [
    (Exponential.family(), [-0.5]),
    (Weibull.family(), [0.3, 0.6]),
    (LogNormal.family(), [0.2, 0.1]),
    (LogLogistic.family(), [0.4, 0.2]),
    (Gamma.family(), [0.5, 0.2]),
    (Gamma.family(), [-1.0, 0.2]),
    (Gamma.family(), [3.0, 2.5]),
    (GeneralisedGamma.family(), [0.2, -0.2, 0.7]),
    (GeneralisedGamma.family(), [0.2, -0.2, -0.7]),
    (GeneralisedGamma.family(), [0.2, -0.2, 0.0]),
    (GeneralisedGamma.family(), [0.2, -0.2, 2.5]),
    (Gompertz.family(), [0.1, -0.5]),
    (Gompertz.family(), [-0.3, -0.5]),
    (Gompertz.family(), [0.0, -0.5]),
    (PiecewiseExponential.family((1.0, 3.0)), [-0.5, -1.0, -2.0]),
]
CURED = [
    (cured_family(kind, family, link), [x, *eta])
    for family, eta in BASES
    for kind in ("mixture-cure", "promotion-cure")
    for link, x in (("logit", 0.3), ("log-log", -0.4))
]


def difference(f: Callable[[np.ndarray], np.ndarray], eta: np.ndarray, j: int, h: float = 0.005) -> np.ndarray:
    def moved(i: int) -> np.ndarray:
        at = eta.copy()
        at[j] += i * h
        return f(at)

    return sum(c * moved(i) for i, c in STENCIL.items()) / h


@pytest.mark.parametrize(("family", "eta"), BASES + CURED, ids=lambda v: v.name if isinstance(v, Family) else "")
def test_derivatives_and_values(family: Family, eta: list[float]) -> None:
    at = np.array(eta)
    model = family.build([from_predictor(link, x)[0] for link, x in zip(family.links, at, strict=True)])
    H, h = model.cumulative_hazard(TIMES), model.hazard(TIMES)
    for terms, value in ((family.log_density, np.log(h) - H), (family.log_survival, -H)):

        def jet(x: np.ndarray, terms: Callable[..., Jet] = terms) -> Jet:
            return terms(x[:, None], TIMES)

        found = jet(at)
        np.testing.assert_allclose(found.value, value, rtol=1e-11, atol=1e-12)
        for j in range(family.k):
            np.testing.assert_allclose(found.first[j], difference(lambda x: jet(x).value, at, j), rtol=2e-8, atol=2e-9)
            np.testing.assert_allclose(found.second[j], difference(lambda x: jet(x).first, at, j), rtol=2e-7, atol=2e-8)
            np.testing.assert_allclose(found.second[j], found.second[:, j], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("q", [5.0, 3.0, 1.0, 0.5, 0.2, 0.1, -0.3, -1.0, -2.0, -4.0])
def test_tail_integrals_are_incomplete_gamma_functions(q: float) -> None:
    z = np.linspace(-6.0, 6.0, 41)
    u = q**-2.0 * np.exp(q * z)
    s = gammaincc(q**-2.0, u) if q > 0 else gammainc(q**-2.0, u)
    seen = s > 1e-280
    np.testing.assert_allclose(np.exp(log_survival(z, q))[seen], s[seen], rtol=1e-12)


@pytest.mark.parametrize("q", [0.0, 1e-12, 1e-6, 9e-4, -9e-4, 1.1e-3])
def test_the_law_passes_smoothly_through_the_normal(q: float) -> None:
    """Near q = 0, where incomplete gamma functions lose digits: total mass 1, quantiles invert, derivative in q is even."""
    p = np.array([1e-10, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9])
    np.testing.assert_allclose(np.exp(log_survival(quantile(p, q), q)), 1.0 - p, rtol=1e-12)
    grid = np.linspace(-12.0, 12.0, 4001)
    assert np.trapezoid(np.exp(log_density(grid, q)), grid) == pytest.approx(1.0, abs=1e-13)
    one = tail(np.array([1.3]), q)
    step = 1e-4
    slope = (log_survival(np.array([1.3]), q + step) - log_survival(np.array([1.3]), q - step)) / (2 * step)
    assert one.first[0] / one.mass[0] == pytest.approx(slope[0], abs=1e-7)


def test_far_tail_of_the_gamma_hazard() -> None:
    """h = rate / (1 + (a - 1) / x + (a - 1)(a - 2) / x^2 + ...), the asymptotic series of the incomplete gamma function."""
    for shape in (0.6, 40.0):
        model = Gamma(shape=shape, rate=0.4)
        for t in (1e4, 1e6, 1e12):
            x, series, term = 0.4 * t, 1.0, 1.0
            for k in range(1, 40):
                term *= (shape - k) / x
                series += term
            assert float(model.hazard(t)) == pytest.approx(0.4 / series, rel=1e-12)
