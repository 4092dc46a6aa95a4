"""Solving one arm: the reading error by marginal likelihood, then draws of all counts from the chain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import ArmData
from nextarm.patients.chain import CENSOR, DEATH, Chain, build
from nextarm.patients.pilot import Pilot, Tuned, solve, survival_at_steps, tune


@dataclass(frozen=True)
class Solved:
    """Counts of deaths and censorings of each draw in each step, and what they were drawn under."""

    arm: ArmData
    chain: Chain
    counts: IntArray
    sd: float
    log_likelihood: float


@dataclass
class Passed:
    """The forward sums of one pass."""

    tuned: Tuned
    sd: FloatArray
    weight: FloatArray
    mean: FloatArray
    var: FloatArray
    log_likelihood: float


def run_forward(arm: ArmData, chain: Chain, tuned: Tuned, sd: float) -> Passed:
    """One forward pass under the reading error ``sd``."""
    from nextarm.patients.kernel import forward

    own = np.where(chain.own_sd >= 0.0, chain.own_sd, sd)
    weight, mean, var = np.empty(tuned.size), np.empty(tuned.size), np.empty(tuned.size)
    value = forward(
        chain.kind, tuned.a, tuned.b, chain.side, own, tuned.ref, tuned.window, tuned.start, arm.n, weight, mean, var
    )
    if arm.events is not None and math.isfinite(value):
        k = chain.kind.size - 1
        cols = tuned.window[k, 3] - tuned.window[k, 2] + 1
        last = weight[tuned.start[k] :].reshape(-1, cols)
        at = arm.events - tuned.window[k, 2]
        mass = float(last[:, at].sum()) if 0 <= at < cols else 0.0
        value = value + math.log(mass) if mass > 0.0 else -math.inf
    return Passed(tuned, own, weight, mean, var, value)


def draw(arm: ArmData, chain: Chain, passed: Passed, how_many: int, rng: np.random.Generator) -> IntArray:
    """``how_many`` ways through the chain; rows with -1 got stuck."""
    from nextarm.patients.kernel import backward

    tuned = passed.tuned
    noise = np.sqrt(passed.sd**2 + arm.half**2 / 3.0)
    count = np.full((how_many, chain.kind.size), -1, np.int64)
    final = np.full(how_many, -1 if arm.events is None else arm.events, np.int64)
    backward(
        chain.kind, tuned.a, tuned.b, tuned.ref, (0.1 * noise) ** 2, tuned.window, tuned.start, arm.n,
        passed.weight, passed.mean, passed.var, final,
        rng.random((how_many, chain.kind.size + 1)), rng.standard_normal(how_many), count,
    )  # fmt: skip
    return count


def estimate_sd(arm: ArmData, chain: Chain, pilot: Pilot, guess: float, rates: FloatArray | None = None) -> tuple[float, float]:
    """The reading error that makes the readings likeliest: a walk by factors of two, then a parabola in log(sd)."""
    seen: dict[int, float] = {}

    def value(i: int) -> float:
        if i not in seen:
            sd = guess * 2.0**i
            seen[i] = run_forward(arm, chain, tune(arm, chain, pilot, sd, rates=rates), sd).log_likelihood
        return seen[i]

    best = 0
    least = math.log2(max(0.2 * arm.half, 1e-7) / guess)
    for _ in range(8):
        if best <= least:
            break
        around = max((best, best + 1, best - 1), key=value) if math.isfinite(value(best)) else best + 1
        if around == best:
            break
        best = around
    low, mid, high = value(best - 1), value(best), value(best + 1)
    bend = low - 2.0 * mid + high
    shift = 0.5 * (low - high) / bend if math.isfinite(bend) and bend < 0.0 else 0.0
    return guess * 2.0 ** (best + min(max(shift, -0.5), 0.5)), mid


def refine(arm: ArmData, chain: Chain, counts: IntArray) -> tuple[Pilot, FloatArray]:
    """A new pilot from the mean of the draws, and the censoring rates it implies."""
    good = counts[(counts >= 0).all(axis=1)]
    mean = good.mean(axis=0)
    deaths = np.where(chain.kind == DEATH, mean, 0.0)
    censored = np.where(chain.kind == CENSOR, mean, 0.0)
    n = arm.n - np.cumsum(deaths + censored)
    before = n + deaths
    survival = np.cumprod(np.where(before > 0.0, 1.0 - deaths / np.maximum(before, 1e-9), 1.0))
    count = int(chain.interval.max()) + 1
    length = np.where(chain.kind == CENSOR, chain.end - chain.begin, 0.0)
    extra = np.where(chain.kind == CENSOR, censored - chain.least, 0.0)
    totals = np.bincount(chain.interval, extra, count)
    lengths = np.maximum(np.bincount(chain.interval, length, count), 1e-12)
    even = totals[chain.interval] * length / lengths[chain.interval] if chain.risk.size > 1 else extra
    pilot = Pilot(deaths=deaths, censored=censored, n=n, total=np.cumsum(deaths), survival=np.maximum(survival, 0.3 / arm.n))
    return pilot, np.maximum(even, 0.0)


def solve_arm(arm: ArmData, *, sd: float | None, draws: int, rng: np.random.Generator) -> Solved:
    """Estimate the reading error where ``sd`` is None, then draw counts."""
    chain = build(arm)
    pilot = solve(arm, chain, survival_at_steps(arm, chain))
    guess = max(arm.half, 2e-5) if sd is None else sd
    rates: FloatArray | None = None
    for stage in range(2):
        if sd is None:
            guess, _ = estimate_sd(arm, chain, pilot, guess, rates)
        passed = run_forward(arm, chain, tune(arm, chain, pilot, guess, rates=rates), guess)
        counts = draw(arm, chain, passed, 50 if stage == 0 else draws, rng)
        if stage == 0:
            pilot, rates = refine(arm, chain, counts)
    return Solved(arm, chain, counts, guess, passed.log_likelihood)
