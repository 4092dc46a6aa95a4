"""A report with every kind of block and chart, made of invented numbers; the tests render it."""

from __future__ import annotations

import math

from nextarm.core.trail import LeftOut, RowRef, Source, Trail
from nextarm.report import (
    Cell,
    Code,
    Column,
    DataTable,
    Definitions,
    Details,
    Emphasis,
    Heading,
    KeyFigures,
    Link,
    ListBlock,
    Note,
    Report,
    RowGroup,
    Section,
    Strong,
    number,
    paragraph,
    say,
)
from nextarm.report.charts import (
    Bar,
    Bubble,
    Curve,
    DumbbellRow,
    ForestRow,
    Landmark,
    LineSeries,
    MatrixRow,
    Part,
    bars,
    baujat_plot,
    bubble_trend,
    forest,
    heatmap,
    landmark_dumbbell,
    lines,
    matrix,
    named_forest,
    prisma_chart,
    stacked_areas,
    stacked_bars,
    survival_curves,
    traffic_light,
)
from nextarm.synthesis import BiasJudgement, ScreenedRecord, StudyEstimate, baujat, bias_table, bias_tool, cumulative, prisma_flow

HOSTILE = "<script>alert('x')</script> & \"quotes\" </svg>"

ALPHA = Source("alpha2010", "Alpha", 2010, "Journal of Examples", "A trial of one thing", doi="10.1000/alpha")
BETA = Source("beta2015", "Beta", 2015, "Annals of Examples", "A trial of another", url="https://example.org/beta")
HOSTILE_SOURCE = Source("hostile", HOSTILE, 2020, url="javascript:alert(1)")

ROWS = (
    RowRef("outcomes.csv", 12, "Trial A, all arms, EFS at 4 years", "alpha2010"),
    RowRef("outcomes.csv", 19, "Trial B, EFS at 4 years", "beta2015", ("secondary",), "quoted in a later review"),
    RowRef("outcomes.csv", 31, "Trial C, EFS at 4 years", "alpha2010", ("derived", "conflict"), "from all patients less a subgroup"),
)
POOLED = Trail(
    "Random-effects pooling on the complementary log-log scale, REML, Hartung-Knapp interval with the ad hoc correction",
    reference="10.1186/1471-2288-14-25",
    rows=ROWS,
    left_out=(LeftOut(RowRef("outcomes.csv", 44, "Trial D, EFS at 2 years", "beta2015"), "another time: 2 years, wanted 4"),),
    sources=(ALPHA, BETA),
    assumptions=("the time origin of Trial B is not stated; taken as diagnosis",),
    inputs=("bundled package example",),
)
ONE_ROW = Trail("as printed", rows=(ROWS[2],), sources=(ALPHA,), of_row=True)
SIMULATED = Trail("simulation of 10,000 virtual trials", seed=20260101, inputs=("plan.toml",))


def _curve(cure: float, rate: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    time = tuple(i / 20 for i in range(121))
    return time, tuple(cure + (1 - cure) * math.exp(-rate * t) for t in time)


def screened() -> tuple[ScreenedRecord, ...]:
    """Sixty invented records at every stage of a review."""
    found = []
    for i in range(60):
        way = "other" if i >= 54 else "register" if i >= 50 else "database"
        words = {"record": f"r{i}", "source_type": way, "source": ("MEDLINE", "Embase")[i % 2] if way == "database" else ""}
        if way != "other" and i % 5 == 0:
            found.append(ScreenedRecord(**words, removed="duplicate"))
        elif way != "other" and i % 5 != 1:
            found.append(ScreenedRecord(**words, screening="exclude"))
        elif i % 11 == 0:
            found.append(ScreenedRecord(**words, screening="" if way == "other" else "include", retrieved="no"))
        else:
            words |= {"screening": "" if way == "other" else "include", "retrieved": "yes"}
            kept = {"assessment": "include", "study": f"s{i % 4}"} if i % 2 else {"assessment": "exclude", "reason": "wrong population"}
            found.append(ScreenedRecord(**words, **kept))
    return tuple(found)


def synthesis_charts() -> tuple:
    """The charts of a synthesis on invented numbers."""
    studies = [StudyEstimate(label=f"Trial {x}", estimate=0.4 + 0.03 * i, se=0.05, year=2000.0 + i) for i, x in enumerate("ABCD")]
    words = ("low", "some concerns", "high", "low", "low")
    cells = [
        BiasJudgement(study=f"Trial {x}", tool="rob2", domain=d, judgement=words[(i + j) % 5], reason="invented")
        for i, x in enumerate("ABC")
        for j, d in enumerate(bias_tool("rob2").domains)
    ]
    parts = [Part("relapse", (0.0, 0.2, 0.4)), Part("treatment-related death", (0.0, 0.05, 0.1)), Part("second cancer", (0.0, 0.0, 0.02))]
    return (
        named_forest(cumulative(studies), id="example-cumulative", title="Cumulative", axis="EFS", trail=POOLED),
        baujat_plot(baujat(studies), id="example-baujat", title="Baujat", trail=POOLED),
        traffic_light(bias_table(cells), id="example-lights", title="Risk of bias"),
        prisma_chart(prisma_flow(screened()), id="example-prisma", title="Flow of records"),
        stacked_areas(parts, time=(0.0, 1.0, 2.0), id="example-areas", title="Incidences", trail=POOLED),
        stacked_bars(["A", "B", "C"], parts, id="example-parts", title="Parts", axis="share", trail=POOLED, notes=["n 10", "", "n 5"]),
    )


def example_charts() -> tuple:
    """One chart of each kind, in the order of the module."""
    studies = [
        ForestRow("Trial A", 0.47, 0.42, 0.52, weight=22, group="Enrolled before 2006", note="n 482, 4 years"),
        ForestRow("Trial B", 0.389, 0.29, 0.48, weight=10, group="Enrolled before 2006", note="n 102, 5 years", marks=("secondary",)),
        ForestRow("Trial C", 0.365, 0.316, 0.415, weight=25, group="Enrolled from 2006", marks=("derived", "conflict"), trail=ONE_ROW),
        ForestRow("Trial D", 0.36, 0.25, 0.47, weight=9, group="Enrolled from 2006", note="n 147, 3 years"),
        ForestRow(
            "Trial E, a cohort with a rather long name and all its arms together", 0.669, 0.55, 0.76, weight=8, group="Enrolled from 2006"
        ),
        ForestRow("Pooled", 0.42, 0.33, 0.5, kind="pooled"),
        ForestRow("Prediction interval", None, 0.17, 0.68, kind="prediction"),
        ForestRow("Trial F, other time", 0.5, 0.4, 0.6, kind="left-out", note="2 years"),
        ForestRow(HOSTILE, 0.5, 0.4, 0.9, kind="left-out"),
    ]
    trend = [
        Bubble("Trial A", 2002.5, 0.47, 0.42, 0.52, 22, "Group one"),
        Bubble("Trial B", 1998.0, 0.389, 0.29, 0.48, 10, "Group two"),
        Bubble("Trial C", 2011.0, 0.365, 0.316, 0.415, 25, "Group one"),
        Bubble("Trial D", 2010.5, 0.36, 0.25, 0.47, 9, "Group three", ("derived",)),
        Bubble("Trial E", 2013.5, 0.669, 0.55, 0.76, 8, "Group two"),
        Bubble(HOSTILE, 2005, 0.44, 0.3, 0.56, 5, "Group three"),
    ]
    fitted = [(1997 + k, 0.41 + 0.0025 * k, 0.33 - 0.001 * (8 - k), 0.5 + 0.0012 * abs(k - 9) ** 1.2) for k in range(18)]
    time, treated = _curve(0.72, 1.1)
    _, control = _curve(0.42, 0.9)
    lower, upper = tuple(s - 0.1 * (1 - s) for s in treated), tuple(min(1.0, s + 0.08) for s in treated)
    steps = tuple(time[i] for i in range(0, 121, 8))
    curves = [
        Curve("New treatment", "reconstructed", steps, treated[::8], lower[::8], upper[::8], ((0, 30), (1, 26), (2, 21), (3, 12), (4, 5))),
        Curve("Backbone alone", "model", time, control, steps=False, at_risk=((0, 214), (1, 150), (2, 110), (3, 96), (4, 80), (5, 60))),
        Curve("Earlier cohort", "published points", landmarks=(Landmark(2, 0.5, 0.42, 0.58), Landmark(4, 0.44, 0.36, 0.52, ONE_ROW))),
    ]
    difference = number((0.26, 0.52), "percent", name="difference.4y", trail=POOLED)
    pairs = [
        DumbbellRow("2 years", (0.494, 0.425, 0.559), (0.816, 0.608, 0.920), group="DFS", note="first data lock"),
        DumbbellRow("4 years", (0.44, 0.37, 0.51), (0.833, 0.62, 0.93), difference, group="DFS", marks=("secondary",)),
        DumbbellRow("2 years", (0.658, 0.59, 0.72), (0.933, 0.759, 0.983), group="OS", note="first data lock"),
    ]
    levels = ("In vitro", "Xenograft", "Clinical, any age", "Infants")
    agents = [
        MatrixRow("blinatumomab", {"Clinical, any age": 4, "Infants": 2}, group="T-cell engagers", note="CD19/CD3"),
        MatrixRow("venetoclax", {"In vitro": 3, "Xenograft": 5, "Infants": 1}, group="Small molecules", note="BCL-2"),
        MatrixRow("ziftomenib", {"In vitro": 1, "Xenograft": 1}, group="Small molecules", note="menin"),
        MatrixRow("an agent with a very long name indeed", {"Xenograft": 12}, group="Small molecules"),
    ]
    deaths = [
        Bar("Trial A", 0.055, 0.035, 0.08, "Induction death", "9 of 163"),
        Bar("Trial C", 0.031, 0.02, 0.05, "Induction death", "15 of 484", ("derived",)),
        Bar("Trial B", 0.098, 0.06, 0.16, "Death in remission", "10 of 102"),
        Bar("Trial D", None, group="Death in remission"),
    ]
    grid = [[0.31, 0.42, 0.55, 0.68, 0.80], [0.36, 0.48, 0.62, 0.75, 0.86], [0.40, 0.53, 0.67, 0.80, None]]
    power = [
        LineSeries("Cure 75 %", (100, 200, 300, 400), (0.33, 0.58, 0.77, 0.88), (0.32, 0.57, 0.76, 0.87), (0.34, 0.59, 0.78, 0.89)),
        LineSeries("Cure 70 %", (100, 200, 300, 400), (0.19, 0.33, 0.46, 0.58), (0.18, 0.32, 0.45, 0.57), (0.2, 0.34, 0.47, 0.59)),
        LineSeries("No effect", (100, 200, 300, 400), (0.026, 0.025, 0.026, None)),
    ]
    return (
        forest(
            studies,
            id="fig-forest",
            title="EFS by cohort, in two eras",
            axis="Event-free survival",
            trail=POOLED,
            reference=(0.5, "one half"),
            caption=say("Hollow squares are ", Emphasis("derived"), " or secondary."),
        ),
        bubble_trend(
            trend,
            id="fig-trend",
            title="EFS by middle year of enrolment",
            x_title="Middle year of enrolment",
            y_title="Event-free survival",
            trail=POOLED,
            line=fitted,
        ),
        survival_curves(
            curves,
            id="fig-curves",
            title="Event-free survival",
            trail=POOLED,
            y_title="Event-free survival",
            x_title="Years since diagnosis",
            x_max=6,
        ),
        landmark_dumbbell(
            pairs,
            id="fig-landmarks",
            title="Two arms at landmarks",
            arms=("Backbone alone", "Backbone + new"),
            axis="Probability",
            trail=POOLED,
        ),
        matrix(agents, id="fig-agents", title="Agents and what is known of them", levels=levels, trail=POOLED, row_title="Agent"),
        bars(
            deaths,
            id="fig-deaths",
            title="Deaths by definition",
            axis="Share of patients",
            trail=POOLED,
            format="percent(1)",
            note_title="Deaths",
        ),
        heatmap(
            grid,
            id="fig-grid",
            title="Power over two assumptions",
            x=("60 %", "65 %", "70 %", "75 %", "80 %"),
            y=("30 a year", "45 a year", "60 a year"),
            x_title="Cure fraction of the new arm",
            y_title="Accrual",
            trail=SIMULATED,
            outlined=(1, 3),
        ),
        lines(
            power,
            id="fig-power",
            title="Power by size of the trial",
            x_title="Patients",
            y_title="Power",
            trail=SIMULATED,
            references=((0.8, "80 % power"),),
            y_domain=(0, 1),
        ),
    )


def example_report(long_rows: int = 40) -> Report:
    """Every block once or more, and a table of ``long_rows`` rows."""
    plateau = number(0.42, "percent", name="plateau.pooled", trail=POOLED, interval=(0.33, 0.5))
    slope = number(0.013, "signed-points", name="plateau.slope", trail=POOLED, interval=(-0.021, 0.047))
    p = number(0.41, "p", name="plateau.p", trail=POOLED)
    derived = number(0.365, "percent(1)", name="trial-c.efs", trail=ONE_ROW)
    needed = number(330, "count", name="next.patients", trail=SIMULATED, marks=("simulated",))
    years = number(7.3, "years", name="next.years", trail=SIMULATED)
    median = number(None, "years", name="median", trail=POOLED)
    charts = example_charts()
    wordy = DataTable(
        "Agents and the trials that are open",
        ("Agent", "Mechanism", "Trials open", "What is known"),
        (
            (
                "blinatumomab",
                "links T cells to CD19+ blasts",
                say(Link("NCT-1", "https://example.org/nct1"), ", phase 3"),
                "one phase 2 trial in 30 infants",
            ),
            ("venetoclax", "BCL-2 inhibitor", None, "xenografts; case reports"),
            (HOSTILE, HOSTILE, Cell(say("two ", Strong("arms")), sort=2), HOSTILE),
        ),
        narrow="stack",
    )
    long_lines: list = []
    for i in range(long_rows):
        if i % 20 == 0:
            long_lines.append(RowGroup(f"Protocol {i // 20 + 1}"))
        value = number((i * 37 % 100) / 100, "percent(1)", name=f"long.{i}", trail=ONE_ROW if i % 3 else POOLED, interval=(0.1, 0.9))
        long_lines.append(
            (f"Arm {i}", f"EFS at {i % 5 + 1} years", value, number(i * 13, "count", name=f"long.{i}.n", trail=POOLED), "diagnosis")
        )
    long_table = DataTable(
        "Every arm with its printed estimate",
        ("Arm", "Endpoint", Column("Estimate", "95 % interval", "right"), "Patients", "Time origin"),
        tuple(long_lines),
        note=say("Sorted as in the package."),
    )
    return Report(
        title="A worked example of a report",
        subtitle="Every block and every chart once, with invented numbers, so that a change of the renderer can be seen",
        made_on="23 November 2026",
        notes=("Made from invented numbers by the test suite.",),
        intro=(paragraph("This document exists to be looked at. Its numbers are invented."),),
        sections=(
            Section(
                "plateau",
                "Is the plateau real?",
                say(
                    "The bundled evidence cannot show a rise: pooled event-free survival is ",
                    plateau,
                    " and the change per decade is ",
                    slope,
                    " (permutation p ",
                    p,
                    ").",
                ),
                (
                    KeyFigures(
                        (
                            (plateau, "pooled event-free survival at 4 years"),
                            (slope, "change per decade of enrolment"),
                            (p, "permutation p of the slope"),
                            (median, "median event-free survival"),
                        )
                    ),
                    paragraph(
                        "Trial C reports ",
                        derived,
                        ", which is ",
                        Emphasis("derived"),
                        " from two printed numbers; see ",
                        Link("the next section", "#next"),
                        ".",
                    ),
                    Note("caution", say("Late cohorts report earlier times, which alone makes a rise of the printed values.")),
                    charts[0],
                    Heading("By year of enrolment"),
                    charts[1],
                    ListBlock(
                        (
                            say("One cohort holds ", number(0.38, "percent", name="plateau.share", trail=POOLED), " of the weight."),
                            say("Five groups."),
                        )
                    ),
                ),
            ),
            Section(
                "arms",
                "Does the new treatment change it?",
                say(
                    "Survival was higher than in the earlier cohort, but ",
                    number(0.21, "points", name="tipping", trail=POOLED),
                    " of bias would remove the finding.",
                ),
                (charts[2], charts[3], Note("assumption", say("The time origin is not stated."))),
            ),
            Section(
                "agents",
                "Which agents are ready?",
                say("Two of four have been given to infants."),
                (charts[4], wordy, charts[5], Details("All arms", (long_table,))),
            ),
            Section(
                "next",
                "What would the next trial need?",
                say("About ", needed, " infants and ", years, "."),
                (
                    charts[7],
                    charts[6],
                    Definitions(
                        (
                            ("Milestone", say("the time at which both arms are compared")),
                            ("Margin", say("the loss that is still acceptable")),
                        )
                    ),
                    Code('[trial]\nname = "example"\nmilestone = 3.0   # years\n', "plan.toml"),
                    Note("information", say("A simulated number carries its Monte-Carlo error.")),
                    ListBlock((say("first"), say("second")), ordered=True),
                    paragraph(
                        "A source with a hostile name: ",
                        number(1, "count", name="hostile", trail=Trail(HOSTILE, sources=(HOSTILE_SOURCE,), assumptions=(HOSTILE,))),
                    ),
                ),
            ),
        ),
    )
