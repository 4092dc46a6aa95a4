"""The report of virtual platforms: which arms are declared better, when each is open, what controls of other times do."""

from __future__ import annotations

from collections.abc import Mapping

from nextarm.designs.plan import Plan
from nextarm.report.charts import Bar, ForestRow, bars, forest
from nextarm.report.document import Block, KeyFigures, Report, Row, RowGroup, Section, paragraph, say
from nextarm.report.monte_carlo import cautions, groups, number_name, numbers_table, page, plans_section, scenarios_table, with_interval
from nextarm.simulation.characteristics import Mean
from nextarm.simulation.platform_result import PlatformArmCounts, PlatformCharacteristics

Platforms = Mapping[str, PlatformCharacteristics]
DRAWN = "Poisson entry given the number of patients, blocks among the arms then open, event times by inversion of the truth."


def platform_report(runs: Platforms, plans: Mapping[str, Plan]) -> Report:
    """A report of ``runs`` (1 to 4 platforms by name) with their ``plans``."""
    return page(runs, [_arms(runs), _whole(runs), _years(runs), _controls(runs), plans_section(plans, DRAWN)])


def _arms(runs: Platforms) -> Section:
    rows: list[Row | RowGroup] = []
    drawn: list[Bar] = []
    for heading, name, run, s in groups(runs):
        rows.append(RowGroup(heading))
        for arm in s.arms:
            key = number_name(name, s.name, arm.name)
            rate = with_interval(arm.rejection, "percent(1)", name=f"{key}.declared", trail=run.trail)
            dropped = with_interval(arm.dropping, "percent(1)", name=f"{key}.dropped", trail=run.trail)
            patients = with_interval(arm.patients, "decimal(1)", name=f"{key}.patients", trail=run.trail)
            controls = with_interval(arm.controls, "decimal(1)", name=f"{key}.controls", trail=run.trail)
            rows.append((arm.name, rate, dropped, patients, controls))
            drawn.append(Bar(arm.name, rate.value, rate.low, rate.high, group=heading, trail=run.trail, number=rate))
    first_name, first = next(iter(runs.items()))
    own = first.scenarios[0]
    keys = []
    for a in own.arms[:4]:
        named = number_name(first_name, own.name, a.name, "declared")
        keys.append((with_interval(a.rejection, "percent(1)", name=named, trail=first.trail), f"{a.name} declared better"))
    chart = bars(
        drawn,
        id="declared",
        title="How often each arm is declared better",
        axis="Share of virtual platforms",
        trail=first.trail,
        format="percent(1)",
        domain=(0.0, 1.0),
        caption="Where an arm is nowhere better than the control this is its type I error, otherwise its power.",
    )
    table = numbers_table(
        "Each experimental arm; intervals are those of the Monte-Carlo error (95 %)",
        ("Arm", "Declared better", "Dropped at a look", "Patients", "Controls"),
        rows,
        note="Controls are those that its test uses. All shares are of all virtual platforms, also of those in which the arm never opens.",
    )
    lead = say("Each arm has its own decision against the shared control.")
    return Section("arms", "Which arms are declared better?", lead, (KeyFigures(tuple(keys)), chart, table, *cautions(runs)))


def _whole(runs: Platforms) -> Section:
    table = scenarios_table(
        runs,
        "The whole platform; intervals are those of the Monte-Carlo error (95 %)",
        ("Any arm declared better", "Patients", "Patients on a lesser arm", "Years to the last decision"),
        lambda s: (
            ("any", s.any_rejection, "percent(1)"),
            ("all-patients", s.patients, "decimal(1)"),
            ("lesser", s.lesser, "decimal(1)"),
            ("years", s.duration, "decimal(2)"),
        ),
        note="A lesser arm, the control among them, is one whose true S at the milestone is below the best arm's; where all are alike "
        "there is none. Where no arm works, the first column is the family-wise error.",
    )
    return Section("whole", "What does the whole platform cost?", say("Patients and years over all arms."), (table,))


def _years(runs: Platforms) -> Section:
    """When each arm opens, has its last patient, and is decided."""
    drawn: list[ForestRow] = []
    rows: list[Row | RowGroup] = []
    first = next(iter(runs.values()))
    for heading, name, run, s in groups(runs):
        rows.append(RowGroup(heading))
        for arm in s.arms:
            key = number_name(name, s.name, arm.name)
            opened = with_interval(arm.opening, "percent(1)", name=f"{key}.opened", trail=run.trail)
            if arm.opens is None or arm.closes is None or arm.decided is None:
                rows.append((arm.name, opened, None, None, None))
                continue
            decided = Mean(value=arm.decided, se=None)
            parts = (("opens", arm.opens), ("last-patient", arm.closes), ("decided", decided))
            rows.append((arm.name, opened, *(with_interval(v, "decimal(2)", name=f"{key}.{what}", trail=run.trail) for what, v in parts)))
            if s is run.scenarios[0]:
                group = name if len(runs) > 1 else ""
                drawn.append(ForestRow(arm.name, arm.closes.value, arm.opens.value, arm.decided, group=group, trail=run.trail))
    blocks: list[Block] = []
    if drawn:
        blocks.append(
            forest(
                drawn,
                id="years",
                title="From opening to decision, own truth",
                axis="Years from the first patient",
                trail=first.trail,
                format="decimal(1)",
                caption="A line runs from the mean opening of an arm to its mean decision; the square is its last patient.",
            )
        )
    table = numbers_table(
        "Mean years from the first patient, over the platforms in which the arm opens",
        ("Arm", "Opens at all", "Opens", "Last patient", "Decided"),
        rows,
    )
    return Section("years", "When is each arm open?", say("Means over the virtual platforms in which an arm opens."), (*blocks, table))


def _controls(runs: Platforms) -> Section:
    """What controls of other times do to the estimate and to the error."""
    rows: list[Row | RowGroup] = []
    drawn: list[ForestRow] = []
    first = next(iter(runs.values()))
    for heading, name, run, s in groups(runs):
        rows.append(RowGroup(heading))
        for arm in s.arms:
            rows.append((arm.name, *_control_numbers(number_name(name, s.name, arm.name), run, arm)))
            shift = arm.shift
            if shift is not None and shift.se is not None and abs(shift.value) > 1e-9:
                z = 1.96 * shift.se
                drawn.append(ForestRow(arm.name, shift.value, shift.value - z, shift.value + z, group=heading, trail=run.trail))
    table = numbers_table(
        "Controls randomised while the arm was open, and all controls until its end",
        ("Arm", "Log hazard ratio, concurrent", "Shift by controls of other times", "Declared better, concurrent", "Declared better, all"),
        rows,
    )
    blocks: list[Block] = [table]
    if drawn:
        chart = forest(
            drawn,
            id="shift",
            title="What controls of other times do to the estimate",
            axis="Shift of the log hazard ratio (below 0: in favour of the arm)",
            trail=first.trail,
            format="signed-decimal(3)",
            reference=(0.0, "no shift"),
            caption="Mean over virtual platforms with the 95 % interval of its Monte-Carlo error.",
        )
        blocks.insert(0, chart)
    lead = say(
        "Controls from before an arm opened add patients; where patients or care change over the years, they also add bias. Both analyses ",
        "are of the same virtual platforms, whichever the plan chooses.",
    )
    note = "Where looks drop or declare arms, a small shift remains without drift: those decisions were made on the concurrent controls."
    blocks.append(paragraph(note))
    return Section("controls", "What do controls of other times do?", lead, tuple(blocks))


def _control_numbers(key: str, run: PlatformCharacteristics, arm: PlatformArmCounts) -> Row:
    concurrent, everybody = (
        (arm.rejection, arm.rejection_other) if run.control_data == "concurrent" else (arm.rejection_other, arm.rejection)
    )
    ratio, shift = (
        None if v is None else with_interval(v, "signed-decimal(3)", name=f"{key}.{what}", trail=run.trail)
        for what, v in (("log-ratio", arm.log_ratio), ("shift", arm.shift))
    )
    rates = (
        with_interval(v, "percent(1)", name=f"{key}.{what}", trail=run.trail)
        for what, v in (("with-concurrent", concurrent), ("with-all", everybody))
    )
    return (ratio, shift, *rates)
