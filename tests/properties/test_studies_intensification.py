"""Section 2: it opens with immortal time, follows the counts, and never pools transplantation across sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.evidence import load_package
from nextarm.report import DataTable
from nextarm.studies.infant_all import intensification
from studies_example import bundled, everything, numbers, plain

SECTIONS = ("plateau", "intensification", "immunotherapy", "agents", "germline")


@pytest.fixture(scope="module")
def package():
    return load_package()


def test_it_opens_by_naming_immortal_time(package):
    for evidence in (package, replace(package, counts=()), replace(package, comparisons=())):
        first = plain(intensification.section(evidence).lead).split(". ")[0]
        assert "immortal-time bias" in first
        assert "no comparison across sources" in first


def test_without_deaths_it_says_so(package):
    kept = tuple(c for c in package.counts if c.what not in intensification.TOXIC_DEATHS)
    section = intensification.section(replace(package, counts=kept))
    assert plain(section.lead).endswith("No protocol in the evidence reports early or treatment-related deaths.")
    assert not any(name.startswith(("intensification.death", "intensification.lowest")) for name in numbers(section))
    assert any(isinstance(b, DataTable) and b.caption == "Relapses by protocol" for b in section.blocks)


def test_the_extremes_in_the_answer_follow_the_counts(package):
    deaths = intensification.frontline_counts(package, intensification.TOXIC_DEATHS)
    whole = intensification.most_reported(package, deaths)
    assert len(whole) >= 3
    assert len({c.what for c in whole}) == 1  # never a range across definitions
    found = numbers(bundled("intensification"))
    assert found["intensification.highest"].value == max(c.rate for c in whole)
    assert found["intensification.lowest"].value == min(c.rate for c in whole)
    worst = max(whole, key=lambda c: c.rate)
    worse = replace(worst, events=90, n=100, note="")
    changed = replace(package, counts=tuple(worse if c is worst else c for c in package.counts))
    section = intensification.section(changed)
    assert numbers(section)["intensification.highest"].value == 0.9
    assert "90" in plain(section.lead)


def test_deaths_are_counted_under_each_definition_and_not_added(package):
    deaths = intensification.frontline_counts(package, intensification.TOXIC_DEATHS)
    found = numbers(bundled("intensification"))
    assert found["intensification.definitions"].value == len({c.what for c in deaths})
    rows = [n for name, n in found.items() if name.startswith("intensification.death.")]
    assert len(rows) == len(deaths)
    assert all(len(n.trail.rows) == 1 for n in rows)


def test_a_contrast_of_transplantation_comes_from_one_row_of_one_source(package):
    found = numbers(bundled("intensification"))
    contrasts = [n for name, n in found.items() if name.startswith("intensification.contrast.")]
    assert len([n for n in contrasts if not n.name.endswith(".p")]) >= 1
    for n in contrasts:
        assert [row.table for row in n.trail.rows] == ["comparisons"]
        assert len(n.trail.sources) <= 1


@pytest.mark.parametrize("name", SECTIONS)
def test_no_number_joins_transplanted_infants_of_two_sources(package, name):
    """A number from rows of several sources may count rows; it may not hold an outcome of arms defined by transplantation."""
    transplanted = {a.arm_id for a in package.arms if "transplant" in f"{a.stratum} {a.label}".lower() or "hsct" in a.stratum.lower()}
    assert transplanted
    for n in numbers(bundled(name)).values():
        if len({row.source_id for row in n.trail.rows}) < 2:
            continue
        assert not any(row.table == "comparisons" for row in n.trail.rows), n.name
        outcomes = {row.key.split()[0] for row in n.trail.rows if row.table == "outcomes"}
        assert not outcomes & transplanted, n.name


def test_whether_waiting_time_was_adjusted_for_is_said(package):
    said = [p for p in everything(bundled("intensification")) if isinstance(p, str)]
    assert "yes" in said
    table = next(b for b in bundled("intensification").blocks if isinstance(b, DataTable) and "comparisons.csv" in b.caption)
    at = table.columns.index("Waiting time adjusted")
    assert {str(row[at]).split(" ")[0] for row in table.rows} <= {"yes", "no", "not"}
