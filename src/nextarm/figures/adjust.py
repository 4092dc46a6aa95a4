"""A reading corrected by hand: axis points moved, corners moved, added or erased, names and numbers at risk typed in.

What a user changes is kept as positions on the figure (as in :mod:`nextarm.figures.reading`), so that moving an axis point moves
every value that hangs on it. :func:`draft` turns a reading into such positions, :func:`adjust` turns them into a reading again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray, IntArray, TimeUnit
from nextarm.figures.axis_points import doubted, wrong_points
from nextarm.figures.marks import AxisPoint, CurveMark, Marks, Number, Region
from nextarm.figures.reading import AxisReading, CurveReading, FigureReading

#: How far above 1 or below 0 a corner may lie before it is an error and not a matter of drawing.
SLACK = 0.02
#: Uncertainty of a corner set by hand, in pixels.
BY_HAND_PX = 0.5
LARGEST = 2_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AxisSpot(_Strict):
    """A position along one axis and the value there (proportions on the axis of survival); a value not given yet is None."""

    pixel: Number
    value: Number | None = None


class CurveSpots(_Strict):
    """A curve as positions: ``corners`` (x, y) in order, from each x on the curve is at y; ``end`` is the x of the end of the line.

    ``source`` is the number of the curve in the reading, from 0; ``on`` says whether it is used; None in ``corners``, ``end``
    or ``ticks`` leaves them as read.
    """

    arm: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[int, Field(ge=0, le=99)] | None = None
    on: bool = True
    corners: Annotated[tuple[tuple[Number, Number], ...], Field(min_length=1, max_length=5000)] | None = None
    end: Number | None = None
    ticks: Annotated[tuple[Number, ...], Field(max_length=5000)] | None = None


Cell = Annotated[int, Field(ge=0, le=10_000_000)] | None


class Adjustment(_Strict):
    """Everything a user sets by hand on one figure.

    ``at_risk`` holds one row a curve, in the order of ``curves``, one cell a time of ``at_risk_times`` (figure's unit), None
    where nothing is printed. ``picks`` are curves to look for when the figure is read again.
    """

    x_axis: Annotated[tuple[AxisSpot, ...], Field(max_length=100)] = ()
    y_axis: Annotated[tuple[AxisSpot, ...], Field(max_length=100)] = ()
    percent: bool | None = None
    upward: bool | None = None
    time_unit: TimeUnit | None = None
    curves: Annotated[tuple[CurveSpots, ...], Field(max_length=20)] = ()
    at_risk_times: Annotated[tuple[Number | None, ...], Field(max_length=200)] = ()
    at_risk: Annotated[tuple[Annotated[tuple[Cell, ...], Field(max_length=200)], ...], Field(max_length=20)] = ()
    region: Region | None = None
    exclude: Annotated[tuple[Region, ...], Field(max_length=100)] = ()
    picks: Annotated[tuple[CurveMark, ...], Field(max_length=20)] = ()


def read_adjustment(data: Any) -> Adjustment:
    """An adjustment from a record, JSON data or a file; :class:`DataError` lists everything that is wrong."""
    if isinstance(data, Adjustment):
        return data
    if isinstance(data, str | Path):
        path = Path(data)
        try:
            if path.stat().st_size > LARGEST:
                raise DataError(f"{path.name} is too large", rule=f"at most {LARGEST:,} bytes")
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise DataError(f"{path.name} cannot be read", rule="must be JSON in UTF-8") from None
    try:
        return Adjustment.model_validate(data)
    except ValidationError as error:
        raise DataError(
            problems=[
                Problem(".".join(map(str, e["loc"])) or "the adjustment", rule=e["msg"].removeprefix("Value error, "))
                for e in error.errors()[:20]
            ]
        ) from None


def draft(reading: FigureReading) -> Adjustment:
    """The reading as positions that can be moved; :func:`adjust` with it gives the same curves."""
    x, y = reading.x_axis, reading.y_axis
    times = np.unique(np.concatenate([c.at_risk_times for c in reading.curves])) if reading.curves else np.zeros(0)
    return Adjustment(
        x_axis=_spots(x),
        y_axis=_spots(y),
        percent=y.percent,
        upward=reading.upward,
        time_unit=reading.time_unit,  # type: ignore[arg-type]
        curves=tuple(_as_spots(reading, k) for k in range(len(reading.curves))),
        at_risk_times=tuple(times.tolist()),
        at_risk=tuple(_row(c, times) for c in reading.curves),
    )


def _spots(axis: AxisReading) -> tuple[AxisSpot, ...]:
    return tuple(AxisSpot(pixel=p, value=v) for p, v in zip(axis.pixels.tolist(), axis.values.tolist(), strict=True))


def _as_spots(reading: FigureReading, k: int) -> CurveSpots:
    curve, place = reading.curves[k], reading.positions(k)
    corners = tuple(zip(np.round(place.across, 4).tolist(), np.round(place.down, 4).tolist(), strict=True))
    ticks = np.round(np.repeat(place.ticks, np.maximum(curve.tick_low, 1)), 4)
    return CurveSpots(arm=curve.arm, source=k, corners=corners, end=round(place.end, 4), ticks=tuple(ticks.tolist()))


def _row(curve: CurveReading, times: FloatArray) -> tuple[int | None, ...]:
    known = {float(t): int(n) for t, n in zip(curve.at_risk_times, curve.at_risk, strict=True) if not np.isnan(n)}
    return tuple(known.get(float(t)) for t in times)


def marks_from(changes: Adjustment, *, reading: FigureReading | None = None) -> Marks:
    """The marks with which the figure is read again; :class:`CallError` where an axis point has no value.

    With ``reading``, what is as it was read there is left out, and so is read again.
    """
    as_read = Adjustment() if reading is None else draft(reading)
    x = () if changes.x_axis == as_read.x_axis else changes.x_axis
    y = () if changes.y_axis == as_read.y_axis else changes.y_axis
    problems: list[Problem] = []
    for name, spots in (("time", x), ("survival", y)):
        if any(s.value is None for s in spots):
            cure = "Type the value printed there, or remove the point"
            problems.append(Problem(f"a point of the {name} axis has no value", cure=cure))
        else:
            problems += wrong_points(f"the {name} axis", _known(spots), rising=name == "time")
    if problems:
        raise CallError(problems=problems)
    factor = 100.0 if changes.percent else 1.0
    try:
        return _marks(changes, as_read, x, y, factor)
    except ValidationError as error:
        raise CallError(problems=[Problem(e["msg"].removeprefix("Value error, ")) for e in error.errors()[:20]]) from None


def _marks(changes: Adjustment, as_read: Adjustment, x: tuple[AxisSpot, ...], y: tuple[AxisSpot, ...], factor: float) -> Marks:
    return Marks(
        region=changes.region,
        exclude=changes.exclude,
        x_axis=tuple(AxisPoint(pixel=s.pixel, value=s.value or 0.0) for s in x),
        y_axis=tuple(AxisPoint(pixel=s.pixel, value=(s.value or 0.0) * factor) for s in y),
        time_unit=None if changes.time_unit == as_read.time_unit else changes.time_unit,
        percent=None if not y and changes.percent == as_read.percent else changes.percent,
        upward=None if changes.upward == as_read.upward else changes.upward,
        curves=changes.picks,
    )


def adjust(reading: FigureReading, changes: Adjustment) -> FigureReading:
    """The reading with what was changed by hand; what was not changed is as it was read.

    The axes are the least-squares lines through their points. A corner set by hand is uncertain by half a pixel and the residual of the
    axis. :class:`DataError` with every problem: an axis of one point, corners out of order, survival that rises or leaves
    [0, 1], names twice, a table that does not fit. Points of an axis that lie a little off its line make the grade D, with a warning.
    """
    before = draft(reading)
    x = _axis(reading.x_axis, changes.x_axis, before.x_axis, "time")
    y = _axis(reading.y_axis, changes.y_axis, before.y_axis, "survival")
    if changes.percent is not None and changes.percent != y.percent:
        y = replace(y, percent=changes.percent)
    upward = reading.upward if changes.upward is None else changes.upward
    problems: list[Problem] = []
    curves, done = [], []
    names = [c.arm for c in changes.curves if c.on]
    problems += [
        Problem(f"two curves are called {name!r}", rule="names must differ") for name in sorted({n for n in names if names.count(n) > 1})
    ]
    moved = x is not reading.x_axis or y is not reading.y_axis or upward != reading.upward
    held = f"{len(reading.curves)} curve{'s' if len(reading.curves) != 1 else ''}"
    for k, spots in enumerate(changes.curves):
        if spots.source is not None and spots.source >= len(reading.curves):
            problems.append(Problem(f"{spots.arm}: source = {spots.source}", rule=f"the reading holds {held}"))
            continue
        if not spots.on:
            done.append(f"{spots.arm}: left out")
            continue
        old = before.curves[spots.source] if spots.source is not None else None
        same = (
            old is not None and spots.corners in (None, old.corners) and spots.end in (None, old.end) and spots.ticks in (None, old.ticks)
        )
        if same and not moved and spots.source is not None:
            curve = reading.curves[spots.source]
        else:
            curve, wrong = _curve(spots, old, None if spots.source is None else reading.curves[spots.source], x, y, upward)
            problems += wrong
        if not same:
            done.append(f"{spots.arm}: corners, end or censoring marks")
        if spots.arm != curve.arm:
            done.append(f"{spots.arm}: name")
            curve = replace(curve, arm=spots.arm, named_by="marks")
        row = changes.at_risk[k] if k < len(changes.at_risk) else ()
        as_read = before.at_risk[spots.source] if spots.source is not None else ()
        if changes.at_risk_times != before.at_risk_times or row != as_read:
            times, cells = _table(changes, k, problems)
            if not (np.array_equal(times, curve.at_risk_times) and np.array_equal(cells, curve.at_risk, equal_nan=True)):
                done.append(f"{spots.arm}: numbers at risk")
            curve = replace(curve, at_risk_times=times, at_risk=cells)
        curves.append(curve)
    if not curves and not problems:
        problems.append(Problem("no curve is left", cure="Use at least one"))
    if problems:
        raise DataError(problems=problems)
    if x is not reading.x_axis:
        done.insert(0, "points of the time axis")
    if y is not reading.y_axis:
        done.insert(0, "points of the survival axis")
    unit = changes.time_unit or reading.time_unit
    if unit != reading.time_unit:
        done.append(f"time unit: {unit}")
    if not done and upward == reading.upward:
        return reading
    said = "set by hand: " + "; ".join(done)
    trail: Trail = replace(reading.trail, assumptions=(*reading.trail.assumptions, said))
    return doubted(replace(reading, curves=tuple(curves), x_axis=x, y_axis=y, upward=upward, time_unit=unit, trail=trail))


def _known(spots: tuple[AxisSpot, ...]) -> list[tuple[float, float]]:
    return [(s.pixel, s.value) for s in spots if s.value is not None]


def _axis(axis: AxisReading, spots: tuple[AxisSpot, ...], before: tuple[AxisSpot, ...], name: str) -> AxisReading:
    if spots in ((), before):
        return axis
    known = _known(spots)
    problems = wrong_points(f"the {name} axis", known or [(0.0, 0.0)], rising=name == "time")
    if problems:
        raise DataError(problems=problems)
    pixels, values = np.array([p for p, _ in known], float), np.array([v for _, v in known], float)
    slope, intercept = np.polyfit(pixels - pixels.mean(), values, 1)
    intercept = float(intercept - slope * pixels.mean())
    residual = float(np.max(np.abs((values - intercept) / slope - pixels)))
    return replace(axis, pixels=pixels, values=values, slope=float(slope), intercept=intercept, residual_px=residual, source="marks")


def _curve(
    spots: CurveSpots, old: CurveSpots | None, read: CurveReading | None, x: AxisReading, y: AxisReading, upward: bool
) -> tuple[CurveReading, list[Problem]]:
    """A curve from its positions, and what is wrong with it."""
    corners = spots.corners or (old.corners if old else None) or ()
    ticks = spots.ticks if spots.ticks is not None else (old.ticks if old else None) or ()
    if not corners:
        raise DataError(f"{spots.arm} has no corner")
    place = np.array(corners, float)
    end = spots.end if spots.end is not None else (old.end if old and old.end is not None else float(place[-1, 0]))
    time, shown = x.intercept + x.slope * place[:, 0], y.intercept + y.slope * place[:, 1]
    survival = 1.0 - shown if upward else shown
    problems: list[Problem] = []
    where = f"curve {spots.arm!r}"
    time = np.where(time > -2.0 * x.slope, np.maximum(time, 0.0), time)
    problems += [
        Problem(f"corner {i + 2} stands left of corner {i + 1}", where, "corners run to the right")
        for i in np.flatnonzero(np.diff(place[:, 0]) < 0)[:3]
    ]
    rise, cure = np.maximum.accumulate(-survival) + survival, "Move the corner down, or the one before it up"
    problems += [
        Problem(f"survival rises at corner {i + 1}", where, "a survival curve never rises", cure)
        for i in np.flatnonzero(rise > abs(y.slope))[:3]
    ]
    if survival.max() > 1 + SLACK or survival.min() < -SLACK:
        problems.append(
            Problem(
                f"survival runs from {survival.min():.3f} to {survival.max():.3f}",
                where,
                "must lie between 0 and 1",
                "Check the axis points",
            )
        )
    if time[0] < 0:
        problems.append(Problem(f"the curve starts at time {time[0]:.3g}", where, "must be 0 or later", "Check the axis points"))
    survival = np.minimum.accumulate(np.clip(survival, 0.0, 1.0))
    last = max(float(x.intercept + x.slope * end), float(time.max()))
    places, counts = np.unique(np.array(ticks, float), return_counts=True)
    marks = np.clip(x.intercept + x.slope * places, 0.0, last)
    high = _high(places, counts, old, read)
    blur = (BY_HAND_PX + y.residual_px) * abs(y.slope)
    untouched = read is not None and old is not None and spots.corners in (None, old.corners)
    band = read.band if untouched and read is not None else np.full(len(time), blur)
    return (
        CurveReading(
            arm=spots.arm if read is None else read.arm,
            named_by="marks" if read is None else read.named_by,
            colour="#000000" if read is None else read.colour,
            dash="solid" if read is None else read.dash,
            time=time,
            survival=survival,
            end_time=last,
            ticks=marks,
            tick_low=counts.astype(np.int64),
            tick_high=high,
            at_risk_times=np.zeros(0) if read is None else read.at_risk_times,
            at_risk=np.zeros(0) if read is None else read.at_risk,
            band=band,
            time_band=max(0.0 if read is None else read.time_band, BY_HAND_PX * x.slope),
            warnings=() if read is None else read.warnings,
        ),
        problems,
    )


def _high(places: FloatArray, counts: IntArray, old: CurveSpots | None, read: CurveReading | None) -> IntArray:
    """The most censorings a mark stands for: as read where the mark is one that was read, else as many as are placed there."""
    high = counts.astype(np.int64)
    if read is not None and old is not None and old.ticks:
        first = np.cumsum(np.maximum(read.tick_low, 1)) - np.maximum(read.tick_low, 1)
        known = {old.ticks[int(i)]: int(h) for i, h in zip(first, read.tick_high, strict=True)}
        high = np.array([max(int(c), known.get(float(p), 0)) for p, c in zip(places, counts, strict=True)], np.int64)
    return high


def _table(changes: Adjustment, k: int, problems: list[Problem]) -> tuple[FloatArray, FloatArray]:
    """Times and numbers at risk of curve ``k``; columns without a time are left out."""
    cells = changes.at_risk[k] if k < len(changes.at_risk) else ()
    if len(cells) > len(changes.at_risk_times):
        problems.append(
            Problem(f"the table has {len(cells)} cells for {changes.curves[k].arm!r}", rule=f"and {len(changes.at_risk_times)} times")
        )
        return np.zeros(0), np.zeros(0)
    pairs = [(t, c) for t, c in zip(changes.at_risk_times, cells, strict=False) if t is not None]
    if len({t for t, _ in pairs}) < len(pairs):
        problems.append(Problem("two columns of numbers at risk have one time", rule="times must differ"))
    pairs.sort(key=lambda p: p[0])
    known = [c for _, c in pairs if c is not None]
    if any(b > a for a, b in pairwise(known)):
        problems.append(Problem(f"numbers at risk of {changes.curves[k].arm!r} rise", rule="they can only fall with time"))
    return np.array([t for t, _ in pairs], float), np.array([np.nan if c is None else float(c) for _, c in pairs], float)


def residuals(axis: AxisReading) -> list[float]:
    """Distance of each axis point from the line, in pixels of the figure."""
    away: list[float] = np.round((axis.values - axis.intercept) / axis.slope - axis.pixels, 4).tolist()
    return away
