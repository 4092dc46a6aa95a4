"""Cases of external comparison with patients: weights, weighted effects, indirect comparisons, against R and a published example.

Frozen numbers come from ``references/borrowing_external.R``: survival (Cox, Kaplan-Meier, RMST, robust variances), base R's glm and MatchIt
(propensity scores); the dual of the balancing weights is maximised there by base R's optim and is ours, so labelled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from nextarm.borrowing import (
    Adjustment,
    Baseline,
    Covariates,
    anchored_comparison,
    balancing_weights,
    compare_patients,
    effective_size,
    match_groups,
    match_to_baseline,
    propensity_scores,
    read_covariates,
)
from nextarm.borrowing.simulated_treatment import predicted_survival
from nextarm.survival import Patients, read_patients
from nextarm.validation.case import Case, Kind, data_file, expected

FROZEN = "borrowing_external"
SURVIVAL = "survival 3.5-3 (R 4.2.2), references/borrowing_external.R"
BASE_R = "base R 4.2.2, references/borrowing_external.R"
ROCHE = "R package MAIC (Roche), vignette MAIC: effective sample size 157.0715 of 500"
NAMES = ("age", "wbc", "cns")
TARGET = (Baseline(covariate="age", mean=5.2, sd=1.9), Baseline(covariate="wbc", mean=4.55, sd=0.48), Baseline(covariate="cns", mean=0.22))
#: The published table of the vignette.
ROCHE_TARGET = (
    Baseline(covariate="age", mean=50.0633333333333, sd=3.23535892601672, n=300),
    Baseline(covariate="male", mean=0.49, n=300),
    Baseline(covariate="smoke", mean=0.193333333333333, n=300),
    Baseline(covariate="ecog0", mean=0.35, n=300),
)
PUBLISHED = (0.85, 0.63, 1.15)


@cache
def _frame(name: str) -> Any:
    import io

    import polars as pl

    return pl.read_csv(io.StringIO(data_file(f"{name}.csv")))


@cache
def group(name: str) -> tuple[Patients, Covariates]:
    """Patients and covariates of one of the shipped sets."""
    frame = _frame(f"external_{name}")
    return read_patients(frame, time_origin="diagnosis"), read_covariates(frame, NAMES)


def _five(weights: np.ndarray[Any, Any]) -> dict[str, float]:
    return {f"w{i + 1}": float(weights[i]) for i in range(5)}


def _weights(name: str) -> dict[str, float]:
    new, old = group("treated")[1], group("control")[1]
    if name in ("mean", "sd"):
        found = match_to_baseline(new, TARGET, standard_deviations=name == "sd")
        assert found.treated is not None
        assert found.treated_size is not None
        return {"ess": found.treated_size, "largest": found.largest_share, **_five(found.treated)}
    if name == "att":
        found = match_groups(new, old)
        assert found.control is not None
        assert found.control_size is not None
        return {"ess": found.control_size, "largest": found.largest_share, **_five(found.control)}
    if name == "ate":
        found = match_groups(new, old, estimand="ate")
        return {"ess_treated": found.treated_size or 0.0, "ess_control": found.control_size or 0.0}
    found = match_to_baseline(read_covariates(_frame("maic_covariates")), ROCHE_TARGET, standard_deviations=True)
    assert found.treated is not None
    return {"ess": found.treated_size or 0.0, **_five(found.treated)}


def _scores() -> dict[str, float]:
    new, old = group("treated")[1], group("control")[1]
    t = np.r_[np.ones(new.n), np.zeros(old.n)]
    e = propensity_scores(np.vstack([new.values, old.values]), t)
    return {f"e{i + 1}": float(e[k]) for i, k in enumerate((0, 1, 2, 70, 71, 72))}


def _compared(adjust: Adjustment | None, *, control: str = "control", tau: float | None = None) -> dict[str, float]:
    """Every number of a comparison at 4 years under the names of the frozen file."""
    new, old = group("treated")[0], group(control)[0]
    found = compare_patients(new, old, milestones=(4.0,), tau=tau, adjust=adjust, cure_model=None)
    ratio, area, point = found.hazard_ratio, found.rmst, found.milestones[0]
    assert ratio is not None
    assert area is not None
    got = {"log_hr": math.log(ratio.estimate), "se": ratio.standard_error or 0.0, "s_treated": point.treated.survival}
    got |= {"s_control": point.control.survival, "rmst": area.estimate, "rmst_se": area.standard_error or 0.0}
    for name, arm in (("treated", point.treated), ("control", point.control)):
        assert arm.cloglog_se is not None
        got[f"se_{name}"] = arm.cloglog_se * abs(arm.survival * math.log(arm.survival))
    if found.weighting is not None:
        got |= {"ess_treated": found.weighting.treated_size or 0.0, "ess_control": found.weighting.control_size or 0.0}
    return got


def _only(names: Mapping[str, float], got: Mapping[str, float]) -> dict[str, float]:
    return {n: got[n] for n in names}


def _comparison(name: str) -> dict[str, float]:
    want = expected(FROZEN)
    new, old = group("treated")[1], group("control")[1]
    if name == "plain":
        return _only(want["compare"]["plain"], _compared(None, tau=5.0))
    if name == "delayed":
        return _only(want["delayed"], _compared(None, control="delayed"))
    if name == "entropy":
        return _only(want["compare"]["entropy"], _compared(Adjustment(treated=new, control=old)))
    if name == "maic":
        return _only(want["compare"]["maic"], _compared(Adjustment(treated=new, baseline=TARGET)))
    made = _compared(Adjustment(treated=new, control=old, method="propensity", estimand=name))
    return _only(want["propensity"][name], made)


def _comparison_want(name: str) -> dict[str, float]:
    frozen = expected(FROZEN)
    row: dict[str, float] = frozen["delayed"] if name == "delayed" else (frozen["compare"] | frozen["propensity"])[name]
    return row


def _anchored(method: str) -> dict[str, float]:
    frame = _frame("external_anchored")
    found = anchored_comparison(read_patients(frame), read_covariates(frame, NAMES), TARGET, published=PUBLISHED, common="C", method=method)
    z = 1.959963984540054
    got = {"log_ac": math.log(found.ac), "se_ac": math.log(found.ci_ac.high / found.ci_ac.low) / (2.0 * z)}
    got |= {"log_ab": math.log(found.ab), "se_ab": found.standard_error}
    if found.weighting is not None:
        got["ess"] = found.weighting.treated_size or 0.0
    return _only(expected(FROZEN)["anchored"][method], got)


def _stc() -> dict[str, float]:
    new, x = group("treated")
    profiles = [[5.2, 4.55, 0.0], [3.0, 4.0, 1.0], [8.0, 5.2, 0.0]]
    return {f"profile{i + 1}": float(predicted_survival(new, x, NAMES, np.array([p]), [4.0])[0]) for i, p in enumerate(profiles)}


def _balance() -> dict[str, float]:
    """How far weighted means stay from their targets, in standard deviations, for every kind of weights that meets them exactly."""
    new, old = group("treated")[1], group("control")[1]
    maic = match_to_baseline(new, TARGET, standard_deviations=True)
    assert maic.treated is not None
    w = maic.treated / maic.treated.sum()
    off = max(abs(float(w @ new.column(b.covariate)) - b.mean) / float(new.column(b.covariate).std()) for b in TARGET)
    second = max(abs(float(w @ (new.column(b.covariate) - b.mean) ** 2) - b.sd**2) / b.sd**2 for b in TARGET if b.sd is not None)
    both = match_groups(new, old, estimand="ate")
    return {"means": off, "standard deviations": second, "entropy, ate": max(abs(b.smd_after) for b in both.balance)}


def _two_points() -> dict[str, float]:
    """With one 0/1 covariate the weights are ratios of shares: target share over own share."""
    w = balancing_weights(np.array([[0.0]] * 30 + [[1.0]] * 10), np.array([0.6]))
    return {"w at 0": float(w[0]) * 40.0, "w at 1": float(w[-1]) * 40.0, "ess": effective_size(w)}


def _same() -> dict[str, float]:
    """Entropy balancing of the treated to the control's means is MAIC to a table of those means."""
    new, old = group("treated")[1], group("control")[1]
    rows = [Baseline(covariate=n, mean=float(old.column(n).mean())) for n in NAMES]
    a, b = match_groups(new, old, estimand="atc").treated, match_to_baseline(new, rows).treated
    assert a is not None
    assert b is not None
    return {"largest difference of weights": float(np.abs(a - b).max())}


def _case(
    id: str, title: str, compute: Callable[[], Mapping[str, float]], want: Mapping[str, float], *, kind: Kind, source: str,
    tolerance: float, inputs: str, frozen: bool = True,
) -> Case:  # fmt: skip
    return Case(
        id=f"borrowing/{id}", title=title, room="borrowing", kind=kind, source=source, inputs=inputs, compute=compute, expected=want,
        tolerance=tolerance, reference=f"{FROZEN}.json" if frozen else "",
    )  # fmt: skip


SETS = "70 made-up treated and 110 made-up control patients, 3 covariates"
_WANT = expected(FROZEN)

CASES: tuple[Case, ...] = (
    _case("maic-published-size", "Effective sample size of MAIC weights", lambda: {"ess": _weights("roche")["ess"]},
          {"ess": 157.0715}, kind="published", source=ROCHE, tolerance=1e-3, inputs="500 patients, 4 covariates of the package",
          frozen=False),
    *(_case(f"weights-{name}", title, partial(_weights, name), _WANT["weights"][name], kind="second implementation", source=BASE_R,
            tolerance=1e-8, inputs=SETS if name != "roche" else "500 patients, 4 covariates")
      for name, title in (("mean", "MAIC weights, means"), ("sd", "MAIC weights, means and standard deviations"),
                          ("att", "Entropy balancing of the control to the treated"), ("ate", "Entropy balancing of both to all"),
                          ("roche", "MAIC weights of a published example"))),
    _case("weights-balance", "Weights solve the balance equations", _balance,
          {"means": 0.0, "standard deviations": 0.0, "entropy, ate": 0.0},
          kind="closed form", source="the equations themselves", tolerance=1e-10, inputs=SETS, frozen=False),
    _case("weights-two-points", "Balancing weights of one 0/1 covariate", _two_points,
          {"w at 0": 0.4 / 0.75, "w at 1": 0.6 / 0.25, "ess": 1.0 / (0.4**2 / 30 + 0.6**2 / 10)}, kind="closed form",
          source="share wanted over share held", tolerance=1e-10, inputs="30 without, 10 with; target 60 %", frozen=False),
    _case("weights-same", "Entropy balancing and MAIC are one", _same, {"largest difference of weights": 0.0}, kind="limit case",
          source="Hainmueller 2012 (doi 10.1093/pan/mpr025): the same dual", tolerance=1e-10, inputs=SETS, frozen=False),
    *(_case(f"propensity-{name}", "Propensity scores by logistic regression", _scores, _WANT["scores"][name], kind="other program",
            source=source, tolerance=1e-9, inputs=SETS)
      for name, source in (("glm", "glm (R 4.2.2), references/borrowing_external.R"),
                           ("matchit", "MatchIt 4.5.1 (R 4.2.2), references/borrowing_external.R"))),
    *(_case(f"weighted-{name}", title, partial(_comparison, name), _comparison_want(name), kind="other program", source=SURVIVAL,
            tolerance=1e-7, inputs=SETS)
      for name, title in (("plain", "External comparison, unadjusted: hazard ratio, S(4), RMST"),
                          ("delayed", "External comparison, control with delayed entry"),
                          ("entropy", "Hazard ratio and S(4) after entropy balancing, robust errors"),
                          ("maic", "Hazard ratio and S(4) after MAIC, robust errors"),
                          ("att", "Propensity weights, treated as target"), ("atc", "Propensity weights, control as target"),
                          ("ate", "Propensity weights, all as target"), ("overlap", "Overlap weights"))),
    *(_case(f"anchored-{name}", title, partial(_anchored, name), _WANT["anchored"][name], kind="other program", source=SURVIVAL,
            tolerance=1e-7, inputs="160 made-up patients of two arms, 3 covariates")
      for name, title in (("unadjusted", "Anchored indirect comparison, unadjusted"), ("maic", "Anchored indirect comparison, MAIC"),
                          ("stc", "Anchored simulated treatment comparison, interactions"))),
    _case("stc-prediction", "S(4) of stated profiles from a Cox model", _stc, _WANT["stc"], kind="other program", source=SURVIVAL,
          tolerance=1e-9, inputs=SETS),
)  # fmt: skip
