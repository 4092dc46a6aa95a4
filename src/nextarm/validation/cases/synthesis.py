"""Cases of the synthesis room: pooling, heterogeneity, meta-regression, permutation, Bayesian pooling, sensitivity.

Frozen numbers come from metafor with its stopping rules tightened (``references/synthesis_metafor.R``); effect sizes
and variances of its data sets are kept as numbers, not the data sets themselves.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from nextarm.synthesis import (
    StudyCurve,
    StudyEstimate,
    TauPrior,
    baujat,
    cumulative,
    half_normal,
    influence,
    leave_one_out,
    meta_regression,
    pool,
    pool_bayes,
    pool_many,
    pool_several_times,
    pooled_curve,
    profile_likelihood,
    uniform,
)
from nextarm.synthesis.tau import METHODS, Model
from nextarm.validation.case import Case, Kind, data_file, expected
from nextarm.validation.cases import synthesis_counts, synthesis_coverage, synthesis_frailty, synthesis_joined, synthesis_patients

FROZEN = "synthesis_metafor"
METAFOR = "metafor 3.8-1 (R 4.2.2), threshold 1e-14"
S1 = "metafor 3.8-1 (R 4.2.2), threshold 1e-12, printed in the project's reference list"
INTERVALS = ("wald", "hartung-knapp", "ad-hoc")
PLAIN: Mapping[str, Any] = {"measure": "identity", "probability": False}


def studies_of(y: list[float], v: list[float], **columns: list[float]) -> tuple[StudyEstimate, ...]:
    """Studies from effect sizes and variances; ``columns`` become moderators."""
    return tuple(
        StudyEstimate(label=f"study {i + 1}", estimate=a, se=b**0.5, moderators={name: c[i] for name, c in columns.items()})
        for i, (a, b) in enumerate(zip(y, v, strict=True))
    )


@cache
def ten_trials() -> tuple[StudyEstimate, ...]:
    """Ten survival proportions, made up for a check: never evidence."""
    rows = csv.DictReader(io.StringIO(data_file("synthesis_ten_made_up_trials.csv")))
    return tuple(StudyEstimate(label=r["study"], estimate=float(r["S"]), se=float(r["se"]), year=float(r["year"])) for r in rows)


def _pooled(name: str, method: str) -> dict[str, float]:
    data = expected(FROZEN)["pools"][name]
    studies = studies_of(data["yi"], data["vi"])
    got: dict[str, float] = {}
    for interval in INTERVALS:
        p = pool(studies, method=method, interval=interval, prediction="normal" if interval == "wald" else "t(k-1)", **PLAIN)
        later = pool(studies, method=method, interval=interval, **PLAIN)
        assert p.mu_prediction is not None
        assert later.mu_prediction is not None
        got |= {f"{interval} estimate": p.mu, f"{interval} se": p.mu_se, f"{interval} low": p.mu_ci.low, f"{interval} high": p.mu_ci.high}
        got |= {f"{interval} prediction low": p.mu_prediction.low, f"{interval} prediction high": p.mu_prediction.high}
        got |= {f"{interval} t(k-2) low": later.mu_prediction.low, f"{interval} t(k-2) high": later.mu_prediction.high}
    assert p.tau2 is not None
    assert p.q is not None
    assert p.q_p is not None
    assert p.i2 is not None
    assert p.h2 is not None
    assert p.tau2_ci is not None
    got |= {
        "tau2": p.tau2,
        "q": p.q,
        "q_p": p.q_p,
        "i2": p.i2,
        "h2": p.h2,
        "q-profile low": p.tau2_ci.low,
        "q-profile high": p.tau2_ci.high,
    }
    if method in ("reml", "ml"):
        low, high = profile_likelihood(Model(np.array(data["yi"]), np.array(data["vi"])), restricted=method == "reml")
        got |= {"profile low": low, "profile high": high}
    return got


def _pooled_expected(name: str, method: str) -> dict[str, float]:
    fit = expected(FROZEN)["pools"][name]["fits"][method]
    want: dict[str, float] = {k: fit[k] for k in ("tau2", "q", "q_p", "i2", "h2")}
    want |= {"q-profile low": fit["tau2_q_profile"][0], "q-profile high": fit["tau2_q_profile"][1]}
    if "tau2_profile_likelihood" in fit:
        want |= {"profile low": fit["tau2_profile_likelihood"][0], "profile high": fit["tau2_profile_likelihood"][1]}
    for interval in INTERVALS:
        one = fit[interval]
        want |= {f"{interval} {k}": one[k] for k in ("estimate", "se", "low", "high")}
        want |= {f"{interval} prediction low": one["prediction"][0], f"{interval} prediction high": one["prediction"][1]}
        want |= {f"{interval} t(k-2) low": one["prediction_k2"][0], f"{interval} t(k-2) high": one["prediction_k2"][1]}
    return want


def _regressed(name: str) -> dict[str, float]:
    frozen = expected(FROZEN)["regressions"][name]
    data = expected(FROZEN)["pools"][frozen["set"]]
    rows = [row if isinstance(row, list) else [row] for row in frozen["mods"]]
    names = tuple(f"m{j}" for j in range(len(rows[0])))
    studies = studies_of(data["yi"], data["vi"], **{n: [row[j] for row in rows] for j, n in enumerate(names)})
    options = {"moderators": names, "centres": dict.fromkeys(names, 0.0), "permutations": 0, **PLAIN}
    plain, ad_hoc = (meta_regression(studies, interval=i, **options) for i in ("hartung-knapp", "ad-hoc"))
    got = {"tau2": plain.tau2, "qe": plain.qe, "qe_p": plain.qe_p, "i2": plain.i2, "r2": plain.r2 or 0.0}
    for c, other in zip(plain.coefficients, ad_hoc.coefficients, strict=True):
        got |= {f"{c.name} estimate": c.estimate, f"{c.name} se": c.se, f"{c.name} low": c.ci.low, f"{c.name} high": c.ci.high}
        got |= {f"{c.name} p": c.p if c.p is not None else float("nan"), f"{c.name} ad hoc se": other.se}
    if plain.tau2_ci is not None:
        got |= {"q-profile low": plain.tau2_ci.low, "q-profile high": plain.tau2_ci.high}
    return got


def _regressed_expected(name: str) -> dict[str, float]:
    frozen = expected(FROZEN)["regressions"][name]
    want: dict[str, float] = {k: frozen[k] for k in ("tau2", "qe", "qe_p", "i2")} | {"r2": frozen["r2"] or 0.0}
    want |= {"q-profile low": frozen["tau2_q_profile"][0], "q-profile high": frozen["tau2_q_profile"][1]}
    for j in range(len(frozen["estimate"])):
        label = f"m{j - 1}" if j else "intercept"
        want |= {f"{label} {k}": frozen[k][j] for k in ("estimate", "se", "low", "high", "p")}
        want[f"{label} ad hoc se"] = frozen["se_ad_hoc"][j]
    return want


def _permuted(name: str) -> dict[str, float]:
    frozen = expected(FROZEN)["permutations"][name]
    data = frozen if "yi" in frozen else expected(FROZEN)["pools"][name]
    studies = studies_of(data["yi"], data["vi"], x=frozen["moderator"])
    c = meta_regression(studies, moderators=("x",), interval="hartung-knapp", **PLAIN).coefficient("x")
    return {"t": c.t or float("nan"), "p": c.permutation_p or float("nan")}


def _bcg() -> tuple[StudyEstimate, ...]:
    data, years = expected(FROZEN)["pools"]["bcg"], expected(FROZEN)["sensitivity"]["year"]
    return tuple(
        StudyEstimate(label=f"study {i + 1}", estimate=y, se=v**0.5, year=year)
        for i, (y, v, year) in enumerate(zip(data["yi"], data["vi"], years, strict=True))
    )


def _listed(**lists: list[float]) -> dict[str, float]:
    return {f"{name} {i + 1}": float(value) for name, values in lists.items() for i, value in enumerate(values)}


def _leave_one_out() -> dict[str, float]:
    pools = [n.pooled for n in leave_one_out(_bcg(), interval="wald", **PLAIN) if n.pooled]
    return _listed(estimate=[p.mu for p in pools], se=[p.mu_se for p in pools], tau2=[p.tau2 or 0.0 for p in pools])


def _cumulative() -> dict[str, float]:
    pools = [n.pooled for n in cumulative(_bcg(), interval="wald", **PLAIN) if n.pooled]
    return _listed(estimate=[p.mu for p in pools], se=[p.mu_se for p in pools])


def _influence() -> dict[str, float]:
    found = influence(_bcg(), measure="identity", probability=False)
    return _listed(
        rstudent=[i.rstudent for i in found],
        dffits=[i.dffits for i in found],
        cook=[i.cook for i in found],
        cov_ratio=[i.cov_ratio for i in found],
        hat=[i.hat for i in found],
    )


def _baujat() -> dict[str, float]:
    found = baujat(_bcg(), measure="identity", probability=False)
    return _listed(heterogeneity=[p.heterogeneity for p in found], influence=[p.influence for p in found])


def _sensitivity_expected(part: str, **keys: str) -> dict[str, float]:
    frozen = expected(FROZEN)["sensitivity"][part]
    return _listed(**{ours: frozen[theirs] for ours, theirs in keys.items()})


def _s1(measure: str, method: str) -> dict[str, float]:
    plain = pool(ten_trials(), measure=measure, method=method, interval="hartung-knapp", prediction="t(k-1)")
    ad_hoc = pool(ten_trials(), measure=measure, method=method)
    assert plain.tau2 is not None
    assert plain.tau2_ci is not None
    assert plain.mu_prediction is not None
    assert ad_hoc.mu_prediction is not None
    assert plain.i2 is not None
    assert plain.q is not None
    return {
        "tau2": plain.tau2,
        "estimate": plain.mu,
        "se": plain.mu_se,
        "low": plain.mu_ci.low,
        "high": plain.mu_ci.high,
        "prediction low": plain.mu_prediction.low,
        "prediction high": plain.mu_prediction.high,
        "i2": plain.i2,
        "q": plain.q,
        "q-profile low": plain.tau2_ci.low,
        "q-profile high": plain.tau2_ci.high,
        "t(k-2) low": ad_hoc.mu_prediction.low,
        "t(k-2) high": ad_hoc.mu_prediction.high,
        "ad hoc se": ad_hoc.mu_se,
        "ad hoc low": ad_hoc.mu_ci.low,
        "ad hoc high": ad_hoc.mu_ci.high,
    }


@cache
def cabibbo() -> tuple[StudyCurve, ...]:
    """Survival of untreated hepatocellular carcinoma in 27 studies (time unit as in the file)."""
    rows = list(csv.DictReader(io.StringIO(data_file("msurv_cabibbo.csv"))))
    found = []
    for name in dict.fromkeys(r["Study"] for r in rows):
        own = sorted((float(r["Time"]), float(r["Survival"]), float(r["NbRisk"])) for r in rows if r["Study"] == name)
        times, survival, at_risk = (np.array(column) for column in zip(*own, strict=True))
        found.append(StudyCurve(label=f"study {name}", times=times, survival=survival, at_risk=at_risk))
    return tuple(found)


def _curve() -> dict[str, float]:
    p = pooled_curve(cabibbo())
    at = {t: j for j, t in enumerate(p.times.tolist())}
    got = {f"S({t})": float(p.survival[at[t]]) for t in S2}
    got |= {f"fixed S({t})": float(p.fixed_survival[at[t]]) for t in S2_FIXED}
    got |= {f"low {t}": float(p.low[at[t]]) for t in S2_LIMITS} | {f"high {t}": float(p.high[at[t]]) for t in S2_LIMITS}
    return got | {"q": p.q, "median": p.median or float("nan")}


TIMES = "synthesis_several_times"


def glioma(arm: str) -> tuple[StudyEstimate, ...]:
    """Survival of one arm of 17 glioma trials at 6 to 24 months (binomial: no censoring in the counts)."""
    data = expected(TIMES)[arm]
    columns = zip(data["study"], data["time"], data["survival"], data["n"], strict=True)
    return tuple(StudyEstimate(label=f"study {i}", time=float(t), estimate=s, n=n) for i, t, s, n in columns)


def _several(arm: str, structure: str, method: str) -> dict[str, float]:
    r = pool_several_times(glioma(arm), structure=structure, method=method)
    got = {"tau2": r.tau2, "rho": r.rho, "log-likelihood": r.log_likelihood}
    se = np.sqrt(np.diag(r.covariance)).tolist()
    return got | _listed(estimate=r.means.tolist(), se=se)


def _several_expected(arm: str, structure: str, method: str) -> dict[str, float]:
    fit = expected(TIMES)[arm]["fits"][f"{structure}_{method}"]
    want = {"tau2": fit["tau2"], "rho": fit["rho"], "log-likelihood": fit["log_likelihood"]}
    return want | _listed(estimate=fit["estimate"], se=fit["se"])


def _several_cases() -> tuple[Case, ...]:
    return tuple(
        _case(
            f"several-times-{arm}-{structure}-{method}",
            f"survival at four times, {arm} arm, {structure} structure, {method}",
            partial(_several, arm, structure, method),
            _several_expected(arm, structure, method),
            1e-6,
            source="metafor 3.8-1 rma.mv (R 4.2.2)",
            inputs="metadat dat.fine1993, 17 trials, flat tails dropped",
            reference=TIMES,
        )
        for arm in ("experimental", "control")
        for structure in ("cs", "car")
        for method in ("reml", "ml")
    )


S2 = {1: 0.93524921, 2: 0.82628083, 3: 0.70123428, 4: 0.61766270, 5: 0.53060766, 6: 0.44916320, 18: 0.14534074, 48: 0.03516081}
S2_FIXED = {1: 0.94497450, 6: 0.52144090, 48: 0.06295069}
S2_LIMITS = {1: (0.90753843, 0.96380610), 6: (0.37511275, 0.53783184), 48: (0.01850465, 0.06680927)}
S2_WANT = (
    {f"S({t})": s for t, s in S2.items()}
    | {f"fixed S({t})": s for t, s in S2_FIXED.items()}
    | {f"low {t}": low for t, (low, _) in S2_LIMITS.items()}
    | {f"high {t}": high for t, (_, high) in S2_LIMITS.items()}
    | {"q": 731.217128, "median": 5.375810}
)

S1_LOGIT = {
    "tau2": 0.031084524568, "estimate": -0.3595842619, "se": 0.0789091110, "low": -0.5380890727, "high": -0.1810794512,
    "prediction low": -0.7965448043, "prediction high": 0.0773762804, "i2": 0.5671359, "q": 20.0140753920,
    "ad hoc se": 0.0789091110, "ad hoc low": -0.5380890727, "ad hoc high": -0.1810794512,
}  # fmt: skip
S1_CLOGLOG = {
    "tau2": 0.015829845718, "estimate": -0.1106148858, "se": 0.0527149412, "low": -0.2298643675, "high": 0.0086345959,
    "prediction low": -0.4192042237, "prediction high": 0.1979744522, "i2": 0.6008684, "q": 21.8961025578,
    "ad hoc se": 0.0540416471, "ad hoc low": -0.2328655847, "ad hoc high": 0.0116358132,
}  # fmt: skip


def _s1_regression() -> dict[str, float]:
    fit = meta_regression(ten_trials(), measure="logit", interval="hartung-knapp", centres={"year": 2000.0}, permutations=0)
    at_mean = meta_regression(ten_trials(), measure="logit", interval="hartung-knapp", permutations=0)
    slope = fit.coefficient("year")
    return {
        "tau2": fit.tau2,
        "intercept 2000": fit.coefficients[0].estimate,
        "intercept mean": at_mean.coefficients[0].estimate,
        "slope": slope.estimate,
        "se": slope.se,
        "low": slope.ci.low,
        "high": slope.ci.high,
        "p": slope.p or float("nan"),
    }


def _bayes(
    studies: tuple[StudyEstimate, ...], measure: str, prior: TauPrior, mean_prior: tuple[float, float] | None, probability: bool
) -> dict[str, float]:
    b = pool_bayes(studies, measure=measure, prior=prior, mean_prior=mean_prior, probability=probability)
    assert b.tau_mean is not None
    assert b.mu_mean is not None
    got = {"mu median": b.mu_median, "mu low": b.mu_ci.low, "mu high": b.mu_ci.high, "mu mean": b.mu_mean}
    got |= {"tau median": b.tau_median, "tau mean": b.tau_mean, "new low": b.theta_new_ci.low, "new high": b.theta_new_ci.high}
    for name, value in (("mu sd", b.mu_sd), ("tau sd", b.tau_sd), ("new sd", b.theta_new_sd)):
        if value is not None:
            got[name] = value
    return got


_AS = ((107, 23), (44, 12), (51, 19), (39, 9), (139, 39), (20, 6), (78, 9), (35, 10))
_SCHOOLS = ((28.0, 15.0), (8.0, 10.0), (-3.0, 16.0), (7.0, 11.0), (-1.0, 9.0), (1.0, 11.0), (18.0, 10.0), (12.0, 18.0))
AS = tuple(StudyEstimate(label=f"AS {i + 1}", estimate=r / n, n=n) for i, (n, r) in enumerate(_AS))
SCHOOLS = tuple(StudyEstimate(label=f"school {i + 1}", estimate=y, se=s) for i, (y, s) in enumerate(_SCHOOLS))


def _two_equal() -> dict[str, float]:
    """Two studies of equal variance 0.04 at 0 and 1: everything has a closed form."""
    p = pool(studies_of([0.0, 1.0], [0.04, 0.04]), interval="hartung-knapp", **PLAIN)
    assert p.tau2 is not None
    assert p.q is not None
    return {"estimate": p.mu, "tau2": p.tau2, "q": p.q, "se": p.mu_se, "high": p.mu_ci.high}


def _equal_variances() -> dict[str, float]:
    """Six studies of one variance: REML, Paule-Mandel, DerSimonian-Laird and Hedges all give s^2 - v."""
    y = [0.1, 0.4, 0.2, 0.9, 0.7, 0.3]
    got: dict[str, float] = {}
    for method in ("reml", "pm", "dl", "he"):
        p = pool(studies_of(y, [0.02] * 6), method=method, interval="hartung-knapp", **PLAIN)
        got |= {f"{method} tau2": p.tau2 or 0.0, f"{method} se": p.mu_se}
    return got


def _many_against_one() -> dict[str, float]:
    """The largest difference of the vectorised fits from the plain ones over 40 drawn data sets and all estimators."""
    stream = np.random.default_rng(20)
    v = stream.gamma(2.0, 0.02, (40, 7)) + 0.005
    y = stream.normal(0.0, 1.0, (40, 7)) * np.sqrt(v + stream.choice([0.0, 0.05, 0.3], (40, 1)))
    worst = 0.0
    for method in METHODS:
        many = pool_many(y, v, method=method)
        for i in range(40):
            one = pool(studies_of(y[i].tolist(), v[i].tolist()), method=method, **PLAIN)
            worst = max(worst, abs(many.mu[i] - one.mu), abs(many.se[i] - one.mu_se), abs(many.tau2[i] - (one.tau2 or 0.0)))
    return {"largest difference": worst}


def _case(
    id: str,
    title: str,
    compute: Callable[[], Mapping[str, float]],
    want: Mapping[str, float],
    tolerance: float | Mapping[str, float],
    *,
    source: str = METAFOR,
    inputs: str,
    kind: Kind = "other program",
    reference: str = "",
) -> Case:
    return Case(
        id=f"synthesis/{id}",
        title=title,
        room="synthesis",
        kind=kind,
        source=source,
        inputs=inputs,
        compute=compute,
        expected=want,
        tolerance=tolerance,
        reference=reference,
    )


def _frozen_cases() -> tuple[Case, ...]:
    frozen = expected(FROZEN)
    found = []
    for name in frozen["pools"]:
        k = len(frozen["pools"][name]["yi"])
        found += [
            _case(
                f"pool-{name}-{method}",
                f"{method} pool of {name}, three intervals",
                partial(_pooled, name, method),
                _pooled_expected(name, method),
                1e-8,
                inputs=f"metadat dat.{name}, {k} studies",
                reference=FROZEN,
            )
            for method in METHODS
        ]
    for name, fit in frozen["regressions"].items():
        found.append(
            _case(
                f"regression-{name}",
                f"meta-regression {name.replace('_', ' on ', 1)}, REML, Hartung-Knapp",
                partial(_regressed, name),
                _regressed_expected(name),
                1e-8,
                inputs=f"metadat dat.{fit['set']}",
                reference=FROZEN,
            )
        )
    for name, fit in frozen["permutations"].items():
        found.append(
            _case(
                f"permutation-{name}",
                f"exact permutation p of a slope, {name}, all orderings",
                partial(_permuted, name),
                {"t": fit["t"], "p": fit["p"]},
                1e-8,
                inputs=f"metadat, first {len(fit['moderator'])} studies of {name}",
                reference=FROZEN,
            )
        )
    bcg = "metadat dat.bcg, log risk ratios, by year"
    found += [
        _case("leave-one-out-bcg", "REML without each trial", _leave_one_out,
              _sensitivity_expected("leave_one_out", estimate="estimate", se="se", tau2="tau2"), 1e-8, inputs=bcg, reference=FROZEN),
        _case("cumulative-bcg", "REML, cumulative by year", _cumulative,
              _sensitivity_expected("cumulative", estimate="estimate", se="se"), 1e-8, inputs=bcg, reference=FROZEN),
        _case("influence-bcg", "deletion diagnostics", _influence,
              _sensitivity_expected("influence", rstudent="rstudent", dffits="dffits", cook="cook.d", cov_ratio="cov.r", hat="hat"),
              1e-8, inputs=bcg, reference=FROZEN),
        _case("baujat-bcg", "coordinates of a Baujat plot", _baujat,
              _sensitivity_expected("baujat", heterogeneity="x", influence="y"), 1e-8, inputs=bcg, reference=FROZEN),
    ]  # fmt: skip
    return tuple(found)


_MADE_UP = "ten survival proportions made up for a check, never evidence"
_T1 = 12.706204736174698  # t(1), 97.5 %: tan(0.475 pi)
_SIX_VARIANCE = 0.284 / 3.0  # of 0.1 0.4 0.2 0.9 0.7 0.3

CASES: tuple[Case, ...] = (
    *_frozen_cases(),
    *_several_cases(),
    *synthesis_counts.CASES,
    *synthesis_coverage.CASES,
    *synthesis_frailty.CASES,
    *synthesis_joined.CASES,
    *synthesis_patients.CASES,
    _case("s1-logit", "S1 on the logit scale, REML", partial(_s1, "logit", "reml"),
          S1_LOGIT | {"q-profile low": 0.0010898, "q-profile high": 0.190392, "t(k-2) low": -0.8050, "t(k-2) high": 0.0858},
          dict.fromkeys(S1_LOGIT, 1e-7) | {"q-profile low": 1e-7, "q-profile high": 1e-6, "t(k-2) low": 5e-5, "t(k-2) high": 5e-5},
          source=S1, inputs=_MADE_UP),
    _case("s1-cloglog", "S1 on the complementary log-log scale, REML", partial(_s1, "cloglog", "reml"), S1_CLOGLOG, 1e-7,
          source=S1, inputs=_MADE_UP),
    _case("s1-logit-dl", "S1 on the logit scale, DerSimonian-Laird", partial(_s1, "logit", "dl"),
          {"tau2": 0.029034487917, "estimate": -0.3577296926}, 1e-9, source=S1, inputs=_MADE_UP),
    _case("s1-logit-pm", "S1 on the logit scale, Paule-Mandel", partial(_s1, "logit", "pm"), {"tau2": 0.031296}, 5e-7,
          source=S1, inputs=_MADE_UP),
    _case("s1-year", "S1 meta-regression on year, a decade", _s1_regression,
          {"tau2": 0.021263994369, "intercept 2000": -0.3584698679, "intercept mean": -0.3769675, "slope": 0.1321260248,
           "se": 0.0796727547, "low": -0.0516, "high": 0.3159, "p": 0.1358},
          {"tau2": 1e-8, "intercept 2000": 1e-8, "intercept mean": 1e-7, "slope": 1e-8, "se": 1e-8, "low": 5e-5, "high": 5e-5, "p": 5e-5},
          source=S1, inputs=_MADE_UP),
    _case("s1-bayes", "S1 on the logit scale, tau ~ half-normal(0.5), flat mean",
          partial(_bayes, ten_trials(), "logit", half_normal(0.5), None, True),
          {"mu median": -0.3520, "mu low": -0.5576, "mu high": -0.1880, "tau mean": 0.2013, "new low": -0.878, "new high": 0.121},
          {"mu median": 5e-5, "mu low": 5e-5, "mu high": 6e-5, "tau mean": 5e-5, "new low": 5e-4, "new high": 5e-4},
          source="quadrature and MCMC runs printed in the project's reference list", inputs=_MADE_UP),
    _case("bayes-as", "ankylosing spondylitis controls, logit, mu ~ N(0, 2), tau ~ half-normal(1)",
          partial(_bayes, AS, "logit", half_normal(1.0), (0.0, 2.0), True),
          {"tau median": 0.3111929, "tau mean": 0.3381136, "tau sd": 0.2105358, "mu mean": -1.0750280, "mu sd": 0.1791477,
           "new sd": 0.4370869}, 5e-4, source="bayesmeta, printed in the project's reference list", inputs="eight historical controls"),
    _case("bayes-schools", "eight schools, uniform tau, flat mean", partial(_bayes, SCHOOLS, "identity", uniform(), None, False),
          {"tau median": 5.238515, "tau mean": 6.575483, "mu mean": 7.932050, "mu sd": 5.175214, "new sd": 10.083904},
          {"tau median": 1e-5, "tau mean": 1e-5, "mu mean": 2e-3, "mu sd": 5e-3, "new sd": 2e-2},
          source="bayesmeta (quantities of the mean on its own grid), printed in the project's reference list", inputs="eight schools"),
    _case("two-equal", "two studies of equal variance", _two_equal,
          {"estimate": 0.5, "tau2": 0.46, "q": 12.5, "se": 0.5, "high": 0.5 + 0.5 * _T1}, 1e-10, kind="closed form",
          source="tau2 = (y1 - y2)^2 / 2 - v; se = |y1 - y2| / 2", inputs="y = 0, 1; v = 0.04"),
    _case("equal-variances", "four estimators agree at equal variances", _equal_variances,
          {f"{m} tau2": _SIX_VARIANCE - 0.02 for m in ("reml", "pm", "dl", "he")}
          | {f"{m} se": (_SIX_VARIANCE / 6) ** 0.5 for m in ("reml", "pm", "dl", "he")}, 1e-10, kind="closed form",
          source="tau2 = s^2 - v; se = s / sqrt(k)", inputs="six numbers, v = 0.02"),
    _case("s2-curve", "S2 pooled survival curve with limits (Combescure)", _curve, S2_WANT,
          {n: 5e-6 if n.startswith(("low", "high")) else 1e-6 if n in ("q", "median") else 5e-8 for n in S2_WANT},
          source="metaSurvival 0.1.0, output printed in its README (its limits use 1.96); doi 10.1002/sim.6111",
          inputs="27 studies of untreated hepatocellular carcinoma, 20 times", kind="published"),
    _case("many-against-one", "vectorised fits against plain ones", _many_against_one, {"largest difference": 0.0}, 1e-11,
          kind="second implementation", source="the plain estimators of this room", inputs="40 drawn data sets of seven studies"),
)  # fmt: skip
