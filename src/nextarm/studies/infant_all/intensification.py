"""Section 2: what did intensification cost? Toxic deaths and relapses by protocol; transplantation only within one source."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nextarm.core.trail import Trail
from nextarm.evidence import Comparison, Count, Package
from nextarm.report import Block, DataTable, Heading, Note, RowGroup, Section, number, paragraph, say, slug
from nextarm.report.charts import Bar, bars
from nextarm.report.document import CellLike, Number, Parts, Row
from nextarm.studies.infant_all.evidence_rows import fact_trail, row_trail, share_number
from nextarm.studies.infant_all.intensification_pool import allowed_blocks, causes_blocks

#: Early and treatment-related deaths, each by the source's own definition (some may hold deaths of leukaemia); never added up.
TOXIC_DEATHS = {
    "induction_death": "Death in induction",
    "early_death_lt90d": "Death within 90 days of enrolment",
    "early_death": "Early death",
    "death_in_CR": "Death in remission",
    "treatment_related_death": "Treatment-related death, as the source calls it",
    "infection_death_postinduction": "Death of infection after induction",
    "toxic_death_after_HSCT": "Toxic death after transplantation",
}
RELAPSES = ("relapse",)
_WORDS = TOXIC_DEATHS | {"relapse": "Relapse"}
#: Settings in which an arm's counts speak of first-line treatment.
FRONTLINE = ("frontline",)
TRANSPLANT_ARMS = ("hsct", "transplant")


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    deaths = frontline_counts(package, TOXIC_DEATHS)
    return Section(
        id="intensification",
        title="What did intensification cost?",
        lead=lead(package, deaths),
        blocks=(
            *_deaths(package, deaths),
            *_relapses(package),
            *allowed_blocks(package, whole_arms(package, frontline_counts(package, (*TOXIC_DEATHS, *RELAPSES))), _WORDS),
            *causes_blocks(package),
            *_contrasts(package),
        ),
    )


def frontline_counts(package: Package, what: Iterable[str]) -> list[Count]:
    """Counts of newly diagnosed infants (arms of the frontline setting) of the kinds named, with a number to show."""
    from nextarm.evidence import setting_of

    wanted = set(what)
    return [c for c in package.counts if c.what in wanted and setting_of(package.arm(c.arm_id)) in FRONTLINE and c.rate is not None]


def lead(package: Package, deaths: list[Count]) -> Parts:
    """Say in one sentence what toxic deaths the protocols report and why transplantation cannot be judged across sources."""
    definitions = {c.what for c in deaths}
    bias = (
        "Infants who were transplanted had first to live and stay in remission until transplantation (immortal-time bias), "
        "so no comparison across sources is made here. "
    )
    if not deaths:
        return say(bias, "No protocol in the evidence reports early or treatment-related deaths.")
    trail = Trail(method="counted over the rows of counts.csv", rows=tuple(package.ref(c) for c in deaths))
    return say(
        bias,
        "Early and treatment-related deaths are reported under ",
        number(len(definitions), "count", name="intensification.definitions", trail=trail),
        " definitions that can be neither added up nor compared with each other; ",
        *_range(package, most_reported(package, deaths)),
        "What intensification as a whole cost in deaths cannot be said.",
    )


def _range(package: Package, cohorts: list[Count]) -> Parts:
    """The lowest and the highest rate of ``cohorts``, which share one definition."""
    if len(cohorts) < 2:
        return say("no definition is reported for two separate cohorts, so no two rates can be compared. ")
    low, high = cohorts[0], cohorts[-1]
    return say(
        f"within {TOXIC_DEATHS[low.what].lower()}, reported for as many separate cohorts as any other, the share runs from ",
        *_of(package, low, "intensification.lowest"),
        " to ",
        *_of(package, high, "intensification.highest"),
        ". ",
    )


def most_reported(package: Package, deaths: list[Count]) -> list[Count]:
    """The whole cohorts of the definition that has most of them (the first listed where several have), by rising rate."""
    whole = whole_arms(package, deaths)
    by_definition = [[c for c in whole if c.what == what] for what in TOXIC_DEATHS]
    most = max(by_definition, key=lambda cohorts: len(cohorts))
    return sorted(most, key=lambda c: c.rate or 0.0)


def whole_arms(package: Package, counts: list[Count]) -> list[Count]:
    """The counts of arms that are not part of another arm counted under the same definition."""
    counted = {(c.arm_id, c.what) for c in counts}
    return [c for c in counts if not any((parent, c.what) in counted for parent in package.ancestors(c.arm_id))]


def _of(package: Package, count: Count, name: str) -> Parts:
    """A rate followed by its events, its denominator where printed and its cohort."""
    trail = fact_trail(package, count)
    counted: Parts = ()
    if count.events is not None and count.n is not None:
        events = number(count.events, "count", name=f"{name}.events", trail=trail)
        counted = say(events, " of ", number(count.n, "count", name=f"{name}.n", trail=trail), "; ")
    return say(_rate(package, count, name), " (", *counted, cohort_name(package, count.arm_id), ")")


def cohort_name(package: Package, arm_id: str) -> str:
    """Study and arm in words; an arm that repeats the name of its study is named once."""
    arm = package.arm(arm_id)
    study = package.study_of(arm).name
    if arm.label.lower() == study.lower():
        return study
    return arm.label if study.lower() in arm.label.lower() else f"{study}, {arm.label}"


def _note(count: Count) -> str | None:
    """The note of a row without what its rate already shows (``rate=0.038``)."""
    return re.sub(r"^[;\s]+", "", re.sub(r"\brate=[\d.]+(?: \(([^)]*)\))?", r"\1", count.note)) or None


def _rate(package: Package, count: Count, name: str) -> Number:
    """A rate with its exact binomial interval where events and n were printed."""
    return share_number(package, count, name=name, printed="rate as printed in the source")


def _count_row(package: Package, count: Count, prefix: str) -> Row:
    key = f"{prefix}.{slug(count.what)}.{slug(count.arm_id)}.{count.line}"
    of: CellLike = "rate only"
    if count.events is not None and count.n is not None:
        of = f"{count.events} of {count.n}"
    elif count.n is not None:
        of = f"rate only, n {count.n}"
    return (cohort_name(package, count.arm_id), of, _rate(package, count, key), _note(count))


def _deaths(package: Package, deaths: list[Count]) -> list[Block]:
    if not deaths:
        return []
    bars_: list[Bar] = []
    rows: list[Row | RowGroup] = []
    for what, words in TOXIC_DEATHS.items():
        group = [c for c in deaths if c.what == what]
        if not group:
            continue
        rows.append(RowGroup(words))
        for count in group:
            row = _count_row(package, count, "intensification.death")
            rows.append(row)
            shown = row[2]
            assert isinstance(shown, Number)
            bars_.append(
                Bar(
                    label=str(row[0]),
                    value=count.rate,
                    low=shown.low,
                    high=shown.high,
                    group=words,
                    note=str(row[1]),
                    trail=shown.trail,
                    number=shown,
                )
            )
    chart = bars(
        bars_,
        id="intensification-deaths",
        title="Early and treatment-related deaths, by protocol and by the source's own definition",
        axis="share of infants",
        trail=Trail(method="read from the sources"),
        caption=say(
            "Compare only within one definition; some may hold deaths of leukaemia. "
            "Intervals are exact binomial, ours; AALL0631 weakened its induction after early deaths."
        ),
    )
    table = DataTable(
        caption="Early and treatment-related deaths by definition: listed, not pooled",
        columns=("Protocol and arm", "Events", "Rate", "Note of the row"),
        rows=tuple(rows),
        sortable=False,
        narrow="stack",
    )
    return [chart, table]


def _relapses(package: Package) -> list[Block]:
    rows = [_count_row(package, c, "intensification.relapse") for c in frontline_counts(package, RELAPSES)]
    if not rows:
        return []
    return [
        Heading("Relapse remained the main event"),
        paragraph("Relapses as counted by each source, at its own follow-up: they are listed and not pooled."),
        DataTable(
            caption="Relapses by protocol",
            columns=("Protocol and arm", "Events", "Rate", "Note of the row"),
            rows=tuple(rows),
            narrow="stack",
        ),
    ]


def _contrasts(package: Package) -> list[Block]:
    rows: list[Row] = []
    for c in package.comparisons:
        if c.design == "prognostic":
            continue
        trail = row_trail(package, package.ref(c))
        key = f"intensification.contrast.{slug(c.comparison_id)}"
        interval = (c.ci_low, c.ci_high) if c.ci_low is not None and c.ci_high is not None else None
        effect: CellLike = "no estimate printed"
        if c.estimate is not None:
            effect = number(c.estimate, "hazard-ratio", name=key, trail=trail, interval=interval)
        waiting = "yes" if "waiting" in c.adjustment else "not stated" if not c.adjustment else f"no ({c.adjustment})"
        rows.append(
            (
                f"{package.study_of(c.treated_arm_id).name}: {_contrasted(package, c)}",
                c.endpoint,
                c.design,
                effect,
                number(c.p, "p", name=f"{key}.p", trail=trail, missing="not printed"),
                waiting if _transplant(c.note + c.adjustment) else "not a transplant contrast",
                c.note or None,
            )
        )
    if not rows:
        return []
    return [
        Heading("Contrasts within one source"),
        Note(
            "caution",
            say(
                "Only comparisons that one source made of its own patients stand here. A hazard ratio of transplanted against "
                "not transplanted infants means little unless the waiting time to transplantation was adjusted for."
            ),
        ),
        DataTable(
            caption="Treatment contrasts printed in one source (comparisons.csv)",
            columns=("Contrast", "End point", "Design", "Hazard ratio", "p", "Waiting time adjusted", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]


def _contrasted(package: Package, c: Comparison) -> str:
    """What stands against what: the two arms, or the words of the note where both sides lie inside one arm."""
    treated = package.arm(c.treated_arm_id).label
    if c.control_arm_id:
        return f"{treated} against {package.arm(c.control_arm_id).label}"
    words = c.note.split(";")[0]
    return f"{words} ({treated})" if " against " in words else f"within {treated}"


def _transplant(text: str) -> bool:
    return any(word in text.lower() for word in TRANSPLANT_ARMS)
