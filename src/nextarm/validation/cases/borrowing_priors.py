"""Cases of the borrowing room: priors of rates, with covariates, of cure fractions; power, commensurate and mixture priors.

Frozen numbers come from ``references/borrowing_priors.R``: metafor at the limit of no heterogeneity (another program), base R
for the rest (even sums and ``integrate()`` where the program has panels, Fourier sums and conjugacy: ours, and so labelled).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from nextarm.borrowing import (
    Borrowed,
    CureEstimate,
    MapPrior,
    binary_data,
    commensurate_prior,
    cure_data,
    efs_from_dfs,
    exposure_data,
    gamma_mixture,
    induction_term,
    map_prior_binomial,
    map_prior_counts_covariates,
    map_prior_covariates,
    map_prior_cure,
    map_prior_normal,
    map_prior_piecewise,
    map_prior_poisson,
    normalised_power_prior,
    power_prior,
    sam_prior,
    sam_weight,
)
from nextarm.synthesis import half_normal
from nextarm.validation.case import Case, Kind, expected

FROZEN = "borrowing_priors"
BASE_R = "base R 4.2.2, references/borrowing_priors.R"
METAFOR = "metafor 3.8-1 (R 4.2.2)"
MOMENTS = ("mu_mean", "mu_sd", "tau_mean", "tau_sd")
QUANTILES = ("low", "median", "high")
Y = np.array([[0.2, 0.3, -0.1], [-0.4, 0.1, 0.2], [0.5, 0.4, 0.0]])
V = np.array([[0.09, 0.01, 0.005], [0.01, 0.05, 0.02], [0.005, 0.02, 0.04]])
STUDIES = tuple(CureEstimate(str(i), Y[i], f * V) for i, f in enumerate((1.0, 1.5, 0.8)))
REGRESSION: dict[str, Any] = {
    "estimates": [-1.2, -1.0, -0.7, -0.9, -0.4],
    "ses": [0.25, 0.2, 0.3, 0.15, 0.2],
    "covariates": {"x": [-2.0, -1.5, -1.0, -0.4, 0.0]},
    "new": {"x": 0.0},
}


def _numbers(found: object, names: tuple[str, ...]) -> dict[str, float]:
    return {n: v for n in names if isinstance(v := getattr(found, n), float)}


def _poisson(name: str) -> dict[str, float]:
    row = expected(FROZEN)["poisson"][name]
    events, years = np.atleast_1d(row["events"]), np.atleast_1d(row["years"])
    found = map_prior_poisson(events.tolist(), years.tolist(), tau=half_normal(0.3 if name == "one" else 0.5))
    return _numbers(found, MOMENTS) | {"low": found.ci.low, "median": found.median, "high": found.ci.high}


def _poisson_want(name: str) -> dict[str, float]:
    row = expected(FROZEN)["poisson"][name]
    return {n: row[n] for n in MOMENTS} | dict(zip(QUANTILES, row["quantiles"], strict=True))


def _strata() -> dict[str, float]:
    found = map_prior_covariates(
        **REGRESSION, strata=["far"] * 3 + ["near"] * 2, new_stratum="near", tau={"far": half_normal(1.0), "near": half_normal(0.25)}
    )
    assert found.theta_mean is not None
    assert found.theta_sd is not None
    return {
        "theta_mean": found.theta_mean, "theta_sd": found.theta_sd, "tau_1": found.strata["far"], "tau_2": found.strata["near"],
        "slope": found.coefficients[1].mean,
    }  # fmt: skip


def _regression_limit() -> dict[str, float]:
    found = map_prior_covariates(**REGRESSION, tau=half_normal(1e-7))
    assert found.theta_mean is not None
    assert found.theta_sd is not None
    return {"mean": found.theta_mean, "se": found.theta_sd}


def _cure(name: str) -> dict[str, float]:
    found = map_prior_cure(STUDIES, tau_cure=half_normal(0.5), tau_latency=half_normal(0.25), latency=name.replace("_", "-"))
    got = {f"mean {i}": v for i, v in enumerate(found.means)} | {f"sd {i}": v for i, v in enumerate(found.sds)}
    got |= {"tau_cure": found.tau_cure_mean}
    return got | ({"tau_latency": found.tau_latency_mean} if found.tau_latency_mean is not None else {})


def _cure_want(name: str) -> dict[str, float]:
    row = expected(FROZEN)["cure"][name]
    want = {f"mean {i}": v for i, v in enumerate(row["means"])} | {f"sd {i}": v for i, v in enumerate(row["sds"])}
    return want | {"tau_cure": row["tau_cure"]} | ({"tau_latency": row["tau_latency"]} if name == "one_tau" else {})


def _cure_limit() -> dict[str, float]:
    found = map_prior_cure(STUDIES, tau_cure=half_normal(1e-7))
    return {f"mean {i}": v for i, v in enumerate(found.means)} | {f"sd {i}": v for i, v in enumerate(found.sds)}


def _cure_limit_want() -> dict[str, float]:
    row = expected(FROZEN)["metafor_cure"]
    return {f"mean {i}": v for i, v in enumerate(row["means"])} | {f"sd {i}": v for i, v in enumerate(row["sds"])}


def _sampled() -> dict[str, float]:
    """Importance sampling where the exact grid knows the answer: two programs of ours that share nothing but the model."""
    events, n = [23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]
    found = map_prior_counts_covariates(events, n, tau=half_normal(1.0))
    return _numbers(found, ("mean", "sd", "tau_mean", "tau_sd")) | {"low": found.ci.low, "high": found.ci.high}


def _sampled_want() -> dict[str, float]:
    found = map_prior_binomial([23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35], tau=half_normal(1.0))
    return _numbers(found, ("mean", "sd", "tau_mean", "tau_sd")) | {"low": found.ci.low, "high": found.ci.high}


def _first(found: Borrowed) -> dict[str, float]:
    return {"mean": found.parameters[0].mean, "sd": found.parameters[0].sd}


def _power() -> dict[str, float]:
    """Beta, gamma and normal power priors with their posteriors."""
    got: dict[str, float] = {}
    for name, found in {
        "beta": power_prior(binary_data(20, 50), binary_data(8, 20), a0=0.3),
        "gamma": power_prior(exposure_data(40, 100.0), exposure_data(5, 11.0), a0=0.3),
        "piece 1": power_prior(exposure_data([30, 10], [60.0, 40.0], cuts=[1]), exposure_data([4, 3], [11.0, 8.0], cuts=[1]), a0=0.3),
        "cure": power_prior(cure_data(STUDIES[0]), cure_data(STUDIES[1]), a0=0.3),
    }.items():
        got |= {f"{name} {k}": v for k, v in _first(found).items()}
    return got


def _power_want() -> dict[str, float]:
    a, b = 1 + 0.3 * 20 + 8, 1 + 0.3 * 30 + 12
    want = {"beta mean": a / (a + b), "beta sd": math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))}
    for name, (d0, t0, d, t) in {"gamma": (40, 100.0, 5, 11.0), "piece 1": (30, 60.0, 4, 11.0)}.items():
        shape, rate = 0.5 + 0.3 * d0 + d, 0.5 + 0.3 * t0 + t
        want |= {f"{name} mean": shape / rate, f"{name} sd": math.sqrt(shape) / rate}
    p0, p1 = 0.3 * np.linalg.inv(V), np.linalg.inv(1.5 * V)
    c = np.linalg.inv(p0 + p1)
    return want | {"cure mean": float((c @ (p0 @ Y[0] + p1 @ Y[1]))[0]), "cure sd": math.sqrt(float(c[0, 0]))}


def _normalised(name: str) -> dict[str, float]:
    if name == "binary":
        found = normalised_power_prior(binary_data(40, 100), binary_data(12, 20))
    else:
        found = normalised_power_prior(exposure_data(40, 100.0), exposure_data(9, 15.0), first=(2.0, 4.0))
    return {"a0": found.control_mean, "mean": found.parameters[0].mean}


def _normalised_pinned() -> dict[str, float]:
    """With a0 pinned by its prior the normalised power prior is the power prior; near 1 it is pooling."""
    history, now = binary_data(40, 100), binary_data(12, 20)
    half = normalised_power_prior(history, now, a0_prior=(4e8, 4e8))
    one = normalised_power_prior(cure_data(STUDIES[0]), cure_data(STUDIES[2]), a0_prior=(1e8, 1.0))
    return {"half": half.parameters[0].mean, "pooled cure": one.parameters[0].mean}


def _normalised_pinned_want() -> dict[str, float]:
    p0, p1 = np.linalg.inv(V), np.linalg.inv(0.8 * V)
    return {"half": (1 + 20 + 12) / (2 + 50 + 20), "pooled cure": float(np.linalg.solve(p0 + p1, p0 @ Y[0] + p1 @ Y[2])[0])}


def _commensurate(name: str) -> dict[str, float]:
    if name == "binary":
        found = commensurate_prior(binary_data(40, 100), binary_data(12, 20), tau=half_normal(0.5))
    else:
        found = commensurate_prior(exposure_data(40, 100.0), exposure_data(9, 15.0), tau=half_normal(0.5))
    grid = found.grids[0]
    mass = grid.density / grid.density.sum()
    mean = float(mass @ grid.x)
    return {"theta_mean": mean, "theta_sd": math.sqrt(float(mass @ (grid.x - mean) ** 2)), "tau": found.control_mean}


def _commensurate_limit() -> dict[str, float]:
    """Without tau everything is pooled."""
    tau = half_normal(1e-6)
    beta = commensurate_prior(binary_data(40, 100), binary_data(12, 20), tau=tau)
    gamma = commensurate_prior(exposure_data([30, 10], [60.0, 40.0], cuts=[1]), exposure_data([4, 3], [11.0, 8.0], cuts=[1]), tau=tau)
    cure = commensurate_prior(cure_data(STUDIES[0]), cure_data(STUDIES[1]), tau=tau)
    return {"beta": beta.parameters[0].mean, "gamma": gamma.parameters[1].mean, "cure": cure.parameters[0].mean}


def _commensurate_limit_want() -> dict[str, float]:
    p0, p1 = np.linalg.inv(V), np.linalg.inv(1.5 * V)
    return {"beta": 53 / 122, "gamma": 13.5 / 48.5, "cure": float(np.linalg.solve(p0 + p1, p0 @ Y[0] + p1 @ Y[1])[0])}


def _sam() -> dict[str, float]:
    return {
        "agree": sam_weight(binary_data(39, 98), binary_data(25, 60), delta=0.15),
        "conflict": sam_weight(binary_data(39, 98), binary_data(12, 60), delta=0.15),
        "rate": sam_weight(exposure_data(40, 100.0), exposure_data(9, 15.0), delta=0.4, first=(1e-9, 1e-9)),
        "posterior": sam_prior(binary_data(39, 98), binary_data(12, 60), delta=0.15).parameters[0].mean,
    }


def _sam_want() -> dict[str, float]:
    def binomial(p: float, r: int) -> float:
        return r * math.log(p) + (60 - r) * math.log(1 - p)

    def weight(log_r: float) -> float:
        return 1 / (1 + math.exp(-log_r))

    def beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    agree, conflict = (weight(binomial(0.4, r) - max(binomial(0.25, r), binomial(0.55, r))) for r in (25, 12))
    rate = weight(9 * math.log(0.4) - 6.0 - max(9 * math.log(0.4 * math.exp(s)) - 6.0 * math.exp(s) for s in (-0.4, 0.4)))
    one = math.log(conflict) + beta(52, 108) - beta(40, 60)
    two = math.log(1 - conflict) + beta(13, 49) - beta(1, 1)
    after = weight(one - two)
    return {"agree": agree, "conflict": conflict, "rate": rate, "posterior": after * 52 / 160 + (1 - after) * 13 / 62}


def _pieces() -> dict[str, float]:
    """Pieces with their own taus are separate rates."""
    found = map_prior_piecewise([[6, 2], [9, 1], [5, 5]], [[20.0, 25.0], [24.0, 40.0], [18.0, 15.0]], cuts=[1.0])
    return {"median 1": found.pieces[0].median, "high 2": found.pieces[1].high}


def _pieces_want() -> dict[str, float]:
    one, two = map_prior_poisson([6, 9, 5], [20.0, 24.0, 18.0]), map_prior_poisson([2, 1, 5], [25.0, 40.0, 15.0])
    return {"median 1": one.median, "high 2": two.ci.high}


def _negative_binomial() -> dict[str, float]:
    made = gamma_mixture([1.0], [3.0], [2.0]).predictive(4.0, most=5)
    return {str(i): float(p) for i, p in enumerate(made)}


def _dfs() -> MapPrior:
    return map_prior_normal([-1.7], [0.45], measure="cloglog", tau=half_normal(0.3))


def _remission() -> dict[str, float]:
    """The mean of a product of independent factors is the product of the means; so is the mean square."""
    found = efs_from_dfs(_dfs(), induction_term(20, 297, remission_at=0.1), time=4.0, time_origin="remission")
    assert found.prior.sd is not None
    x, mass = found.prior.points()
    return {"mean": float(mass @ x), "sd": found.prior.sd}


def _remission_want() -> dict[str, float]:
    dfs = _dfs()
    assert dfs.mean is not None
    assert dfs.sd is not None
    a, b = 278.0, 21.0
    first, second = a / (a + b), a * (a + 1) / ((a + b) * (a + b + 1))
    return {"mean": dfs.mean * first, "sd": math.sqrt((dfs.mean**2 + dfs.sd**2) * second - (dfs.mean * first) ** 2)}


def _case(
    id: str,
    title: str,
    compute: Any,
    want: Mapping[str, float],
    *,
    kind: Kind,
    source: str,
    inputs: str,
    tolerance: float | Mapping[str, float],
    frozen: bool = False,
) -> Case:
    return Case(
        id=f"borrowing/{id}", title=title, room="borrowing", kind=kind, source=source, inputs=inputs, compute=compute, expected=want,
        tolerance=tolerance, reference=f"{FROZEN}.json" if frozen else "",
    )  # fmt: skip


CASES: tuple[Case, ...] = (
    *(_case(f"poisson-{name}", "Predictive prior of a rate by another quadrature", partial(_poisson, name), _poisson_want(name),
            kind="second implementation", source=BASE_R, inputs=f"events in years ({name.replace('_', ' ')}), mean ~ N(0, 3)",
            tolerance=dict.fromkeys(MOMENTS, 2e-6) | dict.fromkeys(QUANTILES, 1e-4), frozen=True)
      for name in ("three", "with_zero", "one")),
    _case("strata", "Normal prior with a covariate and a tau for each of two strata", _strata, expected(FROZEN)["strata"],
          kind="second implementation", source=BASE_R, inputs="five studies, tau ~ half-normal(1) far, half-normal(0.25) near",
          tolerance=2e-4, frozen=True),
    _case("regression-limit", "Without heterogeneity the prior with a covariate is a fixed-effect meta-regression's prediction",
          _regression_limit, expected(FROZEN)["metafor_regression"], kind="other program", source=f"{METAFOR}, rma(method='FE'), predict",
          inputs="five studies, one covariate", tolerance=1e-8, frozen=True),
    *(_case(f"cure-{name}", "Predictive prior of mixture-cure parameters by even sums", partial(_cure, name), _cure_want(name),
            kind="second implementation", source=BASE_R, inputs="three studies, three parameters each",
            tolerance=1e-4 if name == "common" else 2e-4, frozen=True) for name in ("common", "one_tau")),
    _case("cure-limit", "Without heterogeneity the cure prior is the multivariate fixed-effect estimate", _cure_limit, _cure_limit_want(),
          kind="other program", source=f"{METAFOR}, rma.mv", inputs="three studies, three parameters each", tolerance=1e-8, frozen=True),
    _case("counts-sampled", "Importance sampling of counts against the exact grid", _sampled, _sampled_want(), kind="second implementation",
          source="the exact grid of the same model (ours)", inputs="eight control groups", tolerance=3e-4),
    _case("power-prior", "Power priors of all four kinds of data", _power, _power_want(), kind="closed form",
          source="Ibrahim & Chen 2000 (doi 10.1214/ss/1009212673): beta, gamma and normal conjugacy", inputs="a0 = 0.3", tolerance=1e-10),
    *(_case(f"normalised-power-{name}", "Normalised power prior without conjugacy", partial(_normalised, name),
            expected(FROZEN)["npp"][name], kind="second implementation", source=f"{BASE_R}; integrate()",
            inputs="history 40 of 100, current apart; a0 uniform",
            tolerance=1e-6, frozen=True) for name in ("binary", "rate")),
    _case("normalised-power-pinned", "Normalised power prior with a0 pinned is the power prior", _normalised_pinned,
          _normalised_pinned_want(), kind="limit case", source="power prior, pooling",
          inputs="a0 ~ Beta around 0.5 and near 1", tolerance=1e-6),
    *(_case(f"commensurate-{name}", "Commensurate prior by even sums", partial(_commensurate, name), expected(FROZEN)["commensurate"][name],
            kind="second implementation", source=BASE_R, inputs="history 40 of 100, current apart; tau ~ half-normal(0.5)", tolerance=1e-4,
            frozen=True) for name in ("binary", "rate")),
    _case("commensurate-limit", "Commensurate prior without tau is pooling", _commensurate_limit, _commensurate_limit_want(),
          kind="limit case", source="pooled conjugate posteriors", inputs="tau ~ half-normal(1e-6)", tolerance=1e-6),
    _case("sam", "Weights and posterior of the self-adapting mixture", _sam, _sam_want(), kind="closed form",
          source="Yang et al. 2023 (doi 10.1111/biom.13927): w = R / (1 + R)", inputs="Beta(40, 60), 60 new patients; a rate",
          tolerance=1e-10),
    _case("piecewise-apart", "Piecewise hazards with their own taus are separate rates", _pieces, _pieces_want(), kind="limit case",
          source="predictive priors of rates", inputs="three studies, two pieces", tolerance=1e-6),
    _case("negative-binomial", "Predictive counts of a gamma prior", _negative_binomial,
          {str(d): math.comb(d + 2, d) * (1 / 3) ** 3 * (2 / 3) ** d for d in range(6)}, kind="closed form",
          source="negative binomial distribution", inputs="Gamma(3, 2), 4 years", tolerance=1e-12),
    _case("dfs-to-efs", "DFS times the share in remission", _remission, _remission_want(), kind="closed form",
          source="moments of a product of independent factors", inputs="DFS of 30, 277 of 297 in remission", tolerance=2e-4),
)  # fmt: skip
