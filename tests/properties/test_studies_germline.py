"""Section 5: its answer follows the EFS of the evidence, and it never says more than the rows do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.evidence import Comparison, load_package
from nextarm.report import KeyFigures
from nextarm.studies.infant_all import germline, germline_beside, plan_numbers
from nextarm.synthesis import pool
from studies_example import bundled, everything, few_trials, invented, numbers, plain

SET = germline.POOL_SET


def lead(package) -> str:
    return plain(germline.section(package).lead)


@pytest.fixture(scope="module", autouse=True)
def few():
    """What the section says does not turn with the number of virtual trials; tests/oracle holds the simulated table to its formulas."""
    with few_trials():
        yield


@pytest.fixture(scope="module")
def package():
    return load_package()


@pytest.fixture(scope="module")
def section():
    return bundled("germline")


def test_the_answer_holds_the_pooled_efs_the_largest_cohort_and_both_sizes(package, section):
    found, said = numbers(section), plain(section.lead)
    pooled = germline.outcomes_of(package).pooled
    own = found["germline.pooled"]
    assert (own.value, own.low, own.high) == (pooled.estimate, pooled.ci.low, pooled.ci.high)
    assert found["germline.largest"].value == 0.739
    for name in ("pooled", "largest", "lead.pooled.n", "lead.largest.n", "lead.pooled.years", "lead.largest.years"):
        assert found[f"germline.{name}"].text in said
    assert found["germline.lead.largest.n"].value > found["germline.lead.pooled.n"].value > 300
    assert found["germline.lead.pooled.n"].value == found["germline.two-arm.pooled.10.n"].value
    margin = found["germline.lead.margin"].text
    assert said.startswith(f"Not known, and no randomised trial could rule out a loss of {margin} within 10 years")


def test_it_is_never_called_excellent(section):
    words = " ".join(plain(p) for p in everything(section)).lower()
    assert "excellent" not in words
    assert "74" in words


def test_the_selected_cohort_is_named_and_taken_out(package, section):
    found = germline.outcomes_of(package)
    assert found.pooled.k == found.unselected.k + 1
    assert any("aall0631-g" in out.row.key and "induction" in out.reason for out in found.unselected.trail.left_out)
    shown = numbers(section)
    assert shown["germline.pool.unselected"].value == found.unselected.estimate
    kept = [s for s in found.chosen.studies if "AALL0631" not in s.label]
    assert found.unselected.estimate == pool(kept).estimate


def test_os_is_shown_from_one_cohort_and_not_pooled(section):
    figures = next(b for b in section.blocks if isinstance(b, KeyFigures))
    overall = [n for n, label in figures.items if label.startswith("OS")]
    assert [n.value for n in overall] == [0.872]
    assert len(overall[0].trail.rows) == 1


def test_harm_and_late_effects_stand_beside_it_with_their_caution(package, section):
    found = numbers(section)
    words = " ".join(plain(p) for p in everything(section))
    assert any(n.value == 0.036 for n in found.values())
    assert "had been transplanted" in words
    assert "No row counts late effects of KMT2A-germline infants" in words
    infections = [c.note for c in package.counts if c.arm_id == "aall0631-g"]
    assert infections
    assert all(note in words for note in infections)


def test_a_printed_interval_is_shown_as_printed_and_others_are_ours(package):
    row = next(o for o in package.outcomes if o.arm_id == "mll9698-g" and o.endpoint == "EFS")
    study = next(s for s in germline.outcomes_of(package).pooled.studies if s.row.line == row.line)
    shown = germline._study_row(study, package)
    assert (shown.low, shown.high) == (row.ci_low, row.ci_high) == (0.869, 1.0)
    assert shown.note.endswith(germline.PRINTED)
    own = germline_beside._limits(row)
    assert own is not None
    assert (own.low, own.high) == (0.869, 1.0)
    largest = germline.outcomes_of(package).largest
    assert germline.OURS in germline._study_row(largest, package).trail.method


def test_a_latency_that_was_chosen_is_not_called_evidence(package, section):
    found = numbers(section)
    for key in ("shape", "median"):
        value = found[f"germline.plan.{key}"]
        assert value.trail.rows
        assert "assumption" in value.marks
        assert plan_numbers.standing(value) == "assumption, chosen to agree with evidence"
    assert plan_numbers.standing(found["germline.plan.rate"]) == "evidence"
    assert plan_numbers.standing(found["germline.plan.dropout"]) == "assumption"


def test_high_efs_everywhere_makes_a_trial_possible():
    said = lead(invented([0.97, 0.98, 0.97, 0.98], pool_set=SET, se=0.01))
    assert said.startswith("Not known, but a randomised trial could rule out a loss of ")


def test_a_low_largest_cohort_among_high_ones_makes_it_hang_on_the_control():
    said = lead(invented([0.739, 0.995, 0.995, 0.995, 0.995], pool_set=SET, se=0.004, n=[500, 50, 50, 50, 50]))
    assert "whether a randomised trial could rule out a loss of " in said
    assert "in the largest, Trial A" in said


def test_low_efs_makes_it_impossible():
    assert "no randomised trial could rule out a loss of " in lead(invented([0.6, 0.65, 0.6], pool_set=SET))


def test_one_cohort_is_not_called_pooled():
    said = lead(invented([0.8], pool_set=SET))
    assert "in the only cohort that can be used, Trial A" in said
    assert "pooled" not in said
    assert "largest" not in said


@pytest.mark.parametrize("how", ["no rows", "no precision", "other time"])
def test_without_a_usable_cohort_nothing_is_sized(how):
    made = invented([0.8, 0.9], pool_set=SET, se=None, time=1.0 if how == "other time" else 5.0)
    rows = () if how == "no rows" else tuple(replace(o, n=None) if how == "no precision" else o for o in made.outcomes)
    section = germline.section(replace(made, outcomes=rows))
    assert plain(section.lead) == "Not known: the EFS of no cohort can be pooled, so no trial can be sized either."
    assert not any(name.startswith("germline.two-arm") for name in numbers(section))


def test_a_randomised_comparison_in_the_evidence_changes_the_opening():
    made = invented([0.8, 0.8, 0.8], pool_set=SET)
    row = Comparison(
        comparison_id="x", treated_arm_id="a0", control_arm_id="a1", endpoint="EFS", design="randomised", source_id="made-up", line=2
    )
    assert lead(made).startswith("Not known")
    assert lead(replace(made, comparisons=(row,))).startswith("Compared at random in these infants so far: 1 time(s)")


def test_more_uncertain_cohorts_widen_the_interval_in_the_answer():
    narrow, wide = (numbers(germline.section(invented([0.8] * 4, pool_set=SET, se=se)))["germline.pooled"] for se in (0.02, 0.08))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
