"""Sample size re-estimation in a promising zone, on the Z scale.

At an interim look at ``d1`` of ``d`` planned events the conditional power of the final test is worked out; where it is promising but
below its target, the final events are raised to the smallest of a few levels that reaches the target, or to the highest (Mehta & Pocock
2011, doi 10.1002/sim.4102). The final statistic weighs the two stages as they were planned, w1 Z1 + w2 Z2 with w1^2 = d1 / d and Z2 from
the events after the interim look alone (Cui, Hung & Wang 1999, doi 10.1111/j.0006-341X.1999.00853.x), so that its null distribution does
not depend on how the events were chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextarm.core.errors import CallError
from nextarm.core.units import FloatArray
from nextarm.designs.quadrature import gauss_legendre

#: Standard deviations beyond which the normal density of the interim Z is left out.
_REACH = 9.0


@dataclass(frozen=True)
class PromisingZone:
    """The rule: ``levels`` (events, rising, first those planned) that the trial may end at after a look at ``interim`` events.

    ``critical`` is the bound of the weighted statistic, ``stop_at`` the interim Z that ends the trial with success (infinity: none).
    Promising from conditional power ``promising`` up to ``target``; below ``futility`` the trial stops (0: never). ``drift`` is the mean
    of Z at one event under which conditional power is worked out; None takes the estimate of the interim look.
    """

    interim: int
    levels: tuple[int, ...]
    critical: float
    stop_at: float
    promising: float
    target: float
    futility: float = 0.0
    drift: float | None = None

    @property
    def weights(self) -> tuple[float, float]:
        """The weights of the two stages, fixed by the plan."""
        share = self.interim / self.levels[0]
        return math.sqrt(share), math.sqrt(1.0 - share)

    def conditional_power(self, z: FloatArray | float, *, level: int = 0) -> FloatArray:
        """P(the weighted statistic reaches its bound | interim Z) if the trial ends at ``levels[level]`` events.

        >>> zone = PromisingZone(interim=50, levels=(100, 200), critical=1.959964, stop_at=9.0, promising=0.3, target=0.9)
        >>> round(float(zone.conditional_power(1.4)), 4)
        0.5112
        """
        from scipy.special import ndtr

        return np.asarray(ndtr(self._excess(np.asarray(z, np.float64), level)), np.float64)

    def _excess(self, z: FloatArray, level: int) -> FloatArray:
        w1, w2 = self.weights
        more = self.levels[level] - self.interim
        mean = z * math.sqrt(more / self.interim) if self.drift is None else self.drift * math.sqrt(more)
        return np.asarray(mean - (self.critical - w1 * z) / w2, np.float64)

    def interim_z(self, power: float, *, level: int = 0) -> float:
        """The interim Z with this conditional power at ``levels[level]`` events."""
        from scipy.special import ndtri

        w1, w2 = self.weights
        more, wanted = self.levels[level] - self.interim, float(ndtri(power)) + self.critical / w2
        if self.drift is None:
            return wanted / (math.sqrt(more / self.interim) + w1 / w2)
        return (wanted - self.drift * math.sqrt(more)) * w2 / w1

    def pieces(self) -> tuple[tuple[float, float, int], ...]:
        """Intervals of the interim Z from low to high, each with the level at which the trial ends (-1: at the interim look)."""
        stop, low = (self.interim_z(self.futility) if self.futility > 0.0 else -np.inf), self.interim_z(self.promising)
        edges = [min(max(self.interim_z(self.target, level=k), low), self.stop_at) for k in range(len(self.levels))]
        low, stop = min(low, self.stop_at), min(stop, self.stop_at)
        made = [(-np.inf, stop, -1), (stop, low, 0)]
        upper = low
        for k in range(len(self.levels) - 1, 0, -1):
            top = max(edges[k - 1], upper)
            made.append((upper, top, k))
            upper = top
        made += [(upper, self.stop_at, 0), (self.stop_at, np.inf, -1)]
        return tuple(p for p in made if p[0] < p[1])

    def levels_at(self, z: FloatArray) -> FloatArray:
        """The level of each interim Z, -1 where the trial ends at once."""
        pieces = self.pieces()
        which = np.searchsorted([p[1] for p in pieces[:-1]], z, side="right")
        return np.asarray([p[2] for p in pieces])[which]


@dataclass(frozen=True)
class ZoneOutcome:
    """What the rule does under one truth: probabilities by level (``reject`` and ``ends``), and at the interim look.

    ``power_if_raised`` and ``power_if_not`` are conditional on a promising interim look: with the rule, and had the events stayed;
    None where no look is ever promising.
    """

    reject: float
    success_at_interim: float
    futile_at_interim: float
    ends: FloatArray
    expected_events: float
    promising: float
    power_if_raised: float | None
    power_if_not: float | None


def outcome(zone: PromisingZone, *, mean_interim: float, mean_later: Sequence[float], events: Sequence[float] | None = None) -> ZoneOutcome:
    """The rule under a truth: Z1 has mean ``mean_interim``, the second stage's Z up to each level has mean ``mean_later[level]``.

    Both have variance 1. ``events`` that are seen at each level, where not those planned. The integral over Z1 is by Gauss-Legendre,
    that over the second stage is a normal probability.
    """
    from scipy.special import ndtr

    if len(mean_later) != len(zone.levels):
        raise CallError(f"mean_later of {len(mean_later)} levels", rule=f"must have {len(zone.levels)} values, one a level")
    w1, w2 = zone.weights
    seen = [float(x) for x in (events if events is not None else zone.levels)]
    ends, reject, expected, success, futile = np.zeros(len(seen)), 0.0, 0.0, 0.0, 0.0
    raised = raised_reject = stayed_reject = 0.0
    for low, high, level in zone.pieces():
        share = float(ndtr(high - mean_interim) - ndtr(low - mean_interim))
        if level < 0:
            expected += share * zone.interim
            if high == np.inf:
                success, reject = share, reject + share
            else:
                futile = share
            continue
        a, b = max(low, mean_interim - _REACH), min(high, mean_interim + _REACH)
        ends[level] += share
        expected += share * seen[level]
        if a >= b:
            continue
        nodes, weights = gauss_legendre(np.linspace(a, b, 2 + int(2.0 * (b - a))))
        density = weights * np.exp(-0.5 * (nodes - mean_interim) ** 2) / math.sqrt(2.0 * math.pi)
        need = (zone.critical - w1 * nodes) / w2
        found = float(density @ ndtr(mean_later[level] - need))
        reject += found
        if level > 0:
            raised, raised_reject = raised + share, raised_reject + found
            stayed_reject += float(density @ ndtr(mean_later[0] - need))
    return ZoneOutcome(
        reject=reject, success_at_interim=success, futile_at_interim=futile, ends=ends, expected_events=expected, promising=raised,
        power_if_raised=raised_reject / raised if raised > 0.0 else None, power_if_not=stayed_reject / raised if raised > 0.0 else None,
    )  # fmt: skip


def smallest_valid_promising(share: float, *, most: float, target: float, alpha: float) -> float:
    """The smallest conditional power from which the unweighted final test, too, keeps ``alpha``.

    ``share`` of the planned events at the interim look, ``most`` times the planned events at the most; the events are raised to what
    conditional power ``target`` (by the interim estimate) needs. The smallest interim Z at which the conditional error of the
    unweighted test at the raised events does not exceed that of the planned test (Gao, Ware & Mehta 2008, doi 10.1080/10543400802369053).
    """
    from scipy.special import ndtri

    if not (0.0 < share < 1.0 < most and 0.0 < target < 1.0 and 0.0 < alpha < 0.5):
        raise CallError(
            f"share = {share:g}, most = {most:g}, target = {target:g}", rule="must have 0 < share < 1 < most and 0 < target < 1"
        )
    critical = -float(ndtri(alpha))
    z = np.linspace(0.0, critical / math.sqrt(share), 200_001)[1:]
    need = (critical - z * math.sqrt(share)) / math.sqrt(1.0 - share)
    wanted = share * (1.0 + ((need + float(ndtri(target))) / z) ** 2)
    final = np.clip(wanted, 1.0, most)
    # the conditional error of the unweighted test at ``final`` against that of the planned test
    unweighted = (critical * np.sqrt(final) - z * math.sqrt(share)) / np.sqrt(final - share)
    power = z * math.sqrt((1.0 - share) / share) - need
    valid = (unweighted >= need - 1e-12) & (power < float(ndtri(target)))
    if not valid.any():
        return target
    from scipy.special import ndtr

    return float(ndtr(power[np.argmax(valid)]))
