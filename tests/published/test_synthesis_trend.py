"""The plateau verdict: walked through the points where it must flip, and on the bundled evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.core.result import Interval
from nextarm.evidence import load_package
from nextarm.synthesis import StudyEstimate, era_trend, judge, select_rows
from nextarm.synthesis.scales import SCALES
from nextarm.synthesis.trend import EraTrend, Probabilities, change_per_decade, slope_at
from nextarm.validation.cases.synthesis import ten_trials

JAPAN = {"JILSG": "Japan", "JPLSG": "Japan"}
SIDES = Probabilities(above=0.6, within=0.3, below=0.1, rise=0.9, prior="given")


def cohorts(slope: float, se: float, k: int = 10, groups: int = 10, year0: float = 1990.0) -> list[StudyEstimate]:
    return [
        StudyEstimate(
            label=f"c{i}", estimate=0.5 + slope * (i - (k - 1) / 2) * 3 / 10, se=se, year=year0 + 3 * i, time=4.0, group=f"g{i % groups}"
        )
        for i in range(k)
    ]


@pytest.mark.parametrize(
    ("low", "high", "conclusion"),
    [
        (0.06, 0.10, "rise above the margin"),
        (0.02, 0.10, "excludes a fall beyond the margin"),
        (-0.04, 0.04, "plateau within the margin"),
        (0.01, 0.04, "plateau within the margin"),
        (-0.10, 0.04, "excludes a rise above the margin"),
        (-0.10, -0.06, "fall beyond the margin"),
        (-0.10, 0.10, "undecided"),
    ],
)
def test_conclusion_follows_the_interval(low, high, conclusion):
    verdict = judge(
        k=10,
        largest_group="a",
        largest_share=0.2,
        change=(low + high) / 2,
        change_ci=Interval(low=low, high=high),
        margin=0.05,
        probabilities=SIDES,
    )
    assert verdict.conclusion == conclusion
    assert ("plateau" in verdict.sentence) == (conclusion == "plateau within the margin")
    assert verdict.rise_shown == (low > 0)


@pytest.mark.parametrize(("k", "share"), [(7, 0.2), (10, 0.5), (8, 0.75)])
def test_few_cohorts_or_one_group_cannot_answer(k, share):
    verdict = judge(
        k=k,
        largest_group="Big",
        largest_share=share,
        change=0.0,
        change_ci=Interval(low=-0.01, high=0.01),
        margin=0.05,
        probabilities=SIDES,
    )
    assert verdict.conclusion == "cannot answer"
    assert "cannot say whether there is a plateau" in verdict.sentence
    assert verdict.lean == "rise above the margin"


def test_eight_cohorts_of_eight_groups_can_answer():
    assert era_trend(cohorts(0.0, 0.02, k=8, groups=8)).verdict.conclusion != "cannot answer"
    assert era_trend(cohorts(0.0, 0.02, k=7, groups=7)).verdict.conclusion == "cannot answer"
    assert era_trend(cohorts(0.0, 0.02, k=8, groups=2)).verdict.conclusion == "cannot answer"


def test_a_wide_interval_is_no_plateau_and_a_narrow_one_is():
    wide, narrow = era_trend(cohorts(0.0, 0.15), permutations=99), era_trend(cohorts(0.0, 0.01), permutations=99)
    assert wide.p is not None
    assert wide.p > 0.05
    assert wide.verdict.conclusion == "undecided"
    assert "plateau" not in wide.verdict.sentence
    assert narrow.verdict.conclusion == "plateau within the margin"
    assert narrow.equivalence_p is not None
    assert narrow.equivalence_p < 0.05


def test_a_steep_rise_is_called_a_rise():
    trend = era_trend(cohorts(0.12, 0.01), permutations=99)
    assert trend.verdict.conclusion == "rise above the margin"
    assert trend.verdict.rise_shown
    assert trend.change == pytest.approx(0.12, abs=0.01)
    assert trend.probabilities is not None
    assert trend.probabilities.above > 0.99


def test_a_fall_mirrors_a_rise():
    up, down = (
        era_trend(cohorts(0.08, 0.02), measure="logit", permutations=0),
        era_trend(cohorts(-0.08, 0.02), measure="logit", permutations=0),
    )
    assert up.change == pytest.approx(-down.change)
    assert up.probabilities.above == pytest.approx(down.probabilities.below)
    assert up.equivalence_p == pytest.approx(down.equivalence_p)


def test_margin_decides():
    close = cohorts(0.0, 0.03)
    assert era_trend(close, margin=0.30, permutations=0).verdict.conclusion == "plateau within the margin"
    assert era_trend(close, margin=0.01, permutations=0).verdict.conclusion == "undecided"


def test_equivalence_test_agrees_with_the_90_percent_interval():
    for se in (0.02, 0.03, 0.04, 0.05, 0.08):
        trend = era_trend(cohorts(0.01, se), level=0.90, permutations=0)
        inside = -trend.margin < trend.change_ci.low and trend.change_ci.high < trend.margin
        assert inside == (trend.equivalence_p < 0.05)


@pytest.mark.parametrize("on", SCALES, ids=lambda s: s.name)
def test_slope_and_change_are_inverse(on):
    level = on.forward(0.4)
    for change in (-0.2, -0.05, 0.0, 0.05, 0.2):
        assert change_per_decade(on, level, slope_at(on, level, change)) == pytest.approx(change, abs=1e-12)


def test_two_cohorts_and_none():
    for few in (cohorts(0.0, 0.05, k=2), []):
        trend = era_trend(few)
        assert trend.change is None
        assert trend.verdict.conclusion == "cannot answer"
        assert EraTrend.from_json(trend.to_json()) == trend


def test_undated_cohorts_are_left_out_with_the_reason():
    dated = cohorts(0.0, 0.05)
    trend = era_trend([*dated[:-1], replace(dated[-1], year=None)], permutations=0)
    assert trend.k == 9
    assert any("mid-year of enrolment not known" in o.reason for o in trend.trail.left_out)


def test_bundled_evidence_cannot_answer_and_says_what_is_missing():
    chosen = select_rows(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=None, group_of=JAPAN)
    trend = era_trend(chosen.studies, base=chosen.trail())
    assert trend.k == 6
    assert trend.verdict.conclusion == "cannot answer"
    assert any(m.startswith("p9407-r") for m in trend.verdict.missing)
    assert any("different times" in r for r in trend.verdict.reasons)
    assert EraTrend.from_json(trend.to_json()) == trend


def test_within_group_stories_differ():
    chosen = select_rows(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=None, group_of=JAPAN)
    groups = {g.group: g for g in era_trend(chosen.studies).groups}
    assert groups["Interfant"].cohorts == ("Interfant-99", "Interfant-06")
    assert abs(groups["Interfant"].steps[0].difference) < 0.01
    assert groups["Japan"].cohorts == ("MLL96 and MLL98", "JPLSG MLL03", "JPLSG MLL-10")
    last = groups["Japan"].steps[-1]
    assert last.difference == pytest.approx(0.662 - 0.432)
    assert last.ci.low > 0
    assert not last.same_time


def test_adjusting_for_the_time_removes_the_caveat():
    chosen = select_rows(load_package(), pool_set="frontline-kmt2a-r", endpoint="EFS", time=None, group_of=JAPAN)
    trend = era_trend(chosen.studies, adjust=("time",), permutations=0)
    assert not any("different times" in r for r in trend.verdict.reasons)


def test_trend_of_s1_is_the_regression_of_s1():
    trend = era_trend(ten_trials(), measure="logit", interval="hartung-knapp", permutations=0)
    assert trend.p == pytest.approx(0.1358, abs=5e-5)
    assert trend.regression.coefficient("year").estimate == pytest.approx(0.1321260248, abs=1e-9)
