"""A prior from history and an external comparison as sections: what the prior says and is worth, how wrong the comparison could be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextarm.borrowing import BetaMixture, LandmarkComparison, SensitivityArray
from nextarm.borrowing.information import worth
from nextarm.borrowing.prior_file import PriorFile
from nextarm.core.trail import Trail
from nextarm.report.charts import Bar, ForestRow, LineSeries, bars, forest, lines
from nextarm.report.document import Block, Column, DataTable, KeyFigures, Note, Number, Row, Section, number, paragraph, say

#: How a definition of an effective sample size is called.
METHODS = {"elir": "expected local information ratio", "moment": "moments", "morita": "Morita"}


def robust(found: PriorFile, share: float) -> PriorFile:
    """``found`` (made without one) with a vague component of weight ``share``; other families come back as they are."""
    if not share or not isinstance(found.mixture, BetaMixture):
        return found
    mixture = found.mixture.robustify(share)
    return replace(found, mixture=mixture, robust_weight=share, worth=worth(mixture, parameter=found.parameter))


def prior_sections(found: PriorFile, *, share: float, n: int = 30) -> tuple[Section, ...]:
    """The prior of a probability with a robust component of weight ``share``: density, summary, effective sample size.

    The conflict with data is shown for ``n`` patients.
    """
    made = robust(found, share)
    if not isinstance(found.mixture, BetaMixture) or not isinstance(made.mixture, BetaMixture):
        return (Section("prior", "The prior", say("This prior is not one of a probability; the JSON holds it."), ()),)
    trail = made.trail
    at = np.linspace(0.01, 0.99, 50)
    x = tuple(map(float, at))
    plain = tuple(min(float(v), 50.0) for v in found.mixture.density(at))
    series = [LineSeries("from history" if share else "prior", x, plain)]
    if share:
        series.append(LineSeries(f"robust, weight {share:g}", x, tuple(min(float(v), 50.0) for v in made.mixture.density(at))))
    what = f"{made.endpoint} at {made.time:g} years" if made.time is not None else made.endpoint
    chart = lines(
        series, id="prior", title=f"Prior of a new arm's {what}", x_title=what, y_title="Density", trail=trail, format="decimal",
        x_format="percent", points=False, x_domain=(0.0, 1.0),
        alt_text=f"Density of the prior of {what}, with and without its robust component.",
    )  # fmt: skip
    rows: list[Row] = []
    largest: Number | None = None
    for part in made.worth:
        patients = None if part.patients is None else number(part.patients, "decimal(1)", name=f"ess.{part.method}", trail=trail)
        events = None if part.events is None else number(part.events, "decimal(1)", name=f"ess.{part.method}.events", trail=trail)
        largest = largest or patients
        rows.append((METHODS.get(part.method, part.method), patients, events, part.conversion or part.why))
    mixture = made.mixture
    mean = number(mixture.mean(), "percent(1)", name="prior.mean", trail=trail)
    spread = number(float(np.sqrt(mixture.variance())), "points", name="prior.sd", trail=trail)
    half = (1.0 - 0.95) / 2.0
    ends = (float(mixture.quantile(half)), float(mixture.quantile(1.0 - half)))
    limits = number(ends, "percent(1)", name="prior.interval", trail=trail)
    figures = [(mean, "mean of the prior"), (limits, "95 % prior interval"), (spread, "standard deviation")]
    if largest is not None:
        figures.append((largest, "patients it is worth (ELIR)"))
    columns = ("Definition", Column("Patients", align="right"), Column("Events", align="right"), "How")
    parts: tuple[Row, ...] = tuple(
        (
            f"Beta({a:.2f}, {b:.2f})",
            number(float(w), "decimal(3)", name=f"component.{i + 1}", trail=trail),
        )
        for i, (w, a, b) in enumerate(zip(mixture.weights, mixture.a, mixture.b, strict=True))
    )
    blocks: list[Block] = [
        KeyFigures(tuple(figures[:4])), chart,
        DataTable("What the prior is worth", columns, tuple(rows), sortable=False, narrow="stack"),
        DataTable("The mixture", ("Component", Column("Weight", align="right")), parts, sortable=False),
    ]  # fmt: skip
    blocks += [Note("caution", say(text)) for text in made.warnings]
    blocks += [Note("assumption", say(text)) for text in trail.assumptions]
    return (
        Section("prior", "The prior", say(f"From {made.k} {'study' if made.k == 1 else 'studies'}."), tuple(blocks)),
        *_conflict(made, trail, n),
    )


def _conflict(made: PriorFile, trail: Trail, n: int) -> tuple[Section, ...]:
    """How the prior and data of ``n`` patients would meet: the posterior mean and what is left of the history."""
    mixture = made.mixture
    if not isinstance(mixture, BetaMixture) or not made.robust_weight:
        return ()
    rows: list[Row] = []
    drawn: list[Bar] = []
    for k in dict.fromkeys(round(n * i / 10) for i in range(11)):
        after = mixture.posterior(k, n)
        left = 1.0 - float(after.weights[-1])
        share = number(left, "percent", name=f"conflict.{k}", trail=trail)
        rows.append(
            (
                f"{k} of {n}",
                number(k / n, "percent", name=f"conflict.{k}.seen", trail=trail),
                number(after.mean(), "percent(1)", name=f"conflict.{k}.mean", trail=trail),
                share,
            )
        )
        drawn.append(Bar(f"{k} of {n}", left, number=share))
    chart = bars(
        drawn,
        id="conflict",
        title=f"Weight left to the history after {n} patients",
        axis="Weight of the historical components",
        trail=trail,
        format="percent",
        domain=(0.0, 1.0),
    )
    table = DataTable(
        "Prior and data",
        ("Event-free", Column("Seen", align="right"), Column("Posterior mean", align="right"), Column("History", align="right")),
        tuple(rows),
        sortable=False,
    )
    lead = say(f"What the robust prior would make of {n} patients followed to the time in full, whatever they show.")
    return (Section("conflict", "If the data disagree", lead, (chart, table)),)  # fmt: skip


def comparison_sections(found: LandmarkComparison, array: SensitivityArray | None) -> tuple[Section, ...]:
    """An external comparison, always called one, and the same under stated biases."""
    trail = found.trail
    arms = (found.treated, found.control)
    rows = [ForestRow(a.label, a.survival, a.ci.low, a.ci.high, note=f"n {a.n}" if a.n else "") for a in arms]
    when = f"{found.endpoint} at {found.time:g} years" if found.time is not None else found.endpoint
    chart = forest(rows, id="arms", title=f"{when}: not randomised, a historical control", axis=found.endpoint, trail=trail)
    figures = [
        (
            number(found.difference, "signed-points", name="difference", trail=trail, interval=found.difference_ci),
            "difference, not randomised",
        )
    ]
    if found.cumulative_hazard_ratio is not None and found.ratio_ci is not None:
        ratio = number(found.cumulative_hazard_ratio, "hazard-ratio", name="ratio", trail=trail, interval=found.ratio_ci)
        figures.append((ratio, "ratio of cumulative hazards"))
    blocks: list[Block] = [KeyFigures(tuple(figures)), chart]
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks += [Note("assumption", say(text)) for text in trail.assumptions]
    made = [Section("comparison", "Against a historical control", (), tuple(blocks))]
    if array is not None:
        made.append(sensitivity_section(array))
    return tuple(made)


def sensitivity_section(array: SensitivityArray, *, id: str = "sensitivity", drift: str = "", several: bool = False) -> Section:
    """A comparison read again under stated biases, at one of ``several`` times or the only one.

    ``drift`` says where the prior on drift comes from.
    """
    ends = [v for r in array.rows for v in (r.ci.low, r.ci.high) if v > 0.0] or [0.1, 1.0]
    span = (min(*ends, 0.9) / 1.15, max(*ends, 1.1) * 1.15)
    drawn = [ForestRow(r.label, r.ratio, r.ci.low, r.ci.high, group=r.group, trail=r.trail) for r in array.rows]
    picture = forest(
        drawn, id=id, title="The same comparison under stated biases", axis="Ratio of cumulative hazards",
        trail=array.trail, format="hazard-ratio", reference=(1.0, "no difference"), log=True, domain=span,
    )  # fmt: skip
    holds = sum(r.holds for r in array.rows)
    count = number(holds, "count", name=f"{id}.holds", trail=array.trail)
    total = number(len(array.rows), "count", name=f"{id}.rows", trail=array.trail)
    words = paragraph("In ", count, " of ", total, " readings the interval leaves out 1. ", array.sentence)
    blocks: list[Block] = [picture, words]
    if drift:
        blocks.append(Note("assumption", say(drift)))
    when = f"At {array.time:g} {'year' if array.time == 1.0 else 'years'}" if array.time is not None else ""
    said = "None of the readings is the truth: they show how far the finding bends before it breaks."
    title = f"How wrong could it be? {when}" if several else "How wrong could it be?"
    return Section(id, title, say(said if several or not when else f"{said} {when}."), tuple(blocks))
