"""What pages on virtual trials share: numbers with the interval of their Monte-Carlo error, the plans, the title."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nextarm.core.trail import Trail
from nextarm.designs.plan import Plan
from nextarm.report.charts.results import Z
from nextarm.report.document import (
    Block,
    Code,
    Column,
    DataTable,
    Details,
    Note,
    Number,
    Report,
    Row,
    RowGroup,
    Section,
    number,
    paragraph,
    say,
    slug,
)  # fmt: skip
from nextarm.report.formats import FORMATS
from nextarm.simulation.characteristics import Mean, Rate

SUPPORTS = "Rates come with their Monte-Carlo standard error. They support the choice of a design and are not medical advice."


def with_interval(value: Rate | Mean, how: str, *, name: str, trail: Trail) -> Number:
    """A rate or mean with the 95 % interval of its Monte-Carlo error; without one where a single trial cannot tell it."""
    if value.se is None:
        return number(value.value, how, name=name, trail=trail)
    proportion = FORMATS[how.split("(")[0]].unit == "proportion"
    low, high = value.value - Z * value.se, value.value + Z * value.se
    signed = how.startswith("signed")
    return number(
        value.value, how, name=name, trail=trail, interval=(low if signed else max(low, 0.0), min(high, 1.0) if proportion else high)
    )


def number_name(*parts: str) -> str:
    """The name of a number from what it is of, each part as a slug."""
    return ".".join(slug(part) for part in parts)


def groups(runs: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """Heading, design, run and scenario of what stands together: each scenario of each design."""
    return [(f"{name}: {s.name}" if len(runs) > 1 else s.name, name, run, s) for name, run in runs.items() for s in run.scenarios]


def numbers_table(caption: str, titles: Sequence[str], rows: Sequence[Row | RowGroup], *, note: str = "") -> DataTable:
    """A table of numbers; ``titles`` are of its columns, the first of which names the row."""
    columns: tuple[Column | str, ...] = (titles[0], *(Column(title, align="right") for title in titles[1:]))
    return DataTable(caption=caption, columns=columns, rows=tuple(rows), sortable=False, narrow="stack", note=say(note) if note else ())


def scenarios_table(
    runs: Mapping[str, Any],
    caption: str,
    titles: Sequence[str],
    parts: Callable[[Any], Sequence[tuple[str, Rate | Mean, str]]],
    *,
    note: str = "",
) -> DataTable:
    """One row a scenario: ``parts`` gives name, value and format of each of its numbers."""
    rows: list[Row | RowGroup] = []
    for name, run in runs.items():
        if len(runs) > 1:
            rows.append(RowGroup(name))
        for s in run.scenarios:
            key = number_name(name, s.name)
            rows.append((s.name, *(with_interval(v, how, name=f"{key}.{what}", trail=run.trail) for what, v, how in parts(s))))
    return numbers_table(caption, ("Scenario", *titles), rows, note=note)


def cautions(runs: Mapping[str, Any]) -> list[Block]:
    """What each run warns of, and what in it was chance."""
    made: list[Block] = []
    for name, run in runs.items():
        of = f"{name}: " if len(runs) > 1 else ""
        made += [Note("caution", (f"{of}{text}.",)) for text in run.warnings]
        made += [Note("information", (f"{of}{text}.",)) for text in getattr(run, "by_chance", ())]
    return made


def page(runs: Mapping[str, Any], sections: list[Section]) -> Report:
    """The page on ``runs`` (1 to 4 designs by name)."""
    first, many = next(iter(runs.values())), len(runs) > 1
    same = ", the same random numbers for every design" if many else ""
    return Report(
        title=f"{len(runs)} designs side by side: {first.plan_name}" if many else f"Virtual trials: {first.plan_name}",
        subtitle=f"{first.scenarios[0].trials:,} virtual trials of each scenario{same}",
        sections=tuple(sections),
        notes=(SUPPORTS,),
    )


def plans_section(plans: Mapping[str, Plan], words: str) -> Section:
    """The plans as given; ``words`` say how their trials were drawn."""
    blocks: list[Block] = [Details(f"Plan: {name}", (Code(plan.to_toml()),)) for name, plan in plans.items()]
    return Section("plans", "What was assumed?", say("The plans as they were given."), (paragraph(words), *blocks))
