"""From the tables a user brings to clean arms: repairs are listed, what cannot be is refused with a reason."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from nextarm.core.errors import DataError, Problem, RefusedError
from nextarm.core.result import record
from nextarm.core.units import FloatArray, IntArray
from nextarm.patients.arm import SLOPPY, ArmData, Points, Reading
from nextarm.patients.grid import grid_step

#: A reading beyond 0 or 1 by no more than this is taken for a reading error.
OVER = 0.02
#: The coarsest reading of a curve that is believed without being told; few points can lie on a coarser grid by chance.
COARSEST = 0.01
#: Share of the follow-up by which a curve may end before the last at-risk time and be taken to end there: the error of a reading.
SAME_END = 0.002
#: Years beyond which no patient is followed; a later time is a slip of the unit or of the pen.
LONGEST = 200.0
_TINY = 1e-9


@record
class Repair:
    """Something in the input that was put right: in which arm, what, and how many values it touched."""

    arm: str
    what: str
    count: int = 1


def check_times(name: str, time: FloatArray | None, scale: float) -> None:
    """Raise :class:`DataError` for a time beyond 200 years; ``time`` in the user's unit of ``scale`` years."""
    if time is not None and time.size and float(np.max(np.abs(time))) > LONGEST / scale:
        worst = float(time[np.argmax(np.abs(time))])
        rule = f"must not be more than {LONGEST:g} years"
        raise DataError(f"time = {worst:g}", where=f"arm {name}", rule=rule, cure="Check the times and their --unit")


def clean_arm(
    name: str,
    time: FloatArray,
    survival: FloatArray,
    *,
    percent: bool,
    scale: float,
    points: str,
    risk_time: FloatArray | None,
    risk: FloatArray | None,
    ticks: FloatArray | None,
    n: int | None,
    events: int | None,
    reading_error: float | None,
    allow_rising: bool,
    resolution: tuple[float, float] | None = None,
) -> tuple[ArmData, tuple[Repair, ...]]:
    """One arm ready for the solver and what was repaired; times in the user's unit, ``scale`` years each.

    ``resolution`` are the half-widths (time, survival) to which a reading is known; seen from the readings themselves when None.
    Raises :class:`DataError` for values outside their domain and :class:`RefusedError` for what cannot be rebuilt.
    """
    repairs: list[Repair] = []

    def repaired(what: str, count: int = 1) -> None:
        repairs.append(Repair(arm=name, what=what, count=count))

    time, survival = np.array(time, float), np.array(survival, float)
    if time.size == 0:
        raise DataError("the curve has no points", where=f"arm {name}")
    for values in (time, risk_time, ticks):
        check_times(name, values, scale)
    if percent and survival.max() <= 1.0:
        raise RefusedError(
            f"no survival value exceeds {survival.max():g}", where=f"arm {name}",
            rule="survival said to be in percent must have a value above 1", cure="Leave out --percent: these are proportions",
        )  # fmt: skip
    if percent:
        survival = survival / 100.0
    elif survival.max() > 1.5 and survival.max() <= 100.0 * (1.0 + OVER) and np.median(survival) > 1.0:
        survival = survival / 100.0
        repaired("survival was in percent", survival.size)
    if survival.max() > 1.0 + OVER:
        worst = int(np.argmax(survival))
        raise RefusedError(
            f"survival = {survival[worst]:g} at time {time[worst]:g}", where=f"arm {name}", rule="a curve cannot lie above 1",
            cure="For percentages use --percent; otherwise correct the axis",
        )  # fmt: skip
    if survival.min() < -OVER:
        worst = int(np.argmin(survival))
        raise RefusedError(
            f"survival = {survival[worst]:g} at time {time[worst]:g}", where=f"arm {name}", rule="a curve cannot lie below 0"
        )
    if outside := int(np.sum((survival > 1.0 + _TINY) | (survival < -_TINY))):
        repaired("readings beyond 0 or 1 were set to the bound", outside)
    survival = np.clip(survival, 0.0, 1.0)

    span = float(time.max())
    if span <= 0.0:
        raise DataError("the curve has no point after time 0", where=f"arm {name}")
    if (time < -0.05 * span).any():
        raise DataError(f"time = {time.min():g}", where=f"arm {name}", rule="must not be negative")
    if negative := int(np.sum(time < 0.0)):
        repaired("readings just before time 0 were moved to 0", negative)
        time = np.maximum(time, 0.0)
    if (np.diff(time) < 0.0).any():
        repaired("readings were put in the order of time", int(np.sum(np.diff(time) < 0.0)))
        order = np.argsort(time, kind="stable")
        time, survival = time[order], survival[order]

    end = float(time[-1])
    step_t, step_s = (grid_step(time), grid_step(survival)) if resolution is None else (2.0 * resolution[0], 2.0 * resolution[1])
    kind = points if points != "auto" else _points(time, survival)
    last = np.concatenate([time[1:] > time[:-1] + _TINY, [True]])
    if doubled := int(np.sum(~last)):
        if not (doubled == 1 and time[0] == 0.0 and survival[0] == 1.0):
            repaired("readings at the same time: the lowest is kept", doubled)
        groups = np.concatenate([[0], np.cumsum(last)[:-1]])
        lowest = np.full(int(groups[-1]) + 1, np.inf)
        np.minimum.at(lowest, groups, survival)
        time, survival = time[last], lowest
    start = (time <= _TINY) & (survival >= 1.0 - _TINY)
    time, survival = time[~start], survival[~start]
    if time.size == 0:
        raise DataError("the curve has no point after the start (0, 1)", where=f"arm {name}")

    rise = survival - np.minimum.accumulate(np.concatenate([[1.0], survival]))[:-1]
    rising = int(np.sum(rise > max(step_s, 1e-6)))
    allowed = max(0.05, 8.0 * (reading_error or 0.0))
    if rise.max() > allowed:
        worst = int(np.argmax(rise))
        raise RefusedError(
            f"the curve rises by {rise[worst]:.3g} at time {time[worst]:g}", where=f"arm {name}",
            rule="a survival curve never rises beyond the reading error", cure="Check whether two curves were mixed",
        )  # fmt: skip
    if rising:
        repaired(f"readings that rise by reading error (at most {rise.max():.2g}) were read with that error", rising)

    at, left, size = _at_risk(name, risk_time, risk, n, end, allow_rising, repaired)
    if size > 100_000:
        raise RefusedError(
            f"n = {size}", where=f"arm {name}", rule="more than 100000 patients are beyond this method", cure="Use --method guyot"
        )
    if events is not None and events > size:
        raise RefusedError(f"events = {events} of n = {size}", where=f"arm {name}", rule="there cannot be more events than patients")
    all_left = False
    if at.size and left[-1] > 0 and end < at[-1] <= end + (step_t if resolution is not None else 0.0) + SAME_END * end:
        end = float(at[-1])  # the line ends where that number is printed, read a little short of it
    beyond = at > end * (1.0 + 1e-9)
    if beyond.any() and (left[beyond] == 0).any():
        all_left = True
        zero = beyond & (left == 0)
        repaired("the curve ends before an at-risk time with nobody left: follow-up ends with the curve", int(zero.sum()))
        at, left = at[~zero], left[~zero]
    elif at.size and at[-1] < end * (1.0 - 1e-9):
        all_left = True
    if (at > end * (1.0 + 1e-9)).any():
        repaired("at-risk times beyond the end of the curve: it is taken to be flat until then", int(np.sum(at > end)))
        end = float(at[-1])
    if ticks is not None:
        ticks = np.sort(np.asarray(ticks, float))
        if ticks.size and (ticks[0] < -_TINY or ticks[-1] > end * 1.02):
            bad = ticks[0] if ticks[0] < 0 else ticks[-1]
            raise DataError(f"tick at {bad:g}", where=f"arm {name}", rule=f"must lie between 0 and the end of the curve, {end:g}")
        ticks = np.clip(ticks, 0.0, end)
        if ticks.size > size:
            raise RefusedError(f"{ticks.size} ticks for {size} patients", where=f"arm {name}", rule="each tick is a patient")

    half = 0.5 * min(step_s, COARSEST)
    if kind == "corners" and not _censored_early(time, survival, at, left, size) and abs(step_s * size - 1.0) < 0.1:
        # Without censoring the curve itself moves in steps of 1/n: that spacing says nothing about rounding.
        half = 0.1 * step_s
    side = np.zeros(time.size, np.int64)
    if kind == "samples" and not rising:
        side[1:] = np.abs(np.diff(survival)) <= _TINY
        side[0] = survival[0] >= 1.0 - _TINY
        if repeats := int(side.sum()):
            repaired("readings that never rise and repeat are taken as lower bounds", repeats)
    if step_t > span / 150.0 and resolution is None:
        # Coarser than any figure is read: the data themselves are on that grid (whole months), or a few round times.
        step_t = 0.0
    up = rise[rise > max(step_s, 1e-6)]
    expected = max(half, float(up.mean()) if rising else 0.0, 0.002 if half < 1e-4 and not rising else 0.0)
    data = ArmData(
        name=name, time=time * scale, survival=survival, side=side, points="samples" if kind == "samples" else "corners",
        half=max(half, 1e-6), expected_error=expected, time_step=step_t * scale if kind == "corners" else 0.0, n=size, end=end * scale,
        risk_time=at * scale, risk=left, ticks=None if ticks is None else ticks * scale, events=events, all_left=all_left,
    )  # fmt: skip
    _consistent(data, reading_error, scale)
    return data, tuple(repairs)


def _points(time: FloatArray, survival: FloatArray) -> Points:
    """Samples: an even time grid, many repeats, or many small rises; otherwise corners."""
    if time.size < 6:
        return "corners"
    gaps = np.diff(time)
    gaps = gaps[gaps > _TINY]
    usual = float(np.median(gaps)) if gaps.size else 0.0
    even = float(np.mean(np.abs(gaps - usual) < 0.02 * usual)) if usual > 0 else 0.0
    doubled = float(np.mean(np.diff(time) <= _TINY))
    change = np.diff(survival)[np.diff(time) > _TINY]
    same = np.abs(change) <= _TINY
    # Steps below the rounding repeat a value once or so; clicks along a flat curve repeat it many times.
    runs = same[1:] & same[:-1]
    flat, up = float(np.mean(runs)) if runs.size else 0.0, float(np.mean(change > _TINY))
    if doubled > 0.3:
        return "corners"
    return "samples" if even > 0.9 or flat > 0.25 or up > 0.1 else "corners"


def _at_risk(
    name: str, time: FloatArray | None, risk: FloatArray | None, n: int | None, end: float, allow_rising: bool, repaired: Any
) -> tuple[FloatArray, IntArray, int]:
    """Times above 0 with their numbers, and the number at the start."""
    if n is not None and (n != int(n) or n < 1):
        raise DataError(f"n = {n}", where=f"arm {name}", rule="must be a whole number, 1 or more")
    if time is None or risk is None or time.size == 0:
        if n is None:
            raise RefusedError(
                "the number of patients is not given", where=f"arm {name}",
            rule="a curve alone does not say how many patients it stands for",
                cure="Give the numbers at risk with one at time 0, or the number of patients (n)",
            )  # fmt: skip
        return np.zeros(0), np.zeros(0, np.int64), int(n)
    problems = [
        Problem(f"at_risk = {r:g} at time {t:g}", f"arm {name}", "must be a whole number, 0 or more")
        for t, r in zip(time, risk, strict=True)
        if r < 0 or r != math.floor(r) or t < -0.05 * end
    ]
    if problems:
        raise DataError(problems=problems)
    order = np.argsort(time, kind="stable")
    t, r = np.maximum(time[order], 0.0), risk[order].astype(np.int64)
    if (np.diff(t) <= 0.0).any():
        raise DataError("the at-risk table has two rows at one time", where=f"arm {name}")
    if t[0] > 0.0:
        if n is None:
            raise RefusedError(
                "the at-risk table has no row at time 0", where=f"arm {name}", rule="the number of patients is needed", cure="Give n"
            )
        t, r = np.concatenate([[0.0], t]), np.concatenate([[int(n)], r])
    elif n is not None and n != r[0]:
        raise RefusedError(f"n = {n} but {r[0]} at risk at time 0", where=f"arm {name}", rule="the two must agree")
    if r[0] < 1:
        raise RefusedError("nobody is at risk at time 0", where=f"arm {name}")
    up = np.flatnonzero(np.diff(r) > 0)
    if up.size:
        first = int(up[0])
        if not allow_rising:
            raise RefusedError(
                f"at risk rises from {r[first]} to {r[first + 1]} between {t[first]:g} and {t[first + 1]:g}", where=f"arm {name}",
                rule="without delayed entry nobody joins later",
                cure="Correct the table, or --allow-rising-at-risk to leave such rows out",
            )  # fmt: skip
        keep = _longest_falling(r)
        repaired("at-risk rows that rise were left out", int(r.size - keep.size))
        t, r = t[keep], r[keep]
    return t[1:], r[1:], int(r[0])


def _longest_falling(values: IntArray) -> IntArray:
    """Indices of a longest run (not contiguous) that starts with the first value and never rises."""
    best, link = np.ones(values.size, int), np.full(values.size, -1)
    for i in range(1, values.size):
        if values[i] > values[0]:
            best[i] = -values.size
            continue
        for j in range(i):
            if values[j] >= values[i] and best[j] + 1 > best[i]:
                best[i], link[i] = best[j] + 1, j
    at, out = int(np.argmax(best)), []
    while at >= 0:
        out.append(at)
        at = int(link[at])
    return np.array(out[::-1], np.int64)


def _censored_early(time: FloatArray, survival: FloatArray, risk_time: FloatArray, risk: IntArray, n: int) -> bool:
    """Whether the table shows censoring before the last fall of the curve."""
    falls = np.flatnonzero(np.diff(np.concatenate([[1.0], survival])) < -_TINY)
    if not falls.size:
        return False
    before = risk_time < time[falls[-1]] - _TINY
    s = np.concatenate([[1.0], survival])[np.searchsorted(time, risk_time[before], side="right")]
    return bool((risk[before] < n * s - 2.0).any())


def _consistent(arm: ArmData, reading_error: float | None, scale: float) -> None:
    """Refuse a curve that falls by more deaths than the at-risk table has losses, beyond the reading error."""
    allowed = max(5.0 * reading_error, arm.half) + arm.half if reading_error is not None else SLOPPY + arm.half
    most = arm.n * (1.0 - max(float(arm.survival.min()) - allowed, 0.0)) + 1.0
    if arm.events is not None and arm.events > most:
        raise RefusedError(
            f"events = {arm.events} of n = {arm.n}", where=f"arm {arm.name}",
            rule=f"a curve that falls to {arm.survival.min():.3f} stands for at most {most:.0f} events, were nobody censored",
            cure="Check n and events",
        )  # fmt: skip
    edges = np.concatenate([[0.0], arm.risk_time])
    sizes = np.concatenate([[arm.n], arm.risk])
    lowest = np.minimum.accumulate(np.concatenate([[1.0], arm.survival]))
    knots = np.concatenate([[0.0], arm.time])
    # The least that must die between two rows: from the first reading in the interval to the last.
    last_row = knots.size - 1
    if arm.points == "samples":
        at = lowest[np.minimum(np.searchsorted(knots, edges - _TINY), last_row)]
    else:
        at = lowest[np.searchsorted(knots, edges + 0.5 * arm.time_step + _TINY, side="right") - 1]
    just_before = lowest[np.maximum(np.searchsorted(knots, edges - 0.5 * arm.time_step - _TINY, side="right") - 1, 0)]
    problems = []
    for j in range(edges.size - 1):
        a, b, s_a, s_b = int(sizes[j]), int(sizes[j + 1]), float(at[j]), float(just_before[j + 1])
        lost, needed = a - b, a * (1.0 - s_b / s_a) if s_a > 0.0 else 0.0
        if needed <= lost:
            continue
        # The deaths at the at-risk time itself are on neither side; one more step may be drawn on the wrong side of it.
        excess = (needed - lost - 1.0) * s_a / max(a, 1)
        if excess > allowed:
            problems.append(
                Problem(
                    f"between {edges[j] / scale:g} and {edges[j + 1] / scale:g} the curve falls from {s_a:.3f} to {s_b:.3f} "
                    f"({needed:.1f} deaths of {a}) but the at-risk table loses {lost}",
                    f"arm {arm.name}",
                    f"table and curve disagree by {excess:.3f} in survival, more than {allowed:.3f}",
                    "Check the arms' order, the axis and the table; or state a larger reading_error",
                )
            )
    if problems:
        raise RefusedError(problems=problems)


def with_extra(arm: ArmData, readings: tuple[Reading, ...]) -> ArmData:
    """The arm with printed values added to its readings."""
    return replace(arm, extra=tuple(sorted(readings, key=lambda r: r.time)))
