"""The summary of findings of sections 1 and 2 per 100 infants: what is pooled, what is not and why; certainty as rated, or unrated."""

from __future__ import annotations

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.evidence import Package
from nextarm.report import Block, DataTable, Details, Heading, ListBlock, Note, number, paragraph, say
from nextarm.report.document import CellLike, Row
from nextarm.studies.infant_all.intensification import RELAPSES, TOXIC_DEATHS, frontline_counts, whole_arms
from nextarm.studies.infant_all.plateau_cohorts import POOL_SET, SUCCESSORS, TIME, Cohorts
from nextarm.synthesis import PooledEstimate, finding, pool, select_rows

#: Fewest separate cohorts that must report a count under one definition before it is pooled.
FEWEST = 3
COLUMNS = ("Outcome", "Cohorts", "Infants", "Per 100 infants", "A further cohort", "Certainty (GRADE)", "Why")


def blocks(cohorts: Cohorts, package: Package) -> list[Block]:
    """The table, what the numbers show beside each domain, and the outcomes that cannot be summed up."""
    rows: list[Row] = []
    beside: list[Block] = []
    if cohorts.studies:
        pooled = pool(cohorts.studies, base=cohorts.base)
        rows.append(_pooled_row(pooled))
        made = finding(f"EFS at {TIME:g} years", pooled, None, time=TIME)
        beside = [Details("What the numbers show beside each domain", (ListBlock(tuple(say(h) for h in made.hints)),))]
    rows += [_survival_row(package), *_count_rows(package)]
    return [
        Heading("Summary of findings"),
        paragraph(
            "For newly diagnosed infants with KMT2A-rearranged ALL in frontline trials, as GRADE for prognosis asks: infants per 100. ",
            "A certainty is a person's judgement in five domains with a reason for each; nobody has rated these outcomes yet, so none is "
            "given here and none is made up from the numbers.",
        ),
        DataTable(caption="Summary of findings, per 100 infants", columns=COLUMNS, rows=tuple(rows), sortable=False, narrow="stack"),
        *beside,
        Note(
            "information",
            say(
                "No test for small-study effects (Egger) is made: a survival and its standard error depend on each other on every scale "
                "that pools them, so such a test finds asymmetry where there is none."
            ),
        ),
    ]


def _pooled_row(pooled: PooledEstimate) -> Row:
    made = finding(f"EFS at {TIME:g} years", pooled, None, time=TIME)
    trail = pooled.trail
    key = "findings.efs"
    further: CellLike = "cannot be given"
    if made.prediction_low is not None and made.prediction_high is not None:
        span = (made.prediction_low / 100.0, made.prediction_high / 100.0)
        further = number(None, "points(0)", name=f"{key}.next", trail=trail, interval=span)
    return (
        f"Event-free at {TIME:g} years",
        number(made.studies, "count", name=f"{key}.k", trail=trail),
        number(made.patients, "count", name=f"{key}.n", trail=trail, missing="not all state it"),
        number(made.per_100 / 100.0, "points(0)", name=key, trail=trail, interval=(made.per_100_low / 100.0, made.per_100_high / 100.0)),
        further,
        made.certainty,
        None,
    )


def _survival_row(package: Package) -> Row:
    """Overall survival: the cohorts print it at different times, and no row states when deaths happen."""
    try:
        chosen = select_rows(package, pool_set=POOL_SET, endpoint="OS", time=None, group_of=SUCCESSORS)
    except CallError:  # the pool set prints no overall survival at all
        return ("Alive at a common time", "0", None, "not pooled", None, "not rated", "no cohort prints overall survival")
    times = sorted({s.time for s in chosen.studies if s.time is not None})
    listed = f"{', '.join(f'{t:g}' for t in times[:-1])} and {times[-1]:g}" if len(times) > 1 else "".join(f"{t:g}" for t in times)
    why = f"printed at {listed} years, and no row of the package states when deaths happen, so they cannot be brought to one time"
    return (
        "Alive at a common time",
        number(len(chosen.studies), "count", name="findings.os.k", trail=chosen.trail()),
        None,
        "not pooled",
        None,
        "not rated",
        why,
    )


def _count_rows(package: Package) -> list[Row]:
    """Deaths by definition: pooled only where enough separate cohorts print events and n of one definition."""
    rows: list[Row] = []
    counts = frontline_counts(package, (*TOXIC_DEATHS, *RELAPSES))
    for what, words in (*TOXIC_DEATHS.items(), ("relapse", "Relapse")):
        whole = [c for c in whole_arms(package, counts) if c.what == what]
        if not whole:
            continue
        studies = {package.arm(c.arm_id).study_id for c in whole}
        known = {package.arm(c.arm_id).study_id for c in whole if c.events is not None and c.n is not None}
        trail = Trail("counted over counts.csv", rows=tuple(package.ref(c) for c in whole))
        why = _why(len(studies), len(known))
        rows.append(
            (
                words,
                number(len(studies), "count", name=f"findings.{what.replace('_', '-').lower()}.k", trail=trail),
                None,
                "not pooled",
                None,
                "not rated",
                why,
            )
        )
    return rows


def _why(studies: int, known: int) -> str:
    if studies < FEWEST:
        return "fewer than three separate trials count it under this definition"
    if known < FEWEST:
        return "fewer than three trials print both events and n; a rate alone has no exact likelihood"
    return "counted to each trial's own follow-up and over unlike groups of infants: not one quantity"
