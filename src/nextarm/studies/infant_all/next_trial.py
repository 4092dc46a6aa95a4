"""Section 6: the next trial. Venetoclax randomised on a blinatumomab backbone, worked through from its plan."""

from __future__ import annotations

from collections.abc import Sequence

from nextarm.core.trail import Trail
from nextarm.designs import DesignResult, Plan
from nextarm.evidence import Package
from nextarm.report import Block, Code, Details, Heading, KeyFigures, Note, Section, number, paragraph, say
from nextarm.report.document import Parts
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.studies.infant_all.next_trial_kinds import kinds
from nextarm.studies.infant_all.next_trial_maps import endings, maps
from nextarm.studies.infant_all.next_trial_shown import designs, effect, rate, scenarios, type1_error
from nextarm.studies.infant_all.next_trial_worked import PLAN_FILE, TARGET_POWER, Designs, plan_text, shipped_plan, work_out
from nextarm.studies.infant_all.plan_numbers import PlanRow, PlanTable, Reason, chosen, numbers_table, trail_in_plan


def section(package: Package, plan: Plan | None = None) -> Section:
    """Write the section for ``plan`` (the shipped one if none is given)."""
    found = work_out(plan or shipped_plan())
    return Section(
        id="next-trial",
        title="The next trial",
        lead=lead(found),
        blocks=(
            _figures(found),
            *_feasible(found),
            *effect(found),
            *scenarios(found),
            *endings(found),
            *designs(found),
            *type1_error(found),
            *maps(found.plan),
            *kinds(found, package),
            *_numbers(found.plan, package),
        ),
    )


def lead(found: Designs) -> Parts:
    """Say whether the planned trial can show its effect, what it could show, and what the effect would need."""
    power = found.simulated.scenario("plan").rejection
    can = power.value >= TARGET_POWER
    n = number(round(found.worked.n), "count", name="trial.lead.n", trail=found.worked.trail)
    rate = number(found.plan.accrual.rate, "per-year", name="trial.lead.rate", trail=_plan_trail("accrual.rate"))
    shown = number(power.value, "percent", name="trial.lead.power", trail=found.simulated.trail, marks=("simulated",))
    gap = _gain(found.worked)
    effect = number(gap, "points(0)", name="trial.lead.effect", trail=found.worked.trail)
    years = number(found.needed.accrual_duration, "years", name="trial.lead.years", trail=found.needed.trail)
    need = number(round(found.needed.n), "count", name="trial.lead.needed", trail=found.needed.trail)
    if can:
        return say(
            "Large enough as planned: ",
            n,
            " infants at ",
            rate,
            " show a gain of ",
            effect,
            " in EFS at 3 years with a power of ",
            shown,
            ".",
        )
    detectable = number(_gain(found.detectable), "points(0)", name="trial.lead.detectable", trail=found.detectable.trail)
    return say(
        "Too small as planned: ",
        n,
        " infants, entered at ",
        rate,
        ", show a gain of ",
        effect,
        " in EFS at 3 years with a power of ",
        shown,
        "; what they can show with a power of 80 % is a gain of ",
        detectable,
        ". The planned effect needs ",
        need,
        " infants, ",
        years,
        " of accrual and an analysis after ",
        number(found.needed.analysis_time, "years", name="trial.needed.time", trail=found.needed.trail),
        ", one analysis without interim look.",
    )


def _gain(result: DesignResult) -> float:
    control, treated = result.survival_at_milestone.values()
    return treated - control


def _plan_trail(key: str) -> Trail:
    return trail_in_plan(key, PLAN_FILE)


def _figures(found: Designs) -> KeyFigures:
    own = found.simulated.scenario("plan")
    trail = found.simulated.trail
    return KeyFigures(
        (
            (number(own.rejection.value, "percent", name="trial.power", trail=trail, marks=("simulated",)), "power, simulated"),
            (number(own.events.value, "count", name="trial.events", trail=trail, marks=("simulated",)), "events seen, mean"),
            (
                number(own.duration.value, "years", name="trial.duration", trail=trail, marks=("simulated",)),
                "from first infant to the last analysis",
            ),
            (
                number(own.events_never_reached.value, "percent", name="trial.never", trail=trail, marks=("simulated",)),
                f"of trials end at the latest date without the {_target(found.plan)} events planned; the others end earlier",
            ),
        )
    )


def _target(plan: Plan) -> str:
    events = getattr(plan.design, "events", None)
    return "" if events is None else f"{events}"


def _feasible(found: Designs) -> list[Block]:
    plan, d = found.plan, found.detectable
    control, treated = d.survival_at_milestone.values()
    analytic = number(found.worked.power, "percent(1)", name="trial.analytic", trail=found.worked.trail)
    own = found.simulated.scenario("plan")
    return [
        Heading("What a feasible number of infants can show"),
        paragraph(
            "The number of infants born with this disease is fixed by nature, so the first question is not how "
            "many infants an effect needs but what "
            "effect the infants there are could show. With ",
            number(round(d.n), "count", name="trial.detectable.n", trail=d.trail),
            " infants and an analysis at ",
            number(d.analysis_time, "years", name="trial.detectable.time", trail=d.trail),
            " a power of 80 % needs an EFS at 3 years of ",
            number(treated, "percent", name="trial.detectable.treated", trail=d.trail),
            " against ",
            number(control, "percent", name="trial.detectable.control", trail=d.trail),
            " (hazard ratio with the same EFS at 3 years ",
            number(d.hazard_ratio_at_milestone, "hazard-ratio", name="trial.detectable.hr", trail=d.trail),
            ").",
        ),
        paragraph(
            "The formula for the planned trial gives a power of ",
            analytic,
            "; simulation of the same plan gives ",
            *rate(own.rejection, "trial.simulated", found.simulated.trail),
            " (Monte-Carlo standard error). However long one waits, no more than ",
            number(found.worked.max_events, "decimal(1)", name="trial.max-events", trail=found.worked.trail),
            " events are ever expected: the other infants are cured or drop out.",
        ),
        paragraph(
            "The planned effect with a power of 80 % needs ",
            number(round(found.needed.n), "count", name="trial.lead.needed", trail=found.needed.trail),
            " infants, ",
            number(found.needed.accrual_duration, "years", name="trial.lead.years", trail=found.needed.trail),
            " of accrual at the planned rate and an analysis after ",
            number(found.needed.analysis_time, "years", name="trial.needed.time", trail=found.needed.trail),
            " from the first infant. That is one analysis without interim look; looks between would ask for slightly more.",
        ),
        paragraph(f"Estimand: {found.worked.estimand} Accrual at {plan.accrual.rate:g} infants a year."),
    ]


def _numbers(plan: Plan, package: Package) -> list[Block]:
    return [
        Heading("Where the plan's numbers come from"),
        numbers_table(plan_numbers(plan, package)),
        Note(
            "assumption",
            say(
                "The control's cure fraction is an assumption: EFS from diagnosis on a blinatumomab backbone has not "
                "been published for these infants, and the plan counts time from ",
                plan.trial.time_origin or "an origin not stated",
                ", which comes after it. The DFS after blinatumomab in section 3 is from after induction and must not be put in its place.",
            ),
        ),
        Details("The plan file", (Code(plan_text(), caption=PLAN_FILE),)),
    ]


def plan_numbers(plan: Plan, package: Package) -> Sequence[PlanRow]:
    """Each number of the plan with the reason for it: its evidence row in the trail, or an assumption."""
    table = PlanTable(plan, PLAN_FILE, "trial.plan")
    control, treated = (plan.arms[name].survival for name in (plan.control, plan.experimental))
    latency = control["latency"]
    enrolled = next((o for o in package.outcomes if o.arm_id == "interfant-06-r" and o.n and o.preferred), None)
    timing = next((c for c in package.counts if c.arm_id == "interfant-06-histctrl" and c.what == "relapse_timing"), None)
    entered, when = table.assumed("accrual.rate"), table.assumed("latency")
    span = package.study("interfant-06").enrolment if enrolled else None
    if enrolled and enrolled.n and span:
        years = span[1] - span[0]
        why = (
            f"Interfant-06 entered {enrolled.n} infants with KMT2A-r in {years:.0f} years, {enrolled.n / years:.0f} a year "
            "(enrolment years secondary); that it goes on at that rate is assumed"
        )
        entered = Reason(why, row_trail(package, package.ref(enrolled), "n over the years of enrolment, rounded"))
    if timing:
        by_one, by_two = (1.0 - 0.5 ** ((t / latency["median"]) ** latency["shape"]) for t in (1.0, 2.0))
        why = (
            f"chosen so that {100 * by_one:.0f} % of the events come by 1 year and {100 * by_two:.0f} % by 2 years, to agree "
            f"with: {timing.note}. That timing counts from diagnosis; from {plan.trial.time_origin} it is assumed to be alike"
        )
        when = Reason(why, chosen(package, timing))
    below = table.assumed("control cure fraction", "no row supports it (see below)")
    found = table.assumed("effect", "the effect worth finding; no row supports it")
    return [
        *table.accrual(entered, duration="what a group might accept", follow_up="most relapses come within 2 years"),
        table.row("cure fraction, control", control["cure_fraction"], "percent", "control-cure", below),
        table.row("cure fraction, venetoclax", treated["cure_fraction"], "percent", "treated-cure", found),
        *table.latency(when),
        table.alpha(),
    ]
