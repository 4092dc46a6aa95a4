"""Pooled evidence as sections: forest, one study after another, trend against a margin, competing events, summary of findings.

Arms may be left out by name; what is left out stands in the trail with that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nextarm.core.errors import CallError, RefusedError
from nextarm.evidence import Package
from nextarm.report.charts import named_forest, pooled_rows
from nextarm.report.charts.forest import forest
from nextarm.report.charts.pooling import competing_bars
from nextarm.report.charts.results import row_trail
from nextarm.report.charts.trend import Bubble, bubble_trend
from nextarm.report.document import Block, Column, DataTable, KeyFigures, Note, Row, Section, number, paragraph, say
from nextarm.synthesis.competing import cause_counts, pool_competing
from nextarm.synthesis.grade import finding
from nextarm.synthesis.pool import PooledEstimate, pool
from nextarm.synthesis.select import SelectedRows, leave_out, select_rows, what_helps
from nextarm.synthesis.sensitivity import cumulative, leave_one_out
from nextarm.synthesis.trend import era_trend


@dataclass(frozen=True)
class PoolQuestion:
    """What is to be pooled and how; ``without`` are arms to leave out."""

    pool_set: str
    endpoint: str
    time: float | None
    window: float = 0.0
    assume_origin: bool = False
    measure: str = "cloglog"
    method: str = "reml"
    interval: str = "ad-hoc"
    margin: float = 0.05
    without: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The end point and its time."""
        if self.time is None:
            return f"{self.endpoint}, at whatever time each cohort reports"
        return f"{self.endpoint} at {self.time:g} years" + (f" (within {self.window:g})" if self.window else "")


@dataclass(frozen=True)
class Chosen:
    """The rows that answer a question, after arms were left out, and the arms that could be."""

    selected: SelectedRows
    arms: tuple[tuple[str, str], ...]


def arms_of(package: Package, pool_set: str) -> tuple[tuple[str, str], ...]:
    """The arms of a pool set: id, and study with label."""
    found = [a for a in package.arms if a.pool_set == pool_set]
    return tuple((a.arm_id, f"{package.study_of(a).name}: {a.label}") for a in found)


def times_of(package: Package, pool_set: str, endpoint: str) -> tuple[float, ...]:
    """The years at which rows of a pool set report the end point."""
    arms = {a for a, _ in arms_of(package, pool_set)}
    found = {o.time_years for o in package.outcomes if o.arm_id in arms and o.endpoint == endpoint and o.time_years is not None}
    return tuple(sorted(found))


def choose(package: Package, asked: PoolQuestion) -> Chosen:
    """Select rows as pooling does, then leave out the arms asked; :class:`CallError` for an arm that is not in the pool set."""
    arms = arms_of(package, asked.pool_set)
    if odd := sorted(set(asked.without) - {a for a, _ in arms}):
        raise CallError(f"without = {odd[0]!r}", rule=f"is not an arm of pool set {asked.pool_set}")
    found = select_rows(
        package, pool_set=asked.pool_set, endpoint=asked.endpoint, time=asked.time, window=asked.window, assume_origin=asked.assume_origin
    )
    return Chosen(leave_out(found, package, asked.without), arms)


def pooled_of(chosen: Chosen, asked: PoolQuestion) -> PooledEstimate:
    """Pool what was chosen; :class:`RefusedError` with the reasons where nothing can be."""
    if not chosen.selected.studies:
        raise RefusedError(f"no row of {asked.pool_set} can be pooled for {asked.words}", rule=_reasons(chosen), cure=_cure(chosen))
    return pool(
        chosen.selected.studies,
        measure=asked.measure,
        method=asked.method,
        interval=asked.interval,
        probability=True,
        base=chosen.selected.trail(),
    )


def _reasons(chosen: Chosen) -> str:
    """Why each row stayed out, by the names of its study and arm; what is out for one reason together."""
    names, found = dict(chosen.arms), dict[str, list[str]]()
    for left in chosen.selected.left_out[:8]:
        arm, _, rest = left.row.key.partition(" ")
        found.setdefault(left.reason, []).append(f"{names.get(arm, arm)}, {rest}")
    more = len(chosen.selected.left_out) - 8
    return "; ".join(f"{' and '.join(rows)}: {reason}" for reason, rows in found.items()) + (f"; and {more} rows more" if more > 0 else "")


def _cure(chosen: Chosen) -> str:
    assume = "take unstated origins of time to be the same"
    return what_helps(
        chosen.selected.left_out, assume=assume, window="ask for a time that rows report, or widen the window", without="without"
    )


#: What of the answer may be asked for by itself, with its title.
VIEWS = {
    "pooled": "Pooled value",
    "one-by-one": "What each cohort does",
    "trend": "Trend against a margin",
    "competing": "Competing events",
    "findings": "Summary of findings",
}


@lru_cache(maxsize=128)
def pooled_sections(package: Package, asked: PoolQuestion, views: tuple[str, ...] = tuple(VIEWS)) -> tuple[Section, ...]:
    """The sections for one question, kept: packages are told apart by identity and never change."""
    chosen = choose(package, asked)
    found = pooled_of(chosen, asked)
    make: dict[str, Callable[[], Section]] = {
        "pooled": lambda: _forest(found, asked),
        "one-by-one": lambda: _one_by_one(chosen, found, asked),
        "trend": lambda: _trend(chosen, asked),
        "competing": lambda: _competing(package, asked),
        "findings": lambda: _findings(found, asked),
    }
    return tuple(make[view]() for view in VIEWS if view in views)


def key_figures(found: PooledEstimate) -> KeyFigures:
    """The pooled value, where a further cohort may lie, and how many cohorts."""
    trail = found.trail
    items = [(number(found.estimate, "percent(1)", name="pooled", trail=trail, interval=found.ci), "pooled, 95 % interval")]
    if found.prediction is not None:
        items.append((number(found.prediction, "percent(1)", name="pooled.next", trail=trail), "where a further cohort may lie"))
    items.append((number(found.k, "count", name="pooled.k", trail=trail), "cohorts"))
    if found.i2 is not None:
        items.append((number(found.i2, "percent", name="pooled.i2", trail=trail), "of the spread is between cohorts (I²)"))
    return KeyFigures(tuple(items[:4]))


def _forest(found: PooledEstimate, asked: PoolQuestion) -> Section:
    drawn = forest(
        pooled_rows(found),
        id="forest",
        title=f"{asked.words}: cohorts and pooled value",
        axis=asked.endpoint,
        trail=found.trail,
        caption=say(f"Random effects, {asked.method} on the {asked.measure} scale. Hollow squares: derived, secondary or assumed."),
    )
    blocks: list[Block] = [key_figures(found), drawn]
    if found.trail.left_out:
        rows: tuple[Row, ...] = tuple((left.row.key, left.reason) for left in found.trail.left_out)
        blocks.append(DataTable(f"{len(rows)} rows were looked at and not pooled", ("Row", "Why"), rows, narrow="stack"))
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks += [Note("assumption", say(text)) for text in found.trail.assumptions]
    return Section("pooled", "Pooled value", (), tuple(blocks))


def _one_by_one(chosen: Chosen, found: PooledEstimate, asked: PoolQuestion) -> Section:
    how: dict[str, Any] = {"measure": asked.measure, "method": asked.method, "interval": asked.interval}
    grown = named_forest(
        cumulative(chosen.selected.studies, **how),
        id="cumulative",
        title="Cohort after cohort, by year of enrolment",
        axis=asked.endpoint,
        trail=found.trail,
    )
    blocks: list[Block] = [grown]
    if found.k > 2:
        blocks.append(
            named_forest(
                leave_one_out(chosen.selected.studies, **how),
                id="leave-one-out",
                title="Without each cohort in turn",
                axis=asked.endpoint,
                trail=found.trail,
            )
        )
    return Section(
        "one-by-one", "What each cohort does", say("How the pooled value came about, and which cohort it hangs on."), tuple(blocks)
    )


def _trend(chosen: Chosen, asked: PoolQuestion) -> Section:
    trend = era_trend(
        chosen.selected.studies,
        margin=asked.margin,
        measure=asked.measure,
        method=asked.method,
        interval=asked.interval,
        base=chosen.selected.trail(),
    )
    title = f"Trend against a margin of {100 * asked.margin:g} points a decade"
    lead = say(trend.verdict.sentence)
    fit = trend.regression
    if fit is None:
        return Section("trend", title, lead, (paragraph("No line can be fitted to these cohorts."),))
    years = [s.year for s in fit.studies if s.year is not None]
    steps = [min(years) + (max(years) - min(years)) * i / 24 for i in range(25)]
    bubbles = [
        Bubble(s.label, s.year, s.estimate, s.ci.low, s.ci.high, s.weight, "", s.marks, row_trail(fit, s.row))
        for s in fit.studies
        if s.year is not None
    ]
    drawn = bubble_trend(
        bubbles,
        id="trend",
        title=f"{asked.words} by mid-year of enrolment",
        x_title="Mid-year of enrolment",
        y_title=asked.endpoint,
        trail=trend.trail,
        line=[(y, m, ci.low, ci.high) for y in steps for m, ci in [fit.predict(year=y)]],
    )
    said: list[Block] = [drawn]
    if trend.change is not None and trend.change_ci is not None:
        change = number(trend.change, "signed-points", name="trend.change", trail=trend.trail, interval=trend.change_ci)
        said.append(paragraph("Change a decade: ", change, f", {trend.k} cohorts."))
    if trend.probabilities is not None:
        p = trend.probabilities
        parts = [
            number(v, "probability", name=f"trend.{n}", trail=trend.trail)
            for n, v in (("above", p.above), ("within", p.within), ("below", p.below))
        ]
        said.append(
            paragraph(
                "Posterior probability of a rise above the margin ",
                parts[0],
                ", of a change within it ",
                parts[1],
                ", of a fall beyond it ",
                parts[2],
                f" ({p.prior}).",
            )
        )
    said += [Note("caution", say(f"Missing for an answer: {text}.")) for text in trend.verdict.missing]
    return Section("trend", title, lead, tuple(said))


def _competing(package: Package, asked: PoolQuestion) -> Section:
    title = "Competing events"
    cohorts = cause_counts(package, pool_set=asked.pool_set)
    try:
        found = pool_competing(cohorts)
    except RefusedError as refusal:
        return Section(
            "competing", title, say("Not enough cohorts report relapse and death in remission."), (Note("information", say(str(refusal))),)
        )
    drawn = competing_bars(found, id="competing", title="How first events divide", axis="Share of patients")
    note = Note(
        "information",
        say("All cohorts of the pool set that report them enter here, those left out above included; the rows state no time."),
    )
    return Section("competing", title, say("Relapse, death in remission, and event-free survival, pooled together."), (drawn, note))


def _findings(found: PooledEstimate, asked: PoolQuestion) -> Section:
    line = finding(asked.endpoint, found, None, time=asked.time)
    per = number(line.per_100, "decimal(0)", name="findings.per-100", trail=found.trail, interval=(line.per_100_low, line.per_100_high))
    patients = None if line.patients is None else number(line.patients, "count", name="findings.patients", trail=found.trail)
    row: Row = (asked.words, per, number(line.studies, "count", name="findings.k", trail=found.trail), patients, line.certainty)
    columns = (
        "Outcome",
        Column("Patients per 100", align="right"),
        Column("Cohorts", align="right"),
        Column("Patients", align="right"),
        "Certainty",
    )
    hints: tuple[Row, ...] = tuple((text.partition(": ")[0], text.partition(": ")[2]) for text in line.hints)
    return Section(
        "findings",
        "Summary of findings",
        say("Certainty is a person's judgement: nobody has rated it here. The hints say what the numbers show beside each domain."),
        (
            DataTable("Summary of findings, GRADE for prognosis", columns, (row,), sortable=False, narrow="stack"),
            DataTable("Hints", ("Domain", "What the numbers show"), hints, sortable=False, narrow="stack"),
        ),
    )


__all__ = ["VIEWS", "Chosen", "PoolQuestion", "arms_of", "choose", "key_figures", "pooled_of", "pooled_sections"]
