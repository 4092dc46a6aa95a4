"""Section 2, what the counts allow: proportions pooled where three trials share a definition, and the causes of failure together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nextarm.core.errors import RefusedError
from nextarm.core.trail import RowRef, Source, Trail
from nextarm.evidence import Count, Package
from nextarm.report import Block, DataTable, Heading, number, paragraph, slug
from nextarm.report.charts import Part, stacked_bars
from nextarm.report.document import CellLike, Row
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.studies.infant_all.plateau_cohorts import POOL_SET
from nextarm.synthesis import CauseCounts, PooledProportion, StudyEstimate, cause_counts, pool_competing, pool_proportions

#: Fewest separate trials that must print events and n under one definition before it is pooled.
FEWEST = 3
#: Definitions with a horizon of their own: only their counts are one quantity from trial to trial.
FIXED_HORIZON = ("induction_death", "early_death_lt90d")
CAUSES = ("relapse", "TRM")


@dataclass(frozen=True)
class Allowed:
    """What one definition allows: the trials that count it, those with events and n, and the pool or the reason for none."""

    what: str
    trials: int
    known: int
    pooled: PooledProportion | None
    why: str


def allowed(package: Package, what: str, whole: Sequence[Count]) -> Allowed:
    """Whether the counts ``whole`` (whole cohorts, one definition) can be pooled, and their pool if so.

    Arms of one trial that do not overlap are added up: one trial is one count.
    """
    by_trial: dict[str, list[Count]] = {}
    for c in whole:
        by_trial.setdefault(package.arm(c.arm_id).study_id, []).append(c)
    complete = {trial: rows for trial, rows in by_trial.items() if all(c.events is not None and c.n is not None for c in rows)}
    trials, known = len(by_trial), len(complete)
    if trials < FEWEST:
        why = "fewer than three separate trials count it"
    elif what not in FIXED_HORIZON:
        why = "counted to each trial's own follow-up: not one quantity"
    elif known < FEWEST:
        why = "fewer than three trials print both events and n; a rate alone has no exact likelihood"
    else:
        studies = [
            StudyEstimate(
                label=package.study_of(rows[0].arm_id).name,
                estimate=sum(c.events or 0 for c in rows) / sum(c.n or 0 for c in rows),
                events=sum(c.events or 0 for c in rows),
                n=sum(c.n or 0 for c in rows),
                row=package.ref(rows[0]),
            )
            for rows in complete.values()
        ]
        rows_used = tuple(package.ref(c) for rows in complete.values() for c in rows)
        base = Trail(method="", rows=rows_used, sources=_sources(package, rows_used))
        return Allowed(what, trials, known, pool_proportions(studies, base=base), "")
    return Allowed(what, trials, known, None, why)


def _sources(package: Package, rows: Sequence[RowRef]) -> tuple[Source, ...]:
    return tuple(package.source(i) for i in dict.fromkeys(r.source_id for r in rows if r.source_id))


def allowed_blocks(package: Package, whole: Sequence[Count], words: dict[str, str]) -> list[Block]:
    """One row a definition: how many trials count it, whether it can be pooled, and why not."""
    rows: list[Row] = []
    for what, name in words.items():
        mine = [c for c in whole if c.what == what]
        if not mine:
            continue
        found = allowed(package, what, mine)
        refs = tuple(package.ref(c) for c in mine)
        trail = Trail("counted over counts.csv", rows=refs, sources=_sources(package, refs))
        key = f"intensification.allowed.{slug(what)}"
        pooled: CellLike = "not pooled"
        if found.pooled is not None:
            pooled = number(found.pooled.estimate, "percent(1)", name=key, trail=found.pooled.trail, interval=found.pooled.ci)
        rows.append(
            (
                name,
                number(found.trials, "count", name=f"{key}.trials", trail=trail),
                number(found.known, "count", name=f"{key}.known", trail=trail),
                pooled,
                found.why or "exact binomial-normal model; median trial",
            )
        )
    if not rows:
        return []
    return [
        Heading("What the counts allow"),
        paragraph(
            "A definition is pooled where at least three separate trials print events and n for it and it has a horizon of its own, "
            "by the exact likelihood of the counts. Everything else is listed as it was printed."
        ),
        DataTable(
            caption="Early and treatment-related deaths and relapses: what can be pooled",
            columns=("Definition", "Trials", "with events and n", "Pooled share", "Why"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]


def causes_blocks(package: Package) -> list[Block]:
    """Relapse and death in remission as competing causes: pooled together, or what each arm reports and why they are not."""
    cohorts = cause_counts(package, pool_set=POOL_SET)
    if not cohorts:
        return []
    refs = tuple(c.row for c in cohorts if c.row is not None)
    trail = Trail("counted over counts.csv", rows=refs, sources=_sources(package, refs), inputs=(f"arms of pool set {POOL_SET}",))
    both = [c for c in cohorts if all(cause in c.events for cause in CAUSES)]
    head: list[Block] = [Heading("Relapse and death in remission compete")]
    try:
        found = pool_competing(cohorts, causes=CAUSES, base=Trail(method="", sources=trail.sources))
    except RefusedError:
        return [
            *head,
            paragraph(
                "An infant who dies in remission cannot relapse, so a low share of one may only be a high share of the other; the causes "
                "must be pooled together, with event-free survival, so that they sum to one. That needs cohorts that print every cause: ",
                number(len(both), "count", name="intensification.causes.both", trail=trail),
                " of ",
                number(len(cohorts), "count", name="intensification.causes.cohorts", trail=trail),
                " arms do, and at least three are needed. So nothing is pooled here; the table shows what each prints.",
            ),
            _causes_table(package, cohorts),
        ]
    parts = [Part(i.cause, (i.estimate,), (i.ci.low,), (i.ci.high,)) for i in found.incidences]
    return [
        *head,
        paragraph("Relapse, death in remission and event-free survival pooled together; they sum to one."),
        stacked_bars(
            [f"Pooled, {found.k} cohorts"],
            parts,
            id="intensification-causes",
            title="How first-line treatment ended",
            axis="share of infants",
            trail=found.trail,
        ),
        _causes_table(package, cohorts),
    ]  # fmt: skip


def _causes_table(package: Package, cohorts: Sequence[CauseCounts]) -> DataTable:
    rows: list[Row] = []
    for i, c in enumerate(cohorts):
        key = f"intensification.causes.{i}.{slug(c.label)}"

        def cell(value: int | None, word: str, name: str, key: str = key, of: CauseCounts = c) -> CellLike:
            if value is None:
                return "not printed"
            return number(value, "count", name=f"{key}.{name}", trail=row_trail(package, of.rows[word]))

        rows.append(
            (
                c.label,
                cell(c.n, "n", "n"),
                cell(c.events.get("relapse"), "relapse", "relapse"),
                cell(c.events.get("TRM"), "TRM", "death"),
                cell(c.any_event, "any", "any"),
            )
        )
    return DataTable(
        caption="What the arms of the pool set print of each cause (events; no horizon is stated)",
        columns=("Arm", "Infants", "Relapses", "Deaths in remission", "Events of any kind"),
        rows=tuple(rows),
        sortable=False,
        narrow="stack",
    )
