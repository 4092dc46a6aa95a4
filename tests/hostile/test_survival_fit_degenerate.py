"""Data and calls that a fit must answer with a warning or a reason, never with NaN."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from nextarm.core.errors import CallError, RefusedError
from nextarm.survival import Patients, make_patients
from nextarm.survival.fit import fit_model
from nextarm.survival.fit_result import Fit
from nextarm.survival.models import MixtureCure, Weibull
from nextarm.survival.sufficient_follow_up import sufficient_follow_up

LATENCIES = ("exponential", "weibull", "log-normal", "log-logistic", "gamma", "generalised-gamma", "gompertz", "piecewise-exponential")
MODELS = tuple(f"{pre}{m}" for pre in ("", "mixture-cure:", "promotion-cure:") for m in LATENCIES)
R = np.random.default_rng(3)
SETS: dict[str, tuple[Any, Any]] = {
    "no events": ([1, 2, 3], [0, 0, 0]),
    "one event": ([1, 2, 3, 4, 5], [0, 1, 0, 0, 0]),
    "one event, last": ([1, 2, 3, 4, 5], [0, 0, 0, 0, 1]),
    "all at one time": ([2] * 5, [1] * 5),
    "all at one time, some censored": ([2] * 5, [1, 0, 1, 0, 1]),
    "one patient": ([2.0], [1]),
    "one censored patient": ([2.0], [0]),
    "two events": ([1, 2], [1, 1]),
    "two events and a plateau": ([1, 2] + [5] * 20, [1, 1] + [0] * 20),
    "event at 0": ([0, 1, 2, 3], [1, 1, 0, 1]),
    "censored at 0": ([0, 1, 2, 3, 4, 5], [0, 1, 0, 1, 1, 1]),
    "all at 0": ([0, 0, 0], [1, 1, 0]),
    "all events": (R.weibull(1.2, 40), [1] * 40),
    "half a minute": (R.weibull(1.2, 40) * 1e-6, [1] * 40),
    "a million years": (R.weibull(1.2, 40) * 1e6, [1] * 40),
    "immature": (np.minimum(np.linspace(0.1, 8, 60), 1.0), (np.linspace(0.1, 8, 60) < 1.0).astype(int)),
}


def clean(fit: Fit) -> None:
    assert np.isfinite(fit.log_likelihood)
    assert np.isfinite(fit.coefficients).all()
    assert all(np.isfinite(p.estimate) for p in fit.parameters)
    assert Fit.from_json(fit.to_json()) == fit
    for curve in (fit.survival(np.array([0.0, 1.0, 2.0, 10.0])), fit.quantile(np.array([0.1, 0.5, 0.9])), fit.hazard(np.array([0.5, 2.0]))):
        assert type(curve).from_json(curve.to_json()) == curve
    assert np.isfinite(fit.survival(np.array([0.0, 1.0, 10.0])).estimate).all()
    for fraction in fit.cure_fractions:
        assert 0.0 <= fraction.estimate <= 1.0
        if fraction.profile:
            assert 0.0 <= fraction.profile.low <= fraction.estimate + 1e-9 <= fraction.profile.high + 1e-9 <= 1.0 + 1e-9


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", SETS)
def test_a_result_or_a_reason(name: str) -> None:
    time, event = np.asarray(SETS[name][0], float), np.asarray(SETS[name][1])
    patients = make_patients(time, event)
    for model in MODELS:
        cuts = (float(np.median(time)) or 0.5,) if model.endswith("piecewise-exponential") else ()
        with suppress(RefusedError, CallError):  # any other exception fails the test
            clean(fit_model(patients, model=model, cuts=cuts))


@pytest.mark.parametrize(
    ("time", "event", "model", "words"),
    [
        ([1, 2], [0, 0], "weibull", "no events among 2 patients"),
        ([0, 1, 2], [1, 1, 1], "log-normal", "events at time 0"),
        ([2, 2, 2], [1, 1, 1], "weibull", "grows without bound"),
        ([2, 2, 5], [1, 1, 0], "mixture-cure:weibull", "Use model='mixture-cure:exponential'"),
        ([0, 0], [1, 1], "exponential", "nobody is followed beyond time 0"),
        ([1, 2, 3, 4], [1, 1, 1, 1], "promotion-cure:exponential", "no maximum"),
    ],
)
def test_refusals_say_why(time: list[float], event: list[int], model: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        fit_model(make_patients(time, event), model=model)


def test_cure_fraction_at_its_boundary() -> None:
    p = make_patients(R.weibull(1.2, 60), np.ones(60, int))
    cure, plain = fit_model(p, model="mixture-cure:weibull"), fit_model(p, model="weibull")
    assert cure.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-9)
    fraction = cure.cure_fractions[0]
    assert fraction.estimate == 0.0
    assert fraction.profile is not None
    assert fraction.profile.low == 0.0
    # With everybody followed to the event the profile of the cure fraction is n log(1 - pi).
    assert fraction.profile.high == pytest.approx(1.0 - np.exp(-1.9207294103 / 60), abs=1e-6)
    assert any("boundary" in w for w in cure.warnings)
    assert cure.fixed == ("logit(cure_fraction)",)
    np.testing.assert_allclose(cure.survival([0.5, 1.0]).low, plain.survival([0.5, 1.0]).low, rtol=1e-9)
    assert {d.cure_fraction for d in cure.distributions(5, seed=1)} == {0.0}  # type: ignore[attr-defined]


def test_an_arm_without_cure() -> None:
    """The arm's coefficient runs to minus infinity: it is held there, and the other arm keeps its standard error."""
    time = np.concatenate(
        [MixtureCure(cure_fraction=0.5, latency=Weibull(shape=1.4, scale=0.8)).quantile(R.random(80)), R.weibull(1.4, 80) * 0.8]
    )
    stop, event = np.minimum(time, 6.0), (time <= 6.0).astype(int)
    p = make_patients(stop, event, arm=["new"] * 80 + ["old"] * 80)
    fit = fit_model(p, model="mixture-cure:weibull", cure="arm")
    clean(fit)
    new, old = fit.cure_fractions
    assert old.estimate < 1e-4
    assert old.profile is not None
    assert old.profile.low == 0.0
    assert 0.01 < old.profile.high < 0.1
    assert new.standard_error == pytest.approx(0.056, abs=0.01)
    assert any("run to infinity" in w for w in fit.warnings)


def test_a_piece_without_events_has_rate_zero() -> None:
    fit = fit_model(make_patients([0.5, 0.8, 3, 4, 5], [1, 1, 0, 0, 0]), model="piecewise-exponential", cuts=(1.0, 2.0))
    assert [p.estimate for p in fit.parameters][1:] == [0.0, 0.0]
    assert fit.parameters[0].estimate == pytest.approx(2 / 4.3)
    assert fit.distribution().plateau() == pytest.approx(float(fit.survival(9.0).estimate[0]))
    assert any("levels off" in w for w in fit.warnings)


def arms() -> Patients:
    return make_patients([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], arm=["a", "a", "a", "b", "b", "b"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "weibul"}, "Did you mean 'weibull'"),
        ({"model": "mixture-cure"}, "must be one of exponential"),
        ({"model": "cure:weibull"}, "must be one of"),
        ({"model": "weibull", "cuts": (1.0,)}, "has none"),
        ({"model": "piecewise-exponential", "cuts": (2.0, 1.0)}, "rising"),
        ({"model": "piecewise-exponential", "cuts": (9.0,)}, "nobody is followed beyond 9"),
        ({"model": "weibull", "cure": "arm"}, "no cure fraction"),
        ({"model": "weibull", "cure_link": "logit"}, "no cure fraction"),
        ({"model": "mixture-cure:weibull", "cure_link": "probit"}, "must be one of logit, log-log"),
        ({"model": "weibull", "location": "site"}, "must be 'arm'"),
        ({"model": "weibull", "location": {"x": [1, 2]}}, "one finite number for each of 6"),
        ({"model": "weibull", "location": {"x": ["a"] * 6}}, "must be numbers"),
        ({"model": "weibull", "location": {"x": [1.0] * 6}}, "is the same for all patients"),
        ({"model": "weibull", "location": {"x": range(6), "y": range(1, 7)}}, "linearly dependent"),
        ({"model": "weibull", "arm": "c"}, "must be one of"),
        ({"model": "weibull", "arm": "a", "location": "arm"}, "at least two arms"),
        ({"model": "weibull", "level": 95}, "Give 0.95"),
    ],
)
def test_wrong_calls(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CallError, match=words):
        fit_model(arms(), **options)


def test_wrong_questions_to_a_fit() -> None:
    fit = fit_model(arms(), model="exponential", location="arm")
    for ask in (
        lambda: fit.distribution(arm="c"),
        lambda: fit.distribution(covariates={"age": 3.0}),
        lambda: fit.parameter("shape"),
        lambda: fit.hazard(0.0),
        lambda: fit.survival(-1.0),
        lambda: fit.quantile(1.5),
        lambda: fit.draws(0, seed=1),
    ):
        with pytest.raises(CallError):
            ask()
    assert "taken together" in " ".join(fit_model(arms(), model="exponential").warnings)


def test_follow_up() -> None:
    short = make_patients([0.2, 0.5, 0.8, 1.0, 1.0, 1.0], [1, 1, 1, 0, 0, 0])
    judged = sufficient_follow_up(short)
    assert (judged.events_in_interval, judged.sufficient) == (1, False)
    assert judged.alpha_n == pytest.approx((5 / 6) ** 6)
    last_is_event = sufficient_follow_up(make_patients([1, 2, 3], [0, 0, 1]))
    assert (last_is_event.events_in_interval, last_is_event.alpha_n) == (0, 1.0)
    with pytest.raises(RefusedError, match="no events"):
        sufficient_follow_up(make_patients([1, 2], [0, 0]))
    immature = fit_model(make_patients(*SETS["immature"]), model="mixture-cure:weibull")
    assert any("too short to read a cure fraction" in w for w in immature.warnings)
    r = np.random.default_rng(4)
    time = MixtureCure(cure_fraction=0.5, latency=Weibull(shape=1.3, scale=0.5)).quantile(r.random(300))
    mature = fit_model(make_patients(np.minimum(time, 9.0), (time <= 9.0).astype(int)), model="mixture-cure:weibull")
    assert not any("too short" in w for w in mature.warnings)
    assert mature.follow_up[0].sufficient
