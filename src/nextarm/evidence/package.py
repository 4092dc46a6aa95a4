"""An evidence package in memory: its tables as tuples of records, lookups, and the way from a record to its source.

It is made by :func:`nextarm.evidence.loading.load_package`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from nextarm.core.errors import CallError
from nextarm.core.trail import RowRef, Source
from nextarm.evidence.columns import Row, key_of
from nextarm.evidence.marks import marks_of
from nextarm.evidence.reading import nearest
from nextarm.evidence.schema import (
    TABLE_OF,
    TABLES,
    Agent,
    AgentEvidence,
    Arm,
    Comparison,
    Count,
    Lesion,
    OngoingTrial,
    Outcome,
    RiskGroup,
    SourceRow,
    Study,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Package:
    """The rows of one package and of those it extends.

    ``name`` as in ``datapackage.json``; ``extends`` the packages whose rows it holds too. Lookups raise
    :class:`CallError` with the nearest known name.
    """

    name: str
    title: str = ""
    extends: tuple[str, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    studies: tuple[Study, ...] = ()
    arms: tuple[Arm, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    counts: tuple[Count, ...] = ()
    agents: tuple[Agent, ...] = ()
    agent_evidence: tuple[AgentEvidence, ...] = ()
    trials_ongoing: tuple[OngoingTrial, ...] = ()
    risk_groups: tuple[RiskGroup, ...] = ()
    genetics: tuple[Lesion, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    def tables(self) -> Iterator[tuple[str, tuple[Row, ...]]]:
        """Every table with its rows, in the order of the foreign keys."""
        for name, _ in TABLES:
            yield name, getattr(self, name)

    @cached_property
    def _arms(self) -> Mapping[str, Arm]:
        return {row.arm_id: row for row in self.arms}

    @cached_property
    def _studies(self) -> Mapping[str, Study]:
        return {row.study_id: row for row in self.studies}

    @cached_property
    def _sources(self) -> Mapping[str, SourceRow]:
        return {row.source_id: row for row in self.sources}

    @cached_property
    def _conflicts(self) -> Mapping[str, tuple[Outcome, ...]]:
        groups = dict.fromkeys(row.conflict_group for row in self.outcomes)
        return {g: tuple(row for row in self.outcomes if row.conflict_group == g) for g in groups}

    @cached_property
    def _agents(self) -> Mapping[str, Agent]:
        return {row.agent_id: row for row in self.agents}

    def arm(self, arm_id: str) -> Arm:
        """The arm ``arm_id``."""
        return _look_up(self._arms, arm_id, "arm", self.name)

    def study(self, study_id: str) -> Study:
        """The study ``study_id``."""
        return _look_up(self._studies, study_id, "study", self.name)

    def study_of(self, arm: Arm | str) -> Study:
        """The study an arm belongs to."""
        return self.study((self.arm(arm) if isinstance(arm, str) else arm).study_id)

    def agent(self, agent_id: str) -> Agent:
        """The agent ``agent_id``."""
        return _look_up(self._agents, agent_id, "agent", self.name)

    def source(self, source_id: str) -> Source:
        """The source ``source_id`` as a trail carries it; an address that is not one (words) is left empty."""
        row = _look_up(self._sources, source_id, "source", self.name)
        return Source(
            row.source_id,
            first_author=row.first_author,
            year=row.year,
            journal=row.journal,
            title=row.title_short,
            doi=row.doi,
            pmid=row.pmid,
            url=row.url if row.url.startswith(("https://", "http://")) else "",
        )

    def ancestors(self, arm: Arm | str) -> tuple[str, ...]:
        """The parent of an arm, its parent and so on, nearest first."""
        found: list[str] = []
        parent = (self.arm(arm) if isinstance(arm, str) else arm).parent_arm_id
        while parent in self._arms and parent not in found:
            found.append(parent)
            parent = self._arms[parent].parent_arm_id
        return tuple(found)

    def ref(self, row: Row) -> RowRef:
        """Where ``row`` stands and what a reader must know about it (see :func:`~nextarm.evidence.marks.marks_of`).

        ``table`` is the table's name, with the package before it (``infant-all/outcomes``) where packages are mixed; ``note`` is
        the row's own, and behind it the other rows of its conflict where it does not name them.
        """
        table, note = TABLE_OF[type(row)], getattr(row, "note", "")
        if isinstance(row, Outcome) and row.conflict_group and "conflict:" not in note:
            others = (f"conflict: {self._other(o)}" for o in self._conflicts[row.conflict_group] if o is not row)
            note = "; ".join(filter(None, (note, *others)))
        return RowRef(
            table=f"{row.package}/{table}" if self.extends else table,
            line=row.line,
            key=row_key(row),
            source_id=getattr(row, "source_id", ""),
            marks=marks_of(row),
            note=note,
        )

    def _other(self, row: Outcome) -> str:
        """A row of a conflict in words, for the note of another."""
        time = "" if row.time_years is None else f" at {row.time_years:g} years"
        use = "" if row.preferred is None else ", the row to use" if row.preferred else ", not the row to use"
        return f"{row.estimate:g}{time} in {self.source(row.source_id).cite()} (outcomes, line {row.line}{use})"


def row_key(row: Row) -> str:
    """Name a row in words: its key, or what tells it apart (``interfant-06-r EFS 6 years``)."""
    if isinstance(row, Outcome):
        time = "time not stated" if row.time_years is None else f"{row.time_years:g} years"
        return " ".join(filter(None, (row.arm_id, row.endpoint, time, f"({row.data_lock})" if row.data_lock else "")))
    if isinstance(row, Count):
        return f"{row.arm_id} {row.what}"
    if isinstance(row, AgentEvidence):
        return f"{row.agent_id} {row.level}: {row.endpoint} in {row.model_or_population}"
    if isinstance(row, Lesion):
        return f"{row.lesion} in {row.subtype}"
    return " ".join(str(getattr(row, f.attribute)) for f in key_of(type(row)))


def _look_up(table: Mapping[str, T], key: str, word: str, package: str) -> T:
    try:
        return table[key]
    except KeyError:
        cure = nearest(key, table) or f"`nextarm evidence --package {package}` lists what there is"
        raise CallError(f"{word} = {key!r}", where=f"package {package}", rule="is not in the package", cure=cure) from None
