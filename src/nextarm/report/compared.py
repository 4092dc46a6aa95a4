"""Patients against patients as sections: both curves, every effect, and the milestones read again under stated biases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nextarm.borrowing import PatientComparison, SensitivityArray, Weighting
from nextarm.core.trail import Trail
from nextarm.report.borrowed import sensitivity_section
from nextarm.report.charts import Curve, curve_of, survival_curves
from nextarm.report.document import Block, Column, DataTable, KeyFigures, Note, Number, Row, Section, number, say, slug

#: How the effects are called and written.
_FORMATS = {"hazard ratio": "hazard-ratio", "cure": "signed-points", "RMST": "signed-decimal(2)"}


def patient_sections(
    found: PatientComparison,
    curves: Sequence[tuple[str, Any]],
    arrays: Sequence[SensitivityArray],
    *,
    drift: str = "",
    notes: Sequence[Block] = (),
    tones: Sequence[int | None] = (None, None),
) -> tuple[Section, ...]:
    """The comparison with both Kaplan-Meier ``curves`` (name, estimate), and one section of biases for each of ``arrays``.

    ``drift`` says where a prior on drift comes from; ``notes`` stand first; ``tones`` are the groups' colours (from 1), if any.
    Two arms of one source may have been randomised.
    """
    one_curve = found.one_analysis
    how_made = "two arms of one curve" if one_curve else "not randomised"
    title = "Both arms of one curve" if one_curve else "Both groups: not randomised, an external control"
    drawn: list[Curve] = [replace(curve_of(km, name), tone=tone) for (name, km), tone in zip(curves, tones, strict=True)]
    chart = survival_curves(
        drawn, id="groups", title=title, trail=found.trail,
        caption=say("As they were, before weighting; the effects below are weighted." if found.weighting is not None
                    else "One version of each where patients were rebuilt; the effects below carry all of them."),
    )  # fmt: skip
    figures: list[tuple[Number, str]] = [
        (number(found.n[0], "count", name="treated.n", trail=found.trail), f"patients, {found.labels[0]}"),
        (number(found.n[1], "count", name="control.n", trail=found.trail), f"patients, {found.labels[1]}"),
    ]
    rows: list[Row] = []
    for effect in found.effects:
        how = next((f for words, f in _FORMATS.items() if words.lower() in effect.measure.lower()), "signed-points")
        key = f"effect.{slug(effect.measure)}"
        value = number(effect.estimate, how, name=key, trail=found.trail, interval=effect.ci)
        title = effect.measure + (f", up to {effect.time:.2f} years" if "RMST" in effect.measure else "")
        if len(figures) < 4:
            figures.append((value, f"{title}, {how_made}"))
        plain = "decimal(2)" if "RMST" in effect.measure else "percent(1)"
        own = [
            None if v is None else number(v, plain, name=f"{key}.{side}", trail=found.trail)
            for side, v in (("treated", effect.treated), ("control", effect.control))
        ]
        share = None if effect.rebuilt_share is None else number(effect.rebuilt_share, "percent", name=f"{key}.rebuilt", trail=found.trail)
        rows.append((title, *own, value, number(effect.p, "p", name=f"{key}.p", trail=found.trail), share))
    columns = (
        "Effect", Column("Treated", align="right"), Column("Control", align="right"), Column("Effect (95 % interval)", align="right"),
        Column("p, two-sided", align="right"), Column("Of its variance, from rebuilding", align="right"),
    )  # fmt: skip
    blocks: list[Block] = [
        *notes,
        KeyFigures(tuple(figures)),
        chart,
        DataTable("What the two groups differ by", columns, tuple(rows), sortable=False, narrow="stack"),
    ]
    blocks += [Note("caution", say(text)) for text in found.warnings]
    blocks += [Note("assumption", say(text)) for text in found.trail.assumptions]
    lead = say(
        "Two arms of one curve: whether chance made these groups is for its source to say."
        if one_curve
        else "What the numbers are, not what the treatment does: the groups were not made by chance."
    )
    made = [Section("patients", "Patients against patients", lead, tuple(blocks))]
    if found.weighting is not None:
        made.append(_weights(found.weighting, replace(found.weighting.trail, inputs=found.trail.inputs)))
    for array in arrays:
        many = len(arrays) > 1 and array.time is not None
        id = f"sensitivity-{array.time:g}".replace(".", "-") if many else "sensitivity"
        made.append(sensitivity_section(array, id=id, drift=drift, several=many))
    return tuple(made)


def _weights(found: Weighting, trail: Trail) -> Section:
    """What the weights cost and what they balance: patients and effective sample sizes, each covariate before and after."""
    figures: list[tuple[Number, str]] = []
    for side, n, size in (("treated", found.treated_n, found.treated_size), ("control", found.control_n, found.control_size)):
        if n is not None and size is not None:
            value = number(size, "decimal(1)", name=f"weights.{side}.size", trail=trail)
            figures.append((value, f"patients that the {n} of the {side} are worth (effective sample size)"))
    figures.append((number(found.largest_share, "percent(1)", name="weights.largest", trail=trail), "largest share of one patient"))
    names = ("treated_before", "treated_after", "control_before", "control_after", "smd_before", "smd_after")
    balance: tuple[Row, ...] = tuple(
        (
            b.covariate,
            *(
                number(getattr(b, name), "signed-decimal(3)" if name.startswith("smd") else "decimal(3)",
                       name=f"balance.{slug(b.covariate)}.{name.replace('_', '-')}", trail=trail)
                for name in names
            ),
        )
        for b in found.balance
    )  # fmt: skip
    titles = ("Treated before", "Treated after", "Control before", "Control after", "Standardised difference before", "... after")
    columns: tuple[Column | str, ...] = ("Covariate", *(Column(title, align="right") for title in titles))
    edges = found.edges.tolist()
    counts: tuple[Row, ...] = tuple(
        (f"{low:.2f} to {high:.2f}", number(k, "count", name=f"weights.bin.{i}", trail=trail))
        for i, (low, high, k) in enumerate(zip(edges[:-1], edges[1:], found.histogram, strict=True), start=1)
    )
    blocks: tuple[Block, ...] = (
        KeyFigures(tuple(figures)),
        DataTable("Balance: means of the covariates", columns, balance, sortable=False, narrow="stack"),
        DataTable("The weights (mean 1)", ("Weight", Column("Patients", align="right")), counts, sortable=False),
    )
    lead = say(f"{trail.method}, {found.estimand}: weights balance what was matched, and nothing else.")
    return Section("weights", "What the weights balance, and what they cost", lead, blocks)
