"""Cases of pooling counts by their exact likelihood: proportions against R's optimisers, closed forms, edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from nextarm.synthesis.competing import CauseCounts, pool_competing
from nextarm.synthesis.estimates import StudyEstimate
from nextarm.synthesis.proportions import MODELS, clopper_pearson, pool_proportions
from nextarm.validation.case import Case, Kind, expected

FROZEN = "synthesis_proportions"
COMPETING = "synthesis_competing"
R = "our likelihood in R 4.2.2: optim, optimHess, uniroot; effect integrated by a fixed trapezoid of 6,001 points"


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


def _competing(name: str) -> dict[str, float]:
    d = expected(COMPETING)["sets"][name]
    columns = zip(d["n"], d["relapse"], d["TRM"], d["any"], strict=True)
    cohorts = [CauseCounts(label=str(i), n=n, events={"relapse": r, "TRM": t}, any_event=a) for i, (n, r, t, a) in enumerate(columns)]
    found = pool_competing(cohorts)
    got = {"log-likelihood": found.log_likelihood, "sum": sum(i.estimate for i in found.incidences)}
    for j, i in enumerate(found.incidences[1:]):
        got |= {f"mu {j}": i.mu or 0.0, f"se {j}": i.mu_se or 0.0, f"size {j}": abs(i.loading or 0.0)}
    return got


def _competing_expected(name: str) -> dict[str, float]:
    fit = expected(COMPETING)["sets"][name]["fit"]
    want = {"log-likelihood": fit["log_likelihood"], "sum": 1.0}
    for j in range(len(fit["mu"])):
        want |= {f"mu {j}": fit["mu"][j], f"se {j}": fit["se"][j], f"size {j}": fit["size"][j]}
    return want


def _two_causes_as_one() -> dict[str, float]:
    """With a single cause the factor model is the binomial-normal one."""
    pairs = [(9, 40), (20, 60), (12, 25), (3, 30)]
    one = pool_competing([CauseCounts(label=str(i), n=n, events={"relapse": x}) for i, (x, n) in enumerate(pairs)], causes=("relapse",))
    plain = pool_proportions(counted([x for x, _ in pairs], [n for _, n in pairs]), interval="wald")
    r = one.incidence("relapse")
    return {
        "estimate": r.estimate - plain.estimate,
        "se": (r.mu_se or 0.0) - (plain.mu_se or 1.0),
        "tau2": (r.loading or 0.0) ** 2 - (plain.tau2 or 1.0),
        "low": r.ci.low - plain.ci.low,
    }


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
              _LOOSE, "second implementation", R, f"counts of metadat {name}, {len(expected(FROZEN)['sets'][name]['x'])} studies")
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
    *(
        Case(f"synthesis/competing-{name}", f"competing events with one factor a cohort, {name.replace('_', ' ')}", "synthesis",
             "second implementation", "our likelihood in R 4.2.2, optim, factor integrated by a fixed trapezoid of 4,001 points",
             "cohorts made up for a check, never evidence", partial(_competing, name), _competing_expected(name),
             {n: 1e-5 if n.startswith(("se", "size")) else 1e-6 for n in _competing_expected(name)}, reference=COMPETING)
        for name in expected(COMPETING)["sets"]
    ),
    _case("competing-one-cause", "one cause: the binomial-normal model", _two_causes_as_one,
          dict.fromkeys(("estimate", "se", "tau2", "low"), 0.0), 1e-6, "limit case", "the binomial-normal model of this room",
          "four made-up cohorts"),
    _case("clopper-pearson-9-of-30", "exact limits of 9 of 30", _printed, {"low": 0.14735, "high": 0.49396}, 1e-5, "other program",
          "R 4.2.2 binom.test(9, 30)", "9 of 30"),
)  # fmt: skip
