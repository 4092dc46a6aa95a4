"""What the virtual trials of section 6 say, as tables: under other truths, with other designs, and under no effect."""

from __future__ import annotations

from nextarm.core.trail import Trail
from nextarm.report import Block, DataTable, Heading, number, paragraph, say, slug
from nextarm.report.document import Parts, Row
from nextarm.report.formats import NO_BREAK
from nextarm.simulation.characteristics import Mean, Rate, ScenarioCounts
from nextarm.studies.infant_all.next_trial_worked import NULL, PROPORTIONAL, Compared, Designs


def rate(value: Rate, name: str, trail: Trail, *, digits: int = 1) -> Parts:
    """A rate from simulation with its Monte-Carlo standard error."""
    return _with_error(value.value, value.se, f"percent({digits})", f"percent({digits})", name, trail)


def mean(value: Mean, name: str, trail: Trail, *, digits: int = 1) -> Parts:
    """A mean over virtual trials with its Monte-Carlo standard error, in one digit more."""
    return _with_error(value.value, value.se, f"decimal({digits})", f"decimal({digits + 1})", name, trail)


def _with_error(value: float, se: float | None, format: str, error: str, name: str, trail: Trail) -> Parts:
    return say(
        number(value, format, name=name, trail=trail, marks=("simulated",)),
        f"{NO_BREAK}±{NO_BREAK}",  # one line: a value without its error says too much
        "unknown" if se is None else number(se, error, name=f"{name}.mcse", trail=trail),
    )


def effect(found: Designs) -> list[Block]:
    """The planned effect as a gain in cure fraction and as a constant hazard ratio."""
    rows: list[Row] = []
    trail = found.simulated.trail
    for label, scenario in (
        ("in the cure fraction, latency unchanged", "plan"),
        ("as a constant hazard ratio with the same EFS at 3 years", PROPORTIONAL),
    ):
        s = found.simulated.scenario(scenario)
        key = f"trial.effect.{slug(scenario)}"
        control, treated = s.survival_at_milestone.values()
        rows.append(
            (
                f"Effect {label}",
                number(control, "percent(1)", name=f"{key}.control", trail=trail),
                number(treated, "percent(1)", name=f"{key}.treated", trail=trail),
                rate(s.rejection, f"{key}.power", trail),
                mean(s.events, f"{key}.events", trail),
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


def scenarios(found: Designs) -> list[Block]:
    """Operating characteristics under every truth, the formula beside the simulation."""
    rows = [_scenario_row(s, found) for s in found.simulated.scenarios]
    trials, seed = found.simulated.scenarios[0].trials, found.simulated.trail.seed
    return [
        Heading("If the truth is otherwise"),
        DataTable(
            caption=f"{trials:,} virtual trials under each truth (seed {seed}, shared random numbers)",
            columns=("Truth", "Rejects, by formula", "Rejects ± Monte-Carlo SE", "Without the planned events", "Mean events", "Mean years"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say(
                "Under the null the share that rejects is the type I error; everywhere else it is the power. ",
                "Without the planned events: the trial went on to its latest date and had fewer. ± is one Monte-Carlo standard error.",
            ),
        ),
    ]


def _scenario_row(s: ScenarioCounts, found: Designs) -> Row:
    key, trail, formula = f"trial.scenario.{slug(s.name)}", found.simulated.trail, found.formula[s.name]
    return (
        "as planned" if s.name == "plan" else s.name,
        number(formula.power, "percent(1)", name=f"{key}.formula", trail=formula.trail),
        rate(s.rejection, f"{key}.reject", trail),
        rate(s.events_never_reached, f"{key}.never", trail),
        mean(s.events, f"{key}.events", trail),
        mean(s.duration, f"{key}.years", trail, digits=2),
    )


def designs(found: Designs) -> list[Block]:
    """Four designs for the same infants, side by side."""
    return [
        Heading("Other designs for the same infants"),
        paragraph(
            "The infants, the accrual and the truth stay; only the looks and the test change. What a design gains in power it can lose in ",
            "years, and the other way round.",
        ),
        DataTable(
            caption=f"{found.compared[0].simulated.scenarios[0].trials:,} virtual trials of each design under the planned effect and none",
            columns=("Design", "Power, by formula", "Power ± SE", "Type I error ± SE", "Mean years", "Mean years if no effect"),
            rows=tuple(_design_row(one) for one in found.compared),
            sortable=False,
            narrow="stack",
        ),
    ]


def _design_row(one: Compared) -> Row:
    key, trail = f"trial.design.{slug(one.words)}", one.simulated.trail
    own, null = one.simulated.scenario("plan"), one.simulated.scenario(NULL)
    return (
        one.words,
        number(one.result.power, "percent(1)", name=f"{key}.formula", trail=one.result.trail),
        rate(own.rejection, f"{key}.power", trail),
        rate(null.rejection, f"{key}.type1", trail),
        mean(own.duration, f"{key}.years", trail, digits=2),
        mean(null.duration, f"{key}.years-null", trail, digits=2),
    )


def type1_error(found: Designs) -> list[Block]:
    """The true type I error of the planned test at its own size, and what to do where it is too large."""
    error = found.error
    nominal = number(error.alpha, "percent(1)", name="trial.type1.alpha", trail=error.trail)
    parts: list[Parts | str] = [
        "A log-rank test holds its level exactly only in large trials. With both arms at the control's EFS, ",
        say(number(error.trials, "count", name="trial.type1.trials", trail=error.trail)),
        " virtual trials of this size reject in favour of venetoclax in ",
        rate(error.type1_error, "trial.type1", error.trail, digits=2),
        say(" instead of ", nominal),
        ", and in favour of the control in ",
        rate(error.opposite, "trial.type1.opposite", error.trail, digits=2),
        ". ",
    ]
    calibrated = error.calibrated
    if calibrated is None:
        parts.append("That is not more than a tenth above the level: no calibrated bound is needed.")
    else:
        level = number(error.calibrated_alpha, "percent(2)", name="trial.type1.calibrated-alpha", trail=error.trail)
        parts += [
            say("That is more than a tenth above the level: tested at a nominal ", level, " instead, the error is "),
            rate(calibrated, "trial.type1.calibrated", error.trail, digits=2),
            " in fresh trials.",
        ]
    return [
        Heading("Is the level kept at this size?"),
        paragraph(*(x for part in parts for x in (say(part) if isinstance(part, str) else part))),
    ]
