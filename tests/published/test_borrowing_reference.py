"""The borrowing room against printed numbers and frozen programs: every validation case, and the domain's own anchor."""

from __future__ import annotations

import pytest

from nextarm.borrowing import comparable_landmarks, compare_arms, fit_mixture, map_prior_binomial, tipping_point
from nextarm.evidence import load_package
from nextarm.validation.case import OUTSIDE, expected
from nextarm.validation.cases.borrowing import AS_EVENTS, AS_N, CASES


def test_at_least_twelve_cases_come_from_outside():
    assert sum(c.kind in OUTSIDE for c in CASES) >= 12
    assert len({c.id for c in CASES}) == len(CASES)


def test_frozen_numbers_say_what_made_them():
    assert expected("borrowing")["made_with"]["metafor"] == "3.8.1"


def test_exact_quadrature_of_the_response_rate():
    """The project's reference list, P7: three grid levels of an independent quadrature agree to 2e-4; tolerance 5e-4."""
    found = map_prior_binomial(AS_EVENTS, AS_N)
    got = (found.mu_mean, found.mu_sd, found.tau_mean, found.tau_sd, found.mean, found.sd, found.ci.low, found.median, found.ci.high)
    assert got == pytest.approx((-1.1037, 0.1893, 0.3794, 0.2106, 0.2583, 0.0874, 0.1109, 0.2486, 0.4712), abs=5e-4)


def test_automixfit_lands_near():
    """RBesT's automixfit of its own draws: ELIR 37.6, moment 24.4 (P7); ours from the exact prior, so only near."""
    from nextarm.borrowing import effective_sample_size

    fit = fit_mixture(map_prior_binomial(AS_EVENTS, AS_N))
    assert effective_sample_size(fit.mixture) == pytest.approx(37.6, rel=0.05)
    assert effective_sample_size(fit.mixture, method="moment") == pytest.approx(24.4, rel=0.05)


PRINTED = {  # P11: treated, control with printed limits, at two data locks
    ("DFS", 2.0): ((0.816, 0.608, 0.920), (0.494, 0.425, 0.560)),
    ("OS", 2.0): ((0.933, 0.759, 0.983), (0.658, 0.589, 0.718)),
    ("DFS", 4.0): ((0.833, 0.645, 0.927), (0.440, 0.370, 0.508)),
    ("OS", 4.0): ((0.933, 0.759, 0.983), (0.602, 0.530, 0.667)),
}


@pytest.mark.parametrize("key", PRINTED, ids=lambda k: f"{k[0]}-{k[1]:g}")
def test_blinatumomab_against_its_historical_control(key):
    endpoint, time = key
    found = compare_arms(load_package(), endpoint=endpoint, time=time)
    for arm, printed in zip((found.treated, found.control), PRINTED[key], strict=True):
        assert (arm.survival, arm.ci.low, arm.ci.high) == printed
        assert arm.limits_basis == "printed"
        assert "time origin not stated" in arm.row.marks
    assert found.difference == pytest.approx(PRINTED[key][0][0] - PRINTED[key][1][0], abs=1e-12)
    assert found.difference_ci.low > 0.0
    assert found.ratio_ci.high < 1.0


def test_four_year_dfs_by_hand():
    found = compare_arms(load_package())
    low = 0.393 - ((0.833 - 0.645) ** 2 + (0.508 - 0.440) ** 2) ** 0.5
    high = 0.393 + ((0.927 - 0.833) ** 2 + (0.440 - 0.370) ** 2) ** 0.5
    assert (found.difference_ci.low, found.difference_ci.high) == pytest.approx((low, high), abs=1e-12)
    tip = tipping_point(found)
    assert tip.points_tips == pytest.approx(low, abs=1e-12)
    assert tip.control_survival_at_ratio_tips == pytest.approx(0.44**tip.ratio_tips, abs=1e-12)


def test_data_locks_are_kept_apart():
    locks = {(e, t): lock for e, t, lock in comparable_landmarks(load_package(), treated="blin", control="interfant-06-histctrl")}
    assert locks[("DFS", 2.0)] != locks[("DFS", 4.0)]
    assert len(locks) == 4
