"""Patients and survival: a curve becomes patients, with checks; models, cure fraction, landmarks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, NextarmError
from nextarm.report import DataTable, Note, Section, number, paragraph, say, slug
from nextarm.report.charts import Curve, curve_of, survival_curves
from nextarm.report.document import Block, Column, KeyFigures, Row
from nextarm.web.address import Query, address
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Field, Form, Step

UNITS = ("years", "months", "weeks", "days")
BASES = ("exponential", "weibull", "log-normal", "log-logistic", "gamma", "gompertz")
MODELS = (*BASES, *(f"mixture-cure:{base}" for base in BASES))
#: The example: drawn by hand, not a published curve (months).
EXAMPLE_CURVE = "time,survival\n0,1\n3,0.96\n6,0.90\n9,0.85\n12,0.80\n18,0.74\n24,0.70\n30,0.67\n36,0.65\n42,0.65\n48,0.65\n"
EXAMPLE_RISK = "time,at_risk\n0,40\n12,31\n24,25\n36,18\n48,9\n"
CURVE, RISK, TICKS = ".curve.csv", ".at-risk.csv", ".ticks.csv"


def _curves(ask: Ask) -> list[str]:
    return ask.study.files("curves", suffix=CURVE) if ask.study.folder is not None and (ask.study.folder / "curves").is_dir() else []


def forms(ask: Ask) -> tuple[Form, ...]:
    """Which curve and models; a new curve."""
    q = ask.query
    names = _curves(ask)
    ask_fields = (
        Field("curve", "Curve", "select", q.text("curve"), choices=(("", "the example"), *((n, n) for n in names))),
        Field("unit", "Unit of its times", "select", q.text("unit", "months"), choices=tuple((u, u) for u in UNITS)),
        Field("n", "Patients, where no table says", "number", q.text("n")),
        Field("at", "Read survival at, years", value=q.text("at", "1, 2, 3")),
        Field(
            "model",
            "Models beside the curve",
            "many",
            values=q.many("model") or (() if q.pairs else ("mixture-cure:weibull",)),
            choices=tuple((m, m.replace(":", ", ")) for m in MODELS),
        ),
    )
    made = [Form("choose", "Show", ask_fields, "Show")]
    fields = (
        Field(
            "name", "Name of the curve", value=q.text("name"), required=True, help="Small letters, digits and hyphens, such as trial-x-efs"
        ),
        Field("unit", "Unit of its times", "select", q.text("unit", "months"), choices=tuple((u, u) for u in UNITS)),
        Field("percent", "Survival is in percent", "check", q.text("percent")),
        Field(
            "curve_csv",
            "Curve: time,survival[,arm]",
            "area",
            q.text("curve_csv"),
            required=True,
            upload=True,
            help="Paste from a spreadsheet (tabs are taken too), or choose the CSV file of nextarm read-figure",
        ),
        Field("risk_csv", "Numbers at risk: time,at_risk[,arm]", "area", q.text("risk_csv"), upload=True, rows=5),
    )
    if ask.study.folder is not None:
        made.append(
            Form(
                "new-curve",
                "Add a curve",
                fields,
                "Save and rebuild",
                action=ask.at("patients") + "/add",
                folded=bool(names) and not q.has("curve_csv"),
                note="Saved in the folder curves of your study.",
            )
        )
    return tuple(made)


@lru_cache(maxsize=32)
def _rebuilt(curve: str, risk: str, ticks: str, unit: str, n: int | None) -> Any:
    """Patients of a curve given as CSV texts, kept."""
    import polars as pl

    def frame(text: str) -> Any:
        return pl.read_csv(io.StringIO(text), infer_schema_length=None)

    options: dict[str, Any] = {"unit": unit, "seed": 1}
    if risk.strip():
        options["at_risk"] = frame(risk)
    if ticks.strip():
        options["ticks"] = frame(ticks)
    if n:
        options["n"] = n
    return verbs.reconstruct(frame(curve), **options)


@lru_cache(maxsize=128)
def _fitted(curve: str, risk: str, ticks: str, unit: str, n: int | None, model: str, arm: str | None) -> Any:
    """A model of rebuilt patients, kept; what was refused is not."""
    return verbs.fit(_rebuilt(curve, risk, ticks, unit, n).patients, model=model, arm=arm)


def content(ask: Ask) -> Content:
    """Published against rebuilt, checks, Kaplan-Meier with models, cure fraction, survival at chosen years."""
    q = ask.query
    name, unit = q.text("curve"), q.choice("unit", UNITS, "months")
    if odd := [m for m in q.many("model") if m not in MODELS]:
        raise CallError(f"model = {odd[0][:60]!r}", rule=f"must be one of {', '.join(MODELS)}")
    models = q.many("model") or (() if q.pairs else ("mixture-cure:weibull",))
    times = _times(q.text("at", "1, 2, 3"))
    if name and name not in _curves(ask):
        raise DataError(f"there is no curve {name[:60]!r} in the study")
    curve = ask.study.read("curves", name + CURVE) if name else EXAMPLE_CURVE
    risk = EXAMPLE_RISK if not name else ask.study.read("curves", name + RISK) if name in ask.study.files("curves", suffix=RISK) else ""
    ticks = ask.study.read("curves", name + TICKS) if name and name in ask.study.files("curves", suffix=TICKS) else ""
    n = q.whole("n", 0, low=0, high=100_000) or None
    made = _rebuilt(curve, risk, ticks, unit, n)
    notes: list[Block] = []
    if not name:
        words = "The example was drawn by hand: it shows the method and is evidence of nothing."
        notes.append(
            Note(
                "information",
                say(words, "" if ask.study.folder is not None else " To rebuild a curve of your own, make a study on the first page."),
            )
        )
    fit_of = partial(_fitted, curve, risk, ticks, unit, n)
    sections = [_rebuilding(made, notes), _checks(made)]
    sections += [_survival(fit_of, made.patients, arm, models, times) for arm in made.patients.arms]
    file = f"curves/{name}{CURVE}" if name else "curve.csv"
    also = f", at_risk={file.replace(CURVE, RISK) if name else 'at_risk.csv'!r}" if risk else ""
    flag = f" --at-risk {file.replace(CURVE, RISK) if name else 'at_risk.csv'}" if risk else ""
    if ticks:
        also += f", ticks={file.replace(CURVE, TICKS)!r}"
        flag += f" --ticks {file.replace(CURVE, TICKS)}"
    first = models[0] if models else "kaplan-meier"
    return Content(
        tuple(sections),
        python=f"import nextarm\nrebuilt = nextarm.reconstruct({file!r}{also}, "
        f"unit={unit!r}, seed=1)\nnextarm.fit(rebuilt.patients, model={first!r})",
        command=f"nextarm reconstruct {file}{flag} --unit {unit} --seed 1 --out "
        f"patients.csv\nnextarm fit patients.csv --unit {unit} --model {first}",
        csv=_patients_csv(made.patients),
    )


def _times(text: str) -> tuple[float, ...]:
    try:
        found = tuple(sorted({float(part) for part in text.replace(";", ",").split(",") if part.strip()}))
    except ValueError:
        raise CallError(f"at = {text[:60]!r}", rule="must be years such as 1, 2, 3") from None
    if not 1 <= len(found) <= 12 or not all(0.0 < t <= 50.0 for t in found):
        raise CallError(f"at = {text[:60]!r}", rule="must be 1 to 12 years from 0 to 50")
    return found


def _patients_csv(patients: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("time", "event", "arm"))
    writer.writerows(
        (repr(t), int(e), patients.arms[a])
        for t, e, a in zip(patients.time.tolist(), patients.event.tolist(), patients.arm.tolist(), strict=True)
    )
    return out.getvalue()


def _rebuilding(made: Any, notes: list[Block]) -> Section:
    curves = []
    for fit in made.arms[:2]:
        label = f"{fit.arm}, " if len(made.arms) > 1 else ""
        read = Curve(f"{label}published".capitalize(), "published points", _tuple(fit.time), _tuple(fit.published), trail=made.trail)
        rebuilt = Curve(
            f"{label}rebuilt".capitalize(),
            "reconstructed",
            _tuple(fit.fine_time),
            _tuple(fit.fine_survival),
            _tuple(fit.fine_low),
            _tuple(fit.fine_high),
            steps=False,
            trail=made.trail,
        )
        curves += [read, rebuilt]
    chart = survival_curves(
        curves,
        id="rebuilt",
        title="The published curve and the patients rebuilt from it",
        trail=made.trail,
        caption=say("The band is the range over the plausible versions."),
    )
    figures = []
    for fit in made.arms[:2]:
        of = f", {fit.arm}" if len(made.arms) > 1 else ""
        figures.append(
            (number(fit.n, "count", name=f"{slug(fit.arm or 'all')}.n", trail=made.trail, marks=("reconstructed",)), f"patients{of}")
        )
        figures.append(
            (
                number(fit.events, "count", name=f"{slug(fit.arm or 'all')}.events", trail=made.trail, marks=("reconstructed",)),
                f"events{of}",
            )
        )
    blocks: list[Block] = [*notes, KeyFigures(tuple(figures)), chart]
    blocks += [Note("caution", say(text)) for text in made.warnings]
    return Section("rebuilt", "Curve to patients", say(f"Grade {made.checks.grade} of A to D by the checks below."), tuple(blocks))


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _checks(made: Any) -> Section:
    rows: list[Row] = []
    for i, item in enumerate(made.checks.items):
        key, how = f"check.{i + 1}", "decimal(3)" if abs(item.published) < 1.5 and not item.hard else "decimal(0)"
        between = (item.low, item.high) if item.low is not None and item.high is not None else None
        rebuilt = None if item.rebuilt is None else number(item.rebuilt, how, name=key, trail=made.trail, interval=between)
        what = f"{item.arm}: {item.item}" if len(made.arms) > 1 else item.item
        rows.append(
            (what, number(item.published, how, name=f"{key}.published", trail=made.trail), rebuilt, "holds" if item.ok else "does not hold")
        )
    columns = ("What", Column("Published", align="right"), Column("Rebuilt (range of versions)", align="right"), "Check")
    blocks: list[Block] = [DataTable("Printed numbers beside the rebuilt ones", columns, tuple(rows), sortable=False)]
    if made.repairs:
        blocks.append(
            Note("information", say(f"{len(made.repairs)} repairs of the readings were made; the JSON of the command lists them."))
        )
    return Section("checks", "Checks", (), tuple(blocks))


def _survival(
    fit_of: Callable[[str, str | None], Any], patients: Any, arm: str, models: tuple[str, ...], times: tuple[float, ...]
) -> Section:
    several = len(patients.arms) > 1
    stem = slug(arm or "all")
    km = fit_of("kaplan-meier", arm if several else None)
    curves = [curve_of(km, "Kaplan-Meier")]
    end = curves[0].time[-1]
    grid = np.linspace(0.0, max(end, times[-1]), 121)
    blocks: list[Block] = []
    rows: list[Row] = []
    cures: list[Row] = []
    notes: list[Block] = []
    fits = []
    for model in models[:3]:
        try:
            fits.append((model, fit_of(model, arm if several else None)))
        except NextarmError as error:
            notes.append(Note("caution", say(f"{model}: {error}")))
    if len(models) > 3:
        notes.append(Note("information", say("Three models are drawn beside the curve; the others wait.")))
    for model, fit in fits:
        found = fit.survival(grid[1:])
        curves.append(Curve(model.replace(":", ", "), "model", _tuple(grid), (1.0, *_tuple(found.estimate)), steps=False, trail=fit.trail))
        notes += [Note("caution", say(f"{model}: {text}")) for text in fit.warnings]
        aic = number(fit.aic, "decimal(1)", name=f"{stem}.{slug(model)}.aic", trail=fit.trail)
        at = [
            number(float(s), "percent(1)", name=f"{stem}.{slug(model)}.{t:g}", trail=fit.trail, interval=(_finite(low), _finite(high)))
            for t, s, low, high in _read(fit.survival(np.array(times)), times)
        ]
        rows.append((model.replace(":", ", "), *at, aic))
        for cured in fit.cure_fractions:
            limits = cured.profile or cured.wald
            value = number(cured.estimate, "percent(1)", name=f"{stem}.{slug(model)}.cured", trail=fit.trail, interval=limits)
            enough = all(f.sufficient for f in fit.follow_up)
            cures.append(
                (model.replace(":", ", "), value, "long enough by every view" if enough else "NOT long enough: the plateau is a guess")
            )
    chart = survival_curves(
        curves, id=f"survival-{stem}" if several else "survival", title=f"Survival{f', {arm}' if several else ''}", trail=km.trail
    )
    blocks.append(chart)
    own = [
        number(None if v is None else v, "percent(1)", name=f"{stem}.km.{t:g}", trail=km.trail, interval=None if v is None else (low, high))
        for t, v, low, high in _km_at(km, times)
    ]
    table: list[Row] = [("Kaplan-Meier", *own, None), *rows]
    years = [Column(f"{t:g} years", align="right") for t in times]
    columns: tuple[Column | str, ...] = ("Model", *years, Column("AIC", align="right"))
    blocks.append(DataTable("Survival at chosen years (95 % interval)", columns, tuple(table), sortable=False))
    if cures:
        blocks.append(
            DataTable("Cure fraction", ("Model", Column("Cured", align="right"), "Follow-up"), tuple(cures), sortable=False, narrow="stack")
        )
    if not fits:
        blocks.append(paragraph("Choose models above to see them beside the curve, with the cure fraction."))
    title = f"Survival of {arm}" if several else "Survival"
    return Section(f"fit-{stem}", title, (), (*blocks, *notes))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _read(found: Any, times: tuple[float, ...]) -> list[tuple[float, float, float, float]]:
    return list(zip(times, found.estimate.tolist(), found.low.tolist(), found.high.tolist(), strict=True))


def _km_at(km: Any, times: tuple[float, ...]) -> list[tuple[float, float | None, float | None, float | None]]:
    """The Kaplan-Meier value and limits at each time; None after the end of follow-up."""
    made: list[tuple[float, float | None, float | None, float | None]] = []
    for t in times:
        before = np.flatnonzero(km.time <= t + 1e-12)
        if t > float(km.time[-1]) + 1e-9:
            made.append((t, None, None, None))
        elif before.size == 0:
            made.append((t, 1.0, None, None))
        else:
            i = int(before[-1])
            made.append((t, float(km.survival[i]), _finite(km.ci_low[i]), _finite(km.ci_high[i])))
    return made


def add(ask: Ask, sent: Query) -> str:
    """Save a curve in the study, once patients could be rebuilt from it."""
    name, unit = sent.text("name"), sent.choice("unit", UNITS, "months")
    if not name or "." in name:
        raise CallError(f"name = {name[:40]!r}", rule="must be small letters, digits and hyphens")
    curve, risk = (
        _table(sent.text("curve_csv"), "survival", percent=sent.text("percent") == "yes"),
        _table(sent.text("risk_csv"), "at_risk"),
    )
    if not curve:
        raise DataError("the curve", rule="is empty", cure="Paste rows of time and survival")
    ask.study.path("curves", name + CURVE)
    _rebuilt(curve, risk, "", unit, None)
    texts: dict[tuple[str, ...], str] = {("curves", name + CURVE): curve}
    if risk:
        texts[("curves", name + RISK)] = risk
    ask.study.write(texts)
    ask.study.path("curves", name + TICKS).unlink(missing_ok=True)  # marks of an earlier curve of this name
    return address(ask.at("patients"), {"curve": name, "unit": unit, "model": "mixture-cure:weibull"})


def _table(text: str, second: str, *, percent: bool = False) -> str:
    """What was pasted as CSV with a header: tabs, semicolons and blanks between columns are taken too."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    mark = next((m for m in ("\t", ";", ",") if m in lines[0]), None)
    rows = [[c.strip().strip('"') for c in (line.split(mark) if mark else line.split())] for line in lines]
    head = [c.lower() for c in rows[0]]
    if "time" in head and second in head:
        rows = rows[1:]
    else:
        head = ["time", second, "arm"][: len(rows[0])]
    if any(len(row) != len(head) for row in rows):
        line = next(i for i, row in enumerate(rows) if len(row) != len(head))
        raise DataError(f"row {line + 1} has {len(rows[line])} columns", where=second.replace("_", " "), rule=f"must have {len(head)}")
    for i, row in enumerate(rows):
        for column, cell in zip(head, row, strict=True):
            if column in ("time", second):
                try:
                    float(cell)
                except ValueError:
                    raise DataError(f"row {i + 1}: {cell[:40]!r}", where=f"column {column}", rule="must be a number") from None
    if percent:
        place = head.index(second)
        for row in rows:
            row[place] = repr(float(row[place]) / 100.0)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def state(study: Study) -> str:
    """How many curves there are."""
    count = len(study.files("curves", suffix=CURVE)) if study.folder is not None and (study.folder / "curves").is_dir() else 0
    return f"{count} curve{'s' if count != 1 else ''}" if count else "example"


STEP = Step("patients", "Patients and survival", "Which patients stand behind a published curve?", forms, content, state, {"add": add})
