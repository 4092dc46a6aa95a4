"""Cases of the survival models: fits against survreg, flexsurv, flexsurvcure, lifelines and MASS, distributions against R.

Log likelihoods are compared at 1e-6 or closer, estimates and standard errors as closely as the other program converges. Data:
a cure data set, delayed entries with weights and a complete sample (all made up), the 6-MP trial, and 686 women of the German
breast cancer study in three prognostic groups (``gbsg``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival.fit import fit_model
from nextarm.survival.fit_result import Fit
from nextarm.survival.models import (
    Distribution,
    Exponential,
    Gamma,
    GeneralisedGamma,
    Gompertz,
    LogLogistic,
    LogNormal,
    MixtureCure,
    PromotionTimeCure,
    Weibull,
)
from nextarm.survival.sufficient_follow_up import sufficient_follow_up
from nextarm.survival.table import Patients, make_patients
from nextarm.validation.case import Case, Kind, data_file, expected

R, LIFELINES = "survival_models", "survival_models_lifelines"
SURVREG = "survival::survreg 3.5-3 (R 4.2.2), tolerance 1e-13"
OWN_R = "our likelihood in R 4.2.2 on its density and distribution functions, optim polished by numDeriv"
PROGRAM = "lifelines 0.30.3"
FLEXSURV = "flexsurv, printed output of flexsurvreg(Surv(recyrs, censrec) ~ group, data = bc, dist = 'weibull')"
FLEXSURVCURE = "flexsurvcure 1.3, printed output of its vignette 'Parametric Cure Models' (2025-02-15)"

#: flexsurv counts 365 days a year, this program 365.25.
SHORTER_YEAR = 365.0 / 365.25

ROWS: Mapping[str, tuple[str, str, str]] = {
    "six_mp": ("survival_six_mp", "weeks", "6-MP trial, 42 children, two arms"),
    "gbsg": ("models_gbsg", "days", "German breast cancer study, 686 women, three groups"),
    "cure": ("models_cure", "years", "made-up cure data, n = 300, two arms, a covariate"),
    "delayed": ("models_delayed", "years", "made-up data, n = 200, delayed entry, weights"),
    "weighted": ("models_delayed", "years", "made-up data, n = 200, weights, entry left out"),
    "complete": ("models_complete", "years", "made-up data, n = 120, every event seen"),
}


@cache
def _columns(name: str) -> dict[str, list[str]]:
    rows = list(csv.DictReader(io.StringIO(data_file(f"{ROWS[name][0]}.csv"))))
    return {key: [row[key] for row in rows] for key in rows[0]}


@cache
def patients_of(name: str) -> Patients:
    """The data set ``name`` of :data:`ROWS`, in years."""
    columns = {k: np.array(v, float) for k, v in _columns(name).items() if k != "arm"}
    arms = _columns(name).get("arm")
    return make_patients(
        columns["time"],
        columns["event"].astype(int),
        arm=arms,
        arms=("Good", "Medium", "Poor") if name == "gbsg" else None,
        entry=columns["entry"] if name == "delayed" else None,
        weight=columns.get("weight"),
        unit=ROWS[name][1],
    )


def covariate(name: str) -> dict[str, FloatArray]:
    """The covariate x of a data set."""
    return {"x": np.array(_columns(name)["x"], float)}


def _fit(name: str, model: str, **options: Any) -> Fit:
    return fit_model(patients_of(name), model=model, profile=False, **options)


def _errors(fit: Fit) -> FloatArray:
    assert fit.covariance is not None
    return np.sqrt(np.diag(fit.covariance))


def _numbers(name: str, values: FloatArray | list[float]) -> dict[str, float]:
    return {f"{name} {i + 1}": float(v) for i, v in enumerate(np.atleast_1d(values))}


# survreg writes log T = coefficients + Scale * Z: the exponential's signs are turned, other scales stand last.
SURVREG_NAMES = {"exponential": "exponential", "weibull": "weibull", "log-normal": "lognormal", "log-logistic": "loglogistic"}


def _survreg(name: str, model: str, location: Any) -> dict[str, float]:
    fit = _fit(name, model, location=covariate(name) if location == "x" else location)
    theta, se = fit.coefficients, _errors(fit)
    if model == "exponential":
        theta, order = -theta, list(range(theta.size))
    elif model == "log-normal":
        order = [0, *range(2, theta.size), 1]
    else:
        order = [*range(1, theta.size), 0]
    coefficients = theta[[i for i in order if model == "exponential" or fit.coefficient_names[i][:9] not in ("log(shape", "log(sigma")]]
    return {"log likelihood": fit.log_likelihood} | _numbers("coefficient", coefficients) | _numbers("standard error", se[order])


def _survreg_expected(name: str, model: str) -> dict[str, float]:
    row = expected(R)["survreg"][name][SURVREG_NAMES[model]]
    return {"log likelihood": row["loglik"]} | _numbers("coefficient", row["coef"]) | _numbers("standard error", row["se"])


def _own(name: str, model: str, options: Mapping[str, Any]) -> dict[str, float]:
    options = {k: covariate(name) if v == "x" else v for k, v in options.items()}
    fit = _fit(name, model, **options)
    return {"log likelihood": fit.log_likelihood} | _numbers("coefficient", fit.coefficients) | _numbers("standard error", _errors(fit))


def _own_expected(key: str) -> dict[str, float]:
    row = expected(R)["own"][key]
    return {"log likelihood": row["loglik"]} | _numbers("coefficient", row["par"]) | _numbers("standard error", row["se"])


def _log_likelihood(name: str, model: str, **options: Any) -> dict[str, float]:
    return {"log likelihood": _fit(name, model, **options).log_likelihood}


def _case(
    id: str, title: str, kind: Kind, source: str, data: str, compute: Callable[[], Mapping[str, float]], want: Mapping[str, float],
    tolerance: float | Mapping[str, float], reference: str = "",
) -> Case:  # fmt: skip
    inputs = ROWS[data][2] if data in ROWS else data
    return Case(f"survival-models-{id}", title, "survival", kind, source, inputs, compute, want, tolerance, reference=reference)


def _survreg_cases() -> tuple[Case, ...]:
    sets = (("six_mp", "arm"), ("gbsg", "arm"), ("cure", "x"), ("weighted", None))
    return tuple(
        _case(f"survreg-{data}-{model}", f"{model} regression", "other program", SURVREG, data,
              partial(_survreg, data, model, location), _survreg_expected(data, model), 1e-6, R)
        for data, location in sets
        for model in SURVREG_NAMES
    )  # fmt: skip


def _own_cases() -> tuple[Case, ...]:
    rows: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("delayed_gamma", "delayed", "gamma", {}),
        ("delayed_gompertz", "delayed", "gompertz", {}),
        ("delayed_generalised_gamma", "delayed", "generalised-gamma", {}),
        ("gbsg_gamma", "gbsg", "gamma", {"location": "arm"}),
        ("gbsg_gompertz", "gbsg", "gompertz", {"location": "arm"}),
        ("gbsg_generalised_gamma", "gbsg", "generalised-gamma", {"location": "arm"}),
        ("cure_mixture_weibull", "cure", "mixture-cure:weibull", {"cure": "arm", "location": "x"}),
        ("cure_mixture_log_normal", "cure", "mixture-cure:log-normal", {"cure": "arm"}),
        ("cure_mixture_gamma", "cure", "mixture-cure:gamma", {}),
        ("cure_promotion_weibull", "cure", "promotion-cure:weibull", {"cure": "arm"}),
        ("gbsg_promotion_weibull", "gbsg", "promotion-cure:weibull", {"cure": "arm"}),
    )
    return tuple(
        _case(f"r-{key.replace('_', '-')}", f"{model} with covariates {', '.join(options) or 'none'}", "second implementation", OWN_R, data,
              partial(_own, data, model, options), _own_expected(key), 1e-6, R)
        for key, data, model, options in rows
    )  # fmt: skip


def _lifelines_cases() -> tuple[Case, ...]:
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        ("delayed_exponential", "delayed", "exponential", {}),
        ("delayed_weibull", "delayed", "weibull", {}),
        ("delayed_log_normal", "delayed", "log-normal", {}),
        ("delayed_log_logistic", "delayed", "log-logistic", {}),
        ("delayed_generalised_gamma", "delayed", "generalised-gamma", {}),
        ("gbsg_generalised_gamma", "gbsg", "generalised-gamma", {}),
        ("delayed_piecewise", "delayed", "piecewise-exponential", {"cuts": (0.5, 1.5, 3.0)}),
        ("gbsg_piecewise", "gbsg", "piecewise-exponential", {"cuts": (0.5, 1.5, 3.0)}),
    ]
    for data in ("cure", "gbsg"):
        rows += [(f"{data}_mixture_{m.replace('-', '_')}", data, f"mixture-cure:{m}", {}) for m in SURVREG_NAMES]
    return tuple(
        _case(f"lifelines-{key.replace('_', '-')}", f"{model}, log likelihood", "other program", PROGRAM, data,
              partial(_log_likelihood, data, model, **options), {"log likelihood": expected(LIFELINES)[key]["loglik"]}, 1e-6, LIFELINES)
        for key, data, model, options in rows
    )  # fmt: skip


def _flexsurv() -> dict[str, float]:
    fit = _fit("gbsg", "weibull", location="arm")
    shape, scale = fit.parameter("shape"), fit.parameter("scale")
    found = {"log likelihood": fit.log_likelihood + 299 * np.log(SHORTER_YEAR), "shape": shape.estimate, "shape se": shape.standard_error}
    found |= {"shape low": shape.low, "shape high": shape.high, "scale": scale.estimate / SHORTER_YEAR}
    found |= {"scale low": (scale.low or 0.0) / SHORTER_YEAR, "scale high": (scale.high or 0.0) / SHORTER_YEAR}
    for group in ("Medium", "Poor"):
        effect = fit.parameter(f"scale: arm: {group}")
        found |= {group: effect.estimate, f"{group} se": effect.standard_error, f"{group} low": effect.low, f"{group} high": effect.high}
    return {k: float(v or 0.0) for k, v in found.items()}


def _flexsurvcure() -> dict[str, float]:
    fit = _fit("gbsg", "mixture-cure:weibull", cure="arm")
    good = fit.parameter("cure_fraction")
    found = {"log likelihood": fit.log_likelihood - 299 * np.log(365.25), "AIC": fit.aic + 2 * 299 * np.log(365.25)}
    found |= {"theta": good.estimate, "theta low": good.low or 0.0, "theta high": good.high or 0.0}
    shape = fit.parameter("shape")
    found |= {"shape": shape.estimate, "shape se": shape.standard_error or 0.0}
    for group in ("Medium", "Poor"):
        effect = fit.parameter(f"cure_fraction: arm: {group}")
        found |= {group: effect.estimate, f"{group} se": effect.standard_error or 0.0}
    survival = fit.survival(np.array([1000.0, 2000.0, 3000.0]) / 365.25, arm="Good").estimate
    return found | {f"S({days}) Good": float(s) for days, s in zip((1000, 2000, 3000), survival, strict=True)}


FLEXSURV_PRINTED = {
    "log likelihood": -811.9419, "shape": 1.3797, "shape se": 0.0668, "shape low": 1.2548, "shape high": 1.5170,
    "scale": 11.4229, "scale low": 9.1818, "scale high": 14.2110,
    "Medium": -0.6136, "Medium se": 0.1269, "Medium low": -0.8623, "Medium high": -0.3649,
    "Poor": -1.2122, "Poor se": 0.1256, "Poor low": -1.4583, "Poor high": -0.9661,
}  # fmt: skip

#: Printed digits: three significant figures of the parameters; S as far as its optimiser, which stops early, had converged.
FLEXSURVCURE_PRINTED = {
    "log likelihood": (-2580.012, 6e-4), "AIC": (5170.025, 6e-4), "theta": (0.673, 6e-4), "theta low": (0.584, 6e-4),
    "theta high": (0.752, 6e-4), "shape": (1.55, 6e-3), "shape se": (0.0907, 6e-5), "Medium": (-1.23, 6e-3), "Medium se": (0.264, 6e-4),
    "Poor": (-3.48, 6e-3), "Poor se": (1.06, 6e-3), "S(1000) Good": (0.83251996, 3e-5), "S(2000) Good": (0.71313032, 3e-5),
    "S(3000) Good": (0.67959584, 3e-5),
}  # fmt: skip


def _fitdistr() -> dict[str, float]:
    fit = _fit("complete", "gamma")
    return {"log likelihood": fit.log_likelihood, "shape": fit.parameter("shape").estimate, "rate": fit.parameter("rate").estimate}


def _tails(model: Distribution) -> dict[str, float]:
    frozen = expected(R)["tails"]
    t, p = np.array(frozen["t"]), np.array(frozen["p"])
    H = model.cumulative_hazard(t)
    log_f = np.log(model.hazard(t)) - H
    return _numbers("log S", -H) | _numbers("log f", log_f) | _numbers("quantile", model.quantile(p))


def _tail_cases() -> tuple[Case, ...]:
    models: dict[str, Distribution] = {
        "gamma": Gamma(shape=0.7, rate=0.8),
        "gamma_large": Gamma(shape=40.0, rate=30.0),
        "weibull": Weibull(shape=1.3, scale=0.9),
        "log-normal": LogNormal(mu=0.2, sigma=1.1),
        "log-logistic": LogLogistic(shape=1.0 / 0.6, scale=float(np.exp(0.4))),
    }
    made = []
    for key, model in models.items():
        row = expected(R)["tails"][key]
        want = _numbers("log S", row["log_s"]) | _numbers("log f", row["log_f"]) | _numbers("quantile", row["q"])
        tolerance = {k: 1e-10 * (1.0 + abs(v)) for k, v in want.items()}
        about = "eight times from 1e-6 to 400, shares from 1e-9 to 1 - 1e-9"
        title = f"{model.name}: log S, log f, quantiles"
        id = f"tails-{key.replace('_', '-')}"
        made.append(_case(id, title, "other program", "stats, R 4.2.2", about, partial(_tails, model), want, tolerance, R))
    return tuple(made)


def _exponential_by_hand() -> dict[str, float]:
    fit = _fit("delayed", "exponential")
    rate = fit.parameter("rate")
    return {"rate": rate.estimate, "standard error": rate.standard_error or 0.0, "log likelihood": fit.log_likelihood}


def _exponential_closed() -> dict[str, float]:
    columns = {k: np.array(v, float) for k, v in _columns("delayed").items()}
    d, time = float(columns["weight"] @ columns["event"]), float(columns["weight"] @ (columns["time"] - columns["entry"]))
    return {"rate": d / time, "standard error": float(np.sqrt(d)) / time, "log likelihood": d * float(np.log(d / time)) - d}


def _limits() -> dict[str, float]:
    """Differences of two fits of one model: promotion time around an exponential is a Gompertz model of negative shape."""
    gompertz, promotion = _fit("cure", "gompertz"), _fit("cure", "promotion-cure:exponential")
    return {
        "log likelihood": promotion.log_likelihood - gompertz.log_likelihood,
        "plateau": promotion.cure_fractions[0].estimate - gompertz.distribution().plateau(),
    }


def _coverage() -> dict[str, float]:
    """How often the profile interval of the cure fraction holds the truth, over 400 made-up trials of 150 patients."""
    truth = MixtureCure(cure_fraction=0.4, latency=Weibull(shape=1.3, scale=1.0))
    r = np.random.default_rng(4104)
    held = 0
    for _ in range(400):
        time, end = truth.quantile(r.random(150)), r.uniform(2.0, 6.0, 150)
        fit = fit_model(make_patients(np.minimum(time, end), (time <= end).astype(int)), model="mixture-cure:weibull")
        limits = fit.cure_fractions[0].profile
        held += limits is not None and limits.low <= 0.4 <= limits.high
    return {"coverage": held / 400}


SAME_MODELS: Mapping[str, tuple[Distribution, Distribution]] = {
    "q = 1 is Weibull": (GeneralisedGamma(mu=0.3, sigma=0.7, q=1.0), Weibull(shape=1 / 0.7, scale=float(np.exp(0.3)))),
    "q = 0 is log-normal": (GeneralisedGamma(mu=0.3, sigma=0.7, q=0.0), LogNormal(mu=0.3, sigma=0.7)),
    "q = sigma is gamma": (GeneralisedGamma(mu=float(np.log(4.0)), sigma=0.5, q=0.5), Gamma(shape=4.0, rate=1.0)),
    "Gompertz of shape 0": (Gompertz(shape=0.0, rate=0.4), Exponential(rate=0.4)),
    "cure fraction 0": (MixtureCure(cure_fraction=0.0, latency=LogLogistic(shape=1.4, scale=2.0)), LogLogistic(shape=1.4, scale=2.0)),
    "promotion-time exponential is Gompertz": (
        PromotionTimeCure(cure_fraction=float(np.exp(-2.0)), latency=Exponential(rate=0.7)),
        Gompertz(shape=-0.7, rate=1.4),
    ),
}


def _distribution_limits() -> dict[str, float]:
    t = np.array([1e-3, 0.2, 1.0, 4.0, 30.0])
    return {k: float(np.max(np.abs(a.cumulative_hazard(t) / b.cumulative_hazard(t) - 1.0))) for k, (a, b) in SAME_MODELS.items()}


def _follow_up() -> dict[str, float]:
    r = sufficient_follow_up(patients_of("gbsg"))
    return {"N_n": r.events_in_interval, "q_n": r.q_n, "alpha_n": r.alpha_n}


CASES: tuple[Case, ...] = (
    _case("flexsurv-weibull", "Weibull regression, printed digits", "published", FLEXSURV, "gbsg", _flexsurv, FLEXSURV_PRINTED, 6e-5),
    _case("flexsurvcure-mixture", "mixture cure Weibull, groups on the cure fraction, printed digits", "published", FLEXSURVCURE, "gbsg",
          _flexsurvcure, {k: v for k, (v, _) in FLEXSURVCURE_PRINTED.items()}, {k: t for k, (_, t) in FLEXSURVCURE_PRINTED.items()}),
    *_survreg_cases(),
    *_lifelines_cases(),
    _case("fitdistr-gamma", "gamma without censoring", "other program", "MASS::fitdistr 7.3-58.2 (R 4.2.2)", "complete", _fitdistr,
          {("log likelihood" if k == "loglik" else k): v for k, v in expected(R)["fitdistr_gamma"].items()},
          {"log likelihood": 1e-6, "shape": 1e-5, "rate": 1e-5}, R),
    *_tail_cases(),
    _case("exponential-closed-form", "exponential with delayed entry and weights: d / person-time", "closed form", "d / T, sqrt(d) / T",
          "delayed", _exponential_by_hand, _exponential_closed(), 1e-9),
    _case("follow-up-gbsg", "Maller-Zhou: events in (2 t* - t, t*] counted by hand", "closed form",
          "last event 2456, last time 2659 days: 3 events after 2253 days", "gbsg", _follow_up,
          {"N_n": 3, "q_n": 3 / 686, "alpha_n": (1 - 3 / 686) ** 686}, 1e-12),
    *_own_cases(),
    _case("limits-fits", "promotion-time exponential and Gompertz are one model: differences", "limit case", "identity of the models",
          "cure", _limits, {"log likelihood": 0.0, "plateau": 0.0}, 1e-7),
    _case("limits-distributions", "models that coincide: relative difference of H", "limit case", "identity of the models",
          "five times from 0.001 to 30 years", _distribution_limits, dict.fromkeys(SAME_MODELS, 0.0), 1e-11),
    Case("survival-models-profile-coverage", "profile interval of the cure fraction: coverage at level 0.95", "survival", "limit case",
         "the nominal level, within three Monte-Carlo standard errors", "400 made-up trials, n = 150, cure fraction 0.4, Weibull latency",
         _coverage, {"coverage": 0.95}, 3.0 * float(np.sqrt(0.95 * 0.05 / 400)), slow=True),
)  # fmt: skip
