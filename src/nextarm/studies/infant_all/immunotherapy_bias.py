"""Section 3, second part: how wrong the comparison could be. One finding under an array of stated biases, and the smallest that undo it."""

from __future__ import annotations

from nextarm.borrowing import DriftPrior, SensitivityArray, drift_prior, sensitivity_array
from nextarm.core.errors import CallError, RefusedError
from nextarm.core.trail import Trail
from nextarm.evidence import Package
from nextarm.report import Block, DataTable, Details, Heading, number, paragraph, say
from nextarm.report.charts import ForestRow, forest
from nextarm.report.document import Chart, Number, Parts, Row
from nextarm.studies.infant_all import plateau_cohorts
from nextarm.studies.infant_all.immunotherapy_landmarks import CONTROL, TREATED, Landmark, main_landmark
from nextarm.synthesis.estimates import two_sided_z


def drifts(package: Package) -> dict[str, DriftPrior]:
    """Priors on drift from the trends of section 1: its answer, and the cohorts read near its time; empty where there is no line."""
    try:
        cohorts = plateau_cohorts.gather(package)
    except (CallError, RefusedError):
        return {}
    near = f"cohorts read near {plateau_cohorts.TIME:g} years"
    answer = near if cohorts.timing is None else f"all cohorts, carried to {plateau_cohorts.TIME:g} years"
    made: dict[str, DriftPrior] = {}
    for name, trend in ((answer, cohorts.trend), (near, cohorts.near)):
        try:
            made[name] = drift_prior(trend)
        except RefusedError:
            continue
    return made


def how_wrong(found: tuple[Landmark, ...], package: Package) -> list[Block]:
    """The array for the main landmark and, folded, for OS at the same time; then the smallest biases of every landmark."""
    if not found:
        return []
    main = main_landmark(found)
    priors = drifts(package)
    others = [x for x in found if x.time == main.time and x.endpoint != main.endpoint]
    blocks: list[Block] = [
        Heading("How wrong could it be?"),
        paragraph(
            "No interval shows the bias of a control that was chosen after the fact. Below, the same comparison with the historical "
            "control "
            "is read again under stated biases, all of them against the finding. None of the rows is the truth: they show how far "
            "the finding "
            "bends before it breaks."
        ),
    ]
    if main.comparison.cumulative_hazard_ratio is not None:
        made = sensitivity_array(main.comparison, drift=priors)
        blocks += [_chart(main, made), paragraph(_overturned(main, made)), *_drift_words(priors, package)]
    for x in others:
        if x.comparison.cumulative_hazard_ratio is None:
            continue
        made = sensitivity_array(x.comparison, drift=priors)
        blocks.append(Details(f"The same for {x.endpoint} at {x.time:g} years", (_chart(x, made), paragraph(_overturned(x, made)))))
    return [*blocks, _smallest(found)]


def _chart(x: Landmark, made: SensitivityArray) -> Chart:
    rows = [
        ForestRow(
            label=r.label,
            estimate=r.ratio,
            low=r.ci.low,
            high=r.ci.high,
            group=r.group,
            marks=() if r.key == "published" else ("assumption",),
            trail=r.trail,
            number=number(
                r.ratio, "hazard-ratio", name=f"{x.key}.array.{r.key}", trail=r.trail, interval=r.ci,
                marks=() if r.key == "published" else ("assumption",),
            ),
        )
        for r in made.rows
    ]  # fmt: skip
    held = number(sum(r.holds for r in made.rows), "count", name=f"{x.key}.array.held", trail=made.trail)
    total = number(len(made.rows), "count", name=f"{x.key}.array.rows", trail=made.trail)
    return forest(
        rows,
        id=f"immunotherapy-array-{x.endpoint.lower()}",
        title=f"{x.endpoint} at {x.time:g} years against the historical control, under stated biases",
        axis="implied hazard ratio, blinatumomab to historical control",
        trail=made.trail,
        format="hazard-ratio",
        reference=(1.0, "no difference"),
        log=True,
        domain=(0.05, 4.0),
        caption=say(
            held, " of ", total, " readings keep their 95 % interval below 1. Hollow: a bias that was stated, not seen. The implied hazard "
            "ratio is the ratio of cumulative hazards; drift includes how much cohorts of one era differ; a confounder is as strong with "
            "treatment as with outcome."
        ),
    )  # fmt: skip


def _overturned(x: Landmark, made: SensitivityArray) -> Parts:
    """Name the smallest bias of each kind that would overturn the finding."""
    tip, e = made.tipping, made.e_value
    if not tip.finding:
        return say("There is no finding to overturn: the interval of the difference holds none.")
    missing, on = "not defined", tip.trail

    def shown(value: float | None, format: str, tail: str, trail: Trail) -> Number:
        return number(value, format, name=f"{x.key}.{tail}", trail=trail, missing=missing)

    higher = number(tip.points_tips, "points(0)", name=f"{x.key}.tips", trail=on)
    words = [say(f"a control whose {x.endpoint} at {x.time:g} years should have been ", higher, " higher")]
    if tip.finding_on_ratio:
        words.append(
            say("a control whose hazard should have been ", shown(tip.ratio_tips, "hazard-ratio", "ratio-tips", on), " of what it was")
        )
    if tip.excluded_tips:
        lost = shown(tip.excluded_tips, "percent", "excluded", on)
        words.append(say(lost, " of the infants having failed before they could be counted"))
    if e.e_value_limit is not None and e.e_value_limit > 1.0:
        strong = shown(e.e_value_limit, "ratio", "e-value", e.trail)
        words.append(say("an unmeasured confounder with a risk ratio of ", strong, " with both treatment and outcome"))
    joined = [say(", or " if i else "", w) for i, w in enumerate(words)]
    return say(f"{x.endpoint} at {x.time:g} years would be overturned by the smallest of these biases, each alone: ", *joined, ".")


def _drift_words(priors: dict[str, DriftPrior], package: Package) -> list[Block]:
    """Where the drift comes from and what it cannot say."""
    if not priors:
        return [paragraph("Drift between eras cannot be learnt: no trend over eras can be fitted.")]
    rows: list[Row] = []
    for i, (name, p) in enumerate(priors.items(), start=1):
        reach = two_sided_z(0.95) * p.sd
        limits = (p.mean - reach, p.mean + reach)
        slope = number(p.mean, "signed-decimal", name=f"immunotherapy.drift.{i}", trail=p.trail, interval=limits)
        spread = number(p.between_sd, "decimal", name=f"immunotherapy.drift.{i}.between", trail=p.trail)
        rows.append((name, number(p.k, "count", name=f"immunotherapy.drift.{i}.k", trail=p.trail), slope, spread))
    unknown = ""
    if any(package.study_of(a).mid_enrolment is None for a in (TREATED, CONTROL)):
        unknown = "The years of enrolment were not in the text read, so how far the eras lie apart is not known: two distances are shown. "
    return [
        DataTable(
            caption="Drift between eras as learnt from the trend of section 1",
            columns=("Learnt from", "Cohorts", "Log cumulative hazard a decade", "Standard deviation between cohorts"),
            rows=tuple(rows),
            sortable=False,
            narrow="stack",
            note=say(
                unknown, f"Below zero means that later infants did better. The trend is one of {plateau_cohorts.ENDPOINT} from "
                "diagnosis; that "
                "disease-free survival after remission drifted alike is an assumption."
            ),
        )
    ]  # fmt: skip


def _smallest(found: tuple[Landmark, ...]) -> DataTable:
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
    return DataTable(
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
            "Share never counted: of the infants who would have been treated, those who failed before they could be (selection, immortal "
            "time). E-value: common-event form, since more than 15 % of a group have the event. Sceptical prior: normal on the log "
            "hazard ratio, "
            "centred at no effect, 5 % for a ratio below 0.5; where its interval holds 1, such a sceptic is not convinced."
        ),
    )
