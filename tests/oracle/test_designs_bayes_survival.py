"""Bayesian designs of S(t): posteriors against plain integration, the limit of complete follow-up, virtual trials against sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, binom

from nextarm.borrowing import beta_mixture
from nextarm.designs.bayes_success import law_of_counts as law
from nextarm.designs.bayes_success import success_one_arm, success_two_arms
from nextarm.designs.plan import Plan, plan_from_data
from nextarm.designs.survival_posterior import beta_posterior, better_than, effective_counts, probability_above, probability_better
from nextarm.designs.two_proportions_bayes import bayes_region
from nextarm.designs.two_proportions_exact import rejection_probability
from nextarm.simulation import simulate

ROBUST = np.array([[0.8, 18.0, 12.0], [0.2, 1.0, 1.0]])
FLAT = np.array([[1.0, 1.0, 1.0]])
CURE = {"model": "weibull", "shape": 1.3, "median": 0.7}


def plan_of(kind: str, design: dict[str, Any], *, follow_up: float = 2.0) -> Plan:
    def truth(cure: float) -> dict[str, Any]:
        return {"survival": {"model": "mixture-cure", "cure_fraction": cure, "latency": CURE}}

    arms = {"new": truth(0.75)} if kind == "bayes-one-arm" else {"control": truth(0.6), "new": truth(0.75)}
    return plan_from_data(
        {
            "trial": {"name": "t", "endpoint": "EFS", "milestone": 3.0},
            "accrual": {"rate": 40.0, "duration": 2.0, "follow_up": follow_up, "dropout_hazard": 0.01},
            "arms": arms,
            "design": {"kind": kind, "alpha": 0.05, **design},
            "scenario": [{"name": "null", "arms": {"new": truth(0.6)}}],
        }
    )


def test_better_against_plain_integration() -> None:
    x0, n0, x1, n1 = np.array([12.3, 0.0, 30.0]), np.array([20.5, 7.0, 30.0]), np.array([31.0, 9.0, 3.0]), np.array([40.0, 9.0, 8.2])
    control, new = beta_posterior(x0, n0, ROBUST), beta_posterior(x1, n1, FLAT)
    got = probability_better(control, new, margin=0.05)
    for i in range(3):

        def inside(p: float, i: int = i) -> float:
            density = sum(w * beta.pdf(p, a, b) for w, a, b in zip(*(part[i] for part in control), strict=True))
            return float(density * beta.sf(p - 0.05, new[1][i, 0], new[2][i, 0]))

        assert got[i] == pytest.approx(quad(inside, 0.0, 1.0, limit=300, points=[0.05])[0], abs=2e-7)


def test_the_quick_look_decides_as_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    n0, n1 = rng.uniform(5, 60, 3_000), rng.uniform(5, 90, 3_000)
    x0, x1 = n0 * rng.uniform(0, 1, 3_000), n1 * rng.uniform(0, 1, 3_000)
    control, new = beta_posterior(x0, n0, ROBUST), beta_posterior(x1, n1, FLAT)
    one = np.ones((3_000, 1))
    a, b = rng.uniform(20, 300, (2, 3_000, 1))  # shapes for which few nodes do where nothing is near
    for threshold in (0.1, 0.8, 0.975):
        for margin in (0.0, 0.1):
            for first, second in ((control, new), ((one, a, b), (one, 1.1 * a, 0.9 * b))):
                exact = probability_better(first, second, margin=margin) > threshold
                assert (better_than(threshold, first, second, margin=margin) == exact).all()


def test_complete_follow_up_is_the_binomial_design() -> None:
    # Kaplan-Meier without censoring is the binomial share, its Greenwood variance S (1 - S) / n.
    survival = np.array([0.6, 1.0, 0.0])
    x, n = effective_counts(
        survival, survival * (1 - survival) / 30, events=np.array([12.0, 0.0, 30.0]), exposure=np.array([70.0, 90.0, 0.0]), milestone=3.0
    )
    assert x == pytest.approx([18.0, 30.0, 0.0])
    assert n == pytest.approx([30.0, 30.0, 30.0])
    mixture = beta_mixture(ROBUST[:, 0], ROBUST[:, 1], ROBUST[:, 2])
    region = bayes_region(30, 40, control=mixture, threshold=0.95)
    for p0, p1 in ((0.6, 0.6), (0.5, 0.75)):
        got = success_two_arms((p0, 30.0), (p1, 40.0), prior=ROBUST, experimental_prior=FLAT, threshold=0.95, margin=0.0)
        assert got == pytest.approx(rejection_probability(region, p0, p1), abs=1e-9)
    plain = sum(binom.pmf(k, 30, 0.7) for k in range(31) if beta.sf(0.5, 1 + k, 31 - k) > 0.9)
    assert success_one_arm(law(0.7, 30.0), prior=FLAT, null=0.5, threshold=0.9) == pytest.approx(plain, abs=1e-9)


def test_shapes_below_one_are_integrated_to_the_ends() -> None:
    """Jeffreys' prior and nobody alive: two equal posteriors are one half by symmetry; the other value by a sum on the logit axis."""
    one = np.ones((1, 1))
    none = (one, 0.5 * one, 5.5 * one)
    assert probability_better(none, none) == pytest.approx(0.5, abs=1e-6)  # .483 on evenly spread nodes
    z = np.linspace(-80.0, 30.0, 200_001)
    log_p, log_q = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
    mass = np.exp(0.5 * log_p + 5.5 * log_q)
    want = float(mass @ beta.sf(np.exp(log_p), 1.5, 4.5) / mass.sum())
    assert probability_better(none, (one, 1.5 * one, 4.5 * one)) == pytest.approx(want, abs=1e-5)


def test_a_prior_counts_in_a_large_trial() -> None:
    """1,001 patients an arm, control prior of 600 patients: draws of both counts, posteriors by their normal laws."""
    prior = np.array([[1.0, 300.0, 300.0]])
    rng = np.random.default_rng(1)
    x0, x1 = rng.binomial(1001, 0.5, 200_000), rng.binomial(1001, 0.55, 200_000)
    means = (300.0 + x0) / 1601.0, (1.0 + x1) / 1003.0
    spread = means[0] * (1.0 - means[0]) / 1602.0 + means[1] * (1.0 - means[1]) / 1004.0
    drawn = float(((means[1] - means[0]) / np.sqrt(spread) > 1.959964).mean())
    got = success_two_arms((0.5, 1001.0), (0.55, 1001.0), prior=prior, experimental_prior=FLAT, threshold=0.975, margin=0.0)
    assert got == pytest.approx(drawn, abs=0.006)  # .714; without the prior .611


@pytest.mark.parametrize(
    ("kind", "design"), [("bayes-one-arm", {"null_survival": 0.62}), ("bayes-two-arm", {"control_prior": ROBUST.tolist()})]
)
def test_virtual_trials_agree_with_the_sums(kind: str, design: dict[str, Any]) -> None:
    plan = plan_of(kind, {**design, "threshold": 0.95})
    exact: Any = plan.evaluate()
    found = simulate(plan, trials=8_192, seed=3)
    power = found.scenario("plan").rejection
    assert power.value == pytest.approx(exact.power, abs=4 * power.se + 0.01)  # .01: Greenwood's patients are not quite binomial


def test_looks_only_take_away() -> None:
    late = plan_of("bayes-one-arm", {"null_survival": 0.62, "threshold": 0.95})
    watched = plan_of("bayes-one-arm", {"null_survival": 0.62, "threshold": 0.95, "look_times": [2.5, 3.2], "futility": 0.3})
    one, two = simulate(late, trials=4_096, seed=3), simulate(watched, trials=4_096, seed=3)
    assert two.scenario("null").rejection.value <= one.scenario("null").rejection.value
    assert two.scenario("null").duration.value < one.scenario("null").duration.value


def test_drift_shows_both_directions() -> None:
    got: Any = plan_of("bayes-two-arm", {"control_prior": ROBUST.tolist(), "threshold": 0.95}).evaluate()
    errors = [row.type1_error for row in got.drift]
    assert max(errors) > got.type1_error  # a control better than history makes false success likelier
    assert got.power > got.power_without_borrowing  # here history is right


def test_above_is_the_incomplete_beta() -> None:
    w, a, b = beta_posterior(np.array([10.0]), np.array([15.0]), FLAT)
    assert probability_above(a, b, w, 0.5)[0] == pytest.approx(beta.sf(0.5, 11, 6), abs=1e-12)
