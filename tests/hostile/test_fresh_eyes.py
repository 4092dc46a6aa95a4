"""Slips a first user makes: a study twice, percent said of proportions, counts taken for survival, an arm matched to itself."""

from __future__ import annotations

import runpy
import sys

import pytest

from nextarm import verbs
from nextarm.borrowing.alignment import require_one_origin
from nextarm.core.errors import CallError, DataError, RefusedError


def file(tmp_path, text, name="data.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_that_stands_twice_is_told(tmp_path):
    found = verbs.pool(file(tmp_path, "study,estimate,se\nA,0.5,0.05\nA,0.6,0.06\nB,0.7,0.04\n"))
    assert any("A stands 2 times" in w for w in found.warnings)
    counted = verbs.pool(file(tmp_path, "study,events,n\nA,3,40\nA,5,20\nB,2,30\n"), model="binomial-normal")
    assert any("A stands 2 times" in w for w in counted.warnings)


def test_estimates_of_different_times_are_told(tmp_path):
    found = verbs.pool(file(tmp_path, "study,estimate,se,time\nA,0.5,0.05,3\nB,0.6,0.06,6\nC,0.7,0.04,3\n"))
    assert any("3, 6 years: these are not one quantity" in w for w in found.warnings)
    same = verbs.pool(file(tmp_path, "study,estimate,se,time\nA,0.5,0.05,3\nB,0.6,0.06,3\n"))
    assert not any("one quantity" in w for w in same.warnings)


def test_percent_said_of_proportions_is_refused(tmp_path):
    path = file(tmp_path, "study,estimate,se\nA,0.5,0.05\nB,0.6,0.06\n")
    with pytest.raises(DataError, match="Leave --percent out"):
        verbs.pool(path, percent=True)
    curves = tmp_path / "curves"
    curves.mkdir()
    for name in "ab":
        file(curves, "time,survival,at_risk\n0,1,50\n1,0.8,40\n2,0.7,30\n", f"{name}.csv")
    with pytest.raises(DataError, match="Leave --percent out"):
        verbs.pool(curves=curves, percent=True)


def test_counts_beyond_n_are_one_problem_without_advice_on_percent(tmp_path):
    with pytest.raises(DataError) as error:
        verbs.pool(file(tmp_path, "study,events,n\nA,41,40\nB,2,0\n"))
    assert len(error.value.problems) == 2
    assert "percent" not in str(error.value)


def test_semicolons_and_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="semicolons"):
        verbs.pool(file(tmp_path, "study;estimate;se\nA;0,5;0,05\n"))
    with pytest.raises(DataError, match="is a folder"):
        verbs.pool(tmp_path)


def test_counts_too_large_for_a_beta_binomial_are_refused(tmp_path):
    path = file(tmp_path, "study,events,n\nA,300000,400000000\nB,12,1000000\nC,7,7000\n")
    with pytest.raises(RefusedError, match="binomial-normal"):
        verbs.pool(path, model="beta-binomial")
    assert 0.0 < verbs.pool(path, model="binomial-normal").estimate < 0.01


@pytest.mark.parametrize("model", ["combescure", "increments"])
def test_two_curves_are_told_to_be_few(tmp_path, model):
    for name, late in (("a", 0.6), ("b", 0.5)):
        file(tmp_path, f"time,survival,at_risk\n0,1,50\n1,0.8,40\n2,{late},30\n", f"{name}.csv")
    found = verbs.pool(curves=tmp_path, curve_model=model, times=(1, 2))
    assert any("2 studies" in w and "too narrow" in w for w in found.warnings)


def test_counts_of_events_are_not_called_survival(tmp_path):
    path = file(tmp_path, "study,events,n\nA,12,50\nB,9,40\nC,20,60\n")
    assert verbs.prior(path, likelihood="normal").parameter == "event-probability"
    assert verbs.prior(path, likelihood="normal", parameter="survival").parameter == "survival"
    exact = verbs.prior(path)
    assert not any("rounded" in w for w in exact.warnings)
    printed = verbs.prior(file(tmp_path, "study,estimate,n\nA,0.24,50\nB,0.23,40\nC,0.33,60\n", "printed.csv"))
    assert any("rounded" in w for w in printed.warnings)


@pytest.mark.parametrize("word", ["diagnosis", "remission"])
def test_stated_origins_that_contradict_are_refused_whatever_is_assumed(word):
    other = "remission" if word == "diagnosis" else "diagnosis"
    with pytest.raises(RefusedError, match="Align them"):
        require_one_origin(word, other, assume_origin=True)
    assert require_one_origin(word, "not-stated", assume_origin=True).warnings


def test_patients_are_not_matched_to_themselves_nor_to_a_limit_below_one(tmp_path):
    path = file(tmp_path, "time,event,age\n" + "".join(f"{1 + i / 10},1,{i}\n" for i in range(20)))
    with pytest.raises(CallError, match="themselves"):
        verbs.match(path, control=path)
    with pytest.raises(CallError, match="at least 1 patient"):
        verbs.match(path, baseline=file(tmp_path, "covariate,mean\nage,9\n", "base.csv"), least_size=-1)
    with pytest.raises(CallError, match="--adjust"):
        verbs.compare_patients(path, file(tmp_path, path.read_text(), "other.csv"), method="propensity")


def test_the_package_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["nextarm", "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("nextarm", run_name="__main__")
    assert end.value.code == 0
    assert "pool" in capsys.readouterr().out
