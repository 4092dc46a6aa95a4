"""Evidence: published facts by facets, one study, agents and open trials, risk groups, rows of one's own."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, DataError, NoRowError, Problem
from nextarm.report import Section, number, paragraph, say
from nextarm.report.document import Block, DataTable, Note, Row
from nextarm.report.evidence_blocks import ORIGINS, agent_sections, facets, facts, opened, risk_fields, study_sections, timeline
from nextarm.web.address import Query, address, quoted
from nextarm.web.home import Study
from nextarm.web.left_out import fields as pooled_fields
from nextarm.web.left_out import left_out
from nextarm.web.nothing_yet import nothing_yet
from nextarm.web.screen import Ask, Content, Field, Form, Place, Step

VIEWS = (
    ("facts", "Facts"),
    ("timeline", "Timeline of studies"),
    ("study", "One study"),
    ("agents", "Agents and open trials"),
    ("pooled", "Trials left out: pooled value and assurance"),
    ("risk", "Risk groups"),
)
FACETS = (
    ("endpoint", "End point"),
    ("subtype", "Subtype"),
    ("setting", "Setting"),
    ("treatment_class", "Treatment"),
    ("agent", "Agent"),
    ("protocol", "Study"),
    ("pool_set", "Pool set"),
)
#: Values that would be misread among choices: what arms say that are open to every subtype or setting is no "all rows".
WORDED = {"any": "any (arms that say so)"}
#: Values that a patient's field may take in the calculator, where it is not a number.
_WORDS = re.compile(r"[A-Za-z0-9 .,:;()+<>=*/_-]{1,60}")


def forms(ask: Ask) -> tuple[Form, ...]:
    """The facets; for a study of one's own a form for a new row."""
    q, package = ask.query, opened(ask.study.package)
    table = q.text("table", "outcomes") if q.text("table") in ("outcomes", "counts") else "outcomes"
    known = facets(package, table)
    known["protocol"] = tuple(sorted({s.name for s in package.studies}))
    view = q.text("view", "facts")
    fields: list[Field] = [Field("view", "Show", "select", view, choices=VIEWS)]
    if view == "risk":
        fields.append(_select("protocol", "Protocol", q, known["risk_protocol"], "choose"))
        fields += _patient_fields(ask)
    elif view == "pooled":
        fields += pooled_fields(ask)
    elif view == "study":
        fields.append(_select("protocol", "Study", q, known["protocol"], "choose"))
    elif view == "facts":
        fields.append(Field("table", "Table", "select", table, choices=(("outcomes", "Outcomes"), ("counts", "Counts, toxicities"))))
        names = {"endpoint": "What was counted"} if table == "counts" else {}
        fields += [_select(name, names.get(name, label), q, known[name], "all") for name, label in FACETS]
        fields.append(Field("era", "Years of enrolment", value=q.text("era"), help="Such as 1999-2005 or 2006-"))
    made = [Form("facets", "Choose", tuple(fields), "Show", live=view != "risk")]
    if ask.study.folder is not None and view == "facts":
        made.append(_row_form(ask, package))
    return tuple(made)


def _select(name: str, label: str, q: Query, values: tuple[str, ...], none: str) -> Field:
    """A choice of one value or none; a value asked for by another of its names (an agent's id) stays chosen."""
    asked = q.text(name)
    values = (*values, asked) if name == "agent" and asked and asked not in values else values
    return Field(name, label, "select", asked, choices=(("", none), *((v, WORDED.get(v, v.replace("_", " "))) for v in values)))


def content(ask: Ask) -> Content:
    """What the view shows."""
    view = ask.query.choice("view", [v for v, _ in VIEWS], "facts")
    return {"facts": _facts, "timeline": _timeline, "study": _study, "agents": _agents, "risk": _risk, "pooled": left_out}[view](ask)


def _facts(ask: Ask) -> Content:
    q, package = ask.query, opened(ask.study.package)
    table = q.choice("table", ("outcomes", "counts"), "outcomes")
    chosen: dict[str, Any] = {name: q.text(name) for name, _ in FACETS if q.text(name)}
    if q.text("arm"):
        chosen["arm"] = q.text("arm")
    if q.text("era"):
        chosen["era"] = q.text("era")
    if table != "outcomes":
        chosen["table"] = table
    options = "".join(f", {k}={v!r}" for k, v in chosen.items())
    flags = "".join(f" --{k.replace('_', '-')} {quoted(v)}" for k, v in chosen.items())
    python = f"import nextarm\nrows = nextarm.evidence({ask.study.shown!r}{options})\nrows.table()"
    command = f"nextarm evidence --package {ask.study.shown}{flags} --format csv"
    try:
        found = verbs.evidence(package, **chosen)
    except NoRowError as nothing:
        if not package.outcomes and not package.counts:
            missing = "This study holds no facts yet."
            cure = f"Save the first row with the form above. Counts and the other tables are filled as CSV files in {ask.study.shown}."
            return nothing_yet(ask, "facts", "Published facts", missing, cure, command=command)
        said = str(nothing)
        words = (paragraph(f"{said[:1].upper()}{said[1:]}"), paragraph("Set one of the choices above back to all."))
        begin = Place("All rows", "Without any choice", address(ask.at("evidence"), {"table": table if table != "outcomes" else ""}))
        none = Section("facts", "Published facts", say("No row fits."), words)
        return Content((none,), python=python, command=command, places=(("Begin again", (begin,)),))
    studies = Counter(str(row["study"]) for row in found.rows())
    notes: list[Block] = [Note("information", say(text)) for text in found.warnings]
    places = tuple(
        Place(name, f"{rows} of these rows", address(ask.at("evidence"), {"view": "study", "protocol": name}))
        for name, rows in studies.most_common(8)
    )
    lead = say(
        number(len(found.cells), "count", name="rows", trail=found.trail),
        " rows of ",
        number(len(studies), "count", name="studies", trail=found.trail),
        " studies.",
    )
    return Content(
        (Section("facts", "Published facts", lead, (*notes, facts(package, found))),),
        python=python,
        command=command,
        csv=found.to_csv(),
        places=(("Studies with most of these rows, one by one" if len(studies) > 8 else "The studies, one by one", places),)
        if places
        else (),
    )


def _timeline(ask: Ask) -> Content:
    package = opened(ask.study.package)
    blocks = timeline(package)
    if not blocks:
        cure = "They are the columns enrol_start and enrol_end of studies.csv in the study's folder."
        return nothing_yet(ask, "timeline", "When the studies enrolled", "No study has enrolment dates yet.", cure)
    return Content(
        (Section("timeline", "When the studies enrolled", (), tuple(blocks)),),
        python=f"import nextarm\nnextarm.evidence({ask.study.shown!r}).table()",
        command=f"nextarm evidence --package {ask.study.shown} --format csv",
    )


def _study(ask: Ask) -> Content:
    package, name = opened(ask.study.package), ask.query.text("protocol")
    if not package.studies:
        return nothing_yet(ask, "study", "One study", "There is no study in the tables yet.", "Saving a row makes its study.")
    if not name:
        return Content((Section("study", "One study", say("Choose a study above."), ()),))
    found = next((s.study_id for s in package.studies if name in (s.name, s.study_id)), None)
    if found is None:
        raise CallError(f"protocol = {name[:60]!r}", rule="is not a study of the package")
    return Content(
        study_sections(package, found),
        python=f"import nextarm\nnextarm.evidence({ask.study.shown!r}, protocol={name!r})",
        command=f"nextarm evidence --package {ask.study.shown} --protocol {quoted(name)}",
    )


def _agents(ask: Ask) -> Content:
    if not opened(ask.study.package).agents:
        cure = "They stand in agents.csv, agent_evidence.csv and trials_ongoing.csv in the study's folder."
        return nothing_yet(ask, "agents", "Agents and open trials", "No agent is in the tables yet.", cure)
    return Content(agent_sections(opened(ask.study.package)), command=f"nextarm evidence --package {ask.study.shown} --check")


def _patient_fields(ask: Ask) -> list[Field]:
    """The fields that the protocol's rules ask about; an empty one is not known."""
    made = []
    for f in risk_fields(opened(ask.study.package), ask.query.text("protocol")):
        words = f.description + (f", {f.unit}" if f.unit else "")
        name, value = f"p.{f.name}", ask.query.text(f"p.{f.name}")
        values = f.categories if f.kind == "category" else ("yes", "no") if f.kind == "yes/no" else ()
        kind = "select" if values else "number"
        choices = (("", "not known"), *((v, v.replace("_", " ")) for v in values))
        made.append(Field(name, words, kind, value, choices=choices, help=f"{f.name} in patients.csv"))
    return made


def _classified(ask: Ask, patient: dict[str, str]) -> Any:
    import polars as pl

    package = opened(ask.study.package)
    known = {f.name: "" for f in risk_fields(package, ask.query.text("protocol"))}
    frame = pl.DataFrame({"patient": ["1"], **{k: [v] for k, v in (known | patient).items()}})
    return verbs.classify(frame, protocol=ask.query.text("protocol"), package=package)


def _risk(ask: Ask) -> Content:
    protocol = ask.query.text("protocol")
    if not facets(opened(ask.study.package), "outcomes")["risk_protocol"]:
        cure = "They are rows of risk_groups.csv in the study's folder: a protocol, a group and its rule (docs/evidence.md)."
        return nothing_yet(ask, "risk", "Risk group of a patient", "No protocol has its risk groups in the tables yet.", cure)
    if not protocol:
        return Content((Section("risk", "Risk group of a patient", say("Choose a protocol above."), ()),))
    patient = {n.removeprefix("p."): v.strip() for n, v in ask.query.pairs if n.startswith("p.") and v.strip()}
    for name, value in patient.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) or not _WORDS.fullmatch(value):
            raise CallError(f"{name[:40]} = {value[:40]!r}", rule="must be plain words or a number")
    found = _classified(ask, patient)
    group = found.groups[0]
    rows: tuple[Row, ...] = (
        ("Group", group.group),
        ("Also", "; ".join(group.subgroups) or None),
        ("Possible", "; ".join(group.possible) or None),
        ("Why", group.reason or None),
        ("Not known", "; ".join(group.missing) or None),
    )
    refs = ", ".join(s.cite() for s in found.trail.sources)
    blocks: list[Block] = [
        DataTable(
            f"{protocol}, as its rules are printed",
            ("About", "Result"),
            rows,
            sortable=False,
            narrow="stack",
            note=say(f"Rules from: {refs}." if refs else ""),
        )
    ]
    blocks.append(Note("caution", say("For looking up how a protocol divides patients; not for treating one.")))
    return Content(
        (Section("risk", f"Risk group by {protocol}", say(f"{group.group}."), tuple(blocks)),),
        python=f"import nextarm\nnextarm.classify('patients.csv', protocol={protocol!r}).table()",
        command=f"nextarm evidence classify --protocol {quoted(protocol)} patients.csv",
    )


def _row_form(ask: Ask, package: Any) -> Form:
    q = ask.query
    arms = tuple((a.arm_id, f"{package.study_of(a).name}: {a.label}") for a in package.arms)
    sets = ("", *sorted({a.pool_set for a in package.arms if a.pool_set}))
    sources = tuple((s.source_id, f"{s.first_author} {s.year or ''} {s.title_short[:60]}".strip()) for s in package.sources)
    fields = (
        Field("arm_id", "Arm", "select", q.text("arm_id"), choices=(("", "a new arm, below"), *arms)),
        Field("study_name", "New study", value=q.text("study_name"), help="Only for a new arm"),
        Field("label", "New arm", value=q.text("label")),
        Field("new_subtype", "Subtype of a new arm", value=q.text("new_subtype"), help="any where not restricted"),
        Field("new_class", "Treatment class of a new arm", value=q.text("new_class")),
        Field(
            "new_pool",
            "Pool set of a new arm",
            "select",
            q.text("new_pool"),
            choices=tuple((s, s or "none: it is not pooled") for s in sets),
            help="Independent whole cohorts that are pooled together: one whose patients are in another arm of the set is refused",
        ),
        Field("own_pool", "Or a pool set of your own", value=q.text("own_pool"), help="Small letters, digits and hyphens"),
        Field("row_endpoint", "End point", value=q.text("row_endpoint"), required=True, help="EFS, OS, DFS, CIR, TRM"),
        Field("time_years", "Time, years", "number", q.text("time_years")),
        Field("time_origin", "Time from", "select", q.text("time_origin", "not-stated"), choices=tuple((o, o) for o in ORIGINS)),
        Field("estimate", "Estimate, 0 to 1", "number", q.text("estimate"), required=True),
        Field("ci_low", "Lower 95 % limit", "number", q.text("ci_low")),
        Field("ci_high", "Upper 95 % limit", "number", q.text("ci_high")),
        Field("n", "Patients", "number", q.text("n")),
        Field("source_id", "Source", "select", q.text("source_id"), choices=(("", "a new source, below"), *sources)),
        Field("author", "New source: first author", value=q.text("author")),
        Field("year", "Year", "number", q.text("year")),
        Field("title", "Title, shortened", value=q.text("title")),
        Field("doi", "DOI or address", value=q.text("doi")),
        Field(
            "where_seen", "Where it was seen", value=q.text("where_seen"), required=True, help="abstract, table 2, figure 1, secondary, ..."
        ),
        Field("note", "Note", value=q.text("note")),
    )
    note = "Saved in outcomes.csv of your study (a new arm, study or source in its table). Every row needs a source."
    return Form(
        "add-row",
        "Add a row",
        fields,
        "Save the row",
        action=ask.at("evidence") + "/add",
        note=note,
        folded=not q.text("row_endpoint") and bool(package.outcomes),
    )


def add(ask: Ask, sent: Query) -> str:
    """Add a row, and where needed its arm, study and source; nothing is kept unless the whole package is sound afterwards."""
    study = ask.study
    problems = []
    if not sent.text("source_id") and not (sent.text("title") and sent.text("doi")):
        problems.append(Problem("source", rule="is compulsory", cure="Choose one, or give title and DOI or address of a new one"))
    if not sent.text("arm_id") and not all(sent.text(n) for n in ("study_name", "label", "new_subtype", "new_class")):
        problems.append(
            Problem("arm", rule="is compulsory", cure="Choose one, or give study, name, subtype and treatment class of a new one")
        )
    if sent.text("new_pool") and sent.text("own_pool"):
        problems.append(Problem("pool set", rule="is one", cure="Choose one that is there, or name one of your own"))
    pool = sent.text("new_pool") or sent.text("own_pool")
    if sent.text("arm_id") and pool:
        problems.append(Problem(f"pool set = {pool[:40]!r}", rule="is that of a new arm", cure="Leave it empty for an arm that is there"))
    if problems:
        raise DataError(problems=problems)
    before = {name: study.read(f"{name}.csv") for name in ("sources", "studies", "arms", "outcomes")}
    after = dict(before)

    def append(table: str, values: dict[str, str]) -> None:
        header = next(csv.reader(io.StringIO(after[table])))
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([values.get(column, "") for column in header])
        text = after[table]
        after[table] = text + ("" if text.endswith("\n") else "\n") + out.getvalue()

    source = sent.text("source_id")
    if not source:
        place = sent.text("doi").removeprefix("https://doi.org/")
        source = _fresh(after["sources"], sent.text("author") + sent.text("year") or sent.text("title"))
        about = {"doi": place} if place.startswith("10.") else {"url": place}
        append(
            "sources",
            {
                "source_id": source,
                "first_author": sent.text("author"),
                "year": sent.text("year"),
                "title_short": sent.text("title"),
                **about,
            },
        )
    arm = sent.text("arm_id")
    if not arm:
        of = _fresh(after["studies"], sent.text("study_name"))
        append("studies", {"study_id": of, "name": sent.text("study_name"), "source_id": source})
        arm = _fresh(after["arms"], f"{of}-{sent.text('label')}")
        append(
            "arms",
            {
                "arm_id": arm,
                "study_id": of,
                "label": sent.text("label"),
                "subtype": sent.text("new_subtype"),
                "pool_set": pool,
                "stratum": sent.text("label"),
                "treatment_class": sent.text("new_class"),
                "n": sent.text("n"),
            },
        )
    origin = sent.text("time_origin", "not-stated")
    row = {n: sent.text(n) for n in ("time_years", "estimate", "ci_low", "ci_high", "n", "where_seen", "note")}
    row |= {"arm_id": arm, "endpoint": sent.text("row_endpoint"), "source_id": source, "time_origin": origin}
    append("outcomes", row | {"time_origin_basis": "not-stated" if origin == "not-stated" else "stated"})
    study.write({(f"{name}.csv",): text for name, text in after.items() if text != before[name]})
    try:
        verbs.check_evidence(study.package)
    except DataError:
        study.write({(f"{name}.csv",): text for name, text in before.items() if text != after[name]})
        raise
    return ask.at("evidence") + f"?{Query((('arm', arm), ('endpoint', sent.text('row_endpoint'))))}"


def _fresh(table: str, words: str) -> str:
    """A key that the table does not have yet, made of ``words``."""
    taken = {row[0] for row in csv.reader(io.StringIO(table)) if row}
    stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40] or "own"
    stem = f"own-{stem}"
    return next(k for k in (stem, *(f"{stem}-{i}" for i in range(2, 10_000))) if k not in taken)


def state(study: Study) -> str:
    """How many facts there are."""
    package = opened(study.package)
    own = sum(o.package != "infant-all" for o in package.outcomes)
    return f"{len(package.outcomes)} outcomes" + (f", {own} yours" if study.folder is not None and own < len(package.outcomes) else "")


STEP = Step("evidence", "Evidence", "What was published, and where", forms, content, state, {"add": add})
