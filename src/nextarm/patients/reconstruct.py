"""From a published curve, and whatever is printed beside it, to patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from nextarm.core.errors import CallError, RefusedError
from nextarm.core.random import block_stream
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray, years_in
from nextarm.patients.arm import ArmData
from nextarm.patients.checks import check_arm, fit_of, graded, misfits
from nextarm.patients.clean import Repair, clean_arm, with_extra
from nextarm.patients.curves import Table
from nextarm.patients.guyot import guyot
from nextarm.patients.placing import choose_best, place_draw, place_mean
from nextarm.patients.pooled import comparison_items, comparison_weights
from nextarm.patients.record import ArmFit, CheckItem, Reconstruction
from nextarm.patients.soft import Landmark, Printed, as_landmarks, as_printed, readings_of, width_weights
from nextarm.patients.solver import Solved, solve_arms
from nextarm.patients.tables import Rows, by_arm, match_arms, per_arm, read_columns
from nextarm.survival.table import Patients

Method = Literal["dp", "guyot"]
#: The methods there are: the chain summed by dynamic programming, and Guyot's algorithm for comparison.
METHODS: tuple[str, ...] = get_args(Method)
Convention = Literal["before", "after", "auto"]
#: Ways drawn inside; the versions are some of them, the best version comes from the mean of all.
DRAWS = 120
DRAWS_WEIGHED = 400


def reconstruct(
    curve: Any,
    *,
    at_risk: Any = None,
    ticks: Any = None,
    n: Any = None,
    events: Any = None,
    median: Any = None,
    landmarks: Any = None,
    hazard_ratio: Any = None,
    p_value: float | None = None,
    reading_error: float | None = None,
    resolution: tuple[float, float] | None = None,
    at_risk_convention: Convention = "auto",
    unit: str = "years",
    percent: bool = False,
    points: Literal["auto", "samples", "corners"] = "auto",
    versions: int = 20,
    seed: int = 0,
    method: Method = "dp",
    allow_rising_at_risk: bool = False,
) -> Reconstruction:
    """Rebuild patients from a Kaplan-Meier curve; everything that is given is used.

    All integer ways of deaths and censorings through the curve's readings and the at-risk table are summed (a forward
    pass over states of number at risk and deaths so far), and versions are drawn from that sum backwards.

    Args:
        curve: columns time, survival[, arm]: a CSV path, a frame, or arrays (time, survival).
        at_risk: columns time, at_risk[, arm]. Holds exactly.
        ticks: censoring marks: column time[, arm]. Each is at least one censoring; missed ones are allowed for.
        n, events: patients and total events, per arm (a dict by arm where there are several). Hold exactly.
        median: printed median or (median, low, high), per arm, in ``unit``.
        landmarks: printed survival: (time, survival[, low, high]) or :class:`Landmark`, one or a list, per arm.
        hazard_ratio: printed ratio of the second arm to the first, or (ratio, low, high).
        p_value: printed two-sided log-rank p.
        reading_error: standard deviation of a reading; estimated by marginal likelihood when None.
        resolution: half-widths (time in ``unit``, survival) to which a reading is known, a pixel's of a picture; seen from the
            numbers when None.
        at_risk_convention: whether the table counts patients just before its times, just after, or whichever fits better.
        unit: unit of all times given. percent: survival in percent. points: how the curve was read.
        versions: number of plausible versions. seed: root of the random numbers.
        method: "dp" or, for comparison, "guyot".
        allow_rising_at_risk: leave out rows of an at-risk table that rises instead of refusing it.

    Returns:
        A :class:`Reconstruction`, times in years.

    Raises:
        DataError: a table is missing or malformed. CallError: an argument is outside its domain.
        RefusedError: the facts contradict each other, or do not determine patients.

    References:
        Guyot et al. 2012, doi 10.1186/1471-2288-12-9; Titman 2026, doi 10.1002/sim.70474 (the same problem otherwise solved).

    >>> made = reconstruct(([0, 1, 2, 3], [1, 0.9, 0.8, 0.7]), at_risk=([0, 3], [10, 5]), points="corners")
    >>> made.patients.n, made.patients.events, made.checks.grade
    (10, 3, 'A')
    """
    scale = years_in(unit)
    _require(versions, reading_error, resolution, p_value, method, at_risk_convention, points)
    arms, repairs, marks, medians = _arms_of(
        curve, at_risk, ticks, n, events, median, landmarks, reading_error, resolution, unit, percent, points, allow_rising_at_risk
    )
    ratio = as_printed(hazard_ratio, "hazard_ratio")
    if (ratio is not None or p_value is not None) and len(arms) != 2:
        raise CallError(f"hazard_ratio or p_value with {len(arms)} arm(s)", rule="needs a curve with two arms")
    if at_risk_convention != "before":
        arms = _convention(arms, at_risk_convention)
    rng = block_stream(seed, 0)
    warnings: list[str] = []
    if method == "guyot":
        best = [guyot(a) for a in arms]
        spread = [[b] for b in best]
        used, estimated = reading_error or 0.0, False
        warnings.append("Guyot's method gives one version; nothing says how far it may be off")
    else:
        weighed = ratio is not None or p_value is not None or any(x.low is not None or x.se is not None for m in marks for x in m)
        solved = solve_arms(arms, sd=reading_error, draws=max(DRAWS_WEIGHED if weighed else DRAWS, versions), rng=rng)
        used, estimated = solved[0].sd, reading_error is None
        best, spread, notes = _versions(solved, versions, rng, marks, ratio, p_value, scale, weighed=weighed)
        warnings += notes
    fits: list[ArmFit] = []
    items: list[CheckItem] = []
    for arm, b, s, mark, middle in zip(arms, best, spread, marks, medians, strict=True):
        fits.append(fit_of(arm, b, s, used, estimated=estimated))
        items += check_arm(arm, fits[-1], b, s, mark, middle, scale)
        if arm.risk_time.size == 0 and arm.ticks is None:
            told = "only the total number of events" if arm.events is not None else "nothing"
            warnings.append(f"arm {arm.name}: without an at-risk table {told} tells when patients were censored")
    single = [a.name for a in arms if a.time.size == 1 and a.risk_time.size == 0]
    warnings += [f"arm {name}: one reading without an at-risk table determines little: survival at that time only" for name in single]
    warnings += misfits(fits)
    items += comparison_items(best, spread, arms, ratio, p_value)
    _refuse_misfit(fits, best, reading_error)
    checks = graded(items, fits, undetermined=bool(single), tableless=any(a.risk_time.size == 0 for a in arms))
    warnings += [f"arm {i.arm}: {i.item}: {i.beside}{_short(i.rebuilt)}" for i in items if not i.ok]
    counted = (f"arm {f.arm}: {f.counted}" for f in fits if f.counted)
    trail = Trail(
        method="patients rebuilt from a curve: forward sums over (at risk, deaths), backward draws" if method == "dp" else "Guyot 2012",
        reference="" if method == "dp" else "10.1186/1471-2288-12-9",
        assumptions=("censorings are even in time between the facts that bound them", "readings err independently of each other", *counted),
        inputs=tuple(str(x) for x in (curve, at_risk, ticks) if isinstance(x, str) or hasattr(x, "__fspath__")),
        seed=seed if method == "dp" else None,
    )
    names = tuple(a.name for a in arms)
    return Reconstruction(
        trail=trail, warnings=tuple(warnings), patients=_table([best], names, unit, numbered=False),
        versions=_table([[s[i] for s in spread] for i in range(len(spread[0]))], names, unit, numbered=True),
        arms=tuple(fits), checks=checks, repairs=repairs, method=method,
    )  # fmt: skip


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _require(
    versions: int, reading_error: float | None, resolution: tuple[float, float] | None, p_value: float | None,
    method: str, convention: str, points: str,
) -> None:  # fmt: skip
    if versions != int(versions) or not 1 <= versions <= 10_000:
        raise CallError(f"versions = {versions}", rule="must be a whole number from 1 to 10000")
    if reading_error is not None and not (math.isfinite(reading_error) and 0.0 < reading_error < 0.5):
        raise CallError(f"reading_error = {reading_error}", rule="must be a standard deviation above 0 and below 0.5")
    if resolution is not None and not (resolution[0] > 0.0 and math.isfinite(resolution[0]) and 0.0 < resolution[1] < 0.5):
        raise CallError(f"resolution = {resolution}", rule="must be a time above 0 and a survival above 0 and below 0.5")
    if p_value is not None and not 0.0 < p_value <= 1.0:
        raise CallError(f"p_value = {p_value}", rule="must be above 0 and at most 1")
    for name, value, allowed in (
        ("method", method, METHODS),
        ("at_risk_convention", convention, ("before", "after", "auto")),
        ("points", points, ("auto", "samples", "corners")),
    ):
        if value not in allowed:
            raise CallError(f"{name} = {value!r}", rule=f"must be one of {', '.join(map(repr, allowed))}")


def _arms_of(
    curve: Any, at_risk: Any, ticks: Any, n: Any, events: Any, median: Any, landmarks: Any,
    reading_error: float | None, resolution: tuple[float, float] | None, unit: str, percent: bool, points: str, allow_rising: bool,
) -> tuple[list[ArmData], tuple[Repair, ...], list[tuple[Landmark, ...]], list[Printed | None]]:  # fmt: skip
    """Clean arms with their repairs, landmarks and medians."""
    scale = years_in(unit)
    curves = by_arm(read_columns(curve, ("time", "survival"), what="curve"), ("time", "survival"))
    names = tuple(curves)
    none: dict[str, Rows] = {}
    risks = (
        none
        if at_risk is None
        else match_arms(by_arm(read_columns(at_risk, ("time", "at_risk"), what="at_risk"), ("time", "at_risk")), names, "at_risk")
    )
    marks = none if ticks is None else match_arms(by_arm(read_columns(ticks, ("time",), what="ticks"), ("time",)), names, "ticks")
    sizes, totals = per_arm(n, names, "n"), per_arm(events, names, "events")
    if isinstance(landmarks, dict) and "time" in landmarks:
        landmarks = [landmarks]
    medians, printed = per_arm(median, names, "median"), per_arm(landmarks, names, "landmarks")
    arms: list[ArmData] = []
    repairs: list[Repair] = []
    all_marks: list[tuple[Landmark, ...]] = []
    all_medians: list[Printed | None] = []
    for name, rows in curves.items():
        risk, tick, total = risks.get(name), marks.get(name), totals[name]
        if total is not None and (total != int(total) or total < 0):
            raise CallError(f"events = {total}", where=f"arm {name}", rule="must be a whole number, 0 or more")
        data, mended = clean_arm(
            name, rows["time"], rows["survival"], percent=percent, scale=scale, points=points,
            risk_time=None if risk is None else risk["time"], risk=None if risk is None else risk["at_risk"],
            ticks=None if tick is None else tick["time"] if ticks is not None else None,
            n=sizes[name], events=None if total is None else int(total), reading_error=reading_error, allow_rising=allow_rising,
            resolution=resolution,
        )  # fmt: skip
        own, middle = as_landmarks(printed[name], name), as_printed(medians[name], "median")
        extra = readings_of(own, middle, scale)
        if late := sum(r.time > data.end for r in extra):
            mended = (*mended, Repair(arm=name, what="printed values beyond the end of the curve were not used", count=late))
        arms.append(with_extra(data, extra))
        repairs += mended
        all_marks.append(own)
        all_medians.append(middle)
    # Arms that end at one and the same time were cut there; patients are still followed.
    if len(arms) > 1 and max(a.end for a in arms) - min(a.end for a in arms) < 1e-9:
        arms = [replace(a, all_left=False) for a in arms]
    return arms, tuple(repairs), all_marks, all_medians


def _convention(arms: list[ArmData], wanted: str) -> list[ArmData]:
    """The at-risk convention: as told, or the likelier one where a tick or an exact step falls on an at-risk time."""
    after = [replace(a, risk_after=True) for a in arms]
    if wanted == "after":
        return after
    touched = any(
        (a.ticks is not None and np.isin(a.ticks, a.risk_time).any())
        or (a.points == "corners" and a.time_step == 0.0 and np.isin(a.time, a.risk_time).any())
        for a in arms
    )
    if not touched:
        return arms

    def fit(chosen: list[ArmData]) -> float:
        try:
            return sum(s.log_likelihood for s in solve_arms(chosen, sd=None, draws=20, rng=np.random.default_rng(0)))
        except RefusedError:
            return -math.inf

    return after if fit(after) > fit(arms) else arms


def _versions(
    solved: Sequence[Solved], versions: int, rng: np.random.Generator, marks: Sequence[tuple[Landmark, ...]],
    ratio: Printed | None, p_value: float | None, scale: float, *, weighed: bool,
) -> tuple[list[Table], list[list[Table]], list[str]]:  # fmt: skip
    """Best version and drawn versions of each arm; draws are weighed by what is printed of them."""
    if not weighed:
        drawn = [[place_draw(s, s.counts[i % len(s.counts)], rng) for i in range(max(versions, 20))] for s in solved]
        best = [choose_best(s, place_mean(s), d) for s, d in zip(solved, drawn, strict=True)]
        return best, [d[:versions] for d in drawn], []
    size = min(len(s.counts) for s in solved)
    drawn = [[place_draw(s, s.counts[i], rng) for i in range(size)] for s in solved]
    logs = np.zeros(size)
    for tables, mark in zip(drawn, marks, strict=True):
        logs = logs + width_weights(mark, scale, tables)
    logs = logs + comparison_weights(drawn, ratio, p_value)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    effective = 1.0 / float(np.sum(weights**2))
    notes = [] if effective >= 5.0 else ["few of the drawn versions meet the printed hazard ratio, p value or intervals; see the checks"]
    points = (np.arange(versions) + rng.random()) / versions
    chosen = rng.permutation(np.minimum(np.searchsorted(np.cumsum(weights), points), size - 1))
    kept = [[d[i] for i in chosen] for d in drawn]
    best = [choose_best(s, place_mean(replace(s, counts=s.counts[:size]), weights), k) for s, k in zip(solved, kept, strict=True)]
    return best, kept, notes


def _refuse_misfit(fits: Sequence[ArmFit], best: Sequence[Table], reading_error: float | None) -> None:
    """Refuse when the rebuilt curve leaves the readings by more than the stated error (or anything plausible) explains."""
    for fit, (time, _) in zip(fits, best, strict=True):
        # One death more or less is a large step where few are left; its time is not known to a reading.
        left = np.maximum(np.sum(time[:, None] >= fit.time, axis=0), 1)
        common = 6.0 * reading_error if reading_error is not None else max(0.06, 6.0 * fit.reading_error)
        allowed = common + fit.rounding + 1.5 * np.maximum(fit.published, fit.rebuilt) / left
        gap = np.abs(fit.rebuilt - fit.published)
        k = int(np.argmax(gap - allowed))
        if gap[k] > allowed[k]:
            raise RefusedError(
                f"the curve reads {fit.published[k]:.3f} at {fit.time[k]:.3g} years, where the other facts give {fit.rebuilt[k]:.3f}",
                where=f"arm {fit.arm}", rule=f"they may differ by {allowed[k]:.3f} at most",
                cure="Check curve, at-risk table, ticks and events against each other, or state a larger reading_error",
            )  # fmt: skip


def _table(versions: Sequence[Sequence[Table]], names: tuple[str, ...], unit: str, *, numbered: bool) -> Patients:
    """Stack versions (each a list of arms) into one patient table."""
    times: list[FloatArray] = []
    events: list[IntArray] = []
    arm: list[IntArray] = []
    number: list[IntArray] = []
    for v, tables in enumerate(versions):
        for a, (time, event) in enumerate(tables):
            times.append(time)
            events.append(event)
            arm.append(np.full(time.size, a, np.int64))
            number.append(np.full(time.size, v, np.int64))
    return Patients(
        time=np.concatenate(times), event=np.concatenate(events), arm=np.concatenate(arm), arms=names,
        version=np.concatenate(number) if numbered else None, origin="reconstructed", unit=unit,
    )  # fmt: skip
