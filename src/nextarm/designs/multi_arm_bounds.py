"""Several experimental arms against one control, in stages: bounds that keep the family-wise error, and the power (MAMS).

Z of arm k at stage j compares its mean with the shared control's. Arms below the lower bound are dropped; a trial ends when
an arm reaches the upper one. Given the control's path the arms are independent, so the probability that no arm is ever
wrongly declared better is the integral over the control's path of one arm's probability to the power K (Magirr, Jaki & Whitehead
2012, doi 10.1093/biomet/ass002; one stage: Dunnett 1955). The integral is Gauss-Hermite over the control's increments; the arm's own
walk is integrated on Gauss-Legendre nodes between its bounds. Shapes of the bounds at information fraction t:
``pocock`` c, ``obrien-fleming`` c / sqrt(t), ``triangular`` c (1 + t) / (2 sqrt(t)) above and c (3 t - 1) / (2 sqrt(t)) below.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numba
import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray
from nextarm.designs.expected_events import find_root
from nextarm.survival.gauss import legendre_nodes
from nextarm.survival.roots import brentq

Shape = Literal["pocock", "obrien-fleming", "triangular"]
SHAPES: tuple[str, ...] = get_args(Shape)
#: Nodes over each increment of the control's path, by the number of stages; more stages are refused.
_NODES = {1: 64, 2: 32, 3: 18, 4: 12}
_INNER = 28


@record
class MultiArmBounds:
    """Bounds of a multi-arm multi-stage trial on the Z scale, arrays of shape (stages,).

    ``upper`` rejects, ``lower`` drops an arm (equal at the last stage; far below where there is no futility rule);
    ``alpha`` is the family-wise error under the global null; ``error_one`` the chance that one given arm is
    wrongly declared better when it is the only one (bounds as they are).
    """

    arms: int
    fractions: FloatArray
    upper: FloatArray
    lower: FloatArray
    ratio: float
    alpha: float
    error_one: float


def multi_arm_bounds(
    arms: int, *, fractions: FloatArray, alpha: float, shape: Shape = "triangular", futility: float | None = None, ratio: float = 1.0
) -> MultiArmBounds:
    """Bounds for ``arms`` experimental arms with family-wise error ``alpha`` (one-sided) under the global null.

    ``fractions`` (stages,) of the final information, rising to 1; ``futility`` is a constant lower bound on the Z scale
    before the last stage (the triangular shape has its own); ``ratio`` patients of an experimental arm for one of control.

    >>> got = multi_arm_bounds(4, fractions=np.array([0.5, 1.0]), alpha=0.05)
    >>> [round(float(z), 3) for z in got.upper], [round(float(z), 3) for z in got.lower]
    ([2.432, 2.293], [0.811, 2.293])
    """
    t = _checked(arms, fractions, ratio)
    if shape not in SHAPES:
        raise CallError(f"shape = {shape!r}", rule=f"must be one of {', '.join(SHAPES)}")
    if not 0.0 < alpha < 0.5:
        raise CallError(f"alpha = {alpha:g}", rule="must lie between 0 and 0.5 (one-sided)")

    def bounds(c: float) -> tuple[FloatArray, FloatArray]:
        root = np.sqrt(t)
        if shape == "triangular":
            upper, lower = 0.5 * c * (1.0 + t) / root, 0.5 * c * (3.0 * t - 1.0) / root
        else:
            upper = np.full(len(t), c) if shape == "pocock" else c / root
            lower = np.full(len(t), -20.0)
        if futility is not None:
            lower = np.full(len(t), float(futility))
        lower = np.minimum(lower, upper)
        lower[-1] = upper[-1]
        return upper, lower

    def error(c: float) -> float:
        upper, lower = bounds(c)
        return familywise_error(arms, fractions=t, upper=upper, lower=lower, ratio=ratio) - alpha

    upper, lower = bounds(find_root(error, 0.3, 8.0))
    return MultiArmBounds(
        arms=arms, fractions=t, upper=upper, lower=lower, ratio=ratio, alpha=alpha,
        error_one=familywise_error(1, fractions=t, upper=upper, lower=lower, ratio=ratio),
    )  # fmt: skip


def familywise_error(arms: int, *, fractions: FloatArray, upper: FloatArray, lower: FloatArray, ratio: float = 1.0) -> float:
    """P(at least one of ``arms`` is declared better) when none is."""
    t = _checked(arms, fractions, ratio)
    paths, weights = _control_paths(t)
    high, low = _edges(paths, t, upper, ratio), _edges(paths, t, lower, ratio)
    none = _none_rejects(high, low, weights, t, 1.0 / math.sqrt(ratio), arms, *_GL)
    return float(min(max(1.0 - none, 0.0), 1.0))


def multi_arm_power(bounds: MultiArmBounds, *, effect: float, others: float, information: float) -> float:
    """P(the arm with ``effect`` is declared better, at the first stage with any rejection and with the largest Z there).

    Effects are standardised differences of means; the other arms all have ``others`` (the least favourable
    configuration if that is the largest effect that is not worth having). ``information``: control patients at the end.
    """
    t, root = bounds.fractions, math.sqrt(information)
    paths, weights = _control_paths(t)
    high, low = _edges(paths, t, bounds.upper, bounds.ratio), _edges(paths, t, bounds.lower, bounds.ratio)
    won = _wins(high, low, weights, t, 1.0 / math.sqrt(bounds.ratio), effect * root, others * root, bounds.arms, *_GL)
    return float(min(max(won, 0.0), 1.0))


def multi_arm_size(bounds: MultiArmBounds, *, effect: float, others: float, power: float) -> float:
    """Control patients at the end that give ``power`` (a real number; round up by stage).

    :class:`RefusedError` where a million would not do.
    """

    def gap(x: float) -> float:
        return multi_arm_power(bounds, effect=effect, others=others, information=math.exp(x)) - power

    low = high = math.log(8.0 / max(effect, 1e-9) ** 2)  # about 80 % power of one comparison
    while gap(high) < 0.0:
        high += 0.5
        if high > math.log(1e6):
            raise RefusedError(f"power {power:g}", rule="cannot be reached by a million patients", cure="Take a larger effect")
    low = min(low, high - 0.5)
    while gap(low) > 0.0 and low > 0.0:
        low -= 0.5
    return math.exp(float(brentq(gap, low, high, xtol=1e-6)))


def _checked(arms: int, fractions: FloatArray, ratio: float) -> FloatArray:
    t = np.asarray(fractions, np.float64)
    if arms < 1 or arms > 50:
        raise CallError(f"arms = {arms}", rule="must lie between 1 and 50 experimental arms")
    if t.ndim != 1 or not 1 <= len(t) <= max(_NODES) or t[0] <= 0.0 or np.any(np.diff(t) <= 0.0) or abs(t[-1] - 1.0) > 1e-9:
        raise CallError(f"fractions = {t.tolist()}", rule=f"must rise from above 0 to 1 in at most {max(_NODES)} stages")
    if not 0.0 < ratio < 1e3:
        raise CallError(f"ratio = {ratio:g}", rule="must be above 0 patients of an experimental arm for one of control")
    return t


def _control_paths(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The control's standardised partial sums (paths, stages) and the probability of each path."""
    x, w = np.polynomial.hermite_e.hermegauss(_NODES[len(t)])
    w = w / w.sum()
    steps = np.sqrt(np.diff(np.concatenate([[0.0], t])))
    grids = np.meshgrid(*[x] * len(t), indexing="ij")
    weights = np.ones(grids[0].shape)
    for axis in np.meshgrid(*[w] * len(t), indexing="ij"):
        weights = weights * axis
    paths = np.cumsum(np.stack([g.ravel() * s for g, s in zip(grids, steps, strict=True)], axis=1), axis=1)
    keep = weights.ravel() > 1e-14
    return np.ascontiguousarray(paths[keep]), np.ascontiguousarray(weights.ravel()[keep])


def _edges(paths: FloatArray, t: FloatArray, z: FloatArray, ratio: float) -> FloatArray:
    """The arm's partial sum (per unit of root information) at which Z equals ``z`` given each of the control's paths."""
    made: FloatArray = paths + z * np.sqrt(t) * math.sqrt(1.0 + 1.0 / ratio)
    return made


_GL = legendre_nodes(_INNER)


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _tail(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2.0))


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _walk(high: FloatArray, low: FloatArray, t: FloatArray, sd: float, drift: float, x: FloatArray, w: FloatArray) -> FloatArray:
    """P(an arm first crosses its upper edge at each stage), its partial sum being N(drift t, sd^2 t)."""
    out = np.zeros(len(t))
    walk = np.zeros((2, 1))
    walk[1, 0] = 1.0
    before = 0.0
    for j in range(len(t)):
        step = sd * math.sqrt(t[j] - before)
        move = drift * (t[j] - before)
        for i in range(walk.shape[1]):
            out[j] += walk[1, i] * _tail((high[j] - walk[0, i] - move) / step)
        if j < len(t) - 1:
            walk = _carried(walk, low[j], high[j], drift * t[j], sd * math.sqrt(t[j]), move, step, x, w)
        before = t[j]
    return out


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _none_rejects(
    high: FloatArray, low: FloatArray, weights: FloatArray, t: FloatArray, sd: float, arms: int, x: FloatArray, w: FloatArray
) -> float:
    """P(no arm crosses its upper bound), averaged over the control's paths."""
    total = 0.0
    for i in range(len(weights)):
        total += weights[i] * max(0.0, 1.0 - _walk(high[i], low[i], t, sd, 0.0, x, w).sum()) ** arms
    return total


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _wins(
    high: FloatArray,
    low: FloatArray,
    weights: FloatArray,
    t: FloatArray,
    sd: float,
    effect: float,
    others: float,
    arms: int,
    x: FloatArray,
    w: FloatArray,
) -> float:
    """P(the arm with ``effect`` wins), averaged over the control's paths."""
    total = 0.0
    for i in range(len(weights)):
        total += weights[i] * _win(high[i], low[i], t, sd, effect, others, arms, x, w)
    return total


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _win(
    high: FloatArray, low: FloatArray, t: FloatArray, sd: float, effect: float, others: float, arms: int, x: FloatArray, w: FloatArray
) -> float:
    """Stage by stage: the arm crosses at y; no other arm has crossed before or stands above y now."""
    total, crossed = 0.0, 0.0  # crossed: probability that one other arm has crossed before this stage
    mine, other = np.zeros((2, 1)), np.zeros((2, 1))  # nodes and masses of the walks still going on; one node at 0 to start
    mine[1, 0], other[1, 0] = 1.0, 1.0
    before = 0.0
    for j in range(len(t)):
        step = sd * math.sqrt(t[j] - before)
        lift, rise = effect * (t[j] - before), others * (t[j] - before)
        a = max(high[j], effect * t[j] - 8.5 * sd * math.sqrt(t[j]))
        b = effect * t[j] + 8.5 * sd * math.sqrt(t[j])
        if b > a:
            for q in range(len(x)):
                y = 0.5 * (b - a) * x[q] + 0.5 * (a + b)
                density, above = 0.0, 0.0
                for i in range(mine.shape[1]):
                    density += mine[1, i] * math.exp(-0.5 * ((y - mine[0, i] - lift) / step) ** 2)
                for i in range(other.shape[1]):
                    above += other[1, i] * _tail((y - other[0, i] - rise) / step)
                free = max(0.0, 1.0 - crossed - above) ** (arms - 1)
                total += density * free * 0.5 * (b - a) * w[q] / (step * math.sqrt(2.0 * math.pi))
        if j == len(t) - 1:
            break
        for i in range(other.shape[1]):
            crossed += other[1, i] * _tail((high[j] - other[0, i] - rise) / step)
        mine = _carried(mine, low[j], high[j], effect * t[j], sd * math.sqrt(t[j]), lift, step, x, w)
        other = _carried(other, low[j], high[j], others * t[j], sd * math.sqrt(t[j]), rise, step, x, w)
        before = t[j]
    return total


@numba.njit(cache=True)  # type: ignore[misc,unused-ignore]
def _carried(
    walk: FloatArray, low: float, high: float, centre: float, wide: float, move: float, step: float, x: FloatArray, w: FloatArray
) -> FloatArray:
    """The walk's nodes and masses after one more increment, inside the bounds."""
    made = np.zeros((2, len(x)))
    bottom, top = max(low, centre - 8.5 * wide), min(high, centre + 8.5 * wide)
    if top <= bottom:
        return made
    for q in range(len(x)):
        y = 0.5 * (top - bottom) * x[q] + 0.5 * (bottom + top)
        density = 0.0
        for i in range(walk.shape[1]):
            density += walk[1, i] * math.exp(-0.5 * ((y - walk[0, i] - move) / step) ** 2)
        made[0, q] = y
        made[1, q] = density * 0.5 * (top - bottom) * w[q] / (step * math.sqrt(2.0 * math.pi))
    return made
