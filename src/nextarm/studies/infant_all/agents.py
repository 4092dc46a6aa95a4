"""Section 4: which agents are ready? Agents by class and target against levels of evidence, with the open trials."""

from __future__ import annotations

from nextarm.core.trail import Source, Trail
from nextarm.evidence import Agent, AgentEvidence, OngoingTrial, Package
from nextarm.report import Block, Cell, DataTable, Heading, Link, Note, Section, number, paragraph, say, slug
from nextarm.report.charts import MatrixRow, matrix
from nextarm.report.document import Inline, Parts, Row
from nextarm.studies.infant_all.evidence_rows import row_trail

#: Levels of evidence from the weakest to the strongest; ``infants`` are clinical rows whose population names infants.
LEVELS = ("in vitro", "PDX", "clinical", "infants")
TITLES = {"in vitro": "In vitro", "PDX": "Xenograft", "clinical": "Clinical, not infants", "infants": "Clinical, infants"}


def level_of(row: AgentEvidence) -> str:
    """The level of a row: clinical rows in infants stand apart, by the words of their population."""
    return "infants" if row.level == "clinical" and "infant" in row.model_or_population.lower() else row.level


def section(package: Package) -> Section:
    """Write the section from the rows of ``package``."""
    by_agent = {a.agent_id: [e for e in package.agent_evidence if e.agent_id == a.agent_id] for a in package.agents}
    return Section(
        id="agents",
        title="Which agents are ready?",
        lead=lead(package, by_agent),
        blocks=(*_matrix(package, by_agent), *_table(package, by_agent), *_trials(package)),
    )


def lead(package: Package, by_agent: dict[str, list[AgentEvidence]]) -> Parts:
    """Say how many agents have been given to infants, how many only work in mice, how many only in a dish."""
    levels = {agent: {level_of(e) for e in rows} for agent, rows in by_agent.items()}
    infants = [a for a, found in levels.items() if "infants" in found]
    mice = [a for a, found in levels.items() if "infants" not in found and "PDX" in found]
    largest = max((e for rows in by_agent.values() for e in rows if level_of(e) == "infants" and e.n), key=lambda e: e.n or 0, default=None)
    rows = tuple(package.ref(e) for found in by_agent.values() for e in found)
    trail = Trail(method="counted over the rows of agent_evidence.csv", rows=rows)
    total = number(len(by_agent), "count", name="agents.total", trail=trail)
    if not infants:
        return say("None yet: of ", total, " agents listed none has clinical results in infants.")
    tail: Parts = ()
    if largest is not None:
        n = number(largest.n, "count", name="agents.largest-n", trail=row_trail(package, package.ref(largest)))
        name = package.agent(largest.agent_id).name
        tail = say(f"; the largest report in infants ({name}) counts ", n, " infants, those not given the agent included where it compares")
    return say(
        "Few: of ",
        total,
        " agents ",
        number(len(infants), "count", name="agents.infants", trail=trail),
        " have any clinical report in infants and ",
        number(len(mice), "count", name="agents.xenograft-only", trail=trail),
        " have been tried in xenografts without one",
        tail,
        ".",
    )


def _matrix(package: Package, by_agent: dict[str, list[AgentEvidence]]) -> list[Block]:
    rows = []
    for agent in sorted(package.agents, key=lambda a: (a.modality, a.class_.lower(), a.name.lower())):
        found = by_agent[agent.agent_id]
        counts = {TITLES[level]: sum(level_of(e) == level for e in found) for level in LEVELS}
        trails = {
            TITLES[level]: Trail(
                method="counted over the rows of agent_evidence.csv",
                rows=tuple(package.ref(e) for e in found if level_of(e) == level),
                sources=_sources(package, [e for e in found if level_of(e) == level]),
            )
            for level in LEVELS
        }
        rows.append(MatrixRow(label=agent.name, counts=counts, trails=trails, group=agent.modality))
    return [
        matrix(
            rows,
            id="agents-matrix",
            title="Reports on each agent by level of evidence",
            levels=tuple(TITLES[level] for level in LEVELS),
            trail=Trail(method="counted over the rows of agent_evidence.csv"),
            row_title="Agent",
            caption=say(
                "Number of reports read, not their quality or result: a disc may stand for a negative trial. The table says what was found."
            ),
        )
    ]


def _sources(package: Package, rows: list[AgentEvidence]) -> tuple[Source, ...]:
    return tuple(package.source(i) for i in dict.fromkeys(e.source_id for e in rows if e.source_id))


def _table(package: Package, by_agent: dict[str, list[AgentEvidence]]) -> list[Block]:
    rows: list[Row] = []
    for agent in sorted(package.agents, key=lambda a: a.name.lower()):
        found = by_agent[agent.agent_id]
        best = max((LEVELS.index(level_of(e)) for e in found), default=-1)
        highest = TITLES[LEVELS[best]] if best >= 0 else "none read"
        rows.append(
            (
                agent.name,
                f"{agent.class_} ({agent.target})" if agent.target else agent.class_,
                Cell(
                    say(highest + (f"; stage in infant ALL: {agent.highest_stage_infant_all}" if agent.highest_stage_infant_all else "")),
                    sort=float(best),
                ),
                Cell(say(*_findings(package, agent, found)), sort=float(len(found))),
                agent.regulatory_note or None,
            )
        )
    return [
        Heading("What was found"),
        DataTable(
            caption="Agents, sortable by any column; each finding links to its source; n as reported, all arms where it compares",
            columns=("Agent", "Class (target)", "Highest level", "Findings", "Regulatory note"),
            rows=tuple(rows),
            narrow="stack",
        ),
    ]


def _findings(package: Package, agent: Agent, found: list[AgentEvidence]) -> list[Inline]:
    parts: list[Inline] = []
    for i, e in enumerate(sorted(found, key=lambda e: -LEVELS.index(level_of(e)))):
        source = package.source(e.source_id)
        words = f"{e.endpoint}: {e.effect_short}" + (f" (n {e.n}" if e.n else " (") + ("; " if e.n else "") + f"{e.model_or_population})"
        parts.append(("; " if i else "") + words + " ")
        parts.append(Link(source.cite(), source.link()) if source.link() else f"[{source.cite()}]")
    return parts or ["no report read"]


def _trials(package: Package) -> list[Block]:
    rows: list[Row] = []
    for trial in package.trials_ongoing:
        trail = row_trail(package, package.ref(trial))
        planned = number(
            trial.planned_n,
            "count",
            name=f"agents.trial.{slug(trial.registry_id or trial.name)}",
            trail=trail,
            missing="not stated",
        )
        phase = f", phase {trial.phase}" if trial.phase else ""
        rows.append(
            (
                _trial_name(trial) + phase,
                trial.population,
                trial.agents.replace(";", "; "),
                planned,
                trial.primary_endpoint or "not stated",
                trial.status_seen,
            )
        )
    return [
        Heading("Open and planned trials"),
        Note("information", say("Status as it stood on the page read, not today's; the date is given where the page had one.")),
        DataTable(
            caption="Trials (trials_ongoing.csv)",
            columns=("Trial", "Population", "Agents", "Planned n", "Primary end point", "Status seen"),
            rows=tuple(rows),
            narrow="stack",
        ),
        paragraph("A trial listed here is not evidence that an agent works; it says where evidence will come from."),
    ]


def _trial_name(trial: OngoingTrial) -> str:
    return f"{trial.name} ({trial.registry_id})" if trial.registry_id else trial.name
