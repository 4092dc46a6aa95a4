"""The slow, plain twin of the kernel: the same sums with dictionaries, without windows, without compiled code.

Also :func:`every_way`, which lists all ways of a tiny problem with their exact product-limit survival; the kernel's merging of
survival by two moments is measured against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import AT_LEAST, BETWEEN
from nextarm.patients.chain import CENSOR, DEATH, READ

#: As in the kernel.
STRAY = 1e-12


@dataclass(frozen=True)
class Step:
    """One step: its kind and the numbers it needs (a, b, most, lump, sd, side, tail_share as in the kernel)."""

    kind: int
    a: float
    b: float
    most: int
    lump: float
    sd: float
    side: int
    tail_share: float


def steps_from(
    kind: IntArray, a: FloatArray, b: FloatArray, most: IntArray, lump: FloatArray, sd: FloatArray, side: IntArray, tail_share: float
) -> list[Step]:
    """Steps from the kernel's arrays."""
    rows = zip(kind.tolist(), a.tolist(), b.tolist(), most.tolist(), lump.tolist(), sd.tolist(), side.tolist(), strict=True)
    return [Step(k, x, y, m, q, s, z, tail_share) for k, x, y, m, q, s, z in rows]


def censored_weight(c: int, step: Step) -> float:
    """Weight of c censorings: the ticks seen plus a Poisson number."""
    extra = c - int(step.b)
    return 0.0 if extra < 0 else math.exp(-step.a) * step.a**extra / math.factorial(extra)


def died_weight(j: int, n: int, step: Step) -> float:
    """Weight of j deaths of n: binomial (conditional on ``least``) plus a long tail."""
    least = int(step.b)
    if n == 0:
        return 1.0 if j == 0 and least == 0 else 0.0
    if not least <= j <= min(n, step.most):
        return 0.0
    p = -math.expm1(-step.a)
    binomial = math.comb(n, j) * p**j * (1.0 - p) ** (n - j)
    if least == 1:
        binomial /= 1.0 - (1.0 - p) ** n
    ratio = 1.0 - 1.0 / (2.0 + step.lump)
    return float(binomial + step.tail_share * (1.0 - ratio) * ratio ** (j - least))


def likelihood(survival: float, variance: float, step: Step) -> float:
    """Probability of a reading when survival is normal with this mean and variance."""
    s = math.sqrt(step.sd**2 + variance)

    def below(x: float) -> float:
        return 0.5 * math.erfc(-(x - survival) / s / math.sqrt(2.0))

    if step.side == BETWEEN:
        return below(step.a + step.b) - below(step.a - step.b)
    return 1.0 - below(step.a - step.b) if step.side == AT_LEAST else below(step.a + step.b)


def updated(survival: float, variance: float, step: Step) -> tuple[float, float]:
    """Mean and variance of survival after a reading, by numerical integration (a grid of 4001 points over 8 sd)."""
    if variance <= 0.0:
        return survival, variance
    root = math.sqrt(variance)
    xs = [survival + root * (i - 2000) / 250.0 for i in range(4001)]
    ws = [math.exp(-0.5 * ((x - survival) / root) ** 2) * likelihood(x, 0.0, step) for x in xs]
    mass = sum(ws)
    if mass <= 0.0:
        return survival, variance
    mean = sum(w * x for w, x in zip(ws, xs, strict=True)) / mass
    return mean, sum(w * (x - mean) ** 2 for w, x in zip(ws, xs, strict=True)) / mass


def forward(steps: list[Step], n0: int) -> tuple[float, dict[tuple[int, int], tuple[float, float, float]]]:
    """Log marginal likelihood, and weight, mean and variance of survival of every last state (n, deaths)."""
    states = {(n0, 0): (1.0, 1.0, 0.0)}
    total = 0.0
    for step in steps:
        ways: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
        for (n, d), (w, m, v) in states.items():
            for target, factor, weight in moves(n, d, step):
                if step.kind == READ:
                    like = likelihood(m, v, step)
                    ways[target] = [(w * (like + STRAY), *updated(m, v, step))]
                elif weight > 0.0:
                    ways.setdefault(target, []).append((w * weight, m * factor, v * factor**2))
        states = {}
        for target, parts in ways.items():
            weight = sum(p[0] for p in parts)
            mean = sum(p[0] * p[1] for p in parts) / weight if weight > 0.0 else 0.0
            square = sum(p[0] * (p[2] + (p[1] - mean) ** 2) for p in parts) / weight if weight > 0.0 else 0.0
            if weight > 0.0:
                states[target] = (weight, mean, square)
        mass = sum(w for w, _, _ in states.values())
        if mass <= 0.0:
            return -math.inf, {}
        total += math.log(mass)
        states = {k: (w / mass, m, v) for k, (w, m, v) in states.items()}
    return total, states


def moves(n: int, d: int, step: Step) -> Iterator[tuple[tuple[int, int], float, float]]:
    """Where a step can lead from (n, d): state, factor on survival, weight."""
    if step.kind == CENSOR:
        for c in range(n + 1):
            yield (n - c, d), 1.0, censored_weight(c, step)
    elif step.kind == DEATH:
        for j in range(n + 1):
            yield (n - j, d + j), (n - j) / n if n else 1.0, died_weight(j, n, step)
    elif step.kind == READ or n == int(step.a):
        yield (n, d), 1.0, 1.0


def every_way(steps: list[Step], n0: int) -> list[tuple[float, tuple[int, ...]]]:
    """Weight and counts of every way through a tiny chain, with its exact survival at each reading."""
    done: list[tuple[float, float, int, int, tuple[int, ...]]] = [(1.0, 1.0, n0, 0, ())]
    for step in steps:
        grown: list[tuple[float, float, int, int, tuple[int, ...]]] = []
        for w, s, n, d, counts in done:
            for (n_new, d_new), factor, weight in moves(n, d, step):
                if step.kind == READ:
                    weight = likelihood(s, 0.0, step) + STRAY
                if w * weight > 1e-16:
                    grown.append((w * weight, s * factor, n_new, d_new, (*counts, n - n_new)))
        done = grown
    return [(w, counts) for w, _, _, _, counts in done]
