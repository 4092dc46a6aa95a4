"""The kinds of trial of section 6 against their formulas and against what the registries and the evidence row say."""

from __future__ import annotations

from typing import Any

import pytest

from nextarm.evidence import load_package
from nextarm.studies.infant_all.next_trial_kinds import KNOWN_FROM, Kind, work_out
from nextarm.studies.infant_all.next_trial_worked import shipped_plan


@pytest.fixture(scope="module")
def made() -> tuple[Kind, ...]:
    return work_out(shipped_plan(), load_package())


def test_sizes_are_those_listed(made: tuple[Kind, ...]) -> None:
    assert [round(k.result.n) for k in made[:3]] == [160, 153, 135]
    one_arm: Any = made[0].result
    assert one_arm.reference_survival == pytest.approx(0.365)
    assert one_arm.reference_se == pytest.approx(0.0254, abs=1e-4)


def test_virtual_trials_agree_with_the_formulas(made: tuple[Kind, ...]) -> None:
    for kind in made[:3]:
        assert kind.power.value == pytest.approx(kind.result.power, abs=4 * kind.power.se + 0.02)
    for kind in made:
        assert kind.type1.value == pytest.approx(0.025, abs=4 * kind.type1.se + 0.004)


def test_not_knowing_the_control_costs_where_power_was_high(made: tuple[Kind, ...]) -> None:
    one_arm = made[0]
    assert one_arm.assured is not None
    assert one_arm.assured.assurance < one_arm.result.power
    assert one_arm.assured.prior_mean == pytest.approx(one_arm.result.survival_at_milestone["backbone"], abs=1e-6)
    assert load_package().arm("blin").n == KNOWN_FROM


def test_drift_of_the_historical_control_is_said(made: tuple[Kind, ...]) -> None:
    one_arm: Any = made[0].result
    by_change = {round(row.change, 2): row.rejection for row in one_arm.drift}
    assert by_change[0.0] < 0.03 < by_change[0.05] < by_change[0.1]
