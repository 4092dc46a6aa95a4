"""Bad models and bad tables: every problem is named with its key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError
from nextarm.survival.models import (
    Exponential,
    Gamma,
    LogNormal,
    MixtureCure,
    PiecewiseExponential,
    PromotionTimeCure,
    Weibull,
    model_from_spec,
)

CURE = {"model": "mixture-cure", "cure_fraction": 0.6}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, ["a.model is missing", "weibull"]),
        (3, ["a = 3", "must be a table"]),
        ({"model": "weibul"}, ["a.model = 'weibul'", "Did you mean 'weibull'"]),
        ({"model": ["weibull"]}, ["a.model"]),
        ({"model": "weibull", "shape": 1.3}, ["a.scale is missing", "(or median)"]),
        ({"model": "weibull", "shape": 1.3, "scale": 2, "median": 1}, ["a.median and a.scale are both given"]),
        ({"model": "weibull", "shape": -1, "median": 1}, ["a.shape = -1", "above 0"]),
        ({"model": "weibull", "shape": 1, "median": 0}, ["a.median = 0", "above 0 years"]),
        ({"model": "weibull", "shape": True, "median": 1}, ["a.shape = True", "must be a number"]),
        ({"model": "weibull", "shape": "1", "scale": None}, ["2 problems", "a.shape = '1'", "a.scale = None"]),
        ({"model": "gamma", "shape": float("nan"), "rate": 1}, ["a.shape = nan"]),
        ({"model": "exponential", "rate": float("inf")}, ["a.rate = inf"]),
        ({"model": "exponential", "rate": 1, "colour": 2}, ["a.colour is not a parameter of exponential"]),
        ({"model": "piecewise-exponential", "cuts": [2, 1], "rates": [1, 1, 1]}, ["a.cuts = [2.0, 1.0]", "rising"]),
        ({"model": "piecewise-exponential", "cuts": [1], "rates": [1]}, ["1 rates", "one more than the 1 cuts"]),
        ({"model": "piecewise-exponential", "cuts": [1], "rates": [1, -1]}, ["must not be negative"]),
        ({"model": "piecewise-exponential", "cuts": "x", "rates": [1, 1]}, ["must be a list of numbers"]),
        ({"model": "piecewise-exponential", "cuts": [1], "rates": [1, 1], "median": 2}, ["Give relative_rates with a median"]),
        (
            {"model": "piecewise-exponential", "cuts": [1], "relative_rates": [0, 1], "median": 0.5},
            ["relative rates are 0"],
        ),
        (CURE, ["a.latency is missing"]),
        (CURE | {"median": 2, "latency": {"model": "exponential", "rate": 1}}, ["a.median", "Give latency.median"]),
        (CURE | {"latency": {"model": "weibull", "shape": 0, "median": 2}}, ["a.latency.shape = 0"]),
        (CURE | {"latency": CURE}, ["a.latency.model = 'mixture-cure'", "must be one of exponential"]),
        (CURE | {"cure_fraction": 60, "latency": {"model": "exponential"}}, ["a.cure_fraction = 60", "not a percentage", "a.latency.rate"]),
        ({"model": "promotion-cure", "cure_fraction": 0, "latency": {"model": "exponential", "rate": 1}}, ["above 0", "without cure"]),
        ({"model": "gompertz", "shape": -2, "median": 3, "x": 1}, ["a.x is not a parameter"]),
    ],
)
def test_bad_tables(spec: Any, words: list[str]) -> None:
    with pytest.raises(CallError) as caught:
        model_from_spec(spec, path="a")
    for word in words:
        assert word in str(caught.value)


def test_bad_parameters_and_arguments() -> None:
    for make in (
        lambda: Exponential(rate=0.0),
        lambda: Weibull(shape=1.0, scale=-1.0),
        lambda: LogNormal(mu=float("inf"), sigma=1.0),
        lambda: Gamma(shape=float("nan"), rate=1.0),
        lambda: MixtureCure(cure_fraction=1.2, latency=Exponential(rate=1.0)),
        lambda: MixtureCure(cure_fraction=0.2, latency=MixtureCure(cure_fraction=0.2, latency=Exponential(rate=1.0))),  # type: ignore[arg-type]
        lambda: PromotionTimeCure(cure_fraction=0.0, latency=Exponential(rate=1.0)),
        lambda: PiecewiseExponential(cuts=(), rates=()),
        lambda: Exponential(rate=1.0).quantile(1.1),
        lambda: Exponential(rate=1.0).quantile(float("nan")),
        lambda: Exponential(rate=1.0).survival(float("nan")),
    ):
        with pytest.raises(CallError):
            make()


def test_edges_of_a_cure_model() -> None:
    everyone = MixtureCure(cure_fraction=1.0, latency=Weibull(shape=0.5, scale=1.0))
    assert everyone.survival([0.0, 5.0, np.inf]).tolist() == [1.0, 1.0, 1.0]
    assert everyone.hazard([0.0, 1.0, np.inf]).tolist() == [0.0, 0.0, 0.0]
    assert everyone.quantile([0.0, 0.5, 1.0]).tolist() == [0.0, np.inf, np.inf]
    nobody = PromotionTimeCure(cure_fraction=1.0, latency=Exponential(rate=1.0))
    assert nobody.survival(9.0) == 1.0
    assert nobody.quantile(1e-9) == np.inf
    half = MixtureCure(cure_fraction=0.5, latency=Exponential(rate=1.0))
    assert half.quantile([0.49999, 0.5, 0.6])[1:].tolist() == [np.inf, np.inf]
