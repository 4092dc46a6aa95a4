"""What a trial of less treatment would need, as blocks of section 5: two designs, three margins, the controls of the evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from nextarm.core.trail import Trail
from nextarm.designs import Plan
from nextarm.evidence import Count, Package
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

CURVE_MARGINS = (0.05, 0.075, 0.10, 0.125, 0.15, 0.175, 0.20)
#: The arm whose size and years of enrolment give the accrual, and whose relapses give the timing.
ACCRUAL_ARM, TIMING = "interfant-06-g", "relapse_within_36_months"
#: Said in the trail of a number that evidence supports but does not give.
CHOSEN = "shape and median are chosen, not estimated"


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
    rows: list[Row | RowGroup] = []
    for control in options:
        rows.append(RowGroup(f"Backbone {control.words}"))
        for margin in MARGINS:
            size = randomised(plan, control, margin=margin)
            rows.append(_size_row(size, f"germline.two-arm.{control.key}.{_points(margin)}"))
    losses: list[Row] = []
    for loss in LOSSES:
        margin = margin_of(plan)
        cells = [_cell(randomised(plan, c, margin=margin, loss=loss), f"germline.loss.{_points(loss)}.{c.key}") for c in options]
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
            y=tuple(_years(randomised(plan, c, margin=m)) for m in CURVE_MARGINS),
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
    return Trail(method=f"{key} of the plan", inputs=(PLAN_FILE,), assumptions=(f"{key}: see the table of the plan's numbers",))


def chosen(package: Package, row: Count) -> Trail:
    """The trail of a latency that was chosen to agree with ``row``: an assumption that evidence supports."""
    return replace(
        row_trail(package, package.ref(row), "shape and median chosen to agree with the timing of relapse"), assumptions=(CHOSEN,)
    )


def marks_of(trail: Trail) -> tuple[str, ...]:
    """``("assumption",)`` for a number of a plan that is assumed, wholly or to agree with evidence."""
    return ("assumption",) if CHOSEN in trail.assumptions or not trail.rows else ()


def standing(value: Number) -> str:
    """What a number of a plan rests on, in words."""
    if "assumption" not in value.marks:
        return "evidence"
    return "assumption, chosen to agree with evidence" if value.trail.rows else "assumption"


def _numbers(plan: Plan, control: Control, package: Package) -> list[Block]:
    rows: list[Row] = [(label, value, why, standing(value)) for label, value, why, _ in plan_numbers(plan, control, package)]
    return [
        Heading("Where the numbers of this plan come from"),
        DataTable(
            caption="Each number of the plan: from evidence, or assumed",
            columns=("Number", "Value", "Why", "Standing"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
        Details(
            "The plan file of this section",
            (Code(plan_text(), caption=f"{PLAN_FILE} (cure fractions are replaced by those that give the EFS of the evidence)"),),
        ),
    ]


def plan_numbers(plan: Plan, control: Control, package: Package) -> Sequence[tuple[str, Number, str, Trail]]:
    """Each number of the plan with the reason for it: its evidence row in the trail, or an assumption."""
    latency = plan.arms[plan.control].survival["latency"]
    row = next((o for o in package.outcomes if o.arm_id == ACCRUAL_ARM and o.n and o.endpoint == "EFS" and o.preferred is not False), None)
    span = package.study_of(row.arm_id).enrolment if row else None
    rate_why, rate_trail = "no row supports it", plan_trail("accrual.rate")
    if row and row.n and span:
        years = span[1] - span[0]
        rate_why = (
            f"{package.study_of(row.arm_id).name} entered {row.n} of these infants in {years:.0f} years, {row.n / years:.0f} a year "
            f"(enrolment years {package.study_of(row.arm_id).enrol_basis}); that it goes on at that rate is assumed"
        )
        rate_trail = row_trail(package, package.ref(row), "n over the years of enrolment, rounded")
    timing = next((c for c in package.counts if c.arm_id == ACCRUAL_ARM and c.what == TIMING and c.events and c.n), None)
    time_why, time_trail = "no row supports it", plan_trail("latency")
    if timing:
        time_why = f"chosen so that 9 of 10 events come within 3 years: {timing.events} of {timing.n} relapses came within 36 months" + (
            f" ({timing.note})" if timing.note else ""
        )
        time_trail = chosen(package, timing)
    margin, power = margin_of(plan), plan.solve.power if plan.solve else 0.8
    cure = cure_fraction_for(plan, control.survival)
    cure_why = (
        f"gives the EFS {control.words} at 5 years; that less treatment changes nothing is the case in which the trial should succeed"
    )
    made: list[tuple[str, float, str, str, Trail, str]] = [
        ("accrual rate", plan.accrual.rate or 0.0, "per-year", "rate", rate_trail, rate_why),
        ("accrual duration", plan.accrual.duration, "years", "duration", plan_trail("accrual.duration"), "solved for"),
        ("follow-up of the last infant", plan.accrual.follow_up, "years", "follow-up", plan_trail("accrual.follow_up"), "the milestone"),
        ("dropout hazard", plan.accrual.dropout_hazard, "rate", "dropout", plan_trail("accrual.dropout_hazard"), "no row supports it"),
        ("cure fraction, both arms", cure, "percent(1)", "cure", control.trail, cure_why),
        ("latency: Weibull shape", latency["shape"], "decimal(1)", "shape", time_trail, time_why),
        ("latency: median", latency["median"], "years", "median", time_trail, time_why),
        ("margin", margin, "points(0)", "margin", margin_trail(), "nobody has set one for these infants; 5 and 15 points are shown too"),
        ("milestone", plan.trial.milestone, "years(0)", "milestone", plan_trail("trial.milestone"), "the question is about 5 years"),
        ("alpha, one-sided", plan.design.alpha, "decimal(3)", "alpha", plan_trail("design.alpha"), "convention"),
        ("power", power, "percent", "power", plan_trail("solve.power"), "convention"),
    ]  # fmt: skip
    return [
        (label, number(value, fmt, name=f"germline.plan.{key}", trail=trail, marks=marks_of(trail)), why, trail)
        for label, value, fmt, key, trail, why in made
    ]
