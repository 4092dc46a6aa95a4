"""A continuous solution without noise: the first guess that sets rates, hazards and windows of the chain.

With X = n / S (S the curve as read) deaths leave X alone and a censoring at S takes 1 / S from it, so the censorings of
an at-risk interval follow in closed form from n at its two ends: C = (X_a - X_b) / sum_k(w_k / S_k), w_k the share of
the interval's time. Without an at-risk row at its end, censoring has hazard theta * shape(t), n = n_a S G, and theta is
what makes the deaths add up to the total number of events, where that is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import ArmData
from nextarm.patients.chain import CENSOR, DEATH, READ, RISK, Chain

#: Share of a long-tailed (geometric) law mixed into the binomial number of deaths of a step. Visits make curves fall in
#: lumps; a corner says by itself how many died, so little is left to the hazard there.
TAIL = {"samples": 3e-3, "corners": 0.2}


@dataclass(frozen=True)
class Pilot:
    """Expected deaths and censorings in each step, and n, D and S after it."""

    deaths: FloatArray
    censored: FloatArray
    n: FloatArray
    total: FloatArray
    survival: FloatArray


@dataclass(frozen=True)
class Tuned:
    """What the kernel needs besides the chain: rates and hazards, reference survival, windows, where steps begin."""

    a: FloatArray
    b: FloatArray
    most: IntArray
    lump: FloatArray
    tail_share: float
    ref: FloatArray
    window: IntArray
    start: IntArray
    size: int
    natural: IntArray


def survival_at_steps(arm: ArmData, chain: Chain) -> FloatArray:
    """The curve as read after each step (chain.curve, carried forward), kept above 0."""
    known = np.flatnonzero(chain.kind == DEATH)
    position = np.searchsorted(known, np.arange(chain.kind.size), side="right") - 1
    carried = np.where(position >= 0, chain.curve[known[np.maximum(position, 0)]] if known.size else 1.0, 1.0)
    return np.clip(carried, 0.3 / arm.n, 1.0)


def solve(arm: ArmData, chain: Chain, survival: FloatArray, *, shape: float = 1.0) -> Pilot:
    """Expected counts of every step given the ``survival`` after it; ``shape`` is the power of time of the censoring hazard."""
    steps = chain.kind.size
    is_censor = chain.kind == CENSOR
    length = np.where(is_censor, chain.end - chain.begin, 0.0)
    least = np.where(is_censor, chain.least, 0).astype(float)
    x = np.empty(steps)
    censored = np.zeros(steps)
    starts = np.concatenate([[0], np.flatnonzero(chain.kind == RISK) + 1])
    stops = np.concatenate([np.flatnonzero(chain.kind == RISK) + 1, [steps]])
    s_start, theta, x_a = 1.0, 0.0, float(arm.n)
    deaths_so_far = 0.0
    exposure = 0.0
    for j, (i0, i1) in enumerate(zip(starts, stops, strict=True)):
        if i1 <= i0:
            continue
        part = slice(i0, i1)
        s = survival[part]
        closed = j + 1 < chain.risk.size
        n_b = float(chain.risk[j + 1]) if closed else (1.0 if arm.all_left else np.nan)
        w, ticked = length[part], least[part]
        if closed or (arm.all_left and chain.risk.size > 1):
            x_b = n_b / s[-1]
            even = w / w.sum() if w.sum() > 0 else np.zeros(w.size)
            known = float(np.sum(ticked / s))
            per_one = float(np.sum(even / s))
            extra = max((x_a - x_b - known) / per_one, 0.0) if per_one > 0 else 0.0
            c = ticked + extra * even
            inner = x_a - np.cumsum(c / s)
            n_in = np.maximum(inner * s, max(n_b, 0.0))
        elif arm.ticks is not None:
            c = ticked
            n_in = np.maximum((x_a - np.cumsum(c / s)) * s, 0.5)
        else:
            t0, t1 = chain.begin[part], chain.end[part]
            clock = np.where(is_censor[part], t1**shape - t0**shape, 0.0) / max(arm.end, 1e-12) ** shape
            if arm.events is not None:
                theta = _theta(x_a, s_start, s, clock, float(arm.events) - deaths_so_far)
                # The curve is drawn to its end, so somebody is still followed there.
                theta = min(theta, max(np.log(max(x_a * s[-1], 1.0)) / max(clock.sum(), 1e-12), 0.02))
            elif chain.risk.size > 1:
                theta = float(censored[:i0].sum()) / max(exposure, 1e-9) * max(arm.end, 1e-12)
            else:
                theta = 0.0
            g = np.exp(-theta * np.cumsum(clock))
            n_in = x_a * s * g
            c = np.concatenate([[1.0], g[:-1]]) * x_a * s * -np.expm1(-theta * clock)
        previous = np.concatenate([[s_start], s[:-1]])
        died = np.where(chain.kind[part] == DEATH, n_in / s * (previous - s), 0.0)
        exposure += float(np.sum(n_in * w))
        deaths_so_far += float(died.sum())
        censored[part] = c
        x[part] = n_in / s
        s_start = float(s[-1])
        x_a = n_b / s_start if closed else float(x[i1 - 1])
    n = x * survival
    previous = np.concatenate([[1.0], survival[:-1]])
    deaths = np.where(chain.kind == DEATH, np.maximum(x * (previous - survival), 0.0), 0.0)
    return Pilot(deaths=deaths, censored=censored, n=n, total=np.cumsum(deaths), survival=survival)


def _theta(x_a: float, s_start: float, s: FloatArray, clock: FloatArray, events: float) -> float:
    """The censoring hazard (per unit of the shape's clock) under which ``events`` deaths happen; 0 where even that is too few."""
    drop = np.concatenate([[s_start], s[:-1]]) - s
    passed = np.cumsum(clock)

    def died(theta: float) -> float:
        return float(np.sum(x_a * np.exp(-theta * passed) * drop))

    low, high = 0.0, 1.0
    if died(0.0) <= events:
        return 0.02
    while died(high) > events and high < 1e3:
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if died(middle) > events else (low, middle)
    return 0.5 * (low + high)


def smooth_hazard(deaths: FloatArray, exposure: FloatArray, wanted: float = 8.0) -> FloatArray:
    """Deaths over exposure in the smallest window around each step that holds ``wanted`` deaths (a quarter of the steps at most)."""
    m = deaths.size
    d = np.concatenate([[0.0], np.cumsum(deaths)])
    e = np.concatenate([[0.0], np.cumsum(exposure)])
    at = np.arange(m)
    hazard = np.zeros(m)
    open_ = np.ones(m, bool)
    limit = max(m // 4, 2)
    half = 1
    while open_.any():
        low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, m)
        inside = d[high] - d[low]
        ready = open_ & ((inside >= wanted) | (half >= limit))
        hazard[ready] = ((inside + 0.8) / np.maximum(e[high] - e[low], 1e-12))[ready]
        open_ &= ~ready
        half = half + 1 if half < 8 else int(half * 1.3)
    return hazard


def tune(
    arm: ArmData,
    chain: Chain,
    pilot: Pilot,
    sd: float,
    *,
    widen: float = 1.0,
    narrow: float = 1.0,
    rates: FloatArray | None = None,
    lumps: FloatArray | None = None,
) -> Tuned:
    """Rates, hazards and windows of every step from the ``pilot`` and a reading error ``sd``."""
    kind = chain.kind
    noise = float(np.sqrt(sd**2 + arm.half**2 / 3.0))
    is_death, is_censor = kind == DEATH, kind == CENSOR
    a, b = np.zeros(kind.size), np.zeros(kind.size)

    where = np.flatnonzero(is_death)
    n_before = np.maximum(pilot.n[where] + pilot.deaths[where], 1.0)
    ends = chain.end[where]
    spans = np.maximum(np.diff(np.concatenate([[0.0], ends])), 1e-12)
    hazard = smooth_hazard(pilot.deaths[where], n_before * spans, 8.0 + 4.0 * arm.n * noise)
    width = chain.end[where] - chain.begin[where]
    lam = hazard * width if arm.points == "samples" else np.maximum(hazard * np.maximum(width, arm.time_step), 0.03 / n_before)
    if arm.points == "corners":
        halved = chain.split[where] > 0
        beside = np.concatenate([pilot.deaths[where], [0.0]])
        both = np.maximum(
            np.maximum(
                beside[:-1] + beside[1:] * np.concatenate([halved[1:], [False]]),
                beside[:-1] + np.concatenate([[0.0], beside[:-2]]) * np.concatenate([[False], halved[:-1]]),
            ),
            1.0,
        )
        lam = np.where(halved, both * np.maximum(width / max(arm.time_step, 1e-12), 0.02) / n_before, lam)
    a[where] = np.clip(lam, 1e-9, 3.0)
    b[where] = chain.least[where]

    length = np.where(is_censor, chain.end - chain.begin, 0.0)
    count = int(chain.interval.max()) + 1 if kind.size else 1
    extra = np.maximum(pilot.censored - chain.least * is_censor, 0.0) * is_censor if rates is None else rates
    per_interval = np.bincount(chain.interval, extra, count)
    lengths = np.maximum(np.bincount(chain.interval, length, count), 1e-12)
    ticked = np.bincount(chain.interval, chain.least * is_censor, count)
    if arm.ticks is not None:
        missed = min(per_interval.sum() / max(per_interval.sum() + ticked.sum(), 1.0), 0.95)
        floor = np.maximum(missed / (1.0 - missed) * ticked * 0.5, 0.02)
    else:
        floor = np.full(count, 0.25)
    lift = np.maximum(floor - per_interval, 0.0)
    a[is_censor] = (extra + lift[chain.interval] * length / lengths[chain.interval])[is_censor]
    b[is_censor] = chain.least[is_censor]
    value_steps = kind >= READ
    a[value_steps] = chain.value[value_steps]
    b[value_steps] = chain.half[value_steps]
    x = np.minimum(pilot.n / np.maximum(pilot.survival, 1e-9), arm.n)
    most = np.ceil(pilot.deaths + widen * (3.0 + 6.0 * noise * x + 3.0 * np.sqrt(pilot.deaths))).astype(np.int64)
    lump = pilot.deaths if lumps is None else lumps
    window, natural = _windows(arm, chain, pilot, noise, a, widen, widen * narrow)
    sizes = (window[:, 1] - window[:, 0] + 1) * (window[:, 3] - window[:, 2] + 1)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Tuned(
        a=a,
        b=b,
        most=most,
        lump=lump,
        tail_share=TAIL[arm.points],
        ref=pilot.survival,
        window=window,
        start=start[:-1],
        size=int(start[-1]),
        natural=natural,
    )


def _windows(
    arm: ArmData, chain: Chain, pilot: Pilot, noise: float, a: FloatArray, widen: float, widen_n: float
) -> tuple[IntArray, IntArray]:
    """First and last n and D kept after each step, and the hard bounds they were cut to."""
    kind, steps = chain.kind, chain.kind.size
    is_censor, is_risk = kind == CENSOR, kind == RISK
    last = chain.interval
    after = last + is_risk
    top = chain.risk[last].astype(np.int64)
    bottom = np.where(last + 1 < chain.risk.size, chain.risk[np.minimum(last + 1, chain.risk.size - 1)], 0).astype(np.int64)
    rate = np.where(is_censor, a, 0.0)
    count = int(after.max()) + 1
    whole = np.bincount(last, rate, count)
    through = np.cumsum(rate)
    begun = np.concatenate([[0.0], np.cumsum(whole)])[:-1]
    passed = through - begun[last]
    bounded = last + 1 < chain.risk.size
    share = np.clip(passed / np.maximum(whole[last], 1e-12), 0.0, 1.0)
    timing = np.where(bounded, 1.5 * whole[last] * share * (1.0 - share), passed)
    x = np.maximum(pilot.n, 0.0) / np.maximum(pilot.survival, 1e-9)
    x = np.minimum(x, arm.n)
    risk_x = np.concatenate([[float(arm.n)], x[is_risk]])
    steps_x = np.concatenate([[0.0], np.cumsum(np.diff(risk_x) ** 2)])
    sd_d = noise * np.sqrt(x**2 + steps_x[np.minimum(last, steps_x.size - 1)])
    timing = np.maximum(timing, 0.0)
    sd_n = np.sqrt(timing) + 0.7 * noise * x
    if chain.risk.size == 1:
        sd_d = sd_d + 0.7 * np.sqrt(timing) * (1.0 - pilot.survival)
    half_n = np.ceil(widen_n * (3.0 + 4.0 * sd_n)).astype(np.int64)
    half_d = np.ceil(widen * (2.0 + 5.0 * sd_d)).astype(np.int64)
    n_mid = np.rint(pilot.n).astype(np.int64)
    d_mid = np.rint(pilot.total).astype(np.int64)
    n_low = np.where(is_risk, bottom, np.maximum(n_mid - half_n, bottom))
    n_high = np.where(is_risk, bottom, np.minimum(n_mid + half_n, top))
    n_low = np.minimum(n_low, top)
    n_high = np.maximum(n_high, n_low)
    d_most = np.full(steps, arm.n, np.int64) - n_low
    if arm.events is not None:
        d_most = np.minimum(d_most, arm.events)
    d_low = np.clip(d_mid - half_d, 0, d_most)
    d_high = np.maximum(np.minimum(d_mid + half_d, d_most), d_low)
    if arm.events is not None:
        # The total must stay in reach of the last window.
        d_high[-1] = max(d_high[-1], min(arm.events, d_most[-1]))
        d_low[-1] = min(d_low[-1], arm.events)
    window = np.stack([n_low, n_high, d_low, d_high], axis=1)
    natural = np.stack([bottom, np.where(is_risk, bottom, top), np.zeros(steps, np.int64), d_most], axis=1)
    return window, natural
