"""Section 6: its answer turns with the plan, and every simulated number in it is the one the simulation gives."""

from __future__ import annotations

import pytest

from nextarm.evidence import load_package
from nextarm.simulation import simulate
from nextarm.studies.infant_all import next_trial
from studies_example import everything, numbers, plain

TRIALS = 1024


@pytest.fixture(scope="module", autouse=True)
def few_trials():
    patch = pytest.MonkeyPatch()
    patch.setattr(next_trial, "TRIALS", TRIALS)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def shipped():
    return next_trial.work_out(next_trial.shipped_plan())


@pytest.fixture(scope="module")
def section():
    return next_trial.section(load_package())


def found(changes):
    return next_trial.work_out(next_trial.shipped_plan().without("scenario").changed(changes))


def test_the_shipped_plan_is_not_enough_at_its_size(shipped, section):
    said = plain(section.lead)
    assert said == plain(next_trial.lead(shipped))
    assert said.startswith("Not at this size: ")
    assert shipped.simulated.scenario("plan").rejection.value < next_trial.TARGET_POWER


def test_the_power_in_the_answer_is_the_simulated_one(shipped, section):
    own = simulate(next_trial.shipped_plan(), trials=TRIALS, seed=next_trial.SEED).scenario("plan")
    shown = numbers(section)
    for name in ("trial.lead.power", "trial.power", "trial.simulated"):
        assert shown[name].value == own.rejection.value
    assert shown["trial.simulated.mcse"].value == own.rejection.se
    assert shown["trial.lead.power"].text in plain(section.lead)
    assert shown["trial.events"].value == own.events.value
    assert shown["trial.never"].value == own.events_never_reached.value
    assert shown["trial.lead.power"].trail.seed == next_trial.SEED


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
    assert said.startswith("Yes: ")
    assert made.simulated.scenario("plan").rejection.value >= next_trial.TARGET_POWER


def test_what_can_be_shown_and_what_is_needed_reach_the_power(shipped):
    assert shipped.detectable.power == pytest.approx(next_trial.TARGET_POWER, abs=1e-6)
    assert shipped.needed.power == pytest.approx(next_trial.TARGET_POWER, abs=1e-6)
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
