"""Patients from an abstract: n and survival at one or more times with standard errors or intervals.

Nobody can rebuild the patients from this; what can be rebuilt is the set of data compatible with the printed values
under a stated family of curves. For each version a curve of the family is drawn near the printed values, a censoring
hazard is found under which the expected Greenwood error at each landmark is the printed one (the error tells the
effective number at risk: for s without censoring it is sqrt(s (1 - s) / n), censoring enlarges it), patients are
simulated, and the versions that agree best with all printed values are kept (importance resampling).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray, years_in
from nextarm.patients.arm import ArmData, Reading
from nextarm.patients.checks import check_arm, fit_of, graded
from nextarm.patients.curves import Table, survival_and_greenwood
from nextarm.patients.record import Reconstruction
from nextarm.patients.soft import Landmark, as_landmarks, printed_half
from nextarm.survival.table import ONLY_ARM, Patients

Family = Literal["mixture-cure:weibull", "weibull", "exponential"]
FAMILIES: tuple[Family, ...] = ("mixture-cure:weibull", "weibull", "exponential")
_BATCH, _BATCHES = 1000, 8
_Z = 1.959963984540054


def from_landmarks(
    landmarks: Any,
    *,
    n: int,
    events: int | None = None,
    follow_up: float | None = None,
    model: Family = "mixture-cure:weibull",
    unit: str = "years",
    arm: str = ONLY_ARM,
    versions: int = 20,
    seed: int = 0,
) -> Reconstruction:
    """Versions of patient data compatible with printed survival at one or more times, marked approximate.

    Args:
        landmarks: (time, survival[, low, high]) or :class:`Landmark`, one or a list; an error or interval at least at one.
        n: patients; holds exactly. events: total events; held exactly by choosing the last follow-up where possible, else near.
        follow_up: the longest follow-up (default 1.3 times the last landmark), in ``unit``.
        model: the family of curves. unit: of all times. versions, seed: as in :func:`reconstruct`.

    Returns:
        A :class:`Reconstruction` with ``approximate=True``; ``patients`` is the version nearest to the printed values.

    Raises:
        CallError: an argument is outside its domain. RefusedError: no standard error is given, or the values rise.

    >>> made = from_landmarks((2.0, 0.6, 0.45, 0.72), n=40, versions=5)
    >>> made.approximate, made.patients.n
    (True, 40)
    """
    scale = years_in(unit)
    marks = sorted(as_landmarks(landmarks, arm), key=lambda m: m.time)
    _require(marks, n, events, model, versions, arm)
    times = np.array([m.time for m in marks]) * scale
    errors = np.array([_error(m, n) for m in marks])
    longest = (follow_up * scale) if follow_up is not None else 1.3 * float(times[-1])
    if longest < times[-1]:
        raise CallError(f"follow_up = {follow_up}", rule="must reach the last landmark")
    rng = block_stream(seed, 0, purpose=1)
    rate = _censoring_rate(np.array([m.survival for m in marks]), times, errors, n)
    tables: list[Table] = []
    logs: list[float] = []
    weights = np.zeros(0)
    for _ in range(_BATCHES):
        for _ in range(_BATCH):
            curve = _draw_curve(marks, times, errors, model, rng)
            if curve is not None:
                table = _simulate(curve, n, rate * math.exp(rng.normal(0.0, 0.35)), longest, rng)
                tables.append(table)
                logs.append(_agreement(table, marks, times, errors, events))
        if logs:
            weights = np.exp(np.array(logs) - max(logs))
            weights /= weights.sum()
            if 1.0 / float(np.sum(weights**2)) >= versions:
                break
    if not tables:
        raise RefusedError(f"no curve of the family {model} passes the printed values", where=f"arm {arm}", cure="Choose another model")
    points = (np.arange(versions) + rng.random()) / versions
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), points), len(tables) - 1)
    kept = [tables[i] for i in rng.permutation(chosen)]
    best = tables[int(np.argmax(logs))]
    data = ArmData(
        name=arm, time=times, survival=np.array([m.survival for m in marks]), side=np.zeros(times.size, np.int64), points="samples",
        half=max(printed_half(m.survival, 2) for m in marks), time_step=0.0, n=n, end=float(max(best[0].max(), times[-1])),
        extra=tuple(Reading(t, m.survival, 0.005, 0.0) for t, m in zip(times, marks, strict=True)),
    )  # fmt: skip
    fit = fit_of(data, best, kept, float(errors.mean()), estimated=False)
    items = check_arm(data, fit, best, kept, tuple(marks), None, scale)
    effective = 1.0 / float(np.sum(weights**2))
    notes = [f"rebuilt from {len(marks)} printed value(s) under the family {model}: one set of patients among many; use the versions"]
    if effective < versions / 2:
        notes.append("few candidates agree with all printed values; versions repeat")
    if events is not None and int(best[1].sum()) != events:
        notes.append(f"the best version has {int(best[1].sum())} events, not {events}")
    return Reconstruction(
        trail=Trail(
            "patients simulated to agree with printed survival (importance resampling)",
            assumptions=(
                f"survival follows the family {model}",
                "censoring has a constant hazard up to the longest follow-up",
                f"longest follow-up {longest:g} years",
            ),
            seed=seed,
        ),
        warnings=tuple(notes),
        patients=_stack([best], arm, unit, numbered=False),
        versions=_stack(kept, arm, unit, numbered=True),
        arms=(fit,),
        checks=graded(items),
        repairs=(),
        method=f"landmarks:{model}",
        approximate=True,
    )  # fmt: skip


def _require(marks: list[Landmark], n: int, events: int | None, model: str, versions: int, arm: str) -> None:
    if not marks:
        raise CallError("no landmarks", where=f"arm {arm}", rule="must hold at least one (time, survival, low, high)")
    if model not in FAMILIES:
        raise CallError(f"model = {model!r}", rule=f"must be one of {', '.join(FAMILIES)}")
    if n != int(n) or n < 1 or n > 100_000:
        raise CallError(f"n = {n}", rule="must be a whole number from 1 to 100000")
    if not 1 <= versions <= 1000:
        raise CallError(f"versions = {versions}", rule="must be from 1 to 1000")
    if events is not None and not 0 <= events <= n:
        raise RefusedError(f"events = {events} of n = {n}", where=f"arm {arm}", rule="there cannot be more events than patients")
    if all(m.se is None and (m.low is None or m.high is None) for m in marks):
        raise RefusedError(
            "no landmark has a standard error or interval", where=f"arm {arm}",
            rule="without it nothing tells how many patients were followed",
            cure="Give (time, survival, low, high), or Landmark(..., se=...)",
        )  # fmt: skip
    for a, b in pairwise(marks):
        if b.survival > a.survival:
            raise RefusedError(
                f"survival rises from {a.survival:g} at {a.time:g} to {b.survival:g} at {b.time:g}",
                where=f"arm {arm}",
                rule="it cannot rise",
            )
        if b.time == a.time:
            raise RefusedError(f"two landmarks at {a.time:g}", where=f"arm {arm}", rule="one value a time")


def _error(mark: Landmark, n: int) -> float:
    """The printed standard error; from an interval on the log-log scale where it is asymmetric so; binomial if none is given."""
    s = mark.survival
    least = math.sqrt(max(s * (1.0 - s), 0.25 / n) / n)
    if mark.se is not None:
        return mark.se
    if mark.low is None or mark.high is None:
        return least * 1.15
    if mark.low > 0.0 and mark.high < 1.0 and 0.0 < s < 1.0:
        bent = math.log(math.log(mark.low) / math.log(mark.high)) / (2.0 * _Z)
        return abs(bent * s * math.log(s))
    return (mark.high - mark.low) / (2.0 * _Z)


def _censoring_rate(s: FloatArray, times: FloatArray, errors: FloatArray, n: int) -> float:
    """A censoring hazard under which an exponential curve through the landmark has the printed error (mean over landmarks).

    Greenwood: se^2 / s^2 = int_0^t h / (n S(u) G(u)) du = h / (n (h + c)) (exp((h + c) t) - 1), solved for c.
    """
    rates = []
    for value, t, error in zip(s, times, errors, strict=True):
        if not 0.0 < value < 1.0:
            continue
        h, goal = -math.log(value) / t, (error / value) ** 2
        low, high = 0.0, 50.0 / t
        for _ in range(60):
            c = 0.5 * (low + high)
            low, high = (c, high) if h / (n * (h + c)) * math.expm1((h + c) * t) < goal else (low, c)
        rates.append(low)
    return max(float(np.mean(rates)) if rates else 0.0, 1e-3 / float(times[-1]))


def _draw_curve(
    marks: list[Landmark], times: FloatArray, errors: FloatArray, model: str, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    """(cure fraction, shape, scale) of a curve that passes the first and last landmark near their printed values.

    The true curve is uncertain by the printed error; the Kaplan-Meier estimate of the version must come back to the
    printed value, so half of that error is drawn here and the rest arises in the simulation.
    """
    values = np.array([m.survival for m in marks])
    goal = np.clip(values + 0.7 * errors * rng.standard_normal(values.size), 1e-4, 1.0 - 1e-4)
    goal = np.minimum.accumulate(goal)
    last, t = float(goal[-1]), float(times[-1])
    if model == "exponential":
        return 0.0, 1.0, t / -math.log(last)
    shape = math.exp(rng.normal(0.0, 0.4))
    if values.size == 1:
        cure = float(rng.uniform(0.0, last)) if model.startswith("mixture") else 0.0
        inside = (last - cure) / (1.0 - cure)
        return cure, shape, t / (-math.log(inside)) ** (1.0 / shape) if inside > 0.0 else t
    first, t1 = float(goal[0]), float(times[0])
    cure = float(rng.uniform(0.0, last)) if model.startswith("mixture") else 0.0
    a, b = (first - cure) / (1.0 - cure), (last - cure) / (1.0 - cure)
    if not 0.0 < b < a < 1.0:
        return None
    shape = math.log(math.log(b) / math.log(a)) / math.log(t / t1)
    return (cure, shape, t / (-math.log(b)) ** (1.0 / shape)) if 0.15 < shape < 6.0 else None


def _simulate(curve: tuple[float, float, float], n: int, rate: float, longest: float, rng: np.random.Generator) -> Table:
    cure, shape, scale = curve
    lifetime = np.where(rng.random(n) < cure, np.inf, scale * rng.standard_exponential(n) ** (1.0 / shape))
    leaves = np.minimum(rng.standard_exponential(n) / rate, longest)
    time = np.maximum(np.minimum(lifetime, leaves), 1e-6)
    event: IntArray = (lifetime <= leaves).astype(np.int64)
    return time, event


def _agreement(table: Table, marks: list[Landmark], times: FloatArray, errors: FloatArray, events: int | None) -> float:
    """Log weight: printed survival within rounding (and a fifth of its error), printed error within a tenth, events within one."""
    value = 0.0
    for mark, t, error in zip(marks, times, errors, strict=True):
        s, g = survival_and_greenwood(*table, float(t))
        value -= 0.5 * ((s - mark.survival) / math.hypot(printed_half(mark.survival, 2), 0.2 * error)) ** 2
        if mark.se is not None or mark.low is not None:
            value -= 0.5 * ((s * math.sqrt(g) - error) / (0.1 * error)) ** 2
    if events is not None:
        value -= 0.5 * float(int(table[1].sum()) - events) ** 2
    return max(value, -500.0)


def _stack(tables: list[Table], arm: str, unit: str, *, numbered: bool) -> Patients:
    time, event = (np.concatenate([t[i] for t in tables]) for i in (0, 1))
    number = np.repeat(np.arange(len(tables)), [t[0].size for t in tables])
    return Patients(
        time=time, event=event.astype(np.int64), arm=np.zeros(time.size, np.int64), arms=(arm,),
        version=number if numbered else None, origin="reconstructed", unit=unit,
    )  # fmt: skip
