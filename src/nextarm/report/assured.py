"""Pooled evidence and what it means for a trial: the pooled value and a plan's assurance, with and without some cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nextarm.core.result import Interval
from nextarm.report.charts import LineSeries, lines
from nextarm.report.document import Block, Chart, Column, DataTable, Inline, KeyFigures, Note, Number, Parts, Row, Section, number, say
from nextarm.simulation.assurance import Assurance
from nextarm.synthesis.pool import PooledEstimate


@dataclass(frozen=True)
class Reading:
    """One choice of cohorts: what it is called, what it pools to, and the plan's assurance, None where there is none."""

    title: str
    key: str
    pooled: PooledEstimate
    assured: Assurance | None


def assured_section(readings: Sequence[Reading], *, plan: str, why_not: str = "") -> Section:
    """The assurance of ``plan`` by the first of ``readings``, beside the others; ``why_not`` says why there is none."""
    first = readings[0]
    figures: list[tuple[Number, str]] = [
        (
            number(first.pooled.estimate, "percent(1)", name="chosen.pooled", trail=first.pooled.trail, interval=first.pooled.ci),
            "pooled, 95 % interval",
        )
    ]
    if first.assured is not None:
        figures.append((_value(first, first.assured.assurance, "assurance"), "assurance of the plan"))
        figures.append((_value(first, first.assured.power_at_plan, "plan-power"), "power if the plan's guess is true"))
    figures.append((number(first.pooled.k, "count", name="chosen.k", trail=first.pooled.trail), "cohorts"))
    rows: list[Row] = [
        ("Pooled value", *(_pooled(r, "all.pooled" if i else "value") for i, r in enumerate(readings))),
        ("Where a further cohort may lie", *(_range(r.pooled.prediction, r) for r in readings)),
        ("Cohorts", *(number(r.pooled.k, "count", name=f"{r.key}.cohorts", trail=r.pooled.trail) for r in readings)),
    ]
    if first.assured is not None:
        for title, field, key in (
            ("Assurance: the plan's power averaged over it", "assurance", "averaged"),
            ("Its power if the plan's own guess of the control is true", "power_at_plan", "at-plan"),
            ("Probability that the power is 80 % or more", "probability_of_power", "probability"),
            ("Events expected", "expected_events", "events"),
        ):
            rows.append((title, *(None if r.assured is None else _value(r, getattr(r.assured, field), key) for r in readings)))
    columns: tuple[Column | str, ...] = ("About", *(Column(r.title, align="right") for r in readings))
    blocks: list[Block] = [
        KeyFigures(tuple(figures)),
        DataTable("What the choice moves", columns, tuple(rows), sortable=False, narrow="stack"),
    ]
    if why_not:
        blocks.append(Note("caution", say(f"No assurance: {why_not}")))
    if first.assured is not None:
        blocks.append(Note("information", say(plan)))
        blocks += [Note("assumption", say(text)) for text in first.assured.trail.assumptions]
        blocks += [Note("caution", say(text)) for text in first.assured.warnings]
    lead = say("The cohorts chosen are taken for the history of the next trial's control; its effect stays as the plan has it.")
    return Section("assured", "What the choice means for a trial", lead, tuple(blocks))


def years_chart(found: Assurance, *, id: str, title: str, own: float, caption: Inline | Parts = ()) -> Chart | None:
    """Assurance by years of accrual beside the power at the plan's own truth; ``own`` are the plan's years.

    None where no other years than ``own`` can be planned.
    """
    if sum(point.assurance is not None for point in found.by_years) < 2:
        return None
    years = tuple(point.years for point in found.by_years)
    return lines(
        [
            LineSeries("assurance", years, tuple(point.assurance for point in found.by_years), trail=found.trail),
            LineSeries("power at the plan's guess", years, tuple(point.power_at_plan for point in found.by_years), trail=found.trail),
        ],
        id=id,
        title=title,
        x_title="years of accrual, at the plan's rate",
        y_title="assurance, power",
        trail=found.trail,
        x_format="decimal(1)",
        references=((found.target, f"{100 * found.target:.0f} %"),),
        verticals=((own, "the plan"),),
        y_domain=(0.0, 1.0),
        caption=caption,
    )


def _pooled(reading: Reading, key: str) -> Number:
    found = reading.pooled
    return number(found.estimate, "percent(1)", name=f"{reading.key}.{key}", trail=found.trail, interval=found.ci)


def _range(found: Interval | None, reading: Reading) -> Number | None:
    return None if found is None else number(found, "percent", name=f"{reading.key}.further", trail=reading.pooled.trail)


def _value(reading: Reading, value: float, key: str) -> Number:
    assert reading.assured is not None
    how = "decimal(0)" if key == "events" else "percent(1)"
    return number(value, how, name=f"{reading.key}.{key}", trail=reading.assured.trail)
