"""The designs of section 5 side by side: simulated rates against the formulas, and what borrowing and an estimated control cost."""

from __future__ import annotations

from nextarm.core.trail import Trail
from nextarm.evidence import load_package
from nextarm.studies.infant_all.germline_designs import candidates, salvage_of
from nextarm.studies.infant_all.germline_trial import FEASIBLE, Control, arms_at, shipped_plan


def test_the_table_is_what_the_designs_say_of_themselves() -> None:
    plan, control = shipped_plan(), Control("given", "as given", 0.856, 0.054, Trail("given"))
    found = {c.key: c for c in candidates(plan, control)}
    exact = plan.without("solve").changed(arms_at(plan, 0.856) | {"accrual": {"duration": FEASIBLE}}).evaluate()
    own = found["margin"]
    assert abs(own.nothing_lost.value - exact.power) <= 4.0 * own.nothing_lost.se + 0.01
    assert abs(own.margin_lost.value - 0.025) <= 4.0 * own.margin_lost.se + 0.004
    assert abs(found["bayes"].nothing_lost.value - own.nothing_lost.value) < 0.03
    # as much history as half an arm again is worth power where it is true
    assert found["borrow"].nothing_lost.value > found["bayes"].nothing_lost.value
    assert all(c.infants == 150.0 and c.years.value == 15.0 for c in found.values())


def test_a_guard_costs_power_and_lowers_the_error() -> None:
    plan, control = shipped_plan(), Control("given", "as given", 0.856, 0.054, Trail("given"))
    salvage = salvage_of(load_package("infant-all"))
    assert salvage is not None
    assert abs(salvage.share - (0.872 - 0.739) / (1.0 - 0.739)) < 1e-12
    rows = {(c.key, c.guard): c for c in candidates(plan, control, salvage)}
    for key in ("margin", "bayes", "borrow", "one-arm"):
        alone, bound, harm = (rows[key, guard] for guard in ("none", "bound", "harm"))
        assert bound.nothing_lost.value < harm.nothing_lost.value <= alone.nothing_lost.value
        assert bound.margin_lost.value < harm.margin_lost.value <= alone.margin_lost.value
        assert harm.years.value < bound.years.value == 15.0
        assert bound.guarded is not None
        assert abs(bound.guarded.deaths_per_100 - 10.0 * (1.0 - salvage.share)) < 0.6  # nearly all who die have died by 5 years
