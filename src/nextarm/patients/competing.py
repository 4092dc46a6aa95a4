"""Competing events: incidence curves of one figure rebuilt together, so that EFS = 1 - the sum of all.

First the patients are rebuilt from EFS (given, or 1 minus the sum of the incidence curves). Then each version's events
are given causes: the incidence of a cause rises by S(t-) / n at each of its events, so labels are drawn by a forward
pass over the number of events of that cause so far, weighed by the readings of its curve, and a backward draw. Causes
are told from the rest one after another; what is left where EFS is given is the residual cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray, years_in
from nextarm.patients.checks import graded
from nextarm.patients.clean import OVER, Repair
from nextarm.patients.curves import Table
from nextarm.patients.grid import grid_step
from nextarm.patients.reconstruct import Convention, reconstruct
from nextarm.patients.record import CheckItem, Reconstruction
from nextarm.patients.tables import read_columns
from nextarm.survival.table import Patients


@dataclass(frozen=True)
class _Cause:
    """One incidence curve: readings (times in years) and their rounding."""

    name: str
    time: FloatArray
    incidence: FloatArray
    half: float
    upper: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    events: int | None


def reconstruct_competing(
    curves: Any,
    *,
    overall: Any = None,
    residual: str = "other",
    at_risk: Any = None,
    ticks: Any = None,
    n: int | None = None,
    events: dict[str, int] | None = None,
    reading_error: float | None = None,
    at_risk_convention: Convention = "auto",
    unit: str = "years",
    percent: bool = False,
    points: Literal["auto", "samples", "corners"] = "auto",
    versions: int = 20,
    seed: int = 0,
) -> Reconstruction:
    """Rebuild the patients of one arm from cumulative incidence curves of competing events.

    Args:
        curves: columns time, incidence, cause (a CSV path or a frame); two causes or more, or one together with ``overall``.
        overall: the event-free survival curve (time, survival) where it is drawn too. Its events beyond those of the
            given causes get the cause ``residual`` (second malignancy, induction failure).
        events: events by cause where printed; they hold exactly (their sum too, where every cause is given).
        at_risk, ticks, n, reading_error, at_risk_convention, unit, percent, points, versions, seed: as in ``reconstruct``.

    Returns:
        A :class:`Reconstruction`; ``patients.causes`` are the given causes in their order and, with ``overall``, the residual.

    Raises:
        DataError: a curve is malformed. RefusedError: the sum of the incidences is above 1, or above 1 - EFS beyond the reading error.

    References:
        Titman 2026, doi 10.1002/sim.70474 rebuilds the same data by a quadratic programme.
    """
    scale = years_in(unit)
    causes, mended = _causes(curves, events or {}, percent, scale)
    names = tuple(c.name for c in causes)
    if len(causes) < 2 and overall is None:
        raise CallError(f"one cause, {names[0]!r}", rule="needs two or more, or one and the overall curve")
    if overall is not None and residual in names:
        raise CallError(f"residual = {residual!r}", rule="must not be one of the given causes")
    known = [c.events for c in causes]
    total = sum(k for k in known if k is not None) if overall is None and None not in known else None
    if total is None and overall is not None and events and residual in events and None not in known:
        total = sum(k for k in known if k is not None) + events[residual]
    free = overall if overall is not None else _event_free(causes, scale)
    made = reconstruct(
        free, at_risk=at_risk, ticks=ticks, n=n, events=total, reading_error=reading_error, at_risk_convention=at_risk_convention,
        unit=unit, percent=percent and overall is not None, points=points, versions=versions, seed=seed,
    )  # fmt: skip
    if len(made.patients.arms) != 1:
        raise CallError(f"{len(made.patients.arms)} arms", rule="competing events are rebuilt one arm at a time")
    fit = made.arms[0]
    _require_room(causes, fit.time, fit.published, fit.reading_error, overall is not None)
    rng = block_stream(seed, 0, purpose=2)
    every = names if overall is None else (*names, residual)
    best = min(
        (_label((made.patients.time, made.patients.event), causes, fit.reading_error, overall is not None, rng) for _ in range(20)),
        key=lambda e: _misfit((made.patients.time, e), causes),
    )
    labelled = []
    for v in range(versions):
        p = made.version(v)
        labelled.append(_label((p.time, p.event), causes, fit.reading_error, overall is not None, rng))
    patients = _with_causes(made.patients, best, every)
    stacked = _with_causes(made.versions, np.concatenate(labelled), every)
    items = list(made.checks.items)
    for k, c in enumerate(causes, 1):
        items += _items(k, c, patients, stacked, fit.reading_error, fit.n)
    return Reconstruction(
        trail=Trail("patients with competing events rebuilt: event-free survival first, causes by forward sums and backward draws",
                    reference="10.1002/sim.70474", assumptions=made.trail.assumptions, seed=seed),
        warnings=made.warnings, patients=patients, versions=stacked, arms=made.arms,
        checks=graded(items, made.arms), repairs=(*made.repairs, *mended), method="dp",
    )  # fmt: skip


def incidence_at(time: FloatArray, event: IntArray, cause: int, at: FloatArray) -> FloatArray:
    """The Aalen-Johansen cumulative incidence of ``cause`` at ``at``."""
    died, jump, label = _jumps(time, event)
    mine = np.concatenate([[0.0], np.cumsum(np.where(label == cause, jump, 0.0))])
    return np.asarray(mine[np.searchsorted(died, at, side="right")])


def _jumps(time: FloatArray, event: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Times of events in order, how far 1 - S rises at each, and their causes; ties one after another."""
    order = np.lexsort((event == 0, time))
    t, e = time[order], event[order]
    at_risk = np.arange(t.size, 0, -1).astype(float)
    is_event = e > 0
    s: FloatArray = np.asarray(np.cumprod(np.where(is_event, 1.0 - 1.0 / at_risk, 1.0)), float)
    before = np.concatenate([[1.0], s[:-1]])
    jumps: FloatArray = (before - s)[is_event]
    return t[is_event], jumps, e[is_event]


def _causes(curves: Any, events: dict[str, int], percent: bool, scale: float) -> tuple[list[_Cause], tuple[Repair, ...]]:
    columns = read_columns(curves, ("time", "incidence"), what="curves", labels=("cause",))
    if "cause" not in columns:
        raise DataError("column 'cause' is missing", rule="every reading must say which curve it is on")
    labels = [str(c).strip() for c in columns["cause"]]
    out: list[_Cause] = []
    repairs: list[Repair] = []
    for name in dict.fromkeys(labels):
        inside = np.array([x == name for x in labels])
        t, y = np.array(columns["time"], float)[inside], np.array(columns["incidence"], float)[inside]
        order = np.argsort(t, kind="stable")
        t, y = t[order], y[order] / (100.0 if percent else 1.0)
        if y.max() > 1.0 + OVER or y.min() < -OVER:
            bad = y[int(np.argmax(np.abs(y - 0.5)))]
            raise RefusedError(
                f"incidence = {bad:g}", where=f"cause {name}", rule="must lie between 0 and 1", cure="For percentages use --percent"
            )
        falls = y < np.maximum.accumulate(y) - 1e-9
        if falls.any():
            repairs.append(Repair(arm=name, what="incidence readings that fall by reading error", count=int(falls.sum())))
        if float(np.max(np.maximum.accumulate(y) - y)) > 0.05:
            raise RefusedError("the incidence falls by more than 0.05", where=f"cause {name}", rule="a cumulative incidence never falls")
        repeats = np.concatenate([[False], np.abs(np.diff(y)) < 1e-9])
        upper = repeats if not falls.any() and repeats.mean() > 0.25 else np.zeros(t.size, bool)
        out.append(_Cause(name, t * scale, np.clip(y, 0.0, 1.0), 0.5 * min(grid_step(y), 0.01), upper, events.get(name)))
    return out, tuple(repairs)


def _event_free(causes: Sequence[_Cause], scale: float) -> tuple[FloatArray, FloatArray]:
    """1 minus the sum of the incidence curves at all their times up to the shortest; linear between samples, stepwise between corners."""
    end = min(c.time[-1] for c in causes)
    shared = all(c.time.size == causes[0].time.size and np.allclose(c.time, causes[0].time) for c in causes)
    times = np.unique(np.concatenate([c.time for c in causes]))
    times = times[times <= end + 1e-12]
    total = np.zeros(times.size)
    for c in causes:
        y = np.maximum.accumulate(c.incidence) if shared is False else c.incidence
        if shared:
            total += y[: times.size]
        elif float(np.mean(c.upper)) > 0.0:
            total += np.interp(times, c.time, y, left=0.0)
        else:
            total += np.concatenate([[0.0], y])[np.searchsorted(c.time, times, side="right")]
    if total.max() > 1.0 + OVER:
        raise RefusedError(
            f"the incidences add up to {total.max():.3f} at {times[int(np.argmax(total))] / scale:g}", rule="they cannot exceed 1"
        )
    return times / scale, np.clip(1.0 - total, 0.0, 1.0)


def _require_room(causes: Sequence[_Cause], time: FloatArray, free: FloatArray, sd: float, has_overall: bool) -> None:
    if not has_overall:
        return
    total = np.sum([np.interp(time, c.time, np.maximum.accumulate(c.incidence), left=0.0) for c in causes], axis=0)
    excess = total - (1.0 - free)
    allowed = 0.03 + 4.0 * sd
    if excess.max() > allowed:
        k = int(np.argmax(excess))
        raise RefusedError(
            f"the causes add up to {total[k]:.3f} at {time[k]:.3g} years, where 1 - EFS is {1.0 - free[k]:.3f}",
            rule=f"a part cannot exceed the whole by more than the reading error ({allowed:.3f})", cure="Check which curve is which",
        )  # fmt: skip


def _label(table: Table, causes: Sequence[_Cause], sd: float, has_rest: bool, rng: np.random.Generator) -> IntArray:
    """A cause (1, 2, ...) for every event of ``table``; 0 stays censored."""
    time, event = table
    out = np.zeros(time.size, np.int64)
    open_ = np.flatnonzero(event > 0)
    open_ = open_[np.argsort(time[open_], kind="stable")]
    died, jump, _ = _jumps(time, event)
    position = {int(i): k for k, i in enumerate(open_)}
    for k, cause in enumerate(causes):
        last = k + 1 == len(causes)
        if last and not has_rest:
            out[open_] = k + 1
            break
        places = np.array([position[int(i)] for i in open_], np.int64)
        other = causes[k + 1] if k + 2 == len(causes) and not has_rest else None
        mine = _split(died[places], jump[places], cause, other, sd, rng)
        out[open_[mine]] = k + 1
        open_ = open_[~mine]
    if has_rest:
        out[open_] = len(causes) + 1
    return out


def _split(
    died: FloatArray, jump: FloatArray, cause: _Cause, other: _Cause | None, sd: float, rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which of the events (in order of time) belong to ``cause``: forward over its count so far, backward draw."""
    m = died.size
    total = np.cumsum(jump)
    if m == 0:
        return np.zeros(0, bool)
    goal = np.interp(died, cause.time, np.maximum.accumulate(cause.incidence), left=0.0)
    rise = np.diff(np.concatenate([[0.0], goal]))
    window = max(3, m // 8)
    share = np.convolve(rise, np.ones(2 * window + 1), "same") / np.maximum(np.convolve(jump, np.ones(2 * window + 1), "same"), 1e-12)
    share = np.clip(share, 0.02, 0.98)
    weight = np.zeros((m + 1, m + 1))
    mean = np.zeros((m + 1, m + 1))
    weight[0, 0] = 1.0
    for i in range(m):
        stay, move = weight[i, : i + 2] * (1.0 - share[i]), np.concatenate([[0.0], weight[i, : i + 1] * share[i]])
        both = stay + move
        value = stay * mean[i, : i + 2] + move * np.concatenate([[0.0], mean[i, : i + 1] + jump[i]])
        mean[i + 1, : i + 2] = value / np.maximum(both, 1e-300)
        until = died[i + 1] if i + 1 < m else np.inf
        like = _readings(cause, died[i], until, mean[i + 1, : i + 2], sd)
        if other is not None:
            like = like + _readings(other, died[i], until, total[i] - mean[i + 1, : i + 2], sd)
        both = both * np.exp(like - like.max())
        weight[i + 1, : i + 2] = both / both.sum()
    last = weight[m].copy()
    wanted = cause.events if cause.events is not None else (m - other.events if other is not None and other.events is not None else None)
    if wanted is not None:
        if not 0 <= wanted <= m or last[wanted] <= 0.0:
            raise RefusedError(
                f"{wanted} events of {cause.name}", rule=f"the curves leave room for {m} events in all", cure="Check the counts by cause"
            )
        last[:] = 0.0
        last[wanted] = 1.0
    at = int(np.searchsorted(np.cumsum(last), rng.random() * last.sum()))
    mine = np.zeros(m, bool)
    for i in range(m - 1, -1, -1):
        took = weight[i, at - 1] * share[i] if at > 0 else 0.0
        left = weight[i, at] * (1.0 - share[i])
        mine[i] = rng.random() * (took + left) < took
        at -= int(mine[i])
    return mine


def _readings(cause: _Cause, begin: float, end: float, value: FloatArray, sd: float) -> FloatArray:
    """Log likelihood of the readings of ``cause`` between two events, for each ``value`` of its incidence there."""
    from scipy.special import log_ndtr

    inside = (cause.time >= begin) & (cause.time < end)
    out = np.zeros(value.size)
    spread = float(np.hypot(sd, cause.half / np.sqrt(3.0)))
    for y, upper in zip(cause.incidence[inside], cause.upper[inside], strict=True):
        gap = (value - y) / max(spread, 1e-6)
        out += log_ndtr(-(value - y - cause.half) / max(sd, 1e-6)) if upper else -0.5 * gap**2
    return np.maximum(out, -700.0)


def _misfit(table: Table, causes: Sequence[_Cause]) -> float:
    return float(sum(np.abs(incidence_at(*table, k, c.time) - c.incidence).mean() for k, c in enumerate(causes, 1)))


def _with_causes(patients: Patients, event: IntArray, names: tuple[str, ...]) -> Patients:
    return Patients(
        time=patients.time, event=event, arm=patients.arm, arms=patients.arms, causes=names, version=patients.version,
        origin="reconstructed", unit=patients.unit,
    )  # fmt: skip


def _items(k: int, cause: _Cause, best: Patients, stacked: Patients, sd: float, n: int) -> list[CheckItem]:
    """Largest residual of a cause's curve, and its events where printed."""
    inside = cause.time <= best.time.max() + 1e-12
    rebuilt = incidence_at(best.time, best.event, k, cause.time[inside])
    worst = float(np.abs(rebuilt - cause.incidence[inside]).max())
    allowed = 4.0 * sd + cause.half + 2.0 / n
    arm = best.arms[0]
    items = [
        CheckItem(
            arm=arm, item=f"largest residual of {cause.name}", published=None, rebuilt=worst, low=None, high=None, allowed=allowed,
            hard=False, ok=worst <= allowed,
        )
    ]  # fmt: skip
    if cause.events is not None:
        counts = [int(np.sum(stacked.for_version(v).event == k)) for v in stacked.versions]
        mine = int(np.sum(best.event == k))
        items.append(
            CheckItem(
                arm=arm, item=f"events of {cause.name}", published=float(cause.events), rebuilt=float(mine), low=float(min(counts)),
                high=float(max(counts)), allowed=0.0, hard=True, ok=mine == cause.events and set(counts) == {cause.events},
            )
        )  # fmt: skip
    return items
