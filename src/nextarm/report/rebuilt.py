"""Patients rebuilt from a curve as sections: published against rebuilt, checks, Kaplan-Meier with models, cure fraction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.report.charts import Curve, LineSeries, curve_of, lines, survival_curves
from nextarm.report.charts.frame import nice_domain
from nextarm.report.charts.palette import tones_of
from nextarm.report.document import Block, Column, DataTable, Details, KeyFigures, Note, Row, Section, number, paragraph, say, slug

#: Gives the fit of a model to one arm (None where there is but one).
FitOf = Callable[[str, str | None], Any]


def rebuilt_section(made: Any, *, notes: Sequence[Block] = (), tones: Mapping[str, int] | None = None, grade: str = "") -> Section:
    """The published curve beside the patients rebuilt from it, with the band of the plausible versions.

    ``tones`` are the colours of arms (from 1) where a figure gave them; an arm has one colour, what was read is dotted.
    ``grade`` is that of the figure's reading, where there was one: patients are no better than what was read.
    """
    curves = []
    for fit, tone in zip(made.arms[:2], tones_of([(tones or {}).get(fit.arm) for fit in made.arms[:2]]), strict=True):
        label = f"{fit.arm}, " if len(made.arms) > 1 else ""
        read = Curve(
            f"{label}published".capitalize(),
            "published points",
            _tuple(fit.time),
            _tuple(fit.published),
            trail=made.trail,
            tone=tone,
            dash=2,
        )
        rebuilt = Curve(
            f"{label}rebuilt".capitalize(),
            "reconstructed",
            _tuple(fit.fine_time),
            _tuple(fit.fine_survival),
            _tuple(fit.fine_low),
            _tuple(fit.fine_high),
            steps=False,
            trail=made.trail,
            tone=tone,
            dash=0,
        )
        curves += [read, rebuilt]
    chart = survival_curves(
        curves,
        id="rebuilt",
        title="The published curve and the patients rebuilt from it",
        trail=made.trail,
        caption=say("Dotted: as read. The band is the range over the plausible versions."),
    )
    figures = []
    for fit in made.arms[:2]:
        of = f", {fit.arm}" if len(made.arms) > 1 else ""
        figures.append(
            (number(fit.n, "count", name=f"{slug(fit.arm or 'all')}.n", trail=made.trail, marks=("reconstructed",)), f"patients{of}")
        )
        figures.append(
            (
                number(fit.events, "count", name=f"{slug(fit.arm or 'all')}.events", trail=made.trail, marks=("reconstructed",)),
                f"events{of}",
            )
        )
    blocks: list[Block] = [*notes, KeyFigures(tuple(figures)), chart]
    blocks += [Note("caution", say(text)) for text in made.warnings]
    of_figure = f", the reading of the figure {grade}" if grade else ""
    lead = f"The rebuilding has grade {made.checks.grade} of A to D by the checks below{of_figure}."
    return Section("rebuilt", "Curve to patients", say(lead), tuple(blocks))


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def checks_section(made: Any) -> Section:
    """Printed numbers beside the rebuilt ones."""
    rows: list[Row] = []
    for i, item in enumerate(made.checks.items):
        key, how = f"check.{i + 1}", "decimal(3)" if abs(item.published or 0.0) < 1.5 and not item.hard else "decimal(0)"
        between = (item.low, item.high) if item.low is not None and item.high is not None else None
        rebuilt = None if item.rebuilt is None else number(item.rebuilt, how, name=key, trail=made.trail, interval=between)
        what = f"{item.arm}: {item.item}" if len(made.arms) > 1 else item.item
        printed = None if item.published is None else number(item.published, how, name=f"{key}.published", trail=made.trail)
        rows.append((what, printed, rebuilt, "holds" if item.ok else "does not hold"))
    columns = ("What", Column("Published", align="right"), Column("Rebuilt (range of versions)", align="right"), "Check")
    table = DataTable("Printed numbers beside the rebuilt ones", columns, tuple(rows), sortable=False, narrow="stack")
    broken = sum(not item.ok for item in made.checks.items)
    lead = f"All {len(rows)} checks hold." if not broken else f"{broken} of {len(rows)} checks {'does' if broken == 1 else 'do'} not hold."
    blocks: list[Block] = [table if broken else Details("Printed numbers beside the rebuilt ones", (table,))]
    if made.repairs:
        blocks.append(Note("information", say(f"Repairs of the readings: {len(made.repairs)}; the JSON of the command lists them.")))
    told = [f"{fit.arm}: {fit.counted}." if len(made.arms) > 1 else f"{fit.counted.capitalize()}." for fit in made.arms if fit.counted]
    blocks += [Note("information", say(text)) for text in told]
    return Section("checks", "Checks", say(lead), tuple(blocks))


def survival_section(
    fit_of: FitOf,
    patients: Any,
    arm: str,
    *,
    models: tuple[str, ...],
    times: tuple[float, ...],
    versions: Sequence[Any] = (),
    band: str = "limits",
    convention: str = "before",
    tone: int | None = None,
) -> Section:
    """Kaplan-Meier of one arm with up to three ``models`` beside it, survival at ``times`` (years), cure fractions and their warning.

    ``versions`` are the Kaplan-Meier estimates of the plausible versions: their range stands in the table, and with ``band`` "versions"
    around the curve, in place of its 95 % limits ("none" leaves both out). Numbers at risk are those just before a time; where the
    printed table counts just after (``convention``), that row stands beside them. ``tone`` is the colour of the arm.
    """
    several = len(patients.arms) > 1
    stem = slug(arm or "all")
    km = fit_of("kaplan-meier", arm if several else None)
    curves = [replace(_banded(curve_of(km, "Kaplan-Meier"), versions, band), tone=tone)]
    end = curves[0].time[-1]
    grid = np.linspace(0.0, max(end, times[-1]), 121)
    blocks: list[Block] = []
    rows: list[Row] = []
    cures: list[Row] = []
    notes: list[Block] = []
    fits = []
    for model in models[:3]:
        try:
            fits.append((model, fit_of(model, arm if several else None)))
        except NextarmError as error:
            notes.append(Note("caution", say(f"{model}: {error}")))
    if len(models) > 3:
        notes.append(Note("information", say("Three models are drawn beside the curve; the others wait.")))
    for model, fit in fits:
        found = fit.survival(grid[1:])
        curves.append(Curve(model.replace(":", ", "), "model", _tuple(grid), (1.0, *_tuple(found.estimate)), steps=False, trail=fit.trail))
        notes += [Note("caution", say(f"{model}: {text}")) for text in fit.warnings]
        aic = number(fit.aic, "decimal(1)", name=f"{stem}.{slug(model)}.aic", trail=fit.trail)
        at = [
            number(float(s), "percent(1)", name=f"{stem}.{slug(model)}.{t:g}", trail=fit.trail, interval=(_finite(low), _finite(high)))
            for t, s, low, high in _read(fit.survival(np.array(times)), times)
        ]
        rows.append((model.replace(":", ", "), *at, aic))
        for cured in fit.cure_fractions:
            limits = cured.limits
            value = number(cured.estimate, "percent(1)", name=f"{stem}.{slug(model)}.cured", trail=fit.trail, interval=limits)
            enough = all(f.sufficient for f in fit.follow_up)
            told = "long enough by every view" if enough else "NOT long enough: the plateau is a guess"
            if cured.unproven:
                told += "; but that nobody is cured is NOT excluded"
            cures.append((model.replace(":", ", "), value, told))
    chart = survival_curves(
        curves, id=f"survival-{stem}" if several else "survival", title=f"Survival{f', {arm}' if several else ''}", trail=km.trail,
        caption=say(" ".join(filter(None, (_BANDS[band if versions or band != "versions" else "limits"], _JUST_BEFORE)))),
    )  # fmt: skip
    blocks.append(chart)
    own = [
        number(None if v is None else v, "percent(1)", name=f"{stem}.km.{t:g}", trail=km.trail, interval=None if v is None else (low, high))
        for t, v, low, high in _km_at(km, times)
    ]
    table: list[Row] = [("Kaplan-Meier", *own, None)]
    if versions:
        ranges = [_range(versions, t) for t in times]
        cells = [
            None if r is None else number(r, "percent(1)", name=f"{stem}.versions.{t:g}", trail=km.trail, marks=("reconstructed",))
            for t, r in zip(times, ranges, strict=True)
        ]
        table.append((f"Range of {len(versions)} versions", *cells, None))
    for when in ("before", "after") if convention == "after" else ("before",):
        left = [
            number(
                round(float(n)),
                "count",
                name=f"{stem}.at-risk{'-after' if when == 'after' else ''}.{t:g}",
                trail=km.trail,
                marks=("reconstructed",),
            )
            for t, n in zip(times, km.at_risk_at(np.array(times), when), strict=True)
        ]
        table.append((f"At risk just {when}{', as the printed table counts' if when == 'after' else ''}", *left, None))
    table += rows
    years = [Column(f"{t:g} year" if t == 1 else f"{t:g} years", align="right") for t in times]
    columns: tuple[Column | str, ...] = ("Model", *years, Column("AIC", align="right"))
    blocks.append(DataTable("Survival at chosen years (95 % interval)", columns, tuple(table), sortable=False, narrow="stack"))
    if cures:
        blocks.append(
            DataTable("Cure fraction", ("Model", Column("Cured", align="right"), "Follow-up"), tuple(cures), sortable=False, narrow="stack")
        )
    if not fits:
        blocks.append(paragraph("Choose models above to see them beside the curve, with the cure fraction."))
    title = f"Survival of {arm}" if several else "Survival"
    return Section(f"fit-{stem}", title, (), (*blocks, *notes))


#: What is said of the band around the curve.
_BANDS = {
    "limits": "The band is the 95 % interval of the Kaplan-Meier estimate, as if the rebuilt patients were the true ones.",
    "versions": "The band is the range over the plausible versions: what the reconstruction leaves open, not the interval of the estimate.",
    "none": "",
}
#: Beside every row of numbers at risk of ours.
_JUST_BEFORE = "Numbers at risk are those just before each time, so before its events."


def _banded(curve: Curve, versions: Sequence[Any], band: str) -> Curve:
    if band == "none":
        return replace(curve, low=None, high=None)
    if band != "versions" or not versions:
        return curve
    ranges = [_range(versions, t) or (s, s) for t, s in zip(curve.time, curve.survival, strict=True)]
    return replace(curve, low=tuple(r[0] for r in ranges), high=tuple(r[1] for r in ranges))


def _range(versions: Sequence[Any], time: float) -> tuple[float, float] | None:
    """The lowest and highest Kaplan-Meier value of the versions at ``time``; None where one of them has ended."""
    found = [s for km in versions for _, s, _, _ in _km_at(km, (time,))]
    known = [s for s in found if s is not None]
    return (min(known), max(known)) if len(known) == len(found) else None


def steps_until(end: float) -> tuple[float, ...]:
    """Where to cut follow-up of ``end`` years to see the hazard: even steps of a readable length, the last at least half of one.

    >>> steps_until(4.0)
    (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
    """
    step = next((s for s in (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0) if end / s <= 8.5), 20.0)
    return tuple(round(step * i, 6) for i in range(1, 9) if step * i < end - step / 2.0)


def hazard_section(
    pieces: Any, fits: Sequence[tuple[str, Any]], arm: str, *, end: float, several: bool, tone: int | None = None
) -> Section:
    """Events a year among those at risk: by pieces of follow-up (``pieces``, a piecewise exponential fit) with models beside them."""
    stem = slug(arm or "all")
    edges = (0.0, *pieces.cuts, end)
    middle = tuple((a + b) / 2.0 for a, b in pairwise(edges))
    seen = pieces.hazard(np.array(middle))
    low, high = (tuple(_finite(v) for v in part) for part in (seen.low, seen.high))
    series = [LineSeries("Rebuilt patients", middle, _tuple(seen.estimate), low, high, trail=pieces.trail, joined=False, tone=tone)]
    at = np.linspace(end / 40.0, end, 40)
    for model, fit in fits[:3]:
        hazard = fit.hazard(at).estimate
        series.append(LineSeries(model.replace(":", ", "), _tuple(at), tuple(_finite(v) for v in hazard), trail=fit.trail, dots=False))
    tops = [
        *(v for v in series[0].y if v is not None),
        *(v for s in series[1:] for x, v in zip(s.x, s.y, strict=True) if v and x > end / 10.0),
    ]
    top = 1.6 * max([*tops, 1e-6])
    drawn = lines(
        series, id=f"hazard-{stem}" if several else "hazard", title=f"Hazard{f', {arm}' if several else ''}", x_title="Years",
        y_title="Events a year among those still at risk", trail=pieces.trail, format="decimal(2)", x_format="decimal(2)",
        x_domain=(0.0, end), y_domain=nice_domain([0.0, top], inside=(0.0, math.inf)),
        caption=say(
            f"Points: the rebuilt patients in {len(middle)} pieces of follow-up, with 95 % limits, which are cut off at the frame; "
            "a piece without events has none."
        ),
    )  # fmt: skip
    title = f"Hazard of {arm}" if several else "Hazard"
    lead = say("A hazard that falls to nearly 0 while many are still followed speaks for cure; one that stays does not.")
    return Section(f"hazard-{stem}", title, lead, (drawn,))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _read(found: Any, times: tuple[float, ...]) -> list[tuple[float, float, float, float]]:
    return list(zip(times, found.estimate.tolist(), found.low.tolist(), found.high.tolist(), strict=True))


def _km_at(km: Any, times: tuple[float, ...]) -> list[tuple[float, float | None, float | None, float | None]]:
    """The Kaplan-Meier value and limits at each time; None after the end of follow-up."""
    made: list[tuple[float, float | None, float | None, float | None]] = []
    for t in times:
        before = np.flatnonzero(km.time <= t + 1e-12)
        if t > float(km.time[-1]) + 1e-9:
            made.append((t, None, None, None))
        elif before.size == 0:
            made.append((t, 1.0, None, None))
        else:
            i = int(before[-1])
            made.append((t, float(km.survival[i]), _finite(km.ci_low[i]), _finite(km.ci_high[i])))
    return made
