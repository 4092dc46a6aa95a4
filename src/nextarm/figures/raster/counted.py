"""How many censorings each mark may stand for: what the ink shows, what may hide behind it, and what the numbers at risk leave.

Marks that coincide leave the ink of one. How many hide is expected from how densely marks lie
(:mod:`~nextarm.figures.raster.stretches`); and between two printed numbers at risk it is nearly known: of the patients lost,
those of the drops are deaths, :math:`D = \\sum_j n(t_j)(1 - S_j / S_{j-1})`, and the rest are censored. With M marks seen, E
further ones expected behind them and U where nothing could be seen (Poisson), and C left by the table (normal error), the number
k of those not seen is the mode of :math:`(E + U)^k / k! \\cdot \\exp(-(C - M - k)^2 / 2 s^2)`. The share E / (E + U) of them hides
behind the marks, each with what it was expected to hide. Nothing is placed where no mark was seen.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from nextarm.core.result import record
from nextarm.figures.raster.panel import Floats
from nextarm.figures.reading import CurveReading

#: Error of the number of deaths between two printed numbers: of itself, as a share of the deaths, as patients.
SHARE, LEAST_ERROR = 0.02, 0.6
#: Hidden marks that are possible with this probability are within the interval of a mark.
POSSIBLE = 0.025
#: Smallest number of hidden marks that may be expected where some may tie (times in whole days or months).
TIES = 0.05


@record
class Counted:
    """For each mark the largest number of censorings it may stand for; and by how many the marks seen exceed what the table leaves."""

    high: NDArray[np.int64]
    beyond: int


def largest_counts(ticks: Floats, seen: NDArray[np.int64], extra: Floats, curve: CurveReading, *, blind: Floats, missed: Floats) -> Counted:
    """Largest numbers of censorings.

    Args:
        ticks: times of the marks, rising (the unit of ``curve``). seen: how many are seen at each. extra: how many more are to be
            expected there. curve: with its drops and its numbers at risk (NaN where blank). blind, missed: times at which no mark
            could be seen, and how many are to be expected there.
    """
    hidden = np.asarray(extra, float).copy()
    beyond = 0
    known = np.flatnonzero(np.isfinite(curve.at_risk))
    for a, b in itertools.pairwise(known.tolist()):
        start, stop = float(curve.at_risk_times[a]), float(curve.at_risk_times[b])
        here = (ticks >= start) & (ticks < stop)
        if not here.any():
            continue
        left, error = censored_between(curve, start, stop, float(curve.at_risk[a]), float(curve.at_risk[b]), ticks[here])
        most = int(seen[here].sum())
        behind = max(float(hidden[here].sum()), TIES)
        unseen = float(missed[(blind >= start) & (blind < stop)].sum())
        k = hidden_number(behind + unseen, left - most, error) * behind / (behind + unseen)
        hidden[here] = k * (hidden[here] + 1e-9) / (hidden[here] + 1e-9).sum()
        beyond += max(0, int(np.floor(most - left - 2 * error)))
    return Counted(high=seen + quantile(hidden), beyond=beyond)


def censored_between(curve: CurveReading, start: float, stop: float, before: float, after: float, ticks: Floats) -> tuple[float, float]:
    """How many are censored from ``start`` until ``stop``, between which ``before`` at risk become ``after``; and its error."""
    inside = (curve.time >= start) & (curve.time < stop) & (curve.time > 0)
    k = np.flatnonzero(inside)
    k = k[k > 0]
    if not k.size:
        return max(0.0, before - after), LEAST_ERROR
    earlier = np.maximum(curve.survival[k - 1], 1e-9)
    falls = 1.0 - curve.survival[k] / earlier
    lost = before - after
    ahead = np.searchsorted(ticks, curve.time[k], side="left") / max(1, ticks.size)
    deaths = float(before * falls.sum())
    for _ in range(6):  # who is at risk at a drop depends on how many were censored before it
        censored = max(0.0, lost - deaths)
        n = before - censored * ahead
        dead = np.zeros(k.size)
        gone = 0.0
        for j in range(k.size):
            dead[j] = max(0.0, n[j] - gone) * falls[j]
            gone += dead[j]
        deaths = float(dead.sum())
    error_s = float(np.median(curve.band)) if curve.band.size else 0.0
    error = np.hypot(LEAST_ERROR, np.hypot(SHARE * deaths, before * 0.7 * error_s / max(float(earlier[-1]), 1e-6)))
    return max(0.0, lost - deaths), float(error)


def hidden_number(expected: float, left: float, error: float) -> int:
    """Most likely number of hidden marks: Poisson with mean ``expected``, seen as ``left`` with normal ``error``."""
    numbers = np.arange(0, max(1, int(np.ceil(max(left, expected) + 4 * error))) + 1)
    logs = np.cumsum(np.r_[0.0, np.log(np.maximum(numbers[1:], 1))])
    score = numbers * np.log(expected) - logs - 0.5 * ((left - numbers) / error) ** 2
    return int(numbers[int(np.argmax(score))])


def quantile(mean: Floats) -> NDArray[np.int64]:
    """Largest number with a probability of at least ``POSSIBLE`` to be reached, of Poisson numbers."""
    from scipy.stats import poisson

    return np.asarray(poisson.ppf(1 - POSSIBLE, np.maximum(mean, 1e-12)), np.int64)
