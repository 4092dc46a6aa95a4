"""Section 3: does immunotherapy change it? Blinatumomab against the historical control of its own papers; CAR-T in infants."""

from __future__ import annotations

from dataclasses import dataclass

from nextarm.borrowing import (
    EValue,
    LandmarkComparison,
    ScepticalPosterior,
    TippingPoint,
    comparable_landmarks,
    compare_arms,
    e_value,
    sceptical_posterior,
    tipping_point,
    under_bias,
)
from nextarm.core.errors import RefusedError
from nextarm.core.trail import Source, Trail
from nextarm.evidence import Count, Outcome, Package
from nextarm.report import Block, Code, DataTable, Details, Heading, Note, RowGroup, Section, number, paragraph, say, slug
from nextarm.report.charts import DumbbellRow, LineSeries, landmark_dumbbell, lines
from nextarm.report.document import CellLike, Parts, Row
from nextarm.studies.infant_all.evidence_rows import fact_trail, row_trail, share_number
from nextarm.studies.infant_all.rebuilt import Counted, rebuilt_blocks

TREATED, CONTROL = "blin", "interfant-06-histctrl"
ENDPOINT, TIME = "DFS", 4.0
#: Arms of infants treated with CAR-T cells, and counts of them that a reader asks for.
CAR_T_ARMS = ("prwcc", "chopi", "ucart", "tisacase", "lsplat")
#: Counts that are first events of the cohort, and the count of events after them.
FIRST_EVENTS, LATER_EVENTS = ("relapse", "death_unrelated_to_blinatumomab"), "new_event_after_first_report"
BIASES = tuple(round(0.03 * i, 2) for i in range(11))


@dataclass(frozen=True)
class Landmark:
    """A landmark compared, with how wrong it could be."""

    endpoint: str
    time: float
    lock: str
    comparison: LandmarkComparison
    tipping: TippingPoint
    e: EValue | None
    sceptical: ScepticalPosterior | None

    @property
    def key(self) -> str:
        """The start of its numbers' names."""
        return f"immunotherapy.{self.endpoint.lower()}{self.time:g}"


def landmarks(package: Package) -> tuple[Landmark, ...]:
    """Every landmark that the two arms report in one analysis, each data lock by itself."""
    found = []
    for endpoint, time, lock in comparable_landmarks(package, treated=TREATED, control=CONTROL):
        c = compare_arms(package, treated=TREATED, control=CONTROL, endpoint=endpoint, time=time, data_lock=lock or None)
        ratio = c.cumulative_hazard_ratio is not None
        found.append(
            Landmark(endpoint, time, lock, c, tipping_point(c), e_value(c) if ratio else None, sceptical_posterior(c) if ratio else None)
        )
    return tuple(found)


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    found = landmarks(package)
    return Section(
        id="immunotherapy",
        title="Does immunotherapy change it?",
        lead=lead(found),
        blocks=(
            *_comparison(found, package),
            *_rebuilt(package),
            *_wrong(found),
            *_refusals(package),
            *_safety(package),
            *_car_t(package),
        ),
    )


def lead(found: tuple[Landmark, ...]) -> Parts:
    """Say what the comparison shows and how large a bias would undo it; without an interval free of 0, that it shows nothing."""
    if not found:
        return say("The evidence holds no landmark that both the blinatumomab cohort and its historical control report in one analysis.")
    main = next((x for x in found if x.endpoint == ENDPOINT and x.time == TIME), found[-1])
    c, tip = main.comparison, main.tipping
    n = number(c.treated.n, "count", name="immunotherapy.n", trail=c.trail, missing="an unknown number of")
    difference = number(c.difference, "signed-points(0)", name="immunotherapy.difference", trail=c.trail, interval=c.difference_ci)
    rows = say(
        n,
        f" infants on blinatumomab had a {main.endpoint} at {main.time:g} years that differs by ",
        difference,
        " from a selected historical control",
        " whose number and selection were not readable" if c.control.n is None else "",
    )
    if not tip.finding:
        return say("That is not shown: ", rows, ", and the interval holds no difference.")
    points = number(tip.points_tips, "points(0)", name="immunotherapy.tips", trail=tip.trail)
    better = "It looks so" if c.difference > 0 else "It looks harmful"
    return say(
        better,
        ", though only against a historical control, without randomisation: ",
        rows,
        "; the finding would be gone if that control should have done ",
        points,
        " better",
        *_sceptic(found),
        ".",
    )


def _sceptic(found: tuple[Landmark, ...]) -> Parts:
    """What the sceptical prior leaves of OS, said only where its interval holds 1."""
    overall = [x for x in found if x.endpoint == "OS" and x.sceptical]
    if not overall:
        return ()
    x = max(overall, key=lambda x: x.time)
    prior = x.sceptical
    if prior is None or not prior.ci.low <= 1.0 <= prior.ci.high:
        return ()
    ratio = number(
        prior.hazard_ratio, "hazard-ratio", name=f"{x.key}.sceptical", trail=prior.trail, interval=prior.ci, missing="not defined"
    )
    return say(f"; and for OS at {x.time:g} years a sceptic is not convinced (hazard ratio under a sceptical prior ", ratio, ")")


def _comparison(found: tuple[Landmark, ...], package: Package) -> list[Block]:
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
                first_trail=row_trail(package, c.treated.row, "read from the source"),
                second_trail=row_trail(package, c.control.row, "read from the source"),
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


def _rebuilt(package: Package) -> list[Block]:
    """The treated cohort's curve as its latest analysis allows; the control has no printed n and is not rebuilt."""
    row = next((o for o in package.outcomes if o.arm_id == TREATED and o.endpoint == ENDPOINT and o.time_years == TIME), None)
    if row is None:
        return []
    title = f"{ENDPOINT} of the blinatumomab cohort, rebuilt from its printed value at {TIME:g} years"
    return rebuilt_blocks(package, row, name="immunotherapy.rebuilt", title=title, counted=_counted(package, row))


def _counted(package: Package, row: Outcome) -> Counted | None:
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


def _wrong(found: tuple[Landmark, ...]) -> list[Block]:
    if not found:
        return []
    rows: list[Row] = []
    for x in found:
        t = x.tipping
        limit = x.e.e_value_limit if x.e else None
        trail_e = x.e.trail if x.e else t.trail
        prior = x.sceptical
        rows.append(
            (
                f"{x.endpoint} at {x.time:g} years ({x.lock or 'lock not named'})",
                number(t.points_tips, "points(0)", name=f"{x.key}.tips", trail=t.trail),
                number(t.ratio_tips, "hazard-ratio", name=f"{x.key}.ratio-tips", trail=t.trail, missing="not defined"),
                number(t.excluded_tips, "percent", name=f"{x.key}.excluded", trail=t.trail, missing="not defined"),
                number(limit, "ratio", name=f"{x.key}.e-value", trail=trail_e, missing="not defined"),
                number(
                    prior.hazard_ratio if prior else None,
                    "hazard-ratio",
                    name=f"{x.key}.sceptical",
                    trail=prior.trail if prior else t.trail,
                    interval=prior.ci if prior else None,
                    missing="not defined",
                ),
            )
        )
    main = [x for x in found if x.time == max(y.time for y in found)]
    series = []
    for x in main:
        biased = under_bias(x.comparison, points=tuple(b for b in BIASES if x.comparison.control.survival + b <= 1.0)).rows
        series.append(
            LineSeries(
                name=f"{x.endpoint}, {x.time:g} years",
                x=tuple(100.0 * (b.points or 0.0) for b in biased),
                y=tuple(b.difference for b in biased),
                low=tuple(b.difference_ci.low if b.difference_ci else None for b in biased),
                high=tuple(b.difference_ci.high if b.difference_ci else None for b in biased),
                trail=x.tipping.trail,
            )
        )
    return [
        Heading("How wrong could it be?"),
        paragraph(
            "No interval shows the bias of a control that was chosen after the fact. The table says how large a "
            "bias of each kind would be needed "
            "for the interval to reach no difference."
        ),
        DataTable(
            caption="The smallest bias that would remove the finding",
            columns=(
                "Landmark",
                "Control should have done better by",
                "or its hazard multiplied by",
                "or this share never counted",
                "E-value of the interval",
                "Hazard ratio under a sceptical prior",
            ),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say(
                "Share never counted: of the infants who would have been treated, those who failed before they could "
                "be (selection, immortal time). "
                "Sceptical prior: normal on the log hazard ratio, centred at no effect, 5 % for a ratio below 0.5; where its interval "
                "holds 1, such a sceptic is not convinced."
            ),
        ),
        lines(
            series,
            id="immunotherapy-bias",
            title="The difference that is left if the control should have done better",
            x_title="points of survival added to the control",
            y_title="difference that is left, points",
            format="points(0)",
            x_format="decimal(0)",
            trail=main[0].tipping.trail,
            references=((0.0, "no difference"),),
            caption=say("Bars are 95 % intervals from the printed ones; where a bar reaches zero the finding is gone."),
        ),
    ]


def _refusals(package: Package) -> list[Block]:
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


def _count_rows(package: Package, counts: list[Count], prefix: str) -> list[Row]:
    rows: list[Row] = []
    for c in counts:
        of: CellLike = f"{c.events} of {c.n}" if c.events is not None and c.n else f"{c.events}" if c.events is not None else "not printed"
        rate = share_number(package, c, name=f"{prefix}.{slug(c.arm_id)}.{slug(c.what)}.{c.line}", missing="no rate")
        rows.append((c.what.replace("_", " "), of, rate, c.note or None))
    return rows


def _cited(source: Source) -> str:
    """The citation of ``source``, with its title where no author is known."""
    return source.cite() if source.first_author else f"{source.title}, {source.cite()}"


def _safety(package: Package) -> list[Block]:
    by_source: dict[tuple[str, str], list[Count]] = {}
    for c in package.counts:
        if c.arm_id == TREATED:
            by_source.setdefault((c.source_id, c.where_seen), []).append(c)
    if not by_source:
        return []
    rows: list[Row | RowGroup] = []
    for (source_id, seen), counts in by_source.items():
        cited = _cited(package.source(source_id)) if source_id else "source not named"
        rows += [RowGroup(f"{cited} ({seen})" if seen else cited), *_count_rows(package, counts, "immunotherapy.count")]
    return [
        Heading("What was seen in the blinatumomab cohort"),
        DataTable(
            caption="Counts of the cohort as printed, by source",
            columns=("What", "Count", "Share", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say("Sources count the same infants again, in classes of their own: rows of different sources must not be added up."),
        ),
    ]


def _car_t(package: Package) -> list[Block]:
    rows: list[Row | RowGroup] = []
    for arm_id in CAR_T_ARMS:
        arm = next((a for a in package.arms if a.arm_id == arm_id), None)
        if arm is None:
            continue
        group: list[Row] = []
        for o in (o for o in package.outcomes if o.arm_id == arm_id):
            when = f"at {o.time_years:g} years" if o.time_years is not None else "time not stated"
            interval = (o.ci_low, o.ci_high) if o.ci_low is not None and o.ci_high is not None else None
            value = number(
                o.estimate, "percent", name=f"immunotherapy.cart.{slug(arm_id)}.{o.line}", trail=fact_trail(package, o), interval=interval
            )
            group.append((f"{o.endpoint} {when}, from {o.time_origin}", f"n {o.n}" if o.n else "n not printed", value, o.note or None))
        group += _count_rows(package, [c for c in package.counts if c.arm_id == arm_id], "immunotherapy.cart")
        if group:
            rows += [RowGroup(f"{package.study_of(arm).name}: {arm.label}"), *group]
    if not rows:
        return []
    trail = Trail(method="read from the sources")
    total = number(len({r.title for r in rows if isinstance(r, RowGroup)}), "count", name="immunotherapy.cart.series", trail=trail)
    return [
        Heading("CAR-T cells in infants"),
        paragraph(
            "The evidence holds ",
            total,
            " series of infants given CAR-T cells, all for relapsed or refractory disease and without a control; "
            "time counts from infusion, so infants who relapsed or died while waiting for cells are not in it.",
        ),
        DataTable(
            caption="CAR-T cells in infants, as printed",
            columns=("What", "Count", "Value", "Note of the row"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
        ),
    ]
