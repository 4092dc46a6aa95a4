"""What a trial of less treatment would need, as blocks of section 5: two designs, three margins, the controls of the evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nextarm.core.trail import Trail
from nextarm.designs import Plan
from nextarm.evidence import Package
from nextarm.report import Block, Code, DataTable, Details, Heading, Note, RowGroup, number, paragraph, say, slug
from nextarm.report.charts import LineSeries, lines
from nextarm.report.document import CellLike, Number, Row
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.studies.infant_all.germline_trial import (
    FEASIBLE,
    LOSSES,
    MARGINS,
    PLAN_FILE,
    Control,
    Size,
    cure_fraction_for,
    error_if_taken_as_known,
    margin_of,
    margin_shown,
    needed,
    one_arm,
    plan_text,
    randomised,
)
from nextarm.studies.infant_all.plan_numbers import PlanRow, PlanTable, Reason, chosen, numbers_table, trail_in_plan

CURVE_MARGINS = (0.05, 0.075, 0.10, 0.125, 0.15, 0.175, 0.20)
#: The arm whose size and years of enrolment give the accrual, and whose relapses give the timing.
ACCRUAL_ARM, TIMING = "interfant-06-g", "relapse_within_36_months"


def natural_se(survival: float, se: float) -> float:
    """Standard error of S from one of ``log(-log S)``: ``se |S log S|``."""
    return se * abs(survival * math.log(survival)) if 0.0 < survival < 1.0 else 0.0


def margin_trail() -> Trail:
    """The trail of a margin: nobody has set one."""
    return Trail("margin chosen for this report", assumptions=("the largest loss of EFS that would be accepted: no row supports it",))


def feasible_trail() -> Trail:
    """The trail of the years of accrual called feasible."""
    return Trail(
        "limit chosen for this report", assumptions=(f"{FEASIBLE:g} years of accrual is what a group would plan for: no row supports it",)
    )


def blocks(plan: Plan, options: Sequence[Control], package: Package) -> list[Block]:
    """The second half of the section: what the trials need under each control, and where the plan's numbers come from."""
    if not options:
        return []
    return [*_feasible(plan, options), *_randomised(plan, options), *_one_arm(plan, options), *_numbers(plan, options[0], package)]


def _feasible(plan: Plan, options: Sequence[Control]) -> list[Block]:
    said = []
    for control in options:
        shown, result = margin_shown(plan, control)
        key = f"germline.feasible.{control.key}"
        loss = number(shown, "points(0)", name=f"{key}.margin", trail=result.trail)
        n = number(round(result.n), "count", name=f"{key}.n", trail=result.trail)
        said.append(say(f"if full treatment achieves an EFS {control.words}, ", n, " infants can rule out a loss of ", loss))
    return [
        Heading("What a trial could show"),
        paragraph(
            "Infants first: in ", number(FEASIBLE, "years(0)", name="germline.lead.feasible", trail=feasible_trail()), " of accrual at ",
            number(plan.accrual.rate, "per-year", name="germline.feasible.rate", trail=plan_trail("accrual.rate")),
            " and with every infant followed for 5 years, a power of 80 % if nothing is lost at all means: ",
            *(say("; " if i else "", one) for i, one in enumerate(said)), ". Smaller losses could not be excluded.",
        ),
    ]  # fmt: skip


def _randomised(plan: Plan, options: Sequence[Control]) -> list[Block]:
    margins = sorted({*MARGINS, *CURVE_MARGINS, margin_of(plan)})
    sized = {(c.key, m): randomised(plan, c, margin=m) for c in options for m in margins}  # for the table, the losses and the chart
    rows: list[Row | RowGroup] = []
    for control in options:
        rows.append(RowGroup(f"Backbone {control.words}"))
        rows.extend(_size_row(sized[control.key, m], f"germline.two-arm.{control.key}.{_points(m)}") for m in MARGINS)
    losses: list[Row] = []
    for loss in LOSSES:
        margin = margin_of(plan)
        sizes = [randomised(plan, c, margin=margin, loss=loss) if loss else sized[c.key, margin] for c in options]
        cells = [_cell(size, f"germline.loss.{_points(loss)}.{c.key}") for c, size in zip(options, sizes, strict=True)]
        losses.append(
            (
                number(
                    loss,
                    "points(0)",
                    name=f"germline.loss.{_points(loss)}",
                    trail=_assumed("true loss of EFS at 5 years"),
                    marks=("assumption",),
                ),
                *cells,
            )
        )
    curves = [
        LineSeries(
            name=c.words,
            x=tuple(100.0 * m for m in CURVE_MARGINS),
            y=tuple(_years(sized[c.key, m]) for m in CURVE_MARGINS),
            trail=c.trail,
        )
        for c in options
    ]
    return [
        paragraph(
            "Randomised, reduced against full treatment: the lower limit of the difference in EFS at 5 years must lie above minus the "
            "margin. The backbone that is "
            "to be reduced is the control, and its EFS is not known well, so each size is given for every value that the evidence offers."
        ),
        DataTable(
            caption="Randomised trial with an absolute margin in EFS at 5 years: power 80 %, one-sided alpha 2.5 %, no true loss",
            columns=("Margin", "Infants", "Events expected", "Years of accrual", "Years to the analysis"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("With twice the infants a year the years of accrual halve; the infants and events stay."),
        ),
        lines(
            curves,
            id="germline-years",
            title="Years of accrual by margin, randomised",
            x_title="margin, points of EFS at 5 years",
            y_title="years of accrual",
            trail=Trail(
                method="absolute-margin design solved for the duration of accrual",
                inputs=(PLAN_FILE,),
                assumptions=("the plan, but for the margin",),
            ),
            format="years(0)",
            references=((FEASIBLE, f"{FEASIBLE:g} years"),),
            caption=say(f"At {plan.accrual.rate:g} infants a year, for each EFS of full treatment."),
        ),
        DataTable(
            caption=f"If less treatment does cost something: infants needed for a margin of {100 * margin_of(plan):g} points",
            columns=("True loss", *(f"Backbone {c.words}" for c in options)),
            rows=tuple(losses),
            sortable=False,
            narrow="stack",
        ),
    ]


def _one_arm(plan: Plan, options: Sequence[Control]) -> list[Block]:
    rows: list[Row | RowGroup] = []
    for control in options:
        se = number(control.se, "points", name=f"germline.one-arm.{control.key}.se", trail=control.trail)
        rows.append(RowGroup(f"Reference {control.words}, standard error {se.text}"))
        for margin in MARGINS:
            key = f"germline.one-arm.{control.key}.{_points(margin)}"
            honest, known = one_arm(plan, control, margin=margin, known=False), one_arm(plan, control, margin=margin, known=True)
            error: CellLike = "no such trial"
            if known.result is not None:
                checked = error_if_taken_as_known(plan, known)
                error = number(checked.type1_if_taken_as_known, "percent(1)", name=f"{key}.type1", trail=checked.trail)
            rows.append((_margin(margin, key), _cell(honest, f"{key}.estimated"), _cell(known, f"{key}.known"), error))
    return [
        Heading("One arm, outcome maintained"),
        paragraph(
            "All infants get less, and EFS at 5 years is compared with what the backbone achieved before. That needs fewer infants only if "
            "the reference is taken as known without error. It is not: its standard error alone can be larger than the margin allows, and "
            "then no number of new infants helps."
        ),
        DataTable(
            caption="One-arm trial against the same EFS: infants needed and years of accrual (power 80 %, one-sided alpha 2.5 %)",
            columns=("Margin", "Reference with its error", "Reference taken as known", "Real type I error if taken as known"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
        Note(
            "caution",
            say(
                "Nor does this see what else has changed since: better supportive care makes a reduced treatment look maintained. "
                "EFS that was read at another time is put at 5 years here, an assumption that matters little while most events come within "
                "3 years; and the standard error of a value pooled over a few cohorts is itself hardly known, so sizes against it flatter."
            ),
        ),
    ]


def _size_row(size: Size, key: str) -> Row:
    if size.result is None:
        return (_margin(size.margin, key), _cell(size, key), "", "", "")
    r = size.result
    return (
        _margin(size.margin, key),
        number(needed(size), "count", name=f"{key}.n", trail=size.trail),
        number(r.events, "count", name=f"{key}.events", trail=size.trail),
        number(r.accrual_duration, "years", name=f"{key}.accrual", trail=size.trail),
        number(r.analysis_time, "years", name=f"{key}.analysis", trail=size.trail),
    )


def _cell(size: Size, key: str) -> CellLike:
    if size.result is None:
        return say("no size: power at most ", number(size.most, "percent", name=f"{key}.most", trail=size.trail))
    n = number(needed(size), "count", name=f"{key}.n", trail=size.trail)
    return say(n, " infants, ", number(size.result.accrual_duration, "years", name=f"{key}.accrual", trail=size.trail))


def _margin(margin: float, key: str) -> Number:
    return number(margin, "points(0)", name=f"{key}.margin", trail=margin_trail(), marks=("assumption",))


def _years(size: Size) -> float | None:
    return size.result.accrual_duration if size.result else None


def _points(value: float) -> str:
    return slug(f"{100 * value:g}")


def _assumed(what: str) -> Trail:
    return Trail(method=what, assumptions=(f"{what}: chosen for this report, no row supports it",))


def plan_trail(key: str) -> Trail:
    """The trail of a number that stands in the plan file."""
    return trail_in_plan(key, PLAN_FILE)


def _numbers(plan: Plan, control: Control, package: Package) -> list[Block]:
    return [
        Heading("Where the numbers of this plan come from"),
        numbers_table(plan_numbers(plan, control, package)),
        Details(
            "The plan file of this section",
            (Code(plan_text(), caption=f"{PLAN_FILE} (cure fractions are replaced by those that give the EFS of the evidence)"),),
        ),
    ]


def plan_numbers(plan: Plan, control: Control, package: Package) -> Sequence[PlanRow]:
    """Each number of the plan with the reason for it: its evidence row in the trail, or an assumption."""
    table = PlanTable(plan, PLAN_FILE, "germline.plan")
    row = next((o for o in package.outcomes if o.arm_id == ACCRUAL_ARM and o.n and o.endpoint == "EFS" and o.preferred is not False), None)
    span = package.study_of(row.arm_id).enrolment if row else None
    rate = table.assumed("accrual.rate")
    if row and row.n and span:
        study, years = package.study_of(row.arm_id), span[1] - span[0]
        why = (
            f"{study.name} entered {row.n} of these infants in {years:.0f} years, {row.n / years:.0f} a year "
            f"(enrolment years {study.enrol_basis}); that it goes on at that rate is assumed"
        )
        rate = Reason(why, row_trail(package, package.ref(row), "n over the years of enrolment, rounded"))
    timing = next((c for c in package.counts if c.arm_id == ACCRUAL_ARM and c.what == TIMING and c.events and c.n), None)
    when = table.assumed("latency")
    if timing:
        why = f"chosen so that 9 of 10 events come within 3 years: {timing.events} of {timing.n} relapses came within 36 months"
        when = Reason(why + (f" ({timing.note})" if timing.note else ""), chosen(package, timing))
    cure = cure_fraction_for(plan, control.survival)
    cure_why = (
        f"gives the EFS {control.words} at 5 years; that less treatment changes nothing is the case in which the trial should succeed"
    )
    margin = Reason("nobody has set one for these infants; 5 and 15 points are shown too", margin_trail())
    milestone = table.assumed("trial.milestone", "the question is about 5 years")
    power = plan.solve.power if plan.solve else 0.8
    return [
        *table.accrual(rate, duration="solved for", follow_up="the milestone"),
        table.row("cure fraction, both arms", cure, "percent(1)", "cure", Reason(cure_why, control.trail)),
        *table.latency(when),
        table.row("margin", margin_of(plan), "points(0)", "margin", margin),
        table.row("milestone", plan.trial.milestone, "years(0)", "milestone", milestone),
        table.alpha(),
        table.row("power", power, "percent", "power", table.assumed("solve.power", "convention")),
    ]
