"""The eleven tables of an evidence package as frozen records: one class a table, one field a column.

An empty cell means not reported: ``None`` in a number, ``""`` in a text. Nothing is ever filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from nextarm.evidence.columns import IDENTIFIER, PARTIAL_DATE, Column, Row

TIME_ORIGINS: Final = (
    "diagnosis", "randomisation", "remission", "post-induction", "transplant", "infusion", "treatment-start", "relapse", "not-stated",
)  # fmt: skip
BASES: Final = ("stated", "conventional", "not-stated")
ENROL_BASES: Final = ("stated", "secondary", "derived")
LEVELS: Final = ("in vitro", "PDX", "clinical")
STAGES: Final = ("in vitro", "PDX", "case series", "phase 1", "phase 2", "phase 3")

_source = Column("The publication or page the row was read in", refers="sources.source_id", required=True)
_arm = Column("The arm the row is about", refers="arms.arm_id", required=True)
_note = Column("What a reader must know about the row")


@dataclass(frozen=True, kw_only=True)
class SourceRow(Row):
    """A publication or page."""

    source_id: Annotated[str, Column("Key of the source", key=True, pattern=IDENTIFIER)]
    first_author: Annotated[str, Column("Family name of the first author, or the body that published")] = ""
    year: Annotated[int | None, Column("Year of publication", unit="year", minimum=1900, maximum=2100)] = None
    journal: Annotated[str, Column("Journal, congress, registry or site")] = ""
    title_short: Annotated[str, Column("Title, shortened", required=True)] = ""
    doi: Annotated[str, Column("Digital object identifier without the resolver", pattern=r"10\.\d{4,9}/\S+")] = ""
    pmid: Annotated[str, Column("PubMed number", pattern=r"\d{1,9}")] = ""
    url: Annotated[str, Column("Address of the page that was read, or words where it had none")] = ""


@dataclass(frozen=True, kw_only=True)
class Study(Row):
    """A trial or cohort."""

    study_id: Annotated[str, Column("Key of the study", key=True, pattern=IDENTIFIER)]
    name: Annotated[str, Column("Name in the literature", required=True)] = ""
    cooperative_group: Annotated[str, Column("Group or centres that ran it")] = ""
    registry_id: Annotated[str, Column("Trial registration numbers, separated by semicolons")] = ""
    design: Annotated[str, Column("Kind of study in words")] = ""
    enrol_start: Annotated[str, Column("First enrolment: year, month or day", pattern=PARTIAL_DATE)] = ""
    enrol_end: Annotated[str, Column("Last enrolment: year, month or day", pattern=PARTIAL_DATE)] = ""
    enrol_basis: Annotated[str, Column("Where the enrolment dates come from", choices=ENROL_BASES)] = ""
    age_limit: Annotated[str, Column("Age limit in words")] = ""
    n_total: Annotated[int | None, Column("Patients in the whole study", unit="patients", minimum=1)] = None
    source_id: Annotated[str, _source] = ""
    note: Annotated[str, _note] = ""

    @property
    def enrolment(self) -> tuple[float, float] | None:
        """Start and end of enrolment as decimal years, both to the end of what was printed; None if one is missing.

        ``1999`` to ``2005`` is 1999.0 to 2006.0; ``2011-01`` to ``2014-12`` is 2011.0 to 2015.0.
        """
        if not (self.enrol_start and self.enrol_end):
            return None
        return decimal_year(self.enrol_start), decimal_year(self.enrol_end, end=True)

    @property
    def mid_enrolment(self) -> float | None:
        """The middle of enrolment as a decimal year; None unless start and end are both known."""
        return None if self.enrolment is None else sum(self.enrolment) / 2.0


@dataclass(frozen=True, kw_only=True)
class Arm(Row):
    """An arm, stratum or subgroup of a study."""

    arm_id: Annotated[str, Column("Key of the arm", key=True, pattern=IDENTIFIER)]
    study_id: Annotated[str, Column("The study it belongs to", refers="studies.study_id", required=True)] = ""
    parent_arm_id: Annotated[str, Column("The arm whose patients include these", refers="arms.arm_id")] = ""
    pool_set: Annotated[str, Column("Set of independent whole cohorts fit for pooling", pattern=IDENTIFIER)] = ""
    label: Annotated[str, Column("Name for a table or chart", required=True)] = ""
    subtype: Annotated[str, Column("Disease subtype, 'any' where not restricted", required=True)] = ""
    stratum: Annotated[str, Column("What selects these patients within the study", required=True)] = ""
    treatment_class: Annotated[str, Column("Class of treatment", required=True)] = ""
    agents: Annotated[str, Column("Agents named, separated by semicolons")] = ""
    n: Annotated[int | None, Column("Patients, as printed", unit="patients", minimum=1)] = None
    note: Annotated[str, _note] = ""

    @property
    def agent_names(self) -> tuple[str, ...]:
        """The agents one by one."""
        return tuple(part.strip() for part in self.agents.split(";") if part.strip())


@dataclass(frozen=True, kw_only=True)
class Outcome(Row):
    """A survival or incidence estimate of one arm at one time."""

    arm_id: Annotated[str, _arm]
    endpoint: Annotated[str, Column("EFS, OS, DFS, RFS: event-free probability; CIR, TRM: cumulative incidence", required=True)] = ""
    time_years: Annotated[float | None, Column("Time of the estimate", unit="years", minimum=0)] = None
    time_origin: Annotated[str, Column("Where time starts", choices=TIME_ORIGINS, required=True)] = ""
    time_origin_basis: Annotated[str, Column("Whether the origin was printed or is the convention", choices=BASES, required=True)] = ""
    data_lock: Annotated[str, Column("Which analysis, where a study reported more than once")] = ""
    estimate: Annotated[float, Column("The estimate", unit="probability", minimum=0, maximum=1, required=True)]
    se: Annotated[float | None, Column("Standard error", unit="probability", minimum=0, maximum=0.5)] = None
    se_type: Annotated[str, Column("What the plus-minus value was called")] = ""
    ci_low: Annotated[float | None, Column("Lower 95 % limit as printed", unit="probability", minimum=0, maximum=1)] = None
    ci_high: Annotated[float | None, Column("Upper 95 % limit as printed", unit="probability", minimum=0, maximum=1)] = None
    n: Annotated[int | None, Column("Patients behind the estimate", unit="patients", minimum=1)] = None
    events: Annotated[int | None, Column("Events behind the estimate", unit="events", minimum=0)] = None
    median_followup_years: Annotated[float | None, Column("Median follow-up", unit="years", minimum=0)] = None
    conflict_group: Annotated[str, Column("Rows that print the same quantity differently", pattern=IDENTIFIER)] = ""
    preferred: Annotated[bool | None, Column("Which row of a conflict_group to use; the others are shown")] = None
    source_id: Annotated[str, _source] = ""
    where_seen: Annotated[str, Column("Part of the source that was read, or derived, or secondary", required=True)] = ""
    note: Annotated[str, _note] = ""


@dataclass(frozen=True, kw_only=True)
class Count(Row):
    """A count, or where only a rate was printed the rate (``rate=`` in the note)."""

    arm_id: Annotated[str, _arm]
    what: Annotated[str, Column("What was counted", required=True)] = ""
    events: Annotated[int | None, Column("How many", unit="events", minimum=0)] = None
    n: Annotated[int | None, Column("Out of how many", unit="patients", minimum=1)] = None
    source_id: Annotated[str, _source] = ""
    where_seen: Annotated[str, Column("Part of the source that was read, or derived, or secondary", required=True)] = ""
    note: Annotated[str, _note] = ""

    @property
    def rate(self) -> float | None:
        """``events / n``, else the printed ``rate=`` of the note, else None."""
        if self.events is not None and self.n is not None:
            return self.events / self.n
        return self.printed_rate

    @property
    def printed_rate(self) -> float | None:
        """The rate printed in the source (``rate=`` in the note), None if none was."""
        found = re.search(r"\brate=(\d+(?:\.\d+)?)", self.note)
        return float(found[1]) if found else None


@dataclass(frozen=True, kw_only=True)
class Agent(Row):
    """An agent."""

    agent_id: Annotated[str, Column("Key of the agent", key=True, pattern=IDENTIFIER)]
    name: Annotated[str, Column("Name", required=True)] = ""
    class_: Annotated[str, Column("Class", required=True, name="class")] = ""
    target: Annotated[str, Column("Molecular targets, separated by semicolons")] = ""
    mechanism_short: Annotated[str, Column("Mechanism in a few words")] = ""
    modality: Annotated[str, Column("immunotherapy, cell therapy or small molecule")] = ""
    figure: Annotated[str, Column("Panel of the overview figure it belongs to")] = ""
    highest_stage_infant_all: Annotated[str, Column("Highest stage seen in infants with ALL", choices=STAGES)] = ""
    regulatory_note: Annotated[str, Column("Approvals and limits")] = ""
    source_id: Annotated[str, _source] = ""


@dataclass(frozen=True, kw_only=True)
class AgentEvidence(Row):
    """A piece of evidence on an agent."""

    agent_id: Annotated[str, Column("The agent", refers="agents.agent_id", required=True)]
    level: Annotated[str, Column("Level of evidence", choices=LEVELS, required=True)] = ""
    model_or_population: Annotated[str, Column("Cells, animals or patients", required=True)] = ""
    partner: Annotated[str, Column("Agents given with it, separated by semicolons")] = ""
    endpoint: Annotated[str, Column("What was measured", required=True)] = ""
    effect_short: Annotated[str, Column("What was found", required=True)] = ""
    n: Annotated[int | None, Column("Patients, samples or models", minimum=1)] = None
    source_id: Annotated[str, _source] = ""


@dataclass(frozen=True, kw_only=True)
class OngoingTrial(Row):
    """A planned or recruiting trial."""

    registry_id: Annotated[str, Column("Registration number, empty where none was seen", unique=True)] = ""
    name: Annotated[str, Column("Name", key=True)]
    sponsor_or_group: Annotated[str, Column("Who runs it")] = ""
    phase: Annotated[str, Column("Phase", pattern=r"[1-4](/[1-4])?")] = ""
    population: Annotated[str, Column("Who may enter", required=True)] = ""
    agents: Annotated[str, Column("Agents, separated by semicolons")] = ""
    planned_n: Annotated[int | None, Column("Planned patients", unit="patients", minimum=1)] = None
    primary_endpoint: Annotated[str, Column("Primary endpoint")] = ""
    status_seen: Annotated[str, Column("Status when the page was read")] = ""
    source_id: Annotated[str, _source] = ""

    @property
    def agent_names(self) -> tuple[str, ...]:
        """The agents one by one."""
        return tuple(part.strip() for part in self.agents.split(";") if part.strip())


@dataclass(frozen=True, kw_only=True)
class RiskGroup(Row):
    """A protocol's risk group as a boolean rule."""

    protocol: Annotated[str, Column("Protocol", key=True)]
    group: Annotated[str, Column("Risk group", key=True)]
    rule: Annotated[str, Column("Rule over a patient's fields (docs/evidence.md, Risk groups)", required=True)] = ""
    as_printed_only: Annotated[bool | None, Column("yes: a misprint kept for the record, never offered")] = None
    source_id: Annotated[str, _source] = ""
    note: Annotated[str, _note] = ""


@dataclass(frozen=True, kw_only=True)
class Lesion(Row):
    """A genetic lesion's frequency and meaning."""

    subtype: Annotated[str, Column("Subtype the frequency refers to", required=True)] = ""
    lesion: Annotated[str, Column("Lesion", required=True)] = ""
    events: Annotated[int | None, Column("Patients with it", unit="patients", minimum=0)] = None
    n: Annotated[int | None, Column("Patients tested", unit="patients", minimum=1)] = None
    frequency: Annotated[float | None, Column("Frequency as printed", unit="proportion", minimum=0, maximum=1)] = None
    prognosis_note: Annotated[str, Column("Cohort and prognosis")] = ""
    targetable_with: Annotated[str, Column("Class of agent that may target it")] = ""
    source_id: Annotated[str, _source] = ""


@dataclass(frozen=True, kw_only=True)
class Comparison(Row):
    """A comparison printed in one source."""

    comparison_id: Annotated[str, Column("Key of the comparison", key=True, pattern=IDENTIFIER)]
    treated_arm_id: Annotated[str, Column("Treated or index arm", refers="arms.arm_id", required=True)] = ""
    control_arm_id: Annotated[str, Column("Control arm; empty where both sides are inside the treated arm", refers="arms.arm_id")] = ""
    endpoint: Annotated[str, Column("Endpoint", required=True)] = ""
    design: Annotated[str, Column("How the groups came about", choices=("randomised", "non-randomised", "prognostic"), required=True)] = ""
    measure: Annotated[str, Column("What the estimate is")] = ""
    estimate: Annotated[float | None, Column("The estimate", minimum=0)] = None
    ci_low: Annotated[float | None, Column("Lower 95 % limit as printed", minimum=0)] = None
    ci_high: Annotated[float | None, Column("Upper 95 % limit as printed", minimum=0)] = None
    p: Annotated[float | None, Column("p value as printed", unit="probability", minimum=0, maximum=1)] = None
    adjustment: Annotated[str, Column("Test or adjustment")] = ""
    source_id: Annotated[str, _source] = ""
    note: Annotated[str, _note] = ""


#: Every table of a package: its name (the file is ``name.csv``) and its record, in the order of the foreign keys.
TABLES: Final[tuple[tuple[str, type[Row]], ...]] = (
    ("sources", SourceRow),
    ("studies", Study),
    ("arms", Arm),
    ("outcomes", Outcome),
    ("counts", Count),
    ("agents", Agent),
    ("agent_evidence", AgentEvidence),
    ("trials_ongoing", OngoingTrial),
    ("risk_groups", RiskGroup),
    ("genetics", Lesion),
    ("comparisons", Comparison),
)
RECORD_OF: Final[dict[str, type[Row]]] = dict(TABLES)
TABLE_OF: Final[dict[type[Row], str]] = {record: name for name, record in TABLES}


def decimal_year(date: str, *, end: bool = False) -> float:
    """Turn a year, month or day into a decimal year; with ``end`` the end of what was printed.

    >>> decimal_year("2004-04"), decimal_year("2005", end=True), decimal_year("2014-12", end=True)
    (2004.25, 2006.0, 2015.0)
    """
    parts = [int(p) for p in date.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else 1
    value = year + (month - 1) / 12.0
    if len(parts) == 3:
        return value + (parts[2] - 1 + end) / 31.0 / 12.0
    return value + (1.0 / 12.0 if len(parts) == 2 else 1.0) * end
