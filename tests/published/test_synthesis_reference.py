"""Pooling against metafor (frozen) and the printed reference values: every validation case of the room."""

from __future__ import annotations

import json

import pytest

from nextarm.evidence import load_package
from nextarm.synthesis import half_normal, pool, pool_bayes, pool_evidence, pool_many, select_for_pooling, select_rows
from nextarm.validation.case import OUTSIDE, expected
from nextarm.validation.cases.synthesis import CASES, ten_trials


def test_most_cases_come_from_outside():
    assert sum(c.kind in OUTSIDE for c in CASES) >= 20
    assert len({c.id for c in CASES}) == len(CASES)


def test_ten_metadat_sets_are_frozen_with_their_versions():
    frozen = expected("synthesis_metafor")
    assert len(frozen["pools"]) >= 8
    assert frozen["made_with"]["metafor"] == "3.8.1"


def test_made_up_numbers_are_called_so():
    assert all(study.label.startswith("made-up") for study in ten_trials())


def test_prediction_interval_of_s1_on_both_scales():
    result = pool(ten_trials(), measure="logit")
    assert result.mu_prediction is not None
    assert result.prediction is not None
    assert result.mu_prediction.low == pytest.approx(-0.8050, abs=5e-5)
    assert 0.0 < result.prediction.low < result.estimate < result.prediction.high < 1.0


def test_bundled_kmt2a_r_rows_at_four_years_exactly():
    studies, left_out = select_for_pooling(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=4.0)
    assert {s.label for s in studies} == {"Interfant-99", "JPLSG MLL03"}
    assert any("reports at 6 years, asked for 4" in o.reason for o in left_out)
    assert any("preferred row" in o.reason for o in left_out)


def test_bundled_rows_without_precision_are_shown_not_pooled():
    chosen = select_rows(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=4.5, window=1.5)
    reasons = {o.row.key: o.reason for o in chosen.left_out}
    assert "neither a standard error" in reasons["p9407-r EFS 5 years"]
    assert "neither a standard error" in reasons["ccg1953-r EFS 5 years"]
    assert len(chosen.studies) == 6


def test_pooled_evidence_carries_rule_rows_and_sources():
    result = pool_evidence(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=4.5, window=1.5)
    assert "pool set frontline-kmt2a-r, endpoint EFS" in result.trail.inputs[0]
    assert {r.source_id for r in result.trail.rows} <= {s.source_id for s in result.trail.sources}
    assert any("later cohorts report at earlier times" in w for w in result.warnings)
    marks = {s.label: s.marks for s in result.studies}
    assert "binomial SE" in marks["Interfant-99"]
    assert "secondary" in marks["Interfant-99"]
    assert "derived" in marks["Interfant-06"]
    assert marks["JPLSG MLL-10"] == ()


def test_results_read_back_equal():
    pooled = pool(ten_trials())
    assert type(pooled).from_json(pooled.to_json()) == pooled
    posterior = pool_bayes(ten_trials(), prior=half_normal(0.5))
    assert type(posterior).from_json(posterior.to_json()) == posterior
    assert json.loads(pooled.to_json())["studies"][0]["row"]["key"] == "made-up-A"


def test_table_has_every_study_the_pool_and_the_prediction():
    table = pool(ten_trials()).table()
    assert table["study"].to_list()[-2:] == ["pooled", "prediction"]
    assert table["weight"].head(10).sum() == pytest.approx(1.0)


def test_many_fits_reproduce_s1():
    y = [[s.y for s in pool(ten_trials(), measure="logit").studies]]
    v = [[s.se**2 for s in pool(ten_trials(), measure="logit").studies]]
    many = pool_many(y, v, interval="hartung-knapp")
    assert many.mu[0] == pytest.approx(-0.3595842619, abs=1e-9)
    assert many.se[0] == pytest.approx(0.0789091110, abs=1e-9)
