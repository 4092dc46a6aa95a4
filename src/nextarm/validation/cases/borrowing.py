"""Cases of the borrowing room: comparisons of published estimates, sensitivity to bias, predictive priors, mixtures.

Frozen numbers come from ``references/borrowing.R``: metafor for contrasts (another program), base R for the rest (sums in
real space where the program works in Fourier space, numerical derivatives where it integrates by parts: ours, and so
labelled).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nextarm.borrowing import (
    ESS_METHODS,
    MapPrior,
    beta_mixture,
    compare_landmarks,
    e_value,
    effective_sample_size,
    gamma_mixture,
    map_prior_binomial,
    map_prior_normal,
    normal_mixture,
    sceptical_posterior,
    square_and_add,
    wilson_limits,
)
from nextarm.synthesis import StudyEstimate, TauPrior, half_cauchy, half_normal, uniform
from nextarm.validation.case import Case, Kind, expected
from nextarm.validation.cases.borrowing_behaviour_external import CASES as EXTERNAL_BEHAVIOUR
from nextarm.validation.cases.borrowing_external import CASES as EXTERNAL

FROZEN = "borrowing"
BASE_R = "base R 4.2.2, references/borrowing.R"
RBEST = "RBesT 1.9-0 (R 4.2.2), printed in the project's reference list"
BAYESMETA = "bayesmeta 3.4 (R 4.2.2), printed in the project's reference list"
NEWCOMBE = "Newcombe 1998, Table II, method 10 (doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I)"
#: Ankylosing spondylitis, historical control groups: responders and patients (Baeten et al. 2013, doi 10.1016/S0140-6736(13)61134-4).
AS_EVENTS = (23, 12, 19, 9, 39, 6, 9, 10)
AS_N = (107, 44, 51, 39, 139, 20, 78, 35)
#: Coaching in eight schools (Rubin 1981, doi 10.3102/10769986006004377), effects and standard errors as usually rounded.
SCHOOLS = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0), (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)

NEWCOMBE_TABLE = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (0, 10, 0, 10): (-0.2775, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0000),
    (10, 10, 0, 10): (0.6075, 1.0000),
}


def _newcombe() -> dict[str, float]:
    got: dict[str, float] = {}
    for a, m, b, n in NEWCOMBE_TABLE:
        low, high = square_and_add(a / m, wilson_limits(a / m, m), b / n, wilson_limits(b / n, n))
        got |= {f"{a}/{m} - {b}/{n} low": low, f"{a}/{m} - {b}/{n} high": high}
    return got


def _newcombe_want() -> dict[str, float]:
    rows = {f"{a}/{m} - {b}/{n}": limits for (a, m, b, n), limits in NEWCOMBE_TABLE.items()}
    return {f"{k} low": v[0] for k, v in rows.items()} | {f"{k} high": v[1] for k, v in rows.items()}


def _landmark(name: str) -> dict[str, float]:
    row = expected(FROZEN)["landmarks"][name]
    found = compare_landmarks(
        StudyEstimate(label="treated", estimate=row["s1"], se=row["se1"]), StudyEstimate(label="control", estimate=row["s0"], se=row["se0"])
    )
    assert found.cumulative_hazard_ratio is not None
    assert found.ratio_ci is not None
    assert found.ratio_p_two_sided is not None
    return {"ratio": found.cumulative_hazard_ratio, "low": found.ratio_ci.low, "high": found.ratio_ci.high, "p": found.ratio_p_two_sided}


def _e_value(ratio: float, ci: tuple[float, float] | None, *, measure: str = "risk-ratio", rare: bool | None = None) -> dict[str, float]:
    found = e_value(ratio=ratio, ci=ci, measure=measure, rare=rare)
    got = {"risk ratio": found.risk_ratio, "e-value": found.e_value}
    return got | ({"limit": found.e_value_limit} if found.e_value_limit is not None else {})


def _sceptic(log_ratio: float, se: float, sd: float) -> dict[str, float]:
    found = sceptical_posterior(log_ratio=log_ratio, log_ratio_se=se, prior_sd=sd)
    return {"mean": found.mean, "sd": found.sd}


#: Intervals of a ratio on one side of 1.
MATTHEWS = ((0.24, 0.97), (0.55, 0.92), (1.2, 3.4))


def _matthews() -> dict[str, float]:
    got = {}
    for low, high in MATTHEWS:
        b, se = (math.log(low) + math.log(high)) / 2.0, (math.log(high) - math.log(low)) / (2.0 * 1.959963984540054)
        limit = sceptical_posterior(log_ratio=b, log_ratio_se=se).critical_prior_limit
        assert limit is not None
        got[f"{low} to {high}"] = limit
    return got


def _matthews_want() -> dict[str, float]:
    """Scepticism limit ``exp((log U - log L)^2 / (4 sqrt(log U log L)))``, its inverse for a benefit below 1."""
    want = {}
    for low, high in MATTHEWS:
        size = (math.log(high) - math.log(low)) ** 2 / (4.0 * math.sqrt(math.log(high) * math.log(low)))
        want[f"{low} to {high}"] = math.exp(math.copysign(size, math.log(high)))
    return want


def _summary(prior: MapPrior, names: Sequence[str]) -> dict[str, float]:
    got = {name: value for name in names if isinstance(value := getattr(prior, name, None), float)}
    return got | {"low": prior.quantile(0.025), "median": prior.quantile(0.5), "high": prior.quantile(0.975)}


MOMENTS = ("mean", "sd", "mu_mean", "mu_sd", "tau_mean", "tau_sd", "theta_sd")
BINOMIAL_PRIORS: Mapping[str, TauPrior] = {
    "as_half_normal": half_normal(1.0),
    "as_uniform": uniform(2.0),
    "zero_events": half_normal(1.0),
    "all_events": half_normal(0.5),
    "one_study": half_normal(0.5),
}
NORMAL_PRIORS: Mapping[str, tuple[TauPrior, tuple[float, float] | None]] = {
    "as_logit": (half_normal(1.0), (0.0, 2.0)),
    "two_half_cauchy": (half_cauchy(0.5), (0.0, 2.0)),
    "one_half_normal": (half_normal(0.3), None),
}


def _listed(value: float | list[float]) -> list[float]:
    return value if isinstance(value, list) else [value]


def _binomial(name: str) -> dict[str, float]:
    row = expected(FROZEN)["binomial"][name]
    prior = map_prior_binomial([int(v) for v in _listed(row["r"])], [int(v) for v in _listed(row["n"])], tau=BINOMIAL_PRIORS[name])
    return _summary(prior, MOMENTS[:-1])


def _normal(name: str) -> dict[str, float]:
    row, (tau, mean) = expected(FROZEN)["normal"][name], NORMAL_PRIORS[name]
    prior = map_prior_normal(_listed(row["y"]), _listed(row["se"]), tau=tau, mean_prior=mean)
    return _summary(prior, [n for n in MOMENTS[2:] if n in row])


def _frozen_summary(part: str, name: str) -> dict[str, float]:
    row: dict[str, Any] = expected(FROZEN)[part][name]
    tails = dict(zip(("low", "median", "high"), row["quantiles"], strict=True))
    return {n: row[n] for n in MOMENTS if n in row} | tails


def _rbest_beta() -> dict[str, float]:
    prior = beta_mixture([0.8, 0.2], [11, 1], [32, 1])
    after = prior.posterior(8, 20)
    got = {method: effective_sample_size(prior, method=method) for method in ESS_METHODS}
    got |= {"weight 1": float(after.weights[0]), "weight 2": float(after.weights[1]), "mean": after.mean(), "sd": after.sd()}
    return got | {str(p): after.quantile(p) for p in (0.025, 0.5, 0.975)}


def _rbest_normal() -> dict[str, float]:
    prior = normal_mixture([0.7, 0.3], [-0.5, 0.0], [0.2, 1.0])
    after = prior.posterior(-0.8, 0.3)
    got = {method: effective_sample_size(prior, method=method, sigma=2.0) for method in ESS_METHODS}
    for i in range(2):
        got |= {f"weight {i + 1}": float(after.weights[i]), f"mean {i + 1}": float(after.means[i]), f"sd {i + 1}": float(after.sds[i])}
    return got


def _gmap() -> dict[str, float]:
    prior = map_prior_binomial(AS_EVENTS, AS_N, tau=half_normal(1.0))
    return _summary(prior, ("mean", "sd", "tau_mean", "tau_sd"))


def _bayesmeta_as() -> dict[str, float]:
    y = [math.log(r / (n - r)) for r, n in zip(AS_EVENTS, AS_N, strict=True)]
    se = [math.sqrt(1.0 / r + 1.0 / (n - r)) for r, n in zip(AS_EVENTS, AS_N, strict=True)]
    prior = map_prior_normal(y, se, measure="logit", tau=half_normal(1.0), mean_prior=(0.0, 2.0))
    names = ("tau_median", "tau_mean", "tau_sd", "mu_mean", "mu_sd", "theta_sd")
    return {n: v for n in names if isinstance(v := getattr(prior, n), float)}


def _bayesmeta_schools() -> dict[str, float]:
    prior = map_prior_normal(*SCHOOLS, tau=uniform())
    names = ("tau_median", "tau_mean", "mu_mean", "mu_sd", "theta_sd")
    return {n: v for n in names if isinstance(v := getattr(prior, n), float)}


SIZES = {"Beta(11, 32)": 43.0, "Beta(1.4, 3)": 4.4, "N(-1, 2) sigma 4": 4.0, "Gamma(20, 4)": 4.0}


def _conjugate_sizes() -> dict[str, float]:
    got = {}
    for method in ("elir", "moment"):
        got[f"Beta(11, 32) {method}"] = effective_sample_size(beta_mixture([1], [11], [32]), method=method)
        got[f"Beta(1.4, 3) {method}"] = effective_sample_size(beta_mixture([1], [1.4], [3]), method=method)
        got[f"N(-1, 2) sigma 4 {method}"] = effective_sample_size(normal_mixture([1], [-1], [2]), method=method, sigma=4.0)
        got[f"Gamma(20, 4) {method}"] = effective_sample_size(gamma_mixture([1], [20], [4]), method=method)
    return got


def _known_tau() -> dict[str, float]:
    """With tau pinned near 0 the prior is the fixed-effect posterior of the mean."""
    prior = map_prior_normal([0.2, -0.3, 0.5], [0.2, 0.3, 0.4], tau=half_normal(1e-7))
    assert prior.theta_sd is not None
    assert prior.theta_mean is not None
    return {"mean": prior.theta_mean, "sd": prior.theta_sd, "0.975": prior.quantile(0.975)}


def _known_tau_want() -> dict[str, float]:
    w = [1 / 0.04, 1 / 0.09, 1 / 0.16]
    mean, sd = (w[0] * 0.2 - w[1] * 0.3 + w[2] * 0.5) / sum(w), 1.0 / math.sqrt(sum(w))
    return {"mean": mean, "sd": sd, "0.975": mean + 1.959963984540054 * sd}


def _mixture(name: str) -> dict[str, float]:
    row = expected(FROZEN)["mixtures"][name]
    got: dict[str, float] = {}
    if name == "beta":
        beta = beta_mixture(row["w"], row["a"], row["b"])
        prior, after = beta, beta.posterior(7, 25)
        got |= {f"predictive {i}": float(p) for i, p in enumerate(beta.predictive(10))}
    elif name == "normal":
        normal = normal_mixture(row["w"], row["m"], row["s"])
        prior, after = normal, normal.posterior(-0.2, 0.35)  # type: ignore[assignment]
    else:
        gamma = gamma_mixture(row["w"], row["a"], row["b"])
        prior, after = gamma, gamma.posterior(6, 15.0)  # type: ignore[assignment]
    for p in (0.025, 0.5, 0.975):
        got |= {f"prior {p}": prior.quantile(p), f"posterior {p}": after.quantile(p)}
    return got | {f"weight {i + 1}": float(w) for i, w in enumerate(after.weights)}


def _mixture_want(name: str) -> dict[str, float]:
    row = expected(FROZEN)["mixtures"][name]
    want: dict[str, float] = {}
    for i, p in enumerate((0.025, 0.5, 0.975)):
        want |= {f"prior {p}": row["quantiles"][i], f"posterior {p}": row["posterior_quantiles"][i]}
    want |= {f"weight {i + 1}": w for i, w in enumerate(row["posterior_w"])}
    return want | {f"predictive {i}": p for i, p in enumerate(row.get("predictive", ()))}


def _normal_elir() -> dict[str, float]:
    row = expected(FROZEN)["mixtures"]["normal"]
    return {"elir": effective_sample_size(normal_mixture(row["w"], row["m"], row["s"]), sigma=2.0)}


def _case(
    id: str,
    title: str,
    compute: Callable[[], Mapping[str, float]],
    want: Mapping[str, float],
    *,
    kind: Kind,
    source: str,
    inputs: str,
    tolerance: float | Mapping[str, float],
    relative: bool = False,
    frozen: bool = False,
) -> Case:
    return Case(
        id=f"borrowing/{id}",
        title=title,
        room="borrowing",
        kind=kind,
        source=source,
        inputs=inputs,
        compute=compute,
        expected=want,
        tolerance=tolerance,
        relative=relative,
        reference=f"{FROZEN}.json" if frozen else "",
    )


METAFOR = "metafor 3.8-1 (R 4.2.2), contrast of two arms' log(-log S)"
VDW = "VanderWeele & Ding 2017 (doi 10.7326/M16-2607)"

CASES: tuple[Case, ...] = (
    _case("difference-newcombe", "Difference of two proportions by squaring and adding Wilson limits", _newcombe, _newcombe_want(),
          kind="published", source=NEWCOMBE, inputs="eight 2 x 2 tables", tolerance=6e-5),
    *(_case(f"ratio-{name}", "Ratio of cumulative hazards of two landmark estimates", partial(_landmark, name),
            {k: v for k, v in expected(FROZEN)["landmarks"][name].items() if k in ("ratio", "low", "high", "p")},
            kind="other program", source=METAFOR, inputs=f"two S(t) with standard errors ({name})", tolerance=1e-9, frozen=True)
      for name in ("better", "worse", "close")),
    _case("e-value-breastfeeding", "E-value of a risk ratio and its interval", partial(_e_value, 3.9, (1.8, 8.7)),
          {"e-value": 7.26, "limit": 3.0}, kind="published", source=VDW, inputs="risk ratio 3.9 (1.8 to 8.7)", tolerance=5e-3),
    _case("e-value-smoking", "E-value of a risk ratio and its interval", partial(_e_value, 10.73, (8.02, 14.36)),
          {"e-value": 20.94777, "limit": 15.52336}, kind="other program", source="EValue 4.1.3 (R), vignette unmeasured-confounding",
          inputs="risk ratio 10.73 (8.02 to 14.36)", tolerance=1e-5),
    _case("e-value-below-1", "E-value of a risk ratio below 1", partial(_e_value, 0.9, None), {"e-value": 1.462475},
          kind="other program", source="tipr 1.0 (R), documentation of e_value", inputs="risk ratio 0.9", tolerance=1e-6),
    _case("e-value-hazard-ratio", "Hazard ratio of a common event as a risk ratio and its E-value",
          partial(_e_value, 4.0, None, measure="hazard-ratio", rare=False),
          {"risk ratio": 0.75 / (1 - math.sqrt(0.5)),
           "e-value": 0.75 / (1 - math.sqrt(0.5)) + math.sqrt(0.75 / (1 - math.sqrt(0.5)) * (0.75 / (1 - math.sqrt(0.5)) - 1))},
          kind="closed form", source=f"{VDW}, table 2", inputs="hazard ratio 4", tolerance=1e-12),
    _case("sceptic-megatrial", "Posterior under a sceptical normal prior", partial(_sceptic, -0.12, 0.06, 0.07),
          {"mean": -0.07, "sd": 0.05}, kind="published", source="Diamond & Kaul 2004, J Am Coll Cardiol 43:1929, figure 2",
          inputs="log ratio -0.12 (SE 0.06), prior N(0, 0.07)", tolerance=5.1e-3),
    _case("sceptic-critical-prior", "The prior at which a finding just goes", _matthews, _matthews_want(), kind="closed form",
          source="Matthews 2001 (doi 10.1177/009286150103500442), scepticism limit", inputs="three intervals of a ratio", tolerance=1e-10),
    _case("rbest-beta", "Beta mixture: effective sample sizes and posterior", _rbest_beta,
          {"elir": 27.91068, "moment": 6.140244, "morita": 36.60642, "weight 1": 0.8596283, "weight 2": 0.1403717, "mean": 0.31667777,
           "sd": 0.07549203, "0.025": 0.19714, "0.5": 0.30745, "0.975": 0.50664},
          kind="other program", source=RBEST, inputs="0.8 Beta(11, 32) + 0.2 Beta(1, 1); 8 of 20",
          tolerance={"elir": 1e-4, "moment": 1e-6, "morita": 1e-3} | dict.fromkeys(("weight 1", "weight 2", "mean", "sd"), 1e-7)
          | dict.fromkeys(("0.025", "0.5", "0.975"), 1e-5)),
    _case("rbest-normal", "Normal mixture: effective sample sizes and posterior", _rbest_normal,
          {"elir": 53.29284, "moment": 10.51248, "morita": 93.12883, "weight 1": 0.8650545, "weight 2": 0.1349455, "mean 1": -0.5923077,
           "mean 2": -0.733945, "sd 1": 0.1664101, "sd 2": 0.2873479},
          kind="other program", source=RBEST, inputs="0.7 N(-0.5, 0.2) + 0.3 N(0, 1), sigma 2; -0.8 (SE 0.3)",
          tolerance={"elir": 1e-4, "moment": 1e-5, "morita": 1e-3}
          | dict.fromkeys(("weight 1", "weight 2", "mean 1", "mean 2", "sd 1", "sd 2"), 1e-6)),
    _case("gmap-as", "Predictive prior of a response rate (against sampling, with its noise)", _gmap,
          {"mean": 0.255, "sd": 0.0864, "tau_mean": 0.387, "tau_sd": 0.215, "low": 0.106, "high": 0.461},
          kind="other program", source=f"{RBEST}; gMAP by Markov chain, seed 34563", inputs="eight control groups, tau ~ half-normal(1)",
          tolerance={"mean": 6e-3, "sd": 6e-3, "low": 6e-3, "high": 1.2e-2, "tau_mean": 1.2e-2, "tau_sd": 1.2e-2}),
    _case("bayesmeta-as", "Normal-normal predictive prior, log odds", _bayesmeta_as,
          {"tau_median": 0.3111929, "tau_mean": 0.3381136, "tau_sd": 0.2105358, "mu_mean": -1.0750280, "mu_sd": 0.1791477,
           "theta_sd": 0.4370869}, kind="other program", source=BAYESMETA,
          inputs="eight control groups, mean ~ N(0, 2), tau ~ half-normal(1)", tolerance=2e-3),
    _case("bayesmeta-schools", "Normal-normal predictive prior under an improper uniform prior of tau", _bayesmeta_schools,
          {"tau_median": 5.238515, "tau_mean": 6.575483, "mu_mean": 7.932050, "mu_sd": 5.175214, "theta_sd": 10.083904},
          kind="other program", source=BAYESMETA, inputs="eight schools, flat mean, tau uniform", tolerance=2e-3, relative=True),
    _case("conjugate-sizes", "Effective sample size of single conjugate priors", _conjugate_sizes,
          {f"{name} {method}": size for name, size in SIZES.items() for method in ("elir", "moment")},
          kind="closed form", source="Neuenschwander et al. 2020 (doi 10.1111/biom.13252): a + b, sigma^2 / s^2, rate",
          inputs="two betas, a normal, a gamma", tolerance=1e-10, relative=True),
    _case("known-tau", "Predictive prior with tau pinned at 0 is the fixed-effect posterior", _known_tau, _known_tau_want(),
          kind="limit case", source="inverse-variance mean", inputs="three estimates", tolerance=1e-6),
    *(_case(f"binomial-{name}", "Exact binomial predictive prior by another quadrature", partial(_binomial, name),
            _frozen_summary("binomial", name), kind="second implementation", source=BASE_R,
            inputs=f"{name.replace('_', ' ')}, tau ~ {prior.words()}, mean ~ N(0, 2)",
            tolerance=dict.fromkeys(MOMENTS, 1e-6) | dict.fromkeys(("low", "median", "high"), 1e-4), frozen=True)
      for name, prior in BINOMIAL_PRIORS.items()),
    *(_case(f"normal-{name}", "Normal-normal predictive prior by another quadrature", partial(_normal, name),
            _frozen_summary("normal", name), kind="second implementation", source=BASE_R, inputs=f"{name}, tau ~ {prior[0].words()}",
            tolerance=dict.fromkeys(MOMENTS, 1e-8) | dict.fromkeys(("low", "median", "high"), 2e-5), frozen=True)
      for name, prior in NORMAL_PRIORS.items()),
    *(_case(f"mixture-{name}", f"{name} mixture: quantiles and conjugate posterior", partial(_mixture, name), _mixture_want(name),
            kind="second implementation", source=BASE_R, inputs=f"a {name} mixture", tolerance=1e-10, frozen=True)
      for name in ("beta", "normal", "gamma")),
    _case("elir-normal-mixture", "Expected local information ratio against its definition", _normal_elir,
          {"elir": expected(FROZEN)["mixtures"]["normal"]["elir"]}, kind="second implementation",
          source=f"{BASE_R}; second derivative by differences", inputs="three normals, sigma 2", tolerance=1e-3, frozen=True),
    *EXTERNAL,
    *EXTERNAL_BEHAVIOUR,
)  # fmt: skip
