"""What a design can do by formula, as a section."""

from __future__ import annotations

from typing import Any

from nextarm.core.units import whole_up
from nextarm.report.document import Block, Column, DataTable, KeyFigures, Note, Number, Row, Section, Strong, number, paragraph, say, slug

#: Fields of a result by title and format, in the order shown; those that a design does not have are left out.
SHOWN = (
    ("n", "Patients", "count"),
    ("events", "Events at the last analysis", "count"),
    ("max_events", "Events there could ever be", "count"),
    ("analysis_time", "Years to the last analysis", "decimal(2)"),
    ("accrual_duration", "Years of accrual", "decimal(2)"),
    ("years_to_accrue", "Years to accrue at the plan's rate", "decimal(2)"),
    ("rate_needed", "Patients a year needed", "decimal(1)"),
    ("hazard_ratio_at_milestone", "log S1 / log S0 at the milestone", "hazard-ratio"),
)


def characteristics(found: Any) -> Section:
    """What the result of ``nextarm design`` says: power, size, times, survival at the milestone, its own extras."""
    trail = found.trail

    def made(value: float | None, how: str, name: str) -> Number | None:
        if value is None or value != value:
            return None
        return number(whole_up(value) if how == "count" else value, how, name=f"design.{name}", trail=trail)

    power = number(found.power, "percent(1)", name="design.power", trail=trail)
    figures = [(power, "power"), (number(found.alpha, "percent(1)", name="design.alpha", trail=trail), "one-sided alpha")]
    figures += [(n, title.lower()) for key, title, how in SHOWN[:2] if (n := made(getattr(found, key), how, key)) is not None]
    rows: list[Row] = [(title, made(getattr(found, key), how, key)) for key, title, how in SHOWN]
    for arm, survival in found.survival_at_milestone.items():
        rows.append((f"S at {found.milestone:g} years, {arm}", made(survival, "percent(1)", f"milestone.{_plain(arm)}")))
        if arm in found.cure_fraction:
            rows.append((f"Cure fraction, {arm}", made(found.cure_fraction[arm], "percent(1)", f"cured.{_plain(arm)}")))
    for key, value in found.also_shown().items():
        shown = (
            number(float(value), "decimal(4)", name=f"design.{slug(key)}", trail=trail)
            if isinstance(value, int | float) and not isinstance(value, bool)
            else value
        )
        rows.append((key.replace("_", " "), shown if shown is None or isinstance(shown, Number) else str(shown)))
    table = DataTable("Characteristics", ("Characteristic", Column("Value", align="right")), tuple(rows), sortable=False, narrow="stack")
    blocks: list[Block] = [KeyFigures(tuple(figures[:4])), table, paragraph(Strong("Estimand. "), found.estimand)]
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks += [Note("assumption", say(text)) for text in trail.assumptions]
    lead = say(f"{found.kind_of_design}, {found.solved_for}.") if found.solved_for else say(f"{found.kind_of_design}.")
    return Section("characteristics", "What it can do", lead, tuple(blocks))


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name) or "arm"
