"""Section 6: its answer turns with the plan, and every simulated number in it is the one the simulation gives."""

from __future__ import annotations

import pytest

from nextarm.evidence import load_package
from nextarm.simulation import simulate
from nextarm.studies.infant_all import next_trial, next_trial_maps, next_trial_worked
from studies_example import everything, numbers, plain

TRIALS = 1024


@pytest.fixture(scope="module", autouse=True)
def few_trials():
    patch = pytest.MonkeyPatch()
    for name in ("TRIALS", "CELL_TRIALS"):
        patch.setattr(next_trial_worked, name, TRIALS)
    patch.setattr(next_trial_worked, "ERROR_TRIALS", 8 * TRIALS)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def shipped():
    return next_trial_worked.work_out(next_trial_worked.shipped_plan())


@pytest.fixture(scope="module")
def section():
    return next_trial.section(load_package())


def found(changes):
    return next_trial_worked.work_out(next_trial_worked.shipped_plan().without("scenario").changed(changes))


def test_the_shipped_plan_is_not_enough_at_its_size(shipped, section):
    said = plain(section.lead)
    assert said == plain(next_trial.lead(shipped))
    assert said.startswith("Too small as planned: ")
    assert shipped.simulated.scenario("plan").rejection.value < next_trial_worked.TARGET_POWER


def test_the_power_in_the_answer_is_the_simulated_one(shipped, section):
    own = simulate(next_trial_worked.shipped_plan(), trials=TRIALS, seed=next_trial_worked.SEED).scenario("plan")
    shown = numbers(section)
    for name in ("trial.lead.power", "trial.power", "trial.simulated"):
        assert shown[name].value == own.rejection.value
    assert shown["trial.simulated.mcse"].value == own.rejection.se
    assert shown["trial.lead.power"].text in plain(section.lead)
    assert shown["trial.events"].value == own.events.value
    assert shown["trial.never"].value == own.events_never_reached.value
    assert shown["trial.lead.power"].trail.seed == next_trial_worked.SEED


def test_the_formula_agrees_with_the_simulation(shipped):
    own = shipped.simulated.scenario("plan").rejection
    assert shipped.worked.power == pytest.approx(own.value, abs=4 * own.se)


@pytest.mark.parametrize(
    "changes",
    [
        {"accrual": {"rate": 400.0}, "design": {"events": 300}},
        {"arms": {"venetoclax": {"survival": {"cure_fraction": 0.92}}}},
    ],
    ids=["huge accrual", "huge effect"],
)
def test_a_huge_accrual_or_effect_turns_the_answer(changes):
    made = found(changes)
    said = plain(next_trial.lead(made))
    assert said.startswith("Large enough as planned: ")
    assert made.simulated.scenario("plan").rejection.value >= next_trial_worked.TARGET_POWER


def test_what_can_be_shown_and_what_is_needed_reach_the_power(shipped):
    assert shipped.detectable.power == pytest.approx(next_trial_worked.TARGET_POWER, abs=1e-6)
    assert shipped.needed.power == pytest.approx(next_trial_worked.TARGET_POWER, abs=1e-6)
    assert shipped.detectable.n == pytest.approx(shipped.worked.n)
    assert shipped.needed.n > shipped.worked.n


def test_the_answer_names_the_analysis_of_the_trial_needed(shipped, section):
    shown, said = numbers(section), plain(section.lead)
    assert shown["trial.needed.time"].value == shipped.needed.analysis_time
    assert shown["trial.needed.time"].text in said
    assert "one analysis without interim look" in said
    assert shipped.needed.analysis_time == pytest.approx(shipped.needed.accrual_duration + shipped.plan.accrual.follow_up)


def test_trials_that_did_not_end_at_the_latest_date_ended_earlier(shipped):
    own, latest = shipped.simulated.scenario("plan"), shipped.plan.design.latest
    others = own.trials - own.never_reached
    assert 0 < others <= own.rejected_by_look[:-1].sum()
    assert own.duration.value < latest
    assert int(own.stopped_by_look.sum()) == own.trials


def test_both_forms_of_the_effect_meet_at_the_milestone(shipped):
    own = shipped.simulated.scenario("plan").survival_at_milestone
    other = shipped.simulated.scenario("same S at the milestone, proportional hazards").survival_at_milestone
    assert list(other.values()) == pytest.approx(list(own.values()), abs=1e-9)


def test_every_simulated_rate_stands_with_its_standard_error(section):
    names = numbers(section)
    rates = [n for n in names if n.endswith((".reject", ".never")) and n.startswith("trial.scenario")]
    assert len(rates) >= 8
    assert all(f"{name}.mcse" in names for name in rates)
    assert len(everything(section)) > 100


def test_formula_and_simulation_agree_in_every_cell_of_the_maps(shipped):
    for control in (0.5, 0.7):
        for gain in (0.05, 0.25):
            one = next_trial_worked.cell(shipped.plan, next_trial_worked.cures(shipped.plan, control, gain))
            assert one.formula == pytest.approx(one.simulated.value, abs=0.01 + 3 * one.simulated.se)


def test_four_designs_stand_side_by_side_with_their_errors(shipped, section):
    found = shipped.compared
    assert len(found) == 4
    assert found[0].words == "as planned"
    for one in found:
        own, null = one.simulated.scenario("plan").rejection, one.simulated.scenario(next_trial_worked.NULL).rejection
        assert one.result.power == pytest.approx(own.value, abs=0.02 + 3 * own.se)
        assert null.value == pytest.approx(0.025, abs=0.005 + 3 * null.se)
    shown = numbers(section)
    assert sum(name.startswith("trial.design.") and name.endswith(".type1.mcse") for name in shown) == 4


def test_the_true_type_one_error_is_said_and_its_cure_only_where_needed(shipped, section):
    shown = numbers(section)
    assert shown["trial.type1"].value == shipped.error.type1_error.value
    assert shown["trial.type1.mcse"].value == shipped.error.type1_error.se
    assert ("trial.type1.calibrated" in shown) == shipped.error.exceeds


def test_the_endings_of_the_virtual_trials_add_up(shipped):
    (chart,) = next_trial_maps.endings(shipped)
    rows = [row for row in chart.table.rows if isinstance(row, tuple)]
    shares = [row[1].value for row in rows]
    for i in range(0, len(shares), 3):
        assert sum(shares[i : i + 3]) == pytest.approx(1.0)
