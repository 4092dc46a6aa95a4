"""External comparison with patients: bad files, unaligned clocks, weights that explode. One clear error each, nothing guessed."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from command import fresh, run
from nextarm import verbs
from nextarm.borrowing import (
    Adjustment,
    Baseline,
    anchored_comparison,
    balancing_weights,
    bounding_factor,
    compare_arms,
    compare_patients,
    from_landmark,
    make_covariates,
    match_groups,
    match_to_baseline,
    propensity_scores,
    read_baseline,
    read_covariates,
    resample_comparison,
    sensitivity_array,
    simulated_treatment_comparison,
    stated_drift,
    under_drift,
)
from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.evidence import load_package
from nextarm.survival import make_patients
from nextarm.validation.cases.borrowing_external import group

TREATED = make_patients([1, 2, 5, 5, 5, 5], [1, 0, 0, 0, 0, 0], time_origin="diagnosis")
CONTROL = make_patients([0.5, 1, 2, 3, 5, 5], [1, 1, 1, 0, 0, 0], time_origin="diagnosis")


def frame(n: int = 40, **columns):
    rng = np.random.default_rng(3)
    base = {"time": rng.exponential(3.0, n).round(3) + 0.01, "event": rng.integers(0, 2, n), "age": rng.normal(5, 2, n).round(1)}
    return pl.DataFrame(base | {"cns": rng.integers(0, 2, n)} | columns)


# ---- time origins


@pytest.mark.parametrize(
    ("one", "two", "word"),
    [
        ("not-stated", "not-stated", "--assume-origin"),
        ("diagnosis", "not-stated", "--origin"),
        ("diagnosis", "transplant", "landmark"),
    ],
)
def test_two_sources_need_one_stated_origin(one, two, word):
    with pytest.raises(RefusedError) as error:
        verbs.compare_patients(frame(), frame(), milestones=(1,), treated_origin=one, control_origin=two)
    assert word in str(error.value)


def test_assuming_the_origin_is_recorded_and_shown():
    found = verbs.compare_patients(frame(), frame(), milestones=(1,), assume_origin=True, cure_model=None)
    assert any("assumed equal on the user's word" in a for a in found.trail.assumptions)
    assert any("assumed equal" in w for w in found.warnings)


def test_two_arms_of_one_file_run_with_the_origin_not_stated_and_marked():
    both = frame(arm=["new", "old"] * 20)
    found = verbs.compare_patients(both, arm="new", control_arm="old", milestones=(1,), cure_model=None)
    assert found.origin == "not-stated"
    assert any("one source and are taken to share it" in a for a in found.trail.assumptions)
    assert any("whether chance made these groups is for it to say" in a for a in found.trail.assumptions)
    assert not any("not randomised" in a for a in found.trail.assumptions)
    assert "the source does not say where time starts" in found.warnings


def test_arms_of_the_evidence_across_sources_are_refused_without_assume_origin():
    package = load_package()
    with pytest.raises(RefusedError, match="assume-origin"):
        compare_arms(package, treated="blin", control="mll03-r", endpoint="OS", time=4)
    found = compare_arms(package, treated="blin", control="interfant-06-histctrl", endpoint="DFS", time=4)
    assert "time origin not stated" in found.trail.assumptions[0]


def test_a_landmark_aligns_and_is_recorded():
    found = verbs.compare_patients(
        frame(), frame(), milestones=(1,), treated_origin="remission", control_origin="diagnosis", landmark_control=0.1, cure_model=None
    )
    assert found.origin == "remission"
    assert any("landmark at 0.1 years after diagnosis" in a for a in found.trail.assumptions)
    with pytest.raises(RefusedError, match="nobody"):
        from_landmark(CONTROL, 50.0)
    with pytest.raises(CallError):
        verbs.compare_patients(frame(), frame(), landmark_control=-1.0, assume_origin=True)


def test_a_landmark_drops_exactly_those_who_fell_before_it():
    kept = from_landmark(CONTROL, 1.0)
    assert kept.time.tolist() == [1.0, 2.0, 4.0, 4.0]
    assert kept.event.tolist() == [1, 0, 0, 0]


def test_immortal_time_is_warned_of():
    late = make_patients([3.0] * 30, [0] * 30, time_origin="diagnosis")
    early = make_patients([0.2] * 15 + [5.0] * 15, [1] * 15 + [0] * 15, time_origin="diagnosis")
    found = compare_patients(late, early, milestones=(1.0,), cure_model=None)
    assert any("immortal" in w for w in found.warnings)


# ---- degenerate outcomes


def test_no_events_in_a_group_gives_no_hazard_ratio_and_says_why():
    none = make_patients([5.0] * 8, [0] * 8, time_origin="diagnosis")
    found = compare_patients(none, CONTROL, milestones=(2.0,))
    assert found.hazard_ratio is None
    assert found.cure is None
    assert found.milestones[0].cumulative_hazard_ratio is None
    assert any("no events" in w for w in found.warnings)
    both = compare_patients(none, none, milestones=(2.0,))
    assert both.milestones[0].difference == 0.0
    assert any("either group" in w for w in both.warnings)
    found.to_json()


def test_all_events_and_one_patient_are_answered_or_refused_in_words():
    everyone = make_patients([1.0, 2.0, 3.0], [1, 1, 1], time_origin="diagnosis")
    found = compare_patients(everyone, CONTROL, milestones=(4.0,), tau=3.0, cure_model=None)
    assert found.milestones[0].treated.survival == 0.0
    alone = make_patients([4.0], [0], time_origin="diagnosis")
    assert compare_patients(alone, CONTROL, milestones=(2.0,), cure_model=None).milestones[0].treated.survival == 1.0
    with pytest.raises(RefusedError, match="beyond the follow-up"):
        compare_patients(alone, CONTROL, milestones=(4.5,), cure_model=None)


@pytest.mark.parametrize(
    "call",
    [
        lambda: compare_patients(TREATED, CONTROL, milestones=(0.0,)),
        lambda: compare_patients(TREATED, CONTROL, milestones=(float("nan"),)),
        lambda: compare_patients(TREATED, CONTROL, tau=-1.0),
        lambda: compare_patients(TREATED, CONTROL, level=95),
        lambda: compare_patients(TREATED, CONTROL, cure_model="weibull"),
        lambda: compare_patients(TREATED, CONTROL, adjust=Adjustment(treated=make_covariates({"x": [1.0] * 6}))),
        lambda: compare_patients(
            TREATED, CONTROL, adjust=Adjustment(treated=make_covariates({"x": [1.0]}), baseline=(Baseline(covariate="x", mean=1.0),))
        ),
        lambda: verbs.compare_patients(frame()),
        lambda: verbs.compare_patients(frame(), arm="all", control_arm="all"),
        lambda: verbs.compare_patients(frame(arm=["a", "b"] * 20), frame(), assume_origin=True),
        lambda: verbs.compare_patients(frame(), frame(arm=["a", "b"] * 20), assume_origin=True),
        lambda: verbs.compare_patients(frame(), frame(), adjust=("age",), baseline=pl.DataFrame({"covariate": ["age"], "mean": [5.0]})),
        lambda: resample_comparison(TREATED, CONTROL, replicates=5),
        lambda: bounding_factor(0.5),
        lambda: stated_drift(float("nan"), 0.1),
        lambda: stated_drift(0.1, -0.1),
        lambda: simulated_treatment_comparison(*group("treated"), [Baseline(covariate="age", mean=5.0)], CONTROL, milestones=()),
    ],
)
def test_calls_outside_the_domain(call):
    with pytest.raises(CallError):
        call()


def test_a_bootstrap_that_mostly_fails_is_refused():
    few = make_patients([1.0, *[5.0] * 9], [1, *[0] * 9], time_origin="diagnosis")
    with pytest.raises(RefusedError, match="replicates"):
        resample_comparison(few, few, replicates=100)


# ---- weights


def test_weights_that_explode_are_refused_below_the_stated_size():
    x = make_covariates({"age": [*np.linspace(0, 5, 39), 20.0]})
    with pytest.raises(RefusedError) as error:
        match_to_baseline(x, [Baseline(covariate="age", mean=17.0)])
    assert "explode" in str(error.value)
    assert "below 10" in str(error.value)
    allowed = match_to_baseline(x, [Baseline(covariate="age", mean=17.0)], least_size=1.0)
    assert any("set to 1" in w for w in allowed.warnings)
    assert any("one patient holds" in w for w in allowed.warnings)


def test_targets_outside_what_the_patients_have_are_refused_by_name():
    x = make_covariates({"age": np.linspace(1, 9, 40), "cns": [0, 1] * 20})
    with pytest.raises(DataError, match="outside the patients' 1 to 9"):
        match_to_baseline(x, [Baseline(covariate="age", mean=40.0)])
    line = np.linspace(0, 1, 40)
    with pytest.raises(RefusedError, match="convex hull"):
        balancing_weights(np.column_stack([line, line**2]), np.array([0.5, 0.9]))
    with pytest.raises(RefusedError, match="no weights reach"):
        balancing_weights(np.ones((5, 1)), np.array([2.0]))


def test_percent_given_for_a_proportion_is_named():
    with pytest.raises(DataError, match=r"Write 0\.35 for 35 %"):
        match_to_baseline(make_covariates({"cns": [0, 1] * 20}), [Baseline(covariate="cns", mean=35.0)])


def test_separated_groups_have_no_propensity():
    x = np.r_[np.zeros(10), np.ones(10)][:, None]
    with pytest.raises(RefusedError, match="age alone parts them"):
        propensity_scores(x, np.r_[np.zeros(10), np.ones(10)], names=["age"])
    with pytest.raises(CallError, match="same for all"):
        propensity_scores(np.ones((20, 1)), np.r_[np.zeros(10), np.ones(10)])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"covariate": ["age", "age"], "mean": [1, 2]}, "appears twice"),
        ({"covariate": ["age"], "mean": [""]}, "not a number"),
        ({"covariate": ["age"], "mean": ["five"]}, "not a number"),
        ({"covariate": ["age"], "mean": [5], "sd": [0]}, "deviation of 0"),
        ({"covariate": ["age"], "mean": [5], "sd": [-1]}, "above 0"),
        ({"covariate": ["age"], "mean": [5], "n": [2.5]}, "whole number"),
        ({"covariate": [""], "mean": [5]}, "is empty"),
        ({"name": ["age"], "mean": [5]}, "column 'covariate' is missing"),
        ({"covariate": ["age"], "average": [5]}, "column 'mean' is missing"),
        ({"covariate": [], "mean": []}, "no rows"),
    ],
)
def test_broken_baseline_tables(columns, words):
    with pytest.raises(DataError) as error:
        read_baseline(columns)
    assert words in str(error.value)


def test_every_slip_of_a_baseline_table_is_listed_at_once():
    with pytest.raises(DataError) as error:
        read_baseline({"covariate": ["age", "age", "wbc"], "mean": [1, "x", 2], "sd": ["", "", 0]})
    assert len(error.value.problems) == 3


def test_unknown_missing_and_texty_covariates():
    with pytest.raises(DataError, match="'blasts' is missing"):
        verbs.match(frame(), baseline={"covariate": ["blasts"], "mean": [5]})
    with pytest.raises(DataError, match="Leave these patients out"):
        read_covariates(frame(age=[None, *[1.0] * 39]), ["age"])
    with pytest.raises(DataError, match="0/1 columns"):
        read_covariates(frame(sex=["m", "f"] * 20), ["sex"])
    with pytest.raises(CallError, match="column of the patients table"):
        read_covariates(frame(), ["time"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"baseline": {"covariate": ["age"], "mean": [5]}, "control": frame()},
        {"baseline": {"covariate": ["age"], "mean": [5]}, "method": "propensity"},
        {"baseline": {"covariate": ["age"], "mean": [5]}, "covariates": ("cns",)},
        {"control": frame(), "method": "maic"},
        {"control": frame(), "method": "nearest"},
        {"control": frame(), "estimand": "overlap"},
        {"control": frame(), "covariates": ("age", "age")},
        {"control": pl.DataFrame({"time": [1.0], "event": [1]})},
    ],
)
def test_matches_that_are_not_asked_rightly(options):
    with pytest.raises(CallError):
        verbs.match(frame(), **options)


def test_a_file_is_not_compared_with_itself(tmp_path):
    path = tmp_path / "a.csv"
    frame().write_csv(path)
    with pytest.raises(CallError, match="given twice"):
        verbs.compare_patients(path, tmp_path / "." / "a.csv", assume_origin=True)


def test_one_treated_patient_as_a_target_is_warned_of():
    found = match_groups(make_covariates({"age": [5.0]}), make_covariates({"age": np.linspace(1, 9, 30)}))
    assert any("only 1 treated patient:" in w for w in found.warnings)


def test_one_control_patient_is_too_few_to_weight():
    with pytest.raises(NextarmError):
        match_groups(make_covariates({"age": np.linspace(1, 9, 30)}), make_covariates({"age": [5.0]}))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"common": "placebo"}, CallError),
        ({"published": (0.8, 0.9, 1.1)}, CallError),
        ({"published": (-0.8, -0.9, 1.1)}, CallError),
        ({"method": "bayes"}, CallError),
    ],
)
def test_anchored_comparisons_that_cannot_be(change, error):
    both = frame(60, arm=["A", "C"] * 30)
    options = {"baseline": {"covariate": ["age"], "mean": [5.0]}, "published": (0.8, 0.6, 1.1), "common": "C"}
    with pytest.raises(error):
        verbs.indirect(both, **(options | change))


def test_anchored_comparison_without_events_in_an_arm_is_refused():
    p = make_patients([1.0, 2.0, 3.0, 4.0], [1, 0, 1, 0], arm=["A", "C", "A", "C"])
    x = make_covariates({"age": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(RefusedError, match="no events"):
        anchored_comparison(p, x, [Baseline(covariate="age", mean=2.5)], published=(0.8, 0.6, 1.1), common="C")


def test_biases_need_a_ratio():
    none = make_patients([5.0] * 8, [0] * 8, time_origin="diagnosis")
    point = compare_patients(none, CONTROL, milestones=(2.0,), cure_model=None).milestones[0]
    with pytest.raises(RefusedError):
        sensitivity_array(point)
    with pytest.raises(RefusedError):
        under_drift(point, stated_drift(-0.1, 0.1), years=5)


# ---- the command line


def test_command_line_compares_matches_and_refuses_without_traceback(tmp_path):
    new, old, table = tmp_path / "new.csv", tmp_path / "old.csv", tmp_path / "baseline.csv"
    frame().write_csv(new)
    frame(60).write_csv(old)
    table.write_text("covariate,mean,sd\nage,5.2,1.9\ncns,0.4,\n")
    refused = run("compare", str(new), str(old), "--milestones", "1")
    assert refused.returncode == 5
    assert "--assume-origin" in refused.stderr
    assert "Traceback" not in refused.stderr
    shown = run("compare", str(new), str(old), "--milestones", "1,2", "--origin", "diagnosis", "--json", "--cure-model", "none")
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert [m["time"] for m in found["milestones"]] == [1.0, 2.0]
    weighted = tmp_path / "weighted.csv"
    matched = fresh("match", str(new), "--baseline", str(table), "--weights-out", str(weighted))
    assert matched.returncode == 0, matched.stderr
    assert "effective sample size" in matched.stdout
    weights = pl.read_csv(weighted)
    assert abs(float((weights["weight"] * weights["age"]).sum() / weights["weight"].sum()) - 5.2) < 1e-9
    assert run("compare").returncode == 2
    assert run("match", str(new)).returncode == 2
    assert run("compare", str(tmp_path / "none.csv"), str(old), "--origin", "x").returncode == 3
