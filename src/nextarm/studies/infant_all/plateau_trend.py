"""Section 1, the trend over eras: the line and its readings, equivalence against the margin, and the steps inside each group."""

from __future__ import annotations

from collections import Counter

from nextarm.core.errors import RefusedError
from nextarm.core.result import Interval
from nextarm.core.trail import Trail
from nextarm.evidence import Package, how_read
from nextarm.report import Block, DataTable, Heading, Note, number, paragraph, say, slug
from nextarm.report.charts import Bubble, bubble_trend
from nextarm.report.document import Parts, Row
from nextarm.studies.infant_all.evidence_rows import READ, row_trail
from nextarm.studies.infant_all.plateau_cohorts import MARGIN, TIME, WINDOW, Cohorts
from nextarm.synthesis import EraTrend, GroupTrend, TrendAlternatives, trend_alternatives
from nextarm.synthesis.trend import FEWEST_COHORTS

_FEWEST = Trail("fewest cohorts with which a verdict is given", assumptions=("a fixed rule of the analysis, no row supports it",))
_MARGIN_TRAIL = Trail(
    "margin stated before the analysis",
    assumptions=("5 points of EFS a decade as the smallest change worth calling one: set for this report, no row supports it",),
)


def trend_blocks(cohorts: Cohorts, package: Package) -> list[Block]:
    """The line through the cohorts, every reading of the trend beside it, and what the words mean."""
    heading = Heading("The trend over eras")
    if cohorts.trend.regression is None:
        return [heading, paragraph("No line can be fitted to so few cohorts.")]
    return [
        heading,
        _chart(cohorts, package),
        *_in_words(cohorts.trend),
        DataTable(
            caption="The change in EFS a decade, read in several ways",
            columns=("Reading", "Cohorts", "Change a decade", "Permutation p", "Equivalence p", "Conclusion"),
            rows=tuple(_readings(cohorts)),
            sortable=False,
            narrow="stack",
            note=say(
                "Equivalence p: two one-sided tests that the change lies inside the margin; small means inside. "
                "Permutation p: all orderings of the years over the cohorts."
            ),
        ),
        *_alternatives(cohorts),
        Note(
            "information",
            say(
                number(FEWEST_COHORTS, "count", name="plateau.fewest", trail=_FEWEST),
                " cohorts are the fewest with which this report answers: a fixed rule of the analysis, the same for any package.",
            ),
        ),
        Note(
            "caution",
            say(
                "A p value above 0.05 is not a plateau: that word needs the whole interval inside the margin of ",
                number(MARGIN, "points(0)", name="plateau.margin-note", trail=_MARGIN_TRAIL),
                " a decade.",
            ),
        ),
    ]


def _chart(cohorts: Cohorts, package: Package) -> Block:
    fit = cohorts.trend.regression
    assert fit is not None
    span = [s.year for s in fit.studies if s.year is not None]
    steps = [min(span) + (max(span) - min(span)) * i / 24 for i in range(25)]
    line = [(y, m, ci.low, ci.high) for y in steps for m, ci in [fit.predict(year=y)]]
    sizes = Counter(s.group for s in fit.studies).most_common()
    drawn = {group for group, _ in (sizes if len(sizes) <= 4 else sizes[:3])}  # a chart tells four groups apart
    bubbles = [
        Bubble(
            label=s.label,
            x=s.year,
            y=s.estimate,
            low=s.ci.low,
            high=s.ci.high,
            weight=s.weight,
            group=s.group if s.group in drawn else "other groups",
            marks=tuple(m for m in s.marks if not m.startswith("carried")),
            trail=row_trail(package, s.row, f"{how_read(s.row, READ)}, at the common time; interval on the cloglog scale"),
        )
        for s in fit.studies
        if s.year is not None
    ]
    return bubble_trend(
        bubbles,
        id="plateau-trend",
        title=f"EFS at {TIME:g} years by mid-year of enrolment",
        x_title="mid-year of enrolment",
        y_title=f"EFS at {TIME:g} years",
        line=line,
        trail=cohorts.trend.trail,
        caption=say(
            "Area by weight; hollow: derived, secondary or with a binomial standard error. "
            "The line is the fit of the answer, with its 95 % band, to be looked at and not to be quoted."
        ),
    )


def _in_words(trend: EraTrend) -> list[Block]:
    """What the data exclude, in probabilities."""
    shares = trend.probabilities
    if shares is None:
        return []
    margin = f"{100 * MARGIN:g} points a decade"
    return [
        paragraph(
            "Posterior probability that EFS rose by more than ",
            f"{margin} ",
            number(shares.above, "probability", name="plateau.probability.above", trail=trend.trail),
            ", that it changed by less either way ",
            number(shares.within, "probability", name="plateau.probability.within", trail=trend.trail),
            ", that it fell by more ",
            number(shares.below, "probability", name="plateau.probability.below", trail=trend.trail),
            " (flat prior on the slope, half-normal prior on the standard deviation between cohorts).",
        )
    ]


def _readings(cohorts: Cohorts) -> list[Row]:
    near = f"as printed, within {WINDOW:g} year of {TIME:g} years"
    ways: list[tuple[str, str, EraTrend]] = []
    if cohorts.joined is not None:
        ways.append(("main", f"all cohorts, carried to {TIME:g} years (the answer)", cohorts.trend))
        ways.append(("near", near, cohorts.near))
    else:
        ways.append(("main", f"{near} (the answer)", cohorts.near))
    ways.append(("any", "as printed, at whatever time", cohorts.any))
    rows = [row for name, words, trend in ways if (row := _reading(name, words, trend)) is not None]
    for check in cohorts.joined.checks if cohorts.joined else ():
        key, trail = f"plateau.timing.{slug(check.words)}", cohorts.trend.trail
        rows.append(
            (
                f"carried, {check.words}",
                number(check.k, "count", name=f"{key}.k", trail=trail),
                _points(check.change, check.change_ci, key, trail),
                None,
                None,
                check.conclusion,
            )
        )
    return rows


def _reading(name: str, words: str, trend: EraTrend) -> Row | None:
    if trend.change is None or trend.regression is None:
        return None
    slope, key, trail = trend.regression.coefficient("year"), f"plateau.{name}", trend.trail
    return (
        words,
        number(trend.k, "count", name=f"{key}.k", trail=trail),
        _points(trend.change, trend.change_ci, f"{key}.change", trail),
        number(slope.permutation_p, "p", name=f"{key}.permutation-p", trail=trail, missing="not available"),
        number(trend.equivalence_p, "p", name=f"{key}.equivalence-p", trail=trail, missing="not available"),
        trend.verdict.conclusion,
    )


def _points(change: float | None, ci: Interval | None, name: str, trail: Trail) -> Parts | str:
    if change is None:
        return "no line"
    return say(number(change, "signed-points", name=name, trail=trail, interval=ci))


def _alternatives(cohorts: Cohorts) -> list[Block]:
    """A step between two eras and a shrunken slope, where there are cohorts enough to ask."""
    try:
        found = trend_alternatives(cohorts.studies, margin=MARGIN, base=cohorts.base)
    except RefusedError:
        return []
    trail = found.trail
    return [
        paragraph(
            "Read as one step instead of a line, the best split stands at ",
            number(found.split, "year", name="plateau.step.year", trail=trail),
            ", a change of ",
            number(found.step, "signed-points", name="plateau.step.size", trail=trail, interval=found.step_ci),
            " (an interval as if that split had been chosen beforehand; p over all splits searched ",
            number(found.step_p, "p", name="plateau.step.p", trail=trail),
            "). Shrunk towards no change, the slope is ",
            number(found.shrunken_change, "signed-points", name="plateau.shrunken", trail=trail, interval=found.shrunken_ci),
            " a decade. ",
            _best(found),
        )
    ]


def _best(found: TrendAlternatives) -> str:
    return f"By the corrected information criterion (AICc) the reading that the data pay for is: {found.best}. " + (
        "With few cohorts it prefers the simplest whatever happened, so it shows nothing." if found.best == "no change" else ""
    )


def group_blocks(cohorts: Cohorts) -> list[Block]:
    """The steps from one cohort of a cooperative group to its next, at the common time."""
    if not cohorts.trend.groups:
        return []
    rows: list[Row] = []
    for group in cohorts.trend.groups:
        rows += _steps(group, cohorts.trend.trail)
    return [
        Heading("Within cooperative groups"),
        paragraph(
            "A group's own trials share hospitals, care and definitions, so a step inside a group is cleaner than a line through all; "
            "the groups tell different stories."
        ),
        DataTable(
            caption="From one cohort of a group to its next: difference in EFS"
            + (f" at {TIME:g} years" if cohorts.timing else " as reported"),
            columns=("Step", "Read at", "Years between", "Difference"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]


def _steps(group: GroupTrend, trail: Trail) -> list[Row]:
    rows: list[Row] = []
    for step in group.steps:
        key = f"plateau.step.{slug(step.from_label)}.{slug(step.to_label)}"
        at = f"{step.from_time:g} and {step.to_time:g} years" if step.from_time and step.to_time else "not stated"
        rows.append(
            (
                f"{group.group}: {step.from_label} to {step.to_label}",
                at if not step.same_time else f"{step.from_time:g} years",
                number(step.years, "decimal(1)", name=f"{key}.years", trail=trail),
                number(
                    step.difference,
                    "signed-points",
                    name=key,
                    trail=trail,
                    interval=step.ci,
                    marks=() if step.same_time else ("different times",),
                ),
            )
        )
    return rows
