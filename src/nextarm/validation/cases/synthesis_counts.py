"""Cases of pooling counts by their exact likelihood: proportions against R's optimisers, closed forms, edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from nextarm.synthesis.estimates import StudyEstimate
from nextarm.synthesis.proportions import MODELS, clopper_pearson, pool_proportions
from nextarm.validation.case import Case, Kind, expected

FROZEN = "synthesis_proportions"
R = "R 4.2.2: optim, optimHess, uniroot; effect integrated by a fixed trapezoid of 6,001 points"


def counted(x: list[int], n: list[int]) -> tuple[StudyEstimate, ...]:
    """Studies that report events of patients."""
    return tuple(StudyEstimate(label=f"study {i + 1}", estimate=a / b, events=a, n=b) for i, (a, b) in enumerate(zip(x, n, strict=True)))


def _fitted(name: str, model: str) -> dict[str, float]:
    data = expected(FROZEN)["sets"][name]
    p = pool_proportions(counted(data["x"], data["n"]), model=model)
    assert p.mu is not None
    assert p.mu_se is not None
    heterogeneity = math.sqrt(p.tau2) if p.tau2 is not None else p.rho or 0.0
    limits = {"low": math.log(p.ci.low / (1 - p.ci.low)), "high": math.log(p.ci.high / (1 - p.ci.high))}
    return {"mu": p.mu, "se": p.mu_se, "heterogeneity": heterogeneity, "log-likelihood": p.log_likelihood, **limits}


def _fitted_expected(name: str, model: str) -> dict[str, float]:
    fit = expected(FROZEN)["sets"][name]["normal" if model == "binomial-normal" else "beta"]
    second = math.exp(fit["second"]) if model == "binomial-normal" else 1.0 / (1.0 + math.exp(fit["second"]))
    want = {"mu": fit["mu"], "se": fit["se"], "heterogeneity": second, "log-likelihood": fit["log_likelihood"]}
    return want | {"low": fit["low"], "high": fit["high"]}


def _none() -> dict[str, float]:
    p = pool_proportions(counted([0, 0, 0], [10, 12, 8]))
    return {"estimate": p.estimate, "low": p.ci.low, "high": p.ci.high, "log-likelihood": p.log_likelihood}


def _every() -> dict[str, float]:
    p = pool_proportions(counted([10, 12], [10, 12]), model="beta-binomial")
    return {"estimate": p.estimate, "low": p.ci.low, "high": p.ci.high}


def _alike(model: str) -> dict[str, float]:
    p = pool_proportions(counted([5, 10, 15], [20, 40, 60]), model=model, interval="wald")
    return {"estimate": p.estimate, "se": p.mu_se or 0.0, "heterogeneity": p.tau2 or p.rho or 0.0, "p": p.heterogeneity_p or 0.0}


def _printed() -> dict[str, float]:
    low, high = clopper_pearson(9, 30)
    return {"low": low, "high": high}


def _case(
    id: str,
    title: str,
    compute: Callable[[], Mapping[str, float]],
    want: Mapping[str, float],
    tolerance: float | Mapping[str, float],
    kind: Kind,
    source: str,
    inputs: str,
) -> Case:
    reference = FROZEN if source == R else ""
    return Case(f"synthesis/{id}", title, "synthesis", kind, source, inputs, compute, want, tolerance, reference=reference)


_LOOSE = {"mu": 5e-6, "se": 2e-5, "heterogeneity": 2e-5, "log-likelihood": 1e-9, "low": 1e-5, "high": 1e-5}

CASES: tuple[Case, ...] = (
    *(
        _case(f"{model}-{name}", f"{model} model of {name}, profile limits", partial(_fitted, name, model), _fitted_expected(name, model),
              _LOOSE, "other program", R, f"counts of metadat {name}, {len(expected(FROZEN)['sets'][name]['x'])} studies")
        for name in expected(FROZEN)["sets"]
        for model in MODELS
    ),
    _case("proportions-none", "no events: estimate 0, exact limit", _none,
          {"estimate": 0.0, "low": 0.0, "high": 1.0 - 0.025 ** (1.0 / 30.0), "log-likelihood": 0.0}, 1e-12, "closed form",
          "upper limit 1 - (alpha/2)^(1/n)", "0 of 10, 12, 8"),
    _case("proportions-every", "every patient: estimate 1, exact limit", _every,
          {"estimate": 1.0, "low": 0.025 ** (1.0 / 22.0), "high": 1.0}, 1e-12, "closed form",
          "lower limit (alpha/2)^(1/n)", "10 of 10, 12 of 12"),
    *(
        _case(f"proportions-alike-{model}", f"equal proportions: {model} is the binomial", partial(_alike, model),
              {"estimate": 0.25, "se": 1.0 / math.sqrt(120 * 0.25 * 0.75), "heterogeneity": 0.0, "p": 1.0}, 1e-10, "closed form",
              "binomial maximum likelihood, se of the logit 1 / sqrt(n p (1 - p))", "5 of 20, 10 of 40, 15 of 60")
        for model in MODELS
    ),
    _case("clopper-pearson-9-of-30", "exact limits of 9 of 30", _printed, {"low": 0.14735, "high": 0.49396}, 1e-5, "other program",
          "R 4.2.2 binom.test(9, 30)", "9 of 30"),
)  # fmt: skip
