"""Section 3: the rebuilt curve keeps to the counts and the printed time, and its answer says what a sceptic would."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nextarm.evidence import load_package
from nextarm.report import DataTable, RowGroup
from nextarm.studies.infant_all import (
    immunotherapy,
    immunotherapy_bias,
    immunotherapy_comparison,
    immunotherapy_control,
    immunotherapy_counts,
)
from nextarm.studies.infant_all.control_prior import control_prior
from nextarm.studies.infant_all.immunotherapy_landmarks import ENDPOINT, TIME
from nextarm.studies.infant_all.rebuilt import VERSIONS, rebuild
from studies_example import bundled, everything, numbers, plain


@pytest.fixture(scope="module")
def package():
    return load_package()


def the_row(package):
    return next(o for o in package.outcomes if (o.arm_id, o.endpoint, o.time_years) == ("blin", ENDPOINT, TIME))


def test_the_versions_are_held_to_the_counted_events(package):
    row = the_row(package)
    counted = immunotherapy_comparison.counted_events(package, row)
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
    assert immunotherapy_comparison.counted_events(bare, the_row(package)) is None


def test_a_later_event_ends_the_count(package):
    changed = tuple(replace(c, events=1) if c.what == "new_event_after_first_report" else c for c in package.counts)
    assert immunotherapy_comparison.counted_events(replace(package, counts=changed), the_row(package)) is None


def test_a_sceptic_is_named_only_where_the_interval_holds_1(package):
    found = immunotherapy.landmarks(package)
    last = max((x for x in found if x.endpoint == "OS"), key=lambda x: x.time)
    assert last.sceptical is not None
    assert ("a sceptic is not convinced" in plain(immunotherapy.lead(found))) == (last.sceptical.ci.low <= 1.0 <= last.sceptical.ci.high)
    sure = replace(last.sceptical, ci=replace(last.sceptical.ci, high=0.9))
    convinced = tuple(replace(x, sceptical=sure) if x is last else x for x in found)
    assert "sceptic" not in plain(immunotherapy.lead(convinced))


def test_counts_of_one_source_stand_together(package):
    table = next(b for b in immunotherapy_counts.counts(package) if isinstance(b, DataTable))
    groups = [r for r in table.rows if isinstance(r, RowGroup)]
    sources = {(c.source_id, c.where_seen) for c in package.counts if c.arm_id == "blin"}
    assert isinstance(table.rows[0], RowGroup)
    assert len(groups) == len(sources) > 1
    assert len({g.title for g in groups}) == len(groups)
    assert len(table.rows) - len(groups) == sum(c.arm_id == "blin" for c in package.counts)


def test_the_array_holds_the_published_comparison_and_says_what_breaks_it(package):
    found = immunotherapy.landmarks(package)
    main = immunotherapy.main_landmark(found)
    shown = numbers(bundled("immunotherapy"))
    published = shown[f"{main.key}.array.published"]
    assert published.value == main.comparison.cumulative_hazard_ratio
    rows = [n for name, n in shown.items() if name.startswith(f"{main.key}.array.") and n.low is not None]
    assert shown[f"{main.key}.array.held"].value == sum(n.high < 1.0 for n in rows)
    assert shown[f"{main.key}.array.rows"].value == len(rows) >= 15
    assert all("assumption" in n.marks for n in rows if n is not published)


def test_drift_is_that_of_the_trend_of_section_1(package):
    from nextarm.studies.infant_all.plateau_cohorts import gather

    cohorts = gather(package)
    made = immunotherapy_bias.drifts(package)
    assert [p.mean for p in made.values()] == [t.regression.coefficient("year").estimate for t in (cohorts.trend, cohorts.near)]


def test_without_a_trend_there_is_no_drift_and_the_section_says_so(package):
    bare = replace(package, outcomes=tuple(o for o in package.outcomes if o.endpoint != "EFS"))
    assert immunotherapy_bias.drifts(bare) == {}
    assert any("Drift between eras cannot be learnt" in str(p) for p in everything(immunotherapy.section(bare)))


def test_the_control_of_the_next_trial_is_predicted_from_its_own_backbone_alone(package):
    own = immunotherapy_control.history(package)
    assert own is not None
    assert [r.key for r in own.trail.rows] or len(own.studies) == 1
    found = control_prior(own)
    assert found is not None
    assert found.prior.k == 1
    assert 0.0 < found.infants(robust=True) < found.infants() < own.studies[0].n
    tighter, wider = (control_prior(own, s) for s in (0.15, 0.5))
    assert tighter.infants() > found.infants() > wider.infants()
    assert any("one study" in w for w in found.prior.warnings)


def test_every_comparison_of_the_section_is_called_historical():
    section = bundled("immunotherapy")
    said = " ".join(str(p) for p in everything(section) if isinstance(p, str))
    assert said.count("historical control") >= 4
    assert "not EFS from diagnosis" in said.replace("It is not EFS from diagnosis", "not EFS from diagnosis")
