"""Step and shrunken trends: the search is paid for, shrinking shrinks, a step is found, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.core.errors import CallError, RefusedError
from nextarm.synthesis import StudyEstimate, TrendAlternatives, era_trend, half_normal, trend_alternatives
from nextarm.synthesis.bayes import tau_mixture
from nextarm.synthesis.change_point import _shrunken
from nextarm.synthesis.estimates import scale_all


def cohorts(estimates, se=0.03):
    return [StudyEstimate(label=f"c{i}", estimate=float(s), se=se, year=1990.0 + 3 * i) for i, s in enumerate(estimates)]


def test_finds_the_step_between_the_right_cohorts():
    found = trend_alternatives(cohorts((0.30, 0.31, 0.29, 0.30, 0.46, 0.45, 0.47)))
    assert found.split == 2000.5
    assert found.step == pytest.approx(0.16, abs=0.01)
    assert found.step_ci.low > 0.05
    assert trend_alternatives(cohorts((0.30, 0.31, 0.29, 0.30, 0.30, 0.31, 0.46, 0.45, 0.47, 0.46, 0.46, 0.45))).best == "step"
    assert found.orders == 5040
    assert found.step_p < 0.1
    assert TrendAlternatives.from_json(found.to_json()) == found


def test_searched_p_is_not_small_by_chance():
    random = np.random.default_rng(4)
    p = [trend_alternatives(cohorts(0.4 + 0.03 * random.standard_normal(6))).step_p for _ in range(60)]
    assert np.mean(np.array(p) <= 0.1) <= 0.2
    assert 0.3 < np.mean(p) < 0.7


def test_no_change_is_preferred_when_nothing_changes():
    found = trend_alternatives(cohorts((0.40, 0.41, 0.40, 0.39, 0.40, 0.41, 0.40, 0.40)))
    assert found.best == "no change"
    assert found.step_p > 0.2


def test_shrunken_lies_between_zero_and_the_line():
    rows = cohorts((0.30, 0.33, 0.38, 0.40, 0.45, 0.50), se=0.06)
    found, line = trend_alternatives(rows, margin=0.05), era_trend(rows)
    assert 0.0 < found.shrunken_change < line.change
    wide = trend_alternatives(rows, margin=0.4)
    assert wide.shrunken_change > found.shrunken_change


def test_shrunken_is_bayes_theorem_on_a_grid():
    """Slope and tau on a plain grid, the mean integrated in closed form."""
    used, _ = scale_all(cohorts((0.30, 0.36, 0.38, 0.48)), measure="logit")
    y, v = np.array([u.y for u in used]), np.array([u.v for u in used])
    x = np.array([-0.45, -0.15, 0.15, 0.45])
    change, interval, sd = _shrunken(y, v, x, -0.5, 0.05, "logit", half_normal(0.5), 0.95)
    slopes, taus = np.linspace(-4 * sd, 6 * sd, 1201), np.linspace(1e-4, 2.5, 400)
    posterior = np.zeros(slopes.size)
    for tau in taus:
        w = 1 / (v + tau**2)
        r = y - slopes[:, None] * x
        m = (w * r).sum(axis=1) / w.sum()
        q = (w * (r - m[:, None]) ** 2).sum(axis=1)
        posterior += np.exp(0.5 * np.log(w).sum() - 0.5 * np.log(w.sum()) - 0.5 * q - 0.5 * (tau / 0.5) ** 2)
    posterior *= np.exp(-0.5 * (slopes / sd) ** 2)
    share = np.cumsum(posterior) / posterior.sum()
    from nextarm.synthesis.scales import scale
    from nextarm.synthesis.trend import change_per_decade

    for p, got in ((0.025, interval.low), (0.5, change), (0.975, interval.high)):
        assert change_per_decade(scale("logit"), -0.5, float(np.interp(p, share, slopes))) == pytest.approx(got, abs=5e-4)
    assert tau_mixture(y, v, prior=half_normal(0.5)).weights.sum() == pytest.approx(1.0)


def test_many_cohorts_use_seeded_orders():
    rows = cohorts(np.linspace(0.3, 0.5, 10))
    a, b = trend_alternatives(rows, seed=3), trend_alternatives(rows, seed=3)
    assert a == b
    assert a.orders == 10_000


def test_refusals():
    with pytest.raises(RefusedError, match="change-point"):
        trend_alternatives(cohorts((0.3, 0.4, 0.5)))
    with pytest.raises(RefusedError):
        trend_alternatives([])
    with pytest.raises(CallError):
        trend_alternatives(cohorts((0.3, 0.4, 0.5, 0.5)), margin=0.0)


def test_case_mix_is_adjusted_for_by_name():
    random = np.random.default_rng(1)
    share = random.uniform(0.1, 0.5, 12)
    rows = [
        StudyEstimate(label=f"c{i}", estimate=0.6 - 0.6 * s, se=0.02, year=1990.0 + 2 * i, moderators={"share_under_90_days": float(s)})
        for i, s in enumerate(share)
    ]
    adjusted = era_trend(rows, adjust=("share_under_90_days",), permutations=0)
    assert abs(adjusted.change) < 0.02
    assert adjusted.regression.coefficient("share_under_90_days").p < 0.001


def test_two_cohorts_of_one_label_keep_their_own_years() -> None:
    """Limit: labels say nothing of the line. Before, the last year of a label stood for all, and a missing one was 0."""
    years, levels = (1990, 1993, 1996, 2000, 2004, 2008), (0.30, 0.36, 0.38, 0.40, 0.49, 0.48)

    def rows(labels: str, first: int | None) -> list[StudyEstimate]:
        dated = zip(labels, (first, *years), (0.9, *levels), strict=True)
        return [StudyEstimate(label=label, estimate=s, se=0.04, year=y) for label, y, s in dated]

    apart, alike = era_trend(rows("zabcdef", None)), era_trend(rows("aaaabbb", None))
    assert (apart.k, alike.k) == (6, 6)
    assert alike.change == pytest.approx(apart.change, abs=1e-12)
    assert alike.probabilities == apart.probabilities
    assert [o.row.key for o in alike.trail.left_out] == ["a"]
