"""The reconstruction problem as a chain of small steps.

State: (n at risk, D deaths so far). Four kinds of step move or weigh it:

- CENSOR over a stretch of time: ``least`` ticks plus a Poisson number of censorings, even in time;
- DEATH over a stretch (samples) or at a corner: a binomial number of deaths of those at risk, from a pilot hazard;
- READ: the product-limit survival must explain a reading;
- RISK: the number at risk is printed, all other n are dropped (a bottleneck, also for the work to be done).

The chain's structure depends on the input only; :func:`tune` fills in rates, hazards and windows from a pilot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import ArmData

CENSOR, DEATH, READ, RISK = 0, 1, 2, 3


@dataclass(frozen=True)
class Chain:
    """The steps: kind, stretch of time (``begin`` to ``end``), at-risk interval, and the parameters known beforehand."""

    kind: IntArray
    begin: FloatArray
    end: FloatArray
    interval: IntArray
    least: IntArray
    value: FloatArray
    half: FloatArray
    own_sd: FloatArray
    side: IntArray
    curve: FloatArray
    split: IntArray
    edge: FloatArray
    risk: IntArray
    last_known: bool


def build(arm: ArmData) -> Chain:
    """Lay out the steps of ``arm`` in the order of time."""
    rows: list[tuple[float, ...]] = []
    ticks = np.zeros(0) if arm.ticks is None else np.sort(arm.ticks)
    use = arm.risk_time > 0.0
    risk_time, risk = arm.risk_time[use], arm.risk[use]
    flushed = 0.0
    interval = 0
    n_ticks = 0

    def censor(until: float, inclusive: bool) -> None:
        nonlocal flushed, n_ticks
        seen = int(np.searchsorted(ticks, until, side="right" if inclusive else "left"))
        if until > flushed or seen > n_ticks:
            rows.append((CENSOR, flushed, max(until, flushed), interval, max(seen - n_ticks, 0), 0.0, 0.0, -1.0, 0, 1.0, 0))
        flushed, n_ticks = max(until, flushed), max(seen, n_ticks)

    def death(begin: float, end: float, least: int, after: float, split: int = 0) -> None:
        rows.append((DEATH, begin, end, interval, least, 0.0, 0.0, -1.0, 0, after, split))

    def read(t: float, y: float, half: float, sd: float, side: int) -> None:
        rows.append((READ, t, t, interval, 0, y, half, sd, side, 1.0, 0))

    def at_risk(t: float, n: int) -> None:
        nonlocal interval
        censor(t, arm.risk_after)
        rows.append((RISK, t, t, interval, 0, float(n), 0.0, -1.0, 0, 1.0, 0))
        interval += 1

    # Marks in the order of time: readings (1), own readings (2), at-risk times (0: before a reading at the same time).
    marks: list[tuple[float, int, int]] = [(t, 1, i) for i, t in enumerate(arm.time)]
    marks += [(r.time, 2, i) for i, r in enumerate(arm.extra) if r.time <= arm.end]
    knots = np.concatenate([[0.0], arm.time])
    heights = np.minimum.accumulate(np.concatenate([[1.0], arm.survival]))
    pixel = 0.5 * arm.time_step * (1.0 + 1e-6) if arm.points == "corners" else 0.0
    read_at = set(arm.time.tolist())
    split: dict[int, int] = {}
    before = arm.survival_before()
    falls = before - arm.survival > max(arm.half, 1e-9)
    # One death of n lowers S by S / n at least; a drop that is smaller by more than the rounding may be none.
    left = np.concatenate([[arm.n], risk])[np.searchsorted(risk_time, arm.time - pixel, side="left")]
    sure = before - arm.survival + 2.0 * arm.half >= before / np.maximum(left, 1)
    for j, t in enumerate(risk_time):
        near = np.flatnonzero((np.abs(arm.time - t) <= max(pixel, 1e-9)) & falls) if arm.points == "corners" else np.zeros(0, int)
        if near.size and t <= arm.end + pixel and (pixel > 0.0 or not arm.risk_after):
            if pixel > 0.0:
                split[j] = int(near[np.argmin(np.abs(arm.time[near] - t))])
            marks.append((float(arm.time[near[np.argmin(np.abs(arm.time[near] - t))]]), 0, j))
        elif near.size:
            marks.append((float(arm.time[near[-1]]), 3, j))
        else:
            marks.append((float(t), 0, j))
    marks.sort()
    halves = {c: float(risk_time[j]) for j, c in split.items()}
    at = 0.0
    for t, what, i in marks:
        if arm.points == "samples" and what in (0, 1, 2, 3) and t > at and at < arm.end:
            until = min(t, arm.end)
            middle = 0.5 * (at + until)
            censor(middle, False)
            death(at, until, 0, float(np.interp(until, knots, heights)))
            at = until
        if what in (0, 3):
            moment = float(risk_time[i])
            if what == 0 and i in split:
                censor(max(min(moment, t + pixel), t - pixel, flushed), False)
                part = min(max((moment - max(t - pixel, 0.0)) / (t + pixel - max(t - pixel, 0.0)), 0.0), 1.0)
                death(max(t - pixel, 0.0), moment, 0, float((1.0 - part) * before[split[i]] + part * arm.survival[split[i]]), 1)
            at_risk(moment, int(risk[i]))
            if arm.points == "samples" and not arm.risk_after and moment in read_at:
                # The table counts before the deaths at its very time, the reading after them.
                death(moment, moment, 0, float(np.interp(moment, knots, heights)))
        elif what == 2:
            own = arm.extra[i]
            read(t, own.value, own.half, own.sd, own.side)
        else:
            if arm.points == "corners":
                censor(t, False)
                if falls[i]:
                    if i in halves:
                        death(halves[i], max(min(t + pixel, arm.end), halves[i]), 0, float(arm.survival[i]), 1)
                    else:
                        death(max(t - pixel, 0.0), min(t + pixel, arm.end), int(sure[i]), float(arm.survival[i]))
            read(t, float(arm.survival[i]), arm.half, -1.0, int(arm.side[i]))
    if flushed < arm.end or (ticks.size and n_ticks < ticks.size):
        censor(max(arm.end, float(ticks[-1]) if ticks.size else 0.0), True)
    table = np.array(rows, float).reshape(-1, 11)
    kind = table[:, 0].astype(np.int64)
    edge = np.concatenate([[0.0], risk_time])
    return Chain(
        kind=kind,
        begin=table[:, 1],
        end=table[:, 2],
        interval=table[:, 3].astype(np.int64),
        least=table[:, 4].astype(np.int64),
        value=table[:, 5],
        half=table[:, 6],
        own_sd=table[:, 7],
        side=table[:, 8].astype(np.int64),
        curve=table[:, 9],
        split=table[:, 10].astype(np.int64),
        edge=edge,
        risk=np.concatenate([[arm.n], risk]),
        last_known=bool(risk_time.size and risk_time[-1] >= arm.end - 1e-12),
    )
