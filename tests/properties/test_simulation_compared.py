"""Grids, several designs side by side, the first trials shown early, one trial laid open, and the report of all that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nextarm
from nextarm import verbs
from nextarm.core.errors import CallError
from nextarm.designs import Plan, plan_from_data, plan_from_toml
from nextarm.simulation import OperatingCharacteristics, simulate, simulate_doses
from nextarm.simulation.block import cohort_of, prepared
from nextarm.simulation.compare import ComparedDesigns, ComparedDoses, simulate_designs
from nextarm.simulation.one_trial import virtual_trial
from simulation_plans import BETTER, CURE, LOOKS, two_arms

GRID = [
    {"key": "arms.control.survival.cure_fraction", "values": [0.4, 0.6]},
    {"key": "arms.new.survival.cure_fraction", "values": [0.6, 0.7, 0.8]},
]


def with_tables(**tables: Any) -> Plan:
    return plan_from_data(two_arms(LOOKS | {"futility_bounds": [0.0]}).to_data() | tables)


def test_cells_of_a_grid_are_what_they_would_be_alone() -> None:
    found = simulate(with_tables(grid=GRID), trials=600, seed=3)
    cells = [s for s in found.scenarios if s.at]
    assert [s.at for s in cells] == [(a, b) for a in (0.4, 0.6) for b in (0.6, 0.7, 0.8)]
    assert [axis.values for axis in found.grid] == [(0.4, 0.6), (0.6, 0.7, 0.8)]
    alone = simulate(two_arms(LOOKS | {"futility_bounds": [0.0]}, control=CURE | {"cure_fraction": 0.4}), trials=600, seed=3)
    assert cells[2].rejected_by_look.tolist() == alone.scenarios[0].rejected_by_look.tolist()
    assert cells[2].name == "control cure fraction 0.4, new cure fraction 0.8"
    assert OperatingCharacteristics.from_json(found.to_json()) == found


def test_designs_side_by_side_meet_the_same_patients(tmp_path: Path) -> None:
    plans = {"log-rank": two_arms({"kind": "log-rank"}), "RMST": two_arms({"kind": "rmst-difference"})}
    found = simulate_designs(plans, trials=1500, seed=2, out=tmp_path / "run")
    a, b = (found.design(name).scenarios[0] for name in plans)
    assert np.array_equal(a.sums, b.sums)
    assert ComparedDesigns.from_json((tmp_path / "run" / "results.json").read_text()) == found
    assert found.table()["design"].to_list() == ["log-rank", "RMST"]
    again = simulate_designs(plans, trials=1500, seed=2, out=tmp_path / "run")
    assert again.to_json() == found.to_json()
    with pytest.raises(CallError, match="2 to 4 designs"):
        simulate_designs({str(i): plans["RMST"] for i in range(5)})


def test_platforms_and_doses_stand_side_by_side_and_mixed_kinds_are_refused(tmp_path: Path) -> None:
    boin, six, platform = (plan_from_toml(nextarm.designs(kind).cards[0].example) for kind in ("boin", "rolling-six", "platform"))
    found = simulate_designs({"BOIN": boin, "rolling six": six}, trials=300, seed=2, out=tmp_path / "run")
    assert isinstance(found, ComparedDoses)
    assert found.design("BOIN") == simulate_doses(boin, trials=300, seed=2)
    assert ComparedDoses.from_json((tmp_path / "run" / "results.json").read_text()) == found
    beside = verbs.simulate([boin, six], trials=300, seed=2)
    page = verbs.simulation_report(beside, [boin, six], out=tmp_path / "run").read_text()
    for words in ("How often each dose is chosen", "Came while on hold", "Decisions: example: doses (1)", "2 designs side by side"):
        assert words in page, words
    larger = platform.changed({"design": {"patients_per_arm": 70}})
    assert set(simulate_designs({"60": platform, "70": larger}, trials=64).table()["design"]) == {"60", "70"}
    with pytest.raises(CallError, match="platforms are compared with platforms"):
        simulate_designs({"a": boin, "b": platform}, trials=10)


def test_the_page_of_a_platform_shows_every_arm_and_what_other_controls_do(tmp_path: Path) -> None:
    plan = plan_from_toml(nextarm.designs("platform").cards[0].example)
    found = verbs.simulate(plan, trials=128, seed=1)
    page = verbs.simulation_report(found, plan, out=tmp_path).read_text()
    for words in ("How often each arm is declared better", "Patients on a lesser arm", "What controls of other times do to the estimate"):
        assert words in page, words
    rate = found.scenario("plan").arm("first").rejection.value  # type: ignore[union-attr]
    assert f"{100 * rate:.1f}\u202f%" in page


def test_one_trial_does_not_tell_the_error_of_a_mean() -> None:
    s = simulate(two_arms(), trials=1, seed=1).scenarios[0]
    assert s.duration.se is None
    assert s.rejection.se > 0.0
    doses = simulate_doses(plan_from_toml(nextarm.designs("boin").cards[0].example), trials=1)
    assert doses.table()["patients_se"].null_count() == doses.table().height


def test_futility_stops_are_counted_and_the_summary_has_their_error() -> None:
    s = simulate(with_tables(arms={n: {"survival": CURE} for n in ("control", "new")}), trials=2048, seed=1).scenarios[0]
    assert s.futile_by_look[1] == 0
    assert 0.35 < s.futility.value < 0.55
    assert s.stopped_by_look[0] == s.futile_by_look[0] + s.rejected_by_look[0]
    assert s.time_by_look.sum() == pytest.approx(s.sums[2, 0])
    assert s.summary["futility"].se == pytest.approx((s.futility.value * (1 - s.futility.value) / 2048) ** 0.5)
    assert set(s.summary) == {"rejection", "futility", "never_reached", "events", "patients", "duration"}


def test_the_first_trials_are_shown_before_the_rest() -> None:
    seen: list[OperatingCharacteristics] = []
    found = simulate(two_arms(), trials=12_000, seed=1, preview=seen.append)
    assert [s.scenarios[0].trials for s in seen] == [10_240]
    assert found.scenarios[0].trials == 12_000
    simulate(two_arms(), trials=10_000, seed=1, preview=seen.append)
    assert len(seen) == 1


def test_one_trial_is_the_one_that_was_simulated() -> None:
    plan = two_arms()
    found = virtual_trial(plan, seed=5, trial=3)
    cohort = cohort_of(prepared(plan), 0, seed=5, block=0, trial=3)
    assert np.array_equal(found.entry, cohort.entry[cohort.entry < found.time[-1]])
    assert int((found.outcome == 0).sum()) == found.events[-1]
    assert np.all(found.leaves <= found.time[-1])
    alone = simulate(plan, trials=4, seed=5).scenarios[0].sums - simulate(plan, trials=3, seed=5).scenarios[0].sums
    assert alone[0, 0] == found.events[-1]
    assert alone[2, 0] == pytest.approx(found.time[-1])


def test_the_report_holds_every_chart_in_one_file(tmp_path: Path) -> None:
    compare = [{"name": "means", "design": {"kind": "rmst-difference"}}]
    null = {"name": "no effect <b>", "arms": {"new": {"survival": CURE}}}
    plan = with_tables(compare=compare, grid=GRID, scenario=[null])
    found = verbs.simulate(plan, trials=300, seed=1)
    page = verbs.simulation_report(found, plan, out=tmp_path).read_text()
    for part in ("power-map-1", "power-map-2", "stopping-times", "one-trial-1", "one-trial-2", "as planned", "no effect &lt;b&gt;"):
        assert part in page, part
    assert "no effect <b>" not in page
    curve = with_tables(grid=GRID[1:])
    page = verbs.simulation_report(verbs.simulate(curve, trials=300), curve, out=tmp_path).read_text()
    assert "power-curve" in page
    several = [two_arms({"kind": "log-rank"}), two_arms(new=BETTER)]
    both = verbs.simulate(several, trials=100)
    assert isinstance(both, ComparedDesigns)
    assert both.names == ("a small trial (1)", "a small trial (2)")
    assert json.loads(both.to_json())["names"] == list(both.names)
