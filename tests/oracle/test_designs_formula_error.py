"""How far the power by formula may be off: against the binomial law of both arms, and against trials simulated in plain numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from nextarm.designs import plan_from_data
from nextarm.designs.formula_error import formula_error, formula_warning

CELLS = [
    (s, gain, margin, alpha)
    for s, gain, margin, alpha in itertools.product((0.5, 0.7, 0.9), (0.0, 0.05, 0.14, 0.2, 0.3), (0.0, 0.1, 0.15, 0.2), (0.025, 0.05))
    if s + gain < 0.96 and gain + margin > 0.0
]


def cured(share: float, latency: dict[str, Any]) -> dict[str, Any]:
    return {"survival": {"model": "mixture-cure", "cure_fraction": share, "latency": latency}}


def power(kind: str, patients: int, shares: tuple[float, float], margin: float, alpha: float) -> float:
    """By formula, everybody followed for 4 years or more."""
    latency = {"model": "exponential", "rate": 1.0} if kind == "rmst-difference" else {"model": "weibull", "shape": 4.0, "median": 0.5}
    data = {
        "trial": {"name": "t", "endpoint": "EFS", "milestone": 4.0},
        "accrual": {"rate": patients / 2.0, "duration": 2.0, "follow_up": 4.0},
        "arms": {"control": cured(shares[0], latency), "new": cured(shares[1], latency)},
        "design": {"kind": kind, "margin": margin, "alpha": alpha},
    }
    return plan_from_data(data).evaluate().power


def exact(n: int, shares: tuple[float, float], margin: float, alpha: float) -> float:
    """P(z reaches the quantile) with n in each arm, summed over both binomial counts."""
    from scipy.stats import binom, norm

    x = np.arange(n + 1)
    p = x / n
    gap, variance = p[:, None] - p[None, :] + margin, (p * (1 - p) / n)[:, None] + (p * (1 - p) / n)[None, :]
    variance = np.where(variance > 0.0, variance, margin * (1.0 - margin) / (2 * n))
    z = np.where(variance > 0.0, gap / np.sqrt(np.where(variance > 0.0, variance, 1.0)), 0.0)
    return float((binom.pmf(x, n, shares[1])[:, None] * binom.pmf(x, n, shares[0])[None, :])[z >= norm.isf(alpha)].sum())


@pytest.mark.parametrize("patients", [40, 60, 200])
def test_ours_no_cell_of_the_grid_is_off_by_more_than_is_said_and_one_is_by_nearly_that(patients: int) -> None:
    said = formula_error("S", patients)
    assert said is not None
    worst = max(
        abs(exact(patients // 2, (s, s + gain), margin, alpha) - power("absolute-margin", patients, (s, s + gain), margin, alpha))
        for s, gain, margin, alpha in CELLS
    )
    assert 0.9 * said < worst <= said


@pytest.mark.parametrize("patients", [40, 60])
def test_ours_restricted_means_of_nine_in_ten_cured_are_off_by_nearly_what_is_said(patients: int) -> None:
    said, trials, n = formula_error("RMST", patients), 20_000, patients // 2
    assert said is not None
    g = np.random.default_rng(7)
    arms = []
    for _ in range(2):
        x = np.where(g.random((trials, n)) < 0.9, 4.0, np.minimum(g.exponential(1.0, (trials, n)), 4.0))
        arms.append((x.mean(axis=1), x.var(axis=1) / n))
    (m0, v0), (m1, v1) = arms
    rejects = float(((m1 - m0 + 0.3 >= 1.959964 * np.sqrt(v0 + v1)) & (v0 + v1 > 0.0)).mean())  # without any event there is no z
    off = abs(rejects - power("rmst-difference", patients, (0.9, 0.9), 0.3, 0.025))
    assert 0.6 * said < off <= said + 0.007  # two standard errors of these trials


def test_what_is_said_falls_with_the_size_and_ends() -> None:
    for estimand in ("S", "RMST"):
        bounds = [formula_error(estimand, n) for n in range(40, 600, 10)]  # type: ignore[arg-type]
        assert all(a is not None and b is not None and a >= b for a, b in itertools.pairwise(bounds))
        assert formula_warning(estimand, 600.0) == ()  # type: ignore[arg-type]
        assert "not measured below" in formula_warning(estimand, 30.0)[0]  # type: ignore[arg-type]
    assert "0.055 at 60 patients" in formula_warning("S", 60.0)[0]
