"""Borrowing, patients against patients: two groups rebuilt or given, their effects, drift learnt from other cohorts, stated biases."""

from __future__ import annotations

import csv
import io
import shlex
from typing import TYPE_CHECKING

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.report import Note, Section, say
from nextarm.report.evidence_blocks import ORIGINS, facets, opened
from nextarm.web.address import Query, address
from nextarm.web.patients import CURVE, EXAMPLE, UNITS, curves_of, saved, unit_field, unit_of
from nextarm.web.screen import Ask, Content, Field, Form

if TYPE_CHECKING:
    from nextarm.report.against import Group, GroupsQuestion, Source

#: Patients of a person's own, in the folder of curves.
PATIENTS = ".patients.csv"
#: The second example: drawn by hand too, evidence of nothing (months).
OTHER_CURVE = "time,survival\n0,1\n3,0.86\n6,0.75\n9,0.66\n12,0.60\n18,0.50\n24,0.46\n30,0.42\n36,0.40\n48,0.40\n"
OTHER_RISK = "time,at_risk\n0,60\n12,33\n24,22\n36,14\n48,8\n"
EXAMPLES = {"example-new": EXAMPLE, "example-earlier": verbs.saved_curve({"curve": OTHER_CURVE, "at_risk": OTHER_RISK})}


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
        Field("adjust", "Weight the control on covariates of both", value=q.text("adjust"),
              help="Columns of both files of patients, such as age, wbc"),
        Field("cure", "Cure fractions too (a second longer)", "check", q.text("cure")),
        Field("assume_origin", "Take unstated origins of time to be the same", "check", q.text("assume_origin")),
    )  # fmt: skip


def form(ask: Ask) -> Form:
    """Patients of a person's own, to be compared."""
    q = ask.query
    return Form(
        "new-patients",
        "Add patients",
        (
            Field("name", "Name", value=q.text("name"), required=True, help="Small letters, digits and hyphens"),
            Field("patients_csv", "Patients: time,event[,arm][,covariates]", "area", q.text("patients_csv"), required=True, upload=True,
                  help="One row a patient; event is 1 or 0. Paste from a spreadsheet, or choose a CSV file."),
        ),
        "Save the patients",
        action=ask.at("borrowing") + "/patients",
        note="Saved in the folder curves of your study; nothing leaves this machine.",
        folded=not q.has("patients_csv"),
    )  # fmt: skip


def add(ask: Ask, sent: Query) -> str:
    """Save patients in the study, once they could be read as such."""
    from nextarm.report.against import patients_frame

    name = sent.text("name")
    if not name or "." in name:
        raise CallError(f"name = {name[:40]!r}", rule="must be small letters, digits and hyphens")
    ask.study.path("curves", name + PATIENTS)
    text = "\n".join(",".join(c.strip() for c in line.replace("\t", ",").replace(";", ",").split(",")) for line in _lines(sent)) + "\n"
    verbs.fit(patients_frame(text), arm=_first_arm(text))
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


def _origin(source: str) -> str:
    """From where time counts unless it is said: the examples were drawn from diagnosis, of others nothing is known."""
    return "diagnosis" if source in EXAMPLES else "not-stated"


def _group(ask: Ask, key: str, default: str) -> Group:
    from nextarm.report.against import Group

    q = ask.query
    value = q.choice(key, [s for s, _ in sources(ask)], default)
    name, _, arm = value.partition("|")
    return Group(
        name.removeprefix("="), name.startswith("="), arm, q.choice(f"{key}_unit", UNITS, unit_of(ask, name)),
        q.whole(f"{key}_n", 0, low=0, high=100_000) or None, q.choice(f"{key}_origin", ORIGINS, _origin(value)),
        q.number(f"{key}_landmark", low=0.001, high=50.0),
    )  # fmt: skip


def _source(ask: Ask, group: Group) -> Source:
    """A saved curve, or the text of patients that were given."""
    if group.name in EXAMPLES and not group.given:
        return EXAMPLES[group.name]
    return ask.study.read("curves", group.name + PATIENTS) if group.given else saved(ask, group.name)


def question(ask: Ask) -> GroupsQuestion:
    """The question of the address."""
    from nextarm.report.against import GroupsQuestion

    q = ask.query
    a, b = _group(ask, "a", "example-new"), _group(ask, "b", "example-earlier")
    if (a.name, a.given, a.arm) == (b.name, b.given, b.arm):
        raise CallError("treated and control are the same", rule="a group is compared with another", cure="Choose two")
    try:
        times = tuple(sorted({float(t) for t in q.text("at", "2").replace(";", ",").split(",") if t.strip()}))
    except ValueError:
        raise CallError(f"at = {q.text('at')[:60]!r}", rule="must be years such as 2, 3") from None
    if not 1 <= len(times) <= 4 or not all(0.0 < t <= 50.0 for t in times):
        raise CallError(f"at = {q.text('at')[:60]!r}", rule="must be 1 to 4 years from 0 to 50")
    adjust = tuple(dict.fromkeys(c.strip() for c in q.text("adjust").split(",") if c.strip()))
    return GroupsQuestion(
        a, b, q.text("outcome", "EFS")[:40], times, q.text("drift"), q.text("cure") == "yes", q.text("assume_origin") == "yes", adjust
    )


def kept(ask: Ask) -> dict[str, object]:
    """The question of the address as a record of ``report.toml``; :class:`CallError` for the examples, which lie in no study."""
    asked = question(ask)
    if drawn := [g.name for g in asked.groups if g.name in EXAMPLES and not g.given]:
        raise CallError(drawn[0], rule="is an example drawn by hand, evidence of nothing", cure="Keep curves or patients of the study")
    sides = {
        side: {
            "patients" if g.given else "curve": g.name, "arm": g.arm, "unit": g.unit, "n": g.n, "origin": g.origin, "landmark": g.landmark,
        }
        for side, g in zip(("treated", "control"), asked.groups, strict=True)
    }  # fmt: skip
    return {
        **{side: {key: value for key, value in told.items() if value not in ("", None)} for side, told in sides.items()},
        "endpoint": asked.endpoint, "times": list(asked.times), "drift": asked.drift, "cure": asked.cure,
        "assume_origin": asked.assume_origin, "adjust": list(asked.adjust),
    }  # fmt: skip


def against(ask: Ask) -> Content:
    """Both curves, every effect, and the milestones under stated biases."""
    from nextarm.report.against import answer

    asked = question(ask)
    drawn = any(g.name in EXAMPLES and not g.given for g in asked.groups)
    note = Note("information", say("The examples were drawn by hand: they show the method and are evidence of nothing."))
    one, two = (_source(ask, g) for g in asked.groups)
    try:
        sections = answer(asked, (one, two), package=opened(ask.study.package), notes=(note,) if drawn else ())
    except RefusedError as refusal:
        why = Note("caution", say(str(refusal)))
        sections = (Section("patients", "Patients against patients", say("These two cannot be compared."), (why,)),)
    return Content(sections, python=_python(asked, ask.study.shown), command=_command(asked), keep=not drawn)


def _python(asked: GroupsQuestion, package: str) -> str:
    from nextarm.report.against import DRIFT_AT

    a, b = asked.groups
    lines, names, units = ["import nextarm"], [], ""
    for side, unit, group in (("treated", "unit", a), ("control", "control_unit", b))[: 1 if asked.one_curve else 2]:
        if _is_file(group):
            names.append(repr(_file(group)))
            units += f", {unit}={group.unit!r}"
        else:
            lines.append(f"{side} = nextarm.reconstruct({_curve(group)!r}, unit={group.unit!r}, seed=1{_n(group, ', n=')}).versions")
            names.append(side)
    also = "".join(
        f", {name}={value!r}"
        for name, value in (
            ("arm", a.arm), ("control_arm", b.arm), ("landmark_treated", a.landmark), ("landmark_control", b.landmark),
            ("assume_origin", asked.assume_origin), ("adjust", asked.adjust),
        )
        if value
    )  # fmt: skip
    model = "" if asked.cure else ", cure_model=None"
    lines.append(
        f"found = nextarm.compare_patients({', '.join(names)}, milestones={asked.times!r}, endpoint={asked.endpoint!r}"
        f"{units}, treated_origin={a.origin!r}, control_origin={b.origin!r}{also}{model})"
    )
    learnt = ""
    if asked.drift:
        assume = ", assume_origin=True" if asked.assume_origin else ""
        where = f"time={DRIFT_AT[0]:g}, window={DRIFT_AT[1]:g}{assume}, package={package!r}"
        lines.append(f"drift = nextarm.drift({asked.drift!r}, endpoint={asked.endpoint!r}, {where})")
        learnt = ", drift=drift"
    return "\n".join([*lines, f"nextarm.sensitivity(found.milestones[0]{learnt})"])


def _command(asked: GroupsQuestion) -> str:
    a, b = asked.groups
    groups = asked.groups[: 1 if asked.one_curve else 2]
    made = [
        f"nextarm reconstruct {_curve(g)} --unit {g.unit} --seed 1{_n(g, ' --n ')} --versions-out {_file(g)}"
        for g in groups
        if not _is_file(g)
    ]
    flags = "".join(f" --{name} {shlex.quote(value)}" for name, value in (("arm", a.arm), ("control", b.arm)) if value)
    flags += "".join(
        f" --{name} {value:g}" for name, value in (("landmark-treated", a.landmark), ("landmark-control", b.landmark)) if value is not None
    )
    flags += f" --adjust {shlex.quote(','.join(asked.adjust))}" if asked.adjust else ""
    flags += ("" if asked.cure else " --cure-model none") + (" --assume-origin" if asked.assume_origin else "")
    other = f" --control-unit {b.unit}" if b.unit != a.unit and not asked.one_curve else ""
    made.append(
        f"nextarm compare {' '.join(map(_file, groups))} --milestones {','.join(f'{t:g}' for t in asked.times)} --endpoint "
        f"{shlex.quote(asked.endpoint)} --unit {a.unit}{other} --treated-origin {a.origin} --control-origin {b.origin}{flags}"
    )
    return "\n".join(made)


def _is_file(group: Group) -> bool:
    """Whether a group is a file of patients: what was given is, and the examples lie in no study."""
    return group.given or group.name in EXAMPLES


def _n(group: Group, before: str) -> str:
    return f"{before}{group.n}" if group.n else ""


def _curve(group: Group) -> str:
    return f"curves/{group.name}{CURVE}"


def _file(group: Group) -> str:
    return f"curves/{group.name}{PATIENTS}" if group.given else f"{group.name}.csv"
