"""Charts of section 6: how the virtual trials end, the power curve, and maps of assumptions, all simulated."""

from __future__ import annotations

from nextarm.core.trail import Trail
from nextarm.designs import Plan
from nextarm.report import Block, Heading, number, say
from nextarm.report.charts import Bar, LineSeries, bars, heatmap, lines
from nextarm.report.charts.results import Z
from nextarm.simulation.characteristics import Rate, ScenarioCounts, rate_of
from nextarm.studies.infant_all.next_trial_worked import (
    CELL_TRIALS,
    CONTROL_CURES,
    CURVE_GAINS,
    GAINS,
    PROPORTIONAL,
    RATES,
    TARGET_POWER,
    Cell,
    Designs,
    cell,
    cures,
    largest_difference,
)


def endings(found: Designs) -> list[Block]:
    """How the trials end under each truth: at which look, with or without the effect shown."""
    rows = [bar for s in found.simulated.scenarios if s.name != PROPORTIONAL for bar in _ending(s)]
    return [
        bars(
            rows,
            id="trial-endings",
            title="How the virtual trials end",
            axis="share of trials",
            trail=found.simulated.trail,
            format="percent(1)",
            domain=(0.0, 1.0),
            note_title="Look",
            caption=say(
                "A look is at its number of events or at the latest date, whichever comes first: a trial that meets that date before the ",
                "events of its first look has only one. Lines in the bars: 95 % Monte-Carlo.",
            ),
        )
    ]


def _ending(s: ScenarioCounts) -> list[Bar]:
    last = s.rejected_by_look.size - 1
    early, late = int(s.rejected_by_look[:last].sum()), int(s.rejected_by_look[last])
    group = "as planned" if s.name == "plan" else s.name
    counts = (("effect shown, first look", early), ("effect shown, second look", late), ("effect not shown", s.trials - early - late))
    return [_bar(label, rate_of(count, s.trials), group) for label, count in counts]


def _bar(label: str, value: Rate, group: str) -> Bar:
    return Bar(label, value.value, max(value.value - Z * value.se, 0.0), min(value.value + Z * value.se, 1.0), group=group)


def power_curve(plan: Plan) -> list[Block]:
    """Power by the gain in cure fraction at the planned accrual: formula and simulation."""
    base = plan.arms[plan.control].survival["cure_fraction"]
    cells = [cell(plan, cures(plan, base, gain)) for gain in CURVE_GAINS]
    points = tuple(100.0 * gain for gain in CURVE_GAINS)
    trail = cells[0].trail
    return [
        lines(
            [
                _series("simulated", points, cells),
                LineSeries("formula", points, tuple(c.formula for c in cells), trail=_formula_trail("the gain in cure fraction")),
            ],
            id="trial-power-curve",
            title="Power by gain in cure fraction, at the planned accrual",
            x_title="gain in cure fraction, points",
            y_title="power",
            trail=trail,
            references=((TARGET_POWER, "80 %"),),
            y_domain=(0.0, 1.0),
            caption=say(
                "One analysis at the end of follow-up. Upright lines: 95 % Monte-Carlo. Formula and simulation are at most ",
                number(largest_difference(cells), "points(1)", name="trial.curve.difference", trail=trail, marks=("simulated",)),
                " apart.",
            ),
        )
    ]


def maps(plan: Plan) -> list[Block]:
    """Power over two assumptions, and over accrual for three gains."""
    grid = [[cell(plan, cures(plan, c, g)) for g in GAINS] for c in CONTROL_CURES]
    flat = [one for row in grid for one in row]
    worst = max(one.simulated.se for one in flat)
    trail = flat[0].trail
    base = plan.arms[plan.control].survival["cure_fraction"]
    gain = round(plan.arms[plan.experimental].survival["cure_fraction"] - base, 6)
    outlined = (CONTROL_CURES.index(base), GAINS.index(gain)) if base in CONTROL_CURES and gain in GAINS else None
    return [
        Heading("How the answer moves with the assumptions"),
        *power_curve(plan),
        heatmap(
            [[one.simulated.value for one in row] for row in grid],
            id="trial-grid",
            title="Power at the planned accrual, by cure fraction of the control and gain",
            x=[f"+{100 * g:.0f}" for g in GAINS],
            y=[f"{100 * c:.0f} %" for c in CONTROL_CURES],
            x_title="gain in cure fraction, points",
            y_title="cure fraction, control",
            trail=trail,
            trails=[[one.trail for one in row] for row in grid],
            domain=(0.0, 1.0),
            outlined=outlined,
            caption=say(
                f"Simulated, {CELL_TRIALS:,} trials a cell (Monte-Carlo standard error at most ",
                number(worst, "points(1)", name="trial.grid.mcse", trail=trail, marks=("simulated",)),
                "), one analysis at the end of follow-up. Formula and simulation are at most ",
                number(largest_difference(flat), "points(1)", name="trial.grid.difference", trail=trail, marks=("simulated",)),
                " apart. The plan's own assumptions are outlined." if outlined else " apart.",
            ),
        ),
        lines(
            [
                _series(f"+{100 * g:.0f} points", RATES, [cell(plan, cures(plan, base, g) | {"accrual": {"rate": r}}) for r in RATES])
                for g in (0.10, 0.15, 0.20)
            ],
            id="trial-rate",
            title="Power by infants entered a year, for three gains in cure fraction",
            x_title=f"infants a year, for {plan.accrual.duration:g} years",
            y_title="power",
            trail=trail,
            references=((TARGET_POWER, "80 %"),),
            y_domain=(0.0, 1.0),
            caption=say(
                f"Simulated, control cure fraction {100 * base:.0f} %. Only worldwide accrual would reach the right half of this chart."
            ),
        ),
    ]


def _series(name: str, x: tuple[float, ...], cells: list[Cell]) -> LineSeries:
    value = [c.simulated for c in cells]
    low = tuple(max(v.value - Z * v.se, 0.0) for v in value)
    high = tuple(min(v.value + Z * v.se, 1.0) for v in value)
    return LineSeries(name, x, tuple(v.value for v in value), low=low, high=high, trail=cells[0].trail)


def _formula_trail(moved: str) -> Trail:
    return Trail(
        method="log-rank test at one analysis, power from the moments of its statistic", assumptions=(f"the plan, but for {moved}",)
    )
