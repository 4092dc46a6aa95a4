"""Section 1, what is pooled: the forest plot at one time, the curve of all cohorts, the pool as eras were added."""

from __future__ import annotations

import math
from statistics import NormalDist

from nextarm.core.trail import LeftOut, Trail
from nextarm.evidence import Outcome, Package, how_read
from nextarm.report import Block, DataTable, Heading, Note, Paragraph, number, paragraph, say, slug
from nextarm.report.charts import Curve, ForestRow, Landmark, baujat_plot, forest, named_forest, survival_curves
from nextarm.report.document import Row
from nextarm.studies.infant_all.evidence_rows import READ, row_trail
from nextarm.studies.infant_all.plateau_cohorts import READ_AT, STEPS_A_YEAR, TIME, Cohorts, not_pooled, pooled_at, several_times
from nextarm.synthesis import Named, PooledStudy, StudyEstimate, baujat, cumulative, leave_one_out, pool, with_and_without


def pooled_blocks(cohorts: Cohorts, package: Package) -> list[Block]:
    """The forest plot and what it says in words."""
    if not cohorts.studies:
        return [Paragraph(say("No cohort can be pooled."))]
    pooled = pool(cohorts.studies, base=cohorts.base)
    came_from = {c.label: c.times for c in cohorts.joined.cohorts} if cohorts.joined else {}
    rows = [study_row(s, package, came_from.get(s.label, ())) for s in sorted(pooled.studies, key=lambda s: s.year or 0.0)]
    rows.append(ForestRow(label="Pooled", estimate=pooled.estimate, low=pooled.ci.low, high=pooled.ci.high, kind="pooled"))
    if pooled.prediction:
        rows.append(
            ForestRow(label="Next cohort", estimate=None, low=pooled.prediction.low, high=pooled.prediction.high, kind="prediction")
        )
    out = not_pooled(cohorts, [s.row for s in pooled.studies])
    rows += [r for r in (left_row(item, package) for item in out) if r]
    chart = forest(
        rows,
        id="plateau-forest",
        title=f"EFS at {TIME:g} years of frontline cohorts with KMT2A-rearranged ALL",
        axis=f"EFS from diagnosis at {TIME:g} years" if cohorts.timing else "EFS from diagnosis, at the time each row names",
        trail=pooled.trail,
        caption=say(
            "By mid-year of enrolment. ",
            f"A cohort reported at another time was carried to {TIME:g} years. " if cohorts.timing else "",
            "Random effects on the complementary log-log scale, REML, Hartung-Knapp interval with the ad hoc "
            "correction; prediction interval on t(k-2). "
            "Faint rows are shown as printed and not pooled, each with its reason.",
        ),
        note_title="What stands behind it",
    )
    estimate = number(pooled.estimate, "percent", name="plateau.pooled", trail=pooled.trail, interval=pooled.ci)
    i2 = number(pooled.i2, "percent", name="plateau.i2", trail=pooled.trail, missing="not estimable")
    next_one = number(pooled.prediction, "percent", name="plateau.prediction", trail=pooled.trail) if pooled.prediction else None
    return [
        chart,
        paragraph(
            f"Pooled EFS at {TIME:g} years is ",
            estimate,
            "; a new cohort would be expected in ",
            next_one or "a range that cannot be given",
            ". The share of the variation that lies between cohorts (I²) is ",
            i2,
            ", but with so few cohorts I² is hardly known.",
        ),
        *([carrying(cohorts)] if cohorts.timing else []),
    ]


def carrying(cohorts: Cohorts) -> Note:
    """How cohorts were brought to one time."""
    assert cohorts.timing is not None
    timing = cohorts.timing
    moved = [c for c in (cohorts.joined.cohorts if cohorts.joined else ()) if c.times != (TIME,)]
    largest = max((abs(c.factor - 1.0) for c in moved), default=0.0)
    return Note(
        "assumption",
        say(
            "Three-year and six-year EFS are not the same quantity. A cohort was carried from its own time t to ",
            f"{TIME:g} years as 1 − (1 − S(t)) F({TIME:g}) / F(t), with F the timing of events among infants who have one: ",
            f"{timing.words or 'as stated'}, a statement on relapses taken for all events. ",
            number(len(moved), "count", name="plateau.carried", trail=cohorts.trend.trail),
            " cohorts were carried; the largest change makes a share of infants with an event larger or smaller by ",
            number(largest, "percent(1)", name="plateau.carried.largest", trail=cohorts.trend.trail),
            " of that share.",
        ),
    )


def study_row(study: PooledStudy, package: Package, times: tuple[float, ...] = ()) -> ForestRow:
    """One cohort: its numbers, how its standard error was come by, and from where it was carried."""
    carried = bool(times) and times != (study.time,)
    parts = [
        f"n {study.n}" if study.n else "",
        f"from {' and '.join(f'{t:g}' for t in times)} years" if carried else f"{study.time:g} years" if study.time else "",
        basis(study),
    ]
    marks = tuple(m for m in study.marks if not m.startswith("carried"))
    read = how_read(study.row, READ)
    method = f"carried to the common time from the estimate of the row, {read}" if carried else read
    return ForestRow(
        label=f"{study.label} ({study.year:.1f})" if study.year else study.label,
        estimate=study.estimate,
        low=study.ci.low,
        high=study.ci.high,
        weight=study.weight,
        marks=marks,
        note=", ".join(filter(None, parts)),
        trail=row_trail(package, study.row, f"{method}; interval on the cloglog scale"),
    )


def basis(study: PooledStudy) -> str:
    """How the standard error was come by, short enough for the label of a chart."""
    if "binomial SE" in study.marks:
        return "binomial SE"
    return "SE from the interval" if "interval" in study.se_basis else "" if study.se_basis == "printed" else study.se_basis


def left_row(left: LeftOut, package: Package) -> ForestRow | None:
    """A row of the pool set that is shown and not pooled, with its reason."""
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


def curve_blocks(cohorts: Cohorts, package: Package) -> list[Block]:
    """The pooled curve with its band, the cohorts as they reported over it, and where a further cohort may lie."""
    if cohorts.timing is None or len(cohorts.studies) < 2:
        return []
    last = READ_AT[-1]
    times = [i / STEPS_A_YEAR for i in range(STEPS_A_YEAR, int(last * STEPS_A_YEAR) + 1)]
    pools = [(t, p) for t in times for p in [pooled_at(cohorts, t)] if p is not None]
    if not pools:
        return []
    trail = pools[-1][1].trail
    # The early shape is the assumed timing alone; it is drawn from the first time a pool is made.
    curve = Curve(
        f"Pooled, {pools[-1][1].k} cohorts",
        "model",
        tuple(t for t, _ in pools),
        tuple(p.estimate for _, p in pools),
        tuple(p.ci.low for _, p in pools),
        tuple(p.ci.high for _, p in pools),
        steps=False,
        trail=trail,
    )
    printed = tuple(
        Landmark(s.time, s.estimate, marks=s.row.marks if s.row else (), trail=row_trail(package, s.row) if s.row else None)
        for s in sorted(cohorts.whole.studies, key=lambda s: s.time or 0.0)
        if s.time is not None
    )
    points = Curve("Cohorts as printed", "published points", landmarks=printed)
    chart = survival_curves(
        [curve, points],
        id="plateau-curve",
        title="Pooled EFS over time",
        y_title="EFS from diagnosis",
        trail=trail,
        read_at=READ_AT,
        caption=say(
            "Line and 95 % band: all cohorts carried to each time and pooled there. Points: the cohorts at the time they report. ",
            "The shape between the points is that of the assumed timing of events, not of data.",
        ),
    )
    rows: list[Row] = []
    for t in READ_AT:
        found = next((p for at, p in pools if abs(at - t) < 1e-9), None)
        if found is None:
            continue
        key = f"plateau.curve.{t:g}"
        rows.append(
            (
                f"{t:g}",
                number(found.estimate, "percent", name=key, trail=found.trail, interval=found.ci),
                number(found.prediction, "percent", name=f"{key}.next", trail=found.trail)
                if found.prediction
                else "none with so few cohorts",
            )
        )
    return [
        Heading("Several times, one curve"),
        paragraph(
            "Of this set ",
            number(
                several_times(package),
                "count",
                name="plateau.several-times",
                trail=Trail("counted over outcomes.csv", inputs=("outcomes.csv",)),
            ),
            " cohorts print EFS at two times or more. Fewer than two leave the curve between the times to an assumption: "
            "no pooled curve can then be made from conditional survival (Combescure), and a multivariate model would read differences "
            "between cohorts as a change over time. The curve below is therefore that of the cure model with one timing of events.",
        ),
        chart,
        DataTable(
            caption="Pooled EFS by year, and where one further cohort is expected",
            columns=("Years", "Pooled EFS", "Next cohort (prediction interval)"),
            rows=tuple(rows),
            sortable=False,
        ),
    ]


def cumulative_blocks(cohorts: Cohorts) -> list[Block]:
    """The pool as eras were added, and what each cohort does to it."""
    dated = [s for s in cohorts.studies if s.year is not None]
    if len(dated) < 2:
        return []
    pools = cumulative(dated, base=cohorts.base)
    blocks: list[Block] = [
        Heading("As eras were added"),
        named_forest(
            [Named(name=f"{n.name} ({s.year:.1f})", pooled=n.pooled, why=n.why) for n, s in zip(pools, in_order(cohorts), strict=True)],
            id="plateau-cumulative",
            title=f"Pooled EFS at {TIME:g} years as cohorts were added by mid-year of enrolment",
            axis=f"pooled EFS at {TIME:g} years",
            trail=cohorts.trend.trail,
            caption=say(
                "Each row pools all cohorts down to it. With two cohorts an interval rests on one degree of freedom and is very wide."
            ),
        ),
    ]
    if len(dated) > 3:
        blocks.append(_heaviest(cohorts))
        blocks.append(
            baujat_plot(
                baujat(dated),
                id="plateau-influence",
                title="What each cohort does to the pool",
                trail=cohorts.trend.trail,
                caption=say(
                    "Right: the cohort lies far from the pooled value for its precision. High: the pooled value would move without it. "
                    "Squares of standardised distances."
                ),
            )
        )
    return blocks


def _heaviest(cohorts: Cohorts) -> Paragraph:
    """The cohort whose absence moves the pool most, and the pool without it."""
    whole = pool(cohorts.studies, base=cohorts.base)
    without = [(n.pooled, s) for n, s in zip(leave_one_out(cohorts.studies, base=cohorts.base), cohorts.studies, strict=True) if n.pooled]
    rest, study = max(without, key=lambda item: abs(item[0].estimate - whole.estimate))
    return paragraph(
        f"One cohort moves the pooled value most: without {study.label} it is ",
        number(rest.estimate, "percent", name="plateau.without-heaviest", trail=rest.trail, interval=rest.ci),
        " instead of ",
        number(whole.estimate, "percent", name="plateau.with-heaviest", trail=whole.trail, interval=whole.ci),
        ".",
    )


def in_order(cohorts: Cohorts) -> list[StudyEstimate]:
    """The dated cohorts by mid-year, as the cumulative pool takes them."""
    return sorted((s for s in cohorts.studies if s.year is not None), key=lambda s: s.year or 0.0)


def doubtful_blocks(cohorts: Cohorts) -> list[Block]:
    """The pool with and without rows that rest on something weaker than a printed estimate with its error."""
    rows = [_named(named) for named in with_and_without(cohorts.studies, base=cohorts.base)]
    return [
        DataTable(
            caption=f"Pooled EFS at {TIME:g} years with and without derived, secondary and binomial rows",
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
