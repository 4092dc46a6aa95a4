"""Events, patients and power against printed numbers: rpact, gsDesign, gsDesign2, a planned trial, closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nextarm.designs import (
    ProportionalHazards,
    constant_accrual,
    expected_events,
    log_rank_moments,
    maximum_events,
    plan_from_data,
    schoenfeld_events,
    stepped_accrual,
)
from nextarm.designs.absolute_margin import AbsoluteMarginTable
from nextarm.designs.design import DesignResult
from nextarm.designs.setting import Setting, solved
from nextarm.survival.models import Exponential, MixtureCure, PiecewiseExponential, Weibull
from nextarm.validation.case import expected

LN2 = math.log(2.0)


def result(
    design: dict[str, Any], *, control: dict[str, Any], hr: float, accrual: dict[str, float], ratio: float = 1.0, **more: Any
) -> Any:
    arms = {"control": {"survival": control}, "new": {"allocation": ratio, "survival": {"hazard_ratio": hr, "of": "control"}}}
    trial = {"name": "a test", "endpoint": "OS", "milestone": 1.0}
    plan = plan_from_data({"trial": trial, "accrual": accrual, "arms": arms, "design": design, **more})
    got: DesignResult = plan.evaluate()
    return got


def test_fixed_design_of_rpact() -> None:
    accrual = {"rate": 50.0, "duration": 2.0, "follow_up": 1.0}
    got = result({"kind": "log-rank"}, control={"model": "exponential", "median": 1.0}, hr=0.6, accrual=accrual, solve={"for": "n"})
    assert got.method == "schoenfeld"
    assert got.events == pytest.approx(120.3157, abs=1e-3)
    assert got.n == pytest.approx(187.764, abs=1e-3)


def test_lachin_foulkes_of_gsdesign() -> None:
    accrual = {"rate": 10.0, "duration": 12.0, "follow_up": 6.0, "dropout_hazard": LN2 / 40}
    got = result(
        {"kind": "log-rank", "method": "lachin-foulkes"},
        control={"model": "exponential", "median": 6.0},
        hr=0.5,
        accrual=accrual,
        solve={"for": "n", "power": 0.9},
    )
    assert got.n == pytest.approx(155.858, abs=1e-3)
    assert got.events == pytest.approx(87.268, abs=1e-3)
    assert got.events_by_arm == pytest.approx({"control": 52.4997, "new": 34.768}, abs=1e-3)


@pytest.mark.parametrize(("method", "events", "n"), [("schoenfeld", 456.098, 1611.81), ("lachin-foulkes", 460.761, 1628.29)])
def test_non_inferiority_on_the_hazard_ratio(method: str, events: float, n: float) -> None:
    accrual = {"rate": 100.0, "duration": 3.0, "follow_up": 3.0}
    control = {"model": "exponential", "rate": -math.log(0.8) / 3.0}
    design = {"kind": "log-rank", "method": method, "margin": 1.3}
    got = result(design, control=control, hr=1.0, accrual=accrual, solve={"for": "n"})
    assert got.events == pytest.approx(events, abs=1e-3)
    assert got.n == pytest.approx(n, abs=1e-2)


@pytest.mark.parametrize(
    "row", expected("designs")["fixed"], ids=lambda r: f"{r['hazard_ratio']}-{r['follow_up']}-{r['ratio']}-{r['n']:.0f}"
)
def test_fixed_designs_of_rpact(row: dict[str, float]) -> None:
    accrual = {"rate": 50.0, "duration": row["accrual"], "follow_up": row["follow_up"], "dropout_hazard": row["dropout_hazard"]}
    control = {"model": "exponential", "median": row["median"]}
    got = result(
        {"kind": "log-rank"}, control=control, hr=row["hazard_ratio"], accrual=accrual, ratio=float(row["ratio"]), solve={"for": "n"}
    )
    assert got.events == pytest.approx(row["events"], abs=1e-3)
    assert got.n == pytest.approx(row["n"], abs=1e-3)
    assert got.events_needed == pytest.approx(row["events"], abs=1e-3)


DESIGNS = {
    "lan-demets": ({"looks": [0.6, 1.0]}, 0.8),
    "hsd-futility": (
        {
            "looks": [1 / 3, 2 / 3, 1.0],
            "spending": "hwang-shih-decani",
            "spending_parameter": -4.0,
            "futility": "hwang-shih-decani",
            "futility_parameter": -2.0,
            "beta": 0.1,
        },
        0.9,
    ),
}


@pytest.mark.parametrize("row", expected("designs")["sequential"], ids=lambda r: f"{r['design']}-{r['shape']}")
def test_group_sequential_designs_of_rpact(row: dict[str, Any]) -> None:
    fields, power = DESIGNS[row["design"]]
    accrual = {"rate": 50.0, "duration": 2.0, "follow_up": 1.0, "dropout_hazard": row["dropout_hazard"]}
    control = {"model": "weibull", "shape": float(row["shape"]), "median": 1.0}
    design = {"kind": "group-sequential-log-rank", **fields}
    got = result(design, control=control, hr=0.6, accrual=accrual, solve={"for": "n", "power": power})
    assert got.n == pytest.approx(row["n"], abs=2e-3)
    assert got.events == pytest.approx(row["events"], abs=2e-3)
    assert got.look_times == pytest.approx(row["analysis_times"], abs=1e-4)
    assert got.critical_hazard_ratio == pytest.approx(row["critical_hazard_ratio"], abs=1e-5)
    assert got.expected_events_h1 == pytest.approx(row["expected_events_h1"], abs=2e-3)


@pytest.mark.parametrize("row", expected("designs")["power"], ids=lambda r: f"hr-{r['hazard_ratio']}")
def test_power_at_120_events(row: dict[str, Any]) -> None:
    """rpact getPowerSurvival: 200 patients, look at 72 and 120 events, however long it takes."""
    accrual = {"rate": 100.0, "duration": 2.0, "follow_up": 20.0, "dropout_hazard": -math.log(0.975)}
    design = {"kind": "group-sequential-log-rank", "looks": [0.6, 1.0], "events": 120}
    got = result(design, control={"model": "exponential", "median": 1.0}, hr=row["hazard_ratio"], accrual=accrual)
    assert got.power == pytest.approx(row["power"], abs=1e-5)
    assert got.reject_h1[0] == pytest.approx(row["early"], abs=1e-5)
    assert got.look_times == pytest.approx(row["analysis_times"], abs=1e-4)
    assert got.expected_events_h1 == pytest.approx(row["expected_events"], abs=1e-2)


@pytest.mark.parametrize("row", expected("designs")["events"], ids=lambda r: f"shape-{r['shape']}")
def test_event_probabilities_under_stepped_accrual(row: dict[str, Any]) -> None:
    accrual = stepped_accrual(
        rates=tuple(map(float, row["rates"])), cuts=tuple(map(float, row["cuts"])), duration=row["duration"], follow_up=5.0,
        dropout_hazard=float(row["dropout_hazard"]),
    )  # fmt: skip
    control = Weibull(shape=float(row["shape"]), scale=1.0 / row["rate"])
    arms = {"control": control, "experimental": ProportionalHazards(base=control, hazard_ratio=row["hazard_ratio"])}
    for name, model in arms.items():
        got = [expected_events(model, accrual=accrual, time=t) / accrual.total for t in row["times"]]
        # rpact counts patients not yet entered as without event too
        assert got == pytest.approx(row[name], abs=2e-6), name


def test_event_probabilities_under_piecewise_hazards() -> None:
    row = expected("designs")["piecewise"]
    control = PiecewiseExponential(cuts=tuple(row["cuts"]), rates=tuple(row["rates"]))
    arms = {"control": control, "experimental": ProportionalHazards(base=control, hazard_ratio=row["hazard_ratio"])}
    accrual = constant_accrual(rate=60.0, duration=2.0, follow_up=3.0)
    for name, model in arms.items():
        got = [expected_events(model, accrual=accrual, time=t) / accrual.total for t in row["times"]]
        assert got == pytest.approx(row[name], abs=1e-9), name


def test_events_under_a_cure_fraction() -> None:
    """Closed form: (1 - pi)(1 - (e^(-lF) - e^(-l(A+F))) / (lA)); a published program forgets pi and says 195.8."""
    accrual = constant_accrual(rate=100.0, duration=2.0, follow_up=2.0)
    latency = Exponential(rate=2.0 * LN2)
    seen = [expected_events(MixtureCure(cure_fraction=c, latency=latency), accrual=accrual, time=4.0) / 2.0 for c in (0.3, 0.5)]
    assert seen == pytest.approx([68.5207, 48.9433], abs=1e-4)
    assert sum(seen) == pytest.approx(117.464, abs=5e-4)
    models = {"a": MixtureCure(cure_fraction=0.3, latency=latency), "b": MixtureCure(cure_fraction=0.5, latency=latency)}
    assert maximum_events(models, shares={"a": 0.5, "b": 0.5}, accrual=accrual) == pytest.approx(120.0, abs=1e-9)


def test_interfant_06_as_planned() -> None:
    """DFS at 3 years .41 v .57, two-sided .05, 80 %: 147.5 events; 320 infants give 163 events and power .84."""
    assert schoenfeld_events(math.log(0.57) / math.log(0.41), alpha=0.025, power=0.8) == pytest.approx(147.5, abs=0.05)
    control = {"model": "piecewise-exponential", "cuts": [3.0], "rates": [-math.log(0.41) / 3.0, 0.0]}
    accrual = {"rate": 40.0, "duration": 8.0, "follow_up": 3.0}
    got = result({"kind": "log-rank"}, control=control, hr=math.log(0.57) / math.log(0.41), accrual=accrual)
    assert got.survival_at_milestone["control"] > 0.41
    assert got.events == pytest.approx(163.2, abs=1e-6)
    assert got.power == pytest.approx(0.84, abs=0.005)


@pytest.mark.parametrize(("time", "hazard_ratio", "events"), [(12.0, 0.83954, 257.746), (24.0, 0.71452, 591.080), (36.0, 0.68320, 795.098)])
def test_average_hazard_ratio_of_gsdesign2(time: float, hazard_ratio: float, events: float) -> None:
    """gsDesign2 1.1.8: 100 a month for 12, control median 15 months, HR 1 for 4 months then .6, dropout .001."""
    control = Exponential(rate=LN2 / 15.0)
    accrual = constant_accrual(rate=100.0, duration=12.0, follow_up=24.0, dropout_hazard=0.001)
    late = ProportionalHazards(base=control, hazard_ratio=0.6, delay=4.0)
    got = log_rank_moments(control, late, share=0.5, accrual=accrual, time=time)
    assert got.average_hazard_ratio == pytest.approx(hazard_ratio, abs=1e-5)
    assert got.events == pytest.approx(events, abs=1e-3)
    assert not got.proportional


def test_milestone_difference_of_gsdesign2() -> None:
    """gsDesign2 1.1.8 fixed_design_milestone at 18 months, power .9: N 631.336, events 418.312."""
    control = Exponential(rate=LN2 / 15.0)
    late = ProportionalHazards(base=control, hazard_ratio=0.6, delay=4.0)
    accrual = constant_accrual(rate=100.0, duration=12.0, follow_up=24.0, dropout_hazard=0.001)
    setting = Setting({"control": control, "new": late}, {"control": 0.5, "new": 0.5}, "control", "new", accrual, 36.0, 18.0)
    found = solved(setting, what="n", target=0.9, power=AbsoluteMarginTable(margin=0.0).power)
    assert found.accrual.total == pytest.approx(631.336, abs=0.01)
    assert sum(found.events_by_arm().values()) == pytest.approx(418.312, abs=0.01)


@pytest.mark.parametrize("scale", ["plain", "cloglog"])
def test_one_arm_against_a_control_of_200(scale: str) -> None:
    """160 infants, control as precise as 200: .11 at nominal .05 if taken as known; .25 and .60 after a drift of 5 and 10 points.

    Setting: S = .5 at the milestone, everybody followed to it. The printed figures are simulated, and are
    those of the plain scale within .01 (cloglog: .015).
    """
    plan = plan_from_data(
        {
            "trial": {"name": "a test", "endpoint": "DFS", "milestone": 2.0},
            "accrual": {"rate": 80.0, "duration": 2.0, "follow_up": 2.0},
            "arms": {"new": {"survival": {"model": "exponential", "rate": 0.2}}},
            "reference": {"milestone_survival": 0.5, "n": 200.0},
            "design": {"kind": "one-arm-milestone", "alpha": 0.05, "scale": scale},
        }
    )
    got: Any = plan.evaluate()
    assert got.n == 160.0
    assert got.type1_if_taken_as_known == pytest.approx(0.112, abs=0.01)
    assert got.type1_error == pytest.approx(0.052, abs=0.004)
    assert got.type1_error == got.drift[0].rejection
    assert [row.rejection for row in got.drift] == pytest.approx([0.052, 0.25, 0.60], abs=0.01 if scale == "plain" else 0.015)
    assert np.diff([row.rejection_if_known for row in got.drift]).min() > 0.0
