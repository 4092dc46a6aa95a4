"""Designs for counts against printed values: Simon's table, clinfun's toxicity bounds, ph2bayes, BOIN, rolling six, Lee and Liu."""

from __future__ import annotations

import pytest

from nextarm.designs.boin import boin_table
from nextarm.designs.count_design import CountDesignResult
from nextarm.designs.plan import plan_from_data
from nextarm.designs.predictive_probability import predictive_bounds, predictive_probability
from nextarm.designs.rolling_six import rolling_six
from nextarm.designs.simon_search import two_stage_designs
from nextarm.designs.toxicity_boundary import ToxicityBoundary, pocock_toxicity_boundary, toxicity_characteristics
from nextarm.report.designed import characteristics_of
from nextarm.report.document import DataTable

# p0, p1 (alpha .05, power .8): optimal and minimax (r1, n1, r, n, expected n, stopping early), Simon 1989.
SIMON = [
    (0.05, 0.25, (0, 9, 2, 17, 11.958, 0.6302), (0, 12, 2, 16, 13.839, 0.5404)),
    (0.10, 0.30, (1, 10, 5, 29, 15.014, 0.7361), (1, 15, 5, 25, 19.510, 0.5490)),
    (0.20, 0.40, (3, 13, 12, 43, 20.580, 0.7473), (4, 18, 10, 33, 22.255, 0.7164)),
    (0.30, 0.50, (5, 15, 18, 46, 23.630, 0.7216), (6, 19, 16, 39, 25.690, 0.6655)),
]


@pytest.mark.parametrize(("p0", "p1", "optimal", "minimax"), SIMON)
def test_simon_1989(p0: float, p1: float, optimal: tuple[float, ...], minimax: tuple[float, ...]) -> None:
    found = two_stage_designs(p0=p0, p1=p1, alpha=0.05, power=0.8)
    for got, want in ((found[0], minimax), (found[-1], optimal)):
        assert (got.r1, got.n1, got.r, got.n) == want[:4]
        assert got.expected_n == pytest.approx(want[4], abs=5e-4)
        assert got.stop_early == pytest.approx(want[5], abs=5e-5)


@pytest.mark.parametrize(("p0", "p1", "optimal", "minimax"), SIMON)
def test_simon_1989_in_a_plan(p0: float, p1: float, optimal: tuple[float, ...], minimax: tuple[float, ...]) -> None:
    plan = plan_from_data(
        {
            "trial": {"name": "t", "endpoint": "response", "milestone": 0.25},
            "accrual": {"rate": 20.0, "duration": 2.0, "follow_up": 0.25},
            "arms": {"new": {"response": p1}},
            "design": {"kind": "simon-two-stage", "alpha": 0.05, "null_response": p0, "target_response": p1},
        }
    )
    found = plan.design.evaluate(plan)
    assert isinstance(found, CountDesignResult)
    assert found.expected_n_null == pytest.approx(optimal[4], abs=5e-4)
    assert found.stopped_early_null == pytest.approx(optimal[5], abs=5e-5)
    assert found.estimand.startswith("response from entry, new against the reference")
    shown = characteristics_of({"simon": found})
    table = next(b for b in shown.blocks if isinstance(b, DataTable))
    titles = [row[0] for row in table.rows]
    assert {"Patients expected where the null is true", "Stopped early where the null is true"} <= set(titles)
    assert not [t for t in titles if "log S1" in str(t) or "ever be" in str(t)]


# clinfun 1.1.5, printed examples of toxbdry: the most toxicities without stopping, and what happens at six rates.
CLINFUN = [
    ((20, 40, 60, 75), 0.2, 0.10, (7, 12, 17, 20), (7, 12, 17, 21)),
    ((20, 40, 60, 75), 0.2, 0.15, (6, 12, 16, 20), (7, 12, 16, 20)),
]
CLINFUN_CHARACTERISTICS = [
    (0.20, 0.101, 0.079, 72.0, 0.088),
    (0.23, 0.247, 0.188, 68.1, 0.214),
    (0.26, 0.456, 0.354, 62.1, 0.406),
    (0.29, 0.672, 0.548, 54.7, 0.619),
    (0.32, 0.838, 0.727, 47.0, 0.797),
    (0.35, 0.935, 0.859, 39.9, 0.911),
]


@pytest.mark.parametrize(("sizes", "rate", "alpha", "low", "high"), CLINFUN)
def test_clinfun_toxicity_bounds(sizes: tuple[int, ...], rate: float, alpha: float, low: tuple[int, ...], high: tuple[int, ...]) -> None:
    strict = pocock_toxicity_boundary(sizes, acceptable=rate, alpha=alpha)
    loose = pocock_toxicity_boundary(sizes, acceptable=rate, alpha=alpha, conservative=False)
    assert tuple(b - 1 for b in strict.stop_at) == high
    assert tuple(b - 1 for b in loose.stop_at) == low
    assert strict.crossing <= alpha < loose.crossing


def test_clinfun_continuous_toxicity_monitoring() -> None:
    # Printed as 1/3 2/8 3/13 4/19 5/26 6/30 (high) and 4/20 (low): the last size with that many allowed.
    for conservative, last in ((True, {1: 3, 2: 8, 3: 13, 4: 19, 5: 26, 6: 30}), (False, {1: 3, 2: 8, 3: 13, 4: 20, 5: 26, 6: 30})):
        got = pocock_toxicity_boundary(range(2, 31), acceptable=0.1, alpha=0.1, conservative=conservative)
        allowed = {b - 1: n for n, b in zip(got.sizes, got.stop_at, strict=True)}
        assert allowed == last


def test_clinfun_toxicity_characteristics() -> None:
    rates = [row[0] for row in CLINFUN_CHARACTERISTICS]
    strict = pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1)
    loose = pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1, conservative=False)
    for got, tight, want in zip(
        toxicity_characteristics(loose, rates), toxicity_characteristics(strict, rates), CLINFUN_CHARACTERISTICS, strict=True
    ):
        assert (got.crossing, got.stop_early) == pytest.approx(want[1:3], abs=5e-4)
        assert got.expected_n == pytest.approx(want[3], abs=0.05)
        assert tight.crossing == pytest.approx(want[4], abs=5e-4)


def test_ph2bayes_futility_bounds() -> None:
    # stopbound_pred(0.05, "futility", 40, 0.6, 1.4, 0.3, 0.85), printed: first n at which so few responses stop.
    printed = {4: 0, 8: 1, 11: 2, 14: 3, 17: 4, 20: 5, 22: 6, 25: 7, 27: 8, 29: 9}
    got = predictive_bounds(range(1, 41), p0=0.3, certainty=0.85, low=0.05, prior=(0.6, 1.4))
    first: dict[int, int] = {}
    for n, futile in zip(got.sizes, got.futile, strict=True):
        first.setdefault(futile, n)
    assert {n: x for x, n in first.items() if 0 <= x <= 9} == printed


def test_lee_and_liu_example() -> None:
    # 16 of 23 responses, 40 in all, p0 = .6, Beta(.6, .4), certainty .9: predictive probability .5656 (the paper's Table 1).
    assert predictive_probability(16, 23, 40, p0=0.6, prior=(0.6, 0.4), certainty=0.9) == pytest.approx(0.5656, abs=5e-5)


@pytest.mark.parametrize(("too_high", "lambda_d"), [(0.145, 0.1213018), (0.15, 0.1235528)])
def test_boin_printed_table(too_high: float, lambda_d: float) -> None:
    # BOIN get.boundary(target = .1, cohortsize = 4, p.saf = .06, p.tox = ...), printed output.
    got = boin_table((4, 8, 12), target=0.1, too_low=0.06, too_high=too_high)
    assert got.lambda_e == pytest.approx(0.07844898, abs=5e-9)
    assert got.lambda_d == pytest.approx(lambda_d, abs=5e-8)
    assert (got.escalate, got.deescalate, got.close) == ((0, 0, 0), (1, 1, 2), (2, 3, 3))


# Table 2 of doi 10.1001/jamanetworkopen.2020.4787, column "Rolling 6": enrolled, evaluable, toxicities -> the next patient.
ROLLING_SIX = [
    (2, 0, 0, "stay"),
    (6, 0, 0, "hold"),
    (5, 1, 0, "stay"),
    (6, 1, 0, "hold"),
    (5, 2, 0, "stay"),
    (6, 2, 0, "hold"),
    (3, 3, 0, "escalate"),
    (4, 3, 0, "stay"),
    (5, 3, 0, "stay"),
    (6, 3, 0, "hold"),
    (4, 4, 0, "escalate"),
    (5, 4, 0, "stay"),
    (6, 4, 0, "hold"),
    (5, 5, 0, "escalate"),
    (6, 5, 0, "escalate"),
    (3, 3, 1, "stay"),
    (5, 5, 1, "stay"),
    (6, 1, 1, "hold"),
    (6, 4, 1, "hold"),
    (6, 5, 1, "hold"),
    (6, 6, 1, "escalate"),
    (2, 2, 2, "de-escalate"),
    (6, 6, 2, "de-escalate"),
]


@pytest.mark.parametrize(("enrolled", "evaluable", "dlt", "action"), ROLLING_SIX)
def test_rolling_six_table(enrolled: int, evaluable: int, dlt: int, action: str) -> None:
    assert rolling_six(enrolled, dlt=dlt, pending=enrolled - evaluable) == action


def test_an_empty_boundary_never_crosses() -> None:
    never = ToxicityBoundary(method="none", sizes=(5, 10), stop_at=(6, 11), acceptable=0.2, level=0.0, crossing=0.0)
    assert toxicity_characteristics(never, [0.9])[0].crossing == 0.0
