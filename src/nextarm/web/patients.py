"""Patients and survival: a curve becomes patients, with checks; models, cure fraction, landmarks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.report import Note, Section, paragraph, say
from nextarm.report.document import Block
from nextarm.report.rebuilt import FitOf, checks_section, hazard_section, rebuilt_section, steps_until, survival_section
from nextarm.web.address import Query, address
from nextarm.web.figure.store import figure_of
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Field, Form, Place, Step

BANDS = (("limits", "95 % interval"), ("versions", "range of the versions"), ("none", "none"))
UNITS = ("years", "months", "weeks", "days")
BASES = ("exponential", "weibull", "log-normal", "log-logistic", "gamma", "gompertz")
#: The model that is on until somebody chooses.
USUAL = "mixture-cure:weibull"
MODELS = (*BASES, *(f"mixture-cure:{base}" for base in BASES))
#: The example: drawn by hand, not a published curve (months).
EXAMPLE_CURVE = "time,survival\n0,1\n3,0.96\n6,0.90\n9,0.85\n12,0.80\n18,0.74\n24,0.70\n30,0.67\n36,0.65\n42,0.65\n48,0.65\n"
EXAMPLE_RISK = "time,at_risk\n0,40\n12,31\n24,25\n36,18\n48,9\n"
EXAMPLE = verbs.saved_curve({"curve": EXAMPLE_CURVE, "at_risk": EXAMPLE_RISK})
#: The files of a saved curve: what follows its name in the folder of curves.
CURVE, RISK, TICKS, GIVEN, ABOUT = ".curve.csv", ".at-risk.csv", ".ticks.csv", ".given.csv", ".about.json"
ENDINGS = {"curve": CURVE, "at_risk": RISK, "ticks": TICKS, "given": GIVEN, "about": ABOUT}


def curves_of(ask: Ask) -> list[str]:
    """The curves saved in the study."""
    return ask.study.files("curves", suffix=CURVE) if ask.study.folder is not None and (ask.study.folder / "curves").is_dir() else []


def chosen(ask: Ask) -> str:
    """The curve that is asked for; where none is named the one saved last, and "" for the example."""
    if ask.query.has("curve"):
        return ask.query.text("curve")
    return max(curves_of(ask), key=lambda name: (ask.study.path("curves", name + CURVE).stat().st_mtime_ns, name), default="")


def unit_field(name: str, label: str, value: str) -> Field:
    """A unit of time; unless one is chosen that with which the curve was saved."""
    return Field(name, label, "select", value, choices=(("", "as saved"), *((u, u) for u in UNITS)))


def forms(ask: Ask) -> tuple[Form, ...]:
    """Which curve and models; a new curve."""
    q = ask.query
    names = curves_of(ask)
    ask_fields = (
        Field("curve", "Curve", "select", chosen(ask), choices=(("", "the example"), *((n, n) for n in names))),
        unit_field("unit", "Unit of its times", q.text("unit")),
        Field("n", "Patients, where no table says", "number", q.text("n")),
        Field("band", "Band of the curve", "select", q.text("band", "limits"), choices=BANDS),
        Field("at", "Read survival at, years", value=q.text("at", "1, 2, 3")),
        Field(
            "model",
            "Models beside the curve",
            "many",
            values=q.many("model") or (() if q.pairs else (USUAL,)),
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
        Field("n", "Patients, where no table says", "number", q.text("n")),
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


def unit_of(ask: Ask, name: str) -> str:
    """The unit of a saved curve's times as it was given when the curve was saved; months where that is not known."""
    try:
        said = json.loads(ask.study.read("curves", name + ABOUT)) if name and name in ask.study.files("curves", suffix=ABOUT) else {}
    except (DataError, ValueError):
        said = {}
    unit = said.get("unit") if isinstance(said, dict) else None
    return unit if unit in UNITS else "months"


def saved(ask: Ask, name: str) -> Any:
    """A saved curve with all that is kept beside it, as :func:`verbs.reconstruct` takes it; without a name the example."""
    if not name:
        return EXAMPLE
    if name not in curves_of(ask):
        raise DataError(f"there is no curve {name[:60]!r} in the study")
    texts = {part: ask.study.read("curves", name + end) for part, end in ENDINGS.items() if name in ask.study.files("curves", suffix=end)}
    return verbs.saved_curve(texts, files=tuple(f"curves/{name}{end}" for part, end in ENDINGS.items() if part in texts))


def rebuilt(curve: Any, unit: str, n: int | None) -> Any:
    """Patients of a saved curve, kept; what they rest on is loaded once they are asked for."""
    from nextarm.report.against import rebuilt as run

    return run(curve, unit, n)


@lru_cache(maxsize=128)
def _fitted(curve: Any, unit: str, n: int | None, model: str, arm: str | None) -> Any:
    """A model of rebuilt patients, kept; what was refused is not."""
    return verbs.fit(rebuilt(curve, unit, n).patients, model=model, arm=arm)


@lru_cache(maxsize=64)
def _versions(curve: Any, unit: str, n: int | None, arm: str | None) -> tuple[Any, ...]:
    """Kaplan-Meier of every plausible version, kept."""
    found = rebuilt(curve, unit, n).versions
    return tuple(verbs.fit(found, model="kaplan-meier", arm=arm, version=k) for k in found.versions)


@lru_cache(maxsize=64)
def _pieces(curve: Any, unit: str, n: int | None, arm: str | None, cuts: tuple[float, ...]) -> Any:
    return verbs.fit(rebuilt(curve, unit, n).patients, model="piecewise-exponential", arm=arm, cuts=cuts)


def content(ask: Ask) -> Content:
    """Published against rebuilt, checks, Kaplan-Meier with models, cure fraction, survival at chosen years."""
    q = ask.query
    name = chosen(ask)
    unit = q.choice("unit", UNITS, unit_of(ask, name))
    if odd := [m for m in q.many("model") if m not in MODELS]:
        raise CallError(f"model = {odd[0][:60]!r}", rule=f"must be one of {', '.join(MODELS)}")
    models = q.many("model") or (() if q.pairs else (USUAL,))
    times = _times(q.text("at", "1, 2, 3"))
    n = q.whole("n", 0, low=0, high=100_000) or None
    asked = (saved(ask, name), unit, n)
    same = _same(name, unit, n, models[0] if models else "kaplan-meier")
    try:
        made = rebuilt(*asked)
    except RefusedError as refusal:
        if not name:
            raise
        return replace(_refused(ask, name, refusal), **same)
    notes: list[Block] = []
    if not name:
        words = "The example was drawn by hand: it shows the method and is evidence of nothing."
        notes.append(
            Note(
                "information",
                say(words, "" if ask.study.folder is not None else " To rebuild a curve of your own, make a study on the first page."),
            )
        )
    fit_of, band = partial(_fitted, *asked), q.choice("band", [b for b, _ in BANDS], "limits")
    tones = verbs.arm_tones(asked[0])
    sections = [rebuilt_section(made, notes=notes, tones=tones, grade=verbs.reading_grade(asked[0])), checks_section(made)]
    for arm, told in zip(made.patients.arms, made.arms, strict=True):
        own = arm if len(made.patients.arms) > 1 else None
        versions = _versions(*asked, own)
        options: dict[str, Any] = {
            "times": times,
            "versions": versions,
            "band": band,
            "convention": told.at_risk_convention,
            "tone": tones.get(arm),
        }
        sections.append(survival_section(fit_of, made.patients, arm, models=models, **options))
        sections.append(_hazard(made.patients, arm, own, partial(_pieces, *asked, own), fit_of, models, tones.get(arm)))
    return Content(tuple(sections), csv=_patients_csv(made.patients), keep=bool(name), **same)


def _same(name: str, unit: str, n: int | None, model: str) -> dict[str, Any]:
    """The same in Python and on the command line; a saved curve brings the files beside it."""
    file = f"curves/{name}{CURVE}" if name else "curve.csv"
    also, flag = ("", "") if name else (", at_risk='at_risk.csv'", " --at-risk at_risk.csv")
    also, flag = (f"{also}, n={n}", f"{flag} --n {n}") if n else (also, flag)
    python = f"import nextarm\nrebuilt = nextarm.reconstruct({file!r}{also}, unit={unit!r}, seed=1)"
    if name:
        python += "  # with the files saved beside it"
    return {
        "python": f"{python}\nnextarm.fit(rebuilt.patients, model={model!r})",
        "command": f"nextarm reconstruct {file}{flag} --unit {unit} --seed 1 --out "
        f"patients.csv\nnextarm fit patients.csv --unit {unit} --model {model}",
    }


def _refused(ask: Ask, name: str, refusal: RefusedError) -> Content:
    """Why a saved curve gives no patients, and what can be done; a curve from before its figure's precision was kept is saved anew."""
    notes: list[Block] = [Note("caution", say(str(problem))) for problem in refusal.problems]
    figure = figure_of(ask.study.folder, name) if ask.study.folder is not None else None
    places: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    if figure is None:
        notes.append(paragraph("Correct the points, the table or the printed numbers, and save the curve again under the same name."))
    else:
        if "read_from" not in saved(ask, name).about:
            notes.append(paragraph("The curve was saved before the precision of a reading was kept beside it."))
        way = Place(figure, "Rebuild its patients on the Figure screen: that saves the curve anew.", f"{ask.at('figure')}/{figure}")
        places = (("The figure of this curve", (way,)),)
    lead = say("The points, marks and numbers saved for this curve contradict each other.")
    return Content((Section("rebuilt", "Curve to patients", lead, tuple(notes)),), places=places)


def _hazard(
    patients: Any, arm: str, own: str | None, pieces: Callable[..., Any], fit_of: FitOf, models: tuple[str, ...], tone: int | None
) -> Section:
    """The hazard of an arm; what cannot be fitted stands in the section of survival with its reason."""
    end = max(t for t, a in zip(patients.time.tolist(), patients.arm.tolist(), strict=True) if patients.arms[a] == arm)
    fits = []
    for model in models[:3]:
        with suppress(NextarmError):
            fits.append((model, fit_of(model, own)))
    try:
        seen = pieces(steps_until(end))
    except NextarmError as error:
        return Section("hazard", "Hazard", say("There is no hazard to show."), (Note("caution", say(str(error))),))
    return hazard_section(seen, fits, arm, end=end, several=own is not None, tone=tone)


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
    n = sent.whole("n", 0, low=0, high=100_000) or None
    rebuilt(verbs.saved_curve({"curve": curve, "at_risk": risk}), unit, n)
    texts: dict[tuple[str, ...], str] = {("curves", name + CURVE): curve}
    texts[("curves", name + ABOUT)] = json.dumps({"unit": unit}) + "\n"
    if risk:
        texts[("curves", name + RISK)] = risk
    ask.study.write(texts)
    if not risk:
        ask.study.path("curves", name + RISK).unlink(missing_ok=True)  # a table of an earlier curve of this name
    for end in (TICKS, GIVEN):  # marks and printed numbers of an earlier curve of this name
        ask.study.path("curves", name + end).unlink(missing_ok=True)
    return address(ask.at("patients"), {"curve": name, "n": n, "model": USUAL})


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
        if {"time", second} & set(head):
            missing = second if "time" in head else "time"
            raise DataError(f"column {missing} is missing", rule=f"the first row names the columns time and {second}",
                            cure="Name it there, or paste numbers only")  # fmt: skip
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
