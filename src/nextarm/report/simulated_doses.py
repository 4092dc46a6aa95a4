"""The report of virtual dose finding: which dose is chosen, who is treated at which, what the rule says."""

from __future__ import annotations

from collections.abc import Mapping

from nextarm.designs.boin import BoinTable
from nextarm.designs.dose_design import DoseTable
from nextarm.designs.plan import Plan
from nextarm.report.charts import Bar, bars
from nextarm.report.document import Block, Column, DataTable, Details, KeyFigures, Report, Row, RowGroup, Section, number, say
from nextarm.report.monte_carlo import cautions, groups, number_name, numbers_table, page, plans_section, scenarios_table, with_interval
from nextarm.simulation.characteristics import rate_of
from nextarm.simulation.dose_result import DoseCharacteristics

DoseRuns = Mapping[str, DoseCharacteristics]
DRAWN = "Poisson entry given the number of patients; each patient's luck is one uniform number, the same for every design and scenario."


def dose_report(runs: DoseRuns, plans: Mapping[str, Plan]) -> Report:
    """A report of ``runs`` (1 to 4 dose finding designs by name) with their ``plans``."""
    return page(runs, [_doses(runs), _cost(runs), *_rules(plans, runs), plans_section(plans, DRAWN)])


def _doses(runs: DoseRuns) -> Section:
    rows: list[Row | RowGroup] = []
    drawn: list[Bar] = []
    first_name, first = next(iter(runs.items()))
    for heading, name, run, s in groups(runs):
        rows.append(RowGroup(heading))
        nearest = min(s.doses, key=lambda d: abs(d.toxicity - run.target))
        for dose in s.doses:
            key = number_name(name, s.name, dose.name)
            chosen = with_interval(dose.selection, "percent(1)", name=f"{key}.chosen", trail=run.trail)
            parts = (("patients", dose.patients), ("toxic", dose.toxic))
            rows.append(
                (
                    f"{dose.name}, nearest the target" if dose is nearest else dose.name,
                    number(dose.toxicity, "percent", name=f"{key}.rate", trail=run.trail, marks=("assumption",)),
                    chosen,
                    *(with_interval(v, "decimal(1)", name=f"{key}.{what}", trail=run.trail) for what, v in parts),
                )
            )
            drawn.append(
                Bar(
                    f"{dose.name} ({100 * dose.toxicity:.0f} % toxic)",
                    chosen.value,
                    chosen.low,
                    chosen.high,
                    group=heading,
                    trail=run.trail,
                    number=chosen,
                )
            )
        none = with_interval(s.none_chosen, "percent(1)", name=number_name(name, s.name, "none-chosen"), trail=run.trail)
        drawn.append(Bar("none", none.value, none.low, none.high, group=heading, trail=run.trail, number=none))
    own = first.scenarios[0]
    keys = [
        (
            with_interval(d.selection, "percent(1)", name=number_name(first_name, own.name, d.name, "chosen"), trail=first.trail),
            f"{d.name} chosen",
        )
        for d in own.doses[:4]
    ]
    chart = bars(
        drawn,
        id="chosen",
        title="How often each dose is chosen",
        axis="Share of virtual trials",
        trail=first.trail,
        format="percent(1)",
        domain=(0.0, 1.0),
        caption=f"The target rate is {100 * first.target:.0f} %.",
    )
    table = numbers_table(
        "Each dose; intervals are those of the Monte-Carlo error (95 %)", ("Dose", "True rate", "Chosen", "Patients", "Toxic events"), rows
    )
    lead = say(
        "The dose whose true rate is nearest the target is the right one. Dose finding tests no null hypothesis and has no type I error: ",
        "what can go wrong is a dose chosen that is too toxic, or none.",
    )
    return Section("doses", "Which dose is chosen?", lead, (KeyFigures(tuple(keys)), chart, table, *cautions(runs)))


def _cost(runs: DoseRuns) -> Section:
    table = scenarios_table(
        runs,
        "The whole trial; intervals are those of the Monte-Carlo error (95 %)",
        ("Rule not at its end", "Patients", "Toxic events", "Years to the choice", "Came while on hold"),
        lambda s: (
            ("undecided", rate_of(s.undecided, s.trials), "percent(1)"),
            ("all-patients", s.patients, "decimal(1)"),
            ("all-toxic", s.toxic, "decimal(1)"),
            ("years", s.duration, "decimal(2)"),
            ("turned-away", s.turned_away, "decimal(1)"),
        ),
    )
    return Section("cost", "What does it cost?", say("Patients, toxic events and years."), (table,))


def _rules(plans: Mapping[str, Plan], runs: DoseRuns) -> list[Section]:
    """The table of decisions of the designs that have one."""
    blocks: list[Block] = []
    for name, plan in plans.items():
        design = plan.design
        made = design.decisions(plan) if isinstance(design, DoseTable) else None
        if made is not None:
            title = f"Decisions: {name}" if len(plans) > 1 else "Decisions"
            blocks.append(Details(title, (_decisions(made, number_name(name, "rule"), runs[name]),)))
    if not blocks:
        return []
    return [Section("rule", "What does the rule say?", say("For every number of patients observed at the present dose."), tuple(blocks))]


def _decisions(made: BoinTable, key: str, run: DoseCharacteristics) -> DataTable:
    def cell(value: int | None, what: str, n: int) -> object:
        return None if value is None or value < 0 else number(value, "count", name=f"{key}.{what}-{n}", trail=run.trail)

    rows = tuple(
        (str(n), cell(up, "up", n), cell(down, "down", n), cell(close, "close", n))
        for n, up, down, close in zip(made.sizes, made.escalate, made.deescalate, made.close, strict=True)
    )
    titles = ("Escalate at so many or fewer", "De-escalate at so many or more", "Close the dose at so many or more")
    columns = ("Patients at the dose", *(Column(c, align="right") for c in titles))
    return DataTable(caption="Toxic events and what follows", columns=columns, rows=rows, sortable=False)  # type: ignore[arg-type]
