"""The sizes of section 5 against the closed form for complete follow-up, and against each other."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from nextarm.core.trail import Trail
from nextarm.evidence import load_package
from nextarm.studies.infant_all import germline
from nextarm.studies.infant_all.germline_trial import (
    MARGINS,
    Control,
    arms_at,
    cure_fraction_for,
    error_if_taken_as_known,
    margin_shown,
    needed,
    one_arm,
    randomised,
    shipped_plan,
)

Z = NormalDist().inv_cdf


def control(survival: float, se: float = 0.03) -> Control:
    return Control("given", "as given", survival, se, Trail("given"))


@pytest.fixture(scope="module")
def plan():
    return shipped_plan().changed({"accrual": {"dropout_hazard": 0.0}})


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("survival", [0.739, 0.86, 0.95])
def test_with_complete_follow_up_the_size_is_the_binomial_one(plan, survival, margin):
    """n = 4 S (1 - S) (z_alpha + z_power)^2 / margin^2: half in each arm, no true loss."""
    size = randomised(plan, control(survival), margin=margin)
    n = 4 * survival * (1 - survival) * ((Z(0.975) + Z(0.8)) / margin) ** 2
    assert size.result.n == pytest.approx(n, rel=1e-6)
    assert needed(size) == math.ceil(n)
    assert size.result.accrual_duration == pytest.approx(n / 15.0, rel=1e-6)
    assert size.result.analysis_time == pytest.approx(n / 15.0 + 5.0, rel=1e-6)
    assert list(size.result.survival_at_milestone.values()) == pytest.approx([survival, survival], abs=1e-12)


def test_a_true_loss_leaves_less_of_the_margin(plan):
    """With loss d the distance to the margin is margin - d and the reduced arm has its own variance."""
    s, d, margin = 0.86, 0.04, 0.10
    size = randomised(plan, control(s), margin=margin, loss=d)
    n = 2 * (s * (1 - s) + (s - d) * (1 - s + d)) * ((Z(0.975) + Z(0.8)) / (margin - d)) ** 2
    assert size.result.n == pytest.approx(n, rel=1e-6)


def test_the_margin_that_can_be_shown_has_the_power_of_the_plan(plan):
    shown, result = margin_shown(plan, control(0.8), years=10.0)
    assert result.n == pytest.approx(150.0)
    again = randomised(plan, control(0.8), margin=shown)
    assert again.result.n == pytest.approx(150.0, rel=1e-6)
    assert shown == pytest.approx((Z(0.975) + Z(0.8)) * math.sqrt(0.8 * 0.2 * 4 / 150), rel=1e-6)


def test_more_infants_a_year_need_fewer_years_and_no_other_size(plan):
    once, twice = (randomised(plan.changed({"accrual": {"rate": r}}), control(0.86), margin=0.1).result for r in (15.0, 30.0))
    assert once.n == pytest.approx(twice.n, rel=1e-6)
    assert once.accrual_duration == pytest.approx(2 * twice.accrual_duration, rel=1e-6)


def test_an_uncertain_reference_can_leave_no_size(plan):
    """Even 200 years of infants leave the reference's error; the power is that of plain draws of both estimates."""
    s, se, margin = 0.86, 0.05, 0.05
    size = one_arm(plan, control(s, se), margin=margin, known=False)
    assert size.result is None
    assert needed(size) is None
    draws = np.random.default_rng(20261123).standard_normal((2, 400_000))
    n = 15 * 200
    arm = np.clip(s + math.sqrt(s * (1 - s) / n) * draws[0], 1e-9, 1 - 1e-9)
    null = np.clip(s + se * draws[1], 1e-6, 1 - 1e-6) - margin
    usable = null > 0.0
    null = np.where(usable, null, 0.5)
    spread = np.hypot(np.sqrt(null * (1 - null) / n), se) / (null * -np.log(null))
    z = (np.log(-np.log(null)) - np.log(-np.log(arm))) / spread
    assert size.most == pytest.approx(float(np.mean((z >= Z(0.975)) & usable)), abs=0.01)
    assert size.most < 0.8


def test_a_precise_reference_costs_little_more_than_a_known_one(plan):
    known = one_arm(plan, control(0.86), margin=0.10, known=True)
    close = one_arm(plan, control(0.86, 1e-4), margin=0.10, known=False)
    assert close.result.n == pytest.approx(known.result.n, rel=1e-3)
    assert error_if_taken_as_known(plan, known).type1_if_taken_as_known > known.result.type1_error


@pytest.mark.parametrize("survival", [0.2, 0.739, 0.999])
def test_the_cure_fraction_gives_the_survival_asked_for(plan, survival):
    cured = cure_fraction_for(plan, survival)
    made = plan.changed(arms_at(plan, survival))
    assert made.survival_at(5.0)["backbone"] == pytest.approx(survival, abs=1e-12)
    assert 0.0 <= cured <= survival


def test_the_shipped_plan_stands_at_the_pooled_efs_of_the_bundled_evidence():
    pooled = germline.outcomes_of(load_package()).pooled
    at = shipped_plan().survival_at(5.0)
    assert at["backbone"] == at["reduced"] == pytest.approx(pooled.estimate, abs=0.005)
    assert shipped_plan().control == "backbone"


def test_the_trail_of_a_size_holds_the_rows_of_its_control():
    package = load_package()
    options = germline.controls(germline.outcomes_of(package), package)
    assert [c.key for c in options] == ["pooled", "largest"]
    for c in options:
        size = randomised(shipped_plan(), c, margin=0.1)
        assert set(c.trail.rows) <= set(size.trail.rows)
        assert any(f"{100 * c.survival:.1f} %" in words for words in size.trail.assumptions)
    assert options[1].survival == 0.739
    assert options[1].se == pytest.approx(0.036, abs=1e-9)
    assert replace(options[1], survival=0.8).survival == 0.8
