"""The two-stage one-sample log-rank designs that Wu and others (2020, doi 10.1002/pst.1983) print, and what they hide."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.designs import plan_from_data

CONTROL = {"model": "exponential", "rate": 0.10950135}
NEW = {"model": "exponential", "rate": 0.05027429}


def evaluated(design: dict[str, Any], *, n: float = 46.0, reference: dict[str, Any] | None = None, **more: Any) -> Any:
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": 20.0, "duration": n / 20.0, "follow_up": 3.0},
            "arms": {"new": {"survival": NEW}},
            "reference": {"survival": CONTROL, **(reference or {"fixed": True})},
            "design": {"kind": "one-sample-log-rank-two-stage", "alpha": 0.05, **design},
            **more,
        }
    ).evaluate()


DESIGNS = [(46.0, 1.0619, -0.7215, 1.5952, 0.2353, 40.1736), (44.0, 1.6997, -0.731, 1.6257, 0.2324, 41.6745)]


@pytest.mark.parametrize(("n", "time", "first", "last", "stop", "size"), DESIGNS)
def test_published_designs(n: float, time: float, first: float, last: float, stop: float, size: float) -> None:
    given = {"interim_time": time, "interim_bound": first, "approximation": "normal"}
    got = evaluated({**given, "final_bound": last}, n=n)
    assert got.type1_error == pytest.approx(0.05, abs=5e-5)
    assert got.stop_h0 == pytest.approx(stop, abs=5e-5)
    assert got.expected_n_h0 == pytest.approx(size, abs=1e-3)
    assert got.power >= 0.8
    assert evaluated(given, n=n).final_bound == pytest.approx(last, abs=1e-3)
    assert type(got).from_json(got.to_json()) == got


def test_the_published_final_bound_wastes_alpha_and_the_second_order_one_does_not() -> None:
    given = {"interim_time": 1.0619, "interim_bound": -0.7215}
    assert evaluated({**given, "final_bound": 1.5952}).type1_error == pytest.approx(0.042, abs=0.002)
    own = evaluated(given)
    assert own.type1_error == pytest.approx(0.05, abs=1e-9)
    assert own.final_bound < 1.5952


def test_the_search_beats_the_published_sizes() -> None:
    """The published ones are found with a larger variance under the alternative than the statistic has."""
    solve = {"for": "duration", "power": 0.8}
    optimal = evaluated({"approximation": "normal"}, solve=solve)
    minimax = evaluated({"approximation": "normal", "optimise": "minimax"}, solve=solve)
    assert optimal.power == pytest.approx(0.8, abs=1e-6)
    assert optimal.expected_n_h0 < 40.1736
    assert minimax.n <= 44.0 <= optimal.n + 1.0
    assert optimal.expected_n_h0 < minimax.expected_n_h0


def test_an_estimated_reference_needs_more_patients_and_drift_is_shown() -> None:
    fixed = evaluated({"kind": "one-sample-log-rank"}, solve={"for": "duration"})
    known = evaluated({"kind": "one-sample-log-rank"}, reference={"n": 200.0}, solve={"for": "duration"})
    assert known.n > fixed.n
    assert known.type1_if_taken_as_known > known.type1_error
    rejections = known.drift_table()["rejection"].to_list()
    assert rejections == sorted(rejections)
    assert rejections[0] == known.type1_error
    assert type(known).from_json(known.to_json()) == known


def test_drift_is_printed() -> None:
    given = {"interim_time": 1.0619, "interim_bound": -0.7215}
    row = evaluated(given).table().row(0, named=True)
    assert row["type1_error"] == pytest.approx(0.05)
    assert row["rejection_if_control_is_+0.1"] > row["rejection_if_control_is_+0.05"] > 0.1
