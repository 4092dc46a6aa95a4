"""Section 4: its answer follows the rows of agent_evidence.csv."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.evidence import load_package
from nextarm.report import Link
from nextarm.studies.infant_all import agents
from studies_example import bundled, numbers, plain


@pytest.fixture(scope="module")
def package():
    return load_package()


def test_the_counts_in_the_answer_are_those_of_the_table(package):
    found = numbers(bundled("agents"))
    levels = {}
    for row in package.agent_evidence:
        levels.setdefault(row.agent_id, set()).add(agents.level_of(row))
    assert found["agents.total"].value == len(package.agents)
    assert found["agents.infants"].value == sum("infants" in s for s in levels.values())
    assert found["agents.xenograft-only"].value == sum("PDX" in s and "infants" not in s for s in levels.values())


def test_without_results_in_infants_the_answer_is_none_yet(package):
    rest = tuple(e for e in package.agent_evidence if agents.level_of(e) != "infants")
    assert len(rest) < len(package.agent_evidence)
    assert plain(bundled("agents").lead).startswith("Few: ")
    assert plain(agents.section(replace(package, agent_evidence=rest)).lead).startswith("None yet: ")


def test_a_larger_series_in_infants_is_named(package):
    rows = [e for e in package.agent_evidence if agents.level_of(e) == "infants" and e.n]
    small = min(rows, key=lambda e: e.n)
    grown = tuple(replace(e, n=5000) if e is small else e for e in package.agent_evidence)
    lead = agents.section(replace(package, agent_evidence=grown)).lead
    assert "5,000 infants" in plain(lead)
    assert package.agent(small.agent_id).name in plain(lead)


def test_every_finding_stands_in_the_table_with_its_source(package):
    table = next(b for b in bundled("agents").blocks if getattr(b, "caption", "") and "Findings" in getattr(b, "columns", ()))
    at = table.columns.index("Findings")
    links = sum(isinstance(part, Link) for row in table.rows for part in row[at].parts)
    linked = sum(bool(package.source(e.source_id).link()) for e in package.agent_evidence)
    assert links == linked > 50
