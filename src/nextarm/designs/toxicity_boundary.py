"""Stopping for toxicity: after how many toxic events among n patients must the trial pause?

``pocock``: at every look the same exact binomial level against the acceptable rate, the largest level with which the whole
sequence of looks crosses with at most probability ``alpha`` when the rate is acceptable (Ivanova, Qaqish & Schell 2005, Biometrics
61:540-545). ``shape`` above 0 bends it towards late stopping as Wang and Tsiatis do (0.5: O'Brien-Fleming).
``bayes``: pause where the posterior probability that the rate exceeds the acceptable one is above ``threshold``, from
a beta prior (Geller et al. 2003). What either does is computed exactly, path by path.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.exact_binomial import smallest_rejecting
from nextarm.designs.looks_in_order import rising_sizes


@record
class ToxicityBoundary:
    """Pause at look k when ``stop_at[k]`` or more of ``sizes[k]`` patients had the event (``sizes[k]`` + 1: never there).

    ``crossing`` is the exact probability of ever pausing at the acceptable rate; ``level`` the common one-sided
    level of ``pocock``, or the posterior threshold of ``bayes``.
    """

    method: str
    sizes: tuple[int, ...]
    stop_at: tuple[int, ...]
    acceptable: float
    level: float
    crossing: float


@record
class ToxicityCharacteristics:
    """What a boundary does at one true rate: ever pausing, pausing before the last look, expected patients and events."""

    rate: float
    crossing: float
    stop_early: float
    expected_n: float
    expected_events: float


def pocock_toxicity_boundary(
    sizes: Sequence[int], *, acceptable: float, alpha: float, shape: float = 0.0, conservative: bool = True
) -> ToxicityBoundary:
    """The boundary with one level at every look that crosses with probability at most ``alpha`` at the acceptable rate.

    ``conservative = False`` gives the next step up instead, which crosses a little more often than alpha.

    >>> got = pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1)
    >>> got.stop_at, round(got.crossing, 3)
    ((8, 13, 18, 22), 0.088)
    """
    n = _checked(sizes, acceptable)
    if not 0.0 < alpha < 1.0:
        raise CallError(f"alpha = {alpha:g}", rule="must lie between 0 and 1")
    if not 0.0 <= shape <= 0.5:
        raise CallError(f"shape = {shape:g}", rule="must lie between 0 (Pocock) and 0.5 (O'Brien-Fleming)")

    def boundary(level: float) -> tuple[int, ...]:
        return tuple(smallest_rejecting(size, acceptable, _bent(level, size / n[-1], shape)) for size in n)

    low, high = 1e-12, 1.0 - 1e-12  # crossing(low) <= alpha < crossing(high)
    if _crossing(n, boundary(low), acceptable) > alpha:
        raise RefusedError(f"alpha = {alpha:g}", rule=f"cannot be kept with looks at {n}")
    while high - low > 1e-12 * max(1.0, high):
        middle = 0.5 * (low + high)
        if _crossing(n, boundary(middle), acceptable) <= alpha:
            low = middle
        else:
            high = middle
        if boundary(low) == boundary(high) or high / low < 1.0 + 1e-9:
            break
    level = low if conservative else high
    stop_at = boundary(level)
    return ToxicityBoundary(
        method="pocock" if shape == 0.0 else f"wang-tsiatis {shape:g}", sizes=n, stop_at=stop_at, acceptable=acceptable, level=level,
        crossing=_crossing(n, stop_at, acceptable),
    )  # fmt: skip


def bayes_toxicity_boundary(
    sizes: Sequence[int], *, acceptable: float, threshold: float, prior: tuple[float, float] = (1.0, 1.0)
) -> ToxicityBoundary:
    """Pause where P(rate > acceptable | data) exceeds ``threshold`` under a beta ``prior`` (events, non-events).

    >>> bayes_toxicity_boundary((3, 6, 9, 12), acceptable=0.2, threshold=0.95).stop_at
    (2, 3, 4, 5)
    """
    from scipy.special import betainc

    n = _checked(sizes, acceptable)
    if not 0.0 < threshold < 1.0:
        raise CallError(f"threshold = {threshold:g}", rule="must be a probability above 0 and below 1")
    a, b = prior
    if not (a > 0.0 and b > 0.0):
        raise CallError(f"prior = ({a:g}, {b:g})", rule="both parameters of a beta prior must be above 0")
    stop_at = []
    for size in n:
        x = np.arange(size + 1)
        over = 1.0 - betainc(a + x, b + size - x, acceptable) > threshold
        stop_at.append(int(np.argmax(over)) if over.any() else size + 1)
    return ToxicityBoundary(
        method="bayes", sizes=n, stop_at=tuple(stop_at), acceptable=acceptable, level=threshold,
        crossing=_crossing(n, tuple(stop_at), acceptable),
    )  # fmt: skip


def toxicity_characteristics(boundary: ToxicityBoundary, rates: Sequence[float]) -> tuple[ToxicityCharacteristics, ...]:
    """The exact behaviour of a boundary at each true rate of ``rates``.

    >>> got = toxicity_characteristics(pocock_toxicity_boundary((20, 40, 60, 75), acceptable=0.2, alpha=0.1), [0.35])[0]
    >>> round(got.crossing, 3), round(got.stop_early, 3), round(got.expected_n, 1)
    (0.911, 0.859, 39.9)
    """
    made = []
    for rate in rates:
        got = path_probabilities(rate, sizes=boundary.sizes, low=[-1] * len(boundary.sizes), high=boundary.stop_at)
        up = got.stop_high
        made.append(
            ToxicityCharacteristics(
                rate=rate,
                crossing=float(up.sum()),
                stop_early=float(up[:-1].sum()),
                expected_n=got.expected_n,
                expected_events=rate * got.expected_n,
            )
        )
    return tuple(made)


def _bent(level: float, fraction: float, shape: float) -> float:
    from scipy.special import ndtr, ndtri

    return level if shape == 0.0 else float(ndtr(ndtri(level) / fraction**shape))


def _crossing(sizes: Sequence[int], stop_at: Sequence[int], rate: float) -> float:
    got = path_probabilities(rate, sizes=sizes, low=[-1] * len(sizes), high=stop_at)
    return float(got.stop_high.sum())


def _checked(sizes: Sequence[int], acceptable: float) -> tuple[int, ...]:
    n = rising_sizes(sizes)
    if not 0.0 < acceptable < 1.0:
        cure = f"Give a proportion, not a percentage: {acceptable / 100:g}" if 1.0 < acceptable <= 100.0 else ""
        raise CallError(f"acceptable = {acceptable:g}", rule="must lie between 0 and 1", cure=cure)
    return n
