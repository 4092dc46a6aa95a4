"""What stands beside EFS in section 5: OS, harm from treatment, MRD classes, late effects. Everything is shown, nothing pooled."""

from __future__ import annotations

from nextarm.core.errors import RefusedError
from nextarm.core.result import Interval
from nextarm.evidence import Arm, Count, Outcome, Package, how_read, setting_of
from nextarm.report import Block, DataTable, Heading, KeyFigures, Note, RowGroup, number, paragraph, say, slug
from nextarm.report.document import CellLike, Number, Parts, Row
from nextarm.studies.infant_all.evidence_rows import READ, fact_trail, share_number
from nextarm.studies.infant_all.germline_need import margin_trail
from nextarm.synthesis import StudyEstimate, pool

TOLL, MRD = "treatment_related_death", "MRD"
#: Counts that say who the surveyed survivors were; every other count of their arms but relapse is a late effect.
WHO = {"HSCT": " had been transplanted", "KMT2A_rearranged": " had KMT2A-rearranged leukaemia"}
NOT_EFFECTS = ("HSCT", "KMT2A", "relapse", "enrolled")
WORDS = {
    "CR_end_induction": "Complete remission at the end of induction",
    "relapse_within_36_months": "Of the relapses, within 36 months",
    "relapse_within_24_months": "Of the relapses, within 24 months",
    "treatment_related_death": "Treatment-related death",
    "MRD_negative_at_EOC": "MRD negative at the end of consolidation",
    "B_precursor_in_first_CR": "B-precursor ALL, alive in first remission",
    "infection_grade3_4_each_course": "Infection of grade 3 or 4, each course",
    "infection_grade3_4_continuation": "Infection of grade 3 or 4, continuation",
    "underweight_BMI_lt18.5": "Underweight (body mass index below 18.5)",
}


def blocks(package: Package, *, efs: tuple[Number, str] | None, pool_set: str, subtype: str, margin: float) -> list[Block]:
    """OS beside ``efs`` (the largest cohort's, with its label), counts, MRD classes and late effects for infants of ``subtype``."""
    arms = [a for a in package.arms if a.subtype == subtype and setting_of(a) == "frontline" and MRD not in a.stratum]
    return [
        Heading("What stands beside EFS"),
        *_overall(package, [a for a in arms if a.pool_set == pool_set], efs),
        *_counts(package, arms),
        *_toll(package, arms, margin),
        *_mrd(package, subtype),
        *_late_effects(package, subtype),
    ]


def _overall(package: Package, arms: list[Arm], efs: tuple[Number, str] | None) -> list[Block]:
    ids = {a.arm_id for a in arms}
    rows = [o for o in package.outcomes if o.arm_id in ids and o.endpoint == "OS" and o.preferred is not False and o.time_years]
    if not rows:
        return [paragraph("No cohort of the pool set prints OS.")]
    shown = tuple((_outcome(package, o, "germline.os"), f"OS at {o.time_years:g} years, {package.study_of(o.arm_id).name}") for o in rows)
    cohorts = len({o.arm_id for o in rows})
    return [
        KeyFigures(((efs, *shown) if efs else shown)[:4]),
        paragraph(f"OS is printed by {'one cohort' if cohorts == 1 else f'{cohorts} cohorts'} of the pool set and is shown, not pooled."),
    ]


def _counts(package: Package, arms: list[Arm]) -> list[Block]:
    rows = _grouped(package, arms, [c for c in package.counts if c.arm_id in {a.arm_id for a in arms}], "germline.count")
    if not rows:
        return [paragraph("No counts of remission, relapse or harm from treatment are in the evidence.")]
    return [
        DataTable(
            caption="Remission, relapse and harm from treatment, as each source counted them",
            columns=("What was counted", "Events", "Share", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("Intervals are exact binomial, ours, where events and n were printed. Nothing here is pooled."),
        )
    ]


def _grouped(package: Package, arms: list[Arm], counts: list[Count], prefix: str) -> list[Row | RowGroup]:
    rows: list[Row | RowGroup] = []
    for arm in arms:
        own = [c for c in counts if c.arm_id == arm.arm_id]
        if own:
            rows.append(RowGroup(f"{package.study_of(arm).name}, {arm.label}"))
            rows += [_count(package, c, prefix) for c in own]
    return rows


def _toll(package: Package, arms: list[Arm], margin: float) -> list[Block]:
    """Hold the margin against the deaths that less treatment could save."""
    ids = {a.arm_id for a in arms}
    deaths = [c for c in package.counts if c.arm_id in ids and c.what == TOLL and c.rate is not None]
    if not deaths:
        return []
    worst = max(deaths, key=lambda c: c.rate or 0.0)
    rate = _rate(package, worst, _key("germline.count", worst))
    accepted = number(margin, "points(0)", name="germline.lead.margin", trail=margin_trail())
    tail = say("A margin of ", accepted, " of EFS is not larger than that.")
    if (worst.rate or 0.0) < margin:
        tail = say(
            "A margin of ", accepted, " of EFS is larger than that: it can be defended only by harm that is not death, and by infants who "
            "are rescued after relapse.",
        )  # fmt: skip
    where = package.study_of(worst.arm_id).name
    return [paragraph("Less treatment cannot save more deaths from treatment than there are: ", rate, f" in {where}. ", tail)]


def _outcome(package: Package, row: Outcome, prefix: str) -> Number:
    method = how_read(package.ref(row), READ) + ("; interval on the cloglog scale, ours" if printed_interval(row) is None else "")
    name = f"{prefix}.{slug(row.arm_id)}.{row.line}"
    return number(row.estimate, "percent", name=name, trail=fact_trail(package, row, method), interval=_limits(row))


def printed_interval(row: Outcome) -> Interval | None:
    """The interval as the source prints it; None where it prints none."""
    return None if row.ci_low is None or row.ci_high is None else Interval(low=row.ci_low, high=row.ci_high)


def _limits(row: Outcome) -> Interval | None:
    """The printed interval, else the one a pool would use for this row alone; None where its precision is not known."""
    if (printed := printed_interval(row)) is not None:
        return printed
    if row.se is None and row.n is None:
        return None
    alone = StudyEstimate(label=row.arm_id, estimate=row.estimate, se=row.se, n=row.n)
    try:
        return pool([alone]).ci
    except RefusedError:
        return None


def _key(prefix: str, count: Count) -> str:
    return f"{prefix}.{slug(count.what)}.{slug(count.arm_id)}.{count.line}"


def _rate(package: Package, count: Count, name: str) -> Number:
    """The share counted; a row that says it in words only has its note beside it."""
    shown = "percent" if count.rate is None or count.rate >= 0.1 else "percent(1)"
    missing = "in words" if count.note else "not printed"
    return share_number(package, count, name=name, printed="as printed in the source", format=shown, missing=missing)


def _count(package: Package, count: Count, prefix: str) -> Row:
    of: CellLike = "no count printed"
    if count.events is not None and count.n is not None:
        of = f"{count.events} of {count.n}"
    elif count.n is not None:
        of = f"rate only, n {count.n}"
    words = WORDS.get(count.what, count.what.replace("_", " ").capitalize())
    note = None if count.note.startswith("rate=") else count.note or None
    return (words, of, _rate(package, count, _key(prefix, count)), note)


def _mrd(package: Package, subtype: str) -> list[Block]:
    """Outcome by MRD class, each source under its own heading."""
    rows: list[Row | RowGroup] = []
    for parent in package.arms:
        classes = [a for a in package.arms if a.parent_arm_id == parent.arm_id and a.subtype == subtype and MRD in a.stratum]
        found = [(a, o) for a in classes for o in package.outcomes if o.arm_id == a.arm_id and o.preferred is not False]
        if found:
            rows.append(RowGroup(f"{package.study_of(parent).name}, {parent.label}"))
        for arm, row in found:
            what = f"{row.endpoint}, {row.time_years:g} years" if row.time_years else row.endpoint
            n = row.n or arm.n
            infants = number(
                n, "count", name=f"germline.mrd.{slug(arm.arm_id)}.{row.line}.n", trail=fact_trail(package, row), missing="not printed"
            )
            rows.append((arm.label, infants, what, _outcome(package, row, "germline.mrd"), arm.note or None))
    if not rows:
        return []
    return [
        Heading("Could MRD say who may have less?"),
        paragraph(
            "A trial need not reduce treatment for all. The classes below are small and their intervals overlap; the sources differ in end "
            "point, in time and in when MRD was measured; and an infant with a result had to come through induction first."
        ),
        DataTable(
            caption="Outcome by MRD class",
            columns=("Class", "Infants", "End point", "Estimate", "Note of the arm"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]


def _late_effects(package: Package, subtype: str) -> list[Block]:
    arms = [a for a in package.arms if setting_of(a) == "survivors"]
    counts = [c for a in arms for c in package.counts if c.arm_id == a.arm_id]
    effects = [c for c in counts if not c.what.startswith(NOT_EFFECTS)]
    if not effects:
        return [Heading("Late effects"), paragraph("No late effects are in the evidence.")]
    described = [c for c in counts if c.what in WHO and c.rate is not None]
    told: list[Parts] = [say(_rate(package, c, _key("germline.late", c)), WHO[c.what]) for c in described]
    who = say("Of the survivors surveyed, ", *(say(" and " if i else "", one) for i, one in enumerate(told)), ". ") if told else ()
    mostly = all((c.rate or 0.0) > 0.5 for c in described) and bool(described)
    other = "These are mostly the late effects of transplantation and of the other disease. " if mostly else ""
    own = any(package.arm(c.arm_id).subtype == subtype for c in effects)
    rest = "" if own else (
        "No row counts late effects of KMT2A-germline infants treated with chemotherapy alone, so what less treatment would spare "
        "them cannot be read from this table."
    )  # fmt: skip
    return [
        Heading("Late effects"),
        Note("caution", say(who, other, rest) or say("The survivors may have had other disease and treatment.")),
        DataTable(
            caption="Late effects in survivors",
            columns=("Late effect", "Events", "Share", "Note of the row"),
            rows=tuple(_grouped(package, arms, effects, "germline.late")),
            sortable=False,
            narrow="stack",
        ),
    ]
