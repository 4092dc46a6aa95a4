"""From counts in steps to the times of patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import ArmData
from nextarm.patients.chain import CENSOR, DEATH
from nextarm.patients.curves import Table, curve_at
from nextarm.patients.solver import Solved


def beyond(arm: ArmData) -> float:
    """Where those left at the end are censored: at the end, or just after it where the table counts after its times."""
    counted_after = arm.risk_after and arm.risk_time.size > 0 and arm.risk_time[-1] >= arm.end
    return arm.end * (1.0 + 1e-9) if counted_after else arm.end


def place_draw(solved: Solved, counts: IntArray, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Times and events of one draw: uniform in each step's stretch of time, ticks where they were seen, the rest at the end."""
    chain, arm = solved.chain, solved.arm
    ticked = np.minimum(np.where(chain.kind == CENSOR, chain.least, 0), counts)
    free = np.repeat(np.arange(chain.kind.size), counts - ticked)
    times = chain.begin[free] + rng.random(free.size) * (chain.end[free] - chain.begin[free])
    events = (chain.kind[free] == DEATH).astype(np.int64)
    at_ticks = arm.ticks[: int(ticked.sum())] if arm.ticks is not None else np.zeros(0)
    rest = arm.n - free.size - at_ticks.size
    return (
        np.concatenate([times, at_ticks, np.full(rest, beyond(arm))]),
        np.concatenate([events, np.zeros(at_ticks.size + rest, np.int64)]),
    )


def choose_best(solved: Solved, mean: Table, draws: Sequence[Table]) -> Table:
    """``mean`` unless its curve explains the readings far worse than the draws do; then the draw that explains them best.

    Means of counts can misplace a death where few are left at risk and one death is a large step.
    """
    arm = solved.arm
    spread = np.sqrt(solved.sd**2 + arm.half**2 / 3.0)
    shift = 0.5 * arm.time_step * (1.0 + 1e-6) if arm.points == "corners" else 1e-12

    def misfit(table: Table) -> float:
        gap = (curve_at(*table, arm.time + shift) - arm.survival) / spread
        gap = np.where(arm.side == 0, gap, np.minimum(gap, 0.0))
        return float(np.sum(np.minimum(gap**2, 200.0)))

    scores = [misfit(d) for d in draws]
    usual = float(np.median(scores))
    if misfit(mean) <= usual + 25.0 + 0.5 * (max(scores) - usual):
        return mean
    return draws[int(np.argmin(scores))]


def place_mean(solved: Solved, weights: FloatArray | None = None) -> tuple[FloatArray, IntArray]:
    """Times and events of the single best version.

    Deaths and censorings between two at-risk times are the posterior means of their sums, rounded so that the table
    holds exactly; the i-th of them lies where the mean cumulative count passes i - 1/2.
    """
    chain, arm = solved.chain, solved.arm
    mean = np.average(solved.counts, axis=0, weights=weights)
    count = int(chain.interval.max()) + 1
    died = np.where(chain.kind == DEATH, mean, 0.0)
    gone = np.where(chain.kind == CENSOR, mean, 0.0)
    through = np.cumsum(np.bincount(chain.interval, died, count))
    if arm.events is not None:
        through[-1] = arm.events
    totals = np.diff(np.concatenate([[0], np.rint(through).astype(np.int64)]))
    ticked = np.bincount(chain.interval, np.where(chain.kind == CENSOR, chain.least, 0), count).astype(np.int64)
    times: list[FloatArray] = []
    events: list[IntArray] = []
    present = arm.n
    for j in range(count):
        steps = np.flatnonzero(chain.interval == j)
        if j + 1 < chain.risk.size:
            lost = int(chain.risk[j] - chain.risk[j + 1])
            deaths = int(min(max(totals[j], 0), lost - min(ticked[j], lost)))
            left = lost - deaths
        else:
            deaths = int(min(max(totals[j], 0), present))
            left = int(min(max(round(float(gone[steps].sum())), ticked[j]), present - deaths))
        present -= deaths + left
        times.append(_spread(chain.begin, chain.end, died, steps[chain.kind[steps] == DEATH], deaths))
        events.append(np.ones(deaths, np.int64))
        censor_steps = steps[chain.kind[steps] == CENSOR]
        if left:
            first = int(ticked[:j].sum())
            seen = arm.ticks[first : first + int(ticked[j])] if arm.ticks is not None else np.zeros(0)
            hidden = left - seen.size
            times += [seen, _spread(chain.begin, chain.end, gone - chain.least, censor_steps, hidden)]
            events.append(np.zeros(left, np.int64))
    times.append(np.full(present, beyond(arm)))
    events.append(np.zeros(present, np.int64))
    return np.concatenate(times), np.concatenate(events)


def _spread(begin: FloatArray, end: FloatArray, mean: FloatArray, steps: IntArray, how_many: int) -> FloatArray:
    """Where the cumulative ``mean`` over ``steps``, scaled to ``how_many``, passes 1/2, 3/2, ..."""
    if how_many == 0:
        return np.zeros(0)
    weight = np.maximum(mean[steps], 0.0)
    if weight.sum() <= 1e-9:
        weight = np.maximum(end[steps] - begin[steps], 1e-12)
    through = np.cumsum(weight)
    goal = (np.arange(how_many) + 0.5) / how_many * through[-1]
    at = np.minimum(np.searchsorted(through, goal), steps.size - 1)
    inside = (goal - (through[at] - weight[at])) / np.maximum(weight[at], 1e-300)
    chosen = steps[at]
    return np.asarray(begin[chosen] + np.clip(inside, 0.0, 1.0) * (end[chosen] - begin[chosen]))
