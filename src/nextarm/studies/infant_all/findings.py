"""The summary of findings of sections 1 and 2 per 100 infants: what is pooled, what is not and why; certainty as rated, or unrated."""

from __future__ import annotations

from nextarm.core.errors import CallError
from nextarm.core.trail import Trail
from nextarm.evidence import Package
from nextarm.report import Block, DataTable, Details, Heading, ListBlock, Note, number, paragraph, say, slug
from nextarm.report.document import CellLike, Row
from nextarm.studies.infant_all.intensification import RELAPSES, TOXIC_DEATHS, frontline_counts, whole_arms
from nextarm.studies.infant_all.intensification_pool import allowed
from nextarm.studies.infant_all.plateau_cohorts import POOL_SET, SUCCESSORS, TIME, Cohorts
from nextarm.synthesis import PooledEstimate, finding, pool, select_rows

COLUMNS = ("Outcome", "Cohorts", "Infants", "Per 100 infants", "A further cohort", "Certainty (GRADE)")


def blocks(cohorts: Cohorts, package: Package) -> list[Block]:
    """The table, what the numbers show beside each domain, and the outcomes that cannot be summed up."""
    rows: list[Row] = []
    beside: list[Block] = []
    if cohorts.studies:
        pooled = pool(cohorts.studies, base=cohorts.base)
        rows.append(_pooled_row(pooled))
        made = finding(f"EFS at {TIME:g} years", pooled, None, time=TIME)
        beside = [Details("What the numbers show beside each domain", (ListBlock(tuple(say(h) for h in made.hints)),))]
    counted, apart = _count_rows(package)
    rows += counted
    return [
        Heading("Summary of findings"),
        paragraph(
            "For newly diagnosed infants with KMT2A-rearranged ALL in frontline trials, as GRADE for prognosis asks: infants per 100. ",
            "A certainty is a person's judgement in five domains with a reason for each; nobody has rated these outcomes yet, so none is "
            "given here and none is made up from the numbers.",
        ),
        *([DataTable("Summary of findings, per 100 infants", COLUMNS, tuple(rows), sortable=False, narrow="stack")] if rows else []),
        *beside,
        DataTable(
            caption="Outcomes that are not pooled, and why",
            columns=("Outcome", "Trials", "Why it is not pooled"),
            rows=(_survival_row(package), *apart),
            sortable=False,
            narrow="stack",
        ),
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
        span = (made.prediction_low, made.prediction_high)
        further = number(None, "decimal(0)", name=f"{key}.next", trail=trail, interval=span)
    return (
        f"Event-free at {TIME:g} years",
        number(made.studies, "count", name=f"{key}.k", trail=trail),
        number(made.patients, "count", name=f"{key}.n", trail=trail, missing="not all state it"),
        number(made.per_100, "decimal(0)", name=key, trail=trail, interval=(made.per_100_low, made.per_100_high)),
        further,
        made.certainty,
    )


def _survival_row(package: Package) -> Row:
    """Overall survival: the cohorts print it at different times, and no row states when deaths happen."""
    try:
        chosen = select_rows(package, pool_set=POOL_SET, endpoint="OS", time=None, group_of=SUCCESSORS)
    except CallError:  # the pool set prints no overall survival at all
        return ("Alive at a common time", "0", "no cohort prints overall survival")
    times = sorted({s.time for s in chosen.studies if s.time is not None})
    listed = f"{', '.join(f'{t:g}' for t in times[:-1])} and {times[-1]:g}" if len(times) > 1 else "".join(f"{t:g}" for t in times)
    why = f"printed at {listed} years, and no row of the package states when deaths happen, so they cannot be brought to one time"
    return ("Alive at a common time", number(len(chosen.studies), "count", name="findings.os.k", trail=chosen.trail()), why)


def _count_rows(package: Package) -> tuple[list[Row], list[Row]]:
    """Deaths and relapses by definition: those that :func:`allowed` lets be pooled, and the others with the reason."""
    pooled_rows: list[Row] = []
    apart: list[Row] = []
    counts = whole_arms(package, frontline_counts(package, (*TOXIC_DEATHS, *RELAPSES)))
    for what, words in (*TOXIC_DEATHS.items(), ("relapse", "Relapse")):
        whole = [c for c in counts if c.what == what]
        if not whole:
            continue
        found = allowed(package, what, whole)
        key = f"findings.{slug(what)}"
        trail = Trail("counted over counts.csv", rows=tuple(package.ref(c) for c in whole))
        trials = number(found.trials, "count", name=f"{key}.k", trail=trail)
        if found.pooled is None:
            apart.append((words, trials, found.why))
            continue
        made = finding(words, found.pooled, None)
        span = (made.per_100_low, made.per_100_high)
        per_100 = number(made.per_100, "decimal(0)", name=key, trail=found.pooled.trail, interval=span)
        infants = number(made.patients, "count", name=f"{key}.n", trail=found.pooled.trail)
        pooled_rows.append((words, trials, infants, per_100, None, made.certainty))
    return pooled_rows, apart
