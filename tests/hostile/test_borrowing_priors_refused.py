"""Priors: histories that cannot be, contradictory origins, improper posteriors and files of something else; one clear error each."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from nextarm import verbs
from nextarm.borrowing import (
    CureEstimate,
    binary_data,
    commensurate_prior,
    cure_data,
    efs_from_dfs,
    exposure_data,
    induction_term,
    induction_term_of,
    map_prior_binomial,
    map_prior_counts_covariates,
    map_prior_covariates,
    map_prior_cure,
    map_prior_normal,
    map_prior_piecewise,
    map_prior_poisson,
    normalised_power_prior,
    power_prior,
    read_prior,
    require_backbone,
    sam_weight,
)
from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.evidence import load_package
from nextarm.synthesis import half_cauchy, half_normal, uniform

V = np.diag([0.09, 0.04, 0.04])
ONE = CureEstimate("a", np.zeros(3), V)


@pytest.fixture(scope="module")
def package():
    return load_package()


CONTROLS = ("interfant-06-histctrl", "interfant-99-r", "mll03-r")


@pytest.mark.parametrize("arm", CONTROLS)
def test_chemotherapy_alone_never_enters_a_blinatumomab_prior(package, arm):
    assert package.arm(arm).treatment_class.startswith("chemotherapy")
    with pytest.raises(DataError, match="did not have blinatumomab"):
        require_backbone(package, ["blin", arm], "blinatumomab")


def test_the_class_of_treatment_counts_and_not_the_agents_column_alone(package):
    slip = replace(package.arm("interfant-06-histctrl"), agents="blinatumomab")
    arms = tuple(slip if a.arm_id == slip.arm_id else a for a in package.arms)
    with pytest.raises(DataError, match="chemotherapy"):
        require_backbone(replace(package, arms=arms), [slip.arm_id], "Blinatumomab")


def test_every_arm_of_chemotherapy_in_the_package_is_refused_by_the_verb(package):
    """The whole table: no arm without blinatumomab gets through, whatever it reports."""
    through = []
    for arm in package.arms:
        try:
            require_backbone(package, [arm.arm_id], "blinatumomab")
        except DataError:
            continue
        through.append(arm)
    assert {a.arm_id for a in through} >= {"blin"}
    assert all("blinatumomab" in a.agent_names and not a.treatment_class.startswith("chemotherapy") for a in through)


def test_mixed_arms_are_refused_with_and_without_a_backbone():
    for extra in ({}, {"backbone": "blinatumomab"}):
        with pytest.raises((DataError, RefusedError)):
            verbs.prior(arms=("blin", "interfant-06-histctrl"), endpoint="DFS", time=4, **extra)


def test_an_unknown_backbone_is_a_slip(package):
    with pytest.raises(CallError, match="no arm of the package had it"):
        require_backbone(package, ["blin"], "blinatumumab")


@pytest.mark.parametrize("origin", ["diagnosis", "randomisation", "relapse"])
def test_dfs_that_does_not_count_from_remission_is_not_turned_into_efs(origin):
    dfs, term = map_prior_normal([-1.7], [0.4], measure="cloglog"), induction_term(20, 297, remission_at=0.1)
    with pytest.raises(RefusedError, match="must count from remission"):
        efs_from_dfs(dfs, term, time=4.0, time_origin=origin, assume_origin=True)


def test_an_unstated_origin_needs_to_be_assumed_and_that_is_kept():
    dfs, term = map_prior_normal([-1.7], [0.4], measure="cloglog"), induction_term(20, 297, remission_at=0.1)
    with pytest.raises(RefusedError, match="--assume-origin"):
        efs_from_dfs(dfs, term, time=4.0, time_origin="not-stated")
    made = efs_from_dfs(dfs, term, time=4.0, time_origin="not-stated", assume_origin=True)
    assert any("taken to be remission" in a for a in made.trail.assumptions)
    assert any("P(remission)" in a for a in made.trail.assumptions)
    assert made.time == pytest.approx(4.1)


def test_efs_is_never_made_of_an_efs():
    with pytest.raises(CallError, match="turns DFS into EFS"):
        verbs.prior(arms=("blin",), endpoint="OS", time=4, no_remission="20/297", remission_at=0.1)


@pytest.mark.parametrize("text", ["20-297", "twenty/297", "30/20", "-1/20", "2.5/20"])
def test_a_term_that_cannot_be(text):
    with pytest.raises(NextarmError):
        verbs.prior(arms=("blin",), endpoint="DFS", time=4, no_remission=text, remission_at=0.1, assume_origin=True)


def test_an_arm_without_counts_of_remission_says_what_it_counts(package):
    with pytest.raises(RefusedError, match="relapse"):
        induction_term_of(package, "blin", remission_at=0.1)
    with pytest.raises(CallError, match="remission-at"):
        verbs.prior(arms=("blin",), endpoint="DFS", time=4, no_remission="20/297")
    with pytest.raises(CallError, match="remission_at"):
        induction_term(20, 297, remission_at=5.0)


@pytest.mark.parametrize(
    ("events", "years"), [([-1], [3.0]), ([1.5], [3.0]), ([1], [0.0]), ([1], [-2.0]), ([1], [math.nan]), ([math.inf], [1.0])]
)
def test_rates_that_cannot_be(events, years):
    with pytest.raises(DataError):
        map_prior_poisson(events, years)


def test_no_event_anywhere_is_said_and_stays_proper():
    found = map_prior_poisson([0, 0, 0], [10.0, 20.0, 5.0])
    assert any("no event" in w for w in found.warnings)
    assert 0.0 < found.ci.low < found.median < found.ci.high < 0.5


def test_only_events_and_no_events_in_a_beta_history_stay_inside_their_range():
    none, all_ = power_prior(binary_data(0, 40), binary_data(0, 20), a0=1.0), power_prior(binary_data(40, 40), binary_data(20, 20), a0=1.0)
    assert 0.0 < none.parameters[0].low < none.parameters[0].high < 0.1
    assert 0.9 < all_.parameters[0].low < all_.parameters[0].high < 1.0
    for found in (commensurate_prior(binary_data(0, 40), binary_data(20, 20)), commensurate_prior(binary_data(40, 40), binary_data(0, 20))):
        assert 0.0 <= found.parameters[0].low < found.parameters[0].mean < found.parameters[0].high <= 1.0


def test_improper_priors_of_tau_are_refused():
    with pytest.raises(RefusedError, match="too few"):
        map_prior_poisson([3], [10.0], tau=uniform())
    with pytest.raises(RefusedError, match="too few"):
        map_prior_cure([ONE], tau_cure=uniform())
    with pytest.raises(RefusedError, match="proper"):
        commensurate_prior(binary_data(3, 10), binary_data(3, 10), tau=uniform())
    with pytest.raises(RefusedError, match="proper"):
        map_prior_piecewise([[3]], [[10.0]], cuts=[], tau=uniform())
    with pytest.raises(RefusedError):
        map_prior_counts_covariates([3], [10], tau=uniform())


def test_an_improper_first_prior_is_refused():
    for first in ((0.0, 0.0), (-1.0, 2.0), (math.inf, 1.0)):
        with pytest.raises(CallError, match="above 0"):
            normalised_power_prior(binary_data(3, 10), binary_data(3, 10), first=first)
    with pytest.raises(CallError, match="no proper prior"):
        power_prior(cure_data(ONE), a0=0.0)


def test_arms_of_different_kinds_are_not_joined():
    with pytest.raises(CallError, match="one kind"):
        power_prior(binary_data(3, 10), exposure_data(3, 10.0), a0=0.5)
    with pytest.raises(CallError, match="the same in both"):
        power_prior(exposure_data([3, 1], [10.0, 5.0], cuts=[1]), exposure_data([3, 1], [10.0, 5.0], cuts=[2]), a0=0.5)
    with pytest.raises(CallError, match="a0"):
        power_prior(binary_data(3, 10), a0=50)
    with pytest.raises(CallError, match="delta"):
        sam_weight(binary_data(3, 10), binary_data(3, 10), delta=0.0)


@pytest.mark.parametrize("v", [np.zeros((3, 3)), -V, np.full((3, 3), np.nan), np.array([[1.0, 2.0, 0], [0.0, 1.0, 0], [0, 0, 1.0]])])
def test_a_covariance_that_is_none(v):
    with pytest.raises(DataError):
        map_prior_cure([CureEstimate("a", np.zeros(3), v)])


def test_covariates_that_cannot_be():
    y, e = [0.1, 0.2, 0.3], [0.1] * 3
    with pytest.raises(DataError, match="differ"):
        map_prior_covariates(y, e, covariates={"x": [1.0, 1.0, 1.0]}, new={"x": 2.0})
    with pytest.raises(CallError, match="next one"):
        map_prior_covariates(y, e, covariates={"x": [1.0, 2.0, 3.0]}, new={"z": 2.0})
    with pytest.raises(RefusedError):
        map_prior_covariates(y[:1], e[:1], covariates={"x": [1.0]}, new={"x": 2.0})
    with pytest.raises(CallError, match="is not given"):
        map_prior_covariates(y, e, strata=["a", "b", "b"], new_stratum="b", tau={"b": half_normal(0.1)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study,events\na,3\n", "years"),
        ("study,events,years\na,3,0\n", "above 0"),
        ("study,events,years\na,3,5\na,2,5\n", "twice"),
        ("study,events,years\n,3,5\n", "name"),
        ("study,events,years\na,x,5\n", "number"),
        ("study,events,years,colour\na,3,5,red\n", "not known"),
        ("study,events,years\n", "at least one row"),
    ],
)
def test_broken_files_of_rates(tmp_path, text, said):
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        verbs.prior(tmp_path / "h.csv", likelihood="poisson")


def test_studies_at_different_times_are_no_history(tmp_path):
    (tmp_path / "h.csv").write_text("study,events,n,time\na,3,20,2\nb,4,20,5\n")
    with pytest.raises(DataError, match="one time"):
        verbs.prior(tmp_path / "h.csv")


def test_a_prior_file_refuses_what_it_is_not_of(tmp_path):
    made = verbs.prior(arms=("blin",), endpoint="DFS", time=4, backbone="blinatumomab")
    (tmp_path / "prior.json").write_text(made.to_json())
    back = read_prior(tmp_path / "prior.json")
    assert back == made
    back.require(parameter="survival", endpoint="DFS", time=4.0, arm="blin")
    with pytest.raises(RefusedError) as refusal:
        back.require(parameter="event-rate", endpoint="EFS", time=2.0, time_origin="diagnosis", arm="interfant-06")
    assert len(refusal.value.problems) == 5


@pytest.mark.parametrize("change", [{"kind": "MapPrior"}, {"parameter": "colour"}, {"mixture": {"weights": [2.0], "a": [1.0], "b": [1.0]}}])
def test_prior_files_that_were_changed_by_hand(tmp_path, change):
    data = json.loads(verbs.prior(arms=("blin",), endpoint="DFS", time=4).to_json())
    (tmp_path / "prior.json").write_text(json.dumps(data | change))
    with pytest.raises(DataError):
        read_prior(tmp_path / "prior.json")
    with pytest.raises(DataError, match="missing"):
        read_prior(tmp_path / "none.json")


def test_half_cauchy_moments_that_do_not_exist_are_not_given():
    assert map_prior_poisson([0, 5], [40.0, 22.0], tau=half_cauchy(1.0)).tau_sd is None
    assert any("median" in w for w in commensurate_prior(binary_data(3, 10), binary_data(4, 10), tau=half_cauchy(1.0)).warnings)


@pytest.mark.parametrize("scale", [0.05, 0.1])
def test_studies_that_contradict_each_other_under_a_narrow_tau_are_refused(scale):
    """95 of 100 and 10 of 100 under tau ~ half-normal(0.1): the true mean of mu is 0.198 (sums in logarithms); rounding gave 1.257."""
    with pytest.raises(RefusedError, match="contradict each other"):
        map_prior_binomial([95, 10], [100, 100], tau=half_normal(scale))


def test_studies_that_differ_as_far_as_can_be_told_are_kept():
    """Expected: posterior mean of mu and tau by sums in logarithms over a plain grid of mu, tau and each theta."""
    found = map_prior_binomial([95, 10], [100, 100], tau=half_normal(0.25))
    assert found.mu_mean == pytest.approx(0.25456115, abs=1e-6)
    assert found.tau_mean == pytest.approx(0.89209257, abs=1e-6)


@pytest.mark.parametrize(("history", "current"), [((200, 200), (0, 40)), ((50, 50), (0, 10))])
def test_arms_that_contradict_each_other_are_not_borrowed_by_a_narrow_tau(history, current):
    """200 of 200 against 0 of 40 under tau ~ half-normal(0.1): the posterior mean is 0.253 (plain sums); rounding gave 0.002."""
    with pytest.raises(RefusedError, match="contradict each other"):
        commensurate_prior(binary_data(*history), binary_data(*current), tau=half_normal(0.1))
