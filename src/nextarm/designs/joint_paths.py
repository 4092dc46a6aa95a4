"""Exact probabilities of watching two proportions together: a response and a toxic event in each patient.

The counts of both grow patient by patient; at look k the trial stops for futility with ``futile[k]`` or fewer responses and for toxicity
with ``toxic[k]`` or more toxic events. The joint law of both counts among the trials still going on is carried from look to look as a
table, so the association between the two is in every number. It is stated as an odds ratio: the four probabilities of a patient follow from
the two margins and it (Plackett 1965, doi 10.1080/01621459.1965.10480807).
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray
from nextarm.designs.binomial_paths import binomial_mass


@record
class JointBounds:
    """At look k, with ``sizes[k]`` patients: stop at ``futile[k]`` or fewer responses (-1: never), or ``toxic[k]`` or more toxic events.

    The last look succeeds where neither holds.
    """

    sizes: tuple[int, ...]
    futile: tuple[int, ...]
    toxic: tuple[int, ...]


@record
class JointPaths:
    """What becomes of a trial under one truth: arrays (looks,) of stopping for futility alone, toxicity alone, and both at once.

    ``success`` is the probability of passing the last look; ``expected_n`` the patients until the end, ``expected_toxic`` the toxic events
    among them.
    """

    futile: FloatArray
    toxic: FloatArray
    both: FloatArray
    success: float
    expected_n: float
    expected_toxic: float


def patient_probabilities(response: float, toxicity: float, *, odds_ratio: float = 1.0) -> tuple[float, float, float, float]:
    """Of one patient: response and toxicity, response alone, toxicity alone, neither.

    >>> tuple(round(p, 6) for p in patient_probabilities(0.4, 0.2))
    (0.08, 0.32, 0.12, 0.48)
    >>> both, response, toxicity, neither = patient_probabilities(0.4, 0.2, odds_ratio=3.0)
    >>> round(both * neither / (response * toxicity), 6), round(both + response, 6)
    (3.0, 0.4)
    """
    for name, value in (("response", response), ("toxicity", toxicity)):
        if not 0.0 <= value <= 1.0:
            raise CallError(f"{name} = {value:g}", rule="must be a probability between 0 and 1")
    if not 0.0 < odds_ratio < math.inf:
        raise CallError(f"odds_ratio = {odds_ratio:g}", rule="must be above 0")
    if abs(odds_ratio - 1.0) < 1e-9:
        both = response * toxicity
    else:
        s = 1.0 + (response + toxicity) * (odds_ratio - 1.0)
        root = math.sqrt(max(s * s - 4.0 * odds_ratio * (odds_ratio - 1.0) * response * toxicity, 0.0))
        both = 2.0 * odds_ratio * response * toxicity / (s + root)
    both = min(max(both, response + toxicity - 1.0, 0.0), response, toxicity)
    return both, response - both, toxicity - both, max(1.0 - response - toxicity + both, 0.0)


def joint_mass(n: int, response: float, toxicity: float, *, odds_ratio: float = 1.0) -> FloatArray:
    """The probabilities of r responses and t toxic events in n patients, (n + 1, n + 1)."""
    both, _, toxic, _ = patient_probabilities(response, toxicity, odds_ratio=odds_ratio)
    responders = binomial_mass(n, response)
    in_responder = both / response if response > 0.0 else 0.0
    in_other = toxic / (1.0 - response) if response < 1.0 else 0.0
    made = np.zeros((n + 1, n + 1))
    for r in range(n + 1):
        made[r] = responders[r] * np.convolve(binomial_mass(r, min(in_responder, 1.0)), binomial_mass(n - r, min(in_other, 1.0)))
    return made


def joint_paths(bounds: JointBounds, response: float, toxicity: float, *, odds_ratio: float = 1.0) -> JointPaths:
    """What ``bounds`` do at a true ``response`` and ``toxicity``.

    >>> got = joint_paths(JointBounds(sizes=(10, 29), futile=(1, 5), toxic=(11, 30)), 0.1, 0.2)
    >>> round(got.success, 4), round(float(got.futile[0]), 4), round(got.expected_n, 3)
    (0.0471, 0.7361, 15.014)
    """
    n, low, high = checked(bounds)
    steps = {int(m): joint_mass(int(m), response, toxicity, odds_ratio=odds_ratio) for m in set(np.diff(n, prepend=0).tolist())}
    return _walk(n, low, high, steps, toxicity)


def _walk(n: IntArray, low: IntArray, high: IntArray, steps: dict[int, FloatArray], toxicity: float) -> JointPaths:
    from scipy.signal import convolve2d

    alive, before, going, expected = np.ones((1, 1)), 0, 1.0, 0.0
    futile, toxic, both = np.zeros(len(n)), np.zeros(len(n)), np.zeros(len(n))
    for k, size in enumerate(n):
        alive = convolve2d(alive, steps[int(size) - before])
        expected += float(size - before) * going
        counts = np.arange(len(alive))
        few, many = (counts <= low[k])[:, None], (counts >= high[k])[None, :]
        futile[k], toxic[k], both[k] = alive[few & ~many].sum(), alive[~few & many].sum(), alive[few & many].sum()
        alive = np.where(few | many, 0.0, alive)
        before, going = int(size), float(alive.sum())
    # each patient entered has the event with the same probability, whatever came before
    return JointPaths(futile=futile, toxic=toxic, both=both, success=going, expected_n=expected, expected_toxic=toxicity * expected)


def checked(bounds: JointBounds) -> tuple[IntArray, IntArray, IntArray]:
    """The bounds as arrays; :class:`CallError` where they cannot be."""
    n, low, high = (np.asarray(x, np.int64) for x in (bounds.sizes, bounds.futile, bounds.toxic))
    if not len(n) == len(low) == len(high) or len(n) == 0:
        raise CallError(
            f"{len(n)} sizes, {len(low)} futile and {len(high)} toxic bounds", rule="must be one of each a look, at least one look"
        )
    if n[0] < 1 or any(b <= a for a, b in itertools.pairwise(n)):
        raise CallError(f"sizes = {n.tolist()}", rule="must be at least 1 and increase")
    if (low < -1).any() or (low >= n).any() or (high < 1).any():
        raise CallError("bounds", rule="futile must lie between -1 and size - 1, toxic be at least 1")
    return n, low, high
