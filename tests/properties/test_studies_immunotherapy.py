"""Section 3: the rebuilt curve keeps to the counts and the printed time, and its answer says what a sceptic would."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.evidence import load_package
from nextarm.report import DataTable, RowGroup
from nextarm.studies.infant_all import immunotherapy
from nextarm.studies.infant_all.rebuilt import VERSIONS, rebuild
from studies_example import plain


@pytest.fixture(scope="module")
def package():
    return load_package()


def the_row(package):
    return next(o for o in package.outcomes if (o.arm_id, o.endpoint, o.time_years) == ("blin", immunotherapy.ENDPOINT, immunotherapy.TIME))


def test_the_versions_are_held_to_the_counted_events(package):
    row = the_row(package)
    counted = immunotherapy._counted(package, row)
    assert counted is not None
    assert counted.events == 5
    assert "probably all come by then" in counted.caution
    assert {r.table for r in counted.rows} == {"counts"}
    assert len(counted.rows) == 3
    made = rebuild(row, counted)
    events = [int((made.version(v).event > 0).sum()) for v in range(VERSIONS)]
    assert sum(e == 5 for e in events) > VERSIONS // 2
    assert max(abs(e - 5) for e in events) <= 1


@pytest.mark.parametrize("what", ["relapse", "death_unrelated_to_blinatumomab", "new_event_after_first_report"])
def test_without_one_of_the_counts_nothing_is_held(package, what):
    bare = replace(package, counts=tuple(c for c in package.counts if (c.arm_id, c.what) != ("blin", what)))
    assert immunotherapy._counted(bare, the_row(package)) is None


def test_a_later_event_ends_the_count(package):
    changed = tuple(replace(c, events=1) if c.what == "new_event_after_first_report" else c for c in package.counts)
    assert immunotherapy._counted(replace(package, counts=changed), the_row(package)) is None


def test_a_sceptic_is_named_only_where_the_interval_holds_1(package):
    found = immunotherapy.landmarks(package)
    last = max((x for x in found if x.endpoint == "OS"), key=lambda x: x.time)
    assert last.sceptical is not None
    assert ("a sceptic is not convinced" in plain(immunotherapy.lead(found))) == (last.sceptical.ci.low <= 1.0 <= last.sceptical.ci.high)
    sure = replace(last.sceptical, ci=replace(last.sceptical.ci, high=0.9))
    convinced = tuple(replace(x, sceptical=sure) if x is last else x for x in found)
    assert "sceptic" not in plain(immunotherapy.lead(convinced))


def test_counts_of_one_source_stand_together(package):
    table = next(b for b in immunotherapy._safety(package) if isinstance(b, DataTable))
    groups = [r for r in table.rows if isinstance(r, RowGroup)]
    sources = {(c.source_id, c.where_seen) for c in package.counts if c.arm_id == "blin"}
    assert isinstance(table.rows[0], RowGroup)
    assert len(groups) == len(sources) > 1
    assert len({g.title for g in groups}) == len(groups)
    assert len(table.rows) - len(groups) == sum(c.arm_id == "blin" for c in package.counts)
