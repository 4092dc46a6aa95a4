"""Section 3, last part: what was counted in the blinatumomab cohort, and CAR-T cells in infants."""

from __future__ import annotations

from nextarm.core.trail import Source, Trail
from nextarm.evidence import Count, Package
from nextarm.report import Block, DataTable, Heading, RowGroup, number, paragraph, say, slug
from nextarm.report.document import CellLike, Row
from nextarm.studies.infant_all.evidence_rows import fact_trail, share_number
from nextarm.studies.infant_all.immunotherapy_landmarks import TREATED

#: Arms of infants treated with CAR-T cells, and counts of them that a reader asks for.
CAR_T_ARMS = ("prwcc", "chopi", "ucart", "tisacase", "lsplat")


def _count_rows(package: Package, counts: list[Count], prefix: str) -> list[Row]:
    rows: list[Row] = []
    for c in counts:
        of: CellLike = f"{c.events} of {c.n}" if c.events is not None and c.n else f"{c.events}" if c.events is not None else "not printed"
        rate = share_number(package, c, name=f"{prefix}.{slug(c.arm_id)}.{slug(c.what)}.{c.line}", missing="no rate")
        rows.append((c.what.replace("_", " "), of, rate, c.note or None))
    return rows


def _cited(source: Source) -> str:
    """The citation of ``source``, with its title where no author is known."""
    return source.cite() if source.first_author else f"{source.title}, {source.cite()}"


def counts(package: Package) -> list[Block]:
    """Counts of the cohort, by source."""
    by_source: dict[tuple[str, str], list[Count]] = {}
    for c in package.counts:
        if c.arm_id == TREATED:
            by_source.setdefault((c.source_id, c.where_seen), []).append(c)
    if not by_source:
        return []
    rows: list[Row | RowGroup] = []
    for (source_id, seen), own in by_source.items():
        cited = _cited(package.source(source_id)) if source_id else "source not named"
        rows += [RowGroup(f"{cited} ({seen})" if seen else cited), *_count_rows(package, own, "immunotherapy.count")]
    return [
        Heading("What was seen in the blinatumomab cohort"),
        DataTable(
            caption="Counts of the cohort as printed, by source",
            columns=("What", "Count", "Share", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("Sources count the same infants again, in classes of their own: rows of different sources must not be added up."),
        ),
    ]


def car_t(package: Package) -> list[Block]:
    """Series of infants given CAR-T cells."""
    rows: list[Row | RowGroup] = []
    for arm_id in CAR_T_ARMS:
        arm = next((a for a in package.arms if a.arm_id == arm_id), None)
        if arm is None:
            continue
        group: list[Row] = []
        for o in (o for o in package.outcomes if o.arm_id == arm_id):
            when = f"at {o.time_years:g} years" if o.time_years is not None else "time not stated"
            interval = (o.ci_low, o.ci_high) if o.ci_low is not None and o.ci_high is not None else None
            value = number(
                o.estimate, "percent", name=f"immunotherapy.cart.{slug(arm_id)}.{o.line}", trail=fact_trail(package, o), interval=interval
            )
            group.append((f"{o.endpoint} {when}, from {o.time_origin}", f"n {o.n}" if o.n else "n not printed", value, o.note or None))
        group += _count_rows(package, [c for c in package.counts if c.arm_id == arm_id], "immunotherapy.cart")
        if group:
            rows += [RowGroup(f"{package.study_of(arm).name}: {arm.label}"), *group]
    if not rows:
        return []
    trail = Trail(method="read from the sources")
    total = number(len({r.title for r in rows if isinstance(r, RowGroup)}), "count", name="immunotherapy.cart.series", trail=trail)
    return [
        Heading("CAR-T cells in infants"),
        paragraph(
            "The evidence holds ",
            total,
            " series of infants given CAR-T cells, all for relapsed or refractory disease and without a control; "
            "time counts from infusion, so infants who relapsed or died while waiting for cells are not in it.",
        ),
        DataTable(
            caption="CAR-T cells in infants, as printed",
            columns=("What", "Count", "Value", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]
