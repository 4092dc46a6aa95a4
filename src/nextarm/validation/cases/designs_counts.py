"""Designs of counts, safety and several arms: Simon, exact tests, toxicity bounds, BOIN, rolling six, MAMS, Dunnett."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from scipy.special import ndtri

from nextarm.borrowing import PriorFile, beta_mixture
from nextarm.core.trail import Trail
from nextarm.designs.bayes_success import success_two_arms
from nextarm.designs.boin import boin_table
from nextarm.designs.exact_binomial import exact_binomial
from nextarm.designs.multi_arm_bounds import multi_arm_bounds, multi_arm_size
from nextarm.designs.plan import plan_from_data
from nextarm.designs.predictive_probability import predictive_bounds, predictive_probability
from nextarm.designs.rolling_six import RollingSixAction, rolling_six
from nextarm.designs.simon_search import two_stage_designs
from nextarm.designs.toxicity_boundary import pocock_toxicity_boundary, toxicity_characteristics
from nextarm.designs.two_proportions_bayes import bayes_region
from nextarm.designs.two_proportions_exact import rejection_probability
from nextarm.designs.two_proportions_size import farrington_manning_size
from nextarm.simulation.assurance import assurance
from nextarm.validation.case import Case, Kind, expected

FROZEN = "rpact, mvtnorm and base R, references/designs_counts.R"
_NUMBERS: dict[RollingSixAction, float] = {"stay": 0.0, "escalate": 1.0, "hold": 2.0, "de-escalate": -1.0}
#: p0, p1, then r1, n1, r, n, expected n and probability of stopping early of the optimal and the minimax design.
_SIMON = (
    (0.05, 0.25, (0, 9, 2, 17, 11.958, 0.6302), (0, 12, 2, 16, 13.839, 0.5404)),
    (0.10, 0.30, (1, 10, 5, 29, 15.014, 0.7361), (1, 15, 5, 25, 19.510, 0.5490)),
    (0.20, 0.40, (3, 13, 12, 43, 20.580, 0.7473), (4, 18, 10, 33, 22.255, 0.7164)),
    (0.30, 0.50, (5, 15, 18, 46, 23.630, 0.7216), (6, 19, 16, 39, 25.690, 0.6655)),
)
#: Rate, ever crossing, stopping before the last look, expected patients (the printed low boundary).
_TOXICITY = ((0.20, 0.101, 0.079, 72.0), (0.26, 0.456, 0.354, 62.1), (0.35, 0.935, 0.859, 39.9))
#: Enrolled, evaluable, toxicities, action.
_ROLLING: tuple[tuple[int, int, int, RollingSixAction], ...] = (
    (5, 0, 0, "stay"), (6, 0, 0, "hold"), (5, 2, 0, "stay"), (6, 2, 0, "hold"), (3, 3, 0, "escalate"), (4, 3, 0, "stay"), (6, 3, 0, "hold"),
    (4, 4, 0, "escalate"), (5, 4, 0, "stay"), (6, 4, 0, "hold"), (5, 5, 0, "escalate"), (6, 5, 0, "escalate"), (5, 5, 1, "stay"),
    (6, 3, 1, "hold"), (6, 5, 1, "hold"), (6, 6, 1, "escalate"), (2, 2, 2, "de-escalate"), (6, 6, 2, "de-escalate"),
)  # fmt: skip


def _made(
    name: str, title: str, kind: Kind, source: str, inputs: str, compute: Any, want: dict[str, float], tolerance: float | dict[str, float]
) -> Case:
    return Case(
        id=f"designs-{name}", title=title, room="designs", kind=kind, source=source, inputs=inputs, compute=compute, expected=want,
        tolerance=tolerance, reference="designs_counts" if source == FROZEN else "",
    )  # fmt: skip


def _simon(p0: float, p1: float) -> dict[str, float]:
    found = two_stage_designs(p0=p0, p1=p1, alpha=0.05, power=0.8)
    rows = [(d.r1, d.n1, d.r, d.n, d.expected_n, d.stop_early) for d in (found[-1], found[0])]
    return _simon_named(*rows)


def _simon_named(optimal: tuple[float, ...], minimax: tuple[float, ...]) -> dict[str, float]:
    names = ("r1", "n1", "r", "n", "expected_n", "stop_early")
    return {f"{k}_{n}": float(v) for k, row in (("optimal", optimal), ("minimax", minimax)) for n, v in zip(names, row, strict=True)}


def _toxicity() -> dict[str, float]:
    low = pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1, conservative=False)
    high = pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1)
    got = {f"low_{n}": b - 1.0 for n, b in zip(low.sizes, low.stop_at, strict=True)}
    got |= {f"high_{n}": b - 1.0 for n, b in zip(high.sizes, high.stop_at, strict=True)}
    for row in toxicity_characteristics(low, [r[0] for r in _TOXICITY]):
        got |= {f"crossing_{row.rate}": row.crossing, f"early_{row.rate}": row.stop_early, f"n_{row.rate}": row.expected_n}
    return got


def _toxicity_printed() -> dict[str, float]:
    want = {f"low_{n}": float(b) for n, b in ((20, 7), (40, 12), (60, 17), (75, 20))}
    want |= {f"high_{n}": float(b) for n, b in ((20, 7), (40, 12), (60, 17), (75, 21))}
    for rate, crossing, early, n in _TOXICITY:
        want |= {f"crossing_{rate}": crossing, f"early_{rate}": early, f"n_{rate}": n}
    return want


def _boin() -> dict[str, float]:
    got = boin_table((4, 8, 12), target=0.1, too_low=0.06, too_high=0.15)
    rows = {"escalate": got.escalate, "deescalate": got.deescalate, "close": got.close}
    counts = {f"{k}_{n}": float(v or 0) for k, row in rows.items() for n, v in zip(got.sizes, row, strict=True)}
    return {"lambda_e": got.lambda_e, "lambda_d": got.lambda_d, **counts}


def _futility() -> dict[str, float]:
    got = predictive_bounds(range(1, 41), p0=0.3, certainty=0.85, low=0.05, prior=(0.6, 1.4))
    return {f"first_n_that_stops_at_{x}": float(got.sizes[got.futile.index(x)]) for x in range(10)}


def _rates() -> dict[str, float]:
    rows = enumerate(expected("designs_counts")["rates"])
    return {
        str(i): farrington_manning_size(
            p0=r["p0"], p1=r["p1"], alpha=r["alpha"], power=1.0 - r["beta"], margin=r["margin"], ratio=float(r["ratio"])
        )
        for i, r in rows
    }


def _dunnett() -> dict[str, float]:
    rows = enumerate(expected("designs_counts")["dunnett"])
    one = np.ones(1)
    return {str(i): float(multi_arm_bounds(r["arms"], fractions=one, alpha=r["alpha"], ratio=float(r["ratio"])).upper[0]) for i, r in rows}


def _exact(row: dict[str, Any]) -> dict[str, float]:
    got = exact_binomial(row["n"], p0=row["p0"], p1=row["p1"], alpha=row["alpha"])
    return {"r": float(got.r), "size": got.type1_error, "power": got.power}


def _mams() -> dict[str, float]:
    effect, others = math.sqrt(2.0) * float(ndtri(0.65)), math.sqrt(2.0) * float(ndtri(0.55))
    one = multi_arm_bounds(4, fractions=np.array([1.0]), alpha=0.05)
    two = multi_arm_bounds(4, fractions=np.array([0.5, 1.0]), alpha=0.05)
    sizes = [multi_arm_size(b, effect=effect, others=others, power=0.9) for b in (one, two)]
    return {
        "bound": float(one.upper[0]), "n": float(math.ceil(sizes[0])), "upper_1": float(two.upper[0]), "upper_2": float(two.upper[1]),
        "lower_1": float(two.lower[0]), "n_stage_1": float(math.ceil(sizes[1] / 2)),
    }  # fmt: skip


def _rolling() -> dict[str, float]:
    return {f"{n}-{e}-{d}": _NUMBERS[rolling_six(n, dlt=d, pending=n - e)] for n, e, d, _ in _ROLLING}


_ROBUST = np.array([[0.8, 18.0, 12.0], [0.2, 1.0, 1.0]])
_PAIRS = ((0.6, 0.6), (0.5, 0.75), (0.7, 0.8))


def _bayes_complete() -> dict[str, float]:
    flat = np.array([[1.0, 1.0, 1.0]])
    made = {"prior": _ROBUST, "experimental_prior": flat, "threshold": 0.95, "margin": 0.0}
    return {f"{p0}-{p1}": success_two_arms((p0, 30.0), (p1, 40.0), **made) for p0, p1 in _PAIRS}  # type: ignore[arg-type]


def _bayes_binomial() -> dict[str, float]:
    region = bayes_region(30, 40, control=beta_mixture(*_ROBUST.T), threshold=0.95)
    return {f"{p0}-{p1}": rejection_probability(region, p0, p1) for p0, p1 in _PAIRS}


def _assured() -> dict[str, float]:
    plan = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "MRD", "milestone": 0.1}, "accrual": {"rate": 12.0, "duration": 3.0, "follow_up": 0.1},
            "arms": {"new": {"response": 0.45}}, "design": {"kind": "exact-binomial", "alpha": 0.05, "null_response": 0.3},
        }
    )  # fmt: skip
    arms = {name: {"survival": {"model": "exponential", "rate": 0.2}} for name in ("control", "new")}
    huge = plan_from_data(
        {
            "trial": {"name": "case", "endpoint": "EFS", "milestone": 3.0}, "arms": arms, "design": {"kind": "log-rank"},
            "accrual": {"rate": 3e5, "duration": 3.0, "follow_up": 3.0},
        }
    )  # fmt: skip
    old, new = (_beta_prior(a, b, "survival", "EFS", 3.0) for a, b in ((20.0, 20.0), (24.0, 16.0)))
    return {
        "assurance": assurance(plan, _beta_prior(9.0, 11.0, "event-probability", "MRD", None), nodes=200, sizes=(1.0,)).assurance,
        "huge_trial": assurance(huge, old, experimental_prior=new, sizes=(1.0,)).assurance,
    }


def _beta_prior(a: float, b: float, parameter: str, endpoint: str, time: float | None) -> PriorFile:
    return PriorFile(
        trail=Trail(method="a beta distribution"), parameter=parameter, scale="probability", names=(parameter,), endpoint=endpoint,
        time=time, time_origin="randomisation", arms=(), treatment_class="", backbone="", k=1, likelihood="binomial", model="", cuts=(),
        mixture=beta_mixture([1.0], [a], [b]), robust_weight=0.0, divergence=None, worth=(), summary={},
    )  # fmt: skip


def _new_above_old() -> float:
    """P(Beta(24, 16) > Beta(20, 20)): for whole shapes a finite sum."""
    from scipy.special import betaln

    i = np.arange(24.0)
    return float(np.exp(betaln(20.0 + i, 36.0) - np.log(16.0 + i) - betaln(1.0 + i, 16.0) - betaln(20.0, 20.0)).sum())


def _beta_binomial_tail() -> float:
    from scipy.stats import betabinom

    r = exact_binomial(36, p0=0.3, p1=0.45, alpha=0.05).r
    return float(betabinom.sf(r - 1, 36, 9.0, 11.0))


_PRINTED = _toxicity_printed()

CASES: tuple[Case, ...] = (
    *(
        _made(f"simon-{p0:g}-{p1:g}", f"Simon's two-stage designs, {p0:g} against {p1:g}", "published",
              "Simon, Controlled Clinical Trials 1989;10:1-10, table 1", "alpha .05, power .8", partial(_simon, p0, p1),
              _simon_named(best, least), 5.1e-4)
        for p0, p1, best, least in _SIMON
    ),
    _made("toxicity-clinfun", "Pocock-type toxicity bounds and their characteristics", "other program",
          "clinfun 1.1.5, printed example of toxbdry", "acceptable .2, alpha .1, looks at 20, 40, 60, 75", _toxicity, _PRINTED,
          {k: 0.051 if k.startswith("n_") else 5.1e-4 if "_0." in k else 0.0 for k in _PRINTED}),
    _made("boin-table", "BOIN decision table", "other program", "BOIN 2.7.2, printed output of get.boundary", "target .1, cohorts of 4",
          _boin, {"lambda_e": 0.07844898, "lambda_d": 0.1235528, "escalate_4": 0, "escalate_8": 0, "escalate_12": 0, "deescalate_4": 1,
                  "deescalate_8": 1, "deescalate_12": 2, "close_4": 2, "close_8": 3, "close_12": 3}, 5e-8),
    _made("rolling-six-table", "Rolling six, 18 rows of its decision table", "published", "doi 10.1001/jamanetworkopen.2020.4787, table 2",
          "stay 0, escalate 1, hold 2, down -1", _rolling,
          {f"{n}-{e}-{d}": _NUMBERS[action] for n, e, d, action in _ROLLING}, 0.0),
    _made("predictive-futility", "Futility bounds by predictive probability", "other program",
          "ph2bayes, printed output of stopbound_pred", "null .3, Beta(.6, 1.4), certainty .85, 40 patients", _futility,
          dict(zip([f"first_n_that_stops_at_{x}" for x in range(10)], [4, 8, 11, 14, 17, 20, 22, 25, 27, 29], strict=True)), 0.0),
    _made("predictive-lee-liu", "Predictive probability of one trial", "published", "Lee & Liu, Clinical Trials 2008;5:93-106, example",
          "16 of 23 responses, 40 in all", lambda: {"pp": predictive_probability(16, 23, 40, p0=0.6, prior=(0.6, 0.4), certainty=0.9)},
          {"pp": 0.5656}, 5e-5),
    _made("two-proportions-sizes", "Farrington-Manning sizes", "other program", FROZEN, "seven settings", _rates,
          {str(i): r["n"] for i, r in enumerate(expected("designs_counts")["rates"])}, 1e-3),
    _made("dunnett-bounds", "Bounds of several arms at one look", "other program", FROZEN, "2 to 4 arms, 1:1 and 2:1", _dunnett,
          {str(i): r["bound"] for i, r in enumerate(expected("designs_counts")["dunnett"])}, 1e-4),
    *(
        _made(f"exact-binomial-{i}", f"Exact binomial test, n = {row['n']}", "other program", FROZEN,
              f"{row['p0']:g} against {row['p1']:g}, alpha {row['alpha']:g}",
              partial(_exact, row), {"r": float(row["r"]), "size": row["size"], "power": row["power"]}, 1e-10)
        for i, row in enumerate(expected("designs_counts")["exact"])
    ),
    _made("mams-bounds", "Four arms, one and two stages, triangular bounds", "other program", "MAMS 3.0.2, printed output",
          "p .65 and .55, alpha .05, power .9", _mams,
          {"bound": 2.16, "n": 84, "upper_1": 2.432, "upper_2": 2.293, "lower_1": 0.811, "n_stage_1": 50},
          {"bound": 0.005, "n": 0.0, "upper_1": 6e-4, "upper_2": 6e-4, "lower_1": 6e-4, "n_stage_1": 0.0}),
    _made("bayes-two-arm-complete", "Bayesian comparison of S(t) with complete follow-up", "limit case",
          "the Bayesian design of two proportions, exact", "30 and 40 patients", _bayes_complete, _bayes_binomial(), 1e-9),
    _made("assurance-beta-binomial", "Assurance of the exact binomial test; of a huge trial", "closed form",
          "the beta-binomial tail; P(one beta value above another)", "36 patients, Beta(9, 11), 200 nodes; two priors",
          _assured, {"assurance": _beta_binomial_tail(), "huge_trial": _new_above_old()}, {"assurance": 2e-3, "huge_trial": 1e-2}),
)  # fmt: skip
