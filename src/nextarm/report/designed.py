"""What a design, or each of up to four, can do by formula, as a section."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from nextarm.core.errors import NextarmError
from nextarm.core.units import whole_up
from nextarm.report.document import (
    Block,
    Column,
    DataTable,
    Details,
    KeyFigures,
    Note,
    Number,
    Row,
    Section,
    Strong,
    number,
    paragraph,
    say,
    slug,
)

#: Fields of a result by title and format, in the order shown; those that a design does not have are left out.
SHOWN = (
    ("n", "Patients", "count"),
    ("events", "Events at the last analysis", "count"),
    ("max_events", "Events there could ever be", "count"),
    ("expected_n_null", "Patients expected where the null is true", "decimal(1)"),
    ("stopped_early_null", "Stopped early where the null is true", "percent(1)"),
    ("expected_n", "Patients expected at the assumed truth", "decimal(1)"),
    ("analysis_time", "Years to the last analysis", "decimal(2)"),
    ("accrual_duration", "Years of accrual", "decimal(2)"),
    ("years_to_accrue", "Years to accrue at the plan's rate", "decimal(2)"),
    ("rate_needed", "Patients a year needed", "decimal(1)"),
    ("hazard_ratio_at_milestone", "log S1 / log S0 at the milestone", "hazard-ratio"),
)
#: The same of a design that counts patients with an event: the fields of survival designs say nothing of it.
COUNTED = tuple(
    (key, "Patients expected with the event that is counted", "decimal(1)") if key == "events" else (key, title, how)
    for key, title, how in SHOWN
    if key not in ("max_events", "hazard_ratio_at_milestone")
)
_NAMED = {key for key, _, _ in SHOWN}


def characteristics_of(found: Mapping[str, Any], *, not_yet: str = "") -> Section:
    """What each of the designs in ``found`` (by name) can do: results of ``nextarm design``, or the refusal where one has no formula.

    ``not_yet`` says what of it is still being worked out; a design of which nothing is known yet is None. Several stand side by side in
    one table, with what is each one's own folded below it.
    """
    if len(found) == 1:
        only = next(iter(found.values()))
        if only is None:
            return Section("characteristics", "What it can do", say("Being worked out."))
        if isinstance(only, NextarmError):
            return Section("characteristics", "What it can do", say("No characteristics by formula."), (Note("caution", say(str(only))),))
        worked = f"{title_of(only)}: {only.solved_for} worked out from the plan"
        return Section("characteristics", "What it can do", say(f"{', '.join(filter(None, (worked, not_yet)))}."), _alone(only, "design"))
    names = _short(found)
    made = {name: result for name, result in found.items() if result is not None and not isinstance(result, NextarmError)}
    cells = {name: dict(_common(result, names[name]) + _error(result, names[name])) for name, result in made.items()}
    missing = {name: "being worked out" if result is None else "no formula" for name, result in found.items()}
    kinds: Row = ("Kind of design", *(title_of(made[name]) if name in made else missing[name] for name in found))
    differ: list[Row] = [kinds]
    same: list[Row] = []
    for title in dict.fromkeys(t for one in cells.values() for t in one):
        row = [cells.get(name, {}).get(title) for name in found]
        texts = {value.text for value in row if value is not None}
        if len(texts) == 1 and None not in row:
            same.append((title, row[0]))
        elif texts:
            differ.append((title, *row))
    columns: tuple[Column | str, ...] = ("Characteristic", *(Column(name, align="right") for name in found))
    blocks: list[Block] = [DataTable("The designs side by side, by formula", columns, tuple(differ), sortable=False, narrow="stack")]
    if same:
        shared = DataTable("The same for all of them", ("Characteristic", Column("Value", align="right")), tuple(same), sortable=False)
        blocks.append(shared)
    for name, result in found.items():
        if isinstance(result, NextarmError):
            blocks.append(Note("caution", say(f"{name}: no characteristics by formula. {result}")))
        elif result is not None:
            blocks.append(Details(f"{name}: {title_of(result)}, all it says", _alone(result, names[name])))
    return Section(
        "characteristics",
        "What they can do",
        say(f"{', '.join(filter(None, (f'{len(found)} designs for the same patients', not_yet)))}."),
        tuple(blocks),
    )


@cache
def titles() -> dict[str, str]:
    """The title of each kind of design, as its card has it."""
    from nextarm.designs.cards import design_cards

    return {card.kind: card.title for card in design_cards().cards}


def title_of(found: Any) -> str:
    """What the card of its kind calls the design of a result."""
    return titles()[found.kind_of_design]


def _short(found: Mapping[str, Any]) -> dict[str, str]:
    """What the numbers of each design are called by: its own plan's as of old, the others by their names."""
    taken = [slug(name) for name in found]
    return {name: "design" if i == 0 else f"design.{i + 1}-{taken[i]}" for i, name in enumerate(found)}


def _common(found: Any, stem: str) -> list[tuple[str, Number | None]]:
    """What all designs have, by title."""
    trail = found.trail

    def made(value: float | None, how: str, name: str) -> Number | None:
        if value is None or value != value:
            return None
        return number(whole_up(value) if how == "count" else value, how, name=f"{stem}.{name}", trail=trail)

    rows = [("Power", made(found.power, "percent(1)", "power")), ("One-sided alpha", made(found.alpha, "percent(1)", "alpha"))]
    shown = COUNTED if hasattr(found, "null_probability") else SHOWN
    rows += [(title, made(getattr(found, key, None), how, key)) for key, title, how in shown]
    for arm, survival in found.survival_at_milestone.items():
        rows.append((f"S at {found.milestone:g} years, {arm}", made(survival, "percent(1)", f"milestone.{_plain(arm)}")))
        if arm in found.cure_fraction:
            rows.append((f"Cure fraction, {arm}", made(found.cure_fraction[arm], "percent(1)", f"cured.{_plain(arm)}")))
    return rows


def _error(found: Any, stem: str) -> list[tuple[str, Number | None]]:
    """The type I error of a design that works it out: a rule that does not hold its alpha must not look as good as one that does."""
    value = getattr(found, "type1_error", None)
    how = None if value is None else number(float(value), "percent(1)", name=f"{stem}.error", trail=found.trail)
    return [("Type I error, worked out", how)]


def _alone(found: Any, stem: str) -> tuple[Block, ...]:
    """All that one result says: key figures, what all designs have, its own extras, cautions and assumptions."""
    power, alpha, *rows = _common(found, stem)
    figures = [(value, title) for value, title in ((power[1], "power"), (alpha[1], "one-sided alpha")) if value is not None]
    figures += [(value, title.lower()) for title, value in rows[:2] if value is not None]
    own: list[Row] = [row for row in rows if row[1] is not None]
    called = found.titles()
    for key, value in found.also_shown().items():
        if key in _NAMED:
            continue
        title = called.get(key, key.replace("_", " "))
        if isinstance(value, int | float) and not isinstance(value, bool):
            own.append((title, number(float(value), "decimal(4)", name=f"{stem}.{slug(key)}", trail=found.trail)))
        else:
            own.append((title, None if value is None else str(value)))
    table = DataTable("Characteristics", ("Characteristic", Column("Value", align="right")), tuple(own), sortable=False, narrow="stack")
    blocks: list[Block] = [KeyFigures(tuple(figures[:4])), table, paragraph(Strong("Estimand. "), found.estimand)]
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks += [Note("assumption", say(text)) for text in found.trail.assumptions]
    return tuple(blocks)


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name) or "arm"
