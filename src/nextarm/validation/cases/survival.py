"""Cases of the survival room: estimators, rank tests, Cox regression, against R survival and cmprsk and printed numbers.

Frozen numbers come from ``references/survival.R`` on the data sets of ``references/data/make_survival_sets.py``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from nextarm.core.units import FloatArray
from nextarm.survival import (
    Patients,
    aalen_johansen,
    cox,
    fleming_harrington,
    gray_test,
    kaplan_meier,
    log_rank,
    make_patients,
    median_follow_up,
    nelson_aalen,
    one_sample_log_rank,
    reverse_kaplan_meier,
    rmst,
    schoenfeld_test,
)
from nextarm.survival.bands import hall_wellner_value
from nextarm.survival.kaplan_meier import Variance
from nextarm.survival.limits import IntervalKind
from nextarm.survival.normal_box import normal_box
from nextarm.validation.case import Case, Kind, data_file, expected

FROZEN = "survival"
SURVIVAL = "R survival 3.5-3 (R 4.2.2)"
MVTNORM = "R mvtnorm 1.1-3 (R 4.2.2), Miwa and TVPACK"
CMPRSK = "R cmprsk 2.2-11 (R 4.2.2)"
KINDS: tuple[tuple[str, IntervalKind], ...] = (("loglog", "log-log"), ("log", "log"), ("plain", "plain"))
Numbers = dict[str, float]


@cache
def data_set(name: str) -> tuple[Patients, Mapping[str, FloatArray], Mapping[str, Any]]:
    """Patients, covariates and further columns of a shipped data set (made for a check, never evidence)."""
    rows = list(csv.DictReader(io.StringIO(data_file(f"survival_{name}.csv"))))
    columns = {k: [r[k] for r in rows] for k in rows[0]}
    event = np.array(columns["event"], int)
    causes: tuple[str, ...] = ("event",)
    if "cause" in columns:
        causes = tuple(dict.fromkeys(c for c in columns["cause"] if c))
        event = np.array([causes.index(c) + 1 if c else 0 for c in columns["cause"]])
    patients = make_patients(
        np.array(columns["time"], float),
        event,
        arm=columns["arm"],
        arms=tuple(sorted(set(columns["arm"]))),
        causes=causes,
        entry=np.array(columns["entry"], float) if "entry" in columns else None,
        weight=np.array(columns["weight"], float) if "weight" in columns else None,
        stratum=np.array(columns["stratum"], int) if "stratum" in columns else None,
    )
    covariates = {k: np.array(columns[k], float) for k in ("x", "z") if k in columns}
    return patients, covariates, {k: columns[k] for k in ("cluster",) if k in columns}


def flat(values: Mapping[str, Any]) -> Numbers:
    """Name the numbers of nested lists ``name[i][j]``; leave nulls out."""
    made: Numbers = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, list | tuple | np.ndarray):
            for i, part in enumerate(value):
                walk(f"{name}[{i}]", part)
        elif value is not None and not isinstance(value, dict | str) and value == value:
            made[name] = float(value)

    for name, value in values.items():
        walk(name, value)
    return made


def _km(name: str) -> Numbers:
    patients, _, _ = data_set(name)
    want = expected(FROZEN)["sets"][name]["curve"]
    rows = np.array(want["row"]) - 1
    km = kaplan_meier(patients)
    got: dict[str, Any] = {k: getattr(km, k)[rows] for k in ("time", "at_risk", "events", "survival")}
    got["se"] = np.where(km.survival[rows] > 0.0, km.standard_error[rows], np.nan)
    inside = (km.survival[rows] > 0.0) & (km.survival[rows] < 1.0)
    for key, kind in KINDS:
        curve = kaplan_meier(patients, interval=kind)
        got[f"low_{key}"] = np.where(inside, curve.ci_low[rows], np.nan)
        got[f"high_{key}"] = np.where(inside, curve.ci_high[rows], np.nan)
    if want["robust"]:
        greenwood: Variance = "greenwood"
        got["se_greenwood"] = kaplan_meier(patients, variance=greenwood).standard_error[rows]
    return flat(got)


def _nelson_aalen(name: str) -> Numbers:
    rows = np.array(expected(FROZEN)["sets"][name]["curve"]["row"]) - 1
    made = nelson_aalen(data_set(name)[0])
    return flat({"cumhaz": made.cumulative_hazard[rows], "cumhaz_se": made.standard_error[rows]})


def _quantiles(name: str) -> Numbers:
    got: dict[str, Any] = {}
    for key, kind in KINDS:
        km = kaplan_meier(data_set(name)[0], interval=kind)
        made = [km.quantile(p) for p in (0.25, 0.5, 0.75)]
        got |= {
            f"quantile_{key}": [q.time for q in made],
            f"quantile_low_{key}": [q.ci_low for q in made],
            f"quantile_high_{key}": [q.ci_high for q in made],
        }
    return flat(got)


def _rmst(name: str) -> Numbers:
    made = rmst(data_set(name)[0], tau=expected(FROZEN)["sets"][name]["curve"]["tau"])
    return {"rmst": made.rmst, "rmst_se": made.standard_error}


def _follow_up(name: str) -> Numbers:
    patients = data_set(name)[0]
    rows = np.array(expected(FROZEN)["sets"][name]["curve"]["row"]) - 1
    median = median_follow_up(patients)
    got = {"reverse": reverse_kaplan_meier(patients).survival[rows], "follow_up": [median.time, median.ci_low, median.ci_high]}
    return flat(got)


def _incidence(name: str) -> Numbers:
    rows = np.array(expected(FROZEN)["sets"][name]["incidence"]["row"]) - 1
    made = aalen_johansen(data_set(name)[0])
    return flat({"time": made.time[rows], "incidence": made.incidence[rows], "se": made.standard_error[rows]})


def _aalen(name: str) -> Numbers:
    rows = np.array(expected(FROZEN)["sets"][name]["incidence"]["row"]) - 1
    made = aalen_johansen(data_set(name)[0], variance="aalen")
    return flat({"aalen_incidence": made.incidence[rows], "aalen_variance": made.standard_error[rows] ** 2})


def _gray(name: str) -> Numbers:
    patients = data_set(name)[0]
    tests = [gray_test(patients, cause=c) for c in patients.causes]
    weighted = [gray_test(patients, cause=c, rho=1.0).statistic for c in patients.causes]
    return flat({"gray": [t.statistic for t in tests], "gray_p": [t.p_value for t in tests], "gray_rho": weighted})


def _log_rank(name: str) -> Numbers:
    made = log_rank(data_set(name)[0])
    got = {
        "observed": made.observed,
        "expected": made.expected,
        "variance": made.covariance,
        "statistic": made.statistic,
        "p": made.p_value,
    }
    return flat(got)


def _peto(name: str) -> Numbers:
    made = fleming_harrington(data_set(name)[0], p=1.0, q=0.0)
    return {"statistic": made.statistic, "p": made.p_value}


def _unstratified(name: str) -> Numbers:
    return {"statistic": log_rank(data_set(name)[0], stratified=False).statistic}


def _cox(name: str, ties: Any) -> Numbers:
    patients, covariates, others = data_set(name)
    made = cox(patients, covariates=covariates, ties=ties, robust=False)
    robust = cox(patients, covariates=covariates, ties=ties, robust=True)
    got: dict[str, Any] = {
        "coefficient": made.coefficient,
        "covariance": made.covariance,
        "log_likelihood": [made.null_log_likelihood, made.log_likelihood],
        "score": made.score_test,
        "robust": robust.covariance,
    }
    if "cluster" in others:
        got["clustered"] = cox(patients, covariates=covariates, ties=ties, cluster=others["cluster"]).covariance
    return flat(got)


def _zph(name: str, ties: Any) -> Numbers:
    patients, covariates, _ = data_set(name)
    got: dict[str, Any] = {}
    for transform in ("km", "identity", "log", "rank"):
        made = schoenfeld_test(patients, covariates=covariates, ties=ties, transform=transform)
        got[transform] = [*made.statistic, made.global_statistic]
    return flat(got)


@dataclass(frozen=True)
class _Rate:
    """An exponential reference curve."""

    rate: float

    def cumulative_hazard(self, t: Any) -> Any:
        """Rate times t."""
        return self.rate * np.asarray(t)


def _one_sample(name: str) -> Numbers:
    made = one_sample_log_rank(data_set(name)[0], _Rate(expected(FROZEN)["sets"][name]["reference"]["rate"]))
    return {"observed": made.observed, "expected": made.expected, "statistic": made.z**2}


def _box(name: str) -> Numbers:
    box = expected(FROZEN)["boxes"][name]
    R, at = np.array(box["correlation"]), box["at"]
    return {"upper": normal_box(R, -np.inf, at), "both": normal_box(R, -at, at)}


def _case(
    method: str,
    name: str,
    compute: Callable[[], Numbers],
    want: Mapping[str, Any],
    source: str,
    *,
    relative: float = 1e-9,
    inputs: str = "",
) -> Case:
    numbers = flat(want)
    return Case(
        id=f"survival.{method.replace(' ', '-')}.{name}",
        title=f"{method}: {name.replace('_', ' ')}",
        room="survival",
        kind="other program",
        source=source,
        inputs=inputs or f"survival_{name}.csv",
        compute=compute,
        expected=numbers,
        tolerance={k: relative * abs(v) + 1e-13 for k, v in numbers.items()},
        reference=FROZEN,
    )


def _named(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {k: table[k] for k in names if k in table}


def _limits_inside(curve: Mapping[str, Any]) -> dict[str, Any]:
    """What the Kaplan-Meier case compares: R's limits count only where S is inside (0, 1); elsewhere ours are exact."""
    inside = [0.0 < s < 1.0 for s in curve["survival"]]
    made = _named(curve, "time", "at_risk", "events", "survival", "se", "se_greenwood")
    for key, _ in KINDS:
        for side in ("low", "high"):
            made[f"{side}_{key}"] = [v if ok else None for v, ok in zip(curve[f"{side}_{key}"], inside, strict=True)]
    return made


def _cases_of(name: str, found: Mapping[str, Any]) -> list[Case]:
    """Every method R was asked about on one data set."""
    curve = found["curve"]
    made = [
        _case("Kaplan-Meier", name, partial(_km, name), _limits_inside(curve), SURVIVAL),
        _case("Nelson-Aalen", name, partial(_nelson_aalen, name), _named(curve, "cumhaz", "cumhaz_se"), SURVIVAL),
        _case("RMST", name, partial(_rmst, name), _named(curve, "rmst", "rmst_se"), SURVIVAL),
    ]
    quantiles = {k: v for k, v in curve.items() if k.startswith("quantile")}
    if flat(quantiles):
        made.append(_case("quantiles", name, partial(_quantiles, name), quantiles, SURVIVAL))
    if "reverse" in curve:
        made.append(_case("follow-up", name, partial(_follow_up, name), _named(curve, "reverse", "follow_up"), SURVIVAL))
    if "incidence" in found:
        table = found["incidence"]
        made.append(_case("Aalen-Johansen", name, partial(_incidence, name), _named(table, "time", "incidence", "se"), SURVIVAL))
        if "gray" in table:
            want = _named(table, "aalen_incidence", "aalen_variance")
            made.append(_case("cumulative incidence with Aalen variance", name, partial(_aalen, name), want, CMPRSK))
            made.append(_case("Gray test", name, partial(_gray, name), _named(table, "gray", "gray_p", "gray_rho"), CMPRSK))
    if "ranks" in found:
        ranks = found["ranks"]
        made.append(_case("log-rank", name, partial(_log_rank, name), ranks["log_rank"], SURVIVAL))
        if "peto" in ranks:
            made.append(_case("Fleming-Harrington (1, 0)", name, partial(_peto, name), _named(ranks["peto"], "statistic", "p"), SURVIVAL))
        if ranks.get("plain"):
            made.append(_case("log-rank without strata", name, partial(_unstratified, name), ranks["plain"], SURVIVAL))
    for ties, fit in found.get("regression", {}).items():
        made.append(_case(f"Cox {ties}", name, partial(_cox, name, ties), fit, SURVIVAL))
        made.append(_case(f"proportional hazards {ties}", name, partial(_zph, name, ties), fit["zph"], SURVIVAL))
    if "reference" in found:
        want = _named(found["reference"], "observed", "expected", "statistic")
        made.append(_case("one-sample log-rank", name, partial(_one_sample, name), want, SURVIVAL))
    return made


def _published(
    name: str, title: str, compute: Callable[[], Numbers], want: Numbers, tolerance: float, source: str, kind: Kind = "published"
) -> Case:
    return Case(
        id=f"survival.{name}",
        title=title,
        room="survival",
        kind=kind,
        source=source,
        inputs="survival_six_mp.csv" if "six-mp" in name else "in the case",
        compute=compute,
        expected=want,
        tolerance=tolerance,
    )


def _six_mp_curve() -> Numbers:
    km = kaplan_meier(data_set("six_mp")[0], arm="1")
    at = np.searchsorted(km.time, [6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0])
    return flat({"survival": km.survival[at], "se": km.standard_error[at]})


def _no_censoring() -> Numbers:
    """Without censoring the beta-product limits are Clopper and Pearson's."""
    km = kaplan_meier(make_patients(np.arange(1.0, 11.0), np.ones(10, int)), interval="beta-product")
    return flat({"low": km.ci_low[[2, 6]], "high": km.ci_high[[2, 6]]})


def _clopper_pearson() -> Numbers:
    from scipy.stats import binomtest

    limits = [binomtest(k, 10).proportion_ci(0.95, "exact") for k in (7, 3)]
    return flat({"low": [c.low for c in limits], "high": [c.high for c in limits]})


def _survivors() -> Numbers:
    """Of n who all survive, the lower limit is (alpha/2)^(1/n), here at 2 years with 20 at risk."""
    made = kaplan_meier(make_patients([1.0] * 5 + [3.0] * 20, [0] * 25)).at(2.0)
    return {"low": made.ci.low if made.ci else 0.0}


def _kolmogorov() -> Numbers:
    return {str(level): hall_wellner_value(0.0, 1.0, level) for level in (0.9, 0.95, 0.99)}


_BOOK = "Freireich et al. 1963 (doi 10.1182/blood.V21.6.699.699); estimates as printed in Klein and Moeschberger, sect. 4.2 and 7.3"

CASES: tuple[Case, ...] = (
    *(case for name, found in expected(FROZEN)["sets"].items() for case in _cases_of(name, found)),
    *(
        _case("normal box", name, partial(_box, name), _named(box, "upper", "both"), MVTNORM, relative=1e-8, inputs="a correlation matrix")
        for name, box in expected(FROZEN)["boxes"].items()
    ),
    _published(
        "published.six-mp-curve",
        "Kaplan-Meier of the 6-MP arm",
        _six_mp_curve,
        flat(
            {
                "survival": [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448],
                "se": [0.0764, 0.0869, 0.0963, 0.107, 0.114, 0.128, 0.135],
            }
        ),
        6e-4,
        _BOOK,
    ),
    _published(
        "published.six-mp-log-rank",
        "log-rank test of the 6-MP trial",
        lambda: {"statistic": log_rank(data_set("six_mp")[0]).statistic},
        {"statistic": 16.79},
        5e-3,
        _BOOK,
    ),
    _published("closed-form.clopper-pearson", "beta-product limits without censoring", _no_censoring, _clopper_pearson(), 1e-10,
               "Clopper and Pearson 1934 (doi 10.1093/biomet/26.4.404)", "closed form"),
    _published("closed-form.survivors", "lower limit when all survive", _survivors, {"low": 0.025 ** (1 / 20)}, 1e-12,
               "binomial limit (alpha/2)^(1/n)", "closed form"),
    _published("closed-form.kolmogorov", "Hall-Wellner critical values on the whole interval", _kolmogorov,
               {"0.9": 1.2238478702170825, "0.95": 1.3580986393225505, "0.99": 1.6276236115189502}, 1e-9,
               "Kolmogorov's distribution (scipy.special.kolmogi)", "closed form"),
)  # fmt: skip
