"""Solving arms: the reading error by marginal likelihood, then draws of all counts from the chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nextarm.core.errors import RefusedError
from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import SLOPPY, ArmData
from nextarm.patients.chain import CENSOR, DEATH, Chain, build
from nextarm.patients.pilot import Pilot, Tuned, solve, survival_at_steps, tune

#: Powers of time of the censoring hazard tried where no at-risk table tells it, with prior weights. Staggered entry makes the hazard rise.
SHAPES = ((2.0, 0.15), (2.5, 0.7), (3.0, 0.15))
#: Tried instead where so few deaths can only be had by losing nearly everybody: dropout from the start.
EARLY_SHAPES = ((0.5, 0.25), (1.0, 0.5), (2.0, 0.25))
#: States kept in one pass (24 bytes each).
MOST_STATES = 20_000_000
_WIDENINGS = 4
_ROUNDS = 2
#: Standard deviation of the logarithm of (reading error / half the rounding) known beforehand.
_SPREAD = 0.4


@dataclass(frozen=True)
class Solved:
    """Counts of deaths and censorings of each draw in each step, and what they were drawn under."""

    arm: ArmData
    chain: Chain
    counts: IntArray
    sd: float
    log_likelihood: float


@dataclass(frozen=True)
class Passed:
    """The forward sums of one pass."""

    tuned: Tuned
    sd: FloatArray
    weight: FloatArray
    mean: FloatArray
    var: FloatArray
    log_likelihood: float


@dataclass
class _Work:
    """An arm on its way: chain, pilots by censoring shape, censoring rates."""

    arm: ArmData
    chain: Chain
    pilots: list[Pilot]
    prior: list[float]
    rates: list[FloatArray | None]


def run_forward(arm: ArmData, chain: Chain, tuned: Tuned, sd: float) -> Passed:
    """One forward pass under the reading error ``sd``; the log likelihood includes the total number of events."""
    from nextarm.patients.kernel import forward

    if tuned.size > MOST_STATES:
        raise RefusedError(
            f"{tuned.size} states for {arm.n} patients", where=f"arm {arm.name}", rule=f"at most {MOST_STATES} fit in memory",
            cure="Give an at-risk table with more rows, or use method='guyot'",
        )  # fmt: skip
    own = np.where(chain.own_sd >= 0.0, chain.own_sd, sd)
    weight, mean, var = np.empty(tuned.size), np.empty(tuned.size), np.empty(tuned.size)
    value = forward(
        chain.kind,
        tuned.a,
        tuned.b,
        tuned.most,
        tuned.lump,
        tuned.tail_share,
        chain.side,
        own,
        tuned.ref,
        tuned.window,
        tuned.start,
        arm.n,
        weight,
        mean,
        var,
    )
    if arm.events is not None and math.isfinite(value):
        k = chain.kind.size - 1
        cols = tuned.window[k, 3] - tuned.window[k, 2] + 1
        at = arm.events - tuned.window[k, 2]
        mass = float(weight[tuned.start[k] :].reshape(-1, cols)[:, at].sum()) if 0 <= at < cols else 0.0
        value = value + math.log(mass) if mass > 0.0 else -math.inf
    return Passed(tuned, own, weight, mean, var, value)


def draw(arm: ArmData, chain: Chain, passed: Passed, how_many: int, rng: np.random.Generator) -> IntArray:
    """``how_many`` ways through the chain; ways that got stuck are left out."""
    from nextarm.patients.kernel import backward

    tuned = passed.tuned
    # A printed value is sharper than the clicks; the draws must carry it through all steps.
    anchor = 0.03 if arm.extra else 0.1
    noise = np.sqrt(passed.sd**2 + arm.half**2 / 3.0)
    count = np.full((how_many, chain.kind.size), -1, np.int64)
    final = np.full(how_many, -1 if arm.events is None else arm.events, np.int64)
    backward(
        chain.kind, tuned.a, tuned.b, tuned.most, tuned.lump, tuned.tail_share, tuned.ref,
        (anchor * noise) ** 2, tuned.window, tuned.start, arm.n,
        passed.weight, passed.mean, passed.var, final,
        rng.random((how_many, chain.kind.size + 1)), rng.standard_normal(how_many), count,
    )  # fmt: skip
    return count[(count >= 0).all(axis=1)]


def estimate_sd(works: Sequence[_Work]) -> float:
    """The reading error that makes the readings of all arms likeliest: steps of a factor two, then a parabola in log(sd).

    Below a fifth of the rounding half width the error cannot be told from none, and the search stops.
    """
    half = max(w.arm.half for w in works)
    expected = max(w.arm.expected_error for w in works)
    sampled = works[0].arm.points == "samples"
    guess = max(expected, 2e-5) if sampled else max(half, 2e-5)
    least = math.log2(max(0.2 * half, 1e-6) / guess)
    seen: dict[int, float] = {}

    def value(i: int) -> float:
        if i not in seen and guess * 2.0**i > max(SLOPPY, 2.0 * expected):
            seen[i] = -math.inf
        if i not in seen:
            sd = guess * 2.0**i
            # Readers round to about what they can read: weak knowledge, worth one reading or two.
            seen[i] = -0.5 * (math.log(sd / expected) / _SPREAD) ** 2 if sampled else -0.5 * (max(math.log(sd / half), 0.0) / _SPREAD) ** 2
            for w in works:
                narrow = 0.35 if w.chain.risk.size == 1 else 1.0
                middle = len(w.pilots) // 2
                tuned = tune(w.arm, w.chain, w.pilots[middle], sd, rates=w.rates[middle], narrow=narrow)
                seen[i] += run_forward(w.arm, w.chain, tuned, sd).log_likelihood
        return seen[i]

    best = 0
    for _ in range(10):
        if not math.isfinite(value(best)):
            best += 1
            continue
        if best <= least:
            break
        around = max((best, best + 1, best - 1), key=value)
        if around == best:
            break
        best = around
    low, mid, high = value(best - 1), value(best), value(best + 1)
    bend = low - 2.0 * mid + high
    shift = 0.5 * (low - high) / bend if math.isfinite(bend) and bend < 0.0 else 0.0
    return float(max(guess * 2.0 ** (best + min(max(shift, -0.5), 0.5)), 0.2 * half, 1e-6))


def refine(arm: ArmData, chain: Chain, counts: IntArray) -> tuple[Pilot, FloatArray]:
    """A new pilot from the mean of the draws, and the censoring rates it implies."""
    mean = counts.mean(axis=0)
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


def _start(arm: ArmData) -> _Work:
    chain = build(arm)
    curve = survival_at_steps(arm, chain)
    shapes: tuple[tuple[float, float], ...] = SHAPES if chain.risk.size == 1 and arm.ticks is None else ((1.0, 1.0),)
    pilots = [solve(arm, chain, curve, shape=s) for s, _ in shapes]
    if shapes is SHAPES and arm.events is not None and pilots[1].total[-1] > arm.events + 0.5:
        shapes = EARLY_SHAPES
        pilots = [solve(arm, chain, curve, shape=s) for s, _ in shapes]
    if arm.all_left and chain.risk.size > 1:
        # The curve ends after the last row: either follow-up ran out or the figure (or the data) was cut there.
        pilots.append(solve(replace(arm, all_left=False), chain, curve))
        shapes = ((1.0, 0.5), (1.0, 0.5))
    return _Work(arm, chain, pilots, [p for _, p in shapes], [None] * len(pilots))


def _keep_likely(work: _Work, sd: float) -> None:
    """Drop the pilots of an arm whose posterior weight is below a twentieth."""
    if len(work.pilots) == 1:
        return
    logs = np.array([p.log_likelihood for p in _passes(work, sd, 1.0)]) + np.log(work.prior)
    if np.isfinite(logs).any():
        keep = [i for i, v in enumerate(logs) if v > logs.max() - 3.0]
        work.pilots, work.rates = [work.pilots[i] for i in keep], [work.rates[i] for i in keep]
        work.prior = [work.prior[i] for i in keep]


def _passes(work: _Work, sd: float, widen: float) -> list[Passed]:
    return [
        run_forward(work.arm, work.chain, tune(work.arm, work.chain, p, sd, widen=widen, rates=r), sd)
        for p, r in zip(work.pilots, work.rates, strict=True)
    ]


def _draw_all(work: _Work, sd: float, draws: int, rng: np.random.Generator) -> tuple[list[IntArray], list[Passed]]:
    """Draws under each censoring shape in proportion to its posterior weight; windows are widened where draws meet their edge."""
    widen = 1.0
    for attempt in range(_WIDENINGS):
        passes = _passes(work, sd, widen)
        logs = np.array([p.log_likelihood for p in passes]) + np.log(work.prior)
        if np.isfinite(logs).any():
            share = np.exp(logs - logs[np.isfinite(logs)].max())
            share = np.where(np.isfinite(logs), share, 0.0) / share[np.isfinite(logs)].sum()
            edges = np.rint(np.cumsum(share) * draws).astype(int)
            sizes = np.diff(np.concatenate([[0], edges]))
            parts = [
                draw(work.arm, work.chain, p, int(k), rng) if k else np.zeros((0, work.chain.kind.size), np.int64)
                for p, k in zip(passes, sizes, strict=True)
            ]
            at_edge = sum(_at_edge(work, p, c) * len(c) for p, c in zip(passes, parts, strict=True) if c.size) / max(
                sum(map(len, parts)), 1
            )
            if sum(len(c) for c in parts) >= max(1, draws // 2) and (at_edge < 0.05 or attempt == _WIDENINGS - 1):
                return parts, passes
        widen *= 2.0
    raise _no_way(work, sd)


def _at_edge(work: _Work, passed: Passed, counts: IntArray) -> float:
    """The largest share of draws, over the steps, that touch the edge of a window which is not a hard bound."""
    window, natural = passed.tuned.window, passed.tuned.natural
    died = np.cumsum(np.where(work.chain.kind == DEATH, counts, 0), axis=1)
    n = work.arm.n - np.cumsum(counts, axis=1)
    d_edge = ((died <= window[:, 2]) & (window[:, 2] > natural[:, 2])) | ((died >= window[:, 3]) & (window[:, 3] < natural[:, 3]))
    n_edge = ((n <= window[:, 0]) & (window[:, 0] > natural[:, 0])) | ((n >= window[:, 1]) & (window[:, 1] < natural[:, 1]))
    return float(np.mean(d_edge | n_edge, axis=0).max())


def _no_way(work: _Work, sd: float) -> RefusedError:
    """The refusal when no whole numbers of deaths and censorings fit, saying which fact is in the way."""
    arm = work.arm
    where = f"arm {arm.name}"
    if arm.events is not None:
        free = _start(replace(arm, events=None))
        passed = run_forward(free.arm, free.chain, tune(free.arm, free.chain, free.pilots[0], sd, widen=2.0), sd)
        if math.isfinite(passed.log_likelihood):
            counts = draw(free.arm, free.chain, passed, 50, np.random.default_rng(0))
            if counts.size:
                died = np.where(free.chain.kind == DEATH, counts, 0).sum(axis=1)
                return RefusedError(
                    f"events = {arm.events}", where=where, rule=f"curve and at-risk table need about {died.min()} to {died.max()}",
                    cure="Check the number of events or leave it out",
                )  # fmt: skip
    if arm.ticks is not None and arm.ticks.size:
        return RefusedError(
            f"{arm.ticks.size} ticks", where=where, rule="no numbers of deaths fit the curve with a censoring at every tick",
            cure="Check the ticks or leave them out",
        )  # fmt: skip
    return RefusedError(
        "no whole numbers of deaths and censorings explain curve and table", where=where,
        rule=f"under a reading error of {sd:.2g}", cure="State a larger reading_error, or check curve and table",
    )  # fmt: skip


def solve_arms(arms: Sequence[ArmData], *, sd: float | None, draws: int, rng: np.random.Generator) -> tuple[Solved, ...]:
    """Estimate the reading error shared by the arms of a figure where ``sd`` is None, then draw counts for each arm."""
    works = [_start(a) for a in arms]
    used = estimate_sd(works) if sd is None else sd
    # A pilot drawn under too small an error follows the noise and then asks for a small error: start from the rounding.
    free = sd is None and works[0].arm.points == "samples"
    tabled = [w for w in works if w.chain.risk.size > 1]
    for w in tabled:
        _keep_likely(w, used)
        # Clicks that never rise start the pilot too low; one more round takes most of that out again.
        for _ in range(_ROUNDS if w.arm.side.any() else 1):
            for i in range(len(w.pilots)):
                one = _Work(w.arm, w.chain, [w.pilots[i]], [1.0], [w.rates[i]])
                part = _draw_all(one, max(used, w.arm.expected_error) if free else used, 60, rng)[0][0]
                w.pilots[i], w.rates[i] = refine(w.arm, w.chain, part)
    if sd is None and tabled:
        used = estimate_sd(works)
    solved = []
    for w in works:
        parts, passes = _draw_all(w, used, draws, rng)
        counts = np.concatenate(parts)
        rng.shuffle(counts)
        logs = max(p.log_likelihood for p in passes)
        solved.append(Solved(w.arm, w.chain, counts, used, float(logs)))
    return tuple(solved)
