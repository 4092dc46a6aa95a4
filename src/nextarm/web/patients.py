"""Patients and survival: a curve becomes patients, with checks; models, cure fraction, landmarks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, NextarmError
from nextarm.report import Note, Section, say
from nextarm.report.document import Block
from nextarm.report.rebuilt import FitOf, checks_section, hazard_section, rebuilt_section, steps_until, survival_section
from nextarm.web.address import Query, address, quoted
from nextarm.web.home import Study
from nextarm.web.screen import Ask, Content, Field, Form, Step

BANDS = (("limits", "95 % interval"), ("versions", "range of the versions"), ("none", "none"))
UNITS = ("years", "months", "weeks", "days")
BASES = ("exponential", "weibull", "log-normal", "log-logistic", "gamma", "gompertz")
#: The model that is on until somebody chooses.
USUAL = "mixture-cure:weibull"
MODELS = (*BASES, *(f"mixture-cure:{base}" for base in BASES))
#: The example: drawn by hand, not a published curve (months).
EXAMPLE_CURVE = "time,survival\n0,1\n3,0.96\n6,0.90\n9,0.85\n12,0.80\n18,0.74\n24,0.70\n30,0.67\n36,0.65\n42,0.65\n48,0.65\n"
EXAMPLE_RISK = "time,at_risk\n0,40\n12,31\n24,25\n36,18\n48,9\n"
CURVE, RISK, TICKS, GIVEN, ABOUT = ".curve.csv", ".at-risk.csv", ".ticks.csv", ".given.csv", ".about.json"


def curves_of(ask: Ask) -> list[str]:
    """The curves saved in the study."""
    return ask.study.files("curves", suffix=CURVE) if ask.study.folder is not None and (ask.study.folder / "curves").is_dir() else []


def forms(ask: Ask) -> tuple[Form, ...]:
    """Which curve and models; a new curve."""
    q = ask.query
    names = curves_of(ask)
    ask_fields = (
        Field("curve", "Curve", "select", q.text("curve"), choices=(("", "the example"), *((n, n) for n in names))),
        Field("unit", "Unit of its times", "select", q.text("unit") or unit_of(ask, q.text("curve")), choices=tuple((u, u) for u in UNITS)),
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


def texts_of(ask: Ask, name: str) -> tuple[str, str, str, str]:
    """A saved curve, its table, its marks and what was printed of its arms, as CSV, "" where there is none; without a name the example."""
    if not name:
        return EXAMPLE_CURVE, EXAMPLE_RISK, "", ""
    if name not in curves_of(ask):
        raise DataError(f"there is no curve {name[:60]!r} in the study")
    risk, ticks, given = (
        ask.study.read("curves", name + end) if name in ask.study.files("curves", suffix=end) else "" for end in (RISK, TICKS, GIVEN)
    )
    return ask.study.read("curves", name + CURVE), risk, ticks, given


def _printed(given: str, *, several: bool) -> dict[str, Any]:
    """Printed patients and events, by arm where there are several."""
    found: dict[str, Any] = {}
    for row in csv.DictReader(io.StringIO(given)):
        for what in ("n", "events"):
            if row.get(what):
                found.setdefault(what, {})[row["arm"]] = int(row[what])
    return found if several else {what: next(iter(values.values())) for what, values in found.items()}


@lru_cache(maxsize=32)
def rebuilt(curve: str, risk: str, ticks: str, given: str, unit: str, n: int | None) -> Any:
    """Patients of a curve given as CSV texts, kept."""
    import polars as pl

    def frame(text: str) -> Any:
        return pl.read_csv(io.StringIO(text), infer_schema_length=None)

    options: dict[str, Any] = {"unit": unit, "seed": 1}
    if risk.strip():
        options["at_risk"] = frame(risk)
    if ticks.strip():
        options["ticks"] = frame(ticks)
    options |= _printed(given, several="arm" in frame(curve).columns)
    if n:
        options["n"] = n
    return verbs.reconstruct(frame(curve), **options)


@lru_cache(maxsize=128)
def _fitted(curve: str, risk: str, ticks: str, given: str, unit: str, n: int | None, model: str, arm: str | None) -> Any:
    """A model of rebuilt patients, kept; what was refused is not."""
    return verbs.fit(rebuilt(curve, risk, ticks, given, unit, n).patients, model=model, arm=arm)


@lru_cache(maxsize=64)
def _versions(curve: str, risk: str, ticks: str, given: str, unit: str, n: int | None, arm: str | None) -> tuple[Any, ...]:
    """Kaplan-Meier of every plausible version, kept."""
    found = rebuilt(curve, risk, ticks, given, unit, n).versions
    return tuple(verbs.fit(found, model="kaplan-meier", arm=arm, version=k) for k in found.versions)


@lru_cache(maxsize=64)
def _pieces(curve: str, risk: str, ticks: str, given: str, unit: str, n: int | None, arm: str | None, cuts: tuple[float, ...]) -> Any:
    return verbs.fit(rebuilt(curve, risk, ticks, given, unit, n).patients, model="piecewise-exponential", arm=arm, cuts=cuts)


def content(ask: Ask) -> Content:
    """Published against rebuilt, checks, Kaplan-Meier with models, cure fraction, survival at chosen years."""
    q = ask.query
    name = q.text("curve")
    unit = q.choice("unit", UNITS, unit_of(ask, name))
    if odd := [m for m in q.many("model") if m not in MODELS]:
        raise CallError(f"model = {odd[0][:60]!r}", rule=f"must be one of {', '.join(MODELS)}")
    models = q.many("model") or (() if q.pairs else (USUAL,))
    times = _times(q.text("at", "1, 2, 3"))
    curve, risk, ticks, given = texts_of(ask, name)
    n = q.whole("n", 0, low=0, high=100_000) or None
    made = rebuilt(curve, risk, ticks, given, unit, n)
    notes: list[Block] = []
    if not name:
        words = "The example was drawn by hand: it shows the method and is evidence of nothing."
        notes.append(
            Note(
                "information",
                say(words, "" if ask.study.folder is not None else " To rebuild a curve of your own, make a study on the first page."),
            )
        )
    asked = (curve, risk, ticks, given, unit, n)
    fit_of, band = partial(_fitted, *asked), q.choice("band", [b for b, _ in BANDS], "limits")
    sections = [rebuilt_section(made, notes=notes), checks_section(made)]
    for arm, told in zip(made.patients.arms, made.arms, strict=True):
        own = arm if len(made.patients.arms) > 1 else None
        versions = _versions(*asked, own)
        options = {"times": times, "versions": versions, "band": band, "convention": told.at_risk_convention}
        sections.append(survival_section(fit_of, made.patients, arm, models=models, **options))
        sections.append(_hazard(made.patients, arm, own, partial(_pieces, *asked, own), fit_of, models))
    file = f"curves/{name}{CURVE}" if name else "curve.csv"
    also = f", at_risk={file.replace(CURVE, RISK) if name else 'at_risk.csv'!r}" if risk else ""
    flag = f" --at-risk {file.replace(CURVE, RISK) if name else 'at_risk.csv'}" if risk else ""
    if ticks:
        also += f", ticks={file.replace(CURVE, TICKS)!r}"
        flag += f" --ticks {file.replace(CURVE, TICKS)}"
    printed = _printed(given, several=len(made.patients.arms) > 1) | ({"n": n} if n else {})
    also += "".join(f", {what}={value!r}" for what, value in printed.items())
    for what, value in printed.items():
        by_arm = [f"{arm}={v}" for arm, v in value.items()] if isinstance(value, dict) else [str(value)]
        flag += "".join(f" --{what} {quoted(text)}" for text in by_arm)
    first = models[0] if models else "kaplan-meier"
    return Content(
        tuple(sections),
        python=f"import nextarm\nrebuilt = nextarm.reconstruct({file!r}{also}, "
        f"unit={unit!r}, seed=1)\nnextarm.fit(rebuilt.patients, model={first!r})",
        command=f"nextarm reconstruct {file}{flag} --unit {unit} --seed 1 --out "
        f"patients.csv\nnextarm fit patients.csv --unit {unit} --model {first}",
        csv=_patients_csv(made.patients),
        keep=bool(name),
    )


def _hazard(patients: Any, arm: str, own: str | None, pieces: Callable[..., Any], fit_of: FitOf, models: tuple[str, ...]) -> Section:
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
    return hazard_section(seen, fits, arm, end=end, several=own is not None)


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
    rebuilt(curve, risk, "", "", unit, n)
    texts: dict[tuple[str, ...], str] = {("curves", name + CURVE): curve}
    texts[("curves", name + ABOUT)] = json.dumps({"unit": unit}) + "\n"
    if risk:
        texts[("curves", name + RISK)] = risk
    ask.study.write(texts)
    if not risk:
        ask.study.path("curves", name + RISK).unlink(missing_ok=True)  # a table of an earlier curve of this name
    for end in (TICKS, GIVEN):  # marks and printed numbers of an earlier curve of this name
        ask.study.path("curves", name + end).unlink(missing_ok=True)
    return address(ask.at("patients"), {"curve": name, "unit": unit, "n": n, "model": USUAL})


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
