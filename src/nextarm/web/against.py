"""Borrowing, patients against patients: two groups rebuilt or given, their effects, drift learnt from other cohorts, stated biases."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, NextarmError, RefusedError
from nextarm.report import Note, Section, say
from nextarm.report.evidence_blocks import ORIGINS, facets, opened
from nextarm.web.address import Query, address
from nextarm.web.patients import CURVE, EXAMPLE, UNITS, curves_of, rebuilt, saved, unit_field, unit_of
from nextarm.web.screen import Ask, Content, Field, Form

#: Patients of a person's own, in the folder of curves.
PATIENTS = ".patients.csv"
#: The second example: drawn by hand too, evidence of nothing (months).
OTHER_CURVE = "time,survival\n0,1\n3,0.86\n6,0.75\n9,0.66\n12,0.60\n18,0.50\n24,0.46\n30,0.42\n36,0.40\n48,0.40\n"
OTHER_RISK = "time,at_risk\n0,60\n12,33\n24,22\n36,14\n48,8\n"
EXAMPLES = {"example-new": EXAMPLE, "example-earlier": verbs.saved_curve({"curve": OTHER_CURVE, "at_risk": OTHER_RISK})}


#: Years at which the cohorts that drift is learnt from are read, and within how many of them.
DRIFT_AT = (5.0, 1.0)


@dataclass(frozen=True)
class Side:
    """One group as the address names it: the source, the arm of it ("" where it has one), unit, patients, origin, landmark."""

    key: str
    name: str
    arm: str
    unit: str
    n: int | None
    origin: str
    landmark: float | None


def _given(ask: Ask) -> list[str]:
    known = ask.study.folder is not None and (ask.study.folder / "curves").is_dir()
    return ask.study.files("curves", suffix=PATIENTS) if known else []


def sources(ask: Ask) -> tuple[tuple[str, str], ...]:
    """What can be compared: the patients of the study, its curves by arm, two examples drawn by hand."""
    made = [(f"={n}", f"patients {n}") for n in _given(ask)]
    for name in curves_of(ask):
        head, *rows = csv.reader(io.StringIO(saved(ask, name).curve))
        arms = list(dict.fromkeys(r[head.index("arm")] for r in rows if len(r) == len(head))) if "arm" in head else []
        made += [(f"{name}|{a}", f"curve {name}: {a}") for a in arms] if len(arms) > 1 else [(name, f"curve {name}")]
    return (*made, ("example-new", "example: new treatment"), ("example-earlier", "example: earlier patients"))


def fields(ask: Ask) -> tuple[Field, ...]:
    """Both groups, what is compared, where drift is learnt."""
    q, known = ask.query, sources(ask)
    sets = facets(opened(ask.study.package), "outcomes")["pool_set"]
    made: list[Field] = []
    for key, title, default in (("a", "Treated", "example-new"), ("b", "Control", "example-earlier")):
        made += [
            Field(key, title, "select", q.text(key, default), choices=known),
            unit_field(f"{key}_unit", f"{title}: unit of time", q.text(f"{key}_unit")),
            Field(f"{key}_origin", f"{title}: time from", "select", q.text(f"{key}_origin", _origin(q.text(key, default))),
                  choices=tuple((o, o) for o in ORIGINS)),
            Field(f"{key}_landmark", f"{title}: only those event-free at, years", "number", q.text(f"{key}_landmark"),
                  help="Starts their clock there"),
            Field(f"{key}_n", f"{title}: patients, where no table says", "number", q.text(f"{key}_n")),
        ]  # fmt: skip
    return (
        *made,
        Field("outcome", "End point", value=q.text("outcome", "EFS"), help="As the figures or the patients' sources name it"),
        Field("at", "Compare at, years", value=q.text("at", "2"), help="One time or several, such as 2, 3"),
        Field("drift", "Drift of controls learnt from", "select", q.text("drift"), choices=(("", "not used"), *((s, s) for s in sets))),
        Field("cure", "Cure fractions too (a second longer)", "check", q.text("cure")),
        Field("assume_origin", "Take unstated origins of time to be the same", "check", q.text("assume_origin")),
    )


def form(ask: Ask) -> Form:
    """Patients of a person's own, to be compared."""
    q = ask.query
    return Form(
        "new-patients",
        "Add patients",
        (
            Field("name", "Name", value=q.text("name"), required=True, help="Small letters, digits and hyphens"),
            Field("patients_csv", "Patients: time,event[,arm]", "area", q.text("patients_csv"), required=True, upload=True,
                  help="One row a patient; event is 1 or 0. Paste from a spreadsheet, or choose a CSV file."),
        ),
        "Save the patients",
        action=ask.at("borrowing") + "/patients",
        note="Saved in the folder curves of your study; nothing leaves this machine.",
        folded=not q.has("patients_csv"),
    )  # fmt: skip


def add(ask: Ask, sent: Query) -> str:
    """Save patients in the study, once they could be read as such."""
    name = sent.text("name")
    if not name or "." in name:
        raise CallError(f"name = {name[:40]!r}", rule="must be small letters, digits and hyphens")
    ask.study.path("curves", name + PATIENTS)
    text = "\n".join(",".join(c.strip() for c in line.replace("\t", ",").replace(";", ",").split(",")) for line in _lines(sent)) + "\n"
    verbs.fit(_frame(text), arm=_first_arm(text))
    ask.study.write({("curves", name + PATIENTS): text})
    return address(ask.at("borrowing"), {"view": "patients", "a": f"={name}", "a_unit": "years"})


def _lines(sent: Query) -> list[str]:
    found = [line for line in sent.text("patients_csv").splitlines() if line.strip()]
    if not found:
        raise DataError("the patients", rule="are empty", cure="Paste rows of time and event")
    return found


def _first_arm(text: str) -> str | None:
    head, *rows = csv.reader(io.StringIO(text))
    return rows[0][head.index("arm")] if rows and "arm" in head and len(rows[0]) == len(head) else None


def _frame(text: str) -> Any:
    import polars as pl

    try:
        return pl.read_csv(io.StringIO(text), infer_schema_length=None)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise DataError("the patients", rule=f"cannot be read as CSV ({str(error).splitlines()[0][:120]})") from None


def _origin(source: str) -> str:
    """From where time counts unless it is said: the examples were drawn from diagnosis, of others nothing is known."""
    return "diagnosis" if source in EXAMPLES else "not-stated"


def _side(ask: Ask, key: str, default: str) -> Side:
    q = ask.query
    value = q.choice(key, [s for s, _ in sources(ask)], default)
    name, _, arm = value.partition("|")
    return Side(
        key, name, arm, q.choice(f"{key}_unit", UNITS, unit_of(ask, name)), q.whole(f"{key}_n", 0, low=0, high=100_000) or None,
        q.choice(f"{key}_origin", ORIGINS, _origin(value)),
        q.number(f"{key}_landmark", low=0.001, high=50.0),
    )  # fmt: skip


@lru_cache(maxsize=32)
def _table(source: Any, unit: str, n: int | None, origin: str) -> tuple[Any, Any]:
    """Patients and all their plausible versions (the same where they were given, as a CSV text)."""
    if isinstance(source, str):
        given = verbs.read_patients(_frame(source), unit=unit, time_origin=origin)
        return given, given
    made = rebuilt(source, unit, n)
    return made.patients, made.versions


def _source(ask: Ask, side: Side) -> Any:
    """A saved curve, or the text of patients that were given."""
    if side.name in EXAMPLES:
        return EXAMPLES[side.name]
    return ask.study.read("curves", side.name[1:] + PATIENTS) if side.name.startswith("=") else saved(ask, side.name)


def _tones(groups: tuple[Any, Any], sides: tuple[Side, Side]) -> tuple[int | None, int | None]:
    """The colours of both groups as their figures print them, where these tell them apart."""
    one, two = (None if isinstance(g, str) else verbs.arm_tones(g).get(s.arm) for g, s in zip(groups, sides, strict=True))
    return (None, None) if one == two else (one, two)


@lru_cache(maxsize=64)
def _compared(groups: tuple[Any, Any], sides: tuple[Side, Side], **how: Any) -> Any:
    (_, one), (_, two) = (_table(t, s.unit, s.n, s.origin) for t, s in zip(groups, sides, strict=True))
    a, b = sides
    return verbs.compare_patients(
        one, two, arm=a.arm or None, control_arm=b.arm or None, treated_origin=a.origin, control_origin=b.origin,
        landmark_treated=a.landmark, landmark_control=b.landmark, **how,
    )  # fmt: skip


@lru_cache(maxsize=32)
def _drift(package: Any, pool_set: str, endpoint: str, assume: bool) -> Any:
    at, within = DRIFT_AT
    return verbs.drift(pool_set, endpoint=endpoint, time=at, window=within, assume_origin=assume, package=package)


def against(ask: Ask) -> Content:
    """Both curves, every effect, and the milestones under stated biases."""
    q, package = ask.query, opened(ask.study.package)
    sides = (_side(ask, "a", "example-new"), _side(ask, "b", "example-earlier"))
    a, b = sides
    if (a.name, a.arm) == (b.name, b.arm):
        raise CallError("treated and control are the same", rule="a group is compared with another", cure="Choose two")
    try:
        times = tuple(sorted({float(t) for t in q.text("at", "2").replace(";", ",").split(",") if t.strip()}))
    except ValueError:
        raise CallError(f"at = {q.text('at')[:60]!r}", rule="must be years such as 2, 3") from None
    if not 1 <= len(times) <= 4 or not all(0.0 < t <= 50.0 for t in times):
        raise CallError(f"at = {q.text('at')[:60]!r}", rule="must be 1 to 4 years from 0 to 50")
    endpoint, cure, assume = q.text("outcome", "EFS")[:40], q.text("cure") == "yes", q.text("assume_origin") == "yes"
    groups = (_source(ask, a), _source(ask, b))
    how: dict[str, Any] = {"milestones": times, "endpoint": endpoint, "assume_origin": assume}
    try:
        found = _compared(groups, sides, cure_model="mixture-cure:weibull" if cure else None, **how)
    except RefusedError as refusal:
        note = Note("caution", say(str(refusal)))
        sections: tuple[Section, ...] = (Section("patients", "Patients against patients", say("These two cannot be compared."), (note,)),)
    else:
        from nextarm.report.compared import patient_sections

        learnt, words = None, ""
        if pool_set := q.text("drift"):
            try:
                learnt = _drift(package, pool_set, endpoint, assume)
                at, within = DRIFT_AT
                assumed = "; ".join(learnt.trail.assumptions)
                words = f"Drift is learnt from the {learnt.k} cohorts of {pool_set} at {at:g} years within {within:g}: {assumed}."
            except NextarmError as refusal:
                words = f"No drift can be learnt from {pool_set}: {refusal}"
        arrays = [verbs.sensitivity(m, drift=learnt) for m in found.milestones if m.log_ratio is not None]
        names = ("Treated", "Control")
        curves = [
            (
                f"{title}: {s.name.lstrip('=')}{f', {s.arm}' if s.arm else ''}",
                verbs.fit(_table(t, s.unit, s.n, s.origin)[0], arm=s.arm or None),
            )
            for title, t, s in zip(names, groups, sides, strict=True)
        ]
        drawn = [s for s in sides if s.name in EXAMPLES]
        note = Note("information", say("The examples were drawn by hand: they show the method and are evidence of nothing."))
        sections = patient_sections(
            found, curves, arrays, drift=words, notes=(note,) if drawn else (), tones=_tones(groups, sides), one_curve=a.name == b.name
        )
    return Content(sections, python=_python(sides, times, endpoint, cure, assume), command=_command(sides, times, endpoint, assume))


def _python(sides: tuple[Side, Side], times: tuple[float, ...], endpoint: str, cure: bool, assume: bool) -> str:
    a, b = sides
    also = "".join(
        f", {name}={value!r}"
        for name, value in (
            ("arm", a.arm), ("control_arm", b.arm), ("landmark_treated", a.landmark), ("landmark_control", b.landmark),
            ("assume_origin", assume),
        )
        if value
    )  # fmt: skip
    model = "" if cure else ", cure_model=None"
    return (
        f"import nextarm\nfound = nextarm.compare_patients({_file(a)!r}, {_file(b)!r}, milestones={times!r}, endpoint={endpoint!r}, "
        f"unit={a.unit!r}, treated_origin={a.origin!r}, control_origin={b.origin!r}{also}{model})\n"
        "nextarm.sensitivity(found.milestones[0])"
    )


def _command(sides: tuple[Side, Side], times: tuple[float, ...], endpoint: str, assume: bool) -> str:
    a, b = sides
    made = [
        f"nextarm reconstruct curves/{s.name}{CURVE} --unit {s.unit} --seed 1 --out {_file(s)}"
        for s in sides
        if not s.name.startswith("=") and s.name not in EXAMPLES
    ]
    flags = "".join(f" --{name} {value}" for name, value in (("arm", a.arm), ("control", b.arm)) if value)
    flags += "".join(
        f" --{name} {value:g}" for name, value in (("landmark-treated", a.landmark), ("landmark-control", b.landmark)) if value is not None
    )
    made.append(
        f"nextarm compare {_file(a)} {_file(b)} --milestones {','.join(f'{t:g}' for t in times)} --endpoint {endpoint} --unit {a.unit} "
        f"--treated-origin {a.origin} --control-origin {b.origin}{flags}{' --assume-origin' if assume else ''}"
    )
    return "\n".join(made)


def _file(side: Side) -> str:
    return f"curves/{side.name[1:]}{PATIENTS}" if side.name.startswith("=") else f"{side.name}.csv"
