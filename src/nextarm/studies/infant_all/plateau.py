"""Section 1: is the plateau real? EFS of frontline KMT2A-r cohorts by era of enrolment."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist

from nextarm.core.trail import LeftOut, Trail
from nextarm.evidence import Outcome, Package
from nextarm.report import (
    Block,
    DataTable,
    Heading,
    ListBlock,
    Note,
    Number,
    Paragraph,
    Section,
    number,
    paragraph,
    say,
    slug,
)
from nextarm.report.charts import Bubble, ForestRow, bubble_trend, forest
from nextarm.report.document import Parts, Row
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.synthesis import (
    EraTrend,
    GroupTrend,
    Named,
    PooledEstimate,
    PooledStudy,
    SelectedRows,
    era_trend,
    pool,
    select_rows,
    with_and_without,
)
from nextarm.synthesis.trend import FEWEST_COHORTS

POOL_SET, ENDPOINT = "frontline-kmt2a-r", "EFS"
TIME, WINDOW, MARGIN = 5.0, 1.0, 0.05
#: Cooperative groups counted as one with their predecessors: a grouping of ours, to see whether one group carries the trend.
SUCCESSORS = {"JILSG": "Japan", "JPLSG": "Japan", "CCG": "COG", "POG": "COG"}


def select(package: Package, *, time: float | None = TIME, window: float = WINDOW) -> SelectedRows:
    """The cohorts of this section, by the stated rule."""
    return select_rows(package, pool_set=POOL_SET, endpoint=ENDPOINT, time=time, window=window, group_of=SUCCESSORS)


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    chosen, whole = select(package), select(package, time=None, window=0.0)
    trend = era_trend(chosen.studies, margin=MARGIN, base=chosen.trail())
    wide = era_trend(whole.studies, margin=MARGIN, base=whole.trail())
    pooled = pool(chosen.studies, base=chosen.trail()) if chosen.studies else None
    return Section(
        id="plateau",
        title="Is the plateau real?",
        lead=lead(trend),
        blocks=(
            *_pooled(pooled, package, chosen.left_out),
            *_trend(trend, wide, package),
            *_groups(wide),
            *_doubtful(chosen),
            *_missing(trend, package),
        ),
    )


def lead(trend: EraTrend) -> Parts:
    """Answer the section's question in one sentence; it changes with the numbers, their uncertainty and their number."""
    margin = number(
        MARGIN, "points(0)", name="plateau.margin", trail=Trail("margin stated before the analysis", assumptions=(_MARGIN_WHY,))
    )
    if trend.change is None or trend.change_ci is None:
        return say(
            "The bundled evidence cannot answer this: ",
            _reasons(trend),
            ", so no line over eras can be fitted. What is missing is listed below.",
        )
    change = number(trend.change, "signed-points", name="plateau.change", trail=trend.trail, interval=trend.change_ci)
    code = trend.verdict.conclusion
    if code == "cannot answer":
        return say(
            "The bundled evidence cannot answer this: ",
            _reasons(trend),
            ". The fitted change is ",
            change,
            " a decade; ",
            _lean(trend),
            _times(trend),
            ".",
        )
    words = {
        "rise above the margin": "No: EFS has risen by more than ",
        "fall beyond the margin": "No: EFS has fallen by more than ",
        "plateau within the margin": "Yes, within the margin stated: EFS has changed by less than ",
        "excludes a rise above the margin": "A rise is excluded, a fall is not: EFS has not risen by more than ",
        "excludes a fall beyond the margin": "A fall is excluded, a rise is not: EFS has not fallen by more than ",
        "undecided": "Undecided: the cohorts exclude neither a rise nor a fall of more than ",
    }
    return say(words[code], margin, " a decade; the fitted change is ", change, " a decade", _times(trend), ".")


def _margin(name: str) -> Number:
    return number(MARGIN, "points(0)", name=name, trail=Trail("margin stated before the analysis", assumptions=(_MARGIN_WHY,)))


_MARGIN_WHY = "5 points of EFS a decade as the smallest change worth calling one: set for this report, no row supports it"


_FEWEST = Trail("fewest cohorts with which a verdict is given", assumptions=("a fixed rule of the analysis, no row supports it",))


def _reasons(trend: EraTrend) -> Parts:
    """The reasons why the evidence cannot answer; the counts in them are numbers with the trend's trail."""
    said = " and ".join(r for r in trend.verdict.reasons if "different times" not in r) or "too few cohorts can be used"
    pieces = re.split(r"(?<![\w-])(\d+)(?![\w-])", said)
    return say(
        *(
            number(int(piece), "count", name=f"plateau.reason.{i // 2 + 1}", trail=trend.trail) if i % 2 else piece
            for i, piece in enumerate(pieces)
        )
    )


def _times(trend: EraTrend) -> str:
    return (
        "; the cohorts report at different times, which alone can make a trend"
        if any("different times" in r for r in trend.verdict.reasons)
        else ""
    )


def _lean(trend: EraTrend) -> Parts:
    shares = trend.probabilities
    if shares is None or trend.verdict.lean == "no side":
        return say("it leans to no side")
    value = {"rise above the margin": shares.above, "change within the margin": shares.within, "fall beyond the margin": shares.below}
    share = number(value[trend.verdict.lean], "probability", name="plateau.lean", trail=trend.trail)
    return say(f"it leans to a {trend.verdict.lean} of {100 * MARGIN:g} points a decade (posterior probability ", share, ")")


def _study_row(study: PooledStudy, package: Package) -> ForestRow:
    parts = [
        f"n {study.n}" if study.n else "",
        f"{study.time:g} years" if study.time else "",
        _basis(study.se_basis),
    ]
    label = f"{study.label} ({study.year:.1f})" if study.year else study.label
    return ForestRow(
        label=label,
        estimate=study.estimate,
        low=study.ci.low,
        high=study.ci.high,
        weight=study.weight,
        marks=study.marks,
        note=", ".join(filter(None, parts)),
        trail=row_trail(package, study.row, "read from the source; interval on the cloglog scale"),
    )


def _basis(words: str) -> str:
    """How the standard error was come by, short enough for the label of a chart."""
    if words == "printed":
        return ""
    return "binomial SE" if words.startswith("binomial") else "SE from the interval" if "interval" in words else words


def _left_row(left: LeftOut, package: Package) -> ForestRow | None:
    row = next((r for r in package.outcomes if package.ref(r).line == left.row.line and package.ref(r).table == left.row.table), None)
    if row is None:
        return None
    label = f"{package.study_of(row.arm_id).name}, {row.time_years:g} years" if row.time_years else package.study_of(row.arm_id).name
    why = "another row is preferred" if left.reason.startswith("conflict") else left.reason
    why = "no SE, interval or n" if why.startswith("neither a standard error") else why
    low, high = _limits(row)
    return ForestRow(
        label=label,
        estimate=row.estimate,
        low=low,
        high=high,
        kind="left-out",
        note=why,
        marks=left.row.marks,
        trail=row_trail(package, left.row, "shown, not pooled"),
    )


def _limits(row: Outcome) -> tuple[float | None, float | None]:
    """The printed interval of a row, or that of its printed standard error on the cloglog scale; none where neither is printed."""
    if row.ci_low is not None and row.ci_high is not None:
        return row.ci_low, row.ci_high
    if row.se is None or row.estimate is None or not 0 < row.estimate < 1:
        return None, None
    hazard = -math.log(row.estimate)
    reach = NormalDist().inv_cdf(0.975) * row.se / (row.estimate * hazard)  # delta method for log(-log S)
    return math.exp(-hazard * math.exp(reach)), math.exp(-hazard * math.exp(-reach))


def _pooled(pooled: PooledEstimate | None, package: Package, left: Sequence[LeftOut]) -> list[Block]:
    if pooled is None:
        return [Paragraph(say("No cohort can be pooled."))]
    rows = [_study_row(s, package) for s in sorted(pooled.studies, key=lambda s: s.year or 0.0)]
    rows.append(ForestRow(label="Pooled", estimate=pooled.estimate, low=pooled.ci.low, high=pooled.ci.high, kind="pooled"))
    if pooled.prediction:
        rows.append(
            ForestRow(label="Next cohort", estimate=None, low=pooled.prediction.low, high=pooled.prediction.high, kind="prediction")
        )
    rows += [r for r in (_left_row(item, package) for item in left) if r]
    blocks: list[Block] = [
        forest(
            rows,
            id="plateau-forest",
            title="EFS of frontline cohorts with KMT2A-rearranged ALL",
            axis="EFS from diagnosis, at the time each row names",
            trail=pooled.trail,
            caption=say(
                "By mid-year of enrolment. Random effects on the complementary log-log scale, REML, Hartung-Knapp interval with the ad hoc "
                "correction; prediction interval on t(k-2). Pooled at 4 to 6 years. "
                "Faint rows are shown and not pooled, each with its reason and an interval where its source prints one or a standard error."
            ),
            note_title="What stands behind it",
        )
    ]
    estimate = number(pooled.estimate, "percent", name="plateau.pooled", trail=pooled.trail, interval=pooled.ci)
    i2 = number(pooled.i2, "percent", name="plateau.i2", trail=pooled.trail, missing="not estimable")
    next_one = number(pooled.prediction, "percent", name="plateau.prediction", trail=pooled.trail) if pooled.prediction else None
    blocks.append(
        paragraph(
            "Pooled EFS at 4 to 6 years is ",
            estimate,
            "; a new cohort would be expected in ",
            next_one or "a range that cannot be given",
            ". The share of the variation that lies between cohorts (I²) is ",
            i2,
            ", but with so few cohorts I² is hardly known. Four, five and six years are not the same quantity: most events come early, "
            "and a cohort read at four years has had less time to lose.",
        )
    )
    return blocks


def _trend(trend: EraTrend, wide: EraTrend, package: Package) -> list[Block]:
    blocks: list[Block] = [Heading("The trend over eras")]
    shown = wide if wide.regression else trend
    fit = shown.regression
    if fit is None:
        return [*blocks, paragraph("No line can be fitted to so few cohorts.")]
    span = [s.year for s in fit.studies if s.year is not None]
    steps = [min(span) + (max(span) - min(span)) * i / 24 for i in range(25)]
    line = [(y, m, ci.low, ci.high) for y in steps for m, ci in [fit.predict(year=y)]]
    sizes = Counter(s.group for s in fit.studies).most_common()
    drawn = {group for group, _ in (sizes if len(sizes) <= 4 else sizes[:3])}  # a chart tells four groups apart
    bubbles = [
        Bubble(
            label=f"{s.label}, {s.time:g} years",
            x=s.year,
            y=s.estimate,
            low=s.ci.low,
            high=s.ci.high,
            weight=s.weight,
            group=s.group if s.group in drawn else "other groups",
            marks=s.marks,
            trail=row_trail(package, s.row, "read from the source; interval on the cloglog scale"),
        )
        for s in fit.studies
        if s.year is not None
    ]
    blocks.append(
        bubble_trend(
            bubbles,
            id="plateau-trend",
            title="EFS by mid-year of enrolment, cohorts read at any time" + (": not the fit of the answer" if shown is not trend else ""),
            x_title="mid-year of enrolment",
            y_title="EFS",
            line=line,
            trail=shown.trail,
            caption=say(
                "Area by weight. ",
                _latest(fit.studies),
                *_drawn(shown, trend),
                "It is drawn with its 95 % band to be looked at, not to be quoted.",
            ),
        )
    )
    for name, t, words in (("main", trend, "read at 4 to 6 years"), ("any", wide, "read at whatever time they report (3 to 6 years)")):
        if t.change is None or t.regression is None:
            continue
        slope = t.regression.coefficient("year")
        p = number(slope.permutation_p, "p", name=f"plateau.{name}.permutation-p", trail=t.trail, missing="not available")
        kind = "exact, all orderings" if slope.permutation_se is None else "Monte Carlo"
        blocks.append(
            paragraph(
                f"Cohorts {words}: change ",
                _change(t, f"plateau.{name}.change"),
                " a decade (",
                number(t.k, "count", name=f"plateau.{name}.k", trail=t.trail),
                f" cohorts; permutation p {kind} ",
                p,
                "; equivalence within the margin, p ",
                number(t.equivalence_p, "p", name=f"plateau.{name}.equivalence-p", trail=t.trail, missing="not available"),
                ").",
            )
        )
    blocks.append(
        Note(
            "information",
            say(
                number(FEWEST_COHORTS, "count", name="plateau.fewest", trail=_FEWEST),
                " cohorts at one time are the fewest with which this report answers: "
                "a fixed rule of the analysis, the same for any package.",
            ),
        )
    )
    blocks.append(
        Note(
            "caution",
            say(
                "A p value above 0.05 is not a plateau: that word needs the whole interval inside the margin of ",
                _margin("plateau.margin-note"),
                " a decade.",
            ),
        )
    )
    return blocks


def _change(trend: EraTrend, name: str) -> Number:
    return number(trend.change, "signed-points", name=name, trail=trend.trail, interval=trend.change_ci)


def _drawn(shown: EraTrend, trend: EraTrend) -> Parts:
    """Say which fit the line is, and how it differs from the one that answers."""
    if shown is trend:
        return say("The line is the fit to the cohorts read at 4 to 6 years. ")
    drawn = say(
        "The line is the fit to all cohorts at whatever time they report, ",
        _change(shown, "plateau.any.change"),
        " a decade, not the answer",
    )
    if trend.change is None:
        return (*drawn, ". ")
    return (*drawn, *say(": that uses only the cohorts read at 4 to 6 years, ", _change(trend, "plateau.main.change"), " a decade. "))


def _latest(studies: Sequence[PooledStudy]) -> str:
    """Warn where the latest cohort reports earlier than all others."""
    dated = sorted((s.year, s.time) for s in studies if s.year is not None and s.time is not None)
    times = [time for _, time in dated]
    if len(times) < 2 or min(times[:-1]) <= times[-1]:
        return ""
    others = f"{min(times[:-1]):g} to {max(times[:-1]):g}"
    return f"The latest cohort reports at {times[-1]:g} years, the others at {others}: part of any rise is only that. "


def _groups(trend: EraTrend) -> list[Block]:
    if not trend.groups:
        return []
    rows: list[Row] = []
    for group in trend.groups:
        rows += _steps(group, trend.trail)
    return [
        Heading("Within cooperative groups"),
        paragraph("A group's own trials share hospitals, care and definitions; the groups tell different stories."),
        DataTable(
            caption="From one cohort of a group to its next: difference in EFS as reported",
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


def _doubtful(chosen: SelectedRows) -> list[Block]:
    rows = [_named(named) for named in with_and_without(chosen.studies, base=chosen.trail())]
    return [
        DataTable(
            caption="Pooled EFS at 4 to 6 years with and without derived, secondary and binomial rows",
            columns=("Rows used", "Cohorts", "Pooled EFS"),
            rows=tuple(rows),
            sortable=False,
        )
    ]


def _named(named: Named) -> Row:
    if named.pooled is None:
        return (named.name, "0", f"cannot be pooled: {named.why}")
    key, trail = f"plateau.without.{slug(named.name)}", named.pooled.trail
    return (
        named.name,
        number(named.pooled.k, "count", name=f"{key}.k", trail=trail),
        number(named.pooled.estimate, "percent", name=key, trail=trail, interval=named.pooled.ci),
    )


def _missing(trend: EraTrend, package: Package) -> list[Block]:
    if not trend.verdict.missing:
        return []
    return [
        Heading("What is missing"),
        paragraph("These would enter the question if what is missing were printed or found:"),
        ListBlock(tuple(say(_in_words(text, package)) for text in trend.verdict.missing)),
    ]


def _in_words(text: str, package: Package) -> str:
    """The arm id a row's key opens with, replaced by study and arm."""
    arm = next((a for a in package.arms if text.startswith(f"{a.arm_id} ")), None)
    return text if arm is None else f"{package.study_of(arm).name}, {arm.label}: {text.removeprefix(f'{arm.arm_id} ')}"
