"""An evidence package as blocks: facts with their sources, trials over time, agents by level of evidence, one study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from nextarm.core.trail import Source, Trail
from nextarm.evidence import BUNDLED, Package, Selection, agent_choices, how_read, load_package, protocols, values_of
from nextarm.evidence.classify import protocol_rules
from nextarm.evidence.columns import Row as Fact
from nextarm.evidence.rules import FIELD, PatientField
from nextarm.evidence.schema import TIME_ORIGINS
from nextarm.report.charts import ForestRow, MatrixRow, forest, matrix
from nextarm.report.document import Block, CellLike, Column, DataTable, Link, Number, Row, RowGroup, Section, number, say, slug

#: Levels of evidence on an agent, from the weakest to the strongest.
LEVELS = ("in vitro", "PDX", "clinical")
#: Where time can start, the unstated one first.
ORIGINS = ("not-stated", *(origin for origin in TIME_ORIGINS if origin != "not-stated"))
TITLES = {"in vitro": "In vitro", "PDX": "Xenograft", "clinical": "Clinical"}


def opened(name_or_folder: str | Path) -> Package:
    """The package, read again only when one of its files has changed."""
    if str(name_or_folder) in BUNDLED:
        return load_package(name_or_folder)
    files = [*sorted(Path(name_or_folder).glob("*.csv")), Path(name_or_folder) / "datapackage.json"]
    stamps = tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
    return _opened(str(name_or_folder), stamps)


@lru_cache(maxsize=16)
def _opened(folder: str, stamps: tuple[tuple[str, int, int], ...]) -> Package:
    return load_package(folder)


def facets(package: Package, table: str) -> dict[str, tuple[str, ...]]:
    """The values that each filter of the evidence knows, the pool sets, and the protocols with risk groups."""
    return dict(_facets(package, table))


@lru_cache(maxsize=32)
def _facets(package: Package, table: str) -> dict[str, tuple[str, ...]]:
    """Kept: packages are told apart by identity and never change."""
    return values_of(package, table=table) | {"agent": agent_choices(package), "risk_protocol": tuple(protocols(package))}


def risk_fields(package: Package, protocol: str) -> tuple[PatientField, ...]:
    """What the rules of ``protocol`` ask about a patient; none for a protocol without rules."""
    if protocol not in protocols(package):
        return ()
    asked = protocol_rules(protocol, package).fields()
    return tuple(FIELD[name] for name in asked)


def own_trail(package: Package, row: Fact, *, beside: bool = False) -> Trail:
    """The trail of a value that is one row, or stands ``beside`` the value of one (its n)."""
    ref = package.ref(row)
    sources = (package.source(ref.source_id),) if ref.source_id else ()
    return Trail(how_read(ref, beside=beside), rows=(ref,), sources=sources, of_row=True)


def cite(package: Package, source_id: str) -> CellLike:
    """A short citation that leads to the source where it has an address."""
    if not source_id:
        return None
    source: Source = package.source(source_id)
    link = source.link()
    return say(Link(source.cite(), link)) if link.startswith(("https://", "http://")) else source.cite()


def facts(package: Package, chosen: Selection, *, most: int = 400) -> DataTable:
    """The rows of a selection as a table; every value opens its row and source."""
    sources = {s.source_id: s for s in chosen.trail.sources}
    counts = chosen.table_name == "counts"
    rates = {(c.package, str(c.line)): c.printed_rate for c in package.counts} if counts else {}
    rows: list[Row] = []
    for i, (fact, ref) in enumerate(zip(chosen.rows(), chosen.trail.rows, strict=True)):
        if i >= most:
            break
        source = sources.get(ref.source_id)
        cited = (source,) if source else ()
        trail, beside = (Trail(how_read(ref, beside=apart), rows=(ref,), sources=cited, of_row=True) for apart in (False, True))
        name = f"row-{slug(ref.table)}-{ref.line}"

        def said(key: str, form: str, base: str = name, of: Trail = trail, held: Mapping[str, object] = fact) -> Number | None:
            value = held.get(key)
            return None if not isinstance(value, int | float) else number(value, form, name=f"{base}.{slug(key)}", trail=of)

        if counts:
            value: CellLike = said("events", "count")
            rate = rates.get((str(fact["package"]), str(fact["line"])))
            if value is None and rate is not None:
                value = number(rate, "percent(1)", name=f"{name}.rate", trail=trail)
            when: CellLike = str(fact["what"])
        else:
            low, high = fact["ci_low"], fact["ci_high"]
            limits = (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else None
            value = number(float(str(fact["estimate"])), "percent(1)", name=name, trail=trail, interval=limits)
            time = fact["time_years"]
            when = str(fact["endpoint"]) + (f", {time:g} years" if isinstance(time, int | float) else "")
        n = said("n", "count", of=beside)
        rows.append((f"{fact['study']}: {fact['label']}", when, value, n, str(fact["subtype"]), cite(package, ref.source_id)))
    left = len(chosen.cells) - len(rows)
    return DataTable(
        caption=f"{len(chosen.cells)} rows of published {'counts' if counts else 'outcomes'}",
        columns=(
            "Study and arm",
            "What",
            Column("Events" if counts else "Estimate", align="right"),
            Column("n", align="right"),
            "Subtype",
            "Source",
        ),
        rows=tuple(rows),
        narrow="stack",
        note=say(f"{left} more rows: choose more narrowly, or take the CSV.") if left > 0 else (),
    )


def timeline(package: Package, study_ids: Sequence[str] = ()) -> list[Block]:
    """Enrolment of the studies over the years, and those whose dates were not seen."""
    chosen = [s for s in package.studies if not study_ids or s.study_id in study_ids]
    dated = sorted((s for s in chosen if s.enrolment), key=lambda s: (s.enrolment or (0.0, 0.0), s.name))
    rows = []
    for s in dated:
        start, end = s.enrolment or (0.0, 0.0)
        note = ", ".join(filter(None, (f"n {s.n_total}" if s.n_total else "", s.cooperative_group)))
        rows.append(ForestRow(s.name, None, start, end, note=note, kind="prediction", trail=own_trail(package, s)))
    if not rows:
        return []
    undated = [s.name for s in chosen if not s.enrolment]
    trail = Trail("enrolment from the first to the last patient, to the end of the month or year printed")
    return [
        forest(
            rows,
            id="timeline",
            title="When the studies enrolled",
            axis="Year",
            trail=trail,
            format="year",
            caption=say(f"Dates not seen: {', '.join(undated)}.") if undated else (),
        )
    ]


def study_sections(package: Package, study_id: str) -> tuple[Section, ...]:
    """One study: its arms, outcomes and counts, each cell with its source."""
    study = package.study(study_id)
    arms = [a for a in package.arms if a.study_id == study_id]
    facts_of: list[Row] = [
        (title, text)
        for title, text in (
            ("Group", study.cooperative_group),
            ("Registration", study.registry_id),
            ("Design", study.design),
            ("Enrolment", " to ".join(filter(None, (study.enrol_start, study.enrol_end)))),
            ("Age", study.age_limit),
            ("Note", study.note),
        )
        if text
    ]
    if study.n_total:
        facts_of.append(("Patients", number(study.n_total, "count", name="study.n", trail=own_trail(package, study, beside=True))))
    facts_of.append(("Source", cite(package, study.source_id)))
    rows: list[Row | RowGroup] = []
    for arm in arms:
        rows.append(RowGroup(f"{arm.label} ({arm.subtype}, {arm.treatment_class}{', ' + arm.agents if arm.agents else ''})"))
        if arm.n:
            rows.append(
                ("Patients", number(arm.n, "count", name=f"arm.{slug(arm.arm_id)}", trail=own_trail(package, arm)), None, arm.note, None)
            )
        for o in (o for o in package.outcomes if o.arm_id == arm.arm_id):
            limits = (o.ci_low, o.ci_high) if o.ci_low is not None and o.ci_high is not None else None
            value = number(o.estimate, "percent(1)", name=f"outcome.{o.package}.{o.line}", trail=own_trail(package, o), interval=limits)
            aside = own_trail(package, o, beside=True)
            n = None if o.n is None else number(o.n, "count", name=f"outcome.{o.package}.{o.line}.n", trail=aside)
            start = "a start not stated" if o.time_origin == "not-stated" else o.time_origin
            when = "time not stated" if o.time_years is None else f"{o.time_years:g} years from {start}"
            rows.append((f"{o.endpoint}, {when}", value, n, o.note or o.where_seen, cite(package, o.source_id)))
        for c in (c for c in package.counts if c.arm_id == arm.arm_id):
            key = f"count.{c.package}.{c.line}"
            shown, form = (c.rate, "percent(1)") if c.events is None else (c.events, "count")
            events = None if shown is None else number(shown, form, name=key, trail=own_trail(package, c))
            n = None if c.n is None else number(c.n, "count", name=f"{key}.n", trail=own_trail(package, c, beside=True))
            rows.append((c.what.replace("_", " "), events, n, c.note or c.where_seen, cite(package, c.source_id)))
    blocks: list[Block] = [DataTable("The study", ("About", "As printed"), tuple(facts_of), sortable=False, narrow="stack")]
    if rows:
        columns = ("What", Column("Value", align="right"), Column("n", align="right"), "Where seen, note", "Source")
        blocks.append(DataTable("Arms, outcomes and counts", columns, tuple(rows), sortable=False, narrow="stack"))
    words = f"{len(arms)} arms and strata; every value opens its row." if arms else "No arm of this study is in the tables."
    return (Section("study", study.name, say(words), tuple(blocks)),)


def agent_sections(package: Package) -> tuple[Section, ...]:
    """Agents by class and level of evidence, what was found, and the trials that are open or planned."""
    agents = sorted(package.agents, key=lambda a: (a.class_.lower(), a.name.lower()))
    if not agents:
        return (Section("agents", "Agents", say("The package lists none.")),)
    drawn: list[MatrixRow] = []
    rows: list[Row | RowGroup] = []
    for agent in agents:
        found = [e for e in package.agent_evidence if e.agent_id == agent.agent_id]
        trails = {
            TITLES[level]: Trail(
                "counted over the rows of agent_evidence.csv",
                rows=tuple(package.ref(e) for e in found if e.level == level),
                sources=tuple(package.source(i) for i in dict.fromkeys(e.source_id for e in found if e.level == level and e.source_id)),
            )
            for level in LEVELS
        }
        drawn.append(MatrixRow(agent.name, {TITLES[x]: sum(e.level == x for e in found) for x in LEVELS}, trails, group=agent.class_))
        rows.append(RowGroup(f"{agent.name}: {agent.class_}{', ' + agent.target if agent.target else ''}"))
        rows += [(TITLES[e.level], e.model_or_population, f"{e.endpoint}: {e.effect_short}", cite(package, e.source_id)) for e in found]
        if not found:
            rows.append(("none read", None, None, cite(package, agent.source_id)))
    trail = Trail("counted over the rows of agent_evidence.csv")
    chart = matrix(
        drawn,
        id="agents",
        title="Reports on each agent by level of evidence",
        levels=[TITLES[x] for x in LEVELS],
        trail=trail,
        row_title="Agent",
        caption=say("Numbers of reports read, not their quality or result."),
    )
    table = DataTable("What was found", ("Level", "In whom or what", "Found", "Source"), tuple(rows), sortable=False, narrow="stack")
    trials: list[Row] = []
    for t in package.trials_ongoing:
        key = f"trial.{t.package}.{t.line}"
        n = None if t.planned_n is None else number(t.planned_n, "count", name=key, trail=own_trail(package, t))
        trials.append(
            (
                t.name,
                ", phase ".join(filter(None, (t.registry_id, t.phase))) or None,
                t.population,
                t.agents.replace(";", "; ") or None,
                n,
                t.status_seen or None,
                cite(package, t.source_id),
            )
        )
    listed = DataTable(
        "Open and planned trials, as their pages said when read",
        ("Trial", "Registration, phase", "Who may enter", "Agents", Column("Planned n", align="right"), "Status when read", "Source"),
        tuple(trials),
        narrow="stack",
    )
    return (
        Section("agents", "Agents by class and level of evidence", say(f"{len(agents)} agents."), (chart, table)),
        Section("open-trials", "Open and planned trials", say(f"{len(trials)} trials."), (listed,) if trials else ()),
    )
