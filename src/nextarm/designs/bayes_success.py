"""How often a Bayesian comparison of S(t) succeeds at its last look, without interim looks: a sum over both arms' estimates.

The Kaplan-Meier estimates are taken as binomial with the patients their expected Greenwood variance is worth, which is exact
when all are followed to the milestone; fractions of a patient are shared between the whole numbers beside them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.binomial_paths import binomial_mass
from nextarm.designs.survival_posterior import beta_posterior, better_than, probability_above

#: Up to so many control patients every count is looked at, beyond only those within this many standard deviations of the expected.
EVERY_COUNT, REACH = 2_000, 8.0
Law = tuple[FloatArray, FloatArray, FloatArray]


def law_of_counts(p: float, n: float) -> Law:
    """Survivors, patients and their probability when S is estimated as from ``n`` patients (not whole) and is ``p``."""
    parts = _whole(n)
    x = np.concatenate([np.arange(m + 1.0) for m, _ in parts])
    size = np.concatenate([np.full(m + 1, float(m)) for m, _ in parts])
    mass = np.concatenate([binomial_mass(m, p) * w for m, w in parts])
    keep = mass > 1e-12
    return x[keep], size[keep], mass[keep] / mass[keep].sum()


def success_one_arm(law: Law, *, prior: FloatArray, null: float, threshold: float) -> float:
    """P(the posterior probability of S > ``null`` exceeds ``threshold``)."""
    x, n, mass = law
    w, a, b = beta_posterior(x, n, prior)
    return float(mass[probability_above(a, b, w, null) > threshold].sum())


def success_two_arms(
    control: tuple[float, float],
    experimental: tuple[float, float],
    *,
    prior: FloatArray,
    experimental_prior: FloatArray,
    threshold: float,
    margin: float,
) -> float:
    """P(the posterior probability of S1 > S0 - ``margin`` exceeds ``threshold``).

    ``control`` and ``experimental`` are (S, patients its estimate is worth).
    """
    from scipy.special import betainc

    total = 0.0
    for n0, w0 in _whole(control[1]):
        reach = REACH * np.sqrt(n0 * control[0] * (1.0 - control[0])) + REACH
        low, high = (0, n0) if n0 <= EVERY_COUNT else (max(0, int(n0 * control[0] - reach)), min(n0, int(n0 * control[0] + reach)))
        mass = binomial_mass(n0, control[0])[low : high + 1]
        for n1, w1 in _whole(experimental[1]):
            k = _fewest(low, high, n0, n1, _key(prior), _key(experimental_prior), threshold, margin)
            inside = (k >= 1) & (k <= n1)
            tail = betainc(np.where(inside, k, 1), np.where(inside, n1 - k + 1, 1), experimental[0])
            total += w0 * w1 * float(mass @ np.where(inside, tail, k <= 0))
    return min(max(total, 0.0), 1.0)


def _whole(n: float) -> list[tuple[int, float]]:
    """The whole numbers beside ``n`` and their shares."""
    low = max(1, int(np.floor(n)))
    share = min(max(n - low, 0.0), 1.0)
    return [(m, w) for m, w in ((low, 1.0 - share), (low + 1, share)) if w > 0.0]


def _key(mixture: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in mixture)


@lru_cache(maxsize=64)
def _fewest(
    low: int, high: int, n0: int, n1: int, prior: tuple[tuple[float, ...], ...], other: tuple[tuple[float, ...], ...],
    threshold: float, margin: float,
) -> IntArray:  # fmt: skip
    """The fewest survivors of ``n1`` that succeed against each of ``low`` to ``high`` of ``n0`` control survivors; n1 + 1: none do.

    With more survivors in the experimental arm its posterior moves up, whatever the prior, so they are found by bisection.
    """
    x0 = np.arange(low, high + 1.0)
    one = beta_posterior(x0, np.full(x0.size, float(n0)), np.array(prior))
    fails, succeeds = np.full(x0.size, -1), np.full(x0.size, n1 + 1)
    while (succeeds - fails > 1).any():
        middle = (fails + succeeds) // 2
        inside = np.clip(middle, 0, n1).astype(np.float64)
        two = beta_posterior(inside, np.full(x0.size, float(n1)), np.array(other))
        good = better_than(threshold, one, two, margin=margin)
        open_still = succeeds - fails > 1
        succeeds = np.where(open_still & good, middle, succeeds)
        fails = np.where(open_still & ~good, middle, fails)
    return np.asarray(succeeds, np.int64)
