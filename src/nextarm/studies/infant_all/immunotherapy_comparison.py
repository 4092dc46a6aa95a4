"""Section 3, first part: the cohort beside its historical control, and what can be rebuilt of the cohort."""

from __future__ import annotations

from nextarm.borrowing import compare_arms
from nextarm.core.errors import RefusedError
from nextarm.evidence import Outcome, Package
from nextarm.report import Block, Code, DataTable, Details, Heading, Note, RowGroup, number, paragraph, say
from nextarm.report.charts import DumbbellRow, landmark_dumbbell
from nextarm.report.document import CellLike, Row
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.studies.infant_all.immunotherapy_landmarks import ENDPOINT, TIME, TREATED, Landmark
from nextarm.studies.infant_all.rebuilt import Counted, rebuilt_blocks

#: Counts that are first events of the cohort, and the count of events after them.
FIRST_EVENTS, LATER_EVENTS = ("relapse", "death_unrelated_to_blinatumomab"), "new_event_after_first_report"


def comparison(found: tuple[Landmark, ...], package: Package) -> list[Block]:
    """The landmarks as a chart and a table, with what the control is."""
    if not found:
        return []
    rows: list[DumbbellRow] = []
    for x in sorted(found, key=lambda x: (x.lock, x.endpoint, x.time)):
        c = x.comparison
        rows.append(
            DumbbellRow(
                label=f"{x.endpoint} at {x.time:g} years",
                first=(c.treated.survival, c.treated.ci.low, c.treated.ci.high),
                second=(c.control.survival, c.control.ci.low, c.control.ci.high),
                difference=number(c.difference, "signed-points(0)", name=f"{x.key}.difference", trail=c.trail, interval=c.difference_ci),
                group=x.lock or "data lock not named",
                first_trail=row_trail(package, c.treated.row),
                second_trail=row_trail(package, c.control.row),
            )
        )
    table: list[Row | RowGroup] = []
    lock = None
    for x in sorted(found, key=lambda x: (x.lock, x.endpoint, x.time)):
        if x.lock != lock:
            table.append(RowGroup(x.lock or "data lock not named"))
            lock = x.lock
        c = x.comparison
        ratio: CellLike = "not defined"
        if c.ratio_ci is not None:
            ratio = number(c.cumulative_hazard_ratio, "hazard-ratio", name=f"{x.key}.hr", trail=c.trail, interval=c.ratio_ci)
        table.append(
            (
                f"{x.endpoint} at {x.time:g} years",
                number(c.difference, "signed-points(0)", name=f"{x.key}.difference", trail=c.trail, interval=c.difference_ci),
                ratio,
                number(c.ratio_p_two_sided, "p", name=f"{x.key}.p", trail=c.trail, missing="not defined"),
            )
        )
    return [
        Note(
            "caution",
            say(
                "Historical control: infants of Interfant-06 chosen to be comparable with the blinatumomab cohort; "
                "how they were chosen, how many "
                "they were and where time starts was not in the text read. The cohort had come through induction "
                "with less than 25 % marrow "
                "blasts, so its DFS must not be set beside an EFS from diagnosis."
            ),
        ),
        landmark_dumbbell(
            rows,
            id="immunotherapy-landmarks",
            title="Blinatumomab with Interfant-06 chemotherapy against its historical control",
            arms=("blinatumomab", "historical control"),
            axis=" or ".join(sorted({x.endpoint for x in found})),
            trail=found[0].comparison.trail,
            caption=say(
                "Two analyses of one cohort, kept apart: at the later data lock the 4-year DFS lies above the 2-year "
                "DFS of the earlier one, "
                "because censored infants were followed on. They are not points of one curve."
            ),
        ),
        DataTable(
            caption="Differences and implied hazard ratios against the historical control",
            columns=("Landmark", "Difference", "Implied hazard ratio", "p of the ratio (two-sided)"),
            rows=tuple(table),
            sortable=False,
            narrow="stack",
            note=say(
                "The hazard ratio is the ratio of cumulative hazards; it is one only if hazards are proportional "
                "from a common origin of time."
            ),
        ),
    ]


def rebuilt_cohort(package: Package) -> list[Block]:
    """The treated cohort's curve as its latest analysis allows; the control has no printed n and is not rebuilt."""
    row = next((o for o in package.outcomes if o.arm_id == TREATED and o.endpoint == ENDPOINT and o.time_years == TIME), None)
    if row is None:
        return []
    title = f"{ENDPOINT} of the blinatumomab cohort, rebuilt from its printed value at {TIME:g} years"
    return rebuilt_blocks(package, row, name="immunotherapy.rebuilt", title=title, counted=counted_events(package, row))


def counted_events(package: Package, row: Outcome) -> Counted | None:
    """The events of the cohort: those of the first report, if it is printed that none came later; None where that is not known."""
    own = {c.what: c for c in package.counts if c.arm_id == TREATED and c.n == row.n}
    first, later = [own.get(what) for what in FIRST_EVENTS], own.get(LATER_EVENTS)
    if later is None or later.events != 0 or any(c is None or c.events is None for c in first):
        return None
    kept = [c for c in first if c is not None]
    return Counted(
        events=sum(c.events or 0 for c in kept),
        follow_up=max(row.median_followup_years or 0.0, row.time_years or 0.0),
        rows=tuple(package.ref(c) for c in (*kept, later)),
        words=" and ".join(f"{c.events} counted as {c.what.replace('_', ' ')}" for c in kept) + ", none after the first report",
        caution=_earlier(package, row),
    )


def _earlier(package: Package, row: Outcome) -> str:
    """Say that the events came early where an earlier time already has no higher value; the model does not know it."""
    own = [o for o in package.outcomes if o.arm_id == row.arm_id and o.endpoint == row.endpoint and o.time_years and o is not row]
    before = [o for o in own if (o.time_years or 0.0) < (row.time_years or 0.0) and o.estimate <= row.estimate]
    if not before:
        return ""
    first = min(o.time_years or 0.0 for o in before)
    return (
        f"Only their number is used, not their times: the {row.endpoint} printed for {first:g} years at the earlier data lock is no higher "
        f"than this value, so they had probably all come by then and the line lies too high before {row.time_years:g} years."
    )


def refusals(package: Package) -> list[Block]:
    """What the program refuses to compare, and why."""
    try:
        compare_arms(package, treated=TREATED, control="mll03-r", endpoint="OS", time=TIME)
    except RefusedError as refusal:
        said = str(refusal)
        return [
            Heading("What is not compared"),
            paragraph(
                "Setting the cohort beside a trial that counts from diagnosis, such as MLL03, would favour it, "
                "because it holds only infants who came through induction. Asked for that, the program refuses."
            ),
            Note(
                "information",
                say(
                    "The two do not start counting at the same time. An infant who died or did not respond in induction counts in MLL03 "
                    "and could never have been in the cohort, so the cohort would look better whatever the drug does. What would be "
                    "needed is OS of both from diagnosis, or both arms in one analysis of one source."
                ),
            ),
            Details("The refusal in the program's own words", (Code(said),)),
        ]
    return []
