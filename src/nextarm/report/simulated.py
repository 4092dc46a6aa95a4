"""The report of virtual trials: what each design does under each scenario, drawn and told, with Monte-Carlo errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nextarm.designs.plan import Plan
from nextarm.report.charts import Bar, LineSeries, bars, heatmap, lines
from nextarm.report.charts.calendar import OUTCOMES, PatientLine, calendar
from nextarm.report.charts.results import Z
from nextarm.report.document import (
    Block,
    Chart,
    Column,
    DataTable,
    Details,
    KeyFigures,
    Number,
    Report,
    Row,
    RowGroup,
    Section,
    number,
    say,
    slug,
)
from nextarm.report.formats import format_number
from nextarm.report.html import render_html
from nextarm.report.monte_carlo import cautions, page, plans_section, with_interval
from nextarm.report.simulated_arms import platform_report
from nextarm.report.simulated_doses import dose_report
from nextarm.report.write import write_texts
from nextarm.simulation.block import Prepared
from nextarm.simulation.characteristics import OperatingCharacteristics, ScenarioCounts
from nextarm.simulation.compare import Compared, SideBySide, designs_by_name
from nextarm.simulation.dose_result import DoseCharacteristics
from nextarm.simulation.null_excess import allowed_errors, rejections_by_formula
from nextarm.simulation.one_trial import VirtualTrial, virtual_trial
from nextarm.simulation.platform_result import PlatformCharacteristics
from nextarm.simulation.ready import ready
from nextarm.simulation.run import AnyCharacteristics

#: Columns of the table: name in the summary, title, format.
COLUMNS = (
    ("rejection", "Rejects", "percent(1)"),
    ("events", "Events", "decimal(1)"),
    ("patients", "Patients", "decimal(1)"),
    ("duration", "Years", "decimal(2)"),
    ("futility", "Given up for futility", "percent(1)"),
    ("never_reached", "Events never reached", "percent(1)"),
)
#: What the counts of single kinds of design are called.
ALSO = {
    "efs_alone": "EFS alone would reject", "withheld_by_os": "Withheld by OS", "stopped_for_os": "Ended for harm to OS",
    "response": "Response, by the graph", "EFS": "EFS, by the graph", "OS": "OS, by the graph", "response_alone": "Response alone",
    "EFS_alone": "EFS alone", "OS_alone": "OS alone", "false_rejection": "Any without an effect",
}  # fmt: skip
DRAWN = "Poisson entry given the number of patients, permuted blocks, event times by inversion of the truth."

#: Said instead of a column of zeros.
FUTILE, MISSED = " No virtual trial was given up for futility.", " In none were planned events still missing at its last look."

Runs = Mapping[str, OperatingCharacteristics]


def simulation_report(runs: Runs, *, plans: Mapping[str, Plan], trials: Mapping[str, VirtualTrial]) -> Report:
    """A report of ``runs`` (1 to 4 designs by name) with their ``plans`` and one virtual trial of each."""
    sections = [
        _rates(runs, plans),
        *_maps(runs),
        _times(runs),
        _looks(runs),
        *([_calendar(trials)] if trials else []),
        plans_section(plans, DRAWN),
    ]
    return page(runs, sections)


def write_simulation_report(found: AnyCharacteristics | Compared, *, plans: Mapping[str, Plan], out: str | Path) -> Path:
    """Write ``report.html`` on what was ``found`` for ``plans`` (by the name of the design) to the folder ``out``."""
    file = Path(out) / "report.html"
    write_texts({file: render_html(report_of_run(found, plans))})
    return file


def report_of_run(found: AnyCharacteristics | Compared, plans: Mapping[str, Plan]) -> Report:
    """The report on what was ``found`` for ``plans`` (by the name of the design), with one virtual trial of each design of survival."""
    runs: dict[str, Any] = found.by_name() if isinstance(found, SideBySide) else {next(iter(plans)): found}
    first = next(iter(runs.values()))
    if isinstance(first, PlatformCharacteristics):
        return platform_report(runs, plans)
    if isinstance(first, DoseCharacteristics):
        return dose_report(runs, plans)
    shown = {name: plan for name, plan in plans.items() if isinstance(ready(plan), Prepared)}  # designs for counts have no calendar
    trials = {name: virtual_trial(plan, seed=runs[name].trail.seed or 0) for name, plan in shown.items()}
    return simulation_report(runs, plans=plans, trials=trials)


def report_of_plan(found: AnyCharacteristics | Compared, plan: Plan) -> Report:
    """The same for one plan, with the designs of its ``[[compare]]`` side by side."""
    return report_of_run(found, designs_by_name([plan]))


def _number(name: str, run: OperatingCharacteristics, s: ScenarioCounts, what: str, how: str) -> Number:
    """A rate or mean with the interval of its Monte-Carlo error."""
    return with_interval(s.summarised()[what], how, name=f"{slug(name)}.{slug(s.name)}.{what}", trail=run.trail)


def _named(run: OperatingCharacteristics) -> list[ScenarioCounts]:
    return [s for s in run.scenarios if not s.at]


def _rates(runs: Runs, plans: Mapping[str, Plan]) -> Section:
    rows: list[Row | RowGroup] = []
    drawn: list[Bar] = []
    futile = any(s.futile_by_look.sum() for run in runs.values() for s in _named(run))
    missed = any(s.never_reached for run in runs.values() for s in _named(run))
    absent = {name: words for name, words, there in (("futility", FUTILE, futile), ("never_reached", MISSED, missed)) if not there}
    columns = [column for column in COLUMNS if column[0] not in absent]
    beside = {name: _beside(name, run, plans[name]) for name, run in runs.items()}
    formula = any(row[0] for one in beside.values() for row in one.values())
    for name, run in runs.items():
        if len(runs) > 1:
            rows.append(RowGroup(name))
        for s in _named(run):
            numbers = [_number(name, run, s, what, how) for what, _, how in columns]
            rows.append((s.name, numbers[0], *((beside[name][s.name][0],) if formula else ()), *numbers[1:]))
            rate = numbers[0]
            group = name if len(runs) > 1 else ""
            drawn.append(Bar(s.name, rate.value, rate.low, rate.high, group=group, trail=run.trail, number=rate))
    first_name, first = next(iter(runs.items()))
    own = first.scenarios[0]
    key = [
        (_number(first_name, first, own, what, how), f"{title.lower()}, own truth") for what, title, how in COLUMNS if what != "futility"
    ]
    table = DataTable(
        caption="Operating characteristics; intervals are those of the Monte-Carlo error (95 %)",
        columns=(
            "Scenario",
            *(Column(title, align="right") for title in ("Rejects", *["By formula"] * formula)),
            *(Column(title, align="right") for _, title, _ in columns[1:]),
        ),
        rows=tuple(rows),
        narrow="stack",
        note=say(
            *_nulls(beside),
            " By formula: what the design's own formula says of the same scenario." if formula else "",
            *absent.values(),
        ),
    )
    chart = bars(
        drawn,
        id="rejection",
        title="How often each design rejects its null",
        axis="Share of virtual trials that reject",
        trail=first.trail,
        format="percent(1)",
        domain=(0.0, 1.0),
        caption="Where the null is true this is the type I error, otherwise the power.",
    )
    lead = say(
        "Under the plan's own truth ",
        f"the design {first_name!r}" if len(runs) > 1 else "the design",
        " rejects in ",
        key[0][0],
        " of virtual trials.",
    )
    blocks = (KeyFigures(tuple(key[:4])), chart, table, *_also(runs), *cautions(runs))
    return Section("rates", "How often does it reject, and what does it cost?", lead, blocks)


def _beside(name: str, run: OperatingCharacteristics, plan: Plan) -> dict[str, tuple[Number | None, Number | None]]:
    """Of each scenario: its rejection by formula, where there is one of the whole design; alpha, where the null is true."""
    by_formula = rejections_by_formula(plan)
    made: dict[str, tuple[Number | None, Number | None]] = {}
    for s, allowed in zip(run.scenarios, allowed_errors(ready(plan)), strict=True):
        if not s.at:
            stem, value = f"{slug(name)}.{slug(s.name)}", by_formula.get(s.name)
            made[s.name] = (
                None if value is None else number(value, "percent(1)", name=f"{stem}.formula", trail=run.trail),
                None if allowed is None else number(allowed, "percent(1)", name=f"{stem}.alpha", trail=run.trail),
            )
    return made


def _nulls(beside: Mapping[str, Mapping[str, tuple[Number | None, Number | None]]]) -> list[Number | str]:
    """Where the null is true, and how often it may be rejected there; of every design where they differ."""
    said: dict[tuple[str, ...], list[str]] = {}
    alphas: dict[tuple[str, ...], Number] = {}
    for name, one in beside.items():
        true = {scenario: alpha for scenario, (_, alpha) in one.items() if alpha is not None}
        key = (*true, *(alpha.text for alpha in true.values()))
        said.setdefault(key, []).append(name)
        for alpha in true.values():
            alphas[key] = alpha
    made: list[Number | str] = []
    for key, names in said.items():
        of = f" of {' and '.join(names)}" if len(said) > 1 else ""
        where = key[: len(key) // 2]
        if where:
            made += [f" The null{of} is true under {' and '.join(where)}: there at most ", alphas[key], " (alpha) should reject."]
        else:
            made.append(f" The null{of} is true in none of these scenarios: nothing here is a type I error.")
    return made


def _also(runs: Runs) -> list[DataTable]:
    """What only this kind of design counts, one table a design that has any: further end points, results withheld."""
    made = []
    for name, run in runs.items():
        scenarios = _named(run)
        rows: list[Row | RowGroup] = [
            (ALSO.get(kind, kind.replace("_", " ")), *(_number(name, run, s, kind, "percent(1)") for s in scenarios))
            for kind in dict.fromkeys(kind for s in scenarios for kind in s.also)
        ]
        if rows:
            caption = "What else was counted" + (f": {name}" if len(runs) > 1 else "")
            columns: tuple[Column | str, ...] = ("Share of trials", *(Column(s.name, align="right") for s in scenarios))
            made.append(DataTable(caption=caption, columns=columns, rows=tuple(rows), sortable=False))
    return made


def _maps(runs: Runs) -> list[Section]:
    """Power curves over one assumption, or a map over two."""
    first = next(iter(runs.values()))
    if not first.grid:
        return []
    labels = [axis.label for axis in first.grid]
    if len(set(labels)) < len(labels):  # the same number of two arms: say of which
        labels = [f"{axis.label}, {axis.key.split('.')[1]}" for axis in first.grid]
    cells = {name: [s for s in run.scenarios if s.at] for name, run in runs.items()}
    charts: list[Chart] = []
    if len(first.grid) == 1:
        axis, label = first.grid[0], labels[0]
        series = []
        for name, run in runs.items():
            rates = [s.rejection for s in cells[name]]
            low = tuple(max(r.value - Z * r.se, 0.0) for r in rates)
            high = tuple(min(r.value + Z * r.se, 1.0) for r in rates)
            series.append(LineSeries(name, axis.values, tuple(r.value for r in rates), low, high, trail=run.trail))
        charts.append(
            lines(
                series,
                id="power-curve",
                title=f"Rejection over {label}",
                x_title=f"{label} ({axis.key})",
                y_title="Share that rejects",
                trail=first.trail,
                x_format="decimal(2)",
                references=((first.alpha, "alpha"), (0.8, "80 %")),
                y_domain=(0.0, 1.0),
            )
        )
    else:
        down, across = first.grid
        for i, (name, run) in enumerate(runs.items()):
            values = np.array([s.rejection.value for s in cells[name]]).reshape(len(down.values), len(across.values))
            charts.append(
                heatmap(
                    values.tolist(),
                    id=f"power-map-{i + 1}",
                    title=f"Rejection over two assumptions: {name}" if len(runs) > 1 else "Rejection over two assumptions",
                    x=[f"{v:g}" for v in across.values],
                    y=[f"{v:g}" for v in down.values],
                    x_title=labels[1],
                    y_title=labels[0],
                    trail=run.trail,
                    domain=(0.0, 1.0),
                )
            )
    lead = say(f"Rejection as {' and '.join(labels)} change{'' if len(labels) > 1 else 's'}, all else as planned.")
    return [Section("assumptions", "What if the assumptions are wrong?", lead, tuple(charts))]


def _times(runs: Runs) -> Section:
    """When trials end: the share that has ended by the mean time of each look; of a single look there is nothing to draw."""
    first = next(iter(runs.values()))
    mean = _number(next(iter(runs)), first, first.scenarios[0], "duration", "decimal(2)")
    title = "When does the trial end?"
    if all(run.looks == 1 for run in runs.values()):
        return Section("times", title, say("At its only look, under the plan's own truth after ", mean, " years in the mean."))
    series: list[LineSeries] = []
    chosen = [(name, run, run.scenarios[0]) for name, run in runs.items()]
    if len(runs) == 1:
        name, run = next(iter(runs.items()))
        chosen = [(s.name, run, s) for s in _named(run)[:4]]
    longest = 0.0
    for name, run, s in chosen:
        ended = np.flatnonzero(s.stopped_by_look)
        time = s.time_by_look[ended] / s.stopped_by_look[ended]
        order = np.argsort(time)
        share = np.concatenate([[0.0], np.cumsum(s.stopped_by_look[ended][order]) / s.trials])
        steps = [(0.0, 0.0)]  # the share jumps where trials end
        for t, before, after in zip(time[order].tolist(), share[:-1].tolist(), share[1:].tolist(), strict=True):
            steps += [(t - 1e-6, before), (t, after)]
        longest = max(longest, float(time.max()))
        series.append(LineSeries(name, tuple(t for t, _ in steps), tuple(v for _, v in steps), trail=run.trail))
    chart = lines(
        series,
        id="stopping-times",
        title="When trials end",
        x_title="Years (mean time of those that end at a look)",
        y_title="Share of trials that have ended",
        trail=first.trail,
        x_format="decimal(1)",
        y_domain=(0.0, 1.0),
        x_domain=(0.0, longest * 1.02),
        points=False,
    )
    return Section("times", title, say("Under the plan's own truth after ", mean, " years in the mean."), (chart,))


def _looks(runs: Runs) -> Section:
    rows: list[Row | RowGroup] = []
    for name, run in runs.items():
        for s in _named(run):
            rows.append(RowGroup(f"{name}: {s.name}" if len(runs) > 1 else s.name))
            for k in range(run.looks):
                base = f"{slug(name)}.{slug(s.name)}.look-{k + 1}"
                parts = (("rejects", s.rejected_by_look), ("futile", s.futile_by_look), ("ends", s.stopped_by_look))
                rows.append((f"look {k + 1}", *(number(int(c[k]), "count", name=f"{base}.{what}", trail=run.trail) for what, c in parts)))
    table = DataTable(
        caption="Virtual trials by look",
        columns=("Look", Column("Reject", align="right"), Column("Given up", align="right"), Column("End", align="right")),
        rows=tuple(rows),
        sortable=False,
    )
    lead = say("Counts of virtual trials that reject the null, are given up for futility, and end, at each look.")
    return Section("looks", "What happens at each look?", lead, (Details("Counts by look", (table,)),))


def _calendar(trials: Mapping[str, VirtualTrial]) -> Section:
    charts: list[Block] = []
    drawn = {name: found for name, found in trials.items() if len(found.arms) <= 4}
    for i, (name, found) in enumerate(drawn.items()):
        rows = zip(found.entry.tolist(), found.leaves.tolist(), found.arm.tolist(), found.outcome.tolist(), strict=True)
        patients = [PatientLine(a, b, arm, OUTCOMES[outcome]) for a, b, arm, outcome in rows]
        looks: Sequence[tuple[float, str]] = [
            (
                float(t),
                f"{int(e)} events" + (f", z = {format_number(float(z), 'decimal')}" if found.z.any() else ""),
            )  # a design without a z has zeros
            for t, e, z in zip(found.time, found.events, found.z, strict=True)
        ]
        end = "the null is rejected" if found.rejected else "the null is not rejected"
        which = f"look {len(looks)} of {found.planned}" if found.planned else "its last look"
        ended = f"This trial ended at {which}, after {looks[-1][0]:.2f} years: {end}."
        title = f"One virtual trial: {name}" if len(trials) > 1 else "One virtual trial"
        caption = f"Filled dots are events, open signs dropouts. {ended}"
        chart = calendar(
            patients, arms=found.arms, looks=looks, planned=found.planned, id=f"one-trial-{i + 1}", title=title, trail=found.trail,
            caption=caption,
        )  # fmt: skip
        charts.append(Details(title, (chart,)) if i else chart)  # the same infants again, under another design
    return Section(
        "one-trial", "What does one such trial look like?", say("Patient by patient, the first of the virtual trials."), tuple(charts)
    )
