"""Section 6: the next trial. Venetoclax randomised on a blinatumomab backbone, worked through from its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from nextarm.core.trail import Trail
from nextarm.designs import DesignResult, Plan, plan_from_data, plan_from_toml
from nextarm.evidence import Package
from nextarm.report import Block, Code, DataTable, Details, Heading, KeyFigures, Note, Section, number, paragraph, say, slug
from nextarm.report.charts import LineSeries, heatmap, lines
from nextarm.report.document import Number, Parts, Row
from nextarm.simulation import OperatingCharacteristics, ScenarioCounts, simulate
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.studies.infant_all.germline_need import chosen, marks_of, standing

TRIALS, SEED = 10_000, 20261123
TARGET_POWER = 0.8
#: Grids of assumptions: cure fraction of the control, gain in cure fraction, infants a year.
CONTROL_CURES = (0.50, 0.55, 0.60, 0.65, 0.70)
GAINS = (0.05, 0.10, 0.15, 0.20, 0.25)
RATES = (30.0, 45.0, 60.0, 90.0, 120.0)


@dataclass(frozen=True)
class Designs:
    """The worked plan and what was computed from it."""

    plan: Plan
    worked: DesignResult
    fixed: DesignResult
    detectable: DesignResult
    needed: DesignResult
    simulated: OperatingCharacteristics


def shipped_plan() -> Plan:
    """The plan of this section, as it is shipped with the study."""
    return plan_from_toml(files("nextarm.studies.infant_all").joinpath("plan.toml").read_text(encoding="utf-8"), name="plan.toml")


def work_out(plan: Plan) -> Designs:
    """Evaluate and simulate ``plan``; the sizes needed come from the same truths with one analysis."""
    plain = plan.to_data() | {"design": {"kind": "log-rank", "alpha": plan.design.alpha}}

    def fixed(solve: str | None = None) -> DesignResult:
        made = plan_from_data(plain | ({"solve": {"for": solve, "power": TARGET_POWER}} if solve else {}))
        result: DesignResult = made.design.evaluate(made)
        return result

    ratio = fixed()
    assert ratio.hazard_ratio_at_milestone is not None  # two arms
    proportional = {
        "name": "same S at the milestone, proportional hazards",
        "arms": {plan.experimental: {"survival": {"of": plan.control, "hazard_ratio": ratio.hazard_ratio_at_milestone}}},
    }
    data = plan.to_data()
    simulated = plan_from_data(data | {"scenario": [proportional, *data.get("scenario", ())]})
    worked: DesignResult = plan.design.evaluate(plan)
    return Designs(
        plan=plan,
        worked=worked,
        fixed=ratio,
        detectable=fixed("effect"),
        needed=fixed("duration"),
        simulated=simulate(simulated, trials=TRIALS, seed=SEED),
    )


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
            *_effect(found),
            *_scenarios(found.simulated),
            *_grids(found.plan),
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
        return say("Yes: ", n, " infants at ", rate, " show a gain of ", effect, " in EFS at 3 years with a power of ", shown, ".")
    detectable = number(_gain(found.detectable), "points(0)", name="trial.lead.detectable", trail=found.detectable.trail)
    return say(
        "Not at this size: ",
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
    return Trail(method=f"{key} of the plan", inputs=("plan.toml",), assumptions=(f"{key}: see the table of the plan's numbers",))


def _rate(value: float, se: float, name: str, trail: Trail) -> Parts:
    """A rate from simulation with its Monte-Carlo standard error."""
    return say(
        number(value, "percent(1)", name=name, trail=trail, marks=("simulated",)),
        " ± ",
        number(se, "percent(1)", name=f"{name}.mcse", trail=trail, marks=("simulated",)),
    )


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
            *_rate(own.rejection.value, own.rejection.se, "trial.simulated", found.simulated.trail),
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


def _effect(found: Designs) -> list[Block]:
    name = "same S at the milestone, proportional hazards"
    rows: list[Row] = []
    trail = found.simulated.trail
    for label, scenario in (
        ("in the cure fraction, latency unchanged", "plan"),
        ("as a constant hazard ratio with the same EFS at 3 years", name),
    ):
        s = found.simulated.scenario(scenario)
        key = f"trial.effect.{slug(scenario)}"
        control, treated = s.survival_at_milestone.values()
        rows.append(
            (
                f"Effect {label}",
                number(control, "percent(1)", name=f"{key}.control", trail=trail),
                number(treated, "percent(1)", name=f"{key}.treated", trail=trail),
                _rate(s.rejection.value, s.rejection.se, f"{key}.power", trail),
                number(s.events.value, "decimal(1)", name=f"{key}.events", trail=trail, marks=("simulated",)),
            )
        )
    ratio = number(found.fixed.hazard_ratio_at_milestone, "hazard-ratio", name="trial.effect.hr", trail=found.fixed.trail)
    return [
        Heading("The same effect, said in two ways"),
        paragraph(
            "A hazard ratio of ", ratio, " and the planned gain in cure fraction give the same EFS at 3 years, but not the same trial."
        ),
        DataTable(
            caption="Power and events under both",
            columns=("Effect", "EFS at 3 years, control", "EFS at 3 years, venetoclax", "Power ± Monte-Carlo SE", "Mean events"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]


def _scenarios(found: OperatingCharacteristics) -> list[Block]:
    rows = [_scenario_row(s, found.trail) for s in found.scenarios]
    return [
        Heading("If the truth is otherwise"),
        DataTable(
            caption=f"{found.scenarios[0].trials:,} virtual trials under each truth (seed {found.trail.seed}, shared random numbers)",
            columns=("Truth", "Rejects ± Monte-Carlo SE", "Ended without the planned events", "Mean events", "Mean years"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("Under the null the first column is the type I error; everywhere else it is the power."),
        ),
    ]


def _scenario_row(s: ScenarioCounts, trail: Trail) -> Row:
    key = f"trial.scenario.{slug(s.name)}"
    name = "as planned" if s.name == "plan" else s.name
    never = s.events_never_reached
    return (
        name,
        _rate(s.rejection.value, s.rejection.se, f"{key}.reject", trail),
        _rate(never.value, never.se, f"{key}.never", trail),
        number(s.events.value, "decimal(1)", name=f"{key}.events", trail=trail, marks=("simulated",)),
        number(s.duration.value, "decimal(1)", name=f"{key}.years", trail=trail, marks=("simulated",)),
    )


def _power(plan: Plan, changes: dict[str, object]) -> tuple[float, Trail]:
    made = plan_from_data(plan.to_data() | {"design": {"kind": "log-rank", "alpha": plan.design.alpha}}).changed(changes)
    result = made.design.evaluate(made)
    return result.power, result.trail


def _cures(control: float, gain: float, plan: Plan) -> dict[str, object]:
    return {
        "arms": {
            plan.control: {"survival": {"cure_fraction": control}},
            plan.experimental: {"survival": {"cure_fraction": round(control + gain, 6)}},
        }
    }


def _grids(plan: Plan) -> list[Block]:
    trail = Trail(
        method="log-rank test at one analysis, power from the moments of its statistic",
        assumptions=("the plan, but for the two quantities shown",),
    )
    values = [[_power(plan, _cures(c, g, plan))[0] for g in GAINS] for c in CONTROL_CURES]
    outlined = (CONTROL_CURES.index(0.60), GAINS.index(0.15))
    at_rate = [
        LineSeries(
            name=f"+{100 * gain:.0f} points",
            x=RATES,
            y=tuple(_power(plan, _cures(0.60, gain, plan) | {"accrual": {"rate": rate}})[0] for rate in RATES),
        )
        for gain in (0.10, 0.15, 0.20)
    ]
    return [
        Heading("How the answer moves with the assumptions"),
        heatmap(
            values,
            id="trial-grid",
            title="Power at the planned accrual, by cure fraction of the control and gain",
            x=[f"+{100 * g:.0f}" for g in GAINS],
            y=[f"{100 * c:.0f} %" for c in CONTROL_CURES],
            x_title="gain in cure fraction, points",
            y_title="cure fraction, control",
            trail=trail,
            domain=(0.0, 1.0),
            outlined=outlined,
            caption=say("One analysis at the end of follow-up, no interim look. The plan's own assumptions are outlined."),
        ),
        lines(
            at_rate,
            id="trial-rate",
            title="Power by infants entered a year, for three gains in cure fraction",
            x_title="infants a year, for 3 years",
            y_title="power",
            trail=trail,
            references=((TARGET_POWER, "80 %"),),
            y_domain=(0.0, 1.0),
            caption=say("Control cure fraction 60 %. Only worldwide accrual would reach the right half of this chart."),
        ),
    ]


def _numbers(plan: Plan, package: Package) -> list[Block]:
    rows: list[Row] = []
    for key, value, why, _ in plan_numbers(plan, package):
        rows.append((key, value, why, standing(value)))
    text = files("nextarm.studies.infant_all").joinpath("plan.toml").read_text(encoding="utf-8")
    return [
        Heading("Where the plan's numbers come from"),
        DataTable(
            caption="Each number of the plan: from evidence, or assumed",
            columns=("Number", "Value", "Why", "Standing"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
        Note(
            "assumption",
            say(
                "The control's cure fraction is an assumption: EFS from diagnosis on a blinatumomab backbone has not "
                "been published for these infants, and the plan counts time from ",
                plan.trial.time_origin or "an origin not stated",
                ", which comes after it. The DFS after blinatumomab in section 3 is from after induction and must not be put in its place.",
            ),
        ),
        Details("The plan file", (Code(text, caption="plan.toml"),)),
    ]


def plan_numbers(plan: Plan, package: Package) -> Sequence[tuple[str, Number, str, Trail]]:
    """Each number of the plan with the reason for it: its evidence row in the trail, or an assumption."""
    control, treated = (plan.arms[name].survival for name in (plan.control, plan.experimental))
    latency = control["latency"]
    enrolled = next((o for o in package.outcomes if o.arm_id == "interfant-06-r" and o.n and o.preferred), None)
    timing = next((c for c in package.counts if c.arm_id == "interfant-06-histctrl" and c.what == "relapse_timing"), None)
    accrual_why, accrual_trail = "no row supports it", _plan_trail("accrual.rate")
    span = package.study("interfant-06").enrolment if enrolled else None
    if enrolled and enrolled.n and span:
        accrual_why = (
            f"Interfant-06 entered {enrolled.n} infants with KMT2A-r in {span[1] - span[0]:.0f} years, "
            f"{enrolled.n / (span[1] - span[0]):.0f} a year "
            "(enrolment years secondary); that it goes on at that rate is assumed"
        )
        accrual_trail = row_trail(package, package.ref(enrolled), "n over the years of enrolment, rounded")
    timing_why, timing_trail = "no row supports it", _plan_trail("latency")
    if timing:
        by_one, by_two = (1.0 - 0.5 ** ((t / latency["median"]) ** latency["shape"]) for t in (1.0, 2.0))
        timing_why = (
            f"chosen so that {100 * by_one:.0f} % of the events come by 1 year and {100 * by_two:.0f} % by 2 years, to agree "
            f"with: {timing.note}. That timing counts from diagnosis; from {plan.trial.time_origin} it is assumed to be alike"
        )
        timing_trail = chosen(package, timing)
    made: list[tuple[str, float, str, str, Trail, str]] = [
        ("accrual rate", plan.accrual.rate or 0.0, "per-year", "rate", accrual_trail, accrual_why),
        ("accrual duration", plan.accrual.duration, "years", "duration", _plan_trail("accrual.duration"), "what a group might accept"),
        (
            "follow-up of the last infant",
            plan.accrual.follow_up,
            "years",
            "follow-up",
            _plan_trail("accrual.follow_up"),
            "most relapses come within 2 years",
        ),
        ("dropout hazard", plan.accrual.dropout_hazard, "rate", "dropout", _plan_trail("accrual.dropout_hazard"), "no row supports it"),
        (
            "cure fraction, control",
            control["cure_fraction"],
            "percent",
            "control-cure",
            _plan_trail("control cure fraction"),
            "no row supports it (see below)",
        ),
        (
            "cure fraction, venetoclax",
            treated["cure_fraction"],
            "percent",
            "treated-cure",
            _plan_trail("effect"),
            "the effect worth finding; no row supports it",
        ),
        ("latency: Weibull shape", latency["shape"], "decimal(1)", "shape", timing_trail, timing_why),
        ("latency: median", latency["median"], "years", "median", timing_trail, timing_why),
        ("alpha, one-sided", plan.design.alpha, "decimal(3)", "alpha", _plan_trail("design.alpha"), "convention"),
    ]
    return [
        (label, number(value, fmt, name=f"trial.plan.{key}", trail=trail, marks=marks_of(trail)), why, trail)
        for label, value, fmt, key, trail, why in made
    ]
