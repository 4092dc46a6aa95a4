"""Patients rebuilt from a curve as sections: published against rebuilt, checks, Kaplan-Meier with models, cure fraction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nextarm.core.errors import NextarmError
from nextarm.report.charts import Curve, curve_of, survival_curves
from nextarm.report.document import Block, Column, DataTable, KeyFigures, Note, Row, Section, number, paragraph, say, slug

#: Gives the fit of a model to one arm (None where there is but one).
FitOf = Callable[[str, str | None], Any]


def rebuilt_section(made: Any, *, notes: Sequence[Block] = ()) -> Section:
    """The published curve beside the patients rebuilt from it, with the band of the plausible versions."""
    curves = []
    for fit in made.arms[:2]:
        label = f"{fit.arm}, " if len(made.arms) > 1 else ""
        read = Curve(f"{label}published".capitalize(), "published points", _tuple(fit.time), _tuple(fit.published), trail=made.trail)
        rebuilt = Curve(
            f"{label}rebuilt".capitalize(),
            "reconstructed",
            _tuple(fit.fine_time),
            _tuple(fit.fine_survival),
            _tuple(fit.fine_low),
            _tuple(fit.fine_high),
            steps=False,
            trail=made.trail,
        )
        curves += [read, rebuilt]
    chart = survival_curves(
        curves,
        id="rebuilt",
        title="The published curve and the patients rebuilt from it",
        trail=made.trail,
        caption=say("The band is the range over the plausible versions."),
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
    return Section("rebuilt", "Curve to patients", say(f"Grade {made.checks.grade} of A to D by the checks below."), tuple(blocks))


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def checks_section(made: Any) -> Section:
    """Printed numbers beside the rebuilt ones."""
    rows: list[Row] = []
    for i, item in enumerate(made.checks.items):
        key, how = f"check.{i + 1}", "decimal(3)" if abs(item.published) < 1.5 and not item.hard else "decimal(0)"
        between = (item.low, item.high) if item.low is not None and item.high is not None else None
        rebuilt = None if item.rebuilt is None else number(item.rebuilt, how, name=key, trail=made.trail, interval=between)
        what = f"{item.arm}: {item.item}" if len(made.arms) > 1 else item.item
        rows.append(
            (what, number(item.published, how, name=f"{key}.published", trail=made.trail), rebuilt, "holds" if item.ok else "does not hold")
        )
    columns = ("What", Column("Published", align="right"), Column("Rebuilt (range of versions)", align="right"), "Check")
    blocks: list[Block] = [DataTable("Printed numbers beside the rebuilt ones", columns, tuple(rows), sortable=False)]
    if made.repairs:
        blocks.append(
            Note("information", say(f"{len(made.repairs)} repairs of the readings were made; the JSON of the command lists them."))
        )
    return Section("checks", "Checks", (), tuple(blocks))


def survival_section(fit_of: FitOf, patients: Any, arm: str, *, models: tuple[str, ...], times: tuple[float, ...]) -> Section:
    """Kaplan-Meier of one arm with up to three ``models`` beside it, survival at ``times`` (years), cure fractions and their warning."""
    several = len(patients.arms) > 1
    stem = slug(arm or "all")
    km = fit_of("kaplan-meier", arm if several else None)
    curves = [curve_of(km, "Kaplan-Meier")]
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
            limits = cured.profile or cured.wald
            value = number(cured.estimate, "percent(1)", name=f"{stem}.{slug(model)}.cured", trail=fit.trail, interval=limits)
            enough = all(f.sufficient for f in fit.follow_up)
            cures.append(
                (model.replace(":", ", "), value, "long enough by every view" if enough else "NOT long enough: the plateau is a guess")
            )
    chart = survival_curves(
        curves, id=f"survival-{stem}" if several else "survival", title=f"Survival{f', {arm}' if several else ''}", trail=km.trail
    )
    blocks.append(chart)
    own = [
        number(None if v is None else v, "percent(1)", name=f"{stem}.km.{t:g}", trail=km.trail, interval=None if v is None else (low, high))
        for t, v, low, high in _km_at(km, times)
    ]
    table: list[Row] = [("Kaplan-Meier", *own, None), *rows]
    years = [Column(f"{t:g} years", align="right") for t in times]
    columns: tuple[Column | str, ...] = ("Model", *years, Column("AIC", align="right"))
    blocks.append(DataTable("Survival at chosen years (95 % interval)", columns, tuple(table), sortable=False))
    if cures:
        blocks.append(
            DataTable("Cure fraction", ("Model", Column("Cured", align="right"), "Follow-up"), tuple(cures), sortable=False, narrow="stack")
        )
    if not fits:
        blocks.append(paragraph("Choose models above to see them beside the curve, with the cure fraction."))
    title = f"Survival of {arm}" if several else "Survival"
    return Section(f"fit-{stem}", title, (), (*blocks, *notes))


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
