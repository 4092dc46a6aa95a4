"""gsDesign2's printed designs under a delayed effect."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.core.errors import PlanError
from nextarm.designs import plan_from_data
from nextarm.validation.cases.designs_nonproportional import delayed

ROWS: list[tuple[dict[str, Any], float, float]] = [
    ({"kind": "log-rank", "method": "average-hazard-ratio"}, 440.118, 291.614),
    ({"kind": "weighted-log-rank", "q": 0.5, "convention": "null-information"}, 350.944, 232.529),
    ({"kind": "weighted-log-rank", "modest_until": 1 / 3, "convention": "null-information"}, 416.169, 275.746),
    ({"kind": "max-combo", "weights": [[0.0, 0.0], [0.5, 0.0]]}, 456.382, 302.391),
    ({"kind": "rmst-difference"}, 1482.15, 982.05),
    ({"kind": "absolute-margin", "margin": 0.0}, 631.336, 418.312),
]


@pytest.mark.parametrize(("design", "n", "events"), ROWS, ids=[f"{r[0]['kind']}-{i}" for i, r in enumerate(ROWS)])
def test_against_gsdesign2(design: dict[str, Any], n: float, events: float) -> None:
    got = delayed(design)
    assert got.n == pytest.approx(n, abs=0.1)
    assert got.events == pytest.approx(events, abs=0.1)
    assert got.power == pytest.approx(0.9, abs=1e-6)
    assert type(got).from_json(got.to_json()) == got


def toxic(design: dict[str, Any]) -> Any:
    """Hazards cross: the new arm loses patients in the first months and gains later."""
    return plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "OS", "milestone": 3.0},
            "accrual": {"rate": 80.0, "duration": 2.5, "follow_up": 2.0},
            "arms": {
                "control": {"survival": {"model": "exponential", "rate": 0.4}},
                "new": {"survival": {"model": "piecewise-exponential", "cuts": [0.5], "rates": [0.7, 0.22]}},
            },
            "design": design,
        }
    ).evaluate()


def test_early_deaths_stand_beside_the_power_of_late_weights() -> None:
    got = toxic({"kind": "weighted-log-rank", "q": 1.0})
    assert got.power > got.log_rank_power + 0.1
    assert got.early_loss
    assert got.survival_half_year["new"] < got.survival_half_year["control"]
    assert any("loses patients early" in w for w in got.warnings)
    assert any("sensitivity" in w for w in delayed({"kind": "weighted-log-rank"}).warnings)
    assert not delayed({"kind": "weighted-log-rank"}).early_loss


def test_plain_weights_are_the_log_rank_test() -> None:
    got = toxic({"kind": "weighted-log-rank"})
    assert got.power == pytest.approx(got.log_rank_power, abs=0.02)
    with pytest.raises(PlanError, match="pairs"):
        toxic({"kind": "max-combo", "weights": [[0.0, 0.0], [0.0]]})
    with pytest.raises(PlanError, match="beside p and q"):
        toxic({"kind": "weighted-log-rank", "q": 1.0, "modest_until": 1.0})
    with pytest.raises(PlanError, match="nobody is followed"):
        toxic({"kind": "rmst-difference", "tau": 4.6})


def test_what_a_reader_must_see_is_in_the_table() -> None:
    row = toxic({"kind": "weighted-log-rank", "q": 1.0}).table().row(0, named=True)
    assert row["survival_half_year_new"] < row["survival_half_year_control"]
    assert row["kind_of_design"] == "weighted-log-rank"
    assert toxic({"kind": "rmst-difference"}).table()["tau"][0] == 3.0
